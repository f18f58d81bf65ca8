package main

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"modkeep/internal/kerneltest"
	"modkeep/kbuild"
	"modkeep/kernel"
	"modkeep/ko"
)

// bootedJSON is what a real kernel answered to one module, in a virtual machine.
type bootedJSON struct {
	Module string   `json:"module"`
	Loads  bool     `json:"loads"`
	Errno  string   `json:"errno"` // of the load, or of the module's own init where it loads
	Log    []string `json:"log"`
	// Untold is why the answer says nothing of the module: what it needs did not
	// stay, for want of the hardware most often.
	Untold string `json:"untold,omitempty"`
}

// debianArch are the names of architectures for the machines.
var debianArch = map[string]string{"x86_64": "amd64", "aarch64": "arm64"}

// bootable says what booting takes and is not there.
func (o *buildOptions) bootable(kernels []*kbuild.Kernel) error {
	for _, k := range kernels {
		if k.Err != nil {
			continue
		}
		arch := debianArch[k.Headers.Arch]
		if arch == "" || !kbuild.RunsHere(k.Headers.Arch) {
			return fmt.Errorf("kernel %s is of %s: only kernels of this machine's architecture are booted", k.Release, k.Headers.Arch)
		}
		if _, err := exec.LookPath(kerneltest.Emulator(arch)); err != nil {
			return &kbuild.MissingError{What: "tool", Kernel: k.Release, Text: kerneltest.Emulator(arch) + " is not installed", Install: "qemu-system-x86 or qemu-system-arm"}
		}
		installed, err := kernel.Open(o.root, k.Release, kernel.Options{})
		if err == nil && installed.ImagePath == "" {
			err = fmt.Errorf("it has no image")
		}
		if err != nil {
			return fmt.Errorf("kernel %s cannot be booted: %w", k.Release, err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return staticProgram(self)
}

// staticProgram refuses a program that wants an interpreter: there is none
// where process 1 of a machine starts.
func staticProgram(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return withHint(fmt.Errorf("%s is linked dynamically and cannot be process 1 of the virtual machine", path), "build modkeep with CGO_ENABLED=0")
		}
	}
	return nil
}

// boot loads what was built into a virtual machine that runs its kernel, each
// module after those that it needs. This program is the machine's process 1.
func (o *buildOptions) boot(ctx context.Context, cells []*kbuild.Cell) (map[*kbuild.Cell][]bootedJSON, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(self)
	if err != nil {
		return nil, err
	}
	answers := map[*kbuild.Cell][]bootedJSON{}
	for _, k := range kernelsOf(cells) {
		if k.Err != nil {
			continue
		}
		installed, err := kernel.Open(o.root, k.Release, kernel.Options{})
		if err != nil {
			return nil, err
		}
		d := &bootDeps{kernel: installed, built: map[string]string{}}
		attempts, owners, err := d.attempts(k, cells)
		if err != nil {
			return nil, err
		}
		if len(attempts) == 0 {
			continue
		}
		image := filepath.Join(o.root, installed.ImagePath)
		results, err := kerneltest.Boot(ctx, kerneltest.Machine{Arch: debianArch[k.Headers.Arch], Kernel: image, Init: program}, kerneltest.Plan{Attempts: attempts})
		if err != nil {
			return nil, err
		}
		for i, r := range results {
			answers[owners[i]] = append(answers[owners[i]], booted(r))
		}
	}
	return answers, nil
}

func booted(r kerneltest.Result) bootedJSON {
	b := bootedJSON{Module: r.ID, Loads: r.Loads() && !r.Crashed, Errno: r.Errno, Log: []string{}}
	for _, l := range r.LoaderLog() {
		b.Log = append(b.Log, l.Text)
	}
	if r.Crashed {
		b.Log = append(b.Log, "the machine died")
	} else if len(r.DepErrors) > 0 && !b.Loads {
		e := r.DepErrors[0]
		name, _, _ := strings.Cut(filepath.Base(e.Path), ".ko")
		b.Untold = fmt.Sprintf("%s, which it needs, did not stay loaded (%s)", name, e.Errno)
	}
	return b
}

// refusal says what a kernel did to a module that it did not load.
func (b *bootedJSON) refusal(krel string) string {
	text := fmt.Sprintf("kernel %s, booted, refused %s", krel, b.Module)
	if b.Errno != "" {
		text += " (" + b.Errno + ")"
	}
	if len(b.Log) > 0 {
		text += ": " + strings.Join(b.Log, "; ")
	}
	return text
}

// bootDeps finds the files that modules need: others that were built, and the
// kernel's own.
type bootDeps struct {
	kernel *kernel.Kernel
	built  map[string]string // symbol: file that was built and exports it
}

// attempts are the loads of all that was built for a kernel.
func (d *bootDeps) attempts(k *kbuild.Kernel, cells []*kbuild.Cell) (list []kerneltest.Attempt, owners []*kbuild.Cell, err error) {
	for _, c := range cells {
		if c.Kernel != k {
			continue
		}
		for _, m := range c.Modules {
			list = append(list, kerneltest.Attempt{ID: m.Name, Module: m.File})
			owners = append(owners, c)
			f, err := ko.Open(m.File)
			if err != nil {
				return nil, nil, err
			}
			exports, err := f.Exports()
			f.Close()
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", m.File, err)
			}
			for _, e := range exports {
				d.built[e.Symbol] = m.File
			}
		}
	}
	for i := range list {
		if list[i].Deps, err = d.needed(list[i].Module); err != nil {
			return nil, nil, err
		}
	}
	return list, owners, nil
}

// needed are the files that a module needs, providers first.
func (d *bootDeps) needed(file string) ([]string, error) {
	var deps []string
	seen := map[string]bool{file: true}
	var walk func(file string) error
	walk = func(file string) error {
		f, err := ko.Open(file)
		if err != nil {
			return err
		}
		imports, err := f.Undefined()
		f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, need := range imports {
			from := d.built[need.Symbol]
			if p, ok := d.kernel.Provider(need.Symbol); from == "" && ok && p.File != nil && p.State == kernel.Installed {
				from = p.File.Path
			}
			if from == "" || seen[from] {
				continue
			}
			seen[from] = true
			if err := walk(from); err != nil {
				return err
			}
			deps = append(deps, from)
		}
		return nil
	}
	return deps, walk(file)
}
