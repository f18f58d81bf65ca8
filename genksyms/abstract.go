package genksyms

// abstractOpt reads a parameter's declarator, if any, as from G4 on. There a
// bracket after nothing may open parameters: what comes first in it tells.
func (p *parser) abstractOpt() bool {
	for p.peek() == '*' {
		p.pointer()
	}
	switch p.peek() {
	case ident, bracketPhrase, '(':
		return p.directAbstract()
	}
	return true
}

// directAbstract reads what follows the pointers, with the attributes after it.
func (p *parser) directAbstract() bool {
	open := true // parameters may follow
	switch p.peek() {
	case ident:
		p.drop(p.shift())
	case bracketPhrase:
		p.shift()
	case '(':
		function, ok := p.openParen()
		if !ok {
			return false
		}
		open = !function
	}
	for open {
		switch p.peek() {
		case '(':
			p.lex.noTypes = false
			ok, erred := p.laterParameters()
			if !ok {
				return false
			}
			open = erred
		case bracketPhrase:
			p.shift()
		default:
			open = false
		}
	}
	p.attributes()
	p.lex.noTypes = false
	return true
}

// laterParameters reads parameters after a name, bound or group.
func (p *parser) laterParameters() (ok, erred bool) {
	depth := p.nested + 1
	p.shift()
	if !p.enter() {
		return false, false
	}
	p.lex.noTypes = false
	if p.parameterList() {
		if _, ok = p.expect(')'); ok {
			p.nested--
			return true, false
		}
	}
	_, _, ok = p.recover(depth, ')', ')')
	p.nested--
	return ok, true
}

// openParen reads a bracket that comes first: parameters of a function without
// a name, or a group. After an error it counts as a group.
func (p *parser) openParen() (function, ok bool) {
	depth := p.nested + 1
	p.shift()
	if !p.enter() {
		return false, false
	}
	p.lex.noTypes = false
	function, ok = p.openParenInside()
	if ok {
		_, ok = p.expect(')')
	}
	if !ok {
		function = false
		_, _, ok = p.recover(depth, ')', ')')
	}
	p.nested--
	return function, ok
}

func (p *parser) openParenInside() (function, ok bool) {
	k := p.peek()
	if k == dots || k == ')' {
		return true, p.parameterList()
	}
	for k == attributePhrase {
		p.shift()
		k = p.peek()
	}
	switch {
	case k == '*' || k == ident || k == '(' || k == bracketPhrase:
		return false, p.abstractOpt()
	case p.startsSpecifier(k):
		return true, p.parameterList()
	}
	return false, p.fault()
}
