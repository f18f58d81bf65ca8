package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/depmod"
	"modkeep/kernel"
)

// packagesBefore asks whether the kernels in packages that are about to be
// installed may boot. The packages are unpacked below a temporary root, beside
// copies of the third-party modules that the system has; there the links are
// made that installation would make.
func (h *hookEvent) packagesBefore(args []string) (int, error) {
	files := args
	if slices.Equal(args, []string{"-"}) {
		var err error
		if files, err = readLines(h.in); err != nil {
			return h.untold(fmt.Errorf("read the names of packages: %w", err))
		}
	}
	files = slices.DeleteFunc(slices.Clone(files), func(name string) bool { return !carriesModules(name) })
	if !slices.ContainsFunc(files, carriesKernel) {
		return statusYes, nil
	}
	s, err := newStage(h.root)
	if err != nil {
		return h.untold(err)
	}
	defer s.remove()
	for _, file := range files {
		if err := s.unpack(h, file); err != nil {
			return h.untold(err)
		}
	}
	krels, err := s.kernels()
	if err != nil {
		return h.untold(err)
	}
	if err := s.copyModules(); err != nil {
		return h.untold(err)
	}
	worst := statusYes
	for _, krel := range krels {
		staged := *h
		staged.root, staged.errOut = s.dir, io.Discard
		staged.link("--kernel", krel, "--no-initramfs") // what it says is said by the gate
		status, err := h.gateBelow(s.dir, krel)
		if err != nil {
			return statusUnknown, err
		}
		worst = max(worst, status)
	}
	return worst, nil
}

// untold is the answer where the packages could not be looked at.
func (h *hookEvent) untold(err error) (int, error) {
	fmt.Fprintf(h.errOut, "modkeep: %v\n", err)
	mode, _ := h.gateMode()
	return h.judged("to be installed", statusUnknown, mode), nil
}

// readLines reads names, one a line.
func readLines(r io.Reader) ([]string, error) {
	var lines []string
	in := bufio.NewScanner(r)
	in.Buffer(nil, 64<<10)
	for in.Scan() {
		if in.Text() != "" {
			lines = append(lines, in.Text())
		}
	}
	return lines, in.Err()
}

// carriesKernel and carriesModules go by the names that distributions give
// their packages: unpacking every package of a transaction would take longer
// than installing it. A .deb file whose name is not its package's may be any.
func carriesKernel(file string) bool {
	if strings.HasSuffix(file, ".deb") && strings.Count(filepath.Base(file), "_") != 2 {
		return true
	}
	return hasPrefix(filepath.Base(file), "kernel", "linux-image-", "linux-modules-", "linux-binary-")
}

func carriesModules(file string) bool {
	base := filepath.Base(file)
	if hasPrefix(base, "kernel-headers", "kernel-devel", "kernel-doc", "kernel-tools", "linux-image-amd64", "kernel-srpm-macros") {
		return false
	}
	return carriesKernel(file) || hasPrefix(base, "kmod-") || strings.Contains(base, "-kmp-") || strings.Contains(base, "-modules")
}

func hasPrefix(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}

// cachedPackages finds the packages of a build below a package manager's
// cache, and module packages.
func cachedPackages(cache, prefix, evra string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(cache, func(name string, entry fs.DirEntry, err error) error {
		base := filepath.Base(name)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
			return nil
		case err != nil:
			return err
		case entry.Type().IsRegular() && strings.HasPrefix(base, prefix) && strings.HasSuffix(base, "-"+evra+".rpm"),
			entry.Type().IsRegular() && strings.HasSuffix(base, ".rpm") && (strings.HasPrefix(base, "kmod-") || strings.Contains(base, "-kmp-")):
			files = append(files, name)
		}
		return nil
	})
	return files, err
}

// stage is a temporary root in which a kernel is looked at before it is
// installed.
type stage struct {
	dir    string
	system string // the root of the system
}

func newStage(system string) (*stage, error) {
	parent := "/var/tmp" // on disk: a kernel's modules may be hundreds of megabytes
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		parent = ""
	}
	dir, err := os.MkdirTemp(parent, "modkeep-")
	if err != nil {
		return nil, fmt.Errorf("make a temporary root: %w", err)
	}
	s := &stage{dir, system}
	if target, err := os.Readlink(filepath.Join(system, "lib")); err == nil && strings.TrimPrefix(target, "/") == "usr/lib" {
		err = errors.Join(os.MkdirAll(filepath.Join(dir, "usr/lib/modules"), 0o755), os.Symlink("usr/lib", filepath.Join(dir, "lib")))
		if err != nil {
			s.remove()
			return nil, fmt.Errorf("make a temporary root: %w", err)
		}
	}
	return s, nil
}

func (s *stage) remove() { os.RemoveAll(s.dir) }

// unpack puts a package's files below the stage, by the package manager's own
// tool. No scriptlet is run.
func (s *stage) unpack(h *hookEvent, file string) error {
	abs, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	var cmd *exec.Cmd
	if strings.HasSuffix(file, ".deb") {
		cmd = exec.CommandContext(h, "dpkg-deb", "--extract", abs, s.dir)
	} else {
		cmd = exec.CommandContext(h, "rpm", "--root", s.dir, "--dbpath", "/modkeep-rpmdb", "-i",
			"--nodeps", "--noscripts", "--notriggers", "--nosignature", "--nodigest", "--excludedocs", "--ignorearch", "--ignoreos", "--nocaps", abs)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("unpack %s: %w: %s", filepath.Base(file), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// kernels are those that came whole with the packages. Of one that the system
// has already only a part may be in them: it came whole if the list of what is
// built in came too, which is in the package of the kernel's image.
func (s *stage) kernels() ([]string, error) {
	all, err := kernel.List(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list the kernels in the packages: %w", err)
	}
	return slices.DeleteFunc(all, func(krel string) bool {
		if !s.has(s.system, krel) {
			return !s.has(s.dir, krel)
		}
		dir, err := depmod.ModuleDir(s.dir, krel)
		if err != nil {
			return true
		}
		_, err = depmod.Resolve(s.dir, dir+"/modules.builtin")
		return err != nil
	}), nil
}

// has reports whether a kernel's own modules are below a root.
func (s *stage) has(root, krel string) bool {
	dir, err := depmod.ModuleDir(root, krel)
	if err != nil {
		return false
	}
	real, err := depmod.Resolve(root, dir+"/kernel")
	if err != nil {
		return false
	}
	info, err := os.Stat(filepath.Join(root, real))
	return err == nil && info.IsDir()
}

// copyModules copies what the system has of third-party modules, and what
// decides about them.
func (s *stage) copyModules() error {
	krels, err := kernel.List(s.system)
	if err != nil {
		return fmt.Errorf("list the kernels: %w", err)
	}
	for _, krel := range krels {
		dir, err := depmod.ModuleDir(s.system, krel)
		if err != nil {
			continue
		}
		if err := s.copy(dir, "kernel", "build", "source"); err != nil {
			return err
		}
	}
	for _, p := range []string{"/etc/modkeep", "/etc/depmod.d", "/run/depmod.d", "/usr/local/lib/depmod.d", "/lib/depmod.d", "/usr/lib/depmod.d", "/etc/os-release", "/usr/lib/os-release"} {
		if err := s.copy(p); err != nil {
			return err
		}
	}
	return nil
}

// copy copies what is at a path inside the system's root to the same path
// below the stage, without the names given. Links are copied as links; what is
// there already stays.
func (s *stage) copy(p string, without ...string) error {
	real, err := depmod.Resolve(s.system, p)
	if err != nil {
		return nil
	}
	from := filepath.Join(s.system, real)
	err = filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		to := filepath.Join(s.dir, real, rel)
		switch first, _, _ := strings.Cut(rel, string(filepath.Separator)); {
		case slices.Contains(without, first) && entry.IsDir():
			return fs.SkipDir
		case slices.Contains(without, first):
			return nil
		case entry.IsDir():
			return os.MkdirAll(to, 0o755)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return copyEntry(name, to, entry.Type())
	})
	if err != nil {
		return fmt.Errorf("copy %s: %w", p, err)
	}
	return nil
}

// copyEntry copies one file or link; other things are passed over.
func copyEntry(from, to string, kind fs.FileMode) error {
	if _, err := os.Lstat(to); err == nil {
		return nil
	}
	switch {
	case kind&fs.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case kind.IsRegular():
		return copyFile(from, to)
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
