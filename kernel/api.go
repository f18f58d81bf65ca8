package kernel

import (
	"modkeep/depmod"
	"modkeep/ko"
	"modkeep/symvers"
)

// List returns the releases that have a module directory below the root,
// oldest first (release.Less).
func List(root string) ([]string, error) { return nil, nil }

// Open finds the kernel of a release below a root. It reads next to nothing;
// the error is fs.ErrNotExist where the root has no such module directory.
func Open(root, krel string, opts Options) (*Kernel, error) { return nil, nil }

// FromSymvers returns a kernel of which a Module.symvers table is known, and
// what stands beside it in a header package's directory: .config,
// include/config/auto.conf, include/generated/utsrelease.h and compile.h.
func FromSymvers(path string) (*Kernel, error) { return nil, nil }

// Next returns the release of the kernel that the root will boot next and what
// told it (a link, a boot loader entry); "" where that cannot be told.
func Next(root string) (krel, source string) { return "", "" }

// Tree returns what depmod selects; an empty tree for a kernel FromSymvers made.
func (k *Kernel) Tree() *depmod.Tree { return nil }

// Table returns the kernel's exports as a table, with their origin: the image's
// and those of the modules that the kernel was built with. It may be empty.
func (k *Kernel) Table() (*symvers.Table, Origin) { return nil, Origin{} }

// Problems returns what could not be read so far, in the order met.
func (k *Kernel) Problems() []Problem { return nil }

// Config returns the configuration the kernel was built with.
func (k *Kernel) Config() *Config { return nil }

// Config is a kernel configuration.
type Config struct {
	Known  bool              // false: no configuration was found, all options are unknown
	Path   string            // where it was read, inside the root; the image's path where that holds it
	Values map[string]string // option without CONFIG_ to y, m, a number, or a string without its quotes
}

// Version is the upstream version of a kernel.
type Version struct {
	Text                string // "6.1.192"
	Major, Minor, Patch int
	Source              string // what told it: "image", "header files", "release"
	Exact               bool   // false where only the release told it, whose last number Debian keeps at 0
}

// Version returns the upstream version: from the image's banner or the header
// package's files, else from the release.
func (k *Kernel) Version() Version { return Version{} }

// Banner returns the image's "Linux version …" line; "" where there is no image.
func (k *Kernel) Banner() string { return "" }

// Distro is who made a kernel.
type Distro struct {
	ID     string // debian, ubuntu, rhel, centos, fedora, suse, openeuler, anolis, android, arch, mainline, or ""
	Source string // what told it
}

// Distro tells the kernel's distribution from its banner, its configuration,
// its release and the root's os-release, in that order.
func (k *Kernel) Distro() Distro { return Distro{} }

// Arch returns the architecture as ELF machine names it in uname -m's words
// ("x86_64", "aarch64", "i686", "s390x", "ppc64le", "riscv64"); "" if unknown.
func (k *Kernel) Arch() string { return "" }

// Vermagic is what the kernel compares a module's vermagic with.
type Vermagic struct {
	Text   string // with its trailing space, where it has one
	Known  bool
	Source string // the module file, the image, or "composed from the configuration"
}

// Vermagic returns the kernel's vermagic: of one of its own modules (intree=Y,
// below kernel/, release part equal to KREL), else of the image, else composed
// from release and configuration where that can be done for the architecture.
func (k *Kernel) Vermagic() Vermagic { return Vermagic{} }

// StructModuleSize returns the size of struct module, which is that of
// .gnu.linkonce.this_module in the kernel's own modules, and the file that told
// it; 0 where there is none.
func (k *Kernel) StructModuleSize() (size uint64, source string) { return 0, "" }

// Modversions reports whether the kernel was built with CONFIG_MODVERSIONS;
// known is false where nothing tells.
func (k *Kernel) Modversions() (on, known bool) { return false, false }

// Builtin returns the modules compiled into the image.
func (k *Kernel) Builtin() *depmod.Builtin { return nil }

// SigPolicy is how the kernel treats signatures, by its configuration alone.
type SigPolicy struct {
	Known       bool
	Verify      bool // MODULE_SIG: signatures are looked at
	Force       bool // MODULE_SIG_FORCE: a module without a valid one is refused
	LockdownLSM bool // SECURITY_LOCKDOWN_LSM: lockdown=… can refuse unsigned modules
	Hash        string
}

// SigPolicy returns the signature policy of the configuration.
func (k *Kernel) SigPolicy() SigPolicy { return SigPolicy{} }

// Own reports whether a file is the kernel's own module: below kernel/ and
// marked intree=Y. A file below kernel/ that the kernel's own lists
// (modules.order, modules.builtin, its table) name is trusted unopened.
func (k *Kernel) Own(f *depmod.File) (bool, error) { return false, nil }

// ThirdParty returns the files, selected and shadowed, that are not the
// kernel's own, sorted by Rel.
func (k *Kernel) ThirdParty() []*depmod.File { return nil }

// OpenModule opens a module file of the tree, or returns it as opened before.
func (k *Kernel) OpenModule(f *depmod.File) (*ko.File, error) { return nil, nil }

// ModuleExports returns what a module file of the tree really exports.
func (k *Kernel) ModuleExports(f *depmod.File) ([]ko.Export, error) { return nil, nil }

// Provider returns who gives an export on this kernel: the image where that
// exports it, else the installed file that depmod selects for a module that
// exports it (with the CRC that file really has), else the module that the
// table lists and that is not installed.
func (k *Kernel) Provider(symbol string) (Provider, bool) { return Provider{}, false }

// Providers returns all that export the symbol, the one Provider returns first.
func (k *Kernel) Providers(symbol string) []Provider { return nil }

// Set is a set of exports.
type Set string

// The sets: of the kernel as it was built; of the modules beside it; both.
const (
	SetKernel Set = "kernel"
	SetExtra  Set = "extra"
	SetAll    Set = "all"
)

// Exports returns the exports of a set, sorted by symbol, the effective
// provider of each.
func (k *Kernel) Exports(set Set) ([]Provider, error) { return nil, nil }
