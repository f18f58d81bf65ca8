package loader

import (
	"fmt"
	"strings"

	"modkeep/ko/elf"
	"modkeep/symvers"
)

// export is what find_symbol() returns: a symbol that somebody exports on this
// kernel.
type export struct {
	symvers.Export
	owner       string // module name; "" for the kernel image
	file        string // path of the providing file, where there is one
	proprietary bool   // the owner is tainted P
}

// absence is why a symbol cannot be had although something names it.
type absence struct {
	kind     Kind
	provider string
	text     string
}

// finder answers for symbols on the kernel as it is when the module is loaded:
// everything it depends on that can be loaded is loaded.
type finder interface {
	find(symbol string) (*export, *absence)
}

// resolve is simplify_symbols. It goes on after a failure, and the last
// failure is the answer.
func (l *load) resolve() string {
	errno := ""
	for i := range l.m.imports {
		if e := l.resolveOne(&l.m.imports[i]); e != "" {
			errno = e
		}
	}
	return errno
}

func (l *load) resolveOne(s *importSymbol) string {
	switch s.section {
	case elf.SHN_COMMON:
		if strings.HasPrefix(s.name, "__gnu_lto") {
			return ""
		}
		text := l.logf("%s: please compile with -fno-common", l.name)
		l.found(Finding{Kind: KindELF, Symbol: s.name, Text: text})
		return "ENOEXEC"
	case elf.SHN_UNDEF:
		return l.resolveUndefined(s)
	}
	if l.ask(ruleBadIndex) == "accept" {
		l.warn("symbol %s is in section %d, which is not there: the kernel does not look", s.name, s.section)
		h := &l.m.header
		if end := h.Shoff + (uint64(s.section)+1)*uint64(h.Shentsize); end > uint64(l.bodyLen) {
			l.mayCrash("it reads the header of section %d, of symbol %s, behind the end of the file", s.section, s.name)
		}
		return ""
	}
	text := l.logf("%s: Symbol %s has an invalid section index %d (max %d)", l.name, s.name, s.section, l.m.header.Shnum-1)
	l.found(Finding{Kind: KindELF, Symbol: s.name, Text: text})
	return "ENOEXEC"
}

// resolveUndefined is resolve_symbol and the line that simplify_symbols prints
// when it fails.
func (l *load) resolveUndefined(s *importSymbol) string {
	e, why := l.finder.find(s.name)
	hidden := e != nil && e.Type.GPLOnly() && l.proprietary
	if e == nil || hidden {
		return l.notFound(s, e, why)
	}
	if e.Type.GPLOnly() {
		l.usingGPL = true
	}
	if !l.inherit(s, e) {
		return l.notFound(s, nil, &absence{KindGPL, e.file, "the module uses GPL-only symbols, " + e.owner + " is proprietary"})
	}
	if !l.versionAgrees(s, e) {
		errno := l.ask(ruleBadCRCErrno)
		if errno == "ENOENT" && s.weak {
			return ""
		}
		return l.unknownSymbol(s.name, errno)
	}
	if !l.namespaceImported(s.name, e) {
		return l.unknownSymbol(s.name, "EINVAL")
	}
	l.used(e)
	return ""
}

// notFound is a symbol that nobody gives to this module.
func (l *load) notFound(s *importSymbol, hidden *export, why *absence) string {
	x86 := l.m.header.Machine == machineX86_64 || l.m.header.Machine == machine386
	if s.weak || x86 && s.name == "_GLOBAL_OFFSET_TABLE_" {
		return ""
	}
	switch {
	case hidden != nil:
		license, _ := l.m.Info.Get("license")
		l.found(Finding{Kind: KindGPL, Symbol: s.name, Want: license, Found: string(hidden.Type), Provider: hidden.file,
			Text: s.name + " is for GPL-compatible modules only; the module's licence is " + quoteOrNone(license)})
	case why != nil:
		l.found(Finding{Kind: why.kind, Symbol: s.name, Provider: why.provider, Text: why.text})
	default:
		l.found(Finding{Kind: KindMissing, Symbol: s.name, Want: crcText(s.crc, s.hasCRC),
			Text: "nothing on this kernel exports " + s.name})
	}
	return l.unknownSymbol(s.name, "ENOENT")
}

func (l *load) unknownSymbol(name, errno string) string {
	if l.ask(ruleUnknownText) == "plain" {
		l.logf("%s: Unknown symbol %s", l.name, name)
	} else {
		l.logf("%s: Unknown symbol %s (err %d)", l.name, name, -errnoNumber[errno])
	}
	return errno
}

var errnoNumber = map[string]int{"ENOENT": 2, "EINVAL": 22, "EBUSY": 16}

// inherit is inherit_taint: whoever uses a symbol of a proprietary module
// becomes proprietary, unless it used a GPL-only symbol before.
func (l *load) inherit(s *importSymbol, e *export) bool {
	if !e.proprietary || l.ask(ruleInherit) == "no" {
		return true
	}
	if l.usingGPL {
		l.logf("%s: module using GPL-only symbols uses symbols %s from proprietary module %s.", l.name, s.name, e.owner)
		return false
	}
	if !l.proprietary {
		l.logf("%s: module uses symbols %s from proprietary module %s, inheriting taint.", l.name, s.name, e.owner)
		l.proprietary = true // the module only: the kernel has the taint from the owner
		l.v.Taints = append(l.v.Taints, "P")
	}
	return true
}

// versionAgrees is check_version for an import.
func (l *load) versionAgrees(s *importSymbol, e *export) bool {
	if !e.HasCRC || l.target.Versions == No {
		return true
	}
	if l.usesExt() {
		return l.compareVersion(s.name, version{s.extCRC, s.hasExt}, e, true)
	}
	if !l.hasVersions() {
		return l.forceVersion(s.name)
	}
	return l.compareVersion(s.name, version{s.crc, s.hasCRC}, e, false)
}

// compareVersion is the end of check_version: the CRC the module was built
// with against the exporter's, or the mercy for a name without one.
func (l *load) compareVersion(symbol string, have version, e *export, ext bool) bool {
	switch {
	case have.has && have.crc == uint64(e.CRC):
		return true
	case have.has:
		l.logf("%s: disagrees about version of symbol %s", l.name, symbol)
		l.found(Finding{Kind: KindCRC, Symbol: symbol, Want: crcText(have.crc, true), Found: e.CRC.String(), Provider: providerName(e),
			Text: "built for another version of " + symbol})
		return false
	case ext:
		l.warn("no extended symbol version for %s", symbol)
		return true
	}
	switch l.ask(ruleNoVersion) {
	case "taint":
		if !l.tainted("F") {
			l.logf("%s: no version for \"%s\" found: kernel tainted.", l.name, symbol)
		}
		l.taint("F")
		return true
	case "once-accept":
		if !l.saidNoVersion {
			l.logf("%s: no symbol version for %s", l.name, symbol)
			l.saidNoVersion = true
		}
		l.warn("no symbol version for %s", symbol)
		return true
	}
	l.logf("%s: no symbol version for %s", l.name, symbol)
	l.found(Finding{Kind: KindNoVersion, Symbol: symbol, Found: e.CRC.String(), Provider: providerName(e),
		Text: "the module carries no version of " + symbol})
	return false
}

// namespaceImported is verify_namespace_is_imported.
func (l *load) namespaceImported(symbol string, e *export) bool {
	mode := ""
	if e.Namespace == "" {
		return true
	}
	if mode = l.ask(ruleNamespaces); mode == "none" {
		return true
	}
	for _, ns := range l.m.Info.All("import_ns") {
		if ns == e.Namespace {
			return true
		}
	}
	if mode == "modules" && namespaceLists(e.Namespace, l.modname) {
		return true
	}
	allowed := l.target.configIs("MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS", "y")
	l.logf("%s: module uses symbol (%s) from namespace %s, but does not import it.", l.name, symbol, e.Namespace)
	if allowed {
		l.warn("symbol %s is in namespace %s, which the module does not import", symbol, e.Namespace)
		return true
	}
	l.found(Finding{Kind: KindNamespace, Symbol: symbol, Want: e.Namespace, Provider: providerName(e),
		Text: "symbol namespace " + e.Namespace + " is not imported"})
	return false
}

// namespaceLists is verify_module_namespace (6.16): a namespace "module:a,b*"
// is open to the modules it lists, where - and _ are the same and a tail *
// stands for anything.
func namespaceLists(ns, module string) bool {
	list, ok := strings.CutPrefix(ns, "module:")
	if !ok {
		return false
	}
	module = strings.ReplaceAll(module, "-", "_")
	for _, p := range strings.Split(list, ",") {
		p = strings.ReplaceAll(p, "-", "_")
		if prefix, glob := strings.CutSuffix(p, "*"); glob && strings.HasPrefix(module, prefix) || p == module {
			return true
		}
	}
	return false
}

// checkDuplicates is verify_exported_symbols: a module must not export what
// the kernel or a loaded module exports.
func (l *load) checkDuplicates() string {
	if len(l.m.exports) == 0 || l.ask(ruleDuplicates) == "accept" {
		return ""
	}
	for _, e := range l.m.exports {
		owner, ok := l.target.exportedAlready(l, e.Symbol)
		if !ok {
			continue
		}
		text := l.logf("%s: exports duplicate symbol %s (owned by %s)", l.name, e.Symbol, owner)
		l.found(Finding{Kind: KindDuplicate, Symbol: e.Symbol, Provider: owner, Text: text})
		return "ENOEXEC"
	}
	return ""
}

func crcText(crc uint64, has bool) string {
	if !has {
		return ""
	}
	if crc>>32 == 0 {
		return symvers.CRC(crc).String()
	}
	return fmt.Sprintf("0x%016x", crc)
}

func providerName(e *export) string {
	return firstOf(e.file, e.Module, e.owner, symvers.Vmlinux)
}

func quoteOrNone(s string) string {
	if s == "" {
		return "not stated"
	}
	return `"` + s + `"`
}
