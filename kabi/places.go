package kabi

import (
	"fmt"
	"slices"
	"strings"

	"modkeep/kabi/layout"
	"modkeep/symtypes"
)

// places describes causes by where the members of types lie on both sides.
type places struct {
	old, new Side
	modules  map[string][2]*graph
	compare  map[[2]*graph]*layout.Comparer
}

// newPlaces returns nil where a side has no layouts.
func newPlaces(old, new Side) *places {
	if old.Layouts == nil || new.Layouts == nil {
		return nil
	}
	if old.graphs == nil || new.graphs == nil {
		was, is := newGraph(old.Layouts.Types, nil), newGraph(new.Layouts.Types, nil)
		is.align(was, nil)
		old.graphs, new.graphs = []*graph{was}, []*graph{is}
	}
	return &places{old, new, map[string][2]*graph{}, map[[2]*graph]*layout.Comparer{}}
}

// find returns a type on both sides: the kernel's, else that of the module which
// an export is of.
func (l *places) find(key string, f *finding) (graphs [2]*graph, p layout.Pair, ok bool) {
	graphs = [2]*graph{l.old.graphs[0], l.new.graphs[0]}
	a, known := graphs[0].find(key)
	b, too := graphs[1].find(key)
	if !known && !too && f.oldFile > 0 && f.oldFile < len(l.old.modules) {
		graphs = l.module(l.old.modules[f.oldFile])
		if graphs[0] == nil || graphs[1] == nil {
			return graphs, p, false
		}
		a, known = graphs[0].find(key)
		b, too = graphs[1].find(key)
	}
	return graphs, layout.Pair{Old: a, New: b}, known && too
}

// module returns the graphs of a module.
func (l *places) module(name string) [2]*graph {
	if got, ok := l.modules[name]; ok {
		return got
	}
	got := [2]*graph{l.old.Layouts.module(name, l.old.graphs[0]), l.new.Layouts.module(name, l.new.graphs[0])}
	if got[0] != nil && got[1] != nil {
		got[1].align(got[0], nil)
	}
	l.modules[name] = got
	return got
}

// describe gives a cause its diff and judgement; f is an export that it is a
// cause of. It reports false where the layouts do not tell: of declarations,
// and of types that are complete on neither side or of several of one name.
func (l *places) describe(d *differ, c *Cause, pool *symtypes.Pool, f *finding, pair [2]symtypes.Record) bool {
	if l == nil || c.Own || pair[0] == symtypes.None || pair[1] == symtypes.None || pool.Opaque(pair[0]) || pool.Opaque(pair[1]) {
		return false
	}
	g, p, ok := l.find(pool.Name(c.id), f)
	if !ok {
		return false
	}
	comparer := l.compare[g]
	if comparer == nil {
		comparer = &layout.Comparer{Old: g[0].ts, New: g[1].ts, Pointer: l.old.Layouts.Pointer}
		l.compare[g] = comparer
	}
	before := layout.Lines(g[0].ts, p.Old, l.old.Layouts.Pointer)
	after := layout.Lines(g[1].ts, p.New, l.new.Layouts.Pointer)
	if slices.Equal(before, after) {
		return false // a typedef, or what only the text shows
	}
	c.Diff = d.places(before, after)
	c.Judgement = judgePlaces(comparer, p)
	return true
}

// places returns the diff of types with offsets and sizes.
func (d *differ) places(before, after []layout.Line) string {
	texts := func(lines []layout.Line) []string {
		list := make([]string, len(lines))
		for i, line := range lines {
			list[i] = line.Text
		}
		return list
	}
	return d.text(d.script(texts(before), texts(after)), func(a, b int) string {
		switch {
		case a < 0:
			return layout.Note(after[b].Place)
		case b < 0 || before[a].Place == after[b].Place:
			return layout.Note(before[a].Place)
		}
		return layout.Note(before[a].Place + " -> " + strings.TrimPrefix(after[b].Place, "= "))
	})
}

// judgePlaces says in one line what became of a layout.
func judgePlaces(c *layout.Comparer, p layout.Pair) string {
	got := c.Compare(p)
	if _, t := layout.Peel(c.Old, p.Old); t.Kind == layout.Enum {
		return judgeValues(got.Differences)
	}
	count := make(map[layout.Change]int)
	size := "the size stays " + inBytes(sizeOf(c.Old, p.Old))
	for _, d := range got.Differences {
		count[d.Change]++
		if d.Change == layout.SizeChanged && d.Member == "" {
			size = fmt.Sprintf("the size goes from %d to %s", sizeOf(c.Old, p.Old), inBytes(sizeOf(c.New, p.New)))
		}
	}
	var parts []string
	for _, word := range changeWords {
		if n := count[word.change]; n > 0 {
			parts = append(parts, plural(n, word.one, word.many))
		}
	}
	switch broken := breaking(count); {
	case len(got.Differences) == 0:
		return "only the spelling changed: the layout is the same"
	case len(count) == 1 && count[layout.Renamed] > 0:
		return "only names of members changed: the layout is the same"
	case len(count) == 1 && count[layout.Defined] > 0:
		return "only a forward declaration became a definition: no layout changed"
	case count[layout.Moved] > 0:
		return "layout moved: " + strings.Join(parts, ", ") + "; " + size
	case broken:
		return "layout changed: " + strings.Join(parts, ", ") + "; " + size
	case count[layout.HoleFilled] > 0:
		return "grew into a hole: nothing moved, " + size
	}
	return "nothing moved: " + strings.Join(parts, ", ") + "; " + size
}

func breaking(count map[layout.Change]int) bool {
	for change := range count {
		if change.Breaks() {
			return true
		}
	}
	return false
}

var changeWords = []struct {
	change    layout.Change
	one, many string
}{
	{layout.Moved, "member is elsewhere", "members are elsewhere"},
	{layout.Retyped, "member has another type", "members have another type"},
	{layout.Removed, "member is gone", "members are gone"},
	{layout.ReservedUsed, "reserved member is used", "reserved members are used"},
	{layout.Appended, "member was added at the end", "members were added at the end"},
	{layout.HoleFilled, "member was added in a hole", "members were added in holes"},
	{layout.Overlaid, "member was added where others are or were", "members were added where others are or were"},
	{layout.Uncovered, "member is gone beside others", "members are gone beside others"},
	{layout.Repointed, "pointer leads to another type", "pointers lead to other types"},
	{layout.Renamed, "member has another name", "members have other names"},
	{layout.Renumbered, "enumerator has another value", "enumerators have other values"},
	{layout.ValueAdded, "enumerator was added", "enumerators were added"},
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func inBytes(n uint64) string { return plural(int(n), "byte", "bytes") }

func sizeOf(ts layout.Types, id layout.ID) uint64 {
	_, t := layout.Peel(ts, id)
	return t.Size
}

// judgeValues judges an enum.
func judgeValues(differences []layout.Difference) string {
	var renumbered []layout.Difference
	removed, added := 0, 0
	for _, d := range differences {
		switch d.Change {
		case layout.Renumbered:
			renumbered = append(renumbered, d)
		case layout.Removed:
			removed++
		case layout.ValueAdded:
			added++
		}
	}
	switch {
	case len(renumbered) > 0:
		first := renumbered[0]
		return fmt.Sprintf("%s: %s from %s to %s", plural(len(renumbered), "enumerator renumbered", "enumerators renumbered"), first.Member, first.Old, first.New)
	case removed > 0 && removed == added:
		return "only names of enumerators changed: the values are the same"
	case removed > 0:
		return plural(removed, "enumerator", "enumerators") + " removed: the others keep their values"
	}
	return plural(added, "enumerator", "enumerators") + " added: the others keep their values"
}
