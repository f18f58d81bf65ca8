package kabi

import (
	"slices"
	"strings"
)

// edit is a line of a diff: ' ', '-' or '+'.
type edit struct {
	mark byte
	line string
}

// Bounds of a diff: edits of the shortest script that is looked for, lines
// printed, and lines around a change.
const (
	maxEdits    = 400
	maxDiff     = 400
	diffContext = 2
)

// differ makes the diffs of one comparison. All of them together take so much
// and no more: five years of a kernel take 250,000 steps and have 0.5 MB.
type differ struct {
	steps int // of looking for shortest scripts, left
	bytes int // of diffs, left
}

func newDiffer() *differ { return &differ{steps: 8 << 20, bytes: 4 << 20} }

// spent reports whether all was done that may be.
func (d *differ) spent() bool { return d.steps <= 0 || d.bytes <= 0 }

// text returns a script as one text: lines that only the first side has marked
// with "-", those that only the second has with "+". Of equal lines it has the
// first, the last and a few around each change; "…" stands for others. Behind
// each line printed comes what note says of it, given the line's place in each
// text, -1 where it is not in it; a nil note says nothing.
func (d *differ) text(ops []edit, note func(a, b int) string) string {
	text := printed(ops, note)
	d.bytes -= len(text)
	return text
}

func printed(ops []edit, note func(a, b int) string) string {
	show := make([]bool, len(ops))
	for i, op := range ops {
		if i == 0 || i == len(ops)-1 {
			show[i] = true
		}
		if op.mark != ' ' {
			for j := max(0, i-diffContext); j <= min(len(ops)-1, i+diffContext); j++ {
				show[j] = true
			}
		}
	}
	var out strings.Builder
	count, was, is := 0, 0, 0
	for i, op := range ops {
		a, b := -1, -1
		if op.mark != '+' {
			a, was = was, was+1
		}
		if op.mark != '-' {
			b, is = is, is+1
		}
		switch {
		case show[i] && count == maxDiff:
			out.WriteString(" …\n")
			return out.String()
		case show[i]:
			count++
			out.WriteByte(op.mark)
			out.WriteString(op.line)
			if note != nil {
				out.WriteString(note(a, b))
			}
			out.WriteByte('\n')
		case i > 0 && show[i-1]:
			out.WriteString(" \t…\n")
		}
	}
	return out.String()
}

// script returns the edits from one text to the other: the shortest script
// (Myers 1986) where it has at most maxEdits edits, else all of the one between
// the equal ends and then all of the other, as where no more steps are left.
func (d *differ) script(before, after []string) []edit {
	head := 0
	for head < min(len(before), len(after)) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < min(len(before), len(after))-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	ops := make([]edit, 0, len(before)+len(after)-head-tail)
	for _, line := range before[:head] {
		ops = append(ops, edit{' ', line})
	}
	ops = append(ops, d.middle(before[head:len(before)-tail], after[head:len(after)-tail])...)
	for _, line := range before[len(before)-tail:] {
		ops = append(ops, edit{' ', line})
	}
	return ops
}

// middle is script for texts without equal ends.
func (d *differ) middle(a, b []string) []edit {
	limit := min(len(a)+len(b), maxEdits)
	at := make([]int32, 2*limit+3) // furthest in a, by diagonal
	var trace [][]int32            // at before each number of edits, from -edits-1 to edits+1
	for n := 0; n <= limit && d.steps > 0; n++ {
		trace = append(trace, slices.Clone(at[limit-n:limit+n+3]))
		d.steps -= n + 1
		for k := -n; k <= n; k += 2 {
			x := int32(0)
			if n > 0 && (k == -n || k != n && at[limit+k] < at[limit+k+2]) {
				x = at[limit+k+2]
			} else if n > 0 {
				x = at[limit+k] + 1
			}
			for i := int(x); i < len(a) && i-k < len(b) && i-k >= 0 && a[i] == b[i-k]; i++ {
				x++
				d.steps--
			}
			at[limit+k+1] = x
			if int(x) >= len(a) && int(x)-k >= len(b) {
				return walkBack(a, b, trace, n)
			}
		}
	}
	ops := make([]edit, 0, len(a)+len(b))
	for _, line := range a {
		ops = append(ops, edit{'-', line})
	}
	for _, line := range b {
		ops = append(ops, edit{'+', line})
	}
	return ops
}

// walkBack reads the script off the furthest points of each step.
func walkBack(a, b []string, trace [][]int32, n int) []edit {
	x, y := len(a), len(b)
	var back []edit
	for ; n > 0; n-- {
		at, k := trace[n], x-y
		down := k == -n || k != n && at[n+k] < at[n+k+2]
		from := int(at[n+k])
		if down {
			from = int(at[n+k+2])
		}
		start := from + 1
		if down {
			start = from
		}
		for x > start && x > 0 && y > 0 && a[x-1] == b[y-1] {
			x, y = x-1, y-1
			back = append(back, edit{' ', a[x]})
		}
		if down {
			y--
			back = append(back, edit{'+', b[y]})
		} else {
			x--
			back = append(back, edit{'-', a[x]})
		}
	}
	for x > 0 {
		x--
		back = append(back, edit{' ', a[x]})
	}
	slices.Reverse(back)
	return back
}
