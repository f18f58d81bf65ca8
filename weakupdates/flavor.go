package weakupdates

import (
	"fmt"
	"slices"
	"strings"

	"modkeep/kernel/release"
)

// variants are the words by which distributions tell kernels of one version
// apart that are configured differently. Equal symbol versions say little
// across them: what inline functions and macros compiled in has none. SUSE's
// "default" and Ubuntu's "generic" are the plain kernel's names.
var variants = []string{
	"rt", "realtime", "debug", "dbg", "64k", "64kb", "16k", "4k", "pae", "lpae", "xen", "kdump", "zfcpdump", "trace", "vanilla", "preempt",
	"lowlatency", "cloud", "azure", "aws", "gcp", "gke", "oracle", "ibm", "kvm", "raspi", "automotive", "auto", "uek", "ec2",
}

// variantOf returns the words of a release that name a variant, sorted.
func variantOf(krel string) []string {
	r, err := release.Parse(krel)
	if err != nil {
		return nil
	}
	words := strings.FieldsFunc(r.Rest, func(ch rune) bool { return ch == '-' || ch == '+' || ch == '.' || ch == '_' })
	words = slices.DeleteFunc(words, func(w string) bool { return !slices.Contains(variants, w) })
	slices.Sort(words)
	return slices.Compact(words)
}

// foreignTo returns a function that reports whether a donor was built for another
// variant of the kernel. It reads each release once.
func foreignTo(krel string) func(*Donor) bool {
	variant, known := variantOf(krel), map[string]bool{}
	return func(d *Donor) bool {
		built := d.Built()
		foreign, ok := known[built]
		if !ok {
			foreign = !slices.Equal(variantOf(built), variant)
			known[built] = foreign
		}
		return foreign
	}
}

// otherVariant refuses a name of which there are only builds for other
// variants; the kernel's own reasons, where it has any, stand first.
func (c *choice) otherVariant(e *entry, d *Donor) *Outcome {
	text := fmt.Sprintf("built for the %s variant of the kernel, this is the %s one", variantName(d.Built()), variantName(c.k.Release))
	o := c.refusedOutcome(e, d, "flavor", text)
	if v := c.target.Check(c.r.modules([]*Donor{d}))[0]; v != nil && !v.Safe() {
		v.Findings = append(v.Findings, o.Verdict.Findings...)
		o.Verdict = v.Finished()
	}
	return o
}

// variantName names a release's variant in a sentence.
func variantName(krel string) string {
	if v := variantOf(krel); len(v) > 0 {
		return strings.Join(v, "-")
	}
	return "plain"
}
