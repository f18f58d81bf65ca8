//go:build unix

// Package cputime holds tests to limits of processor time: user and system time,
// by getrusage(2). On a machine with much else to do a test takes longer by the
// clock, hardly more of the processor. The time of this process is that of
// all that runs in it, so tests that measure it are not run in parallel; a program
// that a test starts is measured for itself.
package cputime

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// Slow is how many times a limit a slow machine may take.
const Slow = 2

// Clock is the processor time that the process had taken when it was started.
type Clock time.Duration

// Start returns a clock that starts now.
func Start() Clock { return Clock(used()) }

// Took returns the processor time that the process has taken since.
func (c Clock) Took() time.Duration { return used() - time.Duration(c) }

// Of returns the processor time of a program that has ended, with what it waited
// for.
func Of(program *os.ProcessState) time.Duration {
	return program.UserTime() + program.SystemTime()
}

// Hold fails the test where took is more than Slow times the limit.
func Hold(t testing.TB, took, limit time.Duration) {
	t.Helper()
	if took > Slow*limit {
		t.Errorf("took %v of processor time, more than %d times %v", took, Slow, limit)
	}
}

// All returns the processor time that the process has taken, and what it has
// waited for.
func All() time.Duration { return used() + usedBy(syscall.RUSAGE_CHILDREN) }

func used() time.Duration { return usedBy(syscall.RUSAGE_SELF) }

func usedBy(who int) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(who, &usage); err != nil {
		panic(err) // it fails for bad arguments only: getrusage(2)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
