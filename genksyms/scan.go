package genksyms

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
)

// scanner cuts text into tokens, as a C compiler does but for a few: an
// integer has at most one letter of each of its suffixes, "!=" and "++" are two
// tokens, and a string may go over lines. It keeps the place that the line
// markers give. What flex does where nothing else says so: the longest match
// wins, and a byte that begins no token is a token.
type scanner struct {
	src     io.Reader
	buf     []byte // buf[0] is the byte before what was not scanned yet
	pos     int    // of the next token
	limit   int    // end of what was read
	eof     bool
	failed  error
	start   int    // of the last token, which ends at pos
	hash    uint32 // of the last name
	pushed  bool   // a '(' comes before pos
	vectors bool   // int8x16_t and the like are types
	open    [256]int64
	offset  int64 // of buf[0] in the text

	line   int32
	begin  int64  // of the line, in the text
	file   []byte // as last named; nil: no line marker yet
	source []byte // as first named
	own    bool   // the place is in the source file
}

const (
	chunk    = 64 << 10
	maxToken = 1 << 20 // bytes of a string; a longer one is taken as not ended
)

func newScanner(r io.Reader) *scanner {
	s := &scanner{src: r, buf: make([]byte, 2*chunk), pos: 1, limit: 1, line: 1}
	s.buf[0] = '\n'
	return s
}

// more reads on, keeping what begins at from, and returns by how much that
// moved towards the front. At the end of the text it sets eof.
func (s *scanner) more(from int) int {
	shift := from - 1
	if shift > 0 && (len(s.buf)-s.limit < chunk) {
		copy(s.buf, s.buf[shift:s.limit])
		s.limit -= shift
		s.offset += int64(shift)
	} else {
		shift = 0
	}
	if len(s.buf)-s.limit < chunk/2 {
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	for range 100 {
		n, err := s.src.Read(s.buf[s.limit:])
		s.limit += n
		if err != nil {
			s.eof = true
			if err != io.EOF {
				s.failed = fmt.Errorf("read C: %w", err)
			}
		}
		if n > 0 || err != nil {
			return shift
		}
	}
	s.eof, s.failed = true, fmt.Errorf("read C: %w", io.ErrNoProgress)
	return shift
}

// classes of bytes: what a token may begin with and go on with.
const (
	letter = 1 << iota // of an identifier
	digit
	blank // not the newline
	octal
	hex
)

var class = func() (t [256]uint8) {
	for c := range t {
		b := byte(c)
		switch {
		case b >= '0' && b <= '9':
			t[c] = digit | hex
			if b < '8' {
				t[c] |= octal
			}
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b == '_', b == '$':
			t[c] = letter
			if b|0x20 >= 'a' && b|0x20 <= 'f' && b != '_' && b != '$' {
				t[c] |= hex
			}
		case b == ' ', b == '\t', b == '\f', b == '\v', b == '\r':
			t[c] = blank
		}
	}
	return t
}()

// next scans a token. Line markers it takes in on its way.
func (s *scanner) next() kind {
	if s.pushed {
		s.pushed = false
		return '('
	}
	for {
		if s.pos == s.limit {
			if s.eof {
				s.start = s.pos
				return end
			}
			s.pos -= s.more(s.pos)
			continue
		}
		c := s.buf[s.pos]
		switch {
		case class[c]&blank != 0:
			s.pos++
		case c == '\n':
			s.newline()
		case c == '#' && s.buf[s.pos-1] == '\n' && s.directive():
		default:
			return s.token(c)
		}
	}
}

// end ends the text here, for a reason.
func (s *scanner) end(why error) {
	s.failed = why
	s.eof, s.start, s.pos, s.limit = true, 1, 1, 1
}

// newline goes over the newline at pos.
func (s *scanner) newline() {
	s.pos++
	s.line++
	s.begin = s.offset + int64(s.pos)
}

// column is where in its line the last token begins, from 1.
func (s *scanner) column() int64 { return s.offset + int64(s.start) - s.begin + 1 }

// text returns the bytes of the last token.
func (s *scanner) text() []byte { return s.buf[s.start:s.pos] }

// token scans the token that begins with c. Where it would end with what was
// read so far, it reads on and scans again.
func (s *scanner) token(c byte) kind {
	for {
		s.start = s.pos
		k, stop := s.match(c)
		if stop < s.limit || s.eof {
			s.pos = stop
			if k == ident && s.vectors && isVector(s.buf[s.start:stop]) {
				return builtin
			}
			return k
		}
		if s.limit-s.start > 2*maxToken {
			s.end(fmt.Errorf("token of more than %d bytes: %w", 2*maxToken, ErrTooBig))
			return end
		}
		s.pos = s.start - s.more(s.start)
	}
}

// match finds the longest token at pos. A match that looked at all that was
// read ends there, unless it was for a string that does not end.
func (s *scanner) match(c byte) (kind, int) {
	p, buf := s.pos, s.buf[:s.limit]
	switch {
	case class[c]&letter != 0:
		h := (hashSeed ^ uint32(c)) * hashFactor
		for p++; p < len(buf) && class[buf[p]]&(letter|digit) != 0; p++ {
			h = (h ^ uint32(buf[p])) * hashFactor
		}
		s.hash = h
		if c == 'L' && p == s.pos+1 && p < len(buf) && (buf[p] == '"' || buf[p] == '\'') {
			if stop := s.quoted(p); stop > 0 {
				return number, stop
			}
		}
		return ident, p
	case class[c]&digit != 0 || c == '.':
		return s.number()
	case c == '"' || c == '\'':
		if stop := s.quoted(p); stop > 0 {
			return number, stop
		}
		return kind(c), p + 1
	}
	if p+1 >= len(buf) {
		return byteKind(c), p + 1
	}
	if d := buf[p+1]; (d == '=' && bytes.IndexByte([]byte("~%^&*+=|<>/-"), c) >= 0) ||
		(c == d && (c == '&' || c == '|' || c == '<' || c == '>')) || (c == '-' && d == '>') {
		return number, p + 2
	}
	return byteKind(c), p + 1
}

// byteKind is the kind of a byte that is a token. Beyond ASCII it is negative
// in C, which ends the text to the grammar, not to a phrase.
func byteKind(c byte) kind {
	if c >= 0x80 {
		return kind(int8(c))
	}
	return kind(c)
}

// quoted returns the end of the string or character that opens at p, 0 if it
// does not end. A backslash before a newline is no escape and ends the try. A
// try that failed is kept, since every quote on its way was escaped and would
// fail as well.
func (s *scanner) quoted(p int) int {
	q := s.buf[p]
	if s.offset+int64(p) < s.open[q] {
		return 0
	}
	for i := p + 1; ; i++ {
		for i >= s.limit || (s.buf[i] == '\\' && i+1 >= s.limit) {
			if s.eof || s.limit-p > maxToken {
				s.open[q] = s.offset + int64(s.limit)
				return 0
			}
			return s.limit // reads on, and tries again
		}
		switch s.buf[i] {
		case q:
			return i + 1
		case '\\':
			if s.buf[i+1] == '\n' {
				s.open[q] = s.offset + int64(i)
				return 0
			}
			i++
		}
	}
}

// number matches an integer, a real or dots at pos, whichever is longest.
func (s *scanner) number() (kind, int) {
	buf, from := s.buf[:s.limit], s.pos
	at := func(p int) byte {
		if p < len(buf) {
			return buf[p]
		}
		return 0
	}
	run := func(p int, c uint8) int {
		for p < len(buf) && class[buf[p]]&c != 0 {
			p++
		}
		return p
	}
	whole := run(from, digit)
	if whole == from && class[at(from+1)]&digit == 0 {
		switch {
		case from+3 > len(buf) && !s.eof:
			return '.', len(buf)
		case at(from+1) == '.' && at(from+2) == '.':
			return dots, from + 3
		}
		return '.', from + 1
	}
	integer := whole
	if at(from) == '0' {
		integer = run(from, octal)
		if at(from+1)|0x20 == 'x' && class[at(from+2)]&hex != 0 {
			integer = run(from+2, hex)
		}
	}
	if whole > from {
		integer = suffix(at, integer)
	}
	real := realEnd(at, run, from, whole)
	stop := real
	if whole > from {
		stop = max(integer, real)
	}
	if stop+3 >= len(buf) && !s.eof {
		return number, len(buf) // an exponent may be cut off
	}
	return number, stop
}

// suffix goes over the letters that may follow an integer: one u, one l.
func suffix(at func(int) byte, p int) int {
	switch at(p) | 0x20 {
	case 'u':
		if at(p+1)|0x20 == 'l' {
			return p + 2
		}
		return p + 1
	case 'l':
		if at(p+1)|0x20 == 'u' {
			return p + 2
		}
		return p + 1
	}
	return p
}

// realEnd returns the end of the real number at from, whose digits before the
// dot end at whole; 0 if there is none.
func realEnd(at func(int) byte, run func(int, uint8) int, from, whole int) int {
	p := whole
	dot := at(whole) == '.'
	if dot {
		p = run(whole+1, digit)
	}
	exponent := 0
	if at(p)|0x20 == 'e' {
		e := p + 1
		if at(e) == '+' || at(e) == '-' {
			e++
		}
		if stop := run(e, digit); stop > e {
			exponent = stop
		}
	}
	switch {
	case exponent > 0:
		p = exponent
	case !dot:
		return 0
	}
	if c := at(p) | 0x20; c == 'f' || c == 'l' {
		p++
	}
	return p
}

// isVector says whether a name is one of the vector types that are built into
// compilers for ARM, such as uint8x16_t.
func isVector(name []byte) bool {
	name = bytes.TrimPrefix(name, []byte("u"))
	name, ok := bytes.CutPrefix(name, []byte("int"))
	if !ok {
		return false
	}
	bits, rest, ok := bytes.Cut(name, []byte("x"))
	lanes, ok2 := bytes.CutSuffix(rest, []byte("_t"))
	return ok && ok2 && oneOf(bits, "8", "16", "32", "64") && oneOf(lanes, "1", "2", "4", "8", "16")
}

func oneOf(s []byte, list ...string) bool {
	for _, one := range list {
		if string(s) == one {
			return true
		}
	}
	return false
}

// directive takes the line at pos, which begins with '#', if it ends.
func (s *scanner) directive() bool {
	n := bytes.IndexByte(s.buf[s.pos:s.limit], '\n')
	for n < 0 {
		if s.eof || s.limit-s.pos > maxToken {
			return false
		}
		have := s.limit - s.pos
		s.pos -= s.more(s.pos)
		if n = bytes.IndexByte(s.buf[s.pos+have:s.limit], '\n'); n >= 0 {
			n += have
		}
	}
	line := s.buf[s.pos : s.pos+n]
	s.pos += n + 1
	s.begin = s.offset + int64(s.pos)
	if !s.marker(line) {
		s.line++
	}
	return true
}

// marker takes a line marker: # NUMBER "FILE".
func (s *scanner) marker(line []byte) bool {
	p := 1
	for p < len(line) && (line[p] == ' ' || line[p] == '\t') {
		p++
	}
	from := p
	if p == 1 || p >= len(line) || class[line[p]]&digit == 0 {
		return false
	}
	for p < len(line) && class[line[p]]&(digit|letter) != 0 {
		p++
	}
	if !isInteger(line[from:p]) {
		return false
	}
	gap := p
	for p < len(line) && (line[p] == ' ' || line[p] == '\t') {
		p++
	}
	if p == gap || p >= len(line) || line[p] != '"' {
		return false
	}
	n := bytes.IndexByte(line[p+1:], '"')
	if n <= 0 {
		return false
	}
	name := line[p+1 : p+1+n]
	if !bytes.Equal(name, s.file) {
		s.file = append(s.file[:0], name...)
	}
	s.line = leadingInt(line[from:])
	if s.source == nil {
		s.source = bytes.Clone(name)
	}
	s.own = bytes.Equal(s.file, s.source)
	return true
}

// isInteger says whether a run of letters and digits is one integer token.
func isInteger(s []byte) bool {
	at := func(p int) byte {
		if p < len(s) {
			return s[p]
		}
		return 0
	}
	run := func(p int, c uint8) int {
		for p < len(s) && class[s[p]]&c != 0 {
			p++
		}
		return p
	}
	p := run(0, digit)
	if s[0] == '0' {
		p = run(0, octal)
		if at(1)|0x20 == 'x' && class[at(2)]&hex != 0 {
			p = run(2, hex)
		}
	}
	return suffix(at, p) == len(s)
}

// leadingInt is C's atoi.
func leadingInt(s []byte) int32 {
	n := 0
	for n < len(s) && class[s[n]]&digit != 0 {
		n++
	}
	v, err := strconv.ParseInt(string(s[:n]), 10, 64)
	if err != nil {
		v = math.MaxInt64
	}
	return int32(v)
}
