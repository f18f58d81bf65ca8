package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"modkeep/ko/ksymtab"
	"modkeep/symvers"
)

// In a flat kernel nothing says where the export tables lie. They are found by
// what they are: a long row of entries whose names rise. The order is that of
// RO_DATA in include/asm-generic/vmlinux.lds.h, without gaps:
//
//	__ksymtab __ksymtab_gpl        up to 6.x; each rises by itself
//	__kcrctab __kcrctab_gpl        where CONFIG_MODVERSIONS is set
//	__ksymtab_strings
//
//	__ksymtab __kcrctab __kflagstab __ksymtab_strings     7.x
//
// Where the fields are relative, they need no address. Of the kernels whose
// fields are addresses, those of s390 are read: it is linked to 1 MiB (to 6.9).
// The tables __ksymtab_unused and the like (to 5.11) are empty in kernels of
// distributions and not looked for.

// run is one table found: n entries from offset start to end.
type run struct{ start, end, n int }

const (
	minRun  = 48      // entries; chance makes runs of three or four
	maxRun  = 1 << 19 // entries
	maxName = 512     // KSYM_NAME_LEN
)

// dialects are the ways of writing the tables that flat kernels have.
var dialects = []scan{
	{order: binary.LittleEndian, form: ksymtab.Form{Width: 4, Fields: 3, Relative: true}},
	{order: binary.LittleEndian, form: ksymtab.Form{Width: 4, Fields: 2, Relative: true}},
	{order: binary.BigEndian, form: ksymtab.Form{Width: 4, Fields: 3, Relative: true}},
	{order: binary.BigEndian, form: ksymtab.Form{Width: 8, Fields: 3}, base: 1 << 20},
	{order: binary.BigEndian, form: ksymtab.Form{Width: 8, Fields: 2}, base: 1 << 20},
}

// flatExports finds and decodes the tables of a flat kernel.
func flatExports(flat []byte) ([]symvers.Export, error) {
	err := fmt.Errorf("export tables: %w", ErrAbsent)
	work := 0
	for _, s := range dialects {
		s.flat, s.work = flat, work
		for {
			runs := s.runs()
			if len(runs) == 0 {
				break
			}
			exports, e := s.exports(runs)
			if e == nil {
				return exports, nil
			}
			err = e
		}
		work = s.work
	}
	return nil, err
}

// scan looks for tables of one dialect.
type scan struct {
	order binary.ByteOrder
	form  ksymtab.Form
	base  uint64 // address of the first byte, where the fields are addresses

	flat []byte
	next int // offset where the search goes on
	work int // steps taken and bytes of names compared, held to maxWork
}

// maxWork is ten times what Debian's arm64 kernel of 42 MB takes, with all
// dialects.
const maxWork = 512 << 20

// runs returns the next group of neighbouring tables.
func (s *scan) runs() []run {
	var runs []run
	size := s.form.Size()
	p := s.next
	defer func() { s.next = p }()
	for ; p+size <= len(s.flat) && s.work < maxWork; p += s.form.Width {
		n := s.length(p)
		if n < minRun {
			if len(runs) > 0 && p >= runs[len(runs)-1].end+4*size {
				return runs
			}
			continue
		}
		runs = append(runs, run{p, p + n*size, n})
		p += n*size - s.form.Width
	}
	return runs
}

// length counts the entries from offset p on whose names rise.
func (s *scan) length(p int) int {
	var last []byte
	for n := 0; ; n++ {
		name := s.name(p + n*s.form.Size() + s.form.Width)
		if len(name) == 0 || n > 0 && bytes.Compare(name, last) <= 0 {
			return n
		}
		if last = name; s.work >= maxWork || n == maxRun {
			return n
		}
	}
}

// target returns where the field at offset p points, -1 where that is outside.
func (s *scan) target(p int) int {
	if p < 0 || p+s.form.Width > len(s.flat) {
		return -1
	}
	if s.form.Relative {
		if t := p + int(int32(s.order.Uint32(s.flat[p:]))); t >= 0 && t < len(s.flat) && t != p {
			return t
		}
		return -1
	}
	if t := s.order.Uint64(s.flat[p:]) - s.base; t < uint64(len(s.flat)) {
		return int(t)
	}
	return -1
}

// name returns the identifier that the field at offset p points at.
func (s *scan) name(p int) []byte {
	s.work++
	t := s.target(p)
	if t < 0 || !identStart[s.flat[t]] {
		return nil
	}
	b := s.flat[t:min(t+maxName, len(s.flat))]
	for n, c := range b {
		if !identPart[c] {
			s.work += n
			if c != 0 {
				return nil
			}
			return b[:n]
		}
	}
	s.work += len(b)
	return nil
}

// exports decodes the tables and what lies behind them.
func (s *scan) exports(runs []run) ([]symvers.Export, error) {
	if len(runs) > 2 {
		runs = runs[:2]
	}
	if len(runs) == 2 && runs[1].start != runs[0].end {
		return nil, errors.New("export tables: not one behind the other")
	}
	end := runs[len(runs)-1].end
	strs, strsEnd := s.strings(runs)
	total := 0
	for _, r := range runs {
		total += r.n
	}
	gap := strs - end
	crcs, flags := []uint32(nil), []byte(nil)
	switch {
	case gap >= 4*total && gap < 4*total+16:
		crcs = s.crcs(end, total)
	case gap >= 5*total && gap < 5*total+16:
		crcs, flags = s.crcs(end, total), s.flat[end+4*total:end+5*total]
	case gap >= total && gap < total+16:
		flags = s.flat[end : end+total]
	case gap < 0 || gap >= 16:
		return nil, fmt.Errorf("export tables: %d entries at offset %#x, and %d bytes before their strings", total, runs[0].start, gap)
	}
	text := string(s.flat[strs:strsEnd]) // of which all names are pieces
	var exports []symvers.Export
	for i, r := range runs {
		symbols := s.symbols(r, strs, text)
		some := makeExports(symbols, take(&crcs, r.n), take(&flags, r.n), ksymTypes[i])
		exports = append(exports, some...)
	}
	return exports, nil
}

var ksymTypes = [...]symvers.Type{symvers.Plain, symvers.GPL}

// take cuts the first n off s; nil stays nil.
func take[T any](s *[]T, n int) []T {
	if *s == nil {
		return nil
	}
	first := (*s)[:n]
	*s = (*s)[n:]
	return first
}

// strings returns where the strings lie that the tables point at.
func (s *scan) strings(runs []run) (first, end int) {
	first = len(s.flat)
	for _, r := range runs {
		for p := r.start; p < r.end; p += s.form.Size() {
			for f := 1; f < s.form.Fields; f++ {
				if t := s.target(p + f*s.form.Width); t >= r.end {
					first, end = min(first, t), max(end, t)
				}
			}
		}
	}
	return first, max(first, min(end+maxString, len(s.flat)))
}

// crcs reads n CRCs from offset off. On s390 they were relative (see
// kernel.crcs): differences to where the CRC lies.
func (s *scan) crcs(off, n int) []uint32 {
	crcs, at := make([]uint32, n), make([]uint32, n)
	relative := s.order == binary.BigEndian
	for i := range crcs {
		p := off + 4*i
		crcs[i] = s.order.Uint32(s.flat[p:])
		if t := p + int(int32(crcs[i])); relative && t >= 0 && t+4 <= len(s.flat) {
			at[i] = s.order.Uint32(s.flat[t:])
		} else {
			relative = false
		}
	}
	if relative {
		return at
	}
	return crcs
}

// symbols reads the names and namespaces of a table; text is the memory from
// offset strs on.
func (s *scan) symbols(r run, strs int, text string) []ksymtab.Symbol {
	str := func(p int) string {
		t := s.target(p) - strs
		if t < 0 || t >= len(text) {
			return ""
		}
		n := max(0, strings.IndexByte(text[t:min(t+maxString, len(text))], 0))
		return text[t : t+n]
	}
	symbols := make([]ksymtab.Symbol, r.n)
	for i := range symbols {
		p := r.start + i*s.form.Size()
		symbols[i].Name = str(p + s.form.Width)
		if s.form.Fields == 3 {
			symbols[i].Namespace = str(p + 2*s.form.Width) // such as "module:kvm,kvm-amd"
		}
	}
	return symbols
}

// identStart and identPart are the characters of C identifiers; a dot may
// begin or part names on powerpc and in names that compilers made.
var identStart, identPart = func() (start, part [256]bool) {
	for c := range 256 {
		letter := c == '_' || c == '.' || c|32 >= 'a' && c|32 <= 'z'
		start[c], part[c] = letter, letter || c >= '0' && c <= '9' || c == '$'
	}
	return
}()
