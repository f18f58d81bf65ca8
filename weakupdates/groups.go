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

// closure returns the names that belong together with the given ones, over the
// dependency groups of all donor kernels.
func (r *Root) closure(names []string, parts map[string]map[string]int) map[string]bool {
	in := map[string]bool{}
	for _, name := range names {
		in[name] = true
	}
	for grown := true; grown; {
		grown = false
		for _, part := range parts {
			touched := map[int]bool{}
			for name, g := range part {
				if in[name] {
					touched[g] = true
				}
			}
			for name, g := range part {
				if touched[g] && !in[name] {
					in[name] = true
					grown = true
				}
			}
		}
	}
	return in
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
