package genksyms

import (
	"bufio"
	"io"
	"iter"
)

// Symbol is a symbol of a unit.
type Symbol struct {
	Kind       Kind
	Name       string
	Extern     bool // it was declared extern, which symtypes files say and versions do not
	Override   bool // the reference's definition stays
	Definition []Token
}

// Types gives the symbols that the exports reach, in the order of symtypes
// files: each after those that its definition reaches, as they were met first.
func (u *Unit) Types() iter.Seq[Symbol] {
	return func(yield func(Symbol) bool) {
		for _, i := range u.tab.visited {
			if !yield(u.tab.symbol(i)) {
				return
			}
		}
	}
}

// Lookup returns the symbol that a token of a kind names: for [Struct], [Union]
// and [Enum] any type of that name, for the others any function, variable,
// typedef or enumerator.
func (u *Unit) Lookup(k Kind, name string) (Symbol, bool) {
	i := u.tab.find(u.tab.texts.of([]byte(name)), k)
	if i == 0 {
		return Symbol{}, false
	}
	return u.tab.symbol(i), true
}

func (t *table) symbol(i uint32) Symbol {
	s := &t.symbols[i]
	sym := Symbol{Kind: s.kind, Name: string(t.texts.get(s.name)), Extern: s.extern, Override: s.override}
	for _, r := range s.definition {
		sym.Definition = append(sym.Definition, Token{r.kind(), string(t.texts.get(r.word()))})
	}
	return sym
}

// Expand returns the text that is hashed for a function, variable or typedef,
// and its CRC, at the end of the file. At the place of an export it may have
// been another, where types were declared after that.
func (u *Unit) Expand(name string) (text string, crc uint32, ok bool) {
	t := u.tab
	i := t.find(t.texts.of([]byte(name)), Normal)
	if i == 0 {
		return "", 0, false
	}
	var w textWriter
	t.dump = &w
	crc = t.expand(i)
	t.dump = nil
	return string(w), crc, true
}

type textWriter []byte

func (w *textWriter) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}

// WriteTypes writes a symtypes file of the exports: genksyms -T.
func (u *Unit) WriteTypes(w io.Writer) error {
	out := bufio.NewWriter(w)
	t := u.tab
	for _, i := range t.visited {
		s := &t.symbols[i]
		if s.override {
			out.WriteString("override ")
		}
		out.WriteString(s.kind.Prefix())
		out.Write(t.texts.get(s.name))
		out.WriteByte(' ')
		if s.extern && t.dialect.references {
			out.WriteString("extern ")
		}
		t.writeDefinition(out, s)
		out.WriteByte('\n')
	}
	return out.Flush()
}
