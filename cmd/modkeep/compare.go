package main

import (
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"modkeep/kabi"
	"modkeep/ko"
	"modkeep/symtypes"
)

// compareOptions are the flags of modkeep compare.
type compareOptions struct {
	root        string
	rules, list string
	modules     string
	symbols     bool
	all         bool
	json, html  bool
}

func newCompareCommand() *cobra.Command {
	var opts compareOptions
	cmd := &cobra.Command{
		Use:   "compare [flags] OLD NEW",
		Short: "Say what differs between two kernels' exports, and why",
		Long: `Compare lists what a module built for one kernel meets on another: exports that
are gone, that have another CRC, another export macro, namespace or module.

OLD and NEW are each a kernel's exports (Module.symvers, /proc/kallsyms), the
types behind them (a symtypes file, consolidated or of one object, or a
directory with .symtypes files), a kernel image (vmlinux, vmlinuz) or its debug
file, a kernel's package (.rpm, .deb), several of these parted by commas, or the
release of a kernel below the root, its directory or a root with one kernel.
Files may be packed with gzip, xz or zstd. Without a table the CRCs are an
image's, or computed from the types.

With the types of both, the changes are explained: a block for each type whose
change changes CRCs, first the smallest set found that explains all, with the
shortest way from an export to the type and what changed in it. An explanation
is proved when OLD's types hash to OLD's CRC, and with nothing but the named
types changed to NEW's CRC.

BTF and DWARF also tell offsets and sizes. Without the symtypes of both the types
are theirs, which prove nothing: CRCs are of text, and of what one source file
sees. Symtypes of one kernel, or of one near them, tell what each saw; without
any that is a guess: what the file sees in Linux 6.12, corrected by how much
longer the hashed texts became, which the CRCs of two exports with the same
parameters tell. With no types at all changed exports are counted by module.

Rules are those of SUSE's kabi/severities: changes they tolerate, and added
exports, do not count. A list is a stablelist of RHEL, openEuler or Oracle.` + exitStatus(
			"nothing differs that counts",
			"something differs",
			"could not tell: unreadable input, or no CRCs to compare"),
		Example: `  modkeep compare 6.1.0-47-amd64 6.1.0-56-amd64
  modkeep compare old/Module.symvers,old/symtypes.gz new/Module.symvers,new/symtypes.gz
  modkeep compare --rules severities --symbols symvers-old.gz symvers-new.gz
  modkeep compare --list Module.kabi_x86_64 --json 5.14.0-284 5.14.0-362`,
		RunE: func(cmd *cobra.Command, args []string) error { return runCompare(cmd, &opts, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.root, "root", "/", "look below `DIR` for kernels")
	flags.StringVar(&opts.rules, "rules", "", "tolerate the changes that the severities in `FILE` let pass")
	flags.StringVar(&opts.list, "list", "", "compare only the symbols of the stablelist `FILE`")
	flags.StringVar(&opts.modules, "modules", "", "say which modules below `DIR` the changes break")
	flags.BoolVar(&opts.symbols, "symbols", false, "print only the symbols that are gone or have another CRC, one a line")
	flags.BoolVar(&opts.all, "all", false, "print every cause and every symbol in full")
	flags.BoolVar(&opts.html, "html", false, "print one HTML page")
	addJSONFlag(flags, &opts.json)
	return cmd
}

func runCompare(cmd *cobra.Command, opts *compareOptions, args []string) error {
	switch {
	case len(args) != 2:
		return usageErrorf(cmd, "OLD and NEW are wanted, %d given", len(args))
	case opts.symbols && (opts.json || opts.html) || opts.json && opts.html:
		return usageErrorf(cmd, "--symbols, --json and --html exclude each other")
	}
	how := kabi.Options{NoCauses: opts.symbols}
	var err error
	if how.Rules, err = readRules(opts.rules); err != nil {
		return err
	}
	if how.List, err = readList(opts.list); err != nil {
		return err
	}
	old, new, err := openSides(opts.root, args[0], args[1])
	if err != nil {
		return err
	}
	report := kabi.Compare(old, new, how)
	broken, failed, err := brokenModules(opts.modules, report)
	if err != nil {
		return err
	}
	p := comparePrinter{report: report, broken: broken, opts: opts, old: args[0], new: args[1]}
	if err := p.print(cmd.OutOrStdout()); err != nil {
		return err
	}
	p.talk(cmd.ErrOrStderr())
	if err := complainOf(cmd.ErrOrStderr(), failed); err != nil {
		return err
	}
	switch {
	case report.Different():
		return silent(statusNo)
	case report.Unknown():
		return silent(statusUnknown)
	}
	return nil
}

func readRules(path string) (*kabi.Rules, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readSmall(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the rules: %w", err)
	}
	rules, err := kabi.ParseRules(text)
	if err != nil {
		return nil, fmt.Errorf("cannot read the rules: %s: %w", path, err)
	}
	return rules, nil
}

func readList(path string) (*kabi.List, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readSmall(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the list: %w", err)
	}
	list, err := kabi.ParseList(text)
	if err != nil {
		return nil, fmt.Errorf("cannot read the list: %s: %w", path, err)
	}
	return list, nil
}

// readSmall returns the text of a file of rules or of a list, packed or not.
func readSmall(path string) (string, error) {
	text, err := symtypes.ReadText(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return text, nil
}

// brokenModule is a module that a change breaks.
type brokenModule struct {
	File    string   `json:"file"`
	Changed []string `json:"changed"` // imports with another CRC than the module has
	Removed []string `json:"removed"`
}

// brokenModules returns the modules below dir that import what is gone or has
// got another CRC than theirs, and those that could not be read.
func brokenModules(dir string, report *kabi.Report) ([]brokenModule, []fileError, error) {
	if dir == "" {
		return nil, nil, nil
	}
	var paths []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && isModuleName(path) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("cannot list the modules: %w", err)
	}
	removed, changed := make(map[string]bool), make(map[string]string)
	for _, e := range report.Removed {
		removed[e.Symbol] = true
	}
	for i := range report.Changed {
		changed[report.Changed[i].Symbol()] = report.Changed[i].New.CRC.String()
	}
	broken := []brokenModule{}
	read := func(f *ko.File) (brokenModule, error) {
		needed, err := readNeeded(f)
		m := brokenModule{File: f.Path, Changed: []string{}, Removed: []string{}}
		for _, n := range needed {
			if removed[n.Symbol] && !n.Weak {
				m.Removed = append(m.Removed, n.Symbol)
			}
			if crc, ok := changed[n.Symbol]; ok && n.CRC != "" && n.CRC != crc {
				m.Changed = append(m.Changed, n.Symbol)
			}
		}
		return m, err
	}
	failed := eachModule(paths, read, func(m brokenModule) {
		if len(m.Changed)+len(m.Removed) > 0 {
			broken = append(broken, m)
		}
	})
	return broken, failed, nil
}
