package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/made"
	"modkeep/ko"
)

// Part weak measures weak-modules --add-kernel on a root with four kernels of the
// cache, the largest, of which one is the kernel that was added: it has no
// modules of third parties, the others have theirs. Where the newest of them
// has fewer than thirdPartyModules, copies under other names fill up.
const weakKernels = 4

// The limits of part weak.
const (
	weakRatio  = 1.3 // to one depmod of the same tree
	weakAlone  = 300 * time.Millisecond
	weakMaxRSS = 200 << 20
)

// weakTree is the root of part weak.
type weakTree struct {
	root, krel    string
	kernels       []string
	inTree, third int // modules
}

// weakPart measures, and runs EL9's script once where el9 is a copy of it.
func (b *bench) weakPart(cache kerneltest.Cache, el9 string) (text string, ok bool, err error) {
	t, err := makeWeakTree(cache, filepath.Join(b.dir, "weak"))
	if err != nil {
		return "", false, err
	}
	w := &weakRun{bench: b, tree: t}
	if w.noDepmod, err = withoutDepmod(b.dir); err != nil {
		return "", false, err
	}
	for i := range b.runs + 1 {
		if err := w.round(i > 0); err != nil {
			return "", false, err
		}
	}
	if el9 != "" {
		if err := w.script(el9); err != nil {
			return "", false, err
		}
	}
	return w.report(), w.ok(), nil
}

// makeWeakTree makes the root, of hard links.
func makeWeakTree(cache kerneltest.Cache, root string) (*weakTree, error) {
	from := cache.Join("root", "amd64")
	kernels, err := largestKernels(from)
	if err != nil {
		return nil, err
	}
	if err := os.RemoveAll(root); err != nil {
		return nil, err
	}
	t := &weakTree{root: root, kernels: kernels}
	built := map[string][]string{}
	for _, k := range kernels {
		if err := made.Real(root, from, k); err != nil {
			return nil, err
		}
		if built[k], err = cache.ThirdParty(k); err != nil {
			return nil, err
		}
	}
	t.krel = slices.MinFunc(kernels, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(built[a]), len(built[b])), kerneltest.CompareVersions(b, a))
	})
	files, err := kerneltest.ModuleFiles(filepath.Join(root, "lib/modules"))
	if err != nil {
		return nil, err
	}
	t.inTree = len(files)
	return t, t.addDonors(built)
}

// largestKernels returns the releases with the most modules, oldest first.
func largestKernels(root string) ([]string, error) {
	dirs, err := filepath.Glob(filepath.Join(root, "lib/modules/*/kernel"))
	if err != nil {
		return nil, err
	}
	size := map[string]int{}
	var list []string
	for _, dir := range dirs {
		files, err := kerneltest.ModuleFiles(dir)
		if err != nil {
			return nil, err
		}
		k := filepath.Base(filepath.Dir(dir))
		list, size[k] = append(list, k), len(files)
	}
	if len(list) < weakKernels {
		return nil, errors.New("too few kernels in the cache: go run ./internal/kerneltest/lab fetch --set full")
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Compare(size[b], size[a]) })
	list = list[:weakKernels]
	slices.SortFunc(list, kerneltest.CompareVersions)
	return list, nil
}

// addDonors puts the modules that were built for the other kernels in their
// extra directories, and fills those of the newest ordinary one up.
func (t *weakTree) addDonors(built map[string][]string) error {
	var newest string
	for _, k := range t.kernels {
		if k == t.krel {
			continue
		}
		for _, file := range built[k] {
			if err := t.addDonor(k, filepath.Base(filepath.Dir(file)), filepath.Base(file), file); err != nil {
				return err
			}
		}
		if len(built[k]) >= len(built[newest]) || flavour(k) == flavour(t.krel) {
			newest = k
		}
	}
	have := len(built[newest])
	for round := 1; have < thirdPartyModules; round++ {
		before := have
		for _, file := range built[newest] {
			if have == thirdPartyModules {
				break
			}
			if free, err := exportsNothing(file); err != nil || !free {
				continue
			}
			name := fmt.Sprintf("%s_copy%d.ko", strings.TrimSuffix(filepath.Base(file), ".ko"), round)
			if err := t.addDonor(newest, "copies", name, file); err != nil {
				return err
			}
			have++
		}
		if have == before {
			return errors.New("no modules of third parties in the cache: go run ./internal/kerneltest/lab fetch --set full")
		}
	}
	return nil
}

func (t *weakTree) addDonor(krel, pkg, name, file string) error {
	t.third++
	return made.Take(t.root, filepath.Join("lib/modules", krel, "extra", pkg, name), file)
}

// flavour is what follows a release's numbers: "-amd64", "-rt-amd64".
func flavour(krel string) string { return strings.TrimLeft(krel, "0123456789.-") }

// exportsNothing reports whether a module may stand in a tree twice.
func exportsNothing(file string) (bool, error) {
	im, err := ko.OpenImage(file)
	if err != nil {
		return false, err
	}
	defer im.Close()
	f, err := ko.Parse(im)
	if err != nil {
		return false, err
	}
	exports, err := f.Exports()
	return len(exports) == 0, err
}

// withoutDepmod makes a directory that, first in PATH, has a depmod that does
// nothing, and returns the environment with it.
func withoutDepmod(dir string) ([]string, error) {
	dir = filepath.Join(dir, "no-depmod")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	nothing, err := exec.LookPath("true")
	if err != nil {
		return nil, err
	}
	err = os.Symlink(nothing, filepath.Join(dir, "depmod"))
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	return []string{"PATH=" + dir + ":" + os.Getenv("PATH")}, err
}

// weakRun are the samples of part weak.
type weakRun struct {
	*bench
	tree     *weakTree
	noDepmod []string

	depmod  []sample // depmod -b R K, links made
	whole   []sample // weak-modules --add-kernel K
	alone   []sample // the same with a depmod that does nothing
	dry     []sample // the same with --dry-run
	links   []string
	el9     *sample  // EL9's script, where it was run
	el9List []string // its links
}

// reset takes the target's links and the journal away.
func (w *weakRun) reset() error {
	own, _ := filepath.Glob(filepath.Join(w.tree.root, "etc/depmod.d/*modkeep*"))
	for _, path := range append(own, w.weakUpdates(), filepath.Join(w.tree.root, "var")) {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}

func (w *weakRun) weakUpdates() string {
	return filepath.Join(w.tree.root, "lib/modules", w.tree.krel, "weak-updates")
}

// round runs everything once.
func (w *weakRun) round(counts bool) error {
	args := []string{"weak-modules", "--basedir", w.tree.root, "--no-initramfs", "--add-kernel", w.tree.krel}
	if err := w.reset(); err != nil {
		return err
	}
	if _, err := run("depmod", "-b", w.tree.root, w.tree.krel); err != nil { // as after the kernel's installation
		return err
	}
	dry, err := run(w.modkeep, append(args, "--dry-run")...)
	if err != nil {
		return err
	}
	whole, err := run(w.modkeep, args...)
	if err != nil {
		return err
	}
	if w.links, err = linkNames(w.weakUpdates()); err != nil {
		return err
	}
	bare, err := run("depmod", "-b", w.tree.root, w.tree.krel)
	if err != nil {
		return err
	}
	if err := w.reset(); err != nil {
		return err
	}
	alone, err := runWith(w.noDepmod, w.modkeep, args...)
	if err != nil || !counts {
		return err
	}
	w.dry, w.whole, w.depmod, w.alone = append(w.dry, dry), append(w.whole, whole), append(w.depmod, bare), append(w.alone, alone)
	return nil
}

// script runs EL9's weak-modules once, in the same root.
func (w *weakRun) script(file string) error {
	if err := w.reset(); err != nil {
		return err
	}
	if _, err := run("depmod", "-b", w.tree.root, w.tree.krel); err != nil {
		return err
	}
	nothing, err := exec.LookPath("true")
	if err != nil {
		return err
	}
	s, err := run("bash", file, "--basedir", w.tree.root, "--no-initramfs", "--dracut", nothing, "--add-kernel", w.tree.krel)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	w.el9 = &s
	if w.el9List, err = linkNames(w.weakUpdates()); err != nil {
		return err
	}
	return w.reset()
}

// linkNames returns the names of the links below a directory, sorted.
func linkNames(dir string) (list []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type() == fs.ModeSymlink {
			list = append(list, filepath.Base(path))
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	slices.Sort(list)
	return list, err
}

func (w *weakRun) ratio() float64 { return float64(least(w.whole)) / float64(least(w.depmod)) }

func (w *weakRun) ok() bool {
	return w.ratio() <= weakRatio && least(w.alone) <= weakAlone && peak(w.whole) <= weakMaxRSS
}

// report makes the table.
func (w *weakRun) report() string {
	t := w.tree
	var b strings.Builder
	fmt.Fprintf(&b, "Kernels %s; %d in-tree modules, %d of third parties; the kernel added is %s, which gets %d links. ",
		strings.Join(t.kernels, ", "), t.inTree, t.third, t.krel, len(w.links))
	fmt.Fprintf(&b, "%s, %s, %d processors of %s, load %s; %d runs.\n\n", kmodVersion(), runtime.Version(), cores, processor(), load(), len(w.whole))
	b.WriteString("| what | least | median | CPU, median | peak | held against |\n|---|---|---|---|---|---|\n")
	row := func(what string, list []sample, against string) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", what, ms(least(list)), ms(median(list, wallOf)), ms(median(list, cpuOf)), mib(peak(list)), against)
	}
	row("`depmod -b R K`, the links made", w.depmod, "")
	row("`weak-modules --add-kernel K`, depmod in it", w.whole, fmt.Sprintf("ratio %.2f of least, %.2f of medians, %.2f of CPU; limit %.1f%s; peak limit %s%s",
		w.ratio(), float64(median(w.whole, wallOf))/float64(median(w.depmod, wallOf)), float64(median(w.whole, cpuOf))/float64(median(w.depmod, cpuOf)),
		weakRatio, missedIf(w.ratio() > weakRatio), mib(weakMaxRSS), missedIf(peak(w.whole) > weakMaxRSS)))
	row("the same, with a depmod that does nothing", w.alone, "limit "+ms(weakAlone)+missedIf(least(w.alone) > weakAlone))
	row("the same, `--dry-run`", w.dry, "")
	if w.el9 != nil {
		s := *w.el9
		fmt.Fprintf(&b, "| EL9's `weak-modules --add-kernel K`, once | %s | | %s | %s | %.0f times the wall time, %.0f times the CPU time; %s |\n", ms(s.wall), ms(s.cpu), mib(s.rss),
			float64(s.wall)/float64(median(w.whole, wallOf)), float64(s.cpu)/float64(median(w.whole, cpuOf)), w.compareLinks())
	}
	return b.String()
}

// compareLinks says what the script linked.
func (w *weakRun) compareLinks() string {
	if slices.Equal(w.links, w.el9List) {
		return fmt.Sprintf("the same %d links", len(w.el9List))
	}
	missing := slices.DeleteFunc(slices.Clone(w.links), func(name string) bool { return slices.Contains(w.el9List, name) })
	return fmt.Sprintf("%d links, %d of ours not among them", len(w.el9List), len(missing))
}

// missedIf marks what is above its limit.
func missedIf(missed bool) string {
	if missed {
		return " **missed**"
	}
	return ""
}
