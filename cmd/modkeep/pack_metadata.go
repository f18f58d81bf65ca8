package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"modkeep/kmp"
	"modkeep/kmp/pack"
)

// packMetadataOptions are the flags of pack metadata.
type packMetadataOptions struct {
	packFlags
	depends []string
}

func newPackMetadataCommand() *cobra.Command {
	opts := &packMetadataOptions{}
	cmd := &cobra.Command{
		Use:   "metadata --name NAME --version V PACKAGE…",
		Short: "Make packages that require the packages of modules",
		Long: `Metadata makes two packages without files: NAME-kernel-only, which requires just
the given packages of modules, and NAME-all, which requires that and what
--depends names. Installing or updating the first takes the modules along and
nothing else. Of a package that is installed already "dnf install" takes a newer
one where best=True, as Red Hat sets it, or with --best; "dnf upgrade" does always.

In the forms with packages for each kernel (kernel, deb) there is such a pair for
each kernel, NAME-kernel-only-KREL; in the form kernel also one without a kernel,
which requires the modules of each kernel that is installed.` + exitStatus(
			"the packages were written; their files are printed", "", "a package or the key could not be read, or a package not be written: nothing is left behind"),
		Example: `  modkeep pack metadata --name mlnx-en --version 23.10 --depends mlnx-tools kmod-mlnx-en-23.10-1.x86_64.rpm`,
		RunE:    func(cmd *cobra.Command, args []string) error { return runPackMetadata(cmd, opts, args) },
	}
	opts.packFlags.addFlags(cmd)
	cmd.Flags().StringVar(&opts.product.Name, "name", "", "the packages are of product `NAME`")
	cmd.Flags().StringArrayVar(&opts.depends, "depends", nil, "let NAME-all depend on `NAME`, or 'NAME OP VERSION', too; may be repeated")
	return cmd
}

func runPackMetadata(cmd *cobra.Command, opts *packMetadataOptions, args []string) error {
	switch {
	case len(args) == 0:
		return usageErrorf(cmd, "no packages given")
	case opts.product.Name == "" || opts.product.Version == "":
		return usageErrorf(cmd, "--name and --version are needed")
	}
	if err := opts.decide(cmd); err != nil {
		return err
	}
	for _, text := range opts.depends {
		d, err := dependencyOf(text)
		if err != nil {
			return usageErrorf(cmd, "--depends %w", err)
		}
		opts.product.Depends = append(opts.product.Depends, d)
	}
	var parts []pack.Part
	for _, name := range args {
		p, err := kmp.OpenEach(name, func(*kmp.Module) error { return nil })
		if err != nil {
			return fmt.Errorf("cannot read the packages: %w", err)
		}
		if p.Format != opts.product.Form.Format() {
			return usageErrorf(cmd, "%s is no .%s, which the form %s wants", name, opts.product.Form.Format(), opts.product.Form)
		}
		part, err := pack.PartOf(p)
		if err != nil {
			return fmt.Errorf("cannot tell the kernel: %w", err)
		}
		parts = append(parts, part)
	}
	built, err := pack.Metadata(opts.product, parts)
	if err != nil {
		return fmt.Errorf("cannot make the packages: %w", err)
	}
	return opts.finish(cmd, built, nil)
}
