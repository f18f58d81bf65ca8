package hooks

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"

	"modkeep/depmod"
)

// ManifestPath is where the manifest is, inside the root.
const ManifestPath = "/usr/lib/modkeep/hooks.json"

// Manifest says what was installed.
type Manifest struct {
	Version int     `json:"version"`
	Program string  `json:"program"`
	Entries []Entry `json:"entries"`
	// Dirs are the directories that were made, the outermost first.
	Dirs []string `json:"dirs"`
	// StateDirs are those that came with modkeep's state, the outermost first.
	StateDirs []string `json:"state_dirs"`
	// Aside are files of the distribution that gave way to ours.
	Aside []Aside `json:"aside"`
	// Diversions are paths that dpkg was told of.
	Diversions []string `json:"diversions"`
	// Made are files of the package manager's that were not there before.
	Made []string `json:"made"`
	// Alternatives are paths that are ours through alternatives(8).
	Alternatives []string `json:"alternatives"`
}

// Entry is one installed hook.
type Entry struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	SHA256 string `json:"sha256,omitempty"` // of a file, in hexadecimal
	Mode   string `json:"mode,omitempty"`   // of a file, octal
	Target string `json:"target,omitempty"` // of a link
}

// Aside is a file that was moved out of the way.
type Aside struct {
	Path string `json:"path"`
	To   string `json:"to"`
}

const manifestVersion = 1

// ReadManifest reads the manifest below a root. Where there is none, nothing
// was installed: the result is empty.
func ReadManifest(root string) (*Manifest, error) {
	m := &Manifest{Version: manifestVersion}
	text, err := depmod.ReadFile(root, ManifestPath, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the list of installed hooks: %w", err)
	}
	return parseManifest(text)
}

func parseManifest(text []byte) (*Manifest, error) {
	m := &Manifest{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("%s: %w", ManifestPath, err)
	}
	if m.Version != manifestVersion {
		return nil, fmt.Errorf("%s: version %d, this modkeep knows %d", ManifestPath, m.Version, manifestVersion)
	}
	paths := slices.Concat(m.Dirs, m.StateDirs, m.Diversions, m.Made, m.Alternatives)
	for _, a := range m.Aside {
		paths = append(paths, a.Path, a.To)
	}
	for _, e := range m.Entries {
		paths = append(paths, e.Path)
	}
	for _, p := range paths {
		if !path.IsAbs(p) || path.Clean(p) != p || p == "/" {
			return nil, fmt.Errorf("%s: path %.80q: not an absolute, clean path", ManifestPath, p)
		}
	}
	return m, nil
}

// text is the manifest as it is written.
func (m *Manifest) text() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(m); err != nil {
		panic(err) // strings and numbers
	}
	return b.Bytes()
}

// entry returns the entry of a path, nil where there is none.
func (m *Manifest) entry(p string) *Entry {
	for i := range m.Entries {
		if m.Entries[i].Path == p {
			return &m.Entries[i]
		}
	}
	return nil
}

// entryOf is what the manifest says of a hook.
func entryOf(h Hook) Entry {
	e := Entry{Name: h.Name, Path: h.Path, Target: h.Target}
	if h.Target == "" {
		e.SHA256, e.Mode = digest(h.Data), octal(h.Mode)
	}
	return e
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func octal(mode fs.FileMode) string { return "0" + strconv.FormatUint(uint64(mode.Perm()), 8) }

// found is what stands at a path, in the manifest's terms: an entry without
// SHA256 and Target where it is neither file nor link. ok is false where there
// is nothing.
func found(root, p string) (e Entry, ok bool, err error) {
	info, err := lstat(root, p)
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, err
	}
	e.Path = p
	host, err := onHost(root, p)
	if err != nil {
		return Entry{}, false, err
	}
	switch {
	case info.Mode().IsRegular():
		e.Mode = octal(info.Mode())
		if info.Size() > maxSetAside {
			return e, true, nil
		}
		text, err := os.ReadFile(host)
		if err != nil {
			return Entry{}, false, err
		}
		e.SHA256 = digest(text)
	case info.Mode()&fs.ModeSymlink != 0:
		if e.Target, err = os.Readlink(host); err != nil {
			return Entry{}, false, err
		}
	}
	return e, true, nil
}

// maxSetAside bounds a file of the distribution that is set aside: a shell
// script, or another program.
const maxSetAside = 64 << 20

// same reports whether two entries stand for the same thing on disk.
func (e Entry) same(o Entry) bool {
	return e.SHA256 == o.SHA256 && e.Mode == o.Mode && e.Target == o.Target && e.SHA256+e.Target != ""
}
