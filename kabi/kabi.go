// Package kabi compares the exports of two kernels and says why their versions
// differ.
//
// Terms:
//
//   - A side is one of the two kernels: its export table, the types behind its
//     exports (package symtypes), or both. Without a table the CRCs are those
//     computed from the types.
//   - A changed export is one that both sides have, with other CRCs: a module
//     built for the one kernel is refused by the other.
//   - A cause of that is a type that the export reaches on both sides and whose
//     record differs, or the export's own declaration. What only the new side's
//     record of a cause brings in is part of that cause.
//   - A changed export is proved when the types of the old side hash to its old
//     CRC, and the same types with nothing but its causes replaced by the new
//     side's hash to its new CRC. Both are the tables' own CRCs: no types that
//     belong to another build can prove anything.
//   - A cover is a set of causes of which every changed export has at least one;
//     the reported one is found greedily. The sole cause of an export is the only
//     one it has.
//   - A source file sees a type if it has its definition; the text of an export
//     has no more than that. The sights are what the files of one kernel see;
//     they come with this package (scripts/sights makes them) and stand in for
//     what layouts do not tell.
package kabi

import (
	"slices"
	"sync"

	"modkeep/symtypes"
	"modkeep/symvers"
)

// Side is one of the kernels compared.
type Side struct {
	Table *symvers.Table   // nil: Types tell the exports and their CRCs
	Types *symtypes.Corpus // nil: none; both sides' are of one pool
	// Layouts are the types as they lie in memory; nil: none. They stand in for
	// Types where a side has none, and then nothing is proved.
	Layouts *Layouts

	computed  bool             // Table was made from Types
	unhashed  bool             // Types were made from Layouts
	guided    bool             // and one side had others
	seen      *symtypes.Corpus // Types as they were given, where unhashed
	sightings *sightings       // of both sides, where unhashed
	graphs    []*graph         // of Layouts, by file of Types; a module's is made when asked for
	modules   []string         // the files
}

// Options say what of a comparison counts.
type Options struct {
	// Rules tolerate changes; what they tolerate is in Report.Tolerated. With
	// rules, added exports are listed and do not count.
	Rules *Rules
	// List restricts the comparison to its symbols.
	List *List
	// NoCauses leaves the causes out.
	NoCauses bool
}

// Report is what differs. All lists are sorted by symbol unless they say
// otherwise.
type Report struct {
	Removed []symvers.Export // only on the old side
	Added   []symvers.Export // only on the new side
	Changed []Change         // another CRC
	Retyped []symvers.Change // another export macro, such as EXPORT_SYMBOL_GPL
	// Renamespaced is another symbol namespace, Moved another module.
	Renamespaced []symvers.Change
	Moved        []symvers.Change

	// Causes are those of Changed: the cover in the order it was found, then the
	// others, those of most exports first.
	Causes []Cause
	// Explained counts the changed exports with causes, Proved those proved.
	Explained, Proved int
	// Source is what the causes were found in.
	Source Source
	// Clusters are the changed exports by module, where there are no types.
	Clusters []Cluster

	Tolerated Tolerated
	// UnusedRules are those that are no export's first match on either side.
	UnusedRules []Rule
	// Unlisted are symbols of the list that neither side has.
	Unlisted []string
	// NoCRCs says on which sides no export has a CRC: nothing is told of them.
	NoCRCs struct{ Old, New bool }
	// Uncompared are exports of both sides of which one has no CRC, on sides that
	// have some, and those whose types reach a hole on both.
	Uncompared []string
	// Holes are the names without a record, with how many exports reach each, on
	// the side where they are more. They are looked for on sides without a table.
	Holes map[string]int

	rules bool
	done  work
	found map[symtypes.ID]finding // of changed exports, where they were looked at already
}

// Source says what causes were found in.
type Source string

// The sources. What layouts tell is not proved.
const (
	None     Source = ""         // nothing: there are no types of both kernels
	Symtypes Source = "symtypes" // the text that CRCs are of
	// Guided is layouts, and one kernel's symtypes that tell which types each
	// export's source file sees; of exports that they do not have it is guessed.
	Guided Source = "BTF or DWARF, as one kernel's symtypes see it, or a guess"
	// Layout is layouts alone: what a source file sees is guessed by another
	// kernel's sources and by how much the hashed texts grew.
	Layout Source = "BTF or DWARF alone, a guess"
)

// Tolerated counts what rules let pass.
type Tolerated struct {
	Removed, Added, Changed, Retyped, Renamespaced, Moved []string // symbols
}

// Change is an export with another CRC.
type Change struct {
	Old, New symvers.Export
	Causes   []int // indices into Report.Causes, ascending
	Proved   bool
	// Unproved says why not.
	Unproved string
}

// Symbol returns the export's name.
func (c *Change) Symbol() string { return c.Old.Symbol }

// Cause is a type whose change changes exports.
type Cause struct {
	Type      string // as C has it: "struct device"; the symbol for its own declaration
	Own       bool   // it is the declaration of the one export
	Symbols   int    // changed exports it is a cause of
	Sole      int    // those that have no other
	Proved    int    // those proved
	Gain      int    // those that the causes before it in the cover leave; 0: not of the cover
	Path      []string
	Judgement string
	Diff      string // C-like, lines with "+", "-" or " " in front
	// Variants counts further pairs of records that the type has, in other files.
	Variants int

	id symtypes.ID
}

// Different reports whether anything differs that counts.
func (r *Report) Different() bool {
	return len(r.Removed)+len(r.Changed)+len(r.Retyped)+len(r.Renamespaced)+len(r.Moved) > 0 || len(r.Added) > 0 && !r.rules
}

// Unknown reports whether there are CRCs that could not be compared.
func (r *Report) Unknown() bool { return r.NoCRCs.Old || r.NoCRCs.New || len(r.Uncompared) > 0 }

// Cover returns the causes of the cover.
func (r *Report) Cover() []Cause {
	n := 0
	for n < len(r.Causes) && r.Causes[n].Gain > 0 {
		n++
	}
	return r.Causes[:n]
}

// Breaking returns the symbols that modules built for the old side can no
// longer use as they did: removed ones and those with another CRC, sorted.
func (r *Report) Breaking() []string {
	list := make([]string, 0, len(r.Removed)+len(r.Changed))
	for _, e := range r.Removed {
		list = append(list, e.Symbol)
	}
	for i := range r.Changed {
		list = append(list, r.Changed[i].Symbol())
	}
	slices.Sort(list)
	return list
}

// Compare tells what differs from the old side to the new.
func Compare(old, new Side, opts Options) *Report {
	r := &Report{rules: opts.Rules != nil, Holes: make(map[string]int)}
	r.done.allow(old, new)
	if old.Table == nil && new.Table == nil && old.Types != nil && new.Types != nil {
		old, new = r.withTables(old, new, !opts.NoCauses)
	}
	old, new = r.withTable(old), r.withTable(new)
	r.NoCRCs.Old, r.NoCRCs.New = !old.Table.HasCRCs() && old.Table.Len() > 0, !new.Table.HasCRCs() && new.Table.Len() > 0
	a, b := opts.List.restrict(old.Table), opts.List.restrict(new.Table)
	r.Unlisted = opts.List.absent(old.Table, new.Table)
	r.Uncompared = r.uncompared(a, b)
	d := symvers.Compare(a, b)
	if opts.Rules != nil {
		d = opts.Rules.filter(d, &r.Tolerated)
		r.UnusedRules = opts.Rules.unused(old.Table, new.Table)
	}
	r.Removed, r.Added = d.Removed, d.Added
	for _, c := range d.Changed {
		r.sort(c)
	}
	if !opts.NoCauses {
		r.explain(old, new)
	}
	return r
}

// sort puts a change into the lists it belongs to.
func (r *Report) sort(c symvers.Change) {
	if c.CRC() {
		r.Changed = append(r.Changed, Change{Old: c.Old, New: c.New})
	}
	if c.Type() {
		r.Retyped = append(r.Retyped, c)
	}
	if c.Namespace() {
		r.Renamespaced = append(r.Renamespaced, c)
	}
	if c.Module() {
		r.Moved = append(r.Moved, c)
	}
}

// uncompared returns the exports of both tables of which one has no CRC.
func (r *Report) uncompared(a, b *symvers.Table) []string {
	if r.NoCRCs.Old || r.NoCRCs.New {
		return nil
	}
	var list []string
	unhashed := len(r.Holes) > 0 || r.done.exhausted() // an export without a CRC is one that could not be hashed
	for i := range a.Exports {
		old := &a.Exports[i]
		if new, ok := b.Lookup(old.Symbol); ok && (old.HasCRC != new.HasCRC || !old.HasCRC && unhashed) {
			list = append(list, old.Symbol)
		}
	}
	slices.Sort(list)
	return list
}

// withTable returns the side with a table, one of the types' CRCs where it has
// none.
func (r *Report) withTable(s Side) Side {
	switch {
	case s.Table != nil:
	case s.Types != nil:
		var holes holeCount
		s.Table, s.computed = symvers.New(r.hashed(s.Types, s.Types.Exports(), &holes)), true
		r.note(&holes, s.Types.Pool)
	default:
		s.Table = symvers.New(nil)
	}
	return s
}

// withTables is withTable for two sides at once. An export of both is hashed on
// one after the other, and its causes looked for then: what was hashed of the
// one is not hashed again for the other where it is the same.
func (r *Report) withTables(old, new Side, causes bool) (Side, Side) {
	var oldHoles, newHoles holeCount
	both, oldOnly, newOnly := partition(old.Types.Exports(), new.Types.Exports())
	oldRows, newRows := make([]symvers.Export, len(both)), make([]symvers.Export, len(both))
	found := make([]finding, len(both))
	order, _ := byFile(old.Types, both)
	old.computed, new.computed = true, true
	inParallel(len(order), func() func(int) {
		p := newProver(old, new, &r.done)
		return func(i int) {
			i = order[i]
			f := finding{export: both[i], known: true, seenFile: -1, oldFile: old.Types.FilesOf(both[i])[0], newFile: new.Types.FilesOf(both[i])[0]}
			p.enter(&f)
			oldRows[i] = r.rowOf(p.hasher, p.oldScope, f.export, old.Types.Pool, &oldHoles)
			newRows[i] = r.rowOf(p.hasher, p.newScope, f.export, new.Types.Pool, &newHoles)
			if c := (symvers.Change{Old: oldRows[i], New: newRows[i]}); causes && c.CRC() {
				p.prove(&Change{Old: c.Old, New: c.New}, &f)
			}
			found[i] = f
		}
	})
	r.found = make(map[symtypes.ID]finding, len(found))
	for i := range found {
		r.found[found[i].export] = found[i]
	}
	old.Table = symvers.New(append(oldRows, r.hashed(old.Types, oldOnly, &oldHoles)...))
	new.Table = symvers.New(append(newRows, r.hashed(new.Types, newOnly, &newHoles)...))
	r.note(&oldHoles, old.Types.Pool)
	r.note(&newHoles, new.Types.Pool)
	return old, new
}

// partition returns the exports of both lists, and those of one only.
func partition(a, b []symtypes.ID) (both, onlyA, onlyB []symtypes.ID) {
	in := make(map[symtypes.ID]bool, len(a))
	for _, id := range a {
		in[id] = true
	}
	for _, id := range b {
		if in[id] {
			both = append(both, id)
			in[id] = false
		} else {
			onlyB = append(onlyB, id)
		}
	}
	for _, id := range a {
		if in[id] {
			onlyA = append(onlyA, id)
		}
	}
	return both, onlyA, onlyB
}

// holeCount counts for each hole the exports that reach it.
type holeCount struct {
	lock  sync.Mutex
	count map[symtypes.ID]int
}

func (h *holeCount) add(ids []symtypes.ID) {
	if len(ids) == 0 {
		return
	}
	h.lock.Lock()
	defer h.lock.Unlock()
	if h.count == nil {
		h.count = make(map[symtypes.ID]int)
	}
	for _, id := range ids {
		h.count[id]++
	}
}

func (r *Report) note(h *holeCount, pool *symtypes.Pool) {
	for id, n := range h.count {
		name := pool.Name(id)
		r.Holes[name] = max(r.Holes[name], n)
	}
}

// hashed returns exports of a corpus as rows of a table. An export that reaches
// a hole has no CRC. Modules, types and namespaces are not told.
func (r *Report) hashed(c *symtypes.Corpus, exports []symtypes.ID, holes *holeCount) []symvers.Export {
	rows := make([]symvers.Export, len(exports))
	order, files := byFile(c, exports)
	inParallel(len(order), func() func(int) {
		h, s := symtypes.NewHasher(c.Pool), c.NewScope()
		return func(i int) {
			i = order[i]
			if files[i] != s.File() {
				s.Enter(files[i])
			}
			rows[i] = r.rowOf(h, s, exports[i], c.Pool, holes)
		}
	})
	return rows
}

func (r *Report) rowOf(h *symtypes.Hasher, s *symtypes.Scope, export symtypes.ID, pool *symtypes.Pool, holes *holeCount) symvers.Export {
	row := symvers.Export{Symbol: pool.Name(export)}
	if !r.done.exhausted() {
		crc, ok := r.done.crc(h, s, export)
		row.CRC, row.HasCRC = symvers.CRC(crc), ok
		holes.add(h.Holes)
	}
	return row
}

// byFile returns the first file of each export, and the exports in the order of
// these.
func byFile(c *symtypes.Corpus, exports []symtypes.ID) (order, files []int) {
	order, files = make([]int, len(exports)), make([]int, len(exports))
	for i, id := range exports {
		order[i], files[i] = i, c.FilesOf(id)[0]
	}
	slices.SortStableFunc(order, func(a, b int) int { return files[a] - files[b] })
	return order, files
}
