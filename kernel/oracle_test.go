package kernel

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/oracle"
	"modkeep/symvers"

	"github.com/google/go-cmp/cmp"
)

// eachKernel runs a test on the cached kernels: one an architecture, or all
// with MODKEEP_FULL=1.
func eachKernel(t *testing.T, test func(t *testing.T, root, krel string)) {
	full, ran := os.Getenv("MODKEEP_FULL") == "1", 0
	for arch, root := range cacheRoots(t) {
		kernels, err := List(root)
		if err != nil {
			t.Fatal(err)
		}
		for i, krel := range kernels {
			if full || i == 0 || i == len(kernels)-1 {
				t.Run(arch+"/"+krel, func(t *testing.T) { test(t, root, krel) })
				ran++
			}
		}
	}
	if ran == 0 {
		oracle.Missing(t, "no kernels in the cache")
	}
}

// TestOracleFacts holds vermagic, the one composed from the configuration, and
// the version against what modinfo says of a module and Debian of the package.
func TestOracleFacts(t *testing.T) {
	modinfo := oracle.Tool(t, "modinfo")
	eachKernel(t, func(t *testing.T, root, krel string) {
		k, err := Open(root, krel, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		last := k.Tree().Modules[len(k.Tree().Modules)-1]
		out, err := exec.Command(modinfo, "-F", "vermagic", last.Path).Output()
		if err != nil {
			t.Fatal(err)
		}
		want := strings.TrimSuffix(string(out), "\n")
		if v := k.Vermagic(); v.Raw != want || !v.Known {
			t.Errorf("Vermagic = %+v, modinfo says %q", v, want)
		}
		composed, ok := composeVermagic(krel, k.Config(), k.headerFiles().randHash)
		if !ok || composed != want {
			t.Errorf("composed vermagic %q, modinfo says %q", composed, want)
		}
		if v := k.Version(); !v.Exact || !strings.Contains(k.Banner(), "Debian "+v.Text) {
			t.Errorf("version %+v, banner %q", v, k.Banner())
		}
		if d := k.Distro(); d.ID != "debian" {
			t.Errorf("distro %+v", d)
		}
		on, known := k.Modversions()
		if !known || on != strings.Contains(want, "modversions") {
			t.Errorf("Modversions = %v, %v; vermagic %q", on, known, want)
		}
		if p := k.Problems(); len(p) > 0 {
			t.Errorf("problems: %v", p)
		}
	})
}

// TestOracleFromSymvers: a header package alone tells the same as the kernel.
func TestOracleFromSymvers(t *testing.T) {
	eachKernel(t, func(t *testing.T, root, krel string) {
		file := filepath.Join(root, "usr/src/linux-headers-"+krel, "Module.symvers")
		if _, err := os.Stat(file); err != nil {
			t.Skip("no headers of this kernel in the cache")
		}
		whole, err := Open(root, krel, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer whole.Close()
		k, err := FromSymvers(file)
		if err != nil {
			t.Fatal(err)
		}
		if k.Release != krel || k.Vermagic().Raw != whole.Vermagic().Raw || k.Arch() != whole.Arch() || k.Version().Text != whole.Version().Text || k.Distro().ID != "debian" {
			t.Errorf("release %q, vermagic %q, arch %q, version %+v, distro %+v", k.Release, k.Vermagic().Raw, k.Arch(), k.Version(), k.Distro())
		}
		for _, name := range []string{"BUILD_SALT", "MODULE_SIG_ALL", "MODULE_SIG_KEY", "SYSTEM_TRUSTED_KEYS"} {
			delete(k.Config().Values, name) // Debian takes them out of /boot/config-KREL
		}
		if d := cmp.Diff(whole.Config().Values, k.Config().Values); d != "" {
			t.Errorf("configurations differ: -kernel +headers:\n%.2000s", d)
		}
	})
}

// TestOracleWithoutTable: what is put together from the image and the module
// files is what the build listed in Module.symvers.
func TestOracleWithoutTable(t *testing.T) {
	eachKernel(t, func(t *testing.T, root, krel string) {
		with, err := Open(root, krel, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer with.Close()
		table, origin := with.Table()
		if origin.Kind != Symvers || origin.Trust != Exact {
			t.Skip("no table of this kernel in the cache")
		}
		without, err := Open(root, krel, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer without.Close()
		without.table.get(without.imageTable)
		got, err := without.Exports(SetKernel)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(table.Exports)
		slices.SortFunc(want, func(a, b symvers.Export) int { return strings.Compare(a.Symbol, b.Symbol) })
		var rows []symvers.Export
		for _, p := range got {
			rows = append(rows, p.Export)
		}
		if d := cmp.Diff(want, rows); d != "" {
			t.Errorf("-Module.symvers +image and modules:\n%.3000s", d)
		}
		if n := len(without.Problems()); n > 0 {
			t.Errorf("%d problems: %v", n, without.Problems()[0])
		}
	})
}

// TestOracleProviders: of a tree with replaced, doubled and added modules,
// every symbol's provider is the module that depmod's modules.symbols names.
func TestOracleProviders(t *testing.T) {
	root := root(t)
	write(t, root, dir+"extra/third.ko", outOfTree(crcs{"twice": 1, "weak": 2, "third": 3}))
	write(t, root, dir+"updates/another.ko", outOfTree(crcs{"twice": 1, "in_tree": 2, "weak": 9}))
	if err := os.Remove(filepath.Join(root, dir+"weak-updates/weak.ko")); err != nil {
		t.Fatal(err)
	}
	link(t, root, dir+"weak-updates/weak.ko", "../../6.1.0-1-amd64/extra/weak.ko") // depmod -b cannot follow the other
	checkProviders(t, root, open(t, root), map[string]bool{"printk": true}, 8)
}

// TestOracleProvidersReal is the same on a whole Debian kernel.
func TestOracleProvidersReal(t *testing.T) {
	eachKernel(t, func(t *testing.T, root, krel string) {
		k, err := Open(root, krel, Options{Depmod: nil})
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		if _, o := k.Table(); o.Kind != Symvers {
			t.Skip("no table of this kernel in the cache")
		}
		checkProviders(t, root, k, nil, 500)
	})
}

func checkProviders(t *testing.T, root string, k *Kernel, inImage map[string]bool, least int) {
	t.Helper()
	out, err := exec.Command(oracle.Tool(t, "depmod"), "-n", "-b", root, "-C", "/dev/null", k.Release).Output()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != "alias" || !strings.HasPrefix(f[1], "symbol:") {
			continue
		}
		symbol := strings.TrimPrefix(f[1], "symbol:")
		if !k.exportsReally(f[2], symbol) {
			continue // without modversions depmod takes names of namespaces for symbols
		}
		checked++
		p, ok := k.Provider(symbol)
		switch {
		case inImage[symbol]:
			if p.State != Builtin {
				t.Errorf("Provider(%s) = %+v, the image has it", symbol, p)
			}
		case !ok || p.Module != f[2] || p.State != Installed:
			t.Errorf("Provider(%s) = %+v, depmod says %s", symbol, p, f[2])
		}
	}
	if checked < least {
		t.Errorf("depmod named %d symbols only", checked)
	}
}

func (k *Kernel) exportsReally(module, symbol string) bool {
	_, ok := k.module(k.Tree().Module(module)).find(symbol)
	return ok
}
