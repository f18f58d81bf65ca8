package txn

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkRun does 80 links, each in a directory of its own as weak-modules
// makes them, and one depmod step over index files as large as Debian's for
// amd64 (6.1: 6 MB in 9 files), whose command costs nothing.
func BenchmarkRun(b *testing.B) {
	for _, depmod := range []bool{false, true} {
		b.Run(fmt.Sprintf("links=80/depmod=%v", depmod), func(b *testing.B) {
			root := b.TempDir()
			files(b, root, map[string]string{k + "/weak-updates/": ""})
			for i := range 9 {
				if err := os.WriteFile(filepath.Join(root, k, fmt.Sprint("modules.", i)), make([]byte, 670_000), 0o644); err != nil {
					b.Fatal(err)
				}
			}
			var plan Plan
			for i := range 80 {
				dir := fmt.Sprintf("%s/weak-updates/m%d", k, i)
				plan.Steps = append(plan.Steps, Step{Op: Mkdir, Path: dir},
					Step{Op: Link, Path: dir + "/m.ko", Target: "/lib/modules/5.9.0/extra/m.ko", Reason: "compatible"})
			}
			if depmod {
				plan.Steps = append(plan.Steps, Step{Op: Depmod, Path: k, Command: []string{"depmod"}, Files: []string{"modules.*"}})
			}
			s := open(b, root, nil)
			s.opts.Run = func(context.Context, Step, []string) error { return nil }
			defer locked(b, s)()
			for b.Loop() {
				if _, err := s.Run(b.Context(), plan); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				os.RemoveAll(filepath.Join(root, k, "weak-updates"))
				os.Mkdir(filepath.Join(root, k, "weak-updates"), 0o755)
				b.StartTimer()
			}
		})
	}
}

// BenchmarkHistory lists 50 transactions with backups.
func BenchmarkHistory(b *testing.B) {
	root := kernelTree(b)
	for i := range keepNumber {
		mustRun(b, root, Plan{Steps: []Step{
			{Op: Link, Path: k + "/weak-updates/a.ko", Target: fmt.Sprint(i)},
			{Op: Depmod, Path: k, Command: depmodArgv, Files: indexFiles},
		}})
	}
	s := open(b, root, nil)
	for b.Loop() {
		if records, err := s.History(); err != nil || len(records) != keepNumber {
			b.Fatal(err)
		}
	}
}
