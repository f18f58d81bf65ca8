package loader

import "fmt"

// advise fills in the one step that puts a refused module right.
func (s *set) advise(n *node, l *load) {
	v := l.v
	if v.Loads {
		if v.MayCrash != "" {
			v.Next = damaged
		}
		return
	}
	kinds := map[Kind]*Finding{}
	for i := range v.Findings {
		if f := &v.Findings[i]; kinds[f.Kind] == nil {
			kinds[f.Kind] = f
		}
	}
	for _, a := range advice {
		if f := kinds[a.kind]; f != nil {
			v.Next = a.text(s.t, f)
			return
		}
	}
	v.Next = rebuild(s.t, nil)
}

const damaged = "install the file again: it is damaged, or made for another architecture"

// advice is asked in this order: what makes the others moot comes first.
var advice = []struct {
	kind Kind
	text func(t *Target, f *Finding) string
}{
	{KindELF, func(t *Target, f *Finding) string { return damaged }},
	{KindSignature, func(t *Target, f *Finding) string { return "sign it with a key that the kernel trusts" }},
	{KindBlacklist, func(t *Target, f *Finding) string {
		return "take it off the kernel's command line (module_blacklist=, nomodule)"
	}},
	{KindExists, func(t *Target, f *Finding) string { return "unload the module of that name first (modprobe -r)" }},
	{KindSize, rebuild}, {KindLayout, rebuild}, {KindVermagic, rebuild},
	{KindProvider, func(t *Target, f *Finding) string {
		return fmt.Sprintf("put its provider right first: %s", firstOf(f.Provider, f.Symbol))
	}},
	{KindCycle, func(t *Target, f *Finding) string { return "merge the modules that need one another, or cut the cycle" }},
	{KindCRC, rebuild}, {KindNoVersion, rebuild}, {KindForced, rebuild}, {KindExports, rebuild}, {KindRelocation, rebuild},
	{KindMissing, func(t *Target, f *Finding) string {
		return fmt.Sprintf("install the module that exports %s, or rebuild from sources that fit %s", f.Symbol, firstOf(t.Release, "this kernel"))
	}},
	{KindNamespace, func(t *Target, f *Finding) string {
		return fmt.Sprintf("add MODULE_IMPORT_NS(%s) to its source and rebuild it", f.Want)
	}},
	{KindGPL, func(t *Target, f *Finding) string {
		return fmt.Sprintf("have its vendor replace %s: it is for GPL-compatible modules only", f.Symbol)
	}},
	{KindDuplicate, func(t *Target, f *Finding) string {
		return fmt.Sprintf("load it instead of %s, not beside it", firstOf(f.Provider, "the kernel's own"))
	}},
	{KindLivepatch, func(t *Target, f *Finding) string { return "use a kernel built with CONFIG_LIVEPATCH" }},
}

func rebuild(t *Target, _ *Finding) string {
	return "rebuild it for " + firstOf(t.Release, "this kernel")
}
