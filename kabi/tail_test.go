package kabi

import (
	"hash/crc32"
	"strings"
	"testing"
)

// TestGrowth finds how much longer a part of unknown text became.
func TestGrowth(t *testing.T) {
	sum := func(s string) uint32 { return crc32.ChecksumIEEE([]byte(s)) }
	was := strings.Repeat("( struct box { int a ; } * ", 3000)
	is := strings.Repeat("( struct box { int a ; long b ; } * ", 3000)[:len(was)+117]
	records := map[string]string{"one": "int one ( s#box * )", "second": "void second ( s#box * , int )"}
	var group []rest
	for i, symbol := range []string{"one", "second"} {
		key, begin, end, ok := parts(symbol, records[symbol])
		if !ok || key != "( s#box" {
			t.Fatalf("%s: %q, %t", symbol, key, ok)
		}
		group = append(group, rest{i, sum(begin), withoutEnd(sum(begin+was+end), end), withoutEnd(sum(begin+is+end), end)})
	}
	grown := make(map[int]int)
	newLogarithm().solve(group, grown)
	if grown[0] != 117 || grown[1] != 117 || len(grown) != 2 {
		t.Errorf("%v, want 117 for both", grown)
	}
	group[1].old++
	clear(grown)
	newLogarithm().solve(group, grown)
	if len(grown) != 0 {
		t.Errorf("other text: %v", grown)
	}
}
