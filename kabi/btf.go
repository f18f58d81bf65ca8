package kabi

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"modkeep/kabi/layout"
	"modkeep/symtypes"
	"modkeep/symvers"
)

// Layouts are the types of one side as they lie in memory: its BTF or DWARF.
type Layouts struct {
	Types   layout.Types
	Pointer uint64 // bytes of a pointer
	// Module returns the types of a module, by its name in the table's module
	// column without directories; nil where nothing tells them. It may be nil.
	Module func(name string) layout.Types
}

// graph is one graph of types with the names that its types have as records.
type graph struct {
	ts      layout.Types
	base    *graph // of split BTF
	first   layout.ID
	keys    map[layout.ID]string
	ids     map[string]layout.ID // the reverse, of its own types
	several map[string][]layout.ID
	room    int // bytes of records that may still be written
}

// maxRoom bounds the records of a graph: those of a Debian kernel have 7 MB.
const maxRoom = 128 << 20

// newGraph names the types of a graph. Of several complete types of one name
// the first has the plain one, the others "s#name@2" and so on; a declaration
// has the name of the first.
func newGraph(ts layout.Types, base *graph) *graph {
	g := &graph{ts: ts, base: base, first: 1, keys: map[layout.ID]string{}, ids: map[string]layout.ID{}, several: map[string][]layout.ID{}, room: maxRoom}
	if base != nil {
		g.first = layout.ID(base.ts.Len())
	}
	for id := g.first; int(id) < ts.Len(); id++ {
		key := plainKey(ts.Type(id))
		if key == "" || ts.Type(id).Kind == layout.Forward {
			continue
		}
		same := append(g.several[key], id)
		g.several[key] = same
		g.name(id, key, len(same))
	}
	for key, same := range g.several {
		if len(same) == 1 {
			delete(g.several, key)
		}
	}
	return g
}

func (g *graph) name(id layout.ID, key string, variant int) {
	if variant > 1 {
		key += "@" + strconv.Itoa(variant)
	}
	g.keys[id], g.ids[key] = key, id
}

// plainKey is a named type's name as a record, "" for others.
func plainKey(t *layout.Type) string {
	if t.Name == "" {
		return ""
	}
	switch t.Kind {
	case layout.Struct:
		return "s#" + t.Name
	case layout.Union:
		return "u#" + t.Name
	case layout.Enum:
		return "e#" + t.Name
	case layout.Typedef:
		return "t#" + t.Name
	case layout.Forward:
		if t.Union {
			return "u#" + t.Name
		}
		return "s#" + t.Name
	}
	return ""
}

// key returns a type's name as a record.
func (g *graph) key(id layout.ID) string {
	for at := g; at != nil; at = at.base {
		if key, ok := at.keys[id]; ok {
			return key
		}
	}
	return plainKey(g.ts.Type(id))
}

// align gives the types of which there are several of one name, on either side,
// the names that they have on the old one: first those with the fewest
// differences, of these first those that exports lead to together.
func (g *graph) align(old *graph, exports []string) {
	keys := maps.Clone(g.several)
	for key := range old.several {
		if id, ok := g.ids[key]; ok && keys[key] == nil {
			keys[key] = []layout.ID{id}
		}
	}
	m := matcher{c: layout.Comparer{Old: old.ts, New: g.ts}, oldFirst: old.first, newFirst: g.first, left: maxMatches}
	if len(keys) > 0 {
		m.follow(exports)
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		news := keys[key]
		olds := old.several[key]
		if id, ok := old.ids[key]; ok && olds == nil {
			olds = []layout.ID{id}
		}
		g.rename(key, news, m.nearest(olds, news), len(olds))
	}
}

// matcher finds which types of two graphs are one.
type matcher struct {
	c                  layout.Comparer
	oldFirst, newFirst layout.ID            // of the graphs' own types
	met                map[layout.Pair]bool // that exports lead to in one way
	left               int                  // pairs that may be compared
}

// follow walks both graphs together from the declarations of exports.
func (m *matcher) follow(exports []string) {
	m.met = make(map[layout.Pair]bool)
	var todo []layout.Pair
	for _, symbol := range exports {
		olds, news := m.c.Old.Named(layout.Func, symbol), m.c.New.Named(layout.Func, symbol)
		if len(olds) > 0 && len(news) > 0 {
			todo = append(todo, layout.Pair{Old: olds[len(olds)-1], New: news[len(news)-1]})
		}
	}
	for len(todo) > 0 && len(m.met) < maxMatches {
		got := m.c.Compare(todo[0])
		todo = todo[1:]
		for _, list := range [][]layout.Pair{got.Holds, got.Points} {
			for _, p := range list {
				if own := p.Old >= m.oldFirst || p.New >= m.newFirst; own && !m.met[p] {
					m.met[p] = true
					todo = append(todo, p)
				}
			}
		}
	}
}

// nearest returns for each new type the place of the old one that is nearest to
// it, or -1; no old one is that of two.
func (m *matcher) nearest(olds, news []layout.ID) []int {
	type match struct {
		old, new, differences int
		met                   bool
	}
	var all []match
	for i, a := range olds[:min(len(olds), maxSeveral)] {
		for j, b := range news[:min(len(news), maxSeveral)] {
			if m.left--; m.left < 0 {
				break
			}
			p := layout.Pair{Old: a, New: b}
			all = append(all, match{i, j, len(m.c.Compare(p).Differences), m.met[p]})
		}
	}
	slices.SortStableFunc(all, func(a, b match) int {
		if a.met != b.met && a.differences == b.differences {
			if a.met {
				return -1
			}
			return 1
		}
		return a.differences - b.differences
	})
	of, taken := slices.Repeat([]int{-1}, len(news)), make([]bool, len(olds))
	for _, m := range all {
		if of[m.new] < 0 && !taken[m.old] {
			of[m.new], taken[m.old] = m.old, true
		}
	}
	return of
}

// rename gives types of one name the numbers of the old ones that they are, and
// those that are new the numbers behind.
func (g *graph) rename(key string, news []layout.ID, of []int, next int) {
	for _, id := range news {
		delete(g.ids, g.keys[id])
	}
	for i, id := range news {
		if of[i] < 0 {
			of[i] = next
			next++
		}
		g.name(id, key, of[i]+1)
	}
}

// How many types of one name are told apart, and how many pairs of all names are
// compared for it: a Debian kernel has a few hundred.
const (
	maxSeveral = 32
	maxMatches = 1 << 18
)

// records adds the graph's own types to a corpus.
func (g *graph) records(b *symtypes.Builder) {
	for id := g.first; int(id) < g.ts.Len(); id++ {
		t := g.ts.Type(id)
		key := g.key(id)
		switch {
		case key == "":
		case t.Kind == layout.Forward:
			if _, complete := g.find(key); !complete {
				b.Add(key, cWord(key)+" { UNKNOWN }")
			}
		default:
			b.Add(key, g.record(id, t))
		}
	}
}

// find returns the type of a record's name.
func (g *graph) find(key string) (layout.ID, bool) {
	for ; g != nil; g = g.base {
		if id, ok := g.ids[key]; ok {
			return id, true
		}
	}
	return 0, false
}

// cWord is a struct or union's name as C has it.
func cWord(key string) string {
	if strings.HasPrefix(key, "u#") {
		return "union " + key[2:]
	}
	return "struct " + key[2:]
}

// record writes a type as genksyms -T does.
func (g *graph) record(id layout.ID, t *layout.Type) string {
	w := recordWriter{g: g, size: max(0, maxRecord-g.room)}
	text := t.Kind.String() + " " + t.Name
	if t.Kind == layout.Typedef {
		text = "typedef " + w.declare(t.Elem, t.Name, maxNested)
	} else {
		text += " " + w.body(t, maxNested)
	}
	g.room -= len(text)
	return text
}

// Bounds of a record: what is nested in it, and how long it is.
const (
	maxNested = 48
	maxRecord = 256 << 10
)

// recordWriter spells types with the names of others as records have them.
type recordWriter struct {
	g    *graph
	size int
}

// declare writes what is declared with a type around its name.
func (w *recordWriter) declare(id layout.ID, inner string, depth int) string {
	t := w.g.ts.Type(id)
	if depth == 0 || w.size > maxRecord {
		return joined("...", inner)
	}
	switch t.Kind {
	case layout.Pointer:
		if target := w.g.ts.Type(t.Elem); target.Kind == layout.Array || target.Kind == layout.Proto {
			return w.declare(t.Elem, "( "+joined("*", inner)+" )", depth-1)
		}
		return w.declare(t.Elem, joined("*", inner), depth-1)
	case layout.Array:
		length := " [ ]"
		if t.Count > 0 {
			length = " [ " + strconv.FormatUint(t.Count, 10) + " ]"
		}
		return w.declare(t.Elem, inner+length, depth-1)
	case layout.Proto:
		return w.declare(t.Elem, joined(inner, w.params(t, depth)), depth-1)
	case layout.Qualifier:
		if t.Keyword == "" {
			return w.declare(t.Elem, inner, depth-1)
		}
		if w.g.ts.Type(t.Elem).Kind == layout.Pointer {
			return w.declare(t.Elem, joined(t.Keyword, inner), depth-1)
		}
		return t.Keyword + " " + w.declare(t.Elem, inner, depth-1)
	}
	head := w.head(id, t, depth)
	w.size += len(head) + len(inner)
	return joined(head, inner)
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}

// head is what a declaration begins with.
func (w *recordWriter) head(id layout.ID, t *layout.Type, depth int) string {
	switch {
	case t.Kind == layout.Void:
		return "void"
	case w.g.key(id) != "":
		return w.g.key(id)
	case t.Kind == layout.Struct || t.Kind == layout.Union || t.Kind == layout.Enum:
		return t.Kind.String() + " " + w.body(t, depth)
	}
	if name, ok := spellings[t.Name]; ok {
		return name
	}
	return t.Name
}

// spellings are how sources have the types that compilers call so.
var spellings = map[string]string{
	"long int": "long", "long unsigned int": "unsigned long", "short int": "short", "short unsigned int": "unsigned short",
	"long long int": "long long", "long long unsigned int": "unsigned long long",
}

// body writes members or enumerators between braces.
func (w *recordWriter) body(t *layout.Type, depth int) string {
	var b strings.Builder
	b.WriteString("{ ")
	for _, m := range t.Members {
		if w.size > maxRecord {
			break
		}
		b.WriteString(w.declare(m.Type, m.Name, depth-1))
		if m.Bits > 0 {
			b.WriteString(" : " + strconv.Itoa(int(m.Bits)))
		}
		b.WriteString(" ; ")
	}
	for _, e := range t.Enumerators {
		if w.size += len(e.Name); w.size > maxRecord {
			break
		}
		b.WriteString(e.Name + " = " + strconv.FormatInt(e.Value, 10) + " , ")
	}
	b.WriteString("}")
	return b.String()
}

func (w *recordWriter) params(t *layout.Type, depth int) string {
	if len(t.Params) == 0 {
		return "( void )"
	}
	list := make([]string, len(t.Params))
	for i, p := range t.Params {
		if p.Type == 0 && i == len(t.Params)-1 {
			list[i] = "..."
		} else {
			list[i] = w.declare(p.Type, "", depth-1)
		}
	}
	return "( " + strings.Join(list, " , ") + " )"
}

// declarations writes an export's declarations, the likeliest first: the graph
// may have static functions of that name too, and does not tell which they are.
// There are none where it does not have the export.
func (g *graph) declarations(symbol string) []string {
	for _, kind := range []layout.Kind{layout.Func, layout.Var} {
		var list []string
		ids := g.ts.Named(kind, symbol)
		for _, id := range slices.Backward(ids) {
			if len(list) > 0 && id < g.first || len(list) == maxSeveral {
				break // a module's own hides the kernel's
			}
			w := recordWriter{g: g}
			list = append(list, w.declare(g.ts.Type(id).Elem, symbol, maxNested))
		}
		if len(list) > 0 {
			return list
		}
	}
	// Variables of tracepoints and static calls are no functions; their types
	// are in their names (include/linux/tracepoint.h, static_call_types.h).
	for prefix, tag := range map[string]string{"__tracepoint_": "s#tracepoint", "__SCK__": "s#static_call_key"} {
		if _, ok := g.find(tag); ok && strings.HasPrefix(symbol, prefix) {
			return []string{tag + " " + symbol}
		}
	}
	if record := g.known(shippedSights().variables[symbol]); record != "" {
		return []string{record}
	}
	return nil
}

// declared chooses of the declarations of both sides those that are one export's:
// equal ones if there are any.
func declared(olds, news []string) (old, new string) {
	for _, text := range olds {
		if slices.Contains(news, text) {
			return text, text
		}
	}
	if len(olds) > 0 {
		old = olds[0]
	}
	if len(news) > 0 {
		new = news[0]
	}
	return old, new
}

// known returns a record if the graph has all types that it names.
func (g *graph) known(record string) string {
	for word := range strings.SplitSeq(record, " ") {
		if isName(word) {
			if _, ok := g.find(word); !ok {
				return ""
			}
		}
	}
	return record
}

// byLayouts gives both sides the types of their layouts, as records, for the
// exports that changed. Types that one side has tell which of them each export's
// source file saw.
func (r *Report) byLayouts(old, new *Side) {
	pool := symtypes.NewPool()
	old.seen, new.seen = old.Types, new.Types
	if old.seen != nil {
		pool = old.seen.Pool
	} else if new.seen != nil {
		pool = new.seen.Pool
	}
	modules := make(map[string][]string) // exports by module
	for i := range r.Changed {
		c := &r.Changed[i]
		if module := moduleOf(&c.New); module == moduleOf(&c.Old) || c.Old.Module == "" {
			modules[module] = append(modules[module], c.Symbol())
		}
	}
	was, is := newGraph(old.Layouts.Types, nil), newGraph(new.Layouts.Types, nil)
	is.align(was, modules[symvers.Vmlinux])
	old.guided, new.guided = old.seen != nil || new.seen != nil, old.seen != nil || new.seen != nil
	old.graphs, new.graphs = []*graph{was}, []*graph{is}
	files := []string{symvers.Vmlinux}
	a, b := symtypes.NewBuilder(pool), symtypes.NewBuilder(pool)
	fill(a, b, was, is, symvers.Vmlinux, modules[symvers.Vmlinux])
	delete(modules, symvers.Vmlinux)
	for _, module := range slices.Sorted(maps.Keys(modules)) {
		split, other := old.Layouts.module(module, was), new.Layouts.module(module, is)
		if split == nil || other == nil {
			continue
		}
		other.align(split, modules[module])
		files = append(files, module)
		fill(a, b, split, other, module, modules[module])
	}
	old.modules, new.modules = files, files
	old.Types, new.Types = a.Corpus(), b.Corpus()
	old.unhashed, new.unhashed = true, true
	old.sightings = newSightings(shippedSights(), old.Types)
	new.sightings = old.sightings
	r.done.mayWalk = walkedLayouts
}

// fill makes a file of both sides, of their graphs' types and of exports.
func fill(a, b *symtypes.Builder, was, is *graph, path string, exports []string) {
	a.Begin(path)
	b.Begin(path)
	was.records(a)
	is.records(b)
	for _, symbol := range exports {
		old, new := declared(was.declarations(symbol), is.declarations(symbol))
		if old != "" {
			a.Add(symbol, old)
		}
		if new != "" {
			b.Add(symbol, new)
		}
	}
}

func (l *Layouts) module(name string, base *graph) *graph {
	if l.Module == nil {
		return nil
	}
	if ts := l.Module(name); ts != nil {
		return newGraph(ts, base)
	}
	return nil
}

// moduleOf is the module of an export, without directories.
func moduleOf(e *symvers.Export) string {
	return e.Module[strings.LastIndexByte(e.Module, '/')+1:]
}
