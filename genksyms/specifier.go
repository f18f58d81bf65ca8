package genksyms

// startsSpecifier says whether a token can be or begin a specifier.
func (p *parser) startsSpecifier(k kind) bool {
	return k >= kwAuto && k <= kwTypeof || k == typeName || k == attributePhrase || k == typeofPhrase
}

// specifiers reads the specifiers of a declaration or member, if any.
func (p *parser) specifiers() bool {
	if !p.startsSpecifier(p.peek()) {
		p.spec = none
		return true
	}
	return p.someSpecifiers()
}

// someSpecifiers reads at least one specifier. From G4 on attributes alone are
// none.
func (p *parser) someSpecifiers() bool {
	if p.dialect.Era >= G4 {
		for p.peek() == attributePhrase {
			p.shift()
		}
		if !p.startsSpecifier(p.peek()) {
			return p.fault()
		}
	}
	for p.startsSpecifier(p.peek()) {
		e, ok := p.specifier()
		if !ok {
			return false
		}
		p.spec = p.last(e)
	}
	return true
}

// specifier reads one and returns where it ends.
func (p *parser) specifier() (at, bool) {
	switch k := p.peek(); k {
	case kwAuto, kwRegister, kwStatic, kwExtern, kwInline:
		e := p.shift()
		switch k {
		case kwExtern:
			p.isExtern = true
		case kwInline:
			p.isExtern = false
		}
		p.drop(e) // a version does not depend on linkage
		return e, true
	case kwRestrict:
		e := p.shift()
		p.drop(e)
		return e, true
	case kwConst, kwVolatile, kwSegment, attributePhrase:
		return p.shift(), true
	}
	e, ok := p.typeSpecifier()
	if ok {
		p.lex.noTypes = p.dialect.Era >= G4
	}
	return e, ok
}

func (p *parser) typeSpecifier() (at, bool) {
	switch k := p.peek(); k {
	case typeName:
		e := p.shift()
		p.mark(e, Typedef)
		return e, true
	case kwStruct:
		return p.compound(Struct)
	case kwUnion:
		return p.compound(Union)
	case kwEnum:
		return p.enum()
	case kwTypeof:
		return p.typeof()
	}
	return p.shift(), true
}

// typeof reads typeof(TYPE). It ends, as far as the grammar knows, where the
// word ends: a second declarator has nothing else of it.
func (p *parser) typeof() (at, bool) {
	e := p.shift()
	if _, ok := p.expect('('); !ok {
		return 0, false
	}
	if !p.enter() {
		return 0, false
	}
	if !p.startsSpecifier(p.peek()) {
		return 0, p.fault()
	}
	if p.dialect.Era >= G3 {
		if !p.parameter() {
			return 0, false
		}
	} else {
		if !p.someSpecifiers() {
			return 0, false
		}
		if p.peek() == '*' {
			p.shift()
		}
	}
	_, ok := p.expect(')')
	p.nested--
	return e, ok
}

// compound reads a struct or union: its name, its body or both.
func (p *parser) compound(k Kind) (at, bool) {
	keyword := p.shift()
	if p.dialect.Era >= G4 {
		p.attributes()
	}
	if p.peek() == '{' {
		return p.members()
	}
	name, ok := p.expect(ident)
	if !ok {
		return 0, false
	}
	if p.peek() != '{' {
		p.drop(keyword)
		p.mark(name, k)
		return name, true
	}
	body, ok := p.members()
	if !ok {
		return 0, false
	}
	p.record(keyword, name, body, k)
	return body, true
}

// record declares a struct, union or enum and leaves its name, marked, in its
// place. One of the source file is not declared.
func (p *parser) record(keyword, name, body at, k Kind) {
	row, before := p.lex.row, p.lex.before
	id := p.last(name)
	if row[id].own && p.dialect.Era >= G2 {
		p.drop(keyword)
		row[id].kind = k
		before[body] = p.last(name)
		return
	}
	first := p.last(keyword)
	definition := p.tokens(p.last(body), before[first])
	word := row[id].word
	// The last token of the body is of no more use: it becomes the name.
	n := p.last(body)
	row[n] = token{word: word, kind: k}
	before[n] = before[first]
	p.tab.add(word, k, definition, p.isExtern)
}

// enum reads an enum. Before G2 its body is one phrase.
func (p *parser) enum() (at, bool) {
	keyword := p.shift()
	open := kind('{')
	read := p.enumerators
	if p.dialect.Era < G2 {
		open, read = bracePhrase, func() (at, bool) { return p.shift(), true }
	}
	if p.peek() == open {
		e, ok := read()
		if ok {
			p.tab.endEnum()
		}
		return e, ok
	}
	name, ok := p.expect(ident)
	if !ok {
		return 0, false
	}
	if p.peek() != open {
		p.drop(keyword)
		p.mark(name, Enum)
		return name, true
	}
	body, ok := read()
	if !ok {
		return 0, false
	}
	p.record(keyword, name, body, Enum)
	return body, true
}

// enumerators reads the body of an enum and declares what stands in it.
func (p *parser) enumerators() (at, bool) {
	p.shift()
	if !p.enter() {
		return 0, false
	}
	for {
		e, ok := p.expect(ident)
		if !ok {
			return 0, false
		}
		name := p.lex.row[p.last(e)].word
		var expr []ref
		if p.peek() == '=' {
			sign := p.shift()
			value, ok := p.expect(expressionPhrase)
			if !ok {
				return 0, false
			}
			expr = p.tokens(p.last(value), p.last(sign))
		}
		p.tab.add(name, EnumConst, expr, false)
		if p.peek() == ',' {
			p.shift()
			if p.peek() == ident {
				continue
			}
		}
		e, ok = p.expect('}')
		p.nested--
		return e, ok
	}
}

// members reads the body of a struct or union.
func (p *parser) members() (at, bool) {
	p.shift()
	depth := p.nested + 1
	if !p.enter() {
		return 0, false
	}
	for first := true; ; first = false {
		if p.peek() == '}' {
			e := p.shift()
			p.nested--
			return e, true
		}
		if p.member() {
			continue
		}
		other := kind(';')
		if first {
			other = '}' // only before the first member was read is it known
		}
		k, e, ok := p.recover(depth, ';', other)
		if !ok || k == '}' {
			p.nested--
			return e, ok
		}
		p.lex.noTypes = false
	}
}

// member reads one declaration of members.
func (p *parser) member() bool {
	k := p.peek()
	if !p.startsSpecifier(k) && !startsMember(k) && k != ';' {
		return p.fault()
	}
	if !p.specifiers() {
		return false
	}
	if startsMember(p.peek()) {
		for {
			if !p.memberDeclarator() {
				return false
			}
			p.lex.noTypes = p.dialect.Era >= G4
			if p.peek() != ',' {
				break
			}
			p.shift()
		}
	}
	_, ok := p.expect(';')
	if ok {
		p.lex.noTypes = false
	}
	return ok
}

func startsMember(k kind) bool {
	return k == ident || k == typeName || k == '(' || k == '*' || k == ':'
}

// memberDeclarator reads one member's declarator with its width or attributes.
func (p *parser) memberDeclarator() bool {
	named := p.peek() == ident
	if named {
		p.shift()
	}
	if p.peek() == ':' {
		p.shift()
		_, ok := p.expect(expressionPhrase)
		return ok
	}
	ok := false
	if named {
		p.lex.noTypes = false
		ok = p.nestedSuffixes()
	} else {
		ok = p.nestedDeclarator()
	}
	if ok {
		p.attributes()
	}
	return ok
}
