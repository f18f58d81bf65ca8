// Command lab fills the cache that tests against real kernels use.
//
//	lab fetch [--set demo|ci|full]          kernels from the Debian archive
//	lab build [--kernels REL,…] [PACKAGE…]  third-party modules for them
//	lab sources PACKAGE…                    the sources of such, unpacked only
//	lab kernels                             what is there
//	lab attempts [--kernel REL] [--budget N] [--seed N] [--boot]
//	                                        which loads would be tried; try them
//
// A set is a list of wants, such as "two 6.1 kernels whose module_layout
// differs"; which packages answer to them is found out anew each time, since
// the archive drops old kernels. lab changes nothing outside the cache, except
// that it installs the compiler and the emulators when they are missing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"modkeep/internal/kerneltest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("a verb is needed: fetch, build, sources, kernels, attempts")
	}
	cache, err := kerneltest.OpenCache()
	if err != nil {
		return err
	}
	flags := flag.NewFlagSet("lab "+args[0], flag.ExitOnError)
	switch args[0] {
	case "fetch":
		set := flags.String("set", "demo", "what to fetch: demo, ci or full")
		flags.Parse(args[1:])
		return locked(cache, func() error { return fetch(ctx, cache, *set) })
	case "build":
		kernels := flags.String("kernels", "", "releases to build for, separated by commas, or all; default: the newest of the smallest kernels")
		flags.Parse(args[1:])
		return locked(cache, func() error { return build(ctx, cache, *kernels, flags.Args()) })
	case "sources":
		return locked(cache, func() error { return unpackSources(ctx, cache, args[1:]) })
	case "kernels":
		return list(cache)
	case "attempts":
		return attempts(ctx, cache, flags, args[1:])
	}
	return fmt.Errorf("verb %s: not fetch, build, sources, kernels or attempts", args[0])
}

// locked runs f while no other lab changes the cache; it waits for its turn.
func locked(cache kerneltest.Cache, f func() error) error {
	if err := os.MkdirAll(string(cache), 0o777); err != nil {
		return err
	}
	lock, err := os.Create(filepath.Join(string(cache), ".lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", cache, err)
	}
	return f()
}

// list prints the kernels of the cache.
func list(cache kerneltest.Cache) error {
	kernels, err := cache.Kernels()
	if err != nil {
		return err
	}
	for _, k := range kernels {
		built, err := cache.ThirdParty(k.Release)
		if err != nil {
			return err
		}
		fmt.Printf("%-7s %-32s %-18s third-party modules: %d\n", k.Arch, k.Release, k.Version, len(built))
	}
	return nil
}

// output runs a program and returns what it prints; the error has the last
// line of what it complained about.
func output(ctx context.Context, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), append(env, "LC_ALL=C")...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return string(text), fmt.Errorf("%s %s: %w: %s", name, args[0], err, lines[len(lines)-1])
	}
	return string(text), nil
}
