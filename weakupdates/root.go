package weakupdates

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/depmod"
	"modkeep/kernel"
	"modkeep/kernel/release"
	"modkeep/loader"
	"modkeep/policy"
)

// Options are what a root may be opened with.
type Options struct {
	Layout Layout         // "" to detect
	Policy *policy.Policy // nil for the default
	// Package returns the name of the package that owns a file inside the root,
	// "" where none does. It is asked only where the policy speaks of packages.
	Package func(path string) string
	// Target changes how a kernel is started before modules are judged for it.
	Target func(k *kernel.Kernel) loader.Options
}

// Root is a tree with kernels and modules. It is read as far as plans need it,
// once; it does not see what changes afterwards.
type Root struct {
	Dir    string
	Layout Layout
	Policy *policy.Policy
	Notes  []string // what could not be read

	options  Options
	config   *depmod.Config // without the overrides that are ours
	releases []string       // directories below lib/modules, oldest first
	targets  map[string]bool
	kernels  map[string]*kernel.Kernel
	donors   map[string][]*Donor // by kernel
	judges   map[string]*loader.Target
	parts    map[string]map[string]int // dependency groups of Donors, by kernel
	cycles   map[string][]string       // see cycle
}

// Open finds what is below a root. It reads the depmod.d files and the
// directory lib/modules.
func Open(root string, o Options) (*Root, error) {
	config, err := depmod.ReadConfig(root)
	if err != nil {
		return nil, err
	}
	r := &Root{Dir: root, Layout: o.Layout, Policy: o.Policy, options: o,
		targets: map[string]bool{}, kernels: map[string]*kernel.Kernel{}, donors: map[string][]*Donor{}, judges: map[string]*loader.Target{}, parts: map[string]map[string]int{}, cycles: map[string][]string{}}
	if r.Policy == nil {
		r.Policy = policy.Default()
	}
	if r.Layout == "" && r.Policy.Layout != policy.LayoutAuto {
		r.Layout = Layout(r.Policy.Layout)
	}
	if r.Layout == "" {
		r.Layout = DetectLayout(root, config)
	}
	config.Overrides = slices.DeleteFunc(config.Overrides, func(o depmod.Override) bool {
		return strings.HasPrefix(path.Base(o.Source), overridePrefix)
	})
	config.Excludes = append(config.Excludes, linkDir)
	r.config = config
	return r, r.list()
}

// list finds the directories of kernels and which of them are targets: what a
// kernel package has installed (kernel.List), and what has a table of exports
// of its own. The others hold what modules left, and may still be donors.
func (r *Root) list() error {
	installed, err := kernel.List(r.Dir)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, dir := range []string{"/lib/modules", "/usr/lib/modules"} {
		entries, err := readDir(r.Dir, dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("list kernels: %w", err)
		}
		for _, e := range entries {
			krel := e.Name()
			if _, err := release.Parse(krel); err == nil && !seen[krel] {
				seen[krel] = true
				r.releases = append(r.releases, krel)
			}
		}
	}
	slices.SortFunc(r.releases, release.Compare)
	for _, krel := range r.releases {
		r.targets[krel] = slices.Contains(installed, krel) || r.hasTable(krel)
	}
	return nil
}

// hasTable reports whether a kernel package left a table of exports or of
// symbols for the release.
func (r *Root) hasTable(krel string) bool {
	for _, ext := range []string{"", ".gz", ".xz", ".zst"} {
		for _, name := range []string{"/boot/symvers-" + krel + ext, "/lib/modules/" + krel + "/symvers" + ext, "/usr/lib/modules/" + krel + "/symvers" + ext} {
			if _, err := depmod.Resolve(r.Dir, name); err == nil {
				return true
			}
		}
	}
	for _, name := range []string{"/boot/System.map-" + krel, "/lib/modules/" + krel + "/System.map"} {
		if _, err := depmod.Resolve(r.Dir, name); err == nil {
			return true
		}
	}
	return false
}

// readDir lists a directory inside the root.
func readDir(root, dir string) ([]os.DirEntry, error) {
	real, err := depmod.Resolve(root, dir)
	if err != nil {
		return nil, err
	}
	return os.ReadDir(filepath.Join(root, real))
}

// Targets returns the kernels that may get links, oldest first.
func (r *Root) Targets() []string {
	var list []string
	for _, krel := range r.releases {
		if r.targets[krel] {
			list = append(list, krel)
		}
	}
	return list
}

// Kernel opens a kernel as it would be without any weak-updates link.
func (r *Root) Kernel(krel string) (*kernel.Kernel, error) {
	if k := r.kernels[krel]; k != nil {
		return k, nil
	}
	k, err := kernel.Open(r.Dir, krel, kernel.Options{Depmod: r.config})
	if err != nil {
		return nil, err
	}
	r.kernels[krel] = k
	return k, nil
}

// Close closes what was opened.
func (r *Root) Close() {
	for _, k := range r.kernels {
		k.Close()
	}
}

// judge returns the target that modules are judged for.
func (r *Root) judge(k *kernel.Kernel) *loader.Target {
	t := r.judges[k.Release]
	if t == nil {
		var o loader.Options
		if r.options.Target != nil {
			o = r.options.Target(k)
		} else {
			o = loader.AsStarted(k)
		}
		t = loader.NewTarget(k, o)
		r.judges[k.Release] = t
	}
	return t
}

// Donors returns the donors that stand below a kernel's directory, one for each
// name: the one that depmod selects there before others.
func (r *Root) Donors(krel string) []*Donor {
	if list, ok := r.donors[krel]; ok {
		return list
	}
	k, err := r.Kernel(krel)
	if err != nil {
		r.note("%v", err)
		r.donors[krel] = nil
		return nil
	}
	tree := k.Tree()
	taken := map[string]bool{}
	var list []*Donor
	add := func(f *depmod.File) {
		if !taken[f.Name] && r.mayGive(krel, f) {
			taken[f.Name] = true
			list = append(list, &Donor{Name: f.Name, Kernel: krel, Rel: f.Rel, Path: tree.Dir + "/" + f.Rel, Host: f.Path})
		}
	}
	for _, f := range tree.Modules {
		add(f)
	}
	for _, s := range tree.Shadowed {
		add(s.File)
	}
	slices.SortFunc(list, func(a, b *Donor) int { return strings.Compare(a.Name, b.Name) })
	r.donors[krel] = list
	return list
}

// mayGive reports whether a file of a kernel's tree may serve other kernels:
// not below kernel/, in one of the policy's directories, and no link to what
// is another kernel's.
func (r *Root) mayGive(krel string, f *depmod.File) bool {
	if f.InKernel() || strings.HasPrefix(f.Rel, "/") {
		return false
	}
	if other, ok := releaseOf(f.Link); ok && other != krel {
		return false
	}
	return r.Policy.Donor(f.Rel)
}

// releaseOf returns the kernel's directory that a path inside the root lies in.
func releaseOf(p string) (krel string, ok bool) {
	for _, dir := range []string{"/lib/modules/", "/usr/lib/modules/"} {
		if rest, found := strings.CutPrefix(p, dir); found {
			krel, _, ok = strings.Cut(rest, "/")
			return krel, ok
		}
	}
	return "", false
}

// Links returns the links of a kernel, sorted by path, and the module files in
// weak-updates that are no links.
func (r *Root) Links(krel string) (links []Link, files []string) {
	dir, err := depmod.ModuleDir(r.Dir, krel)
	if err != nil {
		return nil, nil
	}
	var walk func(dir string, depth int)
	walk = func(dir string, depth int) {
		entries, err := readDir(r.Dir, dir)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				r.note("%s: %v", dir, err)
			}
			return
		}
		for _, e := range entries {
			p := dir + "/" + e.Name()
			switch {
			case e.IsDir() && depth < maxDepth:
				walk(p, depth+1)
			case !isModule(e.Name()):
			case e.Type()&fs.ModeSymlink != 0:
				links = append(links, r.link(krel, p))
			case e.Type().IsRegular():
				files = append(files, p)
			}
		}
	}
	walk(dir+"/"+linkDir, 0)
	return links, files
}

const maxDepth = 64

func isModule(name string) bool {
	return slices.ContainsFunc(depmod.Extensions, func(ext string) bool {
		return len(name) > len(ext) && strings.HasSuffix(name, ext)
	})
}

// link reads one link. A text that begins with the root's own path, as
// weak-modules --basedir writes it, is understood too.
func (r *Root) link(krel, p string) Link {
	l := Link{Name: depmod.ModuleName(p), Kernel: krel, Path: p}
	dir, err := depmod.Resolve(r.Dir, path.Dir(p))
	if err != nil {
		return l
	}
	l.Text, _ = os.Readlink(filepath.Join(r.Dir, dir, path.Base(p)))
	target, err := depmod.Resolve(r.Dir, p)
	if err != nil && !r.running() {
		if rest, ok := strings.CutPrefix(l.Text, filepath.Clean(r.Dir)+"/"); ok {
			target, err = depmod.Resolve(r.Dir, "/"+rest)
		}
	}
	if err == nil {
		l.Target, l.Host = target, filepath.Join(r.Dir, target)
	}
	return l
}

// host returns where a path inside the root is on this machine, links in it
// resolved; what does not exist gets the place it would have.
func (r *Root) host(p string) string {
	if real, err := depmod.Resolve(r.Dir, p); err == nil {
		p = real
	}
	return filepath.Join(r.Dir, p)
}

func (r *Root) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(r.Notes, text) {
		r.Notes = append(r.Notes, text)
	}
}

// inside brings a path inside the root to the form that Donor.Path has.
func (r *Root) inside(p string) string {
	p = path.Clean("/" + p)
	krel, ok := releaseOf(p)
	if !ok {
		if real, err := depmod.Resolve(r.Dir, path.Dir(p)); err == nil {
			p = path.Join(real, path.Base(p))
		}
		if krel, ok = releaseOf(p); !ok {
			return p
		}
	}
	dir, err := depmod.ModuleDir(r.Dir, krel)
	if err != nil {
		return p
	}
	_, rest, _ := strings.Cut(p, "/modules/"+krel+"/")
	return dir + "/" + rest
}
