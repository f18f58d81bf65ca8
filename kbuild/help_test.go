package kbuild

import "modkeep/kernel"

func parse(config string) *kernel.Config { return kernel.ParseConfig([]byte(config + "\n")) }

// native and other are architectures: this machine's, and one that is not.
func native() string {
	for _, a := range arches {
		if RunsHere(a.machine) {
			return a.machine
		}
	}
	return ""
}

func other() string {
	for _, a := range arches {
		if !RunsHere(a.machine) {
			return a.machine
		}
	}
	return ""
}
