package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/depmod"
	"modkeep/kernel"
	"modkeep/klog"
	"modkeep/ko"
)

// disk is what the root holds of the kernels that a log speaks of.
type disk struct {
	target
	krels   []string // the kernels that are installed
	dirs    []string // all module directories: packages leave files for kernels that are not
	byName  map[string]*depmod.Tree
	kernels map[string]*kernel.Kernel
	config  *depmod.Config
}

// maxLogKernels bounds how many kernels of a root are looked at for one log.
const maxLogKernels = 64

func newDisk(t target) *disk {
	d := &disk{target: t, byName: map[string]*depmod.Tree{}, kernels: map[string]*kernel.Kernel{}}
	d.krels, _ = kernel.List(t.root)
	d.krels = d.krels[:min(len(d.krels), maxLogKernels)]
	d.dirs = moduleDirs(t.root)
	d.config, _ = depmod.ReadConfig(t.root)
	return d
}

// moduleDirs are the names below lib/modules and usr/lib/modules, sorted, at
// most maxLogKernels of them.
func moduleDirs(root string) []string {
	var names []string
	for _, dir := range []string{"/lib/modules", "/usr/lib/modules"} {
		real, err := depmod.Resolve(root, dir)
		if err != nil {
			continue
		}
		entries, _ := os.ReadDir(filepath.Join(root, real))
		for _, e := range entries {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return names[:min(len(names), maxLogKernels)]
}

// release is the kernel that a finding is about: the one the log names, else
// the one that was asked for, else the only one there is.
func (d *disk) release(f *logFind) string {
	switch {
	case f.Kernel != "":
		return f.Kernel
	case d.kernel != "":
		return d.kernel
	case len(d.krels) == 1:
		return d.krels[0]
	}
	return ""
}

// tree is the module tree of a release, nil where the root has none.
func (d *disk) tree(krel string) *depmod.Tree {
	if krel == "" || strings.ContainsRune(krel, '/') || krel[0] == '.' {
		return nil
	}
	t, ok := d.byName[krel]
	if !ok && len(d.byName) < 2*maxLogKernels {
		t, _ = depmod.Scan(d.root, krel, d.config)
		d.byName[krel] = t
	}
	return t
}

// open opens a kernel of the root for its exports, nil where that fails.
func (d *disk) open(krel string) *kernel.Kernel {
	if d.tree(krel) == nil {
		return nil
	}
	k, ok := d.kernels[krel]
	if !ok {
		k, _ = kernel.Open(d.root, krel, kernel.Options{})
		d.kernels[krel] = k
	}
	return k
}

// tie finds the file of a finding's module, and who would provide the symbols
// that it lacked.
func (d *disk) tie(f *logFind) {
	if f.Module == "" {
		return
	}
	krel := d.release(f)
	t := d.tree(krel)
	if t == nil {
		return
	}
	if file := t.Module(f.Module); file != nil {
		f.File = inside(t, file)
		d.describe(f, file, krel)
	} else if place := d.elsewhere(f.Module, krel); place != "" {
		f.FileNote = fmt.Sprintf("no file for %s; exists as %s", krel, place)
	} else {
		f.FileNote = "no file of that name for " + krel
	}
	d.providers(f, krel)
}

// inside is a file's path inside the root.
func inside(t *depmod.Tree, file *depmod.File) string {
	if strings.HasPrefix(file.Rel, "/") {
		return file.Rel
	}
	return path.Join(t.Dir, file.Rel)
}

// describe says what the file tells of itself: whether it calls itself part of
// the kernel, and what it was built for.
func (d *disk) describe(f *logFind, file *depmod.File, krel string) {
	m, err := ko.Open(file.Path)
	if err != nil {
		f.FileNote = fmt.Sprintf("cannot be read: %v", err)
		return
	}
	defer m.Close()
	intree, _ := m.Info.Get("intree")
	own := intree == "Y" && file.InKernel()
	switch {
	case own && f.Origin != string(klog.ThirdParty):
		f.Origin, f.Basis = string(klog.InTree), "file below kernel/ with intree=Y"
	case !own:
		f.Origin, f.Basis = string(klog.ThirdParty), "file is not the kernel's own"
		if intree != "Y" {
			f.Basis = "file has no intree=Y"
		}
	}
	var notes []string
	if v, ok := m.Info.Vermagic(); ok && v.Release != krel {
		notes = append(notes, "built for "+v.Release)
	}
	if file.Link != "" {
		notes = append(notes, "a link to "+file.Link)
	}
	if version, ok := m.Info.Get("version"); ok {
		notes = append(notes, "version "+version)
	}
	f.FileNote = strings.Join(notes, ", ")
}

// elsewhere names the file that another kernel has of a module.
func (d *disk) elsewhere(module, but string) string {
	for _, krel := range d.dirs {
		if krel == but {
			continue
		}
		if t := d.tree(krel); t != nil {
			if file := t.Module(module); file != nil {
				return krel + "/" + file.Rel
			}
		}
	}
	return ""
}

// providers looks up who exports the symbols that were missing.
func (d *disk) providers(f *logFind, krel string) {
	for i := range f.Reasons {
		r := &f.Reasons[i]
		if r.Symbol == "" || r.Kind != string(klog.Missing) && r.Kind != string(klog.CRC) {
			continue
		}
		k := d.open(krel)
		if k == nil {
			return
		}
		p, ok := k.Provider(r.Symbol)
		if !ok {
			continue
		}
		if r.Provider = p.Module; p.Module == "" {
			r.Provider = "kernel"
		}
		if p.State == kernel.NotInstalled {
			r.Provider += " (not installed)"
		}
	}
}
