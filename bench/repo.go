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
	"syscall"
	"time"

	"modkeep/internal/kerneltest"
	"modkeep/kmp"
)

// Part repo measures modkeep repo against createrepo_c on repoPackages packages
// that are made for it, with the dependencies of a driver each: the repository
// made, and repoLater more added, of which createrepo_c --update reads only the
// new ones too. Both take the packages where they lie, and neither writes
// databases; modkeep signs and checks the packages' digests besides. A third case
// has modkeep copy the packages, too, as cp does for createrepo_c; as modkeep
// brings them to the disk, sync does.
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
		copied: pairCase{name: "`create` that copies them, against `cp`, createrepo_c, `sync`"}}
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
	for _, c := range []*pairCase{&r.create, &r.add, &r.copied} {
		c.row(&out, repoRatio, repoMaxRSS)
		ok = ok && c.ratio() <= repoRatio && peak(c.ours) <= repoMaxRSS
	}
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
	copies, theirCopies := filepath.Join(r.dir, "repo-copied"), filepath.Join(r.dir, "repo-copied-theirs")
	if err := errors.Join(os.RemoveAll(r.ours), os.RemoveAll(r.theirs), os.RemoveAll(copies), os.RemoveAll(theirCopies)); err != nil {
		return err
	}
	put := func(dir string) error {
		return errors.Join(os.CopyFS(r.theirs, os.DirFS(dir)), os.CopyFS(pool, os.DirFS(dir)))
	}
	if err := put(r.first); err != nil {
		return err
	}
	theirs, err := runSynced("createrepo_c", "--quiet", "--no-database", r.theirs)
	if err != nil {
		return err
	}
	ours, err := runSynced(r.modkeep, "repo", "create", r.ours, "--key", repoKey, pool)
	if err != nil {
		return err
	}
	theirsCopied, err := runSynced("sh", "-c", `cp -r "$0" "$1" && createrepo_c --quiet --no-database "$1" && sync`, r.first, theirCopies)
	if err != nil {
		return err
	}
	copied, err := runSynced(r.modkeep, "repo", "create", copies, "--key", repoKey, r.first)
	if err != nil {
		return err
	}
	if err := put(r.later); err != nil {
		return err
	}
	theirsAdd, err := runSynced("createrepo_c", "--quiet", "--no-database", "--update", r.theirs)
	if err != nil {
		return err
	}
	oursAdd, err := runSynced(r.modkeep, "repo", "add", r.ours, "--key", repoKey, pool)
	if err != nil || !counts {
		return err
	}
	r.create.add(theirs, ours)
	r.copied.add(theirsCopied, copied)
	r.add.add(theirsAdd, oursAdd)
	return nil
}

// runSynced runs a program when all that was written before is on the disk: what
// modkeep writes it brings there, and would wait for the copies of others too.
func runSynced(program string, args ...string) (sample, error) {
	syscall.Sync()
	return run(program, args...)
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
