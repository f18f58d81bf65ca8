package depmod

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Bounds of a walk, far above any distribution's tree: they end hostile ones.
const (
	maxPath    = 4096    // bytes, PATH_MAX
	maxEntries = 1 << 20 // directory entries
	maxFollow  = 1 << 15 // links followed
	maxAgain   = 4       // times that one directory is entered through links
	maxTold    = 1000    // problems reported
	maxOpen    = 64      // directories held open, one below the other
	maxModules = 65534   // kmod's own bound (depmod_calculate_dependencies)
)

// ModuleDir returns the directory of a kernel's modules inside the root:
// /lib/modules/KREL, else /usr/lib/modules/KREL. The error is fs.ErrNotExist
// where there is neither.
func ModuleDir(root, krel string) (string, error) {
	if krel == "" || krel == "." || krel == ".." || strings.ContainsAny(krel, "/\x00") {
		return "", fmt.Errorf("release %q: no name of a directory", krel)
	}
	var first error
	for _, dir := range []string{"/lib/modules/", "/usr/lib/modules/"} {
		real, err := Resolve(root, dir+krel)
		if err == nil {
			var info fs.FileInfo
			if info, err = os.Lstat(onHost(root, real)); err == nil && info.IsDir() {
				return dir + krel, nil
			} else if err == nil {
				err = fmt.Errorf("%s: not a directory", dir+krel)
			}
		}
		if first == nil || errors.Is(first, fs.ErrNotExist) && !errors.Is(err, fs.ErrNotExist) {
			first = err
		}
	}
	return "", first
}

// Scan finds the module files of a kernel below a root and selects one for
// each name, as depmod(8) would inside that root. config is what ReadConfig
// gave (for any kernel); nil stands for none.
//
// It opens no module. What could not be followed or listed is in the tree's
// Problems. The error says that the module directory itself is not there or
// cannot be listed.
func Scan(root, krel string, config *Config) (*Tree, error) {
	dir, err := ModuleDir(root, krel)
	if err != nil {
		return nil, fmt.Errorf("scan modules: %w", err)
	}
	if config == nil {
		config = &Config{}
	}
	t := &Tree{Root: root, Release: krel, Dir: dir, Config: config.For(krel), byName: map[string]*File{}}
	t.Problems = slices.Clone(t.Config.Problems)
	real, err := Resolve(root, dir)
	if err != nil {
		return nil, fmt.Errorf("scan modules: %w", err)
	}
	t.path = onHost(root, real)
	w := &walk{tree: t, config: t.Config}
	if err := w.dir(place{name: dir + "/", real: real, host: t.path, rel: len(dir) + 1, parent: -1}); err != nil {
		return nil, fmt.Errorf("scan modules: %s: %s", dir, cause(err))
	}
	// kmod keeps the external directories last line first.
	for _, e := range slices.Backward(t.Config.Externals) {
		w.external(e)
	}
	w.finish()
	return t, nil
}

// place is a directory on its way through the walk.
type place struct {
	name string // inside the root, links not resolved, ending in a slash
	real string // inside the root, links resolved
	host string // real on this machine
	rel  int    // where in name the path that modules.dep prints begins

	parent int    // the open directory that base is a name in, -1 where host is to be opened
	base   string // its last component
}

type walk struct {
	tree    *Tree
	config  *Config
	stack   []string // real paths of the directories that are open
	lister  lister
	entries int
	follows int
	again   map[string]int // times that a real directory was entered through a link
	full    bool
	lost    []loss
}

type loss struct {
	file   *File
	reason string
}

func (w *walk) problem(p, text string) {
	switch n := len(w.tree.Problems); {
	case n < maxTold:
		w.tree.Problems = append(w.tree.Problems, Problem{strings.TrimSuffix(p, "/"), text})
	case n == maxTold:
		w.tree.Problems = append(w.tree.Problems, Problem{w.tree.Dir, "further problems are not listed"})
	}
}

func (w *walk) external(e ExternalDir) {
	real, err := Resolve(w.tree.Root, e.Dir)
	if err == nil {
		p := place{name: e.Dir + "/", real: real, host: onHost(w.tree.Root, real), parent: -1}
		if strings.HasPrefix(e.Dir, w.tree.Dir+"/") {
			p.rel = len(w.tree.Dir) + 1
		}
		err = w.dir(p)
	}
	if err != nil {
		w.problem(e.Dir, "external directory ("+e.Source+"): "+cause(err))
	}
}

// dir visits the entries of a directory in the order in which the file system
// lists them, on which depmod's choice between equals depends.
func (w *walk) dir(p place) error {
	name := p.base
	if p.parent < 0 {
		name = p.host
	}
	fd, entries, err := w.lister.list(p.parent, name, maxEntries)
	if fd < 0 {
		return err
	}
	if len(w.stack) < maxOpen {
		defer syscall.Close(fd)
	} else {
		syscall.Close(fd)
		fd = -1
	}
	if err != nil {
		if len(entries) == 0 {
			return err
		}
		w.problem(p.name, "listed in part: "+err.Error())
	}
	w.stack = append(w.stack, p.real)
	for _, e := range entries {
		if w.entries++; w.entries > maxEntries {
			w.stop(p, fmt.Sprintf("more than %d directory entries, the rest is not looked at", maxEntries))
		}
		if w.full {
			break
		}
		w.entry(p, fd, e)
	}
	w.stack = w.stack[:len(w.stack)-1]
	return nil
}

func (w *walk) stop(p place, why string) {
	if !w.full {
		w.full = true
		w.problem(p.name, why)
	}
}

func (w *walk) entry(p place, fd int, e entry) {
	name := e.name
	if w.config.excluded(name) {
		return
	}
	if len(p.name)+len(name) >= maxPath {
		w.problem(p.name, "path too long below here")
		return
	}
	mode := e.mode
	if mode&fs.ModeIrregular != 0 { // the file system tells no types
		info, err := os.Lstat(p.host + "/" + name)
		if err != nil {
			w.problem(p.name+name, cause(err))
			return
		}
		mode = info.Mode().Type()
	}
	switch {
	case mode == 0:
		w.file(p, name, "")
	case mode.IsDir():
		sub := place{name: p.name + name + "/", real: join(p.real, name), host: join(p.host, name), rel: p.rel, parent: fd, base: name}
		w.enter(sub)
	case mode&fs.ModeSymlink != 0:
		w.link(p, name)
	default:
		w.problem(p.name+name, "neither a file nor a directory")
	}
}

func join(dir, name string) string {
	if dir == "/" {
		return dir + name
	}
	return dir + "/" + name
}

func (w *walk) enter(p place) {
	if err := w.dir(p); err != nil {
		w.problem(p.name, "directory not read: "+cause(err))
	}
}

// link follows a symbolic link inside the root.
func (w *walk) link(p place, name string) {
	if w.follows++; w.follows >= maxFollow {
		if w.follows == maxFollow {
			w.problem(p.name+name, fmt.Sprintf("more than %d links, this one and the rest are not followed", maxFollow))
		}
		return
	}
	real, err := Resolve(w.tree.Root, join(p.real, name))
	if err != nil {
		text := cause(err)
		if errors.Is(err, fs.ErrNotExist) {
			target, _ := os.Readlink(p.host + "/" + name)
			text = fmt.Sprintf("dangling link to %q", target)
		}
		w.problem(p.name+name, text)
		return
	}
	info, err := os.Lstat(onHost(w.tree.Root, real))
	switch {
	case err != nil:
		w.problem(p.name+name, cause(err))
	case info.Mode().IsRegular():
		w.file(p, name, real)
	case !info.IsDir():
		w.problem(p.name+name, "neither a file nor a directory")
	case slices.Contains(w.stack, real):
		w.problem(p.name+name, fmt.Sprintf("link back to %s, not followed", real))
	case w.again[real] >= maxAgain:
		w.problem(p.name+name, fmt.Sprintf("%s was entered through links %d times, not followed", real, maxAgain))
	default:
		if w.again == nil {
			w.again = map[string]int{}
		}
		w.again[real]++
		w.enter(place{name: p.name + name + "/", real: real, host: onHost(w.tree.Root, real), rel: p.rel, parent: -1})
	}
}

// file offers a file for its module name.
func (w *walk) file(p place, name, target string) {
	if !w.config.isModule(name) {
		return
	}
	f := &File{Name: ModuleName(name), Rel: p.name[p.rel:] + name, Link: target}
	if target != "" {
		f.Path = onHost(w.tree.Root, target)
	} else {
		f.Path = p.host + "/" + name
	}
	old := w.tree.byName[f.Name]
	if old == nil {
		if len(w.tree.byName) >= maxModules {
			w.stop(p, fmt.Sprintf("more than %d modules, the rest is not looked at", maxModules))
			return
		}
		w.tree.byName[f.Name] = f
		return
	}
	keep, reason := w.tree.keeps(old, f)
	if keep {
		w.lost = append(w.lost, loss{f, reason})
		return
	}
	w.tree.byName[f.Name] = f
	w.lost = append(w.lost, loss{old, reason})
}

// finish sorts what was found.
func (w *walk) finish() {
	t := w.tree
	t.Modules = make([]*File, 0, len(t.byName))
	for _, f := range t.byName {
		t.Modules = append(t.Modules, f)
	}
	slices.SortFunc(t.Modules, func(a, b *File) int { return strings.Compare(a.Name, b.Name) })
	for _, l := range w.lost {
		t.Shadowed = append(t.Shadowed, Shadowed{l.file, t.byName[l.file.Name], l.reason})
	}
	slices.SortFunc(t.Shadowed, func(a, b Shadowed) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Rel, b.Rel)
	})
}
