package kernel

import (
	"os"
	"testing"

	"modkeep/internal/kerneltest/oracle"
)

// BenchmarkPrepare is what a check of few modules pays for the kernel: its
// table, its module tree and which files are third-party.
func BenchmarkPrepare(b *testing.B) {
	root := cacheRoots(b)["amd64"]
	kernels, err := List(root)
	if err != nil || len(kernels) == 0 {
		oracle.Missing(b, "no amd64 kernels in the cache")
	}
	krel := os.Getenv("MODKEEP_KERNEL")
	if krel == "" {
		krel = kernels[0]
	}
	for b.Loop() {
		k, err := Open(root, krel, Options{})
		if err != nil {
			b.Fatal(err)
		}
		k.Prepare()
		b.ReportMetric(float64(len(k.Tree().Modules)), "modules")
		k.ThirdParty()
	}
}
