package txn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// dump is what a tree holds: content, permissions and link texts, by path. The
// state directory is left out.
func dump(t testing.TB, root string) map[string]string {
	t.Helper()
	tree := make(map[string]string)
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(name, root)
		if rel == "/var/lib/modkeep" {
			return fs.SkipDir
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		tree[rel] = info.Mode().String()
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			text, err := os.Readlink(name)
			tree[rel] += " " + text
			return err
		case info.Mode().IsRegular():
			data, err := os.ReadFile(name)
			tree[rel] += " " + string(data)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// files makes a tree: a name that ends in / is a directory, a content that
// begins with -> a link.
func files(t testing.TB, root string, tree map[string]string) {
	t.Helper()
	for name, text := range tree {
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(target, full)
		} else if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(full, 0o755)
		} else {
			err = os.WriteFile(full, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

const k = "/lib/modules/6.1.0"

// kernelTree is a small tree with everything the steps need.
func kernelTree(t testing.TB) string {
	root := t.TempDir()
	files(t, root, map[string]string{
		"/lib/modules/5.9.0/extra/new.ko": "new",
		"/lib/modules/5.9.0/extra/old.ko": "old",
		k + "/weak-updates/old.ko":        "-> /lib/modules/5.9.0/extra/old.ko",
		k + "/weak-updates/was/gone.ko":   "-> /lib/modules/5.9.0/extra/old.ko",
		k + "/modules.dep":                indexText("modules.dep", "before"),
		k + "/modules.alias":              indexText("modules.alias", "before"),
		k + "/modules.order":              "kernel/a.ko\n",
		"/etc/depmod.d/a.conf":            "override a\n",
		"/etc/depmod.d/b.conf":            "override b\n",
		"/boot/initrd-6.1.0":              "image before\n",
	})
	return root
}

// indexText is an index file that can be seen to be whole; it is the longer the
// longer what is.
func indexText(name, what string) string {
	return fmt.Sprintf("# %s %s\n%send\n", name, what, strings.Repeat(what+"\n", 20*len(what)))
}

var (
	depmodArgv = []string{"depmod", "6.1.0"}
	indexFiles = []string{"modules.dep", "modules.alias", "modules.symbols"}
)

// wholePlan has a step of each kind, and some paths that several change.
func wholePlan() Plan {
	return Plan{Name: "link new.ko", Steps: []Step{
		{Op: Mkdir, Path: k + "/weak-updates"},
		{Op: Mkdir, Path: k + "/weak-updates/net", Mode: 0o750},
		{Op: Link, Path: k + "/weak-updates/net/new.ko", Target: "/lib/modules/5.9.0/extra/new.ko", Reason: "compatible"},
		{Op: Unlink, Path: k + "/weak-updates/old.ko"},
		{Op: Unlink, Path: k + "/weak-updates/was/gone.ko"},
		{Op: Rmdir, Path: k + "/weak-updates/was"},
		{Op: Link, Path: k + "/weak-updates/old.ko", Target: "/lib/modules/5.9.0/extra/new.ko"},
		{Op: Write, Path: "/etc/depmod.d/a.conf", Data: []byte("override new\n")},
		{Op: Write, Path: "/etc/depmod.d/c.conf", Data: []byte("override c\n"), Mode: 0o600},
		{Op: Remove, Path: "/etc/depmod.d/b.conf"},
		{Op: Depmod, Path: k, Command: depmodArgv, Files: indexFiles},
		{Op: Initramfs, Path: "/boot/initrd-6.1.0", Command: []string{"dracut", "-f", "{}", "6.1.0"}},
	}}
}

// tools is what stands for depmod and dracut in these tests: their output
// depends on the links alone.
func tools(root string, after func(int, string)) func(context.Context, Step, []string) error {
	return func(_ context.Context, step Step, argv []string) error {
		links, _ := filepath.Glob(filepath.Join(root, k, "weak-updates/*.ko"))
		more, _ := filepath.Glob(filepath.Join(root, k, "weak-updates/*/*.ko"))
		what := ""
		for _, link := range append(links, more...) {
			text, _ := os.Readlink(link)
			what += filepath.Base(link) + "=" + filepath.Base(text) + " "
		}
		if step.Op == Initramfs {
			return os.WriteFile(argv[2], []byte("image "+what+"\n"), 0o600)
		}
		for _, name := range indexFiles {
			full := filepath.Join(root, k, name)
			if err := os.WriteFile(full+".77.1.2", []byte(indexText(name, what)), 0o644); err != nil {
				return err
			}
			after(-1, "depmod wrote")
			if err := os.Rename(full+".77.1.2", full); err != nil {
				return err
			}
			after(-1, "depmod renamed")
		}
		return nil
	}
}

var noon = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

func open(t testing.TB, root string, after func(int, string)) *Store {
	t.Helper()
	if after == nil {
		after = func(int, string) {}
	}
	s, err := Open(root, Options{Now: func() time.Time { return noon }, Run: tools(root, after), After: after})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func locked(t testing.TB, s *Store) (release func()) {
	t.Helper()
	release, err := s.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return release
}

// mustRun runs a plan that has to succeed.
func mustRun(t testing.TB, root string, plan Plan) Record {
	t.Helper()
	s := open(t, root, nil)
	defer locked(t, s)()
	r, err := s.Run(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRunAndUndo(t *testing.T) {
	root := kernelTree(t)
	before := dump(t, root)
	r := mustRun(t, root, wholePlan())
	if r.Number != 1 || len(r.Steps) != len(wholePlan().Steps) || !r.Time.Equal(noon) {
		t.Errorf("record %+v", r)
	}
	after := dump(t, root)
	what := "old.ko=new.ko new.ko=new.ko "
	want := map[string]string{
		k + "/weak-updates/net":        "drwxr-x---",
		k + "/weak-updates/net/new.ko": "Lrwxrwxrwx /lib/modules/5.9.0/extra/new.ko",
		k + "/weak-updates/old.ko":     "Lrwxrwxrwx /lib/modules/5.9.0/extra/new.ko",
		"/etc/depmod.d/a.conf":         "-rw-r--r-- override new\n",
		"/etc/depmod.d/c.conf":         "-rw------- override c\n",
		"/boot/initrd-6.1.0":           "-rw------- image " + what + "\n",
		k + "/modules.dep":             "-rw-r--r-- " + indexText("modules.dep", what),
		k + "/modules.alias":           "-rw-r--r-- " + indexText("modules.alias", what),
		k + "/modules.symbols":         "-rw-r--r-- " + indexText("modules.symbols", what),
	}
	for name, text := range before {
		if _, ok := want[name]; !ok && name != k+"/weak-updates/was" && name != k+"/weak-updates/was/gone.ko" && name != "/etc/depmod.d/b.conf" {
			want[name] = text
		}
	}
	delete(want, "/var/lib")
	for _, name := range []string{"/var", "/var/lib"} {
		want[name] = after[name]
		before[name] = after[name]
	}
	if diff := cmp.Diff(want, after); diff != "" {
		t.Fatalf("after the plan (-want +got):\n%s", diff)
	}

	s := open(t, root, nil)
	undo, err := s.UndoPlan(1)
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, root, undo)
	before["/boot/initrd-6.1.0"] = "-rw------- image old.ko=old.ko gone.ko=old.ko \n" // made anew
	if diff := cmp.Diff(before, dump(t, root)); diff != "" {
		t.Fatalf("after the undo (-want +got):\n%s", diff)
	}
	if _, err := s.UndoPlan(1); !errors.As(err, new(*RefusedError)) {
		t.Errorf("undone twice: %v", err)
	}
	redo, err := s.UndoPlan(2)
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, root, redo)
	if diff := cmp.Diff(after, dump(t, root)); diff != "" {
		t.Fatalf("after the undo of the undo (-want +got):\n%s", diff)
	}
	records, err := s.History()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range records {
		got = append(got, fmt.Sprint(r.Number, r.Undoes, r.UndoneBy, " ", r.Name))
	}
	if diff := cmp.Diff([]string{"3 2 0 undo 2: undo 1: link new.ko", "2 1 3 undo 1: link new.ko", "1 0 0 link new.ko"}, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}
