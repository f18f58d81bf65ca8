package klog

import (
	"slices"
	"strconv"
	"strings"

	"modkeep/internal/pattern"
)

// ReportKind says what sort of trouble a Report is about.
type ReportKind string

// The kinds of reports.
const (
	Oops       ReportKind = "oops" // a processor exception in kernel code that is none of the next
	PageFault  ReportKind = "page fault"
	GPF        ReportKind = "general protection fault"
	BUG        ReportKind = "BUG"     // BUG() and what else prints BUG:
	WARNING    ReportKind = "WARNING" // WARN_ON and its family
	Panic      ReportKind = "panic"
	SoftLockup ReportKind = "soft lockup"
	HardLockup ReportKind = "hard lockup"
	HungTask   ReportKind = "hung task"
	RCUStall   ReportKind = "RCU stall"
	Sanitizer  ReportKind = "sanitizer" // KASAN, KFENCE, KCSAN, UBSAN
)

// LinkedModule is an entry of "Modules linked in".
type LinkedModule struct {
	Name  string
	Marks string // taint letters, + while it is loaded, - while it is unloaded
}

// Origin says whose a module is, as far as a log tells.
type Origin string

// The origins.
const (
	InTree        Origin = "in-tree"
	ThirdParty    Origin = "third-party"
	OriginUnknown Origin = "unknown"
)

// Culprit is the module that a Report points to.
type Culprit struct {
	Module string // empty where the report points to none
	Reason string // why it is taken to be this one
	Origin Origin
	Mark   string // what Origin rests on
}

// Report is what the kernel prints when it finds itself in trouble.
type Report struct {
	Kind     ReportKind
	Title    string // the line that says what happened
	Trap     string // the line with the number, where it is another: "invalid opcode: 0000 [#3] SMP"
	Location string // drivers/xen/evtchn.c:264; empty where the report has none
	Number   int    // of "[#3]": oopses since boot; 0 where the report has none
	CPU      int    // -1 where not known
	PID      int    // -1 where not known
	Comm     string
	Taint    Taints // empty where "Not tainted" or not printed
	Kernel   string // release
	Hardware string
	IP       *Frame // where the processor was: RIP, EIP, pc, NIP, PSW, epc
	Link     *Frame // the link register, where there is one
	Trace    []Frame
	Modules  []LinkedModule
	Unloaded string // the last module that was unloaded
	Panic    string // what the panic that followed said; empty where none did
	Culprit  Culprit
	First    int    // line of the first numbered report of this boot, when it is another; 0 where the log has none
	Line     int    // number of the first line
	Last     int    // number of the last line
	Time     string // of the first line
}

// ModulesInTrace are the modules of the reliable part of the trace, each once,
// innermost first.
func (r *Report) ModulesInTrace() []string {
	var names []string
	for _, f := range r.Trace {
		if f.Reliable && f.Module != "" && !slices.Contains(names, f.Module) {
			names = append(names, f.Module)
		}
	}
	return names
}

// Bounds that no honest report reaches, and the patience of a report: lines of
// the kernel that do not belong to it before it is taken to be over.
const (
	maxFrames   = 512
	maxLinked   = 4096
	maxTitle    = 512
	maxReports  = 16
	maxForeign  = 4096
	patience    = 200
	patienceEnd = 60 // after "end trace", when only a panic can follow
)

// reports collects reports while lines go by. Where the kernel prints who
// speaks (CONFIG_PRINTK_CALLER), reports of several processors that mix are
// kept apart by it.
type reports struct {
	emit    func(*Report)
	open    []*openReport
	kernel  string
	first   int             // line of the boot's first numbered report
	number  int             // of the last one
	foreign map[string]bool // modules that the log said are not the kernel's own
}

type openReport struct {
	Report
	caller  string
	idle    int
	trace   traceState
	linked  map[LinkedModule]bool
	linking bool // the last line was of "Modules linked in", which may go on
	ended   bool
}

type traceState int

const (
	beforeTrace traceState = iota
	inTrace
	afterTrace
)

func (rs *reports) init(emit func(*Report)) {
	rs.emit = emit
	rs.boot()
}

// boot forgets what was of the kernel that ran before.
func (rs *reports) boot() {
	rs.first, rs.number = 0, 0
	rs.foreign = map[string]bool{}
}

func (rs *reports) noteForeign(module string) {
	if len(rs.foreign) < maxForeign {
		rs.foreign[module] = true
	}
}

func (rs *reports) line(l Line) {
	r := rs.find(l.caller)
	if strings.Contains(l.Text, "[ cut here ]") || strings.HasPrefix(l.Text, "8<--- cut here ---") {
		if r != nil {
			rs.close(r)
		}
		rs.begin(l)
		return
	}
	if s := matchStart(l.Text); s != nil {
		rs.start(r, s, l)
		return
	}
	if r == nil {
		return
	}
	if r.detail(l) {
		r.idle, r.Last = 0, l.Number
		return
	}
	r.idle++
	if r.idle > patience || r.ended && r.idle > patienceEnd {
		rs.close(r)
	}
}

// start begins a report, or, where the line tells more of the open one, adds
// to that.
func (rs *reports) start(r *openReport, s *start, l Line) {
	switch {
	case r != nil && s.Kind == Panic && r.Title != "":
		r.Panic, r.Last = s.Title, l.Number
		rs.close(r)
		return
	case r != nil && (r.Title == "" || s.number > 0 && r.Number == 0 && r.awaitsTrap()):
	default:
		if r != nil {
			rs.close(r)
		}
		r = rs.begin(l)
	}
	r.take(s)
	r.idle, r.Last = 0, l.Number
	// A number that does not go on from the last one is of another boot,
	// whose beginning is not in the log.
	if n := r.Number; n > 0 && n == s.number {
		if rs.first == 0 || n == 1 || n < rs.number {
			rs.first = r.Line
		}
		rs.number = n
	}
}

// awaitsTrap reports whether the line with the number can still come: BUG and
// page faults print it second.
func (r *openReport) awaitsTrap() bool {
	return !r.ended && r.trace == beforeTrace && (r.Kind == BUG || r.Kind == PageFault || r.Kind == Sanitizer)
}

func (r *openReport) take(s *start) {
	if r.Title == "" {
		r.Kind, r.Title = s.Kind, s.Title
	} else {
		r.Trap = s.Title
	}
	if s.location != "" && r.Location == "" {
		r.Location = s.location
	}
	if s.number > 0 {
		r.Number = s.number
	}
	if s.cpu >= 0 {
		r.CPU = s.cpu
	}
	if s.pid >= 0 {
		r.PID = s.pid
	}
	if s.comm != "" {
		r.Comm = s.comm
	}
	if s.place != nil {
		r.IP = s.place
	}
}

func (rs *reports) find(caller string) *openReport {
	for _, r := range rs.open {
		if r.caller == caller {
			return r
		}
	}
	return nil
}

func (rs *reports) begin(l Line) *openReport {
	if len(rs.open) == maxReports {
		rs.close(rs.open[0])
	}
	r := &openReport{caller: l.caller, linked: map[LinkedModule]bool{}}
	r.CPU, r.PID, r.Kernel = -1, -1, rs.kernel
	r.Line, r.Last, r.Time = l.Number, l.Number, l.Time
	rs.open = append(rs.open, r)
	return r
}

func (rs *reports) close(r *openReport) {
	rs.open = slices.DeleteFunc(rs.open, func(o *openReport) bool { return o == r })
	if r.Title == "" {
		return // "cut here" with nothing after it
	}
	if r.Number > 1 && rs.first != 0 && rs.first != r.Line {
		r.First = rs.first
	}
	r.Culprit = r.culprit(rs.foreign)
	rs.emit(&r.Report)
}

func (rs *reports) closeAll() {
	for len(rs.open) > 0 {
		rs.close(rs.open[0])
	}
}

// culprit names the module whose code ran; else the nearest caller that is a
// module.
func (r *Report) culprit(foreign map[string]bool) Culprit {
	c := Culprit{Origin: OriginUnknown}
	switch {
	case r.IP != nil && r.IP.Module != "":
		c.Module, c.Reason = r.IP.Module, "its code was running: "+r.IP.String()
	case len(r.ModulesInTrace()) > 0:
		c.Module = r.ModulesInTrace()[0]
		i := slices.IndexFunc(r.Trace, func(f Frame) bool { return f.Reliable && f.Module == c.Module })
		c.Reason = "first module in the call trace: " + r.Trace[i].String()
	case r.Link != nil && r.Link.Module != "":
		c.Module, c.Reason = r.Link.Module, "it called what was running: "+r.Link.String()
	default:
		i := slices.IndexFunc(r.Trace, func(f Frame) bool { return f.Module != "" })
		if i < 0 {
			return c
		}
		c.Module, c.Reason = r.Trace[i].Module, "only in an unreliable part of the call trace: "+r.Trace[i].String()
	}
	c.Origin, c.Mark = r.Origin(c.Module)
	if c.Origin != ThirdParty && foreign[normal(c.Module)] {
		c.Origin, c.Mark = ThirdParty, "the log says so where it was loaded"
	}
	return c
}

// originMarks are the letters behind a module's name in "Modules linked in"
// that say it is not the kernel's own (kernel/module/main.c module_flags).
var originMarks = []struct {
	letter  byte
	meaning string
}{
	{'P', "proprietary"},
	{'O', "out of tree"},
	{'X', "externally supported"},
	{'E', "unsigned"},
	{'U', "unsigned"}, // Red Hat 5 and 6
	{'F', "loaded by force"},
}

// Origin says whose a module is by its mark in "Modules linked in", and what
// that rests on. A kernel before 3.2 has no mark for out-of-tree modules.
func (r *Report) Origin(module string) (Origin, string) {
	i := slices.IndexFunc(r.Modules, func(m LinkedModule) bool { return normal(m.Name) == normal(module) })
	if i < 0 {
		return OriginUnknown, "not in the list of modules"
	}
	marks := r.Modules[i].Marks
	var says []string
	for _, o := range originMarks {
		if strings.IndexByte(marks, o.letter) >= 0 {
			says = append(says, o.meaning)
		}
	}
	if says != nil {
		return ThirdParty, "marked (" + marks + "): " + strings.Join(says, ", ")
	}
	if marksOutOfTree(r.Kernel) {
		return InTree, "not marked as out of tree"
	}
	return OriginUnknown, "not marked, and this kernel marks no out-of-tree modules"
}

var releaseStart = pattern.New(`^(\d{1,4})\.(\d{1,4})`)

func marksOutOfTree(release string) bool {
	m := releaseStart.FindStringSubmatch(release)
	if m == nil {
		return false
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	return major > 3 || major == 3 && minor >= 2
}
