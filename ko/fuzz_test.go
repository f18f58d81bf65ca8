package ko

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"modkeep/ko/elf"
)

func seeds(f *testing.F) [][]byte {
	files, _ := filepath.Glob("testdata/*.*o")
	var all [][]byte
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, b)
	}
	if len(all) == 0 {
		f.Fatal("no modules in testdata")
	}
	return all
}

// FuzzNew reads everything that a file offers.
func FuzzNew(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := New("fuzz.ko", bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		defer file.Close()
		readEverything(file)
	})
}

var orders = []binary.ByteOrder{binary.LittleEndian, binary.BigEndian}

// FuzzVersions replaces the content of __versions.
func FuzzVersions(f *testing.F) {
	f.Add([]byte("\x78\x56\x34\x12\x00\x00\x00\x00module_layout\x00"), true)
	f.Add(bytes.Repeat([]byte("x"), 129), false)
	f.Fuzz(func(t *testing.T, data []byte, wide bool) {
		ef := &elf.File{}
		file := &File{File: ef}
		ef.Is64 = wide
		ef.Order = orders[len(data)%2]
		whole, err := file.wholeEntries(data)
		vs := file.decodeVersions(whole)
		if len(vs) > len(data)/entrySize {
			t.Fatalf("%d entries in %d bytes", len(vs), len(data))
		}
		if err == nil && len(vs) != len(data)/entrySize {
			t.Fatalf("%d entries in %d bytes without an error", len(vs), len(data))
		}
	})
}

// FuzzDecompress reads packed files.
func FuzzDecompress(f *testing.F) {
	plain := seeds(f)[0]
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(plain)
	w.Close()
	f.Add(bytes.Clone(b.Bytes()))
	z, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(z.EncodeAll(plain, nil))
	b.Reset()
	z.Reset(&b)
	z.Write(plain)
	z.Close()
	f.Add(bytes.Clone(b.Bytes()))
	f.Add([]byte("\xfd7zXZ\x00\x00\x04"))
	f.Fuzz(func(t *testing.T, b []byte) {
		im, err := NewImage("fuzz.ko", bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if im.Size > MaxUnpacked {
			t.Fatalf("%d bytes", im.Size)
		}
		im.Close()
	})
}
