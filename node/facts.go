package node

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"modkeep/depmod"
)

// Facts are what a running kernel says of its modules and of who uses them, at
// one moment.
type Facts struct {
	Release    string         // krel
	Cmdline    string         // /proc/cmdline
	Taint      uint64         // /proc/sys/kernel/tainted
	Modules    []LoadedModule // as in /proc/modules, newest first
	Interfaces []Interface
	Mounts     []Mount // mounted file systems and swap areas
	Openers    []Opener
	Driverless []Device // devices that no driver has
}

// Device is a device on a bus.
type Device struct {
	Bus, Name string
	Modalias  string // what it is, as modules.alias has it
}

// LoadedModule is a module that is in the kernel.
type LoadedModule struct {
	Name       string
	Refs       int      // users of any kind; holders are among them
	Holders    []string // modules that use it
	Permanent  bool     // it cannot be unloaded
	State      string   // Live, Loading, Unloading
	Taint      string   // letters: OE
	Srcversion string   // "" where the module has none
	BuildID    string   // hexadecimal; "" where the module has none
	Parameters []Parameter
	Bound      []Binding // devices that its drivers have
}

// Parameter is a file below /sys/module/NAME/parameters.
type Parameter struct {
	Name     string
	Value    string // without the newline at its end
	Writable bool   // it can be set while the module is loaded
}

// Binding is a device that a driver has.
type Binding struct {
	Driver string // BUS:DRIVER, as below /sys/module/NAME/drivers
	Device string // as on its bus: 0000:00:03.0, virtio0
}

// Interface is a network interface.
type Interface struct {
	Name    string
	Up      bool     // IFF_UP is set
	Kind    string   // vlan, bond: what stands behind rtnl-link- in its module's alias; "" for hardware
	Modules []string // of its driver, and of those of the devices above it
}

// Mount is a file system, or a swap area.
type Mount struct {
	Point   string // "" for a swap area
	Source  string
	Type    string   // ext4; "swap"
	Modules []string // of the drivers of its block device, and of those above
}

// Opener is a process that has a character device open.
type Opener struct {
	PID     int
	Comm    string
	Device  string   // the file's name: /dev/hwrng
	Modules []string // of the device's driver, and of those above
}

// Bounds of what is read of /proc and /sys.
const (
	maxProcFile = 16 << 20
	maxSysFile  = 64 << 10
)

// Module returns a loaded module, nil where it is not loaded.
func (f *Facts) Module(name string) *LoadedModule {
	name = depmod.ModuleName(name)
	for i := range f.Modules {
		if f.Modules[i].Name == name {
			return &f.Modules[i]
		}
	}
	return nil
}

// ReadFacts reads /proc and /sys below a directory, "/" for the running kernel.
// ethtool returns the name of a network interface's driver where /sys does not
// tell it, or ""; it may be nil. What a process without the right to it cannot
// see is left out.
func ReadFacts(dir string, ethtool func(iface string) string) (*Facts, error) {
	r := &factReader{dir: dir}
	f := &Facts{Release: r.line("proc/sys/kernel/osrelease"), Cmdline: r.line("proc/cmdline")}
	if f.Release == "" {
		return nil, fmt.Errorf("%s: no kernel release: is /proc mounted?", r.path("proc/sys/kernel/osrelease"))
	}
	f.Taint, _ = strconv.ParseUint(r.line("proc/sys/kernel/tainted"), 10, 64)
	text, err := r.file("proc/modules", maxProcFile)
	if err != nil {
		return nil, err // a kernel without loadable modules has no such file
	}
	if f.Modules, err = parseProcModules(text); err != nil {
		return nil, err
	}
	for i := range f.Modules {
		r.module(&f.Modules[i])
	}
	f.Interfaces = r.interfaces(ethtool)
	if f.Mounts, err = r.mounts(); err != nil {
		return nil, err
	}
	f.Openers = r.openers()
	f.Driverless = r.driverless()
	return f, nil
}

// parseProcModules reads /proc/modules (kernel/module/procfs.c m_show, 6.1):
// name, size, references, users each followed by a comma or "-", state,
// address, and letters of taint in brackets where there are any. Without
// CONFIG_MODULE_UNLOAD references and users are "-".
func parseProcModules(text []byte) ([]LoadedModule, error) {
	var list []LoadedModule
	for n, line := range bytes.Split(text, []byte("\n")) {
		w := strings.Fields(string(line))
		if len(w) == 0 {
			continue
		}
		if len(w) < 6 {
			return nil, fmt.Errorf("/proc/modules: line %d: %d words, want 6 or more", n+1, len(w))
		}
		m := LoadedModule{Name: w[0], State: w[4]}
		refs, err := strconv.Atoi(w[2])
		if err != nil && w[2] != "-" {
			return nil, fmt.Errorf("/proc/modules: line %d: %q is no number of references", n+1, w[2])
		}
		m.Refs, m.Permanent = refs, w[2] == "-"
		for user := range strings.SplitSeq(w[3], ",") {
			switch user {
			case "", "-":
			case "[permanent]":
				m.Permanent = true
			default:
				m.Holders = append(m.Holders, user)
			}
		}
		if len(w) > 6 {
			m.Taint = strings.Trim(w[6], "()+-")
		}
		list = append(list, m)
	}
	return list, nil
}

// factReader reads files below a directory that has proc and sys.
type factReader struct{ dir string }

func (r *factReader) path(name string) string { return filepath.Join(r.dir, name) }

// file reads a file of /proc or /sys, which does not tell its size.
func (r *factReader) file(name string, limit int64) ([]byte, error) {
	f, err := os.Open(r.path(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: more than %d bytes", r.path(name), limit)
	}
	return data, err
}

// line is a file's content without the white space around it, "" where it
// cannot be read.
func (r *factReader) line(name string) string {
	text, err := r.file(name, maxSysFile)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func (r *factReader) list(name string) []string {
	entries, err := os.ReadDir(r.path(name))
	if err != nil {
		return nil
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// module fills in what /sys says of a loaded module.
func (r *factReader) module(m *LoadedModule) {
	dir := "sys/module/" + m.Name
	m.Srcversion = r.line(dir + "/srcversion")
	if note, err := r.file(dir+"/notes/.note.gnu.build-id", maxSysFile); err == nil {
		m.BuildID = buildIDNote(note)
	}
	for _, name := range r.list(dir + "/parameters") {
		file := dir + "/parameters/" + name
		info, err := os.Stat(r.path(file))
		if err != nil {
			continue
		}
		text, err := r.file(file, maxSysFile)
		if err != nil {
			continue // some can only be written
		}
		m.Parameters = append(m.Parameters, Parameter{name, strings.TrimSuffix(string(text), "\n"), info.Mode().Perm()&0o200 != 0})
	}
	for _, driver := range r.list(dir + "/drivers") {
		for _, device := range r.list(dir + "/drivers/" + driver) {
			target, err := filepath.EvalSymlinks(r.path(dir + "/drivers/" + driver + "/" + device))
			if err == nil && strings.HasPrefix(target, r.devices()) {
				m.Bound = append(m.Bound, Binding{driver, device})
			}
		}
	}
}

// devices is the directory that all devices lie in.
func (r *factReader) devices() string {
	dir, err := filepath.EvalSymlinks(r.path("sys/devices"))
	if err != nil {
		return "/nowhere/"
	}
	return dir + "/"
}

// driverless are the devices that say what they are and that no driver has.
func (r *factReader) driverless() []Device {
	var list []Device
	for _, bus := range r.list("sys/bus") {
		dir := "sys/bus/" + bus + "/devices/"
		for _, name := range r.list(dir) {
			if _, err := os.Lstat(r.path(dir + name + "/driver")); err == nil {
				continue
			}
			if alias := r.line(dir + name + "/modalias"); alias != "" {
				list = append(list, Device{bus, name, alias})
			}
		}
	}
	return list
}

// buildIDNote reads the ELF note of a build id: three words (the length of the
// name with its NUL, that of the id, the type 3), "GNU" and the id.
func buildIDNote(note []byte) string {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if len(note) < 16 || order.Uint32(note) != 4 || order.Uint32(note[8:]) != 3 || string(note[12:16]) != "GNU\x00" {
			continue
		}
		if n := order.Uint32(note[4:]); uint64(n) <= uint64(len(note)-16) {
			return fmt.Sprintf("%x", note[16:16+n])
		}
	}
	return ""
}

// modulesAbove returns the modules of the drivers of a device and of those
// above it: a disk's own, its bus's, and that of the controller.
func (r *factReader) modulesAbove(name string) []string {
	dir, err := filepath.EvalSymlinks(r.path(name))
	if err != nil {
		return nil
	}
	var list []string
	top := r.devices()
	for ; strings.HasPrefix(dir, top); dir = filepath.Dir(dir) {
		if target, err := os.Readlink(filepath.Join(dir, "driver/module")); err == nil {
			list = append(list, path.Base(target))
		}
		// What is stacked (dm, md, bcache) is on other devices.
		for _, slave := range r.inside(filepath.Join(dir, "slaves")) {
			list = append(list, r.modulesAbove(slave)...)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// inside returns the entries of a directory of the machine, as names below the
// reader's.
func (r *factReader) inside(dir string) []string {
	rel, err := filepath.Rel(r.dir, dir)
	if err != nil {
		return nil
	}
	names := r.list(rel)
	for i := range names {
		names[i] = filepath.Join(rel, names[i])
	}
	return names
}

const interfaceUp = 1 // IFF_UP, include/uapi/linux/if.h

func (r *factReader) interfaces(ethtool func(string) string) []Interface {
	var list []Interface
	for _, name := range r.list("sys/class/net") {
		flags, err := strconv.ParseUint(r.line("sys/class/net/"+name+"/flags"), 0, 32)
		if err != nil {
			continue // bonding_masters is no interface
		}
		i := Interface{Name: name, Up: flags&interfaceUp != 0, Modules: r.modulesAbove("sys/class/net/" + name)}
		for line := range strings.Lines(r.line("sys/class/net/" + name + "/uevent")) {
			if kind, ok := strings.CutPrefix(line, "DEVTYPE="); ok {
				i.Kind = strings.TrimSpace(kind)
			}
		}
		if len(i.Modules) == 0 && ethtool != nil {
			if driver := ethtool(name); driver != "" {
				i.Modules = []string{depmod.ModuleName(driver)}
			}
		}
		list = append(list, i)
	}
	return list
}

// mounts reads /proc/self/mountinfo (proc(5)) and /proc/swaps.
func (r *factReader) mounts() ([]Mount, error) {
	text, err := r.file("proc/self/mountinfo", maxProcFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var list []Mount
	for line := range strings.Lines(string(text)) {
		m, device, ok := parseMount(line)
		if ok {
			m.Modules = r.modulesAbove("sys/dev/block/" + device)
			if strings.HasPrefix(device, "0:") && strings.HasPrefix(m.Source, "/dev/") {
				// btrfs shows a number of its own; what it is on tells its source.
				m.Modules = r.modulesAbove("sys/class/block/" + r.deviceName(m.Source))
			}
			list = append(list, m)
		}
	}
	swaps, err := r.file("proc/swaps", maxProcFile)
	if err != nil {
		return list, nil
	}
	for line := range strings.Lines(string(swaps)) {
		if w := strings.Fields(line); len(w) > 1 && w[1] == "partition" {
			list = append(list, Mount{Source: unescapeOctal(w[0]), Type: "swap", Modules: r.modulesAbove("sys/class/block/" + r.deviceName(unescapeOctal(w[0])))})
		}
	}
	return list, nil
}

// deviceName is the kernel's name of a block device, whose file may be a link:
// /dev/mapper/root is dm-0.
func (r *factReader) deviceName(file string) string {
	if real, err := filepath.EvalSymlinks(r.path(file)); err == nil {
		file = real
	}
	return path.Base(file)
}

// parseMount reads a line of mountinfo: the third word is MAJOR:MINOR, the
// fifth the mount point; behind a lone "-" stand type and source.
func parseMount(line string) (m Mount, device string, ok bool) {
	w := strings.Fields(line)
	dash := slices.Index(w, "-")
	if dash < 6 || len(w) < dash+3 {
		return m, "", false
	}
	return Mount{Point: unescapeOctal(w[4]), Type: w[dash+1], Source: unescapeOctal(w[dash+2])}, w[2], true
}

// unescapeOctal undoes \040 and its like.
func unescapeOctal(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// openers finds the processes that have a device of a driver that is a module
// open.
func (r *factReader) openers() []Opener {
	var list []Opener
	known := map[string][]string{}
	for _, name := range r.list("proc") {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		for _, fd := range r.list("proc/" + name + "/fd") {
			file, err := os.Readlink(r.path("proc/" + name + "/fd/" + fd))
			if err != nil || !strings.HasPrefix(file, "/dev/") {
				continue
			}
			modules, ok := known[file]
			if !ok {
				modules = r.deviceModules(name, fd)
				known[file] = modules
			}
			if len(modules) > 0 {
				list = append(list, Opener{pid, r.line("proc/" + name + "/comm"), file, modules})
			}
		}
	}
	return list
}

// deviceModules are the modules of a character device that a process has open.
func (r *factReader) deviceModules(pid, fd string) []string {
	info, err := os.Stat(r.path("proc/" + pid + "/fd/" + fd))
	if err != nil || info.Mode()&fs.ModeCharDevice == 0 {
		return nil
	}
	major, minor, ok := deviceNumber(info)
	if !ok {
		return nil
	}
	return r.modulesAbove(fmt.Sprintf("sys/dev/char/%d:%d", major, minor))
}
