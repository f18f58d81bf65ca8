// Package media reads what vendors ship drivers in, as NVIDIA's MLNX_EN: a tree of
// packages, of sources and of programs and modules that are built, which comes as
// a directory, a tar file or the image of a CD. It says for which kernels such a
// tree has modules, and writes one that was changed.
//
// Terms:
//
//   - tree: the directory that holds it all. Its name tells product and version:
//     mlnx-en-5.2-1.0.4.0-rhel7.8-x86_64.
//   - package of modules: a binary package with modules in it. It is for the
//     kernels that its modules were built for; one whose scriptlets call weak-modules
//     or weak-modules2 (a KMP) is for those too that can load them.
//   - source: what modules are built from, see package kbuild.
package media

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/kmp"
	"modkeep/ko"
	"modkeep/loader"
)

// Package is a binary package of a tree.
type Package struct {
	*kmp.Package
	Rel     string           // its file below the tree, with slashes
	Modules []*loader.Module // what its modules say; those that cannot be read have Err
}

// maxModules bounds the modules of all packages of a tree, in bytes.
const maxModules = 2 << 30

// Packages reads the binary packages of the tree, sorted by their place in it.
// Links and packages of sources are passed over. One that cannot be read is an
// error that names it.
func (t *Tree) Packages() ([]*Package, error) {
	var list []*Package
	total := int64(0)
	err := t.walk(func(rel string, d fs.DirEntry) error {
		if !d.Type().IsRegular() || !isPackage(rel) {
			return nil
		}
		p, err := t.readPackage(rel, &total)
		if err == nil && p != nil {
			list = append(list, p)
		}
		return err
	})
	return list, err
}

func isPackage(name string) bool {
	ext := filepath.Ext(name)
	return ext == ".rpm" || ext == ".deb"
}

// readPackage reads a package; nil is one of sources. total is how many bytes of
// modules were read.
func (t *Tree) readPackage(rel string, total *int64) (*Package, error) {
	f, err := t.root.Open(rel)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	name := filepath.Join(t.given, filepath.FromSlash(rel))
	header, err := kmp.ReadHeader(name, f, info.Size())
	if err != nil || header.Source {
		return nil, err
	}
	p := &Package{Rel: rel}
	p.Package, err = kmp.Read(name, f, info.Size(), func(m *kmp.Module) error {
		data := m.Data
		if *total += int64(len(data)); *total > maxModules {
			return fmt.Errorf("more than %d bytes of modules", int64(maxModules))
		}
		if data == nil { // another name of one that was there
			return nil
		}
		p.Modules = append(p.Modules, loader.ReadFrom(rel+":"+m.Path, func() (*ko.Image, error) {
			return ko.NewImage(m.Path, bytes.NewReader(data), int64(len(data)))
		}))
		return nil
	})
	return p, err
}

// DKMS says whether the package brings sources that dkms builds where it is
// installed. It is no company for modules that are built.
func (p *Package) DKMS() bool {
	return slices.ContainsFunc(p.Extras, func(e kmp.Extra) bool { return e.Role == kmp.DKMS })
}

// Links says whether the package's scriptlets have its modules linked into
// kernels that they were not built for.
func (p *Package) Links() bool {
	return slices.ContainsFunc(p.Scripts, func(s kmp.Script) bool {
		return slices.Contains(s.Calls, "weak-modules") || slices.Contains(s.Calls, "weak-modules2")
	})
}

// For says whether the package, once installed, would offer its modules to a
// kernel.
func (p *Package) For(krel string) bool {
	return len(p.Modules) > 0 && (p.Links() || slices.Contains(p.Kernels(), krel))
}

// Of says whether the package has the modules of a source: by what it provides
// (NAME-kmod, NAME-kmp), by the package of sources that it was built from, or by
// its name in the forms that distributions have.
func (p *Package) Of(source string) bool {
	source = strings.ToLower(strings.ReplaceAll(source, "_", "-"))
	name := strings.ToLower(strings.ReplaceAll(p.Name, "_", "-"))
	for _, d := range p.Depends {
		if provided := strings.ToLower(strings.ReplaceAll(d.Name, "_", "-")); d.Relation == kmp.Provides && (provided == source+"-kmod" || provided == source+"-kmp") {
			return true
		}
	}
	built, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(p.SourceName, "_", "-")), "-"+strings.ReplaceAll(p.Version, "_", "-"))
	switch {
	case built == source, built == source+"-kmod":
		return true
	case name == source, name == "kmod-"+source, name == source+"-modules":
		return true
	}
	for _, krel := range p.Kernels() {
		krel = strings.ToLower(strings.NewReplacer("_", "-", "~", "-").Replace(krel))
		if name == "kmod-"+source+"-"+krel || name == source+"-modules-"+krel {
			return true
		}
	}
	return strings.HasPrefix(name, source+"-kmp-")
}

// Fit returns the packages that have modules for a kernel all of which it loads.
// They are judged as one set, as they would be installed together; refused says
// why a verdict counts as a refusal, "" where it does not.
func Fit(packages []*Package, t *loader.Target, krel string, refused func(*loader.Verdict) string) []*Package {
	var modules []*loader.Module
	var owners []*Package
	for _, p := range packages {
		if !p.For(krel) {
			continue
		}
		for _, m := range p.Modules {
			modules, owners = append(modules, m), append(owners, p)
		}
	}
	bad := map[*Package]bool{}
	for i, v := range t.Check(modules) {
		if v == nil || refused(v) != "" {
			bad[owners[i]] = true
		}
	}
	var list []*Package
	for _, p := range owners {
		if !bad[p] && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}

// Product is what the tree calls itself: by a package NAME-kernel-only or
// NAME-kernel-only-KREL, which requires the packages of modules.
func Product(packages []*Package) (name, version string, ok bool) {
	for _, p := range packages {
		if name, _, ok := strings.Cut(p.Name, "-kernel-only"); ok && name != "" && len(p.Modules) == 0 {
			return name, p.Version, true
		}
	}
	return "", "", false
}

// Name takes the name of a tree or of its file apart: product and version, which
// is "" where none is in it. What comes after the version, distribution and
// architecture, is left out, and so are what is no part of a package's name and
// the -ext of a tree that kernels were added to.
func Name(base string) (product, version string) {
	base = strings.TrimSuffix(base, "-ext")
	parts := strings.Split(base, "-")
	at := slices.IndexFunc(parts, startsWithDigit)
	if at <= 0 {
		return plain(base), ""
	}
	end := at
	for end < len(parts) && startsWithDigit(parts[end]) {
		end++
	}
	return plain(strings.Join(parts[:at], "-")), plain(strings.Join(parts[at:end], "-"))
}

func startsWithDigit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

// plain leaves of a text what names and versions of packages may have.
func plain(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', strings.ContainsRune("._+-", r):
			return r
		}
		return -1
	}, s), "._+-")
}

// Version is what packages of a format may have for the version that a source
// calls itself by. dkms takes any word; deb-version(7) wants a digit first, and
// neither format has all bytes: v1.2_rc1 becomes 1.2.rc1 in a .deb.
func Version(text string, format kmp.Format) string {
	others := "._+~^-"
	if format == kmp.Deb {
		others = ".+~-"
	}
	version := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune(others, r) {
			return r
		}
		return '.'
	}, text)
	if format != kmp.Deb || version == "" {
		return version
	}
	if at := strings.IndexAny(version, "0123456789"); at >= 0 {
		return version[at:]
	}
	return "0+" + version
}

// Extensions are those of the files that a tree comes in.
var Extensions = []string{".iso", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst", ".txz", ".tar"}

// Base is the name of a tree by that of the directory or file that it comes in.
func Base(name string) string {
	base := filepath.Base(name)
	for _, ext := range Extensions {
		if rest, ok := strings.CutSuffix(base, ext); ok && rest != "" {
			return rest
		}
	}
	return base
}

// Bump is the release of a package that takes the place of one with the release
// old and the same version: stamp, 12 digits of a date (202611221200), makes it
// newer, as --bump-kmp-version of MLNX's script does.
func Bump(old, stamp string) (string, error) {
	if len(stamp) != stampLen || strings.Trim(stamp, "0123456789") != "" {
		return "", errors.New("stamp: not 12 digits")
	}
	if i := strings.LastIndexByte(old, '.'); i >= 0 && len(old)-i-1 == stampLen && strings.Trim(old[i+1:], "0123456789") == "" {
		if old[i+1:] >= stamp { // twice within a minute, or a clock that was set back
			return old + ".1", nil
		}
		old = old[:i]
	}
	return old + "." + stamp, nil
}

const stampLen = 12
