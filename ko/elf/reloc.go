package elf

import (
	"fmt"
	"iter"
)

// Relocation is an entry of a SHT_RELA or SHT_REL section, widened to 64 bit.
type Relocation struct {
	Offset uint64 // in the section that is relocated
	Type   uint32 // R_…; of a 64-bit MIPS entry all three types, first in the low byte
	Symbol uint32 // index into the symbol table
	Addend int64  // of SHT_RELA; with SHT_REL it lies at Offset in the section
}

// Relocations reads a SHT_RELA or SHT_REL section and returns its entries in
// order. A part of an entry at the end is dropped. Other types have none.
func (f *File) Relocations(s *Section) (iter.Seq[Relocation], error) {
	none := func(func(Relocation) bool) {}
	if s.Type != SHT_RELA && s.Type != SHT_REL {
		return none, nil
	}
	data, err := f.Data(s)
	if err != nil {
		return none, fmt.Errorf("relocations: %w", err)
	}
	rela := s.Type == SHT_RELA
	word := 4
	if f.Is64 {
		word = 8
	}
	ent := 2 * word
	if rela {
		ent += word
	}
	return func(yield func(Relocation) bool) {
		for ; len(data) >= ent; data = data[ent:] {
			if !yield(f.relocation(data[:ent], rela)) {
				return
			}
		}
	}, nil
}

func (h *Header) relocation(b []byte, rela bool) Relocation {
	o := h.Order
	if !h.Is64 {
		info := o.Uint32(b[4:])
		r := Relocation{Offset: uint64(o.Uint32(b)), Type: info & 0xff, Symbol: info >> 8}
		if rela {
			r.Addend = int64(int32(o.Uint32(b[8:])))
		}
		return r
	}
	r := Relocation{Offset: o.Uint64(b)}
	if h.Machine == EM_MIPS {
		// r_sym, then the bytes r_ssym, r_type3, r_type2, r_type: the word is
		// not swapped as a whole.
		r.Symbol = o.Uint32(b[8:])
		r.Type = uint32(b[15]) | uint32(b[14])<<8 | uint32(b[13])<<16
	} else {
		info := o.Uint64(b[8:])
		r.Symbol, r.Type = uint32(info>>32), uint32(info)
	}
	if rela {
		r.Addend = int64(o.Uint64(b[16:]))
	}
	return r
}

// RelocationsOf returns the section that relocates the section at index (its
// sh_info names it), nil where there is none.
func (f *File) RelocationsOf(index int) *Section {
	for i := range f.Sections {
		s := &f.Sections[i]
		if (s.Type == SHT_RELA || s.Type == SHT_REL) && int64(s.Info) == int64(index) {
			return s
		}
	}
	return nil
}
