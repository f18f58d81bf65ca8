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
	"github.com/ulikunitz/xz"
)

// MaxUnpacked is the most bytes that a compressed module may unpack to. The
// largest modules with debugging information that are packed have about 70 MB;
// a bomb meets the limit within the second.
const MaxUnpacked = 80 << 20

// ErrTooLarge is wrapped by the error for a module that unpacks to more than
// MaxUnpacked.
var ErrTooLarge = fmt.Errorf("unpacks to more than %d bytes", MaxUnpacked)

// The first bytes by which kmod knows a compressed module (libkmod-file.c, 30).
var magics = []struct {
	magic string
	c     Compression
}{
	{"\xfd7zXZ\x00", XZ},
	{"\x28\xb5\x2f\xfd", Zstd},
	{"\x1f\x8b", Gzip},
}

func compressionOf(head []byte) Compression {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.c
		}
	}
	return None
}

// decompress unpacks a module file of size bytes.
func decompress(c Compression, r io.ReaderAt, size int64) ([]byte, error) {
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
		return unxz(src)
	case Zstd:
		return unzstd(src)
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

func unxz(src []byte) ([]byte, error) {
	r, err := xz.NewReader(bytes.NewReader(src))
	if err != nil {
		return nil, err
	}
	return readAll(r, len(src), 0)
}

// readAll reads to the end, with room for hint bytes from the start where
// that many can come of packed ones.
func readAll(r io.Reader, packed int, hint int64) ([]byte, error) {
	room := int64(packed) * 4
	if hint > 0 && hint <= 1032*int64(packed) { // deflate packs no better
		room = hint
	}
	buf := make([]byte, 0, min(room, MaxUnpacked)+512)
	for {
		if len(buf) == cap(buf) {
			grown := make([]byte, len(buf), min(2*cap(buf), MaxUnpacked+512))
			copy(grown, buf)
			buf = grown
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if len(buf) > MaxUnpacked {
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

// zstdDecoder is shared: DecodeAll may be called by several goroutines.
var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil,
		zstd.WithDecoderMaxMemory(MaxUnpacked),
		zstd.WithDecoderMaxWindow(128<<20),
		zstd.WithDecoderConcurrency(0))
})

func unzstd(src []byte) ([]byte, error) {
	d, err := zstdDecoder()
	if err != nil {
		return nil, err
	}
	data, err := d.DecodeAll(src, nil)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return nil, ErrTooLarge
	}
	return data, err
}
