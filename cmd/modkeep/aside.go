package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// writeAside writes a file beside path and then renames it: path is what it was,
// or whole, also after a loss of power.
func writeAside(path string, write func(io.Writer) error) error {
	aside, err := writeBeside(path, 0o644, func(f *os.File) error { return write(f) })
	if err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		if le := new(os.LinkError); errors.As(err, &le) {
			err = &fs.PathError{Op: "write", Path: path, Err: le.Err} // without the name aside
		}
		return errors.Join(err, os.Remove(aside))
	}
	return syncDirectory(filepath.Dir(path))
}

// writeBeside writes a file beside path, under a name that nobody else has, brings
// it to the disk and returns that name. Nobody but its owner may read it until it
// has its mode. Errors name path.
func writeBeside(path string, mode fs.FileMode, write func(*os.File) error) (aside string, err error) {
	defer func() {
		if pe := new(fs.PathError); errors.As(err, &pe) && (aside == "" || pe.Path == aside) {
			pe.Path = path
		}
		if err != nil && aside != "" {
			err = errors.Join(err, os.Remove(aside))
		}
	}()
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return "", err
	}
	aside = f.Name()
	if err = write(f); err == nil {
		err = errors.Join(f.Chmod(mode), f.Sync())
	}
	return aside, errors.Join(err, f.Close())
}

// syncDirectory brings the names in a directory to the disk.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
