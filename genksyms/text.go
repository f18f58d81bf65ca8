package genksyms

// word is a token's text: its place in texts. The 256 single bytes come first,
// then the keywords, then what was met.
type word uint32

// texts holds each text once.
type texts struct {
	bytes  []byte
	start  []uint32 // of each word in bytes, and the end
	hashes []uint32
	slots  []word // open addressing; 0 is free (no text is the NUL byte's)
}

// maxText is the most bytes of distinct token text that are kept. Sixty
// files of a kernel in one have 2 MB.
const (
	maxText  = 32 << 20
	maxWords = 500_000
)

// tooMany says whether that is more than is read.
func (t *texts) tooMany() bool { return len(t.bytes) > maxText || len(t.hashes) > maxWords }

func newTexts() *texts {
	t := &texts{bytes: make([]byte, 0, 1<<17), start: make([]uint32, 1, 1<<14), slots: make([]word, 1<<15)}
	for c := range 256 {
		t.of([]byte{byte(c)})
	}
	for _, k := range keywords {
		t.of([]byte(k.name))
	}
	return t
}

func (t *texts) get(w word) []byte { return t.bytes[t.start[w]:t.start[w+1]] }

// of returns the word of a text, and makes it one.
func (t *texts) of(s []byte) word {
	h := hashSeed
	for _, c := range s {
		h = (h ^ uint32(c)) * hashFactor
	}
	return t.hashed(s, h)
}

// The hash is FNV-1a, which the scanner computes on its way over a name.
const (
	hashSeed   = uint32(2166136261)
	hashFactor = 16777619
)

// hashed is of for a text whose hash is known.
func (t *texts) hashed(s []byte, h uint32) word {
	h ^= h >> 15
	mask := uint32(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		w := t.slots[i]
		if w == 0 {
			return t.add(s, h, i)
		}
		if t.hashes[w] == h && string(t.get(w)) == string(s) {
			return w
		}
	}
}

func (t *texts) add(s []byte, h, slot uint32) word {
	w := word(len(t.hashes))
	t.bytes = append(t.bytes, s...)
	t.start = append(t.start, uint32(len(t.bytes)))
	t.hashes = append(t.hashes, h)
	t.slots[slot] = w
	if len(t.hashes)*2 > len(t.slots) {
		t.grow()
	}
	return w
}

func (t *texts) grow() {
	slots := make([]word, len(t.slots)*2)
	mask := uint32(len(slots) - 1)
	for w := 1; w < len(t.hashes); w++ {
		i := t.hashes[w] & mask
		for slots[i] != 0 {
			i = (i + 1) & mask
		}
		slots[i] = word(w)
	}
	t.slots = slots
}
