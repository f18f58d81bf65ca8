package kbuild

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"modkeep/internal/pattern"
	"modkeep/internal/regular"
)

// spec is what is read of an rpm spec file: names, and how %prep makes the tree
// that modules are built in. Macros are expanded as far as the file itself
// defines them; nothing of it is run.
type spec struct {
	name, version string
	sources       []string // file names
	patches       []specPatch
	notes         []string
}

// specPatch is a patch that %prep applies: -p strip.
type specPatch struct {
	file  string
	strip int
}

const maxSpec = 4 << 20

var (
	specTag     = pattern.New(`^(Name|Version|Source\d*|Patch\d*)\s*:\s*(\S.*)$`)
	specDefine  = pattern.New(`^%(?:define|global)\s+(\w+)\s+(.*)$`)
	specSection = pattern.New(`^%(prep|build|install|files|description|package|pre|post|preun|postun|posttrans|changelog|clean|check|generate_buildrequires|conf)\b`)
	specMacro   = pattern.New(`%\{\??(\w+)\}|%(\w+)`)
	specPatchN  = pattern.New(`^%patch(\d*)(?:\s|$)`)
	specStrip   = pattern.New(`-p\s*(\d)`)
	specNumber  = pattern.New(`(?:-P\s*|^%patch\s+)(\d+)`)
)

// parseSpec reads a spec file.
func parseSpec(text []byte) (*spec, error) {
	s := &spec{}
	macros := map[string]string{}
	patches := map[int]string{}
	section, ignored := "", map[string]int{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if m := specSection.FindStringSubmatch(line); m != nil {
			section = m[1]
			continue
		}
		if m := specDefine.FindStringSubmatch(line); m != nil {
			macros[m[1]] = expandMacros(m[2], macros)
			continue
		}
		switch {
		case section == "":
			if m := specTag.FindStringSubmatch(line); m != nil {
				s.tag(m[1], expandMacros(m[2], macros), macros, patches)
			}
		case section == "prep" && strings.HasPrefix(line, "%"):
			s.prep(line, patches)
		case (section == "prep" || section == "build") && line != "" && !strings.HasPrefix(line, "#"):
			ignored[section]++
		}
	}
	for _, name := range []string{"prep", "build"} {
		if n := ignored[name]; n > 0 {
			s.notes = append(s.notes, fmt.Sprintf("%d lines of commands of %%%s are not run", n, name))
		}
	}
	if s.name == "" || len(s.sources) == 0 {
		return nil, errors.New("no Name or no Source")
	}
	return s, nil
}

// expandMacros puts known macros in; unknown ones stay.
func expandMacros(text string, macros map[string]string) string {
	for range 8 {
		next := specMacro.ReplaceAllStringFunc(text, func(ref string) string {
			if v, ok := macros[strings.Trim(ref, "%{?}")]; ok {
				return v
			}
			return ref
		})
		if next == text || len(next) > 4096 {
			break
		}
		text = next
	}
	return text
}

func (s *spec) tag(name, value string, macros map[string]string, patches map[int]string) {
	file := value[strings.LastIndexByte(value, '/')+1:]
	switch {
	case name == "Name":
		s.name, macros["name"] = value, value
	case name == "Version":
		s.version, macros["version"] = value, value
	case strings.HasPrefix(name, "Source"):
		s.sources = append(s.sources, file)
	default:
		n, err := strconv.Atoi(strings.TrimPrefix(name, "Patch"))
		if err != nil {
			n = len(patches)
		}
		patches[n] = file
	}
}

// prep reads a macro of %prep.
func (s *spec) prep(line string, patches map[int]string) {
	strip := 0
	if m := specStrip.FindStringSubmatch(line); m != nil {
		strip, _ = strconv.Atoi(m[1])
	}
	switch {
	case strings.HasPrefix(line, "%setup"):
	case strings.HasPrefix(line, "%autosetup"), strings.HasPrefix(line, "%autopatch"):
		if strings.HasPrefix(line, "%autosetup") && strings.Contains(line, "-N") {
			return
		}
		var numbers []int
		for n := range patches {
			numbers = append(numbers, n)
		}
		slices.Sort(numbers)
		for _, n := range numbers {
			s.patches = append(s.patches, specPatch{patches[n], strip})
		}
	default:
		m := specPatchN.FindStringSubmatch(line)
		if m == nil {
			s.notes = append(s.notes, fmt.Sprintf("%s of %%prep is not followed", brief(line)))
			return
		}
		number := m[1]
		if q := specNumber.FindStringSubmatch(line); number == "" && q != nil {
			number = q[1]
		}
		n, _ := strconv.Atoi(number)
		s.patches = append(s.patches, specPatch{patches[n], strip})
	}
}

func brief(text string) string {
	if r := []rune(text); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return text
}

// spec opens the sources of a source package that was unpacked: those in its tar
// files, with its patches.
func (o *opener) spec(dir, name, given string, depth int) error {
	text, err := regular.Read(filepath.Join(dir, name), maxSpec)
	if err != nil {
		return err
	}
	s, err := parseSpec(text)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", given, name, err)
	}
	for _, n := range s.notes {
		o.notes = append(o.notes, given+": "+name+": "+n)
	}
	before, first := len(o.sources), true
	for _, file := range s.sources {
		path := filepath.Join(dir, filepath.Base(file))
		if archive(path) == nil {
			continue
		}
		tree, err := Unpacked(o.Cache, path)
		if err == nil && first { // patches are for the first one
			tree, err = o.patched(tree, dir, s.patches)
		}
		if err == nil {
			err = o.open(tree, filepath.Join(given, file), depth+1)
		}
		if err != nil {
			return err
		}
		first = false
	}
	if found := o.sources[before:]; len(found) == 1 && !found[0].DKMS() {
		found[0].Name, found[0].Version = strings.TrimSuffix(s.name, "-kmod"), s.version
	}
	return nil
}

// patched applies patches to a copy of a tree in the cache, in the sandbox, and
// returns it.
func (o *opener) patched(tree, dir string, patches []specPatch) (string, error) {
	if len(patches) == 0 {
		return tree, nil
	}
	h := sha256.New()
	io.WriteString(h, tree)
	for _, p := range patches {
		id, err := fileDigest(filepath.Join(dir, filepath.Base(p.file)))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, " %s -p%d", id, p.strip)
	}
	done := filepath.Join(o.Cache, "unpacked", sum(h))
	if _, err := os.Stat(done); err == nil {
		return done, nil
	}
	work, err := os.MkdirTemp(o.Temp, "modkeep-patch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	sandbox := NewSandbox(o.ctx)
	build := filepath.Join(work, "tree")
	if err := errors.Join(os.Chmod(work, 0o755), copyTree(tree, build, sandbox.own)); err != nil {
		return "", err
	}
	top := build // tar files have one directory at their top
	if entries, err := os.ReadDir(build); err == nil && len(entries) == 1 && entries[0].IsDir() {
		top = filepath.Join(build, entries[0].Name())
	}
	for _, p := range patches {
		if err := o.applyPatch(sandbox, top, filepath.Join(dir, filepath.Base(p.file)), p.strip); err != nil {
			return "", fmt.Errorf("%s: %w", p.file, err)
		}
	}
	part, err := os.MkdirTemp(filepath.Dir(done), ".part-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(part)
	whole := filepath.Join(part, "tree")
	if err := copyTree(build, whole, func(string) error { return nil }); err != nil {
		return "", err
	}
	return done, settle(whole, done)
}

func (o *opener) applyPatch(sandbox *Sandbox, dir, file string, strip int) error {
	program := findProgram(o.Path, "patch")
	if program == "" {
		return &MissingError{What: "tool", Text: "program patch is not installed", Install: "patch"}
	}
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	cmd := exec.CommandContext(o.ctx, program, "--batch", "--forward", "--fuzz=0", "-p"+strconv.Itoa(strip))
	cmd.Dir, cmd.Stdin = dir, in
	cmd.Env = []string{"LC_ALL=C", "TMPDIR=" + dir}
	sandbox.confine(cmd)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("the patch does not apply: %s", brief(strings.Join(strings.Fields(string(out)), " ")))
	}
	return nil
}
