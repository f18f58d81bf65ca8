package made

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Dump describes everything below dir, a line for each entry in the order of
// their paths, so that two dumps are equal if and only if the trees are: type
// and mode, path, and a link's text or the SHA-256 of a file's contents. What
// stands at or below one of the paths except (slash-separated, below dir) is
// left out, and so are a tree's times.
func Dump(dir string, except ...string) (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		if slices.Contains(except, rel) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		line, err := describe(name, d)
		fmt.Fprintf(&b, "%s\n", fmt.Sprintf(line, rel))
		return err
	})
	return b.String(), err
}

// describe returns an entry's line with %s for its path.
func describe(name string, d fs.DirEntry) (string, error) {
	info, err := d.Info()
	if err != nil {
		return "", err
	}
	switch info.Mode().Type() {
	case fs.ModeSymlink:
		text, err := os.Readlink(name)
		return "link %s -> " + strings.ReplaceAll(text, "%", "%%"), err
	case 0:
		data, err := os.ReadFile(name)
		return fmt.Sprintf("file %04o %%s %x", info.Mode().Perm(), sha256.Sum256(data)), err
	}
	return info.Mode().String() + " %s", nil
}
