package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"slices"
	"strings"

	"modkeep/internal/pattern"
	"modkeep/kernel/release"
)

// suseKMP is a kernel module package of SUSE's kind: NAME-kmp-FLAVOR.
type suseKMP struct {
	nvr     string   // name-version-release
	krel    string   // the one kernel directory that its modules lie in
	modules []string // paths inside the root, sorted
}

// short is the package's name.
func (k *suseKMP) short() string { return kmpName(k.nvr) }

// kmpName cuts version and release off.
func kmpName(nvr string) string {
	for range 2 {
		if i := strings.LastIndexByte(nvr, '-'); i >= 0 {
			nvr = nvr[:i]
		}
	}
	return nvr
}

// flavorOf is the part of a package's name or of a kernel release that says
// which kernel of several: what stands behind the last dash.
func flavorOf(name string) string { return name[strings.LastIndexByte(name, '-')+1:] }

var kmpPattern = pattern.New(`^[^-].*-kmp-[^-]+$`)

// modulePattern matches the files of a package that are modules.
var modulePattern = pattern.New(`^(?:/usr)?/lib/modules/[^/]+/.+\.ko(?:\.gz|\.xz|\.zst)?$`)

// newKMP makes a package of its list of files. The errors are weak-modules2's
// own.
func newKMP(nvr string, files []string) (*suseKMP, error) {
	k := &suseKMP{nvr: nvr}
	for _, file := range files {
		if modulePattern.MatchString(file) {
			k.modules = append(k.modules, merged(path.Clean(file)))
		}
	}
	slices.Sort(k.modules)
	k.modules = slices.Compact(k.modules)
	if len(k.modules) == 0 {
		return nil, errNoModules
	}
	for _, module := range k.modules {
		krel, rel, _ := strings.Cut(strings.TrimPrefix(module, "/lib/modules/"), "/")
		if k.krel != "" && krel != k.krel {
			return nil, sentence(fmt.Sprintf("Error: package %s seems to contain modules for multiple kernel versions", nvr))
		}
		k.krel = krel
		if top, _, _ := strings.Cut(rel, "/"); top == "kernel" || top == "weak-updates" {
			return nil, sentence(fmt.Sprintf("Error: package %s must not install modules into kernel/ or weak-updates/", nvr))
		}
	}
	return k, nil
}

// errNoModules is of a package without modules.
var errNoModules = errors.New("does not contain any kernel modules")

// rpmDatabase asks rpm(8) what is installed.
type rpmDatabase struct {
	ctx     context.Context
	program string
	dir     string // the database's directory, "" for the system's own
}

// query runs rpm and returns the lines it prints.
func (db rpmDatabase) query(args ...string) ([]string, error) {
	cmd := exec.CommandContext(db.ctx, db.program, args...)
	if db.dir != "" {
		cmd.Args = append(cmd.Args, "--dbpath", db.dir)
	}
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		text := strings.TrimSpace(errOut.String() + string(out))
		return nil, fmt.Errorf("%s %s: %w: %s", db.program, args[0], err, text)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' || r == 0 }), nil
}

// packages returns the packages whose names match a glob, newest first, without
// those that are part of a kernel and those without modules, of which warn is
// told.
func (db rpmDatabase) packages(glob string, warn func(string)) ([]*suseKMP, error) {
	names, err := db.query("-qa", "--qf", "%{n}-%{v}-%{r}\n", "--nodigest", "--nosignature", glob)
	if err != nil {
		return nil, err
	}
	var list []*suseKMP
	for _, nvr := range names {
		k, err := db.kmp(nvr)
		switch {
		case errors.Is(err, errNoModules):
			warn(fmt.Sprintf("WARNING: %s does not contain any kernel modules", nvr))
		case err != nil:
			return nil, err
		case k != nil:
			list = append(list, k)
		}
	}
	slices.SortStableFunc(list, func(a, b *suseKMP) int { return release.CompareRPM(b.nvr, a.nvr) })
	return list, nil
}

// kmp reads one package; nil where it is part of a kernel.
func (db rpmDatabase) kmp(nvr string) (*suseKMP, error) {
	provides, err := db.query("-q", "--qf", "[%{providename}\n]", "--nodigest", "--nosignature", nvr)
	if err != nil {
		return nil, err
	}
	if slices.Contains(provides, "kmp_in_kernel") {
		return nil, nil
	}
	files, err := db.query("-ql", "--nodigest", "--nosignature", nvr)
	if err != nil {
		return nil, err
	}
	return newKMP(nvr, files)
}
