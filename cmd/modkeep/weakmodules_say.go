package main

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"modkeep/loader"
	"modkeep/txn"
	"modkeep/weakupdates"
)

// sentences says what became of modules in the words of Red Hat's weak-modules,
// which other programs look for: those of kmod 28 and, where an older build
// stays away, those of the script before kmod 20-10.
type sentences struct {
	out     io.Writer
	verbose bool
}

// more says what is said with --verbose only.
func (s sentences) more(format string, args ...any) {
	if s.verbose {
		fmt.Fprintf(s.out, format+"\n", args...)
	}
}

// outcome says what became of one module on one kernel.
func (s sentences) outcome(o *weakupdates.Outcome) {
	file, built := moduleFile(o), ""
	if o.Donor != nil {
		built = o.Donor.Built()
	}
	switch o.Decision {
	case weakupdates.Linked, weakupdates.Kept:
		if o.Forced && o.Verdict != nil && !o.Verdict.Loads {
			s.refused(o, file, built)
			s.more("Linking module %s from kernel %s into kernel %s all the same: the policy says link: force", file, built, o.Kernel)
			return
		}
		s.more("Module %s from kernel %s is compatible with kernel %s", file, built, o.Kernel)
	case weakupdates.Refused:
		s.refused(o, file, built)
	case weakupdates.Older:
		if o.Listed && o.By != nil {
			s.more("Keeping module %s from kernel %s for kernel %s", file, o.By.Built(), o.Kernel)
		}
	case weakupdates.Own, weakupdates.Never:
		if o.Listed {
			s.more("Skipping module %s from kernel %s for kernel %s: %s", file, built, o.Kernel, o.Reason)
		}
	case weakupdates.Removed, weakupdates.Dangling:
		s.more("Removing compatible module %s from kernel %s", file, o.Kernel)
	}
}

// refused says that a module is not compatible, with --verbose also why.
func (s sentences) refused(o *weakupdates.Outcome, file, built string) {
	var findings []loader.Finding
	if o.Verdict != nil {
		findings = o.Verdict.Findings
	}
	unversioned := slices.ContainsFunc(findings, noModversions)
	text := fmt.Sprintf("Module %s from kernel %s is not compatible with kernel %s", file, built, o.Kernel)
	switch symbols := o.Symbols(); {
	case len(symbols) > 0:
		fmt.Fprintf(s.out, "%s in symbols: %s\n", text, strings.Join(symbols, " "))
	case unversioned:
		fmt.Fprintf(s.out, "%s: it has no modversions\n", text)
	default:
		fmt.Fprintf(s.out, "%s: %s\n", text, o.Reason)
	}
	if unversioned {
		s.more("Warning: Module %s from kernel %s has no modversions, so it cannot be reused for kernel %s", file, built, o.Kernel)
	}
	for _, f := range findings {
		values := ""
		if f.Want != "" && f.Found != "" {
			values = fmt.Sprintf(": built for %s, kernel has %s", f.Want, f.Found)
		}
		s.more("    %s%s", f.Text, values)
	}
	if o.Final && o.Link != "" {
		s.more("Removing compatible module %s from kernel %s", file, o.Kernel)
	}
}

// noModversions reports whether a finding is that the module carries no
// versions, or none of a symbol. module_layout is what the kernel says it of
// where there are none at all.
func noModversions(f loader.Finding) bool {
	return f.Kind == loader.KindNoVersion || f.Kind == loader.KindForced && strings.HasPrefix(f.Text, "module_layout")
}

// moduleFile is the name of the file that an outcome speaks of, without its
// directory.
func moduleFile(o *weakupdates.Outcome) string {
	switch {
	case o.Donor != nil:
		return path.Base(o.Donor.Path)
	case o.Target != "":
		return path.Base(o.Target)
	case o.Link != "":
		return path.Base(o.Link)
	}
	return o.Name
}

// step says a step as the command that would do it.
func (s sentences) step(root string, step *txn.Step) {
	if !s.verbose {
		return
	}
	where := strings.TrimSuffix(root, "/") + step.Path
	switch step.Op {
	case txn.Link:
		s.more("ln -sfn %s %s", step.Target, where)
	case txn.Unlink, txn.Remove:
		s.more("rm -f %s", where)
	case txn.Mkdir:
		s.more("mkdir -p %s", where)
	case txn.Rmdir:
		s.more("rmdir %s", where)
	case txn.Write:
		s.more("write %s", where)
	default:
		s.more("%s", strings.ReplaceAll(strings.Join(step.Command, " "), "{}", where))
	}
}
