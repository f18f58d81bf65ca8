package kabi

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"modkeep/symtypes"
)

// seen is what the findings tell of one cause.
type seen struct {
	pairs   map[[2]symtypes.Record]int // how often each pair of records
	nearest int                        // finding
	depth   int32
}

// describe gives each cause its path, diff and judgement.
func (r *Report) describe(found []finding, old, new Side) {
	of := r.seen(found)
	p := newProver(old, new, &r.done)
	l, d := newPlaces(old, new), newDiffer()
	order := make([]int, len(r.Causes))
	for n := range order {
		order[n] = n
	}
	slices.SortStableFunc(order, func(a, b int) int { return of[a].nearest - of[b].nearest })
	walked := -1
	for _, n := range order {
		c, nearest := &r.Causes[n], of[n].nearest
		f := &found[nearest]
		if walked != nearest && !r.done.exhausted() {
			p.walk(f)
			walked = nearest
		}
		if walked == nearest {
			c.Path = p.path(c.id)
		} else {
			c.Path = []string{p.pool.Title(f.export), "…", c.Type}
		}
		c.describe(l, d, p.pool, f, of[n].pairs)
	}
}

// seen gathers what the findings tell of each cause.
func (r *Report) seen(found []finding) []seen {
	of := make([]seen, len(r.Causes))
	number := make(map[symtypes.ID]int, len(r.Causes))
	for n := range r.Causes {
		of[n] = seen{make(map[[2]symtypes.Record]int), -1, 0}
		number[r.Causes[n].id] = n
	}
	for i := range found {
		for _, c := range found[i].causes {
			s := &of[number[c.id]]
			s.pairs[[2]symtypes.Record{c.old, c.new}]++
			if s.nearest < 0 || c.depth < s.depth {
				s.nearest, s.depth = i, c.depth
			}
		}
	}
	return of
}

// describe gives a cause its diff and judgement, from layouts or, where they do
// not tell, from the records; f is an export that it is a cause of.
func (c *Cause) describe(l *places, d *differ, pool *symtypes.Pool, f *finding, pairs map[[2]symtypes.Record]int) {
	pair := commonest(pairs)
	c.Variants = len(pairs) - 1
	switch {
	case d.spent():
		c.Judgement = "not looked at: there is too much that changed"
	case l.describe(d, c, pool, f, pair):
	default:
		before, after := lines(pool, pair[0]), lines(pool, pair[1])
		ops := d.script(before, after)
		c.Diff = d.text(ops, nil)
		c.Judgement = judge(pool, c.id, pair, before, after, ops)
	}
	if c.Variants > 0 {
		c.Judgement += fmt.Sprintf("; other records of it in other files: %d", c.Variants)
	}
}

func commonest(pairs map[[2]symtypes.Record]int) [2]symtypes.Record {
	all := slices.Collect(maps.Keys(pairs))
	return slices.MinFunc(all, func(a, b [2]symtypes.Record) int {
		return cmp.Or(pairs[b]-pairs[a], int(a[0]-b[0]), int(a[1]-b[1]))
	})
}

// walk goes through what a finding's export reaches: on the new side, or as the
// guide has it.
func (p *prover) walk(f *finding) {
	walk, scope := p.newWalk, p.newScope
	p.enter(f)
	if f.seenFile >= 0 {
		walk, scope = p.guide.walk, p.guide.scope
		scope.Enter(f.seenFile)
	}
	p.way = walk
	p.reach(walk, scope, f.export)
}

// path returns the shortest way from the export walked last to a type, as C has
// the names.
func (p *prover) path(id symtypes.ID) []string {
	var path []string
	for _, step := range p.way.Path(id) {
		path = append(path, p.pool.Title(step))
	}
	return path
}

func lines(pool *symtypes.Pool, r symtypes.Record) []string {
	if r == symtypes.None {
		return nil
	}
	return pool.Lines(r)
}

// judge says in one line what a change is. It has texts to go by, not layouts.
func judge(pool *symtypes.Pool, id symtypes.ID, pair [2]symtypes.Record, before, after []string, ops []edit) string {
	switch old, new := pair[0], pair[1]; {
	case old == symtypes.None || new == symtypes.None:
		return "a record is missing on one side"
	case pool.Opaque(old):
		return "only a forward declaration became a definition: no layout changed"
	case pool.Opaque(new):
		return "the definition became a forward declaration: no layout changed"
	}
	switch pool.Kind(id) {
	case symtypes.Export:
		return "the export's own declaration changed"
	case symtypes.Typedef:
		if len(before) == 1 && len(after) == 1 {
			return "typedef of another type"
		}
	case symtypes.Enumerator:
		return fmt.Sprintf("value changed from %s to %s", strings.Join(before, " "), strings.Join(after, " "))
	case symtypes.Enum:
		return judgeEnum(before, after)
	}
	return judgeMembers(ops)
}

// judgeMembers judges a struct or union by what became of its lines.
func judgeMembers(ops []edit) string {
	removed, added, atEnd := edits(ops)
	switch {
	case len(removed)+len(added) == 0:
		return "only the spelling changed"
	case len(removed) == 0 && atEnd:
		return "members added at the end: what was there stays where it was, the size may grow"
	case len(removed) == 0:
		return "members added in between: what follows moved unless they fill a hole"
	case len(added) == 0:
		return "members removed: what follows moved unless a hole is left"
	case len(removed) == len(added) && slices.EqualFunc(removed, added, func(a, b string) bool { return nameless(a) == nameless(b) }):
		return "only names of members changed: the layout is the same"
	case len(removed) == len(added):
		return "members of another type or width"
	}
	return "members removed and added"
}

// edits returns the lines that only one side has, and whether all that were
// added stand behind the last member there was.
func edits(ops []edit) (removed, added []string, atEnd bool) {
	atEnd = true
	for _, op := range ops {
		switch op.mark {
		case '-':
			removed = append(removed, strings.TrimSpace(op.line))
		case '+':
			added = append(added, strings.TrimSpace(op.line))
		default:
			atEnd = atEnd && (len(added) == 0 || strings.HasPrefix(op.line, "}"))
		}
	}
	return removed, added, atEnd
}

// nameless returns a member's line without the member's name.
func nameless(line string) string {
	end := len(line)
	if i := strings.IndexAny(line, ";[:"); i >= 0 {
		end = i
	}
	if i := strings.Index(line, "(*"); i >= 0 { // a pointer to a function
		start := i + 2
		if n := strings.IndexByte(line[start:], ')'); n >= 0 {
			return line[:start] + line[start+n:]
		}
	}
	head := strings.TrimRight(line[:end], " ")
	start := strings.LastIndexAny(head, " *") + 1
	return head[:start] + line[end:]
}

// judgeEnum judges an enum by its lines: "NAME," or "NAME = 1,".
func judgeEnum(before, after []string) string {
	old, new := enumerators(before), enumerators(after)
	if len(new) >= len(old) && slices.Equal(new[:len(old)], old) {
		return "enumerators added at the end: the others keep their values"
	}
	same := 0
	for same < min(len(old), len(new)) && old[same] == new[same] {
		same++
	}
	if len(old) == len(new) && slices.EqualFunc(old, new, func(a, b string) bool { return valueOf(a) == valueOf(b) }) {
		return "only names of enumerators changed: the values are the same"
	}
	if same < len(old) {
		name, _, _ := strings.Cut(old[same], " ")
		return "enumerators renumbered from " + name + " on"
	}
	return "enumerators removed"
}

func valueOf(enumerator string) string {
	_, value, _ := strings.Cut(enumerator, " = ")
	return value
}

func enumerators(lines []string) []string {
	var list []string
	for _, line := range lines {
		if strings.HasPrefix(line, "\t") {
			list = append(list, strings.TrimSuffix(strings.TrimSpace(line), ","))
		}
	}
	return list
}
