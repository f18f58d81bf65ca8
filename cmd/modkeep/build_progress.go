package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"modkeep/kbuild"
)

// buildProgress shows how far builds are: on a terminal one line that is written
// over, elsewhere a line for each cell that is done.
type buildProgress struct {
	w        io.Writer
	terminal bool
	running  []string
	width    int // of what stands in the terminal's line
}

func newBuildProgress(w io.Writer) *buildProgress {
	p := &buildProgress{w: w}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	}
	return p
}

// line prints a line of its own.
func (p *buildProgress) line(format string, args ...any) {
	p.clear()
	fmt.Fprintf(p.w, format+"\n", args...)
}

func (p *buildProgress) clear() {
	if p.width > 0 {
		fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.width))
		p.width = 0
	}
}

// cell is told of each cell that starts or is done.
func (p *buildProgress) cell(c *kbuild.Cell, done, all int) {
	name := c.Source.String() + " for " + c.Kernel.Release
	if c.Status == "" {
		p.running = append(p.running, name)
	} else {
		for i, r := range p.running {
			if r == name {
				p.running = append(p.running[:i], p.running[i+1:]...)
				break
			}
		}
		if !p.terminal || c.Status == kbuild.Failed {
			p.line("[%d/%d] %s %s", done, all, c.Status, name)
		}
	}
	if !p.terminal {
		return
	}
	p.clear()
	text := fmt.Sprintf("[%d/%d] building %s", done, all, strings.Join(p.running, ", "))
	if len(text) > 78 {
		text = text[:78]
	}
	p.width, _ = fmt.Fprint(p.w, text)
}

func (p *buildProgress) end() { p.clear() }
