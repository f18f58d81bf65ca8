package kbuild

import (
	"path/filepath"
	"slices"
	"testing"

	"modkeep/internal/kerneltest/made"
)

// TestInstalledProviders: a table below usr/src counts where the kernel has its
// modules with the same CRCs.
func TestInstalledProviders(t *testing.T) {
	const krel = "6.1.0-9-amd64"
	root, err := made.ParseRoot(`
		kernel ` + krel + `
			vmlinux printk@a module_layout@b
			extra/ofa/ib_core.ko printk@a +ib_reg@11 +ib_unreg@12
	`)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := root.Write(dir); err != nil {
		t.Fatal(err)
	}
	row := func(crc, symbol, module string) string {
		return "0x000000" + crc + "\t" + symbol + "\t" + module + "\tEXPORT_SYMBOL\t\n"
	}
	lay(t, dir, map[string]string{
		"usr/src/ofa_kernel/x86_64/" + krel + "/Module.symvers": row("11", "ib_reg", "/b/ib_core") + row("12", "ib_unreg", "/b/ib_core"),
		"usr/src/ofa_kernel/default":                            "-> x86_64/" + krel,
		"usr/src/old_kernel/Module.symvers":                     row("99", "ib_reg", "/b/ib_core"),
		"usr/src/unknown/Module.symvers":                        row("11", "x", "/b/not_installed"),
		"usr/src/broken/Module.symvers":                         "nonsense\n",
		"usr/src/linux-headers-" + krel + "/Module.symvers":     row("11", "ib_reg", "/b/ib_core"),
		"usr/src/linux-headers-" + krel + "/include/config/x":   "",
	})
	got, err := installedProviders(dir, &Headers{Release: krel})
	want := []string{filepath.Join(dir, "usr/src/ofa_kernel/x86_64", krel, "Module.symvers")}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if got, err = installedProviders(dir, &Headers{Release: "6.1.0-8-amd64"}); err != nil || len(got) > 0 {
		t.Errorf("of a kernel that is not installed: %q, %v", got, err)
	}
}
