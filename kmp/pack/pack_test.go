package pack

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
	"modkeep/kmp"
	"modkeep/symvers"
)

const (
	built = "../../loader/testdata/6.1"
	krel  = "6.1.0-56-cloud-amd64"
)

// module reads a module of package loader's.
func module(t testing.TB, name, dir string) Module {
	t.Helper()
	file := filepath.Join(built, name)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return Module{File: file, Dir: dir, Data: data}
}

func product(form Form) Product {
	return Product{Name: "My_mods", Version: "1.0-rc1", Form: form, Override: true,
		Symvers: func(string) (*symvers.Table, error) { return symvers.Open(filepath.Join(built, "Module.symvers")) }}
}

// summary is what a package says and holds, without symbols, one a line.
func summary(b Built) string {
	p := b.Package
	lines := []string{fmt.Sprintf("%s %s %s %s", p.Name, p.EVR(), p.Arch, p.License)}
	for _, c := range b.Contents {
		lines = append(lines, strings.TrimSuffix(c.Mode.String(), "---")+" "+c.Path)
	}
	for _, d := range p.Depends {
		if class := d.Class(); class != "kernel" && class != "ksym" {
			lines = append(lines, string(d.Relation)+" "+d.String())
		}
	}
	for _, s := range p.Scripts {
		lines = append(lines, "script "+s.Name)
	}
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n") + "\n"
}

// TestModules gives what each form's package is called, holds and depends on:
// as kmodtool, kernel-module-subpackage and Debian's habits have it.
func TestModules(t *testing.T) {
	const dir = "/lib/modules/" + krel
	tests := []struct {
		form      Form
		want      string
		overrides string
	}{
		{RHEL9, `kmod-My_mods 1.0_rc1-1 x86_64 GPL
-rw-r--r-- /etc/depmod.d/kmod-My_mods.conf
-rw-r--r-- ` + dir + `/extra/My_mods/net/exp.ko
-rw-r--r-- ` + dir + `/extra/My_mods/user.ko
drwxr-xr-x ` + dir + `/extra/My_mods
drwxr-xr-x ` + dir + `/extra/My_mods/net
provides My_mods-kmod = 1.0_rc1-1
provides kernel-modules >= ` + krel + `
provides kmod(exp.ko)
provides kmod(user.ko)
requires /usr/sbin/depmod
requires /usr/sbin/weak-modules
script post
script postun
`, `override exp * weak-updates/My_mods/net
override exp * extra/My_mods/net
override user * weak-updates/My_mods
override user * extra/My_mods
`},
		{SUSE, `My_mods-kmp-amd64 1.0_rc1_k6.1.0_56_cloud-1 x86_64 GPL
-rw-r--r-- /etc/depmod.d/My_mods-kmp-amd64.conf
-rw-r--r-- ` + dir + `/updates/net/exp.ko
-rw-r--r-- ` + dir + `/updates/user.ko
conflicts My_mods-kmp-amd64-k6.1.0-56-cloud
drwxr-xr-x ` + dir + `/updates/net
enhances kernel-amd64
provides My_mods-kmp = 1.0_rc1_k6.1.0_56_cloud-1
provides My_mods-kmp-amd64-k6.1.0-56-cloud
provides kmod(exp.ko)
provides kmod(user.ko)
provides multiversion(kernel)
requires coreutils
script post
script posttrans
script postun
`, `override exp * weak-updates/updates/net
override exp * updates/net
override user * weak-updates/updates
override user * updates
`},
		{Kernel, `kmod-My_mods-` + krel + ` 1.0_rc1-1 x86_64 GPL
-rw-r--r-- /etc/depmod.d/kmod-My_mods-` + krel + `.conf
-rw-r--r-- ` + dir + `/extra/My_mods/net/exp.ko
-rw-r--r-- ` + dir + `/extra/My_mods/user.ko
drwxr-xr-x ` + dir + `/extra/My_mods
drwxr-xr-x ` + dir + `/extra/My_mods/net
provides My_mods-kmod = 1.0_rc1-1
provides kmod(exp.ko)
provides kmod(user.ko)
requires kernel-uname-r = ` + krel + `
requires kmod
script post
script postun
`, `override exp * extra/My_mods/net
override user * extra/My_mods
`},
		{Deb, `my-mods-modules-` + krel + ` 1.0-rc1-1 amd64 GPL
-rw-r--r-- /etc/depmod.d/my-mods-modules-` + krel + `.conf
-rw-r--r-- ` + dir + `/updates/My_mods/net/exp.ko
-rw-r--r-- ` + dir + `/updates/My_mods/user.ko
-rw-r--r-- /usr/share/doc/my-mods-modules-` + krel + `/changelog.Debian.gz
-rw-r--r-- /usr/share/doc/my-mods-modules-` + krel + `/copyright
drwxr-xr-x ` + dir + `/updates/My_mods
drwxr-xr-x ` + dir + `/updates/My_mods/net
drwxr-xr-x /usr/share/doc/my-mods-modules-` + krel + `
provides my-mods-modules = 1.0-rc1-1
requires kmod
requires linux-image-` + krel + ` | linux-image-` + krel + `-unsigned | linux-image-unsigned-` + krel + `
script postinst
script postrm
`, `override exp * updates/My_mods/net
override user * updates/My_mods
`},
	}
	for _, test := range tests {
		t.Run(string(test.form), func(t *testing.T) {
			list, err := Modules(product(test.form), []Module{module(t, "user.ko", ""), module(t, "exp.ko", "net")})
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			if diff := cmp.Diff(test.want, summary(list[0])); diff != "" {
				t.Error(diff)
			}
			for _, c := range list[0].Contents {
				if c.Config {
					_, lines, _ := strings.Cut(string(c.Data), "\n")
					if diff := cmp.Diff(test.overrides, lines); diff != "" {
						t.Error(diff)
					}
				}
			}
			if diff := cmp.Diff([]string{"exp", "user"}, list[0].Modules); diff != "" || list[0].Kernel != krel {
				t.Error(list[0].Kernel, diff)
			}
			var out bytes.Buffer
			if err := kmp.Write(&out, list[0].Package, list[0].Contents, kmp.WriteOptions{Date: time.Unix(1, 0)}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSymbolsRequired gives which symbols of user.ko each form requires, of the
// kernel and of other modules.
func TestSymbolsRequired(t *testing.T) {
	tests := []struct {
		form      Form
		noSymbols bool
		want      string
	}{
		{RHEL9, false, "kernel(module_layout) ksym(kernsem_shared)"},
		{RHEL9, true, ""},
		{Kernel, false, "ksym(kernsem_shared)"}, // what the kernel has that it names is not asked for
		{SUSE, false, "ksym(amd64:module_layout) ksym(amd64:kernsem_shared)"},
		{Deb, false, ""},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.form, test.noSymbols), func(t *testing.T) {
			p := product(test.form)
			p.NoSymbols = test.noSymbols
			list, err := Modules(p, []Module{module(t, "user.ko", "")})
			if err != nil {
				t.Fatal(err)
			}
			has := map[string]bool{}
			for _, d := range list[0].Package.Depends {
				if d.Relation == kmp.Requires && (d.Class() == "kernel" || d.Class() == "ksym") {
					has[d.Name] = true
				}
			}
			for _, name := range strings.Fields(test.want) {
				if !has[name] {
					t.Errorf("%s is not required", name)
				}
			}
			if test.want == "" && len(has) > 0 || test.form == Kernel && has["kernel(module_layout)"] {
				t.Errorf("required: %v", has)
			}
		})
	}
}

// TestOracleKmodtool holds the package of RHEL's form against the one of Red
// Hat's own kmodtool, whose template rpmbuild expands: provides, requires and
// when they are needed. It is not part of this tree (GPL);
// MODKEEP_RPM_GENERATORS names a directory with rhel8/kmodtool.
func TestOracleKmodtool(t *testing.T) {
	tool := filepath.Join(os.Getenv("MODKEEP_RPM_GENERATORS"), "rhel8/kmodtool")
	if _, err := os.Stat(tool); err != nil {
		t.Skip("SKIPPED: MODKEEP_RPM_GENERATORS names no directory with rhel8/kmodtool")
	}
	for _, name := range []string{"bash", "rpmbuild", "rpm"} {
		oracle.Tool(t, name)
	}
	const el = "5.14.0-70.el9.x86_64"
	top := t.TempDir()
	run := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), "kmod_version=1.0", "kmod_release=1", "nobuildreqs=yes", "KMODTOOL_DIR="+top)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	template := run("bash", tool, "rpmtemplate", "foo", el, "")
	var kept []string // without build requirements, which are not here
	for line := range strings.Lines(template) {
		if !strings.HasPrefix(line, "BuildRequires") && !strings.HasPrefix(line, "%global _use_internal") {
			kept = append(kept, line)
		}
	}
	spec := "%define kmod_version 1.0\n%define kmod_release 1\nName: foo\nVersion: 1.0\nRelease: 1\nSummary: x\nLicense: GPL\nAutoReqProv: no\n%description\nx\n" +
		"%install\nmkdir -p %{buildroot}/lib/modules/" + el + "\n" + strings.Join(kept, "")
	file := filepath.Join(top, "foo.spec")
	if err := os.WriteFile(file, []byte(spec), 0o644); err != nil {
		t.Fatal(err)
	}
	run("rpmbuild", "-bb", "--quiet", "--target", "x86_64-linux", "--define", "_topdir "+top, file)
	theirs, err := filepath.Glob(filepath.Join(top, "RPMS/*/kmod-foo-*.rpm"))
	if err != nil || len(theirs) != 1 {
		t.Fatal(theirs, err)
	}
	p := Product{Name: "foo", Version: "1.0", Form: RHEL8, NoSymbols: true}
	m := module(t, "user.ko", "")
	m.Data = bytes.Replace(m.Data, []byte("vermagic="+krel), []byte("vermagic="+el), 1)
	list, err := Modules(p, []Module{m})
	if err != nil {
		t.Fatal(err)
	}
	ours := filepath.Join(top, list[0].Package.FileName())
	f, err := os.Create(ours)
	if err != nil {
		t.Fatal(err)
	}
	if err := kmp.Write(f, list[0].Package, list[0].Contents, kmp.WriteOptions{Date: time.Unix(1, 0)}); err != nil {
		t.Fatal(err)
	}
	f.Close()
	ask := func(file string) string {
		lines := strings.Split(run("rpm", "-qp", "--qf", "%{NAME} %{EVR} %{GROUP}\n[P %{PROVIDENEVRS}\n][R %{REQUIRENEVRS}\n]", file), "\n")
		slices.Sort(lines)
		// Their scriptlets have %preun too; our interpreter is needed twice.
		return strings.Join(slices.DeleteFunc(slices.Compact(lines), func(s string) bool {
			return strings.HasPrefix(s, "R rpmlib(") || s == "P kmod(user.ko)"
		}), "\n")
	}
	if diff := cmp.Diff(ask(theirs[0]), ask(ours)); diff != "" {
		t.Errorf("(-kmodtool +pack): %s", diff)
	}
}

// TestMetadata gives what each metadata package requires.
func TestMetadata(t *testing.T) {
	parts := []Part{{"kmod-b", "2-1", "6.1.0-9-amd64"}, {"kmod-a", "1-1", "6.1.0-10-amd64"}}
	tests := []struct {
		form Form
		want []string
	}{
		{RHEL9, []string{
			"prod-kernel-only 1-1: kmod-b = 2-1, kmod-a = 1-1",
			"prod-all 1-1: prod-kernel-only = 1-1, tools"}},
		{Kernel, []string{
			"prod-kernel-only-6.1.0-9-amd64 1-1: kmod-b = 2-1",
			"prod-all-6.1.0-9-amd64 1-1: prod-kernel-only-6.1.0-9-amd64 = 1-1, tools",
			"prod-kernel-only-6.1.0-10-amd64 1-1: kmod-a = 1-1",
			"prod-all-6.1.0-10-amd64 1-1: prod-kernel-only-6.1.0-10-amd64 = 1-1, tools",
			"prod-kernel-only 1-1: (kmod-b = 2-1 if kernel-uname-r = 6.1.0-9-amd64), (kmod-a = 1-1 if kernel-uname-r = 6.1.0-10-amd64)",
			"prod-all 1-1: prod-kernel-only = 1-1, tools"}},
	}
	for _, test := range tests {
		t.Run(string(test.form), func(t *testing.T) {
			p := Product{Name: "prod", Version: "1", Form: test.form, Depends: []kmp.Dependency{requires("tools")}}
			list, err := Metadata(p, parts)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, b := range list {
				var needs []string
				for _, d := range b.Package.Depends {
					needs = append(needs, d.String())
				}
				got = append(got, b.Package.Name+" "+b.Package.EVR()+": "+strings.Join(needs, ", "))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestMetadataExcluded gives parts of which only one can be installed: what
// requires both could not be, and none is made.
func TestMetadataExcluded(t *testing.T) {
	const krel1, krel2 = "6.1.0-9-amd64", "6.1.0-10-amd64"
	for _, test := range []struct {
		form   Form
		second Part
		want   bool
	}{
		{RHEL9, Part{"kmod-a", "1-1", krel1}, true}, // named twice
		{RHEL9, Part{"kmod-a", "2-1", krel1}, false},
		{RHEL9, Part{"kmod-a", "2-1", krel2}, false},
		{RHEL9, Part{"kmod-b", "2-1", krel1}, true},
		{SUSE, Part{"kmod-a", "2-1", krel1}, false},
		{SUSE, Part{"kmod-a", "2-1", krel2}, true},
		{Kernel, Part{"kmod-a", "2-1", krel1}, false},
	} {
		list, err := Metadata(Product{Name: "prod", Version: "1", Form: test.form}, []Part{{"kmod-a", "1-1", krel1}, test.second})
		if test.want != (err == nil) || err != nil && (!strings.Contains(err.Error(), "kmod-a: 1-1 and 2-1, of which only one") || list != nil) {
			t.Errorf("%s, %v: %v", test.form, test.second, err)
		}
	}
}

// TestGate gives the gate's conflicts.
func TestGate(t *testing.T) {
	blocked := []Blocked{{"6.1.0-10-amd64", []string{"zfs: not\nbuilt"}}, {"6.1.0-9-amd64", []string{"zfs: not built"}}}
	tests := []struct {
		form  Form
		after []Bound
		want  string
	}{
		{RHEL9, nil, "kernel-uname-r = 6.1.0-9-amd64, kernel-uname-r = 6.1.0-10-amd64"},
		{SUSE, []Bound{{"kernel-uname-r", "6.1.0-10-amd64"}}, "kernel-uname-r = 6.1.0-9-amd64, kernel-uname-r = 6.1.0-10-amd64, kernel-uname-r > 6.1.0-10-amd64"},
		{Deb, []Bound{{"linux-image-amd64", "6.1.2-1"}}, "linux-image-6.1.0-9-amd64, linux-image-6.1.0-9-amd64-unsigned, linux-image-unsigned-6.1.0-9-amd64, " +
			"linux-image-6.1.0-10-amd64, linux-image-6.1.0-10-amd64-unsigned, linux-image-unsigned-6.1.0-10-amd64, linux-image-amd64 > 6.1.2-1"},
	}
	for _, test := range tests {
		t.Run(string(test.form), func(t *testing.T) {
			b, err := Gate(Product{Form: test.form}, blocked, test.after)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range b.Package.Depends {
				if d.Relation != kmp.Conflicts {
					t.Errorf("%s %s", d.Relation, d)
				}
				got = append(got, d.String())
			}
			if diff := cmp.Diff(test.want, strings.Join(got, ", ")); diff != "" {
				t.Error(diff)
			}
			if !strings.Contains(b.Package.Description, "6.1.0-10-amd64:\n  zfs: not built\n") {
				t.Errorf("description: %s", b.Package.Description)
			}
		})
	}
	if _, err := Gate(Product{Form: RHEL9}, append(blocked, blocked[0]), nil); err == nil {
		t.Error("a kernel blocked twice is taken")
	}
}

// TestFormOf tells forms by os-release files.
func TestFormOf(t *testing.T) {
	tests := []struct {
		text string
		want Form
	}{
		{"ID=debian\n", Deb}, {"ID=ubuntu\nID_LIKE=debian\n", Deb}, {"ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", Deb},
		{"ID=\"rhel\"\nVERSION_ID=\"8.9\"\n", RHEL8}, {"ID=\"openEuler\"\n", RHEL9}, {"ID=\"sles\"\nID_LIKE=\"suse\"\n", SUSE}, {"ID=arch\n", ""}, {"", ""},
	}
	for _, test := range tests {
		if got, ok := FormOf([]byte(test.text)); got != test.want || ok != (test.want != "") {
			t.Errorf("%q: %s %t", test.text, got, ok)
		}
	}
}

// FuzzModules packs what is perhaps a module: an error, or a package that can be
// written and read.
func FuzzModules(f *testing.F) {
	for _, name := range []string{"user.ko", "exp.ko"} {
		f.Add(module(f, name, "").Data, "extra", "a-b.ko")
	}
	f.Fuzz(func(t *testing.T, data []byte, dir, name string) {
		for _, form := range Forms {
			p := Product{Name: "p", Version: "1", Form: form, Override: true, NoSymbols: true}
			list, err := Modules(p, []Module{{File: name, Dir: dir, Data: data}})
			if err != nil {
				continue
			}
			var out bytes.Buffer
			if err := kmp.Write(&out, list[0].Package, list[0].Contents, kmp.WriteOptions{Compression: "none"}); err != nil {
				continue
			}
			again, err := kmp.Read("fuzz", bytes.NewReader(out.Bytes()), int64(out.Len()), nil)
			if err != nil || len(again.Modules) != 1 || !bytes.Equal(again.Modules[0].Data, data) {
				t.Fatalf("%s: read again: %v", form, err)
			}
		}
	})
}
