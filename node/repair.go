package node

import (
	"context"
	"fmt"
	"slices"

	"modkeep/txn"
	"modkeep/weakupdates"
)

// Repair returns the steps that put right what Fsck finds on the kernels given,
// or on all: links that are as they should be, overrides, index files.
func (n *Node) Repair(kernels []string) (*Plan, error) {
	r, err := n.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	targets := kernels
	if kernels == nil {
		targets = r.Targets()
	}
	whole := newPlan()
	for _, krel := range targets {
		p, err := n.plan(r, Request{Request: n.repairs(r, krel)})
		if err != nil {
			return nil, err
		}
		if err := n.staleIndexes(r, []string{krel}, p); err != nil {
			return nil, err
		}
		whole.join(p)
	}
	if kernels == nil {
		for _, f := range n.leftOverrides(targets) {
			whole.Steps = append(whole.Steps, txn.Step{Op: txn.Remove, Path: f.Path, Reason: f.Text})
		}
	}
	return whole, nil
}

// staleIndexes adds depmod for the kernels, or all, whose links stay as they
// are and whose index files do not know what is there.
func (n *Node) staleIndexes(r *weakupdates.Root, kernels []string, p *Plan) error {
	if kernels == nil {
		kernels = r.Targets()
	}
	for _, krel := range kernels {
		if p.Changed(krel) != nil || slices.Contains(p.Stuck, krel) || len(n.indexFaults(r, krel)) == 0 {
			continue
		}
		step, err := n.depmod(krel)
		if err != nil {
			return err
		}
		step.Reason = "index files are missing or stale"
		p.Steps = append(p.Steps, step)
	}
	return nil
}

// join adds another kernel's plan.
func (p *Plan) join(q *Plan) {
	p.Plan.Steps = append(p.Plan.Steps, q.Plan.Steps...)
	p.Changes = append(p.Changes, q.Changes...)
	p.Outcomes = append(p.Outcomes, q.Outcomes...)
	p.Unreadable = append(p.Unreadable, q.Unreadable...)
	p.Stuck = append(p.Stuck, q.Stuck...)
	for _, text := range q.Notes {
		p.note("%s", text)
	}
	p.Steps = append(p.Steps, q.Steps...)
	p.Images = append(p.Images, q.Images...)
	p.Without = append(p.Without, q.Without...)
}

// ApplyRepair finds and does what Repair returns, under the lock.
func (n *Node) ApplyRepair(ctx context.Context, kernels []string) (*Result, error) {
	return n.apply(ctx, "fsck --repair", func() (*Plan, error) { return n.Repair(kernels) })
}

// Apply plans a request and does it, under the lock: what an interrupted
// transaction left is brought to an end first. On an error the root is as it
// was; the plan is returned as far as it was made.
func (n *Node) Apply(ctx context.Context, req Request) (*Result, error) {
	return n.apply(ctx, req.Name, func() (*Plan, error) { return n.Plan(req) })
}

func (n *Node) apply(ctx context.Context, name string, plan func() (*Plan, error)) (*Result, error) {
	res := &Result{}
	release, err := n.store.Lock(ctx)
	if err != nil {
		return res, err
	}
	defer release()
	if res.Recovery, err = n.store.Recover(ctx); err != nil {
		return res, fmt.Errorf("recover: %w", err)
	}
	if res.Plan, err = plan(); err != nil {
		return res, err
	}
	res.Record, err = n.store.Run(ctx, txn.Plan{Name: name, Steps: res.Plan.Steps})
	return res, err
}
