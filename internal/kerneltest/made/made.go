// Package made writes kernel modules and whole roots with kernels for tests,
// from a few lines of text, and describes a tree so that two states of it can
// be compared.
//
// Terms:
//
//   - A made module is a relocatable ELF file with everything that modinfo,
//     modprobe, depmod and a kernel look at before they run it: .modinfo,
//     versions, undefined symbols, export tables with their CRCs, and
//     .gnu.linkonce.this_module. It has no code of its own.
//   - A form is how a kernel's age and architecture write something down: the
//     entries of an export table, and where its CRCs stand.
//   - A root is a directory laid out like / with kernels below lib/modules.
//
// What is written depends on the text alone: the same text gives the same
// bytes.
//
// # A module
//
// A module is one line: its path below the kernel's module directory, whose
// suffix says how it is packed, then symbols and settings in any order.
//
//	extra/foo/foo.ko.xz printk@a ?kfree@b +foo_do@77! license=GPL size=1088
//
//	printk@a         needs printk with CRC 0x0000000a
//	printk           needs it and has no version of it
//	?kfree@b         needs it weakly
//	+foo_do@77       exports it with that CRC; without @ it has none
//	+foo_do@77!      for GPL modules only
//	+foo_do@77(NS)   in the namespace NS
//
// module_layout is versioned as that of the kernel built for, unless the line
// names it. The settings:
//
//	arch=, release=, layout=CRC, size=  what the module was built for, where
//	                      that is not the kernel it lies under
//	flags=TEXT            vermagic behind the release: "SMP mod_unload "
//	vermagic=TEXT         all of it
//	crc=FORM              absolute, relative or section; see [CRCForm]
//	table=FORM            pointers or differences; see [TableForm]
//	versions=WHICH        plain, ext, both or none; see [Versions]
//	name=, license=, depends=, srcversion=, import_ns=, alias=, …
//	                      fields of .modinfo; an empty one is left out
//
// A value with blanks stands in double quotes: "flags=SMP mod_unload ".
// Several import_ns or alias may be given.
package made

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Symbol is a name that a module needs or exports, or that a kernel exports.
type Symbol struct {
	Name      string
	CRC       uint32
	Versioned bool // it has a CRC
	Weak      bool // needed, not missed
	GPL       bool // exported for GPL modules only
	Namespace string
}

// CRCForm says where a module keeps the CRCs of its exports.
type CRCForm string

const (
	Absolute CRCForm = "absolute" // values of absolute symbols __crc_X; to 5.18
	Relative CRCForm = "relative" // words in .rodata that __kcrctab points at; s390x and powerpc, 4.10 to 5.18
	Section  CRCForm = "section"  // numbers in __kcrctab; 5.19 and later
)

// TableForm says how the entries of __ksymtab are written.
type TableForm string

const (
	Pointers    TableForm = "pointers"
	Differences TableForm = "differences" // 32 bits from the field's own address; 4.19 and later
)

// Versions says which sections hold the CRCs of what a module needs.
type Versions string

const (
	Plain   Versions = "plain" // __versions
	Ext     Versions = "ext"   // __version_ext_crcs and __version_ext_names; 6.14 and later
	Both    Versions = "both"
	Neither Versions = "none"
)

// Field is one entry of .modinfo.
type Field struct{ Key, Value string }

// Build is what a module was built for, or a kernel was built as.
type Build struct {
	Release string // "5.14.0-70.el9.x86_64"
	Arch    string // as uname -m: x86_64, i686, aarch64, armv7l, ppc64le, ppc64, ppc, s390x
	Flags   string // vermagic behind the release, with its trailing blank
	Layout  uint32 // CRC of module_layout
	Size    int    // of struct module, in bytes
}

// The Build of a kernel whose text says nothing else.
const (
	defaultFlags  = "SMP preempt mod_unload modversions "
	defaultLayout = 0x10001
	defaultSize   = 896
)

// Default is what kernels are built as unless their text says otherwise. The
// architecture is what the release ends in, else x86_64.
func Default(release string) Build {
	b := Build{Release: release, Arch: "x86_64", Flags: defaultFlags, Layout: defaultLayout, Size: defaultSize}
	for _, m := range machines {
		if strings.Contains(release, m.name) {
			b.Arch = m.name
			break
		}
	}
	return b
}

// version is the release's first two numbers, as 514 for 5.14.
func (b Build) version() int {
	var major, minor int
	fmt.Sscanf(b.Release, "%d.%d", &major, &minor)
	return major*100 + min(minor, 99)
}

// Module is a module file to be written.
type Module struct {
	Path     string // below the module directory: extra/foo/foo.ko.xz
	Build    Build
	Vermagic string // "" for that of Build
	Needs    []Symbol
	Exports  []Symbol
	Info     []Field // of .modinfo, in their order; see fields
	CRCs     CRCForm
	Table    TableForm
	Versions Versions
}

// ParseModule reads a module's line. The module is built for b unless the line
// says otherwise. The error names the word that is wrong.
func ParseModule(line string, b Build) (*Module, error) {
	words, err := split(line)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 || Suffix(words[0]) == "" {
		return nil, fmt.Errorf("module %q: no .ko at its beginning", line)
	}
	m := &Module{Path: words[0], Build: b}
	settings := map[string]string{}
	for _, w := range words[1:] {
		if key, value, ok := strings.Cut(w, "="); ok {
			if err := m.set(key, value, settings); err != nil {
				return nil, fmt.Errorf("module %s: %s: %w", m.Path, w, err)
			}
			continue
		}
		exported := strings.HasPrefix(w, "+")
		s, err := ParseSymbol(strings.TrimPrefix(w, "+"))
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", m.Path, err)
		}
		if exported {
			m.Exports = append(m.Exports, s)
		} else {
			m.Needs = append(m.Needs, s)
		}
	}
	m.complete()
	return m, nil
}

// ParseSymbol reads one symbol as a module's or a kernel's line has it,
// without the + of an export.
func ParseSymbol(word string) (Symbol, error) {
	var s Symbol
	rest, ns, ok := strings.Cut(word, "(")
	if ok {
		if s.Namespace, ok = strings.CutSuffix(ns, ")"); !ok {
			return s, fmt.Errorf("symbol %s: ( without )", word)
		}
	}
	rest, s.Weak = strings.CutPrefix(rest, "?")
	rest, s.GPL = strings.CutSuffix(rest, "!")
	name, crc, ok := strings.Cut(rest, "@")
	if name == "" {
		return s, fmt.Errorf("symbol %q: no name", word)
	}
	s.Name = name
	if ok {
		n, err := strconv.ParseUint(crc, 16, 32)
		if err != nil {
			return s, fmt.Errorf("symbol %s: CRC %q is no number of 32 bits in base 16", word, crc)
		}
		s.CRC, s.Versioned = uint32(n), true
	}
	return s, nil
}

// set applies one setting.
func (m *Module) set(key, value string, seen map[string]string) (err error) {
	repeats := key == "import_ns" || key == "alias"
	if _, ok := seen[key]; ok && !repeats {
		return fmt.Errorf("given twice")
	}
	seen[key] = value
	switch key {
	case "vermagic":
		m.Vermagic = value
	case "crc":
		m.CRCs = CRCForm(value)
		return oneOf(m.CRCs, Absolute, Relative, Section)
	case "table":
		m.Table = TableForm(value)
		return oneOf(m.Table, Pointers, Differences)
	case "versions":
		m.Versions = Versions(value)
		return oneOf(m.Versions, Plain, Ext, Both, Neither)
	default:
		known, err := m.Build.set(key, value)
		if !known {
			m.Info = append(m.Info, Field{key, value})
		}
		return err
	}
	return nil
}

// set applies a setting of a build; known is false for another one.
func (b *Build) set(key, value string) (known bool, err error) {
	switch key {
	case "release":
		b.Release = value
	case "arch":
		b.Arch = value
		_, err = machineOf(value)
	case "flags":
		b.Flags = value
	case "layout":
		var n uint64
		n, err = strconv.ParseUint(value, 16, 32)
		b.Layout = uint32(n)
	case "size":
		b.Size, err = strconv.Atoi(value)
	default:
		return false, nil
	}
	return true, err
}

func oneOf[T ~string](value T, of ...T) error {
	if !slices.Contains(of, value) {
		return fmt.Errorf("none of %q", of)
	}
	return nil
}

// complete fills in the forms of the kernel that the module was built for.
func (m *Module) complete() {
	version := m.Build.version()
	if m.Versions == "" {
		m.Versions = Plain
	}
	if m.CRCs == "" {
		switch {
		case version >= 519:
			m.CRCs = Section
		case version >= 410 && (strings.HasPrefix(m.Build.Arch, "ppc") || m.Build.Arch == "s390x"):
			m.CRCs = Relative
		default:
			m.CRCs = Absolute
		}
	}
	if m.Table == "" {
		m.Table = Pointers
		if version >= 419 && (m.Build.Arch == "x86_64" || m.Build.Arch == "aarch64" || m.Build.Arch == "s390x") {
			m.Table = Differences
		}
	}
}

// Suffix is how the file's name ends: .ko, .ko.gz, .ko.xz or .ko.zst; "" for
// what is no module file.
func Suffix(name string) string {
	for _, s := range []string{".ko", ".ko.gz", ".ko.xz", ".ko.zst"} {
		if strings.HasSuffix(name, s) {
			return s
		}
	}
	return ""
}

// Name is the module's name: that of its file, as kbuild spells it.
func (m *Module) Name() string {
	for _, f := range m.Info {
		if f.Key == "name" {
			return f.Value
		}
	}
	base := path.Base(m.Path)
	return strings.ReplaceAll(strings.TrimSuffix(base, Suffix(base)), "-", "_")
}

// versions are what the module carries CRCs of, module_layout first.
func (m *Module) versions() []Symbol {
	layout := Symbol{Name: "module_layout", CRC: m.Build.Layout, Versioned: true}
	var list []Symbol
	for _, s := range m.Needs {
		switch {
		case s.Name == layout.Name:
			layout = s
		case s.Versioned:
			list = append(list, s)
		}
	}
	if layout.Versioned {
		list = slices.Insert(list, 0, layout)
	}
	return list
}

// split cuts a line into words at blanks outside double quotes.
func split(line string) ([]string, error) {
	var words []string
	for line = strings.TrimLeft(line, " \t"); line != ""; line = strings.TrimLeft(line, " \t") {
		end := strings.IndexAny(line, " \t")
		if line[0] == '"' {
			line = line[1:]
			if end = strings.IndexByte(line, '"'); end < 0 {
				return nil, fmt.Errorf("line %q: quote without end", line)
			}
			words, line = append(words, line[:end]), line[end+1:]
			continue
		}
		if end < 0 {
			end = len(line)
		}
		words, line = append(words, line[:end]), line[end:]
	}
	return words, nil
}
