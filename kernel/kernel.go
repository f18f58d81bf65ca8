// Package kernel describes one kernel installed below a root: its release,
// exports, configuration, image and module tree, and for every export the file
// that would provide it.
//
// A kernel is named by its release (krel), the name of its directory below
// lib/modules or usr/lib/modules. Opening one is cheap: what is not asked for
// is not read. All paths are resolved inside the root, as a chroot would.
//
// The exports of a kernel come from a table (Module.symvers, where the kernel
// or its header package left one), else from its image and its module files.
// An Origin says which, and how far it may be trusted. A table says what the
// kernel's own build exported; what a module file really exports is read from
// the file that depmod(8) would select, so a replaced or overriding module is
// judged by what it is.
package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"modkeep/depmod"
	"modkeep/kernel/image"
	"modkeep/kernel/release"
)

// Options are what Open may take into account beyond the files of the kernel.
type Options struct {
	// Depmod replaces the configuration read from depmod.d below the root.
	Depmod *depmod.Config
	// Symvers is a table to use instead of the one found; a path on this machine.
	Symvers string
	// Config is a configuration file to use instead; a path on this machine.
	Config string
}

// Problem is something about a kernel that could not be read, and was passed
// over; Path is inside the root.
type Problem = depmod.Problem

// Kernel is one kernel below a root. Its methods read what they need when
// first asked and keep it; any number of goroutines may call them.
type Kernel struct {
	Root      string          // as given; "" for FromSymvers
	Release   string          // what uname -r would print; "" where FromSymvers could not tell
	Parsed    release.Release // of Release; its Text is "" where that is no kernel release
	ModuleDir string          // inside the root; "" for FromSymvers
	ImagePath string          // vmlinuz or the like inside the root; "" where none was found

	options Options
	alone   string // for FromSymvers: the table's directory on this machine
	config  *depmod.Config

	table    lazy[table]
	tree     lazy[*depmod.Tree]
	settings lazy[*Config]
	image    lazy[*image.Image]
	own      lazy[map[string]bool]
	builtin  lazy[*depmod.Builtin]
	sample   lazy[sample]
	third    lazy[[]*depmod.File]
	extra    lazy[map[string][]*depmod.File]
	intree   lazy[map[string][]*depmod.File]
	headers  lazy[headerFiles]

	mu       sync.Mutex
	problems []Problem
	noted    map[Problem]bool // those of problems: a damaged tree has as many as it has files
	modules  map[*depmod.File]*module
}

// lazy is a value made once, by whoever asks first.
type lazy[T any] struct {
	once sync.Once
	v    T
}

func (l *lazy[T]) get(make func() T) T {
	l.once.Do(func() { l.v = make() })
	return l.v
}

// Open finds the kernel of a release below a root. It reads the depmod.d files
// and little else; the error wraps fs.ErrNotExist where the root has no such
// module directory.
func Open(root, krel string, opts Options) (*Kernel, error) {
	dir, err := depmod.ModuleDir(root, krel)
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", krel, err)
	}
	k := &Kernel{Root: root, Release: krel, ModuleDir: dir, options: opts, config: opts.Depmod}
	if k.Parsed, err = release.Parse(krel); err != nil {
		k.Parsed = release.Release{}
	}
	k.ImagePath, _, _ = k.find(imagePaths(dir, krel)...)
	if k.config == nil {
		if k.config, err = depmod.ReadConfig(root); err != nil {
			return nil, fmt.Errorf("kernel %s: %w", krel, err)
		}
	}
	return k, nil
}

// Prepare reads the table and the module tree at the same time: for callers
// that know they will ask for both.
func (k *Kernel) Prepare() {
	var wg sync.WaitGroup
	wg.Go(func() { k.Table() })
	k.Tree()
	wg.Wait()
}

// Tree returns what depmod selects. For a kernel that FromSymvers made, and
// for one whose directory cannot be read (a Problem then), it is empty.
func (k *Kernel) Tree() *depmod.Tree {
	return k.tree.get(func() *depmod.Tree {
		if k.ModuleDir == "" {
			return &depmod.Tree{Release: k.Release}
		}
		t, err := depmod.Scan(k.Root, k.Release, k.config)
		if err != nil {
			k.problem(k.ModuleDir, err)
			return &depmod.Tree{Root: k.Root, Release: k.Release, Dir: k.ModuleDir}
		}
		return t
	})
}

// Builtin returns the modules compiled into the image; nil where the kernel
// has no modules.builtin that can be read.
func (k *Kernel) Builtin() *depmod.Builtin {
	return k.builtin.get(func() *depmod.Builtin {
		if k.ModuleDir == "" {
			return nil
		}
		b, err := k.Tree().ReadBuiltin()
		if err != nil {
			k.problem(k.ModuleDir, err)
			return nil
		}
		return b
	})
}

// Problems returns what could not be read so far, in the order met; those of
// the module tree are in its own Problems.
func (k *Kernel) Problems() []Problem {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.problems)
}

// problem notes a problem, once however many readers meet it.
func (k *Kernel) problem(path string, err error) {
	text := err.Error()
	if root := strings.TrimRight(k.Root, "/"); root != "" {
		text = strings.ReplaceAll(text, root+"/", "/")
	}
	text = strings.TrimPrefix(text, path+": ")
	k.mu.Lock()
	defer k.mu.Unlock()
	p := Problem{Path: path, Text: text}
	if k.noted[p] {
		return
	}
	if k.noted == nil {
		k.noted = map[Problem]bool{}
	}
	k.noted[p] = true
	k.problems = append(k.problems, p)
}

// host returns where a path inside the root, without links, lies here.
func (k *Kernel) host(path string) string {
	if k.Root == "" || k.Root == "/" {
		return path
	}
	return filepath.Join(k.Root, path)
}

// find returns the first of the paths that is a regular file, links followed
// inside the root, and where it lies on this machine.
func (k *Kernel) find(paths ...string) (path, host string, ok bool) {
	for _, p := range paths {
		real, err := depmod.Resolve(k.Root, p)
		if err != nil {
			continue
		}
		h := k.host(real)
		if info, err := os.Lstat(h); err == nil && info.Mode().IsRegular() {
			return p, h, true
		}
	}
	return "", "", false
}
