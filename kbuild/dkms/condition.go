package dkms

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// condition evaluates the words of [ ], [[ ]] and test.
type condition struct {
	in     *interpreter
	words  []string
	at     int
	depth  int
	double bool // [[ ]]: patterns and =~
	bad    bool
}

func (in *interpreter) bracket(args []string, why string) status {
	if len(args) == 0 || args[len(args)-1] != "]" {
		in.note("[ without ]")
		return unknown
	}
	return in.test(args[:len(args)-1], why)
}

func (in *interpreter) test(args []string, _ string) status {
	return in.condition(&condition{in: in, words: args})
}

func (in *interpreter) doubleBracket(args []string, _ string) status {
	if len(args) == 0 || args[len(args)-1] != "]]" {
		in.note("[[ without ]]")
		return unknown
	}
	return in.condition(&condition{in: in, words: args[:len(args)-1], double: true})
}

func (in *interpreter) condition(c *condition) status {
	if len(c.words) == 0 {
		return no
	}
	s := c.or()
	if c.bad || c.at < len(c.words) {
		in.note("test %s is not evaluated", brief(strings.Join(c.words, " ")))
		return unknown
	}
	return s
}

// take takes the next word if it is one of texts.
func (c *condition) take(texts ...string) bool {
	if c.at < len(c.words) {
		for _, t := range texts {
			if c.words[c.at] == t {
				c.at++
				return true
			}
		}
	}
	return false
}

func (c *condition) or() status {
	s := c.and()
	for c.take("-o", "||") {
		if b := c.and(); s != yes && (b == yes || s == no) {
			s = b
		}
	}
	return s
}

func (c *condition) and() status {
	s := c.primary()
	for c.take("-a", "&&") {
		if b := c.primary(); s != no && (b == no || s == yes) {
			s = b
		}
	}
	return s
}

func (c *condition) primary() status {
	if c.depth++; c.depth > maxDepth {
		c.bad = true
		return unknown
	}
	defer func() { c.depth-- }()
	left := len(c.words) - c.at
	if left >= 3 && isBinary(c.words[c.at+1]) {
		a, op, b := c.words[c.at], c.words[c.at+1], c.words[c.at+2]
		c.at += 3
		return c.binary(a, op, b)
	}
	switch {
	case left == 0:
		c.bad = true
		return unknown
	case left >= 2 && c.words[c.at] == "!":
		c.at++
		return c.primary().not()
	case left >= 3 && c.words[c.at] == "(":
		c.at++
		s := c.or()
		c.bad = c.bad || !c.take(")")
		return s
	case left >= 2 && len(c.words[c.at]) == 2 && c.words[c.at][0] == '-':
		op, arg := c.words[c.at], c.words[c.at+1]
		c.at += 2
		return c.unary(op, arg)
	}
	c.at++
	return truth(c.words[c.at-1] != "")
}

func (c *condition) unary(op, arg string) status {
	switch op {
	case "-n":
		return truth(arg != "")
	case "-z":
		return truth(arg == "")
	case "-e", "-f", "-r", "-s", "-d", "-L", "-h":
		return c.in.exists(arg)
	case "-v":
		_, set := c.in.lookup(arg, "")
		return truth(set)
	}
	c.bad = true
	return unknown
}

func isBinary(op string) bool {
	switch op {
	case "=", "==", "!=", "=~", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge":
		return true
	}
	return false
}

func (c *condition) binary(a, op, b string) status {
	switch op {
	case "=", "==":
		return c.equal(a, b)
	case "!=":
		return c.equal(a, b).not()
	case "<":
		return truth(a < b)
	case ">":
		return truth(a > b)
	case "=~":
		re, err := regexp.Compile(b)
		if err != nil || !c.double {
			c.bad = true
			return unknown
		}
		return truth(re.MatchString(a))
	}
	x, ok := number(a)
	y, ok2 := number(b)
	if c.double { // there both are arithmetic, where nothing is 0
		ok, ok2 = ok || a == "", ok2 || b == ""
	}
	if !ok || !ok2 {
		return no // [: integer expression expected
	}
	n, _ := apply(map[string]string{"-eq": "==", "-ne": "!=", "-lt": "<", "-le": "<=", "-gt": ">", "-ge": ">="}[op], x, y)
	return truth(n == 1)
}

func (c *condition) equal(a, b string) status {
	if !c.double {
		return truth(a == b)
	}
	text, err := extendedGlob(b, 0)
	if err == nil {
		var re *regexp.Regexp
		if re, err = regexp.Compile("(?s)^" + text + "$"); err == nil {
			return truth(re.MatchString(a))
		}
	}
	c.bad = true
	return unknown
}

// extendedGlob makes a pattern with @(a|b), ?(a), *(a) and +(a) a regular expression
// (bash(1), Pattern Matching; [[ ]] knows them always).
func extendedGlob(glob string, depth int) (string, error) {
	if depth > maxDepth {
		return "", fmt.Errorf("nested deeper than %d", maxDepth)
	}
	for i := 0; i+1 < len(glob); i++ {
		if strings.IndexByte("@?*+", glob[i]) < 0 || glob[i+1] != '(' {
			continue
		}
		end, open, from := i+2, 1, i+2
		var choices []string
		for ; end < len(glob); end++ {
			switch glob[end] {
			case '(':
				open++
			case ')':
				open--
			}
			if open == 0 || open == 1 && glob[end] == '|' {
				inner, err := extendedGlob(glob[from:end], depth+1)
				if err != nil {
					return "", err
				}
				choices, from = append(choices, inner), end+1
			}
			if open == 0 {
				break
			}
		}
		if open > 0 {
			return "", errors.New("no closing )")
		}
		rest, err := extendedGlob(glob[end+1:], depth+1)
		return globText(glob[:i], true) + "(?:" + strings.Join(choices, "|") + ")" + strings.TrimPrefix(glob[i:i+1], "@") + rest, err
	}
	return globText(glob, true), nil
}
