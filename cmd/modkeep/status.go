package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"modkeep/depmod"
	"modkeep/node"
)

// statusReport is what modkeep status answers.
type statusReport struct {
	Modules []node.State `json:"modules"`
	Notes   []string     `json:"notes"`
}

func newStatusCommand() *cobra.Command {
	var opts nodeFlags
	cmd := &cobra.Command{
		Use:   "status [MODULE…]",
		Short: "Say where each third-party module stands on each kernel",
		Long: `Says of each third-party module and each kernel below the root:

    own            the kernel has the module itself
    linked         a link to another kernel's build, which loads
    needs-rebuild  no build that is there would load
    blocked        a build would do, but something else keeps it away: a missing
                   provider, a signature, the policy, or it is just not linked yet
    dangling       a link to what is gone` + exitStatus("every module has what it needs, or is not required", "a module that the policy requires would not load, on some kernel", "could not tell"),
		Example: `  modkeep status
  modkeep status --kernel 6.1.0-56-amd64 --json`,
		RunE: func(cmd *cobra.Command, args []string) error { return runStatus(cmd, &opts, args) },
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

func runStatus(cmd *cobra.Command, opts *nodeFlags, names []string) error {
	n, err := opts.open(cmd)
	if err != nil {
		return err
	}
	if err := settle(cmd, n); err != nil {
		return err
	}
	states, notes, unreadable, err := n.Status(opts.kernels())
	if err != nil {
		return fmt.Errorf("cannot tell the status: %w", err)
	}
	states, err = onlyNamed(states, names)
	if err != nil {
		return err
	}
	if opts.json {
		if err := writeJSON(cmd.OutOrStdout(), statusReport{append([]node.State{}, states...), append([]string{}, notes...)}); err != nil {
			return err
		}
	} else {
		printStatus(cmd.OutOrStdout(), states)
		printNotes(cmd.ErrOrStderr(), notes)
	}
	if len(unreadable) > 0 {
		return silent(statusUnknown)
	}
	for _, s := range states {
		if s.Required && !s.Loads {
			return silent(statusNo)
		}
	}
	return nil
}

// onlyNamed keeps the states of the modules named; a name that there is nothing
// of is an error.
func onlyNamed(states []node.State, names []string) ([]node.State, error) {
	if len(names) == 0 {
		return states, nil
	}
	var list []node.State
	for _, name := range names {
		found := false
		for _, s := range states {
			if s.Name == depmod.ModuleName(name) {
				list = append(list, s)
				found = true
			}
		}
		if !found {
			return nil, fmt.Errorf("cannot tell the status of %s: no third-party module of that name", name)
		}
	}
	return list, nil
}

func printStatus(out io.Writer, states []node.State) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	kernel := ""
	for _, s := range states {
		if s.Kernel != kernel {
			kernel = s.Kernel
			fmt.Fprintf(w, "%s\n", kernel)
		}
		mark := ""
		if s.Required {
			mark = " (required)"
		}
		detail := s.File
		if s.Target != "" {
			detail = s.Target
		}
		if s.Reason != "" && detail != "" {
			detail += ": " + s.Reason
		} else if s.Reason != "" {
			detail = s.Reason
		}
		if s.Since != "" {
			detail += ", since " + s.Since
		}
		fmt.Fprintf(w, "  %s\t%s%s\t%s\n", s.Name, s.State, mark, detail)
		if s.Next != "" && !s.Loads {
			fmt.Fprintf(w, "  \t\tnext: %s\n", s.Next)
		}
	}
	w.Flush()
}
