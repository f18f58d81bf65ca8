package ko

import (
	"bytes"
	"fmt"
	"strings"

	"modkeep/ko/elf"
	"modkeep/ko/ksymtab"
	"modkeep/symvers"
)

// Export is a symbol that the module gives to others.
type Export struct {
	Symbol    string
	CRC       symvers.CRC
	HasCRC    bool // false where the module has no CRC table for it
	Type      symvers.Type
	Namespace string
	// Versioned is the name as a module of 2.4 stores it (bar_Rsmp_1b7d4074);
	// empty where it is Symbol itself.
	Versioned string
}

// maxTable bounds an export table. The largest of a Debian 6.1 module has 482
// entries of 12 bytes.
const maxTable = 256 << 10

// Exports returns the symbols that the module exports, table by table in the
// order of ksymtab.Tables and in each table's order.
//
// What an entry means comes from the relocations that the kernel will apply to
// it, so that every form is read, and a module stripped of local symbols too.
// The CRC of an entry is, by the kernel's age: the value of an absolute symbol
// __crc_X, the word that such a symbol or its section holds (relative CRCs),
// or the number itself. The error is a *elf.FormatError for an entry without a
// name and for a CRC table of another length.
func (f *File) Exports() ([]Export, error) {
	var exports []Export
	var link *linker
	for _, t := range ksymtab.Tables {
		s := f.AllocSection(t.Symbols)
		if s == nil || s.Size == 0 || s.Type == elf.SHT_NOBITS {
			continue
		}
		if link == nil {
			symbols, err := f.Table()
			if err != nil {
				return nil, err
			}
			link = &linker{f: f, symbols: symbols}
		}
		rows, err := link.table(s, f.AllocSection(t.CRCs), symvers.Type(t.Macro))
		if err != nil {
			return nil, err
		}
		exports = append(exports, rows...)
	}
	if flags := f.AllocSection(ksymtab.Flags); flags != nil {
		if err := f.applyFlags(flags, exports); err != nil {
			return nil, err
		}
	}
	if f.Legacy() {
		for i := range exports {
			exports[i].unversion()
		}
	}
	return exports, nil
}

// applyFlags reads the licence of each entry of a single __ksymtab (7.x).
func (f *File) applyFlags(s *elf.Section, exports []Export) error {
	flags, err := f.Data(s)
	if err != nil {
		return err
	}
	for i := range exports {
		if exports[i].Type != symvers.Plain {
			break // tables of their own follow: not this form
		}
		if i >= len(flags) {
			return &elf.FormatError{Section: s.Name, Offset: -1, Msg: fmt.Sprintf("%d flags are too few for the entries of __ksymtab", len(flags))}
		}
		if flags[i]&ksymtab.FlagGPLOnly != 0 {
			exports[i].Type = symvers.GPL
		}
	}
	return nil
}

// unversion takes a 2.4 name apart: GPLONLY_ before it, the version behind.
func (e *Export) unversion() {
	name := e.Symbol
	if rest, ok := strings.CutPrefix(name, "GPLONLY_"); ok {
		e.Symbol, e.Type = rest, symvers.GPL
	}
	if base, _, crc, ok := SplitVersioned(e.Symbol); ok {
		e.Symbol, e.CRC, e.HasCRC = base, crc, true
	}
	if e.Symbol != name {
		e.Versioned = name
	}
}

// linker resolves the relocations of a section as far as they lead to places
// in the module itself.
type linker struct {
	f       *File
	symbols *elf.SymbolTable // nil where the module is stripped
	memo    [2]contents      // the last two sections read: names and CRCs
}

type contents struct {
	section int
	data    []byte
}

// place is what a relocated word will point at, or will be.
type place struct {
	known   bool   // the word is relocated
	section uint16 // SHN_UNDEF, SHN_ABS or where in the module
	offset  uint64 // in the section; the value itself for SHN_ABS
}

// places resolves a section's relocations, one place for each four bytes of
// it. Where several relocations are at one address (RISC-V adds and subtracts
// one after the other) the first says where it points.
func (l *linker) places(s *elf.Section, data []byte) ([]place, error) {
	places := make([]place, (len(data)+3)/4)
	rel := l.f.RelocationsOf(s.Index)
	if rel == nil || l.symbols == nil {
		return places, nil
	}
	relocs, err := l.f.Relocations(rel)
	if err != nil {
		return nil, err
	}
	for r := range relocs {
		if r.Offset%4 != 0 || r.Offset/4 >= uint64(len(places)) || int64(r.Symbol) >= int64(l.symbols.Len()) {
			continue
		}
		p := &places[r.Offset/4]
		if p.known {
			continue
		}
		sym := l.symbols.Symbol(int(r.Symbol))
		addend := uint64(r.Addend)
		if rel.Type == elf.SHT_REL && r.Offset+4 <= uint64(len(data)) {
			addend = uint64(int64(int32(l.f.Order.Uint32(data[r.Offset:]))))
		}
		*p = place{known: true, section: sym.Section, offset: sym.Value + addend}
	}
	return places, nil
}

// at returns what the module holds from a place on, nil where that is nothing.
func (l *linker) at(p place) []byte {
	if !p.known || p.section == elf.SHN_UNDEF || int(p.section) >= len(l.f.Sections) {
		return nil
	}
	i := int(p.section) & 1
	if l.memo[i].section != int(p.section) {
		data, err := l.f.Data(&l.f.Sections[p.section])
		if err != nil {
			return nil
		}
		l.memo[i] = contents{int(p.section), data}
	}
	data := l.memo[i].data
	if p.offset >= uint64(len(data)) {
		return nil
	}
	return data[p.offset:]
}

// name returns the string at a place, false where there is none that could be
// the name of a symbol.
func (l *linker) name(p place) ([]byte, bool) {
	b := l.at(p)
	if len(b) > ksymtab.MaxName+1 {
		b = b[:ksymtab.MaxName+1]
	}
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return nil, false
	}
	return b[:i], true
}

func (l *linker) str(p place) string {
	b, _ := l.name(p)
	return string(b)
}

// table reads one export table with its CRCs (nil where it has none).
func (l *linker) table(s, crcSection *elf.Section, typ symvers.Type) ([]Export, error) {
	if s.Size > maxTable {
		return nil, &elf.FormatError{Section: s.Name, Offset: -1, Msg: fmt.Sprintf("%d bytes are more than the %d that are read", s.Size, maxTable)}
	}
	data, err := l.f.Data(s)
	if err != nil {
		return nil, err
	}
	places, err := l.places(s, data)
	if err != nil {
		return nil, err
	}
	form, bad := l.form(places, len(data))
	if form.Size() == 0 {
		return nil, &elf.FormatError{Section: s.Name, Offset: int64(bad), Msg: "no name for the entry here"}
	}
	rows := make([]Export, len(data)/form.Size())
	for i := range rows {
		at := i * form.Size() / 4
		rows[i].Type = typ
		rows[i].Symbol = l.str(places[at+form.Width/4])
		if form.Fields == 3 {
			rows[i].Namespace = l.str(places[at+form.Width/2])
		}
	}
	if crcSection != nil {
		err = l.crcs(crcSection, rows)
	}
	return rows, err
}

// form finds out how a table is written: with the right form every entry has a
// name, and no value points where names lie. Where no form fits it returns the
// offset of the entry at which the best failed.
func (l *linker) form(places []place, size int) (ksymtab.Form, int) {
	worst := 0
	for _, form := range ksymtab.Forms(l.f.Is64) {
		if size%form.Size() != 0 || size%4 != 0 {
			continue
		}
		bad := -1
		for off := 0; off < size; off += form.Size() {
			value, name := places[off/4], places[off/4+form.Width/4]
			s, ok := l.name(name)
			if !ok || len(s) == 0 || value.known && value.section == name.section {
				bad = off
				break
			}
		}
		if bad < 0 {
			return form, 0
		}
		worst = max(worst, bad)
	}
	return ksymtab.Form{}, worst
}

// crcs fills in the CRCs of a table's entries.
func (l *linker) crcs(s *elf.Section, rows []Export) error {
	if s.Size > maxTable {
		return &elf.FormatError{Section: s.Name, Offset: -1, Msg: fmt.Sprintf("%d bytes are more than the %d that are read", s.Size, maxTable)}
	}
	data, err := l.f.Data(s)
	if err != nil || len(data) == 0 || len(rows) == 0 {
		return err
	}
	width := len(data) / len(rows)
	if len(data)%len(rows) != 0 || width != 4 && (width != 8 || !l.f.Is64) {
		return &elf.FormatError{Section: s.Name, Offset: -1, Msg: fmt.Sprintf("%d bytes for %d exports", len(data), len(rows))}
	}
	places, err := l.places(s, data)
	if err != nil {
		return err
	}
	for i := range rows {
		p := places[i*width/4]
		rows[i].HasCRC = true
		switch {
		case !p.known && width == 8:
			rows[i].CRC = symvers.CRC(l.f.Order.Uint64(data[i*8:]))
		case !p.known:
			rows[i].CRC = symvers.CRC(l.f.Order.Uint32(data[i*4:]))
		case p.section == elf.SHN_ABS:
			rows[i].CRC = symvers.CRC(p.offset)
		case p.section == elf.SHN_UNDEF:
			// A weak __crc_X that genksyms gave no value: 0.
		default:
			b := l.at(p)
			if len(b) < 4 {
				return &elf.FormatError{Section: s.Name, Offset: int64(i * width), Msg: "CRC of " + rows[i].Symbol + " lies nowhere in the module"}
			}
			rows[i].CRC = symvers.CRC(l.f.Order.Uint32(b))
		}
	}
	return nil
}
