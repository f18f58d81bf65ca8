package kbuild

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"modkeep/internal/regular"
	"modkeep/kbuild/dkms"
)

// maxLog bounds what a build may say.
const maxLog = 64 << 20

// place is where one cell is built.
type place struct {
	dir     string // all of it
	build   string // the copy of the source
	headers string // the build directory of the kernel; "source" beside it leads to the kernel's sources
	tree    string // $dkms_tree: NAME/VERSION/build
	sources string // $source_tree: NAME-VERSION
}

// newPlace copies the source, and makes the rest of what dkms would have around
// it: the providers' sources too.
func (b *builder) newPlace(c *Cell) (*place, error) {
	dir, err := os.MkdirTemp(b.Temp, "modkeep-build-")
	if err != nil {
		return nil, err
	}
	version := c.Source.Version
	if version == "" {
		version = "0"
	}
	p := &place{dir: dir, headers: filepath.Join(dir, "kernel", "build"), tree: filepath.Join(dir, "dkms"), sources: filepath.Join(dir, "src")}
	p.build = filepath.Join(p.tree, c.Source.Name, version, "build")
	err = errors.Join(os.Chmod(dir, 0o755), b.sandbox.own(dir), p.shims(c))
	for _, d := range []string{"tmp", "home", "dkms", "src", filepath.Join("dkms", c.Source.Name), filepath.Join("dkms", c.Source.Name, version)} {
		err = errors.Join(err, os.Mkdir(filepath.Join(dir, d), 0o755), b.sandbox.own(filepath.Join(dir, d)))
	}
	err = errors.Join(err, copyTree(c.Source.Dir, p.build, b.sandbox.own))
	err = errors.Join(err, os.Mkdir(filepath.Dir(p.headers), 0o755), c.Kernel.Headers.farm(p.headers), os.Symlink(c.Kernel.Headers.source(), p.source()))
	err = errors.Join(err, os.Symlink(p.build, filepath.Join(p.sources, c.Source.String())))
	for _, provider := range c.providers {
		s := provider.Source
		nested := filepath.Join(p.tree, s.Name, s.Version)
		err = errors.Join(err, os.MkdirAll(nested, 0o755), os.Symlink(s.Dir, filepath.Join(nested, "build")), os.Symlink(s.Dir, filepath.Join(p.sources, s.String())))
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return p, nil
}

// shims makes a uname for makefiles that build for whichever kernel runs.
func (p *place) shims(c *Cell) error {
	bin := filepath.Join(p.dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return err
	}
	script := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in\n-r) echo '%s' ;;\n-m) echo '%s' ;;\n*) PATH=${PATH#*:} exec uname \"$@\" ;;\nesac\n", c.Kernel.Release, c.Kernel.Headers.Arch)
	return os.WriteFile(filepath.Join(bin, "uname"), []byte(script), 0o755)
}

// expand puts the paths of the place into a command. What would be found by the
// running machine's module directory is found in the place too.
func (p *place) expand(command, krel string) string {
	return strings.NewReplacer(placeTree, p.tree, placeSources, p.sources, placeHeaders, p.headers,
		"/lib/modules/"+krel+"/build", p.headers, placeKernelSource, p.source(), "/lib/modules/"+krel+"/source", p.source()).Replace(command)
}

func (p *place) source() string { return filepath.Join(filepath.Dir(p.headers), "source") }

// headersVariables are the names by which makefiles of modules are told where
// the kernel's headers are.
var headersVariables = []string{"KDIR", "KERNELDIR", "KERNEL_DIR", "KSRC", "KERNEL_SRC", "KERNEL_TREE", "KERNELSRC", "KERNEL_SOURCE_DIR", "SYSOUT"}

// kernelVariables tell makefiles where the kernel is: SYSSRC is where NVIDIA's
// look for the sources, KBASE Broadcom's name of the module directory.
func (p *place) kernelVariables() []string {
	list := []string{"SYSSRC=" + p.source(), "KBASE=" + filepath.Dir(p.headers)}
	for _, name := range headersVariables {
		list = append(list, name+"="+p.headers)
	}
	return list
}

// environment is all that a build is told by variables.
func (b *builder) environment(c *Cell, p *place) []string {
	h := c.Kernel.Headers
	compiler := c.Kernel.Compiler.variables()
	// Paths of this machine do not belong in modules.
	maps := c.prefixMaps(p)
	env := []string{
		"PATH=" + filepath.Join(p.dir, "bin") + ":" + strings.Join(b.Path, ":"),
		"LC_ALL=C", "TZ=UTC", "HOME=" + filepath.Join(p.dir, "home"), "TMPDIR=" + filepath.Join(p.dir, "tmp"),
		"MAKEFLAGS=" + b.jobs.flags() + " -- " + strings.Join(slices.Concat(compiler, p.kernelVariables()), " "),
		"KCFLAGS=" + maps, "KAFLAGS=" + maps,
		"SOURCE_DATE_EPOCH=0", "KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 1970", "KBUILD_BUILD_USER=modkeep", "KBUILD_BUILD_HOST=modkeep",
		"kernelver=" + h.Release, "kernel_source_dir=" + p.headers, "arch=" + h.Arch, "dkms_tree=" + p.tree, "source_tree=" + p.sources,
		"PACKAGE_NAME=" + c.Source.Name, "PACKAGE_VERSION=" + c.Source.Version, fmt.Sprintf("parallel_jobs=%d", b.Jobs),
	}
	env = append(env, compiler...)
	for _, a := range arches {
		if a.machine == h.Arch && !RunsHere(h.Arch) {
			env = append(env, "ARCH="+a.arch)
		}
	}
	if tables := c.tables(); len(tables) > 0 {
		env = append(env, "KBUILD_EXTRA_SYMBOLS="+strings.Join(tables, " "))
	}
	return env
}

// prefixMaps are the compiler's options that keep the paths of this machine out
// of what it makes. Those before gcc 8 know one for debugging information only.
func (c *Cell) prefixMaps(p *place) string {
	h, option := c.Kernel.Headers, "-ffile-prefix-map="
	if c.Kernel.Compiler.Family == "gcc" && c.Kernel.Compiler.Major < 8 {
		option = "-fdebug-prefix-map="
	}
	headers := "/usr/src/linux-headers-" + h.Release
	maps := []string{p.build + "=/usr/src/" + c.Source.String(), p.headers + "=" + headers, p.source() + "=" + headers}
	if root := strings.TrimRight(h.Root, "/"); root != "" {
		maps = append(maps, root+"/=/")
	}
	return option + strings.Join(maps, " "+option)
}

// tables are the exports of the cell's providers.
func (c *Cell) tables() []string {
	var list []string
	for _, p := range c.providers {
		if p.Symvers != "" {
			list = append(list, p.Symvers)
		}
	}
	return append(list, c.Kernel.symvers...)
}

// commands are what the build runs, in the copy of the source.
func (c *Cell) commands(p *place) []string {
	krel := c.Kernel.Release
	usual := "make -C " + p.headers + " M=" + p.build
	if c.conf == nil {
		return []string{usual + " modules"}
	}
	var list []string
	for _, name := range c.conf.Patches {
		list = append(list, "patch -p1 < "+shellQuote("patches/"+name))
	}
	if strings.TrimSpace(c.conf.PreBuild) != "" {
		// For dkms the ends of lines are blanks in it.
		script := strings.Join(strings.Fields(c.conf.PreBuild), " ")
		list = append(list, "./"+strings.TrimPrefix(p.expand(script, krel), "./"))
	}
	command := c.conf.Make
	if command == "" {
		command = usual
	}
	// dkms tells make the kernel's release, if the command begins with make.
	if rest, ok := strings.CutPrefix(command, "make"); ok {
		command = "make KERNELRELEASE=" + krel + rest
	}
	return append(list, p.expand(command, krel))
}

func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// compile builds a cell in a place of its own and fills part with what came of
// it. An error means that the build failed, or could not be run.
func (b *builder) compile(ctx context.Context, c *Cell, part string) error {
	p, err := b.newPlace(c)
	if err != nil {
		return err
	}
	if !b.KeepWork {
		defer os.RemoveAll(p.dir)
	} else {
		c.Notes = append(c.Notes, "built in "+p.dir)
	}
	file, err := os.Create(filepath.Join(part, "build.log"))
	if err != nil {
		return err
	}
	defer file.Close()
	log := &boundedWriter{w: file, left: maxLog}
	b.preface(log, c)
	ctx, cancel := context.WithTimeout(ctx, b.Timeout)
	defer cancel()
	for _, command := range c.commands(p) {
		if err := b.shell(ctx, c, p, log, command); err != nil {
			return b.explain(ctx, err, file.Name(), c, p)
		}
	}
	list, err := c.produced(p.build)
	if err != nil {
		return b.explain(ctx, err, file.Name(), c, p)
	}
	if command := b.stripCommand(c, list); command != "" {
		if err := b.shell(ctx, c, p, log, command); err != nil {
			return b.explain(ctx, err, file.Name(), c, p)
		}
	}
	return c.keep(ctx, p.build, part, list)
}

// preface writes into a log what the build is of.
func (b *builder) preface(w io.Writer, c *Cell) {
	fmt.Fprintf(w, "# %s for kernel %s\n# headers: %s\n# compiler: %s\n# sandbox: %s\n", c.Source, c.Kernel.Release, c.Kernel.Headers.Source, c.Kernel.Compiler, b.sandbox)
	for _, p := range c.providers {
		fmt.Fprintf(w, "# uses what %s exports\n", p.Source)
	}
	for _, n := range c.Notes {
		fmt.Fprintf(w, "# %s\n", n)
	}
}

// stripCommand removes debugging information from modules that want it.
func (b *builder) stripCommand(c *Cell, list []dkms.Module) string {
	if b.KeepDebug {
		return ""
	}
	var files []string
	for _, m := range list {
		if m.Strip {
			files = append(files, shellQuote(filepath.Join(m.Location, m.Built+".ko")))
		}
	}
	if len(files) == 0 {
		return ""
	}
	slices.Sort(files)
	name := c.Kernel.Compiler.Prefix + "strip"
	if c.Kernel.Compiler.Family == "clang" {
		name = strings.Replace(filepath.Base(c.Kernel.Compiler.Path), "clang", "llvm-strip", 1)
	}
	return name + " -g " + strings.Join(slices.Compact(files), " ")
}

// shell runs one command of a build. bash runs it where there is one, as dkms's
// commands expect.
func (b *builder) shell(ctx context.Context, c *Cell, p *place, log io.Writer, command string) error {
	fmt.Fprintf(log, "$ %s\n", command)
	cmd := exec.CommandContext(ctx, b.shellPath, "-c", command)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.build, log, log
	cmd.Env = append(b.environment(c, p), "PWD="+p.build)
	ends, err := b.jobs.files()
	if err != nil {
		return err
	}
	defer func() {
		for _, f := range ends {
			f.Close()
		}
	}()
	cmd.ExtraFiles = ends
	cmd.WaitDelay = 5 * time.Second
	b.sandbox.confine(cmd)
	err = cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // something kept the log open
		err = nil
	}
	return err
}

// failure is a build that ran and failed.
type failure struct{ Cause }

func (f failure) Error() string { return f.Text }

// explain makes an error of a build its cause.
func (b *builder) explain(ctx context.Context, err error, log string, c *Cell, p *place) error {
	if ctx.Err() == context.DeadlineExceeded {
		return failure{Cause{Text: fmt.Sprintf("the build took longer than %v and was ended", b.Timeout), passing: true}}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	text, readErr := regular.Read(log, maxLog+4096)
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	cause := FindCause(text, c.Kernel.Release, p.build)
	var none missingModule
	if errors.As(err, &none) && !strings.Contains(cause.Text, ": ") {
		cause = Cause{Text: none.Error()}
	}
	return failure{cause}
}

// boundedWriter drops what comes after so many bytes.
type boundedWriter struct {
	w    io.Writer
	left int
}

func (b *boundedWriter) Write(p []byte) (int, error) {
	n := len(p)
	if len(p) > b.left {
		p = p[:b.left]
	}
	b.left -= len(p)
	if len(p) > 0 {
		if _, err := b.w.Write(p); err != nil {
			return 0, err
		}
	}
	return n, nil
}
