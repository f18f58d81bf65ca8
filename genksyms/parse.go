package genksyms

import (
	"bufio"
	"io"
)

// parser reads declarations by recursive descent. It does what an LALR parser
// does with the kernel's grammar, in the places where that can be seen:
//
//   - A token is read when the grammar has to know it and no earlier, since
//     what a token is depends on what was declared before it was read.
//   - After an error the text is skipped up to what ends the innermost
//     construct that has a way to go on: see [parser.recover].
//
// Each function that reads a construct returns false after an error; then
// those that called it return too, up to one that can recover.
type parser struct {
	lex     *lexer
	tab     *table
	dialect *Dialect

	token kind // the one to come
	place at   // after it
	have  bool // it was read

	calm    int  // tokens until errors are spoken of again
	aborted bool // the text ended within an error

	isTypedef, isExtern bool
	name                word  // that the declaration gives; 0: none yet
	spec                int32 // last token of the last specifier: what the next declarator begins with
	ownSpec             int32 // the same, of the declaration itself
	nested              int   // open braces and brackets of the construct under way
	list                []ref
}

// maxNesting is how deep constructs may be within each other. Bison's parsers
// have room for 10,000 states.
const maxNesting = 9900

func newParser(r io.Reader, opt Options, say *bufio.Writer) *parser {
	p := &parser{dialect: &opt.Dialect}
	t := &table{texts: newTexts(), dialect: p.dialect, say: say, opt: &opt, symbols: make([]symbol, 1, 1024)}
	p.tab = t
	p.lex = &lexer{scanner: newScanner(r), tab: t, dialect: p.dialect, kinds: reserved(p.dialect)}
	p.lex.vectors = p.dialect.Era >= G4
	p.lex.forget()
	t.lex = p.lex
	return p
}

// run reads the whole text.
func (p *parser) run() {
	for first := true; first || p.peek() != end; first = false {
		p.declaration()
		if p.aborted {
			return
		}
		p.lex.forget()
	}
}

// peek returns the kind of the next token.
func (p *parser) peek() kind {
	if !p.have {
		p.lex.insideNested = p.nested > 0
		p.token, p.place = p.lex.lex()
		p.have = true
	}
	return p.token
}

// shift takes the next token and returns the place after it.
func (p *parser) shift() at {
	p.peek()
	p.have = false
	if p.calm > 0 {
		p.calm--
	}
	return p.place
}

// expect takes a token of a kind.
func (p *parser) expect(k kind) (at, bool) {
	if p.peek() != k {
		return 0, p.fault()
	}
	return p.shift(), true
}

// fault is an error at the next token. It is not spoken of when the last one
// is less than three tokens away, and when none was taken since, the token is
// dropped: so recovery gets on.
func (p *parser) fault() bool {
	switch p.calm {
	case 0:
		p.tab.complain("syntax error")
	case 3:
		if p.peek() == end {
			p.aborted = true
		}
		p.have = false
	}
	p.calm = 3
	return false
}

// recover goes on after an error within a construct that began at a nesting
// depth: it drops tokens up to one of two kinds, takes that and returns it.
func (p *parser) recover(depth int, a, b kind) (kind, at, bool) {
	p.nested = depth
	for !p.aborted {
		if k := p.peek(); k == a || k == b {
			return k, p.shift(), true
		}
		p.fault()
	}
	return end, 0, false
}

// enter goes into a construct within another.
func (p *parser) enter() bool {
	if p.nested++; p.nested > maxNesting {
		p.tab.complain("memory exhausted")
		p.aborted = true
		return false
	}
	return true
}

// last is the last token kept before a place.
func (p *parser) last(e at) int32 { return p.lex.before[e] }

// drop takes the last token before a place out.
func (p *parser) drop(e at) {
	if n := p.last(e); n != none {
		p.lex.before[e] = p.lex.before[n]
	}
}

// mark says what the last token before a place names.
func (p *parser) mark(e at, k Kind) {
	if n := p.last(e); n != none {
		p.lex.row[n].kind = k
	}
}

// tokens returns the definition that ends with token n and begins after token
// stop (none: at the front).
func (p *parser) tokens(n, stop int32) []ref {
	p.list = p.list[:0]
	for ; n != stop && n != none; n = p.lex.before[n] {
		t := p.lex.row[n]
		p.list = append(p.list, refTo(t.word, t.kind))
	}
	for i, j := 0, len(p.list)-1; i < j; i, j = i+1, j-1 {
		p.list[i], p.list[j] = p.list[j], p.list[i]
	}
	return p.list
}

// declaration reads one declaration at file level.
func (p *parser) declaration() {
	p.isTypedef, p.isExtern, p.name, p.spec, p.nested = false, false, 0, none, 0
	if !p.declaration1() && !p.aborted {
		p.recover(0, ';', '}')
	}
}

func (p *parser) declaration1() bool {
	switch k := p.peek(); {
	case k == kwExtension:
		p.shift()
		if _, ok := p.expect(kwTypedef); !ok {
			return false
		}
		p.isTypedef = true
		return p.simple()
	case k == kwTypedef:
		p.shift()
		p.isTypedef = true
		return p.simple()
	case k == asmPhrase || k == assertPhrase:
		p.shift()
		_, ok := p.expect(';')
		return ok
	case k == kwExport:
		return p.export()
	case p.startsSpecifier(k) || k == ident || k == ';' || k == '(' || k == '*':
		return p.simple()
	}
	return p.fault()
}

// export reads the marker that EXPORT_SYMBOL leaves.
func (p *parser) export() bool {
	p.shift()
	if _, ok := p.expect('('); !ok {
		return false
	}
	e, ok := p.expect(ident)
	if !ok {
		return false
	}
	name := p.lex.row[p.last(e)].word
	if _, ok := p.expect(')'); !ok {
		return false
	}
	if _, ok := p.expect(';'); !ok {
		return false
	}
	p.tab.export(name)
	return true
}

// simple reads specifiers and what they declare, or a function with its body.
func (p *parser) simple() bool {
	if !p.specifiers() {
		return false
	}
	p.ownSpec = p.spec
	if k := p.peek(); k == ident || k == typeName || k == '(' || k == '*' {
		body, ok := p.declarators()
		if !ok || body {
			return ok
		}
	}
	e, ok := p.expect(';')
	if !ok {
		return false
	}
	if p.name != 0 {
		p.define(p.lex.before[p.last(e)])
	}
	p.lex.noTypes = false
	return true
}

// define records what the declaration gives the name.
func (p *parser) define(n int32) {
	k := Normal
	if p.isTypedef {
		k = Typedef
	}
	if p.name != 0 {
		p.tab.add(p.name, k, p.tokens(n, none), p.isExtern)
	}
	p.name = 0
}

// declarators reads what stands between the specifiers and the semicolon, or a
// function's declarator and its body.
func (p *parser) declarators() (body, ok bool) {
	comma, first := at(none), true
	for {
		e, ok := p.declarator()
		if !ok {
			return false, false
		}
		if first && !p.isTypedef && p.peek() == bracePhrase {
			p.shift()
			p.define(p.last(e))
			return true, true
		}
		if e, ok = p.afterDeclarator(e); !ok {
			return false, false
		}
		p.declared(e, comma)
		p.lex.noTypes = p.dialect.Era >= G4
		if p.peek() != ',' {
			return false, true
		}
		first = false
		comma = p.shift()
		if p.dialect.Era >= G4 {
			p.attributes()
		}
	}
}

// declared records the declarator that ends at e. The one after a comma begins
// with the specifiers of the first.
func (p *parser) declared(e, comma at) {
	n := p.last(e)
	p.lex.before[e] = none
	if comma >= 0 {
		spec := p.spec
		if spec >= comma {
			// The last specifier is one of the declarator's own parameters. The
			// kernel's program makes a circle of the tokens here and never ends.
			spec = p.ownSpec
		}
		p.lex.before[comma] = spec
	}
	p.define(n)
}

// afterDeclarator reads asm, attributes and initializer, and returns where the
// definition ends.
func (p *parser) afterDeclarator(e at) (at, bool) {
	if p.peek() == asmPhrase {
		e = p.shift()
	}
	if a := p.attributes(); a != none {
		e = a
	}
	if p.peek() != '=' {
		return e, true
	}
	sign := p.shift()
	e, ok := p.expect(expressionPhrase)
	if !ok {
		return 0, false
	}
	p.lex.before[e] = p.lex.before[p.last(sign)]
	return e, true
}

// attributes reads any number of attributes (before 2.6.25 one at most) and
// returns where the last that counts ends: none does in G1 to G3.
func (p *parser) attributes() at {
	e := at(none)
	for p.peek() == attributePhrase {
		a := p.shift()
		switch {
		case p.dialect.Era == G0:
			return a
		case p.dialect.Era >= G4:
			e = a
		}
	}
	return e
}
