package kbuild

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/depmod"
	"modkeep/internal/pattern"
	"modkeep/kernel"
)

// Headers are what modules for one kernel are built against.
type Headers struct {
	Release string
	Root    string // the tree in which the absolute paths of its makefiles are meant; "/" is this machine's
	Dir     string // the build directory, inside Root
	Config  *kernel.Config
	Arch    string // as uname -m prints it
	Distro  string // kernel.Distro.ID
	Source  string // what led to it, for people
}

// Path returns where a path inside the root of the headers is on this machine.
func (h *Headers) Path(name string) string {
	if h.Root == "" || h.Root == "/" {
		return name
	}
	return filepath.Join(h.Root, name)
}

// Symvers is the path of the kernel's table of exports on this machine.
func (h *Headers) Symvers() string { return h.Path(h.Dir + "/Module.symvers") }

// FindHeaders finds the headers of a kernel below a root: by its build link,
// else where distributions put them. The error is a *MissingError that says what
// is wrong with the link, and which package brings the headers.
func FindHeaders(root, krel string) (*Headers, error) {
	missing := &MissingError{What: "headers", Kernel: krel, Install: headersPackage(kernel.DistroOf(root, krel).ID, krel)}
	if k, err := kernel.Open(root, krel, kernel.Options{}); err == nil {
		link := k.ModuleDir + "/build"
		dir, err := depmod.Resolve(root, link)
		if err == nil {
			return checked(root, krel, dir, link, missing)
		}
		missing.Text = fmt.Sprintf("no headers for kernel %s: there is no link %s", krel, link)
		if target, err := os.Readlink(onHost(root, link)); err == nil {
			missing.Text = fmt.Sprintf("no headers for kernel %s: %s is a dangling link to %s", krel, link, target)
		}
	} else {
		missing.Text = fmt.Sprintf("no headers for kernel %s: there is no module directory with a build link, and none in /usr/src", krel)
	}
	for _, name := range []string{"/usr/src/linux-headers-" + krel, "/usr/src/kernels/" + krel, "/usr/lib/modules/" + krel + "/build"} {
		if dir, err := depmod.Resolve(root, name); err == nil {
			return checked(root, krel, dir, name, missing)
		}
	}
	return nil, missing
}

// HeadersIn takes a directory on this machine for headers. krel is the release
// that is wanted, "" for whichever it is of. The tree that its makefiles'
// absolute paths are meant in is found by looking for them in the directory's
// parents.
func HeadersIn(dir, krel string) (*Headers, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	root, inside := "/", dir
	if at := strings.LastIndex(dir, "/usr/src/"); at > 0 {
		root, inside = dir[:at], dir[at:]
	}
	is, err := releaseOf(dir)
	if err != nil {
		return nil, &MissingError{What: "headers", Kernel: krel, Text: fmt.Sprintf("%s holds no kernel headers: %v", dir, err)}
	}
	if krel != "" && krel != is {
		return nil, &MissingError{What: "headers", Kernel: krel, Text: fmt.Sprintf("%s holds the headers of kernel %s, not of %s", dir, is, krel)}
	}
	return checked(root, is, inside, dir, &MissingError{What: "headers", Kernel: is, Install: headersPackage(kernel.DistroOf(root, is).ID, is)})
}

func onHost(root, name string) string {
	if root == "" || root == "/" {
		return name
	}
	return filepath.Join(root, name)
}

var utsRelease = pattern.New(`#define UTS_RELEASE "([^"]+)"`)

// releaseOf tells which kernel a build directory is of. Debian's kernel.release
// has the upstream version.
func releaseOf(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "include", "generated", "utsrelease.h"))
	if err == nil {
		if m := utsRelease.FindStringSubmatch(string(text)); m != nil {
			return m[1], nil
		}
		return "", errors.New("include/generated/utsrelease.h: no UTS_RELEASE")
	}
	if text, err = os.ReadFile(filepath.Join(dir, "include", "config", "kernel.release")); err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	return "", errors.New("neither include/generated/utsrelease.h nor include/config/kernel.release is there")
}

// checked makes Headers of a build directory that has all that a build needs.
func checked(root, krel, dir, source string, missing *MissingError) (*Headers, error) {
	h := &Headers{Release: krel, Root: root, Dir: dir, Source: source, Distro: kernel.DistroOf(root, krel).ID}
	incomplete := func(name string) error {
		missing.Text = fmt.Sprintf("the headers of kernel %s are incomplete: %s is missing", krel, name)
		if strings.HasPrefix(name, "/usr/src/") && strings.Contains(name, "-common") {
			missing.Install = strings.Split(name, "/")[3]
		}
		return missing
	}
	for _, name := range []string{"Makefile", "scripts/mod/modpost", "scripts/basic/fixdep"} {
		if _, err := depmod.Resolve(root, dir+"/"+name); err != nil {
			return nil, incomplete(dir + "/" + name)
		}
	}
	_, needs, err := h.makefile("")
	if err != nil {
		return nil, incomplete(dir + "/Makefile")
	}
	for _, name := range needs {
		if _, err := depmod.Resolve(root, name); err != nil {
			return nil, incomplete(name)
		}
	}
	for _, name := range []string{"/.config", "/include/config/auto.conf"} {
		if text, err := depmod.ReadFile(root, dir+name, 16<<20); err == nil {
			h.Config = kernel.ParseConfig(text)
			break
		}
	}
	if h.Config == nil {
		return nil, incomplete(dir + "/.config")
	}
	if h.Arch = machine(h.Config); h.Arch == "" {
		return nil, incomplete("the architecture in " + dir + "/.config")
	}
	return h, nil
}

// arches are architectures: the option that tells, uname -m's word, the
// kernel's, and the compiler's.
var arches = []struct{ option, machine, arch, triplet string }{
	{"X86_64", "x86_64", "x86", "x86_64-linux-gnu"},
	{"X86_32", "i686", "x86", "i686-linux-gnu"},
	{"ARM64", "aarch64", "arm64", "aarch64-linux-gnu"},
	{"ARM", "armv7l", "arm", "arm-linux-gnueabihf"},
	{"S390", "s390x", "s390", "s390x-linux-gnu"},
	{"PPC64", "ppc64le", "powerpc", "powerpc64le-linux-gnu"},
	{"RISCV", "riscv64", "riscv", "riscv64-linux-gnu"},
	{"LOONGARCH", "loongarch64", "loongarch", "loongarch64-linux-gnu"},
}

func machine(c *kernel.Config) string {
	for _, a := range arches {
		if c.On(a.option) {
			return a.machine
		}
	}
	return ""
}

// srcPath is an absolute path in a makefile of headers.
var srcPath = pattern.New(`/usr/(?:src|lib)/[^\s:;"')]+`)

// makefile returns the text of the build directory's Makefile as it is to be
// used with the directory at another place (farm), and the paths inside the root
// that it includes.
func (h *Headers) makefile(farm string) (text []byte, needs []string, err error) {
	text, err = depmod.ReadFile(h.Root, h.Dir+"/Makefile", 4<<20)
	if err != nil {
		return nil, nil, err
	}
	if len(text) > 16<<10 {
		return text, nil, nil // the kernel's own: such headers are one tree
	}
	var inside []string
	text = []byte(srcPath.ReplaceAllStringFunc(string(text), func(name string) string {
		clean := strings.TrimRight(name, "/")
		if clean == h.Dir {
			return farm
		}
		inside = append(inside, clean)
		return h.Path(clean)
	}))
	for _, name := range inside {
		if strings.HasSuffix(name, "Makefile") && !slices.Contains(needs, name) {
			needs = append(needs, name)
		}
	}
	return text, needs, nil
}

// farm makes a build directory of links into the headers, with a Makefile that
// finds its parts where they are on this machine.
func (h *Headers) farm(dir string) error {
	host := h.Path(h.Dir)
	entries, err := os.ReadDir(host)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "Makefile" {
			continue
		}
		target := filepath.Join(host, e.Name())
		if e.Type()&fs.ModeSymlink != 0 { // one to an absolute path is meant inside the root
			real, err := depmod.Resolve(h.Root, h.Dir+"/"+e.Name())
			if err != nil {
				continue
			}
			target = h.Path(real)
		}
		if err := os.Symlink(target, filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	text, _, err := h.makefile(dir)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "Makefile"), text, 0o644)
}

// source is the kernel's source directory on this machine: that of the Makefile
// which the build directory's includes, or itself.
func (h *Headers) source() string {
	if dirs := h.resolved(h.makefileDirs()); len(dirs) > 0 {
		return dirs[0]
	}
	return h.Path(h.Dir)
}

// makefileDirs are the directories, inside the root, of the Makefiles that the
// build directory's includes.
func (h *Headers) makefileDirs() []string {
	_, needs, _ := h.makefile("")
	var dirs []string
	for _, name := range needs {
		dirs = append(dirs, filepath.Dir(name))
	}
	return dirs
}

// resolved are the directories on this machine that those inside the root are,
// without what is not there.
func (h *Headers) resolved(inside []string) []string {
	var dirs []string
	for _, name := range inside {
		if real, err := depmod.Resolve(h.Root, name); err == nil {
			dirs = append(dirs, h.Path(real))
		}
	}
	return dirs
}

// trees are the directories on this machine that a build with these headers
// reads.
func (h *Headers) trees() []string {
	dirs := []string{h.Path(h.Dir)}
	for _, dir := range h.resolved(append(h.makefileDirs(), h.Dir+"/scripts", h.Dir+"/tools")) {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// HeadersFrom unpacks header packages (.deb, .rpm) into the cache, all into one
// tree without installing them, and returns the headers in it: those of one
// kernel, or of as many as the packages are of.
func HeadersFrom(cache string, packages ...string) ([]*Headers, error) {
	root, err := Unpacked(cache, packages...)
	if err != nil {
		return nil, err
	}
	var list []*Headers
	var first error
	for _, pattern := range []string{"usr/src/linux-headers-*", "usr/src/kernels/*", "usr/src/linux-*-obj/*/*", "lib/modules/*/build", "usr/lib/modules/*/build"} {
		dirs, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, dir := range dirs {
			if krel, err := releaseOf(dir); err != nil || slices.ContainsFunc(list, func(h *Headers) bool { return h.Release == krel }) {
				continue
			}
			h, err := HeadersIn(dir, "")
			if err != nil {
				first = errors.Join(first, err)
				continue
			}
			h.Source = strings.Join(packages, " ")
			list = append(list, h)
		}
	}
	if len(list) == 0 {
		return nil, errors.Join(fmt.Errorf("%s: no kernel headers that modules can be built against", strings.Join(packages, " ")), first)
	}
	return list, nil
}
