package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds of a list of modules on standard input: the length of a path (Linux's
// PATH_MAX) and the number of paths.
const (
	maxListedPath = 4096
	maxListed     = 1 << 20
)

// readListed reads a list of modules as find(1), rpm -ql and their like print
// one: paths that end in a newline or, from find -print0, in a NUL. A carriage
// return before the end does not belong to the path; blank lines are none.
func readListed(in io.Reader) ([]string, error) {
	var paths []string
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 0, maxListedPath), 2*maxListedPath)
	s.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		if i := slices.IndexFunc(data, func(c byte) bool { return c == '\n' || c == 0 }); i >= 0 {
			return i + 1, data[:i], nil
		}
		if atEOF && len(data) > 0 {
			return len(data), data, nil
		}
		return 0, nil, nil
	})
	for n := 1; s.Scan(); n++ {
		path := strings.TrimSuffix(s.Text(), "\r")
		switch {
		case strings.TrimSpace(path) == "":
			continue
		case len(path) > maxListedPath:
			return nil, fmt.Errorf("line %d is longer than a path can be", n)
		case len(paths) == maxListed:
			return nil, fmt.Errorf("more than %d paths", maxListed)
		}
		paths = append(paths, path)
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return nil, errors.New("a line is longer than a path can be")
	}
	return paths, s.Err()
}

// listPlace knows which paths of this machine lie inside a root.
type listPlace struct {
	dir   string   // working directory
	roots []string // the root as given and with its links resolved; nil for "/"
}

// newListPlace describes a root and a working directory.
func newListPlace(root, dir string) listPlace {
	p := listPlace{dir: dir}
	root = p.absolute(root)
	if root == "/" {
		return p
	}
	p.roots = []string{root}
	if real, err := filepath.EvalSymlinks(root); err == nil && real != root {
		p.roots = append(p.roots, real)
	}
	return p
}

// absolute makes a path of this machine absolute and clean.
func (p listPlace) absolute(path string) string {
	if !filepath.IsAbs(path) {
		path = p.dir + "/" + path
	}
	return filepath.Clean(path)
}

// inside returns a listed path as one inside the root, its modules directory
// written as /lib/modules however the distribution has it. A path that is not
// below the root but is one of a modules directory is taken to be inside: lists
// come from package managers too, which know no other root.
func (p listPlace) inside(path string) (string, bool) {
	path = p.absolute(path)
	for _, root := range p.roots {
		if rel, ok := strings.CutPrefix(path, root+"/"); ok {
			return merged("/" + rel), true
		}
	}
	path = merged(path)
	return path, p.roots == nil || strings.HasPrefix(path, "/lib/modules/")
}

// merged writes /usr/lib/modules as /lib/modules.
func merged(path string) string {
	if rest, ok := strings.CutPrefix(path, "/usr/lib/modules/"); ok {
		return "/lib/modules/" + rest
	}
	return path
}
