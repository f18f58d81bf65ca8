package genksyms

// pointer reads '*' and its qualifiers.
func (p *parser) pointer() {
	p.shift()
	for {
		switch p.peek() {
		case kwConst, kwVolatile, kwSegment, attributePhrase:
			p.shift()
		case kwRestrict:
			p.drop(p.shift())
		default:
			return
		}
	}
}

// declarator reads the declarator that gives the declaration its name, and
// returns where it ends.
func (p *parser) declarator() (at, bool) {
	for p.peek() == '*' {
		p.pointer()
	}
	var e at
	switch k := p.peek(); {
	case k == ident || k == typeName && p.dialect.Era == G3:
		e = p.shift()
		if p.name != 0 {
			p.tab.complain("unexpected second declaration name")
			p.calm = 3
			return 0, false
		}
		p.name = p.lex.row[p.last(e)].word
		p.lex.noTypes = false
	case k == '(':
		var ok bool
		if e, ok = p.grouped(); !ok {
			return 0, false
		}
	default:
		return 0, p.fault()
	}
	for {
		switch p.peek() {
		case '(':
			var ok bool
			if e, ok = p.parameters(); !ok {
				return 0, false
			}
		case bracketPhrase:
			e = p.shift()
		default:
			return e, true
		}
	}
}

// grouped reads a declarator in brackets. Before G3 an error in it ends with
// the bracket.
func (p *parser) grouped() (at, bool) {
	depth := p.nested + 1
	p.shift()
	if !p.enter() {
		return 0, false
	}
	if p.dialect.Era >= G4 {
		p.attributes()
	}
	_, ok := p.declarator()
	e := at(0)
	if ok {
		e, ok = p.expect(')')
	}
	if !ok && p.dialect.Era < G3 {
		_, e, ok = p.recover(depth, ')', ')')
	}
	p.nested--
	return e, ok
}

// parameters reads a parameter list with its brackets. An error in it ends
// with the closing bracket.
func (p *parser) parameters() (at, bool) {
	depth := p.nested + 1
	p.shift()
	if !p.enter() {
		return 0, false
	}
	e, ok := p.parametersEnd(depth)
	p.nested--
	return e, ok
}

func (p *parser) parametersEnd(depth int) (at, bool) {
	if p.parameterList() {
		if e, ok := p.expect(')'); ok {
			return e, true
		}
	}
	_, e, ok := p.recover(depth, ')', ')')
	return e, ok
}

// parameterList reads what stands in the brackets.
func (p *parser) parameterList() bool {
	switch k := p.peek(); {
	case k == dots:
		p.shift()
		return true
	case k == ')':
		return true
	case !p.startsSpecifier(k):
		return p.fault()
	}
	for {
		if !p.parameter() {
			return false
		}
		p.lex.noTypes = false
		switch p.peek() {
		case dots:
			p.shift()
			return true
		case ',':
			p.shift()
		default:
			return true
		}
		if p.peek() == dots {
			p.shift()
			return true
		}
		if !p.startsSpecifier(p.peek()) {
			return p.fault()
		}
	}
}

// parameter reads specifiers and a declarator with or without name. The name is
// dropped.
func (p *parser) parameter() bool {
	if !p.someSpecifiers() {
		return false
	}
	if p.dialect.Era >= G4 {
		return p.abstractOpt()
	}
	return p.abstract()
}

// abstract reads a parameter's declarator, as up to G3. A bracket after nothing
// always groups.
func (p *parser) abstract() bool {
	for p.peek() == '*' {
		p.pointer()
	}
	switch p.peek() {
	case ident, typeName:
		p.drop(p.shift())
	case '(':
		if !p.abstractGroup() {
			return false
		}
	}
	for {
		switch p.peek() {
		case '(':
			if _, ok := p.parameters(); !ok {
				return false
			}
		case bracketPhrase:
			p.shift()
		default:
			return true
		}
	}
}

func (p *parser) abstractGroup() bool {
	depth := p.nested + 1
	p.shift()
	if !p.enter() {
		return false
	}
	ok := false
	switch p.peek() {
	case ident, typeName, '(', '*', bracketPhrase, ')':
		ok = p.abstract()
		if ok {
			_, ok = p.expect(')')
		}
	default:
		p.fault()
	}
	if !ok {
		_, _, ok = p.recover(depth, ')', ')')
	}
	p.nested--
	return ok
}

// nestedDeclarator reads a member's declarator.
func (p *parser) nestedDeclarator() bool {
	for p.peek() == '*' {
		p.pointer()
	}
	switch k := p.peek(); {
	case k == ident || k == typeName && p.dialect.Era < G4:
		p.shift()
		p.lex.noTypes = false
	case k == '(':
		if !p.nestedGroup() {
			return false
		}
	default:
		return p.fault()
	}
	return p.nestedSuffixes()
}

// nestedSuffixes reads parameters and array bounds. From G4 on nothing follows
// parameters, unless there was an error in them.
func (p *parser) nestedSuffixes() bool {
	for {
		switch p.peek() {
		case '(':
			ok, erred := p.nestedParameters()
			if !ok {
				return false
			}
			if p.dialect.Era >= G4 && !erred {
				return true
			}
		case bracketPhrase:
			p.shift()
		default:
			return true
		}
	}
}

func (p *parser) nestedParameters() (ok, erred bool) {
	depth := p.nested + 1
	p.shift()
	if !p.enter() {
		return false, false
	}
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

func (p *parser) nestedGroup() bool {
	depth := p.nested + 1
	p.shift()
	if !p.enter() {
		return false
	}
	if p.dialect.Era >= G4 {
		p.attributes()
	}
	ok := p.nestedDeclarator()
	if ok {
		_, ok = p.expect(')')
	}
	if !ok {
		_, _, ok = p.recover(depth, ')', ')')
	}
	p.nested--
	return ok
}
