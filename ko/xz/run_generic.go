//go:build !amd64 || purego

package xz

func (d *decoder) run() status { return d.runGo() }
