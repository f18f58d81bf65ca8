package dkms

import (
	"fmt"
	"strings"
)

// parseWord reads a text as the inside of double quotes, as bash does with the
// words in ${a:-word} and with indexes.
func parseWord(text string, line, depth int) (word, error) {
	p := &parser{src: text, line: line, depth: depth}
	return p.quotedUntil("")
}

// word reads one word; also are bytes that do not end it. An empty result
// without progress means that none stands here.
func (p *parser) word(also string) (word, error) {
	var w word
	for p.at < len(p.src) {
		c := p.byte()
		switch {
		case strings.IndexByte(" \t\n;&|()<>", c) >= 0 && strings.IndexByte(also, c) < 0:
			return w, nil
		case p.has("\\\n"):
			p.next()
			p.next()
		case c == '\\':
			p.at++
			if p.at >= len(p.src) {
				return nil, errEnd
			}
			w = append(w, part{quoted: true, text: p.src[p.at : p.at+1]})
			p.next()
		case c == '\'':
			text, err := p.until('\'')
			if err != nil {
				return nil, err
			}
			w = append(w, part{quoted: true, text: text})
		case c == '"':
			p.at++
			inner, err := p.quotedUntil(`"`)
			if err != nil {
				return nil, err
			}
			w = append(w, inner...)
		case c == '$' || c == '`':
			d, err := p.dollar(false)
			if err != nil {
				return nil, err
			}
			w = append(w, d...)
		default:
			w = append(w, part{text: p.run(also)})
		}
	}
	return w, nil
}

// run takes bytes that mean nothing special in a word.
func (p *parser) run(also string) string {
	at := p.at
	for p.at++; p.at < len(p.src); p.at++ {
		c := p.src[p.at]
		if strings.IndexByte(" \t\n;&|()<>\\'\"$`", c) >= 0 && strings.IndexByte(also, c) < 0 {
			break
		}
	}
	return p.src[at:p.at]
}

// until takes what stands between two of a quote.
func (p *parser) until(quote byte) (string, error) {
	p.at++
	end := strings.IndexByte(p.src[p.at:], quote)
	if end < 0 {
		return "", fmt.Errorf("%w: no closing %c", errEnd, quote)
	}
	text := p.src[p.at : p.at+end]
	p.line += strings.Count(text, "\n")
	p.at += end + 1
	return text, nil
}

// quotedUntil reads the inside of double quotes up to end, or to the end of
// the text where end is empty.
func (p *parser) quotedUntil(end string) (word, error) {
	w := word{{quoted: true}}
	for p.at < len(p.src) {
		c := p.byte()
		switch {
		case end != "" && p.has(end):
			p.at += len(end)
			return w, nil
		case p.has("\\\n"):
			p.next()
			p.next()
		case c == '\\' && p.at+1 < len(p.src) && strings.IndexByte("$`\"\\", p.src[p.at+1]) >= 0:
			w = append(w, part{quoted: true, text: p.src[p.at+1 : p.at+2]})
			p.at += 2
		case c == '$' || c == '`':
			d, err := p.dollar(true)
			if err != nil {
				return nil, err
			}
			w = append(w, d...)
		default:
			at := p.at
			for p.next(); p.at < len(p.src) && strings.IndexByte("\\\"$`}", p.byte()) < 0; {
				p.next()
			}
			w = append(w, part{quoted: true, text: p.src[at:p.at]})
		}
	}
	if end != "" {
		return nil, fmt.Errorf("%w: no closing %s", errEnd, end)
	}
	return w, nil
}

// dollar reads an expansion.
func (p *parser) dollar(quoted bool) (word, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	switch {
	case p.byte() == '`':
		at := p.at
		inner, err := p.until('`')
		if err != nil {
			return nil, err
		}
		return p.substitution(inner, p.src[at:p.at], quoted)
	case p.has("$(("):
		return p.arithmetic(quoted)
	case p.has("$("):
		at := p.at
		p.at += 2
		body, err := p.list()
		if err == nil {
			err = p.expect(")")
		}
		if err != nil {
			return nil, inSubstitution(err)
		}
		return word{{kind: substitute, quoted: quoted, text: p.src[at:p.at], body: body}}, nil
	case p.has("${"):
		d, err := p.braces()
		d.quoted = quoted
		return word{d}, err
	}
	p.at++
	if n := nameLength(p.src[p.at:]); n > 0 {
		p.at += n
		return word{{kind: parameter, quoted: quoted, name: p.src[p.at-n : p.at]}}, nil
	}
	if strings.IndexByte("@*#?$!-0123456789", p.byte()) >= 0 && p.at < len(p.src) {
		p.at++
		return word{{kind: parameter, quoted: quoted, name: p.src[p.at-1 : p.at]}}, nil
	}
	return word{{quoted: quoted, text: "$"}}, nil
}

// substitution reads what stood between backquotes.
func (p *parser) substitution(inner, source string, quoted bool) (word, error) {
	q := &parser{src: inner, line: p.line, depth: p.depth}
	body, err := q.list()
	if err == nil && q.at < len(q.src) {
		err = fmt.Errorf("%q is not expected here", q.peekWord())
	}
	if err != nil {
		return nil, inSubstitution(err)
	}
	return word{{kind: substitute, quoted: quoted, text: source, body: body}}, nil
}

// inSubstitution says once where an error is, however deep.
func inSubstitution(err error) error {
	if strings.HasPrefix(err.Error(), "command substitution: ") {
		return err
	}
	return fmt.Errorf("command substitution: %w", err)
}

// arithmetic reads $((…)).
func (p *parser) arithmetic(quoted bool) (word, error) {
	p.at += 3
	at, open := p.at, 0
	for ; p.at < len(p.src); p.next() {
		switch {
		case p.byte() == '(':
			open++
		case p.byte() == ')' && open > 0:
			open--
		case p.has("))"):
			text := p.src[at:p.at]
			p.at += 2
			return word{{kind: arithmetic, quoted: quoted, text: text}}, nil
		case p.byte() == ')':
			return nil, fmt.Errorf("arithmetic: %q without its pair", ")")
		}
	}
	return nil, fmt.Errorf("%w: no closing ))", errEnd)
}

// operators of ${name…}, the longer ones first.
var operators = []string{":-", ":+", ":=", ":?", "##", "%%", "//", ",,", "^^", "#", "%", "/", "-", "+", "=", "?", ":"}

// braces reads ${…}.
func (p *parser) braces() (part, error) {
	p.at += 2
	d := part{kind: parameter}
	if p.byte() == '#' {
		d.op = "length"
		p.at++
	}
	n := nameLength(p.src[p.at:])
	d.name = p.src[p.at : p.at+n]
	p.at += n
	if p.byte() == '[' {
		end := strings.IndexByte(p.src[p.at:], ']')
		if end < 0 {
			return d, errEnd
		}
		d.index = p.src[p.at+1 : p.at+end]
		p.at += end + 1
	}
	if p.byte() != '}' && d.op == "" {
		for _, op := range operators {
			if p.has(op) {
				d.op = op
				p.at += len(op)
				break
			}
		}
		if d.op == "" {
			return d, fmt.Errorf("expansion ${%s%.10q… is not read", d.name, p.src[p.at:])
		}
		text, err := p.toBrace()
		if err != nil {
			return d, err
		}
		return d, p.argument(&d, text)
	}
	if p.byte() != '}' || d.name == "" {
		return d, fmt.Errorf("expansion ${%s%.10q… is not read", d.name, p.src[p.at:])
	}
	p.at++
	return d, nil
}

// argument reads what stands after an operator.
func (p *parser) argument(d *part, text string) error {
	first, second := text, ""
	if d.op == "/" || d.op == "//" {
		first, second, _ = strings.Cut(text, "/")
	}
	var err error
	if d.arg, err = parseWord(strings.ReplaceAll(first, `"`, ""), p.line, p.depth); err == nil {
		d.arg2, err = parseWord(strings.ReplaceAll(second, `"`, ""), p.line, p.depth)
	}
	return err
}

// toBrace takes the text up to the } that closes.
func (p *parser) toBrace() (string, error) {
	at, open := p.at, 0
	for ; p.at < len(p.src); p.next() {
		switch p.byte() {
		case '\\':
			p.next()
		case '{':
			open++
		case '}':
			if open == 0 {
				text := p.src[at:p.at]
				p.at++
				return text, nil
			}
			open--
		}
	}
	return "", fmt.Errorf("%w: no closing }", errEnd)
}
