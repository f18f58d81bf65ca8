package genksyms

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator writes random declarations, most of them C. Names come from a
// small set, so that they clash: as typedef and variable, enumerator and
// member. Now and then a token is lost, doubled or strange.
type generator struct {
	*rand.Rand
	b     strings.Builder
	depth int
}

// generated returns the text of a seed. What is exported is spread over it.
func generated(seed uint64) string {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	if g.odds(9, 10) {
		g.b.WriteString("# 1 \"t.c\"\n")
		if g.odds(3, 4) {
			g.b.WriteString("# 1 \"h.h\" 1\n")
		}
	}
	for range 1 + g.IntN(12) {
		if g.odds(1, 12) {
			fmt.Fprintf(&g.b, "# %d \"%s\"%s\n", g.IntN(300), g.pick("t.c", "h.h", "i.h"), g.pick("", " 1", " 2"))
		}
		g.declaration()
		if g.odds(1, 3) {
			g.export()
		}
	}
	for _, name := range names {
		if g.odds(1, 2) {
			g.b.WriteString("__GENKSYMS_EXPORT_SYMBOL(" + name + ");\n")
		}
	}
	text := g.b.String()
	if g.odds(1, 3) {
		text = g.mutated(text)
	}
	return text
}

var names = []string{"a", "b", "c", "f", "g", "s", "t", "T", "N", "v"}

func (g *generator) odds(n, of int) bool { return g.IntN(of) < n }

func (g *generator) pick(list ...string) string { return list[g.IntN(len(list))] }

func (g *generator) name() string { return g.pick(names...) }

// put writes tokens with a space or a line's end after each.
func (g *generator) put(tokens ...string) {
	for _, t := range tokens {
		g.b.WriteString(t)
		switch {
		case g.odds(1, 25):
			g.b.WriteByte('\n')
		case g.odds(1, 60):
			g.b.WriteString("\n# 7 \"" + g.pick("t.c", "h.h") + "\"\n")
		default:
			g.b.WriteByte(' ')
		}
	}
}

// maybe calls one of the functions given, most often the first.
func (g *generator) maybe(n, of int, f func()) {
	if g.odds(n, of) {
		f()
	}
}

func (g *generator) export() {
	g.put("__GENKSYMS_EXPORT_SYMBOL", "(", g.name(), ")", ";")
	g.b.WriteByte('\n')
}

func (g *generator) declaration() {
	g.depth = 0
	switch g.IntN(24) {
	case 0, 1, 2, 3:
		g.maybe(1, 5, func() { g.put("__extension__") })
		g.put("typedef")
		g.specifiers(true)
		g.declarator(true)
		g.maybe(1, 6, g.attribute)
		g.put(";")
	case 4:
		g.put(g.pick("asm", "__asm__"), "(", "\"x ; y\"", ")", ";")
	case 5:
		g.put("_Static_assert", "(", "1", "==", "1", ",", "\"no\"", ")", ";")
	case 6, 7, 8:
		g.specifiers(true)
		g.functionDeclarator()
		g.maybe(1, 5, g.attribute)
		g.body()
	case 9:
		g.oldStyle()
	case 10, 11, 12, 13:
		g.compound(true)
		g.put(";")
	case 14:
		g.enum()
		g.put(";")
	default:
		g.variables()
	}
	g.b.WriteByte('\n')
}

func (g *generator) variables() {
	g.specifiers(true)
	for i := range 1 + g.IntN(2)*g.IntN(3) {
		if i > 0 {
			g.put(",")
			g.maybe(1, 6, g.attribute)
			g.simpleDeclarator()
		} else {
			g.declarator(true)
		}
		g.maybe(1, 8, func() { g.put(g.pick("asm", "__asm__"), "(", `"l" "m"`, ")") })
		for g.odds(1, 5) {
			g.attribute()
		}
		g.maybe(1, 4, g.initializer)
	}
	g.put(";")
}

// simpleDeclarator has no parameters: with them the C program never ends when
// a comma stands before.
func (g *generator) simpleDeclarator() {
	g.maybe(1, 3, g.pointer)
	g.put(g.name())
	g.maybe(1, 4, g.bracket)
}

func (g *generator) initializer() {
	g.put("=")
	switch g.IntN(5) {
	case 0:
		g.put("{", "{", "1", ",", "2", "}", ",", ".", "a", "=", "3", "}")
	case 1:
		g.put("(", "{", "int", "x", "=", "3", ";", "x", ";", "}", ")")
	case 2:
		g.put("\"a, b;\"", "\"c\"")
	default:
		g.expression()
	}
}

func (g *generator) expression() {
	g.operand()
	for g.odds(1, 3) {
		g.put(g.pick("+", "-", "<<", ">>", "|", "&&", "!=", "==", "->", "*", "<=", "?"))
		g.operand()
	}
}

func (g *generator) operand() {
	switch g.IntN(8) {
	case 0:
		g.put("(")
		g.expression()
		g.put(")")
	case 1:
		g.put("sizeof", "(")
		if g.odds(1, 2) {
			g.put("struct", g.name())
		} else {
			g.put(g.name())
		}
		g.put(")")
	case 2:
		g.put(g.pick("'a'", "L'b'", `'\''`, `"s"`, `L"w"`, "1.5e3", ".5f", "0x1fUL", "017", "1ULL", "08", "5u"))
	case 3:
		g.put(g.name())
	default:
		g.put(fmt.Sprint(g.IntN(100)))
	}
}

func (g *generator) bracket() {
	g.put("[")
	if g.odds(3, 4) {
		g.expression()
	}
	g.put("]")
}

func (g *generator) attribute() {
	g.put(g.pick("__attribute__", "__attribute"), "(", "(")
	g.put(g.pick("packed", "aligned ( 8 )", "format ( printf , 1 , 2 )", "section ( \".x y\" )", "unused", "N", ""))
	g.put(")", ")")
}

func (g *generator) pointer() {
	for range 1 + g.IntN(2) {
		g.put("*")
		for g.odds(1, 4) {
			g.qualifier()
		}
	}
}

func (g *generator) qualifier() {
	if g.odds(1, 6) {
		g.attribute()
		return
	}
	g.put(g.pick("const", "volatile", "restrict", "__restrict", "_restrict", "__restrict__", "__const", "__volatile__", "__seg_gs"))
}

func (g *generator) specifiers(storage bool) {
	if storage {
		for g.odds(1, 3) {
			g.put(g.pick("static", "extern", "inline", "register", "auto", "__inline__"))
		}
	}
	for g.odds(1, 6) {
		g.qualifier()
	}
	g.typeSpecifier()
	for g.odds(1, 8) {
		g.qualifier()
	}
	if storage {
		g.maybe(1, 10, func() { g.put(g.pick("inline", "static")) })
	}
}

func (g *generator) typeSpecifier() {
	g.depth++
	defer func() { g.depth-- }()
	switch n := g.IntN(20); {
	case n < 6:
		g.put(g.pick("int", "char", "unsigned long", "void", "_Bool", "signed", "__signed__ char", "double", "short", "__int128",
			"__builtin_va_list", "long long", "float", "__uint128_t", "uint8x16_t"))
	case n < 11:
		g.put(g.name())
	case n < 14:
		g.put(g.pick("struct", "union"))
		g.maybe(1, 8, g.attribute)
		g.put(g.name())
	case n == 14:
		g.put("enum", g.name())
	case n == 15:
		g.typeof()
	case g.depth > 3:
		g.put("int")
	case n == 16:
		g.enum()
	default:
		g.compound(g.odds(1, 2))
	}
}

func (g *generator) typeof() {
	g.put(g.pick("typeof", "__typeof__", "__typeof", "typeof_unqual", "__typeof_unqual__"), "(")
	switch g.IntN(4) {
	case 0:
		g.specifiers(false)
		g.maybe(1, 2, g.pointer)
	case 1:
		g.expression()
	default:
		g.put(g.name())
		g.maybe(1, 4, g.pointer)
	}
	g.put(")")
}

func (g *generator) compound(named bool) {
	g.put(g.pick("struct", "struct", "union"))
	g.maybe(1, 10, g.attribute)
	if named {
		g.put(g.name())
	}
	g.put("{")
	for range g.IntN(5) {
		g.member()
	}
	g.put("}")
	g.maybe(1, 6, g.attribute)
}

func (g *generator) member() {
	switch g.IntN(16) {
	case 0:
		g.put("_Static_assert", "(", "1", ",", "\"x\"", ")", ";")
		return
	case 1:
		g.compound(g.odds(1, 4))
		g.put(";")
		return
	case 2:
		g.put("unsigned", ":", "0", ";")
		return
	case 3:
		g.put(";")
		return
	}
	g.specifiers(false)
	for i := range 1 + g.IntN(2)*g.IntN(3) {
		if i > 0 {
			g.put(",")
		}
		g.memberDeclarator()
	}
	g.put(";")
}

func (g *generator) memberDeclarator() {
	if g.odds(1, 5) {
		g.maybe(4, 5, func() { g.put(g.name()) })
		g.put(":")
		g.expression()
		return
	}
	g.declarator(false)
	g.maybe(1, 6, g.attribute)
}

func (g *generator) enum() {
	g.put("enum")
	g.maybe(1, 2, func() { g.put(g.name()) })
	g.put("{")
	for i := range 1 + g.IntN(4) {
		if i > 0 {
			g.put(",")
		}
		g.put(g.pick(append([]string{"A", "B", "C", "D"}, names...)...))
		if g.odds(1, 4) {
			g.put("=")
			g.expression()
		}
	}
	g.maybe(1, 3, func() { g.put(",") })
	g.put("}")
}

// declarator has the shapes of a variable's, a function's or a member's.
func (g *generator) declarator(file bool) {
	g.depth++
	defer func() { g.depth-- }()
	g.maybe(1, 3, g.pointer)
	switch n := g.IntN(10); {
	case n < 6 || g.depth > 4:
		g.put(g.name())
	default:
		g.put("(")
		g.maybe(1, 12, g.attribute)
		g.maybe(2, 3, g.pointer)
		g.declarator(file)
		g.put(")")
	}
	for g.odds(1, 4) {
		if g.odds(1, 2) {
			g.bracket()
		} else {
			g.parameters()
		}
	}
}

func (g *generator) functionDeclarator() {
	g.maybe(1, 3, g.pointer)
	g.put(g.name())
	g.parameters()
}

func (g *generator) parameters() {
	g.depth++
	defer func() { g.depth-- }()
	g.put("(")
	switch g.IntN(12) {
	case 0:
	case 1:
		g.put("void")
	case 2:
		g.put("...")
	default:
		for i := range 1 + g.IntN(3) {
			if i > 0 {
				g.put(",")
			}
			g.parameter()
		}
		g.maybe(1, 6, func() { g.put(",", "...") })
		g.maybe(1, 25, func() { g.put("...") })
	}
	g.put(")")
}

func (g *generator) parameter() {
	if g.depth > 4 {
		g.put("int")
		return
	}
	g.maybe(1, 20, func() { g.put("register") })
	g.specifiers(false)
	g.abstract()
	g.maybe(1, 10, g.attribute)
}

func (g *generator) abstract() {
	g.depth++
	defer func() { g.depth-- }()
	g.maybe(1, 3, g.pointer)
	switch n := g.IntN(10); {
	case n < 3:
	case n < 7 || g.depth > 6:
		g.put(g.name())
	case n < 9:
		g.put("(")
		g.maybe(1, 12, g.attribute)
		g.maybe(4, 5, g.pointer)
		g.abstract()
		g.put(")")
		g.parameters()
	default:
		g.parameters()
	}
	g.maybe(1, 8, g.bracket)
	g.maybe(1, 12, g.parameters)
}

func (g *generator) body() {
	g.put("{")
	for range g.IntN(3) {
		g.put(g.pick("return a ;", "{ int x ; }", "f ( \"}\" , '{' ) ;", "x = y ;", "if ( a ) { } else b ( ) ;"))
	}
	g.put("}")
}

// oldStyle is a function with its parameters declared after the brackets.
func (g *generator) oldStyle() {
	g.maybe(2, 3, func() { g.put("int") })
	g.put(g.name(), "(", g.pick("a", "b", "x"), ",", "y", ")")
	g.put("int", "x", ";")
	g.maybe(1, 2, func() { g.put("char", "*", "y", ";") })
	g.body()
}

var strange = []string{";", "}", "{", "(", ")", ",", "[", "]", "=", ":", "*", "int", "struct", "typedef", "...", "#", "@", "3", "T",
	"enum", "asm", "\"", "'", "\\", "typeof", "extern", "union", "__attribute__", "\n", "static inline", "_Static_assert", "&&"}

// mutated loses, doubles, exchanges or inserts words of a text.
func (g *generator) mutated(text string) string {
	words := strings.SplitAfter(text, " ")
	for range 1 + g.IntN(3) {
		i := g.IntN(len(words))
		switch g.IntN(5) {
		case 0:
			words[i] = ""
		case 1:
			words[i] += words[i]
		case 2:
			j := g.IntN(len(words))
			words[i], words[j] = words[j], words[i]
		case 3:
			words[i] = strange[g.IntN(len(strange))] + " "
		default:
			words[i] += strange[g.IntN(len(strange))] + " "
		}
	}
	if g.odds(1, 20) {
		return strings.Join(words[:g.IntN(len(words)+1)], "")
	}
	return strings.Join(words, "")
}
