package media

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Top is the directory that a tree is in below dir, where its archive was unpacked:
// the only one there is, of a tar file that was made of it. It is "" where dir is
// the tree itself, as of an image, though there be nothing but SRPMS in it.
func Top(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || !entries[0].IsDir() {
		return "", err
	}
	name := entries[0].Name()
	if slices.Contains([]string{"rpms", "srpms", "debs", "sources", "src", "repo"}, strings.ToLower(name)) {
		return "", nil
	}
	return name, nil
}

// Copy copies what is below one directory to another, which is made. Links stay
// links; modes are those of packages' files (0644, 0755). What is there already
// is left, and returned by its path with slashes.
func Copy(from, to string) (left []string, err error) {
	err = filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		at := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(at, 0o755)
		case exists(at):
			left = append(left, filepath.ToSlash(rel))
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			return errors.Join(err, os.Symlink(target, at))
		case d.Type().IsRegular():
			return copyFile(name, at)
		}
		return fmt.Errorf("%s: neither a file nor a directory nor a link", name)
	})
	return left, err
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644|info.Mode()&0o111)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// maxList bounds a list of digests or kernels, in bytes.
const maxList = 16 << 20

// Tree is a tree that may be changed. Whatever links are in it, nothing outside of
// its directory is.
type Tree struct {
	dir   string
	given string
	root  *os.Root
}

// OpenTree opens the tree in a directory. given is what it was copied from, for
// messages.
func OpenTree(dir, given string) (*Tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Tree{dir, given, root}, nil
}

// Close lets go of the directory.
func (t *Tree) Close() error { return t.root.Close() }

// Path is the machine's path of a name in the tree, which has slashes.
func (t *Tree) Path(rel string) string { return filepath.Join(t.dir, filepath.FromSlash(rel)) }

// walk calls visit for each entry, directories before what is in them.
func (t *Tree) walk(visit func(rel string, d fs.DirEntry) error) error {
	return filepath.WalkDir(t.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(t.dir, name)
		if err != nil {
			return err
		}
		return visit(filepath.ToSlash(rel), d)
	})
}

// has says whether something of that name is in the tree, a link too.
func (t *Tree) has(rel string) bool {
	_, err := t.root.Lstat(rel)
	return err == nil
}

// Remove takes a file out of the tree.
func (t *Tree) Remove(rel string) error { return t.root.Remove(rel) }

// Unbundle takes out of the tree what repo.WriteBundle put there: each file that
// SHA256SUMS lists and that is still as listed. The packages of its repository are
// not lost: they go to the directory bin. A tree without is left as it is.
func (t *Tree) Unbundle(bin string) error {
	for _, name := range []string{"packages.tsv", "SHA256SUMS", "repo/manifest.json"} {
		if !t.has(name) {
			return nil
		}
	}
	text, err := t.read("SHA256SUMS")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		digest, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok {
			return fmt.Errorf("%s: no digest and name: %.80q", filepath.Join(t.given, "SHA256SUMS"), line)
		}
		if err := t.takeOut(name, digest, bin); err != nil {
			return err
		}
	}
	for _, name := range []string{"SHA256SUMS", "SHA256SUMS.asc"} {
		if err := t.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return t.root.RemoveAll("repo")
}

// takeOut removes a file with that digest, or moves it if it is a package.
func (t *Tree) takeOut(name, digest, bin string) error {
	in, err := t.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, in); err != nil {
		return err
	}
	same := hex.EncodeToString(sum.Sum(nil)) == digest
	switch {
	case path.Dir(name) == "repo/pool" && !same:
		return fmt.Errorf("%s: not what SHA256SUMS lists", filepath.Join(t.given, name))
	case path.Dir(name) == "repo/pool":
		if err := t.root.MkdirAll(bin, 0o755); err != nil {
			return err
		}
		return t.root.Rename(name, path.Join(bin, path.Base(name)))
	case same:
		return t.root.Remove(name)
	}
	return nil
}

// DropIndexes removes the indexes of repositories that the tree has: they name
// packages that are no longer there, and not those that are new.
func (t *Tree) DropIndexes() error {
	return t.walk(func(rel string, d fs.DirEntry) error {
		switch base := path.Base(rel); {
		case d.IsDir() && base == "repodata" && t.has(rel+"/repomd.xml"):
			if err := t.root.RemoveAll(rel); err != nil {
				return err
			}
			return fs.SkipDir
		case d.IsDir():
			return nil
		case base == "Packages", strings.HasPrefix(base, "Packages."), base == "Release", base == "InRelease", base == "Release.gpg":
			if debs, err := filepath.Glob(filepath.Join(filepath.Dir(t.Path(rel)), "*.deb")); err != nil || len(debs) == 0 {
				return err
			}
			return t.root.Remove(rel)
		}
		return nil
	})
}

// AddKernel writes a kernel into the lists of kernels that MLNX's installer
// reads: .supported_kernels, and supported_kernels where the tree has it.
func (t *Tree) AddKernel(krel string) error {
	for _, name := range []string{".supported_kernels", "supported_kernels"} {
		text, err := t.read(name)
		if errors.Is(err, fs.ErrNotExist) && name != ".supported_kernels" {
			continue
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if slices.Contains(strings.Fields(string(text)), krel) {
			continue
		}
		if len(text) > 0 && text[len(text)-1] != '\n' {
			text = append(text, '\n')
		}
		if err := t.root.WriteFile(name, append(text, krel+"\n"...), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// read reads a file of at most maxList bytes.
func (t *Tree) read(name string) ([]byte, error) {
	f, err := t.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxList+1))
	if err == nil && len(text) > maxList {
		err = fmt.Errorf("%s: more than %d bytes", filepath.Join(t.given, name), maxList)
	}
	return text, err
}

// Link puts links where a package lies twice: in a directory of the tree and in
// pool, the directory of its repository. A package is known by the name that its
// format gives it.
func (t *Tree) Link(pool string, packages []*Package) error {
	for _, p := range packages {
		kept := path.Join(pool, p.FileName())
		if !t.has(kept) || p.Rel == kept {
			continue
		}
		up := strings.Repeat("../", strings.Count(p.Rel, "/"))
		if err := errors.Join(t.root.Remove(p.Rel), t.root.Symlink(up+kept, p.Rel)); err != nil {
			return err
		}
	}
	return nil
}

// WriteTGZ writes the tree as a .tgz, below one directory top. The same files and
// date give the same bytes.
func (t *Tree) WriteTGZ(w io.Writer, top string, date time.Time) error {
	z := gzip.NewWriter(w)
	out := tar.NewWriter(z)
	err := t.walk(func(rel string, d fs.DirEntry) error {
		return writeEntry(out, t.Path(rel), path.Join(top, rel), d, date)
	})
	if err == nil {
		err = out.Close()
	}
	if err == nil {
		err = z.Close()
	}
	return err
}

func writeEntry(t *tar.Writer, file, name string, d fs.DirEntry, date time.Time) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	h := &tar.Header{Name: name, ModTime: date, Mode: 0o755, Format: tar.FormatPAX}
	switch {
	case info.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, name+"/"
		return t.WriteHeader(h)
	case info.Mode()&fs.ModeSymlink != 0:
		h.Typeflag = tar.TypeSymlink
		if h.Linkname, err = os.Readlink(file); err != nil {
			return err
		}
		return t.WriteHeader(h)
	}
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	h.Typeflag, h.Mode, h.Size = tar.TypeReg, int64(0o644|info.Mode()&0o111), info.Size()
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(t, in)
	return err
}
