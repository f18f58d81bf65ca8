package kbuild

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
)

// nobody is the user that builds run as where this program is root.
const nobody = 65534

// Sandbox is what the machine allows to keep builds away from the rest of it.
type Sandbox struct {
	User    bool   // another user than root
	Network bool   // without network
	Pids    bool   // what a build leaves running ends with it
	Why     string // why not, where one of them is not
	flags   uintptr
	uid     int
}

// NewSandbox finds out what the machine allows by trying it.
func NewSandbox(ctx context.Context) *Sandbox {
	s := &Sandbox{uid: os.Getuid(), User: true}
	if s.uid == 0 {
		s.uid = nobody
	}
	for _, flags := range []uintptr{syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
		syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC, 0} {
		s.flags = flags
		cmd := exec.CommandContext(ctx, "/bin/sh", "-c", ":")
		s.confine(cmd)
		err := cmd.Run()
		if err == nil {
			s.Network, s.Pids = flags&syscall.CLONE_NEWNET != 0, flags&syscall.CLONE_NEWPID != 0
			return s
		}
		s.Why = err.Error()
	}
	s.uid, s.User = os.Getuid(), os.Getuid() != 0
	return s
}

// confine has a command run in the sandbox.
func (s *Sandbox) confine(cmd *exec.Cmd) {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Cloneflags: s.flags}
	if s.uid != os.Getuid() || s.flags&syscall.CLONE_NEWUSER != 0 {
		attr.Credential = &syscall.Credential{Uid: uint32(s.uid), Gid: uint32(s.gid()), NoSetGroups: os.Getuid() != 0}
	}
	if s.flags&syscall.CLONE_NEWUSER != 0 {
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: s.uid, HostID: s.uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: s.gid(), HostID: s.gid(), Size: 1}}
		attr.GidMappingsEnableSetgroups = os.Getuid() == 0
	}
	cmd.SysProcAttr = attr
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

func (s *Sandbox) gid() int {
	if s.uid != os.Getuid() {
		return s.uid
	}
	return os.Getgid()
}

// own gives files to the user that builds run as.
func (s *Sandbox) own(name string) error {
	if s.uid == os.Getuid() {
		return nil
	}
	return os.Lchown(name, s.uid, s.gid())
}

// changed is the time of the last change of a file's content or mode, in
// nanoseconds.
func changed(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ctim.Nano()
	}
	return 0
}
