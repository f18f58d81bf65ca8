package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"modkeep/kbuild"
	"modkeep/kernel"
)

// Exit statuses of dkms (dkms(8) has none of them; they are in the program):
// what modkeep build --dkms-status ends with.
const (
	dkmsBadConf    = 8
	dkmsMakeFailed = 10
	dkmsNoHeaders  = 21
	dkmsExcluded   = 77
)

// buildOptions are the flags of modkeep build.
type buildOptions struct {
	root       string
	kernels    []string
	allKernels bool
	headers    []string
	object     string
	from       []string
	output     string
	cache      string
	tmpdir     string
	jobs       int
	timeout    time.Duration
	keepDebug  bool
	keepWork   bool
	again      bool
	dkmsStatus bool
	bootThem   bool
	json       bool
}

var buildLong = `Build makes the modules of each SOURCE for each kernel: a directory with a
dkms.conf (which is read, never run), one with a Kbuild file or a Makefile that
sets obj-m, a directory of such, or what they are packed in: a source package
(.src.rpm), a package with sources below usr/src (.rpm, .deb), a tar file, an
image (.iso). --object builds one of the kernel's own modules anew from the files
of --from; the module keeps the name that it has in the kernel's tree.

Sources whose modules use what those of another one export are built after it,
with its Module.symvers. Builds share --jobs processors. They run in a copy of
the source, without privileges and without network; where the machine does not
allow that it is said. What was built before from the same source, headers,
compiler and exports of providers is taken from the cache; what failed before is
not tried again without --again, but for what failed for want of time, space,
memory or a program. Every module is judged as check does: one that its kernel
would refuse is a failure. With --boot the kernel itself is asked too: it is
booted in a virtual machine, with this program as its process 1.

Headers are those that lib/modules/KREL/build leads to, or are unpacked from the
packages of --headers. Without --kernel, modules are built for the kernel that
boots next.` + exitStatus(
	"all modules were built, or are not meant for the kernel",
	"some were not",
	"nothing could be built: bad usage, no headers, no compiler") + `

With --dkms-status the status is dkms's: 8 a dkms.conf cannot be followed, 10 a
build failed, 21 there are no headers, 77 nothing is meant for these kernels.`

func newBuildCommand() *cobra.Command {
	var opts buildOptions
	cmd := &cobra.Command{
		Use:   "build [flags] SOURCE…",
		Short: "Build kernel modules for kernels, from a cache where it has them",
		Long:  buildLong,
		Example: `  modkeep build ./driver-1.2 --kernel 6.1.0-56-amd64
  modkeep build /usr/src --all-kernels --output /srv/modules
  modkeep build ./driver-1.2.tgz --headers linux-headers-6.1.0-56-*.deb --json
  modkeep build --object xen_evtchn --from evtchn.c --kernel 6.1.0-56-amd64`,
		RunE: func(cmd *cobra.Command, args []string) error {
			err := runBuild(cmd, &opts, args)
			if m := kbuild.Missing(err); opts.dkmsStatus && m != nil && m.What == "headers" {
				complain(cmd.ErrOrStderr(), hintedMissing(err))
				return silent(dkmsNoHeaders)
			}
			return hintedMissing(err)
		},
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

func (o *buildOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.root, "root", "/", "look below `DIR` for kernels, headers and installed providers")
	flags.StringArrayVar(&o.kernels, "kernel", nil, "build for kernel release `KREL`; may be repeated")
	flags.BoolVar(&o.allKernels, "all-kernels", false, "build for every kernel below the root")
	flags.StringArrayVar(&o.headers, "headers", nil, "build against the headers in `PATH`, a directory or a header package, unpacked, not installed; may be repeated")
	flags.StringVar(&o.object, "object", "", "build the module `NAME` from the files of --from")
	flags.StringArrayVar(&o.from, "from", nil, "a source `FILE` of --object; may be repeated")
	flags.StringVar(&o.output, "output", "", "copy what is built to `DIR`/KREL/NAME-VERSION")
	flags.StringVar(&o.cache, "cache", "", "keep what is built in `DIR` (default: /var/cache/modkeep, of users other than root ~/.cache/modkeep)")
	flags.StringVar(&o.tmpdir, "tmpdir", "", "build below `DIR` (default: the system's directory for such)")
	flags.IntVarP(&o.jobs, "jobs", "j", runtime.NumCPU(), "use `N` processors, all builds together")
	flags.DurationVar(&o.timeout, "timeout", time.Hour, "end a build that takes longer than `TIME`")
	flags.BoolVar(&o.keepDebug, "keep-debug", false, "leave debugging information in modules")
	flags.BoolVar(&o.keepWork, "keep-work", false, "leave the directories that builds ran in")
	flags.BoolVar(&o.again, "again", false, "build what is in the cache too")
	flags.BoolVar(&o.bootThem, "boot", false, "load what was built into its kernel, in a virtual machine (QEMU, emulated)")
	flags.BoolVar(&o.dkmsStatus, "dkms-status", false, "end with dkms's exit statuses")
	addJSONFlag(flags, &o.json)
}

// hintedMissing adds to an error about something missing what brings it.
func hintedMissing(err error) error {
	if m := kbuild.Missing(err); m != nil && m.Hint() != "" {
		return withHint(err, "%s", m.Hint())
	}
	return err
}

func runBuild(cmd *cobra.Command, opts *buildOptions, args []string) error {
	if err := opts.validate(cmd, args); err != nil {
		return err
	}
	if err := opts.places(); err != nil {
		return fmt.Errorf("cannot build: %w", err)
	}
	kernels, err := opts.openKernels()
	if err != nil {
		return err
	}
	if opts.bootThem {
		if err := opts.bootable(kernels); err != nil {
			return fmt.Errorf("cannot boot: %w", err)
		}
	}
	sources, notes, err := opts.openSources(cmd.Context(), args, kernels)
	if err != nil {
		return fmt.Errorf("cannot build: %w", err)
	}
	needs, err := kbuild.FindNeeds(sources)
	if err != nil {
		return fmt.Errorf("cannot build: %w", err)
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop() // until then, what builds leave is removed
	p := newBuildProgress(cmd.ErrOrStderr())
	for _, line := range append(notes, needs...) {
		p.line("note: %s", line)
	}
	result, err := kbuild.Run(ctx, sources, kernels, opts.kbuild(p.cell))
	p.end()
	if err != nil {
		return fmt.Errorf("cannot build: %w", errors.Join(err, context.Cause(ctx)))
	}
	var answers map[*kbuild.Cell][]bootedJSON
	if opts.bootThem {
		if answers, err = opts.boot(ctx, result.Cells); err != nil {
			return fmt.Errorf("cannot boot: %w", err)
		}
	}
	return opts.report(cmd, result, answers)
}

// kbuild are the options of the builds.
func (o *buildOptions) kbuild(progress func(c *kbuild.Cell, done, all int)) kbuild.Options {
	return kbuild.Options{
		Root: o.root, Cache: o.cache, Temp: o.tmpdir, Path: programPath(), Jobs: o.jobs, Timeout: o.timeout,
		KeepDebug: o.keepDebug, KeepWork: o.keepWork, Again: o.again, Now: time.Now, Progress: progress}
}

// programPath are the directories in which programs are looked for.
func programPath() []string { return filepath.SplitList(os.Getenv("PATH")) }

func (o *buildOptions) validate(cmd *cobra.Command, args []string) error {
	switch {
	case o.object == "" && len(o.from) > 0:
		return usageErrorf(cmd, "--from goes with --object")
	case o.object != "" && len(o.from) == 0:
		return usageErrorf(cmd, "--object needs --from")
	case o.object != "" && len(args) > 0:
		return usageErrorf(cmd, "--object and a SOURCE exclude each other")
	case o.object == "" && len(args) == 0:
		return usageErrorf(cmd, "no SOURCE named")
	case len(o.kernels) > 0 && o.allKernels:
		return usageErrorf(cmd, "--kernel and --all-kernels exclude each other")
	case o.jobs < 1 || o.jobs > 4096:
		return usageErrorf(cmd, "--jobs %d is not between 1 and 4096", o.jobs)
	case o.timeout <= 0:
		return usageErrorf(cmd, "--timeout %v is no time", o.timeout)
	}
	return nil
}

// places finds the cache, which builds of other users read.
func (o *buildOptions) places() error {
	if o.cache == "" {
		o.cache = "/var/cache/modkeep"
		if os.Getuid() != 0 {
			dir, err := os.UserCacheDir()
			if err != nil {
				return err
			}
			o.cache = filepath.Join(dir, "modkeep")
		}
	}
	if o.tmpdir == "" {
		o.tmpdir = os.TempDir()
	}
	for _, dir := range []*string{&o.cache, &o.tmpdir, &o.output} {
		if *dir == "" {
			continue
		}
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return err
		}
		*dir = abs
	}
	return os.MkdirAll(o.cache, 0o755)
}

// openKernels finds the kernels that are asked for and their headers. One
// without is not an error yet: others may have theirs.
func (o *buildOptions) openKernels() ([]*kbuild.Kernel, error) {
	given, err := o.givenHeaders()
	if err != nil {
		return nil, fmt.Errorf("cannot read the headers: %w", err)
	}
	krels, err := o.releases(given)
	if err != nil {
		return nil, err
	}
	var list []*kbuild.Kernel
	for _, krel := range krels {
		k := &kbuild.Kernel{Release: krel}
		if i := slices.IndexFunc(given, func(h *kbuild.Headers) bool { return h.Release == krel }); i >= 0 {
			k.Headers = given[i]
		} else if len(given) > 0 {
			k.Err = &kbuild.MissingError{What: "headers", Kernel: krel, Text: "no headers for kernel " + krel + " in " + strings.Join(o.headers, " ")}
		} else {
			k.Headers, k.Err = kbuild.FindHeaders(o.root, krel)
		}
		list = append(list, k)
	}
	if !slices.ContainsFunc(list, func(k *kbuild.Kernel) bool { return k.Err == nil }) {
		return nil, fmt.Errorf("cannot build: %w", list[0].Err)
	}
	return list, nil
}

// givenHeaders opens the paths of --headers.
func (o *buildOptions) givenHeaders() ([]*kbuild.Headers, error) {
	var list []*kbuild.Headers
	var packages []string
	for _, name := range o.headers {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			packages = append(packages, name)
			continue
		}
		h, err := kbuild.HeadersIn(name, "")
		if err != nil {
			return nil, err
		}
		list = append(list, h)
	}
	if len(packages) == 0 {
		return list, nil
	}
	more, err := kbuild.HeadersFrom(o.cache, packages...)
	return append(list, more...), err
}

// releases are those of the kernels asked for: by name, by their headers, all
// below the root, or the one that boots next.
func (o *buildOptions) releases(given []*kbuild.Headers) ([]string, error) {
	switch {
	case len(o.kernels) > 0:
		var list []string
		for _, krel := range o.kernels {
			if !slices.Contains(list, krel) {
				list = append(list, krel)
			}
		}
		return list, nil
	case len(given) > 0:
		var list []string
		for _, h := range given {
			list = append(list, h.Release)
		}
		return list, nil
	case o.allKernels:
		all, err := kernel.List(o.root)
		if err == nil && len(all) == 0 {
			err = errors.New("there is none")
		}
		if err != nil {
			return nil, fmt.Errorf("cannot list the kernels below %s: %w", o.root, err)
		}
		return all, nil
	}
	t := target{root: o.root}
	k, err := t.open()
	if err != nil {
		return nil, err
	}
	return []string{k.Release}, nil
}

// openSources opens what is named, or makes the source of --object.
func (o *buildOptions) openSources(ctx context.Context, args []string, kernels []*kbuild.Kernel) (sources []*kbuild.Source, notes []string, err error) {
	if o.object != "" {
		s, err := kbuild.ObjectSource(o.cache, o.object, o.from, o.root, kernels)
		return []*kbuild.Source{s}, nil, err
	}
	unpacker := kbuild.Unpacker{Cache: o.cache, Temp: o.tmpdir, Path: programPath()}
	for _, arg := range args {
		list, said, err := unpacker.OpenSources(ctx, arg)
		if err != nil {
			return nil, nil, err
		}
		for _, s := range list {
			if i := slices.IndexFunc(sources, func(old *kbuild.Source) bool { return old.Name == s.Name }); i >= 0 {
				return nil, nil, fmt.Errorf("%s and %s are both sources of %s", sources[i].Given, s.Given, s.Name)
			}
		}
		sources, notes = append(sources, list...), append(notes, said...)
	}
	return sources, notes, nil
}
