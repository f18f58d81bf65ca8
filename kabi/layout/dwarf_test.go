package layout

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func fixture(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/m.o")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReadDWARF(t *testing.T) {
	d, err := ReadDWARF(bytes.NewReader(fixture(t)))
	if err != nil {
		t.Fatal(err)
	}
	want := `struct s {
	struct s *next; /* 0 8 */
	atomic_t count; /* 8 4 */
	unsigned int a : 3; /* 12:0 */
	unsigned int b : 4; /* 12:3 */
	/* hole of 3 bytes */
	union {
		int x; /* 16 4 */
		enum e e; /* 16 4 */
	} /* 16 4 */
	char name[16]; /* 20 16 */
	/* hole of 4 bytes */
	int (*open)(struct s *, ...); /* 40 8 */
	/* size: 48 */
};
`
	ids := d.Named(Struct, "s")
	if len(ids) != 1 {
		t.Fatal(ids)
	}
	if diff := cmp.Diff(want, Render(d, ids[0], d.Pointer)); diff != "" {
		t.Error(diff)
	}
	if ids := d.Named(Func, "f"); len(ids) != 1 || Declare(d, d.Type(ids[0]).Elem, "f") != "int f(struct s *)" {
		t.Errorf("functions f: %v", ids)
	}
	var uses []string
	for _, u := range d.Uses() {
		uses = append(uses, u.By+": "+Spell(d, u.Type))
	}
	if got := strings.Join(uses, "\n"); !strings.Contains(got, "parameter p of f: struct s *") || !strings.Contains(got, "value A or another: enum e") {
		t.Errorf("uses:\n%s", got)
	}
}

func TestReadDWARFErrors(t *testing.T) {
	data := fixture(t)
	bare := bytes.ReplaceAll(data, []byte(".debug_info"), []byte(".nebug_info"))
	if _, err := ReadDWARF(bytes.NewReader(bare)); !errors.Is(err, ErrAbsent) {
		t.Errorf("without .debug_info: %v", err)
	}
	if _, err := ReadDWARF(strings.NewReader("no ELF")); err == nil {
		t.Error("a text was read")
	}
}

func FuzzDWARF(f *testing.F) {
	f.Add(fixture(f))
	kernel := list(binary.LittleEndian, 8).open(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ReadDWARF(bytes.NewReader(data))
		if err != nil {
			return
		}
		Check(ViewOfDWARF(d), kernel, d.Pointer)
		for id := range min(d.Len(), 200) {
			Render(d, ID(id), d.Pointer)
		}
	})
}
