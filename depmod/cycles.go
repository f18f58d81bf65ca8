package depmod

// maxSteps bounds the search for circles: kmod's own does not end where a
// circle hangs below another.
const maxSteps = 1 << 20

// step is one module on a path from a root of the search.
type step struct {
	module int32
	parent *step
}

// cycles names the circles as depmod does: from each module that the
// topological sort left over, it follows the dependencies, the last one first,
// and reports when it is back. users are the counts left by sort.
func (g *Graph) cycles(users []int32) *CycleError {
	e := &CycleError{}
	var roots []int32
	for i, n := range users {
		if n > 0 {
			roots = append(roots, int32(i))
		}
	}
	drop := map[int32]bool{}
	in := map[int32]bool{}
	visited := make([]bool, len(g.Files))
	budget := maxSteps
	for _, root := range roots {
		if !drop[root] {
			g.cyclesFrom(root, e, visited, drop, in, &budget)
		}
	}
	e.Modules = len(in)
	return e
}

func (g *Graph) cyclesFrom(root int32, e *CycleError, visited []bool, drop, in map[int32]bool, budget *int) {
	stack := []*step{{module: root}}
	for len(stack) > 0 && *budget > 0 {
		*budget--
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if at.module == root && visited[root] {
			e.Cycles = append(e.Cycles, g.path(at, drop, in))
			continue
		}
		visited[at.module] = true
		if len(g.deps[at.module]) == 0 {
			drop[at.module] = true
			continue
		}
		for _, d := range g.deps[at.module] {
			// kmod would go round a circle that does not hold the root for
			// ever; a module already on this path is not entered again.
			if d == root || !at.holds(d) {
				stack = append(stack, &step{d, at})
			}
		}
	}
}

func (s *step) holds(m int32) bool {
	for ; s != nil; s = s.parent {
		if s.module == m {
			return true
		}
	}
	return false
}

// path names the modules from the root to s, and takes those before s off the
// list of roots.
func (g *Graph) path(s *step, drop, in map[int32]bool) []string {
	names := []string{g.Files[s.module].Name}
	for p := s.parent; p != nil; p = p.parent {
		names = append(names, g.Files[p.module].Name)
		drop[p.module], in[p.module] = true, true
	}
	for i, j := 0, len(names)-1; i < j; i, j = i+1, j-1 {
		names[i], names[j] = names[j], names[i]
	}
	return names
}
