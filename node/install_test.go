package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/depmod"
	"modkeep/internal/kerneltest/made"
	"modkeep/kernel"
	"modkeep/txn"
)

// site has an in-tree module with a consumer, third parties' modules with and
// without an owner, and a second kernel.
const site = `file /etc/os-release ID=rhel\n
	file /etc/depmod.d/dist.conf search updates extra built-in weak-updates\n
	kernel K1
	vmlinux printk@a
	kernel/drivers/xen/xen-evtchn.ko printk@a +evtchn_do@7
	kernel/drivers/xen/user.ko printk@a evtchn_do@7
	extra/owned.ko printk@a version=2.0
	extra/loose.ko printk@a version=2.0
	kernel K2
	vmlinux printk@b
	kernel/drivers/xen/xen-evtchn.ko printk@b
	`

// module writes one module built for a kernel to a file outside the root.
func module(t *testing.T, krel, line string) string {
	t.Helper()
	m, err := made.ParseModule(line, made.Default(krel))
	if err != nil {
		t.Fatal(err)
	}
	data, err := m.File()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), filepath.Base(m.Path))
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// owners makes files of a root belong to packages.
func owners(n *Node, of map[string]string) {
	n.options.Package = func(p string) string { return of[strings.TrimPrefix(p, "/lib/modules/"+k1+"/")] }
}

func sources(t *testing.T, args ...string) []*Source {
	t.Helper()
	list, err := ReadSources(args)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// selectedFile is what depmod would select for a name, below the kernel's
// directory.
func selectedFile(t *testing.T, n *Node, krel, name string) string {
	t.Helper()
	k, err := kernel.Open(n.Root, krel, kernel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if f := k.Tree().Module(name); f != nil {
		return f.Rel
	}
	return ""
}

// deps writes a modules.dep, which no depmod does here.
func deps(t *testing.T, n *Node, krel, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(n.Root, "lib/modules", krel, "modules.dep"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestHostileSources names what no module is, or not under that name: nothing is
// installed, and nothing hangs.
func TestHostileSources(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.ko"), 0o600); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(module(t, k1, "foo.ko printk@a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a b.ko", "a\noverride b * c.ko", ".ko", "ä.ko", "bar.ko"} {
		if err := os.WriteFile(filepath.Join(dir, name), good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"pipe.ko": "not a regular file", "a b.ko": "is no name of a module", "a\noverride b * c.ko": "is no name of a module",
		".ko": "is no name of a module", "ä.ko": "is no name of a module", "bar.ko": "the module calls itself foo",
	} {
		n, _ := write(t, site, "")
		list, err := ReadSources([]string{filepath.Join(dir, name)})
		if err == nil {
			_, err = n.PlanInstall(InstallRequest{Verb: InstallNew, Sources: list})
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q in a line", name, err, want)
		}
	}
}

// TestSourcesByLink reads a directory that is named by a link to it; links inside
// it are not followed.
func TestSourcesByLink(t *testing.T) {
	file := module(t, k1, "foo.ko printk@a")
	outside := module(t, k1, "bar.ko printk@a")
	dir := filepath.Dir(file)
	if err := os.Symlink(outside, filepath.Join(dir, "bar.ko")); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	list, err := ReadSources([]string{link})
	if err != nil || len(list) != 1 || list[0].Name() != "foo" {
		t.Errorf("%v, %v", list, err)
	}
}

func TestInstallWhere(t *testing.T) {
	tests := []struct {
		name, line string
		verb       InstallVerb
		owners     map[string]string
		extra      string // lines added to the site
		file       string // where the module comes to be
		owner      string
		ops        string
	}{
		{"new", "foo.ko printk@a", InstallNew, nil, "", "updates/foo.ko", "", "mkdir write depmod"},
		{"packed", "foo.ko.xz printk@a", InstallNew, nil, "", "updates/foo.ko.xz", "", "mkdir write depmod"},
		{"in-tree, keeps the file's name", "xen_evtchn.ko printk@a +evtchn_do@7", InstallReplace, nil, "", "updates/xen-evtchn.ko", "kernel", "mkdir write depmod"},
		{"in-tree, of a package", "xen-evtchn.ko printk@a +evtchn_do@7", InstallReplace,
			map[string]string{"kernel/drivers/xen/xen-evtchn.ko": "kernel-core"}, "", "updates/xen-evtchn.ko", "kernel-core", "mkdir write depmod"},
		{"nobody's file", "loose.ko printk@a version=3.0", InstallUpgrade, nil, "", "extra/loose.ko", "", "write depmod"},
		{"nobody's file, packed otherwise", "loose.ko.xz printk@a version=3.0", InstallUpgrade, nil, "", "extra/loose.ko.xz", "", "write remove depmod"},
		{"a package's file", "owned.ko printk@a version=3.0", InstallUpgrade,
			map[string]string{"extra/owned.ko": "kmod-owned"}, "", "updates/owned.ko", "kmod-owned", "mkdir write depmod"},
		{"a package's file in updates", "up.ko printk@a", InstallReplace,
			map[string]string{"updates/up.ko": "kmod-up"}, "updates/up.ko printk@a", "updates/modkeep/up.ko", "kmod-up", "mkdir write write depmod"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(site, "extra/owned.ko", test.extra+"\n\textra/owned.ko", 1)
			n, ran := write(t, text, "")
			owners(n, test.owners)
			before := dump(t, n)
			req := InstallRequest{Verb: test.verb, Sources: sources(t, module(t, k1, test.line))}
			planned, err := n.PlanInstall(req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, dump(t, n)); diff != "" {
				t.Errorf("a plan changed the root (-want +got):\n%s", diff)
			}
			p, res, err := n.Install(t.Context(), req)
			if err != nil || len(p.Refusals) > 0 {
				t.Fatal(err, p.Refusals)
			}
			if diff := cmp.Diff(planned.Placed, p.Placed); diff != "" {
				t.Errorf("planned, and done (-want +got):\n%s", diff)
			}
			var ops []string
			for _, s := range p.Steps {
				ops = append(ops, string(s.Op))
			}
			if got := strings.Join(ops, " "); got != test.ops {
				t.Errorf("steps %s, want %s", got, test.ops)
			}
			name := depmod.ModuleName(test.file)
			if got := selectedFile(t, n, k1, name); got != test.file || p.Placed[0].Owner != test.owner {
				t.Errorf("depmod selects %s instead of one of %q, want %s, %q", got, p.Placed[0].Owner, test.file, test.owner)
			}
			if diff := cmp.Diff([]string{"depmod " + k1}, *ran); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
			if _, err := n.Rollback(t.Context(), res.Record.Number); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, dump(t, n)); diff != "" {
				t.Errorf("after the rollback (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInstallRefuses(t *testing.T) {
	tests := []struct {
		name, line string
		verb       InstallVerb
		kernel     string
		refusal    string // of the plan, or
		err        string
	}{
		{"would not load", "foo.ko printk@dead", InstallNew, "", "foo.ko: " + k1 + " would not load it", ""},
		{"breaks a consumer", "xen-evtchn.ko printk@a +evtchn_do@8", InstallReplace, "", "user: " + k1 + " would not load it any more", ""},
		{"third party's is there", "loose.ko printk@a", InstallNew, "", "", "has loose already, at /lib/modules/" + k1 + "/extra/loose.ko: upgrade or replace it"},
		{"nothing to replace", "foo.ko printk@a", InstallReplace, "", "", "has no module foo to replace"},
		{"nothing to upgrade", "xen-evtchn.ko printk@a", InstallUpgrade, "", "", "has no third-party module xen_evtchn to upgrade"},
		{"older", "loose.ko printk@a version=1.9", InstallUpgrade, "", "", "version 1.9 is older than 2.0"},
		{"a kernel that is not there", "foo.ko printk@a release=5.14.0-1.el9.x86_64", InstallNew, "", "", "built for 5.14.0-1.el9.x86_64, which is not installed"},
		{"a kernel named that is not there", "foo.ko printk@a", InstallNew, "6.0.0", "", "kernel 6.0.0: not installed"},
		{"another kernel named", "foo.ko printk@a", InstallNew, k2, "foo.ko: " + k2 + " would not load it", ""},
		{"another name inside", "foo.ko printk@a name=bar", InstallNew, "", "", "the module calls itself bar"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n, ran := write(t, site, "")
			deps(t, n, k1, "kernel/drivers/xen/user.ko: kernel/drivers/xen/xen-evtchn.ko\nkernel/drivers/xen/xen-evtchn.ko:\n")
			before := dump(t, n)
			req := InstallRequest{Verb: test.verb, Sources: sources(t, module(t, k1, test.line)), Kernel: test.kernel}
			p, res, err := n.Install(t.Context(), req)
			switch {
			case test.err != "":
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want one with %q", err, test.err)
				}
			case err != nil:
				t.Fatal(err)
			case !slices.ContainsFunc(p.Refusals, func(s string) bool { return strings.Contains(s, test.refusal) }):
				t.Errorf("refusals %q, want one with %q", p.Refusals, test.refusal)
			}
			if res.Record.Number != 0 || len(*ran) > 0 {
				t.Errorf("transaction %d, commands %v", res.Record.Number, *ran)
			}
			if diff := cmp.Diff(before, dump(t, n)); diff != "" {
				t.Errorf("the root was changed (-want +got):\n%s", diff)
			}
			if test.refusal == "" {
				return
			}
			req.Force = true
			if p, res, err = n.Install(t.Context(), req); err != nil || len(p.Refusals) > 0 || res.Record.Number == 0 {
				t.Errorf("by force: %v, refused %v, transaction %d", err, p.Refusals, res.Record.Number)
			}
		})
	}
}

// TestInstallRelinkFails has depmod fail for the kernel whose link led to a module
// that is replaced by one which that kernel does not load: the module is replaced,
// and the error says what is left.
func TestInstallRelinkFails(t *testing.T) {
	text := strings.Replace(site, "vmlinux printk@b", "vmlinux printk@b\n\tlink weak-updates/loose.ko ../../K1/extra/loose.ko", 1)
	n, _ := write(t, text, "")
	broken := errors.New("no space")
	n, err := Open(n.Root, Options{Run: func(_ context.Context, s txn.Step, _ []string) error {
		if strings.Contains(s.Path, k2) {
			return broken
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, res, err := n.Install(t.Context(), InstallRequest{Verb: InstallReplace, Sources: sources(t, module(t, k1, "loose.ko printk@a version=3.0"))})
	if !errors.Is(err, ErrRelink) || !errors.Is(err, broken) || res.Record.Number == 0 {
		t.Errorf("%v, transaction %d; want %v, and %v", err, res.Record.Number, ErrRelink, broken)
	}
	r, err := n.Rollback(t.Context(), 0)
	if !errors.Is(err, ErrRelink) || len(r.Done) != 1 {
		t.Errorf("%v, %d taken back; want %v", err, len(r.Done), ErrRelink)
	}
}

// dump describes a root, but for modkeep's own state.
func dump(t *testing.T, n *Node) string {
	t.Helper()
	text, err := made.Dump(n.Root, "var")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestInstallFails has depmod fail: the module that was there before is again.
func TestInstallFails(t *testing.T) {
	n, _ := write(t, site, "")
	broken := errors.New("no space")
	var err error
	n.options.Run = func(context.Context, txn.Step, []string) error { return broken }
	if n, err = Open(n.Root, n.options); err != nil {
		t.Fatal(err)
	}
	before := dump(t, n)
	_, _, err = n.Install(t.Context(), InstallRequest{Verb: InstallUpgrade, Sources: sources(t, module(t, k1, "loose.ko printk@a version=3.0"))})
	var failed *txn.StepError
	if !errors.As(err, &failed) || !failed.Restored || !errors.Is(err, broken) {
		t.Errorf("error %v, want a restored step", err)
	}
	if diff := cmp.Diff(before, dump(t, n)); diff != "" {
		t.Errorf("after the failure (-want +got):\n%s", diff)
	}
}

// TestRollbackTo installs three builds of a module and goes back to the state
// before the second, then puts it in effect again.
func TestRollbackTo(t *testing.T) {
	n, _ := write(t, site, "")
	read := func() string {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(n.Root, "lib/modules", k1, "extra/loose.ko"))
		if err != nil {
			t.Fatal(err)
		}
		list := sources(t, n.Root+"/lib/modules/"+k1+"/extra/loose.ko")
		v, _ := list[0].Module.Info.Get("version")
		if len(data) == 0 {
			t.Fatal("empty")
		}
		return v
	}
	for _, v := range []string{"3.0", "4.0", "5.0"} {
		if _, _, err := n.Install(t.Context(), InstallRequest{Verb: InstallUpgrade, Sources: sources(t, module(t, k1, "loose.ko printk@a version="+v))}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := n.Installations()
	if err != nil || len(list) != 3 {
		t.Fatal(len(list), err)
	}
	r, err := n.Rollback(t.Context(), list[1].Number)
	if err != nil || len(r.Done) != 2 || read() != "3.0" {
		t.Errorf("rolled back %d to %s: %v, want 2 to 3.0", len(r.Done), read(), err)
	}
	if _, err := n.Rollback(t.Context(), 0); err != nil || read() != "2.0" {
		t.Errorf("rolled back to %s: %v, want 2.0", read(), err)
	}
	if _, err := n.Rollback(t.Context(), 0); !errors.Is(err, ErrNothingInstalled) {
		t.Errorf("error %v, want %v", err, ErrNothingInstalled)
	}
	if _, err := n.Rollback(t.Context(), 99); !errors.Is(err, txn.ErrUnknown) {
		t.Errorf("error %v, want %v", err, txn.ErrUnknown)
	}
}

// TestRollbackAllOrNone has somebody else change what the older of two
// installations left: the newer one stays in effect too.
func TestRollbackAllOrNone(t *testing.T) {
	n, _ := write(t, site, "")
	for _, line := range []string{"foo.ko printk@a", "bar.ko printk@a"} {
		if _, _, err := n.Install(t.Context(), InstallRequest{Verb: InstallNew, Sources: sources(t, module(t, k1, line))}); err != nil {
			t.Fatal(err)
		}
	}
	foo := filepath.Join(n.Root, "lib/modules", k1, "updates/foo.ko")
	if err := os.WriteFile(foo, []byte("somebody's"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := dump(t, n)
	list, _ := n.Installations()
	_, err := n.Rollback(t.Context(), list[1].Number)
	var refused *txn.RefusedError
	if !errors.As(err, &refused) {
		t.Errorf("error %v, want a refusal", err)
	}
	if diff := cmp.Diff(before, dump(t, n)); diff != "" {
		t.Errorf("after the refusal (-want +got):\n%s", diff)
	}
}

// TestReplacementOnNextKernel is about a replaced module of the kernel's own
// when the next kernel comes: status says what became of it.
func TestReplacementOnNextKernel(t *testing.T) {
	const next = "5.14.0-71.el9.x86_64"
	text := site + "\n\tkernel " + next + "\n\tvmlinux printk@a\n\tkernel/drivers/xen/xen-evtchn.ko printk@a\n"
	n, _ := write(t, text, "")
	if _, _, err := n.Install(t.Context(), InstallRequest{Verb: InstallReplace, Sources: sources(t, module(t, k1, "xen-evtchn.ko printk@a +evtchn_do@7"))}); err != nil {
		t.Fatal(err)
	}
	reasons := func() map[string]string {
		list, _, _, err := n.Status(nil)
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]string{}
		for _, s := range list {
			if s.Name == "xen_evtchn" {
				m[s.Kernel] = string(s.State) + ": " + s.Reason
			}
		}
		return m
	}
	got := reasons()
	for krel, want := range map[string]string{
		k1:   "own: instead of the kernel's own kernel/drivers/xen/xen-evtchn.ko",
		next: "blocked: /lib/modules/" + k1 + "/updates/xen-evtchn.ko would load, and is not linked; meanwhile " + next + " has its own kernel/drivers/xen/xen-evtchn.ko",
	} {
		if got[krel] != want {
			t.Errorf("%s: %s, want %s", krel, got[krel], want)
		}
	}
	if s := got[k2]; !strings.HasPrefix(s, "needs-rebuild: ") || !strings.HasSuffix(s, "meanwhile "+k2+" has its own kernel/drivers/xen/xen-evtchn.ko") {
		t.Errorf("%s: %s", k2, s)
	}
	if _, err := n.Apply(t.Context(), relink()); err != nil {
		t.Fatal(err)
	}
	if got := selectedFile(t, n, next, "xen_evtchn"); !strings.HasPrefix(got, "weak-updates/") {
		t.Errorf("%s selects %s, want the link to the replacement", next, got)
	}
	if got, want := reasons()[next], "linked: instead of the kernel's own kernel/drivers/xen/xen-evtchn.ko"; got != want {
		t.Errorf("%s: %s, want %s", next, got, want)
	}
	if _, err := n.Rollback(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	for _, krel := range []string{k1, next} {
		if got := selectedFile(t, n, krel, "xen_evtchn"); got != "kernel/drivers/xen/xen-evtchn.ko" {
			t.Errorf("after the rollback %s selects %s", krel, got)
		}
	}
}

// TestInstallImages: the initramfs that holds a module is made anew, once, and the
// others are not.
func TestInstallImages(t *testing.T) {
	n, ran := write(t, site, "")
	n.options.Generator = "/usr/bin/dracut"
	image(t, n, "lib/modules/"+k1+"/kernel/drivers/xen/xen-evtchn.ko")
	list := sources(t, module(t, k1, "xen-evtchn.ko printk@a +evtchn_do@7"), module(t, k1, "foo.ko printk@a"))
	if _, _, err := n.Install(t.Context(), InstallRequest{Verb: InstallNew, Sources: list[1:]}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := n.Install(t.Context(), InstallRequest{Verb: InstallReplace, Sources: list[:1], NoInitramfs: true}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"depmod " + k1, "depmod " + k1}, *ran); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	if _, err := n.Rollback(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	*ran = nil
	if _, _, err := n.Install(t.Context(), InstallRequest{Verb: InstallReplace, Sources: list}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"depmod " + k1, "dracut " + k1}, *ran); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

// TestInstallNewest has a module in two versions of a package, as a repository
// may, and in two files.
func TestInstallNewest(t *testing.T) {
	n, _ := write(t, site, "")
	older, newer := sources(t, module(t, k1, "foo.ko printk@a version=1"))[0], sources(t, module(t, k1, "foo.ko printk@a version=2"))[0]
	older.EVR, newer.EVR = "1.9-1", "1.10-1"
	for _, list := range [][]*Source{{older, newer}, {newer, older}} {
		p, err := n.PlanInstall(InstallRequest{Verb: InstallNew, Sources: list})
		if err != nil || len(p.Placed) != 1 || p.Placed[0].Source != newer.Path || len(p.Notes) == 0 {
			t.Errorf("%v: %+v", err, p)
		}
	}
	newer.EVR = ""
	if _, err := n.PlanInstall(InstallRequest{Verb: InstallNew, Sources: []*Source{older, newer}}); err == nil || !strings.Contains(err.Error(), "two files of module foo") {
		t.Errorf("error %v", err)
	}
}

func TestReadSources(t *testing.T) {
	dir := t.TempDir()
	notModule := filepath.Join(dir, "x.ko")
	if err := os.WriteFile(notModule, []byte("no module"), 0o644); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "readme")
	if err := os.WriteFile(text, []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, arg := range map[string]string{"absent": dir + "/none.ko", "not ELF": notModule, "no module": text, "empty directory": t.TempDir(), "device": "/dev/null"} {
		t.Run(name, func(t *testing.T) {
			if list, err := ReadSources([]string{arg}); err == nil {
				t.Errorf("%d sources, want an error", len(list))
			}
		})
	}
}

func FuzzModulesDep(f *testing.F) {
	f.Add([]byte("kernel/a.ko: kernel/b.ko kernel/c.ko\n# x\n\nkernel/b.ko:\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		deps, err := parseDeps(text)
		if err == nil && len(deps) > len(text) {
			t.Errorf("%d modules of %d bytes", len(deps), len(text))
		}
	})
}
