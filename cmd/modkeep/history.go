package main

import (
	"bufio"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"modkeep/txn"
)

// historyReport is what modkeep history answers, newest first.
type historyReport struct {
	Transactions []txn.Record `json:"transactions"`
	Interrupted  bool         `json:"interrupted"` // one that is not listed waits for recovery
}

func newHistoryCommand() *cobra.Command {
	var opts target
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List the changes that were made, newest first",
		Long: `History lists the transactions below the root, newest first: number, time, what
was asked for, how many steps it took, and which of them took another one back.
The last 50 are kept. With --kernel those that changed something of that kernel.` + exitStatus(
			"the list is whole, though it may be empty",
			"",
			"some of it, or all, could not be read"),
		Example: `  modkeep history
  modkeep history --root /mnt/sysroot --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := openStore(cmd, opts.root)
			if err != nil {
				return err
			}
			records, damaged := store.History()
			report := historyReport{Transactions: concerning(records, opts.kernel)}
			if report.Interrupted, err = store.Pending(); err != nil {
				return fmt.Errorf("cannot read the journal: %w", err)
			}
			if err := printHistory(cmd, report, asJSON); err != nil {
				return err
			}
			if damaged != nil {
				return journalHint(fmt.Errorf("cannot read all of the history: %w", damaged))
			}
			return nil
		},
	}
	opts.addFlags(cmd.Flags())
	addJSONFlag(cmd.Flags(), &asJSON)
	return cmd
}

// openStore opens the journal of a root that has to be there.
func openStore(cmd *cobra.Command, root string) (*txn.Store, error) {
	errOut := cmd.ErrOrStderr()
	store, err := txn.Open(root, txn.Options{
		Now:     time.Now,
		Run:     commandRunner(errOut),
		Waiting: func(holder string) { fmt.Fprintf(errOut, "modkeep: waiting for %s to finish\n", holder) },
	})
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", root, err)
	}
	return store, nil
}

// concerning returns the transactions with a step on a path of kernel krel, or
// all where it is "".
func concerning(records []txn.Record, krel string) []txn.Record {
	kept := []txn.Record{}
	for _, r := range records {
		if krel == "" || slices.ContainsFunc(r.Steps, func(s txn.Step) bool { return ofKernel(s.Path, krel) }) {
			kept = append(kept, r)
		}
	}
	return kept
}

// ofKernel says whether a path is named after a kernel: below its directory,
// or an image with its name.
func ofKernel(name, krel string) bool {
	return slices.Contains(strings.Split(name, "/"), krel) || strings.Contains(path.Base(name), "-"+krel)
}

func printHistory(cmd *cobra.Command, report historyReport, asJSON bool) error {
	if asJSON {
		return writeJSON(cmd.OutOrStdout(), report)
	}
	w := bufio.NewWriter(cmd.OutOrStdout())
	for _, r := range report.Transactions {
		state := ""
		if r.UndoneBy != 0 {
			state = fmt.Sprintf(", taken back by %d", r.UndoneBy)
		}
		steps := fmt.Sprintf("%d steps", len(r.Steps))
		if len(r.Steps) == 1 {
			steps = "1 step"
		}
		fmt.Fprintf(w, "%4d  %s  %s  (%s%s)\n", r.Number, r.Time.Local().Format(time.DateTime), r.Name, steps, state)
	}
	if report.Interrupted {
		fmt.Fprintln(cmd.ErrOrStderr(), interruptedNote)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write the answer: %w", err)
	}
	return nil
}

// interruptedNote is what verbs that change nothing say of a transaction that
// stopped in the middle.
const interruptedNote = "modkeep: a transaction was interrupted; it is taken back, or finished, before anything else is done"
