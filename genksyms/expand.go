package genksyms

import (
	"fmt"
	"hash/crc32"
	"io"
)

// segment is a piece of a definition: text, then the token it goes on with.
type segment struct {
	from, to uint32 // of the text in expander.plain
	next     ref    // the symbol to put after it; 0: none
}

// frame is a definition that is being written down.
type frame struct {
	symbol uint32
	next   uint32 // segment
}

// expander writes definitions down.
type expander struct {
	plain    []byte // texts of segments
	segments []segment
	serial   uint32   // of the export under way
	trail    []uint32 // symbols that it expanded, with a reference
	stack    []frame
	buffer   []byte // text that is not summed yet
	sum      uint32
	work     int64 // bytes expanded
	dump     io.Writer
}

// Each export may hash all that the file declares, so that a file made for it
// takes a time that is quadratic in its size. Real ones have less than 5 bytes of
// expansions for each of their own.
const (
	workFree    = 64 << 20
	workPerByte = 200
)

// export computes the version of a symbol.
func (t *table) export(name word) {
	i := t.find(name, Normal)
	if i == 0 {
		t.complain("export undefined symbol %s", t.texts.get(name))
		return
	}
	if t.opt.Dump {
		fmt.Fprintf(t.say, "Export %s == <", t.texts.get(name))
		t.dump = t.say
	}
	e := Export{Name: string(t.texts.get(name)), CRC: t.expand(i)}
	if t.opt.Reference != nil {
		t.sayChanges(name)
	}
	if t.opt.Dump {
		t.say.WriteString(">\n")
	}
	t.exports = append(t.exports, e)
	if t.opt.Exported != nil {
		t.opt.Exported(e)
	}
}

// expand sums the expansion of a symbol. What was expanded in it is left in
// the trail.
func (t *table) expand(i uint32) uint32 {
	t.serial++
	t.sum, t.buffer, t.trail = 0, t.buffer[:0], t.trail[:0]
	t.open(i)
	for len(t.stack) > 0 {
		f := &t.stack[len(t.stack)-1]
		s := &t.symbols[f.symbol]
		if f.next == s.end {
			t.leave(f.symbol)
			continue
		}
		seg := t.segments[f.next]
		f.next++
		t.write(t.plain[seg.from:seg.to])
		if seg.next != 0 {
			t.reference(seg.next)
		}
	}
	t.flush()
	if t.work > workFree && t.work/workPerByte > t.lex.offset+int64(t.lex.pos) {
		t.fail(fmt.Errorf("expansions of exports: %w", ErrTooBig))
	}
	return t.sum
}

func (t *table) write(text []byte) {
	t.buffer = append(t.buffer, text...)
	if len(t.buffer) >= 8<<10 {
		t.flush()
	}
	if t.dump != nil {
		t.dump.Write(text)
	}
}

// flush sums what is in the buffer.
func (t *table) flush() {
	t.work += int64(len(t.buffer))
	t.sum = crc32.Update(t.sum, crc32.IEEETable, t.buffer)
	t.buffer = t.buffer[:0]
}

// open begins to write a symbol's definition down.
func (t *table) open(i uint32) {
	s := &t.symbols[i]
	s.seen = t.serial
	t.work += 32 // the step itself
	if t.opt.Reference != nil {
		t.trail = append(t.trail, i)
	}
	if s.end == 0 {
		t.compile(s)
	}
	t.stack = append(t.stack, frame{i, s.first})
}

// leave ends a definition.
func (t *table) leave(i uint32) {
	if s := &t.symbols[i]; !s.visited && len(s.definition) > 0 {
		s.visited = true
		t.visited = append(t.visited, i)
	}
	t.stack = t.stack[:len(t.stack)-1]
}

// compile joins the plain tokens of a definition.
func (t *table) compile(s *symbol) {
	first, from := len(t.segments), uint32(len(t.plain))
	for _, r := range s.definition {
		if r.kind() == Normal {
			t.plain = append(t.plain, t.texts.get(r.word())...)
			t.plain = append(t.plain, ' ')
			continue
		}
		t.segments = append(t.segments, segment{from, uint32(len(t.plain)), r})
		from = uint32(len(t.plain))
	}
	if from < uint32(len(t.plain)) || len(t.segments) == first {
		t.segments = append(t.segments, segment{from: from, to: uint32(len(t.plain))})
	}
	if len(t.plain) > 2*maxText {
		t.fail(fmt.Errorf("definitions: %w", ErrTooBig))
	}
	s.first, s.end = uint32(first), uint32(len(t.segments))
}

// reference writes a symbol that a definition names.
func (t *table) reference(r ref) {
	i := t.find(r.word(), r.kind())
	if i == 0 {
		if !r.kind().tag() {
			// Only a reference can name a typedef that there is none of.
			t.writeName(r)
			return
		}
		i = t.unknown(r)
	}
	if t.symbols[i].seen == t.serial {
		t.writeName(r)
		return
	}
	t.open(i)
}

func (t *table) writeName(r ref) {
	if r.kind().tag() {
		t.write(kindWords[r.kind()])
	}
	t.write(t.texts.get(r.word()))
	t.write(oneSpace)
}

var (
	oneSpace  = []byte{' '}
	kindWords = [...][]byte{Enum: []byte("enum "), Struct: []byte("struct "), Union: []byte("union ")}
)

// unknown declares a type that the text does not.
func (t *table) unknown(r ref) uint32 {
	t.complain("expand undefined %s %s", r.kind(), t.texts.get(r.word()))
	keyword := t.texts.of([]byte(r.kind().String()))
	body := append([]ref{refTo(keyword, Normal), refTo(r.word(), Normal)}, t.unknownBody()...)
	return t.add(r.word(), r.kind(), body, false)
}
