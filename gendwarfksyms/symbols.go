package gendwarfksyms

import (
	"bufio"
	"debug/elf"
	"fmt"
	"io"
	"slices"
	"strings"
)

// pointerPrefix starts the name of a variable that points to an exported
// symbol, so that the type of the symbol is known where it is not defined.
const pointerPrefix = "__gendwarfksyms_ptr_"

// maxExports is the most symbols that are taken, and maxName the longest name.
// A kernel has 30,000 exports and its longest names, Rust's, have some hundred bytes.
const (
	maxExports = 1 << 22
	maxName    = 1 << 16
)

type symbolState uint8

const (
	unprocessed symbolState = iota
	mapped                  // its DIE is known
	processed               // its version is known
)

// place is where a symbol lies in its object file. Symbols of one place are
// names of one thing.
type place struct {
	section uint32 // SHN_UNDEF for nowhere
	address uint64
}

type symbol struct {
	name    string
	at      place
	state   symbolState
	node    *node // its DIE
	pointer *node // the type of a pointer to it
	crc     uint32
}

// symbols are the exported symbols in the order in which they were read.
type symbols struct {
	list   []*symbol
	byName map[string]*symbol
	byAt   map[place][]*symbol
	sorted []*symbol
}

func (v *Versions) readExports(r io.Reader) error {
	v.symbols.byName = map[string]*symbol{}
	v.symbols.byAt = map[place][]*symbol{}
	in := bufio.NewReaderSize(r, maxName)
	for {
		line, err := in.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			return fmt.Errorf("list of symbols: line %d: longer than %d bytes", len(v.symbols.list)+1, maxName)
		}
		if err != nil && err != io.EOF {
			return fmt.Errorf("list of symbols: %w", err)
		}
		if len(line) > 0 {
			if err := v.addExport(string(line)); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

func (v *Versions) addExport(line string) error {
	line, _, _ = strings.Cut(line, "\x00")
	space := func(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' }
	name := strings.TrimLeftFunc(line, space)
	if end := strings.IndexFunc(name, space); end >= 0 {
		name = name[:end]
	}
	s := &v.symbols
	if name == "" {
		return errorf("symbol_read_exports", "malformed input line: %s", line)
	}
	if s.find(name) != nil {
		return nil
	}
	if len(s.list) == maxExports {
		return fmt.Errorf("list of symbols: more than %d", maxExports)
	}
	sym := &symbol{name: name}
	s.list = append(s.list, sym)
	s.byName[name] = sym
	v.debug("symbol_read_exports", "%s", name)
	return nil
}

// find returns the symbol of a name, or of the name of a pointer to it.
func (s *symbols) find(name string) *symbol {
	return s.byName[strings.TrimPrefix(name, pointerPrefix)]
}

// each calls f for the symbol of a name and then for those of the same place,
// the last to get there first. It returns for how many.
func (s *symbols) each(name string, f func(*symbol)) (n int) {
	match := s.find(name)
	if match == nil || name == "" {
		return 0
	}
	f(match)
	n = 1
	if match.at.section == uint32(elf.SHN_UNDEF) {
		return n
	}
	for _, other := range slices.Backward(s.byAt[match.at]) {
		if other != match {
			f(other)
			n++
		}
	}
	return n
}

// wanted returns a symbol that has no DIE yet, of a name or of the same place.
func (s *symbols) wanted(name string) (sym *symbol) {
	s.each(name, func(m *symbol) {
		if m.state == unprocessed {
			sym = m
		}
	})
	return sym
}

// order returns the symbols in the order of the program's table: chains by
// hash, each with the newest first.
func (s *symbols) order() []*symbol {
	if s.sorted != nil {
		return s.sorted
	}
	const chains = 1 << 12
	var table [chains][]*symbol
	for _, sym := range s.list {
		h := nameHash(sym.name) % chains
		table[h] = append(table[h], sym)
	}
	s.sorted = make([]*symbol, 0, len(s.list))
	for _, chain := range table {
		slices.Reverse(chain)
		s.sorted = append(s.sorted, chain...)
	}
	return s.sorted
}

// nameHash is 32-bit FNV-1a over signed bytes.
func nameHash(name string) uint32 {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(int8(name[i]))) * 0x01000193
	}
	return h
}

// readSymtab notes where the exported symbols lie.
func (v *Versions) readSymtab(o *object) error {
	return o.globals(func(name string, at place) {
		if at.section == uint32(elf.SHN_UNDEF) || name == "" {
			return
		}
		v.symbols.each(name, func(s *symbol) {
			switch {
			case s.at.section == uint32(elf.SHN_UNDEF):
				s.at = at
				v.symbols.byAt[at] = append(v.symbols.byAt[at], s)
				v.debug("set_symbol_addr", "%s -> { %d, %x }", s.name, at.section, at.address)
			case s.at != at:
				v.warn("set_symbol_addr", "multiple addresses for symbol %s?", s.name)
			}
		})
	})
}

func (v *Versions) setCRC(name string, crc uint32) {
	v.symbols.each(name, func(s *symbol) {
		if s.state == processed && s.crc != crc {
			v.warn("set_crc", "overriding version for symbol %s (crc %x vs. %x)", s.name, s.crc, crc)
		}
		s.state, s.crc = processed, crc
	})
}
