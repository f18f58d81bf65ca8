package main

import (
	"fmt"
	"slices"

	"modkeep/kbuild"
	"modkeep/kernel"
	"modkeep/kernel/release"
	"modkeep/loader"
	"modkeep/symvers"
)

// judgeBuilt asks loader about what was built, for each kernel as one set, and
// returns why the kernel would refuse a cell's modules. A signature is no reason:
// modules are signed after they are built.
func judgeBuilt(root string, cells []*kbuild.Cell) map[*kbuild.Cell]string {
	refused := map[*kbuild.Cell]string{}
	for _, k := range kernelsOf(cells) {
		var modules []*loader.Module
		var owners []*kbuild.Cell
		for _, c := range cells {
			if c.Kernel != k {
				continue
			}
			for _, m := range c.Modules {
				modules, owners = append(modules, loader.Read(m.File)), append(owners, c)
			}
		}
		if len(modules) == 0 {
			continue
		}
		target, err := judgeOf(root, k)
		for i, c := range owners {
			if err != nil {
				refused[c] = fmt.Sprintf("what was built could not be judged: %v", err)
			} else if modules[i].Err != nil {
				refused[c] = fmt.Sprintf("%s: %v", c.Modules[0].Name, modules[i].Err)
			}
		}
		if err != nil {
			continue
		}
		for i, v := range target.Check(modules) {
			if text := refusedFor(v); text != "" && refused[owners[i]] == "" {
				refused[owners[i]] = text
			}
		}
	}
	return refused
}

func kernelsOf(cells []*kbuild.Cell) []*kbuild.Kernel {
	var list []*kbuild.Kernel
	for _, c := range cells {
		if !slices.Contains(list, c.Kernel) {
			list = append(list, c.Kernel)
		}
	}
	return list
}

// judgeOf is the kernel as it is installed; else what its headers tell of it.
func judgeOf(root string, k *kbuild.Kernel) (*loader.Target, error) {
	installed, err := kernel.Open(root, k.Release, kernel.Options{})
	switch {
	case err == nil:
		return loader.NewTarget(installed, loader.Options{}), nil
	case k.Headers == nil:
		return nil, err
	}
	alone, err := kernel.FromSymvers(k.Headers.Symvers())
	if err != nil {
		return nil, err
	}
	return loader.NewTarget(alone, loader.Options{Replace: true}), nil
}

// refusedFor is the first reason why a module would be refused that building it is
// answerable for.
func refusedFor(v *loader.Verdict) string {
	if v.Safe() {
		return ""
	}
	for _, f := range v.Findings {
		if f.Kind != loader.KindSignature && f.Kind != loader.KindBlacklist {
			return fmt.Sprintf("the kernel would refuse %s: %s", v.Name, f.Text)
		}
	}
	return ""
}

// blame finds in which kernel an interface changed that a build stumbled over.
type blame struct {
	root   string
	cells  []*kbuild.Cell
	tables map[string]*symvers.Table
}

func newBlame(root string, cells []*kbuild.Cell) *blame {
	return &blame{root: root, cells: cells, tables: map[string]*symvers.Table{}}
}

// text says between which kernels the export moved that a cell's cause is about:
// this one and the newest older one that the source builds for; where there is
// none, the neighbours below the root between which it moved last before the
// oldest kernel that the source fails for because of it.
func (b *blame) text(c *kbuild.Cell) string {
	symbol := c.Cause.Symbol
	if c.Status != kbuild.Failed || symbol == "" || c.Kernel.Headers == nil {
		return ""
	}
	here := b.export(c.Kernel.Release, symbol)
	good := ""
	for _, other := range b.cells {
		if other.Source == c.Source && len(other.Modules) > 0 && release.Less(other.Kernel.Release, c.Kernel.Release) && (good == "" || release.Less(good, other.Kernel.Release)) {
			good = other.Kernel.Release
		}
	}
	if good != "" {
		if there := b.export(good, symbol); there != here {
			return fmt.Sprintf("%s is %s by %s, for which this source builds, and %s by %s", symbol, there, good, here, c.Kernel.Release)
		}
		return ""
	}
	last := c.Kernel.Release
	for _, other := range b.cells {
		if other.Source == c.Source && other.Cause.Symbol == symbol && flavor(other.Kernel.Release) == flavor(last) && release.Less(other.Kernel.Release, last) {
			last = other.Kernel.Release
		}
	}
	here = b.export(last, symbol)
	for _, krel := range b.older(last) {
		if there := b.export(krel, symbol); there != here {
			return fmt.Sprintf("%s is %s by %s, and %s by %s", symbol, there, krel, here, last)
		}
		last = krel
	}
	return ""
}

// older lists the kernels of the same flavour below the root that are older than
// one, newest first.
func (b *blame) older(than string) []string {
	all, err := kernel.List(b.root)
	if err != nil {
		return nil
	}
	all = slices.DeleteFunc(all, func(krel string) bool { return !release.Less(krel, than) || flavor(krel) != flavor(than) })
	slices.SortFunc(all, func(x, y string) int { return release.Compare(y, x) })
	return all
}

func flavor(krel string) string {
	r, err := release.Parse(krel)
	if err != nil {
		return ""
	}
	return r.Flavor
}

// export says how a kernel exports a symbol.
func (b *blame) export(krel, symbol string) string {
	table, ok := b.tables[krel]
	if !ok {
		if k, err := kernel.Open(b.root, krel, kernel.Options{}); err == nil {
			table, _ = k.Table()
		}
		b.tables[krel] = table
	}
	if table == nil {
		return "not known to be exported"
	}
	row, ok := table.Lookup(symbol)
	switch {
	case !ok:
		return "not exported"
	case !row.HasCRC:
		return "exported"
	}
	return "exported with CRC " + crcText(row.CRC, row.HasCRC)
}
