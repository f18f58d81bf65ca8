package kbuild

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"modkeep/internal/regular"
	"modkeep/kbuild/dkms"
	"modkeep/symvers"
)

// Status says what came of a cell.
type Status string

// The statuses.
const (
	Built    Status = "built"    // now
	Cached   Status = "cached"   // before, by the same inputs
	Failed   Status = "failed"   // now, or before by the same inputs
	Blocked  Status = "blocked"  // a provider of it failed
	Excluded Status = "excluded" // the source says that it is not for this kernel
)

// Module is one that was built.
type Module struct {
	File string // on this machine
	Name string // of the file, without .ko
	Dest string // where it is installed below the kernel's module directory: "extra/foo.ko"
}

// Cell is one source for one kernel, and what came of it.
type Cell struct {
	Source  *Source
	Kernel  *Kernel
	Status  Status
	Modules []Module
	Symvers string        // the table of what the modules export; "" where they export nothing
	Log     string        // file; "" where nothing was run
	Cause   Cause         // of Failed, Blocked and Excluded
	Kind    error         // of Failed without a log: what was missing
	Took    time.Duration // by the clock, of the build; of a cached one that of then
	Notes   []string      // what of the source's wishes is not honoured, what was done otherwise

	conf      *dkms.Conf  // nil for a plain Kbuild directory
	overrides []dkms.Text // of conf, by the administrator
	key       string
	providers []*Cell
	done      bool
}

// Kernel is one to build for.
type Kernel struct {
	Release  string
	Headers  *Headers
	Compiler *Compiler
	Err      error // why nothing can be built for it: a *MissingError most often

	digest  string
	symvers []string // of providers that are installed
}

// read reads what the source says about the kernel.
func (b *builder) read(c *Cell) error {
	h := c.Kernel.Headers
	if !c.Source.DKMS() {
		return nil
	}
	var err error
	if c.overrides, err = b.readOverrides(c); err != nil {
		return err
	}
	texts := []dkms.Text{{Name: filepath.Join(c.Source.Given, "dkms.conf"), Data: c.Source.conf}}
	conf, err := dkms.Read(b.about(h), append(texts, c.overrides...)...)
	if err != nil {
		return err
	}
	c.conf = conf
	for _, n := range conf.Notes {
		c.Notes = append(c.Notes, "dkms.conf: "+n.String())
	}
	return nil
}

// Paths in commands that are replaced when the place of a build is known.
const (
	placeTree    = "/modkeep-dkms-tree"
	placeSources = "/modkeep-source-tree"
	placeHeaders = "/modkeep-kernel/build"

	placeKernelSource = "/modkeep-kernel/source"
)

func (b *builder) about(h *Headers) dkms.Kernel {
	return dkms.Kernel{Release: h.Release, Arch: h.Arch, SourceDir: placeHeaders, Config: h.Config.Values, Tree: placeTree, SourceTree: placeSources, Jobs: b.Jobs,
		Exists: func(name string) bool {
			for _, dir := range append([]string{h.Path(h.Dir)}, h.trees()...) {
				if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
					return true
				}
			}
			return false
		}}
}

// readOverrides reads what the administrator says: dkms(8),
// /etc/dkms/MODULE.conf and its more special forms. One that cannot be read is
// an error: nothing is built by half of what is said.
func (b *builder) readOverrides(c *Cell) (texts []dkms.Text, err error) {
	h, base := c.Kernel.Headers, c.Source.Name
	for _, name := range []string{base, base + "-" + c.Source.Version, base + "-" + c.Source.Version + "-" + h.Release, base + "-" + c.Source.Version + "-" + h.Release + "-" + h.Arch} {
		file := "/etc/dkms/" + name + ".conf"
		data, err := regular.Read(onHost(b.Root, file), maxConf)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		texts = append(texts, dkms.Text{Name: file, Data: data})
	}
	return texts, nil
}

// identify makes the key of a cell in the cache: a sum over all that goes into
// it.
func (b *builder) identify(c *Cell) error {
	source, err := digest(c.Source.Dir, b.memo())
	if err != nil {
		return err
	}
	h := sha256.New()
	fmt.Fprintf(h, "modkeep build 3\nsource %s\ndestination %s\nname %s\n", source, c.Source.DestDir, c.Source)
	for _, t := range c.overrides {
		fmt.Fprintf(h, "override %s %x\n", t.Name, sha256.Sum256(t.Data))
	}
	fmt.Fprintf(h, "kernel %s %s\n", c.Kernel.Release, c.Kernel.digest)
	fmt.Fprintf(h, "compiler %s %s%s\nlinker %s\n", c.Kernel.Compiler.Version, c.Kernel.Compiler.Prefix, c.Kernel.Compiler.Family, b.linker)
	fmt.Fprintf(h, "debugging information %v\n", b.KeepDebug)
	for _, p := range c.providers {
		text, err := exportsOf(p.Symvers)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "provider %s\n%s\n", p.Source.Name, text)
	}
	for _, name := range c.Kernel.symvers {
		text, err := exportsOf(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "installed provider %s\n%s\n", name, text)
	}
	c.key = sum(h)
	return nil
}

// exportsOf are the lines of a table, sorted; "" of no table.
func exportsOf(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	text, err := regular.Read(name, symvers.MaxSize)
	if err != nil {
		return "", err
	}
	list := strings.Split(strings.TrimSpace(string(text)), "\n")
	slices.Sort(list)
	return strings.Join(slices.Compact(list), "\n"), nil
}

// missingModule says that a source did not make a module that it speaks of.
type missingModule struct{ name string }

func (e missingModule) Error() string {
	return fmt.Sprintf("the build made no %s", e.name)
}

// listed are the modules that the build is to make, by their place below it; nil
// where all that come out are meant.
func (c *Cell) listed() []dkms.Module {
	if c.conf == nil || c.conf.Unlisted {
		return nil
	}
	return c.conf.Modules
}

// produced lists what the build made, as dkms.Modules.
func (c *Cell) produced(dir string) ([]dkms.Module, error) {
	if list := c.listed(); list != nil {
		for _, m := range list {
			info, err := os.Lstat(filepath.Join(dir, m.Location, m.Built+".ko"))
			if err != nil || !info.Mode().IsRegular() {
				return nil, missingModule{path.Join(m.Location, m.Built+".ko")}
			}
		}
		return list, c.noteUnlisted(dir, list)
	}
	files, err := filesNamed(dir, ".ko")
	if err != nil {
		return nil, err
	}
	var list []dkms.Module
	seen := map[string]bool{}
	for _, f := range files {
		name := strings.TrimSuffix(path.Base(f), ".ko")
		if seen[name] { // moved copies of the same
			continue
		}
		seen[name] = true
		list = append(list, dkms.Module{Built: name, Location: strings.TrimPrefix(path.Dir(f), "."), Dest: name, DestDir: c.Source.DestDir, Strip: c.conf == nil || c.conf.Strip})
	}
	if len(list) == 0 {
		return nil, missingModule{"module"}
	}
	return list, nil
}

// noteUnlisted names the modules that the build made and that are left out; the
// first of them, as configure scripts make hundreds to try things out.
func (c *Cell) noteUnlisted(dir string, list []dkms.Module) error {
	files, err := filesNamed(dir, ".ko")
	files = slices.DeleteFunc(files, func(f string) bool {
		name := strings.TrimSuffix(path.Base(f), ".ko")
		return slices.ContainsFunc(list, func(m dkms.Module) bool { return m.Built == name || m.Dest == name })
	})
	if len(files) == 0 {
		return err
	}
	text := strings.Join(files[:min(len(files), maxUnlisted)], ", ")
	if more := len(files) - maxUnlisted; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	c.Notes = append(c.Notes, "left out, as dkms.conf does not name them: "+text)
	return err
}

// maxUnlisted is how many of the modules that are left out are named.
const maxUnlisted = 5

// keep copies what the build made into an entry of the cache under way. Names
// are opened inside the build's directory: a link in it leads nowhere else.
func (c *Cell) keep(ctx context.Context, dir, entry string, list []dkms.Module) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, m := range list {
		dest := path.Join(m.DestDir, m.Dest+".ko")
		file := filepath.Join(entry, "modules", dest)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := copyFrom(root, path.Join(m.Location, m.Built+".ko"), file); err != nil {
			return err
		}
		c.Modules = append(c.Modules, Module{File: file, Name: m.Dest, Dest: dest})
	}
	table, err := mergeSymvers(root, dir)
	if err != nil || table == "" {
		return errors.Join(err, ctx.Err())
	}
	c.Symvers = filepath.Join(entry, "Module.symvers")
	return errors.Join(os.WriteFile(c.Symvers, []byte(table), 0o644), ctx.Err())
}

func copyFrom(root *os.Root, name, to string) error {
	in, err := root.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a regular file", name)
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// mergeSymvers joins the tables that the build left, each symbol once, sorted.
func mergeSymvers(root *os.Root, dir string) (string, error) {
	names, err := filesNamed(dir, "Module.symvers")
	if err != nil {
		return "", err
	}
	rows := map[string]string{}
	for _, name := range names {
		text, err := readFrom(root, name, symvers.MaxSize)
		if err != nil {
			return "", err
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Split(strings.TrimRight(line, "\n"), "\t"); len(f) >= 4 && rows[f[1]] == "" {
				rows[f[1]] = strings.TrimRight(line, "\n") + "\n"
			}
		}
	}
	var all []string
	for _, row := range rows {
		all = append(all, strings.ReplaceAll(row, dir+"/", ""))
	}
	slices.Sort(all)
	return strings.Join(all, ""), nil
}

func readFrom(root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if int64(len(text)) > limit {
		err = fmt.Errorf("%s: longer than %d bytes", name, limit)
	}
	return text, err
}
