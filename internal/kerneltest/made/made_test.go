package made

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
)

// output runs a tool and returns what it says on both streams.
func output(t *testing.T, tool string, args ...string) string {
	t.Helper()
	out, err := exec.Command(oracle.Tool(t, tool), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", tool, args, err, out)
	}
	return string(out)
}

const long = "_RNvXs_NtCs1234567890_6kernel5error_very_long_name_of_a_rust_function"

// builds are the generations and architectures whose modules differ in form.
var builds = []struct{ name, arch, release, settings string }{
	{"x86_64 el6", "x86_64", "2.6.32-754.el6.x86_64", ""},
	{"x86_64 el7", "x86_64", "3.10.0-1160.el7.x86_64", ""},
	{"x86_64 el8", "x86_64", "4.18.0-553.el8.x86_64", ""},
	{"x86_64 openEuler", "x86_64", "4.19.90-2109.1.0.0108.oe1.x86_64", ""},
	{"x86_64 el9", "x86_64", "5.14.0-427.el9.x86_64", ""},
	{"x86_64 sections", "x86_64", "6.4.0-150600.23-default", ""},
	{"x86_64 relative", "x86_64", "4.19.90-2109.1.0.0108.oe1.x86_64", " crc=relative"},
	{"x86_64 ext", "x86_64", "6.14.0-1-default", " versions=both"},
	{"aarch64 el9", "aarch64", "5.14.0-427.el9.aarch64", ""},
	{"aarch64 sections", "aarch64", "6.6.0-28.oe2403.aarch64", ""},
	{"s390x relative", "s390x", "5.14.0-427.el9.s390x", ""},
	{"s390x sections", "s390x", "6.4.0-150600.23-default", ""},
	{"ppc64le relative", "ppc64le", "5.14.0-427.el9.ppc64le", ""},
	{"ppc64 sections", "ppc64", "6.1.0-28-powerpc64", ""},
	{"ppc", "ppc", "6.1.0-28-powerpc", ""},
	{"i686 2.6", "i686", "2.6.32-754.el6.i686", ""},
	{"i686", "i686", "6.1.0-28-686", ""},
	{"armv7l", "armv7l", "6.1.0-28-armmp", ""},
}

const symbols = " printk@a ?maybe@b zero@0 no_version +mod_do@deadbeef +mod_gpl@77! +mod_ns@5(NS)"

func store(t *testing.T, m *Module) string {
	t.Helper()
	data, err := m.File()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), filepath.Base(m.Path))
	if err := os.WriteFile(name, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

func parse(t *testing.T, line string, b Build) *Module {
	t.Helper()
	m, err := ParseModule(line, b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestOracleModinfo(t *testing.T) {
	for _, suffix := range []string{".ko", ".ko.xz", ".ko.zst"} {
		m := parse(t, `extra/foo-bar`+suffix+` printk@a license=Apache "description=Two words" import_ns=A import_ns=B depends=a,b`, Default("5.14.0-1.el9.x86_64"))
		name := store(t, m)
		for field, want := range map[string]string{
			"license":     "Apache\n",
			"description": "Two words\n",
			"import_ns":   "A\nB\n",
			"depends":     "a,b\n",
			"name":        "foo_bar\n",
			"vermagic":    "5.14.0-1.el9.x86_64 SMP preempt mod_unload modversions \n",
			"srcversion":  m.srcversion() + "\n",
			"intree":      "",
		} {
			if diff := cmp.Diff(want, output(t, "modinfo", "-F", field, name)); diff != "" {
				t.Errorf("%s: %s (-want +modinfo):\n%s", suffix, field, diff)
			}
		}
	}
}

func TestOracleVersionsAndExports(t *testing.T) {
	for _, b := range builds {
		t.Run(b.name, func(t *testing.T) {
			build := Default(b.release)
			build.Arch = b.arch
			name := store(t, parse(t, "extra/mod.ko"+symbols+b.settings, build))
			if out := output(t, "readelf", "-aW", name); strings.Contains(out, "arning") || strings.Contains(out, "Error") {
				t.Errorf("readelf is not content:\n%s", out)
			}
			want := []string{"0x00010001 module_layout", "0x0000000a printk", "0x0000000b maybe", "0x00000000 zero"}
			if diff := cmp.Diff(want, table(output(t, "modprobe", "--dump-modversions", name))); diff != "" {
				t.Errorf("versions (-want +modprobe):\n%s", diff)
			}
			want = []string{"0x00000005 mod_ns", "0x00000077 mod_gpl", "0xdeadbeef mod_do"}
			exports := table(output(t, "modprobe", "--show-exports", name))
			slices.Sort(exports)
			if diff := cmp.Diff(want, exports); diff != "" {
				t.Errorf("exports (-want +modprobe):\n%s", diff)
			}
		})
	}
}

// table returns the lines of a tool's output with single blanks.
func table(out string) []string {
	var lines []string
	for line := range strings.Lines(out) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}

func TestOracleDepmod(t *testing.T) {
	for _, b := range builds {
		t.Run(b.name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := Write(dir, fmt.Sprintf(`
				kernel %s arch=%s symvers=boot
				vmlinux printk@a
				kernel/net/own.ko printk@a +own_do@99
				extra/good.ko printk@a mod_do@77 ?absent@1
				extra/mod.ko.xz own_do@99 +mod_do@77
				extra/bad.ko.zst printk@b own_do@98 mod_do@77
				extra/alone.ko nobody@1`, b.release, b.arch))
			if err != nil {
				t.Fatal(err)
			}
			out := output(t, "depmod", "-b", dir, "-ae", "-E", filepath.Join(dir, "boot/symvers-"+b.release), b.release)
			own := filepath.Join(dir, "lib/modules", b.release)
			want := []string{
				"depmod: WARNING: " + own + "/extra/alone.ko needs unknown symbol nobody",
				"depmod: WARNING: " + own + "/extra/bad.ko.zst disagrees about version of symbol own_do",
				"depmod: WARNING: " + own + "/extra/bad.ko.zst disagrees about version of symbol printk",
			}
			var got []string
			for _, line := range table(out) {
				if !strings.Contains(line, "module_layout") { // not exported to depmod on some
					got = append(got, line)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("complaints (-want +depmod):\n%s", diff)
			}
			deps, err := os.ReadFile(filepath.Join(own, "modules.dep"))
			if err != nil {
				t.Fatal(err)
			}
			lines := table(string(deps))
			slices.Sort(lines)
			if diff := cmp.Diff([]string{
				"extra/alone.ko:",
				"extra/bad.ko.zst: extra/mod.ko.xz kernel/net/own.ko",
				"extra/good.ko: extra/mod.ko.xz kernel/net/own.ko",
				"extra/mod.ko.xz: kernel/net/own.ko",
				"kernel/net/own.ko:",
			}, lines); diff != "" {
				t.Errorf("modules.dep (-want +depmod):\n%s", diff)
			}
		})
	}
}

// TestOracleSystemMap has depmod read the other list of a kernel's exports.
func TestOracleSystemMap(t *testing.T) {
	dir := t.TempDir()
	const release = "5.14.0-1.el9.x86_64"
	if _, err := Write(dir, "merged\nkernel "+release+` map=module
		vmlinux printk@a
		extra/mod.ko printk@a nobody@1`); err != nil {
		t.Fatal(err)
	}
	out := output(t, "depmod", "-b", dir, "-ae", "-F", filepath.Join(dir, "lib/modules", release, "System.map"), release)
	want := "depmod: WARNING: " + filepath.Join(dir, "lib/modules", release) + "/extra/mod.ko needs unknown symbol nobody\n"
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("-want +depmod:\n%s", diff)
	}
}

func TestPack(t *testing.T) {
	text := []byte(strings.Repeat("a row of a table\n", 1000))
	for suffix, tool := range map[string]string{".gz": "gzip", ".xz": "xz", ".zst": "zstd", "": "cat"} {
		data, err := Pack("symvers"+suffix, text)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), "symvers"+suffix)
		if err := os.WriteFile(name, data, 0o666); err != nil {
			t.Fatal(err)
		}
		args := []string{"-dc", name}
		if tool == "cat" {
			args = args[1:]
		}
		if got := output(t, tool, args...); got != string(text) {
			t.Errorf("%s: unpacks to %d bytes, not those that were packed", tool, len(got))
		}
	}
}

func TestLongNames(t *testing.T) {
	line := "extra/rust.ko " + long + "@a printk@b versions="
	name := store(t, parse(t, line+"both", Default("6.14.0-1-default")))
	if out := table(output(t, "modprobe", "--dump-modversions", name)); len(out) != 2 {
		t.Errorf("%d rows in __versions, not module_layout and printk: %q", len(out), out)
	}
	if out := output(t, "readelf", "-p", "__version_ext_names", name); !strings.Contains(out, long) {
		t.Errorf("the long name is not in __version_ext_names:\n%s", out)
	}
	name = store(t, parse(t, line+"ext", Default("6.14.0-1-default")))
	if out := output(t, "readelf", "-SW", name); strings.Contains(out, "__versions") || !strings.Contains(out, "__version_ext_crcs") {
		t.Errorf("not the extended sections alone:\n%s", out)
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"extra/foo.ko":                                      `line 1: "extra/foo.ko": no kernel before it`,
		"kernel 6.1\n extra/foo":                            `line 2: module "extra/foo": no .ko at its beginning`,
		"kernel 6.1\n\n extra/foo.ko a@x":                   `line 3: module extra/foo.ko: symbol a@x: CRC "x" is no number of 32 bits in base 16`,
		"kernel 6.1\nextra/foo.ko crc=section crc=absolute": `line 2: module extra/foo.ko: crc=absolute: given twice`,
		"kernel 6.1\nextra/foo.ko table=round":              `line 2: module extra/foo.ko: table=round: none of ["pointers" "differences"]`,
		"kernel 6.1 color=red":                              `line 1: kernel 6.1: setting "color=red" (<nil>)`,
		"link a":                                            `line 1: link: not PATH TARGET: "a"`,
		`kernel 6.1 "size=1`:                                `line 1: line "size=1": quote without end`,
	} {
		if _, err := ParseRoot(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestWriteIsTheSameTwice(t *testing.T) {
	const text = `merged
		file /etc/depmod.d/dist.conf search updates extra built-in weak-updates\noverride a * extra
		kernel 5.14.0-1.el9.x86_64 symvers=boot.gz,module.xz,boot.zst map=module
		vmlinux printk@a
		config MODULE_SIG=y
		absent kernel/net/cnic.ko +cnic_do@5
		extra/foo.ko.gz printk@a
		extra/bar.ko.xz printk@a
		updates/baz.ko.zst printk@a
		link weak-updates/x.ko /lib/modules/5.14.0-0.el9.x86_64/extra/x.ko
		kernel 5.14.0-0.el9.x86_64 bare=yes
		extra/x.ko printk@a`
	var dumps []string
	for range 2 {
		dir := t.TempDir()
		if _, err := Write(dir, text); err != nil {
			t.Fatal(err)
		}
		dump, err := Dump(dir)
		if err != nil {
			t.Fatal(err)
		}
		dumps = append(dumps, dump)
	}
	if diff := cmp.Diff(dumps[0], dumps[1]); diff != "" {
		t.Errorf("two trees of one text:\n%s", diff)
	}
	for _, want := range []string{
		"link lib -> usr/lib\n",
		"link usr/lib/modules/5.14.0-1.el9.x86_64/weak-updates/x.ko -> /lib/modules/5.14.0-0.el9.x86_64/extra/x.ko\n",
		"file 0644 boot/symvers-5.14.0-1.el9.x86_64.zst ",
		"file 0644 usr/lib/modules/5.14.0-1.el9.x86_64/symvers.xz ",
		"file 0644 usr/lib/modules/5.14.0-0.el9.x86_64/extra/x.ko ",
	} {
		if !strings.Contains(dumps[0], want) {
			t.Errorf("no %q in\n%s", want, dumps[0])
		}
	}
	if strings.Contains(dumps[0], "5.14.0-0.el9.x86_64/modules.order") || strings.Contains(dumps[0], "cnic.ko") {
		t.Errorf("a bare kernel's lists or an absent module:\n%s", dumps[0])
	}
}

func TestDumpSeesEachChange(t *testing.T) {
	for name, change := range map[string]func(dir string) error{
		"contents": func(dir string) error { return os.WriteFile(dir+"/d/f", []byte("other"), 0o644) },
		"mode":     func(dir string) error { return os.Chmod(dir+"/d/f", 0o600) },
		"link":     func(dir string) error { os.Remove(dir + "/d/l"); return os.Symlink("g", dir+"/d/l") },
		"file":     func(dir string) error { return os.WriteFile(dir+"/d/g", nil, 0o644) },
		"removed":  func(dir string) error { return os.Remove(dir + "/d/f") },
		"empty":    func(dir string) error { return os.Mkdir(dir+"/d/e", 0o755) },
		"dir mode": func(dir string) error { return os.Chmod(dir+"/d", 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := Write(dir, "file d/f text\nlink d/l f\nfile var/lib/x y"); err != nil {
				t.Fatal(err)
			}
			dumps := make([]string, 3)
			for i := range dumps {
				var err error
				if dumps[i], err = Dump(dir, "var/lib"); err != nil {
					t.Fatal(err)
				}
				switch i {
				case 0:
					err = os.WriteFile(dir+"/var/lib/x", nil, fs.FileMode(0o644))
				case 1:
					err = change(dir)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if dumps[0] != dumps[1] {
				t.Error("a change below what is left out is seen")
			}
			if dumps[1] == dumps[2] {
				t.Error("the change is not seen")
			}
		})
	}
}
