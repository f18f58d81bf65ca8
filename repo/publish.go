package repo

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"modkeep/kmp"
	"modkeep/pgp"
)

// Publish says how a snapshot is made.
type Publish struct {
	Key        *pgp.Key  // what signs; nil for a repository that is not signed
	Date       time.Time // of the snapshot and its signatures
	ReplaceKey bool      // Key may be another than that of the last snapshot
	Judge      Judge     // nil: the manifest says nothing of kernels
}

// Judge says what becomes on each kernel of the modules in a snapshot's packages,
// of which path gives the machine's path.
type Judge func(packages []Package, path func(Package) string) ([]Kernel, error)

// change is a snapshot that is being made in .new.
type change struct {
	*Repo
	Publish
	base  *Manifest // the snapshot before; nil for the first
	fresh *store    // what was read anew
	old   *store    // the cache of the snapshot before; nil where there is none
	taken atomic.Int64
	added []*entry
	made  []string // what was put in place, for giving up
}

// Create makes a repository in dir, which must not be there or be empty, with its
// first snapshot: the packages at paths.
func Create(dir string, s Settings, paths []string, pub Publish) (*Repo, *Manifest, error) {
	s.Format = format
	if err := s.check(); err != nil {
		return nil, nil, err
	}
	r := &Repo{Settings: s, dir: dir}
	_, err := os.Lstat(dir)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err := r.vacant(); err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, err
	}
	release, err := r.lock()
	if err != nil {
		return nil, nil, err
	}
	defer release()
	// Who had the lock may have made one since.
	if err := r.vacant(); err != nil {
		return nil, nil, err
	}
	m, err := r.first(paths, pub)
	if err != nil {
		return nil, nil, errors.Join(err, r.abandon(fresh))
	}
	return r, m, nil
}

// first makes the first snapshot and then the settings, by which a repository is
// known.
func (r *Repo) first(paths []string, pub Publish) (*Manifest, error) {
	if err := r.abandon(false); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(r.at(poolName), 0o755); err != nil {
		return nil, err
	}
	m, err := r.publish(pub, nil, paths, nil)
	if err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(r.Settings, "", "  ")
	if err != nil {
		return nil, err
	}
	aside := r.at("." + settingsName)
	if err := os.WriteFile(aside, append(data, '\n'), 0o644); err != nil {
		return nil, err
	}
	if err := syncAll(r.dir); err != nil {
		return nil, err
	}
	if err := os.Rename(aside, r.at(settingsName)); err != nil {
		return nil, err
	}
	return m, syncDir(r.dir)
}

// leftovers are what a Create that was killed leaves beside the lock and the pool,
// in which packages may lie that are to be taken where they are.
var leftovers = []string{hashName, snapshotsDir, cacheName, newName, Latest, "." + settingsName}

// vacant says whether a repository may be made: nothing foreign is there.
func (r *Repo) vacant() error {
	entries, err := os.ReadDir(r.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == settingsName {
			return fmt.Errorf("%s: %w", r.dir, ErrExists)
		}
		if e.Name() != lockName && e.Name() != poolName && !slices.Contains(leftovers, e.Name()) {
			return fmt.Errorf("%s is not empty: %s is in it", r.dir, e.Name())
		}
	}
	return nil
}

// abandon removes what Create made.
func (r *Repo) abandon(whole bool) error {
	if whole {
		return os.RemoveAll(r.dir)
	}
	var errs []error
	for _, name := range leftovers {
		errs = append(errs, os.RemoveAll(r.at(name)))
	}
	os.Remove(r.at(poolName)) // if it is empty
	return errors.Join(errs...)
}

// Add makes a snapshot of the last one's packages and those at paths: files, or
// directories with files named *.rpm and *.deb anywhere below. They are copied to
// the pool, but for those that lie in it. A package that is there already is left;
// one of its name with other content is an error.
func (r *Repo) Add(paths []string, pub Publish) (*Manifest, error) {
	return r.change(pub, func(base *Manifest) (*Manifest, error) {
		return r.publish(pub, base, paths, nil)
	})
}

// Remove makes a snapshot without the packages that patterns name; see
// Manifest.Find. Older snapshots keep them.
func (r *Repo) Remove(patterns []string, pub Publish) (*Manifest, error) {
	return r.change(pub, func(base *Manifest) (*Manifest, error) {
		gone := make(map[string]bool)
		for _, pattern := range patterns {
			found := base.Find(pattern)
			if len(found) == 0 {
				return nil, fmt.Errorf("no package %q in snapshot %d", pattern, base.Snapshot)
			}
			for _, p := range found {
				gone[p.File] = true
			}
		}
		return r.publish(pub, base, nil, gone)
	})
}

// Snapshot makes a snapshot of snapshot n's packages, for what pub says anew. With
// an older one's that goes back for apt too, which takes no Release that is older
// than the one it has.
func (r *Repo) Snapshot(n int, pub Publish) (*Manifest, error) {
	return r.change(pub, func(base *Manifest) (*Manifest, error) {
		from, err := r.Manifest(n)
		if err != nil {
			return nil, err
		}
		base.Packages = from.Packages
		return r.publish(pub, base, nil, nil)
	})
}

// change makes a snapshot after the last one, under the lock.
func (r *Repo) change(pub Publish, make func(base *Manifest) (*Manifest, error)) (*Manifest, error) {
	release, err := r.lock()
	if err != nil {
		return nil, err
	}
	defer release()
	n, err := r.Resolve(Latest)
	if err != nil {
		return nil, err
	}
	base, err := r.Manifest(n)
	if err != nil {
		return nil, err
	}
	if err := pub.checkKey(base.Key); err != nil {
		return nil, err
	}
	return make(base)
}

// checkKey says whether the repository may go on with a key after another.
func (p Publish) checkKey(before string) error {
	now := p.fingerprint()
	switch {
	case now == before || p.ReplaceKey:
		return nil
	case before == "":
		return fmt.Errorf("%w: it is not signed, and %s was given", ErrKey, now)
	case now == "":
		return fmt.Errorf("%w: none was given, and it is signed with %s", ErrKey, before)
	}
	return fmt.Errorf("%w: %s was given, and it is signed with %s", ErrKey, now, before)
}

func (p Publish) fingerprint() string {
	if p.Key == nil {
		return ""
	}
	return p.Key.Fingerprint()
}

// publish makes a snapshot. Until the pointer has moved every error takes back
// what was made.
func (r *Repo) publish(pub Publish, base *Manifest, paths []string, without map[string]bool) (m *Manifest, err error) {
	if err := r.clear(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.at(newName))) }()
	c := &change{Repo: r, Publish: pub, base: base}
	c.Date = pub.Date.UTC().Truncate(time.Second)
	if err := c.open(); err != nil {
		return nil, err
	}
	defer c.close()
	list, err := c.packages(paths, without)
	if err != nil {
		return nil, err
	}
	m, err = c.stage(list)
	if err != nil {
		return nil, err
	}
	if err := c.commit(m.Snapshot); err != nil {
		if now, _ := c.Resolve(Latest); now == m.Snapshot {
			return nil, fmt.Errorf("snapshot %d was made, and may not be on the disk: %w", now, err)
		}
		for _, name := range slices.Backward(c.made) {
			os.RemoveAll(name)
		}
		return nil, err
	}
	return m, nil
}

// clear removes what a change left that was killed: the working directory, and a
// snapshot that no pointer came to.
func (r *Repo) clear() error {
	if err := os.RemoveAll(r.at(newName)); err != nil {
		return err
	}
	_, left, err := r.snapshots()
	if err != nil {
		return err
	}
	for _, n := range left {
		if err := r.drop(filepath.Join(snapshotsDir, strconv.Itoa(n))); err != nil {
			return err
		}
	}
	return nil
}

// open makes the working directory and the store in it.
func (c *change) open() (err error) {
	if err := os.MkdirAll(c.at(newName, poolName), 0o755); err != nil {
		return err
	}
	c.fresh, err = newStore(c.at(newName, freshName))
	return err
}

// close closes the stores, which nothing is written to any more.
func (c *change) close() {
	c.fresh.f.Close()
	if c.old != nil {
		c.old.f.Close()
	}
}

// packages returns the entries of the snapshot to make, and puts new ones aside.
func (c *change) packages(paths []string, without map[string]bool) ([]*entry, error) {
	var kept []Package
	if c.base != nil {
		kept = slices.DeleteFunc(slices.Clone(c.base.Packages), func(p Package) bool { return without[p.File] })
	}
	files, err := packageFiles(paths)
	if err != nil {
		return nil, err
	}
	list, err := c.load(kept)
	if err != nil {
		return nil, err
	}
	added, err := c.takeAll(files, kept)
	if err != nil {
		return nil, err
	}
	if list, err = c.join(list, added); err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b *entry) int { return cmp.Compare(a.File, b.File) })
	return list, nil
}

// takeAll reads the packages at files and puts them aside, but for those that lie
// in the pool. Of these, those that are kept are left out.
func (c *change) takeAll(files []string, kept []Package) ([]*entry, error) {
	pool, err := os.Stat(c.at(poolName))
	if err != nil {
		return nil, err
	}
	isPool := make(map[string]bool) // by the directories of files
	for _, file := range files {
		dir := filepath.Dir(file)
		if _, ok := isPool[dir]; !ok {
			info, err := os.Stat(dir)
			isPool[dir] = err == nil && os.SameFile(info, pool)
		}
	}
	inPool := func(file string) bool { return isPool[filepath.Dir(file)] }
	there := make(map[string]bool, len(kept))
	for _, p := range kept {
		there[p.File] = true
	}
	files = slices.DeleteFunc(files, func(file string) bool { return there[poolName+"/"+filepath.Base(file)] && inPool(file) })
	return inParallel(files, func(file string) (*entry, error) {
		if inPool(file) {
			return c.takeInPool(file)
		}
		return c.take(file)
	})
}

// join appends those of added that are not there yet.
func (c *change) join(list, added []*entry) ([]*entry, error) {
	there := make(map[string]string, len(list)+len(added))
	for _, e := range list {
		there[e.File] = e.SHA256
	}
	for _, e := range added {
		sum, ok := there[e.File]
		if ok && sum != e.SHA256 {
			return nil, fmt.Errorf("%s: there is one with other content (SHA-256 %s, not %s): raise its release", e.File, sum, e.SHA256)
		}
		if !ok {
			there[e.File] = e.SHA256
			list = append(list, e)
			c.added = append(c.added, e)
		}
	}
	return list, nil
}

// packageFiles returns the files that paths name, those of directories sorted. Links
// to files are followed, and a path that is a link to a directory.
func packageFiles(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		before := len(files)
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
		err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if ext := filepath.Ext(name); err != nil || ext != ".rpm" && ext != ".deb" {
				return err
			}
			mode := d.Type()
			if mode&fs.ModeSymlink != 0 {
				info, err := os.Stat(name)
				if err != nil {
					return err
				}
				mode = info.Mode()
			}
			if mode.IsRegular() {
				files = append(files, name)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(files) == before {
			return nil, fmt.Errorf("%s: no package in it", path)
		}
	}
	return files, nil
}

// takeInPool reads a package that lies in the pool.
func (c *change) takeInPool(path string) (*entry, error) {
	e, t, err := readEntry(path, io.Discard)
	if err != nil {
		return nil, err
	}
	if e.File != poolName+"/"+filepath.Base(path) {
		return nil, fmt.Errorf("%s: in the pool it has to be called %s", path, filepath.Base(e.File))
	}
	return e, c.fresh.put(e, t)
}

// take reads a package and puts a copy aside. The copy's time is when the package
// was built, so that it does not depend on this machine.
func (c *change) take(path string) (*entry, error) {
	aside, err := os.OpenFile(c.at(newName, poolName, strconv.FormatInt(c.taken.Add(1), 10)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	e, t, err := readEntry(path, aside)
	if err = errors.Join(err, aside.Close()); err != nil {
		return nil, err
	}
	e.aside = aside.Name()
	if e.built.Unix() > 0 {
		e.mtime = e.built.UnixNano()
		return e, errors.Join(os.Chtimes(e.aside, e.built, e.built), c.fresh.put(e, t))
	}
	info, err := os.Lstat(e.aside)
	if err != nil {
		return nil, err
	}
	e.mtime = info.ModTime().UnixNano()
	return e, c.fresh.put(e, t)
}

// inParallel calls f for each of a list, on all processors, and returns what it
// returned in their order. Of errors it returns the first of the list.
func inParallel[T, V any](list []T, f func(T) (V, error)) ([]V, error) {
	out, errs := make([]V, len(list)), make([]error, len(list))
	var wg sync.WaitGroup
	next := make(chan int, len(list))
	for i := range list {
		next <- i
	}
	close(next)
	for range min(runtime.GOMAXPROCS(0), len(list)) {
		wg.Go(func() {
			for i := range next {
				if out[i], errs[i] = f(list[i]); errs[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// stage writes the whole snapshot aside.
func (c *change) stage(list []*entry) (*Manifest, error) {
	m, err := c.manifest(list)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.aside("repodata"), 0o755); err != nil {
		return nil, err
	}
	if err := os.Symlink("../../"+poolName, c.aside(poolName)); err != nil {
		return nil, err
	}
	err = together(
		func() error { return c.writeRepodata(ofFormat(list, kmp.RPM)) },
		func() error { return c.writeDists(ofFormat(list, kmp.Deb)) },
		func() error {
			return errors.Join(c.writeManifest(m), c.writeKey(), copyTo(c.at(newName, cacheName), list))
		})
	// What is not to last is gone before all is brought to the disk.
	return m, errors.Join(err, os.Remove(c.at(newName, freshName)))
}

// together calls functions at the same time and returns the first of their errors.
func together(functions ...func() error) error {
	_, err := inParallel(functions, func(f func() error) (struct{}, error) { return struct{}{}, f() })
	return err
}

// writeManifest writes the manifest with its signature.
func (c *change) writeManifest(m *Manifest) error {
	data, err := m.Encode()
	if err != nil {
		return err
	}
	return c.writeSigned(manifestName, data)
}

// manifest is that of the snapshot to make.
func (c *change) manifest(list []*entry) (*Manifest, error) {
	numbers, err := c.Snapshots()
	if err != nil {
		return nil, err
	}
	m := &Manifest{Schema: ManifestSchema, Repository: c.Name, Snapshot: 1, Date: c.Date, Key: c.fingerprint(),
		Packages: make([]Package, 0, len(list)), Kernels: []Kernel{}}
	if len(numbers) > 0 {
		m.Snapshot = numbers[len(numbers)-1] + 1
	}
	aside := make(map[string]string)
	for _, e := range list {
		m.Packages = append(m.Packages, e.Package)
		if e.aside != "" {
			aside[e.File] = e.aside
		}
	}
	if c.Judge == nil {
		return m, nil
	}
	m.Kernels, err = c.Judge(m.Packages, func(p Package) string { return cmp.Or(aside[p.File], c.Path(p)) })
	return m, err
}

// writeKey writes the public key.
func (c *change) writeKey() error {
	if c.Key == nil {
		return nil
	}
	public, err := c.Key.Public()
	if err != nil {
		return err
	}
	return os.WriteFile(c.aside(keyName), public, 0o644)
}

// aside is the machine's path of a name in the snapshot that is being made.
func (c *change) aside(names ...string) string {
	return c.at(append([]string{newName, "snapshot"}, names...)...)
}

// writeSigned writes a file of the snapshot, and NAME.asc beside it.
func (c *change) writeSigned(name string, data []byte) error {
	if err := os.WriteFile(c.aside(name), data, 0o644); err != nil {
		return err
	}
	if c.Key == nil {
		return nil
	}
	signature, err := c.Key.SignArmored(bytes.NewReader(data), c.Date)
	if err != nil {
		return err
	}
	return os.WriteFile(c.aside(name+".asc"), signature, 0o644)
}

// commit puts what is aside in place, brings it to the disk and moves the
// pointer. What stands in the pool and in by-hash before the pointer has moved is
// what no snapshot names.
func (c *change) commit(n int) error {
	there, err := namesIn(c.at(poolName))
	if err != nil {
		return err
	}
	for _, e := range c.added {
		if e.aside == "" {
			continue
		}
		if err := c.place(there, e.aside, c.at(filepath.FromSlash(e.File)), e.SHA256); err != nil {
			return err
		}
	}
	if err := c.placeHashes(); err != nil {
		return err
	}
	if err := os.MkdirAll(c.at(snapshotsDir), 0o755); err != nil {
		return err
	}
	c.made = append(c.made, c.snapshot(n))
	if err := os.Rename(c.aside(), c.snapshot(n)); err != nil {
		return err
	}
	if err := os.Rename(c.at(newName, cacheName), c.at(cacheName)); err != nil {
		return err
	}
	if err := syncAll(c.dir); err != nil {
		return err
	}
	return c.point(Latest, n)
}

// namesIn returns the names in a directory.
func namesIn(dir string) (map[string]bool, error) {
	entries, err := os.ReadDir(dir)
	names := make(map[string]bool, len(entries))
	for _, e := range entries {
		names[e.Name()] = true
	}
	return names, err
}

// place renames a file to where it has to stand. One of an older snapshot that
// stands there must be the same; what a change left that was killed, or that came
// to the disk in part, is replaced.
func (c *change) place(there map[string]bool, from, to, sum string) error {
	if there[filepath.Base(to)] {
		is, err := sumFile(to)
		if err != nil || is == sum {
			return err
		}
		numbers, err := c.Snapshots()
		if err != nil {
			return err
		}
		names, err := c.named(numbers)
		if err != nil {
			return err
		}
		if rel, err := filepath.Rel(c.dir, to); err != nil || names[rel] {
			return fmt.Errorf("%s: an older snapshot has one with other content (SHA-256 %s, not %s): raise its release", filepath.Base(to), is, sum)
		}
	}
	c.made = append(c.made, to)
	return os.Rename(from, to)
}

// placeHashes puts apt's new indexes in place.
func (c *change) placeHashes() error {
	indexes, err := os.ReadDir(c.at(newName, hashName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	dir := c.at(hashName, "SHA256")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	there, err := namesIn(dir)
	if err != nil {
		return err
	}
	for _, e := range indexes {
		if err := c.place(there, c.at(newName, hashName, e.Name()), filepath.Join(dir, e.Name()), e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// Info is what a list of snapshots tells of one.
type Info struct {
	Snapshot int       `json:"snapshot"`
	Date     time.Time `json:"date"`
	Packages int       `json:"packages"`
	Channels []string  `json:"channels"` // pointers to it, sorted
	Key      string    `json:"key"`
}

// List returns the snapshots, oldest first.
func (r *Repo) List() ([]Info, error) {
	numbers, err := r.Snapshots()
	if err != nil {
		return nil, err
	}
	channels, err := r.Channels()
	if err != nil {
		return nil, err
	}
	list := []Info{}
	for _, n := range numbers {
		m, err := r.Manifest(n)
		if err != nil {
			return nil, err
		}
		info := Info{n, m.Date, len(m.Packages), []string{}, m.Key}
		for name, to := range channels {
			if to == n {
				info.Channels = append(info.Channels, name)
			}
		}
		slices.Sort(info.Channels)
		list = append(list, info)
	}
	return list, nil
}
