package weakupdates

import (
	"fmt"
	"slices"
	"strings"

	"modkeep/kernel"
	"modkeep/kernel/release"
	"modkeep/loader"
	"modkeep/policy"
)

// entry is one module name that a target may have a link for.
type entry struct {
	name     string
	options  []*Donor // best first
	link     *Link    // the link that there is; the first where there are several
	rule     policy.Rule
	prefer   bool   // the request wants the first option, although it is not the newest
	pinned   bool   // not in scope: its link stays if it loads
	group    string // policy group whose members come all together, or ""
	shut     *Outcome
	override bool // a link needs an override
	masking  string
}

// choice is the work of finding the links of one target.
type choice struct {
	r       *Root
	k       *kernel.Kernel
	target  *loader.Target
	entries map[string]*entry
	names   []string // of entries, sorted
	chosen  map[string]*Donor
	tried   map[*Donor]*loader.Verdict // of those that were refused when last judged
	byName  map[string][]*Donor        // those of tried, newest first, once all is decided
	foreign map[string][]*Donor        // built for another variant of the kernel
	parts   map[string]map[string]int  // donor kernel → module name → its dependency group there
}

// choose finds the best set of donors.
func (c *choice) choose() {
	c.chosen, c.tried = map[string]*Donor{}, map[*Donor]*loader.Verdict{}
	for _, name := range c.names {
		if e := c.entries[name]; e.shut == nil && (e.pinned || e.rule.Link == policy.LinkForce) && len(e.options) > 0 {
			c.chosen[name] = e.options[0]
		}
	}
	c.takePreferred()
	kernels := c.donorKernels()
	for _, krel := range kernels {
		c.takeGroups(krel)
	}
	for again := true; again; {
		again = false
		for _, krel := range kernels {
			again = c.takeSingles(krel) || again
		}
		again = c.drop() || again
	}
}

// takePreferred takes the builds that the request put before newer ones, as
// far as they load.
func (c *choice) takePreferred() {
	var list []*Donor
	for _, name := range c.names {
		if e := c.entries[name]; e.shut == nil && e.prefer && c.chosen[name] == nil {
			list = append(list, e.options[0])
		}
	}
	if len(list) == 0 {
		return
	}
	for i, v := range c.check(list) {
		if loads(v) {
			c.chosen[list[i].Name] = list[i]
		} else {
			c.tried[list[i]] = v
		}
	}
}

// donorKernels returns the kernels whose donors are options, newest first.
func (c *choice) donorKernels() []string {
	seen := map[string]bool{}
	var list []string
	for _, name := range c.names {
		for _, d := range c.entries[name].options {
			if !seen[d.Kernel] {
				seen[d.Kernel] = true
				list = append(list, d.Kernel)
			}
		}
	}
	slices.SortFunc(list, func(a, b string) int { return release.Compare(b, a) })
	return list
}

// open returns the donors of a kernel whose names have no build yet, in the
// order of their names.
func (c *choice) open(krel string) []*Donor {
	var list []*Donor
	for _, name := range c.names {
		e := c.entries[name]
		if e.shut != nil || e.pinned || c.chosen[name] != nil {
			continue
		}
		for _, d := range e.options {
			if d.Kernel == krel {
				list = append(list, d)
				break
			}
		}
	}
	return list
}

// takeGroups takes the dependency groups of a donor kernel that load as a whole.
func (c *choice) takeGroups(krel string) {
	open := c.open(krel)
	if len(open) == 0 {
		return
	}
	verdicts := c.check(open)
	part := c.parts[krel]
	bad := map[int]bool{}
	for i, d := range open {
		if !loads(verdicts[i]) {
			bad[part[d.Name]] = true
			c.tried[d] = verdicts[i]
		}
	}
	groups := map[string]bool{} // policy groups that some name is missing of
	for _, d := range open {
		if g := c.entries[d.Name].group; g != "" && bad[part[d.Name]] {
			groups[g] = true
		}
	}
	for _, d := range open {
		if g := c.entries[d.Name].group; !bad[part[d.Name]] && (g == "" || !groups[g] && c.complete(g, open)) {
			c.chosen[d.Name] = d
		}
	}
}

// complete reports whether a policy group has, with these donors, all the names
// of its members that any donor has.
func (c *choice) complete(group string, open []*Donor) bool {
	for _, name := range c.names {
		e := c.entries[name]
		if e.group != group || e.shut != nil && e.shut.Decision == Own || len(e.options) == 0 && e.shut == nil {
			continue
		}
		if c.chosen[name] == nil && !slices.ContainsFunc(open, func(d *Donor) bool { return d.Name == name }) {
			return false
		}
	}
	return true
}

// takeSingles takes what loads of a donor kernel beside what is chosen.
func (c *choice) takeSingles(krel string) (more bool) {
	open := slices.DeleteFunc(c.open(krel), func(d *Donor) bool { return c.entries[d.Name].group != "" })
	if len(open) == 0 {
		return false
	}
	verdicts := c.check(open)
	for i, d := range open {
		if loads(verdicts[i]) {
			c.chosen[d.Name] = d
			more = true
		} else {
			c.tried[d] = verdicts[i]
		}
	}
	return more
}

// drop takes back what does not load beside all that is chosen: a link from
// before that is bad, a consumer of it. It reports whether that left others
// unserved that may now be tried again.
func (c *choice) drop() (changed bool) {
	for {
		list := c.list()
		verdicts := c.check(nil)
		dropped := false
		groups := map[string]bool{}
		for i, d := range list {
			e := c.entries[d.Name]
			if loads(verdicts[i]) || e.rule.Link == policy.LinkForce {
				continue
			}
			c.tried[d] = verdicts[i]
			e.options = slices.DeleteFunc(slices.Clone(e.options), func(o *Donor) bool { return o == d })
			delete(c.chosen, d.Name)
			dropped = true
			groups[e.group] = true
		}
		for name := range c.chosen {
			if g := c.entries[name].group; g != "" && groups[g] {
				delete(c.chosen, name)
			}
		}
		if !dropped {
			return changed
		}
		changed = true
	}
}

// list returns the chosen donors, in the order of their names.
func (c *choice) list() []*Donor {
	list := make([]*Donor, 0, len(c.chosen))
	for _, name := range c.names {
		if d := c.chosen[name]; d != nil {
			list = append(list, d)
		}
	}
	return list
}

// check judges donors beside what is chosen; without any it judges what is
// chosen itself. A nil verdict is of a file that cannot be read.
func (c *choice) check(donors []*Donor) []*loader.Verdict {
	list := c.list()
	skip := len(list)
	if donors == nil {
		skip = 0
	}
	list = append(list, donors...)
	return c.target.Check(c.r.modules(list))[skip:]
}

// Judge judges modules on a kernel that stand there, or would, as a set. A nil
// verdict is of a file that cannot be read.
func (r *Root) Judge(krel string, donors []*Donor) ([]*loader.Verdict, error) {
	k, err := r.Kernel(krel)
	if err != nil {
		return nil, err
	}
	return r.judge(k).Check(r.modules(donors)), nil
}

// modules reads donors, each file once for all kernels and plans.
func (r *Root) modules(donors []*Donor) []*loader.Module {
	var paths []string
	var unread []*Donor
	for _, d := range donors {
		if d.module == nil {
			unread = append(unread, d)
			paths = append(paths, d.Host)
		}
	}
	for i, m := range loader.ReadAll(paths) {
		unread[i].module = m
	}
	list := make([]*loader.Module, len(donors))
	for i, d := range donors {
		list[i] = d.module
	}
	return list
}

// loads reports whether a link to a module is worth making. What would load by
// force only, with its versions ignored, is not.
func loads(v *loader.Verdict) bool {
	return v != nil && v.Safe() && !slices.Contains(v.Taints, "F")
}

// weigh takes back overrides that cost more than they give: where a link would
// win over the target's in-tree module only to have others refused that need
// that one, the in-tree module stays.
func (c *choice) weigh() {
	blamed := c.blamed()
	for _, name := range c.names {
		e := c.entries[name]
		d := c.chosen[name]
		if d == nil || !e.override || e.rule.Link == policy.LinkForce {
			continue
		}
		loser := blamed[d.Host]
		if loser == "" {
			continue
		}
		before, tried, options := c.chosen, c.tried, c.snapshot()
		e.shut = c.refusedOutcome(e, d, "override", fmt.Sprintf("needs override: depmod selects %s; an override would have %s refused, which needs that one", e.masking, loser))
		c.choose()
		if len(c.chosen) < len(before) || c.chosen[loser] == nil {
			e.shut, c.chosen, c.tried = nil, before, tried
			c.restore(options)
			continue
		}
		blamed = c.blamed()
	}
}

func (c *choice) snapshot() map[string][]*Donor {
	options := map[string][]*Donor{}
	for name, e := range c.entries {
		options[name] = e.options
	}
	return options
}

func (c *choice) restore(options map[string][]*Donor) {
	for name, e := range c.entries {
		e.options = options[name]
	}
}

// blamed returns, for the file of each module that others are refused for what it
// exports, the first of their names.
func (c *choice) blamed() map[string]string {
	byName, blamed := c.triedByName(), map[string]string{}
	for _, name := range c.names {
		e := c.entries[name]
		if c.chosen[name] != nil || e.shut != nil || e.pinned && e.link == nil {
			continue
		}
		for _, d := range byName[name] {
			if v := c.tried[d]; v != nil {
				for _, f := range v.Findings {
					if blamed[f.Provider] == "" {
						blamed[f.Provider] = name
					}
				}
			}
		}
	}
	return blamed
}

// refusedOutcome is a refusal that no kernel speaks: its verdict holds the
// finding that a rule of weak-updates makes.
func (c *choice) refusedOutcome(e *entry, d *Donor, kind loader.Kind, reason string) *Outcome {
	v := &loader.Verdict{Name: e.name, Kernel: c.k.Release, Basis: loader.Source, Findings: []loader.Finding{{Kind: kind, Text: reason}}}
	if d != nil {
		v.Module = d.Host
	}
	return &Outcome{Decision: Refused, Kernel: c.k.Release, Name: e.name, Donor: d, Verdict: v.Finished(), Reason: reason, Final: true}
}

// Reason is a verdict's findings in a line.
func Reason(v *loader.Verdict) string {
	if v == nil {
		return "the file cannot be read"
	}
	var list []string
	for _, f := range v.Findings {
		list = append(list, f.Text)
	}
	const most = 3
	if n := len(list) - most; n > 0 {
		list = append(list[:most], fmt.Sprintf("and %d more", n))
	}
	if len(list) == 0 {
		if slices.Contains(v.Taints, "F") {
			return "has no versions, the kernel could only force it in"
		}
		return v.Errno
	}
	return strings.Join(list, "; ")
}
