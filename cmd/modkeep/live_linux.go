package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"modkeep/ko"
	"modkeep/node"
)

// liveKernel is the kernel that runs.
type liveKernel struct {
	log int // /dev/kmsg, non-blocking; -1 before it is opened
}

func newLiveKernel() node.Live { return &liveKernel{log: -1} }

// Facts implements node.Live.
func (l *liveKernel) Facts() (*node.Facts, error) { return node.ReadFacts("/", ethtoolDriver) }

// ethtoolDriver asks the kernel for the driver of an interface that has no
// device: dummy, wireguard.
func ethtoolDriver(iface string) string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	info, err := unix.IoctlGetEthtoolDrvinfo(fd, iface)
	if err != nil {
		return ""
	}
	return unix.ByteSliceToString(info.Driver[:])
}

// Load implements node.Live: finit_module(2) for a plain file, which leaves it
// to the kernel to read and measure it, init_module(2) for unpacked bytes.
func (l *liveKernel) Load(m node.ModuleFile, params string) error {
	if m.Host != "" && ko.CompressionOf(m.Data) == ko.None {
		f, err := os.Open(m.Host)
		if err != nil {
			return err
		}
		defer f.Close()
		return survived(loadTime, func() error { return unix.FinitModule(int(f.Fd()), params, 0) })
	}
	im, err := ko.NewImage(m.Path, bytes.NewReader(m.Data), int64(len(m.Data)))
	if err != nil {
		return err
	}
	defer im.Close()
	data, err := io.ReadAll(io.NewSectionReader(im, 0, im.Size))
	if err != nil {
		return err
	}
	return survived(loadTime, func() error { return unix.InitModule(data, params) })
}

// Unload implements node.Live.
func (l *liveKernel) Unload(name string) error {
	return survived(loadTime, func() error { return unix.DeleteModule(name, unix.O_NONBLOCK) })
}

// loadTime is how long a module's init or exit may take: some wait for firmware or
// for hundreds of disks.
const loadTime = 10 * time.Minute

// errDied is the error of a call that the kernel did not come back from: an oops
// ends the thread that was in it, and no other.
var errDied = errors.New("the kernel died in it")

// survived makes a system call on a thread of its own and watches that: a call
// whose thread is ended never returns. Nor does one whose code waits for ever,
// which is let go after limit.
func survived(limit time.Duration, call func() error) error {
	done, thread := make(chan error, 1), make(chan int, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		id := unix.Gettid()
		thread <- id
		if id == os.Getpid() { // /proc/self is about the first thread: it has to stay
			done <- survived(limit, call)
			return
		}
		done <- call()
	}()
	task := fmt.Sprintf("/proc/self/task/%d", <-thread)
	end := time.After(limit)
	for {
		select {
		case err := <-done:
			return err
		case <-end:
			return fmt.Errorf("not ended after %v", limit)
		case <-time.After(100 * time.Millisecond):
		}
		if _, err := os.Stat(task); errors.Is(err, fs.ErrNotExist) {
			return errDied
		}
	}
}

// SetParameter implements node.Live.
func (l *liveKernel) SetParameter(module, parameter, value string) error {
	return survived(loadTime, func() error {
		return os.WriteFile(filepath.Join("/sys/module", module, "parameters", parameter), []byte(value), 0)
	})
}

// maxLog is the most of the kernel's log that is kept.
const maxLog = 64 << 20

// Log implements node.Live. Each read(2) of /dev/kmsg gives one record; one
// that was overwritten before it was read gives EPIPE, once
// (Documentation/ABI/testing/dev-kmsg).
func (l *liveKernel) Log() ([]byte, error) {
	if l.log < 0 {
		fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("open /dev/kmsg: %w", err)
		}
		l.log = fd
	}
	var log []byte
	record := make([]byte, 16<<10)
	for len(log) < maxLog {
		n, err := unix.Read(l.log, record)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return log, nil
		case errors.Is(err, unix.EPIPE), errors.Is(err, unix.EINTR), errors.Is(err, unix.EINVAL):
			continue
		case err != nil:
			return log, fmt.Errorf("read /dev/kmsg: %w", err)
		case n == 0:
			return log, nil
		}
		log = append(log, record[:n]...)
	}
	return log, nil
}

// Command implements node.Live. What the shell has started ends too where the
// context does.
func (l *liveKernel) Command(ctx context.Context, command string) (string, error) {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	var out lastBytes
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it has ended well, and left something running that could still write
	}
	return strings.ToValidUTF8(string(out), "\uFFFD"), err
}

// lastBytes keeps the end of what is written to it.
type lastBytes []byte

func (b *lastBytes) Write(p []byte) (int, error) {
	const most = 64 << 10
	*b = append(*b, p...)
	if len(*b) > 2*most {
		*b = append(lastBytes(nil), (*b)[len(*b)-most:]...)
	}
	return len(p), nil
}

// Wait implements node.Live.
func (l *liveKernel) Wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
