package main

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"modkeep/kabi/layout"
	"modkeep/kernel"
	"modkeep/ko/modsig"
	"modkeep/loader"
	"modkeep/policy"
)

// checkOptions are the flags of modkeep check.
type checkOptions struct {
	target
	allKernels    bool
	symvers       string
	replace       bool
	cmdline       string
	config        string
	keyring       []string
	lockdown      string
	loaded        string
	fromFile      string
	zero          bool
	json          bool
	strictUnknown bool
	verify        bool
	types         policy.Types // "": as the root's policy says
	explain       bool
	old, new      string // the kernels of an explanation, as for compare
}

func newCheckCommand() *cobra.Command {
	var opts checkOptions
	cmd := &cobra.Command{
		Use:   "check [flags] [MODULE|DIR|PACKAGE...]",
		Short: "Say whether modules will load on a kernel, and why not",
		Long: `check answers as the kernel's load_module() would: whether each module loads,
with which errno and log lines not, for which reasons, and what puts it right.

An argument with a slash, or ending in .ko, .ko.gz, .ko.xz, .ko.zst, .rpm or
.deb, is a path; any other is the name of a module. A directory stands for all
module files below it, a package for the modules in it. Without arguments, every
module below the root that is not a kernel's own is judged. Modules are judged as
a set: one may need what another one exports.

Signatures are judged by the certificates in the kernel's image, those that the
EFI variables below the root hold (sys/firmware/efi) and those of --keyring;
under secure boot, which the variables tell too, kernels refuse more.

Without --kernel and --all-kernels modules are judged for the kernel that will
boot next where that can be told, else for all.

Some kernels read behind the end of a damaged file before they answer. The
verdict then says that the kernel may crash ("may_crash" in the JSON document),
and counts as a refusal.` + exitStatus(
			"all modules load on all kernels asked for (with several kernels not asked for: on at least one)",
			"a module is refused, or may crash the kernel",
			"something could not be read or judged"),
		Example: `  modkeep check
  modkeep check --kernel 6.1.0-53-amd64 ./driver.ko
  modkeep check --symvers linux-headers-6.1.0-53-amd64/Module.symvers --json *.ko
  modkeep check --all-kernels vendor-kmod-1.0.rpm
  modkeep check --explain --old old/symtypes.gz --new new/symtypes.gz ./driver.ko`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCheck(cmd, &opts, args)
		},
	}
	flags := cmd.Flags()
	opts.target.addFlags(flags)
	flags.BoolVar(&opts.allKernels, "all-kernels", false, "judge for every kernel below the root")
	flags.StringVar(&opts.symvers, "symvers", "", "judge for the kernel that the Module.symvers `FILE` lists")
	flags.BoolVar(&opts.replace, "replace", false, "let the given modules displace those that --symvers lists")
	flags.StringVar(&opts.cmdline, "cmdline", "", "take the kernel to be started with `STRING` (default: what the root's boot loader gives it)")
	flags.StringVar(&opts.config, "config", "", "take `FILE` for the kernel's configuration")
	flags.StringArrayVar(&opts.keyring, "keyring", nil, "trust the certificates in `FILE` (PEM or DER) for modules; may be repeated")
	flags.StringVar(&opts.lockdown, "lockdown", "", "take the kernel to be locked down: `none`, integrity or confidentiality")
	flags.StringVar(&opts.loaded, "loaded", "", "take the modules in `FILE` (as /proc/modules, or one name a line) to be loaded")
	flags.StringVar(&opts.fromFile, "from-file", "", "judge the paths in `FILE` too, one a line; - is standard input")
	flags.BoolVarP(&opts.zero, "null", "0", false, "paths of --from-file end in NUL")
	flags.BoolVar(&opts.strictUnknown, "strict-unknown", false, "exit with status 2 when something about a kernel is unknown")
	flags.BoolVar(&opts.verify, "verify", false, "verify the signatures of a kernel's own modules below a directory too")
	flags.StringVar((*string)(&opts.types), "types", "", "compare the types that each module knows, by its debug information, with the kernel's; `HOW` is warn (where none is said), refuse or off (default: what the root's policy says)")
	flags.Lookup("types").NoOptDefVal = string(policy.TypesWarn)
	flags.BoolVar(&opts.explain, "explain", false, "say which changed types are behind the CRCs that refuse a module")
	flags.StringVar(&opts.old, "old", "", "with --explain: take `OLD`, as for compare, for the kernel that the modules were built for")
	flags.StringVar(&opts.new, "new", "", "with --explain: take `NEW`, as for compare, for what the kernel exports and the types behind it")
	addJSONFlag(flags, &opts.json)
	return cmd
}

// checkReport is what modkeep check answers.
type checkReport struct {
	Verdicts     []*loader.Verdict `json:"verdicts"` // by kernel, then path
	Packages     []packageReport   `json:"packages,omitempty"`
	Types        []typeReport      `json:"types,omitempty"`        // with --types
	Explanations []*explanation    `json:"explanations,omitempty"` // with --explain
	Errors       []fileError       `json:"errors"`
}

// checkRun is one call of modkeep check.
type checkRun struct {
	given        bool // something was named on the command line or in a list
	opts         *checkOptions
	report       checkReport
	cmdlineGiven bool
	asked        bool // kernels were named, or all asked for
	kernels      []*kernel.Kernel
	modules      []*loader.Module
	loader       loader.Options
	bases        map[string]*layout.BTF // of kernels that modules were built for
	sides        *twoSides              // explained last
}

func runCheck(cmd *cobra.Command, opts *checkOptions, args []string) error {
	r := &checkRun{opts: opts, cmdlineGiven: cmd.Flags().Changed("cmdline")}
	if err := r.validate(cmd); err != nil {
		return err
	}
	args, err := r.arguments(cmd, args)
	if err != nil {
		return err
	}
	r.given = len(args) > 0
	if err := r.openKernels(); err != nil {
		return err
	}
	if err := r.loaderOptions(); err != nil {
		return err
	}
	if err := r.typesOfPolicy(); err != nil {
		return fmt.Errorf("cannot read the policy: %w", err)
	}
	go r.prepare()
	names := r.collect(args)
	for _, k := range r.kernels {
		r.judge(k, names)
	}
	r.sort()
	if opts.json {
		err = writeJSON(cmd.OutOrStdout(), &r.report)
	} else {
		err = r.print(cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	if err != nil {
		return err
	}
	return statusError(r.status())
}

// prepare reads what will be asked of the kernels while the modules are read.
func (r *checkRun) prepare() {
	for _, k := range r.kernels {
		k.Prepare()
		r.targetOf(k)
	}
}

// statusError makes an exit status a command's error.
func statusError(status int) error {
	if status == statusYes {
		return nil
	}
	return silent(status)
}

func (r *checkRun) validate(cmd *cobra.Command) error {
	o := r.opts
	switch {
	case o.kernel != "" && o.allKernels:
		return usageErrorf(cmd, "--kernel and --all-kernels exclude each other")
	case o.replace && o.symvers == "":
		return usageErrorf(cmd, "--replace goes with --symvers")
	case o.zero && o.fromFile == "":
		return usageErrorf(cmd, "-0 goes with --from-file")
	case !o.explain && o.old+o.new != "":
		return usageErrorf(cmd, "--old and --new go with --explain")
	}
	switch o.types {
	case "", policy.TypesOff, policy.TypesWarn, policy.TypesRefuse:
	default:
		return usageErrorf(cmd, "--types %q is not warn, refuse or off", o.types)
	}
	switch o.lockdown {
	case "", "none", "integrity", "confidentiality":
		return nil
	}
	return usageErrorf(cmd, "--lockdown %q is not none, integrity or confidentiality", o.lockdown)
}

// arguments returns the arguments with the paths of --from-file behind them.
func (r *checkRun) arguments(cmd *cobra.Command, args []string) ([]string, error) {
	if r.opts.fromFile == "" {
		return args, nil
	}
	in := cmd.InOrStdin()
	if r.opts.fromFile != "-" {
		f, err := os.Open(r.opts.fromFile)
		if err != nil {
			return nil, fmt.Errorf("cannot read the list of modules: %w", err)
		}
		defer f.Close()
		in = f
	}
	paths, err := readPaths(in, r.opts.zero)
	if err != nil {
		return nil, fmt.Errorf("cannot read the list of modules: %w", err)
	}
	return append(args, paths...), nil
}

// readPaths reads one path a line, or NUL-terminated ones. A path is never a
// name: a bare one gets a "./".
func readPaths(in io.Reader, zero bool) ([]string, error) {
	var paths []string
	s := bufio.NewScanner(in)
	s.Buffer(nil, 1<<20)
	if zero {
		s.Split(func(data []byte, atEOF bool) (int, []byte, error) {
			if i := bytes.IndexByte(data, 0); i >= 0 {
				return i + 1, data[:i], nil
			}
			if atEOF && len(data) > 0 {
				return len(data), data, nil
			}
			return 0, nil, nil
		})
	}
	for s.Scan() {
		p := s.Text()
		if p == "" {
			continue
		}
		if !strings.Contains(p, "/") {
			p = "./" + p
		}
		paths = append(paths, p)
	}
	return paths, s.Err()
}

// openKernels decides which kernels are spoken of.
func (r *checkRun) openKernels() error {
	o := r.opts
	kopts := kernel.Options{Symvers: o.symvers, Config: o.config}
	if o.symvers != "" && o.kernel == "" && !o.allKernels {
		k, err := kernel.FromSymvers(o.symvers)
		if err != nil {
			return fmt.Errorf("cannot read the kernel's exports: %w", err)
		}
		r.kernels, r.asked = []*kernel.Kernel{k}, true
		return nil
	}
	krels := []string{o.kernel}
	if o.kernel == "" {
		next, _ := kernel.Next(o.root)
		all, err := kernel.List(o.root)
		if err != nil {
			return fmt.Errorf("cannot list the kernels below %s: %w", o.root, err)
		}
		switch {
		case len(all) == 0:
			return r.opts.ambiguous(all)
		case next != "" && !o.allKernels && slices.Contains(all, next):
			krels = []string{next}
		default:
			krels = all
		}
	}
	r.asked = o.kernel != "" || o.allKernels || len(krels) == 1
	for _, krel := range krels {
		k, err := kernel.Open(o.root, krel, kopts)
		if err != nil {
			return o.absent(krel, err)
		}
		r.kernels = append(r.kernels, k)
	}
	return nil
}

func (r *checkRun) loaderOptions() error {
	o := r.opts
	r.loader = loader.Options{Cmdline: o.cmdline, Lockdown: o.lockdown, Replace: o.replace, Firmware: firmwareBelow(o.root)}
	for _, path := range o.keyring {
		keys, err := readCertificates(path)
		if err != nil {
			return fmt.Errorf("cannot read the keyring: %s: %w", path, err)
		}
		r.loader.Keyring = append(r.loader.Keyring, keys...)
	}
	if o.loaded == "" {
		return nil
	}
	data, err := os.ReadFile(o.loaded)
	if err != nil {
		return fmt.Errorf("cannot read the loaded modules: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 0 {
			r.loader.Loaded = append(r.loader.Loaded, f[0])
		}
	}
	return nil
}

// readCertificates reads the X.509 certificates of a PEM or DER file.
func readCertificates(path string) ([]*x509.Certificate, error) {
	data, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	return modsig.ParseCertificates(data)
}

// isPath reports whether an argument of check is a path, else it is a name.
func isPath(arg string) bool {
	if strings.Contains(arg, "/") {
		return true
	}
	for _, suffix := range []string{".ko", ".ko.gz", ".ko.xz", ".ko.zst", ".rpm", ".deb"} {
		if strings.HasSuffix(arg, suffix) {
			return true
		}
	}
	return false
}

// collect reads the modules that the arguments stand for and returns the
// arguments that are names.
func (r *checkRun) collect(args []string) (names []string) {
	var paths []string
	if len(args) == 0 {
		paths = r.thirdParty()
	}
	for _, arg := range args {
		switch {
		case !isPath(arg):
			names = append(names, arg)
		case strings.HasSuffix(arg, ".rpm"), strings.HasSuffix(arg, ".deb"):
			r.addPackage(arg)
		default:
			files := r.expand(arg)
			if len(files) != 1 || files[0] != arg {
				r.add(files, !r.opts.verify)
				continue
			}
			paths = append(paths, arg)
		}
	}
	r.add(paths, false)
	return names
}

// add reads the files and keeps those that could be read. Of files that were
// found below a directory, a kernel's own are taken to be as it shipped them:
// verifying thousands of signatures would take longer than all the rest.
func (r *checkRun) add(paths []string, found bool) {
	for _, m := range loader.ReadAll(paths) {
		m.AsShipped = found && strings.Contains(m.Path, "/kernel/")
		if m.Err != nil {
			r.fail(m.Path, m.Err)
			continue
		}
		r.modules = append(r.modules, m)
	}
}

func (r *checkRun) fail(path string, err error) {
	var pe *fs.PathError
	if errors.As(err, &pe) && pe.Path == path {
		err = fmt.Errorf("%s: %w", pe.Op, pe.Err)
	}
	text := strings.TrimPrefix(err.Error(), path+": ")
	r.report.Errors = append(r.report.Errors, fileError{File: path, Error: text})
}

// expand returns the module files below a directory, or the file itself.
func (r *checkRun) expand(path string) []string {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path} // what is wrong with a file, reading it says
	}
	var files []string
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			r.fail(p, err)
		case !d.IsDir() && !strings.HasSuffix(p, ".rpm") && !strings.HasSuffix(p, ".deb") && isPath(filepath.Base(p)):
			files = append(files, p)
		}
		return nil
	})
	if err != nil {
		r.fail(path, err)
	}
	return files
}

// thirdParty returns the files below the root that are no kernel's own, each
// once however many links lead to it.
func (r *checkRun) thirdParty() []string {
	krels, err := kernel.List(r.opts.root)
	if err != nil {
		r.fail(r.opts.root, err)
		return nil
	}
	seen := map[string]bool{}
	var paths []string
	for _, krel := range krels {
		k, err := kernel.Open(r.opts.root, krel, kernel.Options{})
		if err != nil {
			r.fail(krel, err)
			continue
		}
		for _, f := range k.ThirdParty() {
			if !seen[f.Path] {
				seen[f.Path] = true
				paths = append(paths, f.Path)
			}
		}
	}
	return paths
}

// targetOf makes a target of a kernel, started with the command line that the
// root's boot loader would give it unless another was named.
func (r *checkRun) targetOf(k *kernel.Kernel) *loader.Target {
	opts := r.loader
	if !r.cmdlineGiven && k.ModuleDir != "" {
		opts.Cmdline, _ = k.CommandLine()
	}
	return loader.NewTarget(k, opts)
}

// judge adds the verdicts for one kernel.
func (r *checkRun) judge(k *kernel.Kernel, names []string) {
	t := r.targetOf(k)
	modules := slices.Clone(r.modules)
	for _, name := range names {
		if m := r.named(k, name); m != nil {
			modules = append(modules, m)
		}
	}
	verdicts := t.Check(modules)
	r.checkTypes(k, modules, verdicts)
	r.explain(k, modules, verdicts)
	for _, v := range verdicts {
		if v != nil {
			r.report.Verdicts = append(r.report.Verdicts, v)
		}
	}
}

func (r *checkRun) sort() {
	slices.SortStableFunc(r.report.Verdicts, func(a, b *loader.Verdict) int {
		return 2*strings.Compare(a.Kernel, b.Kernel) + strings.Compare(a.Module, b.Module)
	})
	if r.report.Verdicts == nil {
		r.report.Verdicts = []*loader.Verdict{}
	}
	if r.report.Errors == nil {
		r.report.Errors = []fileError{}
	}
}

// status is the exit status of the report.
func (r *checkRun) status() int {
	if len(r.report.Errors) > 0 {
		return statusUnknown
	}
	loads := map[string]bool{}
	refused := false
	for _, v := range r.report.Verdicts {
		if r.opts.strictUnknown && len(v.Unknown) > 0 {
			return statusUnknown
		}
		loads[v.Module] = loads[v.Module] || v.Safe()
		refused = refused || !v.Safe()
	}
	if r.asked {
		return map[bool]int{false: statusYes, true: statusNo}[refused]
	}
	for _, ok := range loads {
		if !ok {
			return statusNo
		}
	}
	return statusYes
}
