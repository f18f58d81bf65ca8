// Package payload decompresses what kernel images and initial file systems are
// packed with: every compression that lib/decompress.c knows.
//
// Compressed data is known by its first bytes (Format, Of). It is decompressed
// either whole in memory (Format.Decode), as kernel images are, or as a stream
// (Format.NewReader), as initial file systems of hundreds of megabytes are. In
// both cases other data may follow: the kernel's build appends the size to a
// payload, and archives of an initial file system stand one behind the other.
package payload

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"modkeep/ko/xz"
)

// ErrLimit is wrapped where data unpacks to more than the limit given.
var ErrLimit = errors.New("unpacks to more than the limit")

// maxWholeWindow is the window that a zstd frame may ask for when it is decoded
// whole, in bytes. The output is its own window then.
const maxWholeWindow = 256 << 20

// Format is one compression.
type Format struct {
	Name  string // gzip, xz, zstd, lz4, lzo, bzip2 or lzma
	Magic string // how its data begins
	// decode is Decode.
	decode func(src []byte, hint, limit int) ([]byte, error)
	// open is NewReader.
	open func(r *Source) (io.Reader, error)
}

// Formats are the compressions, as scripts/extract-vmlinux searches for them.
// Of lz4 it is the legacy frame that lz4 -l writes: the kernel knows no other.
var Formats = []Format{
	{"gzip", "\x1f\x8b\x08", gunzip, openGzip},
	{"xz", "\xfd7zXZ\x00", unxz, openXZ},
	{"zstd", "\x28\xb5\x2f\xfd", unzstd, openZstd},
	{"lz4", "\x02\x21\x4c\x18", unlz4, openLZ4},
	{"lzo", lzopMagic, unlzo, openLZO},
	bzip2Format,
	{"lzma", "\x5d\x00\x00", unlzma, openLZMA},
}

var bzip2Format = Format{"bzip2", "BZh91AY&SY", bunzip2, openBzip2}

// Of returns the compression that b begins with.
func Of(b []byte) (Format, bool) {
	if len(b) > 4 && string(b[:3]) == "BZh" && b[3] >= '1' && b[3] <= '9' && b[4] == '1' {
		return bzip2Format, true // made with less than -9
	}
	for _, f := range Formats {
		if bytes.HasPrefix(b, []byte(f.Magic)) {
			return f, true
		}
	}
	return Format{}, false
}

// Decode decompresses what src begins with, to at most limit bytes; hint is how
// much is expected, 0 where that is not known. What follows the compressed data
// does not matter. With an error it may return what it has.
func (f Format) Decode(src []byte, hint, limit int) ([]byte, error) {
	out, err := f.decode(src, hint, limit)
	if errors.Is(err, xz.ErrLimit) {
		err = ErrLimit
	}
	return out, err
}

// readLimited reads all of r, at most limit bytes. With an error it returns
// what it has, never nil.
func readLimited(r io.Reader, hint, limit int) ([]byte, error) {
	out := make([]byte, 0, min(limit, max(hint+512, 1<<20)))
	for {
		if len(out) == cap(out) {
			if cap(out) >= limit {
				return out, ErrLimit
			}
			grown := make([]byte, len(out), min(limit, 2*cap(out)))
			copy(grown, out)
			out = grown
		}
		n, err := r.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
	}
}

func gunzip(src []byte, hint, limit int) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(src))
	if err != nil {
		return []byte{}, err
	}
	z.Multistream(false)
	return readLimited(z, hint, limit)
}

// errBzip2Next is what the decoder says of what follows a stream and is none.
const errBzip2Next = bzip2.StructuralError("bad magic value in continuation file")

// bunzip2 takes what follows the data, where the decoder looks for one more
// stream, for its end.
func bunzip2(src []byte, hint, limit int) ([]byte, error) {
	out, err := readLimited(bzip2.NewReader(bytes.NewReader(src)), hint, limit)
	if err == errBzip2Next {
		err = nil
	}
	return out, err
}

func unxz(src []byte, _, limit int) ([]byte, error) {
	out, _, err := xz.DecodePrefix(src, int64(limit))
	return out, err
}

// unlzma decodes what lzma(1) writes. Three bytes of magic are few: the size
// must be unknown or possible as well.
func unlzma(src []byte, _, limit int) ([]byte, error) {
	if len(src) < 13 {
		return []byte{}, io.ErrUnexpectedEOF
	}
	if size := binary.LittleEndian.Uint64(src[5:]); size != 1<<64-1 && size > uint64(limit) {
		return []byte{}, ErrLimit
	}
	out, _, err := xz.DecodeLZMAPrefix(src, int64(limit))
	return out, err
}

// unzstd decodes one frame. The decoder refuses bytes that follow a frame, so
// the frame's end is found first.
func unzstd(src []byte, hint, limit int) ([]byte, error) {
	n, err := zstdFrame(src)
	if err != nil {
		return []byte{}, err
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(limit)), zstd.WithDecoderMaxWindow(maxWholeWindow))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	// The frame of a kernel does not say its size: the build pipes into zstd.
	out, err := d.DecodeAll(src[:n], make([]byte, 0, hint))
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		err = ErrLimit
	}
	return out, err
}

// zstdFrame returns the length of the frame that src begins with, from the
// headers of its blocks (RFC 8878, 3.1.1).
func zstdFrame(src []byte) (int, error) {
	if len(src) < 6 {
		return 0, io.ErrUnexpectedEOF
	}
	n, sum := zstdHeader(src[4])
	for last := false; !last; {
		if n+3 > len(src) {
			return 0, io.ErrUnexpectedEOF
		}
		var size int
		size, last = zstdBlock(src[n:])
		n += size
	}
	if sum {
		n += 4
	}
	if n > len(src) {
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}

// zstdHeader returns the length of a frame's header, magic included, from its
// descriptor, and whether a checksum ends the frame.
func zstdHeader(d byte) (n int, sum bool) {
	n = 5 + []int{0, 1, 2, 4}[d&3] + []int{0, 2, 4, 8}[d>>6]
	if d&0x20 == 0 {
		n++ // window descriptor
	} else if d>>6 == 0 {
		n++ // a single segment always says its size
	}
	return n, d&4 != 0
}

// zstdBlock returns the length of the block whose header is at the beginning of
// b, header included, and whether it is the last.
func zstdBlock(b []byte) (n int, last bool) {
	h := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
	if h>>1&3 == 1 {
		return 3 + 1, h&1 != 0 // one byte, repeated
	}
	return 3 + h>>3, h&1 != 0
}
