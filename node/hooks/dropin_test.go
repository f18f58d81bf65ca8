package hooks

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseAlternatives(t *testing.T) {
	tests := []struct {
		name, text, best string
	}{
		{"chkconfig", "auto\n/usr/sbin/w\n\n/a\n10\n/b\n20\n", "/b"},
		{"dpkg", "manual\n/usr/sbin/w\n\n/a\n30\n/b\n-20\n", "/a"},
		{"slaves", "auto\n/usr/sbin/w\nw.8\n/usr/share/man/w.8\n\n/a\n10\n/man/a\n/b\n5\n\n", "/a"},
		{"family and service", "auto\n/usr/sbin/w\n\n/a\n@f@10 x.service\n/b\n@f@90\n", "/b"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, err := parseAlternatives(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := a.best().path; got != test.best {
				t.Errorf("best %s, want %s", got, test.best)
			}
			if got := a.text(); got != test.text {
				t.Errorf("written again: %q, want %q", got, test.text)
			}
		})
	}
	for _, text := range []string{"", "auto", "auto\n/w\n", "auto\n/w\n\n", "auto\n/w\nslave\n\n/a\n1\n", "\n\n"} {
		if a, err := parseAlternatives(text); err == nil {
			t.Errorf("%q is taken for %+v", text, a)
		}
	}
}

func FuzzAlternatives(f *testing.F) {
	f.Add("auto\n/usr/sbin/w\nw.8\n/usr/share/man/w.8\n\n/a\n@f@10 x\n/man/a\n")
	f.Add("auto\n/w\n\n/a\n1\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAlternatives(text)
		if err != nil {
			return
		}
		a.best()
		b, err := parseAlternatives(a.text())
		if err != nil {
			t.Fatalf("%q written as %q: %v", text, a.text(), err)
		}
		if diff := cmp.Diff(a, b, cmp.AllowUnexported(alternatives{}, choice{})); diff != "" {
			t.Errorf("read again (-first +second):\n%s", diff)
		}
	})
}

func TestRelative(t *testing.T) {
	for _, test := range []struct{ dir, target, want string }{
		{"/usr/sbin", "/usr/bin/modkeep", "../bin/modkeep"},
		{"/usr/sbin", "/usr/sbin/modkeep", "modkeep"},
		{"/usr/lib/module-init-tools", "/usr/bin/modkeep", "../../bin/modkeep"},
		{"/usr/sbin", "/opt/modkeep", "../../opt/modkeep"},
		{"/usr/sbin", "/modkeep", "../../modkeep"},
	} {
		if got := relative(test.dir, test.target); got != test.want {
			t.Errorf("from %s to %s: %s, want %s", test.dir, test.target, got, test.want)
		}
	}
}
