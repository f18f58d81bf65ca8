package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// maxReasons is how many reasons of one load are printed; JSON has them all.
const maxReasons = 12

// printDiagnosis writes the report as text: a heading for each finding, below
// it what is known, last what to do.
func printDiagnosis(out io.Writer, r *diagnoseReport, all bool) error {
	w := bufio.NewWriter(out)
	for i, f := range r.Findings {
		if i > 0 {
			fmt.Fprintln(w)
		}
		f.print(w)
	}
	if len(r.Findings) > 0 {
		fmt.Fprintln(w)
	}
	if r.More > 0 {
		fmt.Fprintf(w, "%d more findings were left out\n", r.More)
	}
	switch n := len(r.Warnings); {
	case all:
		for _, note := range r.Warnings {
			fmt.Fprintf(w, "line %d: %s\n", note.Line, note.Text)
		}
	case n > 0:
		fmt.Fprintf(w, "warnings about modules that were loaded: %d (--all lists them)\n", n)
	}
	if len(r.Findings) == 0 {
		fmt.Fprintln(w, "nothing was found")
	}
	return w.Flush()
}

// labelled writes labelled lines below a heading; empty ones are left out.
type labelled struct{ w io.Writer }

func (l labelled) line(label, text string) {
	if text != "" {
		fmt.Fprintf(l.w, "    %-9s %s\n", label+":", text)
	}
}

func (f *logFind) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %s%s\n", f.lines(), f.heading(), times(f.Count))
	l := labelled{w}
	l.line("time", f.Time)
	if f.Report != nil {
		f.Report.print(l)
		l.line("kernel", f.Kernel)
		if f.Module == "" {
			l.line("culprit", "no module in the trace")
		} else {
			l.line("culprit", fmt.Sprintf("%s: %s", f.Module, f.Report.Culprit))
		}
		if len(f.Report.InTrace) > 1 {
			l.line("in trace", strings.Join(f.Report.InTrace, ", "))
		}
	} else {
		l.line("kernel", f.Kernel)
		f.printReasons(l)
	}
	if f.Origin != "unknown" || f.Basis != "" {
		l.line("origin", spaced(f.Origin, unlessEmpty("(", f.Basis, ")")))
	}
	l.line("file", spaced(f.File, unlessEmpty("(", f.FileNote, ")")))
	l.line("next", f.Next)
}

func (f *logFind) lines() string {
	if f.Last > f.Line {
		return fmt.Sprintf("lines %d-%d", f.Line, f.Last)
	}
	return fmt.Sprintf("line %d", f.Line)
}

func times(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(" (%d times)", n)
}

func (f *logFind) heading() string {
	switch {
	case f.Report != nil:
		number := ""
		if f.Report.Number > 0 {
			number = fmt.Sprintf(" #%d", f.Report.Number)
		}
		return f.Kind + number + unlessEmpty(" in ", f.Module, "") + ": " + f.Report.Title
	case f.Kind == "scriptlet":
		return "a package's scriptlet is broken"
	case f.Kind == "unlinked":
		return f.Module + " was not linked"
	case f.Module == "":
		return "a module was refused" + unlessEmpty(" (", f.Errno, ")") + ": " + f.Kind
	}
	return f.Module + " was refused" + unlessEmpty(" (", f.Errno, ")") + ": " + f.Kind
}

func (f *logFind) printReasons(l labelled) {
	for i, r := range f.Reasons {
		if i == maxReasons {
			l.line("", fmt.Sprintf("… and %d more (--json lists all)", len(f.Reasons)-i))
			break
		}
		text := r.Text
		if len(text) > 400 {
			text = text[:400] + " …"
		}
		l.line("log", spaced(text, unlessEmpty("[exported by ", r.Provider, "]")))
	}
	for _, text := range firstFew(f.Programs) {
		l.line("program", text)
	}
}

func (r *logReport) print(l labelled) {
	l.line("trap", r.Trap)
	l.line("source", r.Location)
	l.line("code", r.Code)
	who := r.Comm
	if r.PID != nil {
		who = spaced(who, fmt.Sprintf("(pid %d)", *r.PID))
	}
	if r.CPU != nil {
		who = spaced(who, fmt.Sprintf("on CPU %d", *r.CPU))
	}
	l.line("process", who)
	for _, t := range r.Taints {
		l.line("taint", t)
	}
	l.line("hardware", r.Hardware)
	l.line("panic", r.Panic)
}

// unlessEmpty is text between two others, or nothing at all.
func unlessEmpty(before, text, after string) string {
	if text == "" {
		return ""
	}
	return before + text + after
}
