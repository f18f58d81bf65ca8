package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"modkeep/repo"
)

// repoCreateOptions are the flags of modkeep repo create.
type repoCreateOptions struct {
	publishOptions
	settings    repo.Settings
	compression string
}

func newRepoCreateCommand() *cobra.Command {
	var opts repoCreateOptions
	cmd := &cobra.Command{
		Use:   "create DIR [PACKAGE|DIRECTORY]...",
		Short: "Make a repository",
		Long: `Create makes a repository in DIR, which must not be there or be empty, with the
packages named: files, and of directories all *.rpm and *.deb anywhere below. They
are copied to DIR/pool under their canonical names, but for those that lie there
already. dnf takes DIR/latest for its
baseurl, apt 'deb [signed-by=DIR/latest/key.asc] file:DIR/latest SUITE main'.` + judgeText + exitStatus("made", judgedNo, "could not be made: nothing is left of it"),
		Example: `  modkeep repo create /srv/repo --name site --key signing.asc rpms/ debs/`,
		Args:    atLeast(0, ""),
		RunE:    func(cmd *cobra.Command, args []string) error { return opts.run(cmd, args[0], args[1:]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.settings.Name, "name", "modkeep", "what clients see as its origin: `NAME`")
	flags.StringVar(&opts.settings.Suite, "suite", "modkeep", "apt's name for it: `SUITE`")
	flags.IntVar(&opts.settings.Keep, "keep", 5, "'repo gc' leaves the newest `N` snapshots, and those that channels point to")
	flags.StringVar(&opts.compression, "compression", "gzip", "pack dnf's metadata with `METHOD` gzip or zstd (dnf 4.4 and later)")
	opts.addFlags(flags, true)
	return cmd
}

func (o *repoCreateOptions) run(cmd *cobra.Command, dir string, paths []string) error {
	pub, err := o.publish(cmd)
	if err != nil {
		return err
	}
	o.settings.Compression = repo.Compression(o.compression)
	_, m, err := repo.Create(dir, o.settings, paths, pub)
	if err != nil {
		return fmt.Errorf("cannot create the repository: %w", changeHint(err))
	}
	return o.published(cmd, dir, m)
}

func newRepoAddCommand() *cobra.Command {
	var opts publishOptions
	cmd := &cobra.Command{
		Use:   "add DIR PACKAGE|DIRECTORY...",
		Short: "Add packages",
		Long: `Add makes a snapshot with the packages of the last one and those named: files,
and of directories all *.rpm and *.deb anywhere below. Only the new ones are read.
A damaged package, and one of which there is another build under the same name and
version, is refused, and with it the whole change.` + judgeText + exitStatus("added", judgedNo, "could not be added: nothing was changed"),
		Example: `  modkeep repo add /srv/repo --key signing.asc kmod-foo-1.2-1.x86_64.rpm`,
		Args:    atLeast(1, "package to add"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return opts.change(cmd, args[0], func(r *repo.Repo, pub repo.Publish) (*repo.Manifest, error) { return r.Add(args[1:], pub) })
		},
	}
	opts.addFlags(cmd.Flags(), false)
	return cmd
}

func newRepoRemoveCommand() *cobra.Command {
	var opts publishOptions
	cmd := &cobra.Command{
		Use:   "remove DIR NAME...",
		Short: "Leave packages out of the next snapshot",
		Long: `Remove makes a snapshot without the packages named: NAME, NAME-VERSION-RELEASE,
either with .ARCH, NAME=VERSION, or the name of the file; the epoch may be left out.
Older snapshots keep them; 'repo gc' removes what no snapshot has.` + judgeText + exitStatus("removed", judgedNo, "no such package, or it could not be done: nothing was changed"),
		Example: `  modkeep repo remove /srv/repo --key signing.asc kmod-foo-1.1-1`,
		Args:    atLeast(1, "package to remove"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return opts.change(cmd, args[0], func(r *repo.Repo, pub repo.Publish) (*repo.Manifest, error) { return r.Remove(args[1:], pub) })
		},
	}
	opts.addFlags(cmd.Flags(), false)
	return cmd
}

// change opens a repository and makes a snapshot.
func (o *publishOptions) change(cmd *cobra.Command, dir string, change func(*repo.Repo, repo.Publish) (*repo.Manifest, error)) error {
	pub, err := o.publish(cmd)
	if err != nil {
		return err
	}
	r, err := openRepo(dir)
	if err != nil {
		return err
	}
	m, err := change(r, pub)
	if err != nil {
		return fmt.Errorf("cannot change the repository: %w", changeHint(err))
	}
	return o.published(cmd, dir, m)
}
