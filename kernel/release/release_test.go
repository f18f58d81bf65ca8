package release

import (
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		krel string
		want Release
	}{
		{"6.1.0-56-cloud-amd64", Release{Major: 6, Minor: 1, Parts: 3, Rest: "-56-cloud-amd64", Flavor: "cloud-amd64"}},
		{"6.12.117+deb12-amd64", Release{Major: 6, Minor: 12, Patch: 117, Parts: 3, Rest: "+deb12-amd64", Flavor: "amd64"}},
		{"5.14.0-503.el9.x86_64", Release{Major: 5, Minor: 14, Parts: 3, Rest: "-503.el9.x86_64"}},
		{"5.14.0-503.el9.x86_64+rt", Release{Major: 5, Minor: 14, Parts: 3, Rest: "-503.el9.x86_64+rt", Flavor: "rt"}},
		{"6.4.0-150600.21-default", Release{Major: 6, Minor: 4, Parts: 3, Rest: "-150600.21-default", Flavor: "default"}},
		{"6.8.0-45-generic", Release{Major: 6, Minor: 8, Parts: 3, Rest: "-45-generic", Flavor: "generic"}},
		{"4.19.90-2012.4.0.0053.oe1.aarch64", Release{Major: 4, Minor: 19, Patch: 90, Parts: 3, Rest: "-2012.4.0.0053.oe1.aarch64"}},
		{"7.3-rc1", Release{Major: 7, Minor: 3, Parts: 2, Rest: "-rc1"}},
		{"2.6.18-8.el5xen", Release{Major: 2, Minor: 6, Patch: 18, Parts: 3, Rest: "-8.el5xen"}},
		{"6.1.", Release{Major: 6, Minor: 1, Parts: 2, Rest: "."}},
	} {
		t.Run(tt.krel, func(t *testing.T) {
			tt.want.Text = tt.krel
			got, err := Parse(tt.krel)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
	for _, bad := range []string{"", "6", "extra", "6.", ".1", "6.x", "6.1/..", "6.1 x", "6.1\x00", strings.Repeat("6", 300), "9999999999.1"} {
		if r, err := Parse(bad); err == nil {
			t.Errorf("Parse(%q) = %+v, want an error", bad, r)
		}
	}
}

func TestUpstream(t *testing.T) {
	for krel, want := range map[string]string{"6.1.0-56-amd64": "6.1.0", "7.3-rc1": "7.3", "6.12.117+deb12-amd64": "6.12.117"} {
		r, err := Parse(krel)
		if err != nil || r.Upstream() != want {
			t.Errorf("Parse(%q).Upstream() = %q, %v; want %q", krel, r.Upstream(), err, want)
		}
	}
	if r, _ := Parse("6.4.0"); !r.AtLeast(6, 4) || !r.AtLeast(5, 19) || r.AtLeast(6, 5) || r.AtLeast(7, 0) {
		t.Error("AtLeast is wrong around 6.4")
	}
}

func TestLessSortsKernels(t *testing.T) {
	want := []string{
		"2.6.32-754.el6.x86_64", "4.18.0-80.el8.x86_64", "4.18.0-553.el8.x86_64", "6.1.0-9-amd64", "6.1.0-10-amd64",
		"6.1.0-10-cloud-amd64", "6.12.100+deb12-amd64", "6.12.117+deb12-amd64", "7.3.4+deb13-amd64",
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Compare)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// samples are versions whose order is not plain; every pair is compared.
var samples = []string{
	"", "0", "1", "01", "1.0", "1_0", "1..0", "1.0.", "1.0~rc1", "1.0~", "1.0~~", "1.0^", "1.0^a", "1.0^20", "1.0^~", "1.0.1", "1.0a", "1a", "a", "a1", "b", "Z",
	"1.10", "1.9", "1.09", "10", "9", "6.1.0", "6.1.0.56.amd64", "6.1.0.9.amd64", "6.12.117+deb12", "6.12.117+deb13", "6.4.0.150600.21", "5.14.0.503.el9.x86_64",
	"5.14.0.70.1.el9", "5.14.0.70.el9", "00000000000000000000000000000000000001", "1.0+b1", "1.0+b10", "1.0+", "1a1", "1aa", "2~1", "~", "^", "~^", "^~", ".", "1.",
	"6.1.192", "6.1.192a", "ü1", "1ü", "1é2",
}

func TestOracleRPM(t *testing.T) {
	rpm := oracle.Tool(t, "rpm")
	lua := strings.Builder{}
	var pairs [][2]string
	for _, a := range samples {
		for _, b := range samples {
			if a == "" || b == "" { // rpm.vercmp refuses an empty version
				continue
			}
			pairs = append(pairs, [2]string{a, b})
			lua.WriteString("print(rpm.vercmp(" + strconv.Quote(a) + "," + strconv.Quote(b) + ")..' ')")
		}
	}
	out, err := exec.Command(rpm, "--eval", "%{lua:"+lua.String()+"}").Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(string(out))
	if len(got) != len(pairs) {
		t.Fatalf("rpm answered %d of %d comparisons", len(got), len(pairs))
	}
	for i, p := range pairs {
		want, _ := strconv.Atoi(strings.TrimSuffix(got[i], ".0"))
		if c := CompareRPM(p[0], p[1]); c != want {
			t.Errorf("CompareRPM(%q, %q) = %d, rpm says %d", p[0], p[1], c, want)
		}
	}
}

func TestOracleDpkg(t *testing.T) {
	dpkg := oracle.Tool(t, "dpkg")
	versions := []string{"1", "1.0", "1.0-1", "1.0-10", "1.0-9", "1:0", "1.0~rc1", "1.0~", "1.0+b1", "1.0a", "1a", "0a", "6.1.0-56-amd64", "6.1.0-9-amd64",
		"6.1.192-2", "6.1.192-2+b1", "6.12.117+deb12-amd64", "6.12.117+deb12", "1.0-0", "001.0", "1.0.", "1.0-~"}
	for _, a := range versions {
		for _, b := range versions {
			want := 0
			if exec.Command(dpkg, "--compare-versions", a, "lt", b).Run() == nil {
				want = -1
			} else if exec.Command(dpkg, "--compare-versions", a, "gt", b).Run() == nil {
				want = 1
			}
			if c := CompareDpkg(a, b); c != want {
				t.Errorf("CompareDpkg(%q, %q) = %d, dpkg says %d", a, b, c, want)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range append(samples, "6.1.0-56-cloud-amd64", "6.12.117+deb12-amd64") {
		f.Add(s, "6.1.0")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if r, err := Parse(a); err == nil && !strings.HasSuffix(a, r.Rest) {
			t.Errorf("Parse(%q): rest %q is not its end", a, r.Rest)
		}
		if c, d := Compare(a, b), Compare(b, a); c != -d || (c == 0) != (a == b) {
			t.Errorf("Compare(%q, %q) = %d and reversed %d", a, b, c, d)
		}
		if c, d := CompareDpkg(a, b), CompareDpkg(b, a); c != -d {
			t.Errorf("CompareDpkg(%q, %q) = %d and reversed %d", a, b, c, d)
		}
	})
}
