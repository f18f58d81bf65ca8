package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"modkeep/genksyms"
)

// newGenksymsCommand is the kernel's genksyms, as modkeep's verb and, when the
// program is called by that name, as the program.
func newGenksymsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "genksyms [flags] < FILE.i",
		Short: "Compute the CRCs of exported symbols, as the kernel's genksyms",
		Long: `Genksyms reads preprocessed C (gcc -E -D__GENKSYMS__) on standard input and
prints a line for each exported symbol with its CRC, the number that a module
and a kernel have to agree on. It is a drop-in for scripts/genksyms/genksyms of
the kernels from 2.6 to today: the same options, output, symtypes files,
messages and exit status.

The same C has other CRCs in other kernels. --era says in whose way: G0 (2.4 to
2.6.24), G1 (to 2.6.38), G2 (to 3.13), G3 (to 6.13), G4 (6.14 on), or a kernel
version. Without it, with --symvers, every way is tried and the one taken that
gives most of that file's CRCs; else it is G3.

With -k 2.4.0, as modutils has it, it prints the .ver header of kernels 2.2 and
2.4, and -p takes the prefix that the CRCs get, such as smp_. With --modversions
it prints linux/modversions.h for .ver files.

A genksyms of 6.1 has no -a and no -R, one of 4.14 no -a: with --era an option
is unknown where that kernel's program does not know it.` + exitStatus(
			"the CRCs are printed",
			"with -w: something was wrong in the text; with -p: a CRC changed; bad usage",
			"the input could not be read"),
		Example: `  gcc -E -D__GENKSYMS__ -I include x.c | modkeep genksyms --era 6.1 -r /dev/null
  modkeep genksyms --era 4.14 --format assign -T x.symtypes < x.i
  modkeep genksyms --symvers Module.symvers < x.i
  modkeep genksyms -k 2.4.0 -p smp_ < export.i > export.ver
  modkeep genksyms --modversions export.ver ksyms.ver > modversions.h`,
		DisableFlagParsing: true,
		SilenceUsage:       true,
		SilenceErrors:      true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return newGenksymsRun(cmd).main(args)
		},
	}
	flags := cmd.Flags()
	flags.String("era", "auto", "compute as `ERA`: auto, G0 to G4 or a kernel version such as 4.14")
	flags.String("symvers", "", "find the era by the CRCs of `FILE`, the same kernel's Module.symvers")
	flags.String("format", "", "print as `FORM`: symver (5.19 on), assign (4.10), assign-spaced (2.6), sections (-R), ver (2.4)")
	flags.Bool("modversions", false, "print linux/modversions.h for the .ver files named")
	flags.Bool("columns", false, "say the column too where something is wrong in the text")
	flags.StringP("kernel", "k", "", "print the .ver header of kernel `VERSION`, as modutils did; -p is then the prefix of CRCs")
	flags.StringP("arch", "a", "", "architecture (up to 3.7): for h8300 and blackfin, names get a _")
	flags.StringP("symbol-prefix", "s", "", "prefix of names (3.8 to 5.18)")
	flags.BoolP("rel-crc", "R", false, "print a linker script with relative CRCs (4.10 to 5.18)")
	flags.CountP("debug", "d", "print each definition as it is recorded; given twice, the kernel's program also traces the states of its generated parser, which this one does not have")
	flags.BoolP("dump", "D", false, "print each expansion, the text that is hashed")
	flags.StringP("reference", "r", "", "compare with the symtypes `FILE`")
	flags.StringP("dump-types", "T", "", "write the types that the exports reach to `FILE`, as symtypes")
	flags.BoolP("preserve", "p", false, "changes against the reference are errors, and what it overrides stays")
	flags.BoolP("warnings", "w", false, "say what is wrong in the text")
	flags.BoolP("quiet", "q", false, "do not (default)")
	flags.BoolP("version", "V", false, "print the version of the kernel's program")
	return cmd
}

// genksymsRun is one call.
type genksymsRun struct {
	in          io.Reader
	out, errOut io.Writer

	era, symvers, format  string
	kernel, crcPrefix     string // -k, and -p with it
	namePrefix            string
	relative, modversions bool
	reference, types      *os.File
	typesPath             string
	opt                   genksyms.Options
	quiet                 bool
}

func newGenksymsRun(cmd *cobra.Command) *genksymsRun {
	return &genksymsRun{in: cmd.InOrStdin(), out: cmd.OutOrStdout(), errOut: cmd.ErrOrStderr()}
}

// main runs a command line.
func (g *genksymsRun) main(args []string) error {
	defer g.close()
	operands, stop, err := g.options(args)
	if stop || err != nil {
		return err
	}
	if g.modversions {
		return g.printModversions(operands)
	}
	if err := g.chooseEra(); err != nil {
		return fmt.Errorf("cannot run genksyms: %w", err)
	}
	return g.run()
}

func (g *genksymsRun) close() {
	for _, f := range []*os.File{g.reference, g.types} {
		if f != nil {
			f.Close()
		}
	}
}

// options parses the arguments and acts on them in order, as the program does:
// it stops where help was asked for, or where one makes no sense.
func (g *genksymsRun) options(args []string) (operands []string, stop bool, err error) {
	var parser genksymsArguments
	for range 2 { // the first time for what the others depend on
		given, _, _ := parser.parse(args)
		for _, o := range given {
			switch o.long {
			case "era":
				if d, _, err := genksyms.DialectOf(o.value); err == nil {
					parser.era = d.Kernel
				}
			case "kernel":
				parser.prefix, parser.era = true, ""
			}
		}
	}
	given, operands, err := parser.parse(args)
	for _, o := range given {
		if stop, err := g.option(o, parser); stop || err != nil {
			return nil, true, err
		}
	}
	if err != nil {
		fmt.Fprintf(g.errOut, "genksyms: %v\n%s", err, genksymsUsage(parser.era))
		return nil, true, silent(1)
	}
	return operands, false, nil
}

// option acts on one option.
func (g *genksymsRun) option(o givenGenksyms, generation genksymsArguments) (stop bool, err error) {
	switch o.long {
	case "arch":
		if o.value == "h8300" || o.value == "blackfin" {
			g.namePrefix = "_"
		}
	case "symbol-prefix":
		if generation.era != "" && !genksyms.Older(generation.era, "5.19") { // known, and acted on no more
			io.WriteString(g.errOut, genksymsUsage(generation.era))
			return true, silent(1)
		}
		g.namePrefix = o.value
	case "rel-crc":
		g.relative = true
	case "debug":
		g.opt.Defs = true
	case "warnings":
		g.opt.Warnings, g.quiet = true, false
	case "quiet":
		g.opt.Warnings, g.quiet = false, true
	case "dump":
		g.opt.Dump = true
	case "reference":
		g.reference, err = g.open(o.value, os.O_RDONLY)
		g.opt.Reference = g.reference
	case "dump-types":
		g.types, err = g.open(o.value, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
		g.typesPath = o.value
	case "preserve":
		if g.opt.Preserve = !generation.prefix; generation.prefix {
			g.crcPrefix = o.value
		}
	case "kernel":
		g.kernel = o.value
	case "version":
		fmt.Fprintln(g.errOut, "genksyms version 2.5.60")
	case "help":
		io.WriteString(g.errOut, genksymsUsage(generation.era))
		return true, nil
	case "era":
		g.era = o.value
	case "symvers":
		g.symvers = o.value
	case "format":
		g.format = o.value
	case "modversions":
		g.modversions = true
	case "columns":
		g.opt.Columns = true
	}
	return false, err
}

// open opens a file of an option. The error is perror's.
func (g *genksymsRun) open(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, flag, 0o666)
	if err == nil {
		return f, nil
	}
	var reason *os.PathError
	if errors.As(err, &reason) {
		fmt.Fprintf(g.errOut, "%s: %s\n", path, capitalized(reason.Err.Error()))
	}
	return nil, silent(1)
}

// capitalized is an error's text as strerror has it.
func capitalized(s string) string {
	if s == "" {
		return s
	}
	return string(bytes.ToUpper([]byte(s[:1]))) + s[1:]
}

// run reads the text and prints what is asked for.
func (g *genksymsRun) run() error {
	print, err := g.form()
	if err != nil {
		return fmt.Errorf("cannot run genksyms: %w", err)
	}
	out := bufio.NewWriter(g.out)
	g.opt.Exported = func(e genksyms.Export) { print(out, e) }
	g.opt.Messages = g.errOut
	unit, err := genksyms.Parse(g.in, g.opt)
	if err != nil {
		out.Flush()
		err = fmt.Errorf("cannot compute versions: %w", err)
		if errors.Is(err, genksyms.ErrLongToken) {
			complain(g.errOut, err)
			return silent(1)
		}
		return err
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write versions: %w", err)
	}
	if g.types != nil {
		if err := unit.WriteTypes(g.types); err != nil {
			return fmt.Errorf("write %s: %w", g.typesPath, err)
		}
	}
	if unit.Errors > 0 {
		return silent(1)
	}
	return nil
}

// genksymsForms are how an export is printed.
var genksymsForms = []string{"symver", "assign", "assign-spaced", "sections", "ver"}

// form returns what prints an export.
func (g *genksymsRun) form() (func(io.Writer, genksyms.Export), error) {
	form := g.format
	switch {
	case form != "":
	case g.kernel != "":
		form = "ver"
	case g.relative:
		form = "sections"
	case g.namePrefix != "" && g.era != "" && genksyms.Older(g.opt.Dialect.Kernel, "4.10"):
		form = "assign-spaced"
	case g.namePrefix != "" && g.era != "" && genksyms.Older(g.opt.Dialect.Kernel, "5.19"):
		form = "assign"
	default:
		form = "symver"
	}
	if !slices.Contains(genksymsForms, form) {
		return nil, withHint(fmt.Errorf("--format %q: unknown form", form), "it is one of symver, assign, assign-spaced, sections, ver")
	}
	return func(w io.Writer, e genksyms.Export) { g.print(w, form, e) }, nil
}

func (g *genksymsRun) print(w io.Writer, form string, e genksyms.Export) {
	switch form {
	case "symver":
		fmt.Fprintf(w, "#SYMVER %s 0x%08x\n", e.Name, e.CRC)
	case "assign":
		fmt.Fprintf(w, "%s__crc_%s = 0x%08x;\n", g.namePrefix, e.Name, e.CRC)
	case "assign-spaced":
		fmt.Fprintf(w, "%s__crc_%s = 0x%08x ;\n", g.namePrefix, e.Name, e.CRC)
	case "sections":
		fmt.Fprintf(w, "SECTIONS { .rodata : ALIGN(4) { %s__crc_%s = .; LONG(0x%08x); } }\n", g.namePrefix, e.Name, e.CRC)
	case "ver":
		fmt.Fprintf(w, "#define __ver_%s\t%s%08x\n#define %s\t_set_ver(%s)\n", e.Name, g.crcPrefix, e.CRC, e.Name, e.Name)
	}
}
