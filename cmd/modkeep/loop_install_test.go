package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/kmp"
	"modkeep/ko"
)

// channelAt is where the roots have a copy of the repository's channel.
const channelAt = "/srv/site"

// bringChannel copies the channel "stable" into a root, as a mirror without links
// has it, and returns where it is on this machine.
func (l *loop) bringChannel(r *bareRoot) string {
	r.must(os.MkdirAll(r.path("srv"), 0o755))
	r.run("cp", "-rL", filepath.Join(l.site, "stable"), r.path(channelAt))
	return r.path(channelAt)
}

// installRPMs has dnf install all packages from the repository into a root with
// the kernels. It is to believe signatures of the repository's key only.
func (l *loop) installRPMs() *bareRoot {
	r, distro := newDnfRoot(l.t)
	r.copyProgram("modprobe")
	provides := func(name string) kmp.Dependency { return kmp.Dependency{Relation: kmp.Provides, Name: name} }
	r.publish(distro, r.capability("base", "1", provides("/bin/sh")), r.capability("kmod", "28", provides("/usr/sbin/depmod")))
	for _, k := range l.kernels {
		r.must(made.Real(r.dir, k.Root, k.Release))
		r.publish(distro, r.capability("kernel-core", strings.ReplaceAll(k.Release, "-", "_"),
			kmp.Dependency{Relation: kmp.Provides, Name: "kernel-uname-r", Op: "=", Version: k.Release}))
	}
	r.run("createrepo_c", "--quiet", distro)
	site := l.bringChannel(r)
	args := []string{"-y", "--installroot", r.dir, "--repofrompath=distro,file://" + distro, "--repofrompath=site,file://" + site, "--repo=distro", "--repo=site", "--releasever=9", "--noplugins",
		"--setopt=site.repo_gpgcheck=1", "--setopt=site.gpgcheck=1", "--setopt=site.gpgkey=file://" + site + "/key.asc", "--setopt=distro.gpgcheck=0",
		"--setopt=cachedir=" + r.build + "/cache", "--setopt=logdir=" + r.build, "--setopt=installonlypkgs=kernel-core", "--setopt=installonly_limit=0", "install", "kernel-core-*"}
	for _, p := range l.packages("rpm", "") {
		args = append(args, p.Name)
	}
	if out, err := r.try("dnf", args...); err != nil || strings.Contains(out, "scriptlet failed") {
		l.t.Fatalf("dnf: %v\n%s", err, out)
	}
	l.holdInstalled(r, "rpm")
	for _, p := range l.packages("rpm", "") {
		if out := r.run("rpm", "--root", r.dir, "-V", p.Name); out != "" {
			l.t.Errorf("rpm -V %s: %s", p.Name, out)
		}
	}
	return r
}

// installDebs has apt-get install all packages from the repository, and with
// them Debian's own kernel packages from another one. It runs outside of the root,
// scriptlets inside.
func (l *loop) installDebs() *bareRoot {
	oracle.Tool(l.t, "apt-get")
	r := newDebianRoot(l.t, "modprobe")
	for _, dir := range []string{"etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/trusted.gpg.d", "etc/apt/sources.list.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/log/apt", "var/tmp"} {
		r.must(os.MkdirAll(r.path(dir), 0o755))
	}
	for _, name := range []string{"linux-update-symlinks", "linux-check-removal"} { // of linux-base, in perl
		r.must(os.WriteFile(r.path("usr/bin/"+name), []byte("#!/bin/sh\n"), 0o755))
	}
	distro := []string{r.deb("kmod", "30", "", nil), r.deb("linux-base", "9", "", nil), r.deb("initramfs-tools", "9", "", nil)}
	for _, k := range l.kernels {
		file := "/var/tmp/" + filepath.Base(k.Packages[0])
		r.must(copyFile(k.Packages[0], r.path(file)))
		distro = append(distro, file)
	}
	r.repository(distro...)
	site := l.bringChannel(r)
	r.must(os.WriteFile(r.path("etc/apt/sources.list"), fmt.Appendf(nil, "deb [trusted=yes] file:%s ./\ndeb [signed-by=%s/key.asc] file:%s modkeep main\n",
		r.path("repository"), site, site), 0o644))
	config := filepath.Join(r.build, "apt.conf")
	r.must(os.WriteFile(config, fmt.Appendf(nil, `Dir "%s"; Dir::State::status "%[1]s/var/lib/dpkg/status"; APT::Architecture "amd64"; APT::Architectures { "amd64"; };
APT::Sandbox::User "root"; APT::Install-Recommends "0"; Acquire::Languages "none"; DPkg::Options { "--root=%[1]s"; "--log=/dev/null"; };
`, r.dir), 0o644))
	install := []string{"apt-get", "-y", "-q", "install"}
	for _, p := range l.packages("deb", "") {
		install = append(install, p.Name)
	}
	for _, args := range [][]string{{"apt-get", "-q", "update"}, install, {"apt-get", "clean"}} {
		if out, err := r.try("env", append([]string{"APT_CONFIG=" + config, "DEBIAN_FRONTEND=noninteractive"}, args...)...); err != nil || strings.Contains(out, "W: ") {
			l.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	r.must(os.RemoveAll(r.path("repository")))
	l.holdInstalled(r, "deb")
	if out := r.inside("dpkg", "--verify"); out != "" {
		l.t.Errorf("dpkg --verify: %s", out)
	}
	return r
}

// holdInstalled wants that the files which modprobe would take are those of the
// packages, signed, and that the index is as depmod would write it.
func (l *loop) holdInstalled(r *bareRoot, format string) {
	r.state()
	below := map[string]string{"rpm": "extra", "deb": "updates"}[format]
	for _, p := range l.packages(format, "") {
		for _, file := range p.cell.Modules {
			info := func(field string) string {
				return strings.TrimSpace(r.run("modinfo", "-b", r.dir, "-k", p.Kernel, "-F", field, ko.NameFromPath(file)))
			}
			if got, want := info("filename"), r.path(filepath.Join("/lib/modules", p.Kernel, below, p.cell.Source, filepath.Base(file))); got != want {
				l.t.Errorf("%s: modprobe would take %s, not %s", p.Name, got, want)
			}
			if signer := info("signer"); signer != "site key" {
				l.t.Errorf("%s: %s is signed by %q", p.Name, file, signer)
			}
		}
	}
}

// load boots the kernels on a disk with what lies in a root. modkeep loads the
// modules that were installed and prints its table; modprobe has to load the same
// ones and no other, and what is then in the kernel must be the build that the
// package has.
func (l *loop) load(ctx context.Context, r *bareRoot, format string, kernels []kerneltest.Kernel) {
	disk := filepath.Join(r.build, "disk")
	r.must(kerneltest.MakeDisk(ctx, disk, r.dir, sizeMiB(l.t, r.dir)))
	for _, k := range kernels {
		names := modulesOf(l.packages(format, k.Release))
		set := []string{"--set", channelAt + "/manifest.json"}
		ask := "for m in " + strings.Join(names, " ") + "; do modprobe -q $m && echo $m $(cat /sys/module/$m/srcversion); done; true"
		ran, err := kerneltest.BootDisk(ctx, k.Machine(), kerneltest.Guest{
			Tree: kerneltest.Tree{Root: r.dir, Release: k.Release, Names: []string{"virtio_pci", "virtio_blk", "ext4"}}, Disk: disk,
			Commands: []kerneltest.Command{{Argv: slices.Concat([]string{"/bin/modkeep", "reload"}, set, names)}, {Argv: []string{"/bin/sh", "-c", ask}},
				{Argv: slices.Concat([]string{"/bin/modkeep", "verify", "--json"}, set, names)}}})
		if err != nil {
			l.t.Fatalf("%v\nafter %+v", err, ran)
		}
		l.t.Logf("%s, %s packages: reload took %.0f s, verify %.0f s\n%s", k.Release, format, ran[0].Took.Seconds(), ran[2].Took.Seconds(), ran[0].Out)
		l.holdLoaded(k.Release, format, names, ran)
	}
}

// holdLoaded compares modkeep's table and its verify with what modprobe did.
func (l *loop) holdLoaded(krel, format string, names []string, ran []kerneltest.Ran) {
	loaded := map[string]string{} // name: srcversion, which the kernel has of some
	for line := range strings.Lines(ran[1].Out) {
		name, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		loaded[name] = version
	}
	owners := map[string]string{}
	for _, p := range l.packages(format, krel) {
		for _, file := range p.cell.Modules {
			if format == "deb" { // the other root has no rpm
				owners[ko.NameFromPath(file)] = p.Name
			}
			out, err := exec.Command("modinfo", "-F", "srcversion", file).Output()
			if version, ok := loaded[ko.NameFromPath(file)]; ok && (err != nil || version != strings.TrimSpace(string(out))) {
				l.t.Errorf("%s: %s is in the kernel with srcversion %s, and the package has %s (%v)", krel, file, version, out, err)
			}
		}
	}
	var report liveReport
	if err := json.Unmarshal([]byte(ran[2].Out), &report); err != nil || len(report.Modules) != len(names) {
		l.t.Fatalf("%s: verify: %v\n%s%s", krel, err, ran[2].Out, ran[2].ErrOut)
	}
	for _, m := range report.Modules {
		mark := "[FAILED]"
		_, there := loaded[m.Name]
		if there {
			mark = "[  OK  ]"
		}
		if m.Owner != owners[m.Name] {
			l.t.Errorf("%s: %s is said to be of %q, and is of %q", krel, m.File, m.Owner, owners[m.Name])
		}
		if m.OK != there || !saysOf(ran[0].Out, m.Name, mark) {
			l.t.Errorf("%s: modprobe loads %s: %t; verify says %+v, and reload has no %s of it", krel, m.Name, there, m, mark)
		}
	}
	l.t.Logf("%s: %d of %d modules loaded", krel, len(loaded), len(names))
	if 2*len(loaded) < len(names) {
		l.t.Errorf("%s: no more than %d of %d modules loaded", krel, len(loaded), len(names))
	}
}

// saysOf says whether a table has a line of a module with a mark.
func saysOf(table, name, mark string) bool {
	for line := range strings.Lines(table) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, name+" ") && strings.HasSuffix(line, mark) {
			return true
		}
	}
	return false
}

// sizeMiB is the size of a disk that a directory fits on, with room to write.
func sizeMiB(t *testing.T, dir string) int {
	t.Helper()
	size := int64(0)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		size += info.Size() + 4096
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return int(size>>20)*5/4 + 128
}
