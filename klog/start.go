package klog

import (
	"strconv"
	"strings"

	"modkeep/internal/pattern"
)

// start is the first line of a report, taken apart.
type start struct {
	Kind     ReportKind
	Title    string
	location string
	number   int
	cpu, pid int // -1 where the line has none
	comm     string
	place    *Frame
}

// startForm is a line that begins a report. Groups: loc, cpu, pid, comm,
// place, num.
type startForm struct {
	has  string
	re   *pattern.Pattern
	kind ReportKind
}

func form(has, text string, kind ReportKind) startForm {
	return startForm{has, pattern.New(text), kind}
}

// startForms are of lib/bug.c, kernel/panic.c, kernel/watchdog.c,
// kernel/hung_task.c, kernel/rcu/tree_stall.h, mm/kasan, mm/kfence, lib/ubsan.c
// and arch/*/{kernel/traps.c,mm/fault.c}, 2.6.0 to 6.18. The first that fits
// counts.
var startForms = []startForm{
	form("WARNING: ", `^WARNING: CPU: (?P<cpu>\d+) PID: (?P<pid>\d+) at (?P<loc>\S+:\d+) ?(?P<place>.*)`, WARNING),
	form("WARNING: ", `^WARNING: at (?P<loc>\S+:\d+) ?(?P<place>.*)`, WARNING),
	form("WARNING: ", `^WARNING: (?P<loc>\S+:\d+) at (?P<place>[^,]+), CPU#(?P<cpu>\d+): (?P<comm>.+)/(?P<pid>\d+)`, WARNING),
	form("BUG: warning at", `^BUG: warning at (?P<loc>[^\s:]+:\d+)/`, WARNING),
	form("Badness in", `^Badness in \S+ at (?P<loc>\S+:\d+)`, WARNING),
	form("ernel BUG at", `^[Kk]ernel BUG at (?P<loc>\S+:\d+)!?`, BUG),
	form("ernel BUG at", `^[Kk]ernel BUG at .+`, BUG),
	form("soft lockup", `^(?:NMI |watchdog: |NMI watchdog: )*BUG: soft lockup - CPU#(?P<cpu>\d+) stuck for \S+ ?\[(?P<comm>.+):(?P<pid>\d+)\]`, SoftLockup),
	form("soft lockup", `^(?:watchdog: )?BUG: soft lockup.*`, SoftLockup),
	form("hard LOCKUP", `^(?:NMI watchdog: |watchdog: )*Watchdog detected hard LOCKUP on cpu (?P<cpu>\d+)`, HardLockup),
	form("blocked for more than", `^INFO: task (?P<comm>.+):(?P<pid>\d+) (?:is )?blocked (?:on .+ )?for more than \d+ seconds`, HungTask),
	form("blocked in I/O wait", `^INFO: task (?P<comm>.+):(?P<pid>\d+) blocked in I/O wait for more than \d+ seconds`, HungTask),
	form("stall", `^(?:rcu: )?INFO: rcu_\w+ (?:self-)?detected (?:expedited )?stalls?.*`, RCUStall),
	form("KASAN", `^BUG: KASAN: .+? in (?P<place>.+)`, Sanitizer),
	form("BUG: K", `^BUG: (?:KFENCE|KCSAN|KMSAN): .+? in (?P<place>[^/]+/0x[0-9a-f]+.*)`, Sanitizer),
	form("UBSAN", `^UBSAN: .+ in (?P<loc>[^\s:]+:\d+)`, Sanitizer),
	form("BUG: ", `^BUG: (?:[Uu]nable to handle|kernel NULL pointer dereference|using null-ptr).*`, PageFault),
	form("nable to handle kernel", `^(?:CPU \d+ )?(?:BUG: )?Unable to handle kernel .+`, PageFault),
	form("BUG: ", `^BUG: (?:sleeping function called from invalid context|.+) at (?P<loc>[^\s:]+\.[ch]:\d+)`, BUG),
	form("BUG: scheduling while atomic", `^BUG: scheduling while atomic: (?P<comm>.+)/(?P<pid>\d+)/0x`, BUG),
	form("BUG: ", `^BUG: .+`, BUG),
	form("Kernel panic", `^Kernel panic(?: - not syncing)?: ?.*`, Panic),
	form("double fault", `^(?:traps: )?PANIC: double fault.*`, Oops),
	form("Oops: ", `^Oops: [0-9a-f]{4} \[(?P<num>\d{1,6})\]`, Oops), // x86-64 up to 2.6.24
	form("[#", `^(?:Oops: )?general protection fault.*?\[#(?P<num>\d{1,6})\]`, GPF),
	form("[#", `^(?:Oops|[Kk]ernel (?:BUG|bug)|Internal error|Unhandled|invalid opcode|divide error|int3|stack segment|double fault|alignment check|bounds|overflow|coprocessor|segment not present|invalid TSS|trap|simd exception|control protection|[\w -]+(?:exception|event|operation|fault|error|trap|abort))\b.*?\[#(?P<num>\d{1,6})\]`, Oops),
}

// matchStart returns nil where the line begins no report.
func matchStart(text string) *start {
	for i := range startForms {
		f := &startForms[i]
		if !strings.Contains(text, f.has) {
			continue
		}
		m := f.re.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		s := &start{Kind: f.kind, Title: text, cpu: -1, pid: -1}
		if len(s.Title) > maxTitle {
			s.Title = s.Title[:maxTitle]
		}
		s.Title = strings.TrimRight(s.Title, " \t")
		for j, g := range f.re.SubexpNames() {
			s.fill(g, m[j])
		}
		return s
	}
	return nil
}

func (s *start) fill(group, text string) {
	switch group {
	case "loc":
		s.location = text
	case "comm":
		s.comm = text
	case "num":
		s.number = atoi(text)
	case "cpu":
		s.cpu = atoi(text)
	case "pid":
		s.pid = atoi(text)
	case "place":
		if f, _, ok := parsePlace(text); ok {
			s.place = &f
		}
	}
}

// atoi is a small number, or -1.
func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 1<<31 {
		return -1
	}
	return n
}
