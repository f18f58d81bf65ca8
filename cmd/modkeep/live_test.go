package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/node"
)

// machine is a virtual machine with a disk that has modkeep, a kernel's module
// tree and some programs.
type machine struct {
	t      *testing.T
	kernel kerneltest.Kernel
	dir    string // what the disk is made of
	disk   string
	names  []string // drivers of the disk and of the network card
}

// networked are a network card on the emulator's own network, whose gateway has
// the address 10.0.2.2.
var networked = []string{"-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n"}

// newMachine stages a disk with the drivers named and what they need.
func newMachine(t *testing.T, ctx context.Context, modules ...string) *machine {
	t.Helper()
	for _, tool := range []string{"kmod", "depmod", "ldd", "mke2fs", kerneltest.Emulator("amd64")} {
		oracle.Tool(t, tool)
	}
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	kernels, err := cache.Kernels()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(kernels, func(k kerneltest.Kernel) bool {
		return k.Arch == "amd64" && k.Flavour == "cloud" && k.Series == "6.1" && k.Headers
	})
	if i < 0 {
		oracle.Missing(t, "no 6.1 cloud kernel in the cache")
	}
	m := &machine{t: t, kernel: kernels[i], dir: t.TempDir(), disk: filepath.Join(t.TempDir(), "disk"), names: []string{"virtio_pci", "virtio_blk", "virtio_net"}}
	if err := kerneltest.StageTree(ctx, m.dir, m.kernel, append(modules, m.names...)); err != nil {
		t.Fatal(err)
	}
	m.copy("boot/config-"+m.kernel.Release, m.kernel.Config())
	m.copy("usr/src/linux-headers-"+m.kernel.Release+"/Module.symvers", m.kernel.Symvers())
	m.write("etc/os-release", []byte("ID=debian\n"))
	modkeep, err := builtModkeep()
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string]string{"bin/sh": oracle.Tool(t, "sh"), "bin/modkeep": modkeep}
	for _, name := range []string{"sbin/depmod", "sbin/modprobe"} {
		programs[name] = oracle.Tool(t, "kmod")
	}
	if err := kerneltest.PackPrograms(m.dir, programs); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *machine) write(name string, data []byte) {
	m.t.Helper()
	p := filepath.Join(m.dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(p, data, 0o644); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) copy(name, from string) {
	m.t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		m.t.Fatal(err)
	}
	m.write(name, data)
}

// module is a staged module file of the kernel's own.
func (m *machine) module(file string) []byte {
	m.t.Helper()
	data, err := os.ReadFile(filepath.Join(m.dir, "lib/modules", m.kernel.Release, file))
	if err != nil {
		m.t.Fatal(err)
	}
	return data
}

// boot makes the disk where there is none yet, and runs commands.
func (m *machine) boot(ctx context.Context, commands ...kerneltest.Command) []kerneltest.Ran {
	m.t.Helper()
	if _, err := os.Stat(m.disk); err != nil {
		if err := kerneltest.MakeDisk(ctx, m.disk, m.dir, 160); err != nil {
			m.t.Fatal(err)
		}
	}
	ran, err := kerneltest.BootDisk(ctx, m.kernel.Machine(), kerneltest.Guest{
		Tree: kerneltest.Tree{Root: m.dir, Release: m.kernel.Release, Names: m.names}, Disk: m.disk, Devices: networked, Commands: commands})
	if err != nil {
		m.t.Fatalf("%v\nafter %+v", err, ran)
	}
	return ran
}

// step is a command and what is expected of it.
type step struct {
	command string
	status  int
	want    []string // in what it prints, in this order
	not     string
	report  *node.ModuleReport // with --json: the only module's, its reason as in want
}

// play runs the steps in one machine.
func (m *machine) play(ctx context.Context, steps []step) {
	m.t.Helper()
	var commands []kerneltest.Command
	for _, s := range steps {
		argv := strings.Fields(s.command)
		if quoted := strings.SplitN(s.command, "'", 3); len(quoted) == 3 {
			argv = append(strings.Fields(quoted[0]), quoted[1])
		}
		commands = append(commands, kerneltest.Command{Argv: argv})
	}
	for i, r := range m.boot(ctx, commands...) {
		s := steps[i]
		m.t.Logf("%s: status %d in %.1f s\n%s%s", s.command, r.Status, r.Took.Seconds(), r.Out, r.ErrOut)
		if r.Status != s.status {
			m.t.Errorf("%s: status %d, want %d\n%s%s", s.command, r.Status, s.status, r.Out, r.ErrOut)
		}
		rest := r.Out + r.ErrOut
		for _, want := range s.want {
			at := strings.Index(rest, want)
			if at < 0 {
				m.t.Errorf("%s: no %q in what is left of\n%s%s", s.command, want, r.Out, r.ErrOut)
				continue
			}
			rest = rest[at:]
		}
		if s.not != "" && strings.Contains(r.Out+r.ErrOut, s.not) {
			m.t.Errorf("%s: %q in\n%s%s", s.command, s.not, r.Out, r.ErrOut)
		}
		if s.report != nil {
			m.holdReport(s, r.Out)
		}
	}
}

func (m *machine) holdReport(s step, out string) {
	m.t.Helper()
	var answer struct {
		Modules []node.ModuleReport `json:"modules"`
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil || len(answer.Modules) != 1 {
		m.t.Errorf("%s: %v: %s", s.command, err, out)
		return
	}
	got := answer.Modules[0]
	got.Reason = ""
	if got != *s.report {
		m.t.Errorf("%s: %+v, want %+v", s.command, got, *s.report)
	}
}

// TestOracleReload replaces the driver of a network card that is in use by one
// that takes no device, in a real kernel: the check fails, the driver before is
// back, and the card has its network. Then by one that works; and by one that the
// kernel refuses; and by one in which it dies.
func TestOracleReload(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	m := newMachine(t, ctx)
	const own = "kernel/drivers/net/virtio_net.ko"
	driver := m.module(own)
	crc := kerneltest.Mutants()[slices.IndexFunc(kerneltest.Mutants(), func(m kerneltest.Mutant) bool { return m.Name == "crc-first" })]
	for name, change := range map[string]func([]byte) ([]byte, error){"good": kerneltest.Rebuilt, "deaf": kerneltest.Deaf, "crash": kerneltest.Crashing, "crc": crc.Apply} {
		data, err := change(driver)
		if err != nil {
			t.Fatal(err)
		}
		m.write(name+"/virtio_net.ko", data)
	}
	packed, err := kerneltest.Rebuilt(driver)
	if err == nil {
		packed, err = made.Pack("virtio_net.ko.xz", packed)
	}
	if err != nil {
		t.Fatal(err)
	}
	m.write("packed/virtio_net.ko.xz", packed)
	deb := m.publish("good/virtio_net.ko")
	file, ownFile := "/lib/modules/"+m.kernel.Release+"/updates/virtio_net.ko", "/lib/modules/"+m.kernel.Release+"/"+own
	m.play(ctx, slices.Concat(replaceSteps(file, ownFile), setSteps(deb, file, ownFile), crashSteps(ownFile)))
}

// arp is whether the network card works: the gateway answers.
var arp = step{command: "@arp eth0 10.0.2.2", want: []string{"52:55:"}}

// replaceSteps replace the driver by others and come back to the kernel's own.
func replaceSteps(file, ownFile string) []step {
	return []step{
		{command: "/bin/modkeep verify virtio_net", want: []string{"[  OK  ]"}},
		{command: "@up eth0"},
		arp,
		{command: "/bin/modkeep reload virtio_net", status: 1, want: []string{"not reloaded", "network interface eth0 is up on it"}},
		{command: "/bin/modkeep reload virtio_blk --force", status: 1, want: []string{"cannot be unloaded", "resource temporarily unavailable"}},
		arp,
		{command: "/bin/modkeep replace /deaf/virtio_net.ko", want: []string{"write     " + file}},
		{command: "/bin/modkeep verify virtio_net", status: 1, want: []string{"[FAILED]", "another build"}},
		{command: "/bin/modkeep reload virtio_net --force --json", status: 1,
			want:   []string{"device virtio", "is not bound to it any more", "the previous build", "is back", "network interface eth0 was up and is down", "1 (replace virtio_net) is taken back"},
			report: &node.ModuleReport{Name: "virtio_net", File: file, RolledBack: true}},
		{command: "/bin/sh -c 'modprobe -n -v virtio_net; modprobe --show-depends virtio_net'", want: []string{"insmod " + ownFile}, not: "updates"},
		{command: "@up eth0"},
		arp,
		{command: "/bin/modkeep verify virtio_net --json", report: &node.ModuleReport{Name: "virtio_net", File: ownFile, Owner: "kernel", OK: true}},
		{command: "/bin/modkeep replace /good/virtio_net.ko"},
		{command: "/bin/modkeep reload virtio_net --force", want: []string{"[  OK  ]"}},
		{command: "@up eth0"},
		arp,
		{command: "/bin/modkeep verify virtio_net --json", report: &node.ModuleReport{Name: "virtio_net", File: file, OK: true}},
		{command: "/bin/modkeep replace /crc/virtio_net.ko", status: 1, want: []string{"refused"}},
		{command: "/bin/modkeep replace /crc/virtio_net.ko --force"},
		{command: "/bin/modkeep reload virtio_net --force", status: 1,
			want: []string{"[FAILED]", "cannot be loaded", "virtio_net: disagrees about version of symbol", "is back"}},
		{command: "@up eth0"},
		arp,
		{command: "/bin/modkeep verify virtio_net --json", report: &node.ModuleReport{Name: "virtio_net", File: file, OK: true}},
		{command: "/bin/modkeep verify virtio_net --command 'false'", status: 1},
		{command: "/bin/modkeep replace --reload /deaf/virtio_net.ko", status: 1, want: []string{"eth0 is up on it", "nothing is changed"}},
		{command: "/bin/modkeep replace --reload-in-use /deaf/virtio_net.ko", status: 1, want: []string{"[FAILED]", "is back", "(replace virtio_net) is taken back"}},
		{command: "/bin/modkeep rollback --reload", want: []string{"[  OK  ]"}},
		{command: "@up eth0"},
		arp,
		{command: "/bin/modkeep verify virtio_net --json", report: &node.ModuleReport{Name: "virtio_net", File: ownFile, Owner: "kernel", OK: true}},
		{command: "/bin/modkeep reload --dry-run net_failover", status: 1, want: []string{"net_failover: virtio_net uses it", "unload    virtio_net", "unload    net_failover",
			"load      ", "net_failover.ko", "load      " + ownFile + "  (it was loaded)"}},
		{command: "/bin/modkeep reload --force net_failover", want: []string{"net_failover.ko", "[  OK  ]", ownFile, "[  OK  ]"}},
		{command: "@up eth0"},
		arp,
		{command: "/bin/modkeep replace --reload-in-use /packed/virtio_net.ko.xz", want: []string{"write     " + file + ".xz", "[  OK  ]"}},
		{command: "@up eth0"},
		arp,
		{command: "/bin/modkeep rollback --reload-in-use", want: []string{"[  OK  ]"}},
	}
}

// setSteps hold the driver against sets: a directory, a manifest and a package.
func setSteps(deb, file, ownFile string) []step {
	return []step{
		{command: "/bin/modkeep verify --set /good", status: 1, want: []string{"[FAILED]", "Module virtio_net belong to kernel which is not a part of good"}},
		{command: "/bin/modkeep verify --set /site/latest/manifest.json", status: 1, want: []string{"[FAILED]", "Module virtio_net belong to kernel which is not a part of site, snapshot 2: " + ownFile,
			"the set's module is not installed, and would load", "its signature is not looked at without --key"}},
		{command: "/bin/modkeep verify --set /forged/manifest.json --key /site/latest/key.asc", status: 2, want: []string{"bad signature"}, not: "OK"},
		{command: "/bin/modkeep replace --reload-in-use " + deb, want: []string{"[  OK  ]"}},
		{command: "/bin/modkeep verify --set /site/latest/manifest.json --key /site/latest/key.asc", want: []string{file, "[  OK  ]"}, not: "signature"},
		{command: "/bin/modkeep reload --json --set " + deb, report: &node.ModuleReport{Name: "virtio_net", File: file, OK: true}},
		{command: "@up eth0"},
		arp,
		{command: "/bin/modkeep reload --set /site/latest/manifest.json --key /site/latest/key.asc", status: 1, want: []string{"eth0 is up on it"}},
		{command: "/bin/modkeep rollback --reload-in-use", want: []string{"[  OK  ]"}},
		{command: "/bin/modkeep reload --set /site/latest/manifest.json --key /site/latest/key.asc --force", status: 1, want: []string{"[FAILED]", "which is not a part of site", "skipped"}},
	}
}

// crashSteps have the kernel die in a driver's init. Until the next start there is no
// driver, which is that of before again: the file is.
func crashSteps(ownFile string) []step {
	return []step{
		{command: "/bin/modkeep replace --reload-in-use /crash/virtio_net.ko", status: 1, want: []string{"[FAILED]", "the kernel died in it: the kernel log has: ",
			"stays in the kernel in state Loading", "(replace virtio_net) is taken back"}},
		{command: "/bin/sh -c 'modprobe --show-depends virtio_net'", want: []string{"insmod " + ownFile}, not: "updates"},
		{command: "/bin/modkeep verify virtio_net", status: 1, want: []string{"is in state Loading"}},
	}
}

// publish packs a module and makes a signed repository of it, with a manifest
// that judges the machine's kernel; and one whose manifest somebody changed. It
// returns the package.
func (m *machine) publish(module string) (deb string) {
	m.t.Helper()
	dir := m.t.TempDir()
	site := filepath.Join(m.dir, "site")
	ran(m.t, 0, "pack", "--form", "deb", "--name", "good", "--version", "1", "--kernel", m.kernel.Release, "-o", dir, filepath.Join(m.dir, module))
	ran(m.t, 0, "repo", "create", site, "--name", "site", "--key", packKey, dir)
	ran(m.t, 0, "repo", "snapshot", site, "--key", packKey, "--root", m.dir)
	for _, name := range []string{"manifest.json", "manifest.json.asc"} {
		text, err := os.ReadFile(filepath.Join(site, "latest", name))
		if err != nil {
			m.t.Fatal(err)
		}
		m.write("forged/"+name, bytes.Replace(text, []byte(`"ready": true`), []byte(`"ready": false`), 1))
	}
	debs, err := filepath.Glob(filepath.Join(site, "latest/pool/*.deb"))
	if err != nil || len(debs) != 1 {
		m.t.Fatal(err, debs)
	}
	return strings.TrimPrefix(debs[0], m.dir)
}
