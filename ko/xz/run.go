package xz

import "encoding/binary"

// adapt decides one binary symbol of probability p without a branch. It
// returns the new range, code and probability, and a mask: all ones for a 0,
// zero for a 1. Literals and bit trees use it, for their bits are the ones
// that a processor predicts badly.
func adapt(rng, code, p uint32) (uint32, uint32, uint16, uint32) {
	bound := (rng >> probBits) * p
	rest := rng - bound
	m := uint32((int64(code) - int64(bound)) >> 63)
	return rest + m&(bound-rest), code - bound&^m,
		uint16(p - uint32(int32(p+m&towardOne)>>moveBits)), m
}

// towardOne is 31-2048: p - (p+towardOne)>>5 is p + (2048-p)>>5.
const towardOne = 1<<32 - (1<<probBits - 1<<moveBits + 1)

// runGo is the decoder's loop. The range coder lives in local variables; they
// go back to d at every exit. rng is normalised before each bit, never after.
func (d *decoder) runGo() status {
	var (
		m                      = &d.m
		out, in                = d.out, d.in
		pos, ip                = d.pos, d.ip
		rng, code, state       = d.rng, d.code, d.state
		rep0, rep1, rep2, rep3 = d.reps[0], d.reps[1], d.reps[2], d.reps[3]
		s                      = statusMore
	)
	for pos < d.stop && ip <= d.last {
		posState := uint32(pos) & d.pbMask
		if rng < topValue {
			rng, code, ip = rng<<8, code<<8|uint32(in[ip]), ip+1
		}
		pr := &m.isMatch[uint8(state<<4|posState)]
		p := uint32(*pr)
		bound := (rng >> probBits) * p
		if code < bound { // literal
			rng = bound
			*pr = uint16(p + (1<<probBits-p)>>moveBits)
			prev := uint32(0)
			if pos > 0 {
				prev = uint32(out[pos-1])
			}
			lit := m.literal[(uint32(pos)<<8+prev)&d.litMask<<d.lc*3:][:literalSize]
			sym := uint32(1)
			if state < firstMatchState {
				for sym < 0x100 {
					if rng < topValue {
						rng, code, ip = rng<<8, code<<8|uint32(in[ip]), ip+1
					}
					pr := &lit[sym]
					var bit uint32
					rng, code, *pr, bit = adapt(rng, code, uint32(*pr))
					sym = sym<<1 + 1 + bit
				}
			} else {
				// As long as the bits equal those of the byte at rep0, they are
				// coded in trees of their own: offset is 0x100 until they differ.
				match := uint32(out[pos-int(rep0)-1])
				offset := uint32(0x100)
				for sym < 0x100 {
					match <<= 1
					bit := match & offset
					if rng < topValue {
						rng, code, ip = rng<<8, code<<8|uint32(in[ip]), ip+1
					}
					pr := &lit[offset+bit+sym]
					var zero uint32
					rng, code, *pr, zero = adapt(rng, code, uint32(*pr))
					sym = sym<<1 + 1 + zero
					offset &= bit ^ zero
				}
			}
			out[pos] = byte(sym)
			pos++
			state = uint32(afterLiteral[state&15])
			continue
		}
		rng -= bound
		code -= bound
		*pr = uint16(p - p>>moveBits)

		if rng < topValue {
			rng, code, ip = rng<<8, code<<8|uint32(in[ip]), ip+1
		}
		pr = &m.isRep[state&15]
		p = uint32(*pr)
		bound = (rng >> probBits) * p
		lm := &m.match
		isNew := code < bound
		if isNew {
			rng = bound
			*pr = uint16(p + (1<<probBits-p)>>moveBits)
			rep3, rep2, rep1 = rep2, rep1, rep0
			state = uint32(afterMatch[state&15])
		} else {
			rng -= bound
			code -= bound
			*pr = uint16(p - p>>moveBits)

			if rng < topValue {
				rng, code, ip = rng<<8, code<<8|uint32(in[ip]), ip+1
			}
			pr = &m.isRep0[state&15]
			p = uint32(*pr)
			bound = (rng >> probBits) * p
			if code < bound {
				rng = bound
				*pr = uint16(p + (1<<probBits-p)>>moveBits)
				if rng < topValue {
					rng, code, ip = rng<<8, code<<8|uint32(in[ip]), ip+1
				}
				pr = &m.isRep0Long[uint8(state<<4|posState)]
				p = uint32(*pr)
				bound = (rng >> probBits) * p
				if code < bound { // one byte from rep0
					rng = bound
					*pr = uint16(p + (1<<probBits-p)>>moveBits)
					if int(rep0) >= pos {
						s = statusBadDistance
						break
					}
					out[pos] = out[pos-int(rep0)-1]
					pos++
					state = uint32(afterShortRep[state&15])
					continue
				}
				rng -= bound
				code -= bound
				*pr = uint16(p - p>>moveBits)
			} else {
				rng -= bound
				code -= bound
				*pr = uint16(p - p>>moveBits)
				if rng < topValue {
					rng, code, ip = rng<<8, code<<8|uint32(in[ip]), ip+1
				}
				pr = &m.isRep1[state&15]
				p = uint32(*pr)
				bound = (rng >> probBits) * p
				if code < bound {
					rng = bound
					*pr = uint16(p + (1<<probBits-p)>>moveBits)
					rep0, rep1 = rep1, rep0
				} else {
					rng -= bound
					code -= bound
					*pr = uint16(p - p>>moveBits)
					if rng < topValue {
						rng, code, ip = rng<<8, code<<8|uint32(in[ip]), ip+1
					}
					pr = &m.isRep2[state&15]
					p = uint32(*pr)
					bound = (rng >> probBits) * p
					if code < bound {
						rng = bound
						*pr = uint16(p + (1<<probBits-p)>>moveBits)
						rep0, rep1, rep2 = rep2, rep0, rep1
					} else {
						rng -= bound
						code -= bound
						*pr = uint16(p - p>>moveBits)
						rep0, rep1, rep2, rep3 = rep3, rep0, rep1, rep2
					}
				}
			}
			lm = &m.rep
			state = uint32(afterRep[state&15])
		}

		// Length: a choice of three bit trees.
		if rng < topValue {
			rng, code, ip = rng<<8, code<<8|uint32(in[ip]), ip+1
		}
		pr = &lm.choice[0]
		p = uint32(*pr)
		bound = (rng >> probBits) * p
		var tree []uint16
		var length int32 // what to add to the leaf's number
		if code < bound {
			rng = bound
			*pr = uint16(p + (1<<probBits-p)>>moveBits)
			tree = lm.low[posState<<3&0x78:][:8]
			length = minMatch - 8
		} else {
			rng -= bound
			code -= bound
			*pr = uint16(p - p>>moveBits)
			if rng < topValue {
				rng, code, ip = rng<<8, code<<8|uint32(in[ip]), ip+1
			}
			pr = &lm.choice[1]
			p = uint32(*pr)
			bound = (rng >> probBits) * p
			if code < bound {
				rng = bound
				*pr = uint16(p + (1<<probBits-p)>>moveBits)
				tree = lm.mid[posState<<3&0x78:][:8]
				length = minMatch + 8 - 8
			} else {
				rng -= bound
				code -= bound
				*pr = uint16(p - p>>moveBits)
				tree = lm.high[:]
				length = minMatch + 16 - 256
			}
		}
		sym := uint32(1)
		for sym < uint32(len(tree)) {
			if rng < topValue {
				rng, code, ip = rng<<8, code<<8|uint32(in[ip]), ip+1
			}
			pr := &tree[sym]
			var bit uint32
			rng, code, *pr, bit = adapt(rng, code, uint32(*pr))
			sym = sym<<1 + 1 + bit
		}
		length += int32(sym)

		if isNew {
			// Distance: a slot of 6 bits gives the two highest bits and how
			// many follow.
			slots := m.slot[uint32(min(length-minMatch, 3))<<6&0xc0:][:64]
			slot := uint32(1)
			for slot < 64 {
				if rng < topValue {
					rng, code, ip = rng<<8, code<<8|uint32(in[ip]), ip+1
				}
				pr := &slots[slot]
				var bit uint32
				rng, code, *pr, bit = adapt(rng, code, uint32(*pr))
				slot = slot<<1 + 1 + bit
			}
			slot -= 64
			rep0 = slot
			if slot >= 4 {
				n := slot>>1 - 1
				rep0 = 2 | slot&1
				if slot < 14 {
					rep0 <<= n
					base, sym := rep0-slot, uint32(1)
					for i := uint32(0); i < n; i++ {
						if rng < topValue {
							rng, code, ip = rng<<8, code<<8|uint32(in[ip]), ip+1
						}
						pr := &m.special[(base+sym)&127]
						var bit uint32
						rng, code, *pr, bit = adapt(rng, code, uint32(*pr))
						sym = sym<<1 + 1 + bit
						rep0 += (1 + bit) << i
					}
				} else {
					for n -= 4; n > 0; n-- {
						if rng < topValue {
							rng, code, ip = rng<<8, code<<8|uint32(in[ip]), ip+1
						}
						rng >>= 1
						bit := uint32((int64(code) - int64(rng)) >> 63)
						code -= rng &^ bit
						rep0 = rep0<<1 + 1 + bit
					}
					rep0 <<= 4
					sym := uint32(1)
					for i := 0; i < 4; i++ {
						if rng < topValue {
							rng, code, ip = rng<<8, code<<8|uint32(in[ip]), ip+1
						}
						pr := &m.align[sym&15]
						var bit uint32
						rng, code, *pr, bit = adapt(rng, code, uint32(*pr))
						sym = sym<<1 + 1 + bit
						rep0 += (1 + bit) << i
					}
					if rep0 == 0xffffffff {
						s = statusEndMarker
						break
					}
				}
			}
			if rep0 >= d.dict {
				s = statusBadDistance
				break
			}
		}

		if uint(rep0) >= uint(pos) {
			s = statusBadDistance
			break
		}
		if int(length) > d.end-pos {
			s = statusTooLong
			break
		}
		copyMatch(out, pos, int(rep0)+1, int(length))
		pos += int(length)
	}
	d.pos, d.ip = pos, ip
	d.rng, d.code, d.state = rng, code, state
	d.reps = [4]uint32{rep0, rep1, rep2, rep3}
	return s
}

// copyMatch appends length bytes from dist before pos to out[:pos]; the two
// may overlap. Within copySlack of the end of out it goes byte by byte; before
// that it writes whole words and may write behind the match, where the output
// is not yet.
func copyMatch(out []byte, pos, dist, length int) {
	from := pos - dist
	if len(out)-pos-length < copySlack || dist < 8 {
		if dist == 1 {
			b := out[from]
			run := out[pos : pos+length]
			for i := range run {
				run[i] = b
			}
			return
		}
		for i := 0; i < length; i++ {
			out[pos+i] = out[from+i]
		}
		return
	}
	src, dst := out[from:from+length+16], out[pos:pos+length+16]
	for {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src))
		binary.LittleEndian.PutUint64(dst[8:], binary.LittleEndian.Uint64(src[8:]))
		length -= 16
		if length <= 0 {
			return
		}
		src, dst = src[16:], dst[16:]
	}
}

// What the state becomes: which kinds of symbol came last, from the table in
// lzma-specification.txt.
var (
	afterLiteral  = [16]uint8{0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 4, 5}
	afterMatch    = [16]uint8{7, 7, 7, 7, 7, 7, 7, 10, 10, 10, 10, 10}
	afterRep      = [16]uint8{8, 8, 8, 8, 8, 8, 8, 11, 11, 11, 11, 11}
	afterShortRep = [16]uint8{9, 9, 9, 9, 9, 9, 9, 11, 11, 11, 11, 11}
)
