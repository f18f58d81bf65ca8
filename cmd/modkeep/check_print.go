package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"modkeep/loader"
)

// maxFindings is how many findings of one kind are printed for a module; JSON
// has them all.
const maxFindings = 8

// print writes the report as text: the verdicts by kernel, and a table of
// kernels and modules where there are several of both.
func (r *checkRun) print(out, errOut io.Writer) error {
	w := bufio.NewWriter(out)
	for _, p := range r.report.Packages {
		p.print(w)
	}
	kernel := ""
	for i, v := range r.report.Verdicts {
		if i == 0 || v.Kernel != kernel {
			kernel = v.Kernel
			fmt.Fprintf(w, "kernel %s\n", firstNonEmpty(kernel, "(release unknown)"))
		}
		printVerdict(w, v, r.explanationOf(v))
	}
	r.printTable(w)
	for _, e := range r.report.Errors {
		fmt.Fprintf(errOut, "modkeep: cannot judge %s: %s\n", e.File, e.Error)
	}
	if len(r.report.Verdicts) == 0 && len(r.report.Errors) == 0 {
		where := "no module below " + r.opts.root + " but the kernels' own"
		if r.given {
			where = "no module file in what was named"
		}
		fmt.Fprintf(errOut, "modkeep: nothing to judge: %s\n", where)
	}
	return w.Flush()
}

func firstNonEmpty(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// explanationOf returns what --explain says about a verdict, nil for nothing.
func (r *checkRun) explanationOf(v *loader.Verdict) *explanation {
	for _, e := range r.report.Explanations {
		if e.Kernel == v.Kernel && e.Module == v.Module {
			return e
		}
	}
	return nil
}

func printVerdict(w io.Writer, v *loader.Verdict, why *explanation) {
	word := "loads"
	if !v.Loads {
		word = strings.TrimSuffix("refused "+v.Errno, " ") // the kernel would not refuse it for its types
	}
	fmt.Fprintf(w, "  %s: %s", v.Module, word)
	if len(v.Taints) > 0 {
		fmt.Fprintf(w, ", taints %s", strings.Join(v.Taints, ""))
	}
	fmt.Fprintln(w)
	printFindings(w, v.Findings)
	if why != nil {
		why.text(w)
	}
	if !v.Loads {
		for _, line := range v.Log {
			fmt.Fprintf(w, "      kernel: %s\n", line)
		}
	}
	for _, text := range []string{v.Insmod, v.Modprobe} {
		if text != "" {
			fmt.Fprintf(w, "      %s\n", text)
		}
	}
	for _, text := range v.Warnings {
		fmt.Fprintf(w, "      warning: %s\n", text)
	}
	if len(v.Unknown) > 0 {
		fmt.Fprintf(w, "      unknown: %s\n", strings.Join(v.Unknown, ", "))
	}
	if v.Next != "" {
		fmt.Fprintf(w, "      next: %s\n", v.Next)
	}
}

// printFindings prints the reasons, those with CRCs as columns.
func printFindings(w io.Writer, findings []loader.Finding) {
	if len(findings) == 0 {
		return
	}
	shown := map[loader.Kind]int{}
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, f := range findings {
		if shown[f.Kind]++; shown[f.Kind] > maxFindings {
			continue
		}
		// Only findings with two values are set in columns: the texts of the
		// others can be as long as a path.
		fmt.Fprintf(tw, "      %s\t%s", f.Kind, f.Text)
		separator := " "
		if f.Want != "" && f.Found != "" {
			fmt.Fprintf(tw, "\tbuilt for %s\tkernel has %s", f.Want, f.Found)
			separator = "\t"
		}
		if f.Provider != "" && !strings.Contains(f.Text, f.Provider) {
			fmt.Fprintf(tw, "%s[%s]", separator, f.Provider)
		}
		fmt.Fprintln(tw)
	}
	tw.Flush()
	for _, kind := range sortedKinds(shown) {
		if n := shown[kind] - maxFindings; n > 0 {
			fmt.Fprintf(w, "      %s  … and %d more (--json lists all)\n", kind, n)
		}
	}
}

func sortedKinds(shown map[loader.Kind]int) []loader.Kind {
	var kinds []loader.Kind
	for k := range shown {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	return kinds
}

// printTable prints kernels by modules, where there are several kernels.
func (r *checkRun) printTable(w io.Writer) {
	if len(r.kernels) < 2 || len(r.report.Verdicts) == 0 {
		return
	}
	var modules, kernels []string
	cell := map[[2]string]string{}
	for _, v := range r.report.Verdicts {
		if !slices.Contains(modules, v.Module) {
			modules = append(modules, v.Module)
		}
		if !slices.Contains(kernels, v.Kernel) {
			kernels = append(kernels, v.Kernel)
		}
		word := "loads"
		if v.Loads && !v.Safe() {
			word = "may crash"
		}
		if !v.Loads {
			word = "-"
			if len(v.Findings) > 0 {
				word = "- " + string(v.Findings[0].Kind)
			}
		}
		cell[[2]string{v.Kernel, v.Module}] = word
	}
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(tw, "module\t%s\n", strings.Join(kernels, "\t"))
	for _, m := range modules {
		fmt.Fprint(tw, shortPath(m))
		for _, k := range kernels {
			fmt.Fprintf(tw, "\t%s", cell[[2]string{k, m}])
		}
		fmt.Fprintln(tw)
	}
	tw.Flush()
}

// shortPath keeps the last three elements of a path: enough to tell modules of
// one name apart.
func shortPath(p string) string {
	parts := strings.Split(p, "/")
	if len(parts) > 3 {
		parts = parts[len(parts)-3:]
	}
	return strings.Join(parts, "/")
}
