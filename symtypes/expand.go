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
	return s
}

// Enter makes the scope speak of a file, an index into Files.
func (s *Scope) Enter(file int) {
	for _, id := range s.touched {
		s.recs[id] = unresolved
	}
	s.touched, s.file = s.touched[:0], file
}

// File returns the file the scope speaks of.
func (s *Scope) File() int { return s.file }

// Record returns what a name stands for, None for a hole.
func (s *Scope) Record(id ID) Record {
	r := s.recs[id]
	if r == unresolved {
		r = s.corpus.record(s.file, id)
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
type Hasher struct {
	// Holes are the names without a record that the last export reached.
	Holes []ID
	// Bytes counts what was hashed so far.
	Bytes int64

	pool    *Pool
	visited []uint32 // by name: the number of the last walk that came by
	walk    uint32
	stack   []frame
	buf     []byte
	crc     uint32
}

// frame is a record that is being written down.
type frame struct {
	rec  Record
	next int32 // of its refs
	at   int32 // in its text
}

// flushAt is how much text is gathered before it is hashed.
const flushAt = 64 << 10

// NewHasher returns a hasher for exports of the pool as it is.
func NewHasher(pool *Pool) *Hasher {
	return &Hasher{pool: pool, visited: make([]uint32, pool.Names()), buf: make([]byte, 0, 2*flushAt)}
}

// CRC returns the version of an export in a scope. ok is false where the scope
// has no record of it, or where it reaches Holes: then crc is that of the text
// in which those types are only declared.
func (h *Hasher) CRC(s *Scope, export ID) (crc uint32, ok bool) {
	h.expand(s, export, true)
	h.flush()
	return h.crc, len(h.Holes) == 0
}

// Text returns the text that is hashed for an export.
func (h *Hasher) Text(s *Scope, export ID) string {
	h.expand(s, export, false)
	return string(h.buf)
}

func (h *Hasher) expand(s *Scope, export ID, flush bool) {
	h.walk++
	h.crc, h.buf, h.Holes, h.stack = 0, h.buf[:0], h.Holes[:0], h.stack[:0]
	h.visit(s, export)
	for len(h.stack) > 0 {
		f := &h.stack[len(h.stack)-1]
		rec := &h.pool.recs[f.rec]
		if f.next == rec.refs {
			if int(f.at) < len(rec.text) {
				h.buf = append(append(h.buf, rec.text[f.at:]...), ' ')
			}
			h.stack = h.stack[:len(h.stack)-1]
			continue
		}
		ref := &h.pool.refs[rec.first+f.next]
		h.buf = append(h.buf, rec.text[f.at:ref.start]...)
		f.next, f.at = f.next+1, ref.end
		h.visit(s, ref.name)
		if flush && len(h.buf) >= flushAt {
			h.flush()
		}
	}
}

// visit writes a name down: its mention, or a record without names, or begins
// one that has some.
func (h *Hasher) visit(s *Scope, id ID) {
	if h.visited[id] == h.walk {
		h.buf = append(h.buf, h.pool.list[id].mention...)
		return
	}
	h.visited[id] = h.walk
	r := s.recs[id]
	if r == unresolved {
		r = s.Record(id)
	}
	if r == None {
		h.Holes = append(h.Holes, id)
		h.buf = append(append(h.buf, h.pool.list[id].mention...), "{ UNKNOWN } "...)
		return
	}
	rec := &h.pool.recs[r]
	if rec.refs == 0 {
		h.buf = append(append(h.buf, rec.text...), ' ')
		return
	}
	h.stack = append(h.stack, frame{rec: r})
}

func (h *Hasher) flush() {
	h.crc = crc32.Update(h.crc, crc32.IEEETable, h.buf)
	h.Bytes += int64(len(h.buf))
	h.buf = h.buf[:0]
}

// Walker finds what an export reaches. It is for one goroutine.
type Walker struct {
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
		if r == None {
			continue
		}
		for _, ref := range w.pool.refsOf(r) {
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
