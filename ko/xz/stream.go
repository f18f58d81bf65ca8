package xz

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
)

// Where the output is not to lie whole in memory, a window holds the part that
// matches can reach back to, and what comes next behind it.

const (
	// roomStep is the most that is decoded at a time: an LZMA2 chunk.
	roomStep = 2 << 20
	// roomStart is the window that is taken at first; small data need no more.
	roomStart = 4<<20 + roomStep + outSlack
	// sourceSize is the least buffer of a source: the data of a chunk.
	sourceSize = 64 << 10
)

// room makes room for n more bytes, at most roomStep, behind d.pos and keeps
// what the dictionary reaches. What was decoded moves by a multiple of 16, as
// the low bits of the position choose probabilities.
func (d *decoder) room(n int) {
	if d.pos+n+outSlack <= len(d.out) {
		return
	}
	keep := int(d.dict) + 16
	// What lies between the two is how seldom the window is moved.
	whole := keep + min(max(keep, roomStart), 16<<20) + roomStep + outSlack
	if len(d.out) < whole {
		size := whole
		if len(d.out) == 0 && whole > 2*roomStart {
			size = roomStart
		}
		grown := make([]byte, size)
		copy(grown, d.out[:d.pos])
		d.out = grown
	}
	if d.pos+n+outSlack > len(d.out) {
		shift := (d.pos - keep) &^ 15
		copy(d.out, d.out[shift:d.pos])
		d.pos -= shift
	}
}

// Reader decodes one .xz stream as it is read. It takes no byte behind the
// stream from its source.
type Reader struct {
	r       *bufio.Reader
	maxDict int64
	d       *decoder
	ready   []byte // decoded and not yet given out, part of d.out
	err     error

	flags  [2]byte
	block  *openBlock // nil between blocks
	listed hash.Hash64
	blocks uint64
}

// openBlock is a block of which chunks are still to come.
type openBlock struct {
	block
	packed, stated      int64 // sizes that the header states, -1 where it does not
	read                int64 // bytes of chunks that were read
	header              int
	needDict, needProps bool
	sum                 hash.Hash
}

// NewReader reads a stream's header from r, whose buffer must have 64 KiB. A block whose dictionary is larger than
// maxDict bytes is ErrLimit; one with filters before LZMA2 is an error, as they
// need the block whole.
func NewReader(r *bufio.Reader, maxDict int64) (*Reader, error) {
	if r.Size() < sourceSize {
		return nil, bufio.ErrBufferFull
	}
	var h [headerSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, fmt.Errorf("xz: stream header: %w", cut(err))
	}
	x := &Reader{r: r, maxDict: maxDict, d: new(decoder), flags: [2]byte(h[6:8]), listed: crc64.New(crc64Table())}
	switch {
	case !bytes.HasPrefix(h[:], headerMagic):
		return nil, errors.New("xz: stream header: no xz magic")
	case crc32.ChecksumIEEE(x.flags[:]) != binary.LittleEndian.Uint32(h[8:]):
		return nil, errors.New("xz: stream header: CRC32 does not match")
	case x.flags[0] != 0 || !checkKind(x.flags[1]).known():
		return nil, fmt.Errorf("xz: stream header: flags %02x %02x: unsupported check or reserved bits", x.flags[0], x.flags[1])
	}
	return x, nil
}

// cut makes the end of the input an error.
func cut(err error) error {
	if err == io.EOF {
		return errTruncated
	}
	return err
}

// Read gives out what was decoded. io.EOF says that the stream was whole and
// that its checks were right.
func (x *Reader) Read(p []byte) (int, error) {
	for len(x.ready) == 0 {
		if x.err != nil {
			return 0, x.err
		}
		if err := x.more(); err != nil {
			x.err = err
			if err != io.EOF {
				x.err = fmt.Errorf("xz: %w", err)
			}
		}
	}
	n := copy(p, x.ready)
	x.ready = x.ready[n:]
	return n, nil
}

// more decodes the next chunk, or steps over what stands between chunks.
func (x *Reader) more() error {
	if x.block != nil {
		return x.chunk()
	}
	size, err := x.r.ReadByte()
	if err != nil {
		return fmt.Errorf("block header: %w", cut(err))
	}
	if size == 0 {
		if err := x.index(); err != nil {
			return err
		}
		return io.EOF
	}
	return x.blockHeader(size)
}

func (x *Reader) blockHeader(size byte) error {
	h := make([]byte, (int(size)+1)*4)
	h[0] = size
	if _, err := io.ReadFull(x.r, h[1:]); err != nil {
		return fmt.Errorf("block header: %w", cut(err))
	}
	w := walker{src: h}
	b, packed, stated, err := w.blockHeader()
	switch {
	case err != nil:
		return fmt.Errorf("block header: %w", err)
	case len(b.filters) > 0:
		return fmt.Errorf("block header: filter 0x%x before LZMA2 is not undone in a stream", b.filters[0].id)
	case int64(b.dict) > x.maxDict:
		return fmt.Errorf("block header: dictionary of %d bytes: %w of %d", b.dict, ErrLimit, x.maxDict)
	}
	b.kind = checkKind(x.flags[1])
	x.block = &openBlock{block: b, packed: packed, stated: stated, header: len(h), needDict: true, needProps: true, sum: b.kind.hash()}
	x.d.dict, x.d.pos = b.dict, 0
	return nil
}

// chunk decodes one chunk of the open block, or ends the block.
func (x *Reader) chunk() error {
	b := x.block
	head, err := x.r.Peek(1)
	if err != nil {
		return fmt.Errorf("chunk: %w", cut(err))
	}
	if head[0] == controlEnd {
		x.r.Discard(1)
		b.read++
		return x.endBlock()
	}
	c, data, err := x.nextChunk(head[0])
	if err != nil {
		return fmt.Errorf("chunk: %w", err)
	}
	if err := b.allows(c); err != nil {
		return fmt.Errorf("chunk: %w", err)
	}
	d := x.d
	if c.control == controlReset || c.control >= controlNewDict {
		d.pos = 0
	}
	d.room(c.size)
	start := d.pos
	if c.control < controlLZMA {
		d.pos += copy(d.out[d.pos:], data)
	} else if err := d.chunk(data, 0, c); err != nil {
		return fmt.Errorf("chunk: %w", err)
	}
	x.r.Discard(c.packed)
	b.read += int64(c.header + c.packed)
	b.size += int64(c.size)
	x.ready = d.out[start:d.pos]
	b.sum.Write(x.ready)
	return nil
}

// nextChunk takes the header of the chunk with this control byte and looks at
// its data, which is to be discarded.
func (x *Reader) nextChunk(control byte) (chunk, []byte, error) {
	n := 6
	switch {
	case control < controlLZMA:
		n = 3
	case control < controlProps:
		n = 5
	}
	head, err := x.r.Peek(n)
	if err != nil {
		return chunk{}, nil, cut(err)
	}
	// A header alone is cut short for nextChunk, but is read before it says so.
	c, err := nextChunk(head)
	if err != nil && c.size == 0 {
		return c, nil, err
	}
	x.r.Discard(c.header)
	data, err := x.r.Peek(c.packed)
	return c, data, cut(err)
}

// allows holds that what a chunk builds on was set before, as walker.chunks.
func (b *openBlock) allows(c chunk) error {
	switch {
	case c.control == controlReset || c.control >= controlNewDict:
		b.needDict, b.needProps = false, c.control == controlReset
	case b.needDict:
		return errors.New("first chunk does not reset the dictionary")
	case c.control >= controlProps:
		b.needProps = false
	case c.control >= controlLZMA && b.needProps:
		return errors.New("properties missing")
	}
	return nil
}

// endBlock reads a block's padding and check.
func (x *Reader) endBlock() error {
	b := x.block
	x.block = nil
	switch {
	case b.packed >= 0 && b.packed != b.read:
		return fmt.Errorf("block: compressed size is %d, header says %d", b.read, b.packed)
	case b.stated >= 0 && b.stated != b.size:
		return fmt.Errorf("block: uncompressed size is %d, header says %d", b.size, b.stated)
	}
	pad := int(-b.read & 3)
	tail := make([]byte, pad+b.kind.size())
	if _, err := io.ReadFull(x.r, tail); err != nil {
		return fmt.Errorf("block: check: %w", cut(err))
	}
	if !zero(tail[:pad]) {
		return errors.New("block: padding is not zero")
	}
	if b.kind != checkNone && !bytes.Equal(b.kind.stored(b.sum), tail[pad:]) {
		return fmt.Errorf("block: %s does not match", b.kind)
	}
	x.blocks++
	x.listed.Write(record(uint64(int64(b.header)+b.read+int64(b.kind.size())), uint64(b.size)))
	return nil
}

// record is what the index lists of a block, in a form of one length.
func record(unpadded, size uint64) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, unpadded), size)
}

// index reads the index behind its first byte, and the footer.
func (x *Reader) index() error {
	in := &summed{r: x.r, n: 1, sum: crc32.Update(0, crc32.IEEETable, []byte{0})}
	listed := crc64.New(crc64Table())
	count, err := in.number()
	if err == nil && count != x.blocks {
		err = fmt.Errorf("lists %d blocks, there are %d", count, x.blocks)
	}
	for i := uint64(0); i < count && err == nil; i++ {
		var unpadded, size uint64
		if unpadded, err = in.number(); err == nil {
			size, err = in.number()
		}
		listed.Write(record(unpadded, size))
	}
	for err == nil && in.n%4 != 0 {
		var c byte
		if c, err = in.ReadByte(); err == nil && c != 0 {
			err = errors.New("padding is not zero")
		}
	}
	if err == nil && listed.Sum64() != x.listed.Sum64() {
		err = errors.New("lists other sizes than the blocks have")
	}
	var rest [4 + headerSize]byte
	if err == nil {
		_, err = io.ReadFull(x.r, rest[:])
	}
	if err == nil && binary.LittleEndian.Uint32(rest[:]) != in.sum {
		err = errors.New("CRC32 does not match")
	}
	if err != nil {
		return fmt.Errorf("index: %w", cut(err))
	}
	w := walker{src: rest[4:]}
	return w.footer(x.flags, int(in.n)+4)
}

// summed reads the index's bytes, counts them and adds up their CRC32.
type summed struct {
	r   *bufio.Reader
	n   int64
	sum uint32
}

func (s *summed) ReadByte() (byte, error) {
	c, err := s.r.ReadByte()
	if err != nil {
		return 0, cut(err)
	}
	s.n++
	s.sum = crc32.Update(s.sum, crc32.IEEETable, []byte{c})
	return c, nil
}

func (s *summed) number() (uint64, error) {
	var b []byte
	for {
		c, err := s.ReadByte()
		if err != nil {
			return 0, err
		}
		if b = append(b, c); c < 0x80 || len(b) == 9 {
			f := fields{b: b}
			return f.number(), f.err
		}
	}
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// LZMAReader decodes .lzma data as it is read. It takes no byte behind the data
// from its source, where the header states the size and no end marker follows,
// or where there is a marker.
type LZMAReader struct {
	r     *bufio.Reader
	d     *decoder
	left  int64 // bytes of output still to come, -1 where that is not known
	ready []byte
	err   error
}

// NewLZMAReader reads the header from r, whose buffer must have 64 KiB. A dictionary larger than maxDict bytes is
// ErrLimit, unless the data are stated to be shorter.
func NewLZMAReader(r *bufio.Reader, maxDict int64) (*LZMAReader, error) {
	if r.Size() < sourceSize {
		return nil, bufio.ErrBufferFull
	}
	var h [aloneHeader + 5]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, fmt.Errorf("lzma: header: %w", cut(err))
	}
	d := new(decoder)
	if err := d.setProps(h[0]); err != nil {
		return nil, fmt.Errorf("lzma: header: %w", err)
	}
	d.resetState()
	size := binary.LittleEndian.Uint64(h[5:])
	d.dict = max(binary.LittleEndian.Uint32(h[1:]), 1<<12)
	left := int64(size)
	if size != unknownSize {
		if left < 0 {
			return nil, fmt.Errorf("lzma: header: %w: says %d bytes", ErrLimit, size)
		}
		d.dict = uint32(min(int64(d.dict), max(left, 1<<12)))
	}
	if int64(d.dict) > maxDict {
		return nil, fmt.Errorf("lzma: header: dictionary of %d bytes: %w of %d", d.dict, ErrLimit, maxDict)
	}
	if err := d.startRange(h[aloneHeader:]); err != nil {
		return nil, fmt.Errorf("lzma: %w", err)
	}
	return &LZMAReader{r: r, d: d, left: left}, nil
}

// Read gives out what was decoded; io.EOF says that the data came to its end.
func (l *LZMAReader) Read(p []byte) (int, error) {
	for len(l.ready) == 0 {
		if l.err != nil {
			return 0, l.err
		}
		if err := l.more(); err != nil {
			l.err = err
			if err != io.EOF {
				l.err = fmt.Errorf("lzma: %w", err)
			}
		}
	}
	n := copy(p, l.ready)
	l.ready = l.ready[n:]
	return n, nil
}

// lzmaStep is how much is decoded at a time.
const lzmaStep = 1 << 20

func (l *LZMAReader) more() error {
	d := l.d
	if l.left == 0 {
		return l.marker()
	}
	d.room(lzmaStep + maxMatch)
	start := d.pos
	if l.left >= 0 && l.left <= lzmaStep {
		d.end = d.pos + int(l.left)
		d.stop = d.end
	} else {
		d.end = d.pos + lzmaStep + maxMatch
		if l.left >= 0 {
			d.end = d.pos + int(min(l.left, lzmaStep+maxMatch))
		}
		d.stop = d.pos + lzmaStep
	}
	s, err := l.step()
	if err != nil {
		return err
	}
	l.ready = d.out[start:d.pos]
	if l.left >= 0 {
		l.left -= int64(d.pos - start)
	}
	switch {
	case s == statusEndMarker && l.left < 0:
		if d.code != 0 {
			return errLeft
		}
		return io.EOF
	case s != statusMore:
		return s.err()
	}
	return nil
}

// step decodes from the bytes that the source has ready. Reaching their end
// without a symbol is the end of the input.
func (l *LZMAReader) step() (status, error) {
	d := l.d
	buf, err := l.r.Peek(l.r.Size())
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return 0, err
	}
	end := len(buf)
	if err == nil {
		end -= inputSlack + maxSymbolInput // the rest comes again with what follows it
	}
	before := d.pos
	n, s := d.decode(buf, 0, end)
	if n > len(buf) {
		return 0, errTruncated
	}
	l.r.Discard(n)
	if s == statusMore && d.pos < d.stop && d.pos == before && (err != nil || n == 0) {
		if l.left < 0 {
			return 0, errNoMarker
		}
		return 0, errTruncated
	}
	return s, nil
}

// marker takes the end marker that may follow data of a stated size.
func (l *LZMAReader) marker() error {
	d := l.d
	if d.code == 0 {
		return io.EOF
	}
	d.room(1 + maxMatch)
	d.end, d.stop = d.pos+1, d.pos+1
	s, err := l.step()
	switch {
	case err != nil:
		return err
	case s != statusEndMarker || d.code != 0:
		return errLeft
	}
	return io.EOF
}
