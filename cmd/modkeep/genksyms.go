package main

import (
	"github.com/spf13/cobra"

	"modkeep/cmd/genksyms/tool"
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
			return statusError(tool.Run(args, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()))
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
