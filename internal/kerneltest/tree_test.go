package kerneltest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
)

func TestInsmodPaths(t *testing.T) {
	out := "builtin ext4\ninsmod /r/lib/modules/1/kernel/c.ko \ninsmod /r/lib/modules/1/kernel/a.ko debug=1\ninstall /bin/true\n"
	want := []string{"/lib/modules/1/kernel/c.ko", "/lib/modules/1/kernel/a.ko"}
	for _, root := range []string{"/r", "/r/"} {
		if diff := cmp.Diff(want, insmodPaths(out, root)); diff != "" {
			t.Errorf("root %s (-want +got):\n%s", root, diff)
		}
	}
}

func TestSharedObjects(t *testing.T) {
	out := "\tlinux-vdso.so.1 (0x00007f)\n\tlibzstd.so.1 => /lib/x/libzstd.so.1 (0x00007f)\n\tlibgone.so => not found\n\t/lib64/ld-linux.so.2 (0x00007f)\n"
	if diff := cmp.Diff([]string{"/lib/x/libzstd.so.1", "/lib64/ld-linux.so.2"}, sharedObjects(out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestProbe reads a kernel's log of one run of modprobe.
func TestProbe(t *testing.T) {
	p := Probe{Name: "b", Came: []string{"a"}, Log: []Line{
		{4, "a: loading out-of-tree module taints kernel."},
		{7, "calling  a_init+0x0/0x1000 [a] @ 87"},
		{6, "a: hello"},
		{7, "initcall a_init+0x0/0x1000 [a] returned 0 after 12 usecs"},
		{6, "clocksource: something"},
		{3, "b: disagrees about version of symbol a_do"},
		{3, "b: Unknown symbol a_do (err -22)"},
	}}
	if diff := cmp.Diff([]string{"a"}, p.Initialized()); diff != "" {
		t.Errorf("initialized (-want +got):\n%s", diff)
	}
	if p.Loads() {
		t.Error("b counts as loaded")
	}
	want := []string{p.Log[0].Text, p.Log[5].Text, p.Log[6].Text}
	if diff := cmp.Diff(want, p.Refusal()); diff != "" {
		t.Errorf("refusal (-want +got):\n%s", diff)
	}
}

// TestTreePacker has cpio list what is packed of a tree with a dependency, a
// soft one, and links of both forms, one of which leads nowhere.
func TestTreePacker(t *testing.T) {
	for _, tool := range []string{"cpio", "depmod", "modprobe"} {
		oracle.Tool(t, tool)
	}
	const k, donor = "6.1.0-2-amd64", "6.1.0-1-amd64"
	root := t.TempDir()
	_, err := made.Write(root, `
		kernel `+donor+` bare=yes
		extra/x.ko printk y_do depends=y "softdep=pre: soft"
		extra/absolute.ko printk
		extra/unlinked.ko printk
		kernel `+k+`
		vmlinux printk
		kernel/y.ko printk +y_do
		kernel/z.ko printk
		kernel/soft.ko printk
		link weak-updates/x.ko ../../`+donor+`/extra/x.ko
		link weak-updates/absolute.ko /lib/modules/`+donor+`/extra/absolute.ko
		link weak-updates/gone.ko ../../`+donor+`/extra/gone.ko`)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("depmod", "-b", root, k).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var out strings.Builder
	p := &treePacker{archive: newArchive(&out), root: root, have: map[string]bool{".": true}}
	if err := p.tree(Tree{Root: root, Release: k, Names: []string{"x", "no_such"}}); err != nil {
		t.Fatal(err)
	}
	if err := p.archive.close(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		donor, donor + "/extra", donor + "/extra/absolute.ko", donor + "/extra/x.ko",
		k, k + "/kernel", k + "/kernel/soft.ko", k + "/kernel/y.ko",
		k + "/weak-updates", k + "/weak-updates/absolute.ko", k + "/weak-updates/gone.ko", k + "/weak-updates/x.ko",
	}
	var got []string
	for _, name := range strings.Fields(cpio(t, out.String(), "-t")) {
		if inside, ok := strings.CutPrefix(name, "lib/modules/"); ok && !strings.HasPrefix(inside, k+"/modules.") {
			got = append(got, inside)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cpio -t (-want +got):\n%s", diff)
	}
	if got := cpio(t, out.String(), "-tv", "*/gone.ko"); !strings.HasPrefix(got, "lrwx") || !strings.Contains(got, "-> ../../"+donor+"/extra/gone.ko") {
		t.Errorf("cpio -tv: %s", got)
	}
}

func cpio(t *testing.T, archive string, args ...string) string {
	t.Helper()
	cmd := exec.Command("cpio", append([]string{"--quiet"}, args...)...)
	cmd.Stdin = strings.NewReader(archive)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cpio %v: %v", args, err)
	}
	return string(out)
}

// TestOracleBootTree probes two in-tree modules and one that is not there, from
// the index files that depmod writes.
func TestOracleBootTree(t *testing.T) {
	_, k := oracleKernel(t)
	for _, tool := range []string{"kmod", "depmod", "ldd"} {
		oracle.Tool(t, tool)
	}
	root := t.TempDir()
	dir := filepath.Join(root, "lib/modules", k.Release)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"modules.order", "modules.builtin", "modules.builtin.modinfo"} {
		if err := os.Symlink(filepath.Join(k.Modules(), name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	// depmod follows no link to a directory.
	if err := os.CopyFS(filepath.Join(dir, "kernel"), os.DirFS(filepath.Join(k.Modules(), "kernel"))); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("depmod", "-b", root, k.Release).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	probes, err := BootTree(ctx, k.Machine(), Tree{Root: root, Release: k.Release, Names: []string{"dummy", "wireguard", "no_such"}})
	if err != nil {
		t.Fatal(err)
	}
	in := "/lib/modules/" + k.Release + "/kernel/drivers/net/"
	for i, want := range []Probe{{Name: "dummy", File: in + "dummy.ko"}, {Name: "wireguard", File: in + "wireguard/wireguard.ko"}, {Name: "no_such", Status: 1}} {
		p := probes[i]
		if p.Name != want.Name || p.File != want.File || p.Status != want.Status || p.Loads() != (want.File != "") {
			t.Errorf("%s: file %q, status %d, loads %v: %s", p.Name, p.File, p.Status, p.Loads(), p.Output)
		}
	}
	needs, err := DependsOn(root, k.Release)
	if err != nil {
		t.Fatal(err)
	}
	want := append(needs["wireguard"], "wireguard")
	got := slices.DeleteFunc(slices.Clone(probes[1].Came), func(name string) bool { return !slices.Contains(want, name) })
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 3 {
		t.Errorf("order (-modules.dep +/proc/modules):\n%s", diff)
	}
}
