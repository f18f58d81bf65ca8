// Command modkeep says before anyone reboots whether a kernel module will load
// on a kernel, exactly why not, and what puts it right.
//
// Each verb is one thin file: options, flags, a run function that makes a
// value, and a printer that writes that value as text or, with --json, as one
// JSON document. Data goes to stdout, talk to stderr.
package main

//go:generate go test -count=1 -run ^TestDocs$ . -args -update

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/spf13/cobra"

	"modkeep/internal/kerneltest/guest"
	"modkeep/node"
)

func main() {
	if guest.Asked() { // the machine of build --boot
		guest.Main()
	}
	tuneMemory(os.Args)
	os.Exit(run(context.Background(), os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// tuneMemory says when garbage is collected in a run of the command line.
func tuneMemory(args []string) {
	if isBuildTool(args) {
		collectEarly()
	} else {
		collectLate()
	}
}

// isBuildTool says that a command line is of a tool that builds run for each
// file, in place of a small C program: its peak is held against that program's.
func isBuildTool(args []string) bool {
	name := filepath.Base(args[0])
	if len(args) > 1 && name != "genksyms" && name != "gendwarfksyms" {
		name = args[1]
	}
	return name == "genksyms" || name == "gendwarfksyms"
}

// collectLate keeps the garbage collector from running until the program takes
// lateHeap bytes, about what checking a whole tree takes. Then it runs as usual.
func collectLate() {
	const lateHeap = 72 << 20
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(lateHeap)
	endLate = sync.OnceFunc(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	})
	runtime.SetFinalizer(new([16]byte), func(*[16]byte) { endLate() })
}

// endLate undoes collectLate if nothing did yet.
var endLate = func() {}

// collectSoon lets the garbage collector run from now on, for verbs of which most
// of what reading leaves behind is garbage. Percent is how much of it may come to
// what is kept.
func collectSoon(percent int) {
	if os.Getenv("GOGC") == "" {
		endLate()
		debug.SetGCPercent(percent)
	}
}

// collectEarly lets the garbage collector start at 6 MiB (earlier it takes more
// than it gives), and lets go of the pages of the program that its start has
// touched.
func collectEarly() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(160)
		debug.SetMemoryLimit(56 << 20)
	}
	releaseProgram()
}

// run executes one command line and returns the exit status. args[0] is the
// name the program was called by.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) (status int) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(errOut, "modkeep: internal error: %v\n", p)
			fmt.Fprintln(errOut, "hint: this is a bug in modkeep; with MODKEEP_DEBUG=1 the same command prints where")
			if os.Getenv("MODKEEP_DEBUG") != "" {
				errOut.Write(debug.Stack())
			}
			status = statusUnknown
		}
	}()
	defer runExitWork()
	root := commandCalled(filepath.Base(args[0]))
	root.SetArgs(args[1:])
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	return statusOf(root.ExecuteContext(ctx), errOut)
}

// commandCalled returns the command tree for the name the program was called
// by. A drop-in for another tool, called through a symbolic link of that
// tool's name, gets its case here; every other name is modkeep itself.
func commandCalled(name string) *cobra.Command {
	switch name {
	case "weak-modules":
		return newWeakModulesCommand()
	case "genksyms":
		return newGenksymsCommand()
	case "gendwarfksyms":
		return newGendwarfksymsCommand()
	case "weak-modules2":
		return newWeakModules2Command()
	case "mlnx_add_kernel_support.sh", "add-kernel-support":
		return newAddKernelSupportCommand()
	default:
		return newRootCommand()
	}
}

// newRootCommand returns modkeep with its verbs.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "modkeep",
		Short: "Keep kernel modules working across kernel updates",
		Long: `modkeep keeps kernel modules working across kernel updates. It says before
anyone reboots whether a module will load on a kernel, exactly why not, and
what puts it right.` + exitStatus(
			"the answer is yes, or what was asked for is done",
			"the answer is no: a module would be refused",
			"the answer could not be told: bad usage, unreadable or unknown input"),
		SilenceUsage:               true,
		SilenceErrors:              true,
		SuggestionsMinimumDistance: 2,
		CompletionOptions:          cobra.CompletionOptions{HiddenDefaultCmd: true},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return unknownCommand(cmd, args[0])
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			cmd.Help()
			return silent(statusUnknown)
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageErrorf(cmd, "%w", err)
	})
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	root.AddCommand(
		newCheckCommand(),
		newBuildCommand(),
		newShowCommand(),
		newSymbolsCommand(),
		newKernelsCommand(),
		newDiagnoseCommand(),
		newLinkCommand(),
		newUnlinkCommand(),
		newStatusCommand(),
		newFsckCommand(),
		newGateCommand(),
		newWeakModulesCommand(),
		newWeakModules2Command(),
		newGenksymsCommand(),
		newGendwarfksymsCommand(),
		newCompareCommand(),
		newExplainCommand(),
		newRPMProvidesCommand(),
		newRPMRequiresCommand(),
		newHooksCommand(),
		newInstallCommand(node.InstallNew),
		newInstallCommand(node.InstallUpgrade),
		newInstallCommand(node.InstallReplace),
		newRollbackCommand(),
		newPackCommand(),
		newReloadCommand(),
		newVerifyCommand(),
		newHistoryCommand(),
		newUndoCommand(),
		newSignCommand(),
		newVerifySignatureCommand(),
		newRepoCommand(),
		newBundleCommand(),
		newAddKernelSupportCommand(),
		newVersionCommand(),
	)
	return root
}
