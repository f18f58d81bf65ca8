package weakupdates

import "slices"

// groups sorts the donors of a kernel into dependency groups: it numbers them
// by module name. Two modules are in one group where one takes a symbol from
// the other, or the policy ties them together.
func (r *Root) groups(donors []*Donor) map[string]int {
	r.modules(donors)
	f := make(forest, len(donors))
	for i := range f {
		f[i] = i
	}
	exporter := map[string]int{}
	for i, d := range donors {
		for _, e := range d.module.Exports() {
			exporter[e.Symbol] = i
		}
	}
	named := map[string]int{}
	for i, d := range donors {
		d.module.Imports(func(symbol string, _ bool) bool {
			if p, ok := exporter[symbol]; ok {
				f.join(i, p)
			}
			return true
		})
		if g := r.group(d); g != "" {
			if first, ok := named[g]; ok {
				f.join(i, first)
			} else {
				named[g] = i
			}
		}
	}
	part := make(map[string]int, len(donors))
	for i, d := range donors {
		part[d.Name] = f.find(i)
	}
	return part
}

// group returns the name of the policy group that a donor belongs to.
func (r *Root) group(d *Donor) string {
	if name, _ := r.Policy.Group(d.Name); name != "" {
		return "group " + name
	}
	if pkg := r.pkg(d); pkg != "" && r.Policy.For(d.Name, d.Rel, pkg).Atomic {
		return "package " + pkg
	}
	return ""
}

// pkg returns the package that owns a donor's file, where the policy asks.
func (r *Root) pkg(d *Donor) string {
	if r.options.Package == nil || !r.Policy.AsksPackages() {
		return ""
	}
	return r.options.Package(d.Path)
}

// closure returns the names that belong together with the given ones: what they
// take symbols from or give them to, in any build for any kernel, and what the
// policy ties to them.
func closure(names []string, donors []*Donor, group func(*Donor) string) map[string]bool {
	index := map[string]int{} // names → numbers
	number := func(name string) int {
		i, ok := index[name]
		if !ok {
			i = len(index)
			index[name] = i
		}
		return i
	}
	exporters := map[string][]int{}
	for _, d := range donors {
		i := number(d.Name)
		for _, e := range d.module.Exports() {
			if list := exporters[e.Symbol]; !slices.Contains(list, i) {
				exporters[e.Symbol] = append(list, i)
			}
		}
	}
	f := make(forest, len(index))
	for i := range f {
		f[i] = i
	}
	named := map[string]int{}
	for _, d := range donors {
		i := index[d.Name]
		d.module.Imports(func(symbol string, _ bool) bool {
			for _, p := range exporters[symbol] {
				f.join(i, p)
			}
			return true
		})
		if g := group(d); g != "" {
			if first, ok := named[g]; ok {
				f.join(i, first)
			} else {
				named[g] = i
			}
		}
	}
	in := map[string]bool{}
	roots := map[int]bool{}
	for _, name := range names {
		in[name] = true
		if i, ok := index[name]; ok {
			roots[f.find(i)] = true
		}
	}
	for name, i := range index {
		if roots[f.find(i)] {
			in[name] = true
		}
	}
	return in
}

// cycle returns the names of a kernel's own third-party modules that need one
// another in a circle, nil where none do: depmod(8) writes no index for such a
// kernel.
func (r *Root) cycle(krel string) []string {
	if names, ok := r.cycles[krel]; ok {
		return names
	}
	donors := r.Donors(krel)
	r.modules(donors)
	exporter := map[string]int{}
	for i, d := range donors {
		for _, e := range d.module.Exports() {
			exporter[e.Symbol] = i
		}
	}
	w := cycleWalk{donors: donors, exporter: exporter, state: make([]int8, len(donors))}
	for i := range donors {
		if w.found == nil {
			w.visit(i)
		}
	}
	r.cycles[krel] = w.found
	return w.found
}

// cycleWalk looks for a circle, depth first.
type cycleWalk struct {
	donors   []*Donor
	exporter map[string]int
	state    []int8 // 0 new, 1 on the path, 2 done
	path     []int
	found    []string
}

func (w *cycleWalk) visit(i int) {
	w.state[i] = 1
	w.path = append(w.path, i)
	w.donors[i].module.Imports(func(symbol string, _ bool) bool {
		p, ok := w.exporter[symbol]
		switch {
		case !ok || p == i || w.state[p] == 2:
		case w.state[p] == 0:
			w.visit(p)
		default:
			for _, n := range w.path[slices.Index(w.path, p):] {
				w.found = append(w.found, w.donors[n].Name)
			}
		}
		return w.found == nil
	})
	w.path = w.path[:len(w.path)-1]
	w.state[i] = 2
}

// forest is a union of sets; each holds its parent.
type forest []int

func (f forest) find(i int) int {
	for f[i] != i {
		f[i] = f[f[i]]
		i = f[i]
	}
	return i
}

func (f forest) join(a, b int) { f[f.find(a)] = f.find(b) }

// sorted returns the keys of a set, sorted.
func sorted[V any](set map[string]V) []string {
	list := make([]string, 0, len(set))
	for name := range set {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}
