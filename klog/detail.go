package klog

import (
	"strings"

	"modkeep/internal/pattern"
)

var (
	// lib/dump_stack.c dump_stack_print_info, 3.9 on.
	cpuLine = pattern.New(`^CPU: (\d+) (?:UID: \d+ )?PID: (\d+) Comm: (.*?) (?:Kdump: loaded )?(Not tainted|Tainted:)(.*)`)
	// before 3.9.
	pidLine = pattern.New(`^Pid: (\d+), comm: (.*?) (Not tainted|Tainted:)(.*)`)
	cpuOnly = pattern.New(`^CPU:? +(\d+)\s*$`)
	// i386 and arm of 2.6: "CPU: 0    Tainted: P  (2.6.32 #1)".
	cpuTaint   = pattern.New(`^(?:CPU: (\d+))?\s*(Not tainted|Tainted:)(.*)`)
	processOld = pattern.New(`^Process (.*?) \(pid: (\d+)`)
	taintOld   = pattern.New(`^EIP: .*(Not tainted|Tainted:)(.*)`)
	// "(2.6.18-8.el5 #1)" after EFLAGS.
	eipCPU     = pattern.New(`^EIP: .*EFLAGS: [0-9a-f]+ CPU: (\d+)$`)
	releaseOld = pattern.New(`^EFLAGS: [0-9a-f]+ +\((\d\S+)`)
	traceStart = pattern.New(`^(?:Call [Tt]race|[Bb]acktrace|Trace|Stack trace):(.*)`)
	traceEnd   = pattern.New(`^(?:</TASK>|Code:|Allocated by|Freed by|Last potentially|The buggy address|Last Breaking-Event|Instruction dump|Memory state|Showing all locks|Mem-Info)`)
	reportEnd  = pattern.New(`^---\[ end (?:trace|Kernel panic)`)
	ipLine     = pattern.New(`^\s*(?:R?IP|EIP|RIP is at|PC is at|EIP is at|pc|epc|NIP|ERA|Krnl PSW)\s*(?::|is at|\b)(.*)`)
	linkLine   = pattern.New(`^\s*(?:LR is at|lr :|ra\s*:|LR \[)(.*)`)
	segment    = pattern.New(`^([0-9a-fA-F]{4}):`)
	pswPlace   = pattern.New(`\((.*)\)\s*$`)
	mipsAddr   = pattern.New(`^([0-9a-f]{8,16}) `)
)

// detail reads a line of an open report and says whether it belongs to it.
func (r *openReport) detail(l Line) bool {
	text := strings.TrimRight(l.Text, " \t")
	if r.linking {
		if mods, ok := parseLinked(text); ok {
			r.link(mods)
			return true
		}
		r.linking = false
	}
	bare := strings.TrimLeft(text, " \t")
	switch {
	case reportEnd.MatchString(bare):
		r.ended, r.trace = true, afterTrace
	case strings.HasPrefix(bare, "Modules linked in:"):
		mods, _ := parseLinked(bare[len("Modules linked in:"):])
		r.link(mods)
		r.linking = true
	case r.ended:
		return false // the tail repeats what was said
	case traceEnd.MatchString(bare):
		if r.trace == inTrace {
			r.trace = afterTrace
		}
	case r.process(bare), r.machine(bare), r.registers(bare):
	case traceStart.MatchString(bare):
		r.beginTrace(traceStart.FindStringSubmatch(bare)[1])
	case r.trace == inTrace:
		frames, ok := parseFrames(text)
		r.frames(frames)
		return ok
	default:
		return false
	}
	return true
}

func (r *openReport) link(mods []LinkedModule) {
	for _, m := range mods {
		if m.Marks == unloadedMark {
			r.Unloaded = m.Name
		} else if len(r.Modules) < maxLinked && !r.linked[m] {
			r.linked[m] = true
			r.Modules = append(r.Modules, m)
		}
	}
}

// unloadedMark marks the name behind "last unloaded:" in what parseLinked
// returns.
const unloadedMark = "unloaded"

var linked = pattern.New(`^([A-Za-z0-9_-]{1,64})(?:\(([A-Za-z+-]{1,16})\))?$`)

// parseLinked reads the list of modules, or a line on which it goes on. ok is
// false where a word is no module.
func parseLinked(text string) (mods []LinkedModule, ok bool) {
	list, last, _ := strings.Cut(text, "[last unloaded:")
	for word := range strings.FieldsSeq(list) {
		m := linked.FindStringSubmatch(word)
		if m == nil || len(mods) >= maxLinked {
			return mods, false
		}
		mods = append(mods, LinkedModule{Name: m[1], Marks: m[2]})
	}
	if name := strings.Trim(strings.TrimSpace(last), "]"); name != "" {
		name, _, _ = strings.Cut(name, "(")
		mods = append(mods, LinkedModule{Name: name, Marks: unloadedMark})
	}
	return mods, len(mods) > 0
}

// process reads who was running, on which processor and what kernel.
func (r *openReport) process(text string) bool {
	if m := cpuLine.FindStringSubmatch(text); m != nil {
		r.CPU, r.PID, r.Comm = atoi(m[1]), atoi(m[2]), m[3]
		r.taintAndRelease(m[4], m[5])
		return true
	}
	if m := pidLine.FindStringSubmatch(text); m != nil {
		r.PID, r.Comm = atoi(m[1]), m[2]
		r.taintAndRelease(m[3], m[4])
		return true
	}
	if m := processOld.FindStringSubmatch(text); m != nil {
		r.Comm, r.PID = m[1], atoi(m[2])
		return true
	}
	if m := cpuOnly.FindStringSubmatch(text); m != nil {
		r.CPU = atoi(m[1])
		return true
	}
	if strings.HasPrefix(text, "Tainted: [") {
		return true // 6.12 on: the letters once more, spelled out
	}
	if m := cpuTaint.FindStringSubmatch(text); m != nil {
		if m[1] != "" {
			r.CPU = atoi(m[1])
		}
		r.taintAndRelease(m[2], m[3])
		return true
	}
	return false
}

// taintAndRelease reads what follows "Comm: x": the taint, then the release.
func (r *openReport) taintAndRelease(word, text string) {
	if word != "Not tainted" {
		var t Taints
		t, text = cutTaint(text)
		if t != "" {
			r.Taint = t
		}
	}
	release, _, _ := strings.Cut(strings.TrimLeft(text, " ("), " ")
	if releaseStart.MatchString(release) {
		r.Kernel = strings.TrimRight(release, ")")
	}
}

func (r *openReport) machine(text string) bool {
	if rest, ok := strings.CutPrefix(text, "Hardware name: "); ok {
		r.Hardware = strings.TrimSpace(rest)
		return true
	}
	if m := releaseOld.FindStringSubmatch(text); m != nil {
		r.Kernel = strings.TrimRight(m[1], ")")
		return true
	}
	return false
}

// registers reads where the processor was, and for whom.
func (r *openReport) registers(text string) bool {
	if m := linkLine.FindStringSubmatch(text); m != nil {
		if f, ok := parseRegister(m[1]); ok && r.Link == nil {
			r.Link = &f
		}
		return true
	}
	if m := taintOld.FindStringSubmatch(text); m != nil {
		r.taintAndRelease(m[1], m[2])
	}
	if m := eipCPU.FindStringSubmatch(text); m != nil {
		r.CPU = atoi(m[1])
	}
	m := ipLine.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	rest := strings.TrimLeft(m[1], " :")
	if seg := segment.FindStringSubmatch(rest); seg != nil {
		if userSegment(seg[1]) {
			return true
		}
		rest = rest[len(seg[0]):]
	}
	f, ok := parseRegister(rest)
	if ok && (r.IP == nil || r.IP.Symbol == "" && f.Symbol != "") {
		r.IP = &f
	}
	return true
}

// userSegment reports whether code of this segment is a program's: the lowest
// two bits are the privilege level. Xen's guests run at 1 or 3 with segments
// of their own (e030, e033), of which e033 is the kernel's too.
func userSegment(seg string) bool {
	return !strings.HasPrefix(seg, "e") && hex(seg)&3 == 3
}

// parseRegister reads the place that a register shows: after one address or
// two, in parentheses on s390.
func parseRegister(text string) (Frame, bool) {
	text = strings.TrimLeft(text, " ")
	if m := mipsAddr.FindStringSubmatch(text); m != nil {
		text = text[len(m[0]):]
	}
	if m := pswPlace.FindStringSubmatch(text); m != nil {
		text = m[1]
	}
	f, _, ok := parseFrame(strings.TrimLeft(text, " "))
	return f, ok
}

func (r *openReport) beginTrace(rest string) {
	if r.trace == afterTrace {
		return // of another task: who allocated, who holds the lock
	}
	r.trace = inTrace
	frames, _ := parseFrames(rest)
	r.frames(frames)
}

func (r *openReport) frames(frames []Frame) {
	if room := maxFrames - len(r.Trace); room > 0 {
		r.Trace = append(r.Trace, frames[:min(room, len(frames))]...)
	}
}
