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
	sums   map[string]map[string]string
	writes map[move]int // to the disk, of every move that nothing disturbs
}

// states are what the disk can be in, by what the last installation was.
var states = []string{"none", "first", "second"}

// move is an installation or a rollback between two neighbouring states.
type move struct{ from, to int }

var moves = []move{{0, 1}, {1, 2}, {2, 1}, {1, 0}}

// command is the move's command line.
func (m move) command() string {
	if m.to < m.from {
		return "rollback"
	}
	return "replace /" + states[m.to]
}

// phases are how far a transaction had come, by what the next boot finds in the
// state directory.
var phases = []struct{ file, phase string }{
	{"committed", "done but for its place in the history"}, {"journal", "in its steps"}, {"journal.new", "writing its journal"},
}

// TestOraclePowerCut cuts the power at random writes to the disk while a set of
// modules is installed, replaced and rolled back in a real machine, and loses some
// of what the disk's cache held. The next boot has to find all modules of before
// or all of after, and the latter where the command had ended; index files that
// depmod would write just so, and nothing left lying about: 5 cuts, with
// MODKEEP_FULL=1 50. At least half of the cuts have to leave a transaction behind
// that is to be ended.
func TestOraclePowerCut(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Hour)
	defer cancel()
	c := newPowerCut(t, ctx)
	cuts := 5
	if os.Getenv("MODKEEP_FULL") == "1" {
		cuts = 50
	}
	random := rand.New(rand.NewPCG(8, uint64(cuts)))
	c.measure(ctx)
	counts := map[string]int{}
	var last cut
	for i := range cuts {
		m := moves[i%len(moves)]
		next := cut{move: m, at: 1 + random.IntN(c.writes[m]+c.writes[m]/10), of: c.writes[m]}
		c.boot1(ctx, last, &next, counts)
		last = next
	}
	c.boot1(ctx, last, nil, counts)
	inside := counts["inside"]
	delete(counts, "inside")
	t.Logf("%d cuts, %d inside a transaction: %v", cuts, inside, counts)
	if 2*inside < cuts {
		t.Errorf("%d of %d cuts fell inside a transaction, want half of them", inside, cuts)
	}
}

// idle is the phase where no transaction is under way.
const idle = "none under way"

// cut is a power cut at a write, or, where the move has less, when it has ended.
type cut struct {
	move
	at, of int // the write, and how many the move has undisturbed
	inside bool
}

func (c cut) String() string {
	if !c.inside {
		return fmt.Sprintf("%-15s cut at its end", c.command())
	}
	return fmt.Sprintf("%-15s cut at write %2d of %d", c.command(), c.at, c.of)
}

func newPowerCut(t *testing.T, ctx context.Context) *powerCut {
	t.Helper()
	c := &powerCut{machine: newMachine(t, ctx, cutSet...), files: map[string]string{},
		sums: map[string]map[string]string{}, writes: map[move]int{}}
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

// command is a move's command line; the power is cut at a write, not where that
// is 0.
func (c *powerCut) command(m move, at int) kerneltest.Command {
	argv := append([]string{"/bin/modkeep"}, strings.Fields(m.command())...)
	if m.to > m.from {
		argv = append(argv, "--kernel", c.kernel.Release)
	}
	return kerneltest.Command{Argv: argv, CutAt: at, Seed: 1}
}

// measure makes every move undisturbed, each in a machine that has just been
// booted and looked at, as those are that will be cut; it notes the sums of every
// state, and leaves the disk as it was.
func (c *powerCut) measure(ctx context.Context) {
	c.t.Helper()
	for _, m := range moves {
		ran := c.boot(ctx, c.stateCommand(), c.statusCommand(), c.sumsCommand(), c.listCommand(), c.command(m, 0), c.sumsCommand())
		for i, r := range ran {
			if r.Status != 0 {
				c.t.Fatalf("command %d before and after %s: status %d\n%s%s", i, m.command(), r.Status, r.Out, r.ErrOut)
			}
		}
		c.writes[m] = ran[4].Writes
		for state, r := range map[int]kerneltest.Ran{m.from: ran[2], m.to: ran[5]} {
			if sums := c.readSums(r); c.sums[states[state]] == nil {
				c.sums[states[state]] = sums
			} else if got := c.stateOf(sums); got != states[state] {
				c.t.Fatalf("%s: the disk is in state %s, want %s", m.command(), got, states[state])
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

// stateCommand lists the state directory: no program of modkeep's has looked yet.
func (c *powerCut) stateCommand() kerneltest.Command {
	return kerneltest.Command{Argv: []string{"/bin/sh", "-c", "echo /var/lib/modkeep/*"}}
}

// sumsCommand prints the checksum of the file that modprobe would take for each
// module; then modules.dep, what depmod would write now, and temporary files.
func (c *powerCut) sumsCommand() kerneltest.Command {
	dir := "/lib/modules/" + c.kernel.Release
	script := fmt.Sprintf(`for m in %s; do
	modprobe --show-depends $m | while read verb file rest; do case $file in */$m.ko) sha256sum $file;; esac; done
done
echo @dep
cat %s/modules.dep
echo @depmod
depmod -n %s
echo @left
for f in %[2]s/.modkeep-* %[2]s/*/.modkeep-*; do test ! -e "$f" || echo "$f"; done`, strings.Join(cutSet, " "), dir, c.kernel.Release)
	return kerneltest.Command{Argv: []string{"/bin/sh", "-c", script}}
}

// readSums reads what sumsCommand prints, and holds modules.dep against depmod.
func (c *powerCut) readSums(r kerneltest.Ran) map[string]string {
	c.t.Helper()
	text, rest, _ := strings.Cut(r.Out, "@dep\n")
	have, would, _ := strings.Cut(rest, "@depmod\n")
	would, left, _ := strings.Cut(would, "@left\n")
	if left != "" {
		c.t.Errorf("left lying about: %s", left)
	}
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

// goCommand goes to a state from whichever the disk is in.
func (c *powerCut) goCommand(to int) kerneltest.Command {
	script := "set -e; while /bin/modkeep rollback; do :; done"
	for i := range to {
		script += "; " + strings.Join(c.command(move{i, i + 1}, 0).Argv, " ")
	}
	return kerneltest.Command{Argv: []string{"/bin/sh", "-c", script}}
}

// boot1 boots, holds the disk against the two states that it may be in after the
// last cut, goes to the state that the next one begins with, and cuts it; at last
// there is none.
func (c *powerCut) boot1(ctx context.Context, last cut, next *cut, counts map[string]int) {
	c.t.Helper()
	commands := []kerneltest.Command{c.stateCommand(), c.statusCommand(), c.sumsCommand(), c.listCommand()}
	if next != nil {
		commands = append(commands, c.goCommand(next.from), c.command(next.move, next.at))
	}
	ran := c.boot(ctx, commands...)
	c.found(ran, last, counts)
	if next == nil {
		return
	}
	if r := ran[4]; r.Status != 0 {
		c.t.Fatalf("%v: status %d\n%s%s", commands[4].Argv, r.Status, r.Out, r.ErrOut)
	}
	next.inside = ran[5].Cut
}

// found holds what a boot after a cut found against what it may find.
func (c *powerCut) found(ran []kerneltest.Ran, last cut, counts map[string]int) {
	c.t.Helper()
	status := ran[1]
	if status.Status != 0 {
		c.t.Fatalf("status after the cut: %d\n%s%s", status.Status, status.Out, status.ErrOut)
	}
	name := c.stateOf(c.readSums(ran[2]))
	now := slices.Index(states, name)
	if now != last.to && (now != last.from || !last.inside) {
		c.t.Fatalf("%s: the disk is in state %s, want %s, or before its end %s\n%s%s", last, name, states[last.to], states[last.from], status.Out, status.ErrOut)
	}
	if strings.Contains(ran[3].Out, `"interrupted": true`) {
		c.t.Errorf("still interrupted: %s", ran[3].Out)
	}
	if last.of > 0 {
		c.count(last, now, phaseOf(ran[0].Out), status.ErrOut, counts)
	}
}

// phaseOf is the phase by the list of the state directory's files.
func phaseOf(list string) string {
	files := strings.Fields(list)
	for _, p := range phases {
		if slices.Contains(files, "/var/lib/modkeep/"+p.file) {
			return p.phase
		}
	}
	return idle
}

// count counts a cut, and tells of it, with what modkeep said.
func (c *powerCut) count(last cut, now int, phase, said string, counts map[string]int) {
	state := "old"
	if now == last.to {
		state = "new"
	}
	if counts[phase+", "+state]++; last.inside && phase != idle {
		counts["inside"]++
	}
	for line := range strings.Lines(said) {
		if _, what, ok := strings.Cut(line, "which was interrupted, "); ok {
			phase += ", " + strings.TrimSpace(what)
		}
	}
	c.t.Logf("%s: %s; modules are the %s", last, phase, state)
}
