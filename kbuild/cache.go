package kbuild

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"modkeep/internal/regular"
)

// entry is what the cache keeps of a cell beside its files: cells/KEY/cell.json,
// build.log, modules/…, Module.symvers. Entries are made under another name and
// renamed when they are whole.
type entry struct {
	Source  string        `json:"source"`
	Kernel  string        `json:"kernel"`
	Failed  bool          `json:"failed"`
	Cause   Cause         `json:"cause"`
	Modules []entryModule `json:"modules"`
	Symvers string        `json:"symvers"` // SHA-256 of the table; "" where there is none
	Seconds float64       `json:"seconds"`
	Notes   []string      `json:"notes"`
}

// entryModule is a module of an entry: its place below modules/, and its SHA-256.
type entryModule struct {
	Dest   string `json:"dest"`
	SHA256 string `json:"sha256"`
}

func (b *builder) memo() string { return filepath.Join(b.Cache, "digests") }

func (b *builder) entryDir(key string) string { return filepath.Join(b.Cache, "cells", key) }

// recall fills a cell from the cache; false where it is not there, or damaged.
func (b *builder) recall(c *Cell) bool {
	dir := b.entryDir(c.key)
	text, err := regular.Read(filepath.Join(dir, "cell.json"), 16<<20)
	var e entry
	if err != nil || json.Unmarshal(text, &e) != nil {
		return false
	}
	var modules []Module
	for _, m := range e.Modules {
		file := filepath.Join(dir, "modules", filepath.FromSlash(m.Dest))
		if is, err := fileDigest(file); err != nil || is != m.SHA256 {
			return false
		}
		modules = append(modules, Module{File: file, Name: moduleFileName(m.Dest), Dest: m.Dest})
	}
	if e.Symvers != "" {
		table := filepath.Join(dir, "Module.symvers")
		if is, err := fileDigest(table); err != nil || is != e.Symvers {
			return false
		}
		c.Symvers = table
	}
	c.Modules, c.Cause, c.Notes = modules, e.Cause, append(c.Notes, e.Notes...)
	c.Log, c.Took = filepath.Join(dir, "build.log"), time.Duration(e.Seconds*float64(time.Second))
	if c.Status = Cached; e.Failed {
		c.Status = Failed
		c.Notes = append(c.Notes, "it failed before with the same inputs, and was not tried again")
	}
	return true
}

func moduleFileName(dest string) string {
	base := filepath.Base(dest)
	return base[:len(base)-len(filepath.Ext(base))]
}

// describe says what an entry of a cell holds, whose files are still aside.
func describe(c *Cell, notes []string) (e entry, err error) {
	e = entry{Source: c.Source.String(), Kernel: c.Kernel.Release, Failed: c.Status == Failed, Cause: c.Cause, Seconds: c.Took.Seconds(), Notes: notes}
	for _, m := range c.Modules {
		id, err := fileDigest(m.File)
		if err != nil {
			return e, err
		}
		e.Modules = append(e.Modules, entryModule{m.Dest, id})
	}
	if c.Symvers != "" {
		e.Symvers, err = fileDigest(c.Symvers)
	}
	return e, err
}

// store makes a cell's files in part an entry of the cache, in the place of an
// older one, or of one that another run made of the same inputs meanwhile.
func (b *builder) store(c *Cell, part string, notes []string) error {
	e, err := describe(c, notes)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(e, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(part, "cell.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	dir := b.entryDir(c.key)
	for range 10 {
		if err = os.RemoveAll(dir); err == nil {
			err = os.Rename(part, dir)
		}
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return err
	}
	for i := range c.Modules {
		c.Modules[i].File = filepath.Join(dir, "modules", filepath.FromSlash(c.Modules[i].Dest))
	}
	if c.Symvers != "" {
		c.Symvers = filepath.Join(dir, "Module.symvers")
	}
	c.Log = filepath.Join(dir, "build.log")
	return nil
}
