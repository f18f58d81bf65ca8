package txn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// Lock waits until no other process changes the tree, at most until ctx ends or
// for Options.Wait, and keeps others from it until release is called. It
// creates the state directory. Options.Waiting is called once if there is
// somebody to wait for.
func (s *Store) Lock(ctx context.Context) (release func(), err error) {
	if s.lock != nil {
		return nil, errors.New("lock: this store holds it already")
	}
	if err := os.MkdirAll(s.state, 0o755); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	file, err := os.OpenFile(s.stateFile(lockName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := s.wait(ctx, file); err != nil {
		return nil, err
	}
	s.lock = file
	// The holder's name is for the message of those who wait; a full disk does
	// not keep anybody from the lock.
	if file.Truncate(0) == nil {
		file.WriteAt(fmt.Appendf(nil, "process %d\n", os.Getpid()), 0)
	}
	return func() {
		if s.lock == file {
			s.lock = nil
			file.Truncate(0)
			// A child that has been forked and not executed yet shares the
			// file: closing alone would leave the lock with it.
			flock(file, syscall.LOCK_UN)
			file.Close()
		}
	}, nil
}

// wait locks file, or closes it.
func (s *Store) wait(ctx context.Context, file *os.File) error {
	err := flock(file, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder := holderOf(file)
		if s.opts.Waiting != nil {
			s.opts.Waiting(holder)
		}
		return s.waitLong(ctx, file, holder)
	}
	if err != nil {
		file.Close()
		return fmt.Errorf("lock: %s: %w", file.Name(), err)
	}
	return nil
}

// waitLong locks file when its holder lets it go, or closes it.
func (s *Store) waitLong(ctx context.Context, file *os.File, holder string) error {
	wait := s.opts.Wait
	if wait == 0 {
		wait = defaultWait
	}
	if wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, wait, fmt.Errorf("not released in %v", wait))
		defer cancel()
	}
	done := make(chan error, 1)
	go func() { done <- flock(file, syscall.LOCK_EX) }()
	select {
	case err := <-done:
		if err != nil {
			file.Close()
			return fmt.Errorf("lock: %s: %w", file.Name(), err)
		}
		return nil
	case <-ctx.Done():
		// flock(2) cannot be called off: when it returns, the file is closed,
		// which gives the lock back.
		go func() {
			<-done
			file.Close()
		}()
		return fmt.Errorf("lock: %s: held by %s: %w", file.Name(), holder, context.Cause(ctx))
	}
}

func flock(file *os.File, how int) error {
	for {
		// Fd sets the file to blocking mode, which a lock file may well be.
		if err := syscall.Flock(int(file.Fd()), how); err != syscall.EINTR {
			return err
		}
	}
}

// holderOf reads what the lock's holder wrote of itself.
func holderOf(file *os.File) string {
	text, _ := io.ReadAll(io.NewSectionReader(file, 0, 80))
	if name := strings.TrimSpace(string(text)); name != "" {
		return name
	}
	return "another process"
}

// busy says whether another process holds the lock.
func (s *Store) busy() (bool, error) {
	file, err := os.Open(s.stateFile(lockName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock: %w", err)
	}
	defer file.Close()
	switch err := flock(file, syscall.LOCK_SH|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("lock: %s: %w", file.Name(), err)
	}
	return false, nil
}
