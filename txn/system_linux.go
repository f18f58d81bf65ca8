package txn

import (
	"os"
	"syscall"
)

// inherit lets children of this process have file, or not.
func inherit(file *os.File, yes bool) error {
	flags := uintptr(syscall.FD_CLOEXEC)
	if yes {
		flags = 0
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, file.Fd(), syscall.F_SETFD, flags); errno != 0 {
		return os.NewSyscallError("fcntl", errno)
	}
	return nil
}

// reserve takes size bytes of the disk for file. Where the file system has no
// such call there is no reserve.
func reserve(file *os.File, size int64) error {
	err := syscall.Fallocate(int(file.Fd()), 0, 0, size)
	if err == syscall.EOPNOTSUPP || err == syscall.ENOSYS {
		return nil
	}
	return os.NewSyscallError("fallocate", err)
}
