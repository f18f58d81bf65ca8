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

	"modkeep/internal/pattern"
	"modkeep/kernel"
	"modkeep/node"
	"modkeep/weakupdates"
)

// weakModules2Options are the options of weak-modules2: those of
// suse-module-tools 16, then modkeep's own.
var weakModules2Options = []longOption{
	{name: "add-kernel"}, {name: "remove-kernel"}, {name: "add-kmp"}, {name: "remove-kmp"},
	{name: "add-kernel-modules"}, {name: "remove-kernel-modules"},
	{name: "usage"}, {name: "help"}, {name: "verbose"}, {name: "dry-run"}, {name: "debug"}, {name: "logfile", value: true},
	{name: "root", value: true},
}

// newWeakModules2Command is SUSE's weak-modules2, as modkeep's verb and, when
// the program is called by that name, as the program.
func newWeakModules2Command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "weak-modules2 [flags] {--add-kmp|--remove-kmp|--add-kernel|…} [NAME]",
		Short: "Link compatible modules between kernels, as SUSE's weak-modules2",
		Long:  weakModules2Help,
		Example: `  modkeep weak-modules2 --add-kmp foo-kmp-default-1.2_k6.4.0_150600.21-1
  modkeep weak-modules2 --remove-kmp foo-kmp-default-1.2_k6.4.0_150600.21-1 < /run/rpm-foo-modules
  modkeep weak-modules2 --verbose --dry-run --add-kernel 6.4.0-150600.23.7-default`,
		DisableFlagParsing: true,
		SilenceUsage:       true,
		SilenceErrors:      true,
		RunE: func(cmd *cobra.Command, args []string) error {
			w := &weakModules2{dropIn: newDropIn(cmd, "weak-modules2")}
			defer w.close()
			return silent(w.run(args))
		},
	}
	flags := cmd.Flags()
	flags.Bool("add-kmp", false, "link the modules of the installed package NAME-VERSION-RELEASE")
	flags.Bool("remove-kmp", false, "take back the links to the modules of a removed package, which standard input lists")
	flags.Bool("add-kernel", false, "link what loads into kernel KREL (default: the running one), make its initramfs")
	flags.Bool("remove-kernel", false, "take back all links of kernel KREL (default: the running one)")
	flags.Bool("add-kernel-modules", false, "modules of kernel KREL itself were installed: judge links again")
	flags.Bool("remove-kernel-modules", false, "modules of kernel KREL itself were removed: judge links again")
	flags.CountP("verbose", "v", "say what is done; twice: what is not, too")
	flags.Bool("dry-run", false, "change nothing")
	flags.Bool("debug", false, "as --verbose")
	flags.String("logfile", "", "append standard error to `FILE`, below /var/log if relative")
	flags.Bool("usage", false, "print the usage")
	flags.String("root", "/", "look below `DIR` for kernels, modules and packages")
	return cmd
}

var weakModules2Help = `weak-modules2 lets kernels use the modules of kernel module packages (KMPs, named
NAME-kmp-FLAVOR) that were built for other kernels of their flavor. It takes the
place of the script of SUSE's suse-module-tools, which the scriptlets of kernel
packages and KMPs run, with that one's options, input, environment, sentences and
exit statuses. Called by its name, it is that program.

Links stand below weak-updates by the path that the module has below its own
kernel. What a KMP holds is asked of rpm(8). --add-kernel and the like of
sub-packages write the kernel's index files and make its initramfs in any case.

Environment, as there: WM2_VERBOSE (0 to 3), WM2_DEBUG, WM2_LOGFILE; DRACUT,
MKOSI_INITRD, DEPMOD and SDBOOTUTIL name programs; KMP_NEEDS_MKINITRD has the
initramfs made in any case; with INITRD_IN_POSTTRANS, or TRANSACTIONAL_UPDATE and
sdbootutil, a kernel is only marked in /run/regenerate-initrd. INITRD_GENERATOR in
/etc/sysconfig/bootloader is dracut or mkosi.

Sentences on standard error:

    always     Module FILE from kernel A is not compatible with kernel B in symbols: S1 S2
    always     Module FILE from kernel A is not compatible with kernel B: REASON
    always     Error: package KMP seems to contain modules for multiple kernel versions
    always     Error: package KMP must not install modules into kernel/ or weak-updates/
    always     WARNING: KMP does not contain any kernel modules
    always     WARNING: kernel image for K not found!
    always     Please run "dracut -f /boot/initrd-K K" as soon as your system is complete.
    --verbose  Package KMP added to kernel K
    --verbose  Package KMP does not need to be added to kernel K
    --verbose  Package OLD replaced by package KMP in kernel K
    --verbose  Package KMP removed from kernel K
    --verbose  Weak-updates symlinks to no other NAME-kmp-FLAVOR package could be created
    --verbose  the commands that do what is done, and the reasons in full

As the script of suse-module-tools 16, but for what is different on purpose:

    here                                        there
    --remove-kernel-modules takes back links    NOT IMPLEMENTED
    that lost what they need
    each module is judged for itself; with its  each package as a whole
    package by "atomic: true" in the policy
    only what a module needs counts             any unresolved symbol on a kernel keeps all away
    what is refused is always said              never; with WM2_DEBUG what depmod said
    --add-kernel links modules of no package    only KMPs'
    links stay over rpm --reinstall             --remove-kmp takes them
    --dry-run changes nothing                   --remove-kernel --dry-run does
    --remove-kernel ends with status 0          1 where the kernel's directory is not empty
    "Package KMP added to kernel K without X"   -
    --root DIR                                  -` + exitStatus(
	"done, also where a package is not compatible",
	"not done: bad usage, a package that is not there or that has no place here, a step that failed", "")

// weakModules2 is one call of weak-modules2.
type weakModules2 struct {
	*dropIn
	mode      string // the verb
	verbosity int
	log       *os.File
	logName   string
	sdboot    string // sdbootutil's path, "" where it is not in use
	marks     bool   // kernels are marked, and others make the initramfs
	wanted    []*suseKMP
	others    []*suseKMP        // installed versions of the same, or all of the flavor
	before    map[string]string // links and their texts before anything is done
}

func (w *weakModules2) close() {
	if w.log != nil {
		w.log.Close()
	}
}

// run does what a command line asks for and returns the exit status.
func (w *weakModules2) run(args []string) int {
	_, posix := os.LookupEnv("POSIXLY_CORRECT")
	options, operands, err := getopt(args, "vh", weakModules2Options, posix)
	if err != nil {
		w.complain("%v", err)
		return w.usage(w.errOut)
	}
	w.logName = os.Getenv("WM2_LOGFILE")
	if level := os.Getenv("WM2_VERBOSE"); len(level) == 1 && level >= "0" && level <= "3" {
		w.verbosity = int(level[0] - '0')
	}
	debug := os.Getenv("WM2_DEBUG") == "1"
	for _, o := range options {
		switch o.name {
		case "v", "verbose":
			w.verbosity++
		case "dry-run":
			w.dryRun = true
		case "debug":
			debug = true
		case "logfile":
			w.logName = o.value
		case "root":
			w.inRoot(o.value)
		case "usage":
			w.usage(w.say.out)
			return 0
		case "h", "help":
			w.cmd.Help()
			return 0
		default:
			w.mode = o.name
		}
	}
	operand, err := w.operand(operands)
	if err != nil {
		fmt.Fprintf(w.errOut, "ERROR: %v\n", err)
		return w.usage(w.errOut)
	}
	w.openLog()
	w.say = sentences{out: w.errOut, verbose: w.verbosity > 0 || debug}
	if err := w.environment(); err != nil {
		fmt.Fprintf(w.errOut, "ERROR: %v\n", err)
		return 1
	}
	return w.perform(operand)
}

// usage says how the program is called.
func (w *weakModules2) usage(out interface{ Write([]byte) (int, error) }) int {
	fmt.Fprintf(out, `Usage:
    %[1]s --add-kmp kmp-name-version-release
    %[1]s --remove-kmp kmp-name < module-list
    %[1]s --add-kernel kernel-release
    %[1]s --remove-kernel kernel-release
    %[1]s --add-kernel-modules kernel-release < module-list
    %[1]s --remove-kernel-modules kernel-release < module-list
    %[1]s --verbose ...
    %[1]s --dry-run ...
`, w.name)
	return 1
}

// operand is what the mode is applied to.
func (w *weakModules2) operand(operands []string) (string, error) {
	switch w.mode {
	case "":
		return "", sentence("Please specify one of the --add-* or --remove-* options")
	case "add-kernel", "remove-kernel":
		if len(operands) > 1 {
			return "", sentence("Too many arguments to --" + w.mode)
		}
		return kernelOperand(operands)
	}
	if len(operands) != 1 {
		return "", sentence("Option --" + w.mode + " requires exactly one argument")
	}
	return operands[0], nil
}

// openLog lets standard error go to the log file that was named.
func (w *weakModules2) openLog() {
	if w.logName == "" {
		return
	}
	if !filepath.IsAbs(w.logName) {
		w.logName = "/var/log/" + w.logName
	}
	w.complain("appending output to %s", w.logName)
	f, err := os.OpenFile(w.logName, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		w.complain("%v", err)
		return
	}
	w.log, w.errOut = f, f
}

// environment takes in what the environment and the system's configuration
// say.
func (w *weakModules2) environment() error {
	w.layout, w.firstImage = weakupdates.SUSE, "/boot/initrd-KREL"
	if w.depmod = os.Getenv("DEPMOD"); !executable(w.depmod) {
		if w.depmod = findProgram("depmod"); w.depmod == "" {
			return errors.New("depmod is not installed - aborting")
		}
	}
	if err := w.chooseGenerator(); err != nil {
		return err
	}
	if w.root == "/" {
		w.findSDBoot()
	}
	if os.Getenv("INITRD_IN_POSTTRANS") != "" || w.sdboot != "" && os.Getenv("TRANSACTIONAL_UPDATE") != "" {
		w.deferred, w.marks = true, true
	} else if w.sdboot != "" {
		w.deferred = true
	}
	if need := os.Getenv("KMP_NEEDS_MKINITRD"); need != "" && strings.Trim(need, "0") != "" {
		w.initramfs = initramfsAlways
	}
	return nil
}

// findSDBoot finds out whether sdbootutil looks after the boot entries.
func (w *weakModules2) findSDBoot() {
	if w.sdboot = os.Getenv("SDBOOTUTIL"); executable(w.sdboot) {
		return
	}
	w.sdboot = ""
	const program = "/usr/bin/sdbootutil"
	if executable(program) && exec.CommandContext(w.cmd.Context(), program, "is-installed").Run() == nil {
		w.sdboot = program
	}
}

var generatorLine = pattern.New(`(?m)^[ \t]*(?:export[ \t]+)?INITRD_GENERATOR=["']?([^"'\s;]*)`)

// chooseGenerator takes the program that makes the initramfs from the
// environment, of the two that the system's configuration chooses from.
func (w *weakModules2) chooseGenerator() error {
	text, _ := os.ReadFile(filepath.Join(w.root, "etc/sysconfig/bootloader"))
	choice := "dracut"
	if all := generatorLine.FindAllSubmatch(text, -1); len(all) > 0 && len(all[len(all)-1][1]) > 0 {
		choice = string(all[len(all)-1][1])
	}
	switch choice {
	case "dracut":
		w.generator = firstNonEmpty(os.Getenv("DRACUT"), "/usr/bin/dracut")
	case "mkosi", "mkosi-initrd":
		w.generator = firstNonEmpty(os.Getenv("MKOSI_INITRD"), "/usr/bin/mkosi-initrd")
	default:
		return sentence(fmt.Sprintf("the initrd generator %q configured in /etc/sysconfig/bootloader is not supported.", choice))
	}
	if !executable(w.generator) {
		w.generator = "" // another one may be there
	}
	return nil
}

// perform carries out the mode.
func (w *weakModules2) perform(operand string) int {
	switch w.mode {
	case "add-kmp", "remove-kmp":
		if err := w.lookUp(operand); err != nil {
			w.fail(err)
			return 1
		}
		return w.kmpChanged(operand)
	case "remove-kernel":
		return w.removeKernel(operand)
	}
	if strings.HasSuffix(w.mode, "-modules") {
		// Which modules they are does not matter; but who writes the list wants
		// it read.
		if _, err := readListed(w.cmd.InOrStdin()); err != nil {
			w.complain("cannot read the list of modules: %v", err)
		}
	}
	return w.kernelChanged(operand)
}

// fail says an error, as it is where it is one of the script's own.
func (w *weakModules2) fail(err error) {
	if _, ok := err.(sentence); ok {
		fmt.Fprintln(w.errOut, err)
		return
	}
	w.complain("%v", err)
}

// sentence is an error in the script's own words.
type sentence string

func (s sentence) Error() string { return string(s) }

// warn is a warning of the script's own.
func (w *weakModules2) warn(text string) { fmt.Fprintln(w.errOut, text) }

// lookUp finds the modules of the package named, and the other versions of it
// that are installed.
func (w *weakModules2) lookUp(nvr string) error {
	short := kmpName(nvr)
	if !kmpPattern.MatchString(short) {
		return fmt.Errorf("%s is not the NAME-kmp-FLAVOR-VERSION-RELEASE of a kernel module package", nvr)
	}
	db, err := w.rpm()
	if err == nil {
		w.others, err = db.packages(short, w.warn)
	}
	if err != nil {
		return err
	}
	if w.mode == "add-kmp" {
		for _, k := range w.others {
			if k.nvr == nvr {
				w.wanted = []*suseKMP{k}
				return nil
			}
		}
		return fmt.Errorf("package %s is not installed, has no modules, or is part of a kernel", nvr)
	}
	list, err := w.listed()
	if err != nil {
		return fmt.Errorf("cannot read the list of modules: %w", err)
	}
	k, err := newKMP(nvr, list)
	if errors.Is(err, errNoModules) {
		return sentence(fmt.Sprintf("Error: the list of %s's modules has none", nvr))
	} else if err != nil {
		return err
	}
	w.wanted = []*suseKMP{k}
	w.others = slices.DeleteFunc(w.others, func(o *suseKMP) bool { return o.nvr == nvr })
	return nil
}

// rpm is the database of the root. That of another root is read from a copy,
// because rpm writes to its database even to read it.
func (w *weakModules2) rpm() (rpmDatabase, error) {
	db := rpmDatabase{ctx: w.cmd.Context(), program: findProgram("rpm")}
	if db.program == "" {
		return db, errors.New("rpm is not installed")
	}
	if w.root == "/" {
		return db, nil
	}
	if db.dir = copyOfRPMDatabase(w.root); db.dir == "" {
		return db, fmt.Errorf("%s has no rpm database", w.root)
	}
	return db, nil
}

// kmpChanged links the modules of an installed package, or takes back the links
// to those of a removed one.
func (w *weakModules2) kmpChanged(nvr string) int {
	flavor := flavorOf(kmpName(nvr))
	all, err := kernel.List(w.root)
	if err != nil {
		w.complain("%v", err)
		return 1
	}
	kernels := slices.DeleteFunc(all, func(krel string) bool { return flavorOf(krel) != flavor })
	if len(kernels) == 0 {
		return 0
	}
	verb := weakupdates.AddModules
	if w.mode == "remove-kmp" {
		verb = weakupdates.RemoveModules
	}
	return w.carryOut(weakupdates.Request{Verb: verb, Kernels: kernels, Modules: w.wanted[0].modules})
}

// kernelChanged judges all links of a kernel again and has its initramfs made.
func (w *weakModules2) kernelChanged(krel string) int {
	if w.verbosity > 0 {
		if db, err := w.rpm(); err == nil {
			w.others, _ = db.packages("*-kmp-"+flavorOf(krel), w.warn)
		}
		w.wanted = w.others
	}
	w.initramfs, w.deferred, w.index = initramfsAlways, true, []string{krel}
	return w.carryOut(weakupdates.Request{Verb: weakupdates.AddKernel, Kernels: []string{krel}})
}

// carryOut does a request, says what comes of it, and returns the exit status.
func (w *weakModules2) carryOut(req weakupdates.Request) int {
	if w.building() {
		w.initramfs = initramfsNever
	}
	w.snapshot(req.Kernels)
	plan, err := w.do(req)
	switch {
	case plan != nil && plan.Plan != nil:
		w.report(plan)
	case errors.Is(err, fs.ErrNotExist) && req.Verb == weakupdates.AddKernel:
		return 0 // the kernel is gone again, or has no modules
	}
	if err != nil {
		w.complain("%v", err)
		return 1
	}
	return w.afterwards(plan)
}

// building reports whether the root is still being put together, as in a build
// chroot: no initramfs is made there.
func (w *weakModules2) building() bool {
	_, err := os.Stat(filepath.Join(w.root, ".buildenv"))
	info, errFstab := os.Stat(filepath.Join(w.root, "etc/fstab"))
	return err == nil || errFstab != nil || !info.Mode().IsRegular()
}

// snapshot keeps what the links of kernels hold, to say later what was replaced.
func (w *weakModules2) snapshot(kernels []string) {
	w.before = map[string]string{}
	if !w.say.verbose {
		return
	}
	for _, krel := range kernels {
		for _, dir := range []string{"lib/modules", "usr/lib/modules"} {
			base := filepath.Join(w.root, dir, krel, "weak-updates")
			filepath.WalkDir(base, func(path string, e fs.DirEntry, err error) error {
				if err == nil && e.Type()&fs.ModeSymlink != 0 {
					text, _ := os.Readlink(path)
					w.before[w.insideRoot(path)] = w.insideRoot(linkTarget(path, text))
				}
				return nil
			})
		}
	}
}

// linkTarget is where a link's text leads to.
func linkTarget(path, text string) string {
	if filepath.IsAbs(text) {
		return text
	}
	return filepath.Join(filepath.Dir(path), text)
}

// insideRoot is a path of this machine as one inside the root.
func (w *weakModules2) insideRoot(path string) string {
	if w.root != "/" {
		if rel, ok := strings.CutPrefix(path, filepath.Clean(w.root)+"/"); ok {
			path = "/" + rel
		}
	}
	return merged(path)
}

// report says what becomes of modules and packages.
func (w *weakModules2) report(plan *node.Plan) {
	w.notes(plan)
	for _, krel := range plan.Unreadable {
		w.warn(fmt.Sprintf("WARNING: symvers.gz not found for %s, symbol resolution will be unreliable", krel))
	}
	for i := range plan.Outcomes {
		o := &plan.Outcomes[i]
		if w.verbosity > 1 || o.Decision == weakupdates.Refused || o.Forced {
			w.say.outcome(o)
		}
	}
	if plan.Request.Verb == weakupdates.RemoveModules {
		w.sayRemoved(plan)
	} else {
		w.sayAdded(plan)
	}
	for i := range plan.Steps {
		w.say.step(w.root, &plan.Steps[i])
	}
	if w.building() {
		for _, change := range plan.Changes {
			w.advise(change.Kernel)
		}
	}
}

// advise says how the initramfs is made when the system is complete.
func (w *weakModules2) advise(krel string) {
	if strings.Contains(krel, "kdump") {
		return
	}
	if strings.Contains(filepath.Base(w.generator), "mkosi") {
		w.warn(fmt.Sprintf(`Please run "%s --kernel-version %s -O /boot -o initrd-%s" as soon as your system is complete.`, w.generator, krel, krel))
		return
	}
	w.warn(fmt.Sprintf(`Please run "%s -f /boot/initrd-%s %s" as soon as your system is complete.`, firstNonEmpty(w.generator, "/usr/bin/dracut"), krel, krel))
}

// of counts the outcomes on a kernel of a package's modules.
func (k *suseKMP) of(plan *node.Plan, krel string) (linked, kept, refused []string) {
	for i := range plan.Outcomes {
		o := &plan.Outcomes[i]
		if o.Kernel != krel || o.Donor == nil || !slices.Contains(k.modules, merged(o.Donor.Path)) {
			continue
		}
		switch name := filepath.Base(o.Donor.Path); o.Decision {
		case weakupdates.Linked:
			linked = append(linked, name)
		case weakupdates.Kept, weakupdates.Own:
			kept = append(kept, name)
		case weakupdates.Refused:
			refused = append(refused, name)
		}
	}
	return linked, kept, refused
}

// sayAdded says which packages were added to which kernels.
func (w *weakModules2) sayAdded(plan *node.Plan) {
	for _, krel := range plan.Request.Kernels {
		for _, k := range w.wanted {
			linked, kept, refused := k.of(plan, krel)
			old := w.replaced(plan, k, krel)
			switch {
			case k.krel == krel, len(linked) == 0 && len(refused) == 0 && len(kept) > 0:
				w.say.more("Package %s does not need to be added to kernel %s", k.nvr, krel)
			case len(linked) == 0:
			case len(refused) > 0:
				w.say.more("Package %s added to kernel %s without %s", k.nvr, krel, strings.Join(refused, " "))
			case old != "":
				w.say.more("Package %s replaced by package %s in kernel %s", old, k.nvr, krel)
			default:
				w.say.more("Package %s added to kernel %s", k.nvr, krel)
			}
		}
	}
}

// replaced is the other version of a package whose links on a kernel the
// package takes over, "" for none.
func (w *weakModules2) replaced(plan *node.Plan, k *suseKMP, krel string) string {
	for path, target := range w.before {
		if !strings.HasPrefix(path, "/lib/modules/"+krel+"/") || slices.Contains(k.modules, target) {
			continue
		}
		for _, o := range w.others {
			if o.nvr != k.nvr && o.short() == k.short() && slices.Contains(o.modules, target) {
				return o.nvr
			}
		}
	}
	return ""
}

// sayRemoved says which kernels a package is gone from, and what took its
// place.
func (w *weakModules2) sayRemoved(plan *node.Plan) {
	gone := w.wanted[0]
	for _, krel := range plan.Request.Kernels {
		present := krel == gone.krel
		for path, target := range w.before {
			present = present || strings.HasPrefix(path, "/lib/modules/"+krel+"/") && slices.Contains(gone.modules, target)
		}
		if !present {
			continue
		}
		by := ""
		for _, o := range w.others {
			if linked, _, _ := o.of(plan, krel); len(linked) > 0 && by == "" {
				by = o.nvr
			}
		}
		switch {
		case by != "":
			w.say.more("Package %s replaced by package %s in kernel %s", gone.nvr, by, krel)
		default:
			w.say.more("Package %s removed from kernel %s", gone.nvr, krel)
			if len(w.others) > 0 {
				w.say.more("Weak-updates symlinks to no other %s package could be created", gone.short())
			}
		}
	}
}

// afterwards does what is not decided with the links: the initramfs of a kernel
// that was installed, the first initramfs of others, marks, the boot entries
// that sdbootutil keeps. It returns the exit status.
func (w *weakModules2) afterwards(plan *node.Plan) int {
	var err error
	if w.initramfs != initramfsNever {
		images := w.bootable(w.images(plan))
		if w.marks {
			err = w.mark(images)
		} else {
			for _, krel := range images {
				err = errors.Join(err, w.makeImage(krel))
			}
		}
	}
	if err != nil {
		w.complain("%v", err)
		return 1
	}
	return 0
}

// images returns the kernels whose initramfs is due and no step of the
// transaction made.
func (w *weakModules2) images(plan *node.Plan) []string {
	var list []string
	if w.deferred {
		list = due(plan)
	}
	for _, image := range plan.Images {
		if image.Path == "" {
			list = append(list, image.Kernel)
		}
	}
	if plan.Request.Verb == weakupdates.AddKernel {
		list = append(list, plan.Request.Kernels[0])
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// bootable leaves those kernels that are there to be booted and make no
// initramfs of their own, as those of kdump do.
func (w *weakModules2) bootable(kernels []string) []string {
	return slices.DeleteFunc(kernels, func(krel string) bool {
		if strings.Contains(krel, "kdump") {
			return true
		}
		if !w.hasImage(krel) {
			w.warn(fmt.Sprintf("WARNING: kernel image for %s not found!", krel))
			return true
		}
		return false
	})
}

// makeImage makes a kernel's initramfs, also the first.
func (w *weakModules2) makeImage(krel string) error {
	if w.sdboot != "" {
		return w.command2(w.sdboot, "--no-reuse-initrd", "add-kernel", krel)
	}
	return w.makeImages([]string{krel})
}

// hasImage reports whether a kernel is there to be booted.
func (w *weakModules2) hasImage(krel string) bool {
	return slices.ContainsFunc([]string{"vmlinuz", "image", "vmlinux", "linux", "bzImage", "uImage", "Image", "zImage"}, func(name string) bool {
		return slices.ContainsFunc([]string{"lib/modules/" + krel + "/" + name, "usr/lib/modules/" + krel + "/" + name, "boot/" + name + "-" + krel}, func(path string) bool {
			_, err := os.Stat(filepath.Join(w.root, path))
			return err == nil
		})
	})
}

// command2 says a command and, unless it is for show, runs it.
func (w *weakModules2) command2(argv ...string) error {
	w.say.more("%s", strings.Join(argv, " "))
	if w.dryRun {
		return nil
	}
	return w.command(argv)
}

func (w *weakModules2) command(argv []string) error {
	cmd := exec.CommandContext(w.cmd.Context(), argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = w.errOut, w.errOut
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	return nil
}

// removeKernel takes back all links of a kernel and removes what directories
// that leaves empty.
func (w *weakModules2) removeKernel(krel string) int {
	w.initramfs = initramfsNever
	if status := w.carryOut(weakupdates.Request{Verb: weakupdates.RemoveKernel, Kernels: []string{krel}}); status != 0 || w.dryRun {
		return status
	}
	for _, dir := range []string{"lib/modules", "usr/lib/modules"} {
		os.Remove(filepath.Join(w.root, dir, krel, "weak-updates"))
		os.Remove(filepath.Join(w.root, dir, krel))
	}
	return 0
}
