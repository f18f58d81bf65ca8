package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"modkeep/internal/kerneltest"
	"modkeep/symtypes"
)

// Part compare measures modkeep compare against ksymtypes compare of
// suse-kabi-tools on the types of two Debian kernels. Neither those nor that
// program are part of this tree: see BENCHMARKS.md.
var compareKernels = []string{"6.1.0-47-amd64", "6.1.0-56-amd64"}

// The limits of part compare.
const (
	compareRatio  = 0.15 // to ksymtypes compare -j2
	compareMaxRSS = 100 << 20
)

func (b *bench) comparePart(_ kerneltest.Cache, data, ksymtypes string) (text string, ok bool, err error) {
	if data == "" || ksymtypes == "" {
		return "", false, errors.New("name the types with -data and ksymtypes with -ksymtypes")
	}
	var files []string
	var size int64
	for _, krel := range compareKernels {
		text, err := symtypes.ReadText(filepath.Join(data, "symtypes/debian", krel+".consolidated.symtypes.gz"))
		if err != nil {
			return "", false, fmt.Errorf("%s: %w", krel, err)
		}
		path := filepath.Join(b.dir, krel+".symtypes")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return "", false, err
		}
		files, size = append(files, path), size+int64(len(text))
	}
	c := pairCase{name: "`compare` " + strings.Join(compareKernels, " ")}
	for i := range b.runs + 1 {
		peer, err := runDiffering(ksymtypes, "compare", "-j2", files[0], files[1])
		if err != nil {
			return "", false, err
		}
		ours, err := runDiffering(b.modkeep, "compare", files[0], files[1])
		if err != nil {
			return "", false, err
		}
		if i > 0 {
			c.add(peer, ours)
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s of types, %s, %d processors of %s, load %s; %d runs.\n\n", mib(size), runtime.Version(), cores, processor(), load(), len(c.ours))
	fmt.Fprintf(&out, "| case | ksymtypes -j2: least, median | modkeep: least, median | ratio of least, limit %.2f; peak limit %s | of CPU | peak: ksymtypes, modkeep |\n|---|---|---|---|---|---|\n",
		compareRatio, mib(compareMaxRSS))
	c.row(&out, compareRatio, compareMaxRSS)
	return out.String(), c.ratio() <= compareRatio && peak(c.ours) <= compareMaxRSS, nil
}
