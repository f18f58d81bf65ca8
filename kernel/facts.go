package kernel

import (
	"fmt"
	"strings"

	"modkeep/depmod"
	"modkeep/internal/pattern"
	"modkeep/kernel/release"
	"modkeep/ko"
	"modkeep/ko/elf"
	"modkeep/ko/modinfo"
)

// Version is the upstream version of a kernel.
type Version struct {
	Text                string // "6.1.192"
	Major, Minor, Patch int
	Source              string // what told it: a path, or "release"
	Exact               bool   // false where only the release told it, whose last number Debian and Red Hat keep at 0
}

// AtLeast reports whether the version is major.minor or later.
func (v Version) AtLeast(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}

// Version returns the upstream version, from the first that tells it: version.h
// of the header package, the title of the configuration, the image's banner
// where a distribution writes the version there (Debian), the release.
func (k *Kernel) Version() Version {
	if h := k.headerFiles(); h.version != "" {
		if v, ok := version(h.version, h.dir+"/include/generated/uapi/linux/version.h"); ok {
			return v
		}
	}
	if c := k.Config(); c.Title != "" {
		if v, ok := version(c.Title, c.Path); ok {
			return v
		}
	}
	if m := debianVersion.FindStringSubmatch(k.Banner()); m != nil {
		if v, ok := version(m[1], k.ImagePath); ok {
			return v
		}
	}
	v, _ := version(k.Release, "release")
	v.Exact = false
	return v
}

// debianVersion is the package version in a banner: "Debian 6.1.192-2", or
// with the upstream version's own suffix "6.12~rc1-1".
var debianVersion = pattern.New(`\bDebian ([0-9]+\.[0-9]+(\.[0-9]+)?)`)

func version(text, source string) (Version, bool) {
	r, err := release.Parse(text)
	if err != nil {
		return Version{Source: source}, false
	}
	return Version{r.Upstream(), r.Major, r.Minor, r.Patch, source, true}, true
}

// Banner returns release, builder and version as the image has them, see
// image.Banner; "" where there is no image.
func (k *Kernel) Banner() string {
	m := k.openImage()
	if m == nil {
		return ""
	}
	banner, err := m.Banner()
	if err != nil {
		k.problem(k.ImagePath, err)
		return ""
	}
	return banner
}

// Distro is who made a kernel.
type Distro struct {
	ID     string // debian, ubuntu, rhel, fedora, suse, openeuler, anolis, amazon, android, arch, mainline; "" if unknown
	Source string // what told it
}

// distroMarks are what releases of distributions hold.
var distroMarks = []struct {
	id   string
	mark *pattern.Pattern
}{
	{"android", pattern.New(`-android\d+`)},
	{"openeuler", pattern.New(`\.oe\d`)},
	{"anolis", pattern.New(`\.(an|al)\d`)},
	{"amazon", pattern.New(`\.amzn`)},
	{"rhel", pattern.New(`\.el\d`)},
	{"fedora", pattern.New(`\.(fc\d+|eln)`)},
	{"debian", pattern.New(`\+deb\d`)},
	{"arch", pattern.New(`[-.]arch\d`)},
	{"suse", pattern.New(`-(lp)?1[56]0[0-9]{3}\.[0-9.]+-[a-z]`)},
}

// Distro tells the kernel's distribution: from its release, its configuration,
// its header package and banner, and last the root's os-release.
func (k *Kernel) Distro() Distro {
	if d := byRelease(k.Release); d.ID != "" {
		return d
	}
	c := k.Config()
	switch {
	case c.On("SUSE_KERNEL"):
		return Distro{"suse", c.Path + ": CONFIG_SUSE_KERNEL"}
	case strings.HasPrefix(c.Values["VERSION_SIGNATURE"], "Ubuntu"):
		return Distro{"ubuntu", c.Path + ": CONFIG_VERSION_SIGNATURE"}
	}
	h := k.headerFiles()
	for _, told := range [][2]string{{h.pkg, h.dir}, {k.Banner(), k.ImagePath}} {
		for _, name := range []string{"Debian", "Ubuntu"} {
			if strings.Contains(told[0], name) {
				return Distro{strings.ToLower(name), told[1]}
			}
		}
	}
	if r := k.Parsed; r.Text != "" && (r.Rest == "" || strings.HasPrefix(r.Rest, "-rc") || r.Rest == "+") {
		return Distro{"mainline", "release"}
	}
	return k.osRelease()
}

// DistroOf tells whose kernel a release below a root is; of one that is not
// installed there, by its release and the root's os-release.
func DistroOf(root, krel string) Distro {
	if k, err := Open(root, krel, Options{}); err == nil {
		return k.Distro()
	}
	if d := byRelease(krel); d.ID != "" {
		return d
	}
	k := &Kernel{Root: root, ModuleDir: "/"} // of which only the root is looked at
	return k.osRelease()
}

func byRelease(krel string) Distro {
	for _, d := range distroMarks {
		if m := d.mark.FindString(krel); m != "" {
			return Distro{d.id, fmt.Sprintf("release (%q)", m)}
		}
	}
	return Distro{}
}

func (k *Kernel) osRelease() Distro {
	if k.ModuleDir == "" {
		return Distro{}
	}
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		if text, ok := k.text(name); ok {
			id := strings.ToLower(assignments(text)["ID"])
			if known, ok := osIDs[id]; ok {
				id = known
			}
			return Distro{id, name}
		}
	}
	return Distro{}
}

// osIDs maps os-release's ID to whose kernels they are.
var osIDs = map[string]string{
	"sles": "suse", "sle_hpc": "suse", "opensuse-leap": "suse", "opensuse-tumbleweed": "suse",
	"centos": "rhel", "rocky": "rhel", "almalinux": "rhel", "ol": "rhel", "amzn": "amazon",
}

// configArch tells the architecture from a configuration, most telling first.
var configArch = []struct{ option, arch string }{
	{"X86_64", "x86_64"}, {"X86_32", "i686"}, {"ARM64", "aarch64"}, {"ARM", "armv7l"}, {"S390", "s390x"},
	{"RISCV", "riscv64"}, {"LOONGARCH", "loongarch64"}, {"IA64", "ia64"}, {"SPARC64", "sparc64"}, {"PARISC", "parisc"}, {"ALPHA", "alpha"},
}

// Arch returns the architecture in uname -m's words ("x86_64", "aarch64",
// "i686", "s390x", "ppc64le", "riscv64"), from one of the kernel's modules,
// its configuration or its headers; "" where nothing tells.
func (k *Kernel) Arch() string {
	if s := k.ownSample(); s.file != nil {
		return s.arch
	}
	c := k.Config()
	for _, a := range configArch {
		if c.On(a.option) {
			return a.arch
		}
	}
	switch {
	case c.On("PPC64") && c.On("CPU_LITTLE_ENDIAN"):
		return "ppc64le"
	case c.On("PPC64"):
		return "ppc64"
	case c.On("PPC"):
		return "ppc"
	case c.On("MIPS"):
		return "mips" + when(c.On("64BIT"), "64") + when(c.On("CPU_LITTLE_ENDIAN"), "el")
	}
	return k.headerFiles().machine
}

// elfArch names the architecture of a module file.
func elfArch(h *elf.Header) string {
	little := h.Order.Uint16([]byte{1, 0}) == 1
	switch h.Machine {
	case elf.EM_X86_64:
		return "x86_64"
	case elf.EM_386:
		return "i686"
	case elf.EM_AARCH64:
		return "aarch64"
	case elf.EM_ARM:
		return "armv7l"
	case elf.EM_PPC64:
		return "ppc64" + when(little, "le")
	case elf.EM_PPC:
		return "ppc"
	case elf.EM_S390:
		return "s390" + when(h.Is64, "x")
	case elf.EM_RISCV:
		return "riscv" + when(h.Is64, "64") + when(!h.Is64, "32")
	case elf.EM_IA_64:
		return "ia64"
	case elf.EM_MIPS:
		return "mips" + when(h.Is64, "64") + when(little, "el")
	case 258:
		return "loongarch64"
	}
	return fmt.Sprintf("machine-%d", h.Machine)
}

func when(on bool, text string) string {
	if on {
		return text
	}
	return ""
}

// sample is one of the kernel's own modules, and what it tells of the kernel.
type sample struct {
	file     *depmod.File // nil where there is none
	vermagic string
	size     uint64
	arch     string
	versions bool // has __versions or extended versions
}

// maxSamples bounds how many files are opened to find an own module: in a tree
// where the first ones are foreign or damaged the next ones will do.
const maxSamples = 64

// ownSample opens modules below kernel/ until one is the kernel's own: marked
// intree=Y, its vermagic's release equal to KREL, and with a struct module.
func (k *Kernel) ownSample() sample {
	return k.sample.get(func() sample {
		tries := 0
		for _, f := range k.Tree().Modules {
			if !f.InKernel() || f.Link != "" {
				continue
			}
			if tries++; tries > maxSamples {
				break
			}
			if s, ok := k.trySample(f); ok {
				return s
			}
		}
		return sample{}
	})
}

func (k *Kernel) trySample(f *depmod.File) (sample, bool) {
	m, err := ko.Open(f.Path)
	if err != nil {
		k.problem(k.rel(f), err)
		return sample{}, false
	}
	defer m.Close()
	magic, ok := m.Info.Vermagic()
	intree, _ := m.Info.Get("intree")
	// 2.6.3x and older have no intree mark.
	if !ok || magic.Release != k.Release || intree != "Y" && k.Parsed.AtLeast(3, 3) {
		return sample{}, false
	}
	size, ok := m.ThisModuleSize()
	crcs, names := m.HasExtVersions()
	return sample{f, magic.Raw, size, elfArch(&m.Header), m.HasVersions() || crcs && names}, ok
}

// rel is a file's path inside the root for messages.
func (k *Kernel) rel(f *depmod.File) string {
	if strings.HasPrefix(f.Rel, "/") {
		return f.Rel
	}
	return k.ModuleDir + "/" + f.Rel
}

// Vermagic is what the kernel compares a module's vermagic with.
type Vermagic struct {
	modinfo.Vermagic
	Known  bool
	Source string // the module file or image inside the root, or "composed from …"
}

// Vermagic returns the kernel's vermagic: that of one of its own modules, else
// of the image, else composed from release and configuration where that can be
// done for the architecture.
func (k *Kernel) Vermagic() Vermagic {
	if s := k.ownSample(); s.file != nil {
		return Vermagic{modinfo.ParseVermagic(s.vermagic), true, k.rel(s.file)}
	}
	if m := k.openImage(); m != nil {
		if text, err := m.Vermagic(); err == nil {
			return Vermagic{modinfo.ParseVermagic(text), true, k.ImagePath}
		}
	}
	text, ok := composeVermagic(k.Release, k.Config(), k.headerFiles().randHash)
	if !ok {
		return Vermagic{}
	}
	return Vermagic{modinfo.ParseVermagic(text), true, "composed from " + k.Config().Path}
}

// StructModuleSize returns the size of struct module in bytes, which is that of
// .gnu.linkonce.this_module in the kernel's own modules, and the file that told
// it; 0 where there is none.
func (k *Kernel) StructModuleSize() (size uint64, source string) {
	s := k.ownSample()
	if s.file == nil {
		return 0, ""
	}
	return s.size, k.rel(s.file)
}

// Modversions reports whether the kernel was built with CONFIG_MODVERSIONS, by
// its configuration, its vermagic or its table; known is false where nothing
// tells.
func (k *Kernel) Modversions() (on, known bool) {
	if c := k.Config(); c.Known {
		return c.On("MODVERSIONS"), true
	}
	if s := k.ownSample(); s.file != nil {
		return strings.Contains(s.vermagic, " modversions "), true
	}
	if t := k.exports(); t.Len() > 0 {
		return t.HasCRCs(), true
	}
	return false, false
}
