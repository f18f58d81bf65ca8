package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"modkeep/node"
	"modkeep/txn"
)

// reloader loads modules again after their files were changed. Without --reload
// it does nothing.
type reloader struct {
	n       *node.Node
	live    node.Live
	names   []string // those that are loaded
	inUse   bool
	plan    *node.ReloadPlan // as it would be before the change: what they are in use by
	reports []node.ModuleReport
	undone  []txn.Record // transactions that were taken back as a check failed
}

// reloader finds out before anything is changed whether the modules of an
// installation could be reloaded.
func (o *installOptions) reloader(cmd *cobra.Command, n *node.Node, req node.InstallRequest) (*reloader, error) {
	r := &reloader{n: n, inUse: o.inUse}
	if !o.reload && !o.inUse || o.dry {
		return r, nil
	}
	p, err := n.PlanInstall(req)
	if err != nil {
		return r, err
	}
	var names []string
	for _, m := range p.Placed {
		names = append(names, m.Name+"\x00"+m.Kernel)
	}
	return r, r.prepare(cmd, names)
}

// prepare plans the reload of modules, each NAME NUL RELEASE, as they are now.
func (r *reloader) prepare(cmd *cobra.Command, names []string) error {
	if r.n.Root != "/" {
		return fmt.Errorf("%s is not the running system: its modules cannot be reloaded", r.n.Root)
	}
	if r.live = newLiveKernel(); r.live == nil {
		return errors.New("no Linux kernel runs here")
	}
	facts, err := r.live.Facts()
	if err != nil {
		return err
	}
	for i := range facts.Modules {
		for _, name := range names {
			if name == facts.Modules[i].Name+"\x00"+facts.Release {
				r.names = append(r.names, facts.Modules[i].Name)
			}
		}
	}
	if len(r.names) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "modkeep: none of the modules is loaded: there is nothing to reload")
		return nil
	}
	r.plan, err = r.n.PlanReload(node.ReloadRequest{Names: r.names, Force: r.inUse}, facts)
	return err
}

func (r *reloader) refused() bool { return r.plan != nil && len(r.plan.Refusals) > 0 }

// run reloads the modules from their files as they are by now.
func (r *reloader) run(cmd *cobra.Command) error {
	if r.plan == nil {
		return nil
	}
	facts, err := r.live.Facts()
	if err != nil {
		return err
	}
	if r.plan, err = r.n.PlanReload(node.ReloadRequest{Names: r.names, Replaced: r.names, Force: r.inUse}, facts); err != nil {
		return err
	}
	sayReload(cmd.ErrOrStderr(), cmd.ErrOrStderr(), r.plan)
	res, err := carryOutReload(cmd, r.n, r.live, r.plan, node.Checks{})
	if err != nil {
		return err
	}
	if r.reports = res.Reports; res.Undone != nil {
		r.undone = res.Undone.Undone
	}
	return nil
}

// refuse ends what was not begun because of what it would reload.
func (r *reloader) refuse(cmd *cobra.Command, verb string) error {
	for _, text := range r.plan.Refusals {
		complain(cmd.ErrOrStderr(), withHint(fmt.Errorf("cannot %s with --reload: %s", verb, text), "nothing is changed; --reload-in-use goes on all the same"))
	}
	return silent(statusNo)
}
