package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/depmod"
	"modkeep/internal/kerneltest/oracle"
)

// sampleSize is how many modules of the largest tree the oracles are asked
// about where MODKEEP_FULL=1 does not ask for all.
const sampleSize = 300

// sampleModules returns modules of the kernel below the cache that has most,
// evenly spread over its tree, and a few of every other kernel there, whatever
// its architecture and compression.
func sampleModules(t *testing.T) []string {
	t.Helper()
	cache := oracle.CacheDir()
	dirs, err := filepath.Glob(filepath.Join(cache, "root/*/lib/modules/*"))
	if err != nil {
		t.Fatal(err)
	}
	var trees [][]string
	for _, dir := range dirs {
		if files := moduleFiles(t, dir); len(files) > 0 {
			trees = append(trees, files)
		}
	}
	if len(trees) == 0 {
		oracle.Missing(t, "no kernel in %s", cache)
	}
	sort.SliceStable(trees, func(i, j int) bool { return len(trees[i]) > len(trees[j]) })
	ofFirst, ofOther := sampleSize, 3
	if os.Getenv("MODKEEP_FULL") == "1" {
		ofFirst, ofOther = len(trees[0]), 100
	}
	sample := spread(trees[0], ofFirst)
	for _, files := range trees[1:] {
		sample = append(sample, spread(files, ofOther)...)
	}
	return sample
}

func moduleFiles(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		isModule := slices.ContainsFunc(depmod.Extensions, func(ext string) bool { return strings.HasSuffix(path, ext) })
		if err == nil && entry.Type().IsRegular() && isModule {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// spread returns n of the files, evenly spread.
func spread(files []string, n int) []string {
	if len(files) <= n {
		return files
	}
	var some []string
	for i := range n {
		some = append(some, files[i*len(files)/n])
	}
	return some
}

// modkeep runs modkeep in this process and returns its standard output.
func modkeep(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	if status := run(context.Background(), append([]string{"modkeep"}, args...), nil, &out, &errOut); status != statusYes {
		t.Fatalf("modkeep %s: status %d\n%s", args[0], status, errOut.String())
	}
	return out.String()
}

// ask runs a tool of kmod and returns its standard output. Only some tools
// tell by their status that all went well.
func ask(t *testing.T, mustSucceed bool, tool string, args ...string) string {
	t.Helper()
	cmd := exec.Command(tool, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var errOut strings.Builder
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil && mustSucceed {
		t.Fatalf("%s: %v\n%s", tool, err, errOut.String())
	}
	return string(out)
}

// TestOracleModinfo compares show -F with modinfo -F for every field that the
// sampled modules have, and for the whole list of fields.
func TestOracleModinfo(t *testing.T) {
	tool := oracle.Tool(t, "modinfo")
	files := sampleModules(t)
	t.Logf("%d modules", len(files))
	for _, field := range fieldNames(t, files) {
		t.Run(field, func(t *testing.T) {
			for batch := range slices.Chunk(files, 2000) {
				want := ask(t, true, tool, append([]string{"-0", "-F", field}, batch...)...)
				got := modkeep(t, append([]string{"show", "-0", "-F", field}, batch...)...)
				compareRecords(t, want, got)
			}
		})
	}
}

// fieldNames returns the names of all fields of the files, with those that
// modinfo makes itself.
func fieldNames(t *testing.T, files []string) []string {
	t.Helper()
	names := map[string]bool{"filename": true, "no_such_field": true}
	for batch := range slices.Chunk(files, 500) {
		var report showReport
		if err := json.Unmarshal([]byte(modkeep(t, append([]string{"show", "--json"}, batch...)...)), &report); err != nil {
			t.Fatal(err)
		}
		for _, m := range report.Modules {
			for _, f := range m.Fields {
				names[f.Key] = true
			}
		}
	}
	for _, must := range []string{"vermagic", "depends", "parm", "alias", "sig_id", "signer", "sig_key", "sig_hashalgo", "signature"} {
		if !names[must] {
			t.Errorf("no sampled module has field %s", must)
		}
	}
	var list []string
	for name := range names {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

// compareRecords shows the first of the NUL-terminated records that differ.
func compareRecords(t *testing.T, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	w, g := strings.Split(want, "\x00"), strings.Split(got, "\x00")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			t.Fatalf("record %d (-modinfo +modkeep):\n%s", i, cmp.Diff(w[i:min(i+3, len(w))], g[min(i, len(g)):min(i+3, len(g))]))
		}
	}
	t.Fatalf("%d records of modkeep, %d of modinfo", len(g), len(w))
}

// TestOracleModinfoList compares the list of all fields with modinfo's: show
// prints the same lines and then others.
func TestOracleModinfoList(t *testing.T) {
	tool := oracle.Tool(t, "modinfo")
	for _, file := range spread(sampleModules(t), 50) {
		want := ask(t, true, tool, file)
		got := modkeep(t, "show", file)
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s (-modinfo +modkeep):\n%s", file, cmp.Diff(want, got))
		}
	}
}

// TestOracleModprobe compares symbols with what modprobe reads of the same
// files: --dump-modversions for the needed ones that have a CRC, --show-exports
// for the others.
func TestOracleModprobe(t *testing.T) {
	tool := oracle.Tool(t, "modprobe")
	files := sampleModules(t)
	t.Logf("%d modules", len(files))
	exporters := 0
	for batch := range slices.Chunk(files, 200) {
		var report symbolsReport
		if err := json.Unmarshal([]byte(modkeep(t, append([]string{"symbols", "--json"}, batch...)...)), &report); err != nil {
			t.Fatal(err)
		}
		for i, s := range report.Files {
			var needed, exported []string
			for _, n := range s.Needed {
				if n.CRC != "" {
					needed = append(needed, n.CRC+"\t"+n.Symbol)
				}
			}
			for _, e := range s.Exported {
				exported = append(exported, modprobeCRC(e.CRC)+"\t"+e.Symbol)
			}
			if len(exported) > 0 {
				exporters++
			}
			compareLines(t, batch[i], needed, ask(t, false, tool, "--dump-modversions", batch[i]))
			compareLines(t, batch[i], exported, withoutNamespaces(ask(t, false, tool, "--show-exports", batch[i]), s.Exported))
		}
	}
	if exporters < 20 {
		t.Errorf("only %d of the modules export anything", exporters)
	}
}

// modprobeCRC is the CRC as modprobe prints it: zero where there is none.
func modprobeCRC(crc string) string {
	if crc == "" {
		return "0x00000000"
	}
	return crc
}

// withoutNamespaces takes from modprobe's lines what is no export: of a module
// without CRCs kmod 30 lists every string of __ksymtab_strings, the namespaces
// among them.
func withoutNamespaces(out string, exported []exportedEntry) string {
	namespaces := map[string]bool{}
	for _, e := range exported {
		if e.CRC == "" && e.Namespace != "" {
			namespaces["0x00000000\t"+e.Namespace] = true
		}
	}
	lines := strings.Split(out, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return namespaces[line] }), "\n")
}

// compareLines compares symbols with modprobe's lines, in any order.
func compareLines(t *testing.T, file string, got []string, out string) {
	t.Helper()
	want := strings.FieldsFunc(out, func(r rune) bool { return r == '\n' })
	sort.Strings(want)
	sort.Strings(got)
	if !slices.Equal(want, got) {
		t.Errorf("%s (-modprobe +modkeep):\n%s", file, cmp.Diff(want, got))
	}
}
