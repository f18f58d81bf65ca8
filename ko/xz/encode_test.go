package xz

import (
	"encoding/binary"
	"hash/crc32"
)

// encoder makes LZMA data symbol by symbol, sensible or not, with lc = lp =
// pb = 0. It shares the layout of the probabilities with the decoder and
// nothing else.
type encoder struct {
	m     model
	state uint32
	low   uint64
	rng   uint32
	cache byte
	carry int
	out   []byte
}

func newEncoder() *encoder {
	e := &encoder{rng: 0xffffffff, carry: 1}
	e.m.reset(0)
	return e
}

func (e *encoder) shift() {
	if e.low < 0xff000000 || e.low >= 1<<32 {
		for c := e.cache; e.carry > 0; e.carry-- {
			e.out = append(e.out, c+byte(e.low>>32))
			c = 0xff
		}
		e.cache = byte(e.low >> 24)
	}
	e.carry++
	e.low = e.low & 0x00ffffff << 8
}

func (e *encoder) bit(p *uint16, b int) {
	bound := e.rng >> probBits * uint32(*p)
	if b == 0 {
		e.rng = bound
		*p += (1<<probBits - *p) >> moveBits
	} else {
		e.low += uint64(bound)
		e.rng -= bound
		*p -= *p >> moveBits
	}
	for e.rng < topValue {
		e.rng <<= 8
		e.shift()
	}
}

func (e *encoder) tree(p []uint16, bits, v int) {
	for node, i := 1, bits-1; i >= 0; i-- {
		b := v >> i & 1
		e.bit(&p[node], b)
		node = node<<1 | b
	}
}

// literal must not come after a match.
func (e *encoder) literal(b byte) {
	e.bit(&e.m.isMatch[e.state<<4], 0)
	e.tree(e.m.literal[:], 8, int(b))
	e.state = uint32(afterLiteral[e.state])
}

func (e *encoder) shortRep() {
	e.bit(&e.m.isMatch[e.state<<4], 1)
	e.bit(&e.m.isRep[e.state], 1)
	e.bit(&e.m.isRep0[e.state], 0)
	e.bit(&e.m.isRep0Long[e.state<<4], 0)
	e.state = uint32(afterShortRep[e.state])
}

func (e *encoder) length(l *lengthModel, n int) {
	switch n -= minMatch; {
	case n < 8:
		e.bit(&l.choice[0], 0)
		e.tree(l.low[:], 3, n)
	case n < 16:
		e.bit(&l.choice[0], 1)
		e.bit(&l.choice[1], 0)
		e.tree(l.mid[:], 3, n-8)
	default:
		e.bit(&l.choice[0], 1)
		e.bit(&l.choice[1], 1)
		e.tree(l.high[:], 8, n-16)
	}
}

// rep repeats the distance used before which others, 0 to 3.
func (e *encoder) rep(which, n int) {
	e.bit(&e.m.isMatch[e.state<<4], 1)
	e.bit(&e.m.isRep[e.state], 1)
	e.bit(&e.m.isRep0[e.state], min(which, 1))
	if which == 0 {
		e.bit(&e.m.isRep0Long[e.state<<4], 1)
	} else if e.bit(&e.m.isRep1[e.state], min(which-1, 1)); which > 1 {
		e.bit(&e.m.isRep2[e.state], which-2)
	}
	e.length(&e.m.rep, n)
	e.state = uint32(afterRep[e.state])
}

// match takes the distance less one; 0xffffffff is the end marker.
func (e *encoder) match(dist uint32, n int) {
	e.bit(&e.m.isMatch[e.state<<4], 1)
	e.bit(&e.m.isRep[e.state], 0)
	e.length(&e.m.match, n)
	e.state = uint32(afterMatch[e.state])
	slot := int(dist)
	extra := 0
	if dist >= 4 {
		for dist>>(extra+2) > 0 {
			extra++
		}
		slot = extra*2 + 2 + int(dist>>extra&1)
	}
	e.tree(e.m.slot[min(n-minMatch, 3)<<6:], 6, slot)
	reverse := func(p []uint16, bits int) {
		for node, i := 1, 0; i < bits; i++ {
			b := int(dist >> i & 1)
			e.bit(&p[node], b)
			node = node<<1 | b
		}
	}
	switch {
	case slot < 4:
	case slot < 14:
		reverse(e.m.special[int(dist>>extra<<extra)-slot:], extra)
	default:
		for i := extra - 1; i >= 4; i-- {
			e.rng >>= 1
			e.low += uint64(e.rng & -(dist >> i & 1))
			for e.rng < topValue {
				e.rng <<= 8
				e.shift()
			}
		}
		reverse(e.m.align[:], 4)
	}
}

// finish returns the data.
func (e *encoder) finish() []byte {
	for range 5 {
		e.shift()
	}
	return e.out
}

// lzmaChunk wraps LZMA data in an LZMA2 chunk that resets everything.
func lzmaChunk(size int, data []byte) []byte {
	size--
	c := []byte{controlNewDict | byte(size>>16), byte(size >> 8), byte(size)}
	c = binary.BigEndian.AppendUint16(c, uint16(len(data)-1))
	return append(append(c, 0), data...)
}

// stream makes an .xz file of one block without a check.
func stream(dict byte, size int, chunks ...[]byte) []byte {
	return streamOf(dict, size, 0, chunks...)
}

// streamOf is stream, with an index that has wrong added to the block's length.
func streamOf(dict byte, size, wrong int, chunks ...[]byte) []byte {
	sum := func(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)) }
	flags := []byte{0, 0}
	out := append(append([]byte(nil), headerMagic...), sum(flags)...)
	out = append(out, sum([]byte{2, 0, lzma2ID, 1, dict, 0, 0, 0})...)
	for _, c := range chunks {
		out = append(out, c...)
	}
	out = append(out, controlEnd)
	index := []byte{0, 1}
	index = binary.AppendUvarint(index, uint64(len(out)-headerSize+wrong))
	index = binary.AppendUvarint(index, uint64(size))
	for len(out)%4 != 0 {
		out = append(out, 0)
	}
	for len(index)%4 != 0 {
		index = append(index, 0)
	}
	index = sum(index)
	footer := append(binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1)), flags...)
	out = append(out, index...)
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(footer))
	return append(append(out, footer...), footerMagic...)
}
