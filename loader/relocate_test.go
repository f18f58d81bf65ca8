package loader

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/ko"
	"modkeep/ko/elf"
)

// TestRelocFaultInParts reads the relocations of a file that is in memory and
// of the same file made too large for that: they must have the same first fault.
func TestRelocFaultInParts(t *testing.T) {
	plain, err := os.ReadFile("../ko/testdata/x86_64-6.14.ko")
	if err != nil {
		t.Fatal(err)
	}
	sections := relaSections(t, plain)
	faults := 0
	for _, s := range sections {
		for i := uint64(0); i < s.Size; i += 24 {
			for _, change := range []struct {
				at    uint64
				value byte
			}{
				{s.Offset + i + 8, 99},             // an unknown type
				{s.Offset + i + 1, 0xff},           // an offset far behind the section
				{bodyOf(t, plain, s, i), 0x80},     // what is changed is not zero
				{bodyOf(t, plain, s, i) + 3, 0x80}, // nor its last byte
			} {
				data := bytes.Clone(plain)
				data[change.at] = change.value
				want := faultOf(t, data, &room{})
				got := faultOf(t, append(data, make([]byte, 3<<20)...), &room{rela: make([]byte, 48), body: make([]byte, 16)})
				if d := cmp.Diff(want, got, cmp.AllowUnexported(relocFault{})); d != "" {
					t.Fatalf("%#x at %#x: (-in memory +in parts)\n%s", change.value, change.at, d)
				}
				if want != nil {
					faults++
				}
			}
		}
	}
	if faults == 0 {
		t.Error("no change made a fault")
	}
}

func faultOf(t *testing.T, data []byte, r *room) *relocFault {
	t.Helper()
	im, err := ko.NewImage("x.ko", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	f, err := ko.Parse(im)
	if err != nil {
		t.Fatal(err)
	}
	fault, err := findRelocFault(f, r)
	if err != nil {
		t.Fatal(err)
	}
	return fault
}

// relaSections returns the relocations of the sections that take memory.
func relaSections(t *testing.T, data []byte) (list []elf.Section) {
	t.Helper()
	f, err := elf.New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Sections {
		if s.Type == elf.SHT_RELA && f.Sections[s.Info].Flags&elf.SHF_ALLOC != 0 {
			list = append(list, s)
		}
	}
	return list
}

// bodyOf returns where in the file the relocation at i changes something.
func bodyOf(t *testing.T, data []byte, s elf.Section, i uint64) uint64 {
	t.Helper()
	f, err := elf.New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f.Sections[s.Info].Offset + binary.LittleEndian.Uint64(data[s.Offset+i:])
}
