package kerneltest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
	"modkeep/internal/kerneltest/wire"
)

func TestGroupByCmdline(t *testing.T) {
	got := groupByCmdline([]Attempt{{}, {Cmdline: "a"}, {}, {Cmdline: "b"}, {Cmdline: "a"}})
	if diff := cmp.Diff([][]int{{0, 2}, {1, 4}, {3}}, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

func TestReadConsole(t *testing.T) {
	text := "[    1.0] half a line" + "\n" + wire.Marker + `{"Kind":"begin","Index":3}` + "\n" +
		wire.Marker + "{broken\n\n" + "Kernel panic\n" + wire.Marker + `{"Kind":"done"}`
	var kinds []string
	rest, err := readConsole(strings.NewReader(text), func(e wire.Event) { kinds = append(kinds, e.Kind) })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"begin", "done"}, kinds); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if want := "[    1.0] half a line\nKernel panic\n"; rest != want {
		t.Errorf("rest: got %q, want %q", rest, want)
	}
}

func TestLoaderLog(t *testing.T) {
	r := Result{Log: []Line{
		{4, "x: loading out-of-tree module taints kernel."},
		{6, "tsc: Refined TSC clocksource calibration: 2596.118 MHz"},
		{5, "sched_clock: Marking unstable (13122447380, -23449487)<-(14400146079, -1301143189)"},
		{7, "calling  x_init+0x0/0x1000 [x] @ 1"},
		{4, "x: Unknown symbol of my own"},
	}}
	if diff := cmp.Diff(r.Log[:1], r.LoaderLog()); diff != "" {
		t.Errorf("loader log (-want +got):\n%s", diff)
	}
	if CallingLine("calling  x_init+0x0/0x1000 [x] @ 87") {
		t.Error("a calling line of another thread was taken for the attempt's")
	}
}

func TestCompareVersions(t *testing.T) {
	order := []string{"6.1.0-9-amd64", "6.1.0-47-amd64", "6.1.0-047-cloud", "6.12.3", "6.12.117+deb12", "7.2.12", "10.0"}
	for i := range order {
		for j := range order {
			want := min(max(i-j, -1), 1)
			if got := min(max(CompareVersions(order[i], order[j]), -1), 1); got != want {
				t.Errorf("%s and %s: got %d, want %d", order[i], order[j], got, want)
			}
		}
	}
}

// oracleKernel is the smallest kernel of the cache that can be booted here. An
// absent cache or emulator skips the test, or fails it when MODKEEP_ORACLES
// says that oracles are required.
func oracleKernel(t *testing.T) (Cache, Kernel) {
	t.Helper()
	cache, err := OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	kernels, err := cache.Kernels()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(kernels, func(k Kernel) bool { return k.Arch == "amd64" && k.Flavour == "cloud" && k.Series == "6.1" })
	if i < 0 {
		oracle.Missing(t, "no 6.1 cloud kernel in the cache %s; run: go run ./internal/kerneltest/lab fetch", cache)
	}
	if _, err := exec.LookPath(Emulator("amd64")); err != nil {
		oracle.Missing(t, "%v", err)
	}
	return cache, kernels[i]
}

// TestOracleBoot tries ten loads, one of which kills the machine, and compares
// with what is known of Debian's 6.1 kernels.
func TestOracleBoot(t *testing.T) {
	_, k := oracleKernel(t)
	base := filepath.Join(k.Modules(), "kernel/drivers/net/dummy.ko")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	dir := t.TempDir()
	type answer struct {
		Errno   string
		Loads   bool
		Crashed bool
		Log     []string
	}
	notice := "dummy: module verification failed: signature and/or required key missing - tainting kernel"
	tests := []struct {
		mutant string
		want   answer
	}{
		{"", answer{Loads: true}},
		{"crc-module-layout", answer{Errno: "ENOEXEC", Log: []string{"dummy: disagrees about version of symbol module_layout"}}},
		{"unknown-symbols", answer{Errno: "ENOENT", Log: []string{notice,
			"dummy: Unknown symbol modkeep_no_such_symbol_1 (err -2)", "dummy: Unknown symbol modkeep_no_such_symbol_2 (err -2)"}}},
		{"magic", answer{Errno: "ENOEXEC", Log: []string{"Invalid ELF header magic: != \x7fELF"}}},
		{"int3", answer{Loads: true, Crashed: true, Log: []string{notice}}},
		{"unknown-weak", answer{Loads: true, Log: []string{notice}}},
		{"empty", answer{Errno: "EINVAL"}},
		{"stripped", answer{Errno: "ENOEXEC", Log: []string{"dummy: module has no symbols (stripped?)"}}},
		{"loaded-before", answer{Errno: "EEXIST"}},
		{"enforce-unsigned", answer{Errno: "EKEYREJECTED", Log: []string{"Loading of unsigned module is rejected"}}},
	}
	var plan Plan
	for i, tt := range tests {
		a := Attempt{ID: tt.mutant, Module: base}
		if tt.mutant != "" {
			a = mutate(t, mutantOrTrap(t, tt.mutant), base, filepath.Join(dir, string(rune('a'+i))), a)
		}
		plan.Attempts = append(plan.Attempts, a)
	}
	results, err := Boot(ctx, k.Machine(), plan)
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range tests {
		r := results[i]
		got := answer{Errno: r.Errno, Loads: r.Loads(), Crashed: r.Crashed}
		for _, l := range r.LoaderLog() {
			got.Log = append(got.Log, l.Text)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("attempt %q (-want +got):\n%s", tt.mutant, diff)
		}
		if len(r.Kept) > 0 {
			t.Errorf("attempt %q: kept %v", tt.mutant, r.Kept)
		}
	}
	if before := results[8].LoadedBefore; len(before) != 1 || before[0].Name != "dummy" || before[0].File != base {
		t.Errorf("loaded-before: loaded before it: %v", before)
	}
}

// mutate writes the mutant of a module and changes the attempt as it asks.
func mutate(t *testing.T, m Mutant, base, dir string, a Attempt) Attempt {
	t.Helper()
	module, err := os.ReadFile(base)
	if err != nil {
		t.Fatal(err)
	}
	content, err := m.Apply(module)
	if err != nil {
		t.Fatalf("mutant %s: %v", m.Name, err)
	}
	a.Module = filepath.Join(dir, filepath.Base(base))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.Module, content, 0o666); err != nil {
		t.Fatal(err)
	}
	if m.WithOriginal {
		a.Deps = append(a.Deps, base)
	}
	if m.Vary != nil {
		m.Vary(&a)
	}
	return a
}

// mutantOrTrap finds a mutant; "int3" is one whose init traps at once.
func mutantOrTrap(t *testing.T, name string) Mutant {
	if name == "int3" {
		return Mutant{Name: name, Apply: edited(func(m *image) error {
			s, err := m.section(".init.text")
			if err == nil {
				m.b[s.off+5] = 0xcc // behind the call that tracing looks for
			}
			return err
		})}
	}
	i := slices.IndexFunc(Mutants(), func(m Mutant) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("no mutant %s", name)
	}
	return Mutants()[i]
}

// TestOracleNoInit: of a machine whose process 1 cannot run, the kernel's last
// words are shown, which the machines of other tests keep to themselves.
func TestOracleNoInit(t *testing.T) {
	_, k := oracleKernel(t)
	module := filepath.Join(k.Modules(), "kernel/drivers/net/dummy.ko")
	m := k.Machine()
	m.Init = []byte("no program")
	_, err := Boot(t.Context(), m, Plan{Attempts: []Attempt{{ID: "a", Module: module}}})
	if err == nil || !strings.Contains(err.Error(), "no answer from init\n") || !strings.Contains(err.Error(), "Kernel panic - not syncing") {
		t.Errorf("%v", err)
	}
}

func TestDecompress(t *testing.T) {
	plain := bytes.Repeat([]byte("module "), 1000)
	for name, pack := range map[string]func([]byte) ([]byte, error){"gz": packGzip, "xz": packXZ(1), "zst": packZstd, "plain": same} {
		packed, err := pack(plain)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decompress(packed); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAskedAgain lets machines die that a script in the emulator's place plays:
// the first in the second attempt, the next, which has that attempt alone, not,
// or in it too.
func TestAskedAgain(t *testing.T) {
	const ready, begin0, begin1 = `{"Kind":"ready"}`, `{"Kind":"begin","Index":0}`, `{"Kind":"begin","Index":1}`
	const first, second, done = `{"Kind":"loaded","Index":0}`, `{"Kind":"loaded","Index":1,"Errno":"ENOEXEC"}`, `{"Kind":"done"}`
	tests := []struct {
		name  string
		boots [][]string
		want  []Result
	}{
		{"lives alone", [][]string{{ready, begin0, first, begin1}, {ready, begin1, second, done}},
			[]Result{{ReachedInit: true}, {Errno: "ENOEXEC", Again: true, Boot: 1}}},
		{"dies alone too", [][]string{{ready, begin0, first, begin1}, {ready, begin1}},
			[]Result{{ReachedInit: true}, {Crashed: true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			script := "#!/bin/sh\necho boot >>" + dir + "/boots\ncase $(grep -c . " + dir + "/boots) in\n"
			for i, events := range tt.boots {
				script += fmt.Sprintf("%d) cat <<'E'\n", i+1)
				for _, e := range events {
					script += wire.Marker + e + "\n"
				}
				script += "dying\nE\n;;\n"
			}
			write := func(name, text string, mode os.FileMode) string {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, []byte(text), mode); err != nil {
					t.Fatal(err)
				}
				return path
			}
			write(Emulator("amd64"), script+"esac\n", 0o755)
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			module := write("m.ko", "", 0o644)
			results, err := Boot(context.Background(), Machine{Arch: "amd64"}, Plan{Attempts: []Attempt{{ID: "a", Module: module}, {ID: "b", Module: module}}})
			if err != nil {
				t.Fatal(err)
			}
			for i := range results {
				r := results[i]
				got := Result{Errno: r.Errno, ReachedInit: r.ReachedInit, Crashed: r.Crashed, Again: r.Again, Boot: r.Boot}
				if diff := cmp.Diff(tt.want[i], got); diff != "" {
					t.Errorf("attempt %d (-want +got):\n%s", i, diff)
				}
				if (r.Crashed || r.Again) != strings.Contains(r.Console, "dying") {
					t.Errorf("attempt %d: console %q", i, r.Console)
				}
			}
		})
	}
}
