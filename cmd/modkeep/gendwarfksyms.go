package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"modkeep/gendwarfksyms"
)

// gendwarfksymsUsage is what the kernel's program prints.
const gendwarfksymsUsage = `Usage: gendwarfksyms [options] elf-object-file ... < symbol-list

Options:
  -d, --debug          Print debugging information
      --dump-dies      Dump DWARF DIE contents
      --dump-die-map   Print debugging information about die_map changes
      --dump-types     Dump type strings
      --dump-versions  Dump expanded type strings used for symbol versions
  -s, --stable         Support kABI stability features
  -T, --symtypes file  Write a symtypes file
  -h, --help           Print this message

`

// gendwarfksymsLong are the program's long options.
var gendwarfksymsLong = []longOption{
	{"debug", false}, {"dump-dies", false}, {"dump-die-map", false}, {"dump-types", false},
	{"dump-versions", false}, {"stable", false}, {"symtypes", true}, {"help", false},
}

// newGendwarfksymsCommand is the kernel's gendwarfksyms, as modkeep's verb and,
// when the program is called by that name, as the program.
func newGendwarfksymsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gendwarfksyms [flags] FILE... < SYMBOLS",
		Short: "Compute the CRCs of exported symbols from DWARF, as the kernel's gendwarfksyms",
		Long: `Gendwarfksyms reads the names of exported symbols on standard input, one a line,
and the debugging information of object files, and prints a line for each symbol
with its CRC, the number that a module and a kernel have to agree on. It is a
drop-in for scripts/gendwarfksyms/gendwarfksyms, which kernels from 6.14 on use
where genksyms cannot read the source, as with Rust: the same options, output,
symtypes files, messages and exit status.

The files are ELF with DWARF 2 to 5, compressed or not: object files, modules,
vmlinux. A symbol whose type no file knows gets 0 and a warning.

With --stable the kABI rules in section .discard.gendwarfksyms.kabi_rules and
members whose names start with __kabi_ keep changes of a type out of the CRCs.` + exitStatus(
			"the CRCs are printed",
			"the program would end with an error: bad usage, no debugging information, a rule that is none",
			"a file could not be read, or is damaged"),
		Example: `  nm x.o | sed -n 's/.* __export_symbol_//p' | modkeep gendwarfksyms x.o
  echo kmalloc_noprof | modkeep gendwarfksyms --stable -T mm.symtypes mm/slub.o
  echo printk | modkeep gendwarfksyms --dump-versions printk.o`,
		DisableFlagParsing: true,
		SilenceUsage:       true,
		SilenceErrors:      true,
		RunE: func(cmd *cobra.Command, args []string) error {
			g := gendwarfksymsRun{in: cmd.InOrStdin(), out: cmd.OutOrStdout(), errOut: cmd.ErrOrStderr()}
			return g.main(args)
		},
	}
	flags := cmd.Flags()
	flags.BoolP("debug", "d", false, "say what is being done")
	flags.Bool("dump-dies", false, "print the type strings as the entries are visited")
	flags.Bool("dump-die-map", false, "print what is remembered of each entry")
	flags.Bool("dump-types", false, "print the types as they go into a symtypes file")
	flags.Bool("dump-versions", false, "print each expansion, the text that is hashed")
	flags.BoolP("stable", "s", false, "mind kABI rules and __kabi_ members")
	flags.StringP("symtypes", "T", "", "write the types that the exports reach to `FILE`, as symtypes")
	return cmd
}

// gendwarfksymsRun is one call.
type gendwarfksymsRun struct {
	in          io.Reader
	out, errOut io.Writer

	opt      gendwarfksyms.Options
	symtypes *string // the file of -T
}

// main runs a command line.
func (g *gendwarfksymsRun) main(args []string) error {
	options, files, err := getopt(args, "dsT:h", gendwarfksymsLong, false)
	for _, o := range options {
		if stop := g.option(o); stop {
			return nil
		}
	}
	if err != nil {
		fmt.Fprintf(g.errOut, "gendwarfksyms: %v\n%s", err, gendwarfksymsUsage)
		return silent(1)
	}
	if len(files) == 0 {
		io.WriteString(g.errOut, gendwarfksymsUsage)
		return g.end(&gendwarfksyms.Error{Where: "main", Text: "no input files?"})
	}
	return g.end(g.run(files))
}

// option acts on one option. It returns true if there is nothing more to do.
func (g *gendwarfksymsRun) option(o givenOption) (stop bool) {
	switch o.name {
	case "d", "debug":
		g.opt.Debug = true
	case "dump-dies":
		g.opt.DumpDies = true
	case "dump-die-map":
		g.opt.DumpDieMap = true
	case "dump-types":
		g.opt.DumpTypes = true
	case "dump-versions":
		g.opt.DumpVersions = true
	case "s", "stable":
		g.opt.Stable = true
	case "T", "symtypes":
		g.symtypes = &o.value
	case "h", "help":
		io.WriteString(g.errOut, gendwarfksymsUsage)
		return true
	}
	return false
}

// end prints an error that the program has too as the program does.
func (g *gendwarfksymsRun) end(err error) error {
	var own *gendwarfksyms.Error
	if errors.As(err, &own) {
		fmt.Fprintf(g.errOut, "error: gendwarfksyms: %v\n", own)
		return silent(1)
	}
	if err != nil {
		return fmt.Errorf("cannot compute versions: %w", err)
	}
	return nil
}

// run reads the files and prints the versions.
func (g *gendwarfksymsRun) run(files []string) (err error) {
	g.opt.Messages = g.errOut
	versions, err := gendwarfksyms.New(g.in, g.opt)
	if err != nil || versions.Len() == 0 {
		return err
	}
	var types io.Writer
	if g.symtypes != nil {
		f, err := os.Create(*g.symtypes)
		if err != nil {
			return failedCall("fopen", *g.symtypes, err)
		}
		defer f.Close()
		buf := bufio.NewWriter(f)
		defer func() {
			if flushed := buf.Flush(); err == nil && flushed != nil {
				err = fmt.Errorf("write %s: %w", *g.symtypes, flushed)
			}
		}()
		types = buf
	}
	for _, name := range files {
		if err := readObject(versions, name, types); err != nil {
			return err
		}
	}
	out := bufio.NewWriter(g.out)
	for _, e := range versions.Exports() {
		fmt.Fprintf(out, "#SYMVER %s 0x%08x\n", e.Name, e.CRC)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write versions: %w", err)
	}
	return nil
}

func readObject(versions *gendwarfksyms.Versions, name string, types io.Writer) error {
	f, err := os.Open(name)
	if err != nil {
		return failedCall("open", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return versions.ReadObject(name, f, info.Size(), types)
}

// failedCall is what the program says of a file that it cannot open.
func failedCall(call, name string, err error) error {
	var reason *os.PathError
	if errors.As(err, &reason) {
		err = reason.Err
	}
	text := fmt.Sprintf("%s failed for '%s': %s", call, name, capitalized(err.Error()))
	return &gendwarfksyms.Error{Where: "main", Text: text}
}
