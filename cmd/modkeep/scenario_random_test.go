package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/made"
)

// randomModules is a tree of two kernels with modules of all sorts for the first:
// chains, wrong CRCs, symbols that are gone, weak ones.
func randomModules(r *rand.Rand) (tree string, modules []string) {
	var k1, k2, own strings.Builder
	crc := func(wrong int) int { // of 100, so many are other ones
		if r.IntN(100) < wrong {
			return 2
		}
		return 1
	}
	var symbols []string
	for i := range 8 {
		fmt.Fprintf(&k1, " sym%d@1", i)
		if r.IntN(10) > 0 {
			fmt.Fprintf(&k2, " sym%d@%x", i, crc(15))
		}
		symbols = append(symbols, fmt.Sprintf("sym%d", i))
	}
	for i := range 4 {
		dir, suffix := "kernel/net", []string{"", ".xz", ".zst"}[r.IntN(3)]
		if r.IntN(3) == 0 {
			dir = []string{"extra/own", "updates"}[r.IntN(2)]
		}
		fmt.Fprintf(&own, "%s/own%d.ko%s +do%d@%x\n", dir, i, suffix, i, crc(20))
		symbols = append(symbols, fmt.Sprintf("do%d", i))
	}
	tree = "kernel K2\nvmlinux printk@a" + k2.String() + "\n" + own.String() + "kernel K1\nvmlinux printk@a" + k1.String() + "\n"
	for i := range 14 {
		name := fmt.Sprintf("extra/d%d/m%d.ko%s", i%3, i, []string{"", "", ".xz", ".zst"}[r.IntN(4)])
		tree += name + " printk@a"
		used := map[string]bool{}
		for range r.IntN(4) {
			s := symbols[r.IntN(len(symbols))]
			if used[s] {
				continue
			}
			used[s] = true
			tree += fmt.Sprintf(" %s@%x", s, crc(4))
		}
		if r.IntN(4) == 0 {
			// Of a weak symbol with another CRC depmod says nothing, and the
			// kernel refuses the module: only such that nobody exports.
			tree += fmt.Sprintf(" ?gone%d@1", i)
		}
		if r.IntN(2) == 0 {
			s := fmt.Sprintf("out%d", i)
			tree += fmt.Sprintf(" +%s@1", s)
			symbols = append(symbols, s)
		}
		tree += "\n"
		modules = append(modules, name)
	}
	return tree, modules
}

// TestScenarioRandom holds that of any modules just those are linked that the
// real depmod has nothing to say against, all being linked and the ones it
// complains of taken away again and again.
func TestScenarioRandom(t *testing.T) {
	trees := 25
	if os.Getenv("MODKEEP_FULL") != "" {
		trees = 400
	}
	for seed := range trees {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			tree, modules := randomModules(rand.New(rand.NewPCG(uint64(seed), 38)))
			s := rhelSite(t, tree)
			s.randomly(tree, modules)
		})
	}
}

func (s *site) randomly(tree string, modules []string) {
	s.Helper()
	krel := s.k[1]
	r := runModkeep(s.T, "", "weak-modules", "--basedir", s.dir, "--no-initramfs", "--verbose", "--add-kernel", krel)
	if r.status != 0 {
		s.Errorf("status %d\n%s%s", r.status, r.out, r.errOut)
	}
	var ours []string
	for _, m := range modules {
		if _, err := os.Lstat(s.path(krel + "/" + s.linkPlace(m))); err == nil {
			ours = append(ours, s.linkPlace(m))
		}
	}
	i := slices.IndexFunc(s.root.Kernels, func(k *made.Kernel) bool { return k.Release == krel })
	want := s.greatest(krel, modules, s.symvers(s.root.Kernels[i]))
	if diff := cmp.Diff(want, ours); diff != "" {
		s.Errorf("links (-depmod +modkeep):\n%s\n%s\nof\n%s", diff, r.out, tree)
	}
}

// randomBuilds is a tree with builds of the same modules for two kernels, of
// which a third may take either, or neither.
func randomBuilds(r *rand.Rand) (tree string, modules []string) {
	kernels := make([]strings.Builder, 3)
	for i := range 6 {
		for k := range kernels {
			fmt.Fprintf(&kernels[k], " sym%d@%x", i, 1+r.IntN(4)/3)
		}
	}
	crcs := func(k int, symbol string) string { // what kernel k's build of a module has
		_, rest, _ := strings.Cut(kernels[k].String(), " "+symbol+"@")
		return symbol + "@" + rest[:1]
	}
	lines := make([]string, 2)
	for i := range 8 {
		needs, exports := []string{fmt.Sprintf("sym%d", r.IntN(6))}, r.IntN(2) == 0
		provider := -1
		if i > 0 && r.IntN(3) > 0 {
			provider = r.IntN(i)
		}
		for k := range 2 {
			if r.IntN(6) == 0 {
				continue // not built for that kernel
			}
			name := fmt.Sprintf("extra/d/m%d.ko", i)
			lines[k] += name + " " + crcs(k, needs[0])
			if provider >= 0 {
				lines[k] += fmt.Sprintf(" out%d@%x", provider, 1+r.IntN(5)/4*k)
			}
			if exports {
				lines[k] += fmt.Sprintf(" +out%d@%x", i, 1+r.IntN(5)/4*k)
			}
			lines[k] += "\n"
			modules = append(modules, fmt.Sprintf("K%d/%s", k+1, name))
		}
	}
	return "kernel K3\nvmlinux" + kernels[2].String() + "\nkernel K1\nvmlinux" + kernels[0].String() + "\n" + lines[0] +
		"kernel K2\nvmlinux" + kernels[1].String() + "\n" + lines[1], modules
}

// TestScenarioRandomBuilds holds of any tree with several builds: depmod has
// nothing to say against what is linked, once more there is nothing to do, and
// packages that come one by one, in any order, end in what they come to all at
// once.
func TestScenarioRandomBuilds(t *testing.T) {
	trees := 15
	if os.Getenv("MODKEEP_FULL") != "" {
		trees = 300
	}
	for seed := range trees {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(seed), 15))
			tree, modules := randomBuilds(r)
			s := rhelSite(t, tree)
			s.builds(r, tree, modules)
		})
	}
}

func (s *site) builds(r *rand.Rand, tree string, modules []string) {
	s.Helper()
	origin := s.dir
	s.dir = copyOf(s.T, origin)
	for _, k := range s.k {
		s.invoke("add-kernel", k)
	}
	atOnce := s.links()
	s.askDepmod(action{do: "add-kernel, of\n" + tree})
	before := s.tree()
	for _, k := range s.k {
		s.invoke("add-kernel", k)
	}
	if diff := cmp.Diff(before, s.tree()); diff != "" {
		s.Errorf("once more there is something to do (-once +twice):\n%s\nof\n%s", diff, tree)
	}
	s.dir = copyOf(s.T, origin)
	r.Shuffle(len(modules), func(i, j int) { modules[i], modules[j] = modules[j], modules[i] })
	for _, m := range modules {
		s.invoke("add", s.expand(m))
	}
	s.askDepmod(action{do: "add, one by one, of\n" + tree})
	if diff := cmp.Diff(atOnce, s.links()); diff != "" {
		s.Errorf("one by one, in the order of %v (-at once +one by one):\n%s\nof\n%s", modules, diff, tree)
	}
}
