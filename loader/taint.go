package loader

import "slices"

// gplCompatible lists the licences of license_is_gpl_compatible
// (include/linux/license.h, 6.1); anything else, "GPL v3" too, is proprietary.
var gplCompatible = map[string]bool{
	"GPL": true, "GPL v2": true, "GPL and additional rights": true,
	"Dual BSD/GPL": true, "Dual MIT/GPL": true, "Dual MPL/GPL": true,
}

// taintBit numbers the kernel's taint flags (include/linux/panic.h, 6.1) that
// loading a module sets.
var taintBit = map[string]uint{"P": 0, "F": 1, "C": 10, "O": 12, "E": 13, "K": 15, "N": 18}

// locksUnreliable are the flags after which lock debugging is off: forced and
// proprietary modules, and an oops (bit 7).
const locksUnreliable = 1<<0 | 1<<1 | 1<<7

// tainted reports whether the kernel has the flag already. Most of the lines
// about taints are printed only until it has.
func (l *load) tainted(letter string) bool { return l.flags>>taintBit[letter]&1 != 0 }

// taint gives the module a flag, and the kernel with it.
func (l *load) taint(letter string) {
	if !slices.Contains(l.v.Taints, letter) {
		l.v.Taints = append(l.v.Taints, letter)
	}
	if (letter == "P" || letter == "F") && l.flags&locksUnreliable == 0 && !l.target.Version.Less(Version{2, 6, 31}) {
		l.logf("Disabling lock debugging due to kernel taint")
	}
	l.flags |= 1 << taintBit[letter]
}

// noteTaints is the part of check_modinfo (module_augment_kernel_taints since
// 6.4) that warns and taints but never refuses.
func (l *load) noteTaints() string {
	if _, ok := l.m.Info.Get("intree"); !ok && !l.target.Version.Less(Version{3, 2, 0}) {
		if !l.tainted("O") && !l.target.Version.Less(Version{3, 14, 0}) {
			l.logf("%s: loading out-of-tree module taints kernel.", l.name)
		}
		l.taint("O")
	}
	if _, ok := l.m.Info.Get("retpoline"); !ok && l.retpolineChecked() {
		l.logf("Spectre V2 : System may be vulnerable to spectre v2")
		l.logf("%s: loading module not compiled with retpoline compiler.", l.name)
		l.warn("is not compiled with a retpoline compiler")
	}
	if _, ok := l.m.Info.Get("staging"); ok {
		l.taint("C")
		l.logf("%s: module is from the staging directory, the quality is unknown, you have been warned.", l.name)
	}
	if _, ok := l.m.Info.Get("livepatch"); ok && !l.target.Version.Less(Version{4, 0, 0}) {
		if !l.tainted("K") {
			l.logf("%s: tainting kernel with TAINT_LIVEPATCH", l.name)
		}
		l.taint("K")
	}
	license, ok := l.m.Info.Get("license")
	if !ok {
		license = "unspecified"
	}
	if !gplCompatible[license] {
		l.proprietary = true
		if !l.tainted("P") {
			l.logf("%s: module license '%s' taints kernel.", l.name, license)
		}
		l.taint("P")
		l.warn("licence %q is not GPL-compatible: GPL-only symbols are refused", license)
	}
	if _, ok := l.m.Info.Get("test"); ok && !l.target.Version.Less(Version{5, 19, 0}) {
		if !l.tainted("N") {
			l.logf("%s: loading test module taints kernel.", l.name)
		}
		l.taint("N")
	}
	return ""
}

// retpolineChecked reports whether the kernel looks at the retpoline key: x86
// since 4.15, built with retpolines and the mitigation on.
func (l *load) retpolineChecked() bool {
	a := l.arch.Name
	return (a == "x86_64" || a == "i686") && l.target.Spectre && !l.target.Version.Less(Version{4, 15, 0}) &&
		(l.target.Config == nil || l.target.configIs("RETPOLINE", "y") || l.target.configIs("MITIGATION_RETPOLINE", "y"))
}

// noteUnsigned taints E and says so, once per boot.
func (l *load) noteUnsigned() string {
	if l.signed || l.ask(ruleSigOrder) == "never" || l.target.configIs("MODULE_SIG", "n") {
		return ""
	}
	if l.target.Version.Less(Version{3, 13, 0}) { // before there was E
		if !l.tainted("F") {
			l.logf("%s: module verification failed: signature and/or required key missing - tainting kernel", l.name)
		}
		if !slices.Contains(l.v.Taints, "F") { // LOCKDEP_STILL_OK: not a word about it
			l.v.Taints = append(l.v.Taints, "F")
		}
		l.flags |= 1 << taintBit["F"]
		return ""
	}
	if !l.tainted("E") {
		l.logf("%s: module verification failed: signature and/or required key missing - tainting kernel", l.name)
	}
	l.taint("E")
	return ""
}

// noteLicense is the second look at the licence, by name: two modules were
// caught claiming a wrong one, and ndiswrapper taints the kernel but not itself.
func (l *load) noteLicense() string {
	before := l.wasProprietary
	if l.ask(ruleLicenseText) == "first" {
		before = l.tainted("P") // asked for after the first look at the licence
	}
	switch l.name {
	case "driverloader", "lve":
		l.proprietary = true
		l.taint("P")
	case "ndiswrapper":
		l.taint("P")
	}
	if !before && l.tainted("P") {
		l.logf("%s: module license taints kernel.", l.name)
	}
	return ""
}
