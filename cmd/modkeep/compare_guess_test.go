package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/kabi"
	"modkeep/symvers"
)

// TestOracleGuessedCauses holds causes that BTF alone tells against those that it
// tells where symtypes say what each source file saw: of sources that the cache
// has preprocessed, on the kernel in whose configuration they are, after an older
// one. (What hashing proves wants the symtypes of both, see kabi's
// TestOracleLayoutCauses: with those of one, 100 % of the causes are true.)
func TestOracleGuessedCauses(t *testing.T) {
	cache, err := kerneltest.OpenCache()
	if err != nil {
		oracle.Missing(t, "%v", err)
	}
	types := t.TempDir()
	published := sampleTypes(t, types)
	old, new := changedPair(t, cache, published)
	var alone, guided compareReport
	answerJSON(t, &alone, "compare", "--json", old, new)
	answerJSON(t, &guided, "compare", "--json", old, new+","+types)
	if alone.Source != kabi.Layout || guided.Source != kabi.Guided {
		t.Fatalf("by %q and %q", alone.Source, guided.Source)
	}
	named := make(map[string]map[string]bool)
	for _, c := range alone.Changed {
		named[c.Symbol] = make(map[string]bool)
		for _, cause := range c.Causes {
			named[c.Symbol][cause] = true
		}
	}
	exports, both, said, right := 0, 0, 0, 0
	for _, c := range guided.Changed {
		if _, ok := published[c.Symbol]; !ok || len(c.Causes) == 0 {
			continue
		}
		exports++
		said += len(named[c.Symbol])
		right += len(c.Causes)
		for _, cause := range c.Causes {
			if named[c.Symbol][cause] {
				both++
			}
		}
	}
	t.Logf("%s -> %s: %d exports, %d causes, %d guessed, %d of them right", filepath.Base(old), filepath.Base(new), exports, right, said, both)
	if exports < 100 || 100*both < 80*said || 100*both < 80*right {
		t.Error("less than 80 % are right, or found")
	}
}

// sampleTypes writes the symtypes of the preprocessed sources below a directory
// and returns the CRCs.
func sampleTypes(t *testing.T, dir string) map[string]string {
	t.Helper()
	crcs := make(map[string]string)
	for _, path := range oracle.Preprocessed(t) {
		in, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		var out, errOut bytes.Buffer
		to := filepath.Join(dir, strings.TrimSuffix(filepath.Base(path), ".o.i")+".symtypes")
		if status := run(context.Background(), []string{"modkeep", "genksyms", "--era", "6.1", "-T", to}, in, &out, &errOut); status != 0 {
			t.Fatalf("%s: %s", path, errOut.String())
		}
		in.Close()
		for line := range strings.Lines(out.String()) {
			if word := strings.Fields(line); len(word) == 3 {
				crcs[word[1]] = word[2]
			}
		}
	}
	return crcs
}

// changedPair returns the directories of the kernel that has the CRCs, and of the
// oldest one of its series and flavour with an image on which most differ.
func changedPair(t *testing.T, cache kerneltest.Cache, crcs map[string]string) (old, new string) {
	t.Helper()
	kernels, err := cache.Kernels()
	if err != nil {
		t.Fatal(err)
	}
	equal := func(k kerneltest.Kernel) int {
		table, err := symvers.Open(filepath.Join(k.Root, "usr/src/linux-headers-"+k.Release, "Module.symvers"))
		if err != nil {
			return -1
		}
		n := 0
		for symbol, crc := range crcs {
			if e, ok := table.Lookup(symbol); ok && e.CRC.String() == crc {
				n++
			}
		}
		return n
	}
	older := map[string]string{} // by flavour
	flavour := ""
	for _, k := range kernels {
		if _, err := os.Stat(k.Image()); err != nil || k.Arch != "amd64" || k.Series != "6.1" {
			continue
		}
		dir := filepath.Join(k.Root, "lib/modules", k.Release)
		switch n := equal(k); {
		case n > len(crcs)*3/4:
			new, flavour = dir, k.Flavour
		case n >= 0 && n < len(crcs)/2 && older[k.Flavour] == "":
			older[k.Flavour] = dir
		}
	}
	old = older[flavour]
	if old == "" || new == "" {
		oracle.Missing(t, "two 6.1 kernels of which one has the sample's CRCs, the other others")
	}
	return old, new
}
