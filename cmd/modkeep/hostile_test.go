package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"modkeep/internal/cputime"
)

// hostileFiles makes files that call themselves modules, from a real one, and
// says what the complaint about each must hold.
func hostileFiles(t *testing.T) (dir string, complaints map[string]string) {
	t.Helper()
	real, err := os.ReadFile("../../ko/modsig/testdata/debian-libcrc32c.ko")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(syscall.Mkfifo(path("fifo.ko"), 0o600))
	must(os.Symlink("loop.ko", path("loop.ko")))
	must(os.Mkdir(path("dir.ko"), 0o700))
	must(os.WriteFile(path("empty.ko"), nil, 0o600))
	must(os.WriteFile(path("cut.ko"), real[:2000], 0o600))
	must(os.WriteFile(path("far.ko"), edited(real, func(b []byte) { binary.LittleEndian.PutUint64(b[0x28:], 1<<63) }), 0o600))
	must(os.WriteFile(path("huge.ko"), edited(real, hugeSections), 0o600))
	must(os.WriteFile(path("bomb.ko.gz"), bomb(t), 0o600))
	return dir, map[string]string{
		"fifo.ko":    "not a regular file",
		"loop.ko":    "too many levels of symbolic links",
		"dir.ko":     "not a regular file",
		"empty.ko":   "not an ELF file",
		"cut.ko":     "section headers do not lie inside the file",
		"far.ko":     "section headers do not lie inside the file",
		"huge.ko":    "",
		"bomb.ko.gz": "unpacks to more than any module",
		"none.ko":    "no such file or directory",
	}
}

func edited(b []byte, edit func([]byte)) []byte {
	b = bytes.Clone(b)
	edit(b)
	return b
}

// hugeSections makes every section of a 64-bit module 2^63 bytes long.
func hugeSections(b []byte) {
	headers := b[binary.LittleEndian.Uint64(b[0x28:]):]
	for i := range int(binary.LittleEndian.Uint16(b[0x3c:])) {
		binary.LittleEndian.PutUint64(headers[64*i+32:], 1<<63)
	}
}

// bomb is 400 MB of zeros in 400 KB.
func bomb(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 400 {
		if _, err := z.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHostileFiles(t *testing.T) {
	dir, complaints := hostileFiles(t)
	for name, want := range complaints {
		for _, verb := range []string{"show", "symbols"} {
			t.Run(verb+"_"+name, func(t *testing.T) {
				var out, errOut bytes.Buffer
				clock := cputime.Start()
				status := run(context.Background(), []string{"modkeep", verb, filepath.Join(dir, name)}, nil, &out, &errOut)
				cputime.Hold(t, clock.Took(), time.Second)
				if status != statusUnknown {
					t.Errorf("status %d, want %d", status, statusUnknown)
				}
				if complaint := errOut.String(); !strings.HasPrefix(complaint, "modkeep: cannot read "+dir) || !strings.Contains(complaint, want) {
					t.Errorf("stderr %q, want it to say %q", complaint, want)
				}
			})
		}
	}
}
