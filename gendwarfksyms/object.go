package gendwarfksyms

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"strings"
)

// What is read of a section at most: bytes, and how many times its size in the
// file a compressed one may have. The largest vmlinux of Debian has 330 MB of
// .debug_info; zlib makes a third of it.
const (
	maxSection = 1 << 30
	maxRatio   = 64
)

// object is an ELF file: an object file, a module or a vmlinux.
type object struct {
	f    *elf.File
	size int64
}

func openObject(r io.ReaderAt, size int64) (*object, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, fmt.Errorf("read ELF: %w", err)
	}
	return &object{f, size}, nil
}

// section reads the section of a name, decompressed; nil where there is none.
// Debugging information may lie in one of the old name .zdebug_….
func (o *object) section(name string) ([]byte, *elf.Section, error) {
	for _, s := range o.f.Sections {
		debug := strings.HasPrefix(s.Name, ".zdebug_") && s.Name[2:] == name[1:]
		// What is in groups belongs to one of several alike, as libdw has it.
		if s.Name != name && !debug || s.Type == elf.SHT_NOBITS || s.Flags&elf.SHF_GROUP != 0 {
			continue
		}
		data, err := o.read(s)
		if err != nil {
			return nil, nil, fmt.Errorf("section %s: %w", s.Name, err)
		}
		return data, s, nil
	}
	return nil, nil, nil
}

// read reads a section, decompressed.
func (o *object) read(s *elf.Section) ([]byte, error) {
	if s.FileSize > uint64(o.size) {
		return nil, fmt.Errorf("%d bytes do not lie inside the file of %d", s.FileSize, o.size)
	}
	in := s.Open() // which finds the size of .zdebug_…
	limit := s.FileSize
	if s.Flags&elf.SHF_COMPRESSED != 0 || strings.HasPrefix(s.Name, ".zdebug_") {
		limit = maxRatio*s.FileSize + 4096
	}
	if limit = min(limit, maxSection); s.Size > limit {
		return nil, fmt.Errorf("%d bytes are more than %d", s.Size, limit)
	}
	data := make([]byte, s.Size)
	if _, err := io.ReadFull(in, data); err != nil {
		return nil, err
	}
	return data, nil
}

// globals calls f for each symbol that is not local.
func (o *object) globals(f func(name string, at place)) error {
	var wide []byte // section numbers that do not fit into a symbol
	for _, s := range o.f.Sections {
		if s.Type == elf.SHT_SYMTAB_SHNDX {
			data, err := o.read(s)
			if err != nil {
				return fmt.Errorf("section %s: %w", s.Name, err)
			}
			wide = data
			break
		}
	}
	if s := o.f.SectionByType(elf.SHT_SYMTAB); s != nil && s.Size > maxSection {
		return fmt.Errorf("section %s: %d bytes are too many", s.Name, s.Size)
	}
	list, err := o.f.Symbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return nil
	} else if err != nil {
		return fmt.Errorf("symbol table: %w", err)
	}
	for i, s := range list {
		if elf.ST_BIND(s.Info) == elf.STB_LOCAL {
			continue
		}
		at := place{uint32(s.Section), s.Value}
		if off := 4 * (i + 1); s.Section == elf.SHN_XINDEX && off+4 <= len(wide) {
			at.section = o.f.ByteOrder.Uint32(wide[off:])
		}
		f(s.Name, at)
	}
	return nil
}

// words are the relocations of debugging information that store an address or
// an offset, and the bytes it has. Numbers from the processor supplements.
var words = map[elf.Machine]map[uint32]int{
	elf.EM_386:       {1: 4},
	elf.EM_ARM:       {2: 4},
	elf.EM_X86_64:    {1: 8, 10: 4, 11: 4},
	elf.EM_AARCH64:   {257: 8, 258: 4},
	elf.EM_PPC:       {1: 4},
	elf.EM_PPC64:     {1: 4, 38: 8},
	elf.EM_S390:      {4: 4, 22: 8},
	elf.EM_RISCV:     {1: 4, 2: 8},
	elf.EM_LOONGARCH: {1: 4, 2: 8},
	elf.EM_MIPS:      {2: 4, 18: 8},
	elf.EM_SPARCV9:   {3: 4, 23: 4, 32: 8, 54: 8},
}

// relocate applies the relocations of a section to its bytes. Only the values
// of symbols count: sections without SHF_ALLOC lie at address 0.
func (o *object) relocate(target *elf.Section, data []byte) error {
	if o.f.Type != elf.ET_REL {
		return nil
	}
	for _, s := range o.f.Sections {
		if s.Type != elf.SHT_RELA && s.Type != elf.SHT_REL || s.Info >= uint32(len(o.f.Sections)) || o.f.Sections[s.Info] != target {
			continue
		}
		relocs, err := o.read(s)
		if err != nil {
			return fmt.Errorf("section %s: %w", s.Name, err)
		}
		values, err := o.values(s.Link)
		if err != nil {
			return fmt.Errorf("section %s: %w", s.Name, err)
		}
		if err := o.apply(data, relocs, values, s.Type == elf.SHT_RELA); err != nil {
			return fmt.Errorf("section %s: %w", s.Name, err)
		}
	}
	return nil
}

// values is the symbol table at a section index, to be read by value.
func (o *object) values(index uint32) (func(uint32) (uint64, bool), error) {
	if index >= uint32(len(o.f.Sections)) || o.f.Sections[index].Type != elf.SHT_SYMTAB {
		return nil, fmt.Errorf("section %d is no symbol table", index)
	}
	data, err := o.read(o.f.Sections[index])
	if err != nil {
		return nil, err
	}
	entry, value, wide := 16, 4, false
	if o.f.Class == elf.ELFCLASS64 {
		entry, value, wide = 24, 8, true
	}
	return func(symbol uint32) (uint64, bool) {
		off := int64(symbol)*int64(entry) + int64(value)
		if off+8 > int64(len(data)) {
			return 0, false
		}
		if wide {
			return o.f.ByteOrder.Uint64(data[off:]), true
		}
		return uint64(o.f.ByteOrder.Uint32(data[off:])), true
	}, nil
}

func (o *object) apply(data, relocs []byte, values func(uint32) (uint64, bool), rela bool) error {
	sizes := words[o.f.Machine]
	entry := 8
	if o.f.Class == elf.ELFCLASS64 {
		entry = 16
	}
	if rela {
		entry += entry / 2
	}
	for ; len(relocs) >= entry; relocs = relocs[entry:] {
		off, kind, symbol, addend := o.relocation(relocs[:entry])
		size := sizes[kind]
		if size == 0 {
			continue // of code addresses, which no type string has
		}
		value, ok := values(symbol)
		if !ok || off > uint64(len(data)) || uint64(len(data))-off < uint64(size) {
			return fmt.Errorf("relocation of offset %#x, symbol %d: outside", off, symbol)
		}
		at := data[off:]
		if !rela {
			addend = o.word(at, size)
		}
		if value += addend; size == 4 {
			o.f.ByteOrder.PutUint32(at, uint32(value))
		} else {
			o.f.ByteOrder.PutUint64(at, value)
		}
	}
	return nil
}

func (o *object) word(data []byte, size int) uint64 {
	if size == 4 {
		return uint64(o.f.ByteOrder.Uint32(data))
	}
	return o.f.ByteOrder.Uint64(data)
}

// relocation decodes an entry; the addend is 0 where it has none.
func (o *object) relocation(b []byte) (off uint64, kind, symbol uint32, addend uint64) {
	order := o.f.ByteOrder
	if o.f.Class != elf.ELFCLASS64 {
		info := order.Uint32(b[4:])
		if len(b) == 12 {
			addend = uint64(int64(int32(order.Uint32(b[8:]))))
		}
		return uint64(order.Uint32(b)), info & 0xff, info >> 8, addend
	}
	if len(b) == 24 {
		addend = order.Uint64(b[16:])
	}
	if o.f.Machine == elf.EM_MIPS { // r_sym, r_ssym, r_type3, r_type2, r_type
		return order.Uint64(b), uint32(b[15]), order.Uint32(b[8:]), addend
	}
	info := order.Uint64(b[8:])
	return order.Uint64(b), uint32(info), uint32(info >> 32), addend
}
