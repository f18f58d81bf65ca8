package loader

import (
	"encoding/binary"
	"errors"
	"fmt"

	"modkeep/ko/elf"
)

// BaseBTF is what the validation of a module's split BTF needs of the kernel's
// own: its strings, and how many types come before the module's first.
type BaseBTF struct {
	Strings []byte
	Types   uint32  // types in the kernel's BTF, void included
	kinds   []uint8 // of each type, by id
}

// Kinds of BTF types and the bytes that follow the 12 of each type: fixed, and
// for each of its vlen elements (include/uapi/linux/btf.h, 6.12).
var btfKinds = [20]struct {
	known             bool
	fixed, perElement uint32
	name              btfName
	elementName       btfName
}{
	1:  {true, 4, 0, nameAny, nameAny},           // int
	2:  {true, 0, 0, nameNone, nameAny},          // pointer
	3:  {true, 12, 0, nameNone, nameAny},         // array
	4:  {true, 0, 12, nameMaybe, nameMaybe},      // struct
	5:  {true, 0, 12, nameMaybe, nameMaybe},      // union
	6:  {true, 0, 8, nameMaybe, nameIdentifier},  // enum
	7:  {true, 0, 0, nameIdentifier, nameAny},    // forward
	8:  {true, 0, 0, nameIdentifier, nameAny},    // typedef
	9:  {true, 0, 0, nameNone, nameAny},          // volatile
	10: {true, 0, 0, nameNone, nameAny},          // const
	11: {true, 0, 0, nameNone, nameAny},          // restrict
	12: {true, 0, 0, nameIdentifier, nameAny},    // function
	13: {true, 0, 8, nameNone, nameAny},          // function prototype
	14: {true, 4, 0, nameIdentifier, nameAny},    // variable
	15: {true, 0, 12, nameSection, nameAny},      // data section
	16: {true, 0, 0, nameAny, nameAny},           // float
	17: {true, 4, 0, nameText, nameAny},          // declaration tag
	18: {true, 0, 0, nameText, nameAny},          // type tag
	19: {true, 0, 12, nameMaybe, nameIdentifier}, // enum64
}

// btfName is what a type or an element of one may be called.
type btfName int8

const (
	nameAny        btfName = iota // only its offset is checked
	nameNone                      // must not have one
	nameMaybe                     // none, or an identifier
	nameIdentifier                // an identifier
	nameSection                   // a section's name
	nameText                      // anything but empty
)

// maxKsymName is KSYM_NAME_LEN since 6.1.
const maxKsymName = 512

var errBTF = errors.New("BTF")

// btfCheck validates a module's split BTF against a kernel's, as far as another
// kernel makes a difference: in what its names come to mean
// (kernel/bpf/btf.c btf_check_all_metas, 6.1). What is wrong for any kernel is
// not looked for.
type btfCheck struct {
	base    *BaseBTF
	strings []byte
	order   binary.ByteOrder
	say     func(format string, args ...any)
	silent  bool // types are not named where mismatches are allowed
	own     []ownType
	dotted  bool // section names may hold any printable character (6.11)
}

// ownType is what the walk along modifiers needs of a module's type.
type ownType struct {
	kind uint8
	ref  uint32
}

// maxModifiers is how many modifiers may follow one another.
const maxModifiers = 32

// isModifier is btf_type_is_modifier: typedef, volatile, const, restrict and
// type tag.
func isModifier(kind uint8) bool { return kind >= 8 && kind <= 11 || kind == typeTag }

const typeTag = 18

// kindOf returns the kind of a type by its id; false for one that is not there.
func (c *btfCheck) kindOf(id uint32) (uint8, bool) {
	if id < c.base.Types {
		return c.base.kinds[id], true
	}
	if id -= c.base.Types; uint64(id) < uint64(len(c.own)) {
		return c.own[id].kind, true
	}
	return 0, false
}

// checkModifiers is btf_check_type_tags: the chain of modifiers of each type
// ends in a type that is there, and tags come first in it. With another kernel's
// types in front, the module's own numbers lead elsewhere.
func (c *btfCheck) checkModifiers() bool {
	good := c.base.Types - 1
	for i := range c.own {
		id := c.base.Types + uint32(i)
		kind := c.own[i].kind
		inTags := kind == typeTag
		for n := 0; isModifier(kind); n++ {
			switch {
			case n == maxModifiers:
				c.say("BPF: Max chain length or cycle detected")
				return false
			case kind == typeTag && !inTags:
				c.say("BPF: Type tags don't precede modifiers")
				return false
			case kind != typeTag:
				inTags = false
			}
			if id <= good {
				break
			}
			id = c.own[id-c.base.Types].ref
			var ok bool
			if kind, ok = c.kindOf(id); !ok {
				return false
			}
		}
		if isModifier(c.own[i].kind) {
			good = c.base.Types + uint32(i)
		}
	}
	return true
}

// name finds a name in the kernel's strings, or behind them in the module's.
func (c *btfCheck) name(off uint32) ([]byte, bool) {
	s := c.base.Strings
	if uint64(off) >= uint64(len(s)) {
		off -= uint32(len(s))
		s = c.strings
	}
	if uint64(off) >= uint64(len(s)) {
		return nil, false
	}
	s = s[off:]
	for i := range s {
		if s[i] == 0 {
			return s[:i], true
		}
	}
	return s, true
}

func identifierByte(b byte, first bool) bool {
	switch {
	case b == '_', b == '.', 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z':
		return true
	}
	return !first && '0' <= b && b <= '9'
}

func isIdentifier(name []byte) bool {
	if len(name) == 0 || len(name) >= maxKsymName {
		return false
	}
	for i, b := range name {
		if !identifierByte(b, i == 0) {
			return false
		}
	}
	return true
}

// fits applies a naming rule; the offset itself has been found valid.
func (c *btfCheck) fits(rule btfName, off uint32) bool {
	name, _ := c.name(off)
	switch rule {
	case nameNone:
		return off == 0
	case nameMaybe:
		return off == 0 || isIdentifier(name)
	case nameIdentifier:
		return off != 0 && isIdentifier(name)
	case nameSection:
		return off != 0 && len(name) > 0 && (c.dotted || isIdentifier(name))
	case nameText:
		return len(name) > 0
	}
	return true
}

// validate walks the module's types. It returns false for the first name that
// the kernel would not take.
func (c *btfCheck) validate(types []byte) bool {
	for id := c.base.Types; len(types) >= 12; id++ {
		nameOff, info := c.order.Uint32(types), c.order.Uint32(types[4:])
		kind := info >> 24 & 31
		if int(kind) >= len(btfKinds) || !btfKinds[kind].known {
			c.say("BPF: [%d] Invalid kind:%d", id, kind)
			return false
		}
		if _, ok := c.name(nameOff); !ok {
			c.say("BPF: [%d] Invalid name_offset:%d", id, nameOff)
			return false
		}
		k := &btfKinds[kind]
		c.own = append(c.own, ownType{uint8(kind), c.order.Uint32(types[8:])})
		head := types[:12]
		types = types[12:]
		if !c.fits(k.name, nameOff) {
			c.badType(id, head, types)
			return false
		}
		n := info & 0xffff
		if k.perElement == 0 {
			n = 0
		}
		size := uint64(k.fixed) + uint64(n)*uint64(k.perElement)
		if size > uint64(len(types)) {
			return false
		}
		if !c.elements(id, head, types[:size]) {
			return false
		}
		types = types[size:]
	}
	return c.checkModifiers()
}

// elements checks the names of members and enumerators. body is what follows
// the head of the type, which has only elements.
func (c *btfCheck) elements(id uint32, head, body []byte) bool {
	info := c.order.Uint32(head[4:])
	kind := info >> 24 & 31
	each, rule := int(btfKinds[kind].perElement), btfKinds[kind].elementName
	if rule == nameAny || each == 0 {
		return true
	}
	enum := kind == 6 || kind == 19
	for elements := body; len(elements) >= each; elements = elements[each:] {
		off := c.order.Uint32(elements)
		_, ok := c.name(off)
		switch {
		case !ok && enum:
			c.say("BPF: \tInvalid name_offset:%d", off)
			return false
		case !ok:
			c.badMember(info, elements, fmt.Sprintf("Invalid member name_offset:%d", off))
			return false
		case c.fits(rule, off):
		case enum:
			c.badType(id, head, body)
			return false
		default:
			c.badMember(info, elements, "Invalid name")
			return false
		}
	}
	return true
}

// kindNames are btf_kind_str of kernel/bpf/btf.c.
var kindNames = [20]string{"UNKNOWN", "INT", "PTR", "ARRAY", "STRUCT", "UNION", "ENUM", "FWD", "TYPEDEF", "VOLATILE", "CONST",
	"RESTRICT", "FUNC", "FUNC_PROTO", "VAR", "DATASEC", "FLOAT", "DECL_TAG", "TYPE_TAG", "ENUM64"}

// spelled is __btf_name_by_offset.
func (c *btfCheck) spelled(off uint32) string {
	if off == 0 {
		return "(anon)"
	}
	name, ok := c.name(off)
	if !ok {
		return "(invalid-name-offset)"
	}
	return string(name)
}

// badType prints what __btf_verifier_log_type prints of a type with a bad
// name: each piece has become a line of its own.
func (c *btfCheck) badType(id uint32, head, body []byte) {
	if c.silent {
		return
	}
	info, size := c.order.Uint32(head[4:]), c.order.Uint32(head[8:])
	kind := info >> 24 & 31
	word := func() uint32 {
		if len(body) < 4 {
			return 0
		}
		return c.order.Uint32(body)
	}
	details, reason := "", "Invalid name"
	switch kind {
	case 4, 5, 6, 15, 19:
		details = fmt.Sprintf("size=%d vlen=%d", size, info&0xffff)
	case 7:
		details = map[bool]string{false: "struct", true: "union"}[info>>31 == 1]
	case 14:
		details = fmt.Sprintf("type_id=%d linkage=%d", size, word())
	case 17:
		details, reason = fmt.Sprintf("type=%d component_idx=%d", size, int32(word())), "Invalid value"
	default:
		details = fmt.Sprintf("type_id=%d", size)
	}
	c.say("BPF: [%d] %s %s ", id, kindNames[kind], c.spelled(c.order.Uint32(head)))
	c.say("BPF: %s", details)
	c.reason(reason)
}

// badMember prints what btf_verifier_log_member prints.
func (c *btfCheck) badMember(info uint32, member []byte, reason string) {
	name, typ, offset := c.spelled(c.order.Uint32(member)), c.order.Uint32(member[4:]), c.order.Uint32(member[8:])
	if info>>31 == 1 {
		c.say("BPF: \t%s type_id=%d bitfield_size=%d bits_offset=%d", name, typ, offset>>24, offset&0xffffff)
	} else {
		c.say("BPF: \t%s type_id=%d bits_offset=%d", name, typ, offset)
	}
	c.reason(reason)
}

func (c *btfCheck) reason(text string) {
	c.say("BPF:  ")
	c.say("BPF: %s", text)
	c.say("BPF: ")
}

// splitBTF is the part of .BTF that validation needs; types and strings of a
// module, copied out of the file.
type splitBTF struct {
	types, strings []byte
	order          binary.ByteOrder
}

// readBTF cuts .BTF into its types and strings (struct btf_header).
func readBTF(data []byte, order binary.ByteOrder) (*splitBTF, error) {
	if len(data) < 24 || order.Uint16(data) != 0xeb9f {
		return nil, errBTF
	}
	header := uint64(order.Uint32(data[4:]))
	at := func(i int) uint64 { return uint64(order.Uint32(data[i:])) }
	typeOff, typeLen, strOff, strLen := header+at(8), at(12), header+at(16), at(20)
	if typeOff+typeLen > uint64(len(data)) || strOff+strLen > uint64(len(data)) {
		return nil, errBTF
	}
	return &splitBTF{types: data[typeOff : typeOff+typeLen], strings: data[strOff : strOff+strLen], order: order}, nil
}

// ParseBaseBTF reads the BTF of a kernel image.
func ParseBaseBTF(data []byte, order binary.ByteOrder) (*BaseBTF, error) {
	b, err := readBTF(data, order)
	if err != nil {
		return nil, err
	}
	n := uint32(1)
	kinds := []uint8{0}
	for t := b.types; len(t) >= 12; n++ {
		info := order.Uint32(t[4:])
		kind := info >> 24 & 31
		if int(kind) >= len(btfKinds) || !btfKinds[kind].known {
			return nil, errBTF
		}
		k := &btfKinds[kind]
		size := 12 + uint64(k.fixed) + uint64(info&0xffff)*uint64(k.perElement)
		if size > uint64(len(t)) {
			return nil, errBTF
		}
		t = t[size:]
		kinds = append(kinds, uint8(kind))
	}
	return &BaseBTF{Strings: b.strings, Types: n, kinds: kinds}, nil
}

// checkBTF is btf_module_notify as far as it decides over the load: the split
// BTF of another build does not fit, which is fatal unless the kernel was built
// to allow it.
func (l *load) checkBTF() string {
	if !l.m.hasBTF || !l.target.configIs("DEBUG_INFO_BTF_MODULES", "y") || l.sameBuild() || l.ask(ruleBTF) == "ignored" {
		return ""
	}
	base := l.target.baseBTF()
	if base == nil {
		l.unknown("whether the module's BTF fits the kernel's")
		return ""
	}
	split, err := l.m.readSplitBTF()
	if err != nil {
		return ""
	}
	c := btfCheck{base: base, strings: split.strings, order: split.order, dotted: !l.target.Version.Less(Version{6, 11, 0})}
	c.say = func(format string, args ...any) { l.logf(format, args...) }
	c.silent = l.ask(ruleBTF) == "once" && l.target.configIs("MODULE_ALLOW_BTF_MISMATCH", "y")
	if c.validate(split.types) {
		return ""
	}
	return l.btfMismatch()
}

func (l *load) btfMismatch() string {
	if !l.target.configIs("MODULE_ALLOW_BTF_MISMATCH", "y") {
		text := l.logf("failed to validate module [%s] BTF: -22", l.name)
		l.found(Finding{Kind: KindBTF, Text: text})
		return "EINVAL"
	}
	if l.ask(ruleBTF) == "once" {
		if !l.target.SaidBTF {
			l.logf("Kernel module BTF mismatch detected, BTF debug info may be unavailable for some modules")
		}
	} else {
		l.logf("failed to validate module [%s] BTF: -22", l.name)
	}
	l.warn("the module's BTF was made for another kernel")
	return ""
}

// sameBuild reports whether the module was built for this very release: its
// BTF was then made from the kernel's own.
func (l *load) sameBuild() bool {
	magic, _ := l.m.Info.Get("vermagic")
	return l.target.Release != "" && len(magic) > len(l.target.Release) && magic[:len(l.target.Release)] == l.target.Release && magic[len(l.target.Release)] == ' '
}

// readSplitBTF reads the module's .BTF again from its file.
func (m *Module) readSplitBTF() (*splitBTF, error) {
	f, err := m.Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := f.Section(".BTF")
	if s == nil || s.Type == elf.SHT_NOBITS {
		return nil, errBTF
	}
	data, err := f.Data(s)
	if err != nil {
		return nil, err
	}
	return readBTF(append([]byte(nil), data...), f.Order)
}
