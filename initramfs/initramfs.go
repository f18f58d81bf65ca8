// Package initramfs reads initial file systems of Linux kernels: which kernel
// modules are in one, and whether it must be made again after modules changed.
//
// An image is one or more archives, one behind the other with zeroes between
// them (Documentation/driver-api/early-userspace/buffer-format.rst). An archive
// is of cpio's "newc" form, with or without checksums ("crc"). Compressed data
// unpack to archives in turn. Usual is an early archive, not compressed, with
// microcode or ACPI tables, which the kernel reads before it can decompress,
// and behind it the main one. A file that several archives hold is the one of
// the last.
//
// A generator is the program that makes images: dracut, mkinitcpio,
// initramfs-tools or mkosi-initrd.
//
// Images are read as streams: what is unpacked is never whole in memory.
package initramfs

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"modkeep/kernel/payload"
	"modkeep/ko"
)

// What is read at most.
const (
	MaxSize     = 2 << 30 // bytes of an image
	MaxUnpacked = 4 << 30 // bytes that all of it may unpack to
	MaxModules  = 1 << 16 // modules in it; kernels have up to 7,000
	MaxArchives = 512
	maxName     = 4096     // bytes of a name, as in the kernel (PATH_MAX)
	maxNames    = 16 << 20 // bytes of all modules' names
)

// How much an image may unpack to: MaxUnpacked, and for each of its bytes
// maxRatio of them besides smallUnpacked. Images reach a ratio of 8.
const (
	maxRatio      = 32
	smallUnpacked = 16 << 20
)

// ErrTooLarge is wrapped where an image unpacks to more than any does.
var ErrTooLarge = errors.New("unpacks to more than any image")

// errFormat is what an image has to be.
var errFormat = errors.New("neither a cpio archive (newc) nor compressed data")

// Image is what an image holds.
type Image struct {
	Archives []Archive // in the file's order
	Modules  []Module  // in the order of their archives; one for each path
	// Inner are the files that are file systems in turn (squashfs, erofs), as
	// dracut's squash modules make them. What is in those is not read.
	Inner []string
}

// Archive is one cpio archive of an image.
type Archive struct {
	Offset      int64  // in the file; of compressed data where it is in such
	Compression string // gzip, xz, zstd, lz4, lzo, bzip2, lzma, or "" for none
	Files       int    // entries, directories and all
}

// Module is a module file in an image, or a symbolic link with a module's name.
type Module struct {
	Name    string // as the kernel knows it: ko.NameFromPath
	Path    string // in the image, clean and without a slash before it
	Kernel  string // the release in lib/modules/RELEASE/, or ""
	Archive int    // index in Archives
	Link    string // text of a symbolic link, else ""
	Size    int64  // bytes as stored; compressed modules stay compressed
	// SHA256 is of the content as stored, or of a link's text.
	SHA256 [sha256.Size]byte
}

// Open reads the image in a file.
func Open(name string) (*Image, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: ko.ErrNotRegular}
	}
	image, err := Read(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return image, nil
}

// Read reads an image of size bytes. What cannot be read to its end is an
// error, as then a module could be in it unseen; errors name the offset of the
// archive, in the file.
func Read(r io.ReaderAt, size int64) (*Image, error) {
	if size > MaxSize {
		return nil, fmt.Errorf("%d bytes are more than the %d of the largest image", size, MaxSize)
	}
	size = withoutBootConfig(r, size)
	rd := &reader{
		image: new(Image),
		index: make(map[string]int),
		left:  min(MaxUnpacked, size*maxRatio+smallUnpacked),
	}
	s := payload.NewSource(io.NewSectionReader(r, 0, size))
	if err := rd.file(s); err != nil {
		return nil, err
	}
	if len(rd.image.Archives) == 0 {
		return nil, errors.New("no archive in it")
	}
	return rd.image, nil
}

// withoutBootConfig returns the size of an image without the boot
// configuration that bootconfig(1) appends: text, padding, size, checksum,
// magic (get_boot_config_from_initrd in init/main.c).
func withoutBootConfig(r io.ReaderAt, size int64) int64 {
	const magic, most = "#BOOTCONFIG\n", 32 << 10
	var tail [len(magic) + 3 + 8]byte
	if size < int64(len(tail)) {
		return size
	}
	if _, err := r.ReadAt(tail[:], size-int64(len(tail))); err != nil && err != io.EOF {
		return size
	}
	i := bytes.LastIndex(tail[:], []byte(magic))
	if i < 8 {
		return size
	}
	head := size - int64(len(tail)-i) - 8
	text := int64(binary.LittleEndian.Uint32(tail[i-8:]))
	if text > most || text > head {
		return size
	}
	return head - text
}

// reader collects what an image holds.
type reader struct {
	image *Image
	index map[string]int // of Modules, by path
	left  int64          // bytes that may still be unpacked
	names int            // bytes of the modules' names
}

// file reads archives and compressed data until the file ends.
func (rd *reader) file(s *payload.Source) error {
	for {
		if err := skipZeros(s); err != nil {
			return err
		}
		off := s.Offset()
		head, err := s.Peek(16)
		if len(head) == 0 {
			return eofIsEnd(err)
		}
		if isCPIO(head) {
			if off%4 != 0 {
				return fmt.Errorf("archive at offset %#x: not at a multiple of four bytes", off)
			}
			a := &archive{reader: rd, in: s, at: Archive{Offset: off}}
			if err := a.read(); err != nil {
				return fmt.Errorf("archive at offset %#x: %w", off, err)
			}
			continue
		}
		f, ok := payload.Of(head)
		if !ok {
			return fmt.Errorf("offset %#x: %w", off, errFormat)
		}
		if err := rd.compressed(s, f, off); err != nil {
			return fmt.Errorf("%s data at offset %#x: %w", f.Name, off, err)
		}
	}
}

// compressed reads the archives that compressed data unpack to.
func (rd *reader) compressed(s *payload.Source, f payload.Format, off int64) error {
	z, err := f.NewReader(s)
	if err != nil {
		return err
	}
	defer z.Close()
	in := payload.NewSource(&metered{z, rd})
	for first := true; ; first = false {
		if err := skipZeros(in); err != nil {
			return err
		}
		head, err := in.Peek(6)
		if err = eofIsEnd(err); len(head) == 0 && (err != nil || !first) {
			return err
		}
		if !isCPIO(head) {
			return errors.New("unpacks to no cpio archive (newc)")
		}
		a := &archive{reader: rd, in: in, at: Archive{Offset: off, Compression: f.Name}}
		if err := a.read(); err != nil {
			return err
		}
	}
}

// metered counts what is unpacked.
type metered struct {
	r  io.Reader
	rd *reader
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if m.rd.left -= int64(n); m.rd.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}

func eofIsEnd(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// skipZeros takes the padding between archives.
func skipZeros(s *payload.Source) error {
	for {
		if _, err := s.Peek(1); err != nil {
			return eofIsEnd(err)
		}
		b, _ := s.Peek(s.Buffered())
		rest := bytes.TrimLeft(b, "\x00")
		s.Discard(len(b) - len(rest))
		if len(rest) > 0 {
			return nil
		}
	}
}

// moduleSuffixes are how names of module files end.
var moduleSuffixes = []string{".ko", ".ko.gz", ".ko.xz", ".ko.zst", ".ko.bz2", ".ko.lzma", ".ko.lz4"}

func isModule(name string) bool {
	for _, suffix := range moduleSuffixes {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// isInner says whether a file of an image is a file system with more files:
// dracut's squash-root.img, squashfs-root.img, erofs-root.img.
func isInner(name string) bool {
	base := path.Base(name)
	return strings.HasSuffix(base, "-root.img") && (strings.HasPrefix(base, "squash") || strings.HasPrefix(base, "erofs"))
}

// newModule says of a path what it tells.
func newModule(p string) Module {
	base := path.Base(p)
	if i := strings.LastIndex(base, ".ko."); i >= 0 {
		base = base[:i+3]
	}
	m := Module{Name: ko.NameFromPath(base), Path: p}
	if _, rest, ok := strings.Cut("/"+p, "/lib/modules/"); ok {
		m.Kernel, _, _ = strings.Cut(rest, "/")
	}
	return m
}

// add puts a module into the image; one of the same path is replaced, as the
// kernel does.
func (rd *reader) add(m Module) (index int, err error) {
	if i, ok := rd.index[m.Path]; ok {
		rd.image.Modules[i] = m
		return i, nil
	}
	if rd.names += len(m.Path); len(rd.image.Modules) >= MaxModules || rd.names > maxNames {
		return 0, fmt.Errorf("more than %d modules, or %d bytes of names", MaxModules, maxNames)
	}
	rd.index[m.Path] = len(rd.image.Modules)
	rd.image.Modules = append(rd.image.Modules, m)
	return len(rd.image.Modules) - 1, nil
}
