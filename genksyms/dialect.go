package genksyms

import (
	"fmt"
	"strconv"
	"strings"
)

// Era is one of the ways of computing versions that differ.
type Era uint8

// The eras. Each is named by the kernels that it was in.
const (
	G0 Era = iota // 2.4 to 2.6.24
	G1            // 2.6.25 to 2.6.38: an attribute after a declarator no longer counts
	G2            // 2.6.39 to 3.13: enumerators are expanded, types of the source file are unknown
	G3            // 3.14 to 6.13: typeof of an expression; typedef names may be declared again
	G4            // 6.14 on: all attributes count
)

// String returns the era as --era takes it: "G3".
func (e Era) String() string { return "G" + strconv.Itoa(int(e)) }

// Dialect is an era with what is particular to one kernel of it.
type Dialect struct {
	Era    Era
	Kernel string // the kernel it was confirmed with, such as "6.1"
	since  string // the first kernel of the era that has its particulars, where that is known

	extension   bool // __extension__ before typedef
	int128      bool // __int128 and its typedefs are types
	vaList      bool // __builtin_va_list is a type
	underscores bool // __restrict is a keyword; before, by a slip, _restrict was
	assert      bool // _Static_assert
	enumRefs    bool // enumerators of a reference disturb the count of those declared
	quotes      bool // strings with spaces in a reference
	references  bool // there are references; symtypes files have extern
}

// dialects are the kernels whose program was run and found equal, oldest first.
var dialects = []Dialect{
	{Era: G0, Kernel: "2.6.20"},
	{Era: G0, Kernel: "2.6.24", extension: true},
	{Era: G1, Kernel: "2.6.32", extension: true, references: true},
	{Era: G2, Kernel: "3.6", extension: true, enumRefs: true, references: true},
	{Era: G2, Kernel: "3.12", extension: true, enumRefs: true, references: true},
	{Era: G3, Kernel: "4.14", extension: true, enumRefs: true, int128: true, vaList: true, assert: true, quotes: true, references: true},
	{Era: G3, Kernel: "6.1", extension: true, enumRefs: true, int128: true, vaList: true, assert: true, quotes: true, underscores: true, references: true},
	{Era: G3, Kernel: "6.12", extension: true, enumRefs: true, int128: true, vaList: true, assert: true, quotes: true, underscores: true, references: true},
	{Era: G4, Kernel: "6.14", extension: true, enumRefs: true, int128: true, vaList: true, assert: true, quotes: true, underscores: true, references: true},
	{Era: G4, Kernel: "7.3", since: "6.16", extension: true, int128: true, vaList: true, assert: true, quotes: true, underscores: true, references: true},
}

// firstOf is the first kernel of each era.
var firstOf = [...]string{G0: "0", G1: "2.6.25", G2: "2.6.39", G3: "3.14", G4: "6.14"}

// Dialects returns the confirmed dialects, oldest first.
func Dialects() []Dialect { return append([]Dialect(nil), dialects...) }

// DialectOf returns the dialect of an era, by name (its last confirmed
// kernel's), or of a kernel version such as "4.14" or "6.1.0-56-amd64". Exact
// says whether that kernel's version was confirmed; else the dialect is the
// nearest of the same era.
func DialectOf(name string) (d Dialect, exact bool, err error) {
	for i := len(dialects) - 1; i >= 0; i-- {
		if dialects[i].Era.String() == name {
			return dialects[i], true, nil
		}
	}
	v, err := parseVersion(name)
	if err != nil {
		return d, false, fmt.Errorf("era %q: neither G0 to G4 nor a kernel version", name)
	}
	best := -1
	for i, d := range dialects { // oldest first
		if d.Era != eraOf(v) || Older(name, d.since) {
			continue
		}
		if best < 0 || d.since != "" || near(v, mustVersion(i)) < near(v, mustVersion(best)) {
			best = i
		}
	}
	return dialects[best], mustVersion(best) == v, nil
}

func mustVersion(i int) version {
	v, _ := parseVersion(dialects[i].Kernel)
	return v
}

// eraOf is the era of a kernel version.
func eraOf(v version) Era {
	era := G0
	for e, first := range firstOf {
		if at, _ := parseVersion(first); !v.less(at) {
			era = Era(e)
		}
	}
	return era
}

// version is the number of a kernel: three parts for 2.x, else two.
type version [3]int

func (v version) less(w version) bool {
	for i := range v {
		if v[i] != w[i] {
			return v[i] < w[i]
		}
	}
	return false
}

// near is how far two versions are apart. A major number is about 20 minor
// ones, as kernels since 3.0 go.
func near(v, w version) int {
	d := (v[0]-w[0])*20*100 + (v[1]-w[1])*100 + v[2] - w[2]
	return max(d, -d)
}

func parseVersion(s string) (v version, err error) {
	s = strings.TrimPrefix(s, "v")
	s, _, _ = strings.Cut(s, "-")
	s, _, _ = strings.Cut(s, "+")
	for i, part := range strings.SplitN(s, ".", 4) {
		if i > 2 || i == 2 && v[0] > 2 {
			break
		}
		if v[i], err = strconv.Atoi(part); err != nil || v[i] < 0 || v[i] > 9999 {
			return v, fmt.Errorf("kernel version %q: not numbers between dots", s)
		}
	}
	return v, nil
}

// Older says whether a kernel version is before another. What is no version is
// older than all.
func Older(a, b string) bool {
	v, err := parseVersion(a)
	w, _ := parseVersion(b)
	return err != nil || v.less(w)
}
