package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"modkeep/internal/kerneltest"
	"modkeep/kbuild/dkms"
)

// Part build measures modkeep build against dkms with its default number of
// jobs: packages of Debian for kernels that have headers, the same cells of
// both, into empty trees. Measured too are how much of the processors' time the
// builds leave unused, and the same builds once more, from the cache. modkeep
// digests sources and headers, judges what it built and runs builds in a
// sandbox besides.
const (
	buildRatio  = 1.0
	buildFill   = 1.15 // of the time that the work would take on processors that are never idle
	buildCached = 0.02 // of the first run
	buildCells  = 8    // packages
	buildRuns   = 3    // a build takes long, and its time varies little
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

// choose takes packages that the lab has built for all of the kernels.
func (r *buildRun) choose() error {
	kernels, err := r.cache.Kernels()
	if err != nil {
		return err
	}
	for _, k := range kernels {
		if _, err := os.Stat(r.cache.Join("headers", k.Release)); err == nil && k.Headers && k.Arch == "amd64" && k.Series == "6.1" {
			r.kernels, r.root = append(r.kernels, k.Release), k.Root
		}
	}
	if len(r.kernels) > 3 {
		r.kernels = r.kernels[len(r.kernels)-3:]
	}
	confs, err := filepath.Glob(r.cache.Join("dkms", "*", "*", "dkms.conf"))
	if err != nil {
		return err
	}
	for _, conf := range confs {
		all := len(r.sources) < buildCells
		for _, krel := range r.kernels {
			built, _ := filepath.Glob(r.cache.Join("modules", krel, filepath.Base(filepath.Dir(filepath.Dir(conf))), "*.ko"))
			all = all && len(built) > 0
		}
		if all {
			r.sources = append(r.sources, filepath.Dir(conf))
		}
	}
	if len(r.sources) == 0 || len(r.kernels) == 0 {
		return errors.New("the lab has no package that is built for its 6.1 kernels; run lab build")
	}
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
	r.matrix.add(theirs, ours)
	r.again.add(ours, again)
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
