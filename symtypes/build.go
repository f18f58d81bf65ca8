package symtypes

import "strings"

// Builder makes a corpus of records that do not come from genksyms' text. The
// records of its first file hold in all others that have none of the name; those
// of the others hold in their file alone.
type Builder struct {
	corpus *Corpus
	reader reader
}

// NewBuilder returns a builder of a corpus without files.
func NewBuilder(pool *Pool) *Builder {
	c := newCorpus(pool)
	c.Consolidated = true
	return &Builder{c, reader{c: c, keep: true}}
}

// Begin begins a file.
func (b *Builder) Begin(path string) {
	b.reader.end()
	b.reader.begin(path)
}

// Add gives a name, such as "s#device", its record in the file: words parted by
// one space. It must not be called before Begin.
func (b *Builder) Add(name, record string) {
	if r := &b.reader; len(b.corpus.Files) == 1 || kindOf(name) == Export {
		r.define(strings.Clone(name), record)
	} else {
		id := b.corpus.Pool.id(name)
		r.local = append(r.local, def{id, b.corpus.Pool.record(record, true)})
	}
}

// Corpus returns what was added. The builder is not to be used after it.
func (b *Builder) Corpus() *Corpus {
	b.reader.end()
	b.corpus.finish()
	return b.corpus
}
