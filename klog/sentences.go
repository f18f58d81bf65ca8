package klog

import (
	"strings"

	"modkeep/internal/pattern"
)

// sentence is one thing that the loader says. Its pattern's named groups fill
// the LoadError: mod, sym, ns, owner, want, found, err.
type sentence struct {
	has   string // a literal part, looked for first: most lines of a log are about other things
	re    *pattern.Pattern
	kind  Kind
	errno string
	note  bool
}

// name is a module's name in front of a sentence. "module: " and "x86/modules: "
// are pr_fmt prefixes of kernel/module/ and arch/x86/kernel/module.c;
// "module NAME: " begins some sentences since 6.4.
const name = `^(?:module: |x86/modules: )?(?:module )?(?:(?P<mod>[\w.+-]+|\(missing \.modinfo section or name field\)): )?`

// named is name where the sentence cannot be told from others without it.
const named = `^(?:module: )?(?:module )?(?P<mod>[\w.+-]+|\(missing \.modinfo section or name field\)): `

func say(has, text string, kind Kind, errno string) sentence {
	return sentence{has: has, re: pattern.New(text + `$`), kind: kind, errno: errno}
}

func note(has, text string, kind Kind) sentence {
	return sentence{has: has, re: pattern.New(text + `$`), kind: kind, note: true}
}

// loaderSentences are those of kernel/module.c (2.6.0–5.18), kernel/module/
// (5.19 on), arch/*/kernel/module.c, kernel/params.c and
// kernel/module_signature.c, in the spellings of 2.6.11 to 7.x.
var loaderSentences = []sentence{
	// Versions: check_version, check_modstruct_version.
	say("disagrees about version of symbol", named+`disagrees about version of symbol (?P<sym>module_layout|struct_module)`, Layout, "ENOEXEC"),
	say("disagrees about version of symbol", named+`disagrees about version of symbol (?P<sym>\S+)`, CRC, ""),
	say("no symbol version for", named+`no symbol version for (?P<sym>module_layout|struct_module)`, NoVersion, "ENOEXEC"),
	note("no symbol version for", named+`no symbol version for (?P<sym>\S+)`, NoVersion), // an error when "Unknown symbol" follows
	note("no version for", named+`no version for "(?P<sym>\S+)" found: kernel tainted\.`, NoVersion),
	say("extended version crc", name+`extended version crc\+name presence does not match`, ELF, "ENOEXEC"),
	say("more extended version crcs", name+`more extended version crcs than names`, ELF, "ENOEXEC"),
	say("version magic '", named+`version magic '(?P<found>[^']*)' should be '(?P<want>[^']*)'`, Vermagic, "ENOEXEC"),
	note("no version magic", named+`no version magic, tainting kernel\.`, Taint),

	// Symbols: simplify_symbols, resolve_symbol.
	say("Unknown symbol", named+`Unknown symbol (?P<sym>\S+)(?: \(err (?P<err>-?\d+)\))?`, Missing, "ENOENT"),
	say("from namespace", named+`module uses symbol \(?(?P<sym>[^\s)]+)\)? from namespace (?P<ns>\S+), but does not import it\.?`, Namespace, ""),
	say("tries to import module namespace", named+`module tries to import module namespace: (?P<ns>\S+)`, Namespace, "EPERM"),
	say("module using GPL-only symbols", named+`module using GPL-only symbols uses symbols (?:(?P<sym>\S+) )?from proprietary module (?P<owner>[\w-]+)\.?`, GPL, ""),
	note("inheriting taint", named+`module uses symbols (?:(?P<sym>\S+) )?from proprietary module (?P<owner>[\w-]+), inheriting taint\.?`, Taint),
	say("failing symbol_get", `^failing symbol_get of non-GPLONLY symbol (?P<sym>\S+?)\.`, GPL, "ENOENT"),
	say("gave up waiting for init", named+`gave up waiting for init of module (?P<owner>[\w-]+)\.?`, Busy, "EBUSY"),
	say("-fno-common", named+`please compile with -fno-common`, ELF, "ENOEXEC"),
	say("exports duplicate symbol", named+`exports duplicate symbol (?P<sym>\S+) \(owned by (?P<owner>[\w-]+)\)`, Duplicate, "ENOEXEC"),
	say("protected symbol", named+`exports protected symbol (?P<sym>\S+)`, Signature, "EACCES"),
	note("marked GPL in the future", `^(?:(?P<mod>[\w-]+): )?symbol (?P<sym>\S+) is being used by a non-GPL module, which will not be allowed in the future`, Taint),

	// The file: elf_header_check, elf_validity_check, elf_validity_cache_*.
	say("Module len", name+`Module len (?P<found>\d+) truncated`, ELF, "ENOEXEC"),
	say("Invalid ", name+`Invalid (?P<found>(?:module )?(?:ELF|architecture in ELF) .+)`, ELF, "ENOEXEC"),
	say("ELF Spec violation", name+`ELF Spec violation: (?P<found>.+)`, ELF, "ENOEXEC"),
	say("empty section name table", name+`empty section name table`, ELF, "ENOEXEC"),
	say("symbol string table", name+`(?:empty symbol string table|symbol string table (?:missing leading NUL|isn't NUL terminated))`, ELF, "ENOEXEC"),
	say("symbol name out of bounds", name+`symbol name out of bounds in string table`, ELF, "ENOEXEC"),
	say("Only one .modinfo section", name+`Only one \.modinfo section must exist\.`, ELF, "ENOEXEC"),
	say("this_module section size", name+`\.gnu\.linkonce\.this_module section size must match the kernel's built struct module size at run time`, Size, "ENOEXEC"),
	say(".gnu.linkonce.this_module", name+`(?:Exactly one )?\.gnu\.linkonce\.this_module section must .+`, ELF, "ENOEXEC"),
	say("No module found in object", name+`No module found in object`, ELF, "ENOEXEC"),
	say("has no symbols (stripped?)", name+`module has no symbols \(stripped\?\)`, ELF, "ENOEXEC"),
	say("invalid section index", name+`Symbol (?P<sym>\S+) has an invalid section index .+`, ELF, "ENOEXEC"),
	say("WRITE|EXEC", name+`section (?P<sym>\S+) \(index \d+\) has invalid WRITE\|EXEC flags`, ELF, "ENOEXEC"),

	// Signatures: module_sig_check, mod_check_sig, lockdown.
	say("is rejected", name+`(?P<found>Loading of .*module.*) is rejected`, Signature, "EKEYREJECTED"),
	say("is restricted", `^Lockdown: (?:\S+: )?(?P<found>(?:unsigned module loading|Loading of unsigned modules?) is restricted);? ?.*`, Signature, "EPERM"),
	say("unexpected non-zero params", name+`PKCS#7 signature info has unexpected non-zero params`, Signature, "EBADMSG"),
	note("not signed with expected PKCS#7", name+`not signed with expected PKCS#7 message`, Signature),
	say("is blacklisted", `^Module hash (?P<found>[0-9a-f ]+) is blacklisted`, Signature, "EKEYREJECTED"),
	note("module verification failed", named+`module verification failed: .+`, Signature),
	note("Request for unknown module key", `^Request for unknown module key '(?P<found>.*)' err (?P<err>-?\d+)`, Signature),

	// Refused by name or by purpose.
	say("is blacklisted", name+`[Mm]odule (?P<mod2>[\w-]+) is blacklisted`, Blacklist, "EPERM"),
	say("livepatch", named+`module is marked as livepatch module, but livepatch support is disabled`, Livepatch, "ENOEXEC"),
	say("supported by", named+`module (?:is )?not supported by (?:Novell|SUSE).*refusing to load.*`, Unsupported, "ENOEXEC"),
	note("supported by", named+`module (?:is )?not supported by (?:Novell|SUSE).*`, Taint),

	// Relocation, memory, compression, type information, parameters.
	say("relocation target", name+`(?:Skipping i|I)nvalid relocation target, .+`, Relocation, "ENOEXEC"),
	say("relocation", name+`Unknown (?:rela |ADD |REL )?relocation: (?P<found>\S+)`, Relocation, "ENOEXEC"),
	say("relocation", name+`overflow in relocation type .+`, Relocation, "ENOEXEC"),
	say("relocation", name+`(?:unsupported RELA? relocation: .+|RELA? relocation unsupported)`, Relocation, "ENOEXEC"),
	say("relocation", named+`section \d+ reloc \d+ sym '(?P<sym>[^']*)'.*`, Relocation, "ENOEXEC"),
	say("likely not compiled with", "^[`'](?P<mod>[\\w-]+)' likely not compiled with -mcmodel=kernel", Relocation, "ENOEXEC"),
	say("percpu data", name+`Could not allocate \d+ bytes percpu data`, Memory, "ENOMEM"),
	say("compressed module", name+`not an? (?P<found>gzip|xz|zstd) compressed module`, Compression, "EINVAL"),
	say("decompression failed", name+`decompression failed with status (?P<found>-?\d+)`, Compression, "EINVAL"),
	say("failed to validate module", `^(?:BPF: ?)?failed to validate module \[(?P<mod>[\w-]+)\] BTF: (?P<err>-?\d+)`, BTF, "EINVAL"),
	note("unknown parameter", named+"unknown parameter ['`](?P<sym>[^']*)' ignored", Parameter),
	say("Unknown parameter", named+"Unknown parameter ['`](?P<sym>[^']*)'", Parameter, "ENOENT"),
	say("for parameter", named+"['`](?P<found>[^']*)' (?:invalid|too large) for parameter ['`](?P<sym>[^']*)'", Parameter, "EINVAL"),

	// Taints, and what else is only said.
	note("kernel tainted.", named+`(?P<found>module_layout|struct_module|bad vermagic|no versions for exported symbols|\S+): kernel tainted\.`, Taint),
	note("out-of-tree module taints", named+`loading out-of-tree module taints kernel\.`, Taint),
	note("taints kernel", named+`module license '(?P<found>[^']*)' taints kernel\.`, Taint),
	note("taints kernel", named+`module license taints kernel\.`, Taint),
	note("taints kernel", named+`loading test module taints kernel\.`, Taint),
	note("staging directory", named+`module is from the staging directory.*`, Taint),
	note("retpoline", named+`loading module not compiled with retpoline compiler\.`, Taint),
	note("TAINT_LIVEPATCH", named+`tainting kernel with TAINT_LIVEPATCH`, Taint),
}

// userSentences are those of programs that load modules: kmod, module-init-tools,
// busybox, systemd, modutils. Groups: prog, mod, file, kernel, msg.
var userSentences = []sentence{
	// kmod: insmod.c, modprobe.c.
	say("could not insert", `(?:^|[\s:/])(?P<prog>insmod|modprobe)(?:\[\d+\])?: (?:ERROR|FATAL|Error): could not insert (?:module )?'?(?P<mod>[^':]+)'?: (?P<msg>.+)`, "", ""),
	say("not found in directory", `(?:^|[\s:/])(?P<prog>modprobe|modinfo|insmod)(?:\[\d+\])?: (?:FATAL|ERROR|WARNING): Module (?P<mod>\S+) not found in directory \S*?/lib/modules/(?P<kernel>[^\s/]+)/?`, NotFound, "ENOENT"),
	say("not found.", `(?:^|[\s:/])(?:(?P<prog>modprobe|modinfo)(?:\[\d+\])?: )?(?:FATAL|ERROR): Module (?P<mod>\S+) not found\.`, NotFound, "ENOENT"),
	say("could not load module", `(?:^|[\s:/])(?P<prog>insmod)(?:\[\d+\])?: ERROR: could not load module (?P<mod>[^:]+): (?P<msg>.+)`, "", ""),
	// module-init-tools: insmod.c, modprobe.c.
	say("error inserting", `(?:^|[\s:/])(?P<prog>insmod)(?:\[\d+\])?: error inserting '(?P<mod>[^']+)': -1 (?P<msg>.+)`, "", ""),
	say("Error ", `(?:^|[\s:])(?:(?P<prog>modprobe)(?:\[\d+\])?: )?(?:FATAL|WARNING): Error [Ii]nserting (?P<mod>\S+) \((?P<file>[^)]+)\): (?P<msg>.+)`, "", ""),
	// busybox: modutils/insmod.c, modprobe.c, modprobe-small.c.
	say("can't insert", `(?:^|[\s:/])(?P<prog>insmod|modprobe): can't insert '(?P<mod>[^']+)': (?P<msg>.+)`, "", ""),
	say("can't load module", `(?:^|[\s:/])(?P<prog>modprobe|insmod): can't load module (?P<mod>\S+) \((?P<file>[^)]+)\): (?P<msg>.+)`, "", ""),
	say("not found in modules.dep", `(?:^|[\s:/])(?P<prog>modprobe): (?:FATAL: )?module '?(?P<mod>[^\s']+)'? not found in modules\.dep`, NotFound, "ENOENT"),
	// systemd: src/shared/module-util.c, modules-load.c; before 250 without "module".
	say("Failed to insert", `(?:^|[\s:])(?P<prog>[\w-]+)(?:\[\d+\])?: Failed to insert (?:module )?'(?P<mod>[^']+)': (?P<msg>.+)`, "", ""),
	say("Failed to load module", `(?:^|[\s:])(?P<prog>systemd[\w-]*|udev[\w-]*)(?:\[\d+\])?: (?:\S+: )?Failed to load module '(?P<mod>[^']+)': (?P<msg>.+)`, "", ""),
	say("Failed to find module", `(?:^|[\s:])(?P<prog>[\w-]+)(?:\[\d+\])?: Failed to find module '(?P<mod>[^']+)'(?:: .+)?`, NotFound, "ENOENT"),
	// modutils 2.4: insmod/insmod.c.
	say("unresolved symbol", `^(?:(?P<prog>insmod|modprobe|depmod): )?(?P<file>/\S+\.o): unresolved symbol (?P<sym>\S+)`, Missing, "ENOENT"),
	say("kernel-module version mismatch", `^(?:(?P<prog>insmod|modprobe): )?(?P<file>\S+\.o): kernel-module version mismatch`, Vermagic, ""),
	say("couldn't find the kernel version", `^(?:(?P<prog>insmod|modprobe): )?(?P<file>\S+\.o): couldn't find the kernel version the module was compiled for`, Vermagic, ""),
	say("already exists", `^(?:(?P<prog>insmod|modprobe): )?(?P<file>\S*?):? ?a module named (?P<mod>[\w-]+) already exists`, Exists, "EEXIST"),
	say("init_module: ", `^(?:(?P<prog>insmod|modprobe): )?(?P<file>\S+\.o): init_module: (?P<msg>.+)`, "", ""),
}

// otherSentences are about modules, yet no load failed: what packages and
// weak-modules say.
var otherSentences = []sentence{
	say("is not compatible", `Module (?P<mod>\S+?)\.ko(?:\.\w+)? from kernel (?P<found>\S+) is not compatible\s+with kernel (?P<want>\S+) in symbols:(?P<syms>.*)`, Unlinked, ""),
	say("fg: no job control", `(?P<found>\S*rpm-tmp\S*): line (?P<sym>\d+): fg: no job control`, Scriptlet, ""),
	say("not a part of", `Module (?P<mod>\S+) belongs? to (?P<owner>\S+) which is not a part of .*`, Unlinked, ""),
}

// match fills a LoadError where the sentence is the text's.
func (s *sentence) match(text string) (map[string]string, bool) {
	m := s.re.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	groups := map[string]string{}
	for i, g := range s.re.SubexpNames() {
		if g != "" && m[i] != "" {
			groups[g] = m[i]
		}
	}
	return groups, true
}

func find(table []sentence, text string) (*sentence, map[string]string) {
	for i := range table {
		s := &table[i]
		if s.has != "" && !strings.Contains(text, s.has) {
			continue
		}
		if groups, ok := s.match(text); ok {
			return s, groups
		}
	}
	return nil, nil
}

func matchLoadError(l Line) (LoadError, bool) {
	s, g := find(loaderSentences, trimmed(l.Text))
	if s == nil {
		return LoadError{}, false
	}
	return s.fill(l, g), true
}

// trimmed is the text without what printk or syslog put at its end.
func trimmed(text string) string { return strings.TrimRight(text, " \t\r") }

func (s *sentence) fill(l Line, g map[string]string) LoadError {
	e := LoadError{
		Module: g["mod"], Kind: s.kind, Symbol: g["sym"], Namespace: g["ns"], Owner: g["owner"],
		Errno: s.errno, Want: g["want"], Found: g["found"], Note: s.note, Lines: []Line{l},
	}
	if e.Module == "" {
		e.Module = g["mod2"]
	}
	if strings.HasPrefix(e.Module, "(") {
		e.Module = ""
	}
	if n, ok := g["err"]; ok && !s.note {
		e.Errno = errnoOfNumber(n)
	}
	if syms, ok := g["syms"]; ok {
		e.Symbols = strings.Fields(syms)
	}
	return e
}

// errnoOfNumber names the error numbers that "(err N)" can show. Kernels
// 2.6.36 to 4.x print 0 for a symbol that nothing exports.
func errnoOfNumber(n string) string {
	switch strings.TrimPrefix(n, "-") {
	case "0", "2":
		return "ENOENT"
	case "22":
		return "EINVAL"
	case "16":
		return "EBUSY"
	case "12":
		return "ENOMEM"
	case "8":
		return "ENOEXEC"
	case "13":
		return "EACCES"
	case "4":
		return "EINTR"
	}
	return ""
}

// matchUserLine finds what programs say. A program may stand in front of the
// text or, in a journal, be the line's source.
func matchUserLine(l Line) (UserLine, bool) {
	text := trimmed(l.Text)
	if l.Source != "" && l.Source != "kernel" && !strings.HasPrefix(text, l.Source+":") {
		text = l.Source + ": " + text
	}
	s, g := find(userSentences, text)
	if s == nil {
		return UserLine{}, false
	}
	u := UserLine{Line: l, Program: g["prog"], Module: g["mod"], File: g["file"], Kernel: g["kernel"], Message: g["msg"], Errno: s.errno, Kind: s.kind}
	if u.Program == "" && l.Source != "" {
		u.Program = l.Source
	}
	if strings.ContainsAny(u.Module, "/.") {
		u.File, u.Module = u.Module, moduleOfFile(u.Module)
	}
	if u.Module == "" && u.File != "" {
		u.Module = moduleOfFile(u.File)
	}
	if u.Errno == "" {
		u.Errno = errnoOfText(u.Message)
	}
	return u, true
}

func matchOther(l Line) (LoadError, bool) {
	s, g := find(otherSentences, trimmed(l.Text))
	if s == nil {
		return LoadError{}, false
	}
	return s.fill(l, g), true
}

// moduleOfFile is the module's name by its file's.
func moduleOfFile(file string) string {
	base := file[strings.LastIndexByte(file, '/')+1:]
	base, _, _ = strings.Cut(base, ".")
	return base
}

// errnoTexts are strerror's texts (glibc), and those that insmod and modprobe
// have of their own (kmod tools/insmod.c mod_strerror, tools/modprobe.c;
// module-init-tools insmod.c moderror; busybox modutils/modutils.c), small.
var errnoTexts = map[string]string{
	"invalid module format":    "ENOEXEC",
	"exec format error":        "ENOEXEC",
	"unknown symbol in module": "ENOENT",
	"unknown symbol in module, or unknown parameter (see dmesg)": "ENOENT",
	"unknown symbol in module, or unknown parameter":             "ENOENT",
	"unknown symbol in module or invalid parameter":              "ENOENT",
	"no such file or directory":                                  "ENOENT",
	"invalid parameters":                                         "EINVAL",
	"invalid parameter":                                          "EINVAL",
	"invalid argument":                                           "EINVAL",
	"file exists":                                                "EEXIST",
	"module already in kernel":                                   "EEXIST",
	"operation not permitted":                                    "EPERM",
	"permission denied":                                          "EACCES",
	"key was rejected by service":                                "EKEYREJECTED",
	"required key not available":                                 "ENOKEY",
	"bad message":                                                "EBADMSG",
	"package not installed":                                      "ENOPKG",
	"module has wrong symbol version":                            "ESRCH",
	"no such process":                                            "ESRCH",
	"no such device":                                             "ENODEV",
	"no such device or address":                                  "ENXIO",
	"device or resource busy":                                    "EBUSY",
	"cannot allocate memory":                                     "ENOMEM",
	"input/output error":                                         "EIO",
	"operation not supported":                                    "EOPNOTSUPP",
	"text file busy":                                             "ETXTBSY",
	"interrupted system call":                                    "EINTR",
	"function not implemented":                                   "ENOSYS",
	"kernel does not have module support":                        "ENOSYS",
	"not a directory":                                            "ENOTDIR",
	"no space left on device":                                    "ENOSPC",
	"connection timed out":                                       "ETIMEDOUT",
	"operation already in progress":                              "EALREADY",
	"resource temporarily unavailable":                           "EAGAIN",
}

func errnoOfText(text string) string {
	return errnoTexts[strings.ToLower(strings.TrimRight(text, ". "))]
}

// marksForeign reports whether a note says that its module is no part of the
// kernel.
func marksForeign(text string) bool {
	return strings.Contains(text, "out-of-tree module") || strings.Contains(text, "module license '")
}
