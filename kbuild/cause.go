package kbuild

import (
	"fmt"
	"path/filepath"
	"strings"

	"modkeep/internal/pattern"
)

// Cause is why a build failed, as its log tells.
type Cause struct {
	Text string // "driver/x.c:12: too few arguments to function ‘f’"
	// Symbol is the function, type or member of the kernel's whose interface is
	// not what the source expects; "" where the cause is another one.
	Symbol string
	Line   int // of the log, from 1; 0 where no line tells
	// passing is set where the machine is to blame, not what the build is of: the
	// same inputs may do better at another time.
	passing bool
}

// reason is one way in which builds fail: what the log says, and what that means.
// $1 … are the groups of the expression; $k is the kernel.
type reason struct {
	re     *pattern.Pattern
	text   string
	symbol int // group that names what of the kernel's changed; 0 for none
	// passing is Cause's.
	passing bool
}

// quoted is a name as gcc (in quotes of any kind, by its locale) and clang
// write it.
const quoted = "[‘'`\"]([^’'\"`]+)[’'\"]"

func why(expr, text string, symbol int) reason {
	return reason{re: pattern.New(strings.ReplaceAll(expr, "Q", quoted)), text: text, symbol: symbol}
}

// lack is why for what the machine lacks: memory, a program, what a configure
// script looks for.
func lack(expr, text string) reason {
	r := why(expr, text, 0)
	r.passing = true
	return r
}

// reasons are tried in their order on each line; the first line that one fits
// is the cause: what follows is most often its consequence. The wordings are
// those of gcc 8 to 14, clang 11 to 18, GNU make 4, and modpost of Linux 4.4 to
// 6.12 (scripts/mod/modpost.c).
var reasons = []reason{
	why(`fatal error: '?([^:']+)'?(?: file not found|: No such file or directory)`, "header $1 is missing: not in the source, nor in the headers of kernel $k", 0),
	why(`error: implicit declaration of function Q`, "kernel $k does not declare function $1", 1),
	why(`error: call to undeclared function Q`, "kernel $k does not declare function $1", 1),
	why(`error: too (few|many) arguments to function (?:call|Q)`, "changed interface: too $1 arguments to function $2", 2),
	why(`error: passing argument (\d+) of Q (from incompatible pointer type|discards|makes)`, "changed interface: argument $1 of $2 has another type", 2),
	why(`error: (?:initialization of|assignment to) Q from incompatible pointer type Q`, "changed interface: a function of type $1 is expected, and one of type $2 given", 0),
	why(`error: incompatible (?:function )?pointer types (?:initializing|assigning to|passing) Q`, "changed interface: another type than $1 is given", 0),
	why(`error: Q has no member named Q`, "changed interface: $1 has no member $2", 1),
	why(`error: no member named Q in Q`, "changed interface: $2 has no member $1", 2),
	why(`error: (?:use of undeclared identifier )?Q undeclared`, "kernel $k does not declare $1", 1),
	why(`error: use of undeclared identifier Q`, "kernel $k does not declare $1", 1),
	why(`error: unknown type name Q`, "kernel $k does not declare type $1", 1),
	why(`error: (?:field|variable) Q has (?:an )?incomplete type`, "changed interface: the type of $1 is not defined", 0),
	why(`error: (?:conflicting types for|static declaration of|redefinition of|redeclaration of) Q`, "kernel $k declares $1 itself, in another way", 1),
	why(`error: (?:incomplete definition of type|invalid use of undefined type) Q`, "changed interface: $1 is not defined", 1),
	why(`error: void value not ignored as it ought to be`, "changed interface: a function returns nothing now", 0),
	why(`ERROR: (?:modpost: )?"([^"]+)" \[([^\]]+)\] undefined!`, "symbol $1 that $2 uses is exported neither by kernel $k nor by a provider", 1),
	why(`(?:ERROR|FATAL): (?:modpost: )?GPL-incompatible module (\S+) uses (?:GPL-only|.*) symbol '([^']+)'`, "$1 is not under the GPL and uses the GPL-only symbol $2", 2),
	why(`ERROR: (?:modpost: )?module (\S+) uses symbol (\S+) from namespace (\S+), but does not import it`, "$1 uses $2 of namespace $3, which it does not import", 2),
	why(`error: macro Q (requires \d+ arguments, but only \d+ given|passed \d+ arguments, but takes just \d+)`, "changed interface: macro $1 $2", 0),
	lack(`(?i)configure: error: (.*\S)`, "configure: $1"),
	lack(`(No space left on device|Disk quota exceeded|Cannot allocate memory|virtual memory exhausted.*)`, "$1"),
	lack(`(?:error: Killed signal terminated program|internal compiler error: Killed \(program) (\w+)`, "$1 was killed, for want of memory most often"),
	why(`error: (.*\S)`, "$1", 0),
	lack(`(?:sh|bash)(?:: line)?:? ?\d*: (\S+): (?:command )?not found`, "program $1 is not installed"),
	lack(`make(?:\[\d+\])?: (\S+): (?:No such file or directory|Command not found|Permission denied)$`, "program $1 is not installed or cannot be run"),
	why(`No rule to make target Q(?:, needed by Q)?`, "make has no rule for $1", 0),
	lack(`^! Error: (.*\S)`, "configure: $1"),
	why(`internal compiler error: (.*\S)`, "internal compiler error: $1", 0),
	why(`(undefined reference to .*|multiple definition of .*)`, "$1", 0),
	why(`(?:ERROR|FATAL): (?:modpost: )?(.*\S)`, "modpost: $1", 0),
	lack(`\*\*\* (/lib/modules/\S+/(?:build|source)): No such file or directory\.\s+Stop\.`, noHeadersHere),
	why(`\*\*\* (.*\S)\.\s+Stop\.`, "make: $1", 0),
	why(`(?i)^[*! ]*error:? (.*\S)`, "$1", 0),
}

const noHeadersHere = "the source looks for the kernel's headers in $1 of this machine, where there are none"

// looked is a reason where no other one is found: makefiles that are told where the
// headers are may look there all the same.
var looked = lack(`(/lib/modules/[^/\s]+/(?:build|source))['’]?: No such file or directory`, noHeadersHere)

// brokenRecipe is what make says of a recipe that failed.
var brokenRecipe = pattern.New(`^make(?:\[\d+\])?: \*\*\* \[.*\] Error \d+`)

// position is where in a source a compiler found something.
var position = pattern.New(`^(?:In file included from )?([^\s:]+\.[chS]):(\d+)`)

// FindCause reads a build's log. dir is where it was built: paths in it are
// made relative. "make failed" is never the cause: where nothing known is in
// the log, the last line that says anything is, before make says that a recipe
// failed: others may still be at work.
func FindCause(log []byte, krel, dir string) Cause {
	last, other := Cause{Text: "the build failed and its log says nothing"}, Cause{}
	rest, n, broken := string(log), 0, false
	for rest != "" {
		line, after, _ := strings.Cut(rest, "\n")
		rest, n = after, n+1
		line = strings.TrimRight(line[:min(len(line), 4096)], "\r")
		if strings.HasPrefix(line, "$ ") {
			continue
		}
		for _, r := range reasons {
			if m := r.re.FindStringSubmatch(line); m != nil {
				c := r.cause(m, krel, dir)
				c.Line = n
				if at := where(line, rest, dir); at != "" {
					c.Text = at + ": " + c.Text
				}
				if text := declaration(rest, c.Symbol); text != "" {
					c.Text += "; the kernel has: " + text
				}
				return c
			}
		}
		if m := looked.re.FindStringSubmatch(line); m != nil && other.Line == 0 {
			other = looked.cause(m, krel, dir)
			other.Line = n
		}
		broken = broken || last.Line > 0 && brokenRecipe.MatchString(line)
		if text := strings.TrimSpace(line); text != "" && !strings.HasPrefix(text, "make") && !broken {
			last = Cause{Text: text, Line: n}
			if short := strings.ReplaceAll(text, dir+"/", ""); short != "" {
				last.Text = short
			}
		}
	}
	if other.Line > 0 {
		return other
	}
	return last
}

func (r reason) cause(m []string, krel, dir string) Cause {
	text := strings.ReplaceAll(r.text, "$k", krel)
	for i := len(m) - 1; i > 0; i-- {
		text = strings.ReplaceAll(text, fmt.Sprintf("$%d", i), strings.ReplaceAll(m[i], dir+"/", ""))
	}
	c := Cause{Text: strings.TrimSpace(text), passing: r.passing}
	if r.symbol > 0 {
		c.Symbol = strings.TrimPrefix(m[r.symbol], "struct ")
	}
	return c
}

// where is the place that a compiler's line is about, as FILE:LINE. A place in a
// header of the kernel is that of a macro: the source's own line, which uses it,
// comes in one of the next lines.
func where(line, rest, dir string) string {
	p := position.FindStringSubmatch(line)
	if p == nil {
		return ""
	}
	if own(p[1], dir) {
		return strings.TrimPrefix(p[1], dir+"/") + ":" + p[2]
	}
	for range 30 {
		line, rest, _ = strings.Cut(rest, "\n")
		if q := position.FindStringSubmatch(line); q != nil && own(q[1], dir) && strings.Contains(line, "note: in expansion") {
			return strings.TrimPrefix(q[1], dir+"/") + ":" + q[2]
		}
	}
	return p[1] + ":" + p[2]
}

// declaration is the kernel's own one of a symbol, where the compiler shows it
// in one of the next lines: "  228 | struct class *class_create(const char *name);".
func declaration(rest, symbol string) string {
	if symbol == "" {
		return ""
	}
	shown := false
	for range 30 {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if _, text, ok := strings.Cut(line, " | "); shown && ok && strings.Contains(text, symbol+"(") {
			text = strings.TrimRight(strings.Join(strings.Fields(text), " "), " ;,")
			if strings.Count(text, "(") > strings.Count(text, ")") { // it goes on in lines that are not shown
				text += ", …)"
			}
			return text
		}
		shown = strings.Contains(line, "note: declared here") || strings.Contains(line, "note: expected ")
	}
	return ""
}

func own(name, dir string) bool { return !filepath.IsAbs(name) || strings.HasPrefix(name, dir+"/") }
