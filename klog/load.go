package klog

import (
	"slices"
	"strings"
)

// Kind says which of the loader's rules a LoadError is about.
type Kind string

// The kinds, by the words that modkeep check uses for its findings.
const (
	CRC         Kind = "crc"           // an import's CRC is not the kernel's
	Layout      Kind = "layout"        // the CRC of module_layout (before 2.6.30 struct_module): struct module itself differs
	NoVersion   Kind = "no-version"    // __versions has no entry for an import
	Missing     Kind = "missing"       // nothing loaded exports the symbol, or not to this module
	GPL         Kind = "gpl"           // GPL-only symbols and proprietary code do not go together
	Namespace   Kind = "namespace"     // a symbol namespace is not imported, or may not be
	Vermagic    Kind = "vermagic"      // built for another kernel configuration or release
	Size        Kind = "size"          // .gnu.linkonce.this_module is not as the kernel's struct module
	Signature   Kind = "signature"     // signature missing, bad or not trusted; lockdown
	Duplicate   Kind = "duplicate"     // exports what is exported already
	ELF         Kind = "elf"           // the file is damaged, or is for another machine
	Relocation  Kind = "relocation"    // a relocation cannot be applied
	Compression Kind = "compression"   // the kernel cannot unpack the file
	Blacklist   Kind = "blacklist"     // module_blacklist= on the kernel's command line
	Livepatch   Kind = "livepatch"     // a livepatch for a kernel without livepatching
	BTF         Kind = "btf"           // type information does not fit the kernel's
	Parameter   Kind = "parameter"     // a parameter is unknown or its value is bad
	Memory      Kind = "memory"        // no memory for it
	Busy        Kind = "busy"          // a module it needs did not finish its init in time
	Unsupported Kind = "unsupported"   // the distribution's kernel takes supported modules only
	Taint       Kind = "taint"         // loads, and the kernel is tainted
	Init        Kind = "init"          // loaded, and its own init function failed
	Exists      Kind = "exists"        // loaded already
	Permission  Kind = "permission"    // not allowed: capability, modules_disabled, LSM
	NotFound    Kind = "not-installed" // no file of that name for the kernel
	Unlinked    Kind = "unlinked"      // weak-modules did not link it for the kernel
	Scriptlet   Kind = "scriptlet"     // a package's scriptlet is broken
	Unknown     Kind = "unknown"       // failed, and the log does not say why
)

// LoadError is one reason the kernel gave for not loading a module, or, where
// Note is set, one warning it gave while loading it.
type LoadError struct {
	Module    string // as the kernel names it; empty where it does not
	Kind      Kind
	Symbol    string
	Namespace string
	Owner     string   // the module that the symbol is of
	Errno     string   // ENOEXEC; empty where the line does not tell
	Want      string   // what the kernel asks for: its vermagic
	Found     string   // what the module has
	Symbols   []string // of Unlinked: all that did not fit
	Note      bool     // a warning: the module loads
	Lines     []Line   // the lines that say so, first the reason
}

// UserLine is a line in which a program says that a module could not be
// loaded.
type UserLine struct {
	Line
	Program string // insmod, modprobe, systemd-modules-load, …
	Module  string // as the program names it
	File    string // where it names a file
	Kernel  string // where it names a release
	Message string // the errno's text
	Errno   string // by that text; empty where it is not known
	Kind    Kind   // where the line itself tells it: NotFound, Exists, Missing, Vermagic
}

// Attempt is one try to load a module.
type Attempt struct {
	Module string      // with _ for -; empty where no line names it
	File   string      // where insmod or modprobe named it
	Kernel string      // release, where the log tells
	Errno  string      // what the system call gave, as far as the lines tell
	Errors []LoadError // in the log's order
	User   []UserLine
	Line   int    // number of the first line
	Time   string // of the first line
	More   int    // reasons left out for their number
}

// Refused reports whether the module was not loaded. An Attempt that is not
// refused holds warnings only.
func (a *Attempt) Refused() bool {
	return len(a.User) > 0 || slices.ContainsFunc(a.Errors, func(e LoadError) bool { return !e.Note })
}

// Kinds are the kinds of the reasons, each once, in order; Unknown where the
// kernel gave none.
func (a *Attempt) Kinds() []Kind {
	var kinds []Kind
	for _, e := range a.Errors {
		if !e.Note && !slices.Contains(kinds, e.Kind) {
			kinds = append(kinds, e.Kind)
		}
	}
	for _, u := range a.User {
		if kinds == nil && u.Kind != "" {
			kinds = append(kinds, u.Kind)
		}
	}
	if kinds == nil && len(a.User) > 0 {
		kinds = append(kinds, kindOfErrno(a.Errno))
	}
	return kinds
}

func kindOfErrno(errno string) Kind {
	switch errno {
	case "EKEYREJECTED", "ENOKEY", "EBADMSG", "ENOPKG":
		return Signature
	case "EEXIST":
		return Exists
	case "EPERM", "EACCES":
		return Permission
	case "ENOMEM":
		return Memory
	case "ENODEV", "ENXIO", "EIO", "ENOTSUPP":
		return Init
	}
	return Unknown
}

// The window of an attempt, in lines, and bounds that no honest log reaches.
const (
	attemptWindow = 64
	maxOpen       = 64
	maxErrors     = 2048
	maxUserLines  = 32
)

// attempts groups load errors. Lines of several loads mix (udev loads in
// parallel), so an attempt is kept open per module for some lines after its
// last one; a reason given twice means that another attempt began.
type attempts struct {
	emit    func(*Attempt)
	open    []*openAttempt // by the time they began
	kernel  string
	foreign string // module that the line just read says is out of tree, proprietary or unsigned
}

type openAttempt struct {
	Attempt
	last int // number of its last line
	seen map[string]bool
}

func (as *attempts) init(emit func(*Attempt)) { as.emit = emit }

func (as *attempts) line(l Line) {
	as.expire(l.Number)
	if l.fromKernel() {
		if e, ok := matchLoadError(l); ok {
			as.add(e)
			return
		}
	}
	if u, ok := matchUserLine(l); ok {
		as.addUser(u)
		return
	}
	if e, ok := matchOther(l); ok {
		as.emit(&Attempt{Module: normal(e.Module), Kernel: e.Want, Errors: []LoadError{e}, Line: l.Number, Time: l.Time})
	}
}

// add puts a reason into the attempt that it belongs to.
func (as *attempts) add(e LoadError) {
	if e.Note && (e.Kind == Taint || e.Kind == Signature) && e.Module != "" && marksForeign(e.Lines[0].Text) {
		as.foreign = normal(e.Module)
	}
	l := e.Lines[0]
	a := as.find(normal(e.Module))
	if a != nil && a.join(e) {
		a.last = l.Number
		return
	}
	key := string(e.Kind) + "\x00" + e.Symbol + "\x00" + e.Errno + "\x00" + e.Found
	// A note after a line of the tool is of the next attempt: the failed
	// one has nothing more to say.
	if a == nil || a.seen[key] || e.Note && a.Refused() && len(a.User) > 0 {
		a = as.begin(l, normal(e.Module))
	}
	a.last = l.Number
	if len(a.Errors) >= maxErrors {
		a.More++
		return
	}
	a.seen[key] = true
	a.Errors = append(a.Errors, e)
}

// join adds an "Unknown symbol X (err -22)" to the reason that it repeats, and
// says whether it was one.
func (a *openAttempt) join(e LoadError) bool {
	if e.Kind != Missing {
		return false
	}
	for i := len(a.Errors) - 1; i >= 0 && i >= len(a.Errors)-8; i-- {
		r := &a.Errors[i]
		if r.Symbol != e.Symbol || len(r.Lines) > 1 {
			continue
		}
		switch r.Kind {
		case CRC, NoVersion, Namespace, GPL, Busy:
			r.Errno, r.Note = e.Errno, false
			r.Lines = append(r.Lines, e.Lines...)
			return true
		}
	}
	// The wait for an exporting module names no symbol.
	if n := len(a.Errors); n > 0 && e.Errno == "EBUSY" && a.Errors[n-1].Kind == Busy && a.Errors[n-1].Symbol == "" {
		r := &a.Errors[n-1]
		r.Symbol, r.Lines = e.Symbol, append(r.Lines, e.Lines...)
		return true
	}
	return false
}

// addUser puts a program's line into the attempt it speaks of: that of the
// module; else the latest that no program spoke of and that came to the same
// errno. Names differ: modprobe names the module it was asked for and not the
// one of its dependencies that failed, insmod the file (Debian's
// nvidia-current.ko is the module nvidia).
func (as *attempts) addUser(u UserLine) {
	a := as.find(normal(u.Module))
	if a != nil && a.spokenBy(u) {
		a = nil
	} else if a == nil && u.Kind != NotFound {
		for _, o := range slices.Backward(as.open) {
			if len(o.User) == 0 && o.Refused() && o.agrees(u) {
				a = o
				break
			}
		}
	}
	if a == nil {
		a = as.begin(u.Line, normal(u.Module))
	}
	a.last = u.Number
	if a.Module == "" {
		a.Module = normal(u.Module)
	}
	if len(a.User) < maxUserLines {
		a.User = append(a.User, u)
	}
}

// agrees reports whether the attempt's reasons, as far as they tell, gave the
// errno that the program saw.
func (a *openAttempt) agrees(u UserLine) bool {
	errno := ""
	for i := range a.Errors {
		if e := &a.Errors[i]; !e.Note {
			if errno = e.Errno; errno == "" {
				errno = settledErrno(e)
			}
		}
	}
	return errno == "" || u.Errno == "" || errno == u.Errno
}

// spokenBy reports whether the program had said it already: then it is
// another try.
func (a *openAttempt) spokenBy(u UserLine) bool {
	return slices.ContainsFunc(a.User, func(o UserLine) bool { return o.Program == u.Program && o.Errno == u.Errno })
}

func (as *attempts) find(module string) *openAttempt {
	for _, a := range slices.Backward(as.open) {
		if a.Module == module {
			return a
		}
	}
	return nil
}

func (as *attempts) begin(l Line, module string) *openAttempt {
	if len(as.open) == maxOpen {
		as.close(as.open[0])
		as.open = slices.Delete(as.open, 0, 1)
	}
	a := &openAttempt{seen: map[string]bool{}}
	a.Module, a.Line, a.Time, a.Kernel = module, l.Number, l.Time, as.kernel
	as.open = append(as.open, a)
	return a
}

func (as *attempts) expire(now int) {
	as.open = slices.DeleteFunc(as.open, func(a *openAttempt) bool {
		if now-a.last <= attemptWindow {
			return false
		}
		as.close(a)
		return true
	})
}

func (as *attempts) closeAll() {
	for _, a := range as.open {
		as.close(a)
	}
	as.open = as.open[:0]
}

// close settles what the attempt came to. The program's errno is the system
// call's; without one the last reason decides, as the loader goes on to the
// last symbol (kernel/module/main.c simplify_symbols).
func (as *attempts) close(a *openAttempt) {
	for i := range a.Errors {
		e := &a.Errors[i]
		if e.Errno == "" && !e.Note {
			e.Errno = settledErrno(e)
		}
		if !e.Note && e.Errno != "" {
			a.Errno = e.Errno
		}
	}
	for _, u := range a.User {
		if u.Errno != "" {
			a.Errno = u.Errno
		}
		if u.File != "" {
			a.File = u.File
		}
		if u.Kernel != "" {
			a.Kernel = u.Kernel
		}
	}
	as.emit(&a.Attempt)
}

// settledErrno is the errno of a reason whose second line is not in the log.
func settledErrno(e *LoadError) string {
	switch e.Kind {
	case CRC, NoVersion, Namespace:
		return "EINVAL"
	case GPL:
		return "ENOENT"
	}
	return ""
}

// normal is a module's name as the kernel has it: modprobe takes - for _.
func normal(module string) string { return strings.ReplaceAll(module, "-", "_") }
