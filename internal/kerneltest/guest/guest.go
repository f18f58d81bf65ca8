// Package guest is process 1 of the virtual machines that modules are loaded in.
//
// It reads its job from the initramfs, loads one module after another, or has
// modprobe load them, or runs commands on a disk, and writes what the kernel answered to the console as events (package wire).
// It never exits: the host ends the machine when it has read the last event,
// and a death of this process is a kernel panic, which the host sees too.
package guest

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"modkeep/internal/kerneltest/wire"
)

func init() {
	// The kernel names the thread that runs a module's init by its id
	// ("calling … @ 1"), so all loads must happen on the first one.
	if os.Getpid() == 1 {
		runtime.LockOSThread()
	}
}

// Asked says whether this program was started as process 1 of such a machine: it
// is the initramfs' /init, and a job lies beside it.
func Asked() bool {
	if os.Getpid() != 1 {
		return false
	}
	_, err := os.Stat(wire.JobFile)
	return err == nil
}

// Main does the job and powers the machine off.
func Main() {
	g := &guest{}
	if err := g.run(); err != nil {
		g.emit(wire.Event{Kind: wire.Failed, Errno: err.Error()})
	}
	unix.Sync()
	unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {}
}

// guest is the state of the running machine.
type guest struct {
	console sync.Mutex
	kmsg    int // /dev/kmsg, non-blocking, to read
	mark    int // /dev/kmsg, to write
	stuck   time.Duration
}

func (g *guest) run() error {
	if err := mounts(); err != nil {
		return err
	}
	rawConsole()
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("open /dev/kmsg: %w", err)
	}
	g.kmsg = fd
	if g.mark, err = unix.Open("/dev/kmsg", unix.O_WRONLY, 0); err != nil {
		return fmt.Errorf("open /dev/kmsg: %w", err)
	}
	if _, err := unix.Seek(fd, 0, unix.SEEK_END); err != nil {
		return fmt.Errorf("seek /dev/kmsg: %w", err)
	}
	text, err := os.ReadFile(wire.JobFile)
	if err != nil {
		return err
	}
	var job wire.Job
	if err := json.Unmarshal(text, &job); err != nil {
		return fmt.Errorf("read %s: %w", wire.JobFile, err)
	}
	g.stuck = time.Duration(job.StuckMS) * time.Millisecond
	g.emit(wire.Event{Kind: wire.Ready, TaintBefore: taint(), Keys: keys()})
	for _, a := range job.Attempts {
		g.attempt(a)
	}
	for _, p := range job.Probes {
		g.probe(p)
	}
	if job.Disk != "" {
		if err := g.onDisk(job); err != nil {
			return err
		}
	}
	g.emit(wire.Event{Kind: wire.Done})
	return nil
}

// mounts makes /proc, /sys and /dev usable; the initramfs has the directories.
func mounts() error {
	for _, m := range [][2]string{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}} {
		if err := unix.Mount(m[0], m[1], m[0], 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m[1], err)
		}
	}
	return nil
}

// rawConsole stops the terminal from turning newlines into carriage returns.
func rawConsole() {
	t, err := unix.IoctlGetTermios(1, unix.TCGETS)
	if err != nil {
		return
	}
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO
	unix.IoctlSetTermios(1, unix.TCSETS, t)
}

// emit writes one event. The newline in front separates it from whatever part
// of a line the kernel has written to the same console.
func (g *guest) emit(e wire.Event) {
	text, err := json.Marshal(e)
	if err != nil {
		return
	}
	g.console.Lock()
	defer g.console.Unlock()
	line := append([]byte("\n"+wire.Marker), text...)
	line = append(line, '\n')
	for len(line) > 0 {
		n, err := unix.Write(1, line)
		if err != nil && err != unix.EINTR && err != unix.EAGAIN {
			return
		}
		line = line[max(n, 0):]
	}
}

// attempt loads one module, reports, and removes everything that is loaded.
func (g *guest) attempt(a wire.Attempt) {
	g.emit(wire.Event{Kind: wire.Begin, Index: a.Index})
	e := wire.Event{Kind: wire.Loaded, Index: a.Index}
	disarm := g.watch(&e)
	for _, d := range a.Deps {
		err := load(wire.Attempt{Module: d})
		if err != nil && err != unix.EEXIST {
			e.DepErrors = append(e.DepErrors, wire.DepError{Path: d, Errno: errnoName(err)})
		}
	}
	disarm()
	e.Before, e.TaintBefore = modules(), taint()
	g.readLog()
	disarm = g.watch(&e)
	start := time.Now()
	err := load(a)
	e.Micros = time.Since(start).Microseconds()
	disarm()
	e.Log = g.readLog()
	e.Errno, e.TaintAfter = errnoName(err), taint()
	g.emit(e)

	end := wire.Event{Kind: wire.End, Index: a.Index}
	disarm = g.watch(&end)
	end.Kept = unload()
	disarm()
	g.emit(end)
}

// watch reports e as stuck, with the log so far, unless the function it
// returns is called in time; it then powers the machine off, because a thread
// that hangs inside the kernel cannot be given up.
func (g *guest) watch(e *wire.Event) (disarm func()) { return g.watchFor(g.stuck, e) }

func (g *guest) watchFor(d time.Duration, e *wire.Event) (disarm func()) {
	t := time.AfterFunc(d, func() {
		report := *e
		report.Kind, report.Log, report.TaintAfter = wire.Stuck, g.readLog(), taint()
		g.emit(report)
		unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	})
	return func() { t.Stop() }
}

// load calls finit_module or init_module.
func load(a wire.Attempt) error {
	if a.Init {
		image, err := os.ReadFile(a.Module)
		if err != nil {
			return err
		}
		return unix.InitModule(image, a.Params)
	}
	fd, err := unix.Open(a.Module, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.FinitModule(fd, a.Params, a.Flags)
}

// unload removes all modules, consumers before providers, and returns the
// names of those that cannot be removed. Each pass may free further ones.
func unload() (kept []string) {
	for {
		list := modules()
		progress := false
		kept = kept[:0]
		for _, m := range list {
			if unix.DeleteModule(m.Name, unix.O_NONBLOCK) == nil {
				progress = true
				continue
			}
			kept = append(kept, m.Name)
		}
		if !progress || len(kept) == 0 {
			return kept
		}
	}
}

// modules reads /proc/modules, whose order is newest first.
func modules() []wire.Module {
	text, _ := os.ReadFile("/proc/modules")
	var list []wire.Module
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 6 {
			continue
		}
		m := wire.Module{Name: f[0]}
		if len(f) > 6 {
			m.Taints = strings.Trim(f[6], "()+-")
		}
		list = append(list, m)
	}
	return list
}

func taint() uint64 {
	text, _ := os.ReadFile("/proc/sys/kernel/tainted")
	n, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return n
}

// keys counts the asymmetric keys that the kernel holds (proc_keys(5)).
func keys() int {
	text, _ := os.ReadFile("/proc/keys")
	n := 0
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 7 && f[7] == "asymmetri" {
			n++
		}
	}
	return n
}

// readLog returns the records that have arrived since the last call. A load
// prints before it returns, so there is nothing to wait for. But a message
// without a newline stays open for continuation, and hidden, until the next
// one comes: so this process writes one of its own first.
func (g *guest) readLog() []wire.Line {
	var log []wire.Line
	unix.Write(g.mark, []byte(wire.LogMark+"\n"))
	buf := make([]byte, 16<<10)
	for {
		n, err := unix.Read(g.kmsg, buf)
		switch err {
		case nil:
		case unix.EPIPE, unix.EINTR: // records were overwritten; go on behind the gap
			continue
		default:
			return log
		}
		if l, ok := parseRecord(string(buf[:n])); ok {
			log = append(log, l)
		}
	}
}

// parseRecord reads one record of /dev/kmsg: "prio,seq,usec,flags;text\n",
// followed by lines of properties that are not part of the message
// (Documentation/ABI/testing/dev-kmsg). Records that the kernel has not
// written itself, those of a facility other than 0, are left out.
func parseRecord(record string) (wire.Line, bool) {
	head, text, ok := strings.Cut(record, ";")
	if !ok {
		return wire.Line{}, false
	}
	prio, _, _ := strings.Cut(head, ",")
	p, err := strconv.Atoi(prio)
	if err != nil || p>>3 != 0 {
		return wire.Line{}, false
	}
	text, _, _ = strings.Cut(text, "\n")
	return wire.Line{Level: p, Text: unescape(text)}, true
}

// unescape undoes kmsg's \xNN.
func unescape(text string) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) && text[i+1] == 'x' {
			if b, err := strconv.ParseUint(text[i+2:i+4], 16, 8); err == nil {
				out = append(out, byte(b))
				i += 3
				continue
			}
		}
		out = append(out, text[i])
	}
	return out
}

// errnoName is the symbol of a system call's error, or its number for the
// kernel's internal ones (ENOTSUPP, 524), or the text of anything else.
func errnoName(err error) string {
	if err == nil {
		return ""
	}
	errno, ok := err.(unix.Errno)
	if !ok {
		return err.Error()
	}
	if errno == unix.EOPNOTSUPP { // shares its number with ENOTSUP, which the table has
		return "EOPNOTSUPP"
	}
	if name := unix.ErrnoName(errno); name != "" {
		return name
	}
	return strconv.Itoa(int(errno))
}
