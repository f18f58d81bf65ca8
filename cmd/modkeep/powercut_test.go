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
	sums  map[string]map[string]string
	took  map[string]time.Duration // each operation's, undisturbed
	state string                   // the state that the disk is in
}

// TestOraclePowerCut cuts the power at random points while a set of modules is
// installed, replaced and rolled back in a real machine. The next boot has to
// find all modules of before or all of after, and index files that depmod would
// write just so: 5 cuts, with MODKEEP_FULL=1 50.
func TestOraclePowerCut(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	c := newPowerCut(t, ctx)
	cuts := 5
	if os.Getenv("MODKEEP_FULL") == "1" {
		cuts = 50
	}
	random := rand.New(rand.NewPCG(1, uint64(cuts)))
	c.measure(ctx)
	counts := map[string]int{}
	for range cuts {
		op, next := c.operation()
		after := time.Duration(random.Int64N(int64(c.took[op] * 11 / 10)))
		before := c.state
		killed := c.cut(ctx, op, after)
		recovered := c.look(ctx)
		if c.state != before && c.state != next {
			t.Fatalf("%s, cut after %v: the disk is in state %s, want %s or %s", op, after, c.state, before, next)
		}
		t.Logf("%-30s cut after %7.3f s of %.3f s: %s%s", op, after.Seconds(), c.took[op].Seconds(), c.state, recovered)
		switch {
		case !killed:
			counts["was through before the cut"]++
		case c.state == next:
			counts["cut, and new"]++
		default:
			counts["cut, and old"]++
		}
		if recovered != "" {
			counts["of these recovered"]++
		}
	}
	t.Logf("%d cuts: %v", cuts, counts)
	if counts["cut, and new"]+counts["cut, and old"] == 0 {
		t.Error("the power was never cut while something was under way")
	}
}

func newPowerCut(t *testing.T, ctx context.Context) *powerCut {
	t.Helper()
	c := &powerCut{machine: newMachine(t, ctx, cutSet...), files: map[string]string{}, sums: map[string]map[string]string{}, took: map[string]time.Duration{}}
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
		programs["bin/"+name] = oracle(t, name)
	}
	if err := kerneltest.PackPrograms(c.dir, programs); err != nil {
		t.Fatal(err)
	}
	return c
}

// operation is what is done next, and the state that it leads to.
func (c *powerCut) operation() (op, next string) {
	switch c.state {
	case "none":
		return "replace /first", "first"
	case "first":
		return "replace /second", "second"
	}
	return "rollback", "first"
}

// command is an operation's command line.
func (c *powerCut) command(op string, kill time.Duration) kerneltest.Command {
	argv := append([]string{"/bin/modkeep"}, strings.Fields(op)...)
	if strings.HasPrefix(op, "replace") {
		argv = append(argv, "--kernel", c.kernel.Release)
	}
	return kerneltest.Command{Argv: argv, Kill: kill}
}

// measure does every operation undisturbed, each in a machine that has just been
// booted, as those are that will be cut; it notes the sums of every state, and
// leaves the disk as it was.
func (c *powerCut) measure(ctx context.Context) {
	c.t.Helper()
	c.sums["none"] = c.readSums(c.boot(ctx, c.sumsCommand())[0])
	for i, op := range []string{"replace /first", "replace /second", "rollback", "rollback"} {
		ran := c.boot(ctx, c.command(op, 0), c.sumsCommand())
		if r := ran[0]; r.Status != 0 {
			c.t.Fatalf("%s: status %d\n%s%s", op, r.Status, r.Out, r.ErrOut)
		}
		c.took[op] = ran[0].Took
		switch sums := c.readSums(ran[1]); i {
		case 0:
			c.sums["first"] = sums
		case 1:
			c.sums["second"] = sums
		default:
			if got, want := c.stateOf(sums), []string{"first", "none"}[i-2]; got != want {
				c.t.Fatalf("a rollback leads to %s, want %s", got, want)
			}
		}
	}
	for name := range c.files {
		if c.sums["none"][name] == c.sums["first"][name] || c.sums["first"][name] == c.sums["second"][name] {
			c.t.Fatalf("%s: two states have the same file", name)
		}
	}
	c.state = "none"
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

// cut does an operation and cuts the power. It reports whether that came before
// its end.
func (c *powerCut) cut(ctx context.Context, op string, after time.Duration) bool {
	c.t.Helper()
	ran := c.boot(ctx, c.command(op, max(after, time.Millisecond)))
	return ran[len(ran)-1].Killed
}

// look boots again and sets the state that the disk is in. It returns what
// modkeep said of an interrupted transaction.
func (c *powerCut) look(ctx context.Context) string {
	c.t.Helper()
	ran := c.boot(ctx, kerneltest.Command{Argv: []string{"/bin/modkeep", "status", "--kernel", c.kernel.Release}}, c.sumsCommand(),
		kerneltest.Command{Argv: []string{"/bin/modkeep", "rollback", "--list", "--json"}})
	if ran[0].Status != 0 {
		c.t.Fatalf("status after the cut: %d\n%s%s", ran[0].Status, ran[0].Out, ran[0].ErrOut)
	}
	c.state = c.stateOf(c.readSums(ran[1]))
	if strings.Contains(ran[2].Out, `"interrupted": true`) {
		c.t.Errorf("still interrupted: %s", ran[2].Out)
	}
	for line := range strings.Lines(ran[0].ErrOut) {
		if strings.Contains(line, "interrupted") {
			return " (" + strings.TrimSpace(strings.TrimPrefix(line, "modkeep: ")) + ")"
		}
	}
	return ""
}
