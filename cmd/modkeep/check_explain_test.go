package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/made"
)

// explainRoot has a module of one kernel, and another kernel with other types:
// of f two, of g one. CRCs are those of zlib for the types written out.
const explainRoot = `
kernel 6.1.0-1-amd64
vmlinux module_layout@10001 f@15c49500 g@1e19ae9f same@7
extra/m.ko f@15c49500 g@1e19ae9f same@7
kernel 6.1.0-2-amd64
vmlinux module_layout@10001 f@764a3431 g@8333267e same@7
`

var explainTypes = map[string]string{
	"6.1.0-1-amd64": `s#a struct a { s#b * b ; int n ; }
s#b struct b { int x ; int y ; }
f extern int f ( s#a * )
g int g ( s#b * )
`,
	"6.1.0-2-amd64": `s#a struct a { s#b * b ; int n ; s#c c ; }
s#b struct b { int x ; long long y ; }
s#c struct c { s#a * back ; }
f int f ( s#a * )
g int g ( s#b * )
`,
}

// TestCheckExplain has the types beside the kernels, named, or not at all.
func TestCheckExplain(t *testing.T) {
	dir := t.TempDir()
	if _, err := made.Write(dir, explainRoot); err != nil {
		t.Fatal(err)
	}
	named := []string{"--explain"}
	for krel, flag := range map[string]string{"6.1.0-1-amd64": "--old", "6.1.0-2-amd64": "--new"} {
		path := filepath.Join(t.TempDir(), krel+".symtypes")
		putFile(t, path, explainTypes[krel])
		named = append(named, flag, path)
	}
	check := func(flags ...string) string {
		t.Helper()
		args := append([]string{"modkeep", "check", "--root", dir, "--kernel", "6.1.0-2-amd64"}, flags...)
		var out, errOut strings.Builder
		if status := run(t.Context(), append(args, filepath.Join(dir, "lib/modules/6.1.0-1-amd64/extra/m.ko")), nil, &out, &errOut); status != statusNo {
			t.Errorf("status %d, stderr %s", status, errOut.String())
		}
		return out.String()
	}
	const because = `      2 of 4 imports have another CRC; 2 explained, 2 proved by hashing again; {struct b} explains all 2
           2  struct b: members of another type or width
              g -> struct b
           1  struct a: members added at the end: what was there stays where it was, the size may grow
              f -> struct a
        without the change to struct b, 1 are good again
`
	if got := check("--explain"); !strings.Contains(got, "      2 of 4 imports have another CRC; the types of both kernels are not known, so nothing explains them\n") {
		t.Errorf("without types:\n%s", got)
	}
	if got := check(named...); !strings.Contains(got, because) {
		t.Errorf("types named:\n%s\nwant in it:\n%s", got, because)
	}
	for krel, text := range explainTypes {
		putFile(t, filepath.Join(dir, "boot/symtypes-"+krel), text)
	}
	if got := check("--explain"); !strings.Contains(got, because) {
		t.Errorf("types beside the kernels:\n%s\nwant in it:\n%s", got, because)
	}
	if got := check(); strings.Contains(got, "another CRC") {
		t.Errorf("not asked for:\n%s", got)
	}
	var answer struct {
		Explanations []struct {
			Kernel, Module string
			Types          bool
			Imports        int
			Changed        []changedJSON
			Cover          []string
			Without        []withoutJSON
		}
	}
	if err := json.Unmarshal([]byte(check("--explain", "--json")), &answer); err != nil || len(answer.Explanations) != 1 {
		t.Fatalf("%v: %+v", err, answer)
	}
	e := answer.Explanations[0]
	proved := func(c changedJSON) bool { return c.Proved }
	if e.Kernel != "6.1.0-2-amd64" || !e.Types || e.Imports != 4 || len(e.Changed) != 2 || slices.IndexFunc(e.Changed, proved) < 0 ||
		!slices.Equal(e.Cover, []string{"struct b"}) || len(e.Without) != 1 || e.Without[0].Good != 1 {
		t.Errorf("JSON: %+v", e)
	}
}

func TestCheckExplainErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := made.Write(dir, explainRoot); err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(dir, "lib/modules/6.1.0-1-amd64/extra/m.ko")
	for _, tt := range []struct {
		flags  string
		status int
		says   string
	}{
		{"--old x", statusUnknown, "--old and --new go with --explain"},
		{"--explain --old /nosuch/types", statusUnknown, "cannot judge /nosuch/types: no such file or directory"},
		{"--explain --new /nosuch/types", statusUnknown, "cannot judge /nosuch/types: no such"},
	} {
		var out strings.Builder
		args := append([]string{"modkeep", "check", "--root", dir, "--kernel", "6.1.0-2-amd64", module}, strings.Fields(tt.flags)...)
		if status := run(t.Context(), args, nil, &out, &out); status != tt.status || !strings.Contains(out.String(), tt.says) {
			t.Errorf("%s: status %d, want %d and %q:\n%s", tt.flags, status, tt.status, tt.says, out.String())
		}
	}
}
