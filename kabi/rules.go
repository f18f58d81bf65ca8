package kabi

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"modkeep/symvers"
)

// Bounds of rules files and lists. SUSE's rules have some 200 lines, the longest
// stablelist 16,000.
const (
	maxRuleLines = 1 << 16
	maxRuleLine  = 4096
	maxRules     = 10000
)

// Match is what a rule's pattern is held against.
type Match string

// What rules match.
const (
	MatchModule    Match = "MODULE"
	MatchNamespace Match = "NAMESPACE"
	MatchSymbol    Match = "SYMBOL"
)

// Rule tolerates the changes of exports, or says that they count.
type Rule struct {
	Line    int // from 1
	Match   Match
	Pattern string // with the wildcards * (slashes too), ? and […]
	Pass    bool
}

func (r Rule) String() string {
	verdict := "FAIL"
	if r.Pass {
		verdict = "PASS"
	}
	return fmt.Sprintf("%s %s %s", r.Match, r.Pattern, verdict)
}

// Rules are the severities of SUSE's kernel packages (kabi/severities): of the
// rules that match an export the first says whether its change passes; where
// none does the change counts.
type Rules struct {
	List []Rule
}

// RuleError says what is wrong with a line of a file of rules.
type RuleError struct {
	Line int // from 1
	Msg  string
}

func (e *RuleError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Msg) }

// ParseRules reads rules: lines "PATTERN VERDICT" or "TYPE PATTERN VERDICT",
// comments from # on. Without a type a pattern with a slash, and vmlinux, is a
// module's, one without small letters a namespace's, any other a symbol's.
// Errors are a *RuleError.
func ParseRules(text string) (*Rules, error) {
	rules := &Rules{}
	for number := 1; text != ""; number++ {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		if number > maxRuleLines || len(line) > maxRuleLine || len(rules.List) == maxRules {
			return nil, &RuleError{number, "longer than rules are"}
		}
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		rule, msg := parseRule(words)
		if msg != "" {
			return nil, &RuleError{number, msg}
		}
		rule.Line = number
		rules.List = append(rules.List, rule)
	}
	return rules, nil
}

func parseRule(words []string) (rule Rule, msg string) {
	switch len(words) {
	case 2:
		rule = Rule{Match: matchOf(words[0]), Pattern: words[0]}
	case 3:
		rule = Rule{Match: Match(words[0]), Pattern: words[1]}
		if rule.Match != MatchModule && rule.Match != MatchNamespace && rule.Match != MatchSymbol {
			return rule, fmt.Sprintf("%q is not MODULE, NAMESPACE or SYMBOL", words[0])
		}
	default:
		return rule, "not [TYPE] PATTERN VERDICT"
	}
	switch words[len(words)-1] {
	case "PASS":
		rule.Pass = true
	case "FAIL":
	default:
		return rule, fmt.Sprintf("verdict %q is not PASS or FAIL", words[len(words)-1])
	}
	if _, err := path.Match(rule.Pattern, ""); err != nil {
		return rule, fmt.Sprintf("pattern %q: a bracket is not closed", rule.Pattern)
	}
	return rule, ""
}

func matchOf(pattern string) Match {
	switch {
	case strings.Contains(pattern, "/") || pattern == symvers.Vmlinux:
		return MatchModule
	case pattern == strings.ToUpper(pattern):
		return MatchNamespace
	}
	return MatchSymbol
}

// first returns the number of the rule that decides on an export, -1 for none.
func (r *Rules) first(e *symvers.Export) int {
	for i := range r.List {
		rule := &r.List[i]
		text := e.Symbol
		switch rule.Match {
		case MatchModule:
			text = e.Module
		case MatchNamespace:
			if text = e.Namespace; text == "" {
				continue
			}
		}
		if wildcard(rule.Pattern, text) {
			return i
		}
	}
	return -1
}

func (r *Rules) tolerate(e *symvers.Export) bool {
	i := r.first(e)
	return i >= 0 && r.List[i].Pass
}

// filter returns what of a difference counts, and notes the rest.
func (r *Rules) filter(d *symvers.Difference, t *Tolerated) *symvers.Difference {
	rest := &symvers.Difference{}
	split := func(list []symvers.Export, tolerated *[]string) (kept []symvers.Export) {
		for i := range list {
			if r.tolerate(&list[i]) {
				*tolerated = append(*tolerated, list[i].Symbol)
			} else {
				kept = append(kept, list[i])
			}
		}
		return kept
	}
	rest.Removed = split(d.Removed, &t.Removed)
	rest.Added = split(d.Added, &t.Added)
	for _, c := range d.Changed {
		if !r.tolerate(&c.Old) {
			rest.Changed = append(rest.Changed, c)
			continue
		}
		t.note(c)
	}
	return rest
}

func (t *Tolerated) note(c symvers.Change) {
	for _, kind := range []struct {
		is   bool
		list *[]string
	}{{c.CRC(), &t.Changed}, {c.Type(), &t.Retyped}, {c.Namespace(), &t.Renamespaced}, {c.Module(), &t.Moved}} {
		if kind.is {
			*kind.list = append(*kind.list, c.Old.Symbol)
		}
	}
}

// unused returns the rules that decide on no export of either table.
func (r *Rules) unused(tables ...*symvers.Table) []Rule {
	used := make([]bool, len(r.List))
	for _, t := range tables {
		for i := range t.Exports {
			if n := r.first(&t.Exports[i]); n >= 0 {
				used[n] = true
			}
		}
	}
	var list []Rule
	for i, rule := range r.List {
		if !used[i] {
			list = append(list, rule)
		}
	}
	return list
}

// wildcard matches a whole text; * takes slashes too.
func wildcard(pattern, text string) bool {
	back, from := -1, 0
	p, t := 0, 0
	for t < len(text) {
		n, ok := 0, false
		if p < len(pattern) {
			if pattern[p] == '*' {
				back, from = p, t
				p++
				continue
			}
			n, ok = one(pattern[p:], text[t])
		}
		switch {
		case ok:
			p, t = p+n, t+1
		case back >= 0:
			from++
			p, t = back+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// one matches what a pattern begins with, which has n bytes, against a byte.
func one(pattern string, c byte) (n int, ok bool) {
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		if end := strings.IndexByte(pattern[1:], ']'); end > 0 {
			ok, err := path.Match(pattern[:end+2], string(c))
			return end + 2, ok && err == nil
		}
	}
	return 1, pattern[0] == c
}

// List is a stablelist: the exports of a kernel that its maker keeps.
type List struct {
	Symbols []string // as they come, each once
	set     map[string]bool
}

// ParseList reads a stablelist in any of the forms of RHEL, openEuler and
// Oracle: a Module.kabi table ("0xCRC symbol module …"), or a symbol a line,
// indented or not, under headings in brackets or none; comments from # on.
// A symbol with a version, "printk_Rabcdef01", is not taken apart. Errors are a
// *RuleError.
func ParseList(text string) (*List, error) {
	l := &List{set: make(map[string]bool)}
	for number := 1; text != ""; number++ {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		if len(line) > maxRuleLine || number > symvers.MaxRows {
			return nil, &RuleError{number, "longer than lists are"}
		}
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "[") {
			continue
		}
		symbol := words[0]
		if strings.HasPrefix(symbol, "0x") && len(words) > 1 {
			symbol = words[1]
		}
		if strings.Trim(symbol, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$") != "" {
			return nil, &RuleError{number, fmt.Sprintf("%.60q is no symbol", symbol)}
		}
		if !l.set[symbol] {
			l.set[symbol] = true
			l.Symbols = append(l.Symbols, symbol)
		}
	}
	return l, nil
}

// NewList returns the list of some symbols.
func NewList(symbols []string) *List {
	l := &List{Symbols: symbols, set: make(map[string]bool, len(symbols))}
	for _, symbol := range symbols {
		l.set[symbol] = true
	}
	return l
}

// restrict returns the rows of a table that the list has; all without a list.
func (l *List) restrict(t *symvers.Table) *symvers.Table {
	if l == nil {
		return t
	}
	var rows []symvers.Export
	for i := range t.Exports {
		if l.set[t.Exports[i].Symbol] {
			rows = append(rows, t.Exports[i])
		}
	}
	return symvers.New(rows)
}

// absent returns the symbols of the list that neither table has, sorted.
func (l *List) absent(a, b *symvers.Table) []string {
	if l == nil {
		return nil
	}
	var list []string
	for _, symbol := range l.Symbols {
		if a.Index(symbol) < 0 && b.Index(symbol) < 0 {
			list = append(list, symbol)
		}
	}
	slices.Sort(list)
	return list
}
