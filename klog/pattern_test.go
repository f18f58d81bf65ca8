package klog

import (
	"testing"

	"modkeep/internal/pattern"
)

func TestPatternsCompile(t *testing.T) {
	all := pattern.All()
	if len(all) < 50 {
		t.Errorf("%d patterns, are they made elsewhere?", len(all))
	}
	for _, p := range all {
		p.MatchString("")
	}
}
