package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

// TestMain lets the test binary be modkeep itself in the scripts, and the tools
// that it takes the place of.
func TestMain(m *testing.M) {
	testscript.Main(cleaning{m}, map[string]func(){"modkeep": main, "weak-modules": main, "weak-modules2": main, "mlnx_add_kernel_support.sh": main, "genksyms": main, "gendwarfksyms": main, "modkeep-measured": measured})
}

// TestScript runs each script of testdata/script against the real main: one
// behaviour a script, named category_case.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Cmds:                scriptCommands,
	})
}

// setup gives scripts the tree's own test data: $KO the modules of package ko,
// $SIGNED a module of Debian's, $BUILT the modules of package loader with what
// they need of their kernels, $PACKAGES those of package kmp, $KEYS those of pgp.
func setup(env *testscript.Env) error {
	top, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	env.Setenv("BUILT", filepath.Join(top, "loader/testdata"))
	env.Setenv("PACKAGES", filepath.Join(top, "kmp/testdata"))
	env.Setenv("KEYS", filepath.Join(top, "pgp/testdata"))
	env.Setenv("KO", filepath.Join(top, "ko/testdata"))
	env.Setenv("SIGNED", filepath.Join(top, "ko/modsig/testdata/debian-libcrc32c.ko"))
	return nil
}

func TestStatusOf(t *testing.T) {
	cause := errors.New("no such file")
	tests := []struct {
		name   string
		err    error
		status int
		stderr string
	}{
		{"done", nil, 0, ""},
		{"refused", silent(statusNo), 1, ""},
		{"partly", fmt.Errorf("wrapped: %w", silent(statusUnknown)), 2, ""},
		{"error", fmt.Errorf("cannot read x.ko: %w", cause), 2, "modkeep: cannot read x.ko: no such file\n"},
		{"hint", withHint(fmt.Errorf("cannot read x.ko: %w", cause), "give %s", "y.ko"), 2,
			"modkeep: cannot read x.ko: no such file\nhint: give y.ko\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var errOut strings.Builder
			if got := statusOf(test.err, &errOut); got != test.status {
				t.Errorf("status %d, want %d", got, test.status)
			}
			if errOut.String() != test.stderr {
				t.Errorf("stderr %q, want %q", errOut.String(), test.stderr)
			}
		})
	}
}

// panicker stands for a writer in the middle of a command that has a bug.
type panicker struct{}

func (panicker) Write([]byte) (int, error) { panic("index out of range") }

func TestPanicIsInternalError(t *testing.T) {
	var errOut bytes.Buffer
	status := run(context.Background(), []string{"modkeep", "version"}, nil, panicker{}, &errOut)
	if status != statusUnknown {
		t.Errorf("status %d, want %d", status, statusUnknown)
	}
	if want := "modkeep: internal error: index out of range\n"; !strings.HasPrefix(errOut.String(), want) {
		t.Errorf("stderr %q, want it to begin with %q", errOut.String(), want)
	}
	if strings.Contains(errOut.String(), "goroutine") {
		t.Errorf("a stack trace reached the user:\n%s", errOut.String())
	}
}

// TestUsageErrors makes sure that a misspelled flag of any
// verb is a usage error with a hint. Drop-ins, which parse their own flags, keep
// the errors of the tools they replace.
func TestUsageErrors(t *testing.T) {
	for _, verb := range newRootCommand().Commands() {
		if verb.Hidden || verb.Name() == "completion" || verb.DisableFlagParsing {
			continue
		}
		t.Run(verb.Name(), func(t *testing.T) { testUnknownFlag(t, verb) })
	}
}

func testUnknownFlag(t *testing.T, verb *cobra.Command) {
	var out, errOut bytes.Buffer
	status := run(context.Background(), []string{"modkeep", verb.Name(), "--no-such-flag"}, nil, &out, &errOut)
	want := fmt.Sprintf("modkeep: cannot run %s: unknown flag: --no-such-flag\nhint: run 'modkeep %[1]s --help'\n", verb.Name())
	if status != statusUnknown || errOut.String() != want || out.Len() != 0 {
		t.Errorf("status %d, stdout %q, stderr %q; want status 2, nothing, %q", status, out.String(), errOut.String(), want)
	}
}
