package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"modkeep/depmod"
	"modkeep/kmp"
	"modkeep/kmp/pack"
	"modkeep/pgp"
)

// packFlags are the flags of all that makes packages.
type packFlags struct {
	pgpFlags
	root     string
	form     string
	product  pack.Product
	output   string
	compress string
	dryRun   bool
	json     bool
}

func (f *packFlags) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.pgpFlags.addFlags(flags, "the packages'")
	flags.StringVar(&f.root, "root", "/", "look below `DIR` for os-release and kernels")
	flags.StringVar(&f.form, "form", "auto", "make packages in the `FORM` rhel8, rhel9, suse, kernel or deb; auto is by os-release")
	flags.StringVar(&f.product.Version, "version", "", "the packages are of version `V`")
	flags.StringVar(&f.product.Release, "release", "", "the packages are of release `R` (default 1)")
	flags.StringVar(&f.product.Epoch, "epoch", "", "the packages are of epoch `N`")
	flags.StringVar(&f.product.Summary, "summary", "", "describe the packages in the one line `TEXT`")
	flags.StringVar(&f.product.Description, "description", "", "describe the packages in the lines `TEXT`")
	flags.StringVar(&f.product.License, "license", "", "the packages' licence is `TEXT` (default: what the modules say)")
	flags.StringVar(&f.product.Vendor, "vendor", "", "the packages are of vendor `TEXT`; of a .deb the maintainer, NAME <ADDRESS>")
	flags.StringVar(&f.product.URL, "url", "", "more is found at `URL`")
	flags.StringVarP(&f.output, "output", "o", ".", "write the packages into `DIR`")
	flags.StringVar(&f.compress, "compress", "", "compress what is in the packages with `METHOD`: gzip, xz, zstd or none (default zstd; of a .deb gzip)")
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what would be written, and write nothing")
	addJSONFlag(flags, &f.json)
}

// decide settles what the flags leave open: the form and the date.
func (f *packFlags) decide(cmd *cobra.Command) error {
	form := pack.Form(f.form)
	if form == "auto" {
		text, err := osRelease(f.root)
		var ok bool
		if err == nil {
			if form, ok = pack.FormOf(text); !ok {
				err = fmt.Errorf("os-release below %s names no distribution known here", f.root)
			}
		}
		if err != nil {
			return withHint(fmt.Errorf("cannot tell the form: %w", err), "give --form rhel8, rhel9, suse, kernel or deb")
		}
	}
	if !slices.Contains(pack.Forms, form) {
		return usageErrorf(cmd, "--form %q is not auto, rhel8, rhel9, suse, kernel or deb", f.form)
	}
	f.product.Form = form
	if f.compress == "" && form.Format() == kmp.RPM {
		f.compress = "zstd"
	}
	date, err := dateOf(f.date)
	if err != nil {
		return usageErrorf(cmd, "%w", err)
	}
	f.product.Date = date
	return nil
}

// osRelease reads the os-release file of a root (os-release(5)). The error wraps
// fs.ErrNotExist where there is none.
func osRelease(root string) ([]byte, error) {
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		text, err := depmod.ReadFile(root, name, maxOSRelease)
		if !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
	}
	return nil, fmt.Errorf("no os-release below %s: %w", root, fs.ErrNotExist)
}

// maxOSRelease bounds an os-release file, in bytes.
const maxOSRelease = 1 << 20

// packedReport is one package that was made.
type packedReport struct {
	File    string   `json:"file"`
	Format  string   `json:"format"`
	Name    string   `json:"name"`
	Version string   `json:"version"` // with epoch and release
	Arch    string   `json:"arch"`
	Kernel  string   `json:"kernel,omitempty"`
	Modules []string `json:"modules"`
	Size    int      `json:"size"` // bytes
	Signed  string   `json:"signed,omitempty"`
}

// packReport is what pack and its relatives answer.
type packReport struct {
	Packages []packedReport `json:"packages"`
	Skipped  []string       `json:"skipped"`
}

// finish writes packages and prints what was written.
func (f *packFlags) finish(cmd *cobra.Command, built []pack.Built, skipped []string) error {
	var key *pgp.Key
	if f.key != "" {
		var err error
		if key, err = readSigningKey(f.key, f.passphrase); err != nil {
			return err
		}
	}
	report, err := f.write(built, key)
	if err != nil {
		return err
	}
	report.Skipped = append(report.Skipped, skipped...)
	return f.print(cmd, report, key)
}

// write writes packages. All of them are made before the first one appears under
// its name.
func (f *packFlags) write(built []pack.Built, key *pgp.Key) (packReport, error) {
	files := map[string][]byte{}
	report := packReport{Packages: []packedReport{}, Skipped: []string{}}
	for _, b := range built {
		data, err := f.render(b, key)
		if err != nil {
			return report, fmt.Errorf("cannot make package %s: %w", b.Package.Name, err)
		}
		name := filepath.Join(f.output, b.Package.FileName())
		if _, twice := files[name]; twice {
			return report, fmt.Errorf("cannot make package %s: there are two of that name and version", b.Package.Name)
		}
		files[name] = data
		p := packedReport{File: name, Format: string(b.Package.Format), Name: b.Package.Name, Version: b.Package.EVR(), Arch: b.Package.Arch, Kernel: b.Kernel,
			Modules: append([]string{}, b.Modules...), Size: len(data)}
		if key != nil && b.Package.Format == kmp.RPM {
			p.Signed = key.Fingerprint()
		}
		report.Packages = append(report.Packages, p)
	}
	if !f.dryRun {
		if err := writeWhole(files); err != nil {
			return report, fmt.Errorf("cannot write the packages: %w", err)
		}
	}
	return report, nil
}

func (f *packFlags) render(b pack.Built, key *pgp.Key) ([]byte, error) {
	o := kmp.WriteOptions{Date: f.product.Date, Compression: f.compress}
	if key != nil {
		o.Sign = func(header []byte) ([]byte, error) { return key.Sign(bytes.NewReader(header), o.Date) }
	}
	var out bytes.Buffer
	err := kmp.Write(&out, b.Package, b.Contents, o)
	return out.Bytes(), err
}

func (f *packFlags) print(cmd *cobra.Command, report packReport, key *pgp.Key) error {
	for _, s := range report.Skipped {
		fmt.Fprintf(cmd.ErrOrStderr(), "modkeep: skipped %s\n", s)
	}
	switch {
	case f.product.Form == pack.Deb && key != nil:
		fmt.Fprintln(cmd.ErrOrStderr(), "modkeep: a .deb carries no signature: it is the repository's that apt looks at")
	case f.product.Form != pack.Deb && key == nil:
		fmt.Fprintln(cmd.ErrOrStderr(), "modkeep: not signed: no --key")
	}
	if f.json {
		return writeJSON(cmd.OutOrStdout(), report)
	}
	for _, p := range report.Packages {
		fmt.Fprintln(cmd.OutOrStdout(), p.File)
	}
	return nil
}

// writeWhole writes files so that each has all of its content from the moment it
// has its name, and none has where one could not be written.
func writeWhole(files map[string][]byte) (err error) {
	aside := map[string]string{}
	defer func() {
		for _, name := range aside {
			os.Remove(name)
		}
	}()
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		if at, err := os.Lstat(name); err == nil && at.IsDir() {
			return &fs.PathError{Op: "write", Path: name, Err: syscall.EISDIR}
		}
		aside[name], err = writeBeside(name, 0o644, func(f *os.File) error {
			_, err := f.Write(files[name])
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := os.Rename(aside[name], name); err != nil {
			return err
		}
		delete(aside, name)
	}
	return nil
}

// dependencyOf reads NAME, or NAME OP VERSION.
func dependencyOf(text string) (kmp.Dependency, error) {
	d := kmp.Dependency{Relation: kmp.Requires, Name: text}
	if strings.HasPrefix(text, "(") || strings.Contains(text, "|") {
		return d, nil
	}
	words := strings.Fields(text)
	switch len(words) {
	case 1:
		d.Name = words[0]
	case 3:
		d.Name, d.Op, d.Version = words[0], words[1], words[2]
	default:
		return d, fmt.Errorf("%q is not NAME or NAME OP VERSION", text)
	}
	return d, nil
}

// readModules reads module files, and those below directories, whose places
// there are kept.
func readModules(args []string) ([]pack.Module, error) {
	var list []pack.Module
	total := int64(0)
	add := func(name, dir string, info fs.FileInfo) error {
		if total += info.Size(); total > maxPacked {
			return fmt.Errorf("%s: more than %d bytes of modules", name, int64(maxPacked))
		}
		data, err := readLimited(name, info.Size())
		if err == nil {
			list = append(list, pack.Module{File: name, Dir: dir, Data: data})
		}
		return err
	}
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case err != nil:
			return nil, err
		case info.Mode().IsRegular():
			err = add(arg, "", info)
		case info.IsDir():
			err = filepath.WalkDir(arg, func(name string, entry fs.DirEntry, err error) error {
				if err != nil || !entry.Type().IsRegular() || !depmod.IsModule(name) {
					return err
				}
				info, err := entry.Info()
				if err != nil {
					return err
				}
				rel, err := filepath.Rel(arg, filepath.Dir(name))
				if err != nil {
					return err
				}
				if rel == "." {
					rel = ""
				}
				return add(name, filepath.ToSlash(rel), info)
			})
		default:
			err = fmt.Errorf("%s: not a regular file", arg)
		}
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// readLimited reads a file of at most limit bytes. A pipe is taken too, as a
// shell's <(…) makes it.
func readLimited(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: more than %d bytes", name, limit)
	}
	return data, err
}

// maxPacked bounds the modules of one run, in bytes.
const maxPacked = 2 << 30
