package gendwarfksyms

import (
	"encoding/binary"
	"fmt"
)

// reader reads numbers one after another. Behind the end it gives zeros and is bad.
type reader struct {
	data  []byte
	pos   int
	order binary.ByteOrder
	bad   bool
}

// take returns the next n bytes, nil where there are not so many.
func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.data)-r.pos {
		r.bad = true
		r.pos = len(r.data)
		return nil
	}
	b := r.data[r.pos : r.pos+n]
	r.pos += n
	return b
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 { return uint16(r.word(2)) }
func (r *reader) u32() uint32 { return uint32(r.word(4)) }
func (r *reader) u64() uint64 { return r.word(8) }

// word reads a number of 1 to 4 or 8 bytes.
func (r *reader) word(size int) uint64 {
	b := r.take(size)
	switch {
	case b == nil:
		return 0
	case size == 1:
		return uint64(b[0])
	case size == 2:
		return uint64(r.order.Uint16(b))
	case size == 4:
		return uint64(r.order.Uint32(b))
	case size == 8:
		return r.order.Uint64(b)
	case size == 3 && r.order == binary.ByteOrder(binary.BigEndian):
		return uint64(b[0])<<16 | uint64(b[1])<<8 | uint64(b[2])
	case size == 3:
		return uint64(b[2])<<16 | uint64(b[1])<<8 | uint64(b[0])
	}
	r.bad = true
	return 0
}

// uleb reads an unsigned LEB128 number; bits above 64 are lost.
func (r *reader) uleb() (v uint64) {
	for shift := uint(0); r.pos < len(r.data); shift += 7 {
		b := r.data[r.pos]
		r.pos++
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.bad = true
	return 0
}

// sleb reads a signed LEB128 number.
func (r *reader) sleb() (v int64) {
	for shift := uint(0); r.pos < len(r.data); {
		b := r.data[r.pos]
		r.pos++
		v |= int64(b&0x7f) << shift
		shift += 7
		if b < 0x80 {
			if b&0x40 != 0 && shift < 64 {
				v |= -1 << shift
			}
			return v
		}
	}
	r.bad = true
	return 0
}

// text skips a string with its NUL and returns it without.
func (r *reader) text() string {
	for i := r.pos; i < len(r.data); i++ {
		if r.data[i] == 0 {
			s := string(r.data[r.pos:i])
			r.pos = i + 1
			return s
		}
	}
	r.bad = true
	r.pos = len(r.data)
	return ""
}

// maxAttrs is how many attributes DIEs of a kind have at most, which are read for
// each of them. Compilers give them some 20.
const maxAttrs = 128

// abbrev says which attributes DIEs of a kind have.
type abbrev struct {
	code     uint64
	tag      uint32
	children bool
	attrs    []abbrevAttr
	fixed    int // bytes of the attributes, -1 where they vary
}

type abbrevAttr struct {
	name, form uint32
	implicit   int64
}

// abbrevTable is the part of .debug_abbrev that a unit refers to.
type abbrevTable struct {
	list   []abbrev
	byCode map[uint64]int // nil where codes count up from 1
}

func (t *abbrevTable) find(code uint64) (int, bool) {
	if t.byCode == nil {
		return int(code - 1), code-1 < uint64(len(t.list))
	}
	i, ok := t.byCode[code]
	return i, ok
}

type tableKey struct {
	at              uint64
	version         int
	address, offset int
}

// abbrevs returns the table of a unit. Units may share one.
func (d *dwarf) abbrevs(u *unit) (*abbrevTable, error) {
	key := tableKey{u.abbrevAt, u.version, u.address, u.offset}
	if t := d.tables[key]; t != nil {
		return t, nil
	}
	if key.at >= uint64(len(d.abbrev)) {
		return nil, fmt.Errorf("section .debug_abbrev: offset %#x: outside the section of %d", key.at, len(d.abbrev))
	}
	t := &abbrevTable{}
	r := reader{data: d.abbrev, pos: int(key.at), order: d.order}
	inOrder := true
	for r.pos < len(r.data) {
		a := abbrev{code: r.uleb()}
		if a.code == 0 {
			break
		}
		u.readAbbrev(&r, &a)
		if inOrder = inOrder && a.code == uint64(len(t.list)+1); r.bad {
			return nil, fmt.Errorf("section .debug_abbrev: offset %#x: abbreviation %d does not end, or has more than %d attributes", key.at, a.code, maxAttrs)
		}
		t.list = append(t.list, a)
	}
	// Tables do not overlap, but for those of units that are not alike.
	if d.parsed += r.pos - int(key.at); d.parsed > 8*len(d.abbrev) {
		return nil, fmt.Errorf("section .debug_abbrev: tables overlap")
	}
	if !inOrder {
		t.byCode = make(map[uint64]int, len(t.list))
		for i := len(t.list) - 1; i >= 0; i-- {
			t.byCode[t.list[i].code] = i
		}
	}
	d.tables[key] = t
	return t, nil
}

func (u *unit) readAbbrev(r *reader, a *abbrev) {
	a.tag, a.children = uint32(r.uleb()), r.u8() != 0
	for !r.bad {
		attr := abbrevAttr{name: uint32(r.uleb()), form: uint32(r.uleb())}
		if attr.form == formImplicitConst {
			attr.implicit = r.sleb()
		}
		if attr.name == 0 && attr.form == 0 {
			return
		}
		if len(a.attrs) == maxAttrs {
			r.bad = true
			return
		}
		a.attrs = append(a.attrs, attr)
		if n := u.formSize(attr.form); n < 0 || a.fixed < 0 {
			a.fixed = -1
		} else {
			a.fixed += n
		}
	}
}

// Forms of attributes, DWARF 5 section 7.5.6 and the GNU extensions.
const (
	formAddr          = 0x01
	formBlock2        = 0x03
	formBlock4        = 0x04
	formData2         = 0x05
	formData4         = 0x06
	formData8         = 0x07
	formString        = 0x08
	formBlock         = 0x09
	formBlock1        = 0x0a
	formData1         = 0x0b
	formFlag          = 0x0c
	formSdata         = 0x0d
	formStrp          = 0x0e
	formUdata         = 0x0f
	formRefAddr       = 0x10
	formRef1          = 0x11
	formRef2          = 0x12
	formRef4          = 0x13
	formRef8          = 0x14
	formRefUdata      = 0x15
	formIndirect      = 0x16
	formSecOffset     = 0x17
	formExprloc       = 0x18
	formFlagPresent   = 0x19
	formStrx          = 0x1a
	formAddrx         = 0x1b
	formRefSup4       = 0x1c
	formStrpSup       = 0x1d
	formData16        = 0x1e
	formLineStrp      = 0x1f
	formRefSig8       = 0x20
	formImplicitConst = 0x21
	formLoclistx      = 0x22
	formRnglistx      = 0x23
	formRefSup8       = 0x24
	formStrx1         = 0x25
	formStrx2         = 0x26
	formStrx3         = 0x27
	formStrx4         = 0x28
	formAddrx1        = 0x29
	formAddrx2        = 0x2a
	formAddrx3        = 0x2b
	formAddrx4        = 0x2c
	formGNUAddrIndex  = 0x1f01
	formGNUStrIndex   = 0x1f02
	formGNURefAlt     = 0x1f20
	formGNUStrpAlt    = 0x1f21
)

// formSize returns how many bytes a form has, -1 where that varies.
func (u *unit) formSize(form uint32) int {
	switch form {
	case formFlagPresent, formImplicitConst:
		return 0
	case formData1, formFlag, formRef1, formStrx1, formAddrx1:
		return 1
	case formData2, formRef2, formStrx2, formAddrx2:
		return 2
	case formStrx3, formAddrx3:
		return 3
	case formData4, formRef4, formStrx4, formAddrx4, formRefSup4:
		return 4
	case formData8, formRef8, formRefSig8, formRefSup8:
		return 8
	case formData16:
		return 16
	case formAddr:
		return u.address
	case formRefAddr:
		if u.version == 2 {
			return u.address
		}
		return u.offset
	case formStrp, formLineStrp, formSecOffset, formStrpSup, formGNURefAlt, formGNUStrpAlt:
		return u.offset
	}
	return -1
}

// skip reads over the attributes of a DIE.
func (u *unit) skip(r *reader, a *abbrev) {
	if a.fixed >= 0 {
		r.take(a.fixed)
		return
	}
	for i := range a.attrs {
		u.skipForm(r, a.attrs[i].form)
	}
}

func (u *unit) skipForm(r *reader, form uint32) {
	if n := u.formSize(form); n >= 0 {
		r.take(n)
		return
	}
	switch form {
	case formString:
		for r.u8() != 0 {
		}
	case formSdata, formUdata, formRefUdata, formStrx, formAddrx, formLoclistx, formRnglistx, formGNUAddrIndex, formGNUStrIndex:
		r.uleb()
	case formBlock, formExprloc:
		r.takeLong(r.uleb())
	case formBlock1:
		r.takeLong(uint64(r.u8()))
	case formBlock2:
		r.takeLong(uint64(r.u16()))
	case formBlock4:
		r.takeLong(uint64(r.u32()))
	case formIndirect:
		if form = uint32(r.uleb()); form == formIndirect || form == formImplicitConst {
			r.bad = true
			return
		}
		u.skipForm(r, form)
	default:
		r.bad = true
	}
}

func (r *reader) takeLong(n uint64) {
	if n > uint64(len(r.data)-r.pos) {
		r.bad = true
		return
	}
	r.pos += int(n)
}
