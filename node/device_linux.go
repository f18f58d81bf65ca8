package node

import (
	"io/fs"
	"syscall"
)

// deviceNumber is the number of a device file, as makedev(3) packs it.
func deviceNumber(info fs.FileInfo) (major, minor uint64, ok bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	n := uint64(st.Rdev)
	return n>>8&0xfff | n>>32&^0xfff, n&0xff | n>>12&^0xff, true
}
