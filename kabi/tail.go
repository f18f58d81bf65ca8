package kabi

import (
	"hash/crc32"
	"slices"
	"strings"

	"modkeep/symtypes"
)

// CRC-32 is linear. Of two exports with one list of parameters in files that see
// the same, the hashed texts differ in what stands before the list; so the
// difference of the CRCs divided by that of the beginnings is x to the power of
// the bits of the rest, and a discrete logarithm says how long the rest is. On
// both sides of a comparison it says by how much the changes of all types that
// the file sees lengthened the text: which choices of types can be, and which
// cannot.

// The rest of a text is at most so long, in bytes: those of Debian's kernels have
// up to 300,000.
const (
	smallSteps = 1 << 12
	greatSteps = 1 << 7
)

// logarithm finds n of x^(8n), by small and great steps.
type logarithm struct {
	small map[uint32]int32
	back  [4][256]uint32 // multiplies by x^(-8 smallSteps)
	pairs int            // tried so far
}

func newLogarithm() *logarithm {
	l := &logarithm{small: make(map[uint32]int32, smallSteps)}
	v := uint32(1 << 31)
	for n := range int32(smallSteps) {
		l.small[v] = n
		v = crc32.IEEETable[byte(v)] ^ v>>8
	}
	back := crcInverse(v)
	for k := range l.back {
		for x := range l.back[k] {
			l.back[k][x] = symtypes.CRCTimes(uint32(x)<<(8*k), back)
		}
	}
	return l
}

// of returns n, -1 where there is none.
func (l *logarithm) of(power uint32) int {
	for great := range greatSteps {
		if n, ok := l.small[power]; ok {
			return great*smallSteps + int(n)
		}
		t := &l.back
		power = t[0][power&255] ^ t[1][power>>8&255] ^ t[2][power>>16&255] ^ t[3][power>>24]
	}
	return -1
}

// crcInverse is a polynomial to the power of 2^32-2.
func crcInverse(a uint32) uint32 {
	product := uint32(1 << 31)
	for range 31 {
		a = symtypes.CRCTimes(a, a)
		product = symtypes.CRCTimes(product, a)
	}
	return product
}

// withoutEnd returns the CRC of a text from that of the text with an end.
func withoutEnd(crc uint32, end string) uint32 {
	crc ^= crc32.ChecksumIEEE([]byte(end))
	for i := len(end); i > 0; i-- { // the table's high bytes are all different
		n := highByte[crc>>24]
		crc = (crc^crc32.IEEETable[n])<<8 | uint32(n)
	}
	return crc
}

// highByte is where in the table of the CRC a high byte is.
var highByte = func() (at [256]byte) {
	for n, v := range crc32.IEEETable {
		at[v>>24] = byte(n)
	}
	return at
}()

// rest is an export whose text has a part that others' may have too.
type rest struct {
	change   int    // of the report's
	begin    uint32 // the CRC of what stands before the part
	old, new uint32 // of all but what stands behind it
}

// growth is by how much the part's text is longer on the new side, by change,
// where that can be told.
func (r *Report) growth(p *prover, found []finding) map[int]int {
	groups := make(map[string][]rest)
	var keys []string
	for i := range found {
		f := &found[i]
		if !f.known || f.oldFile < 0 {
			continue
		}
		p.enterFiles(f)
		a, b := p.oldScope.Record(f.export), p.newScope.Record(f.export)
		if a != b || a == symtypes.None {
			continue
		}
		key, begin, end, ok := parts(r.Changed[i].Symbol(), p.pool.Text(a))
		if !ok {
			continue
		}
		if groups[key] == nil {
			keys = append(keys, key)
		}
		groups[key] = append(groups[key], rest{i, crc32.ChecksumIEEE([]byte(begin)),
			withoutEnd(uint32(r.Changed[i].Old.CRC), end), withoutEnd(uint32(r.Changed[i].New.CRC), end)})
	}
	l, grown := newLogarithm(), make(map[int]int)
	for _, key := range keys {
		l.solve(groups[key], grown)
	}
	return grown
}

// parts splits an export's record into what its text begins with, a part with
// names of types, and plain text behind it. Exports of one key may have the
// part in common.
func parts(symbol, record string) (key, begin, end string, ok bool) {
	words := strings.Split(record, " ")
	at := slices.Index(words, symbol)
	last := len(words) - 1
	for last > at && !isName(words[last]) {
		last--
	}
	if at < 0 || last == at {
		return "", "", "", false
	}
	begin, key = symbol+" ", strings.Join(words[at+1:last+1], " ")
	if before := words[:at]; slices.ContainsFunc(before, isName) {
		// How that is spelled is not known; with names of one length it cancels out.
		key += "\n" + strings.Join(before, " ") + "\n" + strings.Repeat(".", len(symbol))
	} else if len(before) > 0 {
		begin = strings.Join(before, " ") + " " + begin
	}
	if last < len(words)-1 {
		end = strings.Join(words[last+1:], " ") + " "
	}
	return key, begin, end, true
}

// isName reports whether a word of a record is the name of a type.
func isName(word string) bool { return len(word) > 2 && word[1] == '#' }

const (
	maxGrowth = 16 << 10 // bytes: one by accident is as rare as that of 2^32
	maxOthers = 128      // exports that one is held against
	maxPairs  = 1 << 18  // in all: those of two Debian kernels take 30,000
)

// solve finds pairs of a group that see the same.
func (l *logarithm) solve(group []rest, grown map[int]int) {
	for i := range group {
		for j := i + 1; j < min(len(group), i+maxOthers); j++ {
			a, b := &group[i], &group[j]
			_, known := grown[a.change]
			if _, too := grown[b.change]; known && too || a.begin == b.begin {
				continue
			}
			if l.pairs++; l.pairs > maxPairs {
				return
			}
			per := crcInverse(a.begin ^ b.begin)
			before := l.of(symtypes.CRCTimes(a.old^b.old, per))
			if before < 0 {
				continue
			}
			after := l.of(symtypes.CRCTimes(a.new^b.new, per))
			if d := after - before; after >= 0 && -maxGrowth < d && d < maxGrowth {
				grown[a.change], grown[b.change] = d, d
			}
		}
	}
}
