// Package channel decides what becomes of a repository's modules on each kernel:
// what the channel manifest says.
//
// A candidate is a module file in a package. Of the candidates of one name the
// kernel's own build that loads decides for rebuilt; else the newest build for
// another kernel that loads for linked; else the module is blocked, for the reason
// of the newest. What loads, package loader says, of all candidates as one set; a
// file that is damaged, or no module, does not.
package channel

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/depmod"
	"modkeep/kernel"
	"modkeep/kernel/release"
	"modkeep/kmp"
	"modkeep/ko"
	"modkeep/loader"
	"modkeep/policy"
	"modkeep/repo"
	"modkeep/weakupdates"
)

// Options are what decides besides packages and kernels.
type Options struct {
	Policy *policy.Policy // which modules are required or never linked; nil for the default
	Loader loader.Options // how the kernels are started
	Built  []Cell         // what was built, and why not
}

// Cell is what modkeep build --json says of one source for one kernel.
type Cell struct {
	Source  string   `json:"source"`
	Version string   `json:"version"`
	Kernel  string   `json:"kernel"`
	Status  string   `json:"status"` // built, cached, failed, blocked, excluded
	Modules []string `json:"modules"`
	Cause   string   `json:"cause"`
}

// candidate is a module file in a package.
type candidate struct {
	*loader.Module
	name     string // by the file's, which a damaged one has too
	pkg      repo.Package
	path     string // in the package
	builtFor string
}

// Judge says of each kernel what becomes of the modules in packages. open
// returns the machine's path of a package.
func Judge(packages []repo.Package, open func(repo.Package) string, kernels []*kernel.Kernel, o Options) ([]repo.Kernel, error) {
	if o.Policy == nil {
		o.Policy = policy.Default()
	}
	candidates, err := readAll(packages, open)
	if err != nil {
		return nil, err
	}
	list := []repo.Kernel{}
	for _, k := range kernels {
		list = append(list, judge(k, candidates, o))
	}
	slices.SortFunc(list, func(a, b repo.Kernel) int { return release.Compare(a.Release, b.Release) })
	return list, nil
}

// readAll reads the modules of all packages.
func readAll(packages []repo.Package, open func(repo.Package) string) ([]candidate, error) {
	var list []candidate
	for _, p := range packages {
		if p.Arch == "src" {
			continue
		}
		path := open(p)
		_, err := kmp.OpenEach(path, func(m *kmp.Module) error {
			if m.Data == nil {
				return nil // another name of a file that was read
			}
			read := loader.ReadFrom(p.File+":"+m.Path, opener(path, m.Path, m.Data))
			list = append(list, candidate{read, m.Name, p, m.Path, m.BuiltFor()})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// opener opens a module of a package: at first from its bytes, which are then let
// go, and where it is wanted again from the package.
func opener(pkg, path string, data []byte) func() (*ko.Image, error) {
	return func() (*ko.Image, error) {
		first := data
		data = nil
		if first == nil {
			var err error
			if first, err = extract(pkg, path); err != nil {
				return nil, err
			}
		}
		return ko.NewImage(filepath.Base(path), bytes.NewReader(first), int64(len(first)))
	}
}

// extract returns one module of a package.
func extract(pkg, path string) ([]byte, error) {
	var data []byte
	_, err := kmp.OpenEach(pkg, func(m *kmp.Module) error {
		if m.Path == path {
			data = m.Data
			return io.EOF
		}
		return nil
	})
	if data == nil && (err == nil || errors.Is(err, io.EOF)) {
		err = fmt.Errorf("%s is no longer in %s", path, filepath.Base(pkg))
	}
	if data != nil {
		err = nil
	}
	return data, err
}

// judge decides for one kernel.
func judge(k *kernel.Kernel, all []candidate, o Options) repo.Kernel {
	target := loader.NewTarget(k, o.Loader)
	var fit []candidate
	var modules []*loader.Module
	for _, c := range all {
		if suits(c.pkg.Arch, target.Arch.Name) {
			fit = append(fit, c)
			modules = append(modules, c.Module)
		}
	}
	verdicts := target.Check(modules)
	byName := make(map[string][]judged)
	for i, c := range fit {
		byName[c.name] = append(byName[c.name], judged{c, verdicts[i]})
	}
	out := repo.Kernel{Release: k.Release, Arch: k.Arch(), Ready: true, Modules: []repo.Module{}}
	for name, list := range byName {
		out.Modules = append(out.Modules, decide(name, k.Release, list, o))
	}
	out.Modules = append(out.Modules, missing(byName, o)...)
	slices.SortFunc(out.Modules, func(a, b repo.Module) int { return cmp.Compare(a.Name, b.Name) })
	for _, m := range out.Modules {
		if m.Required && m.Decision == repo.Blocked {
			out.Ready = false
		}
	}
	return out
}

// archNames are the names that packages give the architectures of kernels.
var archNames = map[string][]string{
	"x86_64": {"amd64"}, "aarch64": {"arm64"}, "i686": {"i386", "i486", "i586"}, "armv7l": {"armhf", "armv7hl"}, "ppc64le": {"ppc64el"},
}

// suits says whether a package is for an architecture. Where one of them is not
// known that is left to the loader.
func suits(pkg, arch string) bool {
	if arch == "" || pkg == arch || pkg == "noarch" || pkg == "all" {
		return true
	}
	for name, others := range archNames {
		if pkg == name || slices.Contains(others, pkg) {
			return name == arch
		}
	}
	return true
}

// judged is a candidate and its verdict, nil for a file that cannot be read.
type judged struct {
	candidate
	verdict *loader.Verdict
}

// reason is why a candidate does not load.
func (j judged) reason() string {
	if j.verdict == nil {
		return "cannot be read: " + j.Err.Error()
	}
	return weakupdates.Reason(j.verdict)
}

// newest orders candidates, the best first: those built for krel, then by the
// kernel they were built for and the package's version, which those of different
// formats count in different ways.
func newest(krel string) func(a, b judged) int {
	own := func(j judged) int {
		if j.builtFor == krel {
			return 0
		}
		return 1
	}
	return func(a, b judged) int {
		return cmp.Or(cmp.Compare(own(a), own(b)), release.Compare(b.builtFor, a.builtFor), cmp.Compare(b.pkg.Format, a.pkg.Format), compareEVR(b.pkg, a.pkg), cmp.Compare(a.pkg.File, b.pkg.File))
	}
}

func compareEVR(a, b repo.Package) int {
	compare := release.CompareRPM
	if a.Format == kmp.Deb {
		compare = release.CompareDpkg
	}
	return compare(a.EVR(), b.EVR())
}

// decide decides for the candidates of one name.
func decide(name, krel string, list []judged, o Options) repo.Module {
	slices.SortFunc(list, newest(krel))
	best := list[0]
	rule := ruleFor(o.Policy, best)
	m := repo.Module{Name: name, Decision: repo.Blocked, Required: rule.Required, Package: best.pkg.File, Path: best.path, BuiltFor: best.builtFor}
	m.Reason = best.reason()
	for _, j := range list {
		if j.verdict == nil || !j.verdict.Safe() {
			continue
		}
		m.Package, m.Path, m.BuiltFor = j.pkg.File, j.path, j.builtFor
		if j.builtFor == krel {
			m.Decision, m.Reason, m.Other = repo.Rebuilt, "built for "+krel, other(list, j)
			return m
		}
		if ruleFor(o.Policy, j).Link == policy.LinkNever {
			m.Reason = "built for " + j.builtFor + " and would load, but the policy never links it"
			break
		}
		m.Decision, m.Reason, m.Other = repo.Linked, "built for "+j.builtFor+", loads on "+krel, other(list, j)
		return m
	}
	if cause := causeOf(name, krel, o.Built); cause != "" {
		m.Reason += "; not built for " + krel + ": " + cause
	}
	return m
}

// other returns the package of the other format, of those ordered, that has a build
// for the same kernel as one which loads: a repository may be for dnf and for apt.
func other(list []judged, one judged) string {
	for _, j := range list {
		if j.pkg.Format != one.pkg.Format && j.builtFor == one.builtFor && j.verdict != nil && j.verdict.Safe() {
			return j.pkg.File
		}
	}
	return ""
}

// ruleFor is what the policy wants for a candidate.
func ruleFor(p *policy.Policy, j judged) policy.Rule {
	_, rel, _ := strings.Cut(j.path, "lib/modules/"+j.builtFor+"/")
	return p.For(j.name, rel, j.pkg.Name)
}

// causeOf is why a module was not built for a kernel: the cause of its source,
// which is the one that gave it for another kernel, or has its name.
func causeOf(name, krel string, cells []Cell) string {
	gives := func(c Cell) bool {
		return depmod.ModuleName(c.Source) == name || slices.ContainsFunc(c.Modules, func(file string) bool { return depmod.ModuleName(file) == name })
	}
	for _, c := range cells {
		if c.Kernel != krel || c.Cause == "" {
			continue
		}
		if slices.ContainsFunc(cells, func(other Cell) bool { return other.Source == c.Source && gives(other) }) {
			return c.Status + ": " + c.Cause
		}
	}
	return ""
}

// missing are the modules that the policy requires by name and no package has.
func missing(have map[string][]judged, o Options) []repo.Module {
	var list []repo.Module
	for _, e := range o.Policy.Modules {
		name := strings.ReplaceAll(e.Name, "-", "_")
		if e.Required == nil || !*e.Required || name == "" || strings.ContainsAny(name, "*?[") || have[name] != nil {
			continue
		}
		m := repo.Module{Name: name, Decision: repo.Blocked, Required: true, Reason: "no package has it"}
		if !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}
