package image

import (
	"encoding/hex"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/symvers"
)

// TestOracleImages holds every cached kernel image against two witnesses: its
// exports against the rows of vmlinux in the Module.symvers of its headers
// package (symbol, CRC, type and namespace); vermagic and certificates against
// what modinfo prints of one of its modules.
func TestOracleImages(t *testing.T) {
	headers, modules := 0, 0
	for _, path := range cachedImages(t) {
		m, err := Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		headers += compareHeaders(t, m)
		modules += compareModule(t, m)
		m.Close()
	}
	t.Logf("compared: %d kernels with their headers, %d with a module", headers, modules)
	if headers == 0 {
		t.Error("no image had its headers beside it")
	}
}

func compareHeaders(t *testing.T, m *Image) int {
	release, err := m.Release()
	if err != nil {
		t.Error(err)
		return 0
	}
	if !strings.Contains(m.Path, release) {
		t.Errorf("%s: release %s", m.Path, release)
	}
	name := filepath.Join(rootOf(m.Path), "usr/src/linux-headers-"+release, "Module.symvers")
	headers, err := symvers.Open(name)
	if err != nil {
		t.Logf("%s: not compared: %v", m.Path, err)
		return 0
	}
	want := map[string]symvers.Export{}
	for _, e := range headers.Exports {
		if e.Module == symvers.Vmlinux {
			want[e.Symbol] = e
		}
	}
	table, err := m.Exports()
	if err != nil {
		t.Error(err)
		return 0
	}
	got := map[string]symvers.Export{}
	for _, e := range table.Exports {
		got[e.Symbol] = e
	}
	if d := cmp.Diff(want, got); d != "" || len(table.Duplicates) != 0 {
		t.Errorf("%s (-headers +image):\n%.2000s", m.Path, d)
	}
	t.Logf("%s: %d exports equal, CRCs %v", release, len(got), table.HasCRCs())
	return 1
}

func compareModule(t *testing.T, m *Image) int {
	release, err := m.Release()
	if err != nil {
		t.Error(err)
		return 0
	}
	module := firstModule(filepath.Join(rootOf(m.Path), "usr/lib/modules", release), filepath.Join(rootOf(m.Path), "lib/modules", release))
	if module == "" {
		t.Logf("%s: not compared: no modules", m.Path)
		return 0
	}
	if _, err := exec.LookPath("modinfo"); err != nil {
		t.Logf("%s: not compared: no modinfo", m.Path)
		return 0
	}
	vermagic, err := m.Vermagic()
	if err != nil {
		t.Error(err)
	}
	if want := modinfo(t, module, "vermagic"); vermagic != want {
		t.Errorf("%s: vermagic %q, module %q", m.Path, vermagic, want)
	}
	key := strings.ReplaceAll(modinfo(t, module, "sig_key"), ":", "")
	if key == "" {
		t.Logf("%s: is not signed", module)
		return 1
	}
	certs, err := m.Certificates()
	if err != nil {
		t.Error(err)
	}
	found := false
	for _, c := range certs {
		// modinfo prints the serial number under this name.
		found = found || strings.EqualFold(hex.EncodeToString(c.SerialNumber.Bytes()), key)
	}
	if !found {
		t.Errorf("%s: module key %s is none of the kernel's %d", m.Path, key, len(certs))
	}
	return 1
}

func firstModule(dirs ...string) string {
	module := ""
	for _, dir := range dirs {
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && strings.Contains(path, ".ko") {
				module = path
				return filepath.SkipAll
			}
			return nil
		})
	}
	return module
}

func modinfo(t *testing.T, module, field string) string {
	out, err := exec.Command("modinfo", "-F", field, module).Output()
	if err != nil {
		t.Fatalf("modinfo %s: %v", module, err)
	}
	return strings.TrimSuffix(string(out), "\n")
}

func BenchmarkImageExports(b *testing.B) {
	for _, path := range cachedImages(b) {
		b.Run(filepath.Base(path), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, err := Open(path)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := m.Exports(); err != nil {
					b.Fatal(err)
				}
				m.Close()
			}
		})
	}
}

func BenchmarkBanner(b *testing.B) {
	path := cachedImages(b)[0]
	for b.Loop() {
		m, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := m.Banner(); err != nil {
			b.Fatal(err)
		}
		m.Close()
	}
}

func FuzzImage(f *testing.F) {
	for _, r := range recipes {
		m := r.build()
		f.Add(m.elf())
		f.Add(append(append(make([]byte, 0x38), "ARM\x64"...), m.mem[0x3c:]...))
	}
	elf := recipes[0].build().elf()
	f.Add(bzImage(elf, len(elf)))
	f.Add(zboot([]byte("\x02\x21\x4c\x18\x08\x00\x00\x00\x70abcdefg")))
	f.Add([]byte("\x89LZO\x00\r\n\x1a\n" + "\x10\x30\x20\xa0\x09\x40\x02\x05\x00\x00\x00\x01" + strings.Repeat("\x00", 64)))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := New("image", strings.NewReader(string(b)), int64(len(b)))
		if err != nil {
			return
		}
		m.Banner()
		m.Exports()
		m.Vermagic()
		m.Config()
		m.Certificates()
		m.BTF()
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
