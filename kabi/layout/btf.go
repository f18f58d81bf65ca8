package layout

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// MaxBTF is the most bytes of BTF that are read: those of a kernel with every
// driver built in are some 20 MiB.
const MaxBTF = 256 << 20

// maxTypes is how many types the kernel takes (BTF_MAX_TYPE).
const maxTypes = 1<<20 - 1

// maxName is how long a name can be here: twice KSYM_NAME_LEN of 6.1. A longer
// one is cut.
const maxName = 1024

// The kinds of include/uapi/linux/btf.h.
const (
	btfInt = 1 + iota
	btfPtr
	btfArray
	btfStruct
	btfUnion
	btfEnum
	btfFwd
	btfTypedef
	btfVolatile
	btfConst
	btfRestrict
	btfFunc
	btfProto
	btfVar
	btfDatasec
	btfFloat
	btfDeclTag
	btfTypeTag
	btfEnum64
)

// btfShape is what a kind has behind the 12 bytes that all have: bytes, and
// bytes for each of its vlen elements.
var btfShapes = [...]struct {
	kind        Kind
	fixed, each uint32
	known       bool
}{
	btfInt:      {Int, 4, 0, true},
	btfPtr:      {Pointer, 0, 0, true},
	btfArray:    {Array, 12, 0, true},
	btfStruct:   {Struct, 0, 12, true},
	btfUnion:    {Union, 0, 12, true},
	btfEnum:     {Enum, 0, 8, true},
	btfFwd:      {Forward, 0, 0, true},
	btfTypedef:  {Typedef, 0, 0, true},
	btfVolatile: {Qualifier, 0, 0, true},
	btfConst:    {Qualifier, 0, 0, true},
	btfRestrict: {Qualifier, 0, 0, true},
	btfFunc:     {Func, 0, 0, true},
	btfProto:    {Proto, 0, 8, true},
	btfVar:      {Var, 4, 0, true},
	btfDatasec:  {Other, 0, 12, true},
	btfFloat:    {Float, 0, 0, true},
	btfDeclTag:  {Other, 4, 0, true},
	btfTypeTag:  {Qualifier, 0, 0, true},
	btfEnum64:   {Enum, 0, 12, true},
}

// BTF is the graph of BTF bytes. Opening it finds where each type begins; a
// type is decoded when it is first asked for.
type BTF struct {
	base    *BTF
	order   binary.ByteOrder
	types   []byte
	strings string
	first   ID       // the first of its own
	offsets []uint32 // of its own types
	nodes   []atomic.Pointer[Type]
	names   func() map[string][]ID // its own types by name, whatever their kind
	void    Type
}

// OpenBTF reads the BTF of a kernel, or with a base the split BTF of a module
// of that kernel: its IDs and its strings go on where those of the base end.
// data is kept and must not be changed. The byte order is that of the data.
func OpenBTF(data []byte, base *BTF) (*BTF, error) {
	b := &BTF{base: base, first: 1}
	if err := b.header(data); err != nil {
		return nil, fmt.Errorf("BTF: header: %w", err)
	}
	if base != nil {
		b.first = ID(base.Len())
	}
	if err := b.index(); err != nil {
		return nil, fmt.Errorf("BTF: %w", err)
	}
	b.nodes = make([]atomic.Pointer[Type], len(b.offsets))
	b.names = sync.OnceValue(b.byName)
	return b, nil
}

// header cuts the data into types and strings (struct btf_header).
func (b *BTF) header(data []byte) error {
	if len(data) < 24 || len(data) > MaxBTF {
		return fmt.Errorf("%d bytes", len(data))
	}
	switch b.order = binary.LittleEndian; {
	case data[0] == 0x9f && data[1] == 0xeb:
	case data[0] == 0xeb && data[1] == 0x9f:
		b.order = binary.BigEndian
	default:
		return fmt.Errorf("no magic number: %#x", data[:2])
	}
	if data[2] != 1 {
		return fmt.Errorf("version %d", data[2])
	}
	field := func(i int) uint64 { return uint64(b.order.Uint32(data[i:])) }
	length := field(4)
	cut := func(off, n uint64) ([]byte, error) {
		if length+off+n > uint64(len(data)) {
			return nil, fmt.Errorf("%d bytes at %#x of %d", n, length+off, len(data))
		}
		return data[length+off:][:n:n], nil
	}
	var err error
	if b.types, err = cut(field(8), field(12)); err != nil {
		return fmt.Errorf("types: %w", err)
	}
	text, err := cut(field(16), field(20))
	if err != nil {
		return fmt.Errorf("strings: %w", err)
	}
	if n := len(text); n > 0 && text[n-1] != 0 {
		return fmt.Errorf("strings: the last is not terminated")
	}
	b.strings = string(text) // names are cut out of it without being copied
	return nil
}

// index finds the begin of each type.
func (b *BTF) index() error {
	b.offsets = make([]uint32, 0, len(b.types)/24)
	for off := 0; off < len(b.types); {
		rest := b.types[off:]
		id := uint64(b.first) + uint64(len(b.offsets))
		if len(rest) < 12 {
			return fmt.Errorf("type %d: %d bytes left", id, len(rest))
		}
		info := b.order.Uint32(rest[4:])
		kind := info >> 24 & 31
		if int(kind) >= len(btfShapes) || !btfShapes[kind].known {
			return fmt.Errorf("type %d: kind %d", id, kind)
		}
		shape := &btfShapes[kind]
		size := 12 + uint64(shape.fixed) + uint64(info&0xffff)*uint64(shape.each)
		switch {
		case size > uint64(len(rest)):
			return fmt.Errorf("type %d: needs %d bytes, %d left", id, size, len(rest))
		case id > maxTypes:
			return fmt.Errorf("more than %d types", maxTypes)
		}
		b.offsets = append(b.offsets, uint32(off))
		off += int(size)
	}
	return nil
}

// Len implements [Types].
func (b *BTF) Len() int { return int(b.first) + len(b.offsets) }

// First is the ID of the first type that is not the base's.
func (b *BTF) First() ID { return b.first }

// Base returns the BTF that this one goes on from, or nil.
func (b *BTF) Base() *BTF { return b.base }

// Fits reports whether split BTF can have been made from its base: names are
// words, and functions lead to function types. With another base the numbers
// of both lead elsewhere.
func (b *BTF) Fits() bool {
	for i := range b.offsets {
		t := b.Type(b.first + ID(i))
		switch t.Kind {
		case Func:
			if t.Name == "" || b.Type(t.Elem).Kind != Proto {
				return false
			}
		case Typedef, Struct, Union, Enum, Int:
			if strings.ContainsFunc(t.Name, func(r rune) bool { return r < ' ' || r > '~' }) {
				return false
			}
		}
	}
	return true
}

// Type implements [Types].
func (b *BTF) Type(id ID) *Type {
	switch {
	case id < b.first && b.base != nil:
		return b.base.Type(id)
	case id < b.first || int(id-b.first) >= len(b.offsets):
		return &b.void
	}
	i := id - b.first
	if t := b.nodes[i].Load(); t != nil {
		return t
	}
	t := b.decode(b.types[b.offsets[i]:])
	b.nodes[i].Store(t)
	return t
}

// text returns a string; an empty one for an offset that leads nowhere.
func (b *BTF) text(off uint32) string {
	if b.base != nil {
		if n := b.base.stringsEnd(); off < n {
			return b.base.text(off)
		} else {
			off -= n
		}
	}
	if uint64(off) >= uint64(len(b.strings)) {
		return ""
	}
	s := b.strings[off:min(uint64(len(b.strings)), uint64(off)+maxName)]
	if end := strings.IndexByte(s, 0); end >= 0 {
		s = s[:end]
	}
	return s
}

func (b *BTF) stringsEnd() uint32 {
	n := uint32(len(b.strings))
	if b.base != nil {
		n += b.base.stringsEnd()
	}
	return n
}

// decode reads one type; index has seen that all of it is there.
func (b *BTF) decode(rec []byte) *Type {
	info, word := b.order.Uint32(rec[4:]), b.order.Uint32(rec[8:])
	kind, flag := info>>24&31, info>>31 == 1
	shape := &btfShapes[kind]
	t := &Type{Kind: shape.kind, Name: b.text(b.order.Uint32(rec))}
	body := rec[12:]
	elems := body[shape.fixed:][:uint64(info&0xffff)*uint64(shape.each)]
	switch kind {
	case btfInt:
		t.Size, t.Signed = uint64(word), b.order.Uint32(body)>>24&1 == 1
	case btfFloat:
		t.Size = uint64(word)
	case btfArray:
		t.Elem, t.Count = ID(b.order.Uint32(body)), uint64(b.order.Uint32(body[8:]))
	case btfStruct, btfUnion:
		t.Size = uint64(word)
		t.Members = b.members(elems, flag)
		t.Opaque = len(t.Members) == 0 && t.Size > 0
	case btfEnum, btfEnum64:
		t.Size, t.Signed = uint64(word), flag
		t.Enumerators = b.enumerators(elems, int(shape.each), flag)
	case btfFwd:
		t.Union = flag
	case btfProto:
		t.Elem = ID(word)
		for ; len(elems) > 0; elems = elems[8:] {
			t.Params = append(t.Params, Param{b.text(b.order.Uint32(elems)), ID(b.order.Uint32(elems[4:]))})
		}
	case btfDatasec, btfDeclTag:
	default:
		t.Elem = ID(word)
		t.Keyword = map[uint32]string{btfConst: "const", btfVolatile: "volatile", btfRestrict: "restrict"}[kind]
		if kind == btfTypeTag {
			t.Name = ""
		}
	}
	return t
}

// members reads struct btf_member; with packed, the offset's upper byte is the
// width of a bit-field.
func (b *BTF) members(elems []byte, packed bool) []Member {
	list := make([]Member, 0, len(elems)/12)
	for ; len(elems) > 0; elems = elems[12:] {
		m := Member{Name: b.text(b.order.Uint32(elems)), Type: ID(b.order.Uint32(elems[4:])), Offset: uint64(b.order.Uint32(elems[8:]))}
		if packed {
			m.Bits, m.Offset = uint32(m.Offset>>24), m.Offset&0xffffff
		} else if off, bits, ok := b.oldBits(m.Type); ok {
			m.Offset, m.Bits = m.Offset+off, bits
		}
		list = append(list, m)
	}
	return list
}

// oldBits reads a bit-field as it was before the kind flag (4.20): by an int
// that says it is narrower than its bytes.
func (b *BTF) oldBits(id ID) (off uint64, bits uint32, ok bool) {
	own := b
	for own.base != nil && id < own.first {
		own = own.base
	}
	for range maxChain {
		if id < own.first || int(id-own.first) >= len(own.offsets) {
			return 0, 0, false
		}
		rec := own.types[own.offsets[id-own.first]:]
		switch kind := own.order.Uint32(rec[4:]) >> 24 & 31; kind {
		case btfTypedef, btfConst, btfVolatile:
			id = ID(own.order.Uint32(rec[8:]))
			for own.base != nil && id < own.first {
				own = own.base
			}
		case btfInt:
			data := own.order.Uint32(rec[12:])
			bits, off = data&0xff, uint64(data>>16&0xff)
			return off, bits, uint64(bits) != 8*uint64(own.order.Uint32(rec[8:])) && bits != 0
		default:
			return 0, 0, false
		}
	}
	return 0, 0, false
}

func (b *BTF) enumerators(elems []byte, each int, signed bool) []Enumerator {
	list := make([]Enumerator, 0, len(elems)/each)
	for ; len(elems) > 0; elems = elems[each:] {
		value := int64(b.order.Uint32(elems[4:]))
		switch {
		case each == 12:
			value |= int64(b.order.Uint32(elems[8:])) << 32
		case signed:
			value = int64(int32(value))
		}
		list = append(list, Enumerator{b.text(b.order.Uint32(elems)), value})
	}
	return list
}

// Named implements [Types].
func (b *BTF) Named(kind Kind, name string) []ID {
	var ids []ID
	if b.base != nil {
		ids = slices.Clone(b.base.Named(kind, name))
	}
	for _, id := range b.names()[name] {
		if b.kind(id) == kind {
			ids = append(ids, id)
		}
	}
	return ids
}

// kind returns the kind of one of its own types without decoding it.
func (b *BTF) kind(id ID) Kind {
	return btfShapes[b.order.Uint32(b.types[b.offsets[id-b.first]+4:])>>24&31].kind
}

// byName sorts the types that can be asked for by name.
func (b *BTF) byName() map[string][]ID {
	names := make(map[string][]ID, len(b.offsets)/2)
	for i, off := range b.offsets {
		rec := b.types[off:]
		kind := btfShapes[b.order.Uint32(rec[4:])>>24&31].kind
		if kind == Other || kind == Qualifier {
			continue
		}
		if name := b.text(b.order.Uint32(rec)); name != "" {
			names[name] = append(names[name], b.first+ID(i))
		}
	}
	return names
}
