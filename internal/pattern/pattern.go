// Package pattern has regular expressions that are compiled when they are first
// used. Most runs of the program use none of them, and compiling all at its
// start takes longer than checking a module, and more memory than a small file.
package pattern

import (
	"regexp"
	"sync"
)

// Pattern is a regular expression. It is made with New.
type Pattern struct {
	text string
	once sync.Once
	re   *regexp.Regexp
}

// New returns the pattern that text is, in the syntax of package regexp. It is
// for patterns that are part of the program: where text does not compile, the
// first use panics. Variables that it initialises are made by the compiler, they
// take no code when the program starts.
func New(text string) *Pattern { return &Pattern{text: text} }

func (p *Pattern) compile() *regexp.Regexp {
	p.once.Do(func() { p.re = regexp.MustCompile(p.text) })
	return p.re
}

// String returns the text of the pattern.
func (p *Pattern) String() string { return p.text }

// FindString is that of regexp.Regexp.
func (p *Pattern) FindString(s string) string { return p.compile().FindString(s) }

// FindStringIndex is that of regexp.Regexp.
func (p *Pattern) FindStringIndex(s string) []int { return p.compile().FindStringIndex(s) }

// FindStringSubmatch is that of regexp.Regexp.
func (p *Pattern) FindStringSubmatch(s string) []string { return p.compile().FindStringSubmatch(s) }

// FindAllString is that of regexp.Regexp.
func (p *Pattern) FindAllString(s string, n int) []string { return p.compile().FindAllString(s, n) }

// FindAllSubmatch is that of regexp.Regexp.
func (p *Pattern) FindAllSubmatch(b []byte, n int) [][][]byte {
	return p.compile().FindAllSubmatch(b, n)
}

// FindAll is that of regexp.Regexp.
func (p *Pattern) FindAll(b []byte, n int) [][]byte { return p.compile().FindAll(b, n) }

// FindAllStringSubmatch is that of regexp.Regexp.
func (p *Pattern) FindAllStringSubmatch(s string, n int) [][]string {
	return p.compile().FindAllStringSubmatch(s, n)
}

// ReplaceAllString is that of regexp.Regexp.
func (p *Pattern) ReplaceAllString(s, with string) string {
	return p.compile().ReplaceAllString(s, with)
}

// ReplaceAllStringFunc is that of regexp.Regexp.
func (p *Pattern) ReplaceAllStringFunc(s string, with func(string) string) string {
	return p.compile().ReplaceAllStringFunc(s, with)
}

// MatchString is that of regexp.Regexp.
func (p *Pattern) MatchString(s string) bool { return p.compile().MatchString(s) }

// SubexpNames is that of regexp.Regexp.
func (p *Pattern) SubexpNames() []string { return p.compile().SubexpNames() }
