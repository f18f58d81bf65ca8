package node

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"modkeep/depmod"
	"modkeep/kernel/release"
	"modkeep/kmp"
	"modkeep/ko"
	"modkeep/loader"
)

// What is read of sources at most: the largest set of drivers in use, with its
// debugging information, has about 100 MB in 200 files.
const (
	maxSources     = 4096
	maxSourceBytes = 512 << 20
)

// Source is one module file that can be installed, and what it was built for.
type Source struct {
	Path   string // where it was read: a file, or PACKAGE:PATH
	Base   string // the file's name: foo.ko.xz
	Kernel string // the release of the directory it lies in, else that of its vermagic; "" where neither tells
	Named  bool   // the file itself was named, not a directory or package that holds it
	Data   []byte
	Module *loader.Module
	// EVR is the version of the package that holds it; "" for a file.
	EVR string
}

// Name is the module's name, with underscores, that its file stands for.
func (s *Source) Name() string { return depmod.ModuleName(s.Base) }

// ReadSources reads the modules that arguments name: module files, .rpm and
// .deb packages, and directories, in which module files and packages are
// looked for. What else lies in a directory is passed over; symbolic links in
// it are not followed. The error names the file.
func ReadSources(args []string) ([]*Source, error) {
	r := &sourceReader{}
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case err != nil:
			return nil, err
		case info.IsDir():
			err = r.directory(arg)
		default:
			err = r.add(arg, true)
		}
		if err != nil {
			return nil, err
		}
	}
	return r.list, nil
}

// ReadPackages reads the modules of packages, of which some may have none.
func ReadPackages(files []string) ([]*Source, error) {
	r := &sourceReader{}
	for _, name := range files {
		if err := r.addPackage(name, false); err != nil {
			return nil, err
		}
	}
	return r.list, nil
}

type sourceReader struct {
	list []*Source
	size int64
}

func (r *sourceReader) directory(dir string) error {
	before := len(r.list)
	// With a slash at its end: the directory may be named by a link to it.
	err := filepath.WalkDir(dir+"/", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !(depmod.IsModule(name) || isPackageFile(name)) {
			return err
		}
		return r.add(name, false)
	})
	if err == nil && len(r.list) == before {
		err = fmt.Errorf("%s: no module file and no package with modules below it", dir)
	}
	return err
}

func isPackageFile(name string) bool {
	return strings.HasSuffix(name, ".rpm") || strings.HasSuffix(name, ".deb")
}

// add reads a module file or a package.
func (r *sourceReader) add(name string, named bool) error {
	if isPackageFile(name) {
		return r.addPackage(name, named)
	}
	if !depmod.IsModule(name) {
		return fmt.Errorf("%s: neither a module file (%s) nor a package (.rpm, .deb)", name, strings.Join(depmod.Extensions, ", "))
	}
	data, err := readModuleFile(name)
	if err != nil {
		return err
	}
	return r.keep(&Source{Path: name, Base: filepath.Base(name), Kernel: directoryRelease(filepath.ToSlash(name)), Named: named, Data: data})
}

// readModuleFile reads a file that a module of any honest size fits in. A pipe is
// not waited for.
func readModuleFile(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w", name, ko.ErrNotRegular)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSourceBytes+1))
	if err == nil && len(data) > maxSourceBytes {
		err = fmt.Errorf("%s: %w", name, ko.ErrTooLarge)
	}
	return data, err
}

func (r *sourceReader) addPackage(name string, named bool) error {
	p, err := kmp.Open(name)
	if err != nil {
		return err
	}
	if named && len(p.Modules) == 0 {
		return fmt.Errorf("%s: no module in it", name)
	}
	for i := range p.Modules {
		m := &p.Modules[i]
		if m.Err != nil {
			return fmt.Errorf("%s: %s: %w", name, m.Path, m.Err)
		}
		if err := r.keep(&Source{Path: name + ":" + m.Path, Base: path.Base(m.Path), Kernel: m.KRel, Data: m.Data, EVR: p.EVR()}); err != nil {
			return err
		}
	}
	return nil
}

// keep reads what the loader looks at of a module, and keeps it.
func (r *sourceReader) keep(s *Source) error {
	r.size += int64(len(s.Data))
	if len(r.list) >= maxSources || r.size > maxSourceBytes {
		return fmt.Errorf("%s: more than %d modules, or %d MiB of them", s.Path, maxSources, maxSourceBytes>>20)
	}
	s.Module = loader.ReadFrom(s.Path, func() (*ko.Image, error) {
		return ko.NewImage(s.Path, bytes.NewReader(s.Data), int64(len(s.Data)))
	})
	if s.Module.Err != nil {
		return s.Module.Err
	}
	if s.Module.Info == nil {
		return fmt.Errorf("%s: not a kernel module: no .modinfo", s.Path)
	}
	if s.Kernel == "" {
		text, _ := s.Module.Info.Get("vermagic")
		s.Kernel, _, _ = strings.Cut(text, " ")
	}
	r.list = append(r.list, s)
	return nil
}

// directoryRelease returns the release of a path …/lib/modules/RELEASE/….
func directoryRelease(name string) string {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	_, rest, ok := strings.Cut(name, "/lib/modules/")
	if !ok {
		return ""
	}
	krel, _, ok := strings.Cut(rest, "/")
	if _, err := release.Parse(krel); !ok || err != nil {
		return ""
	}
	return krel
}

// ModuleOf returns the kernel and the name of a module file below lib/modules;
// ok is false for other paths.
func ModuleOf(p string) (krel, name string, ok bool) {
	krel = directoryRelease(p)
	return krel, depmod.ModuleName(p), krel != "" && depmod.IsModule(p)
}

// errNoSource is wrapped where nothing of what was named is for a kernel.
var errNoSource = errors.New("nothing to install")
