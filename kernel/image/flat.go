package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

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
// Only entries of relative fields are looked for, as all flat kernels of today
// have them: they need no address. The tables __ksymtab_unused and the like
// (to 5.11) are empty in kernels of distributions and not looked for.

// run is one table found: n entries from offset start.
type run struct {
	start, n int
	form     ksymtab.Form
}

func (r run) end() int { return r.start + r.n*r.form.Size() }

const (
	minRun   = 48       // entries; chance makes runs of three or four
	maxSteps = 64 << 20 // entries looked at in all: four times what 64 MiB of a kernel take
	maxName  = 512      // KSYM_NAME_LEN
)

// flatExports finds and decodes the tables of a flat kernel.
func flatExports(flat []byte) ([]symvers.Export, error) {
	err := fmt.Errorf("export tables: %w", ErrAbsent)
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		s := scan{flat: flat, order: order}
		for _, form := range ksymtab.Forms(true) {
			if !form.Relative {
				continue
			}
			if runs := s.runs(form); len(runs) > 0 {
				exports, e := s.exports(runs)
				if e == nil {
					return exports, nil
				}
				err = e
			}
		}
	}
	return nil, err
}

type scan struct {
	flat  []byte
	order binary.ByteOrder
	steps int
}

// runs returns the first group of neighbouring tables of a form.
func (s *scan) runs(form ksymtab.Form) []run {
	var runs []run
	for p := 0; p+form.Size() <= len(s.flat) && s.steps < maxSteps; p += 4 {
		n := s.length(p, form)
		if n < minRun {
			if len(runs) > 0 && p >= runs[len(runs)-1].end()+4*form.Size() {
				return runs
			}
			continue
		}
		runs = append(runs, run{p, n, form})
		p += n*form.Size() - 4
	}
	return runs
}

// length counts the entries from offset p on whose names rise.
func (s *scan) length(p int, form ksymtab.Form) int {
	var last []byte
	for n := 0; ; n++ {
		s.steps++
		name := s.string(p + n*form.Size() + form.Width)
		if len(name) == 0 || !identifier(name) || n > 0 && bytes.Compare(name, last) <= 0 {
			return n
		}
		if last = name; s.steps >= maxSteps {
			return n
		}
	}
}

// target returns where the relative field at offset p points, -1 where that is
// outside.
func (s *scan) target(p int) int {
	if p < 0 || p+4 > len(s.flat) {
		return -1
	}
	t := p + int(int32(s.order.Uint32(s.flat[p:])))
	if t < 0 || t >= len(s.flat) || t == p {
		return -1
	}
	return t
}

// string returns the string that the field at offset p points at.
func (s *scan) string(p int) []byte {
	t := s.target(p)
	if t < 0 || !identStart[s.flat[t]] {
		return nil
	}
	b := s.flat[t:min(t+maxName, len(s.flat))]
	return b[:max(0, bytes.IndexByte(b, 0))]
}

// exports decodes the tables and what lies behind them.
func (s *scan) exports(runs []run) ([]symvers.Export, error) {
	if len(runs) > 2 {
		runs = runs[:2]
	}
	if len(runs) == 2 && runs[1].start != runs[0].end() {
		return nil, errors.New("export tables: not one behind the other")
	}
	end, strs := runs[len(runs)-1].end(), s.strings(runs)
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
	var exports []symvers.Export
	for i, r := range runs {
		symbols := s.symbols(r)
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

// strings returns the offset of the first string that the tables point at.
func (s *scan) strings(runs []run) int {
	first := len(s.flat)
	for _, r := range runs {
		for p := r.start; p < r.end(); p += r.form.Size() {
			for f := 1; f < r.form.Fields; f++ {
				if t := s.target(p + f*r.form.Width); t >= r.end() {
					first = min(first, t)
				}
			}
		}
	}
	return first
}

func (s *scan) crcs(off, n int) []uint32 {
	crcs := make([]uint32, n)
	for i := range crcs {
		crcs[i] = s.order.Uint32(s.flat[off+4*i:])
	}
	return crcs
}

func (s *scan) symbols(r run) []ksymtab.Symbol {
	symbols := make([]ksymtab.Symbol, r.n)
	for i := range symbols {
		p := r.start + i*r.form.Size()
		symbols[i].Name = string(s.string(p + r.form.Width))
		if r.form.Fields == 3 {
			symbols[i].Namespace = s.namespace(p + 2*r.form.Width)
		}
	}
	return symbols
}

// namespace reads a namespace, which may be "module:kvm,kvm-amd".
func (s *scan) namespace(p int) string {
	t := s.target(p)
	if t < 0 {
		return ""
	}
	b := s.flat[t:min(t+maxString, len(s.flat))]
	b = b[:max(0, bytes.IndexByte(b, 0))]
	if !printable(b) {
		return ""
	}
	return string(b)
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

func identifier(b []byte) bool {
	for _, c := range b {
		if !identPart[c] {
			return false
		}
	}
	return true
}
