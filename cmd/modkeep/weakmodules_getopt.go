package main

import (
	"errors"
	"fmt"
	"strings"
)

// longOption is a long option of a program that parses its command line with
// util-linux's getopt(1).
type longOption struct {
	name  string
	value bool // it takes an argument
}

// givenOption is one option as it was given.
type givenOption struct {
	name  string // without dashes, in full
	value string
}

// getopt parses a command line as util-linux 2.38's getopt(1) does: long
// options may be abbreviated, take --name=value or the next argument, and may
// stand behind operands; "--" ends them. short lists the short options, each
// that takes an argument with a colon behind it; posix, as POSIXLY_CORRECT in
// the environment, ends the options at the first operand. The error is in
// getopt's words; what was given before it is returned too.
func getopt(args []string, short string, long []longOption, posix bool) (options []givenOption, operands []string, err error) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return options, append(operands, args[i+1:]...), nil
		case strings.HasPrefix(arg, "--"):
			name, value, attached := strings.Cut(arg[2:], "=")
			o, err := findOption(name, arg, long)
			if err != nil {
				return options, nil, err
			}
			if attached && !o.value {
				return options, nil, fmt.Errorf("option '--%s' doesn't allow an argument", o.name)
			}
			if o.value && !attached {
				if i++; i == len(args) {
					return options, nil, fmt.Errorf("option '--%s' requires an argument", o.name)
				}
				value = args[i]
			}
			options = append(options, givenOption{o.name, value})
		case len(arg) > 1 && arg[0] == '-':
			list, next, err := shortOptions(arg[1:], args[i+1:], short)
			options = append(options, list...)
			if err != nil {
				return options, nil, err
			}
			if next {
				i++
			}
		case posix:
			return options, append(operands, args[i:]...), nil
		default:
			operands = append(operands, arg)
		}
	}
	return options, operands, nil
}

// shortOptions parses short options in a row. An argument is the rest of the
// row or, then next is true, the first of those that follow.
func shortOptions(row string, follow []string, short string) (options []givenOption, next bool, err error) {
	for i := range len(row) {
		c := row[i : i+1]
		at := strings.Index(short, c)
		if at < 0 || c == ":" {
			return options, false, fmt.Errorf("invalid option -- '%s'", c)
		}
		if !strings.HasPrefix(short[at+1:], ":") {
			options = append(options, givenOption{name: c})
			continue
		}
		value := row[i+1:]
		if next = value == ""; next {
			if len(follow) == 0 {
				return options, false, fmt.Errorf("option requires an argument -- '%s'", c)
			}
			value = follow[0]
		}
		return append(options, givenOption{c, value}), next, nil
	}
	return options, false, nil
}

// findOption finds the option of a name or of an unambiguous beginning of one;
// arg is the whole argument, for the error.
func findOption(name, arg string, long []longOption) (longOption, error) {
	var found []longOption
	for _, o := range long {
		if o.name == name {
			return o, nil
		}
		if strings.HasPrefix(o.name, name) {
			found = append(found, o)
		}
	}
	switch len(found) {
	case 0:
		return longOption{}, fmt.Errorf("unrecognized option '%s'", arg)
	case 1:
		return found[0], nil
	}
	text := fmt.Sprintf("option '%s' is ambiguous; possibilities:", arg)
	for _, o := range found {
		text += fmt.Sprintf(" '--%s'", o.name)
	}
	return longOption{}, errors.New(text)
}
