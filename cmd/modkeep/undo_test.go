package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/txn"
)

// linkedRoot is a root in which one transaction has linked a module.
func linkedRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"lib/modules/5.9/extra", "lib/modules/6.1/weak-updates"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "lib/modules/5.9/extra/a.ko"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	relinked(t, root, txn.Step{Op: txn.Link, Path: "/lib/modules/6.1/weak-updates/a.ko", Target: "../../5.9/extra/a.ko"})
	return root
}

// relinked does one transaction.
func relinked(t *testing.T, root string, steps ...txn.Step) {
	t.Helper()
	store, err := txn.Open(root, txn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	release, err := store.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if _, err := store.Run(t.Context(), txn.Plan{Name: "link a", Steps: steps}); err != nil {
		t.Fatal(err)
	}
}

// everything is what a root holds, the state directory too, with times.
func everything(t *testing.T, root string) map[string]string {
	t.Helper()
	tree := make(map[string]string)
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		tree[name] = info.Mode().String() + " " + info.ModTime().String()
		if entry.Type().IsRegular() {
			text, err := os.ReadFile(name)
			tree[name] += " " + string(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestUndoRefusals(t *testing.T) {
	link, donor := "lib/modules/6.1/weak-updates/a.ko", "lib/modules/5.9/extra/a.ko"
	tests := []struct {
		name   string
		change func(t *testing.T, root string)
		args   []string
		status int
		stderr string // part of it
	}{
		{"fine", func(*testing.T, string) {}, nil, statusYes, ""},
		{"link is gone", func(t *testing.T, root string) { os.Remove(filepath.Join(root, link)) }, nil,
			statusNo, "modkeep: cannot undo 1: /" + link + ": is gone since\n"},
		{"file in its place", func(t *testing.T, root string) {
			os.Remove(filepath.Join(root, link))
			os.WriteFile(filepath.Join(root, link), nil, 0o644)
		}, nil, statusNo, "modkeep: cannot undo 1: /" + link + ": was changed since\n"},
		{"donor of a removed link is gone", func(t *testing.T, root string) {
			relinked(t, root, txn.Step{Op: txn.Unlink, Path: "/" + link})
			os.Remove(filepath.Join(root, donor))
		}, nil, statusNo, "modkeep: cannot undo 2: /" + link + ": its donor /" + donor + " is gone\n"},
		{"of another kernel", func(*testing.T, string) {}, []string{"--kernel", "5.10"},
			statusUnknown, "modkeep: cannot undo: nothing in the history is to be taken back\n"},
		{"damaged", func(t *testing.T, root string) {
			os.WriteFile(filepath.Join(root, "var/lib/modkeep/1.txn"), []byte("modkeep journal 1\nhead 7\n"), 0o600)
		}, []string{"1"}, statusUnknown, "var/lib/modkeep/1.txn: offset 0x12: frame \"head\": length 7: beyond the end or the limit\n"},
		{"damaged journal", func(t *testing.T, root string) {
			os.WriteFile(filepath.Join(root, "var/lib/modkeep/journal"), []byte("x"), 0o600)
		}, nil, statusUnknown, "var/lib/modkeep/journal: offset 0x0: not a journal of this version of modkeep\nhint: look at the tree with 'modkeep fsck', then move /"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := linkedRoot(t)
			test.change(t, root)
			args := append([]string{"modkeep", "undo", "--root", root}, test.args...)
			testUndoDryRun(t, root, args, test.name != "damaged journal", test.status)
			var out, errOut bytes.Buffer
			status := run(context.Background(), args, nil, &out, &errOut)
			if status != test.status || !strings.Contains(errOut.String(), test.stderr) {
				t.Errorf("status %d, stderr %q; want %d, %q", status, errOut.String(), test.status, test.stderr)
			}
			if _, err := os.Lstat(filepath.Join(root, link)); test.status == statusYes && err == nil {
				t.Error("the link is still there")
			}
		})
	}
}

// testUndoDryRun wants not one byte changed, and the status of the real run.
func testUndoDryRun(t *testing.T, root string, args []string, same bool, status int) {
	t.Helper()
	before := everything(t, root)
	var out, errOut bytes.Buffer
	got := run(context.Background(), append(args, "--dry-run"), nil, &out, &errOut)
	if same && got != status {
		t.Errorf("dry run: status %d, want %d; %s", got, status, errOut.String())
	}
	if diff := cmp.Diff(before, everything(t, root)); diff != "" {
		t.Errorf("a dry run changed the tree (-before +got):\n%s", diff)
	}
}

func TestUndoAfterInterruption(t *testing.T) {
	root := linkedRoot(t)
	func() {
		defer func() { recover() }()
		store, err := txn.Open(root, txn.Options{After: func(_ int, what string) {
			if what == "removed" {
				panic("stopped")
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		release, err := store.Lock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		store.Run(t.Context(), txn.Plan{Name: "unlink a", Steps: []txn.Step{{Op: txn.Unlink, Path: "/lib/modules/6.1/weak-updates/a.ko"}}})
	}()
	for _, test := range []struct {
		verb   string
		stderr string
	}{
		{"history", interruptedNote + "\n"},
		{"undo", "modkeep: \"unlink a\", which was interrupted, was taken back\n"},
		{"history", ""},
	} {
		var out, errOut bytes.Buffer
		status := run(context.Background(), []string{"modkeep", test.verb, "--root", root}, nil, &out, &errOut)
		if status != statusYes || errOut.String() != test.stderr {
			t.Errorf("%s: status %d, stderr %q, want %q", test.verb, status, errOut.String(), test.stderr)
		}
	}
}
