package payload

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"modkeep/ko/xz"
)

// MaxWindow is the window or dictionary that a stream may ask for, in bytes:
// xz -9 uses 64 MiB, zstd -19 8 MiB. More is ErrLimit.
const MaxWindow = 64 << 20

// sourceSize is the buffer of a Source: the packed data of an LZMA2 chunk lie
// in it whole.
const sourceSize = 128 << 10

// Source is where streams take compressed data from. None takes a byte that
// lies behind its data, so that what follows can be read from the Source next.
type Source struct {
	*bufio.Reader
	in counter
}

// counter counts what was read of r.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// NewSource returns a Source of what r gives.
func NewSource(r io.Reader) *Source {
	s := &Source{in: counter{r: r}}
	s.Reader = bufio.NewReaderSize(&s.in, sourceSize)
	return s
}

// Offset is how many bytes were taken from the Source.
func (s *Source) Offset() int64 { return s.in.n - int64(s.Buffered()) }

// NewReader returns what the compressed data at the beginning of s unpack to.
// The reader does not bound how much that is. It is to be closed. A check that
// the data carry was right where Read returns io.EOF; data cut short are
// io.ErrUnexpectedEOF.
func (f Format) NewReader(s *Source) (io.ReadCloser, error) {
	r, err := f.open(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, limitError(err))
	}
	return &stream{f.Name, r}, nil
}

// stream gives errors the compression's name.
type stream struct {
	name string
	r    io.Reader
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%s: %w", s.name, limitError(err))
	}
	return n, err
}

// Close ends the decoder where it must be ended.
func (s *stream) Close() error {
	if z, ok := s.r.(*zstd.Decoder); ok {
		z.Close()
	}
	return nil
}

// limitError makes ErrLimit of what the decoders say where data ask for too
// much.
func limitError(err error) error {
	switch {
	case errors.Is(err, xz.ErrLimit), errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Errorf("%w: %w", ErrLimit, err)
	}
	return err
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func openGzip(s *Source) (io.Reader, error) {
	z, err := gzip.NewReader(s.Reader)
	if err != nil {
		return nil, noEOF(err)
	}
	z.Multistream(false)
	return z, nil
}

func openXZ(s *Source) (io.Reader, error) { return xz.NewReader(s.Reader, MaxWindow) }

func openLZMA(s *Source) (io.Reader, error) { return xz.NewLZMAReader(s.Reader, MaxWindow) }

// openBzip2 keeps the two bytes in which the decoder looks for one more stream
// from being taken.
func openBzip2(s *Source) (io.Reader, error) {
	in := &bzip2In{r: s.Reader}
	return &bzip2Out{r: bzip2.NewReader(in), in: in}, nil
}

// bzip2In gives bytes out two before they are taken from r.
type bzip2In struct {
	r     *bufio.Reader
	given int // bytes of r that were given out and not taken
}

func (b *bzip2In) ReadByte() (byte, error) {
	if b.given == 2 {
		b.r.Discard(1)
		b.given--
	}
	head, err := b.r.Peek(b.given + 1)
	if err != nil {
		return 0, err
	}
	b.given++
	return head[b.given-1], nil
}

// Read is there for the decoder's signature; it reads by byte.
func (b *bzip2In) Read(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		if p[n], err = b.ReadByte(); err == nil {
			n++
		}
	}
	return n, err
}

type bzip2Out struct {
	r  io.Reader
	in *bzip2In
}

func (b *bzip2Out) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	switch err {
	case nil:
	case errBzip2Next:
		b.in.given = 0
		err = io.EOF
	default:
		b.in.r.Discard(b.in.given)
		b.in.given = 0
	}
	return n, err
}

// openZstd decodes one frame, as the kernel does. The decoder would look for
// more of them.
func openZstd(s *Source) (io.Reader, error) {
	return zstd.NewReader(&zstdFrames{r: s.Reader}, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(MaxWindow))
}

// zstdFrames gives the bytes of one frame (RFC 8878, 3.1.1), then io.EOF.
type zstdFrames struct {
	r    *bufio.Reader
	left int  // bytes up to the next block header or the end
	last bool // the last block's header was seen
	sum  bool // a checksum follows it
	head bool // the frame header was seen
}

func (z *zstdFrames) Read(p []byte) (int, error) {
	for z.left == 0 {
		if err := z.next(); err != nil {
			return 0, err
		}
	}
	n, err := z.r.Read(p[:min(len(p), z.left)])
	z.left -= n
	return n, noEOF(err)
}

// next looks at the header that comes now, which belongs to what is given out.
func (z *zstdFrames) next() error {
	switch {
	case !z.head:
		h, err := z.r.Peek(5)
		if err != nil {
			return noEOF(err)
		}
		z.head = true
		z.left, z.sum = zstdHeader(h[4])
	case !z.last:
		h, err := z.r.Peek(3)
		if err != nil {
			return noEOF(err)
		}
		z.left, z.last = zstdBlock(h)
	case z.sum:
		z.sum, z.left = false, 4
	default:
		return io.EOF
	}
	return nil
}

// lz4Reader decodes the legacy frame, one block of 8 MiB at a time.
type lz4Reader struct {
	r     *bufio.Reader
	in    []byte
	out   []byte
	ready []byte
	err   error
}

func openLZ4(s *Source) (io.Reader, error) {
	_, err := s.Discard(4)
	return &lz4Reader{r: s.Reader}, noEOF(err)
}

func (l *lz4Reader) Read(p []byte) (int, error) {
	for len(l.ready) == 0 {
		if l.err != nil {
			return 0, l.err
		}
		l.ready, l.err = l.block()
	}
	n := copy(p, l.ready)
	l.ready = l.ready[n:]
	return n, nil
}

// block decodes the next block. Behind a short one, or where no block can be,
// the data end (unlz4).
func (l *lz4Reader) block() ([]byte, error) {
	if len(l.out) > 0 && len(l.out) < lz4BlockSize {
		return nil, io.EOF
	}
	head, err := l.r.Peek(4)
	switch {
	case len(head) == 0 && err == io.EOF && l.out != nil:
		return nil, io.EOF
	case err != nil:
		return nil, noEOF(err)
	}
	n := binary.LittleEndian.Uint32(head)
	switch {
	case n == lz4Legacy:
		l.r.Discard(4)
		return nil, nil
	case n == 0 && l.out != nil:
		return nil, io.EOF
	case n == 0 || n > lz4MaxPacked:
		return nil, fmt.Errorf("block of %d bytes", n)
	}
	l.r.Discard(4)
	if l.in, err = readN(l.r, l.in, int(n)); err != nil {
		return nil, err
	}
	if l.out == nil {
		l.out = make([]byte, 0, 1<<20)
	}
	l.out, err = lz4Block(l.out[:0], l.in, lz4BlockSize)
	return l.out, err
}

// readN reads n bytes into buf's memory or, as they come, into new.
func readN(r io.Reader, buf []byte, n int) ([]byte, error) {
	if cap(buf) >= n {
		_, err := io.ReadFull(r, buf[:n])
		return buf[:n], noEOF(err)
	}
	b := bytes.NewBuffer(buf[:0])
	_, err := io.CopyN(b, r, int64(n))
	return b.Bytes(), noEOF(err)
}

// lzoReader decodes a file of lzop(1), a block at a time.
type lzoReader struct {
	r       *bufio.Reader
	flags   uint32
	in, out []byte
	ready   []byte
	err     error
}

func openLZO(s *Source) (io.Reader, error) {
	// The longest header has a name of 255 bytes.
	head, err := s.Peek(lzopHeaderMax)
	if err != nil && err != io.EOF {
		return nil, err
	}
	off, flags, err := lzopHeader(head)
	if err != nil {
		return nil, err
	}
	_, err = s.Discard(off)
	return &lzoReader{r: s.Reader, flags: flags}, err
}

func (l *lzoReader) Read(p []byte) (int, error) {
	for len(l.ready) == 0 {
		if l.err != nil {
			return 0, l.err
		}
		l.ready, l.err = l.block()
	}
	n := copy(p, l.ready)
	l.ready = l.ready[n:]
	return n, nil
}

// block decodes the next block; a size of zero ends the data.
func (l *lzoReader) block() ([]byte, error) {
	const maxBlock = 256 << 10 // lib/decompress_unlzo.c takes no larger one
	var h [8]byte
	if _, err := io.ReadFull(l.r, h[:4]); err != nil {
		return nil, noEOF(err)
	}
	size := binary.BigEndian.Uint32(h[:])
	if size == 0 {
		return nil, io.EOF
	}
	if _, err := io.ReadFull(l.r, h[4:]); err != nil {
		return nil, noEOF(err)
	}
	packed := binary.BigEndian.Uint32(h[4:])
	if size > maxBlock || packed > size {
		return nil, fmt.Errorf("block of %d bytes in %d", size, packed)
	}
	if _, err := l.r.Discard(lzopSums(l.flags, packed < size)); err != nil {
		return nil, noEOF(err)
	}
	var err error
	if l.in, err = readN(l.r, l.in, int(packed)); err != nil || packed == size {
		return l.in, err
	}
	if l.out == nil {
		l.out = make([]byte, 0, maxBlock)
	}
	out, err := lzo1x(l.out[:0], l.in, int(size))
	if err == nil && len(out) != int(size) {
		err = errShortBlock
	}
	return out, err
}
