package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"modkeep/repo"
)

func newRepoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "repo",
		Short: "Keep a package repository that dnf and apt install from",
		Long: `Repo keeps a repository of .rpm and .deb packages in a directory. It holds no
absolute path: copied, moved or mounted elsewhere it still works. Every change
makes a new numbered snapshot, with metadata for dnf (yum, zypper) and apt and a
manifest, all signed with an OpenPGP key; one rename then makes 'latest' point to
it. Killed at any moment, the old snapshot or the new one is what clients see.
Clients are given a channel: DIR/latest, or DIR/stable, which 'repo promote'
moves.` + exitStatus("done", "", "could not be done: nothing was changed"),
		Example: `  modkeep repo create /srv/repo --name site --key signing.asc rpms/
  modkeep repo add /srv/repo --key signing.asc kmod-foo-1.2-1.x86_64.rpm
  modkeep repo promote /srv/repo stable`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf(cmd, "no action: create, add, remove, snapshot, promote, gc, verify or list")
			}
			return usageErrorf(cmd, "unknown action %q", args[0])
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	cmd.AddCommand(newRepoCreateCommand(), newRepoAddCommand(), newRepoRemoveCommand(), newRepoSnapshotCommand(),
		newRepoPromoteCommand(), newRepoGCCommand(), newRepoVerifyCommand(), newRepoListCommand())
	return cmd
}

// atLeast wants the directory of a repository and at least n further arguments,
// which what names.
func atLeast(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return usageErrorf(cmd, "no directory of a repository")
		case len(args) < n+1:
			return usageErrorf(cmd, "no %s", what)
		}
		return nil
	}
}

// atMost wants the directory of a repository and at most n further arguments.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n+1 {
			return usageErrorf(cmd, "unexpected argument %q", args[n+1])
		}
		return atLeast(0, "")(cmd, args)
	}
}

// openRepo opens the repository in dir.
func openRepo(dir string) (*repo.Repo, error) {
	r, err := repo.Open(dir)
	if err != nil {
		err = fmt.Errorf("cannot open the repository: %w", err)
	}
	if errors.Is(err, repo.ErrNotRepo) {
		return nil, withHint(err, "make one with 'modkeep repo create %s'", dir)
	}
	return r, err
}

// publishOptions are the flags of what makes a snapshot.
type publishOptions struct {
	pgpFlags
	judgeFlags
	unsigned   bool
	replaceKey bool
	json       bool
}

func (o *publishOptions) addFlags(flags *pflag.FlagSet, create bool) {
	o.pgpFlags.addFlags(flags, "the snapshot's")
	o.judgeFlags.addFlags(flags)
	flags.BoolVar(&o.unsigned, "unsigned", false, "sign nothing")
	if !create {
		flags.BoolVar(&o.replaceKey, "replace-key", false, "sign with another key than the last snapshot; clients need it before")
	}
	addJSONFlag(flags, &o.json)
}

// publish reads the key, the date, and what kernels are to be judged by.
func (o *publishOptions) publish(cmd *cobra.Command) (repo.Publish, error) {
	pub := repo.Publish{ReplaceKey: o.replaceKey}
	if (o.key == "") != o.unsigned {
		return pub, usageErrorf(cmd, "either --key FILE or --unsigned is needed")
	}
	if o.root != "" {
		pub.Judge = o.judge
	} else if len(o.kernels) > 0 || o.policy != "" || o.built != "" {
		return pub, usageErrorf(cmd, "--kernel, --policy and --build want --root DIR")
	}
	var err error
	if pub.Date, err = dateOf(o.date); err != nil {
		return pub, usageErrorf(cmd, "%w", err)
	}
	if o.key != "" {
		pub.Key, err = readSigningKey(o.key, o.passphrase)
	}
	return pub, err
}

// published prints the snapshot that was made. Where a kernel is not ready that is
// the status.
func (o *publishOptions) published(cmd *cobra.Command, dir string, m *repo.Manifest) error {
	var status error
	if len(m.NotReady()) > 0 {
		status = silent(statusNo)
	}
	if o.json {
		return cmp.Or(writeJSON(cmd.OutOrStdout(), m), status)
	}
	signed := "not signed"
	if m.Key != "" {
		signed = "signed with " + m.Key
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: snapshot %d, %d packages, %s\n", dir, m.Snapshot, len(m.Packages), signed)
	for _, k := range m.Kernels {
		printKernel(cmd.OutOrStdout(), k)
	}
	return status
}

// changeHint adds to an error of a change what may put it right.
func changeHint(err error) error {
	switch {
	case errors.Is(err, repo.ErrKey):
		return withHint(err, "sign with that key; with --replace-key the repository goes on with another")
	case errors.Is(err, repo.ErrExists):
		return withHint(err, "add to it with 'modkeep repo add'")
	case errors.Is(err, repo.ErrDamaged):
		return withHint(err, "get the package again")
	}
	return err
}
