package repo

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
// packed, and Release with its signatures.
func (c *change) writeDists(list []*entry) error {
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
	text := packagesIndex(arch, list)
	var files []hashedFile
	for _, form := range []struct {
		ext  string
		pack func([]byte) ([]byte, error)
	}{{"", nil}, {".gz", packGzip}, {".xz", c.packXZ}} {
		data, err := text, error(nil)
		if form.pack != nil {
			data, err = form.pack(text)
		}
		if err != nil {
			return nil, err
		}
		f := hashedFile{name: path.Join(dir, "Packages"+form.ext), digest: sumBytes(data), size: int64(len(data))}
		if err := c.writeHashed(f, data); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// packagesIndex is Packages of one architecture: by name, then file. It has the
// packages for all architectures too, as older apts want it.
func packagesIndex(arch string, list []*entry) []byte {
	list = slices.DeleteFunc(slices.Clone(list), func(e *entry) bool { return e.Arch != arch && e.Arch != "all" })
	slices.SortFunc(list, func(a, b *entry) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.File, b.File)) })
	var text bytes.Buffer
	for _, e := range list {
		text.WriteString(e.stanza)
	}
	return text.Bytes()
}

// writeHashed writes an index under its name and, for clients that have an older
// Release, under its digest.
func (c *change) writeHashed(f hashedFile, data []byte) error {
	if err := os.MkdirAll(c.at(newName, hashName), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(c.at(newName, hashName, f.digest), data, 0o644); err != nil {
		return err
	}
	return os.WriteFile(c.aside("dists", c.Suite, f.name), data, 0o644)
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

func packGzip(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// packXZ packs an index. That takes long, so one that the last snapshot has too
// is taken from there.
func (c *change) packXZ(data []byte) ([]byte, error) {
	if packed := c.packedBefore(sumBytes(data)); packed != nil {
		return packed, nil
	}
	var b bytes.Buffer
	w, err := xz.WriterConfig{DictCap: 1 << 20, CheckSum: xz.CRC32}.NewWriter(&b)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
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
