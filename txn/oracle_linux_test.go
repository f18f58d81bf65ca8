package txn

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/oracle"
)

// childDepmod is the kernel release for which a child does realPlan, with the
// real depmod.
const childDepmod = "MODKEEP_TXN_DEPMOD"

// realPlan links one module and has the real depmod write the index files.
func realPlan(root, krel string) Plan {
	dir := "/lib/modules/" + krel
	return Plan{Name: "link", Steps: []Step{
		{Op: Mkdir, Path: dir + "/weak-updates"},
		{Op: Link, Path: dir + "/weak-updates/foreign.ko", Target: "../../donor/extra/foreign.ko"},
		{Op: Depmod, Path: dir, Command: []string{"depmod", "-b", root, "-C", "/dev/null", krel}, Files: []string{
			"modules.dep", "modules.dep.bin", "modules.alias", "modules.alias.bin", "modules.softdep", "modules.weakdep", "modules.symbols",
			"modules.symbols.bin", "modules.builtin.bin", "modules.builtin.alias.bin", "modules.devname",
		}},
	}}
}

func realDepmod(_ context.Context, _ Step, argv []string) error {
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// realTree is a tree with the modules of a kernel of the cache.
func realTree(t *testing.T, k kerneltest.Kernel, foreign string) string {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "lib/modules", k.Release)
	files(t, root, map[string]string{"/lib/modules/" + k.Release + "/kernel": "-> " + filepath.Join(k.Modules(), "kernel"), "/var/lib/": ""})
	files(t, root, map[string]string{"/lib/modules/donor/extra/": ""})
	for from, to := range map[string]string{
		foreign: filepath.Join(root, "lib/modules/donor/extra/foreign.ko"),
		filepath.Join(k.Modules(), "modules.order"):           filepath.Join(dir, "modules.order"),
		filepath.Join(k.Modules(), "modules.builtin"):         filepath.Join(dir, "modules.builtin"),
		filepath.Join(k.Modules(), "modules.builtin.modinfo"): filepath.Join(dir, "modules.builtin.modinfo"),
	} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := realDepmod(t.Context(), Step{}, realPlan(root, k.Release).Steps[2].Command); err != nil {
		t.Fatal(err)
	}
	return root
}

// cachedKernel is a kernel with third-party modules, and one of those.
func cachedKernel(t *testing.T) (kerneltest.Kernel, string) {
	t.Helper()
	cache, err := kerneltest.OpenCache()
	why := fmt.Sprint("no kernel with third-party modules in the cache: ", err)
	if err == nil {
		kernels, _ := cache.Kernels()
		for _, k := range kernels {
			foreign, _ := cache.ThirdParty(k.Release)
			if k.Arch == "amd64" && strings.Contains(k.Release, "cloud") && len(foreign) > 0 {
				return k, foreign[0]
			}
		}
	}
	oracle.Missing(t, "%s", why)
	return kerneltest.Kernel{}, ""
}

// TestOracleDepmodKilled kills a process and its real depmod, or the process
// alone, at random times: real modprobe reads the index files at each moment,
// and after recovery they are byte for byte the old or the new ones.
func TestOracleDepmodKilled(t *testing.T) {
	for _, name := range []string{"depmod", "modprobe"} {
		if _, err := exec.LookPath(name); err != nil {
			oracle.Missing(t, "%s is not installed", name)
		}
	}
	k, foreign := cachedKernel(t)
	root := realTree(t, k, foreign)
	e := ends{before: dump(t, root)}
	begin := time.Now()
	if err := depmodChild(t, root, k.Release).Wait(); err != nil {
		t.Fatal(err)
	}
	took := time.Since(begin)
	e.after = dump(t, root)
	if maps.Equal(e.before, e.after) {
		t.Fatal("the plan changes nothing")
	}
	outcomes := make(map[bool]int)
	pending := 0
	for i := range runs() / 4 {
		undoReal(t, root, e)
		cmd := depmodChild(t, root, k.Release)
		time.Sleep(time.Duration(rand.Int64N(int64(took))))
		whom := cmd.Process.Pid
		if i%2 == 0 {
			whom = -whom // depmod too
		}
		syscall.Kill(whom, syscall.SIGKILL)
		if cmd.Wait() == nil {
			took = took * 9 / 10 // it was done before: what was measured is too long
		}
		if _, err := os.Stat(filepath.Join(root, "var/lib/modkeep/journal")); err == nil {
			pending++
		}
		modprobeReads(t, root, k.Release)
		recoverNow(t, root)
		modprobeReads(t, root, k.Release)
		got := dump(t, root)
		if !maps.Equal(got, e.before) && !maps.Equal(got, e.after) {
			t.Fatal("neither before nor after")
		}
		outcomes[maps.Equal(got, e.after)]++
	}
	t.Logf("%d killed within %v: %d interrupted, %d old, %d new", runs()/4, took, pending, outcomes[false], outcomes[true])
}

// undoReal brings the tree back to before if it is after, by undo: the index
// files too are the old ones then.
func undoReal(t *testing.T, root string, e ends) {
	t.Helper()
	got := dump(t, root)
	if maps.Equal(got, e.before) {
		return
	}
	s := open(t, root, nil)
	records, err := s.History()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := s.UndoPlan(records[0].Number)
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, root, plan)
	if !maps.Equal(dump(t, root), e.before) {
		t.Fatal("undo: not as before")
	}
}

func depmodChild(t *testing.T, root, krel string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childRoot+"="+root, childDepmod+"="+krel)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// modprobeReads asks the real modprobe for a module of the tree.
func modprobeReads(t *testing.T, root, krel string) {
	t.Helper()
	dep, err := os.ReadFile(filepath.Join(root, "lib/modules", krel, "modules.dep"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(dep), ":")
	name, _, _ := strings.Cut(filepath.Base(first), ".")
	out, err := exec.Command("modprobe", "-d", root, "-S", krel, "-C", "/dev/null", "--show-depends", name).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "/"+name+".ko") {
		t.Fatalf("modprobe %s: %v: %s", name, err, out)
	}
}
