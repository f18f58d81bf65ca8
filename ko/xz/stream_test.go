package xz

import (
	"bufio"
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"modkeep/internal/kerneltest/oracle"
)

// readStream decodes with Reader; rest is what it left in its source.
func readStream(src []byte) (out, rest []byte, err error) {
	b := bufio.NewReaderSize(iotest.HalfReader(bytes.NewReader(src)), sourceSize)
	r, err := NewReader(b, 64<<20)
	if err == nil {
		out, err = io.ReadAll(r)
	}
	rest, _ = io.ReadAll(b)
	return out, rest, err
}

// TestReaderDamage holds that Reader refuses what Decode refuses: every bit of
// two streams is turned over, and every length is cut to.
func TestReaderDamage(t *testing.T) {
	oracle.Tool(t, "xz")
	data := bytes.Repeat([]byte("one two one three "), 20)
	for _, args := range [][]string{{"-0", "--check=crc32"}, {"-0", "--check=sha256", "--block-size=100"}} {
		packed := mustXZ(t, data, args...)
		for i := range packed {
			if _, _, err := readStream(packed[:i]); err == nil {
				t.Errorf("%q: cut to %d bytes: no error", args, i)
			}
			for bit := range 8 {
				damaged := bytes.Clone(packed)
				damaged[i] ^= 1 << bit
				want, wantErr := Decode(damaged, 1<<20)
				got, _, err := readStream(damaged)
				if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
					t.Errorf("%q: byte %d bit %d: %v, Decode: %v", args, i, bit, err, wantErr)
				}
			}
		}
	}
}

// TestReaderWindow decodes data longer than the window, with a small
// dictionary, every kind of chunk and resets in it.
func TestReaderWindow(t *testing.T) {
	oracle.Tool(t, "xz")
	for name, data := range contents(t) {
		long := bytes.Repeat(data, 1+min(20, 12_000_000/(len(data)+1)))
		packed := mustXZ(t, long, "-0", "--lzma2=preset=0,dict=64KiB,lp=2,lc=1", "--block-size=5000000")
		got, rest, err := readStream(append(bytes.Clone(packed), "behind"...))
		if err != nil || !bytes.Equal(got, long) || string(rest) != "behind" {
			t.Errorf("%s: %d bytes of %d, or other ones, %d left: %v", name, len(got), len(long), len(rest), err)
		}
		alone := mustXZ(t, long, "--format=lzma", "--lzma1=preset=0,dict=64KiB,pb=4")
		r, err := NewLZMAReader(bufio.NewReaderSize(iotest.HalfReader(bytes.NewReader(alone)), sourceSize), 64<<20)
		if err == nil {
			got, err = io.ReadAll(r)
		}
		if err != nil || !bytes.Equal(got, long) {
			t.Errorf("%s, lzma: %d bytes of %d, or other ones: %v", name, len(got), len(long), err)
		}
	}
}

func FuzzReader(f *testing.F) {
	e := newEncoder()
	e.literal('a')
	e.match(0, 10)
	f.Add(stream(0, 11, lzmaChunk(11, e.finish())))
	f.Add(stream(0, 5, []byte{1, 0, 1, 'a', 'b'}, []byte{2, 0, 2, 'a', 'b', 'c'}))
	f.Fuzz(func(t *testing.T, src []byte) {
		want, n, wantErr := DecodePrefix(src, 1<<20)
		got, rest, err := readStream(src)
		if wantErr != nil || err != nil {
			return
		}
		if !bytes.Equal(got, want) || len(rest) != len(src)-n {
			t.Errorf("%d bytes and %d left, DecodePrefix: %d and %d", len(got), len(rest), len(want), len(src)-n)
		}
	})
}
