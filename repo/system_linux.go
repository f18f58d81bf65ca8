package repo

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncAll brings the file system that dir lies on to the disk: one call for any
// number of new files.
func syncAll(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return os.NewSyscallError("syncfs", unix.Syncfs(int(d.Fd())))
}
