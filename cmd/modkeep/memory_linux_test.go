package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

// smapsOf is what the kernel shows of two programs: one linked to addresses, and one
// whose constants were relocated and made read-only then (-buildmode=pie).
const (
	smapsFixed = `00400000-00b07000 r-xp 00000000 00:1e 4321  /usr/bin/modkeep
Size:               7196 kB
Anonymous:             0 kB
Swap:                  0 kB
00b07000-01358000 r--p 00707000 00:1e 4321  /usr/bin/modkeep
Anonymous:             0 kB
Swap:                  4 kB
01358000-01398000 rw-p 00f58000 00:1e 4321  /usr/bin/modkeep
Anonymous:             0 kB
Swap:                  0 kB
c000000000-c000400000 rw-p 00000000 00:00 0
Anonymous:           140 kB
Swap:                  0 kB
`
	smapsRelocated = `5581e0a00000-5581e1100000 r-xp 00000000 00:1e 4321  /usr/bin/modkeep
Anonymous:             0 kB
Swap:                  0 kB
5581e1100000-5581e1900000 r--p 00700000 00:1e 4321  /usr/bin/modkeep
Anonymous:          1200 kB
Swap:                  0 kB
7f0000000000-7f0000100000 r-xp 00000000 00:1e 99  /usr/lib/x86_64-linux-gnu/libc.so.6
Anonymous:             0 kB
Swap:                  0 kB
7f0000100000-7f0000200000 r--p 00000000 00:1e 98  /opt/usr/bin/modkeep
Anonymous:             0 kB
Swap:                  0 kB
`
)

func TestCleanMappings(t *testing.T) {
	tests := []struct {
		name, smaps string
		want        []mapping
	}{
		{"linked to addresses, swapped out in part", smapsFixed, []mapping{{0x400000, 0xb07000}}},
		{"relocated", smapsRelocated, []mapping{{0x5581e0a00000, 0x5581e1100000}}},
		{"no mapping", "Anonymous: 0 kB\nSwap: 0 kB\nx y z a b /usr/bin/modkeep\nAnonymous: 0 kB\nSwap: 0 kB\n", nil},
		{"a kernel that does not say what was written", strings.ReplaceAll(smapsFixed, "Anonymous", "Referenced"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := cleanMappings(strings.NewReader(tt.smaps), "/usr/bin/modkeep"); !slices.Equal(got, tt.want) {
				t.Errorf("got %x, want %x", got, tt.want)
			}
		})
	}
}

// TestReleaseProgram lets go of the test's own pages: its code and constants are
// as they were.
func TestReleaseProgram(t *testing.T) {
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip("SKIPPED: no /proc")
	}
	program, err := os.Readlink("/proc/self/exe")
	if err != nil || len(cleanMappings(bytes.NewReader(smaps), program)) == 0 {
		t.Fatalf("no mapping of %s (%v) in:\n%s", program, err, smaps)
	}
	releaseProgram()
	again, err := os.ReadFile("/proc/self/smaps")
	if err != nil || strings.Count(string(again), program) != strings.Count(string(smaps), program) {
		t.Errorf("mappings of %s are lost: %v", program, err)
	}
}

func TestIsBuildTool(t *testing.T) {
	for line, want := range map[string]bool{
		"modkeep": false, "modkeep genksyms": true, "/usr/bin/modkeep gendwarfksyms x.o": true, "scripts/genksyms -w": true,
		"genksyms": true, "gendwarfksyms x.o": true, "modkeep compare genksyms x": false,
	} {
		if got := isBuildTool(strings.Fields(line)); got != want {
			t.Errorf("%q: got %v", line, got)
		}
	}
}
