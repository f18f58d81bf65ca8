package genksyms

import "fmt"

// at is a place between two tokens of a declaration: the number of tokens read
// before it. The grammar hands places around: what it calls the value of a
// phrase is the place where the phrase ends.
type at = int32

// none is no token.
const none = -1

// lexer makes the grammar's tokens of those of the scanner: it knows keywords
// and typedef names and swallows phrases. It holds the row of tokens of the
// declaration under way. Tokens are taken out of a declaration, not out of the
// row: each place knows the last token before it that is kept, and each token
// the place before itself.
type lexer struct {
	*scanner
	tab     *table
	dialect *Dialect
	kinds   []kind // of keywords

	row    []token
	before []int32 // by place: the last token kept before it

	expression   bool // the text after '=' or ':' comes next
	plainNames   int  // tokens for which no typedef name is looked up
	wantBody     int  // tokens for which '{' opens members, not a phrase
	afterEnum    int  // tokens since which enum was read, before G2
	noTypes      bool // G4: the grammar takes no type here
	insideNested bool // phrases are part of what is kept
}

// token is one of the row.
type token struct {
	word word
	kind Kind
	own  bool // stands in the source file
}

// maxRow is the most tokens of a declaration.
const maxRow = 1 << 20

// forget empties the row.
func (l *lexer) forget() {
	l.row = l.row[:0]
	l.before = append(l.before[:0], none)
}

// keep puts the last token of the scanner into the row.
func (l *lexer) keep(k kind) word {
	switch {
	case k < 0 || k < 256 && k != end:
		return l.keepWord(word(uint8(k)), Normal)
	case k != ident:
		return l.keepWord(l.tab.texts.of(cutNUL(l.text())), Normal)
	}
	w := l.tab.texts.hashed(l.text(), l.hash)
	if l.dialect.Era >= G2 && l.tab.is(w, EnumConst) {
		return l.keepWord(w, EnumConst)
	}
	return l.keepWord(w, Normal)
}

// cutNUL ends a text where a C string would.
func cutNUL(s []byte) []byte {
	for i, c := range s {
		if c == 0 {
			return s[:i]
		}
	}
	return s
}

func (l *lexer) keepWord(w word, k Kind) word {
	if len(l.row) >= maxRow || len(l.tab.texts.hashes) > maxWords {
		l.end(fmt.Errorf("declarations of so many tokens: %w", ErrTooBig))
		return w
	}
	l.row = append(l.row, token{w, k, l.own})
	l.before = append(l.before, int32(len(l.row)-1))
	return w
}

// lex returns the next token of the grammar and the place after it.
func (l *lexer) lex() (kind, at) {
	var k kind
	if l.expression {
		k = l.swallowExpression()
	} else {
		k = l.plain()
	}
	if k <= 0 {
		return end, int32(len(l.row))
	}
	if l.plainNames > 0 {
		l.plainNames--
	}
	if l.wantBody > 0 && (k != attributePhrase || l.dialect.Era < G4) {
		l.wantBody--
	}
	if l.afterEnum > 0 {
		l.afterEnum--
	}
	return k, int32(len(l.row))
}

// plain reads a token outside of all phrases.
func (l *lexer) plain() kind {
	k := l.next()
	if k == end {
		return end
	}
	switch k {
	case ident:
		return l.name(l.keep(k))
	case '[':
		l.keep(k)
		return l.swallow('[', ']', 1, bracketPhrase)
	case '{':
		l.keep(k)
		if l.wantBody > 0 {
			return k
		}
		if !l.insideNested && l.afterEnum == 0 {
			return l.skipBody()
		}
		return l.swallow('{', '}', 1, bracePhrase)
	case '=', ':':
		l.keep(k)
		l.expression = true
		return k
	case builtin:
		l.keep(k)
		return kwBasic
	}
	l.keep(k)
	return k
}

// name says what the identifier just kept is.
func (l *lexer) name(w word) kind {
	if i := int(w) - 256; i < len(l.kinds) && i >= 0 && l.kinds[i] != ident {
		return l.reserved(l.kinds[i])
	}
	if l.plainNames == 0 && !l.noTypes && l.tab.is(w, Typedef) {
		return typeName
	}
	return ident
}

func (l *lexer) reserved(k kind) kind {
	switch k {
	case kwAttribute:
		return l.swallow('(', ')', 0, attributePhrase)
	case kwAsm:
		return l.swallow('(', ')', 0, asmPhrase)
	case kwAssert:
		return l.swallow('(', ')', 0, assertPhrase)
	case kwTypeof:
		if l.dialect.Era >= G3 {
			return l.typeof()
		}
	case kwStruct, kwUnion, kwEnum:
		l.plainNames = 2
		if k != kwEnum || l.dialect.Era >= G2 {
			l.wantBody = 3
		} else {
			l.afterEnum = 3
		}
		return k
	}
	return k
}

// swallow keeps tokens up to the bracket that closes depth brackets, and
// returns k.
func (l *lexer) swallow(open, closing kind, depth int, k kind) kind {
	for {
		t := l.next()
		if t == end {
			return end
		}
		l.keep(t)
		switch t {
		case open:
			depth++
		case closing:
			if depth--; depth == 0 {
				return k
			}
		}
	}
}

// skipBody skips the body of a function at file level. Its tokens are kept
// nowhere, so only braces count.
func (l *lexer) skipBody() kind {
	for depth := 1; ; {
		switch l.skipTo(true) {
		case end:
			return end
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return bracePhrase
			}
		}
	}
}

// skipTo scans on to a byte that matters outside of strings: a brace, or with
// all brackets and separators too.
func (l *lexer) skipTo(braces bool) kind {
	matters := &bracesMatter
	if !braces {
		matters = &allMatters
	}
	for {
		p, buf := l.pos, l.buf[:l.limit]
		for p < len(buf) && !matters[buf[p]] {
			p++
		}
		l.pos = p
		if p == len(buf) {
			if l.eof {
				return end
			}
			l.pos -= l.more(p)
			continue
		}
		switch c := buf[p]; c {
		case '\n':
			l.newline()
		case '#':
			if buf[p-1] != '\n' || !l.directive() {
				l.pos++
			}
		case '"', '\'':
			l.token(c)
		default:
			l.start, l.pos = p, p+1
			return kind(c)
		}
	}
}

func matter(s string) (t [256]bool) {
	for i := range len(s) {
		t[s[i]] = true
	}
	return t
}

var (
	bracesMatter = matter("\x00\n#\"'{}")
	allMatters   = matter("\x00\n#\"'{}()[],;")
)

// swallowExpression takes what follows '=' or ':', up to a comma or semicolon
// (or the brace that ends an enum) outside of brackets. That stays to be read.
func (l *lexer) swallowExpression() kind {
	skip := !l.insideNested
	for depth := 0; ; {
		var t kind
		if skip {
			t = l.skipTo(false)
		} else {
			t = l.next()
		}
		switch t {
		case end:
			return end
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if t == '}' && depth == 0 && l.dialect.Era >= G2 {
				return l.unread()
			}
			depth--
		case ',', ';':
			if depth == 0 {
				return l.unread()
			}
		}
		if !skip {
			l.keep(t)
		}
	}
}

func (l *lexer) unread() kind {
	l.pos = l.start
	l.expression = false
	return expressionPhrase
}

// typeof reads what follows the word. Where a keyword or a typedef name stands
// in the bracket it is a type for the grammar to read, else a phrase.
func (l *lexer) typeof() kind {
	depth, first := 0, false
	for {
		t := l.next()
		if t == end {
			return end
		}
		if first {
			first = false
			if t == ident {
				w := l.tab.texts.of(l.text())
				if i := int(w) - 256; i >= 0 && i < len(l.kinds) && l.kinds[i] != ident || l.tab.is(w, Typedef) {
					l.pos, l.pushed = l.start, true
					return kwTypeof
				}
				l.keepWord('(', Normal)
			}
		}
		switch t {
		case '(':
			if depth++; depth == 1 {
				first = true
				continue
			}
		case ')':
			depth--
		}
		l.keep(t)
		if t == ')' && depth == 0 {
			return typeofPhrase
		}
	}
}
