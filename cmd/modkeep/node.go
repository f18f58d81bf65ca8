package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"modkeep/loader"
	"modkeep/node"
	"modkeep/txn"
	"modkeep/weakupdates"
)

// nodeFlags are the flags of the verbs that look after a root's links.
type nodeFlags struct {
	target
	layout string
	json   bool
}

func (f *nodeFlags) addFlags(flags *pflag.FlagSet) {
	f.target.addFlags(flags)
	flags.StringVar(&f.layout, "layout", "", "where links stand: `LAYOUT` is rhel (weak-updates/foo/foo.ko), suse (weak-updates/extra/foo/foo.ko) or other; detected by default")
	addJSONFlag(flags, &f.json)
}

// open opens the root.
func (f *nodeFlags) open(cmd *cobra.Command) (*node.Node, error) {
	switch weakupdates.Layout(f.layout) {
	case "", "auto", weakupdates.RHEL, weakupdates.SUSE, weakupdates.Other:
	default:
		return nil, usageErrorf(cmd, "layout %q is none of rhel, suse, other", f.layout)
	}
	o := nodeOptions(cmd, f.root)
	if f.layout != "auto" {
		o.Layout = weakupdates.Layout(f.layout)
	}
	return openNode(f.root, o)
}

// openNode opens a root that has to be there.
func openNode(root string, o node.Options) (*node.Node, error) {
	if info, err := os.Stat(root); err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", root, err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("cannot open %s: not a directory", root)
	}
	n, err := node.Open(root, o)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", root, err)
	}
	return n, nil
}

// nodeOptions are what a node needs of this machine.
func nodeOptions(cmd *cobra.Command, root string) node.Options {
	errOut := cmd.ErrOrStderr()
	return node.Options{
		Now:     time.Now,
		Run:     commandRunner(errOut),
		Waiting: func(holder string) { fmt.Fprintf(errOut, "modkeep: waiting for %s to finish\n", holder) },
		Package: packageOwner(root),
	}
}

// commandRunner runs the programs of a transaction. What they say goes to
// errOut where they fail, and is in the error's last line.
func commandRunner(errOut io.Writer) func(context.Context, txn.Step, []string) error {
	return func(ctx context.Context, _ txn.Step, argv []string) error {
		c := exec.CommandContext(ctx, argv[0], argv[1:]...)
		c.Env = append(os.Environ(), "LC_ALL=C")
		out, err := c.CombinedOutput()
		if err != nil {
			errOut.Write(out)
			return fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
		}
		return nil
	}
}

// settle brings an interrupted transaction to an end before a root is judged:
// what lies between two states says nothing of either. Where that cannot be
// done, without the right to write, it is said and the root judged as it is.
func settle(cmd *cobra.Command, n *node.Node) error {
	pending, err := n.Pending()
	if err != nil {
		return journalHint(fmt.Errorf("cannot read the journal: %w", err))
	}
	if !pending {
		return nil
	}
	release, err := lockAndRecover(cmd, n.Store())
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		fmt.Fprintln(cmd.ErrOrStderr(), interruptedNote)
		return nil
	case err != nil:
		return journalHint(fmt.Errorf("cannot judge the root: %w", err))
	}
	release()
	return nil
}

// kernels returns the kernel that --kernel names, nil for all.
func (f *nodeFlags) kernels() []string {
	if f.kernel == "" {
		return nil
	}
	return []string{f.kernel}
}

// stepReport is one step of a plan in JSON.
type stepReport struct {
	Op     txn.Op `json:"op"`
	Path   string `json:"path"`
	Target string `json:"target,omitempty"`
	Reason string `json:"reason"`
}

// planReport is what link, unlink, fsck --repair and undo answer.
type planReport struct {
	Steps       []stepReport      `json:"steps"`
	Refused     []*loader.Verdict `json:"refused"`
	Forced      []*loader.Verdict `json:"forced"`  // linked because the policy says so; they would not load
	Without     []node.State      `json:"without"` // required modules that a kernel is left without
	Notes       []string          `json:"notes"`
	Transaction int               `json:"transaction,omitempty"` // its number in the history; none for a dry run, and where nothing had to be done
}

func reportOf(p *node.Plan) *planReport {
	r := &planReport{Steps: []stepReport{}, Refused: []*loader.Verdict{}, Forced: []*loader.Verdict{}, Without: []node.State{}, Notes: []string{}}
	for _, s := range p.Steps {
		r.Steps = append(r.Steps, stepReport{s.Op, s.Path, s.Target, s.Reason})
	}
	if p.Plan != nil {
		for _, o := range p.Refused() {
			if o.Verdict != nil {
				r.Refused = append(r.Refused, o.Verdict.Finished())
			}
		}
		for _, o := range p.Forced() {
			if o.Verdict != nil {
				r.Forced = append(r.Forced, o.Verdict.Finished())
			}
		}
		r.Notes = append(r.Notes, p.Notes...)
	}
	r.Without = append(r.Without, p.Without...)
	return r
}

// printPlan writes a plan and what it refuses: the same lines for a dry run and
// a real one.
func printPlan(out io.Writer, p *node.Plan) {
	for _, s := range p.Steps {
		line := fmt.Sprintf("%-9s %s", s.Op, s.Path)
		if s.Target != "" && s.Op == txn.Link {
			line += " -> " + s.Target
		}
		if s.Reason != "" {
			line += "  (" + s.Reason + ")"
		}
		fmt.Fprintln(out, line)
	}
	if p.Plan == nil {
		return
	}
	for _, o := range p.Refused() {
		fmt.Fprintf(out, "%-9s %s on %s: %s\n", "refused", o.Name, o.Kernel, o.Reason)
	}
	for _, o := range p.Forced() {
		fmt.Fprintf(out, "%-9s %s on %s, which would not load it: %s\n", "forced", o.Name, o.Kernel, weakupdates.Reason(o.Verdict))
		if o.Verdict != nil {
			for _, line := range o.Verdict.Log {
				fmt.Fprintf(out, "%-9s %s\n", "kernel:", line)
			}
		}
	}
	for _, s := range p.Without {
		fmt.Fprintf(out, "%-9s %s, which %s must not be without\n", "missing", s.Name, s.Kernel)
	}
}

// printNotes writes what the user should know beside the answer.
func printNotes(errOut io.Writer, notes []string) {
	for _, text := range notes {
		fmt.Fprintf(errOut, "modkeep: %s\n", text)
	}
}

// carryOut makes a plan, or with dry only shows it, and returns the status:
// 1 where a required module is left without, 2 where a kernel could not be told.
func carryOut(cmd *cobra.Command, n *node.Node, asJSON, dry bool, plan func() (*node.Plan, error), apply func(context.Context) (*node.Result, error)) error {
	out, errOut := cmd.OutOrStdout(), cmd.ErrOrStderr()
	res := &node.Result{}
	var err error
	if dry {
		if pending, err := n.Pending(); err != nil {
			return journalHint(fmt.Errorf("cannot read the journal: %w", err))
		} else if pending {
			fmt.Fprintln(errOut, interruptedNote)
		}
		res.Plan, err = plan()
	} else {
		res, err = apply(cmd.Context())
		sayRecovery(errOut, res.Recovery)
	}
	if res.Plan != nil {
		if asJSON {
			r := reportOf(res.Plan)
			r.Transaction = res.Record.Number
			if err == nil {
				err = writeJSON(out, r)
			}
		} else {
			printPlan(out, res.Plan)
			printNotes(errOut, res.Plan.Notes)
		}
	}
	if err != nil {
		return journalHint(fmt.Errorf("cannot %s: %w", cmd.Name(), err))
	}
	return planStatus(res.Plan)
}

// planStatus is the status that a plan ends with.
func planStatus(p *node.Plan) error {
	switch {
	case p.Plan != nil && len(p.Unreadable)+len(p.Stuck) > 0:
		return silent(statusUnknown)
	case len(p.Without) > 0:
		return silent(statusNo)
	}
	return nil
}

// sayRecovery says what became of a transaction that was interrupted.
func sayRecovery(errOut io.Writer, rec *txn.Recovery) {
	if rec == nil {
		return
	}
	what := "was taken back"
	if rec.Finished {
		what = "was finished"
	}
	fmt.Fprintf(errOut, "modkeep: %q, which was interrupted, %s\n", rec.Name, what)
	for _, l := range rec.Left {
		fmt.Fprintf(errOut, "modkeep: %s was left as it is: %s\n", l.Path, l.Reason)
	}
}
