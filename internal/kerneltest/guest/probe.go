package guest

import (
	"errors"
	"os/exec"
	"strings"
	"time"

	"modkeep/internal/kerneltest/wire"
)

// patience is how long the removal of a probe's modules may take. It is no
// answer to anything: a removal that hangs costs a boot, and should cost no more.
const patience = 15 * time.Second

// probe has modprobe load one module with what it needs, reports, and removes
// everything that is loaded.
func (g *guest) probe(p wire.Probe) {
	g.emit(wire.Event{Kind: wire.Begin, Index: p.Index})
	e := wire.Event{Kind: wire.Loaded, Index: p.Index}
	if out, err := exec.Command(wire.Modinfo, "-n", p.Name).Output(); err == nil {
		e.File = strings.TrimSpace(string(out))
	}
	e.Before, e.TaintBefore = modules(), taint()
	g.readLog()
	disarm := g.watch(&e)
	out, err := exec.Command(wire.Modprobe, p.Name).CombinedOutput()
	disarm()
	e.Status, e.Output = exitStatus(err), strings.TrimSpace(string(out))
	if e.Status < 0 {
		e.Output = err.Error()
	}
	e.Log, e.After, e.TaintAfter = g.readLog(), modules(), taint()
	g.emit(e)

	end := wire.Event{Kind: wire.End, Index: p.Index}
	disarm = g.watchFor(patience, &end)
	end.Kept = unload()
	disarm()
	g.emit(end)
}

// exitStatus is a program's exit status, -1 where it has none.
func exitStatus(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}
