package hooks

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"modkeep/depmod"
	"modkeep/txn"
)

// Note is something that a plan leaves as it is, and why.
type Note struct {
	Name string `json:"name"` // of the hook
	Path string `json:"path"`
	Text string `json:"text"`
}

// String is the note in one line.
func (n Note) String() string { return fmt.Sprintf("%s: %s", n.Path, n.Text) }

// planner collects steps. What it would find on disk after the steps so far
// is known to dirs and gone.
type planner struct {
	*System
	manifest *Manifest
	steps    []txn.Step
	notes    []Note
	dirs     []string        // made by the plan
	gone     map[string]bool // removed by the plan
}

func newPlanner(s *System) (*planner, error) {
	m, err := ReadManifest(s.Root)
	if err != nil {
		return nil, err
	}
	return &planner{System: s, manifest: m, gone: map[string]bool{}}, nil
}

func (p *planner) step(s txn.Step)      { p.steps = append(p.steps, s) }
func (p *planner) note(n, at, s string) { p.notes = append(p.notes, Note{n, at, s}) }

// Install plans what must change for the hooks of the system to be there:
// those named, or all. A file that stands in a hook's place and is not
// modkeep's is left, and so is one that was edited since modkeep wrote it. Where all is there
// already the plan has no steps.
func (s *System) Install(names ...string) (txn.Plan, []Note, error) {
	p, err := newPlanner(s)
	if err != nil {
		return txn.Plan{}, nil, err
	}
	if err := checkNames(names); err != nil {
		return txn.Plan{}, nil, err
	}
	hooks, skipped := s.Hooks()
	for _, k := range skipped {
		if slices.Contains(names, k.Name) {
			p.note(k.Name, "/", k.Reason)
		}
	}
	before := digest(p.manifest.text())
	p.manifest.Program = s.Program
	if len(p.manifest.Entries) == 0 {
		p.manifest.StateDirs = s.stateDirs
	}
	for _, h := range hooks {
		if len(names) > 0 && !slices.Contains(names, h.Name) {
			continue
		}
		if err := p.install(h); err != nil {
			return txn.Plan{}, nil, fmt.Errorf("hook %s: %w", h.Name, err)
		}
	}
	if digest(p.manifest.text()) != before && len(p.manifest.Entries) > 0 {
		if err := p.makeDirs(path.Dir(ManifestPath), "list of hooks"); err != nil {
			return txn.Plan{}, nil, err
		}
		p.step(txn.Step{Op: txn.Write, Path: ManifestPath, Data: p.manifest.text(), Mode: 0o644, Reason: "says what was installed"})
	}
	return txn.Plan{Name: "hooks install", Steps: p.steps}, p.notes, nil
}

// checkNames wants every name to be that of a hook.
func checkNames(names []string) error {
	for _, name := range names {
		if !slices.Contains(Names(), name) {
			return fmt.Errorf("%q: %w", name, ErrName)
		}
	}
	return nil
}

// ErrName is wrapped by the error for a name that no hook has.
var ErrName = errors.New("no such hook")

// install plans one hook.
func (p *planner) install(h Hook) error {
	if h.dropIn {
		if done, err := p.installDropIn(h); done || err != nil {
			return err
		}
	}
	at, there, err := found(p.Root, h.Path)
	if err != nil {
		return err
	}
	want, recorded := entryOf(h), p.manifest.entry(h.Path)
	switch {
	case there && at.same(want):
	case there && recorded == nil:
		p.note(h.Name, h.Path, "in the way and not modkeep's: left as it is")
		return nil
	case there && !at.same(*recorded):
		p.note(h.Name, h.Path, "edited since it was installed: left as it is")
		return nil
	default:
		if err := p.makeDirs(path.Dir(h.Path), h.Serves); err != nil {
			return err
		}
		p.put(h)
	}
	p.record(want)
	return nil
}

// put plans the hook's own file or link; its directory is there.
func (p *planner) put(h Hook) {
	if h.Target != "" {
		p.step(txn.Step{Op: txn.Link, Path: h.Path, Target: h.Target, Reason: h.Serves})
		return
	}
	p.step(txn.Step{Op: txn.Write, Path: h.Path, Data: h.Data, Mode: h.Mode, Reason: h.Serves})
}

func (p *planner) record(e Entry) {
	if old := p.manifest.entry(e.Path); old != nil {
		*old = e
		return
	}
	p.manifest.Entries = append(p.manifest.Entries, e)
}

// makeDirs plans a directory with all that it lies in.
func (p *planner) makeDirs(dir, reason string) error {
	missing, err := p.missingDirs(dir)
	if err != nil {
		return err
	}
	for _, d := range missing {
		if slices.Contains(p.dirs, d) {
			continue
		}
		p.step(txn.Step{Op: txn.Mkdir, Path: d, Mode: 0o755, Reason: reason})
		p.dirs = append(p.dirs, d)
		if !slices.Contains(p.manifest.Dirs, d) {
			p.manifest.Dirs = append(p.manifest.Dirs, d)
		}
	}
	return nil
}

// Remove plans what must change for the named hooks, or all, to be gone: the
// files of the manifest that nobody edited, the directories that were made for
// them where they are empty then, and back comes what was set aside.
func Remove(root string, names ...string) (txn.Plan, []Note, error) {
	s, err := Detect(root, Options{})
	if err != nil {
		return txn.Plan{}, nil, err
	}
	p, err := newPlanner(s)
	if err != nil {
		return txn.Plan{}, nil, err
	}
	if err := checkNames(names); err != nil {
		return txn.Plan{}, nil, err
	}
	var kept []Entry
	for _, e := range p.manifest.Entries {
		if len(names) > 0 && !slices.Contains(names, e.Name) {
			kept = append(kept, e)
			continue
		}
		if err := p.remove(e); err != nil {
			return txn.Plan{}, nil, fmt.Errorf("hook %s: %w", e.Name, err)
		}
	}
	if err := p.removeManifest(kept); err != nil {
		return txn.Plan{}, nil, err
	}
	return txn.Plan{Name: "hooks remove", Steps: p.steps}, p.notes, nil
}

// remove plans that one hook goes.
func (p *planner) remove(e Entry) error {
	if slices.Contains(p.manifest.Alternatives, e.Path) {
		return p.leaveAlternatives(e)
	}
	at, there, err := found(p.Root, e.Path)
	switch {
	case err != nil:
		return err
	case !there:
		p.note(e.Name, e.Path, "gone already")
	case at.same(e) && e.Target != "":
		p.step(txn.Step{Op: txn.Unlink, Path: e.Path})
		p.gone[e.Path] = true
	case at.same(e):
		p.step(txn.Step{Op: txn.Remove, Path: e.Path})
		p.gone[e.Path] = true
	case p.setAside(e.Path) != nil:
		p.note(e.Name, e.Path, "the distribution's own again: left as it is")
	default:
		p.note(e.Name, e.Path, "edited since it was installed: left as it is")
	}
	if e.Name == "depmod" && p.gone[e.Path] && p.hasLinks() {
		p.note(e.Name, e.Path, "gone, and with it the rank of the links below weak-updates, which stay: see modkeep unlink")
	}
	if err := p.bringBack(e); err != nil {
		return err
	}
	return p.undivert(e.Path)
}

// hasLinks reports whether any kernel has something below weak-updates.
func (s *System) hasLinks() bool {
	return slices.ContainsFunc(s.list("/lib/modules"), func(krel string) bool {
		return len(s.list(path.Join("/lib/modules", krel, "weak-updates"))) > 0
	})
}

// removeManifest plans the manifest's own change: gone with the last hook, and
// with it the directories that were made.
func (p *planner) removeManifest(kept []Entry) error {
	if len(p.manifest.Entries) == 0 {
		return nil
	}
	if len(kept) > 0 {
		if len(kept) < len(p.manifest.Entries) {
			p.manifest.Entries = kept
			p.removeDirs()
			p.step(txn.Step{Op: txn.Write, Path: ManifestPath, Data: p.manifest.text(), Mode: 0o644, Reason: "says what is still installed"})
		}
		return nil
	}
	p.step(txn.Step{Op: txn.Remove, Path: ManifestPath})
	p.gone[ManifestPath] = true
	p.removeDirs()
	return nil
}

// removeDirs plans that directories go which were made for hooks and are empty
// after the steps so far.
func (p *planner) removeDirs() {
	var kept []string
	for _, dir := range slices.Backward(p.manifest.Dirs) {
		if info, err := lstat(p.Root, dir); err != nil || !info.IsDir() {
			continue
		}
		if slices.ContainsFunc(p.list(dir), func(name string) bool { return !p.gone[path.Join(dir, name)] }) {
			kept = append(kept, dir)
			continue
		}
		p.step(txn.Step{Op: txn.Rmdir, Path: dir})
		p.gone[dir] = true
	}
	slices.Reverse(kept)
	p.manifest.Dirs = kept
}

// State says how it stands with one hook's file.
type State string

// The states.
const (
	Installed    State = "installed"
	NotInstalled State = "not installed"
	Outdated     State = "outdated" // as modkeep wrote it, but this modkeep would write another
	Edited       State = "edited"   // not as modkeep wrote it
	Missing      State = "missing"  // was installed and is gone
	InTheWay     State = "in the way"
	NotHere      State = "not for this system"
)

// Status is one line of the list of hooks.
type Status struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Path   string `json:"path,omitempty"`
	Serves string `json:"serves,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// List says of every hook whether it is installed.
func (s *System) List() ([]Status, error) {
	m, err := ReadManifest(s.Root)
	if err != nil {
		return nil, err
	}
	list := []Status{}
	seen := map[string]bool{}
	hooks, skipped := s.Hooks()
	for _, h := range hooks {
		seen[h.Path] = true
		state, err := s.state(h, m.entry(h.Path))
		if err != nil {
			return nil, fmt.Errorf("hook %s: %w", h.Name, err)
		}
		list = append(list, Status{Name: h.Name, State: state, Path: h.Path, Serves: h.Serves})
	}
	for _, k := range skipped {
		list = append(list, Status{Name: k.Name, State: NotHere, Reason: k.Reason})
	}
	for _, e := range m.Entries {
		if !seen[e.Path] {
			list = append(list, Status{Name: e.Name, State: Outdated, Path: e.Path, Reason: "this modkeep does not install it here"})
		}
	}
	slices.SortStableFunc(list, func(a, b Status) int {
		return slices.Index(Names(), a.Name) - slices.Index(Names(), b.Name)
	})
	return list, nil
}

func (s *System) state(h Hook, recorded *Entry) (State, error) {
	at, there, err := found(s.Root, h.Path)
	switch {
	case err != nil:
		return "", err
	case !there && recorded == nil:
		return NotInstalled, nil
	case !there:
		return Missing, nil
	case recorded == nil && h.dropIn:
		return NotInstalled, nil
	case recorded == nil:
		return InTheWay, nil
	case at.same(entryOf(h)), h.dropIn && at.same(*recorded) && at.Target == alternativeOf(h.Path):
		return Installed, nil
	case at.same(*recorded):
		return Outdated, nil
	}
	return Edited, nil
}

// read returns a file's content and mode.
func (p *planner) read(name string) ([]byte, fs.FileMode, error) {
	info, err := lstat(p.Root, name)
	if err != nil {
		return nil, 0, err
	}
	text, err := depmod.ReadFile(p.Root, name, maxSetAside)
	return text, info.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky), err
}

// absent reports whether an error says that a file is not there.
func absent(err error) bool { return errors.Is(err, os.ErrNotExist) }
