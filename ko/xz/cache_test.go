package xz

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// cached returns files in the cache of kernels, or skips.
func cached(t *testing.T, pattern string) []string {
	t.Helper()
	dir := os.Getenv("MODKEEP_CACHE")
	if dir == "" {
		dir = filepath.Join("..", "..", ".cache")
	}
	names, err := filepath.Glob(filepath.Join(dir, "root", pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		if os.Getenv("MODKEEP_ORACLES") == "required" {
			t.Fatalf("the cache has no %s, and MODKEEP_ORACLES=required", pattern)
		}
		t.Skipf("SKIPPED: the cache has no %s", pattern)
	}
	return names
}

// TestOracleModules decodes each eighth module in two directories of every
// 6.12 kernel.
func TestOracleModules(t *testing.T) {
	needXZ(t)
	names := cached(t, "amd64/lib/modules/6.12*/kernel/[fn]*/*/*.ko.xz")
	for i := 0; i < len(names); i += 8 {
		src, err := os.ReadFile(names[i])
		if err != nil {
			t.Fatal(err)
		}
		want := mustXZ(t, src, "-dc")
		got, err := Decode(src, 1<<30)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v; want %d", names[i], len(got), err, len(want))
		}
	}
}

// TestOracleKernels decodes the payloads of kernel images, found by their
// magic; something follows each.
func TestOracleKernels(t *testing.T) {
	needXZ(t)
	found := 0
	for _, name := range cached(t, "*/boot/vmlinuz-*") {
		image, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(image, headerMagic)
		if at < 0 {
			continue
		}
		src := image[at:]
		want, wantErr := runXZ(src, "-dc", "--single-stream")
		got, n, err := DecodePrefix(src, 1<<30)
		if (err == nil) != (wantErr == nil) || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v; xz: %d, %v", name, len(got), err, len(want), wantErr)
		}
		t.Logf("%s: offset 0x%x, %d bytes to %d: %v", filepath.Base(name), at, n, len(got), err)
		if err == nil {
			found++
		}
		if testing.Short() && found == 1 {
			break
		}
	}
	if found == 0 {
		t.Skip("SKIPPED: no kernel image with an xz payload in the cache")
	}
}
