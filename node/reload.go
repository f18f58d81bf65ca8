package node

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"modkeep/depmod"
)

// ReloadRequest asks for modules to be taken out of the running kernel and
// loaded again from the files that modprobe would take.
type ReloadRequest struct {
	Names []string
	// Set is what the files must belong to; nil for anything. Without names,
	// the modules of the set that are loaded are meant.
	Set *Set
	// Replaced are modules whose files have just been changed: what is loaded
	// is another build than the file, whatever the two say of themselves.
	Replaced []string
	// Force goes on although modules are in use. What the kernel itself
	// refuses it refuses all the same.
	Force bool
}

// ReloadPlan is what a reload comes to.
type ReloadPlan struct {
	Unload   []string     // consumers before providers
	Load     []ReloadStep // providers before consumers
	Uses     []Use        // what the modules are in use by
	Reports  []ModuleReport
	Refusals []string
	Notes    []string

	config *modprobeConfig
	tree   *depmod.Tree
	// before are the modules to unload, as they are now; previous, how each
	// can be had again.
	before   map[string]*LoadedModule
	previous map[string]*ModuleFile
	// undo are the transactions that put a file in the place of one that is
	// loaded.
	undo []int
}

// ReloadStep is one module to load.
type ReloadStep struct {
	Name    string
	File    string   // inside the root
	Params  []string // of modprobe.d and the kernel's command line
	Owner   string   // as of ModuleReport
	Asked   bool     // it was named, or is of the set
	Reason  string   // why it is loaded, where it was not asked for
	Same    bool     // the file is the build that is loaded
	content ModuleFile
	described
}

// step is the step that loads a module again.
func (p *ReloadPlan) step(name string) ReloadStep {
	return p.Load[slices.IndexFunc(p.Load, func(s ReloadStep) bool { return s.Name == name })]
}

// Use is a use of a module that is to be unloaded.
type Use struct {
	Module string
	Text   string // eth0 is up on it
	Holder bool   // another module, which goes too
}

// ModuleReport is what became of a module: the answer of reload and verify.
type ModuleReport struct {
	Name       string `json:"name"`
	File       string `json:"file"`  // inside the root: what modprobe takes
	Owner      string `json:"owner"` // the package that owns it; "kernel" for the kernel's own; or ""
	OK         bool   `json:"ok"`
	Reason     string `json:"reason"` // "" where it is ok
	RolledBack bool   `json:"rolled_back"`
}

// reloading is a plan being made.
type reloading struct {
	n     *Node
	facts *Facts
	deps  map[string]dependencies
	names aliases
	p     *ReloadPlan
	asked []string
	gone  map[string]bool // modules that the plan unloads
	there map[string]bool // modules that will be in the kernel
}

// PlanReload returns what a reload of modules of the running kernel, whose
// facts are given, comes to. It changes nothing. The error is of a module that
// is not there, or a tree that cannot be read.
func (n *Node) PlanReload(req ReloadRequest, facts *Facts) (*ReloadPlan, error) {
	r, err := n.newReloading(facts)
	if err != nil {
		return nil, err
	}
	if err := r.choose(req); err != nil {
		return nil, err
	}
	r.unload()
	if err := r.load(); err != nil {
		return nil, err
	}
	r.uses()
	for i := range r.p.Load {
		if slices.Contains(req.Replaced, r.p.Load[i].Name) {
			r.p.Load[i].Same = false
		}
	}
	if err := r.keepPrevious(req); err != nil {
		return nil, err
	}
	r.refusals(req.Force)
	return r.p, nil
}

func (n *Node) newReloading(facts *Facts) (*reloading, error) {
	config, err := depmod.ReadConfig(n.Root)
	if err != nil {
		return nil, err
	}
	tree, err := depmod.Scan(n.Root, facts.Release, config)
	if err != nil {
		return nil, fmt.Errorf("modules of the running kernel %s: %w", facts.Release, err)
	}
	deps, err := readDeps(n.Root, tree.Dir)
	if err != nil {
		return nil, err
	}
	p := &ReloadPlan{tree: tree, before: map[string]*LoadedModule{}, previous: map[string]*ModuleFile{}}
	p.config = readModprobe(n.Root, tree.Dir, facts.Cmdline)
	p.Notes = append(p.Notes, p.config.problems...)
	return &reloading{n: n, facts: facts, deps: deps, names: readAliases(n.Root, tree.Dir), p: p,
		gone: map[string]bool{}, there: map[string]bool{}}, nil
}

// choose finds the modules that are meant.
func (r *reloading) choose(req ReloadRequest) error {
	names := req.Names
	if len(names) == 0 && req.Set != nil {
		for _, name := range req.Set.Names() {
			if r.facts.Module(name) != nil {
				names = append(names, name)
			}
		}
		if len(names) == 0 {
			return fmt.Errorf("no module of %s is loaded", req.Set.Name)
		}
	}
	for _, name := range names {
		name = depmod.ModuleName(name)
		d, ok := r.deps[name]
		if !ok && r.facts.Module(name) == nil {
			return fmt.Errorf("%s: no module of that name is loaded, and modules.dep of %s has none", name, r.facts.Release)
		} else if !ok {
			return fmt.Errorf("%s: is loaded, and modules.dep of %s has no file of that name to load again", name, r.facts.Release)
		}
		if slices.Contains(r.asked, name) {
			continue
		}
		if req.Set != nil {
			if report := r.n.belongs(req.Set, r.p.tree, name, r.inside(d.file)); !report.OK {
				report.Reason += "; skipped"
				r.p.Reports = append(r.p.Reports, report)
				continue
			}
		}
		r.asked = append(r.asked, name)
	}
	return nil
}

// inside is the path inside the root of a path of modules.dep.
func (r *reloading) inside(file string) string {
	if path.IsAbs(file) {
		return file
	}
	return r.p.tree.Dir + "/" + file
}

// unload orders the loaded ones of the modules asked for, with all that hold
// them: one after all its holders.
func (r *reloading) unload() {
	var take func(name string)
	take = func(name string) {
		m := r.facts.Module(name)
		if m == nil || r.gone[name] {
			return
		}
		r.gone[name] = true
		r.p.before[name] = m
		for _, holder := range m.Holders {
			r.p.Uses = append(r.p.Uses, Use{name, holder + " uses it", true})
			take(holder)
		}
		r.p.Unload = append(r.p.Unload, name)
	}
	for _, name := range r.asked {
		take(name)
	}
	// A module was appended behind its holders, but a holder that another
	// asked for earlier stands where that one put it: both ways all holders
	// of a module are before it.
	for i := range r.facts.Modules {
		if name := r.facts.Modules[i].Name; !r.gone[name] {
			r.there[name] = true
		}
	}
}

// load orders what is loaded again: what was unloaded, backwards, each behind
// what its file needs.
func (r *reloading) load() error {
	for _, name := range r.asked {
		if r.facts.Module(name) == nil {
			if err := r.add(name, ""); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Backward(r.p.Unload) {
		if err := r.add(name, "it was loaded"); err != nil {
			return err
		}
	}
	return nil
}

// add appends a module behind its dependencies and soft dependencies.
func (r *reloading) add(name, reason string) error {
	if r.there[name] {
		return nil
	}
	d, ok := r.deps[name]
	if !ok {
		return fmt.Errorf("%s: goes with what it uses, and modules.dep of %s has no file of that name to load again", name, r.facts.Release)
	}
	r.there[name] = true
	r.soft(name, r.p.config.pre)
	for _, file := range slices.Backward(d.needs) {
		if err := r.add(depmod.ModuleName(file), name+" needs it"); err != nil {
			return err
		}
	}
	step := ReloadStep{Name: name, File: r.inside(d.file), Params: r.p.config.options[name], Asked: slices.Contains(r.asked, name)}
	step.Owner = r.n.belongs(nil, r.p.tree, name, step.File).Owner
	if !step.Asked {
		step.Reason = reason
	}
	var err error
	if step.content, err = r.n.moduleFile(step.File); err != nil {
		return err
	}
	if step.described, err = describe(step.content.Data); err != nil {
		return fmt.Errorf("%s: %w", step.File, err)
	}
	if m := r.p.before[name]; m != nil {
		step.Same = sameBuild(m.identity(), step.identity)
	}
	if where := r.p.config.commands[name]; where != "" {
		r.p.Notes = append(r.p.Notes, fmt.Sprintf("%s: the command of %s is not run", name, where))
	}
	r.p.Load = append(r.p.Load, step)
	r.soft(name, r.p.config.post)
	return nil
}

// soft appends soft dependencies; those that there is no module for are no
// error, for modprobe neither.
func (r *reloading) soft(name string, of map[string][]string) {
	for _, word := range of[name] {
		modules := []string{depmod.ModuleName(word)}
		if _, ok := r.deps[modules[0]]; !ok {
			modules = r.names.modules(word)
		}
		for _, m := range modules {
			if _, ok := r.deps[m]; ok {
				if err := r.add(m, "a soft dependency of "+name); err != nil {
					r.p.Notes = append(r.p.Notes, err.Error())
				}
			}
		}
	}
}

// uses names what the modules are in use by besides other modules.
func (r *reloading) uses() {
	named := map[string]bool{}
	add := func(modules []string, format string, args ...any) {
		for _, name := range modules {
			use := Use{Module: name, Text: fmt.Sprintf(format, args...)}
			if r.gone[name] && !slices.Contains(r.p.Uses, use) {
				r.p.Uses = append(r.p.Uses, use)
				named[name] = true
			}
		}
	}
	for _, i := range r.facts.Interfaces {
		if i.Up {
			add(i.Modules, "network interface %s is up on it", i.Name)
			add(r.names.modules("rtnl-link-"+i.Kind), "network interface %s is up on it", i.Name)
		}
	}
	for _, m := range r.facts.Mounts {
		what := fmt.Sprintf("%s is mounted on %s from it", m.Source, m.Point)
		if m.Type == "swap" {
			what = m.Source + " is swap space on it"
		}
		add(m.Modules, "%s", what)
		add(r.fileSystem(m.Type), "%s", what)
	}
	for _, o := range r.facts.Openers {
		add(o.Modules, "%s (process %d) has %s open", o.Comm, o.PID, o.Device)
	}
	for _, name := range r.p.Unload {
		m := r.p.before[name]
		// What holds a reference and what does not is known of modules only: a
		// driver's network interface holds none, an open device may hold two.
		if rest := m.Refs - len(m.Holders); rest > 0 && !named[name] {
			r.p.Uses = append(r.p.Uses, Use{Module: name, Text: fmt.Sprintf("%d uses of it are not by modules, and the kernel does not tell by whom", rest)})
		}
		if m.Permanent {
			r.p.Uses = append(r.p.Uses, Use{Module: name, Text: "the kernel says that it cannot be unloaded (permanent)"})
		}
	}
}

// fileSystem are the modules of a type of file system: those that would be
// loaded for it, and the one of its name.
func (r *reloading) fileSystem(kind string) []string {
	list := r.names.modules("fs-" + kind)
	if name := depmod.ModuleName(kind); !slices.Contains(list, name) {
		list = append(list, name)
	}
	return list
}

// keepPrevious finds for each module that is unloaded how it can be brought
// back where its file is another build by now.
func (r *reloading) keepPrevious(req ReloadRequest) error {
	for i, step := range r.p.Load {
		m := r.p.before[step.Name]
		if m == nil {
			continue
		}
		if step.Same {
			file := step.content
			r.p.previous[step.Name] = &file
			continue
		}
		file, err := r.n.previous(r.p.tree, m, step.content.Data)
		if err != nil {
			return err
		}
		_, known := m.identity().same(step.identity)
		known = known || slices.Contains(req.Replaced, step.Name)
		switch {
		case file != nil:
			r.p.previous[step.Name] = file
		case !known:
			// Nothing tells it from the file: most likely it is that.
			same := step.content
			r.p.previous[step.Name], r.p.Load[i].Same = &same, true
		case req.Force:
			r.p.Notes = append(r.p.Notes, fmt.Sprintf("%s: no copy of what is loaded (%s) is left: there will be no going back", step.Name, m.identity()))
		default:
			r.p.Refusals = append(r.p.Refusals, fmt.Sprintf("%s: another build is loaded (%s) than %s, and no copy of it is left to go back to", step.Name, m.identity(), step.File))
		}
		if known {
			r.installedBy(step)
		}
	}
	return nil
}

// installedBy finds the transaction that brought a file which is not what is
// loaded: the last one in effect that touched the running kernel's module, or
// the file that a link to another kernel's leads to.
func (r *reloading) installedBy(step ReloadStep) {
	records, err := r.n.store.History()
	if err != nil {
		return
	}
	for _, rec := range records {
		if rec.UndoneBy != 0 || !touches(rec, step.Name, func(p string) bool {
			krel, _, _ := ModuleOf(p)
			return krel == r.facts.Release || r.n.same(p, step.File)
		}) {
			continue
		}
		if !slices.Contains(r.p.undo, rec.Number) {
			r.p.undo = append(r.p.undo, rec.Number)
		}
		return
	}
}

// refusals are why the plan is not carried out without force.
func (r *reloading) refusals(force bool) {
	for _, u := range r.p.Uses {
		switch {
		case u.Holder:
		case force:
			r.p.Notes = append(r.p.Notes, fmt.Sprintf("%s: %s (forced)", u.Module, u.Text))
		default:
			r.p.Refusals = append(r.p.Refusals, fmt.Sprintf("%s: %s", u.Module, u.Text))
		}
	}
}

// Lines says in words what the plan does, a line a step, users first.
func (p *ReloadPlan) Lines() []string {
	var lines []string
	for _, u := range p.Uses {
		lines = append(lines, fmt.Sprintf("in use    %s: %s", u.Module, u.Text))
	}
	for _, name := range p.Unload {
		lines = append(lines, "unload    "+name)
	}
	for _, s := range p.Load {
		line := "load      " + s.File
		if len(s.Params) > 0 {
			line += " " + strings.Join(s.Params, " ")
		}
		if s.Reason != "" {
			line += "  (" + s.Reason + ")"
		}
		lines = append(lines, line)
	}
	return lines
}
