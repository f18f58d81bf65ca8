package kmp

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"modkeep/internal/regular"
)

// EachFile calls visit for each entry of a package's archive, in its order.
// content is nil for all but regular files; a further name of a file is given as
// a symbolic link to the first one. Names are those of File: an entry that would
// leave the root ends the reading with an error, as does one of visit.
func EachFile(name string, visit func(f File, content io.Reader) error) error {
	f, info, err := regular.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	c := newCollector(name, info.Size())
	section := io.NewSectionReader(f, 0, info.Size())
	magic := make([]byte, len(arMagic))
	if _, err := section.ReadAt(magic, 0); err != nil {
		return fmt.Errorf("%s: %w", name, ErrFormat)
	}
	if string(magic) == arMagic {
		err = c.eachDeb(section, visit)
	} else {
		err = c.eachRPM(section, visit)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// EachTar is EachFile for a tar file, compressed or not.
func EachTar(name string, visit func(f File, content io.Reader) error) error {
	f, info, err := regular.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	c := newCollector(name, info.Size())
	if err := walkTar(c, f, tarVisitor(visit)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (c *collector) eachDeb(r *io.SectionReader, visit func(File, io.Reader) error) error {
	for at := int64(len(arMagic)); at < r.Size(); {
		name, size, err := readMember(r, at)
		if err != nil {
			return fmt.Errorf("member at offset %#x: %w", at, err)
		}
		if strings.HasPrefix(name, "data.tar") {
			return walkTar(c, io.NewSectionReader(r, at+arHeaderSize, size), tarVisitor(visit))
		}
		at += arHeaderSize + size + size&1
	}
	return fmt.Errorf("data.tar is missing")
}

func tarVisitor(visit func(File, io.Reader) error) func(*tar.Header, string, io.Reader) error {
	return func(h *tar.Header, name string, r io.Reader) error {
		f := File{Path: name, Size: h.Size, Mode: h.FileInfo().Mode()}
		switch h.Typeflag {
		case tar.TypeReg:
			return visit(f, r)
		case tar.TypeSymlink:
			f.Target = h.Linkname
		case tar.TypeLink:
			target, err := cleanName(h.Linkname)
			if err == nil && path.IsAbs(h.Linkname) {
				err = fmt.Errorf("%s: the hard link's target %q is absolute", name, h.Linkname)
			}
			if err != nil {
				return err
			}
			f.Mode = fs.ModeSymlink | 0o777
			f.Target = relative(name, target)
		case tar.TypeXGlobalHeader:
			return nil
		}
		return visit(f, nil)
	}
}

// relative is the target of a link at one absolute path to another one.
func relative(from, to string) string {
	rel, err := filepath.Rel(path.Dir(from), to)
	if err != nil {
		return to
	}
	return filepath.ToSlash(rel)
}

func (c *collector) eachRPM(r *io.SectionReader, visit func(File, io.Reader) error) error {
	c.headerOnly = true
	if err := readRPM(c, r); err != nil {
		return err
	}
	stream, closeStream, err := unpack(c, io.NewSectionReader(r, c.pkg.HeaderEnd, r.Size()-c.pkg.HeaderEnd))
	if err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	defer closeStream()
	linked := map[uint64][]string{}
	for n := 0; n <= maxFiles; n++ {
		e, err := readCPIO(stream, c.pkg.Files)
		if err != nil {
			return fmt.Errorf("payload: entry %d: %w", n, err)
		}
		if e.name == "TRAILER!!!" {
			return nil
		}
		name, err := cleanName(e.name)
		if err != nil {
			return fmt.Errorf("payload: entry %d: %w", n, err)
		}
		if err := eachEntry(stream, e, name, linked, visit); err != nil {
			return fmt.Errorf("payload: %s: %w", path.Base(name), err)
		}
	}
	return fmt.Errorf("payload: more than %d entries", maxFiles)
}

// eachEntry hands on one entry of a cpio archive. Of a file of several names
// the last one comes with the content.
func eachEntry(stream io.Reader, e cpioEntry, name string, linked map[uint64][]string, visit func(File, io.Reader) error) error {
	f := File{Path: name, Size: e.size, Mode: unixMode(uint32(e.mode))}
	body := &io.LimitedReader{R: stream, N: e.size}
	var err error
	switch {
	case f.Mode.IsRegular() && e.links > 1 && e.size == 0:
		linked[e.inode] = append(linked[e.inode], name)
	case f.Mode.IsRegular():
		err = visit(f, body)
		for _, other := range linked[e.inode] {
			if err == nil {
				err = visit(File{Path: other, Mode: fs.ModeSymlink | 0o777, Target: relative(other, name)}, nil)
			}
		}
		delete(linked, e.inode)
	case f.Mode&fs.ModeSymlink != 0:
		var target []byte
		if target, err = readExactly(body, min(e.size, maxName)); err == nil {
			f.Target = string(target)
			err = visit(f, nil)
		}
	default:
		err = visit(f, nil)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, body)
	}
	if err == nil && body.N > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		err = skip(stream, -e.size&3)
	}
	return err
}
