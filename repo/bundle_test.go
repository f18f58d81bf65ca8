package repo

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"modkeep/internal/kerneltest/oracle"
	"modkeep/kmp"
)

// The kernels that the tests' manifests speak of.
const (
	goodKernel = "5.14.0-503.el9.x86_64"
	badKernel  = "5.14.0-570.el9.x86_64"
)

// judgedRepo is a repository of one format whose manifest says that drv is
// rebuilt for goodKernel and blocked on badKernel, and an optional module blocked
// on both.
func judgedRepo(t testing.TB, format kmp.Format) *Repo {
	t.Helper()
	r, pub := newRepo(t, site(t, format, "1"))
	m, err := r.Manifest(1)
	if err != nil {
		t.Fatal(err)
	}
	file := m.Find("kmod-drv")[0].File
	var kernels []Kernel
	for _, k := range []string{goodKernel, badKernel} {
		drv := Module{Name: "drv", Decision: Rebuilt, Reason: "built for " + k, Required: true, Package: file, Path: "/lib/modules/5.14.0/extra/drv.ko", BuiltFor: k}
		if k == badKernel {
			drv.Decision, drv.Reason = Blocked, "built for another\tstruct module"
		}
		kernels = append(kernels, Kernel{Release: k, Arch: "x86_64", Ready: k == goodKernel,
			Modules: []Module{drv, {Name: "other", Decision: Blocked, Reason: "no package has it"}}})
	}
	pub.Judge = func([]Package, func(Package) string) ([]Kernel, error) { return kernels, nil }
	if _, err := r.Snapshot(1, pub); err != nil {
		t.Fatal(err)
	}
	return r
}

// unpacked writes a bundle of the newest snapshot and unpacks it with tar.
func unpacked(t testing.TB, r *Repo, b Bundle) string {
	t.Helper()
	for _, name := range []string{"tar", "sha256sum", "awk"} {
		oracle.Tool(t, name)
	}
	n, err := r.Resolve(Latest)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "bundle.tgz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.WriteBundle(f, n, b), f.Close()); err != nil {
		t.Fatal(err)
	}
	tool(t, "tar", "-C", dir, "-xzf", path)
	found, err := filepath.Glob(filepath.Join(dir, "site-*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%q, %v", found, err)
	}
	return found[0]
}

// TestBundleBytes: the same snapshot gives the same bytes, all of one user, in
// names below one directory.
func TestBundleBytes(t *testing.T) {
	r := judgedRepo(t, kmp.Deb)
	var made [2]bytes.Buffer
	for i := range made {
		b := Bundle{Distros: []string{"debian12"}, Logs: map[string][]byte{"b.log": []byte("b"), "a.log": []byte("a")}, Key: readKey(t, "rsa.asc"), Date: date}
		if err := r.WriteBundle(&made[i], 2, b); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(made[0].Bytes(), made[1].Bytes()) {
		t.Error("two bundles differ")
	}
	z, err := gzip.NewReader(&made[0])
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(h.Name, "site-2/") || h.Typeflag != tar.TypeReg || h.Uid != 0 || !h.ModTime.Equal(date) {
			t.Errorf("%+v", h)
		}
		names = append(names, strings.TrimPrefix(h.Name, "site-2/"))
	}
	for _, name := range []string{"install", "keys/site.asc", "log/a.log", "log/snapshot.log", "repo/manifest.json", "repo/repodata/repomd.xml", "repo/dists/modkeep/InRelease", "repo/pool/kmod-drv_1-1_all.deb", "SHA256SUMS.asc"} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is missing: %q", name, names)
		}
	}
}

func TestBundleErrors(t *testing.T) {
	r := judgedRepo(t, kmp.RPM)
	if err := r.WriteBundle(io.Discard, 2, Bundle{Distros: []string{"rhel9; reboot"}}); err == nil || !strings.Contains(err.Error(), "distribution") {
		t.Errorf("distribution: %v", err)
	}
	if err := r.WriteBundle(io.Discard, 2, Bundle{Logs: map[string][]byte{"../x": nil}}); err == nil || !strings.Contains(err.Error(), "log") {
		t.Errorf("log: %v", err)
	}
	if err := r.WriteBundle(io.Discard, 2, Bundle{Logs: map[string][]byte{"snapshot.log": nil}}); err == nil || !strings.Contains(err.Error(), "and not snapshot.log") {
		t.Errorf("log: %v", err)
	}
	if err := r.WriteBundle(io.Discard, 9, Bundle{}); err == nil {
		t.Error("no such snapshot")
	}
	path := r.at(poolName, "unrelated-1-1.noarch.rpm")
	data := []byte(readText(t, path))
	data[len(data)-1] ^= 1
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteBundle(io.Discard, 2, Bundle{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("damaged package: %v", err)
	}
}

// install runs the script of a bundle and returns its status and what it printed.
func install(t testing.TB, dir string, env []string, args ...string) (int, string) {
	t.Helper()
	cmd := command("sh", append([]string{filepath.Join(dir, "install")}, args...)...)
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// system makes the root of a machine: its os-release and kernels.
func system(t testing.TB, dir, osRelease string, kernels ...string) {
	t.Helper()
	for _, k := range kernels {
		if err := os.MkdirAll(filepath.Join(dir, "lib/modules", k), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "etc/os-release"), []byte(osRelease), 0o644); err != nil {
		t.Fatal(err)
	}
}

const (
	rhel   = "ID=\"rhel\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"9.4\"\n"
	debian = "ID=debian\nVERSION_ID=\"12\"\n"
)

// TestInstallRefuses: what the script of a bundle refuses it says, and nothing is
// installed.
func TestInstallRefuses(t *testing.T) {
	dir := unpacked(t, judgedRepo(t, kmp.RPM), Bundle{Distros: []string{"rhel9"}})
	root := t.TempDir()
	system(t, root, rhel, goodKernel, badKernel)
	other := t.TempDir()
	system(t, other, strings.Replace(rhel, "9.4", "8.10", 1), "4.18.0")
	deb := t.TempDir()
	system(t, deb, debian)
	for _, c := range []struct {
		name, want string
		status     int
		args       []string
	}{
		{"usage", "unknown option '--frobnicate'", 2, []string{"--frobnicate"}},
		{"argument", "--kernel wants an argument", 2, []string{"--kernel"}},
		{"kernel outside", "not a kernel release", 2, []string{"--kernel", "../../etc"}},
		{"kernels by a pattern", "--kernel '*': not a kernel release", 2, []string{"--kernel", "*"}},
		{"help", "--skip-distro-check", 0, []string{"--help"}},
		{"list", badKernel + "  blocked  drv, required: built for another struct module", 0, []string{"--list"}},
		{"required module", "a required module cannot follow " + badKernel, 1, []string{"--root", root, "--dry-run"}},
		{"one kernel", "rebuilt  drv, required: built for " + goodKernel, 0, []string{"--root", root, "--kernel", goodKernel, "--dry-run"}},
		{"forced", "kmod-drv-1-1.noarch", 0, []string{"--root", root, "--force", "--dry-run"}},
		{"unknown kernel", "kernel 6.1 is not one that the bundle knows", 1, []string{"--root", root, "--kernel", "6.1", "--dry-run"}},
		{"unknown kernel forced", "unrelated-1-1.noarch", 0, []string{"--root", root, "--kernel", "6.1", "--force", "--dry-run"}},
		{"other distribution", "made for rhel9, and this is rhel8.10", 1, []string{"--root", other, "--dry-run"}},
		{"no known kernel", "is one that the bundle knows", 1, []string{"--root", other, "--skip-distro-check", "--dry-run"}},
		{"other packages", "has no .deb packages", 1, []string{"--root", deb, "--skip-distro-check", "--dry-run"}},
	} {
		status, out := install(t, dir, nil, c.args...)
		if status != c.status || !strings.Contains(out, c.want) {
			t.Errorf("%s: status %d, want %d and %q\n%s", c.name, status, c.status, c.want, out)
		}
	}
	for missing, want := range map[string]string{"sha256sum": "there is no program sha256sum", "awk": "there is no program awk", "dnf": "there is no program dnf, yum or zypper"} {
		if status, out := install(t, dir, []string{"PATH=" + programs(t, missing)}, "--root", root, "--kernel", goodKernel); status != 1 || !strings.Contains(out, want) {
			t.Errorf("without %s: %d\n%s", missing, status, out)
		}
	}
	// A directory of the same name in CDPATH is not the bundle.
	decoy := filepath.Join(t.TempDir(), filepath.Base(dir))
	if err := os.Mkdir(decoy, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := command("sh", filepath.Join(filepath.Base(dir), "install"), "--root", root, "--kernel", goodKernel, "--dry-run")
	cmd.Dir, cmd.Env = filepath.Dir(dir), append(cmd.Env, "CDPATH="+filepath.Dir(decoy))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("with CDPATH: %v\n%s", err, out)
	}
	r, _ := newRepo(t, site(t, kmp.RPM, "1"))
	if status, out := install(t, unpacked(t, r, Bundle{}), nil, "--root", root, "--kernel", goodKernel); status != 1 || !strings.Contains(out, "the bundle says of no kernel") {
		t.Errorf("no kernel was judged: %d\n%s", status, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "packages.tsv"), []byte("rpm\tevil\tx\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if status, out := install(t, dir, nil, "--root", root); status != 1 || !strings.Contains(out, "the bundle is damaged") {
		t.Errorf("damaged: %d\n%s", status, out)
	}
}

// TestInstallFormats: a bundle with packages of both formats installs those that a
// system takes.
func TestInstallFormats(t *testing.T) {
	r, pub := newRepo(t, site(t, kmp.RPM, "1"), site(t, kmp.Deb, "1"))
	pub.Judge = func([]Package, func(Package) string) ([]Kernel, error) {
		return []Kernel{{Release: goodKernel, Ready: true, Modules: []Module{{Name: "drv", Decision: Rebuilt, Package: "pool/kmod-drv-1-1.noarch.rpm", Other: "pool/kmod-drv_1-1_all.deb"}}}}, nil
	}
	if _, err := r.Snapshot(1, pub); err != nil {
		t.Fatal(err)
	}
	dir := unpacked(t, r, Bundle{})
	for release, want := range map[string]string{rhel: "\nkmod-drv-1-1.noarch\n", debian: "\nkmod-drv=1-1\n"} {
		root := t.TempDir()
		system(t, root, release, goodKernel)
		if status, out := install(t, dir, nil, "--root", root, "--dry-run"); status != 0 || !strings.HasSuffix(out, want) {
			t.Errorf("status %d, want %q\n%s", status, want, out)
		}
	}
}

// programs makes a directory for PATH with what the script calls, but for one
// program.
func programs(t testing.TB, missing string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"awk", "basename", "cat", "cut", "dirname", "head", "mktemp", "sed", "sha256sum", "sort", "tee", "tr"} {
		if name == missing {
			continue
		}
		if err := os.Symlink(oracle.Tool(t, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestOracleInstall has the scripts of bundles install with dnf and apt-get, from a
// directory whose name has a blank.
func TestOracleInstall(t *testing.T) {
	for _, name := range []string{"dnf", "rpm", "apt-get", "dpkg-query"} {
		oracle.Tool(t, name)
	}
	moved := func(dir string) string {
		to := filepath.Join(t.TempDir(), "from a stick")
		if err := os.Rename(dir, to); err != nil {
			t.Fatal(err)
		}
		return to
	}
	dnf := dnfRoot{t.TempDir()}
	system(t, dnf.dir, rhel, goodKernel)
	status, out := install(t, moved(unpacked(t, judgedRepo(t, kmp.RPM), Bundle{Distros: []string{"rhel9"}, Key: readKey(t, "rsa.asc"), Date: date})), nil, "--root", dnf.dir)
	if status != 0 || !strings.Contains(out, "Installed.") {
		t.Fatalf("status %d\n%s", status, out)
	}
	if diff := cmp.Diff([]string{"kmod-drv-1"}, dnf.installed(t)); diff != "" {
		t.Errorf("%s\n%s", diff, out)
	}
	if log := readText(t, filepath.Join(dnf.dir, "var/log/modkeep-site-install.log")); !strings.Contains(log, "kmod-drv") || !strings.Contains(log, "repo_gpgcheck=1") {
		t.Errorf("log:\n%s", log)
	}
	apt := newAptRoot(t)
	system(t, apt.dir, debian, goodKernel)
	status, out = install(t, moved(unpacked(t, judgedRepo(t, kmp.Deb), Bundle{Distros: []string{"debian12"}})), []string{"APT_CONFIG=" + apt.config}, "--root", apt.dir)
	if status != 0 || !strings.Contains(out, "Installed.") {
		t.Fatalf("status %d\n%s", status, out)
	}
	if diff := cmp.Diff([]string{"kmod-drv-1-1"}, apt.installed(t)); diff != "" {
		t.Errorf("%s\n%s", diff, out)
	}
	// Bundles that somebody changed after they were signed.
	fresh := dnfRoot{t.TempDir()}
	system(t, fresh.dir, rhel, goodKernel)
	for _, c := range []struct {
		format         kmp.Format
		name, from, to string
		root           string
	}{{kmp.RPM, "repodata/repomd.xml", "<revision>1", "<revision>2", fresh.dir}, {kmp.Deb, "dists/modkeep/InRelease", "Origin: site", "Origin: evil", apt.dir}} {
		dir := unpacked(t, judgedRepo(t, c.format), Bundle{})
		name := filepath.Join(dir, "repo", c.name)
		if err := os.WriteFile(name, []byte(strings.Replace(readText(t, name), c.from, c.to, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		sums := command("sh", "-c", `find . -type f ! -name SHA256SUMS | sed 's,^[.]/,,' | xargs sha256sum > SHA256SUMS`)
		sums.Dir = dir
		if out, err := sums.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		status, out := install(t, dir, []string{"APT_CONFIG=" + apt.config}, "--root", c.root)
		if status != 1 || !strings.Contains(out, "could not be installed") || !strings.Contains(strings.ToLower(out), "signature") {
			t.Errorf("changed metadata: %d\n%s", status, out)
		}
	}
}
