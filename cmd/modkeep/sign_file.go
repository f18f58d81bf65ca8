package main

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// besideLike writes data beside a file that it is to replace, or make, and returns
// the name. Mode, owner and extended attributes are those of model.
func besideLike(path, model string, data []byte) (string, error) {
	info, err := os.Stat(model)
	if err != nil {
		return "", err
	}
	if at, err := os.Lstat(path); err == nil && !at.Mode().IsRegular() {
		return "", &fs.PathError{Op: "replace", Path: path, Err: errors.New("not a regular file")}
	}
	return writeBeside(path, info.Mode().Perm(), func(f *os.File) error {
		if err := likeFile(f, model, info); err != nil {
			return err
		}
		_, err := f.Write(data)
		return err
	})
}

// stripModule takes debugging information out of a module as the kernel's
// modules_install with INSTALL_MOD_STRIP=1 does: strip --strip-debug.
func stripModule(ctx context.Context, module []byte) ([]byte, error) {
	program, err := stripProgram(module)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "modkeep-strip-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "module.ko")
	if err := os.WriteFile(path, module, 0o600); err != nil {
		return nil, err
	}
	// -D: no times and owners of this machine, whatever binutils' default is.
	cmd := exec.CommandContext(ctx, program, "-D", "--strip-debug", path)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w%s", program, err, saidBy(string(out)))
	}
	return os.ReadFile(path)
}

// crossTriplets are GNU's names of the machines whose modules are met.
var crossTriplets = map[elf.Machine]string{
	elf.EM_X86_64: "x86_64-linux-gnu", elf.EM_386: "i686-linux-gnu", elf.EM_AARCH64: "aarch64-linux-gnu",
	elf.EM_PPC64: "powerpc64le-linux-gnu", elf.EM_S390: "s390x-linux-gnu", elf.EM_RISCV: "riscv64-linux-gnu",
	elf.EM_ARM: "arm-linux-gnueabihf",
}

// stripProgram finds a strip for a module's machine: that of GNU's tools for
// it, LLVM's, which knows all machines, or the one that is simply called strip,
// which refuses what it does not know.
func stripProgram(module []byte) (string, error) {
	names := []string{"llvm-strip", "strip"}
	if f, err := elf.NewFile(bytes.NewReader(module)); err == nil && crossTriplets[f.Machine] != "" {
		names = append([]string{crossTriplets[f.Machine] + "-strip"}, names...)
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", withHint(errors.New("there is no strip(1)"), "install binutils, or sign without --strip")
}
