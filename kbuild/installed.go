package kbuild

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/depmod"
	"modkeep/kernel"
	"modkeep/ko"
	"modkeep/symvers"
)

// installedProviders are the tables that packages of external modules left below
// usr/src for others to build against (as /usr/src/ofa_kernel/default), those
// whose modules are installed for the kernel with the same CRCs.
func installedProviders(root string, h *Headers) ([]string, error) {
	k, err := kernel.Open(root, h.Release, kernel.Options{})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []string
	for _, pattern := range []string{"/usr/src/*/Module.symvers", "/usr/src/*/*/Module.symvers", "/usr/src/*/*/*/Module.symvers"} {
		names, err := filepath.Glob(onHost(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			real, err := depmod.Resolve(root, strings.TrimPrefix(name, strings.TrimRight(root, "/")))
			if err != nil || ofKernel(onHost(root, filepath.Dir(real))) || slices.Contains(list, onHost(root, real)) {
				continue
			}
			if fits(k, onHost(root, real)) {
				list = append(list, onHost(root, real))
			}
		}
	}
	return list, nil
}

// ofKernel says whether a directory holds the headers of a kernel.
func ofKernel(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, "include", "config"))
	return err == nil
}

// fits says whether a table is that of modules which the kernel has: of the
// first one whose file is there, an export must have the CRC that the table says.
func fits(k *kernel.Kernel, name string) bool {
	table, err := symvers.Open(name)
	if err != nil {
		return false
	}
	for _, e := range table.Exports {
		f := k.Tree().Module(depmod.ModuleName(e.Module))
		if f == nil {
			continue
		}
		exports, err := k.ModuleExports(f)
		if err != nil {
			return false
		}
		return slices.ContainsFunc(exports, func(x ko.Export) bool { return x.Symbol == e.Symbol && x.CRC == e.CRC })
	}
	return false
}
