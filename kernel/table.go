package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"modkeep/depmod"
	"modkeep/kernel/image"
	"modkeep/kernel/release"
	"modkeep/symvers"
)

// Kind is what exports were read from.
type Kind string

// The kinds of origins.
const (
	Symvers    Kind = "symvers" // a Module.symvers table
	ImageKind  Kind = "image"   // the export tables of the kernel image
	ModuleFile Kind = "module"  // a module file's own
	Nothing    Kind = "nothing" // nothing that lists exports was found
)

// Exact is the Trust of an origin that holds just what the kernel exports.
const Exact = "exact"

// Origin says where exports come from.
type Origin struct {
	Path string // inside the root (for FromSymvers: as given)
	Kind Kind
	// Trust is Exact, or says what stands in for the real thing and what that
	// leaves unknown: "no table: exports of the image and of the module files".
	Trust string
}

// Trusts of what stands in for a table.
const (
	trustImage   = "no table: exports of the image and of the installed module files"
	trustModules = "neither table nor image: exports of the installed module files only, those of the image are unknown"
	trustNothing = "no table, no image and no module files: exports are unknown"
)

// table is the kernel's exports as Table returns them.
type table struct {
	*symvers.Table
	origin   Origin
	complete bool // lists all that the kernel's own modules export
}

// FromSymvers returns a kernel of which a Module.symvers table is known, a path
// on this machine, and what stands beside it in a header package's directory:
// .config, include/generated/utsrelease.h, compile.h and their like. Its
// release is that of utsrelease.h, else what the directory's or the file's name
// ends in (linux-headers-KREL, kernels/KREL, symvers-KREL.gz), else "".
func FromSymvers(file string) (*Kernel, error) {
	t, err := symvers.Open(file)
	if err != nil {
		return nil, err
	}
	k := &Kernel{options: Options{Symvers: file}, alone: filepath.Dir(file)}
	k.table.get(func() table { return table{t, Origin{file, Symvers, Exact}, true} })
	k.Release = k.headerFiles().release
	if k.Release == "" {
		k.Release = releaseInName(file)
	}
	k.Parsed, _ = release.Parse(k.Release)
	return k, nil
}

// releaseInName finds a release in the name of a table or its directory.
func releaseInName(file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		abs = file
	}
	base := path.Base(filepath.ToSlash(abs))
	for _, ext := range []string{".gz", ".xz", ".zst"} {
		base = strings.TrimSuffix(base, ext)
	}
	for _, name := range []string{strings.TrimPrefix(base, "symvers-"), strings.TrimPrefix(base, "Module.symvers-"), path.Base(path.Dir(filepath.ToSlash(abs)))} {
		name = strings.TrimPrefix(name, "linux-headers-")
		if _, err := release.Parse(name); err == nil {
			return name
		}
	}
	return ""
}

// Table returns the kernel's exports as its build left them, the image's and
// its modules', and their origin. Where there is no table it holds what the
// image exports, or nothing; see Origin.Trust.
func (k *Kernel) Table() (*symvers.Table, Origin) {
	t := k.exports()
	return t.Table, t.origin
}

func (k *Kernel) exports() table {
	return k.table.get(k.readTable)
}

func (k *Kernel) readTable() table {
	if file := k.options.Symvers; file != "" {
		t, err := symvers.Open(file)
		if err == nil {
			return table{t, Origin{file, Symvers, Exact}, true}
		}
		k.problem(file, err)
	}
	for _, p := range k.tablePaths() {
		name, host, ok := k.find(p)
		if !ok {
			continue
		}
		t, err := symvers.Open(host)
		if err != nil {
			k.problem(name, err)
			continue
		}
		trust := k.trust(path.Dir(name))
		return table{t, Origin{name, Symvers, trust}, trust == Exact}
	}
	return k.imageTable()
}

// imageTable makes the table from the image.
func (k *Kernel) imageTable() table {
	if m := k.openImage(); m != nil {
		t, err := m.Exports()
		if err == nil {
			return table{t, Origin{k.ImagePath, ImageKind, trustImage}, false}
		}
		k.problem(k.ImagePath, err)
	}
	if len(k.Tree().Modules) > 0 {
		return table{symvers.New(nil), Origin{k.ModuleDir, ModuleFile, trustModules}, false}
	}
	return table{symvers.New(nil), Origin{k.ModuleDir, Nothing, trustNothing}, false}
}

// trust says whether the table in a header directory is this kernel's: the
// directory tells its own release, where it has the file that does.
func (k *Kernel) trust(dir string) string {
	text, err := depmod.ReadFile(k.Root, dir+"/include/generated/utsrelease.h", maxText)
	if err != nil {
		return Exact
	}
	if other := define(string(text), "UTS_RELEASE"); other != "" && other != k.Release {
		return fmt.Sprintf("table of %s, in place of that of %s", other, k.Release)
	}
	return Exact
}

var packed = []string{".gz", ".xz", ".zst"}

// tablePaths returns where the kernel's table may be, best first: where kernel
// packages put it (RHEL, Fedora, SUSE, openEuler), then header packages.
func (k *Kernel) tablePaths() []string {
	var paths []string
	for _, ext := range append([]string{""}, packed...) {
		paths = append(paths, k.ModuleDir+"/symvers"+ext)
	}
	paths = append(paths, k.ModuleDir+"/Module.symvers")
	for _, ext := range append([]string{""}, packed...) {
		paths = append(paths, "/boot/symvers-"+k.Release+ext)
	}
	for _, dir := range k.headerDirs() {
		paths = append(paths, dir+"/Module.symvers")
	}
	return paths
}

// headerDirs returns the directories that the headers of this kernel may be in;
// a dangling build link is reported.
func (k *Kernel) headerDirs() []string {
	if k.ModuleDir == "" {
		return nil
	}
	build := k.ModuleDir + "/build"
	if _, err := depmod.Resolve(k.Root, build); errors.Is(err, fs.ErrNotExist) {
		if target, err := os.Readlink(k.host(build)); err == nil {
			k.problem(build, fmt.Errorf("dangling link to %q: headers of this kernel are not installed", target))
		}
	}
	dirs := []string{build, "/usr/src/linux-headers-" + k.Release, "/usr/src/kernels/" + k.Release}
	return append(dirs, k.suseHeaders()...)
}

// suseHeaders finds /usr/src/linux-VERSION-obj/ARCH/FLAVOR.
func (k *Kernel) suseHeaders() []string {
	flavor := k.Parsed.Flavor
	version := strings.TrimSuffix(k.Release, "-"+flavor)
	if flavor == "" || version == k.Release {
		return nil
	}
	obj := "/usr/src/linux-" + version + "-obj"
	real, err := depmod.Resolve(k.Root, obj)
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir(k.host(real))
	if err != nil {
		k.problem(obj, err)
		return nil
	}
	var dirs []string
	for _, e := range entries {
		dirs = append(dirs, path.Join(obj, e.Name(), flavor))
	}
	return dirs
}

// imagePaths returns where a kernel's image may be, best first.
func imagePaths(dir, krel string) []string {
	paths := []string{"/boot/vmlinuz-" + krel, dir + "/vmlinuz"}
	for _, name := range []string{"Image", "image", "vmlinux", "zImage", "kernel"} {
		paths = append(paths, "/boot/"+name+"-"+krel)
	}
	return append(paths, dir+"/Image", dir+"/vmlinux", "/boot/vmlinux-"+krel+".gz", "/boot/vmlinux-"+krel+".xz", "/boot/vmlinux-"+krel+".zst",
		"/boot/Image-"+krel+".gz", dir+"/build/vmlinux")
}

// openImage returns the image, nil where there is none that can be opened.
func (k *Kernel) openImage() *image.Image {
	return k.image.get(func() *image.Image {
		if k.ImagePath == "" {
			return nil
		}
		real, err := depmod.Resolve(k.Root, k.ImagePath)
		if err == nil {
			var m *image.Image
			if m, err = image.Open(k.host(real)); err == nil {
				return m
			}
		}
		k.problem(k.ImagePath, err)
		return nil
	})
}

// Image returns the kernel's image for what this package does not ask of it
// (certificates, BTF); nil where there is none that can be opened. Close
// closes it.
func (k *Kernel) Image() *image.Image { return k.openImage() }

// Close closes the image. What was read stays good; what was not is not read
// any more from the image.
func (k *Kernel) Close() error {
	m := k.image.get(func() *image.Image { return nil })
	if m == nil {
		return nil
	}
	return m.Close()
}

// headerFiles is what a header directory says of its kernel besides exports.
type headerFiles struct {
	dir      string // inside the root, or on this machine for FromSymvers
	release  string // UTS_RELEASE
	machine  string // UTS_MACHINE
	pkg      string // LINUX_PACKAGE_ID, LINUX_COMPILE_HOST and UTS_VERSION, whatever is there
	version  string // of version.h
	randHash string // RANDSTRUCT_HASHED_SEED
}

// headerFiles reads the generated headers of the kernel's header directory.
func (k *Kernel) headerFiles() headerFiles {
	return k.headers.get(func() headerFiles {
		dirs := []string{k.alone}
		if k.alone == "" {
			dirs = k.headerDirs()
		}
		for _, dir := range dirs {
			h := k.readHeaders(dir)
			if h.release != "" && (k.Release == "" || h.release == k.Release) {
				return h
			}
		}
		return headerFiles{}
	})
}

func (k *Kernel) readHeaders(dir string) headerFiles {
	read := func(name string) string {
		text, _ := k.headerText(dir, "include/generated/"+name)
		return text
	}
	h := headerFiles{dir: dir}
	if h.release = define(read("utsrelease.h"), "UTS_RELEASE"); h.release == "" {
		return h
	}
	compile := read("compile.h")
	h.machine = define(compile, "UTS_MACHINE")
	h.pkg = strings.TrimSpace(define(read("package.h"), "LINUX_PACKAGE_ID") + " " + define(compile, "LINUX_COMPILE_HOST") + " " +
		define(compile, "UTS_VERSION") + " " + define(read("utsversion.h"), "UTS_VERSION"))
	version := read("uapi/linux/version.h")
	major, minor, patch := define(version, "LINUX_VERSION_MAJOR"), define(version, "LINUX_VERSION_PATCHLEVEL"), define(version, "LINUX_VERSION_SUBLEVEL")
	if major != "" && minor != "" && patch != "" {
		h.version = major + "." + minor + "." + patch
	}
	for _, name := range []string{"randstruct_hash.h", "randomize_layout_hash.h"} {
		if h.randHash = define(read(name), "RANDSTRUCT_HASHED_SEED"); h.randHash != "" {
			break
		}
	}
	return h
}

// headerText reads a file of a header directory.
func (k *Kernel) headerText(dir, name string) (string, bool) {
	if k.alone == "" {
		return k.text(dir + "/" + name)
	}
	b, err := depmod.ReadFile("", filepath.Join(absolute(dir), filepath.FromSlash(name)), maxText)
	return string(b), err == nil
}

func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// define finds the value of a #define, quotes taken off.
func define(text, name string) string {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) >= 3 && f[0] == "#define" && f[1] == name {
			value := strings.TrimSpace(line[strings.Index(line, name)+len(name):])
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// Prefix reports the table's prefix of versioned names ("smp_" on 2.4 SMP
// kernels); "" everywhere else.
func (k *Kernel) Prefix() string { return k.exports().Prefix }
