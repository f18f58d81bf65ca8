package kbuild

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"modkeep/internal/pattern"
	"modkeep/kernel"
)

// Compiler is what the modules of a kernel are compiled with.
type Compiler struct {
	Path    string // of the program
	Family  string // gcc or clang
	Major   int    // of its version
	Version string // its first line of --version
	Wanted  string // what the kernel was compiled with: CONFIG_CC_VERSION_TEXT
	// Exact is set where family and major version are those of the kernel.
	Exact bool
	// Prefix is that of a compiler for another machine, with its last dash.
	Prefix string
}

// String says which compiler was chosen for what.
func (c *Compiler) String() string {
	text := fmt.Sprintf("%s (%s)", c.Path, c.Version)
	if !c.Exact {
		text += fmt.Sprintf("; the kernel was compiled by %s, this is the nearest that is installed", orUnknown(c.Wanted))
	}
	return text
}

func orUnknown(text string) string {
	if text == "" {
		return "a compiler that its configuration does not name"
	}
	return text
}

var versionNumber = pattern.New(`\b(\d+)\.(\d+)(?:\.\d+)?\b`)

// wanted reads CONFIG_CC_VERSION_TEXT, as "gcc-12 (Debian 12.2.0-14) 12.2.0",
// and before Linux 4.18, which has none, CONFIG_GCC_VERSION.
func wanted(c *kernel.Config) (family string, major int, text string) {
	family, text = "gcc", c.Values["CC_VERSION_TEXT"]
	if c.On("CC_IS_CLANG") || strings.Contains(text, "clang") {
		family = "clang"
	}
	numbers := versionNumber.FindAllStringSubmatch(text, -1)
	if len(numbers) > 0 {
		at := numbers[len(numbers)-1]
		if family == "clang" {
			at = numbers[0]
		}
		major, _ = strconv.Atoi(at[1])
	} else if n, err := strconv.Atoi(c.Values["GCC_VERSION"]); err == nil {
		major = n / 10000
	}
	return family, major, text
}

// FindCompiler chooses the compiler for a kernel among those in the directories
// of path: of the same family and major version, else the nearest newer one,
// else the nearest older one. The error is a *MissingError.
func FindCompiler(ctx context.Context, h *Headers, path []string) (*Compiler, error) {
	family, major, text := wanted(h.Config)
	prefix := ""
	if triplet := foreign(h.Arch); triplet != "" {
		prefix = triplet + "-"
	}
	var found []*Compiler
	for _, name := range programs(path, prefix+family) {
		if c := ask(ctx, name); c != nil {
			c.Family, c.Wanted, c.Prefix = family, text, prefix
			c.Exact = c.Major == major
			found = append(found, c)
		}
	}
	if len(found) == 0 {
		name := prefix + family
		if major > 0 {
			name += "-" + strconv.Itoa(major)
		}
		return nil, &MissingError{What: "compiler", Kernel: h.Release, Install: compilerPackage(h.Distro, name),
			Text: fmt.Sprintf("no %s%s is installed; kernel %s was compiled by %s", prefix, family, h.Release, orUnknown(text))}
	}
	best := slices.MinFunc(found, func(a, b *Compiler) int { return distance(a.Major, major) - distance(b.Major, major) })
	return best, nil
}

// distance prefers the same version, then newer ones, then older ones.
func distance(is, want int) int {
	switch {
	case want == 0:
		return -is
	case is >= want:
		return is - want
	}
	return 1000 + want - is
}

// foreign is the compiler's name for a machine that is not this one.
func foreign(arch string) string {
	for _, a := range arches {
		if a.machine == arch && !RunsHere(a.machine) {
			return a.triplet
		}
	}
	return ""
}

// programs are the files called name or name-NUMBER in the directories of path,
// those with the number first.
func programs(path []string, name string) []string {
	var list []string
	for _, dir := range path {
		names, _ := filepath.Glob(filepath.Join(dir, name+"-[0-9]*"))
		slices.Sort(names)
		for _, n := range append(names, filepath.Join(dir, name)) {
			number := strings.TrimPrefix(filepath.Base(n), name)
			if _, err := strconv.Atoi(strings.TrimPrefix(number, "-")); number != "" && err != nil {
				continue
			}
			if info, err := os.Stat(n); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				list = append(list, n)
			}
		}
	}
	return list
}

// ask runs a compiler for its version, nil where it does not tell.
func ask(ctx context.Context, name string) *Compiler {
	cmd := exec.CommandContext(ctx, name, "--version")
	cmd.Env = []string{"LC_ALL=C"}
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	first, _, _ := strings.Cut(string(out), "\n")
	numbers := versionNumber.FindAllStringSubmatch(first, -1)
	if len(numbers) == 0 {
		return nil
	}
	at := numbers[len(numbers)-1]
	if strings.Contains(first, "clang") {
		at = numbers[0]
	}
	c := &Compiler{Path: name, Version: strings.TrimSpace(first)}
	c.Major, _ = strconv.Atoi(at[1])
	return c
}

// variables are what tells a makefile, and a configure script, the compiler.
func (c *Compiler) variables() []string {
	vars := []string{"CC=" + c.Path}
	if c.Prefix != "" {
		vars = append(vars, "CROSS_COMPILE="+c.Prefix)
	}
	if c.Family == "clang" {
		suffix := strings.TrimPrefix(filepath.Base(c.Path), "clang")
		if suffix == "" {
			suffix = "1"
		}
		vars = append(vars, "LLVM="+suffix)
	}
	return vars
}
