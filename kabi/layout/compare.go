package layout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Change says in what a type differs.
type Change string

// The changes, the worse before the milder.
const (
	SizeChanged  Change = "size"       // an aggregate or enum takes more or fewer bytes
	Moved        Change = "moved"      // a member is elsewhere, or a bit-field has another width
	Retyped      Change = "retyped"    // what is at a member's place is read otherwise: another size, kind, length
	Repointed    Change = "repointed"  // a pointer leads to another type
	Removed      Change = "removed"    // a member or value is gone
	Renumbered   Change = "renumbered" // an enumerator has another value
	ReservedUsed Change = "reserved"   // a reserved member has become another
	Overlaid     Change = "overlaid"   // a member was added where another one is, in a union
	Uncovered    Change = "uncovered"  // a member is gone from a place that another one had, and has, too
	HoleFilled   Change = "hole"       // a member was added where nothing was
	Appended     Change = "appended"   // a member was added behind all others
	ValueAdded   Change = "added"      // an enumerator was added
	Renamed      Change = "renamed"    // another name for the same at the same place
	Defined      Change = "defined"    // only a forward declaration became a definition, or the reverse
)

// Breaks reports whether code made for the old layout can do wrong with the
// new one: what it reads or writes is elsewhere, is something else, or is not
// there. What was put where nothing was, or beside what is there still, does
// not break it.
func (c Change) Breaks() bool {
	switch c {
	case HoleFilled, Overlaid, Uncovered, ValueAdded, Renamed, Defined, Repointed:
		return false
	}
	return true
}

// Difference is one change of a type.
type Difference struct {
	Change Change `json:"change"`
	Member string `json:"member,omitempty"` // member or enumerator, "ops.open" in a nested anonymous one
	Old    string `json:"old,omitempty"`    // "offset 16, size 8", "u32 x", "3"
	New    string `json:"new,omitempty"`
}

func (d Difference) String() string {
	text := string(d.Change)
	if d.Member != "" {
		text = d.Member + " " + text
	}
	switch {
	case d.Old != "" && d.New != "":
		return fmt.Sprintf("%s: %s -> %s", text, d.Old, d.New)
	case d.Old != "" || d.New != "":
		return text + ": " + d.Old + d.New
	}
	return text
}

// Pair is a type of the one graph and one of the other.
type Pair struct{ Old, New ID }

// A Comparer compares types of two graphs. It remembers the pairs that it has
// compared. It is for one goroutine.
type Comparer struct {
	Old, New Types
	Pointer  uint64 // bytes of a pointer; 8 where 0

	done  map[Pair]*Comparison
	spent int // members looked at
}

// Comparison is in what the two types of a pair differ by themselves, and the
// pairs that the comparison leads on to.
type Comparison struct {
	Pair
	Differences []Difference
	// Holds are the named types that are part of it, by value: theirs are
	// differences of this type too.
	Holds []Pair
	// Points are the named types that it points to.
	Points []Pair
}

// maxDifferences is how many changes are told of one type.
const maxDifferences = 64

// Compare returns how two types differ by themselves. Typedefs and qualifiers
// do not count. Of two aggregates the members are compared by name, those of
// anonymous ones inside them too; named types inside are pairs of their own.
func (c *Comparer) Compare(p Pair) *Comparison {
	p.Old, _ = Peel(c.Old, p.Old)
	p.New, _ = Peel(c.New, p.New)
	if got, ok := c.done[p]; ok {
		return got
	}
	if c.done == nil {
		c.done = map[Pair]*Comparison{}
	}
	if c.Pointer == 0 {
		c.Pointer = 8
	}
	run := comparing{c: c, out: &Comparison{Pair: p}, had: map[Pair]had{}}
	c.done[p] = run.out
	run.types(p)
	slices.SortStableFunc(run.out.Differences, func(a, b Difference) int { return cmp.Compare(rank(a.Change), rank(b.Change)) })
	return run.out
}

// Equal reports whether two types are laid out alike and lead to types that
// are, however far. Cycles are taken to be equal until something differs.
// Renamed members and more enumerators make types unequal; a forward
// declaration equals a definition.
func (c *Comparer) Equal(p Pair) bool {
	todo := []Pair{p}
	seen := map[Pair]bool{}
	for len(todo) > 0 {
		got := c.Compare(todo[len(todo)-1])
		todo = todo[:len(todo)-1]
		if slices.ContainsFunc(got.Differences, func(d Difference) bool { return d.Change != Defined }) {
			return false
		}
		for _, next := range [][]Pair{got.Holds, got.Points} {
			for _, p := range next {
				if !seen[p] {
					seen[p] = true
					todo = append(todo, p)
				}
			}
		}
	}
	return true
}

var ranks = []Change{SizeChanged, Moved, Retyped, Removed, Renumbered, ReservedUsed, Appended, Overlaid, Uncovered, HoleFilled, Repointed, ValueAdded, Renamed, Defined}

func rank(c Change) int { return slices.Index(ranks, c) }

// comparing is one comparison under way.
type comparing struct {
	c    *Comparer
	out  *Comparison
	had  map[Pair]had
	size int // leaves compared
}

// had is as what a pair has been met.
type had uint8

const (
	held had = 1 << iota
	pointed
	unfolded
	called
)

// first reports whether a pair is met in this way for the first time.
func (r *comparing) first(p Pair, as had) bool {
	met := r.had[p]
	r.had[p] = met | as
	return met&as == 0
}

func (r *comparing) say(change Change, member, was, is string) {
	if len(r.out.Differences) < maxDifferences {
		r.out.Differences = append(r.out.Differences, Difference{change, member, was, is})
	}
}

func (r *comparing) types(p Pair) {
	a, b := r.c.Old.Type(p.Old), r.c.New.Type(p.New)
	switch {
	case isAggregate(a.Kind) && a.Kind == b.Kind:
		r.aggregates(p, "", 0)
	case a.Kind == Enum && b.Kind == Enum:
		r.enums(a, b, "")
	case a.Kind == Func && b.Kind == Func, a.Kind == Var && b.Kind == Var:
		r.member("", p.with(a.Elem, b.Elem), 0)
	default:
		r.member("", p, 0)
	}
}

func (p Pair) with(a, b ID) Pair { return Pair{a, b} }

// leaf is a member as C names it, whatever anonymous aggregates are around it.
type leaf struct {
	name   string
	typ    ID
	offset uint64 // bits
	bits   uint64 // of a bit-field
	size   uint64 // bits that it takes
}

func (l leaf) end() uint64 { return l.offset + l.size }

// maxLeaves bounds the members of an aggregate with all anonymous ones in it
// (the largest of a kernel has some 500), maxSpent those that a Comparer looks
// at: what is beyond is taken to be alike.
const (
	maxLeaves = 1 << 15
	maxSpent  = 1 << 24
)

// leaves returns the members with a name.
func (c *Comparer) leaves(ts Types, id ID) []leaf {
	var list []leaf
	visited, names := 0, map[string]bool{}
	defer func() { c.spent += visited }()
	var walk func(id ID, at uint64, depth int)
	walk = func(id ID, at uint64, depth int) {
		for _, m := range ts.Type(id).Members {
			if visited++; visited > maxLeaves || c.spent > maxSpent {
				return
			}
			inner, t := Peel(ts, m.Type)
			switch {
			case m.Name != "" && names[m.Name]: // not in C
			case m.Name != "":
				names[m.Name] = true
				size := uint64(m.Bits)
				if size == 0 {
					size = 8 * SizeOf(ts, m.Type, c.Pointer)
				}
				list = append(list, leaf{m.Name, m.Type, at + m.Offset, uint64(m.Bits), size})
			case isAggregate(t.Kind) && depth < maxChain:
				walk(inner, at+m.Offset, depth+1)
			}
		}
	}
	walk(id, 0, 0)
	return list
}

// aggregates compares the members of two structs or unions.
func (r *comparing) aggregates(p Pair, prefix string, depth int) {
	a, b := r.c.Old.Type(p.Old), r.c.New.Type(p.New)
	if a.Size != b.Size {
		r.say(SizeChanged, strings.TrimSuffix(prefix, "."), fmt.Sprintf("%d bytes", a.Size), fmt.Sprintf("%d bytes", b.Size))
	}
	if a.Opaque || b.Opaque {
		return
	}
	was, is := r.c.leaves(r.c.Old, p.Old), r.c.leaves(r.c.New, p.New)
	r.c.spent++
	if r.size += len(was) + len(is) + 1; r.size > maxLeaves || r.c.spent > maxSpent {
		return
	}
	byName := make(map[string]int, len(is))
	for i, l := range is {
		byName[l.name] = i
	}
	taken := make([]bool, len(is))
	var gone, stay []leaf
	for _, l := range was {
		i, ok := byName[l.name]
		if !ok {
			gone = append(gone, l)
			continue
		}
		taken[i] = true
		if l.offset == is[i].offset && l.size == is[i].size {
			stay = append(stay, l)
		}
		r.leaf(prefix, l, is[i], depth)
	}
	var added []leaf
	for i, l := range is {
		if !taken[i] {
			added = append(added, l)
		}
	}
	r.exchanged(prefix, gone, added, spans(stay))
	r.added(prefix, added, was)
}

func (l leaf) place() string {
	if l.bits > 0 {
		return fmt.Sprintf("bit %d, %d wide", l.offset, l.bits)
	}
	return fmt.Sprintf("offset %d", l.offset/8)
}

// leaf compares two members of one name.
func (r *comparing) leaf(prefix string, a, b leaf, depth int) {
	name := prefix + a.name
	switch {
	case a.offset != b.offset || a.size != b.size && (a.bits > 0 || b.bits > 0):
		r.say(Moved, name, a.place(), b.place())
	case a.bits != b.bits && a.offset%8 == 0:
		return // a bit-field of whole bytes became a member of that size
	}
	r.member(name, Pair{a.typ, b.typ}, depth)
}

// exchanged says what became of members that are gone. It forgets the added
// ones that took their places.
func (r *comparing) exchanged(prefix string, gone, added []leaf, stay spanList) {
	at := make(map[[2]uint64]int, len(added))
	for i, l := range added {
		at[[2]uint64{l.offset, l.size}] = i + 1
	}
	for _, l := range gone {
		i := at[[2]uint64{l.offset, l.size}] - 1
		was := Declare(r.c.Old, l.typ, l.name)
		switch into := r.successors(added, l); {
		case len(into) > 0:
			r.say(ReservedUsed, prefix+l.name, was, r.named(added, into))
			for _, j := range into {
				added[j].size = 0
			}
		case i >= 0 && added[i].size > 0 && r.alike(Pair{l.typ, added[i].typ}):
			r.say(Renamed, prefix+l.name, "", added[i].name)
			added[i].size = 0
		case stay.over(l) != "":
			r.say(Uncovered, prefix+l.name, was+" at "+l.place()+", where "+stay.over(l)+" is", "")
		default:
			r.say(Removed, prefix+l.name, was+" at "+l.place(), "")
		}
	}
}

// named spells the members that took a place.
func (r *comparing) named(list []leaf, which []int) string {
	var names []string
	for _, i := range which {
		if names = append(names, Declare(r.c.New, list[i].typ, list[i].name)); len(names) == 4 {
			names = append(names, "...")
			break
		}
	}
	return strings.Join(names, "; ")
}

// successors returns the added members in the place of a reserved one.
func (r *comparing) successors(added []leaf, l leaf) (which []int) {
	if r.c.spent += len(added); !isReserved(l.name) || r.c.spent > maxSpent {
		return nil
	}
	for i, m := range added {
		if m.offset < l.end() && l.offset < m.end() {
			if which = append(which, i); len(which) == 8 {
				break
			}
		}
	}
	return which
}

// added says where members came in that were not there. One without a size
// has been told, or is a flexible array.
func (r *comparing) added(prefix string, added, was []leaf) {
	covered := spans(was)
	for _, l := range added {
		if isReserved(l.name) {
			continue
		}
		change := HoleFilled
		text := Declare(r.c.New, l.typ, l.name) + " at " + l.place()
		switch over := covered.over(l); {
		case l.size == 0:
			continue
		case len(was) == 0 || l.offset >= covered.end():
			change = Appended
		case over != "" && isReserved(over):
			change = ReservedUsed
			text += ", of " + over
		case over != "":
			change = Overlaid
			text += ", where " + over + " is"
		}
		r.say(change, prefix+l.name, "", text)
	}
}

// span is the bits of members that overlap one another.
type span struct {
	begin, end uint64
	name       string // of the first
}

type spanList []span

// spans sorts and joins the places of members. Touching ones stay apart, so
// that each keeps its name.
func spans(list []leaf) spanList {
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b leaf) int { return cmp.Compare(a.offset, b.offset) })
	var out spanList
	for _, l := range sorted {
		if l.size == 0 {
			continue
		}
		if n := len(out); n > 0 && l.offset < out[n-1].end {
			out[n-1].end = max(out[n-1].end, l.end())
			continue
		}
		out = append(out, span{l.offset, l.end(), l.name})
	}
	return out
}

func (s spanList) end() uint64 {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1].end
}

// over returns the name of a member at the place of l.
func (s spanList) over(l leaf) string {
	i, _ := slices.BinarySearchFunc(s, l.offset, func(s span, at uint64) int {
		if s.end <= at {
			return -1
		}
		return 1
	})
	if i < len(s) && s[i].begin < l.end() {
		return s[i].name
	}
	return ""
}

// isReserved reports whether a member's name says that it is kept for later.
func isReserved(name string) bool {
	n := strings.ToLower(name)
	for _, word := range []string{"reserved", "rsvd", "kabi", "spare", "unused", "android_vendor_data", "android_oem_data"} {
		if strings.Contains(n, word) {
			return true
		}
	}
	n = strings.Trim(n, "_0123456789")
	return n == "pad" || n == "padding" || n == "hole" || n == "resv" || n == "res" || n == ""
}

// alike reports whether two members are read in the same way.
func (r *comparing) alike(p Pair) bool {
	try := comparing{c: r.c, out: &Comparison{}, had: map[Pair]had{}, size: r.size}
	try.member("", p, 1)
	r.size = max(r.size, try.size)
	return len(try.out.Differences) == 0
}

// member compares the types of a member, a parameter or the like.
func (r *comparing) member(name string, p Pair, depth int) {
	aID, na := elements(r.c.Old, p.Old)
	bID, nb := elements(r.c.New, p.New)
	_, outerA := Peel(r.c.Old, p.Old)
	_, outerB := Peel(r.c.New, p.New)
	a, b := r.c.Old.Type(aID), r.c.New.Type(bID)
	in := Pair{aID, bID}
	retyped := func() { r.say(Retyped, name, Spell(r.c.Old, p.Old), Spell(r.c.New, p.New)) }
	switch {
	case depth > maxChain:
	case (outerA.Kind == Array) != (outerB.Kind == Array), na != nb:
		retyped()
	case a.Kind == Forward || b.Kind == Forward:
		if a.Kind != Forward || b.Kind != Forward || a.Union != b.Union || a.Name != b.Name {
			r.forward(name, p, a, b)
		}
	case a.Kind != b.Kind:
		if !sameNumber(a, b) {
			retyped()
		}
	case a.Kind == Int || a.Kind == Float:
		if a.Size != b.Size || a.Signed != b.Signed && a.Size > 1 {
			retyped()
		}
	case a.Kind == Pointer:
		r.pointer(name, Pair{a.Elem, b.Elem}, depth+1, func() { r.say(Repointed, name, Spell(r.c.Old, p.Old), Spell(r.c.New, p.New)) })
	case isAggregate(a.Kind):
		r.nested(name, in, a, b, depth, retyped)
	case a.Kind == Enum:
		r.nestedEnum(name, in, a, b, retyped)
	case a.Kind == Proto:
		r.protos(in, depth, retyped)
	}
}

// sameNumber reports whether an enum was exchanged for an int of its size, or
// the reverse. An enum that is only declared has no size in DWARF.
func sameNumber(a, b *Type) bool {
	number := func(t *Type) bool { return t.Kind == Int || t.Kind == Enum }
	return number(a) && number(b) && (a.Size == b.Size || a.Size == 0 || b.Size == 0)
}

// forward compares a declaration with what it may declare.
func (r *comparing) forward(name string, p Pair, a, b *Type) {
	if tag(a) == tag(b) {
		r.say(Defined, name, "", "")
		return
	}
	r.say(Retyped, name, Spell(r.c.Old, p.Old), Spell(r.c.New, p.New))
}

// tag is a struct or union's name with its keyword, whether complete or not.
func tag(t *Type) string {
	if t.Kind == Union || t.Kind == Forward && t.Union {
		return "union " + t.Name
	}
	return "struct " + t.Name
}

// nested compares aggregates that are members.
func (r *comparing) nested(name string, in Pair, a, b *Type, depth int, retyped func()) {
	switch {
	case a.Name != b.Name && a.Size != b.Size:
		retyped()
	case a.Name != "" && a.Name == b.Name:
		if a.Size != b.Size {
			r.say(SizeChanged, name, fmt.Sprintf("%s of %d bytes", head(a), a.Size), fmt.Sprintf("%d bytes", b.Size))
		}
		r.hold(in)
	default:
		prefix := name
		if prefix != "" {
			prefix += "."
		}
		if r.first(in, unfolded) {
			r.aggregates(in, prefix, depth+1)
		}
	}
}

func (r *comparing) nestedEnum(name string, in Pair, a, b *Type, retyped func()) {
	switch {
	case a.Name != "" && a.Name == b.Name:
		r.hold(in)
	case a.Size != b.Size:
		retyped()
	default:
		r.enums(a, b, name)
	}
}

func (r *comparing) hold(p Pair) {
	if r.first(p, held) {
		r.out.Holds = append(r.out.Holds, p)
	}
}

// pointer compares what is pointed to by kind and name alone: what it is made
// of is another pair's matter.
func (r *comparing) pointer(name string, p Pair, depth int, repointed func()) {
	aID, na := elements(r.c.Old, p.Old)
	bID, nb := elements(r.c.New, p.New)
	a, b := r.c.Old.Type(aID), r.c.New.Type(bID)
	in := Pair{aID, bID}
	structs := func(t *Type) bool { return isAggregate(t.Kind) || t.Kind == Forward }
	switch {
	case depth > maxChain:
	case structs(a) && structs(b):
		if tag(a) != tag(b) {
			repointed()
		} else if a.Name != "" && r.first(in, pointed) {
			r.out.Points = append(r.out.Points, in)
		} else if a.Name == "" && !r.alikeAnonymous(in) {
			repointed()
		}
	case a.Kind != b.Kind:
		if !sameNumber(a, b) {
			repointed()
		}
	case na != nb, (a.Kind == Int || a.Kind == Float || a.Kind == Enum) && a.Size != b.Size:
		repointed()
	case a.Kind == Enum && a.Name == b.Name && a.Name != "" && r.first(in, pointed):
		r.out.Points = append(r.out.Points, in)
	case a.Kind == Pointer:
		r.pointer(name, Pair{a.Elem, b.Elem}, depth+1, repointed)
	case a.Kind == Proto:
		r.protos(in, depth, func() { r.say(Retyped, name, Spell(r.c.Old, in.Old), Spell(r.c.New, in.New)) })
	}
}

// alikeAnonymous compares aggregates that only a pointer leads to and that have
// no name to be found by.
func (r *comparing) alikeAnonymous(p Pair) bool {
	if !r.first(p, pointed) {
		return true
	}
	a, b := r.c.Old.Type(p.Old), r.c.New.Type(p.New)
	return a.Kind == b.Kind && a.Size == b.Size && len(a.Members) == len(b.Members)
}

// protos compares the types of two functions: how many parameters, and whether
// each is passed alike.
func (r *comparing) protos(p Pair, depth int, changed func()) {
	if !r.first(p, called) {
		return
	}
	a, b := r.c.Old.Type(p.Old), r.c.New.Type(p.New)
	if len(a.Params) != len(b.Params) || depth > 8 {
		if depth <= 8 {
			changed()
		}
		return
	}
	try := comparing{c: r.c, out: &Comparison{}, had: r.had, size: r.size}
	try.member("", Pair{a.Elem, b.Elem}, depth+1)
	for i := range a.Params {
		try.member("", Pair{a.Params[i].Type, b.Params[i].Type}, depth+1)
	}
	r.size = max(r.size, try.size)
	r.out.Holds = append(r.out.Holds, try.out.Holds...)
	r.out.Points = append(r.out.Points, try.out.Points...)
	if slices.ContainsFunc(try.out.Differences, func(d Difference) bool { return d.Change != Defined }) {
		changed()
	}
}

// enums compares values. Those of 64 bits are cut to 32 where the other side
// is: BTF had no more before 6.0.
func (r *comparing) enums(a, b *Type, prefix string) {
	declared := len(a.Enumerators) == 0 || len(b.Enumerators) == 0 // without values, and DWARF says no size
	if a.Size != b.Size && a.Size != 0 && b.Size != 0 && (!declared || a.Opaque || b.Opaque) {
		r.say(SizeChanged, prefix, fmt.Sprintf("%d bytes", a.Size), fmt.Sprintf("%d bytes", b.Size))
	}
	if declared {
		return
	}
	was, is := a.byName(), b.byName()
	for _, e := range a.Enumerators {
		value, ok := is[e.Name]
		old := was[e.Name]
		switch {
		case !ok:
			r.say(Removed, e.Name, a.spellValue(old), "")
		case uint32(value) != uint32(old) || a.Size > 4 && b.Size > 4 && !sameLong(value, old):
			r.say(Renumbered, e.Name, a.spellValue(old), b.spellValue(value))
		}
	}
	for _, e := range b.Enumerators {
		if _, ok := was[e.Name]; !ok {
			r.say(ValueAdded, e.Name, "", b.spellValue(e.Value))
		}
	}
}

func (t *Type) byName() map[string]int64 {
	values := make(map[string]int64, len(t.Enumerators))
	for _, e := range t.Enumerators {
		values[e.Name] = e.Value
	}
	return values
}

// spellValue writes an enumerator's value with the enum's sign.
func (t *Type) spellValue(value int64) string {
	if t.Size == 8 && !t.Signed {
		return fmt.Sprint(uint64(value))
	}
	return fmt.Sprint(value)
}

// sameLong compares values of 64 bits one of which may have been cut.
func sameLong(a, b int64) bool { return a == b || a>>32 == 0 || b>>32 == 0 }
