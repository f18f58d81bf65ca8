package pack

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"modkeep/kernel/release"
	"modkeep/kmp"
)

// GateName is the name of the gate package.
const GateName = "modkeep-gate"

// Blocked is a kernel that is to be left out.
type Blocked struct {
	Kernel string   `json:"kernel"`
	Why    []string `json:"why"` // the required modules that would be missing, each with its reason
}

// Bound is a version of a package beyond which kernels are not judged yet. They
// are left out too: were a new kernel not in the installed gate's way, dnf and apt
// would rather take it than the new gate that comes with it.
type Bound struct {
	Package string `json:"package"` // kernel-uname-r; of Debian's forms linux-image-amd64, which leads to the newest kernel
	Version string `json:"version"`
}

// Gate makes the package whose conflicts name the kernels that required modules
// cannot follow, and those beyond bounds. Of p only what a package says of itself
// counts: its name and version may be empty.
//
// Kernels are named as kernel-uname-r = KREL, which the kernel packages of Red
// Hat, Fedora, openEuler and SUSE provide, or in a .deb as linux-image-KREL.
func Gate(p Product, blocked []Blocked, after []Bound) (Built, error) {
	p.Name, p.Version = GateName, cmp.Or(p.Version, "1")
	if err := p.check(); err != nil {
		return Built{}, err
	}
	pkg := p.start(GateName, "", p.Form.anyArch(), "Keeps kernels back that required modules cannot follow")
	pkg.License = cmp.Or(p.License, "Apache-2.0")
	if p.Form == Deb {
		pkg.Priority = "required" // else apt-get dist-upgrade would rather remove it than keep a kernel back
	}
	blocked = slices.Clone(blocked)
	slices.SortFunc(blocked, func(a, b Blocked) int { return release.Compare(a.Kernel, b.Kernel) })
	for i, b := range blocked {
		if err := checkKernel(b.Kernel); err != nil {
			return Built{}, err
		}
		if i > 0 && blocked[i-1].Kernel == b.Kernel {
			return Built{}, fmt.Errorf("kernel %s: blocked twice", b.Kernel)
		}
		pkg.Depends = append(pkg.Depends, p.against(b.Kernel)...)
	}
	for _, a := range after {
		pkg.Depends = append(pkg.Depends, kmp.Dependency{Relation: kmp.Conflicts, Name: a.Package, Op: ">", Version: a.Version})
	}
	pkg.Description = cmp.Or(p.Description, reasons(blocked, after))
	why, err := json.MarshalIndent(struct {
		Version int       `json:"version"`
		Blocked []Blocked `json:"blocked"`
		After   []Bound   `json:"after"`
	}{1, append([]Blocked{}, blocked...), append([]Bound{}, after...)}, "", "  ")
	if err != nil {
		return Built{}, err
	}
	file := kmp.Content{File: kmp.File{Path: "/usr/share/modkeep/gate.json", Mode: 0o644}, Data: append(why, '\n')}
	contents := append(p.documents(pkg, "License: "+pkg.License+"\n"), directory("/usr/share/modkeep"), file)
	return Built{Package: pkg, Contents: contents}, nil
}

// reasons describes the package.
func reasons(blocked []Blocked, after []Bound) string {
	var b strings.Builder
	b.WriteString("Conflicts with kernels that modules which the policy requires would not\nload on, so that an update leaves them out.\n")
	for _, k := range blocked {
		fmt.Fprintf(&b, "\n%s:\n", k.Kernel)
		for _, why := range k.Why {
			fmt.Fprintf(&b, "  %s\n", strings.Join(strings.Fields(why), " "))
		}
	}
	for _, a := range after {
		fmt.Fprintf(&b, "\n%s newer than %s:\n  not judged yet\n", a.Package, a.Version)
	}
	return b.String()
}

// against returns the conflicts with a kernel.
func (p *Product) against(krel string) []kmp.Dependency {
	if p.Form != Deb {
		return []kmp.Dependency{exactly(kmp.Conflicts, "kernel-uname-r", krel)}
	}
	var list []kmp.Dependency
	for _, image := range []string{"linux-image-" + krel, "linux-image-" + krel + "-unsigned", "linux-image-unsigned-" + krel} {
		list = append(list, kmp.Dependency{Relation: kmp.Conflicts, Name: image})
	}
	return list
}
