package repo

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"modkeep/kmp"
	"modkeep/pgp"
)

// Problem is something that Verify found.
type Problem struct {
	Path string `json:"path"` // below the repository
	Text string `json:"text"`
}

// Report is what Verify looked at and found.
type Report struct {
	Snapshots []int     `json:"snapshots"`
	Packages  int       `json:"packages"` // files of the pool whose digest was taken
	Signed    []string  `json:"signed"`   // fingerprints of the keys that made the signatures
	Problems  []Problem `json:"problems"`
}

// verifier looks at a repository.
type verifier struct {
	*Repo
	trusted *pgp.Ring
	date    time.Time
	report  Report
	sums    map[string]string // of pool files, by name
}

// Verify reads everything: signatures, digests of the metadata and of the
// packages, and whether dnf's and apt's metadata list what the manifest lists.
// trusted are the keys that are believed at a time; with nil each snapshot's own
// key is, which finds damage but no forgery. Without numbers it looks at all
// snapshots.
func (r *Repo) Verify(trusted *pgp.Ring, date time.Time, numbers ...int) (*Report, error) {
	v := &verifier{Repo: r, trusted: trusted, date: date, sums: make(map[string]string), report: Report{Snapshots: []int{}, Signed: []string{}, Problems: []Problem{}}}
	all, err := r.Snapshots()
	if err != nil {
		return nil, err
	}
	channels, err := r.Channels()
	if err != nil {
		return nil, err
	}
	for name, n := range channels {
		if !slices.Contains(all, n) {
			v.problem(name, "points to snapshot %d, which is not there", n)
		}
	}
	if _, ok := channels[Latest]; !ok {
		v.problem(Latest, "is missing")
	}
	if len(numbers) == 0 {
		numbers = all
	}
	for _, n := range numbers {
		v.snapshotFiles(n)
	}
	v.report.Packages = len(v.sums)
	slices.SortFunc(v.report.Problems, func(a, b Problem) int { return strings.Compare(a.Path+"\x00"+a.Text, b.Path+"\x00"+b.Text) })
	return &v.report, nil
}

func (v *verifier) problem(name, format string, args ...any) {
	v.report.Problems = append(v.report.Problems, Problem{name, fmt.Sprintf(format, args...)})
}

// check notes an error, if it is one, as a problem of a path.
func (v *verifier) check(name string, err error) {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err // without the machine's path
	}
	if err != nil {
		v.problem(name, "%v", err)
	}
}

func (v *verifier) snapshotFiles(n int) {
	v.report.Snapshots = append(v.report.Snapshots, n)
	m, err := v.Manifest(n)
	if err != nil {
		v.check(path.Join(snapshotsDir, strconv.Itoa(n), manifestName), err)
		return
	}
	s := &snapshotVerifier{verifier: v, n: n, manifest: m}
	if m.Key != "" || v.trusted != nil {
		if s.ring = s.keys(); s.ring == nil {
			return
		}
	}
	s.signed(manifestName)
	s.check(s.name(poolName), s.pool())
	s.repodata()
	s.dists()
	for _, p := range m.Packages {
		s.check(p.File, v.packageFile(p))
	}
}

// packageFile checks a package's digest, once for all snapshots.
func (v *verifier) packageFile(p Package) error {
	sum, ok := v.sums[p.File]
	if !ok {
		var err error
		if sum, err = sumFile(v.at(filepath.FromSlash(p.File))); err != nil {
			return err
		}
		v.sums[p.File] = sum
	}
	if sum != p.SHA256 {
		return fmt.Errorf("has the SHA-256 %s, and the manifest says %s", sum, p.SHA256)
	}
	return nil
}

// snapshotVerifier looks at one snapshot.
type snapshotVerifier struct {
	*verifier
	n        int
	manifest *Manifest
	ring     *pgp.Ring // nil for a snapshot that is not signed
}

// pool checks the link by which clients come from a snapshot to the packages.
func (s *snapshotVerifier) pool() error {
	link, err := os.Stat(s.snapshot(s.n, poolName))
	if err != nil {
		return err
	}
	pool, err := os.Stat(s.at(poolName))
	if err == nil && !os.SameFile(link, pool) {
		err = errors.New("leads elsewhere than to the repository's " + poolName)
	}
	return err
}

func (s *snapshotVerifier) name(names ...string) string {
	return path.Join(append([]string{snapshotsDir, strconv.Itoa(s.n)}, names...)...)
}

// keys returns the keys that are believed, nil where there are none.
func (s *snapshotVerifier) keys() *pgp.Ring {
	ring := s.trusted
	if s.manifest.Key != "" {
		own, err := s.ownKey()
		s.check(s.name(keyName), err)
		ring = cmp.Or(ring, own)
	}
	return ring
}

// ownKey reads the key beside the metadata, which clients may take: it has to be
// the manifest's and no more.
func (s *snapshotVerifier) ownKey() (*pgp.Ring, error) {
	data, err := readBounded(s.snapshot(s.n, keyName), pgp.MaxKeys)
	if err != nil {
		return nil, err
	}
	ring, err := pgp.ReadRing(data)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(ring.Fingerprints(), []string{s.manifest.Key}) || bytes.Count(data, []byte("-----BEGIN ")) != 1 {
		return nil, fmt.Errorf("is not the key %s, and that alone, which the manifest names", s.manifest.Key)
	}
	return ring, nil
}

// signed reads a file and checks the signature beside it.
func (s *snapshotVerifier) signed(name string) []byte {
	data, err := readBounded(s.snapshot(s.n, name), maxManifest)
	if err != nil {
		s.check(s.name(name), err)
		return nil
	}
	if s.ring == nil {
		return data
	}
	signature := name + ".asc"
	if strings.HasSuffix(name, "/Release") {
		signature = name + ".gpg"
	}
	sig, err := readBounded(s.snapshot(s.n, signature), maxSmall)
	if err == nil {
		err = s.by(s.ring.Verify(bytes.NewReader(data), sig, s.date))
	}
	s.check(s.name(signature), err)
	return data
}

// by notes who made a signature.
func (s *snapshotVerifier) by(signer string, err error) error {
	if err == nil && !slices.Contains(s.report.Signed, signer) {
		s.report.Signed = append(s.report.Signed, signer)
	}
	return err
}

// repomd is repomd.xml.
type repomd struct {
	Data []struct {
		Type     string `xml:"type,attr"`
		Checksum string `xml:"checksum"`
		Open     string `xml:"open-checksum"`
		Location struct {
			Href string `xml:"href,attr"`
		} `xml:"location"`
	} `xml:"data"`
}

// repodata checks dnf's metadata.
func (s *snapshotVerifier) repodata() {
	data := s.signed("repodata/repomd.xml")
	if data == nil {
		return
	}
	var md repomd
	if err := xml.Unmarshal(data, &md); err != nil {
		s.check(s.name("repodata/repomd.xml"), err)
		return
	}
	kinds := []string{}
	for _, d := range md.Data {
		kinds = append(kinds, d.Type)
		if name, ok := strings.CutPrefix(d.Location.Href, "repodata/"); !ok || strings.Contains(name, "/") || name == ".." {
			s.problem(s.name("repodata/repomd.xml"), "names %.200q", d.Location.Href)
			continue
		}
		packed, err := readBounded(s.snapshot(s.n, filepath.FromSlash(d.Location.Href)), maxManifest)
		if err == nil && sumBytes(packed) != d.Checksum {
			err = errors.New("has another digest than repomd.xml says")
		}
		var text []byte
		if err == nil {
			text, err = unpackIndex(packed)
		}
		if err == nil && sumBytes(text) != d.Open {
			err = errors.New("has another digest, unpacked, than repomd.xml says")
		}
		if err == nil && d.Type == "primary" {
			err = s.primary(text)
		}
		s.check(s.name(d.Location.Href), err)
	}
	for _, x := range indexes {
		if !slices.Contains(kinds, x.kind) {
			s.problem(s.name("repodata/repomd.xml"), "has no %s", x.kind)
		}
	}
}

// maxIndex bounds an unpacked index, in bytes.
const maxIndex = 512 << 20

// unpackIndex unpacks what compressor packed.
func unpackIndex(data []byte) ([]byte, error) {
	var r io.Reader
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		r = z
	} else {
		z, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	}
	text, err := io.ReadAll(io.LimitReader(r, maxIndex+1))
	if err == nil && len(text) > maxIndex {
		err = fmt.Errorf("unpacks to more than %d bytes", maxIndex)
	}
	return text, err
}

// primary checks that primary.xml lists the manifest's packages.
func (s *snapshotVerifier) primary(text []byte) error {
	var md struct {
		Packages []struct {
			Checksum string `xml:"checksum"`
			Location struct {
				Href string `xml:"href,attr"`
			} `xml:"location"`
		} `xml:"package"`
	}
	if err := xml.Unmarshal(text, &md); err != nil {
		return err
	}
	listed := make(map[string]string)
	for _, p := range md.Packages {
		listed[p.Location.Href] = p.Checksum
	}
	return s.same(listed, kmp.RPM, func(Package) bool { return true })
}

// same compares what an index lists, digests by file, with the manifest.
func (s *snapshotVerifier) same(listed map[string]string, format kmp.Format, has func(Package) bool) error {
	n := 0
	for _, p := range s.manifest.Packages {
		if p.Format != format || !has(p) {
			continue
		}
		n++
		if listed[p.File] != p.SHA256 {
			return fmt.Errorf("does not list %s as the manifest does", p.File)
		}
	}
	if n != len(listed) {
		return fmt.Errorf("lists %d packages, and the manifest %d", len(listed), n)
	}
	return nil
}

// dists checks apt's metadata.
func (s *snapshotVerifier) dists() {
	dir := path.Join("dists", s.Suite)
	release := path.Join(dir, "Release")
	_, err := os.Lstat(s.snapshot(s.n, release))
	debs := slices.ContainsFunc(s.manifest.Packages, func(p Package) bool { return p.Format == kmp.Deb })
	if errors.Is(err, fs.ErrNotExist) && !debs {
		return
	}
	text := s.signed(release)
	if text == nil {
		return
	}
	if s.ring != nil {
		s.check(s.name(dir, "InRelease"), s.inRelease(path.Join(dir, "InRelease"), text))
	}
	files, err := releaseFiles(text)
	s.check(s.name(release), err)
	for _, p := range s.manifest.Packages {
		index := path.Join(component, "binary-"+p.Arch, "Packages")
		if p.Format == kmp.Deb && !slices.ContainsFunc(files, func(f hashedFile) bool { return f.name == index }) {
			s.problem(s.name(release), "names no %s, where %s belongs", index, p.File)
		}
	}
	for _, f := range files {
		for _, name := range []string{f.name, path.Join(path.Dir(f.name), hashName, "SHA256", f.digest)} {
			data, err := readBounded(s.snapshot(s.n, filepath.FromSlash(path.Join(dir, name))), maxManifest)
			if err == nil && (sumBytes(data) != f.digest || int64(len(data)) != f.size) {
				err = errors.New("has another digest or size than Release says")
			}
			if arch, ok := strings.CutSuffix(strings.TrimPrefix(name, component+"/binary-"), "/Packages"); err == nil && ok {
				err = s.stanzas(arch, data)
			}
			s.check(s.name(dir, name), err)
		}
	}
}

func (s *snapshotVerifier) inRelease(name string, release []byte) error {
	data, err := readBounded(s.snapshot(s.n, filepath.FromSlash(name)), maxSmall)
	if err != nil {
		return err
	}
	plain, signer, err := s.ring.VerifyClear(data, s.date)
	if err := s.by(signer, err); err != nil {
		return err
	}
	if !bytes.Equal(plain, release) {
		return errors.New("is not what Release says")
	}
	return nil
}

// stanzas checks that Packages of an architecture lists the manifest's packages.
func (s *snapshotVerifier) stanzas(arch string, text []byte) error {
	listed := make(map[string]string)
	file := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "Filename: "); ok {
			file = name
		}
		if sum, ok := strings.CutPrefix(line, "SHA256: "); ok {
			listed[file] = sum
		}
	}
	return s.same(listed, kmp.Deb, func(p Package) bool { return p.Arch == arch || p.Arch == "all" })
}
