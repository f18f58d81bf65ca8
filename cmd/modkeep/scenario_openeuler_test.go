package main

import "testing"

// The openEuler case: modules were built for the kernel that a machine was
// installed with; it runs a later one, for which OFED and a module with the
// bounded string functions were installed. weak-modules of that time looked
// for exports in the symvers of the later kernel and in extra of the earlier
// one, and refused all three.
var openEuler = []string{"4.19.90-2012.5.0.0054.oe1.x86_64", "4.19.90-2109.1.0.0108.oe1.x86_64"}

const (
	urma = `
		file /etc/os-release ID="openEuler"
		kernel K1
		vmlinux printk@a kfree@b
		kernel/drivers/infiniband/core/ib_core.ko printk@a +ib_register_client@1 +ib_unregister_client@2
		extra/urma/ubcore.ko printk@a kfree@b memcpy_s@51 memset_s@52 snprintf_s@53 +ubcore_register_device@81
		extra/urma/uburma.ko printk@a memcpy_s@51 ubcore_register_device@81
		extra/urma/uboib.ko printk@a ib_register_client@77 ib_unregister_client@78 backport_dependency_symbol@79 ubcore_register_device@81
		kernel K2
		vmlinux printk@a kfree@b
		kernel/drivers/infiniband/core/ib_core.ko printk@a +ib_register_client@1 +ib_unregister_client@2
	`
	urmaAdd = "add K1/extra/urma/ubcore.ko K1/extra/urma/uburma.ko K1/extra/urma/uboib.ko"
)

// urmaIn is the case with the providers in directories of the later kernel.
// An in-tree ib_core loses to extra and updates alone.
func urmaIn(name, ofed, secure, suffix, form string) scenario {
	path := func(dir, module string) string { return dir + "/" + module + ".ko" + suffix }
	core, compat, lib := path(ofed, "ib_core"), path(secure, "mlx_compat"), path(secure, "securec")
	return scenario{
		name: name, in: "weak-modules rhel", k: openEuler,
		tree: urma +
			core + " printk@a backport_dependency_symbol@79 +ib_register_client@77 +ib_unregister_client@78 crc=" + form + "\n" +
			compat + " printk@a +backport_dependency_symbol@79 crc=" + form + "\n" +
			lib + " printk@a +memcpy_s@51 +memset_s@52 +snprintf_s@53 crc=" + form,
		do: []action{{
			do:    urmaAdd,
			links: "K2 extra/urma/ubcore.ko K1\nK2 extra/urma/uburma.ko K1\nK2 extra/urma/uboib.ko K1",
			deps: `
				K2 ~extra/urma/ubcore.ko: ` + lib + `
				K2 ~extra/urma/uburma.ko: ~extra/urma/ubcore.ko ` + lib + `
				K2 ~extra/urma/uboib.ko: ~extra/urma/ubcore.ko ` + lib + " " + core + " " + compat,
			says: `
				Module ubcore.ko from kernel K1 is compatible with kernel K2
				Module uburma.ko from kernel K1 is compatible with kernel K2
				Module uboib.ko from kernel K1 is compatible with kernel K2`,
		}},
	}
}

func TestScenarioOpenEuler(t *testing.T) {
	rows := []scenario{
		urmaIn("openEuler/plain in extra", "extra/ofed", "extra/sec", "", "absolute"),
		urmaIn("openEuler/xz", "extra/ofed", "extra/sec", ".xz", "absolute"),
		urmaIn("openEuler/zst", "extra/ofed", "extra/sec", ".zst", "absolute"),
		urmaIn("openEuler/relative CRCs", "extra/ofed", "extra/sec", "", "relative"),
		urmaIn("openEuler/updates", "updates", "updates", "", "absolute"),
		urmaIn("openEuler/updates, xz, relative CRCs", "updates/a/b", "updates", ".xz", "relative"),
		urmaIn("openEuler/a directory of the vendor", "updates", "vendor/drv", "", "absolute"),
		{
			name: "openEuler/the provider is not there", in: "weak-modules rhel", k: openEuler,
			tree: urma,
			do: []action{{
				do: urmaAdd,
				says: `
					Module ubcore.ko from kernel K1 is not compatible with kernel K2 in symbols: memcpy_s memset_s snprintf_s
					Module uburma.ko from kernel K1 is not compatible with kernel K2 in symbols: memcpy_s ubcore_register_device
					Module uboib.ko from kernel K1 is not compatible with kernel K2 in symbols: backport_dependency_symbol ib_register_client ib_unregister_client ubcore_register_device`,
				refused: `
					K2 K1/extra/urma/ubcore.ko missing memcpy_s
					K2 K1/extra/urma/uburma.ko provider ubcore_register_device
					K2 K1/extra/urma/uboib.ko crc ib_register_client 0x00000077 0x00000001 ib_core`,
			}},
		},
		{
			// The article's repair takes exports from every file that find sees,
			// the one in extra too, which updates hides from modprobe.
			name: "openEuler/a provider that loses at load time", in: "weak-modules rhel", k: openEuler,
			tree: urma + `
				extra/ofed/ib_core.ko printk@a +ib_register_client@77 +ib_unregister_client@78
				updates/ib_core.ko printk@a +ib_register_client@5 +ib_unregister_client@6
				extra/ofed/mlx_compat.ko printk@a +backport_dependency_symbol@79
				extra/securec.ko printk@a +memcpy_s@51 +memset_s@52 +snprintf_s@53`,
			do: []action{{
				do:      urmaAdd,
				links:   "K2 extra/urma/ubcore.ko K1\nK2 extra/urma/uburma.ko K1",
				refused: "K2 K1/extra/urma/uboib.ko crc ib_register_client 0x00000077 0x00000005 ib_core",
				says:    "Module uboib.ko from kernel K1 is not compatible with kernel K2 in symbols: ib_register_client ib_unregister_client",
			}},
		},
		{
			// It takes the exports of files that cannot be loaded themselves.
			name: "openEuler/a provider that does not load", in: "weak-modules rhel", k: openEuler,
			tree: urma + `
				extra/ofed/ib_core.ko printk@a +ib_register_client@77 +ib_unregister_client@78
				extra/ofed/mlx_compat.ko printk@a +backport_dependency_symbol@79
				extra/securec.ko printk@bad +memcpy_s@51 +memset_s@52 +snprintf_s@53`,
			do: []action{{
				do: urmaAdd,
				refused: `
					K2 K1/extra/urma/ubcore.ko provider memcpy_s - - securec
					K2 K1/extra/urma/uburma.ko provider memcpy_s - - securec
					K2 K1/extra/urma/uboib.ko provider ubcore_register_device - - ubcore`,
			}},
		},
		{
			// And those of the earlier kernel's extra, whether they can be had
			// on the later one or not.
			name: "openEuler/a provider of the earlier kernel that cannot be linked", in: "weak-modules rhel", k: openEuler,
			tree: `
				kernel K1
				vmlinux printk@a kfree@b
				extra/securec.ko printk@a kfree@b +memcpy_s@51
				extra/urma/ubcore.ko printk@a memcpy_s@51
				kernel K2
				vmlinux printk@a kfree@c`,
			do: []action{{
				do: "add K1/extra/urma/ubcore.ko K1/extra/securec.ko",
				refused: `
					K2 K1/extra/securec.ko crc kfree 0x0000000b 0x0000000c
					K2 K1/extra/urma/ubcore.ko provider memcpy_s - - securec`,
				says: "Module ubcore.ko from kernel K1 is not compatible with kernel K2 in symbols: memcpy_s",
			}},
		},
	}
	for _, s := range rows {
		s.run(t)
	}
}
