package channel

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/kernel"
	"modkeep/kmp"
	"modkeep/policy"
	"modkeep/repo"
)

const (
	k1 = "5.14.0-70.el9.x86_64"
	k2 = "5.14.0-162.el9.x86_64"
	k3 = "5.14.0-284.el9.x86_64"
)

const tree = `file /etc/os-release ID=rhel\n
	kernel K1
	vmlinux printk@a
	kernel/own.ko printk@a
	extra/drv.ko printk@a
	extra/user.ko printk@a prov_do@1
	extra/prov.ko printk@a +prov_do@1
	extra/pinned.ko printk@a
	kernel K2
	vmlinux printk@a
	kernel/own.ko printk@a
	extra/drv.ko printk@a
	kernel K3
	vmlinux printk@b
	kernel/own.ko printk@b
	extra/prov.ko printk@b +prov_do@2
	`

var date = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// pack puts module files, names below root, into a package and returns what a
// manifest says of it.
func pack(t testing.TB, dir, root string, format kmp.Format, name, version, arch string, files ...string) repo.Package {
	t.Helper()
	p := &kmp.Package{Format: format, Name: name, Version: version, Release: "1", Arch: arch, Summary: name, License: "GPL", Description: name, Group: "x", BuildHost: "x", Vendor: "x <x@example.org>"}
	var contents []kmp.Content
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, kmp.Content{File: kmp.File{Path: "/" + file, Mode: 0o644}, Data: data})
	}
	f, err := os.Create(filepath.Join(dir, p.FileName()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := kmp.Write(f, p, contents, kmp.WriteOptions{Date: date, Compression: "gzip"}); err != nil {
		t.Fatal(err)
	}
	return repo.Package{File: "pool/" + p.FileName(), Format: format, Name: name, Version: version, Release: "1", Arch: arch}
}

// lines writes the decisions of kernels short.
func lines(kernels []repo.Kernel) []string {
	var out []string
	for _, k := range kernels {
		out = append(out, fmt.Sprintf("%s %s ready=%v", k.Release, k.Arch, k.Ready))
		for _, m := range k.Modules {
			required := ""
			if m.Required {
				required = " required"
			}
			from := strings.TrimSuffix(strings.TrimPrefix(m.Package, "pool/"), ".rpm")
			if m.Other != "" {
				from += " " + m.Other
			}
			out = append(out, fmt.Sprintf("  %s %s%s [%s] %s", m.Name, m.Decision, required, from, m.Reason))
		}
	}
	return out
}

func TestJudge(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	expand := strings.NewReplacer("K1", k1, "K2", k2, "K3", k3).Replace
	if _, err := made.Write(root, expand(tree)); err != nil {
		t.Fatal(err)
	}
	at := func(krel, name string) string { return "lib/modules/" + krel + "/extra/" + name + ".ko" }
	for name, text := range map[string]string{at(k1, "broken"): "\x7fELF and no more", at(k1, "torn") + ".gz": "\x1f\x8b\x08 and no more"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	packages := []repo.Package{
		pack(t, dir, root, kmp.RPM, "kmod-drv", "1", "x86_64", at(k1, "drv")),
		pack(t, dir, root, kmp.RPM, "kmod-drv", "2", "x86_64", at(k2, "drv")),
		pack(t, dir, root, kmp.Deb, "drv-modules", "3", "amd64", at(k1, "drv")),
		pack(t, dir, root, kmp.RPM, "kmod-pair", "1", "x86_64", at(k1, "user"), at(k1, "prov")),
		pack(t, dir, root, kmp.RPM, "kmod-prov", "2", "x86_64", at(k3, "prov")),
		pack(t, dir, root, kmp.RPM, "kmod-pinned", "1", "x86_64", at(k1, "pinned")),
		pack(t, dir, root, kmp.RPM, "kmod-alien", "1", "aarch64", at(k1, "drv")),
		pack(t, dir, root, kmp.RPM, "kmod-broken", "1", "x86_64", at(k1, "broken"), at(k1, "torn")+".gz"),
	}
	var kernels []*kernel.Kernel
	for _, krel := range []string{k3, k1, k2} {
		k, err := kernel.Open(root, krel, kernel.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		kernels = append(kernels, k)
	}
	p, err := policy.Parse(strings.NewReader("version: 1\nmodules:\n  - name: drv\n    required: true\n  - name: pinned\n    link: never\n  - name: nowhere\n    required: true\n"), "policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cells := []Cell{
		{Source: "driver-1.0", Kernel: k1, Status: "built", Modules: []string{"/out/drv.ko"}},
		{Source: "driver-1.0", Kernel: k3, Status: "failed", Cause: "drv.c:7: no member named 'x'"},
		{Source: "other", Kernel: k3, Status: "failed", Cause: "not this one"},
	}
	got, err := Judge(packages, func(p repo.Package) string { return filepath.Join(dir, strings.TrimPrefix(p.File, "pool/")) }, kernels, Options{Policy: p, Built: cells})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(expand(`K1 x86_64 ready=false
  broken blocked [kmod-broken-1-1.x86_64] Invalid ELF header len 16
  drv rebuilt required [kmod-drv-1-1.x86_64 pool/drv-modules_3-1_amd64.deb] built for K1
  nowhere blocked required [] no package has it
  pinned rebuilt [kmod-pinned-1-1.x86_64] built for K1
  prov rebuilt [kmod-pair-1-1.x86_64] built for K1
  torn blocked [kmod-broken-1-1.x86_64] cannot be read: torn.ko.gz: gzip: gzip: invalid header
  user rebuilt [kmod-pair-1-1.x86_64] built for K1
K2 x86_64 ready=false
  broken blocked [kmod-broken-1-1.x86_64] Invalid ELF header len 16
  drv rebuilt required [kmod-drv-2-1.x86_64] built for K2
  nowhere blocked required [] no package has it
  pinned blocked [kmod-pinned-1-1.x86_64] built for K1 and would load, but the policy never links it
  prov linked [kmod-pair-1-1.x86_64] built for K1, loads on K2
  torn blocked [kmod-broken-1-1.x86_64] cannot be read: torn.ko.gz: gzip: gzip: invalid header
  user linked [kmod-pair-1-1.x86_64] built for K1, loads on K2
K3 x86_64 ready=false
  broken blocked [kmod-broken-1-1.x86_64] Invalid ELF header len 16
  drv blocked required [kmod-drv-2-1.x86_64] built for another version of printk; not built for K3: failed: drv.c:7: no member named 'x'
  nowhere blocked required [] no package has it
  pinned blocked [kmod-pinned-1-1.x86_64] built for another version of printk
  prov rebuilt [kmod-prov-2-1.x86_64] built for K3
  torn blocked [kmod-broken-1-1.x86_64] cannot be read: torn.ko.gz: gzip: gzip: invalid header
  user blocked [kmod-pair-1-1.x86_64] built for another version of printk; built for another version of prov_do`), "\n")
	if diff := cmp.Diff(want, lines(got)); diff != "" {
		t.Error(diff)
	}
	if got[0].Modules[1].Path != "/"+at(k1, "drv") || got[0].Modules[1].BuiltFor != k1 {
		t.Errorf("%+v", got[0].Modules[1])
	}
}

// TestOracleJudge holds decisions on real modules and real kernels against the
// versions that modprobe reads from the modules and those in the kernels'
// Module.symvers.
func TestOracleJudge(t *testing.T) {
	root, release, kernels := realKernels(t)
	cache, _ := kerneltest.OpenCache()
	modules, err := cache.ThirdParty(release)
	if err != nil || len(modules) == 0 {
		oracle.Missing(t, "no modules of third parties for %s: %v", release, err)
	}
	dir, tree := t.TempDir(), t.TempDir()
	want := map[string][]string{} // modules by kernel that loads them, by versions alone
	modules = modules[:min(len(modules), 6)]
	var files []string
	for _, file := range modules {
		name := "lib/modules/" + release + "/extra/" + filepath.Base(file)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(tree, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(tree, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	all := neededTogether(t, tree, files)
	for _, k := range kernels {
		table := symvers(t, root, k.Release)
		for _, file := range files {
			if fits(all[file], table, all) {
				want[k.Release] = append(want[k.Release], strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".ko"), "-", "_"))
			}
		}
	}
	p := pack(t, dir, tree, kmp.RPM, "kmod-real", "1", "x86_64", files...)
	got, err := Judge([]repo.Package{p}, func(p repo.Package) string { return filepath.Join(dir, strings.TrimPrefix(p.File, "pool/")) }, kernels, Options{})
	if err != nil {
		t.Fatal(err)
	}
	blocked := 0
	for _, k := range got {
		var loads []string
		for _, m := range k.Modules {
			if m.Decision == repo.Blocked {
				blocked++
				continue
			}
			loads = append(loads, m.Name)
			if (m.Decision == repo.Rebuilt) != (k.Release == release) {
				t.Errorf("%s on %s: %s", m.Name, k.Release, m.Decision)
			}
		}
		slices.Sort(want[k.Release])
		if diff := cmp.Diff(want[k.Release], loads); diff != "" {
			t.Errorf("%s: %s", k.Release, diff)
		}
	}
	t.Logf("%d modules of %s on %d kernels, %d blocked", len(files), release, len(got), blocked)
}

// realKernels opens the kernels of the cache's flavour that has the most, and
// returns the release of one of them for which there are modules.
func realKernels(t testing.TB) (root, release string, list []*kernel.Kernel) {
	t.Helper()
	cache, err := kerneltest.OpenCache()
	if err != nil {
		oracle.Missing(t, "%v", err)
	}
	all, err := cache.Kernels()
	if err != nil {
		t.Fatal(err)
	}
	flavours := map[string][]kerneltest.Kernel{}
	for _, k := range all {
		if k.Arch == "amd64" && k.Headers {
			flavours[k.Series+k.Flavour] = append(flavours[k.Series+k.Flavour], k)
		}
	}
	var best []kerneltest.Kernel
	for _, kernels := range flavours {
		third, _ := cache.ThirdParty(kernels[len(kernels)-1].Release)
		if len(third) > 0 && (len(kernels) > len(best) || len(kernels) == len(best) && kernels[0].Release < best[0].Release) {
			best = kernels
		}
	}
	if len(best) < 2 {
		oracle.Missing(t, "the cache has no two kernels of one flavour with headers and modules")
	}
	for _, k := range best {
		opened, err := kernel.Open(k.Root, k.Release, kernel.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { opened.Close() })
		list = append(list, opened)
	}
	return best[0].Root, best[len(best)-1].Release, list
}

// neededTogether returns for each module file the versions that it needs, and
// under "" those that one of them exports.
func neededTogether(t testing.TB, dir string, files []string) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{"": {}}
	for _, file := range files {
		all[file] = versions(t, "--dump-modversions", filepath.Join(dir, file))
		for symbol, crc := range versions(t, "--show-exports", filepath.Join(dir, file)) {
			all[""][symbol] = crc
		}
	}
	return all
}

// versions runs modprobe on a module file; of one without exports it says an
// error, and nothing is what is asked for.
func versions(t testing.TB, option, file string) map[string]string {
	t.Helper()
	out, _ := exec.Command(oracle.Tool(t, "modprobe"), option, file).Output()
	list := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 2 {
			list[f[1]] = strings.TrimLeft(strings.TrimPrefix(f[0], "0x"), "0")
		}
	}
	return list
}

// symvers reads a kernel's Module.symvers from its headers.
func symvers(t testing.TB, root, release string) map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join(root, "usr/src/linux-headers-"+release, "Module.symvers"))
	if err != nil {
		oracle.Missing(t, "%v", err)
	}
	defer f.Close()
	table := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if w := strings.Fields(s.Text()); len(w) > 1 {
			table[w[1]] = strings.TrimLeft(strings.TrimPrefix(w[0], "0x"), "0")
		}
	}
	return table
}

// fits says whether all versions that a module needs are the kernel's, or those of
// a module of the set that itself fits.
func fits(needs, table map[string]string, all map[string]map[string]string) bool {
	for symbol, crc := range needs {
		if table[symbol] != crc && all[""][symbol] != crc {
			return false
		}
	}
	return true
}
