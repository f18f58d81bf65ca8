package klog

import (
	"regexp"
	"sync"
)

// pattern is a regular expression that is compiled when it is first used. A
// program that links this package may never read a log, and compiling all of
// them takes longer than checking a module.
type pattern struct {
	text    string
	compile func() *regexp.Regexp
}

// patterns are all that were made, for the test that compiles them.
var patterns []*pattern

func lazily(text string) *pattern {
	p := &pattern{text, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
	patterns = append(patterns, p)
	return p
}

func (p *pattern) String() string { return p.text }

// The methods are those of regexp.Regexp.
func (p *pattern) FindString(s string) string           { return p.compile().FindString(s) }
func (p *pattern) FindStringIndex(s string) []int       { return p.compile().FindStringIndex(s) }
func (p *pattern) FindStringSubmatch(s string) []string { return p.compile().FindStringSubmatch(s) }
func (p *pattern) MatchString(s string) bool            { return p.compile().MatchString(s) }
func (p *pattern) SubexpNames() []string                { return p.compile().SubexpNames() }
