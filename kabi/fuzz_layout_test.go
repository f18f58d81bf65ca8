package kabi

import (
	"encoding/binary"
	"testing"

	"modkeep/kabi/layout"
	"modkeep/symvers"
)

// madeBTF is the BTF of f(struct box *), where the box has an int at an offset.
func madeBTF(offset uint32) []byte {
	text := "\x00int\x00box\x00a\x00f\x00"
	const name, box, a, f = 1, 5, 9, 11
	words := []uint32{
		name, 1 << 24, 4, 1<<24 | 32, // 1: int
		box, 4<<24 | 1, 16, a, 1, 8 * offset, // 2: struct box
		0, 2 << 24, 2, // 3: struct box *
		0, 13<<24 | 1, 1, 0, 3, // 4: int (struct box *)
		f, 12<<24 | 1, 4, // 5: f
	}
	var types []byte
	for _, word := range words {
		types = binary.LittleEndian.AppendUint32(types, word)
	}
	b := []byte{0x9f, 0xeb, 1, 0}
	for _, word := range []int{24, 0, len(types), len(types), len(text)} {
		b = binary.LittleEndian.AppendUint32(b, uint32(word))
	}
	return append(append(b, types...), text...)
}

func sideOfBTF(data []byte, crc symvers.CRC) (Side, error) {
	b, err := layout.OpenBTF(data, nil)
	if err != nil {
		return Side{}, err
	}
	table := symvers.New([]symvers.Export{{Symbol: "f", CRC: crc, HasCRC: true, Module: symvers.Vmlinux}})
	return Side{Table: table, Layouts: &Layouts{Types: b, Pointer: 8}}, nil
}

// FuzzLayouts compares two kernels by BTF. A kernel does not differ from itself.
func FuzzLayouts(f *testing.F) {
	f.Add(madeBTF(0), madeBTF(8))
	f.Add(madeBTF(4), madeBTF(4))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		old, err := sideOfBTF(a, 1)
		if err != nil {
			return
		}
		if new, err := sideOfBTF(b, 2); err == nil {
			Compare(old, new, Options{})
		}
		same, _ := sideOfBTF(a, 2)
		if r := Compare(old, same, Options{}); len(r.Causes) != 0 {
			t.Errorf("it differs from itself: %+v", r.Causes)
		}
	})
}

// TestMadeBTF is the seeds' cause.
func TestMadeBTF(t *testing.T) {
	old, err := sideOfBTF(madeBTF(0), 1)
	if err != nil {
		t.Fatal(err)
	}
	new, err := sideOfBTF(madeBTF(8), 2)
	if err != nil {
		t.Fatal(err)
	}
	r := Compare(old, new, Options{})
	if len(r.Causes) != 0 || r.Changed[0].Unproved != "its types are equal on both sides" {
		t.Errorf("a record has no offsets, and %+v was found", r.Causes)
	}
}
