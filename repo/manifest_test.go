package repo

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestManifestDoc holds doc/format/channel-manifest.md against the types: every field is
// described, nothing else is, and the example is read.
func TestManifestDoc(t *testing.T) {
	text, err := os.ReadFile("../doc/format/channel-manifest.md")
	if err != nil {
		t.Fatal(err)
	}
	var described, want []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		described = append(described, m[1])
	}
	for _, v := range []any{Manifest{}, Package{}, Kernel{}, Module{}} {
		for f := range reflect.TypeOf(v).Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			want = append(want, name)
		}
	}
	if !slices.Equal(described, want) {
		t.Errorf("described %q\nwant      %q", described, want)
	}
	_, example, _ := strings.Cut(string(text), "```json\n")
	example, _, _ = strings.Cut(example, "```")
	m, err := ParseManifest([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	again, err := m.Encode()
	if err != nil || string(again) != example {
		t.Errorf("the example is not what is written: %v\n%s", err, again)
	}
}

func TestParseManifestErrors(t *testing.T) {
	const good = `{"schema":1,"repository":"x","snapshot":1,"date":"2026-01-01T00:00:00Z","packages":[{"file":"pool/a.rpm","format":"rpm","name":"a","version":"1","arch":"noarch","sha256":"` +
		`e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],"kernels":[{"release":"5","modules":[{"name":"m","decision":"linked","package":"pool/a.rpm"}]}]}`
	if _, err := ParseManifest([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{`"schema":1`, `"schema":2`, "schema 2, and only 1 is known"},
		{`"repository":"x"`, `"repository":"../x"`, "repository"},
		{`"snapshot":1`, `"snapshot":0`, "snapshot 0"},
		{`"file":"pool/a.rpm"`, `"file":"pool/../a.rpm"`, "is no file of the pool"},
		{`"file":"pool/a.rpm"`, `"file":"/etc/passwd"`, "is no file of the pool"},
		{`"file":"pool/a.rpm"`, `"file":"pool/.a.rpm"`, "is no file of the pool"},
		{`"format":"rpm"`, `"format":"deb"`, "format"},
		{`e3b0`, `E3b0`, "digest"},
		{`"name":"a"`, `"name":""`, "no name"},
		{`"linked"`, `"loved"`, "decision"},
		{`"package":"pool/a.rpm"`, `"package":"pool/b.rpm"`, "is not listed"},
		{`"package":"pool/a.rpm"`, `"package":"pool/a.rpm","other":"pool/b.deb"`, "is not listed"},
		{`"release":"5"`, `"release":"../5"`, "no release of a kernel"},
		{`{"schema"`, `"schema"`, ""},
	} {
		text := strings.Replace(good, c.from, c.to, 1)
		if m, err := ParseManifest([]byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v", c.to, m, err)
		}
	}
	var twice map[string]any
	if err := json.Unmarshal([]byte(good), &twice); err != nil {
		t.Fatal(err)
	}
	list := twice["packages"].([]any)
	twice["packages"] = append(list, list[0])
	data, _ := json.Marshal(twice)
	if _, err := ParseManifest(data); err == nil || !strings.Contains(err.Error(), "listed twice") {
		t.Errorf("twice: %v", err)
	}
}

func TestManifestFind(t *testing.T) {
	m := &Manifest{Packages: []Package{{File: "pool/a-1-2.noarch.rpm", Name: "a", Epoch: "3", Version: "1", Release: "2", Arch: "noarch"},
		{File: "pool/b_1_all.deb", Name: "b", Version: "1", Arch: "all"}}}
	for pattern, want := range map[string]string{"a": "a", "a.noarch": "a", "a-3:1-2": "a", "a-1-2": "a", "a=1-2": "a", "a-1-2.noarch": "a", "a-3:1-2.noarch": "a",
		"a-1-2.noarch.rpm": "a", "b=1": "b", "b-1.all": "b", "b=1.all": "b", "a-1": "", "a-2:1-2": "", "b_1": ""} {
		got := ""
		for _, p := range m.Find(pattern) {
			got += p.Name
		}
		if got != want {
			t.Errorf("%s: %q, want %q", pattern, got, want)
		}
	}
}

func TestManifestFor(t *testing.T) {
	m := &Manifest{Packages: []Package{{File: "pool/a.deb"}, {File: "pool/b.deb"}, {File: "pool/c.deb"}, {File: "pool/c.rpm"}, {File: "pool/d.deb"}},
		Kernels: []Kernel{{Release: "6.1.0-1", Modules: []Module{
			{Name: "a", Decision: Linked, Package: "pool/a.deb"}, {Name: "b", Decision: Blocked, Package: "pool/b.deb"}, {Name: "n", Decision: Blocked},
			{Name: "c", Decision: Rebuilt, Package: "pool/c.deb", Other: "pool/c.rpm"}, {Name: "c2", Decision: Blocked, Package: "pool/c.deb"}}}}}
	for krel, want := range map[string]string{"6.1.0-1": "pool/a.deb pool/c.deb pool/c.rpm", "6.1.0-2": "pool/a.deb pool/b.deb pool/c.deb pool/c.rpm pool/d.deb"} {
		var got []string
		for _, p := range m.For(krel) {
			got = append(got, p.File)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", krel, got, want)
		}
	}
}
