package txn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks is how many symbolic links one path may go through, as in the
// kernel (path_resolution(7)).
const maxLinks = 40

// resolver finds where paths inside a root lead, with symbolic links followed
// as after chroot(2): absolute ones begin at the root, and ".." ends at it.
type resolver struct {
	root string
	dirs map[string]string // directories resolved so far
}

func newResolver(root string) *resolver {
	return &resolver{root, make(map[string]string)}
}

// real resolves the directories of name, a clean path inside the root, and not
// its last element. What does not exist is taken for a directory.
func (r *resolver) real(name string) (string, error) {
	dir := path.Dir(name)
	at, ok := r.dirs[dir]
	if !ok {
		var err error
		if at, err = r.follow(dir); err != nil {
			return "", err
		}
		r.dirs[dir] = at
	}
	return path.Join(at, path.Base(name)), nil
}

// follow resolves every element of name.
func (r *resolver) follow(name string) (string, error) {
	at, rest := "/", strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		element := rest[0]
		rest = rest[1:]
		next := path.Join(at, element)
		if element == "" || element == "." || element == ".." {
			at = next
			continue
		}
		text, err := os.Readlink(filepath.Join(r.root, next))
		switch {
		case err == nil:
			if links++; links > maxLinks {
				return "", fmt.Errorf("%s: %w", name, syscall.ELOOP)
			}
			if path.IsAbs(text) {
				at = "/"
			}
			rest = append(strings.Split(text, "/"), rest...)
		case errors.Is(err, syscall.EINVAL), errors.Is(err, fs.ErrNotExist):
			at = next
		default:
			return "", fmt.Errorf("%s: %w", name, cause(err))
		}
	}
	return at, nil
}

// cause is the error of a system call without the machine's path, for messages
// that name the path inside the root.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}
