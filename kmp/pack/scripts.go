package pack

import (
	"strings"

	"modkeep/kmp"
)

// Scriptlets name the package's modules themselves, so that they need no package
// manager to ask, which a bare root may not have. Names of files and kernels
// were checked to be plain words.

// moduleScripts returns the scriptlets of a package of modules.
func (p *Product) moduleScripts(pkg *kmp.Package, krel string, list []placed) []kmp.Script {
	var files strings.Builder
	for _, m := range list {
		files.WriteString(m.at + "\n")
	}
	fill := strings.NewReplacer("@KREL@", krel, "@NVR@", pkg.Name+"-"+pkg.Version+"-"+pkg.Release, "@MODULES@\n", files.String(),
		"@INDEX@\n", strings.ReplaceAll(index, "@KREL@", krel), "@INITRAMFS@\n", p.initramfs(krel))
	script := func(name, text string) kmp.Script {
		return kmp.Script{Name: name, Interpreter: "/bin/sh", Text: fill.Replace(text)}
	}
	switch p.Form {
	case SUSE:
		return []kmp.Script{script("post", suseAdd), script("postun", suseRemove), script("posttrans", suseLast)}
	case Kernel:
		return []kmp.Script{script("post", kernelChanged), script("postun", kernelChanged)}
	case Deb:
		return []kmp.Script{script("postinst", debAdd), script("postrm", debRemove)}
	}
	return []kmp.Script{script("post", rhelAdd), script("postun", rhelRemove)}
}

// initramfs is what makes the initramfs again, where that is asked for. It is
// the distribution's own program that knows how.
func (p *Product) initramfs(krel string) string {
	if !p.Initramfs {
		return ""
	}
	return strings.ReplaceAll(initramfs, "@KREL@", krel)
}

// The index is made again where the kernel is there: the directory of one that
// was removed before has nothing but our modules.
const (
	index = `    if [ -e /lib/modules/@KREL@/modules.builtin ] || [ -e /lib/modules/@KREL@/modules.order ]; then
        depmod -a @KREL@
    fi
`
	initramfs = `    if [ -e /boot/vmlinuz-@KREL@ ] && command -v update-initramfs >/dev/null 2>&1; then
        update-initramfs -u -k @KREL@
    elif [ -e /lib/modules/@KREL@/modules.builtin ] && command -v dracut >/dev/null 2>&1; then
        dracut -f --kver @KREL@
    fi
`
	// weak-modules makes the index of each kernel that it changes, and of that
	// which the modules were built for.
	rhelAdd = `modules() {
    cat <<'MODULES'
@MODULES@
MODULES
}
if [ -x /usr/sbin/weak-modules ]; then
    modules | /usr/sbin/weak-modules --add-modules
elif command -v modkeep >/dev/null 2>&1; then
    modules | modkeep weak-modules --add-modules
else
@INDEX@
fi
`
	// As the package is replaced by a newer one of the same modules this runs last:
	// only links are removed whose modules are gone.
	rhelRemove = `modules() {
    cat <<'MODULES'
@MODULES@
MODULES
}
if [ -x /usr/sbin/weak-modules ]; then
    modules | /usr/sbin/weak-modules --remove-modules
elif command -v modkeep >/dev/null 2>&1; then
    modules | modkeep weak-modules --remove-modules
else
@INDEX@
fi
`
	suseAdd = `wm2=/usr/lib/module-init-tools/weak-modules2
if [ -x $wm2 ]; then
    INITRD_IN_POSTTRANS=1 $wm2 --add-kmp @NVR@
elif command -v modkeep >/dev/null 2>&1; then
    INITRD_IN_POSTTRANS=1 modkeep weak-modules2 --add-kmp @NVR@
else
@INDEX@
fi
`
	suseRemove = `modules() {
    cat <<'MODULES'
@MODULES@
MODULES
}
wm2=/usr/lib/module-init-tools/weak-modules2
if [ -x $wm2 ]; then
    modules | INITRD_IN_POSTTRANS=1 $wm2 --remove-kmp @NVR@
elif command -v modkeep >/dev/null 2>&1; then
    modules | INITRD_IN_POSTTRANS=1 modkeep weak-modules2 --remove-kmp @NVR@
else
@INDEX@
fi
`
	suseLast = `if [ -x /usr/lib/module-init-tools/regenerate-initrd-posttrans ]; then
    /usr/lib/module-init-tools/regenerate-initrd-posttrans
fi
`
	kernelChanged = `{
@INDEX@
@INITRAMFS@
}
`
	debAdd = `set -e
if [ "$1" = configure ]; then
@INDEX@
@INITRAMFS@
fi
`
	debRemove = `set -e
if [ "$1" = remove ]; then
@INDEX@
@INITRAMFS@
fi
`
)
