package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"modkeep/kernel"
)

func newGateCommand() *cobra.Command {
	var opts nodeFlags
	cmd := &cobra.Command{
		Use:   "gate --kernel KREL",
		Short: "Say whether a kernel may be booted",
		Long: `Says whether every module that the policy requires (required: true in
/etc/modkeep/policy.yaml) would load from a kernel as it is installed now.
Hooks of package managers and boot loaders ask it; what they make of the
answer is the policy's gate: warn, strict or off. Without --kernel it speaks of
the kernel that will boot next.` + exitStatus("boot it", "do not boot it yet: a required module would be missing", "cannot tell"),
		Example: `  modkeep gate --kernel 6.1.0-56-amd64 && reboot`,
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runGate(cmd, &opts) },
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

func runGate(cmd *cobra.Command, opts *nodeFlags) error {
	n, err := opts.open(cmd)
	if err != nil {
		return err
	}
	if err := settle(cmd, n); err != nil {
		return err
	}
	krel := opts.kernel
	if krel == "" {
		if krel, _ = kernel.Next(opts.root); krel == "" {
			return usageErrorf(cmd, "no --kernel, and the root does not tell which boots next")
		}
	}
	g, err := n.Gate(krel)
	if err != nil {
		return fmt.Errorf("cannot judge %w", err)
	}
	if opts.json {
		if err := writeJSON(cmd.OutOrStdout(), g); err != nil {
			return err
		}
	} else {
		for _, s := range g.Missing {
			fmt.Fprintf(cmd.OutOrStdout(), "%s: required module %s: %s: %s\n", krel, s.Name, s.State, s.Reason)
			if s.Next != "" {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: next: %s\n", krel, s.Next)
			}
		}
		printNotes(cmd.ErrOrStderr(), g.Unknown)
		if g.Boot {
			fmt.Fprintf(cmd.OutOrStdout(), "%s: every required module loads\n", krel)
		}
	}
	switch {
	case len(g.Unknown) > 0:
		return silent(statusUnknown)
	case !g.Boot:
		return silent(statusNo)
	}
	return nil
}
