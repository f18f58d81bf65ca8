package gendwarfksyms

import (
	"cmp"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
)

// The longest expansion, and the bytes of all of an object file.
const (
	maxExpansion  = 16 << 20
	maxExpansions = 256 << 20
)

// expansion is what a symtypes file has of a type or symbol: words and
// references to other types.
type expansion struct {
	name   string
	length int
	from   *record // where words is to be made from, while it is nil
	words  []word

	hashed uint32 // the number of the symbol that it was last hashed for
}

// word is text or a reference.
type word struct {
	text      string
	reference bool
	to        *expansion // of a reference, once looked up
}

// isReference reports whether a string starts like a reference, which is how
// the program tells them from text.
func isReference(s string) bool {
	return len(s) >= 2 && s[1] == '#' && (s[0] == 's' || s[0] == 'u' || s[0] == 'e' || s[0] == 't')
}

// reference returns what stands for the record's type in others, "" for a type
// that is written out there.
func (r *record) reference() string {
	if r.state == ofSymbol || r.fqn == "" {
		return ""
	}
	kind := ""
	switch r.n.tag {
	case tagClass, tagStructure:
		kind = "s#"
	case tagUnion:
		kind = "u#"
	case tagEnumeration:
		kind = "e#"
	case tagTypedef:
		kind = "t#"
	default:
		return ""
	}
	if strings.Contains(r.fqn, " ") {
		return kind + "'" + r.fqn + "'"
	}
	return kind + r.fqn
}

// versions finds the expansions of all types, then gives symbols their versions.
func (w *walk) versions() error {
	w.types = map[string]*expansion{}
	slices.SortStableFunc(w.records, func(a, b *record) int { return cmp.Compare(a.n.at, b.n.at) })
	for _, r := range w.records {
		if w.err == nil {
			w.expandType(r)
		}
	}
	w.symbols = 0
	for _, s := range w.v.symbols.order() {
		if w.err == nil {
			w.expandSymbol(s)
		}
	}
	if w.err == nil && w.typesTo != nil {
		w.writeTypes()
	}
	if w.err == nil {
		w.statistics()
	}
	return w.err
}

// expandType makes the expansion of a type known. A DIE counts once, as it is
// where it was expanded.
func (w *walk) expandType(r *record) {
	if r.listed {
		return
	}
	r.listed = true
	if r.state == unexpanded && r.n.complete != nil {
		if r = r.n.complete; r.listed {
			return
		}
		r.listed = true
	}
	name := r.reference()
	if name == "" {
		return
	}
	w.v.debug("expand_type", "%s", name)
	w.addType(w.expansion(name, r))
}

// expansion makes the expansion of a record, or takes the one that a rule has.
func (w *walk) expansion(name string, r *record) *expansion {
	if text, ok := w.rules.find(ruleTypeString, name); ok && w.v.opt.Stable {
		return w.parse(name, text)
	}
	return &expansion{name: name, from: r, length: w.length(r)}
}

// addType adds an expansion under its name. The longest of a name is kept.
func (w *walk) addType(e *expansion) *expansion {
	known := w.types[e.name]
	if known != nil && e.length <= known.length {
		return known
	}
	if w.v.opt.DumpTypes {
		verb := "adding"
		if known != nil {
			verb = "replacing"
		}
		w.v.debug("type_map_add", "%s %s", verb, e.name)
		w.writeExpansion(w.v.out, e)
	}
	w.types[e.name] = e
	return e
}

// Lengths that are none.
const (
	lengthUnknown = -1
	lengthBusy    = -2
)

// length returns the bytes of a record's expansion without making it.
func (w *walk) length(r *record) int {
	if r.length >= 0 {
		return r.length
	}
	if r.length == lengthBusy {
		w.fail(fmt.Errorf("section .debug_info: offset %#x: type without a name refers to itself", r.n.at))
		return 0
	}
	r.length = lengthBusy
	n := 0
	for i := range r.parts {
		switch p := &r.parts[i]; {
		case p.isBreak():
			if i+1 == len(r.parts) || !r.parts[i+1].isBreak() {
				n++
			}
		case p.die != nil:
			child := p.die.known()
			if name := child.reference(); name != "" {
				n += len(name)
			} else {
				n += w.length(child)
			}
		default:
			n += len(p.text)
		}
		if n > maxExpansion {
			w.fail(fmt.Errorf("section .debug_info: offset %#x: type string is longer than %d", r.n.at, maxExpansion))
		}
		if w.err != nil {
			return 0
		}
	}
	r.length = n
	return n
}

// known returns the record that stands for a DIE in others' expansions.
func (n *node) known() *record {
	if n.complete != nil {
		return n.complete
	}
	return n.unexpanded
}

// spell makes the words of an expansion.
func (w *walk) spell(e *expansion) []word {
	if e.words == nil && e.from != nil && w.err == nil {
		if w.written += e.length; w.written > maxExpansions {
			w.fail(fmt.Errorf("type strings are longer than %d together", maxExpansions))
			return nil
		}
		s := speller{text: make([]byte, 0, 256)}
		s.record(e.from)
		s.flush()
		e.words = s.words
	}
	return e.words
}

// speller puts the text of an expansion together.
type speller struct {
	words []word
	text  []byte
}

func (s *speller) flush() {
	if len(s.text) > 0 {
		s.words = append(s.words, word{text: string(s.text)})
		s.text = s.text[:0]
	}
}

func (s *speller) add(text string) {
	if !isReference(text) {
		s.text = append(s.text, text...)
		return
	}
	s.flush()
	s.words = append(s.words, word{text: text, reference: true})
}

func (s *speller) record(r *record) {
	for i := range r.parts {
		switch p := &r.parts[i]; {
		case p.isBreak():
			if i+1 == len(r.parts) || !r.parts[i+1].isBreak() {
				s.text = append(s.text, ' ')
			}
		case p.die != nil:
			child := p.die.known()
			if name := child.reference(); name != "" {
				s.add(name)
			} else {
				s.record(child)
			}
		default:
			s.add(p.text)
		}
	}
}

// parse makes an expansion of the text of a rule. A reference ends at a space,
// or at the quote that ends its name.
func (w *walk) parse(name, text string) *expansion {
	e := &expansion{name: name, length: len(text)}
	fail := func(format string, args ...any) *expansion {
		w.failf("type_parse", format, args...)
		return e
	}
	if text == "" {
		return fail("empty type string override for '%s'", name)
	}
	start := 0
	for pos := 0; pos < len(text); pos++ {
		if !isReference(text[pos:]) {
			continue
		}
		end, quote := pos+2, byte(' ')
		if end < len(text) && text[end] == '\'' {
			quote = '\''
			end++
		}
		from := end
		for end < len(text) && text[end] != quote {
			end++
		}
		empty := end == from
		if quote == '\'' {
			if end == len(text) {
				return fail("incomplete %c# type reference for '%s' (string : '%s')", text[pos], name, text)
			}
			end++
		}
		if empty {
			return fail("empty %c# type name for '%s' (string: '%s')", text[pos], name, text)
		}
		if pos > start {
			e.words = append(e.words, word{text: text[start:pos]})
		}
		e.words = append(e.words, word{text: text[pos:end], reference: true})
		start, pos = end, end-1
	}
	if start < len(text) {
		e.words = append(e.words, word{text: text[start:], reference: isReference(text[start:])})
	}
	return e
}

// expandSymbol gives a symbol its version.
func (w *walk) expandSymbol(s *symbol) {
	types := w.typesTo != nil
	if !types && s.state == processed || s.node == nil || s.node.symbol == nil || s.node.u.d != w.d {
		return
	}
	e := w.expansion(s.name, s.node.symbol)
	if s.state != processed && w.err == nil {
		crc := w.hash(s, e)
		if w.err != nil {
			return
		}
		w.v.setCRC(s.name, crc)
		w.v.debug("expand_symbol", "%s = %x", s.name, crc)
		if w.v.opt.DumpVersions {
			w.v.out.WriteString(s.name)
			w.v.out.WriteByte(' ')
			w.symbols++
			w.emit(e, nil, w.v.out)
			w.v.out.WriteByte('\n')
		}
	}
	if types && w.err == nil {
		w.addType(e)
	}
}

// hash returns the version of a symbol.
func (w *walk) hash(s *symbol, e *expansion) uint32 {
	w.symbols++
	h := hasher{buf: make([]byte, 0, 1<<16)}
	w.emit(e, nil, &h)
	h.flush()
	return h.crc
}

// hasher collects text to hash much at a time.
type hasher struct {
	crc uint32
	buf []byte
}

func (h *hasher) flush() {
	h.crc = crc32.Update(h.crc, crc32.IEEETable, h.buf)
	h.buf = h.buf[:0]
}

// WriteString implements [io.StringWriter].
func (h *hasher) WriteString(s string) (int, error) {
	if len(h.buf)+len(s) > cap(h.buf) {
		h.flush()
	}
	h.buf = append(h.buf, s...)
	return len(s), nil
}

// emit writes an expansion with the types in it expanded, each once. within is
// the type whose expansion it is, nil for a symbol's.
func (w *walk) emit(e, within *expansion, to io.StringWriter) {
	if w.depth++; w.depth > maxDepth {
		w.fail(errDepth)
	}
	words := w.spell(e)
	for i := range words {
		word := &words[i]
		if w.err != nil {
			break
		}
		if !word.reference {
			to.WriteString(word.text)
			continue
		}
		if word.to == nil {
			word.to = w.lookUp(word.text, within)
		}
		switch {
		case word.to == nil:
		case word.to.hashed == w.symbols:
			to.WriteString(word.text)
		default:
			word.to.hashed = w.symbols
			w.emit(word.to, word.to, to)
		}
	}
	w.depth--
}

// lookUp finds the type of a reference. One that no DIE has may be a rule's.
func (w *walk) lookUp(name string, within *expansion) *expansion {
	if e := w.types[name]; e != nil {
		return e
	}
	if text, ok := w.rules.find(ruleTypeString, name); ok && w.v.opt.Stable {
		if e := w.parse(name, text); w.err == nil {
			return w.addType(e)
		}
		return nil
	}
	of := "(null)"
	if within != nil {
		of = within.name
	}
	w.failf("__calculate_version", "unknown type reference to '%s' when expanding '%s'", name, of)
	return nil
}

// writeTypes writes the expansions of the object file, sorted.
func (w *walk) writeTypes() {
	names := make([]string, 0, len(w.types))
	for name := range w.types {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if w.err == nil {
			w.writeExpansion(w.typesTo, w.types[name])
		}
	}
}

func (w *walk) writeExpansion(to io.Writer, e *expansion) {
	io.WriteString(to, e.name+" ")
	for _, word := range w.spell(e) {
		io.WriteString(to, word.text)
	}
	if _, err := io.WriteString(to, "\n"); err != nil {
		w.fail(err)
	}
}

// statistics prints what was remembered of DIEs.
func (w *walk) statistics() {
	const where = "die_map_free"
	v := w.v
	if v.hits+v.misses > 0 {
		rate := 100 * float32(v.hits) / float32(v.hits+v.misses)
		v.debug(where, "hits %d, misses %d (hit rate %.02f%%)", v.hits, v.misses, rate)
	}
	for state, name := range stateNames {
		v.debug(where, "%s: %d entries", name, w.count[state])
	}
}
