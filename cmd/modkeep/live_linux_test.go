package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestLiveCommand runs commands of a user's: one that fails, one that writes
// without measure, one that leaves something behind, and one without end.
func TestLiveCommand(t *testing.T) {
	live := &liveKernel{log: -1}
	for _, test := range []struct {
		name, command string
		end           string // of the output
		err           string
	}{
		{"well", "echo one; echo two >&2", "one\ntwo\n", ""},
		{"fails", "echo why; exit 3", "why\n", "exit status 3"},
		{"writes much", "head -c 3000000 /dev/zero; echo end", "end\n", ""},
		{"leaves something running", "sleep 10 & echo ready", "ready\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, err := live.Command(t.Context(), test.command)
			if !strings.HasSuffix(out, test.end) || len(out) > 128<<10 {
				t.Errorf("%d bytes, %q at the end, want %q", len(out), out[max(0, len(out)-80):], test.end)
			}
			if err == nil && test.err != "" || err != nil && err.Error() != test.err {
				t.Errorf("error %v, want %q", err, test.err)
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	// Both sleeps hold the output: it would take ten minutes if they lived on.
	if out, err := live.Command(ctx, "echo begun; sleep 600 & sleep 600"); err == nil || out != "begun\n" {
		t.Errorf("%q, %v; want an error", out, err)
	}
}

// TestSurvived makes calls that the kernel does not come back from: one that ends
// its thread, as an oops does, and one without end.
func TestSurvived(t *testing.T) {
	if err := survived(time.Minute, func() error { return unix.ENODEV }); !errors.Is(err, unix.ENODEV) {
		t.Errorf("a call that fails: %v", err)
	}
	for range 20 {
		err := survived(time.Minute, func() error {
			_, _, errno := unix.Syscall(unix.SYS_EXIT, 0, 0, 0)
			return errno
		})
		if !errors.Is(err, errDied) {
			t.Errorf("a thread that ends: %v", err)
		}
	}
	if _, err := os.ReadFile("/proc/self/mountinfo"); err != nil {
		t.Errorf("after the process's first thread has ended: %v", err)
	}
	end := make(chan struct{})
	defer close(end)
	if err := survived(10*time.Millisecond, func() error { <-end; return nil }); err == nil || err.Error() != "not ended after 10ms" {
		t.Errorf("a call without end: %v", err)
	}
}
