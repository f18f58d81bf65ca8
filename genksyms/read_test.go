package genksyms

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

// TestReaders cuts texts anywhere: where a read ends shows in nothing.
func TestReaders(t *testing.T) {
	var text strings.Builder
	for seed := range uint64(300) {
		text.WriteString(generated(seed))
	}
	texts := []string{text.String()}
	if file, err := os.ReadFile("testdata/published.json"); err == nil {
		texts = append(texts, string(file)) // no C, but quotes
	}
	d, _, _ := DialectOf("7.3")
	for _, text := range texts {
		k := tool{dialect: d}
		want, err := k.parse(request{text: text, defs: true})
		if err != nil {
			t.Fatal(err)
		}
		for name, wrap := range map[string]func(io.Reader) io.Reader{"byte": iotest.OneByteReader, "half": iotest.HalfReader, "end": iotest.DataErrReader} {
			var messages strings.Builder
			unit, err := Parse(wrap(strings.NewReader(text)), Options{Dialect: d, Warnings: true, Defs: true, Messages: &messages})
			if err != nil {
				t.Fatal(err)
			}
			if messages.String() != want.messages || len(unit.Exports) != strings.Count(want.exports, "\n") {
				t.Errorf("%s: another result", name)
			}
		}
	}
}

func TestReadErrors(t *testing.T) {
	d, _, _ := DialectOf("6.1")
	broken := errors.New("broken")
	if _, err := Parse(io.MultiReader(strings.NewReader("int f(int); in"), iotest.ErrReader(broken)), Options{Dialect: d}); !errors.Is(err, broken) {
		t.Errorf("error %v, want that of the reader", err)
	}
	tests := map[string]string{
		"f int f " + strings.Repeat("x", 256) + " ": "read reference: line 1: token longer than 255 bytes",
		"ok int ok \nf x#y ":                        "read reference: line 2: unknown type x",
	}
	for reference, want := range tests {
		_, err := Parse(strings.NewReader("int f;"), Options{Dialect: d, Reference: strings.NewReader(reference)})
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestDialectOf(t *testing.T) {
	tests := []struct {
		name, kernel string
		era          Era
		exact        bool
	}{
		{"G0", "2.6.24", G0, true},
		{"G3", "6.12", G3, true},
		{"G4", "7.3", G4, true},
		{"2.4.18", "2.6.20", G0, false},
		{"2.6.20", "2.6.20", G0, true},
		{"2.6.25", "2.6.32", G1, false},
		{"2.6.38", "2.6.32", G1, false},
		{"2.6.39", "3.6", G2, false},
		{"3.0", "3.6", G2, false},
		{"3.10", "3.12", G2, false},
		{"3.14", "4.14", G3, false},
		{"4.14.336", "4.14", G3, true},
		{"5.10.0-30-amd64", "6.1", G3, false},
		{"6.1.0-56-amd64", "6.1", G3, true},
		{"6.12.117+deb12-amd64", "6.12", G3, true},
		{"v6.13", "6.12", G3, false},
		{"6.14", "6.14", G4, true},
		{"6.15", "6.14", G4, false},
		{"6.16", "7.3", G4, false},
		{"7.2", "7.3", G4, false},
	}
	for _, tt := range tests {
		d, exact, err := DialectOf(tt.name)
		if err != nil || d.Kernel != tt.kernel || d.Era != tt.era || exact != tt.exact {
			t.Errorf("%s: %s %s %v, %v; want %s %s %v", tt.name, d.Era, d.Kernel, exact, err, tt.era, tt.kernel, tt.exact)
		}
	}
	for _, name := range []string{"", "G5", "new", "6.x", "99999999999999999999"} {
		if d, _, err := DialectOf(name); err == nil {
			t.Errorf("%q: %s, want an error", name, d.Kernel)
		}
	}
}
