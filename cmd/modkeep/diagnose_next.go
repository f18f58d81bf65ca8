package main

import (
	"fmt"
	"slices"
	"strings"

	"modkeep/klog"
)

// loadSteps say what to do about a refused module, by the kind that stands
// first where the kernel gave several: putting that right may settle the
// others. %[1]s is the module, %[2]s the kernel.
var loadSteps = []struct {
	kind klog.Kind
	step string
}{
	{klog.Scriptlet, "tell the package's maker: a scriptlet has a line that begins with %%, an RPM macro that was not expanded; rpm -q --scripts PACKAGE shows it"},
	{klog.Blacklist, "take %[1]s out of module_blacklist= on the kernel's command line"},
	{klog.Exists, "nothing to load: %[1]s is there already; unload it first to put another build in its place"},
	{klog.ELF, "install the file of %[1]s anew: it is damaged, or made for another architecture"},
	{klog.Compression, "pack the file of %[1]s as the kernel unpacks (cat /sys/module/compression), or not at all"},
	{klog.Vermagic, "rebuild %[1]s for %[2]s"},
	{klog.Layout, "rebuild %[1]s for %[2]s: it was built for a kernel whose struct module differs"},
	{klog.Size, "rebuild %[1]s for %[2]s: it was built for a kernel whose struct module has another size"},
	{klog.Signature, "sign %[1]s with a key that the kernel trusts, or enrol its maker's key (mokutil --import)"},
	{klog.Unsupported, "ask the module's vendor for a build that the distribution supports, or allow others (allow_unsupported_modules)"},
	{klog.NotFound, "install the package that has %[1]s for %[2]s, then run depmod"},
	{klog.Unlinked, "run 'modkeep check --kernel %[2]s' on the module: it judges by the providers that depmod selects; rebuild what it refuses"},
	{klog.Duplicate, "keep one of the two modules that export the same symbol: unload or remove the other"},
	{klog.GPL, "tell the module's vendor: GPL-only symbols and a proprietary module do not go together"},
	{klog.Namespace, "tell the module's vendor: the module must import the symbol's namespace (MODULE_IMPORT_NS)"},
	{klog.NoVersion, "rebuild %[1]s for %[2]s with the Module.symvers of all its providers"},
	{klog.CRC, "rebuild %[1]s for %[2]s, or install a build that fits: modkeep check says which do"},
	{klog.Missing, "install or load what exports the missing symbols, then run depmod"},
	{klog.Busy, "see why the module it waits for does not finish its own start"},
	{klog.Livepatch, "load the livepatch on a kernel with CONFIG_LIVEPATCH"},
	{klog.BTF, "rebuild %[1]s for %[2]s: its type information is that of another kernel"},
	{klog.Relocation, "rebuild %[1]s with the compiler and flags of %[2]s"},
	{klog.Parameter, "correct the module's options (modprobe.d, or the kernel's command line)"},
	{klog.Memory, "free memory, or load %[1]s earlier in the boot"},
	{klog.Permission, "load it as root, outside containers; see /proc/sys/kernel/modules_disabled and nomodule on the command line"},
	{klog.Init, "the module's own start failed: look in the log for what it says, and whether its device is there"},
	{klog.Unknown, "run 'modkeep check' on the module: the kernel said nothing that is in this log"},
}

// leading is the kind to act on first.
func leading(kinds []klog.Kind) klog.Kind {
	for _, s := range loadSteps {
		if slices.Contains(kinds, s.kind) {
			return s.kind
		}
	}
	return klog.Unknown
}

// nextStep is the one thing to do about a finding.
func nextStep(f *logFind, d *disk) string {
	if f.report != nil {
		return reportStep(f)
	}
	module, krel := f.Module, d.release(f)
	if module == "" {
		module = "the module"
	}
	if krel == "" {
		krel = "the running kernel"
	}
	kind := klog.Kind(f.Kind)
	if step := missingStep(f); kind == klog.Missing && step != "" {
		return step
	}
	if kind == klog.NotFound && strings.Contains(f.FileNote, "exists as") {
		return fmt.Sprintf("link it: run 'modkeep check --kernel %s %s' to see whether the other kernel's file fits; else rebuild", krel, module)
	}
	for _, s := range loadSteps {
		if s.kind == kind {
			if !strings.Contains(s.step, "%[") {
				return strings.ReplaceAll(s.step, "%%", "%")
			}
			// Sprintf complains about arguments that a step does not use.
			return strings.NewReplacer("%[1]s", module, "%[2]s", krel, "%%", "%").Replace(s.step)
		}
	}
	return ""
}

// missingStep names the providers of missing symbols, where the root tells.
func missingStep(f *logFind) string {
	var load, install []string
	licensed := false
	for _, r := range f.Reasons {
		if r.Kind != string(klog.Missing) {
			continue
		}
		name, absent := strings.CutSuffix(r.Provider, " (not installed)")
		switch {
		case name == "":
		case name == "kernel":
			licensed = true
		case absent && !slices.Contains(install, name):
			install = append(install, name)
		case !absent && !slices.Contains(load, name):
			load = append(load, name)
		}
	}
	switch {
	case install != nil:
		return "install the package that has " + strings.Join(install, ", ") + ": the kernel's table lists it, its file is not there"
	case load != nil:
		return "load " + strings.Join(load, ", ") + " first: 'modprobe " + f.Module + "' does that once depmod has run"
	case licensed && proprietary(f.attempt):
		return "tell the module's vendor: the kernel exports these symbols to GPL-compatible modules only"
	}
	return ""
}

// proprietary reports whether the log said so while the module was loaded.
func proprietary(a *klog.Attempt) bool {
	return slices.ContainsFunc(a.Errors, func(e klog.LoadError) bool {
		return e.Note && strings.Contains(e.Lines[0].Text, "module license")
	})
}

// reportStep is the one thing to do about an oops and its kin.
func reportStep(f *logFind) string {
	r := f.report
	switch {
	case r.First != 0:
		return fmt.Sprintf("read the first oops of this boot, at line %d: this is number %d, and may only follow from it", r.First, r.Number)
	case r.Number > 1:
		return fmt.Sprintf("find the first oops of this boot, which is not in this log: this is number %d, and may only follow from it; look in older logs, journalctl -k -b, or /var/crash", r.Number)
	case r.Taint.Has('D') && r.Number == 0:
		return "find the oops that came before: the kernel had died already (taint D), and what follows is not to be trusted"
	}
	lines := fmt.Sprintf("lines %d to %d of the log", r.Line, r.Last)
	switch klog.Origin(f.Origin) {
	case klog.ThirdParty:
		return fmt.Sprintf("report it to the vendor of %s with %s; until then use another build of it", f.Module, lines)
	case klog.InTree:
		return fmt.Sprintf("update the kernel, or the module %s alone; if it comes again, report it to the distribution with %s", f.Module, lines)
	}
	if f.Module != "" {
		return fmt.Sprintf("see whose module %s is (modinfo -F intree %s prints Y for the kernel's own), and report it there with %s", f.Module, f.Module, lines)
	}
	var others []string
	for _, m := range r.Modules {
		if origin, _ := r.Origin(m.Name); origin == klog.ThirdParty {
			others = append(others, m.Name)
		}
	}
	if others != nil {
		return fmt.Sprintf("try without the third-party modules that were loaded (%s); no module is in the trace", strings.Join(firstFew(others), ", "))
	}
	return "report it to the distribution with " + lines + ": no module is in the trace"
}

// firstFew keeps a list short enough for one line of text.
func firstFew(list []string) []string {
	const few = 8
	if len(list) <= few {
		return list
	}
	return append(slices.Clone(list[:few]), fmt.Sprintf("… %d more", len(list)-few))
}
