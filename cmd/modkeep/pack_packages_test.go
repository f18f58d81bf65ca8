package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/kmp"
	"modkeep/kmp/rpm"
	"modkeep/pgp"
)

// The tests of this file install what pack makes with the real package managers,
// into roots whose scriptlets run.

const (
	packDate = "1800000000"
	packKey  = "../../pgp/testdata/rsa.asc"
)

// pack runs "modkeep pack" on this machine and returns the files it made, as the
// root has them.
func (r *bareRoot) pack(args ...string) []string {
	r.t.Helper()
	program, err := builtModkeep()
	r.must(err)
	r.must(os.MkdirAll(r.path("var/tmp"), 0o755))
	args = append(args, "--json", "--date", packDate, "-o", r.path("var/tmp"))
	cmd := r.command(program, append([]string{"pack"}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("pack %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	var report packReport
	r.must(json.Unmarshal(out, &report))
	var files []string
	for _, p := range report.Packages {
		files = append(files, "/var/tmp/"+filepath.Base(p.File))
	}
	return files
}

// outside are files of the root as this machine has them.
func (r *bareRoot) outside(files []string) (list []string) {
	for _, f := range files {
		list = append(list, r.path(f))
	}
	return list
}

// modulesFor makes modules for a kernel and returns the directory they are in.
func (r *bareRoot) modulesFor(krel, lines string) string {
	r.t.Helper()
	dir, _ := r.payload("kernel " + krel + " bare=yes\n" + lines)
	return filepath.Join(dir, "lib/modules", krel)
}

// capability makes a package that only provides, as the packages of a kernel do.
func (r *bareRoot) capability(name, version string, provides ...kmp.Dependency) string {
	r.t.Helper()
	file := filepath.Join(r.build, name+"-"+version+".rpm")
	f, err := os.Create(file)
	r.must(err)
	p := &kmp.Package{Format: kmp.RPM, Name: name, Version: version, Release: "1", Arch: "noarch", Summary: name, Depends: provides}
	if strings.HasPrefix(name, "kernel") {
		p.SourceName = "kernel-" + version + ".src.rpm"
	}
	r.must(kmp.Write(f, p, nil, kmp.WriteOptions{Date: time.Unix(1_700_000_000, 0)}))
	r.must(f.Close())
	return file
}

// exportsOf are what RHEL 9's kernel packages provide: all of a symvers.
func (r *bareRoot) exportsOf(krel string) []kmp.Dependency {
	r.t.Helper()
	list, err := rpm.Provides([]string{r.path("boot/symvers-" + krel + ".gz")}, rpm.Options{Form: rpm.RHEL8, Buildroot: r.dir})
	r.must(err)
	deps := []kmp.Dependency{{Relation: kmp.Provides, Name: "kernel-uname-r", Op: "=", Version: krel}}
	for _, d := range list {
		deps = append(deps, kmp.Dependency{Relation: kmp.Provides, Name: d.Name, Op: "=", Version: d.Version})
	}
	return deps
}

// realPair puts two real kernels into an el9 root, with a package each that
// provides their exports.
func realPair(t *testing.T, tools ...string) (*bareRoot, kernelPair) {
	pair := cachedPairs(t)[0]
	r := newRPMRoot(t, tools...)
	for _, k := range []kerneltest.Kernel{pair.first, pair.second} {
		r.must(made.Real(r.dir, k.Root, k.Release))
		r.rpmRun("-i", "--oldpackage", r.capability("kernel-core", strings.ReplaceAll(k.Release, "-", "_"), r.exportsOf(k.Release)...))
		r.inside("depmod", k.Release)
	}
	r.rpmRun("-i", r.capability("kmod", "28", kmp.Dependency{Relation: kmp.Provides, Name: "/usr/sbin/depmod"}, kmp.Dependency{Relation: kmp.Provides, Name: "/usr/sbin/weak-modules"}))
	return r, pair
}

// moduleNamed returns the module files of a package of the cache.
func moduleNamed(t *testing.T, modules []string, dir string) []string {
	t.Helper()
	var list []string
	for _, m := range modules {
		if filepath.Base(filepath.Dir(m)) == dir {
			list = append(list, m)
		}
	}
	if len(list) == 0 {
		oracle.Missing(t, "no modules of %s in the cache", dir)
	}
	return list
}

// testKey is the key that packages are signed with here.
func testKey(t *testing.T) *pgp.Key {
	t.Helper()
	text, err := os.ReadFile(packKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pgp.ReadKey(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestPackRPMReal has rpm install a signed kmod package of real modules beside
// two real kernels: dependencies are met, scriptlets link, and nothing stays.
func TestPackRPMReal(t *testing.T) {
	r, pair := realPair(t)
	r.inside("/usr/bin/modkeep", "hooks", "install")
	modules := moduleNamed(t, pair.modules, "vpoll")
	args := append([]string{"--form", "rhel9", "--root", r.dir, "--name", "vpoll", "--version", "0.1", "--override", "--key", packKey}, modules...)
	one := r.outside(r.pack(args...))
	two := r.outside(r.pack(append([]string{"--release", "2"}, args...)...))
	key := testKey(t)
	public, err := key.Public()
	r.must(err)
	r.must(os.WriteFile(r.path("root/key.asc"), public, 0o644))
	r.run("rpmkeys", "--root", r.dir, "--dbpath", "/var/lib/rpm", "--import", r.path("root/key.asc"))
	for _, file := range []string{one[0], two[0]} {
		said(t, r.run("rpmkeys", "--root", r.dir, "--dbpath", "/var/lib/rpm", "-Kv", file), "    Header V4 RSA/SHA256 Signature, key ID "+strings.ToLower(key.Fingerprint()[32:])+": OK")
	}

	loads := true
	for _, m := range modules {
		_, err := r.try("chroot", r.dir, "/usr/bin/modkeep", "check", "--kernel", pair.second.Release, r.place(m))
		loads = loads && err == nil
	}
	want := "\n" + pair.first.Release + " dep extra/vpoll/vpoll.ko:"
	if loads {
		want += "\n" + pair.second.Release + " link vpoll/vpoll.ko -> /lib/modules/" + pair.first.Release + "/extra/vpoll/vpoll.ko" +
			"\n" + pair.second.Release + " dep weak-updates/vpoll/vpoll.ko:"
	}
	t.Logf("%s on %s: loads %t", pair.first.Release, pair.second.Release, loads)
	r.rpmRun("-ivh", one[0])
	r.expect("install", want)
	if out := r.run("rpm", "--root", r.dir, "--dbpath", "/var/lib/rpm", "-V", "kmod-vpoll"); out != "" {
		t.Errorf("rpm -V: %s", out)
	}
	r.rpmRun("-Uvh", two[0])
	r.expect("upgrade", want)
	r.rpmRun("-e", "kmod-vpoll")
	r.expect("erase", "")
}

// place puts a module file into the root's /var/tmp.
func (r *bareRoot) place(file string) string {
	r.t.Helper()
	to := "/var/tmp/" + filepath.Base(file)
	r.must(copyFile(file, r.path(to)))
	return to
}

// TestPackRPMForms takes packages of every form of RPM through install, upgrade
// and removal, with and without the distribution's program for links.
func TestPackRPMForms(t *testing.T) {
	const own = k1 + " dep extra/foo/net/prov.ko:\n" + k1 + " dep extra/foo/cons.ko: extra/foo/net/prov.ko"
	const linked = own + `
		` + k2 + ` link foo/net/prov.ko -> /lib/modules/` + k1 + `/extra/foo/net/prov.ko
		` + k2 + ` link foo/cons.ko -> /lib/modules/` + k1 + `/extra/foo/cons.ko
		` + k2 + ` dep weak-updates/foo/net/prov.ko:
		` + k2 + ` dep weak-updates/foo/cons.ko: weak-updates/foo/net/prov.ko`
	tests := []struct {
		name, form string
		hooks      bool
		remove     []string // programs that are taken away
		want       string
	}{
		{"weak-modules", "rhel9", true, nil, linked},
		{"weak-modules is not there", "rhel8", false, nil, linked},
		{"nothing links", "rhel9", false, []string{"modkeep"}, own},
		{"for one kernel", "kernel", false, []string{"modkeep"}, own},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRPMRoot(t)
			r.rpmRun("-i", "--nodeps", r.rpm(rpmPackage{name: "kernel", version: "1", text: kernelOne}), r.rpm(rpmPackage{name: "kernel", version: "2", text: kernelTwo}))
			for _, krel := range []string{k1, k2} {
				r.inside("depmod", krel)
			}
			if test.hooks {
				r.inside("/usr/bin/modkeep", "hooks", "install")
			}
			for _, name := range test.remove {
				r.must(os.Remove(r.path("usr/bin/" + name)))
			}
			dir := r.modulesFor(k1, "net/prov.ko printk@a +prov_do@77\ncons.ko printk@a prov_do@77")
			args := []string{"--form", test.form, "--root", r.dir, "--name", "foo", "--version", "1.0-2", dir}
			one := r.outside(r.pack(args...))
			two := r.outside(r.pack(append([]string{"--release", "2"}, args...)...))
			r.rpmRun("-ivh", "--nodeps", one[0])
			r.expect("install", test.want)
			r.rpmRun("-Uvh", "--nodeps", two[0])
			r.expect("upgrade", test.want)
			name := strings.TrimSpace(r.run("rpm", "-qp", "--qf", "%{NAME}", one[0]))
			r.rpmRun("-e", name)
			r.expect("erase", "")
		})
	}
}

// TestPackRPMRebuilt replaces a package by one of the same modules that was
// rebuilt for a newer kernel and takes the place of one of the kernel's own: links
// turn round, and the override holds for the build and for the link.
func TestPackRPMRebuilt(t *testing.T) {
	r := newRPMRoot(t)
	r.rpmRun("-i", "--nodeps", r.rpm(rpmPackage{name: "kernel", version: "1", text: kernelOne}), r.rpm(rpmPackage{name: "kernel", version: "2", text: kernelTwo}))
	r.inside("/usr/bin/modkeep", "hooks", "install")
	pack := func(krel, version string) string {
		dir := r.modulesFor(krel, "core.ko printk@a +core_do@1")
		return r.outside(r.pack("--form", "rhel9", "--root", r.dir, "--name", "core", "--version", version, "--override", dir))[0]
	}
	state := func(own, other string) string {
		return own + " dep extra/core/core.ko:\n" + other + " link core/core.ko -> /lib/modules/" + own + "/extra/core/core.ko\n" + other + " dep weak-updates/core/core.ko:"
	}
	r.rpmRun("-i", "--nodeps", pack(k1, "1"))
	r.expect("install", state(k1, k2))
	r.rpmRun("-U", "--nodeps", pack(k2, "2"))
	r.expect("upgrade to a build for another kernel", state(k2, k1))
	r.rpmRun("-e", "kmod-core")
	r.expect("erase", "")
	if text, err := os.ReadFile(r.path("usr/lib/modules/" + k1 + "/modules.dep")); err != nil || !strings.Contains(string(text), "kernel/drivers/net/core.ko:") {
		t.Errorf("the kernel's own module is not selected again: %s (%v)", text, err)
	}
}

// TestPackSUSE takes a package of SUSE's form through the same.
func TestPackSUSE(t *testing.T) {
	const old, latest = "6.4.0-150600.21-default", "6.4.0-150600.30-default"
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
	r.rpmRun("-i", r.capability("base", "1", kmp.Dependency{Relation: kmp.Provides, Name: "/bin/sh"}, kmp.Dependency{Relation: kmp.Provides, Name: "coreutils"}))
	r.inside("/usr/bin/modkeep", "hooks", "install")
	for _, krel := range []string{old, latest} {
		version := strings.ReplaceAll(strings.TrimSuffix(krel, "-default"), "-", ".")
		r.rpmRun("-i", r.rpm(rpmPackage{name: "kernel-default", version: version, text: "kernel " + krel + "\nvmlinux printk@a\nkernel/core.ko printk@a +core_do@1\ndir weak-updates",
			scripts: map[string]string{"post": "depmod " + krel}}))
	}
	dir := r.modulesFor(old, "foo.ko.zst printk@a core_do@1 alias=pci:v00001D2Cd*")
	args := []string{"--form", "auto", "--root", r.dir, "--name", "foo", "--version", "1", dir}
	one := r.outside(r.pack(args...))
	two := r.outside(r.pack(append([]string{"--release", "2"}, args...)...))
	if want := "foo-kmp-default-1_k6.4.0_150600.21-1.x86_64.rpm"; filepath.Base(one[0]) != want {
		t.Errorf("%s, want %s", one[0], want)
	}
	// What is required of a kernel it provides by its symbols here.
	var symbols []kmp.Dependency
	for name, crc := range map[string]string{"module_layout": "10001", "printk": "a", "core_do": "1"} {
		symbols = append(symbols, kmp.Dependency{Relation: kmp.Provides, Name: "ksym(default:" + name + ")", Op: "=", Version: crc})
	}
	r.rpmRun("-i", r.capability("kernel-symbols", "1", symbols...))
	const want = old + ` dep updates/foo.ko.zst: kernel/core.ko
		` + latest + ` link updates/foo.ko.zst -> /lib/modules/` + old + `/updates/foo.ko.zst
		` + latest + ` dep weak-updates/updates/foo.ko.zst: kernel/core.ko`
	r.rpmRun("-i", one[0])
	r.expect("install", want)
	r.rpmRun("-U", two[0])
	r.expect("upgrade", want)
	r.rpmRun("-e", "foo-kmp-default")
	r.expect("erase", "")
	said(t, r.run("rpm", "-qp", "--supplements", one[0]), "modalias(kernel-default:pci:v00001D2Cd*)")
}

// TestPackDeb takes a .deb through install, upgrade and removal in a root of
// Debian's, without our hooks: its own scriptlets make the index.
func TestPackDeb(t *testing.T) {
	r := newDebianRoot(t)
	r.inside("dpkg", "-i", r.kernelDeb(d1, debianKernel(d1, "c")))
	dir := r.modulesFor(d1, "net/prov.ko printk@a +prov_do@77\ncons.ko printk@a prov_do@77 core_do@1")
	args := []string{"--root", r.dir, "--name", "foo_bar", "--version", "1.0", "--vendor", "Some One <some@example.org>", dir}
	one, two := r.pack(args...), r.pack(append([]string{"--release", "2", "--initramfs"}, args...)...)
	if want := "/var/tmp/foo-bar-modules-" + d1 + "_1.0-1_amd64.deb"; one[0] != want {
		t.Errorf("%s, want %s", one[0], want)
	}
	if out, err := r.try("chroot", r.dir, "dpkg", "-i", one[0]); err == nil || !strings.Contains(out, "kmod") {
		t.Errorf("installed without kmod: %v\n%s", err, out)
	}
	r.inside("dpkg", "-i", r.deb("kmod", "30", "", nil))
	r.inside("dpkg", "-i", one[0])
	const want = d1 + " dep updates/foo_bar/net/prov.ko:\n" + d1 + " dep updates/foo_bar/cons.ko: kernel/drivers/net/core.ko updates/foo_bar/net/prov.ko"
	r.expect("install", want)
	r.must(os.WriteFile(r.path("usr/sbin/update-initramfs"), []byte("#!/bin/sh\necho $* >> /var/tmp/images\n"), 0o755))
	r.must(os.WriteFile(r.path("boot/vmlinuz-"+d1), nil, 0o644))
	r.inside("dpkg", "-i", two[0])
	r.expect("upgrade", want)
	r.inside("dpkg", "-r", "foo-bar-modules-"+d1)
	r.expect("removal", "")
	if text, err := os.ReadFile(r.path("var/tmp/images")); err != nil || string(text) != strings.Repeat("-u -k "+d1+"\n", 2) {
		t.Errorf("update-initramfs was called: %q (%v)", text, err)
	}
	if out := r.inside("dpkg", "--verify"); out != "" {
		t.Errorf("dpkg --verify: %s", out)
	}
}

// TestPackDebReal has dpkg install real modules beside Debian's own kernel
// package.
func TestPackDebReal(t *testing.T) {
	pair := cachedPairs(t)[0]
	r := newDebianRoot(t, "modinfo")
	for _, name := range []string{"linux-update-symlinks", "linux-check-removal"} { // of linux-base, in perl
		r.must(os.WriteFile(r.path("usr/bin/"+name), []byte("#!/bin/sh\n"), 0o755))
	}
	r.must(copyFile(pair.first.Packages[0], r.path("var/tmp/kernel.deb")))
	r.inside("dpkg", "--force-depends", "-i", "/var/tmp/kernel.deb", r.deb("kmod", "30", "", nil))
	modules := moduleNamed(t, pair.modules, "rapiddisk")
	file := r.pack(append([]string{"--form", "deb", "--name", "rapiddisk", "--version", "9.0.0"}, modules...)...)
	r.inside("dpkg", "-i", file[0])
	for _, m := range modules {
		name := strings.TrimSuffix(filepath.Base(m), ".ko")
		if got := r.inside("modinfo", "-k", pair.first.Release, "-F", "filename", name); strings.TrimSpace(got) != "/lib/modules/"+pair.first.Release+"/updates/rapiddisk/"+filepath.Base(m) {
			t.Errorf("modinfo %s: %s", name, got)
		}
	}
	r.inside("dpkg", "-P", strings.Split(filepath.Base(file[0]), "_")[0])
	r.expect("removal", "")
}

// dnf runs dnf on the root with the packages of a directory as its repository.
func (r *bareRoot) dnf(dir string, args ...string) string {
	r.t.Helper()
	return r.dnfPlugged(dir, "--noplugins", args...)
}

// dnfPlugged is dnf with a flag that says what to do about plug-ins.
func (r *bareRoot) dnfPlugged(dir, plugins string, args ...string) string {
	r.t.Helper()
	r.run("createrepo_c", "--quiet", dir)
	all := []string{"-y", "--installroot", r.dir, "--repofrompath=t,file://" + dir, "--repo=t", "--nogpgcheck", "--releasever=9", plugins,
		"--setopt=cachedir=" + r.build + "/cache", "--setopt=logdir=" + r.build, "--setopt=keepcache=0", "--refresh", "--setopt=installonlypkgs=kernel-core", "--setopt=installonly_limit=0"}
	out, err := r.try("dnf", append(all, args...)...)
	if err != nil {
		r.t.Fatalf("dnf %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// newDnfRoot is a root for dnf, whose database is where this machine's has it,
// and a directory for a repository.
func newDnfRoot(t *testing.T) (*bareRoot, string) {
	r := newBareRoot(t, el9, "rpm", "rpmbuild", "dnf", "createrepo_c")
	dir := filepath.Join(r.build, "repository")
	r.must(os.MkdirAll(dir, 0o755))
	return r, dir
}

// publish puts packages into a directory.
func (r *bareRoot) publish(dir string, files ...string) {
	r.t.Helper()
	for _, file := range files {
		r.must(copyFile(file, filepath.Join(dir, filepath.Base(file))))
	}
}

// version returns the versions of a package that are installed.
func (r *bareRoot) version(name string) string {
	r.t.Helper()
	out, _ := r.try("dnf", "-q", "--installroot", r.dir, "--disablerepo=*", "--releasever=9", "--noplugins", "--setopt=cachedir="+r.build+"/cache", "--setopt=logdir="+r.build,
		"repoquery", "--installed", "--qf", "%{version}-%{release}", name)
	return strings.Join(strings.Fields(out), " ")
}

// kernelOf is a package that provides what a kernel's do, of one symbol.
func (r *bareRoot) kernelOf(krel, printk string) string {
	version, rest, _ := strings.Cut(krel, "-")
	return r.capability("kernel-core", version+"_"+strings.NewReplacer("-", "_", ".el9.x86_64", "").Replace(rest),
		kmp.Dependency{Relation: kmp.Provides, Name: "kernel-uname-r", Op: "=", Version: krel},
		kmp.Dependency{Relation: kmp.Provides, Name: "kernel(printk)", Op: "=", Version: "0x0000000" + printk},
		kmp.Dependency{Relation: kmp.Provides, Name: "kernel(module_layout)", Op: "=", Version: "0x00010001"})
}

// TestPackGateDnf has dnf leave out a kernel that the gate package names, and
// take it once a later gate package lets it.
func TestPackGateDnf(t *testing.T) {
	r, dir := newDnfRoot(t)
	r.publish(dir, r.capability("base", "1", kmp.Dependency{Relation: kmp.Provides, Name: "/bin/sh"}), r.kernelOf(k1, "a"), r.capability("other", "1"))
	r.publish(dir, r.outside(r.pack("gate", "--form", "rhel9", "--version", "1", "--blocked", k2+"=prov: built for another version of moved"))...)
	r.dnf(dir, "install", "base", "kernel-core", "other", "modkeep-gate")
	r.publish(dir, r.kernelOf(k2, "a"), r.capability("other", "2"))
	out := r.dnf(dir, "upgrade")
	if got := r.version("kernel-core"); got != "5.14.0_70-1" {
		t.Errorf("kernels after upgrade: %s\n%s", got, out)
	}
	if got := r.version("other"); got != "2-1" {
		t.Errorf("other after upgrade: %s\n%s", got, out)
	}
	if !strings.Contains(out, "modkeep-gate-1-1.noarch") || !strings.Contains(out, "conflicts with kernel-uname-r = "+k2) {
		t.Errorf("dnf does not say what keeps the kernel back:\n%s", out)
	}
	// A kernel that nobody has judged yet comes with a gate that lets the second
	// through, and stays out by the one that is installed and by the new one.
	r.publish(dir, r.outside(r.pack("gate", "--form", "rhel9", "--version", "2", "--blocked", k3+"=prov: not built yet"))...)
	r.publish(dir, r.kernelOf(k3, "a"))
	out = r.dnf(dir, "upgrade")
	if got := r.version("modkeep-gate"); got != "2-1" {
		t.Errorf("gate: %s\n%s", got, out)
	}
	out = r.dnf(dir, "upgrade")
	if got := r.version("kernel-core"); strings.Contains(got, "284") || !strings.Contains(got, "162") {
		t.Errorf("kernels after the second gate: %s\n%s", got, out)
	}
}

// TestPackGateBest has dnf, which is told to take the best candidates only, leave
// out a kernel by our plug-in, and with it what needs it. By the conflict alone it
// would refuse the update.
func TestPackGateBest(t *testing.T) {
	r, dir := newDnfRoot(t)
	plugin := "--setopt=pluginpath=" + r.dnfPlugin()
	r.publish(dir, r.capability("base", "1", kmp.Dependency{Relation: kmp.Provides, Name: "/bin/sh"}), r.kernelOf(k1, "a"), r.capability("other", "1"))
	r.publish(dir, r.outside(r.pack("gate", "--form", "rhel9", "--version", "1", "--blocked", k2+"=prov: not built"))...)
	r.publish(dir, r.kernelMeta("5.14.0_70"))
	r.dnf(dir, "install", "base", "kernel", "other", "modkeep-gate")
	r.publish(dir, r.kernelOf(k2, "a"), r.kernelMeta("5.14.0_162"), r.kernelOf(k3, "a"), r.kernelMeta("5.14.0_284"), r.capability("other", "2"))
	out := r.dnfPlugged(dir, plugin, "upgrade", "--best")
	for name, want := range map[string]string{"kernel-core": "5.14.0_70-1", "kernel": "5.14.0_70-1", "other": "2-1"} {
		if got := r.version(name); got != want {
			t.Errorf("%s %s, want %s\n%s", name, got, want, out)
		}
	}
	said(t, out, "modkeep: kept back: kernel-core-5.14.0_162-1.noarch: prov: not built")
	said(t, out, "modkeep: kept back: kernel-core-5.14.0_284-1.noarch: not judged yet")
}

// kernelMeta is Red Hat's package that requires the kernel's.
func (r *bareRoot) kernelMeta(version string) string {
	return r.capability("kernel", version, kmp.Dependency{Relation: kmp.Requires, Name: "kernel-core", Op: "=", Version: version + "-1"})
}

// TestPackMetadataDnf has dnf take modules along by their metadata package, and
// nothing else.
func TestPackMetadataDnf(t *testing.T) {
	r, dir := newDnfRoot(t)
	r.publish(dir, r.capability("base", "1", kmp.Dependency{Relation: kmp.Provides, Name: "/bin/sh"}, kmp.Dependency{Relation: kmp.Provides, Name: "/usr/sbin/depmod"},
		kmp.Dependency{Relation: kmp.Provides, Name: "/usr/sbin/weak-modules"}, kmp.Dependency{Relation: kmp.Provides, Name: "kmod"}), r.kernelOf(k1, "a"), r.capability("other", "1"), r.capability("foo-tools", "1"))
	_, err := made.Write(r.dir, kernelOne)
	r.must(err)
	r.inside("depmod", k1)
	modules := r.modulesFor(k1, "prov.ko printk@a +prov_do@77")
	release := func(n string) {
		for _, form := range []string{"rhel9", "kernel"} {
			name := "foo-" + form
			built := r.outside(r.pack("--form", form, "--root", r.dir, "--name", name, "--version", "1", "--release", n, modules))
			meta := r.outside(r.pack(append([]string{"metadata", "--form", form, "--name", name, "--version", "1", "--release", n, "--depends", "foo-tools >= 1"}, built...)...))
			r.publish(dir, append(built, meta...)...)
		}
	}
	release("1")
	r.dnf(dir, "install", "base", "kernel-core", "other", "foo-rhel9-all", "foo-kernel-kernel-only", "foo-kernel-kernel-only-"+k1)
	release("2")
	r.publish(dir, r.capability("other", "2"))
	r.dnf(dir, "install", "--best", "foo-rhel9-kernel-only", "foo-kernel-kernel-only")
	for name, want := range map[string]string{"kmod-foo-rhel9": "1-2", "foo-rhel9-kernel-only": "1-2", "kmod-foo-kernel-" + k1: "1-2", "foo-tools": "1-1", "other": "1-1"} {
		if got := r.version(name); got != want {
			t.Errorf("after the modules' update: %s %s, want %s", name, got, want)
		}
	}
	r.dnf(dir, "update")
	if got := r.version("other"); got != "2-1" {
		t.Errorf("after the update: other %s", got)
	}
}

// newAptRoot is a Debian root with apt in it.
func newAptRoot(t *testing.T) *bareRoot {
	r := newDebianRoot(t, "apt-get", "apt-config")
	for _, dir := range []string{"etc/apt/apt.conf.d", "etc/apt/preferences.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/log/apt"} {
		r.must(os.MkdirAll(r.path(dir), 0o755))
	}
	for _, method := range []string{"file", "store", "copy"} {
		r.copyLinked("/usr/lib/apt/methods/" + method)
	}
	for _, table := range []string{"cputable", "ostable", "tupletable"} {
		r.copy("/usr/share/dpkg/"+table, "usr/share/dpkg/"+table)
	}
	r.must(os.WriteFile(r.path("etc/passwd"), []byte("root:x:0:0:root:/root:/bin/sh\n"), 0o644))
	r.must(os.WriteFile(r.path("etc/apt/apt.conf.d/00test"), []byte(`APT::Sandbox::User "root"; APT::Install-Recommends "0";`), 0o644))
	return r
}

// metaDeb is Debian's package that leads to the newest kernel.
func (r *bareRoot) metaDeb(version, krel string) string {
	r.t.Helper()
	p := &kmp.Package{Format: kmp.Deb, Name: "linux-image-amd64", Version: version, Release: "1", Arch: "amd64", Vendor: "x <x@example.org>",
		Depends: []kmp.Dependency{{Relation: kmp.Requires, Name: "linux-image-" + krel}}}
	r.must(os.MkdirAll(r.path("var/tmp"), 0o755))
	f, err := os.Create(r.path("var/tmp/" + p.FileName()))
	r.must(err)
	r.must(kmp.Write(f, p, nil, kmp.WriteOptions{Date: time.Unix(1_700_000_000, 0)}))
	r.must(f.Close())
	return "/var/tmp/" + p.FileName()
}

// TestPackGateApt has apt keep back a kernel that the gate package names, in
// every kind of upgrade, and take it once a later gate package lets it.
func TestPackGateApt(t *testing.T) {
	r := newAptRoot(t)
	const blocked = "=prov: built for another version of moved"
	gate := func(version string, args ...string) string {
		return r.pack(append([]string{"gate", "--form", "deb", "--version", version}, args...)...)[0]
	}
	first := []string{r.kernelDeb(d1, debianKernel(d1, "c")), r.metaDeb("6.1.53", d1), r.deb("other", "1", "", nil)}
	r.inside("dpkg", "-i", first[0], first[1])
	// That the package leads to the newest kernel is read from dpkg's status.
	r.repository(append(first, gate("1", "--root", r.dir, "--kernel", d1))...)
	r.inside("apt-get", "update")
	r.inside("apt-get", "-y", "install", "linux-image-amd64", "other", "modkeep-gate")
	r.repository(r.kernelDeb(d2, debianKernel(d2, "d")), r.metaDeb("6.1.54", d2), r.deb("other", "2", "", nil),
		gate("2", "--blocked", d2+blocked, "--after", "linux-image-amd64=6.1.54-1"))
	r.inside("apt-get", "update")
	for _, upgrade := range [][]string{{"upgrade"}, {"upgrade", "--with-new-pkgs"}, {"dist-upgrade"}} {
		out := r.inside(append([]string{"apt-get", "-y", "-s"}, upgrade...)...)
		if strings.Contains(out, "Inst linux-image") || strings.Contains(out, "Remv") || !strings.Contains(out, "Inst other") {
			t.Errorf("apt-get %s:\n%s", strings.Join(upgrade, " "), out)
		}
		if !strings.Contains(out, "kept back:\n  linux-image-amd64") {
			t.Errorf("apt-get %s does not say what is kept back:\n%s", strings.Join(upgrade, " "), out)
		}
	}
	r.inside("apt-get", "-y", "upgrade", "--with-new-pkgs")
	if got := r.inside("dpkg-query", "-W", "-f", "${Package} ${Version}\n"); strings.Contains(got, d2) || !strings.Contains(got, "other 2\n") {
		t.Errorf("after the upgrade:\n%s", got)
	}
	r.repository(r.kernelDeb(d2, debianKernel(d2, "c")), r.metaDeb("6.1.54", d2), gate("3", "--blocked", d3+"=prov: not built yet"))
	r.inside("apt-get", "update")
	r.inside("apt-get", "-y", "upgrade", "--with-new-pkgs")
	if got := r.inside("dpkg-query", "-W", "-f", "${Package} ${Version}\n"); !strings.Contains(got, "linux-image-"+d2+" 1\n") || !strings.Contains(got, "modkeep-gate 3-1\n") {
		t.Errorf("after the gate's update:\n%s", got)
	}
}
