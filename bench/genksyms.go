package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/oracle"
)

// Part genksyms measures modkeep, called by the name genksyms, against the C
// program of a kernel on that kernel's preprocessed files: each in a process of
// its own, and all in one. A run's figure for the files is the sum of their
// times; the peak is that of the largest process.
const genksymsKernel = "6.1"

// genksymsRatio is what of the C program's time is allowed; of its peak it is
// all.
const genksymsRatio = 1.0 / 3

// genksymsRun are the samples of part genksyms.
type genksymsRun struct {
	*bench
	oracle, ours string
	files        []string
	all          string // the files in one
	cases        []pairCase
	peaks        [][2]int64 // by file: the C program's, ours
}

// pairCase is what both programs took of one thing.
type pairCase struct {
	name       string
	peer, ours []sample
}

func (c *pairCase) ratio() float64 { return float64(least(c.ours)) / float64(least(c.peer)) }

func (b *bench) genksymsPart(cache kerneltest.Cache) (text string, ok bool, err error) {
	g := &genksymsRun{bench: b, ours: filepath.Join(b.dir, "genksyms")}
	if err := g.open(cache); err != nil {
		return "", false, err
	}
	for i := range b.runs + 1 {
		if err := g.round(i > 0); err != nil {
			return "", false, err
		}
	}
	return g.report(), g.ok(), nil
}

// open finds the programs and the files.
func (g *genksymsRun) open(cache kerneltest.Cache) error {
	g.oracle = oracle.FindGenksyms(genksymsKernel)
	g.files, _ = filepath.Glob(cache.Join("genksyms", genksymsKernel, "sample", "*.i"))
	if g.oracle == "" || len(g.files) == 0 {
		return errors.New("no C program or no preprocessed files in the cache: go run ./internal/kerneltest/lab fetch, scripts/genksyms-sweep -s " + genksymsKernel)
	}
	if err := os.Remove(g.ours); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink(g.modkeep, g.ours); err != nil {
		return err
	}
	g.all = filepath.Join(g.dir, "genksyms.i")
	g.cases = []pairCase{{name: fmt.Sprintf("%d files, a process each", len(g.files))}, {name: "the same in one file"}}
	g.peaks = make([][2]int64, len(g.files))
	return join(g.all, g.files)
}

// join writes files into one.
func join(to string, files []string) error {
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	for _, name := range files {
		in, err := os.Open(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		in.Close()
		if err != nil {
			return err
		}
	}
	return out.Close()
}

// round runs both programs in turn on each file.
func (g *genksymsRun) round(counts bool) error {
	var peer, ours sample
	for i, file := range g.files {
		p, o, err := g.both(file)
		if err != nil {
			return err
		}
		g.peaks[i] = [2]int64{max(g.peaks[i][0], p.rss), max(g.peaks[i][1], o.rss)}
		peer, ours = peer.plus(p), ours.plus(o)
	}
	p, o, err := g.both(g.all)
	if err != nil || !counts {
		return err
	}
	g.cases[0].add(peer, ours)
	g.cases[1].add(p, o)
	return nil
}

func (c *pairCase) add(peer, ours sample) {
	c.peer, c.ours = append(c.peer, peer), append(c.ours, ours)
}

// plus is what two processes take, one after the other.
func (s sample) plus(t sample) sample {
	return sample{s.wall + t.wall, s.cpu + t.cpu, max(s.rss, t.rss)}
}

func (g *genksymsRun) both(file string) (peer, ours sample, err error) {
	if peer, err = runOn(file, g.oracle); err == nil {
		ours, err = runOn(file, g.ours, "--era", genksymsKernel)
	}
	return peer, ours, err
}

func (g *genksymsRun) ok() bool {
	return !slices.ContainsFunc(g.cases, func(c pairCase) bool { return c.ratio() > genksymsRatio || peak(c.ours) > peak(c.peer) })
}

func (g *genksymsRun) report() string {
	var b strings.Builder
	var size int64
	if info, err := os.Stat(g.all); err == nil {
		size = info.Size()
	}
	fmt.Fprintf(&b, "%d preprocessed files of linux-source-%s, %s; genksyms of linux-kbuild-%s, %s, %d processors of %s, load %s; %d runs.\n\n",
		len(g.files), genksymsKernel, mib(size), genksymsKernel, runtime.Version(), cores, processor(), load(), len(g.cases[0].ours))
	b.WriteString("| case | C program: least, median | modkeep genksyms: least, median | ratio of least, limit 1/3 | of CPU | peak: C program, modkeep |\n|---|---|---|---|---|---|\n")
	for i := range g.cases {
		g.cases[i].row(&b, genksymsRatio, peak(g.cases[i].peer))
	}
	above, most := 0, int64(0)
	for _, p := range g.peaks {
		if p[1] > p[0] {
			above++
			most = max(most, p[1]-p[0])
		}
	}
	fmt.Fprintf(&b, "\nSingle files that take more memory than with the C program: %d%s.\n", above, by(most))
	return b.String()
}

func by(n int64) string {
	if n == 0 {
		return ""
	}
	return ", by " + mib(n) + " at most"
}

// row writes a case's line of the table.
func (c *pairCase) row(w io.Writer, limit float64, memory int64) {
	missed := c.ratio() > limit || peak(c.ours) > memory
	cpu := func(list []sample) time.Duration { return sorted(list, cpuOf)[0] }
	fmt.Fprintf(w, "| %s | %s, %s | %s, %s | %.3f%s | %.3f | %s, %s |\n", c.name, ms(least(c.peer)), ms(median(c.peer, wallOf)), ms(least(c.ours)), ms(median(c.ours, wallOf)),
		c.ratio(), missedIf(missed), float64(cpu(c.ours))/float64(cpu(c.peer)), mib(peak(c.peer)), mib(peak(c.ours)))
}
