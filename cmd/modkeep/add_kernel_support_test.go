package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/kmp"
	"modkeep/kmp/media"
	"modkeep/kmp/pack"
	"modkeep/loader"
)

// vendor is a vendor's bundle and where kernels are added to it.
type vendor struct {
	t       *testing.T
	dir     string // of all
	given   string // the bundle
	out     string // --tmpdir
	older   kerneltest.Kernel
	newer   kerneltest.Kernel
	program string
}

// newVendor makes a bundle as vendors do: a package that dkms takes, a package of
// sources that rpmbuild made, a program, an index of the packages.
func newVendor(t *testing.T) *vendor {
	for _, name := range []string{"rpmbuild", "rpm", "tar", "createrepo_c"} {
		oracle.Tool(t, name)
	}
	_, kernels := matrixKernels(t, "cloud", 2)
	program, err := builtModkeep()
	if err != nil {
		t.Fatal(err)
	}
	v := &vendor{t: t, dir: oracle.OpenDir(t), older: kernels[0], newer: kernels[1], program: program}
	v.given, v.out = filepath.Join(v.dir, "acme-drivers-2.1-3-rhel9.4-x86_64"), filepath.Join(v.dir, "out")
	dkms := oracle.Cached(t, "deb/vpoll-dkms_*.deb")[0]
	v.must(os.MkdirAll(filepath.Join(v.given, "SOURCES"), 0o755))
	v.must(copyFile(dkms, filepath.Join(v.given, "SOURCES", filepath.Base(dkms))))
	writeFiles(t, v.dir, map[string]string{"rpm/SOURCES/thing-1.0/Kbuild": "obj-m := thing.o\n", "rpm/SOURCES/thing-1.0/thing.c": driver,
		"rpm/thing.spec": "Name: thing-kmod\nVersion: 1.0\nRelease: 1\nSummary: x\nLicense: GPL\nSource0: thing-1.0.tar.gz\n%description\nx\n%prep\n%setup -q -n thing-1.0\n%files\n",
		"rpm/tools.spec": "Name: acme-tools\nVersion: 2.1\nRelease: 3\nSummary: x\nLicense: none\nBuildArch: noarch\nAutoReqProv: no\n%description\nx\n%install\nmkdir -p %{buildroot}/usr/bin\necho 1 > %{buildroot}/usr/bin/acme\n%files\n/usr/bin/acme\n"})
	top := filepath.Join(v.dir, "rpm")
	v.run("tar", "czf", top+"/SOURCES/thing-1.0.tar.gz", "-C", top+"/SOURCES", "thing-1.0")
	macros := []string{"--define", "_topdir " + top, "--define", "_srcrpmdir " + v.given + "/SRPMS", "--define", "_rpmdir " + v.given + "/RPMS"}
	v.run("rpmbuild", append(macros, "-bs", top+"/thing.spec")...)
	v.run("rpmbuild", append(macros, "-bb", top+"/tools.spec")...)
	v.run("createrepo_c", "--quiet", v.given+"/RPMS")
	writeFiles(t, v.given, map[string]string{"docs/readme": "read me\n", "supported_kernels": "5.14.0-427.el9.x86_64\n"})
	return v
}

func (v *vendor) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

func (v *vendor) run(name string, args ...string) string {
	v.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		v.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// add runs modkeep add-kernel-support for a kernel and returns what it printed.
func (v *vendor) add(want int, given string, k kerneltest.Kernel, args ...string) string {
	v.t.Helper()
	all := append([]string{"modkeep", "add-kernel-support", "-m", given, "-k", k.Release, "--root", k.Root, "-t", v.out, "--cache", v.dir + "/cache", "-j", "2", "-y", "--date", packDate}, args...)
	var out, errOut bytes.Buffer
	if status := run(context.Background(), all, nil, &out, &errOut); status != want {
		v.t.Fatalf("%s: status %d, want %d\n%s%s", strings.Join(all[1:], " "), status, want, out.String(), errOut.String())
	}
	return out.String()
}

// dump describes a tree.
func (v *vendor) dump(dir string) string {
	v.t.Helper()
	text, err := made.Dump(dir)
	v.must(err)
	return text
}

// TestOracleAddKernelSupport takes a bundle through what the vendor's own script
// is for: packages for a kernel that rpm and dnf take, a second kernel on top, an
// image, and the status 30 for kernels whose modules are there.
func TestOracleAddKernelSupport(t *testing.T) {
	v := newVendor(t)
	before := v.dump(v.given)
	absent := filepath.Join(v.dir, "absent")
	out := v.add(0, v.given, v.older, "--kmp", "--distro", "rhel9.4", "--tmpdir", absent, "--dry-run")
	v.saysInOrder(out, "Would build ", "Would create "+absent+"/")
	if _, err := os.Stat(absent); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a dry run made the directory: %v", err)
	}
	out = v.add(0, v.given, v.older, "--kmp", "--distro", "rhel9.4")
	const result = "acme-drivers-2.1-3-rhel9.4-x86_64-ext"
	v.saysInOrder(out, "Note: This program will create acme-drivers TGZ for rhel9.4 under "+v.out+" directory.\n", "See log file ",
		"\nChecking if all needed packages are installed...\n", "\nBuilding acme-drivers RPMS. Please wait...\n", "\nCreating metadata-rpms for "+v.older.Release+" ...\n",
		"gpgcheck=0", "\nCreated "+filepath.Join(v.out, result+".tgz")+"\n")
	if diff := cmp.Diff(before, v.dump(v.given)); diff != "" {
		t.Errorf("the bundle was changed:\n%s", diff)
	}
	log := regexp.MustCompile(`See log file (\S+)`).FindStringSubmatch(out)[1]
	v.holdsOnly(result+".tgz", filepath.Base(log))
	first := filepath.Join(v.dir, "first.tgz")
	v.must(os.Rename(filepath.Join(v.out, result+".tgz"), first))
	tree := v.unpack(first, result)
	v.holdTree(tree)
	v.install(tree)

	v.add(0, v.given, v.older, "--kmp", "--distro", "rhel9.4")
	v.run("cmp", first, filepath.Join(v.out, result+".tgz"))
	if out := v.add(statusSupported, first, v.older, "--kmp", "--distro", "rhel9.4", "--name", "again"); !strings.Contains(out, "Required kernel ("+v.older.Release+") is already supported by acme-drivers\n") {
		t.Errorf("a kernel that is there: %s", out)
	}
	v.newerKernel(first)
}

// newerKernel adds packages for one kernel alone, as an image.
func (v *vendor) newerKernel(first string) {
	// Whether the older kernel's modules do for the newer one is for check to say.
	want := 0
	if v.linked(filepath.Join(v.dir, "acme-drivers-2.1-3-rhel9.4-x86_64-ext"), v.newer) {
		want = statusSupported
	}
	v.t.Logf("%s with the modules of %s: %d", v.newer.Release, v.older.Release, want)
	v.add(want, first, v.newer, "--name", "second")

	oracle.Tool(v.t, imagePrograms...)
	v.add(0, first, v.newer, "--make-iso", "--force", "--without-thing-kmod", "--name", "third")
	image := filepath.Join(v.out, "third.iso")
	names := strings.Fields(v.run(oracle.Tool(v.t, "isoinfo"), "-R", "-f", "-i", image))
	for name, want := range map[string]bool{
		"/RPMS/kmod-vpoll-" + v.newer.Release + "-0.1-1.x86_64.rpm": true, "/RPMS/kmod-thing-1.0-1.x86_64.rpm": true,
		"/RPMS/kmod-thing-" + v.newer.Release + "-1.0-1.x86_64.rpm": false, "/docs/readme": true, "/install": true, "/repo/repodata/repomd.xml": true,
	} {
		if slices.Contains(names, name) != want {
			v.t.Errorf("%s in the image: %v", name, !want)
		}
	}
	v.add(statusSupported, image, v.newer, "--without-thing")

	out := v.add(0, first, v.newer, "--kmp", "--distro", "rhel9.4", "--force", "--name", "fourth")
	tree := v.unpack(filepath.Join(v.out, "fourth.tgz"), "fourth")
	if _, err := os.Stat(filepath.Join(tree, "RPMS/kmod-vpoll-0.1-1.x86_64.rpm")); !errors.Is(err, os.ErrNotExist) {
		v.t.Errorf("the older package is there still: %v", err)
	}
	if lost := !v.linked(tree, v.older); strings.Contains(out, "WARNING: The packages for "+v.older.Release+" were replaced") != lost {
		v.t.Errorf("what was built for %s does not load on %s: %v, and it is said\n%s", v.newer.Release, v.older.Release, lost, out)
	}
}

// linked asks check whether all modules of a tree load on a kernel.
func (v *vendor) linked(tree string, k kerneltest.Kernel) bool {
	v.t.Helper()
	files, err := filepath.Glob(filepath.Join(tree, "RPMS/kmod-*.rpm"))
	v.must(err)
	var out, errOut bytes.Buffer
	return run(context.Background(), append([]string{"modkeep", "check", "--root", k.Root, "--kernel", k.Release}, files...), nil, &out, &errOut) == 0
}

// TestRenewed makes packages in the place of a vendor's: newer by the release, and
// with the vendor's epoch, without which dnf holds them for older whatever comes
// after it.
func TestRenewed(t *testing.T) {
	old := func(name, epoch, release string) *media.Package {
		return &media.Package{Package: &kmp.Package{Format: kmp.RPM, Name: name, Epoch: epoch, Version: "1.0", Release: release}}
	}
	a := &addKernel{addKernelOptions: &addKernelOptions{}, date: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		packages: []*media.Package{old("kmod-x", "9", "1"), old("kmod-x", "10", "2"), old("kmod-other", "11", "3")}}
	for name, want := range map[string]string{"kmod-x": "10:1.0-2.202611221200", "kmod-other": "11:1.0-3.202611221200", "kmod-new": "1.0-1"} {
		p := pack.Product{Version: "1.0", Release: "1"}
		built, err := a.renewed(p, func(p pack.Product) ([]pack.Built, error) {
			return []pack.Built{{Package: &kmp.Package{Format: kmp.RPM, Name: name, Epoch: p.Epoch, Version: p.Version, Release: p.Release}}}, nil
		})
		if err != nil || built[0].Package.EVR() != want {
			t.Errorf("%s: %s, %v; want %s", name, built[0].Package.EVR(), err, want)
		}
	}
}

// TestMetadataOfOlder: where a vendor has a package in two versions, of which only
// one can be installed, the newer one is required.
func TestMetadataOfOlder(t *testing.T) {
	old := func(name, version string) *media.Package {
		p := &kmp.Package{Format: kmp.RPM, Name: name, Version: version, Release: "1", Modules: []kmp.Module{{Release: "5.14.0-70.el9.x86_64"}},
			Scripts: []kmp.Script{{Name: "post", Calls: []string{"weak-modules"}}}}
		return &media.Package{Package: p, Modules: []*loader.Module{{}}}
	}
	var log bytes.Buffer
	a := &addKernel{addKernelOptions: &addKernelOptions{}, product: "acme", form: pack.RHEL9, log: &log, date: time.Unix(1_800_000_000, 0),
		packages: []*media.Package{old("kmod-x", "1.9"), old("kmod-x", "1.10"), old("kmod-x", "1.2"), old("kmod-y", "1.1")}}
	built, err := a.metadata(nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range built[0].Package.Depends {
		got = append(got, d.String())
	}
	if diff := cmp.Diff([]string{"kmod-x = 1.10-1", "kmod-y = 1.1-1"}, got); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{"kmod-x 1.9-1, as there is a newer one", "kmod-x 1.2-1, as there is a newer one"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, log.String())
		}
	}
}

// TestAddKernelSupportKey gives a key that may not sign at that time: it is said
// before anything is built.
func TestAddKernelSupportKey(t *testing.T) {
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	_, errOut, status := modkeepRun("add-kernel-support", "-m", dir, "-k", "6.1.0-1-amd64", "--root", t.TempDir(), "-t", out, "--distro", "debian12",
		"--key", "../../pgp/testdata/rsa.asc", "--date", "1000000000", "-y")
	if status != statusNo || !strings.Contains(errOut, "cannot sign at 2001-09-09T01:46:40Z") {
		t.Errorf("status %d, %q", status, errOut)
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory was made: %v", err)
	}
}

func (v *vendor) saysInOrder(out string, parts ...string) {
	v.t.Helper()
	rest := out
	for _, part := range parts {
		_, after, ok := strings.Cut(rest, part)
		if !ok {
			v.t.Fatalf("no %q in its place in\n%s", part, out)
		}
		rest = after
		if strings.HasSuffix(part, "\n") {
			rest = "\n" + rest
		}
	}
}

// holdsOnly wants nothing else in the directory of work and results.
func (v *vendor) holdsOnly(names ...string) {
	v.t.Helper()
	entries, err := os.ReadDir(v.out)
	v.must(err)
	var have []string
	for _, e := range entries {
		have = append(have, e.Name())
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, have); diff != "" {
		v.t.Errorf("left in --tmpdir (-want +got):\n%s", diff)
	}
}

// unpack has tar unpack a result.
func (v *vendor) unpack(file, top string) string {
	v.t.Helper()
	v.run("tar", "xzf", file, "-C", v.dir)
	return filepath.Join(v.dir, top)
}

// holdTree has rpm and createrepo_c look at what was made.
func (v *vendor) holdTree(tree string) {
	v.t.Helper()
	packages, err := filepath.Glob(filepath.Join(tree, "RPMS/*.rpm"))
	v.must(err)
	names := strings.Fields(v.run("rpm", append([]string{"-qp", "--qf", "%{name}-%{version}-%{release}.%{arch}\n"}, packages...)...))
	slices.Sort(names)
	if diff := cmp.Diff([]string{"acme-drivers-all-2.1_3-1.noarch", "acme-drivers-kernel-only-2.1_3-1.noarch", "kmod-thing-1.0-1.x86_64", "kmod-vpoll-0.1-1.x86_64"}, names); diff != "" {
		v.t.Errorf("packages in RPMS (-want +got):\n%s", diff)
	}
	v.run("rpm", append([]string{"-K", "--nosignature"}, packages...)...)
	said(v.t, v.run("rpm", "-qp", "--requires", filepath.Join(tree, "RPMS/acme-drivers-kernel-only-2.1_3-1.noarch.rpm")), "kmod-vpoll = 0.1-1")
	theirs := filepath.Join(v.dir, "theirs")
	v.must(os.MkdirAll(theirs, 0o755))
	v.run("createrepo_c", "--quiet", "-o", theirs, filepath.Join(tree, "repo"))
	count := regexp.MustCompile(`packages="\d+"`)
	primary := func(dir string) string {
		files, err := filepath.Glob(filepath.Join(dir, "repodata/*primary.xml.gz"))
		v.must(err)
		return count.FindString(v.run("zcat", files...))
	}
	if got, want := primary(filepath.Join(tree, "repo")), primary(theirs); got != want || got != `packages="5"` {
		v.t.Errorf("the repository has %s, createrepo_c finds %s", got, want)
	}
	for _, gone := range []string{"RPMS/repodata", "RPMS/repodata/repomd.xml"} {
		if _, err := os.Stat(filepath.Join(tree, gone)); !errors.Is(err, os.ErrNotExist) {
			v.t.Errorf("%s: an index of what was there before", gone)
		}
	}
	for _, name := range []string{"supported_kernels", ".supported_kernels"} {
		text, err := os.ReadFile(filepath.Join(tree, name))
		if v.must(err); !slices.Contains(strings.Fields(string(text)), v.older.Release) {
			v.t.Errorf("%s: %q", name, text)
		}
	}
	v.run("sh", "-c", "cd "+tree+" && sha256sum --check --quiet --strict SHA256SUMS")
}

// install has dnf install the modules from the repository into a root with the
// kernel, where modinfo has to find them.
func (v *vendor) install(tree string) {
	r, distro := newDnfRoot(v.t)
	provides := func(name, op, version string) kmp.Dependency {
		return kmp.Dependency{Relation: kmp.Provides, Name: name, Op: op, Version: version}
	}
	r.must(made.Real(r.dir, v.older.Root, v.older.Release))
	r.publish(distro, r.capability("base", "1", provides("/bin/sh", "", "")), r.capability("kmod", "28", provides("/usr/sbin/depmod", "", ""), provides("/usr/sbin/weak-modules", "", "")),
		r.capability("kernel-core", "1", r.exportsOf(v.older.Release)...))
	r.inside("/usr/bin/modkeep", "hooks", "install")
	r.run("createrepo_c", "--quiet", distro)
	out, err := r.try("dnf", "-y", "--installroot", r.dir, "--repofrompath=distro,file://"+distro, "--repofrompath=acme,file://"+tree+"/repo", "--repo=distro", "--repo=acme",
		"--releasever=9", "--noplugins", "--nogpgcheck", "--setopt=cachedir="+r.build+"/cache", "--setopt=logdir="+r.build, "install", "acme-drivers-kernel-only", "acme-tools", "kernel-core")
	if err != nil || strings.Contains(out, "scriptlet failed") {
		v.t.Fatalf("dnf: %v\n%s", err, out)
	}
	for _, name := range []string{"vpoll", "thing"} {
		got := strings.TrimSpace(r.run("modinfo", "-b", r.dir, "-k", v.older.Release, "-F", "filename", name))
		if want := r.path(fmt.Sprintf("/lib/modules/%s/extra/%s/%[2]s.ko", v.older.Release, name)); got != want {
			v.t.Errorf("modprobe would take %q, not %q\n%s", got, want, out)
		}
	}
}

// TestOracleAddKernelSupportFails: one source that does not build ends it all, and
// it is said why; nothing is left but the log.
func TestOracleAddKernelSupportFails(t *testing.T) {
	_, k, _ := kernelToBuildFor(t)
	v := &vendor{t: t, dir: oracle.OpenDir(t)}
	v.given, v.out = filepath.Join(v.dir, "acme-1.0"), filepath.Join(v.dir, "out")
	writeFiles(t, v.given, map[string]string{"good-1.0/Kbuild": "obj-m := good.o\n", "good-1.0/good.c": driver, "bad-1.0/Kbuild": "obj-m := bad.o\n", "bad-1.0/bad.c": driver + "int x = nonsense;\n"})
	var out, errOut bytes.Buffer
	args := []string{"modkeep", "add-kernel-support", "-m", v.given, "-k", k.Release, "--root", k.Root, "-t", v.out, "--cache", v.dir + "/cache", "-j", "2", "-y"}
	if status := run(context.Background(), args, nil, &out, &errOut); status != 1 {
		t.Errorf("status %d\n%s", status, out.String())
	}
	log := regexp.MustCompile(`See log file (\S+)`).FindStringSubmatch(out.String())[1]
	for _, want := range []string{"bad.c:4", "nonsense", "failed to build acme for " + k.Release, "hint: see " + log} {
		if !strings.Contains(errOut.String(), want) {
			t.Errorf("no %q in\n%s", want, errOut.String())
		}
	}
	v.holdsOnly(filepath.Base(log))
	text, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(text), "--- log of bad-1.0") {
		t.Errorf("log: %v\n%s", err, text)
	}
}
