package xz

import (
	"encoding/binary"
	"fmt"
)

// aloneHeader is the length of a .lzma header: properties, dictionary size,
// uncompressed size.
const aloneHeader = 13

// unknownSize stands in a header that does not state the size: an end marker
// follows the data.
const unknownSize = 1<<64 - 1

// DecodeLZMA returns what the .lzma file src holds. Nothing may follow the
// data in src. Output longer than limit bytes is ErrLimit. The format has no
// check: damage is found only where it makes the data impossible.
func DecodeLZMA(src []byte, limit int64) ([]byte, error) {
	out, n, err := DecodeLZMAPrefix(src, limit)
	if err == nil && n != len(src) {
		return nil, fmt.Errorf("lzma: offset 0x%x: %d bytes behind the data", n, len(src)-n)
	}
	return out, err
}

// DecodeLZMAPrefix decodes the .lzma data that src begins with and ignores
// what follows. It returns the output and the data's length in src.
func DecodeLZMAPrefix(src []byte, limit int64) (out []byte, n int, err error) {
	if len(src) < aloneHeader+5 {
		return nil, 0, fmt.Errorf("lzma: header: %w", errTruncated)
	}
	size := binary.LittleEndian.Uint64(src[5:])
	if size != unknownSize && (size > uint64(maxInt-outSlack) || int64(size) > limit) {
		return nil, 0, fmt.Errorf("lzma: %w of %d bytes: header says %d", ErrLimit, limit, size)
	}
	d := decoders.Get().(*decoder)
	defer d.release()
	if err := d.setProps(src[0]); err != nil {
		return nil, 0, fmt.Errorf("lzma: header: %w", err)
	}
	d.resetState()
	d.dict = binary.LittleEndian.Uint32(src[1:])
	if d.dict < 1<<12 {
		d.dict = 1 << 12
	}
	if err := d.startRange(src[aloneHeader:]); err != nil {
		return nil, 0, fmt.Errorf("lzma: offset 0x%x: %w", aloneHeader, err)
	}
	d.pos = 0
	n = aloneHeader + 5
	if size == unknownSize {
		n, err = d.untilMarker(src, n, limit)
	} else {
		d.out = make([]byte, int(size)+outSlack)
		n, err = d.sized(src, n, int(size))
	}
	if err != nil {
		return nil, 0, fmt.Errorf("lzma: offset 0x%x: %w", n, err)
	}
	return d.out[:d.pos:d.pos], n, nil
}

// sized decodes size bytes from src[n:]. An end marker may follow them; it is
// there if the range coder has not come to its end.
func (d *decoder) sized(src []byte, n, size int) (int, error) {
	d.end, d.stop = size, size
	n, s := d.decode(src, n, len(src))
	if err := s.err(); err != nil {
		return n, err
	}
	if d.pos < size || n > len(src) {
		return n, errTruncated
	}
	if d.code == 0 {
		return n, nil
	}
	d.end, d.stop = size+1, size+1 // room for a symbol that is none
	n, s = d.decode(src, n, len(src))
	if s != statusEndMarker {
		return n, errLeft
	}
	return n, d.finished(n, src)
}

// finished tells the errors that remain behind an end marker.
func (d *decoder) finished(n int, src []byte) error {
	switch {
	case n > len(src):
		return errInput
	case d.code != 0:
		return errLeft
	}
	return nil
}

// untilMarker decodes src[n:] up to the end marker, into memory that grows.
func (d *decoder) untilMarker(src []byte, n int, limit int64) (int, error) {
	d.out = make([]byte, min(int64(len(src))*4+1<<12, limit+outSlack+maxMatch))
	for {
		// No symbol begins where a longest match would not fit.
		d.end = len(d.out)
		d.stop = d.end - maxMatch
		var s status
		n, s = d.decode(src, n, len(src))
		if int64(d.pos) > limit {
			return n, fmt.Errorf("%w of %d bytes", ErrLimit, limit)
		}
		switch {
		case s == statusEndMarker:
			return n, d.finished(n, src)
		case s != statusMore:
			return n, s.err()
		case n > len(src) || d.pos < d.stop:
			return n, errNoMarker
		}
		// Four times as much, or all that is allowed when that is near.
		most := limit + outSlack + maxMatch
		size := 4 * int64(len(d.out))
		if size > most/2 {
			size = most
		}
		grown := make([]byte, size)
		copy(grown, d.out[:d.pos])
		d.out = grown
	}
}

var errNoMarker = fmt.Errorf("%w: no end marker", errTruncated)
