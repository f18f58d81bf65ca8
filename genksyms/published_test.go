package genksyms

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestPublished computes CRCs of kernels before 2.6.39 from declarations, and
// compares them with those that were published for these kernels.
func TestPublished(t *testing.T) {
	data, err := os.ReadFile("testdata/published.json")
	if err != nil {
		t.Fatal(err)
	}
	var kernels []struct {
		Kernel, Dialect, Before string
		CRCs                    []struct {
			Declaration, Symbol string
			CRC                 uint32
		}
	}
	if err := json.Unmarshal(data, &kernels); err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, k := range kernels {
		t.Run(k.Kernel, func(t *testing.T) {
			d, exact, err := DialectOf(k.Dialect)
			if err != nil || !exact {
				t.Fatalf("dialect %s: %v", k.Dialect, err)
			}
			for _, c := range k.CRCs {
				text := "# 1 \"x.c\"\n# 1 \"x.h\" 1\n" + k.Before + c.Declaration + "\nEXPORT_SYMBOL(" + c.Symbol + ");\n"
				unit, err := Parse(strings.NewReader(text), Options{Dialect: d})
				if err != nil {
					t.Fatal(err)
				}
				if len(unit.Exports) != 1 || unit.Exports[0] != (Export{c.Symbol, c.CRC}) {
					t.Errorf("%s: %x, want 0x%08x", c.Declaration, unit.Exports, c.CRC)
				}
				total++
			}
		})
	}
	if total < 100 {
		t.Errorf("%d CRCs tried, want more than 100", total)
	}
}
