package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"modkeep/pgp"
	"modkeep/repo"
)

func newRepoPromoteCommand() *cobra.Command {
	var from string
	var force bool
	cmd := &cobra.Command{
		Use:   "promote DIR CHANNEL",
		Short: "Make a channel point to a snapshot",
		Long: `Promote makes DIR/CHANNEL point to a snapshot, the newest or the one that --from
names, by one rename. To roll back, name an older one; machines with apt stay with
what is newer, though, until a snapshot is made of it ('repo snapshot --from'). Where the snapshot's manifest
says of a kernel that a required module cannot follow it, the channel stays where it
is; so it does where the manifest says nothing of kernels, and that of the snapshot
that the channel points to does.` + exitStatus("the channel points to it", "a kernel is not ready, or was not judged: nothing was changed", "no such snapshot, or it could not be done"),
		Example: `  modkeep repo promote /srv/repo stable
  modkeep repo promote /srv/repo stable --from 41`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := atLeast(1, "channel")(cmd, args); err != nil {
				return err
			}
			return atMost(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRepoPromote(cmd, args[0], args[1], from, force)
		},
	}
	cmd.Flags().StringVar(&from, "from", repo.Latest, "the `SNAPSHOT`: a number, or a channel that points to it")
	cmd.Flags().BoolVar(&force, "force", false, "promote it even if a kernel is not ready, or not judged")
	return cmd
}

func runRepoPromote(cmd *cobra.Command, dir, channel, from string, force bool) error {
	r, err := openRepo(dir)
	if err != nil {
		return err
	}
	n, err := r.Resolve(from)
	if err != nil {
		return fmt.Errorf("cannot promote: %w", err)
	}
	m, err := r.Manifest(n)
	if err != nil {
		return fmt.Errorf("cannot promote: %w", err)
	}
	if unjudged := lesser(r, m, channel); unjudged != nil && !force {
		complain(cmd.ErrOrStderr(), unjudged)
		return silent(statusNo)
	}
	if wanting := m.NotReady(); len(wanting) > 0 && !force {
		for _, k := range m.Kernels {
			if !k.Ready {
				printKernel(cmd.OutOrStdout(), k)
			}
		}
		complain(cmd.ErrOrStderr(), withHint(fmt.Errorf("cannot promote snapshot %d: a required module cannot follow %s", n, strings.Join(wanting, ", ")),
			"add packages for it, or promote it all the same with --force"))
		return silent(statusNo)
	}
	if err := r.Promote(n, channel); err != nil {
		return fmt.Errorf("cannot promote: %w", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s points to snapshot %d\n", dir, channel, n)
	return nil
}

// lesser says that a manifest is silent on kernels, where that of the snapshot which
// a channel points to speaks of them.
func lesser(r *repo.Repo, m *repo.Manifest, channel string) error {
	if len(m.Kernels) > 0 {
		return nil
	}
	n, err := r.Resolve(channel)
	if err != nil {
		return nil // there is no such channel yet
	}
	if now, err := r.Manifest(n); err != nil || len(now.Kernels) == 0 {
		return nil // from a damaged snapshot any way is a good one
	}
	return withHint(fmt.Errorf("cannot promote snapshot %d: it says nothing of kernels, and %d, to which %s points, does", m.Snapshot, n, channel),
		"make one that does with 'modkeep repo snapshot --root DIR', or promote it all the same with --force")
}

func newRepoGCCommand() *cobra.Command {
	var keep int
	var dry, asJSON bool
	cmd := &cobra.Command{
		Use:   "gc DIR",
		Short: "Remove old snapshots and what they alone need",
		Long: `Gc removes the snapshots that no channel points to, but for the newest ones that
the repository keeps, and then packages and indexes that no snapshot names. Clients
that still read one of them would fail, so do not run it within minutes of a
promotion.` + exitStatus("removed", "", "could not be done"),
		Example: `  modkeep repo gc /srv/repo --dry-run`,
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			if keep < 0 || cmd.Flags().Changed("keep") && keep == 0 {
				return usageErrorf(cmd, "--keep %d: at least one snapshot is kept", keep)
			}
			return runRepoGC(cmd, args[0], keep, dry, asJSON)
		},
	}
	cmd.Flags().IntVar(&keep, "keep", 0, "leave the newest `N` snapshots (default: as the repository was made)")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would be removed and change nothing")
	addJSONFlag(cmd.Flags(), &asJSON)
	return cmd
}

func runRepoGC(cmd *cobra.Command, dir string, keep int, dry, asJSON bool) error {
	r, err := openRepo(dir)
	if err != nil {
		return err
	}
	c, err := r.Collect(keep, dry)
	if err != nil {
		return fmt.Errorf("cannot collect: %w", err)
	}
	if asJSON {
		return writeJSON(cmd.OutOrStdout(), c)
	}
	for _, name := range c.Removed {
		fmt.Fprintf(cmd.OutOrStdout(), "remove    %s\n", name)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d removed, %d bytes\n", len(c.Removed), c.Bytes)
	return nil
}

func newRepoVerifyCommand() *cobra.Command {
	var key string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify DIR [SNAPSHOT|CHANNEL]",
		Short: "Check a repository's signatures and digests",
		Long: `Verify reads everything that a snapshot, or every snapshot, names: signatures,
the digests of metadata and packages, and whether dnf's and apt's metadata list what
the manifest does. It changes nothing. Signatures are held against the keys of
--key; without it against the key beside them, which finds damage, but not what
somebody else signed.` + exitStatus("all is well", "something is damaged, missing or not signed by that key", "could not tell"),
		Example: `  modkeep repo verify /srv/repo --key site.asc stable`,
		Args:    atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRepoVerify(cmd, args[0], args[1:], key, asJSON)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "believe the OpenPGP public keys in `FILE` and no others")
	addJSONFlag(cmd.Flags(), &asJSON)
	return cmd
}

func runRepoVerify(cmd *cobra.Command, dir string, which []string, key string, asJSON bool) error {
	r, err := openRepo(dir)
	if err != nil {
		return err
	}
	var ring *pgp.Ring
	if key != "" {
		if ring, err = readTrustedKeys(key); err != nil {
			return err
		}
	}
	var numbers []int
	for _, text := range which {
		n, err := r.Resolve(text)
		if err != nil {
			return fmt.Errorf("cannot verify: %w", err)
		}
		numbers = append(numbers, n)
	}
	report, err := r.Verify(ring, time.Now(), numbers...)
	if err != nil {
		return fmt.Errorf("cannot verify: %w", err)
	}
	if err := printRepoReport(cmd, dir, report, asJSON); err != nil {
		return err
	}
	if len(report.Problems) > 0 {
		return silent(statusNo)
	}
	return nil
}

func printRepoReport(cmd *cobra.Command, dir string, report *repo.Report, asJSON bool) error {
	if asJSON {
		return writeJSON(cmd.OutOrStdout(), report)
	}
	for _, p := range report.Problems {
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", p.Path, p.Text)
	}
	signed := "nothing signed"
	if len(report.Signed) > 0 {
		signed = "signed with " + strings.Join(report.Signed, ", ")
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %d snapshots, %d packages, %s: %d problems\n", dir, len(report.Snapshots), report.Packages, signed, len(report.Problems))
	return nil
}

func newRepoListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list DIR [SNAPSHOT|CHANNEL]",
		Short: "List the snapshots, or the packages of one",
		Long: `List prints the snapshots of a repository and the channels that point to them; of one
snapshot its packages and what becomes of the modules on each kernel, as its manifest
says.` + exitStatus("listed", "", "could not be read"),
		Example: `  modkeep repo list /srv/repo
  modkeep repo list /srv/repo stable --json`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runRepoList(cmd, args[0], args[1:], asJSON) },
	}
	addJSONFlag(cmd.Flags(), &asJSON)
	return cmd
}

func runRepoList(cmd *cobra.Command, dir string, which []string, asJSON bool) error {
	r, err := openRepo(dir)
	if err != nil {
		return err
	}
	if len(which) > 0 {
		return listSnapshot(cmd, r, which[0], asJSON)
	}
	list, err := r.List()
	if err != nil {
		return fmt.Errorf("cannot list the snapshots: %w", err)
	}
	if asJSON {
		return writeJSON(cmd.OutOrStdout(), list)
	}
	for _, s := range list {
		fmt.Fprintf(cmd.OutOrStdout(), "%4d  %s  %5d packages  %s\n", s.Snapshot, s.Date.Format(time.DateTime), s.Packages, strings.Join(s.Channels, " "))
	}
	return nil
}

func listSnapshot(cmd *cobra.Command, r *repo.Repo, which string, asJSON bool) error {
	n, err := r.Resolve(which)
	if err != nil {
		return fmt.Errorf("cannot list: %w", err)
	}
	m, err := r.Manifest(n)
	if err != nil {
		return fmt.Errorf("cannot list: %w", err)
	}
	if asJSON {
		return writeJSON(cmd.OutOrStdout(), m)
	}
	for _, p := range m.Packages {
		fmt.Fprintf(cmd.OutOrStdout(), "%s  %s  %s  %s\n", p.Name, p.EVR(), p.Arch, p.File)
	}
	for _, k := range m.Kernels {
		printKernel(cmd.OutOrStdout(), k)
	}
	return nil
}
