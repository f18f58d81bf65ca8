// Package genksyms computes the version of an exported kernel symbol, its CRC,
// from preprocessed C, as the kernel's program of that name does: the same
// value for the same text, in the way of any kernel from 2.4 on.
//
// Terms:
//
//   - A declaration is what stands up to a semicolon (or a function's body) at
//     file level. It gives symbols their definitions.
//   - A symbol is a name of a [Kind] with its definition: the declaration's
//     tokens without storage class, parameter names and initializer. Structs,
//     unions and enums have names of their own; functions, variables, typedefs
//     and enumerators share one set of names.
//   - A token of a definition may name another symbol; its kind says which.
//   - To expand an export is to write its definition down and put for every
//     name in it, the first time it comes, that symbol's definition. The CRC-32
//     (the polynomial of zlib) of that text, every token followed by one space,
//     is the version. [Unit.Expand] gives the text.
//   - A phrase is a run of tokens that the grammar does not look into: an
//     attribute, an asm, an array bound, a function's body, an initializer.
//   - An era is one of five ways of doing it that give different versions for
//     the same C; a [Dialect] is an era with the keywords of one kernel.
//   - The source file is the one that the first line marker names. A struct,
//     union or enum whose body stands there is private to it and counts as
//     unknown (from 2.6.39 on).
//
// What is accepted, and how the reading goes on after an error in the text,
// follows the kernel's grammar (scripts/genksyms/parse.y) and Bison's rules of
// recovery; both show in versions, since real kernels are full of text that
// the grammar does not know.
package genksyms

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// Kind says what a symbol is, and as part of a token what the token names.
type Kind uint8

// Kinds of symbols. A plain token of a definition is of kind Normal too.
const (
	Normal    Kind = iota // a function, a variable
	Typedef               // t# in symtypes files
	Enum                  // e#
	Struct                // s#
	Union                 // u#
	EnumConst             // E#: an enumerator, from 2.6.39 on
)

var kindNames = [...]string{"", "typedef", "enum", "struct", "union", "enum constant"}

// String returns the word that the kind has in expansions and messages; empty
// for Normal.
func (k Kind) String() string { return kindNames[k] }

var kindPrefixes = [...]string{"", "t#", "e#", "s#", "u#", "E#"}

// Prefix returns what marks the kind in symtypes files, such as "s#".
func (k Kind) Prefix() string { return kindPrefixes[k] }

// Token is one token of a definition.
type Token struct {
	Kind Kind // Normal: stands for itself
	Text string
}

// Export is one exported symbol with its version.
type Export struct {
	Name string
	CRC  uint32
}

// Options say how to read a file. The zero value but for the Dialect reads
// silently.
type Options struct {
	Dialect   Dialect
	Reference io.Reader    // symtypes to compare with, read before the file; may be nil
	Preserve  bool         // changes against the reference are errors; overridden types keep it
	Warnings  bool         // say what is wrong with the text
	Defs      bool         // say each definition as it is recorded
	Dump      bool         // say each expansion
	Columns   bool         // messages have file, line and column; the kernel's program has no column
	Messages  io.Writer    // takes all that is said; nil: nothing is
	Exported  func(Export) // called for each export, in order; may be nil
}

// Unit is a file that was read: its symbols and what was exported.
type Unit struct {
	Exports []Export
	// Errors counts what was wrong: with Warnings every message, with Preserve
	// every change. The kernel's program ends with status 1 unless it is 0.
	Errors int

	tab *table
}

// ErrTooBig is the error of a file that asks for more room or more work than
// any kernel's.
var ErrTooBig = errors.New("more than is read of one file")

// Parse reads preprocessed C. Text that is no C makes it skip declarations,
// never fail, as the kernel's program does; errors are of reading, of a
// reference that makes no sense, or [ErrTooBig].
func Parse(r io.Reader, opt Options) (*Unit, error) {
	out := opt.Messages
	if out == nil {
		out = io.Discard
		opt.Warnings, opt.Defs, opt.Dump = false, false, false
	}
	say := bufio.NewWriter(out)
	p := newParser(r, opt, say)
	if opt.Reference != nil {
		if err := p.tab.readReference(opt.Reference); err != nil {
			say.Flush()
			return nil, fmt.Errorf("read reference: %w", err)
		}
	}
	p.run()
	unit := &Unit{Exports: p.tab.exports, Errors: p.tab.errors, tab: p.tab}
	if opt.Defs {
		p.tab.sayOccupancy()
	}
	err := say.Flush()
	switch {
	case p.lex.failed != nil:
		return unit, p.lex.failed
	case p.tab.failed != nil:
		return unit, p.tab.failed
	}
	return unit, err
}
