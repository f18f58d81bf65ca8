package layout

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompareCycle(t *testing.T) {
	old, same, moved := list(binary.LittleEndian, 8).open(t), list(binary.BigEndian, 8).open(t), list(binary.LittleEndian, 16).open(t)
	if c := (Comparer{Old: old, New: same}); !c.Equal(Pair{2, 2}) {
		t.Error("equal lists differ")
	}
	c := Comparer{Old: old, New: moved}
	want := []Difference{{Moved, "value", "offset 8", "offset 16"}}
	if d := cmp.Diff(want, c.Compare(Pair{2, 2}).Differences); d != "" {
		t.Error(d)
	}
	if c.Equal(Pair{3, 3}) {
		t.Error("pointers to different lists are equal")
	}
}

// TestForwardEqualsDefinition compares a pointer to a declared struct with one
// to the same struct with its members.
func TestForwardEqualsDefinition(t *testing.T) {
	declared := list(binary.LittleEndian, 8).open(t)
	m := list(binary.LittleEndian, 8)
	m.add("other", btfStruct, 1, false, 4, m.text("x"), 1, 0)
	m.add("", btfPtr, 0, false, 6)
	defined := m.open(t)
	c := Comparer{Old: declared, New: defined}
	if !c.Equal(Pair{5, 7}) {
		t.Errorf("%v", c.Compare(Pair{5, 7}).Differences)
	}
	if d := cmp.Diff([]Difference{{Change: Defined}}, c.Compare(Pair{4, 6}).Differences); d != "" {
		t.Error(d)
	}
}

// TestSameNameOtherType has two types of one name: they are told apart by what
// is in them, and a check takes the one that fits.
func TestSameNameOtherType(t *testing.T) {
	m := list(binary.LittleEndian, 16)
	m.add("node", btfStruct, 3, false, 32, m.text("next"), 3, 0, m.text("value"), 1, 64, m.text("other"), 5, 192)
	two, one := m.open(t), list(binary.LittleEndian, 8).open(t)
	if ids := two.Named(Struct, "node"); len(ids) != 2 {
		t.Fatal(ids)
	}
	c := Comparer{Old: one, New: two}
	if len(c.Compare(Pair{2, 2}).Differences) == 0 || len(c.Compare(Pair{2, 6}).Differences) != 0 {
		t.Error("the first should differ, the second be equal")
	}
	v := View{Types: one, Uses: []Use{{2, "variable x"}}, OfKernel: func(ID, *Type) bool { return true }}
	if found := Check(v, two, 8); len(found) != 0 {
		t.Errorf("%v", found)
	}
	if found := Check(v, list(binary.LittleEndian, 16).open(t), 8); len(found) != 1 || found[0].Type != "struct node" || found[0].By != "variable x" {
		t.Errorf("%v", found)
	}
}

// TestHostileComparison has anonymous structs that hold one another twice on
// every level, and chains without end.
func TestHostileComparison(t *testing.T) {
	m := newMade(binary.LittleEndian)
	for i := range uint32(60) {
		m.add("", btfStruct, 2, false, 8, 0, i+2, 0, 0, i+2, 32)
	}
	m.add("x", btfTypedef, 0, false, 61)
	m.add("top", btfStruct, 1, false, 8, m.text("a"), 1, 0)
	b := m.open(t)
	c := Comparer{Old: b, New: b}
	for id := range b.Len() {
		c.Compare(Pair{ID(id), ID(id)})
		if n := len(Lines(b, ID(id), 8)); n > maxLines {
			t.Errorf("type %d: %d lines", id, n)
		}
	}
	if c.spent > maxSpent+2*maxLeaves { // without bounds this would never end
		t.Errorf("%d members looked at", c.spent)
	}
}
