package kabi

import "strings"

// edit is a line of a diff: ' ', '-' or '+'.
type edit struct {
	mark byte
	line string
}

// Bounds of a diff: lines of a side that are compared, what is tried to find the
// shortest script, and lines printed.
const (
	maxEdits    = 400
	maxDiff     = 400
	diffContext = 2
)

// Diff returns two texts' lines as one, those that only the first has marked
// with "-", those that only the second has with "+". Of equal lines it has the
// first, the last and a few around each change; "…" stands for others.
func Diff(before, after []string) string {
	return diff(before, after, func(int, int) string { return "" })
}

// diff is Diff with a note behind each line printed; note is given the line's
// place in each text, -1 where it is not in it.
func diff(before, after []string, note func(a, b int) string) string {
	ops := script(before, after)
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
	printed, was, is := 0, 0, 0
	for i, op := range ops {
		a, b := -1, -1
		if op.mark != '+' {
			a, was = was, was+1
		}
		if op.mark != '-' {
			b, is = is, is+1
		}
		switch {
		case show[i] && printed == maxDiff:
			out.WriteString(" …\n")
			return out.String()
		case show[i]:
			printed++
			out.WriteByte(op.mark)
			out.WriteString(op.line + note(a, b) + "\n")
		case i > 0 && show[i-1]:
			out.WriteString(" \t…\n")
		}
	}
	return out.String()
}

// script returns the edits from one text to the other: the shortest script
// (Myers 1986) where it has at most maxEdits edits, else all of the one between
// the equal ends and then all of the other.
func script(before, after []string) []edit {
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
	ops = append(ops, middle(before[head:len(before)-tail], after[head:len(after)-tail])...)
	for _, line := range before[len(before)-tail:] {
		ops = append(ops, edit{' ', line})
	}
	return ops
}

// middle is script for texts without equal ends.
func middle(a, b []string) []edit {
	limit := min(len(a)+len(b), maxEdits)
	at := make([]int, 2*limit+3) // furthest in a, by diagonal
	var trace [][]int
	for d := 0; d <= limit; d++ {
		trace = append(trace, append([]int(nil), at...))
		for k := -d; k <= d; k += 2 {
			x := 0
			if d > 0 && (k == -d || k != d && at[limit+k] < at[limit+k+2]) {
				x = at[limit+k+2]
			} else if d > 0 {
				x = at[limit+k] + 1
			}
			for x < len(a) && x-k < len(b) && x-k >= 0 && a[x] == b[x-k] {
				x++
			}
			at[limit+k+1] = x
			if x >= len(a) && x-k >= len(b) {
				return walkBack(a, b, trace, d, limit)
			}
		}
	}
	var ops []edit
	for _, line := range a {
		ops = append(ops, edit{'-', line})
	}
	for _, line := range b {
		ops = append(ops, edit{'+', line})
	}
	return ops
}

// walkBack reads the script off the furthest points of each step.
func walkBack(a, b []string, trace [][]int, d, limit int) []edit {
	x, y := len(a), len(b)
	var back []edit
	for ; d > 0; d-- {
		at, k := trace[d], x-y
		down := k == -d || k != d && at[limit+k] < at[limit+k+2]
		from := at[limit+k]
		if down {
			from = at[limit+k+2]
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
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	return back
}
