// Package kbuild builds external kernel modules: sources for kernels, as many of
// each as are asked for.
//
// Terms:
//
//   - source: a tree of files from which modules are made: one with a dkms.conf,
//     or one with a Kbuild file (Documentation/kbuild/modules.rst), or what was
//     unpacked from a package of such.
//   - headers: what a kernel's build leaves for external modules; the directory
//     that lib/modules/KREL/build leads to.
//   - cell: one source for one kernel.
//   - provider: a source whose modules export what those of another source, a
//     consumer, import. Providers are built first; their Module.symvers is
//     handed on (KBUILD_EXTRA_SYMBOLS).
//   - cache: built cells by the digest of all that goes into them: source,
//     headers with their configuration, compiler, commands, exports of providers.
//     A failure is kept like a success.
//
// A build runs in a copy of the source, without privileges and without network
// where the machine allows that (Sandbox says what it does not allow), in a
// process group of its own that ends with it. Of its environment nothing is
// inherited but what Options says. All builds of a run share the processors by
// one GNU make jobserver.
//
// Paths, times and names of users are kept out of what is built, so the same
// inputs give the same bytes anywhere.
package kbuild

import (
	"errors"
	"fmt"
	"strings"

	"modkeep/internal/pattern"
)

// MissingError is something that a build needs and that is not there.
type MissingError struct {
	What    string // headers, compiler, tool
	Kernel  string // release
	Text    string // what was looked for and what is wrong with it
	Install string // the package that brings it on the kernel's distribution; "" where not known
}

func (e *MissingError) Error() string { return e.Text }

// Hint is what to do about it.
func (e *MissingError) Hint() string {
	if e.Install == "" {
		return ""
	}
	return "install " + e.Install
}

// Missing returns the MissingError in an error's chain, nil where there is none.
func Missing(err error) *MissingError {
	var m *MissingError
	if errors.As(err, &m) {
		return m
	}
	return nil
}

// headersPackage names the package with the headers of a kernel.
func headersPackage(distro, krel string) string {
	switch distro {
	case "debian", "ubuntu":
		return "linux-headers-" + krel
	case "rhel", "fedora", "openeuler", "anolis", "amazon":
		for _, variant := range []string{"rt", "debug", "64k"} {
			if base, ok := strings.CutSuffix(krel, "+"+variant); ok {
				return "kernel-" + variant + "-devel-" + base
			}
		}
		return "kernel-devel-" + krel
	case "suse":
		if i := strings.LastIndexByte(krel, '-'); i > 0 {
			return fmt.Sprintf("kernel-%s-devel = %s", krel[i+1:], krel[:i])
		}
	case "arch":
		return "linux-headers"
	}
	return ""
}

// compilerPackage names the package with a compiler.
func compilerPackage(distro, name string) string {
	switch distro {
	case "rhel", "fedora", "openeuler", "anolis", "amazon", "arch":
		name, _, _ = strings.Cut(name, "-")
	case "suse":
		name = strings.ReplaceAll(name, "-", "")
	case "debian", "ubuntu":
		// x86_64-linux-gnu-gcc-12 is in gcc-12 there; foreign ones are
		// gcc-12-aarch64-linux-gnu.
		if m := crossName.FindStringSubmatch(name); m != nil {
			return m[2] + "-" + m[1]
		}
	}
	return name
}

var crossName = pattern.New(`^(.+-linux-gnu[a-z0-9]*)-(gcc.*)$`)
