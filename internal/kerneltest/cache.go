package kerneltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/internal/kerneltest/oracle"
)

// Cache is the directory of everything fetched and built for tests:
//
//	root/ARCH/             one tree with all kernels of an architecture (/usr merged)
//	modules/KREL/PACKAGE/  third-party modules built for a kernel
//	kernels/ARCH/KREL      a mark, written last: that kernel is complete
//	deb/                   packages as downloaded
//	dkms/PACKAGE/          sources of third-party modules
type Cache string

// OpenCache names the cache: the environment's MODKEEP_CACHE, else .cache in
// the top directory of the source tree the working directory is in.
func OpenCache() (Cache, error) {
	dir := oracle.CacheDir()
	if dir == "" {
		return "", errors.New("cache: no MODKEEP_CACHE and no go.mod above the working directory")
	}
	return Cache(dir), nil
}

// Join is a path below the cache.
func (c Cache) Join(elem ...string) string {
	return filepath.Join(append([]string{string(c)}, elem...)...)
}

// Kernel is one kernel of the cache, image and modules unpacked.
type Kernel struct {
	Arch    string // Debian's: amd64, arm64, …
	Release string // what uname -r prints
	Series  string // 6.1, 6.12, …
	Flavour string // cloud, rt, or empty for the ordinary one
	// Version is the package's, Packages what was unpacked for it.
	Version  string
	Packages []string
	// Headers is set if the headers can build modules, not just tell symbols.
	Headers bool

	Root string `json:"-"` // the tree it lies in
}

// Image is the path of the kernel image: in /boot, or, in newer packages, with
// the modules.
func (k Kernel) Image() string {
	boot := filepath.Join(k.Root, "boot", "vmlinuz-"+k.Release)
	if _, err := os.Stat(boot); err == nil {
		return boot
	}
	return filepath.Join(k.Modules(), "vmlinuz")
}

// Config is the path of the kernel's configuration, found like the image.
func (k Kernel) Config() string {
	boot := filepath.Join(k.Root, "boot", "config-"+k.Release)
	if _, err := os.Stat(boot); err == nil {
		return boot
	}
	return filepath.Join(k.Modules(), "config")
}

// Modules is the kernel's module directory.
func (k Kernel) Modules() string { return filepath.Join(k.Root, "lib", "modules", k.Release) }

// Symvers is the path of the Module.symvers that the headers package has.
func (k Kernel) Symvers() string {
	return filepath.Join(k.Root, "usr", "src", "linux-headers-"+k.Release, "Module.symvers")
}

// Machine is a virtual machine that runs the kernel.
func (k Kernel) Machine() Machine { return Machine{Arch: k.Arch, Kernel: k.Image()} }

// Mark says that the kernel is complete in the cache.
func (c Cache) Mark(k Kernel) error {
	text, err := json.MarshalIndent(k, "", "\t")
	if err != nil {
		return err
	}
	mark := c.Join("kernels", k.Arch, k.Release)
	if err := os.MkdirAll(filepath.Dir(mark), 0o777); err != nil {
		return err
	}
	if err := os.WriteFile(mark+".new", append(text, '\n'), 0o666); err != nil {
		return err
	}
	return os.Rename(mark+".new", mark)
}

// Kernels lists the complete kernels of the cache in the order of their
// architecture and release, an empty list if there are none.
func (c Cache) Kernels() ([]Kernel, error) {
	marks, err := filepath.Glob(c.Join("kernels", "*", "*"))
	if err != nil {
		return nil, err
	}
	var kernels []Kernel
	for _, mark := range marks {
		if strings.HasSuffix(mark, ".new") {
			continue
		}
		text, err := os.ReadFile(mark)
		if err != nil {
			return nil, err
		}
		var k Kernel
		if err := json.Unmarshal(text, &k); err != nil {
			return nil, fmt.Errorf("%s: %w", mark, err)
		}
		k.Root = c.Join("root", k.Arch)
		kernels = append(kernels, k)
	}
	slices.SortFunc(kernels, func(a, b Kernel) int {
		if n := strings.Compare(a.Arch, b.Arch); n != 0 {
			return n
		}
		return CompareVersions(a.Release, b.Release)
	})
	return kernels, nil
}

// ThirdParty lists the third-party modules built for a kernel release, sorted;
// empty if none were built.
func (c Cache) ThirdParty(release string) ([]string, error) {
	return filepath.Glob(c.Join("modules", release, "*", "*.ko"))
}

// CompareVersions orders strings in which runs of digits count as numbers.
func CompareVersions(a, b string) int {
	for a != "" && b != "" {
		na, ra := leadingDigits(a)
		nb, rb := leadingDigits(b)
		switch {
		case na != "" && nb != "":
			na, nb = strings.TrimLeft(na, "0"), strings.TrimLeft(nb, "0")
			if n := len(na) - len(nb); n != 0 {
				return n
			}
			if n := strings.Compare(na, nb); n != 0 {
				return n
			}
			a, b = ra, rb
		case a[0] != b[0]:
			return int(a[0]) - int(b[0])
		default:
			a, b = a[1:], b[1:]
		}
	}
	return len(a) - len(b)
}

func leadingDigits(s string) (digits, rest string) {
	n := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if n < 0 {
		n = len(s)
	}
	return s[:n], s[n:]
}

// ModuleFiles lists the module files below a directory, sorted.
func ModuleFiles(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		for _, packed := range []string{".gz", ".xz", ".zst"} {
			name = strings.TrimSuffix(name, packed)
		}
		if d.Type().IsRegular() && strings.HasSuffix(name, ".ko") {
			files = append(files, path)
		}
		return nil
	})
	slices.Sort(files)
	return files, err
}
