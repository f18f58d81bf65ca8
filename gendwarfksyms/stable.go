package gendwarfksyms

import (
	"bytes"
	"strconv"
	"strings"
)

const (
	ruleSection = ".discard.gendwarfksyms.kabi_rules"
	ruleVersion = "1"
	ruleLeast   = 6 // bytes of a rule: four strings, the last two may be empty
)

// Kinds of kABI rules.
const (
	ruleDeclonly         = "declonly"          // a type counts as declared only
	ruleEnumeratorIgnore = "enumerator_ignore" // an enumerator does not count
	ruleEnumeratorValue  = "enumerator_value"  // it counts with this value
	ruleByteSize         = "byte_size"         // a type counts with this size
	ruleTypeString       = "type_string"       // an expansion to take for a type or symbol
)

type ruleKey struct{ kind, target string }

// rules are values by kind and target, the name of a type; for an enumerator
// that of the enumeration, a space and its own. Of two alike the later counts.
type rules map[ruleKey]string

func (r rules) find(kind, target string) (string, bool) {
	if target == "" || r == nil {
		return "", false
	}
	value, ok := r[ruleKey{kind, target}]
	return value, ok
}

func (r rules) findEnumerator(kind, scope, name string) (string, bool) {
	if scope == "" || name == "" || r == nil {
		return "", false
	}
	return r.find(kind, scope+" "+name)
}

// readRules reads the kABI rules of an object file: strings with a NUL each,
// four a rule: version, kind, target, value.
func (v *Versions) readRules(o *object) (rules, error) {
	const where = "kabi_read_rules"
	if !v.opt.Stable {
		return nil, nil
	}
	data, s, err := o.section(ruleSection)
	if err != nil {
		return nil, err
	}
	if s == nil {
		v.debug(where, "kABI rules not found")
		return nil, nil
	}
	if len(data) < ruleLeast {
		return nil, errorf(where, "kABI rule section too small: %d bytes", len(data))
	}
	if data[len(data)-1] != 0 {
		return nil, errorf(where, "kABI rules are not null-terminated")
	}
	list := rules{}
	for len(data) > ruleLeast {
		var field [4]string
		for i := range field {
			text, rest, ok := bytes.Cut(data, []byte{0})
			if !ok {
				return nil, errorf("get_rule_field", "unexpected end of kABI rules")
			}
			field[i], data = string(text), rest
			if i == 0 && field[0] != ruleVersion {
				return nil, errorf(where, "unsupported kABI rule version: '%s'", field[0])
			}
			if i == 1 && !knownRule(field[1]) {
				return nil, errorf(where, "unsupported kABI rule type: '%s'", field[1])
			}
		}
		list[ruleKey{field[1], field[2]}] = field[3]
		v.debug(where, "kABI rule: type: '%s', target: '%s', value: '%s'", field[1], field[2], field[3])
	}
	if len(data) > 0 {
		v.warn(where, "unexpected data at the end of the kABI rules section")
	}
	return list, nil
}

func knownRule(kind string) bool {
	switch kind {
	case ruleDeclonly, ruleEnumeratorIgnore, ruleEnumeratorValue, ruleByteSize, ruleTypeString:
		return true
	}
	return false
}

// ruleNumber reads the value of a rule as C's strtoul does: spaces and a sign
// may come before it, and no digits at all are 0.
func (w *walk) ruleNumber(text string) uint64 {
	s := strings.TrimLeft(text, " \t\n\v\f\r")
	digits := strings.TrimPrefix(s, "-")
	negative := digits != s
	if !negative {
		digits = strings.TrimPrefix(s, "+")
	}
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		w.failf("get_ulong_value", "invalid unsigned value '%s'", text)
	}
	if negative {
		n = -n
	}
	return n
}

// What the name of a member of a union says of the union. Greater than
// kabiNormal means that no other member counts.
type kabiStatus int

const (
	kabiNone     kabiStatus = iota // no member
	kabiNormal                     // nothing
	kabiReserved                   // the member's type stands for the union
	kabiIgnored                    // the union does not count
)

const kabiPrefix = "__kabi_"

func isKABI(name string) bool { return strings.HasPrefix(name, kabiPrefix) }

// kabiOf reads the name of a member. renamed is the name that it had before,
// if that is said.
func kabiOf(a *attrs) (status kabiStatus, renamed *string) {
	name, _ := a.text(atName)
	kind, ok := strings.CutPrefix(name, kabiPrefix)
	if !ok {
		return kabiNormal, nil
	}
	switch {
	case strings.HasPrefix(kind, "reserved"):
		return kabiReserved, nil
	case strings.HasPrefix(kind, "ignored"):
		return kabiIgnored, nil
	}
	if old, ok := strings.CutPrefix(kind, "renamed"); ok {
		return kabiReserved, &old
	}
	return kabiNormal, nil
}

// union writes a union, or the type that it stands for.
func (w *walk) union(c *context, r *record, a *attrs) {
	var found unionStatus
	if w.v.opt.Stable {
		found = w.unionStatus(r.n)
	}
	if found.status == kabiReserved {
		c.renamed = found.renamed
		w.typ(c, r, found.reserved)
	}
	if found.status <= kabiNormal {
		w.container(c, r, a, "union_type", w.field)
	}
}

// ignored reports whether a member is a union that does not count.
func (w *walk) ignored(member *node) bool {
	if !w.v.opt.Stable {
		return false
	}
	a := member.u.attrs(member.i)
	to := w.ref(&a, atType)
	if to == nil {
		w.failf("is_kabi_ignored", "member missing a type?")
		return false
	}
	return to.tag == tagUnion && w.unionStatus(to).status == kabiIgnored
}

// unionStatus is what the first two members of a union say of it.
type unionStatus struct {
	status   kabiStatus
	members  int
	renamed  *string
	reserved *node
}

func (w *walk) unionStatus(n *node) (found unionStatus) {
	n.u.children(n.i, func(child uint32) bool {
		if n.u.tag(child) != tagMember || w.err != nil {
			return w.err == nil
		}
		found.status = w.unionMember(&found, n.u, child)
		return found.status == kabiNone
	})
	return found
}

// unionMember looks at a member, or at the first member of a structure that
// it is. It returns kabiNone if the next one is to be looked at.
func (w *walk) unionMember(found *unionStatus, u *unit, i uint32) kabiStatus {
	a := u.attrs(i)
	to := w.ref(&a, atType)
	if to == nil {
		w.failf("check_union_member_kabi_status", "union member missing a type?")
		return kabiNone
	}
	status, renamed := kabiOf(&a)
	found.renamed = renamed
	if status == kabiReserved {
		found.reserved = to
	}
	if status != kabiNormal {
		return status
	}
	if to.tag == tagStructure {
		status = kabiNone
		to.u.children(to.i, func(child uint32) bool {
			if to.u.tag(child) != tagMember {
				return true
			}
			status = w.structMember(found, to.u, child)
			return false
		})
	}
	if status <= kabiNormal {
		if found.members++; found.members < 2 {
			return kabiNone
		}
	}
	return status
}

func (w *walk) structMember(found *unionStatus, u *unit, i uint32) kabiStatus {
	a := u.attrs(i)
	status, renamed := kabiOf(&a)
	found.renamed = renamed
	if status == kabiReserved {
		if found.reserved = w.ref(&a, atType); found.reserved == nil {
			w.failf("check_struct_member_kabi_status", "structure member missing a type?")
		}
	}
	return status
}
