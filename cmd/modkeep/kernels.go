package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"modkeep/depmod"
	"modkeep/kernel"
)

// kernelsOptions are the flags of modkeep kernels.
type kernelsOptions struct {
	target
	json bool
}

// kernelsReport is what modkeep kernels answers.
type kernelsReport struct {
	Root       string         `json:"root"`
	Next       string         `json:"next"` // the kernel that will boot next, "" where that cannot be told
	NextSource string         `json:"next_source"`
	Kernels    []kernelReport `json:"kernels"`
	Errors     []fileError    `json:"errors"`
}

// kernelReport is what is known of one kernel. A path is inside the root, ""
// where there is none.
type kernelReport struct {
	Kernel       string          `json:"kernel"`
	Next         bool            `json:"next"`
	Version      string          `json:"version"`
	VersionExact bool            `json:"version_exact"`
	Distribution string          `json:"distribution"`
	Arch         string          `json:"arch"`
	ModuleDir    string          `json:"module_dir"`
	Image        string          `json:"image"`
	Config       string          `json:"config"`
	Exports      exportsReport   `json:"exports"`
	Modversions  *bool           `json:"modversions"` // null where unknown
	Vermagic     sourced[string] `json:"vermagic"`
	StructModule sourced[uint64] `json:"struct_module_size"` // bytes
	Modules      int             `json:"modules"`            // selected files
	Shadowed     int             `json:"shadowed"`
	ThirdParty   []string        `json:"third_party"` // relative to module_dir
	Signature    sigReport       `json:"signature"`
	Problems     []string        `json:"problems"`
}

// exportsReport says where a kernel's exports come from.
type exportsReport struct {
	Count int    `json:"count"`
	Path  string `json:"path"`
	Kind  string `json:"kind"`
	Trust string `json:"trust"`
}

// sigReport is the signature policy of a kernel's configuration.
type sigReport struct {
	Known    bool   `json:"known"`
	Verify   bool   `json:"verify"`
	Force    bool   `json:"force"`
	Lockdown bool   `json:"lockdown"`
	Hash     string `json:"hash"`
}

// sourced is a value and what told it.
type sourced[T any] struct {
	Value  T      `json:"value"`
	Source string `json:"source"`
}

func newKernelsCommand() *cobra.Command {
	var opts kernelsOptions
	cmd := &cobra.Command{
		Use:   "kernels [KREL…]",
		Short: "List the kernels below a root and what is known of each",
		Long: `Kernels lists the kernels that have a module directory below the root: where
their exports are read from and how far that may be trusted, configuration,
image, vermagic, the size of struct module, the modules and which of them are
third-party, and how the kernel treats signatures. The kernel that will boot
next is marked where that can be told.` + exitStatus(
			"every kernel was read",
			"",
			"a kernel that was asked for is not there or could not be read, or there is none"),
		Example: `  modkeep kernels
  modkeep kernels --root /mnt/sysroot --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.kernel != "" {
				args = append(args, opts.kernel)
			}
			report, err := describeKernels(opts.target, args)
			if err != nil {
				return err
			}
			return printKernels(cmd, report, opts.json)
		},
	}
	opts.addFlags(cmd.Flags())
	addJSONFlag(cmd.Flags(), &opts.json)
	return cmd
}

// describeKernels reads the named kernels below the root, or all.
func describeKernels(t target, names []string) (*kernelsReport, error) {
	if len(names) == 0 {
		all, err := kernel.List(t.root)
		if err != nil {
			return nil, fmt.Errorf("cannot list the kernels below %s: %w", t.root, err)
		}
		if len(all) == 0 {
			return nil, t.ambiguous(nil)
		}
		names = all
	}
	report := &kernelsReport{Root: t.root, Kernels: []kernelReport{}, Errors: []fileError{}}
	report.Next, report.NextSource = kernel.Next(t.root)
	for _, krel := range names {
		k, err := kernel.Open(t.root, krel, kernel.Options{})
		if err != nil {
			report.Errors = append(report.Errors, newFileError(krel, t.notOpened(err)))
			continue
		}
		description := describeKernel(k)
		description.Next = krel == report.Next
		report.Kernels = append(report.Kernels, description)
	}
	return report, nil
}

func describeKernel(k *kernel.Kernel) kernelReport {
	version, vermagic, policy := k.Version(), k.Vermagic(), k.SigPolicy()
	size, sizeSource := k.StructModuleSize()
	table, origin := k.Table()
	tree := k.Tree()
	report := kernelReport{
		Kernel:       k.Release,
		Version:      version.Text,
		VersionExact: version.Exact,
		Distribution: k.Distro().ID,
		Arch:         k.Arch(),
		ModuleDir:    k.ModuleDir,
		Image:        k.ImagePath,
		Config:       k.Config().Path,
		Exports:      exportsReport{table.Len(), origin.Path, string(origin.Kind), origin.Trust},
		Vermagic:     sourced[string]{vermagic.Raw, vermagic.Source},
		StructModule: sourced[uint64]{size, sizeSource},
		Modules:      len(tree.Modules),
		Shadowed:     len(tree.Shadowed),
		ThirdParty:   relativePaths(k.ThirdParty()),
		Signature:    sigReport{policy.Known, policy.Verify, policy.Force, policy.LockdownLSM, policy.Hash},
		Problems:     []string{},
	}
	if on, known := k.Modversions(); known {
		report.Modversions = &on
	}
	for _, p := range k.Problems() {
		report.Problems = append(report.Problems, p.String())
	}
	return report
}

func relativePaths(files []*depmod.File) []string {
	paths := []string{}
	for _, f := range files {
		paths = append(paths, f.Rel)
	}
	return paths
}

// printKernels writes the report and complains about kernels that are not in
// it.
func printKernels(cmd *cobra.Command, report *kernelsReport, asJSON bool) error {
	if asJSON {
		if err := writeJSON(cmd.OutOrStdout(), report); err != nil {
			return err
		}
	} else {
		w := bufio.NewWriter(cmd.OutOrStdout())
		for i := range report.Kernels {
			if i > 0 {
				fmt.Fprintln(w)
			}
			writeKernel(w, &report.Kernels[i], report.NextSource)
		}
		if err := w.Flush(); err != nil {
			return fmt.Errorf("cannot write the answer: %w", err)
		}
	}
	return complainOf(cmd.ErrOrStderr(), report.Errors)
}

// writeKernel writes one kernel as a heading and a line for each thing known.
func writeKernel(w io.Writer, k *kernelReport, nextSource string) {
	heading := k.Kernel
	if k.Next {
		heading += " (boots next: " + nextSource + ")"
	}
	fmt.Fprintln(w, heading)
	line := func(label, format string, args ...any) {
		fmt.Fprintf(w, "  %-14s %s\n", label+":", fmt.Sprintf(format, args...))
	}
	line("version", "%s", spaced(k.Version, unless(k.VersionExact, "(by its release only)"), k.Distribution, k.Arch))
	if k.Exports.Count > 0 {
		line("exports", "%d from %s (%s)", k.Exports.Count, k.Exports.Path, k.Exports.Trust)
	} else {
		line("exports", "unknown (%s)", k.Exports.Trust)
	}
	line("modversions", "%s", yesNo(k.Modversions))
	line("vermagic", "%s", known(quoted(k.Vermagic.Value), k.Vermagic.Source))
	line("struct module", "%s", known(unlessZero(k.StructModule.Value, "bytes"), k.StructModule.Source))
	line("config", "%s", known(k.Config, ""))
	line("image", "%s", known(k.Image, ""))
	line("modules", "%s", moduleCounts(k))
	for _, path := range k.ThirdParty {
		line("third-party", "%s", path)
	}
	line("signatures", "%s", k.Signature)
	for _, problem := range k.Problems {
		line("problem", "%s", problem)
	}
}

func moduleCounts(k *kernelReport) string {
	text := fmt.Sprintf("%d in %s", k.Modules, k.ModuleDir)
	if k.Shadowed > 0 {
		text += fmt.Sprintf(", %d more shadowed", k.Shadowed)
	}
	return fmt.Sprintf("%s, %d third-party", text, len(k.ThirdParty))
}

// String says in words how the kernel treats a module's signature.
func (s sigReport) String() string {
	switch {
	case !s.Known:
		return "unknown (no configuration)"
	case !s.Verify:
		return "not looked at"
	}
	text := "looked at"
	if s.Force {
		text = "required"
	}
	if s.Hash != "" {
		text += " (" + s.Hash + ")"
	}
	if s.Lockdown && !s.Force {
		text += ", required under lockdown"
	}
	return text
}

// known is a value with what told it, or says that it is unknown.
func known(value, source string) string {
	switch {
	case value == "":
		return "unknown"
	case source == "":
		return value
	}
	return value + " (" + source + ")"
}

// quoted puts a text in quotes as the kernel does, so that a space at its end
// is seen.
func quoted(s string) string {
	if s == "" {
		return ""
	}
	return "'" + s + "'"
}

func yesNo(b *bool) string {
	switch {
	case b == nil:
		return "unknown"
	case *b:
		return "yes"
	}
	return "no"
}

func unless(condition bool, text string) string {
	if condition {
		return ""
	}
	return text
}

func unlessZero(n uint64, unit string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", n, unit)
}

// spaced joins the words that are not empty.
func spaced(words ...string) string {
	var kept []string
	for _, w := range words {
		if w != "" {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}
