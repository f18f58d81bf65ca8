package kernel

import "strings"

// composeVermagic puts together what include/linux/vermagic.h (6.12) and
// arch/*/include/asm/vermagic.h make of a configuration; false where a piece is
// not known.
func composeVermagic(krel string, c *Config, randHash string) (string, bool) {
	if krel == "" || !c.Known || !c.On("MODULES") {
		return "", false
	}
	var b strings.Builder
	b.WriteString(krel + " ")
	add := func(on bool, word string) {
		if on {
			b.WriteString(word + " ")
		}
	}
	add(c.On("SMP"), "SMP")
	switch {
	case c.On("PREEMPT_BUILD"):
		b.WriteString("preempt ")
	case c.On("PREEMPT_RT"), c.On("PREEMPT_RT_FULL"):
		b.WriteString("preempt_rt ")
	case c.On("PREEMPT"):
		b.WriteString("preempt ")
	}
	add(c.On("MODULE_UNLOAD"), "mod_unload")
	add(c.On("MODVERSIONS"), "modversions")
	arch, ok := archVermagic(c)
	if !ok {
		return "", false
	}
	b.WriteString(arch)
	switch {
	case c.On("RANDSTRUCT"), c.On("RANDSTRUCT_FULL"), c.On("RANDSTRUCT_PERFORMANCE"):
		b.WriteString("RANDSTRUCT_" + randHash)
		ok = randHash != ""
	case c.On("GCC_PLUGIN_RANDSTRUCT"):
		b.WriteString("RANDSTRUCT_PLUGIN_" + randHash)
		ok = randHash != ""
	}
	return b.String(), ok
}

// archVermagic is MODULE_ARCH_VERMAGIC; false for an architecture whose rule is
// not here.
func archVermagic(c *Config) (string, bool) {
	word := func(option, text string) string {
		if c.On(option) {
			return text + " "
		}
		return ""
	}
	switch {
	case c.On("X86_64"), c.On("S390"):
		return "", true
	case c.On("X86_32"):
		for _, f := range x86Families {
			if c.On(f.option) {
				return f.text + " ", true
			}
		}
		return "", false
	case c.On("ARM64"):
		return "aarch64", true
	case c.On("RISCV"):
		return "riscv", true
	case c.On("PPC"):
		s := word("MPROFILE_KERNEL", "mprofile-kernel")
		if s == "" {
			s = word("ARCH_USING_PATCHABLE_FUNCTION_ENTRY", "patchable-function-entry")
		}
		return s + word("RELOCATABLE", "relocatable"), true
	case c.On("ARM"):
		if !c.On("CPU_32v7") || c.On("CPU_32v6") {
			return "", false
		}
		return "ARMv7 " + word("THUMB2_KERNEL", "thumb2") + word("ARM_PATCH_PHYS_VIRT", "p2v8"), true
	}
	return "", false
}

// x86Families are the processor families of 32-bit x86, in the header's order.
var x86Families = []struct{ option, text string }{
	{"M486SX", "486SX"}, {"M486", "486"}, {"M586", "586"}, {"M586TSC", "586TSC"}, {"M586MMX", "586MMX"},
	{"MCORE2", "CORE2"}, {"MATOM", "ATOM"}, {"M686", "686"}, {"MPENTIUMII", "PENTIUMII"}, {"MPENTIUMIII", "PENTIUMIII"},
	{"MPENTIUMM", "PENTIUMM"}, {"MPENTIUM4", "PENTIUM4"}, {"MK6", "K6"}, {"MK7", "K7"}, {"MK8", "K8"}, {"MELAN", "ELAN"},
	{"MCRUSOE", "CRUSOE"}, {"MEFFICEON", "EFFICEON"}, {"MWINCHIPC6", "WINCHIPC6"}, {"MWINCHIP3D", "WINCHIP3D"},
	{"MCYRIXIII", "CYRIXIII"}, {"MVIAC3_2", "VIAC3-2"}, {"MVIAC7", "VIAC7"}, {"MGEODEGX1", "GEODEGX1"}, {"MGEODE_LX", "GEODE"},
}
