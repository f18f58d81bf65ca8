package loader

import (
	"encoding/binary"

	"modkeep/ko"
	"modkeep/ko/elf"
)

const (
	machine386    = 3
	machineX86_64 = 62
	machineARM64  = 183
)

// arm64Types are the relocation types that arch/arm64/kernel/module.c (6.1)
// applies, numbered in "ELF for the Arm 64-bit Architecture", as ranges.
var arm64Types = [][2]uint32{{0, 0}, {256, 262}, {263, 275}, {277, 279}, {280, 280}, {282, 286}, {287, 293}, {299, 299}}

// findRelocFault walks the relocations in the order of apply_relocations
// (kernel/module/main.c, 6.1) and returns the first that its architecture's
// apply_relocate_add refuses whatever address the module gets. Relocations that
// only some addresses refuse (overflow) are not found.
func findRelocFault(f *ko.File, r *room) (*relocFault, error) {
	if f.Machine != machineX86_64 && f.Machine != machineARM64 {
		return nil, nil
	}
	for i := range f.Sections {
		s := &f.Sections[i]
		if i == 0 || s.Type != elf.SHT_REL && s.Type != elf.SHT_RELA || int(s.Info) >= len(f.Sections) {
			continue
		}
		target := &f.Sections[s.Info]
		if target.Flags&elf.SHF_ALLOC == 0 || target.Name == ".modinfo" || target.Name == "__versions" || target.Name == ".data..percpu" {
			continue
		}
		if s.Type == elf.SHT_REL {
			return &relocFault{section: i, rel: true}, nil
		}
		fault, err := r.faultIn(f, s, target)
		if err != nil {
			return nil, err
		}
		if fault != nil {
			fault.section = i
			return fault, nil
		}
	}
	return nil, nil
}

// Relocations of a file that is not in memory are read so many bytes at a time,
// with what they change where that lies close together.
const (
	relaRoom = 24 * 4096
	bodyRoom = 512 << 10
)

// faultIn returns the first fault among the relocations s of a section.
func (r *room) faultIn(f *ko.File, s, target *elf.Section) (*relocFault, error) {
	if _, ok := f.Image.Slice(0, f.Size()); ok {
		rela, err := f.Data(s)
		if err != nil {
			return nil, err
		}
		body, err := f.Data(target)
		if err != nil {
			return nil, err
		}
		return firstFault(f.Machine, f.Order, rela, body, 0), nil
	}
	if r.rela == nil {
		r.rela, r.body = make([]byte, relaRoom), make([]byte, bodyRoom)
	}
	var whole []byte
	for off := uint64(0); off < s.Size; off += uint64(len(r.rela)) {
		rela, err := f.Part(r.rela, s, off, uint64(len(r.rela)))
		if err != nil {
			return nil, err
		}
		from, to := changed(rela, target.Size)
		body := whole
		switch {
		case body != nil:
			from = 0
		case to-from <= uint64(len(r.body)):
			body, err = f.Part(r.body, target, from, to-from)
		default:
			from = 0
			body, err = f.Data(target)
			whole = body
		}
		if err != nil {
			return nil, err
		}
		if fault := firstFault(f.Machine, f.Order, rela, body, from); fault != nil {
			fault.index += int(off / 24)
			return fault, nil
		}
	}
	return nil, nil
}

// changed returns the part of a section of that size which the relocations of
// a 64-bit little-endian file change.
func changed(rela []byte, size uint64) (from, to uint64) {
	from = size
	for i := 0; i+24 <= len(rela); i += 24 {
		if off := binary.LittleEndian.Uint64(rela[i:]); off < size {
			from, to = min(from, off), max(to, min(off+8, size))
		}
	}
	return min(from, to), to
}

// firstFault returns the first fault among relocations of a section of which
// body is known, which begins at base.
func firstFault(machine uint16, order binary.ByteOrder, rela, body []byte, base uint64) *relocFault {
	if machine == machineARM64 {
		return firstUnknownARM64(order, rela)
	}
	for i := 0; i+24 <= len(rela); i += 24 {
		e := rela[i : i+24 : i+24]
		rtype := binary.LittleEndian.Uint32(e[8:])
		var size uint64
		switch rtype {
		case 2, 4, 10, 11:
			size = 4
		case 1, 24:
			size = 8
		case 0:
			continue
		default:
			return &relocFault{index: i / 24, rtype: rtype}
		}
		off := binary.LittleEndian.Uint64(e) - base
		if off > uint64(len(body)) || uint64(len(body))-off < size {
			continue // .bss, or outside: the memory there is the kernel's affair
		}
		if binary.LittleEndian.Uint32(body[off:]) != 0 || size == 8 && binary.LittleEndian.Uint64(body[off:]) != 0 {
			return &relocFault{index: i / 24, rtype: rtype, nonZero: true}
		}
	}
	return nil
}

func firstUnknownARM64(order binary.ByteOrder, rela []byte) *relocFault {
next:
	for i := 0; i+24 <= len(rela); i += 24 {
		rtype := order.Uint32(rela[i+8:])
		for _, r := range arm64Types {
			if r[0] <= rtype && rtype <= r[1] {
				continue next
			}
		}
		return &relocFault{index: i / 24, rtype: rtype}
	}
	return nil
}
