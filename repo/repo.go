// Package repo keeps a repository of kernel module packages that plain dnf, yum,
// zypper and apt install from.
//
// A repository is a directory that holds no absolute path, so it may be moved,
// copied or mounted elsewhere:
//
//	repo.json               its settings
//	pool/FILE               every package once, under its canonical name
//	by-hash/SHA256/DIGEST   apt's indexes, those of all snapshots
//	snapshots/N/            one published state, never changed afterwards:
//	  repodata/             dnf's metadata: repomd.xml and what it names
//	  dists/SUITE/          apt's: Release, InRelease, and what they name
//	  manifest.json         the channel manifest, with all packages
//	  key.asc               the public key that made the .asc and .gpg files
//	  pool -> ../../pool
//	latest -> snapshots/N   a pointer: the newest snapshot
//	CHANNEL -> snapshots/N  further pointers, such as stable
//	.cache, .lock, .new     working files; they may be deleted
//
// Clients are given the directory of a pointer. A change makes everything aside,
// in .new, and is done by one rename of a pointer: killed at any moment before it,
// the repository says what it said. What is then left over, the next change or
// Collect removes.
//
// Terms:
//
//   - snapshot: a published state, numbered from 1.
//   - channel: a pointer that Promote moves.
//   - manifest: what a snapshot says of itself and, for each kernel, what became
//     of each module. Its schema is in doc/format/channel-manifest.md.
//   - NEVRA: name, epoch, version, release and architecture of a package.
//
// The formats are those that createrepo_c 0.17 and apt-ftparchive 2.6 write
// (createrepo_c's and librepo's reading of them; Debian's wiki page
// DebianRepository/Format; apt's doc/acquire-additional-files.md has none of it).
package repo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Names in a repository.
const (
	settingsName = "repo.json"
	poolName     = "pool"
	hashName     = "by-hash"
	snapshotsDir = "snapshots"
	cacheName    = ".cache"
	lockName     = ".lock"
	newName      = ".new"
	freshName    = "fresh" // in .new
	manifestName = "manifest.json"
	keyName      = "key.asc"

	// Latest is the pointer to the newest snapshot.
	Latest = "latest"
)

// format is the layout's version.
const format = 1

// Settings are what a repository is made with.
type Settings struct {
	Format      int         `json:"format"`
	Name        string      `json:"name"`        // what clients see as its origin
	Suite       string      `json:"suite"`       // apt: the directory below dists
	Keep        int         `json:"keep"`        // snapshots that Collect leaves beside those pointed to
	Compression Compression `json:"compression"` // of dnf's metadata
}

// Compression is how dnf's metadata are packed.
type Compression string

// The compressions. Gzip is read by every yum and dnf, Zstd by dnf 4.4 and later.
const (
	Gzip Compression = "gzip"
	Zstd Compression = "zstd"
)

var (
	validName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	pointsTo     = regexp.MustCompile(`^snapshots/([1-9][0-9]{0,8})$`)
	snapshotName = regexp.MustCompile(`^[1-9][0-9]{0,8}$`)
)

// check says what is wrong with settings.
func (s Settings) check() error {
	switch {
	case s.Format != format:
		return fmt.Errorf("format %d, and only %d is known", s.Format, format)
	case !validName.MatchString(s.Name):
		return fmt.Errorf("name %.80q: letters, digits, dots, - and _ only", s.Name)
	case !validName.MatchString(s.Suite):
		return fmt.Errorf("suite %.80q: letters, digits, dots, - and _ only", s.Suite)
	case s.Keep < 1:
		return fmt.Errorf("keep %d: at least one snapshot is kept", s.Keep)
	case s.Compression != Gzip && s.Compression != Zstd:
		return fmt.Errorf("compression %.20q is neither gzip nor zstd", s.Compression)
	}
	return nil
}

// Repo is a repository that was opened.
type Repo struct {
	Settings
	dir string
}

// Errors that callers ask about.
var (
	ErrNotRepo = errors.New("not a repository")
	ErrExists  = errors.New("there is a repository already")
	ErrLocked  = errors.New("another process is changing the repository")
	ErrKey     = errors.New("not the key that the repository is signed with")
)

// maxSmall bounds a file of settings, a signature and so on, in bytes.
const maxSmall = 1 << 20

// Open opens the repository in dir. Nothing is changed.
func Open(dir string) (*Repo, error) {
	data, err := readBounded(filepath.Join(dir, settingsName), maxSmall)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: no %s in it", dir, ErrNotRepo, settingsName)
	}
	if err != nil {
		return nil, err
	}
	r := &Repo{dir: dir}
	if err := json.Unmarshal(data, &r.Settings); err != nil {
		return nil, fmt.Errorf("%s: %w", settingsName, err)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", settingsName, err)
	}
	return r, nil
}

// readBounded reads a regular file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s: %d bytes, and %d is the most", path, info.Size(), limit)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// at is the machine's path of a name in the repository.
func (r *Repo) at(names ...string) string {
	return filepath.Join(append([]string{r.dir}, names...)...)
}

// lock keeps other processes from changing the repository until release.
func (r *Repo) lock() (release func(), err error) {
	f, err := os.OpenFile(r.at(lockName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock: %w", err)
	}
	return func() { f.Close() }, nil
}

// Channels returns the pointers and the snapshots that they point to. Links that
// point elsewhere are no pointers.
func (r *Repo) Channels() (map[string]int, error) {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil, err
	}
	channels := map[string]int{}
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink == 0 {
			continue
		}
		target, err := os.Readlink(r.at(e.Name()))
		if err != nil {
			return nil, err
		}
		if m := pointsTo.FindStringSubmatch(target); m != nil {
			channels[e.Name()], _ = strconv.Atoi(m[1])
		}
	}
	return channels, nil
}

// Snapshots returns the numbers of the snapshots, oldest first.
func (r *Repo) Snapshots() ([]int, error) {
	published, _, err := r.snapshots()
	return published, err
}

// snapshots returns the snapshots, and those that a change left which was killed
// before a pointer moved: they are newer than all that is pointed to, and what
// they hold need not have come to the disk.
func (r *Repo) snapshots() (published, left []int, err error) {
	entries, err := os.ReadDir(r.at(snapshotsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	channels, err := r.Channels()
	if err != nil {
		return nil, nil, err
	}
	newest := slices.Max(append(slices.Collect(maps.Values(channels)), 0))
	_, pointed := channels[Latest]
	for _, e := range entries {
		if !e.IsDir() || !snapshotName.MatchString(e.Name()) {
			continue
		}
		if n, _ := strconv.Atoi(e.Name()); pointed && n > newest {
			left = append(left, n)
		} else {
			published = append(published, n)
		}
	}
	slices.Sort(published)
	slices.Sort(left)
	return published, left, nil
}

// Resolve returns the snapshot that text names: a number or a channel.
func (r *Repo) Resolve(text string) (int, error) {
	channels, err := r.Channels()
	if err != nil {
		return 0, err
	}
	n, ok := channels[text]
	if !ok {
		if n, err = strconv.Atoi(text); err != nil {
			return 0, fmt.Errorf("no channel %q in the repository", text)
		}
	}
	all, err := r.Snapshots()
	if err != nil {
		return 0, err
	}
	if !slices.Contains(all, n) {
		return 0, fmt.Errorf("no snapshot %d in the repository", n)
	}
	return n, nil
}

// snapshot is the machine's path of a snapshot, or of a name in it.
func (r *Repo) snapshot(n int, names ...string) string {
	return r.at(append([]string{snapshotsDir, strconv.Itoa(n)}, names...)...)
}

// Promote makes channel point to snapshot n, by one rename.
func (r *Repo) Promote(n int, channel string) error {
	if !validName.MatchString(channel) || channel == Latest || slices.Contains([]string{poolName, hashName, snapshotsDir, settingsName}, channel) ||
		snapshotName.MatchString(channel) {
		return fmt.Errorf("channel %.80q: not a name for one", channel)
	}
	release, err := r.lock()
	if err != nil {
		return err
	}
	defer release()
	if _, err := r.Manifest(n); err != nil {
		return err
	}
	if err := os.MkdirAll(r.at(newName), 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(r.at(newName))
	return r.point(channel, n)
}

// point moves a pointer. The caller has the lock and the directory .new.
func (r *Repo) point(name string, n int) error {
	if info, err := os.Lstat(r.at(name)); err == nil && info.Mode()&fs.ModeSymlink == 0 {
		return fmt.Errorf("%s is there and is no pointer", name)
	}
	aside := r.at(newName, "pointer")
	if err := os.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(snapshotsDir+"/"+strconv.Itoa(n), aside); err != nil {
		return err
	}
	if err := os.Rename(aside, r.at(name)); err != nil {
		return err
	}
	return syncDir(r.dir)
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// inPool says whether a path of a manifest is a package's: pool/FILE.
func inPool(path string) (file string, err error) {
	file, ok := strings.CutPrefix(path, poolName+"/")
	if !ok || !fileName.MatchString(file) {
		return "", fmt.Errorf("%.200q is no file of the pool", path)
	}
	return file, nil
}

// fileName is what the file of a package may be called: nothing that leads out
// of a directory, is hidden, or that a URL would have to escape beyond + and ~.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+~^-]{0,240}\.(rpm|deb)$`)
