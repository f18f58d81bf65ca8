package txn

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// RefusedError is the error of UndoPlan where the tree is no longer what the
// transaction left, or what it would put back leads nowhere.
type RefusedError struct {
	Number  int
	Reasons []string // each names a path
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("transaction %d: cannot be taken back: %s", e.Number, strings.Join(e.Reasons, "; "))
}

// ErrUnknown is the error of a number that is not in the history: never used,
// or pruned since.
var ErrUnknown = errors.New("not in the history")

// UndoPlan returns the plan that takes transaction n back; with Run it becomes
// a transaction of its own, which can be taken back in turn. Files and links
// are put back as they were; index files too, if nobody has written them
// since, and are made anew otherwise; images are made anew. A directory that
// holds something else by now stays. It is refused with a *RefusedError where a
// path is not as the transaction left it, and where the target of a link to put
// back is gone. Nothing is changed.
func (s *Store) UndoPlan(n int) (Plan, error) {
	o, err := s.open(fmt.Sprintf("%d%s", n, historySuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return Plan{}, fmt.Errorf("transaction %d: %w", n, ErrUnknown)
	}
	if err != nil {
		return Plan{}, err
	}
	defer o.close()
	u := &undo{s: s, o: o, refused: &RefusedError{Number: n}}
	if err := u.takenBack(n); err != nil {
		return Plan{}, err
	}
	if err := u.steps(); err != nil {
		return Plan{}, fmt.Errorf("transaction %d: %w", n, err)
	}
	if len(u.refused.Reasons) > 0 {
		return Plan{}, u.refused
	}
	return Plan{Name: fmt.Sprintf("undo %d: %s", n, o.Name), Undoes: n, Steps: u.plan}, nil
}

// undo makes the plan that takes a transaction back.
type undo struct {
	s       *Store
	o       opened
	plan    []Step
	refused *RefusedError
}

func (u *undo) refuse(name, format string, args ...any) {
	u.refused.Reasons = append(u.refused.Reasons, name+": "+fmt.Sprintf(format, args...))
}

// takenBack refuses a transaction that a later one took back.
func (u *undo) takenBack(n int) error {
	records, _ := u.s.History() // what cannot be read took nothing back that is known
	for _, r := range records {
		if r.Number == n && r.UndoneBy != 0 {
			u.refused.Reasons = append(u.refused.Reasons, fmt.Sprintf("transaction %d took it back already", r.UndoneBy))
			return u.refused
		}
	}
	return nil
}

func (u *undo) steps() error {
	for _, t := range u.o.inOrder() {
		if t.States[0].same(t.States[len(t.States)-1]) {
			continue
		}
		if err := u.unchanged(t); err != nil {
			return err
		}
		if err := u.reverse(t); err != nil {
			return err
		}
	}
	u.emptied()
	for i, e := range u.o.steps {
		if e.Op == Depmod {
			if err := u.index(i, e); err != nil {
				return err
			}
		}
	}
	for _, e := range u.o.steps {
		if e.Op == Initramfs {
			u.plan = append(u.plan, Step{Op: Initramfs, Path: e.Path, Command: e.Argv, Reason: "made anew"})
		}
	}
	return nil
}

// unchanged refuses where a path is not as the transaction left it.
func (u *undo) unchanged(t *touched) error {
	name, err := u.s.at(t.Real)
	if err != nil {
		return err
	}
	last := t.States[len(t.States)-1]
	now, err := lookAmong(name, []image{last})
	if err != nil {
		return fmt.Errorf("%s: %w", t.Path, err)
	}
	switch {
	case now.same(last):
	case now.Kind == kindAbsent:
		u.refuse(t.Path, "is gone since")
	default:
		u.refuse(t.Path, "was changed since")
	}
	return nil
}

// reverse appends the step that makes a path what it was before the plan.
func (u *undo) reverse(t *touched) error {
	before, after := t.States[0], t.States[len(t.States)-1]
	step := Step{Path: t.Path, Reason: "as before"}
	switch before.Kind {
	case kindAbsent:
		step.Op = map[string]Op{kindLink: Unlink, kindDir: Rmdir, kindFile: Remove}[after.Kind]
	case kindLink:
		step.Op, step.Target = Link, before.Text
		u.donor(t.Real, step)
	case kindDir:
		step.Op, step.Mode = Mkdir, before.Mode
	case kindFile:
		step.Op, step.Mode = Write, before.Mode
		content, err := u.o.content(before)
		if err == nil {
			step.Data, err = io.ReadAll(content)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t.Path, err)
		}
	}
	u.plan = append(u.plan, step)
	return nil
}

// donor refuses a link whose target is gone.
func (u *undo) donor(real string, step Step) {
	target := step.Target
	if !path.IsAbs(target) {
		target = path.Join(path.Dir(real), target)
	}
	where, err := newResolver(u.s.root).follow(target)
	if err == nil {
		_, err = os.Lstat(u.s.machine(where))
	}
	if err != nil {
		u.refuse(step.Path, "its donor %s is gone", target)
	}
}

// emptied leaves out the removal of directories that hold what the plan leaves:
// somebody has put it there since. What lies in a directory comes before it.
func (u *undo) emptied() {
	r := newResolver(u.s.root)
	removed := make(map[string]bool)
	u.plan = slices.DeleteFunc(u.plan, func(step Step) bool {
		real, err := r.real(step.Path)
		if err != nil || step.Op != Unlink && step.Op != Rmdir && step.Op != Remove {
			return false // Run will say it
		}
		if step.Op == Rmdir {
			entries, _ := os.ReadDir(u.s.machine(real))
			if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return !removed[path.Join(real, e.Name())] }) {
				return true
			}
		}
		removed[real] = true
		return false
	})
}

// index appends the step that takes a depmod step back.
func (u *undo) index(i int, e entry) error {
	step := Step{Op: Depmod, Path: e.Path, Command: e.Argv, Files: e.Globs, Reason: "index files made anew"}
	if slices.ContainsFunc(u.plan, func(s Step) bool { return s.Op == Depmod && s.Path == e.Path }) {
		return nil // one step puts back what was before the first
	}
	dir, err := newResolver(u.s.root).follow(e.Real)
	if err != nil {
		return fmt.Errorf("%s: %w", e.Path, err)
	}
	now, err := indexNow(u.s.machine(dir), e.Globs)
	if err != nil {
		u.refuse(e.Path, "index files: %v", err)
		return nil
	}
	if sameIndex(now, u.left(e.Real)) && u.o.kept(e.Index) {
		step.From, step.Reason = u.o.Number, "index files as before"
	} else if len(step.Command) == 0 {
		u.refuse(e.Path, "its index files were written since, and no command is known that makes them")
	}
	u.plan = append(u.plan, step)
	return nil
}

// left are the index files as the transaction's last command in a directory
// left them.
func (u *undo) left(real string) []indexFile {
	var files []indexFile
	for i, e := range u.o.steps {
		if e.Op == Depmod && e.Real == real {
			files = u.o.ended[i].Index
		}
	}
	return files
}

// kept says whether the content of all files is in the journal.
func (j *journal) kept(files []indexFile) bool {
	return !slices.ContainsFunc(files, func(f indexFile) bool { return f.Image.Blob == 0 })
}
