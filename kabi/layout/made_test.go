package layout

import (
	"encoding/binary"
	"testing"
)

// made builds BTF for tests.
type made struct {
	order   binary.AppendByteOrder
	types   []byte
	strings []byte
	n       ID
}

func newMade(order binary.AppendByteOrder) *made {
	return &made{order: order, strings: []byte{0}, n: 1}
}

func (m *made) text(s string) uint32 {
	if s == "" {
		return 0
	}
	off := len(m.strings)
	m.strings = append(append(m.strings, s...), 0)
	return uint32(off)
}

// add appends a type of a BTF kind; flag is the kind flag.
func (m *made) add(name string, kind, vlen uint32, flag bool, sizeOrType uint32, rest ...uint32) ID {
	info := kind<<24 | vlen
	if flag {
		info |= 1 << 31
	}
	for _, word := range append([]uint32{m.text(name), info, sizeOrType}, rest...) {
		m.types = m.order.AppendUint32(m.types, word)
	}
	m.n++
	return m.n - 1
}

func (m *made) bytes() []byte {
	b := m.order.AppendUint16(nil, 0xeb9f)
	b = append(b, 1, 0)
	for _, word := range []int{24, 0, len(m.types), len(m.types), len(m.strings)} {
		b = m.order.AppendUint32(b, uint32(word))
	}
	return append(append(b, m.types...), m.strings...)
}

func (m *made) open(t testing.TB) *BTF {
	t.Helper()
	b, err := OpenBTF(m.bytes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// list is struct node { struct node *next; int value; } with the value at a
// byte offset, and a forward declaration of struct other that it points to.
func list(order binary.AppendByteOrder, valueAt uint32) *made {
	m := newMade(order)
	number := m.add("int", btfInt, 0, false, 4, 1<<24|32)
	m.add("node", btfStruct, 3, false, 32,
		m.text("next"), uint32(number)+2, 0,
		m.text("value"), uint32(number), 8*valueAt,
		m.text("other"), uint32(number)+4, 8*24)
	m.add("", btfPtr, 0, false, uint32(number)+1)
	m.add("other", btfFwd, 0, false, 0)
	m.add("", btfPtr, 0, false, uint32(number)+3)
	return m
}
