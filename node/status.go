package node

import (
	"fmt"
	"slices"
	"strings"

	"modkeep/depmod"
	"modkeep/kernel"
	"modkeep/kernel/release"
	"modkeep/loader"
	"modkeep/policy"
	"modkeep/weakupdates"
)

// State is where a third-party module stands on one kernel.
type State struct {
	Name     string `json:"name"`
	Kernel   string `json:"kernel"`
	State    Kind   `json:"state"`
	File     string `json:"file"`   // inside the root: the own file or the link; "" where there is neither
	Target   string `json:"target"` // what a link leads to
	Reason   string `json:"reason"`
	Required bool   `json:"required"`
	Since    string `json:"since,omitempty"` // RFC 3339: when modkeep made or removed the link, or put the file there

	Loads bool            `json:"-"` // what is there now will load
	Next  string          `json:"-"` // what puts it right
	Built string          `json:"-"` // the kernel that the best build was made for
	Why   *loader.Verdict `json:"-"`
}

// Kind sorts states.
type Kind string

// The kinds of states.
const (
	OwnFile      Kind = "own"           // the kernel has the module itself
	LinkedFile   Kind = "linked"        // a link to another kernel's module, which loads
	NeedsRebuild Kind = "needs-rebuild" // no build there is loads
	Blocked      Kind = "blocked"       // a build would do, but something else keeps it away
	DanglingLink Kind = "dangling"      // a link to what is gone
)

// Status returns the state of every third-party module on the kernels given, or
// on all, sorted by kernel and name. Notes say what could not be told;
// unreadable are the kernels of which nothing tells what they export.
func (n *Node) Status(kernels []string) (states []State, notes, unreadable []string, err error) {
	r, err := n.open()
	if err != nil {
		return nil, nil, nil, err
	}
	defer r.Close()
	p, err := r.Plan(weakupdates.Request{Verb: weakupdates.Relink, Kernels: kernels})
	if err != nil {
		return nil, nil, nil, err
	}
	if kernels == nil {
		kernels = r.Targets()
	}
	for _, krel := range kernels {
		own, err := n.ownStates(r, krel)
		if err != nil {
			return nil, nil, nil, err
		}
		states = append(states, own...)
	}
	have := map[[2]string]bool{}
	for i := range states {
		have[[2]string{states[i].Kernel, states[i].Name}] = true
	}
	for i := range p.Outcomes {
		o := &p.Outcomes[i]
		if o.Decision == weakupdates.Older || o.Decision == weakupdates.Refused && !o.Final || have[[2]string{o.Kernel, o.Name}] {
			continue
		}
		have[[2]string{o.Kernel, o.Name}] = true
		states = append(states, n.stateOf(r, o))
	}
	for _, krel := range kernels {
		states = append(states, n.nowhere(r, krel, have)...)
	}
	n.since(states)
	slices.SortFunc(states, func(a, b State) int {
		if c := release.Compare(a.Kernel, b.Kernel); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return states, p.Notes, p.Unreadable, nil
}

// ownStates are the states of a kernel's own third-party modules.
func (n *Node) ownStates(r *weakupdates.Root, krel string) ([]State, error) {
	donors := r.Donors(krel)
	verdicts, err := r.Judge(krel, donors)
	if err != nil {
		return nil, err
	}
	k, err := r.Kernel(krel)
	if err != nil {
		return nil, err
	}
	var list []State
	for i, d := range donors {
		s := State{Name: d.Name, Kernel: krel, State: OwnFile, File: d.Path, Required: n.rule(d).Required, Built: d.Built(), Why: verdicts[i]}
		switch v := verdicts[i]; {
		case v == nil:
			s.Reason, s.Next = "the file cannot be read", "install it again"
		case !v.Safe():
			s.Reason, s.Next = "will not load: "+weakupdates.Reason(v), v.Next
		default:
			s.Loads = true
			if f := kernelsOwn(k, d.Name); f != nil {
				s.Reason = "instead of the kernel's own " + f.Rel
			}
		}
		if f := k.Tree().Module(d.Name); f != nil && s.Loads && f.Path != d.Host {
			s.Reason = "depmod selects " + f.Rel
		}
		list = append(list, s)
	}
	return list, nil
}

func (n *Node) rule(d *weakupdates.Donor) policy.Rule {
	pkg := ""
	if n.options.Package != nil && n.Policy.AsksPackages() {
		pkg = n.options.Package(d.Path)
	}
	return n.Policy.For(d.Name, d.Rel, pkg)
}

// stateOf turns a decision into the state of now: what would be linked is not.
func (n *Node) stateOf(r *weakupdates.Root, o *weakupdates.Outcome) State {
	s := State{Name: o.Name, Kernel: o.Kernel, File: o.Link, Target: o.Target, Reason: o.Reason, Why: o.Verdict}
	if o.Donor != nil {
		s.Required = n.rule(o.Donor).Required
		s.Built = o.Donor.Built()
	} else {
		s.Required = n.Policy.For(o.Name, "", "").Required
	}
	switch o.Decision {
	case weakupdates.Kept:
		s.State, s.Loads = LinkedFile, !o.Forced
		if o.Forced {
			s.Reason = "linked because the policy says so, will not load: " + weakupdates.Reason(o.Verdict)
		}
	case weakupdates.Linked:
		s.State = Blocked
		s.Reason = fmt.Sprintf("%s would load, and is not linked", o.Donor.Path)
		s.Next = "modkeep link --kernel " + o.Kernel
		if o.Link != "" && o.Forced {
			s.Reason = "the policy wants it linked: " + weakupdates.Reason(o.Verdict)
		}
		s.File, s.Target = "", ""
	case weakupdates.Own:
		s.State, s.Loads = OwnFile, true
	case weakupdates.Never:
		s.State, s.Next = Blocked, "change the policy"
	case weakupdates.Dangling:
		s.State, s.Next = DanglingLink, "modkeep fsck --repair"
	case weakupdates.Removed:
		s.State = Blocked
	default:
		s.State = refusalKind(o.Verdict)
		if o.Verdict != nil {
			s.Next = o.Verdict.Next
		}
		if o.Target == "" && o.Link != "" {
			s.State = DanglingLink
		}
	}
	if k, err := r.Kernel(o.Kernel); err == nil && s.State != OwnFile {
		switch f := kernelsOwn(k, o.Name); {
		case f == nil:
		case s.Loads && s.Reason == "":
			s.Reason = "instead of the kernel's own " + f.Rel
		case !s.Loads:
			s.Reason += "; meanwhile " + o.Kernel + " has its own " + f.Rel
		}
	}
	return s
}

// kernelsOwn is the file of a kernel's own module of a name, selected or not;
// nil where it has none.
func kernelsOwn(k *kernel.Kernel, name string) *depmod.File {
	tree := k.Tree()
	if f := tree.Module(name); f != nil && f.InKernel() {
		return f
	}
	for _, s := range tree.Shadowed {
		if s.Name == name && s.InKernel() {
			return s.File
		}
	}
	return nil
}

// refusalKind tells a module that has to be rebuilt from one that something
// else keeps away.
func refusalKind(v *loader.Verdict) Kind {
	if v == nil {
		return Blocked
	}
	for _, f := range v.Findings {
		switch f.Kind {
		case loader.KindSignature, loader.KindProvider, loader.KindBlacklist, loader.KindDuplicate, "override", "builtin", "group", "policy":
			return Blocked
		}
	}
	return NeedsRebuild
}

// nowhere are the modules that the policy names and requires and of which there
// is no third-party file: the kernel's own will do.
func (n *Node) nowhere(r *weakupdates.Root, krel string, have map[[2]string]bool) []State {
	var list []State
	for i := range n.Policy.Modules {
		e := &n.Policy.Modules[i]
		if e.Required == nil || !*e.Required || e.Name == "" || strings.ContainsAny(e.Name, "*?[") {
			continue
		}
		name := depmod.ModuleName(e.Name + ".ko")
		if have[[2]string{krel, name}] {
			continue
		}
		have[[2]string{krel, name}] = true
		k, err := r.Kernel(krel)
		if err != nil || inKernel(k, name) {
			continue
		}
		list = append(list, State{Name: name, Kernel: krel, State: NeedsRebuild, Required: true,
			Reason: fmt.Sprintf("no file of that name for any kernel (%s:%d requires it)", n.Policy.File, e.Line), Next: "install it"})
	}
	return list
}

func inKernel(k *kernel.Kernel, name string) bool {
	if k.Tree().Module(name) != nil {
		return true
	}
	b := k.Builtin()
	return b != nil && b.Has(name)
}

// since fills in when modkeep last changed each state's link, or file.
func (n *Node) since(states []State) {
	records, _ := n.store.History()
	for i := range states {
		s := &states[i]
		for _, rec := range records {
			for _, step := range rec.Steps {
				if depmod.ModuleName(step.Path) == s.Name && (step.Path == s.File || strings.Contains(step.Path, "/"+s.Kernel+"/weak-updates/")) {
					s.Since = rec.Time.UTC().Format("2006-01-02T15:04:05Z")
				}
			}
			if s.Since != "" {
				break
			}
		}
	}
}
