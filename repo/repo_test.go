package repo

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
	"modkeep/kmp"
	"modkeep/pgp"
)

// dump says of every path below dir what it is, times left out; working files
// do not count.
func dump(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		switch {
		case rel == lockName || rel == cacheName:
		case d.IsDir():
			fmt.Fprintf(&b, "%s/\n", rel)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			fmt.Fprintf(&b, "%s -> %s\n", rel, target)
			return err
		default:
			data, err := os.ReadFile(name)
			fmt.Fprintf(&b, "%s %x\n", rel, sha256.Sum256(data))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// wellFormed fails if Verify finds anything.
func wellFormed(t testing.TB, r *Repo) {
	t.Helper()
	report, err := r.Verify(nil, date)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Problems {
		t.Errorf("verify: %s: %s", p.Path, p.Text)
	}
}

func names(m *Manifest) string {
	var list []string
	for _, p := range m.Packages {
		list = append(list, p.Name+"-"+p.Version)
	}
	return strings.Join(list, " ")
}

func TestChanges(t *testing.T) {
	r, pub := newRepo(t, site(t, kmp.RPM, "1"))
	m, err := r.Add([]string{site(t, kmp.RPM, "2"), site(t, kmp.Deb, "2"), site(t, kmp.RPM, "1")}, pub)
	if err != nil {
		t.Fatal(err)
	}
	if want := "drv-kernel-only-1 drv-kernel-only-2 drv-kernel-only-2 kmod-drv-1 kmod-drv-2 kmod-drv-2 unrelated-1 unrelated-2 unrelated-2"; names(m) != want {
		t.Errorf("added: %s", names(m))
	}
	for _, c := range []struct{ pattern, left string }{
		{"unrelated", "drv-kernel-only-1 drv-kernel-only-2 drv-kernel-only-2 kmod-drv-1 kmod-drv-2 kmod-drv-2"},
		{"kmod-drv-1-1", "drv-kernel-only-1 drv-kernel-only-2 drv-kernel-only-2 kmod-drv-2 kmod-drv-2"},
		{"drv-kernel-only-1-1.noarch", "drv-kernel-only-2 drv-kernel-only-2 kmod-drv-2 kmod-drv-2"},
		{"kmod-drv_2-1_all.deb", "drv-kernel-only-2 drv-kernel-only-2 kmod-drv-2"},
		{"kmod-drv=2-1", "drv-kernel-only-2 drv-kernel-only-2"},
		{"drv-kernel-only.all", "drv-kernel-only-2"},
	} {
		m, err := r.Remove([]string{c.pattern}, pub)
		if err != nil {
			t.Fatal(err)
		}
		if names(m) != c.left {
			t.Errorf("without %s: %s", c.pattern, names(m))
		}
	}
	if _, err := r.Remove([]string{"kmod-drv"}, pub); err == nil || !strings.Contains(err.Error(), `no package "kmod-drv"`) {
		t.Errorf("absent: %v", err)
	}
	wellFormed(t, r)
	list, err := r.List()
	if err != nil || len(list) != 8 || !slices.Equal(list[7].Channels, []string{Latest}) || list[1].Packages != 9 {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestLinks: packages are found through links to them, and to their directory.
func TestLinks(t *testing.T) {
	packages, farm := site(t, kmp.RPM, "1"), t.TempDir()
	for _, name := range []string{"kmod-drv-1-1.noarch.rpm", "unrelated-1-1.noarch.rpm"} {
		if err := os.Symlink(filepath.Join(packages, name), filepath.Join(farm, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(farm, "directory.rpm"), 0o755); err != nil {
		t.Fatal(err)
	}
	way := filepath.Join(t.TempDir(), "way")
	if err := os.Symlink(farm, way); err != nil {
		t.Fatal(err)
	}
	r, pub := newRepo(t, way)
	if m, err := r.Manifest(1); err != nil || names(m) != "kmod-drv-1 unrelated-1" {
		t.Errorf("%+v, %v", m, err)
	}
	if err := os.Symlink("nowhere", filepath.Join(farm, "gone.rpm")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Add([]string{farm}, pub); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link to nothing: %v", err)
	}
}

// TestReadsOnlyWhatIsNew: a change does not read the packages that it has, and
// Verify does.
func TestReadsOnlyWhatIsNew(t *testing.T) {
	r, pub := newRepo(t, site(t, kmp.RPM, "1"))
	path := r.at(poolName, "unrelated-1-1.noarch.rpm")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	spoil := func() {
		if err := os.WriteFile(path, make([]byte, info.Size()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	spoil()
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Add([]string{site(t, kmp.RPM, "2")}, pub); err != nil {
		t.Errorf("it was read: %v", err)
	}
	report, err := r.Verify(nil, date)
	if err != nil || len(report.Problems) != 2 || report.Problems[0].Path != "pool/unrelated-1-1.noarch.rpm" {
		t.Errorf("%+v, %v", report, err)
	}
	spoil() // at another time
	before := dump(t, r.dir)
	if _, err := r.Add([]string{site(t, kmp.RPM, "3")}, pub); !errors.Is(err, kmp.ErrFormat) {
		t.Errorf("its time has changed, and nobody looked: %v", err)
	}
	if diff := cmp.Diff(before, dump(t, r.dir)); diff != "" {
		t.Error(diff)
	}
}

// TestCache: without a cache, with a damaged one and with times of a copy, the
// metadata are the same.
func TestCache(t *testing.T) {
	packages := site(t, kmp.RPM, "1")
	for _, c := range []struct {
		name  string
		spoil func(r *Repo) error
	}{
		{"whole", func(*Repo) error { return nil }},
		{"none", func(r *Repo) error { return os.Remove(r.at(cacheName)) }},
		{"damaged", func(r *Repo) error {
			data, err := os.ReadFile(r.at(cacheName))
			if err != nil {
				return err
			}
			data[len(data)/2]++
			return os.WriteFile(r.at(cacheName), data, 0o644)
		}},
		{"copied", func(r *Repo) error {
			return filepath.WalkDir(r.at(poolName), func(name string, d fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				return os.Chtimes(name, date, date)
			})
		}},
	} {
		r, pub := newRepo(t, packages)
		if err := c.spoil(r); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Snapshot(1, pub); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if one, two := dump(t, r.snapshot(1, "repodata")), dump(t, r.snapshot(2, "repodata")); one != two {
			t.Errorf("%s: %s", c.name, cmp.Diff(one, two))
		}
		wellFormed(t, r)
	}
}

// TestRefused: what cannot be published changes nothing.
func TestRefused(t *testing.T) {
	r, pub := newRepo(t, site(t, kmp.RPM, "1"), site(t, kmp.Deb, "1"))
	dir := t.TempDir()
	rpm := made{format: kmp.RPM, name: "late", version: "1", files: []string{"/lib/modules/5.14.0/extra/late.ko"}}.write(t, dir)
	deb := made{format: kmp.Deb, name: "late", version: "1", files: []string{"/lib/modules/5.14.0/extra/late.ko"}}.write(t, dir)
	file := func(name string, data []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rpmData, debData := []byte(readText(t, rpm)), []byte(readText(t, deb))
	other := Publish{Key: readKey(t, "ed25519.asc"), Date: date}
	for _, c := range []struct {
		name string
		path string
		pub  Publish
		want string
	}{
		{"rpm cut in its archive", file("x.rpm", rpmData[:len(rpmData)-7]), pub, "unexpected EOF"},
		{"rpm cut in its header", file("x.rpm", rpmData[:300]), pub, "x.rpm: "},
		{"rpm with a bit flipped", file("x.rpm", append(bytes.Clone(rpmData[:len(rpmData)-9]), append([]byte{rpmData[len(rpmData)-9] ^ 1}, rpmData[len(rpmData)-8:]...)...)), pub, "damaged: its archive has the digest"},
		{"rpm with a header changed", file("x.rpm", bytes.Replace(rpmData, []byte("Made for a test"), []byte("Made for a jest"), 1)), pub, "damaged: its header has the digest"},
		{"rpm leading out", file("x.rpm", leadingOut(t, rpmData)), pub, "leads out of the root"},
		{"deb cut", file("x.deb", debData[:len(debData)-7]), pub, "x.deb: "},
		{"deb with a bit flipped", file("x.deb", append(bytes.Clone(debData[:len(debData)-20]), append([]byte{debData[len(debData)-20] ^ 1}, debData[len(debData)-19:]...)...)), pub, "x.deb: "},
		{"deb leading out", debByHand(t, "Package: hostile\nVersion: 1\nArchitecture: all\nDescription: x\n", "../../"), pub, "leads out of the root"},
		{"deb for no architecture", debByHand(t, "Package: hostile\nVersion: 1\nDescription: x\n", ""), pub, `name, version or architecture: "hostile_1_.deb" is no name`},
		{"no package", file("x.rpm", []byte("hello")), pub, "neither an .rpm nor a .deb"},
		{"empty", file("x.rpm", nil), pub, "neither an .rpm nor a .deb"},
		{"absent", filepath.Join(dir, "absent.rpm"), pub, "no such file"},
		{"directory without packages", t.TempDir(), pub, "no package in it"},
		{"another build", made{format: kmp.RPM, name: "kmod-drv", version: "1", files: []string{"/lib/modules/other.ko"}}.write(t, t.TempDir()), pub, "with other content"},
		{"another key", rpm, other, "not the key that the repository is signed with"},
		{"no key", rpm, Publish{Date: date}, "none was given"},
		{"before the key", rpm, Publish{Key: pub.Key, Date: date.AddDate(-5, 0, 0)}, "cannot sign at"},
		{"no judgement", rpm, Publish{Key: pub.Key, Date: date, Judge: func([]Package, func(Package) string) ([]Kernel, error) {
			return nil, errors.New("no kernel to judge by")
		}}, "no kernel to judge by"},
	} {
		before := dump(t, r.dir)
		_, err := r.Add([]string{rpm, c.path}, c.pub)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if diff := cmp.Diff(before, dump(t, r.dir)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	release, err := r.lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Add([]string{rpm}, pub); !errors.Is(err, ErrLocked) {
		t.Errorf("locked: %v", err)
	}
	release()
	if m, err := r.Add([]string{rpm, deb}, pub); err != nil || len(m.Packages) != 8 {
		t.Errorf("%v", err)
	}
	wellFormed(t, r)
}

// leadingOut is an rpm with a file ../../….ko, its header's digest put right.
func leadingOut(t testing.TB, data []byte) []byte {
	t.Helper()
	p, err := kmp.ReadHeader("x.rpm", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	header := data[p.HeaderStart:p.HeaderEnd]
	changed := bytes.Replace(header, []byte("/lib/modules/5.14.0/extra/"), []byte("/lib/modules/../../extraa/"), 1)
	if bytes.Equal(header, changed) {
		t.Fatal("no such directory in the header")
	}
	sum := func(b []byte) []byte {
		s := sha256.Sum256(b)
		return []byte(hex.EncodeToString(s[:]))
	}
	head := bytes.Replace(data[:p.HeaderStart], sum(header), sum(changed), 1)
	return slices.Concat(head, changed, data[p.HeaderEnd:])
}

// debByHand is a .deb with a control file and one file, evil, behind prefix.
func debByHand(t testing.TB, control, prefix string) string {
	t.Helper()
	for _, name := range []string{"tar", "ar", "gzip"} {
		oracle.Tool(t, name)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"debian-binary": "2.0\n", "control": control, "evil": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tool(t, "tar", "-C", dir, "-czf", filepath.Join(dir, "control.tar.gz"), "./control")
	tool(t, "tar", "-C", dir, "-czPf", filepath.Join(dir, "data.tar.gz"), "--transform", "s,^,"+prefix+",", "evil")
	path := filepath.Join(dir, "hostile.deb")
	tool(t, "ar", "rc", path, filepath.Join(dir, "debian-binary"), filepath.Join(dir, "control.tar.gz"), filepath.Join(dir, "data.tar.gz"))
	return path
}

// TestLeftByPowerCut: what a change that was cut off put in place before a pointer
// moved, empty as it may come to the disk, is seen by nobody and in nobody's way.
func TestLeftByPowerCut(t *testing.T) {
	r, pub := newRepo(t, site(t, kmp.RPM, "1"), site(t, kmp.Deb, "1"))
	later := site(t, kmp.Deb, "2")
	leave := func() {
		t.Helper()
		if err := os.MkdirAll(r.snapshot(2, "repodata"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{r.snapshot(2, manifestName), r.at(poolName, "unrelated_2-1_all.deb")} {
			if err := os.WriteFile(name, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	leave()
	wellFormed(t, r)
	if list, err := r.List(); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	if err := r.Promote(2, "stable"); err == nil {
		t.Error("it is promoted")
	}
	c, err := r.Collect(0, false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"snapshots/2", "pool/unrelated_2-1_all.deb"}, c.Removed); diff != "" {
		t.Error(diff)
	}
	leave()
	m, err := r.Add([]string{later}, pub)
	if err != nil || m.Snapshot != 2 || len(m.Packages) != 9 {
		t.Errorf("%+v, %v", m, err)
	}
	wellFormed(t, r)
}

func TestKeys(t *testing.T) {
	r, pub := newRepo(t, site(t, kmp.RPM, "1"))
	other := Publish{Key: readKey(t, "ed25519.asc"), Date: date, ReplaceKey: true}
	m, err := r.Snapshot(1, other)
	if err != nil || m.Key != other.Key.Fingerprint() {
		t.Fatalf("%v, %v", m, err)
	}
	if _, err := r.Snapshot(1, pub); !errors.Is(err, ErrKey) {
		t.Errorf("the old key: %v", err)
	}
	wellFormed(t, r)
	public, err := other.Key.Public()
	if err != nil {
		t.Fatal(err)
	}
	ring, err := pgp.ReadRing(public)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]int{1: 2, 2: 0} { // manifest.json.asc and repomd.xml.asc of the first
		report, err := r.Verify(ring, date, n)
		if err != nil || len(report.Problems) != want {
			t.Errorf("snapshot %d by the new key: %+v, %v", n, report, err)
		}
	}
	// Clients may take the key from the repository: a second one beside it is found.
	name := r.snapshot(2, keyName)
	first, err := pub.Key.Public()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, slices.Concat(public, first), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, trusted := range []*pgp.Ring{nil, ring} {
		report, err := r.Verify(trusted, date, 2)
		if err != nil || len(report.Problems) != 1 || report.Problems[0].Path != "snapshots/2/key.asc" {
			t.Errorf("two keys: %+v, %v", report, err)
		}
	}
	unsigned, _, err := Create(filepath.Join(t.TempDir(), "repo"), r.Settings, []string{site(t, kmp.Deb, "1")}, Publish{Date: date})
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, unsigned)
	if report, err := unsigned.Verify(ring, date); err != nil || len(report.Problems) == 0 {
		t.Errorf("unsigned, and a key is given: %+v, %v", report, err)
	}
	if _, err := unsigned.Snapshot(1, pub); !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), "it is not signed") {
		t.Errorf("unsigned: %v", err)
	}
}

func TestPromoteAndCollect(t *testing.T) {
	r, pub := newRepo(t, site(t, kmp.RPM, "1"), site(t, kmp.Deb, "1"))
	for version := range 5 {
		if _, err := r.Add([]string{site(t, kmp.RPM, fmt.Sprint(version+2)), site(t, kmp.Deb, fmt.Sprint(version+2))}, pub); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Remove([]string{fmt.Sprintf("unrelated-%d-1", version+1)}, pub); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Promote(3, "stable"); err != nil {
		t.Fatal(err)
	}
	for channel, want := range map[string]string{"../x": "not a name", "latest": "not a name", "pool": "not a name", "7": "not a name", "": "not a name"} {
		if err := r.Promote(3, channel); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("channel %q: %v", channel, err)
		}
	}
	if err := r.Promote(99, "stable"); err == nil {
		t.Error("a snapshot that is not there")
	}
	if err := os.WriteFile(r.at("file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.Promote(3, "file"); err == nil || !strings.Contains(err.Error(), "is no pointer") {
		t.Errorf("over a file: %v", err)
	}
	if err := os.WriteFile(r.at(poolName, "stray"), []byte("left over"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := dump(t, r.dir)
	dry, err := r.Collect(0, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, dump(t, r.dir)); diff != "" {
		t.Error("a dry run changed", diff)
	}
	c, err := r.Collect(0, false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dry, c); diff != "" {
		t.Error(diff)
	}
	left, err := r.Snapshots()
	if diff := cmp.Diff([]int{3, 10, 11}, left); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, name := range []string{"pool/stray", "snapshots/1", "pool/unrelated-1-1.noarch.rpm", "pool/unrelated_4-1_all.deb"} {
		if !slices.Contains(c.Removed, name) {
			t.Errorf("%s is left: %q", name, c.Removed)
		}
	}
	wellFormed(t, r)
	if c, err := r.Collect(0, false); err != nil || len(c.Removed) != 0 {
		t.Errorf("again: %+v, %v", c, err)
	}
}

func TestCreateRefuses(t *testing.T) {
	packages := site(t, kmp.RPM, "1")
	set := Settings{Name: "site", Suite: "modkeep", Keep: 1, Compression: Gzip}
	pub := Publish{Date: date}
	dir := filepath.Join(t.TempDir(), "repo")
	bad := filepath.Join(t.TempDir(), "bad.rpm")
	if err := os.WriteFile(bad, []byte("no package"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Create(dir, set, []string{bad}, pub); err == nil {
		t.Error("no error")
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something is left: %v", err)
	}
	if _, _, err := Create(dir, set, []string{packages}, pub); err != nil {
		t.Fatal(err)
	}
	before := dump(t, dir)
	if _, _, err := Create(dir, set, nil, pub); !errors.Is(err, ErrExists) {
		t.Errorf("there already: %v", err)
	}
	if diff := cmp.Diff(before, dump(t, dir)); diff != "" {
		t.Error(diff)
	}
	if _, _, err := Create(packages, set, nil, pub); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("not empty: %v", err)
	}
	// What a killed Create left is not in the way.
	if err := os.Remove(filepath.Join(dir, settingsName)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrNotRepo) {
		t.Errorf("%v", err)
	}
	r, m, err := Create(dir, set, nil, pub)
	if err != nil || len(m.Packages) != 0 || m.Snapshot != 1 {
		t.Fatalf("%+v, %v", m, err)
	}
	wellFormed(t, r)
	for _, s := range []Settings{{}, {Name: "a/b", Suite: "x", Keep: 1, Compression: Gzip}, {Name: "a", Suite: "..", Keep: 1, Compression: Gzip},
		{Name: "a", Suite: "x", Compression: Gzip}, {Name: "a", Suite: "x", Keep: 1, Compression: "xz"}} {
		if _, _, err := Create(filepath.Join(t.TempDir(), "x"), s, nil, pub); err == nil {
			t.Errorf("%+v", s)
		}
	}
}

// TestTakenBack: a change that fails when half of it is in place takes that back.
func TestTakenBack(t *testing.T) {
	r, pub := newRepo(t, site(t, kmp.RPM, "1"), site(t, kmp.Deb, "1"))
	if _, err := r.Remove([]string{"unrelated"}, pub); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	early := made{format: kmp.RPM, name: "aaa", version: "1"}.write(t, dir)
	other := made{format: kmp.RPM, name: "unrelated", version: "1", files: []string{"/usr/share/other"}}.write(t, dir)
	before := dump(t, r.dir)
	if _, err := r.Add([]string{early, other}, pub); err == nil || !strings.Contains(err.Error(), "an older snapshot has one with other content") {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff(before, dump(t, r.dir)); diff != "" {
		t.Error(diff)
	}
}

// TestVerifyFinds changes one thing after the other in a repository that is not
// signed, so that digests alone have to tell.
func TestVerifyFinds(t *testing.T) {
	edit := func(name, from, to string) func(*Repo) error {
		return func(r *Repo) error {
			found, err := filepath.Glob(r.snapshot(1, name))
			if err != nil || len(found) != 1 {
				return fmt.Errorf("%q, %v", found, err)
			}
			text := readText(t, found[0])
			if !strings.Contains(text, from) {
				return fmt.Errorf("%s: no %q", name, from)
			}
			return os.WriteFile(found[0], []byte(strings.Replace(text, from, to, 1)), 0o644)
		}
	}
	remove := func(name string) func(*Repo) error {
		return func(r *Repo) error { return os.RemoveAll(r.at(name)) }
	}
	forged := func(r *Repo) error {
		m, err := r.Manifest(1)
		if err != nil {
			return err
		}
		return edit(manifestName, m.Find("one.all")[0].SHA256, strings.Repeat("0", 64))(r)
	}
	const dists = "dists/modkeep/"
	for _, c := range []struct {
		name, path, text string
		spoil            func(*Repo) error
	}{
		{"nothing", "", "", func(*Repo) error { return nil }},
		{"a package the manifest does not have", "repodata/", "lists 2 packages, and the manifest 1", func(r *Repo) error {
			m, err := r.Manifest(1)
			if err != nil {
				return err
			}
			m.Packages = slices.DeleteFunc(m.Packages, func(p Package) bool { return p.File == "pool/two-1-1.noarch.rpm" })
			data, err := m.Encode()
			if err != nil {
				return err
			}
			return os.WriteFile(r.snapshot(1, manifestName), data, 0o644)
		}},
		{"another digest in the manifest", "pool/one_1-1_all.deb", "and the manifest says", forged},
		{"an index with another digest", "main/binary-all/Packages", "does not list pool/one_1-1_all.deb as the manifest does", forged},
		{"another digest in primary", "repodata/", "has another digest than repomd.xml says", edit("repodata/*-primary.xml.zst", "a", "b")},
		{"other filelists", "repodata/", "has another digest than repomd.xml says", edit("repodata/*-filelists.xml.zst", "a", "b")},
		{"repomd cut", "repodata/repomd.xml", "has no other", edit("repodata/repomd.xml", `type="other"`, `type="another"`)},
		{"repomd leading out", "repodata/repomd.xml", `names "../../x"`, edit("repodata/repomd.xml", `href="repodata/`, `href="../../x" x="`)},
		{"Packages", dists, "has another digest or size", edit(dists+"main/binary-all/Packages", "one", "two")},
		{"Release", dists, "no digest, size and name", edit(dists+"Release", "SHA256:\n ", "SHA256:\n 00")},
		{"by-hash gone", dists, "no such file", remove(hashName)},
		{"package gone", "pool/two-1-1.noarch.rpm", "no such file", remove("pool/two-1-1.noarch.rpm")},
		{"apt's metadata gone", dists, "no such file", func(r *Repo) error { return os.RemoveAll(r.snapshot(1, "dists")) }},
		{"no way to the packages", "snapshots/1/pool", "no such file", func(r *Repo) error { return os.Remove(r.snapshot(1, poolName)) }},
		{"a way to other packages", "snapshots/1/pool", "leads elsewhere", func(r *Repo) error {
			return errors.Join(os.Remove(r.snapshot(1, poolName)), os.Symlink("..", r.snapshot(1, poolName)))
		}},
		{"Release without a list", dists + "Release", "names no main/binary-all/Packages, where pool/one_1-1_all.deb belongs", edit(dists+"Release", "SHA256:", "SHA512:")},
		{"pointer to nowhere", "stable", "points to snapshot 7", func(r *Repo) error { return os.Symlink("snapshots/7", r.at("stable")) }},
		{"no latest", Latest, "is missing", remove(Latest)},
	} {
		dir := t.TempDir()
		for _, m := range []made{{format: kmp.RPM, name: "one", version: "1"}, {format: kmp.RPM, name: "two", version: "1"}, {format: kmp.Deb, name: "one", version: "1"}} {
			m.write(t, dir)
		}
		r, _, err := Create(filepath.Join(t.TempDir(), "repo"), Settings{Name: "site", Suite: "modkeep", Keep: 2, Compression: Zstd}, []string{dir}, Publish{Date: date})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.spoil(r); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		report, err := r.Verify(nil, date)
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(report.Problems, func(p Problem) bool {
			return strings.Contains(p.Path, c.path) && strings.Contains(p.Text, c.text) && !strings.Contains(p.Text, r.dir)
		})
		if found != (c.path != "") || c.path == "" && len(report.Problems) > 0 {
			t.Errorf("%s: %+v", c.name, report.Problems)
		}
	}
}
