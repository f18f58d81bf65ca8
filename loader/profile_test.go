package loader

import (
	"fmt"
	"testing"
)

func TestRulesAnswerEveryKernel(t *testing.T) {
	for r := range rules {
		rows := rules[r]
		if len(rows) == 0 {
			t.Errorf("rule %d has no row", r)
			continue
		}
		last := rows[len(rows)-1]
		if last.until != "" || last.distro != "" {
			t.Errorf("rule %d: the last row does not hold for every later kernel: %+v", r, last)
		}
		for _, w := range rows {
			if w.source == "" || w.value == "" {
				t.Errorf("rule %d: row without value or source: %+v", r, w)
			}
			for _, v := range []string{w.from, w.until} {
				if _, ok := ParseVersion(v); v != "" && !ok {
					t.Errorf("rule %d: %q is not a version", r, v)
				}
			}
		}
	}
	for _, v := range []Version{{2, 4, 0}, {2, 6, 11}, {2, 6, 32}, {3, 10, 0}, {4, 19, 0}, {5, 10, 0}, {6, 1, 192}, {6, 12, 0}, {7, 3, 0}} {
		p := Profile{Version: v}
		p.settle()
		for r, a := range p.answers {
			if a.value == "" {
				t.Errorf("%v: rule %d has no answer", v, r)
			}
		}
	}
}

// The expected answers are those of the kernels' sources: see the rows'
// sources, and for Debian what its kernels were seen to do.
func TestProfileAnswers(t *testing.T) {
	tests := []struct {
		version Version
		distro  string
		rule    rule
		value   string
		basis   Basis
	}{
		{Version{6, 1, 192}, "debian", ruleNoVersion, "refuse-warn", Run},
		{Version{6, 1, 192}, "mainline", ruleNoVersion, "once-accept", Source},
		{Version{2, 6, 11}, "", ruleNoVersion, "taint", Source},
		{Version{2, 6, 32}, "rhel", ruleNoVersion, "refuse", Source},
		{Version{3, 10, 0}, "rhel", ruleSigForgive, "enokey", Source},
		{Version{6, 1, 0}, "debian", ruleThisModule, "present", Run},
		{Version{6, 4, 0}, "", ruleThisModule, "only", Source},
		{Version{6, 12, 111}, "debian", ruleThisModule, "only", Run},
		{Version{6, 12, 117}, "debian", ruleThisModule, "exact", Run},
		{Version{6, 13, 0}, "", ruleThisModule, "exact", Source},
		{Version{6, 12, 111}, "debian", ruleELFOrder, "classic", Run},
		{Version{6, 12, 117}, "debian", ruleStringTypes, "checked", Run},
		{Version{6, 18, 15}, "debian", ruleStringTypes, "unchecked", Run},
		{Version{7, 2, 6}, "debian", ruleStringTypes, "checked", Run},
		{Version{2, 6, 32}, "", ruleBadCRCErrno, "ENOENT", Source},
		{Version{3, 10, 0}, "", ruleBadCRCErrno, "EINVAL", Source},
		{Version{7, 3, 0}, "debian", ruleKsymtab, "flagstab", Run},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%v %s %d", tt.version, tt.distro, tt.rule), func(t *testing.T) {
			p := Profile{Version: tt.version, Distro: tt.distro, Arch: Arches[0]}
			p.settle()
			if got := p.answers[tt.rule]; got != (answer{tt.value, tt.basis}) {
				t.Errorf("answers %+v, want %s by %s", got, tt.value, tt.basis)
			}
		})
	}
}

func TestParseVersion(t *testing.T) {
	tests := []struct {
		text string
		want Version
		ok   bool
	}{
		{"6.1.192-2", Version{6, 1, 192}, true},
		{"6.12", Version{6, 12, 0}, true},
		{"2.6.32-220.el6", Version{2, 6, 32}, true},
		{"6.12.117+deb12-amd64", Version{6, 12, 117}, true},
		{"6", Version{6, 0, 0}, false},
		{"", Version{}, false},
		{"x", Version{}, false},
	}
	for _, tt := range tests {
		if got, ok := ParseVersion(tt.text); got != tt.want || ok != tt.ok {
			t.Errorf("ParseVersion(%q) = %v, %v, want %v, %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}

func TestSameMagic(t *testing.T) {
	const kernel = "6.1.0-56-amd64 SMP preempt mod_unload modversions "
	tests := []struct {
		name, module string
		crcs, want   bool
	}{
		{"equal", kernel, false, true},
		{"other release, CRCs", "6.1.0-55-amd64 SMP preempt mod_unload modversions ", true, true},
		{"other release, no CRCs", "6.1.0-55-amd64 SMP preempt mod_unload modversions ", false, false},
		{"flag missing", "6.1.0-56-amd64 SMP mod_unload modversions ", true, false},
		{"trailing blank missing", "6.1.0-56-amd64 SMP preempt mod_unload modversions", true, false},
		{"empty", "", true, false},
	}
	for _, tt := range tests {
		if got := sameMagic(tt.module, kernel, tt.crcs); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestNamespaceLists(t *testing.T) {
	tests := []struct {
		ns, module string
		want       bool
	}{
		{"module:kvm", "kvm", true},
		{"module:kvm", "kvm_intel", false},
		{"module:kvm*", "kvm_intel", true},
		{"module:foo,kvm-intel", "kvm_intel", true},
		{"module:foo,bar*,baz", "baz", true},
		{"KVM", "kvm", false},
		{"module:", "kvm", false},
	}
	for _, tt := range tests {
		if got := namespaceLists(tt.ns, tt.module); got != tt.want {
			t.Errorf("namespaceLists(%q, %q) = %v", tt.ns, tt.module, got)
		}
	}
}

func TestApplyCmdline(t *testing.T) {
	var target Target
	target.Spectre = true
	target.applyCmdline("ro quiet module.sig-enforce=1 module_blacklist=a,b lockdown=integrity mitigations=auto,off")
	if target.Enforce != Yes || fmt.Sprint(target.Blacklist) != "[a b]" || target.Lockdown != "integrity" || target.Spectre {
		t.Errorf("%+v", target.Profile)
	}
	target = Target{}
	target.applyCmdline("module.sig_enforce=0 nomodule")
	if target.Enforce != Unknown || !target.NoModule {
		t.Errorf("%+v", target.Profile)
	}
}
