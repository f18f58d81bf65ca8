package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"
)

// settleTime is how long devices may take to come back after a module was
// loaded. It is looked after firstLook, and then at growing intervals up to
// lastLook.
const (
	settleTime = 15 * time.Second
	firstLook  = 50 * time.Millisecond
	lastLook   = 2 * time.Second
)

// ReloadResult is what a reload came to.
type ReloadResult struct {
	Reports []ModuleReport
	// Notes are for people: parameters that were set again, what was undone.
	Notes []string
	// Undone is what was taken back with a return to the modules before; nil
	// for nothing.
	Undone *Rollback
}

// Reload carries a plan out: it unloads and loads, holds the modules against
// the checks, and where one fails goes back to the modules that were loaded
// before, if they are another build. A plan with refusals is refused.
func (n *Node) Reload(ctx context.Context, live Live, p *ReloadPlan, checks Checks) (*ReloadResult, error) {
	if len(p.Refusals) > 0 {
		return nil, fmt.Errorf("%s", strings.Join(p.Refusals, "; "))
	}
	if _, err := live.Log(); err != nil {
		return nil, fmt.Errorf("read the kernel's log: %w", err)
	}
	run := &reload{n: n, live: live, p: p, checks: checks, res: &ReloadResult{}, reasons: map[string][]string{}}
	before, err := live.Facts()
	if err != nil {
		return nil, err
	}
	run.before = before
	if err := run.unload(); err == nil {
		run.load()
		run.check(ctx)
		if run.failed() {
			run.back(ctx)
		}
	}
	run.interfaces()
	run.report()
	return run.res, nil
}

// reload is a plan being carried out.
type reload struct {
	n       *Node
	live    Live
	p       *ReloadPlan
	checks  Checks
	before  *Facts
	gone    []string            // what was unloaded, in that order
	came    []string            // what was loaded, in that order
	reasons map[string][]string // by module: what is wrong
	backed  map[string]bool     // modules whose previous build runs again
	res     *ReloadResult
}

func (r *reload) fail(name, format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(r.reasons[name], text) {
		r.reasons[name] = append(r.reasons[name], text)
	}
}

func (r *reload) failed() bool { return len(r.reasons) > 0 }

func (r *reload) note(format string, args ...any) {
	r.res.Notes = append(r.res.Notes, fmt.Sprintf(format, args...))
}

// unload takes the modules out. Where the kernel refuses one, those that were
// taken out come back, and the plan ends there.
func (r *reload) unload() error {
	for _, name := range r.p.Unload {
		err := r.live.Unload(name)
		if err == nil {
			r.gone = append(r.gone, name)
			continue
		}
		for _, step := range r.p.Load {
			r.fail(step.Name, "not reloaded: %s cannot be unloaded: %v", name, err)
		}
		r.loadPrevious()
		return err
	}
	return nil
}

// load loads the modules from their files. After one that fails the others are
// tried all the same: each has its own reason then.
func (r *reload) load() {
	for _, step := range r.p.Load {
		err := r.live.Load(step.content, strings.Join(step.Params, " "))
		if err == nil || errors.Is(err, syscall.EEXIST) { // somebody was faster; the check says whether with the same file
			r.came = append(r.came, step.Name)
			r.parameters(step)
			continue
		}
		reason := "cannot be loaded: " + err.Error()
		if text, logErr := r.live.Log(); logErr == nil {
			if said := readLog(text, true).of(step.Name); len(said) > 0 {
				reason += ": " + strings.Join(said, "; ")
			}
		}
		r.fail(step.Name, "%s", reason)
	}
}

// parameters brings a module's parameters to what they were before, where they
// are not configured: what can be set is set; for what cannot, the module is
// loaded once more with it.
func (r *reload) parameters(step ReloadStep) {
	old := r.p.before[step.Name]
	if old == nil || len(old.Parameters) == 0 {
		return
	}
	now, err := r.live.Facts()
	if err != nil || now.Module(step.Name) == nil {
		return
	}
	var again []string
	for _, was := range old.Parameters {
		i := slices.IndexFunc(now.Module(step.Name).Parameters, func(p Parameter) bool { return p.Name == was.Name })
		switch {
		case i < 0:
			r.note("%s: parameter %s, which was %q, is there no more", step.Name, was.Name, was.Value)
		case now.Module(step.Name).Parameters[i].Value == was.Value:
		case r.p.config.configured(step.Name, was.Name):
			r.note("%s: parameter %s was %q and is %q, as configured", step.Name, was.Name, was.Value, now.Module(step.Name).Parameters[i].Value)
		case was.Writable:
			if err := r.live.SetParameter(step.Name, was.Name, was.Value); err != nil {
				r.note("%s: parameter %s was %q: %v", step.Name, was.Name, was.Value, err)
			}
		case step.parameters[was.Name] != "" && was.Value != "" && was.Value != "(null)":
			again = append(again, was.Name+"="+quoteParameter(was.Value))
		}
	}
	if len(again) > 0 {
		r.loadAgain(step, again)
	}
}

// quoteParameter writes a value as the kernel's next_arg reads it.
func quoteParameter(value string) string {
	if strings.ContainsAny(value, " \t") {
		return `"` + value + `"`
	}
	return value
}

// loadAgain loads a module once more, with parameters that can be given at that
// moment only.
func (r *reload) loadAgain(step ReloadStep, params []string) {
	if err := r.live.Unload(step.Name); err != nil {
		r.note("%s: parameters %s cannot be kept: %v", step.Name, strings.Join(params, " "), err)
		return
	}
	all := strings.Join(append(slices.Clone(step.Params), params...), " ")
	if err := r.live.Load(step.content, all); err != nil {
		r.note("%s: cannot be loaded with %s: %v", step.Name, strings.Join(params, " "), err)
		if err = r.live.Load(step.content, strings.Join(step.Params, " ")); err != nil {
			r.came = slices.DeleteFunc(r.came, func(name string) bool { return name == step.Name })
			r.fail(step.Name, "cannot be loaded again: %v", err)
		}
	}
}

// check waits until devices have come back and holds the modules against what
// they have to pass.
func (r *reload) check(ctx context.Context) {
	now, err := r.settle(ctx)
	if err != nil {
		for _, step := range r.p.Load {
			r.fail(step.Name, "%v", err)
		}
		return
	}
	text, err := r.live.Log()
	r.worse(now)
	c := &checker{n: r.n, facts: now, log: readLog(text, false), patterns: r.checks.Patterns, general: newTaints(r.before.Taint, now.Taint)}
	if err != nil {
		c.general = append(c.general, "the kernel's log cannot be read: "+err.Error())
	}
	if !r.failed() {
		c.command(ctx, r.live, r.checks)
	}
	for _, step := range r.p.Load {
		if len(r.reasons[step.Name]) > 0 {
			continue // why it did not load says more
		}
		for _, reason := range c.module(step.Name, step.File, r.boundBefore(step.Name)) {
			r.fail(step.Name, "%s", reason)
		}
	}
}

// worse leaves devices out of what is held against the modules that no driver had
// before either, although one of the modules was loaded that is for them: a driver
// may have its reasons. They are noted.
func (r *reload) worse(now *Facts) {
	now.Driverless = slices.DeleteFunc(slices.Clone(now.Driverless), func(dev Device) bool {
		if !slices.Contains(r.before.Driverless, dev) {
			return false
		}
		i := slices.IndexFunc(r.p.Load, func(s ReloadStep) bool {
			return r.p.before[s.Name] != nil && slices.ContainsFunc(s.aliases, func(alias string) bool { return matchAlias(alias, dev.Modalias) })
		})
		if i >= 0 {
			r.note("%s: no driver has %s device %s (%s), as before", r.p.Load[i].Name, dev.Bus, dev.Name, dev.Modalias)
		}
		return i >= 0
	})
}

// interfaces notes which network interfaces were up and are not any more: their
// addresses and routes are not the kernel's to remember.
func (r *reload) interfaces() {
	now, err := r.live.Facts()
	if err != nil {
		r.note("network interfaces cannot be looked at: %v", err)
		return
	}
	for _, was := range r.before.Interfaces {
		i := slices.IndexFunc(now.Interfaces, func(i Interface) bool { return i.Name == was.Name })
		switch {
		case was.Up && i < 0:
			r.note("network interface %s was up and is gone: with what comes back it has to be set up again", was.Name)
		case was.Up && !now.Interfaces[i].Up:
			r.note("network interface %s was up and is down: it has to be set up again", was.Name)
		}
	}
}

func (r *reload) boundBefore(name string) []Binding {
	if m := r.p.before[name]; m != nil {
		return m.Bound
	}
	return nil
}

// settle waits until every device that was bound is bound again: probes may
// be asynchronous.
func (r *reload) settle(ctx context.Context) (*Facts, error) {
	waited, look := time.Duration(0), firstLook
	for {
		now, err := r.live.Facts()
		if err != nil || waited >= settleTime || r.allBound(now) || ctx.Err() != nil {
			return now, err
		}
		r.live.Wait(ctx, look)
		waited += look
		look = min(2*look, lastLook)
	}
}

func (r *reload) allBound(now *Facts) bool {
	for _, name := range r.came {
		m := now.Module(name)
		if m == nil {
			continue
		}
		for _, b := range r.boundBefore(name) {
			if !slices.ContainsFunc(m.Bound, func(x Binding) bool { return x.Device == b.Device }) {
				return false
			}
		}
	}
	return true
}

// back takes out what was loaded and loads what was there before; and takes the
// installation back that put other files in their place.
func (r *reload) back(ctx context.Context) {
	if !slices.ContainsFunc(r.p.Load, func(s ReloadStep) bool { return !s.Same && r.p.previous[s.Name] != nil }) {
		return // the same build again would fail again
	}
	out := r.takeOut()
	r.takeBack(ctx)
	if out {
		r.loadPrevious()
		r.proveBack(ctx)
	}
}

// takeOut unloads what was loaded. Where the kernel refuses one, those that were
// unloaded are loaded once more: what goes with it is not to be missing.
func (r *reload) takeOut() bool {
	for i, name := range slices.Backward(r.came) {
		err := r.live.Unload(name)
		if err == nil {
			continue
		}
		r.fail(name, "and cannot be unloaded to go back: %v", err)
		for _, again := range r.came[i+1:] {
			step := r.p.step(again)
			if err := r.live.Load(step.content, strings.Join(step.Params, " ")); err != nil {
				r.fail(again, "cannot be loaded again: %v", err)
				continue
			}
			r.parameters(step)
		}
		return false
	}
	r.came = nil
	return true
}

// takeBack takes the transactions back that brought the files: also where the
// modules stay, so that the machine starts with those before.
func (r *reload) takeBack(ctx context.Context) {
	if len(r.p.undo) == 0 {
		return
	}
	undone, err := r.n.takeBack(ctx, r.p.undo)
	switch {
	case errors.Is(err, ErrRelink):
		r.note("%v", err)
		fallthrough
	case err == nil:
		r.res.Undone = undone
	default:
		r.note("the files of transactions %v are still in place: %v", r.p.undo, err)
	}
}

// loadPrevious loads what was unloaded, backwards, from the copies of what was
// loaded, with the parameters of before.
func (r *reload) loadPrevious() {
	now, err := r.live.Facts()
	if err != nil {
		r.note("before the return: %v", err)
		now = &Facts{}
	}
	r.backed = map[string]bool{}
	for _, name := range slices.Backward(r.gone) {
		file, m := r.p.previous[name], r.p.before[name]
		// For a module that did not come to the end of its init another of its
		// name would wait for ever (kernel/module/main.c, add_unformed_module).
		if there := now.Module(name); there != nil && there.State != "Live" {
			r.fail(name, "and stays in the kernel in state %s until the machine starts again", there.State)
			continue
		}
		if file == nil {
			r.fail(name, "and there is no copy of what was loaded: its file is loaded again")
			file = &ModuleFile{Path: r.p.step(name).File, Data: r.p.step(name).content.Data}
		}
		d, _ := describe(file.Data)
		step := ReloadStep{Name: name, File: file.Path, Params: r.p.config.options[name], content: *file, described: d}
		if err := r.live.Load(*file, strings.Join(step.Params, " ")); err != nil {
			r.fail(name, "and what was loaded before (%s) cannot be loaded: %v", m.identity(), err)
			continue
		}
		r.parameters(step)
		if r.p.previous[name] != nil {
			r.backed[name] = true
		}
	}
}

// proveBack holds what is loaded after a return against what was before.
func (r *reload) proveBack(ctx context.Context) {
	for name := range r.backed {
		r.came = append(r.came, name)
	}
	now, err := r.settle(ctx)
	if err != nil {
		r.note("after the return: %v", err)
		return
	}
	for name := range r.backed {
		old, m := r.p.before[name], now.Module(name)
		if m == nil {
			r.backed[name] = false
			r.fail(name, "and what was loaded before is gone again")
			continue
		}
		switch same, known := old.identity().same(m.identity()); {
		case !same && known:
			r.backed[name] = false
			r.fail(name, "and what is loaded now (%s) is not what was before (%s)", m.identity(), old.identity())
		default:
			for _, b := range old.Bound {
				if !slices.Contains(m.Bound, b) {
					r.backed[name] = false
					r.fail(name, "and device %s did not come back with the previous build", b.Device)
				}
			}
		}
	}
}

// report writes a line for each module that was asked for or went with it, in
// the order of loading.
func (r *reload) report() {
	r.res.Reports = append(r.res.Reports, r.p.Reports...)
	for _, step := range r.p.Load {
		m := ModuleReport{Name: step.Name, File: step.File, Owner: step.Owner, OK: true}
		m.fail(r.reasons[step.Name]...)
		if r.backed[step.Name] && !m.OK {
			m.RolledBack = true
			m.fail(fmt.Sprintf("the previous build (%s) is back", r.p.before[step.Name].identity()))
		} else if r.backed[step.Name] {
			// It passed, and went back with one that did not.
			m.OK, m.RolledBack, m.Reason = false, true, "went back to the previous build with one that failed"
		}
		r.res.Reports = append(r.res.Reports, m)
	}
}
