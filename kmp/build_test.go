package kmp

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/oracle"
)

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, errOut.String())
	}
	return string(out)
}

// tinyModule is a relocatable ELF file that has .modinfo and nothing else.
func tinyModule(modinfo ...string) []byte {
	names := "\x00.modinfo\x00.shstrtab\x00"
	info := strings.Join(modinfo, "\x00") + "\x00"
	var b bytes.Buffer
	put := func(v ...any) {
		for _, x := range v {
			binary.Write(&b, binary.LittleEndian, x)
		}
	}
	b.WriteString("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	put(uint16(1), uint16(62), uint32(1), uint64(0), uint64(0), uint64(64+len(info)+len(names)), uint32(0),
		uint16(64), uint16(0), uint16(0), uint16(64), uint16(3), uint16(2))
	b.WriteString(info + names)
	section := func(name, kind uint32, flags, offset, size uint64) {
		put(name, kind, flags, uint64(0), offset, size, uint32(0), uint32(0), uint64(1), uint64(0))
	}
	section(0, 0, 0, 0, 0)
	section(1, 1, 2, 64, uint64(len(info)))
	section(10, 3, 0, uint64(64+len(info)), uint64(len(names)))
	return b.Bytes()
}

const (
	oldKernel = "4.19.90-2012.5.0.0054.oe1.x86_64"
	symvers   = "0x1234abcd\tubcore_register\tubcore\tEXPORT_SYMBOL_GPL\t\n"
)

var ubcore = tinyModule("license=GPL", "vermagic="+oldKernel+" SMP mod_unload modversions ", "name=ubcore")

// tree is what the test packages install.
func tree(t testing.TB) string {
	root := t.TempDir()
	files := map[string]string{
		"lib/modules/" + oldKernel + "/extra/urma/ubcore.ko": string(ubcore),
		"lib/modules/" + oldKernel + "/extra/urma/broken.ko": "this is no module",
		"etc/modules-load.d/ubcore.conf":                     "ubcore\n",
		"etc/modprobe.d/ubcore.conf":                         "options ubcore debug=1\n",
		"etc/depmod.d/ubcore.conf":                           "override ubcore * extra/urma\n",
		"usr/lib/systemd/system/uboib-module.service":        "[Unit]\nDescription=uboib\n",
		"usr/src/ubcore/Module.symvers":                      symvers,
		"usr/share/doc/urma/README":                          strings.Repeat("nothing of interest\n", 100),
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(root, "lib/modules", oldKernel, "extra/urma")
	if err := os.Symlink("ubcore.ko", filepath.Join(dir, "alias.ko")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "ubcore.ko"), filepath.Join(dir, "twin.ko")); err != nil {
		t.Fatal(err)
	}
	return root
}

// spec has the faults of the package in which they were first seen: a macro
// that rpmbuild does not know stays in the scriptlet.
const spec = `Name: umdk-urma-kmod
Version: 1.3.0
Release: 206.3.0.B130
Epoch: 2
Summary: tiny modules
License: GPL
Vendor: Nobody
URL: https://example.org/urma
Group: System/Kernel
Packager: Some One <some@example.org>
Requires(post): kmod
BuildArch: noarch
AutoReqProv: no
Requires: ksym(memcpy_s) = 0x11223344
Requires: kernel(printk) = 0xdd132261
Requires: kmod(ib_core.ko)
Provides: ksym(ubcore_register) = 0x1234abcd
Provides: kernel-modules >= 4.19.90
Provides: modalias(pci:v000019E5d*)
Recommends: umdk-urma-tools
Suggests: other < 3
Supplements: modalias(pci:v000019E5d*)
Enhances: another
Conflicts: old-urma <= 1.0
Obsoletes: older-urma < 0.5

%description
tiny

%install
cp -a TREE/. %{buildroot}/

%pretrans -p <lua>
x = string.gsub("a", "%a", "b")

%pre
echo "installing $1"

%post
# %comment
%kernel_module_post_macro -x
if [ -x /sbin/weak-modules ]; then
	find /lib/modules/` + oldKernel + ` -name '*.ko' | /sbin/weak-modules --add-modules --no-initramfs
fi
depmod -a %{unknown_kernel_release} || :
rpm -q --qf '%%{VERSION}\n' kernel
date +%%Y

%preun
rpm -ql umdk-urma-kmod | grep '\.ko$' > /run/x

%postun
/sbin/weak-modules --remove-modules < /run/x

%posttrans
/usr/bin/dracut -f

%triggerin -- kernel-core >= 4.19, kernel
dkms autoinstall

%triggerpostun -- kernel < 4
true

%filetriggerin -- /lib/modules
depmod -a

%transfiletriggerin -p <lua> -- /usr/lib/modules /etc/depmod.d
x = 1

%files
/lib/modules
/etc
/usr
%config(noreplace) /etc/modprobe.d/ubcore.conf
%ghost /var/lib/urma

%changelog
* Mon Nov 02 2026 Some One <some@example.org> - 1.3.0-206
- a change
- another

* Sun Nov 01 2026 Some One <some@example.org> - 1.3.0-205
- the first
`

// buildRPM makes a package with the payload compressed by a method of rpm's.
func buildRPM(t testing.TB, method string) string {
	t.Helper()
	oracle.Tool(t, "rpmbuild")
	oracle.Tool(t, "rpm")
	top := t.TempDir()
	name := filepath.Join(top, "urma.spec")
	if err := os.WriteFile(name, []byte(strings.Replace(spec, "TREE", tree(t), 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "rpmbuild", "-bb", "--quiet", "--define", "_topdir "+top, "--define", "_buildhost localhost", "--define", "_binary_payload "+method,
		"--define", "__os_install_post %{nil}", "--define", "debug_package %{nil}", name)
	built, err := filepath.Glob(filepath.Join(top, "RPMS/noarch/*.rpm"))
	if err != nil || len(built) != 1 {
		t.Fatalf("rpmbuild made %q, %v", built, err)
	}
	return built[0]
}

const control = `Package: urma-modules
Version: 2:1.3.0-206
Architecture: all
Maintainer: Nobody <nobody@example.org>
Pre-Depends: dpkg (>= 1.17)
Depends: kmod, linux-image-6.1 (= 6.1.192-2) | linux-image-cloud,
 libc6 (>> 2.30)
Provides: urma (= 1.3)
Breaks: old-urma (<< 1.0)
Replaces: old-urma (<< 1.0)
Homepage: https://example.org/urma
Section: kernel
Source: urma-src
Installed-Size: 123
Description: tiny modules
 and a longer text: with a colon
 .
   indented
`

func buildDeb(t testing.TB, method string) string {
	t.Helper()
	oracle.Tool(t, "dpkg-deb")
	root := tree(t)
	scripts := map[string]string{
		"control":   control,
		"postinst":  "#!/bin/sh\nset -e\ndepmod -a " + oldKernel + "\nupdate-initramfs -u\n",
		"prerm":     "#!/bin/sh\nmodprobe -r ubcore || true\n",
		"conffiles": "/etc/modprobe.d/ubcore.conf\n",
		"triggers":  "# a comment\ninterest-noawait /lib/modules\n",
	}
	if err := os.Mkdir(filepath.Join(root, "DEBIAN"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(root, "DEBIAN", name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "urma.deb")
	run(t, "dpkg-deb", "--root-owner-group", "-Z"+method, "--build", root, out)
	return out
}
