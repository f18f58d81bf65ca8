//go:build !linux

package repo

import "syscall"

// syncAll brings all file systems to the disk.
func syncAll(string) error {
	syscall.Sync()
	return nil
}
