package rpm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/symvers"
)

// tree makes the files of a package: "FIXTURE" is a module of package ko, other
// text is content.
func tree(t *testing.T, files map[string]string) (root string, names []string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range files {
		content := []byte(text)
		if fixture, ok := strings.CutPrefix(text, "ko:"); ok {
			var err error
			if content, err = os.ReadFile(filepath.Join("../../ko/testdata", fixture)); err != nil {
				t.Fatal(err)
			}
		}
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, content, 0o666); err != nil {
			t.Fatal(err)
		}
		names = append(names, file)
	}
	slices.Sort(names)
	return root, names
}

func text(list []Dependency) string {
	var b strings.Builder
	for _, d := range list {
		fmt.Fprintln(&b, d)
	}
	return b.String()
}

// withModinfo makes an ELF file with a .modinfo out of a fixture: the license
// there is replaced by what has the same length or less.
func withModinfo(t *testing.T, fixture string, info ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../ko/testdata", fixture))
	if err != nil {
		t.Fatal(err)
	}
	old := bytes.Index(b, []byte("license=GPL\x00"))
	vermagic := bytes.Index(b, []byte("vermagic="))
	end := vermagic + bytes.IndexByte(b[vermagic:], 0)
	start := min(old, vermagic)
	room := end - start
	fresh := strings.Join(info, "\x00")
	if len(fresh) > room {
		t.Fatalf("%d bytes do not fit into the %d of .modinfo", len(fresh), room)
	}
	copy(b[start:end], fresh+strings.Repeat("\x00", room-len(fresh)))
	return string(b)
}

// crcForms are fixtures of every form in which a module carries its CRCs: the
// value of an absolute symbol, 32 bits in __kcrctab or another section; on
// machines of both byte orders. What they say is the same.
var crcForms = []string{"x86_64-2.6.32.ko", "x86_64-4.14.ko", "x86_64-5.4.ko", "x86_64-6.14.ko", "x86_64-7.1.ko", "ppc64-4.14.ko", "s390x-5.10.ko", "i386-5.4.ko", "mips-2.6.32.ko", "riscv64-prel.ko", "arm-6.1.ko"}

func TestProvidesCRCs(t *testing.T) {
	for _, fixture := range crcForms {
		t.Run(fixture, func(t *testing.T) {
			_, names := tree(t, map[string]string{"lib/modules/2.6.32/extra/foo.ko": "ko:" + fixture})
			list, err := Provides(names, Options{Form: RHEL9})
			if err != nil {
				t.Fatal(err)
			}
			got := strings.ReplaceAll(text(list), "ksym(four) = 0x44444444\n", "") // not in all
			want := "kmod(foo.ko)\nksym(one) = 0x11111111\nksym(three) = 0x00000000\nksym(two) = 0x89abcdef\n"
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestProvides(t *testing.T) {
	const foo = "ko:x86_64-6.14.ko"
	aliases := withModinfo(t, "x86_64-6.14.ko", "version=1.0-a", "alias=usb:a+1", "alias=usb:a+2")
	symversText := "0x00000001\ta\tvmlinux\tEXPORT_SYMBOL\t\n0x0000000b\tb\tdrivers/b\tEXPORT_SYMBOL_GPL\t\n"
	var symversGz bytes.Buffer
	z := gzip.NewWriter(&symversGz)
	z.Write([]byte(symversText))
	z.Close()
	tests := []struct {
		name  string
		files map[string]string
		opts  Options
		want  string
	}{
		{"nothing of interest", map[string]string{"usr/share/x.ko": foo, "lib/modules/6/modules.dep": "x", "etc/a.conf": "x"}, Options{Form: RHEL9}, ""},
		{"no CRCs", map[string]string{"lib/modules/6/extra/a.ko": "ko:x86_64-nocrc.ko"}, Options{Form: RHEL9}, "kmod(a.ko)\n"},
		{"in the kernel's directory, RHEL 9", map[string]string{"lib/modules/6/kernel/a-b.ko": foo}, Options{Form: RHEL9},
			"kernel(one) = 0x11111111\nkernel(three) = 0x00000000\nkernel(two) = 0x89abcdef\nkmod(a-b.ko)\n"},
		{"in the kernel's directory, RHEL 8", map[string]string{"usr/lib/modules/6/kernel/a-b.ko": foo}, Options{Form: RHEL8},
			"kmod(a-b.ko)\nksym(one) = 0x11111111\nksym(three) = 0x00000000\nksym(two) = 0x89abcdef\n"},
		{"SUSE", map[string]string{"usr/lib/modules/6/updates/a-b.ko": withModinfo(t, "x86_64-6.14.ko", "vermagic=6.4.0-150600-rt SMP")}, Options{Form: SUSE},
			"kmod(a_b.ko)\nksym(rt:one) = 11111111\nksym(rt:three) = 0\nksym(rt:two) = 89abcdef\n"},
		{"SUSE, flavor given", map[string]string{"usr/lib/modules/6/updates/a.ko": foo}, Options{Form: SUSE, Flavor: "64kb"},
			"kmod(a.ko)\nksym(64kb:one) = 11111111\nksym(64kb:three) = 0\nksym(64kb:two) = 89abcdef\n"},
		{"aliases", map[string]string{"lib/modules/6/extra/a.ko": aliases}, Options{Form: RHEL9},
			"kmod(a.ko)\nksym(one) = 0x11111111\nksym(three) = 0x00000000\nksym(two) = 0x89abcdef\nmodalias(usb:a_[12]) = 1.0_a\n"},
		{"aliases of a kernel's package", map[string]string{"lib/modules/6/extra/a.ko": aliases}, Options{Form: RHEL9, Package: "kernel-modules"},
			"kmod(a.ko)\nksym(one) = 0x11111111\nksym(three) = 0x00000000\nksym(two) = 0x89abcdef\n"},
		{"built in", map[string]string{"lib/modules/6/modules.builtin": "kernel/fs/ext-4.ko\nkernel/x.ko\n\n"}, Options{Form: RHEL9}, "kmod(ext-4.ko)\nkmod(x.ko)\n"},
		{"symvers, RHEL 9", map[string]string{"lib/modules/6/symvers.gz": symversGz.String()}, Options{Form: RHEL9}, "kernel(a) = 0x00000001\n"},
		{"symvers, RHEL 8", map[string]string{"boot/symvers-6.gz": symversGz.String()}, Options{Form: RHEL8}, "kernel(a) = 0x00000001\nkernel(b) = 0x0000000b\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root, names := tree(t, tt.files)
			tt.opts.Buildroot = root
			list, err := Provides(names, tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, text(list)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestSupplements(t *testing.T) {
	module := withModinfo(t, "x86_64-6.14.ko", "vermagic=6.4-default", "alias=pci:v1d*_", "alias=x")
	_, names := tree(t, map[string]string{"lib/modules/6/updates/a.ko": module, "lib/modules/6/kernel/b.ko": module})
	for pkg, want := range map[string]string{"foo-kmp-default": "modalias(kernel-default:pci:v1d*%5F)\n", "kernel-default": "", "kernel-default-extra": "modalias(kernel-default:pci:v1d*%5F)\n"} {
		list, err := Supplements(names, Options{Form: SUSE, Package: pkg})
		if d := cmp.Diff(want, text(list)); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", pkg, err, d)
		}
	}
	if list, err := Supplements(names, Options{Form: RHEL9}); len(list) > 0 || err != nil {
		t.Errorf("RHEL 9: got %v, %v", list, err)
	}
}

func table(exports ...symvers.Export) func(string) (*symvers.Table, error) {
	return func(krel string) (*symvers.Table, error) {
		if krel != "2.6.32" {
			return nil, errors.New("not there")
		}
		return symvers.New(exports), nil
	}
}

func TestRequires(t *testing.T) {
	layout := symvers.Export{Symbol: "module_layout", CRC: 0x12345678, HasCRC: true, Module: "vmlinux"}
	printk := symvers.Export{Symbol: "printk", CRC: 0xfedcba98, HasCRC: true, Module: "vmlinux"}
	changed := printk
	changed.CRC++
	foo := map[string]string{"lib/modules/6/extra/a.ko": "ko:x86_64-6.14.ko"}
	sets := func(string) (Symsets, error) {
		return Symsets{{"printk", 0xfedcba98}: {"kernel_printk", "0123456789abcdef"}, {"module_layout", 1}: {"vmlinux", "f"}}, nil
	}
	tests := []struct {
		name  string
		files map[string]string
		opts  Options
		want  string
	}{
		{"of the kernel", foo, Options{Form: RHEL9, Symvers: table(layout, printk)}, "kernel(module_layout) = 0x12345678\nkernel(printk) = 0xfedcba98\n"},
		{"another CRC", foo, Options{Form: RHEL9, Symvers: table(layout, changed)}, "kernel(module_layout) = 0x12345678\nksym(printk) = 0xfedcba98\n"},
		{"both CRCs", foo, Options{Form: RHEL8, Symvers: table(layout, changed, printk)}, "kernel(module_layout) = 0x12345678\nkernel(printk) = 0xfedcba98\n"},
		{"in the kernel's directory", map[string]string{"lib/modules/6/kernel/a.ko": "ko:x86_64-6.14.ko"}, Options{Form: RHEL9}, ""},
		{"a kernel's package", foo, Options{Form: RHEL9, Package: "kernel-core"}, ""},
		{"SUSE", foo, Options{Form: SUSE, Flavor: "rt", Symsets: sets}, "kernel(rt:kernel_printk) = 0123456789abcdef\nksym(rt:module_layout) = 12345678\n"},
		{"SUSE without symsets", foo, Options{Form: SUSE, Flavor: "rt"}, "ksym(rt:module_layout) = 12345678\nksym(rt:printk) = fedcba98\n"},
		{"SUSE, to be loaded", map[string]string{"usr/lib/modules-load.d/a.conf": "# c\n; c\nfoo-bar\nown-one\nin\n", "usr/lib/modules/6/updates/own-one.ko": "ko:x86_64-nocrc.ko",
			"usr/lib/modules/6/modules.builtin": "kernel/in.ko\n"}, Options{Form: SUSE, Flavor: "rt"},
			"(kmod(foo_bar.ko) if kernel)\nksym(rt:module_layout) = 12345678\nksym(rt:printk) = fedcba98\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root, names := tree(t, tt.files)
			tt.opts.Buildroot = root
			list, err := Requires(names, tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, text(list)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestErrors holds that a file that cannot be read is told, and the others
// are answered for all the same.
func TestErrors(t *testing.T) {
	root, names := tree(t, map[string]string{"lib/modules/6/extra/a.ko": "ko:x86_64-6.14.ko", "lib/modules/6/extra/b.ko": "no module"})
	names = append(names, filepath.Join(root, "lib/modules/6/extra/gone.ko"))
	list, err := Provides(names, Options{Form: RHEL9})
	if want := "kmod(a.ko)\nkmod(b.ko)\nkmod(gone.ko)\nksym(one)"; !strings.HasPrefix(text(list), want) {
		t.Errorf("provides: got %s, want %s", text(list), want)
	}
	checkErrors(t, err, "b.ko", "gone.ko")
	_, err = Requires(names, Options{Form: RHEL9, Symvers: func(string) (*symvers.Table, error) { return nil, errors.New("no table") }})
	checkErrors(t, err, "b.ko", "gone.ko", "exports of kernel 2.6.32: no table")
}

// TestNotRegular gives a list of words that is a pipe: an error, and no waiting.
func TestNotRegular(t *testing.T) {
	root, _ := tree(t, map[string]string{"usr/lib/modules-load.d/a.conf": "", "lib/modules/6/modules.order": ""})
	for _, name := range []string{filepath.Join(root, "usr/lib/modules-load.d/pipe.conf"), filepath.Join(root, "lib/modules/6/modules.builtin")} {
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Requires([]string{name}, Options{Form: SUSE})
		checkErrors(t, err, name+": not a regular file")
	}
}

func checkErrors(t *testing.T, err error, want ...string) {
	t.Helper()
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("error %v: does not name %s", err, w)
		}
	}
}

func TestModaliases(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"one", "a", "modalias(a)"},
		{"alike", "a a", "modalias(a)"},
		{"a class", "pci:v1 pci:v2 pci:v3", "modalias(pci:v[123])"},
		{"two places", "a1x a2x a2y", "modalias(a[12]x) modalias(a2y)"},
		{"not at a star", "a*x a1x", "modalias(a*x) modalias(a1x)"},
		{"lengths", "a ab abc", "modalias(a) modalias(ab) modalias(abc)"},
		{"last", "ab ac bc", "modalias(a[bc]) modalias(bc)"},
	}
	for _, tt := range tests {
		var list []alias
		for _, name := range strings.Fields(tt.in) {
			list = append(list, alias{name: name})
		}
		got := strings.TrimSpace(strings.ReplaceAll(text(modaliases(list)), "\n", " "))
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	versions := modaliases([]alias{{"a1", "1"}, {"a2", "2"}})
	if got, want := text(versions), "modalias(a1) = 1\nmodalias(a2) = 2\n"; got != want {
		t.Errorf("other versions: got %s, want %s", got, want)
	}
}

func TestFormOf(t *testing.T) {
	tests := []struct {
		text string
		want Form
		ok   bool
	}{
		{"ID=\"rhel\"\nVERSION_ID=\"8.10\"\n", RHEL8, true},
		{"ID=\"rhel\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"9.4\"\n", RHEL9, true},
		{"ID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"8.9\"\n", RHEL8, true},
		{"ID=\"openela\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"10.0\"\n", RHEL9, true},
		{"ID=fedora\nVERSION_ID=8\n", RHEL9, true},
		{"ID=\"openEuler\"\nVERSION_ID=\"20.03\"\n", RHEL9, true},
		{"ID=\"sles\"\nID_LIKE=\"suse\"\n", SUSE, true},
		{"ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"\n", SUSE, true},
		{"ID=debian\n", "", false},
		{"", "", false},
	}
	for _, tt := range tests {
		if got, ok := FormOf([]byte(tt.text)); got != tt.want || ok != tt.ok {
			t.Errorf("%q: got %q, %v, want %q, %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}

// symsets makes an archive of symsets.
func symsets(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(text))
	}
	for _, err := range []error{w.Close(), z.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestReadSymsets(t *testing.T) {
	b := symsets(t, map[string]string{"symsets-6.4-default/fs_ext4.0123": "0x0000000a\tone\n0xffffffff\ttwo\tvmlinux\n", "symsets-6.4-default/net.v2.45": "0x1\tthree\n", "README": "x"})
	got, err := ReadSymsets(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	want := Symsets{{"one", 10}: {"fs_ext4", "0123"}, {"two", 0xffffffff}: {"fs_ext4", "0123"}, {"three", 1}: {"net.v2", "45"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for name, b := range map[string][]byte{
		"no archive": []byte("x"),
		"no symset":  symsets(t, map[string]string{"a.b": "hello\n"}),
		"bomb":       symsets(t, map[string]string{"a.b": strings.Repeat("0x1\tsymbol\n", 4<<20)}),
	} {
		if _, err := ReadSymsets(bytes.NewReader(b)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzReadSymsets(f *testing.F) {
	f.Add(symsets(f, map[string]string{"symsets-1/a.b": "0x1\tone\n"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		ReadSymsets(bytes.NewReader(b))
	})
}
