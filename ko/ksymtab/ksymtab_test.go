package ksymtab

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// image is a kernel at address base: the table, then the strings.
type image struct {
	base  uint64
	bytes []byte
}

func (m *image) str(addr uint64) (string, bool) {
	if addr < m.base || addr-m.base >= uint64(len(m.bytes)) {
		return "", false
	}
	s := m.bytes[addr-m.base:]
	i := bytes.IndexByte(s, 0)
	if i < 0 {
		return "", false
	}
	return string(s[:i]), true
}

func build(order binary.ByteOrder, form Form, base uint64, names [][2]string) (*image, []byte) {
	table := len(names) * form.Size()
	strs := []byte{0}
	buf := make([]byte, table)
	put := func(off int, addr uint64) {
		if form.Relative {
			addr -= base + uint64(off)
		}
		if form.Width == 8 {
			order.PutUint64(buf[off:], addr)
		} else {
			order.PutUint32(buf[off:], uint32(addr))
		}
	}
	for i, n := range names {
		off := i * form.Size()
		put(off, base-0x100)
		put(off+form.Width, base+uint64(table+len(strs)))
		strs = append(append(strs, n[0]...), 0)
		if form.Fields == 3 {
			put(off+2*form.Width, base+uint64(table+len(strs)))
			strs = append(append(strs, n[1]...), 0)
		}
	}
	return &image{base, append(bytes.Clone(buf), strs...)}, buf
}

func TestReadFindsTheForm(t *testing.T) {
	names := [][2]string{{"kmalloc", ""}, {"kfree", "MM"}, {"printk", ""}, {"a.b", "module:x,y-*"}, {"c", ""}, {"d", ""}}
	for _, is64 := range []bool{true, false} {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			for _, form := range Forms(is64) {
				base := uint64(0xffffffff81000000)
				if !is64 {
					base = 0xc1000000
				}
				m, table := build(order, form, base, names)
				syms, got, err := Read(table, base, order, is64, m.str)
				if err != nil || got != form {
					t.Errorf("64=%v %v %+v: got %+v, %v", is64, order, form, got, err)
					continue
				}
				var want []Symbol
				for _, n := range names {
					s := Symbol{Name: n[0], Value: base - 0x100}
					if form.Fields == 3 {
						s.Namespace = n[1]
					}
					want = append(want, s)
				}
				if d := cmp.Diff(want, syms); d != "" {
					t.Errorf("64=%v %v %+v: (-want +got)\n%s", is64, order, form, d)
				}
			}
		}
	}
}

func TestCRCs(t *testing.T) {
	be := binary.BigEndian
	memory := func(addr uint64) (uint32, bool) { return 0xfeed0000 + uint32(addr), addr < 0x200 }
	tests := []struct {
		name     string
		data     []byte
		n        int
		relative bool
		want     []uint32
		wantErr  bool
	}{
		{"32 bits", []byte{1, 2, 3, 4, 5, 6, 7, 8}, 2, false, []uint32{0x01020304, 0x05060708}, false},
		{"words", []byte{0, 0, 0, 0, 5, 6, 7, 8}, 1, false, []uint32{0x05060708}, false},
		{"relative", []byte{0, 0, 0, 0x10, 0xff, 0xff, 0xff, 0xfc}, 2, true, []uint32{0xfeed0110, 0xfeed0100}, false},
		{"relative outside", []byte{0, 1, 0, 0}, 1, true, nil, true},
		{"too short", []byte{1, 2, 3, 4}, 2, false, nil, true},
		{"none", nil, 0, false, nil, false},
	}
	for _, tt := range tests {
		got, err := CRCs(tt.data, tt.n, 0x100, be, tt.relative, memory)
		if d := cmp.Diff(tt.want, got); d != "" || (err != nil) != tt.wantErr {
			t.Errorf("%s: err %v (-want +got)\n%s", tt.name, err, d)
		}
	}
}

func FuzzRead(f *testing.F) {
	m, table := build(binary.LittleEndian, Form{4, 3, true}, 0x1000, [][2]string{{"x", "y"}, {"z", ""}})
	f.Add(table, m.bytes, true)
	f.Fuzz(func(t *testing.T, table, memory []byte, is64 bool) {
		m := &image{0x1000, memory}
		syms, form, err := Read(table, 0x1000, binary.LittleEndian, is64, m.str)
		if err == nil && len(syms)*form.Size() != len(table) {
			t.Fatalf("%d symbols of %+v from %d bytes", len(syms), form, len(table))
		}
		CRCs(memory, len(syms), 0x1000, binary.LittleEndian, true, func(uint64) (uint32, bool) { return 0, true })
	})
}
