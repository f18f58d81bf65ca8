package depmod

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Symbols is what depmod reads of one module.
type Symbols struct {
	Exports []string // the names it gives
	// Needs are the names it takes, in depmod's order: the undefined symbols
	// as the symbol table has them, then the entries of __versions that none
	// of those named (module_layout).
	Needs []string
}

// Reader reads the symbols of a selected file. ReadSymbols is one.
type Reader func(f *File) (Symbols, error)

// Graph holds the dependencies of a tree's selected files.
type Graph struct {
	Files    []*File   // as modules.dep lists them
	Problems []Problem // files whose symbols could not be read: without dependencies

	deps  [][]int32 // direct dependencies as places in Files, sorted by rank
	rank  []int32   // place in depmod's topological order, users before used
	place map[*File]int32
}

// CycleError says that modules depend on each other in a circle; depmod(8)
// then writes no modules.dep at all.
type CycleError struct {
	Cycles  [][]string // module names; the first stands again at the end
	Modules int        // how many modules stand in circles, as depmod counts
}

// Error gives depmod's own lines.
func (e *CycleError) Error() string {
	var b strings.Builder
	for _, c := range e.Cycles {
		fmt.Fprintf(&b, "Cycle detected: %s\n", strings.Join(c, " -> "))
	}
	fmt.Fprintf(&b, "Found %d modules in dependency cycles!", e.Modules)
	return b.String()
}

// Deps reads the symbols of all selected files and joins them: a module
// depends on the exporter of every symbol it needs, the last one in the order
// of Files where several export it. The error is a *CycleError, and the Graph
// then still holds the direct dependencies.
func (t *Tree) Deps(read Reader) (*Graph, error) {
	files, err := t.depOrder()
	g := &Graph{Files: files, place: make(map[*File]int32, len(files))}
	if err != nil {
		g.Problems = append(g.Problems, Problem{t.Dir + "/modules.order", err.Error()})
	}
	symbols := g.readAll(read)
	owner := map[string]int32{}
	for i := range symbols {
		g.place[files[i]] = int32(i)
		for _, name := range symbols[i].Exports {
			owner[name] = int32(i)
		}
	}
	users := g.join(symbols, owner)
	left := g.sort(users)
	if left != nil {
		return g, g.cycles(left)
	}
	for _, d := range g.deps {
		slices.SortFunc(d, g.byRank)
	}
	return g, nil
}

// readAll reads the files' symbols, several at once.
func (g *Graph) readAll(read Reader) []Symbols {
	symbols := make([]Symbols, len(g.Files))
	failed := make([]error, len(g.Files))
	var next atomic.Int32
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(g.Files) {
					return
				}
				symbols[i], failed[i] = read(g.Files[i])
			}
		})
	}
	wg.Wait()
	for i, err := range failed {
		if err != nil {
			g.Problems = append(g.Problems, Problem{g.Files[i].Rel, "symbols not read: " + err.Error()})
		}
	}
	return symbols
}

// join finds the direct dependencies and counts how many modules use each.
func (g *Graph) join(symbols []Symbols, owner map[string]int32) (users []int32) {
	g.deps = make([][]int32, len(g.Files))
	users = make([]int32, len(g.Files))
	seen := make([]int32, len(g.Files)) // 1 + the module that was last joined to this one
	for i := range symbols {
		for _, name := range symbols[i].Needs {
			// On ppc64 .foo is the code of foo.
			to, ok := owner[strings.TrimPrefix(name, ".")]
			if ok && seen[to] != int32(i)+1 {
				seen[to] = int32(i) + 1
				g.deps[i] = append(g.deps[i], to)
				users[to]++
			}
		}
	}
	return users
}

// sort ranks the modules, users before what they use, always going on from the
// module that became free last. It returns the users left where a circle kept
// modules from becoming free, else nil.
func (g *Graph) sort(users []int32) []int32 {
	g.rank = make([]int32, len(g.Files))
	var free []int32
	for i, n := range users {
		g.rank[i] = int32(len(users))
		if n == 0 {
			free = append(free, int32(i))
		}
	}
	ranked := int32(0)
	for len(free) > 0 {
		m := free[len(free)-1]
		free = free[:len(free)-1]
		g.rank[m] = ranked
		ranked++
		for _, d := range g.deps[m] {
			if users[d]--; users[d] == 0 {
				free = append(free, d)
			}
		}
	}
	if int(ranked) < len(g.Files) {
		return users
	}
	return nil
}

func (g *Graph) byRank(a, b int32) int { return cmp.Compare(g.rank[a], g.rank[b]) }

// Direct returns the files that a file's own symbols lead to, in the order of
// modules.dep.
func (g *Graph) Direct(f *File) []*File {
	i, ok := g.place[f]
	if !ok {
		return nil
	}
	return g.files(g.deps[i])
}

// All returns all files that must be loaded before a file, in the order of its
// modules.dep line: the last one is to be loaded first.
func (g *Graph) All(f *File) []*File {
	i, ok := g.place[f]
	if !ok {
		return nil
	}
	return g.files(g.closure(i, make([]int32, len(g.Files))))
}

func (g *Graph) files(places []int32) []*File {
	out := make([]*File, len(places))
	for i, p := range places {
		out[i] = g.Files[p]
	}
	return out
}

// closure collects what is reachable from m, sorted. mark is scratch: a place
// is taken when mark holds m+1.
func (g *Graph) closure(m int32, mark []int32) []int32 {
	var all []int32
	for todo := slices.Clone(g.deps[m]); len(todo) > 0; {
		d := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if mark[d] == m+1 {
			continue
		}
		mark[d] = m + 1
		all = append(all, d)
		todo = append(todo, g.deps[d]...)
	}
	slices.SortFunc(all, g.byRank)
	return all
}

// WriteDep writes modules.dep.
func (g *Graph) WriteDep(w io.Writer) error {
	out := bufio.NewWriter(w)
	mark := make([]int32, len(g.Files))
	for i, f := range g.Files {
		out.WriteString(f.Rel)
		out.WriteByte(':')
		for _, d := range g.closure(int32(i), mark) {
			out.WriteByte(' ')
			out.WriteString(g.Files[d].Rel)
		}
		out.WriteByte('\n')
	}
	return out.Flush()
}
