package repo

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
	"modkeep/kmp"
)

// made describes a package that the tests make.
type made struct {
	format        kmp.Format
	name, version string
	arch          string // empty: for all
	requires      string // NAME = VERSION
	files         []string
}

// write makes the package in dir and returns its path.
func (m made) write(t testing.TB, dir string) string {
	t.Helper()
	p := &kmp.Package{Format: m.format, Name: m.name, Version: m.version, Release: "1", Arch: m.arch, Summary: m.name, License: "GPL",
		Vendor: "Nobody <nobody@example.org>", Description: "Made for a test.", Group: "kernel", BuildHost: "localhost"}
	if m.arch == "" {
		p.Arch = map[kmp.Format]string{kmp.RPM: "noarch", kmp.Deb: "all"}[m.format]
	}
	if name, version, ok := strings.Cut(m.requires, " = "); ok {
		p.Depends = append(p.Depends, kmp.Dependency{Relation: kmp.Requires, Name: name, Op: "=", Version: version + "-1"})
	}
	if m.format == kmp.RPM {
		p.Depends = append(p.Depends, kmp.Dependency{Relation: kmp.Provides, Name: m.name, Op: "=", Version: m.version + "-1"})
	}
	var contents []kmp.Content
	for _, name := range m.files {
		contents = append(contents, kmp.Content{File: kmp.File{Path: name, Mode: 0o644}, Data: []byte(m.name + " " + m.version + "\n")})
	}
	path := filepath.Join(dir, p.FileName())
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := kmp.Write(f, p, contents, kmp.WriteOptions{Date: date, Compression: "gzip"}); err != nil {
		t.Fatal(err)
	}
	return path
}

// site are the packages of a site in a version: modules with their metadata
// package, and a program that no kernel has to do with.
func site(t testing.TB, format kmp.Format, version string) string {
	dir := t.TempDir()
	for _, m := range []made{
		{format: format, name: "kmod-drv", version: version, files: []string{"/lib/modules/5.14.0/extra/drv.ko"}},
		{format: format, name: "drv-kernel-only", version: version, requires: "kmod-drv = " + version},
		{format: format, name: "unrelated", version: version, files: []string{"/usr/share/unrelated"}},
	} {
		m.write(t, dir)
	}
	return dir
}

// newRepo makes a repository of packages at paths.
func newRepo(t testing.TB, paths ...string) (*Repo, Publish) {
	t.Helper()
	pub := Publish{Key: readKey(t, "rsa.asc"), Date: date}
	r, _, err := Create(filepath.Join(t.TempDir(), "repo"), Settings{Name: "site", Suite: "modkeep", Keep: 2, Compression: Zstd}, paths, pub)
	if err != nil {
		t.Fatal(err)
	}
	return r, pub
}

// dnfRoot is an empty root that dnf installs into.
type dnfRoot struct{ dir string }

// run runs dnf on the root with the repository at base as its only one, its
// metadata's signature required, and best=1, which RHEL and Fedora set in dnf.conf:
// without it dnf 4 is content with an old version that is installed. It returns
// what dnf printed.
func (d dnfRoot) run(t testing.TB, base, key string, args ...string) (string, error) {
	t.Helper()
	cmd := command("dnf", append([]string{"-y", "--installroot=" + d.dir, "--releasever=9", "--repofrompath=site,file://" + base, "--repo=site",
		"--setopt=site.repo_gpgcheck=1", "--setopt=site.gpgkey=file://" + key, "--setopt=cachedir=" + d.dir + "/cache", "--setopt=best=1", "--nogpgcheck", "--refresh"}, args...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// installed returns NAME-VERSION of the packages in the root, sorted.
func (d dnfRoot) installed(t testing.TB) []string {
	t.Helper()
	list := strings.Fields(tool(t, "rpm", "--root", d.dir, "-qa", "--qf", "%{NAME}-%{VERSION}\n"))
	list = slices.DeleteFunc(list, func(s string) bool { return strings.HasPrefix(s, "gpg-pubkey") })
	slices.Sort(list)
	return list
}

// TestOracleDNF has dnf install from a repository, and from it when it was moved.
func TestOracleDNF(t *testing.T) {
	oracle.Tool(t, "dnf")
	oracle.Tool(t, "rpm")
	r, pub := newRepo(t, site(t, kmp.RPM, "1"))
	if err := r.Promote(1, "stable"); err != nil {
		t.Fatal(err)
	}
	dnf := func(root dnfRoot, want []string, args ...string) {
		t.Helper()
		out, err := root.run(t, r.at("stable"), r.at("stable", keyName), args...)
		if err != nil {
			t.Fatalf("dnf %q: %v\n%s", args, err, out)
		}
		if diff := cmp.Diff(want, root.installed(t)); diff != "" {
			t.Errorf("after dnf %q: %s\n%s", args, diff, out)
		}
	}
	one, two := dnfRoot{t.TempDir()}, dnfRoot{t.TempDir()}
	v1 := []string{"drv-kernel-only-1", "kmod-drv-1", "unrelated-1"}
	dnf(one, v1, "install", "drv-kernel-only", "unrelated")
	dnf(two, v1, "install", "drv-kernel-only", "unrelated")
	if _, err := r.Add([]string{site(t, kmp.RPM, "2")}, pub); err != nil {
		t.Fatal(err)
	}
	dnf(one, v1, "update") // stable still points to the old snapshot
	if err := r.Promote(2, "stable"); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "elsewhere", "the repo")
	if err := os.MkdirAll(filepath.Dir(moved), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(r.dir, moved); err != nil {
		t.Fatal(err)
	}
	r.dir = moved
	if err := os.Rename(moved, strings.ReplaceAll(moved, " ", "-")); err != nil { // dnf wants no blank in --repofrompath
		t.Fatal(err)
	}
	r.dir = strings.ReplaceAll(moved, " ", "-")
	dnf(one, []string{"drv-kernel-only-2", "kmod-drv-2", "unrelated-1"}, "install", "drv-kernel-only")
	dnf(two, []string{"drv-kernel-only-2", "kmod-drv-2", "unrelated-2"}, "update")
	// A flattened copy of a channel, as a mirror without links has it.
	flat := filepath.Join(t.TempDir(), "flat")
	tool(t, "cp", "-rL", r.at("stable"), flat)
	three := dnfRoot{t.TempDir()}
	if out, err := three.run(t, flat, filepath.Join(flat, keyName), "install", "unrelated"); err != nil {
		t.Errorf("from a copy: %v\n%s", err, out)
	}
}

// TestOracleDNFRefuses has dnf refuse metadata that another key signed, or that
// were changed.
func TestOracleDNFRefuses(t *testing.T) {
	oracle.Tool(t, "dnf")
	oracle.Tool(t, "rpm")
	r, _ := newRepo(t, site(t, kmp.RPM, "1"))
	other, err := readKey(t, "ed25519.asc").Public()
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "other.asc")
	if err := os.WriteFile(key, other, 0o644); err != nil {
		t.Fatal(err)
	}
	root := dnfRoot{t.TempDir()}
	if out, err := root.run(t, r.at(Latest), key, "install", "unrelated"); err == nil || !strings.Contains(out, "signature") {
		t.Errorf("another key: %v\n%s", err, out)
	}
	name := r.snapshot(1, "repodata/repomd.xml")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(string(data), "<revision>1", "<revision>2", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	root = dnfRoot{t.TempDir()}
	if out, err := root.run(t, r.at(Latest), r.at(Latest, keyName), "install", "unrelated"); err == nil || !strings.Contains(out, "signature") {
		t.Errorf("changed: %v\n%s", err, out)
	}
	if report, err := r.Verify(nil, date); err != nil || len(report.Problems) == 0 {
		t.Errorf("verify finds %+v, %v", report, err)
	}
}

// aptRoot is a root with a private state of apt's.
type aptRoot struct{ dir, config string }

func newAptRoot(t testing.TB) aptRoot {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/trusted.gpg.d", "etc/apt/sources.list.d",
		"var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "var/log/apt"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"var/lib/dpkg/status", "var/lib/dpkg/available", "etc/apt/sources.list"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "apt.conf")
	text := fmt.Sprintf(`Dir "%s";
Dir::State::status "%[1]s/var/lib/dpkg/status";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
DPkg::Options { "--root=%[1]s"; "--force-not-root"; "--force-bad-path"; "--log=/dev/null"; };
`, dir)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return aptRoot{dir, config}
}

// sources makes the repository at base the root's only one, believed if key signed
// it.
func (a aptRoot) sources(t testing.TB, base, key string) {
	t.Helper()
	line := "deb [signed-by=" + key + "] file:" + base + " modkeep main\n"
	if err := os.WriteFile(filepath.Join(a.dir, "etc/apt/sources.list"), []byte(line), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (a aptRoot) run(args ...string) (string, error) {
	cmd := command("apt-get", append([]string{"-y", "-q"}, args...)...)
	cmd.Env = append(cmd.Env, "APT_CONFIG="+a.config, "DEBIAN_FRONTEND=noninteractive")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (a aptRoot) installed(t testing.TB) []string {
	t.Helper()
	list := strings.Fields(tool(t, "dpkg-query", "--admindir="+a.dir+"/var/lib/dpkg", "-W", "-f", "${db:Status-Abbrev}${Package}-${Version}\n"))
	list = slices.DeleteFunc(list, func(s string) bool { return s == "ii" })
	slices.Sort(list)
	return list
}

// TestOracleApt has apt install from a repository, its signature required, and
// from it when it was moved.
func TestOracleApt(t *testing.T) {
	oracle.Tool(t, "apt-get")
	oracle.Tool(t, "dpkg-query")
	r, pub := newRepo(t, site(t, kmp.Deb, "1"), made{format: kmp.Deb, name: "native", version: "1", arch: "amd64"}.write(t, t.TempDir()))
	root := newAptRoot(t)
	root.sources(t, r.at(Latest), r.at(Latest, keyName))
	apt := func(want []string, args ...string) {
		t.Helper()
		for _, command := range [][]string{{"update"}, args} {
			out, err := root.run(command...)
			if err != nil || strings.Contains(out, "W: ") || strings.Contains(out, "N: ") {
				t.Fatalf("apt-get %q: %v\n%s", command, err, out)
			}
		}
		if diff := cmp.Diff(want, root.installed(t)); diff != "" {
			t.Errorf("after apt-get %q: %s", args, diff)
		}
	}
	apt([]string{"drv-kernel-only-1-1", "kmod-drv-1-1", "native-1-1", "unrelated-1-1"}, "install", "drv-kernel-only", "unrelated", "native")
	if _, err := r.Add([]string{site(t, kmp.Deb, "2")}, pub); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(r.dir, moved); err != nil {
		t.Fatal(err)
	}
	r.dir = moved
	root.sources(t, r.at(Latest), r.at(Latest, keyName))
	apt([]string{"drv-kernel-only-2-1", "kmod-drv-2-1", "native-1-1", "unrelated-1-1"}, "install", "drv-kernel-only")
	apt([]string{"drv-kernel-only-2-1", "kmod-drv-2-1", "native-1-1", "unrelated-2-1"}, "upgrade")
	// apt does not go back to an older Release, but to a new one of an older snapshot.
	back := Publish{Key: pub.Key, Date: date.AddDate(0, 0, 1)}
	if _, err := r.Remove([]string{"unrelated"}, back); err != nil {
		t.Fatal(err)
	}
	offers := func() bool {
		t.Helper()
		if out, err := root.run("update"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		_, err := root.run("install", "--allow-downgrades", "--print-uris", "unrelated=1-1")
		return err == nil
	}
	if offers() {
		t.Error("apt-get offers what was removed")
	}
	back.Date = date.AddDate(0, 0, 2)
	if _, err := r.Snapshot(2, back); err != nil {
		t.Fatal(err)
	}
	if !offers() {
		t.Error("apt-get does not offer what was brought back")
	}
	pub.Date = date.AddDate(0, 0, 3)
	// Machines of an architecture whose last package is gone are told of no error.
	if _, err := r.Remove([]string{"native", "kmod-drv", "drv-kernel-only", "unrelated"}, pub); err != nil {
		t.Fatal(err)
	}
	apt([]string{"drv-kernel-only-2-1", "kmod-drv-2-1", "native-1-1", "unrelated-2-1"}, "upgrade")
	if err := os.RemoveAll(filepath.Join(root.dir, "var/lib/apt/lists")); err != nil {
		t.Fatal(err)
	}
	other, err := readKey(t, "ed25519.asc").Public()
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(root.dir, "other.asc")
	if err := os.WriteFile(key, other, 0o644); err != nil {
		t.Fatal(err)
	}
	root.sources(t, r.at(Latest), key)
	if out, err := root.run("update"); err == nil || !strings.Contains(out, "NO_PUBKEY") {
		t.Errorf("another key: %v\n%s", err, out)
	}
}

// TestOracleFTPArchive holds Packages and Release against apt-ftparchive's of the
// same packages.
func TestOracleFTPArchive(t *testing.T) {
	oracle.Tool(t, "apt-ftparchive")
	r, _ := newRepo(t, site(t, kmp.Deb, "1"), made{format: kmp.Deb, name: "native", version: "1", arch: "amd64"}.write(t, t.TempDir()), debOfDpkg(t))
	ftparchive := func(args ...string) string {
		cmd := command("apt-ftparchive", args...)
		cmd.Dir = r.snapshot(1)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	theirs := stanzas(ftparchive("packages", "--no-md5", "--no-sha1", "--no-sha512", poolName))
	ours := stanzas(readText(t, r.snapshot(1, "dists/modkeep/main/binary-amd64/Packages")))
	if diff := cmp.Diff(theirs, ours); diff != "" || len(ours) != 5 {
		t.Errorf("Packages of %d (- apt-ftparchive, + modkeep):\n%s", len(ours), diff)
	}
	release := stanzas(readText(t, r.snapshot(1, "dists/modkeep/Release")))
	cmd := command("apt-ftparchive", "--no-md5", "--no-sha1", "--no-sha512", "-o", "APT::FTPArchive::Release::Origin=site", "-o", "APT::FTPArchive::Release::Label=site",
		"-o", "APT::FTPArchive::Release::Suite=modkeep", "-o", "APT::FTPArchive::Release::Codename=modkeep", "-o", "APT::FTPArchive::Release::Acquire-By-Hash=yes",
		"-o", "APT::FTPArchive::Release::Architectures=all amd64", "-o", "APT::FTPArchive::Release::Components=main", "release", ".")
	cmd.Dir = r.snapshot(1, "dists/modkeep")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := stanzas(string(out))
	for i := range want { // it lists itself and what by-hash has too
		want[i]["SHA256"] = keepLines(want[i]["SHA256"], "main/")
		delete(want[i], "Date")
		delete(release[i], "Date")
	}
	if diff := cmp.Diff(want, release); diff != "" {
		t.Errorf("Release (- apt-ftparchive, + modkeep):\n%s", diff)
	}
}

// keepLines sorts the lines of a list of files whose names begin with prefix.
func keepLines(text, prefix string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 3 && strings.HasPrefix(f[2], prefix) {
			kept = append(kept, strings.Join(f, " ")+"\n")
		}
	}
	slices.Sort(kept)
	return strings.Join(kept, "")
}

// debOfDpkg is a package by dpkg-deb whose control file has fields of all kinds.
func debOfDpkg(t testing.TB) string {
	t.Helper()
	oracle.Tool(t, "dpkg-deb")
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "tree/DEBIAN"), 0o755); err != nil {
		t.Fatal(err)
	}
	control := "Package: odd\nVersion: 2:1.0~rc1+b1-3\nArchitecture: all\nMaintainer: N <n@example.org>\nPre-Depends: dpkg (>= 1.17)\nDepends: a | b,\n c (>> 1)\n" +
		"Filename: ../../etc/passwd\nSHA256: 00\n more\nSection: kernel\nPriority: optional\nHomepage: https://example.org/\nX-Odd: yes\nDescription: odd\n long\n .\n   more: of it\n"
	if err := os.WriteFile(filepath.Join(dir, "tree/DEBIAN/control"), []byte(control), 0o644); err != nil {
		t.Fatal(err)
	}
	tool(t, "dpkg-deb", "--root-owner-group", "-b", filepath.Join(dir, "tree"), filepath.Join(dir, "odd.deb"))
	return filepath.Join(dir, "odd.deb")
}

// stanzas reads paragraphs of fields, sorted by their text.
func stanzas(text string) []map[string]string {
	var list []map[string]string
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		fields := map[string]string{}
		last := ""
		for line := range strings.Lines(paragraph + "\n") {
			if line[0] == ' ' {
				fields[last] += line
				continue
			}
			name, value, _ := strings.Cut(line, ":")
			last = name
			fields[name] = strings.TrimSpace(value)
		}
		if fields["SHA256"] == "" || strings.Contains(fields["SHA256"], "\n") {
			fields["SHA256"] = keepLines(fields["SHA256"], "")
		}
		list = append(list, fields)
	}
	slices.SortFunc(list, func(a, b map[string]string) int { return strings.Compare(a["Filename"], b["Filename"]) })
	return list
}

func readText(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestRelocatable: no file of a repository names the place where it was made, and
// no link leads by an absolute path.
func TestRelocatable(t *testing.T) {
	r, _ := newRepo(t, site(t, kmp.RPM, "1"), site(t, kmp.Deb, "1"))
	err := filepath.WalkDir(r.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(name)
			if filepath.IsAbs(target) {
				t.Errorf("%s leads to %s", name, target)
			}
			if _, statErr := os.Stat(name); statErr != nil {
				t.Errorf("%s leads nowhere: %v", name, statErr)
			}
			return err
		}
		if d.Type().IsRegular() && strings.Contains(readText(t, name), r.dir) {
			t.Errorf("%s names %s", name, r.dir)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOracleHTTP has dnf and apt-get install over HTTP, from a channel behind its
// links.
func TestOracleHTTP(t *testing.T) {
	for _, name := range []string{"dnf", "rpm", "apt-get", "dpkg-query"} {
		oracle.Tool(t, name)
	}
	r, _ := newRepo(t, site(t, kmp.RPM, "1"), site(t, kmp.Deb, "1"))
	server := httptest.NewServer(http.FileServer(http.Dir(r.dir)))
	defer server.Close()
	root := dnfRoot{t.TempDir()}
	out, err := command("dnf", "-y", "--installroot="+root.dir, "--releasever=9", "--repofrompath=site,"+server.URL+"/latest", "--repo=site", "--setopt=site.repo_gpgcheck=1",
		"--setopt=site.gpgkey="+server.URL+"/latest/key.asc", "--setopt=proxy=", "--setopt=cachedir="+root.dir+"/cache", "--nogpgcheck", "install", "drv-kernel-only").CombinedOutput()
	if err != nil || !slices.Equal(root.installed(t), []string{"drv-kernel-only-1", "kmod-drv-1"}) {
		t.Errorf("dnf: %v\n%s", err, out)
	}
	apt := newAptRoot(t)
	line := "deb [signed-by=" + r.at(Latest, keyName) + "] " + server.URL + "/latest modkeep main\n"
	if err := os.WriteFile(filepath.Join(apt.dir, "etc/apt/sources.list"), []byte(line), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"update"}, {"install", "drv-kernel-only"}} {
		if out, err := apt.run(append([]string{"-o", "Acquire::http::Proxy=DIRECT"}, args...)...); err != nil {
			t.Fatalf("apt-get %q: %v\n%s", args, err, out)
		}
	}
	if got := apt.installed(t); !slices.Equal(got, []string{"drv-kernel-only-1-1", "kmod-drv-1-1"}) {
		t.Errorf("apt: %q", got)
	}
}
