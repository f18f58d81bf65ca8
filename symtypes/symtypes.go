// Package symtypes reads the types behind a kernel's exports, as genksyms -T
// writes them, and computes the exports' CRCs from them again.
//
// Terms:
//
//   - A name is a type's or an export's: the kind, # and the identifier for a
//     type ("s#device", "t#u32"), the identifier alone for an export.
//   - A record is what a line says a name stands for: words parted by spaces,
//     in which the names of types stand for those types' records.
//   - A file is what one object's line of records says. The same name may have
//     other records in other files: a private type, or one that is only
//     declared there ("struct device { UNKNOWN }").
//   - A corpus is all files of one kernel: split (a file each, every record
//     written out) or consolidated (one text of sections "/* path */"; a record
//     that is the one last seen is left out, and "s##device" stands for one that
//     is only declared, in this section alone).
//   - A hole is a name that a record mentions and that has none: what editing by
//     hand leaves.
//   - To expand an export is to write its record down and put for every name in
//     it, the first time it comes, that name's record, in depth; later times
//     "struct device" or the bare identifier. The CRC-32 of that text, every word
//     followed by one space, is the export's version.
//
// A record that begins with extern is hashed without that word
// (scripts/genksyms/genksyms.c, print_type_name and dump_symtypes: it is printed
// and no part of the definition).
package symtypes

import (
	"strings"
)

// Kind says what a name is of; it is the letter before the #.
type Kind byte

// The kinds.
const (
	Export     Kind = 0 // function, variable
	Typedef    Kind = 't'
	Enum       Kind = 'e'
	Struct     Kind = 's'
	Union      Kind = 'u'
	Enumerator Kind = 'E' // from 2.6.39 on
)

// word is what C puts before an identifier of the kind; "" where nothing.
func (k Kind) word() string {
	switch k {
	case Enum:
		return "enum "
	case Struct:
		return "struct "
	case Union:
		return "union "
	}
	return ""
}

// ID is a name of a pool, Record a record of it: numbers from 0, in the order
// they were first met.
type (
	ID     int32
	Record int32
)

// None is the record of a hole.
const None Record = -1

// unresolved marks in a scope what was not looked up yet.
const unresolved Record = -2

// Pool holds names and records once, however many files and kernels have them:
// two records of a pool are equal if their numbers are. It is not for several
// goroutines while anything is read into it; after that it does not change.
type Pool struct {
	names   map[string]ID
	list    []name
	records map[string]Record
	recs    []record
	refs    []ref
	plain   strings.Builder // of the last records
	exports int             // of the names
	bytes   int             // of the names
}

// full reports whether the pool has more than is read.
func (p *Pool) full() bool {
	return len(p.list) > maxNames || p.bytes > maxNameBytes || p.exports > maxExports || len(p.recs) > maxRecords || len(p.refs) > maxRefs
}

type name struct {
	key     string // "s#device"
	mention string // what later times give: "struct device "
	kind    Kind
	opaque  Record // of the declaration alone; unresolved until asked for
}

type record struct {
	text  string // words parted by one space, none at either end
	plain string // the same with the names as C has them, a space behind each word
	first int32  // of refs
	refs  int32
}

// ref is a name in a record: where its mention is in the plain text.
type ref struct {
	start, end int32
	name       ID
}

// NewPool returns an empty pool.
func NewPool() *Pool {
	return &Pool{names: make(map[string]ID), records: make(map[string]Record)}
}

// Names returns how many names there are.
func (p *Pool) Names() int { return len(p.list) }

// ID returns the number of a name, such as "s#device"; ok is false where no
// file has it.
func (p *Pool) ID(name string) (id ID, ok bool) {
	id, ok = p.names[name]
	return id, ok
}

// Name returns the name of a number, such as "s#device".
func (p *Pool) Name(id ID) string { return p.list[id].key }

// Kind returns what the name is of.
func (p *Pool) Kind(id ID) Kind { return p.list[id].kind }

// Title returns the name as C writes it: "struct device", "u32".
func (p *Pool) Title(id ID) string { return strings.TrimSuffix(p.list[id].mention, " ") }

// Text returns a record's text, without a leading extern.
func (p *Pool) Text(r Record) string { return p.recs[r].text }

// Refs returns the names that a record mentions, in its order.
func (p *Pool) Refs(r Record) []ID {
	list := make([]ID, 0, p.recs[r].refs)
	for _, ref := range p.refsOf(r) {
		list = append(list, ref.name)
	}
	return list
}

// Opaque reports whether a record only declares its type.
func (p *Pool) Opaque(r Record) bool {
	return r >= 0 && strings.HasSuffix(p.recs[r].text, " { UNKNOWN }")
}

func (p *Pool) refsOf(r Record) []ref {
	rec := &p.recs[r]
	return p.refs[rec.first : rec.first+rec.refs]
}

// Plain returns a record's text with the names as C has them: "struct device *".
func (p *Pool) Plain(r Record) string { return strings.TrimSuffix(p.recs[r].plain, " ") }

// id returns the number of a name, a new one for a new name.
func (p *Pool) id(key string) ID {
	if id, ok := p.names[key]; ok {
		return id
	}
	key = strings.Clone(key) // not to hold on to a whole file
	kind := kindOf(key)
	bare := key
	if kind != Export {
		bare = key[2:]
	}
	id := ID(len(p.list))
	p.list = append(p.list, name{key: key, mention: kind.word() + bare + " ", kind: kind, opaque: unresolved})
	p.names[key] = id
	p.bytes += len(key)
	if kind == Export {
		p.exports++
	}
	return id
}

// kindOf returns the kind of a name by its first letters.
func kindOf(key string) Kind {
	if len(key) < 3 || key[1] != '#' {
		return Export
	}
	switch k := Kind(key[0]); k {
	case Typedef, Enum, Struct, Union, Enumerator:
		return k
	}
	return Export
}

// opaque returns the record of a type that is only declared.
func (p *Pool) opaque(id ID) Record {
	n := &p.list[id]
	if n.opaque == unresolved {
		n.opaque = p.record(n.mention+"{ UNKNOWN }", true)
	}
	return n.opaque
}

// record returns the number of a record. Its text is kept as it is, copied
// where the caller's memory is to be free again.
func (p *Pool) record(text string, keep bool) Record {
	if r, ok := p.records[text]; ok {
		return r
	}
	if !keep {
		text = strings.Clone(text)
	}
	rec := record{text: text, first: int32(len(p.refs))}
	p.write(&rec)
	rec.refs = int32(len(p.refs)) - rec.first
	r := Record(len(p.recs))
	p.recs = append(p.recs, rec)
	p.records[text] = r
	return r
}

// plainChunk is how much plain text is kept in one piece of memory.
const plainChunk = 64 << 10

// write finds a record's names and writes its plain text.
func (p *Pool) write(rec *record) {
	const longest = len("struct ") - len("s#") + len(" ") // that a name is longer as C has it
	if size := len(rec.text) + strings.Count(rec.text, "#")*longest + len(" "); p.plain.Cap()-p.plain.Len() < size {
		p.plain.Reset() // the records hold on to what it had
		p.plain.Grow(max(size, plainChunk))
	}
	b, from, at := &p.plain, p.plain.Len(), 0
	for {
		start, end, ok := nextRef(rec.text, at)
		if !ok {
			break
		}
		b.WriteString(rec.text[at:start])
		id := p.id(unquoted(rec.text[start:end]))
		mention := b.Len() - from
		b.WriteString(p.list[id].mention)
		p.refs = append(p.refs, ref{int32(mention), int32(b.Len() - from), id})
		at = min(end+1, len(rec.text))
	}
	if at < len(rec.text) {
		b.WriteString(rec.text[at:])
		b.WriteByte(' ')
	}
	rec.plain = b.String()[from:]
}

// nextRef finds the next name of a type in a record, from at on.
func nextRef(text string, at int) (start, end int, ok bool) {
	for at < len(text) {
		i := strings.IndexByte(text[at:], '#')
		if i < 0 {
			return 0, 0, false
		}
		i += at
		at = i + 1
		if i < 1 || (i > 1 && text[i-2] != ' ') || i+1 >= len(text) || kindOf(text[i-1:min(i+2, len(text))]) == Export || text[i+1] == ' ' {
			continue
		}
		return i - 1, wordEnd(text, i-1), true
	}
	return 0, 0, false
}

// wordEnd returns where the word at start ends. The identifier of a type may
// stand in single quotes and have spaces then.
func wordEnd(text string, start int) int {
	from := start
	if start+3 < len(text) && text[start+1] == '#' && text[start+2] == '\'' {
		if i := strings.IndexByte(text[start+3:], '\''); i >= 0 {
			from = start + 3 + i
		}
	}
	if i := strings.IndexByte(text[from:], ' '); i >= 0 {
		return from + i
	}
	return len(text)
}

// unquoted takes the quotes off an identifier.
func unquoted(word string) string {
	if len(word) > 4 && word[2] == '\'' && word[len(word)-1] == '\'' && kindOf(word) != Export {
		return word[:2] + word[3:len(word)-1]
	}
	return word
}
