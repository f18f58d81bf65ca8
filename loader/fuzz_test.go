package loader_test

import (
	"os"
	"path/filepath"
	"testing"

	"modkeep/internal/kerneltest"
	"modkeep/loader"
)

// FuzzVerdict judges any bytes on kernels of three generations: no panic, and
// either an error or a verdict whose parts agree.
func FuzzVerdict(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.ko", "../ko/testdata/*.ko", "../ko/testdata/*.o"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			b, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	good := fixture(f, "6.1", "good")
	for _, m := range kerneltest.Mutants() {
		if b, err := m.Apply(good); err == nil {
			f.Add(b)
		}
	}
	f.Add(made{name: "m", imports: []string{"a", "?b"}, crcs: versioned("a"), extCRCs: versioned("a"), extNames: true,
		exports: []madeExport{{"x", 1, true, "NS"}}, flagstab: true, obsolete: true}.bytes())
	key := newSigner(f, "ours", 1)
	f.Add(key.sign(f, good))
	targets := []func() *loader.Target{
		debian61,
		func() *loader.Target { t := debian73(); t.Versions = loader.Yes; return t },
		func() *loader.Target { return mainline(2, 6, 20) },
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := readBytes("/fuzz/m.ko", data)
		if m.Err != nil {
			return
		}
		for _, target := range targets {
			k := target()
			k.Keys = keyring(key)
			v := k.Check([]*loader.Module{m})[0]
			switch {
			case v == nil:
				t.Fatal("neither error nor verdict")
			case v.Loads != (v.Errno == ""), v.Safe() != (v.Next == ""), !v.Loads && len(v.Findings) == 0:
				t.Fatalf("contradiction: %+v", v)
			case v.Basis == "":
				t.Fatal("no basis")
			}
		}
	})
}
