package kabi

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"modkeep/symtypes"
)

// grower holds what the sights say against by how much texts grew.
type grower struct {
	p       *prover
	found   []finding
	grown   map[int]int         // by change
	files   map[int][]int       // of the sights: the changes of which that is known
	order   []int               // the files, sorted
	more    map[symtypes.ID]int // what a type's text grew more than its layout tells
	bounds  map[symtypes.ID][2]int
	length  map[symtypes.Record]int
	present map[symtypes.ID]int // files that have a type among their causes
	set     []symtypes.ID       // the causes of the export walked last
}

// correct finds the types that files do not see though the sights say so: the
// fewest and likeliest without which the texts of a file's exports grow by as
// much as they did.
func (r *Report) correct(p *prover, found []finding) {
	g := &grower{p: p, found: found, grown: r.growth(p, found), files: make(map[int][]int),
		more: make(map[symtypes.ID]int), bounds: make(map[symtypes.ID][2]int),
		length: make(map[symtypes.Record]int), present: make(map[symtypes.ID]int)}
	for _, i := range slices.Sorted(maps.Keys(g.grown)) {
		if file, ok := p.view.of.of[r.Changed[i].Symbol()]; ok {
			g.files[file] = append(g.files[file], i)
		}
	}
	g.order = slices.Sorted(maps.Keys(g.files))
	g.learn(nil)
	g.learn(g.popular())
	answers := make(map[int][]answer)
	for _, file := range g.order {
		answers[file] = g.answers(file)
	}
	g.choose(answers)
	g.flip(commonFile, nil)
}

// flip sets what a file does not see though the sights say so.
func (g *grower) flip(file int, hidden []symtypes.ID) {
	g.p.view.of.hidden[file] = hidden
	g.p.view.file = noFile
}

// off returns by how much more an export's text grew than what its file is
// thought to see gives, and leaves the causes in g.set.
func (g *grower) off(i int) int {
	p, f := g.p, &g.found[i]
	p.enter(f)
	d := -g.size(p.reach(p.oldWalk, p.oldScope, f.export), p.oldScope)
	list := p.reach(p.newWalk, p.newScope, f.export)
	d += g.size(list, p.newScope)
	g.set = g.set[:0]
	for _, id := range list {
		if p.oldWalk.Reached(id) && p.oldScope.Record(id) != p.newScope.Record(id) && !p.view.hidden(id) {
			g.set = append(g.set, id)
			d += g.more[id]
		}
	}
	return g.grown[i] - d
}

// size is how long the text of what an export reaches is, but for a constant.
func (g *grower) size(list []symtypes.ID, s *symtypes.Scope) int {
	n := 0
	for _, id := range list {
		r := s.Record(id)
		if r == symtypes.None || g.p.view.hidden(id) {
			n += len("{ UNKNOWN } ")
			continue
		}
		if _, ok := g.length[r]; !ok {
			g.length[r] = len(g.p.pool.Plain(r))
		}
		n += g.length[r] - len(g.p.pool.Title(id))
	}
	return n
}

// without is off where the file does not see some types either.
func (g *grower) without(i int, hidden []symtypes.ID) int {
	v := g.p.view
	v.enter(g.found[i].sight, false)
	was := make([]bool, len(hidden))
	for n, id := range hidden {
		was[n], v.visible[id] = v.visible[id], false
	}
	off := g.off(i)
	for n, id := range hidden {
		v.visible[id] = was[n]
	}
	return off
}

// sample is an export of which it is known by how much it grew.
type sample struct {
	file   int
	causes []symtypes.ID
	offs   []int // with all causes, and without those that are popular
}

// samples are those of all files, the alike of one file once.
func (g *grower) samples(popular [][]symtypes.ID) []sample {
	clear(g.more)
	clear(g.present)
	var list []sample
	for _, file := range g.order {
		first := len(list)
		for _, i := range g.files[file] {
			if g.p.done.exhausted() {
				return list
			}
			off := g.off(i)
			if len(g.set) > maxCauses || slices.ContainsFunc(list[first:], func(s sample) bool { return s.offs[0] == off && slices.Equal(s.causes, g.set) }) {
				continue
			}
			s := sample{file, slices.Clone(g.set), []int{off}}
			for _, id := range s.causes {
				g.bounds[id] = g.bound(id)
			}
			for _, hidden := range popular {
				if !slices.ContainsFunc(hidden, func(id symtypes.ID) bool { return !slices.Contains(s.causes, id) }) {
					s.offs = append(s.offs, g.without(i, hidden))
				}
			}
			list = append(list, s)
		}
		told := make(map[symtypes.ID]bool)
		for _, s := range list[first:] {
			for _, id := range s.causes {
				told[id] = true
			}
		}
		for id := range told {
			g.present[id]++
		}
	}
	return list
}

// learn finds what the texts of types grew that layouts do not spell as the
// sources do: what explains most exports that have no other such type. Popular
// are causes that many files do not see though the sights say so.
func (g *grower) learn(popular [][]symtypes.ID) {
	samples := g.samples(popular)
	for range maxLearned {
		votes := make(map[symtypes.ID]map[int]int)
		total := make(map[symtypes.ID]int)
		for _, s := range samples {
			id, known, ok := g.open(s.causes)
			if !ok {
				continue
			}
			for n, off := range s.offs {
				if off -= known; off < g.bounds[id][0] || off > g.bounds[id][1] || slices.Contains(s.offs[:n], off+known) {
					continue
				}
				if votes[id] == nil {
					votes[id] = make(map[int]int)
				}
				votes[id][off]++
				total[id]++
			}
		}
		if len(votes) == 0 {
			return
		}
		id := slices.MaxFunc(slices.Sorted(maps.Keys(votes)), func(a, b symtypes.ID) int { return total[a] - total[b] })
		of := votes[id]
		g.more[id] = slices.MaxFunc(slices.Sorted(maps.Keys(of)), func(a, b int) int {
			return cmp.Or(of[a]-of[b], max(b, -b)-max(a, -a))
		})
	}
}

// open returns the one of some causes of which the text may have grown more than
// is known, and what is known of the others.
func (g *grower) open(causes []symtypes.ID) (id symtypes.ID, known int, ok bool) {
	for _, c := range causes {
		if more, too := g.more[c]; too {
			known += more
			continue
		}
		if b := g.bounds[c]; b[0] != b[1] {
			if ok {
				return 0, 0, false
			}
			id, ok = c, true
		}
	}
	return id, known, ok
}

// bound is how much more than its layout's the text of a cause of the export
// walked last may have grown, least and most: sources have array bounds and parameters with more words, "unsigned"
// alone, and enumerators without values.
func (g *grower) bound(id symtypes.ID) [2]int {
	if b, ok := g.bounds[id]; ok {
		return b
	}
	var b [2]int
	old, new := g.p.pool.Lines(g.p.oldScope.Record(id)), g.p.pool.Lines(g.p.newScope.Record(id))
	for _, line := range new {
		if !slices.Contains(old, line) {
			less, more := respelt(line)
			b[0], b[1] = b[0]-less, b[1]+more
		}
	}
	for _, line := range old {
		if !slices.Contains(new, line) {
			less, more := respelt(line)
			b[0], b[1] = b[0]-more, b[1]+less
		}
	}
	return b
}

// maxWords bounds what a source's words for an array's bound or for parameters
// take more than the layout's.
const maxWords = 1 << 10

// respelt is by how much a source's line may be shorter and longer than a
// layout's.
func respelt(line string) (less, more int) {
	less = len(" int") * strings.Count(line, "unsigned int")
	if strings.ContainsAny(line, "[(") {
		more = maxWords
	}
	for _, value := range strings.Split(line, " = ")[1:] {
		less += len(" = ") + len(strings.Fields(value + " 0")[0])
	}
	return less, more
}

// answer is a way to make a file's exports grow as they did.
type answer struct {
	units []symtypes.ID // each stands for those of its group that are causes
	all   []symtypes.ID
	right int // exports that grow as they did then
}

// What is looked at: causes of an export, groups of them that files see together,
// of these taken away at once, answers for a file, types whose text is learnt. How many files need the same to make it popular, and how many bits of
// doubt an answer may have.
const (
	maxCauses    = 256
	maxUnits     = 40
	maxTaken     = 4
	maxAnswers   = 64
	maxLearned   = 256
	popularFiles = 5
	maxDoubt     = 14
)

// popular returns what several files' exports grow right without.
func (g *grower) popular() [][]symtypes.ID {
	votes := make(map[symtypes.ID]int)
	var list [][]symtypes.ID
	for _, file := range g.order {
		at := slices.IndexFunc(g.files[file], func(i int) bool { return g.off(i) != 0 })
		if at < 0 {
			continue
		}
		for _, a := range g.takeAway(g.files[file][at]) {
			if len(a.units) > 1 {
				continue
			}
			if votes[a.units[0]]++; votes[a.units[0]] == popularFiles {
				list = append(list, a.all)
			}
		}
	}
	return list
}

// answers returns what more of a file's exports grow as they did without.
func (g *grower) answers(file int) []answer {
	changes := g.files[file]
	before := g.right(changes)
	if before == len(changes) || g.p.done.exhausted() {
		return nil
	}
	at := slices.IndexFunc(changes, func(i int) bool { return g.off(i) != 0 })
	var list []answer
	for _, a := range g.takeAway(changes[at]) {
		g.flip(file, a.all)
		if a.right = g.right(changes); a.right > before && len(list) < maxAnswers {
			list = append(list, a)
		}
	}
	g.flip(file, nil)
	return list
}

// right counts the exports that grow as they did.
func (g *grower) right(changes []int) int {
	n := 0
	for _, i := range changes {
		if g.off(i) == 0 {
			n++
		}
	}
	return n
}

// takeAway returns the choices of an export's causes without which it grows as it
// did. Types that the same files see are one choice.
func (g *grower) takeAway(change int) []answer {
	off := g.off(change)
	by := make(map[int32][]symtypes.ID)
	for _, id := range g.set {
		if group := g.p.view.of.group[id]; group >= 0 {
			by[group] = append(by[group], id)
		}
	}
	if len(by) > maxUnits {
		return nil
	}
	var units [][]symtypes.ID
	var gains []int
	for _, group := range slices.Sorted(maps.Keys(by)) {
		if gain := off - g.without(change, by[group]); gain != 0 {
			slices.Sort(by[group])
			units, gains = append(units, by[group]), append(gains, gain)
		}
	}
	var list []answer
	var taken []int
	var choose func(from, left int)
	choose = func(from, left int) {
		if left == 0 && len(taken) > 0 {
			var a answer
			for _, n := range taken {
				a.units, a.all = append(a.units, units[n][0]), append(a.all, units[n]...)
			}
			list = append(list, a)
		}
		for n := from; n < len(units) && len(taken) < maxTaken; n++ {
			taken = append(taken, n)
			choose(n+1, left-gains[n])
			taken = taken[:len(taken)-1]
		}
	}
	choose(0, off)
	slices.SortStableFunc(list, func(a, b answer) int { return len(a.units) - len(b.units) })
	return list
}

// choose takes of each file's answers the likeliest: that which is needed by most
// of the files that have it.
func (g *grower) choose(answers map[int][]answer) {
	taken := make(map[symtypes.ID]int)
	doubt := func(a answer) float64 {
		bits := 0.0
		for _, unit := range a.units {
			bits += math.Log2(float64(g.present[unit]+1) / (float64(taken[unit]) + 0.1))
		}
		return bits
	}
	const rounds = 4
	for round := range rounds {
		next := make(map[symtypes.ID]int)
		for _, file := range g.order {
			if len(answers[file]) == 0 {
				continue
			}
			best := slices.MinFunc(answers[file], func(a, b answer) int {
				if d := cmp.Or(b.right - a.right); d != 0 || round == 0 {
					return cmp.Or(d, len(a.units)-len(b.units))
				}
				return cmp.Compare(doubt(a), doubt(b))
			})
			for _, unit := range best.units {
				next[unit]++
			}
			if round == rounds-1 && doubt(best) < maxDoubt {
				g.flip(file, best.all)
			}
		}
		taken = next
	}
}
