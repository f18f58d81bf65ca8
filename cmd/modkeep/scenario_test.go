package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
)

// The scenarios hold the commands that change links against what a replacement
// of weak-modules has to do, case by case: T01 to T44, named after the cases of
// the survey of existing tools that they come from. Each row makes a tree,
// runs the real program on it, and compares links, reports and index files.
// What is expected was written down from how depmod(8) and the kernel work and
// not from what the program does; depmod itself is asked as well.

// scenario is one row. In its texts K1, K2 and K3 stand for releases, in the
// order of their age.
type scenario struct {
	name string
	tree string // see package made; the distribution's depmod.d is added
	do   []action
	// in limits the row to some dialects; "" is all of them.
	in string
	// k replaces the releases; see releases.
	k []string
	// blind says that this machine's depmod cannot judge the tree, and why.
	blind string
}

// action is one thing that is done to a scenario's tree, and what is expected
// of it. What is done:
//
//	add PATH…        modules were installed; paths below lib/modules
//	remove PATH…     modules are removed, or were: see rm
//	add-kernel K     a kernel was installed
//	remove-kernel K  it is removed
//	link             links are brought up to date
//	rm PATH          a file or directory vanishes
//	put K LINE       a module is put under a kernel; see package made
//	symlink PATH TARGET
//	policy TEXT      becomes the policy file
type action struct {
	do string
	// links is all there are afterwards, a line for each: the kernel, the
	// module's path below its own kernel, and that kernel; "*" is anything.
	links string
	// refused is each pair of a kernel and a module that may not be linked: the
	// kernel, the module's path with its kernel, and what a finding of its
	// verdict has, its kind, symbol, CRC wanted and found ("-" is anything), and
	// behind a bar words that stand in its texts. A line that begins with ? may
	// be missing. "*" is anything.
	refused string
	// deps are lines of the modules.dep that depmod leaves for the kernel that
	// stands first, what a module needs in any order; ~extra/foo.ko is where the link of extra/foo.ko stands.
	deps string
	// says are whole lines of the drop-in's standard output, mentions words on
	// any of the streams of any dialect.
	says, mentions string
	// complains are depmod's complaints about links, each as kernel, link and
	// symbol; "" is none.
	complains string
	// status is the native verb's; the drop-in's is 0.
	status int
}

// releases are what K1, K2 and K3 stand for.
var releases = map[string][]string{
	"rhel": {"5.14.0-362.8.1.el9_3.x86_64", "5.14.0-427.13.1.el9_4.x86_64", "5.14.0-503.11.1.el9_5.x86_64"},
	"suse": {"6.4.0-150600.21-default", "6.4.0-150600.23.7-default", "6.4.0-150600.23.14-default"},
	// Debian's have no table of exports with them; here they do.
	"debian": {"6.1.0-21-amd64", "6.1.0-25-amd64", "6.1.0-31-amd64"},
}

// dialect is a way to ask for the same thing, on a distribution whose layout
// it is: by the tool that a distribution has for it, or by modkeep link.
type dialect struct {
	name, layout string
	dropIn       bool
}

var dialects = []dialect{
	{"weak-modules", "rhel", true},
	{"rhel", "rhel", false},
	{"weak-modules2", "suse", true},
	{"suse", "suse", false},
	{"debian", "debian", false},
}

// distribution is what tells the layout of a tree.
var distribution = map[string]string{
	"rhel":   "merged\nfile /etc/os-release ID=\"rhel\"\nfile /etc/depmod.d/dist.conf search updates extra built-in weak-updates\n",
	"suse":   "merged\nfile /etc/os-release ID=\"sles\"\\nID_LIKE=\"suse\"\nfile /usr/lib/depmod.d/00-system.conf search updates extra weak-updates kgraft built-in\n",
	"debian": "merged\nfile /etc/os-release ID=debian\n",
}

// site is a scenario's tree while it is worked on.
type site struct {
	*testing.T
	dialect
	dir   string
	k     []string
	root  *made.Root
	blind string
	// dracut is what the drop-in makes an initramfs with; "" is not at all.
	dracut string
	// packages are what weak-modules2 is told of by rpm.
	packages *packages
}

func (s scenario) run(t *testing.T) {
	t.Helper()
	for _, d := range dialects {
		if s.in != "" && !slices.Contains(strings.Fields(s.in), d.name) {
			continue
		}
		if d.name == "weak-modules2" && s.k != nil && !strings.HasSuffix(s.k[0], "-default") {
			continue // it is for kernels with a flavour in their names
		}
		t.Run(s.name+"/"+d.name, func(t *testing.T) {
			t.Parallel()
			site := newSite(t, d, s)
			for _, a := range s.do {
				site.act(a)
			}
		})
	}
}

func newSite(t *testing.T, d dialect, s scenario) *site {
	site := &site{T: t, dialect: d, dir: t.TempDir(), k: s.k, blind: s.blind}
	if site.k == nil {
		site.k = releases[d.layout]
	}
	root, err := made.Write(site.dir, distribution[d.layout]+site.expand(s.tree))
	if err != nil {
		t.Fatal(err)
	}
	site.root = root
	if d.name == "weak-modules2" {
		site.packages = newPackages(t, site.dir)
	}
	for _, k := range root.Kernels { // as their packages left them
		site.index(k.Release)
	}
	return site
}

// expand puts the releases in place of K1 to K3.
func (s *site) expand(text string) string {
	var pairs []string
	for i, k := range s.k {
		pairs = append(pairs, fmt.Sprintf("K%d", i+1), k)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// act does one thing and compares what comes of it.
func (s *site) act(a action) {
	s.Helper()
	word, rest, _ := strings.Cut(s.expand(a.do), " ")
	if s.prepare(word, rest) {
		return
	}
	refused := s.refusals(word, rest)
	dry := s.dryRun(word, rest)
	r := s.invoke(word, rest)
	r.out = transaction.ReplaceAllString(r.out, "")
	if diff := cmp.Diff(r, dry, cmp.AllowUnexported(result{})); diff != "" {
		s.Errorf("%s: T35: a dry run and the real one say different things (-real +dry):\n%s", a.do, diff)
	}
	if want := a.status; s.dropIn && r.status != 0 || !s.dropIn && r.status != want {
		s.Errorf("%s: status %d, want %d (0 of a drop-in)\n%s%s", a.do, r.status, want, r.out, r.errOut)
	}
	s.compareLinks(a)
	s.compareRefused(a, refused)
	for _, line := range lines(s.expand(a.says)) {
		if s.dropIn && !slices.Contains(lines(r.out+r.errOut), line) {
			s.Errorf("%s: no line %q in\n%s%s", a.do, line, r.out, r.errOut)
		}
	}
	for _, words := range lines(s.expand(a.mentions)) {
		if !strings.Contains(r.out+r.errOut, words) {
			s.Errorf("%s: nothing of %q in\n%s%s", a.do, words, r.out, r.errOut)
		}
	}
	s.compareDeps(a)
	if s.dropIn && word == "remove-kernel" {
		return // the kernel goes: no depmod, as with the original
	}
	s.askDepmod(a)
}

// transaction is the one thing in a report that a dry run has not.
var transaction = regexp.MustCompile(`(?m),\n *"transaction": [0-9]+`)

// prepare does what the commands under test do not do themselves; it reports
// whether the action was of that kind.
func (s *site) prepare(word, rest string) bool {
	var err error
	switch word {
	case "rm":
		err = os.RemoveAll(s.path(rest))
	case "put":
		krel, line, _ := strings.Cut(rest, " ")
		err = s.root.Put(s.dir, krel, line)
	case "symlink":
		name, target, _ := strings.Cut(rest, " ")
		if err = os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err == nil {
			err = os.Symlink(target, s.path(name))
		}
	case "policy":
		err = os.MkdirAll(filepath.Join(s.dir, "etc/modkeep"), 0o755)
		if err == nil {
			err = os.WriteFile(filepath.Join(s.dir, "etc/modkeep/policy.yaml"), []byte("version: 1\n"+rest+"\n"), 0o644)
		}
	default:
		return false
	}
	if err != nil {
		s.Fatal(err)
	}
	krel, _, below := strings.Cut(rest, "/")
	if word == "put" {
		krel, _, below = strings.Cut(rest, " ")
	}
	if !s.dropIn && below && (word == "rm" || word == "put") {
		s.index(krel) // the drop-in is called by the package that did it, the native verb is not
	}
	return true
}

// index runs depmod for a kernel whose package is there.
func (s *site) index(krel string) {
	s.Helper()
	for _, k := range s.root.Kernels {
		if k.Release == krel && !k.Bare {
			s.depmod(krel, "-a")
			return
		}
	}
}

// path is where something below lib/modules lies on this machine.
func (s *site) path(below string) string { return filepath.Join(s.dir, "lib/modules", below) }

// result is what a run of the program came to.
type result struct {
	out, errOut string
	status      int
}

// runModkeep runs the program.
func runModkeep(t *testing.T, in string, args ...string) result {
	t.Helper()
	var out, errOut bytes.Buffer
	status := run(context.Background(), args, strings.NewReader(in), &out, &errOut)
	return result{out.String(), errOut.String(), status}
}

// weakModules2 is the command line for an action, with modules as packages.
func (s *site) weakModules2(word, rest string) (args []string, in string) {
	args = []string{"weak-modules2", "--root", s.dir, "-v", "-v", "--" + word}
	if word != "add" && word != "remove" {
		return append(args, rest), in
	}
	files := strings.Fields(rest)
	args[len(args)-1] += "-kmp"
	for _, p := range files {
		in += "/usr/lib/modules/" + p + "\n"
	}
	nvr := packageOf(files)
	_, err := os.Stat(s.path(files[0]))
	s.packages.set(s.T, nvr, in, err == nil)
	return append(args, nvr), in
}

// commandLine is what asks for an action in the site's dialect.
func (s *site) commandLine(word, rest string) (args []string, in string) {
	if s.packages != nil && s.dropIn {
		return s.weakModules2(word, rest)
	}
	if s.dropIn {
		args = []string{"weak-modules", "--basedir", s.dir, "--verbose", "--no-initramfs"}
		if s.dracut != "" {
			args = append(args[:len(args)-1], "--dracut", s.dracut)
		}
		switch word {
		case "add", "remove":
			for _, p := range strings.Fields(rest) {
				in += s.path(p) + "\n"
			}
			return append(args, "--"+word+"-modules"), in
		case "add-kernel", "remove-kernel":
			return append(args, "--"+word, rest), ""
		}
	}
	args = []string{"modkeep", "link", "--root", s.dir}
	switch word {
	case "add":
		for _, p := range strings.Fields(rest) {
			args = append(args, "/lib/modules/"+p)
		}
	case "add-kernel":
		args = append(args, "--kernel", rest)
	case "remove-kernel":
		args[1] = "unlink"
		args = append(args, "--kernel", rest)
	case "remove", "link":
	default:
		s.Fatalf("nothing known to do for %q", word)
	}
	return args, ""
}

func (s *site) invoke(word, rest string, more ...string) result {
	s.Helper()
	args, in := s.commandLine(word, rest)
	if !s.dropIn {
		args = append(args, "--json")
	}
	if s.packages != nil && s.dropIn {
		return s.packages.run(s.T, in, append(args, more...)...)
	}
	return runModkeep(s.T, in, append(args, more...)...)
}

// dryRun asks for an action without doing it, and holds that nothing is done.
func (s *site) dryRun(word, rest string) result {
	s.Helper()
	before := s.dump()
	r := s.invoke(word, rest, "--dry-run")
	if diff := cmp.Diff(before, s.dump()); diff != "" {
		s.Errorf("%s %s: T35: a dry run changes the tree (-before +after):\n%s", word, rest, diff)
	}
	return r
}

// dump describes the tree, without what is at the paths except.
func (s *site) dump(except ...string) string {
	s.Helper()
	dump, err := made.Dump(s.dir, except...)
	if err != nil {
		s.Fatal(err)
	}
	return dump
}

// lines are a text's lines that are not empty, without the blanks around them.
func lines(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// linkPlace is where a module's link stands below a kernel's directory.
func (s *site) linkPlace(module string) string {
	if s.layout != "suse" {
		_, module, _ = strings.Cut(module, "/")
	}
	return "weak-updates/" + module
}

// compareLinks compares the links of all kernels, and their texts: relative,
// and inside the tree.
func (s *site) compareLinks(a action) {
	s.Helper()
	if a.links == "*" {
		return
	}
	var want []string
	for _, line := range lines(s.expand(a.links)) {
		f := strings.Fields(line)
		want = append(want, fmt.Sprintf("%s/%s -> %s/%s", f[0], s.linkPlace(f[1]), f[2], f[1]))
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, s.links()); diff != "" {
		s.Errorf("%s: links (-want +got):\n%s", a.do, diff)
	}
}

// links lists what is in the weak-updates directories.
func (s *site) links() []string {
	s.Helper()
	var list []string
	modules := s.path("")
	kernels, err := os.ReadDir(modules)
	if err != nil {
		s.Fatal(err)
	}
	for _, k := range kernels {
		filepath.WalkDir(filepath.Join(modules, k.Name(), "weak-updates"), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil
			}
			rel, _ := filepath.Rel(modules, name)
			list = append(list, rel+" -> "+s.target(name))
			return nil
		})
	}
	slices.Sort(list)
	return list
}

// target is where a link leads, below lib/modules; with a word before it if
// its text has not the form that it should have.
func (s *site) target(name string) string {
	text, err := os.Readlink(name)
	if err != nil {
		return "no link"
	}
	if path.IsAbs(text) {
		return "absolute " + text
	}
	real, err := filepath.EvalSymlinks(filepath.Dir(name))
	if err != nil {
		s.Fatal(err)
	}
	base, err := filepath.EvalSymlinks(s.path(""))
	if err != nil {
		s.Fatal(err)
	}
	rel, err := filepath.Rel(base, filepath.Join(real, text))
	if err != nil || strings.HasPrefix(rel, "..") {
		return "outside " + text
	}
	return rel
}

// linkReport is the JSON of link --dry-run.
type linkReport struct {
	Steps   []struct{ Op, Path, Target, Reason string }
	Refused []refusal
}

type refusal struct {
	Module, Name, Kernel string
	Loads                bool
	Findings             []struct{ Kind, Symbol, Want, Found, Provider, Text string }
}

// refusals asks the native verb which modules it will refuse.
func (s *site) refusals(word, rest string) []refusal {
	s.Helper()
	if strings.HasPrefix(word, "remove-kernel") {
		return nil
	}
	word = strings.TrimSuffix(word, "-modules") // of add-kernel
	native := *s
	native.dropIn = false
	args, _ := native.commandLine(word, rest)
	r := runModkeep(s.T, "", append(args, "--dry-run", "--json")...)
	var report linkReport
	if err := json.Unmarshal([]byte(r.out), &report); err != nil {
		s.Errorf("%q: %v in\n%s%s", args, err, r.out, r.errOut)
	}
	return report.Refused
}

// compareRefused compares them with those of an action.
func (s *site) compareRefused(a action, got []refusal) {
	s.Helper()
	if a.refused == "*" {
		return
	}
	all := got
	for _, line := range lines(s.expand(a.refused)) {
		line, optional := strings.CutPrefix(line, "?")
		f := strings.Fields(line)
		is := func(r refusal) bool { return r.Kernel == f[0] && strings.HasSuffix(r.Module, "/"+f[1]) }
		found := slices.ContainsFunc(all, func(r refusal) bool { return is(r) && r.has(line) })
		s.forced(line)
		if !found && !optional {
			s.Errorf("%s: not refused: %s; refused are %s", a.do, line, inShort(all))
		}
		got = slices.DeleteFunc(slices.Clone(got), is)
	}
	if len(got) > 0 {
		s.Errorf("%s: refused beyond what was expected: %s", a.do, inShort(got))
	}
}

// has reports whether one finding of the refusal has all that a line wants.
func (r refusal) has(line string) bool {
	line, words, _ := strings.Cut(line, "|")
	want := strings.Fields(line)[2:]
	for _, f := range r.Findings {
		ok := strings.Contains(f.Text, strings.TrimSpace(words))
		for i, value := range []string{f.Kind, f.Symbol, f.Want, f.Found, providerName(f.Provider)} {
			ok = ok && (i >= len(want) || want[i] == "-" || want[i] == value)
		}
		if ok {
			return true
		}
	}
	return false
}

// providerName is the module that a provider's path is of.
func providerName(p string) string {
	name, _, _ := strings.Cut(path.Base(p), ".ko")
	return name
}

// inShort is refusals in the form that an action expects them in.
func inShort(list []refusal) string {
	var b strings.Builder
	for _, r := range list {
		for _, f := range r.Findings {
			_, module, _ := strings.Cut(r.Module, "/lib/modules/")
			fmt.Fprintf(&b, "\n\t%s %s %s %s %s %s %s | %s", r.Kernel, module, f.Kind, f.Symbol, f.Want, f.Found, providerName(f.Provider), f.Text)
		}
	}
	return b.String()
}

// depmod runs the real one on a kernel of the tree, with the configuration of
// the tree, which -b alone does not make it read.
func (s *site) depmod(krel string, args ...string) (out, errOut string) {
	s.Helper()
	args = append(args, "-b", s.dir)
	for _, dir := range []string{"etc/depmod.d", "usr/lib/depmod.d"} {
		if _, err := os.Stat(filepath.Join(s.dir, dir)); err == nil {
			args = append(args, "-C", filepath.Join(s.dir, dir))
		}
	}
	tool := oracle.Tool(s.T, "depmod")
	cmd := exec.Command(tool, append(args, krel)...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	if err := cmd.Run(); err != nil {
		s.Errorf("depmod %q: %v\n%s", args, err, e.String())
	}
	return o.String(), e.String()
}

// modulesDep are the lines of a kernel's modules.dep.
func (s *site) modulesDep(krel string) []string {
	s.Helper()
	data, err := os.ReadFile(s.path(krel + "/modules.dep"))
	if err != nil {
		s.Error(err)
	}
	return lines(string(data))
}

func (s *site) compareDeps(a action) {
	s.Helper()
	if s.blind != "" {
		return
	}
	for _, line := range lines(s.expand(a.deps)) {
		words := strings.Fields(line)
		for i, w := range words {
			if module, ok := strings.CutPrefix(w, "~"); ok {
				words[i] = s.linkPlace(strings.TrimSuffix(module, ":"))
				if strings.HasSuffix(module, ":") {
					words[i] += ":"
				}
			}
		}
		slices.Sort(words[2:])
		want := strings.Join(words[1:], " ")
		deps := s.modulesDep(words[0])
		if !slices.ContainsFunc(deps, func(line string) bool {
			f := strings.Fields(line)
			slices.Sort(f[1:])
			return strings.Join(f, " ") == want
		}) {
			s.Errorf("%s: modules.dep has no line %q:\n%s", a.do, want, strings.Join(deps, "\n"))
		}
	}
}

// askDepmod holds the tree against the real depmod: it has the index files
// that depmod would write, and depmod complains of no link but those that the
// action says.
func (s *site) askDepmod(a action) {
	s.Helper()
	if s.blind != "" {
		return
	}
	var complaints []string
	for _, k := range s.root.Kernels {
		if _, err := os.Stat(s.path(k.Release)); k.Bare || err != nil {
			continue
		}
		out, errOut := s.depmod(k.Release, "-naeE", s.symvers(k))
		complaints = append(complaints, linkComplaints(k.Release, errOut)...)
		fresh, _, _ := strings.Cut(out, "# Aliases")
		if diff := cmp.Diff(lines(fresh), s.modulesDep(k.Release)); diff != "" {
			s.Errorf("%s: modules.dep of %s is not what depmod writes (-depmod +tree):\n%s", a.do, k.Release, diff)
		}
	}
	var want []string
	for _, line := range lines(s.expand(a.complains)) {
		f := strings.Fields(line)
		want = append(want, f[0]+" "+s.linkPlace(f[1])+" "+f[2])
	}
	if diff := cmp.Diff(want, complaints); diff != "" {
		s.Errorf("%s: depmod's complaints of links (-want +depmod):\n%s", a.do, diff)
	}
}

// linkComplaints are depmod's complaints about links, as kernel, link and
// symbol.
func linkComplaints(krel, errOut string) []string {
	var list []string
	for _, line := range lines(errOut) {
		_, rest, ok := strings.Cut(line, "/"+krel+"/weak-updates/")
		if !ok {
			continue
		}
		f := strings.Fields(rest)
		list = append(list, fmt.Sprintf("%s weak-updates/%s %s", krel, f[0], f[len(f)-1]))
	}
	slices.Sort(list)
	return list
}

// forced holds that depmod, too, sees what is wrong with a module that has to
// be refused, once it is linked all the same.
func (s *site) forced(line string) {
	s.Helper()
	f := strings.Fields(line)
	if s.blind != "" || len(f) < 4 || f[2] != "crc" && f[2] != "missing" {
		return
	}
	from, module, _ := strings.Cut(f[1], "/")
	link := f[0] + "/" + s.linkPlace(module)
	if _, err := os.Lstat(s.path(link)); err == nil {
		return // it has a link of another build
	}
	s.prepare("symlink", link+" "+s.path(from+"/"+module))
	defer os.Remove(s.path(link))
	i := slices.IndexFunc(s.root.Kernels, func(k *made.Kernel) bool { return k.Release == f[0] })
	_, errOut := s.depmod(f[0], "-naeE", s.symvers(s.root.Kernels[i]))
	if !slices.Contains(linkComplaints(f[0], errOut), fmt.Sprintf("%s %s %s", f[0], s.linkPlace(module), f[3])) {
		s.Errorf("%s: linked by force it makes depmod say only:\n%s", line, errOut)
	}
}

// symvers writes a kernel's table of exports for depmod -E.
func (s *site) symvers(k *made.Kernel) string {
	s.Helper()
	name := filepath.Join(s.TempDir(), "symvers")
	if err := os.WriteFile(name, []byte(k.Table()), 0o644); err != nil {
		s.Fatal(err)
	}
	return name
}
