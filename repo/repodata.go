package repo

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// index is one of the three files of dnf's metadata.
type index struct {
	kind string // primary
	open string // everything before the packages, but for their count
	end  string
	text int // of texts
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

var indexes = []index{
	{"primary", `<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm"`, "</metadata>", primaryText},
	{"filelists", `<filelists xmlns="http://linux.duke.edu/metadata/filelists"`, "</filelists>", filelistsText},
	{"other", `<otherdata xmlns="http://linux.duke.edu/metadata/other"`, "</otherdata>", otherText},
}

// record is what repomd.xml says of an index.
type record struct {
	kind, name         string
	digest, openDigest string
	size, openSize     int64
}

// writeRepodata writes dnf's metadata: the indexes under names that begin with
// their digests, and repomd.xml with its signature.
func (c *change) writeRepodata(list []*entry) error {
	records, err := inParallel(indexes, func(x index) (record, error) { return x.pack(c.aside("repodata"), list, c.Compression) })
	if err != nil {
		return err
	}
	var b xmlText
	stamp := strconv.FormatInt(c.Date.Unix(), 10)
	b.raw(xmlHead + `<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">` + "\n")
	b.element("  ", "revision", stamp)
	for _, r := range records {
		b.raw(`  <data type="` + r.kind + "\">\n" + `    <checksum type="sha256">` + r.digest + "</checksum>\n")
		b.raw(`    <open-checksum type="sha256">` + r.openDigest + "</open-checksum>\n" + `    <location href="repodata/` + r.name + "\"/>\n")
		b.element("    ", "timestamp", stamp)
		b.raw(fmt.Sprintf("    <size>%d</size>\n    <open-size>%d</open-size>\n  </data>\n", r.size, r.openSize))
	}
	b.raw("</repomd>\n")
	return c.writeSigned("repodata/repomd.xml", []byte(b.take()))
}

// pack makes an index in a directory.
func (x index) pack(dir string, list []*entry, how Compression) (r record, err error) {
	aside := filepath.Join(dir, x.kind)
	f, err := os.Create(aside)
	if err != nil {
		return r, err
	}
	packed := counted{w: f, sum: sha256.New()}
	w, ext, err := compressor(&packed, how)
	if err == nil {
		open := counted{w: w, sum: sha256.New()}
		err = errors.Join(x.write(&open, list), w.Close())
		r = record{kind: x.kind, openDigest: hexSum(open.sum), openSize: open.n, digest: hexSum(packed.sum), size: packed.n}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return r, fmt.Errorf("%s.xml: %w", x.kind, err)
	}
	r.name = r.digest + "-" + x.kind + ".xml" + ext
	return r, os.Rename(aside, filepath.Join(dir, r.name))
}

// write writes an index, its parts gathered: hash and compressor want long writes.
func (x index) write(w io.Writer, list []*entry) (err error) {
	buf := append(make([]byte, 0, 256<<10), xmlHead+x.open+` packages="`+strconv.Itoa(len(list))+"\">\n"...)
	for _, e := range list {
		if buf, err = e.appendText(buf, x.text); err != nil {
			return err
		}
		if len(buf) > 192<<10 {
			if _, err := w.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	_, err = w.Write(append(buf, x.end+"\n"...))
	return err
}

// counted hands on what is written, and notes its digest and length.
type counted struct {
	w   io.Writer
	sum hash.Hash
	n   int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.sum.Write(p[:n])
	c.n += int64(n)
	return n, err
}

// compressor returns a writer that packs in one way, and the names' extension.
// What it writes depends on nothing but what it is given.
func compressor(w io.Writer, how Compression) (io.WriteCloser, string, error) {
	if how == Zstd {
		z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		return z, ".zst", err
	}
	return gzip.NewWriter(w), ".gz", nil
}
