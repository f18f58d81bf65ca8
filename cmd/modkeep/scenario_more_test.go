package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/kernel/release"
)

// one is a kernel with a module and a kernel that it fits.
const one = two + `kernel K1 bare=yes
	extra/foo/foo.ko printk@a`

func rhelSite(t *testing.T, tree string) *site {
	return newSite(t, dialects[0], scenario{tree: tree})
}

// TestScenarioRunningRoot has the program work on "/": it runs in a root of
// its own, as weak-modules, with the machine's depmod beside it. Links are
// absolute there.
func TestScenarioRunningRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: chroot is for root")
	}
	s := rhelSite(t, one)
	s.install(oracle.Tool(t, "depmod"), "usr/sbin/depmod")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s.install(self, "usr/sbin/modkeep")
	cmd := exec.Command("/usr/sbin/modkeep")
	cmd.Args = []string{"modkeep", "weak-modules", "--no-initramfs", "--verbose", "--add-modules"}
	cmd.Stdin = strings.NewReader(s.expand("/lib/modules/K1/extra/foo/foo.ko\n"))
	cmd.Env = []string{"PATH=/usr/sbin"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: s.dir}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), s.expand("Module foo.ko from kernel K1 is compatible with kernel K2\n")) {
		t.Errorf("%v\n%s", err, out)
	}
	text, err := os.Readlink(s.path(s.k[1] + "/weak-updates/foo/foo.ko"))
	if want := s.expand("/lib/modules/K1/extra/foo/foo.ko"); err != nil || text != want {
		t.Errorf("T01: the link's text is %q (%v), want %q", text, err, want)
	}
	if deps := s.modulesDep(s.k[1]); !slices.Contains(deps, "weak-updates/foo/foo.ko:") {
		t.Errorf("T01: modules.dep is %q", deps)
	}
	// The same tree seen from outside: the absolute link is understood.
	r := runModkeep(t, "", "modkeep", "link", "--root", s.dir, "--dry-run", "--json")
	var report linkReport
	if err := json.Unmarshal([]byte(r.out), &report); err != nil || r.status != 0 || len(report.Refused) != 0 {
		t.Errorf("%v, status %d\n%s%s", err, r.status, r.out, r.errOut)
	}
	for _, step := range report.Steps {
		if step.Op == "unlink" {
			t.Errorf("the link is taken for one that leads nowhere: %+v", step)
		}
	}
}

// install copies a program and the libraries it needs into the tree.
func (s *site) install(program, to string) {
	s.Helper()
	script := fmt.Sprintf(`set -e
		mkdir -p %[1]s/usr/sbin; cp -L %[2]s %[1]s/%[3]s
		mkdir -p %[1]s/dev; [ -e %[1]s/dev/null ] || mknod -m 666 %[1]s/dev/null c 1 3
		for lib in $(ldd %[2]s 2>/dev/null | grep -o '/[^ ]*'); do mkdir -p %[1]s/$(dirname $lib); cp -L $lib %[1]s/$lib; done
		if [ -d %[1]s/lib64 ] || [ ! -d /lib64 ]; then :; else ln -s usr/lib64 %[1]s/lib64; fi`, s.dir, program, to)
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		s.Fatalf("install %s: %v\n%s", program, err, out)
	}
}

func TestScenarioStrict(t *testing.T) {
	s := rhelSite(t, goodAndBad)
	in := s.expand(s.path("K1/extra/set/bad.ko") + "\n")
	sentence := s.expand("Module bad.ko from kernel K1 is not compatible with kernel K2 in symbols: printk\n")
	for _, test := range []struct {
		args   []string
		status int
	}{
		{[]string{"--add-modules"}, 0},
		{[]string{"--strict", "--add-modules"}, 1},
		{[]string{"--strict", "--dry-run", "--add-modules"}, 1},
	} {
		args := append([]string{"weak-modules", "--basedir", s.dir, "--no-initramfs"}, test.args...)
		// Without --verbose this is all that is said.
		want := result{out: sentence, status: test.status}
		if diff := cmp.Diff(want, runModkeep(t, in, args...), cmp.AllowUnexported(result{})); diff != "" {
			t.Errorf("T02: %q (-want +got):\n%s", test.args, diff)
		}
	}
}

// TestScenarioDeleteModules is T17 as the original does it, if it is told to.
func TestScenarioDeleteModules(t *testing.T) {
	s := rhelSite(t, builds("printk@a", "printk@a", "printk@a"))
	s.act(action{do: "add-kernel K3", links: "K3 extra/foo.ko K2"})
	s.prepare("rm", s.k[1]+"/extra/foo.ko")
	r := runModkeep(t, s.path(s.k[1]+"/extra/foo.ko")+"\n", "weak-modules", "--basedir", s.dir, "--no-initramfs", "--delete-modules", "--remove-modules")
	if r.status != 0 {
		t.Errorf("T17: status %d\n%s%s", r.status, r.out, r.errOut)
	}
	s.compareLinks(action{do: "T17: --delete-modules"})
}

// TestScenarioOwnCycle is T25 on a kernel whose own modules need one another:
// depmod writes no index for it. What it had is not lost, and another kernel
// gets its links all the same.
func TestScenarioOwnCycle(t *testing.T) {
	s := rhelSite(t, two+`
		kernel K3
		vmlinux printk@a
		kernel K1 bare=yes
		extra/c.ko printk@a`)
	krel := s.k[1]
	s.prepare("put", krel+" extra/a.ko printk@a b_do@1 +a_do@2")
	s.prepare("put", krel+" extra/b.ko printk@a a_do@2 +b_do@1")
	index := s.modulesDep(krel)
	r := runModkeep(t, s.path(s.k[0]+"/extra/c.ko")+"\n", "weak-modules", "--basedir", s.dir, "--no-initramfs", "--verbose", "--add-modules")
	if diff := cmp.Diff(index, s.modulesDep(krel)); diff != "" {
		t.Errorf("T25: modules.dep (-before +after):\n%s", diff)
	}
	if _, err := os.Stat(s.path(krel + "/modules.dep.bin")); err != nil {
		t.Errorf("T25: %v", err)
	}
	if !strings.Contains(strings.ToLower(r.out+r.errOut), "cycle") {
		t.Errorf("T25: nothing of the cycle in\n%s%s", r.out, r.errOut)
	}
	if want := s.expand("K3/weak-updates/c.ko -> K1/extra/c.ko"); !slices.Contains(s.links(), want) {
		t.Errorf("T25: the other kernel goes without: links are %q, status %d\n%s%s", s.links(), r.status, r.out, r.errOut)
	}
}

// TestScenarioUsrLib is T22: /lib is a link to usr/lib, and a package lists its
// files below either.
func TestScenarioUsrLib(t *testing.T) {
	var trees []string
	for _, lib := range []string{"lib", "usr/lib"} {
		s := rhelSite(t, one)
		in := filepath.Join(s.dir, lib, "modules", s.k[0], "extra/foo/foo.ko") + "\n"
		r := runModkeep(t, in, "weak-modules", "--basedir", s.dir, "--no-initramfs", "--add-modules")
		if r.status != 0 {
			t.Errorf("%s: status %d\n%s%s", lib, r.status, r.out, r.errOut)
		}
		s.compareLinks(action{do: lib, links: "K2 extra/foo/foo.ko K1"})
		trees = append(trees, s.tree())
		r = runModkeep(t, "", "modkeep", "link", "--root", s.dir, "/"+lib+"/modules/"+s.k[0]+"/extra/foo/foo.ko")
		if r.status != 0 || s.tree() != trees[0] {
			t.Errorf("%s: the native verb does something else: status %d\n%s%s", lib, r.status, r.out, r.errOut)
		}
	}
	if diff := cmp.Diff(trees[0], trees[1]); diff != "" {
		t.Errorf("T22: not the same for both (-/lib +/usr/lib):\n%s", diff)
	}
}

// TestScenarioNoExports is the end of T30: nothing tells what the kernel
// exports.
func TestScenarioNoExports(t *testing.T) {
	s := rhelSite(t, `
		kernel K1
		vmlinux printk@a
		extra/foo.ko printk@a
		kernel K2 symvers=none map=none
		vmlinux printk@a
		kernel/own.ko printk@a`)
	before := s.dump("var")
	r := runModkeep(t, "", "weak-modules", "--basedir", s.dir, "--no-initramfs", "--add-kernel", s.k[1])
	if r.status != 1 || !strings.Contains(r.out+r.errOut, "Symvers dump file is not found") {
		t.Errorf("T30: add-kernel: status %d, want 1 and the original's words\n%s%s", r.status, r.out, r.errOut)
	}
	r = runModkeep(t, "", "modkeep", "link", "--root", s.dir, "--kernel", s.k[1])
	if r.status != 2 || !strings.Contains(r.out+r.errOut, s.k[1]) {
		t.Errorf("T30: link: status %d, want 2\n%s%s", r.status, r.out, r.errOut)
	}
	if diff := cmp.Diff(before, s.dump("var")); diff != "" {
		t.Errorf("T30: something is changed:\n%s", diff)
	}
	r = runModkeep(t, s.path(s.k[0]+"/extra/foo.ko")+"\n", "weak-modules", "--basedir", s.dir, "--no-initramfs", "--add-modules")
	if r.status != 0 {
		t.Errorf("T30: add-modules: status %d\n%s%s", r.status, r.out, r.errOut)
	}
	s.compareLinks(action{do: "T30: add-modules"})
}

// TestScenarioFsck is T40 with modkeep fsck: a kernel was pruned together with
// its modules.
func TestScenarioFsck(t *testing.T) {
	s := rhelSite(t, `
		kernel K1
		vmlinux printk@a
		extra/foo.ko printk@a
		kernel K2
		vmlinux printk@a
		extra/foo.ko printk@a
		extra/bar.ko printk@a
		kernel K3
		vmlinux printk@a`)
	s.act(action{do: "add-kernel K3", links: "K3 extra/foo.ko K2\nK3 extra/bar.ko K2"})
	if r := runModkeep(t, "", "modkeep", "fsck", "--root", s.dir); r.status != 0 {
		t.Errorf("T40: a tree that is right: status %d\n%s%s", r.status, r.out, r.errOut)
	}
	s.prepare("rm", s.k[1])
	before := s.dump()
	r := runModkeep(t, "", "modkeep", "fsck", "--root", s.dir)
	for _, words := range []string{"weak-updates/foo.ko", "weak-updates/bar.ko", "dangling"} {
		if !strings.Contains(r.out, words) {
			t.Errorf("T40: nothing of %q in\n%s%s", words, r.out, r.errOut)
		}
	}
	if r.status != 1 || before != s.dump() {
		t.Errorf("T40: status %d, want 1 and nothing changed", r.status)
	}
	r = runModkeep(t, "", "modkeep", "status", "--root", s.dir, "--json")
	if !strings.Contains(r.out, `"dangling"`) {
		t.Errorf("T40: status says nothing of dangling links:\n%s%s", r.out, r.errOut)
	}
	r = runModkeep(t, "", "modkeep", "fsck", "--root", s.dir, "--repair")
	if r.status != 0 {
		t.Errorf("T40: repair: status %d\n%s%s", r.status, r.out, r.errOut)
	}
	s.compareLinks(action{do: "T40: repair", links: "K3 extra/foo.ko K1"})
	s.askDepmod(action{do: "T40: repair"})
}

// TestScenarioOwnCopy is T21: what modkeep says of a kernel that has the module
// itself.
func TestScenarioOwnCopy(t *testing.T) {
	s := rhelSite(t, two+`
		extra/foo.ko printk@a
		kernel K1 bare=yes
		extra/foo.ko printk@a
		extra/bar.ko printk@a`)
	s.act(action{do: "add K1/extra/foo.ko K1/extra/bar.ko", links: "K2 extra/bar.ko K1", refused: "*"})
	r := runModkeep(t, "", "modkeep", "status", "--root", s.dir, "--json")
	var report struct {
		Modules []struct{ Name, Kernel, State, File, Target string }
	}
	if err := json.Unmarshal([]byte(r.out), &report); err != nil {
		t.Fatalf("%v in\n%s%s", err, r.out, r.errOut)
	}
	var got []string
	for _, m := range report.Modules {
		got = append(got, m.Name+" "+m.Kernel+" "+m.State)
	}
	slices.Sort(got)
	want := lines(s.expand("bar K1 own\nbar K2 linked\nfoo K1 own\nfoo K2 own"))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("T21: status (-want +got):\n%s", diff)
	}
}

// TestScenarioModinfo is T43: what the service of a vendor asks to find out
// whether its own driver would be loaded.
func TestScenarioModinfo(t *testing.T) {
	tool := oracle.Tool(t, "modinfo")
	for _, vendor := range []string{"", "file /etc/depmod.d/zz01-mlnx-ofa_kernel-mlx5_core.conf override mlx5_core * weak-updates/mlnx-ofa_kernel/drivers/net\\noverride mlx5_core * extra/mlnx-ofa_kernel/drivers/net\n"} {
		s := rhelSite(t, vendor+`
			kernel K2
			vmlinux printk@a
			kernel/drivers/net/mlx5_core.ko printk@a +mlx5_do@1
			kernel K1
			vmlinux printk@a
			extra/mlnx-ofa_kernel/drivers/net/mlx5_core.ko printk@a +mlx5_do@2 depends=mlx_compat
			extra/mlnx-ofa_kernel/compat/mlx_compat.ko printk@a`)
		s.act(action{
			do:    "add K1/extra/mlnx-ofa_kernel/drivers/net/mlx5_core.ko K1/extra/mlnx-ofa_kernel/compat/mlx_compat.ko",
			links: "K2 extra/mlnx-ofa_kernel/drivers/net/mlx5_core.ko K1\nK2 extra/mlnx-ofa_kernel/compat/mlx_compat.ko K1",
		})
		out, err := exec.Command(tool, "-b", s.dir, "-k", s.k[1], "-n", "mlx5_core").Output()
		if err != nil {
			t.Errorf("T43: modinfo: %v", err)
		}
		file, err := filepath.EvalSymlinks(strings.TrimSpace(string(out)))
		if err != nil {
			t.Errorf("T43: %v", err)
		}
		if want := s.expand("/K1/extra/mlnx-ofa_kernel/drivers/net/mlx5_core.ko"); !strings.HasSuffix(file, want) {
			t.Errorf("T43: with %q modinfo -n leads to %s, want …%s", vendor, file, want)
		}
		overrides, _ := filepath.Glob(filepath.Join(s.dir, "etc/depmod.d/*modkeep*"))
		if ours := len(overrides) > 0; ours == (vendor != "") {
			t.Errorf("T43: with %q the overrides written are %q", vendor, overrides)
		}
	}
}

// TestScenarioWork is T41: eleven modules on three kernels. Each module file is
// opened once, and depmod is run once for each kernel that changed.
func TestScenarioWork(t *testing.T) {
	tree := "kernel K2\nvmlinux printk@a\nkernel K3\nvmlinux printk@a\nkernel K1\nvmlinux printk@a\n"
	var modules []string
	for i := range 3 {
		tree += fmt.Sprintf("extra/p%d.ko printk@a +do%d@%d\nextra/c%d.ko do%d@%d\n", i, i, i+5, i, i, i+5)
		modules = append(modules, fmt.Sprintf("p%d", i), fmt.Sprintf("c%d", i))
	}
	for i := range 5 {
		tree += fmt.Sprintf("extra/s%d.ko printk@a\n", i)
		modules = append(modules, fmt.Sprintf("s%d", i))
	}
	tests := []struct {
		name, do string
		depmods  []string
	}{
		{"add-modules", "add", []string{"K1", "K2", "K3"}},
		{"add-kernel", "add-kernel K3", []string{"K3"}},
	}
	for _, test := range tests {
		t.Run("T41/"+test.name, func(t *testing.T) {
			s := rhelSite(t, tree)
			do := test.do
			for _, m := range modules {
				if test.do == "add" {
					do += " K1/extra/" + m + ".ko"
				}
			}
			opens := watch(t, s.path(s.k[0]+"/extra"))
			calls := s.withDepmod(do)
			want := lines(s.expand(strings.Join(test.depmods, "\n")))
			if test.do == "add" { // what the package brought is K1's own affair, and may be left to it
				calls, want = slices.DeleteFunc(calls, func(k string) bool { return k == s.k[0] }), want[1:]
			}
			if diff := cmp.Diff(want, calls); diff != "" {
				t.Errorf("T41: depmod was run for (-want +got):\n%s", diff)
			}
			counted := opens()
			for _, m := range modules {
				if n := counted[m+".ko"]; n != 1 {
					t.Errorf("T41: %s.ko was opened %d times", m, n)
				}
			}
		})
	}
}

// withDepmod runs an action with a depmod that does nothing and returns the
// kernels that it was called for.
func (s *site) withDepmod(do string) []string {
	s.Helper()
	dir := s.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nfor last; do :; done\necho $last >>%s/log\n", dir)
	if err := os.WriteFile(filepath.Join(dir, "depmod"), []byte(script), 0o755); err != nil {
		s.Fatal(err)
	}
	word, rest, _ := strings.Cut(s.expand(do), " ")
	args, in := s.commandLine(word, rest)
	cmd := program(s.T, in, args...)
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		s.Fatalf("%v\n%s", err, out)
	}
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil {
		s.Error(err)
	}
	calls := lines(string(log))
	slices.Sort(calls)
	return calls
}

// watch counts how often each file of a directory is opened until the function
// it returns is called.
func watch(t *testing.T, dir string) func() map[string]int {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_OPEN); err != nil {
		t.Fatal(err)
	}
	return func() map[string]int {
		counts := map[string]int{}
		buffer := make([]byte, 1<<16)
		for {
			n, err := unix.Read(fd, buffer)
			if err != nil || n <= 0 {
				return counts
			}
			for at := 0; at+unix.SizeofInotifyEvent <= n; {
				event := (*unix.InotifyEvent)(unsafe.Pointer(&buffer[at]))
				at += unix.SizeofInotifyEvent
				counts[strings.TrimRight(string(buffer[at:at+int(event.Len)]), "\x00")]++
				at += int(event.Len)
			}
		}
	}
}

// cloudKernels returns the newest of the cache's cloud kernels that modules were
// built for, and n others of its series, the newest first.
func cloudKernels(t *testing.T, n int) []string {
	t.Helper()
	cache, err := kerneltest.OpenCache()
	if err != nil {
		oracle.Missing(t, "%v", err)
	}
	kernels, err := cache.Kernels()
	if err != nil {
		oracle.Missing(t, "%v", err)
	}
	kernels = slices.DeleteFunc(kernels, func(k kerneltest.Kernel) bool {
		_, err := os.Stat(k.Modules() + "/kernel")
		return k.Arch != "amd64" || k.Flavour != "cloud" || k.Series != "6.1" || err != nil
	})
	slices.SortFunc(kernels, func(a, b kerneltest.Kernel) int { return release.Compare(b.Release, a.Release) })
	first := slices.IndexFunc(kernels, func(k kerneltest.Kernel) bool {
		files, _ := cache.ThirdParty(k.Release)
		return len(files) > 0
	})
	if first < 0 || len(kernels) <= n {
		oracle.Missing(t, "no %d cloud kernels and modules in the cache", n+1)
	}
	list := []string{kernels[first].Release}
	for i, k := range kernels {
		if i != first && len(list) <= n {
			list = append(list, k.Release)
		}
	}
	return list
}

// realSite is a tree of real kernels of the cache, on Red Hat's layout, with
// the modules that were built there for the first of them below extra.
func realSite(t *testing.T, k ...string) (s *site, modules []string) {
	t.Helper()
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	s = &site{T: t, dialect: dialects[0], dir: t.TempDir(), k: k, root: &made.Root{}}
	if _, err := made.Write(s.dir, strings.ReplaceAll(distribution["rhel"], "merged\n", "")); err != nil {
		t.Fatal(err)
	}
	for _, krel := range k {
		if err := made.Real(s.dir, cache.Join("root/amd64"), krel); err != nil {
			oracle.Missing(t, "%v", err)
		}
	}
	from := cache.Join("modules", k[0])
	filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || made.Suffix(name) == "" {
			return nil
		}
		rel, _ := filepath.Rel(from, name)
		if err := made.Take(s.dir, filepath.Join("lib/modules", k[0], "extra", rel), name); err != nil {
			t.Fatal(err)
		}
		modules = append(modules, "extra/"+rel)
		return nil
	})
	if len(modules) == 0 {
		oracle.Missing(t, "no modules built for %s", k[0])
	}
	for _, krel := range k {
		s.depmod(krel, "-a")
	}
	return s, modules
}

// TestScenarioRealKernels adds the third-party modules that Debian has sources
// of, built for one of its kernels, to others, and asks the real depmod about
// them: linked are just those of which it does not complain.
func TestScenarioRealKernels(t *testing.T) {
	s, modules := realSite(t, cloudKernels(t, 2)...)
	var in strings.Builder
	for _, m := range modules {
		fmt.Fprintln(&in, s.path(s.k[0]+"/"+m))
	}
	r := runModkeep(t, in.String(), "weak-modules", "--basedir", s.dir, "--no-initramfs", "--verbose", "--add-modules")
	if r.status != 0 {
		t.Errorf("status %d\n%s%s", r.status, r.out, r.errOut)
	}
	links := 0
	for _, krel := range s.k[1:] {
		symvers := filepath.Join(t.TempDir(), "symvers")
		if out, err := exec.Command("sh", "-c", fmt.Sprintf("zcat %s/boot/symvers-%s.gz >%s", s.dir, krel, symvers)).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var ours []string
		for _, m := range modules {
			if _, err := os.Lstat(s.path(krel + "/" + s.linkPlace(m))); err == nil {
				ours = append(ours, s.linkPlace(m))
			}
		}
		links += len(ours)
		if diff := cmp.Diff(s.greatest(krel, modules, symvers), ours); diff != "" {
			t.Errorf("%s: links (-depmod +modkeep):\n%s\n%s", krel, diff, r.out)
		}
	}
	t.Logf("%d modules on %d kernels, %d links", len(modules), len(s.k)-1, links)
	if links == 0 {
		t.Error("not one module is linked")
	}
}

// greatest links modules of the first kernel by force, takes away what depmod
// complains of until it does not any more, and returns what it then selects.
func (s *site) greatest(krel string, modules []string, symvers string) []string {
	s.Helper()
	linked := map[string]bool{}
	for _, m := range modules {
		link := s.linkPlace(m)
		linked[link] = true
		if _, err := os.Lstat(s.path(krel + "/" + link)); err != nil {
			s.prepare("symlink", krel+"/"+link+" "+s.path(s.k[0]+"/"+m))
		}
	}
	var dep string
	for {
		out, errOut := s.depmod(krel, "-naeE", symvers)
		complaints := linkComplaints(krel, errOut)
		if len(complaints) == 0 {
			dep = "\n" + out
			break
		}
		for _, c := range complaints {
			link := strings.Fields(c)[1]
			delete(linked, link)
			os.Remove(s.path(krel + "/" + link))
		}
	}
	var list []string
	for _, m := range modules {
		if link := s.linkPlace(m); linked[link] && strings.Contains(dep, "\n"+link+":") { // and not passed over
			list = append(list, s.linkPlace(m))
		}
	}
	return list
}

// TestScenarioNoTable is T30 with real kernels that have no table of exports:
// the images and module files tell, and that is said.
func TestScenarioNoTable(t *testing.T) {
	s, modules := realSite(t, cloudKernels(t, 1)...)
	var in strings.Builder
	for _, m := range modules {
		fmt.Fprintln(&in, s.path(s.k[0]+"/"+m))
	}
	args := []string{"weak-modules", "--basedir", s.dir, "--no-initramfs", "--verbose", "--dry-run", "--add-modules"}
	with := runModkeep(t, in.String(), args...)
	for _, krel := range s.k {
		for _, name := range []string{"symvers-" + krel + ".gz", "System.map-" + krel} {
			if err := os.Remove(filepath.Join(s.dir, "boot", name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	without := runModkeep(t, in.String(), args...)
	if diff := cmp.Diff(with.out, without.out); diff != "" {
		t.Errorf("T30: another answer without tables (-with +without):\n%s", diff)
	}
	if without.status != 0 || !strings.Contains(without.errOut, s.k[1]) || !strings.Contains(without.errOut, "image") {
		t.Errorf("T30: status %d, and stderr does not say what stands in for the table:\n%s", without.status, without.errOut)
	}
}
