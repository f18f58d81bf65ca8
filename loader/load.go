package loader

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"modkeep/ko"
	"modkeep/ko/elf"
)

// The flags of finit_module(2) (include/uapi/linux/module.h, 6.1).
const (
	ignoreModversions = 1
	ignoreVermagic    = 2
	compressedFile    = 4
)

// load is one call of load_module: a module, a kernel, and what has been said
// so far.
type load struct {
	target *Target
	m      *Module
	finder finder
	v      *Verdict
	basis  Basis
	arch   Arch // the kernel's, or where that is unknown the module's

	name    string // mod->name: of struct module, which the lines after the copy carry
	modname string // the same with underscores

	bodyLen        int64 // info->len: the file less what the signature step took off
	signed         bool
	truncated      bool
	forced         bool
	proprietary    bool // the module is tainted P
	usingGPL       bool
	flags          uint64 // the kernel's taints
	wasProprietary bool   // the kernel was tainted P before
	saidNoVersion  bool
	providers      []*export
}

// run follows load_module and returns the errno, "" where the module's own
// init is reached.
func (l *load) run() string {
	l.basis = Run
	l.flags = l.target.Tainted
	l.wasProprietary = l.tainted("P")
	l.arch = l.target.Arch
	if l.arch.Machine == 0 {
		l.unknown("architecture")
		if l.m.headerErr == nil {
			l.arch = archOfModule(&l.m.header)
		}
	}
	if l.target.VersionGuessed {
		l.unknown("kernel version")
		l.basis = Unchecked
	}
	if l.target.NoModule {
		l.found(Finding{Kind: KindBlacklist, Text: "the kernel was started with nomodule"})
		return "EPERM"
	}
	known := ignoreModversions | ignoreVermagic
	if !l.target.Version.Less(Version{5, 17, 0}) {
		known |= compressedFile
	}
	if l.target.Flags&^known != 0 {
		l.found(Finding{Kind: KindELF, Text: "finit_module was given flags this kernel does not know"})
		return "EINVAL"
	}
	if errno, done := l.unpack(); done {
		return errno
	}
	if l.m.size == 0 {
		l.bodyLen = 0
		l.found(Finding{Kind: KindELF, Text: "the file is empty"})
		return "EINVAL"
	}
	steps := []func() string{l.checkSignature, l.checkELF, l.checkReadable, l.checkBlacklist}
	if l.ask(ruleSigOrder) == "after-blacklist" {
		l.bodyLen = l.m.size
		steps = []func() string{l.checkELF, l.checkReadable, l.checkBlacklist, l.checkSignature}
	}
	steps = append(steps, l.checkLayout, l.checkModinfo)
	if l.ask(ruleSigOrder) == "first" && l.target.answers[ruleBlacklist].value == "silent" { // 4.14: layout_and_allocate
		steps = []func() string{l.checkSignature, l.checkELF, l.checkReadable, l.checkLayout, l.checkBlacklist, l.checkModinfo}
	}
	late := l.ask(ruleTaintTime) == "inserted"
	if !late {
		steps = append(steps, l.noteTaints, l.checkSectionFlags, l.checkExists, l.noteUnsigned, l.noteLicense)
	} else {
		steps = append(steps, l.checkExists, l.checkSectionFlags, l.noteTaints, l.noteUnsigned, l.noteLicense)
	}
	if errno := firstErrno(steps...); errno != "" {
		l.lookFurther()
		return errno
	}
	return firstErrno(l.checkConstructors, l.lookForAny, l.checkExportTables, l.checkImportNamespaces, l.resolve, l.checkRelocations, l.checkDuplicates, l.noteTraceEvents, l.checkBTF, l.checkParameters, l.checkDepends)
}

// lookFurther resolves the imports of a module that was refused before the
// kernel came to them, for the findings alone: module_layout is the first to
// differ and says the least.
func (l *load) lookFurther() {
	n := len(l.v.Findings)
	if n == 0 || !slices.Contains([]Kind{KindLayout, KindVermagic, KindSize, KindNoVersion}, l.v.Findings[n-1].Kind) {
		return
	}
	quiet := *l.v
	basis := l.basis
	l.resolve()
	quiet.Findings = l.v.Findings
	*l.v, l.basis = quiet, basis
}

// algorithms are the compressions the kernel can be built to unpack, one of
// them (kernel/module/decompress.c, 6.12).
var algorithms = []struct {
	compression ko.Compression
	config      string
	refusal     string
}{
	{ko.Gzip, "MODULE_COMPRESS_GZIP", "not a gzip compressed module"},
	{ko.XZ, "MODULE_COMPRESS_XZ", "not an xz compressed module"},
	{ko.Zstd, "MODULE_COMPRESS_ZSTD", "not a zstd compressed module"},
}

// unpack is what the kernel does with a file that is handed to it as it is:
// one that nobody unpacked is no ELF file, unless the kernel is told to unpack
// it and was built to. done is false where the load goes on.
func (l *load) unpack() (errno string, done bool) {
	if l.target.Flags&compressedFile == 0 {
		if !l.target.Raw || l.m.Compression == ko.None {
			return "", false
		}
		if errno := l.signaturePolicy("unsigned module"); errno != "" {
			return errno, true
		}
		return l.elfRefused("Invalid ELF header magic: != \x7fELF"), true
	}
	if l.target.configIs("MODULE_DECOMPRESS", "n") {
		l.found(Finding{Kind: KindCompression, Text: "the kernel does not unpack modules (CONFIG_MODULE_DECOMPRESS)"})
		return "EOPNOTSUPP", true
	}
	if l.target.Version.Less(Version{5, 17, 0}) {
		return "EINVAL", true
	}
	for _, a := range algorithms {
		if l.target.configIs(a.config, "y") && a.compression != l.m.Compression {
			l.found(Finding{Kind: KindCompression, Text: l.logf("%s", a.refusal)})
			return "EINVAL", true
		}
	}
	if l.m.Compression == ko.XZ {
		if status := l.m.xzStatus(); status >= 0 {
			l.found(Finding{Kind: KindCompression, Text: l.logf("decompression failed with status %d", status)})
			return "EINVAL", true
		}
	}
	return "", false
}

// What the kernel's xz decoder ends in (include/linux/xz.h, 6.12).
const (
	xzOK           = 0 // the input ended too early
	xzOptionsError = 6
	xzDataError    = 7
)

// xzStatus is how the kernel's decoder fails on a file, -1 where it does not.
// It knows no integrity check but CRC32 (lib/xz/xz_dec_stream.c, 6.12), and the
// check's number stands in the eighth byte of the stream.
func (m *Module) xzStatus() int {
	if head := headOf(m.Path, 8); len(head) == 8 && head[7] > 1 {
		return xzOptionsError
	}
	switch {
	case m.Err == nil:
		return -1
	case errors.Is(m.Err, io.ErrUnexpectedEOF):
		return xzOK
	}
	return xzDataError
}

// noteTraceEvents is trace_module_add_events (kernel/trace/trace_events.c, 6.1):
// a module that is forced in, proprietary or, once, a live patch gets none.
func (l *load) noteTraceEvents() string {
	if l.sectionSize("_ftrace_events") == 0 || l.target.configIs("EVENT_TRACING", "n") || !l.taintedBy("F P K") {
		return ""
	}
	if l.taintedBy(l.ask(ruleTraceTaints)) {
		l.logf("%s: module has bad taint, not creating trace events", l.name)
		l.warn("gets no trace events: its taint does not allow them")
	}
	return ""
}

// taintedBy tells whether the module has one of the taints.
func (l *load) taintedBy(taints string) bool {
	return slices.ContainsFunc(l.v.Taints, func(t string) bool { return slices.Contains(strings.Fields(taints), t) })
}

// checkDepends warns where depends= names less than the module needs: modprobe
// goes by modules.dep, which depmod makes of the symbols, but other loaders
// (busybox's, an initramfs made by hand) go by this key.
func (l *load) checkDepends() string {
	depends, ok := l.m.Info.Get("depends")
	if !ok {
		return ""
	}
	named := strings.Split(strings.ReplaceAll(depends, "-", "_"), ",")
	for _, e := range l.providers {
		if e.owner != "" && !slices.Contains(named, e.owner) {
			named = append(named, e.owner)
			l.warn("depends= does not name %s, which gives %s", e.owner, e.Symbol)
		}
	}
	return ""
}

// checkParameters is parse_args as far as the module file tells: a parameter
// it does not have is ignored. What a value does to a known one is the
// module's affair.
func (l *load) checkParameters() string {
	for _, word := range strings.Fields(l.target.Params) {
		name, _, _ := strings.Cut(word, "=")
		if name == "dyndbg" || name == "async_probe" || l.hasParameter(name) {
			continue
		}
		l.logf("%s: unknown parameter '%s' ignored", l.name, name)
		l.warn("has no parameter %s", name)
	}
	return ""
}

func (l *load) hasParameter(name string) bool {
	for _, p := range l.m.Info.All("parmtype") {
		if n, _, _ := strings.Cut(p, ":"); strings.ReplaceAll(n, "-", "_") == strings.ReplaceAll(name, "-", "_") {
			return true
		}
	}
	return false
}

// ask answers a rule for this kernel and remembers on what the answer rests.
func (l *load) ask(r rule) string {
	a := &l.target.answers[r]
	if a.basis.rank() > l.basis.rank() {
		l.basis = a.basis
	}
	return a.value
}

// logf notes a line of the kernel's log and returns it.
func (l *load) logf(format string, args ...any) string {
	line := fmt.Sprintf(format, args...)
	l.v.Log = append(l.v.Log, line)
	return line
}

func (l *load) found(f Finding) { l.v.Findings = append(l.v.Findings, f) }

func (l *load) warn(format string, args ...any) {
	l.v.Warnings = append(l.v.Warnings, fmt.Sprintf(format, args...))
}

// mayCrash notes that the kernel reads at an offset into the file which the
// file does not have. What lies there is up to its memory: it lives, or oopses.
func (l *load) mayCrash(format string, args ...any) {
	if l.v.MayCrash == "" {
		l.v.MayCrash = fmt.Sprintf(format, args...)
		l.found(Finding{Kind: KindELF, Text: "the kernel may crash: " + l.v.MayCrash})
	}
}

func (l *load) unknown(what string) {
	if !slices.Contains(l.v.Unknown, what) {
		l.v.Unknown = append(l.v.Unknown, what)
	}
}

// used notes an export of another module that the module is linked to.
func (l *load) used(e *export) {
	if e.owner != "" {
		l.providers = append(l.providers, e)
	}
}

// force is try_to_force_load: what is missing is forgiven, with a taint, by
// kernels built with CONFIG_MODULE_FORCE_LOAD.
func (l *load) force(reason string) bool {
	switch l.target.Force {
	case No:
		l.found(Finding{Kind: KindForced, Text: reason + ", and the kernel does not force modules in (CONFIG_MODULE_FORCE_LOAD)"})
		return false
	case Unknown:
		l.unknown("CONFIG_MODULE_FORCE_LOAD")
	}
	if !l.tainted("F") {
		l.logf("%s: %s: kernel tainted.", l.name, reason)
	}
	if !l.forced {
		l.warn("is forced in: %s", reason)
	}
	l.forced = true
	l.taint("F")
	return true
}

// forceVersion forgives a module without any versions what it lacks for one
// symbol. One finding speaks for all symbols.
func (l *load) forceVersion(symbol string) bool {
	if l.target.Force == No {
		if !slices.ContainsFunc(l.v.Findings, func(f Finding) bool { return f.Kind == KindNoVersion }) {
			l.found(Finding{Kind: KindNoVersion, Text: "carries no symbol versions, and the kernel does not force modules in (CONFIG_MODULE_FORCE_LOAD)"})
		}
		return false
	}
	return l.force(symbol)
}

// checkReadable ends a load whose file passed this kernel's checks although
// its tables make no sense to us; the kernel would have faulted or refused.
func (l *load) checkReadable() string {
	if l.m.parseErr == nil {
		return ""
	}
	l.basis = Unchecked
	l.found(Finding{Kind: KindELF, Text: l.m.parseErr.Error()})
	return "ENOEXEC"
}

func (l *load) checkBlacklist() string {
	if !slices.Contains(l.target.Blacklist, l.infoName()) {
		return ""
	}
	mode := l.ask(ruleBlacklist)
	if mode == "none" {
		return ""
	}
	text := fmt.Sprintf("Module %s is blacklisted", l.infoName())
	if mode == "message" {
		l.logf("%s", text)
	}
	l.found(Finding{Kind: KindBlacklist, Text: text})
	return "EPERM"
}

// infoName is info->name: modinfo's name= where there is one.
func (l *load) infoName() string {
	if n, ok := l.m.Info.Get("name"); ok {
		return n
	}
	return l.name
}

// checkLayout is check_modstruct_version: the CRC of one symbol stands for
// struct module. It refuses with ENOEXEC, unlike any other CRC.
func (l *load) checkLayout() string {
	if l.target.Versions == No {
		return ""
	}
	symbol := l.ask(ruleLayoutSymbol)
	e, _ := l.finder.find(symbol)
	if e == nil || !e.HasCRC {
		if e == nil {
			l.unknown("CRC of " + symbol)
		}
		return ""
	}
	have := l.m.layout.moduleLayout
	if symbol == "struct_module" {
		have = l.m.layout.structModule
	}
	ext := l.usesExt()
	ok := false
	switch {
	case ext:
		ok = l.compareVersion(symbol, l.m.layout.ext, e, true)
	case !l.hasVersions():
		ok = l.forceVersion(symbol)
	default:
		ok = l.compareVersion(symbol, have, e, false)
	}
	if ok {
		return ""
	}
	if n := len(l.v.Findings); n > 0 && l.v.Findings[n-1].Kind == KindCRC {
		l.v.Findings[n-1].Kind = KindLayout
		l.v.Findings[n-1].Text = "built for another struct module"
	}
	return "ENOEXEC"
}

// checkModinfo is the part of check_modinfo that refuses: vermagic and
// livepatch.
func (l *load) checkModinfo() string {
	if errno := l.checkVermagic(); errno != "" {
		return errno
	}
	if _, ok := l.m.Info.Get("livepatch"); !ok || !l.target.configIs("LIVEPATCH", "n") {
		return ""
	}
	// The line has no newline in the source, so the next one follows on it.
	text := l.logf("%s: module is marked as livepatch module, but livepatch support is disabled", l.name)
	l.found(Finding{Kind: KindLivepatch, Text: text})
	return "ENOEXEC"
}

// hasVersions reports whether the kernel sees __versions.
func (l *load) hasVersions() bool {
	return l.m.versions && l.target.Flags&ignoreModversions == 0
}

// usesExt reports whether the kernel goes by the extended versions alone.
func (l *load) usesExt() bool {
	return l.m.extCRCs && l.target.Flags&ignoreModversions == 0 && l.ask(ruleExtVersions) == "used"
}

func (l *load) checkVermagic() string {
	magic, ok := l.m.Info.Get("vermagic")
	if l.target.Flags&ignoreVermagic != 0 {
		ok = false
	}
	if !ok || l.m.allocated(".modinfo") == nil && l.ask(ruleThisModule) == "present" {
		if l.force("bad vermagic") {
			return ""
		}
		return "ENOEXEC"
	}
	want := l.target.Vermagic
	if want == "" {
		l.unknown("vermagic")
		return ""
	}
	if sameMagic(magic, want, l.hasVersions()) {
		return ""
	}
	text := l.logf("%s: version magic '%s' should be '%s'", l.infoName(), magic, want)
	l.found(Finding{Kind: KindVermagic, Want: magic, Found: want, Text: vermagicDifference(magic, want, text)})
	return "ENOEXEC"
}

// sameMagic is same_magic: a module with CRCs need not match the release.
func sameMagic(module, kernel string, hasCRCs bool) bool {
	if hasCRCs {
		module, kernel = afterRelease(module), afterRelease(kernel)
	}
	return module == kernel
}

func afterRelease(magic string) string {
	if i := strings.IndexByte(magic, ' '); i >= 0 {
		return magic[i:]
	}
	return ""
}

// vermagicDifference says in words what differs between two vermagic strings.
func vermagicDifference(module, kernel, otherwise string) string {
	m, k := strings.Fields(module), strings.Fields(kernel)
	if len(m) == 0 || len(k) == 0 {
		return otherwise
	}
	var parts []string
	if m[0] != k[0] {
		parts = append(parts, "built for "+m[0])
	}
	for _, w := range m[1:] {
		if !slices.Contains(k[1:], w) {
			parts = append(parts, "the kernel is not "+w)
		}
	}
	for _, w := range k[1:] {
		if !slices.Contains(m[1:], w) {
			parts = append(parts, "the module is not "+w)
		}
	}
	if len(parts) == 0 {
		return otherwise
	}
	return strings.Join(parts, ", ")
}

func (l *load) checkExists() string {
	if !slices.Contains(l.target.Loaded, l.modname) {
		return ""
	}
	l.found(Finding{Kind: KindExists, Text: "a module named " + l.modname + " is loaded already"})
	return "EEXIST"
}

// checkSectionFlags is module_enforce_rwx_sections, and arm64's
// module_frob_arch_sections as far as it refuses.
func (l *load) checkSectionFlags() string {
	if l.arch.Name == "aarch64" {
		if n, _ := l.named(".plt"); n == 0 {
			return l.elfRefused("%s: module PLT section(s) missing", l.name)
		}
		if n, _ := l.named(".init.plt"); n == 0 {
			return l.elfRefused("%s: module PLT section(s) missing", l.name)
		}
	}
	if l.target.configIs("STRICT_MODULE_RWX", "n") {
		return ""
	}
	for i := range l.m.sections {
		if s := &l.m.sections[i]; s.Flags&shfWX == shfWX && l.ask(ruleWX) == "refuse" {
			return l.elfRefused("%s: section %s (index %d) has invalid WRITE|EXEC flags", l.name, s.Name, i)
		}
	}
	return ""
}

func (l *load) checkConstructors() string {
	if l.m.allocated(".ctors") != nil && l.m.allocated(".init_array") != nil && l.target.configIs("CONSTRUCTORS", "y") {
		text := l.logf("%s: has both .ctors and .init_array.", l.name)
		l.found(Finding{Kind: KindELF, Text: text})
		return "EINVAL"
	}
	return ""
}

// checkExportTables is check_export_symbol_versions, and since the tables were
// merged check_export_symbol_sections: exports without CRCs need the force-load
// rule, exports without flags are refused.
func (l *load) checkExportTables() string {
	sym, gpl := l.sectionSize("__ksymtab") > 0, l.sectionSize("__ksymtab_gpl") > 0
	flagstab := l.ask(ruleKsymtab) == "flagstab"
	if flagstab {
		for _, s := range []string{"__ksymtab_gpl", "__kcrctab_gpl"} {
			if l.m.allocated(s) != nil {
				l.logf("%s: ignoring obsolete section %s", l.name, s)
				l.warn("exports in %s are ignored by this kernel", s)
			}
		}
		if sym && l.m.allocated("__kflagstab") == nil {
			text := l.logf("%s: no flags for exported symbols", l.name)
			l.found(Finding{Kind: KindExports, Text: text})
			return "ENOEXEC"
		}
	}
	if l.target.Versions != Yes {
		return ""
	}
	without := sym && l.m.allocated("__kcrctab") == nil || !flagstab && gpl && l.m.allocated("__kcrctab_gpl") == nil
	if without && !l.force("no versions for exported symbols") {
		return "ENOEXEC"
	}
	return ""
}

func (l *load) sectionSize(name string) uint64 {
	if s := l.m.allocated(name); s != nil {
		return s.Size
	}
	return 0
}

// checkImportNamespaces is the part of setup_modinfo (6.16) that refuses to
// import a namespace which is made of module names.
func (l *load) checkImportNamespaces() string {
	if l.ask(ruleNamespaces) != "modules" {
		return ""
	}
	for _, ns := range l.m.Info.All("import_ns") {
		if strings.HasPrefix(ns, "module:") {
			text := l.logf("%s: module tries to import module namespace: %s", l.name, ns)
			l.found(Finding{Kind: KindNamespace, Text: text})
			return "EPERM"
		}
	}
	return ""
}

// checkRelocations is apply_relocations as far as it does not depend on where
// the module comes to lie.
func (l *load) checkRelocations() string {
	f := l.m.fault
	if f == nil {
		return ""
	}
	var text string
	switch {
	case f.rel:
		text = l.logf("module %s: REL relocation unsupported", l.name)
	case f.nonZero:
		text = l.logf("module: "+l.ask(ruleRelocText), f.section, f.index, f.rtype)
	case l.m.header.Machine == machineARM64:
		text = l.logf(l.ask(ruleRelocARM64), l.name, f.rtype)
	default:
		text = l.logf("module: %s: Unknown rela relocation: %d", l.name, f.rtype)
	}
	l.found(Finding{Kind: KindRelocation, Text: text})
	return "ENOEXEC"
}

// structName reads module.name at its place in struct module: after state and
// list, 24 bytes on 64-bit kernels and 12 on 32-bit ones (include/linux/module.h).
func structName(h *elf.Header, data []byte) string {
	off := 12
	if h.Is64 {
		off = 24
	}
	if len(data) <= off {
		return ""
	}
	name, _, ok := strings.Cut(string(data[off:min(len(data), off+64)]), "\x00")
	if !ok {
		return ""
	}
	return name
}
