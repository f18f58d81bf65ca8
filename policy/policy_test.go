package policy_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/cputime"
	"modkeep/policy"
)

func parse(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(strings.NewReader(text), "p.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ptr[T any](v T) *T { return &v }

// TestExample holds the commented example to what its comments say.
func TestExample(t *testing.T) {
	got, err := policy.Load("testdata/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Default()
	want.File = "testdata/policy.yaml"
	want.Donors = []string{"extra", "updates"}
	want.Modules = []policy.Entry{
		{Name: "mlx5_*", Required: ptr(true), Line: 43},
		{Package: "kmod-ofed-*", Atomic: ptr(true), Line: 45},
		{Path: "extra/legacy/**", Link: ptr(policy.LinkNever), Line: 47},
		{Name: "site_driver", Link: ptr(policy.LinkForce), KeepNewest: ptr(false), Line: 49},
	}
	want.Groups = []policy.Group{{Name: "ofed", Modules: []string{"mlx_compat", "mlx5_core", "mlx5_ib"}, Line: 55}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParse(t *testing.T) {
	with := func(change func(*policy.Policy)) *policy.Policy {
		p := policy.Default()
		p.File = "p.yaml"
		change(p)
		return p
	}
	tests := []struct {
		name, text string
		want       *policy.Policy
	}{
		{"empty", "", with(func(p *policy.Policy) {})},
		{"comments", "# nothing\n\n", with(func(p *policy.Policy) {})},
		{"document mark", "---\n", with(func(p *policy.Policy) {})},
		{"empty mapping", "{}", with(func(p *policy.Policy) {})},
		{"bom", "\ufeffgate: strict\n", with(func(p *policy.Policy) { p.Gate = policy.GateStrict })},
		{"crlf", "gate: strict\r\noverride: false\r\n", with(func(p *policy.Policy) { p.Gate, p.Override = policy.GateStrict, false })},
		{"gate off is a word", "gate: off", with(func(p *policy.Policy) { p.Gate = policy.GateOff })},
		{"quoted words", `{"gate": "off", 'layout': 'suse'}`, with(func(p *policy.Policy) { p.Gate, p.Layout = policy.GateOff, policy.LayoutSUSE })},
		{"words of the top", "version: 1\nlayout: other\ngate: warn\ninitramfs: always\noverride: True\ntypes: refuse\n", with(func(p *policy.Policy) {
			p.Layout, p.Initramfs, p.Types = policy.LayoutOther, policy.InitramfsAlways, policy.TypesRefuse
		})},
		{"donors", "donors:\n- extra/mlnx\n- updates\n", with(func(p *policy.Policy) { p.Donors = []string{"extra/mlnx", "updates"} })},
		{"defaults", "defaults: {link: never, required: true, keep-newest: false, atomic: true}", with(func(p *policy.Policy) {
			p.Defaults = policy.Rule{Link: policy.LinkNever, Required: true, Atomic: true}
		})},
		{"all selectors", "modules:\n- {name: a-b, package: 'kmod-*', path: '**/x.ko', link: auto}\n", with(func(p *policy.Policy) {
			p.Modules = []policy.Entry{{Name: "a-b", Package: "kmod-*", Path: "**/x.ko", Link: ptr(policy.LinkAuto), Line: 2}}
		})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, parse(t, test.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown key", "version: 1\nlayuot: rhel\n", `p.yaml:2: unknown key "layuot"; there are defaults, donors, gate, groups, initramfs, layout, modules, override, types, version`},
		{"unknown key of an entry", "modules:\n  - name: a\n    link: auto\n    keep_newest: true\n", `p.yaml:4: modules: unknown key "keep_newest"; there are atomic, keep-newest, link, name, package, path, required`},
		{"unknown key of defaults", "defaults:\n\n  name: x\n", `p.yaml:3: defaults: unknown key "name"; there are atomic, keep-newest, link, required`},
		{"unknown key of a group", "groups: [{name: x, packages: [a]}]", `p.yaml:1: groups: unknown key "packages"; there are modules, name`},
		{"key twice", "gate: warn\n\ngate: off\n", `p.yaml:3: key "gate" given twice, first in line 1`},
		{"key of an entry twice", "modules:\n- name: a\n  link: auto\n  link: never\n", `p.yaml:4: modules: key "link" given twice, first in line 3`},
		{"not a mapping", "- a\n", `p.yaml:1: policy: want a mapping, got a list`},
		{"a word alone", "hello", `p.yaml:1: policy: want a mapping, got "hello"`},
		{"version", "version: 2", `p.yaml:1: version: want 1, got "2"`},
		{"version as string", "version: '1'", `p.yaml:1: version: want 1, got "1"`},
		{"word", "gate: maybe", `p.yaml:1: gate: want warn, strict or off, got "maybe"`},
		{"word is a boolean", "\ngate: false", `p.yaml:2: gate: want warn, strict or off, got "false"`},
		{"word is a list", "layout: [rhel]", `p.yaml:1: layout: want auto, rhel, suse or other, got a list`},
		{"word is nothing", "initramfs:\ngate: off\n", `p.yaml:1: initramfs: want auto, always or never, got nothing`},
		{"boolean as yes", "override: yes", `p.yaml:1: override: want true or false, got "yes"`},
		{"boolean as string", `override: "true"`, `p.yaml:1: override: want true or false, got "true"`},
		{"boolean as number", `defaults: {required: 1}`, `p.yaml:1: defaults: required: want true or false, got "1"`},
		{"boolean with a false tag", `override: !!bool maybe`, `p.yaml:1: override: want true or false, got "maybe"`},
		{"string as number", "modules:\n- name: 8139\n  link: auto\n", `p.yaml:2: modules: name: want a string, got "8139" (quote it)`},
		{"string as boolean", "groups:\n- name: g\n  modules:\n  - a\n  - true\n", `p.yaml:5: groups: modules: want a string, got "true" (quote it)`},
		{"string empty", "modules: [{name: ''}]", `p.yaml:1: modules: name: empty`},
		{"string too long", "modules: [{path: '" + strings.Repeat("x", 4097) + "', link: auto}]", `p.yaml:1: modules: path: longer than 4096 bytes`},
		{"list as word", "donors: extra", `p.yaml:1: donors: want a list, got "extra"`},
		{"list empty", "donors: []", `p.yaml:1: donors: empty list; leave the key out`},
		{"list of nothing", "modules:\n", `p.yaml:1: modules: want a list, got nothing`},
		{"donor twice", "donors: [extra, updates,\n extra]", `p.yaml:2: donors: "extra" given twice, first in line 1`},
		{"donor absolute", "donors: [/lib/modules]", `p.yaml:1: donors: "/lib/modules" is not a directory below lib/modules/KREL, as extra is`},
		{"donor outside", "donors: [../x]", `p.yaml:1: donors: "../x" is not a directory below lib/modules/KREL, as extra is`},
		{"donor kernel", "donors: [kernel/drivers]", `p.yaml:1: donors: "kernel/drivers" holds no modules for other kernels`},
		{"entry without selector", "modules:\n- link: auto\n", `p.yaml:2: modules: entry without name, package or path`},
		{"entry without effect", "modules:\n- name: a\n", `p.yaml:2: modules: entry sets none of link, required, keep-newest, atomic`},
		{"entry is a word", "modules:\n- a\n", `p.yaml:2: modules: want a mapping, got "a"`},
		{"name is a file", "modules: [{name: foo.ko.xz, link: auto}]", `p.yaml:1: modules: name: "foo.ko.xz" is a file, a module name has no .ko`},
		{"name is a path", "modules: [{name: extra/foo, link: auto}]", `p.yaml:1: modules: name: "extra/foo" is a path, not a module name`},
		{"glob", "modules: [{name: 'a[b', link: auto}]", `p.yaml:1: modules: name: "a[b" is not a glob: a bracket or a backslash is open`},
		{"glob of a package", "modules: [{package: 'a[', link: auto}]", `p.yaml:1: modules: package: "a[" is not a glob: a bracket or a backslash is open`},
		{"path absolute", "modules: [{path: /lib/modules/x, link: auto}]", `p.yaml:1: modules: path: "/lib/modules/x" is not a path below lib/modules/KREL, as extra/foo/** is`},
		{"path with a slash behind", "modules: [{path: extra/, link: auto}]", `p.yaml:1: modules: path: "extra/" is not a path below lib/modules/KREL, as extra/foo/** is`},
		{"path with stars in a word", "modules: [{path: extra/a**, link: auto}]", `p.yaml:1: modules: path: "extra/a**": ** stands for whole directories`},
		{"path glob", "modules: [{path: 'extra/[', link: auto}]", `p.yaml:1: modules: path: "[" is not a glob: a bracket or a backslash is open`},
		{"group without name", "groups: [{modules: [a]}]", `p.yaml:1: groups: group without name`},
		{"group without modules", "groups: [{name: a}]", `p.yaml:1: groups: group "a" without modules`},
		{"group twice", "groups:\n- {name: a, modules: [x]}\n- {name: a, modules: [y]}\n", `p.yaml:3: groups: group "a" given twice, first in line 2`},
		{"anchor", "donors: &d [extra]\n", `p.yaml:1: donors: anchor &d: anchors are not allowed`},
		{"alias", "donors: [extra]\nmodules: [&a {name: x, link: auto}]\n", `p.yaml:2: modules: anchor &a: anchors are not allowed`},
		{"alias alone", "gate: warn\nlayout: *x\n", `p.yaml:2: alias *x: aliases are not allowed`},
		{"merge key", "defaults:\n  <<: {link: auto}\n", `p.yaml:2: defaults: unknown key "<<"; there are atomic, keep-newest, link, required`},
		{"key is a list", "[a]: b\n", `p.yaml:1: key is not a plain word`},
		{"tag", "defaults: !mine {link: auto}\n", `p.yaml:1: defaults: want a mapping, got tag !mine`},
		{"second document", "gate: off\n---\ngate: warn\n", `p.yaml:2: second document: a policy is one`},
		{"tab", "modules:\n\t- name: x\n", `p.yaml:2: found character that cannot start any token`},
		{"open bracket", "gate: warn\ndonors: [extra\n", `p.yaml:2: did not find expected ',' or ']'`},
		{"indentation", "gate: warn\ndefaults:\n  link: auto\n   required: true\n", `p.yaml:4: mapping values are not allowed in this context`},
		{"key less indented", "  gate: warn\n layout: auto\n", `p.yaml:2: did not find expected <document start>`},
		{"list among keys", "gate: warn\nlayout: auto\n- a\n", `p.yaml:3: did not find expected key`},
		{"open quote", "gate: warn\nlayout: 'auto\n", `p.yaml:2: found unexpected end of stream`},
		{"no UTF-8", "gate: warn\n# \xff\n", `p.yaml:2: byte 0xff is not UTF-8`},
		{"NUL", "gate: warn\n\n\x00", `p.yaml:3: control character 0x00`},
		{"too long", strings.Repeat("#\n", 1<<19) + "\n", `p.yaml:1: longer than 1048576 bytes`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := policy.Parse(strings.NewReader(test.text), "p.yaml")
			var at *policy.Error
			if !errors.As(err, &at) {
				t.Fatalf("error %v, want a *policy.Error", err)
			}
			if err.Error() != test.want {
				t.Errorf("error\n\t%s\nwant\n\t%s", err, test.want)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	got, err := policy.Load(filepath.Join(t.TempDir(), "none", "policy.yaml"))
	if diff := cmp.Diff(policy.Default(), got); diff != "" || err != nil {
		t.Errorf("a file that is not there: error %v (-want +got):\n%s", err, diff)
	}
	if _, err := policy.Load(t.TempDir()); err == nil {
		t.Error("a directory is no policy, but was read")
	}
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte("gate: x"), 0o644); err != nil {
		t.Fatal(err)
	}
	want := file + `:1: gate: want warn, strict or off, got "x"`
	if _, err := policy.Load(file); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

const rules = `
defaults: {required: false, keep-newest: true}
modules:
  - name: mlx5-*
    required: true
  - package: kmod-legacy*
    link: never
  - path: extra/mlnx/**
    keep-newest: false
    required: false
  - {name: mlx5_core, path: updates/**, link: force}
  - {name: "snd_[a-c]*", link: force}
  - {path: "**/only.ko", link: never}
  - {path: "*/*.ko", atomic: true}
`

func TestFor(t *testing.T) {
	p := parse(t, rules)
	tests := []struct {
		name, module, rel, pkg string
		want                   policy.Rule
	}{
		{"no entry", "foo", "extra/a/foo.ko", "kmod-foo", policy.Rule{Link: "auto", KeepNewest: true}},
		{"nothing known", "", "", "", policy.Rule{Link: "auto", KeepNewest: true}},
		{"dash is underscore", "mlx5_ib", "", "", policy.Rule{Link: "auto", KeepNewest: true, Required: true, Source: "p.yaml:4"}},
		{"underscore is dash", "mlx5-ib", "", "", policy.Rule{Link: "auto", KeepNewest: true, Required: true, Source: "p.yaml:4"}},
		{"by package", "foo", "", "kmod-legacy-net", policy.Rule{Link: "never", KeepNewest: true, Source: "p.yaml:6"}},
		{"first decides a key, others the rest", "mlx5_core", "extra/mlnx/net/mlx5_core.ko", "",
			policy.Rule{Link: "auto", Required: true, Source: "p.yaml:4, p.yaml:8"}},
		{"the directory itself", "mlnx", "extra/mlnx", "", policy.Rule{Link: "auto", KeepNewest: true}},
		{"both selectors", "mlx5_core", "updates/mlx5_core.ko.zst", "",
			policy.Rule{Link: "force", KeepNewest: true, Required: true, Atomic: true, Source: "p.yaml:4, p.yaml:11, p.yaml:14"}},
		{"one of both selectors", "other", "updates/a/other.ko", "", policy.Rule{Link: "auto", KeepNewest: true}},
		{"range in brackets", "snd-bcm", "", "", policy.Rule{Link: "force", KeepNewest: true, Source: "p.yaml:12"}},
		{"outside of the range", "snd_x", "", "", policy.Rule{Link: "auto", KeepNewest: true}},
		{"stars for no directory", "only", "only.ko.xz", "", policy.Rule{Link: "never", KeepNewest: true, Source: "p.yaml:13"}},
		{"stars for three directories", "only", "a/b/c/only.ko", "", policy.Rule{Link: "never", KeepNewest: true, Source: "p.yaml:13"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, p.For(test.module, test.rel, test.pkg)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestGroup(t *testing.T) {
	p := parse(t, "groups:\n- {name: ofed, modules: [mlx5-core, 'ib_*']}\n- {name: second, modules: ['*_core', zfs]}\n")
	tests := []struct {
		module, group string
		members       []string
	}{
		{"mlx5_core", "ofed", []string{"mlx5-core", "ib_*"}},
		{"ib-uverbs", "ofed", []string{"mlx5-core", "ib_*"}},
		{"rdma_core", "second", []string{"*_core", "zfs"}},
		{"zfs", "second", []string{"*_core", "zfs"}},
		{"foo", "", nil},
		{"", "", nil},
	}
	for _, test := range tests {
		group, members := p.Group(test.module)
		if diff := cmp.Diff(test.members, members); diff != "" || group != test.group {
			t.Errorf("%s: group %q, want %q (-want +got):\n%s", test.module, group, test.group, diff)
		}
	}
}

func TestDonor(t *testing.T) {
	named := parse(t, "donors: [extra/mlnx, updates]")
	tests := []struct {
		rel           string
		byName, plain bool
	}{
		{"extra/mlnx/a.ko", true, true},
		{"extra/mlnx2/a.ko", false, true},
		{"extra/a.ko", false, true},
		{"updates/a.ko", true, true},
		{"vendor/x/a.ko", false, true},
		{"kernel/net/a.ko", false, false},
		{"weak-updates/a.ko", false, false},
		{"build/a.ko", false, false},
		{"source/a.ko", false, false},
		{"a.ko", false, false},
		{"updates", false, false},
		{"", false, false},
	}
	for _, test := range tests {
		if got := named.Donor(test.rel); got != test.byName {
			t.Errorf("%q, directories named: %t, want %t", test.rel, got, test.byName)
		}
		if got := policy.Default().Donor(test.rel); got != test.plain {
			t.Errorf("%q, none named: %t, want %t", test.rel, got, test.plain)
		}
	}
}

// TestHostile makes sure that files made to be slow are not.
func TestHostile(t *testing.T) {
	const size = 1 << 20
	repeat := func(s string) string { return strings.Repeat(s, (size-200)/len(s)) }
	var donors, groups strings.Builder
	for i := 0; donors.Len() < size-200; i++ {
		fmt.Fprintf(&donors, ",d%d", i)
	}
	for i := 0; groups.Len() < size-200; i++ {
		fmt.Fprintf(&groups, ",{name: g%d,modules: [a]}", i)
	}
	tests := []struct{ name, text string }{
		{"lists in lists", repeat("[")},
		{"mappings in mappings", repeat("{a: ")},
		{"indented", repeat("- ")},
		{"many donors", "donors: [extra" + donors.String() + "]"},
		{"many groups", "groups: [{name: a,modules: [a]}" + groups.String() + "]"},
		{"many keys", "{" + repeat("gate: off,") + "}"},
		{"long name", "modules: [{name: '" + strings.Repeat("*a", 2048) + "', link: auto}]"},
		{"long path", "modules: [{path: '" + strings.Repeat("**/", 1365) + "a', link: auto}]"},
		{"long quotes", "gate: \"" + repeat(`\x41`)},
		{"long comment", repeat("# ")},
		{"long anchor", repeat("&a ")},
		{"lines", repeat("\n ")},
		{"question marks", repeat("? ")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			clock := cputime.Start()
			p, err := policy.Parse(strings.NewReader(test.text), "p.yaml")
			if err == nil {
				p.For(strings.Repeat("a", 255), strings.Repeat("a/", 2000)+"a.ko", "p")
				p.Group("zz")
			}
			cputime.Hold(t, clock.Took(), time.Second)
		})
	}
}

// FuzzParse looks for files that panic, and for errors without a line.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("testdata/policy.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte(rules))
	f.Add([]byte("gate: *x\n---\n&a [b]: !!bool c\n<<: *a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := policy.Parse(strings.NewReader(string(data)), "p.yaml")
		if err != nil {
			var at *policy.Error
			// YAML's line breaks are not all newlines.
			breaks := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") +
				strings.Count(string(data), "\u0085") + strings.Count(string(data), "\u2028") + strings.Count(string(data), "\u2029")
			if !errors.As(err, &at) || at.Line < 1 || at.Line > breaks+2 || at.Text == "" {
				t.Errorf("error %v: not at a line of the file", err)
			}
			return
		}
		rule := p.For("a-b", "extra/a-b.ko.xz", "kmod-a")
		if rule.Link == "" || p.Layout == "" || p.Gate == "" || p.Initramfs == "" {
			t.Errorf("a word is empty: %+v %+v", p, rule)
		}
		p.Group("a-b")
		p.Donor("extra/a-b.ko.xz")
	})
}
