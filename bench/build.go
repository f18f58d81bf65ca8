package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"modkeep/internal/kerneltest"
	"modkeep/kbuild/dkms"
)

// Part build measures modkeep build against dkms with its default number of
// jobs, which is that of the processors: packages of Debian for kernels that have
// headers, the same cells of both, into empty trees. They are the largest
// packages that the lab has built for the kernels that it has built most for, so
// that none fails; what a dkms.conf says is not for a kernel neither builds.
// Measured too are how much of the processors' time the builds leave unused, and
// the same builds once more, from the cache. modkeep digests sources and headers,
// judges what it built and runs builds in a sandbox besides.
const (
	buildRatio    = 1.0
	buildFill     = 1.15 // of the time that the work would take on processors that are never idle
	buildCached   = 0.02 // of the first run
	buildPackages = 8
	buildKernels  = 3
	buildRuns     = 3 // a build takes long, and its time varies little
)

// buildRun is one measurement of part build.
type buildRun struct {
	*bench
	sources, kernels []string
	cache            kerneltest.Cache
	root, work       string
	matrix, again    pairCase
}

func (b *bench) buildPart(cache kerneltest.Cache) (text string, ok bool, err error) {
	if _, err := exec.LookPath("dkms"); err != nil {
		return "", false, err
	}
	r := &buildRun{bench: b, cache: cache, work: filepath.Join(b.dir, "build")}
	if err := r.choose(); err != nil {
		return "", false, err
	}
	r.matrix.name = fmt.Sprintf("%d packages for %d kernels", len(r.sources), len(r.kernels))
	r.again.name = "once more, from the cache, against the first time"
	for range min(b.runs, buildRuns) {
		if err := r.round(); err != nil {
			return "", false, err
		}
	}
	// The work over the processors, against what the clock says.
	ours := r.matrix.ours[0]
	for _, s := range r.matrix.ours {
		if s.wall < ours.wall {
			ours = s
		}
	}
	fill := float64(ours.wall) * cores / float64(ours.cpu)
	var out strings.Builder
	fmt.Fprintf(&out, "dkms %s, %s, %d processors of %s, load %s; %d runs.\n\n", dkmsVersion(), runtime.Version(), cores, processor(), load(), len(r.matrix.ours))
	fmt.Fprintf(&out, "| case | dkms: least, median | modkeep build: least, median | ratio of least, limit %.2f | of CPU | peak: dkms, modkeep |\n|---|---|---|---|---|---|\n", buildRatio)
	r.matrix.row(&out, buildRatio, maxRSS*4) // a compiler's
	r.again.row(&out, buildCached, maxRSS)
	fmt.Fprintf(&out, "\nIts %.0f s of work on %d processors took %.2f times what they would take never idle (limit %.2f)%s.\n", ours.cpu.Seconds(), cores, fill, buildFill, missedIf(fill > buildFill))
	return out.String(), r.matrix.ratio() <= buildRatio && r.again.ratio() <= buildCached && fill <= buildFill, nil
}

// choose takes kernels and packages.
func (r *buildRun) choose() error {
	kernels, err := r.cache.Kernels()
	if err != nil {
		return err
	}
	built := map[string][]string{} // release: packages that the lab has built for it
	for _, k := range kernels {
		if _, err := os.Stat(r.cache.Join("headers", k.Release)); err != nil || !k.Headers || k.Arch != "amd64" || k.Series != "6.1" || k.Flavour == "rt" {
			continue
		}
		files, err := filepath.Glob(r.cache.Join("modules", k.Release, "*", "*.ko"))
		if err != nil {
			return err
		}
		for _, f := range files {
			built[k.Release] = append(built[k.Release], filepath.Base(filepath.Dir(f)))
		}
		built[k.Release] = slices.Compact(built[k.Release])
		r.kernels, r.root = append(r.kernels, k.Release), k.Root
	}
	slices.SortStableFunc(r.kernels, func(x, y string) int { return len(built[y]) - len(built[x]) })
	r.kernels = r.kernels[:min(len(r.kernels), buildKernels)]
	confs, err := filepath.Glob(r.cache.Join("dkms", "*", "*", "dkms.conf"))
	if err != nil {
		return err
	}
	for _, conf := range confs {
		name := filepath.Base(filepath.Dir(filepath.Dir(conf)))
		if !slices.ContainsFunc(r.kernels, func(krel string) bool { return !slices.Contains(built[krel], name) }) {
			r.sources = append(r.sources, filepath.Dir(conf))
		}
	}
	if len(r.sources) < buildPackages || len(r.kernels) < buildKernels {
		return fmt.Errorf("the lab has built %d packages for each of %d kernels, not %d for %d; run lab build --kernels all all", len(r.sources), len(r.kernels), buildPackages, buildKernels)
	}
	return r.largest()
}

// largest leaves the packages with the most C files.
func (r *buildRun) largest() error {
	files := map[string]int{}
	for _, dir := range r.sources {
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err == nil && filepath.Ext(name) == ".c" {
				files[dir]++
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	slices.SortStableFunc(r.sources, func(x, y string) int { return files[y] - files[x] })
	r.sources = r.sources[:buildPackages]
	return nil
}

func (r *buildRun) round() error {
	if err := os.RemoveAll(r.work); err != nil {
		return err
	}
	theirs, err := r.dkms()
	if err != nil {
		return err
	}
	args := append([]string{"build", "--root", r.root, "--cache", filepath.Join(r.work, "cache"), "-j", fmt.Sprint(cores)}, r.sources...)
	for _, krel := range r.kernels {
		args = append(args, "--kernel", krel)
	}
	ours, err := run(r.modkeep, args...)
	if err != nil {
		return err
	}
	again, err := run(r.modkeep, args...)
	if err != nil {
		return err
	}
	if err := r.complete(args); err != nil {
		return err
	}
	r.matrix.add(theirs, ours)
	r.again.add(ours, again)
	return nil
}

// complete wants that modkeep has built all cells, or excluded, as dkms does with
// its status 77: run takes its status 1, by
// which it says that one failed, for an answer like others. That of dkms is looked
// at cell by cell.
func (r *buildRun) complete(args []string) error {
	out, err := exec.Command(r.modkeep, append(args, "--json")...).Output()
	if err != nil {
		return fmt.Errorf("modkeep build: %w", err)
	}
	var answer struct {
		Cells []struct{ Source, Kernel, Status string }
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return err
	}
	for _, c := range answer.Cells {
		if c.Status != "cached" && c.Status != "excluded" {
			return fmt.Errorf("modkeep build: %s for %s is %s", c.Source, c.Kernel, c.Status)
		}
	}
	if want := len(r.sources) * len(r.kernels); len(answer.Cells) != want {
		return fmt.Errorf("modkeep build: %d cells, not %d", len(answer.Cells), want)
	}
	return nil
}

// dkms builds the same cells, one after the other as it does.
func (r *buildRun) dkms() (sample, error) {
	sources, tree := filepath.Join(r.work, "src"), filepath.Join(r.work, "dkms")
	if err := errors.Join(os.MkdirAll(sources, fs.FileMode(0o755)), os.MkdirAll(tree, 0o755)); err != nil {
		return sample{}, err
	}
	var script strings.Builder
	for _, dir := range r.sources {
		name, version, err := identity(filepath.Join(dir, "dkms.conf"))
		if err != nil {
			return sample{}, err
		}
		if err := os.CopyFS(filepath.Join(sources, name+"-"+version), os.DirFS(dir)); err != nil {
			return sample{}, err
		}
		for _, krel := range r.kernels {
			fmt.Fprintf(&script, "dkms build -m '%s' -v '%s' -k '%s' -a x86_64 --sourcetree '%s' --dkmstree '%s' --kernelsourcedir '%s' >/dev/null 2>&1 || [ $? = 77 ] || exit 2\n",
				name, version, krel, sources, tree, r.cache.Join("headers", krel))
		}
	}
	return run("sh", "-c", script.String())
}

// identity is what a dkms.conf calls its package.
func identity(conf string) (name, version string, err error) {
	text, err := os.ReadFile(conf)
	if err != nil {
		return "", "", err
	}
	c, err := dkms.Identify(dkms.Text{Name: conf, Data: text})
	if err != nil {
		return "", "", err
	}
	return c.Name, c.Version, nil
}

func dkmsVersion() string {
	out, err := exec.Command("dkms", "--version").Output()
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "dkms-")
}
