// Package dkms reads dkms.conf, the file by which a source package says how its
// kernel modules are built (dkms(8), version 3.0 and later).
//
// For dkms the file is a bash script that it sources as root. Here nothing of
// it is run. Assignments, parameter expansion, arithmetic, if, case, tests, and
// echo, sed, grep and sort in the forms that real files use are evaluated by
// this package; any other command is noted, and what depends on its outcome is
// unknown. A key that the build needs and that is unknown is an error that names
// the line; one that it can do without is noted. So every key is honoured, or
// it is named as one that is not.
//
// Commands (MAKE, PRE_BUILD) are texts for a shell. Who builds runs
// them, where that can do no harm; what the file left to be expanded then
// (\$kernelver) is in them still.
package dkms

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"modkeep/internal/pattern"
	"modkeep/kernel/release"
)

// Kernel is what a file may ask about the kernel that it is read for.
type Kernel struct {
	Release   string            // $kernelver
	Arch      string            // $arch, as uname -m prints it
	SourceDir string            // $kernel_source_dir; the sources are beside it, as "source"
	Config    map[string]string // options without CONFIG_; nil where not known
	// Exists says whether a path below SourceDir, or below the sources, is
	// there; nil where that is not known.
	Exists func(name string) bool
	// Tree and SourceTree are $dkms_tree and $source_tree; Jobs is $parallel_jobs.
	Tree, SourceTree string
	Jobs             int
}

// Text is one file; of several the later ones override the earlier ones, as
// those in /etc/dkms do.
type Text struct {
	Name string // for messages
	Data []byte
}

// Conf is what a file says for one kernel.
type Conf struct {
	Name, Version string
	// Modules are what the build makes. Where the file does not tell without
	// being run, Unlisted is set: whatever modules come out are meant.
	Modules     []Module
	Unlisted    bool
	Make        string   // the command of the build; "" for the usual one
	Patches     []string // file names below patches/, in their order
	PreBuild    string   // a script of the source with its arguments, before Make
	Depends     []string // BUILD_DEPENDS: packages to be built before
	Excluded    string   // why this kernel is not built for; "" where it is
	AutoInstall bool
	NoWeak      bool   // NO_WEAK_MODULES
	Strip       bool   // of modules that are not listed
	Notes       []Note // what is not honoured
}

// Module is one BUILT_MODULE_NAME.
type Module struct {
	Built    string // file name without .ko
	Location string // its directory below the source, "" for the top
	Dest     string // file name without .ko where it is installed
	DestDir  string // below the kernel's module directory: "updates/dkms", "extra"
	Strip    bool   // of debugging information
}

// Note is something in a file that is not honoured.
type Note struct {
	Line int // 0 where it is about no line
	Text string
}

func (n Note) String() string {
	if n.Line == 0 {
		return n.Text
	}
	return fmt.Sprintf("line %d: %s", n.Line, n.Text)
}

// Read reads the texts for a kernel. An error names the file and the line; it
// means that building by this file would not do what it says.
func Read(k Kernel, texts ...Text) (*Conf, error) {
	c := &Conf{}
	return c, evaluate(k, texts, func(in *interpreter) error { return in.conf(c) })
}

// Identify reads no more than the names: PACKAGE_NAME, PACKAGE_VERSION and
// BUILD_DEPENDS, which do not depend on a kernel.
func Identify(t Text) (*Conf, error) {
	c := &Conf{}
	return c, evaluate(Kernel{}, []Text{t}, func(in *interpreter) error {
		if err := in.names(c); err != nil {
			return err
		}
		return in.depends(c)
	})
}

// evaluate reads texts and has their variables looked at.
func evaluate(k Kernel, texts []Text, take func(in *interpreter) error) (err error) {
	in := &interpreter{kernel: &k, overrides: texts[min(1, len(texts)):], vars: map[string]variable{}, lost: map[string]string{}, at: map[string]int{}}
	name := "dkms.conf"
	defer func() {
		if p := recover(); p != nil {
			limit, ok := p.(limitError)
			if !ok {
				panic(p)
			}
			err = fmt.Errorf("%s: %w", name, limit)
		}
	}()
	in.given(k)
	for _, t := range slices.Backward(texts) {
		name = t.Name // of the first one in the end
	}
	for _, t := range texts {
		l, err := parse(string(t.Data))
		if err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		in.ended = false
		in.list(l)
	}
	if err := take(in); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// given sets the variables that dkms sets (dkms(8), DKMS.CONF).
func (in *interpreter) given(k Kernel) {
	for name, text := range map[string]string{"kernelver": k.Release, "arch": k.Arch, "kernel_source_dir": k.SourceDir,
		"dkms_tree": k.Tree, "source_tree": k.SourceTree, "parallel_jobs": fmt.Sprint(k.Jobs)} {
		in.set(name, 0, value{text: text})
	}
}

// conf takes the keys out of the variables.
func (in *interpreter) conf(c *Conf) error {
	if err := in.names(c); err != nil {
		return err
	}
	in.set("module", 0, value{text: c.Name})
	in.set("module_version", 0, value{text: c.Version})
	for _, step := range []func(*Conf) error{in.commands, in.modules, in.patches, in.depends} {
		if err := step(c); err != nil {
			return err
		}
	}
	in.exclusive(c)
	c.AutoInstall = strings.HasPrefix(strings.ToLower(in.optional("AUTOINSTALL")), "y")
	c.NoWeak = strings.HasPrefix(strings.ToLower(in.optional("NO_WEAK_MODULES")), "y")
	in.unsupported()
	c.Notes = in.notes
	return nil
}

// names takes what the package is called.
func (in *interpreter) names(c *Conf) (err error) {
	for _, n := range []struct {
		key string
		to  *string
	}{{"PACKAGE_NAME", &c.Name}, {"PACKAGE_VERSION", &c.Version}} {
		if *n.to, err = in.must(n.key); err != nil {
			return err
		}
		if err := plainName(*n.to); err != nil {
			return fmt.Errorf("%s: %w", n.key, err)
		}
	}
	return nil
}

// key returns the first value of a key, expanded once more where the file left
// something to be expanded, as dkms does by sourcing what it has read.
func (in *interpreter) key(name string, index int) value {
	v := in.vars[name][index]
	if _, ok := in.vars[name][index]; !ok {
		v.why = in.lost[name]
	}
	if v.known() && strings.ContainsAny(v.text, "$`") {
		w, err := parseWord(v.text, in.at[name], 0)
		if err != nil {
			return value{why: fmt.Sprintf("line %d: %v", in.at[name], err)}
		}
		in.line = in.at[name]
		v = in.text(w)
	}
	return v
}

var errMissing = errors.New("no such key")

// must returns a key that there has to be.
func (in *interpreter) must(name string) (string, error) {
	v := in.key(name, 0)
	switch {
	case !v.known():
		return "", fmt.Errorf("%s: %s", name, v.why)
	case strings.TrimSpace(v.text) == "":
		return "", fmt.Errorf("%s: %w", name, errMissing)
	}
	return v.text, nil
}

// optional returns a key that the build can do without: what is unknown is
// noted.
func (in *interpreter) optional(name string) string {
	v := in.key(name, 0)
	if !v.known() {
		in.notes = append(in.notes, Note{in.at[name], fmt.Sprintf("%s is not honoured: %s", name, v.why)})
		return ""
	}
	return v.text
}

// plainName refuses what cannot be a name of a directory.
func plainName(name string) error {
	if name == "." || name == ".." || len(name) > 200 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '/' || r == 0x7f }) {
		return fmt.Errorf("%q is no name", brief(name))
	}
	return nil
}

// inside refuses a path that is absolute or leads out of its directory.
func inside(name string) error {
	if strings.HasPrefix(name, "/") || slices.Contains(strings.Split(name, "/"), "..") || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
		return fmt.Errorf("%q leads out of the source", brief(name))
	}
	return nil
}

// commands reads MAKE, of which the last whose MAKE_MATCH fits is meant, and
// the script before it.
func (in *interpreter) commands(c *Conf) error {
	makes, matches := in.vars["MAKE"], in.vars["MAKE_MATCH"]
	if why := in.lost["MAKE"] + in.lost["MAKE_MATCH"]; why != "" {
		return fmt.Errorf("MAKE: %s", why)
	}
	for _, i := range indexes(makes) {
		v, match := makes[i], in.key("MAKE_MATCH", i)
		if !v.known() || !match.known() {
			return fmt.Errorf("MAKE[%d]: %s", i, v.why+match.why)
		}
		if match.text == "" {
			if i == 0 && matches[0].text == "" {
				c.Make = v.text
			}
			continue
		}
		re, err := regexp.Compile(match.text)
		if err != nil {
			return fmt.Errorf("MAKE_MATCH[%d]: %w", i, err)
		}
		if v.text != "" && re.MatchString(in.kernel.Release) {
			c.Make = v.text
		}
	}
	return in.preBuild(c)
}

func (in *interpreter) preBuild(c *Conf) error {
	v := in.vars["PRE_BUILD"][0]
	if why := v.why + in.lost["PRE_BUILD"]; why != "" {
		return fmt.Errorf("PRE_BUILD: %s", why)
	}
	if f := strings.Fields(v.text); len(f) > 0 {
		if err := inside(f[0]); err != nil {
			return fmt.Errorf("PRE_BUILD: %w", err)
		}
	}
	c.PreBuild = v.text
	return nil
}

// moduleKeys are those that speak of modules by their index.
var moduleKeys = []string{"BUILT_MODULE_NAME", "BUILT_MODULE_LOCATION", "DEST_MODULE_NAME", "DEST_MODULE_LOCATION"}

func (in *interpreter) modules(c *Conf) error {
	count := 0
	for _, key := range moduleKeys {
		if why := in.lost[key]; why != "" {
			in.notes = append(in.notes, Note{0, fmt.Sprintf("%s is not known: %s; all modules that the build makes are taken", key, why)})
			c.Unlisted, c.Strip = true, !strings.HasPrefix(strings.ToLower(in.optional("STRIP")), "n")
			return nil
		}
		if all := indexes(in.vars[key]); len(all) > 0 {
			count = max(count, all[len(all)-1]+1)
		}
	}
	if count == 0 {
		return errors.New("DEST_MODULE_LOCATION: no such key")
	}
	for i := range count {
		m, err := in.module(c, i, count)
		if err != nil {
			return err
		}
		c.Modules = append(c.Modules, m)
	}
	return nil
}

// module reads what the keys say of one module, with dkms's defaults.
func (in *interpreter) module(c *Conf, i, count int) (Module, error) {
	var text [4]string
	for n, key := range moduleKeys {
		v := in.key(key, i)
		if !v.known() {
			return Module{}, fmt.Errorf("%s[%d]: %s", key, i, v.why)
		}
		text[n] = v.text
	}
	m := Module{Built: text[0], Location: strings.Trim(path.Clean("/"+text[1]), "/"), Dest: text[2]}
	if m.Built == "" && count == 1 {
		m.Built = c.Name
	}
	if m.Dest == "" {
		m.Dest = m.Built
	}
	for _, n := range []struct{ key, name string }{{"BUILT_MODULE_NAME", m.Built}, {"DEST_MODULE_NAME", m.Dest}} {
		if n.name == "" {
			return m, fmt.Errorf("%s[%d]: %w", n.key, i, errMissing)
		}
		if err := plainName(n.name); err != nil {
			return m, fmt.Errorf("%s[%d]: %w", n.key, i, err)
		}
		if strings.HasSuffix(n.name, ".o") || strings.HasSuffix(n.name, ".ko") {
			return m, fmt.Errorf("%s[%d]: %q ends in .o or .ko", n.key, i, n.name)
		}
	}
	if err := inside(text[1]); err != nil {
		return m, fmt.Errorf("BUILT_MODULE_LOCATION[%d]: %w", i, err)
	}
	var err error
	if m.DestDir, err = destination(text[3]); err != nil {
		return m, fmt.Errorf("DEST_MODULE_LOCATION[%d]: %w", i, err)
	}
	m.Strip = in.strip(i)
	return m, nil
}

// destination is a directory below the kernel's module directory. dkms wants that
// it begins with /kernel, /updates or /extra; /kernel/../misc does, and is misc.
func destination(text string) (string, error) {
	given := strings.TrimLeft(text, "/")
	first, _, _ := strings.Cut(given, "/")
	if !slices.Contains([]string{"kernel", "updates", "extra"}, first) {
		return "", fmt.Errorf("%q does not begin with /kernel, /updates or /extra", brief(text))
	}
	dir := path.Clean(given)
	if err := inside(dir); err != nil || dir == "." {
		return "", fmt.Errorf("%q is no directory below the kernel's modules", brief(text))
	}
	return dir, nil
}

// strip reads STRIP; the first one is the default of the others, yes its own.
func (in *interpreter) strip(i int) bool {
	for _, at := range []int{i, 0} {
		v := in.key("STRIP", at)
		if !v.known() {
			in.notes = append(in.notes, Note{in.at["STRIP"], fmt.Sprintf("STRIP[%d] is not honoured: %s", at, v.why)})
		} else if v.text != "" {
			return !strings.HasPrefix(strings.ToLower(v.text), "n")
		}
	}
	return true
}

func (in *interpreter) patches(c *Conf) error {
	if why := in.lost["PATCH"] + in.lost["PATCH_MATCH"]; why != "" {
		return fmt.Errorf("PATCH: %s", why)
	}
	for _, i := range indexes(in.vars["PATCH"]) {
		v, match := in.key("PATCH", i), in.key("PATCH_MATCH", i)
		if !v.known() || !match.known() {
			return fmt.Errorf("PATCH[%d]: %s", i, v.why+match.why)
		}
		re, err := regexp.Compile(match.text)
		if err != nil {
			return fmt.Errorf("PATCH_MATCH[%d]: %w", i, err)
		}
		if v.text == "" || !re.MatchString(in.kernel.Release) {
			continue
		}
		if err := inside(v.text); err != nil {
			return fmt.Errorf("PATCH[%d]: %w", i, err)
		}
		c.Patches = append(c.Patches, v.text)
	}
	return nil
}

func (in *interpreter) depends(c *Conf) error {
	if why := in.lost["BUILD_DEPENDS"]; why != "" {
		return fmt.Errorf("BUILD_DEPENDS: %s", why)
	}
	for _, i := range indexes(in.vars["BUILD_DEPENDS"]) {
		v := in.key("BUILD_DEPENDS", i)
		if !v.known() {
			return fmt.Errorf("BUILD_DEPENDS[%d]: %s", i, v.why)
		}
		c.Depends = append(c.Depends, strings.Fields(v.text)...)
	}
	return nil
}

var upstream = pattern.New(`^[0-9]+(\.[0-9]+)*`)

// exclusive decides by BUILD_EXCLUSIVE_… and OBSOLETE_BY.
func (in *interpreter) exclusive(c *Conf) {
	exclude := func(format string, args ...any) {
		if c.Excluded == "" {
			c.Excluded = fmt.Sprintf(format, args...)
		}
	}
	k := in.kernel
	for _, m := range []struct{ key, subject string }{{"BUILD_EXCLUSIVE_KERNEL", k.Release}, {"BUILD_EXCLUSIVE_ARCH", k.Arch}} {
		text := in.optional(m.key)
		if re, err := regexp.Compile(text); err != nil {
			in.notes = append(in.notes, Note{in.at[m.key], fmt.Sprintf("%s is not honoured: %v", m.key, err)})
		} else if !re.MatchString(m.subject) {
			exclude("%s=%q does not match %s", m.key, text, m.subject)
		}
	}
	version := upstream.FindString(k.Release)
	if text := in.optional("BUILD_EXCLUSIVE_KERNEL_MIN"); text != "" && release.CompareDpkg(version, text) < 0 {
		exclude("BUILD_EXCLUSIVE_KERNEL_MIN=%s is above %s", text, version)
	}
	if text := in.optional("BUILD_EXCLUSIVE_KERNEL_MAX"); text != "" && release.CompareDpkg(version, text) > 0 {
		exclude("BUILD_EXCLUSIVE_KERNEL_MAX=%s is below %s", text, version)
	}
	if text := in.optional("OBSOLETE_BY"); text != "" && release.CompareDpkg(version, text) >= 0 {
		exclude("OBSOLETE_BY=%s: the kernel has it itself", text)
	}
	options := strings.Fields(in.optional("BUILD_EXCLUSIVE_CONFIG"))
	if len(options) > 0 && k.Config == nil {
		in.notes = append(in.notes, Note{in.at["BUILD_EXCLUSIVE_CONFIG"], "BUILD_EXCLUSIVE_CONFIG is not honoured: the kernel's configuration is not known"})
		return
	}
	for _, option := range options {
		name, unwanted := strings.CutPrefix(option, "!")
		v := k.Config[strings.TrimPrefix(name, "CONFIG_")]
		if set := v == "y" || v == "m"; set == unwanted {
			exclude("BUILD_EXCLUSIVE_CONFIG=%s: the kernel has %s=%s", option, name, cmp.Or(v, "n"))
		}
	}
}

// ignored are keys that are known and have no effect on a build here, with why.
// What CLEAN wants is so without it: a build starts from an unchanged copy.
var ignored = []struct{ key, why string }{
	{"POST_BUILD", "modules are taken before it would run"},
	{"PRE_INSTALL", "scripts of the installation are not run"},
	{"POST_INSTALL", "scripts of the installation are not run"},
	{"POST_ADD", "scripts of the installation are not run"},
	{"POST_REMOVE", "scripts of the installation are not run"},
	{"REMAKE_INITRD", "images are remade where a changed module is in them"},
	{"MODULES_CONF", "deprecated by dkms"},
	{"MODULES_CONF_OBSOLETES", "deprecated by dkms"},
	{"MODULES_CONF_ALIAS_TYPE", "deprecated by dkms"},
	{"MODULES_CONF_OBSOLETE_ONLY", "deprecated by dkms"},
	{"SIGN_FILE", "modules are signed by modkeep sign"},
	{"MOK_SIGNING_KEY", "modules are signed by modkeep sign"},
	{"MOK_CERTIFICATE", "modules are signed by modkeep sign"},
	{"BUILD_DEPENDS_REBUILD", "consumers are always rebuilt when a provider's exports move"},
}

func (in *interpreter) unsupported() {
	for _, i := range ignored {
		if _, ok := in.vars[i.key]; ok {
			in.notes = append(in.notes, Note{in.at[i.key], i.key + " has no effect: " + i.why})
		}
	}
	for name := range in.vars {
		if strings.HasPrefix(name, "DKMS_DIRECTIVE") {
			in.notes = append(in.notes, Note{in.at[name], name + " is not supported"})
		}
	}
	slices.SortStableFunc(in.notes, func(a, b Note) int { return a.Line - b.Line })
}
