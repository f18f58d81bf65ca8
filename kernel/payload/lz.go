package payload

import (
	"encoding/binary"
	"errors"
	"io"
)

var errLZ = errors.New("damaged: a match points before the beginning")

const (
	lz4Legacy    = 0x184c2102
	lz4BlockSize = 8 << 20
	lz4MaxPacked = lz4BlockSize + lz4BlockSize/255 + 16
)

// unlz4 decodes the legacy frame that lz4 -l writes: after the magic, blocks of
// 8 MiB of output each, their compressed length of 32 bits before them. The
// size that the kernel's build appends looks like one more length, behind
// which the file ends or nothing more can be a block (lib/decompress_unlz4.c).
func unlz4(src []byte, hint, limit int) ([]byte, error) {
	out := make([]byte, 0, min(limit, max(hint, 1<<20)))
	for src = src[4:]; len(src) >= 4; {
		n := int64(binary.LittleEndian.Uint32(src))
		if n == lz4Legacy { // another frame of the same kind
			src = src[4:]
			continue
		}
		if n == 0 || n > lz4MaxPacked || n > int64(len(src)-4) {
			if len(out) > 0 && len(out)%lz4BlockSize != 0 || len(src) == 4 {
				return out, nil
			}
			return nil, io.ErrUnexpectedEOF
		}
		start := len(out)
		var err error
		if out, err = lz4Block(out, src[4:4+n], min(limit, start+lz4BlockSize)); err != nil {
			return nil, err
		}
		src = src[4+n:]
		if len(out)-start < lz4BlockSize {
			return out, nil // only the last block is short
		}
	}
	return out, nil
}

// lz4Block appends a block's output to out, which may grow to limit
// (lz4_Block_format.md).
func lz4Block(out, src []byte, limit int) ([]byte, error) {
	base := len(out)
	for {
		if len(src) == 0 {
			return nil, io.ErrUnexpectedEOF
		}
		token := int(src[0])
		src = src[1:]
		literals, rest, ok := lz4Length(token>>4, src)
		if !ok || literals > len(rest) {
			return nil, io.ErrUnexpectedEOF
		}
		if len(out)+literals > limit {
			return nil, ErrLimit
		}
		out, src = append(out, rest[:literals]...), rest[literals:]
		if len(src) == 0 {
			return out, nil // the last sequence has no match
		}
		if len(src) < 2 {
			return nil, io.ErrUnexpectedEOF
		}
		distance := int(binary.LittleEndian.Uint16(src))
		length, rest, ok := lz4Length(token&15, src[2:])
		if !ok {
			return nil, io.ErrUnexpectedEOF
		}
		src = rest
		if distance == 0 || distance > len(out)-base {
			return nil, errLZ
		}
		if length += 4; len(out)+length > limit {
			return nil, ErrLimit
		}
		out = appendMatch(out, distance, length)
	}
}

func lz4Length(n int, src []byte) (int, []byte, bool) {
	if n < 15 {
		return n, src, true
	}
	for i, b := range src {
		n += int(b)
		if b != 255 {
			return n, src[i+1:], true
		}
	}
	return 0, nil, false
}

// appendMatch repeats length bytes from distance before the end of out. What
// it has copied it copies from as well: the period stays the same.
func appendMatch(out []byte, distance, length int) []byte {
	from := len(out) - distance
	for length > 0 {
		n := min(length, len(out)-from)
		out = append(out, out[from:from+n]...)
		length -= n
	}
	return out
}

const lzopMagic = "\x89LZO\x00\r\n\x1a\n"

// unlzo decodes a file of lzop(1) as lib/decompress_unlzo.c does: blocks of at
// most 256 KiB of output, each with both sizes and checksums before it.
func unlzo(src []byte, hint, limit int) ([]byte, error) {
	off, flags, err := lzopHeader(src)
	if err != nil {
		return nil, err
	}
	src = src[off:]
	word := func() (uint32, bool) {
		if len(src) < 4 {
			return 0, false
		}
		v := binary.BigEndian.Uint32(src)
		src = src[4:]
		return v, true
	}
	out := make([]byte, 0, min(limit, max(hint, 1<<20)))
	for {
		size, ok := word()
		if ok && size == 0 {
			return out, nil
		}
		packed, ok2 := word()
		if !ok || !ok2 || size > 64<<20 || packed > size {
			return nil, errors.New("block header is cut short or impossible")
		}
		skip := lzopSums(flags, packed < size)
		if skip+int(packed) > len(src) {
			return nil, io.ErrUnexpectedEOF
		}
		block := src[skip : skip+int(packed)]
		src = src[skip+int(packed):]
		if len(out)+int(size) > limit {
			return nil, ErrLimit
		}
		if packed == size {
			out = append(out, block...)
			continue
		}
		start := len(out)
		if out, err = lzo1x(out, block, start+int(size)); err != nil {
			return nil, err
		}
		if len(out) != start+int(size) {
			return nil, errShortBlock
		}
	}
}

var errShortBlock = errors.New("block is shorter than its header says")

// lzopSums is how many bytes of checksums stand before a block's data. Those of
// the packed bytes are left out where the block is not compressed.
func lzopSums(flags uint32, compressed bool) int {
	n := 0
	for _, bit := range []uint32{1, 0x100} { // ADLER32_D, CRC32_D
		if flags&bit != 0 {
			n += 4
		}
	}
	for _, bit := range []uint32{2, 0x200} { // of the packed bytes
		if flags&bit != 0 && compressed {
			n += 4
		}
	}
	return n
}

// lzopHeaderMax is the length of the longest header.
const lzopHeaderMax = 9 + 31 + 255 + 4

// lzopHeader returns where the blocks begin, and the header's flags.
func lzopHeader(src []byte) (off int, flags uint32, err error) {
	const fixed = 9
	if len(src) < fixed+26 {
		return 0, 0, io.ErrUnexpectedEOF
	}
	version := binary.BigEndian.Uint16(src[fixed:])
	off = fixed + 2 + 2 // version, library version
	if version >= 0x940 {
		off += 2 // version needed
	}
	off++ // method
	if version >= 0x940 {
		off++ // level
	}
	flags = binary.BigEndian.Uint32(src[off:])
	off += 4
	if flags&0x800 != 0 {
		off += 4 // filter
	}
	off += 8 // mode, time
	if version >= 0x940 {
		off += 4 // upper half of the time
	}
	if off >= len(src) {
		return 0, 0, io.ErrUnexpectedEOF
	}
	off += 1 + int(src[off]) // name
	off += 4                 // checksum
	if off > len(src) {
		return 0, 0, io.ErrUnexpectedEOF
	}
	return off, flags, nil
}

// lzo1x appends a block of LZO1X to out, up to limit
// (Documentation/staging/lzo.rst). state is how many literals the last
// instruction ended with, 4 after a long run of them.
func lzo1x(out, src []byte, limit int) ([]byte, error) {
	base, state, i := len(out), 0, 0
	more := func(n int, bits int) (int, bool) { // a length that goes on in further bytes
		if n != 0 {
			return n, true
		}
		n = 1<<bits - 1
		for ; i < len(src); i++ {
			if src[i] != 0 {
				n += int(src[i])
				i++
				return n, true
			}
			n += 255
		}
		return 0, false
	}
	literals := func(n int) bool {
		if n > len(src)-i || len(out)+n > limit {
			return false
		}
		out = append(out, src[i:i+n]...)
		i += n
		return true
	}
	if len(src) > 0 && src[0] > 17 {
		n := int(src[0]) - 17
		i = 1
		if !literals(n) {
			return nil, io.ErrUnexpectedEOF
		}
		state = min(n, 4)
	}
	for {
		if i+2 >= len(src) {
			return nil, io.ErrUnexpectedEOF
		}
		t := int(src[i])
		i++
		var length, distance, next int
		ok := true
		switch {
		case t >= 64:
			length, distance, next = t>>5+1, int(src[i])<<3+t>>2&7+1, t&3
			i++
		case t >= 16:
			bits, far, high := 5, 1, 0
			if t < 32 {
				bits, far, high = 3, 16384, t>>3&1<<14
			}
			length, ok = more(t&(1<<bits-1), bits)
			if !ok || i+2 > len(src) {
				return nil, io.ErrUnexpectedEOF
			}
			low := int(src[i]) | int(src[i+1])<<8
			i += 2
			length, distance, next = length+2, high+low>>2+far, low&3
			if far == 16384 && distance == 16384 {
				return out, nil // the end
			}
		case state == 0:
			n, ok := more(t, 4)
			if !ok || !literals(n+3) {
				return nil, io.ErrUnexpectedEOF
			}
			state = 4
			continue
		default:
			length, distance, next = 2, int(src[i])<<2+t>>2+1, t&3
			if state == 4 {
				length, distance = 3, distance+2048
			}
			i++
		}
		if distance > len(out)-base {
			return nil, errLZ
		}
		if len(out)+length > limit {
			return nil, ErrLimit
		}
		out = appendMatch(out, distance, length)
		if !literals(next) {
			return nil, io.ErrUnexpectedEOF
		}
		state = next
	}
}
