package initramfs

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"modkeep/internal/cputime"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/ko"
)

// newc makes an entry of a cpio archive.
func newc(name, content string, mode, inode, links int) string {
	s := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		inode, mode, 0, 0, links, 0, len(content), 8, 1, 0, 0, len(name)+1, 0, name)
	for len(s)%4 != 0 {
		s += "\x00"
	}
	s += content
	for len(s)%4 != 0 {
		s += "\x00"
	}
	return s
}

func file(name, content string) string { return newc(name, content, 0o100644, 1, 1) }

var trailer = newc(cpioTrailer, "", 0, 0, 1)

func gz(t testing.TB, s string) string {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, 9)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zst(t testing.TB, s string) string {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(z.EncodeAll([]byte(s), nil))
}

func sum(s string) [32]byte { return sha256.Sum256([]byte(s)) }

func TestRead(t *testing.T) {
	early := newc("kernel", "", 0o040755, 2, 2) + file("kernel/x86/microcode/AuthenticAMD.bin", "micro") + trailer
	foo := Module{Name: "foo_bar", Path: "usr/lib/modules/6.1.0/extra/foo-bar.ko.zst", Kernel: "6.1.0", Size: 3, SHA256: sum("foo")}
	at := func(archive int, m Module) Module { m.Archive = archive; return m }
	fooEntry := file("usr/lib/modules/6.1.0/extra/foo-bar.ko.zst", "foo")
	pad := func(s string, n int) string { return s + strings.Repeat("\x00", (n-len(s)%n)%n) }
	boot := "kernel.quiet\n"
	tests := []struct {
		name, image string
		archives    []Archive
		modules     []Module
	}{
		{"plain", fooEntry + trailer, []Archive{{0, "", 1}}, []Module{foo}},
		{"plain, no padding behind the trailer", fooEntry + trailer[:121], []Archive{{0, "", 1}}, []Module{foo}},
		{"early and gzip", pad(early, 512) + gz(t, fooEntry+trailer), []Archive{{0, "", 2}, {512, "gzip", 1}}, []Module{at(1, foo)}},
		{"two early and zstd", early + pad(early, 4) + zst(t, fooEntry+trailer), []Archive{{0, "", 2}, {int64(len(early)), "", 2}, {2 * int64(len(early)), "zstd", 1}}, []Module{at(2, foo)}},
		{"padding behind the end", pad(gz(t, fooEntry+trailer)+"\x00\x00\x00", 4096), []Archive{{0, "gzip", 1}}, []Module{foo}},
		{"compressed twice, one behind the other", gz(t, file("a.ko", "a")+trailer) + zst(t, fooEntry+trailer),
			[]Archive{{0, "gzip", 1}, {int64(len(gz(t, file("a.ko", "a")+trailer))), "zstd", 1}},
			[]Module{{Name: "a", Path: "a.ko", Size: 1, SHA256: sum("a")}, at(1, foo)}},
		{"two archives in one stream", gz(t, early+"\x00\x00\x00\x00"+fooEntry+trailer), []Archive{{0, "gzip", 2}, {0, "gzip", 1}}, []Module{at(1, foo)}},
		{"the last of a path counts", file("./usr/lib/modules/6.1.0/extra/foo-bar.ko.zst", "old") + fooEntry + trailer, []Archive{{0, "", 2}}, []Module{foo}},
		{"crc form", strings.ReplaceAll(fooEntry+trailer, "070701", "070702"), []Archive{{0, "", 1}}, []Module{foo}},
		{"symbolic link", newc("lib/modules/6.1.0/weak-updates/x.ko", "/lib/modules/5/extra/x.ko", 0o120777, 3, 1) + trailer, []Archive{{0, "", 1}},
			[]Module{{Name: "x", Path: "lib/modules/6.1.0/weak-updates/x.ko", Kernel: "6.1.0", Link: "/lib/modules/5/extra/x.ko", Size: 25, SHA256: sum("/lib/modules/5/extra/x.ko")}}},
		{"names of one file, content last", newc("a.ko", "", 0o100644, 7, 2) + newc("b.ko", "x", 0o100644, 7, 2) + trailer, []Archive{{0, "", 2}},
			[]Module{{Name: "a", Path: "a.ko", Size: 1, SHA256: sum("x")}, {Name: "b", Path: "b.ko", Size: 1, SHA256: sum("x")}}},
		{"names of one file, content first", newc("a.ko", "x", 0o100644, 7, 3) + newc("b.ko", "", 0o100644, 7, 3) + newc("c.ko", "", 0o100644, 7, 3) + trailer, []Archive{{0, "", 3}},
			[]Module{{Name: "a", Path: "a.ko", Size: 1, SHA256: sum("x")}, {Name: "b", Path: "b.ko", Size: 1, SHA256: sum("x")}, {Name: "c", Path: "c.ko", Size: 1, SHA256: sum("x")}}},
		{"no modules", newc("a.ko", "", 0o040755, 3, 2) + file("b.kor", "") + trailer, []Archive{{0, "", 2}}, nil},
		{"boot configuration", pad(fooEntry+trailer, 4) + boot + string(binary.LittleEndian.AppendUint32(nil, uint32(len(boot)))) + "\x01\x02\x03\x04#BOOTCONFIG\n",
			[]Archive{{0, "", 1}}, []Module{foo}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Read(strings.NewReader(tt.image), int64(len(tt.image)))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(&Image{Archives: tt.archives, Modules: tt.modules}, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestInner holds that an image with a file system in it is not taken for one
// without modules.
func TestInner(t *testing.T) {
	text := file("init", "x") + file("squashfs-root.img", "hsqs") + trailer
	got, err := Read(strings.NewReader(text), int64(len(text)))
	if err != nil || len(got.Inner) != 1 || got.Inner[0] != "squashfs-root.img" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if needs, why := Needs(got, nil, []string{"a"}, nil); !needs || why != "modules may be in its squashfs-root.img, which is not read" {
		t.Errorf("got %v, %s", needs, why)
	}
}

func TestReadErrors(t *testing.T) {
	foo := file("foo.ko", "foo")
	packed := gz(t, foo+trailer)
	tests := []struct {
		name, image, want string
	}{
		{"empty", "", "no archive in it"},
		{"zeros", strings.Repeat("\x00", 5000), "no archive in it"},
		{"text", "#!/bin/sh\n", "offset 0x0: neither a cpio archive (newc) nor compressed data"},
		{"behind an archive", foo + trailer + "junk", "offset 0xf8: neither a cpio archive (newc) nor compressed data"},
		{"not aligned", foo + trailer + "\x00\x00" + foo + trailer, "archive at offset 0xfa: not at a multiple of four bytes"},
		{"old form", "070707000000000000" + strings.Repeat("0", 200), "archive at offset 0x0: entry at offset 0x0: cpio of the old form (odc), which the kernel does not take"},
		{"no trailer", foo, "archive at offset 0x0: entry at offset 0x7c: unexpected EOF"},
		{"cut in a name", foo[:114], "archive at offset 0x0: entry at offset 0x0: unexpected EOF"},
		{"cut in content", foo[:122], "archive at offset 0x0: entry at offset 0x0: unexpected EOF"},
		{"no number", "0707010000000x" + foo[14:], `archive at offset 0x0: entry at offset 0x0: header: "0000000x" is no hexadecimal number`},
		{"packed, cut", packed[:len(packed)-9], "gzip data at offset 0x0: "},
		{"packed, damaged", packed[:len(packed)-6] + "ZZZZZZ", "gzip data at offset 0x0: "},
		{"packed text", gz(t, "hello, world"), "gzip data at offset 0x0: unpacks to no cpio archive (newc)"},
		{"packed nothing", gz(t, ""), "gzip data at offset 0x0: unpacks to no cpio archive (newc)"},
		{"too many archives", strings.Repeat(trailer, MaxArchives+1), "archive at offset 0xf800: more than 512 archives"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Read(strings.NewReader(tt.image), int64(len(tt.image)))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, ko.ErrNotRegular) {
		t.Errorf("a directory: got %v", err)
	}
}

// hostile are small images that take long or want much memory.
func hostile(t *testing.T) map[string]string {
	zeros := strings.Repeat("\x00", 300<<20)
	files := map[string]string{
		"gzip of zeros":      gz(t, zeros),
		"zstd of zeros":      zst(t, zeros),
		"one large module":   gz(t, newc("a.ko", zeros, 0o100644, 1, 1)+trailer),
		"large size":         strings.Replace(file("a.ko", ""), "00000000", "ffffffff", 7) + trailer,
		"many modules":       gz(t, strings.Repeat(file("a.ko", ""), 1<<19)),
		"many links":         gz(t, strings.Repeat(newc("a.ko", "", 0o100644, 1, 2), 1<<19)+newc("a.ko", "x", 0o100644, 1, 2)+trailer),
		"many small streams": strings.Repeat(zst(t, trailer), 1<<14),
		"many gzip streams":  strings.Repeat(gz(t, trailer), 1<<14),
		"many frames of 0":   strings.Repeat(zst(t, ""), 1<<17),
		"zstd window":        "\x28\xb5\x2f\xfd\x00\x80" + strings.Repeat("\x02\x00\x10\x00", 1000),
		"lz4 of zeros":       "\x02\x21\x4c\x18" + strings.Repeat("\x0f\x81\x00\x00\x1f\x00\x01\x00"+strings.Repeat("\xff", 0x8100-0xf+7), 100),
	}
	var names strings.Builder
	for i := range 1 << 16 {
		names.WriteString(file(fmt.Sprintf("%s%d.ko", strings.Repeat("n", 4000), i), ""))
	}
	files["long names"] = gz(t, names.String())
	for _, tool := range []string{"xz -9e", "xz -0", "lzma -9", "bzip2 -9", "lzop -9", "lz4 -l -9"} {
		if _, err := exec.LookPath(strings.Fields(tool)[0]); err == nil {
			files[tool+" of zeros"] = string(command(t, tool, []byte(zeros[:50<<20])))
		}
	}
	return files
}

// TestHostile holds hostile files to a second.
func TestHostile(t *testing.T) {
	for name, image := range hostile(t) {
		t.Run(name, func(t *testing.T) {
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			clock := cputime.Start()
			_, err := Read(strings.NewReader(image), int64(len(image)))
			took := clock.Took()
			runtime.ReadMemStats(&after)
			t.Logf("%d bytes: %v, %d MB allocated in all: %v", len(image), took, (after.TotalAlloc-before.TotalAlloc)>>20, err)
			if err == nil && name != "many links" {
				t.Error("no error")
			}
			cputime.Hold(t, took, time.Second)
		})
	}
}

// command gives data to a compressor and returns what it writes.
func command(t testing.TB, tool string, data []byte) []byte {
	t.Helper()
	args := strings.Fields(tool)
	oracle.Tool(t, args[0])
	cmd := exec.Command(args[0], append(args[1:], "-c")...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	return out
}

// cpio packs the files below dir with the real cpio.
func cpio(t testing.TB, dir, form string) []byte {
	t.Helper()
	oracle.Tool(t, "cpio")
	cmd := exec.Command("sh", "-c", "find . | LC_ALL=C sort | cpio --quiet -o -H "+form)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cpio: %v", err)
	}
	return out
}

// tree makes a directory with modules, other files and links.
func tree(t testing.TB) (dir string, modules map[string]string) {
	t.Helper()
	dir = t.TempDir()
	content := func(n int) string { return strings.Repeat(fmt.Sprintf("content of module %d, ", n), 1000*n+1) }
	modules = map[string]string{
		"usr/lib/modules/6.1.0-9/kernel/drivers/net/a.ko":     content(1),
		"usr/lib/modules/6.1.0-9/kernel/drivers/net/b-c.ko":   content(7),
		"usr/lib/modules/6.1.0-9/extra/d.ko.zst":              content(3),
		"usr/lib/modules/6.1.0-9/updates/e.ko.xz":             "",
		"usr/lib/modules/6.1.0-9/updates/same-as-a.ko":        content(1),
		"usr/lib/modules/6.1.0-9/kernel/drivers/net/large.ko": content(150),
	}
	for name, text := range modules {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "same-as-a.ko") {
			continue
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	k := filepath.Join(dir, "usr/lib/modules/6.1.0-9")
	for _, err := range []error{
		os.Link(filepath.Join(k, "kernel/drivers/net/a.ko"), filepath.Join(k, "updates/same-as-a.ko")),
		os.WriteFile(filepath.Join(dir, "init"), []byte("#!/bin/sh\n"), 0o777),
		os.Symlink("usr/lib", filepath.Join(dir, "lib")),
		os.WriteFile(filepath.Join(k, "modules.dep"), nil, 0o666),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir, modules
}

// TestOracleTools reads images that the real cpio and compressors made.
func TestOracleTools(t *testing.T) {
	dir, modules := tree(t)
	want := map[string][32]byte{}
	for name, text := range modules {
		want[name] = sum(text)
	}
	early := t.TempDir()
	if err := os.WriteFile(filepath.Join(early, "early_cpio"), []byte("1"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"newc", "crc"} {
		archive := cpio(t, dir, form)
		for _, tool := range []string{"cat", "gzip -n -9", "bzip2 -9", "lzma -9", "xz --check=crc32 --lzma2=dict=1MiB", "xz -8 --check=crc32", "lzop -9", "lz4 -l -9", "zstd -15 -q -T0", "zstd -19 -q"} {
			t.Run(form+" "+tool, func(t *testing.T) {
				packed := archive
				if tool != "cat" {
					packed = command(t, tool, archive)
				}
				for _, image := range [][]byte{packed, append(cpio(t, early, "newc"), packed...)} {
					got, err := Read(bytes.NewReader(image), int64(len(image)))
					if err != nil {
						t.Fatal(err)
					}
					found := map[string][32]byte{}
					for _, m := range got.Modules {
						found[m.Path] = m.SHA256
					}
					if d := cmp.Diff(want, found); d != "" {
						t.Errorf("(-want +got):\n%s", d)
					}
				}
			})
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(file("usr/lib/modules/6.1/a.ko", "x") + newc("b.ko", "", 0o100644, 1, 2) + trailer))
	f.Add([]byte(newc("a.ko", "target", 0o120777, 1, 1) + trailer + gz(f, file("a.ko", "y")+trailer)))
	f.Add([]byte(zst(f, file("a.ko", "y")+trailer)))
	f.Fuzz(func(t *testing.T, b []byte) {
		image, err := Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for _, m := range image.Modules {
			if m.Archive >= len(image.Archives) || m.Path == "" || strings.HasPrefix(m.Path, "/") {
				t.Errorf("module %+v", m)
			}
		}
		Needs(image, nil, []string{"a"}, nil)
	})
}
