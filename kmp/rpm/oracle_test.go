package rpm

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
	"modkeep/symvers"
)

// generators returns the directory of the distributions' own generators, which
// are not part of this tree (GPL). MODKEEP_RPM_GENERATORS names it:
//
//	rhel8/  find-provides.ksyms, find-requires.ksyms, modalias.prov, kmod.prov of redhat-rpm-config (el8)
//	rhel9/  find-provides.ksyms, find-requires.ksyms, modalias.prov of kernel-srpm-macros (el9)
//	suse/   find-requires.ksyms, find-supplements.ksyms of rpm-config-SUSE; symset-table of kernel-srpm-macros
func generators(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("MODKEEP_RPM_GENERATORS")
	if dir == "" {
		t.Skip("SKIPPED: MODKEEP_RPM_GENERATORS names no directory of generators")
	}
	for _, tool := range []string{"bash", "gawk", "nm", "objdump", "readelf", "/sbin/modinfo", "/sbin/modprobe"} {
		oracle.Tool(t, tool)
	}
	return dir
}

// lab is a copy of the generators of one form, for a buildroot.
type lab struct {
	dir, root string
	env       []string
}

// newLab copies the generators and has them look for kernels in the lab.
func newLab(t testing.TB, form Form, root string) *lab {
	t.Helper()
	l := &lab{dir: t.TempDir(), root: root}
	scripts, err := filepath.Glob(filepath.Join(generators(t), string(form), "*"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no generators of %s: %v", form, err)
	}
	replace := strings.NewReplacer("/usr/src/kernels/", l.dir+"/kernels/", "/usr/lib/rpm/symset-table", l.dir+"/symset-table", "/boot/symsets-", l.dir+"/boot/symsets-")
	for _, name := range scripts {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(l.dir, filepath.Base(name)), []byte(replace.Replace(string(text))), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	gawk, _ := exec.LookPath("gawk")
	if err := os.Symlink(gawk, filepath.Join(l.dir, "awk")); err != nil {
		t.Fatal(err)
	}
	l.env = append(os.Environ(), "PATH="+l.dir+":"+os.Getenv("PATH"), "LC_ALL=C", "RPM_BUILD_ROOT="+root, "TMPDIR="+l.dir)
	return l
}

// run gives names to a generator and returns what it prints.
func (l *lab) run(t testing.TB, script string, names []string, args ...string) []string {
	t.Helper()
	cmd := exec.Command("bash", append([]string{filepath.Join(l.dir, script)}, args...)...)
	cmd.Env = l.env
	cmd.Dir = l.dir
	cmd.Stdin = strings.NewReader(strings.Join(names, "\n") + "\n")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil && len(out) == 0 {
		t.Logf("%s: %v: %.300s", script, err, errs.Bytes())
	}
	list := strings.Fields(strings.ReplaceAll(string(out), " = ", "\x00"))
	for i := range list {
		list[i] = strings.ReplaceAll(list[i], "\x00", " = ")
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// built copies modules that were built outside the kernel's tree, for one
// kernel of the cache, and in-tree ones of it, into a buildroot.
func built(t testing.TB, most int) (krel, root string, names []string, table string) {
	t.Helper()
	var modules []string
	for _, dir := range slices.Backward(oracle.Cached(t, "modules/6.1.*-cloud-amd64")) {
		krel = filepath.Base(dir)
		table = oracle.Cache("root/amd64/usr/src/linux-headers-"+krel, "Module.symvers")
		if modules, _ = filepath.Glob(filepath.Join(dir, "*", "*.ko")); len(modules) > 0 && exists(table) {
			break
		}
	}
	if len(modules) == 0 || !exists(table) {
		oracle.Missing(t, "no modules with their kernel's headers in the cache")
	}
	inTree, _ := filepath.Glob(oracle.Cache("root/amd64/lib/modules", krel, "kernel/drivers/net/*/*.ko"))
	root = t.TempDir()
	for i, from := range append(modules, inTree...) {
		if i == most {
			break
		}
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(root, "lib/modules", krel, "extra", filepath.Base(from))
		if i%5 == 4 {
			to = filepath.Join(root, "lib/modules", krel, "kernel/net", filepath.Base(from))
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, content, 0o666); err != nil {
			t.Fatal(err)
		}
		names = append(names, to)
	}
	return krel, root, names, table
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func outside(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.Contains(name, "/kernel/net/") })
}

func printed(list []Dependency) []string {
	var out []string
	for _, d := range list {
		out = append(out, d.String())
	}
	slices.Sort(out)
	return out
}

func without(list []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return strings.HasPrefix(s, prefix) })
}

// TestOracleRHEL9 holds RHEL 9's form against its generators: the same lines.
// kmod() comes from Lua in an attribute there and is not compared.
func TestOracleRHEL9(t *testing.T) {
	krel, root, names, file := built(t, 100)
	l := newLab(t, RHEL9, root)
	l.kernel(t, krel, file)
	o := Options{Form: RHEL9, Buildroot: root, Symvers: func(string) (*symvers.Table, error) { return symvers.Open(file) }}
	list, err := Provides(names, o)
	if err != nil {
		t.Fatal(err)
	}
	want := append(l.run(t, "find-provides.ksyms", names), l.run(t, "modalias.prov", names)...)
	slices.Sort(want)
	compare(t, "provides", want, without(printed(list), "kmod("))
	if list, err = Requires(names, o); err != nil {
		t.Fatal(err)
	}
	compare(t, "requires", l.run(t, "find-requires.ksyms", outside(names)), printed(list))
}

func compare(t *testing.T, what string, want, got []string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
		t.Errorf("%s: %d lines (-theirs +ours):\n%s", what, len(want), d)
	}
	t.Logf("%s: %d lines", what, len(got))
}

// kernel puts the exports of the kernel where the generators look for them.
func (l *lab) kernel(t testing.TB, krel, table string) {
	t.Helper()
	dir := filepath.Join(l.dir, "kernels", krel)
	text, err := os.ReadFile(table)
	if err == nil {
		err = os.MkdirAll(dir, 0o777)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "Module.symvers"), text, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestOracleRHEL8 holds RHEL 8's form against its generators. Of modules with
// CRCs in a section of their own they find none, so what such modules export
// is compared with RHEL 9's, and left out of what they filter.
func TestOracleRHEL8(t *testing.T) {
	krel, root, names, file := built(t, 100)
	l := newLab(t, RHEL8, root)
	l.kernel(t, krel, file)
	o := Options{Form: RHEL8, Buildroot: root, Symvers: func(string) (*symvers.Table, error) { return symvers.Open(file) }}
	list, err := Provides(names, o)
	if err != nil {
		t.Fatal(err)
	}
	want := l.run(t, "modalias.prov", names)
	for _, name := range names {
		want = append(want, l.run(t, "kmod.prov", []string{name})...)
	}
	slices.Sort(want)
	compare(t, "provides", slices.Compact(want), without(printed(list), "ksym("))
	if list, err = Provides(outside(names), o); err != nil {
		t.Fatal(err)
	}
	own := map[string]bool{}
	for _, d := range list {
		own[d.String()] = true
	}
	theirs := slices.DeleteFunc(l.run(t, "find-requires.ksyms", outside(names)), func(s string) bool {
		return own["ksym("+s[strings.IndexByte(s, '(')+1:]]
	})
	if list, err = Requires(names, o); err != nil {
		t.Fatal(err)
	}
	compare(t, "requires", theirs, printed(list))
}

// TestOracleAbsolute compares the one form of CRCs that all generators read.
func TestOracleAbsolute(t *testing.T) {
	root, names := tree(t, map[string]string{"lib/modules/2.6.32/extra/a.ko": "ko:x86_64-4.14.ko", "lib/modules/2.6.32/extra/b.ko": "ko:x86_64-2.6.32.ko"})
	for _, form := range []Form{RHEL8, RHEL9} {
		l := newLab(t, form, root)
		list, err := Provides(names, Options{Form: form, Buildroot: root})
		if err != nil {
			t.Fatal(err)
		}
		// An export without a CRC has no symbol for it.
		got := without(without(printed(list), "kmod("), "ksym(three)")
		compare(t, string(form), l.run(t, "find-provides.ksyms", names), got)
	}
}

// TestOracleSUSE holds SUSE's form against its generators. What modules export
// they leave to a program of the kernel's build tree.
func TestOracleSUSE(t *testing.T) {
	krel, root, names, file := built(t, 100)
	l := newLab(t, SUSE, root)
	table, err := symvers.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	var vmlinux strings.Builder
	for _, e := range table.Exports {
		if e.Module == symvers.Vmlinux && e.Symbol < "p" {
			fmt.Fprintf(&vmlinux, "%s\t%s\n", e.CRC, e.Symbol)
		}
	}
	archive := symsets(t, map[string]string{"symsets-" + krel + "/vmlinux.0123456789abcdef": vmlinux.String()})
	if err := os.Mkdir(filepath.Join(l.dir, "boot"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(l.dir, "boot/symsets-"+krel+".tar.gz"), archive, 0o666); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(root, "usr/lib/modules-load.d/x.conf")
	if err := os.MkdirAll(filepath.Dir(conf), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(conf, []byte("# comment\nsnd-usb\nvpoll\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	names = append(names, conf)
	o := Options{Form: SUSE, Buildroot: root, Symsets: func(string) (Symsets, error) { return ReadSymsets(bytes.NewReader(archive)) }}
	list, err := Provides(names, o)
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]bool{}
	for _, d := range list {
		own[d.String()] = true
	}
	if list, err = Requires(names, o); err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(l.run(t, "find-requires.ksyms", names, "foo-kmp-amd64"), func(s string) bool { return own[s] })
	rich := []string{"if", "kernel)"} // words of a rich dependency
	want = slices.DeleteFunc(want, func(s string) bool { return slices.Contains(rich, s) || strings.HasPrefix(s, "(kmod") })
	compare(t, "requires", want, without(printed(list), "("))
	if list, err = Supplements(names, o); err != nil {
		t.Fatal(err)
	}
	compare(t, "supplements", l.run(t, "find-supplements.ksyms", names), printed(list))
}

// TestOracleTimes prints how long each takes for 80 modules.
func TestOracleTimes(t *testing.T) {
	krel, root, names, file := built(t, 80)
	for _, form := range []Form{RHEL8, RHEL9} {
		l := newLab(t, form, root)
		l.kernel(t, krel, file)
		start := time.Now()
		l.run(t, "find-provides.ksyms", names)
		l.run(t, "modalias.prov", names)
		l.run(t, "find-requires.ksyms", outside(names))
		theirs := time.Since(start)
		start = time.Now()
		o := Options{Form: form, Buildroot: root, Symvers: func(string) (*symvers.Table, error) { return symvers.Open(file) }}
		_, err1 := Provides(names, o)
		_, err2 := Requires(names, o)
		ours := time.Since(start)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		t.Logf("%s, %d modules: theirs %v, ours %v: %.0f times as fast", form, len(names), theirs, ours, theirs.Seconds()/ours.Seconds())
	}
}
