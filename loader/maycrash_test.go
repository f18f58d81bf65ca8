package loader_test

import (
	"strings"
	"testing"

	"modkeep/internal/kerneltest"
	"modkeep/loader"
)

// TestMayCrash asks which kernels read behind the end of a damaged file before
// they answer: 6.12.100 and 6.18.15 were seen to oops over the first and the
// second (TestOracleAgreement), their successors to refuse.
func TestMayCrash(t *testing.T) {
	tests := []struct {
		name, mutant string
		version      loader.Version
		want         string // part of how the kernel may die; "" where it does not
		loads        bool
	}{
		{"a section's name, compared first", "section-name", loader.Version{6, 12, 100}, "name of section 2 ", false},
		{"a section's name, its place checked first", "section-name", loader.Version{6, 1, 192}, "", false},
		{"a section's name, all places checked first", "section-name", loader.Version{6, 12, 117}, "", false},
		{"a section's name, never checked", "section-name", loader.Version{5, 9, 0}, "name of section 2 ", true},
		{"the section of names, never checked", "shstrndx-range", loader.Version{5, 9, 0}, "header of section 61440", false},
		{"the section of names, checked", "shstrndx-range", loader.Version{6, 12, 100}, "", false},
		{"a symbol's section, not looked at", "symbol-section-index", loader.Version{6, 18, 15}, "header of section 65024", true},
		{"a symbol's section, checked", "symbol-section-index", loader.Version{6, 12, 117}, "", false},
		{"a symbol's section, checked in 6.1", "symbol-section-index", loader.Version{6, 1, 192}, "", false},
		{"whole", "", loader.Version{6, 12, 100}, "", true},
		{"whole, on 5.9", "", loader.Version{5, 9, 0}, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target, file := debian612(), fixture(t, "6.12", "good")
			if tt.mutant != "" {
				file = mutated(t, tt.mutant, file, target)
			}
			target.Version = tt.version
			v := target.Check([]*loader.Module{onDisk(t, "good", file)})[0]
			if v.MayCrash == "" != (tt.want == "") || !strings.Contains(v.MayCrash, tt.want) {
				t.Errorf("may crash: got %q, want %q", v.MayCrash, tt.want)
			}
			if v.Loads != tt.loads || v.Safe() != (tt.loads && tt.want == "") {
				t.Errorf("loads %v, safe %v: %v", v.Loads, v.Safe(), v.Log)
			}
		})
	}
}

// TestDisagreement holds what counts as agreement when a machine died.
func TestDisagreement(t *testing.T) {
	loads, refused := &loader.Verdict{Loads: true}, &loader.Verdict{Errno: "ENOEXEC"}
	warned := &loader.Verdict{Errno: "ENOEXEC", MayCrash: "it reads behind the end"}
	own, kernels := kerneltest.Result{Crashed: true, ReachedInit: true}, kerneltest.Result{Crashed: true}
	tests := []struct {
		name    string
		verdict *loader.Verdict
		result  kerneltest.Result
		agree   bool
	}{
		{"died in the module's own code", loads, own, true},
		{"died in the module's own code, predicted refused", refused, own, false},
		{"died in the kernel's, predicted to load", loads, kernels, false},
		{"died in the kernel's, predicted refused", refused, kernels, false},
		{"died in the kernel's, as warned", warned, kernels, true},
		{"died in the module's own code, predicted refused by a kernel that may die", warned, own, false},
		{"refused with another errno, as warned", warned, kerneltest.Result{Errno: "EINVAL"}, false},
	}
	for _, tt := range tests {
		if d := disagreement(tt.verdict, &tt.result); (d == "") != tt.agree {
			t.Errorf("%s: disagreement %q, want agreement %v", tt.name, d, tt.agree)
		}
	}
}
