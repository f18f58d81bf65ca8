package made

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// machine is what an architecture's modules look like. The relocation types
// are those of its ELF ABI.
type machine struct {
	name    string
	number  uint16 // e_machine
	flags   uint32 // e_flags
	is64    bool
	order   binary.AppendByteOrder
	inPlace bool   // relocations of type REL, the addend is in the section
	word    uint32 // relocation of a pointer
	abs32   uint32 // of 32 bits, absolute
	pc32    uint32 // of 32 bits, relative to the place
}

var machines = []machine{
	{"x86_64", 62, 0, true, binary.LittleEndian, false, 1, 10, 2},
	{"i686", 3, 0, false, binary.LittleEndian, true, 1, 1, 2},
	{"aarch64", 183, 0, true, binary.LittleEndian, false, 257, 258, 261},
	{"armv7l", 40, 0x05000000, false, binary.LittleEndian, true, 2, 2, 3},
	{"ppc64le", 21, 2, true, binary.LittleEndian, false, 38, 1, 26},
	{"ppc64", 21, 1, true, binary.BigEndian, false, 38, 1, 26},
	{"ppc", 20, 0, false, binary.BigEndian, false, 1, 1, 26},
	{"s390x", 22, 0, true, binary.BigEndian, false, 22, 4, 5},
}

func machineOf(arch string) (machine, error) {
	for _, m := range machines {
		if m.name == arch {
			return m, nil
		}
	}
	return machine{}, fmt.Errorf("architecture %q is not known", arch)
}

// Numbers of the ELF specification.
const (
	progbits, symtab, strtab, rela, rel               = 1, 2, 3, 4, 9
	writable, alloc, execinstr, merge, strs, infoLink = 1, 2, 4, 0x10, 0x20, 0x40
	local, global, weak                               = 0, 1 << 4, 2 << 4
	noType, object, function, section                 = 0, 1, 2, 3
	undefined, absolute                               = 0, 0xfff1
)

// part is a section as it is built.
type part struct {
	name       string
	kind       uint32
	flags      uint64
	link, info uint32
	align      int
	entry      int
	data       []byte
	relocs     []reloc
}

// reloc is a place of a section to be filled with the address of a symbol.
type reloc struct {
	offset int
	kind   uint32
	symbol string // a symbol's name, or a section's as "section:NAME"
	addend int64
}

// symbol is an entry of the symbol table.
type symbol struct {
	name  string
	info  byte
	place string // section's name; "" undefined; "*ABS*"
	value uint64
}

// object collects what a module file consists of.
type objectFile struct {
	machine
	parts   []*part
	symbols []symbol
}

func (o *objectFile) add(p part) *part {
	o.parts = append(o.parts, &p)
	return &p
}

func (o *objectFile) index(name string) int {
	return slices.IndexFunc(o.parts, func(p *part) bool { return p.name == name }) + 1
}

// pointer is the width of an address in bytes.
func (o *objectFile) pointer() int {
	if o.is64 {
		return 8
	}
	return 4
}

// appendWord appends an unsigned long.
func (o *objectFile) appendWord(b []byte, v uint64) []byte {
	if o.is64 {
		return o.order.AppendUint64(b, v)
	}
	return o.order.AppendUint32(b, uint32(v))
}

// ELF returns the module's bytes, not packed.
func (m *Module) ELF() ([]byte, error) {
	machine, err := machineOf(m.Build.Arch)
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", m.Path, err)
	}
	o := &objectFile{machine: machine}
	o.add(part{name: ".text", kind: progbits, flags: alloc | execinstr, align: 16, data: make([]byte, 16*len(m.Exports)+16)})
	o.add(part{name: ".init.text", kind: progbits, flags: alloc | execinstr, align: 16, data: make([]byte, 16)})
	o.add(part{name: ".exit.text", kind: progbits, flags: alloc | execinstr, align: 16, data: make([]byte, 16)})
	o.add(part{name: ".modinfo", kind: progbits, flags: alloc, align: 1, data: m.modinfo()})
	m.addExports(o)
	m.addVersions(o)
	m.addThisModule(o)
	o.symbols = append(o.symbols,
		symbol{"init_module", global | function, ".init.text", 0},
		symbol{"cleanup_module", global | function, ".exit.text", 0})
	for _, s := range m.Needs {
		bind := byte(global)
		if s.Weak {
			bind = weak
		}
		if s.Name != "module_layout" { // a pseudo import: versioned, never undefined
			o.symbols = append(o.symbols, symbol{s.Name, bind | noType, "", 0})
		}
	}
	return o.bytes(), nil
}

// modinfo writes .modinfo: first what the line gives, then what modpost adds.
func (m *Module) modinfo() []byte {
	magic := m.Vermagic
	if magic == "" {
		magic = m.Build.Release + " " + m.Build.Flags
	}
	fields := slices.Clone(m.Info)
	usual := []Field{{"license", "GPL"}, {"srcversion", m.srcversion()}, {"depends", ""}}
	if strings.HasPrefix(m.Path, "kernel/") {
		usual = append(usual, Field{"intree", "Y"})
	}
	usual = append(usual, Field{"name", m.Name()}, Field{"vermagic", magic})
	for _, f := range usual {
		if !slices.ContainsFunc(m.Info, func(g Field) bool { return g.Key == f.Key }) {
			fields = append(fields, f)
		}
	}
	var b []byte
	for _, f := range fields {
		if f.Value == "" && f.Key != "depends" {
			continue
		}
		b = append(b, f.Key+"="+f.Value+"\x00"...)
	}
	return b
}

// srcversion is made up of what stands for the module's source: its name and
// what it exports and needs, without the CRCs that the kernel's build adds.
func (m *Module) srcversion() string {
	h := sha1.New()
	fmt.Fprintln(h, m.Name())
	for _, s := range append(slices.Clone(m.Exports), m.Needs...) {
		fmt.Fprintln(h, s.Name, s.Weak, s.GPL, s.Namespace)
	}
	return strings.ToUpper(fmt.Sprintf("%x", h.Sum(nil))[:23])
}

// addThisModule writes the module's struct module: name at its place behind
// the state and a list head, the rest empty.
func (m *Module) addThisModule(o *objectFile) {
	at := 3 * o.pointer()
	data := make([]byte, max(m.Build.Size, 0))
	if at < len(data) {
		copy(data[at:min(len(data), at+64-o.pointer())], m.Name())
	}
	o.add(part{name: ".gnu.linkonce.this_module", kind: progbits, flags: alloc | writable, align: 64, data: data})
	o.symbols = append(o.symbols, symbol{"__this_module", global | object, ".gnu.linkonce.this_module", 0})
}

// addVersions writes the CRCs of what the module needs. A name that does not
// fit the 56 (60) bytes of __versions is in the other sections only.
func (m *Module) addVersions(o *objectFile) {
	list := m.versions()
	if m.Versions == Plain || m.Versions == Both {
		var b []byte
		room := 64 - o.pointer()
		for _, s := range list {
			if len(s.Name) >= room {
				continue
			}
			b = o.appendWord(b, uint64(s.CRC))
			b = append(append(b, s.Name...), make([]byte, room-len(s.Name))...)
		}
		o.add(part{name: "__versions", kind: progbits, flags: alloc, align: 32, data: b})
	}
	if m.Versions == Ext || m.Versions == Both {
		var crcs, names []byte
		for _, s := range list {
			crcs = o.order.AppendUint32(crcs, s.CRC)
			names = append(append(names, s.Name...), 0)
		}
		o.add(part{name: "__version_ext_crcs", kind: progbits, flags: alloc, align: 4, data: crcs})
		o.add(part{name: "__version_ext_names", kind: progbits, flags: alloc, align: 1, data: names})
	}
}

// addExports writes the export tables: strings, entries, CRCs.
func (m *Module) addExports(o *objectFile) {
	if len(m.Exports) == 0 {
		return
	}
	names := o.add(part{name: "__ksymtab_strings", kind: progbits, flags: alloc | merge | strs, align: 1, entry: 1})
	var crcs *part
	if m.CRCs == Relative {
		crcs = o.add(part{name: ".rodata", kind: progbits, flags: alloc, align: 4})
	}
	for _, gpl := range []bool{false, true} {
		suffix := ""
		if gpl {
			suffix = "_gpl"
		}
		var table []Symbol
		versioned := false
		for _, s := range m.Exports {
			if s.GPL == gpl {
				table, versioned = append(table, s), versioned || s.Versioned
			}
		}
		if len(table) == 0 {
			continue
		}
		entries := o.add(part{name: "__ksymtab" + suffix, kind: progbits, flags: alloc, align: 4})
		for _, s := range table {
			m.addEntry(o, entries, names, s)
		}
		if versioned {
			tab := o.add(part{name: "__kcrctab" + suffix, kind: progbits, flags: alloc, align: 4})
			for _, s := range table {
				m.addCRC(o, tab, crcs, s)
			}
		}
	}
}

// addEntry writes one struct kernel_symbol: value, name, and since 5.4 the
// namespace.
func (m *Module) addEntry(o *objectFile, table, names *part, s Symbol) {
	text := slices.IndexFunc(m.Exports, func(e Symbol) bool { return e.Name == s.Name })
	o.symbols = append(o.symbols,
		symbol{"__ksymtab_" + s.Name, local | noType, table.name, uint64(len(table.data))},
		symbol{s.Name, global | function, ".text", uint64(16 * text)})
	name := int64(len(names.data))
	names.data = append(names.data, s.Name+"\x00"...)
	o.field(m.Table, table, s.Name, 0)
	o.field(m.Table, table, "section:"+names.name, name)
	if m.Build.version() < 504 {
		return
	}
	ns := int64(len(names.data))
	names.data = append(names.data, s.Namespace+"\x00"...)
	if s.Namespace == "" && m.Table == Pointers {
		table.data = o.appendWord(table.data, 0) // NULL
		return
	}
	o.field(m.Table, table, "section:"+names.name, ns)
}

// field appends one field of an entry and what will fill it.
func (o *objectFile) field(form TableForm, table *part, symbol string, addend int64) {
	r := reloc{offset: len(table.data), kind: o.word, symbol: symbol, addend: addend}
	width := o.pointer()
	if form == Differences {
		r.kind, width = o.pc32, 4
	}
	table.data = append(table.data, make([]byte, width)...)
	table.relocs = append(table.relocs, r)
}

// addCRC writes one entry of __kcrctab, an unsigned long before 4.10.
func (m *Module) addCRC(o *objectFile, tab, words *part, s Symbol) {
	at := len(tab.data)
	name := "__crc_" + s.Name
	switch m.CRCs {
	case Section:
		o.symbols = append(o.symbols, symbol{name, local | noType, tab.name, uint64(at)})
		tab.data = o.order.AppendUint32(tab.data, s.CRC)
	case Relative:
		o.symbols = append(o.symbols, symbol{name, local | noType, words.name, uint64(len(words.data))})
		words.data = o.order.AppendUint32(words.data, s.CRC)
		tab.relocs = append(tab.relocs, reloc{at, o.pc32, name, 0})
		tab.data = append(tab.data, 0, 0, 0, 0)
	default:
		o.symbols = append(o.symbols, symbol{name, global | noType, "*ABS*", uint64(s.CRC)})
		kind, width := o.abs32, 4
		if m.Build.version() < 410 {
			kind, width = o.word, o.pointer()
		}
		tab.relocs = append(tab.relocs, reloc{at, kind, name, 0})
		tab.data = append(tab.data, make([]byte, width)...)
	}
}

// bytes lays the file out: header, sections, symbols, relocations, names,
// section headers.
func (o *objectFile) bytes() []byte {
	indices := o.addSymbols()
	for _, p := range o.parts {
		if p.relocs != nil {
			o.addRelocs(p, indices)
		}
	}
	names := []byte{0}
	shstrtab := o.add(part{name: ".shstrtab", kind: strtab, align: 1})
	offsets := make([]uint32, len(o.parts))
	for i, p := range o.parts {
		offsets[i] = uint32(len(names))
		names = append(names, p.name+"\x00"...)
	}
	shstrtab.data = names
	head := 52
	if o.is64 {
		head = 64
	}
	b := make([]byte, head)
	heads := make([]byte, o.headerSize())
	for i, p := range o.parts {
		b = append(b, make([]byte, -len(b)&(max(p.align, 1)-1))...)
		heads = o.appendHeader(heads, p, offsets[i], len(b))
		b = append(b, p.data...)
	}
	b = append(b, make([]byte, -len(b)&7)...)
	copy(b, o.header(len(b), len(o.parts)+1, len(o.parts)))
	return append(b, heads...)
}

// addSymbols writes .symtab and .strtab, local symbols first, and returns the
// number of each symbol and section.
func (o *objectFile) addSymbols() map[string]uint32 {
	indices := map[string]uint32{}
	names := []byte{0}
	var b []byte
	var n uint32
	entry := func(name string, info byte, section uint16, value uint64) {
		var at uint32
		if name != "" {
			at = uint32(len(names))
			names = append(names, name+"\x00"...)
		}
		b = o.order.AppendUint32(b, at)
		if o.is64 {
			b = o.order.AppendUint16(append(b, info, 0), section)
			b = o.order.AppendUint64(o.order.AppendUint64(b, value), 0)
		} else {
			b = o.order.AppendUint32(o.order.AppendUint32(b, uint32(value)), 0)
			b = o.order.AppendUint16(append(b, info, 0), section)
		}
		n++
	}
	entry("", 0, 0, 0)
	for i, p := range o.parts {
		indices["section:"+p.name] = n
		entry("", local|section, uint16(i+1), 0)
	}
	slices.SortStableFunc(o.symbols, func(a, b symbol) int { return min(int(a.info>>4), 1) - min(int(b.info>>4), 1) })
	locals := n
	for _, s := range o.symbols {
		if s.info>>4 == 0 {
			locals++
		}
		indices[s.name] = n
		place := uint16(undefined)
		switch s.place {
		case "":
		case "*ABS*":
			place = absolute
		default:
			place = uint16(o.index(s.place))
		}
		entry(s.name, s.info, place, s.value)
	}
	size := 16
	if o.is64 {
		size = 24
	}
	table := o.add(part{name: ".symtab", kind: symtab, info: locals, align: 8, entry: size, data: b})
	o.add(part{name: ".strtab", kind: strtab, align: 1, data: names})
	table.link = uint32(len(o.parts))
	return indices
}

// addRelocs writes the relocation section of a part.
func (o *objectFile) addRelocs(p *part, indices map[string]uint32) {
	r := part{name: ".rela" + p.name, kind: rela, flags: infoLink, link: uint32(o.index(".symtab")), info: uint32(o.index(p.name)), align: 8, entry: 3 * o.pointer()}
	if o.inPlace {
		r.name, r.kind, r.entry = ".rel"+p.name, rel, 2*o.pointer()
	}
	for _, at := range p.relocs {
		sym := indices[at.symbol]
		r.data = o.appendWord(r.data, uint64(at.offset))
		if o.is64 {
			r.data = o.order.AppendUint64(r.data, uint64(sym)<<32|uint64(at.kind))
		} else {
			r.data = o.order.AppendUint32(r.data, sym<<8|at.kind)
		}
		if o.inPlace {
			var word []byte
			copy(p.data[at.offset:], o.order.AppendUint32(word, uint32(at.addend)))
		} else {
			r.data = o.appendWord(r.data, uint64(at.addend))
		}
	}
	o.add(r)
}

func (o *objectFile) headerSize() int {
	if o.is64 {
		return 64
	}
	return 40
}

// appendHeader appends a section header.
func (o *objectFile) appendHeader(b []byte, p *part, name uint32, offset int) []byte {
	b = o.order.AppendUint32(o.order.AppendUint32(b, name), p.kind)
	for _, v := range []uint64{p.flags, 0, uint64(offset), uint64(len(p.data))} {
		b = o.appendWord(b, v)
	}
	b = o.order.AppendUint32(o.order.AppendUint32(b, p.link), p.info)
	return o.appendWord(o.appendWord(b, uint64(max(p.align, 1))), uint64(p.entry))
}

// header is the file's: its section headers are at offset sections.
func (o *objectFile) header(sections, count, shstrndx int) []byte {
	class, data := byte(1), byte(1)
	if o.is64 {
		class = 2
	}
	if bytes.Equal(o.order.AppendUint16(nil, 1), []byte{0, 1}) {
		data = 2
	}
	b := append([]byte("\x7fELF"), class, data, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = o.order.AppendUint16(o.order.AppendUint16(b, 1), o.number)
	b = o.order.AppendUint32(b, 1)
	for _, v := range []uint64{0, 0, uint64(sections)} {
		b = o.appendWord(b, v)
	}
	b = o.order.AppendUint32(b, o.flags)
	size := 52
	if o.is64 {
		size = 64
	}
	for _, v := range []int{size, 0, 0, o.headerSize(), count, shstrndx} {
		b = o.order.AppendUint16(b, uint16(v))
	}
	return b
}
