package image

import (
	"fmt"

	"modkeep/ko/elf"
	"modkeep/ko/ksymtab"
	"modkeep/symvers"
)

// Exports returns what the kernel proper exports, table by table, sorted by
// name within each as the kernel needs it: symbol, CRC, type and namespace.
// Module is "vmlinux" for all. HasCRC is false where the kernel was built
// without CONFIG_MODVERSIONS. A kernel without export tables, one without
// CONFIG_MODULES, is an error that wraps ErrAbsent.
func (m *Image) Exports() (*symvers.Table, error) {
	k, err := m.vmlinux()
	if err != nil {
		return nil, err
	}
	var exports []symvers.Export
	if k.elf != nil {
		exports, err = k.exports()
	} else {
		exports, err = flatExports(k.flat)
	}
	if err == nil && len(exports) == 0 {
		err = fmt.Errorf("export tables: %w", ErrAbsent)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Path, err)
	}
	return symvers.New(exports), nil
}

// maxTable is 40 times the size of Debian's largest table.
const maxTable = 12 << 20

func (k *kernel) exports() ([]symvers.Export, error) {
	var exports []symvers.Export
	memory := k.memory()
	for _, t := range ksymtab.Tables {
		some, err := k.table(t, memory)
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", t.Symbols, err)
		}
		exports = append(exports, some...)
	}
	return exports, nil
}

// table reads one export table of an ELF kernel with its CRCs and flags.
func (k *kernel) table(t ksymtab.Table, memory *memoryReader) ([]symvers.Export, error) {
	s := k.elf.AllocSection(t.Symbols)
	if s == nil || s.Size == 0 {
		return nil, nil
	}
	if s.Size > maxTable {
		return nil, fmt.Errorf("%d bytes are more than the %d of any kernel's table", s.Size, maxTable)
	}
	data, err := k.elf.Data(s)
	if err != nil {
		return nil, err
	}
	symbols, _, err := ksymtab.Read(data, s.Addr, k.elf.Order, k.elf.Is64, memory.str)
	if err != nil {
		return nil, err
	}
	crcs, err := k.crcs(t, len(symbols), memory)
	if err != nil {
		return nil, fmt.Errorf("section %s: %w", t.CRCs, err)
	}
	var flags []byte
	if t.Symbols == ksymtab.Tables[0].Symbols {
		if flags, err = k.section(ksymtab.Flags); err != nil {
			return nil, err
		}
	}
	return makeExports(symbols, crcs, flags, symvers.Type(t.Macro)), nil
}

// makeExports puts the columns of a table together; crcs or flags may be nil.
func makeExports(symbols []ksymtab.Symbol, crcs []uint32, flags []byte, typ symvers.Type) []symvers.Export {
	exports := make([]symvers.Export, len(symbols))
	for i := range symbols {
		e := &exports[i]
		*e = symvers.Export{Symbol: symbols[i].Name, Namespace: symbols[i].Namespace, Module: symvers.Vmlinux, Type: typ}
		if len(flags) == len(symbols) && flags[i]&ksymtab.FlagGPLOnly != 0 {
			e.Type = symvers.GPL
		}
		if crcs != nil {
			e.CRC, e.HasCRC = symvers.CRC(crcs[i]), true
		}
	}
	return exports
}

// The machines that had CONFIG_MODULE_REL_CRCS (4.10 to 5.18), from elf.h.
const (
	emPPC   = 20
	emPPC64 = 21
	emS390  = 22
)

// crcs reads the CRCs beside a table of n exports, nil where it has none.
func (k *kernel) crcs(t ksymtab.Table, n int, memory *memoryReader) ([]uint32, error) {
	s := k.elf.AllocSection(t.CRCs)
	if s == nil || s.Type == elf.SHT_NOBITS || s.Size == 0 {
		return nil, nil
	}
	data, err := k.elf.Data(s)
	if err != nil {
		return nil, err
	}
	// Nothing in the file says that the CRCs are relative. If they were not,
	// they would not all happen to point into the kernel.
	switch k.elf.Machine {
	case emPPC, emPPC64, emS390:
		if crcs, err := ksymtab.CRCs(data, n, s.Addr, k.elf.Order, true, memory.word); err == nil && n > 1 {
			return crcs, nil
		}
	}
	return ksymtab.CRCs(data, n, s.Addr, k.elf.Order, false, nil)
}
