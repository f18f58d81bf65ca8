package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"modkeep/depmod"
	"modkeep/kernel"
	"modkeep/policy"
	"modkeep/repo"
	"modkeep/repo/channel"
)

// repoSnapshotOptions are the flags of modkeep repo snapshot.
type repoSnapshotOptions struct {
	publishOptions
	root    string
	kernels []string
	policy  string
	built   string
}

func newRepoSnapshotCommand() *cobra.Command {
	var opts repoSnapshotOptions
	cmd := &cobra.Command{
		Use:   "snapshot DIR",
		Short: "Publish the packages again, with a manifest for kernels",
		Long: `Snapshot makes a snapshot of the last one's packages. With --root its manifest
says for each kernel below the root, or those that --kernel names, of each module
whether it was rebuilt for it, an older build can be linked, or it is blocked, and
why; which must not be missing the root's policy says, or --policy. With --build
the answer of 'modkeep build --json' gives the causes of failed builds.

A snapshot that adds or removes packages says nothing of kernels.` + exitStatus("made", "made; a required module cannot follow a kernel", "could not be made: nothing was changed"),
		Example: `  modkeep repo snapshot /srv/repo --key signing.asc --root / --kernel 6.1.0-56-amd64`,
		Args:    atMost(0),
		RunE:    func(cmd *cobra.Command, args []string) error { return opts.run(cmd, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.root, "root", "", "judge for the kernels below `DIR`")
	flags.StringArrayVar(&opts.kernels, "kernel", nil, "judge for kernel release `KREL` only; may be repeated")
	flags.StringVar(&opts.policy, "policy", "", "the policy in `FILE`, not the root's")
	flags.StringVar(&opts.built, "build", "", "what 'modkeep build --json' wrote to `FILE`")
	opts.addFlags(flags, false)
	return cmd
}

func (o *repoSnapshotOptions) run(cmd *cobra.Command, dir string) error {
	if o.root == "" && (len(o.kernels) > 0 || o.policy != "" || o.built != "") {
		return usageErrorf(cmd, "--kernel, --policy and --build want --root DIR")
	}
	var made *repo.Manifest
	err := o.change(cmd, dir, func(r *repo.Repo, pub repo.Publish) (m *repo.Manifest, err error) {
		if o.root != "" {
			if pub.Base, pub.Kernels, err = o.judge(r); err != nil {
				return nil, err
			}
		}
		made, err = r.Snapshot(pub)
		return made, err
	})
	if err == nil && len(made.NotReady()) > 0 {
		return silent(statusNo)
	}
	return err
}

// judge says what becomes of the modules of the last snapshot.
func (o *repoSnapshotOptions) judge(r *repo.Repo) (base int, kernels []repo.Kernel, err error) {
	if base, err = r.Resolve(repo.Latest); err != nil {
		return 0, nil, err
	}
	m, err := r.Manifest(base)
	if err != nil {
		return 0, nil, err
	}
	var opts channel.Options
	if opts.Policy, err = o.readPolicy(); err != nil {
		return 0, nil, err
	}
	if opts.Built, err = readCells(o.built); err != nil {
		return 0, nil, err
	}
	krels := o.kernels
	if len(krels) == 0 {
		if krels, err = kernel.List(o.root); err != nil {
			return 0, nil, err
		}
	}
	var list []*kernel.Kernel
	for _, krel := range krels {
		k, err := kernel.Open(o.root, krel, kernel.Options{})
		if err != nil {
			return 0, nil, (&target{root: o.root}).absent(krel, err)
		}
		defer k.Close()
		list = append(list, k)
	}
	kernels, err = channel.Judge(m.Packages, r.Path, list, opts)
	return base, kernels, err
}

func (o *repoSnapshotOptions) readPolicy() (*policy.Policy, error) {
	if o.policy != "" {
		return policy.Load(o.policy)
	}
	real, err := depmod.Resolve(o.root, policy.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return policy.Default(), nil
	}
	if err != nil {
		return nil, err
	}
	return policy.Load(filepath.Join(o.root, real))
}

// readCells reads what modkeep build --json wrote.
func readCells(path string) ([]channel.Cell, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var report struct {
		Cells []channel.Cell `json:"cells"`
	}
	if err := json.Unmarshal(data, &report); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return report.Cells, nil
}

// printKernel prints what a manifest says of a kernel.
func printKernel(out io.Writer, k repo.Kernel) {
	ready := "ready"
	if !k.Ready {
		ready = "not ready: a required module is blocked"
	}
	fmt.Fprintf(out, "%s  %s  %s\n", k.Release, k.Arch, ready)
	for _, m := range k.Modules {
		required := ""
		if m.Required {
			required = ", required"
		}
		fmt.Fprintf(out, "  %-8s  %s%s: %s\n", m.Decision, m.Name, required, m.Reason)
	}
}
