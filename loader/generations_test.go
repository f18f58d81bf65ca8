package loader_test

import (
	"path/filepath"
	"strings"
	"testing"

	"modkeep/loader"
)

// The cases of other generations, read in those kernels' sources: the module
// is that of 6.1, mutated, the kernel has the versions it was built for.
func TestGenerations(t *testing.T) {
	blacklisted := func(t *loader.Target) { t.Blacklist = []string{"good"} }
	source := func(a answer) answer { return a.withBasis(loader.Source) }
	unchecked := func(a answer) answer { return a.withBasis(loader.Unchecked) }
	tests := []struct {
		name, mutant string
		kernel       *loader.Target
		vary         func(*loader.Target)
		want         answer
	}{
		{"5.10 1 fits", "", mainline(5, 10, 198), nil, source(loads)},
		{"6.6 1 fits", "", withSize(mainline(6, 6, 0)), nil, source(loads)},
		{"5.10 13 import without version", "version-missing", mainline(5, 10, 198), nil,
			source(answer{taints: "O E", warnings: 1, log: "good: no symbol version for __fentry__\n"})},
		{"6.6 13 import without version", "version-missing", withSize(mainline(6, 6, 0)), nil,
			source(answer{taints: "O E", warnings: 1, log: "good: no symbol version for __fentry__\n"})},
		{"3.10 13 import without version", "version-missing", mainline(3, 10, 30), nil,
			source(answer{errno: "EINVAL", kinds: "no-version", taints: "O F",
				log: "good: module verification failed: signature and/or required key missing - tainting kernel\n" +
					"good: no symbol version for __fentry__\ngood: Unknown symbol __fentry__ (err -22)\n"})},
		{"2.6.32 12 CRC of an import", "crc-second", mainline(2, 6, 32), nil,
			source(answer{errno: "ENOENT", kinds: "crc", log: "good: disagrees about version of symbol _printk\ngood: Unknown symbol _printk\n"})},
		{"2.6.32 12 CRC of a weak import", "weak-bad-crc", mainline(2, 6, 32), nil,
			source(answer{kinds: "crc", log: "good: disagrees about version of symbol __fentry__\n"})},
		{"2.6.32 18 unknown symbols", "unknown-symbols", mainline(2, 6, 32), nil,
			source(answer{errno: "ENOENT", kinds: "missing missing",
				log: "good: Unknown symbol modkeep_no_such_symbol_1\ngood: Unknown symbol modkeep_no_such_symbol_2\n"})},
		{"2.6.32 9 CRC of module_layout", "crc-module-layout", mainline(2, 6, 32), nil,
			source(early("ENOEXEC", "layout", "good: disagrees about version of symbol module_layout\n"))},
		{"2.6.11 6 imports without version", "version-missing", structModule(mainline(2, 6, 11)), nil,
			answer{taints: "F", basis: loader.Source, log: "good: no version for \"struct_module\" found: kernel tainted.\n"}},
		{"4.14 32 magic", "magic", mainline(4, 14, 41), nil, source(early("ENOEXEC", "elf", ""))},
		{"4.14 32 machine", "machine", mainline(4, 14, 41), nil, source(early("ENOEXEC", "elf", ""))},
		{"4.14 32 section past the end", "section-offset", mainline(4, 14, 41), nil, source(early("ENOEXEC", "elf", "Module len 6304 truncated\n"))},
		{"4.14 37 stripped", "stripped", mainline(4, 14, 41), nil, source(badELF("good: module has no symbols (stripped?)"))},
		{"4.14 54 blacklisted", "", mainline(4, 14, 41), blacklisted, unchecked(early("EPERM", "blacklist", ""))},
		{"4.14 54 blacklisted, CRC of module_layout", "crc-module-layout", mainline(4, 14, 41), blacklisted,
			source(early("ENOEXEC", "layout", "good: disagrees about version of symbol module_layout\n"))},
		{"5.10 54 blacklisted, CRC of module_layout", "crc-module-layout", mainline(5, 10, 198), blacklisted,
			source(early("EPERM", "blacklist", "Module good is blacklisted\n"))},
		{"4.14 51 unsigned, enforced", "", mainline(4, 14, 41), enforced, source(early("ENOKEY", "signature", ""))},
		{"4.19 49 magic, enforced", "magic", mainline(4, 19, 191), enforced, source(early("ENOEXEC", "elf", ""))},
		{"4.19 51 unsigned, enforced", "", mainline(4, 19, 191), enforced, source(early("ENOKEY", "signature", ""))},
		{"5.10 49 unsigned, enforced", "", mainline(5, 10, 198), enforced,
			source(early("EKEYREJECTED", "signature", "Loading of unsigned module is rejected\n"))},
		{"2.6.32 49 there is nothing to enforce", "", mainline(2, 6, 32), enforced, source(answer{})},
		{"4.14 52 there is no lockdown", "", mainline(4, 14, 41), func(t *loader.Target) { t.Lockdown = "integrity" }, source(loads)},
		{"4.14 38 section to write and execute", "write-and-execute", mainline(4, 14, 41), nil, unchecked(loads)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			module := fixture(t, "6.1", "good")
			if tt.mutant != "" {
				module = mutated(t, tt.mutant, module, tt.kernel)
			}
			if tt.vary != nil {
				tt.vary(tt.kernel)
			}
			tt.want.compare(t, tt.kernel.CheckLoaded(onDisk(t, "good", module), nil))
		})
	}
}

// withSize gives a kernel that checks it the size of struct module in the
// modules of testdata/6.1.
func withSize(t *loader.Target) *loader.Target {
	t.StructSize = 0x380
	return t
}

// structModule gives a kernel the symbol that stood for struct module before
// 2.6.30.
func structModule(t *loader.Target) *loader.Target {
	t.Exports = memory{image: merged(t, "0x12345678 struct_module")}
	return t
}

// madeKernel is a Debian 6.1 kernel with the CRCs of made modules.
func madeKernel(exports ...string) *loader.Target {
	t := debian61()
	image := imageOf()
	for _, s := range append([]string{"module_layout"}, exports...) {
		name, gpl := strings.CutSuffix(s, " GPL")
		e := export(name)
		if gpl {
			e.Type = "EXPORT_SYMBOL_GPL"
		}
		image[name] = e
	}
	t.Exports = memory{image: image, others: map[string]loader.Provider{}}
	return t
}

// on makes a kernel another version's.
func on(t *loader.Target, version loader.Version) *loader.Target {
	t.Version, t.StructSize = version, 896
	return t
}

func TestFormats(t *testing.T) {
	plain := []madeExport{{symbol: "given", crc: crcOf("given")}, {symbol: "given_gpl", crc: crcOf("given_gpl"), gpl: true}}
	bare := []madeExport{{symbol: "given"}, {symbol: "given_gpl", gpl: true}}
	v614, v616, v73 := loader.Version{6, 14, 0}, loader.Version{6, 16, 0}, loader.Version{7, 3, 4}
	inNamespace := func(v loader.Version, ns string) *loader.Target {
		t := on(madeKernel(), v)
		e := export("kept")
		e.Namespace, e.Type = ns, "EXPORT_SYMBOL_GPL"
		t.Exports.(memory).image["kept"] = e
		return t
	}
	unversioned := func() *loader.Target {
		t := on(madeKernel("used", "used_gpl GPL"), v73)
		t.Versions, t.Vermagic = loader.No, madeRelease+" SMP preempt mod_unload "
		return t
	}
	const magic73 = madeRelease + " SMP preempt mod_unload "
	uses := func(m made) made { m.name, m.imports = "m", []string{"kept"}; m.crcs = versioned("kept"); return m }
	tests := []struct {
		name   string
		m      made
		kernel *loader.Target
		want   answer
	}{
		{"6.1 31 exports without CRCs", made{name: "m", exports: bare, crcs: versioned()}, madeKernel(),
			answer{taints: "E F", warnings: 1, basis: loader.Run, log: "m: no versions for exported symbols: kernel tainted.\n" + lockdep}},
		{"6.1 31 exports with CRCs", made{name: "m", exports: plain, crcs: versioned()}, madeKernel(), answer{taints: "E", basis: loader.Run}},
		{"6.1 24 namespace module: is a name like any other", uses(made{}), inNamespace(loader.Version{6, 1, 192}, "module:m"), answer{errno: "EINVAL",
			kinds: "namespace", taints: "E", basis: loader.Run, log: "m: module uses symbol (kept) from namespace module:m, but does not import it.\nm: Unknown symbol kept (err -22)\n"}},
		{"6.16 26 listed", uses(made{}), inNamespace(v616, "module:a,m"), answer{taints: "E", basis: loader.Source}},
		{"6.16 26 listed by pattern", uses(made{}), inNamespace(v616, "module:a,m*"), answer{taints: "E", basis: loader.Source}},
		{"6.16 26 not listed", uses(made{}), inNamespace(v616, "module:a,mm"), answer{errno: "EINVAL", kinds: "namespace", taints: "E", basis: loader.Source,
			log: "m: module uses symbol (kept) from namespace module:a,mm, but does not import it.\nm: Unknown symbol kept (err -22)\n"}},
		{"6.16 27 imported", uses(made{info: []string{"license=GPL", "intree=Y", "retpoline=Y", "import_ns=module:a"}}), inNamespace(v616, "module:a"),
			answer{errno: "EPERM", kinds: "namespace", taints: "E", basis: loader.Source, log: "m: module tries to import module namespace: module:a\n"}},
		{"6.14 extended versions alone, release equal", made{name: "m", imports: []string{"used"}, extCRCs: versioned("used"), extNames: true},
			on(madeKernel("used"), v614), answer{taints: "E", basis: loader.Source}},
		{"6.14 extended versions decide", made{name: "m", imports: []string{"used"}, crcs: versioned("used"), extNames: true,
			extCRCs: map[string]uint32{"module_layout": layoutCRC, "used": 7}}, on(madeKernel("used"), v614),
			answer{errno: "EINVAL", kinds: "crc", taints: "E", basis: loader.Source,
				log: "m: disagrees about version of symbol used\nm: Unknown symbol used (err -22)\n"}},
		{"6.12 extended versions are ignored", made{name: "m", imports: []string{"used"}, crcs: versioned("used"), extNames: true,
			extCRCs: map[string]uint32{"module_layout": layoutCRC, "used": 7}}, on(madeKernel("used"), loader.Version{6, 12, 117}), answer{taints: "E", basis: loader.Run}},
		{"6.14 61 extended CRCs without names", made{name: "m", crcs: versioned(), extCRCs: versioned()}, on(madeKernel(), v614),
			badELF("extended version crc+name presence does not match").withBasis(loader.Source)},
		{"6.14 62 extended versions alone, release differs", made{name: "m", vermagic: "6.14.0 SMP preempt mod_unload modversions ",
			extCRCs: versioned(), extNames: true}, on(madeKernel(), v614), early("ENOEXEC", "vermagic",
			"m: version magic '6.14.0 SMP preempt mod_unload modversions ' should be '"+madeVermagic+"'\n").withBasis(loader.Source)},
		{"7.3 fits", made{name: "m", vermagic: magic73, imports: []string{"used", "used_gpl"}}, unversioned(), answer{taints: "E", basis: loader.Run}},
		{"7.3 versions count for nothing", made{name: "m", vermagic: magic73, imports: []string{"used"},
			crcs: map[string]uint32{"module_layout": 1, "used": 2}}, unversioned(), answer{taints: "E", basis: loader.Run}},
		{"7.3 release differs", made{name: "m", vermagic: "7.3.5 SMP preempt mod_unload "}, unversioned(),
			early("ENOEXEC", "vermagic", "m: version magic '7.3.5 SMP preempt mod_unload ' should be '"+magic73+"'\n").withBasis(loader.Run)},
		{"7.3 unknown symbol", made{name: "m", vermagic: magic73, imports: []string{"gone"}}, unversioned(),
			answer{errno: "ENOENT", kinds: "missing", taints: "E", basis: loader.Run, log: "m: Unknown symbol gone (err -2)\n"}},
		{"7.3 GPL-only symbol", made{name: "m", vermagic: magic73, imports: []string{"used", "used_gpl"},
			info: []string{"license=BSD", "intree=Y", "retpoline=Y"}}, unversioned(), answer{errno: "ENOENT", kinds: "gpl", taints: "P E", warnings: 1,
			basis: loader.Run, log: licenseLines("m", "BSD") + "m: module license taints kernel.\nm: Unknown symbol used_gpl (err -2)\n"}},
		{"7.3 exports", made{name: "m", vermagic: magic73, exports: plain, flagstab: true}, unversioned(), answer{taints: "E", basis: loader.Run}},
		{"7.3 exports of the old form", made{name: "m", vermagic: magic73, exports: plain}, unversioned(), answer{errno: "ENOEXEC", kinds: "exports", taints: "E",
			warnings: 2, basis: loader.Run, log: "m: ignoring obsolete section __ksymtab_gpl\nm: ignoring obsolete section __kcrctab_gpl\nm: no flags for exported symbols\n"}},
		{"7.3 obsolete section", made{name: "m", vermagic: magic73, exports: plain, flagstab: true, obsolete: true}, unversioned(),
			answer{taints: "E", warnings: 1, basis: loader.Run, log: "m: ignoring obsolete section __ksymtab_gpl\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.compare(t, tt.kernel.Check([]*loader.Module{tt.m.read("/m")})[0])
		})
	}
}

// TestRealModuleOf73 judges a module of a kernel without modversions.
func TestRealModuleOf73(t *testing.T) {
	unsigned := func() []byte { b := fixture(t, "7.3", "crc-itu-t"); return b[:len(b)-1] } // the marker is cut
	tests := []struct {
		name, mutant string
		vary         func(*loader.Target)
		want         answer
	}{
		{"fits", "", nil, answer{taints: "E"}},
		{"release differs", "vermagic-release", nil, early("ENOEXEC", "vermagic",
			"crc_itu_t: version magic '97.3.4+deb13-cloud-amd64 SMP preempt mod_unload ' should be '7.3.4+deb13-cloud-amd64 SMP preempt mod_unload '\n")},
		{"unknown symbols", "unknown-symbols", nil, answer{errno: "ENOENT", kinds: "missing missing", taints: "E",
			log: "crc_itu_t: Unknown symbol modkeep_no_such_symbol_1 (err -2)\ncrc_itu_t: Unknown symbol modkeep_no_such_symbol_2 (err -2)\n"}},
		{"name table of symbols unterminated", "strtab-unterminated", nil, badELF("symbol string table isn't NUL terminated")},
		{"name table of symbols without first NUL", "strtab-first", nil, badELF("symbol string table missing leading NUL")},
		{"symbol's name out of the table", "symbol-name-bounds", nil, badELF("symbol name out of bounds in string table")},
		{"duplicate of the kernel's", "", func(t *loader.Target) { t.Exports = memory{image: merged(t, "crc_itu_t")} },
			answer{errno: "ENOEXEC", kinds: "duplicate", taints: "E", log: "crc_itu_t: exports duplicate symbol crc_itu_t (owned by kernel)\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target, module := debian73(), unsigned()
			if tt.mutant != "" {
				module = mutated(t, tt.mutant, module, target)
			}
			if tt.vary != nil {
				tt.vary(target)
			}
			tt.want.withBasis(loader.Run).compare(t, target.CheckLoaded(onDisk(t, "crc-itu-t", module), nil))
		})
	}
}

// TestArchitectures judges a big-endian module on its own kernel and on others,
// which read its header in their own byte order.
func TestArchitectures(t *testing.T) {
	arch := func(name string) loader.Arch {
		for _, a := range loader.Arches {
			if a.Name == name {
				return a
			}
		}
		t.Fatal(name)
		return loader.Arch{}
	}
	s390x := func() *loader.Target {
		k := debian("6.1.0-50-s390x", loader.Version{6, 1, 176}, 0x500, imageOf("0x8ffae2f3 module_layout"), debianConfig())
		k.Arch, k.Vermagic = arch("s390x"), "6.1.0-50-s390x SMP mod_unload modversions "
		k.Keys = keyring()
		return k
	}
	file := onDisk(t, "crc-itu-t", fixture(t, "s390x", "crc-itu-t"))
	good := onDisk(t, "good", fixture(t, "6.1", "good"))
	tests := []struct {
		name   string
		m      *loader.Module
		kernel *loader.Target
		vary   func(*loader.Target)
		want   answer
	}{
		{"s390x fits", file, s390x(), nil, answer{taints: "E", basis: loader.Source}},
		{"s390x CRC of module_layout", file, s390x(), func(k *loader.Target) { k.Exports = memory{image: imageOf("0x8ffae2f4 module_layout")} },
			early("ENOEXEC", "layout", "crc_itu_t: disagrees about version of symbol module_layout\n").withBasis(loader.Source)},
		{"s390x on x86_64", file, debian61(), nil, badELF("Invalid ELF header type: 256 != 1").withBasis(loader.Run)},
		{"x86_64 on s390x", good, s390x(), nil, badELF("Invalid ELF header type: 256 != 1").withBasis(loader.Source)},
		{"x86_64 on aarch64", good, debian61(), func(k *loader.Target) { k.Arch = arch("aarch64") },
			badELF("Invalid architecture in ELF header: 62").withBasis(loader.Run)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.vary != nil {
				tt.vary(tt.kernel)
			}
			tt.want.compare(t, tt.kernel.Check([]*loader.Module{tt.m})[0])
		})
	}
}

// Modules of 2.4 are linked by insmod, whose words count (modutils 2.4,
// insmod/insmod.c).
func TestInsmod24(t *testing.T) {
	path := filepath.Join("..", "ko", "testdata", "i386-2.4.o")
	kernel := func(release string, exports ...string) *loader.Target {
		return &loader.Target{Profile: loader.Profile{Release: release, Version: loader.Version{2, 4, 18}, Arch: loader.Arches[1], Versions: loader.Yes},
			Exports: memory{image: imageOf(exports...)}}
	}
	const release = "2.4.18-3smp"
	tests := []struct {
		name   string
		kernel *loader.Target
		insmod string
		kinds  string
	}{
		{"fits", kernel(release, "0x1b7d4074 printk", "0x93d4cfe6 kmalloc", "plain"), "", ""},
		{"64 kernel version", kernel("2.4.20-8smp", "0x1b7d4074 printk", "0x93d4cfe6 kmalloc", "plain"), path + ": kernel-module version mismatch\n" +
			"\t" + path + " was compiled for kernel version 2.4.18-3smp\n\twhile this kernel is version 2.4.20-8smp.", "vermagic"},
		{"65 CRC", kernel(release, "0x1b7d4075 printk", "0x93d4cfe6 kmalloc", "plain"), path + ": unresolved symbol printk_Rsmp_1b7d4074", "crc"},
		{"65 two symbols", kernel(release, "0x1b7d4074 printk", "0x93d4cfe7 kmalloc"),
			path + ": unresolved symbol kmalloc_R93d4cfe6\n" + path + ": unresolved symbol plain", "crc missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := tt.kernel.Check([]*loader.Module{loader.Read(path)})[0]
			var kinds []string
			for _, f := range v.Findings {
				kinds = append(kinds, string(f.Kind))
			}
			if v.Insmod != tt.insmod || strings.Join(kinds, " ") != tt.kinds || v.Loads != (tt.insmod == "") || v.Basis != loader.Source || v.Errno != "" {
				t.Errorf("loads=%v errno=%q insmod %q, kinds %q, basis %s; want %q, %q", v.Loads, v.Errno, v.Insmod, kinds, v.Basis, tt.insmod, tt.kinds)
			}
		})
	}
	without := kernel(release, "printk", "kmalloc", "plain")
	without.Versions = loader.No
	if v := without.Check([]*loader.Module{loader.Read(path)})[0]; !v.Loads {
		t.Errorf("a kernel without versions: %q", v.Insmod)
	}
}
