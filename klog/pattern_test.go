package klog

import (
	"slices"
	"testing"
)

// TestPatternsCompile compiles what is put together from parts.
func TestPatternsCompile(t *testing.T) {
	for _, s := range slices.Concat(loaderSentences, userSentences, otherSentences) {
		s.re.MatchString("")
	}
	for _, f := range startForms {
		f.re.MatchString("")
	}
}
