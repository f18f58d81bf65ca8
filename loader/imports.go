package loader

import (
	"fmt"
	"hash/maphash"
	"math/bits"
	"sync"

	"modkeep/ko"
	"modkeep/ko/elf"
)

// room is the memory in which a module is read; the next module uses it again.
type room struct {
	indexes []int32 // of the imports in the symbol table
	lengths []int32 // of their names
	names   []byte  // one after the other
	slots   []int32 // hash table of imports by name: index + 1, 0 for none
	first   []int32 // for each import the first one of its name
	name    []byte  // the one that is looked up
	rela    []byte  // relocations of a file that is not in memory
	body    []byte  // and what they change
}

var rooms = sync.Pool{New: func() any { return &room{} }}

// What is read of a module's imports: no real one has a tenth of it, and a
// verdict may say several lines about each.
const (
	maxImports     = 1 << 15
	maxImportNames = 4 << 20 // bytes, together
)

var errManyImports = fmt.Errorf("section .symtab: more than %d undefined symbols, or than %d bytes of their names", maxImports, maxImportNames)

// collectImports notes the entries of the symbol table that simplify_symbols
// has something to say of.
func (m *Module) collectImports(f *ko.File, syms *elf.SymbolTable, r *room) error {
	var strtab elf.Section
	if i := int(f.Symtab().Link); i < len(f.Sections) {
		strtab = f.Sections[i]
	}
	var last uint32
	r.indexes, last = syms.Unplaced(r.indexes[:0], len(f.Sections))
	m.tables.symbolNameOut = syms.Len() > 1 && uint64(last) >= strtab.Size
	m.tables.lastName = strtab.Offset + uint64(last)
	if len(r.indexes) > maxImports {
		return errManyImports
	}
	r.lengths, r.names = r.lengths[:0], r.names[:0]
	total := 0
	for _, i := range r.indexes {
		name, err := syms.NameOf(int(i))
		if err != nil {
			return err
		}
		r.lengths = append(r.lengths, int32(len(name)))
		if total += len(name); total <= len(syms.Strings()) {
			r.names = append(r.names, name...)
		}
		if total > maxImportNames {
			return errManyImports
		}
	}
	m.imports = r.imports(syms, total > len(syms.Strings()))
	return nil
}

// imports makes the list of what was collected. Its names share one string: the
// whole table where they overlap, as they do only in a file made to take memory.
func (r *room) imports(syms *elf.SymbolTable, overlap bool) []importSymbol {
	var text string
	if overlap {
		text = string(syms.Strings())
	} else {
		text = string(r.names)
	}
	list := make([]importSymbol, len(r.indexes))
	at := 0
	for k, i := range r.indexes {
		s, n := &list[k], int(r.lengths[k])
		s.section, s.weak = syms.Section(int(i)), syms.Bind(int(i)) == elf.STB_WEAK
		if overlap && n > 0 {
			at = int(syms.NameOff(int(i)))
		}
		s.name = text[at : at+n]
		at += n
	}
	return list
}

var nameSeed = maphash.MakeSeed()

// index makes the hash table of a list of imports. Imports of one name, which
// no linker makes, stand there once.
func (r *room) index(list []importSymbol) {
	size := 8 << bits.Len(uint(len(list)))
	if cap(r.slots) < size {
		r.slots = make([]int32, size)
	}
	r.slots, r.first = r.slots[:size], r.first[:0]
	clear(r.slots)
	for i := range list {
		slot := r.slot(list, r.bytes(list[i].name))
		if r.slots[slot] == 0 {
			r.slots[slot] = int32(i) + 1
		}
		r.first = append(r.first, r.slots[slot]-1)
	}
}

// bytes returns a name's bytes, until the next call.
func (r *room) bytes(name string) []byte {
	r.name = append(r.name[:0], name...)
	return r.name
}

// slot returns where a name is in the table, or would be.
func (r *room) slot(list []importSymbol, name []byte) int {
	mask := len(r.slots) - 1
	for i := int(maphash.Bytes(nameSeed, name)) & mask; ; i = (i + 1) & mask {
		if k := r.slots[i]; k == 0 || list[k-1].name == string(name) {
			return i
		}
	}
}

// readVersions ties the module's version entries to its imports. The first
// entry of a name decides, as in check_version.
func (m *Module) readVersions(f *ko.File, r *room) {
	m.extCRCs, m.extNames = m.allocated("__version_ext_crcs") != nil, m.allocated("__version_ext_names") != nil
	m.versions = m.allocated("__versions") != nil
	if !m.versions && !(m.extCRCs && m.extNames) {
		return
	}
	r.index(m.imports)
	if m.versions {
		// What the kernel would read of a damaged section, it reads.
		_ = f.EachVersion(func(name []byte, crc uint64) { m.noteVersion(r, name, crc) })
	}
	if m.extCRCs && m.extNames {
		vs, err := f.ExtVersions() // the kernel's own words for an error come from the ELF step
		for i := range vs {
			if err == nil {
				m.noteExtVersion(r, &vs[i])
			}
		}
	}
	for i, k := range r.first {
		s, first := &m.imports[i], &m.imports[k]
		s.crc, s.hasCRC, s.extCRC, s.hasExt = first.crc, first.hasCRC, first.extCRC, first.hasExt
	}
}

// noteVersion takes an entry of __versions.
func (m *Module) noteVersion(r *room, name []byte, crc uint64) {
	switch string(name) {
	case "module_layout":
		m.layout.moduleLayout.setFirst(crc)
	case "struct_module":
		m.layout.structModule.setFirst(crc)
	}
	k := r.slots[r.slot(m.imports, name)]
	if k > 0 && !m.imports[k-1].hasCRC {
		m.imports[k-1].crc, m.imports[k-1].hasCRC = crc, true
	}
}

// noteExtVersion takes an extended version.
func (m *Module) noteExtVersion(r *room, v *ko.Version) {
	if v.Symbol == "module_layout" {
		m.layout.ext.setFirst(v.CRC)
	}
	k := r.slots[r.slot(m.imports, r.bytes(v.Symbol))]
	if k > 0 && !m.imports[k-1].hasExt {
		m.imports[k-1].extCRC, m.imports[k-1].hasExt = v.CRC, true
	}
}

func (v *version) setFirst(crc uint64) {
	if !v.has {
		*v = version{crc, true}
	}
}
