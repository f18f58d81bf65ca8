package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"modkeep/depmod"
	"modkeep/node/hooks"
	"modkeep/txn"
)

func newHooksCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "hooks",
		Short: "Make a system call modkeep where kernels and modules come and go",
		Long: `Hooks puts modkeep where a system's own tools come by: package managers, the
scriptlets of kernel and module packages, kernel-install, depmod and systemd.
Kernels that come get the links they should have; one that a required module
would not follow is warned about or refused, as the policy's gate says.` + exitStatus(
			"done", "", "could not be done"),
		Example: `  modkeep hooks list
  modkeep hooks install --root /mnt/sysroot --dry-run
  modkeep hooks remove`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf(cmd, "no action: install, remove, list or run")
			}
			return usageErrorf(cmd, "unknown action %q", args[0])
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	cmd.AddCommand(newHooksInstallCommand(), newHooksRemoveCommand(), newHooksListCommand(), newHooksRunCommand())
	return cmd
}

// hooksOptions are the flags of modkeep hooks install, remove and list.
type hooksOptions struct {
	root    string
	family  string
	program string
	dryRun  bool
	json    bool
}

func (o *hooksOptions) addFlags(cmd *cobra.Command, detects, changes bool) {
	flags := cmd.Flags()
	flags.StringVar(&o.root, "root", "/", "the system below `DIR`")
	addJSONFlag(flags, &o.json)
	if detects {
		flags.StringVar(&o.family, "family", "", "take the system for one of `FAMILY`: rhel, suse, debian, other")
		flags.StringVar(&o.program, "program", "", "modkeep's `PATH` inside the root (default: where it is found)")
	}
	if changes {
		flags.BoolVar(&o.dryRun, "dry-run", false, "say what would be done and change nothing")
	}
}

// detect looks at the system that the hooks are for.
func (o *hooksOptions) detect(cmd *cobra.Command) (*hooks.System, error) {
	families := []hooks.Family{hooks.RHEL, hooks.SUSE, hooks.Debian, hooks.Other}
	if o.family != "" && !slices.Contains(families, hooks.Family(o.family)) {
		return nil, usageErrorf(cmd, "--family %q: not one of rhel, suse, debian, other", o.family)
	}
	system, err := hooks.Detect(o.root, hooks.Options{Family: hooks.Family(o.family), Program: o.program})
	if err != nil {
		return nil, fmt.Errorf("cannot find out what the hooks are for: %w", err)
	}
	return system, nil
}

func newHooksInstallCommand() *cobra.Command {
	var opts hooksOptions
	cmd := &cobra.Command{
		Use:   "install [NAME…]",
		Short: "Install the hooks that the system has a use for",
		Long: `Install puts the hooks into the system below the root: all that it has a use
for, by its os-release and what is there, or those named; see 'modkeep hooks
list'. They come as one transaction. Files that are not modkeep's are left, and
so are hooks that were edited; both are said. A weak-modules of the
distribution's is set aside and comes back on removal.` + exitStatus(
			"the hooks are there", "", "could not be done: nothing was changed"),
		Example: `  modkeep hooks install
  modkeep hooks install --root /mnt/sysroot --dry-run
  modkeep hooks install kernel-install systemd`,
		ValidArgs: hooks.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			system, err := opts.detect(cmd)
			if err != nil {
				return err
			}
			change := func() (txn.Plan, []hooks.Note, error) { return system.Install(args...) }
			if err := opts.change(cmd, change); err != nil {
				return err
			}
			if !system.Found {
				fmt.Fprintf(cmd.ErrOrStderr(), "modkeep: there is no %s below %s yet: until it is there the hooks do nothing\n", system.Program, opts.root)
			}
			return nil
		},
	}
	opts.addFlags(cmd, true, true)
	return cmd
}

func newHooksRemoveCommand() *cobra.Command {
	var opts hooksOptions
	var purge bool
	cmd := &cobra.Command{
		Use:   "remove [NAME…]",
		Short: "Remove the hooks, leaving no trace",
		Long: `Remove takes the hooks away, all or those named: the files, the directories
that were made for them, and what the package manager was told; what was set
aside comes back. Hooks that were edited are left, and said. With the last hook
goes modkeep's state directory, if nothing but hooks was ever changed there, or
with --purge. Links that were made for kernels stay: see 'modkeep unlink'.` + exitStatus(
			"the hooks are gone", "", "could not be done: nothing was changed"),
		Example: `  modkeep hooks remove
  modkeep hooks remove --root /mnt/sysroot --dry-run`,
		ValidArgs: hooks.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			change := func() (txn.Plan, []hooks.Note, error) { return hooks.Remove(opts.root, args...) }
			before, err := hooks.ReadManifest(opts.root)
			if err != nil {
				return fmt.Errorf("cannot remove the hooks: %w", err)
			}
			if err := opts.change(cmd, change); err != nil || opts.dryRun {
				return err
			}
			after, err := hooks.ReadManifest(opts.root)
			if err != nil || len(after.Entries) > 0 || len(before.Entries) == 0 && !purge {
				return err
			}
			if _, err := depmod.Resolve(opts.root, hooks.StatePath); err != nil {
				return nil // there is none
			}
			return forget(cmd, opts.root, before.StateDirs, purge)
		},
	}
	opts.addFlags(cmd, false, true)
	cmd.Flags().BoolVar(&purge, "purge", false, "remove the history of all changes too")
	return cmd
}

// hooksReport is what modkeep hooks install and remove answer.
type hooksReport struct {
	Steps []txn.Step   `json:"steps"`
	Notes []hooks.Note `json:"notes"`
}

// change makes a plan and, but for --dry-run, does it. What is reported is the
// same for both.
func (o *hooksOptions) change(cmd *cobra.Command, makePlan func() (txn.Plan, []hooks.Note, error)) error {
	plan, notes, err := makePlan()
	if err == nil && len(plan.Steps) > 0 && !o.dryRun {
		// Under the lock it is made anew: somebody else may have been at it.
		var release func()
		var store *txn.Store
		if store, release, err = lockStore(cmd.Context(), cmd.ErrOrStderr(), o.root); err != nil {
			return err
		}
		defer release()
		if plan, notes, err = makePlan(); err == nil && len(plan.Steps) > 0 {
			_, err = store.Run(cmd.Context(), plan)
		}
	}
	if err != nil {
		err = fmt.Errorf("cannot %s the hooks below %s: %w", cmd.Name(), o.root, err)
		if errors.Is(err, hooks.ErrName) {
			err = withHint(err, "there are: %s", strings.Join(hooks.Names(), " "))
		}
		return err
	}
	return o.print(cmd, hooksReport{append([]txn.Step{}, plan.Steps...), append([]hooks.Note{}, notes...)})
}

// lockStore opens the store of a root, waits for its lock and clears up after
// an interrupted transaction.
func lockStore(ctx context.Context, errOut io.Writer, root string) (*txn.Store, func(), error) {
	store, err := txn.Open(root, txn.Options{Now: time.Now, Waiting: func(holder string) {
		fmt.Fprintf(errOut, "modkeep: waiting for %s to finish\n", holder)
	}})
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open the state below %s: %w", root, err)
	}
	release, err := store.Lock(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot lock %s: %w", root, err)
	}
	recovery, err := store.Recover(ctx)
	if err != nil {
		release()
		return nil, nil, fmt.Errorf("cannot recover an interrupted change below %s: %w", root, err)
	}
	sayRecovery(errOut, recovery)
	return store, release, nil
}

func (o *hooksOptions) print(cmd *cobra.Command, report hooksReport) error {
	if o.json {
		return writeJSON(cmd.OutOrStdout(), report)
	}
	w := bufio.NewWriter(cmd.OutOrStdout())
	for _, s := range report.Steps {
		line := s.String()
		if s.Reason != "" {
			line += " (" + s.Reason + ")"
		}
		fmt.Fprintln(w, line)
	}
	for _, n := range report.Notes {
		fmt.Fprintf(w, "%s\n", n)
	}
	if len(report.Steps)+len(report.Notes) == 0 {
		fmt.Fprintln(w, "nothing to do")
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write the answer: %w", err)
	}
	return nil
}

// forget removes the state directory, with the directories that came with it,
// where its history tells of nothing but hooks; with purge in any case.
func forget(cmd *cobra.Command, root string, dirs []string, purge bool) error {
	store, release, err := lockStore(cmd.Context(), cmd.ErrOrStderr(), root)
	if err != nil {
		return err
	}
	defer release()
	history, err := store.History()
	if err != nil {
		return fmt.Errorf("cannot read the history below %s: %w", root, err)
	}
	others := slices.DeleteFunc(history, func(r txn.Record) bool { return strings.Contains(r.Name, "hooks ") })
	if len(others) > 0 && !purge {
		fmt.Fprintf(cmd.ErrOrStderr(), "modkeep: %s keeps the history of %d other changes; 'modkeep hooks remove --purge' removes it\n", hooks.StatePath, len(others))
		return nil
	}
	forgetStamp(root)
	return hooks.RemoveState(root, dirs)
}

func newHooksListCommand() *cobra.Command {
	var opts hooksOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the hooks and which of them are installed",
		Long: `List says of every hook whether it is installed below the root, edited since,
or of no use there and why.` + exitStatus(
			"listed", "", "the system could not be looked at"),
		Example: `  modkeep hooks list
  modkeep hooks list --root /mnt/sysroot --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			system, err := opts.detect(cmd)
			if err != nil {
				return err
			}
			list, err := system.List()
			if err != nil {
				return fmt.Errorf("cannot list the hooks below %s: %w", opts.root, err)
			}
			if opts.json {
				return writeJSON(cmd.OutOrStdout(), struct {
					Family hooks.Family   `json:"family"`
					Hooks  []hooks.Status `json:"hooks"`
				}{system.Family, list})
			}
			return printHooks(cmd.OutOrStdout(), list)
		},
	}
	opts.addFlags(cmd, true, false)
	return cmd
}

func printHooks(out io.Writer, list []hooks.Status) error {
	w := bufio.NewWriter(out)
	for _, h := range list {
		text := h.Path
		switch {
		case h.Reason != "" && text != "":
			text += " (" + h.Reason + ")"
		case h.Reason != "":
			text = h.Reason
		}
		fmt.Fprintf(w, "%-16s  %-19s  %s\n", h.Name, h.State, text)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write the answer: %w", err)
	}
	return nil
}
