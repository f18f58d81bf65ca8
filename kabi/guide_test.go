package kabi

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/oracle"
	"modkeep/kabi/layout"
	"modkeep/kernel/image"
	"modkeep/symtypes"
)

// pairImages returns the images of the kernels whose types are published, oldest
// first: those of the cache, or below MODKEEP_IMAGES, which is an unpacked
// package or several:
//
//	apt-get download linux-image-6.1.0-47-amd64 && dpkg -x linux-image-6.1.0-47-*.deb DIR
func pairImages(t *testing.T) (krels, images []string) {
	t.Helper()
	published, _ := filepath.Glob(oracle.Data(t, "symtypes/debian/*.consolidated.symtypes.gz"))
	cache := oracle.CacheDir()
	for _, path := range published {
		krel, _, _ := strings.Cut(filepath.Base(path), ".consolidated")
		for _, dir := range []string{filepath.Join(cache, "root/amd64"), os.Getenv("MODKEEP_IMAGES")} {
			image := filepath.Join(dir, "boot/vmlinuz-"+krel)
			if _, err := os.Stat(image); err == nil {
				krels, images = append(krels, krel), append(images, image)
				break
			}
		}
	}
	if len(krels) != 2 {
		t.Skipf("SKIPPED: images of %v, not of two kernels whose types are published: the archive keeps few; MODKEEP_IMAGES may name a directory", krels)
	}
	return krels, images
}

// imageSide is a kernel by its image alone.
func imageSide(t *testing.T, path string) Side {
	t.Helper()
	im, err := image.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	exports, err := im.Exports()
	if err != nil {
		t.Fatal(err)
	}
	data, err := im.BTF()
	if err != nil {
		t.Fatal(err)
	}
	b, err := layout.OpenBTF(bytes.Clone(data), nil)
	if err != nil {
		t.Fatal(err)
	}
	return Side{Table: exports, Layouts: &Layouts{Types: b, Pointer: 8}}
}

// causesBySymbol are the causes that a report names, by symbol.
func causesBySymbol(r *Report) map[string]map[string]bool {
	all := make(map[string]map[string]bool)
	for i := range r.Changed {
		c := &r.Changed[i]
		if len(c.Causes) == 0 {
			continue
		}
		all[c.Symbol()] = make(map[string]bool)
		for _, n := range c.Causes {
			all[c.Symbol()][r.Causes[n].Type] = true
		}
	}
	return all
}

// agreement compares pairs of a symbol and a cause, of the symbols that truth
// has: the share of the named ones that are true, and of the true ones that are
// named.
func agreement(truth, named map[string]map[string]bool) (precision, recall float64) {
	both, true_, said := 0, 0, 0
	for symbol, causes := range truth {
		true_ += len(causes)
		said += len(named[symbol])
		for cause := range causes {
			if named[symbol][cause] {
				both++
			}
		}
	}
	return float64(both) / float64(max(said, 1)), float64(both) / float64(max(true_, 1))
}

// TestOracleLayoutCauses holds the causes that BTF tells against those that the
// kernels' symtypes tell and hashing proves, of the exports of the image itself.
func TestOracleLayoutCauses(t *testing.T) {
	krels, images := pairImages(t)
	pool := symtypes.NewPool()
	var with, without []Side
	for i, krel := range krels {
		side := imageSide(t, images[i])
		without = append(without, side)
		side.Layouts, side.Types = nil, types(t, pool, oracle.Data(t, "symtypes/debian/"+krel+".consolidated.symtypes.gz"))
		with = append(with, side)
	}
	truth := Compare(with[0], with[1], Options{})
	proved := causesBySymbol(truth)
	for i := range truth.Changed {
		if c := &truth.Changed[i]; !c.Proved {
			delete(proved, c.Symbol())
		}
	}
	tests := []struct {
		name     string
		old, new Side
		source   Source
		least    float64
	}{
		{"seen by the old kernel's symtypes", Side{Table: with[0].Table, Types: with[0].Types, Layouts: without[0].Layouts}, without[1], Guided, 0.99},
		{"seen by the new kernel's symtypes", without[0], Side{Table: with[1].Table, Types: with[1].Types, Layouts: without[1].Layouts}, Guided, 0.99},
		{"alone", without[0], without[1], Layout, 0.95},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Compare(tt.old, tt.new, Options{})
			precision, recall := agreement(proved, causesBySymbol(r))
			t.Logf("%d symbols proved: precision %.2f %%, recall %.2f %%", len(proved), 100*precision, 100*recall)
			if r.Source != tt.source || len(proved) < 1000 || precision < tt.least || recall < tt.least {
				t.Errorf("by %q", r.Source)
			}
		})
	}
}
