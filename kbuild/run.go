package kbuild

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options are what a run is told from outside.
type Options struct {
	Root      string           // the tree whose /etc/dkms and installed providers count
	Cache     string           // directory of the cache
	Temp      string           // directory for builds; "" is the system's
	Path      []string         // directories of programs
	Jobs      int              // processors that all builds share
	Timeout   time.Duration    // for one cell
	KeepDebug bool             // keep debugging information
	KeepWork  bool             // keep the directories of builds
	Again     bool             // build what is in the cache too
	Now       func() time.Time // the clock
	// Progress is told of each cell when its build starts (Status is "" then)
	// and when it is done; by one goroutine at a time. May be nil.
	Progress func(c *Cell, done, all int)
}

type builder struct {
	Options
	sandbox   *Sandbox
	jobs      *jobs
	shellPath string
	linker    string

	mu      sync.Mutex
	changed *sync.Cond
	pending []*Cell
	ended   int
	all     int
}

// Result is what came of a run.
type Result struct {
	Cells   []*Cell // by source as they were given, then by kernel
	Sandbox *Sandbox
}

// Run builds each source for each kernel, providers before their consumers and
// as many cells at a time as the budget of processors allows. An error means
// that nothing could be built; what fails for one cell is in that cell.
func Run(ctx context.Context, sources []*Source, kernels []*Kernel, o Options) (*Result, error) {
	if err := circles(sources); err != nil {
		return nil, err
	}
	b := &builder{Options: o, sandbox: NewSandbox(ctx)}
	if err := b.open(ctx); err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp(b.Temp, "modkeep-jobs-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	if b.jobs, err = newJobs(max(1, b.Jobs), work); err != nil {
		return nil, err
	}
	defer b.jobs.close()
	for _, k := range kernels {
		b.prepare(ctx, k)
	}
	cells := b.cells(sources, kernels)
	b.runAll(ctx, cells)
	return &Result{Cells: cells, Sandbox: b.sandbox}, ctx.Err()
}

// open finds the programs that every build needs.
func (b *builder) open(ctx context.Context) error {
	for _, dir := range []string{b.Temp, b.Cache} {
		if strings.ContainsAny(dir, notForMake) {
			return fmt.Errorf("%q: make cannot build below a directory of that name", dir)
		}
	}
	if b.shellPath = b.program("bash"); b.shellPath == "" {
		b.shellPath = "/bin/sh"
	}
	for _, name := range []string{"make", "ld"} {
		if b.program(name) == "" {
			install := name
			if name == "ld" {
				install = "binutils"
			}
			return &MissingError{What: "tool", Text: "program " + name + " is not installed", Install: install}
		}
	}
	cmd := exec.CommandContext(ctx, b.program("ld"), "--version")
	cmd.Env = []string{"LC_ALL=C"}
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("ld --version: %w", err)
	}
	b.linker, _, _ = strings.Cut(string(out), "\n")
	if err := os.MkdirAll(filepath.Join(b.Cache, "cells"), 0o755); err != nil {
		return err
	}
	return b.sweep()
}

// notForMake are bytes that a name must not have which make, and the shell that
// it runs, are to take for one word.
const notForMake = " \t\n\"#$%&'()*:;<=>?[\\]`{|}"

// sweep removes what runs left under way that were killed more than a day ago.
func (b *builder) sweep() error {
	parts, err := filepath.Glob(filepath.Join(b.Cache, "*", ".part-*"))
	for _, part := range parts {
		if info, statErr := os.Stat(part); statErr == nil && b.Now().Sub(info.ModTime()) > 24*time.Hour {
			err = errors.Join(err, os.RemoveAll(part))
		}
	}
	return err
}

// program finds a program in Path, "" where there is none.
func (b *builder) program(name string) string { return findProgram(b.Path, name) }

func findProgram(path []string, name string) string {
	for _, dir := range path {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}

// prepare finds what builds for a kernel have in common.
func (b *builder) prepare(ctx context.Context, k *Kernel) {
	if k.Err != nil {
		return
	}
	if k.Compiler == nil {
		if k.Compiler, k.Err = FindCompiler(ctx, k.Headers, b.Path); k.Err != nil {
			return
		}
	}
	var sums []string
	for _, dir := range k.Headers.trees() {
		d, err := digest(dir, b.memo())
		if err != nil {
			k.Err = err
			return
		}
		sums = append(sums, d)
	}
	k.digest = strings.Join(sums, " ")
	k.symvers, k.Err = installedProviders(b.Root, k.Headers)
}

// cells makes the matrix.
func (b *builder) cells(sources []*Source, kernels []*Kernel) []*Cell {
	var all []*Cell
	for _, s := range sources {
		for _, k := range kernels {
			all = append(all, &Cell{Source: s, Kernel: k})
		}
	}
	for _, c := range all {
		for _, p := range all {
			if p.Kernel == c.Kernel && p != c && slices.Contains(c.Source.Needs, p.Source.Name) {
				c.providers = append(c.providers, p)
			}
		}
	}
	return all
}

// runAll has as many workers as there are processors; each takes the first
// cell whose providers are done: those that others wait for come first, then
// the large ones, so that the end of the run is not one long build.
func (b *builder) runAll(ctx context.Context, cells []*Cell) {
	b.pending = slices.Clone(cells)
	b.all = len(cells)
	awaited, size := map[*Cell]int{}, map[*Source]int64{}
	for _, c := range cells {
		for _, p := range c.providers {
			awaited[p]++
		}
		if _, ok := size[c.Source]; !ok {
			size[c.Source] = treeSize(c.Source.Dir)
		}
	}
	slices.SortStableFunc(b.pending, func(x, y *Cell) int {
		return cmp.Or(cmp.Compare(awaited[y], awaited[x]), cmp.Compare(size[y.Source], size[x.Source]))
	})
	b.changed = sync.NewCond(&b.mu)
	var wg sync.WaitGroup
	for range max(1, b.Jobs) {
		wg.Go(func() {
			for c := b.next(); c != nil; c = b.next() {
				b.one(ctx, c)
				b.finish(c)
			}
		})
	}
	wg.Wait()
}

// next waits for a cell that can be built; nil when none is left.
func (b *builder) next() *Cell {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.pending) > 0 {
		for i, c := range b.pending {
			if !slices.ContainsFunc(c.providers, func(p *Cell) bool { return !p.done }) {
				b.pending = slices.Delete(b.pending, i, i+1)
				return c
			}
		}
		b.changed.Wait()
	}
	return nil
}

func (b *builder) finish(c *Cell) {
	b.mu.Lock()
	c.done = true
	b.ended++
	b.changed.Broadcast()
	if b.Progress != nil {
		b.Progress(c, b.ended, b.all)
	}
	b.mu.Unlock()
}

func (b *builder) started(c *Cell) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Progress != nil {
		b.Progress(c, b.ended, b.all)
	}
}

// treeSize is how many bytes of C a source has, for the order of builds.
func treeSize(dir string) int64 {
	var n int64
	_ = visit(dir, func(name string, info fs.FileInfo) error { // what cannot be read fails when it is copied
		if filepath.Ext(name) == ".c" {
			n += info.Size()
		}
		return nil
	})
	return n
}

// one brings one cell to its end.
func (b *builder) one(ctx context.Context, c *Cell) {
	fail := func(err error) {
		c.Status, c.Kind, c.Cause, c.Modules, c.Symvers = Failed, err, Cause{Text: err.Error()}, nil, ""
	}
	if err := cmp.Or(ctx.Err(), c.Kernel.Err); err != nil {
		fail(err)
		return
	}
	if err := b.read(c); err != nil {
		fail(err)
		return
	}
	if c.conf != nil && c.conf.Excluded != "" {
		c.Status, c.Cause = Excluded, Cause{Text: c.conf.Excluded}
		return
	}
	for _, p := range c.providers {
		if p.Status != Built && p.Status != Cached {
			c.Status, c.Cause = Blocked, Cause{Text: fmt.Sprintf("needs %s, which is %s for this kernel", p.Source, p.Status)}
			return
		}
	}
	if err := b.identify(c); err != nil {
		fail(err)
		return
	}
	if !b.Again && b.recall(c) {
		return
	}
	b.build(ctx, c, fail)
}

// build builds a cell with a token of the jobserver and keeps what came of it.
func (b *builder) build(ctx context.Context, c *Cell, fail func(error)) {
	if err := b.jobs.take(); err != nil {
		fail(err)
		return
	}
	defer b.jobs.give()
	b.started(c)
	part, err := os.MkdirTemp(filepath.Join(b.Cache, "cells"), ".part-")
	if err != nil {
		fail(err)
		return
	}
	defer os.RemoveAll(part)
	if err := os.Chmod(part, 0o755); err != nil { // builds of consumers read it
		fail(err)
		return
	}
	before := len(c.Notes)
	start := b.Now()
	err = b.compile(ctx, c, part)
	c.Took = b.Now().Sub(start)
	c.Status = Built
	var f failure
	switch {
	case errors.As(err, &f):
		c.Status, c.Cause, c.Modules, c.Symvers = Failed, f.Cause, nil, ""
	case err != nil:
		fail(err)
		return
	}
	if err := b.store(c, part, c.Notes[before:]); err != nil {
		fail(err)
		return
	}
	if c.Cause.passing { // the log stays, the failure is not remembered
		if err := os.Remove(filepath.Join(b.entryDir(c.key), "cell.json")); err != nil {
			fail(err)
		}
	}
}
