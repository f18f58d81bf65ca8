package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"modkeep/kmp"
	"modkeep/ko"
	"modkeep/loader"
)

// packageReport is what a package carries beside its modules' verdicts.
type packageReport struct {
	File     string         `json:"file"`
	Name     string         `json:"name"`
	Version  string         `json:"version"` // [epoch:]version[-release]
	Arch     string         `json:"arch"`
	BuiltFor []string       `json:"built_for"` // kernel releases
	Modules  []string       `json:"modules"`   // paths in the package
	Carries  []extraReport  `json:"carries"`
	Scripts  []scriptReport `json:"scripts"`
	Depends  []string       `json:"depends"` // relations that name kernels, symbols or modules
}

// extraReport is a file of a package that matters for its modules.
type extraReport struct {
	Path string `json:"path"`
	Role string `json:"role"`
}

// scriptReport is a scriptlet that does something about modules, or that will
// not do what its author meant.
type scriptReport struct {
	Name     string   `json:"name"`
	Calls    []string `json:"calls"`
	Problems []string `json:"problems"`
}

// addPackage reads a package and takes its modules into the set.
func (r *checkRun) addPackage(path string) {
	p, err := kmp.Open(path)
	if err != nil {
		r.fail(path, err)
		return
	}
	report := packageReport{File: path, Name: p.Name, Version: p.EVR(), Arch: p.Arch, BuiltFor: p.Kernels(),
		Modules: []string{}, Carries: []extraReport{}, Scripts: []scriptReport{}, Depends: []string{}}
	for i := range p.Modules {
		m := &p.Modules[i]
		report.Modules = append(report.Modules, m.Path)
		r.addPackaged(path+":"+m.Path, m.Data)
	}
	for _, e := range p.Extras {
		report.Carries = append(report.Carries, extraReport{e.Path, string(e.Role)})
	}
	for _, s := range p.Scripts {
		if problems := macroProblems(s.Macros); len(s.Calls)+len(problems) > 0 {
			report.Scripts = append(report.Scripts, scriptReport{s.Name, append([]string{}, s.Calls...), problems})
		}
	}
	for _, d := range p.Depends {
		if d.Class() != "" {
			report.Depends = append(report.Depends, fmt.Sprintf("%s: %s", d.Relation, d))
		}
	}
	r.report.Packages = append(r.report.Packages, report)
}

func (r *checkRun) addPackaged(path string, data []byte) {
	m := loader.ReadFrom(path, func() (*ko.Image, error) {
		return ko.NewImage(path, bytes.NewReader(data), int64(len(data)))
	})
	if m.Err != nil {
		r.fail(path, m.Err)
		return
	}
	r.modules = append(r.modules, m)
}

// macroProblems says what a macro that was not expanded will do.
func macroProblems(macros []kmp.Macro) []string {
	problems := []string{}
	for _, m := range macros {
		text := fmt.Sprintf("line %d: macro %s was not expanded when the package was built", m.Line, m.Name)
		if m.Job {
			text += fmt.Sprintf("; the shell will say \"line %d: fg: no job control\"", m.Line)
		}
		problems = append(problems, text)
	}
	return problems
}

func (p *packageReport) print(w io.Writer) {
	fmt.Fprintf(w, "package %s: %s %s, %s, %d modules", p.File, p.Name, p.Version, p.Arch, len(p.Modules))
	if len(p.BuiltFor) > 0 {
		fmt.Fprintf(w, ", built for %s", strings.Join(p.BuiltFor, ", "))
	}
	fmt.Fprintln(w)
	var roles []string
	files := map[string][]string{}
	for _, e := range p.Carries {
		if !slices.Contains(roles, e.Role) {
			roles = append(roles, e.Role)
		}
		files[e.Role] = append(files[e.Role], e.Path)
	}
	for _, role := range roles {
		fmt.Fprintf(w, "  carries %s: %s\n", role, strings.Join(files[role], " "))
	}
	for _, s := range p.Scripts {
		if len(s.Calls) > 0 {
			fmt.Fprintf(w, "  %s calls %s\n", s.Name, strings.Join(s.Calls, ", "))
		}
		for _, text := range s.Problems {
			fmt.Fprintf(w, "  %s: %s\n", s.Name, text)
		}
	}
	for _, d := range p.Depends {
		fmt.Fprintf(w, "  %s\n", d)
	}
}
