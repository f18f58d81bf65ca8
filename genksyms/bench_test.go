package genksyms

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// samples returns the preprocessed kernel files of the cache.
func samples(t testing.TB) []string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(cacheDir(), "genksyms/6.1/sample/*.i"))
	if len(files) == 0 {
		if os.Getenv("MODKEEP_ORACLES") == "required" {
			t.Fatal("no preprocessed files in the cache: scripts/genksyms-sweep -s 6.1 makes them")
		}
		t.Skip("SKIPPED: no preprocessed files in the cache: scripts/genksyms-sweep -s 6.1 makes them")
	}
	return files
}

func BenchmarkParse(b *testing.B) {
	files := samples(b)
	d, _, _ := DialectOf("6.1")
	for _, name := range files[:min(5, len(files))] {
		data, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(filepath.Base(name), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(bytes.NewReader(data), Options{Dialect: d}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
