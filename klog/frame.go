package klog

import (
	"strconv"
	"strings"

	"modkeep/internal/pattern"
)

// Frame is one entry of a call trace, or the place where the processor was.
type Frame struct {
	Symbol   string // empty where the kernel knew none
	Offset   uint64 // bytes from the symbol
	Size     uint64 // of the symbol, bytes; 0 where not printed
	Module   string // empty for the kernel's own code, or where not known
	Address  string // as printed, hexadecimal; empty in newer kernels
	Reliable bool   // not marked "?" or "(unreliable)"
}

// String prints the frame as newer kernels do.
func (f Frame) String() string {
	var b strings.Builder
	if !f.Reliable {
		b.WriteString("? ")
	}
	if f.Symbol == "" {
		b.WriteString("0x" + f.Address)
	} else {
		b.WriteString(f.Symbol + "+0x" + strconv.FormatUint(f.Offset, 16))
		if f.Size > 0 {
			b.WriteString("/0x" + strconv.FormatUint(f.Size, 16))
		}
	}
	if f.Module != "" {
		b.WriteString(" [" + f.Module + "]")
	}
	return b.String()
}

// The forms of a place, by kernel:
//
//	:xen_evtchn:evtchn_ioctl+0x13e/0x304                     x86-64, 2.6.18–2.6.2x
//	{evtchn_ioctl+318}                                       x86-64, ≤ 2.6.17
//	evtchn_ioctl+0x13e/0x304 [xen_evtchn]                    all others
//	evtchn_ioctl+0x13e/0x304 [xen_evtchn 0123…]              with build id, 5.14 on
//	0xffffffffa0123456                                       code of no known symbol
var (
	place     = pattern.New(`^\.?([A-Za-z_$][\w.$:<>@-]*?)\+0x([0-9a-f]{1,16})(?:/0x([0-9a-f]{1,16}))?(?: \[([\w-]+)[^\]]*\])?`)
	placeOld  = pattern.New(`^:([\w-]+):([\w.$]+)\+0x([0-9a-f]{1,16})(?:/0x([0-9a-f]{1,16}))?`)
	placeDec  = pattern.New(`^\{(?::([\w-]+):)?([\w.$]+)\+(\d{1,10})\}`)
	placeBare = pattern.New(`^0x([0-9a-f]{6,16})(?:\s|$)`)
)

// parsePlace reads a place off the front of a text and returns what follows.
func parsePlace(text string) (Frame, string, bool) {
	if m := place.FindStringSubmatch(text); m != nil {
		return Frame{Symbol: m[1], Offset: hex(m[2]), Size: hex(m[3]), Module: m[4], Reliable: true}, text[len(m[0]):], true
	}
	if m := placeOld.FindStringSubmatch(text); m != nil {
		return Frame{Symbol: m[2], Offset: hex(m[3]), Size: hex(m[4]), Module: m[1], Reliable: true}, text[len(m[0]):], true
	}
	if m := placeDec.FindStringSubmatch(text); m != nil {
		offset, _ := strconv.ParseUint(m[3], 10, 64)
		return Frame{Symbol: m[2], Offset: offset, Module: m[1], Reliable: true}, text[len(m[0]):], true
	}
	if m := placeBare.FindStringSubmatch(text); m != nil {
		return Frame{Address: m[1], Reliable: true}, text[len(m[1])+2:], true
	}
	return Frame{}, text, false
}

func hex(s string) uint64 {
	n, _ := strconv.ParseUint(s, 16, 64)
	return n
}

var (
	stackMarks = pattern.New(`^(?:\s*</?(?:TASK|IRQ|EOI|NMI|#[A-Z]+\d?|ENTRY_TRAMPOLINE|SOFTIRQ|HARDIRQ|DB|DF|MCE|UNKNOWN)>\s*)+`)
	bracketed  = pattern.New(`^\(?\[<?(?:0x)?([0-9a-f]{8,16})>?\]\s*`)
	// ppc prints the stack pointer and the address: [c000…] [c000…] name.
	angle = pattern.New(`^<([0-9a-f]{8,16})>\s*`)
	// arm: "[<c0012345>] (name+0x10/0x20) from …", since 5.18 "name from caller+0x10/0x14".
	armFrom = pattern.New(`^\(?([\w.$]+)(?:\+0x([0-9a-f]{1,16})(?:/0x([0-9a-f]{1,16}))?)?(?: \[([\w-]+)[^\]]*\])?\)? from (?:\[<|\(|[\w.$]+\+0x)`)
)

// maxFramesPerLine bounds the old form that fills lines with frames.
const maxFramesPerLine = 16

// parseFrames reads the frames of one line of a call trace: usually one, in
// 2.6.x of x86-64 several. ok is false where the line is none.
func parseFrames(text string) (frames []Frame, ok bool) {
	rest := strings.TrimLeft(text, " \t")
	for len(frames) < maxFramesPerLine {
		rest = strings.TrimLeft(rest, " \t")
		if m := stackMarks.FindString(rest); m != "" {
			rest, ok = strings.TrimLeft(rest[len(m):], " \t"), true
		}
		f, after, found := parseFrame(rest)
		if !found {
			break
		}
		frames, ok = append(frames, f), true
		rest = after
	}
	// Text behind a frame means that the line says something else, as
	// "RIP: name+0x1/0x2 RSP: …" does; but a mark may follow.
	switch strings.TrimSpace(rest) {
	case "", "(unreliable)", "(P)", "(L)", "(PL)", ")", "(U)", "(F)", "(K)":
		if strings.Contains(rest, "(unreliable)") && len(frames) > 0 {
			frames[len(frames)-1].Reliable = false
		}
		return frames, ok
	}
	return nil, false
}

func parseFrame(text string) (Frame, string, bool) {
	rest, address := text, ""
	for range 2 {
		m := bracketed.FindStringSubmatch(rest)
		if m == nil {
			m = angle.FindStringSubmatch(rest)
		}
		if m == nil {
			break
		}
		address, rest = m[1], rest[len(m[0]):]
	}
	unreliable := strings.HasPrefix(rest, "? ")
	rest = strings.TrimLeft(strings.TrimPrefix(rest, "?"), " ")
	if m := armFrom.FindStringSubmatch(rest); m != nil {
		f := Frame{Symbol: m[1], Offset: hex(m[2]), Size: hex(m[3]), Module: m[4], Address: address, Reliable: true}
		return f, "", true
	}
	rest = strings.TrimPrefix(rest, "(")
	f, after, ok := parsePlace(rest)
	if !ok {
		return Frame{}, text, false
	}
	if f.Address == "" {
		f.Address = address
	}
	f.Reliable = !unreliable
	if strings.HasPrefix(after, " (unreliable)") {
		f.Reliable, after = false, after[len(" (unreliable)"):]
	}
	return f, strings.TrimPrefix(after, ")"), true
}
