package kmp

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Content is a file that is put into a package: a regular file, a directory or
// a symbolic link. Its owner is root. Size is not looked at.
type Content struct {
	File
	Data []byte // of a regular file
}

// WriteOptions say how a package is written.
type WriteOptions struct {
	Date        time.Time // of the package and of all that is in it; whole seconds count
	Compression string    // of what is in it: gzip, xz, zstd, none
	// Sign makes the signature that goes into an .rpm, of RFC 4880's version 4,
	// not armored, of its header; nil leaves the package unsigned. A .deb carries
	// none: apt trusts a repository.
	Sign func(header []byte) ([]byte, error)
}

// Write writes a package of p.Format with these contents. Of p count what it
// says of itself, its dependencies and its scriptlets; Files, Modules and
// Extras are what reading the result will find.
//
// The same values give the same bytes.
func Write(w io.Writer, p *Package, contents []Content, o WriteOptions) error {
	contents, err := sortedContents(contents)
	if err != nil {
		return err
	}
	switch p.Format {
	case RPM:
		return writeRPM(w, p, contents, o)
	case Deb:
		return writeDeb(w, p, contents, o)
	}
	return fmt.Errorf("format %q: %w", p.Format, ErrFormat)
}

// FileName is the name that a package's file has by its format's custom.
func (p *Package) FileName() string {
	if p.Format == Deb { // without the epoch (deb(5), apt-ftparchive(1))
		version := p.Version
		if p.Release != "" {
			version += "-" + p.Release
		}
		return p.Name + "_" + version + "_" + p.Arch + ".deb"
	}
	return p.Name + "-" + p.Version + "-" + p.Release + "." + p.Arch + ".rpm"
}

// maxWritten bounds what is put into one package, in bytes.
const maxWritten = 2 << 30

// sortedContents returns contents in order of path, each once, all of them
// fit to be installed.
func sortedContents(contents []Content) ([]Content, error) {
	contents = slices.Clone(contents)
	slices.SortFunc(contents, func(a, b Content) int { return strings.Compare(a.Path, b.Path) })
	total := 0
	for i, c := range contents {
		clean, err := cleanName(c.Path)
		switch {
		case err != nil:
			return nil, err
		case clean != c.Path || clean == "/" || strings.ContainsAny(clean, "\n"):
			return nil, fmt.Errorf("file %.60q: not an absolute name in its shortest form", c.Path)
		case i > 0 && contents[i-1].Path == c.Path:
			return nil, fmt.Errorf("file %s: twice in the package", c.Path)
		case (c.Mode&fs.ModeSymlink != 0) != (c.Target != ""):
			return nil, fmt.Errorf("file %s: a symbolic link has a target, and nothing else has", c.Path)
		case c.Mode.Type()&^(fs.ModeDir|fs.ModeSymlink) != 0:
			return nil, fmt.Errorf("file %s: neither a regular file nor a directory nor a symbolic link", c.Path)
		case !c.Mode.IsRegular() && len(c.Data) > 0:
			return nil, fmt.Errorf("file %s: no regular file, but it has content", c.Path)
		}
		if total += len(c.Data); total > maxWritten {
			return nil, fmt.Errorf("more than %d bytes for one package", maxWritten)
		}
		contents[i].Size = int64(len(c.Data))
		if c.Target != "" {
			contents[i].Mode = fs.ModeSymlink | 0o777
		}
	}
	return contents, nil
}

// parents returns the directories above the contents that are not among them.
func parents(contents []Content) []Content {
	seen := map[string]bool{"/": true}
	for _, c := range contents {
		seen[c.Path] = true
	}
	var dirs []Content
	for _, c := range contents {
		for dir := path.Dir(c.Path); !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			dirs = append(dirs, Content{File: File{Path: dir, Mode: fs.ModeDir | 0o755}})
		}
	}
	return dirs
}

// oneLine says whether a field may hold the text: no line ends, no NUL.
func oneLine(field, text string) error {
	if strings.ContainsAny(text, "\n\r\x00") {
		return fmt.Errorf("%s %.60q: has more than one line", field, text)
	}
	return nil
}

// errEmpty is wrapped where a package lacks what it must have.
var errEmpty = errors.New("is empty")

// named checks a word of a package by the bytes that it may have, besides
// letters and digits.
func named(field, word, others string) error {
	if word == "" {
		return fmt.Errorf("%s %w", field, errEmpty)
	}
	for _, c := range []byte(word) {
		if letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'; !letter && strings.IndexByte(others, c) < 0 {
			return fmt.Errorf("%s %.60q: %q may not stand in it", field, word, c)
		}
	}
	return nil
}

// unixBits is a file's st_mode.
func unixBits(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	switch {
	case m.IsDir():
		bits |= 0o040000
	case m&fs.ModeSymlink != 0:
		bits |= 0o120000
	default:
		bits |= 0o100000
	}
	if m&fs.ModeSetuid != 0 {
		bits |= 0o4000
	}
	if m&fs.ModeSetgid != 0 {
		bits |= 0o2000
	}
	return bits
}

// compressor is a way to compress what is in a package.
type compressor struct {
	name   string // as an option and in rpm's header
	suffix string // of a member of a .deb
	level  string // as rpm's header says it
	start  func(w io.Writer) (io.WriteCloser, error)
}

var compressors = []compressor{
	{"gzip", ".gz", "9", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestCompression) }},
	{"xz", ".xz", "6", func(w io.Writer) (io.WriteCloser, error) { return xz.WriterConfig{DictCap: 8 << 20}.NewWriter(w) }},
	{"zstd", ".zst", "7", func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1))
	}},
	{"none", "", "", func(w io.Writer) (io.WriteCloser, error) { return nopCloser{w}, nil }},
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// compressorOf returns the compressor of that name, gzip where it is empty.
func compressorOf(name string) (compressor, error) {
	for _, c := range compressors {
		if c.name == name || name == "" {
			return c, nil
		}
	}
	return compressor{}, fmt.Errorf("compression %.20q is not gzip, xz, zstd or none", name)
}

// compressed returns what fill writes, compressed.
func (c compressor) compressed(w io.Writer, fill func(w io.Writer) error) error {
	z, err := c.start(w)
	if err != nil {
		return err
	}
	if err := fill(z); err != nil {
		z.Close()
		return err
	}
	return z.Close()
}
