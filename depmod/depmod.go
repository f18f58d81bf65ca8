// Package depmod answers what depmod(8) selects: which of several files of one
// module name wins, by the search order, overrides, excludes and external
// directories of depmod.d(5); and what modules.dep then holds.
//
// A module name is a file's base name up to its first dot, with every dash
// made an underscore. A file is a .ko file, plain or compressed, or a symbolic
// link to one (a weak-updates link); its name, not its target's, counts. The
// selected file of a name is the one that modules.dep lists and modprobe(8)
// loads; the others are shadowed.
//
// The rules are those of kmod 30 (tools/depmod.c), with its oddities: files
// are met in the order in which the directory lists them, each is held against
// the one selected so far, and of two files in one search directory it depends
// on that directory's place against "built-in" which of them stays.
//
// All paths of a tree are resolved inside its root, as a chroot would: a link
// to /lib/modules/… is followed below the root. Here depmod -b differs, it
// follows absolute links and external directories outside the base directory.
package depmod

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// File is one module file of a kernel's tree.
type File struct {
	Name string // module name
	// Rel is the path as modules.dep writes it: relative to the module
	// directory, or absolute (inside the root) below an external directory.
	Rel string
	// Path is the file to open on this machine: the root and Rel's place
	// below it, links resolved.
	Path string
	// Link is set where Rel is reached through a symbolic link that leads
	// elsewhere: the target's path inside the root.
	Link string
}

// InKernel reports whether the file lies below kernel/, where the kernel's own
// build installs its modules.
func (f *File) InKernel() bool { return len(f.Rel) > 7 && f.Rel[:7] == "kernel/" }

// Shadowed is a file that another file of its module name keeps from being
// selected.
type Shadowed struct {
	*File
	By     *File  // the file selected for the name
	Reason string // what decided: `search: "updates" before "built-in"`, an override, the order in the directory
}

// Problem is something that depmod reports and goes on from: a configuration
// line it does not take, a dangling link, an unreadable directory.
type Problem struct {
	Path string // inside the root; for a configuration file with its line, FILE:LINE
	Text string
}

func (p Problem) String() string { return fmt.Sprintf("%s: %s", p.Path, p.Text) }

// Error makes a Problem usable as an error.
func (p Problem) Error() string { return p.String() }

// Tree is what depmod finds for one kernel.
type Tree struct {
	Root    string // as given to Scan
	Release string
	Dir     string // the module directory inside the root: "/lib/modules/KREL" or "/usr/lib/modules/KREL"
	Config  *Config

	Modules  []*File    // the selected files, sorted by name
	Shadowed []Shadowed // sorted by name, then Rel
	Problems []Problem  // in the order met, those of the configuration first

	byName map[string]*File
	path   string // Dir's place on this machine
	once   sync.Once
	places map[*File]int
}

// Place returns where a selected file stands in modules.dep, -1 for others. Of
// several files that export a symbol, dependencies lead to the one with the
// highest place.
func (t *Tree) Place(f *File) int {
	t.once.Do(func() {
		files, _ := t.depOrder()
		t.places = make(map[*File]int, len(files))
		for i, f := range files {
			t.places[f] = i
		}
	})
	if i, ok := t.places[f]; ok {
		return i
	}
	return -1
}

// Module returns the file selected for a module name, which may be written
// with dashes; nil where there is none.
func (t *Tree) Module(name string) *File { return t.byName[ModuleName(name)] }

// ModuleName returns the module name of a path or file name: the base name up
// to its first dot, dashes made underscores (kmod's path_to_modname).
func ModuleName(path string) string {
	start := 0
	end := len(path)
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			start = i + 1
			break
		}
		if path[i] == '.' {
			end = i
		}
	}
	return underscores(path[start:end])
}

func underscores(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] == '-' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i] == '-' {
					b[i] = '_'
				}
			}
			return string(b)
		}
	}
	return s
}

// Extensions are the endings of module files; kmod knows each compression only
// where it was built with it (Debian's has no gzip).
var Extensions = []string{".ko", ".ko.gz", ".ko.xz", ".ko.zst"}

// IsModule reports whether a path or file name has one of the Extensions.
func IsModule(name string) bool {
	return slices.ContainsFunc(Extensions, func(ext string) bool { return strings.HasSuffix(name, ext) })
}
