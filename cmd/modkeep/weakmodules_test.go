package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"modkeep/internal/kerneltest/made"
)

// scriptCommands are commands that scripts have beside testscript's own.
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"made": scriptMade,
	"tree": scriptTree,
	"bare": scriptBare,
}

// scriptMade is "made DIR FILE": writes the root that the text describes, see
// package made. Variables in the text are expanded.
func scriptMade(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: made DIR FILE")
	}
	text := os.Expand(ts.ReadFile(args[1]), ts.Getenv)
	_, err := made.Write(ts.MkAbs(args[0]), text)
	ts.Check(err)
}

// scriptTree is "tree DIR FILE": writes into a file what is below a directory,
// but for the state directory.
func scriptTree(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tree DIR FILE")
	}
	dump, err := made.Dump(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(dump), 0o666))
}

// scriptBare is "bare FILE FORMAT…": writes a file from a format in which \r,
// \n and \0 stand for those bytes, and $NAME for a variable.
func scriptBare(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: bare FILE FORMAT")
	}
	text := strings.NewReplacer(`\r`, "\r", `\n`, "\n", `\0`, "\x00").Replace(args[1])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o666))
}

// TestOracleWeakModulesUsage holds usage errors and their statuses against the
// script, where a copy of it is at hand.
func TestOracleWeakModulesUsage(t *testing.T) {
	script := os.Getenv("MODKEEP_WEAK_MODULES")
	if script == "" {
		t.Skip("no oracle: MODKEEP_WEAK_MODULES does not name a weak-modules script")
	}
	dracut := filepath.Join(t.TempDir(), "dracut")
	if err := os.WriteFile(dracut, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "lib/modules"), 0o755); err != nil {
		t.Fatal(err)
	}
	tests := [][]string{
		{}, {"--help"}, {"-h"}, {"--help", "--bogus"}, {"--bogus"}, {"-x"}, {"--add"}, {"--verbose"}, {"--dry-run=1"}, {"--basedir"},
		{"--add-modules"}, {"--add-m", "operand"}, {"--remove-modules"}, {"--remove-kernel", "5.14"}, {"--add-kernel", "5.14"}, {"5.14", "--add-kernel"},
		{"--add-kernel", "--", "--verbose"}, {"--add-modules", "--add-kernel"}, {"--remove-kernel", "--add-kernel", "5.14"}, {"--delete-modules", "--remove-modules"},
		{"--no-init", "--add-modules"},
	}
	for _, args := range tests {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			args := append([]string{"--dracut", dracut, "--basedir=" + root}, args...)
			status := func(cmd *exec.Cmd) int {
				out, err := cmd.CombinedOutput()
				if err != nil && cmd.ProcessState == nil {
					t.Fatalf("%v\n%s", err, out)
				}
				return cmd.ProcessState.ExitCode()
			}
			ours := exec.Command("/proc/self/exe", append([]string{"weak-modules"}, args...)...)
			ours.Args[0] = "modkeep"
			if diff := cmp.Diff(status(exec.Command("bash", append([]string{script}, args...)...)), status(ours)); diff != "" {
				t.Errorf("exit status (-script +ours):\n%s", diff)
			}
		})
	}
}
