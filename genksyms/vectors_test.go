package genksyms

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// vector is one snippet with its versions by build.
type vector struct {
	Name, Symbol, Input string
	CRC                 map[string]string
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 44 {
		t.Fatalf("%d vectors, want 44", len(list))
	}
	return list
}

func TestVectors(t *testing.T) {
	builds := 0
	for _, v := range readVectors(t) {
		for build, want := range v.CRC {
			d, exact, err := DialectOf(strings.TrimRight(build, "deb+"))
			if err != nil || !exact {
				t.Fatalf("build %s: dialect %v, exact %v, %v", build, d, exact, err)
			}
			for _, marker := range []string{"EXPORT_SYMBOL", "EXPORT_SYMBOL_GPL", "__GENKSYMS_EXPORT_SYMBOL"} {
				unit, err := Parse(strings.NewReader(strings.ReplaceAll(v.Input, "@EXPORT@", marker)), Options{Dialect: d})
				if err != nil {
					t.Fatal(err)
				}
				got := "rc0/none"
				if len(unit.Exports) == 1 && unit.Exports[0].Name == v.Symbol {
					got = fmt.Sprintf("0x%08x", unit.Exports[0].CRC)
				}
				if got != want {
					t.Errorf("%s, %s, %s: %s, want %s", v.Name, build, marker, got, want)
				}
			}
			builds++
		}
	}
	if builds != 44*9 {
		t.Errorf("%d versions tried, want %d", builds, 44*9)
	}
}
