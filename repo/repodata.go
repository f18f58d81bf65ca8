package repo

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// index is one of the three files of dnf's metadata.
type index struct {
	kind string // primary
	open string // everything before the packages, but for their count
	end  string
	part func(*entry) string
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

var indexes = []index{
	{"primary", `<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm"`, "</metadata>",
		func(e *entry) string { return e.primary }},
	{"filelists", `<filelists xmlns="http://linux.duke.edu/metadata/filelists"`, "</filelists>", func(e *entry) string { return e.filelists }},
	{"other", `<otherdata xmlns="http://linux.duke.edu/metadata/other"`, "</otherdata>", func(e *entry) string { return e.other }},
}

// record is what repomd.xml says of an index.
type record struct {
	kind, name         string
	digest, openDigest string
	size, openSize     int64
	data               []byte
}

// writeRepodata writes dnf's metadata: the indexes under names that begin with
// their digests, and repomd.xml with its signature.
func (c *change) writeRepodata(list []*entry) error {
	records, err := inParallel(indexes, func(x index) (record, error) { return x.pack(list, c.Compression) })
	if err != nil {
		return err
	}
	var b xmlText
	stamp := strconv.FormatInt(c.Date.Unix(), 10)
	b.raw(xmlHead + `<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">` + "\n")
	b.element("  ", "revision", stamp)
	for _, r := range records {
		if err := os.WriteFile(c.aside("repodata", r.name), r.data, 0o644); err != nil {
			return err
		}
		b.raw(`  <data type="` + r.kind + "\">\n" + `    <checksum type="sha256">` + r.digest + "</checksum>\n")
		b.raw(`    <open-checksum type="sha256">` + r.openDigest + "</open-checksum>\n" + `    <location href="repodata/` + r.name + "\"/>\n")
		b.element("    ", "timestamp", stamp)
		b.raw(fmt.Sprintf("    <size>%d</size>\n    <open-size>%d</open-size>\n  </data>\n", r.size, r.openSize))
	}
	b.raw("</repomd>\n")
	return c.writeSigned("repodata/repomd.xml", []byte(b.take()))
}

// pack makes an index.
func (x index) pack(list []*entry, how Compression) (record, error) {
	var packed bytes.Buffer
	w, ext, err := compressor(&packed, how)
	if err != nil {
		return record{}, err
	}
	sum := sha256.New()
	both := io.MultiWriter(w, sum)
	size := int64(0)
	// Parts are gathered, as hash and compressor want long writes.
	buf := append(make([]byte, 0, 256<<10), xmlHead+x.open+` packages="`+strconv.Itoa(len(list))+"\">\n"...)
	flush := func() {
		size += int64(len(buf))
		if err == nil {
			_, err = both.Write(buf)
		}
		buf = buf[:0]
	}
	for _, e := range list {
		if buf = append(buf, x.part(e)...); len(buf) > 192<<10 {
			flush()
		}
	}
	buf = append(buf, x.end+"\n"...)
	flush()
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return record{}, fmt.Errorf("%s.xml: %w", x.kind, err)
	}
	whole := sha256.New()
	whole.Write(packed.Bytes())
	r := record{kind: x.kind, digest: hexSum(whole), openDigest: hexSum(sum), size: int64(packed.Len()), openSize: size, data: packed.Bytes()}
	r.name = r.digest + "-" + x.kind + ".xml" + ext
	return r, nil
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
