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
		rela, err := r.section(f, s, 0)
		if err != nil {
			return nil, err
		}
		body, err := r.section(f, target, 1)
		if err != nil {
			return nil, err
		}
		if fault := firstFault(f.Machine, f.Order, rela, body); fault != nil {
			fault.section = i
			return fault, nil
		}
	}
	return nil, nil
}

func firstFault(machine uint16, order binary.ByteOrder, rela, body []byte) *relocFault {
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
		off := binary.LittleEndian.Uint64(e)
		if off > uint64(len(body)) || uint64(len(body))-off < size {
			continue // .bss, or outside: the memory there is the kernel's affair
		}
		b := body[off : off+size]
		if b[0]|b[1]|b[2]|b[3] != 0 || size == 8 && b[4]|b[5]|b[6]|b[7] != 0 {
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
