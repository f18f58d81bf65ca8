package genksyms

import (
	"bufio"
	"fmt"
	"slices"
	"strconv"
)

// ref is a token of a definition: its word and kind.
type ref uint32

func refTo(w word, k Kind) ref { return ref(w)<<3 | ref(k) }

func (r ref) word() word { return word(r >> 3) }
func (r ref) kind() Kind { return Kind(r & 7) }

// status is how a symbol stands to the reference.
type status uint8

const (
	unchanged status = iota
	defined          // the reference did not know its body
	modified
)

// symbol is an entry of the table.
type symbol struct {
	name       word
	definition []ref
	first, end uint32 // segments of the definition, made on its first expansion
	seen       uint32 // the export that expanded it last
	kind       Kind
	status     status
	extern     bool // was declared extern; symtypes files say so
	declared   bool // by the file, not only by the reference
	override   bool // the reference's definition is to stay
	visited    bool // was ever expanded
}

// spaces are the sets of names that do not clash with each other: ordinary
// names, tags and, before 2.6.39, tags of enums.
const spaces = 3

// table holds the symbols of a file.
type table struct {
	texts   *texts
	dialect *Dialect
	lex     *lexer // for the place in messages
	say     *bufio.Writer
	opt     *Options

	symbols []symbol         // the first is no symbol
	names   [spaces][]uint32 // by word: place in symbols
	visited []uint32         // symbols in the order of their first expansion's end
	free    []ref            // what is left of the block for definitions
	kept    int              // tokens of definitions
	count   int              // symbols, as the kernel's program counts them

	counter  int   // of enumerators since the last expression
	lastExpr []ref // the last expression of an enumerator

	exports []Export
	errors  int
	failed  error

	expander
}

// maxSymbols is the most symbols of a file.
const maxSymbols = 300_000

// maxKept is the most tokens that definitions may have together. Sixty files
// of a kernel in one have a million, and 75,000 symbols.
const maxKept = 16 << 20

func (t *table) space(k Kind) int {
	switch {
	case k == Struct || k == Union:
		return 1
	case k == Enum:
		if t.dialect.Era < G2 {
			return 2
		}
		return 1
	}
	return 0
}

// find returns the place of the symbol that a token of a kind names, 0 if none
// was declared.
func (t *table) find(w word, k Kind) uint32 {
	names := t.names[t.space(k)]
	if int(w) < len(names) {
		if i := names[w]; t.symbols[i].declared {
			return i
		}
	}
	return 0
}

// is says whether a word names a symbol of just this kind, of those in the
// space of ordinary names.
func (t *table) is(w word, k Kind) bool {
	names := t.names[0]
	if int(w) >= len(names) {
		return false
	}
	s := &t.symbols[names[w]]
	return s.kind == k && s.declared
}

func (t *table) setName(w word, space int, i uint32) {
	if n := int(w) + 1 - len(t.names[space]); n > 0 {
		t.names[space] = append(t.names[space], make([]uint32, max(n, len(t.names[space])))...)
	}
	t.names[space][w] = i
}

// endEnum makes the count of enumerators begin again.
func (t *table) endEnum() {
	t.counter, t.lastExpr = 0, nil
}

// enumerator returns the definition of an enumerator: its expression, else the
// last one and how far on it is.
func (t *table) enumerator(expr []ref) []ref {
	if len(expr) > 0 {
		t.lastExpr, t.counter = slices.Clone(expr), 1
		return expr
	}
	n := refTo(t.texts.of(strconv.AppendInt(nil, int64(t.counter), 10)), Normal)
	t.counter++
	if t.lastExpr == nil {
		return []ref{n}
	}
	list := append([]ref{refTo('(', Normal)}, t.lastExpr...)
	return append(list, refTo(')', Normal), refTo('+', Normal), n)
}

// add records a declaration. The definition is copied.
func (t *table) add(name word, k Kind, definition []ref, extern bool) uint32 {
	return t.put(name, k, definition, extern, false)
}

func (t *table) put(name word, k Kind, definition []ref, extern, reference bool) uint32 {
	if !reference || t.dialect.enumRefs {
		switch k {
		case EnumConst:
			definition = t.enumerator(definition)
		case Enum:
			t.endEnum()
		}
	}
	space := t.space(k)
	var old uint32
	if int(name) < len(t.names[space]) {
		old = t.names[space][name]
	}
	state := unchanged
	if old != 0 && !reference {
		var stays bool
		if state, stays = t.meet(old, k, definition); stays {
			return old
		}
	}
	if old != 0 {
		t.count--
	}
	return t.enter(old, symbol{name: name, kind: k, extern: extern, declared: !reference, status: state}, definition)
}

// meet says what becomes of a symbol that is declared again, or that the
// reference has: whether it stays as it is, and if not how it changed.
func (t *table) meet(old uint32, k Kind, definition []ref) (status, bool) {
	s := &t.symbols[old]
	switch {
	case (s.kind == k || !t.dialect.references) && slices.Equal(s.definition, definition):
		if !s.declared && s.override {
			t.place()
			fmt.Fprintf(t.say, "%s modversion is unchanged\n", t.called(k, s.name))
		}
		s.declared = true
	case s.declared:
		t.complain("redefinition of %s", t.texts.get(s.name))
	case s.override && t.opt.Preserve:
		t.place()
		fmt.Fprintf(t.say, "ignoring %s modversion change\n", t.called(k, s.name))
		s.declared = true
	case t.isUnknown(s):
		return defined, false
	default:
		return modified, false
	}
	return 0, true
}

// isUnknown says whether the body of a type is not known.
func (t *table) isUnknown(s *symbol) bool {
	d := s.definition
	return s.kind.tag() && len(d) >= 3 && slices.Equal(d[len(d)-3:], t.unknownBody())
}

func (k Kind) tag() bool { return k == Struct || k == Union || k == Enum }

func (t *table) unknownBody() []ref {
	return []ref{refTo('{', Normal), refTo(t.texts.of([]byte("UNKNOWN")), Normal), refTo('}', Normal)}
}

// enter puts a symbol into the table, in the place of old if that is not 0.
func (t *table) enter(old uint32, s symbol, definition []ref) uint32 {
	if len(definition) > len(t.free) {
		t.free = make([]ref, max(1<<15, len(definition)))
	}
	n := copy(t.free, definition)
	s.definition, t.free = t.free[:n:n], t.free[n:]
	if t.kept += n; t.kept > maxKept || len(t.symbols) > maxSymbols || t.texts.tooMany() {
		t.fail(fmt.Errorf("definitions: %w", ErrTooBig))
	}
	if old == 0 {
		old = uint32(len(t.symbols))
		t.symbols = append(t.symbols, s)
		t.setName(s.name, t.space(s.kind), old)
	} else {
		t.symbols[old] = s
	}
	if t.opt.Defs {
		t.sayDefinition(&t.symbols[old])
	}
	t.count++
	return old
}

// fail ends the reading.
func (t *table) fail(err error) {
	if t.failed == nil {
		t.failed = err
	}
	t.lex.end(t.lex.failed)
}

func (t *table) sayDefinition(s *symbol) {
	kind := s.kind.String()
	switch {
	case kind != "":
	case t.dialect.Era < G2:
		kind = "normal"
	default:
		kind = "type0"
	}
	fmt.Fprintf(t.say, "Defn for %s %s == <", kind, t.texts.get(s.name))
	if s.extern {
		t.say.WriteString("extern ")
	}
	t.writeDefinition(t.say, s)
	t.say.WriteString(">\n")
}

// writeDefinition writes the tokens with their prefixes, a space after each.
func (t *table) writeDefinition(w *bufio.Writer, s *symbol) {
	if len(s.definition) == 0 {
		w.WriteString("(nil)")
	}
	for _, r := range s.definition {
		w.WriteString(r.kind().Prefix())
		w.Write(t.texts.get(r.word()))
		w.WriteByte(' ')
	}
}

// buckets is what the kernel's program has; its debugging output tells.
const buckets = 4096

func (t *table) sayOccupancy() {
	fmt.Fprintf(t.say, "Hash table occupancy %d/%d = %s\n", t.count, buckets, shortest(float64(t.count)/buckets))
}

// shortest is C's %g.
func shortest(f float64) string {
	return strconv.FormatFloat(roundSix(f), 'g', -1, 64)
}

func roundSix(f float64) float64 {
	g, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 6, 64), 64)
	return g
}

// place begins a message with where in the text it is about.
func (t *table) place() {
	file := t.lex.file
	if file == nil {
		file = []byte("<stdin>")
	}
	if t.opt.Columns {
		fmt.Fprintf(t.say, "%s:%d:%d: ", file, t.lex.line, t.lex.column())
		return
	}
	fmt.Fprintf(t.say, "%s:%d: ", file, t.lex.line)
}

// complain says what is wrong with the text.
func (t *table) complain(format string, args ...any) {
	if !t.opt.Warnings {
		return
	}
	t.place()
	fmt.Fprintf(t.say, format, args...)
	t.say.WriteByte('\n')
	t.errors++
}

func (t *table) called(k Kind, name word) string {
	if k == Normal {
		return string(t.texts.get(name))
	}
	return k.String() + " " + string(t.texts.get(name))
}
