package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/ko"
)

// kernelToBuildFor is a kernel of the cache with headers, and the directory that
// the lab built its modules against.
func kernelToBuildFor(t *testing.T) (kerneltest.Cache, kerneltest.Kernel, string) {
	t.Helper()
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	kernels, err := cache.Kernels()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kernels {
		farm := cache.Join("headers", k.Release)
		if _, err := os.Stat(farm); err == nil && k.Headers && k.Arch == "amd64" {
			return cache, k, farm
		}
	}
	oracle.Missing(t, "no kernel with headers in %s", cache)
	return "", kerneltest.Kernel{}, ""
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
}

// build runs modkeep build and returns its answer and status.
func build(t *testing.T, args ...string) (buildReport, int) {
	t.Helper()
	var out, errOut bytes.Buffer
	status := run(context.Background(), append([]string{"modkeep", "build", "--json", "-j", "2"}, args...), nil, &out, &errOut)
	var r buildReport
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
	}
	t.Logf("status %d %s", status, errOut.String())
	return r, status
}

const driver = "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\nMODULE_DESCRIPTION(\"test\");\n"

// TestOracleDKMSStatus: modkeep build --dkms-status ends as dkms itself does.
func TestOracleDKMSStatus(t *testing.T) {
	dkms := oracle.Tool(t, "dkms")
	if os.Getuid() != 0 {
		oracle.Missing(t, "dkms runs as root only")
	}
	_, k, farm := kernelToBuildFor(t)
	conf := func(name, more string) string {
		return "PACKAGE_NAME=" + name + "\nPACKAGE_VERSION=1.0\nBUILT_MODULE_NAME[0]=" + name + "\nDEST_MODULE_LOCATION[0]=/extra\nAUTOINSTALL=yes\n" + more
	}
	for _, tt := range []struct {
		name, conf, code string
		krel             string
		want             int
	}{
		{"good", "", driver, k.Release, 0},
		{"bad", "", driver + "int x = nonsense;\n", k.Release, 10},
		{"excluded", "BUILD_EXCLUSIVE_KERNEL=\"^2\\.\"\n", driver, k.Release, 77},
		{"excludedconfig", "BUILD_EXCLUSIVE_CONFIG=\"CONFIG_NO_SUCH_THING\"\n", driver, k.Release, 77},
		{"excludedarch", "BUILD_EXCLUSIVE_ARCH=\"^arm\"\n", driver, k.Release, 77},
		{"condition", "if ! grep -q '^CONFIG_NO_SUCH=[ym]$' \"$kernel_source_dir/.config\"; then BUILD_EXCLUSIVE_ARCH=\"^none$\"; fi\n", driver, k.Release, 77},
		{"noheaders", "", driver, "5.99.0-1-amd64", 21},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := oracle.OpenDir(t)
			source := filepath.Join(dir, "src", tt.name+"-1.0")
			writeFiles(t, source, map[string]string{"dkms.conf": conf(tt.name, tt.conf), "Kbuild": "obj-m := " + tt.name + ".o\n", tt.name + ".c": tt.code, "Makefile": "all:\n"})
			headers := farm
			if tt.krel != k.Release {
				headers = filepath.Join(dir, "none")
			}
			if err := os.Mkdir(filepath.Join(dir, "dkms"), 0o755); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(dkms, "build", "-m", tt.name, "-v", "1.0", "-k", tt.krel, "-a", "x86_64", "--sourcetree", filepath.Join(dir, "src"), "--dkmstree", filepath.Join(dir, "dkms"), "--kernelsourcedir", headers)
			text, _ := cmd.CombinedOutput()
			theirs := cmd.ProcessState.ExitCode()
			_, ours := build(t, source, "--root", k.Root, "--kernel", tt.krel, "--cache", filepath.Join(dir, "cache"), "--dkms-status")
			if tt.want == 21 && theirs == 1 && strings.Contains(string(text), "Your kernel headers for kernel") {
				theirs = 21 // so since dkms 3.0.11; before that it ended with 1 here too
			}
			if theirs != tt.want {
				t.Errorf("dkms ends with %d, not %d:\n%s", theirs, tt.want, text)
			}
			if ours != theirs {
				t.Errorf("status %d, dkms has %d", ours, theirs)
			}
		})
	}
}

// TestOracleBuild: two sources for two kernels, one of which has no headers, by
// the interface that other programs use.
func TestOracleBuild(t *testing.T) {
	_, k, _ := kernelToBuildFor(t)
	dir := oracle.OpenDir(t)
	writeFiles(t, dir, map[string]string{
		"src/used-2.0/Kbuild": "obj-m := used.o\n", "src/used-2.0/used.c": driver + "int used_value(void);\nint used_value(void) { return 0; }\nEXPORT_SYMBOL(used_value);\n",
		"src/user-1.0/dkms.conf": "PACKAGE_NAME=user\nPACKAGE_VERSION=1.0\nBUILT_MODULE_NAME[0]=user\nDEST_MODULE_NAME[0]=my-user\nDEST_MODULE_LOCATION[0]=/updates/x\nREMAKE_INITRD=yes\n",
		"src/user-1.0/Kbuild":    "obj-m := user.o\n", "src/user-1.0/user.c": driver + "int used_value(void);\nstatic int __init start(void) { return used_value(); }\nmodule_init(start);\n",
	})
	none := "5.99.0-1-amd64"
	cache, output := filepath.Join(dir, "cache"), filepath.Join(dir, "out")
	args := []string{filepath.Join(dir, "src"), "--root", k.Root, "--kernel", k.Release, "--kernel", none, "--cache", cache, "--output", output}
	r, status := build(t, args...)
	if status != statusNo || len(r.Cells) != 4 {
		t.Fatalf("status %d, %+v", status, r)
	}
	user := r.Cells[2]
	if user.Source != "user" || user.Version != "1.0" || user.Kernel != k.Release || user.Status != "built" || user.Seconds <= 0 || user.Cause != "" ||
		len(user.Modules) != 1 || user.Modules[0] != filepath.Join(output, k.Release, "user-1.0", "updates", "x", "my-user.ko") ||
		len(user.Notes) != 1 || !strings.Contains(user.Notes[0], "REMAKE_INITRD has no effect") {
		t.Errorf("%+v", user)
	}
	f, err := ko.Open(user.Modules[0])
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if v, ok := f.Info.Vermagic(); !ok || v.Release != k.Release {
		t.Errorf("vermagic %+v", v)
	}
	if _, err := os.Stat(user.Log); err != nil {
		t.Error(err)
	}
	for _, i := range []int{1, 3} {
		if c := r.Cells[i]; c.Kernel != none || c.Status != "failed" || c.Hint == "" && c.Cause == "" || c.Log != "" || !strings.Contains(c.Cause, "no headers for kernel "+none) {
			t.Errorf("%+v", c)
		}
	}
	if r, status = build(t, args...); status != statusNo || r.Cells[0].Status != "cached" || r.Cells[2].Status != "cached" {
		t.Errorf("again: status %d, %+v", status, r)
	}
	if _, status = build(t, filepath.Join(dir, "src"), "--root", k.Root, "--kernel", k.Release, "--cache", cache, "--again"); status != statusYes {
		t.Errorf("status %d where all was built", status)
	}
}

// TestOracleBuildRefused: what is built and would be refused is a failure. The
// module has an empty list of versions, and another module's symbol.
func TestOracleBuildRefused(t *testing.T) {
	_, k, _ := kernelToBuildFor(t)
	dir := oracle.OpenDir(t)
	writeFiles(t, dir, map[string]string{
		"odd/dkms.conf": "PACKAGE_NAME=odd\nPACKAGE_VERSION=1.0\nBUILT_MODULE_NAME[0]=odd\nDEST_MODULE_LOCATION[0]=/extra\n" +
			"MAKE=\"make -C $kernel_source_dir M=$dkms_tree/odd/1.0/build KBUILD_MODPOST_WARN=1\"\n",
		"odd/Kbuild": "obj-m := odd.o\n", "odd/odd.c": driver + "int nobody_has_it(void);\nstatic int __init start(void) { return nobody_has_it(); }\nmodule_init(start);\n",
	})
	r, status := build(t, filepath.Join(dir, "odd"), "--root", k.Root, "--kernel", k.Release, "--cache", filepath.Join(dir, "cache"))
	if status != statusNo || len(r.Cells) != 1 || r.Cells[0].Status != "failed" || !strings.HasPrefix(r.Cells[0].Cause, "the kernel would refuse odd: ") || !strings.Contains(r.Cells[0].Cause, "nobody_has_it") {
		t.Errorf("status %d, %+v", status, r)
	}
}

// TestOracleBuildBoot: what is built is loaded by its kernel, after what it needs,
// in a machine of which the program itself is process 1. A kernel that nothing is
// built for is not booted.
func TestOracleBuildBoot(t *testing.T) {
	oracle.Tool(t, kerneltest.Emulator("amd64"))
	_, kernels := matrixKernels(t, "cloud", 2)
	k := kernels[1]
	program, err := builtModkeep()
	if err != nil {
		t.Fatal(err)
	}
	dir := oracle.OpenDir(t)
	conf := func(name string) string {
		return "PACKAGE_NAME=" + name + "\nPACKAGE_VERSION=1.0\nBUILT_MODULE_NAME[0]=" + name + "\nDEST_MODULE_LOCATION[0]=/extra\nBUILD_EXCLUSIVE_KERNEL='^" + regexp.QuoteMeta(k.Release) + "$'\n"
	}
	writeFiles(t, dir, map[string]string{
		"src/used-2.0/dkms.conf": conf("used"), "src/user-1.0/dkms.conf": conf("user"),
		"src/used-2.0/Kbuild": "obj-m := used.o\n", "src/used-2.0/used.c": driver + "int used_value(void);\nint used_value(void) { return -95; }\nEXPORT_SYMBOL(used_value);\n",
		"src/user-1.0/Kbuild": "obj-m := user.o\n", "src/user-1.0/user.c": driver + "int used_value(void);\nstatic int __init start(void) { return used_value(); }\nmodule_init(start);\n",
	})
	cmd := exec.Command(program, "build", filepath.Join(dir, "src"), "--root", k.Root, "--kernel", kernels[0].Release, "--kernel", k.Release, "--cache", filepath.Join(dir, "cache"), "--boot", "--json")
	var errOut strings.Builder
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	var r buildReport
	if err != nil || json.Unmarshal(out, &r) != nil || len(r.Cells) != 4 || r.Cells[0].Status != "excluded" || r.Cells[2].Status != "excluded" {
		t.Fatalf("%v\n%s%s", err, out, errOut.String())
	}
	used, user := r.Cells[1], r.Cells[3]
	if len(used.Boot) != 1 || !used.Boot[0].Loads || used.Boot[0].Errno != "" {
		t.Errorf("%+v", used)
	}
	if len(user.Boot) != 1 || !user.Boot[0].Loads || user.Boot[0].Errno != "EOPNOTSUPP" { // what its init was given by the other module
		t.Errorf("%+v", user)
	}
}

// debs are the files of a package in the cache.
func debs(t *testing.T, cache kerneltest.Cache, name string) []string {
	t.Helper()
	files, err := filepath.Glob(cache.Join("deb", name+"_*.deb"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		oracle.Missing(t, "package %s is not in %s", name, cache)
	}
	return files[len(files)-1:]
}

// TestOracleBuildHeaderPackages: headers from packages that are not installed.
func TestOracleBuildHeaderPackages(t *testing.T) {
	cache, k, _ := kernelToBuildFor(t)
	var packages []string
	for _, p := range k.Packages {
		if !strings.HasPrefix(p, "linux-headers-") && !strings.HasPrefix(p, "linux-kbuild-") {
			continue
		}
		for _, name := range debs(t, cache, p) {
			if !slices.Contains(packages, name) {
				packages = append(packages, "--headers", name)
			}
		}
	}
	dir := oracle.OpenDir(t)
	writeFiles(t, dir, map[string]string{"drv-1/Kbuild": "obj-m := drv.o\n", "drv-1/drv.c": driver})
	r, status := build(t, append([]string{filepath.Join(dir, "drv-1"), "--root", dir, "--cache", filepath.Join(dir, "cache")}, packages...)...)
	if status != statusYes || len(r.Cells) != 1 || r.Cells[0].Status != "built" || r.Cells[0].Kernel != k.Release {
		t.Errorf("status %d, %+v", status, r)
	}
}
