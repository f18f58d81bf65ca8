package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/made"
)

// Part growth measures how the time of a decision grows with the number of
// kernels, in written roots of modules that are small, so that what is measured
// is not reading them. The processor time for each kernel and module at the
// largest size may be at most growthLimit of that at the smallest. The roots are
// made in the directory for temporary files, which should be in memory: making
// ten thousand links is the file system's time.
const (
	growthModules = 800
	growthLimit   = 1.15
)

var growthKernels = []int{2, 5, 10}

// growthCase is a kind of root, and what is asked of it.
type growthCase struct {
	name string
	text func(kernels int) string // of the root, see package made
	args func(root string, kernels int) []string
	// real runs are transactions, with a depmod that does nothing; the others
	// are dry.
	real bool
}

var growthCases = []growthCase{
	{"one kernel's modules linked into N kernels: `link`", oneDonor, linkAll, true},
	{"the same, `--dry-run`", oneDonor, linkAll, false},
	{"N kernels' builds, of which only the oldest loads: `weak-modules --add-kernel`, `--dry-run`", oldestLoads, addLast, false},
	{"N kernels that have all modules themselves: `link --dry-run`", allOwn, linkAll, false},
}

func linkAll(root string, _ int) []string { return []string{"link", "--root", root} }

func addLast(root string, kernels int) []string {
	return []string{"weak-modules", "--basedir", root, "--add-kernel", growthKernel(kernels + 1)}
}

func growthKernel(i int) string { return fmt.Sprintf("5.14.0-%d.el9.x86_64", 100+i) }

// growthSymbols is how many symbols a kernel exports, growthNeeds how many of
// them a module needs.
const (
	growthSymbols = 2000
	growthNeeds   = 25
)

// writeKernel adds a kernel that exports all symbols.
func writeKernel(b *strings.Builder, i int) {
	fmt.Fprintf(b, "kernel %s\nvmlinux", growthKernel(i))
	for s := range growthSymbols {
		fmt.Fprintf(b, " kernel_symbol_%d@%x", s, 0x1000+s)
	}
	b.WriteString("\n")
}

// writeModules adds the third-party modules: of four, one gives a symbol to the
// others. Where bad is set each has a version of a symbol that no kernel has.
func writeModules(b *strings.Builder, bad bool) {
	for m := range growthModules {
		fmt.Fprintf(b, "extra/package%d/module%d.ko", m/4, m)
		for s := range growthNeeds {
			n := (m*growthNeeds + s*7) % growthSymbols
			fmt.Fprintf(b, " kernel_symbol_%d@%x", n, 0x1000+n)
		}
		if m%4 == 0 {
			fmt.Fprintf(b, " +module%d_do@%x", m, 0x100000+m)
		} else {
			fmt.Fprintf(b, " module%d_do@%x depends=module%d", m-m%4, 0x100000+m-m%4, m-m%4)
		}
		if bad {
			fmt.Fprintf(b, " kernel_symbol_%d@ffff", (m*growthNeeds+3)%growthSymbols)
		}
		b.WriteString("\n")
	}
}

func oneDonor(kernels int) string {
	var b strings.Builder
	for i := range kernels + 1 {
		writeKernel(&b, i)
		if i == 0 {
			writeModules(&b, false)
		}
	}
	return b.String()
}

func oldestLoads(kernels int) string {
	var b strings.Builder
	for i := range kernels + 1 {
		writeKernel(&b, i+1)
		if i < kernels {
			writeModules(&b, i > 0)
		}
	}
	return b.String()
}

func allOwn(kernels int) string {
	var b strings.Builder
	for i := range kernels {
		writeKernel(&b, i)
		writeModules(&b, false)
	}
	return b.String()
}

// growthPart measures all cases at all sizes.
func (b *bench) growthPart(kerneltest.Cache) (text string, ok bool, err error) {
	noDepmod, err := withoutDepmod(b.dir)
	if err != nil {
		return "", false, err
	}
	dir, err := os.MkdirTemp("", "modkeep-growth-")
	if err != nil {
		return "", false, err
	}
	defer os.RemoveAll(dir)
	var out strings.Builder
	fmt.Fprintf(&out, "%d modules for each of N kernels, least of %d runs; %s, %d processors of %s, load %s.\n\n", growthModules, b.runs, runtime.Version(), cores, processor(), load())
	out.WriteString("| root and verb |")
	for _, n := range growthKernels {
		fmt.Fprintf(&out, " N = %d |", n)
	}
	fmt.Fprintf(&out, " CPU for each module and kernel: first, last | growth of that, limit %.2f | peak |\n|---|%s---|---|---|\n", growthLimit, strings.Repeat("---|", len(growthKernels)))
	ok = true
	for _, c := range growthCases {
		good, err := b.grow(&out, dir, c, noDepmod)
		if err != nil {
			return "", false, fmt.Errorf("%s: %w", c.name, err)
		}
		ok = ok && good
	}
	return out.String(), ok, nil
}

// grow measures one case and writes its row.
func (b *bench) grow(out *strings.Builder, dir string, c growthCase, env []string) (ok bool, err error) {
	var each []float64 // µs for a module and kernel
	var rss int64
	fmt.Fprintf(out, "| %s |", c.name)
	for _, n := range growthKernels {
		root := filepath.Join(dir, "root")
		if err := os.RemoveAll(root); err != nil {
			return false, err
		}
		if _, err := made.Write(root, c.text(n)); err != nil {
			return false, err
		}
		list, err := b.samples(c, root, n, env)
		if err != nil {
			return false, err
		}
		fmt.Fprintf(out, " %s |", ms(least(list)))
		each = append(each, float64(sorted(list, cpuOf)[0])/float64(time.Microsecond)/float64(n*growthModules))
		rss = max(rss, peak(list))
	}
	first, last := each[0], each[len(each)-1]
	ok = last/first <= growthLimit && rss <= weakMaxRSS
	fmt.Fprintf(out, " %.1f µs, %.1f µs | %.2f%s | %s%s |\n", first, last, last/first, missedIf(last/first > growthLimit), mib(rss), missedIf(rss > weakMaxRSS))
	return ok, nil
}

// samples runs one case at one size.
func (b *bench) samples(c growthCase, root string, kernels int, env []string) (list []sample, err error) {
	args := append(c.args(root, kernels), "--no-initramfs")
	if !c.real {
		args = append(args, "--dry-run")
	}
	for i := range b.runs + 1 {
		dirs, _ := filepath.Glob(filepath.Join(root, "lib/modules/*/weak-updates"))
		for _, dir := range append(dirs, filepath.Join(root, "var")) {
			if err := os.RemoveAll(dir); err != nil {
				return nil, err
			}
		}
		s, err := runWith(env, b.modkeep, args...)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			list = append(list, s)
		}
	}
	return list, nil
}
