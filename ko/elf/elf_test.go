package elf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/cputime"
	"modkeep/internal/kerneltest/oracle"
)

func modules(t testing.TB) []string {
	t.Helper()
	files, _ := filepath.Glob("../testdata/*.*o")
	if len(files) == 0 {
		t.Fatal("no modules in ../testdata")
	}
	return files
}

func read(t testing.TB, path string) *File {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := New(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func readelf(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command(oracle.Tool(t, "readelf"), args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Offset and symbol of each relocation; readelf prints of 64-bit MIPS the
// info word in another order, so that symbols are compared by name.
func TestOracleRelocations(t *testing.T) {
	for _, path := range modules(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f := read(t, path)
			syms, err := f.Symbols(f.Symtab())
			if err != nil {
				t.Fatal(err)
			}
			var want, got []string
			for line := range strings.Lines(readelf(t, "-rW", path)) {
				// Offset Info Type Value Name [+ Addend]; the name of a section
				// for a section's symbol
				if col := strings.Fields(line); len(col) >= 5 && strings.HasPrefix(col[2], "R_") {
					addend := "0"
					if len(col) >= 7 {
						addend = col[5] + col[6]
					}
					want = append(want, strings.TrimLeft(col[0], "0")+" "+col[4]+" "+strings.Trim(addend, "+"))
				}
			}
			for i := range f.Sections {
				relocs, err := f.Relocations(&f.Sections[i])
				if err != nil {
					t.Fatal(err)
				}
				for r := range relocs {
					s := syms[r.Symbol-1]
					name := s.Name
					if name == "" || s.SymType() == 3 {
						name = f.Sections[s.Section].Name
					}
					got = append(got, strings.TrimLeft(fmt.Sprintf("%08x", r.Offset), "0")+fmt.Sprintf(" %s %x", strings.TrimSpace(name), r.Addend))
				}
			}
			if len(got) == 0 {
				t.Error("no relocations")
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-readelf +got)\n%s", d)
			}
		})
	}
}

func TestOracleSymbols(t *testing.T) {
	for _, path := range modules(t) {
		f := read(t, path)
		syms, err := f.Symbols(f.Symtab())
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for line := range strings.Lines(readelf(t, "-sW", path)) {
			// Num: Value Size Type Bind Vis Ndx Name
			col := strings.Fields(line)
			if len(col) >= 7 && strings.HasSuffix(col[0], ":") && col[3] != "SECTION" && col[0] != "0:" && col[0] != "Num:" {
				want = append(want, strings.TrimLeft(col[1], "0")+" "+strings.Join(col[7:], ""))
			}
		}
		for i := range syms {
			if s := &syms[i]; s.SymType() != 3 {
				got = append(got, strings.TrimLeft(fmt.Sprintf("%08x", s.Value), "0")+" "+strings.TrimSpace(s.Name))
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: (-readelf +got)\n%s", path, d)
		}
	}
}

// 60,000 headers that all name the same megabyte.
func TestOverlap(t *testing.T) {
	const n, data = 60000, 1 << 20
	b := make([]byte, 64+data+n*64)
	copy(b, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint64(b[40:], 64+data)
	le.PutUint16(b[58:], 64)
	le.PutUint16(b[60:], n)
	for i := 1; i < n; i++ {
		h := b[64+data+i*64:]
		le.PutUint32(h[4:], SHT_RELA)
		le.PutUint64(h[24:], 64)
		le.PutUint64(h[32:], data)
	}
	clock := cputime.Start()
	f, err := New(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.Sections {
		if relocs, err := f.Relocations(&f.Sections[i]); err == nil {
			for range relocs {
			}
		} else if !strings.Contains(err.Error(), "sections overlap") {
			t.Fatal(err)
		}
	}
	cputime.Hold(t, clock.Took(), time.Second)
}

func FuzzNew(f *testing.F) {
	for _, path := range modules(f) {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := New(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for i := range file.Sections {
			s := &file.Sections[i]
			data, err := file.Data(s)
			if err == nil && len(data) > 0 && uint64(len(data)) != s.Size {
				t.Fatalf("section %d: %d bytes of %d", i, len(data), s.Size)
			}
			if relocs, err := file.Relocations(s); err == nil {
				for range relocs {
				}
			}
			file.Symbols(s)
			file.RelocationsOf(i)
		}
	})
}
