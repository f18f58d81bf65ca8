//go:build !amd64 || purego

package xz

// eachLoop calls f with every implementation of run.
func eachLoop(f func(loop string)) { f("go") }
