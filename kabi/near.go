package kabi

import (
	"math"

	"modkeep/symtypes"
)

// nearness guesses which types an export's source file saw complete, where only
// layouts are known: those have all of a kernel's types, and CRCs are of what one
// file sees. What many exports have near is in headers that most files include,
// and counts from afar; what few have near counts where it is used.
type nearness struct {
	limit []int32 // by name: steps from an export within which it counts
}

// The steps within which a type counts: farthest for one that every export has
// within nearSteps, one fewer for each factor e of exports that have not, and
// closest for any. The figures are those with which of Debian's 6.1.0-47 and -56
// about as many causes are named wrongly as are missed.
const (
	nearSteps = 4
	farthest  = 7
	closest   = 2
)

// newNearness counts for each type the changed exports that have it near.
func newNearness(p *prover, found []finding) *nearness {
	count, total := make([]int, p.pool.Names()), 0
	p.newWalk.Limit = nearSteps
	for i := range found {
		if f := &found[i]; f.known && f.seenFile < 0 && !p.done.exhausted() {
			p.enter(f)
			total++
			for _, id := range p.reach(p.newWalk, p.newScope, f.export) {
				count[id]++
			}
		}
	}
	n := &nearness{limit: make([]int32, len(count))}
	for id, c := range count {
		limit := farthest + math.Log(float64(max(c, 1))/float64(max(total, 1)))
		n.limit[id] = int32(max(limit, closest))
	}
	return n
}

// nearCauses returns the types that differ and that the export has near.
func (p *prover) nearCauses(export symtypes.ID) []changedType {
	p.oldWalk.Limit, p.newWalk.Limit = farthest, farthest
	p.reach(p.oldWalk, p.oldScope, export)
	var list []changedType
	for _, id := range p.reach(p.newWalk, p.newScope, export) {
		depth := int32(p.newWalk.Depth(id))
		if depth > p.near.limit[id] || !p.oldWalk.Reached(id) {
			continue
		}
		if old, new := p.oldScope.Record(id), p.newScope.Record(id); old != new {
			list = append(list, changedType{id, old, new, depth})
		}
	}
	p.done.kept.Add(int64(len(list)))
	return list
}
