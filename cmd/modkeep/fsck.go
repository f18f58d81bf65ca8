package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"modkeep/node"
)

// fsckReport is what modkeep fsck answers.
type fsckReport struct {
	Faults []node.Fault `json:"faults"`
	Notes  []string     `json:"notes"`
}

func newFsckCommand() *cobra.Command {
	var opts nodeFlags
	var repair, dry bool
	cmd := &cobra.Command{
		Use:   "fsck",
		Short: "Look for links, overrides and index files that are not right",
		Long: `Looks at what is in weak-updates: links that lead nowhere or out of the root,
links to what the kernel would not load, two links of one module, links that
depmod passes over, overrides without a link, index files that are missing or
do not list the links.` + exitStatus("nothing is wrong, or all is repaired", "something is wrong", "could not tell, or could not repair it; nothing is changed"),
		Example: `  modkeep fsck
  modkeep fsck --repair --dry-run`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := opts.open(cmd)
			if err != nil {
				return err
			}
			if repair {
				return carryOut(cmd, n, opts.json, dry,
					func() (*node.Plan, error) { return n.Repair(opts.kernels()) },
					func(ctx context.Context) (*node.Result, error) { return n.ApplyRepair(ctx, opts.kernels()) })
			}
			return runFsck(cmd, n, &opts)
		},
	}
	opts.addFlags(cmd.Flags())
	cmd.Flags().BoolVar(&repair, "repair", false, "put it right, as one transaction")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "with --repair: print what would be done, change nothing")
	return cmd
}

func runFsck(cmd *cobra.Command, n *node.Node, opts *nodeFlags) error {
	faults, notes, err := n.Fsck(opts.kernels())
	if err != nil {
		return fmt.Errorf("cannot check %s: %w", opts.root, err)
	}
	if opts.json {
		if err := writeJSON(cmd.OutOrStdout(), fsckReport{append([]node.Fault{}, faults...), append([]string{}, notes...)}); err != nil {
			return err
		}
	} else {
		for _, f := range faults {
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s: %s: %s\n", f.Kernel, f.Kind, f.Path, f.Text)
		}
		printNotes(cmd.ErrOrStderr(), notes)
	}
	if len(faults) > 0 {
		return silent(statusNo)
	}
	return nil
}
