package kernel

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"modkeep/depmod"
	"modkeep/ko"
	"modkeep/symvers"
)

// State says whether a provider is there.
type State string

// The states of a provider.
const (
	Builtin      State = "builtin"       // the kernel image exports it
	Installed    State = "installed"     // the file that depmod selects exports it
	NotInstalled State = "not-installed" // the table lists it for a module of which no file is installed
	Replaced     State = "replaced"      // the table lists it, but the file selected for that module does not export it
	Listed       State = "listed"        // known from a table alone: whether it is installed cannot be told
)

// Loadable reports whether the provider can give its export on the kernel as it
// is installed (or, where only a table is known, as it was built).
func (s State) Loadable() bool { return s == Builtin || s == Installed || s == Listed }

// Provider is who gives an export to a module that needs it.
type Provider struct {
	Export symvers.Export // CRC, type and namespace as that provider really has them; Module as its origin writes it
	Module string         // module name (depmod.ModuleName); "" for the kernel image
	File   *depmod.File   // nil for the image and for what is not installed; for Replaced the file that lacks it
	State  State
	Origin Origin // what Export was read from
}

// Provider returns who gives an export on this kernel: the image where that
// exports it; else the installed file to which depmod's dependencies lead, with
// the CRC that file really has; else the module that the table lists and whose
// file is missing or lacks it: see State.Loadable.
//
// An installed file is found by the table (whose module names lead to the file
// that depmod selects for them), or is not the kernel's own and exports the
// symbol. Of several the one that modules.dep would name is returned.
func (k *Kernel) Provider(symbol string) (Provider, bool) {
	t := k.exports()
	row, listed := t.Lookup(symbol)
	if listed && (row.Module == symvers.Vmlinux || row.Module == "") {
		return k.fromImage(row, t.origin), true
	}
	if k.ModuleDir == "" {
		if !listed {
			return Provider{}, false
		}
		return Provider{row, depmod.ModuleName(row.Module), nil, Listed, t.origin}, true
	}
	if file := k.last(k.exportersOf(symbol, row, listed)); file != nil {
		return k.fromFile(file, symbol), true
	}
	if !listed {
		return Provider{}, false
	}
	return k.missing(row, t.origin), true
}

// Owners yields the names of the modules that Provider may return for a symbol,
// without opening the file that the table leads to; a name may come twice.
func (k *Kernel) Owners(symbol string) iter.Seq[string] {
	return func(yield func(string) bool) {
		t := k.exports()
		row, listed := t.Lookup(symbol)
		if listed && row.Module != symvers.Vmlinux && row.Module != "" && !yield(depmod.ModuleName(row.Module)) || k.ModuleDir == "" {
			return
		}
		files := k.extraExporters()[symbol]
		if !t.complete {
			files = append(slices.Clip(files), k.ownExporters()[symbol]...)
		}
		for _, f := range files {
			if !yield(f.Name) {
				return
			}
		}
	}
}

// Providers returns all that export the symbol, the one that Provider returns
// first: image, installed files (the ones selected and the shadowed), the row
// of a module that is not installed.
func (k *Kernel) Providers(symbol string) []Provider {
	first, ok := k.Provider(symbol)
	if !ok {
		return nil
	}
	all := []Provider{first}
	if k.ModuleDir == "" {
		return all
	}
	t := k.exports()
	row, listed := t.Lookup(symbol)
	inModule := listed && row.Module != symvers.Vmlinux && row.Module != ""
	files := k.exportersOf(symbol, row, inModule)
	for _, s := range k.Tree().Shadowed {
		if _, ok := k.module(s.File).find(symbol); ok && (!inModule || s.Name == depmod.ModuleName(row.Module) || !s.InKernel()) {
			files = append(files, s.File)
		}
	}
	for _, f := range files {
		if f != first.File {
			all = append(all, k.fromFile(f, symbol))
		}
	}
	return all
}

func (k *Kernel) fromImage(row symvers.Export, origin Origin) Provider {
	p := Provider{Export: row, State: Builtin, Origin: origin}
	if row.Module == "" { // a table without the module column
		p.State = Listed
	}
	return p
}

// missing is the provider that a table lists and no installed file is.
func (k *Kernel) missing(row symvers.Export, origin Origin) Provider {
	p := Provider{Export: row, Module: depmod.ModuleName(row.Module), State: NotInstalled, Origin: origin}
	if p.File = k.Tree().Module(p.Module); p.File != nil {
		p.State = Replaced
	}
	return p
}

// exportersOf returns the selected files that export a symbol.
func (k *Kernel) exportersOf(symbol string, row symvers.Export, listed bool) []*depmod.File {
	files := slices.Clone(k.extraExporters()[symbol])
	if !k.exports().complete {
		return append(files, k.ownExporters()[symbol]...)
	}
	if !listed {
		return files
	}
	f := k.Tree().Module(row.Module)
	if f == nil || slices.Contains(files, f) {
		return files
	}
	if _, ok := k.module(f).find(symbol); ok {
		files = append(files, f)
	}
	return files
}

// last returns the file that stands last in modules.dep: the one to which
// depmod's dependencies lead where several export a symbol.
func (k *Kernel) last(files []*depmod.File) *depmod.File {
	if len(files) == 0 {
		return nil
	}
	best := files[0]
	for _, f := range files[1:] {
		if k.Tree().Place(f) > k.Tree().Place(best) {
			best = f
		}
	}
	return best
}

func (k *Kernel) fromFile(f *depmod.File, symbol string) Provider {
	e, _ := k.module(f).find(symbol)
	return k.provides(f, e)
}

func (k *Kernel) provides(f *depmod.File, e ko.Export) Provider {
	name, _, _ := strings.Cut(f.Rel, ".ko")
	row := symvers.Export{Symbol: e.Symbol, CRC: e.CRC, HasCRC: e.HasCRC, Module: strings.TrimPrefix(name, "kernel/"), Type: e.Type, Namespace: e.Namespace}
	return Provider{row, f.Name, f, Installed, Origin{k.rel(f), ModuleFile, Exact}}
}

// Set is a set of exports.
type Set string

// The sets.
const (
	// SetKernel is what the kernel was built with: the image's exports and its
	// own modules', installed or not.
	SetKernel Set = "kernel"
	// SetExtra is what selected files export that are not the kernel's own.
	SetExtra Set = "extra"
	// SetAll is both; where both have a symbol, the one that counts on this
	// kernel (see Provider).
	SetAll Set = "all"
)

// Exports returns the exports of a set, sorted by symbol. The values of the
// kernel's own modules are the table's where there is a table: their files are
// not opened for it, unlike for Provider. The error is for a Set that is none.
func (k *Kernel) Exports(set Set) ([]Provider, error) {
	var all []Provider
	switch set {
	case SetKernel:
		all = k.kernelExports()
	case SetExtra:
		all = k.extraProviders(nil)
	case SetAll:
		all = k.kernelExports()
		taken := make(map[string]*Provider, len(all))
		for i := range all {
			taken[all[i].Export.Symbol] = &all[i]
		}
		all = append(all, k.extraProviders(taken)...)
	default:
		return nil, fmt.Errorf("set of exports %q: not kernel, extra or all", set)
	}
	slices.SortFunc(all, func(a, b Provider) int { return strings.Compare(a.Export.Symbol, b.Export.Symbol) })
	return all, nil
}

// kernelExports are the table's rows, and where that is not complete what the
// kernel's own files export besides.
func (k *Kernel) kernelExports() []Provider {
	t := k.exports()
	all := make([]Provider, 0, t.Len())
	states := map[string]Provider{} // by the table's module column
	for _, row := range t.Exports {
		p, ok := states[row.Module]
		if !ok {
			p = k.rowProvider(row, t.origin)
			states[row.Module] = p
		}
		p.Export = row
		all = append(all, p)
	}
	if k.ModuleDir == "" {
		return all
	}
	indexes := []map[string][]*depmod.File{k.extraExporters()}
	if !t.complete {
		indexes = append(indexes, k.ownExporters())
	}
	own := map[string][]*depmod.File{}
	for _, index := range indexes {
		for symbol, files := range index {
			if t.Index(symbol) < 0 {
				own[symbol] = append(own[symbol], k.keep(files, true)...)
			}
		}
	}
	for symbol, files := range own {
		if len(files) > 0 {
			all = append(all, k.fromFile(k.last(files), symbol))
		}
	}
	return all
}

// keep returns the files that are the kernel's own, or those that are not.
func (k *Kernel) keep(files []*depmod.File, own bool) []*depmod.File {
	var kept []*depmod.File
	for _, f := range files {
		if is, _ := k.Own(f); is == own {
			kept = append(kept, f)
		}
	}
	return kept
}

func (k *Kernel) rowProvider(row symvers.Export, origin Origin) Provider {
	p := Provider{Module: depmod.ModuleName(row.Module), State: Listed, Origin: origin}
	switch {
	case row.Module == symvers.Vmlinux || row.Module == "":
		return k.fromImage(row, origin)
	case k.ModuleDir == "":
		return p
	}
	p.State = NotInstalled
	if p.File = k.Tree().Module(p.Module); p.File != nil {
		p.State = Installed
		if own, _ := k.Own(p.File); !own {
			p.State = Replaced // by a file whose own exports count
		}
	}
	return p
}

// extraProviders are the exports of the selected files that are not the
// kernel's own. With taken, those that the kernel provides itself are left out
// and those that take the place of a module's of its are put there.
func (k *Kernel) extraProviders(taken map[string]*Provider) []Provider {
	var all []Provider
	for symbol, files := range k.extraExporters() {
		if files = k.keep(files, false); len(files) == 0 {
			continue
		}
		old := taken[symbol]
		if old == nil {
			all = append(all, k.fromFile(k.last(files), symbol))
			continue
		}
		if old.State == Builtin || old.State == Listed {
			continue
		}
		if p, ok := k.Provider(symbol); ok {
			*old = p
		}
	}
	return all
}
