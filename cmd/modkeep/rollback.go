package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"modkeep/node"
	"modkeep/txn"
)

// rollbackOptions are the flags of modkeep rollback.
type rollbackOptions struct {
	root string
	list bool
	dry  bool
	json bool
	// reload and inUse are as of an installation.
	reload, inUse bool
}

// rollbackReport is what modkeep rollback answers.
type rollbackReport struct {
	*planReport
	Undone       []int `json:"undone"`       // installations taken back, newest first
	Transactions []int `json:"transactions"` // that did it, in the same order
	// Reload is what became of the loaded ones, with --reload.
	Reload []node.ModuleReport `json:"reload,omitempty"`
}

func newRollbackCommand() *cobra.Command {
	var opts rollbackOptions
	cmd := &cobra.Command{
		Use:   "rollback [N]",
		Short: "Go back to the modules before an installation",
		Long: `Rollback takes the last install, upgrade or replace that is in effect back; with
a number from 'modkeep rollback --list' all from that one on, the newest first,
so that the modules are again those before it. The files before it, and the
kernel's own modules, are selected again, with depmod's index files as they were
or made anew. Each is a transaction of its own; where one cannot be taken back,
those that were are put in effect again. The last 50 transactions are kept.

With --reload the modules that are loaded are loaded again from the files of
before, as by modkeep reload.` + exitStatus(
			"done, or the list is printed",
			"refused: the tree was changed since; nothing is changed",
			"no such installation, or it could not be done; nothing is changed, unless it says what is"),
		Example: `  modkeep rollback --list
  modkeep rollback --dry-run
  modkeep rollback 12 --root /mnt/sysroot`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 1:
				return usageErrorf(cmd, "unexpected argument %q", args[1])
			case len(args) > 0 && opts.list:
				return usageErrorf(cmd, "--list takes no number")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			number, err := transactionNumber(cmd, args)
			if err != nil {
				return err
			}
			return opts.run(cmd, number)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.root, "root", "/", "look below `DIR` for kernels and modules")
	flags.BoolVar(&opts.list, "list", false, "list the installations, newest first")
	flags.BoolVar(&opts.dry, "dry-run", false, "print what would be done, change nothing")
	flags.BoolVar(&opts.reload, "reload", false, "load those again that are loaded, and check them")
	flags.BoolVar(&opts.inUse, "reload-in-use", false, "the same, though they are in use")
	addJSONFlag(flags, &opts.json)
	return cmd
}

func (o *rollbackOptions) run(cmd *cobra.Command, number int) error {
	n, err := openNode(o.root, nodeOptions(cmd, o.root))
	if err != nil {
		return err
	}
	if o.list {
		return o.printList(cmd, n)
	}
	live := &reloader{n: n, inUse: o.inUse}
	if (o.reload || o.inUse) && !o.dry {
		if err := o.prepareReload(cmd, live, number); err != nil {
			return o.explain(cmd, err)
		}
		if live.refused() {
			return live.refuse(cmd, "roll back")
		}
	}
	r, err := o.carryOut(cmd, n, number)
	if err != nil {
		return o.explain(cmd, err)
	}
	if err := live.run(cmd); err != nil {
		return withHint(fmt.Errorf("cannot reload: %w", err), "the files of before are back all the same")
	}
	if err := o.print(cmd, r, live.reports); err != nil {
		return err
	}
	return reportsStatus(live.reports)
}

// prepareReload plans the reload of the modules that a rollback touches.
func (o *rollbackOptions) prepareReload(cmd *cobra.Command, live *reloader, number int) error {
	if err := settle(cmd, live.n); err != nil {
		return err
	}
	list, err := live.n.Since(number)
	if err != nil {
		return err
	}
	var names []string
	for _, rec := range list {
		for _, s := range rec.Steps {
			if krel, name, ok := node.ModuleOf(s.Path); ok {
				names = append(names, name+"\x00"+krel)
			}
		}
	}
	return live.prepare(cmd, names)
}

func (o *rollbackOptions) carryOut(cmd *cobra.Command, n *node.Node, number int) (*node.Rollback, error) {
	if !o.dry {
		r, err := n.Rollback(cmd.Context(), number)
		sayRecovery(cmd.ErrOrStderr(), r.Recovery)
		return r, err
	}
	pending, err := n.Pending()
	if err != nil {
		return nil, err
	}
	if pending {
		fmt.Fprintln(cmd.ErrOrStderr(), interruptedNote)
	}
	return n.PlanRollback(number)
}

func (o *rollbackOptions) explain(cmd *cobra.Command, err error) error {
	var refused *txn.RefusedError
	switch {
	case errors.Is(err, node.ErrRelink):
		return withHint(fmt.Errorf("rolled back, but %w", err), "modkeep link puts them right")
	case errors.Is(err, txn.ErrUnknown), errors.Is(err, node.ErrNothingInstalled):
		return withHint(fmt.Errorf("cannot roll back: %w", err), "run 'modkeep rollback --list' for the list")
	case !errors.As(err, &refused):
		return journalHint(fmt.Errorf("cannot roll back: %w", err))
	}
	for _, reason := range refused.Reasons {
		complain(cmd.ErrOrStderr(), fmt.Errorf("cannot roll %d back: %s", refused.Number, reason))
	}
	return silent(statusNo)
}

func (o *rollbackOptions) printList(cmd *cobra.Command, n *node.Node) error {
	records, damaged := n.Installations()
	report := historyReport{Transactions: append([]txn.Record{}, records...)}
	var err error
	if report.Interrupted, err = n.Pending(); err != nil {
		return fmt.Errorf("cannot read the journal: %w", err)
	}
	if err := printHistory(cmd, report, o.json); err != nil {
		return err
	}
	if damaged != nil {
		return journalHint(fmt.Errorf("cannot read all of the history: %w", damaged))
	}
	return nil
}

func (o *rollbackOptions) print(cmd *cobra.Command, r *node.Rollback, reloaded []node.ModuleReport) error {
	all := &node.Plan{}
	for _, p := range r.Plans {
		all.Steps = append(all.Steps, p.Steps...)
	}
	if o.json {
		report := rollbackReport{reportOf(all), numbers(r.Undone), numbers(r.Done), reloaded}
		return writeJSON(cmd.OutOrStdout(), report)
	}
	printPlan(cmd.OutOrStdout(), all)
	printRelinked(cmd, r.Relinked)
	if len(r.Undone) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "modkeep: nothing to do: that installation, and what was installed after it, is taken back already")
	}
	for i, rec := range r.Undone {
		switch {
		case i < len(r.Done):
			fmt.Fprintf(cmd.ErrOrStderr(), "modkeep: %d (%s) is taken back; modkeep undo %d puts it in effect again\n", rec.Number, rec.Name, r.Done[i].Number)
		case i > 0:
			fmt.Fprintf(cmd.OutOrStdout(), "%-9s %d (%s), after that\n", "undo", rec.Number, rec.Name)
		}
	}
	return printReports(cmd.OutOrStdout(), reloaded, false)
}

func numbers(records []txn.Record) []int {
	list := []int{}
	for _, r := range records {
		list = append(list, r.Number)
	}
	return list
}
