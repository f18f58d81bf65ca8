package node

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"modkeep/depmod"
	"modkeep/kernel"
	"modkeep/ko"
	"modkeep/loader"
	"modkeep/repo"
	"modkeep/weakupdates"
)

// Set is a set of modules that were built to run together: those of a package,
// of a directory, or that a manifest names.
type Set struct {
	Name    string
	modules map[string][]member // by module name: a set may have builds for several kernels
	// owners are packages whose files belong to the set, where the set's own
	// files are not at hand; blocked is why a module has none for the kernel.
	owners  map[string]bool
	blocked map[string]string
}

// member is one file of a set. Its sum is that of the module as it is unpacked.
type member struct {
	sum    [sha256.Size]byte
	module *loader.Module // nil where only the sum is known
}

// NewSet makes a set of modules that ReadSources has read.
func NewSet(name string, sources []*Source) (*Set, error) {
	s := &Set{Name: name, modules: map[string][]member{}}
	for _, src := range sources {
		sum, err := unpackedSum(src.Data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", src.Path, err)
		}
		s.modules[src.Name()] = append(s.modules[src.Name()], member{sum, src.Module})
	}
	if len(s.modules) == 0 {
		return nil, errors.New("no module in the set")
	}
	return s, nil
}

// NewManifestSet makes a set of what a channel's manifest has for a kernel.
// sources are the modules of its packages for that kernel (Manifest.For), all of
// which count where the manifest judges no kernel of that release; without any a
// file belongs to the set if a package of the manifest owns it.
func NewManifestSet(m *repo.Manifest, krel string, sources []*Source) (*Set, error) {
	s := &Set{Name: fmt.Sprintf("%s, snapshot %d", m.Repository, m.Snapshot), modules: map[string][]member{}, owners: map[string]bool{}, blocked: map[string]string{}}
	i := slices.IndexFunc(m.Kernels, func(k repo.Kernel) bool { return k.Release == krel })
	if i < 0 && len(sources) == 0 {
		return nil, fmt.Errorf("the manifest has no word of kernel %s", krel)
	}
	if len(sources) > 0 {
		whole, err := NewSet(s.Name, sources)
		if err != nil || i < 0 {
			return whole, err
		}
		s.modules = whole.modules
	} else {
		for _, p := range m.Packages {
			s.owners[p.Name] = true
		}
	}
	named := map[string][]member{}
	for _, module := range m.Kernels[i].Modules {
		named[module.Name] = s.modules[module.Name]
		if module.Decision == repo.Blocked {
			s.blocked[module.Name] = module.Reason
		}
	}
	s.modules = named
	return s, nil
}

// Names returns the modules of the set, sorted.
func (s *Set) Names() []string {
	var names []string
	for name := range s.modules {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (s *Set) has(name string) bool {
	_, ok := s.modules[name]
	return ok
}

// unpackedSum is the SHA-256 of a module file as it is when it is unpacked:
// packages may be installed packed otherwise.
func unpackedSum(data []byte) (sum [sha256.Size]byte, err error) {
	im, err := ko.NewImage("", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return sum, err
	}
	defer im.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(im, 0, im.Size)); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	return sum, nil
}

// belongs says whether the file that modprobe takes for a name is one of a set;
// without a set it is. Where it is not, the reason names its owner, and why the
// set's own module is not there instead.
func (n *Node) belongs(set *Set, tree *depmod.Tree, name, file string) ModuleReport {
	own := false
	if f := tree.Module(name); f != nil {
		own = f.InKernel()
	}
	report := ModuleReport{Name: name, File: file, Owner: n.Owner(file, own), OK: true}
	if set == nil {
		return report
	}
	content, err := n.moduleFile(file)
	if err != nil {
		report.fail(err.Error())
		return report
	}
	sum, err := unpackedSum(content.Data)
	if err != nil {
		report.fail(err.Error())
		return report
	}
	if slices.ContainsFunc(set.modules[name], func(m member) bool { return m.sum == sum }) || set.has(name) && set.blocked[name] == "" && set.owners[report.Owner] {
		return report
	}
	owner := report.Owner
	switch {
	case own && owner != "kernel" && owner != "":
		owner = "kernel (" + owner + ")"
	case owner == "":
		owner = "no package"
	}
	report.fail(fmt.Sprintf("Module %s belong to %s which is not a part of %s: %s", name, owner, set.Name, file))
	report.fail(n.whyNot(set, tree, name))
	return report
}

// whyNot says why a set's own module is not what modprobe takes on a kernel.
func (n *Node) whyNot(set *Set, tree *depmod.Tree, name string) string {
	members := set.modules[name]
	switch {
	case set.blocked[name] != "":
		return "the set has none for " + tree.Release + ": " + set.blocked[name]
	case !set.has(name):
		return "the set has no module of that name"
	case len(members) == 0:
		return "none of the set's packages owns it"
	}
	for _, shadowed := range tree.Shadowed {
		if shadowed.Name == name && set.holds(shadowed.Path) {
			return fmt.Sprintf("depmod does not select %s: %s", inTree(tree, shadowed.File), shadowed.Reason)
		}
	}
	r, err := n.open()
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	if p, err := r.Plan(weakupdates.Request{Verb: weakupdates.Relink, Kernels: []string{tree.Release}, Modules: []string{name}}); err == nil {
		for _, o := range p.Outcomes {
			if o.Name == name && o.Donor != nil && set.holds(o.Donor.Host) {
				return fmt.Sprintf("no weak link to %s because: %s", o.Donor.Path, n.stateOf(r, &o).Reason)
			}
		}
	}
	k, err := r.Kernel(tree.Release)
	if err != nil {
		return err.Error()
	}
	return "the set's module is not installed" + wouldLoad(k, members)
}

// wouldLoad says whether a kernel would load one of the builds of a module.
func wouldLoad(k *kernel.Kernel, members []member) string {
	var modules []*loader.Module
	for _, m := range members {
		if m.module != nil {
			modules = append(modules, m.module)
		}
	}
	reason := ""
	for _, v := range loader.NewTarget(k, loader.AsStarted(k)).Check(modules) {
		switch {
		case v == nil:
		case v.Safe():
			return ", and would load"
		default:
			reason = ", and would not load: " + weakupdates.Reason(v)
		}
	}
	return reason
}

// holds reports whether a file of this machine is one of the set's.
func (s *Set) holds(host string) bool {
	data, err := readModuleFile(host)
	if err != nil {
		return false
	}
	sum, err := unpackedSum(data)
	return err == nil && slices.ContainsFunc(s.modules[depmod.ModuleName(host)], func(m member) bool { return m.sum == sum })
}
