package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"modkeep/ko"
	"modkeep/node"
	"modkeep/pgp"
	"modkeep/repo"
)

// liveOptions are the flags of the verbs that look at the running kernel.
type liveOptions struct {
	set      string
	key      string // a file: who may have signed the set's manifest
	command  string
	timeout  time.Duration // of the command
	patterns []string
	json     bool
}

func (o *liveOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.set, "set", "", "the files must be of `SET`: a package, a directory of modules or packages, or a channel's manifest (.json)")
	flags.StringVar(&o.key, "key", "", "the set's manifest has to be signed by one of the OpenPGP public keys in `FILE`")
	flags.StringVar(&o.command, "command", "", "a shell runs `COMMAND` when the modules are loaded; a status other than 0 is a failure")
	flags.DurationVar(&o.timeout, "command-timeout", time.Minute, "the command has failed if it has not ended after `TIME`")
	flags.StringArrayVar(&o.patterns, "log-fail", nil, "a line of the kernel's log that matches `REGEXP` is a failure; may be repeated")
	addJSONFlag(flags, &o.json)
}

// liveReport is what reload and verify answer.
type liveReport struct {
	Modules []node.ModuleReport `json:"modules"`
}

// checks reads the flags that say what is checked.
func (o *liveOptions) checks(cmd *cobra.Command) (node.Checks, error) {
	if o.timeout <= 0 {
		return node.Checks{}, usageErrorf(cmd, "--command-timeout %v: not a time to wait", o.timeout)
	}
	c := node.Checks{Command: o.command, Timeout: o.timeout}
	for _, text := range o.patterns {
		p, err := regexp.Compile(text)
		if err != nil {
			return c, usageErrorf(cmd, "--log-fail: %w", err)
		}
		c.Patterns = append(c.Patterns, p)
	}
	return c, nil
}

// live is the running system and what its modules are held against.
type live struct {
	node   *node.Node
	kernel node.Live
	set    *node.Set
	checks node.Checks
}

// open opens the running system. Only a verb that changes something ends a
// transaction that was interrupted; others say that there is one.
func (o *liveOptions) open(cmd *cobra.Command, changes bool) (l live, err error) {
	if l.checks, err = o.checks(cmd); err != nil {
		return l, err
	}
	if l.node, l.kernel, err = openLive(cmd); err != nil {
		return l, err
	}
	if l.set, err = o.readSet(cmd, l.kernel); err != nil {
		return l, err
	}
	if changes {
		return l, settle(cmd, l.node)
	}
	if pending, err := l.node.Pending(); err == nil && pending {
		fmt.Fprintln(cmd.ErrOrStderr(), interruptedNote)
	}
	return l, nil
}

// openLive opens the running system and its kernel.
func openLive(cmd *cobra.Command) (*node.Node, node.Live, error) {
	n, err := openNode("/", nodeOptions(cmd, "/"))
	if err != nil {
		return nil, nil, err
	}
	live := newLiveKernel()
	if live == nil {
		return nil, nil, errors.New("cannot look at the running kernel: it is no Linux")
	}
	return n, live, nil
}

// readSet reads what --set names, for the kernel that runs; nil where it names
// nothing.
func (o *liveOptions) readSet(cmd *cobra.Command, live node.Live) (*node.Set, error) {
	manifest := strings.HasSuffix(o.set, ".json")
	switch {
	case o.key != "" && !manifest:
		return nil, usageErrorf(cmd, "--key is for the signature of a channel's manifest, --set FILE.json")
	case o.set == "":
		return nil, nil
	}
	open := o.openSources
	if manifest {
		open = func() (*node.Set, error) { return o.openManifest(cmd, live) }
	}
	set, err := open()
	if err != nil {
		return nil, fmt.Errorf("cannot read the set: %w", err)
	}
	return set, nil
}

// openSources makes a set of a package or a directory.
func (o *liveOptions) openSources() (*node.Set, error) {
	sources, err := node.ReadSources([]string{o.set})
	if err != nil {
		return nil, err
	}
	return node.NewSet(filepath.Base(o.set), sources)
}

// openManifest makes a set of a channel's manifest. Without a key it says that
// nobody has looked at who made it.
func (o *liveOptions) openManifest(cmd *cobra.Command, live node.Live) (*node.Set, error) {
	var trusted *pgp.Ring
	if o.key != "" {
		var err error
		if trusted, err = readTrustedKeys(o.key); err != nil {
			return nil, err
		}
	}
	m, err := repo.ReadManifest(o.set, trusted, time.Now())
	if err != nil {
		return nil, err
	}
	switch {
	case trusted != nil:
	case m.Key == "":
		printNotes(cmd.ErrOrStderr(), []string{o.set + ": is not signed"})
	default:
		printNotes(cmd.ErrOrStderr(), []string{o.set + ": its signature is not looked at without --key; it names the key " + m.Key})
	}
	facts, err := live.Facts()
	if err != nil {
		return nil, err
	}
	sources, err := manifestSources(cmd, o.set, m.For(facts.Release))
	if err != nil {
		return nil, err
	}
	return node.NewManifestSet(m, facts.Release, sources)
}

// manifestSources reads the modules of packages of a manifest where all of those
// lie beside it, as in a snapshot.
func manifestSources(cmd *cobra.Command, name string, packages []repo.Package) ([]*node.Source, error) {
	var files []string
	for _, p := range packages {
		file := filepath.Join(filepath.Dir(name), filepath.FromSlash(p.File))
		if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s: %w", file, ko.ErrNotRegular)
		} else if err != nil {
			printNotes(cmd.ErrOrStderr(), []string{fmt.Sprintf("%s: %v: files count as the set's by the package that owns them", name, err)})
			return nil, nil
		}
		if err := holdDigest(file, p.SHA256); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return node.ReadPackages(files)
}

// holdDigest wants that a file has a digest, in hexadecimal.
func holdDigest(name, want string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%s: SHA-256 %s, and the manifest has %s", name, got, want)
	}
	return nil
}

// reloadOptions are the flags of modkeep reload.
type reloadOptions struct {
	liveOptions
	force bool
	dry   bool
}

func newReloadCommand() *cobra.Command {
	var opts reloadOptions
	cmd := &cobra.Command{
		Use:   "reload MODULE…",
		Short: "Take modules out of the running kernel, load them again, and check them",
		Long: `Unloads the modules named, with what holds them, and loads them again from the
files that modprobe would take: consumers go before providers and come after
them, soft dependencies too. With --set and no name, the modules of the set that
are loaded are meant. Parameters are those of modprobe.d and of the kernel's
command line; others keep the value they had.

What the modules are in use by is named before anything is unloaded. It is
refused, unless forced, where a network interface is up on one of them, a file
system is mounted from it or is of it, or a process holds it.

Afterwards each module has to be loaded, to be the build that its file is (an
initramfs may hold an old one), to have the devices it had, and the kernel's log
must not complain of it. Where one fails and another build was loaded before,
that one comes back, and the transaction that replaced its file is taken back.

With --set the file has to be one of the set's, else the module is skipped as
FAILED, naming the file, its owner and why the set's own is not selected.` + exitStatus(
			"every module is loaded and passed",
			"a module failed, or it was refused because of what uses it",
			"could not tell, or could not do it"),
		Example: `  modkeep reload --dry-run mlx5_core
  modkeep reload --set ./kmod-foo-1.2.rpm
  modkeep reload virtio_net --force --command 'ping -c1 192.0.2.1' --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && opts.set == "" {
				return usageErrorf(cmd, "no module named, and no --set")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return opts.run(cmd, args) },
	}
	flags := cmd.Flags()
	opts.addFlags(flags)
	flags.BoolVar(&opts.force, "force", false, "also modules that are in use")
	flags.BoolVar(&opts.dry, "dry-run", false, "print what would be done, change nothing")
	return cmd
}

func (o *reloadOptions) run(cmd *cobra.Command, names []string) error {
	l, err := o.open(cmd, !o.dry)
	if err != nil {
		return err
	}
	facts, err := l.kernel.Facts()
	if err != nil {
		return fmt.Errorf("cannot reload: %w", err)
	}
	p, err := l.node.PlanReload(node.ReloadRequest{Names: names, Set: l.set, Force: o.force}, facts)
	if err != nil {
		return fmt.Errorf("cannot reload: %w", err)
	}
	if said := cmd.ErrOrStderr(); o.dry && !o.json {
		sayReload(cmd.OutOrStdout(), said, p)
	} else {
		sayReload(said, said, p)
	}
	if len(p.Refusals) > 0 || o.dry {
		return o.planned(cmd, p)
	}
	return o.liveOptions.reload(cmd, l.node, l.kernel, p, l.checks)
}

// sayReload names users and steps before anything is done: in a dry run they are
// the answer.
func sayReload(out, errOut io.Writer, p *node.ReloadPlan) {
	for _, line := range p.Lines() {
		fmt.Fprintln(out, line)
	}
	printNotes(errOut, p.Notes)
}

// planned ends where nothing is done: after a dry run, or a refusal.
func (o *reloadOptions) planned(cmd *cobra.Command, p *node.ReloadPlan) error {
	reports := append([]node.ModuleReport{}, p.Reports...)
	if len(p.Refusals) > 0 {
		for _, s := range p.Load {
			reports = append(reports, node.ModuleReport{Name: s.Name, File: s.File, Owner: s.Owner, Reason: "not reloaded: " + strings.Join(p.Refusals, "; ")})
		}
	}
	if err := printReports(cmd.OutOrStdout(), reports, o.json); err != nil {
		return err
	}
	if len(p.Refusals) > 0 && !o.dry {
		fmt.Fprintln(cmd.ErrOrStderr(), "hint: --force reloads all the same; nothing was unloaded")
	}
	return reportsStatus(reports)
}

// reload carries a plan out and prints what came of it.
func (o *liveOptions) reload(cmd *cobra.Command, n *node.Node, live node.Live, p *node.ReloadPlan, checks node.Checks) error {
	res, err := carryOutReload(cmd, n, live, p, checks)
	if err != nil {
		return fmt.Errorf("cannot reload: %w", err)
	}
	if err := printReports(cmd.OutOrStdout(), res.Reports, o.json); err != nil {
		return err
	}
	return reportsStatus(res.Reports)
}

// carryOutReload does a reload and says what else was done. A hang-up, as when
// the network goes that a terminal is reached over, does not stop it half-way.
func carryOutReload(cmd *cobra.Command, n *node.Node, live node.Live, p *node.ReloadPlan, checks node.Checks) (*node.ReloadResult, error) {
	signals := []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE}
	signal.Ignore(signals...)
	defer signal.Reset(signals...)
	res, err := n.Reload(cmd.Context(), live, p, checks)
	if err != nil {
		return nil, err
	}
	printNotes(cmd.ErrOrStderr(), res.Notes)
	if res.Undone != nil {
		for _, rec := range res.Undone.Undone {
			fmt.Fprintf(cmd.ErrOrStderr(), "modkeep: %d (%s) is taken back\n", rec.Number, rec.Name)
		}
	}
	return res, nil
}

// printReports writes a line for each module, and below one that failed why.
func printReports(out io.Writer, reports []node.ModuleReport, asJSON bool) error {
	if asJSON {
		return writeJSON(out, liveReport{append([]node.ModuleReport{}, reports...)})
	}
	var b strings.Builder
	for _, m := range reports {
		mark := "[  OK  ]"
		if !m.OK {
			mark = "[FAILED]"
		}
		line := m.Name
		if m.File != "" {
			line += "  " + m.File
		}
		if m.Owner != "" {
			line += "  (" + m.Owner + ")"
		}
		fmt.Fprintf(&b, "%-71s %s\n", line, mark)
		for reason := range strings.SplitSeq(m.Reason, "; ") {
			if reason != "" {
				fmt.Fprintf(&b, "    %s\n", reason)
			}
		}
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("cannot write the answer: %w", err)
	}
	return nil
}

func reportsStatus(reports []node.ModuleReport) error {
	for _, m := range reports {
		if !m.OK {
			return silent(statusNo)
		}
	}
	return nil
}

func newVerifyCommand() *cobra.Command {
	var opts liveOptions
	cmd := &cobra.Command{
		Use:   "verify [MODULE…]",
		Short: "Check that the modules in the running kernel are what they should be",
		Long: `Says of modules whether each is loaded, is the build that its file is (an
initramfs may hold an old one), was not forced in, and whether the kernel's log
has an oops or a warning of it. Without a name all modules of the set are
meant, without a set the third-party modules that are loaded. Nothing is
changed, but for what a --command does.

With --set the file that modprobe would take has to be one of the set's, else
FAILED names the file, its owner and why the set's own is not selected.` + exitStatus(
			"every module passed",
			"a module failed",
			"could not tell"),
		Example: `  modkeep verify
  modkeep verify --set ./kmod-foo-1.2.rpm
  modkeep verify virtio_net --log-fail 'virtio.*timeout' --json`,
		RunE: func(cmd *cobra.Command, args []string) error { return opts.verify(cmd, args) },
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

func (o *liveOptions) verify(cmd *cobra.Command, names []string) error {
	l, err := o.open(cmd, false)
	if err != nil {
		return err
	}
	reports, err := l.node.Verify(cmd.Context(), l.kernel, node.VerifyRequest{Names: names, Set: l.set, Checks: l.checks})
	if errors.Is(err, os.ErrPermission) {
		return withHint(fmt.Errorf("cannot verify: %w", err), "the kernel's log is for root to read")
	} else if err != nil {
		return fmt.Errorf("cannot verify: %w", err)
	}
	if err := printReports(cmd.OutOrStdout(), reports, o.json); err != nil {
		return err
	}
	return reportsStatus(reports)
}
