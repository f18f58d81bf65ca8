package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/made"
)

// packages are the kernel module packages of a scenario, and a program rpm that
// tells weak-modules2 of them. (The scripts weak-modules2_*.txtar have a real
// one.)
type packages struct{ dir string }

// fakeRPM answers the three questions: which packages there are, what one
// provides, which files it has. A package is a file with the list of its own.
const fakeRPM = `#!/bin/sh
cd %s || exit 1
case $1 in
-qa)
	for glob; do case $glob in -*|*%%*) ;; *) break ;; esac; done
	for nvr in *; do case ${nvr%%-*-*} in $glob) echo $nvr ;; esac; done ;;
-ql) for nvr; do [ ! -f "$nvr" ] || cat $nvr; done ;;
esac
exit 0
`

func newPackages(t *testing.T, root string) *packages {
	p := &packages{t.TempDir()}
	for _, dir := range []string{filepath.Join(root, "var/lib/rpm"), filepath.Join(p.dir, "db"), filepath.Join(p.dir, "bin")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{filepath.Join(root, "var/lib/rpm/Packages"): "", filepath.Join(p.dir, "bin/rpm"): fmt.Sprintf(fakeRPM, p.dir+"/db")} {
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// packageOf is the name of a package with modules of one kernel.
func packageOf(files []string) string {
	var names []string
	for _, f := range files {
		base := filepath.Base(f)
		names = append(names, strings.ReplaceAll(strings.TrimSuffix(base, made.Suffix(base)), "-", "_"))
	}
	slices.Sort(names)
	krel, _, _ := strings.Cut(files[0], "/")
	krel = strings.TrimSuffix(krel, "-default")
	return strings.Join(names, "+") + "-kmp-default-1_k" + strings.ReplaceAll(krel, "-", "_") + "-1"
}

// set makes a package known, or forgotten.
func (p *packages) set(t *testing.T, nvr, files string, there bool) {
	t.Helper()
	name := filepath.Join(p.dir, "db", nvr)
	err := os.WriteFile(name, []byte(files), 0o644)
	if !there {
		err = os.Remove(name)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// run runs the program as a process that finds this rpm.
func (p *packages) run(t *testing.T, in string, args ...string) result {
	t.Helper()
	cmd := program(t, in, args...)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(p.dir, "bin")+":"+os.Getenv("PATH"))
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{out.String(), errOut.String(), cmd.ProcessState.ExitCode()}
}

// suseRows are what SUSE's tool has verbs of its own for.
var suseRows = []scenario{
	{
		name: "T26/a kernel package with the provider comes and goes", in: "weak-modules2",
		tree: `
			kernel K1
			vmlinux printk@a
			kernel/net/cnic.ko printk@a +cnic_do@5
			extra/bnx2i.ko printk@a cnic_do@5
			kernel K2
			vmlinux printk@a
			absent kernel/net/cnic.ko printk@a +cnic_do@5`,
		do: []action{
			{do: "add K1/extra/bnx2i.ko", refused: "K2 K1/extra/bnx2i.ko provider cnic_do | not installed"},
			{do: "put K2 kernel/net/cnic.ko printk@a +cnic_do@5"},
			{do: "add-kernel-modules K2", links: "K2 extra/bnx2i.ko K1", deps: "K2 ~extra/bnx2i.ko: kernel/net/cnic.ko"},
			{do: "rm K2/kernel/net/cnic.ko"},
			{do: "remove-kernel-modules K2", links: ""},
		},
	},
	{
		name: "T05/packages in any order", in: "weak-modules2",
		tree: chain,
		do: []action{
			{do: "add K1/extra/pair/c.ko", links: "*", refused: "*"},
			{do: "add K1/extra/pair/p.ko", links: "K2 extra/pair/p.ko K1\nK2 extra/pair/c.ko K1"},
		},
	},
}

func TestScenarioSUSE(t *testing.T) {
	for _, s := range suseRows {
		s.run(t)
	}
}
