package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"modkeep/repo"
)

// bundleOptions are the flags of modkeep bundle.
type bundleOptions struct {
	output  string
	from    string
	logs    []string
	distros []string
	pgpFlags
	unsigned bool
}

func newBundleCommand() *cobra.Command {
	var opts bundleOptions
	cmd := &cobra.Command{
		Use:   "bundle DIR --output FILE.tgz",
		Short: "Pack a repository for machines without a network",
		Long: `Bundle writes one snapshot of a repository, the newest or the one that --from
names, into a .tgz: the repository with its manifest, its key, logs, and the script
install, which needs nothing but the distribution's own dnf, yum, zypper or apt-get:

    tar xzf FILE.tgz && NAME-N/install --kernel KREL

It verifies the bundle, refuses another distribution (--skip-distro-check) and a
kernel that a required module cannot follow (--force), and writes a log. The same
snapshot, options and --date give the same bytes.` + exitStatus("written", "", "could not be written: FILE.tgz is as it was"),
		Example: `  modkeep bundle /srv/repo --from stable --key signing.asc --distro rhel9 --output site.tgz`,
		Args:    atMost(0),
		RunE:    func(cmd *cobra.Command, args []string) error { return opts.run(cmd, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&opts.output, "output", "o", "", "write to `FILE.tgz`")
	flags.StringVar(&opts.from, "from", repo.Latest, "the `SNAPSHOT`: a number, or a channel that points to it")
	flags.StringArrayVar(&opts.logs, "log", nil, "put `FILE` into log/; may be repeated")
	flags.StringArrayVar(&opts.distros, "distro", nil, "made for `DISTRO`, ID and VERSION_ID of /etc/os-release: rhel9, debian12; may be repeated (default: any with these packages)")
	opts.addFlags(flags, "the signature's")
	flags.BoolVar(&opts.unsigned, "unsigned", false, "do not sign the list of digests")
	return cmd
}

func (o *bundleOptions) run(cmd *cobra.Command, dir string) error {
	if o.output == "" {
		return usageErrorf(cmd, "no --output FILE.tgz")
	}
	if (o.key == "") != o.unsigned {
		return usageErrorf(cmd, "either --key FILE or --unsigned is needed")
	}
	b := repo.Bundle{Distros: o.distros, Logs: map[string][]byte{}}
	for _, path := range o.logs {
		data, err := readLimited(path, maxBuildLog)
		if err != nil {
			return fmt.Errorf("cannot read the log: %w", err)
		}
		name := filepath.Base(path)
		if _, twice := b.Logs[name]; twice {
			return usageErrorf(cmd, "two logs %s", name)
		}
		b.Logs[name] = data
	}
	var err error
	if b.Date, err = dateOf(o.date); err != nil {
		return usageErrorf(cmd, "%w", err)
	}
	if o.key != "" {
		if b.Key, err = readSigningKey(o.key, o.passphrase); err != nil {
			return err
		}
	}
	r, err := openRepo(dir)
	if err != nil {
		return err
	}
	n, err := r.Resolve(o.from)
	if err == nil {
		err = writeAside(o.output, func(w io.Writer) error { return r.WriteBundle(w, n, b) })
	}
	if err != nil {
		return fmt.Errorf("cannot write the bundle: %w", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Created %s\n", o.output)
	return nil
}
