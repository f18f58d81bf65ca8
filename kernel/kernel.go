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
	"sync"

	"modkeep/depmod"
	"modkeep/kernel/release"
	"modkeep/ko"
	"modkeep/symvers"
)

// Kind is what exports were read from.
type Kind string

// The kinds of origins.
const (
	Symvers   Kind = "symvers"   // a Module.symvers table
	ImageKind Kind = "image"     // a kernel image's __ksymtab
	Modules   Kind = "modules"   // module files
	NoExports Kind = "no-source" // nothing that lists exports was found
)

// Exact is the Trust of an origin that holds just what the kernel exports.
const Exact = "exact"

// Origin says where a kernel's exports come from.
type Origin struct {
	Path string // inside the root (for FromSymvers: as given)
	Kind Kind
	// Trust is Exact, or says what stands in for the real thing and what that
	// leaves unknown: "exports of the kernel image are unknown".
	Trust string
}

// State says whether the file of a provider is there.
type State string

// The states of a provider.
const (
	Builtin      State = "builtin"       // the kernel image exports it
	Installed    State = "installed"     // the file that depmod selects exports it
	NotInstalled State = "not-installed" // the table lists it, no installed file exports it
	Listed       State = "listed"        // known from a table alone: whether it is installed cannot be told
)

// Provider is who gives an export to a module that needs it.
type Provider struct {
	Export symvers.Export // CRC, type and namespace as that provider really has them
	Module string         // module name as depmod.ModuleName writes it; "" for the kernel image
	File   *depmod.File   // nil for the image, and for a module that is not installed
	State  State
	Origin Origin // what Export was read from
}

// Options are what Open may take into account beyond the files of the kernel.
type Options struct {
	// Depmod replaces the configuration read from depmod.d below the root.
	Depmod *depmod.Config
	// Symvers is a table to use instead of the one found; a path on this machine.
	Symvers string
	// Config is a configuration file to use instead; a path on this machine.
	Config string
	// Search lets a kernel be taken for modular though its module directory is
	// missing: only its table and image are then known.
	AllowMissingTree bool
}

// Problem is something about a kernel that could not be read, and was passed
// over; Path is inside the root.
type Problem = depmod.Problem

// Kernel is one kernel below a root. Its methods read what they need when
// first asked and keep it; any number of goroutines may call them.
type Kernel struct {
	Root      string // as given
	Release   string // what uname -r would print; "" where FromSymvers could not tell
	Parsed    release.Release
	ModuleDir string // inside the root; "" where there is none
	ImagePath string // vmlinuz or the like, inside the root; "" where none was found
	// ConfigPath is the configuration file, inside the root; "" where none was
	// found (the image may hold one).
	ConfigPath string

	options Options
	only    bool // made by FromSymvers: nothing but a table is known

	table    lazy[tableResult]
	tree     lazy[treeResult]
	config   lazy[Config]
	img      lazy[imageResult]
	own      lazy[ownResult]
	builtins lazy[builtinResult]
	byModule lazy[map[string][]int]
	third    lazy[thirdResult]

	mu    sync.Mutex
	files map[string]*opened
}

// lazy is a value made once.
type lazy[T any] struct {
	once sync.Once
	v    T
}

func (l *lazy[T]) get(make func() T) T {
	l.once.Do(func() { l.v = make() })
	return l.v
}

var _ = ko.None
