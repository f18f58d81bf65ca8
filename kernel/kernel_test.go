package kernel

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"modkeep/symvers"

	"github.com/google/go-cmp/cmp"
)

const dir = "lib/modules/" + krel + "/"

type crcs = map[string]symvers.CRC

// root makes a kernel with each kind of provider.
func root(t *testing.T) string {
	root := t.TempDir()
	write(t, root, dir+"build/Module.symvers", strings.Join([]string{
		"0x00000001\tprintk\tvmlinux\tEXPORT_SYMBOL\t",
		"0x00000002\tin_tree\tdrivers/a/intree\tEXPORT_SYMBOL_GPL\t",
		"0x00000003\tpatched\tdrivers/a/patched\tEXPORT_SYMBOL\t",
		"0x00000004\tdropped\tdrivers/a/patched\tEXPORT_SYMBOL\t",
		"0x00000005\tsubpackage\tdrivers/b/sub-pkg\tEXPORT_SYMBOL\tNS_B",
		"0x00000006\ttwice\tdrivers/a/intree\tEXPORT_SYMBOL\t",
		"0x00000007\tlies\tdrivers/a/intree\tEXPORT_SYMBOL\t", ""}, "\n"))
	write(t, root, dir+"modules.order", "kernel/drivers/a/intree.ko\nkernel/drivers/a/patched.ko\n")
	write(t, root, dir+"kernel/drivers/a/intree.ko", inTree(crcs{"in_tree": 2, "twice": 6, "lies": 0x77}))
	write(t, root, dir+"kernel/drivers/a/patched.ko", inTree(crcs{"patched": 3, "dropped": 4}))
	write(t, root, dir+"kernel/drivers/a/unlisted.ko", inTree(crcs{"unlisted": 8}))
	write(t, root, dir+"kernel/drivers/a/foreign.ko", outOfTree(crcs{"foreign": 9}))
	write(t, root, dir+"updates/patched.ko", outOfTree(crcs{"patched": 0x33}))
	write(t, root, dir+"extra/twice.ko", outOfTree(crcs{"twice": 0x66, "new": 0xa, "printk": 0xbad}))
	write(t, root, "lib/modules/6.1.0-1-amd64/extra/weak.ko", outOfTree(crcs{"weak": 0xb}))
	link(t, root, dir+"weak-updates/weak.ko", "/lib/modules/6.1.0-1-amd64/extra/weak.ko")
	return root
}

func TestProvider(t *testing.T) {
	k := open(t, root(t))
	for _, tt := range []struct {
		symbol string
		state  State
		crc    symvers.CRC
		module string
		rel    string // of the file
		kind   Kind
	}{
		{"printk", Builtin, 1, "", "", Symvers}, // though extra/twice.ko has it too
		{"in_tree", Installed, 2, "intree", "kernel/drivers/a/intree.ko", ModuleFile},
		{"lies", Installed, 0x77, "intree", "kernel/drivers/a/intree.ko", ModuleFile}, // the file counts, not the table
		{"patched", Installed, 0x33, "patched", "updates/patched.ko", ModuleFile},
		{"dropped", Replaced, 4, "patched", "updates/patched.ko", Symvers},
		{"subpackage", NotInstalled, 5, "sub_pkg", "", Symvers},
		{"twice", Installed, 0x66, "twice", "extra/twice.ko", ModuleFile}, // later in modules.dep than in-tree ones
		{"new", Installed, 0xa, "twice", "extra/twice.ko", ModuleFile},
		{"foreign", Installed, 9, "foreign", "kernel/drivers/a/foreign.ko", ModuleFile},
		{"weak", Installed, 0xb, "weak", "weak-updates/weak.ko", ModuleFile},
	} {
		t.Run(tt.symbol, func(t *testing.T) {
			p, ok := k.Provider(tt.symbol)
			if !ok {
				t.Fatal("no provider")
			}
			rel := ""
			if p.File != nil {
				rel = p.File.Rel
			}
			if p.State != tt.state || p.Export.CRC != tt.crc || !p.Export.HasCRC || p.Module != tt.module || rel != tt.rel || p.Origin.Kind != tt.kind || p.Export.Symbol != tt.symbol {
				t.Errorf("got %+v (file %q), want %+v", p, rel, tt)
			}
		})
	}
	if p, ok := k.Provider("nowhere"); ok {
		t.Errorf("Provider(nowhere) = %+v", p)
	}
	if p, _ := k.Provider("subpackage"); p.Export.Namespace != "NS_B" || p.State.Loadable() {
		t.Errorf("Provider(subpackage) = %+v", p)
	}
}

// TestProviderUnlisted: a module of the kernel's own that its table does not
// know, as it is when only the image's exports were listed.
func TestProviderUnlisted(t *testing.T) {
	dir := root(t)
	k := open(t, dir)
	if p, ok := k.Provider("unlisted"); !ok || p.State != Installed || p.Export.CRC != 8 {
		t.Errorf("beside a table: %+v, %v", p, ok)
	}
	if err := os.Remove(filepath.Join(dir, "lib/modules", krel, "build/Module.symvers")); err != nil {
		t.Fatal(err)
	}
	k = open(t, dir)
	p, ok := k.Provider("unlisted")
	if !ok || p.State != Installed || p.Export.CRC != 8 {
		t.Errorf("without a table: %+v, %v", p, ok)
	}
	if _, o := k.Table(); o.Kind != ModuleFile || o.Trust == Exact {
		t.Errorf("origin without table and image: %+v", o)
	}
}

func TestProviders(t *testing.T) {
	k := open(t, root(t))
	rels := func(symbol string) (out []string) {
		for _, p := range k.Providers(symbol) {
			rel := string(p.State)
			if p.File != nil {
				rel = p.File.Rel
			}
			out = append(out, rel)
		}
		return out
	}
	for symbol, want := range map[string][]string{
		"printk":  {"builtin", "extra/twice.ko"},
		"twice":   {"extra/twice.ko", "kernel/drivers/a/intree.ko"},
		"patched": {"updates/patched.ko", "kernel/drivers/a/patched.ko"},
		"nowhere": nil,
	} {
		if d := cmp.Diff(want, rels(symbol)); d != "" {
			t.Errorf("Providers(%s): -want +got:\n%s", symbol, d)
		}
	}
}

func TestExports(t *testing.T) {
	k := open(t, root(t))
	list := func(set Set) string {
		all, err := k.Exports(set)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, p := range all {
			b.WriteString(p.Export.Symbol + " " + p.Export.CRC.String() + " " + string(p.State) + "\n")
		}
		return b.String()
	}
	want := map[Set]string{
		SetKernel: `dropped 0x00000004 replaced
in_tree 0x00000002 installed
lies 0x00000007 installed
patched 0x00000003 replaced
printk 0x00000001 builtin
subpackage 0x00000005 not-installed
twice 0x00000006 installed
unlisted 0x00000008 installed
`,
		SetExtra: `foreign 0x00000009 installed
new 0x0000000a installed
patched 0x00000033 installed
printk 0x00000bad installed
twice 0x00000066 installed
weak 0x0000000b installed
`,
		SetAll: `dropped 0x00000004 replaced
foreign 0x00000009 installed
in_tree 0x00000002 installed
lies 0x00000007 installed
new 0x0000000a installed
patched 0x00000033 installed
printk 0x00000001 builtin
subpackage 0x00000005 not-installed
twice 0x00000066 installed
unlisted 0x00000008 installed
weak 0x0000000b installed
`,
	}
	for set, text := range want {
		if d := cmp.Diff(text, list(set)); d != "" {
			t.Errorf("%s: -want +got:\n%s", set, d)
		}
	}
	if _, err := k.Exports("none"); err == nil {
		t.Error("Exports(none): want an error")
	}
}

func TestThirdParty(t *testing.T) {
	root := root(t)
	write(t, root, dir+"kernel/drivers/broken.ko", "no module")
	k := open(t, root)
	var got []string
	for _, f := range k.ThirdParty() {
		got = append(got, f.Rel)
	}
	want := []string{"extra/twice.ko", "kernel/drivers/a/foreign.ko", "kernel/drivers/broken.ko", "updates/patched.ko", "weak-updates/weak.ko"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if p := k.Problems(); len(p) != 1 || p[0].Path != "/"+dir+"kernel/drivers/broken.ko" || strings.Contains(p[0].Text, root) {
		t.Errorf("problems: %v", p)
	}
}

// TestTableOrder puts a table at each place in turn, the least wanted first.
func TestTableOrder(t *testing.T) {
	root := t.TempDir()
	write(t, root, dir+"kernel/x.ko", inTree(nil))
	write(t, root, "usr/src/linux-headers-x/include/generated/utsrelease.h", "#define UTS_RELEASE \"6.1.0-99-amd64\"\n")
	link(t, root, dir+"build", "/usr/src/linux-headers-x")
	places := []struct{ path, trust string }{
		{"usr/src/kernels/" + krel + "/Module.symvers", Exact},
		{"usr/src/linux-headers-" + krel + "/Module.symvers", Exact},
		{dir + "build/Module.symvers", "table of 6.1.0-99-amd64, in place of that of " + krel},
		{"boot/symvers-" + krel + ".xz", Exact},
		{"boot/symvers-" + krel + ".gz", Exact},
		{dir + "Module.symvers", Exact},
		{dir + "symvers.zst", Exact},
		{dir + "symvers.gz", Exact},
	}
	for i, p := range places {
		text := "0x0000000" + string(rune('1'+i)) + "\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n"
		if strings.HasSuffix(p.path, "gz") {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			if _, err := z.Write([]byte(text)); err != nil || z.Close() != nil {
				t.Fatal(err)
			}
			text = b.String()
		}
		file := p.path
		if strings.HasPrefix(file, dir+"build/") {
			file = "usr/src/linux-headers-x/Module.symvers" // the link is absolute inside the root
		}
		write(t, root, file, text)
		table, origin := open(t, root).Table()
		if e, _ := table.Lookup("printk"); e.CRC != symvers.CRC(i+1) || origin.Path != "/"+p.path || origin.Trust != p.trust || origin.Kind != Symvers {
			t.Errorf("%s: got %v from %+v", p.path, e.CRC, origin)
		}
	}
}

func TestSUSETable(t *testing.T) {
	root := t.TempDir()
	write(t, root, "usr/lib/modules/6.4.0-150600.21-default/kernel/x.ko", "")
	write(t, root, "usr/src/linux-6.4.0-150600.21-obj/x86_64/default/Module.symvers", "0x00000001\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n")
	k, err := Open(root, "6.4.0-150600.21-default", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, o := k.Table(); o.Path != "/usr/src/linux-6.4.0-150600.21-obj/x86_64/default/Module.symvers" {
		t.Errorf("origin %+v", o)
	}
	if d := k.Distro(); d.ID != "suse" {
		t.Errorf("distro %+v", d)
	}
}

func TestDanglingBuild(t *testing.T) {
	root := t.TempDir()
	write(t, root, dir+"kernel/x.ko", inTree(crcs{"x": 1}))
	link(t, root, dir+"build", "/usr/src/linux-headers-"+krel)
	k := open(t, root)
	k.Table()
	k.headerDirs()
	if p := k.Problems(); len(p) != 1 || p[0].Path != "/"+dir+"build" || !strings.Contains(p[0].Text, "dangling") {
		t.Errorf("problems: %v", p)
	}
}

func TestOpenWithoutTree(t *testing.T) {
	if k, err := Open(t.TempDir(), krel, Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open = %v, %v; want not exist", k, err)
	}
	for _, bad := range []string{"", "..", "../../etc", "a/b"} {
		if _, err := Open(t.TempDir(), bad, Options{}); err == nil {
			t.Errorf("Open(%q): want an error", bad)
		}
	}
}

func TestFromSymvers(t *testing.T) {
	root := t.TempDir()
	at := filepath.Join(root, "linux-headers-"+krel)
	write(t, at, "Module.symvers", "0x00000001\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n0x00000002\tib\tdrivers/ib/ib-core\tEXPORT_SYMBOL\t\n")
	k, err := FromSymvers(filepath.Join(at, "Module.symvers"))
	if err != nil {
		t.Fatal(err)
	}
	if k.Release != krel || k.Vermagic().Known || k.Config().Known {
		t.Errorf("release %q, vermagic %+v, config %+v", k.Release, k.Vermagic(), k.Config())
	}
	if on, known := k.Modversions(); !on || !known {
		t.Errorf("Modversions = %v, %v", on, known)
	}
	if p, ok := k.Provider("printk"); !ok || p.State != Builtin {
		t.Errorf("printk: %+v", p)
	}
	if p, ok := k.Provider("ib"); !ok || p.State != Listed || p.Module != "ib_core" || !p.State.Loadable() {
		t.Errorf("ib: %+v", p)
	}
	if _, ok := k.Provider("no"); ok || len(k.Providers("no")) != 0 || len(k.ThirdParty()) != 0 || k.Builtin() != nil {
		t.Error("knows more than its table")
	}
	if all, err := k.Exports(SetAll); len(all) != 2 || err != nil {
		t.Errorf("Exports: %v, %v", all, err)
	}
	write(t, at, "include/generated/utsrelease.h", "#define UTS_RELEASE \"6.1.0-57-amd64\"\n")
	write(t, at, "include/config/auto.conf", "CONFIG_X86_64=y\nCONFIG_MODULES=y\nCONFIG_SMP=y\nCONFIG_MODULE_UNLOAD=y\nCONFIG_MODVERSIONS=y\n")
	if k, err = FromSymvers(filepath.Join(at, "Module.symvers")); err != nil {
		t.Fatal(err)
	}
	if v := k.Vermagic(); k.Release != "6.1.0-57-amd64" || v.Raw != "6.1.0-57-amd64 SMP mod_unload modversions " {
		t.Errorf("release %q, vermagic %+v", k.Release, v)
	}
	if a := k.Arch(); a != "x86_64" {
		t.Errorf("arch %q", a)
	}
	if _, err := FromSymvers(filepath.Join(at, "none")); err == nil {
		t.Error("want an error for a missing table")
	}
}

func TestReleaseInName(t *testing.T) {
	for name, want := range map[string]string{
		"/usr/src/linux-headers-6.1.0-9-amd64/Module.symvers": "6.1.0-9-amd64",
		"/usr/src/kernels/5.14.0-1.el9.x86_64/Module.symvers": "5.14.0-1.el9.x86_64",
		"/boot/symvers-5.14.0-1.el9.x86_64.gz":                "5.14.0-1.el9.x86_64",
		"/lib/modules/5.14.0-1.el9.x86_64/symvers.xz":         "5.14.0-1.el9.x86_64",
		"/tmp/Module.symvers":                                 "",
	} {
		if got := releaseInName(name); got != want {
			t.Errorf("releaseInName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestListAndNext(t *testing.T) {
	root := t.TempDir()
	if l, err := List(root); err != nil || len(l) != 0 {
		t.Errorf("List of an empty root: %v, %v", l, err)
	}
	for _, k := range []string{"6.1.0-10-amd64", "6.1.0-9-amd64", "6.1.0-10-rt-amd64"} {
		write(t, root, "usr/lib/modules/"+k+"/modules.order", "")
	}
	link(t, root, "lib", "usr/lib")
	write(t, root, "usr/lib/modules/6.1.0-1-amd64/build/Makefile", "")          // headers only
	write(t, root, "usr/lib/modules/6.1.0-2-amd64/modules.dep", "")             // what depmod left
	write(t, root, "usr/lib/modules/not-a-release/kernel/x.ko", "")             //
	write(t, root, "usr/lib/modules/6.1.0-3-amd64/kernel/x.ko", "")             // no lists, but modules
	write(t, root, "usr/lib/modules/5.4-mono/build/x", "")                      // an image without modules:
	write(t, root, "boot/vmlinuz-5.4-mono", "")                                 //
	link(t, root, "usr/lib/modules/6.1.0-4-amd64", "/usr/lib/modules/nowhere")  // dangling
	link(t, root, "usr/lib/modules/6.1.0-5-amd64", "/usr/lib/modules/5.4-mono") // a link to a kernel is a name of it
	want := []string{"5.4-mono", "6.1.0-3-amd64", "6.1.0-9-amd64", "6.1.0-10-amd64", "6.1.0-10-rt-amd64"}
	got, err := List(root)
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v -want +got:\n%s", err, d)
	}
	next := func(want, wantSource string) {
		t.Helper()
		if krel, source := Next(root); krel != want || source != wantSource {
			t.Errorf("Next = %q, %q; want %q, %q", krel, source, want, wantSource)
		}
	}
	next("", "")
	link(t, root, "vmlinuz", "boot/vmlinuz-6.1.0-9-amd64")
	next("6.1.0-9-amd64", "/vmlinuz")
	write(t, root, "boot/loader/loader.conf", "timeout 3\ndefault *-6.1.0-10-rt-amd64.conf\n")
	next("6.1.0-10-rt-amd64", "/boot/loader/loader.conf: default")
	write(t, root, "boot/grub2/grubenv", "# GRUB Environment Block\nsaved_entry=0123abcd-6.1.0-10-amd64\n#####\n")
	next("6.1.0-10-amd64", "/boot/grub2/grubenv: saved_entry")
	write(t, root, "boot/grub2/grubenv", "saved_entry=0123abcd-6.1.0-10-amd64\nnext_entry=once\n")
	write(t, root, "boot/loader/entries/once.conf", "title x\nlinux /vmlinuz-6.1.0-3-amd64\n")
	next("6.1.0-3-amd64", "/boot/grub2/grubenv: next_entry")
}

func TestCommandLine(t *testing.T) {
	root := t.TempDir()
	write(t, root, dir+"kernel/x.ko", "")
	k := open(t, root)
	check := func(want, wantSource string) {
		t.Helper()
		if line, source := k.CommandLine(); line != want || source != wantSource {
			t.Errorf("CommandLine = %q, %q; want %q, %q", line, source, want, wantSource)
		}
	}
	check("", "")
	write(t, root, "etc/default/grub", "GRUB_CMDLINE_LINUX=\"module.sig_enforce=1\"\nGRUB_CMDLINE_LINUX_DEFAULT='quiet'\n")
	check("module.sig_enforce=1 quiet", "/etc/default/grub")
	write(t, root, "boot/grub/grub.cfg", "menuentry x {\n\tlinux\t/boot/vmlinuz-6.1.0-1-amd64 ro a\n\tlinux\t/boot/vmlinuz-"+krel+" root=/dev/sda1 ro quiet\n}\n")
	check("root=/dev/sda1 ro quiet", "/boot/grub/grub.cfg")
	write(t, root, "boot/loader/entries/abc-"+krel+".conf", "title x\noptions root=x ro\noptions lockdown=integrity\n")
	check("root=x ro lockdown=integrity", "/boot/loader/entries/abc-"+krel+".conf")
}

func TestConfig(t *testing.T) {
	root := t.TempDir()
	write(t, root, dir+"kernel/x.ko", "")
	if c := open(t, root).Config(); c.Known || c.Get("MODVERSIONS") != "n" {
		t.Errorf("config of nothing: %+v", c)
	}
	write(t, root, "boot/config-"+krel, "#\n# Automatically generated file; DO NOT EDIT.\n# Linux/x86 6.1.192 Kernel Configuration\n#\n"+
		"CONFIG_MODULE_SIG=y\n# CONFIG_MODULE_SIG_FORCE is not set\nCONFIG_MODULE_SIG_HASH=\"sha256\"\nCONFIG_NR_CPUS=64\nCONFIG_EXT4_FS=m\nCONFIG_Q=\"a\\\"b\\\\c\"\nCONFIG_OFF=n\n")
	k := open(t, root)
	want := &Config{Known: true, Path: "/boot/config-" + krel, Title: "6.1.192", Values: map[string]string{
		"MODULE_SIG": "y", "MODULE_SIG_HASH": "sha256", "NR_CPUS": "64", "EXT4_FS": "m", "Q": `a"b\c`}}
	if d := cmp.Diff(want, k.Config()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if p := k.SigPolicy(); !p.Known || !p.Verify || p.Force || p.Hash != "sha256" || p.Forced != "none" {
		t.Errorf("policy %+v", p)
	}
	if v := k.Version(); v.Text != "6.1.192" || !v.Exact || v.Patch != 192 {
		t.Errorf("version %+v", v)
	}
	if c := ParseConfig([]byte("#\n# Linux kernel version: 2.6.32\n")); c.Title != "2.6.32" {
		t.Errorf("title %q", c.Title)
	}
}

func TestDistro(t *testing.T) {
	for _, tt := range []struct{ krel, config, want string }{
		{"5.14.0-503.el9.x86_64", "", "rhel"},
		{"6.8.5-301.fc40.x86_64", "", "fedora"},
		{"5.10.0-60.18.0.50.oe2203.x86_64", "", "openeuler"},
		{"5.10.134-16.3.an8.x86_64", "", "anolis"},
		{"6.12.117+deb12-amd64", "", "debian"},
		{"6.4.0-150600.21-default", "", "suse"},
		{"6.8.0-45-generic", "CONFIG_VERSION_SIGNATURE=\"Ubuntu 6.8.0-45.45-generic 6.8.12\"\n", "ubuntu"},
		{"6.9.1-default", "CONFIG_SUSE_KERNEL=y\n", "suse"},
		{"5.15.41-android13-8", "", "android"},
		{"6.10.2-arch1-1", "", "arch"},
		{"6.1.12", "", "mainline"},
		{"6.12.0-rc3", "", "mainline"},
		{"6.1.0-mine", "", ""},
	} {
		root := t.TempDir()
		write(t, root, "lib/modules/"+tt.krel+"/kernel/x.ko", "")
		if tt.config != "" {
			write(t, root, "boot/config-"+tt.krel, tt.config)
		}
		k, err := Open(root, tt.krel, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if d := k.Distro(); d.ID != tt.want || (d.ID != "") != (d.Source != "") {
			t.Errorf("%s: %+v, want %q", tt.krel, d, tt.want)
		}
	}
}

func TestSampleSkipsForeign(t *testing.T) {
	root := t.TempDir()
	write(t, root, dir+"kernel/a.ko", "no module")
	write(t, root, dir+"kernel/b.ko", outOfTree(nil))
	other := builder{info: []string{"intree=Y", "vermagic=6.1.0-1-amd64 SMP "}, size: 100}
	write(t, root, dir+"kernel/c.ko", other.file())
	write(t, root, dir+"kernel/d.ko", inTree(nil))
	k := open(t, root)
	size, source := k.StructModuleSize()
	v := k.Vermagic()
	if size != 896 || source != "/"+dir+"kernel/d.ko" || v.Raw != krel+" SMP mod_unload modversions " || v.Source != source {
		t.Errorf("size %d from %s, vermagic %+v", size, source, v)
	}
	if a := k.Arch(); a != "x86_64" {
		t.Errorf("arch %q", a)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("# Linux/x86 6.1.192 Kernel Configuration\nCONFIG_A=y\nCONFIG_B=\"x\\\"\"\n"))
	f.Add([]byte("CONFIG_=\"\nCONFIG_A=\"\"\n#\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := ParseConfig(b)
		for name, v := range c.Values {
			if v == "n" || strings.ContainsAny(name, "=\n") {
				t.Errorf("%q = %q", name, v)
			}
		}
		composeVermagic("6.1.0", c, "")
	})
}
