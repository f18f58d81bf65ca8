package loader

// Basis says on what a verdict rests.
type Basis string

// A verdict rests on the weakest of the rules it went through.
const (
	Run       Basis = "run"       // the rule was seen on a real kernel of this distribution and version
	Source    Basis = "source"    // the rule was read in that kernel's source
	Unchecked Basis = "unchecked" // the rule is taken to hold between two kernels whose source was read
)

// rank orders bases, strongest first.
func (b Basis) rank() int {
	switch b {
	case Run:
		return 0
	case Source:
		return 1
	}
	return 2
}

// Verdict is the kernel's answer to one module. Its JSON form is an interface.
type Verdict struct {
	Module   string    `json:"module"` // path of the file
	Name     string    `json:"name"`   // the module's name, with underscores
	Kernel   string    `json:"kernel"` // krel
	Loads    bool      `json:"loads"`
	Errno    string    `json:"errno"` // "ENOEXEC"; empty where the module loads
	Log      []string  `json:"log"`   // the kernel's lines in its order, without time and level
	Insmod   string    `json:"insmod"`
	Modprobe string    `json:"modprobe"`
	Taints   []string  `json:"taints"`              // letters the module adds: O, E, P, …
	Warnings []string  `json:"warnings"`            // what does not stop the load
	MayCrash string    `json:"may_crash,omitempty"` // how the kernel may die instead of answering; the rest is its answer if it lives
	Unknown  []string  `json:"unknown"`             // what could not be judged for want of facts about the kernel
	Basis    Basis     `json:"basis"`
	Findings []Finding `json:"findings"`
	Next     string    `json:"next"` // one step that puts it right
}

// Safe reports whether the kernel loads the module and does not read, on the
// way, what may not be there.
func (v *Verdict) Safe() bool { return v.Loads && v.MayCrash == "" }

// Finding is one reason.
type Finding struct {
	Kind     Kind   `json:"kind"`
	Symbol   string `json:"symbol,omitempty"`
	Want     string `json:"want,omitempty"`  // what the module was built for: a CRC 0x%08x, a vermagic, a size
	Found    string `json:"found,omitempty"` // what the kernel has
	Provider string `json:"provider,omitempty"`
	Text     string `json:"text"`
}

// Kind sorts findings by the rule that made them.
type Kind string

// The kinds of findings.
const (
	KindCRC         Kind = "crc"         // disagrees about version of symbol
	KindNoVersion   Kind = "no-version"  // the module carries no CRC for a symbol it imports
	KindMissing     Kind = "missing"     // nothing on this kernel exports the symbol
	KindGPL         Kind = "gpl"         // GPL-only symbol, other licence
	KindNamespace   Kind = "namespace"   // symbol namespace not imported
	KindVermagic    Kind = "vermagic"    // version magic differs
	KindLayout      Kind = "layout"      // CRC of module_layout differs
	KindSize        Kind = "size"        // size of struct module differs
	KindSignature   Kind = "signature"   // signature policy
	KindDuplicate   Kind = "duplicate"   // exports a symbol somebody else exports
	KindELF         Kind = "elf"         // the file is damaged or foreign
	KindProvider    Kind = "provider"    // the symbol's provider is refused or not installed
	KindCycle       Kind = "cycle"       // modules need one another
	KindBlacklist   Kind = "blacklist"   // module_blacklist=, nomodule
	KindExists      Kind = "exists"      // a module of that name is loaded
	KindLivepatch   Kind = "livepatch"   // livepatch module, kernel without
	KindBTF         Kind = "btf"         // split BTF made for another kernel
	KindRelocation  Kind = "relocation"  // relocation that the architecture refuses
	KindForced      Kind = "forced"      // loads only by the force-load rule
	KindLicense     Kind = "license"     // taints by its licence
	KindCompression Kind = "compression" // packed in a way that kmod or the kernel cannot read
	KindExports     Kind = "exports"     // export tables in a form this kernel refuses
)

// errnoText is strerror(3) of glibc 2.36 for the errnos that load_module
// returns, and what kmod's insmod and modprobe print instead of it (kmod 30,
// tools/insmod.c mod_strerror, tools/modprobe.c insmod_insert).
var errnoText = map[string]struct{ strerror, insmod, modprobe string }{
	"ENOEXEC":      {"Exec format error", "Invalid module format", ""},
	"ENOENT":       {"No such file or directory", "Unknown symbol in module", "Unknown symbol in module, or unknown parameter (see dmesg)"},
	"EINVAL":       {"Invalid argument", "Invalid parameters", ""},
	"EEXIST":       {"File exists", "", "Module already in kernel"},
	"EPERM":        {"Operation not permitted", "", ""},
	"EBUSY":        {"Device or resource busy", "", ""},
	"ENOMEM":       {"Cannot allocate memory", "", ""},
	"EKEYREJECTED": {"Key was rejected by service", "", ""},
	"ENOKEY":       {"Required key not available", "", ""},
	"EBADMSG":      {"Bad message", "", ""},
	"ENOPKG":       {"Package not installed", "", ""},
	"EOPNOTSUPP":   {"Operation not supported", "", ""},
	"ESRCH":        {"No such process", "Module has wrong symbol version", ""},
}

// insmodText returns what kmod's insmod prints when the kernel answers errno.
func insmodText(path, errno string) string {
	if errno == "" {
		return ""
	}
	t := errnoText[errno]
	return "insmod: ERROR: could not insert module " + path + ": " + firstOf(t.insmod, t.strerror, errno)
}

// modprobeText returns what kmod's modprobe prints when the kernel answers
// errno to the module or to one it depends on.
func modprobeText(name, errno string) string {
	if errno == "" {
		return ""
	}
	t := errnoText[errno]
	return "modprobe: ERROR: could not insert '" + name + "': " + firstOf(t.modprobe, t.strerror, errno)
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// KindNotInstalled is a name that no file on this kernel answers to.
const KindNotInstalled Kind = "not-installed"

// Finished returns the verdict with empty lists in place of absent ones, so
// that its JSON has no nulls.
func (v *Verdict) Finished() *Verdict {
	v.finish()
	return v
}

// NotInstalled turns the verdict of a file that stands under another kernel
// into the answer for its name on this one: modprobe does not find it, and the
// verdict says whether a link would do. where is the file's place,
// RELEASE/DIR/FILE; moduleDir is this kernel's module directory.
func (v *Verdict) NotInstalled(where, moduleDir string) *Verdict {
	text := "exists as " + where + ", not linked for " + v.Kernel
	if v.Loads {
		text += ", although it would load"
		v.Next = "link it below " + moduleDir + "/weak-updates and run depmod"
	} else {
		text += ", because it would be refused: " + v.reason()
	}
	v.Loads = false
	v.Errno = "ENOENT"
	v.Log = nil
	v.Insmod = ""
	v.Modprobe = "modprobe: FATAL: Module " + v.Name + " not found in directory " + moduleDir
	v.Findings = append([]Finding{{Kind: KindNotInstalled, Provider: where, Text: text}}, v.Findings...)
	return v.Finished()
}
