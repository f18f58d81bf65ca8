package main

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"modkeep/klog"
)

// diagnoseOptions are the flags of modkeep diagnose.
type diagnoseOptions struct {
	target
	all  bool
	json bool
}

// diagnoseReport is what modkeep diagnose answers.
type diagnoseReport struct {
	Log      string     `json:"log"` // as given; "-" is standard input
	Findings []*logFind `json:"findings"`
	Warnings []logNote  `json:"warnings"` // what the kernel said while it loaded modules
	More     int        `json:"more"`     // findings left out for their number
}

// logFind is one thing that went wrong. Lines are numbers from 1; what repeats
// is one finding with a count.
type logFind struct {
	Type     string      `json:"type"` // "load" or "report"
	Kind     string      `json:"kind"`
	Line     int         `json:"line"`
	Last     int         `json:"last_line"`
	Count    int         `json:"count"`
	Time     string      `json:"time"`
	Module   string      `json:"module"`
	Kernel   string      `json:"kernel"`
	Origin   string      `json:"origin"` // "in-tree", "third-party" or "unknown"
	Basis    string      `json:"origin_basis"`
	File     string      `json:"file"`      // of the module, inside the root; "" where it is not known
	FileNote string      `json:"file_note"` // what the file says of itself
	Errno    string      `json:"errno,omitempty"`
	Reasons  []logReason `json:"reasons,omitempty"`
	Programs []string    `json:"programs,omitempty"` // what insmod, modprobe, … said
	Report   *logReport  `json:"report,omitempty"`
	Next     string      `json:"next"`

	attempt *klog.Attempt
	report  *klog.Report
}

// logReason is one reason of the kernel for not loading a module.
type logReason struct {
	Kind     string   `json:"kind"`
	Symbol   string   `json:"symbol,omitempty"`
	Symbols  []string `json:"symbols,omitempty"`
	Want     string   `json:"want,omitempty"`
	Found    string   `json:"found,omitempty"`
	Owner    string   `json:"owner,omitempty"`
	Provider string   `json:"provider,omitempty"` // module of this kernel that exports the symbol
	Line     int      `json:"line"`
	Text     string   `json:"text"`
}

// logReport is an oops, a BUG, a WARNING or the like.
type logReport struct {
	Title    string   `json:"title"`
	Trap     string   `json:"trap,omitempty"`
	Location string   `json:"location,omitempty"` // drivers/xen/evtchn.c:264
	Number   int      `json:"number,omitempty"`
	First    int      `json:"first_line,omitempty"` // of the first oops of this boot, when it is another
	CPU      *int     `json:"cpu,omitempty"`
	PID      *int     `json:"pid,omitempty"`
	Comm     string   `json:"comm,omitempty"`
	Taint    string   `json:"taint,omitempty"`
	Taints   []string `json:"taints,omitempty"` // each letter spelled out
	Hardware string   `json:"hardware,omitempty"`
	Code     string   `json:"code,omitempty"` // where the processor was
	Culprit  string   `json:"culprit_reason,omitempty"`
	InTrace  []string `json:"modules_in_trace,omitempty"`
	Panic    string   `json:"panic,omitempty"`
}

// logNote is a warning of the kernel about a module that it loaded.
type logNote struct {
	Line   int    `json:"line"`
	Module string `json:"module"`
	Text   string `json:"text"`
}

// maxLogFinds bounds what is kept of a log; what repeats is kept once.
const maxLogFinds = 10000

func newDiagnoseCommand() *cobra.Command {
	var opts diagnoseOptions
	cmd := &cobra.Command{
		Use:   "diagnose [LOGFILE|-]",
		Short: "Find in a kernel log what went wrong with modules",
		Long: `Diagnose reads a kernel log: what dmesg or journalctl print, /var/log/messages,
or what a serial console caught; without an argument, standard input. It finds
each refused module with the kernel's reasons, and each oops, BUG, WARNING,
panic, hang and stall with the module that is to blame, says whether that
module is the kernel's own, where its file is below the root, and what to do.` + exitStatus(
			"nothing was found",
			"something went wrong",
			"the log could not be read"),
		Example: `  dmesg | modkeep diagnose
  journalctl -k -b -1 | modkeep diagnose -
  modkeep diagnose --root /mnt/sysroot /mnt/sysroot/var/log/messages`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageErrorf(cmd, "one log at a time: unexpected argument %q", args[1])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDiagnose(cmd, opts, append(args, "-")[0])
		},
	}
	opts.addFlags(cmd.Flags())
	cmd.Flags().BoolVar(&opts.all, "all", false, "list warnings about modules that were loaded, too")
	addJSONFlag(cmd.Flags(), &opts.json)
	return cmd
}

func runDiagnose(cmd *cobra.Command, opts diagnoseOptions, path string) error {
	log, closeLog, err := openLog(path, cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer closeLog()
	report, readErr := collectLog(path, log)
	disk := newDisk(opts.target)
	for _, f := range report.Findings {
		disk.tie(f)
		f.Next = nextStep(f, disk)
	}
	if opts.json {
		err = writeJSON(cmd.OutOrStdout(), report)
	} else {
		err = printDiagnosis(cmd.OutOrStdout(), report, opts.all)
	}
	switch {
	case readErr != nil:
		return fmt.Errorf("cannot read %s: %w", path, readErr)
	case err != nil:
		return fmt.Errorf("cannot write the answer: %w", err)
	case len(report.Findings) > 0:
		return silent(statusNo)
	}
	return nil
}

// openLog opens a log, unpacking gzip as log rotation leaves it.
func openLog(path string, in io.Reader) (io.Reader, func(), error) {
	r, closeLog := in, func() {}
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot open the log: %w", err)
		}
		if info, err := f.Stat(); err == nil && info.IsDir() {
			f.Close()
			return nil, nil, fmt.Errorf("cannot read the log %s: is a directory", path)
		}
		r, closeLog = f, func() { f.Close() }
	}
	b := bufio.NewReader(r)
	head, _ := b.Peek(8)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			closeLog()
			return nil, nil, fmt.Errorf("cannot unpack the log %s: %w", path, err)
		}
		return z, closeLog, nil
	case bytes.Equal(head, []byte("LPKSHHRH")):
		closeLog()
		return nil, nil, withHint(fmt.Errorf("cannot read the log %s: it is a journal, not text", path),
			"run 'journalctl --file %s -k | modkeep diagnose'", path)
	case bytes.HasPrefix(head, []byte{0xfd, '7', 'z', 'X', 'Z'}), bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		closeLog()
		return nil, nil, withHint(fmt.Errorf("cannot read the log %s: it is compressed", path),
			"unpack it first: xzcat or zstdcat, then 'modkeep diagnose -'")
	}
	return b, closeLog, nil
}

// collectLog reads a log to its end. What was found before an error is in the
// report.
func collectLog(path string, r io.Reader) (*diagnoseReport, error) {
	report := &diagnoseReport{Log: path, Findings: []*logFind{}, Warnings: []logNote{}}
	var failed error
	seen := map[string]*logFind{}
	for e, err := range klog.Events(r) {
		switch {
		case err != nil:
			failed = err
			continue
		case e.Attempt != nil && !e.Attempt.Refused():
			report.note(e.Attempt)
			continue
		}
		f := newLogFind(e)
		key := f.key()
		if old := seen[key]; old != nil {
			old.Count++
			old.Last = max(old.Last, f.Last)
			if old.Programs == nil {
				old.Programs = f.Programs
			}
			continue
		}
		if len(report.Findings) >= maxLogFinds {
			report.More++
			continue
		}
		seen[key] = f
		report.Findings = append(report.Findings, f)
	}
	slices.SortStableFunc(report.Findings, func(a, b *logFind) int { return cmp.Compare(a.Line, b.Line) })
	return report, failed
}

func (r *diagnoseReport) note(a *klog.Attempt) {
	for _, e := range a.Errors {
		if len(r.Warnings) >= maxLogFinds {
			return
		}
		r.Warnings = append(r.Warnings, logNote{e.Lines[0].Number, a.Module, e.Lines[0].Text})
	}
}

func newLogFind(e klog.Event) *logFind {
	if e.Attempt != nil {
		return newLoadFind(e.Attempt)
	}
	return newReportFind(e.Report)
}

func newLoadFind(a *klog.Attempt) *logFind {
	f := &logFind{Type: "load", Kind: string(leading(a.Kinds())), Line: a.Line, Last: a.Line, Count: 1, Time: a.Time,
		Module: a.Module, Kernel: a.Kernel, Errno: a.Errno, Origin: string(klog.OriginUnknown), attempt: a}
	for _, e := range a.Errors {
		last := e.Lines[len(e.Lines)-1].Number
		f.Last = max(f.Last, last)
		if e.Note {
			continue
		}
		f.Reasons = append(f.Reasons, logReason{Kind: string(e.Kind), Symbol: e.Symbol, Symbols: e.Symbols,
			Want: e.Want, Found: e.Found, Owner: e.Owner, Line: e.Lines[0].Number, Text: e.Lines[0].Text})
	}
	for _, u := range a.User {
		f.Last = max(f.Last, u.Number)
		f.Programs = append(f.Programs, u.Text)
	}
	return f
}

func newReportFind(r *klog.Report) *logFind {
	f := &logFind{Type: "report", Kind: string(r.Kind), Line: r.Line, Last: r.Last, Count: 1, Time: r.Time,
		Module: r.Culprit.Module, Kernel: r.Kernel, Origin: string(r.Culprit.Origin), Basis: r.Culprit.Mark, report: r}
	f.Report = &logReport{Title: r.Title, Trap: r.Trap, Location: r.Location, Number: r.Number, First: r.First,
		Comm: r.Comm, Taint: string(r.Taint), Taints: r.Taint.Spelled(), Hardware: r.Hardware,
		Culprit: r.Culprit.Reason, InTrace: r.ModulesInTrace(), Panic: r.Panic}
	if r.CPU >= 0 {
		f.Report.CPU = &r.CPU
	}
	if r.PID >= 0 {
		f.Report.PID = &r.PID
	}
	if r.IP != nil {
		f.Report.Code = r.IP.String()
	}
	return f
}

// key is equal for findings that say the same.
func (f *logFind) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s|%s|%s|%s|%s", f.Type, f.Kind, f.Module, f.Kernel, f.Errno)
	if r := f.report; r != nil {
		fmt.Fprintf(&b, "|%s|%v", r.Location, r.IP)
		// The same place a second time is the same trouble, but an oops's
		// number tells them apart, and the first counts.
		fmt.Fprintf(&b, "|%d", r.Number)
		if r.Kind == klog.HungTask || r.Kind == klog.SoftLockup {
			for _, frame := range r.Trace[:min(4, len(r.Trace))] {
				b.WriteString(frame.Symbol + ",")
			}
		}
	}
	for _, reason := range f.Reasons {
		fmt.Fprintf(&b, "|%s %s %s %s", reason.Kind, reason.Symbol, reason.Found, strings.Join(reason.Symbols, " "))
	}
	if f.Module == "" && f.Type == "load" {
		fmt.Fprintf(&b, "|%s", strings.Join(f.Programs, "|"))
	}
	return b.String()
}
