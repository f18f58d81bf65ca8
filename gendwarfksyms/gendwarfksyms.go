// Package gendwarfksyms computes the CRCs of exported symbols from the
// debugging information of object files, as the kernel's gendwarfksyms does
// (scripts/gendwarfksyms, Linux 6.14 and later; the version followed is 7.3).
// Kernels whose sources genksyms cannot read, such as those with Rust, take
// their symbol versions from it.
//
// Terms, after Documentation/kbuild/gendwarfksyms.rst:
//
//   - a DIE is an entry of .debug_info; the DIEs of a compilation unit are a tree
//   - the type string of a DIE is what --dump-dies prints: the DIE and all it
//     refers to in words, a structure written out at its first visit only
//   - a type reference stands for a named type in the type string of another:
//     s#NAME structure, u# union, e# enumeration, t# typedef, the name in single
//     quotes where it has a space
//   - the expansion of a type is its type string with the named types below it
//     as references: what a symtypes file holds
//   - the version of a symbol is the CRC-32 (IEEE) of its type string with every
//     reference replaced by its expansion at the first visit
//   - a kABI rule, in section .discard.gendwarfksyms.kabi_rules, hides a change
//     of a type from the version; with Options.Stable only
//
// Two DIEs of one object file may have the same reference and other expansions
// of the same length, as two functions' own structures may. The kernel's
// program then takes whichever comes first in a table that is ordered by memory
// addresses; here it is the first in the file.
package gendwarfksyms

import (
	"bufio"
	"fmt"
	"io"
)

// Options says what is done beside computing versions. The zero value is the
// program called without options.
type Options struct {
	Stable       bool      // --stable: kABI rules and __kabi_ members count
	Debug        bool      // --debug
	DumpDies     bool      // --dump-dies: type strings, as DIEs are visited
	DumpDieMap   bool      // --dump-die-map: what is remembered of each DIE
	DumpTypes    bool      // --dump-types: expansions, as they are found
	DumpVersions bool      // --dump-versions: type strings of symbols, as they are hashed
	Messages     io.Writer // gets warnings and what the options above print; nil for none
}

// Export is an exported symbol and its version.
type Export struct {
	Name  string
	CRC   uint32
	Known bool // false where no object file had a type for it; CRC is 0 then
}

// Error is an error that the kernel's program ends with, in its words.
type Error struct {
	Where string // the program's function that prints it
	Text  string
}

// Error returns the text as the program prints it behind its name.
func (e *Error) Error() string { return e.Where + ": " + e.Text }

func errorf(where, format string, args ...any) error {
	return &Error{where, fmt.Sprintf(format, args...)}
}

// Versions collects the versions of a list of symbols from object files.
type Versions struct {
	opt          Options
	out          *bufio.Writer
	symbols      symbols
	hits, misses uint32 // of what is remembered of DIEs, for Options.Debug
	maxVisits    int
}

// New reads the names of exported symbols, one a line, of which the first word
// counts. The error is an *Error where a line has none, else one of r.
func New(r io.Reader, opt Options) (*Versions, error) {
	if opt.Messages == nil {
		opt.Messages = io.Discard
	}
	opt.DumpDies = opt.DumpDies || opt.DumpDieMap
	v := &Versions{opt: opt, out: bufio.NewWriter(opt.Messages), maxVisits: maxVisits}
	defer v.out.Flush()
	if err := v.readExports(r); err != nil {
		return nil, err
	}
	v.debug("symbol_read_exports", "%d exported symbols", len(v.symbols.list))
	return v, nil
}

// Len returns the number of symbols.
func (v *Versions) Len() int { return len(v.symbols.list) }

// ReadObject reads an ELF file with DWARF 2 to 5 and gives a version to each
// symbol that has none yet and whose type the file knows. name stands for the
// file in messages. types, if it is not nil, gets the expansions of the types and
// symbols in the form of a symtypes file, sorted (--symtypes). The error is an *Error where the kernel's program has one
// for it, else it says what is wrong with the file or is one of r.
func (v *Versions) ReadObject(name string, r io.ReaderAt, size int64, types io.Writer) error {
	defer v.out.Flush()
	err := v.readObject(name, r, size, types)
	if err == nil {
		return nil
	}
	if _, ok := err.(*Error); ok {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

func (v *Versions) readObject(name string, r io.ReaderAt, size int64, types io.Writer) error {
	o, err := openObject(r, size)
	if err != nil {
		return err
	}
	if err := v.readSymtab(o); err != nil {
		return err
	}
	rules, err := v.readRules(o)
	if err != nil {
		return err
	}
	v.debug("process_module", "%s", name)
	d, err := o.dwarf()
	if err != nil {
		return err
	}
	w := &walk{v: v, d: d, rules: rules, typesTo: types}
	for _, u := range d.units {
		if err := w.unit(u); err != nil {
			return err
		}
	}
	return w.versions()
}

// Exports returns the symbols and their versions, in the order in which the
// kernel's program prints them, and warns of those without.
func (v *Versions) Exports() []Export {
	defer v.out.Flush()
	list := make([]Export, 0, len(v.symbols.list))
	for _, s := range v.symbols.order() {
		known := s.state == processed
		if !known {
			v.warn("symbol_print_versions", "no information for symbol %s", s.name)
		}
		list = append(list, Export{s.name, s.crc, known})
	}
	return list
}

func (v *Versions) debug(where, format string, args ...any) {
	if v.opt.Debug {
		v.say("", where, format, args...)
	}
}

func (v *Versions) warn(where, format string, args ...any) {
	v.say("warning: ", where, format, args...)
}

func (v *Versions) say(kind, where, format string, args ...any) {
	fmt.Fprintf(v.out, kind+"gendwarfksyms: "+where+": "+format+"\n", args...)
}
