package ko_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/oracle"
	"modkeep/ko"
)

var compressions = []ko.Compression{ko.None, ko.Gzip, ko.XZ, ko.Zstd}

func TestCompress(t *testing.T) {
	module := fixtureFile(t, "testdata/x86_64-6.14.ko")
	for _, c := range compressions {
		packed, err := ko.Compress(c, module)
		if err != nil {
			t.Fatalf("%q: %v", c, err)
		}
		again, err := ko.Compress(c, module)
		if err != nil || !bytes.Equal(packed, again) {
			t.Errorf("%q: two runs differ", c)
		}
		if got := ko.CompressionOf(packed); got != c {
			t.Errorf("packed with %q, looks like %q", c, got)
		}
		im, err := ko.NewImage("m.ko"+c.Suffix(), bytes.NewReader(packed), int64(len(packed)))
		if err != nil {
			t.Fatalf("%q: %v", c, err)
		}
		got := make([]byte, im.Size)
		if _, err := im.ReadAt(got, 0); err != nil || !bytes.Equal(got, module) {
			t.Errorf("%q: unpacks to something else: %v", c, err)
		}
		im.Close()
	}
}

func TestCompressRefuses(t *testing.T) {
	if _, err := ko.Compress("lzo", []byte("x")); err == nil {
		t.Error("packed with lzo")
	}
	if _, err := ko.Compress(ko.Gzip, make([]byte, ko.MaxUnpacked+1)); err == nil {
		t.Error("packed what cannot be unpacked")
	}
}

// TestOracleCompress has the real programs unpack, and xz and zstd tell what
// the file asks of the kernel.
func TestOracleCompress(t *testing.T) {
	module := fixtureFile(t, "testdata/x86_64-6.14.ko")
	for _, tt := range []struct {
		c    ko.Compression
		tool string
		list []string // the program's account of the file
		want []string // what it holds
	}{
		{ko.Gzip, "gzip", nil, nil},
		{ko.XZ, "xz", []string{"-lvv"}, []string{"CRC32", "dict=1MiB"}},
		{ko.Zstd, "zstd", []string{"-lv"}, []string{"# Zstandard Frames: 1", "Decompressed Size: "}},
	} {
		t.Run(tt.tool, func(t *testing.T) {
			tool := oracle.Tool(t, tt.tool)
			packed, err := ko.Compress(tt.c, module)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "m.ko"+tt.c.Suffix())
			if err := os.WriteFile(path, packed, 0o666); err != nil {
				t.Fatal(err)
			}
			if got, err := exec.Command(tool, "-dc", path).Output(); err != nil || !bytes.Equal(got, module) {
				t.Errorf("%s unpacks something else: %v", tt.tool, err)
			}
			if tt.list == nil {
				return
			}
			out, err := exec.Command(tool, append(tt.list, path)...).CombinedOutput()
			for _, want := range tt.want {
				if err != nil || !strings.Contains(string(out), want) {
					t.Errorf("%s %s: %v\n%s\nwant %q", tt.tool, tt.list, err, out, want)
				}
			}
		})
	}
}

func fixtureFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
