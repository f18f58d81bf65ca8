package kmp

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
)

var date = time.Unix(1_700_000_000, 0)

// urma is a package to be written, and its contents.
func urma(format Format) (*Package, []Content) {
	p := &Package{
		Format: format, Name: "urma-modules", Epoch: "2", Version: "1.3.0~rc1", Release: "206", Arch: "x86_64",
		Summary: "tiny modules", Description: "Tiny modules\n\n  and more of them.", License: "GPL-2.0", Vendor: "Some One <some@example.org>",
		URL: "https://example.org/urma", Group: "kernel", Packager: "Some One",
		Depends: []Dependency{
			{Relation: Requires, Name: "kernel(printk)", Op: "=", Version: "0x92997ed8"},
			{Relation: Requires, Name: "ksym(memcpy_s)", Op: "=", Version: "0x11223344"},
			{Relation: Requires, Name: "/usr/sbin/depmod", Pre: true},
			{Relation: Requires, Name: "(kmod(ib_core.ko) if kernel)"},
			{Relation: Provides, Name: "ksym(ubcore_register)", Op: "=", Version: "0x1234abcd"},
			{Relation: Provides, Name: "kernel-modules", Op: ">=", Version: oldKernel},
			{Relation: Provides, Name: "multiversion(kernel)"},
			{Relation: Conflicts, Name: "old-urma", Op: "<=", Version: "1:1.0-1"},
			{Relation: Obsoletes, Name: "older-urma", Op: "<", Version: "0.5"},
			{Relation: Recommends, Name: "urma-tools"},
			{Relation: Suggests, Name: "other", Op: "<", Version: "3"},
			{Relation: Supplements, Name: "modalias(pci:v000019E5d*)"},
			{Relation: Enhances, Name: "kernel-default"},
		},
		Scripts: []Script{
			{Name: "post", Interpreter: "/bin/sh", Text: "echo post $1\n"},
			{Name: "postun", Interpreter: "/bin/sh", Text: "echo postun $1\n"},
			{Name: "posttrans", Interpreter: "/bin/sh", Text: "echo posttrans\n"},
		},
	}
	if format == Deb {
		p.Arch = "amd64"
		p.Depends = []Dependency{
			{Relation: Requires, Name: "linux-image-6.1 | linux-image-cloud"},
			{Relation: Requires, Name: "kmod", Op: ">=", Version: "20"},
			{Relation: Requires, Name: "dpkg", Op: ">", Version: "1.17", Pre: true},
			{Relation: Provides, Name: "urma", Op: "=", Version: "1.3"},
			{Relation: Conflicts, Name: "old-urma", Op: "<", Version: "1:1.0-1"},
			{Relation: Obsoletes, Name: "old-urma", Op: "<<", Version: "1:1.0-1"},
			{Relation: Recommends, Name: "urma-tools"},
			{Relation: Suggests, Name: "other"},
			{Relation: Enhances, Name: "another"},
		}
		p.Scripts = []Script{{Name: "postinst", Interpreter: "/bin/sh", Text: "set -e\necho postinst $1\n"}, {Name: "prerm", Interpreter: "/bin/sh", Text: "echo prerm $1\n"}}
		p.Triggers = []string{"activate-noawait update-initramfs"}
	}
	return p, []Content{
		{File: File{Path: "/usr/src/ubcore/Module.symvers", Mode: 0o644}, Data: []byte(symvers)},
		{File: File{Path: "/etc/depmod.d/ubcore.conf", Mode: 0o644, Config: true}, Data: []byte("override ubcore * extra/urma\n")},
		{File: File{Path: "/lib/modules/" + oldKernel + "/extra/urma", Mode: fs.ModeDir | 0o755}},
		{File: File{Path: "/lib/modules/" + oldKernel + "/extra/urma/ubcore.ko", Mode: 0o644}, Data: ubcore},
		{File: File{Path: "/lib/modules/" + oldKernel + "/extra/urma/alias.ko", Mode: fs.ModeSymlink, Target: "ubcore.ko"}},
		{File: File{Path: "/usr/share/urma/empty", Mode: 0o600}},
	}
}

// writtenTo writes a package into a file.
func writtenTo(t testing.TB, p *Package, contents []Content, o WriteOptions) string {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, p, contents, o); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), p.FileName())
	if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

const urmaSpec = `Name: urma-modules
Epoch: 2
Version: 1.3.0~rc1
Release: 206
Summary: tiny modules
License: GPL-2.0
Vendor: Some One <some@example.org>
Packager: Some One
URL: https://example.org/urma
Group: kernel
AutoReqProv: no
Requires: kernel(printk) = 0x92997ed8
Requires: ksym(memcpy_s) = 0x11223344
Requires: (kmod(ib_core.ko) if kernel)
Requires(post,postun): /usr/sbin/depmod
Provides: ksym(ubcore_register) = 0x1234abcd
Provides: kernel-modules >= KREL
Provides: multiversion(kernel)
Conflicts: old-urma <= 1:1.0-1
Obsoletes: older-urma < 0.5
Recommends: urma-tools
Suggests: other < 3
Supplements: modalias(pci:v000019E5d*)
Enhances: kernel-default

%description
Tiny modules

  and more of them.

%install
mkdir -p %{buildroot}/usr/src/ubcore %{buildroot}/etc/depmod.d %{buildroot}/lib/modules/KREL/extra/urma %{buildroot}/usr/share/urma
cp FILES/Module.symvers %{buildroot}/usr/src/ubcore
cp FILES/ubcore.conf %{buildroot}/etc/depmod.d
cp FILES/ubcore.ko %{buildroot}/lib/modules/KREL/extra/urma
ln -s ubcore.ko %{buildroot}/lib/modules/KREL/extra/urma/alias.ko
touch %{buildroot}/usr/share/urma/empty
find %{buildroot} -exec touch -h -d @1700000000 {} +

%post
echo post $1

%postun
echo postun $1

%posttrans
echo posttrans

%files
%defattr(0644,root,root,0755)
/usr/src/ubcore/Module.symvers
%config(noreplace) /etc/depmod.d/ubcore.conf
/lib/modules/KREL/extra/urma
%attr(0600,root,root) /usr/share/urma/empty
`

// rpmbuilt makes urma's package with rpmbuild.
func rpmbuilt(t *testing.T, contents []Content) string {
	t.Helper()
	oracle.Tool(t, "rpmbuild")
	oracle.Tool(t, "rpm")
	top := t.TempDir()
	for _, c := range contents {
		if len(c.Data) > 0 {
			if err := os.WriteFile(filepath.Join(top, filepath.Base(c.Path)), c.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	name := filepath.Join(top, "urma.spec")
	if err := os.WriteFile(name, []byte(strings.NewReplacer("KREL", oldKernel, "FILES", top).Replace(urmaSpec)), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "rpmbuild", "-bb", "--quiet", "--target", "x86_64-linux", "--define", "_topdir "+top, "--define", "_buildhost localhost", "--define", "_binary_payload w7.zstdio",
		"--define", "__os_install_post %{nil}", "--define", "debug_package %{nil}", "--define", "_build_id_links none", name)
	built, err := filepath.Glob(filepath.Join(top, "RPMS/*/*.rpm"))
	if err != nil || len(built) != 1 {
		t.Fatalf("rpmbuild made %q, %v", built, err)
	}
	return built[0]
}

// TestOracleWriteRPM holds a written package, tag by tag, against one that
// rpmbuild made of the same files.
func TestOracleWriteRPM(t *testing.T) {
	p, contents := urma(RPM)
	theirs, ours := rpmbuilt(t, contents), writtenTo(t, p, contents, WriteOptions{Date: date, Compression: "zstd"})
	if got := run(t, "rpm", "-Kv", ours); strings.Contains(got, "NOT") || strings.Count(got, ": OK\n") != 4 {
		t.Errorf("rpm -Kv:\n%s", got)
	}
	notOurs := map[string]string{
		"BUILDTIME": "of the build", "COOKIE": "", "OPTFLAGS": "", "PLATFORM": "", "RPMVERSION": "", "HEADERIMMUTABLE": "the header itself",
		"SHA1HEADER": "", "SHA256HEADER": "", "SIGMD5": "", "SIGSIZE": "", "LONGSIGSIZE": "", "PKGID": "", "HDRID": "", "ARCHIVESIZE": "with inodes",
		"FILECLASS": "what file(1) says", "CLASSDICT": "", "FILECOLORS": "", "HEADERCOLOR": "", "PAYLOADDIGEST": "compressed by another", "PAYLOADDIGESTALT": "with inodes",
		"FILEINODES": "in the order of the spec", "FILEDEPENDSX": "", "FILEDEPENDSN": "", "DEPENDSDICT": "", "FILEREQUIRE": "", "FILEPROVIDE": "", "DBINSTANCE": "", "HEADERSIGNATURES": "", "LONGARCHIVESIZE": "", "FILENLINKS": "",
	}
	for tag := range strings.SplitSeq(strings.TrimSpace(run(t, "rpm", "--querytags")), "\n") {
		if _, skip := notOurs[tag]; skip {
			continue
		}
		format := "[%{" + tag + "}\n]"
		if diff := cmp.Diff(run(t, "rpm", "-qp", "--qf", format, theirs), run(t, "rpm", "-qp", "--qf", format, ours)); diff != "" {
			t.Errorf("%s (-rpmbuild +written): %s", tag, diff)
		}
	}
	unpack := func(file string) string {
		dir := t.TempDir()
		run(t, "sh", "-c", "cd "+dir+" && rpm2cpio "+file+" | cpio -idm --quiet 2>/dev/null")
		return run(t, "sh", "-c", "cd "+dir+" && find . -type l -printf '%p %l\n' -o -type f -printf '%p %m %s %T@\n' | sort && find . -type f -exec sha256sum {} + | sort")
	}
	if diff := cmp.Diff(unpack(theirs), unpack(ours)); diff != "" {
		t.Errorf("unpacked: %s", diff)
	}
}

// TestWriteAgain reads what was written, in every compression.
func TestWriteAgain(t *testing.T) {
	for _, format := range []Format{RPM, Deb} {
		for _, c := range compressors {
			p, contents := urma(format)
			o := WriteOptions{Date: date, Compression: c.name}
			file := writtenTo(t, p, contents, o)
			again, err := Open(file)
			if err != nil {
				t.Errorf("%s %s: %v", format, c.name, err)
				continue
			}
			if again.EVR() != "2:1.3.0~rc1-206" || again.Summary != p.Summary || again.Description != p.Description || len(again.Modules) != 1 || !bytes.Equal(again.Modules[0].Data, ubcore) {
				t.Errorf("%s %s: read again: %+v", format, c.name, again)
			}
			first, _ := os.ReadFile(file)
			second, _ := os.ReadFile(writtenTo(t, p, contents, o))
			if !bytes.Equal(first, second) {
				t.Errorf("%s %s: two writings differ", format, c.name)
			}
		}
	}
}

// TestOracleWriteDeb holds a written package against dpkg-deb: what it says of
// it, and what it makes of the same files.
func TestOracleWriteDeb(t *testing.T) {
	oracle.Tool(t, "dpkg-deb")
	p, contents := urma(Deb)
	ours := writtenTo(t, p, contents, WriteOptions{Date: date})
	root := t.TempDir()
	run(t, "dpkg-deb", "--raw-extract", ours, root)
	theirs := filepath.Join(t.TempDir(), "theirs.deb")
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	run(t, "dpkg-deb", "--root-owner-group", "-Zgzip", "--build", root, theirs)
	for _, args := range [][]string{{"--contents"}, {"--field"}, {"--ctrl-tarfile"}, {"--fsys-tarfile"}} {
		ask := func(file string) string {
			out := run(t, "dpkg-deb", append(args, file)...)
			if strings.HasSuffix(args[0], "tarfile") {
				out = tarLines(t, out)
			}
			return out
		}
		if diff := cmp.Diff(ask(theirs), ask(ours)); diff != "" {
			t.Errorf("%s (-dpkg-deb +written): %s", args[0], diff)
		}
	}
	want := "Pre-Depends: dpkg (>> 1.17)\nDepends: linux-image-6.1 | linux-image-cloud, kmod (>= 20)\n"
	if got := run(t, "dpkg-deb", "--info", ours); !strings.Contains(strings.ReplaceAll(got, "\n ", "\n"), want) {
		t.Errorf("info:\n%s", got)
	}
	run(t, "sh", "-c", "cd "+root+" && md5sum --quiet -c DEBIAN/md5sums")
}

// tarLines lists an archive with owners and times.
func tarLines(t *testing.T, archive string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x.tar")
	if err := os.WriteFile(name, []byte(archive), 0o644); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(run(t, "tar", "--numeric-owner", "--full-time", "-tvf", name)), "\n")
	return strings.Join(lines, "\n")
}

func TestWriteRefused(t *testing.T) {
	file := func(path string) Content { return Content{File: File{Path: path, Mode: 0o644}} }
	tests := []struct {
		name   string
		format Format
		change func(p *Package)
		add    []Content
		want   string
	}{
		{"twice", RPM, nil, []Content{file("/usr/share/urma/empty")}, "twice in the package"},
		{"outside", RPM, nil, []Content{file("/usr/../etc/passwd")}, "leads out of the root"},
		{"relative", Deb, nil, []Content{file("etc/passwd")}, "not an absolute name"},
		{"device", Deb, nil, []Content{{File: File{Path: "/dev/null", Mode: fs.ModeDevice}}}, "neither a regular file"},
		{"no target", RPM, nil, []Content{{File: File{Path: "/x", Mode: fs.ModeSymlink}}}, "a symbolic link has a target"},
		{"line in a name", Deb, nil, []Content{file("/etc/a\nb")}, "not an absolute name"},
		{"version with a blank", RPM, func(p *Package) { p.Version = "1 2" }, nil, `version "1 2"`},
		{"release with a minus", RPM, func(p *Package) { p.Release = "1-2" }, nil, `release "1-2"`},
		{"no name", RPM, func(p *Package) { p.Name = "" }, nil, "name is empty"},
		{"capitals", Deb, func(p *Package) { p.Name = "Urma" }, nil, "no capitals"},
		{"lines in the summary", Deb, func(p *Package) { p.Summary = "a\nConflicts: dpkg" }, nil, "more than one line"},
		{"maintainer", Deb, func(p *Package) { p.Vendor = "nobody" }, nil, "maintainer"},
		{"trigger", RPM, func(p *Package) { p.Scripts[0].Name = "triggerin" }, nil, "scriptlet"},
		{"dependency", Deb, func(p *Package) { p.Depends[0].Name = "a, b" }, nil, "dependency"},
		{"dependency with its version in its name", Deb, func(p *Package) { p.Depends[4].Name, p.Depends[4].Op, p.Depends[4].Version = "old>=1", "", "" }, nil, `"old>=1"`},
		{"rpm's alternatives", Deb, func(p *Package) { p.Depends[6].Name = "(a or b)" }, nil, `"(a or b)"`},
		{"alternative without a name", Deb, func(p *Package) { p.Depends[0].Name = "a | " }, nil, `"a | "`},
		{"alternatives with one version", Deb, func(p *Package) { p.Depends[1].Name = "a | b" }, nil, `"a | b"`},
		{"dpkg's alternatives", RPM, func(p *Package) { p.Depends[9].Name = "a | b" }, nil, `"a | b"`},
		{"capability with its version in its name", RPM, func(p *Package) { p.Depends[9].Name = "tools>=1" }, nil, `"tools>=1"`},
		{"comparison", RPM, func(p *Package) { p.Depends[0].Op = "==" }, nil, "dependency"},
		{"ghost", Deb, nil, []Content{{File: File{Path: "/var/x", Ghost: true}}}, "not in its archive"},
		{"supplements", Deb, func(p *Package) { p.Depends[0].Relation = Supplements }, nil, "dependency"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, contents := urma(test.format)
			if test.change != nil {
				test.change(p)
			}
			var out bytes.Buffer
			err := Write(&out, p, append(contents, test.add...), WriteOptions{Date: date})
			if err == nil || !strings.Contains(err.Error(), test.want) || out.Len() > 0 {
				t.Errorf("%d bytes, %v; want %q", out.Len(), err, test.want)
			}
		})
	}
}

// TestWriteSignatures puts signatures into a package: what rpm 4.18 takes, by its
// number of the algorithm (RFC 9580, 9.1), and ECDSA, of which it says "invalid
// OpenPGP signature" and then reads nothing of the package.
func TestWriteSignatures(t *testing.T) {
	for algorithm, want := range map[byte]string{1: "", 17: "", 22: "", 19: "algorithm 19", 27: "algorithm 27"} {
		p, contents := urma(RPM)
		signature := []byte{0x88, 8, 4, 0, algorithm, 8, 0, 0, 0, 0}
		var out bytes.Buffer
		err := Write(&out, p, contents, WriteOptions{Date: date, Sign: func([]byte) ([]byte, error) { return signature, nil }})
		switch {
		case want == "" && (err != nil || !bytes.Contains(out.Bytes(), signature)):
			t.Errorf("algorithm %d: %v, or the signature is not in the package", algorithm, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || out.Len() > 0):
			t.Errorf("algorithm %d: %d bytes, %v; want %q", algorithm, out.Len(), err, want)
		}
	}
}
