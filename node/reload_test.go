package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modkeep/ko"
)

// fakeKernel plays the kernel: it loads what it is given, unless told not to,
// and notes what was asked of it. Its modules are told apart by srcversion.
type fakeKernel struct {
	facts   Facts
	did     []string
	waited  time.Duration
	refuses map[string]error // "unload NAME", "load NAME SRCVERSION"
	log     string           // what the next Log returns
	says    map[string]string
	deaf    map[string]bool // srcversions whose modules take no device
	taints  map[string]uint64
	devices map[string][]Binding
	params  map[string][]Parameter // the defaults
	command error
	cmdSaid string
	hangs   bool // the command
	// unloaded is called after a module has gone.
	unloaded func()
}

func (k *fakeKernel) Facts() (*Facts, error) {
	f := k.facts
	f.Modules = slices.Clone(k.facts.Modules)
	for i := range f.Modules {
		f.Modules[i].Parameters = slices.Clone(f.Modules[i].Parameters)
	}
	return &f, nil
}

func (k *fakeKernel) Load(m ModuleFile, params string) error {
	f, err := ko.New(m.Path, strings.NewReader(string(m.Data)), int64(len(m.Data)))
	if err != nil {
		return err
	}
	src, _ := f.Info.Get("srcversion")
	name := f.Name()
	k.did = append(k.did, strings.TrimSpace(fmt.Sprintf("load %s %s %s", name, src, params)))
	k.log += k.says[src]
	if err := k.refuses["load "+name+" "+src]; err != nil {
		return err
	}
	if k.facts.Module(name) != nil {
		return syscall.EEXIST
	}
	loaded := LoadedModule{Name: name, State: "Live", Srcversion: src}
	if !k.deaf[src] {
		loaded.Bound = k.devices[name]
	}
	for _, p := range k.params[name] {
		for word := range strings.SplitSeq(params, " ") {
			if value, ok := strings.CutPrefix(word, p.Name+"="); ok {
				p.Value = value
			}
		}
		loaded.Parameters = append(loaded.Parameters, p)
	}
	needs, _ := f.Info.Get("depends")
	for i := range k.facts.Modules {
		if slices.Contains(strings.Split(needs, ","), k.facts.Modules[i].Name) {
			k.facts.Modules[i].Refs++
			k.facts.Modules[i].Holders = append(k.facts.Modules[i].Holders, name)
		}
	}
	k.facts.Taint |= k.taints[src]
	k.facts.Modules = append([]LoadedModule{loaded}, k.facts.Modules...)
	return nil
}

func (k *fakeKernel) Unload(name string) error {
	k.did = append(k.did, "unload "+name)
	if err := k.refuses["unload "+name]; err != nil {
		return err
	}
	if m := k.facts.Module(name); m == nil {
		return syscall.ENOENT
	} else if m.Refs > 0 {
		return syscall.EAGAIN
	}
	for i := range k.facts.Modules {
		m := &k.facts.Modules[i]
		if at := slices.Index(m.Holders, name); at >= 0 {
			m.Refs--
			m.Holders = slices.Delete(slices.Clone(m.Holders), at, at+1)
		}
	}
	k.facts.Modules = slices.DeleteFunc(k.facts.Modules, func(m LoadedModule) bool { return m.Name == name })
	if k.unloaded != nil {
		k.unloaded()
	}
	return nil
}

func (k *fakeKernel) SetParameter(module, parameter, value string) error {
	k.did = append(k.did, fmt.Sprintf("set %s.%s=%s", module, parameter, value))
	m := k.facts.Module(module)
	for i := range m.Parameters {
		if m.Parameters[i].Name == parameter {
			m.Parameters[i].Value = value
		}
	}
	return nil
}

func (k *fakeKernel) Log() ([]byte, error) {
	text := k.log
	k.log = ""
	return []byte(text), nil
}

func (k *fakeKernel) Command(ctx context.Context, command string) (string, error) {
	k.did = append(k.did, "run "+command)
	if k.hangs {
		<-ctx.Done()
		return "one answer\n", errors.New("signal: killed")
	}
	return k.cmdSaid, k.command
}

func (k *fakeKernel) Wait(_ context.Context, d time.Duration) { k.waited += d }

// stack is a root with three modules one upon the other, base, mid and top, and
// soft ones.
const stack = `file /etc/os-release ID=rhel\n
	file /etc/depmod.d/dist.conf search updates extra built-in weak-updates\n
	kernel K1
	vmlinux printk@a
	kernel/base.ko printk@a +base_do@1 srcversion=BASE1
	kernel/mid.ko printk@a base_do@1 depends=base srcversion=MID1 parmtype=num:int
	extra/top.ko printk@a srcversion=TOP1 depends=mid
	kernel/early.ko printk@a srcversion=EARLY1
	kernel/late.ko printk@a srcversion=LATE1
	kernel K2
	vmlinux printk@b
	`

const stackDeps = "kernel/base.ko:\nkernel/mid.ko: kernel/base.ko\nextra/top.ko: kernel/mid.ko kernel/base.ko\nkernel/early.ko:\nkernel/late.ko:\n"

// running is the stack with its modules loaded.
func running(t *testing.T) (*Node, *fakeKernel) {
	t.Helper()
	n, _ := write(t, stack, "")
	deps(t, n, k1, stackDeps)
	k := &fakeKernel{refuses: map[string]error{}, says: map[string]string{}, deaf: map[string]bool{}, taints: map[string]uint64{}, params: map[string][]Parameter{},
		devices: map[string][]Binding{"mid": {{"pci:mid", "0000:00:03.0"}}}}
	k.facts = Facts{Release: k1, Modules: []LoadedModule{
		{Name: "top", State: "Live", Srcversion: "TOP1"},
		{Name: "mid", State: "Live", Srcversion: "MID1", Refs: 1, Holders: []string{"top"}, Bound: k.devices["mid"]},
		{Name: "base", State: "Live", Srcversion: "BASE1", Refs: 1, Holders: []string{"mid"}},
	}}
	return n, k
}

// reloaded plans and does a reload.
func reloaded(t *testing.T, n *Node, k *fakeKernel, req ReloadRequest, checks Checks) (*ReloadPlan, *ReloadResult) {
	t.Helper()
	facts, _ := k.Facts()
	p, err := n.PlanReload(req, facts)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Refusals) > 0 {
		t.Fatalf("refused: %q", p.Refusals)
	}
	res, err := n.Reload(t.Context(), k, p, checks)
	if err != nil {
		t.Fatal(err)
	}
	return p, res
}

func reportFor(res *ReloadResult, name string) ModuleReport {
	for _, r := range res.Reports {
		if r.Name == name {
			return r
		}
	}
	return ModuleReport{}
}

func TestReloadOrder(t *testing.T) {
	tests := []struct {
		name   string
		names  []string
		conf   string
		loaded []string // left out of the kernel: top …
		want   string
	}{
		{"a holder that modules.dep does not know", []string{"base"}, "# early", nil,
			"unload early, unload top, unload mid, unload base, load base BASE1, load mid MID1, load top TOP1, load early EARLY1"},
		{"what holds it goes first and comes last", []string{"base"}, "", nil,
			"unload top, unload mid, unload base, load base BASE1, load mid MID1, load top TOP1"},
		{"what it uses stays", []string{"top"}, "", nil, "unload top, load top TOP1"},
		{"several, in any order", []string{"top", "base"}, "", nil,
			"unload top, unload mid, unload base, load base BASE1, load mid MID1, load top TOP1"},
		{"not loaded, with what it needs", []string{"top"}, "", []string{"top", "mid"}, "load mid MID1, load top TOP1"},
		{"soft dependencies", []string{"top"}, "softdep top pre: early post: late nowhere\n", nil,
			"unload top, load early EARLY1, load top TOP1, load late LATE1"},
		{"options", []string{"mid"}, "options mid num=3\noptions top x=\"a b\"\n", nil,
			"unload top, unload mid, load mid MID1 num=3, load top TOP1 x=\"a b\""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n, k := running(t)
			if err := os.MkdirAll(n.Root+"/etc/modprobe.d", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(n.Root+"/etc/modprobe.d/x.conf", []byte(test.conf), 0o644); err != nil {
				t.Fatal(err)
			}
			for _, name := range test.loaded {
				if err := k.Unload(name); err != nil {
					t.Fatal(err)
				}
			}
			if test.conf == "# early" { // it took a symbol of base at run time
				k.facts.Modules = append(k.facts.Modules, LoadedModule{Name: "early", State: "Live", Srcversion: "EARLY1"})
				base := k.facts.Module("base")
				base.Refs, base.Holders = 2, []string{"early", "mid"}
			}
			k.did = nil
			_, res := reloaded(t, n, k, ReloadRequest{Names: test.names}, Checks{})
			if got := strings.Join(k.did, ", "); got != test.want {
				t.Errorf("did   %s\nwant  %s", got, test.want)
			}
			for _, r := range res.Reports {
				if !r.OK || r.RolledBack || r.Reason != "" {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}

func TestReloadRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(f *Facts)
		want   string
	}{
		{"interface", func(f *Facts) { f.Interfaces = []Interface{{"eth0", true, "", []string{"mid"}}} }, "mid: network interface eth0 is up on it"},
		{"interface of a kind", func(f *Facts) { f.Interfaces = []Interface{{"eth0.5", true, "vlan", []string{"802.1Q VLAN Support"}}} }, "mid: network interface eth0.5 is up on it"},
		{"file system's device", func(f *Facts) { f.Mounts = []Mount{{"/", "/dev/vda", "ext4", []string{"mid"}}} }, "mid: /dev/vda is mounted on / from it"},
		{"file system", func(f *Facts) { f.Mounts = []Mount{{"/x", "none", "top", nil}} }, "top: none is mounted on /x from it"},
		{"swap", func(f *Facts) { f.Mounts = []Mount{{"", "/dev/vda", "swap", []string{"mid"}}} }, "mid: /dev/vda is swap space on it"},
		{"process", func(f *Facts) { f.Openers = []Opener{{7, "rngd", "/dev/hwrng", []string{"top"}}} }, "top: rngd (process 7) has /dev/hwrng open"},
		{"somebody", func(f *Facts) { f.Module("top").Refs = 2 }, "top: 2 uses of it are not by modules, and the kernel does not tell by whom"},
		{"permanent", func(f *Facts) { f.Module("top").Permanent = true }, "top: the kernel says that it cannot be unloaded (permanent)"},
		{"no way back", func(f *Facts) { f.Module("top").Srcversion = "TOP0" }, "top: another build is loaded (srcversion TOP0) than /lib/modules/" + k1 + "/extra/top.ko, and no copy of it is left to go back to"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n, k := running(t)
			if err := os.WriteFile(n.Root+"/lib/modules/"+k1+"/modules.alias", []byte("alias rtnl-link-vlan mid\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			test.change(&k.facts)
			facts, _ := k.Facts()
			p, err := n.PlanReload(ReloadRequest{Names: []string{"base"}}, facts)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{test.want}, p.Refusals); diff != "" {
				t.Errorf("refusals (-want +got):\n%s", diff)
			}
			if _, err := n.Reload(t.Context(), k, p, Checks{}); err == nil || len(k.did) > 0 {
				t.Errorf("error %v, did %v: a refused plan was carried out", err, k.did)
			}
			if holders := strings.Join(p.Lines(), "\n"); !strings.Contains(holders, "base: mid uses it") || !strings.Contains(holders, "mid: top uses it") {
				t.Errorf("holders are not named:\n%s", holders)
			}
			if p, err = n.PlanReload(ReloadRequest{Names: []string{"base"}, Force: true}, facts); err != nil || len(p.Refusals) > 0 || len(p.Notes) == 0 {
				t.Errorf("by force: %v, refused %q, notes %q", err, p.Refusals, p.Notes)
			}
		})
	}
}

// replaced puts another build of mid where depmod selects it.
func replaced(t *testing.T, n *Node, line string) {
	t.Helper()
	if _, _, err := n.Install(t.Context(), InstallRequest{Verb: InstallReplace, Sources: sources(t, module(t, k1, line))}); err != nil {
		t.Fatal(err)
	}
	deps(t, n, k1, strings.ReplaceAll(stackDeps, "kernel/mid.ko", "updates/mid.ko"))
}

// TestReloadReturns has a new build of mid fail in every way: the one before is
// back, with top, and the installation is taken back.
func TestReloadReturns(t *testing.T) {
	tests := []struct {
		name   string
		change func(k *fakeKernel)
		checks Checks
		reason string
	}{
		{"device", func(k *fakeKernel) { k.deaf["MID2"] = true }, Checks{}, "device 0000:00:03.0 is not bound to it any more (was by pci:mid)"},
		{"load", func(k *fakeKernel) {
			k.refuses["load mid MID2"] = syscall.ENOEXEC
			k.says["MID2"] = "3,1,1,-;mid: disagrees about version of symbol module_layout\n"
		}, Checks{}, "cannot be loaded: exec format error: mid: disagrees about version of symbol module_layout"},
		{"taint", func(k *fakeKernel) { k.taints["MID2"] = 1 << 9 }, Checks{}, "the kernel is tainted since (W: a warning)"},
		{"pattern", func(k *fakeKernel) { k.says["MID2"] = "3,1,1,-;mid 0000:00:03.0: firmware is from the moon\n" },
			Checks{Patterns: []*regexp.Regexp{regexp.MustCompile("moon$")}}, "the kernel log matches moon$: mid 0000:00:03.0: firmware is from the moon"},
		{"command", func(k *fakeKernel) { k.command, k.cmdSaid = errors.New("exit status 1"), "one\nno route\n" }, Checks{Command: "ping"}, "ping: exit status 1: no route"},
		{"command without end", func(k *fakeKernel) { k.hangs = true }, Checks{Command: "ping", Timeout: time.Millisecond}, "ping: not ended after 1ms: one answer"},
		{"report", func(k *fakeKernel) {
			k.says["MID2"] = "4,1,1,-;WARNING: CPU: 0 PID: 1 at drivers/mid.c:7 mid_probe+0x10/0x20 [mid]\n4,2,1,-;Modules linked in: mid(OE+)\n4,3,1,-;CPU: 0 PID: 1 Comm: modkeep Tainted: G OE 5.14.0 #1\n4,4,1,-;RIP: 0010:mid_probe+0x10/0x20 [mid]\n4,5,1,-;---[ end trace 0000000000000000 ]---\n"
		}, Checks{}, "the kernel log has: WARNING: CPU: 0 PID: 1 at drivers/mid.c:7 mid_probe+0x10/0x20 [mid]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n, k := running(t)
			before := dump(t, n)
			replaced(t, n, "mid.ko printk@a base_do@1 srcversion=MID2 depends=base")
			test.change(k)
			_, res := reloaded(t, n, k, ReloadRequest{Names: []string{"mid"}}, test.checks)
			r := reportFor(res, "mid")
			if r.OK || !r.RolledBack || !strings.Contains(r.Reason, test.reason) || !strings.Contains(r.Reason, "the previous build (srcversion MID1) is back") {
				t.Errorf("%+v, want %q", r, test.reason)
			}
			if top := reportFor(res, "top"); top.OK || !top.RolledBack {
				t.Errorf("%+v, want it back too", top)
			}
			for name, src := range map[string]string{"base": "BASE1", "mid": "MID1", "top": "TOP1"} {
				if m := k.facts.Module(name); m == nil || m.Srcversion != src {
					t.Errorf("%s is %+v, want %s", name, m, src)
				}
			}
			if res.Undone == nil || len(res.Undone.Undone) != 1 {
				t.Errorf("undone %+v", res.Undone)
			}
			deps(t, n, k1, stackDeps)
			if diff := cmp.Diff(before, dump(t, n)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

const mid2 = "mid.ko printk@a base_do@1 srcversion=MID2 depends=base"

// TestReloadStuck has a new build that fails its check and cannot be unloaded:
// what it was to go with runs on, and the files of before are put back.
func TestReloadStuck(t *testing.T) {
	n, k := running(t)
	before := dump(t, n)
	replaced(t, n, mid2)
	k.deaf["MID2"] = true
	k.unloaded = func() {
		if k.facts.Module("mid") == nil { // the old one: the new one will stay
			k.refuses["unload mid"] = syscall.EBUSY
		}
	}
	_, res := reloaded(t, n, k, ReloadRequest{Names: []string{"mid"}}, Checks{})
	if got, want := strings.Join(k.did, ", "), "unload top, unload mid, load mid MID2, load top TOP1, unload top, unload mid, load top TOP1"; got != want {
		t.Errorf("did  %s\nwant %s", got, want)
	}
	if r := reportFor(res, "mid"); r.OK || r.RolledBack || !strings.Contains(r.Reason, "cannot be unloaded to go back: device or resource busy") {
		t.Errorf("%+v", r)
	}
	if r := reportFor(res, "top"); !r.OK || k.facts.Module("top") == nil {
		t.Errorf("%+v, loaded: %v", r, k.facts.Module("top"))
	}
	deps(t, n, k1, stackDeps)
	if diff := cmp.Diff(before, dump(t, n)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestReloadDied has the kernel die in a new build's init: the module stays half
// loaded, so that loading one of its name would never end, and is not tried; the
// files of before are put back.
func TestReloadDied(t *testing.T) {
	n, k := running(t)
	before := dump(t, n)
	replaced(t, n, mid2)
	k.refuses["load mid MID2"] = errors.New("the kernel died in it")
	k.says["MID2"] = "1,1,1,-;BUG: kernel NULL pointer dereference, address: 0000000000000008\n1,2,1,-;RIP: 0010:mid_init+0x5/0x1000 [mid]\n1,3,1,-;---[ end trace 0000000000000000 ]---\n"
	k.unloaded = func() {
		if k.facts.Module("mid") == nil {
			k.facts.Modules = append(k.facts.Modules, LoadedModule{Name: "mid", State: "Loading", Refs: 1})
		}
	}
	_, res := reloaded(t, n, k, ReloadRequest{Names: []string{"mid"}}, Checks{})
	if got := strings.Join(k.did, ", "); strings.Contains(got, "MID1") || !strings.Contains(got, "load mid MID2") {
		t.Errorf("did %s", got)
	}
	r := reportFor(res, "mid")
	for _, want := range []string{"cannot be loaded: the kernel died in it: the kernel log has: ", "NULL pointer dereference", "stays in the kernel in state Loading"} {
		if !strings.Contains(r.Reason, want) || r.OK || r.RolledBack {
			t.Errorf("%+v, want %q", r, want)
		}
	}
	deps(t, n, k1, stackDeps)
	if diff := cmp.Diff(before, dump(t, n)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestReloadTakesBackOne lets an installation alone that came after the one whose
// module fails, one of the same module for another kernel too; and takes two back
// where both have files of what was reloaded.
func TestReloadTakesBackOne(t *testing.T) {
	for name, test := range map[string]struct {
		second string
		krel   string
		names  []string
		want   []int
	}{
		"another module": {"fresh.ko printk@a srcversion=F", k1, []string{"mid"}, []int{1}},
		"another kernel": {"mid.ko printk@b srcversion=MID3", k2, []string{"mid"}, []int{1}},
		"both":           {"base.ko printk@a +base_do@1 srcversion=BASE2", k1, []string{"base"}, []int{2, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			n, k := running(t)
			replaced(t, n, mid2)
			if _, _, err := n.Install(t.Context(), InstallRequest{Verb: InstallNew, Sources: sources(t, module(t, test.krel, test.second))}); err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(stackDeps, "kernel/mid.ko", "updates/mid.ko")
			if test.names[0] == "base" {
				text = strings.ReplaceAll(text, "kernel/base.ko", "updates/base.ko")
			}
			deps(t, n, k1, text)
			k.deaf["MID2"] = true
			_, res := reloaded(t, n, k, ReloadRequest{Names: test.names}, Checks{})
			var got []int
			for _, rec := range res.Undone.Undone {
				got = append(got, rec.Number)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("taken back (-want +got):\n%s", diff)
			}
			if m := k.facts.Module("mid"); m == nil || m.Srcversion != "MID1" {
				t.Errorf("mid is %+v", m)
			}
		})
	}
}

// TestReloadSomebodyFaster has udev load a module before its turn: it goes with
// the others where one fails.
func TestReloadSomebodyFaster(t *testing.T) {
	n, k := running(t)
	replaced(t, n, mid2)
	k.deaf["MID2"] = true
	facts, _ := k.Facts()
	p, err := n.PlanReload(ReloadRequest{Names: []string{"mid"}}, facts)
	if err != nil {
		t.Fatal(err)
	}
	res, err := n.Reload(t.Context(), &fasterKernel{fakeKernel: k}, p, Checks{})
	if err != nil {
		t.Fatal(err)
	}
	if r := reportFor(res, "mid"); !r.RolledBack {
		t.Errorf("%+v", r)
	}
	if m := k.facts.Module("mid"); m == nil || m.Srcversion != "MID1" {
		t.Errorf("mid is %+v", m)
	}
}

// fasterKernel loads top with mid's new build, as udev would for a device.
type fasterKernel struct {
	*fakeKernel
	done bool
}

func (k *fasterKernel) Load(m ModuleFile, params string) error {
	if f, err := ko.New(m.Path, strings.NewReader(string(m.Data)), int64(len(m.Data))); err == nil && f.Name() == "top" && !k.done {
		k.done = true
		if err := k.fakeKernel.Load(m, params); err != nil {
			return err
		}
	}
	return k.fakeKernel.Load(m, params)
}

// TestReloadNoCopy goes back where of one module no copy is left: that one is
// loaded from its file rather than left out.
func TestReloadNoCopy(t *testing.T) {
	n, k := running(t)
	replaced(t, n, mid2)
	k.facts.Module("top").Srcversion = "TOP0"
	k.deaf["MID2"] = true
	facts, _ := k.Facts()
	p, err := n.PlanReload(ReloadRequest{Names: []string{"mid"}, Force: true}, facts)
	if err != nil {
		t.Fatal(err)
	}
	res, err := n.Reload(t.Context(), k, p, Checks{})
	if err != nil {
		t.Fatal(err)
	}
	if m := k.facts.Module("top"); m == nil || m.Srcversion != "TOP1" {
		t.Errorf("top is %+v", m)
	}
	if r := reportFor(res, "top"); r.OK || r.RolledBack || !strings.Contains(r.Reason, "no copy of what was loaded") {
		t.Errorf("%+v", r)
	}
	if r := reportFor(res, "mid"); r.OK || !r.RolledBack {
		t.Errorf("%+v", r)
	}
}

// TestReloadSameBuild fails, and does not load the same build once more.
func TestReloadSameBuild(t *testing.T) {
	n, k := running(t)
	k.deaf["MID1"] = true
	_, res := reloaded(t, n, k, ReloadRequest{Names: []string{"mid"}}, Checks{})
	r := reportFor(res, "mid")
	if r.OK || r.RolledBack || !strings.Contains(r.Reason, "is not bound") {
		t.Errorf("%+v", r)
	}
	if k.waited < 10*time.Second {
		t.Errorf("waited %v for the device", k.waited)
	}
	if got, want := strings.Join(k.did, ", "), "unload top, unload mid, load mid MID1, load top TOP1"; got != want {
		t.Errorf("did %s, want %s", got, want)
	}
}

// TestReloadNoWorse: a device that no driver has is held against a module that it
// is for, but not where that was so with the module of before.
func TestReloadNoWorse(t *testing.T) {
	const alias = " alias=pci:mid*"
	for _, loaded := range []bool{true, false} {
		n, _ := write(t, strings.Replace(stack, "parmtype=num:int", "parmtype=num:int"+alias, 1), "")
		deps(t, n, k1, stackDeps)
		_, k := running(t)
		k.devices, k.facts.Modules = nil, k.facts.Modules[2:] // base alone
		k.facts.Modules[0].Refs, k.facts.Modules[0].Holders = 0, nil
		k.facts.Driverless = []Device{{"pci", "0000:00:03.0", "pci:mid1"}}
		if loaded {
			k.Load(ModuleFile{Data: fileOf(t, n, "kernel/mid.ko")}, "")
		}
		_, res := reloaded(t, n, k, ReloadRequest{Names: []string{"mid"}}, Checks{})
		r, noted := reportFor(res, "mid"), strings.Join(res.Notes, "\n")
		if r.OK != loaded || strings.Contains(r.Reason, "is one of its own") == loaded || strings.Contains(noted, "as before") != loaded {
			t.Errorf("mid loaded before: %v; %+v, %q", loaded, r, noted)
		}
	}
}

func fileOf(t *testing.T, n *Node, rel string) []byte {
	t.Helper()
	data, err := os.ReadFile(n.Root + "/lib/modules/" + k1 + "/" + rel)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestReloadNetworkDown notes that a network interface did not come back as it was.
func TestReloadNetworkDown(t *testing.T) {
	for name, after := range map[string][]Interface{
		"eth0 was up and is down": {{"eth0", false, "", []string{"mid"}}, {"eth1", true, "", nil}},
		"eth0 was up and is gone": {{"eth1", true, "", nil}},
		"":                        {{"eth0", true, "", []string{"mid"}}},
	} {
		n, k := running(t)
		k.facts.Interfaces = []Interface{{"eth0", true, "", []string{"mid"}}, {"eth2", false, "", nil}}
		facts, _ := k.Facts()
		p, err := n.PlanReload(ReloadRequest{Names: []string{"mid"}, Force: true}, facts)
		if err != nil {
			t.Fatal(err)
		}
		k.unloaded = func() { k.facts.Interfaces = after }
		res, err := n.Reload(t.Context(), k, p, Checks{})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(res.Notes, "\n"); !strings.Contains(got, name) || name == "" && got != "" {
			t.Errorf("notes %q, want %q", got, name)
		}
	}
}

// TestReloadUnloadRefused has the kernel refuse the second module: the first
// one, which holds it, comes back.
func TestReloadUnloadRefused(t *testing.T) {
	n, k := running(t)
	k.refuses["unload mid"] = syscall.EAGAIN
	_, res := reloaded(t, n, k, ReloadRequest{Names: []string{"base"}}, Checks{})
	if got, want := strings.Join(k.did, ", "), "unload top, unload mid, load top TOP1"; got != want {
		t.Errorf("did %s, want %s", got, want)
	}
	for _, name := range []string{"base", "mid", "top"} {
		r := reportFor(res, name)
		if r.OK || !strings.Contains(r.Reason, "mid cannot be unloaded: resource temporarily unavailable") || r.RolledBack != (name == "top") {
			t.Errorf("%+v", r)
		}
	}
}

// TestReloadUnknownBuild is about modules that nothing tells from others: one
// that cannot be unloaded costs none of those before it.
func TestReloadUnknownBuild(t *testing.T) {
	n, k := running(t)
	for i := range k.facts.Modules {
		k.facts.Modules[i].Srcversion = ""
	}
	k.refuses["unload base"] = syscall.EBUSY
	reloaded(t, n, k, ReloadRequest{Names: []string{"base"}}, Checks{})
	if got, want := strings.Join(k.did, ", "), "unload top, unload mid, unload base, load mid MID1, load top TOP1"; got != want {
		t.Errorf("did %s, want %s", got, want)
	}
}

func TestReloadKeepsParameters(t *testing.T) {
	n, k := running(t)
	if err := os.MkdirAll(n.Root+"/etc/modprobe.d", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(n.Root+"/etc/modprobe.d/x.conf", []byte("options mid mode=fast\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	k.params["mid"] = []Parameter{{"num", "1", false}, {"mode", "slow", false}, {"w_level", "0", true}, {"stats", "0", false}, {"same", "x", false}}
	k.facts.Module("mid").Parameters = []Parameter{{"num", "5", false}, {"mode", "slow", false}, {"w_level", "3", true}, {"stats", "77", false}, {"same", "x", false}, {"gone", "1", false}}
	_, res := reloaded(t, n, k, ReloadRequest{Names: []string{"mid"}}, Checks{})
	// stats has no type that the kernel reads: it may be one that can only be read.
	want := "unload top, unload mid, load mid MID1 mode=fast, set mid.w_level=3, unload mid, load mid MID1 mode=fast num=5, load top TOP1"
	if got := strings.Join(k.did, ", "); got != want {
		t.Errorf("did   %s\nwant  %s", got, want)
	}
	if diff := cmp.Diff([]string{`mid: parameter mode was "slow" and is "fast", as configured`, `mid: parameter gone, which was "1", is there no more`}, res.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestReloadUnknown(t *testing.T) {
	n, k := running(t)
	k.facts.Modules = append(k.facts.Modules, LoadedModule{Name: "stray", State: "Live"})
	facts, _ := k.Facts()
	for name, want := range map[string]string{"nowhere": "no module of that name is loaded", "stray": "has no file of that name to load again"} {
		if _, err := n.PlanReload(ReloadRequest{Names: []string{name}}, facts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// TestStandardParameter: of types that are not the kernel's own some can only be
// read, and giving them on the command line ends in a call of nothing.
func TestStandardParameter(t *testing.T) {
	for kind, want := range map[string]bool{"int": true, "charp": true, "array of uint": true, "bool": true, "sysrq_reset_seq": false, "": false, "array of x": false} {
		if got := standardParameter(kind); got != want {
			t.Errorf("standardParameter(%q) = %v", kind, got)
		}
	}
}
