package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"modkeep/node"
	"modkeep/weakupdates"
)

// linkOptions are the flags of modkeep link and unlink.
type linkOptions struct {
	nodeFlags
	dry         bool
	noInitramfs bool
}

func newLinkCommand() *cobra.Command {
	var opts linkOptions
	cmd := &cobra.Command{
		Use:   "link [MODULE…]",
		Short: "Link modules into the kernels that can load them",
		Long: `Gives each kernel below the root the links to other kernels' modules that it
should have: for each third-party module that a kernel has not itself, the
newest build that it would load, with its providers. Links that lead nowhere,
or to what would not load, go. Then depmod and, where a changed module is in
it, the generator of the initramfs are run once for each changed kernel.

Modules are named, or given as files below lib/modules; those that depend on
each other are looked at together. Without any, all are.

All of it is one transaction: it is done, or nothing is. modkeep undo takes it
back.` + exitStatus("done, or nothing to do", "a module that the policy requires is left without, on some kernel", "could not tell, or could not do it; nothing is changed"),
		Example: `  modkeep link --dry-run
  modkeep link --kernel 6.1.0-56-amd64 vpoll
  modkeep link --root /mnt/sysroot --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return opts.run(cmd, weakupdates.Relink, args)
		},
	}
	opts.addFlags(cmd)
	return cmd
}

func newUnlinkCommand() *cobra.Command {
	var opts linkOptions
	cmd := &cobra.Command{
		Use:   "unlink [MODULE…]",
		Short: "Remove links to other kernels' modules",
		Long: `Removes the weak-updates links of modules, and of what needs them, from all
kernels or one; without a module all links of the kernel that --kernel names.
To keep them from being made again, say link: never in the
policy.` + exitStatus("done, or nothing to do", "a module that the policy requires is left without, on some kernel", "could not tell, or could not do it; nothing is changed"),
		Example: `  modkeep unlink vpoll
  modkeep unlink --kernel 6.1.0-55-amd64`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && opts.kernel == "" {
				return usageErrorf(cmd, "no module named, and no --kernel to take all links from")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return opts.run(cmd, weakupdates.Unlink, args)
		},
	}
	opts.addFlags(cmd)
	return cmd
}

func (o *linkOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	o.nodeFlags.addFlags(flags)
	flags.BoolVar(&o.dry, "dry-run", false, "print what would be done, change nothing")
	flags.BoolVar(&o.noInitramfs, "no-initramfs", false, "leave initramfs images as they are")
}

func (o *linkOptions) run(cmd *cobra.Command, verb weakupdates.Verb, modules []string) error {
	n, err := o.open(cmd)
	if err != nil {
		return err
	}
	req := node.Request{
		Request:     weakupdates.Request{Verb: verb, Kernels: o.kernels(), Modules: modules},
		Name:        strings.Join(append([]string{cmd.Name()}, modules...), " "),
		NoInitramfs: o.noInitramfs,
	}
	if len(modules) == 0 {
		req.Modules = nil
	}
	return carryOut(cmd, n, o.json, o.dry,
		func() (*node.Plan, error) { return n.Plan(req) },
		func(ctx context.Context) (*node.Result, error) { return n.Apply(ctx, req) })
}
