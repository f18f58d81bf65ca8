package main

import (
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modkeep/internal/cputime"
	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/ko"
)

// matrixPackages are real packages: single modules, several with exports among
// them (tp-smapi, xtables-addons), one that is configured before make
// (iptables-netflow), and one that fails on newer kernels for a change of
// theirs (openrazer-driver).
var matrixPackages = []string{"acpi-call", "gost-crypto", "tp-smapi", "v4l2loopback", "nat-rtsp", "xtables-addons", "iptables-netflow", "openrazer-driver", "rapiddisk", "vpoll"}

// TestOracleBuildMatrix (with MODKEEP_FULL=1) builds them for three kernels of
// Debian: what fails fails alone and says why, the rest is built and judged; a
// second run takes all from the cache and 2 % of the time.
func TestOracleBuildMatrix(t *testing.T) {
	if os.Getenv("MODKEEP_FULL") != "1" {
		t.Skip("takes minutes: MODKEEP_FULL=1")
	}
	cache, kernels := matrixKernels(t)
	args := []string{"--root", kernels[0].Root, "--cache", filepath.Join(openTemp(t), "cache")}
	for _, k := range kernels {
		args = append(args, "--kernel", k.Release)
	}
	for _, name := range matrixPackages {
		dirs, err := filepath.Glob(cache.Join("dkms", name, "*", "dkms.conf"))
		if err != nil || len(dirs) != 1 {
			oracle.Missing(t, "sources of %s in %s", name, cache)
		}
		args = append(args, filepath.Dir(dirs[0]))
	}
	start, clock := cputime.All(), time.Now()
	r, status := build(t, args...)
	first, wall := cputime.All()-start, time.Since(clock)
	if status != statusNo || len(r.Cells) != len(matrixPackages)*len(kernels) {
		t.Fatalf("status %d, %d cells", status, len(r.Cells))
	}
	built, blamed := 0, 0
	for _, c := range r.Cells {
		t.Logf("%-8s %s %s %.1f s, %d modules %s", c.Status, c.Source, c.Kernel, c.Seconds, len(c.Modules), c.Cause)
		switch c.Status {
		case "built":
			built++
		case "failed":
			if c.Cause == "" || strings.Contains(c.Cause, "make failed") || c.Log == "" {
				t.Errorf("%+v", c)
			}
			if c.Source == "openrazer-driver" && strings.Contains(c.Cause, "hid_report_raw_event") {
				blamed++
			}
		case "blocked", "cached":
			t.Errorf("%+v", c)
		}
	}
	if built < 2*len(kernels)*len(matrixPackages)/3 {
		t.Errorf("%d of %d built", built, len(r.Cells))
	}
	if blamed == 0 {
		t.Error("openrazer-driver did not fail for hid_report_raw_event")
	}
	start = cputime.All()
	again, _ := build(t, args...)
	second := cputime.All() - start
	for i, c := range again.Cells {
		if c.Status == "built" || (c.Status == "cached") != (r.Cells[i].Status == "built") {
			t.Errorf("again: %+v", c)
		}
	}
	t.Logf("first %v of CPU, %v by the clock; second %v: %.2f %%", first, wall, second, 100*second.Seconds()/first.Seconds())
	if second > first/50 {
		t.Errorf("the second run took %v, more than 2 %% of %v", second, first)
	}
}

// TestOracleBuildForeign (with MODKEEP_FULL=1) builds for a kernel of another
// architecture, with this machine's programs of its headers.
func TestOracleBuildForeign(t *testing.T) {
	if os.Getenv("MODKEEP_FULL") != "1" {
		t.Skip("takes a compiler for arm64: MODKEEP_FULL=1")
	}
	oracle.Tool(t, "aarch64-linux-gnu-gcc-12")
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	kernels, err := cache.Kernels()
	if err != nil {
		t.Fatal(err)
	}
	dir := openTemp(t)
	writeFiles(t, dir, map[string]string{"drv-1/Kbuild": "obj-m := drv.o\n", "drv-1/drv.c": driver})
	for _, k := range kernels {
		common, _ := filepath.Glob(cache.Join("deb", "linux-headers-"+strings.TrimSuffix(k.Release, "-cloud-arm64")+"-common_*.deb"))
		if k.Arch != "arm64" || len(common) == 0 {
			continue
		}
		args := []string{filepath.Join(dir, "drv-1"), "--root", k.Root, "--cache", filepath.Join(dir, "cache")}
		for _, p := range []string{debs(t, cache, "linux-headers-"+k.Release)[0], common[0], debs(t, cache, "linux-kbuild-"+k.Series)[0]} {
			args = append(args, "--headers", p)
		}
		r, status := build(t, args...)
		if status != statusYes || len(r.Cells) != 1 || r.Cells[0].Kernel != k.Release || r.Cells[0].Status != "built" {
			t.Fatalf("status %d, %+v", status, r)
		}
		f, err := ko.Open(r.Cells[0].Modules[0])
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if f.Machine != uint16(elf.EM_AARCH64) {
			t.Errorf("machine %v", f.Machine)
		}
		return
	}
	oracle.Missing(t, "no kernel of arm64 with headers in %s; run lab fetch --set full", cache)
}

// matrixKernels are three kernels for which modules can be built, one with all
// of its drivers among them.
func matrixKernels(t *testing.T) (kerneltest.Cache, []kerneltest.Kernel) {
	t.Helper()
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	all, err := cache.Kernels()
	if err != nil {
		t.Fatal(err)
	}
	var list, full []kerneltest.Kernel
	for _, k := range all {
		if k.Arch != "amd64" || !k.Headers || k.Series != "6.1" || k.Flavour == "rt" {
			continue
		}
		if k.Flavour == "" {
			full = append(full, k)
		} else {
			list = append(list, k)
		}
	}
	list = append(full, list...)
	if len(list) < 3 {
		oracle.Missing(t, "three kernels with headers in %s; run lab fetch --set full", cache)
	}
	return cache, list[:3]
}
