package kerneltest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"modkeep/internal/kerneltest/wire"
)

// Plan is what to try on one kernel.
type Plan struct {
	Attempts []Attempt
}

// maxPayload bounds the bytes of modules that one boot carries, and with them
// the memory of the machine.
const maxPayload = 256 << 20

// stuckMS is how long one load or removal may take inside the guest. Emulated
// self-tests of crypto modules take some seconds, on a busy machine many.
const stuckMS = 120_000

// Boot boots the machine as often as the plan needs and returns the result of
// each attempt, in the plan's order. Attempts are grouped by their Cmdline and
// otherwise keep their order; many of them share a boot. A crash or hang costs
// the attempt it happens in, is recorded there, and the next boot goes on
// behind it. The error is about machines that do not come up at all, missing
// files, or a context that ended.
func Boot(ctx context.Context, m Machine, plan Plan) (Results, error) {
	dir, err := os.MkdirTemp("", "kerneltest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	init := m.Init
	if init == nil {
		if init, err = buildInit(ctx, m.Arch, dir); err != nil {
			return nil, err
		}
	}
	b := &run{machine: m, plan: plan, dir: dir, init: init,
		results: make(Results, len(plan.Attempts)), unpacked: map[string][]byte{}}
	for i, a := range plan.Attempts {
		b.results[i].ID = a.ID
	}
	for _, group := range groupByCmdline(plan.Attempts) {
		for len(group) > 0 {
			n, err := b.boot(ctx, group, false)
			if err != nil {
				return b.results, err
			}
			group = group[n:]
		}
	}
	return b.results, nil
}

// groupByCmdline returns the indexes of the attempts with equal Cmdline, groups
// in the order of their first member.
func groupByCmdline(attempts []Attempt) [][]int {
	at := map[string]int{}
	var groups [][]int
	for i, a := range attempts {
		g, ok := at[a.Cmdline]
		if !ok {
			g = len(groups)
			at[a.Cmdline] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}

// buildInit compiles the guest's process 1 for an architecture.
func buildInit(ctx context.Context, arch, dir string) ([]byte, error) {
	out := filepath.Join(dir, "init")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out,
		"modkeep/internal/kerneltest/init")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build init for %s: %w: %s", arch, err, text)
	}
	return os.ReadFile(out)
}

// run is one call of Boot.
type run struct {
	machine Machine
	plan    Plan
	dir     string
	init    []byte
	results Results
	boots   int
	// unpacked holds dependencies that had to be decompressed.
	unpacked map[string][]byte
}

// boot boots once for as many of the attempts (indexes into the plan) as the
// payload allows and returns how many of them have a result.
func (b *run) boot(ctx context.Context, group []int, verbose bool) (int, error) {
	initrd := filepath.Join(b.dir, "initrd")
	job, paths, size, err := b.pack(group, initrd)
	if err != nil {
		return 0, err
	}
	extra := b.plan.Attempts[group[0]].Cmdline
	if verbose {
		extra += " ignore_loglevel"
	}
	s := &session{run: b, underway: -1, paths: paths, files: map[string]string{}}
	console, err := b.machine.start(ctx, s.event, func(last string) (*exec.Cmd, error) {
		return b.machine.command(ctx, initrd, size, extra+last)
	})
	if err != nil {
		return 0, err
	}
	b.boots++
	switch {
	case s.failed != "":
		return 0, fmt.Errorf("boot %s: init: %s", b.machine.Kernel, s.failed)
	case !s.ready:
		return 0, fmt.Errorf("boot %s: no answer from init\n%s", b.machine.Kernel, tail(console, 2000))
	case s.done:
		return len(job.Attempts), nil
	}
	return b.afterCrash(ctx, group, s, console, verbose)
}

// afterCrash records the attempt that was under way when a machine died, and
// returns how many attempts of the group are settled. If the kernel took its
// log with it, one more boot prints the log to the console, so that it can be
// told whether the module's init was reached. Where that machine lives, what it
// answers counts: the first died of what earlier attempts had left in it.
func (b *run) afterCrash(ctx context.Context, group []int, s *session, console string, verbose bool) (int, error) {
	n := s.ended
	if s.underway < 0 {
		// Died while removing modules after the last result: that result stands.
		if n == 0 {
			return 0, fmt.Errorf("boot %s: died before the first attempt\n%s", b.machine.Kernel, tail(console, 2000))
		}
		return n, nil
	}
	r := &b.results[s.underway]
	r.Crashed, r.Console, r.Keys = true, console, s.keys
	if s.stuck {
		return n + 1, nil
	}
	if verbose {
		r.Log = consoleLog(console)
		r.ReachedInit = reachedInit("", true, r.Log)
		return n + 1, nil
	}
	*r = Result{ID: r.ID}
	if _, err := b.boot(ctx, []int{s.underway}, true); err != nil {
		return 0, err
	}
	if !r.Crashed {
		r.Again, r.Console = true, console
	}
	return n + 1, nil
}

// consoleLog reads the lines the kernel wrote to the console under
// ignore_loglevel since the fatal load began: an optional time in brackets,
// then the text. Levels are not shown there.
func consoleLog(console string) []Line {
	var log []Line
	for text := range strings.Lines(console) {
		text = strings.TrimRight(text, "\r\n")
		if rest, ok := strings.CutPrefix(text, "["); ok {
			if _, after, ok := strings.Cut(rest, "] "); ok {
				text = after
			}
		}
		if text == wire.LogMark {
			log = nil
			continue
		}
		log = append(log, Line{Level: -1, Text: text})
	}
	return log
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// session collects the events of one boot.
type session struct {
	run   *run
	paths map[string]string // inside the initramfs → on this machine
	files map[string]string // module name → path it was last loaded from

	ready, done, stuck bool
	failed             string
	keys               int
	underway           int // index of the attempt being made, or -1
	ended              int // attempts that are through
}

func (s *session) event(e wire.Event) {
	switch e.Kind {
	case wire.Ready:
		s.ready, s.keys = true, e.Keys
	case wire.Failed:
		s.failed = e.Errno
	case wire.Begin:
		s.underway = e.Index
	case wire.Loaded:
		s.result(e)
		s.underway = -1
		s.ended++
	case wire.Stuck:
		if s.underway >= 0 {
			s.result(e)
			s.stuck = true
		}
	case wire.End:
		s.run.results[e.Index].Kept = e.Kept
	case wire.Done:
		s.done = true
	}
}

// result turns an event into the result of its attempt.
func (s *session) result(e wire.Event) {
	r := &s.run.results[e.Index]
	r.Errno, r.TaintBefore, r.TaintAfter = e.Errno, e.TaintBefore, e.TaintAfter
	r.Boot, r.Keys = s.run.boots, s.keys
	for _, l := range e.Log {
		r.Log = append(r.Log, Line{Level: l.Level, Text: string(l.Text)})
	}
	r.ReachedInit = reachedInit(e.Errno, e.Kind == wire.Stuck, r.Log)
	for _, d := range e.DepErrors {
		r.DepErrors = append(r.DepErrors, DepError{Path: s.paths[d.Path], Errno: d.Errno})
	}
	a := s.run.plan.Attempts[e.Index]
	for _, d := range a.Deps {
		s.files[moduleName(d)] = d
	}
	for _, m := range e.Before {
		r.LoadedBefore = append(r.LoadedBefore, LoadedModule{Name: m.Name, Taints: m.Taints, File: s.files[m.Name]})
	}
	s.files[moduleName(a.Module)] = a.Module
}

// reachedInit reads the answer: a load that succeeded, or a calling line.
func reachedInit(errno string, unfinished bool, log []Line) bool {
	if errno == "" && !unfinished {
		return true
	}
	for _, l := range log {
		if CallingLine(l.Text) {
			return true
		}
	}
	return false
}

// moduleName is the name the kernel gives to a module file of that path.
func moduleName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// pack writes the initramfs for as many of the attempts as maxPayload allows,
// at least one, and returns the job, the files' origins and their size.
func (b *run) pack(group []int, initrd string) (job wire.Job, paths map[string]string, size int64, err error) {
	f, err := os.Create(initrd)
	if err != nil {
		return job, nil, 0, err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	a := newArchive(w)
	for _, d := range []string{"dev", "proc", "sys", "m"} {
		a.dir(d)
	}
	a.device("dev/console", 5, 1)
	a.file("init", b.init)
	job.StuckMS = stuckMS
	p := &packer{run: b, archive: a, inside: map[string]string{}, origin: map[string]string{}}
	for _, i := range group {
		if len(job.Attempts) > 0 && p.size > maxPayload {
			break
		}
		g, err := p.attempt(i)
		if err != nil {
			return job, nil, 0, err
		}
		job.Attempts = append(job.Attempts, g)
	}
	text, err := json.Marshal(job)
	if err != nil {
		return job, nil, 0, err
	}
	a.file(strings.TrimPrefix(wire.JobFile, "/"), text)
	return job, p.origin, p.size, errors.Join(a.close(), w.Flush())
}

// packer adds modules to an initramfs, each path once.
type packer struct {
	run     *run
	archive *archive
	inside  map[string]string // path here, with a mark for decompressed → path inside
	origin  map[string]string // path inside → path here
	size    int64
}

// attempt adds the files of one attempt.
func (p *packer) attempt(i int) (wire.Attempt, error) {
	a := p.run.plan.Attempts[i]
	g := wire.Attempt{Index: i, Flags: a.Flags, Params: a.Params, Init: a.Init}
	var err error
	if g.Module, err = p.add(a.Module, false); err != nil {
		return g, fmt.Errorf("attempt %s: %w", a.ID, err)
	}
	for _, d := range a.Deps {
		inside, err := p.add(d, true)
		if err != nil {
			return g, fmt.Errorf("attempt %s: dependency: %w", a.ID, err)
		}
		g.Deps = append(g.Deps, inside)
	}
	return g, nil
}

func (p *packer) add(path string, unpack bool) (string, error) {
	unpack = unpack && !strings.HasSuffix(path, ".ko")
	key := path + "\x00" + strconv.FormatBool(unpack)
	if inside, ok := p.inside[key]; ok {
		return inside, nil
	}
	read := os.ReadFile
	if unpack {
		read = p.run.readUnpacked
	}
	content, err := read(path)
	if err != nil {
		return "", err
	}
	inside := fmt.Sprintf("m/%d", len(p.inside))
	p.archive.file(inside, content)
	p.inside[key], p.origin["/"+inside] = "/"+inside, path
	p.size += int64(len(content))
	return "/" + inside, nil
}

// readUnpacked reads a module file and decompresses it, once for the run.
func (b *run) readUnpacked(path string) ([]byte, error) {
	if content, ok := b.unpacked[path]; ok {
		return content, nil
	}
	packed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	content, err := Decompress(packed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	b.unpacked[path] = content
	return content, nil
}

// Decompress undoes gzip, xz or zstd, told by the first bytes; anything else
// it returns as it is. It is for trusted files: nothing bounds the size.
func Decompress(packed []byte) ([]byte, error) {
	r := bytes.NewReader(packed)
	switch {
	case bytes.HasPrefix(packed, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	case bytes.HasPrefix(packed, []byte("\xfd7zXZ\x00")):
		z, err := xz.NewReader(r)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	case bytes.HasPrefix(packed, []byte("\x28\xb5\x2f\xfd")):
		z, err := zstd.NewReader(r)
		if err != nil {
			return nil, err
		}
		defer z.Close()
		return io.ReadAll(z)
	}
	return packed, nil
}
