// Command bench measures modkeep against kmod: the whole process of each, in
// one run, on the same trees, and prints their ratios and peak memory.
//
//	go run ./bench                      measure and print
//	go run ./bench -write BENCHMARKS.md write the tables there too
//	go run ./bench -part weak           measure one part: check, weak, growth, genksyms, compare, repo or build
//
// Part check is modkeep check, part weak weak-modules --add-kernel on a root with
// four kernels, part growth how the time grows with kernels and modules, part
// genksyms and part compare what their names say; all but the first are described
// in their files. Part compare is left out where what it needs is not named.
//
// In part check a case is a set of modules that modkeep checks and the tree of its kernel, of
// which depmod -n makes the dependencies. Each run is one process of depmod and
// one of modkeep for each case, in turn, so that a busy machine disturbs both;
// the tables show the median of all runs, and the least, which the machine disturbed
// least. A floor is the time that it takes only to open and read the same files,
// and unpack them where they are packed, on as many processors.
//
// Trees come from the cache (package kerneltest): the kernel with the most
// plain modules, and a copy of it with every module packed as the kernel's own
// build packs them, which takes some minutes the first time.
//
// The exit status is 1 where a ratio of the least times or a peak is above its
// limit, 2 where something cannot be measured.
package main

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"modkeep/internal/kerneltest"
)

// maxRSS is the most memory that a process of modkeep may take, in bytes.
const maxRSS = 150 << 20

// cores is how many processors each process may use.
const cores = 2

// bench is one call of the program.
type bench struct {
	modkeep string // the binary
	dir     string // for trees
	runs    int
	out     io.Writer
}

// tree is a kernel below a root, and modules of third parties for it.
type tree struct {
	name  string // plain, xz
	root  string
	krel  string
	files []string // the kernel's modules
	third []string
}

// benchCase is what one table row compares.
type benchCase struct {
	name  string
	limit float64 // of the ratio modkeep to depmod
	files []string
	args  []string // modkeep's
}

// sample is what one process took.
type sample struct {
	wall, cpu time.Duration
	rss       int64 // bytes at the peak
}

// result is what was measured of a case.
type result struct {
	benchCase
	ours, peer []sample
	floor      time.Duration
	size       sizes
}

// part is one of the program's measurements: its tables as Markdown, and whether
// all limits hold.
type part struct {
	name    string
	measure func(*bench, kerneltest.Cache) (text string, ok bool, err error)
}

// settings are the flags.
type settings struct {
	krel, only string // of part check
	el9        string // of part weak

	data, ksymtypes string // of part compare
}

func main() {
	var set settings
	runs := flag.Int("n", 15, "runs of each case")
	write := flag.String("write", "", "put the tables between the marks in `FILE`")
	name := flag.String("part", "", "measure only the `PART` check, weak, growth, genksyms, compare, repo or build")
	flag.StringVar(&set.krel, "kernel", "", "check: measure the kernel `KREL` of the cache, not the one with the most plain modules")
	flag.StringVar(&set.only, "only", "", "check: measure only the `TREE` plain or xz")
	flag.StringVar(&set.el9, "el9", os.Getenv("MODKEEP_EL9_WEAK_MODULES"), "weak: run the `FILE`, a copy of EL9's weak-modules, beside")
	flag.StringVar(&set.data, "data", os.Getenv("MODKEEP_DATA"), "compare: the `DIR` with symtypes/debian")
	flag.StringVar(&set.ksymtypes, "ksymtypes", os.Getenv("MODKEEP_KSYMTYPES"), "compare: the `FILE` that is ksymtypes of suse-kabi-tools")
	flag.Parse()
	ok, err := measureAll(*runs, *name, *write, set)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	case !ok:
		os.Exit(1)
	}
}

// parts are all the measurements.
func (set settings) parts() []part {
	return []part{
		{"check", func(b *bench, cache kerneltest.Cache) (string, bool, error) { return b.checkPart(cache, set) }},
		{"weak", func(b *bench, cache kerneltest.Cache) (string, bool, error) { return b.weakPart(cache, set.el9) }},
		{"growth", (*bench).growthPart},
		{"genksyms", (*bench).genksymsPart},
		{"repo", (*bench).repoPart},
		{"build", (*bench).buildPart},
		{"compare", func(b *bench, cache kerneltest.Cache) (string, bool, error) {
			return b.comparePart(cache, set.data, set.ksymtypes)
		}},
	}
}

func measureAll(runs int, name, write string, set settings) (ok bool, err error) {
	cache, err := kerneltest.OpenCache()
	if err != nil {
		return false, err
	}
	dir := cache.Join("bench")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, err
	}
	b := &bench{modkeep: filepath.Join(dir, "modkeep"), dir: dir, runs: runs, out: os.Stdout}
	if err := b.build(); err != nil {
		return false, err
	}
	ok = true
	ran := false
	for _, p := range set.parts() {
		if name != p.name && (name != "" || p.name == "compare" && set.ksymtypes == "") {
			continue
		}
		ran = true
		text, good, err := p.measure(b, cache)
		if err != nil {
			return false, fmt.Errorf("%s: %w", p.name, err)
		}
		ok = ok && good
		fmt.Fprint(b.out, text)
		if write != "" {
			if err := replaceMarked(write, p.name, text); err != nil {
				return false, err
			}
		}
	}
	if !ran {
		return false, fmt.Errorf("no part %q: check, weak, growth, genksyms, compare, repo or build", name)
	}
	return ok, nil
}

// checkPart measures modkeep check against depmod.
func (b *bench) checkPart(cache kerneltest.Cache, set settings) (text string, ok bool, err error) {
	plain, err := plainTree(cache, set.krel)
	if err != nil {
		return "", false, err
	}
	packed, err := packedTree(b.dir, plain, b.out)
	if err != nil {
		return "", false, err
	}
	var results []result
	for _, t := range []*tree{plain, packed} {
		if set.only != "" && set.only != t.name {
			continue
		}
		list, err := b.measure(t)
		if err != nil {
			return "", false, fmt.Errorf("%s: %w", t.name, err)
		}
		results = append(results, list...)
	}
	if len(results) == 0 {
		return "", false, fmt.Errorf("no tree %q: plain or xz", set.only)
	}
	return report(results, plain), !slices.ContainsFunc(results, func(r result) bool { return r.tooSlow() || r.tooLarge() }), nil
}

// build makes the binary as it is released.
func (b *bench) build() error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.modkeep, "modkeep/cmd/modkeep")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build modkeep: %w\n%s", err, out)
	}
	return nil
}

// thirdPartyModules is how many modules of third parties are checked at once.
const thirdPartyModules = 80

func (t *tree) cases() []benchCase {
	third := t.third[:min(thirdPartyModules, len(t.third))]
	at := []string{"check", "--root", t.root, "--kernel", t.krel}
	return []benchCase{
		{fmt.Sprintf("%s: tree of %d", t.name, len(t.files)), 0.5, t.files,
			append(slices.Clone(at), filepath.Join(t.root, "lib/modules", t.krel, "kernel"))},
		{fmt.Sprintf("%s: %d third-party", t.name, len(third)), 0.1, third, append(slices.Clone(at), third...)},
	}
}

// measure runs both programs in turn, once more than counts: the first round
// brings the files into the page cache.
func (b *bench) measure(t *tree) ([]result, error) {
	var list []result
	for _, c := range t.cases() {
		list = append(list, result{benchCase: c})
	}
	for i := range b.runs + 1 {
		peer, err := run("depmod", "-n", "-b", t.root, t.krel)
		if err != nil {
			return nil, err
		}
		for k := range list {
			if err := b.round(&list[k], peer, i > 0); err != nil {
				return nil, fmt.Errorf("%s: %w", list[k].name, err)
			}
		}
	}
	for k := range list {
		var err error
		if list[k].size, err = measureSizes(list[k].files); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// round runs modkeep and the floor of one case once.
func (b *bench) round(r *result, peer sample, counts bool) error {
	ours, err := run(b.modkeep, r.args...)
	if err != nil {
		return err
	}
	floor, err := readAll(r.files)
	if err != nil || !counts {
		return err
	}
	r.peer, r.ours = append(r.peer, peer), append(r.ours, ours)
	if r.floor == 0 || floor < r.floor {
		r.floor = floor
	}
	return nil
}

// run runs a program, its output thrown away. Status 1 is an answer: a module
// is refused.
func run(program string, args ...string) (sample, error) { return runWith(nil, program, args...) }

// runWith runs a program with more in its environment. What it takes is with
// what programs that it runs take: time added, memory the largest of them.
func runWith(env []string, program string, args ...string) (sample, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), env...)
	s, err := measured(cmd)
	if differing(err) && filepath.Base(program) == "modkeep" {
		err = nil
	}
	return s, err
}

// runDiffering runs a program that compares: status 1 is what it is to find.
func runDiffering(program string, args ...string) (sample, error) {
	s, err := measured(exec.Command(program, args...))
	if differing(err) {
		err = nil
	}
	return s, err
}

// runOn runs a program with a file as its standard input.
func runOn(file, program string, args ...string) (sample, error) {
	in, err := os.Open(file)
	if err != nil {
		return sample{}, err
	}
	defer in.Close()
	cmd := exec.Command(program, args...)
	cmd.Stdin = in
	return measured(cmd)
}

func differing(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == 1
}

// measured runs a command. What it took is told where it failed too. Its peak is
// never less than this program's own: the kernel counts what the process was
// before it became another program.
func measured(cmd *exec.Cmd) (sample, error) {
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, "GOMAXPROCS="+strconv.Itoa(cores))
	var talk bytes.Buffer
	cmd.Stderr = &talk
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if cmd.ProcessState == nil {
		return sample{}, err
	}
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", cmd.Path, err, talk.String())
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return sample{wall, cpu, usage.Maxrss << 10}, err
}

func least(list []sample) time.Duration { return sorted(list, wallOf)[0] }

func median(list []sample, of func(sample) time.Duration) time.Duration {
	return sorted(list, of)[len(list)/2]
}

func wallOf(s sample) time.Duration { return s.wall }
func cpuOf(s sample) time.Duration  { return s.cpu }

func sorted(list []sample, of func(sample) time.Duration) []time.Duration {
	var times []time.Duration
	for _, s := range list {
		times = append(times, of(s))
	}
	slices.Sort(times)
	return times
}

func peak(list []sample) int64 {
	return slices.MaxFunc(list, func(a, b sample) int { return cmp.Compare(a.rss, b.rss) }).rss
}

func (r *result) ratio() float64 { return float64(least(r.ours)) / float64(least(r.peer)) }
func (r *result) tooSlow() bool  { return r.ratio() > r.limit }
func (r *result) tooLarge() bool { return peak(r.ours) > maxRSS }

func init() { runtime.GOMAXPROCS(cores) } // of the floors
