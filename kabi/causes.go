package kabi

import (
	"cmp"
	"container/heap"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"

	"modkeep/symtypes"
)

// What is done at most for one comparison: bytes hashed, steps of walks and
// causes kept, of them so many for each export and in all. The 9,311 exports of a
// Debian kernel's core take 0.5 GB, 43 million steps and 60,000 causes; text made
// to reach everything from everywhere would take days.
const (
	hashedFree, hashedEach, maxHashed = 32 << 20, 40 << 10, 3 << 29
	walkedFree, walkedEach, maxWalked = 4 << 20, 5 << 10, 1 << 27
	maxKept                           = 1 << 20
	walkedLayouts                     = 1 << 30 // BTF has what forward declarations hide
)

// work is what was done so far, and what may be.
type work struct {
	hashed, walked, kept atomic.Int64
	mayHash, mayWalk     int64
}

// allow sets what may be done by how many exports the sides have.
func (w *work) allow(old, new Side) {
	exports := 0
	for _, s := range []Side{old, new} {
		n := 0
		if s.Table != nil {
			n = s.Table.Len()
		}
		if s.Types != nil {
			n = max(n, len(s.Types.Exports()))
		}
		exports += n
	}
	w.mayHash = min(hashedFree+int64(exports)*hashedEach, maxHashed)
	w.mayWalk = min(walkedFree+int64(exports)*walkedEach, maxWalked)
}

// exhausted reports whether all was done that may be.
func (w *work) exhausted() bool {
	return w.hashed.Load() > w.mayHash || w.walked.Load() > w.mayWalk || w.kept.Load() > maxKept
}

// crc is the hasher's for an export, counted.
func (w *work) crc(h *symtypes.Hasher, s *symtypes.Scope, export symtypes.ID) (uint32, bool) {
	before := h.Bytes
	crc, ok := h.CRC(s, export)
	w.hashed.Add(h.Bytes - before)
	return crc, ok
}

// inParallel calls do for 0 to n-1 on some goroutines, each with its own do. A
// panic there is one here.
func inParallel(n int, worker func() func(int)) {
	const chunk = 16 // neighbours are of one file
	workers := min(runtime.GOMAXPROCS(0), (n+chunk-1)/chunk)
	var next atomic.Int64
	panics := make(chan any, workers)
	for range workers {
		go func() {
			defer func() { panics <- recover() }()
			do := worker()
			for from := int(next.Add(chunk)) - chunk; from < n; from = int(next.Add(chunk)) - chunk {
				for i := from; i < min(from+chunk, n); i++ {
					do(i)
				}
			}
		}()
	}
	var failed any
	for range workers {
		if p := <-panics; p != nil {
			failed = p
		}
	}
	if failed != nil {
		panic(failed)
	}
}

// finding is what is learnt of one changed export.
type finding struct {
	export   symtypes.ID
	oldFile  int
	newFile  int
	seenFile int  // of the guide; -1: none
	sight    int  // file of the sights, where there is no guide
	novel    bool // it sees what the sights do not have
	known    bool // both sides have a record of it
	causes   []changedType
	proved   bool
	unproved string
}

// changedType is a cause as one export sees it.
type changedType struct {
	id       symtypes.ID
	old, new symtypes.Record
	depth    int32
}

// explain finds and proves the causes of the changed exports.
func (r *Report) explain(old, new Side) {
	if len(r.Changed) == 0 {
		return
	}
	if (old.Types == nil || new.Types == nil) && old.Layouts != nil && new.Layouts != nil {
		r.byLayouts(&old, &new)
	}
	if old.Types == nil || new.Types == nil {
		for i := range r.Changed {
			r.Changed[i].Unproved = "no types of both kernels"
		}
		r.Clusters = clusters(r.Changed, old.Table)
		return
	}
	r.Source = sourceOf(&old)
	found := r.find(old, new)
	r.Causes = collect(r, found, old.Types.Pool)
	r.describe(found, old, new)
}

func sourceOf(old *Side) Source {
	switch {
	case !old.unhashed:
		return Symtypes
	case old.guided:
		return Guided
	}
	return Layout
}

// find looks at each changed export, file by file.
func (r *Report) find(old, new Side) []finding {
	found := make([]finding, len(r.Changed))
	if r.found != nil {
		for i := range r.Changed {
			id, _ := old.Types.Pool.ID(r.Changed[i].Symbol())
			found[i] = r.found[id]
		}
		r.found = nil
		return found
	}
	order := make([]int, len(found))
	choose := newProver(old, new, &r.done)
	for i := range r.Changed {
		order[i] = i
		found[i] = choose.place(&r.Changed[i])
	}
	if choose.view != nil {
		choose.view.of.declare(choose, found)
		r.correct(choose, found)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(found[a].oldFile-found[b].oldFile, found[a].newFile-found[b].newFile, found[a].sight-found[b].sight)
	})
	inParallel(len(order), func() func(int) {
		p := newProver(old, new, &r.done)
		return func(i int) { p.prove(&r.Changed[order[i]], &found[order[i]]) }
	})
	return found
}

// prover hashes and walks for one goroutine.
type prover struct {
	pool             *symtypes.Pool
	old, new         *symtypes.Corpus
	oldScope         *symtypes.Scope
	newScope         *symtypes.Scope
	computed         bool // the old side's CRCs are those of its types
	unhashed         bool // the types are not what CRCs are of
	guide            *guide
	view             *view // nil: all is complete
	oldWalk, newWalk *symtypes.Walker
	hasher           *symtypes.Hasher
	way              *symtypes.Walker // of the last walk
	applied          []changedType    // to oldScope
	found            []changedType    // by causes last, kept for its room
	done             *work
}

func newProver(old, new Side, done *work) *prover {
	pool := old.Types.Pool
	p := &prover{
		pool: pool, done: done, old: old.Types, new: new.Types,
		oldScope: old.Types.NewScope(), newScope: new.Types.NewScope(), computed: old.computed, unhashed: old.unhashed,
		oldWalk: symtypes.NewWalker(pool), newWalk: symtypes.NewWalker(pool), hasher: symtypes.NewHasher(pool),
	}
	if p.unhashed {
		p.guide = newGuide(old, new)
	}
	if old.sightings != nil {
		p.view = old.sightings.newView()
		p.oldWalk.Hidden, p.newWalk.Hidden = p.view.hidden, p.view.hidden
	}
	return p
}

// place finds the files that have a changed export: of several the one whose
// record gives the table's CRC, else one of the same path, else the first.
func (p *prover) place(c *Change) finding {
	f := finding{oldFile: -1, newFile: -1, seenFile: -1}
	id, ok := p.pool.ID(c.Old.Symbol)
	if !ok {
		return f
	}
	f.export = id
	olds, news := p.old.FilesOf(id), p.new.FilesOf(id)
	f.known, f.seenFile = len(olds) > 0 && len(news) > 0, p.guided(c, id)
	if p.view != nil {
		f.sight = p.view.of.file(c.Symbol())
	}
	switch {
	case f.known:
	case f.seenFile >= 0: // a variable: layouts have functions
		f.known, f.oldFile, f.newFile = true, 0, 0
		return f
	default:
		return f
	}
	f.oldFile = p.right(p.old, p.oldScope, olds, id, uint32(c.Old.CRC))
	f.newFile = p.right(p.new, p.newScope, news, id, uint32(c.New.CRC))
	return f
}

func (p *prover) right(c *symtypes.Corpus, s *symtypes.Scope, files []int, id symtypes.ID, crc uint32) int {
	if len(files) > 1 {
		for _, file := range files {
			s.Enter(file)
			if got, ok := p.done.crc(p.hasher, s, id); ok && got == crc {
				return file
			}
		}
	}
	return files[0]
}

// enter makes the scopes and the view those of an export.
func (p *prover) enter(f *finding) {
	p.enterFiles(f)
	if p.view != nil {
		p.view.enter(f.sight, f.novel)
	}
}

func (p *prover) enterFiles(f *finding) {
	if p.oldScope.File() != f.oldFile {
		p.oldScope.Enter(f.oldFile)
	}
	if p.newScope.File() != f.newFile {
		p.newScope.Enter(f.newFile)
	}
}

// prove finds the causes of a changed export and hashes it with them.
func (p *prover) prove(c *Change, f *finding) {
	if !f.known {
		f.unproved = "no types of the export on both sides"
		return
	}
	if p.done.exhausted() {
		f.unproved = "too much text to hash"
		return
	}
	p.look(f)
	if len(f.causes) == 0 {
		f.unproved = "its types are equal on both sides"
		return
	}
	if p.unhashed {
		f.unproved = notHashed
		return
	}
	if !p.computed {
		before, ok := p.done.crc(p.hasher, p.oldScope, f.export)
		if f.unproved = p.verdict("old", before, uint32(c.Old.CRC), ok); f.unproved != "" {
			return
		}
	}
	p.apply(f.causes)
	after, ok := p.done.crc(p.hasher, p.oldScope, f.export)
	p.undo()
	f.unproved = p.verdict("new", after, uint32(c.New.CRC), ok)
	f.proved = f.unproved == ""
}

// look finds the causes. There must be one: where what the file sees has none, it
// sees what the sights do not have, or is one of which they know nothing.
func (p *prover) look(f *finding) {
	p.enter(f)
	if f.seenFile >= 0 {
		f.causes = p.seenCauses(f)
		return
	}
	f.causes = p.causes(f.export)
	if p.view == nil {
		return
	}
	for _, sight := range []int{f.sight, otherFile} {
		if len(f.causes) > 0 {
			return
		}
		f.sight, f.novel = sight, true
		p.enter(f)
		f.causes = p.causes(f.export)
	}
}

// notHashed is why what layouts tell is not proved.
const notHashed = "BTF and DWARF do not have the text that CRCs are of"

func (p *prover) verdict(side string, got, want uint32, ok bool) string {
	switch {
	case !ok:
		return "no record of " + p.pool.Name(p.hasher.Holes[0])
	case got != want:
		return fmt.Sprintf("the %s side's types are of another build: they hash to 0x%08x", side, got)
	}
	return ""
}

// reach is a walker's, counted.
func (p *prover) reach(w *symtypes.Walker, s *symtypes.Scope, export symtypes.ID) []symtypes.ID {
	before := w.Steps
	list := w.Reach(s, export)
	p.done.walked.Add(w.Steps - before)
	return list
}

// causes returns the types that the export reaches on both sides and that
// differ. It leaves both walks as those of the export.
func (p *prover) causes(export symtypes.ID) []changedType {
	p.reach(p.oldWalk, p.oldScope, export)
	list := p.found[:0]
	for _, id := range p.reach(p.newWalk, p.newScope, export) {
		if !p.oldWalk.Reached(id) || p.view != nil && p.view.hidden(id) {
			continue
		}
		if old, new := p.oldScope.Record(id), p.newScope.Record(id); old != new {
			list = append(list, changedType{id, old, new, int32(p.newWalk.Depth(id))})
		}
	}
	p.done.kept.Add(int64(len(list)))
	p.found = list
	return slices.Clone(list)
}

// apply puts the causes, and what they bring in, into the old side's scope.
func (p *prover) apply(causes []changedType) {
	for _, c := range causes {
		p.replace(c.id, c.new)
	}
	for _, id := range p.newWalk.All() {
		if !p.oldWalk.Reached(id) && p.oldScope.Record(id) != p.newScope.Record(id) {
			p.replace(id, p.newScope.Record(id))
		}
	}
}

func (p *prover) replace(id symtypes.ID, rec symtypes.Record) {
	p.applied = append(p.applied, changedType{id: id, old: p.oldScope.Replace(id, rec), new: rec})
}

func (p *prover) undo() {
	for _, c := range slices.Backward(p.applied) {
		p.oldScope.Replace(c.id, c.old)
	}
	p.applied = p.applied[:0]
}

// collect makes the causes of the findings, ranked, and numbers them in the
// changes.
func collect(r *Report, found []finding, pool *symtypes.Pool) []Cause {
	number := make(map[symtypes.ID]int)
	var causes []Cause
	var symbols [][]int // by cause: changed exports
	for i := range found {
		f := &found[i]
		r.Changed[i].Proved, r.Changed[i].Unproved = f.proved, f.unproved
		if len(f.causes) > 0 {
			r.Explained++
		}
		if f.proved {
			r.Proved++
		}
		for _, c := range f.causes {
			n, ok := number[c.id]
			if !ok {
				n = len(causes)
				number[c.id] = n
				causes = append(causes, Cause{Type: pool.Title(c.id), Own: pool.Kind(c.id) == symtypes.Export, id: c.id})
				symbols = append(symbols, nil)
			}
			symbols[n] = append(symbols[n], i)
			causes[n].add(f)
		}
	}
	gains := cover(causes, symbols, found, number)
	order := rank(causes, gains)
	ranked := make([]Cause, len(causes))
	place := make([]int, len(causes))
	for at, n := range order {
		ranked[at], place[n] = causes[n], at
	}
	for i := range found {
		for _, c := range found[i].causes {
			r.Changed[i].Causes = append(r.Changed[i].Causes, place[number[c.id]])
		}
		slices.Sort(r.Changed[i].Causes)
	}
	return ranked
}

func (c *Cause) add(f *finding) {
	c.Symbols++
	if len(f.causes) == 1 {
		c.Sole++
	}
	if f.proved {
		c.Proved++
	}
}

// rank orders the causes: the cover as it was found, then by their counts.
func rank(causes []Cause, gains []int) []int {
	order := slices.Clone(gains)
	var rest []int
	for n := range causes {
		if causes[n].Gain == 0 {
			rest = append(rest, n)
		}
	}
	slices.SortFunc(rest, func(a, b int) int {
		return cmp.Or(causes[b].Symbols-causes[a].Symbols, cmp.Compare(causes[a].Type, causes[b].Type), int(causes[a].id-causes[b].id))
	})
	return append(order, rest...)
}

// cover finds a small set of causes of which every explained export has one:
// always the cause of most exports that none has yet. It sets their Gain and
// returns them in that order.
func cover(causes []Cause, symbols [][]int, found []finding, number map[symtypes.ID]int) []int {
	left := make([]int, len(causes))
	queue := &gainQueue{causes: causes}
	for n := range causes {
		left[n] = len(symbols[n])
		queue.items = append(queue.items, gain{n, left[n]})
	}
	heap.Init(queue)
	done := make([]bool, len(found))
	var chosen []int
	for queue.Len() > 0 {
		top := heap.Pop(queue).(gain)
		if top.gain > left[top.cause] {
			if left[top.cause] > 0 {
				heap.Push(queue, gain{top.cause, left[top.cause]})
			}
			continue
		}
		causes[top.cause].Gain = top.gain
		chosen = append(chosen, top.cause)
		for _, i := range symbols[top.cause] {
			if done[i] {
				continue
			}
			done[i] = true
			for _, c := range found[i].causes {
				left[number[c.id]]--
			}
		}
	}
	return chosen
}

type gain struct{ cause, gain int }

// gainQueue is a heap, the greatest gain first, then by the type's name.
type gainQueue struct {
	causes []Cause
	items  []gain
}

func (q *gainQueue) Len() int { return len(q.items) }
func (q *gainQueue) Less(i, j int) bool {
	a, b := q.items[i], q.items[j]
	if a.gain != b.gain {
		return a.gain > b.gain
	}
	return cmp.Or(cmp.Compare(q.causes[a.cause].Type, q.causes[b.cause].Type), int(q.causes[a.cause].id-q.causes[b.cause].id)) < 0
}
func (q *gainQueue) Swap(i, j int) { q.items[i], q.items[j] = q.items[j], q.items[i] }
func (q *gainQueue) Push(x any)    { q.items = append(q.items, x.(gain)) }
func (q *gainQueue) Pop() any {
	last := q.items[len(q.items)-1]
	q.items = q.items[:len(q.items)-1]
	return last
}
