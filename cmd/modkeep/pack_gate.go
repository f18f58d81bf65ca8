package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"modkeep/depmod"
	"modkeep/kernel"
	"modkeep/kernel/release"
	"modkeep/kmp/pack"
	"modkeep/repo"
)

// packGateOptions are the flags of pack gate.
type packGateOptions struct {
	packFlags
	kernels  []string
	blocked  []string
	manifest string
	after    []string
}

func newPackGateCommand() *cobra.Command {
	opts := &packGateOptions{}
	cmd := &cobra.Command{
		Use:   "gate [--root DIR [--kernel KREL]… | --manifest FILE | --blocked KREL=WHY…]",
		Short: "Make the package that keeps kernels back",
		Long: `Gate makes modkeep-gate, a package that conflicts with the kernels on which a
module that the policy requires would be missing. Where it is installed, dnf,
zypper and apt leave those kernels out of an update, and say so; all else is
updated. A later version of it lets a kernel through whose modules are there.

Judged are the kernels below --root, or those of them that --kernel names, by the
policy there (required: true), as "modkeep gate" does. Judged elsewhere are those
of a channel's manifest ("modkeep repo snapshot"), and those that --blocked names.

Kernels are named by kernel-uname-r in an RPM, and by linux-image-KREL in a .deb.
Kernels that are newer than all that were judged are kept back too, until a gate
comes that has judged them: else dnf and apt would rather take a new kernel than
the new gate beside it. In a .deb these can only be named by the package that
leads to the newest kernel: by what /var/lib/dpkg/status below --root says of it,
or by --after linux-image-amd64=6.1.140-1.

Block a kernel before it is published. Where one that is blocked is installed
already, dnf and apt-get upgrade keep the new gate back instead; apt-get
dist-upgrade removes the kernel, which Debian's refuse while they run.

The file /usr/share/modkeep/gate.json holds the reasons. Where dnf is told to take
the best candidates only (best=True, as Red Hat has it) it does not leave anything
out: it refuses the update, unless "modkeep hooks install" has put its plug-in
there or --nobest is given.` + exitStatus(
			"the package was written; its file is printed", "", "a kernel could not be judged, or the package not be written: nothing is left behind"),
		Example: `  modkeep pack gate --root /srv/image --form rhel9 --key key.asc -o repo
  modkeep pack gate --form rhel9 --manifest /srv/repo/latest/manifest.json -o new
  modkeep pack gate --form deb --blocked '6.1.0-56-amd64=zfs: needs a rebuild'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runPackGate(cmd, opts) },
	}
	opts.packFlags.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&opts.kernels, "kernel", nil, "judge the kernel `KREL` alone; may be repeated")
	flags.StringArrayVar(&opts.blocked, "blocked", nil, "block a kernel, as `KREL=WHY`, and judge none; may be repeated")
	flags.StringVar(&opts.manifest, "manifest", "", "judge none, and take what a channel's manifest in `FILE` says")
	flags.StringArrayVar(&opts.after, "after", nil, "block all newer than `KREL`, or than PACKAGE=VERSION (default: the newest judged); may be repeated; none blocks none")
	flags.Lookup("version").Usage = "the package is of version `V` (default: the date)"
	return cmd
}

func runPackGate(cmd *cobra.Command, opts *packGateOptions) error {
	if err := opts.decide(cmd); err != nil {
		return err
	}
	if opts.product.Version == "" {
		opts.product.Version = opts.product.Date.UTC().Format("20060102.150405")
	}
	blocked, err := opts.judge(cmd)
	if err != nil {
		return err
	}
	after, err := opts.bounds(cmd, blocked)
	if err != nil {
		return err
	}
	b, err := pack.Gate(opts.product, blocked, after)
	if err != nil {
		return fmt.Errorf("cannot make the package: %w", err)
	}
	for _, k := range blocked {
		for _, why := range k.Why {
			fmt.Fprintf(cmd.ErrOrStderr(), "modkeep: keeps %s back: %s\n", k.Kernel, why)
		}
	}
	return opts.finish(cmd, []pack.Built{b}, nil)
}

// judge returns the kernels to be kept back.
func (o *packGateOptions) judge(cmd *cobra.Command) ([]pack.Blocked, error) {
	switch {
	case len(o.blocked) > 0 || o.manifest != "":
		if len(o.kernels) > 0 || len(o.blocked) > 0 && o.manifest != "" {
			return nil, usageErrorf(cmd, "--kernel judges kernels; --blocked and --manifest, of which one is taken, say that they are")
		}
		if o.manifest != "" {
			return o.fromManifest()
		}
		return o.named(cmd)
	}
	if len(o.kernels) == 0 {
		var err error
		if o.kernels, err = kernel.List(o.root); err != nil {
			return nil, fmt.Errorf("cannot list the kernels below %s: %w", o.root, err)
		}
		if len(o.kernels) == 0 {
			return nil, withHint(fmt.Errorf("cannot judge kernels: %s has no module directory below lib/modules", o.root), "name the tree that has kernels with --root DIR, or kernels with --blocked")
		}
	}
	n, err := openNode(o.root, nodeOptions(cmd, o.root))
	if err != nil {
		return nil, err
	}
	var list []pack.Blocked
	for _, krel := range o.kernels {
		g, err := n.Gate(krel)
		if err != nil {
			return nil, fmt.Errorf("cannot judge %w", err)
		}
		if len(g.Unknown) > 0 {
			return nil, fmt.Errorf("cannot judge kernel %s: %s", krel, strings.Join(g.Unknown, "; "))
		}
		if g.Boot {
			continue
		}
		b := pack.Blocked{Kernel: krel}
		for _, s := range g.Missing {
			b.Why = append(b.Why, fmt.Sprintf("%s: %s: %s", s.Name, s.State, s.Reason))
		}
		list = append(list, b)
	}
	return list, nil
}

func (o *packGateOptions) named(cmd *cobra.Command) ([]pack.Blocked, error) {
	var list []pack.Blocked
	for _, text := range o.blocked {
		krel, why, ok := strings.Cut(text, "=")
		if !ok || why == "" {
			return nil, usageErrorf(cmd, "--blocked %q is not KREL=WHY", text)
		}
		i := slices.IndexFunc(list, func(b pack.Blocked) bool { return b.Kernel == krel })
		if i < 0 {
			list = append(list, pack.Blocked{Kernel: krel})
			i = len(list) - 1
		}
		list[i].Why = append(list[i].Why, why)
	}
	return list, nil
}

// fromManifest returns the kernels that a channel's manifest has as not ready.
func (o *packGateOptions) fromManifest() ([]pack.Blocked, error) {
	m, err := repo.ReadManifest(o.manifest, nil, time.Time{})
	if err != nil {
		return nil, fmt.Errorf("cannot read the manifest: %w", err)
	}
	if len(m.Kernels) == 0 {
		return nil, withHint(fmt.Errorf("cannot tell the kernels: %s judges none", o.manifest), "make a snapshot that does, with 'modkeep repo snapshot --root DIR'")
	}
	var list []pack.Blocked
	for _, k := range m.Kernels {
		o.kernels = append(o.kernels, k.Release)
		if k.Ready {
			continue
		}
		b := pack.Blocked{Kernel: k.Release}
		for _, mod := range k.Modules {
			if mod.Required && mod.Decision == repo.Blocked {
				b.Why = append(b.Why, mod.Name+": "+mod.Reason)
			}
		}
		list = append(list, b)
	}
	return list, nil
}

// bounds says beyond what kernels were not judged.
func (o *packGateOptions) bounds(cmd *cobra.Command, blocked []pack.Blocked) ([]pack.Bound, error) {
	var list []pack.Bound
	for _, text := range o.after {
		name, version, ok := strings.Cut(text, "=")
		switch {
		case text == "none" && len(o.after) == 1:
			return nil, nil
		case !ok && o.product.Form != pack.Deb:
			name, version = "kernel-uname-r", text
		case !ok || name == "" || version == "":
			return nil, usageErrorf(cmd, "--after %q is not PACKAGE=VERSION, which the form deb wants: each of its kernels has a name of its own", text)
		}
		list = append(list, pack.Bound{Package: name, Version: version})
	}
	if len(list) > 0 {
		return list, nil
	}
	known := slices.Clone(o.kernels)
	for _, b := range blocked {
		known = append(known, b.Kernel)
	}
	if o.product.Form != pack.Deb {
		newest := slices.MaxFunc(known, release.Compare)
		return []pack.Bound{{Package: "kernel-uname-r", Version: newest}}, nil
	}
	list, err := leadingPackages(o.root, known)
	if err == nil && len(list) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "modkeep: newer kernels are not kept back: no package is known that leads to them (--after linux-image-amd64=VERSION)")
	}
	return list, err
}

// maxStatus bounds dpkg's status file, in bytes.
const maxStatus = 256 << 20

// leadingPackages returns the packages below a root that depend on the image of
// one of the kernels, and their versions, by dpkg's status file. None is there
// on other systems.
func leadingPackages(root string, krels []string) ([]pack.Bound, error) {
	text, err := depmod.ReadFile(root, "var/lib/dpkg/status", maxStatus)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot tell which packages lead to kernels: %w", err)
	}
	var list []pack.Bound
	for stanza := range strings.SplitSeq(string(text), "\n\n") {
		fields := map[string]string{}
		for line := range strings.Lines(stanza) {
			if key, value, ok := strings.Cut(line, ":"); ok && line[0] != ' ' {
				fields[key] = strings.TrimSpace(value)
			}
		}
		leads := func(krel string) bool {
			return slices.ContainsFunc(strings.Split(fields["Depends"], ","), func(d string) bool {
				words := strings.Fields(d)
				return len(words) > 0 && words[0] == "linux-image-"+krel
			})
		}
		if strings.HasPrefix(fields["Package"], "linux-") && strings.HasSuffix(fields["Status"], " installed") && slices.ContainsFunc(krels, leads) {
			list = append(list, pack.Bound{Package: fields["Package"], Version: fields["Version"]})
		}
	}
	return list, nil
}
