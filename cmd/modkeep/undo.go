package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"modkeep/node"
	"modkeep/txn"
)

// undoOptions are the flags of modkeep undo.
type undoOptions struct {
	target
	dry  bool
	json bool
}

func newUndoCommand() *cobra.Command {
	var opts undoOptions
	cmd := &cobra.Command{
		Use:   "undo [N]",
		Short: "Take a change back",
		Long: `Undo takes transaction N of 'modkeep history' back, or without N the last one
that is in effect and no undo itself. Links and files become what they were;
depmod's index files too if nobody has written them since, and are made anew
otherwise; initramfs images are made anew. The undo is a transaction of its
own: it is done or nothing is, and 'modkeep undo' with its number takes it back.

It is refused where a path was changed since, and where the module that a link
would lead to is gone.` + exitStatus(
			"it is taken back",
			"refused: the tree was changed since, or a link's donor is gone; nothing is changed",
			"no such transaction, or it could not be done; nothing is changed"),
		Example: `  modkeep undo --dry-run
  modkeep undo 12 --root /mnt/sysroot`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageErrorf(cmd, "unexpected argument %q", args[1])
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
	opts.addFlags(cmd.Flags())
	cmd.Flags().BoolVar(&opts.dry, "dry-run", false, "print what would be done, change nothing")
	addJSONFlag(cmd.Flags(), &opts.json)
	return cmd
}

// transactionNumber is the number in a command's arguments, 0 where there is none.
func transactionNumber(cmd *cobra.Command, args []string) (int, error) {
	if len(args) == 0 {
		return 0, nil
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 {
		return 0, usageErrorf(cmd, "%q: not the number of a transaction", args[0])
	}
	return n, nil
}

// run takes a transaction back, the last one where number is 0.
func (o *undoOptions) run(cmd *cobra.Command, number int) error {
	store, err := openStore(cmd, o.root)
	if err != nil {
		return err
	}
	if o.dry {
		pending, err := store.Pending()
		if err != nil {
			return fmt.Errorf("cannot read the journal: %w", err)
		}
		if pending {
			fmt.Fprintln(cmd.ErrOrStderr(), interruptedNote)
		}
	} else {
		release, err := lockAndRecover(cmd, store)
		if err != nil {
			return journalHint(fmt.Errorf("cannot undo: %w", err))
		}
		defer release()
	}
	plan, err := o.plan(store, number)
	if err != nil {
		return o.refuse(cmd, err)
	}
	var record txn.Record
	if !o.dry {
		if record, err = store.Run(cmd.Context(), plan); err != nil {
			return fmt.Errorf("cannot undo %d: %w", plan.Undoes, err)
		}
	}
	shown := &node.Plan{Steps: plan.Steps}
	if o.json {
		report := reportOf(shown)
		report.Transaction = record.Number
		return writeJSON(cmd.OutOrStdout(), report)
	}
	printPlan(cmd.OutOrStdout(), shown)
	return nil
}

// lockAndRecover waits for the lock of a root, and clears up after a
// transaction that was interrupted.
func lockAndRecover(cmd *cobra.Command, store *txn.Store) (release func(), err error) {
	if release, err = store.Lock(cmd.Context()); err != nil {
		return nil, err
	}
	recovery, err := store.Recover(cmd.Context())
	sayRecovery(cmd.ErrOrStderr(), recovery)
	if err != nil {
		release()
		return nil, fmt.Errorf("recover what was interrupted: %w", err)
	}
	return release, nil
}

// journalHint adds to the error of a journal that cannot be read what is to be
// done: nothing is changed on its word, and nothing else is before it is gone.
func journalHint(err error) error {
	var damaged *txn.DamagedError
	if errors.As(err, &damaged) {
		return withHint(err, "look at the tree with 'modkeep fsck', then move %s away", damaged.File)
	}
	return err
}

// plan returns the plan that takes a transaction back.
func (o *undoOptions) plan(store *txn.Store, number int) (txn.Plan, error) {
	if number == 0 {
		records, err := store.History()
		if err != nil {
			return txn.Plan{}, err
		}
		for _, r := range concerning(records, o.kernel) {
			if r.UndoneBy == 0 && r.Undoes == 0 {
				number = r.Number
				break
			}
		}
		if number == 0 {
			return txn.Plan{}, errors.New("nothing in the history is to be taken back")
		}
	}
	return store.UndoPlan(number)
}

// refuse says why there is no plan.
func (o *undoOptions) refuse(cmd *cobra.Command, err error) error {
	var refused *txn.RefusedError
	switch {
	case errors.Is(err, txn.ErrUnknown):
		return withHint(fmt.Errorf("cannot undo: %w", err), "run 'modkeep history' for the list")
	case !errors.As(err, &refused):
		return journalHint(fmt.Errorf("cannot undo: %w", err))
	}
	for _, reason := range refused.Reasons {
		complain(cmd.ErrOrStderr(), fmt.Errorf("cannot undo %d: %s", refused.Number, reason))
	}
	if o.json {
		report := reportOf(&node.Plan{})
		report.Notes = append(report.Notes, refused.Reasons...)
		if err := writeJSON(cmd.OutOrStdout(), report); err != nil {
			return err
		}
	}
	return silent(statusNo)
}
