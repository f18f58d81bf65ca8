package loader_test

import (
	"os"
	"path/filepath"
	"testing"

	"modkeep/internal/kerneltest"
	"modkeep/kernel"
	"modkeep/loader"
)

// benchKernel returns the kernel of the cache with the most modules, or the one
// that MODKEEP_BENCH_KERNEL names.
func benchKernel(b *testing.B) (k kerneltest.Kernel, files []string) {
	b.Helper()
	cache, err := kerneltest.OpenCache()
	if err != nil {
		b.Skip(err)
	}
	all, err := cache.Kernels()
	if err != nil {
		b.Skip(err)
	}
	want := os.Getenv("MODKEEP_BENCH_KERNEL")
	for _, c := range all {
		if want != "" && c.Release != want || c.Arch != "amd64" {
			continue
		}
		found, err := kerneltest.ModuleFiles(c.Modules())
		if err == nil && len(found) > len(files) {
			k, files = c, found
		}
	}
	if len(files) == 0 {
		b.Skip("no kernels in the cache: go run ./internal/kerneltest/lab fetch")
	}
	return k, files
}

// BenchmarkCheckTree judges every module of a kernel's own tree.
func BenchmarkCheckTree(b *testing.B) {
	k, files := benchKernel(b)
	var bytes int64
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			bytes += info.Size()
		}
	}
	b.SetBytes(bytes)
	b.ReportAllocs()
	for b.Loop() {
		kern, err := kernel.Open(k.Root, k.Release, kernel.Options{})
		if err != nil {
			b.Fatal(err)
		}
		t := loader.NewTarget(kern, loader.Options{})
		modules := loader.ReadAll(files)
		for _, m := range modules {
			m.AsShipped = true
		}
		for i, v := range t.Check(modules) {
			if v == nil || !v.Loads {
				b.Fatalf("%s: %+v", filepath.Base(files[i]), v)
			}
		}
		kern.Close()
	}
	b.ReportMetric(float64(len(files)), "modules/op")
}

// BenchmarkReadTree reads what the verdict needs of every module.
func BenchmarkReadTree(b *testing.B) {
	_, files := benchKernel(b)
	b.ReportAllocs()
	for b.Loop() {
		loader.ReadAll(files)
	}
	b.ReportMetric(float64(len(files)), "modules/op")
}
