package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/loader"
	"modkeep/txn"
)

// bootSite is a root with a real kernel and real modules of third parties that
// were built for others, whose links are then put to that kernel.
type bootSite struct {
	t      *testing.T
	kernel kerneltest.Kernel
	donors []donorSet
	dir    string
}

// donorSet are modules that were built for one kernel.
type donorSet struct {
	release string
	files   []string
}

// TestOracleBootLinked links modules into a kernel with the real program, boots
// that kernel in a virtual machine with the tree as it is then, and has the
// real modprobe load every linked module: each has to reach its own init
// function from weak-updates, after what it needs. A module that the plan
// refuses and the policy links nevertheless has to be refused by the kernel, in
// the words of the plan's verdict.
//
// It takes the smallest kernel and the neighbour most of whose modules load
// there, with one module that does not; with MODKEEP_FULL=1 every pair of
// kernels of the cache, and every module that is refused.
func TestOracleBootLinked(t *testing.T) {
	for _, tool := range []string{"kmod", "depmod", kerneltest.Emulator("amd64"), "ldd"} {
		oracle.Tool(t, tool)
	}
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	kernels, err := cache.Kernels()
	if err != nil {
		t.Fatal(err)
	}
	kernels = slices.DeleteFunc(kernels, func(k kerneltest.Kernel) bool {
		_, err := os.Stat(k.Modules() + "/kernel")
		return k.Arch != "amd64" || err != nil
	})
	if os.Getenv("MODKEEP_FULL") != "1" {
		bestPair(t, cache, kernels).run()
		return
	}
	pairs := 0
	for _, k := range kernels {
		for _, d := range donorsFor(t, cache, kernels, k) {
			pairs++
			t.Run(d.release+" on "+k.Release, func(t *testing.T) {
				(&bootSite{t: t, kernel: k, donors: []donorSet{d}}).run()
			})
		}
	}
	if pairs == 0 {
		oracle.Missing(t, "no modules of third parties in the cache")
	}
}

// donorsFor returns the modules of each other kernel.
func donorsFor(t *testing.T, cache kerneltest.Cache, kernels []kerneltest.Kernel, k kerneltest.Kernel) []donorSet {
	t.Helper()
	var list []donorSet
	for _, d := range kernels {
		files, err := cache.ThirdParty(d.Release)
		if err != nil {
			t.Fatal(err)
		}
		if d.Release != k.Release && len(files) > 0 {
			list = append(list, donorSet{d.Release, files})
		}
	}
	return list
}

// bestPair finds the kernel, of the smallest flavour, and the donor with the
// most modules that load there, and takes one of them from a donor instead
// whose build does not.
func bestPair(t *testing.T, cache kerneltest.Cache, kernels []kerneltest.Kernel) *bootSite {
	t.Helper()
	site, most := &bootSite{t: t}, 0
	var bad map[string]string // name → a file that is refused
	for _, k := range kernels {
		if k.Flavour != "cloud" {
			continue
		}
		refused := map[string]string{}
		var best donorSet
		for _, d := range donorsFor(t, cache, kernels, k) {
			good := 0
			for _, v := range checked(t, k, d.files) {
				if v.Loads {
					good++
				} else if alone(v) {
					refused[v.Name] = v.Module
				}
			}
			if good > most {
				best, most = d, good
			}
		}
		if best.files != nil {
			site.kernel, site.donors, bad = k, []donorSet{best}, refused
		}
	}
	if most == 0 {
		oracle.Missing(t, "no modules of third parties for a cloud kernel in the cache")
	}
	site.swap(bad)
	return site
}

// alone reports whether a module is refused for itself, not for what it needs.
func alone(v *loader.Verdict) bool {
	return !slices.ContainsFunc(v.Findings, func(f loader.Finding) bool { return strings.Contains(f.Text, "refused itself") })
}

// swap takes the last module that there is a bad build of from the donor of that
// build; where there are builds for one kernel only, the last one that no other
// needs is spoilt: one of its versions is another.
func (s *bootSite) swap(bad map[string]string) {
	good := &s.donors[0]
	for i, file := range slices.Backward(good.files) {
		name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".ko"), "-", "_")
		if worse := bad[name]; worse != "" && !s.neededByOthers(name) {
			good.files = slices.Delete(slices.Clone(good.files), i, i+1)
			s.donors = append(s.donors, donorSet{filepath.Base(filepath.Dir(filepath.Dir(worse))), []string{worse}})
			return
		}
	}
	crc := kerneltest.Mutants()[slices.IndexFunc(kerneltest.Mutants(), func(m kerneltest.Mutant) bool { return m.Name == "crc-first" })]
	for i, file := range slices.Backward(good.files) {
		text, err := os.ReadFile(file)
		if err != nil {
			s.t.Fatal(err)
		}
		name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".ko"), "-", "_")
		spoilt, err := crc.Apply(text)
		if err != nil || s.neededByOthers(name) {
			continue
		}
		worse := filepath.Join(s.t.TempDir(), filepath.Base(file))
		if err := os.WriteFile(worse, spoilt, 0o644); err != nil {
			s.t.Fatal(err)
		}
		good.files = slices.Delete(slices.Clone(good.files), i, i+1)
		s.donors = append(s.donors, donorSet{good.release, []string{worse}})
		return
	}
	s.t.Error("no module that can be spoilt")
}

func (s *bootSite) neededByOthers(name string) bool {
	return slices.ContainsFunc(s.donors[0].files, func(file string) bool {
		out, err := exec.Command("modinfo", "-F", "depends", file).Output()
		return err != nil || slices.Contains(strings.FieldsFunc(string(out), func(r rune) bool { return r == ',' || r == '\n' }), name)
	})
}

// checked returns the verdicts of check.
func checked(t *testing.T, k kerneltest.Kernel, files []string) []*loader.Verdict {
	t.Helper()
	out := bootRun(t, append([]string{"check", "--json", "--root", k.Root, "--kernel", k.Release}, files...)...)
	var report struct{ Verdicts []*loader.Verdict }
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Verdicts) != len(files) {
		t.Fatalf("%d verdicts for %d files", len(report.Verdicts), len(files))
	}
	return report.Verdicts
}

// bootRun runs the program, whose answer may be no.
func bootRun(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	if status := run(context.Background(), append([]string{"modkeep"}, args...), nil, &out, &errOut); status == statusUnknown {
		t.Fatalf("modkeep %s: status %d\n%s", strings.Join(args, " "), status, errOut.String())
	}
	return out.String()
}

// run does all of it for one kernel.
func (s *bootSite) run() {
	t := s.t
	s.dir = s.root()
	refused := s.plan().Refused
	forced := map[string]*loader.Verdict{}
	for _, v := range refused {
		forced[v.Name] = v
	}
	s.force(s.dir, forced)
	links := map[string]string{} // name → path of the link
	for _, step := range s.plan().Steps {
		if step.Op == txn.Link {
			links[moduleNameOf(step.Path)] = step.Path
		}
	}
	bootRun(t, "link", "--root", s.dir, "--no-initramfs")
	s.compareDropIn(forced)
	t.Logf("%d modules linked into %s, %d of them by force", len(links), s.kernel.Release, len(forced))

	names := slices.Sorted(maps.Keys(links))
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	start := time.Now()
	probes, err := kerneltest.BootTree(ctx, s.kernel.Machine(), kerneltest.Tree{Root: s.dir, Release: s.kernel.Release, Names: names})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d modules probed in %.0f s", len(probes), time.Since(start).Seconds())
	s.hold(probes, links, forced)
}

func moduleNameOf(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// root makes a root with the kernel, and the donors' modules in their extra
// directories.
func (s *bootSite) root() string {
	t := s.t
	t.Helper()
	dir := t.TempDir()
	if err := made.Real(dir, s.kernel.Root, s.kernel.Release); err != nil {
		t.Fatal(err)
	}
	for _, d := range s.donors {
		for _, file := range d.files {
			pkg := filepath.Base(filepath.Dir(file))
			if err := made.Take(dir, filepath.Join("lib/modules", d.release, "extra", pkg, filepath.Base(file)), file); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// plan is what link would do.
func (s *bootSite) plan() (report planReport) {
	s.t.Helper()
	out := bootRun(s.t, "link", "--root", s.dir, "--dry-run", "--json", "--no-initramfs")
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		s.t.Fatal(err)
	}
	return report
}

// force writes a policy that links modules whatever their verdict.
func (s *bootSite) force(dir string, forced map[string]*loader.Verdict) {
	s.t.Helper()
	text := "version: 1\n"
	if len(forced) > 0 {
		text += "modules:\n"
	}
	for _, name := range slices.Sorted(maps.Keys(forced)) {
		text += fmt.Sprintf("  - name: %s\n    link: force\n", name)
	}
	if err := os.MkdirAll(filepath.Join(dir, "etc/modkeep"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "etc/modkeep/policy.yaml"), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// compareDropIn has weak-modules --add-kernel do the same in another root.
func (s *bootSite) compareDropIn(forced map[string]*loader.Verdict) {
	t := s.t
	t.Helper()
	other := s.root()
	s.force(other, forced)
	bootRun(t, "weak-modules", "--basedir", other, "--no-initramfs", "--add-kernel", s.kernel.Release)
	if diff := gocmp.Diff(s.tree(s.dir), s.tree(other)); diff != "" {
		t.Errorf("links and modules.dep (-link +weak-modules --add-kernel):\n%s", diff)
	}
}

// tree returns the links of a root with their texts, and its modules.dep.
func (s *bootSite) tree(dir string) []string {
	s.t.Helper()
	modules := filepath.Join(dir, "lib/modules", s.kernel.Release)
	dep, err := os.ReadFile(filepath.Join(modules, "modules.dep"))
	if err != nil {
		s.t.Fatal(err)
	}
	list := strings.Split(string(dep), "\n")
	slices.Sort(list)
	err = filepath.WalkDir(filepath.Join(modules, "weak-updates"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type() == fs.ModeSymlink {
			text, _ := os.Readlink(path)
			list = append(list, strings.TrimPrefix(path, dir)+" -> "+text)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	return list
}

// hold compares what the kernel did with what was planned.
func (s *bootSite) hold(probes []kerneltest.Probe, links map[string]string, forced map[string]*loader.Verdict) {
	t := s.t
	t.Helper()
	needs, err := kerneltest.DependsOn(s.dir, s.kernel.Release)
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{} // modules that an earlier probe has left
	came, chained := 0, 0
	for _, p := range probes {
		if p.File != links[p.Name] {
			t.Errorf("%s: modinfo -n says %q, want %q", p.Name, p.File, links[p.Name])
		}
		broken := forcedAmong(append(slices.Clone(needs[p.Name]), p.Name), forced)
		switch {
		case len(broken) > 0:
			refusedAs(t, p, broken)
		case !p.Loads() && failed(p, needs[p.Name]):
			// What it needs found no hardware: modprobe goes no further.
		case !p.Loads():
			t.Errorf("%s: status %d, %s; did not reach its init\n%s", p.Name, p.Status, p.Output, text(p))
		case p.Status != 0 && !slices.Contains(p.Initialized(), p.Name):
			t.Errorf("%s: status %d, %s", p.Name, p.Status, p.Output)
		default:
			came++
			if cameInOrder(t, p, needs[p.Name], kept, links) {
				chained++
			}
		}
		for _, name := range p.Kept {
			kept[name] = true
		}
	}
	if came == 0 && len(links) > len(forced) {
		t.Error("no linked module was loaded")
	}
	t.Logf("%d reached their init function, %d of them after other linked modules; %d were refused as planned", came, chained, len(forced))
}

// failed reports whether one of a module's needs was called and did not stay.
func failed(p kerneltest.Probe, needs []string) bool {
	return slices.ContainsFunc(needs, func(name string) bool {
		return slices.Contains(p.Initialized(), name) && !slices.Contains(p.Came, name)
	})
}

// forcedAmong returns the verdicts of the names that were linked by force.
func forcedAmong(names []string, forced map[string]*loader.Verdict) (list []*loader.Verdict) {
	for _, name := range names {
		if v := forced[name]; v != nil {
			list = append(list, v)
		}
	}
	return list
}

// refusedAs makes sure that the kernel said what one of the verdicts says, which
// are in the order of loading: modprobe ends at the first. What the kernel says
// once a boot, that it is tainted, may be missing.
func refusedAs(t *testing.T, p kerneltest.Probe, broken []*loader.Verdict) {
	t.Helper()
	v := broken[0]
	taint := func(line string) bool { return strings.Contains(line, "taint") }
	want := slices.DeleteFunc(slices.Clone(v.Log), taint)
	got := slices.DeleteFunc(p.Refusal(), taint)
	if p.Status == 0 || p.Loads() {
		t.Errorf("%s: status %d, loaded %v; want it refused: %s", p.Name, p.Status, p.Loads(), want)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("%s: lines of the kernel (-verdict on %s +kernel):\n%s", p.Name, v.Name, diff)
	}
	if v.Name == p.Name && p.Output != v.Modprobe {
		t.Errorf("%s: modprobe says %q, want %q", p.Name, p.Output, v.Modprobe)
	}
}

// cameInOrder makes sure that what a module needs came before it, and reports
// whether other linked modules were among that.
func cameInOrder(t *testing.T, p kerneltest.Probe, needs []string, kept map[string]bool, links map[string]string) (chained bool) {
	t.Helper()
	order := slices.Clone(p.Came)
	if !slices.Contains(order, p.Name) {
		order = append(order, p.Name) // its init failed
	}
	for _, need := range needs {
		chained = chained || links[need] != ""
		if at := slices.Index(order, need); at < 0 && !kept[need] || cmp.Compare(at, slices.Index(order, p.Name)) >= 0 {
			t.Errorf("%s: needs %s; came in the order %v", p.Name, need, order)
		}
	}
	return chained
}

// text is the kernel's log of a probe.
func text(p kerneltest.Probe) string {
	var b strings.Builder
	for _, l := range p.Log {
		fmt.Fprintln(&b, l.Text)
	}
	return b.String() + p.Console
}
