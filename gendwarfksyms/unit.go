package gendwarfksyms

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
)

// dwarf is the debugging information of an object file. Positions of DIEs are
// offsets in info, which is .debug_info and after it .debug_types.
type dwarf struct {
	order binary.ByteOrder

	info, abbrev, line         []byte
	strs, lineStrs, strOffsets []byte
	infoSize, locSize          int // of .debug_info alone, of .debug_loc
	units                      []*unit
	tables                     map[tableKey]*abbrevTable
	parsed                     int // bytes of .debug_abbrev, each time they were
	signatures                 map[uint64]*unit
	nodes                      []*node // all there are
}

// dwarf reads the debugging information. The unit headers are checked, their
// DIEs are not.
func (o *object) dwarf() (*dwarf, error) {
	d := &dwarf{order: o.f.ByteOrder, tables: map[tableKey]*abbrevTable{}, signatures: map[uint64]*unit{}}
	var types []byte
	for _, part := range []struct {
		name string
		to   *[]byte
	}{
		{".debug_info", &d.info}, {".debug_types", &types}, {".debug_abbrev", &d.abbrev}, {".debug_line", &d.line},
		{".debug_str", &d.strs}, {".debug_line_str", &d.lineStrs}, {".debug_str_offsets", &d.strOffsets},
	} {
		data, s, err := o.section(part.name)
		if err == nil && s != nil {
			if err = o.relocate(s, data); err == nil {
				*part.to = data
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if len(d.info) == 0 && len(types) == 0 {
		return nil, errorf("process_module", "dwarf_get_units failed: no debugging information?")
	}
	if s := o.f.Section(".debug_loc"); s != nil && s.Type != elf.SHT_NOBITS {
		d.locSize = int(min(s.Size, maxSection))
	}
	d.infoSize = len(d.info)
	d.info = append(d.info, types...)
	for pos := 0; pos < len(d.info); {
		u, err := d.header(pos)
		if err != nil {
			return nil, fmt.Errorf("section .debug_info: %w", err)
		}
		d.units = append(d.units, u)
		if u.typed {
			d.signatures[u.signature] = u
		}
		pos = u.end
	}
	return d, nil
}

// unit is a compilation, partial or type unit.
type unit struct {
	d                 *dwarf
	start, first, end int // header, first DIE, behind the last
	base              int // where its section starts
	version           int
	kind              uint8
	address, offset   int // bytes of an address, of an offset
	table             *abbrevTable
	abbrevAt          uint64
	typed             bool
	signature, typeAt uint64
	entries           []entry // the DIEs, once indexed
	nodes             map[int]*node
	prefixes          map[uint32]*string // what scopes put before names
	resolved          bool
	strBase           int
	fileNames         []string
	filesErr          error
	filesRead         bool
}

// entry is a DIE in its unit. The entries of its children follow it.
type entry struct {
	at     uint32 // offset in the unit
	abbrev uint32 // index in the table
	parent uint32 // entry; none for the unit's own
	next   uint32 // the entry behind its children
}

const none = ^uint32(0)

// Unit types of DWARF 5.
const (
	unitType         = 2
	unitSkeleton     = 4
	unitSplitCompile = 5
	unitSplitType    = 6
)

// header reads the header of the unit at a position.
func (d *dwarf) header(pos int) (*unit, error) {
	u := &unit{d: d, start: pos, nodes: map[int]*node{}, prefixes: map[uint32]*string{}, offset: 4}
	end := d.infoSize
	if pos >= end {
		u.base, end = d.infoSize, len(d.info)
	}
	r := reader{data: d.info[:end], pos: pos, order: d.order}
	length := uint64(r.u32())
	if length == 0xffffffff {
		length, u.offset = r.u64(), 8
	}
	if r.bad || length > uint64(end-r.pos) || length > 0xffffff00 {
		return nil, fmt.Errorf("offset %#x: unit of %d bytes does not end inside the section", pos, length)
	}
	u.end = r.pos + int(length)
	r.data = r.data[:u.end]
	u.version = int(r.u16())
	if u.version < 2 || u.version > 5 {
		return nil, fmt.Errorf("offset %#x: DWARF %d is not known", pos, u.version)
	}
	if u.version == 5 {
		u.kind = r.u8()
		u.address = int(r.u8())
		u.abbrevAt = r.word(u.offset)
	} else {
		u.abbrevAt = r.word(u.offset)
		u.address = int(r.u8())
	}
	switch {
	case u.kind == unitType || u.kind == unitSplitType || u.base > 0:
		u.typed = true
		u.signature = r.u64()
		u.typeAt = r.word(u.offset)
	case u.kind == unitSkeleton || u.kind == unitSplitCompile:
		r.u64()
	}
	u.first = r.pos
	if r.bad || u.address > 8 {
		return nil, fmt.Errorf("offset %#x: unit header is not whole", pos)
	}
	return u, nil
}

// index finds the DIEs of the unit.
func (u *unit) index() error {
	if u.entries != nil {
		return nil
	}
	table, err := u.d.abbrevs(u)
	if err != nil {
		return err
	}
	u.table = table
	if u.entries, err = u.readEntries(); err != nil {
		return err
	}
	u.findStrings()
	return nil
}

// readEntries reads the tree of DIEs. It ends with the first of the unit, whatever
// is behind it.
func (u *unit) readEntries() (list []entry, err error) {
	table, parent := u.table, none
	list = make([]entry, 0, (u.end-u.first)/8)
	r := reader{data: u.d.info[:u.end], pos: u.first, order: u.d.order}
	for r.pos < u.end {
		at := r.pos
		code := r.uleb()
		if code == 0 {
			if parent == none {
				break
			}
			list[parent].next = uint32(len(list))
			if parent = list[parent].parent; parent == none {
				break
			}
			continue
		}
		n, ok := table.find(code)
		if !ok {
			return nil, fmt.Errorf("section .debug_info: offset %#x: abbreviation %d is not there", at, code)
		}
		if u.skip(&r, &table.list[n]); r.bad {
			return nil, fmt.Errorf("section .debug_info: offset %#x: entry does not end inside its unit or has an unknown form", at)
		}
		i := uint32(len(list))
		list = append(list, entry{uint32(at - u.start), uint32(n), parent, i + 1})
		if table.list[n].children {
			parent = i
		} else if parent == none {
			break
		}
	}
	for ; parent != none; parent = list[parent].parent {
		list[parent].next = uint32(len(list))
	}
	return list, nil
}

// release forgets the index of a unit that nothing was taken from.
func (u *unit) release() {
	if len(u.nodes) == 0 {
		u.entries, u.table = nil, nil
	}
}

// tag returns the tag of an entry.
func (u *unit) tag(i uint32) uint32 { return u.table.list[u.entries[i].abbrev].tag }

// children calls f for each child of an entry until it returns false.
func (u *unit) children(i uint32, f func(child uint32) bool) {
	end := u.entries[i].next
	for c := i + 1; c < end; c = u.entries[c].next {
		if !f(c) {
			return
		}
	}
}

// node is a DIE that was looked at.
type node struct {
	u        *unit
	i        uint32
	at       int // position
	tag      uint32
	expanded uint32 // the number of the symbol that it was last expanded for

	complete, unexpanded, symbol *record
}

// node returns the node of an entry.
func (u *unit) node(i uint32) *node {
	at := u.start + int(u.entries[i].at)
	n := u.nodes[at]
	if n == nil {
		n = &node{u: u, i: i, at: at, tag: u.tag(i)}
		u.nodes[at] = n
		u.d.nodes = append(u.d.nodes, n)
	}
	return n
}

// at returns the node of a position, which a reference gave.
func (d *dwarf) at(u *unit, pos int) (*node, error) {
	if u == nil || pos < u.start || pos >= u.end {
		k, ok := slices.BinarySearchFunc(d.units, pos, func(u *unit, pos int) int { return cmp.Compare(u.start, pos) })
		if !ok {
			k--
		}
		if k < 0 {
			return nil, fmt.Errorf("section .debug_info: offset %#x: reference to no unit", pos)
		}
		u = d.units[k]
	}
	if n := u.nodes[pos]; n != nil {
		return n, nil
	}
	if err := u.index(); err != nil {
		return nil, err
	}
	i, ok := slices.BinarySearchFunc(u.entries, uint32(pos-u.start), func(e entry, at uint32) int { return cmp.Compare(e.at, at) })
	if !ok {
		return nil, fmt.Errorf("section .debug_info: offset %#x: reference to what is no entry", pos)
	}
	return u.node(uint32(i)), nil
}
