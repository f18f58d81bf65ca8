package weakupdates

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"modkeep/depmod"
	"modkeep/policy"
	"modkeep/txn"
)

const (
	overridePrefix = "zz-modkeep-"
	depmodDir      = "/etc/depmod.d"
)

// OverrideFile returns the file that holds the overrides of a kernel's links.
func OverrideFile(krel string) string { return depmodDir + "/" + overridePrefix + krel + ".conf" }

// steps adds what has to be done on a target.
func (c *choice) steps(p *Plan, links []Link) {
	w := &stepper{r: c.r, krel: c.k.Release, weak: c.k.ModuleDir + "/" + linkDir, leaves: map[string]bool{}}
	want := map[string]string{} // link path → donor's path
	for _, d := range c.list() {
		e := c.entries[d.Name]
		at := c.linkPath(d)
		if e.link != nil && e.link.Host == d.Host && (e.pinned || depmod.ModuleName(e.link.Path) == d.Name) {
			at = e.link.Path // where it stands it is as good
		}
		want[at] = d.Path
	}
	for i := range links {
		l := &links[i]
		target, ok := want[l.Path]
		switch {
		case !ok:
			w.unlink(l, c.whyGone(l))
		case c.r.host(target) == l.Host && c.r.wellFormed(l):
			delete(want, l.Path)
			w.stays(l.Path)
		}
	}
	for _, at := range sorted(want) {
		d := c.chosen[depmod.ModuleName(at)]
		w.link(at, want[at], c.whyLinked(d))
	}
	w.tidy()
	c.overrides(w)
	p.add(w)
}

// wellFormed reports whether a link's text is one that depmod understands:
// absolute links are followed outside a root that is not "/".
func (r *Root) wellFormed(l *Link) bool { return r.running() || !strings.HasPrefix(l.Text, "/") }

func (c *choice) whyLinked(d *Donor) string {
	e := c.entries[d.Name]
	switch {
	case e.rule.Link == policy.LinkForce && !loads(c.tried[d]):
		return "the policy says link: force" + from(e.rule.Source)
	case e.override:
		return fmt.Sprintf("built for %s, loads on %s; needs an override", d.Built(), c.k.Release)
	}
	return fmt.Sprintf("built for %s, loads on %s", d.Built(), c.k.Release)
}

func (c *choice) whyGone(l *Link) string {
	e := c.entries[l.Name]
	d := c.chosen[l.Name]
	switch {
	case l.Target == "":
		return "dangling: " + l.Text + " is gone"
	case e.shut != nil:
		return e.shut.Reason
	case d != nil:
		return fmt.Sprintf("%s takes its place", d.Path)
	}
	for _, o := range c.byName[l.Name] {
		if o.Host == l.Host {
			return c.why(e, o)
		}
	}
	return "no build of it is to be linked"
}

// overrides writes the depmod.d file of the target's masked links, or removes it.
func (c *choice) overrides(w *stepper) {
	var lines []string
	for _, d := range c.list() {
		e := c.entries[d.Name]
		if !e.override {
			continue
		}
		at := c.linkPath(d)
		if e.link != nil && e.link.Host == d.Host {
			at = e.link.Path
		}
		dir := strings.TrimPrefix(path.Dir(at), c.k.ModuleDir+"/")
		base := path.Base(at)
		if i := strings.Index(base, ".ko"); i > 0 {
			base = base[:i]
		}
		lines = append(lines, OverrideLine(base, c.k.Release, dir))
	}
	slices.Sort(lines)
	w.overrideFile(lines)
}

// OverrideLine is a line of depmod.d(5) by which the file of a base name, as it
// is written but for its ending, in dir below one kernel's directory is selected
// before all others.
func OverrideLine(base, krel, dir string) string {
	return fmt.Sprintf("override %s %s %s\n", base, kernelPattern(krel), dir)
}

// kernelPattern is a regular expression for depmod.d that matches one release.
// kmod's reader drops backslashes, so special characters stand in brackets.
func kernelPattern(krel string) string {
	var b strings.Builder
	b.WriteByte('^')
	for _, ch := range krel {
		if strings.ContainsRune(`.+*?()[]{}|^$\`, ch) {
			if ch == '^' || ch == '\\' {
				b.WriteByte('.')
				continue
			}
			b.WriteString("[" + string(ch) + "]")
			continue
		}
		b.WriteRune(ch)
	}
	b.WriteByte('$')
	return b.String()
}

// stepper collects the steps on one kernel.
type stepper struct {
	r      *Root
	krel   string
	weak   string // the weak-updates directory
	steps  []txn.Step
	names  []string
	gone   []string        // paths of links that go
	leaves map[string]bool // directories that will hold something
	made   map[string]bool
}

func (w *stepper) stays(p string) {
	for dir := path.Dir(p); len(dir) >= len(w.weak); dir = path.Dir(dir) {
		w.leaves[dir] = true
	}
}

func (w *stepper) unlink(l *Link, reason string) {
	w.steps = append(w.steps, txn.Step{Op: txn.Unlink, Path: l.Path, Target: l.Text, Reason: reason})
	w.names = append(w.names, l.Name)
	w.gone = append(w.gone, l.Path)
}

func (w *stepper) link(at, target, reason string) {
	w.mkdirs(path.Dir(at))
	w.stays(at)
	w.steps = append(w.steps, txn.Step{Op: txn.Link, Path: at, Target: w.r.text(at, target), Reason: reason})
	w.names = append(w.names, depmod.ModuleName(at))
}

// mkdirs makes the directories that are not there, outermost first.
func (w *stepper) mkdirs(dir string) {
	if w.made[dir] || dir == "/" {
		return
	}
	if _, err := depmod.Resolve(w.r.Dir, dir); err == nil {
		return
	}
	w.mkdirs(path.Dir(dir))
	if w.made == nil {
		w.made = map[string]bool{}
	}
	w.made[dir] = true
	w.steps = append(w.steps, txn.Step{Op: txn.Mkdir, Path: dir, Mode: 0o755})
}

// tidy removes the directories that removed links leave empty, innermost
// first; weak-updates itself stays, the kernel's package may own it.
func (w *stepper) tidy() {
	going := map[string]bool{}
	for _, p := range w.gone {
		going[p] = true
	}
	for _, p := range w.gone {
		for dir := path.Dir(p); len(dir) > len(w.weak) && !w.leaves[dir] && !going[dir] && w.empties(dir, going); dir = path.Dir(dir) {
			going[dir] = true
			w.steps = append(w.steps, txn.Step{Op: txn.Rmdir, Path: dir})
		}
	}
}

// empties reports whether a directory holds nothing but what goes.
func (w *stepper) empties(dir string, going map[string]bool) bool {
	entries, err := readDir(w.r.Dir, dir)
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return !going[dir+"/"+e.Name()] })
}

const overrideHead = "# Written by modkeep: weak-updates links that must win over the kernel's own modules.\n"

// overrideFile writes, changes or removes the kernel's override file.
func (w *stepper) overrideFile(lines []string) {
	name := OverrideFile(w.krel)
	old, err := depmod.ReadFile(w.r.Dir, name, 1<<20)
	text := overrideHead + strings.Join(lines, "")
	switch {
	case len(lines) == 0 && err != nil, len(lines) > 0 && err == nil && string(old) == text:
		return
	case len(lines) == 0:
		w.steps = append(w.steps, txn.Step{Op: txn.Remove, Path: name, Reason: "no link needs an override any more"})
	default:
		w.mkdirs(depmodDir)
		w.steps = append(w.steps, txn.Step{Op: txn.Write, Path: name, Data: []byte(text), Mode: 0o644, Reason: strings.TrimSpace(strings.Join(lines, "; "))})
	}
	for _, text := range []string{string(old), text} {
		for line := range strings.Lines(text) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "override" {
				w.names = append(w.names, depmod.ModuleName(f[1]))
			}
		}
	}
}

// add adds a kernel's steps to the plan.
func (p *Plan) add(w *stepper) {
	if len(w.steps) == 0 {
		return
	}
	p.Steps = append(p.Steps, w.steps...)
	change := p.change(w.krel)
	change.Depmod = true
	change.Names = append(change.Names, w.names...)
	slices.Sort(change.Names)
	change.Names = slices.Compact(change.Names)
}

// clear adds the removal of all of a kernel's links, and of its overrides. Its
// index files are left as they are: it goes.
func (r *Root) clear(p *Plan, krel string) {
	w := &stepper{r: r, krel: krel, leaves: map[string]bool{}}
	if dir, err := depmod.ModuleDir(r.Dir, krel); err == nil {
		w.weak = dir + "/" + linkDir
	}
	links, _ := r.Links(krel)
	for i := range links {
		l := &links[i]
		w.unlink(l, "the kernel goes")
		p.Outcomes = append(p.Outcomes, Outcome{Decision: Removed, Kernel: krel, Name: l.Name, Link: l.Path, Target: l.Target, Reason: "the kernel goes"})
	}
	w.tidy()
	w.overrideFile(nil)
	p.Steps = append(p.Steps, w.steps...)
	if len(w.steps) > 0 {
		change := p.change(krel)
		change.Names = append(change.Names, w.names...)
	}
}
