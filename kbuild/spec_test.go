package kbuild

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/oracle"
)

const kmodSpec = `%global kmod_name demo
%define upstream 2.1
Name:    %{kmod_name}-kmod
Version: %{upstream}
Release: 1%{?dist}
Summary: test
License: GPLv2
Source0: https://example.org/%{kmod_name}-%{version}.tar.gz
Source5: GPL-v2.0.txt
Patch0:  first.patch
Patch3:  second.patch
%description
test
%prep
%setup -q -n %{kmod_name}-%{version}
%patch0 -p1
%patch -P 3 -p 1
echo prepared > extra
%build
make -C /usr/src/kernels/%{kversion} M=$PWD
%changelog
`

const firstPatch = `--- a/src/demo.c
+++ b/src/demo.c
@@ -1,3 +1,3 @@
 #include <linux/module.h>
-int broken
+int whole;
 MODULE_LICENSE("GPL");
`

const secondPatch = `--- a/src/demo.c
+++ b/src/demo.c
@@ -2,2 +2,3 @@
 int whole;
 MODULE_LICENSE("GPL");
+MODULE_DESCRIPTION("test");
`

// sourcePackage makes what rpmbuild takes: a spec file and its sources.
func sourcePackage(t *testing.T, spec string) string {
	t.Helper()
	top := t.TempDir()
	tarball := tarOf(t, file("demo-2.1/Makefile", "all:\n"), file("demo-2.1/src/Kbuild", "obj-m := demo.o\n"),
		file("demo-2.1/src/demo.c", "#include <linux/module.h>\nint broken\nMODULE_LICENSE(\"GPL\");\n"))
	lay(t, top, map[string]string{"SPECS/demo.spec": spec, "SOURCES/demo-2.1.tar.gz": string(tarball), "SOURCES/GPL-v2.0.txt": "x",
		"SOURCES/first.patch": firstPatch, "SOURCES/second.patch": secondPatch})
	return top
}

func TestParseSpec(t *testing.T) {
	s, err := parseSpec([]byte(kmodSpec))
	if err != nil {
		t.Fatal(err)
	}
	if s.name != "demo-kmod" || s.version != "2.1" || !slices.Equal(s.sources, []string{"demo-2.1.tar.gz", "GPL-v2.0.txt"}) ||
		!slices.Equal(s.patches, []specPatch{{"first.patch", 1}, {"second.patch", 1}}) {
		t.Errorf("%+v", s)
	}
	if want := []string{"1 lines of commands of %prep are not run", "1 lines of commands of %build are not run"}; !slices.Equal(s.notes, want) {
		t.Errorf("%q, want %q", s.notes, want)
	}
	if s, err = parseSpec([]byte("Name: a\nVersion: 1\nSource: a.tgz\nPatch1: x\nPatch2: y\n%prep\n%autosetup -p2\n")); err != nil || !slices.Equal(s.patches, []specPatch{{"x", 2}, {"y", 2}}) {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err = parseSpec([]byte("%define a %a%a\nName: %a\n")); err == nil {
		t.Error("no source, and no error")
	}
}

// TestOracleSourcePackage: the tree of a source package is the one that rpmbuild
// -bp prepares, and its module is built.
func TestOracleSourcePackage(t *testing.T) {
	rpmbuild := oracle.Tool(t, "rpmbuild")
	_, kernels := buildable(t)
	top := sourcePackage(t, kmodSpec)
	for _, action := range []string{"-bs", "-bp"} {
		cmd := exec.Command(rpmbuild, action, "--nodeps", "--define", "_topdir "+top, filepath.Join(top, "SPECS", "demo.spec"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("rpmbuild %s: %v\n%s", action, err, out)
		}
	}
	packages, _ := filepath.Glob(filepath.Join(top, "SRPMS", "*.src.rpm"))
	if len(packages) != 1 {
		t.Fatalf("packages %q", packages)
	}
	cache := oracle.OpenDir(t)
	u := Unpacker{Cache: cache, Temp: oracle.OpenDir(t), Path: filepath.SplitList(os.Getenv("PATH"))}
	sources, notes, err := u.OpenSources(t.Context(), packages[0])
	if err != nil || len(sources) != 1 || sources[0].String() != "demo-2.1" || len(notes) != 2 {
		t.Fatalf("%v, %q, %v", sources, notes, err)
	}
	ours, err := os.ReadFile(filepath.Join(sources[0].Dir, "demo.c"))
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile(filepath.Join(top, "BUILD", "demo-2.1", "src", "demo.c"))
	if err != nil || string(ours) != string(theirs) {
		t.Errorf("%q, %v; rpmbuild prepares %q", ours, err, theirs)
	}
	if c := matrix(t, cache, sources, kernels[:1], nil)["demo "+kernels[0].Release]; c.Status != Built || c.Modules[0].Dest != "extra/demo.ko" {
		t.Errorf("%s %s", c.Status, c.Cause.Text)
	}
}

func TestSourcePackagePatch(t *testing.T) {
	top := sourcePackage(t, strings.Replace(kmodSpec, "%patch0 -p1\n", "", 1))
	spec := t.TempDir()
	for _, dir := range []string{"SPECS", "SOURCES"} {
		if err := os.CopyFS(spec, os.DirFS(filepath.Join(top, dir))); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.SplitList(os.Getenv("PATH"))
	oracle.Tool(t, "patch")
	cache := t.TempDir()
	_, _, err := Unpacker{Cache: cache, Temp: oracle.OpenDir(t), Path: path}.OpenSources(t.Context(), spec)
	if err == nil || !strings.Contains(err.Error(), "second.patch: the patch does not apply") {
		t.Errorf("%v", err)
	}
	_, _, err = Unpacker{Cache: cache, Temp: oracle.OpenDir(t)}.OpenSources(t.Context(), spec)
	if m := Missing(err); m == nil || m.Install != "patch" {
		t.Errorf("%v", err)
	}
}

func FuzzParseSpec(f *testing.F) {
	f.Add([]byte(kmodSpec))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := parseSpec(text); err == nil && len(s.sources) == 0 {
			t.Fatal("no source, and no error")
		}
	})
}
