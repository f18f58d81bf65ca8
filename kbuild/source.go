package kbuild

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/internal/pattern"
	"modkeep/internal/regular"
	"modkeep/kbuild/dkms"
)

// Source is what modules are made from.
type Source struct {
	Name    string
	Version string // "" where nothing tells
	Dir     string // its files, on this machine; they are not changed
	Given   string // what it was found in, as it was named
	// Needs are names of sources whose modules this one's use: what dkms.conf
	// says, and what FindNeeds found.
	Needs []string
	// DestDir is where its modules are installed below a kernel's module
	// directory, where no dkms.conf says.
	DestDir string

	conf    []byte          // dkms.conf; nil for a plain Kbuild directory
	exports map[string]bool // symbols, once scan has read them
}

// String names the source as a package: NAME-VERSION.
func (s *Source) String() string {
	if s.Version == "" {
		return s.Name
	}
	return s.Name + "-" + s.Version
}

// errNoSource is a directory from which nothing can be built.
var errNoSource = errors.New("neither a dkms.conf nor a Kbuild file or a Makefile with obj-m is there")

const maxConf = 1 << 20

// OpenSource takes a directory for the source of modules: one with a dkms.conf,
// else one with a Kbuild file or a Makefile that sets obj-m.
func OpenSource(dir, given string) (*Source, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &Source{Dir: dir, Given: given, DestDir: "extra"}
	if s.conf, err = regular.Read(filepath.Join(dir, "dkms.conf"), maxConf); err == nil {
		return s, s.identify()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", given, err)
	}
	for _, name := range []string{"Kbuild", "Makefile", "makefile", "GNUmakefile"} {
		text, err := regular.Read(filepath.Join(dir, name), maxConf)
		if err == nil && (name == "Kbuild" || objM.MatchString(string(text))) {
			if base := filepath.Base(dir); strings.ContainsAny(base, notForMake) {
				return nil, fmt.Errorf("%s: %q is not a name that make can use", given, base)
			}
			s.Name, s.Version = splitVersion(filepath.Base(dir))
			return s, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", given, errNoSource)
}

var objM = pattern.New(`(?m)^\s*obj-(m|\$[({]\w+[)}])\s*[:+]?=`)

// identify takes name and version from the dkms.conf.
func (s *Source) identify() error {
	conf, err := dkms.Identify(dkms.Text{Name: filepath.Join(s.Given, "dkms.conf"), Data: s.conf})
	if err != nil {
		return err
	}
	s.Name, s.Version, s.Needs = conf.Name, conf.Version, conf.Depends
	// dkms builds NAME-VERSION by these names, whatever the file says: in some the
	// version was never put in for "#MODULE_VERSION#".
	if version, ok := strings.CutPrefix(filepath.Base(s.Dir), s.Name+"-"); ok && strings.ContainsAny(s.Version, notForMake) {
		s.Version = version
	}
	if name := s.String(); strings.ContainsAny(name, notForMake) {
		return fmt.Errorf("%s: %q is not a name that make can use", s.Given, name)
	}
	return nil
}

// splitVersion takes a directory's name apart: "foo-1.2" is foo, 1.2.
func splitVersion(base string) (name, version string) {
	for i := len(base) - 1; i > 0; i-- {
		if base[i] == '-' && i+1 < len(base) && base[i+1] >= '0' && base[i+1] <= '9' {
			name, version = base[:i], base[i+1:]
		}
	}
	if name == "" {
		return base, ""
	}
	return name, version
}

// DKMS says whether the source has a dkms.conf.
func (s *Source) DKMS() bool { return s.conf != nil }

var (
	exported   = pattern.New(`\bEXPORT_SYMBOL(?:_GPL|_NS|_NS_GPL|_FOR_MODULES|_GPL_FOR_MODULES)?\s*\(\s*([A-Za-z_]\w*)`)
	directive  = pattern.New(`(?m)^[ \t]*#(?:[^\\\n]|\\(?s:.))*`) // #define EXPORT_SYMBOL(x) exports no x
	identifier = pattern.New(`[A-Za-z_]\w*`)
)

// scan reads which symbols the source's files export.
func (s *Source) scan() error {
	s.exports = map[string]bool{}
	return s.eachText(func(text []byte) {
		if !bytes.Contains(text, []byte("EXPORT_SYMBOL")) {
			return
		}
		code := directive.ReplaceAllString(string(text), "")
		for _, m := range exported.FindAllSubmatch([]byte(code), -1) {
			s.exports[string(m[1])] = true
		}
	})
}

// eachText calls f for the text of each C and assembler file.
func (s *Source) eachText(f func(text []byte)) error {
	return visit(s.Dir, func(name string, info fs.FileInfo) error {
		if !info.Mode().IsRegular() || info.Size() > 8<<20 || !slices.Contains([]string{".c", ".h", ".S"}, filepath.Ext(name)) {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(s.Dir, name))
		if err == nil {
			f(text)
		}
		return err
	})
}

// FindNeeds adds to each source's Needs the sources that export what its files
// mention and what it does not export itself. Where that would make a circle,
// the newer half of it is left out. It returns a line for each that it found.
func FindNeeds(sources []*Source) ([]string, error) {
	if len(sources) < 2 {
		return nil, nil
	}
	exporters := map[string][]*Source{}
	for _, s := range sources {
		if err := s.scan(); err != nil {
			return nil, err
		}
		for name := range s.exports {
			exporters[name] = append(exporters[name], s)
		}
	}
	if len(exporters) == 0 {
		return nil, nil
	}
	var lines []string
	for _, s := range sources {
		found := map[string]string{} // provider: a symbol
		err := s.eachText(func(text []byte) {
			for _, word := range identifier.FindAll(text, -1) {
				for _, p := range exporters[string(word)] {
					if p != s && !s.exports[string(word)] && found[p.Name] == "" {
						found[p.Name] = string(word)
					}
				}
			}
		})
		if err != nil {
			return nil, err
		}
		for _, p := range sources {
			if symbol := found[p.Name]; symbol != "" && !slices.Contains(s.Needs, p.Name) && !reaches(sources, p, s.Name) {
				s.Needs = append(s.Needs, p.Name)
				lines = append(lines, fmt.Sprintf("%s uses what %s exports (%s)", s.Name, p.Name, symbol))
			}
		}
	}
	return lines, nil
}

// reaches says whether a source needs another one, directly or not.
func reaches(sources []*Source, from *Source, name string) bool {
	seen := map[string]bool{}
	var walk func(s *Source) bool
	walk = func(s *Source) bool {
		if s.Name == name {
			return true
		}
		if seen[s.Name] {
			return false
		}
		seen[s.Name] = true
		for _, need := range s.Needs {
			for _, p := range sources {
				if p.Name == need && walk(p) {
					return true
				}
			}
		}
		return false
	}
	return walk(from)
}

// circles refuses sources that need one another.
func circles(sources []*Source) error {
	for _, s := range sources {
		for _, need := range s.Needs {
			for _, p := range sources {
				if p.Name == need && reaches(sources, p, s.Name) {
					return fmt.Errorf("%s needs %s, which needs %s", s.Name, p.Name, s.Name)
				}
			}
		}
	}
	return nil
}
