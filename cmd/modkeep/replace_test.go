package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
)

// oldAndNew are two kernels of one flavour, whose modules load on each other
// where there are such in the cache, else two that do not.
func oldAndNew(t *testing.T) [2]kerneltest.Kernel {
	t.Helper()
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	kernels, err := cache.Kernels()
	if err != nil {
		t.Fatal(err)
	}
	kernels = slices.DeleteFunc(kernels, func(k kerneltest.Kernel) bool {
		_, err := os.Stat(k.Symvers())
		return k.Arch != "amd64" || k.Flavour != "cloud" || k.Series != "6.1" || err != nil
	})
	if len(kernels) < 2 {
		oracle.Missing(t, "no two 6.1 cloud kernels in the cache")
	}
	return [2]kerneltest.Kernel(kernels[len(kernels)-2:])
}

// ownedRoot is a root with two kernels, of which dpkg owns every file.
func ownedRoot(t *testing.T, kernels [2]kerneltest.Kernel, modules ...string) string {
	t.Helper()
	root := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	status := ""
	for _, k := range kernels {
		if err := kerneltest.StageTree(t.Context(), root, k, modules); err != nil {
			t.Fatal(err)
		}
		for name, from := range map[string]string{"boot/config-" + k.Release: k.Config(), "usr/src/linux-headers-" + k.Release + "/Module.symvers": k.Symvers()} {
			data, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			put(name, string(data))
		}
		name := "linux-image-" + k.Release
		files, err := kerneltest.ModuleFiles(filepath.Join(root, "lib/modules", k.Release))
		if err != nil {
			t.Fatal(err)
		}
		list := "/.\n"
		for _, f := range files {
			list += strings.TrimPrefix(f, root) + "\n"
		}
		put("var/lib/dpkg/info/"+name+".list", list)
		status += "Package: " + name + "\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nMaintainer: x\nDescription: x\n\n"
	}
	put("var/lib/dpkg/status", status)
	put("etc/os-release", "ID=debian\n")
	return root
}

// TestOracleDiverted asks dpkg about a file that another package diverts, which it
// names before the file's own.
func TestOracleDiverted(t *testing.T) {
	oracle.Tool(t, "dpkg-query")
	root := t.TempDir()
	const file = "/lib/modules/5.10/extra/foo.ko"
	for name, text := range map[string]string{
		"status":                "Package: foo-modules\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nMaintainer: x\nDescription: x\n\n",
		"info/foo-modules.list": "/.\n" + file + "\n",
		"diversions":            file + "\n" + file + ".distrib\nother\n",
	} {
		p := filepath.Join(root, "var/lib/dpkg", name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for p, want := range map[string]string{file: "foo-modules", "/usr" + file: "foo-modules", file + ".distrib": ""} {
		if got := packageOwner(root)(p); got != want {
			t.Errorf("%s is of %q, want %q", p, got, want)
		}
	}
}

// modprobed is the file below the kernel's directory that the real modprobe
// would load for a name.
func modprobed(t *testing.T, root, krel, name string) string {
	t.Helper()
	out, err := exec.Command(oracle.Tool(t, "modprobe"), "-d", root, "-S", krel, "--show-depends", name).CombinedOutput()
	if err != nil {
		t.Fatalf("modprobe: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if file, ok := strings.CutPrefix(strings.TrimSpace(line), "insmod "+root+"/lib/modules/"+krel+"/"); ok && moduleNameOf(strings.Fields(file)[0]) == name {
			return strings.Fields(file)[0]
		}
	}
	t.Fatalf("modprobe: no %s in\n%s", name, out)
	return ""
}

// ran runs the program and wants a status.
func ran(t *testing.T, status int, args ...string) (out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	if got := run(context.Background(), append([]string{"modkeep"}, args...), nil, &o, &e); got != status {
		t.Fatalf("modkeep %s: status %d, want %d\n%s%s", strings.Join(args, " "), got, status, o.String(), e.String())
	}
	return o.String(), e.String()
}

// TestOracleReplace replaces a module of a Debian kernel's own, which a package
// owns, has the real depmod and modprobe say what is selected, lets the next
// kernel come along by modkeep link, and goes back.
func TestOracleReplace(t *testing.T) {
	for _, tool := range []string{"depmod", "modprobe", "dpkg-query"} {
		oracle.Tool(t, tool)
	}
	kernels := oldAndNew(t)
	root := ownedRoot(t, kernels, "dummy", "tun")
	own := filepath.Join(root, "lib/modules", kernels[0].Release, "kernel/drivers/net/dummy.ko")
	original, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	repaired, err := kerneltest.Rebuilt(original)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "dummy.ko")
	if err := os.WriteFile(file, repaired, 0o644); err != nil {
		t.Fatal(err)
	}
	before := treeOf(t, root)
	out, _ := ran(t, 0, "replace", "--root", root, file)
	if !strings.Contains(out, "which is of linux-image-"+kernels[0].Release) {
		t.Errorf("the owner is not named:\n%s", out)
	}
	if got := modprobed(t, root, kernels[0].Release, "dummy"); got != "updates/dummy.ko" {
		t.Errorf("modprobe loads %s, want the replacement", got)
	}
	if now, err := os.ReadFile(own); err != nil || sha256.Sum256(now) != sha256.Sum256(original) {
		t.Errorf("the package's file was changed: %v", err)
	}
	// What became of it on the next kernel is said, linked or not.
	out, _ = ran(t, 0, "status", "--root", root, "--kernel", kernels[1].Release, "--json", "dummy")
	var report statusReport
	if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Modules) != 1 || !strings.Contains(report.Modules[0].Reason, "has its own kernel/drivers/net/dummy.ko") {
		t.Errorf("status on %s: %v\n%s", kernels[1].Release, err, out)
	}
	loads := report.Modules[0].State == "blocked"
	ran(t, 0, "link", "--root", root)
	if got := modprobed(t, root, kernels[1].Release, "dummy"); (got == "weak-updates/dummy.ko") != loads {
		t.Errorf("modprobe loads %s on %s, whose status was: %s", got, kernels[1].Release, out)
	}
	ran(t, 0, "rollback", "--root", root)
	for _, k := range kernels {
		if got := modprobed(t, root, k.Release, "dummy"); got != "kernel/drivers/net/dummy.ko" {
			t.Errorf("after the rollback modprobe loads %s on %s", got, k.Release)
		}
	}
	if after := treeOf(t, root); !sameButIndexes(before, after) {
		t.Errorf("after the rollback the tree is another:\n%s\nwas:\n%s", after, before)
	}
}

func treeOf(t *testing.T, root string) string {
	t.Helper()
	text, err := made.Dump(root, "var/lib/modkeep")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sameButIndexes compares trees without depmod's files, which tell the place of
// what they hold nowhere but in their contents, and with directories that link
// made.
func sameButIndexes(a, b string) bool {
	strip := func(text string) string {
		var kept []string
		for line := range strings.Lines(text) {
			if !strings.Contains(line, "/modules.") && !strings.Contains(line, "weak-updates") && !strings.Contains(line, "etc/depmod.d") {
				kept = append(kept, line)
			}
		}
		return strings.Join(kept, "")
	}
	return strip(a) == strip(b)
}
