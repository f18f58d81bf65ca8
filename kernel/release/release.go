// Package release parses and orders kernel release strings, what uname -r
// prints and what names a directory below lib/modules.
//
// A release (krel) begins with the upstream version, up to three numbers
// ("6.1.0"), and goes on as the distribution likes: Debian "-56-cloud-amd64",
// its 6.12 "+deb12-amd64", Red Hat "-503.el9.x86_64", SUSE "-150600.21-default",
// Ubuntu "-45-generic". The flavor is the last part of that, where a
// distribution builds several kernels of one version.
//
// Two orders are in use: rpm's (rpmvercmp, lib/rpmio/rpmvercmp.c of rpm 4.18)
// and dpkg's (deb-version(7)). Less is the one this project prints in: both
// agree with it on the releases that distributions really use.
package release

import (
	"fmt"
	"strings"
)

// maxLength bounds a release: struct utsname holds 64 bytes with the NUL
// (include/uapi/linux/utsname.h), and a directory entry at most 255.
const maxLength = 255

// Release is a parsed kernel release.
type Release struct {
	Text  string // as given
	Major int
	Minor int
	Patch int    // 0 where the release has two numbers only
	Parts int    // how many numbers there were: 2 or 3
	Rest  string // all after the numbers, with its separator: "-56-cloud-amd64"
	// Flavor is the last part of Rest after a dash or plus, without a package
	// version: "cloud-amd64", "default", "generic". Empty where there is none,
	// as on Red Hat, whose variants stand as "+rt", "+64k" (Flavor "rt", "64k").
	Flavor string
}

// Parse splits a release. A release begins with two numbers joined by a dot,
// as depmod(8) wants of its version argument.
func Parse(krel string) (Release, error) {
	if len(krel) > maxLength {
		return Release{}, fmt.Errorf("release %.40q…: longer than %d bytes", krel, maxLength)
	}
	if i := strings.IndexFunc(krel, func(r rune) bool { return r <= ' ' || r == '/' || r == 0x7f }); i >= 0 {
		return Release{}, fmt.Errorf("release %q: byte %d is not allowed in a release", krel, i)
	}
	r := Release{Text: krel}
	rest, ok := krel, false
	if r.Major, rest, ok = number(rest); !ok || !strings.HasPrefix(rest, ".") {
		return Release{}, fmt.Errorf("release %q: does not begin with MAJOR.MINOR", krel)
	}
	if r.Minor, rest, ok = number(rest[1:]); !ok {
		return Release{}, fmt.Errorf("release %q: does not begin with MAJOR.MINOR", krel)
	}
	r.Parts = 2
	if strings.HasPrefix(rest, ".") {
		if n, after, ok := number(rest[1:]); ok {
			r.Patch, r.Parts, rest = n, 3, after
		}
	}
	r.Rest = rest
	r.Flavor = flavor(rest)
	return r, nil
}

// number reads a decimal number of at most nine digits from the head of s.
func number(s string) (n int, rest string, ok bool) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		n = n*10 + int(s[i]-'0')
		if i++; i > 9 {
			return 0, s, false
		}
	}
	return n, s[i:], i > 0
}

// flavor finds the flavor in what follows a release's numbers: the parts from
// the end back to the first that holds a digit at its head ("56", "150600.21",
// "503.el9.x86_64") or is Debian's build mark ("deb12").
func flavor(rest string) string {
	if i := strings.LastIndexByte(rest, '+'); i >= 0 && !strings.HasPrefix(rest[i+1:], "deb") {
		return rest[i+1:]
	}
	parts := strings.FieldsFunc(rest, func(r rune) bool { return r == '-' || r == '+' })
	first := len(parts)
	for first > 0 && isWord(parts[first-1]) {
		first--
	}
	return strings.Join(parts[first:], "-")
}

func isWord(part string) bool {
	switch {
	case part == "", part[0] >= '0' && part[0] <= '9', part[0] == '.':
		return false
	case strings.HasPrefix(part, "rc") && digits(part[2:]), strings.HasPrefix(part, "deb") && digits(strings.TrimRight(part[3:], "u")):
		return false
	}
	return true
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// Upstream returns the numbers of the release: "6.1.0". It is the version of
// the source only where the distribution keeps it there: Debian's 6.1 kernels
// all say 6.1.0.
func (r Release) Upstream() string {
	if r.Parts < 3 {
		return fmt.Sprintf("%d.%d", r.Major, r.Minor)
	}
	return fmt.Sprintf("%d.%d.%d", r.Major, r.Minor, r.Patch)
}

// AtLeast reports whether the release is of version major.minor or later.
func (r Release) AtLeast(major, minor int) bool {
	return r.Major > major || r.Major == major && r.Minor >= minor
}

// Less reports whether a is the older kernel, for sorting lists of kernels:
// rpm's order, and the plain order of bytes where that calls two different
// strings equal, so that a sorted list is always the same.
func Less(a, b string) bool { return Compare(a, b) < 0 }

// Compare is Less with three results: -1, 0 or 1. It is 0 only for equal strings.
func Compare(a, b string) int {
	if c := CompareRPM(a, b); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

// CompareRPM compares two strings as rpmvercmp does: -1 when a is older, 0
// when rpm holds them equal (which unequal strings may be: "1.0" and "1_0"),
// 1 when a is newer. The strings are taken whole: epochs and dashes mean
// nothing.
func CompareRPM(a, b string) int {
	if a == b {
		return 0
	}
	for a != "" || b != "" {
		a, b = strings.TrimLeftFunc(a, separatorRPM), strings.TrimLeftFunc(b, separatorRPM)
		// A tilde sorts before everything, even the end of the string.
		if c, both := mark(a, b, '~', -1); both {
			a, b = a[1:], b[1:]
			continue
		} else if c != 0 {
			return c
		}
		// A caret sorts after the end of the string and before all else.
		if hasMark(a, '^') || hasMark(b, '^') {
			if a == "" || b == "" {
				return sign(len(a) - len(b))
			}
			if c, both := mark(a, b, '^', -1); !both {
				return c
			}
			a, b = a[1:], b[1:]
			continue
		}
		if a == "" || b == "" {
			break
		}
		var c int
		if c, a, b = segmentRPM(a, b); c != 0 {
			return c
		}
	}
	return sign(len(a) - len(b))
}

// segmentRPM compares the run of digits or letters at the head of a, whichever
// it is, with the same kind of run in b.
func segmentRPM(a, b string) (c int, restA, restB string) {
	kind := isAlpha
	if isDigit(a[0]) {
		kind = isDigit
	}
	headA, restA := run(a, kind)
	headB, restB := run(b, kind)
	if headB == "" { // a number is newer than a word
		if isDigit(a[0]) {
			return 1, restA, restB
		}
		return -1, restA, restB
	}
	if isDigit(a[0]) {
		return compareNumbers(headA, headB), restA, restB
	}
	return strings.Compare(headA, headB), restA, restB
}

// mark handles a mark that only one side may have: both is true when both
// begin with it, else c says who is older.
func mark(a, b string, m byte, older int) (c int, both bool) {
	inA, inB := hasMark(a, m), hasMark(b, m)
	switch {
	case inA && inB:
		return 0, true
	case inA:
		return older, false
	case inB:
		return -older, false
	}
	return 0, false
}

func hasMark(s string, m byte) bool { return s != "" && s[0] == m }

func separatorRPM(r rune) bool {
	return r > 0x7f || !isAlpha(byte(r)) && !isDigit(byte(r)) && r != '~' && r != '^'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isAlpha(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func run(s string, kind func(byte) bool) (head, rest string) {
	i := 0
	for i < len(s) && kind(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

// compareNumbers compares decimal numbers of any length.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return sign(len(a) - len(b))
	}
	return strings.Compare(a, b)
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
