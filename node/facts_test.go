package node

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"modkeep/internal/kerneltest/oracle"
)

// machineTree writes /proc and /sys as files and links: a line each, PATH and
// its content (\n ends a line), or PATH -> TARGET.
func machineTree(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		target, isLink := strings.CutPrefix(rest, "-> ")
		switch {
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(file, 0o755)
		case isLink:
			err = os.Symlink(target, file)
		default:
			mode := os.FileMode(0o444)
			if strings.Contains(name, "/parameters/w_") {
				mode = 0o644
			}
			err = os.WriteFile(file, []byte(strings.ReplaceAll(rest, `\n`, "\n")), mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// machineText is what a QEMU machine with a virtio disk and network card has in
// /proc and /sys, cut down; the words of /proc/modules are a 6.1 kernel's.
const machineText = `
	proc/sys/kernel/osrelease 6.1.0-1-amd64\n
	proc/sys/kernel/tainted 12288\n
	proc/cmdline console=ttyS0 foo.bar=1\n
	proc/modules vpoll 16384 1 - Live 0xffffffffc0a0c000 (OE)\nvirtio_net 77824 0 - Live 0xffffffffc0b0c000\nvirtio_blk 24576 2 - Live 0x0 (E)\nvirtio_pci 28672 0 - Live 0x0\nvirtio 16384 3 virtio_net,virtio_blk,virtio_pci, Live 0x0\nbuilt 4096 1 [permanent], Live 0x0\n
	proc/self/mountinfo 22 1 254:1 / /data\040disk rw,relatime shared:1 - ext4 /dev/vda1 rw\n24 22 0:30 / /pool rw - btrfs /dev/mapper/pool rw\n23 22 0:21 / /proc rw - proc proc rw\nnonsense\n
	proc/swaps Filename				Type		Size\n/dev/vda                         partition	1048572	0	-2\n
	sys/module/virtio_net/srcversion ABC\n
	sys/module/virtio_net/notes/.note.gnu.build-id AAAAAAAAAAAAAAAA
	sys/module/virtio_net/parameters/gso Y\n
	sys/module/virtio_net/parameters/w_napi 64\n
	sys/module/virtio_net/drivers/virtio:virtio_net -> ../../../bus/virtio/drivers/virtio_net
	sys/bus/virtio/drivers/virtio_net/module -> ../../../../module/virtio_net
	sys/bus/virtio/drivers/virtio_net/virtio1 -> ../../../../devices/pci0000:00/0000:00:03.0/virtio1
	sys/bus/virtio/drivers/virtio_net/bind x
	sys/bus/virtio/drivers/virtio_blk/module -> ../../../../module/virtio_blk
	sys/bus/pci/drivers/virtio-pci/module -> ../../../../module/virtio_pci
	sys/devices/pci0000:00/0000:00:03.0/driver -> ../../../bus/pci/drivers/virtio-pci
	sys/devices/pci0000:00/0000:00:03.0/virtio1/driver -> ../../../../bus/virtio/drivers/virtio_net
	sys/devices/pci0000:00/0000:00:03.0/virtio1/net/eth0/flags 0x1003\n
	sys/devices/pci0000:00/0000:00:04.0/driver -> ../../../bus/pci/drivers/virtio-pci
	sys/devices/pci0000:00/0000:00:04.0/virtio2/driver -> ../../../../bus/virtio/drivers/virtio_blk
	sys/devices/pci0000:00/0000:00:04.0/virtio2/block/vda/vda1/dev 254:1\n
	sys/devices/virtual/net/dummy0/flags 0x82\n
	sys/bus/virtio/devices/virtio1 -> ../../../devices/pci0000:00/0000:00:03.0/virtio1
	sys/devices/pci0000:00/0000:00:03.0/virtio1/modalias virtio:d00000001v00001AF4\n
	sys/bus/virtio/devices/virtio3 -> ../../../devices/pci0000:00/0000:00:05.0/virtio3
	sys/devices/pci0000:00/0000:00:05.0/virtio3/modalias virtio:d00000004v00001AF4\n
	sys/class/net/eth0 -> ../../devices/pci0000:00/0000:00:03.0/virtio1/net/eth0
	sys/class/net/dummy0 -> ../../devices/virtual/net/dummy0
	sys/class/net/eth0.5 -> ../../devices/virtual/net/eth0.5
	sys/devices/virtual/net/eth0.5/flags 0x1003\n
	sys/devices/virtual/net/eth0.5/uevent DEVTYPE=vlan\nINTERFACE=eth0.5\n
	dev/mapper/pool -> ../vda1
	dev/vda1 x
	sys/class/block/vda1 -> ../../devices/pci0000:00/0000:00:04.0/virtio2/block/vda/vda1
	sys/class/net/bonding_masters x
	sys/class/block/vda -> ../../devices/pci0000:00/0000:00:04.0/virtio2/block/vda
	sys/dev/block/254:1 -> ../../devices/pci0000:00/0000:00:04.0/virtio2/block/vda/vda1
	`

func TestReadFacts(t *testing.T) {
	dir := machineTree(t, machineText)
	note := append([]byte{4, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0}, "GNU\x00\xab\xcd"...)
	id := filepath.Join(dir, "sys/module/virtio_net/notes/.note.gnu.build-id")
	os.Remove(id)
	if err := os.WriteFile(id, note, 0o444); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFacts(dir, func(iface string) string {
		return map[string]string{"dummy0": "dummy", "eth0.5": "802.1Q VLAN Support"}[iface]
	})
	if err != nil {
		t.Fatal(err)
	}
	disk := []string{"virtio_blk", "virtio_pci"}
	want := &Facts{Release: "6.1.0-1-amd64", Cmdline: "console=ttyS0 foo.bar=1", Taint: 12288,
		Modules: []LoadedModule{
			{Name: "vpoll", Refs: 1, State: "Live", Taint: "OE"},
			{Name: "virtio_net", State: "Live", Srcversion: "ABC", BuildID: "abcd",
				Parameters: []Parameter{{"gso", "Y", false}, {"w_napi", "64", true}}, Bound: []Binding{{"virtio:virtio_net", "virtio1"}}},
			{Name: "virtio_blk", Refs: 2, State: "Live", Taint: "E"},
			{Name: "virtio_pci", State: "Live"},
			{Name: "virtio", Refs: 3, Holders: []string{"virtio_net", "virtio_blk", "virtio_pci"}, State: "Live"},
			{Name: "built", Refs: 1, Permanent: true, State: "Live"},
		},
		Interfaces: []Interface{{"dummy0", false, "", []string{"dummy"}}, {"eth0", true, "", []string{"virtio_net", "virtio_pci"}},
			{"eth0.5", true, "vlan", []string{"802"}}},
		Mounts: []Mount{
			{"/data disk", "/dev/vda1", "ext4", disk},
			{"/pool", "/dev/mapper/pool", "btrfs", disk},
			{"/proc", "proc", "proc", nil},
			{"", "/dev/vda", "swap", disk},
		},
		Driverless: []Device{{"virtio", "virtio3", "virtio:d00000004v00001AF4"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadFactsErrors(t *testing.T) {
	for name, text := range map[string]string{
		"no /proc":            "sys/x y",
		"no loadable modules": "proc/sys/kernel/osrelease 6.1.0",
		"short line":          "proc/sys/kernel/osrelease 6.1.0\n proc/modules foo 1 2\\n",
		"no number":           "proc/sys/kernel/osrelease 6.1.0\n proc/modules foo 1 x - Live 0x0\\n",
	} {
		t.Run(name, func(t *testing.T) {
			if f, err := ReadFacts(machineTree(t, text), nil); err == nil {
				t.Errorf("%+v, want an error", f)
			}
		})
	}
}

func TestModprobeConfig(t *testing.T) {
	n, _ := write(t, `file /etc/modprobe.d/a.conf # x\noptions foo a=1 b="two words" \\n  c=3\nsoftdep foo pre: p1 p2 post: q\ninstall bar /bin/true\nblacklist baz\noptions snd-hda power=1\n
		file /usr/lib/modprobe.d/a.conf options foo hidden=1\n
		file /usr/lib/modprobe.d/b.conf options foo d=4\nremove old /bin/false\n
		file /lib/modules/x/modules.softdep # Soft\nsoftdep foo pre: p0\n`, "")
	c := readModprobe(n.Root, "/lib/modules/x", `quiet foo.e=5 -- foo.g=6`)
	want := []string{"a=1", `b="two words"`, "c=3", "d=4", "e=5"}
	if diff := cmp.Diff(want, c.options["foo"]); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"power=1"}, c.options["snd_hda"]); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]string{{"p0", "p1", "p2"}, {"q"}}, [][]string{c.pre["foo"], c.post["foo"]}); diff != "" {
		t.Errorf("soft dependencies (-want +got):\n%s", diff)
	}
	if c.commands["bar"] != "/etc/modprobe.d/a.conf:5" || c.commands["old"] != "/usr/lib/modprobe.d/b.conf:2" {
		t.Errorf("commands: %v", c.commands)
	}
	if !c.configured("foo", "a") || c.configured("foo", "g") || c.configured("foo", "hidden") {
		t.Errorf("configured: %v", c.options)
	}
}

// TestOracleModprobeConfig holds the reading of files against modprobe's.
func TestOracleModprobeConfig(t *testing.T) {
	modprobe := oracle.Tool(t, "modprobe")
	for _, text := range []string{
		"options o o=1", "options\tti\tti=options", "  options  on  a=\"x  y\" \t b=2", "options snd-hda a=1\noptions snd_hda b=2",
		"options foo a\\\n=1 \\\n b=2", "options foo a=\\x\\\\ b=1", "#options foo a=1 \\\noptions foo b=1\noptions foo c=1",
		"softdep foo a pre:b pre: c d post: e", "softdep foo post: e", "softdep foo a b",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.conf"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(modprobe, "-c", "-C", dir).Output()
		if err != nil {
			t.Fatal(err)
		}
		real := &modprobeConfig{options: map[string][]string{}, pre: map[string][]string{}, post: map[string][]string{}}
		got := &modprobeConfig{options: map[string][]string{}, pre: map[string][]string{}, post: map[string][]string{}}
		got.parse(text, "a.conf")
		// modprobe -c leaves out the blank before post:.
		real.parse(strings.NewReplacer(`\`, `\\`, "post:", " post:").Replace(string(out)), "modprobe -c")
		maps.DeleteFunc(real.options, func(name string, _ []string) bool { return got.options[name] == nil }) // of this machine's command line
		if diff := cmp.Diff([]map[string][]string{real.options, real.pre, real.post}, []map[string][]string{got.options, got.pre, got.post}, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q (-modprobe +got):\n%s", text, diff)
		}
	}
}

func TestMatchAlias(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"fs-ext4", "fs-ext4", true}, {"virtio:d00000001v*", "virtio:d00000001v00001AF4", true}, {"of:N*T*Cfoo,bar", "of:Na/bTxCfoo,bar", true},
		{"fs-ext4", "fs-ext3", false}, {"[", "[", false},
	} {
		if got := matchAlias(test.pattern, test.name); got != test.want {
			t.Errorf("matchAlias(%q, %q) = %v", test.pattern, test.name, got)
		}
	}
}

func FuzzProcModules(f *testing.F) {
	f.Add([]byte("virtio 16384 3 virtio_net,virtio_blk, Live 0x0 (OE)\nbuilt 4096 1 [permanent], Live 0x0\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if list, err := parseProcModules(text); err == nil && len(list) > len(text) {
			t.Errorf("%d modules of %d bytes", len(list), len(text))
		}
	})
}

func FuzzMountinfo(f *testing.F) {
	f.Add("22 1 254:1 / /data\\040disk rw,relatime shared:1 - ext4 /dev/vda1 rw")
	f.Fuzz(func(t *testing.T, line string) {
		if m, device, ok := parseMount(line); ok && (m.Type == "" || device == "") {
			t.Errorf("%+v %q", m, device)
		}
	})
}

func FuzzModprobeConfig(f *testing.F) {
	f.Add("options foo a=1 b=\"x y\" \\\n c\nsoftdep foo pre: a post: b\ninstall x /bin/true", "foo.a=1 -- b.c=2")
	f.Add("", "foo.=1 foo. .bar")
	f.Fuzz(func(t *testing.T, text, cmdline string) {
		c := &modprobeConfig{map[string][]string{}, map[string][]string{}, map[string][]string{}, map[string]string{}, nil}
		c.parse(text, "x.conf")
		c.commandLine(cmdline)
		for name, options := range c.options {
			for _, o := range options {
				if o == "" {
					t.Errorf("%q has an empty option", name)
				}
			}
		}
	})
}

func FuzzBuildIDNote(f *testing.F) {
	f.Add(append([]byte{4, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0}, "GNU\x00\xab\xcd"...))
	f.Fuzz(func(t *testing.T, note []byte) {
		if id := buildIDNote(note); len(id) > 2*len(note) {
			t.Error(id)
		}
	})
}
