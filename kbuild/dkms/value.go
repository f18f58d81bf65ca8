package dkms

import (
	"fmt"
	"regexp"
	"strings"
)

// value is what a variable holds. One that depends on something that is not
// evaluated is unknown, and why says on what.
type value struct {
	text string
	why  string
}

func (v value) known() bool { return v.why == "" }

// variable is an array of which scalars use the first place.
type variable map[int]value

// Bounds of what evaluation may make.
const (
	maxValue = 64 << 10 // bytes of one value
	maxSpent = 16 << 20 // bytes of all expansions together
	maxSteps = 100_000  // commands and parts of words
	maxIndex = 10_000
)

// limitError ends the reading of a text that wants too much.
type limitError string

func (e limitError) Error() string { return string(e) }

// spend counts work; it panics with a limitError, which read recovers.
func (in *interpreter) spend(bytes int) {
	in.steps++
	in.spent += bytes
	switch {
	case bytes > maxValue:
		panic(limitError(fmt.Sprintf("line %d: a value of more than %d bytes", in.line, maxValue)))
	case in.spent > maxSpent || in.steps > maxSteps:
		panic(limitError(fmt.Sprintf("line %d: expansions without end", in.line)))
	}
}

// field is a piece of an expanded word; what was not quoted is split at blanks.
type field struct {
	value
	quoted bool
}

// expand expands the parts of a word.
func (in *interpreter) expand(w word) []field {
	var out []field
	for _, p := range w {
		f := field{quoted: p.quoted}
		switch p.kind {
		case literal:
			f.text, f.quoted = p.text, true
		case parameter:
			f.value = in.parameter(p)
		case substitute:
			f.value = in.substitute(p)
		case arithmetic:
			f.value = in.arithmetic(p.text)
		}
		in.spend(len(f.text))
		out = append(out, f)
	}
	return out
}

// text expands a word without splitting it, as on the right of an assignment.
func (in *interpreter) text(w word) value {
	var v value
	for _, f := range in.expand(w) {
		v.text += f.text
		if v.why == "" {
			v.why = f.why
		}
		in.spend(len(v.text))
	}
	return v
}

// words expands words as the arguments of a command.
func (in *interpreter) words(list []word) []value {
	var out []value
	for _, w := range list {
		var cur value
		open := len(w) == 0
		for _, f := range in.expand(w) {
			if f.why != "" {
				cur.why, open = f.why, true
				continue
			}
			if f.quoted {
				cur.text, open = cur.text+f.text, true
				continue
			}
			for i, c := range strings.FieldsFunc(f.text, blank) {
				if i > 0 || startsBlank(f.text) && open {
					out, cur, open = append(out, cur), value{}, false
				}
				cur.text, open = cur.text+c, true
			}
			if open && f.text != "" && blank(rune(f.text[len(f.text)-1])) {
				out, cur, open = append(out, cur), value{}, false
			}
		}
		if open {
			out = append(out, cur)
		}
	}
	return out
}

func blank(r rune) bool { return r == ' ' || r == '\t' || r == '\n' }

func startsBlank(text string) bool { return text != "" && blank(rune(text[0])) }

// parameter expands ${name…}.
func (in *interpreter) parameter(p part) value {
	v, set := in.lookup(p.name, p.index)
	if !v.known() {
		return v
	}
	empty := v.text == "" && strings.HasPrefix(p.op, ":")
	switch p.op {
	case "":
		return v
	case "length":
		if p.index == "@" || p.index == "*" {
			return value{text: fmt.Sprint(len(in.vars[p.name]))}
		}
		return value{text: fmt.Sprint(len([]rune(v.text)))}
	case "-", ":-":
		if !set || empty {
			return in.text(p.arg)
		}
		return v
	case "=", ":=":
		if !set || empty {
			v = in.text(p.arg)
			in.set(p.name, 0, v)
		}
		return v
	case "+", ":+":
		if !set || empty {
			return value{}
		}
		return in.text(p.arg)
	case ",,":
		return value{text: strings.ToLower(v.text)}
	case "^^":
		return value{text: strings.ToUpper(v.text)}
	case "#", "##", "%", "%%", "/", "//":
		return in.trim(v, p)
	}
	return value{why: fmt.Sprintf("line %d: ${%s%s…} is not evaluated", in.line, p.name, p.op)}
}

// lookup returns a variable's value and whether it is set.
func (in *interpreter) lookup(name, index string) (value, bool) {
	if n := nameLength(name); n == 0 || n < len(name) {
		return value{why: fmt.Sprintf("line %d: $%s is not evaluated", in.line, name)}, false
	}
	if environment[name] {
		if _, assigned := in.vars[name]; !assigned {
			return value{why: fmt.Sprintf("line %d: $%s is of the environment", in.line, name)}, false
		}
	}
	at := 0
	switch index {
	case "":
	case "@", "*":
		return in.all(name)
	default:
		n := in.arithmetic(index)
		if !n.known() {
			return n, false
		}
		fmt.Sscan(n.text, &at)
	}
	v, ok := in.vars[name][at]
	if why := in.lost[name]; !ok && why != "" {
		return value{why: why}, false
	}
	return v, ok
}

// environment are variables that bash would have from elsewhere.
var environment = map[string]bool{"PATH": true, "HOME": true, "PWD": true, "BASH_SOURCE": true, "HOSTNAME": true, "USER": true,
	"SHELL": true, "RANDOM": true, "UID": true, "EUID": true, "PPID": true, "OLDPWD": true, "HOSTTYPE": true, "MACHTYPE": true, "OSTYPE": true}

// all is ${name[@]}, its values joined by blanks.
func (in *interpreter) all(name string) (value, bool) {
	var out []string
	for _, i := range indexes(in.vars[name]) {
		v := in.vars[name][i]
		if !v.known() {
			return v, true
		}
		out = append(out, v.text)
	}
	return value{text: strings.Join(out, " "), why: in.lost[name]}, len(out) > 0
}

// trim is ${name#pattern} and its like.
func (in *interpreter) trim(v value, p part) value {
	pat := in.text(p.arg)
	if !pat.known() {
		return pat
	}
	longest := len(p.op) == 2
	switch p.op[0] {
	case '#':
		if re, err := globRE(pat.text, "^", "", longest); err == nil {
			if m := re.FindStringIndex(v.text); m != nil {
				return value{text: v.text[m[1]:]}
			}
		}
		return v
	case '%':
		return in.trimEnd(v, pat.text, longest)
	}
	with := in.text(p.arg2)
	if !with.known() {
		return with
	}
	return replace(v, pat.text, with.text, longest)
}

// trimEnd is ${name%pattern}: the shortest end that fits, or the longest.
func (in *interpreter) trimEnd(v value, pat string, longest bool) value {
	re, err := globRE(pat, "^", "$", true)
	if err != nil {
		return v
	}
	at := -1
	for i := range len(v.text) + 1 {
		in.spend(0)
		if re.MatchString(v.text[i:]) {
			if at = i; longest {
				break
			}
		}
	}
	if at < 0 {
		return v
	}
	return value{text: v.text[:at]}
}

// replace is ${name/pattern/with}; a pattern may begin with % for the end, # for
// the start.
func replace(v value, pat, with string, all bool) value {
	before, after := "", ""
	if strings.HasPrefix(pat, "%") {
		pat, after = pat[1:], "$"
	} else if strings.HasPrefix(pat, "#") {
		pat, before = pat[1:], "^"
	}
	re, err := globRE(pat, before, after, true)
	if err != nil || pat == "" {
		return v
	}
	once := false
	return value{text: re.ReplaceAllStringFunc(v.text, func(m string) string {
		if once && !all {
			return m
		}
		once = true
		return with
	})}
}

// globRE makes a shell pattern a regular expression.
func globRE(glob, before, after string, greedy bool) (*regexp.Regexp, error) {
	return regexp.Compile("(?s)" + before + globText(glob, greedy) + after)
}

func globText(glob string, greedy bool) string {
	var re strings.Builder
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case c == '*' && greedy:
			re.WriteString(".*")
		case c == '*':
			re.WriteString(".*?")
		case c == '?':
			re.WriteString(".")
		case c == '[':
			end := strings.IndexByte(glob[i+1:], ']')
			if end < 1 {
				re.WriteString(`\[`)
				break
			}
			set := glob[i+1 : i+1+end]
			if set[0] == '!' {
				set = "^" + set[1:]
			}
			re.WriteString("[" + strings.ReplaceAll(set, `\`, `\\`) + "]")
			i += end + 1
		default:
			re.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	return re.String()
}

// substitute is $(…): what echo and the filters print is known, all else is not run.
func (in *interpreter) substitute(p part) value {
	if in.depth++; in.depth > maxDepth {
		panic(limitError(fmt.Sprintf("line %d: nested deeper than %d", in.line, maxDepth)))
	}
	defer func() { in.depth-- }()
	out := &value{}
	saved := in.out
	in.out = out
	vars := in.snapshot()
	status := in.list(p.body)
	in.restore(vars)
	in.out, in.substituted = saved, status
	if status == unknown && out.why == "" {
		out.why = fmt.Sprintf("line %d: command substitution %s is not run", in.line, brief(p.text))
	}
	return value{text: strings.TrimRight(out.text, "\n"), why: out.why}
}

// brief is a source text in one line, shortened.
func brief(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 60 {
		text = string(r[:60]) + "…"
	}
	return text
}

// arithmetic evaluates an expression of integers.
func (in *interpreter) arithmetic(text string) value {
	w, err := parseWord(text, in.line, 0)
	if err != nil {
		return value{why: fmt.Sprintf("line %d: arithmetic %s: %v", in.line, brief(text), err)}
	}
	v := in.text(w)
	if !v.known() {
		return v
	}
	c := calculation{in: in, src: v.text}
	n, err := c.expression(0)
	if c.blanks(); err == nil && c.at < len(c.src) {
		err = fmt.Errorf("%q is not read", c.src[c.at:])
	}
	if c.why != "" {
		return value{why: c.why}
	}
	if err != nil {
		return value{why: fmt.Sprintf("line %d: arithmetic %s: %v", in.line, brief(text), err)}
	}
	return value{text: fmt.Sprint(n)}
}
