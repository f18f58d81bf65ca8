package depmod

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/cputime"
)

func TestModuleName(t *testing.T) {
	for path, want := range map[string]string{
		"kernel/drivers/net/e1000e.ko":    "e1000e",
		"snd-hda-intel.ko.xz":             "snd_hda_intel",
		"/a-b/c-d.ko":                     "c_d",
		"a.b.ko":                          "a",
		"nvidia-uvm":                      "nvidia_uvm",
		"":                                "",
		"/":                               "",
		"drivers/infiniband/core/ib_core": "ib_core",
	} {
		if got := ModuleName(path); got != want {
			t.Errorf("ModuleName(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestParseConfig(t *testing.T) {
	const text = "# comment\nsearch updates \\\n  extra\tbuilt-in\n\n" +
		"override foo * extra\noverride bar ^5\\.14 weak-updates/x\nexternal * /ext/a\nexclude x y\n" +
		"make_map_files no\ninclude /etc/other\n" +
		"override lacks\nsearch more\n  # not a comment for kmod\nwhat is this\noverride foo [ extra\n"
	var c Config
	c.Parse(strings.NewReader(text), "t.conf")
	want := Config{
		Search: []string{"updates", "extra", "built-in", "more"},
		Overrides: []Override{
			{"foo", "*", "extra", "t.conf:5"},
			{"bar", "^5.14", "weak-updates/x", "t.conf:6"}, // a backslash is dropped, as kmod does
			{"foo", "[", "extra", "t.conf:15"},
		},
		Externals: []ExternalDir{{"*", "/ext/a", "t.conf:7"}},
		Excludes:  []string{"x", "y"},
		Problems: []Problem{
			{"t.conf:11", `ignoring bad line starting with "override"`},
			{"t.conf:13", `ignoring bad line starting with "#"`},
			{"t.conf:14", `ignoring bad line starting with "what"`},
			{"t.conf:15", `kernel pattern "[" is no regular expression, it matches no kernel`},
		},
	}
	if d := cmp.Diff(want, c); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	k := c.For("5x14.0-1")
	if len(k.Overrides) != 2 || k.Overrides[1].Module != "bar" {
		t.Errorf("For(5x14) has overrides %v", k.Overrides)
	}
	if k := c.For("6.1.0"); len(k.Overrides) != 1 {
		t.Errorf("For(6.1.0) has overrides %v", k.Overrides)
	}
}

func TestOracleConfigMessages(t *testing.T) {
	root := t.TempDir()
	mkdir(t, filepath.Join(root, "lib/modules", krel))
	conf := "override a b\nexternal x\n#ok\n #no\nnonsense here\n\\\nsearch a\\\nb c\nbad\\x y\n"
	_, said := depmodN(t, root, conf)
	var c Config
	c.Parse(strings.NewReader(conf), "oracle.conf")
	var want, got []string
	for line := range strings.Lines(said) {
		if _, after, ok := strings.Cut(line, "oracle.conf:"); ok {
			want = append(want, strings.ReplaceAll(strings.TrimSpace(after), "'", `"`))
		}
	}
	for _, p := range c.Problems {
		got = append(got, strings.TrimPrefix(p.String(), "oracle.conf:"))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-depmod +Parse:\n%s", d)
	}
	if len(got) == 0 {
		t.Error("nothing was said")
	}
}

func TestShadowedReasons(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "lib/modules", krel)
	for _, f := range []string{"kernel/net/foo.ko", "updates/foo.ko", "extra/foo.ko.xz", "weak-updates/bar-x.ko", "kernel/bar_x.ko", "weak-updates/over.ko", "kernel/over.ko"} {
		write(t, filepath.Join(dir, f), nil)
	}
	var c Config
	c.Parse(strings.NewReader("search updates extra built-in weak-updates\noverride over * weak-updates\n"), "dist.conf")
	tree, err := Scan(root, krel, &c)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]string{ // the loser: winner and reason
		"kernel/net/foo.ko":     {"updates/foo.ko", `"built-in"`},
		"extra/foo.ko.xz":       {"updates/foo.ko", `"extra"`},
		"weak-updates/bar-x.ko": {"kernel/bar_x.ko", `search: "built-in" goes before "weak-updates"`},
		"kernel/over.ko":        {"weak-updates/over.ko", "override over * weak-updates (dist.conf:2)"},
	}
	for _, s := range tree.Shadowed {
		w, ok := want[s.Rel]
		if !ok || s.By.Rel != w[0] || !strings.Contains(s.Reason, w[1]) {
			t.Errorf("%s is shadowed by %s: %s; want %v", s.Rel, s.By.Rel, s.Reason, w)
		}
		delete(want, s.Rel)
	}
	if len(want) > 0 {
		t.Errorf("not shadowed: %v", want)
	}
	if f := tree.Module("bar-x"); f == nil || f.Rel != "kernel/bar_x.ko" || !f.InKernel() {
		t.Errorf("Module(bar-x) = %+v", f)
	}
}

func TestResolve(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "usr/lib/modules/x.ko"), nil)
	links := map[string]string{
		"lib": "/usr/lib", "out": "../../../../usr/lib/modules/x.ko", "loop": "loop2", "loop2": "/loop",
		"gone": "/usr/nothing", "chain": "out", "usr/up": "../lib/modules",
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for p, want := range map[string]string{
		"/lib/modules/x.ko": "/usr/lib/modules/x.ko", "out": "/usr/lib/modules/x.ko", "/chain": "/usr/lib/modules/x.ko",
		"/usr/up/../modules/x.ko": "/usr/lib/modules/x.ko", "/": "/", "/../..": "/", "//usr/./lib/": "/usr/lib",
	} {
		if got, err := Resolve(root, p); got != want || err != nil {
			t.Errorf("Resolve(%q) = %q, %v; want %q", p, got, err, want)
		}
	}
	if _, err := Resolve(root, "/loop"); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("Resolve(/loop): %v, want ELOOP", err)
	}
	_, err := Resolve(root, "/gone")
	if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), root) {
		t.Errorf("Resolve(/gone): %v, want not exist, without the root's path", err)
	}
	if _, err := Resolve(root, "/out/below"); err == nil {
		t.Error("Resolve(/out/below): a file has nothing below it")
	}
}

// TestHostileTree has all that must be reported and not followed for ever.
func TestHostileTree(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "lib/modules", krel)
	write(t, filepath.Join(dir, "kernel/a.ko"), nil)
	mkdir(t, filepath.Join(dir, "kernel/locked"))
	links := map[string]string{
		"kernel/self": ".", "kernel/up": "/lib/modules/" + krel, "kernel/gone.ko": "/lib/modules/none.ko",
		"kernel/round.ko": "round.ko", "updates": "kernel", "kernel/null.ko": "/dev/null",
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "kernel/fifo.ko"), 0o644); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 {
		if err := os.Chmod(filepath.Join(dir, "kernel/locked"), 0); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(filepath.Join(dir, "kernel/locked"), 0o755)
	}
	tree, err := Scan(root, krel, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f := tree.Module("a"); f == nil || f.Path != filepath.Join(dir, "kernel/a.ko") {
		t.Errorf("Module(a) = %+v", f)
	}
	told := map[string]bool{}
	for _, p := range tree.Problems {
		told[strings.TrimPrefix(p.Path, tree.Dir+"/")] = true
		if strings.Contains(p.String(), root) {
			t.Errorf("problem names a path outside the root: %s", p)
		}
	}
	for _, name := range []string{"kernel/self", "kernel/up", "kernel/gone.ko", "kernel/round.ko", "kernel/fifo.ko", "kernel/null.ko"} {
		if !told[name] {
			t.Errorf("nothing said of %s", name)
		}
	}
}

// TestLinkMaze links every directory into every other one: followed to the end
// that would be 40! ways.
func TestLinkMaze(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "lib/modules", krel)
	write(t, filepath.Join(dir, "kernel/a.ko"), nil)
	for i := range 40 {
		at := filepath.Join(dir, "net", string(rune('A'+i)))
		mkdir(t, at)
		for j := range 40 {
			_ = os.Symlink("../"+string(rune('A'+j)), filepath.Join(at, string(rune('A'+j))))
		}
	}
	clock := cputime.Start()
	tree, err := Scan(root, krel, nil)
	if err != nil {
		t.Fatal(err)
	}
	cputime.Hold(t, clock.Took(), time.Second)
	if tree.Module("a") == nil {
		t.Error("the maze hid kernel/a.ko")
	}
	if n := len(tree.Problems); n != maxTold+1 {
		t.Errorf("%d problems", n)
	}
}

func TestScanWithoutTree(t *testing.T) {
	root := t.TempDir()
	for _, k := range []string{krel, "", ".", "..", "a/b", "x\x00"} {
		if tree, err := Scan(root, k, nil); err == nil {
			t.Errorf("Scan(%q) = %+v, want an error", k, tree)
		}
	}
	if _, err := Scan(root, krel, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Scan of nothing: %v, want not exist", err)
	}
	mkdir(t, filepath.Join(root, "usr/lib/modules", krel))
	tree, err := Scan(root, krel, nil)
	if err != nil || tree.Dir != "/usr/lib/modules/"+krel {
		t.Errorf("Scan below usr = %+v, %v", tree, err)
	}
}

func TestBuiltin(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "lib/modules", krel)
	write(t, filepath.Join(dir, "modules.builtin"), []byte("kernel/crypto/sha256-generic.ko\nkernel/fs/ext4.ko\n"))
	write(t, filepath.Join(dir, "modules.builtin.modinfo"), []byte("ext4.license=GPL\x00ext4.alias=fs-ext4\x00nvme-x.parm=a:b.c=d\x00"))
	tree, err := Scan(root, krel, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := tree.ReadBuiltin()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]Field{"ext4": {{"license", "GPL"}, {"alias", "fs-ext4"}}, "nvme_x": {{"parm", "a:b.c=d"}}}
	if d := cmp.Diff(want, b.Info); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if !b.Has("sha256_generic") || !b.Has("sha256-generic") || b.Has("nvme_x") || (*Builtin)(nil).Has("x") {
		t.Error("Has is wrong")
	}
	for _, bad := range []string{"ext4.license=GPL", "nodot\x00", "a.b\x00"} {
		if _, err := ParseBuiltinModinfo([]byte(bad)); err == nil {
			t.Errorf("ParseBuiltinModinfo(%q): want an error", bad)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add("search updates extra built-in\noverride foo * extra\nexternal ^6 /x\nexclude a\n", "6.1.0")
	f.Add("a\\\nb\\", "")
	f.Add("override a [[:digit:]]{2,900} b\n\x00\nsearch \x00 x\n", "6.12")
	f.Fuzz(func(t *testing.T, text, krel string) {
		var c Config
		c.Parse(strings.NewReader(text), "f")
		k := c.For(krel)
		if len(k.Search) == 0 || len(k.Overrides) > len(c.Overrides) {
			t.Error("For is wrong")
		}
		for _, s := range c.Search {
			if s == "" || strings.ContainsAny(s, " \t\n\x00") {
				t.Errorf("search word %q", s)
			}
		}
	})
}

func FuzzParseBuiltinModinfo(f *testing.F) {
	f.Add([]byte("ext4.license=GPL\x00ext4.alias=fs-ext4\x00"))
	f.Add([]byte("a.b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := ParseBuiltinModinfo(b)
		if err != nil && info != nil {
			t.Error("both a result and an error")
		}
		ParseBuiltin(b)
	})
}
