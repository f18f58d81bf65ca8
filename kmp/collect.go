package kmp

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"modkeep/internal/pattern"
	"modkeep/ko"
)

// Bounds. A package may unpack to baseBudget bytes and budgetFactor times its
// own size (xz makes a tenth of modules with debugging information, a
// thirtieth of nothing honest), of which modules and extras are kept.
const (
	baseBudget   = 32 << 20
	budgetFactor = 30
	maxFiles     = 500_000
	maxName      = 4096
	maxNames     = 32 << 20  // bytes of all names
	maxKept      = 256 << 20 // bytes of modules that Open keeps
	maxExtra     = 1 << 20
	maxBig       = 64 << 20 // of tables and images
)

// collector gathers what is of interest while an archive goes by.
type collector struct {
	pkg     *Package
	size    int64               // of the package file
	budget  int64               // bytes that may still be unpacked
	names   int64               // bytes of names so far
	kept    int64               // bytes of modules so far
	scripts int                 // bytes of scriptlets so far
	visit   func(*Module) error // where modules go that are not to be kept

	headerOnly bool            // the archive is not read
	config     map[string]bool // deb: the conffiles
}

func newCollector(path string, size int64) *collector {
	return &collector{pkg: &Package{Path: path}, size: size, budget: baseBudget + budgetFactor*min(size, 1<<40)}
}

// spend takes n unpacked bytes off the budget.
func (c *collector) spend(n int64) error {
	if c.budget -= n; c.budget < 0 {
		return fmt.Errorf("%w: more than %d bytes out of %d", ErrTooLarge, baseBudget+budgetFactor*c.size, c.size)
	}
	return nil
}

// metered counts what is read against the budget.
type metered struct {
	r io.Reader
	c *collector
}

func (m metered) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if over := m.c.spend(int64(n)); over != nil {
		return 0, over
	}
	return n, err
}

var (
	moduleFile = pattern.New(`\.ko(\.gz|\.xz|\.zst|\.bz2)?$`)
	moduleDir  = pattern.New(`^(?:/usr)?/lib/modules/([^/]+)/`)
)

// roles tell a file's role by its path.
var roles = []struct {
	re   *pattern.Pattern
	role Role
}{
	{pattern.New(`/modules-load\.d/[^/]+\.conf$`), ModulesLoad},
	{pattern.New(`/modprobe\.(d/[^/]+\.conf|conf)$`), Modprobe},
	{pattern.New(`/depmod\.(d/[^/]+\.conf|conf)$`), Depmod},
	{pattern.New(`/systemd/system/.*\.(service|socket|target|path|timer|mount)$`), Systemd},
	{pattern.New(`/(Module\.symvers|[^/]*symvers[^/]*(\.gz|\.xz|\.zst)?)$`), Symvers},
	{pattern.New(`^/boot/(vmlinu[xz]|Image|image)-[^/]+$|^(?:/usr)?/lib/modules/[^/]+/(vmlinu[xz]|Image)$`), Kernel},
	{pattern.New(`/(dracut\.conf\.d/[^/]+\.conf|dracut/modules\.d/.+|initramfs-tools/.+|mkinitcpio\.d/.+)$`), Initramfs},
	{pattern.New(`/udev/rules\.d/[^/]+\.rules$`), Udev},
	{pattern.New(`/dkms\.conf$`), DKMS},
	{pattern.New(`^/usr/src/akmods/`), Akmod},
}

// file adds a name to the list of files.
func (c *collector) file(f File) error {
	c.names += int64(len(f.Path) + len(f.Target))
	if len(c.pkg.Files) >= maxFiles || c.names > maxNames {
		return fmt.Errorf("more than %d files, or their names longer than %d bytes together", maxFiles, maxNames)
	}
	c.pkg.Files = append(c.pkg.Files, f)
	return nil
}

// wants says whether entry needs the content of the file of that name.
func (c *collector) wants(name string) bool {
	return moduleFile.MatchString(name) || c.role(name) != ""
}

func (c *collector) role(name string) Role {
	for _, r := range roles {
		if r.re.MatchString(name) {
			return r.role
		}
	}
	return ""
}

// regular takes a file's content: size bytes of r, or an error.
func (c *collector) regular(name string, r io.Reader, size int64) error {
	if moduleFile.MatchString(name) {
		data, err := readExactly(r, size)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return c.module(name, data)
	}
	role := c.role(name)
	if role == "" {
		return nil
	}
	e := Extra{Path: name, Role: role}
	if size <= maxExtra || (role == Symvers || role == Kernel) && size <= maxBig {
		data, err := readExactly(r, size)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		e.Data = data
	}
	c.pkg.Extras = append(c.pkg.Extras, e)
	return nil
}

// readExactly reads size bytes; memory grows with what is really there.
func readExactly(r io.Reader, size int64) ([]byte, error) {
	var b bytes.Buffer
	if size <= 1<<20 {
		b.Grow(int(size))
	}
	n, err := io.Copy(&b, io.LimitReader(r, size))
	if err != nil {
		return nil, err
	}
	if n < size {
		return nil, fmt.Errorf("%d of %d bytes: %w", n, size, io.ErrUnexpectedEOF)
	}
	return b.Bytes(), nil
}

func (c *collector) module(name string, data []byte) error {
	m := Module{Data: data}
	m.place(name)
	f, err := ko.New(path.Base(name), bytes.NewReader(data), int64(len(data)))
	if err != nil {
		m.Err = err
	} else {
		unpacked := f.Image.Size
		if v, ok := f.Info.Vermagic(); ok {
			m.Vermagic, m.Release = v.Raw, v.Release
		}
		f.Close()
		if unpacked > int64(len(data)) {
			if err := c.spend(unpacked); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if c.visit == nil {
		if c.kept += int64(len(data)); c.kept > maxKept {
			return fmt.Errorf("%w: modules of more than %d bytes", ErrTooLarge, maxKept)
		}
	}
	return c.add(m)
}

// add keeps a module, or hands it on and keeps all but its content.
func (c *collector) add(m Module) error {
	if c.visit != nil {
		err := c.visit(&m)
		m.Data = nil
		if err != nil {
			return err
		}
	}
	c.pkg.Modules = append(c.pkg.Modules, m)
	return nil
}

// again adds a hard link to a module that was read. Where modules are not
// kept its content is gone.
func (c *collector) again(i int, name string) error {
	m := c.pkg.Modules[i]
	m.place(name)
	return c.add(m)
}

// place sets what a module's path tells.
func (m *Module) place(name string) {
	m.Path, m.Name, m.KRel = name, moduleName(name), ""
	if d := moduleDir.FindStringSubmatch(name); d != nil {
		m.KRel = d[1]
	}
}

// moduleName is a module's name by its file's (kmod's rule: up to the first
// dot, - as _).
func moduleName(name string) string {
	base, _, _ := strings.Cut(path.Base(name), ".")
	return strings.ReplaceAll(base, "-", "_")
}

// link takes a symbolic link.
func (c *collector) link(name, target string) {
	role := c.role(name)
	if role == "" && moduleDir.MatchString(name) {
		role = Link
	}
	if role != "" && len(c.pkg.Extras) < maxFiles {
		c.pkg.Extras = append(c.pkg.Extras, Extra{Path: name, Role: role, Target: target})
	}
}

func (c *collector) finish() {
	slices.SortStableFunc(c.pkg.Modules, func(a, b Module) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortStableFunc(c.pkg.Extras, func(a, b Extra) int { return cmp.Compare(a.Path, b.Path) })
}

// unixMode turns st_mode into a FileMode.
func unixMode(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	switch mode & 0o170000 {
	case 0o040000:
		m |= fs.ModeDir
	case 0o120000:
		m |= fs.ModeSymlink
	case 0o020000:
		m |= fs.ModeDevice | fs.ModeCharDevice
	case 0o060000:
		m |= fs.ModeDevice
	case 0o010000:
		m |= fs.ModeNamedPipe
	case 0o140000:
		m |= fs.ModeSocket
	}
	if mode&0o4000 != 0 {
		m |= fs.ModeSetuid
	}
	if mode&0o2000 != 0 {
		m |= fs.ModeSetgid
	}
	return m
}
