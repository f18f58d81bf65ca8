package kabi

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
	"modkeep/symvers"
)

const rulesText = `# comment
kvm_x86_ops		FAIL	# behind a rule
arch/x86/kvm/*	PASS
vmlinux PASS
CXL	PASS
SYMBOL CAPS_* PASS
snd_?oc_[ab]* PASS
`

func TestRules(t *testing.T) {
	rules, err := ParseRules(rulesText)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		export symvers.Export
		want   string // the first rule
	}{
		{symvers.Export{Symbol: "kvm_x86_ops", Module: "arch/x86/kvm/kvm"}, "SYMBOL kvm_x86_ops FAIL"},
		{symvers.Export{Symbol: "kvm_x", Module: "arch/x86/kvm/sub/kvm"}, "MODULE arch/x86/kvm/* PASS"},
		{symvers.Export{Symbol: "printk", Module: "vmlinux"}, "MODULE vmlinux PASS"},
		{symvers.Export{Symbol: "x", Module: "drivers/cxl/cxl", Namespace: "CXL"}, "NAMESPACE CXL PASS"},
		{symvers.Export{Symbol: "CXL", Module: "drivers/cxl/cxl"}, ""},
		{symvers.Export{Symbol: "CAPS_x", Module: "m"}, "SYMBOL CAPS_* PASS"},
		{symvers.Export{Symbol: "snd_soc_b1", Module: "m"}, "SYMBOL snd_?oc_[ab]* PASS"},
		{symvers.Export{Symbol: "snd_soc_c1", Module: "m"}, ""},
	}
	for _, tt := range tests {
		got := ""
		if i := rules.first(&tt.export); i >= 0 {
			got = rules.List[i].String()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.export.Symbol, got, tt.want)
		}
	}
	unused := rules.unused(symvers.New([]symvers.Export{{Symbol: "printk", Module: "vmlinux"}}))
	if len(unused) != len(rules.List)-1 || unused[0].Line != 2 {
		t.Errorf("unused: %v", unused)
	}
}

func TestRuleErrors(t *testing.T) {
	for text, want := range map[string]string{
		"a\n":         "line 1: not [TYPE] PATTERN VERDICT",
		"\na b c d\n": "line 2: not [TYPE] PATTERN VERDICT",
		"a MAYBE":     `line 1: verdict "MAYBE" is not PASS or FAIL`,
		"FILE a PASS": `line 1: "FILE" is not MODULE, NAMESPACE or SYMBOL`,
		"a[ PASS":     `line 1: pattern "a[": a bracket is not closed`,
	} {
		_, err := ParseRules(text)
		var rule *RuleError
		if !errors.As(err, &rule) || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestLists(t *testing.T) {
	tests := []struct{ name, text string }{
		{"headed", "[rhel9_x86_64_stablelist]\n\tprintk\n\tkfree\n"},
		{"flat", "printk\nkfree\n"},
		{"table", "0x12345678\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n0x12345678 kfree vmlinux EXPORT_SYMBOL NS\n"},
		{"weak modules' own", "# kernel ABI\n[_x86_64_whitelist]\r\n    printk\r\n    kfree\r\nprintk\r\n"},
	}
	for _, tt := range tests {
		l, err := ParseList(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff([]string{"printk", "kfree"}, l.Symbols); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.name, diff)
		}
	}
	if _, err := ParseList("printk\n<html>\n"); err == nil || err.Error() != `line 2: "<html>" is no symbol` {
		t.Errorf("%v", err)
	}
}

func TestListRestricts(t *testing.T) {
	l, err := ParseList("a\nb\nc\n")
	if err != nil {
		t.Fatal(err)
	}
	row := func(name string, crc symvers.CRC) symvers.Export {
		return symvers.Export{Symbol: name, CRC: crc, HasCRC: true, Module: "vmlinux"}
	}
	old := symvers.New([]symvers.Export{row("a", 1), row("b", 1), row("x", 1)})
	new := symvers.New([]symvers.Export{row("a", 2), row("x", 2), row("y", 2)})
	r := Compare(Side{Table: old}, Side{Table: new}, Options{List: l})
	if diff := cmp.Diff([]string{"a", "b"}, r.Breaking()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"c"}, r.Unlisted); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestOracleSeverities compares SUSE's kernels of 16.0 by its own rules. The
// numbers are those that SUSE's ksymvers is tested to print for them.
func TestOracleSeverities(t *testing.T) {
	f, err := os.Open(oracle.Data(t, "symvers/suse-sl16/severities.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := ParseRules(string(text))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		new                     string
		rules                   *Rules
		want                    counts
		removed, added, changed int // tolerated
		different               bool
	}{
		{"new", nil, counts{Removed: 4, Added: 47, Changed: 215}, 0, 0, 0, true},
		{"new", rules, counts{Added: 18}, 4, 29, 215, false},
		{"broken", rules, counts{Added: 18, Changed: 256}, 4, 29, 248, true},
	}
	base := table(t, oracle.Data(t, "symvers/suse-sl16/base-symvers-default.gz"))
	for _, tt := range tests {
		r := Compare(Side{Table: base}, Side{Table: table(t, oracle.Data(t, "symvers/suse-sl16/"+tt.new+"-symvers-default.gz"))}, Options{Rules: tt.rules})
		if diff := cmp.Diff(tt.want, countsOf(r)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.new, diff)
		}
		got := []int{len(r.Tolerated.Removed), len(r.Tolerated.Added), len(r.Tolerated.Changed)}
		if !slices.Equal(got, []int{tt.removed, tt.added, tt.changed}) || r.Different() != tt.different {
			t.Errorf("%s: tolerated %v, different %v", tt.new, got, r.Different())
		}
		t.Logf("%s: %d rules unused", tt.new, len(r.UnusedRules))
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add(rulesText, "snd_soc_b")
	f.Add("[a-b]*?* PASS", "aaaaaaaaaaaaaaaa")
	f.Fuzz(func(t *testing.T, text, symbol string) {
		if l, err := ParseList(text); err == nil {
			l.restrict(symvers.New([]symvers.Export{{Symbol: symbol}}))
		}
		rules, err := ParseRules(text)
		if err != nil {
			return
		}
		i := rules.first(&symvers.Export{Symbol: symbol, Module: symbol, Namespace: symbol})
		if i >= 0 && !strings.ContainsAny(rules.List[i].Pattern, "*?[") && rules.List[i].Pattern != symbol {
			t.Errorf("%q matched %q", rules.List[i].Pattern, symbol)
		}
	})
}

// FuzzDiff: what a script leaves and brings is each side's text, however few steps
// are left for it.
func FuzzDiff(f *testing.F) {
	f.Add("a\nb\nc\nd", "a\nx\nc\ne\nd", 100)
	f.Add("abcabba", "cbabac", 100)
	f.Add("abcabba", "cbabac", 3)
	f.Fuzz(func(t *testing.T, a, b string, steps int) {
		before, after := strings.Split(a, "\n"), strings.Split(b, "\n")
		if len(before) == 1 && len(after) == 1 {
			before, after = strings.Split(a, ""), strings.Split(b, "")
		}
		var old, new []string
		d := &differ{steps: steps, bytes: 1}
		ops := d.script(before, after)
		for _, op := range ops {
			if op.mark != '+' {
				old = append(old, op.line)
			}
			if op.mark != '-' {
				new = append(new, op.line)
			}
		}
		if !slices.Equal(old, before) || !slices.Equal(new, after) {
			t.Errorf("%q %q: %q %q", before, after, old, new)
		}
		if text := d.text(ops, nil); len(text) > 0 && !d.spent() {
			t.Errorf("%q is not counted", text)
		}
	})
}
