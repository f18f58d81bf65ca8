// Package ko reads kernel module files of every kernel generation and
// architecture: plain, .gz, .xz and .zst; what they need (imports and their
// CRCs), what they give (exports and theirs) and what they say of themselves.
//
// A file is read as far as it is asked: Open reads the section headers and
// .modinfo, each method reads its own sections. Hostile files end in an error;
// no length in a file is believed before it was held against the file's size
// and a limit of its own.
//
// An import is a symbol that is undefined in the module; its version is the
// CRC that the module was built with. An export is a symbol given to other
// modules, by an entry of __ksymtab or one of its sister tables.
package ko

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"

	"modkeep/ko/elf"
	"modkeep/ko/modinfo"
	"modkeep/ko/modsig"
)

// Compression is how a module file is packed.
type Compression string

// The compressions that kmod and the kernel know.
const (
	None Compression = ""
	Gzip Compression = "gzip"
	XZ   Compression = "xz"
	Zstd Compression = "zstd"
)

// File is a module whose ELF header, section headers and .modinfo were read;
// all else is read when asked for. It may be used by several goroutines.
type File struct {
	*elf.File                // the decompressed image as ELF, signature included at its end
	Image       *Image       // what the ELF part was read from
	Path        string       // as given to Open
	Compression Compression  // of the file on disk
	Info        modinfo.Info // nil where the file has no .modinfo
	InfoErr     error        // why .modinfo could not be read, where it is there

	symbols atomic.Pointer[elf.SymbolTable]
}

// Open opens a module file and reads its headers and .modinfo. The error is an
// *fs.PathError, or names the file and what is wrong with it: a
// *elf.FormatError for what is not ELF. Section headers that cannot be used
// are no error here but leave Sections empty.
func Open(path string) (*File, error) {
	im, err := OpenImage(path)
	if err != nil {
		return nil, err
	}
	return closeUnless(im)
}

// New is Open for a file's bytes on disk, possibly compressed.
func New(path string, r io.ReaderAt, size int64) (*File, error) {
	im, err := NewImage(path, r, size)
	if err != nil {
		return nil, err
	}
	return closeUnless(im)
}

func closeUnless(im *Image) (*File, error) {
	f, err := Parse(im)
	if err != nil {
		im.Close()
	}
	return f, err
}

// Parse reads an image as a module. The image stays the caller's to close
// where an error is returned; else the file's Close closes it.
func Parse(im *Image) (*File, error) {
	ef, err := elf.New(im, im.Size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", im.Path, err)
	}
	f := &File{File: ef, Image: im, Path: im.Path, Compression: im.Compression}
	f.Info, f.InfoErr = f.readInfo()
	return f, nil
}

// readInfo reads .modinfo; 2.4 modules and, from 6.12 on, all may have it in
// no memory (without SHF_ALLOC).
func (f *File) readInfo() (modinfo.Info, error) {
	s := f.AllocSection(".modinfo")
	if s == nil {
		s = f.Section(".modinfo")
	}
	if s == nil {
		return nil, nil
	}
	data, err := f.Data(s)
	if err != nil {
		return nil, err
	}
	return modinfo.Parse(data)
}

// Close releases the file. Bytes from Data must not be used afterwards; all
// else that the methods returned stays good.
func (f *File) Close() error { return f.Image.Close() }

const thisModule = ".gnu.linkonce.this_module"

// Name returns the module's name as the kernel knows it: modinfo name=
// (modpost writes it since 4.13), else the name in struct module, else one
// made from the file's name.
func (f *File) Name() string {
	if name, ok := f.Info.Get("name"); ok && name != "" {
		return name
	}
	if name := f.structName(); name != "" {
		return name
	}
	return NameFromPath(f.Path)
}

// structName returns the name in struct module, which stands after the state
// and a list head in every kernel from 2.6 on (include/linux/module.h), empty
// where there is none.
func (f *File) structName() string {
	s := f.Section(thisModule)
	if s == nil {
		return ""
	}
	at, room := 24, 56
	if !f.Is64 {
		at, room = 12, 60
	}
	data, err := f.Data(s)
	if err != nil || len(data) < at+room {
		return ""
	}
	name, _, ok := strings.Cut(string(data[at:at+room]), "\x00")
	if !ok {
		return ""
	}
	return name
}

// suffixes are what a module's file name may end in beside .ko itself.
var suffixes = []string{".gz", ".xz", ".zst"}

// NameFromPath makes a module name from a path as kmod does: the base name
// without .ko and a compression's suffix, - written as _. Modules of 2.4 end
// in .o.
func NameFromPath(path string) string {
	name := filepath.Base(path)
	for _, suffix := range suffixes {
		if strings.HasSuffix(name, ".ko"+suffix) {
			name = strings.TrimSuffix(name, suffix)
			break
		}
	}
	if short := strings.TrimSuffix(name, ".ko"); short != name {
		name = short
	} else {
		name = strings.TrimSuffix(name, ".o")
	}
	return strings.ReplaceAll(name, "-", "_")
}

// ThisModuleSize returns the bytes of .gnu.linkonce.this_module, which are
// sizeof(struct module) of the kernel the module was built for, and whether
// the section is there.
func (f *File) ThisModuleSize() (uint64, bool) {
	s := f.Section(thisModule)
	if s == nil {
		return 0, false
	}
	return s.Size, true
}

// Signature returns the trailer of the appended signature, nil where the file
// has none; see modsig.Find for the errors.
func (f *File) Signature() (*modsig.Trailer, error) {
	return modsig.Find(f.Image, f.Image.Size)
}

// HasBTF reports whether the module describes its types in BTF.
func (f *File) HasBTF() bool { return f.Section(".BTF") != nil }

// HasDWARF reports whether the module carries DWARF debugging information.
func (f *File) HasDWARF() bool {
	return f.Section(".debug_info") != nil || f.Section(".zdebug_info") != nil
}

// BuildID returns the GNU build id, nil where the module has none.
func (f *File) BuildID() ([]byte, error) {
	s := f.Section(".note.gnu.build-id")
	if s == nil {
		return nil, nil
	}
	data, err := f.Data(s)
	if err != nil {
		return nil, err
	}
	const ntGNUBuildID = 3
	for len(data) >= 12 {
		namesz, descsz, typ := f.Order.Uint32(data), f.Order.Uint32(data[4:]), f.Order.Uint32(data[8:])
		data = data[12:]
		desc := (uint64(namesz) + 3) &^ 3
		end := desc + uint64(descsz)
		if end > uint64(len(data)) {
			return nil, &elf.FormatError{Section: s.Name, Offset: -1, Msg: "note does not lie inside the section"}
		}
		if typ == ntGNUBuildID && string(data[:namesz]) == "GNU\x00" {
			return append([]byte(nil), data[desc:end]...), nil
		}
		data = data[min((end+3)&^3, uint64(len(data))):]
	}
	return nil, nil
}
