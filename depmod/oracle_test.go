package depmod

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"modkeep/internal/kerneltest/oracle"
)

const krel = "6.1.0-56-amd64"

// The search orders that distributions ship.
var searchOrders = map[string]string{
	"default":      "",
	"rhel":         "search updates extra built-in weak-updates\n",
	"suse":         "search updates extra weak-updates kgraft built-in\n",
	"ubuntu":       "search updates ubuntu built-in\n",
	"weak-modules": "search external extra built-in weak-updates\nexternal * /ext/weak\n",
	"external":     "search updates external built-in\nexternal * /ext/one\nexternal * /ext/two\n",
	"not-listed":   "search extra built-in\n",
	"no-built-in":  "search extra updates\n",
	"nested":       "search updates/x updates built-in extra extra/y\n",
	"twice":        "search updates built-in\nsearch weak-updates updates\n",
	"exclude":      "search updates built-in\nexclude x y.ko extra\n",
}

// depmodN runs depmod -n on a root with the configuration text and returns
// its modules.dep part and what it said. External directories, which it does
// not look for below the root, are given to it with the root put in front.
func depmodN(t testing.TB, root, conf string) (dep, said string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "oracle.conf")
	conf = strings.ReplaceAll(conf, " /ext/", " "+root+"/ext/")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(oracle.Tool(t, "depmod"), "-n", "-b", root, "-C", file, krel)
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // a cycle is told by its status too
	dep, _, _ = strings.Cut(out.String(), "# Aliases extracted")
	return strings.ReplaceAll(dep, root+"/ext/", "/ext/"), errs.String()
}

func scanDep(t testing.TB, root, conf string) (tree *Tree, dep string, err error) {
	t.Helper()
	c := &Config{Extensions: []string{".ko", ".ko.xz", ".ko.zst"}} // as Debian's kmod
	c.Parse(strings.NewReader(conf), "oracle.conf")
	tree, err = Scan(root, krel, c)
	if err != nil {
		t.Fatal(err)
	}
	g, err := tree.Deps(func(f *File) (Symbols, error) {
		s, err := ReadSymbols(f)
		if err != nil {
			return Symbols{}, nil // an empty file made for the test
		}
		return s, nil
	})
	var b strings.Builder
	if err := g.WriteDep(&b); err != nil {
		t.Fatal(err)
	}
	return tree, b.String(), err
}

// TestOracleSelection makes trees by chance, with duplicates in every corner,
// and holds what is selected and the dependencies against depmod -n.
func TestOracleSelection(t *testing.T) {
	oracle.Tool(t, "depmod")
	for name, search := range searchOrders {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(12) {
				root := t.TempDir()
				r := rand.New(rand.NewPCG(seed, 7))
				conf := search + overrides(r)
				plant(t, r, root)
				want, _ := depmodN(t, root, conf)
				tree, got, err := scanDep(t, root, conf)
				if err != nil {
					t.Fatal(err)
				}
				if len(tree.Shadowed) == 0 {
					t.Error("the tree has no duplicates: it shows nothing")
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("seed %d, conf:\n%s\n-depmod +Scan:\n%s", seed, conf, d)
				}
			}
		})
	}
}

var (
	plantDirs  = []string{"kernel/a", "kernel/b/x", "updates", "updates/x", "updates/x/deep", "extra", "extra/y", "weak-updates/z", "weak-updates", "kgraft", "vendor", "ubuntu", ".hidden", "build", "source", "kernel/build"}
	plantNames = []string{"foo", "foo-bar", "foo_bar", "baz", "a.b", "e1000e", "x", "y", "nvme-core", "very-long-name_of-a-module", "snd.x-y"}
	plantExts  = []string{".ko", ".ko", ".ko", ".ko.xz", ".ko.zst", ".ko.gz", ".o", ".ko.bak"}
)

func overrides(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(4) {
		kernel := []string{"*", krel, "^6\\.1", "7.9", "6.1.0-[0-9]+-amd64$"}[r.IntN(5)]
		fmt.Fprintf(&b, "override %s %s %s\n", plantNames[r.IntN(len(plantNames))], kernel, plantDirs[r.IntN(len(plantDirs))])
	}
	return b.String()
}

// plant fills a root with module files: some with symbols, so that there are
// dependencies, some empty, some as links.
func plant(t testing.TB, r *rand.Rand, root string) {
	t.Helper()
	dir := filepath.Join(root, "lib/modules", krel)
	var order []string
	for range 60 {
		at := filepath.Join(dir, plantDirs[r.IntN(len(plantDirs))])
		if r.IntN(8) == 0 {
			at = filepath.Join(root, []string{"ext/one", "ext/two/deep", "ext/weak"}[r.IntN(3)])
		}
		file := filepath.Join(at, plantNames[r.IntN(len(plantNames))]+plantExts[r.IntN(len(plantExts))])
		mkdir(t, at)
		switch r.IntN(6) {
		case 0:
			other := filepath.Join(root, "lib/modules/6.1.0-1-amd64/extra", fmt.Sprint(r.IntN(1000)))
			write(t, other, chanceModule(r))
			rel, err := filepath.Rel(at, other)
			if err != nil {
				t.Fatal(err)
			}
			_ = os.Symlink(rel, file)
		case 1:
			_ = os.Symlink("/nowhere/at/all", file)
		default:
			if _, err := os.Lstat(file); err != nil {
				write(t, file, pack(t, file, chanceModule(r)))
			}
		}
		if p, err := filepath.Rel(dir, file); err == nil && r.IntN(3) == 0 {
			base, _, _ := strings.Cut(p, ".ko")
			order = append(order, base+".ko")
		}
	}
	mkdir(t, filepath.Join(dir, "kernel"))
	for _, ext := range []string{"ext/one", "ext/two", "ext/weak"} {
		mkdir(t, filepath.Join(root, ext))
	}
	if r.IntN(4) > 0 {
		write(t, filepath.Join(dir, "modules.order"), []byte(strings.Join(order, "\n")+"\n"))
	}
}

// pack compresses a module as its file's name says.
func pack(t testing.TB, file string, module []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch filepath.Ext(file) {
	case ".xz":
		w, err = xz.NewWriter(&b)
	case ".zst":
		w, err = zstd.NewWriter(&b)
	default:
		return module
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(module); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// chanceModule makes a module that needs only symbols of lower number than it
// exports, so that no circle arises.
func chanceModule(r *rand.Rand) []byte {
	if r.IntN(5) == 0 {
		return nil
	}
	n := 1 + r.IntN(12)
	var m elfModule
	for range r.IntN(3) {
		m.exports = append(m.exports, fmt.Sprintf("sym_%d", n))
	}
	for range r.IntN(4) {
		m.needs = append(m.needs, fmt.Sprintf("sym_%d", r.IntN(n)))
	}
	if r.IntN(3) == 0 {
		m.versions = append(m.versions, "module_layout", fmt.Sprintf("sym_%d", r.IntN(n)))
	}
	m.noCRC = r.IntN(4) == 0
	return m.bytes()
}

func TestOracleCycles(t *testing.T) {
	oracle.Tool(t, "depmod")
	for name, graph := range map[string]map[string][]string{
		"two":           {"a": {"b"}, "b": {"a"}},
		"self":          {"a": {"a"}},
		"three":         {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}},
		"with a leaf":   {"a": {"b", "l"}, "b": {"a", "l"}, "l": nil},
		"below a user":  {"u": {"a"}, "a": {"b"}, "b": {"a"}},
		"two of them":   {"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"e"}, "e": {"c"}},
		"both at a hub": {"h": {"a", "b"}, "a": {"h"}, "b": {"h"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for m, needs := range graph {
				e := elfModule{exports: []string{"give_" + m}}
				for _, n := range needs {
					e.needs = append(e.needs, "give_"+n)
				}
				write(t, filepath.Join(root, "lib/modules", krel, "kernel", m+".ko"), e.bytes())
			}
			_, want := depmodN(t, root, "")
			_, _, err := scanDep(t, root, "")
			if err == nil {
				t.Fatal("no cycle found")
			}
			var got strings.Builder
			for line := range strings.Lines(err.Error() + "\n") {
				got.WriteString("depmod: ERROR: " + line)
			}
			var kept []string
			for line := range strings.Lines(want) {
				if !strings.Contains(line, "modules.order") && !strings.Contains(line, "modules.builtin") {
					kept = append(kept, line)
				}
			}
			if d := cmp.Diff(strings.Join(kept, ""), got.String()); d != "" {
				t.Errorf("-depmod +Deps:\n%s", d)
			}
		})
	}
}

// TestOracleChroot compares with a depmod that sees the root as its own: then
// absolute links lead to the same files, and the depmod.d directories are read.
func TestOracleChroot(t *testing.T) {
	if os.Getuid() != 0 {
		oracle.Missing(t, "chroot needs root")
	}
	root := t.TempDir()
	transplant(t, root, oracle.Tool(t, "depmod"))
	base := filepath.Join(root, "lib/modules")
	needy := elfModule{needs: []string{"give"}}
	giver := elfModule{exports: []string{"give"}}
	write(t, filepath.Join(base, krel, "kernel/c.ko"), needy.bytes())
	write(t, filepath.Join(base, krel, "kernel/p.ko"), giver.bytes())
	write(t, filepath.Join(base, "6.1.0-1-amd64/extra/v/p.ko"), giver.bytes())
	write(t, filepath.Join(base, "6.1.0-1-amd64/extra/v/q-r.ko"), needy.bytes())
	write(t, filepath.Join(root, "opt/vendor/drv/drv.ko"), needy.bytes())
	write(t, filepath.Join(root, "ext/one/e.ko"), needy.bytes())
	mkdir(t, filepath.Join(base, krel, "weak-updates"))
	links := map[string]string{
		"weak-updates/p.ko":    "/lib/modules/6.1.0-1-amd64/extra/v/p.ko",
		"weak-updates/q-r.ko":  "/lib/modules/6.1.0-1-amd64/extra/v/q-r.ko",
		"weak-updates/gone.ko": "/lib/modules/6.1.0-1-amd64/extra/v/gone.ko",
		"weak-updates/up.ko":   "../../../../../../../../opt/vendor/drv/drv.ko",
		"vendor":               "/opt/vendor",
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(base, krel, name)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(root, "etc/depmod.d/dist.conf"), []byte("search updates extra weak-updates \\\n built-in\n"))
	write(t, filepath.Join(root, "run/depmod.d/dist.conf"), []byte("search built-in weak-updates\n"))
	write(t, filepath.Join(root, "usr/local/lib/depmod.d/zz.conf"), []byte("external * /ext/one\noverride q-r * kernel\n"))
	write(t, filepath.Join(root, "lib/depmod.d/aa.conf"), []byte("override p 9.9 kernel\n"))
	write(t, filepath.Join(root, "lib/depmod.d/aa.conf~"), []byte("override p * kernel\n"))
	out, err := exec.Command("chroot", root, "/depmod", "-n", krel).Output()
	if err != nil {
		t.Fatalf("chroot depmod: %v", err)
	}
	want, _, _ := strings.Cut(string(out), "# Aliases")
	config, err := ReadConfig(root)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := Scan(root, krel, config)
	if err != nil {
		t.Fatal(err)
	}
	g, err := tree.Deps(ReadSymbols)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := g.WriteDep(&got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got.String()); d != "" {
		t.Errorf("-depmod +Deps:\n%s", d)
	}
	if f := tree.Module("p"); f == nil || f.Rel != "weak-updates/p.ko" || f.Link != "/lib/modules/6.1.0-1-amd64/extra/v/p.ko" {
		t.Errorf("Module(p) = %+v", f)
	}
}

// transplant copies a program and the libraries it wants into a root.
func transplant(t *testing.T, root, program string) {
	t.Helper()
	copyFile(t, program, filepath.Join(root, "depmod"))
	out, err := exec.Command("ldd", program).Output()
	if err != nil {
		oracle.Missing(t, "ldd: %s", err.Error())
	}
	for _, word := range strings.Fields(string(out)) {
		if strings.HasPrefix(word, "/") {
			copyFile(t, word, filepath.Join(root, word))
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, b)
	if err := os.Chmod(to, 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestOracleRealTree holds modules.dep of whole Debian kernels against
// depmod -n: the cloud kernel's, and with MODKEEP_FULL=1 every kernel's.
func TestOracleRealTree(t *testing.T) {
	program := oracle.Tool(t, "depmod")
	root := cacheRoot(t)
	kernels, err := filepath.Glob(root + "/lib/modules/*/kernel")
	if err != nil {
		t.Fatal(err)
	}
	if len(kernels) == 0 {
		oracle.Missing(t, "no kernels in the cache")
	}
	slices.Sort(kernels)
	full, done := os.Getenv("MODKEEP_FULL") == "1", 0
	for _, dir := range kernels {
		k := filepath.Base(filepath.Dir(dir))
		if !full && (!strings.Contains(k, "cloud") || !strings.HasPrefix(k, "6.1.") || done > 0) {
			continue
		}
		done++
		t.Run(k, func(t *testing.T) {
			out, err := exec.Command(program, "-n", "-b", root, "-C", "/dev/null", k).Output()
			if err != nil {
				t.Fatal(err)
			}
			want, _, _ := strings.Cut(string(out), "# Aliases extracted")
			tree, err := Scan(root, k, nil)
			if err != nil {
				t.Fatal(err)
			}
			g, err := tree.Deps(ReadSymbols)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			if err := g.WriteDep(&got); err != nil {
				t.Fatal(err)
			}
			if got.String() != want {
				t.Errorf("modules.dep differs:\n%s", cmp.Diff(strings.Split(want, "\n"), strings.Split(got.String(), "\n")))
			}
			if n := strings.Count(want, "\n"); n < 1000 {
				t.Errorf("depmod listed %d modules only", n)
			}
		})
	}
	if done == 0 {
		oracle.Missing(t, "no 6.1 cloud kernel in the cache")
	}
}
