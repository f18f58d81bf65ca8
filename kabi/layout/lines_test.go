package layout

import (
	"bytes"
	"debug/dwarf"
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest"
)

// TestLineTables holds names of files against those that debug/dwarf reads: of
// the fixture, and of modules that compilers made.
func TestLineTables(t *testing.T) {
	compareLines(t, "testdata/m.o", fixture(t))
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	modules, err := filepath.Glob(cache.Join("modules", "*", "*", "*.ko"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(modules)
	for i := 0; i < len(modules); i += len(modules)/10 + 1 {
		data, err := os.ReadFile(modules[i])
		if err != nil {
			t.Fatal(err)
		}
		compareLines(t, filepath.Base(modules[i]), data)
	}
}

func compareLines(t *testing.T, name string, data []byte) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	d, err := f.DWARF()
	if err != nil || f.Section(".debug_line") == nil {
		t.Logf("%s has no DWARF", name)
		return
	}
	tables, err := newLineTables(f)
	if err != nil {
		t.Fatal(err)
	}
	units, files := 0, 0
	for r := d.Reader(); ; r.SkipChildren() {
		e, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e == nil {
			break
		}
		lr, err := d.LineReader(e)
		if err != nil || lr == nil {
			continue
		}
		want := []string{}
		for _, f := range lr.Files() {
			if f == nil {
				f = &dwarf.LineFile{}
			}
			want = append(want, f.Name)
		}
		dir, _ := e.Val(dwarf.AttrCompDir).(string)
		table, _ := number(e, dwarf.AttrStmtList)
		if diff := cmp.Diff(want, tables.files(table, dir)); diff != "" {
			t.Errorf("%s: unit at %#x (-debug/dwarf +ours):\n%s", name, e.Offset, diff)
		}
		units, files = units+1, files+len(want)
	}
	t.Logf("%s: %d units, %d files", name, units, files)
	if units == 0 {
		t.Errorf("%s: no units", name)
	}
}
