package kabi

import (
	"slices"
	"strings"

	"modkeep/symtypes"
)

// sightings is what sights say of the types of two kernels of layouts.
type sightings struct {
	*sights
	group  []int32               // by name: of the sights, else one of those below
	tagged []symtypes.ID         // the structs and unions
	values [][]symtypes.ID       // by name: what the old side's record has as it is, not by a pointer
	shown  map[int][]symtypes.ID // by file: what it sees though they do not have it
	hidden map[int][]symtypes.ID // by file: what it does not see though they say so
}

const (
	always = -1 - iota // it is no struct or union
	novel              // the sights do not have it
)

func newSightings(s *sights, old *symtypes.Corpus) *sightings {
	pool, scope := old.Pool, old.NewScope()
	n := &sightings{sights: s, group: make([]int32, pool.Names()), values: make([][]symtypes.ID, pool.Names()), shown: make(map[int][]symtypes.ID), hidden: make(map[int][]symtypes.ID)}
	for i := range n.group {
		id := symtypes.ID(i)
		n.group[i] = always
		if k := pool.Kind(id); k == symtypes.Struct || k == symtypes.Union {
			name, _, _ := strings.Cut(pool.Name(id), "@") // of several of one name any
			n.group[i], n.tagged = novel, append(n.tagged, id)
			if g, ok := s.groups[name]; ok {
				n.group[i] = int32(g)
			}
		}
		if r := scope.Record(id); r != symtypes.None && pool.Kind(id) != symtypes.Export {
			n.values[i] = valuesOf(pool, r)
		}
	}
	return n
}

// declare lets the files see the types of their own exports that the sights do
// not have: who exports a function knows what it is about. Of files that the
// sights do not have either that goes for all types.
func (n *sightings) declare(p *prover, found []finding) {
	for i := range found {
		f := &found[i]
		if !f.known || f.oldFile < 0 || f.seenFile >= 0 { // the guide tells what those see
			continue
		}
		p.enterFiles(f)
		for _, id := range p.pool.Refs(p.oldScope.Record(f.export)) {
			if n.group[id] == novel {
				n.show(f.sight, id)
			}
			if _, known := n.of[p.pool.Name(f.export)]; !known && n.group[id] != always {
				n.show(otherFile, id)
			}
		}
	}
	p.view.file = noFile
}

func (n *sightings) show(file int, id symtypes.ID) {
	if !slices.Contains(n.shown[file], id) {
		n.shown[file] = append(n.shown[file], id)
	}
}

// valuesOf returns the types that a record has as they are: C wants these
// complete where the record's is.
func valuesOf(pool *symtypes.Pool, r symtypes.Record) []symtypes.ID {
	var list []symtypes.ID
	depth, before := 0, symtypes.ID(-1)
	for word := range strings.SplitSeq(pool.Text(r), " ") {
		if before >= 0 && word != "*" && word != "(" {
			list = append(list, before)
		}
		before = -1
		switch word {
		case "(":
			depth++
		case ")":
			depth--
		}
		if id, ok := pool.ID(word); ok && depth == 0 && pool.Kind(id) != symtypes.Export {
			before = id
		}
	}
	return list
}

// view is what one source file sees of the pool's types.
type view struct {
	of      *sightings
	file    int
	novel   bool // what the sights do not have is visible too
	visible []bool
	queued  []bool
	others  []symtypes.ID // that are queued and no structs or unions
	queue   []symtypes.ID
}

func (n *sightings) newView() *view {
	v := &view{of: n, file: noFile, visible: make([]bool, len(n.group)), queued: make([]bool, len(n.group))}
	for i, g := range n.group {
		v.visible[i] = g == always
	}
	return v
}

// enter makes the view that of a file: what the sights say, and what visible
// types are made of; with new the types that they do not have are seen too.
func (v *view) enter(file int, new bool) {
	if v.file == file && v.novel == new {
		return
	}
	v.file, v.novel, v.queue = file, new, v.queue[:0]
	f := v.of.at(file)
	for _, id := range v.others {
		v.queued[id] = false
	}
	v.others = v.others[:0]
	for _, id := range v.of.tagged {
		g := v.of.group[id]
		seen := g >= 0 && f.sees(int(g)) || new && g == novel
		v.visible[id], v.queued[id] = seen, seen
	}
	for _, id := range v.of.shown[file] {
		v.visible[id], v.queued[id] = true, true
	}
	for _, id := range v.of.hidden[file] {
		v.visible[id], v.queued[id] = false, true
	}
	for _, id := range v.of.tagged {
		if v.visible[id] {
			v.queue = append(v.queue, id)
		}
	}
	for len(v.queue) > 0 {
		id := v.queue[len(v.queue)-1]
		v.queue = v.queue[:len(v.queue)-1]
		for _, part := range v.of.values[id] {
			if !v.queued[part] {
				v.queued[part], v.visible[part] = true, true
				v.queue = append(v.queue, part)
				if v.of.group[part] == always {
					v.others = append(v.others, part)
				}
			}
		}
	}
}

// hidden reports whether a type is only declared in the file.
func (v *view) hidden(id symtypes.ID) bool { return !v.visible[id] }
