package kbuild

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Bounds of a source tree; that of zfs has 4,000 files and 30 MB.
const (
	maxFiles = 200_000
	maxBytes = 4 << 30
)

// visit calls f for each entry of a tree in the order of the names, with the
// name below dir. Links are not followed.
func visit(dir string, f func(name string, info fs.FileInfo) error) error {
	files, size := 0, int64(0)
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || name == "." {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if files++; info.Mode().IsRegular() {
			size += info.Size()
		}
		if files > maxFiles || size > maxBytes {
			return fmt.Errorf("%s: more than %d files or %d bytes", dir, maxFiles, int64(maxBytes))
		}
		return f(filepath.ToSlash(name), info)
	})
}

// digest is a sum over the names, kinds, modes and contents of a tree. Times do
// not count. What was summed is remembered in the directory memo, by sizes and
// times, as in git's index.
func digest(dir, memo string) (string, error) {
	seen := sha256.New()
	list := bufio.NewWriter(seen)
	err := visit(dir, func(name string, info fs.FileInfo) error {
		_, err := fmt.Fprintf(list, "%s\x00%v\x00%d\x00%d\x00%d\n", name, info.Mode(), info.Size(), info.ModTime().UnixNano(), changed(info))
		return err
	})
	if err != nil {
		return "", err
	}
	list.Flush()
	var m struct{ Seen, Digest string }
	key := sha256.Sum256([]byte(dir))
	file := filepath.Join(memo, hex.EncodeToString(key[:16]))
	if text, err := os.ReadFile(file); err == nil && json.Unmarshal(text, &m) == nil && m.Seen == sum(seen) {
		return m.Digest, nil
	}
	m.Seen = sum(seen)
	if m.Digest, err = contents(dir); err != nil {
		return "", err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	return m.Digest, writeWhole(file, text)
}

func sum(h interface{ Sum([]byte) []byte }) string { return hex.EncodeToString(h.Sum(nil)) }

func contents(dir string) (string, error) {
	h := sha256.New()
	err := visit(dir, func(name string, info fs.FileInfo) error {
		fmt.Fprintf(h, "%s\x00%v\x00", name, info.Mode().Type()|info.Mode()&0o111)
		path := filepath.Join(dir, name)
		switch {
		case info.Mode().IsRegular():
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			one := sha256.New()
			if _, err := io.Copy(one, f); err != nil {
				return err
			}
			h.Write(one.Sum(nil))
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			io.WriteString(h, target)
		}
		return nil
	})
	return sum(h), err
}

// copyTree copies a tree; times stay, since makefiles compare them. Devices and
// sockets are left out.
func copyTree(from, to string, own func(string) error) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	if err := own(to); err != nil {
		return err
	}
	return visit(from, func(name string, info fs.FileInfo) error {
		src, dst := filepath.Join(from, name), filepath.Join(to, name)
		var err error
		switch {
		case info.IsDir():
			err = os.Mkdir(dst, 0o755)
		case info.Mode()&fs.ModeSymlink != 0:
			var target string
			if target, err = os.Readlink(src); err == nil {
				err = os.Symlink(target, dst)
			}
		case info.Mode().IsRegular():
			if err = copyFile(src, dst, 0o644|info.Mode()&0o111); err == nil {
				err = os.Chtimes(dst, info.ModTime(), info.ModTime())
			}
		default:
			return nil
		}
		if err == nil {
			err = own(dst)
		}
		return err
	})
}

func copyFile(from, to string, mode fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// writeWhole writes a file under another name first, so that nobody ever reads
// half of it.
func writeWhole(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// filesNamed lists the files below dir whose names end in suffix, by their names
// below it.
func filesNamed(dir, suffix string) ([]string, error) {
	var list []string
	err := visit(dir, func(name string, info fs.FileInfo) error {
		if info.Mode().IsRegular() && strings.HasSuffix(name, suffix) {
			list = append(list, name)
		}
		return nil
	})
	return list, err
}
