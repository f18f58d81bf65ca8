package klog

import "testing"

func TestPatternsCompile(t *testing.T) {
	if len(patterns) < 50 {
		t.Errorf("%d patterns, are they made elsewhere?", len(patterns))
	}
	for _, p := range patterns {
		p.compile()
	}
}
