package oracle

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// outcome is a test that notes how it ended.
type outcome struct {
	testing.TB
	failed, skipped, errors int
}

func (o *outcome) Helper()               {}
func (o *outcome) Logf(string, ...any)   {}
func (o *outcome) Errorf(string, ...any) { o.errors++ }
func (o *outcome) Fatalf(string, ...any) { o.failed++; runtime.Goexit() }
func (o *outcome) Skipf(string, ...any)  { o.skipped++; runtime.Goexit() }
func (o *outcome) Skip(...any)           { o.skipped++; runtime.Goexit() }

// run runs a test to its end.
func (o *outcome) run(test func(testing.TB)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(o)
	}()
	<-done
}

func TestMissing(t *testing.T) {
	t.Setenv("MODKEEP_CACHE", t.TempDir())
	t.Setenv("MODKEEP_DATA", "")
	t.Setenv("MODKEEP_FULL", "")
	tests := []struct {
		name             string
		needs            func(testing.TB)
		wanted, required outcome // where oracles are wanted, and where they are required
	}{
		{"tool", func(t testing.TB) { Tool(t, "modkeep-no-such-tool", "modkeep-nor-this") }, outcome{skipped: 1}, outcome{failed: 1}},
		{"cached", func(t testing.TB) { Cached(t, "root/*") }, outcome{skipped: 1}, outcome{failed: 1}},
		{"data", func(t testing.TB) { Data(t, "symvers") }, outcome{skipped: 1}, outcome{skipped: 1}},
		{"genksyms of every run", func(t testing.TB) { Genksyms(t, "6.1") }, outcome{}, outcome{errors: 1}},
		{"genksyms of the full set", func(t testing.TB) { Genksyms(t, "6.12") }, outcome{}, outcome{}},
		{"present", func(t testing.TB) { Tool(t, "modkeep-no-such-tool", "ls") }, outcome{}, outcome{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for value, want := range map[string]outcome{"": tt.wanted, "required": tt.required} {
				t.Setenv("MODKEEP_ORACLES", value)
				got := outcome{}
				if got.run(tt.needs); got != want {
					t.Errorf("MODKEEP_ORACLES=%s: got %+v, want %+v", value, got, want)
				}
			}
		})
	}
}

func TestCacheDir(t *testing.T) {
	t.Setenv("MODKEEP_CACHE", "")
	if got := CacheDir(); !strings.HasSuffix(got, "/.cache") {
		t.Errorf("got %q", got)
	} else if _, err := os.Stat(filepath.Join(filepath.Dir(got), "go.mod")); err != nil {
		t.Error(err)
	}
	t.Chdir(t.TempDir())
	if got := CacheDir(); got != "" {
		t.Errorf("outside of a source tree: %q", got)
	}
	t.Setenv("MODKEEP_CACHE", "elsewhere")
	if got := Cache("root", "amd64"); got != filepath.Join("elsewhere", "root", "amd64") {
		t.Errorf("got %q", got)
	}
}

// TestGenksyms: 6.1 is no beginning of 6.12.
func TestGenksyms(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("MODKEEP_CACHE", dir)
	for _, name := range []string{"root/amd64/usr/lib/linux-kbuild-6.12.9", "genksyms/kbuild/usr/lib/linux-kbuild-6.1", "root/amd64/usr/lib/linux-kbuild-6.12.8"} {
		path := filepath.Join(dir, name, "scripts/genksyms")
		if err := os.MkdirAll(path, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "genksyms"), nil, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for version, want := range map[string]string{"6.1": "genksyms/kbuild/usr/lib/linux-kbuild-6.1", "6.12": "root/amd64/usr/lib/linux-kbuild-6.12.9", "7": ""} {
		if want != "" {
			want = filepath.Join(dir, want, "scripts/genksyms/genksyms")
		}
		if got := Genksyms(t, version); got != want {
			t.Errorf("%s: got %q, want %q", version, got, want)
		}
	}
}
