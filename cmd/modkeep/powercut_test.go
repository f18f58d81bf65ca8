package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/oracle"
)

// cutSet are modules of the kernel's own, of several directories, that are
// replaced together.
var cutSet = []string{"dummy", "tun", "null_blk", "virtio_net", "veth"}

// powerCut is a machine whose modules are replaced and put back while the power
// is cut.
type powerCut struct {
	*machine
	files map[string]string // module name → file below the kernel's directory
	// sums are the SHA-256 of every state's files: the file that modprobe would
	// take for each name.
	sums map[string]map[string]string
	// took is each operation's time, undisturbed; looked, that of the commands
	// before it, by which the machine's speed at another time is told.
	took, looked map[string]time.Duration
}

// installed is what is in effect on the disk, the last one last: first, second,
// or nothing.
type installed []string

func (in installed) state() string {
	if len(in) == 0 {
		return "none"
	}
	return in[len(in)-1]
}

// after is what an operation leads to.
func (in installed) after(op string) installed {
	if set, ok := strings.CutPrefix(op, "replace /"); ok {
		return append(slices.Clone(in), set)
	}
	return in[:len(in)-1]
}

// operation is one that changes something, whichever of two states the disk is
// in.
func operation(a, b installed) string {
	switch {
	case a.state() != "first" && b.state() != "first":
		return "replace /first"
	case a.state() != "second" && b.state() != "second":
		return "replace /second"
	}
	return "rollback"
}

// TestOraclePowerCut cuts the power at random points while a set of modules is
// installed, replaced and rolled back in a real machine. The next boot has to
// find all modules of before or all of after, and index files that depmod would
// write just so: 5 cuts, with MODKEEP_FULL=1 50.
func TestOraclePowerCut(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Hour)
	defer cancel()
	c := newPowerCut(t, ctx)
	cuts := 5
	if os.Getenv("MODKEEP_FULL") == "1" {
		cuts = 50
	}
	random := rand.New(rand.NewPCG(1, uint64(cuts)))
	c.measure(ctx)
	var before, next installed // what the last operation began with, and leads to
	said, killed := "", false
	counts := map[string]int{}
	for i := range cuts + 1 {
		op := operation(before, next)
		part := random.Float64() * 1.2
		if i == cuts {
			part = -1 // the last one is only looked at
		}
		now, recovered, cut := c.boot1(ctx, op, part, before, next)
		if i > 0 {
			t.Logf("%s: %s%s", said, now.state(), recovered)
			counts[map[bool]string{true: "cut, ", false: "through, "}[killed]+map[bool]string{true: "new", false: "old"}[len(now) == len(next)]]++
			if recovered != "" {
				counts["recovered"]++
			}
		}
		before, next, killed = now, now.after(op), cut
		said = fmt.Sprintf("%-15s cut after %3.0f %% of its time", op, part*100)
	}
	t.Logf("%d cuts: %v", cuts, counts)
	if counts["cut, new"]+counts["cut, old"] == 0 {
		t.Error("the power was never cut while something was under way")
	}
}

func newPowerCut(t *testing.T, ctx context.Context) *powerCut {
	t.Helper()
	c := &powerCut{machine: newMachine(t, ctx, cutSet...), files: map[string]string{},
		sums: map[string]map[string]string{}, took: map[string]time.Duration{}, looked: map[string]time.Duration{}}
	text := string(c.module("modules.dep"))
	for line := range strings.Lines(text) {
		file, _, _ := strings.Cut(line, ":")
		if name := moduleNameOf(file); slices.Contains(cutSet, name) {
			c.files[name] = file
		}
	}
	for name, file := range c.files {
		first, err := kerneltest.Rebuilt(c.module(file))
		if err != nil {
			t.Fatal(err)
		}
		// Another build yet: whatever the length, only its bytes count here.
		second := append(slices.Clone(first), name...)
		c.write("first/"+path.Base(file), first)
		c.write("second/"+path.Base(file), second)
	}
	programs := map[string]string{}
	for _, name := range []string{"cat", "sha256sum"} {
		programs["bin/"+name] = oracle.Tool(t, name)
	}
	if err := kerneltest.PackPrograms(c.dir, programs); err != nil {
		t.Fatal(err)
	}
	return c
}

// command is an operation's command line; the power is cut after a part of the
// time that it takes, not where that is less than 0.
func (c *powerCut) command(op string, part float64) kerneltest.Command {
	argv := append([]string{"/bin/modkeep"}, strings.Fields(op)...)
	if strings.HasPrefix(op, "replace") {
		argv = append(argv, "--kernel", c.kernel.Release)
	}
	command := kerneltest.Command{Argv: argv}
	if part >= 0 {
		command.Kill = func(before []kerneltest.Ran) time.Duration {
			slower := float64(looked(before)) / float64(c.looked[op])
			return time.Duration(part * slower * float64(c.took[op]))
		}
	}
	return command
}

// looked is how long commands took.
func looked(ran []kerneltest.Ran) (sum time.Duration) {
	for _, r := range ran {
		sum += r.Took
	}
	return sum
}

// measure does every operation undisturbed, each in a machine that has just been
// booted and looked at, as those are that will be cut; it notes the sums of every
// state, and leaves the disk as it was.
func (c *powerCut) measure(ctx context.Context) {
	c.t.Helper()
	for _, m := range []struct{ op, from, to string }{
		{"replace /first", "none", "first"}, {"replace /second", "first", "second"}, {"rollback", "second", "first"}, {"rollback", "first", "none"},
	} {
		ran := c.boot(ctx, c.statusCommand(), c.sumsCommand(), c.listCommand(), c.command(m.op, -1), c.sumsCommand())
		for i, r := range ran {
			if r.Status != 0 {
				c.t.Fatalf("command %d before and after %s: status %d\n%s%s", i, m.op, r.Status, r.Out, r.ErrOut)
			}
		}
		c.took[m.op], c.looked[m.op] = ran[3].Took, looked(ran[:3])
		for state, r := range map[string]kerneltest.Ran{m.from: ran[1], m.to: ran[4]} {
			if sums := c.readSums(r); c.sums[state] == nil {
				c.sums[state] = sums
			} else if got := c.stateOf(sums); got != state {
				c.t.Fatalf("%s: the disk is in state %s, want %s", m.op, got, state)
			}
		}
	}
	for name := range c.files {
		if c.sums["none"][name] == c.sums["first"][name] || c.sums["first"][name] == c.sums["second"][name] {
			c.t.Fatalf("%s: two states have the same file", name)
		}
	}
}

// statusCommand looks at the modules: what was interrupted is brought to an end
// first.
func (c *powerCut) statusCommand() kerneltest.Command {
	return kerneltest.Command{Argv: []string{"/bin/modkeep", "status", "--kernel", c.kernel.Release}}
}

func (c *powerCut) listCommand() kerneltest.Command {
	return kerneltest.Command{Argv: []string{"/bin/modkeep", "rollback", "--list", "--json"}}
}

// sumsCommand prints the checksum of the file that modprobe would take for each
// module; then modules.dep, and what depmod would write now.
func (c *powerCut) sumsCommand() kerneltest.Command {
	dir := "/lib/modules/" + c.kernel.Release
	script := fmt.Sprintf(`for m in %s; do
	modprobe --show-depends $m | while read verb file rest; do case $file in */$m.ko) sha256sum $file;; esac; done
done
echo @dep
cat %s/modules.dep
echo @depmod
depmod -n %s`, strings.Join(cutSet, " "), dir, c.kernel.Release)
	return kerneltest.Command{Argv: []string{"/bin/sh", "-c", script}}
}

// readSums reads what sumsCommand prints, and holds modules.dep against depmod.
func (c *powerCut) readSums(r kerneltest.Ran) map[string]string {
	c.t.Helper()
	text, rest, _ := strings.Cut(r.Out, "@dep\n")
	have, would, _ := strings.Cut(rest, "@depmod\n")
	would, _, ok := strings.Cut(would, "#")
	if have != would || !ok || have == "" {
		c.t.Errorf("modules.dep is not what depmod writes:\n%s\n%s\n%s", have, would, r.ErrOut)
	}
	sums := map[string]string{}
	for line := range strings.Lines(text) {
		if w := strings.Fields(line); len(w) == 2 {
			sums[moduleNameOf(w[1])] = w[0]
		}
	}
	if len(sums) != len(cutSet) {
		c.t.Fatalf("modprobe finds %d of %d modules:\n%s\n%s", len(sums), len(cutSet), r.Out, r.ErrOut)
	}
	return sums
}

// stateOf names the state whose sums these are, all of them.
func (c *powerCut) stateOf(sums map[string]string) string {
	for state, of := range c.sums {
		same := true
		for name := range sums {
			same = same && of[name] == sums[name]
		}
		if same {
			return state
		}
	}
	return fmt.Sprintf("neither (%v)", sums)
}

// boot1 boots, holds the disk against the two states that it may be in, and
// begins an operation in which the power is cut; not with a part less than 0. It
// returns the state found, what modkeep said of an interrupted transaction, and
// whether the operation was cut before its end.
func (c *powerCut) boot1(ctx context.Context, op string, part float64, before, next installed) (now installed, recovered string, cut bool) {
	c.t.Helper()
	commands := []kerneltest.Command{c.statusCommand(), c.sumsCommand(), c.listCommand()}
	if part >= 0 {
		commands = append(commands, c.command(op, part))
	}
	ran := c.boot(ctx, commands...)
	if ran[0].Status != 0 {
		c.t.Fatalf("status after the cut: %d\n%s%s", ran[0].Status, ran[0].Out, ran[0].ErrOut)
	}
	state := c.stateOf(c.readSums(ran[1]))
	switch state {
	case before.state():
		now = before
	case next.state():
		now = next
	default:
		c.t.Fatalf("the disk is in state %s, want %s or %s\n%s%s", state, before.state(), next.state(), ran[0].Out, ran[0].ErrOut)
	}
	if strings.Contains(ran[2].Out, `"interrupted": true`) {
		c.t.Errorf("still interrupted: %s", ran[2].Out)
	}
	for line := range strings.Lines(ran[0].ErrOut) {
		if strings.Contains(line, "interrupted") {
			recovered = " (" + strings.TrimSpace(strings.TrimPrefix(line, "modkeep: ")) + ")"
		}
	}
	return now, recovered, ran[len(ran)-1].Killed
}
