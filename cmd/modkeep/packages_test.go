package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
)

// The tests of this file run real package managers on real packages, in a root
// that has nothing but a shell, depmod and modkeep.

// bareRoot is a root that packages are installed into.
type bareRoot struct {
	t     *testing.T
	dir   string
	build string // where packages are made
	// asRoot begins command lines where the tests are not run by root.
	asRoot []string
}

// builtDir is what builtModkeep leaves behind.
var builtDir string

// cleaning runs the tests and removes what was built once for all of them.
type cleaning struct{ *testing.M }

func (c cleaning) Run() int {
	defer func() {
		if builtDir != "" {
			os.RemoveAll(builtDir)
		}
	}()
	return c.M.Run()
}

// builtModkeep is modkeep as it is shipped, built once for all tests.
var builtModkeep = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "modkeep-test-")
	if err != nil {
		return "", err
	}
	builtDir = dir
	name := filepath.Join(dir, "modkeep")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", name, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return name, nil
})

// newBareRoot makes a root; what is not on this machine and needed by name is
// a reason to skip. text is of made's form.
func newBareRoot(t *testing.T, text string, tools ...string) *bareRoot {
	t.Helper()
	for _, name := range append([]string{"busybox", "depmod", "ldd", "chroot", "cp"}, tools...) {
		oracle.Tool(t, name)
	}
	r := &bareRoot{t: t, dir: t.TempDir(), build: t.TempDir()}
	if os.Getuid() != 0 {
		// chroot(2) is for root, or for who is root in a user namespace.
		r.asRoot = []string{"unshare", "--map-root-user"}
		if out, err := r.try("true"); err != nil {
			oracle.Missing(t, "not root, and unshare: %v: %s", err, out)
		}
	}
	if _, err := made.Write(r.dir, text); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"usr/bin", "usr/sbin", "usr/lib64", "tmp", "run", "dev", "var/lib/rpm", "var/tmp", "root"} {
		r.must(os.MkdirAll(filepath.Join(r.dir, dir), 0o755))
	}
	for _, name := range []string{"bin", "sbin", "lib64"} {
		r.must(os.Symlink("usr/"+name, filepath.Join(r.dir, name)))
	}
	r.must(os.WriteFile(filepath.Join(r.dir, "dev/null"), nil, 0o666))
	modkeep, err := builtModkeep()
	r.must(err)
	r.copy(modkeep, "usr/bin/modkeep")
	r.copyProgram("busybox")
	for _, applet := range []string{"sh", "find", "cat", "rm", "mkdir", "rmdir", "grep", "ls", "test", "true", "sort", "sed", "touch", "mv", "ln"} {
		r.must(os.Symlink("busybox", filepath.Join(r.dir, "usr/bin", applet)))
	}
	r.copyProgram("depmod")
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", r.dir).Run() })
	return r
}

func (r *bareRoot) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// path is where something inside the root is on this machine.
func (r *bareRoot) path(inside string) string { return filepath.Join(r.dir, inside) }

func (r *bareRoot) copy(from, to string) {
	r.t.Helper()
	if _, err := os.Lstat(r.path(to)); err == nil {
		return
	}
	r.must(os.MkdirAll(filepath.Dir(r.path(to)), 0o755))
	r.must(copyFile(from, r.path(to)))
	r.must(os.Chmod(r.path(to), 0o755))
}

// copyProgram puts a program of this machine into the root, with the
// libraries it needs.
func (r *bareRoot) copyProgram(name string) {
	r.t.Helper()
	file, err := exec.LookPath(name)
	r.must(err)
	r.copyLinked(file)
}

var libraryPath = regexp.MustCompile(`(/\S+) \(0x`)

func (r *bareRoot) copyLinked(file string) {
	r.t.Helper()
	real, err := filepath.EvalSymlinks(file)
	r.must(err)
	to := file
	if !strings.HasPrefix(to, "/usr/") {
		to = "/usr" + to
	}
	r.copy(real, to)
	out, _ := exec.Command("ldd", real).Output() // fails for static programs
	for _, found := range libraryPath.FindAllStringSubmatch(string(out), -1) {
		r.copy(found[1], found[1])
	}
}

// run runs a program and returns what it printed; that it fails is an error of
// the test.
func (r *bareRoot) run(name string, args ...string) string {
	r.t.Helper()
	out, err := r.try(name, args...)
	if err != nil {
		r.t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func (r *bareRoot) command(name string, args ...string) *exec.Cmd {
	argv := slices.Concat(r.asRoot, []string{name}, args)
	return exec.Command(argv[0], argv[1:]...)
}

func (r *bareRoot) try(name string, args ...string) (string, error) {
	cmd := r.command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TMPDIR=/tmp", "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// inside runs a program of the root in the root.
func (r *bareRoot) inside(args ...string) string {
	r.t.Helper()
	return r.run("chroot", append([]string{r.dir}, args...)...)
}

// state describes what stands below weak-updates of every kernel, and what
// modules.dep says of modules that are not the kernel's own.
func (r *bareRoot) state() []string {
	r.t.Helper()
	lines := []string{}
	kernels, err := os.ReadDir(r.path("usr/lib/modules"))
	r.must(err)
	for _, k := range kernels {
		lines = append(lines, r.links(k.Name())...)
		text, err := os.ReadFile(r.path("usr/lib/modules/" + k.Name() + "/modules.dep"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "kernel/") {
				lines = append(lines, k.Name()+" dep "+strings.TrimSpace(line))
			}
		}
		r.indexHolds(k.Name(), string(text))
	}
	return lines
}

func (r *bareRoot) links(krel string) (lines []string) {
	top := r.path("usr/lib/modules/" + krel + "/weak-updates")
	filepath.WalkDir(top, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			target, _ := os.Readlink(name)
			lines = append(lines, fmt.Sprintf("%s link %s -> %s", krel, strings.TrimPrefix(name, top+"/"), target))
			at := r.path(target)
			if !filepath.IsAbs(target) {
				at = name
			}
			if _, err := os.Stat(at); err != nil {
				r.t.Errorf("link %s dangles: %v", name, err)
			}
		}
		return nil
	})
	return lines
}

// indexHolds compares a kernel's modules.dep with what depmod would write now.
func (r *bareRoot) indexHolds(krel, have string) {
	r.t.Helper()
	out, err := r.command("chroot", r.dir, "/usr/sbin/depmod", "-n", krel).Output()
	r.must(err)
	want, _, _ := strings.Cut(string(out), "# Aliases")
	if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(have)); diff != "" {
		r.t.Errorf("%s: modules.dep is stale (-want +got):\n%s", krel, diff)
	}
}

// expect compares the state with lines; blanks at a line's beginning do not
// count.
func (r *bareRoot) expect(step string, want string) {
	r.t.Helper()
	lines := []string{}
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	got := r.state()
	slices.Sort(lines)
	slices.Sort(got)
	if diff := cmp.Diff(lines, got); diff != "" {
		r.t.Fatalf("after %s (-want +got):\n%s", step, diff)
	}
}

// dump describes the root but for what is below the paths except.
func (r *bareRoot) dump(except ...string) string {
	r.t.Helper()
	text, err := made.Dump(r.dir, except...)
	r.must(err)
	return text
}

func diffLines(want, got string) string {
	return cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
}

// said fails the test where an output is without a line.
func said(t *testing.T, out, line string) {
	t.Helper()
	if !slices.Contains(strings.Split(out, "\n"), line) {
		t.Errorf("not said: %s\nbut:\n%s", line, out)
	}
}

// The kernels of the packages. The second has another CRC for one symbol, and
// more of the rest.
const (
	k1 = "5.14.0-70.el9.x86_64"
	k2 = "5.14.0-162.el9.x86_64"
	k3 = "5.14.0-284.el9.x86_64"

	kernelOne = "kernel " + k1 + `
		vmlinux printk@a kfree@b moved@c
		kernel/drivers/net/core.ko printk@a +core_do@1
		dir weak-updates`
	kernelTwo = "kernel " + k2 + `
		vmlinux printk@a kfree@b moved@d
		kernel/drivers/net/core.ko printk@a +core_do@1
		dir weak-updates`
	kernelThree = "kernel " + k3 + `
		vmlinux printk@a kfree@b moved@c
		kernel/drivers/net/core.ko printk@a +core_do@1
		dir weak-updates`

	el9 = `merged
		file /etc/os-release ID="rocky"\nID_LIKE="rhel centos fedora"
		file /etc/depmod.d/dist.conf search updates extra built-in weak-updates`
)

// kmod is the text of a package's module, built for the first kernel.
func kmod(line string) string { return "kernel " + k1 + " bare=yes\n" + line }

// payload writes a package's files into a new directory and lists them.
func (r *bareRoot) payload(text string) (dir string, files []string) {
	r.t.Helper()
	dir, err := os.MkdirTemp(r.build, "payload-")
	r.must(err)
	if text == "" {
		return dir, nil
	}
	_, err = made.Write(dir, text)
	r.must(err)
	r.must(filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		inside := strings.TrimPrefix(name, dir)
		switch {
		case err == nil && !entry.IsDir():
			files = append(files, inside)
		case strings.Count(inside, "/") == 3 && text[:6] == "kernel" && !strings.Contains(text, "bare=yes"),
			strings.Count(inside, "/") > 3 && strings.HasPrefix(inside, "/lib/modules/"):
			files = append(files, "%dir "+inside)
		}
		return err
	}))
	return dir, files
}
