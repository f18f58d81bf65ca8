package kbuild

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// entry is what the cache keeps of a cell beside its files: cells/KEY/cell.json,
// build.log, modules/…, Module.symvers. Entries are made under another name and
// renamed when they are whole.
type entry struct {
	Source  string   `json:"source"`
	Kernel  string   `json:"kernel"`
	Failed  bool     `json:"failed"`
	Cause   Cause    `json:"cause"`
	Modules []string `json:"modules"` // places below modules/
	Symvers bool     `json:"symvers"`
	Seconds float64  `json:"seconds"`
	Notes   []string `json:"notes"`
}

func (b *builder) memo() string { return filepath.Join(b.Cache, "digests") }

func (b *builder) entryDir(key string) string { return filepath.Join(b.Cache, "cells", key) }

// recall fills a cell from the cache; false where it is not there, or damaged.
func (b *builder) recall(c *Cell) bool {
	dir := b.entryDir(c.key)
	text, err := readBounded(filepath.Join(dir, "cell.json"), 16<<20)
	var e entry
	if err != nil || json.Unmarshal(text, &e) != nil {
		return false
	}
	var modules []Module
	for _, dest := range e.Modules {
		file := filepath.Join(dir, "modules", filepath.FromSlash(dest))
		if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() {
			return false
		}
		modules = append(modules, Module{File: file, Name: moduleFileName(dest), Dest: dest})
	}
	if e.Symvers {
		c.Symvers = filepath.Join(dir, "Module.symvers")
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

// store makes a cell's files in part an entry of the cache, in the place of an
// older one.
func (b *builder) store(c *Cell, part string, notes []string) error {
	e := entry{Source: c.Source.String(), Kernel: c.Kernel.Release, Failed: c.Status == Failed, Cause: c.Cause, Symvers: c.Symvers != "", Seconds: c.Took.Seconds(), Notes: notes}
	for _, m := range c.Modules {
		e.Modules = append(e.Modules, m.Dest)
	}
	text, err := json.MarshalIndent(e, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(part, "cell.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	dir := b.entryDir(c.key)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.Rename(part, dir); err != nil {
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
