package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"modkeep/kmp"
	"modkeep/kmp/pack"
	"modkeep/ko"
	"modkeep/symvers"
)

// packOptions are the flags of pack.
type packOptions struct {
	packFlags
	kernel  string
	symvers string
	depends []string
	add     []string
}

func newPackCommand() *cobra.Command {
	opts := &packOptions{}
	cmd := &cobra.Command{
		Use:   "pack --name NAME --version V FILE.ko|DIR…",
		Short: "Make RPM or DEB packages of modules",
		Long: `Pack makes packages of modules that are built, and signed and compressed where
they are to be, in the form of a distribution:

    rhel8, rhel9  kmod-NAME: modules in extra/NAME, which weak-modules links into
                  the kernels that fit; provides ksym(), kmod(), modalias(),
                  requires kernel(SYMBOL) = CRC and ksym(SYMBOL) = CRC
    suse          NAME-kmp-FLAVOR, version V_kKVER: modules in updates, linked by
                  weak-modules2; supplements the devices that they are for
    kernel        kmod-NAME-KREL, an RPM for one kernel: nothing is linked
    deb           NAME-modules-KREL, which depends on linux-image-KREL

A package is made for each kernel that modules were built for. Scriptlets call
weak-modules, weak-modules2 or depmod; where the distribution's program is not
there they call modkeep in its place. What a directory holds below it keeps its
place there: DIR/net/foo.ko goes to extra/NAME/net.

The exports of the kernel, which tell kernel() from ksym(), are read from
--symvers or looked for below --root, as rpm-requires does.

The same modules, flags and --date give the same bytes. An RPM is signed with
--key; a .deb carries no signature, as apt trusts the repository's.` + exitStatus(
			"the packages were written; their files are printed", "", "a module, the key or the exports of the kernel could not be read, or no package be written"),
		Example: `  modkeep pack --name vpoll --version 0.1 --key key.asc -o out vpoll.ko
  modkeep pack --form deb --name zfs --version 2.1.11 --initramfs build/zfs`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return runPack(cmd, opts, args) },
	}
	opts.packFlags.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&opts.product.Name, "name", "", "the packages are of product `NAME`")
	flags.StringVar(&opts.kernel, "kernel", "", "take the modules for kernel `KREL` alone")
	flags.StringVar(&opts.symvers, "symvers", "", "read the exports of the kernel that the modules were built for from `FILE`")
	flags.StringVar(&opts.product.Directory, "directory", "", "install modules into `DIR` below the kernel's directory (default extra/NAME, updates, updates/NAME)")
	flags.BoolVar(&opts.product.Override, "override", false, "put the modules before the kernel's own of the same name (depmod.d)")
	flags.BoolVar(&opts.product.Initramfs, "initramfs", false, "have the scriptlets make the initramfs again (kernel, deb; the others do so where it is needed)")
	flags.BoolVar(&opts.product.NoSymbols, "no-symbols", false, "require no symbols: the package installs on any kernel")
	flags.StringArrayVar(&opts.depends, "depends", nil, "depend on `NAME`, or 'NAME OP VERSION', too; may be repeated")
	flags.StringArrayVar(&opts.add, "add", nil, "add a file, as `FILE=PATH`: etc/foo.conf=/etc/modprobe.d/foo.conf; may be repeated")
	cmd.AddCommand(newPackMetadataCommand(), newPackGateCommand())
	return cmd
}

func runPack(cmd *cobra.Command, opts *packOptions, args []string) error {
	switch {
	case len(args) == 0:
		return usageErrorf(cmd, "no modules given")
	case opts.product.Name == "" || opts.product.Version == "":
		return usageErrorf(cmd, "--name and --version are needed")
	}
	if err := opts.decide(cmd); err != nil {
		return err
	}
	if err := opts.extras(cmd); err != nil {
		return err
	}
	modules, err := readModules(args)
	if err != nil {
		return fmt.Errorf("cannot read the modules: %w", err)
	}
	modules, skipped := modulesFor(modules, opts.kernel)
	if len(modules) == 0 && len(skipped) > 0 {
		return fmt.Errorf("cannot pack the modules: none is for kernel %s: %s", opts.kernel, strings.Join(skipped, "; "))
	}
	built, err := pack.Modules(opts.product, modules)
	if err != nil {
		return fmt.Errorf("cannot pack the modules: %w", err)
	}
	return opts.finish(cmd, built, skipped)
}

// extras reads what else goes into the packages.
func (o *packOptions) extras(cmd *cobra.Command) error {
	for _, text := range o.depends {
		d, err := dependencyOf(text)
		if err != nil {
			return usageErrorf(cmd, "--depends %w", err)
		}
		o.product.Depends = append(o.product.Depends, d)
	}
	for _, text := range o.add {
		from, to, ok := strings.Cut(text, "=")
		if !ok || !strings.HasPrefix(to, "/") {
			return usageErrorf(cmd, "--add %q is not FILE=PATH with an absolute path", text)
		}
		info, err := os.Stat(from)
		if err == nil && !info.Mode().IsRegular() {
			err = &fs.PathError{Op: "read", Path: from, Err: ko.ErrNotRegular}
		}
		var data []byte
		if err == nil {
			data, err = readLimited(from, maxPacked)
		}
		if err != nil {
			return fmt.Errorf("cannot add a file: %w", err)
		}
		o.product.Contents = append(o.product.Contents, kmp.Content{
			File: kmp.File{Path: to, Mode: 0o644 | info.Mode()&0o111, Config: strings.HasPrefix(to, "/etc/")}, Data: data})
	}
	source := &rpmOptions{root: o.root, symvers: o.symvers}
	first := ""
	o.product.Symvers = func(krel string) (*symvers.Table, error) {
		if first == "" {
			first = krel
		}
		if o.symvers != "" && krel != first {
			return nil, fmt.Errorf("--symvers is of one kernel, and there are modules for %s and %s", first, krel)
		}
		return source.readSymvers(krel)
	}
	o.product.Symsets = source.readSymsets
	return nil
}

// modulesFor returns the modules that were built for a kernel, all of them where
// none is named, and says what was left out. What is no module is for the
// packer to refuse.
func modulesFor(modules []pack.Module, krel string) (list []pack.Module, skipped []string) {
	for _, m := range modules {
		built := krel
		if f, err := ko.New(m.File, bytes.NewReader(m.Data), int64(len(m.Data))); err == nil && krel != "" {
			v, _ := f.Info.Vermagic()
			built = v.Release
			f.Close()
		}
		if built != krel {
			skipped = append(skipped, fmt.Sprintf("%s: built for %q", filepath.ToSlash(m.File), built))
			continue
		}
		list = append(list, m)
	}
	return list, skipped
}
