package weakupdates

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"modkeep/policy"
)

// report adds the outcomes of a target to the plan.
func (c *choice) report(p *Plan, l *request) {
	c.judgeRefused()
	var unsigned []string
	for _, name := range c.names {
		e := c.entries[name]
		list := c.outcomes(e, l)
		for i := range list {
			o := &list[i]
			o.Listed = slices.Contains(l.names, name)
			if o.Decision == Linked && o.Verdict != nil && slices.Contains(o.Verdict.Taints, "E") {
				unsigned = append(unsigned, name)
			}
		}
		p.Outcomes = append(p.Outcomes, list...)
	}
	if len(unsigned) > 0 && c.k.SigPolicy().LockdownLSM {
		p.note("kernel %s refuses what is not signed for it once it is locked down (Secure Boot): %s", c.k.Release, someOf(unsigned))
	}
}

// someOf lists the first few of many names.
func someOf(names []string) string {
	const most = 4
	if n := len(names) - most; n > 1 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], " "), n)
	}
	return strings.Join(names, " ")
}

// judgeRefused gives the names without a build the verdict of their best one
// beside all that is linked, and what is linked its own.
func (c *choice) judgeRefused() {
	var left []*Donor
	for _, name := range c.names {
		e := c.entries[name]
		if e.shut == nil && c.chosen[name] == nil && len(e.options) > 0 {
			left = append(left, e.options[0])
		}
	}
	if len(left) > 0 {
		for i, v := range c.check(left) {
			if !loads(v) {
				c.tried[left[i]] = v
			}
		}
	}
	list := c.list()
	for i, v := range c.check(nil) {
		c.tried[list[i]] = v
	}
	c.byName = c.triedByName()
}

// outcomes says what became of one name: of the build that is linked, and of
// those that were tried before it.
func (c *choice) outcomes(e *entry, l *request) []Outcome {
	base := Outcome{Kernel: c.k.Release, Name: e.name}
	if e.link != nil {
		base.Link, base.Target = e.link.Path, e.link.Target
	}
	chosen := c.chosen[e.name]
	if chosen == nil && e.link == nil && l.names != nil && !slices.Contains(l.names, e.name) {
		return nil // looked at for the sake of those that were asked for
	}
	if e.shut != nil {
		o := *e.shut
		o.Link, o.Target = base.Link, base.Target
		return []Outcome{o}
	}
	var list []Outcome
	for _, d := range c.byName[e.name] {
		if d == chosen {
			continue
		}
		o := base
		o.Decision, o.Donor, o.Verdict = Refused, d, c.tried[d]
		o.Reason, o.Final = c.why(e, d), chosen == nil && len(list) == 0
		list = append(list, o)
	}
	switch {
	case chosen != nil:
		list = append(list, c.linked(base, e, chosen))
		list = append(list, c.older(base, l, chosen)...)
	case e.link != nil && e.link.Target == "" && len(list) == 0:
		o := base
		o.Decision, o.Reason = Dangling, "what it leads to is gone: "+e.link.Text
		list = append(list, o)
	case len(list) == 0 && len(e.options) > 0:
		o := *c.refusedOutcome(e, e.options[0], "group", c.groupReason(e))
		o.Link, o.Target = base.Link, base.Target
		list = append(list, o)
	}
	return list
}

// why is the reason of a refusal, in words.
func (c *choice) why(e *entry, d *Donor) string {
	if v := c.tried[d]; loads(v) {
		return c.groupReason(e)
	}
	return Reason(c.tried[d])
}

func (c *choice) groupReason(e *entry) string {
	if e.group == "" {
		return "refused with what it needs"
	}
	var bad []string
	for _, name := range c.names {
		if o := c.entries[name]; o.group == e.group && slices.ContainsFunc(c.byName[name], func(d *Donor) bool { return !loads(c.tried[d]) }) {
			bad = append(bad, name)
		}
	}
	return fmt.Sprintf("%s is linked as a whole or not at all, and not all of it loads: %s", e.group, strings.Join(bad, " "))
}

// triedByName returns the donors that were judged, newest first, by name.
func (c *choice) triedByName() map[string][]*Donor {
	age := map[string]int{}
	for i, krel := range c.r.releases {
		age[krel] = i + 1
	}
	byName := map[string][]*Donor{}
	for d := range c.tried {
		byName[d.Name] = append(byName[d.Name], d)
	}
	for _, list := range byName {
		slices.SortFunc(list, func(a, b *Donor) int {
			return cmp.Or(cmp.Compare(age[b.Kernel], age[a.Kernel]), strings.Compare(a.Path, b.Path))
		})
	}
	return byName
}

// linked is the outcome of the build that is linked.
func (c *choice) linked(base Outcome, e *entry, d *Donor) Outcome {
	o := base
	o.Decision, o.Donor, o.Verdict, o.Override = Linked, d, c.tried[d], e.override
	o.Forced = e.rule.Link == policy.LinkForce && !loads(o.Verdict)
	if e.link != nil && e.link.Host == d.Host {
		o.Decision = Kept
	}
	if o.Decision == Linked {
		o.Link = c.linkPath(d)
		if built := d.Built(); built != d.Kernel {
			c.r.note("%s lies below %s, and says that it was built for %s", d.Path, d.Kernel, built)
		}
	}
	o.Target = d.Path
	return o
}

// older are the builds that the request named, or that were linked before, and
// that the linked one is preferred to.
func (c *choice) older(base Outcome, l *request, chosen *Donor) []Outcome {
	var list []Outcome
	for _, where := range l.order {
		d := l.donors[where]
		if d.Name != chosen.Name || d == chosen || d.Host == chosen.Host || d.Kernel == c.k.Release {
			continue
		}
		if _, tried := c.tried[d]; tried {
			continue
		}
		o := base
		o.Decision, o.Donor, o.By = Older, d, chosen
		o.Reason = fmt.Sprintf("the build for %s is linked", chosen.Kernel)
		list = append(list, o)
	}
	return list
}

func (c *choice) linkPath(d *Donor) string {
	return c.k.ModuleDir + "/" + c.r.Layout.place(d.Rel)
}
