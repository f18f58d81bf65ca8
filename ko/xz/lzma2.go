package xz

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// LZMA2 chunks begin with a control byte: 0 ends the data, 1 and 2 are plain
// chunks (1 resets the dictionary), from 0x80 on it is LZMA; 0xa0 resets the
// state, 0xc0 has new properties too, 0xe0 resets the dictionary as well.
const (
	lzma2ID        = 0x21
	controlEnd     = 0
	controlReset   = 1
	controlPlain   = 2
	controlLZMA    = 0x80
	controlState   = 0xa0
	controlProps   = 0xc0
	controlNewDict = 0xe0
)

// lzma2Dict reads the last filter of a block, which must be LZMA2, and returns
// the size of its dictionary.
func lzma2Dict(id uint64, props []byte) (uint32, error) {
	if id != lzma2ID {
		return 0, fmt.Errorf("last filter is 0x%x, not LZMA2", id)
	}
	if len(props) != 1 || props[0] > 40 {
		return 0, errors.New("properties of LZMA2 out of range")
	}
	if props[0] == 40 {
		return 1<<32 - 1, nil
	}
	return (2 | uint32(props[0]&1)) << (props[0]/2 + 11), nil
}

// chunk is the header of one LZMA2 chunk.
type chunk struct {
	control byte
	props   byte // from controlProps on
	size    int  // output bytes
	packed  int  // input bytes behind the header
	header  int  // bytes of the header
}

// nextChunk reads the chunk header that src begins with.
func nextChunk(src []byte) (c chunk, err error) {
	if len(src) == 0 {
		return c, errTruncated
	}
	c.control = src[0]
	switch {
	case c.control == controlEnd:
		c.header = 1
	case c.control < controlLZMA:
		c.header = 3
		if c.control > controlPlain {
			return c, fmt.Errorf("control byte %02x is not defined", c.control)
		}
	case c.control < controlProps:
		c.header = 5
	default:
		c.header = 6
	}
	if len(src) < c.header {
		return c, errTruncated
	}
	switch c.header {
	case 3:
		c.size = int(binary.BigEndian.Uint16(src[1:])) + 1
		c.packed = c.size
	case 5, 6:
		c.size = int(c.control&0x1f)<<16 + int(binary.BigEndian.Uint16(src[1:])) + 1
		c.packed = int(binary.BigEndian.Uint16(src[3:])) + 1
		c.props = src[c.header-1]
	}
	if len(src)-c.header < c.packed {
		return c, errTruncated
	}
	return c, nil
}

// chunks steps over the chunks of a block and adds up their sizes. That the
// chunks come in an order that resets what must be reset is seen here too.
func (w *walker) chunks(b *block) error {
	needDict, needProps := true, true
	for {
		c, err := nextChunk(w.src[w.off:])
		switch {
		case err != nil:
		case c.control == controlEnd:
			w.off++
			return nil
		case c.control == controlReset || c.control >= controlNewDict:
			needDict, needProps = false, c.control == controlReset
		case needDict:
			err = errors.New("first chunk does not reset the dictionary")
		case c.control >= controlProps:
			needProps = false
		case c.control >= controlLZMA && needProps:
			err = errors.New("properties missing")
		}
		if err == nil && c.control >= controlProps {
			_, _, _, err = props(c.props)
		}
		if err != nil {
			return fmt.Errorf("chunk at offset 0x%x: %w", w.off, err)
		}
		b.size += int64(c.size)
		if b.size > w.limit-w.size {
			return ErrLimit
		}
		w.off += c.header + c.packed
	}
}

// lzma2 decodes the chunks of b, which walk has seen, to the beginning of out.
// Behind b.size it may write into what is left of out.
func (d *decoder) lzma2(out, src []byte, b *block) error {
	d.dict = b.dict
	d.out, d.pos = out, 0
	for off := b.data; ; {
		c, err := nextChunk(src[off:])
		if err != nil {
			return err
		}
		if c.control == controlEnd {
			return nil
		}
		if c.control == controlReset || c.control >= controlNewDict {
			d.out, d.pos = d.out[d.pos:], 0
		}
		data := off + c.header
		if c.control < controlLZMA {
			d.pos += copy(d.out[d.pos:], src[data:data+c.packed])
		} else if err := d.chunk(src, data, c); err != nil {
			return fmt.Errorf("xz: block at offset 0x%x: chunk at offset 0x%x: %w", b.data, off, err)
		}
		off = data + c.packed
	}
}

// chunk decodes the LZMA chunk whose data begin at src[off].
func (d *decoder) chunk(src []byte, off int, c chunk) error {
	if c.control >= controlProps {
		if err := d.setProps(c.props); err != nil {
			return err
		}
	}
	if c.control >= controlState {
		d.resetState()
	}
	end := off + c.packed
	if err := d.startRange(src[off:end]); err != nil {
		return err
	}
	d.end = d.pos + c.size
	d.stop = d.end
	n, s := d.decode(src, off+5, end)
	if err := s.err(); err != nil {
		return err
	}
	if d.pos != d.stop || n > end {
		return errInput
	}
	if n != end || d.code != 0 {
		return errLeft
	}
	return nil
}
