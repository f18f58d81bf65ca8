package gendwarfksyms

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
)

// TestVectors reads what gcc, clang and rustc made, with what the kernel's
// program says to it.
func TestVectors(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.s")
	if err != nil || len(paths) < 4 {
		t.Fatalf("%d files in testdata: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			object := assembled(t, path)
			want := sections(t, strings.TrimSuffix(path, ".s")+".want")
			symbols := strings.Fields(want["symbols"])
			for f := range flags {
				exports, ok := want["stdout "+f]
				if !ok {
					continue
				}
				got := runPackage(t, f, symbols, object)
				for part, pair := range map[string][2]string{
					"exports":  {exports, got.exports},
					"messages": {want["stderr "+f], got.messages},
					"types":    {want["types "+f], got.types},
				} {
					if d := cmp.Diff(pair[0], pair[1]); d != "" {
						t.Errorf("%q: %s (-want +got):\n%s", f, part, d)
					}
				}
			}
		})
	}
}

// sections reads a file of texts, each behind a line "== NAME".
func sections(t *testing.T, path string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]string{}
	name := ""
	for line := range strings.Lines(string(data)) {
		if after, ok := strings.CutPrefix(line, "== "); ok {
			name = strings.TrimSuffix(after, "\n")
			list[name] = ""
			continue
		}
		list[name] += line
	}
	return list
}

// assembled returns the object file of assembly.
func assembled(t testing.TB, path string) string {
	t.Helper()
	object := filepath.Join(t.TempDir(), "object.o")
	if out, err := exec.Command(oracle.Tool(t, "as"), path, "-o", object).CombinedOutput(); err != nil {
		t.Fatalf("as: %v\n%s", err, out)
	}
	return object
}

// TestRules reads sections of kABI rules, right and wrong ones.
func TestRules(t *testing.T) {
	tests := map[string]struct{ strings, want string }{
		"none":             {``, "error: gendwarfksyms: kabi_read_rules: kABI rule section too small: 0 bytes\n"},
		"other version":    {`.asciz "2","declonly","s",""`, "error: gendwarfksyms: kabi_read_rules: unsupported kABI rule version: '2'\n"},
		"other kind":       {`.asciz "1","nope","s",""`, "error: gendwarfksyms: kabi_read_rules: unsupported kABI rule type: 'nope'\n"},
		"too small":        {`.asciz "1","",""`, "error: gendwarfksyms: kabi_read_rules: kABI rule section too small: 4 bytes\n"},
		"no NUL":           {`.ascii "1\0declonly\0s\0x"`, "error: gendwarfksyms: kabi_read_rules: kABI rules are not null-terminated\n"},
		"three strings":    {`.asciz "1","declonly","s"`, "error: gendwarfksyms: get_rule_field: unexpected end of kABI rules\n"},
		"rest":             {`.asciz "1","declonly","s","","a"`, "warning: gendwarfksyms: kabi_read_rules: unexpected data at the end of the kABI rules section\n" + noDWARF},
		"longer rest":      {`.asciz "1","declonly","s","","1","declonly"`, "error: gendwarfksyms: get_rule_field: unexpected end of kABI rules\n"},
		"all kinds":        {`.asciz "1","declonly","s","","1","byte_size","","","1","enumerator_ignore","","","1","enumerator_value","","","1","type_string","",""`, noDWARF},
		"numbers unlooked": {`.asciz "1","byte_size","s","x"`, noDWARF},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			source := filepath.Join(t.TempDir(), "rules.s")
			text := ".globl x\n.data\nx: .long 1\n.section " + ruleSection + ",\"\",@progbits\n" + test.strings + "\n"
			if err := os.WriteFile(source, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(oracle.Tool(t, "as"), source, "-o", source+".o").CombinedOutput(); err != nil {
				t.Fatalf("as: %v\n%s", err, out)
			}
			got := runPackage(t, "--stable", []string{"x"}, source+".o")
			if d := cmp.Diff(test.want, got.messages); d != "" {
				t.Errorf("messages (-want +got):\n%s", d)
			}
		})
	}
}

// noDWARF comes after the rules were read.
const noDWARF = "error: gendwarfksyms: process_module: dwarf_get_units failed: no debugging information?\n"
