package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"modkeep/node"
	"modkeep/weakupdates"
)

// weakModulesOptions are the options of weak-modules: those of kmod 28's, then
// modkeep's own.
var weakModulesOptions = []longOption{
	{name: "help"},
	{name: "add-modules"}, {name: "remove-modules"}, {name: "add-kernel"}, {name: "remove-kernel"},
	{name: "dry-run"}, {name: "no-initramfs"}, {name: "verbose"}, {name: "delete-modules"},
	{name: "basedir", value: true}, {name: "dracut", value: true}, {name: "check-initramfs-prog", value: true},
	{name: "strict"}, {name: "posttrans"}, {name: "layout", value: true}, {name: "root", value: true},
}

// weakModulesVerbs in the order in which the first of several wins.
var weakModulesVerbs = []weakupdates.Verb{weakupdates.AddModules, weakupdates.RemoveModules, weakupdates.AddKernel, weakupdates.RemoveKernel}

// newWeakModulesCommand is Red Hat's weak-modules, as modkeep's verb and, when
// the program is called by that name, as the program.
func newWeakModulesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "weak-modules [flags] {--add-modules|--remove-modules|--add-kernel|--remove-kernel} [KREL]",
		Short: "Link compatible modules between kernels, as Red Hat's weak-modules",
		Long:  weakModulesHelp,
		Example: `  find /lib/modules/5.14.0-427.el9.x86_64/extra/foo -name '*.ko*' | modkeep weak-modules --add-modules
  rpm -ql kmod-foo | grep '\.ko' > list; rpm -e kmod-foo; modkeep weak-modules --remove-modules < list
  modkeep weak-modules --add-kernel 5.14.0-503.el9.x86_64 --dry-run --verbose
  modkeep weak-modules --add-modules --strict --no-initramfs < list`,
		// getopt's rules are not pflag's; the flags below are for the help.
		DisableFlagParsing: true,
		SilenceUsage:       true,
		SilenceErrors:      true,
		RunE: func(cmd *cobra.Command, args []string) error {
			w := &weakModules{dropIn: newDropIn(cmd, "weak-modules")}
			return silent(w.run(args))
		},
	}
	flags := cmd.Flags()
	flags.Bool("add-modules", false, "link the modules listed on standard input into the kernels that load them")
	flags.Bool("remove-modules", false, "take back the links to the modules listed on standard input, which may be gone")
	flags.Bool("add-kernel", false, "link what loads into kernel KREL (default: the running one)")
	flags.Bool("remove-kernel", false, "take back all links of kernel KREL (default: the running one)")
	flags.Bool("verbose", false, "say what is compatible too, why what is not, and what is done")
	flags.Bool("dry-run", false, "say it, and change nothing")
	flags.Bool("no-initramfs", false, "leave the initramfs as it is")
	flags.Bool("posttrans", false, "leave it to a later call with --posttrans alone to make the initramfs")
	flags.Bool("delete-modules", false, "with --remove-modules: look for no other build")
	flags.Bool("strict", false, "exit with status 1 when a module is not compatible")
	flags.String("basedir", "/", "look below `DIR` for kernels and modules")
	flags.String("root", "/", "the same as --basedir")
	flags.String("layout", "", "where links lie below weak-updates: `rhel` or suse (default: as the distribution has it)")
	flags.String("dracut", "", "make the initramfs with the dracut `PROGRAM`")
	flags.String("check-initramfs-prog", "", "run `PROGRAM` KREL for each changed kernel instead of making its initramfs")
	return cmd
}

var weakModulesHelp = `weak-modules lets kernels use modules that were built for other kernels: it makes
links in weak-updates, runs depmod, and makes the initramfs of each kernel that
a changed module is in. It takes the place of the script of Red Hat's kmod
package, which the scriptlets of kernel and kmod packages run, with that one's
options, input, sentences and exit statuses. Called by its name, it is that
program.

The list on standard input has a path a line, absolute or relative to the working
directory; files that are gone may be in it. Options may be abbreviated and stand
anywhere, as with getopt(1). Of several verbs the first of --add-modules,
--remove-modules, --add-kernel and --remove-kernel counts. All changes are one
transaction, which "modkeep undo" takes back.

Sentences on standard output:

    always     Module FILE from kernel A is not compatible with kernel B in symbols: S1 S2
    always     Module FILE from kernel A is not compatible with kernel B: REASON
    --verbose  Module FILE from kernel A is compatible with kernel B
    --verbose  Warning: Module FILE from kernel A has no modversions, so it cannot be reused for kernel B
    --verbose  Keeping module FILE from kernel A for kernel B
    --verbose  Removing compatible module FILE from kernel B
    --verbose  Skipping symlink PATH
    --verbose  Skipping depmod for non-installed kernel A
    --verbose  the commands that do what is done, and the reasons in full

FILE is without directory, A is of the module's vermagic (for "Keeping", of the
one that stays), and the symbols are sorted. What else a user should know is said
on standard error.

As the script of kmod 28: options, the list, where links lie and what they hold,
exit statuses. Different on purpose:

    here                                        there
    "not compatible" is always said             with --verbose only
    each module is judged for itself            one bad module takes the list or group along
    the newest build that loads is linked       the one that was added last
    an older build takes a removed one's place  none; here --delete-modules does that
    modules are the same by name                foo.ko and foo.ko.xz, a-b and a_b are both linked
    --add-kernel offers what any directory      extra/ only
    but kernel/ and weak-updates/ has
    modules and symvers may be packed with      gzip, in part xz
    gzip, xz or zstd
    without symvers the image and the module    status 1
    files tell what is exported
    no link where a kernel has its own          a link that is not used
    a link that depmod passes over gets an      it is made, and not used
    override in depmod.d
    --dry-run changes nothing                   runs dracut
    an initramfs is made where a module in it   each time, and thrown away unless it
    changed, however it is packed               is packed with gzip or xz
    dracut is needed where it is run            always
    relative links below another root           absolute ones, which depmod -b cannot follow
    --strict, --posttrans, --layout             -` + weakModulesStatus

var weakModulesStatus = exitStatus(
	"done, also where a module is not compatible",
	"not done: bad usage, no exports, no dracut, a step that failed; with --strict: one is not compatible", "")

// weakModules is one call of weak-modules.
type weakModules struct {
	*dropIn
	verbs     map[weakupdates.Verb]bool
	deletes   bool
	strict    bool
	posttrans bool
	checker   string // --check-initramfs-prog
	checks    bool   // and it is to be run
}

// run does what a command line asks for and returns the exit status.
func (w *weakModules) run(args []string) int {
	_, posix := os.LookupEnv("POSIXLY_CORRECT")
	options, operands, err := getopt(args, "h", weakModulesOptions, posix)
	if err != nil {
		w.complain("%v", err)
		return w.usage()
	}
	w.verbs = map[weakupdates.Verb]bool{}
	for _, o := range options {
		if o.name == "h" || o.name == "help" {
			w.cmd.Help()
			return 0
		}
		if !w.option(o) {
			return w.usage()
		}
	}
	for _, verb := range weakModulesVerbs {
		if w.verbs[verb] {
			return w.verb(verb, operands)
		}
	}
	if !w.posttrans {
		return w.usage()
	}
	if err := w.checkDracut(); err != nil {
		fmt.Fprintf(w.say.out, "%s: %v\n", w.name, err)
		return 1
	}
	return w.makeMarked()
}

// option takes in one option, --help excepted.
func (w *weakModules) option(o givenOption) (ok bool) {
	switch o.name {
	case "dry-run":
		w.dryRun = true
	case "verbose":
		w.say.verbose = true
	case "no-initramfs":
		w.initramfs = initramfsNever
	case "delete-modules":
		w.deletes = true
	case "strict":
		w.strict = true
	case "posttrans":
		w.posttrans = true
	case "basedir", "root":
		w.inRoot(o.value)
	case "layout":
		w.layout = weakupdates.Layout(o.value)
		if w.layout != weakupdates.RHEL && w.layout != weakupdates.SUSE {
			w.complain("--layout %q is neither rhel nor suse", o.value)
			return false
		}
	case "dracut":
		w.generator = o.value
	case "check-initramfs-prog":
		w.checker = o.value
	default:
		w.verbs[weakupdates.Verb(o.name)] = true
	}
	return true
}

// usage says how the program is called.
func (w *weakModules) usage() int {
	fmt.Fprintf(w.say.out, `Usage: %[1]s [options] {--add-modules|--remove-modules} < list
%[1]s [options] {--add-kernel|--remove-kernel} [kernel-release]
--help says more.
`, w.name)
	return 1
}

// verb carries out one of the four.
func (w *weakModules) verb(verb weakupdates.Verb, operands []string) int {
	if err := w.checkDracut(); err != nil {
		fmt.Fprintf(w.say.out, "%s: %v\n", w.name, err)
		return 1
	}
	req := weakupdates.Request{Verb: verb, NoReplace: w.deletes}
	switch verb {
	case weakupdates.AddModules, weakupdates.RemoveModules:
		var err error
		if req.Modules, err = w.listed(); err != nil {
			w.complain("cannot read the list of modules: %v", err)
			return 1
		}
		if len(req.Modules) == 0 {
			return 0
		}
	default:
		krel, err := kernelOperand(operands)
		if err != nil {
			w.complain("%v", err)
			return 1
		}
		req.Kernels = []string{krel}
	}
	return w.carryOut(req)
}

// kernelOperand is the release that an operand names, else the running
// kernel's.
func kernelOperand(operands []string) (string, error) {
	if len(operands) > 0 && operands[0] != "" {
		return operands[0], nil
	}
	krel, err := runningKernel()
	if err != nil {
		return "", fmt.Errorf("cannot tell which kernel runs: %w", err)
	}
	return krel, nil
}

// checkDracut makes sure that a generator that was named is there, where one
// may be needed. For a root that is not "/", the machine's own dracut is the
// default, as it is the script's.
func (w *weakModules) checkDracut() error {
	const standard = "/usr/bin/dracut"
	switch {
	case w.initramfs == initramfsNever:
	case w.generator == "" && w.root != "/" && executable(standard):
		w.generator = standard
	case w.generator == "" || executable(w.generator):
	default:
		return fmt.Errorf("could not find dracut at %s", w.generator)
	}
	if w.generator != "" {
		w.generator, _ = filepath.Abs(w.generator)
	}
	return nil
}

// carryOut plans a request, says what comes of it, and does it.
func (w *weakModules) carryOut(req weakupdates.Request) int {
	if w.checks = w.checker != "" && w.initramfs != initramfsNever; w.checks {
		w.initramfs = initramfsNever // it is the program's to make
	}
	w.deferred = w.posttrans
	plan, err := w.do(req)
	planned := plan != nil && plan.Plan != nil
	if planned {
		w.report(plan)
	}
	if req.Verb == weakupdates.AddKernel && (!planned && errors.Is(err, fs.ErrNotExist) || planned && slices.Contains(plan.Unreadable, req.Kernels[0])) {
		fmt.Fprintf(w.errOut, "Symvers dump file is not found in %s\n", strings.Join(w.symversPlaces(req.Kernels[0]), " "))
		return 1
	}
	if errors.Is(err, errNoGenerator) {
		fmt.Fprintf(w.say.out, "%s: %v\n", w.name, err)
		return 1
	}
	if err != nil {
		w.complain("%v", err)
		return 1
	}
	status := w.afterwards(plan)
	if status == 0 && w.strict && (incompatible(plan.Plan) || len(plan.Without) > 0) {
		status = 1
	}
	return status
}

// symversPlaces are where the script looks for a kernel's table of exports.
func (w *weakModules) symversPlaces(krel string) []string {
	base := strings.TrimSuffix(w.root, "/")
	var list []string
	for _, ext := range []string{".xz", ".gz"} {
		list = append(list, base+"/boot/symvers-"+krel+ext, base+"/lib/modules/"+krel+"/symvers"+ext)
	}
	return list
}

// report says what becomes of the modules.
func (w *weakModules) report(plan *node.Plan) {
	w.notes(plan)
	for i := range plan.Outcomes {
		w.say.outcome(&plan.Outcomes[i])
	}
	w.skipped(plan.Plan)
	for i := range plan.Steps {
		w.say.step(w.root, &plan.Steps[i])
	}
}

// skipped says which links a removal leaves alone, and of which kernels there
// is nothing but modules left.
func (w *weakModules) skipped(plan *weakupdates.Plan) {
	removing := plan.Request.Verb == weakupdates.RemoveModules
	for i := range plan.Outcomes {
		if o := &plan.Outcomes[i]; removing && o.Listed && o.Decision == weakupdates.Kept {
			w.say.more("Skipping symlink %s%s", strings.TrimSuffix(w.root, "/"), o.Link)
		}
	}
	said := map[string]bool{}
	for _, module := range plan.Request.Modules {
		krel, _, _ := strings.Cut(strings.TrimPrefix(module, "/lib/modules/"), "/")
		if strings.HasPrefix(module, "/lib/modules/") && !said[krel] && plan.Changed(krel) == nil {
			said[krel] = true
			w.say.more("Skipping depmod for non-installed kernel %s", krel)
		}
	}
}

// incompatible reports whether a module that was asked for, or the last that
// could have served, is refused.
func incompatible(plan *weakupdates.Plan) bool {
	return slices.ContainsFunc(plan.Outcomes, func(o weakupdates.Outcome) bool {
		return o.Decision == weakupdates.Refused && (o.Final || o.Listed)
	})
}

// afterwards runs the program that takes the place of making an initramfs, or
// marks the kernels for it, and returns the exit status.
func (w *weakModules) afterwards(plan *node.Plan) int {
	status := 0
	switch {
	case plan.Request.Verb == weakupdates.RemoveKernel:
	case w.checks:
		for _, change := range plan.Changes {
			if code := w.check(change.Kernel); code != 0 {
				status = code
			}
		}
	case w.deferred:
		if err := w.mark(due(plan)); err != nil {
			w.complain("%v", err)
			status = 1
		}
	}
	return status
}

// check runs the program of --check-initramfs-prog for one kernel.
func (w *weakModules) check(krel string) int {
	argv := append(strings.Fields(w.checker), krel)
	w.say.more("%s", strings.Join(argv, " "))
	if w.dryRun {
		return 0
	}
	cmd := exec.CommandContext(w.cmd.Context(), argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = w.say.out, w.errOut
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	}
	w.complain("%s: %v", argv[0], err)
	return 1
}
