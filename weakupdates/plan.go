package weakupdates

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"modkeep/depmod"
	"modkeep/kernel"
	"modkeep/kernel/release"
	"modkeep/policy"
)

// Plan returns what a request comes to. It changes nothing.
//
// The error is of a kernel that is not there, or of a tree that cannot be read;
// a target whose exports nothing tells is in Plan.Unreadable.
func (r *Root) Plan(req Request) (*Plan, error) {
	p := &Plan{Request: req}
	targets, err := r.wanted(req, p)
	if err != nil {
		return nil, err
	}
	listed := r.listed(req, p)
	for _, krel := range targets {
		if req.Verb == RemoveKernel {
			r.clear(p, krel)
			continue
		}
		if err := r.plan(p, krel, listed); err != nil {
			return nil, err
		}
	}
	r.ownKernels(p, listed)
	slices.SortStableFunc(p.Changes, func(a, b Change) int { return release.Compare(a.Kernel, b.Kernel) })
	for _, text := range r.Notes {
		p.note("%s", text)
	}
	return p, nil
}

// wanted returns the targets of a request, oldest first.
func (r *Root) wanted(req Request, p *Plan) ([]string, error) {
	if req.Kernels == nil {
		return r.Targets(), nil
	}
	var list []string
	for _, krel := range req.Kernels {
		switch _, err := depmod.ModuleDir(r.Dir, krel); {
		case req.Verb == RemoveKernel && err != nil:
			p.note("kernel %s is gone already", krel)
			list = append(list, krel)
		case err != nil:
			return nil, fmt.Errorf("kernel %s: %w", krel, err)
		default:
			list = append(list, krel)
		}
	}
	return list, nil
}

// request is a request's modules, looked up.
type request struct {
	names  []string          // module names; nil for all
	donors map[string]*Donor // of AddModules and Relink, by path
	order  []string          // the donors' paths, in the request's order
	gone   map[string]bool   // of RemoveModules: paths that are no longer there
	kernel map[string]bool   // directories that the modules lie in
}

// listed looks up what a request names.
func (r *Root) listed(req Request, p *Plan) *request {
	l := &request{donors: map[string]*Donor{}, gone: map[string]bool{}, kernel: map[string]bool{}}
	for _, m := range req.Modules {
		l.names = append(l.names, depmod.ModuleName(m))
		if !strings.Contains(m, "/") {
			continue
		}
		where := r.inside(m)
		krel, ok := releaseOf(where)
		if ok {
			l.kernel[krel] = true
		}
		if _, err := depmod.Resolve(r.Dir, where); err != nil {
			l.gone[where] = true
			if req.Verb == AddModules {
				p.note("%s: not there", where)
			}
			continue
		}
		if req.Verb == AddModules || req.Verb == Relink {
			l.donors[where] = r.donorAt(where, krel)
			l.order = append(l.order, where)
		}
	}
	if req.Modules != nil && l.names == nil {
		l.names = []string{}
	}
	return l
}

// donorAt returns the donor at a path that exists; where it is not among the
// kernel's donors, because another file of its name is selected there or the
// policy passes over its directory, it becomes one, since it was asked for.
func (r *Root) donorAt(where, krel string) *Donor {
	if krel != "" {
		for _, d := range r.Donors(krel) {
			if d.Path == where {
				return d
			}
		}
	}
	d := &Donor{Name: depmod.ModuleName(where), Kernel: krel, Path: where, Host: r.host(where)}
	if krel == "" {
		r.modules([]*Donor{d})
		d.Kernel = d.Built()
		d.Rel = path.Base(where)
	} else {
		_, d.Rel, _ = strings.Cut(where, "/modules/"+krel+"/")
	}
	return d
}

// plan adds what one target gets.
func (r *Root) plan(p *Plan, krel string, l *request) error {
	k, err := r.Kernel(krel)
	if err != nil {
		return err
	}
	if _, origin := k.Table(); origin.Kind == kernel.Nothing || origin.Kind == kernel.ModuleFile && p.Request.Verb != RemoveModules {
		p.Unreadable = append(p.Unreadable, krel)
		p.note("kernel %s: nothing tells what it exports: no table of exports, no image that can be read", krel)
		return nil
	} else if origin.Trust != kernel.Exact {
		p.note("kernel %s: exports from %s", krel, origin)
	}
	if names := r.cycle(krel); names != nil {
		p.stuck(krel, names)
		return nil
	}
	c := &choice{r: r, k: k, target: r.judge(k), entries: map[string]*entry{}}
	links, files := r.Links(krel)
	c.fill(p.Request, l, links, files)
	c.choose()
	c.weigh()
	c.report(p, l)
	c.steps(p, links)
	return nil
}

// fill finds the names that the target may have links for, and the options of
// each.
func (c *choice) fill(req Request, l *request, links []Link, files []string) {
	r := c.r
	c.parts, c.foreign = map[string]map[string]int{}, map[string][]*Donor{}
	byName := map[string][]*Donor{}
	var all []*Donor
	foreign := foreignTo(c.k.Release)
	for _, krel := range slices.Backward(r.releases) {
		if krel == c.k.Release {
			continue
		}
		list, part := r.donorsFor(krel, req, l)
		c.parts[krel] = part
		all = append(all, list...)
		for _, d := range list {
			if foreign(d) {
				c.foreign[d.Name] = append(c.foreign[d.Name], d)
			} else {
				byName[d.Name] = append(byName[d.Name], d)
			}
		}
	}
	var scope map[string]bool // nil for all
	switch {
	case req.Verb == Unlink && l.names != nil:
		scope = map[string]bool{}
		for _, name := range l.names {
			scope[name] = true
		}
	case l.names != nil:
		scope = closure(l.names, all, r.group)
	}
	for name, options := range byName {
		if scope == nil || scope[name] {
			c.entry(name).options = options
		}
	}
	for name := range c.foreign {
		if scope == nil || scope[name] {
			c.entry(name)
		}
	}
	for i := range links {
		c.addLink(&links[i], scope, byName)
	}
	for name, e := range c.entries {
		c.shut(e, req, l, files)
		c.prefer(e, l)
		e.name = name
	}
	c.names = sorted(c.entries)
}

// donorsFor returns a kernel's donors as a request changes them, with their
// dependency groups: one that it names takes the place of another of its name,
// and without replacement those of its names are none.
func (r *Root) donorsFor(krel string, req Request, l *request) ([]*Donor, map[string]int) {
	list := slices.Clone(r.Donors(krel))
	as := len(list)
	changed := false
	for _, where := range l.order {
		if d := l.donors[where]; d.Kernel == krel && !slices.Contains(list, d) {
			list = slices.DeleteFunc(list, func(o *Donor) bool { return o.Name == d.Name })
			list = append(list, d)
			changed = true
		}
	}
	if req.NoReplace {
		list = slices.DeleteFunc(list, func(d *Donor) bool { return slices.Contains(l.names, d.Name) })
	}
	if changed || len(list) != as {
		return list, r.groups(list)
	}
	if r.parts[krel] == nil {
		r.parts[krel] = r.groups(list)
	}
	return list, r.parts[krel]
}

func (c *choice) entry(name string) *entry {
	e := c.entries[name]
	if e == nil {
		e = &entry{name: name}
		c.entries[name] = e
	}
	return e
}

// addLink takes a link that there is into account. Out of the request's scope
// it stays as it is if it loads; in scope, a build that no donor directory
// holds is the last option.
func (c *choice) addLink(l *Link, scope map[string]bool, byName map[string][]*Donor) {
	e := c.entry(l.Name)
	if e.link == nil {
		e.link = l
	}
	if l.Target == "" || e.pinned {
		return
	}
	d := donorOf(l, byName[l.Name])
	if scope == nil || scope[l.Name] {
		if !slices.Contains(e.options, d) && len(e.options) == 0 {
			e.options = append(e.options, d)
		}
		return
	}
	e.options, e.pinned = []*Donor{d}, true
}

// donorOf returns the donor that a link leads to.
func donorOf(l *Link, donors []*Donor) *Donor {
	for _, d := range donors {
		if d.Host == l.Host || d.Path == l.Target {
			return d
		}
	}
	krel, _ := releaseOf(l.Target)
	d := &Donor{Name: l.Name, Kernel: krel, Path: l.Target, Host: l.Host, Rel: path.Base(l.Target)}
	if _, rest, ok := strings.Cut(l.Target, "/modules/"+krel+"/"); ok {
		d.Rel = rest
	}
	return d
}

// shut decides of a name what no verdict is needed for: that there is an own
// module, that the policy forbids a link, that depmod would not select it.
func (c *choice) shut(e *entry, req Request, l *request, files []string) {
	out := func(decision Decision, format string, args ...any) {
		e.shut = &Outcome{Decision: decision, Kernel: c.k.Release, Name: e.name, Reason: fmt.Sprintf(format, args...)}
		if len(e.options) > 0 {
			e.shut.Donor = e.options[0]
		}
	}
	if req.Verb == Unlink && (l.names == nil || slices.Contains(l.names, e.name)) {
		out(Removed, "asked for")
		return
	}
	others := c.foreign[e.name]
	if len(e.options) == 0 && len(others) > 0 && c.r.Policy.For(e.name, others[0].Rel, c.r.pkg(others[0])).Link == policy.LinkForce {
		e.options = others
	}
	if len(e.options) == 0 && len(others) == 0 {
		return
	}
	d := slices.Concat(e.options, others)[0]
	e.rule = c.r.Policy.For(e.name, d.Rel, c.r.pkg(d))
	e.group = c.r.group(d)
	if f := c.ownFile(e.name); f != "" {
		out(Own, "%s has %s", c.k.Release, f)
		return
	}
	for _, f := range files {
		if depmod.ModuleName(f) == e.name {
			out(Own, "%s is no link", f)
			return
		}
	}
	if e.rule.Link == policy.LinkNever {
		out(Never, "the policy says link: never%s", from(e.rule.Source))
		return
	}
	if b := c.k.Builtin(); b != nil && b.Has(e.name) {
		e.shut = c.refusedOutcome(e, d, "builtin", fmt.Sprintf("%s is built into %s", e.name, c.k.Release))
		return
	}
	if len(e.options) == 0 {
		e.shut = c.otherVariant(e, d)
		return
	}
	c.mask(e, d)
}

func from(source string) string {
	if source == "" {
		return ""
	}
	return " (" + source + ")"
}

// ownFile returns the third-party file of a name that the target has itself.
func (c *choice) ownFile(name string) string {
	t := c.k.Tree()
	if f := t.Module(name); f != nil {
		if own, _ := c.k.Own(f); !own {
			return t.Dir + "/" + f.Rel
		}
	}
	for i := range t.Shadowed {
		if f := t.Shadowed[i].File; f.Name == name && !f.InKernel() {
			return t.Dir + "/" + f.Rel
		}
	}
	return ""
}

// mask finds out whether depmod would select the target's in-tree module of a
// name over the link.
func (c *choice) mask(e *entry, d *Donor) {
	stays, why := c.k.Tree().Offer(c.r.Layout.place(d.Rel))
	if stays == nil {
		return
	}
	e.override = true
	e.masking = fmt.Sprintf("%s over %s (%s)", stays.Rel, c.r.Layout.place(d.Rel), why)
	if !c.r.Policy.Override {
		e.shut = c.refusedOutcome(e, d, "override", "needs override: depmod selects "+e.masking+", and the policy says override: false")
	}
}

// prefer puts a build that the request names first where the policy lets an
// older one take a newer one's place.
func (c *choice) prefer(e *entry, l *request) {
	if e.rule.KeepNewest || e.pinned || e.shut != nil {
		return
	}
	for _, where := range l.order {
		if d := l.donors[where]; d.Name == e.name && slices.Contains(e.options, d) {
			e.options = append([]*Donor{d}, slices.DeleteFunc(slices.Clone(e.options), func(o *Donor) bool { return o == d })...)
			e.prefer = true
		}
	}
	// Without a word of the request, the link that there is stays.
	if !e.prefer && e.link != nil && e.link.Target != "" {
		for i, d := range e.options {
			if d.Host == e.link.Host && i > 0 {
				e.options[0], e.options[i] = e.options[i], e.options[0]
				e.prefer = true
			}
		}
	}
}

// stuck notes a kernel that is left as it is because depmod would fail on it.
func (p *Plan) stuck(krel string, circle []string) {
	if !slices.Contains(p.Stuck, krel) {
		p.Stuck = append(p.Stuck, krel)
		p.note("kernel %s is left as it is: its modules %s need one another, and depmod writes no index of such a tree", krel, strings.Join(circle, " "))
	}
}

func (p *Plan) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(p.Notes, text) {
		p.Notes = append(p.Notes, text)
	}
}

// ownKernels marks the kernels that the request's modules lie in: their index
// files are to be written anew. For Relink that is so only where they do not
// know of the modules yet.
func (r *Root) ownKernels(p *Plan, l *request) {
	v := p.Request.Verb
	if v != AddModules && v != RemoveModules && v != Relink {
		return
	}
	for _, krel := range sorted(l.kernel) {
		if !r.targets[krel] {
			continue
		}
		var names []string
		for _, m := range p.Request.Modules {
			where := r.inside(m)
			if own, ok := releaseOf(where); ok && own == krel && (v != Relink || r.stale(krel, where, l.gone[where])) {
				names = append(names, depmod.ModuleName(m))
			}
		}
		if len(names) == 0 {
			continue
		}
		if circle := r.cycle(krel); circle != nil {
			p.stuck(krel, circle)
			continue
		}
		change := p.change(krel)
		change.Depmod = true
		change.Names = append(change.Names, names...)
		slices.Sort(change.Names)
		change.Names = slices.Compact(change.Names)
	}
}

// stale reports whether a kernel's modules.dep lists a file that is gone, or
// does not list one that is there.
func (r *Root) stale(krel, where string, gone bool) bool {
	if !strings.Contains(where, "/") {
		return false
	}
	dir, err := depmod.ModuleDir(r.Dir, krel)
	if err != nil {
		return false
	}
	text, err := depmod.ReadFile(r.Dir, dir+"/modules.dep", 64<<20)
	if err != nil {
		return true
	}
	line := "\n" + strings.TrimPrefix(where, dir+"/") + ":"
	return strings.Contains("\n"+string(text), line) == gone
}

// change returns the change of a kernel, made where there is none yet.
func (p *Plan) change(krel string) *Change {
	if c := p.Changed(krel); c != nil {
		return c
	}
	p.Changes = append(p.Changes, Change{Kernel: krel})
	return &p.Changes[len(p.Changes)-1]
}
