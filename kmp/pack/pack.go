// Package pack says what the packages of kernel modules hold: their names,
// files, dependencies and scriptlets in the forms of the distributions. It makes
// values of package kmp, which writes them.
//
//	rhel8, rhel9  kmod-NAME: modules for one kernel in extra/NAME, which
//	              weak-modules links into the kernels that fit; it requires
//	              kernel(SYMBOL) = CRC and ksym(SYMBOL) = CRC, so that the solver
//	              knows too (as kmodtool of redhat-rpm-config makes them)
//	suse          NAME-kmp-FLAVOR, version V_kKVER: modules in updates, linked by
//	              weak-modules2 (as kernel-module-subpackage of kernel-macros)
//	kernel        kmod-NAME-KREL: modules for one kernel that are never linked;
//	              it requires kernel-uname-r = KREL (as Fedora's kmodtool)
//	deb           NAME-modules-KREL, which depends on linux-image-KREL
//
// A metadata package has no files: NAME-kernel-only requires the packages of
// modules, NAME-all those and what else belongs to the product. The gate package,
// modkeep-gate, conflicts with kernels that required modules cannot follow, so
// that dnf, zypper and apt leave those kernels out by themselves.
//
// Each package is a function of its arguments: no clock, no files.
package pack

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"modkeep/internal/pattern"
	"modkeep/kernel/release"
	"modkeep/kmp"
	"modkeep/kmp/rpm"
	"modkeep/symvers"
)

// Form is how a distribution has its packages of modules.
type Form string

// The forms. The first three are also those of dependencies.
const (
	RHEL8  = Form(rpm.RHEL8)
	RHEL9  = Form(rpm.RHEL9)
	SUSE   = Form(rpm.SUSE)
	Kernel = Form("kernel")
	Deb    = Form("deb")
)

// Forms are all forms.
var Forms = []Form{RHEL8, RHEL9, SUSE, Kernel, Deb}

// FormOf returns the form that the distribution of an os-release file
// (os-release(5)) uses, false for one that is not known here.
func FormOf(osRelease []byte) (Form, bool) {
	if form, ok := rpm.FormOf(osRelease); ok {
		return Form(form), true
	}
	for line := range strings.Lines(string(osRelease)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key != "ID" && key != "ID_LIKE" {
			continue
		}
		for id := range strings.FieldsSeq(strings.Trim(value, `"'`)) {
			if id == "debian" || id == "ubuntu" {
				return Deb, true
			}
		}
	}
	return "", false
}

// Format is the format of a form's packages.
func (f Form) Format() kmp.Format {
	if f == Deb {
		return kmp.Deb
	}
	return kmp.RPM
}

// PerKernel says whether each kernel has packages of its own; else modules are
// linked into kernels they were not built for.
func (f Form) PerKernel() bool { return f == Kernel || f == Deb }

// Built is a package that is ready to be written.
type Built struct {
	Package  *kmp.Package
	Contents []kmp.Content
	Kernel   string   // what its modules were built for, or speak of; empty where it has none
	Modules  []string // names
}

// Product is what all packages that belong together say.
type Product struct {
	Name    string // mlnx-en
	Epoch   string
	Version string // a - becomes _ in an .rpm
	Release string // "" is 1
	Form    Form

	Date time.Time // of the log of changes in a .deb

	Summary     string // "" is made of name and kernel
	Description string
	License     string // "" is what the modules say
	Vendor      string // of a .deb the maintainer: NAME <ADDRESS>
	URL         string

	// Directory is where modules go below /lib/modules/KREL; "" is the form's:
	// extra/NAME, updates (suse), updates/NAME (deb).
	Directory string
	// Initramfs has the scriptlets of forms that do not link make the kernel's
	// initramfs again. weak-modules and weak-modules2 see to it by themselves.
	Initramfs bool
	// Override adds a file for depmod.d that puts the package's modules before
	// the kernel's own of the same name, also as links in weak-updates.
	Override bool
	// NoSymbols leaves out what symbols are required.
	NoSymbols bool
	Depends   []kmp.Dependency // more of them
	Contents  []kmp.Content    // more files: modprobe.d, Module.symvers

	// Symvers returns the exports of a kernel that modules were built for; only
	// forms of RPM call it, and not with NoSymbols.
	Symvers func(krel string) (*symvers.Table, error)
	// Symsets returns the symsets of a kernel for suse; it may be nil.
	Symsets func(krel string) (rpm.Symsets, error)
}

// modulesDir is where kernels have their modules.
const modulesDir = "/lib/modules"

var (
	productName = pattern.New(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$`)
	// What may stand in scriptlets and depmod.d unquoted.
	plainPath = pattern.New(`^[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*)*$`)
	kernelRel = pattern.New(`^[0-9][A-Za-z0-9._+~-]{0,99}$`)
)

// check says what no package of the product could be made with.
func (p *Product) check() error {
	switch {
	case !productName.MatchString(p.Name):
		return fmt.Errorf("name %.60q: a product's is of letters, digits and . _ + -, at most 100", p.Name)
	case p.Version == "":
		return errors.New("no version")
	case p.Directory != "" && (!plainPath.MatchString(p.Directory) || inKernelTree(p.Directory)):
		return fmt.Errorf("directory %.60q: not one below %s/KREL that packages may use", p.Directory, modulesDir)
	}
	for _, c := range p.Contents {
		if strings.HasPrefix(c.Path, modulesDir+"/") || strings.HasPrefix(c.Path, "/usr"+modulesDir+"/") {
			return fmt.Errorf("file %.60q: below %s are the modules", c.Path, modulesDir)
		}
	}
	return nil
}

// inKernelTree says whether a directory belongs to the kernel's package or to
// what links.
func inKernelTree(dir string) bool {
	first, _, _ := strings.Cut(dir, "/")
	return first == "kernel" || first == "weak-updates" || first == "build" || first == "source"
}

// directory is where modules go below the kernel's directory.
func (p *Product) directory() string {
	switch {
	case p.Directory != "":
		return p.Directory
	case p.Form == SUSE:
		return "updates"
	case p.Form == Deb:
		return "updates/" + p.Name
	}
	return "extra/" + p.Name
}

// debName is a name as dpkg wants it.
func debName(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, "_", "-"))
}

// packageName is the name of the package of modules for a kernel.
func (p *Product) packageName(krel string) string {
	switch p.Form {
	case SUSE:
		return p.Name + "-kmp-" + flavor(krel)
	case Kernel:
		return "kmod-" + p.Name + "-" + strings.ReplaceAll(krel, "~", "_")
	case Deb:
		return debName(p.Name + "-modules-" + strings.ReplaceAll(krel, "~", "-"))
	}
	return "kmod-" + p.Name
}

// flavor is what follows the last - of a SUSE kernel's release.
func flavor(krel string) string { return krel[strings.LastIndexByte(krel, '-')+1:] }

// version is the version of the package of modules for a kernel. SUSE's has the
// kernel's in it, so that one is newer that was built for a newer kernel.
func (p *Product) version(krel string) string {
	if p.Form == Deb {
		return p.Version
	}
	version := strings.ReplaceAll(p.Version, "-", "_")
	if p.Form == SUSE && krel != "" {
		version += "_k" + strings.ReplaceAll(strings.TrimSuffix(krel, "-"+flavor(krel)), "-", "_")
	}
	return version
}

// start begins a package. krel is "" for one that speaks of no kernel alone.
func (p *Product) start(name, krel, arch, summary string) *kmp.Package {
	return &kmp.Package{
		Format: p.Form.Format(), Name: name, Epoch: p.Epoch, Version: p.version(krel), Release: cmp.Or(p.Release, "1"), Arch: arch,
		Summary: cmp.Or(p.Summary, summary), Description: p.Description, License: p.License, Vendor: cmp.Or(p.Vendor, vendors[p.Form.Format()]),
		URL: p.URL, Group: groups[p.Form.Format()],
	}
}

var (
	groups  = map[kmp.Format]string{kmp.RPM: "System Environment/Kernel", kmp.Deb: "kernel"}
	vendors = map[kmp.Format]string{kmp.Deb: "modkeep <root@localhost>"} // dpkg wants one
)

// anyArch is the architecture of packages that have no code.
func (f Form) anyArch() string {
	if f == Deb {
		return "all"
	}
	return "noarch"
}

// checkKernel refuses what is no kernel's release, or cannot stand in names.
func checkKernel(krel string) error {
	if _, err := release.Parse(krel); err != nil {
		return err
	}
	if !kernelRel.MatchString(krel) {
		return fmt.Errorf("kernel %.60q: has bytes that no name of a package has", krel)
	}
	return nil
}

// documents returns what Debian's policy wants in /usr/share/doc: what is known of
// copyrights, and a log of changes (12.5 and 12.7 of it).
func (p *Product) documents(pkg *kmp.Package, copyright string) []kmp.Content {
	if p.Form != Deb {
		return nil
	}
	var changes bytes.Buffer
	z, _ := gzip.NewWriterLevel(&changes, gzip.BestCompression) // no other level fails
	fmt.Fprintf(z, "%s (%s) unstable; urgency=medium\n\n  * Packed by modkeep.\n\n -- %s  %s\n", pkg.Name, pkg.EVR(), pkg.Vendor, p.Date.UTC().Format(time.RFC1123Z))
	z.Close()
	dir := "/usr/share/doc/" + pkg.Name
	return []kmp.Content{directory(dir),
		{File: kmp.File{Path: dir + "/changelog.Debian.gz", Mode: 0o644}, Data: changes.Bytes()},
		{File: kmp.File{Path: dir + "/copyright", Mode: 0o644}, Data: []byte(copyright)}}
}

// requires and exactly make dependencies.
func requires(name string) kmp.Dependency {
	return kmp.Dependency{Relation: kmp.Requires, Name: name}
}

func exactly(relation kmp.Relation, name, version string) kmp.Dependency {
	return kmp.Dependency{Relation: relation, Name: name, Op: "=", Version: version}
}

// moduleBase is a module's file name without compression.
func moduleBase(file string) string {
	base, _, _ := strings.Cut(path.Base(file), ".ko")
	return base
}
