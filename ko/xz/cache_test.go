package xz

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"modkeep/internal/kerneltest/oracle"
)

// TestOracleModules decodes each eighth module in two directories of every
// 6.12 kernel.
func TestOracleModules(t *testing.T) {
	oracle.Tool(t, "xz")
	names := oracle.Cached(t, "root/amd64/lib/modules/6.12*/kernel/[fn]*/*/*.ko.xz")
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
	oracle.Tool(t, "xz")
	found := 0
	for _, name := range oracle.Cached(t, "root/*/boot/vmlinuz-*") {
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
