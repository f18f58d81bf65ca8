package kbuild

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lay writes files below a directory; a text that begins with "-> " is the
// target of a link.
func lay(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(target, file)
		} else {
			err = os.WriteFile(file, []byte(text), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

const debianRelease = "ID=debian\n"

// debianHeaders are the shape of Debian's header packages.
func debianHeaders(krel string) map[string]string {
	flavour := "usr/src/linux-headers-" + krel
	return map[string]string{
		"etc/os-release":                               debianRelease,
		"lib/modules/" + krel + "/modules.order":       "",
		"lib/modules/" + krel + "/build":               "-> /usr/src/linux-headers-" + krel,
		flavour + "/Makefile":                          "include /usr/src/linux-headers-common/Makefile\n",
		flavour + "/.config":                           "CONFIG_X86_64=y\nCONFIG_CC_VERSION_TEXT=\"gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0\"\n",
		flavour + "/include/config/kernel.release":     krel + "\n",
		flavour + "/scripts":                           "-> ../../lib/linux-kbuild/scripts",
		"usr/src/linux-headers-common/Makefile":        "# the kernel's\n",
		"usr/lib/linux-kbuild/scripts/mod/modpost":     "",
		"usr/lib/linux-kbuild/scripts/basic/fixdep":    "",
		"usr/src/linux-headers-common/include/linux/x": "",
	}
}

func TestFindHeaders(t *testing.T) {
	const krel = "6.1.0-9-amd64"
	without := func(names ...string) map[string]string {
		files := debianHeaders(krel)
		for _, n := range names {
			delete(files, n)
		}
		return files
	}
	with := func(files map[string]string, name, text string) map[string]string {
		files[name] = text
		return files
	}
	build, flavour := "lib/modules/"+krel+"/build", "usr/src/linux-headers-"+krel
	for _, tt := range []struct {
		name          string
		files         map[string]string
		want, install string
	}{
		{"there", debianHeaders(krel), "", ""},
		{"no link, the usual place", without(build), "", ""},
		{"dangling link", map[string]string{"etc/os-release": debianRelease, build: "-> /usr/src/linux-headers-" + krel},
			"no headers for kernel " + krel + ": /lib/modules/" + krel + "/build is a dangling link to /usr/src/linux-headers-" + krel, "linux-headers-" + krel},
		{"link that leads out of the root", map[string]string{"etc/os-release": debianRelease, build: "-> ../../../../../../etc"},
			"the headers of kernel " + krel + " are incomplete: /etc/Makefile is missing", "linux-headers-" + krel},
		{"no link", map[string]string{"etc/os-release": "ID=rocky\n", "lib/modules/" + krel + "/modules.order": ""},
			"no headers for kernel " + krel + ": there is no link /lib/modules/" + krel + "/build", "kernel-devel-" + krel},
		{"not installed", map[string]string{"etc/os-release": "ID=fedora\n"},
			"no headers for kernel " + krel + ": there is no module directory with a build link, and none in /usr/src", "kernel-devel-" + krel},
		{"common headers missing", without("usr/src/linux-headers-common/Makefile"),
			"the headers of kernel " + krel + " are incomplete: /usr/src/linux-headers-common/Makefile is missing", "linux-headers-common"},
		{"programs missing", without("usr/lib/linux-kbuild/scripts/mod/modpost"),
			"the headers of kernel " + krel + " are incomplete: /" + flavour + "/scripts/mod/modpost is missing", "linux-headers-" + krel},
		{"no configuration", without(flavour + "/.config"), "are incomplete: /" + flavour + "/.config is missing", "linux-headers-" + krel},
		{"configuration of nothing known", with(debianHeaders(krel), flavour+"/.config", "CONFIG_M68K=y\n"), "are incomplete: the architecture", "linux-headers-" + krel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			lay(t, root, tt.files)
			h, err := FindHeaders(root, krel)
			if tt.want == "" {
				if err != nil || h.Dir != "/"+flavour || h.Arch != "x86_64" {
					t.Fatalf("%+v, %v", h, err)
				}
				return
			}
			m := Missing(err)
			if m == nil || m.What != "headers" {
				t.Fatalf("%+v, %v; want what is missing", h, err)
			}
			if !strings.Contains(m.Text, tt.want) || m.Install != tt.install {
				t.Errorf("%q, install %q\nwant %q, %q", m.Text, m.Install, tt.want, tt.install)
			}
		})
	}
}

func TestHeadersPackage(t *testing.T) {
	for _, tt := range []struct{ distro, krel, want string }{
		{"debian", "6.1.0-56-amd64", "linux-headers-6.1.0-56-amd64"},
		{"ubuntu", "6.8.0-50-generic", "linux-headers-6.8.0-50-generic"},
		{"rhel", "5.14.0-503.el9.x86_64", "kernel-devel-5.14.0-503.el9.x86_64"},
		{"rhel", "5.14.0-503.el9.x86_64+rt", "kernel-rt-devel-5.14.0-503.el9.x86_64"},
		{"suse", "6.4.0-150600.23-default", "kernel-default-devel = 6.4.0-150600.23"},
		{"", "6.1.0", ""},
	} {
		if got := headersPackage(tt.distro, tt.krel); got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.distro, tt.krel, got, tt.want)
		}
	}
}

// TestFarm: makefiles find the parts of the headers where they are.
func TestFarm(t *testing.T) {
	const krel = "7.3.0-amd64"
	root := t.TempDir()
	files := debianHeaders(krel)
	files["usr/src/linux-headers-"+krel+"/Makefile"] = "KBUILD_OUTPUT=/usr/src/linux-headers-" + krel + "\ninclude /usr/src/linux-headers-common/Makefile\n"
	lay(t, root, files)
	h, err := FindHeaders(root, krel)
	if err != nil {
		t.Fatal(err)
	}
	farm := filepath.Join(t.TempDir(), "headers")
	if err := h.farm(farm); err != nil {
		t.Fatal(err)
	}
	if got, want := h.source(), root+"/usr/src/linux-headers-common"; got != want {
		t.Errorf("sources in %s, want %s", got, want)
	}
	text, err := os.ReadFile(filepath.Join(farm, "Makefile"))
	if want := "KBUILD_OUTPUT=" + farm + "\ninclude " + root + "/usr/src/linux-headers-common/Makefile\n"; string(text) != want || err != nil {
		t.Errorf("Makefile %q, %v; want %q", text, err, want)
	}
	for _, name := range []string{".config", "scripts/mod/modpost", "include/config/kernel.release"} {
		if _, err := os.Stat(filepath.Join(farm, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestWanted(t *testing.T) {
	for _, tt := range []struct {
		config string
		family string
		major  int
	}{
		{"CONFIG_CC_VERSION_TEXT=\"gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0\"", "gcc", 12},
		{"CONFIG_CC_VERSION_TEXT=\"x86_64-linux-gnu-gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0\"", "gcc", 12},
		{"CONFIG_CC_VERSION_TEXT=\"gcc (GCC) 11.4.1 20231218 (Red Hat 11.4.1-3)\"", "gcc", 11},
		{"CONFIG_CC_VERSION_TEXT=\"clang version 17.0.6 (Fedora 17.0.6-2.fc39)\"\nCONFIG_CC_IS_CLANG=y", "clang", 17},
		{"CONFIG_GCC_VERSION=80300", "gcc", 8},
		{"", "gcc", 0},
	} {
		c := parse(tt.config)
		if family, major, _ := wanted(c); family != tt.family || major != tt.major {
			t.Errorf("%s: %s %d, want %s %d", tt.config, family, major, tt.family, tt.major)
		}
	}
}

// TestFindCompiler: fake compilers that only tell their version.
func TestFindCompiler(t *testing.T) {
	fake := func(versions ...string) string {
		dir := t.TempDir()
		for _, v := range versions {
			name, number, _ := strings.Cut(v, " ")
			lay(t, dir, map[string]string{name: "#!/bin/sh\necho '" + name + " (Test) " + number + "'\n"})
		}
		return dir
	}
	for _, tt := range []struct{ name, dir, config, want string }{
		{"same", fake("gcc-11 11.3.0", "gcc-12 12.1.0", "gcc 13.2.0"), "gcc-12 12.2.0", "gcc-12"},
		{"next newer", fake("gcc-11 11.3.0", "gcc-13 13.1.0", "gcc-14 14.2.0"), "gcc-12 12.2.0", "gcc-13"},
		{"older", fake("gcc-10 10.3.0", "gcc-11 11.1.0"), "gcc-12 12.2.0", "gcc-11"},
		{"without number", fake("gcc 12.2.0"), "gcc-12 12.2.0", "gcc"},
	} {
		h := &Headers{Release: "K", Distro: "debian", Arch: native(), Config: parse(`CONFIG_CC_VERSION_TEXT="` + tt.config + `"`)}
		c, err := FindCompiler(t.Context(), h, []string{tt.dir})
		if err != nil || filepath.Base(c.Path) != tt.want {
			t.Errorf("%s: %+v, %v; want %s", tt.name, c, err, tt.want)
		} else if c.Exact != (c.Major == 12) || c.Exact == strings.Contains(c.String(), "nearest") {
			t.Errorf("%s: %s", tt.name, c)
		}
	}
	h := &Headers{Release: "K", Distro: "debian", Arch: native(), Config: parse(`CONFIG_CC_VERSION_TEXT="gcc-12 (Debian) 12.2.0"`)}
	_, err := FindCompiler(t.Context(), h, []string{t.TempDir()})
	if m := Missing(err); m == nil || m.Install != "gcc-12" || m.Text != "no gcc is installed; kernel K was compiled by gcc-12 (Debian) 12.2.0" {
		t.Errorf("%v", err)
	}
	h.Arch, h.Release = other(), "K2"
	_, err = FindCompiler(t.Context(), h, []string{fake("gcc-12 12.2.0")})
	if m := Missing(err); m == nil || !strings.HasPrefix(m.Install, "gcc-12-") || !strings.Contains(m.Install, "-linux-gnu") {
		t.Errorf("a compiler for this machine serves %s: %v", h.Arch, err)
	}
}
