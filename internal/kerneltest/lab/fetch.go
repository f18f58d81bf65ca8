package main

import (
	"context"
	"fmt"
	"slices"

	"modkeep/internal/kerneltest"
)

// choice is a kernel that answers a want.
type choice struct {
	*candidate
	why     string
	headers bool // with what building modules needs
}

// plan collects the choices, each kernel once.
type plan struct {
	cache   kerneltest.Cache
	choices []choice
}

func (p *plan) add(c *candidate, headers bool, why string) {
	for i := range p.choices {
		if old := &p.choices[i]; old.Arch == c.Arch && old.Release == c.Release {
			old.headers = old.headers || headers
			old.why += "; " + why
			return
		}
	}
	p.choices = append(p.choices, choice{candidate: c, headers: headers, why: why})
}

// fetch brings a set of kernels into the cache. An archive that has dropped a
// package since its list was read is asked for a new list once.
func fetch(ctx context.Context, cache kerneltest.Cache, set string) error {
	if !slices.Contains([]string{"demo", "ci", "full"}, set) {
		return fmt.Errorf("set %s: not demo, ci or full", set)
	}
	machine := native("amd64")
	err := fetchFrom(ctx, cache, set, machine)
	if err != nil && ctx.Err() == nil && !machine.updated {
		fmt.Println("trying again with new package lists:", err)
		machine.update(ctx)
		err = fetchFrom(ctx, cache, set, machine)
	}
	return err
}

func fetchFrom(ctx context.Context, cache kerneltest.Cache, set string, machine *source) error {
	p := &plan{cache: cache}
	if err := p.demo(ctx, machine, set != "demo"); err != nil {
		return err
	}
	if set == "full" {
		for _, step := range []func(context.Context, *source) error{p.ordinary, p.realtime, p.later, p.withoutModversions, p.foreign} {
			if err := step(ctx, machine); err != nil {
				return err
			}
		}
		for i := range p.choices { // what the compiler of this release can build for
			c := &p.choices[i]
			c.headers = c.headers || c.Arch == "amd64" && (c.Series == release61 || c.Series == release612)
		}
	}
	return p.carryOut(ctx)
}

// pick filters candidates.
func pick(list []*candidate, series, flavour string) []*candidate {
	var out []*candidate
	for _, c := range list {
		if c.Series == series && c.Flavour == flavour {
			out = append(out, c)
		}
	}
	return out
}

// release61 and release612 are the series of Debian 12: its own, and the next
// one's, which its security archive carries.
const (
	release61  = "6.1"
	release612 = "6.12"
)

// demo wants few, small kernels: a pair with equal CRCs, a pair in which
// module_layout moved; for tests also a pair in between and one of 6.12.
func (p *plan) demo(ctx context.Context, machine *source, tests bool) error {
	all, err := machine.kernels(ctx)
	if err != nil {
		return err
	}
	list, err := loadCRCs(ctx, p.cache, pick(all, release61, "cloud"))
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fmt.Errorf("archive of the machine: no 6.1 cloud kernels with headers")
	}
	want := []relation{equal, moved}
	if tests {
		want = append(want, partial)
	}
	p.pairs(list, want)
	newest := list[len(list)-1]
	p.add(newest, true, "newest, to build modules for")
	if tests {
		for _, c := range slices.Backward(list) {
			if r, _ := relate(c, newest); r == moved {
				p.add(c, true, "of another interface than the newest, to build modules for too")
				break
			}
		}
		if later := pick(all, release612, "cloud"); len(later) > 0 {
			p.add(later[len(later)-1], false, "newest 6.12: compressed modules, another struct module")
		}
	}
	return nil
}

// pairs adds, for each wanted relation, the newest pair of neighbours that is
// so related. Neighbours suffice: CRCs that moved seldom move back.
func (p *plan) pairs(list []*candidate, want []relation) {
	for _, w := range want {
		found := false
		for i := len(list) - 1; i > 0 && !found; i-- {
			a, b := list[i-1], list[i]
			r, text := relate(a, b)
			if found = r == w; found {
				p.add(b, false, fmt.Sprintf("%s to %s: %s", w, a.Release, text))
				p.add(a, false, fmt.Sprintf("%s to %s", w, b.Release))
			}
		}
		if !found {
			fmt.Printf("no pair whose CRCs are %s among %d kernels: the archive has none today\n", w, len(list))
		}
	}
	for i := len(list) - 1; i >= 0 && len(p.choices) < 3; i-- {
		p.add(list[i], false, "three kernels at least")
	}
}

// ordinary wants two ABI-different 6.1 kernels with all modules, and the oldest
// one, far enough from them that interfaces of drivers have changed in between.
func (p *plan) ordinary(ctx context.Context, machine *source) error {
	all, err := machine.kernels(ctx)
	if err != nil {
		return err
	}
	list, err := loadCRCs(ctx, p.cache, pick(all, release61, ""))
	if err != nil {
		return err
	}
	p.pairs(list, []relation{moved})
	if len(list) > 0 {
		p.add(list[0], true, "oldest: modules build for it that do not for newer ones")
	}
	return nil
}

// realtime wants a 6.1 kernel with another preemption model.
func (p *plan) realtime(ctx context.Context, machine *source) error {
	return p.newest(ctx, machine, release61, "rt", 1, "newest -rt: other vermagic flags")
}

// later wants two 6.12 kernels.
func (p *plan) later(ctx context.Context, machine *source) error {
	return p.newest(ctx, machine, release612, "cloud", 2, "6.12 and its neighbour")
}

// newest adds the n newest kernels of a kind that have headers.
func (p *plan) newest(ctx context.Context, from *source, series, flavour string, n int, why string) error {
	all, err := from.kernels(ctx)
	if err != nil {
		return err
	}
	list := pick(all, series, flavour)
	slices.Reverse(list)
	for _, c := range list {
		if n > 0 && c.symvers != nil {
			p.add(c, false, why)
			n--
		}
	}
	if n > 0 {
		fmt.Printf("%s %s %s: %d too few in the archive today\n", from.name, series, flavour, n)
	}
	return nil
}

// withoutModversions wants the newest kernels of the next Debian release's
// backports, of two series: they are built without CONFIG_MODVERSIONS.
func (p *plan) withoutModversions(ctx context.Context, machine *source) error {
	later, err := private(ctx, p.cache, machine.arch, laterSuite)
	if err != nil {
		return err
	}
	all, err := later.kernels(ctx)
	if err != nil {
		return err
	}
	var series []string
	for _, c := range slices.Backward(all) {
		if c.Flavour == "cloud" && c.symvers != nil && c.Series > "7" && len(series) < 2 && !slices.Contains(series, c.Series) {
			series = append(series, c.Series)
			p.add(c, false, "7.x: no modversions, BTF must match")
		}
	}
	if len(series) == 0 {
		fmt.Println("no 7.x kernels in the backports of", laterSuite)
	}
	return nil
}

// foreign wants kernels of other architectures: arm64 to boot, 32-bit and
// big-endian ones to read.
func (p *plan) foreign(ctx context.Context, machine *source) error {
	for _, f := range []struct{ arch, flavour string }{{"arm64", "cloud"}, {"i386", ""}, {"s390x", ""}} {
		from, err := private(ctx, p.cache, f.arch, "")
		if err != nil {
			return err
		}
		all, err := from.kernels(ctx)
		if err != nil {
			return err
		}
		list := pick(all, release61, f.flavour)
		if f.arch != "arm64" {
			if len(list) > 0 {
				p.add(list[len(list)-1], false, "newest of "+f.arch)
			}
			continue
		}
		if list, err = loadCRCs(ctx, p.cache, list); err != nil {
			return err
		}
		p.pairs(list, []relation{moved, equal})
	}
	return nil
}

// carryOut downloads and unpacks what was chosen and says what and why.
func (p *plan) carryOut(ctx context.Context) error {
	done, err := p.cache.Kernels()
	if err != nil {
		return err
	}
	var total, now int64
	for _, c := range p.choices {
		packages := append(slices.Clone(c.image), c.symvers...)
		if c.headers {
			packages = append(packages, c.build...)
		}
		var size int64
		for _, q := range packages {
			size += q.size
		}
		total += size
		state := "already there"
		if !complete(done, c) {
			state = "fetched"
			now += size
			if err := p.one(ctx, c, packages); err != nil {
				return fmt.Errorf("fetch %s: %w", c.Release, err)
			}
		}
		fmt.Printf("%-7s %-32s %4d MB %-14s %s\n", c.Arch, c.Release, size>>20, state, c.why)
	}
	fmt.Printf("%d kernels, %d MB of packages, %d MB of them fetched now, in %s\n", len(p.choices), total>>20, now>>20, p.cache)
	return nil
}

// complete reports whether the cache has a choice in this version.
func complete(done []kerneltest.Kernel, c choice) bool {
	for _, k := range done {
		if k.Arch == c.Arch && k.Release == c.Release && k.Version == c.Version {
			return k.Headers || !c.headers
		}
	}
	return false
}

// one fetches one kernel and marks it as complete.
func (p *plan) one(ctx context.Context, c choice, packages []pkg) error {
	if err := c.from.download(ctx, p.cache.Join("deb"), packages); err != nil {
		return err
	}
	if err := unpack(ctx, p.cache, c.Arch, packages); err != nil {
		return err
	}
	k := c.Kernel
	k.Headers = c.headers
	for _, q := range packages {
		k.Packages = append(k.Packages, q.name)
	}
	return p.cache.Mark(k)
}
