package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"modkeep/internal/kerneltest"
)

// attempts prints what would be tried on a kernel, or tries it and prints what
// the kernel answered: a line for each attempt, or JSON.
func attempts(ctx context.Context, cache kerneltest.Cache, flags *flag.FlagSet, args []string) error {
	release := flags.String("kernel", "", "release of the kernel; default: the first one in the cache")
	budget := flags.Int("budget", 100, "number of attempts")
	seed := flags.Uint64("seed", 1, "picks the modules")
	only := flags.String("only", "", "only attempts whose ID contains this")
	boot := flags.Bool("boot", false, "make the attempts")
	asJSON := flags.Bool("json", false, "print attempts and results as JSON")
	flags.Parse(args)
	kernels, err := cache.Kernels()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(kernels, func(k kerneltest.Kernel) bool { return *release == "" || k.Release == *release })
	if i < 0 {
		return fmt.Errorf("kernel %q is not in the cache; run lab fetch", *release)
	}
	dir, err := os.MkdirTemp("", "lab-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	start := time.Now()
	list, err := cache.Attempts(kerneltest.Selection{Kernel: kernels[i], Budget: *budget, Seed: *seed, Dir: dir})
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(a kerneltest.Attempt) bool { return !strings.Contains(a.ID, *only) })
	fmt.Fprintf(os.Stderr, "%s: %d attempts selected in %.1f s\n", kernels[i].Release, len(list), time.Since(start).Seconds())
	if !*boot {
		for _, a := range list {
			fmt.Printf("%-60s flags %d deps %d %s\n", a.ID, a.Flags, len(a.Deps), a.Cmdline)
		}
		return nil
	}
	start = time.Now()
	results, err := kerneltest.Boot(ctx, kernels[i].Machine(), kerneltest.Plan{Attempts: list})
	if *asJSON {
		json.NewEncoder(os.Stdout).Encode(results)
		return err
	}
	report(results)
	fmt.Fprintf(os.Stderr, "%.0f s\n", time.Since(start).Seconds())
	return err
}

// report prints a line for each result and a count of the answers.
func report(results kerneltest.Results) {
	count := map[string]int{}
	for _, r := range results {
		answer := "refused " + r.Errno
		switch {
		case r.ReachedInit && r.Errno == "" && !r.Crashed:
			answer = "loads"
		case r.ReachedInit:
			answer = "loads, init " + r.Errno
		}
		if r.Crashed {
			answer += " CRASHED"
		}
		count[answer]++
		fmt.Printf("%-24s %-60s", answer, r.ID)
		for _, l := range r.LoaderLog() {
			fmt.Printf(" | %s", l.Text)
		}
		if len(r.DepErrors) > 0 {
			fmt.Printf(" | dependencies: %v", r.DepErrors)
		}
		if len(r.Kept) > 0 {
			fmt.Printf(" | kept: %v", r.Kept)
		}
		fmt.Println()
	}
	fmt.Println(count)
}
