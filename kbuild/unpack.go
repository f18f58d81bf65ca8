package kbuild

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/internal/regular"
	"modkeep/kbuild/iso9660"
	"modkeep/kmp"
)

// tarSuffixes are what tar files end in; one of a signature or a sum of such a
// file is no archive.
var tarSuffixes = []string{".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz", ".tbz2", ".tar.zst", ".tar.lzma"}

// archive says how a file is unpacked, by its first bytes and name; nil for one
// that is none.
func archive(name string) func(string, func(kmp.File, io.Reader) error) error {
	base := strings.ToLower(filepath.Base(name))
	switch {
	case isPackage(name):
		return kmp.EachFile
	case strings.HasSuffix(base, ".iso"):
		return eachOfImage
	case slices.ContainsFunc(tarSuffixes, func(suffix string) bool { return strings.HasSuffix(base, suffix) }):
		return kmp.EachTar
	}
	return nil
}

// eachOfImage hands on the files of an image, as kmp.EachFile does of a package.
func eachOfImage(name string, visit func(kmp.File, io.Reader) error) error {
	f, info, err := regular.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	err = iso9660.Read(f, info.Size(), func(f iso9660.File, content io.Reader) error {
		return visit(kmp.File{Path: f.Path, Size: f.Size, Mode: f.Mode, Target: f.Target}, content)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// isPackage says whether a file is an .rpm or a .deb.
func isPackage(name string) bool {
	f, _, err := regular.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	var head [8]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return false
	}
	return bytes.HasPrefix(head[:], []byte{0xed, 0xab, 0xee, 0xdb}) || string(head[:]) == "!<arch>\n"
}

// Unpacked unpacks archives of sources or headers into one directory of the
// cache, once for each content, and returns it. Entries that would lie, or lead,
// outside of it are an error, and nothing is left then.
func Unpacked(cache string, names ...string) (string, error) {
	ids := sha256.New()
	for _, name := range names {
		if archive(name) == nil {
			return "", fmt.Errorf("%s: not a package, a tar file or an image (.iso)", name)
		}
		id, err := fileDigest(name)
		if err != nil {
			return "", err
		}
		io.WriteString(ids, id)
	}
	dir := filepath.Join(cache, "unpacked", sum(ids))
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), ".part-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(part)
	for _, name := range names {
		if err := unpackInto(part, name); err != nil {
			return "", err
		}
	}
	return dir, settle(part, dir)
}

// settle makes a directory that is whole one of the cache, which another run may
// have made of the same meanwhile.
func settle(part, dir string) error {
	if err := os.Chmod(part, 0o755); err != nil {
		return err
	}
	if err := os.Rename(part, dir); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func fileDigest(name string) (string, error) {
	f, _, err := regular.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return sum(h), nil
}

// unpackInto writes an archive's entries. os.Root keeps each below dir; links
// are looked at before they are made, and once more when all are there, since one
// may lead out by way of others: nothing that was unpacked leads elsewhere.
func unpackInto(dir, name string) error {
	each, packaged := archive(name), isPackage(name)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	files, size := 0, int64(0)
	err = each(name, func(f kmp.File, content io.Reader) error {
		files++
		if size += f.Size; files > maxFiles || size > maxBytes {
			return fmt.Errorf("more than %d files or %d bytes", maxFiles, int64(maxBytes))
		}
		if packaged && path.IsAbs(f.Target) { // meant in the tree that the package is installed in
			if rel, err := filepath.Rel(path.Dir(f.Path), f.Target); err == nil {
				f.Target = filepath.ToSlash(rel)
			}
		}
		if err := unpackEntry(root, f, content); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return visit(dir, func(at string, info fs.FileInfo) error {
		if info.Mode()&fs.ModeSymlink == 0 {
			return nil
		}
		if _, err := root.Stat(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: link %s: %w", name, at, err)
		}
		return nil
	})
}

func unpackEntry(root *os.Root, f kmp.File, content io.Reader) error {
	at := strings.TrimPrefix(path.Clean(f.Path), "/")
	if at == "" || at == "." {
		return nil
	}
	switch {
	case f.Mode.IsDir():
		return root.MkdirAll(at, 0o755)
	case f.Mode&fs.ModeSymlink != 0:
		return unpackLink(root, at, f.Target)
	case content == nil:
		return fmt.Errorf("%v: devices and sockets are not unpacked", f.Mode)
	}
	if err := root.MkdirAll(path.Dir(at), 0o755); err != nil {
		return err
	}
	out, err := root.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644|f.Mode&0o111)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	return errors.Join(err, out.Close())
}

// unpackLink makes a link that stays below the root.
func unpackLink(root *os.Root, at, target string) error {
	if path.IsAbs(target) {
		return fmt.Errorf("a link to the absolute path %q", target)
	}
	if to := path.Join(path.Dir(at), target); to == ".." || strings.HasPrefix(to, "../") {
		return fmt.Errorf("a link to %q, out of the archive", target)
	}
	if err := root.MkdirAll(path.Dir(at), 0o755); err != nil {
		return err
	}
	return root.Symlink(target, at)
}

// Unpacker is where packed sources are unpacked, and what patches them.
type Unpacker struct {
	Cache string   // directory of the cache
	Temp  string   // directory for work under way
	Path  []string // directories of programs: patch is one
}

// OpenSources finds the sources in what a command line names: a directory of one
// source or of several, or of packages of sources; or one such package: .src.rpm,
// a package with sources below usr/src (.rpm, .deb), a tar file, an image. What is
// packed is unpacked into the cache. Of a kernel module's source package its
// tar files are unpacked, and its patches applied as %autosetup and %patch say,
// in the sandbox; what else its spec file would do is named in a note.
func (u Unpacker) OpenSources(ctx context.Context, given string) (sources []*Source, notes []string, err error) {
	info, err := os.Stat(given)
	if err != nil {
		return nil, nil, err
	}
	dir := given
	if !info.IsDir() {
		if dir, err = Unpacked(u.Cache, given); err != nil {
			return nil, nil, err
		}
	}
	o := &opener{Unpacker: u, ctx: ctx}
	if err := o.open(dir, given, 0); err != nil {
		return nil, nil, err
	}
	if len(o.sources) == 0 {
		return nil, o.notes, fmt.Errorf("%s: %w", given, errNoSource)
	}
	return o.sources, o.notes, nil
}

// opener looks for sources in directories and what is packed in them.
type opener struct {
	Unpacker
	ctx     context.Context
	sources []*Source
	notes   []string
}

const maxNesting = 6

// open looks at one directory. It goes no deeper where it finds a source.
func (o *opener) open(dir, given string, depth int) error {
	s, err := OpenSource(dir, given)
	switch {
	case err == nil:
		o.add(s)
		return nil
	case !errors.Is(err, errNoSource):
		return err
	case depth > maxNesting:
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return e.Type().IsRegular() && strings.HasSuffix(e.Name(), ".spec") }); i >= 0 {
		return o.spec(dir, entries[i].Name(), given, depth)
	}
	for _, e := range entries {
		inner, outer := filepath.Join(dir, e.Name()), filepath.Join(given, e.Name())
		switch {
		case e.IsDir():
			err = o.open(inner, outer, depth+1)
		case e.Type().IsRegular() && archive(inner) != nil:
			err = o.packed(inner, outer, depth)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *opener) packed(file, given string, depth int) error {
	dir, err := Unpacked(o.Cache, file)
	if err != nil {
		return err
	}
	return o.open(dir, given, depth+1)
}

// add takes a source; of two with the same name and version the first.
func (o *opener) add(s *Source) {
	if slices.ContainsFunc(o.sources, func(old *Source) bool { return old.String() == s.String() }) {
		o.notes = append(o.notes, fmt.Sprintf("%s: another source of %s; it is left out", s.Given, s))
		return
	}
	o.sources = append(o.sources, s)
}
