package xz

import "encoding/binary"

// undoRISCV takes JAL to ra or t0, and AUIPC with the instruction behind it
// that uses its result. The encoder turned an AUIPC pair into one whose target
// stands in the second word, big-endian, with the two registers changed (the
// first word then writes x2); pairs that looked like this already it gave a
// mark of their own (rd = x0 or x2 with other operands).
func undoRISCV(b []byte, start uint32) {
	for i := 0; i+8 <= len(b); i += 2 {
		pc := start + uint32(i)
		op := b[i]
		if op == 0xef {
			// JAL: rd x1 or x5 (bits 7..11), all else is left alone.
			if b[i+1]&0x0d != 0 {
				continue
			}
			b1, b2, b3 := uint32(b[i+1]), uint32(b[i+2]), uint32(b[i+3])
			addr := b1&0xf0<<13 | b2<<9 | b3<<1
			addr -= pc
			b[i+1] = byte(b1&0x0f | addr>>8&0xf0)
			b[i+2] = byte(addr>>16&0x0f | addr>>7&0x10 | addr<<4&0xe0)
			b[i+3] = byte(addr>>4&0x7f | addr>>13&0x80)
			i += 4 - 2
			continue
		}
		if op&0x7f != 0x17 {
			continue
		}
		inst := binary.LittleEndian.Uint32(b[i:])
		inst2 := binary.LittleEndian.Uint32(b[i+4:])
		if inst&0xe80 != 0 {
			// rd is neither x0 nor x2: an AUIPC the encoder did not convert,
			// unless the next instruction does not use rd.
			if (inst<<8^(inst2-3))&0xf8003 != 0 {
				i += 6 - 2
				continue
			}
			addr := inst&0xfffff000 + inst2>>20
			binary.LittleEndian.PutUint32(b[i:], 0x17|2<<7|inst2<<12)
			binary.LittleEndian.PutUint32(b[i+4:], addr)
		} else {
			rs1 := inst >> 27
			if (inst-0x3117)<<18 >= rs1&0x1d {
				i += 4 - 2
				continue
			}
			addr := binary.BigEndian.Uint32(b[i+4:]) - pc
			binary.LittleEndian.PutUint32(b[i:], 0x17|rs1<<7|(addr+0x800)&0xfffff000)
			binary.LittleEndian.PutUint32(b[i+4:], inst>>12|addr<<20)
		}
		i += 8 - 2
	}
}
