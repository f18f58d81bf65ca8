package kabi

import "modkeep/symtypes"

// guide tells by one side's types which of them the source file of an export
// saw complete. Layouts have all of a kernel's types, and do not tell.
type guide struct {
	corpus *symtypes.Corpus
	scope  *symtypes.Scope
	walk   *symtypes.Walker
	old    bool // the types are the old side's
}

// newGuide returns nil where neither side has types of its own.
func newGuide(old, new Side) *guide {
	corpus := old.seen
	if corpus == nil {
		corpus = new.seen
	}
	if corpus == nil {
		return nil
	}
	return &guide{corpus, corpus.NewScope(), symtypes.NewWalker(corpus.Pool), old.seen != nil}
}

// guided finds the file of a changed export in the guide's types, -1 where they
// do not have it.
func (p *prover) guided(c *Change, export symtypes.ID) int {
	g := p.guide
	if g == nil {
		return -1
	}
	files := g.corpus.FilesOf(export)
	if len(files) == 0 {
		return -1
	}
	crc := c.New.CRC
	if g.old {
		crc = c.Old.CRC
	}
	return p.right(g.corpus, g.scope, files, export, uint32(crc))
}

// seenCauses returns the types that differ of those that the guide's export
// reaches.
func (p *prover) seenCauses(f *finding) []changedType {
	g := p.guide
	if g.scope.File() != f.seenFile {
		g.scope.Enter(f.seenFile)
	}
	var list []changedType
	for _, id := range p.reach(g.walk, g.scope, f.export) {
		if p.pool.Opaque(g.scope.Record(id)) {
			continue
		}
		old, new := p.oldScope.Record(id), p.newScope.Record(id)
		if old != new && old != symtypes.None && new != symtypes.None {
			list = append(list, changedType{id, old, new, int32(g.walk.Depth(id))})
		}
	}
	p.done.kept.Add(int64(len(list)))
	return list
}
