package repo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"modkeep/kmp"
	"modkeep/pgp"
)

// ManifestSchema is the version of the manifest that is written, and the only one
// that is read. doc/format/channel-manifest.md describes it.
const ManifestSchema = 1

// Manifest is what a snapshot says of itself. Its JSON form is an interface.
type Manifest struct {
	Schema     int       `json:"schema"`
	Repository string    `json:"repository"` // Settings.Name
	Snapshot   int       `json:"snapshot"`
	Date       time.Time `json:"date"` // when it was made, UTC, whole seconds
	Key        string    `json:"key"`  // fingerprint of the OpenPGP key; empty for a repository that is not signed
	Packages   []Package `json:"packages"`
	Kernels    []Kernel  `json:"kernels"` // those that were judged; sorted by release
}

// Package is a package of a snapshot.
type Package struct {
	File    string     `json:"file"` // below the snapshot: pool/NAME
	Format  kmp.Format `json:"format"`
	Name    string     `json:"name"`
	Epoch   string     `json:"epoch,omitempty"`
	Version string     `json:"version"`
	Release string     `json:"release,omitempty"` // deb: the Debian revision
	Arch    string     `json:"arch"`
	SHA256  string     `json:"sha256"` // hex, lower case
	Size    int64      `json:"size"`   // bytes
}

// Kernel says what becomes of the repository's modules on one kernel.
type Kernel struct {
	Release string   `json:"release"` // uname -r
	Arch    string   `json:"arch"`    // uname -m
	Ready   bool     `json:"ready"`   // no required module is blocked
	Modules []Module `json:"modules"` // sorted by name
}

// Decision is what becomes of a module on a kernel.
type Decision string

// The decisions.
const (
	Linked  Decision = "linked"  // one built for another kernel loads: weak-updates link it
	Rebuilt Decision = "rebuilt" // one was built for this kernel, and loads
	Blocked Decision = "blocked" // none loads
)

// Module is a decision and its reason.
type Module struct {
	Name     string   `json:"name"` // with underscores
	Decision Decision `json:"decision"`
	Reason   string   `json:"reason"`
	Required bool     `json:"required"`
	Package  string   `json:"package,omitempty"`   // Package.File of the one that was judged
	Other    string   `json:"other,omitempty"`     // Package.File of one of the other format that has a build for the same kernel, which loads
	Path     string   `json:"path,omitempty"`      // of the module in it
	BuiltFor string   `json:"built_for,omitempty"` // krel
}

// EVR is epoch, version and release as the package manager prints them.
func (p Package) EVR() string {
	evr := p.Version
	if p.Release != "" {
		evr += "-" + p.Release
	}
	if p.Epoch != "" {
		evr = p.Epoch + ":" + evr
	}
	return evr
}

// maxManifest bounds a manifest, in bytes: some hundred thousand packages.
const maxManifest = 256 << 20

// Encode returns the manifest as it is published.
func (m *Manifest) Encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(m); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// ParseManifest reads a manifest. What a reader acts on (paths, digests) has the
// form that it must have, or it is an error.
func ParseManifest(data []byte) (*Manifest, error) {
	if len(data) > maxManifest {
		return nil, fmt.Errorf("manifest of %d bytes, and %d is the most", len(data), maxManifest)
	}
	m := &Manifest{}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, err
	}
	if m.Schema != ManifestSchema {
		return nil, fmt.Errorf("schema %d, and only %d is known", m.Schema, ManifestSchema)
	}
	if !validName.MatchString(m.Repository) || m.Snapshot < 1 {
		return nil, fmt.Errorf("repository %.80q, snapshot %d", m.Repository, m.Snapshot)
	}
	files := make(map[string]bool, len(m.Packages))
	for i, p := range m.Packages {
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("package %d: %w", i, err)
		}
		if files[p.File] {
			return nil, fmt.Errorf("package %d: %s is listed twice", i, p.File)
		}
		files[p.File] = true
	}
	for _, k := range m.Kernels {
		if err := k.check(files); err != nil {
			return nil, fmt.Errorf("kernel %.80q: %w", k.Release, err)
		}
	}
	return m, nil
}

func (p Package) check() error {
	if _, err := inPool(p.File); err != nil {
		return err
	}
	switch {
	case p.Format != kmp.RPM && p.Format != kmp.Deb || !strings.HasSuffix(p.File, "."+string(p.Format)):
		return fmt.Errorf("%s: format %.20q", p.File, p.Format)
	case len(p.SHA256) != 64 || strings.Trim(p.SHA256, "0123456789abcdef") != "":
		return fmt.Errorf("%s: digest %.80q", p.File, p.SHA256)
	case p.Name == "" || p.Version == "" || p.Arch == "" || p.Size < 0:
		return fmt.Errorf("%s: no name, version, architecture or size", p.File)
	}
	return nil
}

func (k Kernel) check(files map[string]bool) error {
	if k.Release == "" || strings.ContainsAny(k.Release, "/ \t\n") || k.Release[0] == '.' {
		return errors.New("no release of a kernel")
	}
	for _, m := range k.Modules {
		switch m.Decision {
		case Linked, Rebuilt, Blocked:
		default:
			return fmt.Errorf("module %.80q: decision %.20q", m.Name, m.Decision)
		}
		if m.Package != "" && !files[m.Package] || m.Package == "" && m.Decision != Blocked {
			return fmt.Errorf("module %.80q: its package %.200q is not listed", m.Name, m.Package)
		}
		if m.Other != "" && !files[m.Other] {
			return fmt.Errorf("module %.80q: its package %.200q is not listed", m.Name, m.Other)
		}
	}
	return nil
}

// NotReady returns the kernels that a required module cannot follow.
func (m *Manifest) NotReady() []string {
	var list []string
	for _, k := range m.Kernels {
		if !k.Ready {
			list = append(list, k.Release)
		}
	}
	return list
}

// For returns the packages that the modules for a kernel come from, by the
// manifest's decisions; where it did not judge a kernel of that release, all.
func (m *Manifest) For(krel string) []Package {
	i := slices.IndexFunc(m.Kernels, func(k Kernel) bool { return k.Release == krel })
	if i < 0 {
		return m.Packages
	}
	files := map[string]bool{}
	for _, module := range m.Kernels[i].Modules {
		for _, file := range []string{module.Package, module.Other} {
			files[file] = module.Decision != Blocked || files[file]
		}
	}
	return slices.DeleteFunc(slices.Clone(m.Packages), func(p Package) bool { return !files[p.File] })
}

// Find returns the packages that a pattern names: NAME, NAME-EVR or
// NAME=EVR, with or without .ARCH, or the name of the file. The epoch may be left
// out.
func (m *Manifest) Find(pattern string) []Package {
	var list []Package
	for _, p := range m.Packages {
		names := []string{p.Name, p.Name + "." + p.Arch, strings.TrimPrefix(p.File, poolName+"/")}
		for _, evr := range []string{p.EVR(), strings.TrimPrefix(p.EVR(), p.Epoch+":")} {
			names = append(names, p.Name+"-"+evr, p.Name+"="+evr, p.Name+"-"+evr+"."+p.Arch, p.Name+"="+evr+"."+p.Arch)
		}
		if slices.Contains(names, pattern) {
			list = append(list, p)
		}
	}
	return list
}

// ReadManifest reads a manifest from a file wherever it lies. Where there are
// trusted keys, the signature beside it, FILE.asc, has to be good at a time and by
// one of them (pgp.ErrUnknownKey); it is held against the file before that is
// read any further. With nil no signature is looked at.
func ReadManifest(file string, trusted *pgp.Ring, date time.Time) (*Manifest, error) {
	data, err := readBounded(file, maxManifest)
	if err != nil {
		return nil, err
	}
	if trusted != nil {
		signature, err := readBounded(file+".asc", maxSmall)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: not signed: there is no %s.asc", file, filepath.Base(file))
		} else if err != nil {
			return nil, err
		}
		if _, err := trusted.Verify(bytes.NewReader(data), signature, date); err != nil {
			return nil, fmt.Errorf("%s.asc: %w", file, err)
		}
	}
	m, err := ParseManifest(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}

// Manifest reads the manifest of snapshot n.
func (r *Repo) Manifest(n int) (*Manifest, error) {
	data, err := readBounded(r.snapshot(n, manifestName), maxManifest)
	if err != nil {
		return nil, err
	}
	m, err := ParseManifest(data)
	if err == nil && m.Snapshot != n {
		err = fmt.Errorf("is that of snapshot %d", m.Snapshot)
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot %d: %s: %w", n, manifestName, err)
	}
	return m, nil
}

// Path is the machine's path of a package of the repository.
func (r *Repo) Path(p Package) string { return r.at(filepath.FromSlash(p.File)) }
