package xz

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	ulikunitz "github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

const fuzzLimit = 1 << 18

// sameLoops decodes with each loop and wants one answer.
func sameLoops(t *testing.T, src []byte, decode func([]byte, int64) ([]byte, error)) ([]byte, error) {
	t.Helper()
	var out []byte
	var err error
	first := ""
	eachLoop(func(loop string) {
		o, e := decode(src, fuzzLimit)
		if first == "" {
			first, out, err = loop, o, e
			return
		}
		if !bytes.Equal(o, out) || (e == nil) != (err == nil) || e != nil && e.Error() != err.Error() {
			t.Errorf("%s: %d bytes, %v; %s: %d bytes, %v", first, len(out), err, loop, len(o), e)
		}
	})
	return out, err
}

// FuzzDecode holds the loops against each other, and what Decode returns
// against ulikunitz/xz. That takes much which liblzma refuses (it does not hold
// a chunk to its compressed size, for one), so errors are not compared;
// TestOracleDamage compares those with xz.
func FuzzDecode(f *testing.F) {
	// Small seeds: large ones are minimised for minutes.
	e := newEncoder()
	e.literal('a')
	e.match(0, 10)
	e.shortRep()
	f.Add(stream(0, 12, lzmaChunk(12, e.finish())))
	f.Add(stream(0, 5, []byte{1, 0, 1, 'a', 'b'}, []byte{2, 0, 2, 'a', 'b', 'c'}))
	f.Fuzz(func(t *testing.T, src []byte) {
		out, err := sameLoops(t, src, Decode)
		if n, e := Size(src); err == nil && (e != nil || n != int64(len(out))) {
			t.Errorf("size %d, %v; decoded %d", n, e, len(out))
		}
		r, e := ulikunitz.NewReader(bytes.NewReader(src))
		if e != nil {
			return
		}
		want, e := io.ReadAll(io.LimitReader(r, fuzzLimit+1))
		if len(want) > fuzzLimit || e != nil {
			return
		}
		if err == nil && !bytes.Equal(out, want) {
			t.Errorf("%d bytes, ulikunitz/xz has %d others", len(out), len(want))
		}
	})
}

// FuzzDecodeLZMA is FuzzDecode for .lzma files, in which no checksum hides the
// decoder's loop.
func FuzzDecodeLZMA(f *testing.F) {
	header := func(size uint64) []byte {
		return binary.LittleEndian.AppendUint64([]byte{0, 0, 16, 0, 0}, size)
	}
	e := newEncoder()
	for _, b := range []byte("abcdefgh") {
		e.literal(b)
	}
	e.match(3, 20)
	e.rep(0, 273)
	e.match(0, 5)
	e.rep(1, 9)
	e.shortRep()
	e.match(200, 17)
	e.match(0xffffffff, 2)
	data := e.finish()
	f.Add(append(header(unknownSize), data...))
	f.Add(append(header(333), data...))
	// The beginning of a module's data, with the size cut to fit.
	src := fixture(f, "8021q.ko.xz")
	f.Add(append(append([]byte{93, 0, 0, 16, 0}, binary.LittleEndian.AppendUint64(nil, 900)...), src[30:330]...))
	f.Fuzz(func(t *testing.T, src []byte) {
		out, err := sameLoops(t, src, DecodeLZMA)
		// ulikunitz/xz takes memory for the dictionary that is stated.
		if len(src) < aloneHeader || binary.LittleEndian.Uint32(src[1:]) > 1<<24 {
			return
		}
		r, e := lzma.NewReader(bytes.NewReader(src))
		if e != nil {
			return
		}
		want, e := io.ReadAll(io.LimitReader(r, fuzzLimit+1))
		if err == nil && e == nil && len(want) <= fuzzLimit && !bytes.Equal(out, want) {
			t.Errorf("%d bytes, ulikunitz/xz has %d others", len(out), len(want))
		}
	})
}
