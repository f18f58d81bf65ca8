package layout

import (
	"fmt"
	"strings"
)

// maxLines is how long a rendered type can be.
const maxLines = 4096

// Render writes a type as C, one member a line with its offset and size in
// bytes (a bit-field's with its first bit), and the size of the whole at the
// end. Holes are told. Anonymous aggregates are unfolded.
func Render(ts Types, id ID, pointer uint64) string {
	id, t := Peel(ts, id)
	w := renderer{ts: ts, pointer: pointer}
	switch {
	case isAggregate(t.Kind):
		w.line(0, "%s {", tagged(t))
		w.members(id, 0, 1)
		w.line(1, "/* size: %d */", t.Size)
		w.line(0, "};")
	case t.Kind == Enum:
		w.line(0, "%s {", tagged(t))
		for _, e := range t.Enumerators {
			w.line(1, "%s = %s,", e.Name, t.spellValue(e.Value))
		}
		w.line(0, "};")
	default:
		w.line(0, "%s;", Spell(ts, id))
	}
	return w.b.String()
}

func tagged(t *Type) string {
	if t.Name == "" {
		return t.Kind.String()
	}
	return t.Kind.String() + " " + t.Name
}

type renderer struct {
	ts      Types
	pointer uint64
	b       strings.Builder
	lines   int
}

func (w *renderer) line(indent int, format string, args ...any) {
	if w.lines++; w.lines == maxLines {
		w.b.WriteString("...\n")
	}
	if w.lines < maxLines {
		w.b.WriteString(strings.Repeat("\t", min(indent, 32)))
		fmt.Fprintf(&w.b, format, args...)
		w.b.WriteByte('\n')
	}
}

// members writes the members of an aggregate that begins at bit at.
func (w *renderer) members(id ID, at uint64, indent int) {
	t := w.ts.Type(id)
	end := at
	for _, m := range t.Members {
		if w.lines >= maxLines || indent > maxChain {
			return
		}
		begin := at + m.Offset
		if t.Kind == Struct && begin >= end+8 {
			w.line(indent, "/* hole of %d bytes */", (begin-end)/8)
		}
		size := 8 * SizeOf(w.ts, m.Type, w.pointer)
		if m.Bits > 0 {
			size = uint64(m.Bits)
		}
		end = max(end, begin+size)
		w.member(m, begin, size, indent)
	}
	if whole := at + 8*t.Size; t.Kind == Struct && whole >= end+8 {
		w.line(indent, "/* padding of %d bytes */", (whole-end)/8)
	}
}

func (w *renderer) member(m Member, begin, size uint64, indent int) {
	inner, t := Peel(w.ts, m.Type)
	_, direct := directly(w.ts, m.Type)
	switch {
	case m.Bits > 0:
		w.line(indent, "%s : %d; /* %d:%d */", Declare(w.ts, m.Type, m.Name), m.Bits, begin/8, begin%8)
	case isAggregate(t.Kind) && t.Name == "" && direct:
		w.line(indent, "%s {", t.Kind)
		w.members(inner, begin, indent+1)
		w.line(indent, "} /* %d %d */", begin/8, size/8)
		if m.Name != "" {
			w.line(indent, "  %s;", m.Name)
		}
	default:
		w.line(indent, "%s; /* %d %d */", Declare(w.ts, m.Type, m.Name), begin/8, size/8)
	}
}

// directly reports whether a type is what it is without a typedef.
func directly(ts Types, id ID) (ID, bool) {
	for range maxChain {
		t := ts.Type(id)
		if t.Kind != Qualifier {
			return id, t.Kind != Typedef
		}
		id = t.Elem
	}
	return 0, false
}
