package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"modkeep/internal/cputime"
	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/kbuild"
	"modkeep/repo"
)

// The packages that TestOracleLoop builds. The full ones are single modules,
// several with exports among them (tp-smapi, xtables-addons), one that is
// configured before make (iptables-netflow), and one that kernels since 6.1.190
// break by a change of theirs (openrazer-driver).
var (
	loopPackages     = []string{"rapiddisk", "vpoll"}
	fullLoopPackages = []string{"acpi-call", "gost-crypto", "tp-smapi", "v4l2loopback", "nat-rtsp", "xtables-addons", "iptables-netflow", "openrazer-driver", "rapiddisk", "vpoll"}
)

// loop is the way from sources to loaded modules: what modkeep made so far.
type loop struct {
	t       *testing.T
	full    bool
	program string // modkeep as it is shipped
	dir     string
	kernels []kerneltest.Kernel
	sources []string
	built   buildReport
	packed  []loopPackage
	site    string // the repository
}

// loopPackage is a package and what it was made of.
type loopPackage struct {
	packedReport
	cell buildCell
}

// TestOracleLoop takes real packages of sources for real kernels all the way:
// built and judged, signed, packed, published, installed by dnf and by apt-get
// from the repository, and loaded by the kernels in virtual machines, where
// modprobe has to say the same as modkeep's table. With MODKEEP_FULL=1, as
// scripts/loop runs it, it is a matrix of ten packages and three kernels, else of
// two and two, with one machine.
func TestOracleLoop(t *testing.T) {
	oracle.Tool(t, kerneltest.Emulator("amd64"))
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Hour)
	defer cancel()
	l := newLoop(t)
	l.build()
	l.sign()
	l.pack()
	l.publish()
	deb := l.installDebs()
	rpm := l.installRPMs()
	if t.Failed() {
		return
	}
	kernels := l.kernels
	if !l.full {
		kernels = kernels[len(kernels)-1:]
	}
	l.load(ctx, deb, "deb", kernels)
	if l.full {
		l.load(ctx, rpm, "rpm", kernels[:1])
	}
}

func newLoop(t *testing.T) *loop {
	program, err := builtModkeep()
	if err != nil {
		t.Fatal(err)
	}
	l := &loop{t: t, full: os.Getenv("MODKEEP_FULL") == "1", program: program, dir: oracle.OpenDir(t)}
	packages, flavour, n := loopPackages, "cloud", 2
	if l.full {
		packages, flavour, n = fullLoopPackages, "", 3
	}
	var cache kerneltest.Cache
	cache, l.kernels = matrixKernels(t, flavour, n)
	for _, name := range packages {
		confs, err := filepath.Glob(cache.Join("dkms", name, "*", "dkms.conf"))
		if err != nil || len(confs) != 1 {
			oracle.Missing(t, "no sources of %s in %s; run lab sources %[1]s", name, cache)
		}
		l.sources = append(l.sources, filepath.Dir(confs[0]))
	}
	return l
}

// matrixKernels are the n oldest kernels of a flavour for which modules can be
// built; of their packages the images are in the cache.
func matrixKernels(t *testing.T, flavour string, n int) (kerneltest.Cache, []kerneltest.Kernel) {
	t.Helper()
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	all, err := cache.Kernels()
	if err != nil {
		t.Fatal(err)
	}
	var list []kerneltest.Kernel
	for _, k := range all {
		image, _ := filepath.Glob(cache.Join("deb", "linux-image-"+k.Release+"_*.deb"))
		if k.Arch == "amd64" && k.Headers && k.Series == "6.1" && k.Flavour == flavour && len(image) > 0 {
			k.Packages = image[len(image)-1:]
			list = append(list, k)
		}
	}
	if len(list) < n {
		oracle.Missing(t, "%d of %d kernels of flavour %q with headers and image packages in %s; run lab fetch", len(list), n, flavour, cache)
	}
	return cache, list[:n]
}

// modkeep runs modkeep and returns what it printed, its status and the time of
// the processor that it took with all that it ran.
func (l *loop) modkeep(args ...string) (out []byte, status int, took time.Duration) {
	l.t.Helper()
	cmd := exec.Command(l.program, args...)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if cmd.ProcessState == nil {
		l.t.Fatal(err)
	}
	if errOut.Len() > 0 {
		l.t.Logf("modkeep %s …: status %d\n%s", strings.Join(args[:min(len(args), 2)], " "), cmd.ProcessState.ExitCode(), errOut.String())
	}
	return out, cmd.ProcessState.ExitCode(), cputime.Of(cmd.ProcessState)
}

// must is modkeep where all has to go well; answer is of its --json.
func (l *loop) must(answer any, args ...string) {
	l.t.Helper()
	out, status, _ := l.modkeep(args...)
	if status != statusYes {
		l.t.Fatalf("modkeep %s: status %d\n%s", strings.Join(args, " "), status, out)
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(out, answer); err != nil {
		l.t.Fatalf("modkeep %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// build builds the matrix, and once more from the cache, which may take 2 % of
// the time. What fails fails alone, and says why.
func (l *loop) build() {
	args := append([]string{"build", "--json", "-j", strconv.Itoa(runtime.NumCPU()), "--root", l.kernels[0].Root, "--cache", filepath.Join(l.dir, "cache"),
		"--output", filepath.Join(l.dir, "out")}, l.sources...)
	for _, k := range l.kernels {
		args = append(args, "--kernel", k.Release)
	}
	run := func() (r buildReport, status int, took time.Duration) {
		out, status, took := l.modkeep(args...)
		if err := json.Unmarshal(out, &r); err != nil || len(r.Cells) != len(l.sources)*len(l.kernels) {
			l.t.Fatalf("build: status %d, %d cells, %v\n%s", status, len(r.Cells), err, out)
		}
		return r, status, took
	}
	start := time.Now()
	r, status, first := run()
	wall := time.Since(start)
	l.built = r
	l.holdCells(status)
	again, _, second := run()
	for i, c := range again.Cells {
		if c.Status == kbuild.Built || (c.Status == kbuild.Cached) != (r.Cells[i].Status == kbuild.Built) {
			l.t.Errorf("again: %+v", c)
		}
	}
	l.t.Logf("first %v of the processor, %v by the clock; second %v: %.2f %%", first, wall, second, 100*second.Seconds()/first.Seconds())
	if l.full && second > first/50 { // two small packages take hardly longer than to look
		l.t.Errorf("the second run took %v, more than 2 %% of %v", second, first)
	}
}

// holdCells wants what has to become of the matrix.
func (l *loop) holdCells(status int) {
	count, blamed := map[kbuild.Status]int{}, 0
	good := "" // a kernel that openrazer-driver builds for
	for _, c := range l.built.Cells {
		l.t.Logf("%-8s %s %s %.1f s, %d modules %s", c.Status, c.Source, c.Kernel, c.Seconds, len(c.Modules), c.Cause)
		count[c.Status]++
		if c.Status == kbuild.Failed && (c.Cause == "" || strings.Contains(c.Cause, "make failed") || c.Log == "") {
			l.t.Errorf("no cause: %+v", c)
		}
		if c.Source == "openrazer-driver" && c.Status == kbuild.Built {
			good = c.Kernel
		}
		if good != "" && c.Status == kbuild.Failed && !strings.Contains(c.Cause, " by "+good+", for which this source builds, and ") {
			l.t.Errorf("%s does not name %s, for which it builds: %s", c.Source, good, c.Cause)
		}
		if c.Source == "openrazer-driver" && strings.Contains(c.Cause, "too few arguments to function hid_report_raw_event") {
			blamed++
		}
	}
	failed := count[kbuild.Failed]
	if count[kbuild.Blocked]+count[kbuild.Cached] > 0 || failed != blamed || (blamed > 0) != l.full || (status == statusNo) != (failed > 0) {
		l.t.Errorf("status %d, %v, %d for a change of the kernel's", status, count, blamed)
	}
	if 3*count[kbuild.Built] < 2*len(l.built.Cells) {
		l.t.Fatalf("%d of %d built", count[kbuild.Built], len(l.built.Cells))
	}
}

// sign signs all that was built with the key of a site, and packs it.
func (l *loop) sign() {
	args := newSiteKey(l.t, "site key").signsWith("--compress", "xz")
	for _, c := range l.built.Cells {
		args = append(args, c.Modules...)
		for i := range c.Modules {
			c.Modules[i] += ".xz"
		}
	}
	l.must(nil, args...)
}

// pack makes an RPM and a DEB of each cell.
func (l *loop) pack() {
	for _, c := range l.built.Cells {
		for _, form := range []string{"kernel", "deb"} {
			if len(c.Modules) == 0 {
				continue
			}
			args := []string{"pack", "--json", "--form", form, "--root", l.kernels[0].Root, "--name", c.Source, "--version", c.Version, "-o", l.dir}
			if form != "deb" { // nobody would look at a .deb's
				args = append(args, "--key", packKey)
			}
			var made packReport
			l.must(&made, append(args, c.Modules...)...)
			if len(made.Packages) != 1 || made.Packages[0].Kernel != c.Kernel || len(made.Packages[0].Modules) != len(c.Modules) {
				l.t.Fatalf("packed %+v of %+v", made, c)
			}
			l.packed = append(l.packed, loopPackage{made.Packages[0], c})
		}
	}
}

// packages are those of a format that were made for a kernel, or for all.
func (l *loop) packages(format, krel string) []loopPackage {
	return slices.DeleteFunc(slices.Clone(l.packed), func(p loopPackage) bool { return p.Format != format || krel != "" && p.Kernel != krel })
}

// modulesOf are the modules of packages.
func modulesOf(packages []loopPackage) (names []string) {
	for _, p := range packages {
		names = append(names, p.Modules...)
	}
	return names
}

// publish makes a repository of the first kernel's packages, adds the others,
// and has what becomes of each module on each kernel written into its manifest.
func (l *loop) publish() {
	l.site = filepath.Join(l.dir, "site")
	var first, rest []string
	for _, p := range l.packed {
		if p.Kernel == l.kernels[0].Release {
			first = append(first, p.File)
		} else {
			rest = append(rest, p.File)
		}
	}
	text, err := json.Marshal(l.built)
	built := filepath.Join(l.dir, "build.json")
	if err == nil {
		err = os.WriteFile(built, text, 0o644)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	l.must(nil, append([]string{"repo", "create", l.site, "--name", "site", "--key", packKey}, first...)...)
	l.must(nil, append([]string{"repo", "add", l.site, "--key", packKey}, rest...)...)
	args := []string{"repo", "snapshot", l.site, "--key", packKey, "--json", "--root", l.kernels[0].Root, "--build", built}
	for _, k := range l.kernels {
		args = append(args, "--kernel", k.Release)
	}
	var m repo.Manifest
	l.must(&m, args...)
	l.must(nil, "repo", "promote", l.site, "stable")
	l.must(nil, "repo", "verify", l.site)
	if len(m.Packages) != len(l.packed) || len(m.Kernels) != len(l.kernels) {
		l.t.Fatalf("%d packages and %d kernels in the manifest", len(m.Packages), len(m.Kernels))
	}
	for _, k := range m.Kernels {
		l.holdManifest(k)
	}
}

// holdManifest wants of a kernel that what was built for it is in the manifest as
// that, and nothing else.
func (l *loop) holdManifest(k repo.Kernel) {
	var want, got []string
	want = modulesOf(l.packages("deb", k.Release))
	for _, m := range k.Modules {
		if m.Decision == repo.Rebuilt {
			got = append(got, m.Name)
		} else {
			l.t.Logf("%s: %s is %s: %s", k.Release, m.Name, m.Decision, m.Reason)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		l.t.Errorf("%s: the manifest has %q as rebuilt; %q were", k.Release, got, want)
	}
}
