package kerneltest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"modkeep/internal/kerneltest/wire"
)

// Guest is a machine with a disk on which commands are run.
type Guest struct {
	Tree // whose Names are the drivers that the initramfs loads: virtio_pci, virtio_blk, …
	// Disk is the image of an ext4 file system, which becomes the commands'
	// root. What the guest writes stays in it.
	Disk string
	// Devices are arguments of the emulator: "-device", "virtio-rng-pci".
	Devices  []string
	Commands []Command
}

// Command is a program and its arguments, found on the disk, or an action; see
// wire.Command.
type Command struct {
	Argv []string
	// CutAt is the block write at which the power fails, counted from 1 when the
	// command begins; where it makes less, the power fails when it has ended. 0 lets
	// the machine live. Seed decides what is lost of what the disk holds in its
	// cache then.
	CutAt int
	Seed  uint64
}

// Ran is what became of a command.
type Ran struct {
	Status      int // -1 where it could not be run
	Out, ErrOut string
	Log         []Line        // the kernel's, while it ran
	Took        time.Duration // as seen from outside
	Writes      int           // to the disk, while it ran
	// Cut is set if the power failed while it ran. Only Writes is known then.
	Cut bool
}

// MakeDisk makes the image of an ext4 file system that holds what lies below a
// directory, owned by root, with so many MiB.
func MakeDisk(ctx context.Context, image, dir string, mib int) error {
	out, err := exec.CommandContext(ctx, "mke2fs", "-q", "-F", "-t", "ext4", "-E", "root_owner=0:0", "-d", dir, image, fmt.Sprintf("%dM", mib)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mke2fs: %w: %s", err, out)
	}
	return nil
}

// PackPrograms puts programs of this machine, with the libraries they need, into
// a directory that is to become a disk: each at the place given for it.
func PackPrograms(dir string, programs map[string]string) error {
	for inside, program := range programs {
		if err := copyFile(filepath.Join(dir, inside), program, 0o755); err != nil {
			return err
		}
		out, err := exec.Command("ldd", program).Output()
		if err != nil {
			continue // it is static
		}
		for _, lib := range sharedObjects(string(out)) {
			if err := copyFile(filepath.Join(dir, lib), lib, 0o755); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyFile(to, from string, mode os.FileMode) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, mode)
}

// BootDisk boots a machine with a disk and runs the commands one after the
// other. It returns what became of those that were begun: all of them, unless the
// power was cut. The error is about a machine that does not come up or that dies
// by itself.
func BootDisk(ctx context.Context, m Machine, g Guest) ([]Ran, error) {
	dir, err := os.MkdirTemp("", "kerneltest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	initrd := filepath.Join(dir, "initrd")
	size, err := g.pack(ctx, m.Arch, initrd)
	if err != nil {
		return nil, err
	}
	if m.Silence == 0 {
		m.Silence = 25 * time.Minute // the guest gives a command less
	}
	socket := filepath.Join(dir, "disk")
	disk, err := serveDisk(g.Disk, socket)
	if err != nil {
		return nil, err
	}
	defer disk.close()
	s := &diskSession{guest: g, disk: disk}
	console, err := m.start(ctx, s.event, func(last string) (*exec.Cmd, error) {
		cmd, err := m.command(ctx, initrd, size, last)
		if err != nil {
			return nil, err
		}
		cmd.Args = append(append(cmd.Args, "-drive", "file=nbd+unix:///?socket="+socket+",format=raw,if=none,id=disk,cache=writeback", "-device", "virtio-blk-pci,drive=disk"), g.Devices...)
		s.kill = func() { cmd.Process.Kill() }
		return cmd, nil
	})
	switch {
	case err != nil:
		return s.ran, err
	case s.failed != "":
		return s.ran, fmt.Errorf("boot %s: init: %s", m.Kernel, s.failed)
	case !s.ready:
		return s.ran, fmt.Errorf("boot %s: no answer from init\n%s", m.Kernel, tail(console, 2000))
	case !s.done && !s.cut():
		return s.ran, fmt.Errorf("boot %s: died after %d commands\n%s", m.Kernel, len(s.ran), tail(console, 4000))
	}
	return s.ran, nil
}

// diskSession collects the events of one boot.
type diskSession struct {
	guest       Guest
	disk        *blockDevice
	kill        func()
	began       time.Time
	underway    bool
	ready, done bool
	failed      string
	ran         []Ran
}

// cut reports whether the power failed, and adds the command that it failed in.
func (s *diskSession) cut() bool {
	writes, failed := s.disk.counted()
	if failed && s.underway {
		s.ran = append(s.ran, Ran{Cut: true, Writes: writes})
		s.underway = false
	}
	return failed
}

func (s *diskSession) event(e wire.Event) {
	switch e.Kind {
	case wire.Ready:
		s.ready = true
	case wire.Failed:
		s.failed = e.Errno
	case wire.Begin:
		s.underway, s.began = true, time.Now()
		c := s.guest.Commands[e.Index]
		s.disk.mark(c.CutAt, c.Seed, s.kill)
	case wire.Ran:
		writes, failed := s.disk.counted()
		if failed {
			return // it came to its end, and the disk heard of it no more
		}
		s.underway = false
		r := Ran{Status: e.Status, Out: e.Output, ErrOut: e.Stderr, Took: time.Since(s.began), Writes: writes}
		for _, l := range e.Log {
			r.Log = append(r.Log, Line{Level: l.Level, Text: string(l.Text)})
		}
		s.ran = append(s.ran, r)
		if s.guest.Commands[e.Index].CutAt > 0 {
			s.disk.powerOff()
		}
	case wire.Stuck:
		s.failed = "a command did not end"
	case wire.Done:
		s.done = true
	}
}

// pack writes the initramfs: process 1, its job, and the disk's drivers.
func (g Guest) pack(ctx context.Context, arch, initrd string) (size int64, err error) {
	init, err := initOnce(ctx, arch, filepath.Dir(initrd))
	if err != nil {
		return 0, err
	}
	f, err := os.Create(initrd)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	a := newArchive(w)
	for _, d := range []string{"dev", "proc", "sys", "disk", "m"} {
		a.dir(d)
	}
	a.device("dev/console", 5, 1)
	a.file("init", init)
	job := wire.Job{StuckMS: stuckMS, Disk: "/dev/vda"}
	for i, c := range g.Commands {
		job.Commands = append(job.Commands, wire.Command{Index: i, Argv: c.Argv})
	}
	if job.Insmod, err = g.drivers(a); err != nil {
		return 0, err
	}
	text, err := json.Marshal(job)
	if err != nil {
		return 0, err
	}
	a.file(strings.TrimPrefix(wire.JobFile, "/"), text)
	err = errors.Join(a.close(), w.Flush())
	return a.size, err
}

// drivers adds the modules that the initramfs loads, unpacked, in the order in
// which modprobe would load them.
func (g Guest) drivers(a *archive) (insmod []string, err error) {
	have := map[string]bool{}
	for _, name := range g.Names {
		for _, file := range needed(g.Tree, name) {
			if have[file] {
				continue
			}
			have[file] = true
			packed, err := os.ReadFile(filepath.Join(g.Root, file))
			if err != nil {
				return nil, err
			}
			content, err := Decompress(packed)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			inside := fmt.Sprintf("m/%d", len(insmod))
			a.file(inside, content)
			insmod = append(insmod, "/"+inside)
		}
	}
	return insmod, nil
}

// inits are the init programs that were built, by architecture: tests of power
// cuts boot many times.
var inits sync.Map

func initOnce(ctx context.Context, arch, dir string) ([]byte, error) {
	if init, ok := inits.Load(arch); ok {
		return init.([]byte), nil
	}
	init, err := buildInit(ctx, arch, dir)
	if err == nil {
		inits.Store(arch, init)
	}
	return init, err
}

// StageTree makes a directory a root that has a kernel's module directory with
// the modules named and what those need, and nothing else; depmod writes the
// index files.
func StageTree(ctx context.Context, dir string, k Kernel, names []string) error {
	// The lists of depmod -n come one after the other, each under a comment;
	// the first is modules.dep.
	out, err := exec.CommandContext(ctx, "depmod", "-n", "-b", k.Root, k.Release).Output()
	if err != nil {
		return fmt.Errorf("depmod: %w", err)
	}
	table, _, _ := bytes.Cut(out, []byte("\n#"))
	lines := map[string][]string{} // module name → its file, then those it needs
	for line := range bytes.Lines(table) {
		file, needs, _ := strings.Cut(strings.TrimSpace(string(line)), ":")
		lines[moduleName(file)] = append([]string{file}, strings.Fields(needs)...)
	}
	for _, name := range names {
		if len(lines[name]) == 0 {
			return fmt.Errorf("%s has no module %s", k.Release, name)
		}
		for _, file := range lines[name] {
			if err := copyFile(filepath.Join(dir, "lib/modules", k.Release, file), filepath.Join(k.Modules(), file), 0o644); err != nil {
				return err
			}
		}
	}
	for _, name := range []string{"modules.order", "modules.builtin", "modules.builtin.modinfo"} {
		if err := copyFile(filepath.Join(dir, "lib/modules", k.Release, name), filepath.Join(k.Modules(), name), 0o644); err != nil {
			return err
		}
	}
	if out, err := exec.CommandContext(ctx, "depmod", "-b", dir, k.Release).CombinedOutput(); err != nil {
		return fmt.Errorf("depmod: %w: %s", err, out)
	}
	return nil
}
