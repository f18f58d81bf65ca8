package main

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// likeFile gives an open file the owner and the extended attributes of another.
// An owner that may not be given is an error unless it is the owner already.
func likeFile(f *os.File, model string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	var own syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &own); err != nil {
		return err
	}
	if own.Uid != st.Uid || own.Gid != st.Gid {
		if err := f.Chown(int(st.Uid), int(st.Gid)); err != nil {
			return err
		}
	}
	names, err := listAttributes(model)
	if err != nil {
		return fmt.Errorf("%s: extended attributes: %w", model, err)
	}
	for _, name := range names {
		if err := copyAttribute(f, model, name); err != nil {
			return fmt.Errorf("%s: extended attribute %s: %w", model, name, err)
		}
	}
	return nil
}

// listAttributes returns the extended attributes that go over to a file with
// other content: not those that are a digest or a signature of the content.
func listAttributes(path string) ([]string, error) {
	buf := make([]byte, 64<<10) // the most that Linux gives (XATTR_LIST_MAX)
	n, err := unix.Listxattr(path, buf)
	if err == unix.ENOTSUP {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range strings.SplitSeq(string(buf[:n]), "\x00") {
		if name != "" && name != "security.ima" && name != "security.evm" {
			names = append(names, name)
		}
	}
	return names, nil
}

// copyAttribute copies one extended attribute. One that the kernel gave to the
// new file already, as a label of SELinux by the folder's rule, need not be
// allowed to be set.
func copyAttribute(f *os.File, from, name string) error {
	buf, own := make([]byte, 64<<10), make([]byte, 64<<10)
	n, err := unix.Getxattr(from, name, buf)
	if err != nil {
		return err
	}
	if m, err := unix.Fgetxattr(int(f.Fd()), name, own); err == nil && string(own[:m]) == string(buf[:n]) {
		return nil
	}
	return unix.Fsetxattr(int(f.Fd()), name, buf[:n], 0)
}
