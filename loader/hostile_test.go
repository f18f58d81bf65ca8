package loader_test

import (
	"fmt"
	"strings"
	"testing"

	"modkeep/loader"
)

// TestManyImports: a file made to be answered by gigabytes is refused in a few
// words, one with more imports than any real module is judged.
func TestManyImports(t *testing.T) {
	many := func(n int) []string {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf("symbol%d", i))
		}
		return names
	}
	tests := []struct {
		name     string
		imports  []string
		findings int
	}{
		{"many", many(20000), 20000},
		{"too many", many(40000), 1},
		{"long names", strings.Fields(strings.Repeat(strings.Repeat("x", 4000)+" ", 2000)), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := madeKernel().Check([]*loader.Module{made{name: "m", imports: tt.imports, crcs: versioned()}.read("/s")})[0]
			if v.Loads || len(v.Findings) != tt.findings {
				t.Errorf("loads=%v, %d findings, want %d", v.Loads, len(v.Findings), tt.findings)
			}
		})
	}
}
