package gendwarfksyms

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Tags of DIEs, DWARF 5 section 7.5.3.
const (
	tagArray             = 0x01
	tagClass             = 0x02
	tagEnumeration       = 0x04
	tagFormalParameter   = 0x05
	tagMember            = 0x0d
	tagPointer           = 0x0f
	tagReference         = 0x10
	tagStructure         = 0x13
	tagSubroutine        = 0x15
	tagTypedef           = 0x16
	tagUnion             = 0x17
	tagVariant           = 0x19
	tagSubrange          = 0x21
	tagBase              = 0x24
	tagConst             = 0x26
	tagEnumerator        = 0x28
	tagPacked            = 0x2d
	tagSubprogram        = 0x2e
	tagTemplateParameter = 0x2f
	tagVariantPart       = 0x33
	tagVariable          = 0x34
	tagVolatile          = 0x35
	tagRestrict          = 0x37
	tagNamespace         = 0x39
	tagUnspecified       = 0x3b
	tagShared            = 0x40
	tagRvalueReference   = 0x42
	tagAtomic            = 0x47
	tagImmutable         = 0x4b
)

// What is walked at most: DIEs below one another (the types of vmlinux nest 220
// deep), visits for one symbol (30,000 there), scopes around a name, and bytes
// of names made of the names of scopes.
const (
	maxDepth  = 1 << 14
	maxVisits = 1 << 21
	maxScopes = 1 << 8
	maxNames  = 256 << 20
)

// recordState is how far a record got.
type recordState uint8

const (
	incomplete recordState = iota
	named
	unexpanded // a structure that was expanded before for the same symbol
	complete
	ofSymbol
	stateCount
)

var stateNames = [stateCount]string{"DIE_INCOMPLETE", "DIE_FQN", "DIE_UNEXPANDED", "DIE_COMPLETE", "DIE_SYMBOL"}

// record is the type string of a DIE in one state, with the DIEs that it
// refers to left as such.
type record struct {
	n      *node
	state  recordState
	fqn    string // qualified by namespaces and structures
	hasFQN bool
	parts  []part
	listed bool // its expansion was looked at
	length int  // of its expansion; see expand.go
}

// part is a piece of a type string: a DIE, a line break or, where die is nil,
// text. There are many, so a line break is one of three DIEs that stand for it.
type part struct {
	die  *node
	text string
}

// breaks stand for line breaks that indent what follows by -1, 0 and 1 levels.
var breaks [3]node

func lineBreak(levels int) part { return part{die: &breaks[levels+1]} }

// isBreak reports whether a part is a line break.
func (p *part) isBreak() bool {
	return p.die == &breaks[0] || p.die == &breaks[1] || p.die == &breaks[2]
}

// levels returns by how much a line break indents.
func (p *part) levels() int {
	switch p.die {
	case &breaks[0]:
		return -1
	case &breaks[2]:
		return 1
	}
	return 0
}

// walk goes through the DIEs of one object file.
type walk struct {
	v       *Versions
	d       *dwarf
	rules   rules
	typesTo io.Writer // the symtypes file, nil for none
	records []*record
	count   [stateCount]uint32
	sources map[uint64]bool // whether a file number is that of a .c file
	symbols uint32          // that were walked
	visits  int             // for the last of them
	depth   int
	names   int // bytes of qualified names

	pointers bool // the unit has pointers to symbols

	breakDue    bool // of --dump-dies
	indentation int

	types   map[string]*expansion
	written int // bytes of all expansions

	err error // the first; nothing is done after it
}

// context is where a walk is, for one symbol.
type context struct {
	symbol    *symbol
	firstItem bool
	expand    bool
	scope     string // the innermost structure or enumeration that is being expanded

	renamed *string // the name that a replaced member had
}

func (w *walk) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *walk) failf(where, format string, args ...any) { w.fail(errorf(where, format, args...)) }

// quick says that nothing shows which remembered DIEs are visited again.
func (w *walk) quick() bool {
	return !w.v.opt.Stable && !w.v.opt.Debug && !w.v.opt.DumpDies
}

// unit gives DIEs to the symbols that the unit has types for.
func (w *walk) unit(u *unit) error {
	w.sources = map[uint64]bool{}
	u.resolved = true
	if err := u.index(); err != nil {
		return err
	}
	defer u.release()
	if len(u.entries) == 0 {
		return nil
	}
	w.countNames(u)
	u.children(0, func(child uint32) bool {
		w.exported(u, child)
		return w.err == nil
	})
	w.pointedTo()
	return w.err
}

// pointedTo makes the type strings of symbols that the unit has pointers to only.
func (w *walk) pointedTo() {
	if !w.pointers {
		return
	}
	w.pointers = false
	for _, s := range w.v.symbols.order() {
		if w.err == nil && s.state == unprocessed && s.pointer != nil {
			w.v.debug("process_symbol_ptr", "%s", s.name)
			w.symbol(w.context(s), s.pointer, s.pointer.tag == tagSubroutine)
		}
	}
}

// countNames counts the DIEs with a qualified name, which the program remembers.
func (w *walk) countNames(u *unit) {
	if !w.v.opt.Debug {
		return
	}
	for i := range u.entries[1:] {
		if name, _ := w.qualified(u, uint32(i+1)); name != "" {
			w.count[named]++
			w.v.misses++
		}
	}
}

// exported looks at a DIE that may be, or hold, an exported symbol.
func (w *walk) exported(u *unit, i uint32) {
	tag := u.tag(i)
	switch tag {
	case tagNamespace, tagClass, tagStructure:
		if w.depth++; w.depth > maxDepth {
			w.fail(fmt.Errorf("section .debug_info: offset %#x: nested too deep", u.start+int(u.entries[i].at)))
			return
		}
		u.children(i, func(child uint32) bool {
			w.exported(u, child)
			return w.err == nil
		})
		w.depth--
	case tagSubprogram, tagVariable:
		a := u.attrs(i)
		sym, source := w.match(&a, u, i)
		if sym == nil || w.err != nil {
			return
		}
		sa := source.u.attrs(source.i)
		if strings.HasPrefix(sa.symbolName(), pointerPrefix) {
			w.savePointer(sym, &sa)
		} else {
			w.symbol(w.context(sym), source, tag == tagSubprogram)
		}
	}
}

// match finds the symbol that a DIE is of. The type is in the DIE that it was
// made from, where there is one.
func (w *walk) match(a *attrs, u *unit, i uint32) (*symbol, *node) {
	name := a.symbolName()
	sym := w.v.symbols.wanted(name)
	if sym == nil && a.list[atOrigin].form == 0 {
		return nil, nil
	}
	origin, err := a.ref(atOrigin)
	if err != nil {
		w.fail(err)
		return nil, nil
	}
	if origin == nil {
		if sym == nil {
			return nil, nil
		}
		return sym, u.node(i)
	}
	if sym == nil {
		oa := origin.u.attrs(origin.i)
		sym = w.v.symbols.wanted(oa.symbolName())
	}
	return sym, origin
}

func (w *walk) context(s *symbol) *context {
	w.symbols++
	w.visits = 0
	return &context{symbol: s, expand: true}
}

// savePointer notes the type of a variable that points to a symbol, for the
// case that the symbol itself has no DIE.
func (w *walk) savePointer(sym *symbol, a *attrs) {
	pointer := w.ref(a, atType)
	if pointer == nil || pointer.tag != tagPointer {
		w.failf("save_symbol_ptr", "%s must be a pointer type!", a.symbolName())
		return
	}
	pa := pointer.u.attrs(pointer.i)
	to := w.ref(&pa, atType)
	if to == nil {
		w.failf("save_symbol_ptr", "%s pointer missing a type attribute?", a.symbolName())
		return
	}
	if to.tag == tagSubroutine {
		pointer = to
	}
	w.v.symbols.each(sym.name, func(s *symbol) { s.pointer = pointer })
	w.pointers = true
}

// ref is attrs.ref with the error kept.
func (w *walk) ref(a *attrs, which int) *node {
	n, err := a.ref(which)
	if err != nil {
		w.fail(err)
	}
	return n
}

// symbol makes the type string of a symbol.
func (w *walk) symbol(c *context, n *node, function bool) {
	w.v.symbols.each(c.symbol.name, func(s *symbol) { s.node, s.state = n, mapped })
	if n.symbol != nil { // another symbol's too
		w.v.hits++
		return
	}
	r := w.record(n)
	w.v.debug("process_symbol", "%s", c.symbol.name)
	a := n.u.attrs(n.i)
	if function {
		w.function(c, r, &a, "subprogram")
	} else {
		w.text(r, "variable ")
		w.typeOf(c, r, &a)
	}
	w.finish(r, ofSymbol)
	if w.v.opt.DumpDies && w.err == nil {
		w.v.out.WriteByte('\n')
	}
}

// record makes a record that is not complete yet.
func (w *walk) record(n *node) *record {
	w.v.misses++
	r := &record{n: n, length: -1}
	w.records = append(w.records, r)
	return r
}

// finish makes a record known. Where a DIE refers to itself the inner record,
// which is complete first, is the one that is found from then on.
func (w *walk) finish(r *record, state recordState) {
	r.state = state
	w.count[state]++
	to := &r.n.complete
	switch state {
	case unexpanded:
		to = &r.n.unexpanded
	case ofSymbol:
		to = &r.n.symbol
	}
	if *to == nil {
		*to = r
	}
}

// qualified returns the name of a DIE with the names of its scopes before it.
// A DIE without a name has none.
func (w *walk) qualified(u *unit, i uint32) (string, bool) {
	a := u.attrs(i)
	name, ok := a.text(atName)
	if !ok || !u.resolved {
		return "", false
	}
	outer := w.prefix(u, u.entries[i].parent, 0)
	if outer == nil {
		return name, true
	}
	return w.join(u, i, *outer, name), true
}

// join puts a scope before a name.
func (w *walk) join(u *unit, i uint32, scope, name string) string {
	if w.names += len(scope) + len(name); w.names > maxNames {
		w.fail(fmt.Errorf("section .debug_info: offset %#x: names are too long", u.start+int(u.entries[i].at)))
		return ""
	}
	return scope + "::" + name
}

// prefix returns what a scope puts before the names in it, nil for nothing.
func (w *walk) prefix(u *unit, i uint32, depth int) *string {
	if i == 0 || i == none {
		return nil
	}
	switch u.tag(i) {
	case tagNamespace, tagClass, tagStructure:
	default:
		return nil
	}
	if known, ok := u.prefixes[i]; ok {
		return known
	}
	if depth > maxScopes {
		w.fail(fmt.Errorf("section .debug_info: offset %#x: nested too deep", u.start+int(u.entries[i].at)))
		return nil
	}
	a := u.attrs(i)
	name, named := a.text(atName)
	outer := w.prefix(u, u.entries[i].parent, depth+1)
	if !named {
		name = "<anonymous>"
	}
	if outer != nil {
		name = w.join(u, i, *outer, name)
	}
	var result *string
	if named || outer != nil {
		result = &name
	}
	u.prefixes[i] = result
	return result
}

var errDepth = errors.New("types are nested too deep, or refer to themselves")

// typ adds the type string of a DIE to a record.
func (w *walk) typ(c *context, parent *record, n *node) {
	if w.err != nil {
		return
	}
	if w.visits++; w.depth == maxDepth || w.visits > w.v.maxVisits {
		w.fail(fmt.Errorf("section .debug_info: offset %#x: %w", n.at, errDepth))
		return
	}
	if n.complete != nil && w.quick() {
		w.add(parent, part{die: n})
		return
	}
	expand, scope := c.expand, c.scope
	want := w.wanted(c, n)
	known := n.complete
	if want == unexpanded {
		known = n.unexpanded
	}
	if known != nil {
		w.v.hits++
		if w.v.opt.DumpDieMap {
			w.mapped(92, "cached addr %#x tag %x -- %s", n.at, n.tag, stateNames[want])
		}
		w.depth++
		w.again(c, known)
		w.depth--
	} else {
		r := w.record(n)
		w.mapped(92, "addr %#x tag %x -- %s -> %s", n.at, n.tag, stateNames[incomplete], stateNames[want])
		a := n.u.attrs(n.i)
		w.depth++
		w.describe(c, r, &a)
		w.depth--
		w.mapped(91, "parent %s cache %s die addr %#x tag %x", handle{parent}, handle{r}, n.at, n.tag)
		w.finish(r, want)
	}
	w.add(parent, part{die: n})
	c.expand, c.scope = expand, scope
}

// wanted returns in which state a DIE is needed. A structure is expanded once for a
// symbol, and not within one that is not.
func (w *walk) wanted(c *context, n *node) recordState {
	switch n.tag {
	case tagClass, tagStructure, tagUnion, tagEnumeration:
	default:
		return complete
	}
	if n.expanded == w.symbols {
		c.expand = false
	}
	if !c.expand {
		return unexpanded
	}
	n.expanded = w.symbols
	return complete
}

// again goes through a type string that is known, as though it was made.
func (w *walk) again(c *context, r *record) {
	for i := range r.parts {
		p := &r.parts[i]
		if w.v.opt.DumpDieMap {
			w.mappedPart(r, p)
		}
		switch {
		case p.isBreak():
			w.newline(nil, p.levels())
		case p.die != nil:
			w.typ(c, nil, p.die)
		default:
			w.text(nil, p.text)
		}
		if w.err != nil {
			return
		}
	}
}

func (w *walk) mappedPart(r *record, p *part) {
	switch {
	case p.isBreak():
	case p.die != nil:
		w.mapped(94, "cache %s DIE addr %x tag %x", handle{r}, p.die.at, p.die.tag)
	default:
		w.mapped(94, "cache %s STRING '%s'", handle{r}, p.text)
	}
}

func (w *walk) add(r *record, p part) {
	if r != nil {
		r.parts = append(r.parts, p)
	}
}

// text adds words to a type string, and prints them if asked to.
func (w *walk) text(r *record, s string) {
	if w.v.opt.DumpDies && w.err == nil {
		if w.breakDue {
			w.v.out.WriteByte('\n')
			for range w.indentation {
				w.v.out.WriteString("  ")
			}
			w.breakDue = false
		}
		w.v.out.WriteString(s)
		if r != nil {
			w.mapped(91, "cache %s string '%s'", handle{r}, s)
		}
	}
	w.add(r, part{text: s})
}

// newline ends a line; the next is indented by so many levels more.
func (w *walk) newline(r *record, levels int) {
	w.indentation += levels
	w.breakDue = true
	w.add(r, lineBreak(levels))
}

// mapped prints for --dump-die-map, in a colour. What is done for each visit asks
// for that option first: to make the arguments takes longer than the visit.
func (w *walk) mapped(colour int, format string, args ...any) {
	if w.v.opt.DumpDieMap && w.err == nil {
		fmt.Fprintf(w.v.out, "\033[%dm<"+format+">\033[39m", append([]any{colour}, args...)...)
	}
}

// handle stands for the address of a record, which the program prints.
type handle struct{ *record }

// String implements [fmt.Stringer].
func (h handle) String() string {
	if h.record == nil {
		return "(nil)"
	}
	return fmt.Sprintf("%p", h.record)
}
