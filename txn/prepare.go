package txn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// checkPath wants an absolute, clean path below the root.
func checkPath(name string) error {
	switch {
	case !path.IsAbs(name) || path.Clean(name) != name || name == "/":
		return fmt.Errorf("path %q: not an absolute, clean path", name)
	case len(name) >= 4096 || strings.ContainsRune(name, 0):
		return fmt.Errorf("path %.80q: not a path", name)
	}
	return nil
}

// checkStep wants of a step what can be said without the tree.
func (s *Store) checkStep(step Step) error {
	if err := checkPath(step.Path); err != nil {
		return err
	}
	command := step.Op == Depmod || step.Op == Initramfs
	switch {
	case step.Op == Link && (step.Target == "" || len(step.Target) >= 4096 || strings.ContainsRune(step.Target, 0)):
		return fmt.Errorf("target %.80q: not a link's text", step.Target)
	case command && len(step.Command) == 0 && step.From == 0:
		return errors.New("no command")
	case command && s.opts.Run == nil && step.From == 0:
		return errors.New("nothing runs commands here")
	case max(len(step.Command), len(step.Files)) > maxWords:
		return fmt.Errorf("more than %d words", maxWords)
	case step.Op == Depmod && len(step.Files) == 0:
		return errors.New("no files that it may rewrite")
	case step.Op == Initramfs && !slices.Contains(step.Command, "{}"):
		return errors.New(`no word "{}" in the command`)
	case step.Mode&^modeBits != 0:
		return fmt.Errorf("mode %v: not permissions", step.Mode)
	case len(step.Reason) > 32<<10:
		return fmt.Errorf("reason of %d bytes", len(step.Reason))
	}
	for _, glob := range step.Files {
		if _, err := path.Match(glob, ""); err != nil || glob == "" || strings.Contains(glob, "/") {
			return fmt.Errorf("files %q: not a pattern of names", glob)
		}
	}
	return nil
}

// preparation turns a plan into a journal: it looks at every path, plays the
// steps through, and keeps what will be needed to take them back.
type preparation struct {
	store    *Store
	resolver *resolver
	w        *journalWriter
	journal  *journal
	number   map[string]int    // path inside the root, resolved → index in journal.paths
	kept     map[string]*image // index files that are kept
}

// prepare writes the journal of plan to w, all but the ready frame. Its errors
// name the step.
func (s *Store) prepare(ctx context.Context, plan Plan, w *journalWriter) (*journal, error) {
	if len(plan.Steps) > maxSteps {
		return nil, fmt.Errorf("plan of %d steps: at most %d are done at once", len(plan.Steps), maxSteps)
	}
	number, err := s.nextNumber()
	if err != nil {
		return nil, err
	}
	p := &preparation{s, newResolver(s.root), w, &journal{
		head:  head{number, s.now(), plan.Name, plan.Undoes},
		begun: make(map[int]bool), ended: make(map[int]ended),
	}, make(map[string]int), make(map[string]*image)}
	if err := w.record(frameHead, p.journal.head); err != nil {
		return nil, err
	}
	for i, step := range plan.Steps {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		if err := p.add(step); err != nil {
			return nil, &StepError{Index: i, Step: step, Err: err, Restored: true}
		}
	}
	if err := p.conflicts(); err != nil {
		return nil, err
	}
	for _, t := range p.journal.paths {
		if err := w.record(framePath, t); err != nil {
			return nil, err
		}
	}
	for _, e := range p.journal.steps {
		if err := w.record(frameStep, e); err != nil {
			return nil, err
		}
	}
	p.journal.blobs = w.blobs
	return p.journal, nil
}

// add appends one step.
func (p *preparation) add(step Step) error {
	if err := p.store.checkStep(step); err != nil {
		return err
	}
	real, err := p.resolver.real(step.Path)
	if err != nil {
		return err
	}
	e := entry{Step: step, Real: real, Touched: -1}
	switch step.Op {
	case Depmod:
		if e.Real, err = p.resolver.follow(step.Path); err != nil {
			return err
		}
		e.Argv, e.Globs, e.Backup = step.Command, step.Files, step.From
		e.Index, err = p.keepIndex(e)
	case Initramfs:
		e.Argv = step.Command
		err = p.checkImage(real)
	default:
		err = p.change(&e)
	}
	if err != nil {
		return err
	}
	if inState(p.store, p.store.machine(e.Real)) {
		return errors.New("lies in the state directory")
	}
	p.journal.steps = append(p.journal.steps, e)
	return nil
}

func inState(s *Store, name string) bool {
	return name == s.state || strings.HasPrefix(name, s.state+string(filepath.Separator))
}

// checkImage wants nothing or a file where an image is to be put.
func (p *preparation) checkImage(real string) error {
	img, err := look(p.store.machine(real))
	if err == nil && img.Kind != kindAbsent && img.Kind != kindFile {
		err = fmt.Errorf("is a %s, not a file", img.Kind)
	}
	return err
}

// change plays a step on one path through.
func (p *preparation) change(e *entry) error {
	n, ok := p.number[e.Real]
	if !ok {
		name := p.store.machine(e.Real)
		img, err := look(name)
		if err != nil {
			return err
		}
		if img.Kind == kindFile && (e.Op == Write || e.Op == Remove) {
			if err := p.w.keep(name, &img); err != nil {
				return err
			}
		}
		n = len(p.journal.paths)
		p.number[e.Real] = n
		p.journal.paths = append(p.journal.paths, touched{e.Path, e.Real, []image{img}})
	}
	t := &p.journal.paths[n]
	next, err := outcome(e.Step, t.States[len(t.States)-1])
	if err != nil {
		return err
	}
	t.States = append(t.States, next)
	e.Touched, e.State = n, len(t.States)-1
	return nil
}

// outcome is what a step makes of an image, or why it cannot.
func outcome(step Step, before image) (image, error) {
	wrong := func(want string) (image, error) {
		if before.Kind == kindAbsent {
			return image{}, fs.ErrNotExist
		}
		return image{}, fmt.Errorf("is a %s, not a %s", before.Kind, want)
	}
	absent := image{Kind: kindAbsent}
	switch step.Op {
	case Link:
		if before.Kind != kindAbsent && before.Kind != kindLink {
			return wrong(kindLink)
		}
		return image{Kind: kindLink, Text: step.Target}, nil
	case Unlink:
		if before.Kind != kindLink {
			return wrong(kindLink)
		}
		return absent, nil
	case Mkdir:
		if before.Kind == kindDir {
			return before, nil
		}
		if before.Kind != kindAbsent {
			return wrong(kindDir)
		}
		return image{Kind: kindDir, Mode: orMode(step.Mode, 0o755)}, nil
	case Rmdir:
		if before.Kind != kindDir {
			return wrong(kindDir)
		}
		return absent, nil
	case Write:
		if before.Kind != kindAbsent && before.Kind != kindFile {
			return wrong(kindFile)
		}
		mode := orMode(step.Mode, orMode(before.Mode, 0o644))
		img := image{Kind: kindFile, Mode: mode, UID: before.UID, GID: before.GID, Size: int64(len(step.Data)), Sum: sumBytes(step.Data)}
		if !step.ModTime.IsZero() {
			img.MTime = step.ModTime.UnixNano()
		}
		return img, nil
	case Remove:
		if before.Kind != kindFile {
			return wrong(kindFile)
		}
		return absent, nil
	}
	return image{}, fmt.Errorf("operation %q: unknown", step.Op)
}

func orMode(mode, otherwise fs.FileMode) fs.FileMode {
	if mode == 0 {
		return otherwise
	}
	return mode
}

// conflicts refuses plans whose steps pull the ground from under each other: a
// path below one that is a link or file for a while, a path that is a
// directory once and something else then, an index file with steps of its own.
func (p *preparation) conflicts() error {
	dirs := make(map[string][]string) // depmod's directories → patterns
	for _, e := range p.journal.steps {
		if e.Op == Depmod {
			dirs[e.Real] = append(dirs[e.Real], e.Globs...)
		}
	}
	for _, t := range p.journal.paths {
		if dir := path.Dir(t.Real); matches(dirs[dir], path.Base(t.Real)) {
			return fmt.Errorf("%s: is an index file that a command of the same plan rewrites", t.Path)
		}
		isDir := t.has(kindDir)
		if isDir && (t.has(kindLink) || t.has(kindFile)) {
			return fmt.Errorf("%s: is a directory once and none then", t.Path)
		}
		for dir := path.Dir(t.Real); dir != "/"; dir = path.Dir(dir) {
			if n, ok := p.number[dir]; ok && (p.journal.paths[n].has(kindLink) || p.journal.paths[n].has(kindFile)) {
				return fmt.Errorf("%s: lies below %s, which the same plan changes and which is no directory", t.Path, dir)
			}
		}
	}
	return nil
}

func (t *touched) has(kind string) bool {
	return slices.ContainsFunc(t.States, func(img image) bool { return img.Kind == kind })
}

func matches(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, _ := path.Match(glob, name)
		return ok
	})
}

// keepIndex keeps the files that a depmod step may rewrite.
func (p *preparation) keepIndex(e entry) ([]indexFile, error) {
	dir := p.store.machine(e.Real)
	names, err := indexNames(dir, e.Globs)
	if err != nil {
		return nil, err
	}
	files := make([]indexFile, 0, len(names))
	for _, name := range names {
		full := filepath.Join(dir, name)
		img, ok := p.kept[full]
		if !ok {
			fresh, err := look(full)
			if err == nil && fresh.Kind != kindFile {
				err = fmt.Errorf("is a %s, not a file", fresh.Kind)
			}
			if err == nil {
				err = p.w.keep(full, &fresh)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			img = &fresh
			p.kept[full] = img
		}
		files = append(files, indexFile{name, *img})
	}
	return files, nil
}

// indexNames are the names in dir that match a pattern, sorted.
func indexNames(dir string, globs []string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, syscall.ENOTDIR) {
		return nil, errors.New("is no directory")
	}
	if err != nil {
		return nil, cause(err)
	}
	var names []string
	for _, entry := range entries {
		if matches(globs, entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	if len(names) > maxIndexes {
		return nil, fmt.Errorf("%d files may be rewritten, more than %d", len(names), maxIndexes)
	}
	return names, nil
}
