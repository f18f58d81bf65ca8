package layout

import "encoding/binary"

// lineTables is .debug_line. debug/dwarf makes room for as many directories and
// files as a table of DWARF 5 says it has before it reads one (Go 1.26), so what
// a table says is held against its bytes first.
type lineTables struct {
	data  []byte
	order binary.ByteOrder
}

// fits reports whether the table at an offset has the bytes for all directories
// and files it counts. Tables before version 5 count none.
func (t lineTables) fits(off int64) bool {
	if off < 0 || off > int64(len(t.data)) {
		return false
	}
	c := lineCursor{t.data[off:], t.order, 4}
	if c.number(4) == 0xffffffff {
		c.number(8)
		c.offset = 8
	}
	if version := c.number(2); version < 5 {
		return c.data != nil
	}
	c.number(2)        // sizes of addresses and segment selectors
	c.number(c.offset) // length of the header
	c.number(5)        // four of the line program, and its range
	if n := c.number(1); n > 0 {
		c.skip(n - 1)
	}
	directories := c.table()
	return directories && c.table()
}

// lineCursor reads on in a table; its data is nil once they were too short.
type lineCursor struct {
	data   []byte
	order  binary.ByteOrder
	offset uint64 // bytes of an offset: 4 or 8
}

func (c *lineCursor) skip(n uint64) {
	if n > uint64(len(c.data)) {
		c.data = nil
		return
	}
	c.data = c.data[n:]
}

// number reads an unsigned number of up to 8 bytes.
func (c *lineCursor) number(size uint64) uint64 {
	if uint64(len(c.data)) < size {
		c.data = nil
		return 0
	}
	defer c.skip(size)
	switch size {
	case 1:
		return uint64(c.data[0])
	case 2:
		return uint64(c.order.Uint16(c.data))
	case 4:
		return uint64(c.order.Uint32(c.data))
	case 8:
		return c.order.Uint64(c.data)
	}
	return 0
}

func (c *lineCursor) uleb() uint64 {
	n, size := binary.Uvarint(c.data)
	if size <= 0 {
		c.data = nil
		return 0
	}
	c.skip(uint64(size))
	return n
}

// table passes a list of directories or files with the forms before it.
func (c *lineCursor) table() bool {
	forms := make([]uint64, c.number(1))
	for i := range forms {
		c.uleb()
		forms[i] = c.uleb()
	}
	count := c.uleb()
	if count > uint64(len(c.data)) {
		return false
	}
	for range count {
		for _, form := range forms {
			if !c.value(form) {
				return false
			}
		}
	}
	return c.data != nil
}

// value passes one value; forms are those of DWARF 5, section 7.5.6, that
// section 6.2.4 allows.
func (c *lineCursor) value(form uint64) bool {
	switch form {
	case 0x08: // DW_FORM_string
		for len(c.data) > 0 && c.data[0] != 0 {
			c.data = c.data[1:]
		}
		c.skip(1)
	case 0x0e, 0x17, 0x1f: // DW_FORM_strp, sec_offset, line_strp
		c.skip(c.offset)
	case 0x0b: // DW_FORM_data1
		c.skip(1)
	case 0x05: // DW_FORM_data2
		c.skip(2)
	case 0x06: // DW_FORM_data4
		c.skip(4)
	case 0x07: // DW_FORM_data8
		c.skip(8)
	case 0x1e: // DW_FORM_data16
		c.skip(16)
	case 0x0f: // DW_FORM_udata
		c.uleb()
	case 0x09: // DW_FORM_block
		c.skip(c.uleb())
	default:
		return false
	}
	return c.data != nil
}
