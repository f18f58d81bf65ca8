// Package kerneltest holds real kernels against what the rest of the project
// predicts of them: it boots distribution kernels in virtual machines, tries
// to load modules, and returns what each kernel answered; and it makes the
// modules for that, mutants of real ones that break one rule each.
//
// Terms:
//
//   - An attempt is one call of finit_module(2) or init_module(2) for one
//     module file, after the modules it needs have been loaded.
//   - A result is the kernel's answer: errno, the log lines, whether the
//     module's own init function was reached, and the state before it (taints,
//     loaded modules), on which some answers depend.
//   - A probe is one run of the real modprobe in a machine that has the module
//     tree of a root: it finds the file and what that needs by the tree's own
//     index files.
//   - A mutant is a copy of a real module in which one thing is changed, named
//     after the rule of the kernel's loader it is meant to provoke.
//   - The cache is a directory that holds what the lab (the command in the
//     folder lab) has downloaded and built: root/ARCH, one tree per
//     architecture with all its kernels unpacked into it; modules/KREL/PACKAGE,
//     third-party modules; see [Cache].
//
// The virtual machines are emulated (qemu, -accel tcg) and never use KVM: it
// may be present and yet unable to run an ordinary kernel.
package kerneltest

import "strings"

// Attempt is one module to try on a kernel.
type Attempt struct {
	// ID names the attempt; unique within a plan.
	ID string
	// Module is the path of the file on this machine, loaded byte for byte.
	Module string
	// Deps are paths of modules to load before it, providers first. Compressed
	// ones are decompressed on this machine. One that does not load is
	// recorded and does not stop the attempt.
	Deps []string
	// Params are the module's parameters, as on insmod's command line.
	Params string
	// Flags are finit_module's: 1 ignores module versions, 2 the version
	// magic, 4 has the kernel decompress the file.
	Flags int
	// Init asks for init_module(2) instead of finit_module(2); Flags are then
	// without effect.
	Init bool
	// Cmdline is added to the kernel's command line. Attempts with the same
	// one share boots.
	Cmdline string
	// Rule is the rule of the loader the attempt is meant to provoke; empty
	// for a module that was not changed.
	Rule string
}

// Line is one record of the kernel's log.
type Line struct {
	Level int    // 0 (emergency) to 7 (debug)
	Text  string // without time and level; the bytes the kernel printed, maybe not UTF-8
}

// LoadedModule is a module that was in the kernel when an attempt was made.
type LoadedModule struct {
	Name   string
	Taints string // the letters of /proc/modules, such as "OE"
	// File is the path on this machine that it was last loaded from.
	File string
}

// DepError is a dependency of an attempt that did not load.
type DepError struct {
	Path  string
	Errno string
}

// Result is what the kernel answered to one attempt.
type Result struct {
	ID string
	// Errno is the symbol of the error, such as ENOEXEC; empty for success. An
	// error without a symbol is its number.
	Errno string
	// Log are the records from just before the call to its return. What comes
	// after the "calling" line (see [CallingLine]) was printed by the module
	// itself or about what its init function returned: it is no answer of the
	// loader. LoaderLog cuts there.
	Log []Line
	// ReachedInit is set if the kernel called the module's init function, or
	// if the module, having none, loaded. The loader has accepted the module
	// then, whatever Errno says.
	ReachedInit bool
	// TaintBefore and TaintAfter are the kernel's taint flags,
	// /proc/sys/kernel/tainted, around the call.
	TaintBefore, TaintAfter uint64
	// LoadedBefore are the modules in the kernel at the time of the call,
	// newest first: the dependencies that loaded, and what earlier attempts
	// left because it cannot be removed.
	LoadedBefore []LoadedModule
	// DepErrors are the dependencies that did not load.
	DepErrors []DepError
	// Kept are the modules that could not be removed after the attempt.
	Kept []string
	// Crashed is set if the machine died or hung in the attempt. Errno, the
	// state before it and the levels of Log (-1) are then unknown. Log comes
	// from the console of a second try, alone in a fresh boot.
	Crashed bool
	// Again is set if the machine died in the attempt, but not in a second try,
	// alone in a fresh boot: that one's answer is the result.
	Again bool
	// Console is what the kernel wrote to the console when it died.
	Console string
	// Keys is how many asymmetric keys the kernel held when it was up: without
	// any it has not read the certificates in its own image, and trusts no
	// signature in that boot.
	Keys int
	// Boot counts the boots of the run, from 0: results of the same boot share
	// the kernel's once-only messages.
	Boot int
}

// Loads reports whether the kernel's loader accepted the module.
func (r Result) Loads() bool { return r.ReachedInit }

// LoaderLog is the part of Log that comes from the loader: all of it before
// the "calling" line, without what the kernel says of itself (see
// [Background]).
func (r Result) LoaderLog() []Line {
	var log []Line
	for _, l := range r.Log {
		if CallingLine(l.Text) {
			break
		}
		if !Background(l.Text) {
			log = append(log, l)
		}
	}
	return log
}

// background are beginnings of lines that kernel threads, timers and
// interrupts print at any time, also while a module is being loaded.
var background = []string{
	"tsc: ", "clocksource: ", // the clock has been measured, a second after boot
	"TSC found unstable", "sched_clock: Marking unstable", // and was found wanting, on a busy host
	"random: ",                                                                // enough entropy
	"hrtimer: interrupt took", "perf: interrupt took", "sched: RT throttling", // a slow emulator
	"workqueue: ", "rcu: INFO", "input: ", "usb ",
}

// Background reports whether a line of the log has nothing to do with loading
// a module, whatever module it is.
func Background(text string) bool {
	for _, b := range background {
		if strings.HasPrefix(text, b) {
			return true
		}
	}
	return false
}

// CallingLine reports whether text is the line that the kernel prints under
// initcall_debug before it calls a loading module's init function on the first
// thread of process 1 (init/main.c, trace_initcall_start_cb):
// "calling  NAME+0x0/0x1000 [MODULE] @ 1".
func CallingLine(text string) bool {
	return strings.HasPrefix(text, "calling  ") && strings.HasSuffix(text, " @ 1")
}

// Results are the answers to a plan, in its order.
type Results []Result

// ByID finds a result.
func (rs Results) ByID(id string) (Result, bool) {
	for _, r := range rs {
		if r.ID == id {
			return r, true
		}
	}
	return Result{}, false
}
