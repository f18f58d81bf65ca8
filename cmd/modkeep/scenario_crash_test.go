package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
)

// kills is how often each of the five commands is killed: 8 times, or 125 with
// MODKEEP_FULL=1.
func kills() int {
	if os.Getenv("MODKEEP_FULL") != "" {
		return 125
	}
	return 8
}

// program is the command line of modkeep as a process of its own: this test's
// binary, which is modkeep where it is called so.
func program(t *testing.T, in string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = append([]string{"modkeep"}, args...)
	cmd.Stdin = strings.NewReader(in)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// crash is a command that is killed, on a tree where it has much to do.
type crash struct {
	name  string
	ready []string // what is done before
	verb  string
	image bool // the kernels have images, which are made anew
}

var crashes = []crash{
	{name: "add-modules", verb: "add K1/extra/a/a.ko K1/extra/a/b.ko K1/extra/c.ko K1/extra/fs/foo.ko"},
	{name: "remove-modules", ready: []string{"add-kernel K2", "add-kernel K3", "rm K1/extra/a", "rm K1/extra/c.ko", "rm K1/extra/fs/foo.ko"}, verb: "remove K1/extra/a/a.ko K1/extra/a/b.ko K1/extra/c.ko K1/extra/fs/foo.ko"},
	{name: "add-kernel", ready: []string{"add-kernel K2"}, verb: "add-kernel K3"},
	{name: "initramfs", verb: "add K1/extra/c.ko", image: true},
	{name: "upgrade", ready: []string{"add-kernel K2", "add-kernel K3", "put K2 extra/a/a.ko printk@a +a_do@6", "put K2 extra/a/b.ko a_do@6", "put K2 extra/c.ko.xz printk@a"}, verb: "add K2/extra/a/a.ko K2/extra/a/b.ko K2/extra/c.ko.xz"},
}

// crashTree has a module that needs an override on Red Hat's layout, and
// enough in-tree modules that depmod takes its time.
func crashTree() scenario {
	var own strings.Builder
	for i := range 60 {
		fmt.Fprintf(&own, "kernel/net/own%d.ko printk@a +own%d@%d\n", i, i, i+1)
	}
	kernel := func(k string) string {
		return "kernel " + k + "\nvmlinux printk@a\nkernel/fs/foo.ko printk@a +fs@1\n" + own.String()
	}
	return scenario{tree: kernel("K2") + kernel("K3") + kernel("K1") + `
		extra/a/a.ko printk@a +a_do@5
		extra/a/b.ko a_do@5
		extra/c.ko printk@a
		extra/fs/foo.ko printk@a +fs@2
		extra/fs/cons.ko fs@2`}
}

func TestScenarioKill(t *testing.T) {
	for _, c := range crashes {
		t.Run("T38/kill/"+c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, dialects[0], crashTree())
			for _, do := range c.ready {
				word, rest, _ := strings.Cut(s.expand(do), " ")
				if !s.prepare(word, rest) {
					s.invoke(word, rest)
				}
			}
			if c.image {
				s.images()
			}
			c.run(s)
		})
	}
}

// images gives the kernels images that hold the module c, and a program that
// makes them.
func (s *site) images() {
	i := &imageSite{site: s}
	for _, k := range s.k[1:] {
		i.makeImage(k, "gzip -n", []string{"extra/c.ko"})
	}
	s.dracut = filepath.Join(s.TempDir(), "dracut")
	if err := os.WriteFile(s.dracut, []byte("#!/bin/sh\necho image >$2\nsleep 0.01\necho for $3 >>$2\n"), 0o755); err != nil {
		s.Fatal(err)
	}
}

// run kills the command at random times of its run and lets the next command,
// which has nothing of its own to do, put the tree right.
func (c crash) run(s *site) {
	word, rest, _ := strings.Cut(s.expand(c.verb), " ")
	before, origin := s.tree(), s.dir
	s.dir = copyOf(s.T, origin)
	took := s.timed(word, rest)
	after := s.tree()
	if before == after {
		s.Fatal("the command changes nothing")
	}
	seen := map[string]int{}
	for i := range kills() {
		s.dir = copyOf(s.T, origin)
		group := i%2 == 1
		wait := time.Duration(rand.Int64N(int64(took)*11/10 + 1))
		s.kill(word, rest, wait, group)
		s.indexesAreWhole()
		s.recover()
		switch s.tree() {
		case before:
			seen["before"]++
		case after:
			seen["after"]++
		default:
			s.Errorf("killed after %v of %v (with its children: %v): neither old nor new: (-old +got):\n%s(-new +got):\n%s",
				wait, took, group, cmp.Diff(before, s.tree()), cmp.Diff(after, s.tree()))
		}
		s.indexesAreWhole()
		os.RemoveAll(s.dir)
	}
	s.Logf("%d kills within %v: %v", kills(), took, seen)
}

// tree is what has to be old or new: all but modkeep's own state.
func (s *site) tree() string { s.Helper(); return s.dump("var") }

// timed runs an action to its end.
func (s *site) timed(word, rest string) time.Duration {
	s.Helper()
	args, in := s.commandLine(word, rest)
	start := time.Now()
	if out, err := program(s.T, in, args...).CombinedOutput(); err != nil {
		s.Fatalf("%q: %v\n%s", args, err, out)
	}
	return time.Since(start)
}

// kill starts an action and kills it after a while, with its children or
// without: then depmod goes on.
func (s *site) kill(word, rest string, wait time.Duration, group bool) {
	s.Helper()
	args, in := s.commandLine(word, rest)
	cmd := program(s.T, in, args...)
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	time.Sleep(wait)
	pid := cmd.Process.Pid
	if group {
		pid = -pid
	}
	syscall.Kill(pid, syscall.SIGKILL)
	cmd.Wait()
}

// recover runs a command that has nothing of its own to change.
func (s *site) recover() {
	s.Helper()
	out, err := program(s.T, "", "undo", "--root", s.dir, "999999").CombinedOutput()
	if err == nil || strings.Contains(string(out), "internal error") {
		s.Errorf("undo of no transaction: %v\n%s", err, out)
	}
}

// indexesAreWhole holds that modprobe finds its way in each kernel.
func (s *site) indexesAreWhole() {
	s.Helper()
	tool := oracle.Tool(s.T, "modprobe")
	for _, k := range s.k {
		for _, module := range []string{"own0", "own59"} {
			out, err := exec.Command(tool, "-d", s.dir, "-S", k, "--show-depends", module).CombinedOutput()
			if err != nil || !strings.Contains(string(out), "insmod ") {
				s.Errorf("modprobe %s on %s: %v\n%s", module, k, err, out)
			}
		}
	}
}

// copyOf copies a tree, links as links.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "root")
	if out, err := exec.Command("cp", "-a", dir, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
	return to
}

// TestScenarioTogether is two package transactions at once: what comes of them
// is what would have come of one after the other.
func TestScenarioTogether(t *testing.T) {
	pairs := [][2]string{
		{"add K1/extra/a/a.ko K1/extra/a/b.ko", "add K1/extra/c.ko"},
		{"add-kernel K2", "add-kernel K3"},
		{"add K1/extra/fs/foo.ko K1/extra/fs/cons.ko", "add-kernel K3"},
		{"add K1/extra/a/b.ko", "add K1/extra/a/a.ko"},
	}
	for _, pair := range pairs {
		t.Run("T38/together/"+pair[0]+" and "+pair[1], func(t *testing.T) {
			t.Parallel()
			s := newSite(t, dialects[0], crashTree())
			origin := s.dir
			var want []string
			for _, order := range [][2]int{{0, 1}, {1, 0}} {
				s.dir = copyOf(t, origin)
				for _, i := range order {
					word, rest, _ := strings.Cut(s.expand(pair[i]), " ")
					s.timed(word, rest)
				}
				want = append(want, s.tree())
			}
			for range 4 {
				s.dir = copyOf(t, origin)
				s.together(pair[:])
				if got := s.tree(); !slices.Contains(want, got) {
					t.Errorf("not as one after the other (-first second +together):\n%s", cmp.Diff(want[0], got))
				}
				s.indexesAreWhole()
			}
		})
	}
}

// together runs actions at the same time.
func (s *site) together(verbs []string) {
	s.Helper()
	var running []*exec.Cmd
	for _, verb := range verbs {
		word, rest, _ := strings.Cut(s.expand(verb), " ")
		args, in := s.commandLine(word, rest)
		cmd := program(s.T, in, args...)
		if err := cmd.Start(); err != nil {
			s.Fatal(err)
		}
		running = append(running, cmd)
	}
	for i, cmd := range running {
		if err := cmd.Wait(); err != nil {
			s.Errorf("%s: %v", verbs[i], err)
		}
	}
}
