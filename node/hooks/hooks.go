// Package hooks holds the files that make a system call modkeep where kernels
// and kernel modules come and go, and says what must change below a root for
// them to be there, or to be gone again.
//
// Terms:
//
//   - hook: a file that another program runs or reads: a kernel-install(8)
//     plug-in, scripts of /etc/kernel, plug-ins of dnf and apt, RPM macros, a
//     systemd unit, a depmod.d(5) file. Most hold one line of shell that hands
//     over to "modkeep hooks run"; all do nothing where modkeep is absent.
//   - drop-in: modkeep under the name of the tool that packages call,
//     /usr/sbin/weak-modules or SUSE's weak-modules2. The distribution's own,
//     where there is one, is set aside and comes back on removal.
//   - manifest: the file in modkeep's state directory that says what was
//     installed, with the digest of each file, so that removal knows what a
//     user has edited since.
//
// What is done is a txn.Plan; nothing here changes a tree.
//
// Sources: kernel-install(8) of systemd 252; run-parts and the scripts of
// Debian's linux-image packages; apt.conf(5) of apt 2.6 (DPkg::Pre-Install-Pkgs
// and Post-Invoke); dpkg(1) of dpkg 1.21 (post-invoke); dnf.Plugin of dnf 4.14; libdnf5-actions(8) 1.4; rpm's
// docs/manual/{macros,file_triggers,dependency_generators}.md of 4.18;
// dpkg-divert(1) of dpkg 1.21; alternatives(8) of chkconfig 1.
package hooks

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"modkeep/internal/pattern"
	"modkeep/kmp/rpm"
)

//go:embed data
var data embed.FS

// Hook is one file to be there, or one link.
type Hook struct {
	Name   string      // what the user calls it; several files may share a name
	Path   string      // inside the root, absolute and clean
	Data   []byte      // content; nil for a link
	Mode   fs.FileMode // of a file
	Target string      // of a link: its text
	Serves string      // whose file it is, in a few words

	dropIn bool // stands where the distribution may have a file of its own
}

// Skipped is a hook that this system has no use for.
type Skipped struct {
	Name   string
	Reason string
}

// Hooks returns the files for a system, in the order in which they are
// installed, and what was left out and why.
func (s *System) Hooks() ([]Hook, []Skipped) {
	var list []Hook
	var skipped []Skipped
	for _, kind := range kinds {
		hooks, reason := kind.hooks(s)
		if len(hooks) == 0 {
			skipped = append(skipped, Skipped{kind.name, reason})
		}
		for _, h := range hooks {
			h.Name, h.Serves = kind.name, kind.serves
			if h.Target == "" {
				h.Data = s.fill(h.Data)
			}
			list = append(list, h)
		}
	}
	return list, skipped
}

// Names are the hooks that there are for any system.
func Names() []string {
	var names []string
	for _, kind := range kinds {
		names = append(names, kind.name)
	}
	return names
}

// kinds are the hooks by name. Each gives the files for a system, or says why
// it has none there.
var kinds = []struct {
	name, serves string
	hooks        func(*System) ([]Hook, string)
}{
	{"weak-modules", "scriptlets of kernel and module packages", dropIns},
	{"depmod", "depmod: weak-updates in the search order", depmodHook},
	{"kernel-install", "kernel-install, of systemd", kernelInstallHook},
	{"etc-kernel", "scripts of Debian's kernel packages", etcKernelHooks},
	{"dpkg", "dpkg, after packages came or went", dpkgHook},
	{"apt", "apt, before and after dpkg", aptHook},
	{"dnf", "dnf 4", dnfHooks},
	{"dnf5", "dnf 5, by its actions plug-in", dnf5Hook},
	{"rpm-macros", "packagers' spec files", macrosHook},
	{"rpm-dependencies", "rpmbuild's dependency generators", fileattrsHook},
	{"systemd", "a check after each boot", unitHooks},
}

func dropIns(s *System) ([]Hook, string) {
	switch {
	case s.Family == SUSE || s.has(suseTools):
		return []Hook{s.dropIn(suseTools + "/weak-modules2")}, ""
	case s.Family == Other && !s.exists(weakModules):
		return nil, "no " + weakModules + " there, and no rpm or dpkg"
	}
	return []Hook{s.dropIn(weakModules)}, ""
}

const (
	weakModules = "/usr/sbin/weak-modules"
	suseTools   = "/usr/lib/module-init-tools"
)

// dropIn is modkeep at p: a link that holds whether one looks from inside the
// root or from outside.
func (s *System) dropIn(p string) Hook {
	return Hook{Path: p, Target: relative(path.Dir(p), s.Program), dropIn: true}
}

// relative returns how target is reached from dir; both are absolute and clean.
func relative(dir, target string) string {
	from, to := strings.Split(dir[1:], "/"), strings.Split(target[1:], "/")
	for len(from) > 0 && len(to) > 1 && from[0] == to[0] {
		from, to = from[1:], to[1:]
	}
	return strings.Repeat("../", len(from)) + strings.Join(to, "/")
}

func depmodHook(s *System) ([]Hook, string) {
	if s.Search != nil {
		return nil, fmt.Sprintf("the search order names weak-updates: %s", strings.Join(s.Search, " "))
	}
	return []Hook{s.file("/etc/depmod.d/"+s.depmodName, 0o644, "depmod")}, ""
}

func kernelInstallHook(s *System) ([]Hook, string) {
	dir := "/usr/lib/kernel/install.d"
	if !s.has(dir) && !s.exists("/usr/bin/kernel-install") {
		return nil, "no kernel-install there"
	}
	return []Hook{s.file(dir+"/45-modkeep.install", 0o755, "kernel-install")}, ""
}

func etcKernelHooks(s *System) ([]Hook, string) {
	if s.Family != Debian {
		return nil, "not a Debian system"
	}
	return []Hook{
		s.file("/etc/kernel/postinst.d/dkms-modkeep", 0o755, "kernel-postinst"),
		s.file("/etc/kernel/prerm.d/modkeep", 0o755, "kernel-prerm"),
		s.file("/etc/kernel/postrm.d/modkeep", 0o755, "kernel-postrm"),
	}, ""
}

func dpkgHook(s *System) ([]Hook, string) {
	if !s.exists("/var/lib/dpkg/status") {
		return nil, "no dpkg there"
	}
	return []Hook{s.file("/etc/dpkg/dpkg.cfg.d/modkeep", 0o644, "dpkg")}, ""
}

func aptHook(s *System) ([]Hook, string) {
	if !s.has("/etc/apt/apt.conf.d") {
		return nil, "no /etc/apt/apt.conf.d there"
	}
	return []Hook{s.file("/etc/apt/apt.conf.d/70modkeep", 0o644, "apt")}, ""
}

func dnfHooks(s *System) ([]Hook, string) {
	if s.dnfPlugins == "" {
		return nil, "no dnf 4 there"
	}
	return []Hook{
		s.file(s.dnfPlugins+"/modkeep.py", 0o644, "dnf.py"),
		s.file("/etc/dnf/plugins/modkeep.conf", 0o644, "dnf.conf"),
	}, ""
}

func dnf5Hook(s *System) ([]Hook, string) {
	dir := "/etc/dnf/libdnf5-plugins"
	if !s.has(dir) && !s.exists("/usr/bin/dnf5") {
		return nil, "no dnf 5 there"
	}
	return []Hook{s.file(dir+"/actions.d/modkeep.actions", 0o644, "dnf5")}, ""
}

func macrosHook(s *System) ([]Hook, string) {
	if !s.has("/usr/lib/rpm") {
		return nil, "no rpm there"
	}
	return []Hook{s.file("/usr/lib/rpm/macros.d/macros.modkeep", 0o644, "macros")}, ""
}

func fileattrsHook(s *System) ([]Hook, string) {
	if !s.has("/usr/lib/rpm/fileattrs") {
		return nil, "no rpmbuild there"
	}
	text := strings.ReplaceAll(rpm.Attr, "%{_bindir}/modkeep", "%{modkeep_program}")
	return []Hook{{Path: rpm.AttrFile, Mode: 0o644, Data: []byte(text)}}, ""
}

func unitHooks(s *System) ([]Hook, string) {
	if s.units == "" {
		return nil, "no systemd there"
	}
	const name = "modkeep-check.service"
	return []Hook{
		s.file(s.units+"/"+name, 0o644, "unit"),
		{Path: "/etc/systemd/system/multi-user.target.wants/" + name, Target: s.units + "/" + name},
	}, ""
}

// file is a hook whose content is the file of that name below data.
func (s *System) file(p string, mode fs.FileMode, name string) Hook {
	text, err := data.ReadFile("data/" + name)
	if err != nil {
		panic(err) // the files are in the binary
	}
	return Hook{Path: p, Mode: mode, Data: text}
}

// fill puts what is known of the system into a file's text.
func (s *System) fill(text []byte) []byte {
	return []byte(strings.NewReplacer("@MODKEEP@", s.Program, "@SEARCH@", s.searchLine).Replace(string(text)))
}

// plainPath is a path that stands for itself in every language the hooks are
// written in.
var plainPath = pattern.New(`^(/[A-Za-z0-9_+,.-]+)+$`)
