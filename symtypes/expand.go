package symtypes

import (
	"hash/crc32"
	"slices"
)

// Scope answers what the names stand for in one file of a corpus. It keeps what
// it was asked, and is for one goroutine. A scope belongs to the pool as it was
// when the scope was made.
type Scope struct {
	corpus  *Corpus
	file    int
	recs    []Record // by name
	touched []ID
}

// NewScope returns a scope of the corpus, in its first file.
func (c *Corpus) NewScope() *Scope {
	s := &Scope{corpus: c, recs: make([]Record, c.Pool.Names())}
	for i := range s.recs {
		s.recs[i] = unresolved
	}
	if len(c.Files) > 0 {
		s.Enter(0)
	}
	return s
}

// Enter makes the scope speak of a file, an index into Files.
func (s *Scope) Enter(file int) {
	for _, id := range s.touched {
		s.recs[id] = unresolved
	}
	s.touched, s.file = s.touched[:0], file
	for _, d := range s.corpus.Files[file].defs {
		s.recs[d.name] = d.rec
		s.touched = append(s.touched, d.name)
	}
}

// File returns the file the scope speaks of.
func (s *Scope) File() int { return s.file }

// Record returns what a name stands for, None for a hole.
func (s *Scope) Record(id ID) Record {
	r := s.recs[id]
	if r == unresolved {
		r = s.corpus.lastSeen(s.file, id)
		s.recs[id] = r
		s.touched = append(s.touched, id)
	}
	return r
}

// Replace lets a name stand for another record until the next Enter, and
// returns the one it had.
func (s *Scope) Replace(id ID, rec Record) Record {
	old := s.Record(id)
	s.recs[id] = rec
	return old
}

// Hasher expands exports and hashes the text. It is for one goroutine.
//
// What a type expands to depends on what came before it in the export. Exports
// of one file begin alike: so a hasher keeps the CRCs of what the names in the
// exports' own records gave, by the names before them, with each name that was
// written down and its record. Where all those are the same again the CRC is
// taken over, by the rule for the CRC of two texts in one.
type Hasher struct {
	// Holes are the names without a record that the last export reached.
	Holes []ID
	// Bytes counts what was hashed so far.
	Bytes int64

	pool    *Pool
	visited []uint32 // by name: the number of the last walk that came by
	walk    uint32
	trail   []item // names written down since a piece began
	stack   []frame
	buf     []byte
	crc     uint32

	pieces map[before][]*piece
	kept   int // items of pieces
}

// frame is a record that is being written down.
type frame struct {
	rec  Record
	next int32 // of its refs
	at   int32 // in its plain text
}

// piece is what one name of an export's record expanded to.
type piece struct {
	items []item // what was written down, in order
	crc   uint32 // of the text
	shift uint32 // for its length, see crcShift
}

type item struct {
	name ID
	rec  Record
}

// before is a name in an export's record with what was expanded before it.
type before struct {
	last *piece
	name ID
}

const (
	flushAt   = 64 << 10  // how much text is gathered before it is hashed
	maxKept   = 512 << 10 // items of pieces; then all are dropped
	maxPieces = 8         // of one name with the same before it
	pieceCost = 8         // what a piece itself takes, in items
)

// NewHasher returns a hasher for exports of the pool as it is.
func NewHasher(pool *Pool) *Hasher {
	return &Hasher{pool: pool, visited: make([]uint32, pool.Names()), pieces: make(map[before][]*piece)}
}

// CRC returns the version of an export in a scope. ok is false where the scope
// has no record of it, or where it reaches Holes: then crc is that of the text
// in which those types are only declared.
func (h *Hasher) CRC(s *Scope, export ID) (crc uint32, ok bool) {
	h.begin()
	r := s.Record(export)
	if r == None {
		h.Holes = append(h.Holes, export)
		return 0, false
	}
	plain := h.pool.recs[r].plain
	var last *piece
	at := int32(0)
	for _, ref := range h.pool.refsOf(r) {
		if h.visited[ref.name] == h.walk {
			continue
		}
		h.buf = append(h.buf, plain[at:ref.start]...)
		at = ref.end
		h.flush()
		last = h.piece(s, before{last, ref.name})
		h.crc = CRCTimes(h.crc, last.shift) ^ last.crc
	}
	h.buf = append(h.buf, plain[at:]...)
	h.flush()
	return h.crc, len(h.Holes) == 0
}

// piece returns what a name expands to, one that was kept if it is the same.
func (h *Hasher) piece(s *Scope, key before) *piece {
	kept := h.pieces[key]
	for _, p := range kept {
		if h.same(s, p) {
			for _, it := range p.items {
				h.visited[it.name] = h.walk
				if it.rec == None {
					h.Holes = append(h.Holes, it.name)
				}
			}
			return p
		}
	}
	if h.kept > maxKept {
		clear(h.pieces)
		h.kept, kept = 0, nil
	}
	crc, bytes := h.crc, h.Bytes
	h.crc, h.trail = 0, h.trail[:0]
	h.expand(s, key.name, true)
	h.flush()
	p := &piece{items: slices.Clone(h.trail), crc: h.crc, shift: crcShift(h.Bytes - bytes)}
	h.crc = crc
	h.kept += len(p.items) + pieceCost
	if len(kept) == maxPieces {
		kept = slices.Delete(kept, 0, 1)
	}
	h.pieces[key] = append(kept, p)
	return p
}

// same reports whether a piece's names have the same records in the scope.
func (h *Hasher) same(s *Scope, p *piece) bool {
	for i, it := range p.items {
		if s.Record(it.name) != it.rec {
			h.Bytes += int64(i)
			return false
		}
	}
	h.Bytes += int64(len(p.items))
	return true
}

// Text returns the text that is hashed for an export.
func (h *Hasher) Text(s *Scope, export ID) string {
	h.begin()
	h.expand(s, export, false)
	return string(h.buf)
}

func (h *Hasher) begin() {
	h.walk++
	h.crc, h.buf, h.Holes = 0, h.buf[:0], h.Holes[:0]
}

// expand writes a name down with all it reaches. flush says that the text is to
// be hashed, not kept.
func (h *Hasher) expand(s *Scope, id ID, flush bool) {
	h.stack = h.stack[:0]
	buf, pool, visited, walk := h.visit(s, id, h.buf), h.pool, h.visited, h.walk
	for len(h.stack) > 0 {
		f := &h.stack[len(h.stack)-1]
		rec := &pool.recs[f.rec]
		refs := pool.refs[rec.first : rec.first+rec.refs]
		for int(f.next) < len(refs) && visited[refs[f.next].name] == walk {
			f.next++
		}
		if int(f.next) == len(refs) {
			buf = append(buf, rec.plain[f.at:]...)
			h.stack = h.stack[:len(h.stack)-1]
			continue
		}
		ref := &refs[f.next]
		buf = append(buf, rec.plain[f.at:ref.start]...)
		f.next, f.at = f.next+1, ref.end
		buf = h.visit(s, ref.name, buf)
		if flush && len(buf) >= flushAt {
			h.buf = buf
			h.flush()
			buf = h.buf
		}
	}
	h.buf = buf
}

// visit writes a record without names down, or begins one that has some. It
// returns the text with what it wrote.
func (h *Hasher) visit(s *Scope, id ID, text []byte) []byte {
	h.visited[id] = h.walk
	r := s.recs[id]
	if r == unresolved {
		r = s.Record(id)
	}
	h.trail = append(h.trail, item{id, r})
	if r == None {
		h.Holes = append(h.Holes, id)
		return append(append(text, h.pool.list[id].mention...), "{ UNKNOWN } "...)
	}
	rec := &h.pool.recs[r]
	if rec.refs == 0 {
		return append(text, rec.plain...)
	}
	h.stack = append(h.stack, frame{rec: r})
	return text
}

func (h *Hasher) flush() {
	h.crc = crc32.Update(h.crc, crc32.IEEETable, h.buf)
	h.Bytes += int64(len(h.buf))
	h.buf = h.buf[:0]
}

// A CRC-32 is a polynomial over GF(2) of degree 31, the highest power in the
// lowest bit. The CRC of two texts in one is the first's times x to the power of
// the second's bits, plus the second's.

// CRCTimes multiplies two polynomials modulo that of CRC-32, the highest power in
// the lowest bit.
func CRCTimes(a, b uint32) uint32 {
	var product uint32
	for bit := uint32(1 << 31); bit != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
		}
		b = b>>1 ^ crc32.IEEE&-(b&1)
	}
	return product
}

// crcShift returns x to the power of the bits of a text of n bytes.
func crcShift(n int64) uint32 {
	power := uint32(1 << 31)                        // 1
	for square := uint32(1 << 23); n > 0; n >>= 1 { // x^8
		if n&1 != 0 {
			power = CRCTimes(power, square)
		}
		square = CRCTimes(square, square)
	}
	return power
}

// Walker finds what an export reaches. It is for one goroutine.
type Walker struct {
	// Limit is how many steps from the export Reach goes; 0 for any number.
	Limit int
	// Hidden says of which names the records are not to be looked into, though
	// they are reached; nil: of none.
	Hidden func(ID) bool
	// Steps counts the names and mentions of names that were looked at so far.
	Steps int64

	pool   *Pool
	seen   []uint32
	walk   uint32
	queue  []ID
	parent []ID // of the queue's names, by name
	depth  []int32
}

// NewWalker returns a walker for the pool as it is.
func NewWalker(pool *Pool) *Walker {
	n := pool.Names()
	return &Walker{pool: pool, seen: make([]uint32, n), parent: make([]ID, n), depth: make([]int32, n)}
}

// Reach returns the names that an export reaches, itself first, the nearest
// first. The slice and what Path, Depth and Reached say hold until the next
// call.
func (w *Walker) Reach(s *Scope, export ID) []ID {
	w.walk++
	w.queue = append(w.queue[:0], export)
	w.seen[export], w.parent[export], w.depth[export] = w.walk, export, 0
	for i := 0; i < len(w.queue); i++ {
		id := w.queue[i]
		r := s.Record(id)
		if r == None || w.Limit > 0 && int(w.depth[id]) >= w.Limit || w.Hidden != nil && w.Hidden(id) {
			continue
		}
		refs := w.pool.refsOf(r)
		w.Steps += int64(len(refs)) + 1
		for _, ref := range refs {
			if w.seen[ref.name] != w.walk {
				w.seen[ref.name] = w.walk
				w.parent[ref.name], w.depth[ref.name] = id, w.depth[id]+1
				w.queue = append(w.queue, ref.name)
			}
		}
	}
	return w.queue
}

// Reached reports whether the last export reaches a name.
func (w *Walker) Reached(id ID) bool { return w.seen[id] == w.walk }

// Depth returns how many steps the last export is from a name it reaches.
func (w *Walker) Depth(id ID) int { return int(w.depth[id]) }

// Path returns the shortest way from the last export to a name it reaches, both
// included.
func (w *Walker) Path(id ID) []ID {
	path := []ID{id}
	for w.parent[id] != id {
		id = w.parent[id]
		path = append(path, id)
	}
	slices.Reverse(path)
	return path
}

// All returns what the last Reach did.
func (w *Walker) All() []ID { return w.queue }
