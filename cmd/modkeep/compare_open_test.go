package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/oracle"
)

// TestOracleCompareDWARF compares by the debug information of a compiler that
// was given two versions of a source.
func TestOracleCompareDWARF(t *testing.T) {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		oracle.Missing(t, "gcc")
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
	root, krels, debs := packagedPair(t)
	var packed, installed compareReport
	answerJSON(t, &packed, "compare", "--json", debs[0], debs[1])
	answerJSON(t, &installed, "compare", "--json", "--root", root, krels[0], krels[1])
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

// TestOracleCompareTableBeside takes a Module.symvers beside a kernel that has
// none for what it exports, as beside its image.
func TestOracleCompareTableBeside(t *testing.T) {
	cache, err := kerneltest.OpenCache()
	if err != nil {
		oracle.Missing(t, "%v", err)
	}
	kernels, err := cache.Kernels()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kernels {
		data, err := os.ReadFile(k.Image())
		if err != nil || k.Arch != "amd64" {
			continue
		}
		root := t.TempDir()
		table := filepath.Join(root, "table")
		write := func(path string, data []byte) string {
			path = filepath.Join(root, path)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
				t.Fatal(err)
			}
			return path
		}
		image := write("boot/vmlinuz-"+k.Release, data)
		write("lib/modules/"+k.Release+"/modules.order", nil)
		write("table", []byte("0x00000001\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n"))
		for _, kernel := range []string{root, image} {
			var got compareReport
			if status := answerJSON(t, &got, "compare", "--json", kernel+","+table, table); status != 0 {
				t.Errorf("%s: status %d, %d removed", kernel, status, len(got.Removed))
			}
			if status := answerJSON(t, &got, "compare", "--json", kernel, table); status != statusNo || len(got.Removed) < 1000 {
				t.Errorf("%s without the table: status %d, %d removed", kernel, status, len(got.Removed))
			}
		}
		return
	}
	oracle.Missing(t, "an image for amd64")
}

// packagedPair returns the oldest and the newest kernel of a series and flavour that the cache has
// both installed and as packages.
func packagedPair(t *testing.T) (root string, krels, debs []string) {
	t.Helper()
	cache, err := kerneltest.OpenCache()
	if err != nil {
		oracle.Missing(t, "%v", err)
	}
	kernels, err := cache.Kernels()
	if err != nil {
		t.Fatal(err)
	}
	kinds := make(map[[2]string][]string) // releases by series and flavour
	most := [2]string{}
	deb := make(map[string]string)
	for _, k := range kernels {
		found, _ := filepath.Glob(cache.Join("deb", "linux-image-"+k.Release+"_*_amd64.deb"))
		image, err := os.Stat(k.Image())
		if k.Arch != "amd64" || len(found) == 0 || err != nil {
			continue
		}
		if file, err := os.Stat(found[0]); err != nil || file.Size() < image.Size() {
			continue // it only depends on packages that have image and modules
		}
		root, deb[k.Release] = k.Root, found[0]
		kind := [2]string{k.Series, k.Flavour}
		if kinds[kind] = append(kinds[kind], k.Release); len(kinds[kind]) > len(kinds[most]) {
			most = kind
		}
	}
	list := kinds[most]
	if len(list) < 2 {
		oracle.Missing(t, "two kernels of a kind with their packages")
	}
	old, new := list[0], list[len(list)-1]
	return root, []string{old, new}, []string{deb[old], deb[new]}
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
