package kbuild

import "runtime"

// RunsHere says whether programs of a machine, in uname -m's word, run on this
// one.
func RunsHere(machine string) bool {
	switch runtime.GOARCH {
	case "amd64":
		return machine == "x86_64" || machine == "i686" // gcc -m32
	case "arm64":
		return machine == "aarch64"
	case "s390x", "riscv64", "ppc64le":
		return machine == runtime.GOARCH
	case "386":
		return machine == "i686"
	case "loong64":
		return machine == "loongarch64"
	}
	return false
}
