package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOracleCompareDWARF compares by the debug information of a compiler that
// was given two versions of a source.
func TestOracleCompareDWARF(t *testing.T) {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		missing(t, "gcc")
	}
	dir := t.TempDir()
	side := func(n int, member string) string {
		source := fmt.Sprintf("struct inner { int a; %s };\nstruct box { char c; struct inner *in; unsigned f : 3; } boxes[2];\nint f(struct box *b, ...) { return b->in->a; }\nint main(void) { return 0; }\n", member)
		c, program, table := filepath.Join(dir, fmt.Sprint(n, ".c")), filepath.Join(dir, fmt.Sprint(n)), filepath.Join(dir, fmt.Sprint(n, ".symvers"))
		if err := os.WriteFile(c, []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
		rows := fmt.Sprintf("0x%08x\tf\tvmlinux\tEXPORT_SYMBOL\t\n0x%08x\tboxes\tvmlinux\tEXPORT_SYMBOL\t\n", n, n)
		if err := os.WriteFile(table, []byte(rows), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(gcc, "-g", "-o", program, c).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return table + "," + program
	}
	var got compareReport
	status := answerJSON(t, &got, "compare", "--json", side(1, ""), side(2, "long b;"))
	if status != statusNo || len(got.Causes) != 1 || len(got.Changed) != 2 {
		t.Fatalf("status %d: %+v", status, got)
	}
	c := got.Causes[0]
	if c.Type != "struct inner" || c.Symbols != 2 || c.Sole != 2 || strings.Join(c.Path, " ") != "f struct box struct inner" && strings.Join(c.Path, " ") != "boxes struct box struct inner" {
		t.Errorf("%+v", c)
	}
	if want := "layout changed: 1 member was added at the end; the size goes from 4 to 16 bytes"; c.Judgement != want {
		t.Errorf("%q, want %q", c.Judgement, want)
	}
}

// TestOracleComparePackages compares Debian's packages of two kernels with the
// same two kernels installed: the same exports, the same causes.
func TestOracleComparePackages(t *testing.T) {
	cache := os.Getenv("MODKEEP_CACHE")
	if cache == "" {
		cache = "../../.cache"
	}
	debs, _ := filepath.Glob(filepath.Join(cache, "deb/linux-image-6.1.0-*-cloud-amd64_*.deb"))
	if len(debs) < 2 {
		missing(t, "two kernels' packages in "+cache)
	}
	var krels []string
	for _, deb := range debs[:2] {
		name, _, _ := strings.Cut(filepath.Base(deb), "_")
		krels = append(krels, strings.TrimPrefix(name, "linux-image-"))
	}
	var packed, installed compareReport
	answerJSON(t, &packed, "compare", "--json", debs[0], debs[1])
	answerJSON(t, &installed, "compare", "--json", "--root", filepath.Join(cache, "root/amd64"), krels[0], krels[1])
	if len(packed.Changed) == 0 || len(packed.Changed) != len(installed.Changed) || len(packed.Removed) != len(installed.Removed) || len(packed.Added) != len(installed.Added) {
		t.Errorf("packages: %d changed, %d removed, %d added; installed: %d, %d, %d",
			len(packed.Changed), len(packed.Removed), len(packed.Added), len(installed.Changed), len(installed.Removed), len(installed.Added))
	}
	if a, b := strings.Join(packed.Cover, ", "), strings.Join(installed.Cover, ", "); a != b || a == "" {
		t.Errorf("packages: {%s}; installed: {%s}", a, b)
	}
	for i, c := range packed.Causes {
		if i < len(installed.Causes) && c.Diff != installed.Causes[i].Diff {
			t.Errorf("%s: packages:\n%s\ninstalled:\n%s", c.Type, c.Diff, installed.Causes[i].Diff)
		}
	}
}

// TestCompareStopsAtBadPackage is a package whose image is none.
func TestCompareStopsAtBadPackage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.deb")
	if err := os.WriteFile(path, []byte("!<arch>\ndebian-binary   0           0     0     100644  4         `\n2.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	if status := run(context.Background(), []string{"modkeep", "compare", path, path}, nil, &out, &errOut); status != statusUnknown || !strings.Contains(errOut.String(), "is missing") || out.Len() > 0 {
		t.Errorf("status %d: %s%s", status, out.String(), errOut.String())
	}
}
