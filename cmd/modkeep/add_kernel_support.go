package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"modkeep/kbuild"
	"modkeep/kmp/media"
	"modkeep/kmp/pack"
	"modkeep/pgp"
)

// statusSupported is the exit status of MLNX's script for a kernel that its
// packages support already.
const statusSupported = 30

// addKernelOptions are the options of add-kernel-support: those of MLNX's script,
// then modkeep's own.
type addKernelOptions struct {
	given   string // the bundle: a directory, a tar file, an image
	krel    string
	headers []string
	from    string // sources in place of the bundle's
	kmp     bool
	tgz     bool
	iso     bool
	tmpdir  string
	name    string
	distro  string
	noRepo  bool
	force   bool
	verbose bool
	yes     bool
	without []string

	signing pgpFlags
	root    string
	cache   string
	jobs    int
	dryRun  bool
}

// newAddKernelSupportCommand is MLNX's mlnx_add_kernel_support.sh, as modkeep's
// verb and, when the program is called by that name, as the program.
func newAddKernelSupportCommand() *cobra.Command {
	opts := &addKernelOptions{}
	cmd := &cobra.Command{
		Use:   "add-kernel-support -m DIR|ISO|TGZ [flags]",
		Short: "Add packages for a kernel to a vendor's driver bundle, as MLNX's mlnx_add_kernel_support.sh",
		Long:  addKernelHelp,
		Example: `  modkeep add-kernel-support -m /mnt/mlnx-en-5.2-1.0.4.0-rhel7.8-x86_64 --kmp -y
  modkeep add-kernel-support -m drivers-1.2.iso -k 5.14.0-503.el9.x86_64 --make-iso
  modkeep add-kernel-support -m drivers-1.2.tgz -s /srv/kernel-devel.rpm --distro rhel9.4 --without-knem`,
		// Options may be abbreviated, as the script's callers know it of getopt, and
		// --without-PKG has a name of its own for each package.
		DisableFlagParsing: true,
		SilenceUsage:       true,
		SilenceErrors:      true,
	}
	opts.addFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch help, err := opts.parse(cmd.Flags(), args); {
		case help:
			return cmd.Help()
		case err != nil:
			complain(cmd.ErrOrStderr(), usageErrorf(cmd, "%w", err))
			return silent(statusNo)
		}
		return opts.run(cmd)
	}
	return cmd
}

var addKernelHelp = `add-kernel-support takes what a vendor ships drivers in, a directory, the image of
a CD or a tar file with packages of sources, builds the drivers for one kernel and
writes a new TGZ or image, named as the old one and -ext, that has packages for it
too. It takes the place of MLNX's mlnx_add_kernel_support.sh, with that one's
options, sentences and exit statuses; called by that name, it is that program. The
bundle that was given is never changed.

Sources are all that 'modkeep build' takes: packages of sources (.src.rpm, dkms
packages), tar files, directories. Every one is built, judged by what the kernel
would say to it, and packed: kmod-NAME-KREL for this kernel alone, with --kmp in
the form that weak-modules links (kmod-NAME, NAME-kmp-FLAVOR), for a --distro with
.deb packages NAME-modules-KREL. One that fails ends it all. NAME-kernel-only and
NAME-all are made for the modules that the bundle has then. The result is

    what was in the bundle, without packages that have newer builds now
    RPMS/ (DEBS/)   the new packages
    repo/           a repository of all packages but dkms's, for dnf, zypper, apt
    install         installs them on machines without a network (not where the
                    vendor has a program of that name), with what it goes by:
                    keys/, log/, kernels.tsv, packages.tsv, SHA256SUMS

A kernel is supported already where each source has a package whose modules all
load: its symbols, its version magic, and whether the package is installed for or
linked into that kernel; names of files do not count. Without --key packages and
repository are not signed, and it is said.` + exitStatus(
	"Created PATH; or it was not confirmed",
	"not created: bad usage, unreadable input, something missing, a build that failed", "") + `
    30 the kernel is supported already`

func (o *addKernelOptions) addFlags(flags *pflag.FlagSet) {
	flags.SortFlags = false
	flags.StringVarP(&o.given, "mlnx_ofed", "m", "", "the vendor's bundle: a `DIR`, an image (.iso) or a tar file (.tgz)")
	flags.BoolVar(&o.iso, "make-iso", false, "write an image (needs genisoimage, xorrisofs or mkisofs)")
	flags.BoolVar(&o.tgz, "make-tgz", false, "write a TGZ, as is done without both")
	flags.StringVarP(&o.tmpdir, "tmpdir", "t", "", "work below `DIR`, and write the result there (default: the system's directory for such)")
	flags.BoolVar(&o.kmp, "kmp", false, "make packages that are linked into later kernels too")
	flags.StringVarP(&o.krel, "kernel", "k", "", "for kernel release `KREL` (default: that of --kernel-sources, else the running one)")
	flags.StringArrayVarP(&o.headers, "kernel-sources", "s", nil, "build against the headers in `PATH`, a directory or a header package, unpacked, not installed; may be repeated")
	flags.StringVar(&o.from, "ofed-sources", "", "build what is in `PATH`, not the bundle's own sources")
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "print what goes to the log too")
	flags.StringVarP(&o.name, "name", "n", "", "call the result `NAME`.tgz")
	flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask; without a terminal nothing is asked")
	flags.BoolVar(&o.force, "force", false, "build for a kernel that is supported already")
	flags.BoolVar(&o.noRepo, "skip-repo", false, "make no repository and no installer")
	flags.Bool("without-PKG", false, "leave out the source PKG; may be repeated")
	flags.StringVar(&o.distro, "distro", "", "make packages for the distribution `NAME`, as rhel9.4, sles15sp5, debian12 (default: RPMs as the root's os-release says)")
	o.signing.addFlags(flags, "the packages'")
	flags.StringVar(&o.root, "root", "/", "look below `DIR` for os-release, kernels, headers and installed providers")
	flags.StringVar(&o.cache, "cache", "", "keep what is built in `DIR`, as build does")
	flags.IntVarP(&o.jobs, "jobs", "j", runtime.NumCPU(), "use `N` processors")
	flags.BoolVar(&o.dryRun, "dry-run", false, "say what would be built and written, and write nothing")
}

// parse takes in a command line.
func (o *addKernelOptions) parse(flags *pflag.FlagSet, args []string) (help bool, err error) {
	var rest []string
	for _, arg := range args {
		if name, ok := strings.CutPrefix(arg, "--without-"); ok {
			o.without = append(o.without, name)
		} else {
			rest = append(rest, arg)
		}
	}
	short, long := "h", []longOption{{name: "help"}}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Name == "without-PKG" {
			return
		}
		value := f.NoOptDefVal == ""
		long = append(long, longOption{f.Name, value})
		if short += f.Shorthand; value && f.Shorthand != "" {
			short += ":"
		}
	})
	given, operands, err := getopt(rest, short, long, false)
	if err == nil && len(operands) > 0 {
		err = fmt.Errorf("unexpected argument %q", operands[0])
	}
	for _, g := range given {
		if g.name == "h" || g.name == "help" {
			return true, nil
		}
		f := flags.Lookup(g.name)
		if len(g.name) == 1 {
			f = flags.ShorthandLookup(g.name)
		}
		if f.NoOptDefVal != "" {
			g.value = f.NoOptDefVal
		}
		if setErr := flags.Set(f.Name, g.value); setErr != nil && err == nil {
			err = setErr
		}
	}
	return false, err
}

// check says what a command line could not be followed for.
func (o *addKernelOptions) check() error {
	switch {
	case o.given == "":
		return errors.New("no bundle: -m DIR, ISO or TGZ")
	case o.iso && o.tgz:
		return errors.New("--make-iso and --make-tgz exclude each other")
	case strings.ContainsRune(o.name, '/') || o.name == "." || o.name == "..":
		return fmt.Errorf("--name %q is a path, and a name is wanted", o.name)
	case o.jobs < 1 || o.jobs > 4096:
		return fmt.Errorf("--jobs %d is not between 1 and 4096", o.jobs)
	case slices.Contains(o.without, ""):
		return errors.New("--without- names no source")
	}
	return nil
}

// addKernel is one call of add-kernel-support.
type addKernel struct {
	*addKernelOptions
	cmd     *cobra.Command
	say     io.Writer // standard output and the log
	log     io.Writer // the log alone; with --verbose standard output too
	logPath string

	form    pack.Form
	date    time.Time
	key     *pgp.Key
	product string // of the bundle's name
	version string
	result  string // the name of what is written, without extension

	work     string // all that is made on the way; removed at the end
	tree     *media.Tree
	packages []*media.Package // of the tree
	former   []string         // kernels that packages were for which were replaced
	kernel   *kbuild.Kernel
	missing  error // why nothing can be built for it
	sources  []*kbuild.Source
}

// run carries out a command line. Whatever goes wrong has the status 1.
func (o *addKernelOptions) run(cmd *cobra.Command) error {
	if err := o.check(); err != nil {
		complain(cmd.ErrOrStderr(), usageErrorf(cmd, "%w", err))
		return silent(statusNo)
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop() // until then, what is left under way is removed
	a := &addKernel{addKernelOptions: o, cmd: cmd, say: cmd.OutOrStdout(), log: io.Discard}
	err := a.settle()
	if err == nil {
		err = a.confirmed(ctx)
	}
	var status silent
	if err == nil || errors.As(err, &status) {
		return err
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted; nothing was created")
	}
	err = fmt.Errorf("cannot add kernel support: %w", hintedMissing(err))
	fmt.Fprintf(a.log, "%v\n", err)
	complain(cmd.ErrOrStderr(), err)
	return silent(statusNo)
}

// settle decides what the command line leaves open.
func (a *addKernel) settle() (err error) {
	info, err := os.Stat(a.given)
	if err != nil {
		return err
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return fmt.Errorf("%s: neither a directory nor a file", a.given)
	}
	if a.given, err = filepath.Abs(a.given); err != nil {
		return err
	}
	if a.tmpdir == "" {
		a.tmpdir = os.TempDir()
	}
	if a.tmpdir, err = filepath.Abs(a.tmpdir); err != nil {
		return err
	}
	if into, err := filepath.Rel(a.given, a.tmpdir); err == nil && filepath.IsLocal(into) {
		return withHint(fmt.Errorf("%s is in the bundle", a.tmpdir), "name another directory with --tmpdir")
	}
	base := media.Base(a.given)
	a.product, a.version = media.Name(base)
	if a.product == "" {
		return fmt.Errorf("%s: no name to call packages by", a.given)
	}
	if a.result = a.name; a.result == "" {
		a.result = strings.TrimSuffix(base, "-ext") + "-ext"
	}
	if old, err := os.Stat(a.target()); err == nil && os.SameFile(old, info) {
		return withHint(fmt.Errorf("%s is the bundle that was given", a.target()), "give another --tmpdir or --name")
	}
	if a.form, err = a.formOf(); err != nil {
		return err
	}
	if a.date, err = dateOf(a.signing.date); err != nil {
		return err
	}
	return a.readKey()
}

// readKey reads the key that is to sign, and says before anything is built
// whether it may.
func (a *addKernel) readKey() (err error) {
	if a.signing.key == "" {
		return nil
	}
	if a.key, err = readSigningKey(a.signing.key, a.signing.passphrase); err != nil {
		return err
	}
	return a.key.Usable(a.date)
}

// target is the file that is made.
func (a *addKernel) target() string {
	if a.iso {
		return filepath.Join(a.tmpdir, a.result+".iso")
	}
	return filepath.Join(a.tmpdir, a.result+".tgz")
}

// formOf is the form of the packages: RPMs, but where --distro is one with .deb.
func (a *addKernel) formOf() (pack.Form, error) {
	about, err := osRelease(a.root)
	if a.distro != "" {
		digit := strings.IndexFunc(a.distro, unicode.IsDigit)
		if digit < 0 {
			digit = len(a.distro)
		}
		id := strings.ToLower(a.distro[:digit])
		about, err = fmt.Appendf(nil, "ID=%s\nVERSION_ID=%s\n", id, a.distro[digit:]), nil
		if slices.Contains([]string{"ol", "oraclelinux", "rocky", "almalinux", "fc", "anolis", "bclinux", "kylin", "eulerosv"}, id) {
			about = append(about, "ID_LIKE=rhel\n"...)
		}
	}
	form, known := pack.FormOf(about)
	switch {
	case a.distro != "" && !known:
		return "", withHint(fmt.Errorf("distribution %q is not known here", a.distro), "name one as rhel9.4, sles15sp5, openeuler22.03 or debian12")
	case a.distro != "" && form == pack.Deb && a.kmp:
		return "", fmt.Errorf("%s has no packages that are linked into other kernels: no --kmp", a.distro)
	case a.distro != "" && form == pack.Deb:
		return form, nil
	case !a.kmp:
		return pack.Kernel, nil
	case err != nil:
		return "", withHint(fmt.Errorf("cannot tell the form of KMPs: %w", err), "name the distribution with --distro")
	case !known || form == pack.Deb:
		return "", withHint(fmt.Errorf("the distribution below %s has no KMPs", a.root), "name the one they are for with --distro")
	}
	return form, nil
}

// confirmed asks where there is somebody to ask, opens the log and the working
// directory, and does the work.
func (a *addKernel) confirmed(ctx context.Context) (err error) {
	kind := "TGZ"
	if a.iso {
		kind = "ISO"
	}
	distro := ""
	if a.distro != "" {
		distro = " for " + a.distro
	}
	fmt.Fprintf(a.say, "Note: This program will create %s %s%s under %s directory.\n", a.product, kind, distro, a.tmpdir)
	if in := a.cmd.InOrStdin(); !a.yes && !a.dryRun && isTerminal(in) {
		fmt.Fprint(a.say, "Do you want to continue?[y/N]:")
		var answer string
		fmt.Fscanln(in, &answer)
		if !strings.EqualFold(answer, "y") && !strings.EqualFold(answer, "yes") {
			return nil
		}
	}
	below := a.tmpdir
	if a.dryRun {
		below = os.TempDir() // --tmpdir stays as it is, and need not be there
	} else if err := os.MkdirAll(below, 0o755); err != nil {
		return err
	}
	if a.work, err = os.MkdirTemp(below, "modkeep-add-kernel-"); err != nil {
		return err
	}
	defer func() {
		if removeErr := os.RemoveAll(a.work); err == nil {
			err = removeErr
		}
	}()
	if err := os.Chmod(a.work, 0o755); err != nil { // builds run as another user
		return err
	}
	if !a.dryRun {
		f, err := os.OpenFile(a.work+".log", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		defer f.Close()
		a.logPath, a.log, a.say = f.Name(), f, io.MultiWriter(a.say, f)
		fmt.Fprintf(a.say, "See log file %s\n\n", a.logPath)
	}
	if a.verbose {
		a.log = io.MultiWriter(a.log, a.cmd.OutOrStdout())
	}
	return a.steps(ctx)
}

// steps are those of MLNX's script, in their order.
func (a *addKernel) steps(ctx context.Context) error {
	if err := a.open(ctx); err != nil {
		return err
	}
	defer a.tree.Close()
	uncovered, err := a.uncovered()
	if err != nil {
		return err
	}
	if len(uncovered) == 0 && !a.force {
		return a.supported()
	}
	if err := a.needs(ctx); err != nil {
		return err
	}
	if a.dryRun {
		return a.plan()
	}
	cells, err := a.build(ctx)
	if err != nil {
		return err
	}
	// Sources that are not meant for the kernel need no package.
	if !slices.ContainsFunc(cells, func(c *kbuild.Cell) bool { return slices.Contains(uncovered, c.Source) }) && !a.force {
		return a.supported()
	}
	if err := a.pack(cells); err != nil {
		return err
	}
	if !a.noRepo {
		if err := a.repository(cells); err != nil {
			return err
		}
	}
	return a.write(ctx)
}

// supported says that there is nothing to do.
func (a *addKernel) supported() error {
	fmt.Fprintf(a.say, "Required kernel (%s) is already supported by %s\n", a.kernel.Release, a.product)
	return silent(statusSupported)
}

// plan says what would be built.
func (a *addKernel) plan() error {
	for _, s := range a.sources {
		fmt.Fprintf(a.say, "Would build %s (%s) for %s\n", s, s.Given, a.kernel.Release)
	}
	fmt.Fprintf(a.say, "Would create %s\n", a.target())
	return nil
}
