package repo

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Collected is what Collect removed, or would remove: names below the repository.
type Collected struct {
	Removed []string `json:"removed"` // sorted by kind, then name
	Bytes   int64    `json:"bytes"`
}

// Collect removes the snapshots that no channel points to, but for the newest
// keep of all (0: what the settings say), and what then no snapshot names: packages,
// indexes, and the leftovers of changes that were killed. With dry it removes
// nothing.
func (r *Repo) Collect(keep int, dry bool) (*Collected, error) {
	release, err := r.lock()
	if err != nil {
		return nil, err
	}
	defer release()
	if keep == 0 {
		keep = r.Keep
	}
	list, err := r.garbage(keep)
	if err != nil {
		return nil, err
	}
	c := &Collected{Removed: []string{}}
	for _, name := range list {
		c.Removed = append(c.Removed, name)
		c.Bytes += sizeOf(r.at(name))
		if dry {
			continue
		}
		if err := r.drop(name); err != nil {
			return c, err
		}
	}
	return c, nil
}

// drop removes a name below the repository. A snapshot is moved aside first: killed
// half way, it would be one that is damaged.
func (r *Repo) drop(name string) error {
	if filepath.Dir(name) == snapshotsDir {
		if err := os.Rename(r.at(name), r.at(newName)); err != nil {
			return err
		}
		name = newName
	}
	return os.RemoveAll(r.at(name))
}

// garbage returns what Collect removes.
func (r *Repo) garbage(keep int) ([]string, error) {
	doomed, kept, err := r.doomed(keep)
	if err != nil {
		return nil, err
	}
	names, err := r.named(kept)
	if err != nil {
		return nil, err
	}
	var list []string
	if _, err := os.Lstat(r.at(newName)); err == nil {
		list = append(list, newName) // first: snapshots are moved there
	}
	for _, n := range doomed {
		list = append(list, filepath.Join(snapshotsDir, strconv.Itoa(n)))
	}
	for _, dir := range []string{poolName, filepath.Join(hashName, "SHA256")} {
		loose, err := r.loose(dir, names)
		if err != nil {
			return nil, err
		}
		list = append(list, loose...)
	}
	return list, nil
}

// doomed parts the snapshots into those to remove and those to keep.
func (r *Repo) doomed(keep int) (doomed, kept []int, err error) {
	numbers, left, err := r.snapshots()
	if err != nil {
		return nil, nil, err
	}
	channels, err := r.Channels()
	if err != nil {
		return nil, nil, err
	}
	var pointed []int
	for _, n := range channels {
		pointed = append(pointed, n)
	}
	for i, n := range numbers {
		if i < len(numbers)-keep && !slices.Contains(pointed, n) {
			doomed = append(doomed, n)
		} else {
			kept = append(kept, n)
		}
	}
	return append(doomed, left...), kept, nil
}

// named returns the files of the pool and of by-hash that snapshots name. One
// that cannot be read is an error: nothing is removed for not knowing who needs it.
func (r *Repo) named(snapshots []int) (map[string]bool, error) {
	names := make(map[string]bool)
	for _, n := range snapshots {
		m, err := r.Manifest(n)
		if err != nil {
			return nil, err
		}
		for _, p := range m.Packages {
			names[filepath.FromSlash(p.File)] = true
		}
		text, err := readBounded(r.snapshot(n, "dists", r.Suite, "Release"), maxSmall)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		files, err := releaseFiles(text)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			names[filepath.Join(hashName, "SHA256", f.digest)] = true
		}
	}
	return names, nil
}

// loose returns the names in a directory that are not among names.
func (r *Repo) loose(dir string, names map[string]bool) ([]string, error) {
	entries, err := os.ReadDir(r.at(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var list []string
	for _, e := range entries {
		if name := filepath.Join(dir, e.Name()); !names[name] {
			list = append(list, name)
		}
	}
	return list, err
}

// sizeOf is the size of all regular files at and below a path, in bytes.
func sizeOf(path string) int64 {
	var size int64
	filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return nil
	})
	return size
}
