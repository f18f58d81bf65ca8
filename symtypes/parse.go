package symtypes

import (
	"fmt"
	"slices"
	"strings"
)

// What is read at most. The largest consolidated text of a real kernel seen has
// 4.2 MB, its longest line 9 kB; a Debian kernel's split files are 845,000 lines.
// Nine kernels together had 29,000 names of 522,000 bytes, 20,000 of them exports,
// and 34,000 records with 120,000 mentions of names; whole distributions' kernels
// export 27,000.
const (
	MaxSize      = 16 << 20 // bytes of one file, decompressed
	MaxLine      = 1 << 20  // bytes of one line
	MaxFiles     = 1 << 17  // files of a corpus
	maxText      = 1 << 30  // bytes of a corpus, decompressed
	maxLines     = 1 << 23  // of a corpus
	maxNames     = 100_000  // of a pool, and of a file
	maxNameBytes = 4 << 20  // of these
	maxExports   = 40_000   // of these
	maxRecords   = 150_000  // of a pool
	maxRefs      = 1 << 20  // mentions of names in a pool's records
)

// SyntaxError says what is wrong with a line of a file.
type SyntaxError struct {
	Line int // from 1
	Msg  string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Msg) }

// File is what one object's records say.
type File struct {
	Path    string // as the section or the file is called
	Exports []ID   // in the order of the text

	defs []def // what the text writes out, sorted by name
}

// def is a name's record in a file.
type def struct {
	name ID
	rec  Record
}

// Corpus is the files of one kernel. It does not change after it was read, so
// any number of goroutines may use it.
type Corpus struct {
	Pool  *Pool
	Files []File
	// Consolidated says that what a file does not write out is as last seen.
	Consolidated bool

	history [][]seen // by name: the records in the order they come, not those of one section only
	places  []place  // sorted by export, then file

	bytes, lines int // read so far
}

// seen is a record from a file on.
type seen struct {
	file int32
	rec  Record
}

type place struct {
	export ID
	file   int32
}

// Parse reads the text of one file of records, split or consolidated, which its
// first line tells. path is what a split file is called. Errors are a
// *SyntaxError, or that the text is too long.
func Parse(pool *Pool, path, text string) (*Corpus, error) {
	c := newCorpus(pool)
	if err := c.read(path, text, true); err != nil {
		return nil, err
	}
	c.finish()
	return c, nil
}

func newCorpus(pool *Pool) *Corpus { return &Corpus{Pool: pool} }

// reader is the state of reading one text.
type reader struct {
	c     *Corpus
	file  *File
	keep  bool
	local []def // of this section alone
}

// read adds the files of one text. keep says that the text may be held on to.
func (c *Corpus) read(path, text string, keep bool) error {
	if len(text) > MaxSize {
		return fmt.Errorf("longer than %d bytes", MaxSize)
	}
	if c.bytes += len(text); c.bytes > maxText {
		return fmt.Errorf("with the files before it longer than %d bytes", maxText)
	}
	sections := strings.HasPrefix(strings.TrimLeft(text, "\r\n"), "/* ")
	switch {
	case sections && len(c.Files) > 0:
		return fmt.Errorf("is consolidated, and not the only file")
	case sections:
		c.Consolidated = true
	case len(c.Files) == MaxFiles:
		return fmt.Errorf("more than %d files", MaxFiles)
	}
	r := reader{c: c, keep: keep}
	if !sections {
		r.begin(path)
	}
	for number := 1; text != ""; number++ {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		if msg := r.line(line); msg != "" {
			return &SyntaxError{number, msg}
		}
	}
	r.end()
	return nil
}

// line reads a line and says what is wrong with it.
func (r *reader) line(line string) string {
	if len(line) > MaxLine {
		return fmt.Sprintf("longer than %d bytes", MaxLine)
	}
	if strings.IndexByte(line, '\t') >= 0 {
		line = strings.ReplaceAll(line, "\t", " ")
	}
	line = strings.Trim(line, " \r")
	if line == "" {
		return ""
	}
	if strings.HasPrefix(line, "/* ") {
		return r.section(line)
	}
	if r.c.lines++; r.c.lines > maxLines || r.c.Pool.full() || r.file != nil && len(r.file.defs)+len(r.local) > maxNames {
		return "more names or records than of any kernel"
	}
	line = strings.TrimPrefix(line, "override ")
	if len(line) > 3 && line[1] == '#' && line[2] == '#' && kindOf(line) != Export {
		return r.declared(line[:1] + line[2:])
	}
	end := wordEnd(line, 0)
	text := strings.Trim(line[end:], " ")
	if text == "extern" || strings.HasPrefix(text, "extern ") {
		text = strings.TrimLeft(text[len("extern"):], " ")
	}
	switch {
	case kindOf(line) == Export && !isName(line[:end]):
		return fmt.Sprintf("%.60q: not a record", line)
	case text == "":
		return fmt.Sprintf("%.60q: a name without a record", line)
	}
	if strings.IndexByte(text, 0) >= 0 {
		return "not a text"
	}
	return r.define(unquoted(line[:end]), singleSpaced(text))
}

// section begins the file that a line "/* path */" names.
func (r *reader) section(line string) string {
	path, ok := strings.CutSuffix(line[len("/* "):], "*/")
	switch path = strings.TrimSpace(path); {
	case !r.c.Consolidated:
		return "a section in a file of one object"
	case !ok || path == "":
		return fmt.Sprintf("%.60q: not a section's heading", line)
	case len(r.c.Files) == MaxFiles:
		return fmt.Sprintf("more than %d sections", MaxFiles)
	}
	r.end()
	r.begin(path)
	return ""
}

func (r *reader) begin(path string) {
	r.c.Files = append(r.c.Files, File{Path: strings.Clone(path)})
	r.file = &r.c.Files[len(r.c.Files)-1]
}

// declared reads "s##device": a type that this section only declares.
func (r *reader) declared(key string) string {
	if strings.ContainsRune(key, ' ') && key[2] != '\'' {
		return fmt.Sprintf("%.60q: text behind a declared type", key)
	}
	id := r.c.Pool.id(unquoted(key))
	r.local = append(r.local, def{id, r.c.Pool.opaque(id)})
	return ""
}

// define reads a record.
func (r *reader) define(key, text string) string {
	if r.file == nil {
		return "a record before the first section"
	}
	id := r.c.Pool.id(key)
	rec := r.c.Pool.record(text, r.keep)
	r.file.defs = append(r.file.defs, def{id, rec})
	if r.c.Pool.list[id].kind == Export {
		r.file.Exports = append(r.file.Exports, id)
	}
	return ""
}

// end puts the file's records in order. Of two of one name the later holds.
func (r *reader) end() {
	if r.file == nil {
		return
	}
	if r.c.Consolidated {
		r.c.remember(int32(len(r.c.Files)-1), r.file.defs)
	}
	defs := append(r.file.defs, r.local...)
	slices.Reverse(defs)
	slices.SortStableFunc(defs, func(a, b def) int { return int(a.name) - int(b.name) })
	r.file.defs = slices.Clip(slices.CompactFunc(defs, func(a, b def) bool { return a.name == b.name }))
	slices.Sort(r.file.Exports)
	r.file.Exports = slices.Compact(r.file.Exports)
	r.file, r.local = nil, nil
}

// remember notes the records of a section as those last seen.
func (c *Corpus) remember(file int32, defs []def) {
	if n := len(c.Pool.list); n > len(c.history) {
		c.history = append(c.history, make([][]seen, n-len(c.history))...)
	}
	for _, d := range defs {
		h := c.history[d.name]
		switch n := len(h); {
		case n > 0 && h[n-1].file == file:
			h[n-1].rec = d.rec
		case n == 0 || h[n-1].rec != d.rec:
			c.history[d.name] = append(h, seen{file, d.rec})
		}
	}
}

// finish makes the index of exports.
func (c *Corpus) finish() {
	n := 0
	for i := range c.Files {
		n += len(c.Files[i].Exports)
	}
	c.places = make([]place, 0, n)
	for i := range c.Files {
		for _, id := range c.Files[i].Exports {
			c.places = append(c.places, place{id, int32(i)})
		}
	}
	slices.SortStableFunc(c.places, func(a, b place) int { return int(a.export) - int(b.export) })
}

// singleSpaced puts one space where there are more.
func singleSpaced(text string) string {
	if !strings.Contains(text, "  ") {
		return text
	}
	return strings.Join(strings.Fields(text), " ")
}

// Exports returns the exports of all files, each once.
func (c *Corpus) Exports() []ID {
	list := make([]ID, 0, len(c.places))
	for i, p := range c.places {
		if i == 0 || c.places[i-1].export != p.export {
			list = append(list, p.export)
		}
	}
	return list
}

// FilesOf returns the files, as indices into Files, that have a record of the
// export.
func (c *Corpus) FilesOf(export ID) []int {
	i, _ := slices.BinarySearchFunc(c.places, export, func(p place, id ID) int { return int(p.export) - int(id) })
	var files []int
	for ; i < len(c.places) && c.places[i].export == export; i++ {
		files = append(files, int(c.places[i].file))
	}
	return files
}

// lastSeen returns the record of a name that a file does not write out.
func (c *Corpus) lastSeen(file int, id ID) Record {
	if int(id) >= len(c.history) || c.Pool.list[id].kind == Export {
		return None
	}
	h := c.history[id]
	i, ok := slices.BinarySearchFunc(h, int32(file), func(s seen, file int32) int { return int(s.file) - int(file) })
	switch {
	case ok:
		return h[i].rec
	case i > 0:
		return h[i-1].rec
	}
	return None
}
