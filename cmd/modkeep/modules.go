package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"sync/atomic"

	"modkeep/kernel"
	"modkeep/ko"
)

// fileError is a file that could not be read, and why.
type fileError struct {
	File  string `json:"file"`
	Error string `json:"error"`
	hint  string
}

// newFileError returns the error of a file without the file's name in its
// text.
func newFileError(file string, err error) fileError {
	var pe *fs.PathError
	if errors.As(err, &pe) && pe.Path == file {
		err = pe.Err
	}
	e := fileError{File: file, Error: strings.TrimPrefix(err.Error(), file+": ")}
	var h hinted
	if errors.As(err, &h) {
		e.hint = h.hint
	}
	return e
}

// complainOf writes what could not be read to errOut and returns the status
// that this makes.
func complainOf(errOut io.Writer, failed []fileError) error {
	for _, f := range failed {
		err := fmt.Errorf("cannot read %s: %s", f.File, f.Error)
		if f.hint != "" {
			err = withHint(err, "%s", f.hint)
		}
		complain(errOut, err)
	}
	if len(failed) > 0 {
		return silent(statusUnknown)
	}
	return nil
}

// paths returns the files that the arguments of a command stand for: itself
// for a path, for a name the file that is selected on the target's kernel,
// which is opened at the first name.
func (t *target) paths(args []string) (paths []string, failed []fileError) {
	var k *kernel.Kernel
	for _, arg := range args {
		if isPath(arg) {
			paths = append(paths, arg)
			continue
		}
		if k == nil {
			var err error
			if k, err = t.open(); err != nil {
				failed = append(failed, newFileError(arg, err))
				continue
			}
		}
		file := k.Tree().Module(arg)
		if file == nil {
			failed = append(failed, newFileError(arg, notInTree(k, arg)))
			continue
		}
		paths = append(paths, file.Path)
	}
	return paths, failed
}

// notInTree is the error of a name that no module file of the kernel has.
func notInTree(k *kernel.Kernel, name string) error {
	if k.Builtin().Has(name) {
		return fmt.Errorf("is built into kernel %s", k.Release)
	}
	return fmt.Errorf("kernel %s has no module of that name, and a path has a slash or ends in .ko", k.Release)
}

// eachModule opens the module files, asks read about each and gives emit the
// answers in the order of paths. It returns the files that could not be read.
func eachModule[T any](paths []string, read func(*ko.File) (T, error), emit func(T)) []fileError {
	type answer struct {
		value T
		err   error
	}
	var failed []fileError
	ask := func(path string) (a answer) {
		f, err := ko.Open(path)
		if err != nil {
			return answer{err: err}
		}
		defer f.Close()
		if len(f.Sections) == 0 {
			return answer{err: errors.New("the section headers do not lie inside the file")}
		}
		a.value, a.err = read(f)
		return a
	}
	inOrder(paths, ask, func(path string, a answer) {
		if a.err != nil {
			failed = append(failed, newFileError(path, a.err))
			return
		}
		emit(a.value)
	})
	return failed
}

// inOrder asks about each of the keys, as many at once as there are
// processors, and gives emit the answers in the order of keys. A panic in ask
// is a panic of inOrder, so that main reports it.
func inOrder[T any](keys []string, ask func(key string) T, emit func(key string, value T)) {
	type result struct {
		value    T
		panicked any
	}
	results := make([]chan result, len(keys))
	for i := range results {
		results[i] = make(chan result, 1)
	}
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), len(keys)) {
		go func() {
			for i := int(next.Add(1)) - 1; i < len(keys); i = int(next.Add(1)) - 1 {
				func() {
					var r result
					defer func() {
						r.panicked = recover()
						results[i] <- r
					}()
					r.value = ask(keys[i])
				}()
			}
		}()
	}
	for i, key := range keys {
		r := <-results[i]
		if r.panicked != nil {
			panic(r.panicked)
		}
		emit(key, r.value)
	}
}
