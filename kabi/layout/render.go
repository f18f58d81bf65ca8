package layout

import (
	"fmt"
	"strings"
)

// maxLines is how long a rendered type can be.
const maxLines = 4096

// Line is one line of a type as C.
type Line struct {
	Text string // indented with tabs, without what follows
	// Place is where a member is: "16 8" for 8 bytes at offset 16, "16:3" for a
	// bit-field that begins at bit 3 of byte 16; "= 3" for an enumerator of that
	// value; empty for other lines.
	Place string
}

// Render writes a type as C, one member a line with its offset and size in
// bytes (a bit-field's with its first bit), and the size of the whole at the
// end. Holes are told. Anonymous aggregates are unfolded.
func Render(ts Types, id ID, pointer uint64) string {
	var b strings.Builder
	for _, line := range Lines(ts, id, pointer) {
		b.WriteString(line.Text)
		b.WriteString(Note(line.Place) + "\n")
	}
	return b.String()
}

// Note is how a place, or two with an arrow in between, stands behind a line.
func Note(place string) string {
	switch {
	case place == "":
		return ""
	case place[0] == '=':
		return " " + place + ","
	}
	return " /* " + place + " */"
}

// Lines returns what Render writes, line by line.
func Lines(ts Types, id ID, pointer uint64) []Line {
	id, t := Peel(ts, id)
	w := renderer{ts: ts, pointer: pointer}
	switch {
	case isAggregate(t.Kind):
		w.line(0, "", "%s {", tagged(t))
		w.members(id, 0, 1)
		w.line(1, "", "/* size: %d */", t.Size)
		w.line(0, "", "};")
	case t.Kind == Enum:
		w.line(0, "", "%s {", tagged(t))
		for _, e := range t.Enumerators {
			w.line(1, "= "+t.spellValue(e.Value), "%s", e.Name)
		}
		w.line(0, "", "};")
	default:
		w.line(0, "", "%s;", Spell(ts, id))
	}
	return w.lines
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
	lines   []Line
}

func (w *renderer) line(indent int, place, format string, args ...any) {
	switch n := len(w.lines); {
	case n == maxLines-1:
		w.lines = append(w.lines, Line{Text: "..."})
	case n < maxLines-1:
		w.lines = append(w.lines, Line{strings.Repeat("\t", min(indent, 32)) + fmt.Sprintf(format, args...), place})
	}
}

// members writes the members of an aggregate that begins at bit at.
func (w *renderer) members(id ID, at uint64, indent int) {
	t := w.ts.Type(id)
	end := at
	for _, m := range t.Members {
		if len(w.lines) >= maxLines || indent > maxChain {
			return
		}
		begin := at + m.Offset
		if t.Kind == Struct && begin >= end+8 {
			w.line(indent, "", "/* hole of %d bytes */", (begin-end)/8)
		}
		size := 8 * SizeOf(w.ts, m.Type, w.pointer)
		if m.Bits > 0 {
			size = uint64(m.Bits)
		}
		end = max(end, begin+size)
		w.member(m, begin, size, indent)
	}
	if whole := at + 8*t.Size; t.Kind == Struct && whole >= end+8 {
		w.line(indent, "", "/* padding of %d bytes */", (whole-end)/8)
	}
}

func (w *renderer) member(m Member, begin, size uint64, indent int) {
	place := fmt.Sprintf("%d %d", begin/8, size/8)
	inner, unfolds := anonymous(w.ts, m.Type)
	switch {
	case m.Bits > 0:
		w.line(indent, fmt.Sprintf("%d:%d", begin/8, begin%8), "%s : %d;", Declare(w.ts, m.Type, m.Name), m.Bits)
	case unfolds:
		t := w.ts.Type(inner)
		w.line(indent, "", "%s {", t.Kind)
		w.members(inner, begin, indent+1)
		w.line(indent, place, "}")
		if m.Name != "" {
			w.line(indent, "", "  %s;", strings.TrimPrefix(Declare(w.ts, m.Type, m.Name), head(t)+" "))
		}
	default:
		w.line(indent, place, "%s;", Declare(w.ts, m.Type, m.Name))
	}
}

// anonymous finds the anonymous aggregate that a member, or what an array
// repeats, is declared with.
func anonymous(ts Types, id ID) (ID, bool) {
	for range maxChain {
		t := ts.Type(id)
		if t.Kind != Qualifier && t.Kind != Array {
			return id, isAggregate(t.Kind) && t.Name == ""
		}
		id = t.Elem
	}
	return 0, false
}
