package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"modkeep/node"
	"modkeep/txn"
)

// installOptions are the flags of modkeep install, upgrade and replace.
type installOptions struct {
	target
	dry         bool
	force       bool
	noInitramfs bool
	json        bool
	reload      bool
	inUse       bool // reload what is in use too
}

// installReport is what install, upgrade and replace answer.
type installReport struct {
	*planReport
	Modules  []node.Placed `json:"modules"`
	Refusals []string      `json:"refusals"` // why nothing was done
	// Reload is what became of the loaded ones, with --reload.
	Reload []node.ModuleReport `json:"reload,omitempty"`
}

// installHelp says what differs between the verbs.
var installHelp = map[node.InstallVerb]struct{ short, long, example string }{
	node.InstallNew: {"Put module files on a kernel",
		`Puts module files on a kernel: new ones, or such as take the place of a module
of the kernel's own. Where a third party's file of that name is installed it is
refused: that is upgrade's business, or replace's.`,
		`  modkeep install --dry-run ./foo.ko
  modkeep install /mnt/bundle --kernel 6.1.0-56-amd64`},
	node.InstallUpgrade: {"Put newer module files in the place of a third party's",
		`Puts module files in the place of a third party's modules of the same names. A
file whose MODULE_VERSION is older is refused.`,
		`  modkeep upgrade ./foo.ko
  modkeep upgrade /mnt/bundle --root /mnt/sysroot`},
	node.InstallReplace: {"Put a repaired module in the place of one that is there",
		`Puts module files in the place of modules that a kernel has, its own too: a
repaired xen-evtchn.ko instead of the kernel's.`,
		`  modkeep replace ./xen-evtchn.ko
  modkeep replace --kernel 6.1.0-56-amd64 --dry-run ./xen-evtchn.ko`},
}

func newInstallCommand(verb node.InstallVerb) *cobra.Command {
	var opts installOptions
	help := installHelp[verb]
	cmd := &cobra.Command{
		Use:   string(verb) + " FILE|PACKAGE|DIR…",
		Short: help.short,
		Long: help.long + `

Named are module files, packages (.rpm, .deb) whose modules are taken out of
them, and directories, in which both are looked for. Each module goes to the
kernel it was built for, or to the one that --kernel names; of packages and
directories only what was built for that one.

A file that a package owns, and the kernel's own modules, are never written
over: the new file goes to updates/, where depmod selects it first; where
depmod.d has another order, an override is written. Files that nobody owns give
their place to their successors. Then depmod and, where a changed module is in
it, the generator of the initramfs run once for each kernel. All of it is one
transaction: it is done, or nothing is, and modkeep rollback takes it back.

Refused without --force: what the kernel would not load, and what would keep
modules that are installed from loading.

With --reload those that are loaded are then loaded again, as by modkeep reload:
where one of them fails its check, the modules before are loaded again and their
files are put back. It is refused before anything is changed if one is in use;
--reload-in-use reloads those too.` + exitStatus("done, or nothing to do", "refused: nothing is changed", "could not tell, or could not do it; nothing is changed, unless it says what is"),
		Example: help.example,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf(cmd, "no module file, package or directory named")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return opts.run(cmd, verb, args) },
	}
	flags := cmd.Flags()
	opts.addFlags(flags)
	flags.BoolVar(&opts.dry, "dry-run", false, "print what would be done, change nothing")
	flags.BoolVar(&opts.force, "force", false, "also what would not load, and what is older")
	flags.BoolVar(&opts.noInitramfs, "no-initramfs", false, "leave initramfs images as they are")
	flags.BoolVar(&opts.reload, "reload", false, "load those again that are loaded, and check them")
	flags.BoolVar(&opts.inUse, "reload-in-use", false, "the same, though they are in use")
	addJSONFlag(flags, &opts.json)
	return cmd
}

func (o *installOptions) run(cmd *cobra.Command, verb node.InstallVerb, args []string) error {
	n, err := openNode(o.root, nodeOptions(cmd, o.root))
	if err != nil {
		return err
	}
	sources, err := node.ReadSources(args)
	if err != nil {
		return fmt.Errorf("cannot %s: %w", verb, err)
	}
	req := node.InstallRequest{Verb: verb, Sources: sources, Kernel: o.kernel, Force: o.force, NoInitramfs: o.noInitramfs}
	r, err := o.reloader(cmd, n, req)
	if err != nil {
		return o.explain(verb, err)
	}
	if r.refused() {
		return r.refuse(cmd, string(verb))
	}
	p, res, err := o.carryOut(cmd, n, req)
	if err != nil {
		return o.explain(verb, err)
	}
	if res.Record.Number != 0 {
		if err := r.run(cmd); err != nil {
			return withHint(fmt.Errorf("cannot reload: %w", err), "the files are installed all the same; modkeep rollback %d takes them back", res.Record.Number)
		}
	}
	if err := o.print(cmd, p, res.Record, r); err != nil {
		return err
	}
	if len(p.Refusals) > 0 {
		return silent(statusNo)
	}
	return reportsStatus(r.reports)
}

// carryOut makes the plan, or with --dry-run only shows it.
func (o *installOptions) carryOut(cmd *cobra.Command, n *node.Node, req node.InstallRequest) (*node.InstallPlan, *node.Result, error) {
	if !o.dry {
		p, res, err := n.Install(cmd.Context(), req)
		sayRecovery(cmd.ErrOrStderr(), res.Recovery)
		return p, res, err
	}
	pending, err := n.Pending()
	if err != nil {
		return nil, nil, err
	}
	if pending {
		fmt.Fprintln(cmd.ErrOrStderr(), interruptedNote)
	}
	p, err := n.PlanInstall(req)
	return p, &node.Result{}, err
}

// explain makes an error the command's.
func (o *installOptions) explain(verb node.InstallVerb, err error) error {
	if errors.Is(err, node.ErrRelink) {
		return withHint(fmt.Errorf("%s is done, but %w", verb, err), "modkeep link puts them right; modkeep rollback takes it back")
	}
	err = journalHint(fmt.Errorf("cannot %s: %w", verb, err))
	var failed *txn.StepError
	switch {
	case node.IsNoSource(err) && o.kernel == "":
		return withHint(err, "name the kernel that they are for with --kernel KREL")
	case errors.As(err, &failed) && failed.Restored:
		return withHint(err, "nothing is changed: what was done was taken back")
	}
	return err
}

func (o *installOptions) print(cmd *cobra.Command, p *node.InstallPlan, rec txn.Record, reloaded *reloader) error {
	if o.json {
		r := installReport{reportOf(p.Plan), append([]node.Placed{}, p.Placed...), append([]string{}, p.Refusals...), reloaded.reports}
		r.Transaction = rec.Number
		return writeJSON(cmd.OutOrStdout(), r)
	}
	if len(p.Refusals) == 0 || o.dry {
		printPlan(cmd.OutOrStdout(), p.Plan)
	}
	printPlaced(cmd.OutOrStdout(), p)
	printNotes(cmd.ErrOrStderr(), p.Notes)
	printRelinked(cmd, p.Relinked)
	if rec.Number != 0 && !slices.ContainsFunc(reloaded.undone, func(r txn.Record) bool { return r.Number == rec.Number }) {
		fmt.Fprintf(cmd.ErrOrStderr(), "modkeep: done; modkeep rollback %d takes it back\n", rec.Number)
	}
	return printReports(cmd.OutOrStdout(), reloaded.reports, false)
}

// printPlaced writes what needs no step: what is there already, and what is
// refused.
func printPlaced(out io.Writer, p *node.InstallPlan) {
	for _, m := range p.Placed {
		if m.Same {
			fmt.Fprintf(out, "%-9s %s  (the same file)\n", "there", m.File)
		}
	}
	for _, text := range p.Refusals {
		fmt.Fprintf(out, "%-9s %s\n", "refused", text)
	}
}

// printRelinked writes what became of other kernels' links.
func printRelinked(cmd *cobra.Command, res *node.Result) {
	if res != nil && res.Plan != nil {
		printPlan(cmd.OutOrStdout(), res.Plan)
		printNotes(cmd.ErrOrStderr(), res.Plan.Notes)
	}
}
