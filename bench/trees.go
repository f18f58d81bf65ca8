package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/internal/kerneltest"
)

// plainTree returns the amd64 kernel of the cache with the most plain modules
// among those with most modules of third parties, or the one named.
func plainTree(cache kerneltest.Cache, krel string) (*tree, error) {
	kernels, err := cache.Kernels()
	if err != nil {
		return nil, err
	}
	var best *tree
	for _, k := range kernels {
		if k.Arch != "amd64" || krel != "" && k.Release != krel {
			continue
		}
		files, err := kerneltest.ModuleFiles(k.Modules())
		if err != nil || len(files) == 0 || !strings.HasSuffix(files[0], ".ko") {
			continue
		}
		third, _ := cache.ThirdParty(k.Release)
		t := &tree{name: "plain", root: k.Root, krel: k.Release, files: files, third: third}
		if best == nil || len(files)*(1+len(third)) > len(best.files)*(1+len(best.third)) {
			best = t
		}
	}
	if best == nil {
		return nil, errors.New("no kernel with plain modules in the cache: go run ./internal/kerneltest/lab fetch --set full")
	}
	return best, best.fillUp(cache, kernels)
}

// fillUp adds modules that were built for other kernels of the series, as far
// as the kernel's own are too few: what is built for the neighbour is what one
// asks about.
func (t *tree) fillUp(cache kerneltest.Cache, kernels []kerneltest.Kernel) error {
	series := t.krel[:strings.LastIndex(t.krel, ".")]
	for _, k := range kernels {
		if k.Arch == "amd64" && k.Release != t.krel && strings.HasPrefix(k.Release, series) && len(t.third) < thirdPartyModules {
			more, _ := cache.ThirdParty(k.Release)
			t.third = append(t.third, more...)
		}
	}
	if len(t.third) < thirdPartyModules {
		return fmt.Errorf("only %d modules of third parties in the cache: go run ./internal/kerneltest/lab fetch --set full", len(t.third))
	}
	return nil
}

// packedTree returns the tree with every module packed, made in dir where it is
// not there yet.
func packedTree(dir string, plain *tree, out io.Writer) (*tree, error) {
	t := &tree{name: "xz", root: filepath.Join(dir, "xz"), krel: plain.krel}
	done := filepath.Join(dir, "xz-"+plain.krel)
	if _, err := os.Stat(done); err != nil {
		fmt.Fprintf(out, "packing the modules of %s, once\n", plain.krel)
		if err := t.make(plain); err != nil {
			return nil, fmt.Errorf("make %s: %w", t.root, err)
		}
		if err := os.WriteFile(done, nil, 0o644); err != nil {
			return nil, err
		}
	}
	var err error
	if t.files, err = kerneltest.ModuleFiles(filepath.Join(t.root, "lib/modules", t.krel)); err != nil {
		return nil, err
	}
	t.third, err = kerneltest.ModuleFiles(t.thirdDir())
	return t, err
}

func (t *tree) thirdDir() string { return filepath.Join(t.root, "third", t.krel) }

// make fills a root with a kernel's files as they are, and its modules packed.
func (t *tree) make(plain *tree) error {
	modules := filepath.Join("lib/modules", t.krel)
	headers := filepath.Join("usr/src/linux-headers-" + t.krel)
	for _, pattern := range []string{"boot/*-" + t.krel, modules + "/modules.*", headers + "/Module.symvers", headers + "/include/generated/*.h"} {
		names, err := filepath.Glob(filepath.Join(plain.root, pattern))
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := link(name, filepath.Join(t.root, strings.TrimPrefix(name, plain.root))); err != nil {
				return err
			}
		}
	}
	var packed []string
	for _, f := range plain.files {
		packed = append(packed, filepath.Join(t.root, strings.TrimPrefix(f, plain.root)))
	}
	if err := pack(plain.files, packed); err != nil {
		return err
	}
	packed = packed[:0]
	for i, f := range plain.third {
		packed = append(packed, filepath.Join(t.thirdDir(), fmt.Sprint(i), filepath.Base(f)))
	}
	if err := pack(plain.third, packed); err != nil {
		return err
	}
	return os.Symlink("/"+headers, filepath.Join(t.root, modules, "build"))
}

// link makes a hard link.
func link(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.Link(from, to); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// pack links files to other places and packs them there with the options of
// the kernel's own scripts/Makefile.modinst (6.1).
func pack(files, places []string) error {
	for i := range files {
		if _, err := os.Stat(places[i] + ".xz"); err == nil {
			continue
		}
		if err := link(files[i], places[i]); err != nil {
			return err
		}
	}
	const batch = 100
	for list := range slices.Chunk(places, batch) {
		list = slices.DeleteFunc(slices.Clone(list), func(p string) bool { _, err := os.Lstat(p); return err != nil })
		if len(list) == 0 {
			continue
		}
		cmd := exec.Command("xargs", "-0", "-P2", "-n8", "xz", "--check=crc32", "--lzma2=dict=1MiB", "--force")
		cmd.Stdin = strings.NewReader(strings.Join(list, "\x00"))
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("xz: %w\n%s", err, text)
		}
	}
	return nil
}
