package node

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/made"
	"modkeep/txn"
)

// TestInstallFullDisk installs what the disk has no room for.
func TestInstallFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Skipf("SKIPPED: no tmpfs can be mounted here, a full disk is not tried: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, 0) })
	if _, err := made.Write(dir, "kernel "+k1+"\nvmlinux printk@a\nextra/old.ko printk@a\n"); err != nil {
		t.Fatal(err)
	}
	n, err := Open(dir, Options{Run: func(context.Context, txn.Step, []string) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	big := module(t, k1, "old.ko printk@a")
	data, err := os.ReadFile(big)
	if err != nil {
		t.Fatal(err)
	}
	big = filepath.Join(t.TempDir(), "old.ko")
	if err := os.WriteFile(big, append(data, bytes.Repeat([]byte{1}, 1<<20)...), 0o644); err != nil {
		t.Fatal(err)
	}
	before := dump(t, n)
	_, _, err = n.Install(t.Context(), InstallRequest{Verb: InstallReplace, Sources: sources(t, big)})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v, want %v", err, syscall.ENOSPC)
	}
	if diff := cmp.Diff(before, dump(t, n)); diff != "" {
		t.Errorf("after the failure (-want +got):\n%s", diff)
	}
}
