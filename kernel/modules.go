package kernel

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"modkeep/depmod"
	"modkeep/ko"
)

// module is what is kept of a module file that was opened; the file is closed.
type module struct {
	once    sync.Once
	exports []ko.Export
	intree  bool
	err     error
}

// module returns what a file of the tree says, read when first asked.
func (k *Kernel) module(f *depmod.File) *module {
	k.mu.Lock()
	m := k.modules[f]
	if m == nil {
		m = &module{}
		if k.modules == nil {
			k.modules = map[*depmod.File]*module{}
		}
		k.modules[f] = m
	}
	k.mu.Unlock()
	m.once.Do(func() {
		if m.err = m.read(f.Path); m.err != nil {
			k.problem(k.rel(f), m.err)
		}
	})
	return m
}

func (m *module) read(path string) error {
	file, err := ko.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	intree, _ := file.Info.Get("intree")
	m.intree = intree == "Y"
	m.exports, err = file.Exports()
	return err
}

// ModuleExports returns what a module file of the tree really exports.
func (k *Kernel) ModuleExports(f *depmod.File) ([]ko.Export, error) {
	m := k.module(f)
	return m.exports, m.err
}

// ownNames are the modules that the kernel's own lists name, by their path
// relative to the module directory, without what stands after .ko.
func (k *Kernel) ownNames() map[string]bool {
	return k.own.get(func() map[string]bool {
		names := map[string]bool{}
		order, err := k.Tree().ReadOrder()
		if err != nil {
			k.problem(k.ModuleDir+"/modules.order", err)
		}
		for _, line := range order {
			names[line] = true
		}
		if t := k.exports(); len(order) == 0 && t.complete {
			last := ""
			for i := range t.Exports {
				if m := t.Exports[i].Module; m != last {
					last = m
					names["kernel/"+m+".ko"] = true
				}
			}
		}
		return names
	})
}

// Own reports whether a file is the kernel's own module: below kernel/ and
// marked intree=Y. A file below kernel/ that modules.order names, or without
// modules.order the table, is taken for it unopened; that it was replaced
// there is not noticed. The error
// is that of a file which had to be opened and could not be: it is not own.
func (k *Kernel) Own(f *depmod.File) (bool, error) {
	switch {
	case !f.InKernel() || f.Link != "":
		return false, nil
	case k.listed(f):
		return true, nil
	}
	m := k.module(f)
	return m.err == nil && m.intree, m.err
}

// listed reports whether a file lies below kernel/ and is named by the kernel's
// own lists.
func (k *Kernel) listed(f *depmod.File) bool {
	if !f.InKernel() || f.Link != "" {
		return false
	}
	base := strings.LastIndexByte(f.Rel, '/') + 1
	if end := strings.Index(f.Rel[base:], ".ko"); end >= 0 {
		return k.ownNames()[f.Rel[:base+end+len(".ko")]]
	}
	return false
}

// ThirdParty returns the files, selected and shadowed, that are not the
// kernel's own, sorted by Rel. What could not be opened counts as third-party.
func (k *Kernel) ThirdParty() []*depmod.File {
	return k.third.get(func() []*depmod.File {
		var files []*depmod.File
		add := func(f *depmod.File) {
			if own, _ := k.Own(f); !own {
				files = append(files, f)
			}
		}
		t := k.Tree()
		for _, f := range t.Modules {
			add(f)
		}
		for _, s := range t.Shadowed {
			add(s.File)
		}
		slices.SortFunc(files, func(a, b *depmod.File) int { return strings.Compare(a.Rel, b.Rel) })
		return files
	})
}

// readAll opens files, several at once.
func (k *Kernel) readAll(files []*depmod.File) {
	var next atomic.Int32
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(files); i = int(next.Add(1)) - 1 {
				k.module(files[i])
			}
		})
	}
	wg.Wait()
}

// exporters indexes files by the symbols they export.
func (k *Kernel) exporters(files []*depmod.File) map[string][]*depmod.File {
	k.readAll(files)
	index := map[string][]*depmod.File{}
	for _, f := range files {
		for _, e := range k.module(f).exports {
			index[e.Symbol] = append(index[e.Symbol], f)
		}
	}
	return index
}

// extraExporters is the index of the selected files that the kernel's own lists
// do not name: what a complete table of the kernel does not know of.
func (k *Kernel) extraExporters() map[string][]*depmod.File {
	return k.extra.get(func() map[string][]*depmod.File {
		var files []*depmod.File
		for _, f := range k.Tree().Modules {
			if !k.listed(f) {
				files = append(files, f)
			}
		}
		return k.exporters(files)
	})
}

// ownExporters is the index of the other selected files: for kernels without a
// complete table, which says where to look.
func (k *Kernel) ownExporters() map[string][]*depmod.File {
	return k.intree.get(func() map[string][]*depmod.File {
		var files []*depmod.File
		for _, f := range k.Tree().Modules {
			if k.listed(f) {
				files = append(files, f)
			}
		}
		return k.exporters(files)
	})
}

// find returns the export of a symbol.
func (m *module) find(symbol string) (ko.Export, bool) {
	for i := range m.exports {
		if m.exports[i].Symbol == symbol {
			return m.exports[i], true
		}
	}
	return ko.Export{}, false
}

func (o Origin) String() string {
	if o.Trust == Exact || o.Trust == "" {
		return o.Path
	}
	return fmt.Sprintf("%s (%s)", o.Path, o.Trust)
}
