//go:build unix

package cputime

import (
	"os/exec"
	"testing"
	"time"
)

// failures counts what Hold says is wrong.
type failures struct {
	testing.TB
	n int
}

func (f *failures) Helper()               {}
func (f *failures) Errorf(string, ...any) { f.n++ }

func TestClockCountsWorkOnly(t *testing.T) {
	clock := Start()
	time.Sleep(300 * time.Millisecond)
	if took := clock.Took(); took > 200*time.Millisecond {
		t.Errorf("%v while asleep", took)
	}
	clock = Start()
	for clock.Took() < 50*time.Millisecond { // a clock that stands still ends with the test's time
	}
}

func TestOfProgram(t *testing.T) {
	busy := exec.Command("sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 0.5")
	if out, err := busy.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	before := All()
	if out, err := exec.Command("sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if took := All() - before; took <= 0 {
		t.Errorf("%v for a loop of a child", took)
	}
	if took := Of(busy.ProcessState); took <= 0 || took >= 500*time.Millisecond {
		t.Errorf("%v for a loop and half a second asleep", took)
	}
}

func TestHold(t *testing.T) {
	for _, tt := range []struct {
		took time.Duration
		want int
	}{{0, 0}, {Slow * time.Second, 0}, {Slow*time.Second + 1, 1}} {
		f := &failures{TB: t}
		if Hold(f, tt.took, time.Second); f.n != tt.want {
			t.Errorf("%v: %d failures, want %d", tt.took, f.n, tt.want)
		}
	}
}
