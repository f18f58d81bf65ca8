package xz

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"modkeep/internal/cputime"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestModule(t *testing.T) {
	src := fixture(t, "8021q.ko.xz")
	eachLoop(func(loop string) {
		out, err := Decode(src, 1<<20)
		if err != nil {
			t.Fatalf("%s: %v", loop, err)
		}
		sum := sha256.Sum256(out)
		if got, want := hex.EncodeToString(sum[:]), "9f7fef68e5597e7a47ad12bdab0b7b073a4f265a82c4efe5e4beb89ea07c9e76"; got != want {
			t.Errorf("%s: SHA-256 %s, want %s", loop, got, want)
		}
	})
	if _, err := Decode(fixture(t, "riscv.xz"), 1<<20); err != nil {
		t.Errorf("riscv.xz: %v", err)
	}
}

// TestDamagedModule changes bytes all over a module: the check must see what
// the structure does not.
func TestDamagedModule(t *testing.T) {
	src := fixture(t, "8021q.ko.xz")
	eachLoop(func(loop string) {
		for i := 0; i < len(src); i += 37 {
			b := bytes.Clone(src)
			b[i] ^= 0x10
			if _, err := Decode(b, 1<<20); err == nil {
				t.Errorf("%s: byte %d changed: no error", loop, i)
			}
			if _, err := Decode(src[:i], 1<<20); err == nil {
				t.Errorf("%s: cut at %d: no error", loop, i)
			}
		}
	})
}

// TestSymbols decodes data made symbol by symbol, each impossible in one way.
func TestSymbols(t *testing.T) {
	const dict4K, dict8M = 0, 22
	for _, c := range []struct {
		name string
		dict byte
		size int
		make func(e *encoder)
		want string // what must have been decoded
		err  error
	}{
		{"literals", dict4K, 3, func(e *encoder) { e.literal('a'); e.literal('b'); e.literal('c') }, "abc", nil},
		{"short rep", dict4K, 2, func(e *encoder) { e.literal('a'); e.shortRep() }, "aa", nil},
		{"short rep first", dict4K, 1, func(e *encoder) { e.shortRep() }, "", errBadDistance},
		{"rep first", dict4K, 2, func(e *encoder) { e.rep(0, 2) }, "", errBadDistance},
		{"match first", dict4K, 2, func(e *encoder) { e.match(0, 2) }, "", errBadDistance},
		{"run", dict4K, 274, func(e *encoder) { e.literal('a'); e.match(0, 273) }, strings.Repeat("a", 274), nil},
		{"period", dict4K, 14, func(e *encoder) { e.literal('a'); e.literal('b'); e.literal('c'); e.match(2, 11) }, "abcabcabcabcab", nil},
		{"too far by one", dict4K, 3, func(e *encoder) { e.literal('a'); e.match(1, 2) }, "", errBadDistance},
		{"far too far", dict8M, 3, func(e *encoder) { e.literal('a'); e.match(0xfffffffe, 2) }, "", errBadDistance},
		{"far too far, then rep", dict8M, 4, func(e *encoder) { e.literal('a'); e.match(1<<31, 2); e.rep(0, 2) }, "", errBadDistance},
		{"too long", dict4K, 3, func(e *encoder) { e.literal('a'); e.match(0, 3) }, "", errTooLong},
		{"longest too long", dict4K, 3, func(e *encoder) { e.literal('a'); e.match(0, 273) }, "", errTooLong},
		{"end marker", dict4K, 2, func(e *encoder) { e.literal('a'); e.match(0xffffffff, 2); e.literal('b') }, "", errEndMarker},
		{"one short", dict4K, 4, func(e *encoder) { e.literal('a'); e.literal('b'); e.literal('c') }, "", errInput},
		{"one over", dict4K, 2, func(e *encoder) { e.literal('a'); e.literal('b'); e.literal('c') }, "", errLeft},
		{"all reps", dict4K, 18, func(e *encoder) {
			for _, b := range []byte("abcdef") {
				e.literal(b)
			}
			e.match(5, 2) // ab
			e.match(3, 2) // ef
			e.match(1, 2) // ef
			e.rep(2, 2)   // distances 1 3 5: from 6 back
			e.rep(1, 2)   // 5 1 3: from 2 back
			e.rep(3, 2)   // 1 5 3 0: from 1 back
		}, "abcdefabefefababbb", nil},
		{"within the dictionary", dict4K, 4100, func(e *encoder) {
			e.literal('x')
			for range 15 {
				e.match(0, 273)
			}
			for range 2 {
				e.match(0, 2)
			}
		}, "", nil},
		{"beyond the dictionary", dict4K, 4102, func(e *encoder) {
			e.literal('x')
			for range 15 {
				e.match(0, 273)
			}
			e.match(0, 4)
			e.match(4096, 2)
		}, "", errBadDistance},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEncoder()
			c.make(e)
			src := stream(c.dict, c.size, lzmaChunk(c.size, e.finish()))
			eachLoop(func(loop string) {
				got, err := Decode(src, 1<<20)
				if !errors.Is(err, c.err) || c.err == nil && err != nil {
					t.Fatalf("%s: %v, want %v", loop, err, c.err)
				}
				if err == nil && (len(got) != c.size || c.want != "" && string(got) != c.want) {
					t.Errorf("%s: %q, want %q", loop, got, c.want)
				}
			})
		})
	}
}

// TestStructure is about damage behind right checksums.
func TestStructure(t *testing.T) {
	plain := func(control byte, data string) []byte {
		return append([]byte{control, 0, byte(len(data) - 1)}, data...)
	}
	lzma := func(control byte) []byte {
		e := newEncoder()
		e.literal('a')
		c := lzmaChunk(1, e.finish())
		if c[0] = control; control < controlProps {
			c = append(c[:5], c[6:]...)
		}
		return c
	}
	notZero := lzma(0xe0)
	notZero[len(notZero)-1] ^= 1
	for _, c := range []struct {
		name   string
		size   int
		chunks [][]byte
		err    string // "" for none
	}{
		{"empty", 0, nil, ""},
		{"plain", 2, [][]byte{plain(1, "ab")}, ""},
		{"plain, dictionary not reset", 2, [][]byte{plain(2, "ab")}, "does not reset the dictionary"},
		{"LZMA, dictionary not reset", 1, [][]byte{lzma(0xc0)}, "does not reset the dictionary"},
		{"plain, then properties", 3, [][]byte{plain(1, "ab"), lzma(0xc0)}, ""},
		{"plain, then none", 3, [][]byte{plain(1, "ab"), lzma(0xa0)}, "properties missing"},
		{"plain, then no reset", 3, [][]byte{plain(1, "ab"), lzma(0x80)}, "properties missing"},
		{"control 3", 2, [][]byte{plain(3, "ab")}, "not defined"},
		{"index: other size", 3, [][]byte{plain(1, "ab")}, "index at offset"},
		{"lc+lp = 5", 1, [][]byte{append([]byte{0xe0, 0, 0, 0, 4, 9 + 4}, 0, 0, 0, 0, 0)}, errBadProps.Error()},
		{"range coder of four bytes", 1, [][]byte{append([]byte{0xe0, 0, 0, 0, 3, 0}, 0, 0, 0, 0)}, errInput.Error()},
		{"range coder not from zero", 1, [][]byte{append([]byte{0xe0, 0, 0, 0, 4, 0}, 1, 0, 0, 0, 0)}, errInit.Error()},
		{"last code not zero", 1, [][]byte{notZero}, errLeft.Error()},
		{"chunk cut", 1, [][]byte{{1, 0, 200}}, errTruncated.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Decode(stream(0, c.size, c.chunks...), 1<<20)
			if c.err == "" && (err != nil || len(got) != c.size) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%q, %v; want error %q", got, err, c.err)
			}
		})
	}
}

// TestIndex states wrong sizes in an index that is right otherwise.
func TestIndex(t *testing.T) {
	chunk := []byte{1, 0, 1, 'a', 'b'}
	for _, c := range []struct {
		unpadded, size int
		ok             bool
	}{{0, 2, true}, {1, 2, false}, {-1, 2, false}, {0, 1, false}, {1 << 50, 2, false}, {0, 1 << 62, false}} {
		src := streamOf(0, c.size, c.unpadded, chunk)
		if _, err := Decode(src, 1<<20); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
		if _, err := Size(src); (err == nil) != c.ok {
			t.Errorf("%+v: size: %v", c, err)
		}
	}
}

// TestBombs gives small files that claim or hold much.
func TestBombs(t *testing.T) {
	claim := lzmaChunk(2<<20, make([]byte, 5))
	var claims [][]byte
	for range 10_000 { // 20 GB in 110 KB
		claims = append(claims, claim)
	}
	run := func() ([]byte, int) {
		e := newEncoder()
		e.literal(0)
		n := 1
		for ; n+273 <= 2<<20 && len(e.out) < 60_000; n += 273 {
			e.match(0, 273)
		}
		return lzmaChunk(n, e.finish()), n
	}
	chunk, n := run()
	var full [][]byte
	for range 47 { // 98 MB that are really there
		full = append(full, chunk)
	}
	e := newEncoder()
	e.literal('a')
	reset := lzmaChunk(1, e.finish()) // the smallest that resets everything
	var many [][]byte
	for range 100_000 {
		many = append(many, reset)
	}
	lzma := binary.LittleEndian.AppendUint64([]byte{0, 0, 0, 0, 1}, 1<<62)
	e = newEncoder()
	e.literal(0)
	for range 101_000_000 / 273 {
		e.match(0, 273)
	}
	endless := append(append(lzma[:5:5], bytes.Repeat([]byte{255}, 8)...), e.finish()...)
	for _, c := range []struct {
		name   string
		decode func([]byte, int64) ([]byte, error)
		src    []byte
		limit  bool
		memory uint64
	}{
		{"claims", Decode, stream(22, 2<<20*len(claims), claims...), true, 1 << 20},
		{"one claim", Decode, stream(22, 2<<20, claim), false, 3 << 20},
		{"full", Decode, stream(22, n*47, full...), false, 101e6},
		{"resets", Decode, stream(22, len(many), many...), false, 1 << 20},
		{"lzma", DecodeLZMA, append(lzma, make([]byte, 100)...), true, 1 << 20},
		// Memory that grows up to the limit.
		{"lzma without size", DecodeLZMA, endless, true, 150e6},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			clock := cputime.Start()
			_, err := c.decode(c.src, 100_000_000)
			took := clock.Took()
			runtime.ReadMemStats(&after)
			if errors.Is(err, ErrLimit) != c.limit {
				t.Errorf("limit: %v, want %v: %v", !c.limit, c.limit, err)
			}
			cputime.Hold(t, took, time.Second)
			if n := after.TotalAlloc - before.TotalAlloc; n > c.memory {
				t.Errorf("took %d bytes of memory", n)
			}
			t.Logf("%d bytes of input: %v", len(c.src), took)
		})
	}
}

func TestReuse(t *testing.T) {
	src := fixture(t, "8021q.ko.xz")
	dst, err := Decode(src, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(10, func() {
		if dst, err = DecodeInto(dst, src, 1<<20); err != nil {
			t.Fatal(err)
		}
	}); n > 4 {
		t.Errorf("%v allocations with memory given", n)
	}
}

func BenchmarkDecode(b *testing.B) {
	src := fixture(b, "8021q.ko.xz")
	eachLoop(func(loop string) {
		b.Run(loop, func(b *testing.B) {
			var dst []byte
			for b.Loop() {
				out, err := DecodeInto(dst, src, 1<<20)
				if err != nil {
					b.Fatal(err)
				}
				dst = out
				b.SetBytes(int64(len(out)))
			}
		})
	})
}
