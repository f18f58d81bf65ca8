package kerneltest

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Selection says which attempts to make for a kernel.
type Selection struct {
	Kernel Kernel
	// Budget is the number of attempts.
	Budget int
	// Seed picks the modules; the same seed and cache give the same attempts.
	Seed uint64
	// Dir is where mutants and decompressed modules are written.
	Dir string
}

// mutantPercent is how many of a selection's attempts may be mutants: enough
// for every rule, and less than half of what is tried.
const mutantPercent = 55

// Attempts selects load attempts for a kernel: third-party modules built for
// it and for its neighbours in the cache, in-tree modules of it and of them,
// all unchanged, and mutants that go round all rules. Each has the modules it
// needs, as far as the kernel has them, as dependencies in load order.
//
// Unchanged modules whose init is known to be dangerous are left out.
func (c Cache) Attempts(sel Selection) ([]Attempt, error) {
	kernels, err := c.Kernels()
	if err != nil {
		return nil, err
	}
	s := &selector{Selection: sel, cache: c, rand: rand.New(rand.NewPCG(sel.Seed, hash(sel.Kernel.Release)))}
	if s.tree, err = readTree(sel.Kernel.Modules()); err != nil {
		return nil, err
	}
	config, err := os.ReadFile(sel.Kernel.Config())
	if err != nil {
		return nil, err
	}
	s.decompresses = bytes.Contains(config, []byte("\nCONFIG_MODULE_DECOMPRESS=y"))
	mutants := sel.Budget * mutantPercent / 100
	if err := s.unchanged(kernels, sel.Budget-mutants); err != nil {
		return nil, err
	}
	if err := s.mutants(mutants); err != nil {
		return nil, err
	}
	s.rand.Shuffle(len(s.attempts), func(i, j int) { s.attempts[i], s.attempts[j] = s.attempts[j], s.attempts[i] })
	return s.attempts, nil
}

func hash(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64()
}

// selector is one call of Attempts.
type selector struct {
	Selection
	cache        Cache
	rand         *rand.Rand
	tree         *tree
	decompresses bool // the kernel decompresses modules
	attempts     []Attempt
}

// source is a set of unchanged modules to draw from.
type source struct {
	label string // first part of the attempts' IDs
	files []string
	// packages, for third-party modules, are searched for dependencies first.
	packages bool
	share    int // how many are drawn at a turn
}

// unchanged selects n modules: up to a third of them third-party, half of the
// others this kernel's own.
func (s *selector) unchanged(kernels []Kernel, n int) error {
	built, err := s.cache.ThirdParty(s.Kernel.Release)
	if err != nil {
		return err
	}
	own := []source{{"third-party/" + s.Kernel.Release, built, true, 1}}
	var others, neighbours []source
	for _, k := range kernels {
		if k.Arch != s.Kernel.Arch || k.Release == s.Kernel.Release {
			continue
		}
		built, err := s.cache.ThirdParty(k.Release)
		if err != nil {
			return err
		}
		files, err := ModuleFiles(filepath.Join(k.Modules(), "kernel"))
		if err != nil {
			return err
		}
		share := nearness(s.Kernel, k)
		others = append(others, source{"third-party/" + k.Release, built, true, share})
		neighbours = append(neighbours, source{"in-tree/" + k.Release, files, false, share})
	}
	took, err := s.draw(own, n/6)
	if err != nil {
		return err
	}
	more, err := s.draw(others, n/6)
	if err != nil {
		return err
	}
	rest := n - took - more
	if took, err = s.draw([]source{{"in-tree/" + s.Kernel.Release, s.tree.files, false, 1}}, rest/2); err != nil {
		return err
	}
	_, err = s.draw(neighbours, rest-took)
	return err
}

// nearness weighs a neighbour: the closer the kernels, the less the answer to
// its modules is the same for all of them.
func nearness(a, b Kernel) int {
	major := func(k Kernel) string { m, _, _ := strings.Cut(k.Series, "."); return m }
	switch {
	case a.Series == b.Series && a.Flavour == b.Flavour:
		return 4
	case a.Series == b.Series:
		return 2
	case major(a) == major(b) && major(a) != "6":
		return 3
	}
	return 1
}

// draw takes n attempts from the sources in turn and returns how many there were.
func (s *selector) draw(from []source, n int) (int, error) {
	took := 0
	var left [][]string
	for _, f := range from {
		files := slices.Clone(f.files)
		s.rand.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
		left = append(left, files)
	}
	for progress := true; progress && took < n; {
		progress = false
		for i, f := range from {
			turn := min(f.share, len(left[i]), n-took)
			for _, path := range left[i][:turn] {
				progress = true
				ok, err := s.addUnchanged(f, path)
				if err != nil {
					return took, err
				}
				if ok {
					took++
				}
			}
			left[i] = left[i][turn:]
		}
	}
	return took, nil
}

// addUnchanged adds an attempt for a module as it is.
func (s *selector) addUnchanged(from source, path string) (bool, error) {
	if danger(moduleName(path)) != "" {
		return false, nil
	}
	a := Attempt{ID: from.label + "/" + filepath.Base(path), Module: path}
	if from.packages {
		a.ID = from.label + "/" + filepath.Base(filepath.Dir(path)) + "/" + filepath.Base(path)
	}
	content, err := s.tree.read(path)
	if err != nil {
		return false, err
	}
	var beside *tree
	if from.packages {
		if beside, err = readTree(filepath.Dir(filepath.Dir(path))); err != nil {
			return false, err
		}
	}
	if a.Deps, err = s.closure(path, beside); err != nil {
		return false, err
	}
	if !strings.HasSuffix(path, ".ko") {
		if s.decompresses {
			a.Flags = 4
		} else if a.Module, err = s.write(filepath.Join("plain", from.label), path, content); err != nil {
			return false, err
		}
	}
	s.attempts = append(s.attempts, a)
	return true, nil
}

// write puts a file into the selection's directory, under the module's name.
func (s *selector) write(dir, path string, content []byte) (string, error) {
	dir = filepath.Join(s.Dir, dir)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	name, _, _ := strings.Cut(filepath.Base(path), ".ko")
	out := filepath.Join(dir, name+".ko")
	return out, os.WriteFile(out, content, 0o666)
}

// mutants goes round all mutants that make sense on the kernel until there are
// n attempts, each time with another base module.
func (s *selector) mutants(n int) error {
	var list []Mutant
	for _, m := range Mutants() {
		if (m.Arch == "" || m.Arch == s.Kernel.Arch) && (m.From == "" || CompareVersions(s.Kernel.Series, m.From) >= 0) {
			list = append(list, m)
		}
	}
	list = byRule(list)
	bases, err := s.bases()
	if err != nil {
		return err
	}
	pools := make([][]base, len(list))
	for i, m := range list {
		pools[i] = slices.Clone(bases)
		r := rand.New(rand.NewPCG(s.Seed, hash(s.Kernel.Release+m.Name)))
		r.Shuffle(len(bases), func(a, b int) { pools[i][a], pools[i][b] = pools[i][b], pools[i][a] })
	}
	var blacklist []string
	for took, round := 0, 0; took < n; round++ {
		before := took
		for i, m := range list {
			if took == n {
				break
			}
			ok, err := s.addMutant(m, &pools[i], round)
			if err != nil {
				return err
			}
			if ok {
				took++
				if m.Rule == "blacklist" {
					blacklist = append(blacklist, moduleName(s.attempts[len(s.attempts)-1].Module))
				}
			}
		}
		if took == before {
			break
		}
	}
	for i := range s.attempts { // one boot for all of them
		if s.attempts[i].Rule == "blacklist" {
			s.attempts[i].Cmdline = "module_blacklist=modkeep_other," + strings.Join(blacklist, ",")
		}
	}
	return nil
}

// byRule orders mutants so that the first of each rule come before the second
// of any: a small budget then still touches every rule.
func byRule(list []Mutant) []Mutant {
	place := map[string]int{} // mutants of the rule so far
	order := map[string]int{} // name → its place within the rule
	for _, m := range list {
		order[m.Name] = place[m.Rule]
		place[m.Rule]++
	}
	slices.SortStableFunc(list, func(a, b Mutant) int { return order[a.Name] - order[b.Name] })
	return list
}

// base is a module to make mutants from.
type base struct {
	path    string
	content []byte
	deps    []string
}

// Bounds of the modules that mutants are made from: bytes, how much has to be
// loaded before them, and how many in-tree ones there are.
const (
	largestBase = 600 << 10
	mostDeps    = 4
	mostBases   = 300
)

// bases picks the modules to make mutants from: all third-party ones of the
// kernel and a sample of its own.
func (s *selector) bases() ([]base, error) {
	built, err := s.cache.ThirdParty(s.Kernel.Release)
	if err != nil {
		return nil, err
	}
	files := slices.Clone(s.tree.files)
	s.rand.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	var list []base
	for _, path := range append(built, files...) {
		if len(list) == mostBases+len(built) {
			break
		}
		if danger(moduleName(path)) != "" || !small(path) {
			continue
		}
		b := base{path: path}
		if b.content, err = s.tree.read(path); err != nil {
			return nil, err
		}
		if b.deps, err = s.closure(path, s.beside(path)); err != nil {
			return nil, err
		}
		if len(b.content) <= largestBase && len(b.deps) <= mostDeps {
			list = append(list, b)
		}
	}
	return list, nil
}

// small reports whether a file can be a base; packed ones are a fifth.
func small(path string) bool {
	info, err := os.Stat(path)
	limit := int64(largestBase)
	if !strings.HasSuffix(path, ".ko") {
		limit /= 5
	}
	return err == nil && info.Size() <= limit
}

// addMutant makes a mutant from the first module of the pool that allows it,
// and takes that module and those before it from the pool.
func (s *selector) addMutant(m Mutant, pool *[]base, round int) (bool, error) {
	for len(*pool) > 0 {
		b := (*pool)[0]
		*pool = (*pool)[1:]
		content, err := m.Apply(b.content)
		if errors.Is(err, errNotApplicable) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("mutant %s of %s: %w", m.Name, b.path, err)
		}
		a := Attempt{ID: "mutant/" + m.Name + "/" + filepath.Base(b.path), Deps: slices.Clone(b.deps), Rule: m.Rule}
		if m.WithOriginal {
			a.Deps = append(a.Deps, b.path)
		}
		if a.Module, err = s.write(filepath.Join(m.Name, fmt.Sprint(round)), b.path, content); err != nil {
			return false, err
		}
		if m.Vary != nil {
			m.Vary(&a)
		}
		s.attempts = append(s.attempts, a)
		return true, nil
	}
	return false, nil
}

// beside is the tree of the other third-party modules, for one of them.
func (s *selector) beside(path string) *tree {
	if !strings.HasPrefix(path, s.cache.Join("modules")+"/") {
		return nil
	}
	t, err := readTree(filepath.Dir(filepath.Dir(path)))
	if err != nil {
		return nil
	}
	return t
}

// closure lists what has to be loaded before a module, providers first, as its
// depends= names it, recursively. beside, if not nil, is looked at before the
// kernel's own tree. What neither has is left out: the kernel will say so.
func (s *selector) closure(path string, beside *tree) ([]string, error) {
	var order []string
	state := map[string]bool{moduleName(path): true}
	var visit func(path string) error
	visit = func(path string) error {
		names, err := s.tree.depends(path)
		if err != nil {
			return err
		}
		for _, name := range names {
			if state[name] {
				continue
			}
			state[name] = true
			file, ok := "", false
			if beside != nil {
				file, ok = beside.byName[name]
			}
			if !ok {
				file, ok = s.tree.byName[name]
			}
			if !ok || danger(name) != "" && name != "raid6_pq" {
				continue
			}
			if err := visit(file); err != nil {
				return err
			}
			order = append(order, file)
		}
		return nil
	}
	err := visit(path)
	return order, err
}

// tree is a directory of modules.
type tree struct {
	files  []string
	byName map[string]string
	cached map[string][]string // path → depends
}

func readTree(dir string) (*tree, error) {
	if kernel := filepath.Join(dir, "kernel"); isDir(kernel) {
		dir = kernel
	}
	files, err := ModuleFiles(dir)
	if err != nil {
		return nil, err
	}
	t := &tree{files: files, byName: map[string]string{}, cached: map[string][]string{}}
	for _, f := range files {
		t.byName[moduleName(f)] = f
	}
	return t, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// read reads a module and decompresses it.
func (t *tree) read(path string) ([]byte, error) {
	packed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Decompress(packed)
}

// depends is the list of names that a module's depends= has.
func (t *tree) depends(path string) ([]string, error) {
	if names, ok := t.cached[path]; ok {
		return names, nil
	}
	content, err := t.read(path)
	if err != nil {
		return nil, err
	}
	m, err := readImage(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	value, _ := m.modinfoValue("depends")
	var names []string
	for name := range strings.SplitSeq(value, ",") {
		if name != "" {
			names = append(names, strings.ReplaceAll(name, "-", "_"))
		}
	}
	t.cached[path] = names
	return names, nil
}
