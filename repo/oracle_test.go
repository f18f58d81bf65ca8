package repo

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
	"modkeep/kmp"
	"modkeep/pgp"
)

// date is when the tests publish: after the keys were made.
var date = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// tool runs a program and returns what it printed, both streams. It has to
// succeed.
func tool(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC", "SOURCE_DATE_EPOCH=1767000000")
	return cmd
}

func readKey(t testing.TB, name string) *pgp.Key {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../pgp/testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	k, err := pgp.ReadKey(data, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// specs are packages for the tests: odd.spec has something of everything that the
// metadata can say.
var specs = []string{"odd.spec", "plain.spec", "many.spec"}

// buildRPMs makes the packages of the specs of testdata and returns their
// directory.
func buildRPMs(t testing.TB, specs ...string) string {
	t.Helper()
	oracle.Tool(t, "rpmbuild")
	top := t.TempDir()
	for _, spec := range specs {
		path, err := filepath.Abs(filepath.Join("testdata", spec))
		if err != nil {
			t.Fatal(err)
		}
		tool(t, "rpmbuild", "-ba", "--quiet", "--define", "_topdir "+top, "--define", "_buildhost localhost", "--define", "use_source_date_epoch_as_buildtime 1",
			"--define", "__os_install_post %{nil}", "--define", "debug_package %{nil}", path)
	}
	return top
}

// element is any XML element.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []element  `xml:",any"`
}

// flat writes an element in lines: attributes sorted, blank text left out where
// there are children.
func (e element) flat(b *strings.Builder, indent string) {
	b.WriteString(indent + e.XMLName.Local)
	slices.SortFunc(e.Attrs, func(a, b xml.Attr) int { return strings.Compare(a.Name.Local, b.Name.Local) })
	for _, a := range e.Attrs {
		b.WriteString(" " + a.Name.Local + "=" + a.Value)
	}
	if len(e.Children) == 0 {
		b.WriteString(": " + e.Text)
	}
	b.WriteString("\n")
	for _, c := range e.Children {
		c.flat(b, indent+"  ")
	}
}

// metadata reads the index of a kind in a repodata directory: for each package,
// by its digest, all that is said.
func metadata(t testing.TB, dir, kind string) map[string]string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*-"+kind+".xml.*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %q, %v", kind, found, err)
	}
	unpack := "zcat"
	if strings.HasSuffix(found[0], ".zst") {
		unpack = "zstdcat"
	}
	var root element
	if err := xml.Unmarshal([]byte(tool(t, unpack, found[0])), &root); err != nil {
		t.Fatal(err)
	}
	packages := map[string]string{"": root.XMLName.Space + " " + root.XMLName.Local}
	for _, a := range root.Attrs {
		packages[""] += " " + a.Name.Local + "=" + a.Value
	}
	for _, p := range root.Children {
		var b strings.Builder
		p.flat(&b, "")
		id := ""
		for _, a := range p.Attrs {
			if a.Name.Local == "pkgid" {
				id = a.Value
			}
		}
		for _, c := range p.Children {
			if c.XMLName.Local == "checksum" {
				id = c.Text
			}
		}
		packages[id] = b.String()
	}
	return packages
}

// TestOracleCreaterepo holds the metadata against createrepo_c's of the same
// packages, element by element, and what a change leaves against --update.
func TestOracleCreaterepo(t *testing.T) {
	oracle.Tool(t, "createrepo_c")
	oracle.Tool(t, "zstdcat")
	for _, how := range []Compression{Gzip, Zstd} {
		top := buildRPMs(t, specs...)
		dir := filepath.Join(t.TempDir(), "repo")
		pub := Publish{Key: readKey(t, "rsa.asc"), Date: date}
		r, _, err := Create(dir, Settings{Name: "site", Suite: "modkeep", Keep: 3, Compression: how}, []string{top}, pub)
		if err != nil {
			t.Fatal(err)
		}
		compare := func(what string) {
			theirs := t.TempDir()
			if err := os.Symlink(filepath.Join(dir, poolName), filepath.Join(theirs, poolName)); err != nil {
				t.Fatal(err)
			}
			tool(t, "createrepo_c", "--no-database", theirs)
			for _, kind := range []string{"primary", "filelists", "other"} {
				want, got := metadata(t, filepath.Join(theirs, "repodata"), kind), metadata(t, filepath.Join(dir, Latest, "repodata"), kind)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, %s of %d packages (- createrepo_c, + modkeep):\n%s", what, kind, len(want)-1, diff)
				}
				if len(want) < 9 {
					t.Errorf("%s, %s: only %d packages", what, kind, len(want)-1)
				}
			}
		}
		compare("created")
		hyphens := made{format: kmp.RPM, name: "hyphens", version: "1", requires: "kernel-uname-r = 6.1.0-1-amd64"}.write(t, t.TempDir()) // rpmbuild refuses it
		if _, err := r.Add([]string{buildRPMs(t, "later.spec"), hyphens}, pub); err != nil {
			t.Fatal(err)
		}
		compare("added")
	}
}

// TestSameBytes makes a repository twice, of files in another order and place.
func TestSameBytes(t *testing.T) {
	top := buildRPMs(t, specs...)
	files, err := packageFiles([]string{top})
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for range 2 {
		dir := filepath.Join(t.TempDir(), "repo")
		pub := Publish{Key: readKey(t, "ed25519.asc"), Date: date}
		if _, _, err := Create(dir, Settings{Name: "site", Suite: "modkeep", Keep: 3, Compression: Gzip}, files, pub); err != nil {
			t.Fatal(err)
		}
		made = append(made, dir)
		slices.Reverse(files)
	}
	if out, err := command("diff", "-r", "--no-dereference", "-x", cacheName, made[0], made[1]).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	a, _ := os.ReadFile(filepath.Join(made[0], cacheName))
	b, _ := os.ReadFile(filepath.Join(made[1], cacheName))
	if len(a) == 0 || !bytes.Equal(a, b) {
		t.Error("caches differ")
	}
}

// wellFormedXML fails on text that an XML reader refuses.
func wellFormedXML(t testing.TB, text string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		_, err := d.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("%v in %q", err, text)
		}
	}
}
