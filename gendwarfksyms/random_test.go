package gendwarfksyms

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/oracle"
)

// casesVariable says how many random files are compared: N, or N@SEED.
const casesVariable = "MODKEEP_GENDWARFKSYMS_CASES"

// program returns the kernel's gendwarfksyms, which scripts/gendwarfksyms-oracle
// builds.
func program(t *testing.T) string {
	t.Helper()
	path := oracle.Cache("genksyms", "gendwarfksyms")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	const message = "no gendwarfksyms in the cache: scripts/gendwarfksyms-oracle builds it"
	// It takes the source of a whole kernel, which the usual set of downloads has not.
	if os.Getenv("MODKEEP_FULL") != "" {
		oracle.Missing(t, message)
	}
	t.Skip("SKIPPED: " + message)
	return ""
}

// flags are the options that are compared, as the program has them.
var flags = map[string]Options{
	"":                              {},
	"--stable":                      {Stable: true},
	"--stable --dump-dies":          {Stable: true, DumpDies: true},
	"--dump-versions":               {DumpVersions: true},
	"--debug":                       {Debug: true},
	"--stable --debug --dump-types": {Stable: true, Debug: true, DumpTypes: true},
	"--stable --dump-die-map":       {Stable: true, DumpDieMap: true},
}

// outcome is all that a run gives.
type outcome struct {
	exports, messages, types string
	failed                   bool
}

func (o outcome) diff(p outcome) string {
	switch {
	case o.failed != p.failed:
		return fmt.Sprintf("failed: %v, want %v: %s", p.failed, o.failed, o.messages+p.messages)
	case o.exports != p.exports:
		return fmt.Sprintf("exports:\n%s\nwant:\n%s", p.exports, o.exports)
	case o.types != p.types:
		return fmt.Sprintf("types:\n%s\nwant:\n%s", p.types, o.types)
	case o.messages != p.messages:
		return fmt.Sprintf("messages:\n%s\nwant:\n%s", p.messages, o.messages)
	}
	return ""
}

// runProgram runs the kernel's program.
func runProgram(t *testing.T, path, flags string, symbols []string, objects ...string) outcome {
	t.Helper()
	types := filepath.Join(t.TempDir(), "types")
	args := append(strings.Fields(flags), "-T", types)
	cmd := exec.Command(path, append(args, objects...)...)
	var out, messages bytes.Buffer
	cmd.Stdin = strings.NewReader(strings.Join(symbols, "\n") + "\n")
	cmd.Stdout, cmd.Stderr = &out, &messages
	err := cmd.Run()
	if err != nil && cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("%s %s: %v", flags, objects, err)
	}
	written, _ := os.ReadFile(types)
	o := outcome{out.String(), messages.String(), string(written), err != nil}
	if o.failed {
		o.types = "" // some of it may be there
	}
	return o.normal(flags)
}

// runPackage does the same with this package.
func runPackage(t testing.TB, flagText string, symbols []string, objects ...string) outcome {
	t.Helper()
	var messages, types bytes.Buffer
	opt := flags[flagText]
	opt.Messages = &messages
	o := outcome{}
	err := func() error {
		v, err := New(strings.NewReader(strings.Join(symbols, "\n")+"\n"), opt)
		if err != nil {
			return err
		}
		for _, name := range objects {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := v.ReadObject(name, bytes.NewReader(data), int64(len(data)), &types); err != nil {
				return err
			}
		}
		for _, e := range v.Exports() {
			o.exports += fmt.Sprintf("#SYMVER %s 0x%08x\n", e.Name, e.CRC)
		}
		return nil
	}()
	o.messages, o.types = messages.String(), types.String()
	var own *Error
	if errors.As(err, &own) {
		o.failed, o.types = true, ""
		o.messages += fmt.Sprintf("error: gendwarfksyms: %v\n", own)
	} else if err != nil {
		t.Fatalf("%s: %v", objects, err)
	}
	return o.normal(flagText)
}

// normal leaves out what depends on memory addresses: they themselves, which
// are named in the order in which they come, and the order in which types are
// gone through.
func (o outcome) normal(flags string) outcome {
	if strings.Contains(flags, "--dump-die-map") {
		o.messages = renamed(o.messages)
	}
	if strings.Contains(flags, "--debug") {
		var list, rest []string
		for line := range strings.Lines(o.messages) {
			if strings.Contains(line, ": expand_type: ") || strings.Contains(line, ": type_map_add: ") || len(line) > 2 && line[1] == '#' {
				list = append(list, line)
			} else {
				rest = append(rest, line)
			}
		}
		slices.Sort(list)
		o.messages = strings.Join(rest, "") + strings.Join(list, "")
	}
	return o
}

// renamed gives addresses in a text names.
func renamed(text string) string {
	names := map[string]string{}
	var b strings.Builder
	for i, part := range strings.Split(text, "\033[") {
		if i > 0 {
			b.WriteString("\033[")
		}
		words := strings.SplitAfter(part, " ")
		for k := 1; k < len(words); k++ {
			before := strings.TrimLeft(words[k-1], "0123456789m<")
			if before != "cache " && before != "parent " && before != "addr " {
				continue
			}
			key := strings.TrimPrefix(words[k], "0x")
			if _, err := strconv.ParseUint(strings.TrimSpace(key), 16, 64); err != nil {
				continue
			}
			if names[before+key] == "" {
				names[before+key] = fmt.Sprintf("#%d ", len(names))
			}
			words[k] = names[before+key]
		}
		b.WriteString(strings.Join(words, ""))
	}
	return b.String()
}

// compilations are how each random file is compiled, in turn.
var compilations = []string{"-gdwarf-5 -O0", "-gdwarf-4 -O0", "-gdwarf-5 -O2", "-gdwarf-4 -O2 -gz=zlib", "-gdwarf-5 -O1 -ffunction-sections -fdata-sections -fcommon", "-gdwarf-3", "-gdwarf-5 -gdwarf64"}

// TestOracleRandom compiles random C and gives it to the kernel's program and
// to this package: what they print and write is equal.
func TestOracleRandom(t *testing.T) {
	path := program(t)
	n, from := 60, uint64(0)
	if v := os.Getenv(casesVariable); v != "" {
		count, start, _ := strings.Cut(v, "@")
		var err error
		if n, err = strconv.Atoi(count); err != nil {
			t.Fatal(err)
		}
		from, _ = strconv.ParseUint(start, 10, 64)
	}
	dir := t.TempDir()
	exports, failed := 0, 0
	for seed := from; seed < from+uint64(n) && !t.Failed(); seed++ {
		text, symbols := generated(seed)
		object := compiled(t, dir, text, compilations[seed%uint64(len(compilations))])
		all := make([]string, 0, len(flags))
		for f := range flags {
			all = append(all, f)
		}
		slices.Sort(all)
		for k, f := range all {
			if k > 1 && k%3 != int(seed%3) {
				continue
			}
			want := runProgram(t, path, f, symbols, object)
			got := runPackage(t, f, symbols, object)
			if d := want.diff(got); d != "" {
				t.Fatalf("seed %d, %q: %s\n%s", seed, f, d, text)
			}
			if want.failed {
				failed++
			}
		}
		exports += len(symbols)
	}
	t.Logf("%d files, %d exports; %d runs ended with an error", n, exports, failed)
	if failed > 3*n {
		t.Error("too little was compared")
	}
}

// compiled returns the object file of a C text.
func compiled(t *testing.T, dir, text, flags string) string {
	t.Helper()
	object := filepath.Join(dir, "main.o")
	args := append(strings.Fields(flags), "-w", "-x", "c", "-c", "-", "-o", object)
	cmd := exec.Command("gcc", append([]string{"-g"}, args...)...)
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s\n%s", err, out, text)
	}
	return object
}
