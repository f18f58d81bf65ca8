// Package txn changes a tree of files as one transaction: after it, and after
// a crash at any point of it, the tree is as it was before or as it was asked
// for, and nothing between.
//
// A tree is what lies below a root directory; paths are absolute inside it,
// and symbolic links in their directories are followed as after chroot(2). A
// plan is a list of steps. A step changes one path (link, unlink, mkdir,
// rmdir, write, remove), or runs a command that rewrites index files in a
// directory (depmod) or produces one file (initramfs). The pre-image of a path
// is what stood there before the plan.
//
// The state directory, one for a root, holds:
//
//	lock       flock(2)ed by the one process that changes the tree
//	journal    the transaction under way: its steps and all pre-images
//	committed  the same, when only produced files have yet to be renamed
//	N.txn      transaction number N, done: the journal it was
//
// The journal is on the disk before the first step is done. A path changes by
// a rename of something complete, or by one call of the kernel, so it has its
// old content or its new one at each moment. When all steps are done and on
// the disk, the journal is renamed: that is the mark. A crash before the mark
// is followed by Recover with the pre-images put back; one after it, with what
// is left done. Neither depends on where it stopped, and both can themselves
// be stopped anywhere.
//
// What somebody else changed meanwhile is never overwritten: a path in a state
// that no step of the transaction leaves is left alone and reported.
//
// The shape, a journal of steps each with its undo, is that of snapd's
// overlord/state; the mark by rename is as in restic and many databases.
package txn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Op says what a step does.
type Op string

// The operations. Each wants the path as it says, or the plan is refused
// before anything is changed.
const (
	Link      Op = "link"      // symbolic link of text Target; on nothing or another link
	Unlink    Op = "unlink"    // removes a symbolic link
	Mkdir     Op = "mkdir"     // makes a directory of Mode (0: 0755); one that is there stays
	Rmdir     Op = "rmdir"     // removes an empty directory
	Write     Op = "write"     // file of content Data and Mode (0: 0644, or the old file's); on nothing or a regular file
	Remove    Op = "remove"    // removes a regular file
	Depmod    Op = "depmod"    // runs Command, which rewrites those files of directory Path that match Files
	Initramfs Op = "initramfs" // runs Command, which produces the file that becomes Path
)

// Step is one change.
type Step struct {
	Op Op `json:"op"`
	// Path is absolute inside the root, and clean.
	Path string `json:"path"`
	// Target is a link's text.
	Target string `json:"target,omitempty"`
	// Reason says why, for people.
	Reason string `json:"reason,omitempty"`

	// Data and Mode are the content of a file and the permissions of a file
	// or directory.
	Data []byte      `json:"-"`
	Mode fs.FileMode `json:"-"`
	// ModTime is the time of change that a written file gets; the zero time
	// stands for now. A package manager holds files against theirs.
	ModTime time.Time `json:"-"`
	// Command is the program with its arguments. For initramfs a word that is
	// "{}" stands for the file to produce, whose name the transaction chooses:
	// the machine's path of a file beside Path.
	Command []string `json:"-"`
	// Files are names, or patterns of path.Match, of files in directory Path.
	Files []string `json:"-"`
	// From is set by UndoPlan: the number of the transaction whose backups of
	// the files are put back, where Command is not needed; 0 for Command.
	From int `json:"-"`
}

// String is the step in one line, without its reason.
func (s Step) String() string {
	if s.Target != "" {
		return fmt.Sprintf("%s %s -> %s", s.Op, s.Path, s.Target)
	}
	return fmt.Sprintf("%s %s", s.Op, s.Path)
}

// Plan is a list of steps that are done together or not at all.
type Plan struct {
	// Name says what was asked for; it is kept in the history.
	Name string `json:"name"`
	// Undoes is the number of the transaction that the plan takes back, or 0.
	Undoes int    `json:"undoes,omitempty"`
	Steps  []Step `json:"steps"`
}

// Options are what a Store needs from outside.
type Options struct {
	// State is the state directory, a path of the machine; where it is empty,
	// var/lib/modkeep inside the root.
	State string
	// Now is the clock for the history; without it times are zero.
	Now func() time.Time
	// Run executes the command of a depmod or initramfs step. It returns when
	// the command has ended. While it runs the lock is inherited by its
	// children, so that a command that outlives this process keeps others from
	// beginning. Without it plans with commands are refused.
	Run func(ctx context.Context, step Step, argv []string) error
	// Waiting is called once when another process holds the lock.
	Waiting func(holder string)
	// Wait is how long to wait for the lock: 0 for 15 minutes, in which several
	// images can be made; less than 0 for as long as the context allows.
	Wait time.Duration
	// After is called after each elementary action, with the step's index (-1
	// for what belongs to no step) and the action's name. It is for tests.
	After func(step int, what string)
}

// Store is a tree with its state directory. It is for one goroutine; two
// stores of one root exclude each other by the lock.
type Store struct {
	root  string // the machine's path
	state string // the machine's path
	opts  Options
	lock  *os.File // while the lock is held
}

const defaultWait = 15 * time.Minute

// Names in the state directory.
const (
	lockName      = "lock"
	newName       = "journal.new" // a journal that is not whole yet
	journalName   = "journal"
	committedName = "committed"
	historySuffix = ".txn"
)

// ErrNotLocked is returned for a change without the lock.
var ErrNotLocked = errors.New("the lock is not held")

// ErrPending is returned by Run where an earlier transaction was interrupted
// and Recover was not called.
var ErrPending = errors.New("an interrupted transaction is to be recovered first")

// Open returns the store of the tree below root. It creates nothing.
func Open(root string, opts Options) (*Store, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	if info, err := os.Stat(abs); err != nil {
		return nil, fmt.Errorf("root: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("root: %s: not a directory", abs)
	}
	s := &Store{root: abs, state: opts.State, opts: opts}
	if s.state == "" {
		inside, err := newResolver(abs).follow("/var/lib/modkeep")
		if err != nil {
			return nil, fmt.Errorf("state directory: %w", err)
		}
		s.state = s.machine(inside)
	}
	if s.state, err = filepath.Abs(s.state); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	return s, nil
}

// machine is the machine's path of a resolved path inside the root.
func (s *Store) machine(inside string) string { return filepath.Join(s.root, inside) }

func (s *Store) stateFile(name string) string { return filepath.Join(s.state, name) }

func (s *Store) after(step int, what string) {
	if s.opts.After != nil {
		s.opts.After(step, what)
	}
}

func (s *Store) now() time.Time {
	if s.opts.Now == nil {
		return time.Time{}
	}
	return s.opts.Now().UTC().Round(0)
}

// Pending says whether an interrupted transaction is to be recovered. One that
// another process is at work on is not interrupted. Nothing is changed.
func (s *Store) Pending() (bool, error) {
	found := false
	for _, name := range []string{journalName, committedName} {
		switch _, err := os.Lstat(s.stateFile(name)); {
		case err == nil:
			found = true
		case !errors.Is(err, fs.ErrNotExist):
			return false, err
		}
	}
	if !found || s.lock != nil {
		return found, nil
	}
	busy, err := s.busy()
	return !busy, err
}
