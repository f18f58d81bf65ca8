// Package klog reads kernel logs and finds in them what went wrong with
// modules.
//
// A log may be what dmesg prints (plain, -T, -x, --time-format=iso), records
// of /dev/kmsg, the short forms of journalctl, /var/log/messages, or what a
// serial console caught; the forms may be mixed. The terms:
//
//   - An Attempt is one try to load one module, with every LoadError that the
//     kernel printed for it and every line in which insmod, modprobe or
//     systemd-modules-load said that it failed.
//   - A LoadError is one reason that the kernel gave. A reason may take two
//     lines: "disagrees about version of symbol X" is followed by "Unknown
//     symbol X (err -22)".
//   - A Report is what the kernel prints when it finds itself in trouble: an
//     oops, a BUG, a WARNING, a panic, a lockup, a stall.
//   - The culprit of a Report is the module whose code was running, or the
//     first one in the reliable part of the call trace.
//
// Input is streamed: memory does not grow with its length, nor with that of a
// line.
package klog

import (
	"io"
	"iter"
)

// Event is one thing found in a log: exactly one of its fields is set.
type Event struct {
	Attempt *Attempt
	Report  *Report
}

// Events reads r to its end and yields what is found in it. An event comes
// when its last line is certain, so the order is by where events end; sort by
// the Line of each to have them by where they begin. The error, if any, comes
// last and is r's own, beside a zero Event: no text is an error.
func Events(r io.Reader) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s := newScanner()
		lines := newLineReader(r)
		for {
			l, err := lines.next()
			if err == io.EOF {
				break
			}
			if err != nil {
				s.finish()
				if s.drain(yield) {
					yield(Event{}, err)
				}
				return
			}
			s.line(l)
			if !s.drain(yield) {
				return
			}
		}
		s.finish()
		s.drain(yield)
	}
}

// Line is one line of a log, taken apart.
type Line struct {
	Number int    // from 1
	Time   string // as it stands in the log; empty where there is none
	Source string // program that wrote it, "kernel" for the kernel; empty where the form does not tell
	Text   string // without time, host, source, level, colours
	caller string // of CONFIG_PRINTK_CALLER: T123 a task, C3 a CPU
}

// scanner holds what is open while lines go by: attempts, reports, and what
// the log said of the kernel and its modules so far.
type scanner struct {
	load    attempts
	reports reports
	ready   []Event
}

func newScanner() *scanner {
	s := &scanner{}
	s.load.init(s.emitAttempt)
	s.reports.init(s.emitReport)
	return s
}

func (s *scanner) emitAttempt(a *Attempt) { s.ready = append(s.ready, Event{Attempt: a}) }
func (s *scanner) emitReport(r *Report)   { s.ready = append(s.ready, Event{Report: r}) }

func (s *scanner) line(l Line) {
	if l.Text == "" {
		return
	}
	if l.fromKernel() {
		if release := bootRelease(l.Text); release != "" {
			s.finish()
			s.load.kernel, s.reports.kernel = release, release
			s.reports.boot()
		}
		s.reports.line(l)
	}
	s.load.line(l)
	if name := s.load.foreign; name != "" {
		s.reports.noteForeign(name)
		s.load.foreign = ""
	}
}

func (s *scanner) finish() {
	s.load.closeAll()
	s.reports.closeAll()
}

func (s *scanner) drain(yield func(Event, error) bool) bool {
	for _, e := range s.ready {
		if !yield(e, nil) {
			return false
		}
	}
	s.ready = s.ready[:0]
	return true
}
