package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"modkeep/depmod"
	"modkeep/kernel"
	"modkeep/kernel/release"
	"modkeep/ko"
	"modkeep/loader"
	"modkeep/txn"
	"modkeep/weakupdates"
)

// InstallVerb says what an installation may find in a module's place.
type InstallVerb string

// The verbs. Each puts files where depmod selects them; they differ in what
// they want to find there.
const (
	InstallNew     InstallVerb = "install" // nothing, or the kernel's own module; a third party's is an error
	InstallUpgrade InstallVerb = "upgrade" // a third party's module, of a version that is not newer
	InstallReplace InstallVerb = "replace" // a module, whoever it is of
)

// InstallRequest asks for module files to be put on kernels.
type InstallRequest struct {
	Verb    InstallVerb
	Sources []*Source
	// Kernel is the kernel meant; "" puts each module on the one it was built
	// for.
	Kernel string
	// Force installs what the kernel would not load, what would keep other
	// modules from loading, and older versions.
	Force bool
	// NoInitramfs leaves images as they are.
	NoInitramfs bool
}

// Placed is one module of an installation.
type Placed struct {
	Name   string `json:"name"`
	Kernel string `json:"kernel"`
	Source string `json:"source"`
	File   string `json:"file"`  // inside the root, where it comes to be
	Was    string `json:"was"`   // the file that depmod selects now; "" for none
	Owner  string `json:"owner"` // of that file: a package, "kernel" for the kernel's own, or ""
	Same   bool   `json:"same"`  // it is there already, byte for byte
}

// InstallPlan is what an installation comes to.
type InstallPlan struct {
	*Plan
	Placed []Placed
	// Refusals are why the plan may not be carried out: what would not load,
	// what would not load any more. With Force they are notes.
	Refusals []string
	// Relinked is what it meant to other kernels' links; nil where none led to
	// a file that changed.
	Relinked *Result
}

// InstallDir is the directory below a kernel's that installed modules go to:
// depmod's first choice wherever depmod.d does not say otherwise.
const InstallDir = "updates"

// ownDir is where they go if a package has a file of that name in InstallDir.
const ownDir = InstallDir + "/modkeep"

// installOverrides names the depmod.d file of installed modules that another
// file would be selected before. It is read after the one of package
// weakupdates: of two overrides of a name the later one counts.
func installOverrides(krel string) string { return "/etc/depmod.d/zzz-modkeep-" + krel + ".conf" }

// maxOverrides is the most that is read of such a file.
const maxOverrides = 1 << 20

// PlanInstall returns what an installation comes to. It changes nothing. The
// error is of sources that fit no kernel or that break the verb's rule.
func (n *Node) PlanInstall(req InstallRequest) (*InstallPlan, error) {
	p := &InstallPlan{Plan: newPlan()}
	byKernel, err := n.assign(p, req)
	if err != nil {
		return nil, err
	}
	releases := make([]string, 0, len(byKernel))
	for krel := range byKernel {
		releases = append(releases, krel)
	}
	slices.SortFunc(releases, release.Compare)
	for _, krel := range releases {
		if err := n.installOn(p, req, krel, byKernel[krel]); err != nil {
			return nil, err
		}
	}
	n.images(p.Plan, Request{NoInitramfs: req.NoInitramfs})
	return p, nil
}

// Install plans an installation and does it, under the lock. Where the plan has
// refusals nothing is done, and Result.Record has no number. With the error
// ErrRelink it is done.
func (n *Node) Install(ctx context.Context, req InstallRequest) (*InstallPlan, *Result, error) {
	var whole *InstallPlan
	res, err := n.apply(ctx, req.name(), func() (*Plan, error) {
		var err error
		if whole, err = n.PlanInstall(req); err != nil {
			return nil, err
		}
		if len(whole.Refusals) > 0 {
			return newPlan(), nil
		}
		return whole.Plan, nil
	})
	if err == nil && res.Record.Number != 0 {
		whole.Relinked, err = n.relink(ctx, whole.Steps)
	}
	return whole, res, err
}

// name is what the history calls the transaction: "replace xen_evtchn".
func (req InstallRequest) name() string {
	var names []string
	for _, s := range req.Sources {
		meant := s.Named || req.Kernel == "" || s.Kernel == req.Kernel
		if meant && !slices.Contains(names, s.Name()) {
			names = append(names, s.Name())
		}
	}
	slices.Sort(names)
	const most = 20
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("and %d more", len(names)-most))
	}
	return string(req.Verb) + " " + strings.Join(names, " ")
}

// assign gives every kernel its sources.
func (n *Node) assign(p *InstallPlan, req InstallRequest) (map[string][]*Source, error) {
	installed, err := kernel.List(n.Root)
	if err != nil {
		return nil, err
	}
	if req.Kernel != "" && !slices.Contains(installed, req.Kernel) {
		return nil, fmt.Errorf("kernel %s: not installed below %s", req.Kernel, n.Root)
	}
	list := map[string][]*Source{}
	var others []string
	for _, s := range req.Sources {
		krel := s.Kernel
		if req.Kernel != "" && (s.Named || krel == req.Kernel) {
			krel = req.Kernel
		}
		switch {
		case krel == req.Kernel || req.Kernel == "" && slices.Contains(installed, krel):
			list[krel] = append(list[krel], s)
		case s.Named:
			return nil, fmt.Errorf("%s: built for %s, which is not installed below %s: %w", s.Path, orUnknown(krel), n.Root, errNoSource)
		case !slices.Contains(others, krel):
			others = append(others, krel)
		}
	}
	slices.Sort(others)
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: the modules were built for %s", errNoSource, strings.Join(others, ", "))
	}
	for _, krel := range others {
		p.note("modules for %s are left out", orUnknown(krel))
	}
	return list, nil
}

func orUnknown(krel string) string {
	if krel == "" {
		return "no kernel that they name"
	}
	return krel
}

// IsNoSource reports whether an error says that nothing named fits a kernel.
func IsNoSource(err error) bool { return errors.Is(err, errNoSource) }

// installing is an installation on one kernel.
type installing struct {
	n         *Node
	p         *InstallPlan
	req       InstallRequest
	k         *kernel.Kernel
	overrides []string // lines to be added
	steps     []txn.Step
	names     []string
}

// installOn adds the steps for one kernel.
func (n *Node) installOn(p *InstallPlan, req InstallRequest, krel string, sources []*Source) error {
	k, err := kernel.Open(n.Root, krel, kernel.Options{})
	if err != nil {
		return err
	}
	defer k.Close()
	in := &installing{n: n, p: p, req: req, k: k}
	if sources, err = in.distinct(sources); err != nil {
		return err
	}
	in.judge(sources)
	for _, s := range sources {
		if err := in.place(s); err != nil {
			return err
		}
	}
	if len(in.names) == 0 {
		return nil
	}
	if err := in.writeOverrides(); err != nil {
		return err
	}
	step, err := n.depmod(krel)
	if err != nil {
		return err
	}
	p.Steps = append(append(p.Steps, in.steps...), step)
	p.Changes = append(p.Changes, weakupdates.Change{Kernel: krel, Names: in.names, Depmod: true})
	return nil
}

// notInName matches what no module's name has: it comes from an identifier of C
// (scripts/Makefile.lib of 6.1, name-fix), and a blank or a line's end in it would
// be read as more than a name in modules.dep and depmod.d.
var notInName = regexp.MustCompile(`[^A-Za-z0-9_]`)

// distinct leaves one source for a name, that of the newest package, and wants
// that its module has that name.
func (in *installing) distinct(sources []*Source) ([]*Source, error) {
	var list []*Source
	for _, s := range sources {
		if name := s.Name(); name == "" || notInName.MatchString(name) {
			return nil, fmt.Errorf("%q: %q is no name of a module", s.Path, name)
		}
		if own := ko.NameFromPath(s.Module.Name); own != s.Name() {
			return nil, fmt.Errorf("%s: the module calls itself %s: modprobe would not find it under that name", s.Path, own)
		}
		i := slices.IndexFunc(list, func(o *Source) bool { return o.Name() == s.Name() })
		switch {
		case i < 0:
			list = append(list, s)
		case bytes.Equal(list[i].Data, s.Data):
		case s.EVR == list[i].EVR || s.EVR == "" || list[i].EVR == "":
			return nil, fmt.Errorf("%s and %s: two files of module %s for %s", list[i].Path, s.Path, s.Name(), in.k.Release)
		default:
			older := s
			if release.Compare(list[i].EVR, s.EVR) < 0 {
				older, list[i] = list[i], s
			}
			in.p.note("%s: left out, as version %s is newer", older.Path, list[i].EVR)
		}
	}
	return list, nil
}

// place decides where a module goes and adds the steps.
func (in *installing) place(s *Source) error {
	tree := in.k.Tree()
	old := tree.Module(s.Name())
	was := Placed{Name: s.Name(), Kernel: in.k.Release, Source: s.Path}
	own := false
	if old != nil {
		was.Was = inTree(tree, old)
		own, _ = in.k.Own(old)
		was.Owner = in.n.Owner(was.Was, own)
	}
	if err := in.allowed(s, old, own); err != nil {
		return err
	}
	dir, base := in.where(s, old, own)
	rel := path.Join(dir, base)
	was.File = tree.Dir + "/" + rel
	if now, err := depmod.ReadFile(in.n.Root, was.File, maxSourceBytes); err == nil && bytes.Equal(now, s.Data) && was.File == was.Was {
		was.Same = true
		in.p.Placed = append(in.p.Placed, was)
		return nil
	}
	in.mkdirs(path.Dir(was.File))
	reason := "new on " + in.k.Release
	if was.Was != "" {
		reason = "instead of " + was.Was
		switch was.Owner {
		case "":
		case "kernel":
			reason += ", the kernel's own"
		default:
			reason += ", which is of " + was.Owner
		}
	}
	in.steps = append(in.steps, txn.Step{Op: txn.Write, Path: was.File, Data: s.Data, Mode: 0o644, Reason: reason})
	if old != nil && was.File != was.Was && path.Dir(was.File) == path.Dir(was.Was) {
		in.steps = append(in.steps, txn.Step{Op: txn.Remove, Path: was.Was, Reason: "its successor is packed otherwise"})
	}
	in.names = append(in.names, s.Name())
	in.p.Placed = append(in.p.Placed, was)
	return in.selected(rel, was)
}

// inTree is the path inside the root of a file of a tree.
func inTree(tree *depmod.Tree, f *depmod.File) string {
	if path.IsAbs(f.Rel) {
		return f.Rel
	}
	return tree.Dir + "/" + f.Rel
}

// Owner says whose a module file inside the root is: the package that owns it,
// else "kernel" for a kernel's own module, else "".
func (n *Node) Owner(p string, own bool) string {
	if n.options.Package != nil {
		real := p
		if r, err := depmod.Resolve(n.Root, p); err == nil {
			real = r
		}
		if pkg := n.options.Package(real); pkg != "" {
			return pkg
		}
	}
	if own {
		return "kernel"
	}
	return ""
}

// allowed holds the verb's rule against what is there.
func (in *installing) allowed(s *Source, old *depmod.File, own bool) error {
	builtin := in.k.Builtin()
	switch {
	case builtin != nil && builtin.Has(s.Name()) && !in.req.Force:
		return fmt.Errorf("%s: %s is built into %s, no file can take its place", s.Path, s.Name(), in.k.Release)
	case in.req.Verb == InstallReplace && old == nil:
		return fmt.Errorf("%s: %s has no module %s to replace", s.Path, in.k.Release, s.Name())
	case in.req.Verb == InstallNew && old != nil && !own && !isWeakLink(old) && !in.req.Force:
		if now, err := depmod.ReadFile(in.n.Root, inTree(in.k.Tree(), old), maxSourceBytes); err == nil && bytes.Equal(now, s.Data) {
			return nil
		}
		return fmt.Errorf("%s: %s has %s already, at %s: upgrade or replace it", s.Path, in.k.Release, s.Name(), inTree(in.k.Tree(), old))
	case in.req.Verb == InstallUpgrade && (old == nil || own):
		return fmt.Errorf("%s: %s has no third-party module %s to upgrade", s.Path, in.k.Release, s.Name())
	case in.req.Verb == InstallUpgrade && !in.req.Force:
		return in.notOlder(s, old)
	}
	return nil
}

func isWeakLink(f *depmod.File) bool { return strings.HasPrefix(f.Rel, "weak-updates/") }

// notOlder wants that a file's version is not below that of the one it
// follows; modules without a version are not compared.
func (in *installing) notOlder(s *Source, old *depmod.File) error {
	f, err := ko.Open(old.Path)
	if err != nil {
		return nil // what cannot be read may be replaced
	}
	defer f.Close()
	have, _ := f.Info.Get("version")
	comes, _ := s.Module.Info.Get("version")
	if have != "" && comes != "" && release.Compare(comes, have) < 0 {
		return fmt.Errorf("%s: version %s is older than %s, which %s has", s.Path, comes, have, in.k.Release)
	}
	return nil
}

// where chooses the directory below the kernel's and the file's name. A file
// that nobody owns gives its place to its successor, and its name: an override
// goes by the name as it is written, with dashes.
func (in *installing) where(s *Source, old *depmod.File, own bool) (dir, base string) {
	base = s.Base
	if old != nil {
		stem, _, _ := strings.Cut(path.Base(old.Rel), ".")
		base = stem + extension(s)
	}
	if old != nil && !own && !isWeakLink(old) && !path.IsAbs(old.Rel) && old.Link == "" && in.n.Owner(inTree(in.k.Tree(), old), false) == "" && !old.InKernel() {
		return path.Dir(old.Rel), base
	}
	at := in.k.Tree().Dir + "/" + InstallDir + "/" + base
	if _, err := depmod.Resolve(in.n.Root, at); err == nil && in.n.Owner(at, false) != "" {
		return ownDir, base
	}
	return InstallDir, base
}

// extension is the file's ending by what it holds.
func extension(s *Source) string {
	switch s.Module.Compression {
	case ko.Gzip:
		return ".ko.gz"
	case ko.XZ:
		return ".ko.xz"
	case ko.Zstd:
		return ".ko.zst"
	}
	return ".ko"
}

// mkdirs makes the directories that are not there, outermost first.
func (in *installing) mkdirs(dir string) {
	if _, err := depmod.Resolve(in.n.Root, dir); err == nil || dir == "/" {
		return
	}
	in.mkdirs(path.Dir(dir))
	step := txn.Step{Op: txn.Mkdir, Path: dir, Mode: 0o755}
	if !slices.ContainsFunc(slices.Concat(in.p.Steps, in.steps), func(s txn.Step) bool { return s.Op == txn.Mkdir && s.Path == dir }) {
		in.steps = append(in.steps, step)
	}
}

// selected sees to it that depmod selects a file that comes to be at rel, by an
// override where its search order would not.
func (in *installing) selected(rel string, was Placed) error {
	if was.File == was.Was {
		return nil
	}
	tree := in.k.Tree()
	stays, why := tree.Offer(rel)
	if stays == nil || inTree(tree, stays) == was.Was && path.Dir(was.File) == path.Dir(was.Was) {
		return nil
	}
	if !in.n.Policy.Override {
		return fmt.Errorf("%s: depmod would go on selecting %s (%s), and the policy forbids overrides", rel, inTree(tree, stays), why)
	}
	stem, _, _ := strings.Cut(path.Base(rel), ".")
	in.overrides = append(in.overrides, weakupdates.OverrideLine(stem, in.k.Release, path.Dir(rel)))
	config, err := depmod.ReadConfig(in.n.Root)
	if err != nil {
		return err
	}
	config.Parse(strings.NewReader(strings.Join(in.overrides, "")), installOverrides(in.k.Release))
	tree, err = depmod.Scan(in.n.Root, in.k.Release, config)
	if err != nil {
		return err
	}
	if stays, why := tree.Offer(rel); stays != nil {
		return fmt.Errorf("%s: depmod would go on selecting %s (%s), whatever depmod.d says", rel, inTree(tree, stays), why)
	}
	return nil
}

// writeOverrides adds to the kernel's depmod.d file of installed modules.
func (in *installing) writeOverrides() error {
	if len(in.overrides) == 0 {
		return nil
	}
	name := installOverrides(in.k.Release)
	text, err := depmod.ReadFile(in.n.Root, name, maxOverrides)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lines := append(slices.Collect(strings.Lines(string(text))), in.overrides...)
	slices.Sort(lines)
	in.mkdirs(path.Dir(name))
	in.steps = append(in.steps, txn.Step{Op: txn.Write, Path: name, Data: []byte(strings.Join(slices.Compact(lines), "")), Mode: 0o644,
		Reason: "another file would be selected before"})
	return nil
}

// judge has the loader say whether the kernel will take the modules, and
// whether those that take symbols from a module that they displace still load.
func (in *installing) judge(sources []*Source) {
	target := loader.NewTarget(in.k, loader.AsStarted(in.k))
	var modules []*loader.Module
	names := map[string]bool{}
	for _, s := range sources {
		modules = append(modules, s.Module)
		names[s.Name()] = true
	}
	for _, v := range target.Check(modules) {
		if v != nil && !v.Safe() {
			in.refuse("%s: %s would not load it: %s", v.Module, in.k.Release, weakupdates.Reason(v))
		}
	}
	consumers, err := in.consumers(names)
	if err != nil {
		in.p.note("cannot tell which modules need these: %v", err)
		return
	}
	before := target.Check(consumers)
	after := target.Check(append(slices.Clone(modules), consumers...))[len(modules):]
	for i, v := range after {
		if v != nil && !v.Safe() && before[i] != nil && before[i].Safe() {
			in.refuse("%s: %s would not load it any more: %s", v.Name, in.k.Release, weakupdates.Reason(v))
		}
	}
}

// refuse adds a refusal, with Force a note.
func (in *installing) refuse(format string, args ...any) {
	if in.req.Force {
		in.p.note(format+" (forced)", args...)
		return
	}
	in.p.Refusals = append(in.p.Refusals, fmt.Sprintf(format, args...))
}

// consumers are the installed modules that need one of the names, by
// modules.dep, and are not among them.
func (in *installing) consumers(names map[string]bool) ([]*loader.Module, error) {
	deps, err := readDeps(in.n.Root, in.k.Tree().Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // depmod has never run: nothing is loaded by name
	} else if err != nil {
		return nil, err
	}
	var paths []string
	for name, d := range deps {
		needs := slices.ContainsFunc(d.needs, func(rel string) bool { return names[depmod.ModuleName(rel)] })
		if f := in.k.Tree().Module(name); needs && !names[name] && f != nil {
			paths = append(paths, f.Path)
		}
	}
	slices.Sort(paths)
	return loader.ReadAll(paths), nil
}
