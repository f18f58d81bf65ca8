package kerneltest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// diskNames are the drivers of the machine's disk and network card.
var diskNames = []string{"virtio_pci", "virtio_blk", "virtio_net"}

// TestOracleBootDisk writes to a disk, cuts the power while a command runs, and
// finds what was written before in the next boot.
func TestOracleBootDisk(t *testing.T) {
	_, k := oracleKernel(t)
	for _, tool := range []string{"kmod", "depmod", "ldd", "mke2fs"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("MODKEEP_ORACLES") == "required" {
				t.Fatal(err)
			}
			t.Skipf("SKIPPED: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	root, disk := t.TempDir(), filepath.Join(t.TempDir(), "disk")
	if err := StageTree(ctx, root, k, diskNames); err != nil {
		t.Fatal(err)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	sync, err := exec.LookPath("sync")
	if err != nil {
		t.Fatal(err)
	}
	if err := PackPrograms(root, map[string]string{"bin/sh": sh, "bin/sync": sync}); err != nil {
		t.Fatal(err)
	}
	if err := MakeDisk(ctx, disk, root, 64); err != nil {
		t.Fatal(err)
	}
	g := Guest{Tree: Tree{Root: root, Release: k.Release, Names: diskNames}, Disk: disk,
		Devices: []string{"-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n"},
		Commands: []Command{
			{Argv: []string{"/bin/sh", "-c", "echo first >/a; read x </proc/sys/kernel/osrelease; echo $x; echo talk >&2; exit 3"}},
			{Argv: []string{"@up", "eth0"}},
			{Argv: []string{"@arp", "eth0", "10.0.2.2"}},
			{Argv: []string{"/bin/sync"}},
			{Argv: []string{"/bin/sh", "-c", "while :; do :; done"}, Kill: func([]Ran) time.Duration { return time.Second }},
			{Argv: []string{"/bin/sh", "-c", "echo never"}},
		}}
	ran, err := BootDisk(ctx, k.Machine(), g)
	if err != nil {
		t.Fatal(err)
	}
	if len(ran) != 5 || !ran[4].Killed {
		t.Fatalf("%d commands ran, want 5, the last one killed: %+v", len(ran), ran)
	}
	if r := ran[0]; r.Status != 3 || r.Out != k.Release+"\n" || r.ErrOut != "talk\n" {
		t.Errorf("the first: %+v", r)
	}
	// The emulator's own network has this address for its gateway.
	if r := ran[2]; r.Status != 0 || !strings.HasPrefix(r.Out, "52:55:") {
		t.Errorf("arp: %+v", r)
	}
	g.Commands = []Command{{Argv: []string{"/bin/sh", "-c", "read x </a; echo $x"}}}
	ran, err = BootDisk(ctx, k.Machine(), g)
	if err != nil || len(ran) != 1 || ran[0].Out != "first\n" {
		t.Errorf("after the power cut: %+v, %v", ran, err)
	}
}
