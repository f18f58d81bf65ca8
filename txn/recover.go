package txn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Recovery says how an interrupted transaction was brought to an end.
type Recovery struct {
	Number int
	Name   string
	Time   time.Time
	// Finished: all steps were done, only produced files had to be renamed;
	// otherwise everything was taken back.
	Finished bool
	Restored []string // paths that had to be put back
	Left     []Left   // paths that somebody else changed meanwhile
}

// Left is a path that was left as it is.
type Left struct {
	Path   string
	Reason string
}

// Recover brings an interrupted transaction to an end: the tree is then as
// before it or as it was asked for. It wants the lock, returns nil where
// nothing was interrupted, and may itself be interrupted and called again.
// A journal that cannot be read is a *DamagedError, and nothing is changed.
func (s *Store) Recover(ctx context.Context) (*Recovery, error) {
	if s.lock == nil {
		return nil, ErrNotLocked
	}
	r, err := s.recoverCommitted()
	if r != nil || err != nil {
		return r, err
	}
	o, err := s.open(journalName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, removed(s.stateFile(newName))
	}
	if err != nil {
		return nil, err
	}
	defer o.close()
	return s.takeBack(ctx, o)
}

// recoverCommitted does what is left of a transaction that has its mark.
func (s *Store) recoverCommitted() (*Recovery, error) {
	o, err := s.open(committedName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer o.close()
	r := &Recovery{Number: o.Number, Name: o.Name, Time: o.Time, Finished: true}
	t := &transaction{journal: o.journal, store: s, file: o.file}
	err = t.putImages()
	var gone *goneError
	if errors.As(err, &gone) {
		r.Left = append(r.Left, Left{gone.path, "what was produced for it is gone"})
	} else if err != nil {
		return r, err
	}
	if err := s.removeTemporaries(o.journal); err != nil {
		return r, err
	}
	if err := t.toHistory(); err != nil {
		return r, err
	}
	return r, s.prune()
}

// takeBack puts every pre-image back and removes the journal.
func (s *Store) takeBack(ctx context.Context, o opened) (*Recovery, error) {
	r := &Recovery{Number: o.Number, Name: o.Name, Time: o.Time}
	if err := s.removeTemporaries(o.journal); err != nil {
		return r, err
	}
	for _, t := range o.inOrder() {
		if err := s.restore(o, t, r); err != nil {
			return r, fmt.Errorf("%s: %w", t.Path, err)
		}
	}
	for i := range o.steps {
		if o.steps[i].Op == Depmod {
			if err := s.restoreIndex(ctx, o, i, r); err != nil {
				return r, fmt.Errorf("%s: %w", o.steps[i].Path, err)
			}
		}
	}
	t := &transaction{journal: o.journal, store: s}
	if err := t.syncDirs(true); err != nil {
		return r, err
	}
	if err := removed(s.stateFile(journalName)); err != nil {
		return r, fmt.Errorf("remove journal: %w", err)
	}
	s.after(-1, "journal removed")
	return r, syncDir(s.state)
}

// inOrder are the paths in the order in which they can be put back. What was
// made goes first, the deepest first: that also gives back the room that the
// rest, the shallowest first, may need.
func (j *journal) inOrder() []*touched {
	made, rest := []*touched{}, []*touched{}
	for i := range j.paths {
		if t := &j.paths[i]; t.States[0].Kind == kindAbsent {
			made = append(made, t)
		} else {
			rest = append(rest, t)
		}
	}
	byName := func(a, b *touched) int { return strings.Compare(a.Real, b.Real) }
	slices.SortFunc(made, byName)
	slices.Reverse(made)
	slices.SortFunc(rest, byName)
	return append(made, rest...)
}

// removeTemporaries removes what the transaction, or a command of it, left
// beside the paths.
func (s *Store) removeTemporaries(j *journal) error {
	for _, dir := range j.dirs() {
		name := s.machine(dir)
		entries, err := os.ReadDir(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return fmt.Errorf("%s: %w", dir, cause(err))
		}
		for _, entry := range entries {
			if !strings.HasPrefix(entry.Name(), j.prefix()) {
				continue
			}
			if err := os.RemoveAll(filepath.Join(name, entry.Name())); err != nil {
				return fmt.Errorf("%s: %w", filepath.Join(dir, entry.Name()), cause(err))
			}
			s.after(-1, "temporary removed")
		}
	}
	return nil
}

// restore puts one path back as it was.
func (s *Store) restore(o opened, t *touched, r *Recovery) error {
	name, err := s.at(t.Real)
	if err != nil {
		return err
	}
	before := t.States[0]
	now, err := lookAmong(name, t.States)
	if err != nil {
		return err
	}
	ours := slices.ContainsFunc(t.States, now.same)
	sameMode := before.Kind != kindDir || now.Mode == before.Mode || !t.has(kindAbsent)
	switch {
	case now.same(before) && sameMode:
		return nil
	case !ours:
		r.Left = append(r.Left, Left{t.Path, "somebody else changed it meanwhile"})
		return nil
	}
	var content io.Reader
	if before.Kind == kindFile {
		if content, err = o.content(before); err != nil {
			return err
		}
	}
	err = s.change(-1, name, o.temporary(name, 0, "old"), before, content)
	switch {
	case errors.Is(err, syscall.ENOTEMPTY):
		r.Left = append(r.Left, Left{t.Path, "somebody else put something into it meanwhile"})
		return nil
	case errors.Is(err, fs.ErrNotExist):
		r.Left = append(r.Left, Left{t.Path, "its directory is gone"})
		return nil
	case err == nil:
		r.Restored = append(r.Restored, t.Path)
	}
	return err
}

// restoreIndex puts the index files of a depmod step back. Where somebody else
// has written them since the step ended, the old ones would be as wrong as the
// new: the command is run again on the tree as it now is.
func (s *Store) restoreIndex(ctx context.Context, o opened, i int, r *Recovery) error {
	e := &o.steps[i]
	dir, err := newResolver(s.root).follow(e.Real)
	if err != nil {
		return err
	}
	dir = s.machine(dir)
	now, err := indexNow(dir, e.Globs)
	if err != nil {
		if _, gone := os.Lstat(dir); errors.Is(gone, fs.ErrNotExist) {
			r.Left = append(r.Left, Left{e.Path, "the directory is gone"})
			return nil
		}
		return err
	}
	if sameIndex(now, e.Index) && !o.begun[i] {
		return nil
	}
	if s.foreign(o, e.Real, now) {
		return s.indexAgain(ctx, e, r)
	}
	if err := s.putIndex(i, o, e.Index, dir, e.Globs, o.prefix()); err != nil {
		return err
	}
	if !sameIndex(now, e.Index) {
		r.Restored = append(r.Restored, e.Path)
	}
	return nil
}

// foreign says whether index files are certainly none that the transaction's
// commands on the directory left, or found.
func (s *Store) foreign(o opened, real string, now []indexFile) bool {
	for i := range o.steps {
		if o.steps[i].Op != Depmod || o.steps[i].Real != real {
			continue
		}
		e, done := o.ended[i]
		switch {
		case o.begun[i] && !done:
			return false // stopped in the middle: any state may be its own
		case done && sameIndex(now, e.Index), sameIndex(now, o.steps[i].Index):
			return false
		case done && partly(now, e.Index, o.steps[i].Index):
			return false
		}
	}
	return true
}

// partly says whether every file is that of one list or the other: putting
// them back was interrupted.
func partly(now, a, b []indexFile) bool {
	for _, f := range now {
		if !slices.ContainsFunc(slices.Concat(a, b), func(g indexFile) bool { return f.Name == g.Name && f.Image.same(g.Image) }) {
			return false
		}
	}
	return true
}

// indexAgain runs a depmod step's command on a tree that somebody else changed.
func (s *Store) indexAgain(ctx context.Context, e *entry, r *Recovery) error {
	left := Left{e.Path, "somebody else wrote its index files meanwhile; they were made again"}
	if len(e.Argv) == 0 || s.opts.Run == nil {
		left.Reason = "somebody else wrote its index files meanwhile; they are to be made again"
	} else if err := s.run(ctx, e.Step, e.Argv); err != nil {
		left.Reason = fmt.Sprintf("somebody else wrote its index files meanwhile; making them again: %v", err)
	}
	r.Left = append(r.Left, left)
	return nil
}
