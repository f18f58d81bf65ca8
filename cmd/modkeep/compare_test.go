package main

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/oracle"
)

// answerJSON runs modkeep with --json and returns the status.
func answerJSON(t *testing.T, into any, args ...string) int {
	t.Helper()
	var out, errOut bytes.Buffer
	status := run(context.Background(), append([]string{"modkeep"}, args...), nil, &out, &errOut)
	if err := json.Unmarshal(out.Bytes(), into); err != nil {
		t.Fatalf("%v\n%s", err, errOut.String())
	}
	return status
}

// debianSide is a kernel of Debian's 6.1, table and types.
func debianSide(dir, krel string) string {
	return filepath.Join(dir, "symvers/debian", krel+".symvers.gz") + "," +
		filepath.Join(dir, "symtypes/debian", krel+".consolidated.symtypes.gz")
}

// TestOracleCompareLists compares stablelists whose numbers are known.
func TestOracleCompareLists(t *testing.T) {
	dir := oracle.Data(t)
	tests := []struct {
		name, old, new          string
		removed, added, changed int
	}{
		{"openEuler 24.03 to SP1", "openeuler/2024-10-31_f97a0db5a_", "openeuler/2024-12-20_6a010761c_", 0, 0, 990},
		{"openEuler 22.03", "openeuler/2023-06-13_b67b69caf_", "openeuler/2023-12-13_4bc0ca8bb_", 0, 7, 0},
		{"OpenELA 8 to 9", "openela-main/2024-01-25_b43a38fe6_SOURCES_", "openela-main/2024-01-25_46247f3e1_SOURCES_", 513, 271, 144},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got compareReport
			status := answerJSON(t, &got, "compare", "--json", filepath.Join(dir, "kabi", tt.old+"Module.kabi_x86_64.gz"), filepath.Join(dir, "kabi", tt.new+"Module.kabi_x86_64.gz"))
			if status != statusNo || len(got.Removed) != tt.removed || len(got.Added) != tt.added || len(got.Changed) != tt.changed {
				t.Errorf("status %d: %d removed, %d added, %d changed", status, len(got.Removed), len(got.Added), len(got.Changed))
			}
		})
	}
}

// TestOracleExplainModule explains Debian's own e1000e, in the direction of the
// kernel that the cache has.
func TestOracleExplainModule(t *testing.T) {
	dir := oracle.Data(t)
	cache := oracle.CacheDir()
	found := 0
	for _, pair := range [][2]string{{"6.1.0-47-amd64", "6.1.0-56-amd64"}, {"6.1.0-56-amd64", "6.1.0-47-amd64"}} {
		paths, _ := filepath.Glob(filepath.Join(cache, "root/amd64/lib/modules", pair[0], "kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko*"))
		if len(paths) == 0 {
			continue
		}
		found++
		var got explainReport
		status := answerJSON(t, &got, "explain", "--json", paths[0], debianSide(dir, pair[0]), debianSide(dir, pair[1]))
		if status != statusNo || got.Imports != 191 || len(got.Changed) != 105 || len(got.Absent) != 0 || got.Foreign != 0 {
			t.Errorf("%v: status %d: %d of %d imports, %d absent, %d foreign", pair, status, len(got.Changed), got.Imports, len(got.Absent), got.Foreign)
		}
		if strings.Join(got.Cover, " ") != "struct mm_struct" || got.Causes[0].Proved != 92 {
			t.Errorf("%v: cover %v, %d proved", pair, got.Cover, got.Causes[0].Proved)
		}
		if len(got.Without) != 1 || got.Without[0].Good == 0 {
			t.Errorf("%v: without %v", pair, got.Without)
		}
	}
	if found == 0 {
		oracle.Missing(t, "no e1000e of 6.1.0-47-amd64 or 6.1.0-56-amd64 in the cache")
	}
}
