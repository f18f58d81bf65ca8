package ko

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"modkeep/internal/cputime"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/ko/elf"
)

// within runs fn and holds it to a second and 100 MB.
func within(t *testing.T, fn func()) {
	t.Helper()
	runtime.GC()
	var before, peak runtime.MemStats
	runtime.ReadMemStats(&before)
	clock := cputime.Start()
	done, watched := make(chan bool), make(chan bool)
	go func() {
		defer close(watched)
		for {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			if now.HeapInuse > peak.HeapInuse {
				peak = now
			}
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	fn()
	took := clock.Took()
	close(done)
	<-watched
	cputime.Hold(t, took, time.Second)
	if used := int64(peak.HeapInuse) - int64(before.HeapInuse); used > 100e6 {
		t.Errorf("took %d MB", used/1e6)
	}
	t.Logf("%v, %d KB", took, (int64(peak.HeapInuse)-int64(before.HeapInuse))/1000)
}

func TestBombs(t *testing.T) {
	const size = 1 << 30
	zeros := func(w io.WriteCloser) {
		block := make([]byte, 1<<20)
		for range size >> 20 {
			w.Write(block)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	bombs := map[string]func() []byte{
		"gzip": func() []byte {
			var b bytes.Buffer
			w, _ := gzip.NewWriterLevel(&b, 1)
			zeros(w)
			return b.Bytes()
		},
		"zstd": func() []byte {
			var b bytes.Buffer
			w, err := zstd.NewWriter(&b, zstd.WithEncoderLevel(zstd.SpeedFastest))
			if err != nil {
				t.Fatal(err)
			}
			zeros(w)
			return b.Bytes()
		},
		"xz": func() []byte {
			cmd := exec.Command(oracle.Tool(t, "xz"), "-0", "-c")
			cmd.Stdin = io.LimitReader(zeroReader{}, size/4)
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			return out
		},
	}
	for name, make := range bombs {
		t.Run(name, func(t *testing.T) {
			b := make()
			within(t, func() {
				if _, err := New("bomb.ko", bytes.NewReader(b), int64(len(b))); !errors.Is(err, ErrTooLarge) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// readEverything calls all that a file offers.
func readEverything(f *File) {
	f.Versions()
	f.ExtVersions()
	f.Undefined()
	f.Symbols()
	f.Exports()
	f.Name()
	f.ThisModuleSize()
	f.Info.Vermagic()
	f.Info.Params()
	f.Info.Depends()
	f.Info.Softdeps()
	f.BuildID()
	f.HasBTF()
	f.HasDWARF()
	if tr, err := f.Signature(); err == nil && tr != nil {
		tr.Read(f.Image)
	}
	for i := range f.Sections {
		relocs, err := f.Relocations(&f.Sections[i])
		if err == nil {
			for range relocs {
			}
		}
	}
}

// A file whose tables are as large as the limits let them be, all pointing
// into strings without end.
func TestHostileTables(t *testing.T) {
	b, err := os.ReadFile("testdata/x86_64-5.4.ko")
	if err != nil {
		t.Fatal(err)
	}
	f, err := New("x.ko", bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	header := func(b []byte, name string) []byte {
		return b[f.Shoff+uint64(f.Section(name).Index)*64:]
	}
	le := binary.LittleEndian
	grow := func(names map[string]int, fill byte) []byte {
		g := bytes.Clone(b)
		for name, n := range names {
			h := header(g, name)
			le.PutUint64(h[24:], uint64(len(g)))
			le.PutUint64(h[32:], uint64(n))
			g = append(g, bytes.Repeat([]byte{fill}, n)...)
		}
		return g
	}
	tests := []struct {
		name string
		file []byte
	}{
		{"symbols and names without NUL", grow(map[string]int{".symtab": elf.MaxSymtab, ".strtab": 2 * elf.MaxSymtab}, 0)},
		{"names long", func() []byte {
			g := grow(map[string]int{".symtab": elf.MaxSymtab, ".strtab": 8192}, 0)
			h := header(g, ".strtab")
			copy(g[le.Uint64(h[24:]):], bytes.Repeat([]byte{'x'}, 4000))
			return g
		}()},
		{"names without end", grow(map[string]int{".symtab": elf.MaxSymtab, ".strtab": 2 * elf.MaxSymtab}, 'x')},
		{"versions", grow(map[string]int{"__versions": maxVersions}, 0)},
		{"modinfo", grow(map[string]int{".modinfo": 1 << 20}, 'x')},
		{"ksymtab", grow(map[string]int{"__ksymtab": maxTable / 12 * 12, ".rela__ksymtab": 32 << 20, "__ksymtab_strings": 1 << 20}, 0)},
		{"ksymtab strings", grow(map[string]int{"__ksymtab": maxTable / 12 * 12, ".rela__ksymtab": 32 << 20, "__ksymtab_strings": 1 << 20}, 1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			within(t, func() {
				f, err := New("hostile.ko", bytes.NewReader(tt.file), int64(len(tt.file)))
				if err != nil {
					t.Fatal(err)
				}
				readEverything(f)
			})
		})
	}
}
