package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"modkeep/depmod"
	"modkeep/kernel"
	"modkeep/policy"
	"modkeep/repo"
	"modkeep/repo/channel"
)

// judgeFlags name the kernels that a snapshot's manifest speaks of.
type judgeFlags struct {
	root    string
	kernels []string
	policy  string
	built   string
}

func (f *judgeFlags) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.root, "root", "", "judge the modules for the kernels below `DIR`")
	flags.StringArrayVar(&f.kernels, "kernel", nil, "judge for kernel release `KREL` only; may be repeated")
	flags.StringVar(&f.policy, "policy", "", "the policy in `FILE`, not the root's")
	flags.StringVar(&f.built, "build", "", "what 'modkeep build --json' wrote to `FILE`")
}

// judgeText says in a command's help what these flags are for.
const judgeText = `

With --root the manifest says for each kernel below the root, or those that --kernel
names, of each module whether it was rebuilt for it, an older build can be linked, or
it is blocked, and why; which must not be missing the root's policy says, or --policy.
With --build the answer of 'modkeep build --json' gives the causes of failed builds.
Without --root it says nothing of kernels.`

func newRepoSnapshotCommand() *cobra.Command {
	var opts publishOptions
	var from string
	cmd := &cobra.Command{
		Use:   "snapshot DIR",
		Short: "Publish the packages again, with a manifest for kernels",
		Long: `Snapshot makes a snapshot of the packages of the last one, or of the one that --from
names: a way back that apt takes, too.` + judgeText + exitStatus("made", judgedNo, "could not be made: nothing was changed"),
		Example: `  modkeep repo snapshot /srv/repo --key signing.asc --root / --kernel 6.1.0-56-amd64`,
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			return opts.change(cmd, args[0], func(r *repo.Repo, pub repo.Publish) (*repo.Manifest, error) {
				n, err := r.Resolve(from)
				if err != nil {
					return nil, err
				}
				return r.Snapshot(n, pub)
			})
		},
	}
	cmd.Flags().StringVar(&from, "from", repo.Latest, "the packages of the `SNAPSHOT`: a number, or a channel that points to it")
	opts.addFlags(cmd.Flags(), false)
	return cmd
}

// judgedNo is what status 1 of a change means.
const judgedNo = "done, but a required module cannot follow a kernel that was judged"

// judge says what becomes of the modules of a snapshot.
func (f judgeFlags) judge(packages []repo.Package, path func(repo.Package) string) ([]repo.Kernel, error) {
	var opts channel.Options
	var err error
	if opts.Policy, err = f.readPolicy(); err != nil {
		return nil, err
	}
	if opts.Built, err = readCells(f.built); err != nil {
		return nil, err
	}
	krels := f.kernels
	if len(krels) == 0 {
		if krels, err = kernel.List(f.root); err != nil {
			return nil, err
		}
		if len(krels) == 0 {
			return nil, fmt.Errorf("no kernel below %s to judge by: it has no module directory", f.root)
		}
	}
	var list []*kernel.Kernel
	for _, krel := range krels {
		k, err := kernel.Open(f.root, krel, kernel.Options{})
		if err != nil {
			return nil, (&target{root: f.root}).absent(krel, err)
		}
		defer k.Close()
		list = append(list, k)
	}
	return channel.Judge(packages, path, list, opts)
}

func (f judgeFlags) readPolicy() (*policy.Policy, error) {
	if f.policy != "" {
		return policy.Load(f.policy)
	}
	real, err := depmod.Resolve(f.root, policy.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return policy.Default(), nil
	}
	if err != nil {
		return nil, err
	}
	return policy.Load(filepath.Join(f.root, real))
}

// maxCells bounds the answer of modkeep build --json, in bytes.
const maxCells = 256 << 20

// readCells reads what modkeep build --json wrote.
func readCells(path string) ([]channel.Cell, error) {
	if path == "" {
		return nil, nil
	}
	data, err := readLimited(path, maxCells)
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
