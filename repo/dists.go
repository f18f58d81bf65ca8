package repo

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/ulikunitz/xz"
)

// component is apt's component: there is one.
const component = "main"

// hashedFile is a file that Release lists.
type hashedFile struct {
	name   string // below dists/SUITE
	digest string
	size   int64
}

// writeDists writes apt's metadata: for each architecture Packages, plain and
// packed, and Release with its signatures; nothing for a repository that never had
// a deb.
func (c *change) writeDists(list []*entry) error {
	if len(list) == 0 && c.archesBefore() == nil {
		return nil
	}
	arches := c.architectures(list)
	var files []hashedFile
	for _, arch := range arches {
		made, err := c.writePackages(arch, list)
		if err != nil {
			return err
		}
		files = append(files, made...)
	}
	text := c.release(arches, files)
	dir := path.Join("dists", c.Suite)
	if err := os.WriteFile(c.aside(dir, "Release"), text, 0o644); err != nil || c.Key == nil {
		return err
	}
	detached, err := c.Key.SignArmored(bytes.NewReader(text), c.Date)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.aside(dir, "Release.gpg"), detached, 0o644); err != nil {
		return err
	}
	inline, err := c.Key.SignClear(text, c.Date)
	if err != nil {
		return err
	}
	return os.WriteFile(c.aside(dir, "InRelease"), inline, 0o644)
}

// architectures returns those that have an index: those of the packages, those
// that the last snapshot had, whose machines would else be told of an error, and
// all.
func (c *change) architectures(list []*entry) []string {
	arches := append(c.archesBefore(), "all")
	for _, e := range list {
		arches = append(arches, e.Arch)
	}
	slices.Sort(arches)
	return slices.Compact(arches)
}

// archesBefore returns what the last snapshot's Release names, nothing where it has
// none.
func (c *change) archesBefore() []string {
	if c.base == nil {
		return nil
	}
	text, err := readBounded(c.snapshot(c.base.Snapshot, "dists", c.Suite, "Release"), maxSmall)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if names, ok := strings.CutPrefix(line, "Architectures: "); ok {
			return slices.DeleteFunc(strings.Fields(names), func(name string) bool { return !validName.MatchString(name) })
		}
	}
	return nil
}

// writePackages writes the indexes of one architecture.
func (c *change) writePackages(arch string, list []*entry) ([]hashedFile, error) {
	dir := path.Join(component, "binary-"+arch)
	if err := os.MkdirAll(c.aside("dists", c.Suite, dir), 0o755); err != nil {
		return nil, err
	}
	// dists/SUITE/main/binary-ARCH is six below the repository.
	if err := os.Symlink("../../../../../../"+hashName, c.aside("dists", c.Suite, dir, hashName)); err != nil {
		return nil, err
	}
	plain, err := c.writeHashed(path.Join(dir, "Packages"), func(w io.Writer) error { return packagesIndex(w, arch, list) })
	if err != nil {
		return nil, err
	}
	files := []hashedFile{plain}
	for _, form := range []struct {
		ext  string
		pack func(w io.Writer, plain hashedFile) error
	}{{".gz", c.packGzip}, {".xz", c.packXZ}} {
		packed, err := c.writeHashed(plain.name+form.ext, func(w io.Writer) error { return form.pack(w, plain) })
		if err != nil {
			return nil, err
		}
		files = append(files, packed)
	}
	return files, nil
}

// packagesIndex writes Packages of one architecture: by name, then file. It has the
// packages for all architectures too, as older apts want it.
func packagesIndex(w io.Writer, arch string, list []*entry) (err error) {
	list = slices.DeleteFunc(slices.Clone(list), func(e *entry) bool { return e.Arch != arch && e.Arch != "all" })
	slices.SortFunc(list, func(a, b *entry) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.File, b.File)) })
	var buf []byte
	for _, e := range list {
		if buf, err = e.appendText(buf[:0], stanzaText); err != nil {
			return err
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// writeHashed writes an index under its name and, for clients that have an older
// Release, under its digest.
func (c *change) writeHashed(name string, write func(io.Writer) error) (hashedFile, error) {
	if err := os.MkdirAll(c.at(newName, hashName), 0o755); err != nil {
		return hashedFile{}, err
	}
	f, err := os.Create(c.aside("dists", c.Suite, name))
	if err != nil {
		return hashedFile{}, err
	}
	defer f.Close()
	b := bufio.NewWriterSize(f, 64<<10)
	w := counted{w: b, sum: sha256.New()}
	if err := errors.Join(write(&w), b.Flush()); err != nil {
		return hashedFile{}, err
	}
	h := hashedFile{name: name, digest: hexSum(w.sum), size: w.n}
	return h, errors.Join(copyFile(f.Name(), c.at(newName, hashName, h.digest)), f.Close())
}

// copyFile copies a file.
func copyFile(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return errors.Join(err, w.Close())
}

// release is the file Release.
func (c *change) release(arches []string, files []hashedFile) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Origin: %s\nLabel: %s\nSuite: %s\nCodename: %s\nDate: %s\nAcquire-By-Hash: yes\nArchitectures: %s\nComponents: %s\nSHA256:\n",
		c.Name, c.Name, c.Suite, c.Suite, c.Date.Format("Mon, 02 Jan 2006 15:04:05 UTC"), strings.Join(arches, " "), component)
	for _, f := range files {
		fmt.Fprintf(&b, " %s %16d %s\n", f.digest, f.size, f.name)
	}
	return b.Bytes()
}

func (c *change) packGzip(w io.Writer, plain hashedFile) error {
	return c.packWith(gzip.NewWriter(w), plain)
}

// packWith gives a compressor an index of the snapshot that is being made.
func (c *change) packWith(w io.WriteCloser, plain hashedFile) error {
	f, err := os.Open(c.aside("dists", c.Suite, plain.name))
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return errors.Join(err, w.Close())
}

// packXZ packs an index. That takes long, so one that the last snapshot has too
// is taken from there.
func (c *change) packXZ(w io.Writer, plain hashedFile) error {
	if packed := c.packedBefore(plain.digest); packed != nil {
		_, err := w.Write(packed)
		return err
	}
	z, err := xz.WriterConfig{DictCap: 1 << 20, CheckSum: xz.CRC32}.NewWriter(w)
	if err != nil {
		return err
	}
	return c.packWith(z, plain)
}

// packedBefore returns Packages.xz of the last snapshot if its Packages has a
// digest.
func (c *change) packedBefore(digest string) []byte {
	if c.base == nil {
		return nil
	}
	text, err := readBounded(c.snapshot(c.base.Snapshot, "dists", c.Suite, "Release"), maxSmall)
	if err != nil {
		return nil
	}
	files, err := releaseFiles(text)
	if err != nil {
		return nil
	}
	sums := make(map[string]hashedFile)
	for _, f := range files {
		sums[f.name] = f
	}
	for _, f := range files {
		packed, ok := sums[f.name+".xz"]
		if f.digest != digest || !ok {
			continue
		}
		data, err := readBounded(c.at(hashName, "SHA256", packed.digest), maxManifest)
		if err == nil && sumBytes(data) == packed.digest {
			return data
		}
	}
	return nil
}

// releaseFiles reads the list SHA256 of a Release.
func releaseFiles(text []byte) ([]hashedFile, error) {
	var files []hashedFile
	inside := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, " ") {
			inside = line == "SHA256:"
			continue
		}
		if !inside {
			continue
		}
		words := strings.Fields(line)
		if len(words) != 3 {
			return nil, fmt.Errorf("line %.100q: no digest, size and name", line)
		}
		f := hashedFile{name: words[2], digest: words[0]}
		size, err := strconv.ParseInt(words[1], 10, 64)
		if _, hexErr := hex.DecodeString(f.digest); err != nil || size < 0 || hexErr != nil || len(f.digest) != 64 || path.Clean("/" + f.name)[1:] != f.name {
			return nil, fmt.Errorf("line %.100q: no digest, size and name", line)
		}
		f.size = size
		files = append(files, f)
	}
	return files, nil
}

func sumBytes(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
