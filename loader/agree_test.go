package loader_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"modkeep/internal/kerneltest"
	"modkeep/kernel"
	"modkeep/loader"
)

// addresses stands for what a kernel prints of memory: a verdict says ADDRESS.
var addresses = regexp.MustCompile(`\b(loc|val) [0-9a-fA-F]+`)

// loaderLines returns what the kernel's loader itself said in an attempt. What
// modules that were loaded before say in the meantime is their own affair:
// cfg80211 misses its regulatory.db some seconds after it has come.
func loaderLines(r *kerneltest.Result, module string) []string {
	lines := []string{}
	for _, l := range r.LoaderLog() {
		if slices.ContainsFunc(r.LoadedBefore, func(m kerneltest.LoadedModule) bool {
			return m.Name != module && strings.HasPrefix(l.Text, m.Name+": ")
		}) {
			continue
		}
		lines = append(lines, addresses.ReplaceAllString(l.Text, "$1 ADDRESS"))
	}
	return lines
}

// predict judges an attempt as the machine stood before it: what had been
// loaded, the taints the kernel had, and whether it held any keys.
func predict(k *kernel.Kernel, a *kerneltest.Attempt, r *kerneltest.Result, saidBTF bool) *loader.Verdict {
	opts := loader.Options{Cmdline: a.Cmdline, Tainted: r.TaintBefore, Comm: "init", Flags: a.Flags, Params: a.Params, InitModule: a.Init}
	var others []*loader.Module
	for _, m := range r.LoadedBefore {
		opts.Loaded = append(opts.Loaded, m.Name)
		if m.File != "" {
			others = append(others, loader.Read(m.File))
		}
	}
	t := loader.NewTarget(k, opts)
	t.SaidBTF = saidBTF
	if r.Keys == 0 {
		t.Keys = func() ([]*x509.Certificate, bool) { return nil, true }
	}
	return t.CheckLoaded(loader.Read(a.Module), others)
}

// disagreement says how a prediction and the kernel's answer differ; "" where
// they do not.
func disagreement(v *loader.Verdict, r *kerneltest.Result) string {
	switch {
	case r.Crashed && r.Loads() && v.Loads:
		return "" // the machine died in the module's own code
	case r.Crashed && !r.Loads() && v.MayCrash != "":
		return "" // as the verdict said it might
	case r.Crashed:
		return fmt.Sprintf("predicted loads=%v, the machine died or hung in the kernel's", v.Loads)
	case v.Loads != r.Loads():
		return fmt.Sprintf("predicted loads=%v, the kernel says %v", v.Loads, r.Loads())
	case !v.Loads && v.Errno != r.Errno:
		return fmt.Sprintf("predicted %s, the kernel says %s", v.Errno, r.Errno)
	}
	if got := loaderLines(r, v.Name); !slices.Equal(v.Log, got) {
		return "the kernel's lines differ"
	}
	return ""
}

// tally counts attempts for the table of results.
type tally struct {
	release                              string
	attempts, refused, mutants, disagree int
	crashed                              int // the machine died in the module's own code
	warned                               int // the machine died in the kernel's, and the verdict said that it might
	again                                int // a machine died of what earlier attempts had left, the answer is from a fresh one
	keyless                              int // in a boot that had not read the kernel's own certificates
	rules                                map[string]int
}

// agree runs a plan on a kernel and reports every disagreement.
func agree(t *testing.T, k kerneltest.Kernel, attempts []kerneltest.Attempt) tally {
	t.Helper()
	results, err := kerneltest.Boot(context.Background(), k.Machine(), kerneltest.Plan{Attempts: attempts})
	if err != nil {
		t.Fatalf("boot %s: %v", k.Release, err)
	}
	kern, err := kernel.Open(k.Root, k.Release, kernel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := tally{release: k.Release + " " + k.Arch, rules: map[string]int{}}
	saidBTF := map[int]bool{} // by boot: the line is printed once
	for i := range attempts {
		a, r := &attempts[i], &results[i]
		v := predict(kern, a, r, saidBTF[r.Boot])
		saidBTF[r.Boot] = saidBTF[r.Boot] || slices.ContainsFunc(r.Log, func(l kerneltest.Line) bool {
			return strings.HasPrefix(l.Text, "Kernel module BTF mismatch detected")
		})
		n.attempts++
		switch {
		case r.Crashed && r.Loads():
			n.crashed++
		case r.Crashed && v.MayCrash != "":
			n.warned++
		}
		if r.Crashed {
			t.Logf("%s: %s (rule %q): died or hung; reached its init: %v; verdict: loads=%v, may crash: %q", k.Release, a.ID, a.Rule, r.Loads(), v.Loads, v.MayCrash)
		}
		if r.Again {
			n.again++
			t.Logf("%s: %s (rule %q): died or hung, answered alone in a fresh boot; the console's end:\n%s", k.Release, a.ID, a.Rule, r.Console[max(0, len(r.Console)-2000):])
		}
		if r.Keys == 0 {
			n.keyless++
		}
		if a.Rule != "" {
			n.mutants++
			n.rules[a.Rule]++
		}
		if !r.Loads() {
			n.refused++
		}
		if d := disagreement(v, r); d != "" {
			n.disagree++
			t.Errorf("%s: %s (rule %q; boot %d, %d keys): %s\n  predicted %s\n    %s\n  kernel    %s\n    %s", k.Release, a.ID, a.Rule, r.Boot, r.Keys, d,
				v.Errno, strings.Join(v.Log, "\n    "), r.Errno, strings.Join(loaderLines(r, v.Name), "\n    "))
		}
	}
	if n.again*20 > n.attempts {
		t.Errorf("%s: machines died in %d of %d attempts, and not when asked again alone", k.Release, n.again, n.attempts)
	}
	if n.keyless*2 > n.attempts {
		t.Errorf("%s: %d of %d attempts in boots without keys: signatures were not judged", k.Release, n.keyless, n.attempts)
	}
	t.Logf("%s: %d attempts (%d in boots without keys), %d refused, %d mutants, %d disagree", n.release, n.attempts, n.keyless, n.refused, n.mutants, n.disagree)
	return n
}

// writeReport writes the table of results: a line a kernel, and how often each
// rule was tried.
func writeReport(t *testing.T, path string, tallies []tally) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "# Agreement with real kernels\n\nMade by `scripts/agreement`: modules loaded with finit_module(2) in emulated machines, each answer\n"+
		"(loads or not, errno, every line of the kernel's log) held against the verdict. An attempt that reaches\nthe module's own init function counts as loaded. Where a machine died in the kernel's own code, the verdict\n"+
		"must have said that it may. One that died of what earlier attempts had left in it is asked again, with that\n"+
		"attempt alone; that answer counts.\n\n"+
		"| kernel | attempts | refused | mutants | died in the module's own code | died in the kernel's, as warned | asked again, alone | disagree |\n|---|---|---|---|---|---|---|---|\n")
	all := tally{release: "all", rules: map[string]int{}}
	line := func(n tally) {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %d |\n", n.release, n.attempts, n.refused, n.mutants, n.crashed, n.warned, n.again, n.disagree)
	}
	for _, n := range tallies {
		line(n)
		all.attempts, all.refused, all.mutants = all.attempts+n.attempts, all.refused+n.refused, all.mutants+n.mutants
		all.crashed, all.warned, all.again, all.disagree = all.crashed+n.crashed, all.warned+n.warned, all.again+n.again, all.disagree+n.disagree
		for r, c := range n.rules {
			all.rules[r] += c
		}
	}
	line(all)
	b.WriteString("\nMutants tried, by the rule they are meant to provoke:\n\n| rule | attempts |\n|---|---|\n")
	for _, r := range slices.Sorted(maps.Keys(all.rules)) {
		fmt.Fprintf(&b, "| %s | %d |\n", r, all.rules[r])
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestOracleAgreement holds verdicts against real kernels. MODKEEP_AGREE names
// the kernels (patterns on the release, separated by blanks), MODKEEP_AGREE_N
// the attempts on each, MODKEEP_AGREE_REPORT a file for the table of results.
func TestOracleAgreement(t *testing.T) {
	kernels := agreementKernels(t)
	tallies := make([]tally, len(kernels))
	t.Run("on", func(t *testing.T) {
		for i, k := range kernels {
			t.Run(k.Release, func(t *testing.T) {
				t.Parallel() // a machine takes one processor
				tallies[i] = agreeOn(t, k)
			})
		}
	})
	if path := os.Getenv("MODKEEP_AGREE_REPORT"); path != "" {
		writeReport(t, path, tallies)
	}
}

// agreeOn asks a kernel as many questions as the budget allows.
func agreeOn(t *testing.T, k kerneltest.Kernel) tally {
	t.Helper()
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	attempts, err := cache.Attempts(kerneltest.Selection{Kernel: k, Budget: agreementBudget(), Seed: agreementSeed(), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	n := agree(t, k, attempts)
	if n.attempts < agreementBudget() || n.refused*10 < n.attempts*3 || n.mutants*10 > n.attempts*6 {
		t.Errorf("too thin: %d attempts, %d refused, %d mutants", n.attempts, n.refused, n.mutants)
	}
	return n
}

func agreementSeed() uint64 {
	seed := uint64(1)
	fmt.Sscan(os.Getenv("MODKEEP_AGREE_SEED"), &seed)
	return seed
}

func agreementBudget() int {
	n := 100
	fmt.Sscan(os.Getenv("MODKEEP_AGREE_N"), &n)
	return n
}

func agreementKernels(t *testing.T) []kerneltest.Kernel {
	t.Helper()
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	all, err := cache.Kernels()
	if err != nil || len(all) == 0 {
		if os.Getenv("MODKEEP_ORACLES") == "required" {
			t.Fatalf("no kernels in the cache: %v", err)
		}
		t.Skipf("SKIPPED: no kernels in the cache (go run ./internal/kerneltest/lab fetch --set ci): %v", err)
	}
	pattern := os.Getenv("MODKEEP_AGREE")
	slices.Reverse(all) // the newest of each series comes first
	var out []kerneltest.Kernel
	for _, k := range all {
		if pattern != "" {
			if slices.ContainsFunc(strings.Fields(pattern), func(p string) bool { ok, _ := filepath.Match(p, k.Release); return ok }) {
				out = append(out, k)
			}
			continue
		}
		sameSeries := func(o kerneltest.Kernel) bool { return o.Series == k.Series }
		if k.Arch == "amd64" && strings.Contains(k.Release, "cloud") && len(out) < 2 && !slices.ContainsFunc(out, sameSeries) {
			out = append(out, k)
		}
	}
	return out
}
