package kmp

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"testing"
)

func crcOf(b []byte) []byte { return binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)) }

func fuzzRead(t *testing.T, data []byte) {
	// What the whole is read of the header alone is, too.
	head, headErr := ReadHeader("fuzz", bytes.NewReader(data), int64(len(data)))
	p, err := Read("fuzz", bytes.NewReader(data), int64(len(data)), nil)
	if err != nil {
		return
	}
	if headErr != nil || head.EVR() != p.EVR() {
		t.Fatalf("header alone: %v", headErr)
	}
	p.Kernels()
	for _, f := range p.Files {
		if f.Path == "" || f.Path[0] != '/' {
			t.Fatalf("file %q", f.Path)
		}
	}
}

func FuzzDeb(f *testing.F) {
	f.Add(debOf("data.tar", tarOf(text("./lib/modules/k/x.ko", string(ubcore)), text("./etc/modprobe.d/x.conf", "x"))))
	f.Add(debOf("data.tar.gz", bomb(f, "gz", "./a", 100)))
	f.Add(debOf("data.tar.xz", bomb(f, "xz", "./a.ko", 100)))
	f.Add(debOf("data.tar.zst", bomb(f, "zst", "./a.ko", 100)))
	if small, err := os.ReadFile("testdata/urma.deb"); err == nil {
		f.Add(small)
	}
	f.Fuzz(fuzzRead)
}

func FuzzRPM(f *testing.F) {
	none := rpmHeaderOf(0, 0, nil, "")
	named := rpmTexts(map[uint32]string{tagName: "x", tagVersion: "1", tagSourceRPM: "x.src.rpm", 1024: "%foo\ndepmod"})
	f.Add(rpmOf(none, named, append(cpioOf("./lib/modules/k/x.ko", 4, "abcd"), cpioOf("TRAILER!!!", 0, "")...)))
	if small, err := os.ReadFile("testdata/urma.rpm"); err == nil {
		f.Add(small)
	}
	f.Fuzz(fuzzRead)
}
