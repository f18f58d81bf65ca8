package node

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"modkeep/txn"
	"modkeep/weakupdates"
)

// ErrNothingInstalled is the error of a rollback where the history has no
// installation that is in effect.
var ErrNothingInstalled = errors.New("no installation in the history is in effect")

// ErrRelink is the error of an installation, or a rollback, that is done but for
// the links of other kernels: what they led to is another file now, or gone.
var ErrRelink = errors.New("links of other kernels to changed modules are not put right")

// IsInstallation reports whether a transaction of the history is one of
// Install's.
func IsInstallation(r txn.Record) bool {
	verb, _, _ := strings.Cut(r.Name, " ")
	return r.Undoes == 0 && slices.Contains([]InstallVerb{InstallNew, InstallUpgrade, InstallReplace}, InstallVerb(verb))
}

// Installations returns the installations of the history, newest first, those
// that were taken back too. As History's, its error is of records that cannot
// be read, and the others are returned with it.
func (n *Node) Installations() ([]txn.Record, error) {
	records, err := n.store.History()
	return slices.DeleteFunc(records, func(r txn.Record) bool { return !IsInstallation(r) }), err
}

// Since returns the installations in effect from number on, newest first:
// those that a rollback to the state before it takes back. 0 stands for the
// last one.
func (n *Node) Since(number int) ([]txn.Record, error) {
	all, err := n.Installations()
	if err != nil {
		return nil, err
	}
	known := slices.ContainsFunc(all, func(r txn.Record) bool { return r.Number == number })
	all = slices.DeleteFunc(all, func(r txn.Record) bool { return r.UndoneBy != 0 })
	switch {
	case number == 0 && len(all) == 0:
		return nil, ErrNothingInstalled
	case number == 0:
		return all[:1], nil
	case !known:
		return nil, fmt.Errorf("installation %d: %w", number, txn.ErrUnknown)
	}
	return slices.DeleteFunc(all, func(r txn.Record) bool { return r.Number < number }), nil
}

// Rollback is what became of one.
type Rollback struct {
	Undone   []txn.Record // the installations that were taken back, newest first
	Done     []txn.Record // the transactions that did it, in the same order
	Plans    []txn.Plan   // theirs
	Recovery *txn.Recovery
	// Relinked is what it meant to other kernels' links; nil where none led to
	// a file that changed.
	Relinked *Result
}

// PlanRollback returns the plan of a rollback's first step, and all
// installations it takes back. What the others come to depends on the first.
func (n *Node) PlanRollback(number int) (*Rollback, error) {
	list, err := n.Since(number)
	if err != nil || len(list) == 0 {
		return &Rollback{}, err
	}
	plan, err := n.store.UndoPlan(list[0].Number)
	return &Rollback{Undone: list, Plans: []txn.Plan{plan}}, err
}

// Rollback takes the installations from number on back, newest first, each as
// a transaction of its own; 0 takes back the last one. Where one cannot be
// taken back, those that were are put in effect again. At last the links of
// other kernels that led to changed files are put right; with the error ErrRelink
// the rest is done.
func (n *Node) Rollback(ctx context.Context, number int) (*Rollback, error) {
	return n.relinked(ctx, func() ([]txn.Record, error) { return n.Since(number) })
}

// takeBack takes transactions back, and what was installed after them only where
// that changed the same files.
func (n *Node) takeBack(ctx context.Context, numbers []int) (*Rollback, error) {
	r, err := n.relinked(ctx, func() ([]txn.Record, error) {
		records, err := n.store.History()
		return slices.DeleteFunc(records, func(r txn.Record) bool { return !slices.Contains(numbers, r.Number) }), err
	})
	var refused *txn.RefusedError
	if errors.As(err, &refused) {
		if all, errAll := n.Rollback(ctx, slices.Min(numbers)); errAll == nil {
			return all, nil
		}
	}
	return r, err
}

// relinked takes back what list says, and puts the links of other kernels right.
func (n *Node) relinked(ctx context.Context, list func() ([]txn.Record, error)) (*Rollback, error) {
	r, err := n.rollback(ctx, list)
	if err == nil {
		var steps []txn.Step
		for _, p := range r.Plans {
			steps = append(steps, p.Steps...)
		}
		r.Relinked, err = n.relink(ctx, steps)
	}
	return r, err
}

// rollback takes the transactions that list returns back, under the lock.
func (n *Node) rollback(ctx context.Context, list func() ([]txn.Record, error)) (*Rollback, error) {
	r := &Rollback{}
	release, err := n.store.Lock(ctx)
	if err != nil {
		return r, err
	}
	defer release()
	if r.Recovery, err = n.store.Recover(ctx); err != nil {
		return r, fmt.Errorf("recover: %w", err)
	}
	records, err := list()
	if err != nil {
		return r, err
	}
	for _, rec := range records {
		done, plan, err := n.undo(ctx, rec.Number)
		if err != nil {
			return &Rollback{Recovery: r.Recovery}, errors.Join(err, n.redo(ctx, r.Done))
		}
		r.Undone, r.Done, r.Plans = append(r.Undone, rec), append(r.Done, done), append(r.Plans, plan)
	}
	return r, nil
}

func (n *Node) undo(ctx context.Context, number int) (txn.Record, txn.Plan, error) {
	plan, err := n.store.UndoPlan(number)
	if err != nil {
		return txn.Record{}, plan, err
	}
	rec, err := n.store.Run(ctx, plan)
	if rec.Number != 0 && err != nil {
		_, err = n.store.Recover(ctx) // it is done, but for what Recover finishes
	}
	return rec, plan, err
}

// redo takes transactions back that took others back, the last one first.
func (n *Node) redo(ctx context.Context, done []txn.Record) error {
	for _, rec := range slices.Backward(done) {
		if _, _, err := n.undo(ctx, rec.Number); err != nil {
			return fmt.Errorf("put %d in effect again: %w", rec.Undoes, err)
		}
	}
	return nil
}

// relink puts the weak-updates links right that lead to files which steps have
// changed or removed; it returns nil where there is none. Its error is an ErrRelink.
func (n *Node) relink(ctx context.Context, steps []txn.Step) (*Result, error) {
	names, err := n.linkedTo(steps)
	if err != nil || len(names) == 0 {
		return nil, relinkError(err)
	}
	res, err := n.Apply(ctx, Request{Request: weakupdates.Request{Verb: weakupdates.Relink, Modules: names}, Name: "link " + strings.Join(names, " ")})
	return res, relinkError(err)
}

func relinkError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrRelink, err)
}

// linkedTo are the modules that a link of another kernel leads to, in a file which
// steps have changed or removed.
func (n *Node) linkedTo(steps []txn.Step) ([]string, error) {
	changed := map[string]bool{}
	for _, s := range steps {
		if s.Op == txn.Write || s.Op == txn.Remove {
			changed[s.Path] = true
		}
	}
	r, err := n.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var names []string
	for _, krel := range r.Targets() {
		links, _ := r.Links(krel)
		for _, l := range links {
			target := l.Text
			if !path.IsAbs(target) {
				target = path.Join(path.Dir(l.Path), target)
			}
			if changed[target] && !slices.Contains(names, l.Name) {
				names = append(names, l.Name)
			}
		}
	}
	return names, nil
}
