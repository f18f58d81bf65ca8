package depmod

import (
	"bytes"
	"fmt"

	"modkeep/ko"
	"modkeep/ko/elf"
)

// ReadELF reads what depmod(8) takes of a module: the names behind __crc_
// symbols, or where there are none (a kernel without modversions) the strings
// of __ksymtab_strings; and the undefined symbols.
func ReadELF(f *elf.File) (Symbols, error) {
	symtab := f.Section(".symtab")
	if symtab == nil {
		names, err := ksymtabStrings(f)
		if err == nil {
			err = fmt.Errorf("no .symtab")
		}
		return Symbols{Exports: names}, err
	}
	table, err := f.SymbolTable(symtab)
	if err != nil {
		return Symbols{}, err
	}
	var s Symbols
	taken := map[string]bool{}
	for i := 1; i < table.Len(); i++ {
		sym := table.Symbol(i)
		undefined := sym.Section == elf.SHN_UNDEF && !register(f, &sym)
		name, err := table.Name(&sym)
		if err != nil {
			return Symbols{}, fmt.Errorf("symbol %d: %w", i, err)
		}
		if crc, ok := bytes.CutPrefix(name, []byte("__crc_")); ok {
			s.Exports = append(s.Exports, string(crc))
		}
		if undefined && len(name) > 0 {
			s.Needs = append(s.Needs, string(name))
			taken[string(name)] = true
		}
	}
	if len(s.Exports) == 0 {
		if s.Exports, err = ksymtabStrings(f); err != nil {
			return s, err
		}
	}
	return s, addVersions(f, &s, taken)
}

// register reports a SPARC register symbol, which is undefined without being
// needed.
func register(f *elf.File, s *elf.Symbol) bool {
	const sttRegister, emSPARC, emSPARCV9 = 13, 2, 43
	return s.SymType() == sttRegister && (f.Machine == emSPARC || f.Machine == emSPARCV9)
}

func ksymtabStrings(f *elf.File) ([]string, error) {
	section := f.Section("__ksymtab_strings")
	if section == nil {
		return nil, nil
	}
	data, err := f.Data(section)
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range bytes.SplitSeq(data, []byte{0}) {
		if len(name) > 0 {
			names = append(names, string(name))
		}
	}
	return names, nil
}

// addVersions adds the names in __versions that no undefined symbol has.
func addVersions(f *elf.File, s *Symbols, taken map[string]bool) error {
	section := f.Section("__versions")
	if section == nil {
		return nil
	}
	data, err := f.Data(section)
	if err != nil {
		return err
	}
	const entry = 64 // struct modversion_info, both widths
	crc := 4
	if f.Is64 {
		crc = 8
	}
	if len(data)%entry != 0 {
		return nil // kmod then takes the section for empty
	}
	for ; len(data) > 0; data = data[entry:] {
		name, _, _ := bytes.Cut(data[crc:entry], []byte{0})
		if !taken[string(name)] {
			s.Needs = append(s.Needs, string(name))
		}
	}
	return nil
}

// ReadSymbols reads a selected file, compressed or not; it is the Reader for
// real trees.
func ReadSymbols(f *File) (Symbols, error) {
	module, err := ko.Open(f.Path)
	if err != nil {
		return Symbols{}, err
	}
	defer module.Close()
	return ReadELF(module.File)
}
