package kabi

import (
	"cmp"
	"slices"
	"strings"

	"modkeep/symvers"
)

// Cluster is the changed exports of one module. That they change together hints
// at a type they share, and is no more than a guess.
type Cluster struct {
	Module  string // as the old table has it; empty where it has none
	Symbols []string
	Exports int // of the module on the old side
}

// clusters sorts changed exports by module, those of the most first.
func clusters(changed []Change, old *symvers.Table) []Cluster {
	number := make(map[string]int)
	var list []Cluster
	for i := range changed {
		e := &changed[i].Old
		n, ok := number[e.Module]
		if !ok {
			n = len(list)
			number[e.Module] = n
			list = append(list, Cluster{Module: e.Module})
		}
		list[n].Symbols = append(list[n].Symbols, e.Symbol)
	}
	for i := range old.Exports {
		if n, ok := number[old.Exports[i].Module]; ok {
			list[n].Exports++
		}
	}
	slices.SortFunc(list, func(a, b Cluster) int {
		return cmp.Or(len(b.Symbols)-len(a.Symbols), strings.Compare(a.Module, b.Module))
	})
	return list
}
