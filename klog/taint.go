package klog

import "strings"

// taintMeanings are the kernel's taint letters: kernel/panic.c taint_flags (2.6.0 to
// 6.18) and Documentation/admin-guide/tainted-kernels.rst, then those that
// distributions add.
var taintMeanings = map[byte]string{
	'G': "only GPL-compatible modules were loaded",
	'P': "a proprietary module was loaded",
	'F': "a module was loaded by force",
	'S': "the kernel runs on a processor or system that is out of specification",
	'R': "a module was unloaded by force",
	'M': "the processor reported a machine check",
	'B': "a page was released in a bad state",
	'U': "user space asked for the taint",
	'D': "the kernel died before: there was an oops or a BUG earlier",
	'A': "an ACPI table was overridden",
	'W': "the kernel gave a warning earlier",
	'C': "a staging driver was loaded",
	'I': "a bug in the platform's firmware is worked around",
	'O': "an out-of-tree module was loaded",
	'E': "an unsigned module was loaded",
	'L': "a soft lockup occurred earlier",
	'K': "the kernel was live-patched",
	'X': "auxiliary taint, for the distribution's own use (SUSE: an externally supported module)",
	'T': "the kernel was built with structure layout randomised (Red Hat: a technology preview is in use)",
	'N': "an in-kernel test was run (SUSE: an unsupported module was loaded)",
	'J': "user space used a mutating debug operation of fwctl",
	'H': "the hardware is not supported by the distribution (Red Hat)",
	'r': "a removed driver or feature is in use (Red Hat)",
	'p': "a partner-supported module was loaded (Red Hat)",
}

// Taints is the kernel's taint as a Report shows it: letters without the gaps.
type Taints string

// Has reports whether the letter is set.
func (t Taints) Has(letter byte) bool { return strings.IndexByte(string(t), letter) >= 0 }

// Spelled says what each letter means, in the letters' order. G is left out:
// it stands where P does not.
func (t Taints) Spelled() []string {
	var out []string
	for _, c := range []byte(t) {
		if c == 'G' {
			continue
		}
		meaning, ok := taintMeanings[c]
		if !ok {
			meaning = "unknown letter"
		}
		out = append(out, string(c)+": "+meaning)
	}
	return out
}

// cutTaint takes taint letters off the front of a text: groups of capitals,
// with gaps for the flags that are not set, up to the kernel's release.
func cutTaint(text string) (Taints, string) {
	var letters []byte
	for {
		rest := strings.TrimLeft(text, " \t")
		word, _, _ := strings.Cut(rest, " ")
		if word == "" || strings.Trim(word, "ABCDEFGHIJKLMNOPRSTUWXrp") != "" {
			return Taints(letters), rest
		}
		letters = append(letters, word...)
		if len(letters) > 64 {
			return Taints(letters[:64]), rest
		}
		text = rest[len(word):]
	}
}
