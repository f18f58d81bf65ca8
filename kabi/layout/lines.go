package layout

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"path"
	"slices"
)

// lineTables reads the names of files in .debug_line (DWARF 2 to 5, section
// 6.2.4 of DWARF 5). debug/dwarf reads them too, but makes room for as many as a
// damaged table says it has (Go 1.26).
type lineTables struct {
	data, strs, lineStrs []byte // .debug_line, .debug_str, .debug_line_str
	order                binary.ByteOrder
	moved                []relocation // of .debug_line in an object file, by offset
	spent                int          // bytes of names made
}

// relocation says what stands at an offset of a section in the end.
type relocation struct{ offset, value uint64 }

// What the names of all tables take together at most, and one table's.
const (
	maxNameBytes = 64 << 20
	maxTable     = 1 << 18
)

// newLineTables reads the sections; a file without them has no names.
func newLineTables(f *elf.File) (*lineTables, error) {
	t := &lineTables{order: f.ByteOrder}
	for name, to := range map[string]*[]byte{".debug_line": &t.data, ".debug_str": &t.strs, ".debug_line_str": &t.lineStrs} {
		s := f.Section(name)
		if s == nil || s.Type == elf.SHT_NOBITS {
			continue
		}
		data, err := s.Data()
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", name, err)
		}
		*to = data
	}
	if s := f.Section(".rela.debug_line"); s != nil && s.Type == elf.SHT_RELA && f.Type == elf.ET_REL {
		return t, t.relocate(f, s)
	}
	return t, nil
}

// relocate reads relocations with addends; where a machine has none, the value
// stands in place. Symbols are those of sections, whose value is 0, or labels.
func (t *lineTables) relocate(f *elf.File, s *elf.Section) error {
	size, wide := 12, f.Class == elf.ELFCLASS64
	if wide {
		size = 24
	}
	if s.Size > maxParts*uint64(size) {
		return fmt.Errorf("section %s: %d bytes are too much", s.Name, s.Size)
	}
	data, err := s.Data()
	if err != nil {
		return fmt.Errorf("section %s: %w", s.Name, err)
	}
	symbols, err := f.Symbols()
	if err != nil {
		return fmt.Errorf("symbols: %w", err)
	}
	for ; len(data) >= size; data = data[size:] {
		r, symbol := relocation{}, uint64(0)
		if wide {
			symbol = t.order.Uint64(data[8:]) >> 32
			r = relocation{t.order.Uint64(data), t.order.Uint64(data[16:])}
		} else {
			symbol = uint64(t.order.Uint32(data[4:]) >> 8)
			r = relocation{uint64(t.order.Uint32(data)), uint64(t.order.Uint32(data[8:]))}
		}
		if symbol > 0 && symbol <= uint64(len(symbols)) {
			r.value += symbols[symbol-1].Value
		}
		t.moved = append(t.moved, r)
	}
	slices.SortStableFunc(t.moved, func(a, b relocation) int { return cmp.Compare(a.offset, b.offset) })
	return nil
}

// files returns the names of a table's files by number, with their directories,
// which may be relative to the unit's. What cannot be read is left out.
func (t *lineTables) files(table uint64, dir string) []string {
	if table >= uint64(len(t.data)) || t.spent > maxNameBytes {
		return nil
	}
	c := lineCursor{t: t, at: table, offset: 4}
	if c.number(4) == 0xffffffff {
		c.number(8)
		c.offset = 8
	}
	version := c.number(2)
	if version >= 5 {
		c.skip(2) // sizes of addresses and segment selectors
	}
	c.skip(c.offset) // length of the header
	if c.skip(4); version >= 4 {
		c.skip(1) // operations in an instruction
	}
	if n := c.number(1); n > 0 {
		c.skip(n - 1) // operands of the operations
	}
	if version < 5 {
		return c.old(dir)
	}
	dirs := c.entries(nil)
	return c.entries(dirs)
}

// lineCursor reads on in a table until something is missing.
type lineCursor struct {
	t      *lineTables
	at     uint64
	offset uint64 // bytes of an offset: 4 or 8
	failed bool
}

// old reads the lists of DWARF 2 to 4, both numbered from 1.
func (c *lineCursor) old(dir string) []string {
	dirs := []string{dir}
	for !c.failed && len(dirs) < maxTable {
		name := c.text()
		if name == "" {
			break
		}
		dirs = append(dirs, c.join(dir, name))
	}
	files := []string{""}
	for !c.failed && len(files) < maxTable {
		name := c.text()
		if name == "" {
			break
		}
		in := c.uleb()
		c.uleb()
		c.uleb()
		files = append(files, c.in(dirs, in, name))
	}
	return files
}

// The contents and forms of DWARF 5 (tables 7.27 and 7.6) that matter.
const (
	contentPath      = 1
	contentDirectory = 2
)

// entries reads a list of DWARF 5: directories, or files in such.
func (c *lineCursor) entries(dirs []string) []string {
	formats := make([][2]uint64, c.number(1))
	for i := range formats {
		formats[i] = [2]uint64{c.uleb(), c.uleb()}
	}
	count := c.uleb()
	var list []string
	for uint64(len(list)) < min(count, maxTable) && !c.failed {
		name, in := "", uint64(0)
		for _, f := range formats {
			text, n := c.value(f[1])
			switch f[0] {
			case contentPath:
				name = text
			case contentDirectory:
				in = n
			}
		}
		switch {
		case dirs != nil:
			name = c.in(dirs, in, name)
		case len(list) > 0:
			name = c.join(list[0], name)
		}
		list = append(list, name)
	}
	return list
}

// in is a file's name with its directory.
func (c *lineCursor) in(dirs []string, number uint64, name string) string {
	if number >= uint64(len(dirs)) {
		c.failed = true
		return ""
	}
	return c.join(dirs[number], name)
}

func (c *lineCursor) join(dir, name string) string {
	if c.t.spent += len(dir) + len(name); c.t.spent > maxNameBytes {
		c.failed = true
		return ""
	}
	if path.IsAbs(name) {
		return name
	}
	return path.Join(dir, name)
}

// value reads one value: a text or a number. An unknown form ends the table.
func (c *lineCursor) value(form uint64) (text string, n uint64) {
	switch form {
	case 0x08: // DW_FORM_string
		return c.text(), 0
	case 0x0e: // DW_FORM_strp
		return c.string(c.t.strs, c.place()), 0
	case 0x1f: // DW_FORM_line_strp
		return c.string(c.t.lineStrs, c.place()), 0
	case 0x0b: // DW_FORM_data1
		return "", c.number(1)
	case 0x05: // DW_FORM_data2
		return "", c.number(2)
	case 0x06: // DW_FORM_data4
		return "", c.number(4)
	case 0x07: // DW_FORM_data8
		return "", c.number(8)
	case 0x0f: // DW_FORM_udata
		return "", c.uleb()
	case 0x1e: // DW_FORM_data16
		c.skip(16)
	case 0x09: // DW_FORM_block
		c.skip(c.uleb())
	default:
		c.failed = true
	}
	return "", 0
}

// place reads an offset into a section of texts, as relocated.
func (c *lineCursor) place() uint64 {
	at := c.at
	n := c.number(c.offset)
	i, found := slices.BinarySearchFunc(c.t.moved, at, func(r relocation, at uint64) int { return cmp.Compare(r.offset, at) })
	if found {
		return c.t.moved[i].value
	}
	return n
}

// text reads a text that stands in the table itself.
func (c *lineCursor) text() string {
	s := c.string(c.t.data, c.at)
	c.skip(uint64(len(s)) + 1)
	return s
}

func (c *lineCursor) string(section []byte, at uint64) string {
	if c.failed || at > uint64(len(section)) {
		c.failed = true
		return ""
	}
	n := slices.Index(section[at:], 0)
	if c.t.spent += max(n, 0); n < 0 || c.t.spent > maxNameBytes {
		c.failed = true
		return ""
	}
	return string(section[at : at+uint64(n)])
}

func (c *lineCursor) skip(n uint64) {
	if c.failed || n > uint64(len(c.t.data))-c.at {
		c.failed = true
		return
	}
	c.at += n
}

// number reads a number of 1, 2, 4 or 8 bytes.
func (c *lineCursor) number(size uint64) uint64 {
	at := c.at
	if c.skip(size); c.failed {
		return 0
	}
	switch data := c.t.data[at:]; size {
	case 1:
		return uint64(data[0])
	case 2:
		return uint64(c.t.order.Uint16(data))
	case 4:
		return uint64(c.t.order.Uint32(data))
	default:
		return c.t.order.Uint64(data)
	}
}

func (c *lineCursor) uleb() uint64 {
	if c.failed {
		return 0
	}
	n, size := binary.Uvarint(c.t.data[c.at:])
	if size <= 0 {
		c.failed = true
		return 0
	}
	c.at += uint64(size)
	return n
}
