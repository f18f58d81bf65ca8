// Package iso9660 reads the files of a CD image (ECMA-119), in which vendors ship
// driver packages.
//
// Names, modes and symbolic links are those of the Rock Ridge extension (IEEE
// P1282, over SUSP, P1281) where the image has it, else Joliet's names, else the
// plain ones in lower case without their version. Multi-extent files, interleaved
// ones and El Torito are not read.
package iso9660

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf16"
)

// File is one entry of an image.
type File struct {
	Path   string // absolute in the image, cleaned
	Size   int64
	Mode   fs.FileMode
	Target string // of a symbolic link
}

const (
	sector     = 2048
	maxEntries = 500_000
	maxDepth   = 32
	maxDir     = 32 << 20 // bytes of one directory
	maxExtra   = 64       // continuation areas of one entry
)

// Read calls visit for each entry of an image of size bytes, directories before
// what is in them. content is nil for all but regular files.
func Read(r io.ReaderAt, size int64, visit func(f File, content io.Reader) error) error {
	i := &image{r: io.NewSectionReader(r, 0, size), visit: visit, seen: map[uint32]bool{}}
	root, err := i.root()
	if err != nil {
		return err
	}
	return i.directory("/", root, 0)
}

type image struct {
	r       *io.SectionReader
	visit   func(File, io.Reader) error
	joliet  bool
	rock    bool
	skip    int // bytes before the first entry of a system use area
	entries int
	seen    map[uint32]bool // extents of directories
}

// record is a directory record (ECMA-119, 9.1).
type record struct {
	extent uint32 // sector
	size   uint32
	flags  byte
	name   string // as it is stored
	use    []byte // system use area
}

var errNoImage = errors.New("no ISO 9660 image: no primary volume descriptor")

// root finds the root directory: of the first volume descriptor that has names as
// they were.
func (i *image) root() (record, error) {
	var primary, joliet record
	var buf [sector]byte
	found := false
	for n := int64(16); n < 16+64; n++ {
		if _, err := i.r.ReadAt(buf[:], n*sector); err != nil || string(buf[1:6]) != "CD001" {
			break
		}
		kind := buf[0]
		root, err := parseRecord(buf[156:190])
		if err != nil && kind != 255 {
			return record{}, fmt.Errorf("volume descriptor %d: %w", n, err)
		}
		switch {
		case kind == 1 && !found:
			primary, found = root, true
		case kind == 2 && buf[88] == '%' && buf[89] == '/' && strings.IndexByte("@CE", buf[90]) >= 0:
			joliet = root
		}
		if kind == 255 {
			break
		}
	}
	if !found {
		return record{}, errNoImage
	}
	if err := i.rockRidge(primary); err != nil {
		return record{}, err
	}
	if !i.rock && joliet.extent != 0 {
		i.joliet = true
		return joliet, nil
	}
	return primary, nil
}

// rockRidge looks for SP in the root's first entry, itself.
func (i *image) rockRidge(root record) error {
	var buf [256]byte
	n, err := i.r.ReadAt(buf[:], int64(root.extent)*sector)
	if err != nil && err != io.EOF {
		return err
	}
	self, err := parseRecord(buf[:n])
	if err != nil {
		return fmt.Errorf("root directory: %w", err)
	}
	if u := self.use; len(u) >= 7 && string(u[:2]) == "SP" && u[4] == 0xbe && u[5] == 0xef {
		i.rock, i.skip = true, int(u[6])
	}
	return nil
}

func parseRecord(b []byte) (record, error) {
	if len(b) < 34 || int(b[0]) > len(b) || b[0] < 34 || 33+int(b[32]) > int(b[0]) {
		return record{}, errors.New("damaged directory record")
	}
	r := record{extent: binary.LittleEndian.Uint32(b[2:]), size: binary.LittleEndian.Uint32(b[10:]), flags: b[25], name: string(b[33 : 33+int(b[32])])}
	at := 33 + int(b[32])
	if at += at & 1; at < int(b[0]) { // what comes before is padded to an even length
		r.use = b[at:b[0]]
	}
	return r, nil
}

func (i *image) directory(name string, dir record, depth int) error {
	switch {
	case depth > maxDepth:
		return fmt.Errorf("%s: directories nested deeper than %d", name, maxDepth)
	case dir.size > maxDir || int64(dir.extent)*sector+int64(dir.size) > i.r.Size():
		return fmt.Errorf("%s: directory of %d bytes at sector %d", name, dir.size, dir.extent)
	case i.seen[dir.extent]:
		return fmt.Errorf("%s: a directory that holds itself", name)
	}
	i.seen[dir.extent] = true
	data := make([]byte, dir.size)
	if _, err := i.r.ReadAt(data, int64(dir.extent)*sector); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for at := 0; at < len(data); {
		if data[at] == 0 { // records do not span sectors
			at += sector - at%sector
			continue
		}
		r, err := parseRecord(data[at:])
		if err != nil {
			return fmt.Errorf("%s: offset %d: %w", name, at, err)
		}
		at += int(data[at])
		if r.name == "\x00" || r.name == "\x01" {
			continue
		}
		if i.entries++; i.entries > maxEntries {
			return fmt.Errorf("more than %d entries", maxEntries)
		}
		if err := i.entry(name, r, depth); err != nil {
			return err
		}
	}
	return nil
}

func (i *image) entry(dir string, r record, depth int) error {
	base := i.plainName(r.name)
	f := File{Size: int64(r.size), Mode: 0o644}
	isDir := r.flags&2 != 0
	if isDir {
		f.Mode = fs.ModeDir | 0o755
	}
	if i.rock {
		more, err := i.systemUse(r.use)
		if err != nil {
			return fmt.Errorf("%s: %w", path.Join(dir, base), err)
		}
		if more.relocated {
			return nil
		}
		more.apply(&base, &f)
		if more.child != 0 {
			moved, err := i.self(more.child)
			if err != nil {
				return fmt.Errorf("%s: %w", path.Join(dir, base), err)
			}
			r, isDir, f.Mode = moved, true, fs.ModeDir|0o755
		}
	}
	if base == "" || base == "." || base == ".." || strings.ContainsAny(base, "/\x00") {
		return fmt.Errorf("%s: name %.60q", dir, base)
	}
	f.Path = path.Join(dir, base)
	switch {
	case isDir:
		f.Size = 0
		if err := i.visit(f, nil); err != nil {
			return err
		}
		return i.directory(f.Path, r, depth+1)
	case f.Mode.IsRegular():
		if r.flags&0x80 != 0 {
			return fmt.Errorf("%s: files of several extents are not read", f.Path)
		}
		if at := int64(r.extent) * sector; r.size > 0 && at+int64(r.size) > i.r.Size() {
			return fmt.Errorf("%s: %d bytes at sector %d: %w", f.Path, r.size, r.extent, io.ErrUnexpectedEOF)
		}
		return i.visit(f, io.NewSectionReader(i.r, int64(r.extent)*sector, int64(r.size)))
	}
	f.Size = 0
	return i.visit(f, nil)
}

// self reads the record of a directory that was moved, from its first entry.
func (i *image) self(extent uint32) (record, error) {
	var buf [256]byte
	n, err := i.r.ReadAt(buf[:], int64(extent)*sector)
	if err != nil && err != io.EOF {
		return record{}, err
	}
	return parseRecord(buf[:n])
}

// plainName is a name without Rock Ridge.
func (i *image) plainName(stored string) string {
	if i.joliet {
		var units []uint16
		for n := 0; n+1 < len(stored); n += 2 {
			units = append(units, binary.BigEndian.Uint16([]byte(stored[n:])))
		}
		name, _, _ := strings.Cut(string(utf16.Decode(units)), ";")
		return name
	}
	name, _, _ := strings.Cut(stored, ";")
	return strings.ToLower(strings.TrimSuffix(name, "."))
}
