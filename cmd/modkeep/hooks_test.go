package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/policy"
)

func TestChangedModules(t *testing.T) {
	tests := []struct {
		name, in string
		krels    []string
		offered  bool
	}{
		{"nothing", "", nil, false},
		{"no modules", "/lib/modules/6.1/modules.dep\n/usr/lib/modules/6.1/kernel\n/etc/passwd\n", nil, false},
		{"a kernel's own", "/lib/modules/6.1/kernel/a.ko\n/usr/lib/modules/6.1/kernel/b.ko.zst\n/lib/modules/6.2/kernel/a.ko.xz\n", []string{"6.1", "6.2"}, false},
		{"third-party", "/lib/modules/6.1/extra/a.ko\n", nil, true},
		{"in the module directory itself", "/lib/modules/6.1/a.ko\n", nil, true},
		{"links", "/lib/modules/6.1/weak-updates/a.ko\n", nil, false},
		{"no release", "/lib/modules/../kernel/a.ko\n/lib/modules//kernel/a.ko\n/lib/modules/a.ko\n", nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			krels, offered, err := changedModules(strings.NewReader(test.in))
			if err != nil || offered != test.offered || !cmp.Equal(krels, test.krels) {
				t.Errorf("kernels %q, offered %t (%v); want %q, %t", krels, offered, err, test.krels, test.offered)
			}
		})
	}
	if _, _, err := changedModules(strings.NewReader(strings.Repeat("x", 1<<20))); err == nil {
		t.Error("a name of 1 MiB is no error")
	}
}

func TestJudged(t *testing.T) {
	tests := []struct {
		status int
		gate   policy.Gate
		want   int
		said   string
	}{
		{statusNo, policy.GateWarn, statusYes, "modkeep: kernel 6.1 would be without a required module (gate: warn)\n"},
		{statusNo, policy.GateStrict, statusNo, "modkeep: kernel 6.1 would be without a required module: refused (gate: strict in /etc/modkeep/policy.yaml)\n"},
		{statusUnknown, policy.GateWarn, statusYes, "modkeep: whether every required module follows kernel 6.1 could not be told (gate: warn)\n"},
		{statusUnknown, policy.GateStrict, statusNo, "modkeep: whether every required module follows kernel 6.1 could not be told: refused (gate: strict in /etc/modkeep/policy.yaml)\n"},
	}
	for _, test := range tests {
		var said strings.Builder
		h := hookEvent{errOut: &said}
		if got := h.judged("6.1", test.status, test.gate); got != test.want || said.String() != test.said {
			t.Errorf("gate %s, status %d: %d, %q; want %d, %q", test.gate, test.status, got, said.String(), test.want, test.said)
		}
	}
}

// TestGateEvents goes through the gates with a kernel that leaves a required
// module behind, and with a policy that cannot be read.
func TestGateEvents(t *testing.T) {
	oracle.Tool(t, "depmod")
	tests := []struct {
		name, policy string
		status       int
		said         string
	}{
		{"no policy", "", 0, ""},
		{"off", "version: 1\ngate: off\nmodules: [{name: prov, required: true}]\n", 0, ""},
		{"warn", "version: 1\nmodules: [{name: prov, required: true}]\n", 0, "(gate: warn)"},
		{"strict", "version: 1\ngate: strict\nmodules: [{name: prov, required: true}]\n", 1, "refused (gate: strict"},
		{"unreadable", "version: 1\ngate: strickt\n", 0, "/etc/modkeep/policy.yaml:2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := made.Write(dir, el9+"\n"+kernelOne+"\nextra/prov/prov.ko printk@a moved@c\n"+kernelTwo); err != nil {
				t.Fatal(err)
			}
			if test.policy != "" {
				putFile(t, filepath.Join(dir, "etc/modkeep/policy.yaml"), test.policy)
			}
			var out, errOut strings.Builder
			status := run(t.Context(), []string{"modkeep", "hooks", "run", "--root", dir, "kernel-added", k2}, nil, &out, &errOut)
			if status != test.status || out.Len() > 0 || !strings.Contains(errOut.String(), test.said) {
				t.Errorf("status %d, stdout %q, stderr %q; want %d, nothing, %q", status, out.String(), errOut.String(), test.status, test.said)
			}
		})
	}
}

func putFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name+".new", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil { // as package managers do
		t.Fatal(err)
	}
}

// TestFingerprint changes things one after the other and looks which of them
// count.
func TestFingerprint(t *testing.T) {
	oracle.Tool(t, "depmod")
	dir := t.TempDir()
	if _, err := made.Write(dir, el9+"\n"+kernelOne+"\nextra/prov/prov.ko printk@a\n"+kernelTwo); err != nil {
		t.Fatal(err)
	}
	stamp := func() string {
		t.Helper()
		s, err := fingerprint(dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	module := func(name string) string { return filepath.Join(dir, "lib/modules", name) }
	steps := []struct {
		name    string
		do      func()
		changes bool
	}{
		{"links and index files", func() {
			if status := run(t.Context(), []string{"modkeep", "link", "--root", dir}, nil, &strings.Builder{}, &strings.Builder{}); status != 0 {
				t.Fatalf("link: status %d", status)
			}
		}, false},
		{"a module more", func() { putFile(t, module(k1+"/extra/more.ko"), "x") }, true},
		{"the same replaced", func() { putFile(t, module(k1+"/extra/more.ko"), "y") }, true},
		{"gone", func() { os.Remove(module(k1 + "/extra/more.ko")) }, true},
		{"one in the module directory itself", func() { putFile(t, module(k2+"/more.ko"), "x") }, true},
		{"a new directory", func() { putFile(t, module(k2+"/updates/a/more.ko"), "x") }, true},
		{"a file of another kind", func() { putFile(t, module(k2+"/modules.dep.new"), "x") }, false},
		{"a kernel's own module", func() { putFile(t, module(k2+"/kernel/more.ko"), "x") }, true},
		{"a kernel more", func() { putFile(t, module(k3+"/kernel/more.ko"), "x") }, true},
		{"policy", func() { putFile(t, filepath.Join(dir, "etc/modkeep/policy.yaml"), "version: 1\n") }, true},
		{"exports", func() { putFile(t, filepath.Join(dir, "boot/symvers-"+k3), "x") }, true},
	}
	before := stamp()
	for _, step := range steps {
		step.do()
		after := stamp()
		if (before != after) != step.changes {
			t.Errorf("%s: changed %t, want %t", step.name, before != after, step.changes)
		}
		before = after
	}
}
