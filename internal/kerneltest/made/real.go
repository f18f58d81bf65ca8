package made

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Real puts a real kernel into the root dir: its modules, lists, image,
// configuration and System.map as they lie in the root from (hard links where
// the file system allows it, so nobody may write into them), and its
// Module.symvers, from the header package's directory there, as
// /boot/symvers-RELEASE.gz, where distributions that use weak-modules have it.
// What has grown there since the kernel was installed (links to its build
// directory, index files) is left behind.
//
// The error wraps fs.ErrNotExist where from has no such kernel.
func Real(dir, from, release string) error {
	modules := filepath.Join(from, "lib/modules", release)
	if _, err := os.Stat(filepath.Join(modules, "kernel")); err != nil {
		return fmt.Errorf("kernel %s: %w", release, err)
	}
	table, err := os.ReadFile(filepath.Join(from, "usr/src/linux-headers-"+release, "Module.symvers"))
	if err != nil {
		return fmt.Errorf("kernel %s: exports: %w", release, err)
	}
	if table, err = Pack(".gz", table); err != nil {
		return err
	}
	if err := putOne(filepath.Join(dir, "boot/symvers-"+release+".gz"), entry{data: table}); err != nil {
		return err
	}
	for _, name := range []string{"boot/vmlinuz-", "boot/config-", "boot/System.map-"} {
		if err := take(filepath.Join(dir, name+release), filepath.Join(from, name+release)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, name := range []string{"kernel", "modules.order", "modules.builtin", "modules.builtin.modinfo"} {
		if err := take(filepath.Join(dir, "lib/modules", release, name), filepath.Join(modules, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Take puts a file or a directory of this machine into a root, at the path to
// in it, in the way Real does.
func Take(dir, to, from string) error { return take(filepath.Join(dir, to), from) }

// take links or copies a file, or all files of a directory.
func take(to, from string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		dest := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(dest, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			text, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(text, dest)
		}
		return linkOrCopy(dest, name)
	})
}

func linkOrCopy(to, from string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	err := os.Link(from, to)
	if !errors.Is(err, syscall.EXDEV) && !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EMLINK) {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}
