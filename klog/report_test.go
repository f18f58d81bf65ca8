package klog

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestXenEvtchn(t *testing.T) {
	_, got := read(t, file(t, "xen-evtchn.log"))
	if len(got) != 1 {
		t.Fatalf("%d reports, want 1", len(got))
	}
	want := &Report{
		Kind: BUG, Title: "kernel BUG at drivers/xen/evtchn.c:264!", Trap: "invalid opcode: 0000 [#3] SMP",
		Location: "drivers/xen/evtchn.c:264", Number: 3, CPU: 11, PID: 7959, Comm: "xenstored", Taint: "GD",
		Kernel: "3.10.20-11.el6.centos.alt.x86_64", Hardware: "HP ProLiant DL360p Gen8 HY, BIOS P71 08/02/2014",
		IP: &Frame{Symbol: "evtchn_bind_to_user", Offset: 0xb8, Size: 0xc0, Module: "xen_evtchn", Address: "ffffffffa03276f8", Reliable: true},
		Culprit: Culprit{Module: "xen_evtchn", Origin: InTree, Mark: "not marked as out of tree",
			Reason: "its code was running: evtchn_bind_to_user+0xb8/0xc0 [xen_evtchn]"},
		Line: 1, Last: 33, Time: "Dec 23 00:51:38",
	}
	if diff := cmp.Diff(want, got[0], cmpopts.IgnoreFields(Report{}, "Trace", "Modules")); diff != "" {
		t.Error(diff)
	}
	if n := len(got[0].Modules); n != 71 {
		t.Errorf("%d modules linked in, want 71", n)
	}
	var trace []string
	for _, f := range got[0].Trace {
		trace = append(trace, f.String())
	}
	wantTrace := []string{"evtchn_ioctl+0x13e/0x304 [xen_evtchn]", "do_vfs_ioctl+0x89/0x350", "SyS_ioctl+0xa1/0xb0",
		"? __audit_syscall_exit+0x246/0x2f0", "system_call_fastpath+0x16/0x1b"}
	if diff := cmp.Diff(wantTrace, trace); diff != "" {
		t.Error(diff)
	}
	if got := got[0].Taint.Spelled(); len(got) != 1 || !strings.HasPrefix(got[0], "D: ") {
		t.Errorf("taint %q", got)
	}
}

// TestGenerations reads reports of several architectures and kernels.
func TestGenerations(t *testing.T) {
	_, got := read(t, file(t, "generations.txt"))
	type short struct {
		Kind                   ReportKind
		Location               string
		Number, CPU, PID       int
		Comm                   string
		Taint                  Taints
		Kernel, IP             string
		Frames                 int
		Culprit                string
		Origin                 Origin
		Panic, Unloaded        string
		earlierIsInThisLogLine bool
	}
	var have []short
	for _, r := range got {
		s := short{r.Kind, r.Location, r.Number, r.CPU, r.PID, r.Comm, r.Taint, r.Kernel, "", len(r.Trace),
			r.Culprit.Module, r.Culprit.Origin, r.Panic, r.Unloaded, r.First == 25}
		if r.IP != nil {
			s.IP = r.IP.String()
		}
		have = append(have, s)
	}
	want := []short{
		{PageFault, "", 1, 3, 4711, "kworker/3:1", "POE", "6.12.107+deb12-amd64", "vend_poll+0x1c/0x80 [vend_net]", 3, "vend_net", ThirdParty, "Kernel panic - not syncing: Fatal exception in interrupt", "vend_core", false},
		{PageFault, "", 1, 1, 99, "insmod", "GO", "6.1.0-56-arm64", "__memcpy+0x110/0x230", 3, "arm_vend", ThirdParty, "", "", false},
		{PageFault, "", 2, 0, 7690, "a b c", "GDO", "3.12.28+", "bt_vend_rx+0x18/0x64 [bt_vend]", 2, "bt_vend", ThirdParty, "", "", true},
		{Oops, "", 3, 132, 802, "watchdog/132", "GDWE", "4.15.0-33-generic", "dbs_update_util_handler+0x18/0xf0", 2, "gov_vend", ThirdParty, "", "", true},
		{PageFault, "", 4, 0, 32, "kworker/u2:1", "GOE", "5.17.0", "qeth_vend_number+0x464/0x5d0 [qeth_vend]", 2, "qeth_vend", ThirdParty, "", "", true},
		{PageFault, "", 5, 2, 1234, "java", "P", "2.6.18-194.el5", "old_vend_ioctl+0x26/0x80 [old_vend]", 2, "old_vend", ThirdParty, "", "", true},
		{PageFault, "", 5, 0, 77, "cat", "P", "2.6.32-220.el6.i686", "i_vend_open+0x6/0x40 [i_vend]", 1, "i_vend", ThirdParty, "", "", true},
		{WARNING, "lib/refcount.c:28", 0, 2, 1234, "modprobe", "GOE", "6.18.2", "refcount_warn_saturate+0xba/0x110", 2, "leaky", ThirdParty, "", "", false},
		{WARNING, "net/sched/sch_generic.c:525", 0, 1, 22, "swapper/1", "", "5.15.0-56-generic", "dev_watchdog+0x20e/0x220", 2, "", OriginUnknown, "", "", false},
		{HungTask, "", 0, -1, 10227, "zfs", "POE", "5.9.4-arch1-1", "", 3, "zfs", OriginUnknown, "", "", false},
		{SoftLockup, "", 0, 1, 123, "vend_thread", "GOEL", "5.10.0-20-amd64", "spin_vend_loop+0x1/0x10 [spin_vend]", 1, "spin_vend", ThirdParty, "", "", false},
		{RCUStall, "", 0, -1, -1, "", "", "", "", 0, "", OriginUnknown, "", "", false},
		{Sanitizer, "", 0, 0, 9, "kworker/0:1", "GO", "6.5.0", "kas_write+0x12/0x40 [kas]", 1, "kas", OriginUnknown, "", "", false},
		{GPF, "", 9, 0, 1, "x", "GDWOE", "6.1.0", "0xffffffffc0a1b2c3", 1, "gone_caller", OriginUnknown, "", "", true},
	}
	if diff := cmp.Diff(want, have, cmp.AllowUnexported(short{})); diff != "" {
		t.Error(diff)
	}
}

// TestCallers keeps reports of two processors apart that print at once.
func TestCallers(t *testing.T) {
	a := "BUG: unable to handle page fault for address: 1|Oops: 0000 [#1] SMP|CPU: 0 PID: 10 Comm: aa Not tainted 6.1.0 #1|RIP: 0010:fa+0x1/0x2 [ma]|Call Trace:| ga+0x1/0x2|---[ end trace 0 ]---"
	b := "BUG: unable to handle page fault for address: 2|Oops: 0000 [#2] SMP|CPU: 1 PID: 11 Comm: bb Not tainted 6.1.0 #1|RIP: 0010:fb+0x1/0x2 [mb]|Call Trace:| gb+0x1/0x2|---[ end trace 0 ]---"
	var log strings.Builder
	as, bs := strings.Split(a, "|"), strings.Split(b, "|")
	for i := range as {
		log.WriteString("[    1.000000][   T10] " + as[i] + "\n[    1.000000][   T11] " + bs[i] + "\n")
	}
	_, got := read(t, log.String())
	if len(got) != 2 || got[0].Culprit.Module != "ma" || got[1].Culprit.Module != "mb" || len(got[0].Trace) != 1 || got[1].PID != 11 {
		t.Errorf("got %d reports: %+v", len(got), got)
	}
}

func TestForeignNote(t *testing.T) {
	_, got := read(t, "[ 1.0] x\nvend: loading out-of-tree module taints kernel.\nBUG: unable to handle page fault\nOops: 0000 [#1] SMP\nRIP: 0010:f+0x1/0x2 [vend]\n")
	if len(got) != 1 || got[0].Culprit.Origin != ThirdParty {
		t.Errorf("got %+v", got)
	}
}

func TestLongModuleList(t *testing.T) {
	_, got := read(t, "kernel BUG at a.c:1!\nModules linked in: one(OE) two\n three(P) four [last unloaded: five]\nCPU: 0 PID: 1 Comm: x Not tainted 6.1.0 #1\n")
	want := []LinkedModule{{"one", "OE"}, {"two", ""}, {"three", "P"}, {"four", ""}}
	if len(got) != 1 {
		t.Fatalf("%d reports", len(got))
	}
	if diff := cmp.Diff(want, got[0].Modules); diff != "" || got[0].Unloaded != "five" {
		t.Error(diff, got[0].Unloaded)
	}
}

// TestRealLog reads what a kernel said to loads and to a module that breaks
// on demand; what was done to it is the second source.
func TestRealLog(t *testing.T) {
	attempts, reports := read(t, file(t, "vend-6.1.dmesg"))
	var loads []string
	for _, a := range attempts {
		for _, k := range a.Kinds() {
			loads = append(loads, a.Module+" "+string(k)+" "+a.Errno+" "+a.Kernel)
		}
	}
	const k = " 6.1.0-56-cloud-amd64"
	want := []string{ // each twice, as busybox tries both system calls
		"sunrpc layout ENOEXEC" + k, "sunrpc layout ENOEXEC" + k,
		"crc_itu_t layout ENOEXEC" + k, "crc_itu_t layout ENOEXEC" + k,
		"nfs missing ENOENT" + k, "nfs missing ENOENT" + k,
		" elf ENOEXEC" + k, " elf ENOEXEC" + k,
	}
	if diff := cmp.Diff(want, loads, cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Error(diff)
	}
	type short struct {
		Kind     ReportKind
		Location string
		Number   int
		First    bool
		IP       string
		Taint    Taints
		Culprit  string
		Origin   Origin
	}
	var have []short
	for _, r := range reports {
		have = append(have, short{r.Kind, r.Location, r.Number, r.First != 0, r.IP.Symbol, r.Taint, r.Culprit.Module, r.Culprit.Origin})
	}
	wantReports := []short{
		{WARNING, "/usr/src/vend-1.0/vend_oops.c:13", 0, false, "vend_write", "GOE", "vend_oops", ThirdParty},
		{PageFault, "", 1, false, "vend_read_reg.constprop.0", "GWOE", "vend_oops", ThirdParty},
		{BUG, "/usr/src/vend-1.0/vend_oops.c:6", 2, true, "vend_check.constprop.0", "GDWOE", "vend_oops", ThirdParty},
		{GPF, "", 3, true, "", "GDWOE", "vend_oops", ThirdParty},
	}
	if diff := cmp.Diff(wantReports, have); diff != "" {
		t.Error(diff)
	}
}
