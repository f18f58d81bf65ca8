package depmod

import (
	"fmt"
	"slices"
	"strings"
)

// keeps decides between the file selected so far and another of the same name
// that the walk met later (kmod's depmod_module_is_higher_priority): it
// reports whether the old one stays, and what decided.
func (t *Tree) keeps(old, new *File) (bool, string) {
	oldStem, newStem := t.stem(old), t.stem(new)
	for _, o := range slices.Backward(t.Config.Overrides) {
		want := o.Dir + "/" + o.Module
		reason := func() string { return fmt.Sprintf("override %s %s %s (%s)", o.Module, o.Kernel, o.Dir, o.Source) }
		if newStem.rel == want && newStem.inTree {
			return false, reason()
		}
		if oldStem.rel == want && oldStem.inTree {
			return true, reason()
		}
	}
	oldRank, newRank, together := t.ranks(oldStem, newStem)
	keep := newRank.prio <= oldRank.prio
	return keep, because(oldRank, newRank, keep, together)
}

// stem is a file's path without the ending of its name: up to the length of
// the module name, which is what kmod compares.
type stem struct {
	path   string // inside the root
	rel    string // below the module directory
	inTree bool
}

func (t *Tree) stem(f *File) stem {
	base := strings.LastIndexByte(f.Rel, '/') + 1
	s := stem{path: f.Rel[:base+len(f.Name)]}
	if strings.HasPrefix(f.Rel, "/") { // below an external directory
		return s
	}
	return stem{path: t.Dir + "/" + s.path, rel: s.path, inTree: true}
}

// rank is a file's place in the search order; higher goes first. kmod counts
// the search words from the last one, 0, so that what "built-in" stands for is
// the rank of that word and -1 where it is not among them.
type rank struct {
	prio int
	word string // which search word gave it; "" for built-in's
}

// ranks gives both files their rank. Where both lie in one search directory
// (together) kmod ranks only the new one and leaves the old one at built-in's:
// so below a directory that goes before built-in the last one met stays, and
// below one that comes after it the first one.
func (t *Tree) ranks(old, new stem) (oldRank, newRank rank, together bool) {
	oldRank.prio, newRank.prio = -1, -1
	builtIn := -1
	i := 0
	for _, word := range slices.Backward(t.Config.Search) {
		switch {
		case word == BuiltIn:
			builtIn = i
		case word == External:
			for _, e := range slices.Backward(t.Config.Externals) {
				inNew, inOld := below(new.path, e.Dir), below(old.path, e.Dir)
				if inNew {
					newRank = rank{i, External + " " + e.Dir}
				}
				if inOld {
					oldRank = rank{i, External + " " + e.Dir}
				}
				together = together || inNew && inOld
				i++
			}
		case new.inTree && below(new.rel, word):
			newRank = rank{i, word}
			together = together || old.inTree && below(old.rel, word)
		case old.inTree && below(old.rel, word):
			oldRank = rank{i, word}
		}
		i++
	}
	if newRank.prio < 0 {
		newRank.prio = builtIn
	}
	if oldRank.prio < 0 {
		oldRank.prio = builtIn
	}
	return oldRank, newRank, together
}

// below reports whether a path lies below a directory.
func below(p, dir string) bool {
	return len(p) > len(dir) && p[len(dir)] == '/' && p[:len(dir)] == dir
}

func because(old, new rank, keep, together bool) string {
	first, second, met := new, old, "last"
	if keep {
		first, second, met = old, new, "first"
	}
	if together || old.prio == new.prio {
		return fmt.Sprintf("same place in the search order: of these the one is kept that the directory lists %s", met)
	}
	return fmt.Sprintf("search: %q goes before %q", first.name(), second.name())
}

func (r rank) name() string {
	if r.word == "" {
		return BuiltIn
	}
	return r.word
}
