package main

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestStaticBinary builds modkeep as it is shipped: it must run from the
// scriptlets of a package inside a bare root and from an initramfs, where no
// library is.
func TestStaticBinary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "modkeep")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the binary has a program header %v", p.Type)
		}
	}
	if err := staticProgram(path); err != nil {
		t.Error(err)
	}
}

// TestStaticProgram has programs that cannot be process 1 of a bare machine.
func TestStaticProgram(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, bytes.Repeat([]byte("#!/bin/sh\n"), 10), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/bin/ls": "/bin/ls is linked dynamically and cannot be process 1 of the virtual machine",
		text:      "bad magic number",
	} {
		if err := staticProgram(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}
