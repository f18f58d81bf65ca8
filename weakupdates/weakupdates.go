// Package weakupdates decides which links into other kernels' modules each
// kernel below a root should have.
//
// A donor is a module file that was installed for one kernel, its directory's
// (lib/modules/K1/extra/foo.ko), and that may serve another one as a link in
// weak-updates. A target is a kernel that gets links. An own module is a
// third-party file that a target has itself; no link is made beside it. A
// donor is masked where depmod(8) would select the target's in-tree module of
// that name over the link; a depmod.d override makes the link win.
//
// What a target should have follows from the tree, the policy and the verdicts
// of package loader over what depmod will really select, not from what was
// linked before: for each module name the newest build that loads, a consumer
// together with its providers. The unit of a build is its dependency group: a
// module with those of its own donor kernel that it takes symbols from or gives
// symbols to. A group that loads as a whole is taken before single modules of a
// newer one whose group does not.
//
// The layouts are those of Red Hat's weak-modules (kmod 28) and SUSE's
// weak-modules2 (suse-module-tools 16).
package weakupdates

import (
	"slices"
	"strings"

	"modkeep/loader"
	"modkeep/txn"
)

// Donor is a module file that may serve other kernels.
type Donor struct {
	Name   string // module name, with underscores
	Kernel string // the directory below lib/modules that it is installed in
	Rel    string // below that directory: extra/foo/foo.ko
	Path   string // inside the root: /lib/modules/K1/extra/foo/foo.ko
	Host   string // on this machine, links resolved

	module *loader.Module
}

// Built returns the release that the module's vermagic names, the donor's
// directory where it has none. The module must have been read.
func (d *Donor) Built() string {
	if d.module != nil {
		if magic, _ := d.module.Info.Get("vermagic"); magic != "" {
			first, _, _ := strings.Cut(magic, " ")
			return first
		}
	}
	return d.Kernel
}

// Module returns what was read of the donor's file; nil before a plan needed it.
func (d *Donor) Module() *loader.Module { return d.module }

// Link is a symbolic link that a kernel has in weak-updates.
type Link struct {
	Name   string // module name
	Kernel string
	Path   string // inside the root
	Text   string // what the link holds
	Target string // the file it leads to inside the root, links resolved; "" where it dangles
	Host   string // Target on this machine
}

// Verb says what a plan was asked for.
type Verb string

// The verbs. The first four are weak-modules' own.
const (
	AddModules    Verb = "add-modules"    // Modules were installed
	RemoveModules Verb = "remove-modules" // Modules were removed
	AddKernel     Verb = "add-kernel"     // Kernels were installed
	RemoveKernel  Verb = "remove-kernel"  // Kernels are about to be removed, or are gone
	Relink        Verb = "link"           // everything, or the module names in Modules, on Kernels
	Unlink        Verb = "unlink"         // the links of the module names in Modules, on Kernels
)

// Request is what a plan is asked for.
type Request struct {
	Verb    Verb
	Kernels []string // targets; nil for all. For RemoveKernel and AddKernel: the kernels meant
	Modules []string // paths inside the root, for Relink and Unlink also module names
	// NoReplace leaves a removed module's name without a link, although another
	// build would load (weak-modules' --delete-modules).
	NoReplace bool
}

// Decision says what became of one donor, or of one name, on one target.
type Decision string

// The decisions.
const (
	Linked   Decision = "linked"   // gets a link that was not there
	Kept     Decision = "kept"     // has its link already
	Refused  Decision = "refused"  // the kernel would not load it, see Verdict
	Older    Decision = "older"    // another build is linked instead: By
	Own      Decision = "own"      // the target has an own module of that name
	Never    Decision = "never"    // the policy says so
	Removed  Decision = "removed"  // its link goes
	Dangling Decision = "dangling" // its link leads nowhere, and goes
)

// Outcome is the decision about one module on one target.
type Outcome struct {
	Decision Decision
	Kernel   string // the target
	Name     string
	Donor    *Donor // nil where a link's donor is gone
	By       *Donor // for Older
	Verdict  *loader.Verdict
	Link     string // path inside the root, where there is or was a link
	Target   string // the link's target inside the root
	Reason   string
	Override bool // the link needs a depmod.d override, which is part of the plan
	Forced   bool // linked because the policy says so, whatever the verdict
	Final    bool // Refused: nothing else serves the name on this target either
	Listed   bool // the request named it
}

// Symbols returns the symbols that the verdict's findings name, sorted.
func (o *Outcome) Symbols() []string {
	if o.Verdict == nil {
		return nil
	}
	var list []string
	for _, f := range o.Verdict.Findings {
		if f.Symbol != "" && f.Kind != loader.KindLicense {
			list = append(list, f.Symbol)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Change says what a plan does to one kernel.
type Change struct {
	Kernel string
	// Names are the modules whose file on this kernel changes, sorted.
	Names []string
	// Depmod says that the index files have to be written again.
	Depmod bool
}

// Plan is what a request comes to.
type Plan struct {
	Request  Request
	Steps    []txn.Step // links, directories, override files, in order
	Changes  []Change   // the kernels that change, oldest first
	Outcomes []Outcome  // by kernel, then name
	Notes    []string   // what the user should know: substitutes for tables, skipped kernels, warnings
	// Unreadable are the targets asked for whose exports cannot be told at all.
	Unreadable []string
	// Stuck are the kernels left as they are because modules of their own need
	// one another in a circle.
	Stuck []string
}

// Refused returns the outcomes of modules that the plan leaves without a link
// because the kernel would not load them.
func (p *Plan) Refused() []Outcome {
	var list []Outcome
	for _, o := range p.Outcomes {
		if o.Decision == Refused && o.Final {
			list = append(list, o)
		}
	}
	return list
}

// Forced returns the outcomes of modules that are linked because the policy says
// so, and that the kernel would not load.
func (p *Plan) Forced() []Outcome {
	var list []Outcome
	for _, o := range p.Outcomes {
		if o.Forced {
			list = append(list, o)
		}
	}
	return list
}

// Index has a kernel's index files written, whether its links change or not.
func (p *Plan) Index(krel string) { p.change(krel).Depmod = true }

// Changed returns the change of a kernel, nil where there is none.
func (p *Plan) Changed(krel string) *Change {
	for i := range p.Changes {
		if p.Changes[i].Kernel == krel {
			return &p.Changes[i]
		}
	}
	return nil
}
