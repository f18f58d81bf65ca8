package repo

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modkeep/kmp"
)

// TestMain lets the test binary be the process that is killed. Tests work in
// memory where there is room: every snapshot waits for the disk, and a busy one
// has much to write that is not theirs.
func TestMain(m *testing.M) {
	const memory, room = "/dev/shm", 1 << 30
	var st syscall.Statfs_t
	if os.Getenv("TMPDIR") == "" && syscall.Statfs(memory, &st) == nil && int64(st.Bavail)*int64(st.Bsize) > room && syscall.Access(memory, 2) == nil {
		os.Setenv("TMPDIR", memory)
	}
	if dir := os.Getenv("REPO_CHANGE"); dir != "" {
		if err := changeOnce(dir, os.Getenv("REPO_PACKAGES")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// changeOnce adds packages to a repository and promotes the snapshot.
func changeOnce(dir, packages string) error {
	r, err := Open(dir)
	if err != nil {
		return err
	}
	m, err := r.Add([]string{packages}, Publish{Date: date})
	if err != nil {
		return err
	}
	return r.Promote(m.Snapshot, "stable")
}

// manyPackages makes so many packages that a change takes a while.
func manyPackages(t testing.TB, version string) string {
	dir := t.TempDir()
	for i := range 40 {
		for _, format := range []kmp.Format{kmp.RPM, kmp.Deb} {
			made{format: format, name: fmt.Sprintf("kmod-%d", i), version: version, files: []string{"/lib/modules/5.14.0/extra/x.ko"}}.write(t, dir)
		}
	}
	return dir
}

// TestKilled kills a change at random moments. Then the pointers lead to the old
// state or the new one, all of it is there, and the next change works.
func TestKilled(t *testing.T) {
	times := 5
	if os.Getenv("MODKEEP_FULL") != "" {
		times = 50
	}
	r, _, err := Create(filepath.Join(t.TempDir(), "repo"), Settings{Name: "site", Suite: "modkeep", Keep: 1, Compression: Gzip}, []string{manyPackages(t, "1")}, Publish{Date: date})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Promote(1, "stable"); err != nil {
		t.Fatal(err)
	}
	child := func(packages string) *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "REPO_CHANGE="+r.dir, "REPO_PACKAGES="+packages)
		return cmd
	}
	start := time.Now()
	if out, err := child(manyPackages(t, "2")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	took := time.Since(start) / 2 // a kill is to come before the end
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	done := 0
	for i := range times {
		before, err := r.Resolve(Latest)
		if err != nil {
			t.Fatal(err)
		}
		cmd := child(manyPackages(t, fmt.Sprint(i+3)))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.Int64N(int64(took))))
		cmd.Process.Kill()
		cmd.Wait()
		if afterKill(t, r, before) != before {
			done++
			took -= took / 4 // it takes less time than the first
		}
		if t.Failed() {
			t.Fatalf("seed %d, kill %d", seed, i)
		}
	}
	t.Logf("%d of %d killed changes were done", done, times)
	if _, err := r.Collect(0, false); err != nil {
		t.Fatal(err)
	}
	wellFormed(t, r)
	latest, err := r.Resolve(Latest)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Manifest(latest)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(r.at(poolName))
	if err != nil || len(entries) < len(m.Packages) {
		t.Errorf("%d files for %d packages, %v", len(entries), len(m.Packages), err)
	}
}

// afterKill looks at what a killed change left: both pointers lead to whole
// snapshots. It returns the newest one's number.
func afterKill(t testing.TB, r *Repo, before int) int {
	t.Helper()
	wellFormed(t, r)
	latest, err := r.Resolve(Latest)
	if err != nil {
		t.Fatal(err)
	}
	if latest < before {
		t.Errorf("latest was %d and is %d", before, latest)
	}
	if _, err := r.Resolve("stable"); err != nil {
		t.Error(err)
	}
	return latest
}

// TestCollectCutShort: a snapshot that Collect could not remove to its end is gone
// all the same, and the next Collect removes what is left.
func TestCollectCutShort(t *testing.T) {
	r, pub := newRepo(t, site(t, kmp.RPM, "1"), site(t, kmp.Deb, "1"))
	for range 2 {
		if _, err := r.Snapshot(1, pub); err != nil {
			t.Fatal(err)
		}
	}
	busy := r.snapshot(1, "repodata")
	if err := syscall.Mount("tmpfs", busy, "tmpfs", 0, ""); err != nil {
		t.Skipf("SKIPPED: no tmpfs can be mounted here, an interrupted removal is not tried: %v", err)
	}
	mounted := r.at(newName, "repodata") // it moves with the directory
	t.Cleanup(func() { syscall.Unmount(mounted, syscall.MNT_DETACH); syscall.Unmount(busy, syscall.MNT_DETACH) })
	if c, err := r.Collect(1, false); err == nil {
		t.Errorf("removed: %+v", c)
	}
	wellFormed(t, r)
	if left, err := r.Snapshots(); err != nil || slices.Contains(left, 1) {
		t.Errorf("%v, %v", left, err)
	}
	if err := syscall.Unmount(mounted, 0); err != nil {
		t.Fatal(err)
	}
	if c, err := r.Collect(1, false); err != nil || !slices.Equal(c.Removed, []string{newName, "snapshots/2"}) {
		t.Errorf("%+v, %v", c, err)
	}
	wellFormed(t, r)
}

// TestFullDisk makes changes on a disk with ever more room: each is done, or
// changes nothing.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("SKIPPED: no tmpfs can be mounted here, a full disk is not tried: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	pub := Publish{Key: readKey(t, "ed25519.asc"), Date: date}
	r, _, err := Create(filepath.Join(dir, "repo"), Settings{Name: "site", Suite: "modkeep", Keep: 1, Compression: Gzip}, []string{manyPackages(t, "1")}, pub)
	if err != nil {
		t.Fatal(err)
	}
	packages := manyPackages(t, "2")
	before := dump(t, r.dir)
	failed := 0
	for room := int64(0); ; room += 16 << 10 {
		filler := filepath.Join(dir, "filler")
		fill(t, filler, room)
		_, err := r.Add([]string{packages}, pub)
		if err == nil {
			break
		}
		failed++
		if !strings.Contains(err.Error(), "no space left on device") {
			t.Errorf("%d bytes left: %v", room, err)
		}
		if diff := cmp.Diff(before, dump(t, r.dir)); diff != "" {
			t.Fatalf("%d bytes left: %s", room, diff)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}
	if failed < 3 {
		t.Errorf("only %d changes failed", failed)
	}
	wellFormed(t, r)
	// Nor is anything left of a repository that did not fit.
	os.Remove(filepath.Join(dir, "filler"))
	fill(t, filepath.Join(dir, "filler"), 64<<10)
	if _, _, err := Create(filepath.Join(dir, "second"), r.Settings, []string{packages}, pub); err == nil {
		t.Error("it fits")
	}
	if _, err := os.Lstat(filepath.Join(dir, "second")); err == nil {
		t.Error("something is left")
	}
}

// fill takes the disk that a file is on, but for so many bytes.
func fill(t testing.TB, name string, left int64) {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(name), &st); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, max(int64(st.Bavail)*int64(st.Bsize)-left, 0))
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
