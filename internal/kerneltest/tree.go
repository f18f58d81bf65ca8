package kerneltest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/internal/kerneltest/wire"
)

// Tree is the module tree of one kernel of a root, for probes.
type Tree struct {
	Root    string // laid out like /
	Release string
	// Names are the modules to probe, in this order, each in a kernel without
	// modules (but those that cannot be removed).
	Names []string
}

// Probe is what became of one run of modprobe.
type Probe struct {
	Name string
	// File is what modinfo -n says of the name inside the machine, a path as in
	// the root; empty where the tree has no such module.
	File string
	// Status is modprobe's exit status, Output what it printed.
	Status int
	Output string
	// Log is the kernel's, from just before modprobe to its end.
	Log []Line
	// Came are the modules that were in the kernel afterwards and not before, in
	// the order in which they came.
	Came []string
	// Kept are the modules that could not be removed after the probe.
	Kept []string
	// Crashed is set if the machine died or hung in the probe; what it wrote to
	// the console is then in Console, and Log may be empty.
	Crashed bool
	Console string
}

// Initialized returns the modules whose init functions the kernel called, in
// that order, whatever they returned.
func (p Probe) Initialized() []string {
	var list []string
	for _, l := range p.Log {
		if name, ok := initcall(l.Text); ok && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// Loads reports whether the kernel's loader accepted the module: its init
// function was called, or it came, having none.
func (p Probe) Loads() bool {
	return slices.Contains(p.Came, p.Name) || slices.Contains(p.Initialized(), p.Name)
}

// Refusal is what the loader said of modules it did not accept: the lines of Log
// without initcall_debug's, what follows a module's own init, and Background.
func (p Probe) Refusal() []string {
	var list []string
	inside := false
	for _, l := range p.Log {
		switch _, calling := initcall(l.Text); {
		case calling:
			inside = true
		case strings.HasPrefix(l.Text, "initcall "):
			inside = false
		case !inside && !Background(l.Text):
			list = append(list, l.Text)
		}
	}
	return list
}

// initcall reads a line "calling  NAME+0x0/0x1000 [MODULE] @ PID" of
// initcall_debug.
func initcall(text string) (module string, ok bool) {
	rest, ok := strings.CutPrefix(text, "calling  ")
	if !ok {
		return "", false
	}
	_, rest, _ = strings.Cut(rest, " [")
	module, _, ok = strings.Cut(rest, "] @ ")
	return module, ok
}

// BootTree boots a kernel with its module tree of a root and with this machine's
// modprobe, of the same architecture, and returns what became of each name. The
// index files of the tree have to be there (depmod). What is packed into the
// initramfs are the index files, all of weak-updates with what its links lead
// to, and the files that modprobe would load for the names, soft dependencies
// too: at their places in the root, links as links.
//
// A crash or hang costs the probe it happens in; the next boot goes on behind
// it. The error is as Boot's.
func BootTree(ctx context.Context, m Machine, t Tree) ([]Probe, error) {
	dir, err := os.MkdirTemp("", "kerneltest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	init, err := buildInit(ctx, m.Arch, dir)
	if err != nil {
		return nil, err
	}
	results := make([]Probe, len(t.Names))
	for i, name := range t.Names {
		results[i].Name = name
	}
	b := &treeRun{machine: m, tree: t, init: init, initrd: filepath.Join(dir, "initrd"), results: results}
	for next := 0; next < len(results); {
		if next, err = b.boot(ctx, next); err != nil {
			return results, err
		}
	}
	return results, nil
}

// treeRun is one call of BootTree.
type treeRun struct {
	machine Machine
	tree    Tree
	init    []byte
	initrd  string
	results []Probe
}

// boot makes the probes from one on and returns the first that is not settled.
func (b *treeRun) boot(ctx context.Context, from int) (next int, err error) {
	size, err := b.pack(from)
	if err != nil {
		return 0, fmt.Errorf("pack %s: %w", b.tree.Release, err)
	}
	s := &treeSession{results: b.results, underway: -1, next: from}
	console, err := b.machine.start(ctx, s.event, func(last string) (*exec.Cmd, error) {
		return b.machine.command(ctx, b.initrd, size, last)
	})
	switch {
	case err != nil:
		return 0, err
	case s.failed != "":
		return 0, fmt.Errorf("boot %s: init: %s", b.machine.Kernel, s.failed)
	case !s.ready:
		return 0, fmt.Errorf("boot %s: no answer from init\n%s", b.machine.Kernel, tail(console, 2000))
	case s.done:
		return len(b.results), nil
	case s.underway >= 0:
		b.results[s.underway].Crashed, b.results[s.underway].Console = true, console
		return s.underway + 1, nil
	case s.next == from:
		return 0, fmt.Errorf("boot %s: died before the first probe\n%s", b.machine.Kernel, tail(console, 2000))
	}
	return s.next, nil // died while removing modules after the last result
}

// treeSession collects the events of one boot.
type treeSession struct {
	results     []Probe
	ready, done bool
	failed      string
	underway    int // or -1
	next        int
}

func (s *treeSession) event(e wire.Event) {
	switch e.Kind {
	case wire.Ready:
		s.ready = true
	case wire.Failed:
		s.failed = e.Errno
	case wire.Begin:
		s.underway = e.Index
	case wire.Loaded:
		s.result(e)
		s.underway, s.next = -1, e.Index+1
	case wire.Stuck:
		if s.underway >= 0 {
			s.result(e)
		}
	case wire.End:
		s.results[e.Index].Kept = e.Kept
	case wire.Done:
		s.done = true
	}
}

func (s *treeSession) result(e wire.Event) {
	r := &s.results[e.Index]
	r.File, r.Status, r.Output = e.File, e.Status, e.Output
	for _, l := range e.Log {
		r.Log = append(r.Log, Line{Level: l.Level, Text: string(l.Text)})
	}
	for _, m := range slices.Backward(e.After) { // oldest first
		if !slices.ContainsFunc(e.Before, func(b wire.Module) bool { return b.Name == m.Name }) {
			r.Came = append(r.Came, m.Name)
		}
	}
}

// pack writes the initramfs for the probes from one on and returns the size of
// what is in it.
func (b *treeRun) pack(from int) (size int64, err error) {
	f, err := os.Create(b.initrd)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	p := &treePacker{archive: newArchive(w), root: b.tree.Root, have: map[string]bool{".": true}}
	for _, d := range []string{"dev", "proc", "sys"} {
		p.dir(d)
	}
	p.archive.device("dev/console", 5, 1)
	p.archive.file("init", b.init)
	if err := p.programs(); err != nil {
		return 0, err
	}
	if err := p.tree(b.tree); err != nil {
		return 0, err
	}
	job := wire.Job{StuckMS: stuckMS}
	for i, name := range b.tree.Names[from:] {
		job.Probes = append(job.Probes, wire.Probe{Index: from + i, Name: name})
	}
	text, err := json.Marshal(job)
	if err != nil {
		return 0, err
	}
	p.archive.file(strings.TrimPrefix(wire.JobFile, "/"), text)
	err = errors.Join(p.archive.close(), w.Flush())
	return p.archive.size, err
}

// treePacker adds files to an initramfs at given places, each once.
type treePacker struct {
	archive *archive
	root    string
	have    map[string]bool // relative slash-separated paths
}

// dir adds a directory and those above it.
func (p *treePacker) dir(name string) {
	if !p.have[name] {
		p.dir(path.Dir(name))
		p.have[name] = true
		p.archive.dir(name)
	}
}

// file adds a file of this machine at a place inside.
func (p *treePacker) file(inside, from string) error {
	inside = strings.TrimPrefix(path.Clean(inside), "/")
	if p.have[inside] {
		return nil
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	p.dir(path.Dir(inside))
	p.have[inside] = true
	p.archive.file(inside, content)
	return nil
}

// link adds a symbolic link.
func (p *treePacker) link(inside, text string) {
	inside = strings.TrimPrefix(path.Clean(inside), "/")
	if !p.have[inside] {
		p.dir(path.Dir(inside))
		p.have[inside] = true
		p.archive.link(inside, text)
	}
}

// programs adds this machine's kmod, its libraries, and its names.
func (p *treePacker) programs() error {
	kmod, err := exec.LookPath("kmod")
	if err != nil {
		return err
	}
	const inside = "/bin/kmod"
	if err := p.file(inside, kmod); err != nil {
		return err
	}
	for _, name := range []string{wire.Modprobe, wire.Modinfo} {
		p.link(name, inside)
	}
	out, err := exec.Command("ldd", kmod).Output()
	if err != nil {
		return fmt.Errorf("ldd %s: %w", kmod, err)
	}
	for _, lib := range sharedObjects(string(out)) {
		if err := p.file(lib, lib); err != nil {
			return err
		}
	}
	return nil
}

// sharedObjects reads the paths in ldd's output: "NAME => PATH (ADDRESS)" and
// "PATH (ADDRESS)".
func sharedObjects(out string) []string {
	var list []string
	for _, f := range strings.Fields(out) {
		if strings.HasPrefix(f, "/") {
			list = append(list, f)
		}
	}
	return list
}

// tree adds what is needed of a kernel's module tree.
func (p *treePacker) tree(t Tree) error {
	dir := "/lib/modules/" + t.Release
	lists, err := filepath.Glob(filepath.Join(p.root, dir, "modules.*"))
	if err != nil {
		return err
	}
	for _, name := range lists {
		if err := p.file(dir+"/"+filepath.Base(name), name); err != nil {
			return err
		}
	}
	for _, name := range t.Names {
		for _, file := range needed(t, name) {
			if err := p.member(file); err != nil {
				return err
			}
		}
	}
	return p.weakUpdates(dir + "/weak-updates")
}

// weakUpdates adds a directory of links as it is.
func (p *treePacker) weakUpdates(dir string) error {
	host := filepath.Join(p.root, dir)
	err := filepath.WalkDir(host, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return p.member(path.Join(dir, filepath.ToSlash(strings.TrimPrefix(name, host))))
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// maxLinks is how many links in a row are followed.
const maxLinks = 40

// member adds a file of the root at its place: links as they are, then what they
// lead to. A link that leads nowhere is added all the same.
func (p *treePacker) member(inside string) error {
	for range maxLinks {
		host := filepath.Join(p.root, inside)
		info, err := os.Lstat(host)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			return p.file(inside, host)
		}
		text, err := os.Readlink(host)
		if err != nil {
			return err
		}
		p.link(inside, text)
		if !path.IsAbs(text) {
			text = path.Join(path.Dir(inside), text)
		}
		inside = path.Join("/", text)
	}
	return fmt.Errorf("%s: too many links", inside)
}

// needed returns the files that modprobe would load for a name, with what they
// need and with soft dependencies, as paths inside the root; none for a name that
// the tree does not have.
func needed(t Tree, name string) []string {
	// What stands in the environment is added to the command line.
	cmd := exec.Command("modprobe", "--show-depends", "-d", t.Root, "-S", t.Release, name)
	cmd.Env = append(os.Environ(), "MODPROBE_OPTIONS=")
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	return insmodPaths(string(out), t.Root)
}

// insmodPaths reads the lines "insmod PATH PARAMETERS" of --show-depends.
func insmodPaths(out, root string) []string {
	var list []string
	for line := range strings.Lines(out) {
		if rest, ok := strings.CutPrefix(line, "insmod "); ok {
			file, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			if inside, ok := strings.CutPrefix(file, strings.TrimSuffix(root, "/")); ok {
				list = append(list, path.Clean(inside))
			}
		}
	}
	return list
}

// DependsOn reads modules.dep of a kernel of a root: the names that each module
// needs, in the order in which modprobe loads them, by name.
func DependsOn(root, release string) (map[string][]string, error) {
	table, err := os.ReadFile(filepath.Join(root, "lib/modules", release, "modules.dep"))
	if err != nil {
		return nil, err
	}
	needs := map[string][]string{}
	for line := range bytes.Lines(table) {
		file, deps, _ := strings.Cut(strings.TrimSpace(string(line)), ":")
		list := []string{}
		for _, d := range slices.Backward(strings.Fields(deps)) {
			list = append(list, moduleName(d))
		}
		needs[moduleName(file)] = list
	}
	return needs, nil
}
