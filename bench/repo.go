package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"modkeep/internal/kerneltest"
	"modkeep/kmp"
)

// Part repo measures modkeep repo against createrepo_c on repoPackages packages
// that are made for it, with the dependencies of a driver each: the repository
// made, and repoLater more added, of which createrepo_c --update reads only the
// new ones too. Both take the packages where they lie, and neither writes
// databases; modkeep signs and checks the packages' digests besides. A third case
// has modkeep copy the packages, too, for which createrepo_c has no counterpart.
const (
	repoPackages = 5000
	repoLater    = 50
	repoRatio    = 1.0
	repoMaxRSS   = 128 << 20
)

// repoKey signs: a key of the tests.
const repoKey = "pgp/testdata/ed25519.asc"

// repoRun are the samples of part repo.
type repoRun struct {
	*bench
	first, later        string // directories with packages
	ours, theirs        string // repositories
	create, add, copied pairCase
}

func (b *bench) repoPart(kerneltest.Cache) (text string, ok bool, err error) {
	if _, err := exec.LookPath("createrepo_c"); err != nil {
		return "", false, err
	}
	r := &repoRun{bench: b, first: filepath.Join(b.dir, "repo-first"), later: filepath.Join(b.dir, "repo-later"),
		ours: filepath.Join(b.dir, "repo-ours"), theirs: filepath.Join(b.dir, "repo-theirs"),
		create: pairCase{name: fmt.Sprintf("`create`, %d packages", repoPackages)},
		add:    pairCase{name: fmt.Sprintf("`add`, %d more", repoLater)},
		copied: pairCase{name: "`create` that copies them, against the same createrepo_c"}}
	if err := errors.Join(makePackages(r.first, 0, repoPackages), makePackages(r.later, repoPackages, repoLater)); err != nil {
		return "", false, err
	}
	for i := range b.runs + 1 {
		if err := r.round(i > 0); err != nil {
			return "", false, err
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s, %s, %d processors of %s, load %s; %d runs.\n\n", createrepoVersion(), runtime.Version(), cores, processor(), load(), len(r.create.ours))
	fmt.Fprintf(&out, "| case | createrepo_c: least, median | modkeep repo: least, median | ratio of least, limit %.2f; peak limit %s | of CPU | peak: createrepo_c, modkeep |\n|---|---|---|---|---|---|\n",
		repoRatio, mib(repoMaxRSS))
	ok = true
	for _, c := range []*pairCase{&r.create, &r.add} {
		c.row(&out, repoRatio, repoMaxRSS)
		ok = ok && c.ratio() <= repoRatio && peak(c.ours) <= repoMaxRSS
	}
	r.copied.row(&out, math.Inf(1), repoMaxRSS)
	return out.String(), ok, nil
}

func createrepoVersion() string {
	out, err := exec.Command("createrepo_c", "--version").Output()
	if err != nil {
		return "createrepo_c"
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "(")
	return "createrepo_c" + strings.TrimPrefix(strings.TrimSpace(line), "Version:")
}

// round makes both repositories and adds to them.
func (r *repoRun) round(counts bool) error {
	pool := filepath.Join(r.ours, "pool")
	copies := filepath.Join(r.dir, "repo-copied")
	if err := errors.Join(os.RemoveAll(r.ours), os.RemoveAll(r.theirs), os.RemoveAll(copies)); err != nil {
		return err
	}
	put := func(dir string) error {
		return errors.Join(os.CopyFS(r.theirs, os.DirFS(dir)), os.CopyFS(pool, os.DirFS(dir)))
	}
	if err := put(r.first); err != nil {
		return err
	}
	theirs, err := run("createrepo_c", "--quiet", "--no-database", r.theirs)
	if err != nil {
		return err
	}
	ours, err := run(r.modkeep, "repo", "create", r.ours, "--key", repoKey, pool)
	if err != nil {
		return err
	}
	copied, err := run(r.modkeep, "repo", "create", copies, "--key", repoKey, r.first)
	if err != nil {
		return err
	}
	if err := put(r.later); err != nil {
		return err
	}
	theirsAdd, err := run("createrepo_c", "--quiet", "--no-database", "--update", r.theirs)
	if err != nil {
		return err
	}
	oursAdd, err := run(r.modkeep, "repo", "add", r.ours, "--key", repoKey, pool)
	if err != nil || !counts {
		return err
	}
	r.create.add(theirs, ours)
	r.copied.add(theirs, copied)
	r.add.add(theirsAdd, oursAdd)
	return nil
}

// makePackages makes n packages in dir, unless they are there: those of drivers
// from number first on.
func makePackages(dir string, first, n int) error {
	if found, err := filepath.Glob(filepath.Join(dir, "*.rpm")); err == nil && len(found) == n {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i := range n {
		if err := makePackage(dir, first+i); err != nil {
			return err
		}
	}
	return nil
}

// makePackage makes the package of a driver: three modules of 8 KiB each, 60
// symbols required, 10 provided, 20 devices.
func makePackage(dir string, number int) error {
	name := fmt.Sprintf("kmod-driver%04d", number)
	p := &kmp.Package{Format: kmp.RPM, Name: name, Version: fmt.Sprintf("1.%d", number%7), Release: "1.el9", Arch: "x86_64", Summary: "driver " + name, License: "GPL-2.0",
		Vendor: "bench", Group: "System/Kernel", BuildHost: "localhost", Description: strings.Repeat("Kernel modules of "+name+".\n", 5)}
	depend := func(relation kmp.Relation, format string, count int) {
		for k := range count {
			p.Depends = append(p.Depends, kmp.Dependency{Relation: relation, Name: fmt.Sprintf(format, number, k), Op: "=", Version: fmt.Sprintf("0x%08x", number*7919+k*104729)})
		}
	}
	depend(kmp.Requires, "kernel(symbol_%04d_%d)", 60)
	depend(kmp.Provides, "ksym(export_%04d_%d)", 10)
	for k := range 20 {
		p.Depends = append(p.Depends, kmp.Dependency{Relation: kmp.Provides, Name: fmt.Sprintf("modalias(pci:v%08Xd%08Xsv*sd*bc*sc*i*)", number, k)})
	}
	for k := range 5 {
		p.Changes = append(p.Changes, kmp.Change{Time: repoDate.AddDate(0, 0, -k), Name: "bench <bench@example.org> - 1." + fmt.Sprint(k), Text: "- a change"})
	}
	var contents []kmp.Content
	for k := range 3 {
		data := make([]byte, 8<<10)
		for i := range data { // neither constant nor random
			data[i] = byte(i*i>>7 + number*k)
		}
		contents = append(contents, kmp.Content{File: kmp.File{Path: fmt.Sprintf("/lib/modules/5.14.0-503.el9.x86_64/extra/%s/m%d.ko", name, k), Mode: fs.FileMode(0o644)}, Data: data})
	}
	f, err := os.Create(filepath.Join(dir, p.FileName()))
	if err != nil {
		return err
	}
	return errors.Join(kmp.Write(f, p, contents, kmp.WriteOptions{Date: repoDate, Compression: "zstd"}), f.Close())
}

var repoDate = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
