package kabi

import (
	"fmt"
	"strings"
	"testing"

	"modkeep/symtypes"
)

// TestHostileTypes compares layers of types of which each has all of the next,
// so that every export reaches everything: what is done stays within bounds that
// grow with the exports, and what was left out is told.
func TestHostileTypes(t *testing.T) {
	const layers, width, exports = 8, 120, 3000
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
