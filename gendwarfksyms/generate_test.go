package gendwarfksyms

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes C whose debugging information has what type strings are made
// of. Names are never used twice, since the program's choice between types of
// one name is by memory address.
type generator struct {
	*rand.Rand
	text  strings.Builder
	types []string // that may be members: names with their keyword
	holes []string // that are declared only
	enums []string
	n     int
}

// generated returns the C of a seed, and the names of its exports.
func generated(seed uint64) (text string, exports []string) {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	g.types = []string{"int", "unsigned long", "char", "_Bool", "short", "long long", "double", "unsigned char"}
	g.text.WriteString("# 1 \"public.h\"\n")
	for i := range 3 + g.IntN(9) {
		if i > 0 && g.odds(1, 8) {
			file := pick(g, "private.c", "dir.c/other.h", "public.h", "generated.h.c")
			fmt.Fprintf(&g.text, "# 1 %q\n", file)
		}
		g.declareType()
	}
	g.text.WriteString("# 1 \"main.c\"\n")
	for range 1 + g.IntN(6) {
		exports = append(exports, g.export()...)
	}
	if g.odds(1, 2) {
		g.rules(exports)
	}
	return g.text.String(), exports
}

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

func (g *generator) odds(a, b int) bool { return g.IntN(b) < a }

func (g *generator) name(prefix string) string {
	g.n++
	return fmt.Sprintf("%s%d", prefix, g.n)
}

func (g *generator) declareType() {
	switch g.IntN(7) {
	case 0:
		name := g.name("e")
		fmt.Fprintf(&g.text, "enum %s%s { %s };\n", pick(g, "", "", "__attribute__((packed)) "), name, g.enumerators())
		g.types = append(g.types, "enum "+name)
		g.enums = append(g.enums, name)
	case 1:
		name := g.name("t")
		text := g.declare(name, 1, true)
		for strings.HasSuffix(text, "]") { // no function returns an array
			text = g.declare(name, 1, true)
		}
		fmt.Fprintf(&g.text, "typedef %s;\n", text)
		g.types = append(g.types, name)
	case 2:
		g.holes = append(g.holes, pick(g, "struct ", "union ")+g.name("hole"))
		fmt.Fprintf(&g.text, "%s;\n", g.holes[len(g.holes)-1])
	case 3:
		name := g.name("t")
		fmt.Fprintf(&g.text, "typedef %s { %s } %s;\n", pick(g, "struct", "union"), g.members(2), name)
		g.types = append(g.types, name)
	default:
		kind := pick(g, "struct ", "struct ", "union ") + g.name("s")
		fmt.Fprintf(&g.text, "%s;\n", kind)
		g.holes = append(g.holes, kind)
		fmt.Fprintf(&g.text, "%s { %s }%s;\n", kind, g.members(2), pick(g, "", "", "", " __attribute__((packed))", " __attribute__((aligned(64)))"))
		g.types = append(g.types, kind)
	}
}

func (g *generator) enumerators() string {
	var list []string
	for range 1 + g.IntN(4) {
		list = append(list, g.name("E")+pick(g, "", "", "", " = -1", " = 7", " = 0x80000000u", " = 0x7fffffffffffLL", " = 200"))
	}
	return strings.Join(list, ", ")
}

func (g *generator) members(depth int) string {
	var b strings.Builder
	for range g.IntN(6) {
		switch n := g.IntN(12); {
		case n == 0:
			fmt.Fprintf(&b, "unsigned %s:%d; ", g.name("b"), 1+g.IntN(20))
		case n == 1:
			b.WriteString("long long :0; ")
		case n == 2 && depth > 0:
			fmt.Fprintf(&b, "%s { %s }%s; ", pick(g, "struct", "union"), g.members(depth-1), pick(g, "", " "+g.name("n")))
		case n == 3 && depth > 0:
			b.WriteString(g.kabi(depth))
		case n == 4:
			fmt.Fprintf(&b, "char %s[%d]; ", g.name("pad"), pick(g, 0, 3, 300, 70000))
		default:
			fmt.Fprintf(&b, "%s%s; ", g.declare(g.name("m"), 2, true), pick(g, "", "", "", " __attribute__((aligned(16)))"))
		}
	}
	return b.String()
}

// kabi returns a member that counts otherwise with --stable.
func (g *generator) kabi(depth int) string {
	special := g.declare("__kabi_"+pick(g, "reserved", "ignored", "renamed"+g.name("o"), "other", "renamed")+g.name("_"), 1, true)
	plain := g.declare(g.name("k"), 1, true)
	switch g.IntN(5) {
	case 0:
		return special + "; "
	case 1:
		return fmt.Sprintf("union { %s; %s; }; ", special, plain)
	case 2:
		return fmt.Sprintf("union { %s; struct { %s; }; union { %s }; }; ", plain, special, g.members(depth-1))
	case 3:
		return fmt.Sprintf("union { struct { %s; int %s; }; int %s; } %s; ", plain, g.name("x"), g.name("y"), g.name("z"))
	}
	return fmt.Sprintf("union { struct { %s; }; struct { %s; }; }; ", plain, special)
}

// declare returns a declaration of a name, without the semicolon. Where it is
// not an object its type may be incomplete behind a pointer only.
func (g *generator) declare(name string, depth int, object bool) string {
	base := pick(g, "", "", "", "const ", "volatile ", "const volatile ") + pick(g, g.types...)
	if depth == 0 {
		return base + " " + name
	}
	switch g.IntN(9) {
	case 0:
		return fmt.Sprintf("%s %s[%d]", base, name, 1+g.IntN(9))
	case 1:
		return fmt.Sprintf("%s %s[%d][%d]", base, name, 1+g.IntN(3), 1+g.IntN(3))
	case 2, 3:
		to := base
		if len(g.holes) > 0 && g.odds(2, 3) {
			to = pick(g, g.holes...)
		}
		return fmt.Sprintf("%s *%s%s", to, pick(g, "", "const ", "restrict ", "*", "volatile "), name)
	case 4:
		return fmt.Sprintf("void *%s", name)
	case 5:
		return fmt.Sprintf("%s (*%s%s)(%s)", base, pick(g, "", "const "), name, g.parameters(depth-1))
	case 6:
		return fmt.Sprintf("%s (*%s)[%d]", base, name, 1+g.IntN(5))
	case 7:
		return fmt.Sprintf("_Atomic(int) %s", name)
	}
	return base + " " + name
}

func (g *generator) parameters(depth int) string {
	if g.odds(1, 6) {
		return pick(g, "void", "")
	}
	var list []string
	for range 1 + g.IntN(2) {
		list = append(list, g.declare(pick(g, "", g.name("p")), depth, false))
	}
	return strings.Join(list, ", ") + pick(g, "", "", ", ...")
}

func (g *generator) export() []string {
	name := g.name("x")
	switch g.IntN(9) {
	case 0, 1:
		fmt.Fprintf(&g.text, "%s;\n", g.declare(name, 2, true))
	case 2, 3:
		fmt.Fprintf(&g.text, "%s %s(%s) { for (;;); }\n", pick(g, "void", "int", pick(g, g.types...), "void *"), name, g.named(1+g.IntN(3)))
	case 4:
		fmt.Fprintf(&g.text, "extern %s;\n%s", g.declare(name, 2, true), pointerTo(name))
	case 5:
		fmt.Fprintf(&g.text, "extern %s %s(%s);\n%s", pick(g, g.types...), name, g.parameters(1), pointerTo(name))
	case 6:
		other := g.name("x")
		fmt.Fprintf(&g.text, "int %s(%s) { return 0; }\nextern typeof(%s) %s __attribute__((alias(\"%s\")));\n", name, g.named(2), name, other, name)
		return []string{name, other}
	case 7:
		fmt.Fprintf(&g.text, "int %s(a, b) int a; char *b; { struct l%s { int q; } l = { a }; struct l%s *p = &l; return p->q; }\n", name, name, name)
	case 8:
		fmt.Fprintf(&g.text, "static inline __attribute__((always_inline)) int i%s(%s) { return 1; }\nint %s(void) { return 2; }\n", name, g.named(1), name)
	}
	return []string{name}
}

// named are parameters with names.
func (g *generator) named(n int) string {
	var list []string
	for range n {
		list = append(list, g.declare(g.name("p"), 1, false))
	}
	return strings.Join(list, ", ")
}

// pointerTo makes a pointer to a symbol as EXPORT_SYMBOL does.
func pointerTo(name string) string {
	return fmt.Sprintf("static typeof(%s) *%s%s __attribute__((used, section(\".discard.gendwarfksyms\"))) = &%s;\n", name, pointerPrefix, name, name)
}

// rules adds kABI rules for some of the types.
func (g *generator) rules(exports []string) {
	for range 1 + g.IntN(4) {
		kind, target, value := "byte_size", pick(g, g.types...), pick(g, "8", "+3", "-1", " 12", "", "00017")
		_, target, _ = strings.Cut(target, " ")
		switch g.IntN(5) {
		case 0:
			kind, value = "declonly", ""
		case 1, 2:
			if len(g.enums) > 0 {
				kind, target = pick(g, "enumerator_ignore", "enumerator_value"), fmt.Sprintf("%s E%d", pick(g, g.enums...), g.IntN(g.n)+1)
			}
		case 3:
			kind, value = "type_string", pick(g, "variable base_type int", "structure_type q { s#added }", "ss#'a b'e#q x", "structure_type t#'spaced name'")
			if target = "s#" + target; g.odds(1, 2) {
				target = pick(g, exports...)
			}
			if strings.Contains(value, "#") {
				g.rule("type_string", "s#added", "structure_type added { }")
				g.rule("type_string", "t#'spaced name'", "typedef_type spaced name { s#added }")
			}
		}
		g.rule(kind, target, value)
	}
}

func (g *generator) rule(kind, target, value string) {
	fmt.Fprintf(&g.text, "static const char %s[] __attribute__((used, aligned(1), section(%q))) = \"1\\0\" %q \"\\0\" %q \"\\0\" %q;\n",
		g.name("r"), ruleSection, kind, target, value)
}
