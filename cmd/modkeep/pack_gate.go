package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"modkeep/kernel"
	"modkeep/kmp/pack"
)

// packGateOptions are the flags of pack gate.
type packGateOptions struct {
	packFlags
	kernels []string
	blocked []string
	after   string
}

func newPackGateCommand() *cobra.Command {
	opts := &packGateOptions{}
	cmd := &cobra.Command{
		Use:   "gate [--root DIR [--kernel KREL]… | --blocked KREL=WHY…]",
		Short: "Make the package that keeps kernels back",
		Long: `Gate makes modkeep-gate, a package that conflicts with the kernels on which a
module that the policy requires would be missing. Where it is installed, dnf,
zypper and apt leave those kernels out of an update, and say so; all else is
updated. A later version of it lets a kernel through whose modules are there.

Judged are the kernels below --root, or those of them that --kernel names, by the
policy there (required: true), as "modkeep gate" does. --blocked names kernels
that were judged elsewhere instead.

Kernels are named by kernel-uname-r in an RPM, and by linux-image-KREL in a .deb.
--after blocks all kernels newer than one, which only RPM can say. The file
/usr/share/modkeep/gate.json holds the reasons.` + exitStatus(
			"the package was written; its file is printed", "", "a kernel could not be judged, or the package not be written: nothing is left behind"),
		Example: `  modkeep pack gate --root /srv/image --form rhel9 --gpg-key key.asc -o repo
  modkeep pack gate --form deb --blocked '6.1.0-56-amd64=zfs: needs a rebuild'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runPackGate(cmd, opts) },
	}
	opts.packFlags.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&opts.kernels, "kernel", nil, "judge the kernel `KREL` alone; may be repeated")
	flags.StringArrayVar(&opts.blocked, "blocked", nil, "block a kernel, as `KREL=WHY`, and judge none; may be repeated")
	flags.StringVar(&opts.after, "after", "", "block all kernels newer than `KREL` too (RPM)")
	flags.Lookup("version").Usage = "the package is of version `V` (default: the date)"
	return cmd
}

func runPackGate(cmd *cobra.Command, opts *packGateOptions) error {
	if err := opts.decide(cmd); err != nil {
		return err
	}
	if opts.product.Version == "" {
		date, err := opts.time(cmd)
		if err != nil {
			return err
		}
		opts.product.Version = date.Format("20060102.150405")
	}
	blocked, err := opts.judge(cmd)
	if err != nil {
		return err
	}
	b, err := pack.Gate(opts.product, blocked, opts.after)
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
	if len(o.blocked) > 0 {
		return o.named(cmd)
	}
	krels := o.kernels
	if len(krels) == 0 {
		var err error
		if krels, err = kernel.List(o.root); err != nil {
			return nil, fmt.Errorf("cannot list the kernels below %s: %w", o.root, err)
		}
		if len(krels) == 0 {
			return nil, withHint(fmt.Errorf("cannot judge kernels: %s has no module directory below lib/modules", o.root), "name the tree that has kernels with --root DIR, or kernels with --blocked")
		}
	}
	n, err := openNode(o.root, nodeOptions(cmd, o.root))
	if err != nil {
		return nil, err
	}
	var list []pack.Blocked
	for _, krel := range krels {
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
	if len(o.kernels) > 0 {
		return nil, usageErrorf(cmd, "--kernel judges kernels, and --blocked says that they are")
	}
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
