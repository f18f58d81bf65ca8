package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"modkeep/kbuild"
)

// buildReport is what modkeep build answers. Its JSON form is an interface.
type buildReport struct {
	Cells []buildCell `json:"cells"` // by source as given, then by kernel
}

// buildCell is one source for one kernel.
type buildCell struct {
	Source  string        `json:"source"`
	Version string        `json:"version"`
	Kernel  string        `json:"kernel"`
	Status  kbuild.Status `json:"status"` // built, cached, failed, blocked, excluded
	Modules []string      `json:"modules"`
	Log     string        `json:"log"`     // of the build; "" where nothing was run
	Cause   string        `json:"cause"`   // of failed, blocked and excluded
	Seconds float64       `json:"seconds"` // that its build took, now or when it was put into the cache
	Hint    string        `json:"hint,omitempty"`
	Symvers string        `json:"symvers,omitempty"` // Module.symvers, where the modules export something
	Notes   []string      `json:"notes"`             // what the source wants and does not get
	Boot    []bootedJSON  `json:"boot,omitempty"`    // with --boot, an answer for each module

	missing *kbuild.MissingError
	unread  bool // no build was run for it
}

// report judges what was built, copies it, prints, and gives the exit status.
func (o *buildOptions) report(cmd *cobra.Command, result *kbuild.Result, answers map[*kbuild.Cell][]bootedJSON) error {
	r := newBuildReport(o.root, result.Cells, answers)
	for i, c := range result.Cells {
		cell := &r.Cells[i]
		if o.output != "" && len(cell.Modules) > 0 && cell.Status != kbuild.Failed {
			if err := copyBuilt(o.output, c, cell); err != nil {
				return fmt.Errorf("cannot copy what was built: %w", err)
			}
		}
	}
	if err := r.write(cmd, o.json, result.Sandbox); err != nil {
		return err
	}
	return r.status(o.dkmsStatus)
}

// newBuildReport judges what was built. Its cells are in the order of those given.
func newBuildReport(root string, cells []*kbuild.Cell, answers map[*kbuild.Cell][]bootedJSON) *buildReport {
	refused := judgeBuilt(root, cells)
	blame := newBlame(root, cells)
	r := &buildReport{Cells: []buildCell{}}
	for _, c := range cells {
		cell := buildCell{Source: c.Source.Name, Version: c.Source.Version, Kernel: c.Kernel.Release, Status: c.Status, Modules: []string{},
			Log: c.Log, Cause: c.Cause.Text, Seconds: float64(c.Took.Milliseconds()) / 1000, Symvers: c.Symvers, Notes: append([]string{}, c.Notes...)}
		for _, m := range c.Modules {
			cell.Modules = append(cell.Modules, m.File)
		}
		cell.unread = c.Kind != nil
		if cell.missing = kbuild.Missing(c.Kind); cell.missing != nil {
			cell.Hint = cell.missing.Hint()
		}
		if text := blame.text(c); text != "" {
			cell.Cause += "; " + text
		}
		if text := refused[c]; text != "" {
			cell.Status, cell.Cause = kbuild.Failed, text
		}
		cell.booted(answers[c])
		r.Cells = append(r.Cells, cell)
	}
	return r
}

// booted adds what real kernels answered.
func (c *buildCell) booted(answers []bootedJSON) {
	c.Boot = answers
	for i := range answers {
		if a := &answers[i]; a.Untold != "" {
			c.Notes = append(c.Notes, fmt.Sprintf("%s could not be tried in the virtual machine: %s", a.Module, a.Untold))
		} else if !a.Loads && c.Status != kbuild.Failed {
			c.Status, c.Cause = kbuild.Failed, a.refusal(c.Kernel)
		} else if a.Loads && a.Errno != "" {
			c.Notes = append(c.Notes, fmt.Sprintf("%s loads; its init returned %s in the virtual machine", a.Module, a.Errno))
		}
	}
}

func (r *buildReport) write(cmd *cobra.Command, asJSON bool, sandbox *kbuild.Sandbox) error {
	if !sandbox.User || !sandbox.Network || !sandbox.Pids {
		fmt.Fprintf(cmd.ErrOrStderr(), "note: builds ran %s\n", sandbox)
	}
	if asJSON {
		return writeJSON(cmd.OutOrStdout(), r)
	}
	w := bufio.NewWriter(cmd.OutOrStdout())
	r.text(w)
	return w.Flush()
}

// text prints a line for each cell, and under it why and where to look.
func (r *buildReport) text(w io.Writer) {
	count := map[kbuild.Status]int{}
	for _, c := range r.Cells {
		count[c.Status]++
		name := c.Source
		if c.Version != "" {
			name += "-" + c.Version
		}
		fmt.Fprintf(w, "%-8s  %s  %s", c.Status, name, c.Kernel)
		if len(c.Modules) > 0 {
			fmt.Fprintf(w, "  %.1f s", c.Seconds)
		}
		fmt.Fprintln(w)
		if c.Cause != "" {
			fmt.Fprintf(w, "          %s\n", c.Cause)
		}
		if c.Hint != "" {
			fmt.Fprintf(w, "          hint: %s\n", c.Hint)
		}
		if c.Status == kbuild.Failed && c.Log != "" {
			fmt.Fprintf(w, "          log: %s\n", c.Log)
		}
		for _, n := range c.Notes {
			fmt.Fprintf(w, "          note: %s\n", n)
		}
		if c.Status == kbuild.Built || c.Status == kbuild.Cached {
			for _, m := range c.Modules {
				fmt.Fprintf(w, "          %s\n", m)
			}
		}
	}
	fmt.Fprintf(w, "%d built, %d cached, %d failed, %d blocked, %d excluded\n",
		count[kbuild.Built], count[kbuild.Cached], count[kbuild.Failed], count[kbuild.Blocked], count[kbuild.Excluded])
}

// status is the exit status. A cell that could not be started, for want of
// headers or because its dkms.conf cannot be followed, is a failure like others;
// only where none could be started is nothing done at all.
func (r *buildReport) status(dkms bool) error {
	failed, unread, headers, excluded := 0, 0, 0, 0
	for _, c := range r.Cells {
		switch c.Status {
		case kbuild.Failed, kbuild.Blocked:
			failed++
		case kbuild.Excluded:
			excluded++
		}
		if c.unread {
			unread++
		}
		if c.missing != nil && c.missing.What == "headers" {
			headers++
		}
	}
	switch {
	case dkms && headers > 0 && failed == headers:
		return silent(dkmsNoHeaders)
	case dkms && failed > unread:
		return silent(dkmsMakeFailed)
	case dkms && unread > 0:
		return silent(dkmsBadConf)
	case dkms && excluded == len(r.Cells):
		return silent(dkmsExcluded)
	case unread == len(r.Cells):
		return silent(statusUnknown)
	case failed > 0:
		return silent(statusNo)
	}
	return nil
}

// copyBuilt copies a cell's modules, table and log to DIR/KREL/NAME-VERSION,
// each file whole or not at all.
func copyBuilt(dir string, c *kbuild.Cell, cell *buildCell) error {
	at := filepath.Join(dir, c.Kernel.Release, c.Source.String())
	for i, m := range c.Modules {
		cell.Modules[i] = filepath.Join(at, filepath.FromSlash(m.Dest))
		if err := copyWhole(m.File, cell.Modules[i]); err != nil {
			return err
		}
	}
	if c.Symvers != "" {
		cell.Symvers = filepath.Join(at, "Module.symvers")
		if err := copyWhole(c.Symvers, cell.Symvers); err != nil {
			return err
		}
	}
	cell.Log = filepath.Join(at, "build.log")
	return copyWhole(c.Log, cell.Log)
}

func copyWhole(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return writeAside(to, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
}
