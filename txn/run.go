package txn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"syscall"
)

// StepError is the error of a step that failed, and with it the plan.
type StepError struct {
	Index int  // of the step in the plan; its length for what follows the last
	Step  Step // nothing for what follows the last
	Err   error
	// Restored says that all is again as it was before the plan. Otherwise
	// Left or Undo say what is not, and Recover is to be tried again.
	Restored bool
	Left     []Left // paths that somebody else changed meanwhile
	Undo     error  // why the steps before could not be taken back
}

func (e *StepError) Error() string {
	text := e.Err.Error()
	if e.Step.Op != "" {
		text = fmt.Sprintf("%s %s: %v", e.Step.Op, e.Step.Path, e.Err)
	}
	if e.Undo != nil {
		return text + "; and what was done could not be taken back: " + e.Undo.Error()
	}
	for _, l := range e.Left {
		text += fmt.Sprintf("; %s: left as it is: %s", l.Path, l.Reason)
	}
	return text
}

func (e *StepError) Unwrap() error { return e.Err }

// transaction is a journal being carried out.
type transaction struct {
	*journal
	store  *Store
	file   *os.File // the journal
	w      *journalWriter
	tailed bool // frames were appended that are not on the disk yet
}

// Run does the steps of a plan, all or none: on an error the tree is as it was,
// unless the error says otherwise (see StepError). It wants the lock and no
// interrupted transaction. A plan without steps does nothing and is not kept,
// but for one that takes back a transaction which changed nothing.
//
// Where the record has a number, the transaction is done even if an error is
// returned with it.
func (s *Store) Run(ctx context.Context, plan Plan) (Record, error) {
	if s.lock == nil {
		return Record{}, ErrNotLocked
	}
	if pending, err := s.Pending(); err != nil || pending {
		return Record{}, errors.Join(err, ErrPending)
	}
	if len(plan.Steps) == 0 && plan.Undoes == 0 {
		return Record{}, nil
	}
	t, err := s.begin(ctx, plan)
	if err != nil {
		return Record{}, err
	}
	defer t.file.Close()
	if err := t.carryOut(ctx); err != nil {
		return Record{}, t.giveUp(err)
	}
	if err := t.mark(); err != nil {
		return Record{}, t.giveUp(err)
	}
	return t.record(), t.finish()
}

// begin writes the journal. Until it has returned nothing is changed.
func (s *Store) begin(ctx context.Context, plan Plan) (*transaction, error) {
	name := s.stateFile(newName)
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write journal: %w", err)
	}
	t := &transaction{store: s, file: file, w: newJournalWriter(file)}
	t.journal, err = s.prepare(ctx, plan, t.w)
	var wrong *StepError
	if err != nil && !errors.As(err, &wrong) {
		err = fmt.Errorf("write journal: %w", err)
	}
	if err == nil {
		err = s.publish(t.w)
	}
	if err != nil {
		file.Close()
		return nil, errors.Join(err, removed(name))
	}
	return t, nil
}

// publish completes a new journal, and gives it its name.
func (s *Store) publish(w *journalWriter) error {
	err := w.frame(frameReady, bytes.NewReader(nil), 0)
	if err == nil {
		err = w.flush(true)
	}
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	s.after(-1, "journal written")
	if err := os.Rename(s.stateFile(newName), s.stateFile(journalName)); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	s.after(-1, "journal named")
	if err := syncDir(s.state); err != nil {
		return errors.Join(fmt.Errorf("write journal: %w", err), removed(s.stateFile(journalName)))
	}
	return nil
}

// removed removes a file that may not be there.
func removed(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// carryOut does all steps and brings them to the disk.
func (t *transaction) carryOut(ctx context.Context) error {
	for i := range t.steps {
		e := &t.steps[i]
		err := context.Cause(ctx)
		if err == nil {
			err = t.step(ctx, i, e)
		}
		if err != nil {
			return &StepError{Index: i, Step: e.Step, Err: err}
		}
	}
	if err := t.syncDirs(false); err != nil {
		return err
	}
	if t.tailed {
		return t.w.flush(true)
	}
	return nil
}

// giveUp takes back what was done before a failure. Its error is why, with
// what could not be taken back.
func (t *transaction) giveUp(why error) error {
	failed := &StepError{}
	if !errors.As(why, &failed) {
		failed = &StepError{Index: len(t.steps), Err: why}
	}
	t.w.flush(false) // what it holds is not needed from here on
	o := opened{t.journal, t.file}
	// The caller's context may be what ended the plan.
	r, err := t.store.takeBack(context.Background(), o)
	failed.Undo = err
	if r != nil {
		failed.Left = r.Left
	}
	failed.Restored = err == nil && len(failed.Left) == 0
	return failed
}

// mark renames the journal: from then on the transaction is done.
func (t *transaction) mark() error {
	s := t.store
	if err := os.Rename(s.stateFile(journalName), s.stateFile(t.marked())); err != nil {
		return fmt.Errorf("mark as done: %w", err)
	}
	s.after(-1, "mark")
	return nil
}

// marked is the journal's name after the mark.
func (t *transaction) marked() string {
	if len(t.produced()) > 0 {
		return committedName
	}
	return t.historyName()
}

func (j *journal) historyName() string { return fmt.Sprintf("%d%s", j.Number, historySuffix) }

// finish does what is left after the mark; it may be done again.
func (t *transaction) finish() error {
	s := t.store
	if err := syncDir(s.state); err != nil {
		return fmt.Errorf("done, but not known to be on the disk: %w", err)
	}
	if t.marked() == committedName {
		if err := t.putImages(); err != nil {
			return err
		}
		if err := t.toHistory(); err != nil {
			return err
		}
	}
	return s.prune()
}

// toHistory gives a transaction that is wholly done its place in the history.
func (t *transaction) toHistory() error {
	s := t.store
	if err := os.Rename(s.stateFile(committedName), s.stateFile(t.historyName())); err != nil {
		return fmt.Errorf("done, but for its place in the history: %w", err)
	}
	s.after(-1, "in history")
	return syncDir(s.state)
}

// at is the machine's path of a resolved path inside the root. The directories
// are resolved again: what became a link meanwhile does not lead outside.
func (s *Store) at(inside string) (string, error) {
	real, err := newResolver(s.root).real(inside)
	if err != nil {
		return "", err
	}
	return s.machine(real), nil
}

// temporary is the name of a file beside path that belongs to one transaction.
// It is none that a tool takes for a module, a rule or an image.
func (j *journal) temporary(name string, n int, what string) string {
	return filepath.Join(filepath.Dir(name), fmt.Sprintf("%s%d.%s", j.prefix(), n, what))
}

// prefix begins the names of all temporary files of a transaction.
func (j *journal) prefix() string { return fmt.Sprintf(".modkeep-%d-", j.Number) }

// step does one step.
func (t *transaction) step(ctx context.Context, i int, e *entry) error {
	switch e.Op {
	case Depmod:
		return t.rewriteIndex(ctx, i, e)
	case Initramfs:
		return t.produce(ctx, i, e)
	}
	states := t.paths[e.Touched].States
	before, next := states[e.State-1], states[e.State]
	name := t.store.machine(e.Real)
	now, err := look(name)
	if err != nil {
		return err
	}
	if now.Kind != before.Kind || now.Text != before.Text || now.Size != before.Size {
		return errors.New("somebody else changed it at this moment")
	}
	if before.same(next) {
		return nil
	}
	return t.store.change(i, name, t.temporary(name, i, "new"), next, bytes.NewReader(e.Data))
}

// change makes a path what img says. Links and files come to be beside it
// under a temporary name. content is a file's.
func (s *Store) change(i int, name, temporary string, img image, content io.Reader) error {
	switch img.Kind {
	case kindAbsent:
		return s.removePath(i, name)
	case kindDir:
		return s.makeDir(i, name, img)
	case kindLink:
		if err := os.Symlink(img.Text, temporary); err != nil {
			return cause(err)
		}
	case kindFile:
		if err := s.writeFile(i, temporary, img, content); err != nil {
			return errors.Join(cause(err), removed(temporary))
		}
	}
	s.after(i, "temporary")
	if err := os.Rename(temporary, name); err != nil {
		return errors.Join(cause(err), removed(temporary))
	}
	s.after(i, "renamed")
	return nil
}

// removePath removes a link, a file, or an empty directory.
func (s *Store) removePath(i int, name string) error {
	if err := os.Remove(name); err != nil {
		return cause(err)
	}
	s.after(i, "removed")
	return nil
}

func (s *Store) makeDir(i int, name string, img image) error {
	if err := os.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return cause(err)
	}
	s.after(i, "directory")
	if err := owned(name, img); err != nil {
		return err
	}
	// Only now, so that umask has no part in it.
	if err := os.Chmod(name, img.Mode); err != nil {
		return cause(err)
	}
	s.after(i, "mode")
	return nil
}

// writeFile writes a whole file and brings it to the disk.
func (s *Store) writeFile(i int, name string, img image, content io.Reader) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	s.after(i, "created")
	if n, err := io.Copy(file, content); err != nil {
		return err
	} else if n != img.Size {
		return fmt.Errorf("%d bytes to write, %d expected", n, img.Size)
	}
	s.after(i, "written")
	if err := owned(name, img); err != nil {
		return err
	}
	if err := file.Chmod(img.Mode); err != nil {
		return err
	}
	if img.MTime != 0 {
		if err := setMTime(name, img.MTime); err != nil {
			return err
		}
	}
	return file.Sync()
}

// owned gives a new file or directory its owner, where that is not us anyway.
func owned(name string, img image) error {
	if os.Geteuid() != 0 || img.UID == 0 && img.GID == 0 {
		return nil
	}
	return cause(os.Lchown(name, img.UID, img.GID))
}

// syncDirs brings every directory that the steps changed to the disk. Before
// the mark, one that is gone though no step removed it is an error.
func (t *transaction) syncDirs(marked bool) error {
	var names []string
	for _, dir := range t.dirs() {
		name := t.store.machine(dir)
		if _, err := os.Lstat(name); err == nil {
			names = append(names, name)
		} else if !errors.Is(err, fs.ErrNotExist) || !marked && !t.removes(dir) {
			return fmt.Errorf("%s: %w", dir, cause(err))
		}
	}
	if err := syncAll(names); err != nil {
		return err
	}
	t.store.after(-1, "directories synced")
	return nil
}

// syncAll brings directories to the disk: one by one, or many, whose calls
// would take a millisecond each, with all else on their file systems.
func syncAll(names []string) error {
	const many = 8
	if len(names) > many {
		return syncWhole(names)
	}
	for _, name := range names {
		if err := syncDir(name); err != nil {
			return err
		}
	}
	return nil
}

// removes says whether the steps remove a directory.
func (j *journal) removes(dir string) bool {
	return slices.ContainsFunc(j.paths, func(t touched) bool {
		return t.Real == dir && t.States[len(t.States)-1].Kind == kindAbsent
	})
}

// dirs are the directories in which steps change names, inside the root.
func (j *journal) dirs() []string {
	var dirs []string
	for _, t := range j.paths {
		if slices.ContainsFunc(t.States, func(img image) bool { return !img.same(t.States[0]) }) {
			dirs = append(dirs, path.Dir(t.Real))
		}
	}
	for _, e := range j.steps {
		switch e.Op {
		case Depmod:
			dirs = append(dirs, e.Real)
		case Initramfs:
			dirs = append(dirs, path.Dir(e.Real))
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	// Some file systems have no fsync for directories; they say EINVAL.
	if err := dir.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
