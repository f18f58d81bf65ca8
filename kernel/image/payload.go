package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"modkeep/kernel/payload"
)

var (
	errOutput    = errors.New("unpacks to more than a kernel can have")
	errNoPayload = errors.New("no kernel image: neither ELF nor a compressed payload in it")
)

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
	f, ok := payload.Of(src)
	if !ok {
		return nil, errors.New("payload of no known compression")
	}
	out, err := f.Decode(src, hint, limit)
	if errors.Is(err, payload.ErrLimit) {
		err = errOutput
	}
	if err != nil {
		return nil, fmt.Errorf("%s payload: %w", f.Name, err)
	}
	return out, nil
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
	packed := file[off : off+size]
	if formatOf(packed) == ELF { // CONFIG_KERNEL_UNCOMPRESSED
		return packed, true
	}
	out, err := unpack(packed)
	return out, err == nil
}

// search tries every place where a payload could begin, as extract-vmlinux
// does. What it unpacks in vain is bounded: by what came out, and where that
// is not known by an eighth of the whole for each place.
func search(file []byte) ([]byte, error) {
	last := errNoPayload
	limit := limitOf(len(file))
	budget := limit
	for _, f := range payload.Formats {
		for off := 0; ; off++ {
			i := bytes.Index(file[off:], []byte(f.Magic))
			if i < 0 {
				break
			}
			off += i
			if budget <= 0 {
				return nil, fmt.Errorf("too many places look like a payload: %w", last)
			}
			out, err := f.Decode(file[off:], 0, min(limit, limitOf(len(file)-off)))
			if err == nil && isKernel(out) {
				return out, nil
			}
			if err != nil && last == errNoPayload {
				last = fmt.Errorf("%w; %s data at offset %#x: %w", errNoPayload, f.Name, off, err)
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
