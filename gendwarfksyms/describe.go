package gendwarfksyms

import (
	"strconv"
)

// modifiers are the types that wrap another, by how they are called.
var modifiers = map[uint32]string{
	tagAtomic:            "atomic_type",
	tagConst:             "const_type",
	tagImmutable:         "immutable_type",
	tagPacked:            "packed_type",
	tagPointer:           "pointer_type",
	tagReference:         "reference_type",
	tagRestrict:          "restrict_type",
	tagRvalueReference:   "rvalue_reference_type",
	tagShared:            "shared_type",
	tagTemplateParameter: "template_type_parameter_type",
	tagTypedef:           "typedef_type",
	tagVolatile:          "volatile_type",
}

// describe writes the type string of a DIE.
func (w *walk) describe(c *context, r *record, a *attrs) {
	switch r.n.tag {
	case tagClass:
		w.container(c, r, a, "class_type", w.field)
	case tagStructure:
		w.container(c, r, a, "structure_type", w.field)
	case tagUnion:
		w.union(c, r, a)
	case tagEnumeration:
		w.container(c, r, a, "enumeration_type", w.only(tagEnumerator))
	case tagEnumerator:
		w.enumerator(c, r, a)
	case tagFormalParameter:
		w.item(c, r, a, "formal_parameter ")
	case tagMember:
		w.item(c, r, a, "member ")
	case tagSubrange:
		w.subrange(r, a)
	case tagVariant:
		w.variants(c, r, "variant {", w.only(tagMember))
		w.number(r, a, atDiscrValue, "discr_value")
	case tagVariantPart:
		w.variants(c, r, "variant_part {", w.typ)
	case tagArray:
		w.array(c, r, a)
	case tagBase:
		w.text(r, "base_type")
		w.name(r)
		w.byteSize(r, a)
		w.number(r, a, atEncoding, "encoding")
		w.number(r, a, atAlignment, "alignment")
	case tagSubroutine:
		w.function(c, r, a, "subroutine_type")
	case tagUnspecified:
		w.text(r, "unspecified_type")
	default:
		if kind, ok := modifiers[r.n.tag]; ok {
			w.modifier(c, r, a, kind)
			return
		}
		w.failf("process_type", "unexpected type: %x", r.n.tag)
	}
}

// variants writes what is in a part of a structure that depends on another part.
func (w *walk) variants(c *context, r *record, start string, f func(*context, *record, *node)) {
	w.comma(c, r)
	w.text(r, start)
	w.newline(r, 1)
	w.list(c, r, r.n, f)
	w.newline(r, -1)
	w.text(r, "}")
}

func (w *walk) array(c *context, r *record, a *attrs) {
	w.text(r, "array_type")
	w.list(c, r, r.n, w.only(tagSubrange))
	w.text(r, " {")
	w.newline(r, 1)
	w.typeOf(c, r, a)
	w.newline(r, -1)
	w.text(r, "}")
}

// typeOf writes the type that a DIE has; one without is void.
func (w *walk) typeOf(c *context, r *record, a *attrs) {
	if to := w.ref(a, atType); to != nil {
		w.typ(c, r, to)
	} else if w.err == nil {
		w.text(r, "base_type void")
	}
}

// list calls f for the children of a DIE until there was an error.
func (w *walk) list(c *context, r *record, n *node, f func(*context, *record, *node)) {
	c.firstItem = true
	n.u.children(n.i, func(child uint32) bool {
		if w.err == nil {
			f(c, r, n.u.node(child))
		}
		return w.err == nil
	})
	c.firstItem = false
}

// only is typ for children of one tag.
func (w *walk) only(tag uint32) func(*context, *record, *node) {
	return func(c *context, r *record, n *node) {
		if n.tag == tag {
			w.typ(c, r, n)
		}
	}
}

func (w *walk) comma(c *context, r *record) {
	if c.firstItem {
		c.firstItem = false
		return
	}
	w.text(r, " ,")
	w.newline(r, 0)
}

// setName finds the qualified name of a record's DIE.
func (w *walk) setName(r *record) {
	if !r.hasFQN {
		r.fqn, _ = w.qualified(r.n.u, r.n.i)
		r.hasFQN = true
	}
}

func (w *walk) name(r *record) {
	w.setName(r)
	if r.fqn != "" {
		w.text(r, " ")
	}
	w.text(r, r.fqn)
}

// number writes a constant that a DIE has.
func (w *walk) number(r *record, a *attrs, which int, label string) {
	if n, ok := a.number(which); ok {
		w.text(r, " "+label+"("+strconv.FormatUint(n, 10)+")")
	}
}

func (w *walk) byteSize(r *record, a *attrs) {
	n, ok := a.number(atByteSize)
	if !ok {
		return
	}
	if w.v.opt.Stable {
		if text, ok := w.rules.find(ruleByteSize, r.fqn); ok {
			n = w.ruleNumber(text)
		}
	}
	w.text(r, " byte_size("+strconv.FormatUint(n, 10)+")")
}

// item writes a member or parameter.
func (w *walk) item(c *context, r *record, a *attrs, kind string) {
	name, hasName := a.text(atName)
	if w.v.opt.Stable {
		hasName = hasName && !isKABI(name)
		c.renamed = nil
	}
	w.comma(c, r)
	w.text(r, kind)
	w.typeOf(c, r, a)
	if w.v.opt.Stable && c.renamed != nil {
		name, hasName = *c.renamed, true
	}
	if hasName {
		w.text(r, " ")
		w.text(r, name)
	}
	w.number(r, a, atAccessibility, "accessibility")
	w.number(r, a, atBitSize, "bit_size")
	w.number(r, a, atBitOffset, "data_bit_offset")
	w.number(r, a, atMemberLocation, "data_member_location")
}

func (w *walk) modifier(c *context, r *record, a *attrs, kind string) {
	w.text(r, kind)
	w.name(r)
	w.text(r, " {")
	w.newline(r, 1)
	w.typeOf(c, r, a)
	w.newline(r, -1)
	w.text(r, "}")
	w.byteSize(r, a)
	w.number(r, a, atAlignment, "alignment")
}

func (w *walk) subrange(r *record, a *attrs) {
	if n, ok := a.number(atCount); ok {
		w.text(r, "["+strconv.FormatUint(n, 10)+"]")
	} else if n, ok := a.number(atUpperBound); ok {
		w.text(r, "["+strconv.FormatUint(n+1, 10)+"]")
	} else {
		w.text(r, "[]")
	}
}

func (w *walk) function(c *context, r *record, a *attrs, kind string) {
	w.text(r, kind)
	w.text(r, " (")
	w.newline(r, 1)
	w.list(c, r, r.n, w.only(tagFormalParameter))
	w.newline(r, -1)
	w.text(r, ")")
	w.newline(r, 0)
	w.text(r, "-> ")
	w.typeOf(c, r, a)
}

// container writes a structure, union or enumeration, with what is in it if it
// is to be expanded and defined where others see it.
func (w *walk) container(c *context, r *record, a *attrs, kind string, f func(*context, *record, *node)) {
	w.text(r, kind)
	w.name(r)
	w.text(r, " {")
	w.newline(r, 1)
	expand := c.expand && w.defined(r, a)
	if expand {
		c.scope = r.fqn
		w.list(c, r, r.n, f)
	}
	w.newline(r, -1)
	w.text(r, "}")
	if expand {
		w.byteSize(r, a)
		w.number(r, a, atAlignment, "alignment")
	}
}

// defined reports whether a definition counts: one in a .c file cannot change
// what others see.
func (w *walk) defined(r *record, a *attrs) bool {
	if a.flag(atDeclaration) {
		return false
	}
	if _, ok := w.rules.find(ruleDeclonly, r.fqn); ok && w.v.opt.Stable {
		return false
	}
	private, err := w.private(a)
	if err != nil {
		w.fail(err)
	}
	return !private && err == nil
}

// field writes what is in a structure or union, other than types and functions.
func (w *walk) field(c *context, r *record, n *node) {
	switch n.tag {
	case tagMember:
		if w.ignored(n) || w.err != nil {
			return
		}
		w.typ(c, r, n)
	case tagVariantPart:
		w.typ(c, r, n)
	case tagClass, tagEnumeration, tagStructure, tagTemplateParameter, tagUnion, tagSubprogram:
	default:
		w.failf("___process_structure_type", "unexpected structure_type child: %x", n.tag)
	}
}

func (w *walk) enumerator(c *context, r *record, a *attrs) {
	value, has := a.number(atConstValue)
	if w.v.opt.Stable {
		w.setName(r)
		if _, ok := w.rules.findEnumerator(ruleEnumeratorIgnore, c.scope, r.fqn); ok {
			return
		}
		if text, ok := w.rules.findEnumerator(ruleEnumeratorValue, c.scope, r.fqn); ok {
			value, has = w.ruleNumber(text), true
		}
	}
	w.comma(c, r)
	w.text(r, "enumerator")
	w.name(r)
	if has {
		w.text(r, " = ")
		w.text(r, strconv.FormatUint(value, 10))
	}
}
