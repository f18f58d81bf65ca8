package depmod

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"modkeep/internal/regular"
)

// maxLinks is how many symbolic links one path may lead through, as in the
// kernel (include/linux/namei.h, MAXSYMLINKS).
const maxLinks = 40

// Resolve follows a path inside a root the way the kernel would after
// chroot(root): absolute link targets and ".." never leave the root. p is the
// path inside the root; so is the result, which holds no links and names a
// file that exists. root itself is taken as it is.
//
// The error is a *fs.PathError whose Path is the component inside the root
// that failed: fs.ErrNotExist for a dangling link too, syscall.ELOOP for a
// circle.
func Resolve(root, p string) (string, error) {
	links := 0
	done := "" // resolved so far, inside the root; "" is the root
	rest := p
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		switch name {
		case "", ".":
			continue
		case "..":
			done = done[:max(strings.LastIndexByte(done, '/'), 0)]
			continue
		}
		next := done + "/" + name
		info, err := os.Lstat(onHost(root, next))
		if err != nil {
			return "", pathError("resolve", next, err)
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "resolve", Path: inside(p), Err: syscall.ELOOP}
		}
		target, err := os.Readlink(onHost(root, next))
		if err != nil {
			return "", pathError("readlink", next, err)
		}
		if strings.HasPrefix(target, "/") {
			done = ""
		}
		if rest = target + "/" + rest; len(rest) > 1<<16 {
			return "", &fs.PathError{Op: "resolve", Path: inside(p), Err: syscall.ENAMETOOLONG}
		}
	}
	if done == "" {
		return "/", nil
	}
	return done, nil
}

func pathError(op, p string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return &fs.PathError{Op: op, Path: p, Err: err}
}

// onHost returns where a path of the root lies on this machine.
func onHost(root, p string) string {
	if root == "" || root == "/" {
		return p
	}
	return filepath.Join(root, p)
}

// cause is an error's text without the path, which the caller names itself.
func cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// ReadFile reads a regular file of at most limit bytes inside a root. The error
// is a *fs.PathError with the path inside the root.
func ReadFile(root, p string, limit int64) ([]byte, error) {
	real, err := Resolve(root, p)
	if err != nil {
		return nil, err
	}
	b, err := regular.Read(onHost(root, real), limit)
	if err != nil {
		return nil, pathError("read", p, err)
	}
	return b, nil
}
