package layout

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOpenBTF(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		b := list(order, 8).open(t)
		ids := b.Named(Struct, "node")
		if len(ids) != 1 {
			t.Fatalf("%v: struct node: %v", order, ids)
		}
		want := "struct node {\n\tstruct node *next; /* 0 8 */\n\tint value; /* 8 4 */\n\t/* hole of 12 bytes */\n\tstruct other *other; /* 24 8 */\n\t/* size: 32 */\n};\n"
		if d := cmp.Diff(want, Render(b, ids[0], 8)); d != "" {
			t.Errorf("%v: %s", order, d)
		}
	}
}

// TestSplitBTF reads types that go on where those of a kernel end.
func TestSplitBTF(t *testing.T) {
	kernel := list(binary.LittleEndian, 8)
	base := kernel.open(t)
	m := newMade(binary.LittleEndian)
	m.strings = nil
	own := func(s string) uint32 { return uint32(len(kernel.strings)) + m.text2(s) }
	for _, w := range []uint32{own("mine"), btfStruct<<24 | 1, 40, own("node"), 2, 0} {
		m.types = binary.LittleEndian.AppendUint32(m.types, w)
	}
	split, err := OpenBTF(m.bytes(), base)
	if err != nil {
		t.Fatal(err)
	}
	ids := split.Named(Struct, "mine")
	if len(ids) != 1 || ids[0] != ID(base.Len()) {
		t.Fatalf("struct mine: %v, base has %d", ids, base.Len())
	}
	if got := Spell(split, split.Type(ids[0]).Members[0].Type); got != "struct node" {
		t.Errorf("its member is a %s", got)
	}
	if len(split.Named(Struct, "node")) != 1 {
		t.Error("the base's types are not found by name")
	}
}

// text2 is text without an empty string in front.
func (m *made) text2(s string) uint32 {
	off := len(m.strings)
	m.strings = append(append(m.strings, s...), 0)
	return uint32(off)
}

func TestOpenBTFErrors(t *testing.T) {
	good := list(binary.LittleEndian, 8).bytes()
	for name, test := range map[string]struct {
		change func(b []byte) []byte
		want   string
	}{
		"empty":         {func(b []byte) []byte { return nil }, "header: 0 bytes"},
		"magic":         {func(b []byte) []byte { b[0] = 0; return b }, "magic"},
		"version":       {func(b []byte) []byte { b[2] = 9; return b }, "version 9"},
		"types behind":  {func(b []byte) []byte { b[15] = 0xff; return b }, "types: "},
		"string end":    {func(b []byte) []byte { b[len(b)-1] = 'x'; return b }, "not terminated"},
		"kind":          {func(b []byte) []byte { b[24+7] = 30; return b }, "type 1: kind 30"},
		"vlen":          {func(b []byte) []byte { b[24+16+5] = 0xff; return b }, "type 2: needs"},
		"strings short": {func(b []byte) []byte { return b[:len(b)-1] }, "strings: "},
	} {
		_, err := OpenBTF(test.change(append([]byte(nil), good...)), nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func FuzzBTF(f *testing.F) {
	f.Add(list(binary.LittleEndian, 8).bytes())
	f.Add(list(binary.BigEndian, 16).bytes())
	m := newMade(binary.LittleEndian)
	m.add("loop", btfTypedef, 0, false, 1)
	m.add("self", btfStruct, 1, true, 8, 0, 2, 0)
	m.add("", btfArray, 0, false, 0, 3, 3, 1<<31)
	m.add("", btfProto, 2, false, 4, 0, 4, 0, 0)
	m.add("e", btfEnum64, 1, true, 8, m.text("A"), 1, 2)
	m.add("f", btfFunc, 0, false, 4)
	m.add("twice", btfEnum, 2, false, 4, m.text("A"), 1, m.text("A"), 2)
	m.add("twice", btfStruct, 2, false, 8, m.text("a"), 0, 0, m.text("a"), 2, 32)
	f.Add(m.bytes())
	other := list(binary.LittleEndian, 16).open(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := OpenBTF(data, nil)
		if err != nil {
			return
		}
		c := Comparer{Old: b, New: other}
		self := Comparer{Old: b, New: b}
		for id := range min(b.Len(), 200) {
			Render(b, ID(id), 8)
			Spell(b, ID(id))
			c.Compare(Pair{ID(id), 2})
			c.Compare(Pair{ID(id), ID(id)})
			if !self.Equal(Pair{ID(id), ID(id)}) {
				t.Errorf("type %d is not equal to itself: %v", id, self.Compare(Pair{ID(id), ID(id)}).Differences)
			}
		}
		Check(ViewOfBTF(b), other, 8)
		if split, err := OpenBTF(data, other); err == nil {
			Check(ViewOfBTF(split), b, 8)
		}
	})
}
