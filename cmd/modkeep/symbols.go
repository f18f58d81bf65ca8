package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"modkeep/kernel"
	"modkeep/ko"
	"modkeep/symvers"
)

// symbolsOptions are the flags of modkeep symbols.
type symbolsOptions struct {
	target
	needed, exported bool
	set              string
	json             bool
}

// symbolsReport is what modkeep symbols answers for files.
type symbolsReport struct {
	Files  []fileSymbols `json:"files"`
	Errors []fileError   `json:"errors"`
}

// fileSymbols is what one module needs and gives. A list that was not asked
// for is left out.
type fileSymbols struct {
	File     string          `json:"file"`
	Needed   []neededSymbol  `json:"needed,omitzero"`
	Exported []exportedEntry `json:"exported,omitzero"`
}

// neededSymbol is a symbol that a module imports: it has an entry in the
// module's versions, or is undefined, or both.
type neededSymbol struct {
	Symbol string `json:"symbol"`
	CRC    string `json:"crc"` // "" where the module's versions have no entry
	Weak   bool   `json:"weak"`
}

type exportedEntry struct {
	Symbol    string       `json:"symbol"`
	CRC       string       `json:"crc"` // "" where the exporter has no CRCs
	Type      symvers.Type `json:"type"`
	Namespace string       `json:"namespace"`
}

// kernelSymbols is what modkeep symbols answers for a kernel.
type kernelSymbols struct {
	Kernel  string         `json:"kernel"`
	Set     kernel.Set     `json:"set"`
	Exports []kernelExport `json:"exports"`
}

// kernelExport is an export with who gives it on this kernel.
type kernelExport struct {
	exportedEntry
	Module string       `json:"module"` // "vmlinux" for the kernel image
	File   string       `json:"file"`   // module file, "" for the image and what is not installed
	State  kernel.State `json:"state"`
	Origin string       `json:"origin"` // file the row was read from
	Trust  string       `json:"trust"`
}

func newSymbolsCommand() *cobra.Command {
	var opts symbolsOptions
	cmd := &cobra.Command{
		Use:   "symbols [--needed|--exported] FILE… | symbols --kernel KREL [--set SET]",
		Short: "List the symbols that modules need and give, or that a kernel exports",
		Long: `Symbols lists what module files need and what they give: a line for each symbol
with its CRC. Needed are the entries of the module's versions, module_layout
among them, and its undefined symbols; one without a version has - for a CRC.
With --needed or --exported the lines begin with the CRC, as those of
modprobe --dump-modversions and --show-exports do.

Without files it lists the exports of a kernel, and for each the module that
gives it, whether that is built in or installed, and the file it was read from.
The set kernel is what the kernel was built with, extra what the modules beside
it give, all is both.` + exitStatus(
			"all was read",
			"",
			"a file or the kernel could not be read"),
		Example: `  modkeep symbols ./driver.ko
  modkeep symbols --needed --json /lib/modules/*/extra/*.ko
  modkeep symbols --kernel 6.1.0-53-amd64 --set extra`,
		RunE: func(cmd *cobra.Command, args []string) error { return runSymbols(cmd, &opts, args) },
	}
	flags := cmd.Flags()
	opts.addFlags(flags)
	flags.BoolVar(&opts.needed, "needed", false, "only what the modules need")
	flags.BoolVar(&opts.exported, "exported", false, "only what the modules give")
	flags.StringVar(&opts.set, "set", "", "exports of a kernel: `kernel`, extra or all")
	addJSONFlag(flags, &opts.json)
	return cmd
}

func runSymbols(cmd *cobra.Command, opts *symbolsOptions, args []string) error {
	switch {
	case opts.needed && opts.exported:
		return usageErrorf(cmd, "--needed and --exported exclude each other; without either both are listed")
	case len(args) > 0 && opts.set != "":
		return usageErrorf(cmd, "--set is for a kernel's exports, not for files")
	case len(args) > 0:
		return runFileSymbols(cmd, opts, args)
	case opts.needed || opts.exported:
		return usageErrorf(cmd, "--needed and --exported want a FILE")
	case opts.kernel == "" && opts.set == "":
		return usageErrorf(cmd, "no FILE and no --kernel")
	}
	return runKernelSymbols(cmd, opts)
}

func runFileSymbols(cmd *cobra.Command, opts *symbolsOptions, args []string) error {
	report := symbolsReport{Files: []fileSymbols{}, Errors: []fileError{}}
	paths, unresolved := opts.paths(args)
	read := func(f *ko.File) (fileSymbols, error) { return readSymbols(f, !opts.exported, !opts.needed) }
	w := bufio.NewWriter(cmd.OutOrStdout())
	failed := eachModule(paths, read, func(s fileSymbols) {
		if opts.json {
			report.Files = append(report.Files, s)
		} else {
			writeFileSymbols(w, s, len(args) > 1, opts)
		}
	})
	report.Errors = append(append(report.Errors, unresolved...), failed...)
	if opts.json {
		if err := writeJSON(w, report); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write the answer: %w", err)
	}
	return complainOf(cmd.ErrOrStderr(), report.Errors)
}

// readSymbols reads what a module needs, gives, or both.
func readSymbols(f *ko.File, needed, exported bool) (fileSymbols, error) {
	s := fileSymbols{File: f.Path}
	var err error
	if needed {
		if s.Needed, err = readNeeded(f); err != nil {
			return s, err
		}
	}
	if !exported {
		return s, nil
	}
	exports, err := f.Exports()
	if err != nil {
		return s, err
	}
	s.Exported = make([]exportedEntry, len(exports))
	for i, e := range exports {
		s.Exported[i] = exportedEntry{e.Symbol, crcText(e.CRC, e.HasCRC), e.Type, e.Namespace}
	}
	return s, nil
}

// readNeeded returns the entries of the module's versions in their order, then
// the undefined symbols that have none in the symbol table's.
func readNeeded(f *ko.File) ([]neededSymbol, error) {
	versions, err := f.Versions()
	if err != nil {
		return nil, err
	}
	extended, err := f.ExtVersions()
	if err != nil {
		return nil, err
	}
	undefined, err := f.Undefined()
	if err != nil {
		return nil, err
	}
	needed := make([]neededSymbol, 0, max(len(versions), len(extended), len(undefined))+1)
	index := make(map[string]int, cap(needed))
	for _, v := range append(versions, extended...) {
		if _, twice := index[v.Symbol]; !twice {
			index[v.Symbol] = len(needed)
			needed = append(needed, neededSymbol{Symbol: v.Symbol, CRC: fmt.Sprintf("0x%08x", v.CRC)})
		}
	}
	for _, u := range undefined {
		symbol := u.Symbol
		if f.Legacy() {
			symbol, _, _, _ = ko.SplitVersioned(symbol)
		}
		i, ok := index[symbol]
		if !ok {
			i = len(needed)
			index[symbol] = i
			needed = append(needed, neededSymbol{Symbol: symbol})
		}
		needed[i].Weak = u.Weak
	}
	return needed, nil
}

func crcText(crc symvers.CRC, has bool) string {
	if !has {
		return ""
	}
	return crc.String()
}

// writeFileSymbols writes a line for each symbol, its fields parted by tabs,
// under the file's name where there are several.
func writeFileSymbols(w io.Writer, s fileSymbols, heading bool, opts *symbolsOptions) {
	if heading {
		fmt.Fprintf(w, "%s:\n", s.File)
	}
	kind := func(kind string) string {
		if opts.needed || opts.exported {
			return ""
		}
		return kind + "\t"
	}
	for _, n := range s.Needed {
		line := kind("needed") + orDash(n.CRC) + "\t" + n.Symbol
		if n.Weak {
			line += "\tweak"
		}
		fmt.Fprintln(w, line)
	}
	for _, e := range s.Exported {
		fmt.Fprintln(w, kind("exported")+e.String())
	}
}

// String returns the entry's fields parted by tabs, without empty ones at the
// end.
func (e exportedEntry) String() string {
	line := orDash(e.CRC) + "\t" + e.Symbol + "\t" + orDash(string(e.Type))
	if e.Namespace != "" {
		line += "\t" + e.Namespace
	}
	return line
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func runKernelSymbols(cmd *cobra.Command, opts *symbolsOptions) error {
	set := kernel.Set(opts.set)
	switch set {
	case "":
		set = kernel.SetAll
	case kernel.SetKernel, kernel.SetExtra, kernel.SetAll:
	default:
		return usageErrorf(cmd, "--set %q is not kernel, extra or all", opts.set)
	}
	k, err := opts.open()
	if err != nil {
		return err
	}
	report, err := readKernelSymbols(k, set)
	if err != nil {
		return fmt.Errorf("cannot list the exports of kernel %s: %w", k.Release, err)
	}
	if opts.json {
		return writeJSON(cmd.OutOrStdout(), report)
	}
	w := bufio.NewWriter(cmd.OutOrStdout())
	for _, e := range report.Exports {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			orDash(e.CRC), e.Symbol, e.Module, orDash(string(e.Type)), orDash(e.Namespace), e.State, orDash(cmp.Or(e.File, e.Origin)))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write the answer: %w", err)
	}
	return nil
}

func readKernelSymbols(k *kernel.Kernel, set kernel.Set) (*kernelSymbols, error) {
	providers, err := k.Exports(set)
	if err != nil {
		return nil, err
	}
	report := &kernelSymbols{Kernel: k.Release, Set: set, Exports: make([]kernelExport, len(providers))}
	for i, p := range providers {
		e := kernelExport{
			exportedEntry: exportedEntry{p.Export.Symbol, crcText(p.Export.CRC, p.Export.HasCRC), p.Export.Type, p.Export.Namespace},
			Module:        cmp.Or(p.Module, symvers.Vmlinux),
			State:         p.State,
			Origin:        p.Origin.Path,
			Trust:         p.Origin.Trust,
		}
		if p.File != nil {
			e.File = p.File.Rel
		}
		report.Exports[i] = e
	}
	return report, nil
}
