package node

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"modkeep/depmod"
	"modkeep/initramfs"
	"modkeep/klog"
)

// Checks are what a loaded module has to pass besides what is always looked
// at: that it is in the kernel, is the build that its file is, was not forced
// in, has its devices, and that the kernel did not complain.
type Checks struct {
	// Patterns are what no line of the kernel's log may match.
	Patterns []*regexp.Regexp
	// Command is run by a shell once, with an exit status of 0 for yes; "" for none.
	Command string
	// Timeout is how long Command may take; 0 stands for a minute. While it runs,
	// what it is to decide on is not decided.
	Timeout time.Duration
}

// VerifyRequest asks whether modules of the running kernel are what they should
// be.
type VerifyRequest struct {
	// Names are the modules; none stands for all of the set, or without a set
	// for the third-party modules that are loaded.
	Names  []string
	Set    *Set
	Checks Checks
}

// Verify says of each module whether it is what it should be. It changes
// nothing, but for what a command of the user's does.
func (n *Node) Verify(ctx context.Context, live Live, req VerifyRequest) ([]ModuleReport, error) {
	facts, err := live.Facts()
	if err != nil {
		return nil, err
	}
	r, err := n.newReloading(facts)
	if err != nil {
		return nil, err
	}
	log, err := live.Log()
	if err != nil {
		return nil, err
	}
	c := &checker{n: n, facts: facts, log: readLog(log, false), patterns: req.Checks.Patterns}
	c.command(ctx, live, req.Checks)
	reports := []ModuleReport{}
	for _, name := range r.verified(req) {
		name = depmod.ModuleName(name)
		report := ModuleReport{Name: name, OK: true}
		if d, ok := r.deps[name]; ok {
			report = n.belongs(req.Set, r.p.tree, name, r.inside(d.file))
		} else if facts.Module(name) == nil && len(req.Names) > 0 && req.Set == nil {
			return nil, fmt.Errorf("%s: no module of that name is loaded, and modules.dep of %s has none", name, facts.Release)
		} else if req.Set != nil && !req.Set.has(name) {
			return nil, fmt.Errorf("%s: is not of %s", name, req.Set.Name)
		} else if report.File == "" {
			report.OK, report.Reason = false, fmt.Sprintf("modules.dep of %s has no file of that name", facts.Release)
		}
		if report.OK {
			report.fail(c.module(name, report.File, nil)...)
		}
		reports = append(reports, report)
	}
	return reports, nil
}

// verified are the names that a request means.
func (r *reloading) verified(req VerifyRequest) []string {
	switch {
	case len(req.Names) > 0:
		return req.Names
	case req.Set != nil:
		return req.Set.Names()
	}
	var names []string
	for i := range r.facts.Modules {
		name := r.facts.Modules[i].Name
		f := r.p.tree.Module(name)
		if f == nil || !f.InKernel() || strings.ContainsAny(r.facts.Modules[i].Taint, "OEP") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// fail adds reasons to a report.
func (m *ModuleReport) fail(reasons ...string) {
	for _, text := range reasons {
		m.OK = false
		if m.Reason != "" {
			m.Reason += "; "
		}
		m.Reason += text
	}
}

// checker judges loaded modules by what the kernel says at one moment.
type checker struct {
	n        *Node
	facts    *Facts
	log      *loggedTrouble
	patterns []*regexp.Regexp
	general  []string // reasons that hold for every module
}

// command runs the user's command.
func (c *checker) command(ctx context.Context, live Live, checks Checks) {
	if checks.Command == "" {
		return
	}
	limit := cmp.Or(checks.Timeout, time.Minute)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not ended after %v", limit))
	defer cancel()
	out, err := live.Command(ctx, checks.Command)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		text := fmt.Sprintf("%s: %v", checks.Command, err)
		if last := lastLine(out); last != "" {
			text += ": " + last
		}
		c.general = append(c.general, text)
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// module returns what is wrong with a module. before are the devices that its
// drivers had before it was loaded again.
func (c *checker) module(name, file string, before []Binding) []string {
	m := c.facts.Module(name)
	if m == nil {
		return append([]string{"is not loaded"}, c.general...)
	}
	var reasons []string
	if m.State != "Live" {
		reasons = append(reasons, "is in state "+m.State)
	}
	if strings.Contains(m.Taint, "F") {
		reasons = append(reasons, "was loaded by force (taint F)")
	}
	reasons = append(reasons, c.file(m, file)...)
	for _, b := range before {
		if !slices.ContainsFunc(m.Bound, func(now Binding) bool { return now.Device == b.Device }) {
			reasons = append(reasons, fmt.Sprintf("device %s is not bound to it any more (was by %s)", b.Device, b.Driver))
		}
	}
	reasons = append(reasons, c.log.of(name)...)
	for _, p := range c.patterns {
		if line := c.log.match(p); line != "" {
			reasons = append(reasons, fmt.Sprintf("the kernel log matches %s: %s", p, line))
		}
	}
	return append(reasons, c.general...)
}

// file holds what is loaded against the file that it should be.
func (c *checker) file(m *LoadedModule, file string) []string {
	content, err := c.n.moduleFile(file)
	if err != nil {
		return []string{err.Error()}
	}
	d, err := describe(content.Data)
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", file, err)}
	}
	return append(c.build(m, content, d), c.devices(m, d)...)
}

// devices are those that a module says it is for and that nobody drives, where
// it has none at all.
func (c *checker) devices(m *LoadedModule, d described) []string {
	if len(m.Bound) > 0 {
		return nil
	}
	for _, dev := range c.facts.Driverless {
		if slices.ContainsFunc(d.aliases, func(alias string) bool { return matchAlias(alias, dev.Modalias) }) {
			return []string{fmt.Sprintf("%s device %s is one of its own (%s), and no driver has it", dev.Bus, dev.Name, dev.Modalias)}
		}
	}
	return nil
}

// build says that what is loaded is another build than the file. The classic is
// an old copy in the initramfs.
func (c *checker) build(m *LoadedModule, content ModuleFile, d described) []string {
	same, known := m.identity().same(d.identity)
	if same || !known {
		return nil // in-tree modules without MODULE_VERSION have no srcversion
	}
	reason := fmt.Sprintf("is loaded as another build (%s) than %s (%s)", m.identity(), content.Path, d.identity)
	if image := c.imageWithOther(m.Name, content); image != "" {
		reason += "; " + image + " holds another copy: it is to be made anew"
	}
	return []string{reason}
}

// imageWithOther is the running kernel's initramfs where it holds a module as
// another file than the one given.
func (c *checker) imageWithOther(name string, content ModuleFile) string {
	at, ok := initramfs.ImagePath(c.n.Root, c.facts.Release)
	if !ok {
		return ""
	}
	image, err := c.n.readImage(at)
	if err != nil {
		return ""
	}
	for _, m := range image.Modules {
		if m.Name == name && m.Link == "" && m.Kernel == c.facts.Release && m.SHA256 != sha256.Sum256(content.Data) {
			return at
		}
	}
	return ""
}

// loggedTrouble is what a kernel's log holds against modules.
type loggedTrouble struct {
	reports  []*klog.Report
	attempts []*klog.Attempt
	lines    []string
}

// readLog reads records in the form of /dev/kmsg. Refusals are of interest
// where a load was just tried: a module that is loaded now may have been refused
// earlier.
func readLog(text []byte, refusals bool) *loggedTrouble {
	t := &loggedTrouble{}
	for e, err := range klog.Events(bytes.NewReader(text)) {
		switch {
		case err != nil:
		case e.Report != nil:
			t.reports = append(t.reports, e.Report)
		case e.Attempt != nil && refusals:
			t.attempts = append(t.attempts, e.Attempt)
		}
	}
	for line := range strings.Lines(string(text)) {
		if head, rest, ok := strings.Cut(strings.TrimRight(line, "\n"), ";"); ok && !strings.HasPrefix(line, " ") && strings.Contains(head, ",") {
			t.lines = append(t.lines, rest)
		}
	}
	return t
}

// of returns what the log says of a module.
func (t *loggedTrouble) of(name string) []string {
	var list []string
	for _, r := range t.reports {
		if r.Culprit.Module == name {
			list = append(list, "the kernel log has: "+r.Title)
		}
	}
	return append(list, t.refusal(name)...)
}

// refusal returns the kernel's own words on a module that it did not load.
func (t *loggedTrouble) refusal(name string) []string {
	var list []string
	for _, a := range t.attempts {
		if a.Module != name || !a.Refused() {
			continue
		}
		for _, e := range a.Errors {
			for _, l := range e.Lines {
				if !e.Note && !slices.Contains(list, l.Text) {
					list = append(list, l.Text)
				}
			}
		}
	}
	return list
}

func (t *loggedTrouble) match(p *regexp.Regexp) string {
	for _, line := range t.lines {
		if p.MatchString(line) {
			return line
		}
	}
	return ""
}

// newTaints spells the flags of trouble that a kernel has gained: a warning, an
// oops, a bad page, a lockup, a forced load or unload
// (Documentation/admin-guide/tainted-kernels.rst).
func newTaints(before, after uint64) []string {
	flags := []struct {
		bit  uint
		text string
	}{{1, "F: a module was loaded by force"}, {3, "R: a module was unloaded by force"}, {5, "B: a bad page"}, {7, "D: the kernel died"}, {9, "W: a warning"}, {14, "L: a soft lockup"}}
	var list []string
	for _, f := range flags {
		if after&^before&(1<<f.bit) != 0 {
			list = append(list, "the kernel is tainted since ("+f.text+")")
		}
	}
	return list
}
