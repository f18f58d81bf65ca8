// Package xz decodes .xz files and the older .lzma ("LZMA alone") files that
// lie whole in memory, as kernel modules (.ko.xz) and the payloads of kernel
// images do.
//
// A file is one or more streams, with padding of zeroes between them. A stream
// is a header, blocks, an index that lists them, and a footer; it names the
// check (CRC32, CRC64, SHA-256 or none) that stands behind each block. A block
// has a chain of filters, the last of which is LZMA2; before it there can be
// delta and the branch filters (BCJ) of several processors. LZMA2 is a row of
// chunks, plain or LZMA, each of which states its two sizes.
//
// Because of the last point the whole structure can be walked, and the index
// held against it, before anything is decoded and before memory is taken.
// Because input and output are whole, the output is its own dictionary: there
// is no window to be copied from. On amd64 the loop (run) is in assembly;
// elsewhere, and with the build tag purego, in Go.
//
// Followed are The .xz File Format 1.2.1 and lzma-specification.txt; where they
// leave a choice, liblzma 5.4 decides (lc+lp <= 4, distances held against the
// dictionary's size, an LZMA chunk to end with its code at zero).
package xz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
)

// ErrLimit says that the output would be longer than the limit given. It is
// found before memory for the output is taken, except for .lzma files that do
// not state their size.
var ErrLimit = errors.New("output longer than the limit")

// errTruncated is where something should be and the input ends. Callers tell
// a file cut short from a damaged one by it.
var errTruncated = io.ErrUnexpectedEOF

var (
	headerMagic = []byte{0xfd, '7', 'z', 'X', 'Z', 0}
	footerMagic = []byte{'Y', 'Z'}
)

const (
	headerSize = 12 // of a stream's header and of its footer
	outSlack   = copySlack
)

// Is says whether src begins like an .xz file.
func Is(src []byte) bool { return bytes.HasPrefix(src, headerMagic) }

// Size returns how many bytes Decode would return for src, from the sizes that
// blocks state and the index confirms; nothing is decoded.
func Size(src []byte) (int64, error) {
	l, err := walk(src, 1<<63-1, false)
	if err != nil {
		return 0, err
	}
	return l.size, nil
}

// Decode returns what the .xz file src holds: all its streams, one after the
// other, with their checks verified. Output longer than limit bytes is
// ErrLimit, a file cut short io.ErrUnexpectedEOF.
func Decode(src []byte, limit int64) ([]byte, error) {
	return DecodeInto(nil, src, limit)
}

// DecodeInto is Decode into the memory of dst, from dst[0] up to its capacity,
// all of which it may overwrite. If that is too little it takes new memory.
func DecodeInto(dst, src []byte, limit int64) ([]byte, error) {
	l, err := walk(src, limit, false)
	if err != nil {
		return nil, err
	}
	return l.decode(dst, src)
}

// DecodePrefix decodes the one stream that src begins with and ignores what
// follows it. It returns the output and the stream's length in src.
func DecodePrefix(src []byte, limit int64) (out []byte, n int, err error) {
	l, err := walk(src, limit, true)
	if err != nil {
		return nil, 0, err
	}
	out, err = l.decode(nil, src)
	return out, l.end, err
}

// layout is the structure of a file.
type layout struct {
	blocks []block
	size   int64 // output bytes
	end    int   // offset behind the last stream
}

// block is one block of a stream.
type block struct {
	data    int   // offset of its LZMA2 data
	dataEnd int   // and of the byte behind it
	check   int   // offset of its check
	size    int64 // output bytes
	// unpadded is the size from its header to its check, as the index has it.
	unpadded int64
	kind     checkKind
	dict     uint32
	filters  []filter // as they are to be undone: first to last
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

func (l *layout) decode(dst, src []byte) ([]byte, error) {
	if int64(int(l.size)) != l.size || int(l.size) > maxInt-outSlack {
		return nil, ErrLimit
	}
	size := int(l.size)
	if cap(dst) < size {
		dst = make([]byte, size+outSlack)
	}
	dst = dst[:cap(dst)]
	d := decoders.Get().(*decoder)
	defer d.release()
	pos := 0
	for i := range l.blocks {
		b := &l.blocks[i]
		if err := d.lzma2(dst[pos:], src, b); err != nil {
			return nil, err
		}
		out := dst[pos : pos+int(b.size)]
		for _, f := range b.filters {
			f.undo(out)
		}
		if !b.kind.equal(out, src[b.check:]) {
			return nil, fmt.Errorf("xz: block at offset 0x%x: %s does not match", b.data, b.kind)
		}
		pos += len(out)
	}
	return dst[:size], nil
}

const maxInt = int(^uint(0) >> 1)

// release gives d back, without holding on to the buffers of its last use.
func (d *decoder) release() {
	d.out, d.in = nil, nil
	decoders.Put(d)
}

// walker reads the structure of a file, from off on.
type walker struct {
	src   []byte
	off   int
	limit int64
	layout
}

// walk reads the structure of all streams of src, or of the first, and holds
// the index of each against its blocks.
func walk(src []byte, limit int64, first bool) (*layout, error) {
	w := &walker{src: src, limit: limit}
	for {
		at := w.off
		if err := w.stream(); err != nil {
			if errors.Is(err, ErrLimit) {
				return nil, fmt.Errorf("xz: %w of %d bytes", err, limit)
			}
			return nil, fmt.Errorf("xz: stream at offset 0x%x: %w", at, err)
		}
		w.end = w.off
		if first {
			return &w.layout, nil
		}
		for w.off < len(src) && src[w.off] == 0 {
			w.off++
		}
		if (w.off-w.end)%4 != 0 {
			return nil, fmt.Errorf("xz: stream padding at offset 0x%x: %d bytes, not a multiple of four", w.end, w.off-w.end)
		}
		if w.off == len(src) {
			return &w.layout, nil
		}
	}
}

// take returns the next n bytes.
func (w *walker) take(n int) ([]byte, error) {
	if n > len(w.src)-w.off {
		return nil, errTruncated
	}
	b := w.src[w.off:][:n]
	w.off += n
	return b, nil
}

// stream reads one stream: header, blocks, index, footer.
func (w *walker) stream() error {
	h, err := w.take(headerSize)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if !bytes.HasPrefix(h, headerMagic) {
		return errors.New("header: no xz magic")
	}
	flags := [2]byte(h[6:8])
	if crc32.ChecksumIEEE(flags[:]) != binary.LittleEndian.Uint32(h[8:]) {
		return errors.New("header: CRC32 does not match")
	}
	kind := checkKind(flags[1])
	if flags[0] != 0 || !kind.known() {
		return fmt.Errorf("header: flags %02x %02x: unsupported check or reserved bits", flags[0], flags[1])
	}
	firstBlock := len(w.blocks)
	for {
		if w.off >= len(w.src) {
			return fmt.Errorf("block header at offset 0x%x: %w", w.off, errTruncated)
		}
		if w.src[w.off] == 0 {
			break
		}
		at := w.off
		if err := w.block(kind); err != nil {
			return fmt.Errorf("block at offset 0x%x: %w", at, err)
		}
	}
	return w.index(flags, w.blocks[firstBlock:])
}

// block reads a block's header and steps over its chunks and check.
func (w *walker) block(kind checkKind) error {
	start := w.off
	b, packed, size, err := w.blockHeader()
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	b.data, b.kind = w.off, kind
	if err := w.chunks(&b); err != nil {
		return err
	}
	b.dataEnd = w.off
	if packed >= 0 && packed != int64(b.dataEnd-b.data) {
		return fmt.Errorf("compressed size is %d, header says %d", b.dataEnd-b.data, packed)
	}
	if size >= 0 && size != b.size {
		return fmt.Errorf("uncompressed size is %d, header says %d", b.size, size)
	}
	pad, err := w.take(-(w.off - start) & 3)
	if err != nil {
		return err
	}
	for _, c := range pad {
		if c != 0 {
			return errors.New("padding is not zero")
		}
	}
	b.check = w.off
	if _, err := w.take(kind.size()); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	b.unpadded = int64(b.dataEnd - start + kind.size())
	w.size += b.size
	w.blocks = append(w.blocks, b)
	return nil
}

// blockHeader reads a block's header. A size that it does not state is -1.
func (w *walker) blockHeader() (b block, packed, size int64, err error) {
	h, err := w.take((int(w.src[w.off]) + 1) * 4)
	if err != nil {
		return b, 0, 0, err
	}
	body := h[:len(h)-4]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(h[len(body):]) {
		return b, 0, 0, errors.New("CRC32 does not match")
	}
	flags := body[1]
	if flags&0x3c != 0 {
		return b, 0, 0, fmt.Errorf("flags %02x: reserved bits", flags)
	}
	r := fields{body[2:], nil}
	packed, size = -1, -1
	if flags&0x40 != 0 {
		if packed = int64(r.number()); packed == 0 && r.err == nil {
			return b, 0, 0, errors.New("compressed size of zero")
		}
	}
	if flags&0x80 != 0 {
		size = int64(r.number())
	}
	for i := int(flags & 3); i >= 0 && r.err == nil; i-- {
		id := r.number()
		props := r.bytes(r.number())
		if r.err != nil {
			break
		}
		if i == 0 {
			b.dict, r.err = lzma2Dict(id, props)
			break
		}
		var f filter
		if f, r.err = newFilter(id, props); r.err == nil {
			// The last filter before LZMA2 is the first to be undone.
			b.filters = append([]filter{f}, b.filters...)
		}
	}
	for _, c := range r.b {
		if c != 0 && r.err == nil {
			r.err = errors.New("padding is not zero")
		}
	}
	return b, packed, size, r.err
}

// index reads the index and the footer of the stream with these blocks.
func (w *walker) index(flags [2]byte, blocks []block) error {
	start := w.off
	at := func(err error) error {
		return fmt.Errorf("index at offset 0x%x: %w", start, err)
	}
	r := fields{w.src[start+1:], nil}
	n := r.number()
	if r.err == nil && n != uint64(len(blocks)) {
		return at(fmt.Errorf("lists %d blocks, there are %d", n, len(blocks)))
	}
	for i := 0; i < len(blocks) && r.err == nil; i++ {
		packed, size := r.number(), r.number()
		if r.err == nil && (packed != uint64(blocks[i].unpadded) || size != uint64(blocks[i].size)) {
			return at(fmt.Errorf("block %d is of %d and %d bytes, listed with %d and %d", i, blocks[i].unpadded, blocks[i].size, packed, size))
		}
	}
	pad := r.bytes(uint64(-(len(w.src) - start - len(r.b)) & 3))
	body := w.src[start : len(w.src)-len(r.b)]
	sum := r.bytes(4)
	if r.err != nil {
		return at(r.err)
	}
	for _, c := range pad {
		if c != 0 {
			return at(errors.New("padding is not zero"))
		}
	}
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(sum) {
		return at(errors.New("CRC32 does not match"))
	}
	w.off = start + len(body) + 4
	return w.footer(flags, w.off-start)
}

// footer reads a stream's footer, which repeats the header's flags and states
// the index's size.
func (w *walker) footer(flags [2]byte, indexSize int) error {
	f, err := w.take(headerSize)
	if err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	if !bytes.Equal(f[10:], footerMagic) {
		return errors.New("footer: no magic")
	}
	if crc32.ChecksumIEEE(f[4:10]) != binary.LittleEndian.Uint32(f) {
		return errors.New("footer: CRC32 does not match")
	}
	if back := (int64(binary.LittleEndian.Uint32(f[4:])) + 1) * 4; back != int64(indexSize) {
		return fmt.Errorf("footer: index is of %d bytes, stated as %d", indexSize, back)
	}
	if [2]byte(f[8:10]) != flags {
		return errors.New("footer: flags differ from the header's")
	}
	return nil
}

// fields reads the variable-length numbers of headers and index.
type fields struct {
	b   []byte
	err error
}

// number reads seven bits a byte, lowest first; at most nine bytes, and no
// zero byte at the end of a longer one.
func (r *fields) number() (n uint64) {
	for i := 0; i < len(r.b) && i < 9 && r.err == nil; i++ {
		c := r.b[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			if c == 0 && i > 0 {
				break
			}
			r.b = r.b[i+1:]
			return n
		}
	}
	if r.err == nil {
		r.err = errors.New("malformed number")
		if len(r.b) < 9 {
			r.err = errTruncated
		}
	}
	return 0
}

// bytes takes n bytes.
func (r *fields) bytes(n uint64) []byte {
	if r.err == nil && n > uint64(len(r.b)) {
		r.err = errTruncated
	}
	if r.err != nil {
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}
