package weakupdates

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/depmod"
)

// Layout says where below weak-updates a link stands.
type Layout string

// The layouts.
const (
	// RHEL drops the donor's first directory: extra/foo/foo.ko is linked as
	// weak-updates/foo/foo.ko.
	RHEL Layout = "rhel"
	// SUSE keeps it: weak-updates/extra/foo/foo.ko.
	SUSE Layout = "suse"
	// Other is RHEL's layout on a distribution whose depmod.d has no word of
	// weak-updates.
	Other Layout = "other"
)

const linkDir = "weak-updates"

// place returns where a donor's link stands, below the target's module
// directory.
func (l Layout) place(rel string) string {
	if l != SUSE {
		if _, rest, ok := strings.Cut(rel, "/"); ok {
			rel = rest
		}
	}
	return path.Join(linkDir, rel)
}

// DetectLayout tells the layout of a root by its os-release, else by the search
// line of its depmod.d.
func DetectLayout(root string, config *depmod.Config) Layout {
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		text, err := depmod.ReadFile(root, name, 1<<20)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			if key != "ID" && key != "ID_LIKE" {
				continue
			}
			for _, id := range strings.Fields(strings.Trim(value, `"'`)) {
				switch {
				case id == "suse" || id == "opensuse" || id == "sles" || strings.HasPrefix(id, "opensuse-") || strings.HasPrefix(id, "sle"):
					return SUSE
				case slices.Contains([]string{"rhel", "fedora", "centos", "openEuler", "openeuler", "anolis", "amzn", "ol"}, id):
					return RHEL
				case id == "debian" || id == "ubuntu":
					// Whatever the search line says: it is our own.
					return Other
				}
			}
		}
		break
	}
	weak, builtIn := slices.Index(config.Search, linkDir), slices.Index(config.Search, depmod.BuiltIn)
	switch {
	case weak < 0:
		return Other
	case builtIn >= 0 && weak < builtIn:
		return SUSE
	}
	return RHEL
}

// text returns what a link at a path holds to lead to a target, both inside the
// root. In "/" it is the target itself, as weak-modules writes it; elsewhere
// it is relative, because depmod -b follows absolute links outside the root.
func (r *Root) text(link, target string) string {
	if r.running() {
		return target
	}
	rel, err := filepath.Rel(path.Dir(link), target)
	if err != nil {
		return target
	}
	return rel
}

func (r *Root) running() bool { return filepath.Clean(r.Dir) == "/" }
