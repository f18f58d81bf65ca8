package ko

import (
	"strconv"
	"strings"

	"modkeep/ko/elf"
	"modkeep/symvers"
)

// Import is a symbol that the module leaves undefined.
type Import struct {
	Symbol string // as the symbol table has it: in 2.4 modules with its version, printk_R1b7d4074
	Index  int    // in the symbol table
	Weak   bool   // may stay unresolved
}

// Table returns the module's symbol table, nil where it is stripped. It is read
// once.
func (f *File) Table() (*elf.SymbolTable, error) {
	if t := f.symbols.Load(); t != nil {
		return t, nil
	}
	s := f.Symtab()
	if s == nil {
		return nil, nil
	}
	t, err := f.SymbolTable(s)
	if err != nil {
		return nil, err
	}
	f.symbols.Store(t)
	return t, nil
}

// Symbols returns the entries of the symbol table in order, the null entry 0
// left out; none where the module is stripped.
func (f *File) Symbols() ([]elf.Symbol, error) {
	t, err := f.Table()
	if t == nil || err != nil {
		return nil, err
	}
	return t.Symbols()
}

// Undefined returns the undefined symbols in the symbol table's order, which
// is the order in which the kernel resolves them. Names share one string.
func (f *File) Undefined() ([]Import, error) {
	t, err := f.Table()
	if t == nil || err != nil {
		return nil, err
	}
	total, count := 0, 0
	for i := 1; i < t.Len(); i++ {
		if t.Section(i) != elf.SHN_UNDEF {
			continue
		}
		name, err := t.NameOf(i)
		if err != nil {
			return nil, err
		}
		total += len(name)
		count++
	}
	imports := make([]Import, 0, count)
	// Names that share their bytes are more than the table only in a file made
	// to take memory: then they share a copy of the whole table.
	shared := ""
	if total > len(t.Strings()) {
		shared = string(t.Strings())
	}
	var names strings.Builder
	if shared == "" {
		names.Grow(total)
	}
	for i := 1; i < t.Len(); i++ {
		if t.Section(i) != elf.SHN_UNDEF {
			continue
		}
		s := t.Symbol(i)
		name, _ := t.NameOf(i)
		if len(name) == 0 {
			continue
		}
		imp := Import{Index: i, Weak: s.Bind() == elf.STB_WEAK}
		if shared != "" {
			imp.Symbol = shared[s.NameOff : int(s.NameOff)+len(name)]
		} else {
			start := names.Len()
			names.Write(name)
			imp.Symbol = names.String()[start:]
		}
		imports = append(imports, imp)
	}
	return imports, nil
}

// Legacy reports whether the module is of 2.4 or older: it has no struct
// module to be linked in, and tells the kernel_version it was built for. Its
// versions stand in the names of its symbols, and insmod did all checks.
func (f *File) Legacy() bool {
	_, ok := f.Info.Get("kernel_version")
	return ok && f.Section(thisModule) == nil
}

// legacyVersions returns the versions in the names of undefined symbols.
func (f *File) legacyVersions() ([]Version, error) {
	imports, err := f.Undefined()
	var vs []Version
	for _, imp := range imports {
		if base, _, crc, ok := SplitVersioned(imp.Symbol); ok {
			vs = append(vs, Version{Symbol: base, CRC: uint64(crc)})
		}
	}
	return vs, err
}

// SplitVersioned takes the name of a versioned symbol of 2.0 to 2.4 apart:
// printk_R1b7d4074, or with the prefix that kernels built for SMP or large
// memory put before the CRC, printk_Rsmp_1b7d4074 (prefix "smp_"). It is false
// for other names.
func SplitVersioned(name string) (base, prefix string, crc symvers.CRC, ok bool) {
	const digits = 8
	i := strings.LastIndex(name, "_R")
	if i <= 0 || len(name) < i+2+digits {
		return name, "", 0, false
	}
	hex := name[len(name)-digits:]
	prefix = name[i+2 : len(name)-digits]
	if prefix != "" && !strings.HasSuffix(prefix, "_") {
		return name, "", 0, false
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil || hex[0] == '+' || strings.ToLower(hex) != hex {
		return name, "", 0, false
	}
	return name[:i], prefix, symvers.CRC(n), true
}
