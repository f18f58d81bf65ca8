package main

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// isTerminal says whether somebody sits before what is read.
func isTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
