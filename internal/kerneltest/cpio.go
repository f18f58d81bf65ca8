package kerneltest

import (
	"fmt"
	"io"
)

// Mode bits of a cpio entry: the file type as in stat(2) and the permissions.
const (
	modeFile = 0o100755
	modeDir  = 0o040755
	modeChar = 0o020600
	modeLink = 0o120777
)

// archive writes a cpio archive in the "newc" format the kernel unpacks as
// initramfs (Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	w    io.Writer
	ino  int
	size int64
	err  error
}

// newArchive starts an archive on w.
func newArchive(w io.Writer) *archive { return &archive{w: w} }

// dir adds a directory; its parents must have been added before.
func (a *archive) dir(name string) { a.entry(name, modeDir, nil, 0, 0) }

// file adds an ordinary file that anyone may execute.
func (a *archive) file(name string, content []byte) { a.entry(name, modeFile, content, 0, 0) }

// link adds a symbolic link.
func (a *archive) link(name, text string) { a.entry(name, modeLink, []byte(text), 0, 0) }

// device adds a character device.
func (a *archive) device(name string, major, minor int) {
	a.entry(name, modeChar, nil, major, minor)
}

// close ends the archive and returns the first error of any step.
func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, nil, 0, 0)
	return a.err
}

// entry writes header, name and content, each padded to four bytes. The
// fields are eight hexadecimal digits: inode, mode, uid, gid, links, mtime,
// size, device of the file, device it stands for, length of name, checksum.
func (a *archive) entry(name string, mode int, content []byte, major, minor int) {
	a.ino++
	header := fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		a.ino, mode, 0, 0, 1, 0, len(content), 0, 0, major, minor, len(name)+1, 0)
	a.write([]byte(header))
	a.write([]byte(name + "\x00"))
	a.pad()
	a.write(content)
	a.pad()
}

func (a *archive) write(p []byte) {
	if a.err != nil {
		return
	}
	n, err := a.w.Write(p)
	a.size += int64(n)
	a.err = err
}

func (a *archive) pad() {
	if n := a.size % 4; n != 0 {
		a.write(make([]byte, 4-n))
	}
}
