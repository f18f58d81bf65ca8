package symtypes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"modkeep/ko/xz"
)

// ErrNone: a directory has no files of types.
var ErrNone = errors.New("no .symtypes files below it")

// Open reads the types of a kernel: a consolidated file, one object's file, or
// a directory with the .symtypes files of a build below it. Files may be packed
// with gzip, xz or zstd, which their first bytes tell. Errors name the file.
func Open(pool *Pool, path string) (*Corpus, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, cause(err))
	}
	c := newCorpus(pool)
	if info.IsDir() {
		err = c.readDir(path)
	} else {
		err = c.readFile(path, filepath.Base(path), true)
	}
	if err != nil {
		return nil, err
	}
	c.finish()
	return c, nil
}

// readDir reads the files of a build directory, sorted by path.
func (c *Corpus) readDir(dir string) error {
	var paths []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Type().IsRegular() && IsTypesFile(path) {
			paths = append(paths, path)
		}
		if len(paths) > MaxFiles {
			return fmt.Errorf("%s: more than %d files", dir, MaxFiles)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return fmt.Errorf("%s: %w", dir, ErrNone)
	}
	slices.Sort(paths)
	for _, path := range paths {
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if err := c.readFile(path, filepath.ToSlash(rel), len(paths) == 1); err != nil {
			return err
		}
	}
	return nil
}

// IsTypesFile reports whether a file of a build directory is one of records, by
// its name: NAME.symtypes, packed or not.
func IsTypesFile(path string) bool {
	for _, pack := range []string{".gz", ".xz", ".zst"} {
		path = strings.TrimSuffix(path, pack)
	}
	return strings.HasSuffix(path, ".symtypes")
}

func (c *Corpus) readFile(path, name string, keep bool) error {
	text, err := ReadText(path)
	if err == nil {
		err = c.read(name, text, keep)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Sniff reports whether a file holds records, by its first bytes unpacked.
func Sniff(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false, err
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head, err := unpack(f, 4096, 0)
	line, _, _ := strings.Cut(strings.TrimLeft(head, "\r\n"), "\n")
	if line == "" {
		return false, err
	}
	if strings.HasPrefix(line, "/* ") && strings.HasSuffix(strings.TrimRight(line, " \r"), "*/") {
		return true, nil
	}
	line = strings.TrimPrefix(line, "override ")
	// An export's record has the export's name twice; a type's has the kind.
	word, rest, ok := strings.Cut(line, " ")
	return ok && (kindOf(word) != Export || isName(word) && slices.Contains(strings.Fields(rest), word)), nil
}

func isName(word string) bool {
	for i := range len(word) {
		c := word[i]
		if c != '_' && c != '$' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return word != "" && (word[0] < '0' || word[0] > '9')
}

// ReadText returns a file's text, unpacked, at most MaxSize bytes.
func ReadText(path string) (string, error) {
	info, err := os.Stat(path) // a FIFO would block the open
	if err != nil {
		return "", cause(err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", cause(err)
	}
	defer f.Close()
	text, err := unpack(f, MaxSize+1, int(min(info.Size(), MaxSize)))
	if err == nil && len(text) > MaxSize {
		err = fmt.Errorf("longer than %d bytes", MaxSize)
	}
	return text, err
}

// unpack returns what r holds, unpacked, at most limit bytes of it; size is what
// it has packed. With an error there may be text before it.
func unpack(r io.Reader, limit int64, size int) (string, error) {
	var head [6]byte
	n, err := io.ReadFull(r, head[:])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", cause(err)
	}
	whole := io.MultiReader(bytes.NewReader(head[:n]), r)
	switch {
	case strings.HasPrefix(string(head[:]), "\x1f\x8b"):
		z, err := gzip.NewReader(whole)
		if err != nil {
			return "", fmt.Errorf("gzip: %w", err)
		}
		return read(z, limit, 0, "gzip: ")
	case strings.HasPrefix(string(head[:]), "\x28\xb5\x2f\xfd"):
		z, err := zstd.NewReader(whole, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(MaxSize))
		if err != nil {
			return "", fmt.Errorf("zstd: %w", err)
		}
		defer z.Close()
		return read(z, limit, 0, "zstd: ")
	case string(head[:]) == "\xfd7zXZ\x00":
		src, err := io.ReadAll(io.LimitReader(whole, MaxSize))
		if err != nil {
			return "", fmt.Errorf("xz: %w", cause(err))
		}
		text, err := xz.Decode(src, MaxSize)
		return string(text), err
	}
	return read(whole, limit, size, "")
}

func read(r io.Reader, limit int64, size int, what string) (string, error) {
	var text strings.Builder
	text.Grow(size)
	_, err := io.Copy(&text, io.LimitReader(r, limit))
	if err != nil {
		err = fmt.Errorf("%s%w", what, cause(err))
	}
	return text.String(), err
}

// cause takes the path off an error of package os: callers put it in front.
func cause(err error) error {
	if e, ok := err.(*fs.PathError); ok {
		return e.Err
	}
	return err
}
