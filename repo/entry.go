package repo

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"modkeep/kmp"
)

// entry is a package of the pool and what the indexes say of it.
type entry struct {
	Package
	mtime int64     // of the file, in nanoseconds, where it was last read
	built time.Time // rpm: of a package that was just read
	aside string    // where the copy of a new package is

	in       *store // where its record is, with the texts of the indexes
	at, size int64  // of the record there
	lens     [4]int // of the texts
}

// ErrDamaged is wrapped by the error for a package whose content is not what it
// says itself.
var ErrDamaged = errors.New("damaged")

// readEntry reads the package file at path, copies it to w and returns its entry,
// and what the indexes say of it. All of it is read: a digest that it states is
// checked, and where it states none its archive is gone through.
func readEntry(path string, w io.Writer) (*entry, texts, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, texts{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, texts{}, err
	}
	if !info.Mode().IsRegular() {
		return nil, texts{}, fmt.Errorf("%s: not a regular file", path)
	}
	p, err := kmp.ReadHeader(path, f, info.Size())
	if err != nil {
		return nil, texts{}, err
	}
	e := &entry{Package: Package{Format: p.Format, Name: p.Name, Epoch: p.Epoch, Version: p.Version, Release: p.Release, Arch: p.Arch, Size: info.Size()},
		mtime: info.ModTime().UnixNano(), built: p.BuildTime}
	file := p.FileName()
	if !fileName.MatchString(file) || p.Version == "" || p.Arch == "" {
		return nil, texts{}, fmt.Errorf("%s: name, version or architecture: %.200q is no name for its file", path, file)
	}
	e.File = poolName + "/" + file
	if p.PayloadDigest == "" {
		if _, err := kmp.Read(path, f, info.Size(), func(*kmp.Module) error { return nil }); err != nil {
			return nil, texts{}, err
		}
	}
	if e.SHA256, err = digest(f, info.Size(), p, w); err != nil {
		return nil, texts{}, fmt.Errorf("%s: %w", path, err)
	}
	t := e.index(p)
	for _, field := range e.fields() {
		*field = strings.Clone(*field) // it holds on to the whole header else
	}
	return e, t, nil
}

// index makes the parts of the metadata.
func (e *entry) index(p *kmp.Package) (t texts) {
	if e.Format == kmp.RPM {
		t[primaryText], t[filelistsText], t[otherText] = rpmRecords(p, e.SHA256, e.Size, e.File)
		return t
	}
	t[stanzaText] = withoutPlace(p.Control) + "Filename: " + e.File + "\nSize: " + strconv.FormatInt(e.Size, 10) + "\nSHA256: " + e.SHA256 + "\n\n"
	return t
}

// withoutPlace leaves out of a control file what an index says of the file; a
// package has no say in it.
func withoutPlace(control string) string {
	var kept strings.Builder
	skip := false
	for line := range strings.Lines(control) {
		if line[0] != ' ' && line[0] != '\t' {
			name, _, _ := strings.Cut(line, ":")
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "filename", "size", "md5sum", "sha1", "sha256", "sha512", "status":
				skip = true
			default:
				skip = false
			}
		}
		if !skip {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// buffers are for reading packages: one for each of those read at a time.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 256<<10)
	return &b
}}

// digest reads a package, copies it to w, checks what it says of its own header
// and archive and returns the SHA-256 of the whole.
func digest(f io.ReaderAt, size int64, p *kmp.Package, w io.Writer) (string, error) {
	whole, header, payload := sha256.New(), sha256.New(), sha256.New()
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	for at := int64(0); at < size; {
		buf := (*pooled)[:min(int64(len(*pooled)), size-at)]
		if _, err := f.ReadAt(buf, at); err != nil {
			return "", err
		}
		whole.Write(buf)
		if p.HeaderDigest != "" {
			header.Write(within(buf, at, p.HeaderStart, p.HeaderEnd))
		}
		if p.PayloadDigest != "" {
			payload.Write(within(buf, at, p.HeaderEnd, size))
		}
		if _, err := w.Write(buf); err != nil {
			return "", err
		}
		at += int64(len(buf))
	}
	for _, part := range []struct {
		name, says string
		is         hash.Hash
	}{{"header", p.HeaderDigest, header}, {"archive", p.PayloadDigest, payload}} {
		if part.says == "" {
			continue
		}
		if sum := hexSum(part.is); !strings.EqualFold(sum, part.says) {
			return "", fmt.Errorf("%w: its %s has the digest %s, and the package says %.64s", ErrDamaged, part.name, sum, part.says)
		}
	}
	return hexSum(whole), nil
}

// within is the part of data, which stands at an offset, between two others.
func within(data []byte, at, from, to int64) []byte {
	lo, hi := max(from-at, 0), min(to-at, int64(len(data)))
	if lo >= hi {
		return nil
	}
	return data[lo:hi]
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// sumFile returns the SHA-256 of a file.
func sumFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hexSum(h), nil
}
