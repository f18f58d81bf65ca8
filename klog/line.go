package klog

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"modkeep/internal/pattern"
)

// maxLine is how much of a line is kept, in bytes; what is longer is cut. The
// kernel's own records end at 1 KiB, a "Modules linked in" line of syslog at a
// few.
const maxLine = 16 << 10

type lineReader struct {
	r      *bufio.Reader
	number int
	buf    []byte
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 64<<10)}
}

// next returns the next line, or io.EOF.
func (lr *lineReader) next() (Line, error) {
	lr.buf = lr.buf[:0]
	var read bool
	for {
		part, err := lr.r.ReadSlice('\n')
		read = read || len(part) > 0
		if room := maxLine - len(lr.buf); room > 0 {
			lr.buf = append(lr.buf, part[:min(room, len(part))]...)
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && read, err == nil:
			lr.number++
			l := parseLine(clean(lr.buf))
			l.Number = lr.number
			return l, nil
		default:
			return Line{}, err
		}
	}
}

// clean takes line ends, NULs and terminal control sequences out of a line.
func clean(b []byte) string {
	b = bytes.TrimRight(b, "\r\n\x00")
	b = bytes.TrimLeft(b, "\r\x00")
	if bytes.IndexFunc(b, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) < 0 {
		return string(b)
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == 0x1b:
			i += escapeLen(b[i:])
		case c == '\r':
			out = append(out, ' ')
			i++
		case c < ' ' && c != '\t' || c == 0x7f:
			i++
		default:
			out = append(out, c)
			i++
		}
	}
	return string(out)
}

// escapeLen is the length of the terminal control sequence b begins with:
// ECMA-48 CSI (ESC [ … final byte) or OSC (ESC ] … BEL), or two bytes.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return len(b)
	}
	switch b[1] {
	case '[':
		for i := 2; i < len(b); i++ {
			if b[i] >= 0x40 && b[i] <= 0x7e {
				return i + 1
			}
		}
		return len(b)
	case ']':
		for i := 2; i < len(b) && i < 256; i++ {
			if b[i] == 7 || b[i] == 0x1b {
				return i + 1
			}
		}
	}
	return 2
}

var (
	levelPrefix = pattern.New(`^<\d{1,3}>`)
	// dmesg -x: facility and level by name.
	decodedPrefix = pattern.New(`^(?:kern|user|daemon|syslog|auth|local\d) *:(?:emerg|alert|crit|err|warn|notice|info|debug) *: `)
	// /dev/kmsg: priority, sequence, microseconds, flags (Documentation/ABI/testing/dev-kmsg).
	kmsgPrefix = pattern.New(`^\d{1,4},\d+,(\d+),[-c+](?:,caller=([TC]\d+))?[^;]*;`)
	// The kernel's own time, dmesg -T's, and dmesg -H's.
	bracketPrefix = pattern.New(`^\[( *\+?\d{1,10}\.\d{3,9}(?: <[ \d.]+>)?|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}|[A-Z][a-z]{2} ?\d{1,2} \d\d:\d\d)\] ?`)
	callerPrefix  = pattern.New(`^\[ *([TC]\d+)\] ?`)
	// syslog and journalctl short, short-precise, short-iso, short-full, short-unix.
	stampPrefix   = pattern.New(`^(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?|[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Z]{2,5}|\d{9,11}\.\d{6}) `)
	hostTagPrefix = pattern.New(`^([\w.:-]+) ([\w@/.-]+|\(udev-worker\)|\([\w.-]+\))(?:\[\d+\])?: `)
	tagPrefix     = pattern.New(`^(kernel)(?:\[\d+\])?: `)
	anywhereTime  = pattern.New(`\[ *\d{1,8}\.\d{6}\] `)
)

// parseLine takes time, host, source and level off the front of a line.
func parseLine(text string) Line {
	l := Line{Text: text}
	if m := kmsgPrefix.FindStringSubmatch(text); m != nil {
		return Line{Time: microseconds(m[1]), Source: "kernel", Text: text[len(m[0]):], caller: m[2]}
	}
	l.cut(decodedPrefix)
	l.cut(levelPrefix)
	if m := l.cut(stampPrefix); m != "" {
		l.Time = strings.TrimSpace(m)
		l.cutSource()
	} else {
		l.cutBracketTime()
		if l.Time != "" && strings.Contains(l.Text, " kernel: ") {
			l.cutSource() // journalctl -o short-monotonic
		}
	}
	if l.Source == "" {
		l.cutTag()
	}
	if l.Source == "" || l.Source == "kernel" {
		l.cut(levelPrefix)
		l.cutBracketTime()
	}
	if l.Time == "" && l.Source == "" {
		// A console mixes in what was on the line already: a login
		// prompt, a boot loader's rest.
		if at := anywhereTime.FindStringIndex(l.Text); at != nil {
			l.Text = l.Text[at[0]:]
			l.cutBracketTime()
		}
	}
	return l
}

func (l *Line) cut(prefix *pattern.Pattern) string {
	m := prefix.FindString(l.Text)
	l.Text = l.Text[len(m):]
	return m
}

func (l *Line) cutBracketTime() {
	m := bracketPrefix.FindStringSubmatch(l.Text)
	if m == nil {
		return
	}
	l.Text = l.Text[len(m[0]):]
	if l.Time == "" {
		l.Time = strings.TrimSpace(m[1])
	}
	if m := callerPrefix.FindStringSubmatch(l.Text); m != nil {
		l.caller = m[1]
		l.Text = l.Text[len(m[0]):]
	}
}

func (l *Line) cutSource() {
	if m := hostTagPrefix.FindStringSubmatch(l.Text); m != nil {
		l.Source = strings.Trim(m[2], "()")
		l.Text = l.Text[len(m[0]):]
	}
}

func (l *Line) cutTag() {
	if m := tagPrefix.FindStringSubmatch(l.Text); m != nil {
		l.Source = m[1]
		l.Text = l.Text[len(m[0]):]
	}
}

// microseconds prints a count of them as the kernel prints its time: seconds
// with six decimals.
func microseconds(n string) string {
	for len(n) < 7 {
		n = "0" + n
	}
	return n[:len(n)-6] + "." + n[len(n)-6:]
}

func (l Line) fromKernel() bool { return l.Source == "" || l.Source == "kernel" }

var linuxVersion = pattern.New(`^Linux version (\d+\.\d+\S*) `)

// bootRelease is the kernel's release where the text is the first line a
// kernel prints (init/version.c linux_banner).
func bootRelease(text string) string {
	if m := linuxVersion.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}
