package guest

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"modkeep/internal/kerneltest/wire"
)

// diskRoot is where the disk is mounted.
const diskRoot = "/disk"

// commandTime is how long a command may take: on a busy host the emulated
// machine stands still for minutes.
const commandTime = 20 * time.Minute

// onDisk loads the disk's drivers, mounts it, and runs the commands.
func (g *guest) onDisk(job wire.Job) error {
	for _, name := range job.Insmod {
		if err := load(wire.Attempt{Module: name}); err != nil && err != unix.EEXIST {
			return fmt.Errorf("load %s: %w", name, err)
		}
	}
	if err := g.mountDisk(job.Disk); err != nil {
		return err
	}
	for _, c := range job.Commands {
		unix.Sync() // what is written while a command runs is its own
		g.emit(wire.Event{Kind: wire.Begin, Index: c.Index})
		e := wire.Event{Kind: wire.Ran, Index: c.Index}
		disarm := g.watchFor(commandTime, &e)
		g.readLog()
		g.command(c.Argv, &e)
		e.Log = g.readLog()
		disarm()
		g.emit(e)
	}
	unix.Sync()
	for _, dir := range []string{"dev", "sys", "proc", ""} {
		if err := unix.Unmount(filepath.Join(diskRoot, dir), 0); err != nil {
			return fmt.Errorf("unmount /%s of the disk: %w", dir, err)
		}
	}
	return nil
}

// mountDisk mounts the disk and the kernel's own file systems in it. The device
// may take a moment to come.
func (g *guest) mountDisk(device string) error {
	var err error
	for range 600 {
		if err = unix.Mount(device, diskRoot, "ext4", 0, ""); err == nil || !errors.Is(err, unix.ENOENT) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		return fmt.Errorf("mount %s: %w", device, err)
	}
	for dir, kind := range map[string]string{"proc": "proc", "sys": "sysfs", "dev": "devtmpfs"} {
		at := filepath.Join(diskRoot, dir)
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(kind, at, kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s of the disk: %w", dir, err)
		}
	}
	return os.WriteFile("/proc/sys/kernel/modprobe", []byte(helperPath), 0)
}

// helperPath is what the kernel runs where it wants a module (request_module): this
// program, as the disk's modprobe wants the disk for its root.
const helperPath = "/init"

// Helping says whether the kernel has started this program for a module.
func Helping() bool { return os.Getpid() != 1 && os.Args[0] == helperPath }

// Help runs the disk's modprobe with the arguments that the kernel gave.
func Help() {
	const modprobe = "/sbin/modprobe"
	if err := unix.Chroot(diskRoot); err == nil && os.Chdir("/") == nil {
		unix.Exec(modprobe, append([]string{modprobe}, os.Args[1:]...), os.Environ())
	}
	os.Exit(1)
}

// command runs one command, or does what an action asks for.
func (g *guest) command(argv []string, e *wire.Event) {
	if action := actions[argv[0]]; action != nil {
		out, err := action(argv[1:])
		e.Output = out
		if err != nil {
			e.Status, e.Stderr = 1, err.Error()
		}
		return
	}
	c := exec.Command(argv[0], argv[1:]...)
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: diskRoot}
	c.Dir = "/"
	c.Env = []string{"PATH=/sbin:/bin:/usr/sbin:/usr/bin", "HOME=/"}
	var out, errOut bytes.Buffer
	c.Stdout, c.Stderr = &out, &errOut
	err := c.Run()
	e.Status, e.Output, e.Stderr = exitStatus(err), out.String(), errOut.String()
	if e.Status < 0 {
		e.Stderr += err.Error()
	}
}

// actions are what this process does itself.
var actions = map[string]func(args []string) (string, error){
	"@up":    func(a []string) (string, error) { return "", interfaceUp(a[0]) },
	"@mount": func(a []string) (string, error) { return "", unix.Mount(a[0], diskRoot+a[1], a[2], 0, "") },
	"@read":  func(a []string) (string, error) { return readSome(a[0], a[1]) },
	"@arp":   func(a []string) (string, error) { return askWhoHas(a[0], a[1]) },
}

// interfaceUp sets IFF_UP (netdevice(7)).
func interfaceUp(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, request); err != nil {
		return err
	}
	request.SetUint16(request.Uint16() | unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request)
}

// readSome reads bytes of a file, a device perhaps.
func readSome(name, count string) (string, error) {
	n, err := strconv.Atoi(count)
	if err != nil {
		return "", err
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	buf := make([]byte, n)
	n, err = f.Read(buf)
	return hex.EncodeToString(buf[:n]), err
}

// askWhoHas sends an ARP request (RFC 826) every second and returns the hardware
// address of the answer.
func askWhoHas(name, address string) (string, error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return "", err
	}
	const arp = 0x0608 // ETH_P_ARP, 0x0806, in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, arp)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: arp, Ifindex: iface.Index}); err != nil {
		return "", err
	}
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1})
	request := whoHas(iface.HardwareAddr, net.ParseIP(address).To4())
	answer := make([]byte, 2048)
	for range 20 {
		unix.Write(fd, request) // fails until the link is up
		for range 20 {
			n, err := unix.Read(fd, answer)
			if err != nil {
				break
			}
			if n >= 42 && answer[21] == 2 && bytes.Equal(answer[28:32], request[38:42]) {
				return net.HardwareAddr(answer[22:28]).String(), nil
			}
		}
	}
	return "", errors.New("no answer")
}

// whoHas is an ARP request in an Ethernet frame.
func whoHas(from net.HardwareAddr, target net.IP) []byte {
	frame := bytes.Repeat([]byte{0xff}, 6)
	frame = append(append(frame, from...), 0x08, 0x06)
	frame = append(frame, 0, 1, 8, 0, 6, 4, 0, 1) // Ethernet, IPv4, lengths, request
	frame = append(append(frame, from...), 10, 0, 2, 15)
	return append(append(frame, 0, 0, 0, 0, 0, 0), target...)
}
