package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/kbuild"
	"modkeep/kernel"
	"modkeep/kmp/media"
	"modkeep/kmp/pack"
	"modkeep/repo"
)

// repository puts a repository of all packages into the tree, with what installs
// from it where there is no network: what bundle writes.
func (a *addKernel) repository(cells []*kbuild.Cell) error {
	r, m, err := a.makeRepo()
	if err != nil {
		return changeHint(err)
	}
	logs := map[string][]byte{}
	for _, c := range cells {
		if logs[logName(c)], err = readLimited(c.Log, maxBuildLog); err != nil {
			return err
		}
	}
	packed := filepath.Join(a.work, "repository.tgz")
	err = writeAside(packed, func(w io.Writer) error {
		return r.WriteBundle(w, m.Snapshot, repo.Bundle{Logs: logs, Key: a.key, Date: a.date})
	})
	if err != nil {
		return err
	}
	dir, err := kbuild.Unpacked(a.work, packed)
	if err != nil {
		return err
	}
	left, err := media.Copy(filepath.Join(dir, fmt.Sprintf("%s-%d", m.Repository, m.Snapshot)), a.tree.Path(""))
	if err != nil {
		return err
	}
	for _, name := range left {
		fmt.Fprintf(a.say, "The vendor's %s was left as it is.\n", name)
	}
	if a.key == nil {
		fmt.Fprint(a.say, unsignedWarning[a.form == pack.Deb])
	}
	return a.tree.Link("repo/pool", a.packages)
}

// unsignedWarning says, for .deb packages or not, what goes with no --key.
var unsignedWarning = map[bool]string{
	false: `WARNING: The packages built here and the repository are not signed (no --key):
WARNING: to use it with dnf, yum or zypper, set 'gpgcheck=0' and 'repo_gpgcheck=0' in the .repo file.
`,
	true: `WARNING: The repository is not signed (no --key):
WARNING: to use it with apt, set '[trusted=yes]' in the sources.list file.
`}

// logName is the name of a build's log in the tree.
func logName(c *kbuild.Cell) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, c.Source.String()+"-"+c.Kernel.Release) + ".log"
}

// makeRepo makes a repository of the tree's packages, but for those of sources,
// with a manifest for each kernel that they have modules for, or that those had
// whose place they took, and that is below the root.
func (a *addKernel) makeRepo() (*repo.Repo, *repo.Manifest, error) {
	var files []string
	krels := append([]string{a.kernel.Release}, a.former...)
	for _, p := range a.packages {
		if p.DKMS() {
			continue
		}
		files = append(files, a.tree.Path(p.Rel))
		krels = append(krels, p.Kernels()...)
	}
	slices.Sort(krels)
	krels = slices.DeleteFunc(slices.Compact(krels), func(krel string) bool {
		k, err := kernel.Open(a.root, krel, kernel.Options{})
		if err != nil {
			fmt.Fprintf(a.log, "note: the manifest says nothing of kernel %s, which is not below %s\n", krel, a.root)
			return true
		}
		return k.Close() != nil
	})
	settings := repo.Settings{Name: a.product, Suite: "modkeep", Keep: 1, Compression: repo.Gzip}
	pub := repo.Publish{Key: a.key, Date: a.date}
	if len(krels) > 0 {
		pub.Judge = judgeFlags{root: a.root, kernels: krels}.judge
	}
	r, m, err := repo.Create(filepath.Join(a.work, "repository"), settings, files, pub)
	if err == nil {
		a.warnLost(m)
	}
	return r, m, err
}

// warnLost says which kernels lost modules: those of packages that were replaced.
func (a *addKernel) warnLost(m *repo.Manifest) {
	for _, k := range m.Kernels {
		if !slices.Contains(a.former, k.Release) {
			continue
		}
		var lost []string
		for _, module := range k.Modules {
			if module.Decision == repo.Blocked {
				lost = append(lost, module.Name)
			}
		}
		if len(lost) > 0 {
			fmt.Fprintf(a.say, "WARNING: The packages for %s were replaced, and it does not load what replaced them: %s\n", k.Release, strings.Join(lost, ", "))
			fmt.Fprintln(a.say, "WARNING: without --kmp packages for one kernel leave those for others as they are.")
		}
	}
}

// write writes the tree to the file that is made.
func (a *addKernel) write(ctx context.Context) error {
	part := filepath.Join(a.work, "result")
	var err error
	if a.iso {
		err = a.writeImage(ctx, part)
	} else {
		err = writeAside(part, func(w io.Writer) error { return a.tree.WriteTGZ(w, a.result, a.date) })
	}
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = errors.Join(os.Chmod(part, 0o644), os.Rename(part, a.target()))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(a.say, "Created %s\n", a.target())
	return nil
}

// imagePrograms write images of CDs, by the options of the first mkisofs.
var imagePrograms = []string{"genisoimage", "xorrisofs", "mkisofs"}

// imageProgram is the first of them that is installed, "" where none is.
func imageProgram() string {
	for _, name := range imagePrograms {
		if path := findProgram(name); path != "" {
			return path
		}
	}
	return ""
}

// writeImage has an image made, with the names and links of Rock Ridge.
func (a *addKernel) writeImage(ctx context.Context, file string) error {
	program := imageProgram()
	fmt.Fprintf(a.say, "Running %s...\n", filepath.Base(program))
	dir := a.tree.Path("")
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		return os.Chtimes(name, a.date, a.date)
	})
	if err != nil {
		return err
	}
	label := a.result
	if len(label) > 32 { // ECMA-119, 8.4.7
		label = label[:32]
	}
	cmd := exec.CommandContext(ctx, program, "-quiet", "-r", "-V", label, "-o", file, dir)
	out, err := cmd.CombinedOutput()
	a.log.Write(out)
	if err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, lastLine(out))
	}
	return nil
}

// lastLine is the last line of a program's output that says something.
func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
