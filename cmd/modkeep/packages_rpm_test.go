package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"modkeep/internal/kerneltest/made"
	"modkeep/node/hooks"
)

// rpmPackage is what an .rpm is made of.
type rpmPackage struct {
	name, version string
	text          string            // the files, as a root
	scripts       map[string]string // %post and so on
	header        string            // more lines before %description
	spec          string            // more lines at the end
	macros        string            // a file of macros
}

// rpm makes an .rpm file.
func (r *bareRoot) rpm(p rpmPackage) string {
	r.t.Helper()
	dir, files := r.payload(p.text)
	var spec strings.Builder
	if p.macros != "" {
		fmt.Fprintf(&spec, "%%{load:%s}\n", p.macros)
	}
	fmt.Fprintf(&spec, "Name: %s\nVersion: %s\nRelease: 1\nSummary: x\nLicense: none\nAutoReqProv: no\n%s\n", p.name, p.version, p.header)
	fmt.Fprintf(&spec, "%%description\nx\n%%install\nmkdir -p %%{buildroot}\ncp -a %s/. %%{buildroot}/\nfind %%{buildroot} -type f -exec touch -d 2020-01-01 {} +\n%%files\n%%defattr(-,root,root)\n%s\n", dir, strings.Join(files, "\n"))
	for _, section := range []string{"post", "preun", "postun", "posttrans"} {
		if text := p.scripts[section]; text != "" {
			fmt.Fprintf(&spec, "%%%s\n%s\n", section, text)
		}
	}
	spec.WriteString(p.spec)
	name := filepath.Join(r.build, p.name+"-"+p.version+".spec")
	r.must(os.WriteFile(name, []byte(spec.String()), 0o644))
	args := []string{"-bb", "--target", "x86_64-linux", "--define", "_topdir " + r.build + "/rpm", "--define", "__os_install_post %{nil}",
		"--define", "debug_package %{nil}", "--define", "_build_id_links none", "--define", "_binary_payload w1.gzdio"}
	out, err := r.try("rpmbuild", append(args, name)...)
	if err != nil {
		r.t.Fatalf("rpmbuild of %s: %v\n%s\n%s", p.name, err, out, spec.String())
	}
	return filepath.Join(r.build, "rpm/RPMS/x86_64", p.name+"-"+p.version+"-1.x86_64.rpm")
}

// kernelRPM is a kernel as Red Hat's specs make it, in what matters here.
func (r *bareRoot) kernelRPM(krel, text string) string {
	version, _, _ := strings.Cut(strings.ReplaceAll(krel, "-", "."), ".el9")
	return r.rpm(rpmPackage{name: "kernel", version: version, text: text, scripts: map[string]string{
		"post":      "depmod -a " + krel,
		"preun":     "/usr/sbin/weak-modules --remove-kernel " + krel + " || exit $?",
		"postun":    "rm -f /lib/modules/" + krel + "/modules.*; rmdir /lib/modules/" + krel + " 2>/dev/null || :",
		"posttrans": "/usr/sbin/weak-modules --add-kernel " + krel + " || exit $?",
	}})
}

// kmodRPM is a package of modules with the scriptlets that kmodtool writes.
func (r *bareRoot) kmodRPM(name, version, line string) string {
	dir := "/lib/modules/" + k1 + "/extra/" + name
	list := "/run/rpm-kmod-" + name + "-modules"
	return r.rpm(rpmPackage{name: "kmod-" + name, version: version, text: kmod(line), scripts: map[string]string{
		"post":   "find " + dir + " -name '*.ko' -o -name '*.ko.xz' | /usr/sbin/weak-modules --add-modules",
		"preun":  "find " + dir + " -name '*.ko' -o -name '*.ko.xz' > " + list,
		"postun": "[ ! -f " + list + " ] || /usr/sbin/weak-modules --remove-modules < " + list + "\nrm -f " + list,
	}})
}

// rpmRun runs rpm on the root. A scriptlet that fails is an error of the test:
// rpm only warns of it.
func (r *bareRoot) rpmRun(args ...string) string {
	r.t.Helper()
	out := r.run("rpm", append([]string{"--root", r.dir, "--dbpath", "/var/lib/rpm"}, args...)...)
	if strings.Contains(out, "scriptlet failed") || strings.Contains(out, "error:") {
		r.t.Fatalf("rpm %s:\n%s", strings.Join(args, " "), out)
	}
	return out
}

// TestRPM takes kernels and modules through what rpm does with them. The
// scriptlets call /usr/sbin/weak-modules, which is modkeep by hooks install.
func TestRPM(t *testing.T) {
	r := newRPMRoot(t)
	r.inside("/usr/bin/modkeep", "hooks", "install")
	k1rpm, k2rpm, k3rpm := r.kernelRPM(k1, kernelOne), r.kernelRPM(k2, kernelTwo), r.kernelRPM(k3, kernelThree)
	prov1 := r.kmodRPM("prov", "1", "extra/prov/prov.ko printk@a +prov_do@77")
	prov2 := r.kmodRPM("prov", "2", "extra/prov/prov.ko printk@a kfree@b +prov_do@77")
	prov3 := r.kmodRPM("prov", "3", "extra/prov/prov.ko printk@a moved@c +prov_do@77")
	cons := r.kmodRPM("cons", "1", "extra/cons/cons.ko.xz printk@a prov_do@77 core_do@1")

	const own = `
		` + k1 + ` dep extra/prov/prov.ko:
		` + k1 + ` dep extra/cons/cons.ko.xz: kernel/drivers/net/core.ko extra/prov/prov.ko`
	linked := func(krel string) string {
		return `
		` + krel + ` link prov/prov.ko -> /lib/modules/` + k1 + `/extra/prov/prov.ko
		` + krel + ` link cons/cons.ko.xz -> /lib/modules/` + k1 + `/extra/cons/cons.ko.xz
		` + krel + ` dep weak-updates/prov/prov.ko:
		` + krel + ` dep weak-updates/cons/cons.ko.xz: kernel/drivers/net/core.ko weak-updates/prov/prov.ko`
	}
	r.rpmRun("-ivh", k1rpm, k2rpm)
	r.expect("kernels alone", "")
	r.rpmRun("-ivh", prov1, cons)
	r.expect("install", own+linked(k2))
	r.rpmRun("-Uvh", prov2)
	r.expect("upgrade: %post of the new before %postun of the old", own+linked(k2))
	r.rpmRun("-Uvh", "--replacepkgs", "--replacefiles", prov2, cons)
	r.expect("reinstall", own+linked(k2))
	out := r.rpmRun("-Uvh", prov3)
	r.expect("upgrade to what the second kernel does not load", own)
	said(t, out, "Module prov.ko from kernel "+k1+" is not compatible with kernel "+k2+" in symbols: moved")
	r.rpmRun("-ivh", k3rpm)
	r.expect("a kernel that loads it", own+linked(k3))
	r.rpmRun("-Uvh", "--oldpackage", prov1)
	r.expect("downgrade", own+linked(k2)+linked(k3))
	r.rpmRun("-e", "kmod-prov")
	r.expect("erase of the provider", k1+" dep extra/cons/cons.ko.xz: kernel/drivers/net/core.ko")
	r.rpmRun("-ivh", prov1)
	r.expect("the provider again", own+linked(k2)+linked(k3))
	r.rpmRun("-e", "kernel-5.14.0.162")
	r.expect("erase of a kernel", own+linked(k3))
	if _, err := os.Stat(r.path("usr/lib/modules/" + k2)); err == nil {
		t.Errorf("the directory of %s is still there: %s", k2, r.run("find", r.path("usr/lib/modules/"+k2)))
	}
	r.rpmRun("-ivh", "--oldpackage", k2rpm)
	r.expect("the kernel again", own+linked(k2)+linked(k3))
	r.rpmRun("-e", "kmod-prov", "kmod-cons")
	r.expect("erase of all", "")
}

// newRPMRoot is a root that rpm knows a shell in.
func newRPMRoot(t *testing.T, tools ...string) *bareRoot {
	t.Helper()
	r := newBareRoot(t, el9, append(tools, "rpm", "rpmbuild")...)
	r.rpmRun("-i", r.rpm(rpmPackage{name: "base", version: "1", header: "Provides: /bin/sh"}))
	return r
}

// TestRPMAtOnce runs two transactions whose scriptlets meet: each has its own
// database, or rpm's lock would keep them apart. It must come to what they come
// to one after the other.
func TestRPMAtOnce(t *testing.T) {
	packages := func(r *bareRoot) (kernels, one, two string) {
		r.inside("/usr/bin/modkeep", "hooks", "install")
		r.rpmRun("-ivh", r.kernelRPM(k1, kernelOne), r.kernelRPM(k2, kernelTwo))
		return r.kernelRPM(k3, kernelThree), r.kmodRPM("prov", "1", "extra/prov/prov.ko printk@a +prov_do@77"),
			r.kmodRPM("cons", "1", "extra/cons/cons.ko.xz printk@a prov_do@77 core_do@1")
	}
	after := newRPMRoot(t)
	kernel, one, two := packages(after)
	for _, file := range []string{one, two, kernel} {
		after.rpmRun("-i", "--nodeps", file)
	}
	want := strings.Join(after.state(), "\n")
	if !strings.Contains(want, k3+" dep weak-updates/cons/cons.ko.xz: kernel/drivers/net/core.ko weak-updates/prov/prov.ko") {
		t.Fatalf("one after the other:\n%s", want)
	}
	for round := range 3 {
		r := newRPMRoot(t)
		kernel, one, two := packages(r)
		// rpm without its lock fails when two packages make one directory.
		r.must(os.MkdirAll(r.path("usr/lib/modules/"+k1+"/extra"), 0o755))
		var wait sync.WaitGroup
		for i, file := range []string{one, two, kernel} {
			wait.Go(func() {
				out, err := r.try("rpm", "--root", r.dir, "--dbpath", fmt.Sprintf("/var/lib/rpm-%d", i), "-i", "--nodeps", file)
				if err != nil || strings.Contains(out, "scriptlet failed") {
					t.Errorf("%s: %v\n%s", file, err, out)
				}
			})
		}
		wait.Wait()
		r.expect(fmt.Sprintf("round %d", round), want)
		history := r.inside("/usr/bin/modkeep", "fsck")
		if strings.Contains(history, "fault") {
			t.Error(history)
		}
	}
}

// TestRPMFileTriggers has packages without scriptlets of their own. modkeep's
// package brings the triggers of its macros, and a provider in a kernel's
// sub-package that comes later makes the links be judged again.
func TestRPMFileTriggers(t *testing.T) {
	r := newRPMRoot(t)
	r.must(os.MkdirAll(r.path("usr/lib/rpm/macros.d"), 0o755))
	r.inside("/usr/bin/modkeep", "hooks", "install")
	macros := r.path("usr/lib/rpm/macros.d/macros.modkeep")
	r.rpmRun("-i", r.rpm(rpmPackage{name: "modkeep", version: "1", spec: "%{modkeep_file_triggers}\n", macros: macros}))

	kernel := func(krel, text, extra string) (core, sub string) {
		version, _, _ := strings.Cut(strings.ReplaceAll(krel, "-", "."), ".el9")
		post := map[string]string{"post": "depmod -a " + krel}
		core = r.rpm(rpmPackage{name: "kernel", version: version, text: text + "\nabsent " + extra, scripts: post})
		sub = r.rpm(rpmPackage{name: "kernel-modules-extra", version: version, text: "kernel " + krel + " bare=yes\n" + extra, scripts: post})
		return core, sub
	}
	const cnic = "kernel/extra/cnic.ko printk@a +cnic_do@5"
	core1, sub1 := kernel(k1, kernelOne, cnic)
	core2, sub2 := kernel(k2, kernelTwo, cnic)
	r.rpmRun("-ivh", core1, sub1, core2)
	r.rpmRun("-ivh", r.rpm(rpmPackage{name: "kmod-san", version: "1", text: kmod("extra/san/san.ko printk@a cnic_do@5\nextra/san/plain.ko printk@a")}))
	const own = `
		` + k1 + ` dep extra/san/san.ko: kernel/extra/cnic.ko
		` + k1 + ` dep extra/san/plain.ko:`
	const plain = `
		` + k2 + ` link san/plain.ko -> /lib/modules/` + k1 + `/extra/san/plain.ko
		` + k2 + ` dep weak-updates/san/plain.ko:`
	r.expect("a package without scriptlets", own+plain)
	r.rpmRun("-ivh", sub2)
	r.expect("the sub-package with the provider", own+plain+`
		`+k2+` link san/san.ko -> /lib/modules/`+k1+`/extra/san/san.ko
		`+k2+` dep weak-updates/san/san.ko: kernel/extra/cnic.ko`)
	r.rpmRun("-e", "kernel-modules-extra-5.14.0.162")
	r.expect("erase of the sub-package", own+plain)
	r.rpmRun("-e", "kmod-san")
	r.expect("erase of the module", "")
}

// TestRPMMacros has a package whose scriptlets are those of our macros.
func TestRPMMacros(t *testing.T) {
	r := newRPMRoot(t)
	r.must(os.MkdirAll(r.path("usr/lib/rpm/macros.d"), 0o755))
	r.inside("/usr/bin/modkeep", "hooks", "install")
	macros := r.path("usr/lib/rpm/macros.d/macros.modkeep")
	kernel := func(krel, text string) string {
		version, _, _ := strings.Cut(strings.ReplaceAll(krel, "-", "."), ".el9")
		return r.rpm(rpmPackage{name: "kernel", version: version, text: text, macros: macros, scripts: map[string]string{
			"post": "depmod -a " + krel, "preun": "%{modkeep_kernel_preun " + krel + "}", "postun": "rm -f /lib/modules/" + krel + "/modules.*", "posttrans": "%{modkeep_kernel_posttrans " + krel + "}"}})
	}
	kmodule := func(version string) string {
		return r.rpm(rpmPackage{name: "kmod-prov", version: version, text: kmod("extra/prov/prov.ko printk@a"), macros: macros, scripts: map[string]string{
			"post":   "%{modkeep_post /lib/modules/" + k1 + "/extra/prov}",
			"preun":  "%{modkeep_preun /lib/modules/" + k1 + "/extra/prov prov}",
			"postun": "%{modkeep_postun prov}"}})
	}
	const linked = `
		` + k1 + ` dep extra/prov/prov.ko:
		` + k2 + ` link prov/prov.ko -> /lib/modules/` + k1 + `/extra/prov/prov.ko
		` + k2 + ` dep weak-updates/prov/prov.ko:`
	r.rpmRun("-ivh", kernel(k1, kernelOne), kernel(k2, kernelTwo), kmodule("1"))
	r.expect("install", linked)
	r.rpmRun("-Uvh", kmodule("2"))
	r.expect("upgrade", linked)
	r.rpmRun("-e", "kernel-5.14.0.162")
	r.rpmRun("-ivh", kernel(k3, kernelThree))
	r.expect("another kernel", strings.ReplaceAll(linked, k2, k3))
	r.rpmRun("-e", "kmod-prov")
	r.expect("erase", "")
}

// TestRPMOwnerOfWeakModules has a package that owns /usr/sbin/weak-modules, as
// kmod does. It is updated while modkeep has the file's place; after removal
// rpm must find its package as it left it.
func TestRPMOwnerOfWeakModules(t *testing.T) {
	r := newRPMRoot(t)
	owner := func(version string) string {
		return r.rpm(rpmPackage{name: "kmod", version: version, text: "file /usr/sbin/weak-modules #!/bin/sh\\necho " + version})
	}
	const place = "usr/sbin/weak-modules"
	leads := func(step string) {
		t.Helper()
		if target, err := os.Readlink(r.path(place)); err != nil || target != "../bin/modkeep" {
			t.Errorf("after %s %s leads to %q (%v)", step, place, target, err)
		}
	}
	verified := func(step string) {
		t.Helper()
		if out, err := r.try("rpm", "--root", r.dir, "--dbpath", "/var/lib/rpm", "-V", "kmod"); err != nil {
			t.Errorf("after %s rpm -V kmod:\n%s", step, out)
		}
	}
	r.rpmRun("-i", owner("1"))
	r.inside("/usr/bin/modkeep", "hooks", "install")
	leads("install")
	r.inside("/usr/bin/modkeep", "hooks", "remove")
	verified("removal")
	r.inside("/usr/bin/modkeep", "hooks", "install")
	r.rpmRun("-U", owner("2"))
	r.inside("/usr/bin/modkeep", "hooks", "run", "packages-after")
	leads("update")
	r.inside("/usr/bin/modkeep", "hooks", "remove")
	verified("update and removal")
	if _, err := os.Lstat(r.path("var/lib/modkeep")); err == nil {
		t.Error("/var/lib/modkeep is still there")
	}
}

// dnfPlugin puts the plug-in that hooks install would put, for modkeep as this
// machine has it, into a directory and returns that.
func (r *bareRoot) dnfPlugin() string {
	r.t.Helper()
	r.must(os.MkdirAll(r.path("usr/lib/python3/dist-packages/dnf-plugins"), 0o755))
	program, err := builtModkeep()
	r.must(err)
	system, err := hooks.Detect(r.dir, hooks.Options{Program: program})
	r.must(err)
	dir := filepath.Join(r.build, "dnf-plugins")
	r.must(os.MkdirAll(dir, 0o755))
	list, _ := system.Hooks()
	for _, h := range list {
		if filepath.Ext(h.Path) == ".py" {
			r.must(os.WriteFile(filepath.Join(dir, "modkeep.py"), h.Data, 0o644))
		}
	}
	return dir
}

// TestDnf asks the gate from dnf's plug-in, which works on another root from
// outside: links there are relative.
func TestDnf(t *testing.T) {
	r := newRPMRoot(t, "dnf")
	plugin := r.dnfPlugin()
	dnf := func(args ...string) (string, error) {
		return r.try("dnf", append([]string{"-y", "--installroot", r.dir, "--disablerepo=*", "--releasever=9", "--nogpgcheck",
			"--setopt=pluginpath=" + plugin, "--setopt=cachedir=" + r.build + "/cache", "--setopt=logdir=" + r.build, "--setopt=installonly_limit=0", "--setopt=installonlypkgs=kernel"}, args...)...)
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := dnf(args...)
		if err != nil {
			t.Fatalf("dnf %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return out
	}
	kernel := func(krel, text string) string {
		version, _, _ := strings.Cut(strings.ReplaceAll(krel, "-", "."), ".el9")
		return r.rpm(rpmPackage{name: "kernel", version: version, text: text, header: "Provides: kernel-uname-r = " + krel})
	}
	policy := func(gate string) {
		r.must(os.MkdirAll(r.path("etc/modkeep"), 0o755))
		r.must(os.WriteFile(r.path("etc/modkeep/policy.yaml"), []byte("version: 1\ngate: "+gate+"\nmodules:\n  - name: prov\n    required: true\n"), 0o644))
	}
	// Debian's dnf has its database elsewhere than newRPMRoot's rpm: the shell
	// is to be provided there too.
	base := r.rpm(rpmPackage{name: "base", version: "2", header: "Provides: /bin/sh"})
	prov := r.rpm(rpmPackage{name: "kmod-prov", version: "1", text: kmod("extra/prov/prov.ko printk@a moved@c")})
	policy("strict")
	run("install", base, kernel(k1, kernelOne), kernel(k3, kernelThree), prov)
	linked := `
		` + k1 + ` dep extra/prov/prov.ko:
		` + k3 + ` link prov/prov.ko -> ../../../` + k1 + `/extra/prov/prov.ko
		` + k3 + ` dep weak-updates/prov/prov.ko:`
	r.expect("install", linked)
	two := kernel(k2, kernelTwo)
	out, err := dnf("install", two)
	if err == nil {
		t.Errorf("a kernel that leaves a required module behind was installed under gate: strict:\n%s", out)
	}
	said(t, out, "Error: modkeep: a required kernel module would be left behind; nothing was changed")
	r.expect("refusal", linked)

	// dnf5 takes a line of its hook's output for its end.
	program, err := builtModkeep()
	r.must(err)
	evra := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(two), "kernel-"), ".rpm")
	cmd := r.command(program, "hooks", "run", "dnf5-before", "--root", r.dir, filepath.Dir(two), "kernel", evra)
	stdout, err := cmd.Output()
	if want := "stop=modkeep: a required kernel module would be left behind by kernel-" + evra + "\n"; err == nil || string(stdout) != want {
		t.Errorf("dnf5's hook: %q (%v), want %q", stdout, err, want)
	}
	if _, err := os.Stat(r.path("usr/lib/modules/" + k2)); err == nil {
		t.Errorf("%s is there", k2)
	}
	policy("warn")
	said(t, run("install", two), "modkeep: kernel "+k2+" would be without a required module (gate: warn)")
	r.expect("a kernel that does not load it", linked)
	run("remove", "kmod-prov")
	r.expect("removal", "")
}

// TestSUSE takes a kernel module package through rpm as SUSE's scriptlets do:
// weak-modules2 is told the package's name and asks rpm, inside the root, what
// is in it.
func TestSUSE(t *testing.T) {
	const old, mid, latest = "6.4.0-150600.21-default", "6.4.0-150600.23-default", "6.4.0-150600.30-default"
	r := newBareRoot(t, `merged
		file /usr/lib/os-release ID="sles"\nID_LIKE="suse"
		file /usr/lib/depmod.d/00-system.conf search updates extra weak-updates kgraft built-in
		file /usr/lib/module-init-tools/weak-modules2 the distribution's`, "rpm", "rpmbuild")
	r.copyProgram("rpm")
	for _, name := range []string{"rpmrc", "macros"} {
		r.copy("/usr/lib/rpm/"+name, "usr/lib/rpm/"+name)
	}
	r.must(os.MkdirAll(r.path("etc/rpm"), 0o755))
	r.must(os.WriteFile(r.path("etc/rpm/macros"), []byte("%_dbpath /var/lib/rpm\n"), 0o644))
	r.rpmRun("-i", r.rpm(rpmPackage{name: "base", version: "1", header: "Provides: /bin/sh"}))
	r.inside("/usr/bin/modkeep", "hooks", "install")

	const tool = "/usr/lib/module-init-tools/weak-modules2"
	kernel := func(krel, moved string) string {
		version := strings.ReplaceAll(strings.TrimSuffix(krel, "-default"), "-", ".")
		return r.rpm(rpmPackage{name: "kernel-default", version: version, text: "kernel " + krel + "\nvmlinux printk@a moved@" + moved + "\nkernel/core.ko printk@a +core_do@1\ndir weak-updates",
			scripts: map[string]string{
				"post":   "depmod " + krel + "\n" + tool + " --add-kernel " + krel,
				"preun":  tool + " --remove-kernel " + krel,
				"postun": "rm -f /lib/modules/" + krel + "/modules.*",
			}})
	}
	kmp := func(version, line string) string {
		nvr := "foo-kmp-default-" + version + "-1"
		list := "/run/rpm-" + nvr + "-modules"
		return r.rpm(rpmPackage{name: "foo-kmp-default", version: version, text: "kernel " + old + " bare=yes\n" + line, scripts: map[string]string{
			"post":   tool + " --add-kmp " + nvr,
			"preun":  "rpm -ql " + nvr + " | grep '\\.ko$' > " + list,
			"postun": tool + " --remove-kmp " + nvr + " < " + list + "\nrm -f " + list,
		}})
	}
	linked := func(krel string) string {
		return `
		` + krel + ` link updates/foo.ko -> /lib/modules/` + old + `/updates/foo.ko
		` + krel + ` dep weak-updates/updates/foo.ko: kernel/core.ko`
	}
	const own = old + " dep updates/foo.ko: kernel/core.ko"
	r.rpmRun("-i", kernel(old, "c"), kernel(mid, "c"))
	one, two := kmp("1", "updates/foo.ko printk@a core_do@1"), kmp("2", "updates/foo.ko printk@a core_do@1 moved@c")
	r.rpmRun("-i", one)
	r.expect("install", own+linked(mid))
	r.rpmRun("-i", kernel(latest, "d"))
	r.expect("another kernel", own+linked(mid)+linked(latest))
	r.rpmRun("-U", two)
	r.expect("upgrade to what the last does not load", own+linked(mid))
	r.rpmRun("-U", "--oldpackage", one)
	r.expect("downgrade", own+linked(mid)+linked(latest))
	r.rpmRun("-e", "kernel-default-6.4.0.150600.23")
	r.expect("erase of a kernel", own+linked(latest))
	r.rpmRun("-e", "foo-kmp-default")
	r.expect("erase", "")
	r.inside("/usr/bin/modkeep", "hooks", "remove", "--purge")
	if text, err := os.ReadFile(r.path(tool)); err != nil || string(text) != "the distribution's\n" {
		t.Errorf("%s is %q (%v)", tool, text, err)
	}
}

// TestRPMDependencies builds a package whose dependencies rpmbuild asks modkeep
// for, by our file of file attributes.
func TestRPMDependencies(t *testing.T) {
	r := newRPMRoot(t)
	r.must(os.MkdirAll(r.path("usr/lib/rpm/fileattrs"), 0o755))
	modkeep, err := builtModkeep()
	r.must(err)
	// This machine's os-release does not tell which form the dependencies have.
	program := filepath.Join(r.build, "modkeep")
	r.must(os.WriteFile(program, []byte("#!/bin/sh\nexec "+modkeep+" \"$@\" --form rhel9 --root "+r.dir+"\n"), 0o755))
	_, err = made.Write(r.dir, kernelOne) // whose exports tell kernel() from ksym()
	r.must(err)
	system, err := hooks.Detect(r.dir, hooks.Options{Program: program})
	r.must(err)
	attributes, macros := filepath.Join(r.build, "fileattrs"), filepath.Join(r.build, "macros.modkeep")
	r.must(os.MkdirAll(attributes, 0o755))
	var text []byte // rpm reads both kinds of files as it starts
	list, _ := system.Hooks()
	for _, h := range list {
		if h.Name == "rpm-dependencies" {
			r.must(os.WriteFile(filepath.Join(attributes, filepath.Base(h.Path)), h.Data, 0o644))
		}
		if h.Name == "rpm-dependencies" || h.Name == "rpm-macros" {
			text = append(text, h.Data...)
		}
	}
	r.must(os.WriteFile(macros, text, 0o644))
	file := r.rpm(rpmPackage{name: "kmod-prov", version: "1", text: kmod("extra/prov/prov.ko.xz printk@a other@c +prov_do@77 alias=pci:v1d2*"), macros: macros,
		header: "AutoReqProv: yes\n%global _fileattrsdir " + attributes})
	got := r.run("rpm", "-qp", "--provides", "--requires", file)
	for _, want := range []string{"kmod(prov.ko)", "ksym(prov_do) = 0x00000077", "kernel(printk) = 0x0000000a", "ksym(other) = 0x0000000c"} {
		said(t, got, want)
	}
}
