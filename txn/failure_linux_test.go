package txn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// mounted mounts a tmpfs, or skips the test where that is not allowed.
func mounted(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("SKIPPED: no tmpfs can be mounted here, a full disk is not tried: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// copyTree copies what kernelTree makes below root.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// fill takes the disk but for so many bytes.
func fill(t *testing.T, dir string, left int64) {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	size := int64(st.Bavail)*int64(st.Bsize) - left
	if size < 0 {
		t.Fatalf("only %d bytes are free", size+left)
	}
	file, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := syscall.Fallocate(int(file.Fd()), 0, 0, size); err != nil {
		t.Fatal(err)
	}
}

// failOrDone runs the whole plan on a disk with little room: it has to end in
// one tree or the other at once, without Recover.
func failOrDone(t *testing.T, root string, state string, e ends) (done bool) {
	t.Helper()
	s := open(t, root, nil)
	if state != "" {
		s.state = state
	}
	release, err := s.Lock(t.Context())
	if err != nil {
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		return e.check(t, root, err.Error())
	}
	defer release()
	_, err = s.Run(t.Context(), wholePlan())
	if err != nil {
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("error %v, want no space left", err)
		}
		var failed *StepError
		if errors.As(err, &failed) && !failed.Restored {
			t.Fatalf("not restored: %v", err)
		}
	}
	if pending, err := s.Pending(); pending || err != nil {
		t.Fatalf("pending %v, %v", pending, err)
	}
	checkIndex(t, root)
	done = e.check(t, root, fmt.Sprint(err))
	if done != (err == nil) {
		t.Fatalf("done %v, error %v", done, err)
	}
	return done
}

func TestFullDisk(t *testing.T) {
	tests := []struct {
		name  string
		state bool // the state directory lies on another disk
		tries int
		// options of the file system for a try, and bytes to leave free
		options func(try int) string
		left    func(try int) int64
	}{
		{"bytes", false, 40, func(int) string { return "size=2m" }, func(try int) int64 { return int64(try) << 12 }},
		{"bytes state elsewhere", true, 30, func(int) string { return "size=2m" }, func(try int) int64 { return int64(try) << 12 }},
		{"inodes", false, 14, func(try int) string { return fmt.Sprintf("size=2m,nr_inodes=%d", 23+try) }, nil},
		{"inodes state elsewhere", true, 10, func(try int) string { return fmt.Sprintf("size=2m,nr_inodes=%d", 23+try) }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			outcomes := make(map[bool]int)
			for try := range test.tries {
				t.Run(fmt.Sprint(try), func(t *testing.T) {
					root := mounted(t, test.options(try))
					copyTree(t, freshTree(t), root)
					state := ""
					if test.state {
						state = t.TempDir()
					}
					if test.left != nil {
						fill(t, root, test.left(try))
					}
					e := endsOn(t, root)
					outcomes[failOrDone(t, root, state, e)]++
				})
			}
			if outcomes[true] == 0 || outcomes[false] == 0 {
				t.Errorf("outcomes %v, want both", outcomes)
			}
			t.Logf("old %d, new %d", outcomes[false], outcomes[true])
		})
	}
}

// endsOn is wholeEnds for a tree whose own filler file is in it.
func endsOn(t *testing.T, root string) ends {
	t.Helper()
	e := wholeEnds(t)
	for _, name := range []string{"", "/filler"} {
		if text, ok := dump(t, root)[name]; ok {
			e.before[name], e.after[name] = text, text
		}
	}
	return e
}

func TestReadOnly(t *testing.T) {
	readOnly := func(t *testing.T, dir string) {
		t.Helper()
		if err := syscall.Mount(dir, dir, "", syscall.MS_BIND, ""); err != nil {
			t.Skipf("SKIPPED: nothing can be mounted here, read-only disks are not tried: %v", err)
		}
		t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
		if err := syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, part := range []string{"", "lib", "etc", "boot", "var"} {
		t.Run("/"+part, func(t *testing.T) {
			root := freshTree(t)
			before := dump(t, root)
			if part == "" || part == "var" {
				readOnly(t, filepath.Join(root, part))
				_, err := open(t, root, nil).Lock(t.Context())
				if !errors.Is(err, syscall.EROFS) {
					t.Fatalf("error %v, want read-only file system", err)
				}
			} else {
				readOnly(t, filepath.Join(root, part))
				wantRestored(t, open(t, root, nil), wholePlan(), syscall.EROFS)
			}
			if diff := cmp.Diff(before, dump(t, root)); diff != "" {
				t.Errorf("changed (-before +got):\n%s", diff)
			}
		})
	}
}

// wantRestored runs a plan that has to fail for cause and leave no trace.
func wantRestored(t *testing.T, s *Store, plan Plan, cause error) *StepError {
	t.Helper()
	before := dump(t, s.root)
	defer locked(t, s)()
	_, err := s.Run(t.Context(), plan)
	var failed *StepError
	if !errors.As(err, &failed) || !errors.Is(err, cause) {
		t.Fatalf("error %v, want a step that failed with %v", err, cause)
	}
	if !failed.Restored {
		t.Errorf("not restored: %v", err)
	}
	if pending, err := s.Pending(); pending || err != nil {
		t.Errorf("pending %v, %v", pending, err)
	}
	if diff := cmp.Diff(before, dump(t, s.root)); diff != "" {
		t.Errorf("changed (-before +got):\n%s", diff)
	}
	if records, err := s.History(); err != nil || len(records) > 0 {
		t.Errorf("history %v, %v", records, err)
	}
	return failed
}

func TestCommandFails(t *testing.T) {
	for _, op := range []Op{Depmod, Initramfs} {
		for _, cause := range []error{syscall.EIO, syscall.EDQUOT, errors.New("exit status 1")} {
			t.Run(fmt.Sprint(op, " ", cause), func(t *testing.T) {
				s := open(t, freshTree(t), nil)
				does := tools(s.root, func(int, string) {})
				s.opts.Run = func(ctx context.Context, step Step, argv []string) error {
					if err := does(ctx, step, argv); err != nil || step.Op != op {
						return err
					}
					return cause
				}
				failed := wantRestored(t, s, wholePlan(), cause)
				if failed.Step.Op != op || !strings.HasPrefix(failed.Error(), string(op)+" /") {
					t.Errorf("error %q does not name the step", failed)
				}
			})
		}
	}
}

func TestCommandProducesNothing(t *testing.T) {
	s := open(t, freshTree(t), nil)
	s.opts.Run = func(context.Context, Step, []string) error { return nil }
	defer locked(t, s)()
	before := dump(t, s.root)
	_, err := s.Run(t.Context(), wholePlan())
	if err == nil || !strings.Contains(err.Error(), "produced no file") {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff(before, dump(t, s.root)); diff != "" {
		t.Errorf("changed (-before +got):\n%s", diff)
	}
}

func TestEndedByContext(t *testing.T) {
	for _, op := range []Op{Depmod, Initramfs} {
		s := open(t, freshTree(t), nil)
		before := dump(t, s.root)
		ctx, cancel := context.WithCancelCause(t.Context())
		does := tools(s.root, func(int, string) {})
		s.opts.Run = func(ctx context.Context, step Step, argv []string) error {
			if step.Op == op {
				cancel(errors.New("interrupt"))
				return context.Cause(ctx)
			}
			return does(ctx, step, argv)
		}
		release := locked(t, s)
		_, err := s.Run(ctx, wholePlan())
		if err == nil || !strings.HasSuffix(err.Error(), ": interrupt") {
			t.Errorf("error %v", err)
		}
		if diff := cmp.Diff(before, dump(t, s.root)); diff != "" {
			t.Errorf("changed (-before +got):\n%s", diff)
		}
		release()
	}
}

// TestVanishes has a directory go at a moment when the plan is at work on it.
func TestVanishes(t *testing.T) {
	for _, dir := range []string{"/lib/modules", k, k + "/weak-updates", "/etc/depmod.d", "/boot", "/etc"} {
		for at := 2; at < 40; at += 3 {
			t.Run(fmt.Sprint(dir, " ", at), func(t *testing.T) {
				root := freshTree(t)
				count := 0
				gone := func(_ int, what string) {
					if count++; count == at {
						os.RemoveAll(filepath.Join(root, dir))
					}
				}
				before := without(dump(t, root), dir)
				s := open(t, root, gone)
				s.opts.Run = tools(root, gone)
				defer locked(t, s)()
				r, err := s.Run(t.Context(), wholePlan())
				if r.Number != 0 {
					return // done: it was not needed any more, or went after the mark
				}
				for range 2 { // the second finds what a failed one left
					s.Recover(t.Context())
				}
				got := without(dump(t, root), dir)
				if diff := cmp.Diff(before, got); diff != "" {
					t.Errorf("after %v (-before +got):\n%s", err, diff)
				}
			})
		}
	}
}

// without is a dump without what lies in dir, and dir.
func without(tree map[string]string, dir string) map[string]string {
	rest := maps.Clone(tree)
	maps.DeleteFunc(rest, func(name, _ string) bool { return name == dir || strings.HasPrefix(name, dir+"/") })
	return rest
}

func TestRefusedPlans(t *testing.T) {
	w := k + "/weak-updates"
	tests := []struct {
		name  string
		steps []Step
		want  string
	}{
		{"unknown op", []Step{{Op: "chmod", Path: w}}, `chmod ` + w + `: operation "chmod": unknown`},
		{"relative path", []Step{{Op: Unlink, Path: "lib/x"}}, `unlink lib/x: path "lib/x": not an absolute, clean path`},
		{"path with dots", []Step{{Op: Unlink, Path: "/lib/../x"}}, `unlink /lib/../x: path "/lib/../x": not an absolute, clean path`},
		{"link on a file", []Step{{Op: Link, Path: "/etc/depmod.d/a.conf", Target: "x"}}, "link /etc/depmod.d/a.conf: is a file, not a link"},
		{"link without text", []Step{{Op: Link, Path: w + "/a.ko"}}, `link ` + w + `/a.ko: target "": not a link's text`},
		{"unlink a file", []Step{{Op: Unlink, Path: "/etc/depmod.d/a.conf"}}, "unlink /etc/depmod.d/a.conf: is a file, not a link"},
		{"unlink nothing", []Step{{Op: Unlink, Path: w + "/a.ko"}}, "unlink " + w + "/a.ko: file does not exist"},
		{"remove a link", []Step{{Op: Remove, Path: w + "/old.ko"}}, "remove " + w + "/old.ko: is a link, not a file"},
		{"write on a link", []Step{{Op: Write, Path: w + "/old.ko"}}, "write " + w + "/old.ko: is a link, not a file"},
		{"mkdir on a link", []Step{{Op: Mkdir, Path: w + "/old.ko"}}, "mkdir " + w + "/old.ko: is a link, not a dir"},
		{"depmod without files", []Step{{Op: Depmod, Path: k, Command: depmodArgv}}, "depmod " + k + ": no files that it may rewrite"},
		{"depmod nowhere", []Step{{Op: Depmod, Path: "/lib/modules/9", Command: depmodArgv, Files: indexFiles}}, "depmod /lib/modules/9: no such file or directory"},
		{"no command", []Step{{Op: Initramfs, Path: "/boot/i"}}, "initramfs /boot/i: no command"},
		{"no place for the image", []Step{{Op: Initramfs, Path: "/boot/i", Command: []string{"dracut"}}}, `initramfs /boot/i: no word "{}" in the command`},
		{"below a link", []Step{{Op: Unlink, Path: w + "/old.ko"}, {Op: Mkdir, Path: w + "/old.ko"}}, w + "/old.ko: is a directory once and none then"},
		{"index file", []Step{{Op: Write, Path: k + "/modules.dep"}, {Op: Depmod, Path: k, Command: depmodArgv, Files: indexFiles}}, "is an index file that a command of the same plan rewrites"},
		{"state directory", []Step{{Op: Write, Path: "/var/lib/modkeep/journal"}}, "write /var/lib/modkeep/journal: lies in the state directory"},
		{"rmdir with entries", []Step{{Op: Link, Path: w + "/a.ko", Target: "x"}, {Op: Rmdir, Path: w}}, "rmdir " + w + ": directory not empty"},
		{"link in nothing", []Step{{Op: Unlink, Path: w + "/old.ko"}, {Op: Link, Path: w + "/none/a.ko", Target: "x"}}, "link " + w + "/none/a.ko: no such file or directory"},
	}
	root := freshTree(t)
	before := dump(t, root)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, root, nil)
			defer locked(t, s)()
			_, err := s.Run(t.Context(), Plan{Name: test.name, Steps: test.steps})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v\nwant  %s", err, test.want)
			}
			if diff := cmp.Diff(before, dump(t, root)); diff != "" {
				t.Errorf("changed (-before +got):\n%s", diff)
			}
			if names, _ := filepath.Glob(filepath.Join(root, "var/lib/modkeep/*")); len(names) != 1 {
				t.Errorf("state directory holds %q, want the lock alone", names)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	root := freshTree(t)
	s := open(t, root, nil)
	defer locked(t, s)()
	many := make([]Step, maxSteps+1)
	if _, err := s.Run(t.Context(), Plan{Steps: many}); err == nil || !strings.Contains(err.Error(), "at most 40000") {
		t.Errorf("too many steps: %v", err)
	}
	big := Plan{Name: strings.Repeat("x", maxPayload), Steps: []Step{{Op: Mkdir, Path: "/x"}}}
	if _, err := s.Run(t.Context(), big); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("name too long: %v", err)
	}
	words := make([]string, maxWords+1)
	if _, err := s.Run(t.Context(), Plan{Steps: []Step{{Op: Depmod, Path: k, Command: words, Files: indexFiles}}}); err == nil {
		t.Error("too many words")
	}
}

func TestWithoutLock(t *testing.T) {
	s := open(t, freshTree(t), nil)
	if _, err := s.Run(t.Context(), wholePlan()); !errors.Is(err, ErrNotLocked) {
		t.Errorf("run: %v", err)
	}
	if _, err := s.Recover(t.Context()); !errors.Is(err, ErrNotLocked) {
		t.Errorf("recover: %v", err)
	}
}

func TestLockWaits(t *testing.T) {
	root := freshTree(t)
	first, second := open(t, root, nil), open(t, root, nil)
	var waited []string
	second.opts.Waiting = func(holder string) { waited = append(waited, holder) }
	release := locked(t, first)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := second.Lock(ctx)
	holder := fmt.Sprintf("process %d", os.Getpid())
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), holder) {
		t.Errorf("error %v, want the holder and the time", err)
	}
	if diff := cmp.Diff([]string{holder}, waited); diff != "" {
		t.Errorf("waited for (-want +got):\n%s", diff)
	}
	time.AfterFunc(20*time.Millisecond, release)
	again, err := second.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again()
	locked(t, first)()
	if len(waited) != 2 {
		t.Errorf("waited %d times, want 2", len(waited))
	}
}

// interrupted stops the whole plan after the first action of the given name.
func interrupted(t *testing.T, root, what string) {
	t.Helper()
	s := open(t, root, func(_ int, now string) {
		if now == what {
			panic(stopped{})
		}
	})
	s.opts.Run = tools(root, s.opts.After)
	defer locked(t, s)()
	defer func() {
		if p := recover(); p != (stopped{}) {
			t.Fatalf("not interrupted at %q: %v", what, p)
		}
	}()
	_, err := s.Run(t.Context(), wholePlan())
	t.Errorf("not interrupted at %q: %v", what, err)
}

func TestRunWantsRecovery(t *testing.T) {
	root := freshTree(t)
	interrupted(t, root, "begun")
	s := open(t, root, nil)
	if pending, err := s.Pending(); !pending || err != nil {
		t.Errorf("pending %v, %v", pending, err)
	}
	release := locked(t, s)
	if pending, err := open(t, root, nil).Pending(); pending || err != nil {
		t.Errorf("pending while somebody is at work: %v, %v", pending, err)
	}
	if _, err := s.Run(t.Context(), wholePlan()); !errors.Is(err, ErrPending) {
		t.Errorf("run: %v", err)
	}
	release()
}

// TestChangedMeanwhile has somebody else change a path between a crash and the
// recovery: that path is left, the others are put back.
func TestChangedMeanwhile(t *testing.T) {
	w := k + "/weak-updates"
	tests := []struct {
		name   string
		at     string
		change func(root string) error
		left   []Left
		differ []string // paths that are not as before
	}{
		{"link", "ended", func(root string) error {
			os.Remove(root + w + "/old.ko")
			return os.Symlink("mine", root+w+"/old.ko")
		}, []Left{{w + "/old.ko", "somebody else changed it meanwhile"}}, []string{w + "/old.ko"}},
		{"file", "begun", func(root string) error {
			return os.WriteFile(root+"/etc/depmod.d/a.conf", []byte("override mine\n"), 0o644)
		}, []Left{{"/etc/depmod.d/a.conf", "somebody else changed it meanwhile"}}, []string{"/etc/depmod.d/a.conf"}},
		{"directory", "ended", func(root string) error {
			return os.WriteFile(root+w+"/net/mine.ko", nil, 0o644)
		}, []Left{{w + "/net", "somebody else put something into it meanwhile"}}, []string{w + "/net", w + "/net/mine.ko"}},
		{"index", "ended", func(root string) error {
			return os.WriteFile(root+k+"/modules.dep", []byte(indexText("modules.dep", "mine")), 0o644)
		}, []Left{{k, "somebody else wrote its index files meanwhile; they were made again"}},
			[]string{k + "/modules.dep", k + "/modules.alias", k + "/modules.symbols"}},
		{"index in the middle", "depmod renamed", func(root string) error {
			return os.WriteFile(root+k+"/modules.dep", []byte(indexText("modules.dep", "mine")), 0o644)
		}, nil, nil},
		{"before the command", "removed", func(root string) error {
			return os.WriteFile(root+k+"/modules.dep", []byte(indexText("modules.dep", "mine")), 0o644)
		}, []Left{{k, "somebody else wrote its index files meanwhile; they were made again"}},
			[]string{k + "/modules.dep", k + "/modules.alias", k + "/modules.symbols"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := freshTree(t)
			before := dump(t, root)
			interrupted(t, root, test.at)
			if err := test.change(root); err != nil {
				t.Fatal(err)
			}
			s := open(t, root, nil)
			defer locked(t, s)()
			r, err := s.Recover(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.left, r.Left); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
			got := dump(t, root)
			for _, name := range test.differ {
				if before[name] == got[name] {
					t.Errorf("%s is as before", name)
				}
				delete(before, name)
				delete(got, name)
			}
			if diff := cmp.Diff(before, got); diff != "" {
				t.Errorf("recovered (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLinkedLib has /lib a link: relative, absolute, and one that would lead
// out of the root.
func TestLinkedLib(t *testing.T) {
	for _, target := range []string{"usr/lib", "/usr/lib", "../../../usr/lib"} {
		t.Run(target, func(t *testing.T) {
			root := freshTree(t)
			os.Mkdir(root+"/usr", 0o755)
			if err := errors.Join(os.Rename(root+"/lib", root+"/usr/lib"), os.Symlink(target, root+"/lib")); err != nil {
				t.Fatal(err)
			}
			before := dump(t, root)
			plan := wholePlan()
			plan.Steps = plan.Steps[:6]
			mustRun(t, root, plan)
			if text, err := os.Readlink(root + "/usr" + k + "/weak-updates/net/new.ko"); err != nil {
				t.Errorf("link %q, %v", text, err)
			}
			undo, err := open(t, root, nil).UndoPlan(1)
			if err != nil {
				t.Fatal(err)
			}
			mustRun(t, root, undo)
			if diff := cmp.Diff(before, dump(t, root)); diff != "" {
				t.Errorf("undone (-before +got):\n%s", diff)
			}
		})
	}
}

// TestDamagedJournal damages each byte of a journal in turn: recovery ends in
// an error that names file and offset and changes nothing, or, where the damage
// is in what a crash may tear, does its work.
func TestDamagedJournal(t *testing.T) {
	root := freshTree(t)
	interrupted(t, root, "ended")
	before := dump(t, root)
	name := filepath.Join(root, "var/lib/modkeep/journal")
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	ready := bytes.Index(whole, []byte("\nready 0\n"))
	step := 7
	if full() {
		step = 1
	}
	for at := 0; at < ready; at += step {
		data := bytes.Clone(whole)
		data[at] ^= 0x21
		wantDamaged(t, root, name, data, fmt.Sprintf("byte %d", at))
		wantDamaged(t, root, name, whole[:at], fmt.Sprintf("only %d bytes", at))
	}
	if diff := cmp.Diff(before, dump(t, root)); diff != "" {
		t.Fatalf("changed (-before +got):\n%s", diff)
	}
	if err := os.WriteFile(name, append(whole, "ended 20\n{"...), 0o600); err != nil {
		t.Fatal(err)
	}
	recoverNow(t, root)
}

func wantDamaged(t *testing.T, root, name string, data []byte, what string) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, root, nil)
	defer locked(t, s)()
	_, err := s.Recover(t.Context())
	var damaged *DamagedError
	if !errors.As(err, &damaged) || damaged.File != name || !strings.Contains(err.Error(), name+": offset 0x") {
		t.Fatalf("%s: error %v, want one that names file and offset", what, err)
	}
}

// TestDiskFilledByCommand has a command fill the disk and fail: the old index
// files are put back from the room that was kept for them.
func TestDiskFilledByCommand(t *testing.T) {
	root := mounted(t, "size=2m")
	copyTree(t, freshTree(t), root)
	s := open(t, root, nil)
	s.opts.Run = func(context.Context, Step, []string) error {
		for _, name := range indexFiles {
			if err := os.WriteFile(filepath.Join(root, k, name), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		fill(t, root, 0)
		return syscall.ENOSPC
	}
	before := dump(t, root)
	defer locked(t, s)()
	_, err := s.Run(t.Context(), Plan{Steps: wholePlan().Steps[10:]})
	var failed *StepError
	if !errors.As(err, &failed) || !failed.Restored {
		t.Errorf("error %v, want a step that failed and all restored", err)
	}
	got := dump(t, root)
	delete(got, "/filler")
	if diff := cmp.Diff(before, got); diff != "" {
		t.Errorf("changed (-before +got):\n%s", diff)
	}
}

func TestResolve(t *testing.T) {
	root := t.TempDir()
	files(t, root, map[string]string{
		"/usr/lib/modules/": "", "/lib": "-> usr/lib", "/a/abs": "-> /usr/lib", "/a/rel": "-> ../usr/lib",
		"/a/out": "-> ../../../../usr", "/a/chain": "-> abs/modules", "/loop": "-> loop", "/a/dots": "-> ./../a/./rel",
		"/file": "",
	})
	tests := []struct{ path, want string }{
		{"/lib/modules/x", "/usr/lib/modules/x"},
		{"/a/abs/x", "/usr/lib/x"},
		{"/a/rel/modules/x", "/usr/lib/modules/x"},
		{"/a/out/x", "/usr/x"},
		{"/a/chain/x", "/usr/lib/modules/x"},
		{"/a/dots/x", "/usr/lib/x"},
		{"/a/abs", "/a/abs"},
		{"/none/of/these", "/none/of/these"},
		{"/loop/x", "too many levels of symbolic links"},
		{"/file/x/y", "not a directory"},
	}
	for _, test := range tests {
		got, err := newResolver(root).real(test.path)
		if err != nil {
			got = err.Error()
		}
		if got != test.want && !strings.HasSuffix(got, test.want) {
			t.Errorf("%s: %s, want %s", test.path, got, test.want)
		}
	}
}
