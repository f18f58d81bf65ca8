package main

import (
	"context"
	"strings"
	"testing"
	"time"
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
