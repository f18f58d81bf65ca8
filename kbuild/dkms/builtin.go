package dkms

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"modkeep/kernel/release"
)

// declares are commands whose arguments are assignments.
var declares = map[string]bool{"export": true, "local": true, "declare": true, "typeset": true, "readonly": true}

// simple evaluates a command of words.
func (in *interpreter) simple(c command) status {
	name := c.words[0].plain()
	if declares[name] {
		return in.declare(c.words[1:])
	}
	args := in.words(c.words)
	if len(args) == 0 {
		return in.assignments(c.assigns)
	}
	texts := make([]string, len(args))
	why := ""
	for i, a := range args {
		texts[i] = a.text
		if why == "" {
			why = a.why
		}
	}
	if run := builtins[name]; run != nil {
		if why != "" && name != "echo" {
			_, text, _ := strings.Cut(why, ": ")
			in.note("%s: %s", name, text)
			return unknown
		}
		return run(in, texts[1:], why)
	}
	in.note("command %s is not run", brief(strings.Join(texts, " ")))
	return unknown
}

// declare is export and its like: NAME or NAME=word.
func (in *interpreter) declare(words []word) status {
	for _, w := range words {
		if len(w) == 0 || w[0].kind != literal {
			continue
		}
		text := w[0].text
		n := nameLength(text)
		if n > 0 && n < len(text) && text[n] == '=' {
			rest := append(word{{quoted: true, text: text[n+1:]}}, w[1:]...)
			in.set(text[:n], 0, in.text(rest))
		}
	}
	return yes
}

// builtins are the commands that are evaluated. why says that an argument is
// unknown; only echo is asked then.
var builtins map[string]func(in *interpreter, args []string, why string) status

func init() {
	builtins = map[string]func(in *interpreter, args []string, why string) status{
		"true": func(*interpreter, []string, string) status { return yes },
		":":    func(*interpreter, []string, string) status { return yes },
		"false": func(*interpreter, []string, string) status {
			return no
		},
		"echo":   (*interpreter).echo,
		"printf": (*interpreter).printf,
		"[":      (*interpreter).bracket,
		"test":   (*interpreter).test,
		"[[":     (*interpreter).doubleBracket,
		".":      (*interpreter).source,
		"source": (*interpreter).source,
		"grep":   (*interpreter).grep,
		"sed":    (*interpreter).sed,
		"sort":   (*interpreter).sort,
		"unset":  (*interpreter).unset,
		"exit":   (*interpreter).end,
		"return": (*interpreter).end,
	}
}

func (in *interpreter) echo(args []string, why string) status {
	newline := "\n"
	for len(args) > 0 && (args[0] == "-n" || args[0] == "-e") {
		if args[0] == "-n" {
			newline = ""
		}
		args = args[1:]
	}
	in.print(strings.Join(args, " ")+newline, why)
	return yes
}

func (in *interpreter) print(text, why string) {
	if in.out == nil {
		return
	}
	in.out.text += text
	if in.out.why == "" {
		in.out.why = why
	}
	in.spend(len(in.out.text))
}

// printf knows %s and \n.
func (in *interpreter) printf(args []string, why string) status {
	if len(args) == 0 || strings.Count(args[0], "%") > 1 || strings.Count(args[0], "%s") != strings.Count(args[0], "%") {
		in.note("printf is evaluated for %%s only")
		return unknown
	}
	format := strings.ReplaceAll(args[0], `\n`, "\n")
	for i, a := range append(args[1:], "") {
		if i == 0 || i < len(args)-1 {
			in.print(strings.Replace(format, "%s", a, 1), why)
		}
	}
	return yes
}

func (in *interpreter) unset(args []string, _ string) status {
	for _, a := range args {
		delete(in.vars, a)
		delete(in.lost, a)
	}
	return yes
}

func (in *interpreter) end([]string, string) status {
	in.ended = true
	return yes
}

// source reads the kernel's configuration, and no other file.
func (in *interpreter) source(args []string, _ string) status {
	if len(args) == 1 && in.isConfig(args[0]) {
		for name, v := range in.kernel.Config {
			in.set("CONFIG_"+name, 0, value{text: v})
		}
		return yes
	}
	in.note("file %s is not read", brief(strings.Join(args, " ")))
	return unknown
}

// isConfig says whether a path is the kernel's configuration, and that known.
func (in *interpreter) isConfig(name string) bool {
	k := in.kernel
	return k.Config != nil && slices.Contains([]string{k.SourceDir + "/.config", k.SourceDir + "/include/config/auto.conf", "/boot/config-" + k.Release}, name)
}

// exists says whether a path is there, where that may be looked at: below the
// kernel's headers.
func (in *interpreter) exists(name string) status {
	k := in.kernel
	clean := path.Clean(name)
	switch {
	case in.isConfig(clean), clean == k.SourceDir:
		return yes
	case strings.HasPrefix(clean, k.SourceDir+"/") && k.Exists != nil:
		return truth(k.Exists(strings.TrimPrefix(clean, k.SourceDir+"/")))
	}
	in.note("whether %s is there is not looked at", brief(name))
	return unknown
}

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

var sedScript = regexp.MustCompile(`^s([/|,#])(.*)$`)

// sed answers s/…/…/ with or without -n and p.
func (in *interpreter) sed(args []string, _ string) status {
	script, silent, extended := "", false, false
	for _, a := range args {
		switch a {
		case "-n", "-ne", "-e", "-E", "-r":
			silent = silent || strings.Contains(a, "n")
			extended = extended || a == "-E" || a == "-r"
		default:
			script += a
		}
	}
	m := sedScript.FindStringSubmatch(script)
	if m == nil || in.input == nil || !in.input.known() || len(args) > 3 {
		in.note("sed %s is not evaluated", brief(strings.Join(args, " ")))
		return unknown
	}
	f := strings.Split(m[2], m[1])
	if len(f) != 3 || strings.Trim(f[2], "gp") != "" {
		in.note("sed %s is not evaluated", brief(script))
		return unknown
	}
	if !extended {
		f[0] = basicRE(f[0])
	}
	re, err := regexp.Compile(f[0])
	if err != nil {
		in.note("sed %s: %v", brief(script), err)
		return unknown
	}
	for line := range strings.Lines(in.input.text) {
		in.sedLine(re, strings.TrimSuffix(line, "\n"), f, silent)
	}
	return yes
}

var sedReference = regexp.MustCompile(`\\(\d)`)

func (in *interpreter) sedLine(re *regexp.Regexp, line string, f []string, silent bool) {
	matched := re.MatchString(line)
	with := sedReference.ReplaceAllString(strings.ReplaceAll(f[1], "$", "$$"), "$${$1}")
	result := line
	if strings.Contains(f[2], "g") {
		result = re.ReplaceAllString(line, with)
	} else if at := re.FindStringSubmatchIndex(line); at != nil {
		result = line[:at[0]] + string(re.ExpandString(nil, with, line, at)) + line[at[1]:]
	}
	if !silent {
		in.print(result+"\n", "")
	}
	if matched && strings.Contains(f[2], "p") {
		in.print(result+"\n", "")
	}
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

// number reads an operand of -eq and its like.
func number(text string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return n, err == nil
}
