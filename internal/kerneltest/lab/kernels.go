package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"modkeep/internal/kerneltest"
)

// candidate is a kernel that the archive has.
type candidate struct {
	kerneltest.Kernel
	from *source
	// image are the packages with kernel and modules. symvers is the headers
	// package with the configuration and Module.symvers; build are those it
	// needs to build modules. Older kernels may have lost theirs.
	image   []pkg
	symvers []pkg
	build   []pkg

	crcs map[string]string // symbol → CRC, once read
}

var (
	kernelPackage = regexp.MustCompile(`^linux-(image|binary|modules|base|headers|kbuild)-[0-9]`)
	notAKernel    = regexp.MustCompile(`-(dbg|unsigned|signed-template)$`)
	// A release has three numbers; shorter names are metapackages.
	imagePackage = regexp.MustCompile(`^linux-image-((([0-9]+\.[0-9]+)\.[0-9]+)[^ ]*)$`)
)

// kernels lists the kernels of an archive, oldest first.
func (s *source) kernels(ctx context.Context) ([]*candidate, error) {
	all, err := s.packages(ctx, kernelPackage)
	if err != nil {
		return nil, err
	}
	var list []*candidate
	for name, image := range all {
		m := imagePackage.FindStringSubmatch(name)
		if m == nil || notAKernel.MatchString(name) {
			continue
		}
		c := &candidate{from: s, Kernel: kerneltest.Kernel{Arch: s.arch, Release: m[1], Series: m[3],
			Flavour: flavour(m[1]), Version: image.version}}
		c.image = closure(all, image, func(name string) bool { return strings.HasSuffix(name, "-"+m[1]) })
		if headers, ok := all["linux-headers-"+m[1]]; ok {
			c.symvers = []pkg{headers}
			c.build = closure(all, headers, func(name string) bool {
				return strings.HasPrefix(name, "linux-headers-") || strings.HasPrefix(name, "linux-kbuild-")
			})
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *candidate) int { return kerneltest.CompareVersions(a.Release, b.Release) })
	return list, nil
}

// closure is a package and what it depends on, as far as the names are wanted.
func closure(all map[string]pkg, first pkg, wanted func(name string) bool) []pkg {
	list := []pkg{first}
	seen := map[string]bool{first.name: true}
	for i := 0; i < len(list); i++ {
		for _, name := range list[i].depends {
			if p, ok := all[name]; ok && wanted(name) && !seen[name] {
				seen[name] = true
				list = append(list, p)
			}
		}
	}
	return list
}

// flavour tells Debian's kernels for one purpose by their release.
func flavour(release string) string {
	for _, f := range []string{"cloud", "rt"} {
		if strings.Contains(release, "-"+f+"-") {
			return f
		}
	}
	return ""
}

// relation is what a comparison of two kernels' symbol CRCs says.
type relation int

const (
	equal   relation = iota // every symbol has the same CRC
	partial                 // some differ, module_layout does not
	moved                   // module_layout differs: no module of one fits the other
)

func (r relation) String() string { return [...]string{"equal", "partial", "moved"}[r] }

// relate compares two kernels and describes the difference.
func relate(a, b *candidate) (relation, string) {
	common, differ := 0, 0
	for symbol, crc := range a.crcs {
		if other, ok := b.crcs[symbol]; ok {
			common++
			if crc != other {
				differ++
			}
		}
	}
	text := fmt.Sprintf("%d of %d common symbols differ", differ, common)
	switch {
	case a.crcs["module_layout"] != b.crcs["module_layout"]:
		return moved, text + ", module_layout too"
	case differ > 0 || common != len(a.crcs) || common != len(b.crcs):
		return partial, text + ", module_layout does not"
	}
	return equal, text
}

// readCRCs reads the columns CRC and symbol of a Module.symvers. It is
// separate from the project's own reader on purpose.
func readCRCs(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	crcs := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if column := strings.Split(lines.Text(), "\t"); len(column) > 1 {
			crcs[column[1]] = column[0]
		}
	}
	return crcs, lines.Err()
}

// loadCRCs fetches the headers of the candidates that have any and reads
// their symbols; it returns those candidates.
func loadCRCs(ctx context.Context, cache kerneltest.Cache, list []*candidate) ([]*candidate, error) {
	var with []*candidate
	wants := map[*source][]pkg{}
	for _, c := range list {
		if c.symvers != nil {
			with = append(with, c)
			wants[c.from] = append(wants[c.from], c.symvers...)
		}
	}
	for s, want := range wants {
		if err := s.download(ctx, cache.Join("deb"), want); err != nil {
			return nil, err
		}
	}
	for _, c := range with {
		if c.crcs != nil {
			continue
		}
		if err := unpack(ctx, cache, c.Arch, c.symvers); err != nil {
			return nil, err
		}
		var err error
		c.Root = cache.Join("root", c.Arch)
		if c.crcs, err = readCRCs(c.Symvers()); err != nil {
			return nil, err
		}
	}
	return with, nil
}

// unpack puts packages into the root of their architecture. Each is unpacked
// beside it first and moved in whole, the directory usr before boot, so that a
// kernel image that can be seen has its modules.
func unpack(ctx context.Context, cache kerneltest.Cache, arch string, packages []pkg) error {
	root := cache.Join("root", arch)
	if err := mergedRoot(root); err != nil {
		return err
	}
	for _, p := range packages {
		stamp := cache.Join("unpacked", arch, strings.TrimSuffix(p.file(), ".deb"))
		if _, err := os.Stat(stamp); err == nil {
			continue
		}
		tmp, err := os.MkdirTemp(string(cache), "unpack-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		if _, err := output(ctx, nil, "dpkg-deb", "-x", cache.Join("deb", p.file()), tmp); err != nil {
			return err
		}
		for _, part := range []string{"lib", "usr", "boot"} {
			to := part
			if part == "lib" {
				to = "usr/lib"
			}
			if err := merge(filepath.Join(tmp, part), filepath.Join(root, to)); err != nil {
				return fmt.Errorf("unpack %s: %w", p.file(), err)
			}
		}
		if err := os.MkdirAll(filepath.Dir(stamp), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(stamp, nil, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// mergedRoot makes a root whose /lib is /usr/lib, as on Debian systems.
func mergedRoot(root string) error {
	if err := os.MkdirAll(filepath.Join(root, "usr", "lib"), 0o777); err != nil {
		return err
	}
	err := os.Symlink("usr/lib", filepath.Join(root, "lib"))
	if os.IsExist(err) {
		return nil
	}
	return err
}

// merge moves a tree into another one; what is there already gives way, file
// by file.
func merge(from, to string) error {
	info, err := os.Lstat(from)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	there, err := os.Lstat(to)
	if err != nil || !info.IsDir() || !there.IsDir() {
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return err
		}
		return os.Rename(from, to)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := merge(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
