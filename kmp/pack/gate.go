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

// Gate makes the package whose conflicts name the kernels that required modules
// cannot follow. Of p only what a package says of itself counts: its name and
// version may be empty. after, where it is not empty, is a kernel beyond which
// all are left out that nothing is known of yet; only RPM can say that.
//
// Kernels are named as kernel-uname-r = KREL, which the kernel packages of Red
// Hat, Fedora, openEuler and SUSE provide, or in a .deb as linux-image-KREL.
func Gate(p Product, blocked []Blocked, after string) (Built, error) {
	p.Name, p.Version = GateName, cmp.Or(p.Version, "1")
	if err := p.check(); err != nil {
		return Built{}, err
	}
	pkg := p.start(GateName, "", p.Form.anyArch(), "Keeps kernels back that required modules cannot follow")
	pkg.License = cmp.Or(p.License, "Apache-2.0")
	blocked = slices.Clone(blocked)
	slices.SortFunc(blocked, func(a, b Blocked) int { return release.Compare(a.Kernel, b.Kernel) })
	var text strings.Builder
	text.WriteString("Conflicts with kernels that modules which the policy requires would not\nload on, so that an update leaves them out.\n")
	for i, b := range blocked {
		if err := checkKernel(b.Kernel); err != nil {
			return Built{}, err
		}
		if i > 0 && blocked[i-1].Kernel == b.Kernel {
			return Built{}, fmt.Errorf("kernel %s: blocked twice", b.Kernel)
		}
		pkg.Depends = append(pkg.Depends, p.against(b.Kernel)...)
		fmt.Fprintf(&text, "\n%s:\n", b.Kernel)
		for _, why := range b.Why {
			fmt.Fprintf(&text, "  %s\n", strings.Join(strings.Fields(why), " "))
		}
	}
	if after != "" {
		if err := p.onlyRPM(after); err != nil {
			return Built{}, err
		}
		pkg.Depends = append(pkg.Depends, kmp.Dependency{Relation: kmp.Conflicts, Name: "kernel-uname-r", Op: ">", Version: after})
		fmt.Fprintf(&text, "\nnewer than %s:\n  not judged yet\n", after)
	}
	pkg.Description = cmp.Or(p.Description, text.String())
	why, err := json.MarshalIndent(struct {
		Version int       `json:"version"`
		Blocked []Blocked `json:"blocked"`
		After   string    `json:"after,omitempty"`
	}{1, blocked, after}, "", "  ")
	if err != nil {
		return Built{}, err
	}
	file := kmp.Content{File: kmp.File{Path: "/usr/share/modkeep/gate.json", Mode: 0o644}, Data: append(why, '\n')}
	return Built{Package: pkg, Contents: []kmp.Content{directory("/usr/share/modkeep"), file}}, nil
}

func (p *Product) onlyRPM(after string) error {
	if p.Form == Deb {
		return fmt.Errorf("all kernels newer than %s: in a .deb each kernel has a name of its own, and cannot be named before it is known", after)
	}
	return checkKernel(after)
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
