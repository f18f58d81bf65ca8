package dkms

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// calculation reads an arithmetic expression (bash(1), ARITHMETIC EVALUATION)
// without assignments.
type calculation struct {
	in    *interpreter
	src   string
	at    int
	depth int
	why   string // set where a variable is unknown
}

func (c *calculation) blanks() {
	for c.at < len(c.src) && blank(rune(c.src[c.at])) {
		c.at++
	}
}

// levels are the binary operators, those that bind least first.
var levels = [][]string{{"||"}, {"&&"}, {"|"}, {"^"}, {"&"}, {"==", "!="}, {"<=", ">=", "<", ">"}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "%"}}

// operator takes an operator of a level.
func (c *calculation) operator(level int) string {
	c.blanks()
	rest := c.src[c.at:]
	for _, op := range levels[level] {
		if !strings.HasPrefix(rest, op) {
			continue
		}
		// A single one that is the start of a longer one of another level.
		if len(op) == 1 && len(rest) > 1 && strings.IndexByte("|&<>", op[0]) >= 0 && rest[1] == op[0] {
			continue
		}
		c.at += len(op)
		return op
	}
	return ""
}

func (c *calculation) expression(level int) (int64, error) {
	if level == len(levels) {
		return c.operand()
	}
	a, err := c.expression(level + 1)
	for err == nil {
		op := c.operator(level)
		if op == "" {
			return a, nil
		}
		var b int64
		if b, err = c.expression(level + 1); err == nil {
			a, err = apply(op, a, b)
		}
	}
	return 0, err
}

func apply(op string, a, b int64) (int64, error) {
	truth := func(t bool) (int64, error) {
		if t {
			return 1, nil
		}
		return 0, nil
	}
	switch op {
	case "||":
		return truth(a != 0 || b != 0)
	case "&&":
		return truth(a != 0 && b != 0)
	case "|":
		return a | b, nil
	case "^":
		return a ^ b, nil
	case "&":
		return a & b, nil
	case "==":
		return truth(a == b)
	case "!=":
		return truth(a != b)
	case "<=":
		return truth(a <= b)
	case ">=":
		return truth(a >= b)
	case "<":
		return truth(a < b)
	case ">":
		return truth(a > b)
	case "<<":
		return a << uint(b&63), nil
	case ">>":
		return a >> uint(b&63), nil
	case "+":
		return a + b, nil
	case "-":
		return a - b, nil
	case "*":
		return a * b, nil
	}
	if b == 0 {
		return 0, errors.New("division by zero")
	}
	if op == "/" {
		return a / b, nil
	}
	return a % b, nil
}

func (c *calculation) operand() (int64, error) {
	if c.depth++; c.depth > maxDepth {
		return 0, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	defer func() { c.depth-- }()
	c.blanks()
	rest := c.src[c.at:]
	if rest == "" {
		return 0, nil // bash: an empty expression is 0
	}
	switch rest[0] {
	case '(':
		c.at++
		n, err := c.expression(0)
		if c.blanks(); err == nil && (c.at >= len(c.src) || c.src[c.at] != ')') {
			err = errors.New("no closing )")
		}
		c.at++
		return n, err
	case '-', '+', '!', '~':
		c.at++
		n, err := c.operand()
		switch rest[0] {
		case '-':
			n = -n
		case '~':
			n = ^n
		case '!':
			n, _ = apply("==", n, 0)
		}
		return n, err
	}
	if n := nameLength(rest); n > 0 {
		c.at += n
		return c.variable(rest[:n])
	}
	n := 0
	for n < len(rest) && (rest[n] >= '0' && rest[n] <= '9' || n > 0 && strings.IndexByte("xXabcdefABCDEF", rest[n]) >= 0) {
		n++
	}
	c.at += n
	return strconv.ParseInt(rest[:n], 0, 64)
}

func (c *calculation) variable(name string) (int64, error) {
	v, _ := c.in.lookup(name, "")
	if !v.known() {
		c.why = v.why
		return 0, nil
	}
	if strings.TrimSpace(v.text) == "" {
		return 0, nil
	}
	return strconv.ParseInt(strings.TrimSpace(v.text), 0, 64)
}
