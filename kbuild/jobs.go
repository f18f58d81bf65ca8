package kbuild

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// jobs is the budget of processors that all builds of a run share: a GNU make
// jobserver (make's manual, POSIX Jobserver Interaction). A token is a byte in a
// FIFO. A build takes one to start, which is the one that its make has without
// asking; more of them its makes take and give back themselves.
type jobs struct {
	n    int
	fifo string
	own  *os.File

	mu      sync.Mutex
	running int
}

func newJobs(n int, dir string) (*jobs, error) {
	j := &jobs{n: n, fifo: filepath.Join(dir, "jobs")}
	if err := syscall.Mkfifo(j.fifo, 0o600); err != nil {
		return nil, &os.PathError{Op: "mkfifo", Path: j.fifo, Err: err}
	}
	var err error
	if j.own, err = os.OpenFile(j.fifo, os.O_RDWR, 0); err != nil {
		return nil, err
	}
	return j, j.fill()
}

func (j *jobs) fill() error {
	_, err := j.own.Write(make([]byte, j.n))
	return err
}

// take waits for a token. Where nothing runs there is always one: tokens that a
// build took with it when it was killed are made anew.
func (j *jobs) take() error {
	j.mu.Lock()
	if j.running == 0 {
		if err := j.refill(); err != nil {
			j.mu.Unlock()
			return err
		}
	}
	j.running++
	j.mu.Unlock()
	var token [1]byte
	_, err := j.own.Read(token[:])
	return err
}

// refill makes the tokens n again, whatever builds did to them.
func (j *jobs) refill() error {
	raw, err := j.own.SyscallConn()
	if err != nil {
		return err
	}
	var all [4096]byte
	err = raw.Read(func(fd uintptr) bool {
		for {
			if n, err := syscall.Read(int(fd), all[:]); n <= 0 || err != nil {
				return true
			}
		}
	})
	if err != nil {
		return err
	}
	return j.fill()
}

// give gives a token back.
func (j *jobs) give() error {
	j.mu.Lock()
	j.running--
	j.mu.Unlock()
	_, err := j.own.Write(make([]byte, 1))
	return err
}

// files are the two ends that a build inherits as descriptors 3 and 4, opened
// for it alone: what it does to their modes is its own.
func (j *jobs) files() ([]*os.File, error) {
	var ends []*os.File
	for range 2 {
		// A FIFO opened for reading and writing does not wait for another side.
		fd, err := syscall.Open(j.fifo, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
		if err != nil {
			return nil, &os.PathError{Op: "open", Path: j.fifo, Err: err}
		}
		ends = append(ends, os.NewFile(uintptr(fd), j.fifo))
	}
	return ends, nil
}

// flags is what MAKEFLAGS says of it.
func (j *jobs) flags() string {
	if j.n == 1 {
		return ""
	}
	return fmt.Sprintf(" -j%d --jobserver-auth=3,4", j.n)
}

func (j *jobs) close() error {
	return j.own.Close()
}
