package loader

import (
	"fmt"
	"strings"

	"modkeep/ko/elf"
	"modkeep/symvers"
)

// runInsmod is what insmod of modutils (2.0 to 2.4 kernels) decides: there the
// program links the module, the kernel only takes the result. It returns
// whether the module loads; the refusal is in l.v.Insmod.
//
// Versions stand in the symbols' names. Where kernel and module both use them,
// names are compared whole, so another CRC is just an unresolved symbol; where
// only one does, the suffix is ignored.
func (l *load) runInsmod() bool {
	l.basis = Source
	if built, ok := l.m.Info.Get("kernel_version"); ok && l.target.Release != "" && built != l.target.Release {
		l.v.Insmod = fmt.Sprintf("%s: kernel-module version mismatch\n\t%s was compiled for kernel version %s\n\twhile this kernel is version %s.",
			l.m.Path, l.m.Path, built, l.target.Release)
		l.found(Finding{Kind: KindVermagic, Want: built, Found: l.target.Release, Text: "built for kernel version " + built})
		return false
	}
	_, moduleCRCs := l.m.Info.Get("using_checksums")
	both := moduleCRCs && l.target.Versions != No
	var unresolved []string
	for i := range l.m.imports {
		s := &l.m.imports[i]
		if s.section != elf.SHN_UNDEF || s.weak {
			continue
		}
		if !l.resolvesByName(s.name, both) {
			unresolved = append(unresolved, l.m.Path+": unresolved symbol "+s.name)
		}
	}
	l.v.Insmod = strings.Join(unresolved, "\n")
	if moduleCRCs != (l.target.Versions != No) {
		l.warn("the module uses symbol versions: %v, the kernel does: %v; names are compared without them", moduleCRCs, !moduleCRCs)
	}
	return len(unresolved) == 0
}

// resolvesByName finds an undefined symbol of the module among the kernel's.
func (l *load) resolvesByName(name string, versioned bool) bool {
	base, prefix, crc, has := symvers.SplitVersioned(name)
	e, why := l.finder.find(base)
	switch {
	case e == nil && why != nil:
		l.found(Finding{Kind: why.kind, Symbol: base, Provider: why.provider, Text: why.text})
		return false
	case e == nil:
		l.found(Finding{Kind: KindMissing, Symbol: base, Text: "nothing on this kernel exports " + base})
		return false
	case versioned && (has != e.HasCRC || has && (crc != e.CRC || prefix != l.prefixOr(prefix))):
		text := "built for another version of " + base
		if has && crc == e.CRC {
			text = fmt.Sprintf("versions of the module begin with %q, of the kernel with %q: one is built for SMP or more memory", prefix, l.prefixOr(prefix))
		}
		l.found(Finding{Kind: KindCRC, Symbol: base, Want: prefix + crc.String(), Found: l.prefixOr("") + e.CRC.String(), Provider: providerName(e), Text: text})
		return false
	}
	return true
}

// prefixOr is what the versions of the kernel's exports begin with, or what is
// given where that is not known.
func (l *load) prefixOr(unknown string) string {
	if l.target.NamePrefix == nil {
		return unknown
	}
	return *l.target.NamePrefix
}
