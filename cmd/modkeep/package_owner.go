package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// packageOwner asks the root's package manager which package owns a file
// inside the root. A root without a package database owns nothing.
func packageOwner(root string) func(string) string {
	known := map[string]string{}
	database := sync.OnceValue(func() string { return copyOfRPMDatabase(root) })
	return func(p string) string {
		owner, ok := known[p]
		if !ok {
			if _, err := os.Stat(filepath.Join(root, "var/lib/dpkg/status")); err == nil {
				owner = dpkgOwner(root, p)
			} else if dir := database(); dir != "" {
				owner, _, _ = strings.Cut(answer("rpm", "--dbpath", dir, "-qf", "--qf", "%{NAME}\n", p), "\n")
			}
			known[p] = owner
		}
		return owner
	}
}

// dpkgOwner asks dpkg, whose database has files under the names that packages
// have them by: where /lib is a link to /usr/lib, the one or the other. Before
// version 1.21 dpkg-query takes no --root (dpkg-query(1)). Lines on diversions say
// nothing of an owner.
func dpkgOwner(root, p string) string {
	other := "/usr" + p
	if inside, ok := strings.CutPrefix(p, "/usr/"); ok {
		other = "/" + inside
	}
	for _, name := range []string{p, other} {
		for line := range strings.Lines(answer("dpkg-query", "--admindir", filepath.Join(root, "var/lib/dpkg"), "-S", name)) {
			owner, _, ok := strings.Cut(line, ":")
			if ok && !strings.HasPrefix(line, "diversion by ") && !strings.HasPrefix(line, "local diversion ") {
				return owner
			}
		}
	}
	return ""
}

// answer returns what a program prints, "" where it fails.
func answer(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return ""
	}
	return string(out)
}

// copyOfRPMDatabase copies a root's rpm database and returns the directory, ""
// where there is none: rpm writes into its database even to read it. What is
// copied goes with the process.
func copyOfRPMDatabase(root string) string {
	for _, dir := range []string{"usr/lib/sysimage/rpm", "var/lib/rpm"} {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil || len(entries) == 0 {
			continue
		}
		to, err := os.MkdirTemp("", "modkeep-rpm-")
		if err != nil {
			return ""
		}
		atExit(func() { os.RemoveAll(to) })
		if os.CopyFS(to, regularFiles{os.DirFS(filepath.Join(root, dir))}) != nil {
			return ""
		}
		return to
	}
	return ""
}

// regularFiles hides the files that os.CopyFS stops at.
type regularFiles struct{ fs.FS }

// ReadDir lists what can be copied.
func (f regularFiles) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(f.FS, name)
	kept := entries[:0]
	for _, e := range entries {
		if e.IsDir() || e.Type().IsRegular() {
			kept = append(kept, e)
		}
	}
	return kept, err
}

var exitWork struct {
	sync.Mutex
	list []func()
}

// atExit has f called when the command has run.
func atExit(f func()) {
	exitWork.Lock()
	defer exitWork.Unlock()
	exitWork.list = append(exitWork.list, f)
}

// runExitWork does what atExit was given.
func runExitWork() {
	exitWork.Lock()
	defer exitWork.Unlock()
	for _, f := range exitWork.list {
		f()
	}
	exitWork.list = nil
}
