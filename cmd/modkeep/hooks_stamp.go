package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/depmod"
	"modkeep/kernel"
	"modkeep/policy"
)

// stampDir is where hooks leave what need not outlive the running system:
// stampFile, and lists of modules of packages that are being removed.
const (
	stampDir  = "/run/modkeep"
	stampFile = stampDir + "/judged"
)

// fingerprint stands for all that decides about links: which kernels there are,
// the directories of their modules with the times of their last change, what
// the policy and depmod.d say. What modkeep and depmod write themselves has no
// part in it. Package managers put new files in place by a rename, which
// changes the directory's time.
func fingerprint(root string) (string, error) {
	sum := sha256.New()
	all, err := kernel.List(root)
	if err != nil {
		return "", err
	}
	for _, krel := range all {
		dir, err := depmod.ModuleDir(root, krel)
		if err != nil {
			return "", err
		}
		if err := stampModules(sum, root, dir); err != nil {
			return "", err
		}
	}
	places := []string{"/boot", policy.Path, "/etc/depmod.d", "/run/depmod.d", "/usr/local/lib/depmod.d", "/lib/depmod.d", "/usr/lib/depmod.d"}
	for _, p := range places {
		if real, err := depmod.Resolve(root, p); err == nil {
			if info, err := os.Stat(filepath.Join(root, real)); err == nil {
				fmt.Fprintf(sum, "%s %d %d\n", p, info.Size(), info.ModTime().UnixNano())
			}
		}
	}
	return fmt.Sprintf("%x\n", sum.Sum(nil)), nil
}

// stampModules writes a kernel's module directories to w. Of the directory
// itself only the names count that are directories or modules: index files are
// written there.
func stampModules(w io.Writer, root, dir string) error {
	real, err := depmod.Resolve(root, dir)
	if err != nil {
		return err
	}
	top := filepath.Join(root, real)
	passed := []string{"weak-updates", "build", "source"}
	return filepath.WalkDir(top, func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || name == top {
			return err
		}
		if filepath.Dir(name) == top && slices.Contains(passed, entry.Name()) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return nil
		}
		switch {
		case entry.IsDir():
			fmt.Fprintf(w, "%s %d\n", name, info.ModTime().UnixNano())
		case filepath.Dir(name) == top && isModuleName(entry.Name()), strings.HasPrefix(entry.Name(), "symvers"):
			fmt.Fprintf(w, "%s %d %d\n", name, info.Size(), info.ModTime().UnixNano())
		}
		return nil
	})
}

// judgedAlready reports whether nothing has changed since the links of all
// kernels were judged last, and returns the fingerprint to remember after they
// are judged now. Only of the running system is anything remembered: other
// roots are left without traces.
func (h *hookEvent) judgedAlready() (already bool, now string) {
	if filepath.Clean(h.root) != "/" {
		return false, ""
	}
	now, err := fingerprint(h.root)
	if err != nil {
		return false, ""
	}
	before, err := os.ReadFile(filepath.Join(h.root, stampFile))
	return err == nil && string(before) == now, now
}

// remember notes that the links of all kernels are judged. That it fails costs
// time at the next call, and no more.
func (h *hookEvent) remember(now string) {
	if now == "" {
		return
	}
	if err := os.MkdirAll(filepath.Join(h.root, stampDir), 0o755); err == nil {
		os.WriteFile(filepath.Join(h.root, stampFile), []byte(now), 0o644)
	}
}

// forgetStamp removes what remember left.
func forgetStamp(root string) {
	os.Remove(filepath.Join(root, stampFile))
	os.Remove(filepath.Join(root, stampDir)) // fails where something else is in it
}
