package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"modkeep/kbuild"
	"modkeep/kernel/release"
	"modkeep/kmp"
	"modkeep/kmp/media"
	"modkeep/kmp/pack"
	"modkeep/symvers"
)

// open unpacks the bundle, or copies it, and finds its sources and the kernel.
func (a *addKernel) open(ctx context.Context) error {
	if err := a.findKernel(); err != nil {
		return err
	}
	dir, err := a.ownTree()
	if err != nil {
		return err
	}
	if a.tree, err = media.OpenTree(dir, a.given); err != nil {
		return err
	}
	if err := errors.Join(a.tree.Unbundle(a.bin()), a.tree.DropIndexes()); err != nil {
		return err
	}
	if a.packages, err = a.tree.Packages(); err != nil {
		return err
	}
	if product, version, ok := media.Product(a.packages); ok {
		a.product, a.version = product, version
	}
	return a.findSources(ctx)
}

// bin is the directory of the tree that new packages go to.
func (a *addKernel) bin() string {
	if a.form == pack.Deb {
		return "DEBS"
	}
	return "RPMS"
}

// ownTree makes a copy of the bundle that may be changed, and returns where it is:
// of a tar file the directory that it is in there, which tells the product too.
func (a *addKernel) ownTree() (string, error) {
	dir := filepath.Join(a.work, "tree")
	if info, err := os.Stat(a.given); err != nil || info.IsDir() {
		if err == nil {
			_, err = media.Copy(a.given, dir)
		}
		return dir, err
	}
	from, err := kbuild.Unpacked(a.work, a.given)
	if err != nil {
		return "", err
	}
	top, err := media.Top(from)
	if err != nil {
		return "", err
	}
	if product, version := media.Name(top); product != "" {
		a.product, a.version = product, version
	}
	_, err = media.Copy(filepath.Join(from, top), dir)
	return dir, err
}

// findKernel finds out for which kernel modules are wanted, and its headers. That
// there are none is no error yet: it may be supported already.
func (a *addKernel) findKernel() error {
	o := a.builds()
	o.headers = a.headers
	switch {
	case a.krel != "":
		o.kernels = []string{a.krel}
	case len(a.headers) == 0 && a.root == "/":
		krel, err := runningKernel()
		if err != nil {
			return fmt.Errorf("cannot tell which kernel runs: %w", err)
		}
		o.kernels = []string{krel}
	}
	kernels, err := o.openKernels()
	switch {
	case err == nil && len(kernels) != 1:
		return fmt.Errorf("%s: headers of %d kernels, and one is wanted: name it with --kernel", strings.Join(a.headers, " "), len(kernels))
	case err == nil:
		a.kernel = kernels[0]
	case len(o.kernels) == 1 && kbuild.Missing(err) != nil:
		a.kernel, a.missing = &kbuild.Kernel{Release: o.kernels[0]}, kbuild.Missing(err)
	default:
		return err
	}
	return nil
}

// builds are the options of build that say the same.
func (a *addKernel) builds() *buildOptions {
	return &buildOptions{root: a.root, cache: a.work, tmpdir: a.work, jobs: a.jobs, timeout: time.Hour}
}

// findSources finds the sources, but for those of --without.
func (a *addKernel) findSources(ctx context.Context) error {
	from := cmp.Or(a.from, a.given)
	unpacker := kbuild.Unpacker{Cache: a.work, Temp: a.work, Path: programPath()}
	all, notes, err := unpacker.OpenSources(ctx, from)
	if err != nil {
		return err
	}
	a.notes(notes)
	left := slices.Clone(a.without)
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
		if i := slices.IndexFunc(left, func(name string) bool {
			return slices.Contains([]string{s.Name, s.String(), s.Name + "-dkms", s.Name + "-kmod"}, name)
		}); i >= 0 {
			left = slices.Delete(left, i, i+1)
			continue
		}
		if i := slices.IndexFunc(a.sources, func(old *kbuild.Source) bool { return old.Name == s.Name }); i >= 0 {
			return fmt.Errorf("%s and %s are both sources of %s", a.sources[i].Given, s.Given, s.Name)
		}
		a.sources = append(a.sources, s)
	}
	if len(left) > 0 {
		return withHint(fmt.Errorf("--without-%s: %s has no source of that name", left[0], from), "there are: %s", strings.Join(names, " "))
	}
	if len(a.sources) == 0 {
		return fmt.Errorf("%s: every source is left out", from)
	}
	found, err := kbuild.FindNeeds(a.sources)
	a.notes(found)
	return err
}

// notes writes lines to the log.
func (a *addKernel) notes(lines []string) {
	for _, line := range lines {
		fmt.Fprintf(a.log, "note: %s\n", line)
	}
}

// uncovered are the sources of which the bundle has no package with modules that
// the kernel loads.
func (a *addKernel) uncovered() ([]*kbuild.Source, error) {
	candidates := slices.ContainsFunc(a.packages, func(p *media.Package) bool { return p.For(a.kernel.Release) })
	if !candidates {
		return a.sources, nil
	}
	target, err := judgeOf(a.root, a.kernel)
	if err != nil {
		return a.sources, nil // what is missing is said before anything is built
	}
	fit := media.Fit(a.packages, target, a.kernel.Release, refusedFor)
	var list []*kbuild.Source
	for _, s := range a.sources {
		i := slices.IndexFunc(fit, func(p *media.Package) bool { return p.Of(s.Name) })
		if i < 0 {
			list = append(list, s)
			continue
		}
		fmt.Fprintf(a.log, "%s: %s has its modules, and %s loads them\n", s, fit[i].Rel, a.kernel.Release)
	}
	return list, nil
}

// needs looks for all that is needed, so that what is missing is said at once.
func (a *addKernel) needs(ctx context.Context) error {
	fmt.Fprintln(a.say, "Checking if all needed packages are installed...")
	if a.missing != nil {
		return a.missing
	}
	if a.kernel.Err != nil {
		return a.kernel.Err
	}
	var err error
	if a.kernel.Compiler, err = kbuild.FindCompiler(ctx, a.kernel.Headers, programPath()); err != nil {
		return err
	}
	fmt.Fprintf(a.log, "headers: %s\ncompiler: %s\n", a.kernel.Headers.Source, a.kernel.Compiler)
	if a.iso && imageProgram() == "" {
		return &kbuild.MissingError{What: "tool", Text: "none of the programs " + strings.Join(imagePrograms, ", ") + " is installed, one of which --make-iso needs", Install: "genisoimage or xorriso"}
	}
	return nil
}

// build builds all sources and returns what was built. One that fails ends it all.
func (a *addKernel) build(ctx context.Context) ([]*kbuild.Cell, error) {
	fmt.Fprintf(a.say, "Building %s %s. Please wait...\n", a.product, a.bin())
	o := a.builds()
	o.cache = a.cache
	if err := o.places(); err != nil {
		return nil, err
	}
	result, err := kbuild.Run(ctx, a.sources, []*kbuild.Kernel{a.kernel}, o.kbuild(func(c *kbuild.Cell, done, all int) {
		if c.Status != "" {
			fmt.Fprintf(a.log, "[%d/%d] %s %s\n", done, all, c.Status, c.Source)
		}
	}))
	if err != nil {
		return nil, err
	}
	report := newBuildReport(a.root, result.Cells, nil)
	report.text(a.log)
	var done []*kbuild.Cell
	bad := &buildReport{}
	for i, c := range result.Cells {
		switch cell := report.Cells[i]; cell.Status {
		case kbuild.Built, kbuild.Cached:
			done = append(done, c)
		case kbuild.Excluded:
			fmt.Fprintf(a.say, "%s is not meant for %s: %s\n", c.Source, a.kernel.Release, cell.Cause)
		default:
			a.copyLog(c)
			bad.Cells = append(bad.Cells, cell)
		}
	}
	if len(bad.Cells) > 0 {
		bad.text(a.cmd.ErrOrStderr())
		return nil, withHint(fmt.Errorf("failed to build %s for %s", a.product, a.kernel.Release), "see %s; --without-PKG leaves a source out", a.logPath)
	}
	if len(done) == 0 {
		return nil, fmt.Errorf("no source of %s is meant for %s", a.given, a.kernel.Release)
	}
	return done, nil
}

// copyLog adds the log of a build to this one's.
func (a *addKernel) copyLog(c *kbuild.Cell) {
	if data, err := readLimited(c.Log, maxBuildLog); c.Log != "" && err == nil {
		fmt.Fprintf(a.log, "--- log of %s\n%s---\n", c.Source, data)
	}
}

// maxBuildLog bounds a build's log that is copied, in bytes.
const maxBuildLog = 64 << 20

// pack writes the packages of what was built into the tree, in the place of older
// ones of the same name, and those that require them.
func (a *addKernel) pack(cells []*kbuild.Cell) error {
	var built []pack.Built
	for _, c := range cells {
		b, err := a.packed(c)
		if err != nil {
			return fmt.Errorf("cannot pack %s: %w", c.Source, err)
		}
		built = append(built, b...)
	}
	if err := a.replace(built); err != nil {
		return err
	}
	fmt.Fprintf(a.say, "Creating metadata-rpms for %s ...\n", a.kernel.Release)
	meta, err := a.metadata(built)
	if err == nil {
		err = a.replace(meta)
	}
	if err == nil {
		err = a.tree.AddKernel(a.kernel.Release)
	}
	if err == nil {
		a.packages, err = a.tree.Packages()
	}
	return err
}

// packed makes the package of a source's modules.
func (a *addKernel) packed(c *kbuild.Cell) ([]pack.Built, error) {
	var modules []pack.Module
	for _, m := range c.Modules {
		data, err := readLimited(m.File, maxPacked)
		if err != nil {
			return nil, err
		}
		modules = append(modules, pack.Module{File: m.File, Data: data})
	}
	symsets := &rpmOptions{root: a.root}
	p := pack.Product{Name: c.Source.Name, Version: a.versionOf(c.Source.Version), Form: a.form, Date: a.date,
		Override: a.form != pack.Deb,
		Symvers:  func(string) (*symvers.Table, error) { return symvers.Open(a.kernel.Headers.Symvers()) },
		Symsets:  symsets.readSymsets}
	return a.renewed(p, func(p pack.Product) ([]pack.Built, error) { return pack.Modules(p, modules) })
}

// versionOf is the version of packages made of what has that version, or else of
// the bundle.
func (a *addKernel) versionOf(text string) string {
	return media.Version(cmp.Or(text, a.version, "1"), a.form.Format())
}

// renewed makes packages, newer than those of the same names in the tree.
func (a *addKernel) renewed(p pack.Product, packages func(pack.Product) ([]pack.Built, error)) ([]pack.Built, error) {
	built, err := packages(p)
	if err != nil {
		return nil, err
	}
	old := ""
	for _, b := range built {
		for _, q := range a.packages {
			if q.Name != b.Package.Name || q.Format != b.Package.Format {
				continue
			}
			if release.CompareRPM(q.Release, old) >= 0 {
				old = cmp.Or(q.Release, "1")
			}
			if release.CompareRPM(q.Epoch, p.Epoch) > 0 {
				p.Epoch = q.Epoch // which goes before the version
			}
		}
	}
	if old == "" {
		return built, nil
	}
	if p.Release, err = media.Bump(old, a.date.UTC().Format("200601021504")); err != nil {
		return nil, err
	}
	return packages(p)
}

// metadata makes the packages that require those of modules: the new ones, and
// those of the tree that the form's way of requiring them fits.
func (a *addKernel) metadata(built []pack.Built) ([]pack.Built, error) {
	var parts []pack.Part
	for _, b := range built {
		parts = append(parts, pack.Part{Name: b.Package.Name, EVR: b.Package.EVR(), Kernel: b.Kernel})
	}
	for _, p := range a.packages {
		replaced := slices.ContainsFunc(built, func(b pack.Built) bool { return b.Package.Name == p.Name })
		if replaced || len(p.Modules) == 0 || p.Format != a.form.Format() || p.Links() == a.form.PerKernel() {
			continue
		}
		part, err := pack.PartOf(p.Package)
		if err != nil {
			fmt.Fprintf(a.log, "note: not required by %s-kernel-only: %v\n", a.product, err)
			continue
		}
		at := slices.IndexFunc(parts, func(other pack.Part) bool { return a.form.Exclude(part, other) })
		if at < 0 {
			parts = append(parts, part)
			continue
		}
		older := part
		if release.CompareRPM(part.EVR, parts[at].EVR) > 0 {
			older, parts[at] = parts[at], part
		}
		fmt.Fprintf(a.log, "note: not required by %s-kernel-only: %s %s, as there is a newer one\n", a.product, older.Name, older.EVR)
	}
	p := pack.Product{Name: a.product, Version: a.versionOf(""), Form: a.form, Date: a.date}
	return a.renewed(p, func(p pack.Product) ([]pack.Built, error) { return pack.Metadata(p, parts) })
}

// replace writes packages into the tree and takes out of it those of the same
// name, format and architecture.
func (a *addKernel) replace(built []pack.Built) error {
	for _, b := range built {
		for _, old := range a.packages {
			if old.Name == b.Package.Name && old.Format == b.Package.Format && old.Arch == b.Package.Arch {
				fmt.Fprintf(a.log, "replaced: %s\n", old.Rel)
				a.former = append(a.former, old.Kernels()...)
				if err := a.tree.Remove(old.Rel); err != nil {
					return err
				}
			}
		}
	}
	f := packFlags{product: pack.Product{Form: a.form, Date: a.date}, output: a.tree.Path(a.bin())}
	if a.form.Format() == kmp.RPM {
		f.compress = "gzip" // which the rpm of every distribution can read
	}
	if err := os.MkdirAll(f.output, 0o755); err != nil {
		return err
	}
	report, err := f.write(built, a.key)
	for _, p := range report.Packages {
		fmt.Fprintf(a.log, "packed: %s, %d modules, %d bytes\n", filepath.Base(p.File), len(p.Modules), p.Size)
	}
	return err
}
