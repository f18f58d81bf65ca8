package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"modkeep/depmod"
	"modkeep/kmp/rpm"
	"modkeep/symvers"
)

// rpmOptions are the flags of rpm-provides and rpm-requires.
type rpmOptions struct {
	root        string
	form        string
	flavor      string
	buildroot   string
	pkg         string
	symvers     string
	supplements bool
}

func newRPMProvidesCommand() *cobra.Command {
	opts := &rpmOptions{}
	cmd := &cobra.Command{
		Use:   "rpm-provides [FILE…]",
		Short: "Print what an RPM package with these files provides",
		Long: `Rpm-provides is a dependency generator for rpmbuild: it prints what a package
with these files provides, one a line. Files are named on standard input, one
a line, as rpm does, or as arguments. Looked at are modules (*.ko, compressed
or not) and modules.builtin below lib/modules, a kernel's symvers and, for
SUSE, its vmlinux; all else is passed over.

The forms are those of the distributions' own generators:

    rhel8, rhel9  ksym(SYMBOL) = 0xCRC, kmod(NAME.ko), modalias(ALIAS);
                  kernel(SYMBOL) = 0xCRC of a kernel's symvers and, in rhel9,
                  of modules in its own directory
    suse          ksym(FLAVOR:SYMBOL) = CRC, kmod(NAME.ko), kernel-uname-r;
                  with --supplements modalias(kernel-FLAVOR:ALIAS)

CRCs are found in every form that kernels write them in.` + exitStatus(
			"what is provided was printed", "", "a file could not be read, or the form is not known"),
		Example: `  find /lib/modules/*/extra -name '*.ko*' | modkeep rpm-provides
  modkeep rpm-provides --form suse --flavor default /lib/modules/6.4.0-1-default/updates/foo.ko`,
		RunE: func(cmd *cobra.Command, args []string) error {
			generate := rpm.Provides
			if opts.supplements {
				generate = rpm.Supplements
			}
			return runRPM(cmd, opts, args, generate)
		},
	}
	opts.addFlags(cmd)
	cmd.Flags().BoolVar(&opts.supplements, "supplements", false, "print the devices that the package supplements instead (SUSE)")
	return cmd
}

func newRPMRequiresCommand() *cobra.Command {
	opts := &rpmOptions{}
	cmd := &cobra.Command{
		Use:   "rpm-requires [FILE…]",
		Short: "Print what an RPM package with these files requires",
		Long: `Rpm-requires is a dependency generator for rpmbuild: it prints what a package
with these files requires, one a line. Files are named on standard input, one
a line, as rpm does, or as arguments. Looked at are modules (*.ko, compressed
or not) below lib/modules and, for SUSE, lists in modules-load.d; all else is
passed over, and so is everything of a kernel's own packages.

Each symbol and CRC that a module was built with is required:

    rhel8, rhel9  kernel(SYMBOL) = 0xCRC where the kernel it was built for
                  exports it so, else ksym(SYMBOL) = 0xCRC
    suse          kernel(FLAVOR:SET) = HASH where a symset of that kernel has
                  it (/boot/symsets-KREL.tar.gz), else ksym(FLAVOR:SYMBOL) = CRC

The exports of the kernel are read from --symvers, or are looked for below
--root: /usr/src/kernels/KREL, /lib/modules/KREL, /boot/symvers-KREL.` + exitStatus(
			"what is required was printed", "", "a file could not be read, the exports of the kernel were not found, or the form is not known"),
		Example: `  find /lib/modules/*/extra -name '*.ko*' | modkeep rpm-requires
  modkeep rpm-requires --form rhel9 --symvers Module.symvers < files`,
		RunE: func(cmd *cobra.Command, args []string) error { return runRPM(cmd, opts, args, rpm.Requires) },
	}
	opts.addFlags(cmd)
	cmd.Flags().StringVar(&opts.symvers, "symvers", "", "read the exports of the kernel that the modules were built for from `FILE`")
	return cmd
}

func (o *rpmOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.root, "root", "/", "look below `DIR` for os-release and kernels")
	flags.StringVar(&o.form, "form", "auto", "print the `FORM` rhel8, rhel9 or suse; auto is by os-release")
	flags.StringVar(&o.flavor, "flavor", "", "take `NAME` for the kernel's flavor (suse); else it is by vermagic")
	flags.StringVar(&o.buildroot, "buildroot", "", "take `DIR` off the files' names, as rpmbuild's %{buildroot}")
	flags.StringVar(&o.pkg, "package", "", "say that the package is `NAME`: a kernel's own packages require nothing")
}

// runRPM reads the names of files, has dependencies made and prints them.
func runRPM(cmd *cobra.Command, opts *rpmOptions, args []string, generate func([]string, rpm.Options) ([]rpm.Dependency, error)) error {
	form, err := opts.formOf(cmd)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		if args, err = readNames(cmd.InOrStdin()); err != nil {
			return fmt.Errorf("cannot read the names of files: %w", err)
		}
	}
	list, err := generate(args, rpm.Options{
		Form:      form,
		Flavor:    opts.flavor,
		Buildroot: opts.buildroot,
		Package:   opts.pkg,
		Symvers:   opts.readSymvers,
		Symsets:   opts.readSymsets,
	})
	w := bufio.NewWriter(cmd.OutOrStdout())
	for _, d := range list {
		fmt.Fprintln(w, d)
	}
	if flushErr := w.Flush(); flushErr != nil {
		return fmt.Errorf("cannot write the answer: %w", flushErr)
	}
	return complainEach(cmd.ErrOrStderr(), err)
}

// complainEach complains about each of the errors that were joined.
func complainEach(errOut io.Writer, err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return nil
	case !ok:
		return err
	}
	for _, e := range joined.Unwrap() {
		complain(errOut, fmt.Errorf("cannot tell all: %w", e))
	}
	return silent(statusUnknown)
}

func (o *rpmOptions) formOf(cmd *cobra.Command) (rpm.Form, error) {
	switch form := rpm.Form(o.form); form {
	case rpm.RHEL8, rpm.RHEL9, rpm.SUSE:
		return form, nil
	case "auto":
	default:
		return "", usageErrorf(cmd, "--form %q is not auto, rhel8, rhel9 or suse", o.form)
	}
	text, err := osRelease(o.root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("cannot tell the form: %w", err)
	}
	if form, ok := rpm.FormOf(text); ok {
		return form, nil
	}
	return "", withHint(fmt.Errorf("cannot tell the form: os-release below %s names no distribution with RPM packages", o.root), "give --form rhel8, rhel9 or suse")
}

// readNames returns the lines of r that are not empty.
func readNames(r io.Reader) ([]string, error) {
	var names []string
	s := bufio.NewScanner(r)
	for s.Scan() {
		if s.Text() != "" {
			names = append(names, s.Text())
		}
	}
	return names, s.Err()
}

// readSymvers reads the exports of a kernel that modules were built for.
func (o *rpmOptions) readSymvers(krel string) (*symvers.Table, error) {
	if o.symvers != "" {
		return symvers.Open(o.symvers)
	}
	if strings.ContainsAny(krel, "/\x00") {
		return nil, errors.New("no name of a kernel")
	}
	places := []string{
		"usr/src/kernels/" + krel + "/Module.symvers", "lib/modules/" + krel + "/build/Module.symvers", "usr/src/linux-headers-" + krel + "/Module.symvers",
		"lib/modules/" + krel + "/symvers.gz", "lib/modules/" + krel + "/symvers.xz", "lib/modules/" + krel + "/symvers.zst",
		"boot/symvers-" + krel + ".gz", "boot/symvers-" + krel + ".xz", "boot/symvers-" + krel + ".zst",
	}
	for _, name := range places {
		inside, err := depmod.Resolve(o.root, name)
		switch {
		case err == nil:
			return symvers.Open(filepath.Join(o.root, inside))
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return nil, withHint(fmt.Errorf("no Module.symvers of it below %s", o.root), "install the kernel's development package, or name the file with --symvers")
}

// readSymsets reads the symsets of a kernel, none where it has no file of them.
func (o *rpmOptions) readSymsets(krel string) (rpm.Symsets, error) {
	if strings.ContainsAny(krel, "/\x00") {
		return nil, errors.New("no name of a kernel")
	}
	for _, dir := range []string{"boot/", "usr/src/kernels/" + krel + "/", "usr/lib/modules/" + krel + "/"} {
		inside, err := depmod.Resolve(o.root, dir+"symsets-"+krel+".tar.gz")
		if err != nil {
			continue
		}
		f, err := os.Open(filepath.Join(o.root, inside))
		if err != nil {
			return nil, err
		}
		defer f.Close()
		sets, err := rpm.ReadSymsets(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", inside, err)
		}
		return sets, nil
	}
	return nil, nil
}
