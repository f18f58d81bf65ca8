package gendwarfksyms

import (
	"bytes"
	"fmt"
)

// The attributes that type strings and names are made of, and what numbers
// them here.
const (
	atName = iota
	atByteSize
	atBitSize
	atDiscrValue
	atConstValue
	atUpperBound
	atOrigin
	atAccessibility
	atCount
	atMemberLocation
	atDeclFile
	atDeclaration
	atEncoding
	atType
	atBitOffset
	atLinkageName
	atAlignment
	atStmtList
	atStrOffsetsBase
	attrCount
)

// attrNumbers are these by their DW_AT_… value, one higher.
var attrNumbers = [0x89]uint8{
	0x03: atName + 1, 0x0b: atByteSize + 1, 0x0d: atBitSize + 1, 0x10: atStmtList + 1, 0x16: atDiscrValue + 1,
	0x1c: atConstValue + 1, 0x2f: atUpperBound + 1, 0x31: atOrigin + 1, 0x32: atAccessibility + 1, 0x37: atCount + 1,
	0x38: atMemberLocation + 1, 0x3a: atDeclFile + 1, 0x3c: atDeclaration + 1, 0x3e: atEncoding + 1, 0x49: atType + 1,
	0x6b: atBitOffset + 1, 0x6e: atLinkageName + 1, 0x72: atStrOffsetsBase + 1, 0x88: atAlignment + 1,
}

// attr is an attribute as it lies in the file; its form is 0 where it is absent.
type attr struct {
	form     uint32
	at       int
	implicit int64
}

type attrs struct {
	u    *unit
	list [attrCount]attr
}

// attrs reads the attributes of an entry. The first of a name counts.
func (u *unit) attrs(i uint32) (a attrs) {
	a.u = u
	e := &u.entries[i]
	r := reader{data: u.d.info[:u.end], pos: u.start + int(e.at), order: u.d.order}
	r.uleb()
	for _, s := range u.table.list[e.abbrev].attrs {
		form, at := s.form, r.pos
		if form == formIndirect {
			form = uint32(r.uleb())
			at = r.pos
		}
		if s.name < uint32(len(attrNumbers)) && attrNumbers[s.name] > 0 {
			if to := &a.list[attrNumbers[s.name]-1]; to.form == 0 {
				*to = attr{form, at, s.implicit}
			}
		}
		u.skipForm(&r, form)
	}
	return a
}

func (a *attrs) reader(which int) (attr, reader) {
	v := a.list[which]
	return v, reader{data: a.u.d.info[:a.u.end], pos: v.at, order: a.u.d.order}
}

// number returns a constant, as libdw's dwarf_formudata does: what is no
// constant is not there.
func (a *attrs) number(which int) (uint64, bool) {
	v, r := a.reader(which)
	switch v.form {
	case formData1, formData2:
		return r.word(a.u.formSize(v.form)), true
	case formData4, formData8:
		n := r.word(a.u.formSize(v.form))
		// Before DWARF 4 this is where a list of locations begins.
		return n, which != atMemberLocation || a.u.version >= 4 || n < uint64(a.u.d.locSize)
	case formSecOffset:
		n := r.word(a.u.offset)
		return n, which == atStmtList || which == atStrOffsetsBase || which == atMemberLocation && n < uint64(a.u.d.locSize)
	case formSdata:
		return uint64(r.sleb()), true
	case formUdata:
		return r.uleb(), true
	case formImplicitConst:
		return uint64(v.implicit), true
	}
	return 0, false
}

// flag returns whether a flag is set.
func (a *attrs) flag(which int) bool {
	v, r := a.reader(which)
	return v.form == formFlagPresent || v.form == formFlag && r.u8() != 0
}

// text returns a string.
func (a *attrs) text(which int) (string, bool) {
	v, r := a.reader(which)
	d := a.u.d
	var index uint64
	switch v.form {
	case formString:
		return r.text(), true
	case formStrp:
		return stringAt(d.strs, r.word(a.u.offset))
	case formLineStrp:
		return stringAt(d.lineStrs, r.word(a.u.offset))
	case formStrx, formGNUStrIndex:
		index = r.uleb()
	case formStrx1, formStrx2, formStrx3, formStrx4:
		index = r.word(a.u.formSize(v.form))
	default:
		return "", false
	}
	if index > uint64(len(d.strOffsets)) {
		return "", false
	}
	r = reader{data: d.strOffsets, pos: a.u.strBase + int(index)*a.u.offset, order: d.order}
	if r.pos > len(r.data) {
		return "", false
	}
	off := r.word(a.u.offset)
	if r.bad {
		return "", false
	}
	return stringAt(d.strs, off)
}

func stringAt(data []byte, off uint64) (string, bool) {
	if off >= uint64(len(data)) {
		return "", false
	}
	n := bytes.IndexByte(data[off:], 0)
	if n < 0 {
		return "", false
	}
	return string(data[off : int(off)+n]), true
}

// symbolName returns the name that a DIE has as a symbol. Rust's have a
// linkage name beside their own.
func (a *attrs) symbolName() string {
	if s, ok := a.text(atLinkageName); ok {
		return s
	}
	s, _ := a.text(atName)
	return s
}

// ref returns what an attribute refers to, nil where it is absent or no reference.
func (a *attrs) ref(which int) (*node, error) {
	v, r := a.reader(which)
	u := a.u
	var pos uint64
	switch v.form {
	case formRefAddr:
		pos = r.word(u.formSize(v.form))
		if pos >= uint64(u.d.infoSize) {
			return nil, nil
		}
		return u.d.at(u, int(pos))
	case formRef1, formRef2, formRef4, formRef8:
		pos = r.word(u.formSize(v.form))
	case formRefUdata:
		pos = r.uleb()
	case formRefSig8:
		if u = u.d.signatures[r.u64()]; u == nil {
			return nil, nil
		}
		pos = u.typeAt
	default:
		return nil, nil
	}
	if pos >= uint64(u.end-u.start) {
		return nil, nil
	}
	return u.d.at(u, u.start+int(pos))
}

// findStrings sets where the unit's part of .debug_str_offsets begins.
func (u *unit) findStrings() {
	if u.version >= 5 {
		u.strBase = 2 * u.offset
	}
	if len(u.entries) == 0 {
		return
	}
	a := u.attrs(0)
	if n, ok := a.number(atStrOffsetsBase); ok && n <= uint64(len(u.d.strOffsets)) {
		u.strBase = int(n)
	}
}

// private reports whether a definition is of a source file, not of a header:
// whether the file of its declaration ends with ".c".
func (w *walk) private(a *attrs) (bool, error) {
	number, ok := a.number(atDeclFile)
	if !ok {
		return false, nil
	}
	if known, ok := w.sources[number]; ok { // of whichever unit asked first
		return known, nil
	}
	names, err := a.u.files()
	if err != nil {
		return false, err
	}
	if number >= uint64(len(names)) {
		return false, errorf("is_definition_private", "dwarf_filesrc failed: '%s'", "invalid DWARF")
	}
	private := len(names[number]) >= 2 && names[number][len(names[number])-2:] == ".c"
	w.sources[number] = private
	return private, nil
}

// files returns the file names of the unit's line table, by number.
func (u *unit) files() ([]string, error) {
	if !u.filesRead {
		u.filesRead = true
		u.fileNames, u.filesErr = u.readFiles()
	}
	return u.fileNames, u.filesErr
}

func (u *unit) readFiles() ([]string, error) {
	a := u.attrs(0)
	at, ok := a.number(atStmtList)
	if !ok || at >= uint64(len(u.d.line)) {
		return nil, errorf("is_definition_private", "dwarf_getsrcfiles failed: '%s'", "no matching address range")
	}
	names, ok := u.d.lineFiles(int(at))
	if !ok {
		return nil, fmt.Errorf("section .debug_line: offset %#x: file names cannot be read", at)
	}
	return names, nil
}

// lineFiles reads the file names of a line table.
func (d *dwarf) lineFiles(at int) ([]string, bool) {
	r := reader{data: d.line, pos: at, order: d.order}
	size := 4
	length := uint64(r.u32())
	if length == 0xffffffff {
		length, size = r.u64(), 8
	}
	if r.bad || length > uint64(len(r.data)-r.pos) {
		return nil, false
	}
	r.data = r.data[:r.pos+int(length)]
	version := r.lineHeader(size)
	if version < 2 || version > 5 {
		return nil, false
	}
	if version == 5 {
		d.lineEntries(&r, size) // directories
		names := d.lineEntries(&r, size)
		return names, !r.bad
	}
	for !r.bad && r.text() != "" { // directories
	}
	names := []string{"???"}
	for !r.bad {
		name := r.text()
		if name == "" {
			break
		}
		r.uleb() // directory
		r.uleb() // modification time
		r.uleb() // bytes
		names = append(names, name)
	}
	return names, !r.bad
}

// lineHeader reads over what stands before the directories and returns the version.
func (r *reader) lineHeader(size int) (version uint16) {
	version = r.u16()
	if version == 5 {
		r.take(2) // sizes of address and segment selector
	}
	r.word(size) // length of the header
	r.take(1)    // minimum_instruction_length
	if version >= 4 {
		r.take(1) // maximum_operations_per_instruction
	}
	r.take(3) // default_is_stmt, line_base, line_range
	if n := r.u8(); n > 0 {
		r.take(int(n) - 1) // standard_opcode_lengths
	}
	return version
}

// lineEntries reads a list of directories or files of DWARF 5.
func (d *dwarf) lineEntries(r *reader, size int) (names []string) {
	type field struct{ content, form uint64 }
	var fields []field
	for range r.u8() {
		fields = append(fields, field{r.uleb(), r.uleb()})
	}
	count := r.uleb()
	if len(fields) == 0 || count > uint64(len(r.data)) {
		r.bad = r.bad || count > 0
		return nil
	}
	u := &unit{d: d, version: 5, offset: size, address: 8}
	for range count {
		name, from := "", r.pos
		for _, f := range fields {
			const path = 1 // DW_LNCT_path
			if at := r.pos; f.content == path {
				name = u.lineName(reader{data: r.data, pos: at, order: r.order}, uint32(f.form))
			}
			u.skipForm(r, uint32(f.form))
		}
		if r.bad || r.pos == from {
			r.bad = true
			return nil
		}
		names = append(names, name)
	}
	return names
}

func (u *unit) lineName(r reader, form uint32) (name string) {
	switch form {
	case formString:
		return r.text()
	case formLineStrp:
		name, _ = stringAt(u.d.lineStrs, r.word(u.offset))
	case formStrp:
		name, _ = stringAt(u.d.strs, r.word(u.offset))
	}
	return name
}
