package image

import (
	"bytes"
	"crypto/x509"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"modkeep/internal/kerneltest/oracle"
)

func open(t testing.TB, file []byte) *Image {
	t.Helper()
	m, err := New("image", bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// recipes are the ways in which kernels of all times write their tables.
var recipes = []struct {
	name string
	recipe
	flat bool
}{
	{"x86_64 6.1", recipe{order: le, is64: true, form: prel3, base: 0xffffffff81000000, crcs: "u32"}, false},
	{"x86_64 6.1 without modversions", recipe{order: le, is64: true, form: prel3, base: 0xffffffff81000000}, false},
	{"x86_64 7.3: one table with flags", recipe{order: le, is64: true, form: prel3, base: 0xffffffff81000000, flags: true}, false},
	{"7.x with modversions", recipe{order: le, is64: true, form: prel3, base: 0xffffffff81000000, flags: true, crcs: "u32"}, false},
	{"x86_64 4.19: relative without namespaces", recipe{order: le, is64: true, form: prel2, base: 0xffffffff81000000, crcs: "u32"}, false},
	{"x86_64 3.10: pointers, CRCs of a long", recipe{order: le, is64: true, form: abs64x2, base: 0xffffffff81000000, crcs: "ulong"}, false},
	{"i386 6.1", recipe{order: le, form: abs32x3, base: 0xc1000000, crcs: "u32"}, false},
	{"i386 2.6", recipe{order: le, form: abs32x2, base: 0xc0100000, crcs: "ulong"}, false},
	{"ppc64le 6.1", recipe{order: le, is64: true, form: abs64x3, base: 0xc000000000000000, crcs: "u32", machine: emPPC64}, false},
	{"ppc64 5.10: relative CRCs", recipe{order: be, is64: true, form: abs64x3, base: 0xc000000000000000, crcs: "relative", machine: emPPC64}, false},
	{"s390x 4.9", recipe{order: be, is64: true, form: abs64x2, base: 1 << 20, crcs: "ulong", machine: emS390}, false},
	{"arm64 6.1", recipe{order: le, is64: true, form: prel3, crcs: "u32"}, true},
	{"arm64 7.3", recipe{order: le, is64: true, form: prel3, flags: true}, true},
	{"arm64 without modversions", recipe{order: le, is64: true, form: prel3}, true},
	{"arm64 7.x with modversions", recipe{order: le, is64: true, form: prel3, flags: true, crcs: "u32"}, true},
	{"arm64 4.19", recipe{order: le, is64: true, form: prel2, crcs: "u32"}, true},
	{"s390x 6.1", recipe{order: be, is64: true, form: abs64x3, base: 1 << 20, crcs: "u32"}, true},
	{"s390x 5.10: relative CRCs", recipe{order: be, is64: true, form: abs64x3, base: 1 << 20, crcs: "relative"}, true},
	{"s390x, relative tables", recipe{order: be, is64: true, form: prel3, crcs: "u32"}, true},
}

// file returns a flat kernel as arm64 and s390 have it packed in gzip.
func (m *made) file(t testing.TB, flat bool) []byte {
	if !flat {
		return m.elf()
	}
	var b bytes.Buffer
	return packWith(t, gzip.NewWriter(&b), &b, m.mem)
}

func TestExports(t *testing.T) {
	for _, tt := range recipes {
		t.Run(tt.name, func(t *testing.T) {
			m := tt.build()
			table, err := open(t, m.file(t, tt.flat)).Exports()
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(m.exports, table.Exports); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestTexts(t *testing.T) {
	for _, tt := range recipes {
		t.Run(tt.name, func(t *testing.T) {
			m := open(t, tt.build().file(t, tt.flat))
			checkText(t, "LinuxVersion", m.LinuxVersion, madeVersion)
			checkText(t, "Banner", m.Banner, madeBanner)
			checkText(t, "Release", m.Release, "6.1.0-7-made")
			checkText(t, "Vermagic", m.Vermagic, madeVermagic)
			config, err := m.Config()
			if err != nil || string(config) != "\x1f\x8bconfig" {
				t.Errorf("Config: %q, %v", config, err)
			}
			if _, err := m.BTF(); !errors.Is(err, ErrAbsent) {
				t.Errorf("BTF: %v", err)
			}
			if _, err := m.Certificates(); !errors.Is(err, ErrAbsent) {
				t.Errorf("Certificates: %v", err)
			}
		})
	}
}

func checkText(t *testing.T, what string, get func() (string, error), want string) {
	t.Helper()
	got, err := get()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if got != want {
		t.Errorf("%s is %q, want %q", what, got, want)
	}
}

func TestCertificates(t *testing.T) {
	ders := [][]byte{certificate(t, "module key"), certificate(t, "vendor CA"), certificate(t, "third")}
	var want []string
	for _, der := range ders {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, c.Subject.CommonName)
	}
	tests := []struct {
		name string
		recipe
	}{
		{"x86_64", recipe{order: le, is64: true, form: prel3, padCerts: 8}},
		{"arm64: aligned to 256", recipe{order: le, is64: true, form: prel3, padCerts: 256}},
		{"i386", recipe{order: le, form: abs32x3, padCerts: 8}},
		{"s390x", recipe{order: be, is64: true, form: abs64x3, base: 1 << 20, padCerts: 8}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.certs = ders
			certs, err := open(t, tt.build().elf()).Certificates()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range certs {
				got = append(got, c.Subject.CommonName)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestWrappers reads one kernel through every wrapper and every compression
// that can be written here; TestUnpack has the others.
func TestWrappers(t *testing.T) {
	m := recipes[0].build()
	elf := m.elf()
	flat := recipe{order: le, is64: true, form: prel3, crcs: "u32"}.build().mem
	packers := map[string]func([]byte) []byte{
		"gzip": func(b []byte) []byte { var o bytes.Buffer; return packWith(t, gzip.NewWriter(&o), &o, b) },
		"zstd": func(b []byte) []byte {
			var o bytes.Buffer
			z, _ := zstd.NewWriter(&o)
			return packWith(t, z, &o, b)
		},
		"xz":   func(b []byte) []byte { var o bytes.Buffer; z, _ := xz.NewWriter(&o); return packWith(t, z, &o, b) },
		"lzma": func(b []byte) []byte { var o bytes.Buffer; z, _ := lzma.NewWriter(&o); return packWith(t, z, &o, b) },
	}
	for name, pack := range packers {
		images := map[string][]byte{
			"bzImage": bzImage(pack(elf), len(elf)),
			"zboot":   zboot(pack(elf)),
			"packed":  pack(elf),
			"search":  append(append(make([]byte, 5000), pack(elf)...), make([]byte, 1000)...),
			"flat":    append(append(make([]byte, 5000), pack(flat)...), make([]byte, 1000)...),
		}
		damaged := bzImage(pack(elf), len(elf))
		damaged[0x248]++ // payload_offset
		images["bzImage, searched"] = damaged
		for wrapper, file := range images {
			t.Run(name+" "+wrapper, func(t *testing.T) {
				table, err := open(t, file).Exports()
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(m.exports, table.Exports); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			})
		}
	}
}

// TestBannerIsCheap holds that the banner of a bzImage needs no payload.
func TestBannerIsCheap(t *testing.T) {
	m := open(t, bzImage([]byte("no payload at all"), 0))
	checkText(t, "Banner", m.Banner, madeBanner)
	checkText(t, "Release", m.Release, "6.1.0-7-made")
	if _, err := m.Exports(); err == nil {
		t.Error("Exports of a bzImage without payload: no error")
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name, file, want string
	}{
		{"empty", "", "image: 0 bytes are no kernel image"},
		{"text", strings.Repeat("not a kernel\n", 100), "image: no kernel image: neither ELF nor a compressed payload in it"},
		{"zboot cut short", string(zboot(make([]byte, 900))[:800]), "image: EFI zboot: payload of 900 bytes at offset 0x200 does not lie inside the file"},
		{"zboot of nothing known", string(zboot(make([]byte, 900))), "image: payload of no known compression"},
		{"gzip cut short", "\x1f\x8b\x08" + strings.Repeat("\x00", 100), "image: gzip payload: "},
		{"arm64 without tables", strings.Repeat("\x00", 0x38) + "ARM\x64" + strings.Repeat("\x00", 9000), "image: export tables: not in this kernel"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := New("image", strings.NewReader(tt.file), int64(len(tt.file)))
			if err == nil {
				_, err = m.Exports()
			}
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a directory: no error")
	}
}

// TestHostile holds that small files which take long, or unpack to much, end
// soon. The limits are loose: machines differ.
func TestHostile(t *testing.T) {
	zeros := make([]byte, 200<<20)
	var gz, zs bytes.Buffer
	packWith(t, gzip.NewWriter(&gz), &gz, zeros)
	z, _ := zstd.NewWriter(&zs)
	packWith(t, z, &zs, zeros)
	arm := func(fill string) string {
		return strings.Repeat("\x00", 0x38) + "ARM\x64" + strings.Repeat(fill, 8<<20/len(fill))
	}
	tests := map[string]string{
		"gzip bomb":             gz.String(),
		"zstd bomb":             zs.String(),
		"gzip bomb in bzImage":  string(bzImage(gz.Bytes(), len(zeros))),
		"gzip magics":           strings.Repeat("\x1f\x8b\x08", 1<<20),
		"lzma magics":           strings.Repeat("\x5d\x00\x00\x00\x04\xff\xff\xff\xff\xff\xff\xff\xff\x00", 1<<18),
		"lz4 magics":            strings.Repeat("\x02\x21\x4c\x18", 1<<20),
		"fields pointing ahead": arm("\x40\x00\x00\x00"),
		"letters":               arm("a"),
		"banners":               arm("Linux version 6.1"),
		"certificates":          arm("\x30\x82\x00\xff\x30\x82\x00\x10"),
	}
	for name, file := range tests {
		t.Run(name, func(t *testing.T) {
			m := open(t, []byte(file))
			if _, err := m.Exports(); err == nil {
				t.Error("Exports: no error")
			}
			m.Vermagic()
			m.Certificates()
			m.BTF()
			m.Config()
		})
	}
}

func cachedImages(t testing.TB) []string {
	var images []string
	for _, pattern := range []string{"boot/vmlinu[xz]-*", "usr/lib/modules/*/vmlinuz"} {
		found, _ := filepath.Glob(oracle.Cache("root", "*", pattern))
		images = append(images, found...)
	}
	if len(images) == 0 {
		oracle.Missing(t, "no kernel images in the cache")
	}
	return images
}

func rootOf(image string) string {
	for dir := image; ; dir = filepath.Dir(dir) {
		if filepath.Base(filepath.Dir(dir)) == "root" {
			return dir
		}
	}
}

var _ io.Closer = (*Image)(nil)
