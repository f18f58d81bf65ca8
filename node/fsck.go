package node

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"modkeep/depmod"
	"modkeep/weakupdates"
)

// Fault is something about weak-updates that is not as it should be.
type Fault struct {
	Kernel string    `json:"kernel"`
	Kind   FaultKind `json:"kind"`
	Path   string    `json:"path"` // inside the root
	Text   string    `json:"text"`
}

// FaultKind sorts faults.
type FaultKind string

// The kinds of faults.
const (
	FaultDangling  FaultKind = "dangling"       // a link leads nowhere
	FaultRefused   FaultKind = "refused"        // a link leads to what the kernel would not load, any more or ever
	FaultDuplicate FaultKind = "duplicate"      // two links of one module name
	FaultMasked    FaultKind = "masked"         // depmod selects another file than the link
	FaultOverride  FaultKind = "stale-override" // an override of a link that is not there
	FaultIndex     FaultKind = "index"          // an index file is missing, or does not know the links
	FaultForm      FaultKind = "form"           // a link that leads out of the root
	FaultPending   FaultKind = "interrupted"    // a transaction was interrupted
)

// Fsck looks for faults on the kernels given, or on all.
func (n *Node) Fsck(kernels []string) (faults []Fault, notes []string, err error) {
	r, err := n.open()
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	if pending, err := n.store.Pending(); err != nil {
		return nil, nil, err
	} else if pending {
		faults = append(faults, Fault{Kind: FaultPending, Text: "a transaction was interrupted; the next one will take it back first"})
	}
	all := kernels == nil
	if all {
		kernels = r.Targets()
	}
	for _, krel := range kernels {
		if _, err := depmod.ModuleDir(n.Root, krel); err != nil {
			return nil, nil, fmt.Errorf("kernel %s: %w", krel, err)
		}
		p, err := r.Plan(n.repairs(r, krel))
		if err != nil {
			return nil, nil, err
		}
		notes = append(notes, p.Notes...)
		faults = append(faults, n.linkFaults(r, p, krel)...)
		faults = append(faults, n.indexFaults(r, krel)...)
	}
	if all {
		faults = append(faults, n.leftOverrides(kernels)...)
	}
	return faults, notes, nil
}

// repairs is the request that puts a kernel's links right, and makes no others.
func (n *Node) repairs(r *weakupdates.Root, krel string) weakupdates.Request {
	links, _ := r.Links(krel)
	names := []string{}
	for _, l := range links {
		if !slices.Contains(names, l.Name) {
			names = append(names, l.Name)
		}
	}
	return weakupdates.Request{Verb: weakupdates.Relink, Kernels: []string{krel}, Modules: names}
}

// linkFaults are the faults of a kernel's links: what its plan would change.
func (n *Node) linkFaults(r *weakupdates.Root, p *weakupdates.Plan, krel string) []Fault {
	links, _ := r.Links(krel)
	var faults []Fault
	seen := map[string]string{}
	for i := range links {
		l := &links[i]
		fault := func(kind FaultKind, format string, args ...any) {
			faults = append(faults, Fault{krel, kind, l.Path, fmt.Sprintf(format, args...)})
		}
		if first := seen[l.Name]; first != "" {
			fault(FaultDuplicate, "%s is a link of the same module", first)
		}
		seen[l.Name] = l.Path
		switch {
		case l.Target == "":
			fault(FaultDangling, "leads to %s, which is not there", l.Text)
			continue
		case n.Root != "/" && strings.HasPrefix(l.Text, "/"):
			fault(FaultForm, "the absolute link %s leads out of the root", l.Text)
		}
		for j := range p.Outcomes {
			o := &p.Outcomes[j]
			if o.Name == l.Name && o.Donor != nil && o.Donor.Host == l.Host && o.Decision == weakupdates.Refused {
				fault(FaultRefused, "%s: %s", l.Target, o.Reason)
			}
		}
	}
	for _, step := range p.Steps {
		if step.Path == weakupdates.OverrideFile(krel) {
			faults = append(faults, Fault{krel, FaultOverride, step.Path, "does not hold the overrides that the links need: " + cmp.Or(step.Reason, "it is not needed")})
		}
	}
	return append(faults, n.maskedLinks(krel, links)...)
}

// maskedLinks are the links that depmod passes over for another file.
func (n *Node) maskedLinks(krel string, links []weakupdates.Link) []Fault {
	config, err := depmod.ReadConfig(n.Root)
	if err != nil {
		return nil
	}
	tree, err := depmod.Scan(n.Root, krel, config)
	if err != nil {
		return nil
	}
	var faults []Fault
	for _, l := range links {
		f := tree.Module(l.Name)
		if l.Target != "" && f != nil && tree.Dir+"/"+f.Rel != l.Path {
			faults = append(faults, Fault{krel, FaultMasked, l.Path, "depmod selects " + f.Rel})
		}
	}
	return faults
}

// indexFaults tells missing index files, and a modules.dep that does not list
// the links and third-party modules there are, or lists some that are not.
func (n *Node) indexFaults(r *weakupdates.Root, krel string) []Fault {
	dir, err := depmod.ModuleDir(n.Root, krel)
	if err != nil {
		return nil
	}
	var faults []Fault
	for _, name := range []string{"modules.dep", "modules.dep.bin", "modules.alias", "modules.alias.bin", "modules.symbols", "modules.symbols.bin"} {
		if _, err := depmod.Resolve(n.Root, dir+"/"+name); errors.Is(err, fs.ErrNotExist) {
			faults = append(faults, Fault{krel, FaultIndex, dir + "/" + name, "is not there"})
		}
	}
	text, err := depmod.ReadFile(n.Root, dir+"/modules.dep", 64<<20)
	if err != nil {
		return faults
	}
	listed := map[string]bool{}
	in := bufio.NewScanner(bytes.NewReader(text))
	in.Buffer(nil, 4<<20)
	for in.Scan() {
		file, _, ok := strings.Cut(in.Text(), ":")
		if !ok {
			continue
		}
		listed[file] = true
		if !strings.HasPrefix(file, "kernel/") {
			if _, err := depmod.Resolve(n.Root, dir+"/"+file); err != nil {
				faults = append(faults, Fault{krel, FaultIndex, dir + "/modules.dep", "lists " + file + ", which is not there"})
			}
		}
	}
	links, _ := r.Links(krel)
	for _, l := range links {
		if l.Target != "" && !listed[strings.TrimPrefix(l.Path, dir+"/")] && !n.isMasked(krel, l) {
			faults = append(faults, Fault{krel, FaultIndex, dir + "/modules.dep", "does not list " + l.Path})
		}
	}
	return append(faults, n.unlisted(krel, dir, listed)...)
}

// unlisted tells modules of other makers that are in the kernel's own tree and
// that modules.dep does not know.
func (n *Node) unlisted(krel, dir string, listed map[string]bool) (faults []Fault) {
	config, err := depmod.ReadConfig(n.Root)
	if err != nil {
		return nil
	}
	tree, err := depmod.Scan(n.Root, krel, config)
	if err != nil {
		return nil
	}
	gzip := false // Debian's depmod knows no .ko.gz
	for file := range listed {
		gzip = gzip || strings.HasSuffix(file, ".gz")
	}
	for _, f := range tree.Modules {
		if strings.HasSuffix(f.Rel, ".gz") && !gzip {
			continue
		}
		if !f.InKernel() && !strings.HasPrefix(f.Rel, "weak-updates/") && !listed[f.Rel] {
			faults = append(faults, Fault{krel, FaultIndex, dir + "/modules.dep", "does not list " + f.Rel})
		}
	}
	return faults
}

func (n *Node) isMasked(krel string, l weakupdates.Link) bool {
	return len(n.maskedLinks(krel, []weakupdates.Link{l})) > 0
}

// leftOverrides are override files of kernels that are gone.
func (n *Node) leftOverrides(kernels []string) []Fault {
	config, err := depmod.ReadConfig(n.Root)
	if err != nil {
		return nil
	}
	var faults []Fault
	seen := map[string]bool{}
	for _, o := range config.Overrides {
		file, _, _ := strings.Cut(o.Source, ":")
		krel, ok := strings.CutPrefix(strings.TrimSuffix(path.Base(file), ".conf"), "zz-modkeep-")
		if ok && !seen[file] && !slices.Contains(kernels, krel) {
			seen[file] = true
			faults = append(faults, Fault{krel, FaultOverride, file, "the kernel is not there"})
		}
	}
	return faults
}
