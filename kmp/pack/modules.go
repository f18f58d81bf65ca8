package pack

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"modkeep/internal/pattern"
	"modkeep/kernel/release"
	"modkeep/kmp"
	"modkeep/kmp/rpm"
	"modkeep/ko"
	"modkeep/ko/elf"
)

// Module is a module file that goes into a package as it is: signed and
// compressed before.
type Module struct {
	File string // where it is from: its base name is kept; for messages
	Dir  string // below the package's directory: drivers/net; "" is that itself
	Data []byte
}

// moduleFile is the name of a module's file.
var moduleFile = pattern.New(`^[A-Za-z0-9_][A-Za-z0-9_+-]*\.ko(\.gz|\.xz|\.zst)?$`)

// placed is a module with its place in a package and what it says.
type placed struct {
	Module
	at       string // absolute
	name     string
	krel     string
	machine  machine
	licenses []string
	authors  []string
}

// machine is what an ELF file was made for.
type machine struct {
	number uint16
	is64   bool
	little bool
}

// Modules makes the packages of modules: one for each kernel that modules were
// built for. kmod-NAME holds those of one kernel, as its name tells of none: more
// are an error in RHEL's forms.
func Modules(p Product, modules []Module) ([]Built, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	byKernel := map[string][]placed{}
	for _, m := range modules {
		at, err := p.place(m)
		if err != nil {
			return nil, err
		}
		byKernel[at.krel] = append(byKernel[at.krel], at)
	}
	krels := slices.SortedFunc(maps.Keys(byKernel), release.Compare)
	if len(krels) == 0 {
		return nil, errors.New("no modules")
	}
	if len(krels) > 1 && !p.Form.PerKernel() && p.Form != SUSE {
		return nil, fmt.Errorf("modules for %d kernels, %s: kmod-%s is for one", len(krels), strings.Join(krels, " "), p.Name)
	}
	var list []Built
	for _, krel := range krels {
		b, err := p.modules(krel, byKernel[krel])
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, nil
}

// place reads a module and says where it goes.
func (p *Product) place(m Module) (placed, error) {
	at := placed{Module: m}
	base := path.Base(m.File)
	if !moduleFile.MatchString(base) || m.Dir != "" && !plainPath.MatchString(m.Dir) {
		return at, fmt.Errorf("%s: %.60q is no name for a module in a package", m.File, path.Join(m.Dir, base))
	}
	f, err := ko.New(m.File, bytes.NewReader(m.Data), int64(len(m.Data)))
	if err != nil {
		return at, err
	}
	defer f.Close()
	v, ok := f.Info.Vermagic()
	if !ok || v.Release == "" {
		return at, fmt.Errorf("%s: no vermagic that tells what it was built for", m.File)
	}
	if err := checkKernel(v.Release); err != nil {
		return at, fmt.Errorf("%s: %w", m.File, err)
	}
	at.krel, at.name, at.licenses = v.Release, ko.NameFromPath(base), f.Info.All("license")
	at.authors = f.Info.All("author")
	at.machine = machine{f.Machine, f.Is64, f.Order.Uint16([]byte{1, 0}) == 1}
	at.at = path.Join(modulesDir, at.krel, p.directory(), m.Dir, base)
	return at, nil
}

// modules makes the package of one kernel.
func (p *Product) modules(krel string, list []placed) (Built, error) {
	slices.SortFunc(list, func(a, b placed) int { return strings.Compare(a.at, b.at) })
	arch, err := p.arch(list)
	if err != nil {
		return Built{}, err
	}
	pkg := p.start(p.packageName(krel), krel, arch, p.Name+" kernel modules for "+krel)
	pkg.Description = cmp.Or(p.Description, description(p.Name, krel, list))
	pkg.License = cmp.Or(p.License, licenses(list))
	b := Built{Package: pkg, Kernel: krel, Contents: slices.Clone(p.Contents)}
	byName := map[string]string{}
	dirs := map[string]bool{}
	for _, m := range list {
		if other := byName[m.name]; other != "" {
			return Built{}, fmt.Errorf("%s and %s: both are module %s", other, m.File, m.name)
		}
		byName[m.name] = m.File
		b.Modules = append(b.Modules, m.name)
		b.Contents = append(b.Contents, kmp.Content{File: kmp.File{Path: m.at, Mode: 0o644}, Data: m.Data})
		for dir := path.Dir(m.at); len(dir) > len(path.Join(modulesDir, krel)) && !shared(dir, krel); dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	slices.Sort(b.Modules)
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		b.Contents = append(b.Contents, directory(dir))
	}
	if p.Override {
		b.Contents = append(b.Contents, p.override(pkg.Name, krel, list))
	}
	b.Contents = append(b.Contents, p.documents(pkg, copyright(list))...)
	pkg.Scripts = p.moduleScripts(pkg, krel, list)
	pkg.Depends, err = p.dependencies(pkg, krel, list)
	return b, err
}

// shared says whether a directory is one that packages share.
func shared(dir, krel string) bool {
	rel := strings.TrimPrefix(dir, path.Join(modulesDir, krel)+"/")
	return rel == "extra" || rel == "updates"
}

// directory is one that belongs to the package.
func directory(name string) kmp.Content {
	return kmp.Content{File: kmp.File{Path: name, Mode: fs.ModeDir | 0o755}}
}

func description(name, krel string, list []placed) string {
	var b strings.Builder
	fmt.Fprintf(&b, "This package has the %s kernel modules built for the Linux kernel\n%s:\n\n", name, krel)
	for _, m := range list {
		fmt.Fprintf(&b, "  %s\n", m.name)
	}
	return b.String()
}

// licenses joins what the modules say.
func licenses(list []placed) string {
	var all []string
	for _, m := range list {
		all = append(all, m.licenses...)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " and ")
}

// copyright says what the modules say of their authors.
func copyright(list []placed) string {
	var b strings.Builder
	b.WriteString("The kernel modules of this package say of themselves:\n")
	for _, m := range list {
		fmt.Fprintf(&b, "\n%s\n", m.name)
		for _, author := range m.authors {
			fmt.Fprintf(&b, "  Copyright: %s\n", strings.Join(strings.Fields(author), " "))
		}
		for _, license := range m.licenses {
			fmt.Fprintf(&b, "  License: %s\n", strings.Join(strings.Fields(license), " "))
		}
	}
	if strings.Contains(licenses(list), "GPL") {
		b.WriteString("\nThe GNU General Public License is in /usr/share/common-licenses/GPL-2.\n")
	}
	return b.String()
}

// machines are the names of architectures in packages, by what an ELF file
// says.
var machines = map[machine]struct{ rpm, deb string }{
	{elf.EM_X86_64, true, true}:  {"x86_64", "amd64"},
	{elf.EM_386, false, true}:    {"i686", "i386"},
	{elf.EM_AARCH64, true, true}: {"aarch64", "arm64"},
	{elf.EM_ARM, false, true}:    {"armv7hl", "armhf"},
	{elf.EM_PPC64, true, true}:   {"ppc64le", "ppc64el"},
	{elf.EM_PPC64, true, false}:  {"ppc64", "ppc64"},
	{elf.EM_S390, true, false}:   {"s390x", "s390x"},
	{elf.EM_RISCV, true, true}:   {"riscv64", "riscv64"},
	{258, true, true}:            {"loongarch64", "loong64"},
}

// arch returns the architecture that the modules are for.
func (p *Product) arch(list []placed) (string, error) {
	for _, m := range list {
		if m.machine != list[0].machine {
			return "", fmt.Errorf("%s and %s: built for different machines", list[0].File, m.File)
		}
	}
	names, ok := machines[list[0].machine]
	if !ok {
		return "", fmt.Errorf("%s: ELF machine %d: packages have no name for it here", list[0].File, list[0].machine.number)
	}
	if p.Form == Deb {
		return names.deb, nil
	}
	return names.rpm, nil
}

// override makes the file for depmod.d. Of two lines for one module the later
// one goes first: the kernel's own build before a link.
func (p *Product) override(pkg, krel string, list []placed) kmp.Content {
	var b strings.Builder
	fmt.Fprintf(&b, "# The modules of %s go before those of the kernel's own package.\n", pkg)
	for _, m := range list {
		rel := strings.TrimPrefix(path.Dir(m.at), path.Join(modulesDir, krel)+"/")
		if link := p.linkDir(rel); link != "" {
			fmt.Fprintf(&b, "override %s * %s\n", moduleBase(m.at), link)
		}
		fmt.Fprintf(&b, "override %s * %s\n", moduleBase(m.at), rel)
	}
	return kmp.Content{File: kmp.File{Path: "/etc/depmod.d/" + pkg + ".conf", Mode: 0o644, Config: true}, Data: []byte(b.String())}
}

// linkDir is where a link to a module in a directory lies: Red Hat's lose the
// first directory, SUSE's keep it.
func (p *Product) linkDir(rel string) string {
	switch p.Form {
	case SUSE:
		return "weak-updates/" + rel
	case RHEL8, RHEL9:
		_, below, _ := strings.Cut(rel, "/")
		return strings.TrimSuffix("weak-updates/"+below, "/")
	}
	return ""
}

// dependencies returns what a package of modules depends on and provides.
func (p *Product) dependencies(pkg *kmp.Package, krel string, list []placed) ([]kmp.Dependency, error) {
	deps := slices.Clone(p.Depends)
	add := func(d ...kmp.Dependency) { deps = append(deps, d...) }
	pre := func(names ...string) {
		for _, name := range names {
			add(kmp.Dependency{Relation: kmp.Requires, Name: name, Pre: true})
		}
	}
	evr := pkg.EVR()
	switch p.Form {
	case RHEL8, RHEL9:
		add(kmp.Dependency{Relation: kmp.Provides, Name: "kernel-modules", Op: ">=", Version: krel}, exactly(kmp.Provides, p.Name+"-kmod", evr))
		pre("/usr/sbin/depmod", "/usr/sbin/weak-modules")
	case SUSE:
		same := pkg.Name + "-k" + strings.TrimSuffix(krel, "-"+flavor(krel))
		add(exactly(kmp.Provides, p.Name+"-kmp", evr), kmp.Dependency{Relation: kmp.Provides, Name: "multiversion(kernel)"},
			kmp.Dependency{Relation: kmp.Provides, Name: same}, kmp.Dependency{Relation: kmp.Conflicts, Name: same},
			kmp.Dependency{Relation: kmp.Enhances, Name: "kernel-" + flavor(krel)})
		pre("coreutils")
	case Kernel:
		add(exactly(kmp.Requires, "kernel-uname-r", krel), exactly(kmp.Provides, p.Name+"-kmod", evr))
		pre("kmod")
	case Deb:
		image := "linux-image-" + krel
		add(requires(image+" | "+image+"-unsigned | linux-image-unsigned-"+krel), requires("kmod"), exactly(kmp.Provides, debName(p.Name+"-modules"), evr))
		return deps, nil
	}
	generated, err := p.generated(pkg, krel, list)
	return append(deps, generated...), err
}

// generated returns what RPM's dependency generators for modules would.
func (p *Product) generated(pkg *kmp.Package, krel string, list []placed) ([]kmp.Dependency, error) {
	byName := map[string][]byte{}
	for _, m := range list {
		byName[m.at] = m.Data
	}
	names := slices.Sorted(maps.Keys(byName))
	o := rpm.Options{Form: rpm.Form(p.Form), Package: pkg.Name, Symvers: p.Symvers, Symsets: p.Symsets,
		Open: func(name string) (*ko.File, error) {
			return ko.New(name, bytes.NewReader(byName[name]), int64(len(byName[name])))
		}}
	if p.Form == Kernel {
		o.Form = rpm.RHEL9
	}
	var deps []kmp.Dependency
	for _, g := range []struct {
		relation kmp.Relation
		make     func([]string, rpm.Options) ([]rpm.Dependency, error)
	}{{kmp.Provides, rpm.Provides}, {kmp.Requires, rpm.Requires}, {kmp.Supplements, rpm.Supplements}} {
		if g.relation == kmp.Requires && p.NoSymbols {
			continue
		}
		if g.relation == kmp.Requires && p.Symvers == nil && p.Form != SUSE {
			return nil, errors.New("no exports of kernel " + krel + " to tell whose symbols are required")
		}
		made, err := g.make(names, o)
		if err != nil {
			return nil, err
		}
		for _, d := range made {
			op := ""
			if d.Version != "" {
				op = "="
			}
			dep := kmp.Dependency{Relation: g.relation, Name: d.Name, Op: op, Version: d.Version}
			// A package that names its kernel has that kernel's symbols.
			if p.Form == Kernel && g.relation == kmp.Requires && dep.Class() == "kernel" {
				continue
			}
			deps = append(deps, dep)
		}
	}
	return deps, nil
}
