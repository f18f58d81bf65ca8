package kerneltest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modkeep/internal/kerneltest/oracle"
)

// diskNames are the drivers of the machine's disk and network card.
var diskNames = []string{"virtio_pci", "virtio_blk", "virtio_net"}

// TestOracleBootDisk writes to a disk, cuts the power while a command runs, and
// finds what was written before in the next boot.
func TestOracleBootDisk(t *testing.T) {
	_, k := oracleKernel(t)
	for _, tool := range []string{"kmod", "depmod", "ldd", "mke2fs"} {
		oracle.Tool(t, tool)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	root, disk := t.TempDir(), filepath.Join(t.TempDir(), "disk")
	if err := StageTree(ctx, root, k, diskNames); err != nil {
		t.Fatal(err)
	}
	if err := PackPrograms(root, map[string]string{"bin/sh": oracle.Tool(t, "sh"), "bin/sync": oracle.Tool(t, "sync")}); err != nil {
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
			{Argv: []string{"/bin/sh", "-c", "while :; do echo more >>/b; sync; done"}, CutAt: 20},
			{Argv: []string{"/bin/sh", "-c", "echo never"}},
		}}
	ran, err := BootDisk(ctx, k.Machine(), g)
	if err != nil {
		t.Fatal(err)
	}
	if len(ran) != 5 || !ran[4].Cut || ran[4].Writes != 20 {
		t.Fatalf("%d commands ran, want 5, the last one cut at its write 20: %+v", len(ran), ran)
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
	if err != nil || len(ran) != 1 || ran[0].Out != "first\n" || ran[0].Cut {
		t.Errorf("after the power cut: %+v, %v", ran, err)
	}
}

// TestPowerFails cuts the power of a disk with a cache: what was flushed stays,
// of the rest each sector is as before or as written, and nothing is written
// afterwards.
func TestPowerFails(t *testing.T) {
	const cached = 64 // sectors
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, make([]byte, (cached+2)*sector), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := serveDisk(image, filepath.Join(t.TempDir(), "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	killed := false
	d.mark(3, 1, func() { killed = true })
	of := func(text string, sectors int) []byte { return bytes.Repeat([]byte(text), sector*sectors) }
	for i, step := range []struct {
		kind uint16
		at   int64
		data []byte
		want error
	}{
		{kind: nbdWrite, data: of("a", 1)},
		{kind: nbdFlush},
		{kind: nbdWrite, at: sector, data: of("b", cached)},
		{kind: nbdWrite, at: sector, data: of("c", cached), want: errPower},
		{kind: nbdWrite, at: (cached + 1) * sector, data: of("d", 1), want: errPower},
		{kind: nbdFlush, want: errPower},
		{kind: nbdRead, data: of("e", 1), want: errPower},
	} {
		if err := d.do(step.kind, step.at, step.data); !errors.Is(err, step.want) {
			t.Errorf("step %d: %v, want %v", i, err, step.want)
		}
	}
	writes, failed := d.counted()
	if !failed || !killed || writes != 3 {
		t.Errorf("failed %t, killed %t, after %d writes", failed, killed, writes)
	}
	now, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(now[:sector], of("a", 1)) || !bytes.Equal(now[(cached+1)*sector:], make([]byte, sector)) {
		t.Error("what was flushed is lost, or something was written after the cut")
	}
	have := map[string]int{}
	for i := range cached {
		s := now[(i+1)*sector : (i+2)*sector]
		if !bytes.Equal(s, bytes.Repeat(s[:1], sector)) {
			t.Errorf("sector %d is torn", i)
		}
		have[string(s[:1])]++
	}
	if have["\x00"] == 0 || have["b"] == 0 || have["c"] == 0 {
		t.Errorf("sectors as before, of the first and of the second write: %v", have)
	}
}
