package main

import "golang.org/x/sys/unix"

// runningKernel is what uname -r prints.
func runningKernel() (string, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", err
	}
	return unix.ByteSliceToString(u.Release[:]), nil
}
