package symvers

import (
	"sort"
	"strings"
)

// Change is an export that two tables have in different ways.
type Change struct {
	Old, New Export
}

// CRC reports whether the CRC differs: modules built for the one kernel are
// refused by the other. Where one side has no CRCs at all nothing is compared.
func (c Change) CRC() bool { return c.Old.HasCRC && c.New.HasCRC && c.Old.CRC != c.New.CRC }

// Type reports whether the export macro differs, where both tables tell it.
func (c Change) Type() bool {
	return c.Old.Type != c.New.Type && c.Old.Type.told() && c.New.Type.told()
}

// Namespace reports whether the namespace differs.
func (c Change) Namespace() bool { return c.Old.Namespace != c.New.Namespace }

// Module reports whether another module gives the symbol.
func (c Change) Module() bool {
	return c.Old.Module != c.New.Module && c.Old.Module != "" && c.New.Module != ""
}

func (t Type) told() bool { return t != "" && t != Unknown }

// Difference is what Compare finds, each list sorted by symbol.
type Difference struct {
	Added   []Export // only in the second table
	Removed []Export // only in the first
	Changed []Change // in both: CRC, type, namespace or module differ
}

// Empty reports whether the tables were equal.
func (d *Difference) Empty() bool {
	return len(d.Added) == 0 && len(d.Removed) == 0 && len(d.Changed) == 0
}

// Compare tells what changed from table a to table b.
func Compare(a, b *Table) *Difference {
	d := &Difference{}
	for i := range a.Exports {
		old := a.Exports[i]
		now, ok := b.Lookup(old.Symbol)
		if !ok {
			d.Removed = append(d.Removed, old)
			continue
		}
		c := Change{old, now}
		if c.CRC() || c.Type() || c.Namespace() || c.Module() {
			d.Changed = append(d.Changed, c)
		}
	}
	for i := range b.Exports {
		if a.Index(b.Exports[i].Symbol) < 0 {
			d.Added = append(d.Added, b.Exports[i])
		}
	}
	sortExports(d.Added)
	sortExports(d.Removed)
	sort.Slice(d.Changed, func(i, j int) bool {
		return strings.Compare(d.Changed[i].Old.Symbol, d.Changed[j].Old.Symbol) < 0
	})
	return d
}

func sortExports(e []Export) {
	sort.Slice(e, func(i, j int) bool { return e[i].Symbol < e[j].Symbol })
}
