package hooks

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/depmod"
)

// Family says whose customs a system follows.
type Family string

// The families.
const (
	RHEL   Family = "rhel" // Red Hat's and what comes of it, openEuler
	SUSE   Family = "suse"
	Debian Family = "debian"
	Other  Family = "other"
)

// System is what is known of the system below a root that matters for its
// hooks.
type System struct {
	Root    string
	Family  Family
	ID      string // of os-release; empty where there is none
	Program string // modkeep's path inside the root
	// Found says that Program is there; the hooks do nothing until it is.
	Found bool
	// Search is depmod's search order where it names weak-updates already,
	// else nil.
	Search []string

	searchLine, depmodName string   // what our depmod.d file says, and its name
	dnfPlugins, units      string   // directories; empty where there is no such thing
	stateDirs              []string // what is to be made for StatePath
}

// Options choose what detection would find out.
type Options struct {
	Family  Family // empty: by os-release and what is there
	Program string // empty: the first modkeep of the usual places, else /usr/bin/modkeep
}

// Detect looks at the system below a root. Only files are read.
func Detect(root string, o Options) (*System, error) {
	s := &System{Root: root, Family: o.Family, Program: o.Program}
	if info, err := os.Stat(root); err != nil {
		return nil, fmt.Errorf("look at the system: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("look at the system: %s: not a directory", root)
	}
	release := s.osRelease()
	s.ID = release["ID"]
	if s.Family == "" {
		s.Family = s.family(release)
	}
	if err := s.findProgram(); err != nil {
		return nil, err
	}
	s.dnfPlugins = s.firstDir("/usr/lib/python3*/site-packages/dnf-plugins", "/usr/lib/python3*/dist-packages/dnf-plugins")
	if s.dnfPlugins == "" {
		if dnf := s.firstDir("/usr/lib/python3*/site-packages/dnf", "/usr/lib/python3*/dist-packages/dnf"); dnf != "" {
			s.dnfPlugins = dnf + "-plugins"
		}
	}
	s.units = s.firstDir("/usr/lib/systemd/system", "/lib/systemd/system")
	var err error
	if s.stateDirs, err = s.missingDirs(StatePath); err != nil {
		return nil, fmt.Errorf("look at the system: %w", err)
	}
	return s, s.findSearch()
}

// findProgram chooses modkeep's path inside the root.
func (s *System) findProgram() error {
	places := []string{"/usr/bin/modkeep", "/usr/sbin/modkeep", "/usr/local/bin/modkeep", "/usr/local/sbin/modkeep"}
	if s.Program == "" {
		s.Program = places[0]
		if i := slices.IndexFunc(places, s.exists); i >= 0 {
			s.Program = places[i]
		}
	}
	if !plainPath.MatchString(s.Program) || path.Clean(s.Program) != s.Program {
		return fmt.Errorf("program %q: not an absolute path of plain characters", s.Program)
	}
	s.Found = s.exists(s.Program)
	return nil
}

// findSearch finds out whether depmod knows weak-updates, and what would make
// it: without any search line the default order with weak-updates above the
// kernel's own, as SUSE has it; where there is an order already weak-updates
// at its end, so that nothing that is selected today loses its place. Of
// several files depmod joins the lines in the order of their names.
func (s *System) findSearch() error {
	config, err := depmod.ReadConfig(s.Root)
	if err != nil {
		return fmt.Errorf("look at the system: %w", err)
	}
	for _, name := range []string{"modkeep.conf", "zz-modkeep.conf"} {
		if text, err := depmod.ReadFile(s.Root, "/etc/depmod.d/"+name, maxFile); err == nil {
			// What our own file says is no order of the distribution's.
			own := &depmod.Config{}
			own.Parse(bytes.NewReader(text), name)
			config.Search = without(config.Search, own.Search)
		}
	}
	switch {
	case slices.Contains(config.Search, "weak-updates"):
		s.Search = config.Search
	case len(config.Search) == 0:
		s.searchLine, s.depmodName = "updates weak-updates built-in", "modkeep.conf"
	default:
		s.searchLine, s.depmodName = "weak-updates", "zz-modkeep.conf"
	}
	return nil
}

// without takes one run of words out of a list.
func without(list, words []string) []string {
	for i := range list {
		if len(words) > 0 && i+len(words) <= len(list) && slices.Equal(list[i:i+len(words)], words) {
			return slices.Delete(slices.Clone(list), i, i+len(words))
		}
	}
	return list
}

// family judges by os-release; where that is missing or says nothing, by the
// package manager's database.
func (s *System) family(release map[string]string) Family {
	for _, id := range strings.Fields(release["ID"] + " " + release["ID_LIKE"]) {
		switch id {
		case "rhel", "fedora", "centos", "openEuler", "openeuler", "anolis", "ol", "amzn", "kylin", "bclinux":
			return RHEL
		case "suse", "opensuse", "sles", "sle-micro", "opensuse-leap", "opensuse-tumbleweed":
			return SUSE
		case "debian", "ubuntu":
			return Debian
		}
	}
	switch {
	case s.exists("/var/lib/dpkg/status"):
		return Debian
	case s.exists(suseTools + "/weak-modules2"):
		return SUSE
	case s.has("/var/lib/rpm") || s.has("/usr/lib/sysimage/rpm"):
		return RHEL
	}
	return Other
}

// osRelease reads os-release(5); nothing of it is needed.
func (s *System) osRelease() map[string]string {
	values := map[string]string{}
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		text, err := depmod.ReadFile(s.Root, name, maxFile)
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		for lines.Scan() {
			if key, value, ok := strings.Cut(lines.Text(), "="); ok {
				values[key] = strings.Trim(value, `"'`)
			}
		}
		break
	}
	return values
}

// maxFile bounds the files that are read: configuration, manifests, hooks.
const maxFile = 1 << 20

// exists reports whether there is something at a path inside the root, a
// dangling link included.
func (s *System) exists(p string) bool {
	_, err := lstat(s.Root, p)
	return err == nil
}

// has reports whether there is a directory at a path inside the root.
func (s *System) has(p string) bool {
	real, err := depmod.Resolve(s.Root, p)
	if err != nil {
		return false
	}
	info, err := os.Lstat(filepath.Join(s.Root, real))
	return err == nil && info.IsDir()
}

// firstDir returns the last directory, as text sorts, that the first of the
// patterns matches that matches any.
func (s *System) firstDir(patterns ...string) string {
	for _, pattern := range patterns {
		dir, names := path.Split(strings.TrimSuffix(pattern, "/"))
		before, after, starred := strings.Cut(dir, "*/")
		if !starred {
			if s.has(pattern) {
				return pattern
			}
			continue
		}
		parent, prefix := path.Split(before)
		for _, name := range slices.Backward(s.list(parent)) {
			if p := path.Join(parent, name, after, names); strings.HasPrefix(name, prefix) && s.has(p) {
				return p
			}
		}
	}
	return ""
}

// list returns the names in a directory inside the root, sorted; none where it
// cannot be listed.
func (s *System) list(p string) []string {
	real, err := depmod.Resolve(s.Root, p)
	if err != nil {
		return nil
	}
	entries, _ := os.ReadDir(filepath.Join(s.Root, real))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// lstat looks at the last component of a path inside the root without
// following it; those before it are followed inside the root.
func lstat(root, p string) (fs.FileInfo, error) {
	host, err := onHost(root, p)
	if err != nil {
		return nil, err
	}
	return os.Lstat(host)
}

// onHost returns where a path inside the root is on this machine, its last
// component not followed.
func onHost(root, p string) (string, error) {
	real, err := depmod.Resolve(root, path.Dir(p))
	if err != nil {
		return "", err
	}
	return filepath.Join(root, real, path.Base(p)), nil
}

// missingDirs returns the directories that must be made for dir to be there,
// the outermost first.
func (s *System) missingDirs(dir string) ([]string, error) {
	var missing []string
	for ; dir != "/"; dir = path.Dir(dir) {
		_, err := depmod.Resolve(s.Root, dir)
		if err == nil {
			if !s.has(dir) {
				return nil, fmt.Errorf("%s: not a directory", dir)
			}
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if s.exists(dir) {
			return nil, fmt.Errorf("%s: a dangling link", dir)
		}
		missing = append(missing, dir)
	}
	slices.Reverse(missing)
	return missing, nil
}
