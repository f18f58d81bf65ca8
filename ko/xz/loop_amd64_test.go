//go:build !purego

package xz

// eachLoop calls f with every implementation of run. Tests that use it must
// not be parallel.
func eachLoop(f func(loop string)) {
	defer func() { useAsm = true }()
	useAsm = false
	f("go")
	useAsm = true
	f("assembly")
}
