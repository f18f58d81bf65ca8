package depmod

import (
	"encoding/binary"
	"io/fs"
	"syscall"
)

// entry is one name of a directory with the type that the file system told.
type entry struct {
	name string
	mode fs.FileMode // type bits; fs.ModeIrregular where it was not told
}

// lister lists directories with as few system calls as there can be: one tree
// has a thousand of them.
type lister struct {
	buf []byte
}

// list returns the entries of a directory in the file system's own order,
// without . and .., at most limit of them. parent is an open directory that
// name is relative to, or -1. fd is the directory, for the caller to close.
func (l *lister) list(parent int, name string, limit int) (fd int, entries []entry, err error) {
	if l.buf == nil {
		l.buf = make([]byte, 32<<10)
	}
	const atCWD = -100
	if parent < 0 {
		parent = atCWD
	}
	for {
		fd, err = syscall.Openat(parent, name, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		return -1, nil, err
	}
	for len(entries) <= limit {
		n, err := syscall.Getdents(fd, l.buf)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return fd, entries, err
		}
		entries = appendDirents(entries, l.buf[:n])
	}
	return fd, entries, nil
}

// appendDirents decodes struct linux_dirent64 records (getdents64(2)): inode,
// offset, record length, type, name.
func appendDirents(entries []entry, b []byte) []entry {
	const header = 19
	for len(b) > header {
		size := int(binary.NativeEndian.Uint16(b[16:]))
		if size <= header || size > len(b) {
			return entries
		}
		name := b[header:size]
		for i, c := range name {
			if c == 0 {
				name = name[:i]
				break
			}
		}
		if s := string(name); s != "." && s != ".." {
			entries = append(entries, entry{s, direntMode(b[18])})
		}
		b = b[size:]
	}
	return entries
}

func direntMode(kind byte) fs.FileMode {
	switch kind {
	case syscall.DT_REG:
		return 0
	case syscall.DT_DIR:
		return fs.ModeDir
	case syscall.DT_LNK:
		return fs.ModeSymlink
	case syscall.DT_UNKNOWN:
		return fs.ModeIrregular
	}
	return fs.ModeDevice // a FIFO, socket or device
}
