package depmod

import (
	"cmp"
	"slices"
	"strings"
)

// depOrder returns the selected files as modules.dep lists them: in the order
// of modules.order, then the others as kmod's hash table holds them. Without
// a usable modules.order all stand in the table's order.
//
// That order is more than looks: the last of several exporters of a symbol is
// the one that dependencies lead to, and it shapes the order within a line.
func (t *Tree) depOrder() ([]*File, error) {
	type entry struct {
		file   *File
		bucket uint32
		place  int
	}
	all := make([]entry, len(t.Modules))
	byPath := make(map[string]*entry, len(t.Modules))
	for i, f := range t.Modules {
		all[i] = entry{f, hashName(f.Name) % nameBuckets, 1}
		if !strings.HasPrefix(f.Rel, "/") {
			byPath[uncompressed(f)] = &all[i]
		}
	}
	order, err := t.readList("modules.order")
	if usableOrder(order) {
		text := strings.Split(strings.TrimSuffix(string(order), "\n"), "\n")
		for i, line := range text {
			if e := byPath[line]; e != nil {
				e.place = i - len(text)
			}
		}
	}
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.bucket, b.bucket), strings.Compare(a.file.Name, b.file.Name))
	})
	files := make([]*File, len(all))
	for i := range all {
		files[i] = all[i].file
	}
	return files, err
}

// usableOrder reports whether kmod takes the text of modules.order: it turns
// all of it down when a line does not end, or not within its buffer.
func usableOrder(text []byte) bool {
	if len(text) == 0 || text[len(text)-1] != '\n' {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if len(line) > maxPath-1 {
			return false
		}
	}
	return true
}

// uncompressed is the path of a file as modules.order has it. kmod cuts it at
// the length of the module name plus ".ko", whatever stands there.
func uncompressed(f *File) string {
	end := strings.LastIndexByte(f.Rel, '/') + 1 + len(f.Name) + len(".ko")
	return f.Rel[:min(end, len(f.Rel))]
}

// nameBuckets is the size of kmod's table of modules by name.
const nameBuckets = 512

// hashName is Paul Hsieh's SuperFastHash as kmod computes it on a
// little-endian machine with signed chars (on others modules.dep has another
// order): two 16-bit words a round, then the rest, then final mixing.
// (http://www.azillionmonkeys.com/qed/hash.html)
func hashName(s string) uint32 {
	word := func(i int) uint32 { return uint32(s[i]) | uint32(s[i+1])<<8 }
	signed := func(i int) uint32 { return uint32(int32(int8(s[i]))) }
	h := uint32(len(s))
	i := 0
	for ; i+4 <= len(s); i += 4 {
		h += word(i)
		h = h<<16 ^ word(i+2)<<11 ^ h
		h += h >> 11
	}
	switch len(s) - i {
	case 3:
		h += word(i)
		h ^= h << 16
		h ^= signed(i+2) << 18
		h += h >> 11
	case 2:
		h += word(i)
		h ^= h << 11
		h += h >> 17
	case 1:
		h += signed(i)
		h ^= h << 10
		h += h >> 1
	}
	h ^= h << 3
	h += h >> 5
	h ^= h << 4
	h += h >> 17
	h ^= h << 25
	h += h >> 6
	return h
}
