package rpm

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"modkeep/kernel/image"
	"modkeep/ko"
	"modkeep/symvers"
)

// Provides returns what a package with these files provides, in order of name.
// Files that say nothing are passed over. The error joins those of files that
// could not be read; what the others provide is returned with it.
func Provides(files []string, o Options) ([]Dependency, error) {
	p := provider{Options: o}
	var errs []error
	for _, file := range files {
		if err := p.file(file); err != nil {
			errs = append(errs, err)
		}
	}
	if o.Form != SUSE && !o.kernelPackage() {
		p.list = append(p.list, modaliases(p.aliases)...)
	}
	return sorted(p.list), errors.Join(errs...)
}

// Supplements returns the devices for which the package is to be offered: of
// SUSE's form only, and of modules that are not the kernel's own.
func Supplements(files []string, o Options) ([]Dependency, error) {
	if o.Form != SUSE || o.kernelPackage() && !strings.HasSuffix(o.Package, "-extra") && !strings.HasSuffix(o.Package, "-optional") {
		return nil, nil
	}
	var errs []error
	var list []alias
	for _, file := range files {
		if o.kindOf(file) != module || inKernel(o.inPackage(file)) {
			continue
		}
		f, err := o.open(file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		v, _ := f.Info.Vermagic()
		for _, a := range f.Info.Aliases() {
			if encoded := hexEncoded(a); len(encoded) > 2 && strings.Contains(encoded[1:len(encoded)-1], ":") {
				list = append(list, alias{name: "kernel-" + o.flavor(v.Release) + ":" + encoded})
			}
		}
		f.Close()
	}
	return sorted(modaliases(list)), errors.Join(errs...)
}

type provider struct {
	Options
	list    []Dependency
	aliases []alias
}

func (p *provider) add(name, version string) {
	p.list = append(p.list, Dependency{name, version})
}

func (p *provider) file(file string) error {
	switch p.kindOf(file) {
	case module:
		return p.module(file)
	case builtin:
		if p.Form == SUSE { // comes with vmlinux
			return nil
		}
		return p.builtin(file)
	case exports:
		return p.exports(file)
	case vmlinux:
		return p.vmlinux(file)
	}
	return nil
}

func (p *provider) module(file string) error {
	p.add("kmod("+p.kmodName(file)+")", "")
	f, err := p.open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	given, err := f.Exports()
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	open := "ksym("
	switch v, _ := f.Info.Vermagic(); {
	case p.Form == RHEL9 && inKernel(p.inPackage(file)):
		open = "kernel("
	case p.Form == SUSE && v.Release == "" && p.Flavor == "" && len(given) > 0:
		return fmt.Errorf("%s: no vermagic that tells the flavor", file)
	case p.Form == SUSE:
		open = "ksym(" + p.flavor(v.Release) + ":"
	}
	for _, e := range given {
		if e.HasCRC {
			p.add(open+e.Symbol+")", p.crc(uint64(e.CRC)))
		}
	}
	p.modaliases(f)
	return nil
}

// modaliases takes a module's aliases, with its version where it has one.
func (p *provider) modaliases(f *ko.File) {
	version, _ := f.Info.Get("version")
	version = replaced(version, isVersionByte)
	for _, a := range f.Info.Aliases() {
		p.aliases = append(p.aliases, alias{replaced(a, isAliasByte), version})
	}
}

func (p *provider) builtin(file string) error {
	return lines(file, func(line string) { p.add("kmod("+p.kmodName(line)+")", "") })
}

// exports gives a kernel's exports: all of them in RHEL 8, since 9 only
// vmlinux's, as the packages of the modules provide theirs.
func (p *provider) exports(file string) error {
	if p.Form == SUSE {
		return nil
	}
	table, err := symvers.Open(file)
	if err != nil {
		return err
	}
	for _, e := range slices.Concat(table.Exports, table.Duplicates) {
		if p.Form == RHEL8 || e.Module == symvers.Vmlinux {
			p.add("kernel("+e.Symbol+")", p.crc(uint64(e.CRC)))
		}
	}
	return nil
}

// vmlinux gives what SUSE's kernel packages say of their image.
func (p *provider) vmlinux(file string) error {
	krel := release(p.inPackage(file))
	p.add("kernel-uname-r", krel)
	name := path.Join(path.Dir(file), "modules.builtin")
	if strings.HasSuffix(path.Dir(file), "/boot") {
		name = path.Join(path.Dir(path.Dir(file)), "usr/lib/modules", krel, "modules.builtin")
	}
	err := p.builtin(name)
	m, openErr := image.Open(file)
	if openErr != nil {
		return errors.Join(err, openErr)
	}
	defer m.Close()
	table, exportsErr := m.Exports()
	if exportsErr != nil {
		return errors.Join(err, exportsErr)
	}
	for _, e := range table.Exports {
		if e.HasCRC {
			p.add("ksym("+p.flavor(krel)+":"+e.Symbol+")", p.crc(uint64(e.CRC)))
		}
	}
	return err
}

// alias is a device's alias and the version of the module that has it.
type alias struct{ name, version string }

// replaced writes _ for the bytes that keep refuses.
func replaced(s string, keep func(c byte) bool) string {
	b := []byte(s)
	for i, c := range b {
		if !keep(c) {
			b[i] = '_'
		}
	}
	return string(b)
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func isVersionByte(c byte) bool { return isAlphanumeric(c) || c == '.' || c == '_' }

func isAliasByte(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("][._:*?/-", c) >= 0
}

// hexEncoded writes bytes other than letters, digits, * and : as %XX.
func hexEncoded(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; isAlphanumeric(c) || c == '*' || c == ':' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%X", c)
		}
	}
	return b.String()
}

// modaliases returns the dependencies for aliases. Neighbours in order that
// differ in one byte become one with a class of bytes, as a package of network
// drivers has thousands: modalias(pci:v00008086d0000100[EF]…).
func modaliases(list []alias) []Dependency {
	slices.SortFunc(list, func(a, b alias) int {
		return strings.Compare(a.text(), b.text())
	})
	list = slices.Compact(list)
	var found []Dependency
	for len(list) > 0 {
		n, at := run(list)
		name := list[0].name
		if n > 1 {
			class := "["
			for _, a := range list[:n] {
				class += a.name[at : at+1]
			}
			name = name[:at] + class + "]" + name[at+1:]
		}
		found = append(found, Dependency{"modalias(" + name + ")", list[0].version})
		list = list[n:]
	}
	return found
}

// text is what aliases are ordered by.
func (a alias) text() string {
	if a.version == "" {
		return a.name + ")"
	}
	return a.name + ") = " + a.version
}

// run returns how many aliases, from the first on, differ from it in the same
// one byte, and where that is.
func run(list []alias) (n, at int) {
	first := list[0]
	at = -1
	for n = 1; n < len(list); n++ {
		i, ok := differsAt(first.name, list[n].name)
		if !ok || first.version != list[n].version || at >= 0 && i != at {
			break
		}
		at = i
	}
	return n, at
}

// differsAt returns the one byte in which two names differ, unless the first
// has * there.
func differsAt(a, b string) (int, bool) {
	if len(a) != len(b) {
		return 0, false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	return i, i < len(a) && a[i] != '*' && a[i+1:] == b[i+1:]
}
