package kabi

import (
	_ "embed"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// packedSights is made by scripts/sights from the sources of Linux 6.12 in
// Debian's configuration for amd64.
//
//go:embed data/sights.zst
var packedSights []byte

// sights say which structs and unions the source files of one kernel see
// complete. Another kernel's files of the same exports see much the same, so
// where nothing else tells it they are a good guess.
type sights struct {
	kernel  string
	groups  map[string]int // of types that the same files see, by type
	files   []sightFile    // in the order of their paths
	of      map[string]int // file by export: the first that has it
	exports []string       // sorted
	// variables are the declarations of those exports, as records: BTF has few.
	variables map[string]string
	common    sightFile // sees what most do
}

// sightFile is a source file.
type sightFile struct {
	path   string // without .c
	groups []uint64
}

// sees reports whether the file has a type's definition.
func (f *sightFile) sees(group int) bool { return f.groups[group/64]>>(group%64)&1 != 0 }

// shippedSights returns what modkeep comes with.
var shippedSights = sync.OnceValue(func() *sights {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxSights))
	if err != nil {
		panic("kabi: " + err.Error())
	}
	defer d.Close()
	text, err := d.DecodeAll(packedSights, nil)
	if err != nil {
		panic("kabi: data/sights.zst: " + err.Error())
	}
	s, err := parseSights(string(text))
	if err != nil {
		panic("kabi: data/sights.zst: " + err.Error())
	}
	return s
})

// What is read at most of a text of sights: bytes, and bits of all files.
const (
	maxSights    = 16 << 20
	maxSightBits = 1 << 28
)

// parseSights reads the text that scripts/sights describes.
func parseSights(text string) (*sights, error) {
	s := &sights{groups: make(map[string]int), of: make(map[string]int), variables: make(map[string]string)}
	var before []uint64
	groups, n := 0, 0
	for line := range strings.Lines(text) {
		n++
		kind, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch {
		case n == 1 && kind == "sights" && rest != "":
			s.kernel = rest
		case n > 1 && kind == "t" && len(s.files) == 0:
			for name := range strings.FieldsSeq(rest) {
				s.groups[name] = groups
			}
			groups++
		case n > 1 && kind == "f" && (len(s.files)+1)*groups <= maxSightBits:
			path, steps, _ := strings.Cut(rest, " ")
			row, err := sightRow(before, steps, groups)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			s.files = append(s.files, sightFile{path, row})
			before = row
		case n > 1 && kind == "e" && len(s.files) > 0:
			s.export(strings.Fields(rest))
		case n > 1 && kind == "v" && len(s.files) > 0:
			symbol, record, _ := strings.Cut(rest, " ")
			s.variables[symbol] = record
		default:
			return nil, fmt.Errorf("line %d: %q is not expected here", n, kind)
		}
	}
	if len(s.files) == 0 {
		return nil, errors.New("no files")
	}
	slices.Sort(s.exports)
	s.common = sightFile{"", s.majority(groups)}
	return s, nil
}

// export gives the file read last its exports.
func (s *sights) export(list []string) {
	for _, e := range list {
		if _, ok := s.of[e]; !ok {
			s.of[e] = len(s.files) - 1
			s.exports = append(s.exports, e)
		}
	}
}

// sightRow is a file's groups: those of the file before, with steps to where it
// differs.
func sightRow(before []uint64, steps string, groups int) ([]uint64, error) {
	row := make([]uint64, (groups+63)/64)
	copy(row, before)
	at := 0
	for step := range strings.FieldsSeq(steps) {
		far, more, _ := strings.Cut(step, "+")
		skip, err := strconv.ParseUint(far, 10, 24)
		run, err2 := strconv.ParseUint("0"+more, 10, 24)
		first := at + int(skip)
		if err != nil || err2 != nil || first+int(run) >= groups {
			return nil, fmt.Errorf("no group is at %q behind group %d", step, at)
		}
		for at = first; at < first+int(run); at++ {
			row[at/64] ^= 1 << (at % 64)
		}
		row[at/64] ^= 1 << (at % 64)
	}
	return row, nil
}

// majority is what more than half of the files see.
func (s *sights) majority(groups int) []uint64 {
	count := make([]int, groups)
	for i := range s.files {
		for w, word := range s.files[i].groups {
			for ; word != 0; word &= word - 1 {
				count[w*64+bits.TrailingZeros64(word)]++
			}
		}
	}
	row := make([]uint64, (groups+63)/64)
	for g, n := range count {
		if 2*n > len(s.files) {
			row[g/64] |= 1 << (g % 64)
		}
	}
	return row
}

// Files that stand for others.
const (
	commonFile = -1 - iota // one that is not known: what most see
	otherFile              // one that no kernel's sights have: and its exports' own types
	noFile
)

// file returns the file of an export, or that of the export whose name begins
// most like it, up to an underscore at least.
func (s *sights) file(export string) int {
	if f, ok := s.of[export]; ok {
		return f
	}
	at, _ := slices.BinarySearch(s.exports, export)
	best, file := 0, commonFile
	for _, i := range []int{at - 1, at} {
		if i < 0 || i >= len(s.exports) {
			continue
		}
		n := 0
		for e := s.exports[i]; n < min(len(e), len(export)) && e[n] == export[n]; {
			n++
		}
		if n > best && strings.Contains(strings.TrimLeft(export[:n], "_"), "_") {
			best, file = n, s.of[s.exports[i]]
		}
	}
	return file
}

// at returns a file by its number.
func (s *sights) at(file int) *sightFile {
	if file < 0 {
		return &s.common
	}
	return &s.files[file]
}
