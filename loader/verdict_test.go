package loader_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest"
	"modkeep/loader"
	"modkeep/symvers"
)

// memory is a kernel's exports, held in memory.
type memory struct {
	image  map[string]symvers.Export
	others map[string]loader.Provider
}

func (x memory) Image(symbol string) (symvers.Export, bool) {
	e, ok := x.image[symbol]
	return e, ok
}

func (x memory) Provider(symbol string) (loader.Provider, bool) {
	p, ok := x.others[symbol]
	return p, ok
}

// imageOf makes an image's exports of lines "0xCRC name" with " GPL" behind
// those for GPL-compatible modules only. Without CRC: a kernel without
// modversions.
func imageOf(lines ...string) map[string]symvers.Export {
	image := map[string]symvers.Export{}
	for _, line := range lines {
		f := strings.Fields(line)
		e := symvers.Export{Module: symvers.Vmlinux, Type: symvers.Plain}
		if strings.HasPrefix(f[0], "0x") {
			var crc uint32
			fmt.Sscanf(f[0], "0x%x", &crc)
			e.CRC, e.HasCRC, f = symvers.CRC(crc), true, f[1:]
		}
		e.Symbol = f[0]
		if len(f) > 1 {
			e.Type = symvers.GPL
		}
		image[e.Symbol] = e
	}
	return image
}

// configured makes a configuration of the options that are not "n".
func configured(options map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if v, ok := options[name]; ok {
			return v, true
		}
		return "n", true
	}
}

// noticed are the flags of a kernel that has said once that a module is not
// its own and is not signed (O and E).
const noticed = 1<<12 | 1<<13

// debianConfig is what Debian sets of the options that decide over modules
// (config-6.1.0-56-cloud-amd64, config-6.12.117+deb12-cloud-amd64).
func debianConfig(more ...string) map[string]string {
	options := map[string]string{}
	for _, name := range append([]string{"MODULES", "MODULE_SIG", "MODULE_FORCE_LOAD", "STRICT_MODULE_RWX", "LIVEPATCH",
		"RETPOLINE", "MITIGATION_RETPOLINE", "MODULE_ALLOW_BTF_MISMATCH"}, more...) {
		options[name] = "y"
	}
	return options
}

func debian(release string, version loader.Version, structSize uint64, image map[string]symvers.Export, options map[string]string) *loader.Target {
	return &loader.Target{
		Profile: loader.Profile{
			Release: release, Version: version, Distro: "debian", Arch: loader.Arches[0],
			Vermagic:   release + " SMP preempt mod_unload modversions ",
			StructSize: structSize, Versions: loader.Yes, Force: loader.Yes, Enforce: loader.No,
			Config: configured(options), Tainted: noticed, Spectre: true,
		},
		Exports: memory{image: image},
	}
}

// debian61 is the kernel for which testdata/6.1 was built. The CRCs are those
// of its Module.symvers.
func debian61() *loader.Target {
	return debian("6.1.0-56-cloud-amd64", loader.Version{6, 1, 192}, 0x380, imageOf(
		"0xbdfb6dbb __fentry__", "0xecbfb15f param_ops_int", "0x92997ed8 _printk", "0xa351f379 module_layout",
		"0x589d088c root_device_unregister GPL", "0x5b8239ca __x86_return_thunk"), debianConfig())
}

// debian612 is the kernel for which testdata/6.12 was built.
func debian612() *loader.Target {
	return debian("6.12.117+deb12-cloud-amd64", loader.Version{6, 12, 117}, 0x500, imageOf(
		"0xbdfb6dbb __fentry__", "0x04663a08 param_ops_int", "0x122c3a7e _printk", "0x2f9b2b9a module_layout",
		"0x2ba5345b root_device_unregister GPL", "0x5b8239ca __x86_return_thunk"),
		debianConfig("MODULE_DECOMPRESS", "MODULE_COMPRESS_XZ"))
}

// debian73 is a kernel without modversions.
func debian73() *loader.Target {
	t := debian("7.3.4+deb13-cloud-amd64", loader.Version{7, 3, 4}, 0x500,
		imageOf("__fentry__", "__x86_return_thunk", "module_layout"), debianConfig("MODULE_DECOMPRESS", "MODULE_COMPRESS_XZ"))
	t.Versions = loader.No
	t.Vermagic = t.Release + " SMP preempt mod_unload "
	return t
}

// mainline makes a kernel of another generation to which the modules of
// testdata/6.1 fit, as far as versions and flags go.
func mainline(major, minor, patch int) *loader.Target {
	t := debian61()
	t.Version, t.Distro = loader.Version{major, minor, patch}, ""
	return t
}

// answer is what is looked at in a verdict.
type answer struct {
	errno    string // "" where the module loads
	log      string // the lines, each ending in \n
	taints   string // "F O E"
	kinds    string // of the findings: "crc crc missing"
	warnings int
	basis    loader.Basis
}

// said returns errno's texts of insmod and modprobe (kmod 30); kernel-module
// users know verdicts by these.
var said = map[string][2]string{
	"ENOEXEC":      {"Invalid module format", "Exec format error"},
	"ENOENT":       {"Unknown symbol in module", "Unknown symbol in module, or unknown parameter (see dmesg)"},
	"EINVAL":       {"Invalid parameters", "Invalid argument"},
	"EEXIST":       {"File exists", "Module already in kernel"},
	"EPERM":        {"Operation not permitted", "Operation not permitted"},
	"EKEYREJECTED": {"Key was rejected by service", "Key was rejected by service"},
	"ENOKEY":       {"Required key not available", "Required key not available"},
	"EBADMSG":      {"Bad message", "Bad message"},
	"EOPNOTSUPP":   {"Operation not supported", "Operation not supported"},
}

// answerOf reduces a verdict, and fails where its parts contradict each other.
func answerOf(t *testing.T, v *loader.Verdict) answer {
	t.Helper()
	if v == nil {
		t.Fatal("no verdict")
	}
	var kinds []string
	for _, f := range v.Findings {
		if f.Text == "" {
			t.Errorf("finding without text: %+v", f)
		}
		kinds = append(kinds, string(f.Kind))
	}
	if v.Loads != (v.Errno == "") || v.Loads != (v.Next == "") || v.Loads != (v.Insmod == "") {
		t.Errorf("loads=%v, errno %q, insmod %q, next %q", v.Loads, v.Errno, v.Insmod, v.Next)
	}
	if words, ok := said[v.Errno]; ok {
		if want := "insmod: ERROR: could not insert module " + v.Module + ": " + words[0]; v.Insmod != want {
			t.Errorf("insmod %q, want %q", v.Insmod, want)
		}
		if want := "modprobe: ERROR: could not insert '" + v.Name + "': " + words[1]; v.Modprobe != want {
			t.Errorf("modprobe %q, want %q", v.Modprobe, want)
		}
	} else if !v.Loads {
		t.Errorf("errno %q is none that the loader returns", v.Errno)
	}
	a := answer{errno: v.Errno, taints: strings.Join(v.Taints, " "), kinds: strings.Join(kinds, " "), warnings: len(v.Warnings), basis: v.Basis}
	for _, l := range v.Log {
		a.log += l + "\n"
	}
	return a
}

func (want answer) compare(t *testing.T, v *loader.Verdict) {
	t.Helper()
	if diff := cmp.Diff(want, answerOf(t, v), cmp.AllowUnexported(answer{})); diff != "" {
		t.Errorf("(-want +got):\n%s\nfindings %+v", diff, v.Findings)
	}
}

// acceptance is one case of a real module, mutated or not.
type acceptance struct {
	name   string // with the number of the acceptance case
	module string // good, exp, user; "" is good
	mutant string // of package kerneltest; "" for the module as it was built
	series string // "6.1", "6.12"; "" for both
	vary   func(t *loader.Target)
	want   answer
	want12 *answer // 6.12's answer where it is another one
}

// fixture reads a module of testdata.
func fixture(t testing.TB, series, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", series, name+".ko"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// mutated applies a mutant, and varies the target as the mutant asks.
func mutated(t testing.TB, name string, module []byte, target *loader.Target) []byte {
	t.Helper()
	all := kerneltest.Mutants()
	i := slices.IndexFunc(all, func(m kerneltest.Mutant) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("no mutant %s", name)
	}
	b, err := all[i].Apply(module)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if all[i].Vary != nil {
		a := &kerneltest.Attempt{Module: "good.ko"}
		all[i].Vary(a)
		target.Flags, target.Params, target.InitModule = a.Flags, a.Params, a.Init
	}
	return b
}

// onDisk writes a module to a file of its own name and reads it.
func onDisk(t testing.TB, name string, data []byte) *loader.Module {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".ko")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return loader.Read(path)
}

// The cases are those of a table whose rows were seen on Debian 6.1.0-56 and
// 6.12.117 kernels (finit_module in a virtual machine) or read in their
// source; the number is the row's. Everything is on a kernel on which exp is
// loaded and whose once-per-boot notices have been given.
func TestAcceptance(t *testing.T) {
	for _, c := range slices.Concat(versionCases, symbolCases, licenseCases, elfCases, policyCases, compressionCases) {
		for _, series := range []string{"6.1", "6.12"} {
			if c.series != "" && c.series != series {
				continue
			}
			t.Run(series+" "+c.name, func(t *testing.T) { c.test(t, series) })
		}
	}
}

func (c *acceptance) test(t *testing.T, series string) {
	target, want := debian61(), c.want
	if series == "6.12" {
		target = debian612()
		if c.want12 != nil {
			want = *c.want12
		}
	}
	name := c.module
	if name == "" {
		name = "good"
	}
	module := fixture(t, series, name)
	if c.mutant != "" {
		module = mutated(t, c.mutant, module, target)
	}
	if c.vary != nil {
		c.vary(target)
	}
	if want.basis == "" {
		want.basis = loader.Run
	}
	want.log = strings.ReplaceAll(want.log, "$RELEASE", target.Release)
	var others []*loader.Module
	if name == "user" {
		others = append(others, onDisk(t, "exp", fixture(t, series, "exp")))
	}
	want.compare(t, target.CheckLoaded(onDisk(t, name, module), others))
}

const (
	flags     = " SMP preempt mod_unload modversions "
	lockdep   = "Disabling lock debugging due to kernel taint\n"
	forced    = "good: module_layout: kernel tainted.\n" + lockdep
	unsigned  = "good: module verification failed: signature and/or required key missing - tainting kernel\n"
	outOfTree = "good: loading out-of-tree module taints kernel.\n"
)

// loads is the answer for a module that loads as well as good does.
var loads = answer{taints: "O E"}

// refused is the answer for a module that comes to the symbols and no further.
func refused(errno, kinds, log string) answer {
	return answer{errno: errno, kinds: kinds, log: log, taints: "O E"}
}

// early is the answer for a module that is refused before its taints are
// noted.
func early(errno, kinds, log string) answer {
	return answer{errno: errno, kinds: kinds, log: log}
}

func pointer(a answer) *answer { return &a }

var versionCases = []acceptance{
	{name: "1 first module of the boot", vary: func(t *loader.Target) { t.Tainted = 0 },
		want: answer{taints: "O E", log: outOfTree + unsigned}},
	{name: "1 not the first", want: loads},
	{name: "2 name is loaded", vary: func(t *loader.Target) { t.Loaded = []string{"exp", "good"} },
		want: answer{errno: "EEXIST", kinds: "exists", taints: "O"}, want12: pointer(early("EEXIST", "exists", ""))},
	{name: "3 release differs", mutant: "vermagic-release", want: loads},
	{name: "3 release differs by a suffix", mutant: "vermagic-release-suffix", want: loads},
	{name: "4 vermagic word missing", mutant: "vermagic-no-preempt", want: early("ENOEXEC", "vermagic",
		"good: version magic '$RELEASE SMP mod_unload modversions ' should be '$RELEASE"+flags+"'\n")},
	{name: "4 vermagic word added", mutant: "vermagic-word-added", want: early("ENOEXEC", "vermagic",
		"good: version magic '$RELEASE"+flags+"extra ' should be '$RELEASE"+flags+"'\n")},
	{name: "5 vermagic last blank missing", mutant: "vermagic-no-last-blank", want: early("ENOEXEC", "vermagic",
		"good: version magic '$RELEASE SMP preempt mod_unload modversions' should be '$RELEASE"+flags+"'\n")},
	{name: "6 vermagic ignored", mutant: "vermagic-no-preempt", vary: func(t *loader.Target) { t.Flags = 2 },
		want: answer{taints: "F O E", warnings: 1, log: "good: bad vermagic: kernel tainted.\n" + lockdep}},
	{name: "6 vermagic ignored, kernel tainted F", mutant: "vermagic-no-preempt", vary: func(t *loader.Target) { t.Flags, t.Tainted = 2, noticed|2 },
		want: answer{taints: "F O E", warnings: 1}},
	{name: "7 vermagic ignored, no force-load", mutant: "vermagic-no-preempt",
		vary: func(t *loader.Target) { t.Flags, t.Force = 2, loader.No }, want: early("ENOEXEC", "forced", "")},
	{name: "8 no vermagic", mutant: "vermagic-removed",
		want: answer{taints: "F O E", warnings: 1, log: "good: bad vermagic: kernel tainted.\n" + lockdep}},
	{name: "9 CRC of module_layout", mutant: "crc-module-layout",
		want: early("ENOEXEC", "layout", "good: disagrees about version of symbol module_layout\n")},
	{name: "9 CRC of module_layout and another", mutant: "crc-module-layout-and-other",
		want: early("ENOEXEC", "layout crc", "good: disagrees about version of symbol module_layout\n")},
	{name: "10 CRC of module_layout ignored", mutant: "crc-module-layout", vary: func(t *loader.Target) { t.Flags = 1 },
		want: answer{taints: "F O E", warnings: 1, log: forced}},
	{name: "11 CRC of an import", mutant: "crc-second", want: refused("EINVAL", "crc",
		"good: disagrees about version of symbol _printk\ngood: Unknown symbol _printk (err -22)\n")},
	{name: "11 high half of a CRC", mutant: "crc-high-half", want: refused("EINVAL", "crc",
		"good: disagrees about version of symbol __fentry__\ngood: Unknown symbol __fentry__ (err -22)\n")},
	{name: "11 two CRCs", mutant: "crc-two", want: refused("EINVAL", "crc crc",
		"good: disagrees about version of symbol __fentry__\ngood: Unknown symbol __fentry__ (err -22)\n"+
			"good: disagrees about version of symbol param_ops_int\ngood: Unknown symbol param_ops_int (err -22)\n")},
	{name: "13 import without version", mutant: "version-missing", want: refused("EINVAL", "no-version",
		"good: no symbol version for __fentry__\ngood: Unknown symbol __fentry__ (err -22)\n")},
	{name: "15 module_layout without version", mutant: "version-missing-module-layout",
		want: early("ENOEXEC", "no-version", "good: no symbol version for module_layout\n")},
	{name: "16 no versions", mutant: "versions-renamed", want: answer{taints: "F O E", warnings: 1, log: forced}},
	{name: "16 versions not allocated", mutant: "versions-not-alloc", want: answer{taints: "F O E", warnings: 1, log: forced}},
	{name: "16 no versions, no force-load", mutant: "versions-renamed", vary: func(t *loader.Target) { t.Force = loader.No },
		want: early("ENOEXEC", "no-version", "")},
	{name: "17 no versions, release differs", mutant: "versions-renamed-release-differs", want: answer{errno: "ENOEXEC", kinds: "vermagic",
		taints: "F", warnings: 1, log: forced + "good: version magic '9$RELEASE" + flags + "' should be '$RELEASE" + flags + "'\n"}},
}

var symbolCases = []acceptance{
	{name: "18 two unknown symbols", mutant: "unknown-symbols", want: refused("ENOENT", "missing missing",
		"good: Unknown symbol modkeep_no_such_symbol_1 (err -2)\ngood: Unknown symbol modkeep_no_such_symbol_2 (err -2)\n")},
	{name: "19 CRC, then unknown", mutant: "bad-crc-then-unknown", want: refused("ENOENT", "crc missing",
		"good: disagrees about version of symbol __fentry__\ngood: Unknown symbol __fentry__ (err -22)\n"+
			"good: Unknown symbol modkeep_no_such_symbol (err -2)\n")},
	{name: "19 unknown, then CRC", mutant: "unknown-then-bad-crc", want: refused("EINVAL", "missing crc",
		"good: Unknown symbol modkeep_no_such_symbol (err -2)\n"+
			"good: disagrees about version of symbol param_ops_int\ngood: Unknown symbol param_ops_int (err -22)\n")},
	{name: "20 weak unknown", mutant: "unknown-weak", want: loads},
	{name: "21 weak CRC", mutant: "weak-bad-crc", want: refused("EINVAL", "crc",
		"good: disagrees about version of symbol __fentry__\ngood: Unknown symbol __fentry__ (err -22)\n")},
	{name: "24 namespace imported", module: "user", want: loads},
	{name: "24 namespace not imported", module: "user", mutant: "import-ns-removed", want: refused("EINVAL", "namespace",
		"user: module uses symbol (kernsem_ns) from namespace KERNSEM, but does not import it.\nuser: Unknown symbol kernsem_ns (err -22)\n")},
	{name: "24 another namespace imported", module: "user", mutant: "import-ns-other", want: refused("EINVAL", "namespace",
		"user: module uses symbol (kernsem_ns) from namespace KERNSEM, but does not import it.\nuser: Unknown symbol kernsem_ns (err -22)\n")},
	{name: "25 namespace not imported, allowed", module: "user", mutant: "import-ns-removed",
		vary: func(t *loader.Target) {
			t.Config = configured(debianConfig("MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS"))
		},
		want: answer{taints: "O E", warnings: 1, log: "user: module uses symbol (kernsem_ns) from namespace KERNSEM, but does not import it.\n"}},
	{name: "30 duplicate of the kernel's", module: "exp", vary: func(t *loader.Target) {
		t.Exports = memory{image: merged(t, "0x2506072d kernsem_gpl GPL")}
	}, want: refused("ENOEXEC", "duplicate", "exp: exports duplicate symbol kernsem_gpl (owned by kernel)\n")},
	{name: "39 common symbol", mutant: "common-symbol", want: refused("ENOEXEC", "elf", "good: please compile with -fno-common\n")},
	{name: "40 relocation type", mutant: "relocation-type", want: refused("ENOEXEC", "relocation", "module: good: Unknown rela relocation: 250\n")},
	{name: "41 relocation target", mutant: "relocation-target",
		want: refused("ENOEXEC", "relocation",
			"module: x86/modules: Skipping invalid relocation target, existing value is nonzero for type 4, loc ADDRESS, val ADDRESS\n"),
		want12: pointer(refused("ENOEXEC", "relocation",
			"module: x86/modules: Invalid relocation target, existing value is nonzero for type 4, loc ADDRESS, val ADDRESS\n"))},
	{name: "59 unknown parameter", vary: func(t *loader.Target) { t.Params = "nosuchparam=1 answer=2" },
		want: answer{taints: "O E", warnings: 1, log: "good: unknown parameter 'nosuchparam' ignored\n"}},
}

// merged returns the target's image with more exports.
func merged(t *loader.Target, lines ...string) map[string]symvers.Export {
	image := imageOf(lines...)
	for name, e := range t.Exports.(memory).image {
		image[name] = e
	}
	return image
}

// licenseLines is what a licence that is not GPL-compatible makes a kernel say.
func licenseLines(module, license string) string {
	return fmt.Sprintf("%s: module license '%s' taints kernel.\n", module, license) + lockdep
}

// unlicensed are the cases of a licence with which good cannot have
// root_device_unregister.
func unlicensed(name, mutant, license string) acceptance {
	const line = "good: Unknown symbol root_device_unregister (err -2)\n"
	a := answer{errno: "ENOENT", kinds: "gpl", taints: "O P E", warnings: 1, log: licenseLines("good", license) + line}
	b := a
	b.log = licenseLines("good", license) + "good: module license taints kernel.\n" + line
	return acceptance{name: name, mutant: mutant, want: a, want12: &b}
}

var licenseCases = []acceptance{
	unlicensed("22 GPL-only symbol, Proprietary", "license-proprietary", "Proprietary"),
	unlicensed("22 GPL-only symbol, BSD", "license-bsd", "BSD"),
	unlicensed("22 GPL-only symbol, GPL v3", "license-gpl-v3", "GPL v3"),
	unlicensed("22 GPL-only symbol, no licence", "license-removed", "unspecified"),
	{name: "22 GPL-only symbol, Dual MIT/GPL", mutant: "license-dual", want: loads},
	{name: "23 no licence", module: "exp", mutant: "license-removed",
		want:   answer{taints: "O P E", warnings: 1, log: licenseLines("exp", "unspecified")},
		want12: &answer{taints: "O P E", warnings: 1, log: licenseLines("exp", "unspecified") + "exp: module license taints kernel.\n"}},
	{name: "23 no licence, kernel tainted P", module: "exp", mutant: "license-removed", vary: func(t *loader.Target) { t.Tainted |= 1 },
		want: answer{taints: "O P E", warnings: 1}},
	{name: "57 no retpolines", mutant: "retpoline-removed", want: answer{taints: "O E", warnings: 1,
		log: "Spectre V2 : System may be vulnerable to spectre v2\ngood: loading module not compiled with retpoline compiler.\n"}},
	{name: "57 no retpolines, mitigation off", mutant: "retpoline-removed", vary: func(t *loader.Target) { t.Spectre = false }, want: loads},
	{name: "58 staging", mutant: "staging", want: answer{taints: "O C E",
		log: "good: module is from the staging directory, the quality is unknown, you have been warned.\n"}},
	{name: "58 test", mutant: "test", want: answer{taints: "O N E", log: "good: loading test module taints kernel.\n"}, series: "6.1"},
	{name: "56 livepatch", mutant: "livepatch", want: answer{taints: "O K E", log: "good: tainting kernel with TAINT_LIVEPATCH\n"}},
	{name: "56 livepatch, kernel without", mutant: "livepatch",
		vary: func(t *loader.Target) { t.Config = configured(map[string]string{"MODULE_SIG": "y"}) },
		want: early("ENOEXEC", "livepatch", "good: module is marked as livepatch module, but livepatch support is disabled\n")},
}

// badELF is a refusal by the checks of the ELF file.
func badELF(log string) answer { return early("ENOEXEC", "elf", log+"\n") }

var elfCases = []acceptance{
	{name: "32 magic", mutant: "magic", want: badELF("Invalid ELF header magic: != \x7fELF")},
	{name: "32 type", mutant: "type-executable", want: badELF("Invalid ELF header type: 2 != 1")},
	{name: "32 machine", mutant: "machine", want: badELF("Invalid architecture in ELF header: 183")},
	{name: "32 shentsize", mutant: "shentsize", want: badELF("Invalid ELF section header size")},
	{name: "32 shoff", mutant: "shoff", want: badELF("Invalid ELF section header overflow")},
	{name: "32 truncated", mutant: "truncated", want: badELF("Invalid ELF section header overflow")},
	{name: "32 truncated in the headers", mutant: "truncated-at-headers", want: badELF("Invalid ELF section header overflow")},
	{name: "32 header only", mutant: "header-only", want: badELF("Invalid ELF section header overflow")},
	{name: "32 shstrndx zero", mutant: "shstrndx-zero",
		want:   badELF("Invalid ELF section name index: 0 || e_shstrndx (0) >= e_shnum (34)"),
		want12: pointer(badELF("Invalid ELF section name index: 0 || e_shstrndx (0) >= e_shnum (40)"))},
	{name: "32 shstrndx out of range", mutant: "shstrndx-range",
		want:   badELF("Invalid ELF section name index: 61440 || e_shstrndx (61440) >= e_shnum (34)"),
		want12: pointer(badELF("Invalid ELF section name index: 61440 || e_shstrndx (61440) >= e_shnum (40)"))},
	{name: "32 section 0", mutant: "section-zero", want: badELF("ELF Spec violation: section 0 type(1)!=SH_NULL or non-zero len or addr")},
	{name: "32 section past the end", mutant: "section-offset", want: badELF("Invalid ELF section in module (section 4 type 1)"),
		want12: pointer(badELF("Invalid ELF section in module (section 2 type 1)"))},
	{name: "32 section of 2^63 bytes", mutant: "section-size", want: badELF("Invalid ELF section in module (section 4 type 1)"),
		want12: pointer(badELF("Invalid ELF section in module (section 2 type 1)"))},
	{name: "32 section name", mutant: "section-name", want: badELF("Invalid ELF section name in module (section 4 type 1)"),
		want12: pointer(badELF("Invalid ELF section name in module (section 2 type 1)"))},
	{name: "32 name table unterminated", mutant: "shstrtab-unterminated",
		want: badELF("ELF Spec violation: section name table isn't null terminated")},
	{name: "32 name table empty", mutant: "shstrtab-empty", want: badELF("empty section name table")},
	{name: "32 symbol table's link", mutant: "symtab-link",
		want:   badELF("Invalid ELF sh_link!=SHN_UNDEF(39) or (sh_link(39) >= hdr->e_shnum(34)"),
		want12: pointer(badELF("Invalid ELF sh_link!=SHN_UNDEF(45) or (sh_link(45) >= hdr->e_shnum(40)"))},
	{name: "33 63 bytes", mutant: "63-bytes", want: badELF("Invalid ELF header len 63")},
	{name: "33 four bytes", mutant: "four-bytes", want: badELF("Invalid ELF header len 4")},
	{name: "33 four bytes, init_module", mutant: "four-bytes", vary: func(t *loader.Target) { t.InitModule = true }, want: early("ENOEXEC", "elf", "")},
	{name: "34 empty file", mutant: "empty", want: early("EINVAL", "elf", "")},
	{name: "35 no struct module", mutant: "this-module-missing", want: badELF("good: No module found in object"),
		want12: pointer(badELF("module good: Exactly one .gnu.linkonce.this_module section must exist."))},
	{name: "36 struct module larger", mutant: "this-module-larger", want: answer{taints: "O E", warnings: 1}, want12: &wrongSize},
	{name: "36 struct module smaller", mutant: "this-module-smaller", series: "6.12", want: wrongSize},
	{name: "36 struct module twice", mutant: "this-module-twice", series: "6.12",
		want: badELF("module good: Exactly one .gnu.linkonce.this_module section must exist.")},
	{name: "36 struct module without content", mutant: "this-module-nobits", series: "6.12",
		want: badELF("module good: .gnu.linkonce.this_module section must have a size set")},
	{name: "36 struct module not allocated", mutant: "this-module-not-alloc", series: "6.12",
		want: badELF("module good: .gnu.linkonce.this_module must occupy memory during process execution")},
	{name: "36 modinfo twice", mutant: "modinfo-twice", series: "6.12", want: badELF("Only one .modinfo section must exist.")},
	{name: "37 stripped", mutant: "stripped", want: badELF("good: module has no symbols (stripped?)")},
	{name: "38 section to write and execute", mutant: "write-and-execute",
		want:   answer{errno: "ENOEXEC", kinds: "elf", taints: "O", log: "good: section .init.text (index 4) has invalid WRITE|EXEC flags\n"},
		want12: pointer(badELF("good: section .init.text (index 2) has invalid WRITE|EXEC flags"))},
}

var wrongSize = early("ENOEXEC", "size",
	"module good: .gnu.linkonce.this_module section size must match the kernel's built struct module size at run time\n")

var policyCases = []acceptance{
	{name: "42 unknown flag", vary: func(t *loader.Target) { t.Flags = 8 }, want: early("EINVAL", "elf", "")},
	{name: "45 signature of garbage", mutant: "signature-garbage", vary: func(t *loader.Target) { t.Keys = keyring() },
		want: early("EBADMSG", "signature", "")},
	{name: "46 signature too long", mutant: "signature-too-long", want: early("EBADMSG", "signature", "")},
	{name: "47 signature of another type", mutant: "signature-id-type",
		want: answer{taints: "O E", log: "module: not signed with expected PKCS#7 message\n"}},
	{name: "48 signature with an algorithm", mutant: "signature-algo",
		want: early("EBADMSG", "signature", "module: PKCS#7 signature info has unexpected non-zero params\n")},
	{name: "49 unsigned, enforced", vary: enforced, want: early("EKEYREJECTED", "signature", "Loading of unsigned module is rejected\n")},
	{name: "49 magic, enforced", mutant: "magic", vary: enforced, want: early("EKEYREJECTED", "signature", "Loading of unsigned module is rejected\n")},
	{name: "50 signature of another type, enforced", mutant: "signature-id-type", vary: enforced, want: early("EKEYREJECTED", "signature",
		"module: not signed with expected PKCS#7 message\nLoading of module with unsupported crypto is rejected\n")},
	{name: "52 unsigned, lockdown", vary: func(t *loader.Target) { t.Lockdown = "integrity" }, want: early("EPERM", "signature",
		"Lockdown: insmod: unsigned module loading is restricted; see man kernel_lockdown.7\n")},
	{name: "52 unsigned, lockdown none", vary: func(t *loader.Target) { t.Lockdown = "none" }, want: loads},
	{name: "54 blacklisted, and its CRC differs", mutant: "crc-module-layout", vary: func(t *loader.Target) { t.Blacklist = []string{"other", "good"} },
		want: early("EPERM", "blacklist", "Module good is blacklisted\n")},
	{name: "54 another is blacklisted", vary: func(t *loader.Target) { t.Blacklist = []string{"goo", "goods"} }, want: loads},
	{name: "55 nomodule", vary: func(t *loader.Target) { t.NoModule = true }, want: early("EPERM", "blacklist", "")},
}

func enforced(t *loader.Target) { t.Enforce = loader.Yes }

var compressionCases = []acceptance{
	{name: "43 gzip", mutant: "gz-flag", want: early("EOPNOTSUPP", "compression", ""),
		want12: pointer(early("EINVAL", "compression", "not an xz compressed module\n"))},
	{name: "43 xz", mutant: "xz-flag", want: early("EOPNOTSUPP", "compression", ""), want12: &loads},
	{name: "43 xz with CRC64", mutant: "xz-crc64-flag", series: "6.12",
		want: early("EINVAL", "compression", "decompression failed with status 6\n")},
	{name: "43 xz cut short", mutant: "xz-truncated-flag", series: "6.12",
		want: early("EINVAL", "compression", "decompression failed with status 0\n")},
	{name: "43 not compressed", mutant: "plain-flag", series: "6.12", want: early("EINVAL", "compression", "not an xz compressed module\n")},
	{name: "44 gzip without the flag", mutant: "gz", want: badELF("Invalid ELF header magic: != \x7fELF")},
	{name: "44 xz without the flag", mutant: "xz", want: badELF("Invalid ELF header magic: != \x7fELF")},
	{name: "44 zstd without the flag", mutant: "zst", want: badELF("Invalid ELF header magic: != \x7fELF")},
}

// TestUnpackedFirst judges compressed files as kmod loads them.
func TestUnpackedFirst(t *testing.T) {
	for _, mutant := range []string{"gz", "xz", "zst"} {
		t.Run(mutant, func(t *testing.T) {
			target := debian61()
			m := onDisk(t, "good", mutated(t, mutant, fixture(t, "6.1", "good"), target))
			answer{taints: "O E", basis: loader.Run}.compare(t, target.Check([]*loader.Module{m})[0])
		})
	}
}
