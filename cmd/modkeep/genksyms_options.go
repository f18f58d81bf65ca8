package main

import (
	"fmt"
	"strings"

	"modkeep/genksyms"
)

// genksymsOption is an option of genksyms. Which generation of the program has
// it is said by kernel version: since (included) to until (excluded).
type genksymsOption struct {
	short        byte
	long         string
	value        bool
	since, until string
	longUntil    string // the long name is known before this version only
	own          bool   // modkeep's, not the program's: never cut short
	usage        string // its line of the usage
}

// genksymsOptions are all of all generations, in the order of the usage.
var genksymsOptions = []genksymsOption{
	{short: 'a', long: "arch", value: true, until: "3.8", usage: "  -a, --arch            Select architecture"},
	{short: 's', long: "symbol-prefix", value: true, since: "3.8", until: "6.12", longUntil: "5.19", usage: "  -s, --symbol-prefix   Select symbol prefix"},
	{short: 'd', long: "debug", usage: "  -d, --debug           Increment the debug level (repeatable)"},
	{short: 'D', long: "dump", usage: "  -D, --dump            Dump expanded symbol defs (for debugging only)"},
	{short: 'r', long: "reference", value: true, usage: "  -r, --reference file  Read reference symbols from a file"},
	{short: 'T', long: "dump-types", value: true, usage: "  -T, --dump-types file Dump expanded types into file"},
	{short: 'p', long: "preserve", usage: "  -p, --preserve        Preserve reference modversions or fail"},
	{short: 'w', long: "warnings", usage: "  -w, --warnings        Enable warnings"},
	{short: 'q', long: "quiet", usage: "  -q, --quiet           Disable warnings (default)"},
	{short: 'h', long: "help", usage: "  -h, --help            Print this message"},
	{short: 'V', long: "version", usage: "  -V, --version         Print the release version"},
	{short: 'R', long: "rel-crc", since: "4.10", until: "5.19", usage: "  -R, --rel-crc         Emit section relative symbol CRCs"},
	{short: 'k', long: "kernel", value: true, own: true},
	{long: "era", value: true, own: true},
	{long: "symvers", value: true, own: true},
	{long: "format", value: true, own: true},
	{long: "modversions", own: true},
	{long: "columns", own: true},
}

// givenGenksyms is one option as it was given.
type givenGenksyms struct {
	short byte   // 0 if it has none
	long  string // its full name
	value string
}

// genksymsArguments parses a command line as C's getopt_long does: short
// options in a row, a value attached or in the next argument, long options cut
// short, operands anywhere. With -k anywhere, -p takes a value (and is then
// the prefix of modutils, not preserve).
type genksymsArguments struct {
	era    string // kernel version that the options are of; "": of any
	prefix bool   // -p takes a value
}

func (a genksymsArguments) parse(args []string) (given []givenGenksyms, operands []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			return given, append(operands, args...), nil
		case strings.HasPrefix(arg, "--"):
			var g givenGenksyms
			if g, args, err = a.long(arg, args); err != nil {
				return given, nil, err
			}
			given = append(given, g)
		case len(arg) > 1 && arg[0] == '-':
			var list []givenGenksyms
			list, args, err = a.short(arg[1:], args)
			given = append(given, list...)
			if err != nil {
				return given, nil, err
			}
		default:
			operands = append(operands, arg)
		}
	}
	return given, operands, nil
}

func (a genksymsArguments) short(letters string, args []string) (list []givenGenksyms, rest []string, err error) {
	for i := range len(letters) {
		o, ok := a.find(func(o genksymsOption) bool { return o.short == letters[i] })
		if !ok {
			return list, args, fmt.Errorf("invalid option -- '%c'", letters[i])
		}
		g := givenGenksyms{short: o.short, long: o.long}
		if !a.takesValue(o) {
			list = append(list, g)
			continue
		}
		g.value = letters[i+1:]
		if g.value == "" {
			if len(args) == 0 {
				return list, args, fmt.Errorf("option requires an argument -- '%c'", letters[i])
			}
			g.value, args = args[0], args[1:]
		}
		return append(list, g), args, nil
	}
	return list, args, nil
}

func (a genksymsArguments) long(arg string, args []string) (g givenGenksyms, rest []string, err error) {
	name, value, attached := strings.Cut(arg[2:], "=")
	var found []genksymsOption
	for _, o := range genksymsOptions {
		if !a.has(o) || !strings.HasPrefix(o.long, name) || o.own && o.long != name ||
			a.era != "" && o.longUntil != "" && !genksyms.Older(a.era, o.longUntil) {
			continue
		}
		if found = append(found, o); o.long == name {
			found = found[len(found)-1:]
			break
		}
	}
	if len(found) == 0 {
		return g, args, fmt.Errorf("unrecognized option '%s'", arg)
	}
	if len(found) > 1 {
		text := fmt.Sprintf("option '%s' is ambiguous; possibilities:", arg)
		for _, o := range found {
			text += fmt.Sprintf(" '--%s'", o.long)
		}
		return g, args, fmt.Errorf("%s", text)
	}
	o := found[0]
	g = givenGenksyms{short: o.short, long: o.long, value: value}
	switch takes := a.takesValue(o); {
	case attached && !takes:
		return g, args, fmt.Errorf("option '--%s' doesn't allow an argument", o.long)
	case takes && !attached:
		if len(args) == 0 {
			return g, args, fmt.Errorf("option '--%s' requires an argument", o.long)
		}
		g.value, args = args[0], args[1:]
	}
	return g, args, nil
}

func (a genksymsArguments) takesValue(o genksymsOption) bool {
	return o.value || a.prefix && o.short == 'p'
}

func (a genksymsArguments) find(is func(genksymsOption) bool) (genksymsOption, bool) {
	for _, o := range genksymsOptions {
		if is(o) && a.has(o) {
			return o, true
		}
	}
	return genksymsOption{}, false
}

// has says whether the program of this generation has an option.
func (a genksymsArguments) has(o genksymsOption) bool {
	return a.era == "" || (o.since == "" || !genksyms.Older(a.era, o.since)) && (o.until == "" || genksyms.Older(a.era, o.until))
}
