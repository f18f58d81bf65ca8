package initramfs

import (
	"bytes"
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
)

// TestOracleImages reads the images in MODKEEP_INITRAMFS, a directory of what
// real generators made (mkinitramfs -o NAME.img, dracut NAME.img), and holds
// the modules against what cpio unpacks from them. Generators want a whole
// system around them, so none is run here.
func TestOracleImages(t *testing.T) {
	dir := os.Getenv("MODKEEP_INITRAMFS")
	if dir == "" {
		t.Skip("SKIPPED: MODKEEP_INITRAMFS names no directory of images")
	}
	images, err := filepath.Glob(filepath.Join(dir, "*.img"))
	if err != nil || len(images) == 0 {
		t.Fatalf("no images in %s: %v", dir, err)
	}
	for _, name := range images {
		t.Run(filepath.Base(name), func(t *testing.T) {
			image, err := Open(name)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string][32]byte{}
			for _, m := range image.Modules {
				got[m.Path] = m.SHA256
			}
			want := unpacked(t, name, image)
			if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
				t.Errorf("%d modules (-want +got):\n%s", len(want), d)
			}
			t.Logf("%d modules, archives %+v", len(got), image.Archives)
		})
	}
}

// unpackers are the tools that write what compressed data hold.
var unpackers = map[string][]string{
	"": {"cat"}, "gzip": {"gzip", "-dc"}, "bzip2": {"bzip2", "-dc"}, "lzma": {"xz", "--format=lzma", "-dc"}, "xz": {"xz", "-dc"},
	"lzo": {"lzop", "-dc"}, "lz4": {"lz4", "-dc"}, "zstd": {"zstd", "-dc"},
}

// unpacked has cpio unpack each archive of an image and returns its modules.
func unpacked(t *testing.T, name string, image *Image) map[string][32]byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, a := range image.Archives {
		command := unpackers[a.Compression]
		oracle.Tool(t, command[0])
		cmd := exec.Command("sh", "-c", `cd "$1"; shift; "$@" | cpio -idu --quiet --no-absolute-filenames`, "sh", dir)
		cmd.Args = append(cmd.Args, command...)
		cmd.Stdin = bytes.NewReader(data[a.Offset:])
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Logf("%v: %s", err, out) // device nodes
		}
	}
	found := map[string][32]byte{}
	err = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isModule(p) {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		if d.Type()&os.ModeSymlink != 0 {
			text, err := os.Readlink(p)
			found[rel] = sum(text)
			return err
		}
		b, err := os.ReadFile(p)
		found[rel] = sha256.Sum256(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(target, name)
		} else {
			err = os.WriteFile(name, []byte(text), 0o777)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestConfigured(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{
		"etc/dracut.conf":                         "# add_drivers+=\" no \"\nadd_drivers+=\" first-one\n second \" # more\nhostonly=yes\n",
		"etc/dracut.conf.d/b.conf":                "force_drivers+='foo' ; x=1\nadd_drivers+=\" $lost =drivers/net bar.ko.xz\"\n",
		"usr/lib/dracut/dracut.conf.d/b.conf":     "add_drivers+=\" hidden \"\n",
		"usr/lib/dracut/dracut.conf.d/a.conf":     "-> /etc/a-target",
		"etc/a-target":                            "filesystems+=\" gone \"\nfilesystems=\" xfs \"\n",
		"etc/modules-load.d/x.conf":               "# c\n; c\nloaded\n\n",
		"etc/initramfs-tools/modules":             "# List\n\nraid1\nsd-mod opt=1\n",
		"usr/share/initramfs-tools/modules.d/one": "nvme\n",
		"etc/mkinitcpio.conf":                     "MODULES=(btrfs crc32c? # x y\n  \"i915\" )\nFILES=()\n",
		"etc/mkosi-initrd/mkosi.conf":             "[Content]\n# KernelModulesInclude=no\nKernelModulesInclude=host\n                     /vfio-pci\\.ko\n  /mlx5_.*\n  drivers/net/\nPackages=foo\n",
	})
	got, err := Configured(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []Setting{
		{"first_one", Dracut, "/etc/dracut.conf"},
		{"second", Dracut, "/etc/dracut.conf"},
		{"bar", Dracut, "/etc/dracut.conf.d/b.conf"},
		{"foo", Dracut, "/etc/dracut.conf.d/b.conf"},
		{"xfs", Dracut, "/usr/lib/dracut/dracut.conf.d/a.conf"},
		{"loaded", Dracut, "/etc/modules-load.d/x.conf"},
		{"raid1", InitramfsTools, "/etc/initramfs-tools/modules"},
		{"sd_mod", InitramfsTools, "/etc/initramfs-tools/modules"},
		{"nvme", InitramfsTools, "/usr/share/initramfs-tools/modules.d/one"},
		{"btrfs", Mkinitcpio, "/etc/mkinitcpio.conf"},
		{"crc32c", Mkinitcpio, "/etc/mkinitcpio.conf"},
		{"i915", Mkinitcpio, "/etc/mkinitcpio.conf"},
		{"vfio_pci", MkosiInitrd, "/etc/mkosi-initrd/mkosi.conf"},
		{"mlx5_*", MkosiInitrd, "/etc/mkosi-initrd/mkosi.conf"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestOracleAssignments holds the reading of shell text against a shell.
func TestOracleAssignments(t *testing.T) {
	oracle.Tool(t, "bash")
	texts := []string{
		`X="a b"`, `X+=" a "`, `X='a "b" c'`, `X=a # b`, "X=\"a\n b\"\nX+=\" c\"", `X="a"'b'c`, `X="a\"b"`, `X=a\ b`, "X=a\\\nb", "# X=no\nX=yes", "  X=indented",
		"X=\"a\"; Y=\"b\"", "X=a\n\nif true; then\nX+=b\nfi", `X=`, `X=""`, "X=unclosed",
	}
	for _, text := range texts {
		out, err := exec.Command("bash", "-c", text+"\n"+`printf %s "$X"`).Output()
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var got []string
		for _, a := range assignments([]byte(text)) {
			switch {
			case a.key != "X":
			case a.adds:
				got = append(got, a.words...)
			default:
				got = a.words
			}
		}
		want := strings.Fields(string(out))
		if strings.Contains(text, "then") {
			want = []string{"a", "b"} // += joins what words do not
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestDetect(t *testing.T) {
	tests := []struct {
		name, hint string
		files      map[string]string
		want       Generator
		ok         bool
	}{
		{"nothing", "", nil, Generator{}, false},
		{"dracut", "", map[string]string{"usr/bin/dracut": "x"}, Generator{Dracut, "/usr/bin/dracut"}, true},
		{"dracut in sbin through a link", "", map[string]string{"sbin": "-> usr/sbin", "usr/sbin/dracut": "-> /usr/lib/dracut/dracut", "usr/lib/dracut/dracut": "x"},
			Generator{Dracut, "/usr/sbin/dracut"}, true},
		{"Debian", "", map[string]string{"usr/sbin/mkinitramfs": "x", "usr/bin/dracut": "x"}, Generator{InitramfsTools, "/usr/sbin/mkinitramfs"}, true},
		{"hint is a name", "dracut", map[string]string{"usr/sbin/mkinitramfs": "x", "usr/bin/dracut": "x"}, Generator{Dracut, "/usr/bin/dracut"}, true},
		{"hint is not there", "dracut", map[string]string{"usr/sbin/mkinitramfs": "x"}, Generator{}, false},
		{"hint is a path", "/opt/bin/dracut", nil, Generator{Dracut, "/opt/bin/dracut"}, true},
		{"hint is a path of something else", "/opt/bin/mine", nil, Generator{"", "/opt/bin/mine"}, false},
		{"install.conf", "", map[string]string{"etc/kernel/install.conf": "layout=bls\ninitrd_generator=mkinitcpio\n", "usr/bin/mkinitcpio": "x", "usr/bin/dracut": "x"},
			Generator{Mkinitcpio, "/usr/bin/mkinitcpio"}, true},
		{"SUSE", "", map[string]string{"etc/sysconfig/bootloader": "# c\nINITRD_GENERATOR=\"mkosi\"\n", "usr/bin/mkosi-initrd": "x", "usr/bin/dracut": "x"},
			Generator{MkosiInitrd, "/usr/bin/mkosi-initrd"}, true},
		{"setting of what is not there", "", map[string]string{"etc/sysconfig/bootloader": "INITRD_GENERATOR=mkosi\n", "usr/bin/dracut": "x"},
			Generator{Dracut, "/usr/bin/dracut"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, tt.files)
			got, ok := Detect(root, tt.hint)
			if ok != tt.ok || got != tt.want {
				t.Errorf("got %+v, %v, want %+v, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestCommand(t *testing.T) {
	tests := map[Generator]string{
		{Dracut, "/usr/bin/dracut"}:                  "/usr/bin/dracut -f /boot/i.img 6.1",
		{Mkinitcpio, "/usr/bin/mkinitcpio"}:          "/usr/bin/mkinitcpio -k 6.1 -g /boot/i.img",
		{InitramfsTools, "/usr/sbin/mkinitramfs"}:    "/usr/sbin/mkinitramfs -o /boot/i.img 6.1",
		{MkosiInitrd, "/usr/bin/mkosi-initrd"}:       "/usr/bin/mkosi-initrd --kernel-version 6.1 -O /boot -o i.img",
		{"other", "/usr/bin/something-else-or-none"}: "",
	}
	for g, want := range tests {
		if got := strings.Join(g.Command("6.1", "/boot/i.img"), " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	args := Generator{MkosiInitrd, "echo"}.Command("6.1", "{}")
	args[slices.Index(args, "{}")] = "/boot/x/initrd-6.1"
	out, err := exec.Command(args[0], args[1:]...).Output()
	if want := "--kernel-version 6.1 -O /boot/x -o initrd-6.1\n"; err != nil || string(out) != want {
		t.Errorf("mkosi-initrd with {}: got %q, %v, want %q", out, err, want)
	}
}

func TestImagePath(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"none", map[string]string{"boot/initramfs-6.1-1kdump.img": "", "boot/initrd-6.1-1-kdump": "", "boot/initramfs-6.1-11.img": ""}, ""},
		{"Fedora", map[string]string{"boot/initramfs-6.1-1.img": ""}, "/boot/initramfs-6.1-1.img"},
		{"Debian", map[string]string{"boot/initrd.img-6.1-1": ""}, "/boot/initrd.img-6.1-1"},
		{"SUSE", map[string]string{"boot/initrd-6.1-1": ""}, "/boot/initrd-6.1-1"},
		{"Arch", map[string]string{"lib": "-> /usr/lib", "usr/lib/modules/6.1-1/pkgbase": "linux-lts\n", "boot/initramfs-linux-lts.img": ""}, "/boot/initramfs-linux-lts.img"},
		{"machine id", map[string]string{"efi/0123/6.1-1/initrd": ""}, "/efi/0123/6.1-1/initrd"},
		{"entry", map[string]string{"boot/efi/loader/entries/a.conf": "title x\nversion 6.1-1\nlinux /x/linux\ninitrd /ucode\ninitrd /suse/6.1-1/initrd-abc\n",
			"boot/efi/loader/entries/b.conf": "version 6.1-2\ninitrd /ucode\n", "boot/efi/ucode": "", "boot/efi/suse/6.1-1/initrd-abc": ""}, "/boot/efi/suse/6.1-1/initrd-abc"},
		{"ostree", map[string]string{"lib": "-> usr/lib", "usr/lib/modules/6.1-1/initramfs.img": ""}, "/lib/modules/6.1-1/initramfs.img"},
		{"dangling", map[string]string{"boot/initrd-6.1-1": "-> /nowhere"}, ""},
		{"loop", map[string]string{"boot/initrd-6.1-1": "-> /boot/initrd-6.1-1"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, tt.files)
			if got, ok := ImagePath(root, "6.1-1"); got != tt.want || ok != (tt.want != "") {
				t.Errorf("got %q, %v, want %q", got, ok, tt.want)
			}
		})
	}
	if got, ok := ImagePath(t.TempDir(), "../x"); ok {
		t.Errorf("a release with a slash: got %q", got)
	}
}

func TestNeeds(t *testing.T) {
	image := &Image{Modules: []Module{newModule("lib/modules/6.1/extra/mlx5-core.ko.zst"), newModule("lib/modules/6.1/kernel/xfs.ko")}}
	configured := []Setting{{"nvme", Dracut, "/etc/dracut.conf"}, {"mlx4_*", MkosiInitrd, "/etc/mkosi.conf"}}
	deps := func(name string) []string {
		return map[string][]string{"mlx5_core": {"mlxfw", "/lib/modules/6.1/extra/mlx-compat.ko"}, "mlx_compat": {"deep"}, "nvme": {"nvme-core"}, "deep": {"mlx5_core"}}[name]
	}
	tests := []struct {
		name    string
		image   *Image
		changed string
		want    bool
		why     string
	}{
		{"nothing changed", image, "", false, "no module changed"},
		{"in it", image, "mlx5_core", true, "mlx5_core is in it"},
		{"in it, by path", image, "/lib/modules/6.1/weak-updates/mlx5-core.ko.xz", true, "mlx5_core is in it"},
		{"not in it", image, "vfat snd", false, "no changed module is in it or would be"},
		{"configured", image, "snd nvme", true, "nvme is configured to be in it (/etc/dracut.conf)"},
		{"pattern", image, "mlx4_en", true, "mlx4_en is configured to be in it (/etc/mkosi.conf)"},
		{"needed", image, "mlxfw", true, "mlxfw is needed by mlx5_core, which is in it or would be"},
		{"needed in turn", image, "deep", true, "deep is needed by mlx_compat, which is in it or would be"},
		{"needed by what is configured", image, "nvme-core", true, "nvme_core is needed by nvme, which is in it or would be"},
		{"not known", nil, "a", true, "what the image holds is not known"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, why := Needs(tt.image, configured, strings.Fields(tt.changed), deps)
			if got != tt.want || why != tt.why {
				t.Errorf("got %v, %s; want %v, %s", got, why, tt.want, tt.why)
			}
		})
	}
}

// BenchmarkRead reads the images of TestOracleImages.
func BenchmarkRead(b *testing.B) {
	images, _ := filepath.Glob(filepath.Join(os.Getenv("MODKEEP_INITRAMFS"), "*.img"))
	if os.Getenv("MODKEEP_INITRAMFS") == "" || len(images) == 0 {
		b.Skip("SKIPPED: MODKEEP_INITRAMFS names no directory of images")
	}
	for _, name := range images {
		b.Run("image="+strings.TrimSuffix(filepath.Base(name), ".img"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Open(name); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
