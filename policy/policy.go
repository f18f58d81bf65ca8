// Package policy reads what an administrator wants for third-party modules:
// which are linked into other kernels, which a kernel must not be without, which
// build wins, and which modules go together.
//
// # The file
//
// A policy is a YAML file, by default /etc/modkeep/policy.yaml. Every key is
// optional; testdata/policy.yaml shows all of them with comments. Reading is
// strict: an unknown key, a key given twice, a value of the wrong type or a
// value that could never match anything is an error that names file and line.
// Anchors, aliases and merge keys are refused, and so is a second document.
//
//	version: 1
//	layout: auto            # auto, rhel, suse, other: where links lie
//	donors: [extra]         # directories below lib/modules/KREL whose modules are offered to other kernels
//	override: true          # depmod.d overrides may be written where weak-updates would lose
//	gate: warn              # warn, strict, off: what a kernel lacking a required module means
//	initramfs: auto         # auto, always, never: whether images are made again
//	types: off              # off, warn, refuse: whether check compares the types that modules know with the kernel's
//	defaults: {link: auto, required: false, keep-newest: true, atomic: false}
//	modules:
//	  - name: mlx5_*
//	    required: true
//	groups:
//	  - name: ofed
//	    modules: [mlx5_core, mlx5_ib]
//
// # Entries
//
// An entry of modules speaks of the modules that all its selectors match: name
// is a glob on module names, package one on names of rpm and deb packages, path
// one on paths below lib/modules/KREL. In a glob * and ? stand for what is not a
// slash, [a-z] for one of a range; in a path ** stands for any directories. In
// module names - and _ are the same. For each key the first matching entry that
// sets it decides; where none does, defaults does.
//
// # Groups
//
// A group is a set of modules that are linked into a kernel all together or not
// at all. groups names such sets; atomic: true makes one of the modules of each
// package.
package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Path is where the policy lies below the root of a system.
const Path = "/etc/modkeep/policy.yaml"

// Layout is where the links to other kernels' modules lie below weak-updates,
// and what place weak-updates has in depmod's search order.
type Layout string

// The layouts. Red Hat's drops the first directory of the module's path and
// searches weak-updates last, SUSE's keeps it and searches weak-updates before
// the kernel's own modules.
const (
	LayoutAuto  Layout = "auto" // by what the root looks like
	LayoutRHEL  Layout = "rhel"
	LayoutSUSE  Layout = "suse"
	LayoutOther Layout = "other" // as Red Hat's, with a search line of its own for depmod
)

// Gate is what it means that a kernel would be without a required module.
type Gate string

// The gates.
const (
	GateWarn   Gate = "warn"   // hooks warn
	GateStrict Gate = "strict" // hooks refuse, also where it could not be told
	GateOff    Gate = "off"    // hooks say nothing
)

// Initramfs is whether a kernel's initramfs is made again after its links
// changed.
type Initramfs string

// The choices for the initramfs.
const (
	InitramfsAuto   Initramfs = "auto" // if a changed module is in it, or would be
	InitramfsAlways Initramfs = "always"
	InitramfsNever  Initramfs = "never"
)

// Types is what check does about a module that would load but knows types
// otherwise than the kernel: structs of another size, members elsewhere.
type Types string

// The ways with types.
const (
	TypesOff    Types = "off"    // they are not compared
	TypesWarn   Types = "warn"   // check warns
	TypesRefuse Types = "refuse" // check refuses the module
)

// Link is whether a module is linked into other kernels.
type Link string

// The choices for a link.
const (
	LinkAuto  Link = "auto"  // where it will load
	LinkNever Link = "never" // nowhere
	LinkForce Link = "force" // everywhere, also where it will not load
)

// Policy is a whole policy.
type Policy struct {
	File      string // the name errors and Rule.Source use; "" for Default
	Layout    Layout
	Donors    []string // directories below lib/modules/KREL, clean; nil: see Donor
	Override  bool     // depmod.d overrides may be written
	Gate      Gate
	Initramfs Initramfs
	Types     Types
	Defaults  Rule    // for what no entry decides; its Source is ""
	Modules   []Entry // in the order of the file
	Groups    []Group
}

// Rule is what the policy wants for one module.
type Rule struct {
	Link       Link
	Required   bool // a kernel must not be without it
	KeepNewest bool // an older build never takes a newer one's place
	Atomic     bool // all modules of its package are linked, or none
	// Source says where the rule comes from: "FILE:LINE" of each entry that
	// decided a key, in the order of the file, with ", " between. It is empty
	// where no entry did.
	Source string
}

// Entry is one entry of modules: selectors, of which at least one is not empty,
// and what it sets; nil is not set.
type Entry struct {
	Name, Package, Path string // globs
	Link                *Link
	Required            *bool
	KeepNewest          *bool
	Atomic              *bool
	Line                int // of the file
}

// Group is a named set of modules that are linked all together or not at all.
type Group struct {
	Name    string
	Modules []string // globs on module names
	Line    int      // of the file
}

// Default is the policy of a system that has no policy file.
func Default() *Policy {
	return &Policy{
		Layout:    LayoutAuto,
		Override:  true,
		Gate:      GateWarn,
		Initramfs: InitramfsAuto,
		Types:     TypesOff,
		Defaults:  Rule{Link: LinkAuto, KeepNewest: true},
	}
}

// Load reads the policy file at path. A file that does not exist is Default.
func Load(path string) (*Policy, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	defer f.Close()
	return Parse(f, path)
}

// For returns the rule for a module: its name, the path of its file below
// lib/modules/KREL and the name of the package that owns the file. What is not
// known is "", and no selector for it matches.
func (p *Policy) For(module, rel, pkg string) Rule {
	rule := p.Defaults
	var link, required, keep, atomic bool // decided
	for i := range p.Modules {
		e := &p.Modules[i]
		if !e.matches(module, rel, pkg) {
			continue
		}
		used := decide(&rule.Link, &link, e.Link)
		used = decide(&rule.Required, &required, e.Required) || used
		used = decide(&rule.KeepNewest, &keep, e.KeepNewest) || used
		used = decide(&rule.Atomic, &atomic, e.Atomic) || used
		if !used {
			continue
		}
		if rule.Source != "" {
			rule.Source += ", "
		}
		rule.Source += fmt.Sprintf("%s:%d", p.File, e.Line)
	}
	return rule
}

// decide takes over what an entry sets, unless an earlier one has decided.
func decide[T any](value *T, decided *bool, set *T) bool {
	if set == nil || *decided {
		return false
	}
	*value, *decided = *set, true
	return true
}

// AsksPackages reports whether anything in the policy depends on which package
// owns a module's file.
func (p *Policy) AsksPackages() bool {
	return p.Defaults.Atomic || slices.ContainsFunc(p.Modules, func(e Entry) bool {
		return e.Package != "" || e.Atomic != nil && *e.Atomic
	})
}

// Group returns the first group that a module belongs to and the globs of all
// its members; "" and nil where it is in none.
func (p *Policy) Group(module string) (name string, members []string) {
	for _, g := range p.Groups {
		if g.Has(module) {
			return g.Name, slices.Clone(g.Modules)
		}
	}
	return "", nil
}

// Has reports whether a module is in the group.
func (g *Group) Has(module string) bool {
	return slices.ContainsFunc(g.Modules, func(glob string) bool { return matchName(glob, module) })
}

// notDonors are the directories below lib/modules/KREL that hold no modules of
// others: the kernel's own, links to other kernels, and links to its sources.
var notDonors = []string{"kernel", "weak-updates", "build", "source"}

// Donor reports whether the modules in a file or directory, a clean path below
// lib/modules/KREL, are offered to other kernels: whether it lies in one of
// Donors, or, where the policy names none, in any directory but kernel,
// weak-updates, build and source.
func (p *Policy) Donor(rel string) bool {
	if p.Donors == nil {
		top, _, inside := strings.Cut(rel, "/")
		return inside && top != "" && !slices.Contains(notDonors, top)
	}
	return slices.ContainsFunc(p.Donors, func(dir string) bool {
		return strings.HasPrefix(rel, dir) && strings.HasPrefix(rel[len(dir):], "/")
	})
}

func (e *Entry) matches(module, rel, pkg string) bool {
	if e.Name != "" && !matchName(e.Name, module) {
		return false
	}
	if e.Package != "" {
		if ok, _ := path.Match(e.Package, pkg); !ok {
			return false
		}
	}
	return e.Path == "" || matchPath(e.Path, rel) || matchPath(e.Path, uncompressed(rel))
}

// matchName reports whether a glob matches a module name, - and _ being the
// same.
func matchName(glob, module string) bool {
	ok, _ := path.Match(underscores(glob), strings.ReplaceAll(module, "-", "_"))
	return ok && module != ""
}

// underscores makes each - of a glob a _, except in brackets, where it stands
// for a range.
func underscores(glob string) string {
	b := []byte(glob)
	inside := false
	for i, c := range b {
		switch {
		case c == '[':
			inside = true
		case c == ']':
			inside = false
		case c == '-' && !inside:
			b[i] = '_'
		}
	}
	return string(b)
}

// uncompressed is a module file's name without the suffix of its compression.
func uncompressed(name string) string {
	for _, suffix := range []string{".gz", ".xz", ".zst"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && strings.HasSuffix(base, ".ko") {
			return base
		}
	}
	return name
}

// matchPath reports whether a glob of which ** stands for any directories
// matches a path. It takes time in proportion to the product of their elements.
func matchPath(glob, name string) bool {
	if name == "" {
		return false
	}
	globs, names := strings.Split(glob, "/"), strings.Split(name, "/")
	// matched[j]: the globs so far match the first j elements of the path.
	matched := make([]bool, len(names)+1)
	matched[0] = true
	for i, g := range globs {
		next := make([]bool, len(matched))
		for j := range matched {
			switch {
			case g == "**" && i == len(globs)-1:
				// At the end ** stands for at least a file.
				next[j] = j > 0 && (matched[j-1] || next[j-1])
			case g == "**":
				next[j] = matched[j] || j > 0 && next[j-1]
			case j > 0 && matched[j-1]:
				next[j], _ = path.Match(g, names[j-1])
			}
		}
		matched = next
	}
	return matched[len(names)]
}
