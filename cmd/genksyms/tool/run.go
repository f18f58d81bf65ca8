// Package tool is the program genksyms of the kernel's build, in all its
// generations: options, output, messages and exit status. Package genksyms does
// the work; the programs modkeep and genksyms call this.
package tool

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"modkeep/genksyms"
)

// status is the error of a run that has said already what is wrong.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// Run runs the command line that args are, without the program's name, and
// returns the exit status: 0; 1 where the kernel's program has it; 2 where the
// text could not be read, or an option of modkeep's own makes no sense.
func Run(args []string, in io.Reader, out, errOut io.Writer) int {
	g := &run{in: in, out: out, errOut: errOut}
	err := g.main(args)
	var s status
	switch {
	case err == nil:
		return 0
	case errors.As(err, &s):
		return int(s)
	}
	fmt.Fprintf(errOut, "modkeep: %v\n", err)
	return 2
}

// run is one call.
type run struct {
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

// main runs a command line.
func (g *run) main(args []string) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(100) // the peak is held against the small one of the C program
		debug.SetMemoryLimit(64 << 20)
	}
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

func (g *run) close() {
	for _, f := range []*os.File{g.reference, g.types} {
		if f != nil {
			f.Close()
		}
	}
}

// options parses the arguments and acts on them in order, as the program does:
// it stops where help was asked for, or where one makes no sense.
func (g *run) options(args []string) (operands []string, stop bool, err error) {
	var parser arguments
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
		fmt.Fprintf(g.errOut, "genksyms: %v\n%s", err, usage(parser.era))
		return nil, true, status(1)
	}
	return operands, false, nil
}

// option acts on one option.
func (g *run) option(o givenOption, generation arguments) (stop bool, err error) {
	switch o.long {
	case "arch":
		if o.value == "h8300" || o.value == "blackfin" {
			g.namePrefix = "_"
		}
	case "symbol-prefix":
		if generation.era != "" && !genksyms.Older(generation.era, "5.19") { // known, and acted on no more
			io.WriteString(g.errOut, usage(generation.era))
			return true, status(1)
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
		io.WriteString(g.errOut, usage(generation.era))
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
func (g *run) open(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, flag, 0o666)
	if err == nil {
		return f, nil
	}
	var reason *os.PathError
	if errors.As(err, &reason) {
		text := reason.Err.Error()
		fmt.Fprintf(g.errOut, "%s: %s\n", path, strings.ToUpper(text[:1])+text[1:]) // as strerror has it
	}
	return nil, status(1)
}

// run reads the text and prints what is asked for.
func (g *run) run() error {
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
		return fmt.Errorf("cannot compute versions: %w", err)
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
		return status(1)
	}
	return nil
}

// forms are how an export is printed.
var forms = []string{"symver", "assign", "assign-spaced", "sections", "ver"}

// form returns what prints an export.
func (g *run) form() (func(io.Writer, genksyms.Export), error) {
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
	if !slices.Contains(forms, form) {
		return nil, fmt.Errorf("--format %q: unknown form\nhint: it is one of %s", form, strings.Join(forms, ", "))
	}
	return func(w io.Writer, e genksyms.Export) { g.print(w, form, e) }, nil
}

func (g *run) print(w io.Writer, form string, e genksyms.Export) {
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
