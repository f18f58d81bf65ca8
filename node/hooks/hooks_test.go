package hooks_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/node/hooks"
	"modkeep/txn"
)

// The roots: what decides which hooks there are, by family.
const (
	rhel = `merged
		file /etc/os-release ID="rocky"\nID_LIKE="rhel centos fedora"
		file /usr/bin/modkeep binary
		file /usr/sbin/weak-modules #!/bin/bash\nthe distribution's
		dir /usr/lib/rpm/macros.d
		dir /usr/lib/rpm/fileattrs
		dir /usr/lib/kernel/install.d
		dir /usr/lib/systemd/system
		dir /usr/lib/python3.9/site-packages/dnf-plugins
		dir /etc/dnf/plugins
		file /usr/lib/depmod.d/dist.conf search updates extra built-in weak-updates`
	fedora = `merged
		file /etc/os-release ID=fedora
		file /usr/bin/modkeep binary
		file /usr/bin/dnf5
		dir /etc/dnf/libdnf5-plugins/actions.d
		dir /usr/lib/systemd/system`
	suse = `merged
		file /usr/lib/os-release ID="sles"\nID_LIKE="suse"
		file /usr/bin/modkeep binary
		file /usr/lib/module-init-tools/weak-modules2 the distribution's
		dir /usr/lib/rpm/macros.d
		dir /usr/lib/systemd/system
		file /usr/lib/depmod.d/00-system.conf search updates extra weak-updates kgraft built-in`
	debian = `merged
		file /etc/os-release ID=debian
		file /usr/sbin/modkeep binary
		file /var/lib/dpkg/status
		file /var/lib/dpkg/diversions /usr/share/a\n/usr/share/a.real\nother
		dir /etc/apt/apt.conf.d
		dir /usr/lib/kernel/install.d
		dir /usr/lib/systemd/system`
	ubuntu = `merged
		file /etc/os-release ID=ubuntu\nID_LIKE=debian
		file /usr/bin/modkeep binary
		file /var/lib/dpkg/status
		file /usr/lib/depmod.d/ubuntu.conf search updates ubuntu built-in`
	alternatives = `merged
		file /etc/os-release ID=openEuler
		file /usr/bin/modkeep binary
		file /usr/sbin/weak-modules.kmod the distribution's
		link /usr/sbin/weak-modules /etc/alternatives/weak-modules
		link /etc/alternatives/weak-modules /usr/sbin/weak-modules.kmod
		file /var/lib/alternatives/weak-modules auto\n/usr/sbin/weak-modules\n\n/usr/sbin/weak-modules.kmod\n10`
	bare = `dir /lib/modules
		dir /etc`
)

func root(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := made.Write(dir, text); err != nil {
		t.Fatal(err)
	}
	return dir
}

func dump(t *testing.T, dir string) string {
	t.Helper()
	text, err := made.Dump(dir)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func detect(t *testing.T, dir string) *hooks.System {
	t.Helper()
	s, err := hooks.Detect(dir, hooks.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// do runs a plan as the command does.
func do(t *testing.T, dir string, plan txn.Plan, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	store, err := txn.Open(dir, txn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	release, err := store.Lock(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if _, err := store.Run(context.Background(), plan); err != nil {
		t.Fatal(err)
	}
}

func install(t *testing.T, dir string, names ...string) []hooks.Note {
	t.Helper()
	plan, notes, err := detect(t, dir).Install(names...)
	do(t, dir, plan, err)
	return notes
}

// remove removes hooks and, as the command does after the last, the state.
func remove(t *testing.T, dir string, names ...string) []hooks.Note {
	t.Helper()
	m, err := hooks.ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	plan, notes, err := hooks.Remove(dir, names...)
	do(t, dir, plan, err)
	if after, err := hooks.ReadManifest(dir); err != nil {
		t.Fatal(err)
	} else if len(after.Entries) == 0 {
		if err := hooks.RemoveState(dir, m.StateDirs); err != nil {
			t.Fatal(err)
		}
	}
	return notes
}

// paths returns what is installed, with where links lead.
func paths(s *hooks.System) []string {
	list, _ := s.Hooks()
	var names []string
	for _, h := range list {
		name := h.Path
		if h.Target != "" {
			name += " -> " + h.Target
		}
		names = append(names, name)
	}
	return names
}

func TestHooksByFamily(t *testing.T) {
	unit := []string{"/usr/lib/systemd/system/modkeep-check.service",
		"/etc/systemd/system/multi-user.target.wants/modkeep-check.service -> /usr/lib/systemd/system/modkeep-check.service"}
	tests := []struct {
		name, root string
		family     hooks.Family
		want       []string
	}{
		{"rhel", rhel, hooks.RHEL, append([]string{"/usr/sbin/weak-modules -> ../bin/modkeep",
			"/usr/lib/kernel/install.d/45-modkeep.install",
			"/usr/lib/python3.9/site-packages/dnf-plugins/modkeep.py", "/etc/dnf/plugins/modkeep.conf",
			"/usr/lib/rpm/macros.d/macros.modkeep", "/usr/lib/rpm/fileattrs/modkeep.attr"}, unit...)},
		{"fedora", fedora, hooks.RHEL, append([]string{"/usr/sbin/weak-modules -> ../bin/modkeep", "/etc/depmod.d/modkeep.conf",
			"/etc/dnf/libdnf5-plugins/actions.d/modkeep.actions"}, unit...)},
		{"suse", suse, hooks.SUSE, append([]string{"/usr/lib/module-init-tools/weak-modules2 -> ../../bin/modkeep",
			"/usr/lib/rpm/macros.d/macros.modkeep"}, unit...)},
		{"debian", debian, hooks.Debian, append([]string{"/usr/sbin/weak-modules -> modkeep", "/etc/depmod.d/modkeep.conf",
			"/usr/lib/kernel/install.d/45-modkeep.install", "/etc/kernel/postinst.d/dkms-modkeep",
			"/etc/kernel/prerm.d/modkeep", "/etc/kernel/postrm.d/modkeep", "/etc/dpkg/dpkg.cfg.d/modkeep", "/etc/apt/apt.conf.d/70modkeep"}, unit...)},
		{"ubuntu", ubuntu, hooks.Debian, []string{"/usr/sbin/weak-modules -> ../bin/modkeep", "/etc/depmod.d/zz-modkeep.conf",
			"/etc/kernel/postinst.d/dkms-modkeep", "/etc/kernel/prerm.d/modkeep", "/etc/kernel/postrm.d/modkeep", "/etc/dpkg/dpkg.cfg.d/modkeep"}},
		{"bare", bare, hooks.Other, []string{"/etc/depmod.d/modkeep.conf"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := detect(t, root(t, test.root))
			if s.Family != test.family {
				t.Errorf("family %s, want %s", s.Family, test.family)
			}
			if diff := cmp.Diff(test.want, paths(s)); diff != "" {
				t.Errorf("hooks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInstallRemoveLeavesNoTrace(t *testing.T) {
	for name, text := range map[string]string{"rhel": rhel, "fedora": fedora, "suse": suse, "debian": debian,
		"ubuntu": ubuntu, "alternatives": alternatives, "bare": bare} {
		t.Run(name, func(t *testing.T) {
			dir := root(t, text)
			before := dump(t, dir)
			if notes := install(t, dir); len(notes) > 0 {
				t.Errorf("notes on install: %v", notes)
			}
			for _, status := range list(t, dir) {
				if status.State != hooks.Installed && status.State != hooks.NotHere {
					t.Errorf("%s is %s after install", status.Path, status.State)
				}
			}
			if plan, notes, err := detect(t, dir).Install(); err != nil || len(plan.Steps)+len(notes) > 0 {
				t.Errorf("a second install would do %v, note %v (%v)", plan.Steps, notes, err)
			}
			if notes := remove(t, dir); len(notes) > 0 {
				t.Errorf("notes on remove: %v", notes)
			}
			if diff := cmp.Diff(before, dump(t, dir)); diff != "" {
				t.Errorf("traces (-before +after):\n%s", diff)
			}
		})
	}
}

func list(t *testing.T, dir string) []hooks.Status {
	t.Helper()
	list, err := detect(t, dir).List()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	os.Remove(name)
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestOneByOne(t *testing.T) {
	dir := root(t, debian)
	before := dump(t, dir)
	install(t, dir, "apt", "systemd")
	install(t, dir, "etc-kernel")
	remove(t, dir, "apt")
	var installed []string
	for _, s := range list(t, dir) {
		if s.State == hooks.Installed {
			installed = append(installed, s.Name)
		}
	}
	if want := []string{"etc-kernel", "etc-kernel", "etc-kernel", "systemd", "systemd"}; !slices.Equal(installed, want) {
		t.Errorf("installed %v, want %v", installed, want)
	}
	remove(t, dir, "systemd")
	remove(t, dir, "etc-kernel")
	if diff := cmp.Diff(before, dump(t, dir)); diff != "" {
		t.Errorf("traces (-before +after):\n%s", diff)
	}
	if _, _, err := detect(t, dir).Install("aptt"); !errors.Is(err, hooks.ErrName) {
		t.Errorf("install of aptt: %v, want %v", err, hooks.ErrName)
	}
}

func TestEditedFilesStay(t *testing.T) {
	const name = "/etc/apt/apt.conf.d/70modkeep"
	dir := root(t, debian)
	install(t, dir)
	put(t, dir, name, "// mine\n")
	for _, do := range []func(*testing.T, string, ...string) []hooks.Note{install, remove} {
		notes := do(t, dir)
		want := []hooks.Note{{Name: "apt", Path: name, Text: "edited since it was installed: left as it is"}}
		if diff := cmp.Diff(want, notes); diff != "" {
			t.Errorf("notes (-want +got):\n%s", diff)
		}
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != "// mine\n" {
			t.Errorf("%s is now %q (%v)", name, text, err)
		}
	}
}

func TestForeignFilesStay(t *testing.T) {
	const name = "/etc/kernel/prerm.d/modkeep"
	dir := root(t, debian)
	put(t, dir, name, "#!/bin/sh\n")
	want := []hooks.Note{{Name: "etc-kernel", Path: name, Text: "in the way and not modkeep's: left as it is"}}
	if diff := cmp.Diff(want, install(t, dir)); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	remove(t, dir)
	if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != "#!/bin/sh\n" {
		t.Errorf("%s is now %q (%v)", name, text, err)
	}
}

func TestSearchLineGoesBeforeLinks(t *testing.T) {
	dir := root(t, debian+"\nlink /lib/modules/6.1/weak-updates/a.ko /lib/modules/6.0/updates/a.ko")
	install(t, dir)
	want := []hooks.Note{{Name: "depmod", Path: "/etc/depmod.d/modkeep.conf", Text: "gone, and with it the rank of the links below weak-updates, which stay: see modkeep unlink"}}
	if diff := cmp.Diff(want, remove(t, dir)); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// TestUpdateOfTheDistribution is rpm's way with a file that gave way: it puts
// the new one in its place.
func TestUpdateOfTheDistribution(t *testing.T) {
	const name, aside = "usr/sbin/weak-modules", "usr/sbin/weak-modules.distrib"
	dir := root(t, rhel)
	install(t, dir)
	put(t, dir, name, "newer\n")
	before := dump(t, dir)
	t.Run("remove", func(t *testing.T) {
		dir := root(t, rhel)
		install(t, dir)
		put(t, dir, name, "newer\n")
		remove(t, dir)
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != "newer\n" {
			t.Errorf("%s is now %q (%v)", name, text, err)
		}
		if _, err := os.Lstat(filepath.Join(dir, aside)); err == nil {
			t.Errorf("%s is still there", aside)
		}
	})
	t.Run("install", func(t *testing.T) {
		install(t, dir)
		if before == dump(t, dir) {
			t.Fatal("nothing was done")
		}
		if target, err := os.Readlink(filepath.Join(dir, name)); err != nil || target != "../bin/modkeep" {
			t.Errorf("%s leads to %q (%v)", name, target, err)
		}
		if text, err := os.ReadFile(filepath.Join(dir, aside)); err != nil || string(text) != "newer\n" {
			t.Errorf("%s is %q (%v)", aside, text, err)
		}
		remove(t, dir)
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != "newer\n" {
			t.Errorf("%s is now %q (%v)", name, text, err)
		}
	})
}

// TestProgramWithoutPlainPath makes sure that no path reaches a shell or
// python that would mean something there.
func TestProgramWithoutPlainPath(t *testing.T) {
	for _, program := range []string{"modkeep", "/usr/bin/mod keep", "/x;y", "/usr/../bin/modkeep", `/a"b`, "/a$b", "/"} {
		if _, err := hooks.Detect(t.TempDir(), hooks.Options{Program: program}); err == nil {
			t.Errorf("program %q was taken", program)
		}
	}
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// installed returns a root with hooks, and the machine's paths of those that
// are files, by their names inside the root.
func installed(t *testing.T, text string) (dir string, files map[string]string) {
	dir = root(t, text)
	install(t, dir)
	files = map[string]string{}
	list, _ := detect(t, dir).Hooks()
	for _, h := range list {
		if h.Target == "" {
			files[h.Path] = filepath.Join(dir, h.Path)
		}
	}
	return dir, files
}

func TestOracleShell(t *testing.T) {
	_, files := installed(t, debian)
	for _, shell := range [][]string{{"sh", "-n"}, {"shellcheck", "--shell=sh"}} {
		t.Run(shell[0], func(t *testing.T) {
			program := oracle.Tool(t, shell[0])
			for name, file := range files {
				if info, err := os.Stat(file); err != nil {
					t.Error(err)
				} else if info.Mode()&0o111 != 0 {
					t.Log(name)
					output(t, program, append(shell[1:], file)...)
				}
			}
		})
	}
}

func TestOraclePython(t *testing.T) {
	_, files := installed(t, rhel)
	output(t, oracle.Tool(t, "python3"), "-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())",
		files["/usr/lib/python3.9/site-packages/dnf-plugins/modkeep.py"])
}

func TestOracleApt(t *testing.T) {
	_, files := installed(t, debian)
	got := output(t, oracle.Tool(t, "apt-config"), "-c", files["/etc/apt/apt.conf.d/70modkeep"], "dump")
	for _, want := range []string{
		`DPkg::Pre-Install-Pkgs:: "if test -x /usr/sbin/modkeep; then /usr/sbin/modkeep hooks run packages-before -; test $? -ne 1; else cat >/dev/null; fi";`,
		`DPkg::Post-Invoke:: "if test -x /usr/sbin/modkeep; then /usr/sbin/modkeep hooks run packages-after || true; fi";`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("apt-config dump is without %s", want)
		}
	}
}

func TestOracleUnit(t *testing.T) {
	dir, _ := installed(t, debian)
	if err := os.Chmod(filepath.Join(dir, "usr/sbin/modkeep"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"multi-user.target", "local-fs.target", "systemd-modules-load.service", "sysinit.target", "basic.target", "shutdown.target"} {
		text := "[Unit]\nDescription=x\n"
		if strings.HasSuffix(name, ".service") {
			text += "[Service]\nExecStart=/usr/sbin/modkeep\n"
		}
		put(t, dir, "usr/lib/systemd/system/"+name, text)
	}
	if got := output(t, oracle.Tool(t, "systemd-analyze"), "verify", "--root="+dir, "--man=no", "modkeep-check.service"); strings.Contains(got, "modkeep-check") {
		t.Errorf("systemd-analyze verify:\n%s", got)
	}
}

func TestOracleDivert(t *testing.T) {
	dir, _ := installed(t, debian)
	got := output(t, oracle.Tool(t, "dpkg-divert"), "--root", dir, "--list", "*weak-modules")
	if want := "local diversion of /usr/sbin/weak-modules to /usr/sbin/weak-modules.distrib\n"; got != want {
		t.Errorf("dpkg-divert --list: %q, want %q", got, want)
	}
	remove(t, dir)
	if got := output(t, oracle.Tool(t, "dpkg-divert"), "--root", dir, "--list"); strings.Contains(got, "weak") || !strings.Contains(got, "/usr/share/a.real") {
		t.Errorf("dpkg-divert --list after removal: %q", got)
	}
}

// TestOracleAlternatives lets Debian's update-alternatives, whose files have
// the form of Red Hat's, read what was written.
func TestOracleAlternatives(t *testing.T) {
	// Debian's ends the file with an empty line and wants one.
	dir, _ := installed(t, strings.Replace(alternatives, `kmod\n10`, `kmod\n10\n`, 1))
	query := func() string {
		return output(t, oracle.Tool(t, "update-alternatives"), "--root", dir, "--admindir", filepath.Join(dir, "var/lib/alternatives"), "--log", "/dev/null", "--query", "weak-modules")
	}
	// The alternatives must be there for it.
	for _, name := range []string{"usr/bin/modkeep", "usr/sbin/weak-modules.kmod"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got := query()
	for _, want := range []string{"Status: auto\n", "Best: /usr/bin/modkeep\n", "Value: /usr/bin/modkeep\n", "Alternative: /usr/sbin/weak-modules.kmod\nPriority: 10\n", "Alternative: /usr/bin/modkeep\nPriority: 50\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("update-alternatives --query is without %q:\n%s", want, got)
		}
	}
	remove(t, dir)
	if got := query(); strings.Contains(got, "modkeep") || !strings.Contains(got, "Value: /usr/sbin/weak-modules.kmod\n") {
		t.Errorf("update-alternatives --query after removal:\n%s", got)
	}
}

// TestOracleSearch lets depmod choose between files of one name, with our
// line and without.
func TestOracleSearch(t *testing.T) {
	oracle.Tool(t, "depmod")
	const modules = `
		kernel 6.1.0
		vmlinux printk@a
		kernel/both.ko printk@a
		updates/both.ko printk@a
		kernel/mine.ko printk@a
		weak-updates/mine.ko printk@a`
	tests := []struct {
		name, root string
		want       []string
	}{
		{"no order before", debian, []string{"updates/both.ko:", "weak-updates/mine.ko:"}},
		{"an order before", ubuntu, []string{"updates/both.ko:", "kernel/mine.ko:"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir, _ := installed(t, test.root+modules)
			for _, name := range []string{"/etc/depmod.d", "/usr/lib/depmod.d"} {
				os.MkdirAll(filepath.Join(dir, name), 0o755)
			}
			config := filepath.Join(t.TempDir(), "d")
			if err := os.Mkdir(config, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, from := range []string{"etc/depmod.d", "usr/lib/depmod.d"} {
				files, err := filepath.Glob(filepath.Join(dir, from, "*.conf"))
				if err != nil {
					t.Fatal(err)
				}
				for _, file := range files {
					text, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					put(t, config, filepath.Base(file), string(text))
				}
			}
			got := output(t, "depmod", "-n", "-b", dir, "-C", config, "6.1.0")
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("modules.dep is without %s:\n%.300s", want, got)
				}
			}
		})
	}
}

func TestOracleMacros(t *testing.T) {
	_, files := installed(t, rhel)
	rpm := oracle.Tool(t, "rpm")
	load := "/usr/lib/rpm/macros:" + files["/usr/lib/rpm/macros.d/macros.modkeep"]
	for _, test := range []struct{ name, macro string }{
		{"post", "%{modkeep_post /lib/modules/1/extra/foo}"},
		{"preun", "%{modkeep_preun /lib/modules/1/extra/foo foo}"},
		{"postun", "%{modkeep_postun foo}"},
		{"posttrans", "%{modkeep_kernel_posttrans 6.1.0}"},
		{"kernel preun", "%{modkeep_kernel_preun 6.1.0}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := output(t, rpm, "--macros", load, "--eval", test.macro)
			if strings.Contains(text, "%") || !strings.Contains(text, "/usr/bin/modkeep") && test.name != "preun" {
				t.Errorf("expands to:\n%s", text)
			}
			script := filepath.Join(t.TempDir(), "script")
			put(t, "/", script, "#!/bin/sh\n"+text)
			output(t, "sh", "-n", script)
		})
	}
	text := output(t, rpm, "--macros", load, "--eval", "%{modkeep_file_triggers}")
	if !strings.Contains(text, "\n%transfiletriggerin -- /lib/modules /usr/lib/modules\n/usr/bin/modkeep hooks run modules-changed -") {
		t.Errorf("file triggers expand to:\n%s", text)
	}
}

func FuzzManifest(f *testing.F) {
	dir := f.TempDir()
	f.Add([]byte(`{"version":1,"program":"/usr/bin/modkeep","entries":[{"name":"apt","path":"/etc/apt/x","sha256":"00","mode":"0644"}],"dirs":["/etc"],"state_dirs":null,"aside":[{"path":"/a","to":"/b"}],"diversions":[],"alternatives":[]}`))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		name := filepath.Join(dir, hooks.ManifestPath)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
		hooks.Remove(dir) // no panic; nothing is changed
	})
}
