package xz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/oracle"
)

// runXZ gives in to xz with these arguments.
func runXZ(in []byte, args ...string) ([]byte, error) {
	cmd := exec.Command("xz", args...)
	cmd.Stdin = bytes.NewReader(in)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, errs.Bytes())
	}
	return out.Bytes(), nil
}

func mustXZ(t testing.TB, in []byte, args ...string) []byte {
	t.Helper()
	out, err := runXZ(in, args...)
	if err != nil {
		t.Fatalf("xz %q: %v", args, err)
	}
	return out
}

// contents are the kinds of data that compress in different ways.
func contents(t testing.TB) map[string][]byte {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewSource(1))
	noise := make([]byte, 110_000)
	r.Read(noise)
	words := new(bytes.Buffer)
	for words.Len() < 150_000 {
		fmt.Fprintf(words, "symbol_%d\t0x%08x %s\n", r.Intn(3000), r.Uint32()>>uint(r.Intn(32)), strings.Repeat("ab", r.Intn(9)))
	}
	m := map[string][]byte{
		"code":  code[len(code)/4:][:250_000],
		"noise": noise,
		"words": words.Bytes(),
		"zeros": make([]byte, 3<<20),
		"far":   append(append(bytes.Clone(noise), make([]byte, 1200<<10)...), noise...),
	}
	for _, n := range []int{0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 63, 64, 255, 272, 273, 274, 4095, 65535, 65536, 65537} {
		m[fmt.Sprintf("code%d", n)] = code[len(code)/3:][:n]
		m[fmt.Sprintf("ones%d", n)] = bytes.Repeat([]byte{1}, n)
	}
	return m
}

func TestOracleXZ(t *testing.T) {
	oracle.Tool(t, "xz")
	all := [][]string{
		{"-0"}, {"-6"}, {"-9e"}, {"-C", "none"}, {"-C", "crc32"}, {"-C", "crc64"}, {"-C", "sha256"},
		{"-C", "crc32", "--lzma2=dict=1MiB"}, // as modules are compressed
		{"--lzma2=dict=4KiB,lc=0,lp=0,pb=0"},
		{"--lzma2=lc=4,lp=0,pb=4"},
		{"--lzma2=lc=0,lp=4,pb=2"},
		{"--lzma2=lc=2,lp=2,pb=1,nice=273"},
		{"--block-size=1000"},
		{"--block-size=65536", "-T2"},
		{"-T2", "--block-size=100000", "-C", "none", "--x86", "--lzma2"},
	}
	for name, data := range contents(t) {
		args := all
		switch {
		case name == "zeros", name == "noise": // zeros are more than one chunk
			args = [][]string{{"-6"}, {"-0", "-C", "crc32"}}
		case len(data) < 60_000:
			args = [][]string{{"-6"}, {"-C", "sha256", "--delta=dist=3", "--x86", "--lzma2=dict=4KiB"}}
		}
		for _, a := range args {
			src := mustXZ(t, data, append([]string{"-c"}, a...)...)
			checkBoth(t, fmt.Sprint(name, a), src, data)
		}
	}
}

func TestOracleFilters(t *testing.T) {
	oracle.Tool(t, "xz")
	help := string(mustXZ(t, nil, "--long-help"))
	data := contents(t)
	r := rand.New(rand.NewSource(2))
	for _, f := range []struct {
		option string
		align  int
		calls  [][]byte // byte strings that make the filter act
	}{
		{"x86", 1, [][]byte{{0xe8}, {0xe9}, {0xe8, 0, 0, 0, 0}, {0xff}, {0xe9, 1, 2, 3, 0xff}}},
		{"arm", 4, [][]byte{{1, 2, 3, 0xeb}, {0xff, 0xff, 0xff, 0xeb}}},
		{"armthumb", 2, [][]byte{{1, 0xf0, 2, 0xf8}, {0xff, 0xf7, 0xff, 0xff}}},
		{"arm64", 4, [][]byte{{1, 2, 3, 0x94}, {1, 2, 3, 0x97}, {1, 0, 0, 0x90}, {0xe1, 0xff, 0xff, 0xf0}, {5, 5, 5, 0xb0}}},
		{"powerpc", 4, [][]byte{{0x48, 1, 2, 1}, {0x4b, 0xff, 0xff, 0xfd}}},
		{"ia64", 16, [][]byte{{0x10, 0, 0, 0, 0, 0, 1, 2, 3, 4, 0xa0, 1, 2, 3, 0, 0x50}, {0x16, 1, 0, 0, 5, 0xa0}}},
		{"sparc", 4, [][]byte{{0x40, 1, 2, 3}, {0x7f, 0xff, 0xff, 1}}},
		{"riscv", 2, [][]byte{{0xef, 0, 1, 2}, {0xef, 0x32, 3, 4}, {0x97, 0, 0, 0, 0xe7, 0x80, 0, 0},
			{0x17, 0x31, 0x11, 0x51, 1, 2, 3, 4}, {0x17, 5, 6, 7, 3, 5, 0x55, 1}, {0x17, 0x31}, {0x97, 2}}},
	} {
		t.Run(f.option, func(t *testing.T) {
			if !strings.Contains(help, "--"+f.option) {
				t.Skipf("SKIPPED: this xz has no --%s", f.option)
			}
			act := new(bytes.Buffer)
			for act.Len() < 60_000 {
				act.Write(f.calls[r.Intn(len(f.calls))])
				if r.Intn(3) == 0 {
					act.Write(data["noise"][r.Intn(100_000):][:r.Intn(7)])
				} else if r.Intn(8) == 0 {
					act.Write(make([]byte, -act.Len()&15))
				}
			}
			for name, d := range map[string][]byte{"made": act.Bytes(), "code": data["code"][:60_000], "noise": data["noise"][:60_000], "short": act.Bytes()[:9]} {
				for _, start := range []int{0, f.align, 0x10000 * f.align} {
					option := fmt.Sprintf("--%s=start=%d", f.option, start)
					src := mustXZ(t, d, "-c", option, "--lzma2=preset=0")
					checkBoth(t, name+option, src, d)
					if start != f.align {
						continue
					}
					src = mustXZ(t, d, "-c", "--delta=dist=2", option, "--lzma2=preset=0")
					checkBoth(t, name+"delta"+option, src, d)
				}
			}
		})
	}
	for _, dist := range []int{1, 2, 255, 256} {
		src := mustXZ(t, data["code"], "-c", fmt.Sprintf("--delta=dist=%d", dist), "--lzma2=preset=0")
		checkBoth(t, fmt.Sprintf("delta %d", dist), src, data["code"])
	}
}

// checkBoth decodes src with every loop there is and in several ways.
func checkBoth(t *testing.T, name string, src, want []byte) {
	t.Helper()
	if n, err := Size(src); err != nil || n != int64(len(want)) {
		t.Errorf("%s: size %d, %v; want %d", name, n, err, len(want))
	}
	eachLoop(func(loop string) {
		got, err := Decode(src, int64(len(want)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %s: %d bytes, %v; want %d", name, loop, len(got), err, len(want))
		}
		// Into memory with no slack, and something behind it.
		dst := make([]byte, len(want))
		got, err = DecodeInto(dst, src, int64(len(want)))
		if err != nil || !bytes.Equal(got, want) || len(got) > 0 && &got[0] != &dst[0] {
			t.Errorf("%s: %s: into: %d bytes, %v", name, loop, len(got), err)
		}
		got, n, err := DecodePrefix(append(bytes.Clone(src), "behind"...), int64(len(want)))
		if err != nil || n != len(src) || !bytes.Equal(got, want) {
			t.Errorf("%s: %s: prefix: %d bytes of %d, %v", name, loop, len(got), n, err)
		}
	})
	if len(want) > 0 {
		if _, err := Decode(src, int64(len(want))-1); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: one byte less than needed: %v", name, err)
		}
	}
}

func TestOracleStreams(t *testing.T) {
	oracle.Tool(t, "xz")
	a, b := mustXZ(t, []byte("first "), "-c"), mustXZ(t, []byte("second"), "-c", "-C", "none")
	pad := make([]byte, 8)
	for _, parts := range [][][]byte{
		{a, b}, {a, pad, b}, {a, b, pad}, {a, pad[:4], b, pad}, {pad, a}, {a, pad[:2]}, {a, pad[:3]}, {a, pad[:5], b}, {a, pad[:6], b}, {a, {1}}, {a, b[:20]}, {a, []byte("behind!!")},
		{}, {pad},
	} {
		src := bytes.Join(parts, nil)
		want, wantErr := runXZ(src, "-dc")
		if len(src) == 0 { // xz takes an empty file for nothing; it is no .xz file
			wantErr = errTruncated
		}
		got, err := Decode(src, 1<<20)
		if (err != nil) != (wantErr != nil) || !bytes.Equal(got, want) {
			t.Errorf("%x: %q, %v; xz: %q, %v", src, got, err, want, wantErr)
		}
	}
}

// TestOracleDamage changes each byte of small files, and cuts them at each
// length. What xz still decodes must come out alike; all else is an error.
func TestOracleDamage(t *testing.T) {
	oracle.Tool(t, "xz")
	text := []byte("symbol_1 symbol_2 symbol_3 symbol_1 symbol_2\n" + strings.Repeat("z", 300))
	files := map[string][]byte{
		"CRC32":    mustXZ(t, text, "-c", "-C", "crc32"),
		"none":     mustXZ(t, text, "-c", "-C", "none", "--x86", "--lzma2"),
		"blocks":   mustXZ(t, text, "-c", "-C", "none", "--block-size=200"),
		"lzma":     mustXZ(t, text, "-c", "--format=lzma"),
		"lzmasize": knownSize(t, text),
	}
	for name, src := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var bad [][]byte
			for i := range src {
				b := bytes.Clone(src)
				b[i] ^= []byte{1, 0x80, 0xff}[i%3]
				bad = append(bad, b)
				if i%4 == 0 {
					bad = append(bad, src[:i])
				}
			}
			for i, b := range bad {
				format := "--format=xz"
				decode := Decode
				if strings.HasPrefix(name, "lzma") {
					format, decode = "--format=lzma", DecodeLZMA
				}
				want, wantErr := runXZ(b, "-dc", format)
				if len(b) == 0 {
					wantErr = errTruncated
				}
				// The xz program, not the format, wants dictionaries of 2^n or
				// 3*2^n in a .lzma file, to know it by.
				if wantErr != nil && strings.Contains(wantErr.Error(), "format not recognized") && len(b) == len(src) && bytes.Equal(b[5:], src[5:]) {
					continue
				}
				got, err := decode(b, 1<<20)
				if (err != nil) != (wantErr != nil) || !bytes.Equal(got, want) {
					t.Errorf("case %d: %q, %v; xz: %q, %v", i, got, err, want, wantErr)
				}
			}
		})
	}
}

// knownSize makes a .lzma file that states its size and has no end marker, of
// the one chunk of an .xz file.
func knownSize(t testing.TB, data []byte) []byte {
	t.Helper()
	src := mustXZ(t, data, "-c", "--lzma2=dict=64KiB")
	l, err := walk(src, 1<<20, false)
	if err != nil {
		t.Fatal(err)
	}
	c, err := nextChunk(src[l.blocks[0].data:])
	if err != nil || c.control < controlNewDict {
		t.Fatalf("not one LZMA chunk: %+v, %v", c, err)
	}
	out := binary.LittleEndian.AppendUint32([]byte{c.props}, 64<<10)
	out = binary.LittleEndian.AppendUint64(out, uint64(len(data)))
	return append(out, src[l.blocks[0].data+c.header:][:c.packed]...)
}

func TestOracleLZMA(t *testing.T) {
	oracle.Tool(t, "xz")
	for name, data := range contents(t) {
		for _, a := range [][]string{{"-6"}, {"-0"}, {"--lzma1=lc=1,lp=3,pb=0,dict=4KiB"}} {
			src := mustXZ(t, data, append([]string{"-c", "--format=lzma"}, a...)...)
			stated := bytes.Clone(src)
			binary.LittleEndian.PutUint64(stated[5:], uint64(len(data)))
			eachLoop(func(loop string) {
				got, err := DecodeLZMA(src, int64(len(data)))
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%s %s: %s: %d bytes, %v; want %d", name, a, loop, len(got), err, len(data))
				}
				got, err = DecodeLZMA(stated, int64(len(data)))
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%s %s: size stated: %s: %d bytes, %v; want %d", name, a, loop, len(got), err, len(data))
				}
				if len(data) == 0 {
					return
				}
				for _, s := range [][]byte{src, stated} {
					if _, err := DecodeLZMA(s, int64(len(data))-1); !errors.Is(err, ErrLimit) {
						t.Errorf("%s %s: one byte less than needed: %v", name, a, err)
					}
				}
			})
		}
	}
	for _, n := range []string{"code4095", "ones65536", "code274", "ones31", "ones273"} {
		data := contents(t)[n]
		src := knownSize(t, data)
		if want := mustXZ(t, src, "-dc", "--format=lzma"); !bytes.Equal(want, data) {
			t.Fatalf("%s: the file made is not what xz takes", n)
		}
		if got, err := DecodeLZMA(src, 1<<20); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: size stated, no marker: %d bytes, %v", n, len(got), err)
		}
	}
}
