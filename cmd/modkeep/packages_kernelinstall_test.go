package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
)

// TestKernelInstall lets systemd's kernel-install run our plug-in between its
// own. What stands after it makes a boot entry; it must not be reached where
// the gate refuses.
func TestKernelInstall(t *testing.T) {
	r := newBareRoot(t, el9+`
		file /etc/machine-id 0123456789abcdef0123456789abcdef
		file /boot/vmlinuz x
		file /etc/modkeep/policy.yaml version: 1\ngate: strict\nmodules:\n  - name: prov\n    required: true
		dir /usr/lib/kernel/install.d
		dir /var/tmp`, "kernel-install")
	program, err := exec.LookPath("kernel-install")
	r.must(err)
	script, err := os.ReadFile(program)
	r.must(err)
	if !strings.HasPrefix(string(script), "#!/bin/sh") {
		oracle.Missing(t, "kernel-install is no script here")
	}
	r.must(os.WriteFile(r.path("usr/bin/kernel-install"), script, 0o755))
	for _, applet := range []string{"mktemp", "mountpoint", "basename", "dirname", "cut", "tr", "printf", "["} {
		r.must(os.Symlink("busybox", r.path("usr/bin/"+applet)))
	}
	r.copy("/usr/lib/kernel/install.d/50-depmod.install", "usr/lib/kernel/install.d/50-depmod.install")
	entry := "#!/bin/sh\ncase $1 in add) touch /boot/entry-$2;; remove) rm -f /boot/entry-$2;; esac\n"
	r.must(os.WriteFile(r.path("usr/lib/kernel/install.d/90-loaderentry.install"), []byte(entry), 0o755))
	r.inside("/usr/bin/modkeep", "hooks", "install")
	for _, text := range []string{kernelOne + "\nextra/prov/prov.ko printk@a moved@c", kernelThree, kernelTwo} {
		_, err := made.Write(r.dir, text)
		r.must(err)
	}
	has := func(krel string) bool {
		_, err := os.Stat(r.path("boot/entry-" + krel))
		return err == nil
	}
	for _, krel := range []string{k1, k3} {
		r.inside("kernel-install", "add", krel, "/boot/vmlinuz")
		if !has(krel) {
			t.Errorf("%s got no boot entry", krel)
		}
	}
	r.inside("depmod", k2)
	linked := `
		` + k1 + ` dep extra/prov/prov.ko:
		` + k3 + ` link prov/prov.ko -> /lib/modules/` + k1 + `/extra/prov/prov.ko
		` + k3 + ` dep weak-updates/prov/prov.ko:`
	r.expect("add", linked)
	out, err := r.try("chroot", r.dir, "kernel-install", "add", k2, "/boot/vmlinuz")
	if err == nil || has(k2) {
		t.Errorf("a kernel that leaves a required module behind got a boot entry under gate: strict (%v):\n%s", err, out)
	}
	said(t, out, "modkeep: kernel "+k2+" would be without a required module: refused (gate: strict in /etc/modkeep/policy.yaml)")
	r.inside("kernel-install", "remove", k3)
	if has(k3) {
		t.Errorf("%s still has its boot entry", k3)
	}
	r.expect("remove", k1+" dep extra/prov/prov.ko:")

	// Without modkeep the plug-in is nothing.
	r.must(os.Remove(r.path("usr/bin/modkeep")))
	r.inside("kernel-install", "add", k2, "/boot/vmlinuz")
	if !has(k2) {
		t.Errorf("%s got no boot entry without modkeep", k2)
	}
}
