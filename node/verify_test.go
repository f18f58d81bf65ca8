package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"modkeep/repo"
)

// pile has modules that a set may have, or not: foo is of the set and in place,
// shadowed is of the set and another file is selected, weak is of the set, stands
// below another kernel, and would not load on this one.
const pile = `file /etc/os-release ID=rhel\n
	file /etc/depmod.d/dist.conf search updates extra built-in weak-updates\n
	kernel K1
	vmlinux printk@a
	extra/foo.ko printk@a srcversion=FOO alias=virtio:d00000004v*
	kernel/rdma_cm.ko printk@a srcversion=OWN
	updates/shadowed.ko printk@a srcversion=OTHER
	extra/shadowed.ko printk@a srcversion=MINE
	kernel/weak.ko printk@a srcversion=OWN
	kernel/blocked.ko printk@a srcversion=OWN
	kernel K2
	vmlinux printk@b
	extra/weak.ko printk@b srcversion=WEAK
	`

func pileOf(t *testing.T) (*Node, *Facts) {
	t.Helper()
	n, _ := write(t, pile, "")
	deps(t, n, k1, "extra/foo.ko:\nkernel/rdma_cm.ko:\nupdates/shadowed.ko:\nkernel/weak.ko:\nkernel/blocked.ko:\n")
	owners(n, map[string]string{"kernel/rdma_cm.ko": "kernel-core", "extra/foo.ko": "kmod-foo", "updates/shadowed.ko": "kmod-other"})
	f := &Facts{Release: k1}
	for name, src := range map[string]string{"foo": "FOO", "rdma_cm": "OWN", "shadowed": "OTHER", "weak": "OWN"} {
		f.Modules = append(f.Modules, LoadedModule{Name: name, State: "Live", Srcversion: src})
	}
	return n, f
}

// setOf makes a set of files of the root and of lines.
func setOf(t *testing.T, n *Node) *Set {
	t.Helper()
	dir := filepath.Join(n.Root, "lib/modules")
	set, err := NewSet("MLNX", sources(t, filepath.Join(dir, k1, "extra/foo.ko"), filepath.Join(dir, k1, "extra/shadowed.ko"), filepath.Join(dir, k2, "extra/weak.ko"),
		module(t, k1, "rdma_cm.ko printk@dead")))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestVerifySet(t *testing.T) {
	n, f := pileOf(t)
	live := &fakeKernel{facts: *f}
	before := dump(t, n)
	list, err := n.Verify(t.Context(), live, VerifyRequest{Set: setOf(t, n)})
	if err != nil {
		t.Fatal(err)
	}
	if before != dump(t, n) || len(live.did) > 0 {
		t.Errorf("verify changed something: %v", live.did)
	}
	dir := "/lib/modules/" + k1 + "/"
	want := map[string]ModuleReport{
		"foo": {File: dir + "extra/foo.ko", Owner: "kmod-foo", OK: true},
		"rdma_cm": {File: dir + "kernel/rdma_cm.ko", Owner: "kernel-core",
			Reason: "Module rdma_cm belong to kernel (kernel-core) which is not a part of MLNX: " + dir + "kernel/rdma_cm.ko; the set's module is not installed, and would not load: built for another version of printk"},
		"shadowed": {File: dir + "updates/shadowed.ko", Owner: "kmod-other",
			Reason: "Module shadowed belong to kmod-other which is not a part of MLNX: " + dir + "updates/shadowed.ko; depmod does not select " + dir + "extra/shadowed.ko: search: \"updates\" goes before \"extra\""},
		"weak": {File: dir + "kernel/weak.ko", Owner: "kernel",
			Reason: "Module weak belong to kernel which is not a part of MLNX: " + dir + "kernel/weak.ko; no weak link to /lib/modules/" + k2 + "/extra/weak.ko because: built for another version of printk"},
	}
	for _, got := range list {
		w := want[got.Name]
		w.Name = got.Name
		if !strings.HasPrefix(got.Reason, w.Reason) || got.OK != w.OK || got.File != w.File || got.Owner != w.Owner {
			t.Errorf("%+v\nwant %+v", got, w)
		}
		delete(want, got.Name)
	}
	for name := range want {
		t.Errorf("nothing is said of %s", name)
	}
}

// TestReloadSet skips what is not of the set, and reloads the rest.
func TestReloadSet(t *testing.T) {
	n, f := pileOf(t)
	live := &fakeKernel{facts: *f}
	_, res := reloaded(t, n, live, ReloadRequest{Set: setOf(t, n)}, Checks{})
	if got := strings.Join(live.did, ", "); got != "unload foo, load foo FOO" {
		t.Errorf("did %s", got)
	}
	if r := reportFor(res, "rdma_cm"); r.OK || !strings.HasSuffix(r.Reason, "; skipped") {
		t.Errorf("%+v", r)
	}
	if r := reportFor(res, "foo"); !r.OK {
		t.Errorf("%+v", r)
	}
}

func TestManifestSet(t *testing.T) {
	n, f := pileOf(t)
	m := &repo.Manifest{Repository: "site", Snapshot: 3, Packages: []repo.Package{{Name: "kmod-foo"}}, Kernels: []repo.Kernel{{Release: k1, Modules: []repo.Module{
		{Name: "foo", Decision: repo.Rebuilt}, {Name: "shadowed", Decision: repo.Linked}, {Name: "blocked", Decision: repo.Blocked, Reason: "built for another struct module"}}}}}
	set, err := NewManifestSet(m, k1, nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := n.Verify(t.Context(), &fakeKernel{facts: *f}, VerifyRequest{Set: set})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"foo": "", "shadowed": "which is not a part of site, snapshot 3: /lib/modules/" + k1 + "/updates/shadowed.ko; none of the set's packages owns it",
		"blocked": "the set has none for " + k1 + ": built for another struct module"}
	for _, r := range list {
		if w, ok := want[r.Name]; !ok || !strings.HasSuffix(r.Reason, w) || r.OK != (w == "") {
			t.Errorf("%+v, want %q", r, w)
		}
	}
	if len(list) != len(want) {
		t.Errorf("%d modules, want %d", len(list), len(want))
	}
	// A module that is blocked does not belong to the set, whoever's its file is.
	m.Kernels[0].Modules[0] = repo.Module{Name: "foo", Decision: repo.Blocked, Reason: "built for another struct module"}
	if set, err = NewManifestSet(m, k1, nil); err != nil {
		t.Fatal(err)
	}
	if list, err = n.Verify(t.Context(), &fakeKernel{facts: *f}, VerifyRequest{Names: []string{"foo"}, Set: set}); err != nil || list[0].OK || !strings.HasSuffix(list[0].Reason, want["blocked"]) {
		t.Errorf("%v, %+v", err, list)
	}
	if _, err := NewManifestSet(m, k2, nil); err == nil {
		t.Error("a kernel that the manifest does not name")
	}
	// With its packages at hand the manifest need not have judged the kernel.
	at := filepath.Join(n.Root, "lib/modules", k1, "extra/foo.ko")
	if set, err = NewManifestSet(m, k2, sources(t, at)); err != nil || strings.Join(set.Names(), " ") != "foo" {
		t.Errorf("%v, %v", set, err)
	}
}

// TestVerify judges modules one by one.
func TestVerify(t *testing.T) {
	tests := []struct {
		name   string
		change func(k *fakeKernel, n *Node)
		want   string // of the reason; "" for ok
	}{
		{"good", func(*fakeKernel, *Node) {}, ""},
		{"not loaded", func(k *fakeKernel, _ *Node) { k.facts.Module("foo").Name = "bar" }, "is not loaded"},
		{"another build", func(k *fakeKernel, _ *Node) { k.facts.Module("foo").Srcversion = "OLD" },
			"is loaded as another build (srcversion OLD) than /lib/modules/" + k1 + "/extra/foo.ko (srcversion FOO)"},
		{"no srcversion", func(k *fakeKernel, _ *Node) { k.facts.Module("foo").Srcversion = "" }, ""},
		{"going", func(k *fakeKernel, _ *Node) { k.facts.Module("foo").State = "Unloading" }, "is in state Unloading"},
		{"forced", func(k *fakeKernel, _ *Node) { k.facts.Module("foo").Taint = "OEF" }, "was loaded by force (taint F)"},
		{"another's device", func(k *fakeKernel, _ *Node) {
			k.facts.Driverless = []Device{{"virtio", "virtio3", "virtio:d00000005v00001AF4"}}
		}, ""},
		{"its device", func(k *fakeKernel, _ *Node) {
			k.facts.Driverless = []Device{{"virtio", "virtio3", "virtio:d00000004v00001AF4"}}
		},
			"virtio device virtio3 is one of its own (virtio:d00000004v00001AF4), and no driver has it"},
		{"its second device", func(k *fakeKernel, _ *Node) {
			k.facts.Driverless = []Device{{"virtio", "virtio3", "virtio:d00000004v00001AF4"}}
			k.facts.Module("foo").Bound = []Binding{{"virtio:foo", "virtio2"}}
		}, ""},
		{"refused once, loaded now", func(k *fakeKernel, _ *Node) { k.log = "3,1,1,-;foo: disagrees about version of symbol printk\n" }, ""},
		{"an old copy in the initramfs", func(k *fakeKernel, n *Node) {
			k.facts.Module("foo").Srcversion = "OLD"
			image(t, n, "lib/modules/"+k1+"/extra/foo.ko")
		}, "; /boot/initramfs-" + k1 + ".img holds another copy: it is to be made anew"},
		{"file is gone", func(_ *fakeKernel, n *Node) { os.Remove(filepath.Join(n.Root, "lib/modules", k1, "extra/foo.ko")) }, "no such file or directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n, f := pileOf(t)
			k := &fakeKernel{facts: *f}
			test.change(k, n)
			list, err := n.Verify(t.Context(), k, VerifyRequest{Names: []string{"foo"}})
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			if r := list[0]; r.OK != (test.want == "") || !strings.Contains(r.Reason, test.want) {
				t.Errorf("%+v, want %q", r, test.want)
			}
		})
	}
	n, f := pileOf(t)
	if _, err := n.Verify(t.Context(), &fakeKernel{facts: *f}, VerifyRequest{Names: []string{"nowhere"}}); err == nil {
		t.Error("a name that there is nothing of")
	}
	f.Module("foo").Taint = "OE"
	list, err := n.Verify(t.Context(), &fakeKernel{facts: *f}, VerifyRequest{})
	if err != nil || len(list) != 2 || list[0].Name != "foo" || list[1].Name != "shadowed" {
		t.Errorf("third-party modules: %+v, %v", list, err)
	}
}

// image writes the initramfs of k1 with one file.
func image(t *testing.T, n *Node, name string) {
	t.Helper()
	var b strings.Builder
	for _, file := range [][2]string{{name, "old\n"}, {"TRAILER!!!", ""}} {
		// cpio's "newc": magic, inode, mode, uid, gid, links, mtime, size, four
		// numbers of devices, length of the name, checksum.
		fmt.Fprintf(&b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00", 1, 0o100644, 0, 0, 1, 0, len(file[1]), 0, 0, 0, 0, len(file[0])+1, 0, file[0])
		b.WriteString(strings.Repeat("\x00", (4-b.Len()%4)%4) + file[1])
	}
	if err := os.WriteFile(filepath.Join(n.Root, "boot/initramfs-"+k1+".img"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
