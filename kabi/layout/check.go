package layout

import (
	"slices"
	"strings"
)

// View is what a module knows of types: a graph, the roots in it, and which
// types are the kernel's and not the module's own.
type View struct {
	Types    Types
	Uses     []Use
	OfKernel func(id ID, t *Type) bool
}

// ViewOfDWARF is the view of a module that has DWARF.
func ViewOfDWARF(d *DWARF) View {
	return View{Types: d, Uses: d.Uses(), OfKernel: func(_ ID, t *Type) bool { return d.OfKernel(t) }}
}

// ViewOfBTF is the view of a module that has split BTF, opened with the BTF of
// the kernel that it was built for, or with its .BTF.base. Its functions and
// variables are the roots; what is in the base is the kernel's.
func ViewOfBTF(b *BTF) View {
	v := View{Types: b, OfKernel: func(id ID, _ *Type) bool { return id < b.First() }}
	for id := b.First(); int(id) < b.Len(); id++ {
		if kind := b.kind(id); kind == Func || kind == Var {
			t := b.Type(id)
			v.Uses = append(v.Uses, Use{id, kind.String() + " " + t.Name})
		}
	}
	return v
}

// Finding is a type of the kernel that a module knows otherwise than the kernel
// that it is to run on.
type Finding struct {
	Type        string       `json:"type"` // "struct device"
	By          string       `json:"by"`   // what of the module uses it
	Path        []string     `json:"path"` // the types from that to this one; empty where it is used itself
	Hops        int          `json:"hops"` // pointers on the path
	OldSize     uint64       `json:"module_size"`
	NewSize     uint64       `json:"kernel_size"`
	Differences []Difference `json:"differences"`

	Old, New ID `json:"-"`
}

// How many types are followed from a module's roots, how many findings there
// are at most, and how many types of a path are told.
const (
	maxReached  = 1 << 17
	maxFindings = 4096
	maxPath     = 32
)

// Check returns the types that a module uses and that are laid out otherwise in
// the kernel, with what breaks. Only types that both know by name are compared.
// Where the kernel has several of one name, as private types of its files or
// with other configurations are, the one that fits best counts. The findings
// are in the order of reach: what is used by itself first.
func Check(v View, kernel Types, pointer uint64) []Finding {
	w := walk{v: v, kernel: kernel, c: Comparer{Old: v.Types, New: kernel, Pointer: pointer}, seen: map[ID]bool{}}
	for _, use := range v.Uses {
		w.follow(use.Type, &step{by: use.By}, "", 0)
	}
	for i := 0; i < len(w.queue) && len(w.findings) < maxFindings; i++ {
		w.visit(w.queue[i])
	}
	slices.SortStableFunc(w.findings, func(a, b Finding) int { return a.Hops - b.Hops })
	return w.findings
}

// step is one type on the way from a root.
type step struct {
	from *step
	by   string // what of the module the way begins at
	name string // of the type
	hops int
}

// reached is a type to be judged.
type reached struct {
	id   ID
	name string // of the typedef that leads to an anonymous one
	file *Type  // whose declaration says whether it is the kernel's
	fid  ID
	way  *step
}

type walk struct {
	v        View
	kernel   Types
	c        Comparer
	seen     map[ID]bool
	queue    []reached
	findings []Finding
	values   map[string][]ID // anonymous enums of the kernel by enumerator
}

// follow finds the aggregates and enums that a type stands for.
func (w *walk) follow(id ID, way *step, alias string, hops int) {
	named := Pair{}
	var file *Type
	for range maxChain {
		t := w.v.Types.Type(id)
		switch t.Kind {
		case Typedef:
			alias, file, named.Old = t.Name, t, id
		case Qualifier, Array, Func, Var:
		case Pointer:
			alias, file = "", nil
			hops++
		case Proto:
			if w.mark(id) {
				for _, p := range t.Params {
					w.follow(p.Type, way, "", hops)
				}
			}
			alias, file = "", nil
		case Struct, Union, Enum:
			if w.mark(id) {
				if t.Name != "" || file == nil {
					alias, file, named.Old = "", t, id
				}
				w.queue = append(w.queue, reached{id, alias, file, named.Old, &step{from: way, by: way.by, hops: way.hops + hops}})
			}
			return
		default:
			return
		}
		id = t.Elem
	}
}

func (w *walk) mark(id ID) bool {
	if w.seen[id] || len(w.seen) > maxReached {
		return false
	}
	w.seen[id] = true
	return true
}

// visit judges a type and goes on to those that it leads to.
func (w *walk) visit(r reached) {
	t := w.v.Types.Type(r.id)
	r.way.name = head(t)
	if r.name != "" {
		r.way.name = r.name
	}
	if w.v.OfKernel(r.fid, r.file) {
		w.judge(r, t)
	}
	for _, m := range t.Members {
		w.follow(m.Type, r.way, "", 0)
	}
}

// candidates returns what the kernel has of a type's name.
func (w *walk) candidates(r reached, t *Type) []ID {
	switch {
	case t.Name != "":
		return w.kernel.Named(t.Kind, t.Name)
	case r.name == "" && t.Kind == Enum:
		return w.anonymousEnums(t)
	case r.name == "":
		return nil
	}
	var ids []ID
	for _, id := range w.kernel.Named(Typedef, r.name) {
		if peeled, n := Peel(w.kernel, id); n.Kind == t.Kind {
			ids = append(ids, peeled)
		}
	}
	return ids
}

// anonymousEnums finds enums without a name by the values that they name.
func (w *walk) anonymousEnums(t *Type) []ID {
	if w.values == nil {
		w.values = map[string][]ID{}
		for id := range w.kernel.Len() {
			if b, ok := w.kernel.(*BTF); ok && (ID(id) < b.First() || b.kind(ID(id)) != Enum) {
				continue
			}
			if k := w.kernel.Type(ID(id)); k.Kind == Enum && k.Name == "" {
				for _, e := range k.Enumerators {
					w.values[e.Name] = append(w.values[e.Name], ID(id))
				}
			}
		}
	}
	var ids []ID
	for _, e := range t.Enumerators {
		if ids = w.values[e.Name]; len(ids) > 0 {
			break
		}
	}
	return ids
}

// maxCandidates is how many types of one name are compared.
const maxCandidates = 64

func (w *walk) judge(r reached, t *Type) {
	var best []Difference
	var bestID ID
	ids := w.candidates(r, t)
	for i, id := range ids[:min(len(ids), maxCandidates)] {
		var broken []Difference
		for _, d := range w.c.Compare(Pair{r.id, id}).Differences {
			if d.Change.Breaks() {
				broken = append(broken, d)
			}
		}
		if len(broken) == 0 {
			return
		}
		if i == 0 || len(broken) < len(best) {
			best, bestID = broken, id
		}
	}
	if len(best) == 0 {
		return
	}
	f := Finding{Type: r.way.name, By: r.way.by, Hops: r.way.hops, OldSize: t.Size, NewSize: w.kernel.Type(bestID).Size, Differences: best, Old: r.id, New: bestID}
	for s := r.way.from; s != nil && len(f.Path) < maxPath; s = s.from {
		if s.from != nil {
			f.Path = append(f.Path, s.name)
		}
	}
	slices.Reverse(f.Path)
	w.findings = append(w.findings, f)
}

// String says a finding in one line.
func (f *Finding) String() string {
	text := f.Type
	if f.OldSize != f.NewSize {
		text += " has another size"
	} else {
		text += " is laid out otherwise"
	}
	var changes []string
	for i, d := range f.Differences {
		if i == 3 {
			changes = append(changes, "...")
			break
		}
		changes = append(changes, d.String())
	}
	text += ": " + strings.Join(changes, "; ") + " (" + f.By
	if len(f.Path) > 0 {
		text += " by " + strings.Join(f.Path, ", ")
	}
	return text + ")"
}
