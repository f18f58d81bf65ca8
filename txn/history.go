package txn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How much history is kept: at most so many transactions, and of those that
// are not the newest only what fits in so many bytes.
const (
	keepNumber = 50
	keepBytes  = 512 << 20
)

// Record is one transaction of the history.
type Record struct {
	Number int       `json:"number"` // from 1, never used again
	Time   time.Time `json:"time"`
	Name   string    `json:"name"` // the plan's
	Steps  []Step    `json:"steps"`
	// UndoneBy is the number of the transaction that took this one back, and
	// is itself in effect; 0 where this one is in effect.
	UndoneBy int `json:"undone_by,omitempty"`
	// Undoes is the number of the transaction that this one took back, or 0.
	Undoes int `json:"undoes,omitempty"`
}

func (j *journal) record() Record {
	r := Record{Number: j.Number, Time: j.Time, Name: j.Name, Undoes: j.Undoes, Steps: make([]Step, len(j.steps))}
	for i, e := range j.steps {
		r.Steps[i] = e.Step
	}
	return r
}

// History returns the transactions that were done, newest first. Records that
// can be read are returned even where the error, which names the others'
// files, is not nil.
func (s *Store) History() ([]Record, error) {
	numbers, err := s.numbers()
	if err != nil {
		return nil, err
	}
	records := make([]Record, 0, len(numbers))
	var errs []error
	for _, n := range slices.Backward(numbers) {
		o, err := s.openFor(fmt.Sprintf("%d%s", n, historySuffix), true)
		if errors.Is(err, fs.ErrNotExist) {
			continue // pruned at this moment
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r := o.record()
		o.close()
		r.Number = n
		records = append(records, r)
	}
	markUndone(records)
	return records, errors.Join(errs...)
}

// markUndone sets UndoneBy in records, which are newest first: an undo counts
// unless it was itself undone.
func markUndone(records []Record) {
	by := make(map[int]int)
	for i := range records {
		r := &records[i]
		r.UndoneBy = by[r.Number]
		if r.Undoes != 0 && r.UndoneBy == 0 && by[r.Undoes] == 0 {
			by[r.Undoes] = r.Number
		}
	}
}

// numbers are those of the transactions in the state directory, ascending.
func (s *Store) numbers() ([]int, error) {
	entries, err := os.ReadDir(s.state)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	var numbers []int
	for _, entry := range entries {
		digits, ok := strings.CutSuffix(entry.Name(), historySuffix)
		if n, err := strconv.Atoi(digits); ok && err == nil && n > 0 && strconv.Itoa(n) == digits {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

func (s *Store) nextNumber() (int, error) {
	numbers, err := s.numbers()
	if err != nil || len(numbers) == 0 {
		return 1, err
	}
	return numbers[len(numbers)-1] + 1, nil
}

// prune removes the oldest transactions beyond what is kept.
func (s *Store) prune() error {
	numbers, err := s.numbers()
	if err != nil {
		return err
	}
	total := int64(0)
	for i, n := range slices.Backward(numbers) {
		name := s.stateFile(fmt.Sprintf("%d%s", n, historySuffix))
		if info, err := os.Lstat(name); err == nil {
			total += info.Size()
		}
		if newer := len(numbers) - 1 - i; newer == 0 || newer < keepNumber && total <= keepBytes {
			continue
		}
		if err := removed(name); err != nil {
			return fmt.Errorf("prune history: %w", err)
		}
		s.after(-1, "pruned")
	}
	return nil
}
