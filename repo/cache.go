package repo

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"modkeep/kmp"
)

// The cache holds what was learnt of each package in the pool, so that a change
// reads only what is new. A record counts for a file with its size and time; the
// digest of one whose time differs (a copied repository) is taken again, and only
// if that differs too the package is read. A cache that is damaged or of another
// program is as good as none.
const (
	cacheMagic = "modkeep repository cache 1\n"
	maxCache   = 4 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// writeCache writes the entries to path: records, and at the end their checksum.
func writeCache(path string, list []*entry) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	sum := crc32.New(castagnoli)
	b := bufio.NewWriterSize(io.MultiWriter(f, sum), 256<<10)
	b.WriteString(cacheMagic)
	var number []byte
	for _, e := range list {
		for _, text := range e.texts() {
			number = binary.AppendUvarint(number[:0], uint64(len(*text)))
			b.Write(number)
			b.WriteString(*text)
		}
		number = binary.AppendVarint(number[:0], e.Size)
		number = binary.AppendVarint(number, e.mtime)
		b.Write(number)
	}
	if err = b.Flush(); err == nil { // it keeps the first error of all writes
		_, err = f.Write(binary.BigEndian.AppendUint32(nil, sum.Sum32()))
	}
	return errors.Join(err, f.Close())
}

// texts are the strings of an entry that the cache holds, in its order.
func (e *entry) texts() []*string {
	return []*string{&e.File, (*string)(&e.Format), &e.Name, &e.Epoch, &e.Version, &e.Release, &e.Arch, &e.SHA256, &e.primary, &e.filelists, &e.other, &e.stanza}
}

var errCache = errors.New("damaged cache")

// readCache reads the cache at path: entries by their files.
func readCache(path string) (map[string]*entry, error) {
	data, err := readBounded(path, maxCache)
	if err != nil {
		return nil, err
	}
	end := len(data) - 4
	if end < len(cacheMagic) || string(data[:len(cacheMagic)]) != cacheMagic || binary.BigEndian.Uint32(data[end:]) != crc32.Checksum(data[:end], castagnoli) {
		return nil, errCache
	}
	return parseCache(string(data[len(cacheMagic):end]))
}

// parseCache reads records.
func parseCache(rest string) (map[string]*entry, error) {
	var err error
	entries := make(map[string]*entry)
	for rest != "" {
		e := &entry{}
		for _, text := range e.texts() {
			if *text, rest, err = cutText(rest); err != nil {
				return nil, err
			}
		}
		for _, number := range []*int64{&e.Size, &e.mtime} {
			if *number, rest, err = cutNumber(rest); err != nil {
				return nil, err
			}
		}
		entries[e.File] = e
	}
	return entries, nil
}

func cutText(rest string) (text, after string, err error) {
	n, size := binary.Uvarint([]byte(rest[:min(len(rest), binary.MaxVarintLen64)]))
	if size <= 0 || n > uint64(len(rest)-size) {
		return "", "", errCache
	}
	return rest[size : size+int(n)], rest[size+int(n):], nil
}

func cutNumber(rest string) (n int64, after string, err error) {
	n, size := binary.Varint([]byte(rest[:min(len(rest), binary.MaxVarintLen64)]))
	if size <= 0 {
		return 0, "", errCache
	}
	return n, rest[size:], nil
}

// load returns the entries of packages that the pool holds, from the cache where
// that knows them.
func (r *Repo) load(list []Package) ([]*entry, error) {
	if len(list) == 0 {
		return nil, nil
	}
	known, err := readCache(r.at(cacheName))
	if err != nil {
		known = nil
	}
	return inParallel(list, func(p Package) (*entry, error) { return r.loadOne(p, known[p.File]) })
}

// loadOne returns the entry of one package. The file must be the one that the
// manifest lists: the pool never changes.
func (r *Repo) loadOne(p Package, known *entry) (*entry, error) {
	path := r.at(filepath.FromSlash(p.File))
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if known != nil && known.Package == p && known.Size == info.Size() {
		if known.mtime == info.ModTime().UnixNano() {
			return known, nil
		}
		if sum, err := sumFile(path); err == nil && sum == known.SHA256 {
			known.mtime = info.ModTime().UnixNano()
			return known, nil
		}
	}
	e, err := readEntry(path, io.Discard)
	if err != nil {
		return nil, err
	}
	if e.Package != p {
		return nil, fmt.Errorf("%s: %w: not the package that the manifest lists (%s)", p.File, ErrDamaged, p.SHA256)
	}
	return e, nil
}

// ofFormat returns the entries of one format.
func ofFormat(list []*entry, format kmp.Format) []*entry {
	var out []*entry
	for _, e := range list {
		if e.Format == format {
			out = append(out, e)
		}
	}
	return out
}
