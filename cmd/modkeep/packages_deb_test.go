package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/kernel/release"
)

// Kernels as Debian names them. The third has another CRC for one symbol.
const (
	d1 = "6.1.0-53-amd64"
	d2 = "6.1.0-54-amd64"
	d3 = "6.1.0-55-amd64"

	debianRoot = `merged
		file /etc/os-release ID=debian
		file /var/lib/dpkg/status
		dir /var/lib/dpkg/info
		dir /var/lib/dpkg/updates
		dir /var/lib/dpkg/triggers
		file /etc/dpkg/dpkg.cfg force-unsafe-io
		file /boot/grub/grub.cfg
		dir /etc/dpkg/dpkg.cfg.d`
)

func debianKernel(krel, moved string) string {
	return "kernel " + krel + " symvers=module map=none\nvmlinux printk@a kfree@b moved@" + moved + "\nkernel/drivers/net/core.ko printk@a +core_do@1"
}

// newDebianRoot is a root with dpkg in it.
func newDebianRoot(t *testing.T, tools ...string) *bareRoot {
	t.Helper()
	r := newBareRoot(t, debianRoot, append(tools, "dpkg", "dpkg-deb", "run-parts", "tar", "ldconfig")...)
	for _, name := range append(tools, "dpkg", "dpkg-deb", "dpkg-split", "dpkg-query", "run-parts", "tar") {
		r.copyProgram(name)
	}
	for _, applet := range []string{"diff", "start-stop-daemon", "chmod", "uname"} {
		r.must(os.Symlink("busybox", r.path("usr/bin/"+applet)))
	}
	r.copyProgram("ldconfig")
	return r
}

// deb makes a .deb file.
func (r *bareRoot) deb(name, version, text string, scripts map[string]string) string {
	r.t.Helper()
	dir, _ := r.payload(text)
	// What made puts into every root belongs to no package.
	for _, empty := range []string{"etc/depmod.d", "etc", "boot"} {
		os.Remove(filepath.Join(dir, empty))
	}
	return r.debOf(dir, name, version, scripts)
}

// debOf makes a .deb file of a directory.
func (r *bareRoot) debOf(dir, name, version string, scripts map[string]string) string {
	r.t.Helper()
	r.must(os.MkdirAll(filepath.Join(dir, "DEBIAN"), 0o755))
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: x <x@example.org>\nDescription: x\n", name, version)
	r.must(os.WriteFile(filepath.Join(dir, "DEBIAN/control"), []byte(control), 0o644))
	for script, body := range scripts {
		r.must(os.WriteFile(filepath.Join(dir, "DEBIAN", script), []byte("#!/bin/sh\nset -e\n"+body+"\n"), 0o755))
	}
	file := "var/tmp/" + name + "_" + version + "_amd64.deb"
	r.must(os.MkdirAll(r.path("var/tmp"), 0o755))
	r.run("dpkg-deb", "--root-owner-group", "-Zgzip", "--build", dir, r.path(file))
	return "/" + file
}

// kernelDeb is a kernel whose maintainer scripts do what those of Debian's
// linux-image packages do.
func (r *bareRoot) kernelDeb(krel, text string) string {
	parts := func(when string) string {
		dir := "/etc/kernel/" + when + ".d"
		return "[ ! -d " + dir + " ] || run-parts --report --exit-on-error --arg=" + krel + " --arg=/boot/vmlinuz-" + krel + " " + dir
	}
	return r.deb("linux-image-"+krel, "1", text, map[string]string{
		"postinst": "depmod " + krel + "\n" + parts("postinst"),
		"prerm":    `[ "$1" = remove ] || exit 0` + "\n" + parts("prerm"),
		"postrm": `[ "$1" != upgrade ] || exit 0` + "\nrm -f /lib/modules/" + krel + "/modules.*\n" +
			parts("postrm") + "\nrmdir /lib/modules/" + krel + " 2>/dev/null || true",
	})
}

// modulesDeb is a package of modules for the first kernel, without scripts.
func (r *bareRoot) modulesDeb(version, lines string) string {
	return r.deb("foo-modules", version, "kernel "+d1+" bare=yes\n"+lines, nil)
}

// TestDpkg takes kernels and modules through what dpkg does with them, in a
// root with our hooks.
func TestDpkg(t *testing.T) {
	r := newDebianRoot(t)
	before := r.dump("var")
	r.inside("/usr/bin/modkeep", "hooks", "install")
	one, two, three := r.kernelDeb(d1, debianKernel(d1, "c")), r.kernelDeb(d2, debianKernel(d2, "c")), r.kernelDeb(d3, debianKernel(d3, "d"))
	foo1 := r.modulesDeb("1", "updates/foo/prov.ko printk@a +prov_do@77\nupdates/foo/cons.ko printk@a prov_do@77 core_do@1")
	foo2 := r.modulesDeb("2", "updates/foo/prov.ko printk@a moved@c +prov_do@77\nupdates/foo/cons.ko printk@a prov_do@77 core_do@1")

	const own = `
		` + d1 + ` dep updates/foo/prov.ko:
		` + d1 + ` dep updates/foo/cons.ko: kernel/drivers/net/core.ko updates/foo/prov.ko`
	linked := func(krel string) string {
		return `
		` + krel + ` link foo/prov.ko -> /lib/modules/` + d1 + `/updates/foo/prov.ko
		` + krel + ` link foo/cons.ko -> /lib/modules/` + d1 + `/updates/foo/cons.ko
		` + krel + ` dep weak-updates/foo/prov.ko:
		` + krel + ` dep weak-updates/foo/cons.ko: kernel/drivers/net/core.ko weak-updates/foo/prov.ko`
	}
	r.inside("dpkg", "-i", one, two)
	r.expect("kernels alone", "")
	r.inside("dpkg", "-i", foo1)
	r.expect("install", own+linked(d2))
	r.inside("dpkg", "-i", three)
	r.expect("another kernel", own+linked(d2)+linked(d3))
	r.inside("dpkg", "-i", foo2)
	r.expect("upgrade to what the third does not load", own+linked(d2))
	r.inside("dpkg", "-i", foo2)
	r.expect("reinstall", own+linked(d2))
	r.inside("dpkg", "-i", foo1)
	r.expect("downgrade", own+linked(d2)+linked(d3))
	if out := r.inside("dpkg", "-r", "linux-image-"+d2); strings.Contains(out, "not empty") {
		t.Errorf("something is left of %s:\n%s", d2, out)
	}
	r.expect("removal of a kernel", own+linked(d3))
	if _, err := os.Stat(r.path("usr/lib/modules/" + d2)); err == nil {
		t.Errorf("the directory of %s is still there", d2)
	}
	r.inside("dpkg", "-i", two)
	r.expect("the kernel again", own+linked(d2)+linked(d3))
	r.inside("dpkg", "-r", "foo-modules")
	r.expect("removal of the modules", "")

	r.inside("dpkg", "-r", "linux-image-"+d1, "linux-image-"+d2, "linux-image-"+d3)
	r.inside("/usr/bin/modkeep", "hooks", "remove", "--purge")
	if diff := diffLines(before, r.dump("var")); diff != "" {
		t.Errorf("traces:\n%s", diff)
	}
	if _, err := os.Lstat(r.path("var/lib/modkeep")); err == nil {
		t.Error("/var/lib/modkeep is still there")
	}
}

// TestDpkgAtOnce runs three transactions whose hooks meet: each has its own
// database, or dpkg's lock would keep them apart.
func TestDpkgAtOnce(t *testing.T) {
	r := newDebianRoot(t)
	r.inside("/usr/bin/modkeep", "hooks", "install")
	r.inside("dpkg", "-i", r.kernelDeb(d1, debianKernel(d1, "c")), r.kernelDeb(d2, debianKernel(d2, "c")))
	files := []string{
		r.deb("prov-modules", "1", "kernel "+d1+" bare=yes\nupdates/foo/prov.ko printk@a +prov_do@77", nil),
		r.deb("cons-modules", "1", "kernel "+d1+" bare=yes\nupdates/foo/cons.ko printk@a prov_do@77", nil),
		r.kernelDeb(d3, debianKernel(d3, "d")),
	}
	// dpkg without its lock fails when two packages make one directory: both
	// make it as foo.dpkg-new.
	r.must(os.MkdirAll(r.path("usr/lib/modules/"+d1+"/updates/foo"), 0o755))
	var wait sync.WaitGroup
	for i, file := range files {
		admin := fmt.Sprintf("/var/lib/dpkg-%d", i)
		r.run("cp", "-a", r.path("var/lib/dpkg"), r.path(admin))
		wait.Go(func() {
			if out, err := r.try("chroot", r.dir, "dpkg", "--admindir", admin, "-i", file); err != nil {
				t.Errorf("%s: %v\n%s", file, err, out)
			}
		})
	}
	wait.Wait()
	want := `
		` + d1 + ` dep updates/foo/prov.ko:
		` + d1 + ` dep updates/foo/cons.ko: updates/foo/prov.ko`
	for _, krel := range []string{d2, d3} {
		want += `
		` + krel + ` link foo/prov.ko -> /lib/modules/` + d1 + `/updates/foo/prov.ko
		` + krel + ` link foo/cons.ko -> /lib/modules/` + d1 + `/updates/foo/cons.ko
		` + krel + ` dep weak-updates/foo/prov.ko:
		` + krel + ` dep weak-updates/foo/cons.ko: weak-updates/foo/prov.ko`
	}
	r.expect("three at once", want)
}

// TestDpkgGate has a policy that wants a module, and a kernel that does not
// load it.
func TestDpkgGate(t *testing.T) {
	r := newDebianRoot(t)
	r.inside("/usr/bin/modkeep", "hooks", "install")
	policy := func(gate string) {
		r.must(os.MkdirAll(r.path("etc/modkeep"), 0o755))
		r.must(os.WriteFile(r.path("etc/modkeep/policy.yaml"), []byte("version: 1\ngate: "+gate+"\nmodules:\n  - name: prov\n    required: true\n"), 0o644))
	}
	r.inside("dpkg", "-i", r.kernelDeb(d1, debianKernel(d1, "c")), r.modulesDeb("1", "updates/prov.ko printk@a moved@c"))
	two, three := r.kernelDeb(d2, debianKernel(d2, "c")), r.kernelDeb(d3, debianKernel(d3, "d"))
	policy("strict")
	r.inside("dpkg", "-i", two)
	out, err := r.try("chroot", r.dir, "dpkg", "-i", three)
	if err == nil {
		t.Errorf("a kernel that leaves a required module behind was installed under gate: strict:\n%s", out)
	}
	said(t, out, "modkeep: kernel "+d3+" would be without a required module: refused (gate: strict in /etc/modkeep/policy.yaml)")
	policy("warn")
	said(t, r.inside("dpkg", "--configure", "-a"), "modkeep: kernel "+d3+" would be without a required module (gate: warn)")
	out, err = r.try("chroot", r.dir, "/usr/bin/modkeep", "hooks", "run", "booted", d3)
	if err == nil || !strings.Contains(out, "prov") {
		t.Errorf("after boot: %v\n%s", err, out)
	}
	r.inside("/usr/bin/modkeep", "hooks", "run", "booted", d2)
}

// repository makes a repository of the .deb files that are in the root.
func (r *bareRoot) repository(files ...string) {
	r.t.Helper()
	var index strings.Builder
	r.must(os.MkdirAll(r.path("repository"), 0o755))
	for _, file := range files {
		data, err := os.ReadFile(r.path(file))
		r.must(err)
		r.must(os.Rename(r.path(file), r.path("repository/"+filepath.Base(file))))
		control := r.run("dpkg-deb", "--field", r.path("repository/"+filepath.Base(file)))
		fmt.Fprintf(&index, "%sFilename: ./%s\nSize: %d\nSHA256: %x\n\n", control, filepath.Base(file), len(data), sha256.Sum256(data))
	}
	r.must(os.WriteFile(r.path("repository/Packages"), []byte(index.String()), 0o644))
	r.must(os.WriteFile(r.path("etc/apt/sources.list"), []byte("deb [trusted=yes] file:/repository ./\n"), 0o644))
}

// TestApt asks the gate before dpkg runs: the kernel is looked at in its
// package, beside the modules that the system has.
func TestApt(t *testing.T) {
	r := newAptRoot(t)
	r.inside("/usr/bin/modkeep", "hooks", "install")
	r.must(os.MkdirAll(r.path("etc/modkeep"), 0o755))
	policy := "version: 1\ngate: strict\nmodules:\n  - name: prov\n    required: true\n"
	r.must(os.WriteFile(r.path("etc/modkeep/policy.yaml"), []byte(policy), 0o644))

	r.repository(r.kernelDeb(d1, debianKernel(d1, "c")), r.kernelDeb(d2, debianKernel(d2, "c")), r.kernelDeb(d3, debianKernel(d3, "d")),
		r.modulesDeb("1", "updates/prov.ko printk@a moved@c"))
	r.inside("apt-get", "update")
	r.inside("apt-get", "-y", "install", "linux-image-"+d1, "foo-modules")
	r.expect("install", d1+" dep updates/prov.ko:")
	r.inside("apt-get", "-y", "install", "linux-image-"+d2)
	const linked = `
		` + d1 + ` dep updates/prov.ko:
		` + d2 + ` link prov.ko -> /lib/modules/` + d1 + `/updates/prov.ko
		` + d2 + ` dep weak-updates/prov.ko:`
	r.expect("a kernel that loads it", linked)
	before := r.dump("var", "tmp")
	out, err := r.try("chroot", r.dir, "apt-get", "-y", "install", "linux-image-"+d3)
	if err == nil {
		t.Errorf("a kernel that leaves a required module behind was installed under gate: strict:\n%s", out)
	}
	said(t, out, "modkeep: kernel "+d3+" would be without a required module: refused (gate: strict in /etc/modkeep/policy.yaml)")
	if diff := diffLines(before, r.dump("var", "tmp")); diff != "" {
		t.Errorf("the refusal left traces:\n%s", diff)
	}
	if left, _ := filepath.Glob(r.path("var/tmp/modkeep-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	r.must(os.WriteFile(r.path("etc/modkeep/policy.yaml"), []byte(strings.Replace(policy, "strict", "warn", 1)), 0o644))
	said(t, r.inside("apt-get", "-y", "install", "linux-image-"+d3), "modkeep: kernel "+d3+" would be without a required module (gate: warn)")
	r.expect("a kernel that does not load it", linked)
	r.inside("apt-get", "-y", "remove", "foo-modules")
	r.expect("removal", "")
}

// TestRealDebianKernels installs Debian's own kernel packages, whose scripts
// call our hooks, and modules that were built for the first of them.
func TestRealDebianKernels(t *testing.T) {
	for _, pair := range cachedPairs(t) {
		t.Run(pair.first.Release+" on "+pair.second.Release, func(t *testing.T) { testRealKernels(t, pair) })
	}
}

func testRealKernels(t *testing.T, pair kernelPair) {
	first, second, modules := pair.first, pair.second, pair.modules
	r := newDebianRoot(t)
	for _, name := range []string{"linux-update-symlinks", "linux-check-removal"} { // of linux-base, in perl
		r.must(os.WriteFile(r.path("usr/bin/"+name), []byte("#!/bin/sh\n"), 0o755))
	}
	r.inside("/usr/bin/modkeep", "hooks", "install")
	dpkg := func(args ...string) string {
		return r.inside(append([]string{"dpkg", "--force-depends"}, args...)...)
	}
	bring := func(k kerneltest.Kernel) string {
		file := "/var/tmp/" + k.Release + ".deb"
		r.must(copyFile(k.Packages[0], r.path(file)))
		return file
	}
	dpkg("-i", bring(first))
	dir, _ := r.payload("")
	for _, file := range modules {
		to := filepath.Join(dir, "lib/modules", first.Release, "updates/dkms", filepath.Base(file))
		r.must(os.MkdirAll(filepath.Dir(to), 0o755))
		r.must(copyFile(file, to))
	}
	dpkg("-i", r.debOf(dir, "third-party-modules", "1", nil))
	// The gate looks at the kernel in its package first, with all modules
	// required: what it says must be what comes.
	policy := "version: 1\ngate: strict\nmodules:\n  - path: updates/**\n    required: true\n"
	r.must(os.MkdirAll(r.path("etc/modkeep"), 0o755))
	r.must(os.WriteFile(r.path("etc/modkeep/policy.yaml"), []byte(policy), 0o644))
	file := bring(second)
	_, refused := r.try("chroot", r.dir, "/usr/bin/modkeep", "hooks", "run", "packages-before", file)
	r.must(os.Remove(r.path("etc/modkeep/policy.yaml")))
	dpkg("-i", file)

	loads := func(files ...string) bool {
		args := []string{r.dir, "/usr/bin/modkeep", "check", "--kernel", second.Release}
		for _, file := range files {
			args = append(args, "/lib/modules/"+first.Release+"/updates/dkms/"+filepath.Base(file))
		}
		_, err := r.try("chroot", args...)
		return err == nil
	}
	linked, all := 0, loads(modules...)
	for i, file := range modules {
		_, err := os.Lstat(r.path("usr/lib/modules/" + second.Release + "/weak-updates/dkms/" + filepath.Base(file)))
		if err == nil {
			linked++
		}
		// One by one they take their time: where not all load, some are asked.
		if (all || i%5 == 0) && (err == nil) != (all || loads(file)) {
			t.Errorf("%s: linked %t, and loads %t", file, err == nil, err != nil)
		}
	}
	t.Logf("%d of %d modules linked", linked, len(modules))
	if (refused == nil) != (linked == len(modules)) {
		t.Errorf("the gate refused %t before, but %d of %d are linked", refused != nil, linked, len(modules))
	}
	r.state() // links lead somewhere, index files are as depmod writes them
	// Index files stay until the package is purged: that is Debian's way.
	out := dpkg("-P", "linux-image-"+second.Release)
	if left, err := os.ReadDir(r.path("usr/lib/modules/" + second.Release)); err == nil {
		t.Errorf("left after removal: %v\n%s", left, out)
	}
	r.state()
}

// kernelPair is two kernels of one series and flavour, with their packages.
type kernelPair struct {
	first, second kerneltest.Kernel
	modules       []string // files of third-party modules built for the first
}

// cachedPairs finds two kernels that have modules built for them in the cache,
// each with the next newer one; where there are modules only for the newest,
// that with the two before it.
func cachedPairs(t *testing.T) (pairs []kernelPair) {
	t.Helper()
	cache, err := kerneltest.OpenCache()
	if err != nil {
		oracle.Missing(t, "%v", err)
	}
	kernels, err := cache.Kernels()
	if err != nil {
		oracle.Missing(t, "%v", err)
	}
	slices.SortFunc(kernels, func(a, b kerneltest.Kernel) int { return -release.Compare(a.Release, b.Release) })
	kernels = slices.DeleteFunc(kernels, func(k kerneltest.Kernel) bool {
		debs, _ := filepath.Glob(cache.Join("deb", "linux-image-"+k.Release+"_*.deb"))
		return k.Arch != "amd64" || k.Series != "6.1" || k.Flavour != "cloud" || len(debs) != 1
	})
	for i := range kernels {
		k := &kernels[i]
		k.Packages, _ = filepath.Glob(cache.Join("deb", "linux-image-"+k.Release+"_*.deb"))
		if modules, _ := cache.ThirdParty(k.Release); i > 0 && len(modules) > 0 {
			pairs = append(pairs, kernelPair{*k, kernels[i-1], modules})
		}
	}
	if len(pairs) == 0 && len(kernels) > 1 {
		modules, _ := cache.ThirdParty(kernels[0].Release)
		for i := 1; i < len(kernels) && len(modules) > 0; i++ {
			kernels[i].Packages, _ = filepath.Glob(cache.Join("deb", "linux-image-"+kernels[i].Release+"_*.deb"))
			pairs = append(pairs, kernelPair{kernels[0], kernels[i], modules})
		}
	}
	if len(pairs) == 0 {
		oracle.Missing(t, "no two cloud kernels with their packages and modules in the cache")
	}
	return pairs[:min(len(pairs), 2)]
}
