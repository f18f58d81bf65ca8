package dkms

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// status is how a command ended, as far as that can be told.
type status int

const (
	yes status = iota
	no
	unknown
)

func truth(b bool) status {
	if b {
		return yes
	}
	return no
}

func (s status) not() status {
	switch s {
	case yes:
		return no
	case no:
		return yes
	}
	return unknown
}

// interpreter evaluates a configuration. It runs nothing: assignments, tests,
// echo and a few filters are evaluated, every other command is noted and its
// outcome unknown, and with it what depends on it.
type interpreter struct {
	kernel    *Kernel
	overrides []Text // what the administrator says
	vars      map[string]variable
	lost      map[string]string // variables of which elements may be missing, and why
	at        map[string]int    // line of a variable's last assignment
	notes     []Note
	out       *value // of echo, where somebody takes it
	input     *value // of a pipe
	line      int
	depth     int
	steps     int
	spent     int
	ended     bool // by exit or return

	substituted status // of the last command substitution
}

func indexes(v variable) []int { return slices.Sorted(maps.Keys(v)) }

func (in *interpreter) snapshot() map[string]variable {
	vars := make(map[string]variable, len(in.vars))
	for name, v := range in.vars {
		vars[name] = maps.Clone(v)
		in.spend(len(v))
	}
	return vars
}

func (in *interpreter) restore(vars map[string]variable) { in.vars = vars }

func (in *interpreter) set(name string, index int, v value) {
	if in.vars[name] == nil {
		in.vars[name] = variable{}
	}
	in.vars[name][index] = v
	in.at[name] = in.line
}

func (in *interpreter) note(format string, args ...any) {
	n := Note{Line: in.line, Text: fmt.Sprintf(format, args...)}
	if !slices.Contains(in.notes, n) && len(in.notes) < 1000 {
		in.notes = append(in.notes, n)
	}
}

func (in *interpreter) list(l list) status {
	last := yes
	for _, a := range l {
		if in.ended {
			break
		}
		last = in.andOr(a)
	}
	return last
}

// andOr runs && and ||. What comes behind an outcome that is unknown may run or
// not, so what it assigns is lost.
func (in *interpreter) andOr(a andOr) status {
	last := in.pipeline(a.pipes[0])
	for i, op := range a.ops {
		next := a.pipes[i+1]
		switch {
		case last == unknown:
			in.lose(list{{pipes: []pipeline{next}}}, in.reason())
		case (op == "&&") == (last == yes):
			last = in.pipeline(next)
		}
	}
	return last
}

// reason is the newest note's, for what is lost behind it.
func (in *interpreter) reason() string {
	if n := len(in.notes); n > 0 {
		return fmt.Sprintf("line %d: %s", in.notes[n-1].Line, in.notes[n-1].Text)
	}
	return fmt.Sprintf("line %d: a condition is not evaluated", in.line)
}

func (in *interpreter) pipeline(p pipeline) status {
	saved, out := in.input, in.out
	defer func() { in.input, in.out = saved, out }()
	last := yes
	for i, c := range p.cmds {
		var text value
		in.out = out
		if i < len(p.cmds)-1 {
			in.out = &text
		}
		last = in.command(c)
		if last == unknown && text.why == "" {
			text.why = in.reason()
		}
		in.input = &text
	}
	if p.negated {
		return last.not()
	}
	return last
}

func (in *interpreter) command(c command) status {
	in.line = c.line
	in.spend(0)
	if c.output { // of no use to anybody here
		saved := in.out
		defer func() { in.out = saved }()
		in.out = nil
	}
	switch {
	case c.cond != nil:
		return in.ifClause(c.cond)
	case c.choice != nil:
		return in.caseClause(c.choice)
	case c.foreign != "":
		in.note("%s is not evaluated", c.foreign)
		in.lose(c.inside, in.reason())
		return unknown
	case c.group != nil && c.sub:
		vars := in.snapshot()
		defer in.restore(vars)
		return in.list(*c.group)
	case c.group != nil:
		return in.list(*c.group)
	}
	if len(c.words) == 0 {
		return in.assignments(c.assigns)
	}
	return in.simple(c)
}

func (in *interpreter) ifClause(c *ifClause) status {
	for i, cond := range c.conds {
		switch in.list(cond) {
		case yes:
			return in.list(c.bodies[i])
		case unknown:
			why := in.reason()
			for _, l := range append(append([]list{}, c.bodies[i:]...), append(c.conds[i+1:], c.last)...) {
				in.lose(l, why)
			}
			return unknown
		}
	}
	return in.list(c.last)
}

func (in *interpreter) caseClause(c *caseClause) status {
	subject := in.text(c.subject)
	for i, item := range c.items {
		for _, w := range item.patterns {
			pat := in.text(w)
			if !subject.known() || !pat.known() {
				_, text, _ := strings.Cut(subject.why+pat.why, ": ")
				in.note("%s", text)
				for _, it := range c.items[i:] {
					in.lose(it.body, in.reason())
				}
				return unknown
			}
			if re, err := globRE(pat.text, "^", "$", true); err == nil && re.MatchString(subject.text) {
				return in.list(item.body)
			}
		}
	}
	return yes
}

// lose makes unknown what commands would assign that perhaps run.
func (in *interpreter) lose(l list, why string) {
	for _, a := range l {
		for _, p := range a.pipes {
			for _, c := range p.cmds {
				in.loseCommand(c, why)
			}
		}
	}
}

func (in *interpreter) loseCommand(c command, why string) {
	in.spend(0)
	for _, a := range c.assigns {
		in.loseVariable(a.name, why)
	}
	if len(c.words) > 0 && declares[c.words[0].plain()] {
		for _, w := range c.words[1:] {
			if len(w) > 0 {
				in.loseVariable(w[0].text[:nameLength(w[0].text)], why)
			}
		}
	}
	in.lose(c.inside, why)
	if c.group != nil && !c.sub {
		in.lose(*c.group, why)
	}
	if c.cond != nil {
		for _, l := range append(append([]list{c.cond.last}, c.cond.conds...), c.cond.bodies...) {
			in.lose(l, why)
		}
	}
	if c.choice != nil {
		for _, item := range c.choice.items {
			in.lose(item.body, why)
		}
	}
}

func (in *interpreter) loseVariable(name, why string) {
	if name == "" {
		return
	}
	in.lost[name] = why
	for i := range in.vars[name] {
		in.vars[name][i] = value{why: why}
	}
}

func (in *interpreter) assignments(list []assign) status {
	result := yes
	for _, a := range list {
		in.line = a.line
		if s := in.assign(a); s != yes {
			result = s
		}
	}
	return result
}

// assign does one assignment; it fails as the last command substitution does.
func (in *interpreter) assign(a assign) status {
	if a.isList {
		in.array(a)
		return yes
	}
	index := 0
	if a.index != nil {
		n := in.arithmetic(in.text(*a.index).text)
		if why := in.text(*a.index).why; why != "" {
			n.why = why
		}
		if !n.known() {
			in.loseVariable(a.name, n.why)
			return yes
		}
		fmt.Sscan(n.text, &index)
		if index < 0 || index > maxIndex {
			in.note("%s[%d]: an index outside of 0 to %d", a.name, index, maxIndex)
			in.lost[a.name] = in.reason()
			return yes
		}
	}
	in.substituted = yes
	v := in.text(a.value)
	result := in.substituted
	if a.add {
		old, _ := in.vars[a.name][index]
		v = value{old.text + v.text, old.why + v.why}
	}
	if a.index == nil && !a.add && len(in.vars[a.name]) <= 1 {
		delete(in.lost, a.name)
	}
	in.set(a.name, index, v)
	return result
}

func (in *interpreter) array(a assign) {
	at := 0
	if !a.add {
		delete(in.vars, a.name)
		delete(in.lost, a.name)
	} else if all := indexes(in.vars[a.name]); len(all) > 0 {
		at = all[len(all)-1] + 1
	}
	for i, v := range in.words(a.array) {
		in.set(a.name, at+i, v)
	}
	if in.vars[a.name] == nil {
		in.vars[a.name] = variable{}
	}
}
