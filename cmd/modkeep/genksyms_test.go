package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
)

// TestOracleGenksymsOptions calls the program and modkeep, by its name, with
// the same arguments.
func TestOracleGenksymsOptions(t *testing.T) {
	const text = "# 1 \"t.c\"\n# 1 \"h.h\" 1\nstruct s { struct s *next; };\nint f(struct s *p);\nint g(struct u *);\nint f f;\n" +
		"# 9 \"t.c\" 2\n__GENKSYMS_EXPORT_SYMBOL(f);\n__GENKSYMS_EXPORT_SYMBOL(g);\n__GENKSYMS_EXPORT_SYMBOL(h);\n"
	tests := []string{"", "-w", "-w -q", "-q -w", "-wD", "-d", "-dd", "-V", "-h", "-Vh", "--help", "--warn", "--dump --warnings", "--d", "-x", "-wx", "--nosuch",
		"--reference", "-r", "-r reference", "-rreference -p", "-pwr reference", "--reference=reference --preserve", "--preserve=1",
		"-T types", "-Ttypes -w", "--dump-types types", "--dump-types=types", "--dump-types", "-T nosuch/types", "-r nosuch", "operand", "-w -- -x", "-r reference -D", "-a x", "-R"}
	versions := map[string][]string{"6.1": append(tests, "-s x", "-s", "--symbol-prefix x", "-sx -w"), "6.12": append(tests, "-s x"), "7": append(tests, "-s x")}
	for version, tests := range versions {
		program := oracle.Genksyms(t, version)
		if program == "" {
			continue
		}
		program, err := filepath.Abs(program)
		if err != nil {
			t.Fatal(err)
		}
		era := version
		if version == "7" {
			era = "G4"
		}
		for _, args := range tests {
			t.Run(version+" "+args, func(t *testing.T) {
				t.Chdir(t.TempDir())
				if err := os.WriteFile("reference", []byte("override s#s struct s { int a ; } \ng int g ( s#u * ) \ns#u struct u { int b ; } \n"), 0o666); err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(program, strings.Fields(args)...)
				cmd.Args[0] = "genksyms"
				var want, got callOutcome
				cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(text), &want.out, &want.err
				var exit *exec.ExitError
				if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
					t.Fatal(err)
				}
				if args == "-dd" {
					want.withoutTrace()
				}
				want.status = cmd.ProcessState.ExitCode()
				want.types, _ = os.ReadFile("types")
				os.Remove("types")
				got.status = run(context.Background(), append([]string{"genksyms", "--era", era}, strings.Fields(args)...), strings.NewReader(text), &got.out, &got.err)
				got.types, _ = os.ReadFile("types")
				if diff := cmp.Diff(want.text(), got.text()); diff != "" {
					t.Errorf("(-program +modkeep)\n%s", diff)
				}
			})
		}
	}
}

// callOutcome is all that a call leaves.
type callOutcome struct {
	out, err bytes.Buffer
	types    []byte
	status   int
}

// withoutTrace leaves out what the generated parser says of its states.
func (s *callOutcome) withoutTrace() {
	var kept []byte
	for line := range bytes.Lines(s.err.Bytes()) {
		if bytes.HasPrefix(line, []byte("Defn for ")) || bytes.HasPrefix(line, []byte("Hash table ")) {
			kept = append(kept, line...)
		}
	}
	s.err = *bytes.NewBuffer(kept)
}

// text leaves out what modkeep's own options add to the texts.
func (s *callOutcome) text() []string {
	return []string{s.out.String(), s.err.String(), string(s.types), string(rune('0' + s.status))}
}
