package main

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/made"
)

// scriptCommands are commands that scripts have beside testscript's own.
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"made":   scriptMade,
	"tree":   scriptTree,
	"bare":   scriptBare,
	"kmp":    scriptKMP,
	"mutant": scriptMutant,
}

// scriptMutant is "mutant NAME FILE": damages a module as the mutant of that
// name is damaged, see kerneltest.Mutants.
func scriptMutant(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mutant NAME FILE")
	}
	for _, m := range kerneltest.Mutants() {
		if m.Name == args[0] {
			data, err := m.Apply([]byte(ts.ReadFile(args[1])))
			ts.Check(err)
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o644))
			return
		}
	}
	ts.Fatalf("no mutant %s", args[0])
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

// scriptTree is "tree DIR FILE [EXCEPT…]": writes into a file what is below a
// directory.
func scriptTree(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: tree DIR FILE [EXCEPT…]")
	}
	dump, err := made.Dump(ts.MkAbs(args[0]), args[2:]...)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(dump), 0o666))
}

// scriptBare is "bare FILE FORMAT": writes a file from a format in which \r,
// \n and \0 stand for those bytes, and $NAME for a variable.
func scriptBare(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: bare FILE FORMAT")
	}
	text := strings.NewReplacer(`\r`, "\r", `\n`, "\n", `\0`, "\x00").Replace(os.Expand(args[1], ts.Getenv))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o666))
}

// scriptKMP is "kmp ROOT NAME VERSION PATH…": makes rpm's database of a root know
// of a package with these files, which are in the root. Without paths, the
// package has a file that is no module. A path ending in ":" is something that
// the package provides.
func scriptKMP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: kmp ROOT NAME VERSION PATH…")
	}
	root, name, version, files := ts.MkAbs(args[0]), args[1], args[2], args[3:]
	build := ts.MkAbs("rpmbuild-" + name + "-" + version)
	spec := "Name: " + name + "\nVersion: " + version + "\nRelease: 1\nSummary: x\nLicense: none\nAutoReqProv: no\n"
	install, list := "mkdir -p %{buildroot}/etc\ntouch %{buildroot}/etc/"+name+".conf\n", "/etc/"+name+".conf\n"
	for _, file := range files {
		if provided, ok := strings.CutSuffix(file, ":"); ok {
			spec += "Provides: " + provided + "\n"
			continue
		}
		install += "install -D " + root + file + " %{buildroot}" + file + "\n"
		list += file + "\n"
	}
	spec += "%description\nx\n%install\n" + install + "%files\n" + list
	ts.Check(os.MkdirAll(build, 0o777))
	ts.Check(os.WriteFile(build+"/x.spec", []byte(spec), 0o666))
	ts.Check(ts.Exec("rpmbuild", "-bb", "--quiet", "--target", "x86_64-linux", "--define", "_topdir "+build, "--define", "__os_install_post %{nil}",
		"--define", "debug_package %{nil}", "--define", "_build_id_links none", build+"/x.spec"))
	ts.Check(ts.Exec("rpm", "--root", root, "--dbpath", "/var/lib/rpm", "-i", "--justdb", "--nodeps", "--ignorearch", "--force", build+"/RPMS/x86_64/"+name+"-"+version+"-1.x86_64.rpm"))
}

// weakModulesScript is a copy of kmod 28's script, which is not ours to keep
// here.
func weakModulesScript(t *testing.T) string {
	t.Helper()
	script := os.Getenv("MODKEEP_WEAK_MODULES")
	if script == "" {
		t.Skip("no oracle: MODKEEP_WEAK_MODULES does not name a weak-modules script")
	}
	return script
}

// randomTree is the text of a root with three kernels, the last without modules
// of its own, in which some of the others' modules load and some do not.
func randomTree(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString("file /etc/depmod.d/dist.conf search updates extra built-in weak-updates\n")
	for k := 1; k <= 3; k++ {
		fmt.Fprintf(&b, "kernel 5.14.0-%d.el9.x86_64\n  kernel/a.ko\n  vmlinux", k)
		var needs []string
		for s := range 6 {
			word := fmt.Sprintf(" s%d@%c", s, "aab"[r.IntN(3)])
			needs = append(needs, word)
			if s == 0 || r.IntN(20) > 0 {
				b.WriteString(word)
			}
		}
		b.WriteString("\n")
		before := ""
		for m := 0; k < 3 && m < 4; m++ {
			name := fmt.Sprintf("m%d", m)
			if r.IntN(2) == 0 {
				name = fmt.Sprintf("k%dm%d", k, m)
			}
			fmt.Fprintf(&b, "  extra/%s/%[1]s.ko%s +%[1]s_do@%[3]d", name, needs[r.IntN(6)], 7+r.IntN(3)/2)
			if m > 0 && r.IntN(3) == 0 {
				fmt.Fprintf(&b, " %s_do@7", before)
			}
			b.WriteString("\n")
			before = name
		}
	}
	return b.String()
}

// TestOracleWeakModulesLinks compares the links of --add-kernel with the
// script's on random trees: whatever it links is linked to the same file. It
// links less, because one bad module takes its whole group along.
func TestOracleWeakModulesLinks(t *testing.T) {
	script := weakModulesScript(t)
	const krel = "5.14.0-3.el9.x86_64"
	total := 0
	for seed := range uint64(8) {
		text := randomTree(rand.New(rand.NewPCG(seed, 0)))
		links := func(name string, args ...string) map[string]string {
			root := t.TempDir()
			if _, err := made.Write(root, text); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(name, append(args, "--basedir", root, "--no-initramfs", "--add-kernel", krel)...)
			if name == "/proc/self/exe" {
				cmd.Args[0] = "weak-modules"
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, out)
			}
			found := map[string]string{}
			weak := filepath.Join(root, "lib/modules", krel, "weak-updates")
			filepath.WalkDir(weak, func(path string, e fs.DirEntry, err error) error {
				if err == nil && !e.IsDir() {
					real, _ := filepath.EvalSymlinks(path)
					found[strings.TrimPrefix(path, weak)] = strings.TrimPrefix(real, root)
				}
				return nil
			})
			return found
		}
		theirs, ours := links("bash", script, "--dracut", "/bin/true"), links("/proc/self/exe")
		for link, target := range theirs {
			total++
			if ours[link] != target {
				t.Errorf("seed %d: %s leads to %q, with the script to %q, in\n%s", seed, link, ours[link], target, text)
			}
		}
	}
	if total == 0 {
		t.Error("the script linked nothing in any tree")
	}
	t.Logf("%d links", total)
}

// TestOracleWeakModulesUsage holds usage errors and their statuses against the
// script, where a copy of it is at hand.
func TestOracleWeakModulesUsage(t *testing.T) {
	script := weakModulesScript(t)
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
