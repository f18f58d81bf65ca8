package loader

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"modkeep/ko/elf"
)

// Version is an upstream kernel version: 6, 1, 192.
type Version [3]int

// ParseVersion reads the leading numbers of "6.1.192-2" or "6.12". The third
// is zero where the text has none.
func ParseVersion(s string) (Version, bool) {
	var v Version
	for i := range v {
		n := 0
		for n < len(s) && n < 9 && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		if n == 0 {
			return v, i >= 2
		}
		v[i], _ = strconv.Atoi(s[:n])
		if n == len(s) || s[n] != '.' {
			return v, i >= 1
		}
		s = s[n+1:]
	}
	return v, true
}

// Less reports whether v is older than w.
func (v Version) Less(w Version) bool {
	for i := range v {
		if v[i] != w[i] {
			return v[i] < w[i]
		}
	}
	return false
}

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

// Tristate is a fact that may be unknown.
type Tristate int8

// The three states.
const (
	Unknown Tristate = iota
	No
	Yes
)

// Profile is what decides besides the module: a kernel's generation, its
// distribution's patches, its configuration and how it was started. Values
// only; where they come from is the caller's affair.
type Profile struct {
	Release        string  // krel
	Version        Version // upstream version, stable level where known
	VersionGuessed bool    // Version is a guess; verdicts say that it is unknown
	Distro         string  // "debian", "rhel", "suse", …; "" or "mainline" for unpatched
	Arch           Arch

	// Config answers for a CONFIG_ name without the prefix: "y", "m", "n", a
	// number or string; ok is false where the configuration is not known.
	Config func(name string) (value string, ok bool)

	Vermagic   string   // "" where unknown
	StructSize uint64   // sizeof(struct module); 0 where unknown
	Versions   Tristate // CONFIG_MODVERSIONS
	// NamePrefix is what versions in the names of a 2.x kernel's exports begin
	// with, such as "smp_" in printk_Rsmp_1b7d4074; nil where unknown.
	NamePrefix *string
	Force      Tristate // CONFIG_MODULE_FORCE_LOAD

	Enforce   Tristate // signatures are enforced: CONFIG_MODULE_SIG_FORCE or module.sig_enforce
	Lockdown  string   // "none", "integrity", "confidentiality"
	Blacklist []string // module_blacklist=
	NoModule  bool     // nomodule
	Spectre   bool     // spectre_v2 mitigation is on: the retpoline key is looked at
	Loaded    []string // names of modules that are loaded already
	Tainted   uint64   // /proc/sys/kernel/tainted: some lines are printed once per boot

	SaidBTF bool // the line about BTF that does not fit has been printed (6.12)

	answers [ruleCount]answer // filled by settle
}

// Arch is what elf_check_arch and vermagic go by.
type Arch struct {
	Name      string // the kernel's ARCH in Debian's and rpm's spelling: amd64, arm64, i386, …
	Machine   uint16 // e_machine
	Is64      bool
	BigEndian bool
}

func (a Arch) order() binary.ByteOrder {
	if a.BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// archOfModule returns the architecture that a module was built for, for a
// kernel that does not tell its own.
func archOfModule(h *elf.Header) Arch {
	for _, a := range Arches {
		if a.Machine == h.Machine && a.Is64 == h.Is64 && a.BigEndian == (h.Order == binary.BigEndian) {
			return a
		}
	}
	return Arch{Machine: h.Machine, Is64: h.Is64, BigEndian: h.Order == binary.BigEndian}
}

// Arches lists the architectures whose modules are understood.
var Arches = []Arch{
	{"x86_64", 62, true, false},
	{"i686", 3, false, false},
	{"aarch64", 183, true, false},
	{"armv7l", 40, false, false},
	{"riscv64", 243, true, false},
	{"ppc64le", 21, true, false},
	{"ppc64", 21, true, true},
	{"ppc", 20, false, true},
	{"s390x", 22, true, true},
	{"mips", 8, false, true},
	{"mipsel", 8, false, false},
	{"mips64", 8, true, false},
	{"loongarch64", 258, true, false},
	{"ia64", 50, true, false},
}

// rule names a question that kernels answer differently.
type rule int

// The questions, in the order in which load_module asks them.
const (
	ruleSigOrder     rule = iota // signature: when it is checked:         first | after-blacklist | never
	ruleSigForgive               // signature: which errors are forgiven:  enokey | enodata-enokey-enopkg
	ruleFileRevoked              // signature: files that dbx revokes:     accept | refuse
	ruleELFMessages              // ELF: messages:                         silent | yes
	ruleELFOrder                 // ELF: order of the checks:              classic | split
	ruleELFStrtab                // ELF: symbol string table:              unchecked | checked
	ruleStringTypes              // ELF: types of string tables:           unchecked | checked
	ruleThisModule               // ELF: .gnu.linkonce.this_module:        present | only | exact
	ruleBlacklist                // module_blacklist=:                     none | silent | message
	ruleLayoutSymbol             // symbol that stands for struct module:  struct_module | module_layout
	ruleNoVersion                // import without an entry in __versions: taint | refuse | once-accept | refuse-warn
	ruleExtVersions              // extended modversions:                  ignored | used
	ruleTaintTime                // when taints are noted:                 check | inserted
	ruleExistsTime               // when a loaded name is refused:         early | late
	ruleKsymtab                  // form of export tables:                 gpl-sections | flagstab
	ruleUnknownText              // text of Unknown symbol:                plain | errno
	ruleBadCRCErrno              // errno of a CRC that differs:           ENOENT | EINVAL
	ruleNamespaces               // symbol namespaces:                     none | import | modules
	ruleInherit                  // proprietary taint is inherited:        no | yes
	ruleDuplicates               // duplicate exports:                     accept | refuse
	ruleWX                       // writable and executable sections:      accept | refuse
	ruleRelocText                // text of a relocation target that is not zero
	ruleRelocARM64               // text of a relocation type that arm64 does not know
	ruleBadIndex                 // symbol in a section that does not exist: accept | refuse
	ruleLicenseText              // lines about the licence:                 first | both
	ruleTraceTaints              // taints that bar trace events
	ruleBTF                      // split BTF that does not fit: ignored | each | once

	ruleCount
)

// row is the answer of some kernels to a rule.
type row struct {
	from, until string // upstream versions, until exclusive; empty: open
	distro      string // empty: every distribution
	value       string
	source      string // where it was read
	run         string // Debian versions on which it was seen: "6.1 6.12 7.3"; empty: none
	unchecked   bool   // taken from memory or from another kernel
}

// rules holds every row; the first that fits a kernel answers.
var rules = [ruleCount][]row{
	ruleSigOrder: {
		{until: "3.7", value: "never", source: "no kernel/module_signing.c before 3.7"},
		{from: "4.19", until: "5.10", value: "after-blacklist", source: "kernel/module.c load_module 4.19.191"},
		{value: "first", source: "kernel/module/main.c load_module 6.1.192, 6.12.117, 7.3", run: "6.1 6.12 6.16 6.17 6.18 7.2 7.3"},
	},
	ruleSigForgive: {
		{until: "5.4", value: "enokey", source: "kernel/module.c module_sig_check 3.10, 4.14, 4.19"},
		{value: "enodata-enokey-enopkg", source: "kernel/module/signing.c 6.1.192, 6.12.117, 7.3", run: "6.1 6.12 6.16 6.17 6.18 7.2 7.3"},
	},
	ruleFileRevoked: {
		{distro: "debian", from: "5.3", until: "6.13", value: "refuse", source: "kernel/module/signing.c mod_is_hash_blacklisted, Debian 6.1.192", run: "6.1 6.12"},
		{distro: "debian", from: "6.13", until: "7.2", value: "refuse", source: "Debian's patch of 6.12, which 7.2 does not have", unchecked: true},
		{value: "accept", source: "kernel/module/signing.c 6.12, 7.3", run: "7.2 7.3"},
	},
	ruleELFMessages: {
		{until: "5.10", value: "silent", source: "kernel/module.c elf_header_check 2.6.11 to 4.19"},
		{value: "yes", source: "kernel/module/main.c elf_validity_check 5.10.198, 6.1.192", run: "6.1 6.12 6.16 6.17 6.18 7.2 7.3"},
	},
	ruleELFOrder: {
		{until: "6.12.117", value: "classic", source: "kernel/module/main.c elf_validity_check 6.1.192, elf_validity_cache_copy 6.8", run: "6.1 6.12"},
		{value: "split", source: "kernel/module/main.c elf_validity_cache_copy 6.12.117, 7.3", run: "6.12 6.16 6.17 6.18 7.2 7.3"},
	},
	ruleELFStrtab: {
		{until: "6.13", value: "unchecked", source: "kernel/module/main.c 6.1.192, 6.12.117", run: "6.1 6.12"},
		{value: "checked", source: "kernel/module/main.c elf_validity_cache_strtab 7.3", run: "7.2 7.3"},
	},
	ruleStringTypes: {
		{until: "6.12.117", value: "unchecked", source: "kernel/module/main.c 6.1.192, images of 6.12.100 and 6.12.111", run: "6.1 6.12"},
		{from: "6.13", until: "7.2", value: "unchecked", source: "images of 6.16.12, 6.17.13, 6.18.15, 6.19.14, 7.0.13 and 7.1.13", run: "6.16 6.17 6.18"},
		{value: "checked", source: "kernel/module/main.c 6.12.117, 7.3, image of 7.2.6", run: "6.12 7.2 7.3"},
	},
	ruleThisModule: {
		{until: "6.4", value: "present", source: "kernel/module/main.c setup_load_info 6.1.192", run: "6.1"},
		{until: "6.12.117", value: "only", source: "kernel/module/main.c elf_validity_cache_copy 6.8", run: "6.12"},
		{value: "exact", source: "kernel/module/main.c elf_validity_cache_index_mod 6.12.117, 7.3", run: "6.12 6.16 6.17 6.18 7.2 7.3"},
	},
	ruleBlacklist: {
		{until: "4.8", value: "none", source: "no module_blacklist= in kernel/module.c 3.12", unchecked: true},
		{until: "5.8", value: "silent", source: "kernel/module.c load_module 4.14", unchecked: true},
		{value: "message", source: "kernel/module/main.c 6.1.192, 6.12.117, 7.3", run: "6.1 6.12 6.16 6.17 6.18 7.2 7.3"},
	},
	ruleLayoutSymbol: {
		{until: "2.6.30", value: "struct_module", source: "kernel/module.c check_modstruct_version 2.6.20"},
		{value: "module_layout", source: "kernel/module.c check_modstruct_version 2.6.32 and later", run: "6.1 6.12 6.16 6.17"},
	},
	ruleNoVersion: {
		{distro: "debian", from: "4.9", value: "refuse-warn", source: "kernel/module/version.c check_version, Debian 6.1.192 and 6.12.117", run: "6.1 6.12 6.16 6.17"},
		{until: "2.6.25", value: "taint", source: "kernel/module.c check_version 2.6.11"},
		{until: "4.9", value: "refuse", source: "kernel/module.c check_version 2.6.32, 3.6, 3.10, 3.12"},
		{value: "once-accept", source: "kernel/module.c check_version 4.14 to 5.17; faaae2a58143"},
	},
	ruleExtVersions: {
		{until: "6.14", value: "ignored", source: "kernel/module/version.c 6.12.117", run: "6.1 6.12"},
		{value: "used", source: "kernel/module/version.c 7.3"},
	},
	ruleTaintTime: {
		{until: "6.4", value: "check", source: "kernel/module/main.c check_modinfo 6.1.192", run: "6.1"},
		{value: "inserted", source: "kernel/module/main.c module_augment_kernel_taints 6.12.117, 7.3", run: "6.12 6.16 6.17 6.18 7.2 7.3"},
	},
	ruleExistsTime: {
		{until: "3.10", value: "early", source: "kernel/module.c load_module 2.6.32"},
		{until: "6.4", value: "late", source: "kernel/module/main.c add_unformed_module 6.1.192", run: "6.1"},
		{value: "early", source: "kernel/module/main.c early_mod_check 6.12.117, 7.3", run: "6.12 6.16 6.17 6.18 7.2 7.3"},
	},
	ruleKsymtab: {
		{until: "7.1", value: "gpl-sections", source: "kernel/module/main.c find_module_sections 6.1.192, 6.12.117", run: "6.1 6.12 6.16 6.17 6.18"},
		{value: "flagstab", source: "kernel/module/main.c check_export_symbol_sections 7.3", run: "7.2 7.3"},
	},
	ruleUnknownText: {
		{until: "2.6.35", value: "plain", source: "kernel/module.c simplify_symbols 2.6.32"},
		{value: "errno", source: "kernel/module.c simplify_symbols 3.6 and later", run: "6.1 6.12 6.16 6.17 6.18 7.2 7.3"},
	},
	ruleBadCRCErrno: {
		{until: "2.6.35", value: "ENOENT", source: "kernel/module.c resolve_symbol 2.6.32"},
		{value: "EINVAL", source: "kernel/module.c resolve_symbol 3.6 and later", run: "6.1 6.12 6.16 6.17"},
	},
	ruleNamespaces: {
		{until: "5.4", value: "none", source: "kernel/module.c 4.19"},
		{until: "6.16", value: "import", source: "kernel/module/main.c verify_namespace_is_imported 6.1.192, 6.12.117", run: "6.1 6.12"},
		{value: "modules", source: "kernel/module/main.c verify_module_namespace 7.3", run: "7.2 7.3"},
	},
	ruleInherit: {
		{until: "4.19", value: "no", source: "kernel/module.c 4.14"},
		{value: "yes", source: "kernel/module/main.c inherit_taint 4.19.191, 6.1.192, 6.12.117", run: "6.1 6.12 6.16 6.17 6.18 7.2 7.3"},
	},
	ruleDuplicates: {
		{until: "2.6.16", value: "accept", source: "kernel/module.c 2.6.11"},
		{value: "refuse", source: "kernel/module/main.c verify_exported_symbols 6.1.192, 6.12.117", run: "6.1 6.12 6.16 6.17 6.18 7.2 7.3"},
	},
	ruleWX: {
		{until: "5.8", value: "accept", source: "kernel/module.c 4.19", unchecked: true},
		{value: "refuse", source: "kernel/module/strict_rwx.c module_enforce_rwx_sections 6.1.192, 6.12.117, 7.3", run: "6.1 6.12 6.16 6.17 6.18 7.2 7.3"},
	},
	ruleRelocText: {
		{until: "6.3", value: "x86/modules: Skipping invalid relocation target, existing value is nonzero for type %[3]d, loc ADDRESS, val ADDRESS", source: "arch/x86/kernel/module.c 6.1.192", run: "6.1"},
		{until: "6.19", value: "x86/modules: Invalid relocation target, existing value is nonzero for type %[3]d, loc ADDRESS, val ADDRESS", source: "arch/x86/kernel/module.c 6.12.117, images of 6.16.12, 6.17.13 and 6.18.15", run: "6.12 6.16 6.17 6.18"},
		{value: "x86/modules: Invalid relocation target, existing value is nonzero for sec %[1]d, idx %[2]d, type %[3]d, loc ADDRESS, val ADDRESS", source: "arch/x86/kernel/module.c 7.3", run: "7.2 7.3"},
	},
	ruleRelocARM64: {
		{until: "6.5", value: "module %s: unsupported RELA relocation: %d", source: "arch/arm64/kernel/module.c 6.1.192", run: "6.1"},
		{value: "Modules: module %s: unsupported RELA relocation: %d", source: "arch/arm64/kernel/module.c pr_fmt 6.12.117", run: "6.12"},
	},
	ruleBadIndex: {
		{until: "6.1.168", value: "accept", source: "kernel/module/main.c simplify_symbols 5.17; its change is in the log of 6.1.168"},
		{from: "6.2", until: "6.12.80", value: "accept", source: "its change is in the log of 6.12.80", unchecked: true},
		{from: "6.13", until: "7.0", value: "accept", source: "its change is later than 6.18.15", unchecked: true},
		{value: "refuse", source: "kernel/module/main.c simplify_symbols 6.1.192, 6.12.117, 7.3", run: "6.1 6.12 7.2 7.3"},
	},
	ruleLicenseText: {
		{until: "6.4", value: "first", source: "kernel/module/main.c set_license 6.1.192", run: "6.1"},
		{value: "both", source: "kernel/module/main.c module_augment_kernel_taints 6.12.117, 7.3", run: "6.12 6.16 6.17 6.18 7.2 7.3"},
	},
	ruleTraceTaints: {
		{until: "6.12", value: "F P K", source: "kernel/tracepoint.c trace_module_has_bad_taint 6.1.192", run: "6.1"},
		{value: "F P", source: "kernel/tracepoint.c trace_module_has_bad_taint 6.12.117", run: "6.12 6.18"},
	},
	ruleBTF: {
		{until: "5.11", value: "ignored", source: "no split BTF before 5.11", unchecked: true},
		{until: "6.12", value: "each", source: "kernel/bpf/btf.c btf_module_notify 6.1.192", run: "6.1"},
		{value: "once", source: "kernel/bpf/btf.c btf_module_notify 6.12.117, 7.3", run: "6.12 6.16 6.17"},
	},
}

// answer is what a kernel says to a rule, and on what that rests.
type answer struct {
	value string
	basis Basis
}

// settle answers every rule for the profile's kernel, once.
func (p *Profile) settle() {
	for r := range rules {
		for i := range rules[r] {
			if w := &rules[r][i]; w.fits(p) {
				p.answers[r] = answer{w.value, w.basisFor(p)}
				break
			}
		}
	}
}

func (w *row) fits(p *Profile) bool {
	if w.distro != "" && w.distro != p.Distro {
		return false
	}
	if v, ok := ParseVersion(w.from); ok && p.Version.Less(v) {
		return false
	}
	if v, ok := ParseVersion(w.until); ok && !p.Version.Less(v) {
		return false
	}
	return true
}

func (w *row) basisFor(p *Profile) Basis {
	if p.Distro == "debian" && (p.Arch.Name == "x86_64" || p.Arch.Name == "aarch64") {
		for _, v := range strings.Fields(w.run) {
			if s, ok := ParseVersion(v); ok && s[0] == p.Version[0] && s[1] == p.Version[1] {
				return Run
			}
		}
	}
	if w.unchecked {
		return Unchecked
	}
	return Source
}
