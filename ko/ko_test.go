package ko

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"modkeep/internal/cputime"
	"modkeep/ko/elf"
	"modkeep/symvers"
)

func open(t testing.TB, name string) *File {
	t.Helper()
	f, err := Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// Every form of export table, of every byte order and class; the sources in
// testdata say what stands in them.
func TestForms(t *testing.T) {
	const (
		unused = 1 << iota
		namespace
		noCRC
	)
	tests := []struct {
		file string
		has  int
		this uint64 // bytes of struct module
	}{
		{"x86_64-2.6.32.ko", unused, 332},
		{"x86_64-4.14.ko", unused, 332},
		{"x86_64-4.19.ko", unused, 332},
		{"x86_64-5.4.ko", unused | namespace, 332},
		{"x86_64-6.14.ko", namespace, 332},
		{"x86_64-7.1.ko", namespace, 332},
		{"x86_64-nocrc.ko", namespace | noCRC, 332},
		{"i386-2.6.18.ko", unused, 320},
		{"i386-5.4.ko", namespace, 320},
		{"arm-6.1.ko", namespace, 320},
		{"ppc64-4.14.ko", unused, 332},
		{"s390x-5.10.ko", namespace, 332},
		{"mips-2.6.32.ko", unused, 320},
		{"mips64el-6.1.ko", namespace, 336},
		{"riscv64-6.1.ko", namespace, 332},
		{"riscv64-prel.ko", namespace, 332},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			f := open(t, tt.file)
			want := []Export{
				{Symbol: "one", CRC: 0x11111111, Type: symvers.Plain},
				{Symbol: "three", Type: symvers.Plain},
				{Symbol: "two", CRC: 0x89abcdef, Type: symvers.GPL},
			}
			if tt.has&unused != 0 {
				want = append(want, Export{Symbol: "four", CRC: 0x44444444, Type: symvers.Unused})
			}
			if tt.has&namespace != 0 {
				want[2].Namespace = "SOME_NS"
			}
			for i := range want {
				want[i].HasCRC = tt.has&noCRC == 0
				if tt.has&noCRC != 0 {
					want[i].CRC = 0
				}
			}
			got, err := f.Exports()
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Errorf("exports: %v (-want +got)\n%s", err, d)
			}
			checkImports(t, f)
			if name := f.Name(); name != "exports" {
				t.Errorf("name %q", name)
			}
			if n, ok := f.ThisModuleSize(); n != tt.this || !ok {
				t.Errorf("struct module of %d bytes, %v", n, ok)
			}
		})
	}
}

func checkImports(t *testing.T, f *File) {
	t.Helper()
	vs, err := f.Versions()
	want := []Version{{"module_layout", 0x12345678}, {"printk", 0xfedcba98}}
	if d := cmp.Diff(want, vs); d != "" || err != nil {
		t.Errorf("versions: %v (-want +got)\n%s", err, d)
	}
	imports, err := f.Undefined()
	got := make(map[string]bool)
	for _, imp := range imports {
		if !strings.HasPrefix(imp.Symbol, "__crc_") {
			got[imp.Symbol] = imp.Weak
		}
	}
	if d := cmp.Diff(map[string]bool{"printk": false, "may_lack": true}, got); d != "" || err != nil {
		t.Errorf("undefined: %v (-want +got)\n%s", err, d)
	}
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, imp := range imports {
		if s := syms[imp.Index-1]; s.Name != imp.Symbol || s.Section != elf.SHN_UNDEF {
			t.Errorf("%v is symbol %+v", imp, s)
		}
	}
}

func TestLegacy(t *testing.T) {
	f := open(t, "i386-2.4.o")
	if !f.Legacy() || open(t, "i386-2.6.18.ko").Legacy() {
		t.Error("Legacy does not tell 2.4 from 2.6")
	}
	exports, err := f.Exports()
	want := []Export{
		{Symbol: "give", CRC: 0x0badcafe, HasCRC: true, Type: symvers.Plain, Versioned: "give_Rsmp_0badcafe"},
		{Symbol: "give_gpl", CRC: 1, HasCRC: true, Type: symvers.GPL, Versioned: "GPLONLY_give_gpl_Rsmp_00000001"},
		{Symbol: "give_plain", Type: symvers.Plain},
	}
	if d := cmp.Diff(want, exports); d != "" || err != nil {
		t.Errorf("exports: %v (-want +got)\n%s", err, d)
	}
	vs, err := f.Versions()
	if d := cmp.Diff([]Version{{"kmalloc", 0x93d4cfe6}, {"printk", 0x1b7d4074}}, vs); d != "" || err != nil {
		t.Errorf("versions: %v (-want +got)\n%s", err, d)
	}
	if _, ok := f.ThisModuleSize(); ok || f.Name() != "i386_2.4" {
		t.Errorf("name %q, struct module %v", f.Name(), ok)
	}
}

func TestSplitVersioned(t *testing.T) {
	tests := []struct {
		name, base, prefix string
		crc                symvers.CRC
		ok                 bool
	}{
		{"printk_R1b7d4074", "printk", "", 0x1b7d4074, true},
		{"printk_Rsmp_1b7d4074", "printk", "smp_", 0x1b7d4074, true},
		{"kmap_Rsmp_2gig_00000abc", "kmap", "smp_2gig_", 0xabc, true},
		{"x_Ry_R12345678", "x_Ry", "", 0x12345678, true},
		{"printk", "printk", "", 0, false},
		{"printk_R1b7d407", "printk_R1b7d407", "", 0, false},
		{"printk_R1B7D4074", "printk_R1B7D4074", "", 0, false},
		{"printk_Rsmp1b7d4074", "printk_Rsmp1b7d4074", "", 0, false},
		{"a_R+1234567", "a_R+1234567", "", 0, false},
		{"_R1b7d4074", "_R1b7d4074", "", 0, false},
	}
	for _, tt := range tests {
		base, prefix, crc, ok := SplitVersioned(tt.name)
		if base != tt.base || prefix != tt.prefix || crc != tt.crc || ok != tt.ok {
			t.Errorf("%s: got %q %q %v %v", tt.name, base, prefix, crc, ok)
		}
	}
}

func TestExtVersions(t *testing.T) {
	whole, err := os.ReadFile("testdata/x86_64-6.14.ko")
	if err != nil {
		t.Fatal(err)
	}
	f := open(t, "x86_64-6.14.ko")
	edit := func(section string, change func(header []byte)) *File {
		b := bytes.Clone(whole)
		change(b[f.Shoff+uint64(f.Section(section).Index)*64:])
		g, err := New("edited.ko", bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	hide := func(header []byte) { header[8] &^= elf.SHF_ALLOC }
	want := []Version{{"module_layout", 0x12345678}, {"printk", 0xfedcba98}}
	tests := []struct {
		name    string
		f       *File
		want    []Version
		wantErr error
	}{
		{"both", f, want, nil},
		{"none", open(t, "x86_64-5.4.ko"), nil, nil},
		{"no CRCs", edit(extCRCs, hide), nil, ErrExtPresence},
		{"no names", edit(extNames, hide), nil, ErrExtPresence},
		{"too few names", edit(extNames, func(h []byte) { h[32] = 14 }), nil, ErrExtNames},
	}
	for _, tt := range tests {
		got, err := tt.f.ExtVersions()
		if d := cmp.Diff(tt.want, got); d != "" || !errors.Is(err, tt.wantErr) || (err == nil) != (tt.wantErr == nil) {
			t.Errorf("%s: %v (-want +got)\n%s", tt.name, err, d)
		}
	}
}

func TestVersionsDamaged(t *testing.T) {
	f := open(t, "x86_64-6.14.ko")
	whole, _ := f.Image.Slice(0, f.Image.Size)
	s := f.Section(versions)
	first := []Version{{"module_layout", 0x12345678}}
	tests := []struct {
		name    string
		change  func(file []byte)
		want    []Version
		wantErr string
	}{
		{"name not terminated", func(b []byte) {
			copy(b[s.Offset+64+8:], strings.Repeat("x", 56))
		}, first, "section __versions: offset 0x40: name not terminated"},
		{"part of an entry", func(b []byte) {
			b[f.Shoff+uint64(s.Index)*64+32] = 100
		}, first, "section __versions: offset 0x40: 100 bytes are not a multiple of 64"},
		{"outside", func(b []byte) {
			b[f.Shoff+uint64(s.Index)*64+39] = 0x7f
		}, nil, "section __versions: 9151314442816848000 bytes"},
		{"not allocated", func(b []byte) {
			b[f.Shoff+uint64(s.Index)*64+8] = 0
		}, nil, ""},
	}
	for _, tt := range tests {
		b := bytes.Clone(whole)
		tt.change(b)
		g, err := New("damaged.ko", bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := g.Versions()
		msg := ""
		if err != nil {
			msg = err.Error()
		}
		if d := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); d != "" || !strings.HasPrefix(msg, tt.wantErr) || (msg == "") != (tt.wantErr == "") {
			t.Errorf("%s: %v (-want +got)\n%s", tt.name, err, d)
		}
	}
}

func TestNameFromPath(t *testing.T) {
	tests := map[string]string{
		"/lib/modules/6.1/kernel/snd-pcm.ko.xz": "snd_pcm",
		"snd-pcm.ko":                            "snd_pcm",
		"a.ko.zst":                              "a",
		"a.ko.gz":                               "a",
		"dir/old.o":                             "old",
		"odd.name.ko":                           "odd.name",
		"archive.xz":                            "archive.xz",
	}
	for path, want := range tests {
		if got := NameFromPath(path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo.ko")
	if err := syscall.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	huge := write("huge.ko", "\x7fELF")
	if err := os.Truncate(huge, 1<<40); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, path, want string }{
		{"FIFO", fifo, "named pipe: not a regular file"},
		{"directory", dir, "directory: not a regular file"},
		{"device", "/dev/null", "device: not a regular file"},
		{"missing", filepath.Join(dir, "none.ko"), "no such file"},
		{"empty", write("empty.ko", ""), "not an ELF file"},
		{"text", write("text.ko", strings.Repeat("hello ", 1000)), "not an ELF file"},
		{"short", write("short.ko", "\x7fELF\x02\x01\x01"), "not an ELF file"},
		{"header cut", write("cut.ko", "\x7fELF\x02\x01\x01"+strings.Repeat("\x00", 20)), "file ends inside the ELF header"},
		{"sparse", huge, "more than the"},
		{"gzip cut", write("cut.ko.gz", "\x1f\x8b\x08\x00"), "gzip: "},
		{"xz cut", write("cut.ko.xz", "\xfd7zXZ\x00\x00"), "xz: "},
		{"zstd cut", write("cut.ko.zst", "\x28\xb5\x2f\xfd\x00"), "zstd: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clock := cputime.Start()
			f, err := Open(tt.path)
			if err == nil {
				f.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.path) {
				t.Errorf("got %q, want %q", err, tt.want)
			}
			cputime.Hold(t, clock.Took(), time.Second)
		})
	}
}
