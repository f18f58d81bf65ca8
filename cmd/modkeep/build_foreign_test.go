package main

import (
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/ko"
)

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
	dir := oracle.OpenDir(t)
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
