package kabi

import (
	"cmp"
	"slices"
	"strings"

	"modkeep/symtypes"
)

// Undone is what would be if some causes had not changed.
type Undone struct {
	Types []string // as C has them
	Good  int      // changed exports that would have their old CRC, hashed
}

// Without says which changes to take back for which gain: each type whose change
// alone decides on exports, those of most exports first; where there is none, the
// smallest set of types that frees any, and of these sets the one that frees most.
// For each the exports are hashed with the new side's types but for these. The
// sides are those of the comparison.
func (r *Report) Without(old, new Side) []Undone {
	if r.Proved == 0 {
		return nil
	}
	p := newProver(old, new, &r.done)
	var list []Undone
	for n, c := range r.Causes {
		if c.Sole > 0 {
			list = append(list, r.undo(p, []int{n}))
		}
	}
	if len(list) == 0 {
		list = append(list, r.undo(p, r.smallest()))
	}
	list = slices.DeleteFunc(list, func(u Undone) bool { return u.Good == 0 })
	slices.SortStableFunc(list, func(a, b Undone) int {
		return cmp.Or(b.Good-a.Good, strings.Compare(a.Types[0], b.Types[0]))
	})
	return list
}

// smallest returns the smallest set of causes of a proved export; of several the
// one that most exports have.
func (r *Report) smallest() []int {
	var best []int
	count := make(map[string]int)
	key := func(causes []int) string {
		b := make([]byte, 0, 3*len(causes))
		for _, n := range causes {
			b = append(b, byte(n), byte(n>>8), byte(n>>16))
		}
		return string(b)
	}
	for i := range r.Changed {
		c := &r.Changed[i]
		if !c.Proved {
			continue
		}
		count[key(c.Causes)]++
		if best == nil || len(c.Causes) < len(best) ||
			len(c.Causes) == len(best) && count[key(c.Causes)] > count[key(best)] {
			best = c.Causes
		}
	}
	return best
}

// undo hashes the exports that have no other causes than these.
func (r *Report) undo(p *prover, causes []int) Undone {
	u := Undone{}
	for _, n := range causes {
		u.Types = append(u.Types, r.Causes[n].Type)
	}
	for i := range r.Changed {
		c := &r.Changed[i]
		if p.done.exhausted() || !c.Proved || slices.ContainsFunc(c.Causes, func(n int) bool { return !slices.Contains(causes, n) }) {
			continue
		}
		f := p.place(c)
		if crc, ok := p.reverted(&f, causes, r.Causes); ok && crc == uint32(c.Old.CRC) {
			u.Good++
		}
	}
	return u
}

// reverted hashes an export of the new side with some types as the old side has
// them, and with what only the old side's export reaches.
func (p *prover) reverted(f *finding, causes []int, all []Cause) (uint32, bool) {
	p.enter(f)
	p.reach(p.oldWalk, p.oldScope, f.export)
	p.reach(p.newWalk, p.newScope, f.export)
	back := make(map[symtypes.ID]symtypes.Record)
	put := func(id symtypes.ID) {
		if rec := p.oldScope.Record(id); rec != p.newScope.Record(id) {
			if was := p.newScope.Replace(id, rec); was != rec {
				back[id] = was
			}
		}
	}
	for _, n := range causes {
		put(all[n].id)
	}
	for _, id := range p.oldWalk.All() {
		if !p.newWalk.Reached(id) {
			put(id)
		}
	}
	crc, ok := p.done.crc(p.hasher, p.newScope, f.export)
	for id, rec := range back {
		p.newScope.Replace(id, rec)
	}
	return crc, ok
}
