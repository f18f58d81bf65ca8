package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"modkeep/kabi"
	"modkeep/ko"
	"modkeep/symvers"
)

// explainOptions are the flags of modkeep explain.
type explainOptions struct {
	root string
	all  bool
	json bool
}

// explainReport is what modkeep explain answers.
type explainReport struct {
	Symbol  string        `json:"symbol,omitempty"`
	Module  string        `json:"module,omitempty"`
	Imports int           `json:"imports"` // of a module, those with a CRC; 1 for a symbol
	Foreign int           `json:"foreign"` // imports whose CRC is not OLD's: the module is of another kernel
	Absent  []string      `json:"absent"`
	Changed []changedJSON `json:"changed"`
	Causes  []causeJSON   `json:"causes"`
	Cover   []string      `json:"cover"`
	Without []withoutJSON `json:"without"`
	Source  kabi.Source   `json:"source,omitempty"` // what the causes were found in

	report *kabi.Report
	crc    string // of an unchanged symbol
}

// withoutJSON is what would be had some types not changed.
type withoutJSON struct {
	Types []string `json:"types"`
	Good  int      `json:"good"` // changed imports that would have their CRC again
}

func newExplainCommand() *cobra.Command {
	var opts explainOptions
	cmd := &cobra.Command{
		Use:   "explain [flags] SYMBOL|MODULE.ko OLD NEW",
		Short: "Say which changed types give an export, or a module's imports, another CRC",
		Long: `Explain says why an export has another CRC on NEW than on OLD, or which of a
module's imports do: the types that changed, the shortest way to each, what
changed in it, and what would be good again without that change. OLD and NEW are
as for compare; without the types of both only the CRCs are told.

Of a module it is the CRCs in the file that are compared with NEW's, as the
kernel does. OLD is the kernel it was built for.` + exitStatus(
			"the CRCs are the same",
			"they differ, or an import is gone",
			"could not tell: unreadable input, an unknown symbol, no CRCs to compare"),
		Example: `  modkeep explain printk old.symtypes new.symtypes
  modkeep explain ./driver.ko 6.1.0-47-amd64,old.symtypes 6.1.0-56-amd64,new.symtypes`,
		RunE: func(cmd *cobra.Command, args []string) error { return runExplain(cmd, &opts, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.root, "root", "/", "look below `DIR` for kernels")
	flags.BoolVar(&opts.all, "all", false, "print every cause in full")
	addJSONFlag(flags, &opts.json)
	return cmd
}

func runExplain(cmd *cobra.Command, opts *explainOptions, args []string) error {
	if len(args) != 3 {
		return usageErrorf(cmd, "%d arguments given, not SYMBOL or MODULE, OLD and NEW", len(args))
	}
	old, new, err := openSides(opts.root, args[1], args[2])
	if err != nil {
		return err
	}
	var e *explainReport
	if isPath(args[0]) {
		e, err = explainModule(args[0], old, new)
	} else {
		e, err = explainSymbol(args[0], old, new)
	}
	if err != nil {
		return fmt.Errorf("cannot explain %s: %w", args[0], err)
	}
	if opts.json {
		err = writeJSON(cmd.OutOrStdout(), e)
	} else {
		w := bufio.NewWriter(cmd.OutOrStdout())
		e.text(w, opts.all)
		err = w.Flush()
	}
	if err != nil {
		return err
	}
	return e.status()
}

func (e *explainReport) status() error {
	switch {
	case len(e.Changed)+len(e.Absent) > 0:
		return silent(statusNo)
	case e.report.Unknown():
		return silent(statusUnknown)
	}
	return nil
}

// explainSymbol compares one export.
func explainSymbol(symbol string, old, new kabi.Side) (*explainReport, error) {
	list, err := kabi.ParseList(symbol)
	if err != nil || len(list.Symbols) != 1 {
		return nil, errors.New("not a symbol, and a path has a slash or ends in .ko")
	}
	r := kabi.Compare(old, new, kabi.Options{List: list})
	switch {
	case len(r.Unlisted) > 0:
		return nil, errors.New("neither kernel exports it")
	case len(r.Added) > 0:
		return nil, errors.New("the old kernel does not export it")
	}
	e := newExplainReport(r, old, new)
	e.Symbol, e.Imports = symbol, 1
	if new.Table != nil {
		if row, ok := new.Table.Lookup(symbol); ok {
			e.crc = crcText(row.CRC, row.HasCRC)
		}
	}
	return e, nil
}

// explainModule compares the CRCs that a module has with the new kernel's.
func explainModule(path string, old, new kabi.Side) (*explainReport, error) {
	var e *explainReport
	read := func(f *ko.File) ([]neededSymbol, error) { return readNeeded(f) }
	failed := eachModule([]string{path}, read, func(needed []neededSymbol) { e = explainImports(path, needed, old, new) })
	if len(failed) > 0 {
		return nil, errors.New(failed[0].Error)
	}
	return e, nil
}

// explainImports compares what a module needs with what the new kernel exports.
func explainImports(path string, needed []neededSymbol, old, new kabi.Side) *explainReport {
	table, weak := importTable(needed)
	foreign := 0
	if old.Table != nil {
		foreign = foreignTo(table, old.Table)
	}
	old.Table = table
	r := kabi.Compare(old, new, kabi.Options{List: kabi.NewList(symbolsOf(table.Exports))})
	e := newExplainReport(r, old, new)
	e.Module, e.Imports, e.Foreign = path, table.Len(), foreign
	e.Absent = e.Absent[:0]
	for _, gone := range r.Removed {
		if !weak[gone.Symbol] {
			e.Absent = append(e.Absent, gone.Symbol)
		}
	}
	return e
}

// importTable returns a module's imports as if they were exports of the kernel
// it was built for, and which of them are weak.
func importTable(needed []neededSymbol) (*symvers.Table, map[string]bool) {
	rows := make([]symvers.Export, len(needed))
	weak := make(map[string]bool)
	for i, n := range needed {
		rows[i].Symbol, weak[n.Symbol] = n.Symbol, n.Weak
		if crc, err := strconv.ParseUint(n.CRC, 0, 32); err == nil {
			rows[i].CRC, rows[i].HasCRC = symvers.CRC(crc), true
		}
	}
	return symvers.New(rows), weak
}

// foreignTo counts imports with another CRC than a kernel has.
func foreignTo(imports, kernel *symvers.Table) int {
	n := 0
	for i := range imports.Exports {
		row := &imports.Exports[i]
		if e, ok := kernel.Lookup(row.Symbol); ok && e.HasCRC && row.HasCRC && e.CRC != row.CRC {
			n++
		}
	}
	return n
}

func newExplainReport(r *kabi.Report, old, new kabi.Side) *explainReport {
	e := &explainReport{
		Absent: symbolsOf(r.Removed), Changed: changedOf(r), Causes: causesOf(r), Cover: coverOf(r),
		Without: []withoutJSON{}, Source: r.Source, report: r,
	}
	for _, u := range r.Without(old, new) {
		e.Without = append(e.Without, withoutJSON{u.Types, u.Good})
	}
	return e
}

func (e *explainReport) text(w io.Writer, all bool) {
	r := e.report
	switch {
	case e.Module != "":
		fmt.Fprintf(w, "%s: %d of %d imports have another CRC, %d are absent\n", e.Module, len(e.Changed), e.Imports, len(e.Absent))
	case len(e.Absent) > 0:
		fmt.Fprintf(w, "%s: no longer exported\n", e.Symbol)
	case len(e.Changed) > 0:
		fmt.Fprintf(w, "%s: %s -> %s\n", e.Symbol, e.Changed[0].Old, e.Changed[0].New)
	case r.Unknown():
		fmt.Fprintf(w, "%s: no CRCs to compare\n", e.Symbol)
	default:
		fmt.Fprintf(w, "%s: the same on both%s\n", e.Symbol, strings.TrimRight(": "+e.crc, ": "))
	}
	if e.Foreign > 0 {
		fmt.Fprintf(w, "%d imports have another CRC than the old kernel: the module was built for another\n", e.Foreign)
	}
	if e.Module != "" {
		for _, symbol := range e.Absent {
			fmt.Fprintf(w, "  absent\t%s\n", symbol)
		}
	}
	e.explained(w)
	for i, c := range r.Causes {
		if i >= shownCauses && !all {
			printRest(w, r.Causes[i:])
			break
		}
		printCause(w, c)
	}
	e.without(w)
}

// explained says how many changes the causes explain, and by which few types.
func (e *explainReport) explained(w io.Writer) {
	r := e.report
	if len(r.Changed) == 0 {
		return
	}
	reasons := make(map[string]int)
	for i := range r.Changed {
		if c := &r.Changed[i]; !c.Proved {
			reasons[reasonOf(c)]++
		}
	}
	if e.Module == "" {
		if r.Proved > 0 {
			fmt.Fprintf(w, "explained by %d changed types, proved by hashing again\n", len(e.Causes))
		}
	} else if r.Explained > 0 {
		fmt.Fprintf(w, "%d of the %d explained, %d proved by hashing again\n", r.Explained, len(r.Changed), r.Proved)
		fmt.Fprintf(w, "{%s} explains all %d\n", strings.Join(e.Cover, ", "), r.Explained)
	}
	printSource(w, r)
	printReasons(w, reasons)
}

func (e *explainReport) without(w io.Writer) {
	if len(e.Without) == 0 || e.Module == "" && len(e.Without[0].Types) == 1 {
		return
	}
	fmt.Fprintln(w)
	for i, u := range e.Without {
		if i == shownSymbols {
			break
		}
		fmt.Fprintf(w, "without the change to %s: %d good again\n", strings.Join(u.Types, ", "), u.Good)
	}
}
