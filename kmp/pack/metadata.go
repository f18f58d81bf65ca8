package pack

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"modkeep/kernel/release"
	"modkeep/kmp"
)

// Part is a package of modules that metadata packages speak of.
type Part struct {
	Name   string
	EVR    string
	Kernel string // what its modules were built for
}

// PartOf is the part that a package is, which was read with its modules.
func PartOf(p *kmp.Package) (Part, error) {
	krels := p.Kernels()
	if len(krels) != 1 {
		return Part{}, fmt.Errorf("%s: modules for %d kernels %v, and one is wanted", p.Path, len(krels), krels)
	}
	return Part{p.Name, p.EVR(), krels[0]}, checkKernel(krels[0])
}

// Exclude says whether of two parts only one can be installed: packages of one
// name, which in SUSE's form may stand beside one another for different kernels.
func (f Form) Exclude(a, b Part) bool {
	return a.Name == b.Name && a.EVR != b.EVR && (f != SUSE || a.Kernel == b.Kernel)
}

// Metadata makes NAME-kernel-only, which requires the parts, and NAME-all, which
// requires that and p.Depends. In forms with packages for each kernel each kernel
// gets such a pair, NAME-kernel-only-KREL; in RPM's there is one more without a
// kernel, which requires the parts of each kernel that is installed.
func Metadata(p Product, parts []Part) ([]Built, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, errors.New("no packages of modules to speak of")
	}
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b Part) int {
		return cmp.Or(release.Compare(a.Kernel, b.Kernel), strings.Compare(a.Name, b.Name))
	})
	for i, a := range parts {
		for _, b := range parts[:i] {
			if p.Form.Exclude(a, b) {
				return nil, fmt.Errorf("%s: %s and %s, of which only one can be installed", a.Name, b.EVR, a.EVR)
			}
		}
	}
	if !p.Form.PerKernel() {
		return p.pair("", parts), nil
	}
	var list []Built
	for rest := parts; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(x Part) bool { return x.Kernel != rest[0].Kernel })
		if n < 0 {
			n = len(rest)
		}
		list = append(list, p.pair(rest[0].Kernel, rest[:n])...)
		rest = rest[n:]
	}
	if p.Form == Kernel {
		list = append(list, p.pair("", parts)...)
	}
	return list, nil
}

// pair makes both metadata packages for a kernel, or for all.
func (p *Product) pair(krel string, parts []Part) []Built {
	suffix, kernels, support := "", "all kernels", ""
	if krel != "" {
		suffix, kernels = "-"+krel, "kernel "+krel
	} else if !p.Form.PerKernel() {
		support = " (with KMP support)"
	}
	if p.Form == Deb {
		suffix = debName(strings.ReplaceAll(suffix, "~", "-"))
	} else {
		suffix = strings.ReplaceAll(suffix, "~", "_")
	}
	name := func(kind string) string {
		if p.Form == Deb {
			return debName(p.Name) + "-" + kind + suffix
		}
		return p.Name + "-" + kind + suffix
	}
	meta := func(kind, has string) *kmp.Package {
		pkg := p.start(name(kind), "", p.Form.anyArch(), fmt.Sprintf("%s %s for %s%s", p.Name, has, kernels, support))
		pkg.License = cmp.Or(p.License, "metadata")
		pkg.Description = cmp.Or(p.Description, fmt.Sprintf("This metapackage requires the %s of %s\nfor %s.", has, p.Name, kernels))
		return pkg
	}
	only, all := meta("kernel-only", "kernel modules"), meta("all", "kernel modules and tools")
	for _, part := range parts {
		d := exactly(kmp.Requires, part.Name, part.EVR)
		if p.Form == Kernel && krel == "" {
			d = requires(fmt.Sprintf("(%s = %s if kernel-uname-r = %s)", part.Name, part.EVR, part.Kernel))
		}
		only.Depends = append(only.Depends, d)
	}
	all.Depends = append([]kmp.Dependency{exactly(kmp.Requires, only.Name, only.EVR())}, p.Depends...)
	const copyright = "This package has nothing in it that a licence could speak of.\n"
	return []Built{{Package: only, Contents: p.documents(only, copyright), Kernel: krel}, {Package: all, Contents: p.documents(all, copyright), Kernel: krel}}
}
