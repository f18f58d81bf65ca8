package made

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Root is a tree to be written. Its text has a line for each thing; blanks at
// a line's beginning, empty lines and lines that begin with # count for
// nothing. What follows a line "kernel" belongs to that kernel.
//
//	merged                        /lib is a link to usr/lib
//	file PATH TEXT                a file; TEXT may be missing, \n in it ends a line
//	link PATH TARGET              a symbolic link
//	dir PATH                      a directory
//	kernel RELEASE SETTING…       a kernel; see below
//
// and below a kernel, with paths below its module directory:
//
//	vmlinux SYMBOL…               what the image exports, as for a module's needs
//	config NAME=VALUE…            lines of its configuration, without CONFIG_
//	kernel/a.ko …, extra/b.ko …   a module; those below kernel/ are the kernel's own
//	absent kernel/c.ko …          the kernel's own, built and listed, but not installed
//	link PATH TARGET, dir PATH    as above
//
// A kernel's settings, those of a module's build (arch=, flags=, layout=,
// size=) and:
//
//	symvers=boot.gz,module.xz     where its table of exports lies and how packed
//	                              (.gz, .xz, .zst or nothing); none; else boot.gz
//	map=boot, module or none      where System.map lies; else boot
//	bare=yes                      nothing but the modules given: what is left of
//	                              a kernel that was removed
type Root struct {
	Merged  bool
	Kernels []*Kernel
	entries []entry
}

// Kernel is one kernel of a root.
type Kernel struct {
	Build
	Exports []Symbol // of the image
	Config  []string
	Modules []*Module
	Absent  []*Module
	Symvers []string // boot.gz, module.xz, …
	Map     string
	Bare    bool
	entries []entry
}

// entry is one thing of a tree: a directory (path/), a link or a file.
type entry struct {
	path   string
	link   string
	data   []byte
	isLink bool
}

// ParseRoot reads the text of a root. The error names the line.
func ParseRoot(text string) (*Root, error) {
	r := &Root{}
	var k *Kernel
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		next, err := r.line(line, k)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		k = next
	}
	return r, nil
}

// line reads one line; k is the kernel it belongs to, nil before the first. It
// returns the kernel that the next one belongs to.
func (r *Root) line(line string, k *Kernel) (*Kernel, error) {
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	words, err := split(rest)
	if err != nil {
		return nil, err
	}
	switch word {
	case "merged":
		r.Merged = true
	case "kernel":
		k, err = parseKernel(words)
		r.Kernels = append(r.Kernels, k)
	case "file":
		p, data, _ := strings.Cut(rest, " ")
		data = strings.ReplaceAll(strings.TrimSpace(data), `\n`, "\n")
		if data != "" {
			data += "\n"
		}
		r.add(k, entry{path: p, data: []byte(data)})
	case "dir":
		r.add(k, entry{path: rest + "/"})
	case "link":
		if len(words) != 2 {
			return nil, fmt.Errorf("link: not PATH TARGET: %q", rest)
		}
		r.add(k, entry{path: words[0], link: words[1], isLink: true})
	default:
		if k == nil {
			return nil, fmt.Errorf("%q: no kernel before it", word)
		}
		err = k.line(word, line, words)
	}
	return k, err
}

// add gives an entry to the root, or to the kernel below whose module
// directory it stands.
func (r *Root) add(k *Kernel, e entry) {
	if k != nil && !strings.HasPrefix(e.path, "/") {
		k.entries = append(k.entries, e)
		return
	}
	r.entries = append(r.entries, e)
}

func (k *Kernel) line(word, line string, words []string) error {
	switch word {
	case "vmlinux":
		for _, w := range words {
			s, err := ParseSymbol(w)
			if err != nil {
				return err
			}
			k.Exports = append(k.Exports, s)
		}
		return nil
	case "config":
		k.Config = append(k.Config, words...)
		return nil
	case "absent":
		m, err := ParseModule(strings.TrimPrefix(line, "absent "), k.Build)
		k.Absent = append(k.Absent, m)
		return err
	}
	m, err := ParseModule(line, k.Build)
	k.Modules = append(k.Modules, m)
	return err
}

// parseKernel reads what stands behind the word kernel.
func parseKernel(words []string) (*Kernel, error) {
	if len(words) == 0 {
		return nil, fmt.Errorf("kernel: no release")
	}
	k := &Kernel{Build: Default(words[0]), Symvers: []string{"boot.gz"}, Map: "boot"}
	for _, w := range words[1:] {
		key, value, ok := strings.Cut(w, "=")
		switch {
		case !ok:
			return nil, fmt.Errorf("kernel %s: %q is no setting", k.Release, w)
		case key == "symvers" && value == "none":
			k.Symvers = nil
		case key == "symvers":
			k.Symvers = strings.Split(value, ",")
		case key == "map":
			k.Map = value
		case key == "bare":
			k.Bare = value == "yes"
		default:
			if known, err := k.Build.set(key, value); err != nil || !known {
				return nil, fmt.Errorf("kernel %s: setting %q (%v)", k.Release, w, err)
			}
		}
	}
	return k, nil
}

// Write writes the tree into dir, which it creates.
func (r *Root) Write(dir string) error {
	if err := r.skeleton(dir); err != nil {
		return err
	}
	for _, k := range r.Kernels {
		if err := k.write(dir); err != nil {
			return fmt.Errorf("kernel %s: %w", k.Release, err)
		}
	}
	return put(dir, "", r.entries)
}

func (r *Root) skeleton(dir string) error {
	modules := "lib/modules/"
	var merged []entry
	if r.Merged {
		modules = "usr/lib/modules/"
		merged = []entry{{path: "lib", link: "usr/lib", isLink: true}}
	}
	return put(dir, "", append([]entry{{path: modules}, {path: "boot/"}, {path: "etc/depmod.d/"}}, merged...))
}

// Write writes text as a root into dir.
func Write(dir, text string) (*Root, error) {
	r, err := ParseRoot(text)
	if err != nil {
		return nil, err
	}
	return r, r.Write(dir)
}

// Put writes one module more, given as a line, into the tree of a kernel of
// the root: as a package does that is installed later. The kernel's lists and
// exports stay what they are.
func (r *Root) Put(dir, release, line string) error {
	i := slices.IndexFunc(r.Kernels, func(k *Kernel) bool { return k.Release == release })
	if i < 0 {
		return fmt.Errorf("kernel %s is not in the root", release)
	}
	m, err := ParseModule(line, r.Kernels[i].Build)
	if err != nil {
		return err
	}
	data, err := m.File()
	if err != nil {
		return err
	}
	return put(dir, path.Join("lib/modules", release), []entry{{path: m.Path, data: data}})
}

// write writes one kernel into the root dir.
func (k *Kernel) write(dir string) error {
	var files []entry
	for _, m := range k.Modules {
		data, err := m.File()
		if err != nil {
			return err
		}
		files = append(files, entry{path: m.Path, data: data})
	}
	own := path.Join("lib/modules", k.Release)
	if err := put(dir, own, append(files, k.entries...)); err != nil || k.Bare {
		return err
	}
	if err := put(dir, own, k.lists()); err != nil {
		return err
	}
	rest, err := k.beside()
	if err != nil {
		return err
	}
	return put(dir, "", rest)
}

// inTree returns the kernel's own modules, installed or not, by their paths.
func (k *Kernel) inTree() []*Module {
	var own []*Module
	for _, m := range append(slices.Clone(k.Modules), k.Absent...) {
		if strings.HasPrefix(m.Path, "kernel/") {
			own = append(own, m)
		}
	}
	slices.SortStableFunc(own, func(a, b *Module) int { return strings.Compare(a.Path, b.Path) })
	return own
}

// lists are the files that the kernel's build leaves in the module directory.
func (k *Kernel) lists() []entry {
	var order strings.Builder
	for _, m := range k.inTree() {
		fmt.Fprintln(&order, strings.TrimSuffix(m.Path, Suffix(m.Path))+".ko")
	}
	return []entry{
		{path: "kernel/"},
		{path: "modules.order", data: []byte(order.String())},
		{path: "modules.builtin"},
		{path: "modules.builtin.modinfo"},
	}
}

// beside are the kernel's files that stand in /boot or, by its settings, in
// the module directory: configuration, System.map, exports.
func (k *Kernel) beside() ([]entry, error) {
	files := []entry{{path: "boot/config-" + k.Release, data: []byte(k.config())}}
	switch k.Map {
	case "boot":
		files = append(files, entry{path: "boot/System.map-" + k.Release, data: []byte(k.systemMap())})
	case "module":
		files = append(files, entry{path: "lib/modules/" + k.Release + "/System.map", data: []byte(k.systemMap())})
	}
	for _, where := range k.Symvers {
		place, suffix, packed := strings.Cut(where, ".")
		if packed {
			suffix = "." + suffix
		}
		name := "boot/symvers-" + k.Release + suffix
		if place == "module" {
			name = "lib/modules/" + k.Release + "/symvers" + suffix
		}
		data, err := Pack(name, []byte(k.Table()))
		if err != nil {
			return nil, err
		}
		files = append(files, entry{path: name, data: data})
	}
	return files, nil
}

// exports are those of the image, module_layout among them.
func (k *Kernel) exports() []Symbol {
	list := slices.Clone(k.Exports)
	if !slices.ContainsFunc(list, func(s Symbol) bool { return s.Name == "module_layout" }) {
		list = append(list, Symbol{Name: "module_layout", CRC: k.Layout, Versioned: true})
	}
	slices.SortFunc(list, func(a, b Symbol) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Table is the kernel's Module.symvers: image and own modules.
func (k *Kernel) Table() string {
	var b strings.Builder
	row := func(s Symbol, module string) {
		macro := "EXPORT_SYMBOL"
		if s.GPL {
			macro += "_GPL"
		}
		fmt.Fprintf(&b, "0x%08x\t%s\t%s\t%s", s.CRC, s.Name, module, macro)
		if k.version() >= 504 {
			fmt.Fprintf(&b, "\t%s", s.Namespace)
		}
		fmt.Fprintln(&b)
	}
	for _, s := range k.exports() {
		row(s, "vmlinux")
	}
	for _, m := range k.inTree() {
		for _, s := range m.Exports {
			row(s, strings.TrimSuffix(strings.TrimPrefix(m.Path, "kernel/"), Suffix(m.Path)))
		}
	}
	return b.String()
}

// systemMap is a System.map with what depmod -F looks for.
func (k *Kernel) systemMap() string {
	var b strings.Builder
	for i, s := range k.exports() {
		fmt.Fprintf(&b, "ffffffff81%06x T %s\n", 16*i, s.Name)
	}
	for i, s := range k.exports() {
		table := "__ksymtab_"
		fmt.Fprintf(&b, "ffffffff82%06x r %s%s\n", 12*i, table, s.Name)
	}
	return b.String()
}

// config is a configuration that agrees with the vermagic.
func (k *Kernel) config() string {
	var b strings.Builder
	fmt.Fprintf(&b, "#\n# Automatically generated file; DO NOT EDIT.\n# Linux/%s %s Kernel Configuration\n#\n", k.Arch, k.Release)
	b.WriteString("CONFIG_MODULES=y\nCONFIG_MODULE_UNLOAD=y\n")
	for _, word := range strings.Fields(k.Flags) {
		if option := map[string]string{"SMP": "SMP", "preempt": "PREEMPT", "preempt_rt": "PREEMPT_RT", "modversions": "MODVERSIONS"}[word]; option != "" {
			fmt.Fprintf(&b, "CONFIG_%s=y\n", option)
		}
	}
	for _, c := range k.Config {
		fmt.Fprintf(&b, "CONFIG_%s\n", c)
	}
	return b.String()
}

// put writes entries below dir/below, with the directories they need.
func put(dir, below string, entries []entry) error {
	for _, e := range entries {
		if err := putOne(filepath.Join(dir, below, e.path), e); err != nil {
			return err
		}
	}
	return nil
}

func putOne(name string, e entry) error {
	if strings.HasSuffix(e.path, "/") {
		return os.MkdirAll(name, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if e.isLink {
		return os.Symlink(e.link, name)
	}
	if err := os.WriteFile(name+".new", e.data, fs.FileMode(0o644)); err != nil {
		return err
	}
	return os.Rename(name+".new", name) // as packages do: who has it open keeps the old one
}
