// Package wire holds what passes between the host side of a kernel test and
// the init process inside the virtual machine.
//
// A job is the list of load attempts, or of probes, for one boot; it lies in the
// initramfs as JobFile. A probe is one run of modprobe(8). A job of commands is
// about a disk instead: programs that are run on it, one after the other. An
// event is one line the guest writes to its console, Marker first and JSON behind
// it; whatever else appears on the console is the kernel's own.
package wire

// JobFile is where the init process finds its job inside the initramfs.
const JobFile = "/job.json"

// Marker begins every line on the console that carries an event.
const Marker = "@modkeep-event "

// LogMark is what the guest writes to the kernel's log each time it is going to
// read it; the last one on a console is followed by what a fatal load printed.
const LogMark = "modkeep reads the log"

// Job is what one boot is to do.
type Job struct {
	Attempts []Attempt
	Probes   []Probe
	Commands []Command
	// Insmod are paths of modules inside the initramfs that are loaded before
	// the commands are run, in this order: drivers of the disk.
	Insmod []string
	// Disk is the block device that is mounted as the commands' root; empty
	// where there are none.
	Disk string
	// StuckMS is how many milliseconds one module load or removal may take
	// before the guest reports it as stuck and gives up the boot.
	StuckMS int
}

// Attempt is one call of finit_module(2) or init_module(2).
type Attempt struct {
	Index  int      // the host's number for this attempt
	Module string   // path inside the initramfs
	Deps   []string // paths of modules to load first, in this order
	Flags  int      // finit_module's flags
	Params string   // the module's parameters
	Init   bool     // init_module instead of finit_module
}

// Probe is one run of modprobe from the tree that lies in the initramfs.
type Probe struct {
	Index int
	Name  string // the module's
}

// Command is one program run on the disk, as after chroot(2), or an action of
// the init process itself:
//
//	@up IFACE            sets an interface up
//	@mount SOURCE DIR TYPE
//	@read FILE BYTES     answers with what it read, in hexadecimal
//	@arp IFACE ADDRESS   asks who has an address on the interface's network,
//	                     and answers with who said so
type Command struct {
	Index int
	Argv  []string
}

// The programs that a job with probes needs inside the initramfs.
const (
	Modprobe = "/sbin/modprobe" // where the kernel looks for it too
	Modinfo  = "/sbin/modinfo"
)

// Line is one record of the kernel's log.
type Line struct {
	Level int    // 0 (emergency) to 7 (debug)
	Text  []byte // the message, kmsg's \xNN escapes undone; need not be UTF-8
}

// Module is one line of /proc/modules.
type Module struct {
	Name   string
	Taints string // letters between the brackets, such as OE; empty without
}

// DepError is a dependency that did not load.
type DepError struct {
	Path  string // inside the initramfs
	Errno string
}

// The kinds of event, in the order in which an attempt goes through them.
const (
	Ready  = "ready"  // the guest is up
	Begin  = "begin"  // attempt or probe Index begins
	Ran    = "ran"    // the command ended; Status, Output and Stderr are filled in
	Loaded = "loaded" // the load or the program returned; everything but Kept is filled in
	Stuck  = "stuck"  // the load or the removal did not return in time
	End    = "end"    // what was loaded has been removed, except Kept
	Done   = "done"   // all attempts are through
	Failed = "failed" // the guest could not do its work; Errno says why
)

// Event is one report of the guest.
type Event struct {
	Kind  string
	Index int

	Errno       string     `json:",omitempty"` // symbolic, empty for success
	Log         []Line     `json:",omitempty"` // from just before the call on
	TaintBefore uint64     `json:",omitempty"` // /proc/sys/kernel/tainted
	TaintAfter  uint64     `json:",omitempty"`
	Before      []Module   `json:",omitempty"` // /proc/modules, newest first, dependencies included
	DepErrors   []DepError `json:",omitempty"`
	Kept        []string   `json:",omitempty"` // modules that could not be removed
	Micros      int64      `json:",omitempty"` // how long the call took
	Keys        int        `json:",omitempty"` // of Ready: asymmetric keys in /proc/keys

	Stderr string `json:",omitempty"` // of commands: what it wrote there

	// Of probes, and Status and Output of commands.
	File   string   `json:",omitempty"` // what modinfo -n says of the name
	Status int      `json:",omitempty"` // modprobe's exit status, -1 where it could not be run
	Output string   `json:",omitempty"` // what it printed
	After  []Module `json:",omitempty"` // /proc/modules afterwards, newest first
}
