package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/made"
)

// generator is a program that stands in for dracut: it writes what it was
// called with into a log, and an image that says so.
const generator = `#!/bin/sh
echo "$@" >>%[1]s
for word; do
	case $word in
	-*) ;;
	*/*) image=$word ;;
	*) kernel=$word ;;
	esac
done
cd %[2]s && mkdir -p $kernel && echo made for $kernel >$kernel/etc && echo $kernel/etc | cpio --quiet -o -H newc >$image
`

// imageSite is a site with two kernels that have an image each.
type imageSite struct {
	*site
	log, dracut string
}

// newImageSite makes the images of kernels K2 and K3 with the modules named,
// as paths below lib/modules/KREL, packed by a shell command.
func newImageSite(t *testing.T, pack string, modules ...string) *imageSite {
	s := scenario{tree: `
		kernel K1
		vmlinux printk@a
		extra/foo/foo.ko printk@a
		kernel K2
		vmlinux printk@a
		kernel K3
		vmlinux printk@a`}
	i := &imageSite{site: newSite(t, dialects[0], s)}
	work := t.TempDir()
	i.log, i.dracut = filepath.Join(work, "log"), filepath.Join(work, "dracut")
	if err := os.WriteFile(i.dracut, fmt.Appendf(nil, generator, i.log, work), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, k := range i.k[1:] {
		i.makeImage(k, pack, modules)
	}
	return i
}

// makeImage makes the image of a kernel with cpio and the tool of the packing:
// first an archive with microcode, not packed, then the main one.
func (s *imageSite) makeImage(krel, pack string, modules []string) {
	s.Helper()
	early, main := s.TempDir(), s.TempDir()
	put := func(dir, name, text string) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			s.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			s.Fatal(err)
		}
	}
	put(early, "early_cpio", "1\n")
	put(early, "kernel/x86/microcode/GenuineIntel.bin", strings.Repeat("microcode", 999))
	put(main, "init", "#!/bin/sh\n")
	for _, name := range modules {
		m, err := made.ParseModule(name+" printk@a", made.Default(krel))
		if err != nil {
			s.Fatal(err)
		}
		data, err := m.File()
		if err != nil {
			s.Fatal(err)
		}
		put(main, "usr/lib/modules/"+krel+"/"+name, string(data))
	}
	script := fmt.Sprintf(`set -e
		(cd %[1]s && find . | sort | cpio --quiet -o -H newc) >%[3]s
		(cd %[2]s && find . | sort | cpio --quiet -o -H newc | %[4]s) >>%[3]s`, early, main, s.image(krel), pack)
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		s.Skipf("SKIPPED: no image packed with %q: %v\n%s", pack, err, out)
	}
}

func (s *imageSite) image(krel string) string {
	return filepath.Join(s.dir, "boot/initramfs-"+krel+".img")
}

// weakModules runs the drop-in for modules of K1.
func (s *imageSite) weakModules(verb string, more ...string) result {
	s.Helper()
	args := append([]string{"weak-modules", "--basedir", s.dir, "--" + verb}, more...)
	return runModkeep(s.T, s.path(s.k[0]+"/extra/foo/foo.ko")+"\n", args...)
}

// calls are the kernels that the generator was called for.
func (s *imageSite) calls() []string {
	s.Helper()
	text, err := os.ReadFile(s.log)
	if err != nil && !os.IsNotExist(err) {
		s.Fatal(err)
	}
	var kernels []string
	for _, line := range lines(string(text)) {
		f := strings.Fields(line)
		kernels = append(kernels, f[len(f)-1])
	}
	slices.Sort(kernels)
	return kernels
}

// compareCalls compares them, and holds that just the images of those kernels
// are other ones now.
func (s *imageSite) compareCalls(want ...string) {
	s.Helper()
	if diff := cmp.Diff(want, s.calls()); diff != "" {
		s.Errorf("the generator was called for other kernels (-want +got):\n%s", diff)
	}
	for _, k := range s.k[1:] {
		data, err := os.ReadFile(s.image(k))
		if err != nil {
			s.Fatal(err)
		}
		if made, want := bytes.Contains(data, []byte("made for "+k)), slices.Contains(want, k); made != want {
			s.Errorf("the image of %s is the generator's: %v, want %v", k, made, want)
		}
	}
	if rest, _ := filepath.Glob(filepath.Join(s.dir, "boot/*")); len(rest) != 3*3+2 {
		s.Errorf("something was left in /boot: %q", rest)
	}
}

// packings are the shell commands that pack an image, by their names.
var packings = []struct{ name, command string }{
	{"none", "cat"}, {"gzip", "gzip"}, {"bzip2", "bzip2"}, {"lzma", "xz --format=lzma"},
	{"xz", "xz --check=crc32"}, {"lzo", "lzop"}, {"lz4", "lz4 -l -c"}, {"zstd", "zstd -q"},
}

func TestScenarioInitramfs(t *testing.T) {
	for _, p := range packings {
		t.Run("T36/"+p.name+"/the module is in the image", func(t *testing.T) {
			t.Parallel()
			s := newImageSite(t, p.command, "kernel/net/other.ko.xz", "extra/foo/foo.ko.zst")
			if r := s.weakModules("add-modules", "--dracut", s.dracut); r.status != 0 {
				t.Errorf("status %d\n%s%s", r.status, r.out, r.errOut)
			}
			s.compareCalls(s.k[1], s.k[2])
			s.compareLinks(action{links: "K2 extra/foo/foo.ko K1\nK3 extra/foo/foo.ko K1"})
		})
		t.Run("T36/"+p.name+"/the module is not in it", func(t *testing.T) {
			t.Parallel()
			s := newImageSite(t, p.command, "kernel/net/other.ko.xz", "extra/foo/foobar.ko.zst")
			if r := s.weakModules("add-modules", "--dracut", s.dracut); r.status != 0 {
				t.Errorf("status %d\n%s%s", r.status, r.out, r.errOut)
			}
			s.compareCalls()
			s.compareLinks(action{links: "K2 extra/foo/foo.ko K1\nK3 extra/foo/foo.ko K1"})
		})
	}
	for name, test := range imageTests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modules := []string{"kernel/net/other.ko"}
			if !strings.Contains(name, "would be") {
				modules = append(modules, "weak-updates/foo/foo.ko")
			}
			test(newImageSite(t, "zstd -q", modules...))
		})
	}
}

var imageTests = map[string]func(*imageSite){
	"T36/the module would be in the image": func(s *imageSite) {
		if err := os.MkdirAll(filepath.Join(s.dir, "etc/dracut.conf.d"), 0o755); err != nil {
			s.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, "etc/dracut.conf.d/foo.conf"), []byte("add_drivers+=\" foo \"\n"), 0o644); err != nil {
			s.Fatal(err)
		}
		s.weakModules("add-modules", "--dracut", s.dracut)
		s.compareCalls(s.k[1], s.k[2])
	},
	"T36/the module goes": func(s *imageSite) {
		s.weakModules("add-modules", "--no-initramfs")
		s.compareCalls()
		s.prepare("rm", s.k[0]+"/extra/foo/foo.ko")
		s.weakModules("remove-modules", "--dracut", s.dracut)
		s.compareCalls(s.k[1], s.k[2])
		s.compareLinks(action{})
	},
	"T36/nothing changes": func(s *imageSite) {
		s.weakModules("add-modules", "--no-initramfs")
		s.weakModules("add-modules", "--dracut", s.dracut)
		s.compareCalls()
	},
	"T37/one kernel is added, one made": func(s *imageSite) {
		r := runModkeep(s.T, "", "weak-modules", "--basedir", s.dir, "--dracut", s.dracut, "--add-kernel", s.k[1])
		if r.status != 0 {
			s.Errorf("status %d\n%s%s", r.status, r.out, r.errOut)
		}
		s.compareCalls(s.k[1])
		s.compareLinks(action{links: "K2 extra/foo/foo.ko K1"})
	},
	"T37/no-initramfs": func(s *imageSite) {
		s.weakModules("add-modules", "--no-initramfs", "--dracut", s.dracut)
		s.compareCalls()
	},
	"T37/no-initramfs needs no dracut": func(s *imageSite) {
		if r := s.weakModules("add-modules", "--no-initramfs", "--dracut", "/no/such/dracut"); r.status != 0 {
			s.Errorf("status %d\n%s%s", r.status, r.out, r.errOut)
		}
		s.compareLinks(action{links: "K2 extra/foo/foo.ko K1\nK3 extra/foo/foo.ko K1"})
	},
	"T37/a dracut that is not there is an error": func(s *imageSite) {
		before := s.dump()
		if r := s.weakModules("add-modules", "--dracut", "/no/such/dracut"); r.status != 1 {
			s.Errorf("status %d\n%s%s", r.status, r.out, r.errOut)
		}
		if diff := cmp.Diff(before, s.dump()); diff != "" {
			s.Errorf("and yet something is done:\n%s", diff)
		}
	},
	"T35/a dry run calls no generator": func(s *imageSite) {
		dry := s.dryRunOf("add-modules", "--verbose", "--dracut", s.dracut, "--dry-run")
		s.compareCalls()
		wet := s.weakModules("add-modules", "--verbose", "--dracut", s.dracut)
		if diff := cmp.Diff(wet.out, dry.out); diff != "" {
			s.Errorf("says another thing than the real run (-real +dry):\n%s", diff)
		}
		s.compareCalls(s.k[1], s.k[2])
	},
	"T37/a program of one's own": func(s *imageSite) {
		s.weakModules("add-modules", "--check-initramfs-prog", s.dracut, "--dracut", "/bin/false")
		// The kernel that the module was installed for counts as changed, too.
		if diff := cmp.Diff(s.k, s.calls()); diff != "" {
			s.Errorf("called for other kernels (-want +got):\n%s", diff)
		}
	},
	"T37/batched to the end of the package transaction": func(s *imageSite) {
		s.weakModules("add-modules", "--posttrans", "--dracut", s.dracut)
		s.compareCalls()
		s.prepare("put", s.k[0]+" extra/foo/foo.ko printk@a other@1 ?more@2")
		s.weakModules("remove-modules", "--posttrans", "--dracut", s.dracut)
		s.weakModules("add-modules", "--posttrans", "--dracut", s.dracut)
		s.compareCalls()
		r := runModkeep(s.T, "", "weak-modules", "--basedir", s.dir, "--posttrans", "--dracut", s.dracut)
		if r.status != 0 {
			s.Errorf("status %d\n%s%s", r.status, r.out, r.errOut)
		}
		s.compareCalls(s.k[1], s.k[2])
		runModkeep(s.T, "", "weak-modules", "--basedir", s.dir, "--posttrans", "--dracut", s.dracut)
		s.compareCalls(s.k[1], s.k[2])
	},
	"T36/the generator fails": func(s *imageSite) {
		before := s.dump("var")
		if err := os.WriteFile(s.dracut, []byte("#!/bin/sh\necho no space left >&2\nexit 1\n"), 0o755); err != nil {
			s.Fatal(err)
		}
		r := s.weakModules("add-modules", "--dracut", s.dracut)
		if r.status != 1 || !strings.Contains(r.errOut, "no space left") {
			s.Errorf("status %d\n%s%s", r.status, r.out, r.errOut)
		}
		if diff := cmp.Diff(before, s.dump("var")); diff != "" {
			s.Errorf("the tree is not as before:\n%s", diff)
		}
	},
}

// dryRunOf runs the drop-in and holds that nothing changes.
func (s *imageSite) dryRunOf(verb string, more ...string) result {
	s.Helper()
	before := s.dump()
	r := s.weakModules(verb, more...)
	if diff := cmp.Diff(before, s.dump()); diff != "" {
		s.Errorf("a dry run changes the tree:\n%s", diff)
	}
	return r
}
