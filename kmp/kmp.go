// Package kmp reads kernel module packages, .rpm and .deb, before they are
// installed: which kernels their modules were built for, and what else they
// carry that matters for loading them. It writes both formats too.
//
// Written are rpm's format 4 (docs/manual/format.md of rpm 4.18: a header that
// is one immutable region, SHA-256 digests of header, payload and files, a
// signature of the header) and deb(5); the same values give the same bytes.
//
// A package is read as a stream and never unpacked to disk. What is kept is
// small: the module files, and the files listed under Extra; everything else
// is only named. A package that unpacks to far more than its size, names files
// outside the root, or states sizes that it does not have ends in an error.
//
// Terms:
//
//   - krel: a kernel's release, as uname -r prints it and as the directory
//     below lib/modules is named.
//   - dependency: what a package requires or provides. Kernel packages use
//     ksym(SYMBOL) = CRC or kernel(SYMBOL) = CRC for exported symbols,
//     kmod(FILE.ko), kernel(SET), kernel-uname-r = KREL and modalias(ALIAS).
//   - scriptlet: a script that the package manager runs as it installs or
//     removes the package (rpm: %pre, %post, …, triggers; deb: preinst,
//     postinst, …).
package kmp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"modkeep/internal/regular"
)

// Format is a package's format.
type Format string

// The formats.
const (
	RPM Format = "rpm"
	Deb Format = "deb"
)

// Package is what a package file says and holds.
type Package struct {
	Path    string // as given
	Format  Format
	Name    string
	Epoch   string // empty where there is none
	Version string
	Release string // rpm: Release; deb: the Debian revision, empty for a native package
	Arch    string // rpm: x86_64, noarch; deb: amd64, all
	Summary string
	Vendor  string // rpm: Vendor; deb: Maintainer
	License string // rpm only
	Source  bool   // an rpm of sources: nothing of it is installed

	Description string    // without Summary
	URL         string    // deb: Homepage
	Group       string    // rpm: Group; deb: Section
	Packager    string    // rpm only
	SourceName  string    // rpm: file name of the source package; deb: Source, empty where it has the same name
	BuildHost   string    // rpm only
	BuildTime   time.Time // rpm only
	Installed   int64     // bytes of its files where they are installed, as it says
	Payload     int64     // rpm: bytes of the archive once unpacked, as it says
	HeaderStart int64     // rpm: where in the file the header begins, for who fetches it alone
	HeaderEnd   int64     // rpm: where it ends
	Changes     []Change  // rpm: the log of changes, newest first
	// HeaderDigest and PayloadDigest are the SHA-256, in hex, of the rpm's header
	// and of what is behind it, as the package says; empty where it says none.
	HeaderDigest, PayloadDigest string
	Priority                    string // deb: required, important, standard, optional
	Control                     string // deb: the stanza of the control file as it is

	Files    []File   // all that it installs, in the package's order; OpenHeader has none of a deb
	Modules  []Module // sorted by path
	Extras   []Extra  // sorted by path
	Depends  []Dependency
	Scripts  []Script
	Triggers []string // deb: lines of the triggers file
}

// Change is one entry of a package's log of changes.
type Change struct {
	Time time.Time // rpm keeps the day: noon
	Name string    // who, with address and version
	Text string
}

// File is one entry of the list of files.
type File struct {
	Path   string // absolute, cleaned
	Size   int64  // bytes
	Mode   fs.FileMode
	Target string // of a symbolic link
	Config bool   // kept as the administrator changed it (rpm: %config; deb: conffiles)
	Ghost  bool   // rpm: belongs to the package, but is not in its archive
}

// Module is a kernel module file of the package.
type Module struct {
	Path     string // absolute
	Name     string // with _ for -
	KRel     string // of the directory it is in: lib/modules/KREL/…; empty elsewhere
	Vermagic string // whole; empty where the module has none
	Release  string // the first word of Vermagic: the kernel it was built for
	Data     []byte // the file as it is in the package, perhaps compressed; nil after OpenEach
	Err      error  // set where it could not be read as a module
}

// BuiltFor is the release of the kernel that the module was built for, as far
// as it tells: by its vermagic, else by its directory.
func (m *Module) BuiltFor() string {
	if m.Release != "" {
		return m.Release
	}
	return m.KRel
}

// Role says why a file is of interest.
type Role string

// The roles.
const (
	ModulesLoad Role = "modules-load" // modules-load.d: loaded at boot
	Modprobe    Role = "modprobe"     // modprobe.d: options, blacklists, aliases
	Depmod      Role = "depmod"       // depmod.d: search order, overrides
	Systemd     Role = "systemd"      // units
	Symvers     Role = "symvers"      // Module.symvers: what its modules export
	Kernel      Role = "kernel"       // a kernel image
	Initramfs   Role = "initramfs"    // dracut.conf.d, initramfs-tools
	Udev        Role = "udev"         // rules
	DKMS        Role = "dkms"         // dkms.conf: modules are built on the machine
	Akmod       Role = "akmod"        // a source package for akmods
	Link        Role = "link"         // a symbolic link below lib/modules/KREL
)

// Extra is a file of the package that matters for its modules.
type Extra struct {
	Path   string
	Role   Role
	Data   []byte // content; nil for links and for files longer than 1 MiB (tables and images 64 MiB)
	Target string // of a link
}

// Relation says how a dependency binds.
type Relation string

// The relations, by the words of rpm and dpkg.
const (
	Requires    Relation = "requires" // deb: Depends, Pre-Depends
	Provides    Relation = "provides"
	Conflicts   Relation = "conflicts" // deb: Conflicts, Breaks
	Obsoletes   Relation = "obsoletes" // deb: Replaces
	Recommends  Relation = "recommends"
	Suggests    Relation = "suggests"
	Supplements Relation = "supplements"
	Enhances    Relation = "enhances"
)

// Dependency is one entry of what a package requires, provides and so on.
type Dependency struct {
	Relation Relation
	Name     string // ksym(foo); in a deb alternatives stay together: "a | b"
	Op       string // <, <=, =, >=, > (deb: <<, >>); empty without version
	Version  string
	Pre      bool // needed before the package itself is installed, or by its scriptlets then (deb: Pre-Depends)
}

// String prints the dependency as rpm does.
func (d Dependency) String() string {
	if d.Op == "" {
		return d.Name
	}
	return d.Name + " " + d.Op + " " + d.Version
}

// Class is the word before the parentheses of a dependency's name: ksym,
// kernel, kmod, modalias; empty for others.
func (d Dependency) Class() string {
	class, rest, ok := strings.Cut(d.Name, "(")
	if !ok || !strings.HasSuffix(rest, ")") {
		return ""
	}
	switch class {
	case "ksym", "kernel", "kmod", "modalias":
		return class
	}
	return ""
}

// EVR is epoch, version and release as the package manager prints them.
func (p *Package) EVR() string {
	evr := p.Version
	if p.Release != "" {
		evr += "-" + p.Release
	}
	if p.Epoch != "" {
		evr = p.Epoch + ":" + evr
	}
	return evr
}

// Kernels are the releases that the modules were built for, each once,
// sorted as text.
func (p *Package) Kernels() []string {
	var krels []string
	for i := range p.Modules {
		if r := p.Modules[i].BuiltFor(); r != "" {
			krels = append(krels, r)
		}
	}
	slices.Sort(krels)
	return slices.Compact(krels)
}

// ErrFormat is wrapped by the error for a file that is neither .rpm nor .deb.
var ErrFormat = errors.New("neither an .rpm nor a .deb package")

// ErrTooLarge is wrapped by the error for a package that unpacks to more than
// any honest one of its size.
var ErrTooLarge = errors.New("unpacks to too much")

// Open reads the package file at path. A FIFO or device is refused, not waited
// for.
//
// The modules are kept in memory; more than 256 MiB of them are an error that
// wraps ErrTooLarge: use OpenEach for the packages of whole kernels.
func Open(path string) (*Package, error) { return OpenEach(path, nil) }

// OpenEach is Open, but gives each module to visit as it is read and keeps all
// but its Data. A hard link to a module comes with Data nil. An error of visit
// ends the reading.
func OpenEach(path string, visit func(*Module) error) (*Package, error) {
	return open(path, func(r io.ReaderAt, size int64) (*Package, error) { return Read(path, r, size, visit) })
}

// OpenHeader reads what the package file at path says of itself and leaves out
// what is in its archive: Modules, Extras but links, and of a deb Files.
func OpenHeader(path string) (*Package, error) {
	return open(path, func(r io.ReaderAt, size int64) (*Package, error) { return ReadHeader(path, r, size) })
}

func open(path string, read func(r io.ReaderAt, size int64) (*Package, error)) (*Package, error) {
	f, info, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f, info.Size())
}

// Read reads a package of size bytes. path is for messages and for
// Package.Path; visit is as for OpenEach, or nil.
func Read(path string, r io.ReaderAt, size int64, visit func(*Module) error) (*Package, error) {
	c := newCollector(path, size)
	c.visit = visit
	return c.read(r)
}

// ReadHeader is OpenHeader for a package of size bytes.
func ReadHeader(path string, r io.ReaderAt, size int64) (*Package, error) {
	c := newCollector(path, size)
	c.headerOnly = true
	return c.read(r)
}

func (c *collector) read(r io.ReaderAt) (*Package, error) {
	path := c.pkg.Path
	var magic [8]byte
	n, err := r.ReadAt(magic[:], 0)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	section := io.NewSectionReader(r, 0, c.size)
	switch {
	case bytes.HasPrefix(magic[:n], []byte{0xed, 0xab, 0xee, 0xdb}):
		c.pkg.Format = RPM
		err = readRPM(c, section)
	case bytes.Equal(magic[:n], []byte(arMagic)):
		c.pkg.Format = Deb
		err = readDeb(c, section)
	default:
		err = ErrFormat
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.finish()
	return c.pkg, nil
}

// cleanName is a file's name in an archive as an absolute path. A name that
// would leave the root is an error.
func cleanName(name string) (string, error) {
	if strings.IndexByte(name, 0) >= 0 || len(name) > maxName {
		return "", fmt.Errorf("name %.60q: holds a NUL or is too long", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", fmt.Errorf("name %.60q: leads out of the root", name)
		}
	}
	return path.Clean("/" + name), nil
}
