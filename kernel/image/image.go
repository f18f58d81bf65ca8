// Package image reads kernel images: vmlinux, and vmlinuz of every compression
// and architecture. From the image alone come the exports with their CRCs,
// vermagic, the banner, the built-in configuration and the certificates that
// the kernel trusts.
//
// A kernel image is what a boot loader starts. It is the kernel proper, or a
// small program (the wrapper) that carries the kernel proper compressed: the
// payload. The kernel proper is vmlinux, an ELF file that has kept its section
// headers, or a flat copy of memory without any. Which image is which:
//
//	x86      bzImage (Documentation/arch/x86/boot.rst) around an ELF file
//	arm64    flat "Image" (Documentation/arch/arm64/booting.rst), plain or .gz
//	s390     bzImage of its own (arch/s390/boot) around a flat payload
//	powerpc  ELF as it is
//	others   EFI zboot (drivers/firmware/efi/libstub/zboot-header.S)
//
// Read in Linux 6.1 and 6.12; the table of 7.x in images of it.
package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"modkeep/kernel/payload"
)

// Format is how an image begins.
type Format string

// The formats that are told apart by an image's first bytes.
const (
	ELF     Format = "vmlinux"
	BzImage Format = "bzImage"     // x86
	ARM64   Format = "arm64 Image" // also riscv and loongarch, whose headers are alike
	ZBoot   Format = "EFI zboot"
	Packed  Format = "compressed" // the whole file is gzip, xz, zstd …: Image.gz
	Other   Format = "other"      // searched for a payload: s390, arm zImage, older x86
)

// MaxSize is the most bytes that are read of an image and the most that a
// payload may have, decompressed. Debian's kernels have 16 to 70 MB; those
// with KASAN and lockdep about 150 MB.
const MaxSize = 256 << 20

// maxRatio is how many bytes one byte of a payload may unpack to. Kernels
// reach 9 (Debian's 6.1 for amd64: 8.1 with xz).
const maxRatio = 24

// ErrAbsent is wrapped where a kernel does not have what was asked for: a
// configuration that was not built in, exports of a kernel without modules.
var ErrAbsent = errors.New("not in this kernel")

// Image is a kernel image. What needs the payload decompresses it when first
// asked and keeps it until Close. It may be used by several goroutines.
type Image struct {
	Path   string
	Format Format

	r    io.ReaderAt
	size int64
	head []byte // first bytes of the file
	file *os.File

	once   sync.Once
	kernel *kernel
	err    error
}

// Open opens a kernel image. The file stays open until Close. A path that is
// not a regular file is an error.
func Open(path string) (*Image, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	m, err := New(path, f, info.Size())
	if err != nil {
		f.Close()
		return nil, err
	}
	m.file = f
	return m, nil
}

// New reads the beginning of an image of size bytes; path is for errors.
func New(path string, r io.ReaderAt, size int64) (*Image, error) {
	m := &Image{Path: path, r: r, size: size, head: make([]byte, min(max(size, 0), 64<<10))}
	n, err := r.ReadAt(m.head, 0)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m.head = m.head[:n]
	if n < 64 {
		return nil, fmt.Errorf("%s: %d bytes are no kernel image", path, size)
	}
	m.Format = formatOf(m.head)
	return m, nil
}

// Close closes the file that Open opened and lets go of the payload.
func (m *Image) Close() error {
	m.once.Do(func() { m.err = os.ErrClosed })
	m.kernel = nil
	if m.file == nil {
		return nil
	}
	return m.file.Close()
}

func formatOf(head []byte) Format {
	at := func(off int, s string) bool {
		return len(head) >= off+len(s) && string(head[off:off+len(s)]) == s
	}
	switch {
	case at(0, "\x7fELF"):
		return ELF
	case at(0x202, "HdrS"):
		return BzImage
	case at(0, "MZ") && at(4, "zimg"):
		return ZBoot
	case at(0x38, "ARM\x64"), at(0x30, "RISCV\x00"):
		return ARM64
	}
	if _, ok := payload.Of(head); ok {
		return Packed
	}
	return Other
}

// vmlinux returns the kernel proper.
func (m *Image) vmlinux() (*kernel, error) {
	m.once.Do(func() { m.kernel, m.err = m.load() })
	if m.err != nil {
		return nil, fmt.Errorf("%s: %w", m.Path, m.err)
	}
	if m.kernel == nil {
		return nil, fmt.Errorf("%s: %w", m.Path, os.ErrClosed)
	}
	return m.kernel, nil
}

func (m *Image) load() (*kernel, error) {
	if m.Format == ELF {
		return newELF(m.r, m.size)
	}
	if m.size > MaxSize {
		return nil, fmt.Errorf("%d bytes are more than the %d of the largest kernel image", m.size, MaxSize)
	}
	file := make([]byte, m.size)
	if n, err := m.r.ReadAt(file, 0); n < len(file) {
		return nil, fmt.Errorf("read: %w", err)
	}
	proper, err := m.payload(file)
	if err != nil {
		return nil, err
	}
	if formatOf(proper) == ELF {
		r := memory{bytes.NewReader(proper), proper}
		return newELF(r, int64(len(proper)))
	}
	return &kernel{flat: proper}, nil
}

// memory is a file in memory; elf.File takes its bytes without copying.
type memory struct {
	*bytes.Reader
	b []byte
}

// Slice implements elf.Slicer.
func (m memory) Slice(off, n int64) ([]byte, bool) {
	return m.b[off : off+n : off+n], true
}

// Banner returns release, builder and version of the kernel, for instance
//
//	6.1.0-56-amd64 (debian-kernel@lists.debian.org) #1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)
//
// Where it can it takes it from the wrapper, without decompressing: the setup
// header of x86 points at it. Else it is made from LinuxVersion.
func (m *Image) Banner() (string, error) {
	if s := m.setupVersion(); s != "" {
		return s, nil
	}
	s, err := m.LinuxVersion()
	if err != nil {
		return "", err
	}
	return shortBanner(s), nil
}

// Release returns what uname -r prints on the kernel: the first word of Banner.
func (m *Image) Release() (string, error) {
	banner, err := m.Banner()
	if err != nil {
		return "", err
	}
	return firstWord(banner), nil
}

// setupVersion reads what kernel_version of an x86 setup header points at, ""
// where that is nothing.
func (m *Image) setupVersion() string {
	if m.Format != BzImage || len(m.head) < 0x210 {
		return ""
	}
	off := int(binary.LittleEndian.Uint16(m.head[0x20e:]))
	if off == 0 || off+0x200 >= len(m.head) {
		return ""
	}
	s := m.head[off+0x200:]
	end := bytes.IndexByte(s[:min(len(s), 1024)], 0)
	if end <= 0 || !printable(s[:end]) {
		return ""
	}
	return string(s[:end])
}
