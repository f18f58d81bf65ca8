package repo

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"modkeep/kmp"
)

// texts are what the indexes say of a package.
type texts [4]string

// The texts: the parts of dnf's three files that speak of an rpm, and of apt's of a
// deb.
const (
	primaryText = iota
	filelistsText
	otherText
	stanzaText
)

// A store is a file with records of packages: the cache has one of each package in
// the pool, so that a change reads only what is new, and those that are new lie in
// one, not in memory, while a change is made. A record is
//
//	uint32 length, uint32 CRC-32C of the rest, both little endian
//	texts with their lengths: File, Format, Name, Epoch, Version, Release, Arch, SHA256
//	numbers: Size, time of the file, length of each of the texts of the indexes
//	those texts
//
// A record counts for a file with its size and time; the digest of one whose time
// differs (a copied repository) is taken again, and only if that differs too the
// package is read. What is damaged or of another program is as good as none.
type store struct {
	f   *os.File
	end atomic.Int64 // where the next record begins
}

const storeMagic = "modkeep repository cache 2\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// newStore makes an empty store at path.
func newStore(path string) (*store, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	s := &store{f: f}
	s.end.Store(int64(len(storeMagic)))
	if _, err := f.WriteString(storeMagic); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// put adds a record. It may be called by several at a time.
func (s *store) put(e *entry, t texts) error {
	record := make([]byte, 8, 512+len(t[primaryText])+len(t[filelistsText])+len(t[otherText])+len(t[stanzaText]))
	for _, field := range e.fields() {
		record = binary.AppendUvarint(record, uint64(len(*field)))
		record = append(record, *field...)
	}
	record = binary.AppendVarint(record, e.Size)
	record = binary.AppendVarint(record, e.mtime)
	for i := range t {
		record = binary.AppendUvarint(record, uint64(len(t[i])))
		e.lens[i] = len(t[i])
	}
	for i := range t {
		record = append(record, t[i]...)
	}
	if uint64(len(record)) > 1<<32-1 {
		return fmt.Errorf("%s: its metadata are longer than 4 GiB", e.File)
	}
	binary.LittleEndian.PutUint32(record, uint32(len(record)-8))
	binary.LittleEndian.PutUint32(record[4:], crc32.Checksum(record[8:], castagnoli))
	e.in, e.size = s, int64(len(record))
	e.at = s.end.Add(e.size) - e.size
	_, err := s.f.WriteAt(record, e.at)
	return err
}

// fields are the texts of an entry that a record begins with, in its order.
func (e *entry) fields() []*string {
	return []*string{&e.File, (*string)(&e.Format), &e.Name, &e.Epoch, &e.Version, &e.Release, &e.Arch, &e.SHA256}
}

// appendText appends one of an entry's texts.
func (e *entry) appendText(buf []byte, which int) ([]byte, error) {
	from := e.at + e.size
	for _, n := range e.lens[which:] {
		from -= int64(n)
	}
	n := len(buf)
	buf = slices.Grow(buf, e.lens[which])[:n+e.lens[which]]
	if _, err := e.in.f.ReadAt(buf[n:], from); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(e.in.f.Name()), err)
	}
	return buf, nil
}

// texts returns all of an entry's texts.
func (e *entry) texts() (t texts, err error) {
	for i := range t {
		text, err := e.appendText(nil, i)
		if err != nil {
			return t, err
		}
		t[i] = string(text)
	}
	return t, nil
}

// copyTo copies entries' records, in their order, those that stand together in one
// go, and brings them to the disk: that takes long, and others have work meanwhile.
func copyTo(path string, list []*entry) error {
	s, err := newStore(path)
	if err != nil {
		return err
	}
	for i := 0; i < len(list) && err == nil; {
		from := list[i]
		end := from.at
		for ; i < len(list) && list[i].in == from.in && list[i].at == end; i++ {
			end += list[i].size
		}
		if _, err = from.in.f.Seek(from.at, io.SeekStart); err == nil {
			_, err = io.CopyN(s.f, from.in.f, end-from.at)
		}
	}
	return errors.Join(err, s.f.Sync(), s.f.Close())
}

var errStore = errors.New("damaged cache")

// openStore opens the store at path and returns it and its entries by their files,
// up to the first that is damaged.
func openStore(path string) (*store, map[string]*entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errStore
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	s := &store{f: f}
	entries := make(map[string]*entry)
	s.scan(bufio.NewReaderSize(f, 256<<10), info.Size(), func(e *entry) { entries[e.File] = e })
	return s, entries, nil
}

// scan reads the records of a store of size bytes.
func (s *store) scan(r io.Reader, size int64, each func(*entry)) error {
	magic := make([]byte, len(storeMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != storeMagic {
		return errStore
	}
	var head [8]byte
	var record []byte
	for at := int64(len(storeMagic)); ; {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return err
		}
		n := int64(binary.LittleEndian.Uint32(head[:]))
		if n > size-at-8 {
			return errStore
		}
		record = slices.Grow(record[:0], int(n))[:n]
		if _, err := io.ReadFull(r, record); err != nil {
			return err
		}
		if crc32.Checksum(record, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
			return errStore
		}
		e := &entry{in: s, at: at, size: 8 + n}
		if err := e.parse(record); err != nil {
			return err
		}
		each(e)
		at += e.size
	}
}

// parse reads a record.
func (e *entry) parse(record []byte) error {
	rest := bytes.NewReader(record)
	for _, field := range e.fields() {
		n, err := binary.ReadUvarint(rest)
		if err != nil || n > uint64(rest.Len()) {
			return errStore
		}
		text := make([]byte, n)
		rest.Read(text)
		*field = string(text)
	}
	var err error
	for _, number := range []*int64{&e.Size, &e.mtime} {
		if *number, err = binary.ReadVarint(rest); err != nil {
			return errStore
		}
	}
	total := 0
	for i := range e.lens {
		n, err := binary.ReadUvarint(rest)
		if err != nil || n > uint64(len(record)-total) {
			return errStore
		}
		e.lens[i] = int(n)
		total += int(n)
	}
	if total != rest.Len() {
		return errStore
	}
	return nil
}

// load returns the entries of packages that the pool holds, from the cache where
// that knows them.
func (c *change) load(list []Package) ([]*entry, error) {
	if len(list) == 0 {
		return nil, nil
	}
	old, known, err := openStore(c.at(cacheName))
	if err == nil {
		c.old = old
	}
	return inParallel(list, func(p Package) (*entry, error) { return c.loadOne(p, known[p.File]) })
}

// loadOne returns the entry of one package. The file must be the one that the
// manifest lists: the pool never changes.
func (c *change) loadOne(p Package, known *entry) (*entry, error) {
	path := c.Path(p)
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if known != nil && known.Package == p && known.Size == info.Size() {
		if known.mtime == info.ModTime().UnixNano() {
			return known, nil
		}
		if sum, err := sumFile(path); err == nil && sum == known.SHA256 {
			t, err := known.texts()
			known.mtime = info.ModTime().UnixNano()
			return known, errors.Join(err, c.fresh.put(known, t))
		}
	}
	e, t, err := readEntry(path, io.Discard)
	if err != nil {
		return nil, err
	}
	if e.Package != p {
		return nil, fmt.Errorf("%s: %w: not the package that the manifest lists (%s)", p.File, ErrDamaged, p.SHA256)
	}
	return e, c.fresh.put(e, t)
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
