// Package node brings one machine, or a root that will be one, to what package
// weakupdates decides: it turns decisions into transactions of links, index
// files and initramfs images, says what each module's state is, and repairs.
package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"modkeep/depmod"
	"modkeep/policy"
	"modkeep/txn"
	"modkeep/weakupdates"
)

// Options are what a node needs from outside.
type Options struct {
	Layout weakupdates.Layout // "" to detect
	Policy *policy.Policy     // nil for the root's own file
	// Package returns the package that owns a file inside the root, or "".
	Package func(path string) string
	// Store's functions; see txn.Options.
	Now     func() time.Time
	Run     func(ctx context.Context, step txn.Step, argv []string) error
	Waiting func(holder string)
	After   func(step int, what string)
	// State is the state directory, see txn.Options.
	State string
	// FirstImage is where a kernel that has no initramfs gets one, with KREL for
	// its release: "/boot/initrd-KREL"; "" leaves it without.
	FirstImage string
	// Depmod is the program that writes the index files; "" is depmod.
	Depmod string
	// Generator is the program that makes initramfs images: the path of
	// dracut, mkinitcpio, mkinitramfs or mkosi-initrd, or of one that takes
	// dracut's arguments; "" to detect.
	Generator string
}

// Node is one root.
type Node struct {
	Root   string
	Policy *policy.Policy

	options Options
	store   *txn.Store
}

// Open reads the policy of a root. It changes nothing, and neither does any
// method but Apply and Recover.
func Open(root string, o Options) (*Node, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	n := &Node{Root: root, Policy: o.Policy, options: o}
	if n.Policy == nil {
		if n.Policy, err = loadPolicy(root); err != nil {
			return nil, err
		}
	}
	n.store, err = txn.Open(root, txn.Options{State: o.State, Now: o.Now, Run: o.Run, Waiting: o.Waiting, After: o.After})
	return n, err
}

func loadPolicy(root string) (*policy.Policy, error) {
	real, err := depmod.Resolve(root, policy.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return policy.Default(), nil
	} else if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	return policy.Load(filepath.Join(root, real))
}

// Store returns the journal of the root.
func (n *Node) Store() *txn.Store { return n.store }

// open reads the root anew: what it holds may have changed.
func (n *Node) open() (*weakupdates.Root, error) {
	return weakupdates.Open(n.Root, weakupdates.Options{Layout: n.options.Layout, Policy: n.Policy, Package: n.options.Package})
}

// Request is what a plan is asked for.
type Request struct {
	weakupdates.Request
	Name string // what the history calls it
	// NoInitramfs leaves images as they are.
	NoInitramfs bool
	// DeferInitramfs decides about images and makes none.
	DeferInitramfs bool
	// NoDepmod leaves index files as they are.
	NoDepmod bool
	// Index are kernels whose index files are written in any case.
	Index []string
}

// Plan is what a request comes to on this root.
type Plan struct {
	*weakupdates.Plan
	// Steps are the decision's steps, then index files, then images.
	Steps []txn.Step
	// Images says of each changed kernel's initramfs what is done and why.
	Images []ImageDecision
	// Without are the required modules that a target is left without.
	Without []State
}

func newPlan() *Plan { return &Plan{Plan: &weakupdates.Plan{}} }

// note adds what the user should know, once.
func (p *Plan) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(p.Notes, text) {
		p.Notes = append(p.Notes, text)
	}
}

// Plan returns what a request comes to. It changes nothing.
func (n *Node) Plan(req Request) (*Plan, error) {
	r, err := n.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return n.plan(r, req)
}

func (n *Node) plan(r *weakupdates.Root, req Request) (*Plan, error) {
	decided, err := r.Plan(req.Request)
	if err != nil {
		return nil, err
	}
	for _, krel := range req.Index {
		decided.Index(krel)
	}
	p := &Plan{Plan: decided, Steps: slices.Clone(decided.Steps)}
	if !req.NoDepmod {
		for _, c := range decided.Changes {
			if c.Depmod {
				step, err := n.depmod(c.Kernel)
				if err != nil {
					return nil, err
				}
				p.Steps = append(p.Steps, step)
			}
		}
		if req.Verb == weakupdates.Relink && req.Modules == nil {
			if err := n.staleIndexes(r, req.Kernels, p); err != nil {
				return nil, err
			}
		}
	}
	if req.Verb != weakupdates.RemoveKernel {
		n.images(p, req)
	}
	for _, o := range decided.Outcomes {
		if s := n.stateOf(r, &o); s.Required && o.Decision != weakupdates.Own && o.Decision != weakupdates.Linked && o.Decision != weakupdates.Kept &&
			o.Decision != weakupdates.Older && (o.Decision != weakupdates.Refused || o.Final) && req.Verb != weakupdates.RemoveKernel {
			p.Without = append(p.Without, s)
		}
	}
	return p, nil
}

// indexFiles are the files that depmod(8) writes (kmod 34, tools/depmod.c);
// modules.order, modules.builtin and modules.builtin.modinfo it only reads.
var indexFiles = []string{
	"modules.dep", "modules.dep.bin", "modules.alias", "modules.alias.bin", "modules.softdep", "modules.weakdep",
	"modules.symbols", "modules.symbols.bin", "modules.builtin.bin", "modules.builtin.alias.bin", "modules.devname",
	"modules.*map", // of old depmods
}

// depmod returns the step that writes a kernel's index files. For a root that
// is not "/" the configuration is named too: depmod -b reads the running
// system's otherwise.
func (n *Node) depmod(krel string) (txn.Step, error) {
	dir, err := depmod.ModuleDir(n.Root, krel)
	if err != nil {
		return txn.Step{}, err
	}
	program := n.options.Depmod
	if program == "" {
		program = "depmod"
	}
	argv := []string{program}
	if n.Root != "/" {
		argv = append(argv, "-b", n.Root)
		configured := false
		for _, dir := range []string{"/etc/depmod.d", "/run/depmod.d", "/usr/local/lib/depmod.d", "/lib/depmod.d", "/usr/lib/depmod.d"} {
			if dir == "/usr/lib/depmod.d" && n.same("/lib", "/usr/lib") {
				continue
			}
			// A directory that a step of the plan makes counts too.
			if _, err := depmod.Resolve(n.Root, dir); err == nil || dir == "/etc/depmod.d" {
				argv = append(argv, "-C", filepath.Join(n.Root, dir))
				configured = true
			}
		}
		if !configured {
			argv = append(argv, "-C", "/dev/null")
		}
	}
	return txn.Step{Op: txn.Depmod, Path: dir, Reason: "what modprobe finds has changed", Command: append(argv, krel), Files: indexFiles}, nil
}

func (n *Node) same(a, b string) bool {
	x, errA := depmod.Resolve(n.Root, a)
	y, errB := depmod.Resolve(n.Root, b)
	return errA == nil && errB == nil && x == y
}

// Result is what Apply did.
type Result struct {
	Plan     *Plan
	Record   txn.Record    // its number is 0 where nothing had to be done
	Recovery *txn.Recovery // of a transaction that was interrupted before; nil for none
}

// Pending reports whether an interrupted transaction is to be taken back or
// finished first, which Apply does and a dry run cannot show.
func (n *Node) Pending() (bool, error) { return n.store.Pending() }
