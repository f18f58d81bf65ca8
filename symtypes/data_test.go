package symtypes

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
)

// published reads the CRCs of a Module.symvers, packed or not.
func published(t *testing.T, path string) map[string]uint32 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	table := make(map[string]uint32)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		crc, err := strconv.ParseUint(words[0], 0, 32)
		if err != nil {
			t.Fatal(err)
		}
		table[words[1]] = uint32(crc)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return table
}

// outcome is what hashing a corpus gives against a table.
type outcome struct {
	Equal  int                 // exports of both whose CRC comes out
	Absent int                 // exports that the table does not have
	Differ map[string][]string // the others, by the files their records are from
	Holes  []string
}

func hashAll(c *Corpus, table map[string]uint32) outcome {
	o := outcome{Differ: make(map[string][]string)}
	h, s := NewHasher(c.Pool), c.NewScope()
	holes := make(map[string]bool)
	for _, id := range c.Exports() {
		export := c.Pool.Name(id)
		want, ok := table[export]
		if !ok {
			o.Absent++
			continue
		}
		equal, paths := false, ""
		for _, file := range c.FilesOf(id) {
			s.Enter(file)
			crc, whole := h.CRC(s, id)
			equal = equal || whole && crc == want
			paths = c.Files[file].Path
			for _, hole := range h.Holes {
				holes[c.Pool.Name(hole)] = true
			}
		}
		if equal {
			o.Equal++
		} else {
			o.Differ[paths] = append(o.Differ[paths], export)
		}
	}
	for _, exports := range o.Differ {
		slices.Sort(exports)
	}
	o.Holes = slices.Sorted(maps.Keys(holes))
	return o
}

// notBuilt are the exports of Debian's pair whose records are from objects that
// its kernels do not have: the types were made from all C files that compile,
// and of two files with an export the later was kept. mm/nommu.c is for
// machines without an MMU, mm/slab.c for CONFIG_SLAB; Debian builds mm/vmalloc.c
// and mm/slub.c.
var notBuilt = map[string][]string{
	"mm/nommu.symtypes": {"free_vm_area", "remap_vmalloc_range", "vm_map_ram", "vmalloc_to_page", "vmap"},
	"mm/slab.symtypes": {"kmem_cache_alloc", "kmem_cache_alloc_bulk", "kmem_cache_alloc_lru",
		"kmem_cache_alloc_node", "kmem_cache_free", "kmem_cache_free_bulk"},
}

func TestOraclePublishedCRCs(t *testing.T) {
	none := map[string][]string{}
	tests := []struct {
		types, table string
		want         outcome
	}{
		{"debian/6.1.0-47-amd64.consolidated.symtypes", "debian/6.1.0-47-amd64.symvers", outcome{Equal: 8521, Absent: 779, Differ: notBuilt}},
		{"debian/6.1.0-56-amd64.consolidated.symtypes", "debian/6.1.0-56-amd64.symvers", outcome{Equal: 8534, Absent: 781, Differ: notBuilt}},
		{"suse/2009-01-26_828296e5e_x86_64_symtypes-default", "", outcome{Equal: 8282, Differ: none}},
		{"suse/2010-04-29_6e523f363_x86_64_symtypes-default", "", outcome{Equal: 10116, Differ: none}},
		{"suse/2011-01-31_d53067585_x86_64_symtypes-default", "", outcome{Equal: 10134, Differ: none}},
		{"suse/2011-12-15_b5bf7273c_x86_64_symtypes-default", "", outcome{Equal: 11972, Differ: none}},
		{"suse/2012-06-29_47a1346d9_x86_64_symtypes-default", "", outcome{Equal: 11993, Differ: none}},
		{"suse/2012-09-21_c6703fc97_x86_64_symtypes-default", "", outcome{Equal: 12075, Differ: none}},
		{"suse/2012-11-01_4f6ab0a86_x86_64_symtypes-default", "", outcome{Equal: 12081, Differ: none}},
		{"suse/2013-09-23_36c9d3ea5_x86_64_symtypes-default", "", outcome{Equal: 12123, Differ: none}},
	}
	for _, tt := range tests {
		t.Run(filepath.Base(tt.types), func(t *testing.T) {
			c, err := Open(NewPool(), oracle.Data(t, "symtypes/"+tt.types+".gz"))
			if err != nil {
				t.Fatal(err)
			}
			if tt.table == "" {
				tt.table = strings.Replace(tt.types, "symtypes", "symvers", 1)
			}
			got := hashAll(c, published(t, oracle.Data(t, "symvers/"+tt.table+".gz")))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			t.Logf("%d of %d CRCs are the published ones", got.Equal, len(c.Exports())-got.Absent)
		})
	}
}

// TestOracleOwnGenksyms compares with what the genksyms printed that wrote
// Debian's types: all exports, those too that the kernel does not have.
func TestOracleOwnGenksyms(t *testing.T) {
	for _, krel := range []string{"6.1.0-47-amd64", "6.1.0-56-amd64"} {
		c, err := Open(NewPool(), oracle.Data(t, "symtypes/debian/"+krel+".consolidated.symtypes.gz"))
		if err != nil {
			t.Fatal(err)
		}
		want := symverLines(t, oracle.Data(t, "symtypes/debian/"+krel+".SYMVER.txt.gz"))
		h, s := NewHasher(c.Pool), c.NewScope()
		for _, id := range c.Exports() {
			s.Enter(c.FilesOf(id)[0])
			if crc, ok := h.CRC(s, id); !ok || !slices.Contains(want[c.Pool.Name(id)], crc) {
				t.Errorf("%s: %s: %08x, genksyms printed %08x", krel, c.Pool.Name(id), crc, want[c.Pool.Name(id)])
			}
		}
	}
}

// symverLines reads lines "#SYMVER printk 0x92997ed8"; a name may come twice.
func symverLines(t *testing.T, path string) map[string][]uint32 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	list := make(map[string][]uint32)
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var name string
		var crc uint32
		if _, err := fmt.Sscanf(lines.Text(), "#SYMVER %s 0x%x", &name, &crc); err != nil {
			t.Fatal(err)
		}
		list[name] = append(list[name], crc)
	}
	return list
}

// TestOracleEveryFileIsRead opens all symtypes there are, those too that no
// table belongs to.
func TestOracleEveryFileIsRead(t *testing.T) {
	paths, err := filepath.Glob(oracle.Data(t, "symtypes/*/*symtypes*.gz"))
	if err != nil || len(paths) != 11 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		c, err := Open(NewPool(), path)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(c.Exports()) < 8000 {
			t.Errorf("%s: %d exports", path, len(c.Exports()))
		}
		if is, err := Sniff(path); !is || err != nil {
			t.Errorf("%s: not taken for symtypes: %v", path, err)
		}
	}
}
