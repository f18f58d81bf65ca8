package txn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// append appends a frame to the journal under way; if durable, it is on the
// disk before anything else happens.
func (t *transaction) append(kind string, v any, durable bool) error {
	err := t.w.record(kind, v)
	if err == nil {
		err = t.w.flush(durable)
	}
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	t.tailed = !durable
	return nil
}

// begin says in the journal that a command is about to run: from here on the
// files it rewrites may be in any state.
func (t *transaction) begin(i int) error {
	if err := t.append(frameBegun, begun{i}, true); err != nil {
		return err
	}
	t.begun[i] = true
	t.store.after(i, "begun")
	return nil
}

func (t *transaction) end(i int, e ended) error {
	e.Step = i
	if err := t.append(frameEnded, e, false); err != nil {
		return err
	}
	t.ended[i] = e
	t.store.after(i, "ended")
	return nil
}

// run executes a step's command, whose children inherit the lock.
func (s *Store) run(ctx context.Context, step Step, argv []string) error {
	if s.opts.Run == nil {
		return errors.New("nothing runs commands here")
	}
	if s.lock != nil {
		if err := inherit(s.lock, true); err != nil {
			return err
		}
		defer inherit(s.lock, false)
	}
	return s.opts.Run(ctx, step, argv)
}

// rewriteIndex does a depmod step: the command, or the backups of an earlier
// transaction.
func (t *transaction) rewriteIndex(ctx context.Context, i int, e *entry) error {
	dir := t.store.machine(e.Real)
	if err := t.begin(i); err != nil {
		return err
	}
	kept := filepath.Join(dir, fmt.Sprintf("%s%d.reserve", t.prefix(), i))
	if err := t.keepRoom(kept, e.Index); err != nil {
		return err
	}
	t.store.after(i, "reserve")
	var err error
	if e.Backup > 0 {
		err = t.fromHistory(i, e, dir)
	} else {
		err = t.store.run(ctx, e.Step, e.Argv)
		t.store.after(i, "command")
	}
	if err := errors.Join(err, removed(kept)); err != nil {
		return err
	}
	files, err := indexNow(dir, e.Globs)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := syncFile(filepath.Join(dir, f.Name)); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return t.end(i, ended{Index: files})
}

// keepRoom takes as much of the disk as the old index files need, so that they
// can be put back even if the command, or anybody, filled the disk.
func (t *transaction) keepRoom(name string, files []indexFile) error {
	const block = 4096
	var size int64
	for _, f := range files {
		size += (f.Image.Size + block - 1) / block * block
	}
	if size == 0 {
		return nil
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return cause(err)
	}
	defer file.Close()
	if err := reserve(file, size); err != nil {
		return errors.Join(fmt.Errorf("keep room for the old index files: %w", err), removed(name))
	}
	return nil
}

// indexNow are the index files of a directory as they are, with their sums.
func indexNow(dir string, globs []string) ([]indexFile, error) {
	names, err := indexNames(dir, globs)
	if err != nil {
		return nil, err
	}
	files := make([]indexFile, 0, len(names))
	for _, name := range names {
		full := filepath.Join(dir, name)
		img, err := look(full)
		if err == nil && img.Kind == kindFile {
			img.Sum, err = sumOf(full, img.Size)
		}
		if err == nil && img.Kind != kindFile {
			err = fmt.Errorf("is a %s, not a file", img.Kind)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files = append(files, indexFile{name, img})
	}
	return files, nil
}

// sameIndex says whether two lists of index files are the same.
func sameIndex(a, b []indexFile) bool {
	return slices.EqualFunc(a, b, func(a, b indexFile) bool { return a.Name == b.Name && a.Image.same(b.Image) })
}

// fromHistory puts back the index files that an earlier transaction kept.
func (t *transaction) fromHistory(i int, e *entry, dir string) error {
	o, err := t.store.open(fmt.Sprintf("%d%s", e.Backup, historySuffix))
	if err != nil {
		return err
	}
	defer o.close()
	for _, old := range o.steps {
		if old.Op == Depmod && old.Real == e.Real {
			return t.store.putIndex(i, o, old.Index, dir, e.Globs, t.prefix())
		}
	}
	return fmt.Errorf("transaction %d has no backups of it", e.Backup)
}

// putIndex removes what matches globs and is not among files, which also gives
// back room, and then makes the index files of dir those that are kept in o,
// each by a rename.
func (s *Store) putIndex(i int, o opened, files []indexFile, dir string, globs []string, prefix string) error {
	names, err := indexNames(dir, append(leftovers(globs), globs...))
	if err != nil {
		return err
	}
	for _, name := range names {
		if slices.ContainsFunc(files, func(f indexFile) bool { return f.Name == name }) {
			continue
		}
		if err := s.removePath(i, filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for n, f := range files {
		full := filepath.Join(dir, f.Name)
		now, err := lookAmong(full, []image{f.Image})
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if now.same(f.Image) {
			continue
		}
		content, err := o.content(f.Image)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		temporary := filepath.Join(dir, fmt.Sprintf("%s%d.index%d", prefix, i, n))
		if err := errors.Join(removed(temporary), s.change(i, full, temporary, f.Image, content)); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

// leftovers are patterns of the names that a killed depmod leaves:
// modules.dep.PID.MICROSECONDS.SECONDS (kmod's tools/depmod.c).
func leftovers(globs []string) []string {
	var list []string
	for _, glob := range globs {
		list = append(list, glob+".[0-9]*.[0-9]*.[0-9]*")
	}
	return list
}

// produce does an initramfs step: the file comes to be beside its place, and is
// renamed after the mark.
func (t *transaction) produce(ctx context.Context, i int, e *entry) error {
	name := t.imageName(i, e)
	if err := t.begin(i); err != nil {
		return err
	}
	argv := slices.Clone(e.Argv)
	for n, word := range argv {
		if word == "{}" {
			argv[n] = name
		}
	}
	if err := t.store.run(ctx, e.Step, argv); err != nil {
		return err
	}
	t.store.after(i, "command")
	img, err := look(name)
	switch {
	case err != nil:
		return err
	case img.Kind != kindFile || img.Size == 0:
		return fmt.Errorf("%s: has ended well, but produced no file", argv[0])
	}
	if err := syncFile(name); err != nil {
		return err
	}
	return t.end(i, ended{Produced: &img})
}

// imageName is the machine's path of the file that a step produces.
func (t *transaction) imageName(i int, e *entry) string {
	return t.temporary(t.store.machine(e.Real), i, "image")
}

// produced are the indexes of the steps that produced a file.
func (j *journal) produced() []int {
	var steps []int
	for i := range j.steps {
		if j.ended[i].Produced != nil {
			steps = append(steps, i)
		}
	}
	return steps
}

// putImages renames what was produced to its place. It may be done again.
func (t *transaction) putImages() error {
	var errs []error
	for _, i := range t.produced() {
		e := &t.steps[i]
		err := os.Rename(t.imageName(i, e), t.store.machine(e.Real))
		switch {
		case errors.Is(err, fs.ErrNotExist) && t.inPlace(i, e):
		case errors.Is(err, fs.ErrNotExist):
			errs = append(errs, &goneError{e.Path})
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: put in place: %w", e.Path, cause(err)))
		default:
			t.store.after(i, "image renamed")
		}
	}
	return errors.Join(append(errs, t.syncDirs(true))...)
}

// inPlace says whether what stands at a step's path is what it produced.
func (t *transaction) inPlace(i int, e *entry) bool {
	now, err := look(t.store.machine(e.Real))
	want := t.ended[i].Produced
	return err == nil && now.Kind == kindFile && now.Size == want.Size && now.MTime == want.MTime
}

// goneError is the error of a produced file that somebody removed.
type goneError struct{ path string }

func (e *goneError) Error() string { return e.path + ": what was produced for it is gone" }

func syncFile(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return cause(err)
	}
	defer file.Close()
	return cause(file.Sync())
}

func setMTime(name string, nanoseconds int64) error {
	when := time.Unix(0, nanoseconds)
	return cause(os.Chtimes(name, when, when))
}
