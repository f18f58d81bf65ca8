package kerneltest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"modkeep/internal/kerneltest/wire"
)

// Machine is a virtual machine to boot a kernel in.
type Machine struct {
	// Arch is Debian's name of the architecture: amd64 or arm64.
	Arch string
	// Kernel is the path of the kernel image.
	Kernel string
	// Cmdline is added to the kernel's command line.
	Cmdline string
	// MemMB is the memory in MiB; 0 lets the size of the modules decide.
	MemMB int
	// Silence is how long the machine may say nothing before it counts as
	// hung; 0 means four minutes, for machines that do much else.
	Silence time.Duration
	// Init is the program for process 1, one whose main calls guest.Main where
	// guest.Asked says so; nil has package init compiled, which takes Go.
	Init []byte
	// Firmware, of amd64 only, starts the kernel by EFI; nil starts it directly.
	Firmware *Firmware
}

// emulators are the programs and what they need for each architecture. A
// processor with every feature TCG has runs kernels of all ages.
var emulators = map[string]struct {
	program string
	args    []string
	console string
}{
	"amd64": {"qemu-system-x86_64", []string{"-cpu", "max"}, "ttyS0"},
	"arm64": {"qemu-system-aarch64", []string{"-machine", "virt", "-cpu", "cortex-a72"}, "ttyAMA0"},
}

// Emulator is the program that runs machines of an architecture, such as
// qemu-system-x86_64; empty if there is none.
func Emulator(arch string) string { return emulators[arch].program }

// quietCmdline keeps the kernel's messages in its log and off the console,
// has it say when it calls a module's init, and keeps watchdogs of a slow,
// emulated processor from adding to the log.
const quietCmdline = "quiet loglevel=0 panic=-1 no_timer_check initcall_debug log_buf_len=16M " +
	"printk.devkmsg=on nosoftlockup nowatchdog rcupdate.rcu_cpu_stall_suppress=1"

// command is the emulator's command line for one boot.
func (m Machine) command(ctx context.Context, initrd string, payload int64, extra string) (*exec.Cmd, error) {
	e, ok := emulators[m.Arch]
	if !ok {
		return nil, fmt.Errorf("architecture %s: no emulator known", m.Arch)
	}
	mem := m.MemMB
	if mem == 0 {
		// The archive lies in memory twice while it is unpacked, and the
		// largest modules once more.
		mem = 512 + int(payload>>20)*5/2
	}
	cmdline := strings.Join([]string{"console=" + e.console, quietCmdline, m.Cmdline, extra}, " ")
	args := append([]string{"-accel", "tcg", "-nodefaults", "-no-reboot", "-display", "none",
		"-serial", "stdio", "-m", fmt.Sprint(mem), "-kernel", m.Kernel, "-initrd", initrd,
		"-append", cmdline}, e.args...)
	if m.Firmware != nil {
		firmware, err := m.Firmware.arguments(filepath.Dir(initrd))
		if err != nil {
			return nil, fmt.Errorf("firmware: %w", err)
		}
		args = append(args, firmware...)
	}
	return exec.CommandContext(ctx, e.program, args...), nil
}

// startTries is how often a machine is started that gets nowhere: on a busy
// host an emulated timer can look broken to the kernel, which then panics
// before it has done anything.
const startTries = 3

// start runs a machine, again where its init did not say that it is ready.
// command makes each from what is to be added to its kernel's command line: the
// last prints what its kernel does. The console is the last machine's, with the
// emulator's error where it came to nothing.
func (m Machine) start(ctx context.Context, event func(wire.Event), command func(last string) (*exec.Cmd, error)) (console string, err error) {
	ready, last := false, ""
	for try := 1; try <= startTries && !ready && ctx.Err() == nil; try++ {
		if try == startTries {
			last = " ignore_loglevel"
		}
		cmd, err := command(last)
		if err != nil {
			return "", err
		}
		console, err = m.run(cmd, func(e wire.Event) {
			ready = ready || e.Kind == wire.Ready
			event(e)
		})
		if err != nil && !ready {
			console += err.Error()
		}
	}
	return console, ctx.Err()
}

// errHung is the end of a machine that says nothing any more.
var errHung = errors.New("machine hung")

// run starts the emulator, calls event for each event of the guest, and
// returns what else was on the console. It ends the emulator at the event
// Done, and when nothing has come for the time of Silence (errHung).
func (m Machine) run(cmd *exec.Cmd, event func(wire.Event)) (console string, err error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return "", err
	}
	silence := m.Silence
	if silence == 0 {
		silence = 4 * time.Minute
	}
	var hung atomic.Bool
	watch := time.AfterFunc(silence, func() { hung.Store(true); cmd.Process.Kill() })
	done := false
	console, err = readConsole(out, func(e wire.Event) {
		watch.Reset(silence)
		event(e)
		if e.Kind == wire.Done {
			done = true
			cmd.Process.Kill()
		}
	})
	watch.Stop()
	if hung.Load() {
		err = errHung
	}
	wait := cmd.Wait()
	switch {
	case done:
		return console, nil
	case err != nil:
		return console, err
	case wait != nil:
		return console, fmt.Errorf("%s: %w: %s", cmd.Path, wait, strings.TrimSpace(stderr.String()))
	}
	return console, nil
}

// consoleTail is how many bytes of the console are kept.
const consoleTail = 64 << 10

// readConsole splits the guest's console into events and the rest, of which
// it returns the tail.
func readConsole(r io.Reader, event func(wire.Event)) (string, error) {
	in := bufio.NewReaderSize(r, 1<<20)
	var rest []byte
	for {
		line, err := in.ReadBytes('\n')
		if text, ok := bytes.CutPrefix(line, []byte(wire.Marker)); ok {
			var e wire.Event
			if json.Unmarshal(text, &e) == nil {
				event(e)
			}
		} else if len(bytes.TrimSpace(line)) > 0 {
			rest = append(rest, line...)
			rest = rest[max(0, len(rest)-consoleTail):]
		}
		if err == io.EOF {
			return string(rest), nil
		}
		if err != nil {
			return string(rest), err
		}
	}
}
