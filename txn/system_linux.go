package txn

import (
	"os"

	"golang.org/x/sys/unix"
)

// inherit lets children of this process have file, or not.
func inherit(file *os.File, yes bool) error {
	flags := unix.FD_CLOEXEC
	if yes {
		flags = 0
	}
	_, err := unix.FcntlInt(file.Fd(), unix.F_SETFD, flags)
	return os.NewSyscallError("fcntl", err)
}

// reserve takes size bytes of the disk for file. Where the file system has no
// such call there is no reserve.
func reserve(file *os.File, size int64) error {
	err := unix.Fallocate(int(file.Fd()), 0, 0, size)
	if err == unix.EOPNOTSUPP || err == unix.ENOSYS {
		return nil
	}
	return os.NewSyscallError("fallocate", err)
}

// syncWhole brings the whole file systems that directories lie on to the disk.
func syncWhole(dirs []string) error {
	done := make(map[uint64]bool)
	for _, name := range dirs {
		var stat unix.Stat_t
		if err := unix.Stat(name, &stat); err != nil {
			return &os.PathError{Op: "stat", Path: name, Err: err}
		}
		if done[stat.Dev] {
			continue
		}
		done[stat.Dev] = true
		if err := syncOne(name); err != nil {
			return err
		}
	}
	return nil
}

func syncOne(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	return os.NewSyscallError("syncfs", unix.Syncfs(int(dir.Fd())))
}
