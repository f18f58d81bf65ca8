package dkms

import (
	"errors"
	"fmt"
	"strings"
)

// The subset of bash's grammar that configurations are written in. What is
// outside of it is a syntax error, or a command that the interpreter does not
// know; the difference is that the second only spoils what depends on it.

// Bounds of a text. The longest real ones have 30 KB.
const (
	maxText  = 1 << 20
	maxLine  = 64 << 10
	maxDepth = 40
)

// list is commands one after the other.
type list []andOr

// andOr is pipelines joined by && and ||; ops[i] stands before pipes[i+1].
type andOr struct {
	pipes []pipeline
	ops   []string
}

type pipeline struct {
	negated bool
	cmds    []command
}

// command is simple, or one of the compound ones.
type command struct {
	line    int
	assigns []assign
	words   []word
	output  bool // redirected: what it prints goes elsewhere
	cond    *ifClause
	choice  *caseClause
	group   *list // { } or ( )
	sub     bool  // ( )
	foreign string
	inside  list // of foreign ones: what they would run
}

type ifClause struct {
	conds, bodies []list
	last          list
}

type caseClause struct {
	subject word
	items   []caseItem
}

type caseItem struct {
	patterns []word
	body     list
}

// assign is NAME=word, NAME[index]=word, NAME+=word or NAME=(words).
type assign struct {
	line   int
	name   string
	index  *word
	add    bool
	value  word
	array  []word
	isList bool
}

// word is the parts that make one word.
type word []part

type partKind int

const (
	literal    partKind = iota // text as it is
	parameter                  // ${name[index]op arg}
	substitute                 // $(…) or `…`
	arithmetic                 // $((…))
)

type part struct {
	kind   partKind
	quoted bool
	text   string // literal; the source text of substitute; the expression of arithmetic
	name   string // parameter
	index  string
	op     string
	arg    word
	arg2   word
	body   list // substitute
}

// errEnd is the end of the text where something was still open.
var errEnd = errors.New("unexpected end of the file")

type parser struct {
	src   string
	at    int
	line  int
	depth int
}

// parse reads a whole text.
func parse(text string) (list, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("longer than %d bytes", maxText)
	}
	n := 0
	for line := range strings.Lines(text) {
		n++
		if len(line) > maxLine {
			return nil, fmt.Errorf("line %d: longer than %d bytes", n, maxLine)
		}
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		return nil, fmt.Errorf("line %d: a NUL byte", 1+strings.Count(text[:i], "\n"))
	}
	p := &parser{src: strings.ReplaceAll(text, "\r\n", "\n"), line: 1}
	l, err := p.list()
	if err == nil && p.at < len(p.src) {
		err = fmt.Errorf("%q is not expected here", p.peekWord())
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", p.line, err)
	}
	return l, nil
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return fmt.Errorf("nested deeper than %d", maxDepth)
	}
	return nil
}

func (p *parser) byte() byte {
	if p.at < len(p.src) {
		return p.src[p.at]
	}
	return 0
}

func (p *parser) has(text string) bool { return strings.HasPrefix(p.src[p.at:], text) }

func (p *parser) next() {
	if p.byte() == '\n' {
		p.line++
	}
	p.at++
}

// blanks skips blanks and continued lines; with newlines also those, comments
// and semicolons.
func (p *parser) blanks(newlines bool) {
	for p.at < len(p.src) {
		switch c := p.byte(); {
		case c == ' ' || c == '\t':
			p.next()
		case p.has("\\\n"):
			p.next()
			p.next()
		case c == '#':
			for p.at < len(p.src) && p.byte() != '\n' {
				p.at++
			}
		case newlines && c == '\n', newlines && c == ';' && !p.has(";;"):
			p.next()
		default:
			return
		}
	}
}

// reserved are the words that end a list.
var reserved = map[string]bool{"then": true, "elif": true, "else": true, "fi": true, "esac": true, "done": true, "do": true, "}": true}

// peekWord is the plain word that stands next, without taking it.
func (p *parser) peekWord() string {
	n := p.at
	for n < len(p.src) && !strings.ContainsRune(" \t\n;&|()<>", rune(p.src[n])) {
		n++
	}
	if n == p.at && n < len(p.src) {
		n++
	}
	return p.src[p.at:n]
}

// take takes a plain word if it stands next.
func (p *parser) take(text string) bool {
	p.blanks(true)
	if p.peekWord() != text {
		return false
	}
	p.at += len(text)
	return true
}

func (p *parser) expect(text string) error {
	if p.take(text) {
		return nil
	}
	if p.at >= len(p.src) {
		return fmt.Errorf("%w: no %q", errEnd, text)
	}
	return fmt.Errorf("%q where %q is expected", p.peekWord(), text)
}

// list reads commands up to a reserved word, ), ;; or the end.
func (p *parser) list() (list, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var l list
	for {
		p.blanks(true)
		if p.at >= len(p.src) || p.byte() == ')' || p.has(";;") || reserved[p.peekWord()] {
			return l, nil
		}
		a, err := p.andOr()
		if err != nil {
			return nil, err
		}
		l = append(l, a)
		p.blanks(false)
		switch c := p.byte(); {
		case p.at >= len(p.src), c == '\n', c == ')', c == ';':
		case c == '&':
			p.next()
		default:
			return nil, fmt.Errorf("%q is not expected here", p.peekWord())
		}
	}
}

func (p *parser) andOr() (andOr, error) {
	var a andOr
	for {
		pipe, err := p.pipeline()
		if err != nil {
			return a, err
		}
		a.pipes = append(a.pipes, pipe)
		p.blanks(false)
		if !p.has("&&") && !p.has("||") {
			return a, nil
		}
		a.ops = append(a.ops, p.src[p.at:p.at+2])
		p.at += 2
		p.blanks(true)
	}
}

func (p *parser) pipeline() (pipeline, error) {
	var pipe pipeline
	for p.blanks(false); p.peekWord() == "!"; p.blanks(false) {
		pipe.negated = !pipe.negated
		p.at++
	}
	for {
		c, err := p.command()
		if err != nil {
			return pipe, err
		}
		pipe.cmds = append(pipe.cmds, c)
		p.blanks(false)
		if p.byte() != '|' || p.has("||") {
			return pipe, nil
		}
		p.at++
		p.blanks(true)
	}
}

// command reads one command with what it is redirected to.
func (p *parser) command() (command, error) {
	p.blanks(true)
	c := command{line: p.line}
	var err error
	switch w := p.peekWord(); {
	case w == "if":
		c.cond, err = p.ifClause()
	case w == "case":
		c.choice, err = p.caseClause()
	case w == "{":
		c.group, err = p.grouped("{", "}")
	case w == "(" && !p.has("(("):
		c.sub = true
		c.group, err = p.grouped("(", ")")
	case w == "for" || w == "while" || w == "until" || w == "select":
		c.foreign = w + " loop"
		c.inside, err = p.loop()
	case w == "function":
		return c, errors.New("functions are not read")
	default:
		return p.simple(c)
	}
	if err != nil {
		return c, err
	}
	for p.blanks(false); p.redirection(); p.blanks(false) {
		c.output = true
		if err := p.redirect(); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (p *parser) grouped(open, end string) (*list, error) {
	p.at += len(open)
	l, err := p.list()
	if err != nil {
		return nil, err
	}
	return &l, p.expect(end)
}

func (p *parser) ifClause() (*ifClause, error) {
	c := &ifClause{}
	p.at += len("if")
	for {
		cond, err := p.list()
		if err != nil {
			return nil, err
		}
		if err := p.expect("then"); err != nil {
			return nil, err
		}
		body, err := p.list()
		if err != nil {
			return nil, err
		}
		c.conds, c.bodies = append(c.conds, cond), append(c.bodies, body)
		if p.take("elif") {
			continue
		}
		if p.take("else") {
			if c.last, err = p.list(); err != nil {
				return nil, err
			}
		}
		return c, p.expect("fi")
	}
}

func (p *parser) caseClause() (*caseClause, error) {
	p.at += len("case")
	c := &caseClause{}
	p.blanks(false)
	var err error
	if c.subject, err = p.word(""); err != nil {
		return nil, err
	}
	if err := p.expect("in"); err != nil {
		return nil, err
	}
	for !p.take("esac") {
		var item caseItem
		p.take("(")
		for {
			p.blanks(true)
			w, err := p.word("")
			if err != nil {
				return nil, err
			}
			item.patterns = append(item.patterns, w)
			p.blanks(false)
			if p.byte() != '|' {
				break
			}
			p.at++
		}
		if err := p.expect(")"); err != nil {
			return nil, err
		}
		if item.body, err = p.list(); err != nil {
			return nil, err
		}
		if p.has(";;") {
			p.at += 2
		}
		c.items = append(c.items, item)
	}
	return c, nil
}

// loop reads a loop for what it would assign.
func (p *parser) loop() (list, error) {
	for p.at < len(p.src) && p.byte() != '\n' && p.byte() != ';' {
		if _, err := p.anyWord(); err != nil {
			return nil, err
		}
		p.blanks(false)
	}
	if err := p.expect("do"); err != nil {
		return nil, err
	}
	body, err := p.list()
	if err != nil {
		return nil, err
	}
	return body, p.expect("done")
}

// anyWord takes a word or a single byte that is none.
func (p *parser) anyWord() (word, error) {
	at := p.at
	w, err := p.word("")
	if err == nil && p.at == at {
		p.next()
	}
	return w, err
}

// redirection says whether < or >, perhaps after a number, stands next.
func (p *parser) redirection() bool {
	n := p.at
	for n < len(p.src) && p.src[n] >= '0' && p.src[n] <= '9' {
		n++
	}
	return n < len(p.src) && (p.src[n] == '<' || p.src[n] == '>') || strings.HasPrefix(p.src[p.at:], "&>")
}

func (p *parser) redirect() error {
	for p.byte() >= '0' && p.byte() <= '9' || p.byte() == '&' {
		p.at++
	}
	if p.has("<<") && !p.has("<<<") {
		return errors.New("here-documents are not read")
	}
	for strings.IndexByte("<>&|", p.byte()) >= 0 && p.at < len(p.src) {
		p.at++
	}
	p.blanks(false)
	at := p.at
	if _, err := p.word(""); err != nil {
		return err
	}
	if p.at == at {
		return errors.New("no file after a redirection")
	}
	return nil
}

// simple reads assignments and words.
func (p *parser) simple(c command) (command, error) {
	for {
		p.blanks(false)
		if p.redirection() {
			c.output = true
			if err := p.redirect(); err != nil {
				return c, err
			}
			continue
		}
		at := p.at
		if len(c.words) == 0 {
			if a, ok, err := p.assignment(); err != nil {
				return c, err
			} else if ok {
				c.assigns = append(c.assigns, a)
				continue
			}
		}
		w, err := p.wordIn(c)
		if err != nil {
			return c, err
		}
		if p.at == at {
			break
		}
		c.words = append(c.words, w)
		if p.byte() == '(' && len(c.words) == 1 {
			return c, errors.New("functions are not read")
		}
	}
	if len(c.words) == 0 && len(c.assigns) == 0 && !c.output {
		return c, fmt.Errorf("%q is not expected here", p.peekWord())
	}
	return c, nil
}

// wordIn reads the next word of a command; inside [[ ]] the operators of lists
// are words.
func (p *parser) wordIn(c command) (word, error) {
	if len(c.words) == 0 || c.words[0].plain() != "[[" || c.words[len(c.words)-1].plain() == "]]" {
		return p.word("")
	}
	p.blanks(true)
	for _, op := range []string{"&&", "||", "(", ")", "<", ">"} {
		if p.has(op) {
			p.at += len(op)
			return word{{text: op}}, nil
		}
	}
	switch before := c.words[len(c.words)-1].plain(); {
	case before == "=~":
		return p.word("()|<>")
	case (before == "==" || before == "=" || before == "!=") && p.at+1 < len(p.src) && strings.IndexByte("@?*+", p.byte()) >= 0 && p.src[p.at+1] == '(':
		return p.word("()|")
	}
	return p.word("")
}

// plain is the text of a word without quotes and expansions, else "".
func (w word) plain() string {
	if len(w) == 1 && w[0].kind == literal && !w[0].quoted {
		return w[0].text
	}
	return ""
}

// nameLength is the length of the variable's name at the start of text.
func nameLength(text string) int {
	n := 0
	for n < len(text) && (text[n] == '_' || text[n] >= 'a' && text[n] <= 'z' || text[n] >= 'A' && text[n] <= 'Z' || n > 0 && text[n] >= '0' && text[n] <= '9') {
		n++
	}
	return n
}

// assignment reads one if it stands next.
func (p *parser) assignment() (a assign, ok bool, err error) {
	rest := p.src[p.at:]
	n := nameLength(rest)
	if n == 0 || n == len(rest) {
		return a, false, nil
	}
	a.line, a.name = p.line, rest[:n]
	if rest[n] == '[' {
		end := strings.IndexAny(rest[n:], "]\n")
		if end < 0 || rest[n+end] == '\n' {
			return a, false, nil
		}
		index := rest[n+1 : n+end]
		if n += end + 1; n == len(rest) || rest[n] != '=' && !strings.HasPrefix(rest[n:], "+=") {
			return a, false, nil
		}
		w, err := parseWord(index, p.line, p.depth)
		if err != nil {
			return a, false, err
		}
		a.index = &w
	}
	if strings.HasPrefix(rest[n:], "+=") {
		a.add = true
		n++
	}
	if rest[n] != '=' {
		return a, false, nil
	}
	p.at += n + 1
	if p.byte() == '(' {
		a.isList = true
		a.array, err = p.arrayValue()
		return a, err == nil, err
	}
	a.value, err = p.word("")
	return a, err == nil, err
}

func (p *parser) arrayValue() ([]word, error) {
	p.at++
	var words []word
	for {
		p.blanks(true)
		if p.at >= len(p.src) {
			return nil, errEnd
		}
		if p.byte() == ')' {
			p.at++
			return words, nil
		}
		at := p.at
		w, err := p.word("")
		if err != nil {
			return nil, err
		}
		if p.at == at {
			return nil, fmt.Errorf("%q is not expected here", p.peekWord())
		}
		if t := w.plain(); strings.HasPrefix(t, "[") && strings.Contains(t, "]=") {
			return nil, errors.New("arrays with indexes in the list are not read")
		}
		words = append(words, w)
	}
}
