// Package modinfo reads .modinfo, the section of a module that holds what its
// source says of itself: key=value strings, each ended by a NUL.
//
// Keys that decide whether a kernel takes the module: vermagic, name, license,
// intree, import_ns, livepatch, retpoline, staging. When a key stands there
// more than once the kernel takes the first, except import_ns, of which it
// takes all (kernel/module/main.c get_next_modinfo, 6.12).
package modinfo

import (
	"bytes"
	"fmt"
	"strings"
)

// MaxSize is the most bytes of a .modinfo that are read. The largest in a
// Debian 6.1 kernel, of the option driver with its aliases, has 76 KB.
const MaxSize = 1 << 20

// Field is one string of the section.
type Field struct {
	Key, Value string
	Bare       bool // no '=' in it: Key is the whole string; no lookup finds it
}

// Info is the content of .modinfo in the section's order.
type Info []Field

// Parse reads the section's bytes. Runs of NULs count as one, and a string
// that the section's end cuts off counts (the kernel's next_string, 6.12). The
// fields share one copy of the data.
func Parse(data []byte) (Info, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("section .modinfo: %d bytes are more than the %d that are read", len(data), MaxSize)
	}
	text := string(data)
	info := make(Info, 0, bytes.Count(data, []byte{0}))
	for text != "" {
		s, rest, _ := strings.Cut(text, "\x00")
		text = rest
		if s == "" {
			continue
		}
		key, value, ok := strings.Cut(s, "=")
		info = append(info, Field{Key: key, Value: value, Bare: !ok})
	}
	return info, nil
}

// Get returns the first value of a key, as the kernel's get_modinfo does, and
// whether there is one.
func (info Info) Get(key string) (string, bool) {
	for i := range info {
		if info[i].Key == key && !info[i].Bare {
			return info[i].Value, true
		}
	}
	return "", false
}

// All returns every value of a key in the section's order.
func (info Info) All(key string) []string {
	var values []string
	for i := range info {
		if info[i].Key == key && !info[i].Bare {
			values = append(values, info[i].Value)
		}
	}
	return values
}

// Vermagic is the version magic of a module or a kernel.
type Vermagic struct {
	Raw     string   // as it stands; the kernel compares it byte by byte, trailing space and all
	Release string   // up to the first space: the kernel release
	Flags   []string // the words after it: SMP, preempt, mod_unload, modversions, …
}

// Rest returns what the kernel compares of a module with versions: all from
// the first space on (same_magic, kernel/module/version.c, 6.12).
func (v Vermagic) Rest() string { return v.Raw[len(v.Release):] }

// ParseVermagic takes a version magic apart.
func ParseVermagic(s string) Vermagic {
	release, _, _ := strings.Cut(s, " ")
	return Vermagic{Raw: s, Release: release, Flags: strings.Fields(s[len(release):])}
}

// Vermagic returns the module's version magic, false where it has none.
func (info Info) Vermagic() (Vermagic, bool) {
	s, ok := info.Get("vermagic")
	if !ok {
		return Vermagic{}, false
	}
	return ParseVermagic(s), true
}

// Depends returns the module names of depends=, and whether the key is there:
// modpost writes it, empty for a module that needs none, so that a module
// without it did not go through modpost.
func (info Info) Depends() ([]string, bool) {
	s, ok := info.Get("depends")
	if !ok || s == "" {
		return nil, ok
	}
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' }), true
}

// Softdep is a softdep= line: modules that modprobe loads before and after.
type Softdep struct{ Pre, Post []string }

// Softdeps returns the module's soft dependencies, each line for itself. Words
// before the first "pre:" or "post:" belong to neither and are dropped, as
// modprobe drops them.
func (info Info) Softdeps() []Softdep {
	var deps []Softdep
	for _, line := range info.All("softdep") {
		var d Softdep
		var to *[]string
		for _, word := range strings.Fields(line) {
			switch {
			case word == "pre:":
				to = &d.Pre
			case word == "post:":
				to = &d.Post
			case to != nil:
				*to = append(*to, word)
			}
		}
		deps = append(deps, d)
	}
	return deps
}

// Weakdeps returns the modules of weakdep= (6.11 and later): loaded by
// whoever needs them, named so that an initramfs takes them along.
func (info Info) Weakdeps() []string {
	var deps []string
	for _, line := range info.All("weakdep") {
		deps = append(deps, strings.Fields(line)...)
	}
	return deps
}

// Aliases returns the values of alias=.
func (info Info) Aliases() []string { return info.All("alias") }

// Firmware returns the values of firmware=: files below /lib/firmware.
func (info Info) Firmware() []string { return info.All("firmware") }

// Namespaces returns the values of import_ns=.
func (info Info) Namespaces() []string { return info.All("import_ns") }

// Param is a parameter of the module.
type Param struct {
	Name        string
	Type        string // of parmtype=: int, charp, "array of uint", …; empty where not given
	Description string // of parm=; empty where not given
}

// Params returns the module's parameters: those that have a parm= or a
// parmtype=, in the order in which their names first stand in the section.
func (info Info) Params() []Param {
	var params []Param
	index := make(map[string]int)
	for _, f := range info {
		if f.Bare || f.Key != "parm" && f.Key != "parmtype" {
			continue
		}
		name, text, _ := strings.Cut(f.Value, ":")
		i, ok := index[name]
		if !ok {
			i = len(params)
			index[name] = i
			params = append(params, Param{Name: name})
		}
		if f.Key == "parm" {
			params[i].Description = text
		} else {
			params[i].Type = text
		}
	}
	return params
}
