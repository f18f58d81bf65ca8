package kabi

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/kabi/layout"
	"modkeep/symvers"
)

// listed is a graph of types in a list; the first is void.
type listed []*layout.Type

func (l listed) Type(id layout.ID) *layout.Type {
	if int(id) >= len(l) {
		id = 0
	}
	return l[id]
}

func (l listed) Len() int { return len(l) }

func (l listed) Named(kind layout.Kind, name string) []layout.ID {
	var ids []layout.ID
	for id, t := range l {
		if t.Kind == kind && t.Name == name {
			ids = append(ids, layout.ID(id))
		}
	}
	return ids
}

// The types of every made kernel.
const (
	void = layout.ID(iota)
	integer
	char
	ulong
	toBox // struct box *
	function
	exported
	box // what the tests are about
	others
)

// kernelOf is a side that exports f(struct box *), with a box and more types.
func kernelOf(crc symvers.CRC, types ...*layout.Type) Side {
	list := listed{
		{},
		{Kind: layout.Int, Name: "int", Size: 4, Signed: true},
		{Kind: layout.Int, Name: "char", Size: 1, Signed: true},
		{Kind: layout.Int, Name: "long unsigned int", Size: 8},
		{Kind: layout.Pointer, Elem: box},
		{Kind: layout.Proto, Params: []layout.Param{{Name: "b", Type: toBox}}, Elem: integer},
		{Kind: layout.Func, Name: "f", Elem: function},
	}
	return Side{
		Table:   symvers.New([]symvers.Export{{Symbol: "f", CRC: crc, HasCRC: true, Module: symvers.Vmlinux}}),
		Layouts: &Layouts{Types: append(list, types...), Pointer: 8},
	}
}

func boxOf(size uint64, members ...layout.Member) *layout.Type {
	return &layout.Type{Kind: layout.Struct, Name: "box", Size: size, Members: members}
}

func memberAt(name string, typ layout.ID, byteOffset uint64) layout.Member {
	return layout.Member{Name: name, Type: typ, Offset: 8 * byteOffset}
}

// TestLayoutCauses judges changes by what C says of them.
func TestLayoutCauses(t *testing.T) {
	a, c := memberAt("a", integer, 0), memberAt("c", ulong, 8)
	colours := func(values ...layout.Enumerator) *layout.Type {
		return &layout.Type{Kind: layout.Enum, Name: "colour", Size: 4, Enumerators: values}
	}
	red, green := layout.Enumerator{Name: "RED"}, layout.Enumerator{Name: "GREEN", Value: 1}
	tests := []struct {
		name      string
		old, new  []*layout.Type
		cause     string
		judgement string
		diff      string
	}{
		{"into a hole", []*layout.Type{boxOf(16, a, c)}, []*layout.Type{boxOf(16, a, memberAt("b", char, 4), c)}, "struct box",
			"grew into a hole: nothing moved, the size stays 16 bytes",
			" struct box {\n \tint a; /* 0 4 */\n-\t/* hole of 4 bytes */\n+\tchar b; /* 4 1 */\n+\t/* hole of 3 bytes */\n \tlong unsigned int c; /* 8 8 */\n \t/* size: 16 */\n };\n"},
		{"moved", []*layout.Type{boxOf(16, a, c)}, []*layout.Type{boxOf(24, a, memberAt("b", ulong, 8), memberAt("c", ulong, 16))}, "struct box",
			"layout moved: 1 member is elsewhere, 1 member was added where others are or were; the size goes from 16 to 24 bytes",
			" struct box {\n \tint a; /* 0 4 */\n \t/* hole of 4 bytes */\n+\tlong unsigned int b; /* 8 8 */\n \tlong unsigned int c; /* 8 8 -> 16 8 */\n-\t/* size: 16 */\n+\t/* size: 24 */\n };\n"},
		{"at the end", []*layout.Type{boxOf(4, a)}, []*layout.Type{boxOf(16, a, c)}, "struct box",
			"layout changed: 1 member was added at the end; the size goes from 4 to 16 bytes",
			" struct box {\n \tint a; /* 0 4 */\n-\t/* size: 4 */\n+\t/* hole of 4 bytes */\n+\tlong unsigned int c; /* 8 8 */\n+\t/* size: 16 */\n };\n"},
		{"a name", []*layout.Type{boxOf(4, a)}, []*layout.Type{boxOf(4, memberAt("z", integer, 0))}, "struct box",
			"only names of members changed: the layout is the same",
			" struct box {\n-\tint a; /* 0 4 */\n+\tint z; /* 0 4 */\n \t/* size: 4 */\n };\n"},
		{"bits", []*layout.Type{boxOf(4, layout.Member{Name: "x", Type: integer, Bits: 3})}, []*layout.Type{boxOf(4, layout.Member{Name: "x", Type: integer, Bits: 3}, layout.Member{Name: "y", Type: integer, Offset: 3, Bits: 1})}, "struct box",
			"layout changed: 1 member was added at the end; the size stays 4 bytes",
			" struct box {\n \tint x : 3; /* 0:0 */\n+\tint y : 1; /* 0:3 */\n \t/* padding of 3 bytes */\n \t/* size: 4 */\n };\n"},
		{"values", []*layout.Type{boxOf(4, memberAt("e", others, 0)), colours(red, green)}, []*layout.Type{boxOf(4, memberAt("e", others, 0)), colours(layout.Enumerator{Name: "BLUE"}, layout.Enumerator{Name: "RED", Value: 1}, layout.Enumerator{Name: "GREEN", Value: 2})}, "enum colour",
			"2 enumerators renumbered: RED from 0 to 1",
			" enum colour {\n+\tBLUE = 0,\n \tRED = 0 -> 1,\n \tGREEN = 1 -> 2,\n };\n"},
		{"defined", []*layout.Type{{Kind: layout.Forward, Name: "box"}}, []*layout.Type{boxOf(4, a)}, "struct box",
			"only a forward declaration became a definition: no layout changed",
			" struct box {\n-\tUNKNOWN\n+\tint a;\n }\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Compare(kernelOf(1, tt.old...), kernelOf(2, tt.new...), Options{})
			if len(r.Causes) != 1 || r.Source != Layout || r.Explained != 1 || r.Proved != 0 {
				t.Fatalf("%d causes by %q, %d explained, %d proved: %+v", len(r.Causes), r.Source, r.Explained, r.Proved, r.Changed)
			}
			c := r.Causes[0]
			if c.Type != tt.cause || c.Judgement != tt.judgement {
				t.Errorf("%s: %q, want %s: %q", c.Type, c.Judgement, tt.cause, tt.judgement)
			}
			if d := cmp.Diff(tt.diff, c.Diff); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestSeveralOfOneName matches types of one name by what they are made of, in
// whatever order they come.
func TestSeveralOfOneName(t *testing.T) {
	op := func(typ layout.ID) *layout.Type {
		return &layout.Type{Kind: layout.Struct, Name: "op", Size: 8, Members: []layout.Member{memberAt("of"+string(rune('a'+typ)), typ, 0)}}
	}
	holds := boxOf(16, memberAt("first", others, 0), memberAt("second", others+1, 8))
	swapped := boxOf(16, memberAt("first", others+1, 0), memberAt("second", others, 8))
	old := kernelOf(1, holds, op(integer), op(ulong))
	if r := Compare(old, kernelOf(2, swapped, op(ulong), op(integer)), Options{}); len(r.Causes) != 0 {
		t.Errorf("the same types in another order: %+v", r.Causes)
	}
	r := Compare(old, kernelOf(2, swapped, op(char), op(integer)), Options{})
	if len(r.Causes) != 1 || r.Causes[0].Type != "struct op@2" || !strings.Contains(r.Causes[0].Diff, "-\tlong unsigned int ofd;") {
		t.Errorf("one of two changed: %+v", r.Causes)
	}
}

// TestTypesTwice takes of two types of one name that differ alike from the old
// one that which the export is of, as in a module whose own struct of a name that
// the kernel has makes two of all types around it.
func TestTypesTwice(t *testing.T) {
	a, c := memberAt("a", integer, 0), memberAt("c", ulong, 8)
	for _, of := range []layout.ID{box, others} {
		new := kernelOf(2, boxOf(16, a, c), boxOf(16, a, c))
		new.Layouts.Types.(listed)[toBox].Elem = of
		r := Compare(kernelOf(1, boxOf(4, a)), new, Options{})
		if len(r.Causes) != 1 || r.Causes[0].Type != "struct box" {
			t.Errorf("of type %d: %+v", of, r.Causes)
		}
	}
}

// TestStaticOfOneName finds the export's declaration among those of static
// functions of its name.
func TestStaticOfOneName(t *testing.T) {
	a, c := memberAt("a", integer, 0), memberAt("c", ulong, 8)
	static := []*layout.Type{{Kind: layout.Proto, Elem: integer}, {Kind: layout.Func, Name: "f", Elem: others}}
	one := func(crc symvers.CRC, b *layout.Type) Side { return kernelOf(crc, b) }
	two := func(crc symvers.CRC, b *layout.Type) Side {
		return kernelOf(crc, append([]*layout.Type{b}, static...)...)
	}
	for name, sides := range map[string][2]Side{
		"gone":  {two(1, boxOf(4, a)), one(2, boxOf(16, a, c))},
		"added": {one(1, boxOf(4, a)), two(2, boxOf(16, a, c))},
	} {
		r := Compare(sides[0], sides[1], Options{})
		if len(r.Causes) != 1 || r.Causes[0].Type != "struct box" {
			t.Errorf("%s: %+v", name, r.Causes)
		}
	}
}

// TestClusters is what is told where there are no types.
func TestClusters(t *testing.T) {
	rows := func(crc symvers.CRC) Side {
		return Side{Table: symvers.New([]symvers.Export{
			{Symbol: "a", CRC: crc, HasCRC: true, Module: "net/x"}, {Symbol: "b", CRC: crc, HasCRC: true, Module: "net/x"},
			{Symbol: "c", CRC: 7, HasCRC: true, Module: "net/x"}, {Symbol: "d", CRC: crc, HasCRC: true, Module: "vmlinux"},
		})}
	}
	r := Compare(rows(1), rows(2), Options{})
	want := []Cluster{{"net/x", []string{"a", "b"}, 3}, {"vmlinux", []string{"d"}, 1}}
	if d := cmp.Diff(want, r.Clusters); d != "" || r.Source != None {
		t.Errorf("%q, -want +got:\n%s", r.Source, d)
	}
}
