package xz

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// filter is one filter of a block before LZMA2. Its undo works on the whole
// output of the block, in place.
type filter struct {
	id    uint64
	start uint32 // of a branch filter: the address of the first byte
	dist  int    // of delta: how far back, 1 to 256
}

// The filters' numbers in The .xz File Format, section 5.3.
const (
	deltaID    = 0x03
	x86ID      = 0x04
	powerPCID  = 0x05
	ia64ID     = 0x06
	armID      = 0x07
	armThumbID = 0x08
	sparcID    = 0x09
	arm64ID    = 0x0a
	riscvID    = 0x0b
)

// alignments of instructions, to which the start address is held.
var alignments = map[uint64]uint32{
	x86ID: 1, powerPCID: 4, ia64ID: 16, armID: 4, armThumbID: 2, sparcID: 4, arm64ID: 4, riscvID: 2,
}

func newFilter(id uint64, props []byte) (filter, error) {
	f := filter{id: id}
	if id == deltaID {
		if len(props) != 1 {
			return f, errors.New("properties of delta: not one byte")
		}
		f.dist = int(props[0]) + 1
		return f, nil
	}
	align, ok := alignments[id]
	switch {
	case !ok:
		return f, fmt.Errorf("filter 0x%x is not supported here", id)
	case len(props) == 4:
		f.start = binary.LittleEndian.Uint32(props)
	case len(props) != 0:
		return f, fmt.Errorf("properties of filter 0x%x: %d bytes, not 0 or 4", id, len(props))
	}
	if f.start%align != 0 {
		return f, fmt.Errorf("filter 0x%x: start 0x%x is not a multiple of %d", id, f.start, align)
	}
	return f, nil
}

// undo turns what the filter made back.
func (f filter) undo(b []byte) {
	switch f.id {
	case deltaID:
		for i := f.dist; i < len(b); i++ {
			b[i] += b[i-f.dist]
		}
	case x86ID:
		undoX86(b, f.start)
	case powerPCID:
		undoPowerPC(b, f.start)
	case ia64ID:
		undoIA64(b, f.start)
	case armID:
		undoARM(b, f.start)
	case armThumbID:
		undoARMThumb(b, f.start)
	case sparcID:
		undoSPARC(b, f.start)
	case arm64ID:
		undoARM64(b, f.start)
	case riscvID:
		undoRISCV(b, f.start)
	}
}

// The branch filters replaced the relative target of a call by an absolute
// one, so that calls of one function look alike. undo… subtract the address
// (pc) again. Which bit patterns are taken for calls is told in liblzma's
// simple/*.c and in the specification's filters.

// undoX86 takes E8 and E9 with a 32-bit operand whose top byte is 00 or FF.
// seen has a bit for each of the last three bytes that was an opcode and was
// not converted, the nearest lowest: such bytes could lie within an operand,
// and decoder and encoder must judge them alike.
func undoX86(b []byte, start uint32) {
	sign := func(c byte) bool { return c == 0 || c == 0xff }
	last, seen := -1, uint(0)
	for i := 0; i+4 < len(b); i++ {
		if b[i]&0xfe != 0xe8 {
			continue
		}
		if gap := i - last; gap > 3 {
			seen = 0
		} else {
			seen = seen << (gap - 1) & 7
		}
		last = i
		back := uint(0) // bytes from the operand's top to the nearest opcode seen
		switch {
		case seen >= 4:
			back = 3
		case seen >= 2:
			back = 2
		case seen == 1:
			back = 1
		}
		if seen == 3 || seen > 4 || seen != 0 && sign(b[i+4-int(back)]) || !sign(b[i+4]) {
			seen = seen<<1 | 1
			continue
		}
		pc := start + uint32(i) + 5
		v := binary.LittleEndian.Uint32(b[i+1:]) - pc
		for back != 0 && sign(byte(v>>(24-8*back))) {
			v = (v ^ (1<<(32-8*back) - 1)) - pc
		}
		v &= 0x01ffffff
		v |= -(v & 0x01000000)
		binary.LittleEndian.PutUint32(b[i+1:], v)
		i += 4
	}
}

// undoARM takes BL with the condition "always".
func undoARM(b []byte, start uint32) {
	for i := 0; i+4 <= len(b); i += 4 {
		if b[i+3] == 0xeb {
			v := binary.LittleEndian.Uint32(b[i:])
			v = v&0xffffff<<2 - (start + uint32(i) + 8)
			binary.LittleEndian.PutUint32(b[i:], 0xeb000000|v>>2&0xffffff)
		}
	}
}

// undoARMThumb takes the two halves of Thumb's BL.
func undoARMThumb(b []byte, start uint32) {
	for i := 0; i+4 <= len(b); i += 2 {
		if b[i+1]&0xf8 != 0xf0 || b[i+3]&0xf8 != 0xf8 {
			continue
		}
		hi, lo := binary.LittleEndian.Uint16(b[i:]), binary.LittleEndian.Uint16(b[i+2:])
		v := (uint32(hi&0x7ff)<<11|uint32(lo&0x7ff))<<1 - (start + uint32(i) + 4)
		v >>= 1
		binary.LittleEndian.PutUint16(b[i:], 0xf000|uint16(v>>11&0x7ff))
		binary.LittleEndian.PutUint16(b[i+2:], 0xf800|uint16(v&0x7ff))
		i += 2
	}
}

// undoARM64 takes BL, and ADRP within 512 MiB.
func undoARM64(b []byte, start uint32) {
	for i := 0; i+4 <= len(b); i += 4 {
		pc := start + uint32(i)
		v := binary.LittleEndian.Uint32(b[i:])
		switch {
		case v>>26 == 0x25:
			v = 0x94000000 | (v-pc>>2)&0x03ffffff
		case v&0x9f000000 == 0x90000000:
			src := v>>29&3 | v>>3&0x1ffffc
			if (src+0x020000)&0x1c0000 != 0 {
				continue
			}
			dest := src - pc>>12
			v = v&0x9000001f | dest&3<<29 | dest&0x03fffc<<3 | -(dest&0x020000)&0xe00000
		default:
			continue
		}
		binary.LittleEndian.PutUint32(b[i:], v)
	}
}

// undoPowerPC takes bl: opcode 18 with AA=0 and LK=1, big-endian.
func undoPowerPC(b []byte, start uint32) {
	for i := 0; i+4 <= len(b); i += 4 {
		v := binary.BigEndian.Uint32(b[i:])
		if v&0xfc000003 == 0x48000001 {
			v = 0x48000001 | (v-(start+uint32(i)))&0x03fffffc
			binary.BigEndian.PutUint32(b[i:], v)
		}
	}
}

// undoSPARC takes call with a displacement of 22 significant bits and sign.
func undoSPARC(b []byte, start uint32) {
	for i := 0; i+4 <= len(b); i += 4 {
		v := binary.BigEndian.Uint32(b[i:])
		if v>>22 != 0x100 && v>>22 != 0x1ff {
			continue
		}
		v = (v<<2 - (start + uint32(i))) >> 2
		v = -(v>>22&1)<<22&0x3fffffff | v&0x3fffff | 0x40000000
		binary.BigEndian.PutUint32(b[i:], v)
	}
}

// ia64Branches has a bit for each of the three slots of a bundle that can hold
// a branch, by the bundle's template.
var ia64Branches = [32]uint8{
	16: 4, 17: 4, 18: 6, 19: 6, 22: 7, 23: 7, 24: 4, 25: 4, 28: 4, 29: 4,
}

// undoIA64 takes br.call in the slots of 41 bits of each bundle of 16 bytes.
func undoIA64(b []byte, start uint32) {
	for i := 0; i+16 <= len(b); i += 16 {
		slots := ia64Branches[b[i]&31]
		for slot := 0; slot < 3; slot++ {
			if slots>>slot&1 == 0 {
				continue
			}
			bit := 5 + 41*slot
			at, shift := i+bit/8, bit%8
			var w [8]byte
			copy(w[:6], b[at:])
			raw := binary.LittleEndian.Uint64(w[:])
			v := raw >> shift
			if v>>37&15 != 5 || v>>9&7 != 0 {
				continue
			}
			addr := uint32(v>>13&0xfffff) | uint32(v>>36&1)<<20
			addr = (addr<<4 - (start + uint32(i))) >> 4
			v &^= 0x8fffff << 13
			v |= uint64(addr&0xfffff)<<13 | uint64(addr&0x100000)<<(36-20)
			raw = raw&(1<<shift-1) | v<<shift
			binary.LittleEndian.PutUint64(w[:], raw)
			copy(b[at:at+6], w[:6])
		}
	}
}
