package kerneltest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/oracle"
)

// bases are modules of a kernel that between them have everything mutants
// change: exports, imports, a namespace, a signature.
func bases(t *testing.T, k Kernel) []string {
	t.Helper()
	files, err := ModuleFiles(filepath.Join(k.Modules(), "kernel"))
	if err != nil {
		t.Fatal(err)
	}
	var small []string
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && info.Size() < 100<<10 {
			small = append(small, f)
		}
	}
	return small
}

// tool runs a program on a file and returns what it prints, also when it
// complains about the file.
func tool(t *testing.T, file, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, append(args, file)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		oracle.Missing(t, "%v", err)
	}
	return string(out)
}

// views are the tools that see the difference a rule's mutants make; a mutant
// changes the output of at least one of its rule's.
var views = map[string][][]string{
	"crc":                    {{"modprobe", "--dump-modversions"}, {"readelf", "-x", "__versions"}},
	"module_layout":          {{"modprobe", "--dump-modversions"}},
	"version-missing":        {{"modprobe", "--dump-modversions"}},
	"version-missing-layout": {{"modprobe", "--dump-modversions"}},
	"no-versions":            {{"readelf", "-SW"}},
	"vermagic":               {{"modinfo", "-F", "vermagic"}},
	"vermagic-release":       {{"modinfo", "-F", "vermagic"}},
	"vermagic-missing":       {{"modinfo", "-F", "vermagic"}},
	"this-module":            {{"readelf", "-SW"}},
	"license":                {{"modinfo", "-F", "license"}},
	"namespace":              {{"modinfo", "-F", "import_ns"}},
	"taint-oot":              {{"modinfo", "-F", "intree"}},
	"retpoline":              {{"modinfo", "-F", "retpoline"}},
	"livepatch":              {{"modinfo", "-F", "livepatch"}},
	"staging":                {{"modinfo", "-F", "staging"}},
	"test":                   {{"modinfo", "-F", "test"}},
	"name":                   {{"modinfo", "-F", "name"}, {"modinfo", "-F", "depends"}},
	"duplicate":              {{"modinfo", "-F", "name"}},
	"unknown-symbol":         {{"nm", "-u"}},
	"weak":                   {{"nm", "-u"}},
	"order":                  {{"nm", "-u"}},
	"common":                 {{"nm"}},
	"symbol-index":           {{"readelf", "-sW"}},
	"stripped":               {{"nm"}},
	"strtab":                 {{"readelf", "-sW"}, {"readelf", "-p", ".strtab"}},
	"relocation":             {{"readelf", "-rW"}, {"objdump", "-s"}},
}

// TestMutantsSeen makes each mutant from a real module and has the real tools
// see the difference; twice, to see that it is always the same mutant.
func TestMutantsSeen(t *testing.T) {
	_, k := oracleKernel(t)
	pool := bases(t, k)
	dir := t.TempDir()
	for _, m := range Mutants() {
		t.Run(m.Name, func(t *testing.T) {
			base, module, mutant := firstMutant(t, m, pool)
			again, err := m.Apply(module)
			if err != nil || !bytes.Equal(mutant, again) {
				t.Fatalf("made twice from %s it differs: %v", base, err)
			}
			if m.Vary == nil && !m.WithOriginal && bytes.Equal(mutant, module) {
				t.Fatalf("%s unchanged", base)
			}
			tools := views[m.Rule]
			if tools == nil {
				return
			}
			before, after := filepath.Join(dir, "before.ko"), filepath.Join(dir, "after.ko")
			os.WriteFile(before, withoutSignature(module), 0o666)
			os.WriteFile(after, mutant, 0o666)
			for _, v := range tools {
				a := strings.ReplaceAll(tool(t, before, v[0], v[1:]...), before, "")
				b := strings.ReplaceAll(tool(t, after, v[0], v[1:]...), after, "")
				if a != b {
					return
				}
			}
			t.Errorf("%s: %v show no difference", base, tools)
		})
	}
}

// firstMutant makes a mutant from the first module that allows it.
func firstMutant(t *testing.T, m Mutant, pool []string) (base string, module, mutant []byte) {
	t.Helper()
	for _, base := range pool {
		module, err := os.ReadFile(base)
		if err != nil {
			t.Fatal(err)
		}
		mutant, err := m.Apply(module)
		if errors.Is(err, errNotApplicable) {
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", base, err)
		}
		return base, module, mutant
	}
	t.Fatalf("none of %d modules allows it", len(pool))
	return "", nil, nil
}

// TestMutantsOfCRC counts what modprobe prints: as many CRCs changed as the
// mutant's name says, or one line less.
func TestMutantsOfCRC(t *testing.T) {
	_, k := oracleKernel(t)
	pool := bases(t, k)
	file := filepath.Join(t.TempDir(), "x.ko")
	for name, want := range map[string]struct{ changed, missing int }{
		"crc-first": {1, 0}, "crc-last": {1, 0}, "crc-two": {2, 0}, "crc-module-layout": {1, 0},
		"crc-module-layout-and-other": {2, 0}, "version-missing": {0, 1}, "version-missing-module-layout": {0, 1},
	} {
		_, module, mutant := firstMutant(t, mutantOrTrap(t, name), pool)
		os.WriteFile(file, module, 0o666)
		before := strings.Split(tool(t, file, "modprobe", "--dump-modversions"), "\n")
		os.WriteFile(file, mutant, 0o666)
		after := strings.Split(tool(t, file, "modprobe", "--dump-modversions"), "\n")
		changed := 0
		for _, l := range after {
			if !slices.Contains(before, l) {
				changed++
			}
		}
		if missing := len(before) - len(after); changed != want.changed || missing != want.missing {
			t.Errorf("%s: %d lines changed, %d missing, want %+v", name, changed, missing, want)
		}
	}
}

// TestMutantsOfELF has readelf name the field that was broken.
func TestMutantsOfELF(t *testing.T) {
	_, k := oracleKernel(t)
	pool := bases(t, k)
	file := filepath.Join(t.TempDir(), "x.ko")
	for name, want := range map[string]string{
		"type-executable":   "EXEC (Executable file)",
		"machine":           "AArch64",
		"shentsize":         "56 (bytes)",
		"magic":             "Not an ELF file",
		"shstrndx-range":    "61440",
		"shstrndx-zero":     "Section header string table index: 0",
		"truncated":         "beyond the end of file",
		"write-and-execute": "WAX",
		"section-name":      "<corrupt>",
	} {
		_, _, mutant := firstMutant(t, mutantOrTrap(t, name), pool)
		os.WriteFile(file, mutant, 0o666)
		text := strings.Join(strings.Fields(tool(t, file, "readelf", "-hSW")), " ")
		if name == "truncated" {
			text = strings.ReplaceAll(text, "past end of file", "beyond the end of file")
			text = strings.ReplaceAll(text, "extends past end of file", "beyond the end of file")
		}
		if !strings.Contains(text, want) {
			t.Errorf("%s: readelf says nothing of %q:\n%.600s", name, want, text)
		}
	}
}

// TestAttempts checks the promises of a selection: deterministic, no more
// mutants than allowed, all rules, unique names, files that exist.
func TestAttempts(t *testing.T) {
	cache, k := oracleKernel(t)
	dir := t.TempDir()
	sel := Selection{Kernel: k, Budget: 240, Seed: 7, Dir: dir}
	first, err := cache.Attempts(sel)
	if err != nil {
		t.Fatal(err)
	}
	again, err := cache.Attempts(sel)
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 240 || len(again) != len(first) {
		t.Fatalf("%d and %d attempts, want 240", len(first), len(again))
	}
	rules, ids := map[string]int{}, map[string]bool{}
	for i, a := range first {
		if a.ID != again[i].ID || !slices.Equal(a.Deps, again[i].Deps) {
			t.Errorf("attempt %d: %s and %s", i, a.ID, again[i].ID)
		}
		if ids[a.ID] {
			t.Errorf("attempt %s: twice", a.ID)
		}
		ids[a.ID] = true
		rules[a.Rule]++
		for _, f := range append([]string{a.Module}, a.Deps...) {
			if _, err := os.Stat(f); err != nil {
				t.Errorf("attempt %s: %v", a.ID, err)
			}
		}
	}
	if rules[""]*100 < 40*len(first) {
		t.Errorf("%d of %d attempts are not mutants, want 40 %%", rules[""], len(first))
	}
	for _, m := range Mutants() {
		if rules[m.Rule] == 0 && m.From == "" {
			t.Errorf("rule %s: no attempt", m.Rule)
		}
	}
}
