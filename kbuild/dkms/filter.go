package dkms

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"modkeep/internal/pattern"
	"modkeep/kernel/release"
)

// The programs that files pipe words through.

// grep answers grep -q for the kernel's configuration or what comes by a pipe.
func (in *interpreter) grep(args []string, _ string) status {
	extended, invert, quiet := false, false, false
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		for _, f := range args[0][1:] {
			switch f {
			case 'q', 's', 'e':
				quiet = quiet || f == 'q'
			case 'E':
				extended = true
			case 'v':
				invert = true
			default:
				in.note("grep %s is not evaluated", brief(args[0]))
				return unknown
			}
		}
		args = args[1:]
	}
	text, ok := in.grepped(args)
	if !ok || !quiet && in.out != nil {
		in.note("grep %s is not evaluated", brief(strings.Join(args, " ")))
		return unknown
	}
	expr := args[0]
	if !extended {
		expr = basicRE(expr)
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		in.note("grep %s: %v", brief(args[0]), err)
		return unknown
	}
	for line := range strings.Lines(text) {
		if re.MatchString(strings.TrimSuffix(line, "\n")) != invert {
			return yes
		}
	}
	return no
}

func (in *interpreter) grepped(args []string) (string, bool) {
	switch {
	case len(args) == 1 && in.input != nil && in.input.known():
		return in.input.text, true
	case len(args) == 2 && in.isConfig(args[1]):
		var text strings.Builder
		for name, v := range in.kernel.Config {
			fmt.Fprintf(&text, "CONFIG_%s=%s\n", name, v)
		}
		return text.String(), true
	}
	return "", false
}

// basicRE makes a basic regular expression of grep and sed one of Go's.
func basicRE(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			i++
			if strings.IndexByte("(){}+?|", text[i]) < 0 {
				out.WriteByte('\\')
			}
			out.WriteByte(text[i])
		case strings.IndexByte("(){}+?|", c) >= 0:
			out.WriteByte('\\')
			out.WriteByte(c)
		case c == '[':
			end := strings.IndexByte(text[min(i+2, len(text)):], ']')
			if end < 0 {
				out.WriteString(`\[`)
				break
			}
			out.WriteString(text[i : i+3+end])
			i += 2 + end
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// sedCommand is s/…/…/ of sed.
type sedCommand struct {
	re          *regexp.Regexp
	with        string // in the syntax of regexp.Expand
	all, prints bool
}

// sedCommands reads a script that has no other commands than s; false where it
// has.
func sedCommands(script string, extended bool) (list []sedCommand, ok bool) {
	for {
		script = strings.TrimLeft(script, "; \t\n")
		if script == "" {
			return list, len(list) > 0
		}
		if len(script) < 2 || script[0] != 's' || strings.IndexByte("/|,#", script[1]) < 0 {
			return nil, false
		}
		f := strings.SplitN(script[2:], script[1:2], 3)
		if len(f) < 3 || strings.HasSuffix(f[0], `\`) || strings.HasSuffix(f[1], `\`) {
			return nil, false
		}
		script = strings.TrimLeft(f[2], "gp")
		if script != "" && strings.IndexByte("; \t\n", script[0]) < 0 {
			return nil, false
		}
		if !extended {
			f[0] = basicRE(f[0])
		}
		re, err := regexp.Compile(f[0])
		if err != nil {
			return nil, false
		}
		flags := f[2][:len(f[2])-len(script)]
		list = append(list, sedCommand{re, sedReference.ReplaceAllString(strings.ReplaceAll(f[1], "$", "$$"), "$${$1}"), strings.Contains(flags, "g"), strings.Contains(flags, "p")})
	}
}

var sedReference = pattern.New(`\\(\d)`)

// sed answers scripts of s/…/…/ with or without -n and p.
func (in *interpreter) sed(args []string, _ string) status {
	script, silent, extended := "", false, false
	for _, a := range args {
		switch a {
		case "-n", "-ne", "-e", "-E", "-r":
			silent = silent || strings.Contains(a, "n")
			extended = extended || a == "-E" || a == "-r"
		default:
			script += "\n" + a
		}
	}
	list, ok := sedCommands(script, extended)
	if !ok || in.input == nil || !in.input.known() {
		in.note("sed %s is not evaluated", brief(strings.Join(args, " ")))
		return unknown
	}
	for line := range strings.Lines(in.input.text) {
		in.sedLine(list, strings.TrimSuffix(line, "\n"), silent)
	}
	return yes
}

func (in *interpreter) sedLine(list []sedCommand, line string, silent bool) {
	for _, c := range list {
		at := c.re.FindStringSubmatchIndex(line)
		if at == nil {
			continue
		}
		if c.all {
			line = c.re.ReplaceAllString(line, c.with)
		} else {
			line = line[:at[0]] + string(c.re.ExpandString(nil, c.with, line, at)) + line[at[1]:]
		}
		if c.prints {
			in.print(line+"\n", "")
		}
	}
	if !silent {
		in.print(line+"\n", "")
	}
}

// cut answers cut -d -f.
func (in *interpreter) cut(args []string, _ string) status {
	between, fields, ok := cutFlags(args)
	if !ok || in.input == nil || !in.input.known() {
		in.note("cut %s is not evaluated", brief(strings.Join(args, " ")))
		return unknown
	}
	for line := range strings.Lines(in.input.text) {
		line = strings.TrimSuffix(line, "\n")
		if all := strings.Split(line, between); len(all) > 1 {
			var out []string
			for i, f := range all {
				if slices.ContainsFunc(fields, func(r [2]int) bool { return r[0] <= i+1 && i+1 <= r[1] }) {
					out = append(out, f)
				}
			}
			line = strings.Join(out, between)
		}
		in.print(line+"\n", "")
	}
	return yes
}

// cutFlags reads what stands between fields, and the first and last of each range
// of fields that is wanted.
func cutFlags(args []string) (between string, fields [][2]int, ok bool) {
	between = "\t"
	for len(args) > 0 {
		flag, text := args[0][:min(2, len(args[0]))], args[0][min(2, len(args[0])):]
		if args = args[1:]; text == "" && len(args) > 0 {
			text, args = args[0], args[1:]
		}
		switch flag {
		case "-d":
			between = text
		case "-f":
			for item := range strings.SplitSeq(text, ",") {
				first, last, isRange := strings.Cut(item, "-")
				if !isRange {
					last = first
				}
				a, err := strconv.Atoi(cmp.Or(first, "1"))
				b, err2 := strconv.Atoi(cmp.Or(last, strconv.Itoa(maxText)))
				if err != nil || err2 != nil || a < 1 || item == "" || item == "-" {
					return "", nil, false
				}
				fields = append(fields, [2]int{a, b})
			}
		default:
			return "", nil, false
		}
	}
	return between, fields, len(between) == 1 && len(fields) > 0
}

// sort answers sort -V -C: are the lines in the order of versions?
func (in *interpreter) sort(args []string, _ string) status {
	flags := strings.ReplaceAll(strings.Join(args, ""), "-", "")
	if len(flags) != 2 || !strings.Contains(flags, "V") || !strings.ContainsAny(flags, "Cc") || in.input == nil || !in.input.known() {
		in.note("sort %s is not evaluated", brief(strings.Join(args, " ")))
		return unknown
	}
	lines := strings.Split(strings.TrimSuffix(in.input.text, "\n"), "\n")
	return truth(slices.IsSortedFunc(lines, release.CompareDpkg))
}
