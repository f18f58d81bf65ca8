package image

import (
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

// magics are how compressed data begins (scripts/extract-vmlinux). unpack
// decompresses what src begins with, to at most limit bytes; hint is how much
// is expected, 0 where that is not known. It may return what it has along with
// an error.
var magics = []struct {
	name, magic string
	unpack      func(src []byte, hint, limit int) ([]byte, error)
}{
	{"gzip", "\x1f\x8b\x08", gunzip},
	{"xz", "\xfd7zXZ\x00", unxz},
	{"zstd", "\x28\xb5\x2f\xfd", unzstd},
	{"lz4", "\x02\x21\x4c\x18", unlz4},
	{"lzo", lzopMagic, unlzo},
	{"bzip2", "BZh91AY&SY", bunzip2},
	{"lzma", "\x5d\x00\x00", unlzma},
}

var (
	errOutput    = errors.New("unpacks to more than a kernel can have")
	errNoPayload = errors.New("no kernel image: neither ELF nor a compressed payload in it")
)

// compressionOf returns the name of the compression that b begins with, or "".
func compressionOf(b []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(b, []byte(m.magic)) {
			return m.name
		}
	}
	return ""
}

// unpack decompresses a payload. What follows the compressed data does not
// matter: the build appends the size to most.
func unpack(src []byte) ([]byte, error) {
	limit := limitOf(len(src))
	hint := 0
	if n := len(src); n >= 4 {
		if size := int(binary.LittleEndian.Uint32(src[n-4:])); size > n && size <= limit {
			hint = size
		}
	}
	for _, m := range magics {
		if !bytes.HasPrefix(src, []byte(m.magic)) {
			continue
		}
		out, err := m.unpack(src, hint, limit)
		if errors.Is(err, xz.ErrLimit) {
			err = errOutput
		}
		if err != nil {
			return nil, fmt.Errorf("%s payload: %w", m.name, err)
		}
		return out, nil
	}
	return nil, errors.New("payload of no known compression")
}

// limitOf is the most that a payload of n bytes may unpack to.
func limitOf(n int) int { return min(MaxSize, maxRatio*n+1<<20) }

// payload returns the kernel proper that an image carries.
func (m *Image) payload(file []byte) ([]byte, error) {
	switch m.Format {
	case ARM64:
		return file, nil
	case Packed:
		return m.packed(file)
	case BzImage:
		if out, ok := bzPayload(file); ok {
			return out, nil
		}
	case ZBoot:
		off, size := uint64(binary.LittleEndian.Uint32(file[8:])), uint64(binary.LittleEndian.Uint32(file[12:]))
		if off+size > uint64(len(file)) {
			return nil, fmt.Errorf("EFI zboot: payload of %d bytes at offset %#x does not lie inside the file", size, off)
		}
		return unpack(file[off : off+size])
	}
	return search(file)
}

// packed unpacks a file that is compressed as a whole. What comes out is a
// kernel, not another wrapper.
func (m *Image) packed(file []byte) ([]byte, error) {
	out, err := unpack(file)
	if err == nil && len(out) < 64 {
		err = errNoPayload
	}
	return out, err
}

// bzPayload takes the payload that the setup header names; false where it
// names none (boot protocol before 2.08) or that is damaged, when a search may
// still find it.
func bzPayload(file []byte) ([]byte, bool) {
	if len(file) < 0x250 || binary.LittleEndian.Uint16(file[0x206:]) < 0x208 {
		return nil, false
	}
	sectors := uint64(file[0x1f1])
	if sectors == 0 {
		sectors = 4
	}
	off := (sectors+1)*512 + uint64(binary.LittleEndian.Uint32(file[0x248:]))
	size := uint64(binary.LittleEndian.Uint32(file[0x24c:]))
	if size < 16 || off+size > uint64(len(file)) {
		return nil, false
	}
	payload := file[off : off+size]
	if formatOf(payload) == ELF { // CONFIG_KERNEL_UNCOMPRESSED
		return payload, true
	}
	out, err := unpack(payload)
	return out, err == nil
}

// search tries every place where a payload could begin, as extract-vmlinux
// does. What it unpacks in vain is bounded: by what came out, and where that
// is not known by an eighth of the whole for each place.
func search(file []byte) ([]byte, error) {
	last := errNoPayload
	limit := limitOf(len(file))
	budget := limit
	for _, m := range magics {
		for off := 0; ; off++ {
			i := bytes.Index(file[off:], []byte(m.magic))
			if i < 0 {
				break
			}
			off += i
			if budget <= 0 {
				return nil, fmt.Errorf("too many places look like a payload: %w", last)
			}
			out, err := m.unpack(file[off:], 0, min(limit, limitOf(len(file)-off)))
			if err == nil && isKernel(out) {
				return out, nil
			}
			if err != nil && last == errNoPayload {
				last = fmt.Errorf("%w; %s data at offset %#x: %w", errNoPayload, m.name, off, err)
			}
			if out == nil {
				budget -= limit / 8
			}
			budget -= max(len(out), 64<<10)
		}
	}
	return nil, last
}

// isKernel tells a payload from other compressed things, such as an initial
// file system in the same file.
func isKernel(b []byte) bool {
	return formatOf(b) == ELF || bytes.Contains(b, []byte(linuxVersion))
}

// readLimited reads all of r, at most limit bytes. With an error it returns
// what it has, never nil.
func readLimited(r io.Reader, hint, limit int) ([]byte, error) {
	out := make([]byte, 0, min(limit, max(hint+512, 1<<20)))
	for {
		if len(out) == cap(out) {
			if cap(out) >= limit {
				return out, errOutput
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

// bunzip2 takes what follows the data, where the decoder looks for one more
// stream, for its end.
func bunzip2(src []byte, hint, limit int) ([]byte, error) {
	out, err := readLimited(bzip2.NewReader(bytes.NewReader(src)), hint, limit)
	if err == bzip2.StructuralError("bad magic value in continuation file") {
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
		return []byte{}, errOutput
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
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(limit)), zstd.WithDecoderMaxWindow(MaxSize))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	// The frame of a kernel does not say its size: the build pipes into zstd.
	out, err := d.DecodeAll(src[:n], make([]byte, 0, hint))
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		err = errOutput
	}
	return out, err
}

// zstdFrame returns the length of the frame that src begins with, from the
// headers of its blocks (RFC 8878, 3.1.1).
func zstdFrame(src []byte) (int, error) {
	if len(src) < 6 {
		return 0, io.ErrUnexpectedEOF
	}
	d := src[4] // frame header descriptor
	n := 5 + []int{0, 1, 2, 4}[d&3] + []int{0, 2, 4, 8}[d>>6]
	if d&0x20 == 0 {
		n++ // window descriptor
	} else if d>>6 == 0 {
		n++ // a single segment always says its size
	}
	for {
		if n+3 > len(src) {
			return 0, io.ErrUnexpectedEOF
		}
		h := int(src[n]) | int(src[n+1])<<8 | int(src[n+2])<<16
		n += 3
		if h>>1&3 == 1 {
			n++ // one byte, repeated
		} else {
			n += h >> 3
		}
		if h&1 != 0 {
			break
		}
	}
	if d&4 != 0 {
		n += 4 // checksum
	}
	if n > len(src) {
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}
