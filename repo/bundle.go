package repo

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"modkeep/kmp"
	"modkeep/pgp"
)

// installScript is what a bundle's install is made from.
//
//go:embed install.sh
var installScript string

// Bundle says what goes into a bundle besides a snapshot.
type Bundle struct {
	Distros []string          // distributions that it is for, as ID and VERSION_ID of os-release(5): rhel9, debian12; none: any
	Logs    map[string][]byte // by name
	Key     *pgp.Key          // signs SHA256SUMS; nil: not signed
	Date    time.Time         // of that signature
}

var validDistro = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// bundler writes a bundle.
type bundler struct {
	*Repo
	m    *Manifest
	tar  *tar.Writer
	top  string
	sums []string // lines of SHA256SUMS
}

// WriteBundle writes a .tgz with snapshot n for machines without a network, in
// one directory NAME-N:
//
//	install       installs the packages; see its --help
//	repo/         the snapshot as a repository of its own
//	keys/         the public key
//	log/          snapshot.log, which is the manifest for people, and other logs
//	kernels.tsv   kernel, module, decision, required, names to install, reason
//	packages.tsv  format, name to install, file
//	SHA256SUMS    of all of them; SHA256SUMS.asc its signature
//
// It depends on nothing but the snapshot and b. A package whose content is not
// what the manifest says is an error; what was written is then worth nothing.
func (r *Repo) WriteBundle(w io.Writer, n int, b Bundle) error {
	m, err := r.Manifest(n)
	if err != nil {
		return err
	}
	for _, d := range b.Distros {
		if !validDistro.MatchString(d) {
			return fmt.Errorf("distribution %.80q: not like rhel9 or debian12", d)
		}
	}
	z := gzip.NewWriter(w)
	u := &bundler{Repo: r, m: m, tar: tar.NewWriter(z), top: m.Repository + "-" + strconv.Itoa(n)}
	if err := u.write(b); err != nil {
		return err
	}
	if err := u.tar.Close(); err != nil {
		return err
	}
	return z.Close()
}

func (u *bundler) write(b Bundle) error {
	if err := u.data("install", 0o755, []byte(u.script(b))); err != nil {
		return err
	}
	if err := u.repository(); err != nil {
		return err
	}
	if u.m.Key != "" {
		key, err := readBounded(u.snapshot(u.m.Snapshot, keyName), pgp.MaxKeys)
		if err != nil {
			return err
		}
		if err := u.data("keys/"+u.m.Repository+".asc", 0o644, key); err != nil {
			return err
		}
	}
	if err := u.data("log/"+snapshotLog, 0o644, u.log()); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(b.Logs)) {
		if !validName.MatchString(name) || name == snapshotLog {
			return fmt.Errorf("log %.80q: letters, digits, dots, - and _ only, and not %s", name, snapshotLog)
		}
		if err := u.data("log/"+name, 0o644, b.Logs[name]); err != nil {
			return err
		}
	}
	if err := errors.Join(u.data("kernels.tsv", 0o644, u.kernels()), u.data("packages.tsv", 0o644, u.packages())); err != nil {
		return err
	}
	return u.checksums(b.Key, b.Date)
}

// snapshotLog is the log that every bundle has.
const snapshotLog = "snapshot.log"

// log says in lines what the manifest says.
func (u *bundler) log() []byte {
	var b bytes.Buffer
	signed := "not signed"
	if u.m.Key != "" {
		signed = "signed with " + u.m.Key
	}
	fmt.Fprintf(&b, "%s, snapshot %d, %s, %s\n", u.m.Repository, u.m.Snapshot, u.m.Date.Format(time.RFC3339), signed)
	for _, p := range u.m.Packages {
		fmt.Fprintf(&b, "package %s  %s\n", p.SHA256, p.File)
	}
	for _, k := range u.m.Kernels {
		ready := "ready"
		if !k.Ready {
			ready = "not ready"
		}
		fmt.Fprintf(&b, "kernel %s  %s\n", k.Release, ready)
		for _, m := range k.Modules {
			fmt.Fprintf(&b, "  %-8s  %s: %s\n", m.Decision, oneLine(m.Name), oneLine(m.Reason))
		}
	}
	return b.Bytes()
}

// oneLine is text without line ends and tabs, as the bundle's tables have it.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// checksums writes SHA256SUMS and its signature.
func (u *bundler) checksums(key *pgp.Key, date time.Time) error {
	text := strings.Join(u.sums, "")
	if err := u.data("SHA256SUMS", 0o644, []byte(text)); err != nil || key == nil {
		return err
	}
	signature, err := key.SignArmored(strings.NewReader(text), date)
	if err != nil {
		return err
	}
	return u.data("SHA256SUMS.asc", 0o644, signature)
}

// script is install for this snapshot. All that is put into it consists of
// letters, digits and the like.
func (u *bundler) script(b Bundle) string {
	var formats []string
	for _, p := range u.m.Packages {
		formats = append(formats, string(p.Format))
	}
	slices.Sort(formats)
	return strings.NewReplacer("@NAME@", u.m.Repository, "@SNAPSHOT@", strconv.Itoa(u.m.Snapshot), "@SUITE@", u.Suite, "@KEY@", shellWord(u.m.Key),
		"@FORMATS@", strings.Join(slices.Compact(formats), " "), "@DISTROS@", strings.Join(b.Distros, " ")).Replace(installScript)
}

// shellWord leaves letters and digits of a word.
func shellWord(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, text)
}

// data writes a file.
func (u *bundler) data(name string, mode int64, data []byte) error {
	return u.file(name, mode, int64(len(data)), bytes.NewReader(data), "")
}

// file writes a file of size bytes, whose digest must be the one given, if any.
func (u *bundler) file(name string, mode, size int64, r io.Reader, digest string) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: path.Join(u.top, name), Mode: mode, Size: size, ModTime: u.m.Date, Format: tar.FormatPAX}
	if err := u.tar.WriteHeader(h); err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(u.tar, sum), io.LimitReader(r, size))
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	if is := hexSum(sum); err == nil && digest != "" && is != digest {
		err = fmt.Errorf("%w: SHA-256 %s, and the manifest says %s", ErrDamaged, is, digest)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	u.sums = append(u.sums, hexSum(sum)+"  "+name+"\n")
	return nil
}

// repository writes the snapshot, its links as what they lead to, and of the pool
// the packages that it has.
func (u *bundler) repository() error {
	top := u.snapshot(u.m.Snapshot)
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(top, name)
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err // the pool and by-hash
		}
		data, err := readBounded(name, maxManifest)
		if err != nil {
			return err
		}
		return u.data(path.Join("repo", filepath.ToSlash(rel)), 0o644, data)
	})
	if err != nil {
		return err
	}
	if err := u.byHash(); err != nil {
		return err
	}
	for _, p := range u.m.Packages {
		if err := u.pool(p); err != nil {
			return err
		}
	}
	return nil
}

func (u *bundler) pool(p Package) error {
	f, err := os.Open(u.Path(p))
	if err != nil {
		return err
	}
	defer f.Close()
	return u.file(path.Join("repo", p.File), 0o644, p.Size, f, p.SHA256)
}

// byHash writes apt's indexes of the snapshot under their digests.
func (u *bundler) byHash() error {
	dir := path.Join("dists", u.Suite)
	text, err := readBounded(u.snapshot(u.m.Snapshot, dir, "Release"), maxSmall)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	files, err := releaseFiles(text)
	if err != nil {
		return err
	}
	for _, f := range files {
		name := path.Join(dir, path.Dir(f.name), hashName, "SHA256", f.digest)
		data, err := readBounded(u.snapshot(u.m.Snapshot, filepath.FromSlash(name)), maxManifest)
		if err == nil {
			err = u.data(path.Join("repo", name), 0o644, data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// spec is how dnf and apt-get are told to install just this package.
func (p Package) spec() string {
	if p.Format == kmp.Deb {
		return p.Name + "=" + p.EVR()
	}
	return p.Name + "-" + p.EVR() + "." + p.Arch
}

// kernels is kernels.tsv.
func (u *bundler) kernels() []byte {
	specs := make(map[string]string)
	for _, p := range u.m.Packages {
		specs[p.File] = p.spec()
	}
	var b bytes.Buffer
	for _, k := range u.m.Kernels {
		for _, m := range k.Modules {
			required := "optional"
			if m.Required {
				required = "required"
			}
			fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%s\t%s\n", k.Release, oneLine(m.Name), m.Decision, required, oneLine(specs[m.Package]+" "+specs[m.Other]), oneLine(m.Reason))
		}
	}
	return b.Bytes()
}

// packages is packages.tsv: what can be installed.
func (u *bundler) packages() []byte {
	var b bytes.Buffer
	for _, p := range u.m.Packages {
		if p.Arch != "src" {
			fmt.Fprintf(&b, "%s\t%s\t%s\n", p.Format, p.spec(), p.File)
		}
	}
	return b.Bytes()
}
