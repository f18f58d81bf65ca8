package kbuild

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/depmod"
	"modkeep/kernel"
)

// ObjectSource makes a source in the cache that builds one of the kernel's own
// modules from the given files: C files, which become its objects, and headers
// beside them. Of directories the C files and headers are taken. The module's
// file is called as the kernels' own one is: xen-evtchn.ko for xen_evtchn. It is
// installed to updates, where it comes before the kernel's.
func ObjectSource(cache, name string, from []string, root string, kernels []*Kernel) (*Source, error) {
	files, err := objectFiles(from)
	if err != nil {
		return nil, err
	}
	name, err = objectName(name, root, kernels)
	if err != nil {
		return nil, err
	}
	text, main, err := objectKbuild(name, files)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", text)
	for _, f := range files {
		id, err := fileDigest(f)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(h, "%s %s\n", filepath.Base(f), id)
	}
	dir := filepath.Join(cache, "objects", sum(h))
	if _, err := os.Stat(dir); err != nil {
		if err := writeObject(dir, text, main, files); err != nil {
			return nil, err
		}
	}
	s, err := OpenSource(dir, strings.Join(from, " "))
	if err != nil {
		return nil, err
	}
	s.Name, s.Version, s.DestDir = name, "", "updates"
	return s, nil
}

// objectFiles are the C files and headers that are named, or are in directories
// that are.
func objectFiles(from []string) ([]string, error) {
	var files []string
	for _, name := range from {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, name)
			continue
		}
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && slices.Contains([]string{".c", ".h", ".S"}, filepath.Ext(e.Name())) {
				files = append(files, filepath.Join(name, e.Name()))
			}
		}
	}
	seen := map[string]string{}
	for _, f := range files {
		base := filepath.Base(f)
		if other := seen[base]; other != "" {
			return nil, fmt.Errorf("%s and %s have the same name", other, f)
		}
		if seen[base] = f; strings.ContainsAny(base, notForMake) {
			return nil, fmt.Errorf("%q: not a file name that make can use", base)
		}
	}
	return files, nil
}

// objectName is the name of the module's file in the trees of the kernels: that
// has - where the module's name has _. A module that no kernel has keeps the name
// that was given.
func objectName(name, root string, kernels []*Kernel) (string, error) {
	if name == "" || name == "." || strings.ContainsAny(name, "/"+notForMake) {
		return "", fmt.Errorf("%q is no name of a module", name)
	}
	for _, k := range kernels {
		installed, err := kernel.Open(root, k.Release, kernel.Options{})
		if err != nil {
			continue
		}
		if b := installed.Builtin(); b != nil && b.Has(depmod.ModuleName(name)) {
			return "", fmt.Errorf("%s is built into kernel %s: no module can take its place", name, k.Release)
		}
		if f := installed.Tree().Module(depmod.ModuleName(name)); f != nil {
			base, _, _ := strings.Cut(path.Base(f.Rel), ".ko")
			return base, nil
		}
	}
	return name, nil
}

// objectKbuild is the text of the Kbuild file. An object may not be called as the
// module that it is a part of; its file is then included by another one, main.
func objectKbuild(name string, files []string) (text, main string, err error) {
	var objects []string
	for _, f := range files {
		ext := filepath.Ext(f)
		base := strings.TrimSuffix(filepath.Base(f), ext)
		if ext != ".c" && ext != ".S" {
			continue
		}
		if base == name && ext == ".c" {
			main = name + "-main.c"
			base = name + "-main"
		}
		objects = append(objects, base+".o")
	}
	switch {
	case len(objects) == 0:
		return "", "", errors.New("no C file among those to build from")
	case len(objects) == 1 && main != "":
		return "obj-m := " + name + ".o\n", "", nil
	}
	return fmt.Sprintf("obj-m := %s.o\n%s-objs := %s\nccflags-y := -I$(src)\n", name, name, strings.Join(objects, " ")), main, nil
}

func writeObject(dir, text, main string, files []string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), ".part-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(part)
	for _, f := range files {
		if err := copyFile(f, filepath.Join(part, filepath.Base(f)), 0o644); err != nil {
			return err
		}
	}
	if main != "" {
		include := fmt.Sprintf("#include \"%s.c\"\n", strings.TrimSuffix(main, "-main.c"))
		if err := os.WriteFile(filepath.Join(part, main), []byte(include), 0o644); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(part, "Kbuild"), []byte(text), 0o644); err != nil {
		return err
	}
	return settle(part, dir)
}
