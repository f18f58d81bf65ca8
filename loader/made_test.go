package loader_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"modkeep/ko"
	"modkeep/loader"
	"modkeep/symvers"
)

// made describes a 64-bit module that is written out for a test, for what no
// real module at hand has: a place in a set, a format of another generation.
type made struct {
	name     string
	info     []string // entries of .modinfo besides name and vermagic; nil: license=GPL and intree=Y
	vermagic string   // "" for that of the 6.1 kernel of these tests
	size     int      // of struct module; 0 for 896
	imports  []string // in the symbol table's order; a leading "?" makes one weak
	exports  []madeExport
	crcs     map[string]uint32 // __versions; an import that is not in it has no entry; nil: no section
	extCRCs  map[string]uint32 // __version_ext_crcs
	extNames bool              // __version_ext_names is there (where extCRCs is, too)
	flagstab bool              // exports in the form of 7.1 and later
	obsolete bool              // with an empty __ksymtab_gpl besides
	s390x    bool              // big-endian
}

type madeExport struct {
	symbol    string
	crc       uint32 // 0: without __kcrctab, if no export of the table has one
	gpl       bool
	namespace string
}

const (
	madeRelease  = "6.1.0-56-cloud-amd64"
	madeVermagic = madeRelease + " SMP preempt mod_unload modversions "
	layoutCRC    = 0x10000001
)

// crcOf is the CRC that every symbol of these tests has unless a test says
// otherwise.
func crcOf(symbol string) uint32 {
	if symbol == "module_layout" {
		return layoutCRC
	}
	h := uint32(2166136261)
	for i := range len(symbol) {
		h = (h ^ uint32(symbol[i])) * 16777619
	}
	return h
}

// versioned returns the versions of module_layout and the imports.
func versioned(imports ...string) map[string]uint32 {
	v := map[string]uint32{"module_layout": layoutCRC}
	for _, s := range imports {
		v[strings.TrimPrefix(s, "?")] = crcOf(strings.TrimPrefix(s, "?"))
	}
	return v
}

// simple is a module that fits the kernel of these tests.
func simple(name string, exports []string, imports ...string) made {
	m := made{name: name, imports: imports, crcs: versioned(imports...)}
	for _, s := range exports {
		m.exports = append(m.exports, madeExport{symbol: s, crc: crcOf(s)})
	}
	return m
}

// read makes the module loader reads it as; dir is the folder of its path.
func (m made) read(dir string) *loader.Module {
	return readBytes(dir+"/"+m.name+".ko", m.bytes())
}

func readBytes(path string, data []byte) *loader.Module {
	return loader.ReadFrom(path, func() (*ko.Image, error) {
		return ko.NewImage(path, bytes.NewReader(data), int64(len(data)))
	})
}

// madeSection is a section as it is written out.
type madeSection struct {
	name       string
	kind       uint32
	flags      uint64
	link, info uint32
	entry      uint64
	data       []byte
}

// madeFile collects the sections of a module.
type madeFile struct {
	order    binary.AppendByteOrder
	sections []madeSection
}

const (
	progbits, symtab, strtab, rela = 1, 2, 3, 4
	write, alloc, exec             = 1, 2, 4
)

func (f *madeFile) add(s madeSection) uint32 {
	f.sections = append(f.sections, s)
	return uint32(len(f.sections) - 1)
}

// bytes writes the module out.
func (m made) bytes() []byte {
	f := &madeFile{order: binary.LittleEndian}
	if m.s390x {
		f.order = binary.BigEndian
	}
	f.add(madeSection{})
	text := f.add(madeSection{name: ".text", kind: progbits, flags: alloc | exec, data: make([]byte, 8*len(m.exports)+8)})
	f.add(madeSection{name: ".modinfo", kind: progbits, flags: alloc, data: m.modinfo()})
	this := make([]byte, max(m.size, 96))
	if m.size == 0 {
		this = make([]byte, 896)
	}
	copy(this[24:80], m.name)
	f.add(madeSection{name: ".gnu.linkonce.this_module", kind: progbits, flags: alloc | write, data: this})
	m.addVersions(f)
	m.addExports(f, text)
	m.addSymbols(f)
	return f.write(m.s390x)
}

func (m made) modinfo() []byte {
	info := m.info
	if info == nil {
		info = []string{"license=GPL", "intree=Y", "retpoline=Y"}
	}
	magic := m.vermagic
	if magic == "" {
		magic = madeVermagic
	}
	var b []byte
	for _, e := range append(slices.Clone(info), "name="+m.name, "vermagic="+magic) {
		b = append(append(b, e...), 0)
	}
	return b
}

// names lists what a module has versions of, in the order of its imports.
func (m made) names(of map[string]uint32) []string {
	var names []string
	for _, s := range append([]string{"module_layout"}, m.imports...) {
		if _, ok := of[strings.TrimPrefix(s, "?")]; ok {
			names = append(names, strings.TrimPrefix(s, "?"))
		}
	}
	return names
}

func (m made) addVersions(f *madeFile) {
	if m.crcs != nil {
		var b []byte
		for _, s := range m.names(m.crcs) {
			b = f.order.AppendUint64(b, uint64(m.crcs[s]))
			b = append(b, make([]byte, 56)...)
			copy(b[len(b)-56:], s)
		}
		f.add(madeSection{name: "__versions", kind: progbits, flags: alloc, data: b})
	}
	var crcs, names []byte
	for _, s := range m.names(m.extCRCs) {
		crcs = f.order.AppendUint32(crcs, m.extCRCs[s])
		names = append(append(names, s...), 0)
	}
	if m.extCRCs != nil {
		f.add(madeSection{name: "__version_ext_crcs", kind: progbits, flags: alloc, data: crcs})
	}
	if m.extNames {
		f.add(madeSection{name: "__version_ext_names", kind: progbits, flags: alloc, data: names})
	}
}

// addExports writes the tables: entries of three differences of 32 bits, to
// the value, the name and the namespace (PREL32 since 5.4).
func (m made) addExports(f *madeFile, text uint32) {
	if len(m.exports) == 0 {
		return
	}
	names := []byte{0}
	at := func(s string) uint64 {
		off := uint64(len(names))
		names = append(append(names, s...), 0)
		return off
	}
	type table struct{ entries, relocs, crcs, flags []byte }
	tables := map[string]*table{"": {}, "_gpl": {}}
	strings := uint32(len(f.sections)) // where __ksymtab_strings will stand
	for i, e := range m.exports {
		suffix := ""
		if e.gpl && !m.flagstab {
			suffix = "_gpl"
		}
		t := tables[suffix]
		for k, to := range [][2]uint64{{uint64(text), uint64(8 * i)}, {uint64(strings), at(e.symbol)}, {uint64(strings), at(e.namespace)}} {
			t.relocs = f.order.AppendUint64(t.relocs, uint64(len(t.entries)+4*k))
			t.relocs = f.order.AppendUint64(t.relocs, to[0]<<32|m.pc32()) // the symbol of that number is the section's
			t.relocs = f.order.AppendUint64(t.relocs, to[1])
		}
		t.entries = append(t.entries, make([]byte, 12)...)
		if e.crc != 0 {
			t.crcs = f.order.AppendUint32(t.crcs, e.crc)
		}
		t.flags = append(t.flags, map[bool]byte{false: 0, true: 1}[e.gpl])
	}
	f.add(madeSection{name: "__ksymtab_strings", kind: progbits, flags: alloc, data: names})
	for _, suffix := range []string{"", "_gpl"} {
		t := tables[suffix]
		if t.entries == nil {
			continue
		}
		n := f.add(madeSection{name: "__ksymtab" + suffix, kind: progbits, flags: alloc, data: t.entries})
		f.add(madeSection{name: ".rela__ksymtab" + suffix, kind: rela, flags: 0, info: n, entry: 24, data: t.relocs})
		if t.crcs != nil {
			f.add(madeSection{name: "__kcrctab" + suffix, kind: progbits, flags: alloc, data: t.crcs})
		}
		if m.flagstab {
			f.add(madeSection{name: "__kflagstab", kind: progbits, flags: alloc, data: t.flags})
		}
	}
	if m.obsolete {
		f.add(madeSection{name: "__ksymtab_gpl", kind: progbits, flags: alloc})
	}
}

// pc32 is the relocation type R_X86_64_PC32 or R_390_PC32.
func (m made) pc32() uint64 {
	if m.s390x {
		return 5
	}
	return 2
}

// addSymbols writes a symbol for each section, then the undefined ones.
func (m made) addSymbols(f *madeFile) {
	names := []byte{0}
	var b []byte
	entry := func(name string, info byte, section uint16) {
		off := uint32(0)
		if name != "" {
			off = uint32(len(names))
			names = append(append(names, name...), 0)
		}
		b = f.order.AppendUint32(b, off)
		b = append(b, info, 0)
		b = f.order.AppendUint16(b, section)
		b = append(b, make([]byte, 16)...)
	}
	sections := len(f.sections)
	for i := range sections {
		entry("", map[bool]byte{false: 3, true: 0}[i == 0], uint16(i))
	}
	for _, s := range m.imports {
		if weak, ok := strings.CutPrefix(s, "?"); ok {
			entry(weak, 2<<4, 0)
		} else {
			entry(s, 1<<4, 0)
		}
	}
	table := f.add(madeSection{name: ".symtab", kind: symtab, info: uint32(sections), entry: 24, data: b})
	for i := range f.sections {
		if f.sections[i].kind == rela {
			f.sections[i].link = table
		}
	}
	f.sections[table].link = f.add(madeSection{name: ".strtab", kind: strtab, data: names})
}

// write lays the sections out: header, contents, section headers.
func (f *madeFile) write(s390x bool) []byte {
	names := []byte{0}
	var heads []byte
	shstrtab := f.add(madeSection{name: ".shstrtab", kind: strtab})
	b := make([]byte, 64)
	for i := range f.sections {
		s := &f.sections[i]
		off := uint32(0)
		if s.name != "" {
			off = uint32(len(names))
			names = append(append(names, s.name...), 0)
		}
		if uint32(i) == shstrtab {
			s.data = names
		}
		for len(b)%16 != 0 {
			b = append(b, 0)
		}
		at := uint64(len(b))
		if i == 0 {
			at = 0
		}
		heads = f.order.AppendUint32(heads, off)
		heads = f.order.AppendUint32(heads, s.kind)
		for _, v := range []uint64{s.flags, 0, at, uint64(len(s.data))} {
			heads = f.order.AppendUint64(heads, v)
		}
		heads = f.order.AppendUint32(heads, s.link)
		heads = f.order.AppendUint32(heads, s.info)
		heads = f.order.AppendUint64(heads, 1)
		heads = f.order.AppendUint64(heads, s.entry)
		b = append(b, s.data...)
	}
	head := []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	machine := uint16(62)
	if s390x {
		head[5], machine = 2, 22
	}
	head = f.order.AppendUint16(head, 1)
	head = f.order.AppendUint16(head, machine)
	head = f.order.AppendUint32(head, 1)
	for _, v := range []uint64{0, 0, uint64(len(b))} {
		head = f.order.AppendUint64(head, v)
	}
	head = f.order.AppendUint32(head, 0)
	for _, v := range []uint16{64, 0, 0, 64, uint16(len(f.sections)), uint16(shstrtab)} {
		head = f.order.AppendUint16(head, v)
	}
	copy(b, head)
	return append(b, heads...)
}

// export is a kernel's export of a symbol with the CRC of these tests.
func export(symbol string) symvers.Export {
	return symvers.Export{Symbol: symbol, CRC: symvers.CRC(crcOf(symbol)), HasCRC: true, Module: symvers.Vmlinux, Type: symvers.Plain}
}
