// Package rpm makes the dependencies that kernel module packages carry in RPM,
// as the generators of distributions do: they are run by rpmbuild, are given
// the names of a package's files, and answer with what the package provides or
// requires.
//
//	kernel(SYMBOL) = 0xCRC        an export of the kernel's own packages (RHEL)
//	ksym(SYMBOL) = 0xCRC          an export of another module package (RHEL)
//	kmod(NAME.ko)                 a module file, or a module built in
//	modalias(ALIAS) [= VERSION]   a device that a module is for (RHEL)
//	ksym(FLAVOR:SYMBOL) = CRC     an export, of whichever package (SUSE)
//	kernel(FLAVOR:SET) = HASH     a group of exports of the kernel (SUSE)
//	kernel-uname-r = KREL         a kernel image (SUSE)
//	modalias(kernel-FLAVOR:ALIAS) supplemented, not provided (SUSE)
//
// The flavor of a kernel is what follows the last - in its release: default,
// rt, 64kb. A symset is a list of exports and their CRCs that stays the same
// from kernel to kernel, named after the source directory and a hash.
//
// Followed are redhat-rpm-config 131 (RHEL 8), kernel-srpm-macros 1.0-13 (RHEL
// 9) and rpm-config-SUSE of 2025. CRCs are read as the kernel finds them, so
// that every form of them is understood: those generators look at symbols named
// __crc_, of one or two forms.
package rpm

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"modkeep/ko"
	"modkeep/symvers"
)

// Form is whose generators are followed.
type Form string

// The forms.
const (
	RHEL8 Form = "rhel8"
	RHEL9 Form = "rhel9" // and later, Fedora, openEuler
	SUSE  Form = "suse"
)

// Attr is a file for rpm's fileattrs directory (/usr/lib/rpm/fileattrs) that
// has rpmbuild run modkeep for module files (rpm-dependency-generators). The
// distribution's own attributes may stay: what two of them say alike stands in
// the package once.
const Attr = `# Dependencies of kernel modules, made by modkeep.
%__modkeep_provides	%{_bindir}/modkeep rpm-provides --buildroot=%{buildroot} --package=%{name}
%__modkeep_requires	%{_bindir}/modkeep rpm-requires --buildroot=%{buildroot} --package=%{name}
%__modkeep_supplements	%{_bindir}/modkeep rpm-provides --supplements --buildroot=%{buildroot} --package=%{name}
%__modkeep_path		^((/usr)?/lib/modules/.*(\.ko(\.gz|\.xz|\.zst)?|/modules\.builtin|/symvers\.(gz|xz|zst)|/vmlinu[xz](\.gz|\.xz|\.zst)?)|(/usr)?/lib/modules-load\.d/.*\.conf|/boot/(symvers|vmlinux)-.*)$
`

// AttrFile is the name of Attr below the root of a system.
const AttrFile = "/usr/lib/rpm/fileattrs/modkeep.attr"

// FormOf returns the form that the distribution of an os-release file
// (os-release(5)) uses, false for one that has no RPM packages known here.
func FormOf(osRelease []byte) (Form, bool) {
	values := map[string]string{}
	for line := range bytes.Lines(osRelease) {
		key, value, ok := strings.Cut(strings.TrimSpace(string(line)), "=")
		if ok {
			values[key] = strings.Trim(value, `"'`)
		}
	}
	major, _, _ := strings.Cut(values["VERSION_ID"], ".")
	for _, id := range append([]string{values["ID"]}, strings.Fields(values["ID_LIKE"])...) {
		switch {
		case strings.HasPrefix(id, "sle"), strings.Contains(id, "suse"):
			return SUSE, true
		case id == "fedora" && values["ID"] == "fedora", strings.EqualFold(id, "openEuler"):
			return RHEL9, true
		case id == "rhel" || id == "centos" || id == "fedora":
			if major == "8" || major == "7" {
				return RHEL8, true
			}
			return RHEL9, true
		}
	}
	return "", false
}

// Dependency is one line of what a generator prints.
type Dependency struct {
	Name    string // ksym(printk), or a rich dependency in parentheses
	Version string // what it is equal to, or ""
}

// String returns the dependency as rpm reads it.
func (d Dependency) String() string {
	if d.Version == "" {
		return d.Name
	}
	return d.Name + " = " + d.Version
}

// Options say how dependencies are made.
type Options struct {
	Form      Form
	Flavor    string // of SUSE's forms; "" takes each module's from its vermagic
	Buildroot string // what the files' names begin with, above the package's own paths
	Package   string // the package's name, "" where not known; kernel packages require nothing
	// Open opens a module by its name; nil is ko.Open. Packages that are made
	// from memory have their modules there.
	Open func(file string) (*ko.File, error)
	// Symvers returns the exports of the kernel that a module was built for, by
	// its release. Requires of RHEL's forms call it, once for each release.
	Symvers func(krel string) (*symvers.Table, error)
	// Symsets returns the symsets of a kernel, none where it has none. Requires
	// of SUSE's form calls it, once for each release; it may be nil.
	Symsets func(krel string) (Symsets, error)
}

// kernelPackage says whether the package is one of a kernel's own.
func (o *Options) kernelPackage() bool {
	return strings.HasPrefix(o.Package, "kernel") && !strings.HasPrefix(o.Package, "kernel-module-") &&
		(o.Form != SUSE || strings.HasPrefix(o.Package, "kernel-"))
}

// open opens a module.
func (o *Options) open(file string) (*ko.File, error) {
	if o.Open != nil {
		return o.Open(file)
	}
	return ko.Open(file)
}

// sorted orders dependencies and leaves out what stands there twice.
func sorted(list []Dependency) []Dependency {
	slices.SortFunc(list, func(a, b Dependency) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
	return slices.Compact(list)
}

// crc returns a CRC as the form writes it.
func (o *Options) crc(crc uint64) string {
	if o.Form == SUSE {
		return fmt.Sprintf("%x", crc)
	}
	return fmt.Sprintf("0x%08x", crc)
}

// flavor returns the flavor of a release.
func (o *Options) flavor(krel string) string {
	return cmp.Or(o.Flavor, krel[strings.LastIndexByte(krel, '-')+1:])
}
