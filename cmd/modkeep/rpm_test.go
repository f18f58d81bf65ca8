package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
	"modkeep/kmp/rpm"
)

// TestOracleRPMAttr has the real rpmbuild run modkeep as its dependency
// generator, by the file that package kmp/rpm has for it, and asks rpm what
// stands in the package.
func TestOracleRPMAttr(t *testing.T) {
	for _, tool := range []string{"rpmbuild", "rpm"} {
		oracle.Tool(t, tool)
	}
	dir := t.TempDir()
	fixture, err := filepath.Abs("../../ko/testdata/x86_64-6.14.ko")
	if err != nil {
		t.Fatal(err)
	}
	// The test binary is modkeep when it is called so.
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"attrs/modkeep.attr":                         rpm.Attr,
		"root/usr/src/kernels/2.6.32/Module.symvers": "0x12345678\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n",
		"foo.spec": fmt.Sprintf(`Name: kmod-foo
Version: 1
Release: 1
Summary: A module
License: GPL-2.0-only
BuildArch: noarch
%%description
A module.
%%install
mkdir -p %%{buildroot}/lib/modules/2.6.32/extra %%{buildroot}/usr/share
cp %[1]s %%{buildroot}/lib/modules/2.6.32/extra/foo.ko
xz -c --check=crc32 %[1]s > %%{buildroot}/lib/modules/2.6.32/extra/bar.ko.xz
echo kernel/built-in.ko > %%{buildroot}/lib/modules/2.6.32/modules.builtin
cp %[1]s %%{buildroot}/usr/share/no.ko
%%files
/lib/modules/2.6.32
/usr/share/no.ko
`, fixture),
	} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, filepath.Join(dir, "bin/modkeep")); err != nil {
		t.Fatal(err)
	}
	attr := strings.NewReplacer("--buildroot", "--form=rhel9 --root="+dir+"/root --buildroot").Replace(rpm.Attr)
	writeFile(t, filepath.Join(dir, "attrs/modkeep.attr"), attr)
	runTool(t, "rpmbuild", "-bb", "--define", "_topdir "+dir, "--load", dir+"/attrs/modkeep.attr", "--define", "_fileattrsdir "+dir+"/attrs", "--define", "_bindir "+dir+"/bin",
		"--define", "_dbpath "+dir+"/db", "--define", "_build_id_links none", "--define", "__os_install_post %{nil}", dir+"/foo.spec")
	packages, _ := filepath.Glob(filepath.Join(dir, "RPMS/noarch/*.rpm"))
	if len(packages) != 1 {
		t.Fatalf("packages: %q", packages)
	}
	for what, want := range map[string][]string{
		"--provides": {"kmod(bar.ko)", "kmod(built-in.ko)", "kmod(foo.ko)", "kmod-foo = 1-1", "ksym(one) = 0x11111111", "ksym(three) = 0x00000000", "ksym(two) = 0x89abcdef"},
		"--requires": {"kernel(module_layout) = 0x12345678", "ksym(printk) = 0xfedcba98"},
	} {
		out := runTool(t, "rpm", "--define", "_dbpath "+dir+"/db", "-qp", what, packages[0])
		var got []string
		for line := range strings.Lines(out) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "rpmlib(") {
				got = append(got, line)
			}
		}
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func runTool(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, out, errs.Bytes())
	}
	return string(out)
}
