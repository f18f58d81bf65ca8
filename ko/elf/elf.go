// Package elf reads the parts of an ELF file that Linux looks at when it loads
// a module: the header, the section headers, sections and symbols; 32 and 64
// bit, both byte orders.
//
// It judges nothing: a field that lies outside the file is an error only when
// somebody asks for what it points at, so that package loader can say what a
// kernel would say of a damaged file. Every length is held against the size of
// the file before memory is taken for it.
package elf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// MaxData is the most bytes that are read of one section, and MaxSymtab of a
// symbol table (260,000 symbols). The largest in Debian's 6.1 modules are the
// 4.7 MB of text and the 0.6 MB of symbols of amdgpu; a vmlinux has 30 MB and,
// unstripped, 5 MB. Only debugging information is larger.
const (
	MaxData   = 64 << 20
	MaxSymtab = 6 << 20
)

// MaxName is the longest section or symbol name that is believed, in bytes
// (the kernel's KSYM_NAME_LEN is 512 since 6.1). Without such a limit a string
// table without NULs makes every walk over names quadratic.
const MaxName = 4096

// Machines, from elf(5), whose relocations or formats differ from the rest.
const (
	EM_386     = 3
	EM_MIPS    = 8
	EM_PPC     = 20
	EM_PPC64   = 21
	EM_S390    = 22
	EM_ARM     = 40
	EM_IA_64   = 50
	EM_X86_64  = 62
	EM_AARCH64 = 183
	EM_RISCV   = 243
)

// Section types, flags, symbol bindings and indexes; names and values from
// elf(5).
const (
	ET_REL = 1

	SHT_NULL     = 0
	SHT_PROGBITS = 1
	SHT_SYMTAB   = 2
	SHT_STRTAB   = 3
	SHT_RELA     = 4
	SHT_NOTE     = 7
	SHT_NOBITS   = 8
	SHT_REL      = 9

	SHF_WRITE     = 0x1
	SHF_ALLOC     = 0x2
	SHF_EXECINSTR = 0x4

	SHN_UNDEF     = 0
	SHN_LIVEPATCH = 0xff20
	SHN_ABS       = 0xfff1
	SHN_COMMON    = 0xfff2
	SHN_XINDEX    = 0xffff

	STB_LOCAL  = 0
	STB_GLOBAL = 1
	STB_WEAK   = 2
)

// FormatError says what is wrong with an ELF file and where.
type FormatError struct {
	Section string // name or index; empty for the file as a whole
	Offset  int64  // byte offset in the section, else in the (decompressed) file; negative for none
	Msg     string
}

func (e *FormatError) Error() string {
	where := ""
	if e.Section != "" {
		where = "section " + e.Section + ": "
	}
	if e.Offset >= 0 {
		where += fmt.Sprintf("offset %#x: ", e.Offset)
	}
	return where + e.Msg
}

// Header is the ELF header, widened to 64 bit.
type Header struct {
	Is64      bool
	Order     binary.ByteOrder
	Ident     [16]byte
	Type      uint16
	Machine   uint16
	Version   uint32
	Entry     uint64
	Phoff     uint64
	Shoff     uint64
	Flags     uint32
	Ehsize    uint16
	Phentsize uint16
	Phnum     uint16
	Shentsize uint16
	Shnum     uint16
	Shstrndx  uint16
}

// HeaderSize returns sizeof(Elf32_Ehdr) or sizeof(Elf64_Ehdr).
func (h *Header) HeaderSize() int64 {
	if h.Is64 {
		return 64
	}
	return 52
}

// SectionHeaderSize returns sizeof(Elf32_Shdr) or sizeof(Elf64_Shdr).
func (h *Header) SectionHeaderSize() int64 {
	if h.Is64 {
		return 64
	}
	return 40
}

// SymbolSize returns sizeof(Elf32_Sym) or sizeof(Elf64_Sym).
func (h *Header) SymbolSize() int64 {
	if h.Is64 {
		return 24
	}
	return 16
}

// Section is a section header, widened to 64 bit.
type Section struct {
	Index     int
	Name      string // empty where NameOff points outside .shstrtab or the name is longer than MaxName
	NameOff   uint32
	Type      uint32
	Flags     uint64
	Addr      uint64
	Offset    uint64
	Size      uint64
	Link      uint32
	Info      uint32
	Addralign uint64
	Entsize   uint64
}

// Symbol is an entry of a symbol table, widened to 64 bit.
type Symbol struct {
	Index   int
	Name    string // empty where NameOff points outside the string table, or not asked for
	NameOff uint32
	Info    uint8
	Other   uint8
	Section uint16 // st_shndx
	Value   uint64
	Size    uint64
}

// Bind returns the symbol's binding, STB_….
func (s *Symbol) Bind() uint8 { return s.Info >> 4 }

// SymType returns the symbol's type, STT_….
func (s *Symbol) SymType() uint8 { return s.Info & 15 }

// File is an ELF file whose header and section headers were read.
type File struct {
	Header
	Sections []Section // empty where the section header table lies outside the file

	r       io.ReaderAt
	size    int64
	overlap uint64 // bytes of all sections, where they are too many for the file
}

// ReadHeader reads the ELF header of a file of size bytes. The error is a
// *FormatError where the file is too short or not ELF, else one of r.
func ReadHeader(r io.ReaderAt, size int64) (Header, error) {
	var h Header
	buf := make([]byte, 64)
	n, err := r.ReadAt(buf[:min(64, max(size, 0))], 0)
	if err != nil && err != io.EOF {
		return h, err
	}
	buf = buf[:n]
	if n < 16 || string(buf[:4]) != "\x7fELF" {
		return h, &FormatError{Offset: -1, Msg: "not an ELF file"}
	}
	copy(h.Ident[:], buf)
	h.Is64 = buf[4] == 2
	h.Order = binary.LittleEndian
	if buf[5] == 2 {
		h.Order = binary.BigEndian
	}
	if int64(n) < h.HeaderSize() {
		return h, &FormatError{Offset: int64(n), Msg: "file ends inside the ELF header"}
	}
	o := h.Order
	h.Type, h.Machine, h.Version = o.Uint16(buf[16:]), o.Uint16(buf[18:]), o.Uint32(buf[20:])
	tail := buf[36:]
	if h.Is64 {
		h.Entry, h.Phoff, h.Shoff = o.Uint64(buf[24:]), o.Uint64(buf[32:]), o.Uint64(buf[40:])
		tail = buf[48:]
	} else {
		h.Entry, h.Phoff, h.Shoff = uint64(o.Uint32(buf[24:])), uint64(o.Uint32(buf[28:])), uint64(o.Uint32(buf[32:]))
	}
	h.Flags = o.Uint32(tail)
	for i, p := range []*uint16{&h.Ehsize, &h.Phentsize, &h.Phnum, &h.Shentsize, &h.Shnum, &h.Shstrndx} {
		*p = o.Uint16(tail[4+2*i:])
	}
	return h, nil
}

// New reads the header, the section headers and their names. A section header
// table that lies outside the file, or whose entries have another size than
// the class's, leaves Sections empty: that is for the caller to judge.
func New(r io.ReaderAt, size int64) (*File, error) {
	h, err := ReadHeader(r, size)
	if err != nil {
		return nil, err
	}
	f := &File{Header: h, r: r, size: size}
	ent := h.SectionHeaderSize()
	if h.Shnum == 0 || int64(h.Shentsize) != ent || !f.inside(h.Shoff, uint64(h.Shnum)*uint64(ent)) {
		return f, nil
	}
	buf, err := f.read(nil, h.Shoff, uint64(h.Shnum)*uint64(ent))
	if err != nil {
		return nil, fmt.Errorf("section headers: %w", err)
	}
	f.Sections = make([]Section, h.Shnum)
	for i := range f.Sections {
		f.Sections[i] = h.section(i, buf[int64(i)*ent:])
	}
	f.checkOverlap()
	if int(h.Shstrndx) >= len(f.Sections) {
		return f, nil
	}
	names, err := f.Data(&f.Sections[h.Shstrndx])
	if err != nil {
		return f, nil // the sections stay nameless
	}
	strs := string(names)
	for i := range f.Sections {
		off := f.Sections[i].NameOff
		if name, ok := stringAt(names, off); ok {
			f.Sections[i].Name = strs[off : int(off)+len(name)]
		}
	}
	return f, nil
}

// Size returns the number of bytes in the file.
func (f *File) Size() int64 { return f.size }

// Reader returns the bytes the file was made from.
func (f *File) Reader() io.ReaderAt { return f.r }

func (f *File) inside(off, n uint64) bool {
	return off <= uint64(f.size) && n <= uint64(f.size)-off
}

// checkOverlap adds up the sections. They do not overlap in a real file; where
// thousands of headers name the same bytes, a walk over all sections would
// take hours. A little overlap, as from a changed size, is left to the caller.
func (f *File) checkOverlap() {
	var sum uint64
	for i := range f.Sections {
		if s := &f.Sections[i]; s.Type != SHT_NULL && s.Type != SHT_NOBITS && f.inside(s.Offset, s.Size) {
			sum += s.Size
		}
	}
	if sum > 2*uint64(f.size)+1<<20 {
		f.overlap = sum
	}
}

func (h *Header) section(i int, b []byte) Section {
	if h.Is64 && h.Order == binary.ByteOrder(binary.LittleEndian) { // the usual, without a call for each field
		o, b := binary.LittleEndian, b[:64:64]
		return Section{Index: i, NameOff: o.Uint32(b), Type: o.Uint32(b[4:]),
			Flags: o.Uint64(b[8:]), Addr: o.Uint64(b[16:]), Offset: o.Uint64(b[24:]), Size: o.Uint64(b[32:]),
			Link: o.Uint32(b[40:]), Info: o.Uint32(b[44:]), Addralign: o.Uint64(b[48:]), Entsize: o.Uint64(b[56:])}
	}
	o := h.Order
	s := Section{Index: i, NameOff: o.Uint32(b), Type: o.Uint32(b[4:])}
	if h.Is64 {
		s.Flags, s.Addr, s.Offset, s.Size = o.Uint64(b[8:]), o.Uint64(b[16:]), o.Uint64(b[24:]), o.Uint64(b[32:])
		s.Link, s.Info, s.Addralign, s.Entsize = o.Uint32(b[40:]), o.Uint32(b[44:]), o.Uint64(b[48:]), o.Uint64(b[56:])
		return s
	}
	s.Flags, s.Addr, s.Offset, s.Size = uint64(o.Uint32(b[8:])), uint64(o.Uint32(b[12:])), uint64(o.Uint32(b[16:])), uint64(o.Uint32(b[20:]))
	s.Link, s.Info, s.Addralign, s.Entsize = o.Uint32(b[24:]), o.Uint32(b[28:]), uint64(o.Uint32(b[32:])), uint64(o.Uint32(b[36:]))
	return s
}

// Section returns the first section of that name, nil where there is none.
func (f *File) Section(name string) *Section {
	for i := range f.Sections {
		if f.Sections[i].Name == name && f.Sections[i].Type != SHT_NULL {
			return &f.Sections[i]
		}
	}
	return nil
}

// AllocSection returns the first section of that name that takes memory in the
// kernel (SHF_ALLOC), nil where there is none: what the kernel's find_sec()
// finds.
func (f *File) AllocSection(name string) *Section {
	for i := range f.Sections {
		if f.Sections[i].Flags&SHF_ALLOC != 0 && f.Sections[i].Name == name {
			return &f.Sections[i]
		}
	}
	return nil
}

// Slicer is what a reader may offer beside ReadAt: n bytes at an offset
// without copying them, false where it does not hold them in memory.
type Slicer interface {
	Slice(off, n int64) ([]byte, bool)
}

// read returns bytes that lie inside the file, in buf where they fit there.
func (f *File) read(buf []byte, off, n uint64) ([]byte, error) {
	if s, ok := f.r.(Slicer); ok {
		if b, ok := s.Slice(int64(off), int64(n)); ok {
			return b, nil
		}
	}
	if uint64(len(buf)) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if got, err := f.r.ReadAt(buf, int64(off)); got < len(buf) {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return buf, nil
}

// Data returns the bytes of a section; none for SHT_NOBITS and SHT_NULL. They
// may be the reader's own memory (see Slicer): not to be changed, nor used
// after the reader was closed. The error is a *FormatError where the section
// does not lie inside the file or is larger than MaxData, or where the sections overlap many times over.
func (f *File) Data(s *Section) ([]byte, error) { return f.Part(nil, s, 0, s.Size) }

// Part is Data for n bytes of a section from off on, fewer where it ends
// before. Bytes that the reader does not hold are read into buf where they fit.
func (f *File) Part(buf []byte, s *Section, off, n uint64) ([]byte, error) {
	if s.Type == SHT_NOBITS || s.Type == SHT_NULL || s.Size == 0 || off >= s.Size {
		return nil, nil
	}
	if !f.inside(s.Offset, s.Size) {
		return nil, &FormatError{Section: s.label(), Offset: -1, Msg: fmt.Sprintf("%d bytes at %#x do not lie inside the file of %d", s.Size, s.Offset, f.size)}
	}
	if f.overlap > 0 {
		return nil, &FormatError{Offset: -1, Msg: fmt.Sprintf("sections overlap: %d bytes in a file of %d", f.overlap, f.size)}
	}
	if s.Size > MaxData {
		return nil, &FormatError{Section: s.label(), Offset: -1, Msg: fmt.Sprintf("%d bytes are more than the %d that are read of a section", s.Size, MaxData)}
	}
	b, err := f.read(buf, s.Offset+off, min(n, s.Size-off))
	if err != nil {
		return nil, fmt.Errorf("section %s: %w", s.label(), err)
	}
	return b, nil
}

func (s *Section) label() string {
	if s.Name != "" {
		return s.Name
	}
	return fmt.Sprintf("%d", s.Index)
}

// Symtab returns the first SHT_SYMTAB section, nil where the file is stripped.
func (f *File) Symtab() *Section {
	for i := range f.Sections {
		if f.Sections[i].Type == SHT_SYMTAB {
			return &f.Sections[i]
		}
	}
	return nil
}

// SymbolTable is a symbol table and its strings, read but not decoded.
type SymbolTable struct {
	h    *Header
	le64 bool // 64 bit, little endian: read without asking the header
	data []byte
	strs []byte
	name string
}

// SymbolTable reads a symbol table and the string table it links to. A part of
// an entry at the end is dropped, as the kernel's division drops it.
func (f *File) SymbolTable(symtab *Section) (*SymbolTable, error) {
	if symtab.Size > MaxSymtab {
		return nil, &FormatError{Section: symtab.label(), Offset: -1, Msg: fmt.Sprintf("%d bytes are more than the %d that are read of a symbol table", symtab.Size, MaxSymtab)}
	}
	data, err := f.Data(symtab)
	if err != nil {
		return nil, err
	}
	t := &SymbolTable{h: &f.Header, data: data, name: symtab.label()}
	t.le64 = f.Is64 && f.Order == binary.ByteOrder(binary.LittleEndian)
	if int(symtab.Link) < len(f.Sections) {
		strs := &f.Sections[symtab.Link]
		if strs.Size > 2*MaxSymtab {
			return nil, &FormatError{Section: strs.label(), Offset: -1, Msg: fmt.Sprintf("%d bytes are more than the %d that are read of symbol names", strs.Size, 2*MaxSymtab)}
		}
		if t.strs, err = f.Data(strs); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Len returns the number of entries, the null entry 0 among them.
func (t *SymbolTable) Len() int { return len(t.data) / int(t.h.SymbolSize()) }

// Symbol decodes entry i, 0 <= i < Len, without its name.
func (t *SymbolTable) Symbol(i int) Symbol {
	ent := int(t.h.SymbolSize())
	var s Symbol
	t.h.symbol(&s, i, t.data[i*ent:(i+1)*ent])
	return s
}

// Section returns the section index of entry i alone.
func (t *SymbolTable) Section(i int) uint16 {
	if t.le64 {
		return binary.LittleEndian.Uint16(t.data[i*24+6:])
	}
	if t.h.Is64 {
		return t.h.Order.Uint16(t.data[i*24+6:])
	}
	return t.h.Order.Uint16(t.data[i*16+14:])
}

// Unplaced appends to list the indexes of the entries, the null entry left out,
// that do not lie in one of so many sections, nor are SHN_ABS or SHN_LIVEPATCH.
// It returns the greatest NameOff of all entries too.
func (t *SymbolTable) Unplaced(list []int32, sections int) ([]int32, uint32) {
	last := uint32(0)
	unplaced := func(s uint16) bool {
		return s == SHN_UNDEF || s == SHN_COMMON || int(s) >= sections && s != SHN_ABS && s != SHN_LIVEPATCH
	}
	if !t.le64 {
		for i := 1; i < t.Len(); i++ {
			last = max(last, t.NameOff(i))
			if unplaced(t.Section(i)) {
				list = append(list, int32(i))
			}
		}
		return list, last
	}
	for i := 1; i < len(t.data)/24; i++ {
		e := t.data[i*24 : i*24+8 : i*24+8]
		last = max(last, binary.LittleEndian.Uint32(e))
		if unplaced(binary.LittleEndian.Uint16(e[6:])) {
			list = append(list, int32(i))
		}
	}
	return list, last
}

// NameOff returns where in the string table the name of entry i begins.
func (t *SymbolTable) NameOff(i int) uint32 {
	if t.le64 {
		return binary.LittleEndian.Uint32(t.data[i*24:])
	}
	return t.h.Order.Uint32(t.data[i*int(t.h.SymbolSize()):])
}

// Bind returns the binding of entry i alone, STB_….
func (t *SymbolTable) Bind(i int) uint8 {
	if t.h.Is64 {
		return t.data[i*24+4] >> 4
	}
	return t.data[i*16+12] >> 4
}

// NameOf returns the name of entry i: empty where its offset lies outside the
// string table. The bytes are the reader's. The error is a *FormatError for a
// name longer than MaxName.
func (t *SymbolTable) NameOf(i int) ([]byte, error) {
	off := t.NameOff(i)
	name, ok := stringAt(t.strs, off)
	if !ok && uint64(off) < uint64(len(t.strs)) {
		return nil, &FormatError{Section: t.name, Offset: int64(i) * t.h.SymbolSize(), Msg: fmt.Sprintf("symbol %d: name longer than %d bytes", i, MaxName)}
	}
	return name, nil
}

// Name is NameOf for a symbol that the table decoded.
func (t *SymbolTable) Name(s *Symbol) ([]byte, error) { return t.NameOf(s.Index) }

// Strings returns the string table that the names lie in.
func (t *SymbolTable) Strings() []byte { return t.strs }

// Symbols returns the entries in the file's order, the null entry 0 left out
// (Symbol.Index still counts it). The names share one string.
func (t *SymbolTable) Symbols() ([]Symbol, error) {
	n := t.Len()
	if n <= 1 {
		return nil, nil
	}
	strs := string(t.strs)
	ent := int(t.h.SymbolSize())
	syms := make([]Symbol, n-1)
	for i := range syms {
		s := &syms[i]
		t.h.symbol(s, i+1, t.data[(i+1)*ent:(i+2)*ent])
		name, err := t.NameOf(s.Index)
		if err != nil {
			return nil, err
		}
		if len(name) > 0 {
			s.Name = strs[s.NameOff : int(s.NameOff)+len(name)]
		}
	}
	return syms, nil
}

// Symbols returns the entries of a symbol table; see SymbolTable.Symbols.
func (f *File) Symbols(symtab *Section) ([]Symbol, error) {
	t, err := f.SymbolTable(symtab)
	if err != nil {
		return nil, err
	}
	return t.Symbols()
}

func (h *Header) symbol(s *Symbol, i int, b []byte) {
	o := h.Order
	s.Index, s.NameOff = i, o.Uint32(b)
	if h.Is64 {
		s.Info, s.Other, s.Section = b[4], b[5], o.Uint16(b[6:])
		s.Value, s.Size = o.Uint64(b[8:]), o.Uint64(b[16:])
		return
	}
	s.Value, s.Size = uint64(o.Uint32(b[4:])), uint64(o.Uint32(b[8:]))
	s.Info, s.Other, s.Section = b[12], b[13], o.Uint16(b[14:])
}

// stringAt returns the string at an offset; one that the table's end cuts off
// counts. It is false outside the table and for more than MaxName bytes.
func stringAt(strs []byte, off uint32) ([]byte, bool) {
	if uint64(off) >= uint64(len(strs)) {
		return nil, false
	}
	s := strs[off:]
	if len(s) > MaxName+1 {
		s = s[:MaxName+1]
	}
	if i := bytes.IndexByte(s, 0); i >= 0 {
		return s[:i:i], true
	}
	return s, len(s) <= MaxName
}
