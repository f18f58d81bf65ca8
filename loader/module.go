package loader

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"modkeep/ko"
	"modkeep/ko/elf"
	"modkeep/ko/modinfo"
	"modkeep/ko/modsig"
)

// Module is what load_module looks at in one file. It is read once and judged
// for any number of kernels; nothing in it depends on a kernel.
type Module struct {
	Path        string
	Name        string // modinfo's name=, else struct module's, else the file's
	Compression ko.Compression
	Info        modinfo.Info

	// Err is why the file could not be read at all: no verdict is possible.
	Err error

	// AsShipped is a kernel's own file in its own tree, which was not asked for
	// by name: on that kernel its signature is taken to be good.
	AsShipped bool

	// reopen opens the module's bytes again where Path is not a file: in a
	// package.
	reopen func() (*ko.Image, error)

	structName string // mod->name
	size       int64  // bytes after decompression, signature included
	marker     bool   // the signature marker stands at the end
	trailer    *modsig.Trailer
	header     elf.Header
	headerErr  error
	sections   []elf.Section
	tables     tableFacts
	imports    []importSymbol
	layout     layoutVersions
	hasBTF     bool
	legacy     bool // of 2.4 or older: insmod links it
	versions   bool // an allocated __versions section
	extCRCs    bool // an allocated __version_ext_crcs section
	extNames   bool
	exports    []ko.Export
	fault      *relocFault
	parseErr   error // the file is ELF, but what the loader needs could not be read
}

// tableFacts is what the ELF checks ask of the string and symbol tables.
type tableFacts struct {
	namesTerminated  bool // .shstrtab ends in NUL
	stringsLead      bool // the symbol string table begins with NUL
	stringsTerminate bool
	symbolNameOut    bool   // a symbol's name lies outside the string table
	lastName         uint64 // where in the file the last symbol's name begins
}

// importSymbol is an entry of the symbol table that simplify_symbols has
// something to say of, in the table's order.
type importSymbol struct {
	name    string
	crc     uint64
	extCRC  uint64
	hasCRC  bool
	hasExt  bool
	weak    bool
	section uint16 // SHN_UNDEF, SHN_COMMON, or one that does not exist
}

// layoutVersions holds the module's own versions of the symbol that stands for
// struct module, under its old and its new name.
type layoutVersions struct {
	structModule, moduleLayout, ext version
}

type version struct {
	crc uint64
	has bool
}

// relocFault is the first relocation that the file's architecture refuses.
type relocFault struct {
	section, index int
	rtype          uint32
	nonZero        bool // the target holds a value already; else the type is unknown
	rel            bool // SHT_REL on an architecture that has only SHT_RELA
}

// Read reads a module file. What is wrong with its contents is kept for the
// verdict; only what prevents any verdict (no such file, a broken compressed
// stream) is in Module.Err.
func Read(path string) *Module {
	m := &Module{Path: path}
	im, err := ko.OpenImage(path)
	if err != nil {
		m.Err = err
		m.Compression = ko.CompressionOf(headOf(path, 6))
		return m
	}
	defer im.Close()
	m.ReadImage(im)
	return m
}

// headOf returns the first n bytes of a regular file, fewer where it is shorter
// or cannot be read.
func headOf(path string, n int) []byte {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, n)
	n, _ = io.ReadFull(f, head)
	return head[:n]
}

// ReadImage reads a module from its decompressed bytes. The image is not kept.
func (m *Module) ReadImage(im *ko.Image) {
	m.Path, m.Compression, m.size = im.Path, im.Compression, im.Size
	if m.trailer, m.marker, m.Err = findSignature(im); m.Err != nil {
		return
	}
	if m.header, m.headerErr = elf.ReadHeader(im, im.Size); m.headerErr != nil {
		return
	}
	f, err := ko.Parse(im)
	if err != nil {
		m.parseErr = err
		return
	}
	m.sections = f.Sections
	m.Info = f.Info
	m.Name = f.Name()
	m.legacy = f.Legacy()
	m.hasBTF = f.HasBTF()
	m.readStructName(f)
	if err := m.readTables(f); err != nil {
		m.parseErr = err
	}
}

// findSignature returns the signature's trailer, and whether the marker is
// there at all: a marker with a broken trailer is for the signature step.
func findSignature(im *ko.Image) (*modsig.Trailer, bool, error) {
	t, err := modsig.Find(im, im.Size)
	if err != nil && !errors.Is(err, modsig.ErrBadMessage) {
		return nil, false, err
	}
	return t, t != nil || err != nil, nil
}

// readStructName reads mod->name, which may differ from modinfo's name=.
func (m *Module) readStructName(f *ko.File) {
	if s := f.Section(".gnu.linkonce.this_module"); s != nil {
		if data, err := f.Data(s); err == nil {
			m.structName = structName(&f.Header, data)
		}
	}
}

// open opens the module's bytes again.
func (m *Module) open() (*ko.Image, error) {
	if m.reopen != nil {
		return m.reopen()
	}
	return ko.OpenImage(m.Path)
}

// Open opens the module's file again, for what is not judged here.
func (m *Module) Open() (*ko.File, error) {
	im, err := m.open()
	if err != nil {
		return nil, err
	}
	f, err := ko.Parse(im)
	if err != nil {
		im.Close()
	}
	return f, err
}

// ReadFrom reads a module whose bytes are not in a file of their own, such as
// one in a package. open may be called again while verdicts are made.
func ReadFrom(path string, open func() (*ko.Image, error)) *Module {
	m := &Module{Path: path, reopen: open}
	im, err := open()
	if err != nil {
		m.Err = err
		return m
	}
	defer im.Close()
	m.ReadImage(im)
	m.Path = path
	return m
}

// allocated returns the section find_sec() would find: only sections with
// SHF_ALLOC count.
func (m *Module) allocated(name string) *elf.Section {
	for i := range m.sections {
		s := &m.sections[i]
		if s.Flags&elf.SHF_ALLOC != 0 && s.Name == name {
			return s
		}
	}
	return nil
}

// readTables reads symbols, versions, exports and relocations.
func (m *Module) readTables(f *ko.File) error {
	if i := int(m.header.Shstrndx); i < len(f.Sections) {
		b, err := f.Data(&f.Sections[i])
		m.tables.namesTerminated = err == nil && len(b) > 0 && b[len(b)-1] == 0
	}
	symtab := f.Symtab()
	if symtab == nil {
		return nil
	}
	if i := int(symtab.Link); i < len(f.Sections) {
		b, err := f.Data(&f.Sections[i])
		if err == nil && len(b) > 0 {
			m.tables.stringsLead, m.tables.stringsTerminate = b[0] == 0, b[len(b)-1] == 0
		}
	}
	syms, err := f.Table()
	if err != nil {
		return err
	}
	r := rooms.Get().(*room)
	defer rooms.Put(r)
	if err := m.collectImports(f, syms, r); err != nil {
		return err
	}
	m.readVersions(f, r)
	if m.exports, err = f.Exports(); err != nil {
		return err
	}
	m.fault, err = findRelocFault(f, r)
	return err
}

// Imports calls yield for each undefined symbol in the symbol table's order.
func (m *Module) Imports(yield func(symbol string, weak bool) bool) {
	for i := range m.imports {
		if s := &m.imports[i]; s.section == elf.SHN_UNDEF && !yield(s.name, s.weak) {
			return
		}
	}
}

// Exports returns the symbols that the module gives to others.
func (m *Module) Exports() []ko.Export { return m.exports }

// modname returns the name by which other modules and modprobe know it.
func (m *Module) modname() string {
	if m.Name != "" {
		return strings.ReplaceAll(m.Name, "-", "_")
	}
	return ko.NameFromPath(m.Path)
}

func (m *Module) String() string { return fmt.Sprintf("%s (%s)", m.Path, m.modname()) }
