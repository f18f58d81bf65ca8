package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"modkeep/depmod"
	"modkeep/kabi/layout"
	"modkeep/kernel"
	"modkeep/ko"
	"modkeep/ko/elf"
	"modkeep/loader"
	"modkeep/policy"
)

// kindTypes is the kind of the finding that refuses a module for its types.
const kindTypes loader.Kind = "types"

// typeReport is a type that a module knows otherwise than a kernel that loads
// it.
type typeReport struct {
	Module string `json:"module"`
	Kernel string `json:"kernel"`
	Source string `json:"source"` // of the module's view: DWARF or BTF
	layout.Finding
}

// moduleView is a module's own view of types.
type moduleView struct {
	layout.View
	source  string
	pointer uint64
}

// typesOfPolicy has the root's policy say what no flag does. It speaks of the
// kernels below the root only.
func (r *checkRun) typesOfPolicy() error {
	if r.opts.types != "" {
		return nil
	}
	r.opts.types = policy.TypesOff
	if r.opts.symvers != "" {
		return nil
	}
	text, err := depmod.ReadFile(r.opts.root, policy.Path, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	p, err := policy.Parse(bytes.NewReader(text), policy.Path)
	if err != nil {
		return err
	}
	r.opts.types = p.Types
	return nil
}

// checkTypes compares the types of modules with those of a kernel that would
// load them. verdicts are those of the modules, in their order. Where the CRCs
// differ the layouts may, so refused modules are not looked at.
func (r *checkRun) checkTypes(k *kernel.Kernel, modules []*loader.Module, verdicts []*loader.Verdict) {
	if r.opts.types == policy.TypesOff {
		return
	}
	base, err := kernelBTF(k)
	for i, v := range verdicts {
		if v == nil || !v.Loads {
			continue
		}
		if err != nil {
			v.Unknown = append(v.Unknown, fmt.Sprintf("types (kernel: %v)", err))
			continue
		}
		r.checkModuleTypes(k.Release, base, modules[i], v)
	}
}

// kernelBTF reads the types of a kernel.
func kernelBTF(k *kernel.Kernel) (*layout.BTF, error) {
	im := k.Image()
	if im == nil {
		return nil, errors.New("no image")
	}
	data, err := im.BTF()
	if err != nil {
		return nil, layout.ErrAbsent
	}
	return layout.OpenBTF(bytes.Clone(data), nil)
}

// maxTypeWarnings is how many types are warned of; JSON lists all.
const maxTypeWarnings = 8

func (r *checkRun) checkModuleTypes(release string, base *layout.BTF, m *loader.Module, v *loader.Verdict) {
	view, err := r.viewOf(m, release)
	switch {
	case err != nil:
		v.Unknown = append(v.Unknown, fmt.Sprintf("types (module: %v)", err))
		return
	case view == nil:
		return
	}
	found := layout.Check(view.View, base, view.pointer)
	for i, f := range found {
		r.report.Types = append(r.report.Types, typeReport{m.Path, v.Kernel, view.source, f})
		if i < maxTypeWarnings {
			v.Warnings = append(v.Warnings, "types: "+f.String())
		}
	}
	if n := len(found) - maxTypeWarnings; n > 0 {
		v.Warnings = append(v.Warnings, fmt.Sprintf("types: … and %d more (--json lists all)", n))
	}
	if len(found) > 0 && r.opts.types == policy.TypesRefuse {
		v.Loads = false
		v.Findings = append(v.Findings, loader.Finding{Kind: kindTypes, Text: fmt.Sprintf("%d types are laid out otherwise in this kernel, which would load the module", len(found))})
		v.Next = firstNonEmpty(v.Next, "build the module for "+v.Kernel)
	}
}

// viewOf reads a module's view: from the DWARF in its file or its debug file,
// else from its BTF. It is nil where BTF was made from that very kernel's, so
// that both are one.
func (r *checkRun) viewOf(m *loader.Module, release string) (*moduleView, error) {
	f, err := m.Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.HasDWARF() {
		return dwarfView(f.Image)
	}
	for _, path := range r.debugFiles(m, f) {
		if file, err := os.Open(path); err == nil {
			defer file.Close()
			return dwarfView(file)
		}
	}
	return r.btfView(f, m, release)
}

func dwarfView(file io.ReaderAt) (*moduleView, error) {
	d, err := layout.ReadDWARF(file)
	if err != nil {
		return nil, err
	}
	return &moduleView{layout.ViewOfDWARF(d), "DWARF", d.Pointer}, nil
}

// debugFiles are the places of a module's debug information: by build id, by
// path, and beside the module.
func (r *checkRun) debugFiles(m *loader.Module, f *ko.File) []string {
	debug := filepath.Join(r.opts.root, "usr/lib/debug")
	paths := []string{m.Path + ".debug"}
	if id, err := f.BuildID(); err == nil && len(id) > 1 {
		name := hex.EncodeToString(id)
		paths = append(paths, filepath.Join(debug, ".build-id", name[:2], name[2:]+".debug"))
	}
	if rel, err := filepath.Rel(r.opts.root, m.Path); err == nil && !strings.HasPrefix(rel, "..") {
		for _, suffix := range []string{".xz", ".gz", ".zst"} {
			rel = strings.TrimSuffix(rel, suffix)
		}
		usr := strings.TrimPrefix(rel, "usr/")
		paths = append(paths, filepath.Join(debug, usr), filepath.Join(debug, usr+".debug"), filepath.Join(debug, "usr", usr+".debug"))
	}
	return paths
}

// btfView reads split BTF. It says nothing without what it was split from: the
// BTF of the kernel that the module was built for, or .BTF.base.
func (r *checkRun) btfView(f *ko.File, m *loader.Module, release string) (*moduleView, error) {
	split, err := sectionData(f, ".BTF")
	if err != nil {
		return nil, err
	}
	magic, _ := m.Info.Get("vermagic")
	built, _, _ := strings.Cut(magic, " ")
	var base *layout.BTF
	if data, err := sectionData(f, ".BTF.base"); err == nil {
		if base, err = layout.OpenBTF(data, nil); err != nil {
			return nil, fmt.Errorf(".BTF.base: %w", err)
		}
	} else if built == release {
		return nil, nil
	} else if base, err = r.builtFor(built); err != nil {
		return nil, fmt.Errorf("BTF split from %s: %w", built, err)
	}
	b, err := layout.OpenBTF(split, base)
	if err != nil {
		return nil, err
	}
	if !b.Fits() {
		return nil, fmt.Errorf("BTF was not split from that of %s", built)
	}
	pointer := uint64(8)
	if !f.Is64 {
		pointer = 4
	}
	return &moduleView{layout.ViewOfBTF(b), "BTF", pointer}, nil
}

// builtFor returns the BTF of another kernel below the root.
func (r *checkRun) builtFor(krel string) (*layout.BTF, error) {
	if b, ok := r.bases[krel]; ok {
		return b, nil
	}
	k, err := kernel.Open(r.opts.root, krel, kernel.Options{})
	if err != nil {
		return nil, errors.New("that kernel is not installed")
	}
	defer k.Close()
	b, err := kernelBTF(k)
	if err == nil {
		if r.bases == nil {
			r.bases = map[string]*layout.BTF{}
		}
		r.bases[krel] = b
	}
	return b, err
}

func sectionData(f *ko.File, name string) ([]byte, error) {
	s := f.Section(name)
	if s == nil || s.Type == elf.SHT_NOBITS {
		return nil, layout.ErrAbsent
	}
	data, err := f.Data(s)
	return bytes.Clone(data), err
}
