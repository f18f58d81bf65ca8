package payload

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"modkeep/internal/kerneltest/oracle"
)

// TestWords holds both ways of decompressing against what the usual tools made.
func TestWords(t *testing.T) {
	want, err := os.ReadFile("testdata/words")
	if err != nil {
		t.Fatal(err)
	}
	for _, ext := range []string{"lz4", "lzo", "bz2", "lzma"} {
		t.Run(ext, func(t *testing.T) {
			packed, err := os.ReadFile("testdata/words." + ext)
			if err != nil {
				t.Fatal(err)
			}
			for _, tail := range [][]byte{nil, {0xac, 0xa0, 0, 0}} { // as the build appends
				for _, way := range ways {
					got, err := way.decode(append(bytes.Clone(packed), tail...))
					if err != nil || !bytes.Equal(got, want) {
						t.Fatalf("%s, %d bytes behind: %d bytes, want %d, or other ones; %v", way.name, len(tail), len(got), len(want), err)
					}
				}
			}
			for n := 0; n < len(packed); n += 61 {
				for _, way := range ways {
					got, err := way.decode(packed[:n])
					if err == nil && len(got) < len(want) && ext != "lz4" {
						t.Fatalf("%s, cut to %d bytes: %d bytes and no error", way.name, n, len(got))
					}
				}
			}
		})
	}
}

var ways = []struct {
	name   string
	decode func(src []byte) ([]byte, error)
}{
	{"whole", decodeWhole},
	{"stream", func(src []byte) ([]byte, error) {
		out, _, err := decodeStream(src)
		return out, err
	}},
}

func decodeWhole(src []byte) ([]byte, error) {
	f, ok := Of(src)
	if !ok {
		return nil, errors.New("no known compression")
	}
	return f.Decode(src, 0, 256<<20)
}

// decodeStream returns how many bytes it took, too.
func decodeStream(src []byte) ([]byte, int64, error) {
	f, ok := Of(src)
	if !ok {
		return nil, 0, errors.New("no known compression")
	}
	s := NewSource(bytes.NewReader(src))
	r, err := f.NewReader(s)
	if err != nil {
		return nil, s.Offset(), err
	}
	defer r.Close()
	out, err := io.ReadAll(io.LimitReader(r, 256<<20))
	return out, s.Offset(), err
}

// tools are what makes data of each compression: the commands that the
// generators of initial file systems call, and others.
var tools = []string{
	"gzip -n -9", "bzip2 -9", "bzip2 -1", "lzma -9", "lzma -0", "xz --check=crc32 --lzma2=dict=1MiB", "xz -8 --check=crc32",
	"xz -6 --check=none", "xz -0 --check=sha256 --block-size=300000", "xz -T2 --block-size=1MiB",
	"lz4 -l -9", "lz4 -l -1", "lzop -9", "lzop -3 -F", "zstd -15 -q", "zstd -1 -q --no-check", "zstd -19 -q", "zstd -q --no-content-size",
}

// TestOracleTools unpacks in a stream what real tools packed, with other data
// behind it, of which nothing may be taken.
func TestOracleTools(t *testing.T) {
	for name, data := range contents(t) {
		for _, tool := range tools {
			t.Run(name+" "+tool, func(t *testing.T) {
				packed := pack(t, tool, data)
				// Behind lz4 data comes what cannot be a block, as the format has no end.
				file := append(bytes.Clone(packed), "\x00\x00\x00\x00070701 more"...)
				got, took, err := decodeStream(file)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, data) {
					t.Fatalf("%d bytes, want %d, or other ones", len(got), len(data))
				}
				if took != int64(len(packed)) {
					t.Errorf("took %d bytes, data has %d", took, len(packed))
				}
				if strings.HasPrefix(tool, "xz -T2") || strings.Contains(tool, "block-size") {
					return
				}
				for _, n := range []int{len(packed) / 2, len(packed) - 1} {
					if _, _, err := decodeStream(packed[:n]); err == nil && !strings.HasPrefix(tool, "lz4") {
						t.Errorf("cut to %d of %d bytes: no error", n, len(packed))
					}
				}
			})
		}
	}
}

// contents are data that compress in different ways; the largest goes through
// every window more than once.
func contents(t *testing.T) map[string][]byte {
	r := rand.New(rand.NewSource(1))
	noise := make([]byte, 700_001)
	r.Read(noise)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	code = code[1_000_000:1_800_000]
	large := bytes.Join([][]byte{code, noise, make([]byte, 9<<20), noise, code}, nil)
	return map[string][]byte{"byte": {'x'}, "noise": noise, "code": code, "large": large}
}

// pack gives data to a command and returns what it writes.
func pack(t testing.TB, command string, data []byte) []byte {
	t.Helper()
	args := strings.Fields(command)
	cmd := exec.Command(oracle.Tool(t, args[0]), append(args[1:], "-c")...)
	cmd.Stdin = bytes.NewReader(data)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", command, err, errs.Bytes())
	}
	return out
}

// TestWindow holds that a stream that asks for a larger window is refused.
func TestWindow(t *testing.T) {
	for _, tool := range []string{"xz --lzma2=preset=0,dict=96MiB", "zstd -q -1 --long=27 --no-content-size"} {
		data := make([]byte, 70<<20)
		rand.New(rand.NewSource(2)).Read(data[:1<<20])
		if _, _, err := decodeStream(pack(t, tool, data)); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: got %v, want %v", tool, err, ErrLimit)
		}
	}
}

// TestLimit holds that whole data stop at the limit.
func TestLimit(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(make([]byte, 1000))
	z.Close()
	f, _ := Of(b.Bytes())
	if _, err := f.Decode(b.Bytes(), 0, 999); !errors.Is(err, ErrLimit) {
		t.Errorf("got %v, want %v", err, ErrLimit)
	}
	if out, err := f.Decode(b.Bytes(), 0, 1000); err != nil || len(out) != 1000 {
		t.Errorf("got %d bytes, %v, want 1000", len(out), err)
	}
}

// FuzzNewReader holds that both ways of decompressing agree, and that no input
// makes a stream panic.
func FuzzNewReader(f *testing.F) {
	seeds, err := filepath.Glob("testdata/words.*")
	if err != nil || len(seeds) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range seeds {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[:min(len(b), 3000)])
	}
	// What these commands make of a line; the decoders' structures in full.
	for _, seed := range []string{
		"\xfd\x37\x7a\x58\x5a\x00\x00\x01\x69\x22\xde\x36\x02\x00\x21\x01\x0c\x00\x00\x00\x8f\x98\x41\x9c\xe0\x00\x8f\x00\x0d\x5d\x00\x30\x98\x88\xa9\x1b\x92\x01\xb2\x19\x27\x81\xb4\x00\x00\x00\x00\x00\xd1\x42\x67\xb0\x00\x01\x25\x90\x01\x00\x00\x00\x2d\x00\x8e\xfd\x3e\x30\x0d\x8b\x02\x00\x00\x00\x00\x01\x59\x5a",                                                                                                                                                                                                                                                                                 // xz -0 --check=crc32 -c
		"\xfd\x37\x7a\x58\x5a\x00\x00\x00\xff\x12\xd9\x41\x02\x00\x21\x01\x0c\x00\x00\x00\x8f\x98\x41\x9c\xe0\x00\x31\x00\x0d\x5d\x00\x30\x98\x88\xa9\x1b\x92\x01\xaf\xbb\x2a\x5d\xb3\x80\x00\x00\x00\x00\x02\x00\x21\x01\x0c\x00\x00\x00\x8f\x98\x41\x9c\xe0\x00\x31\x00\x0f\x5d\x00\x31\x98\x48\x83\xa8\xe0\x1f\xc0\x9b\xb3\xf8\xe2\x60\x30\xe0\x00\x00\x02\x00\x21\x01\x0c\x00\x00\x00\x8f\x98\x41\x9c\xe0\x00\x2b\x00\x0f\x5d\x00\x31\x18\xc8\x58\x68\xe5\xde\x57\x1c\xfd\x03\xe8\x26\x64\x2f\x00\x00\x00\x03\x21\x32\x23\x32\x23\x2c\x2d\xd2\xc2\x5a\xa8\x00\x0a\xfc\x02\x00\x00\x00\x00\x00\x59\x5a", // xz -0 --check=none --block-size=50 -c
		"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x4c\x4a\x4e\x44\x42\x29\x89\x03\xcc\x07\x00\xd1\x42\x67\xb0\x90\x00\x00\x00",         // gzip -nc
		"\x28\xb5\x2f\xfd\x04\x58\x8d\x00\x00\x20\x61\x62\x63\x64\x04\x00\x6e\x66\x02\x80\xa1\xa5\xb8\x72\x6e\x08\xd0\xc3\x1a\x47",         // zstd -qc
		"\x5d\x00\x00\x04\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x30\x98\x88\xa9\x1b\x92\x01\xb2\x19\x2b\x08\x0d\x87\xff\xfe\x64\xa0\x00", // lzma -0 -c
	} {
		f.Add([]byte(seed))
	}
	for _, format := range Formats {
		f.Add([]byte(format.Magic + "\x00\x00\x00\x01"))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		format, ok := Of(src)
		if !ok {
			return
		}
		const limit = 4 << 20
		want, wantErr := format.Decode(src, 0, limit)
		r, err := format.NewReader(NewSource(bytes.NewReader(src)))
		if err != nil {
			return
		}
		defer r.Close()
		got, err := io.ReadAll(io.LimitReader(r, limit))
		if err == nil && wantErr == nil && !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes as a stream, %d whole, or other ones", format.Name, len(got), len(want))
		}
	})
}

func BenchmarkNewReader(b *testing.B) {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	data, err := os.ReadFile(exe)
	if err != nil {
		b.Fatal(err)
	}
	for _, tool := range []string{"gzip", "xz -8 --check=crc32", "zstd -15 -q", "lz4 -l", "lzop", "bzip2", "lzma"} {
		packed := pack(b, tool, data)
		b.Run(fmt.Sprintf("tool=%s", strings.Fields(tool)[0]), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := decodeStreamTo(io.Discard, packed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func decodeStreamTo(w io.Writer, src []byte) (int64, int64, error) {
	f, _ := Of(src)
	s := NewSource(bytes.NewReader(src))
	r, err := f.NewReader(s)
	if err != nil {
		return 0, 0, err
	}
	defer r.Close()
	n, err := io.CopyBuffer(struct{ io.Writer }{w}, r, make([]byte, 64<<10))
	return n, s.Offset(), err
}
