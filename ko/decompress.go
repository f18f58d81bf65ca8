package ko

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"modkeep/ko/xz"
)

// MaxUnpacked is the most bytes that a compressed module may unpack to. The
// largest modules with debugging information that are packed have about 70 MB;
// a bomb meets the limit within the second.
const MaxUnpacked = 80 << 20

// ErrTooLarge is wrapped by the error for a module that unpacks to more than
// MaxUnpacked, or more than any module of its packed size: no module of a
// distribution packs better than 24 to 1.
var ErrTooLarge = errors.New("unpacks to more than any module")

const (
	maxRatio  = 48
	smallFile = 8 << 20 // what a file of any size may unpack to
)

// limitOf returns how many bytes a file of that packed size may unpack to.
func limitOf(packed int) int64 {
	return min(MaxUnpacked, smallFile+maxRatio*int64(packed))
}

// The first bytes by which kmod knows a compressed module (libkmod-file.c, 30).
var magics = []struct {
	magic string
	c     Compression
}{
	{"\xfd7zXZ\x00", XZ},
	{"\x28\xb5\x2f\xfd", Zstd},
	{"\x1f\x8b", Gzip},
}

// CompressionOf tells from a file's first bytes how it is packed.
func CompressionOf(head []byte) Compression {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.c
		}
	}
	return None
}

// decompress unpacks a module file of size bytes, into the memory of dst where
// that is enough.
func decompress(dst []byte, c Compression, r io.ReaderAt, size int64) ([]byte, error) {
	if size > MaxUnpacked {
		return nil, fmt.Errorf("%d bytes packed: %w", size, ErrTooLarge)
	}
	src, ok := sliceAt(r, size)
	if !ok {
		src = make([]byte, size)
		if n, err := r.ReadAt(src, 0); n < len(src) {
			return nil, err
		}
	}
	switch c {
	case Gzip:
		return gunzip(src)
	case XZ:
		return unxz(dst, src)
	case Zstd:
		return unzstd(dst, src)
	}
	return nil, fmt.Errorf("compression %q is not known", string(c))
}

func sliceAt(r io.ReaderAt, size int64) ([]byte, bool) {
	if s, ok := r.(*Image); ok {
		return s.Slice(0, size)
	}
	return nil, false
}

var gzipReaders sync.Pool

func gunzip(src []byte) ([]byte, error) {
	r, ok := gzipReaders.Get().(*gzip.Reader)
	if !ok {
		r = new(gzip.Reader)
	}
	defer gzipReaders.Put(r)
	if err := r.Reset(bytes.NewReader(src)); err != nil {
		return nil, err
	}
	// The last four bytes are the length modulo 2^32 (RFC 1952 ISIZE).
	var hint int64
	if len(src) >= 18 {
		hint = int64(binary.LittleEndian.Uint32(src[len(src)-4:]))
	}
	return readAll(r, len(src), hint)
}

func unxz(dst, src []byte) ([]byte, error) {
	data, err := xz.DecodeInto(dst, src, limitOf(len(src)))
	if errors.Is(err, xz.ErrLimit) {
		return nil, ErrTooLarge
	}
	return data, err
}

// growTo is the size from which a buffer grows to the limit at once, so that
// old and new together stay near it.
const growTo = 8 << 20

// readAll reads to the end, with room for hint bytes from the start where
// that many can come of packed ones.
func readAll(r io.Reader, packed int, hint int64) ([]byte, error) {
	room := int64(packed) * 4
	if hint > 0 && hint <= 1032*int64(packed) { // deflate packs no better
		room = hint
	}
	if room > growTo && room != hint {
		room = growTo
	}
	limit := limitOf(packed)
	buf := make([]byte, 0, min(room, limit)+512)
	for {
		if len(buf) == cap(buf) {
			room := 2 * cap(buf)
			if room > growTo {
				room = int(limit) + 512
			}
			grown := make([]byte, len(buf), room)
			copy(grown, buf)
			buf = grown
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return nil, ErrTooLarge
		}
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// The decoders for zstd. A frame that states its size, as zstd writes it for a
// file, is decoded in one piece by a decoder that several goroutines share;
// others are read as a stream.
var (
	zstdWhole = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil,
			zstd.WithDecoderMaxMemory(MaxUnpacked),
			zstd.WithDecoderConcurrency(0))
	})
	zstdStreams sync.Pool
)

// zstdWindow is the largest window that is taken: that of zstd -19 (8 MiB).
// The kernel refuses more than 128 MiB, kmod nothing.
const zstdWindow = 8 << 20

func unzstd(dst, src []byte) ([]byte, error) {
	var h zstd.Header
	if err := h.Decode(src); err != nil {
		return nil, err
	}
	var data []byte
	var err error
	if h.HasFCS {
		data, err = unzstdWhole(dst, src, h.FrameContentSize)
	} else {
		data, err = unzstdStream(src)
	}
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return nil, ErrTooLarge
	}
	return data, err
}

func unzstdWhole(dst, src []byte, size uint64) ([]byte, error) {
	if size > uint64(limitOf(len(src))) {
		return nil, ErrTooLarge
	}
	d, err := zstdWhole()
	if err != nil {
		return nil, err
	}
	// A block packs 128 KiB into no less than four bytes.
	if size > uint64(len(src))<<15 {
		size = 0
	}
	if uint64(len(dst)) < size {
		dst = make([]byte, 0, size)
	}
	return d.DecodeAll(src, dst[:0])
}

func unzstdStream(src []byte) ([]byte, error) {
	d, ok := zstdStreams.Get().(*zstd.Decoder)
	if !ok {
		var err error
		d, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, err
		}
	}
	defer zstdStreams.Put(d)
	if err := d.Reset(bytes.NewReader(src)); err != nil {
		return nil, err
	}
	data, err := readAll(d, len(src), 0)
	d.Reset(nil)
	return data, err
}
