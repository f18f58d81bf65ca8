package modinfo

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parse(t *testing.T, strs ...string) Info {
	t.Helper()
	info, err := Parse([]byte(strings.Join(strs, "\x00") + "\x00"))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestParse(t *testing.T) {
	tests := []struct {
		name string
		data string
		want Info
	}{
		{"plain", "a=1\x00b=2\x00", Info{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}},
		{"runs of NUL", "\x00\x00a=1\x00\x00\x00b=2\x00\x00", Info{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}},
		{"end cut off", "a=1\x00b=2", Info{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}},
		{"= in the value", "alias=a=b\x00", Info{{Key: "alias", Value: "a=b"}}},
		{"empty value", "depends=\x00", Info{{Key: "depends"}}},
		{"no =", "license\x00", Info{{Key: "license", Bare: true}}},
		{"no key", "=x\x00", Info{{Value: "x"}}},
		{"empty", "", Info{}},
	}
	for _, tt := range tests {
		got, err := Parse([]byte(tt.data))
		if d := cmp.Diff(tt.want, got); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", tt.name, err, d)
		}
	}
	if _, err := Parse(make([]byte, MaxSize+1)); err == nil {
		t.Error("no error for a section larger than MaxSize")
	}
}

func TestLookup(t *testing.T) {
	info := parse(t, "license", "license=GPL", "license=BSD", "import_ns=A", "import_ns=B", "versions=1")
	if v, ok := info.Get("license"); v != "GPL" || !ok {
		t.Errorf("license %q, %v", v, ok)
	}
	if v, ok := info.Get("version"); ok {
		t.Errorf("version %q", v)
	}
	if d := cmp.Diff([]string{"A", "B"}, info.Namespaces()); d != "" {
		t.Error(d)
	}
	if _, ok := info.Vermagic(); ok {
		t.Error("vermagic found")
	}
}

func TestVermagic(t *testing.T) {
	raw := "6.1.0-56-amd64 SMP preempt mod_unload modversions "
	got, ok := parse(t, "vermagic="+raw).Vermagic()
	want := Vermagic{Raw: raw, Release: "6.1.0-56-amd64", Flags: []string{"SMP", "preempt", "mod_unload", "modversions"}}
	if d := cmp.Diff(want, got); d != "" || !ok {
		t.Errorf("%v (-want +got)\n%s", ok, d)
	}
	if got.Rest() != " SMP preempt mod_unload modversions " {
		t.Errorf("rest %q", got.Rest())
	}
	if v := ParseVermagic("6.1"); v.Release != "6.1" || v.Rest() != "" || len(v.Flags) != 0 {
		t.Errorf("release alone: %+v", v)
	}
}

func TestDepends(t *testing.T) {
	tests := []struct {
		strs string
		want []string
		ok   bool
	}{
		{"depends=a,b", []string{"a", "b"}, true},
		{"depends=", nil, true},
		{"depends=a,,b,", []string{"a", "b"}, true},
		{"license=GPL", nil, false},
	}
	for _, tt := range tests {
		got, ok := parse(t, tt.strs).Depends()
		if d := cmp.Diff(tt.want, got); d != "" || ok != tt.ok {
			t.Errorf("%s: %v (-want +got)\n%s", tt.strs, ok, d)
		}
	}
}

func TestLists(t *testing.T) {
	info := parse(t, "softdep=pre: a b post: c", "softdep=x post: d", "weakdep=w v", "firmware=f/1.bin",
		"alias=pci:v1", "alias=net-1", "parmtype=debug:int", "parm=mode:how it works: well", "parm=debug:say more", "parm=odd")
	if d := cmp.Diff([]Softdep{{Pre: []string{"a", "b"}, Post: []string{"c"}}, {Post: []string{"d"}}}, info.Softdeps()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"w", "v"}, info.Weakdeps()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"f/1.bin"}, info.Firmware()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"pci:v1", "net-1"}, info.Aliases()); d != "" {
		t.Error(d)
	}
	want := []Param{{"debug", "int", "say more"}, {"mode", "", "how it works: well"}, {"odd", "", ""}}
	if d := cmp.Diff(want, info.Params()); d != "" {
		t.Error(d)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("license=GPL\x00parm=a:b\x00\x00softdep=pre: x post: y\x00depends=a,b\x00vermagic=6.1 SMP \x00end"))
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := Parse(data)
		if err != nil {
			return
		}
		n := 0
		for _, field := range info {
			n += len(field.Key) + len(field.Value)
		}
		if n > len(data) {
			t.Fatalf("%d bytes of fields from %d", n, len(data))
		}
		info.Vermagic()
		info.Depends()
		info.Softdeps()
		info.Params()
	})
}
