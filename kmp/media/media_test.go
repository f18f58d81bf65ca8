package media

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/kernel"
	"modkeep/kmp"
	"modkeep/loader"
)

// The names are those of the vendor's downloads (MLNX_EN and MLNX_OFED release
// notes) and of plain directories.
func TestName(t *testing.T) {
	for _, tt := range []struct{ file, base, product, version string }{
		{"/mnt/mlnx-en-5.2-1.0.4.0-rhel7.8-x86_64", "mlnx-en-5.2-1.0.4.0-rhel7.8-x86_64", "mlnx-en", "5.2-1.0.4.0"},
		{"mlnx-en-5.2-1.0.4.0-rhel7.8-x86_64.tgz", "mlnx-en-5.2-1.0.4.0-rhel7.8-x86_64", "mlnx-en", "5.2-1.0.4.0"},
		{"MLNX_OFED_LINUX-4.7-3.2.9.0-ubuntu18.04-x86_64.iso", "MLNX_OFED_LINUX-4.7-3.2.9.0-ubuntu18.04-x86_64", "MLNX_OFED_LINUX", "4.7-3.2.9.0"},
		{"MLNX_OFED_LINUX-5.5-1.0.3.2-rhel8.1-ext.tgz", "MLNX_OFED_LINUX-5.5-1.0.3.2-rhel8.1-ext", "MLNX_OFED_LINUX", "5.5-1.0.3.2"},
		{"drivers.tar.gz", "drivers", "drivers", ""},
		{"drivers-ext", "drivers-ext", "drivers", ""},
		{"7zip", "7zip", "7zip", ""},
		{"my drivers-1.2", "my drivers-1.2", "mydrivers", "1.2"},
		{".iso", ".iso", "iso", ""},
		{"--", "--", "", ""},
	} {
		base := Base(tt.file)
		product, version := Name(base)
		if base != tt.base || product != tt.product || version != tt.version {
			t.Errorf("%s: %q, %q, %q", tt.file, base, product, version)
		}
	}
}

func TestOracleVersion(t *testing.T) {
	dpkg := oracle.Tool(t, "dpkg")
	for _, tt := range []struct{ text, rpm, deb string }{
		{"", "", ""}, {"1.0", "1.0", "1.0"}, {"0.1.1dev+git20220316.e5c53d64", "0.1.1dev+git20220316.e5c53d64", "0.1.1dev+git20220316.e5c53d64"},
		{"v1.2~rc+3", "v1.2~rc+3", "1.2~rc+3"}, {"1.2_rc1", "1.2_rc1", "1.2.rc1"}, {"2.1-3", "2.1-3", "2.1-3"}, {"1.0^git1", "1.0^git1", "1.0.git1"},
		{"trunk", "trunk", "0+trunk"}, {"1:2 3/4", "1.2.3.4", "1.2.3.4"}, {"1.0µ", "1.0.", "1.0."},
	} {
		if got := Version(tt.text, kmp.RPM); got != tt.rpm {
			t.Errorf("%q in an .rpm: %q, want %q", tt.text, got, tt.rpm)
		}
		if got := Version(tt.text, kmp.Deb); got != tt.deb {
			t.Errorf("%q in a .deb: %q, want %q", tt.text, got, tt.deb)
		}
		if tt.deb == "" {
			continue
		}
		if out, err := exec.Command(dpkg, "--validate-version", tt.deb).CombinedOutput(); err != nil {
			t.Errorf("dpkg does not take %q: %s", tt.deb, out)
		}
	}
}

func TestBump(t *testing.T) {
	const stamp = "202611221200"
	for _, tt := range []struct{ old, want string }{
		{"1", "1." + stamp},
		{"1.rhel7u8", "1.rhel7u8." + stamp},
		{"1.202501010000", "1." + stamp},
		{"1." + stamp, "1." + stamp + ".1"},
		{"1.202612010000", "1.202612010000.1"},
	} {
		if got, err := Bump(tt.old, stamp); err != nil || got != tt.want {
			t.Errorf("%s: %q, %v", tt.old, got, err)
		}
	}
	if _, err := Bump("1", "today"); err == nil {
		t.Error("no error for what is no stamp")
	}
}

const (
	k1 = "5.14.0-70.el9.x86_64"
	k2 = "5.14.0-162.el9.x86_64"
)

// root has two kernels that differ in one export, and modules for each.
const root = `file /etc/os-release ID=rhel\n
	kernel ` + k1 + `
	vmlinux printk@a moved@c
	extra/same/same.ko printk@a
	extra/moved/moved.ko printk@a moved@c
	kernel ` + k2 + `
	vmlinux printk@a moved@d
	extra/moved/moved.ko printk@a moved@d
	`

// written is a package to write.
type written struct {
	name    string
	links   bool   // its scriptlet calls weak-modules
	from    string // module file below the root
	at      string // its place in the package; "" is where it is from
	depends []kmp.Dependency
	source  string
}

func (w written) write(t *testing.T, root, dir string) {
	t.Helper()
	p := &kmp.Package{Format: kmp.RPM, Name: w.name, Version: "1.2", Release: "1", Arch: "x86_64", Summary: "x", License: "GPL", Description: "x", Group: "x", BuildHost: "x", Vendor: "x",
		Depends: w.depends, SourceName: w.source}
	if w.links {
		p.Scripts = []kmp.Script{{Name: "post", Interpreter: "/bin/sh", Text: "find /lib/modules | /usr/sbin/weak-modules --add-modules\n"}}
	}
	var contents []kmp.Content
	if w.from != "" {
		data, err := os.ReadFile(filepath.Join(root, w.from))
		if err != nil {
			t.Fatal(err)
		}
		at := w.at
		if at == "" {
			at = w.from
		}
		contents = append(contents, kmp.Content{File: kmp.File{Path: "/" + at, Mode: 0o644}, Data: data})
	}
	f, err := os.Create(filepath.Join(dir, p.FileName()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := kmp.Write(f, p, contents, kmp.WriteOptions{Date: time.Unix(1_700_000_000, 0), Compression: "gzip"}); err != nil {
		t.Fatal(err)
	}
}

// TestFit: what is for a kernel is told by what is in packages and what they do,
// not by what they are called.
func TestFit(t *testing.T) {
	at := t.TempDir()
	if _, err := made.Write(at, root); err != nil {
		t.Fatal(err)
	}
	same, moved1, moved2 := "lib/modules/"+k1+"/extra/same/same.ko", "lib/modules/"+k1+"/extra/moved/moved.ko", "lib/modules/"+k2+"/extra/moved/moved.ko"
	for _, tt := range []struct {
		name  string
		pkg   written
		k1ok  bool
		k2ok  bool
		of    string // the source that it has the modules of; "" where its name says none
		notOf string
	}{
		{"linked, loads on both", written{name: "kmod-same", links: true, from: same}, true, true, "same", "sam"},
		{"linked, an export moved", written{name: "kmod-moved", links: true, from: moved1}, true, false, "moved", "kmod"},
		{"for one kernel", written{name: "kmod-same-" + k1, from: same}, true, false, "same", "same-" + k2},
		{"named after a kernel that it is not for", written{name: "kmod-moved-" + k2, from: moved1, at: "lib/modules/" + k2 + "/extra/moved.ko"}, true, false, "", "moved"},
		{"rebuilt", written{name: "kmod-moved-" + k2, from: moved2}, false, true, "moved", "mov"},
		{"a vendor's, by what it provides", written{name: "vendor-drivers", links: true, from: same, depends: []kmp.Dependency{{Relation: kmp.Provides, Name: "same-kmod", Op: "=", Version: "1.2-1"}}}, true, true, "same", "vendor"},
		{"a vendor's, by its sources", written{name: "vendor-modules", links: true, from: same, source: "same-1.2-1.src.rpm"}, true, true, "same", "sa"},
		{"SUSE's", written{name: "same-kmp-default", links: true, from: same}, true, true, "same", "default"},
		{"no modules", written{name: "kmod-none", links: true}, false, false, "none", "other"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tt.pkg.write(t, at, dir)
			tree, err := OpenTree(dir, "given")
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			list, err := tree.Packages()
			if err != nil || len(list) != 1 {
				t.Fatalf("%d packages, %v", len(list), err)
			}
			for krel, want := range map[string]bool{k1: tt.k1ok, k2: tt.k2ok} {
				k, err := kernel.Open(at, krel, kernel.Options{})
				if err != nil {
					t.Fatal(err)
				}
				fit := Fit(list, loader.NewTarget(k, loader.Options{}), krel, func(v *loader.Verdict) string {
					if v.Loads {
						return ""
					}
					return v.Errno
				})
				if (len(fit) == 1) != want {
					t.Errorf("%s: fits: %v, want %v", krel, len(fit) == 1, want)
				}
			}
			if tt.of != "" && !list[0].Of(tt.of) {
				t.Errorf("not of %s", tt.of)
			}
			if list[0].Of(tt.notOf) {
				t.Errorf("of %s", tt.notOf)
			}
		})
	}
}

// TestProduct: a tree whose file was renamed is still the same product.
func TestProduct(t *testing.T) {
	for _, tt := range []struct{ pkg, name, version string }{
		{"mlnx-en-kernel-only", "mlnx-en", "1.2"},
		{"acme-kernel-only-6.1.0-54-amd64", "acme", "1.2"},
		{"-kernel-only", "", ""},
		{"tools", "", ""},
	} {
		dir := t.TempDir()
		written{name: tt.pkg}.write(t, "", dir)
		tree, err := OpenTree(dir, "given")
		if err != nil {
			t.Fatal(err)
		}
		defer tree.Close()
		list, err := tree.Packages()
		if err != nil {
			t.Fatal(err)
		}
		if name, version, ok := Product(list); name != tt.name || version != tt.version || ok != (tt.name != "") {
			t.Errorf("%s: %q, %q, %v", tt.pkg, name, version, ok)
		}
	}
}

// TestPackagesNamesWhatIsDamaged: half a package is an error with its name.
func TestPackagesNamesWhatIsDamaged(t *testing.T) {
	dir := t.TempDir()
	written{name: "tools"}.write(t, "", dir)
	file := filepath.Join(dir, "tools-1.2-1.x86_64.rpm")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data[:len(data)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	tree, err := OpenTree(dir, "given")
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if _, err := tree.Packages(); err == nil || !strings.Contains(err.Error(), "given/"+filepath.Base(file)) {
		t.Errorf("error %v", err)
	}
}

func FuzzName(f *testing.F) {
	f.Add("mlnx-en-5.2-1.0.4.0-rhel7.8-x86_64-ext")
	f.Add("-1-")
	f.Fuzz(func(t *testing.T, base string) {
		product, version := Name(Base(base))
		for _, s := range []string{product, version} {
			if strings.ContainsAny(s, "/ \n\x00") {
				t.Errorf("%q: %q", base, s)
			}
		}
	})
}
