package genksyms

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"modkeep/internal/kerneltest/oracle"
)

func BenchmarkParse(b *testing.B) {
	files := oracle.Preprocessed(b)
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
