package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"modkeep/kabi"
	"modkeep/kernel"
	"modkeep/loader"
	"modkeep/symtypes"
	"modkeep/symvers"
)

// explanation says why a kernel has other CRCs than a refused module.
type explanation struct {
	Kernel string `json:"kernel"`
	Types  bool   `json:"types"` // the types of both kernels are known
	*explainReport
}

// twoSides are the kernels of an explanation, by what names them. Each pair has
// a pool of its own, so that what is read for one can be let go.
type twoSides struct {
	built, new string // as for compare
	old, now   kabi.Side
	err        error
}

// typed reports whether the types of both kernels are known, as text or by
// their layouts.
func (s *twoSides) typed() bool {
	return s.old.Types != nil && s.now.Types != nil || s.old.Layouts != nil && s.now.Layouts != nil
}

// refusedByCRC reports whether a verdict has a CRC that differs.
func refusedByCRC(v *loader.Verdict) bool {
	return v != nil && !v.Loads && slices.ContainsFunc(v.Findings, func(f loader.Finding) bool {
		return f.Kind == loader.KindCRC || f.Kind == loader.KindLayout
	})
}

// givenSideError is about a kernel that the command line names, with --old or
// --new, and that cannot be read.
type givenSideError struct {
	side string
	err  error
}

func (e *givenSideError) Error() string { return e.side + ": " + e.err.Error() }

// explain adds to the report why modules are refused for CRCs. verdicts are
// those of the modules, in their order.
func (r *checkRun) explain(k *kernel.Kernel, modules []*loader.Module, verdicts []*loader.Verdict) {
	if !r.opts.explain {
		return
	}
	for i, v := range verdicts {
		if !refusedByCRC(v) {
			continue
		}
		e, err := r.explainModule(k, modules[i], v)
		var given *givenSideError
		switch {
		case errors.As(err, &given):
			if !slices.ContainsFunc(r.report.Errors, func(f fileError) bool { return f.File == given.side }) {
				r.fail(given.side, given.err)
			}
		case err != nil:
			v.Unknown = append(v.Unknown, fmt.Sprintf("explanation (%v)", err))
		default:
			r.report.Explanations = append(r.report.Explanations, e)
		}
	}
}

func (r *checkRun) explainModule(k *kernel.Kernel, m *loader.Module, v *loader.Verdict) (*explanation, error) {
	f, err := m.Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	needed, err := readNeeded(f)
	if err != nil {
		return nil, err
	}
	magic, _ := m.Info.Get("vermagic")
	built, _, _ := strings.Cut(magic, " ")
	s := r.sidesOf(k, firstNonEmpty(r.opts.old, built))
	if s.err != nil {
		return nil, s.err
	}
	e := explainImports(v.Module, needed, s.old, s.now)
	// What the kernel does not export another module of the set may.
	e.Absent = slices.DeleteFunc(e.Absent, func(symbol string) bool {
		return !slices.ContainsFunc(v.Findings, func(f loader.Finding) bool { return f.Kind == loader.KindMissing && f.Symbol == symbol })
	})
	return &explanation{v.Kernel, s.typed(), e}, nil
}

// sidesOf reads the kernel that a module was built for, if it can be found, and
// the one that is judged. The pair read last is kept.
func (r *checkRun) sidesOf(k *kernel.Kernel, built string) *twoSides {
	new := firstNonEmpty(r.opts.new, k.Release)
	if s := r.sides; s != nil && s.built == built && s.new == new {
		return s
	}
	collectSoon(50)
	s := &twoSides{built: built, new: new}
	r.sides = s
	types := typesReader{pool: symtypes.NewPool()}
	if s.old, s.err = openSide(types, r.opts.root, built); s.err != nil {
		if r.opts.old != "" {
			s.err = &givenSideError{built, s.err}
			return s
		}
		s.old, s.err = kabi.Side{}, nil // without it only the CRCs are told
	}
	if r.opts.new == "" && k.ModuleDir == "" {
		s.now.Table, _ = k.Table()
		return s
	}
	if s.now, s.err = openSide(types, r.opts.root, new); s.err != nil {
		if r.opts.new != "" {
			s.err = &givenSideError{new, s.err}
		} else {
			s.err = fmt.Errorf("%s: %w", new, s.err)
		}
	}
	if s.now.Table == nil {
		s.now.Table = tableOf(k)
	}
	return s
}

// tableOf returns what a kernel exports, nil where nothing tells.
func tableOf(k *kernel.Kernel) *symvers.Table {
	if t, _ := k.Table(); t.Len() > 0 {
		return t
	}
	return nil
}

// proof says how many of the explained changes are proved, or why none is.
func (e *explanation) proof() string {
	if r := e.report; r.Proved == 0 {
		for i := range r.Changed {
			if c := &r.Changed[i]; len(c.Causes) > 0 {
				return "none proved (" + reasonOf(c) + ")"
			}
		}
	}
	return fmt.Sprintf("%d proved by hashing again", e.report.Proved)
}

// shownWithout is how many changes are said what would be good without them.
const shownWithout = 3

// text writes an explanation below its module's verdict.
func (e *explanation) text(w io.Writer) {
	const indent = "      "
	r := e.report
	fmt.Fprintf(w, "%s%d of %d imports have another CRC", indent, len(e.Changed), e.Imports)
	switch {
	case !e.Types:
		fmt.Fprint(w, "; the types of both kernels are not known, so nothing explains them\n")
		return
	case r.Explained == 0:
		fmt.Fprint(w, ", none explained\n")
	default:
		fmt.Fprintf(w, "; %d explained, %s; {%s} explains all %d\n", r.Explained, e.proof(), strings.Join(e.Cover, ", "), r.Explained)
	}
	for i, c := range r.Causes {
		if i == maxFindings {
			fmt.Fprintf(w, "%s  … and %d more types (modkeep explain has them all)\n", indent, len(r.Causes)-i)
			break
		}
		fmt.Fprintf(w, "%s  %4d  %s: %s\n", indent, c.Symbols, c.Type, c.Judgement)
		if len(c.Path) > 1 {
			fmt.Fprintf(w, "%s        %s\n", indent, strings.Join(c.Path, " -> "))
		}
	}
	for _, u := range e.Without[:min(len(e.Without), shownWithout)] {
		fmt.Fprintf(w, "%s  without the change to %s, %d are good again\n", indent, strings.Join(u.Types, ", "), u.Good)
	}
}
