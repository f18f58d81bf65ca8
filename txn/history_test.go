package txn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHistoryIsPruned does more transactions than are kept.
func TestHistoryIsPruned(t *testing.T) {
	root := kernelTree(t)
	for i := range keepNumber + 3 {
		mustRun(t, root, Plan{Name: fmt.Sprint("link ", i), Steps: []Step{{Op: Link, Path: k + "/weak-updates/a.ko", Target: fmt.Sprint(i)}}})
	}
	s := open(t, root, nil)
	records, err := s.History()
	if err != nil || len(records) != keepNumber || records[0].Number != keepNumber+3 || records[keepNumber-1].Number != 4 {
		t.Errorf("%d records, %v", len(records), err)
	}
	if _, err := s.UndoPlan(3); !errors.Is(err, ErrUnknown) {
		t.Errorf("undo of a pruned transaction: %v", err)
	}
}

func TestHistoryWithDamage(t *testing.T) {
	root := kernelTree(t)
	for i := range 3 {
		mustRun(t, root, Plan{Steps: []Step{{Op: Link, Path: k + "/weak-updates/a.ko", Target: fmt.Sprint(i)}}})
	}
	name := filepath.Join(root, "var/lib/modkeep/2.txn")
	if err := os.Truncate(name, 100); err != nil {
		t.Fatal(err)
	}
	records, err := open(t, root, nil).History()
	if len(records) != 2 || err == nil || !strings.Contains(err.Error(), "2.txn: offset 0x") {
		t.Errorf("%d records, error %v", len(records), err)
	}
}

// TestHistoryOfNothing does not make the state directory.
func TestHistoryOfNothing(t *testing.T) {
	root := kernelTree(t)
	s := open(t, root, nil)
	records, err := s.History()
	pending, pendingErr := s.Pending()
	if len(records) != 0 || err != nil || pending || pendingErr != nil {
		t.Errorf("%v, %v, %v, %v", records, err, pending, pendingErr)
	}
	if _, err := os.Stat(filepath.Join(root, "var")); err == nil {
		t.Error("something was made")
	}
}

func TestUndoRefused(t *testing.T) {
	w := k + "/weak-updates"
	tests := []struct {
		name   string
		steps  []Step
		change func(root string) error
		want   string
	}{
		{"donor gone", []Step{{Op: Unlink, Path: w + "/old.ko"}}, func(root string) error {
			return os.RemoveAll(root + "/lib/modules/5.9.0")
		}, w + "/old.ko: its donor /lib/modules/5.9.0/extra/old.ko is gone"},
		{"donor of a moved link gone", []Step{{Op: Link, Path: w + "/old.ko", Target: "/lib/modules/5.9.0/extra/new.ko"}}, func(root string) error {
			return os.Remove(root + "/lib/modules/5.9.0/extra/old.ko")
		}, w + "/old.ko: its donor /lib/modules/5.9.0/extra/old.ko is gone"},
		{"link moved", []Step{{Op: Link, Path: w + "/a.ko", Target: "a"}}, func(root string) error {
			return errors.Join(os.Remove(root+w+"/a.ko"), os.Symlink("b", root+w+"/a.ko"))
		}, w + "/a.ko: was changed since"},
		{"link gone", []Step{{Op: Link, Path: w + "/a.ko", Target: "a"}}, func(root string) error {
			return os.Remove(root + w + "/a.ko")
		}, w + "/a.ko: is gone since"},
		{"removed link back", []Step{{Op: Unlink, Path: w + "/old.ko"}}, func(root string) error {
			return os.Symlink("b", root+w+"/old.ko")
		}, w + "/old.ko: was changed since"},
		{"file edited", []Step{{Op: Write, Path: "/etc/depmod.d/a.conf", Data: []byte("x")}}, func(root string) error {
			return os.WriteFile(root+"/etc/depmod.d/a.conf", []byte("y"), 0o644)
		}, "/etc/depmod.d/a.conf: was changed since"},
		{"mode changed", []Step{{Op: Write, Path: "/etc/depmod.d/a.conf", Data: []byte("x")}}, func(root string) error {
			return os.Chmod(root+"/etc/depmod.d/a.conf", 0o600)
		}, "/etc/depmod.d/a.conf: was changed since"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := kernelTree(t)
			mustRun(t, root, Plan{Steps: test.steps})
			if err := test.change(root); err != nil {
				t.Fatal(err)
			}
			_, err := open(t, root, nil).UndoPlan(1)
			var refused *RefusedError
			if !errors.As(err, &refused) {
				t.Fatalf("error %v, want a refusal", err)
			}
			if diff := cmp.Diff([]string{test.want}, refused.Reasons); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUndoLeavesDirectories takes a file back from directories that the
// transaction made and that somebody has put something else into.
func TestUndoLeavesDirectories(t *testing.T) {
	for _, test := range []struct {
		since string // made since, below weak-updates
		gone  []string
	}{
		{"", []string{"net/a.ko", "net", "other"}},
		{"net/b.ko", []string{"net/a.ko", "other"}},
		{"other/deep", []string{"net/a.ko", "net"}},
	} {
		root := kernelTree(t)
		w := k + "/weak-updates/new"
		mustRun(t, root, Plan{Steps: []Step{{Op: Mkdir, Path: w}, {Op: Mkdir, Path: w + "/net"}, {Op: Mkdir, Path: w + "/other"},
			{Op: Link, Path: w + "/net/a.ko", Target: "a"}}})
		if test.since != "" {
			if err := os.Mkdir(root+w+"/"+test.since, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		undo, err := open(t, root, nil).UndoPlan(1)
		if err != nil {
			t.Fatal(err)
		}
		mustRun(t, root, undo)
		for _, name := range []string{"net/a.ko", "net", "other"} {
			_, err := os.Lstat(root + w + "/" + name)
			if gone := errors.Is(err, os.ErrNotExist); gone != slices.Contains(test.gone, name) {
				t.Errorf("with %q: %s is gone: %v", test.since, name, gone)
			}
		}
		if _, err := os.Lstat(root + w + "/" + test.since); (err == nil) != (test.since != "") {
			t.Errorf("with %q: %v", test.since, err)
		}
	}
}

// TestUndoIndex wants backups of index files put back byte for byte, with
// their times, and a new run of the command where somebody else wrote them.
func TestUndoIndex(t *testing.T) {
	root := kernelTree(t)
	before := dump(t, root)
	stamp, err := os.Stat(root + k + "/modules.dep")
	if err != nil {
		t.Fatal(err)
	}
	steps := wholePlan().Steps
	mustRun(t, root, Plan{Steps: []Step{steps[3], steps[10]}})
	undo, err := open(t, root, nil).UndoPlan(1)
	if err != nil {
		t.Fatal(err)
	}
	var ops []string
	for _, s := range undo.Steps {
		ops = append(ops, fmt.Sprint(s, " ", s.From))
	}
	want := []string{"link " + k + "/weak-updates/old.ko -> /lib/modules/5.9.0/extra/old.ko 0", "depmod " + k + " 1"}
	if diff := cmp.Diff(want, ops); diff != "" {
		t.Errorf("undo (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(root+k+"/modules.symbols", []byte(indexText("modules.symbols", "mine")), 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := open(t, root, nil).UndoPlan(1)
	if err != nil || again.Steps[1].From != 0 || len(again.Steps[1].Command) == 0 {
		t.Errorf("undo after somebody else's depmod: %+v, %v", again.Steps, err)
	}
	mustRun(t, root, undo)
	after := dump(t, root)
	delete(after, "/var")
	delete(after, "/var/lib")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("undone (-want +got):\n%s", diff)
	}
	if now, err := os.Stat(root + k + "/modules.dep"); err != nil || !now.ModTime().Equal(stamp.ModTime()) {
		t.Errorf("time of modules.dep: %v, want %v; %v", now.ModTime(), stamp.ModTime(), err)
	}
}

// TestUndoOfNothing takes back a transaction that found all as it wanted it.
func TestUndoOfNothing(t *testing.T) {
	root := kernelTree(t)
	mustRun(t, root, Plan{Steps: []Step{{Op: Mkdir, Path: k + "/weak-updates"}}})
	undo, err := open(t, root, nil).UndoPlan(1)
	if err != nil || len(undo.Steps) != 0 {
		t.Fatalf("%v, %v", undo, err)
	}
	mustRun(t, root, undo)
	records, err := open(t, root, nil).History()
	if err != nil || len(records) != 2 || records[1].UndoneBy != 2 {
		t.Errorf("history %+v, %v", records, err)
	}
}
