package kabi

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"modkeep/internal/cputime"
	"modkeep/symtypes"
)

// TestHostileTypes compares layers of types of which each has all of the next,
// so that every export reaches everything: what is done stays within bounds that
// grow with the exports, and what was left out is told.
func TestHostileTypes(t *testing.T) {
	const layers, width, exports = 12, 120, 3000
	text := func(more string) string {
		var b strings.Builder
		for layer := range layers {
			next := "int x ; "
			for i := range width {
				if layer+1 < layers {
					next += fmt.Sprintf("s#l%dx%d ", layer+1, i)
				}
			}
			for i := range width {
				fmt.Fprintf(&b, "s#l%dx%d struct l%dx%d { %s%s}\n", layer, i, layer, i, next, more)
			}
		}
		for i := range exports {
			fmt.Fprintf(&b, "f%d int f%d ( s#l0x%d )\n", i, i, i%width)
		}
		return b.String()
	}
	pool := symtypes.NewPool()
	var sides [2]Side
	for i, more := range []string{"", "int y ; "} {
		types, err := symtypes.Parse(pool, "a.symtypes", text(more))
		if err != nil {
			t.Fatal(err)
		}
		sides[i].Types = types
	}
	r := Compare(sides[0], sides[1], Options{})
	if !r.done.exhausted() || !r.Unknown() {
		t.Errorf("all was done: %d hashed, %d steps", r.done.hashed.Load(), r.done.walked.Load())
	}
	const one = 8 << 20 // what all workers do of one export
	if hashed, walked := r.done.hashed.Load(), r.done.walked.Load(); hashed > r.done.mayHash+one || walked > r.done.mayWalk+one {
		t.Errorf("%d bytes hashed, %d allowed; %d steps walked, %d allowed", hashed, r.done.mayHash, walked, r.done.mayWalk)
	}
}

// TestHostileDiffs compares structs that differ in every other line: of all diffs
// together no more is looked for and kept than a differ may.
func TestHostileDiffs(t *testing.T) {
	const structs, members = 2000, 500
	text := func(seed uint64) string {
		random := rand.New(rand.NewPCG(seed, 0))
		var b strings.Builder
		for i := range structs {
			fmt.Fprintf(&b, "s#o%d struct o%d { ", i, i)
			for range members {
				b.WriteString([]string{"a ; ", "b ; "}[random.IntN(2)])
			}
			fmt.Fprintf(&b, "}\nf%d int f%d ( s#o%d )\n", i, i, i)
		}
		return b.String()
	}
	pool := symtypes.NewPool()
	var sides [2]Side
	for i := range sides {
		types, err := symtypes.Parse(pool, "a.symtypes", text(uint64(i)))
		if err != nil {
			t.Fatal(err)
		}
		sides[i].Types = types
	}
	clock := cputime.Start()
	r := Compare(sides[0], sides[1], Options{})
	cputime.Hold(t, clock.Took(), time.Second)
	kept := 0
	for _, c := range r.Causes {
		kept += len(c.Diff)
	}
	if most := newDiffer().bytes + 64*members; len(r.Causes) != structs || kept > most {
		t.Errorf("%d causes of %d, %d bytes of diffs of at most %d", len(r.Causes), structs, kept, most)
	}
}
