package kbuild

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/ko"
)

// buildable are kernels of the cache that modules can be built for here, the
// newest ones last.
func buildable(t *testing.T) (kerneltest.Cache, []kerneltest.Kernel) {
	t.Helper()
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	all, err := cache.Kernels()
	if err != nil {
		t.Fatal(err)
	}
	var list []kerneltest.Kernel
	for _, k := range all {
		if k.Headers && k.Arch == "amd64" && native() == "x86_64" {
			if _, err := FindHeaders(k.Root, k.Release); err == nil {
				list = append(list, k)
			}
		}
	}
	if len(list) == 0 {
		oracle.Missing(t, "no kernel with headers in the cache; run the lab")
	}
	return cache, list
}

// matrix builds sources for kernels and returns what came of each, by source
// and kernel.
func matrix(t *testing.T, cache string, sources []*Source, kernels []kerneltest.Kernel, change func(*Options)) map[string]*Cell {
	t.Helper()
	var list []*Kernel
	for _, k := range kernels {
		h, err := FindHeaders(k.Root, k.Release)
		list = append(list, &Kernel{Release: k.Release, Headers: h, Err: err})
	}
	o := Options{Root: kernels[0].Root, Cache: cache, Temp: oracle.OpenDir(t), Path: filepath.SplitList(os.Getenv("PATH")), Jobs: 2, Timeout: 10 * time.Minute, Now: time.Now}
	if change != nil {
		change(&o)
	}
	r, err := Run(t.Context(), sources, list, o)
	if err != nil {
		t.Fatal(err)
	}
	cells := map[string]*Cell{}
	for _, c := range r.Cells {
		cells[c.Source.Name+" "+c.Kernel.Release] = c
	}
	return cells
}

// module is a source of one file.
func module(t *testing.T, name, text string) *Source {
	t.Helper()
	dir := filepath.Join(oracle.OpenDir(t), name+"-1.0")
	lay(t, dir, map[string]string{"Kbuild": "obj-m := " + name + ".o\n", name + ".c": text})
	return open(t, dir)
}

func open(t *testing.T, dir string) *Source {
	t.Helper()
	s, err := OpenSource(dir, dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const moduleHead = "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\nMODULE_DESCRIPTION(\"test\");\n"

// rewrite changes a file of a source.
func rewrite(t *testing.T, s *Source, name, from, to string) {
	t.Helper()
	file := filepath.Join(s.Dir, name)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(from)) {
		t.Fatalf("%s has no %q", file, from)
	}
	if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte(from), []byte(to)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestOracleGraph: the provider is built first and its exports handed on; what
// is the same is taken from the cache; of a change of the provider's exported
// prototype exactly it and its consumer are built again, and of a change
// that exports do not show the provider alone.
func TestOracleGraph(t *testing.T) {
	_, kernels := buildable(t)
	k := kernels[len(kernels)-1:]
	consumer := module(t, "aconsumer", moduleHead+"int widget(int a);\nstatic int __init start(void) { return widget(1); }\nmodule_init(start);\n")
	provider := module(t, "provider", moduleHead+"struct part { int n; };\nint widget(int a);\nint widget(int a) { return a - 1; }\nEXPORT_SYMBOL_GPL(widget);\nint part(struct part *p);\nint part(struct part *p) { return p->n; }\nEXPORT_SYMBOL_GPL(part);\n")
	alone := module(t, "alone", moduleHead)
	sources := []*Source{consumer, alone, provider}
	lines, err := FindNeeds(sources)
	if err != nil || !slices.Equal(lines, []string{"aconsumer uses what provider exports (widget)"}) {
		t.Fatalf("%q, %v", lines, err)
	}
	cache := oracle.OpenDir(t)
	want := func(step string, statusOf map[string]Status) map[string]*Cell {
		t.Helper()
		cells := matrix(t, cache, sources, k, nil)
		for name, want := range statusOf {
			c := cells[name+" "+k[0].Release]
			if c.Status != want {
				t.Fatalf("%s: %s is %s (%s), want %s", step, name, c.Status, c.Cause.Text, want)
			}
		}
		return cells
	}
	cells := want("first run", map[string]Status{"aconsumer": Built, "alone": Built, "provider": Built})
	f, err := ko.Open(cells["aconsumer "+k[0].Release].Modules[0].File)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if depends, _ := f.Info.Get("depends"); depends != "provider" {
		t.Errorf("aconsumer depends on %q: it was built without the provider's table", depends)
	}
	cells = want("second run", map[string]Status{"aconsumer": Cached, "alone": Cached, "provider": Cached})
	if err := os.Truncate(cells["alone "+k[0].Release].Modules[0].File, 100); err != nil {
		t.Fatal(err)
	}
	want("a damaged cache", map[string]Status{"aconsumer": Cached, "alone": Built, "provider": Cached})
	rewrite(t, provider, "provider.c", "return a - 1", "return a - 2")
	want("body changed", map[string]Status{"aconsumer": Cached, "alone": Cached, "provider": Built})
	rewrite(t, provider, "provider.c", "widget(int a)", "widget(long a)")
	want("prototype changed", map[string]Status{"aconsumer": Built, "alone": Cached, "provider": Built})
	rewrite(t, provider, "provider.c", "return a - 2", "return nonsense")
	cells = want("provider fails", map[string]Status{"aconsumer": Blocked, "alone": Cached, "provider": Failed})
	if c := cells["aconsumer "+k[0].Release]; c.Cause.Text != "needs provider-1.0, which is failed for this kernel" {
		t.Errorf("cause %q", c.Cause.Text)
	}
	if c := cells["provider "+k[0].Release]; !strings.HasPrefix(c.Cause.Text, "provider.c:6: kernel "+k[0].Release+" does not declare nonsense") {
		t.Errorf("cause %q", c.Cause.Text)
	}
}

// TestOracleReproducible: two builds at two places give the same bytes.
func TestOracleReproducible(t *testing.T) {
	_, kernels := buildable(t)
	s := module(t, "twice", moduleHead+"static int __init start(void) { WARN_ON(1); pr_info(\"%s\", __FILE__); return 0; }\nmodule_init(start);\n")
	var files [2][]byte
	for i := range files {
		for name, c := range matrix(t, oracle.OpenDir(t), []*Source{s}, kernels[:1], func(o *Options) { o.KeepDebug = true }) {
			if c.Status != Built {
				t.Fatalf("%s: %s %s", name, c.Status, c.Cause.Text)
			}
			var err error
			if files[i], err = os.ReadFile(c.Modules[0].File); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Errorf("%d and %d bytes that differ", len(files[0]), len(files[1]))
	}
	for _, leak := range []string{os.TempDir(), "modkeep-build-"} {
		if bytes.Contains(files[0], []byte(leak)) {
			t.Errorf("the module holds %q", leak)
		}
	}
}

// TestOracleSandbox: what a build can do is asked of a build.
func TestOracleSandbox(t *testing.T) {
	_, kernels := buildable(t)
	secret := filepath.Join(t.TempDir(), "secret")
	lay(t, filepath.Dir(secret), map[string]string{"secret": "x"})
	if err := os.Chmod(secret, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(oracle.OpenDir(t), "spy-1.0")
	lay(t, dir, map[string]string{"Kbuild": "obj-m := spy.o\n", "spy.c": moduleHead, "dkms.conf": `PACKAGE_NAME=spy
PACKAGE_VERSION=1.0
BUILT_MODULE_NAME[0]=spy
DEST_MODULE_LOCATION[0]=/extra
PRE_BUILD="spy.sh
  ` + secret + `
"
`, "spy.sh": `#!/bin/sh
echo "uid $(id -u)"
cat "$1" >/dev/null 2>&1 && echo "reads $1"
touch /usr/src/spy 2>/dev/null && echo "writes /usr/src"
echo "interfaces $(tail -n +3 /proc/self/net/dev | grep -v 'lo:' | wc -l)"
echo "release $(uname -r)"
env | grep -c SECRET
sleep 600 >/dev/null 2>&1 &
true
`})
	t.Setenv("MODKEEP_SECRET", "x")
	cells := matrix(t, oracle.OpenDir(t), []*Source{open(t, dir)}, kernels[:1], nil)
	c := cells["spy "+kernels[0].Release]
	if c.Status != Built {
		t.Fatalf("%s: %s", c.Status, c.Cause.Text)
	}
	log, err := os.ReadFile(c.Log)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSandbox(t.Context())
	if os.Getuid() == 0 && (!s.User || bytes.Contains(log, []byte("\nuid 0\n")) || bytes.Contains(log, []byte("reads "))) {
		t.Errorf("a build runs as root, or reads root's files:\n%s", log)
	}
	if bytes.Contains(log, []byte("writes ")) {
		t.Errorf("a build writes into the system:\n%s", log)
	}
	if s.Network && !bytes.Contains(log, []byte("\ninterfaces 0\n")) {
		t.Errorf("a build has a network:\n%s", log)
	}
	if !bytes.Contains(log, []byte("\nrelease "+kernels[0].Release+"\n")) || !bytes.Contains(log, []byte("\n0\n")) {
		t.Errorf("another release than the kernel's, or a variable of ours:\n%s", log)
	}
	if !bytes.Contains(log, []byte("# sandbox: "+s.String())) {
		t.Errorf("the log does not say what the sandbox is:\n%s", log)
	}
}

// TestOracleTimeout: a build that does not end is ended, with all it started, and
// not remembered as a failure.
func TestOracleTimeout(t *testing.T) {
	_, kernels := buildable(t)
	dir := filepath.Join(oracle.OpenDir(t), "slow-1.0")
	lay(t, dir, map[string]string{"Kbuild": "obj-m := slow.o\n", "slow.c": moduleHead, "dkms.conf": `PACKAGE_NAME=slow
PACKAGE_VERSION=1.0
BUILT_MODULE_NAME[0]=slow
DEST_MODULE_LOCATION[0]=/extra
MAKE="sleep 3017 & sleep 3017"
`})
	cache := oracle.OpenDir(t)
	for range 2 {
		c := matrix(t, cache, []*Source{open(t, dir)}, kernels[:1], func(o *Options) { o.Timeout = time.Second })["slow "+kernels[0].Release]
		if c.Status != Failed || c.Cause.Text != "the build took longer than 1s and was ended" {
			t.Fatalf("%s: %s", c.Status, c.Cause.Text)
		}
	}
	left, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range left {
		if text, _ := os.ReadFile(name); bytes.Equal(text, []byte("sleep\x003017\x00")) {
			t.Errorf("%s still sleeps", name)
		}
	}
}

// TestOracleKernelPlace: makefiles and configure scripts find the kernel's sources
// and headers under the names that vendors have for them, beside each other.
func TestOracleKernelPlace(t *testing.T) {
	_, kernels := buildable(t)
	k := kernels[len(kernels)-1]
	dir := filepath.Join(oracle.OpenDir(t), "placed-1.0")
	lay(t, dir, map[string]string{"Kbuild": "obj-m := placed.o\n", "placed.c": moduleHead, "dkms.conf": `PACKAGE_NAME=placed
PACKAGE_VERSION=1.0
BUILT_MODULE_NAME[0]=placed
DEST_MODULE_LOCATION[0]=/extra
if [ -e "${kernel_source_dir/%build/source}" ]; then
	PRE_BUILD="configure ${kernel_source_dir/%build/source} /lib/modules/$kernelver/source"
fi
MAKE="make -f vendor.mk"
`, "vendor.mk": "KBASE ?= /lib/modules/none\nall:\n\ttest -f $(SYSSRC)/include/linux/module.h && test -f $(SYSOUT)/.config && cmp $(SYSOUT)/.config $(KBASE)/build/.config\n\t$(MAKE) -C $(KBASE)/build M=$(CURDIR) modules\n"})
	configure := filepath.Join(dir, "configure")
	script := "#!/bin/sh\nset -e\ntest $1 = $2\ntest -f $1/include/linux/module.h\n"
	if err := os.WriteFile(configure, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	c := matrix(t, oracle.OpenDir(t), []*Source{open(t, dir)}, []kerneltest.Kernel{k}, nil)["placed "+k.Release]
	if c.Status != Built {
		text, _ := os.ReadFile(c.Log)
		t.Fatalf("%s: %s\n%s", c.Status, c.Cause.Text, text)
	}
}

// TestOracleOverrides: what the administrator says in /etc/dkms counts, and what
// cannot be read of it is not passed over.
func TestOracleOverrides(t *testing.T) {
	_, kernels := buildable(t)
	dir := filepath.Join(oracle.OpenDir(t), "over-1.0")
	lay(t, dir, map[string]string{"Kbuild": "obj-m := over.o\n", "dkms.conf": "PACKAGE_NAME=over\nPACKAGE_VERSION=1.0\nBUILT_MODULE_NAME[0]=over\nDEST_MODULE_LOCATION[0]=/extra\n"})
	for _, tt := range []struct {
		file, text string
		status     Status
		cause      string
	}{
		{"over.conf", "BUILD_EXCLUSIVE_KERNEL=none\n", Excluded, `BUILD_EXCLUSIVE_KERNEL="none" does not match`},
		{"over-1.0.conf", "MAKE=$(id)\n", Failed, "command substitution $(id) is not run"},
		{"over-1.0-" + kernels[0].Release + "-x86_64.conf/x", "", Failed, "not a regular file"},
	} {
		root := t.TempDir()
		lay(t, root, map[string]string{"etc/dkms/" + tt.file: tt.text})
		c := matrix(t, oracle.OpenDir(t), []*Source{open(t, dir)}, kernels[:1], func(o *Options) { o.Root = root })["over "+kernels[0].Release]
		if c.Status != tt.status || !strings.Contains(c.Cause.Text, tt.cause) || c.Log != "" {
			t.Errorf("%s: %s %s, want %s %s", tt.file, c.Status, c.Cause.Text, tt.status, tt.cause)
		}
	}
}

// TestOracleNotKept: of what was built and cannot be kept nothing is left over, and
// the cause is why.
func TestOracleNotKept(t *testing.T) {
	_, kernels := buildable(t)
	dir := filepath.Join(oracle.OpenDir(t), "two-1.0")
	lay(t, dir, map[string]string{"dkms.conf": `PACKAGE_NAME=two
PACKAGE_VERSION=1.0
MAKE="touch a.ko b.ko"
STRIP[0]=no
BUILT_MODULE_NAME[0]=a
DEST_MODULE_LOCATION[0]=/extra
BUILT_MODULE_NAME[1]=b
DEST_MODULE_LOCATION[1]=/extra/a.ko
`})
	cache := oracle.OpenDir(t)
	c := matrix(t, cache, []*Source{open(t, dir)}, kernels[:1], nil)["two "+kernels[0].Release]
	if c.Status != Failed || len(c.Modules) > 0 || c.Symvers != "" || !strings.Contains(c.Cause.Text, "a.ko: not a directory") {
		t.Errorf("%s %s, modules %v", c.Status, c.Cause.Text, c.Modules)
	}
	if left, err := os.ReadDir(filepath.Join(cache, "cells")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// TestOraclePackages builds real packages for two kernels (all that there are
// with MODKEEP_FULL=1) and holds them against the modules that the lab built with
// plain make: the same sums of sources, version magics and dependencies, as
// modinfo(8) reads them.
func TestOraclePackages(t *testing.T) {
	cache, kernels := buildable(t)
	oracle.Tool(t, "modinfo")
	full := os.Getenv("MODKEEP_FULL") != ""
	compared := 0
	for _, k := range slices.Backward(kernels) {
		names, _ := filepath.Glob(cache.Join("modules", k.Release, "*"))
		var sources []*Source
		var built []string
		for _, name := range names {
			dirs, _ := filepath.Glob(cache.Join("dkms", filepath.Base(name), "*", "dkms.conf"))
			if ours, _ := filepath.Glob(filepath.Join(name, "*.ko")); len(dirs) != 1 || len(ours) == 0 || !full && len(sources) == 2 {
				continue
			}
			sources, built = append(sources, open(t, filepath.Dir(dirs[0]))), append(built, name)
		}
		if len(sources) == 0 || !full && compared == 2 {
			continue
		}
		compared++
		cells := matrix(t, oracle.OpenDir(t), sources, []kerneltest.Kernel{k}, nil)
		for i, s := range sources {
			compareWithLab(t, cells[s.Name+" "+k.Release], built[i])
		}
	}
	if compared == 0 {
		oracle.Missing(t, "the lab has built no modules; run it")
	}
}

func compareWithLab(t *testing.T, c *Cell, lab string) {
	t.Helper()
	if c.Status == Excluded { // the lab does not ask
		return
	}
	if c.Status != Built {
		t.Errorf("%s for %s: %s %s; the lab has built it", c.Source, c.Kernel.Release, c.Status, c.Cause.Text)
		return
	}
	for _, m := range c.Modules {
		for _, field := range []string{"srcversion", "vermagic", "depends", "name"} {
			ours, err := exec.Command("modinfo", "-F", field, m.File).Output()
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := exec.Command("modinfo", "-F", field, filepath.Join(lab, m.Name+".ko")).Output()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(ours, theirs) {
				t.Errorf("%s for %s: %s is %q, the lab's %q", m.Name, c.Kernel.Release, field, ours, theirs)
			}
		}
	}
}
