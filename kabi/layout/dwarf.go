package layout

import (
	"debug/dwarf"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// What is read of one file at most: bytes of a section, entries, types, and
// members, values, parameters and uses together.
const (
	MaxDWARF   = 128 << 20
	maxEntries = 1 << 22
	maxNodes   = 1 << 19
	maxParts   = 1 << 21
	maxEnds    = 1 << 12
)

// ErrAbsent says that a file has no type information of the form asked for.
var ErrAbsent = errors.New("no type information")

// Use is a type that a module uses by itself, and by what.
type Use struct {
	Type ID
	By   string // "parameter dev of probe", "variable ops", "what open returns"
}

// DWARF is the graph of the types in DWARF. Types that several compilation
// units declare alike in one place are one node.
type DWARF struct {
	Pointer uint64 // bytes of a pointer

	nodes   []*Type // by ID; the first is void
	names   map[nameKey][]ID
	uses    []Use
	headers []string // directories of kernel headers
}

type nameKey struct {
	kind Kind
	name string
}

// ReadDWARF reads the types in an ELF file: a module, an object file or a file
// with the debug information of one. ErrAbsent where there is no DWARF.
func ReadDWARF(r io.ReaderAt) (*DWARF, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, fmt.Errorf("read ELF: %w", err)
	}
	defer f.Close()
	s := f.Section(".debug_info")
	if s == nil || s.Type == elf.SHT_NOBITS {
		return nil, fmt.Errorf("DWARF: %w", ErrAbsent)
	}
	for _, s := range f.Sections {
		if strings.HasPrefix(s.Name, ".debug_") && s.Size > MaxDWARF {
			return nil, fmt.Errorf("section %s: %d bytes are more than %d", s.Name, s.Size, int64(MaxDWARF))
		}
	}
	data, err := f.DWARF()
	if err != nil {
		return nil, fmt.Errorf("read DWARF: %w", err)
	}
	rd := dwarfReader{data: data, r: data.Reader(), out: &DWARF{Pointer: 8, nodes: []*Type{{}}, names: map[nameKey][]ID{}}}
	if f.Class == elf.ELFCLASS32 {
		rd.out.Pointer = 4
	}
	if rd.lines, err = newLineTables(f); err != nil {
		return nil, err
	}
	rd.ids = map[dwarf.Offset]ID{}
	rd.seen, rd.known = map[string]bool{}, map[string]string{}
	rd.same = map[declaration]ID{}
	if err := rd.read(); err != nil {
		return nil, fmt.Errorf("read DWARF: %w", err)
	}
	return rd.out, nil
}

// Type implements [Types].
func (d *DWARF) Type(id ID) *Type {
	if int(id) >= len(d.nodes) {
		id = 0
	}
	return d.nodes[id]
}

// Named implements [Types].
func (d *DWARF) Named(kind Kind, name string) []ID { return d.names[nameKey{kind, name}] }

// Len implements [Types].
func (d *DWARF) Len() int { return len(d.nodes) }

// Uses returns the roots, in the order of the file.
func (d *DWARF) Uses() []Use { return d.uses }

// OfKernel reports whether a type was declared in a kernel's headers: below
// include/ or arch/*/include/ of a directory that has the kernel's basic types.
// Where the file shows no such directory any include/ is taken for one.
func (d *DWARF) OfKernel(t *Type) bool {
	if len(d.headers) == 0 {
		return strings.Contains(t.File, "/include/")
	}
	for _, dir := range d.headers {
		rest, ok := strings.CutPrefix(t.File, dir)
		if ok && (strings.HasPrefix(rest, "/include/") || strings.HasPrefix(rest, "/arch/") && strings.Contains(rest, "/include/")) {
			return true
		}
	}
	return false
}

// declaration is what makes two nodes of different units one: the place, and
// what a differing configuration would change.
type declaration struct {
	kind    Kind
	name    string
	file    string
	line    int64
	size    uint64
	members int
	last    uint64 // where the last member is
}

type dwarfReader struct {
	data  *dwarf.Data
	r     *dwarf.Reader
	out   *DWARF
	ids   map[dwarf.Offset]ID
	same  map[declaration]ID
	fixes []fix
	files []string // of the unit
	table string   // where they are from
	names int      // read for all units
	lines *lineTables
	dir   string
	seen  map[string]bool // directories of headers
	used  []pendingUse
	known map[string]string // cleaned file names

	entries, parts int
	ends           int // the entries read last that only end a list
}

// next reads an entry, within the limits.
func (rd *dwarfReader) next() (*dwarf.Entry, error) {
	rd.entries++
	parts := rd.parts + len(rd.used)
	if rd.entries > maxEntries || len(rd.out.nodes) > maxNodes || parts > maxParts {
		return nil, fmt.Errorf("%d entries, %d types with %d parts are too much", rd.entries, len(rd.out.nodes), parts)
	}
	e, err := rd.r.Next()
	if rd.ends++; err != nil || e == nil || e.Tag != 0 {
		rd.ends = 0
	}
	if rd.ends > maxEnds {
		return nil, fmt.Errorf("more than %d ends of entries in a row", maxEnds)
	}
	return e, err
}

// fix is a reference that is resolved when all nodes are there.
type fix struct {
	to  *ID
	off dwarf.Offset
}

type pendingUse struct {
	off dwarf.Offset
	by  string
}

// maxDepth is how deep entries may lie in one another.
const maxDepth = 256

func (rd *dwarfReader) read() error {
	for {
		e, err := rd.next()
		if err != nil || e == nil {
			if err == nil {
				rd.resolve()
			}
			return err
		}
		switch e.Tag {
		case dwarf.TagCompileUnit, dwarf.TagPartialUnit:
			rd.unit(e)
		case 0:
		default:
			if err := rd.entry(e, "", 0); err != nil {
				return err
			}
			continue
		}
	}
}

// resolve turns offsets into IDs.
func (rd *dwarfReader) resolve() {
	for i := range rd.fixes {
		*rd.fixes[i].to = rd.ids[rd.fixes[i].off]
	}
	seen := map[ID]bool{}
	for _, u := range rd.used {
		if id := rd.ids[u.off]; id != 0 && !seen[id] {
			seen[id] = true
			rd.out.uses = append(rd.out.uses, Use{id, u.by})
		}
	}
}

// maxFiles is how many names of files are read for all units together.
const maxFiles = 1 << 19

// unit reads the names of a unit's files.
func (rd *dwarfReader) unit(e *dwarf.Entry) {
	rd.dir, _ = e.Val(dwarf.AttrCompDir).(string)
	table, _ := number(e, dwarf.AttrStmtList)
	if key := fmt.Sprint(table, rd.dir); key != rd.table || rd.files == nil {
		rd.table, rd.files = key, nil
		if rd.names <= maxFiles {
			rd.fileNames(rd.lines.files(table, rd.dir))
		}
	}
}

func (rd *dwarfReader) fileNames(files []string) {
	rd.names += len(files) + 1
	for _, name := range files {
		if name != "" {
			name = rd.clean(name)
		}
		rd.files = append(rd.files, name)
		for _, suffix := range []string{"/include/uapi/asm-generic/int-ll64.h", "/include/asm-generic/int-ll64.h"} {
			if dir, ok := strings.CutSuffix(name, suffix); ok && !rd.seen[dir] {
				rd.seen[dir] = true
				rd.out.headers = append(rd.out.headers, dir)
			}
		}
	}
}

func (rd *dwarfReader) clean(name string) string {
	key := rd.dir + "\x00" + name
	if c, ok := rd.known[key]; ok {
		return c
	}
	c := name
	if !path.IsAbs(c) {
		c = path.Join("/", rd.dir, c)
	}
	c = path.Clean(c)
	rd.known[key] = c
	return c
}

// entry reads one entry with all below it. in is the function around it.
func (rd *dwarfReader) entry(e *dwarf.Entry, in string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("entry at %#x: more than %d deep", e.Offset, maxDepth)
	}
	name, _ := e.Val(dwarf.AttrName).(string)
	switch e.Tag {
	case dwarf.TagStructType, dwarf.TagClassType, dwarf.TagUnionType, dwarf.TagEnumerationType, dwarf.TagArrayType, dwarf.TagSubroutineType:
		return rd.compound(e, name, depth)
	case dwarf.TagBaseType, dwarf.TagPointerType, dwarf.TagTypedef, dwarf.TagConstType, dwarf.TagVolatileType, dwarf.TagRestrictType, dwarf.TagAtomicType:
		rd.simple(e, name)
	case dwarf.TagVariable:
		rd.use(e, "variable ", name, in)
		rd.variable(e, name)
	case dwarf.TagFormalParameter:
		rd.use(e, "parameter ", name, in)
	case dwarf.TagSubprogram:
		if name != "" {
			in = name
		}
		rd.use(e, "what it returns", "", in)
		if rd.exported(e, Func, name) {
			return rd.function(e, name, depth)
		}
	}
	if !e.Children {
		return nil
	}
	return rd.below(func(child *dwarf.Entry) error { return rd.entry(child, in, depth+1) })
}

// exported reports whether an entry is the first of an external function or
// variable.
func (rd *dwarfReader) exported(e *dwarf.Entry, kind Kind, name string) bool {
	external, _ := e.Val(dwarf.AttrExternal).(bool)
	return external && name != "" && len(rd.out.names[nameKey{kind, name}]) == 0
}

func (rd *dwarfReader) variable(e *dwarf.Entry, name string) {
	if rd.exported(e, Var, name) {
		t := &Type{Kind: Var, Name: name}
		rd.refer(&t.Elem, e)
		rd.add(e, t)
	}
}

// function reads an external function: its type, and what is below it.
func (rd *dwarfReader) function(e *dwarf.Entry, name string, depth int) error {
	proto := &Type{Kind: Proto}
	rd.refer(&proto.Elem, e)
	rd.out.nodes = append(rd.out.nodes, proto)
	rd.add(e, &Type{Kind: Func, Name: name, Elem: ID(len(rd.out.nodes) - 1)})
	if !e.Children {
		return nil
	}
	err := rd.below(func(child *dwarf.Entry) error {
		switch child.Tag {
		case dwarf.TagFormalParameter:
			parameter, _ := child.Val(dwarf.AttrName).(string)
			off, _ := child.Val(dwarf.AttrType).(dwarf.Offset)
			proto.Params = append(proto.Params, Param{parameter, ID(off)})
			rd.parts++
		case dwarf.TagUnspecifiedParameters:
			proto.Params = append(proto.Params, Param{})
		}
		return rd.entry(child, name, depth+1)
	})
	for i := range proto.Params {
		rd.fixes = append(rd.fixes, fix{&proto.Params[i].Type, dwarf.Offset(proto.Params[i].Type)})
	}
	return err
}

// below calls f with each entry below the one that was read last.
func (rd *dwarfReader) below(f func(*dwarf.Entry) error) error {
	for {
		e, err := rd.next()
		if err != nil {
			return err
		}
		if e == nil || e.Tag == 0 {
			return nil
		}
		if err := f(e); err != nil {
			return err
		}
	}
}

func (rd *dwarfReader) use(e *dwarf.Entry, what, name, in string) {
	off, ok := e.Val(dwarf.AttrType).(dwarf.Offset)
	if !ok {
		return
	}
	by := strings.TrimSpace(what + name)
	if in != "" {
		by += " of " + in
	}
	rd.used = append(rd.used, pendingUse{off, by})
}

// add makes a node of an entry.
func (rd *dwarfReader) add(e *dwarf.Entry, t *Type) {
	id := ID(len(rd.out.nodes))
	rd.ids[e.Offset] = id
	rd.out.nodes = append(rd.out.nodes, t)
	if t.Name != "" {
		key := nameKey{t.Kind, t.Name}
		rd.out.names[key] = append(rd.out.names[key], id)
	}
}

func (rd *dwarfReader) refer(to *ID, e *dwarf.Entry) {
	if off, ok := e.Val(dwarf.AttrType).(dwarf.Offset); ok {
		rd.fixes = append(rd.fixes, fix{to, off})
	}
}

func number(e *dwarf.Entry, attr dwarf.Attr) (uint64, bool) {
	n, ok := e.Val(attr).(int64)
	return uint64(n), ok
}

// The encodings of base types that matter here (DWARF 5, table 7.11).
const (
	encodingFloat      = 4
	encodingSigned     = 5
	encodingSignedChar = 6
)

func (rd *dwarfReader) simple(e *dwarf.Entry, name string) {
	t := &Type{Name: name}
	t.Size, _ = number(e, dwarf.AttrByteSize)
	rd.refer(&t.Elem, e)
	switch e.Tag {
	case dwarf.TagBaseType:
		encoding, _ := number(e, dwarf.AttrEncoding)
		t.Kind = Int
		if encoding == encodingFloat {
			t.Kind = Float
		}
		t.Signed = encoding == encodingSigned || encoding == encodingSignedChar
	case dwarf.TagPointerType:
		t.Kind, t.Name = Pointer, ""
	case dwarf.TagTypedef:
		t.Kind, t.File = Typedef, rd.file(e)
	default:
		t.Kind, t.Name = Qualifier, ""
		t.Keyword = map[dwarf.Tag]string{dwarf.TagConstType: "const", dwarf.TagVolatileType: "volatile", dwarf.TagRestrictType: "restrict"}[e.Tag]
	}
	rd.add(e, t)
}

func (rd *dwarfReader) file(e *dwarf.Entry) string {
	i, ok := number(e, dwarf.AttrDeclFile)
	if !ok || i >= uint64(len(rd.files)) {
		return ""
	}
	return rd.files[i]
}

// compound reads a type that has entries below it.
func (rd *dwarfReader) compound(e *dwarf.Entry, name string, depth int) error {
	t := &Type{Name: name}
	begin := len(rd.fixes)
	t.Size, _ = number(e, dwarf.AttrByteSize)
	switch e.Tag {
	case dwarf.TagArrayType:
		t.Kind, t.Name = Array, ""
		rd.refer(&t.Elem, e)
		return rd.array(e, t)
	case dwarf.TagSubroutineType:
		t.Kind, t.Name = Proto, ""
		rd.refer(&t.Elem, e)
	case dwarf.TagEnumerationType:
		t.Kind = Enum
	case dwarf.TagUnionType:
		t.Kind = Union
	default:
		t.Kind = Struct
	}
	if declared, _ := e.Val(dwarf.AttrDeclaration).(bool); declared && t.Kind != Enum {
		t.Kind, t.Union = Forward, t.Kind == Union
	}
	t.File = rd.file(e)
	var members []memberEntry
	if e.Children {
		if err := rd.below(func(child *dwarf.Entry) error {
			return rd.part(t, &members, child, depth+1)
		}); err != nil {
			return err
		}
	}
	if t.Kind == Enum && len(t.Enumerators) > 0 {
		// The compiler leaves out enums of which no value is used.
		rd.used = append(rd.used, pendingUse{e.Offset, "value " + t.Enumerators[0].Name + " or another"})
	}
	t.Members = make([]Member, len(members))
	for i, m := range members {
		t.Members[i] = m.Member
		rd.fixes = append(rd.fixes, fix{&t.Members[i].Type, m.off})
	}
	for i := range t.Params {
		rd.fixes = append(rd.fixes, fix{&t.Params[i].Type, dwarf.Offset(t.Params[i].Type)})
	}
	rd.merge(e, t, begin)
	return nil
}

// merge adds a node, or finds that another unit has had it.
func (rd *dwarfReader) merge(e *dwarf.Entry, t *Type, begin int) {
	if t.Name == "" || t.File == "" || t.Kind == Proto {
		rd.add(e, t)
		return
	}
	key := declaration{kind: t.Kind, name: t.Name, file: t.File, size: t.Size, members: len(t.Members) + len(t.Enumerators)}
	if line, ok := number(e, dwarf.AttrDeclLine); ok {
		key.line = int64(line)
	}
	for _, m := range t.Members {
		key.last = key.last*31 + m.Offset + uint64(len(m.Name))
	}
	for _, v := range t.Enumerators {
		key.last = key.last*31 + uint64(v.Value)
	}
	if id, ok := rd.same[key]; ok {
		rd.ids[e.Offset] = id
		rd.fixes = rd.fixes[:begin]
		return
	}
	rd.add(e, t)
	rd.same[key] = rd.ids[e.Offset]
}

type memberEntry struct {
	Member
	off dwarf.Offset
}

// part reads an entry below an aggregate, an enum or a function type. A type
// that is declared inside another is a type of its own.
func (rd *dwarfReader) part(t *Type, members *[]memberEntry, e *dwarf.Entry, depth int) error {
	name, _ := e.Val(dwarf.AttrName).(string)
	off, _ := e.Val(dwarf.AttrType).(dwarf.Offset)
	rd.parts++
	switch e.Tag {
	case dwarf.TagMember:
		m := memberEntry{Member{Name: name}, off}
		m.Offset, m.Bits = rd.place(e)
		*members = append(*members, m)
	case dwarf.TagEnumerator:
		value, _ := number(e, dwarf.AttrConstValue)
		t.Enumerators = append(t.Enumerators, Enumerator{name, int64(value)})
		t.Signed = t.Signed || int64(value) < 0
	case dwarf.TagFormalParameter:
		if t.Kind == Proto {
			t.Params = append(t.Params, Param{name, ID(off)})
		}
	case dwarf.TagUnspecifiedParameters:
		t.Params = append(t.Params, Param{})
	default:
		return rd.entry(e, "", depth)
	}
	if e.Children {
		return rd.below(func(child *dwarf.Entry) error { return rd.entry(child, "", depth+1) })
	}
	return nil
}

// place returns where a member is: DW_AT_data_bit_offset since DWARF 4,
// before that DW_AT_bit_offset, counted from the most significant bit of the
// unit of storage (here: little-endian machines).
func (rd *dwarfReader) place(e *dwarf.Entry) (offset uint64, bits uint32) {
	at, _ := number(e, dwarf.AttrDataMemberLoc)
	offset = 8 * at
	width, ok := number(e, dwarf.AttrBitSize)
	if !ok || width > 64 {
		return offset, 0
	}
	if bit, ok := number(e, dwarf.AttrDataBitOffset); ok {
		return bit, uint32(width)
	}
	if bit, ok := number(e, dwarf.AttrBitOffset); ok {
		if size, ok := number(e, dwarf.AttrByteSize); ok {
			offset += 8*size - bit - width
		}
	}
	return offset, uint32(width)
}

// array reads the dimensions. They become one, as in BTF.
func (rd *dwarfReader) array(e *dwarf.Entry, t *Type) error {
	var counts []uint64
	if e.Children {
		if err := rd.below(func(child *dwarf.Entry) error {
			if child.Tag == dwarf.TagSubrangeType {
				n, ok := number(child, dwarf.AttrCount)
				if upper, has := number(child, dwarf.AttrUpperBound); !ok && has {
					n = upper + 1 // -1 is none
				}
				counts = append(counts, n)
			}
			if child.Children {
				return fmt.Errorf("array at %#x: a dimension with parts", e.Offset)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	if len(counts) > maxDepth {
		return fmt.Errorf("array at %#x: %d dimensions", e.Offset, len(counts))
	}
	t.Count = 1
	for _, n := range counts {
		if n != 0 && t.Count > (1<<62)/n {
			return fmt.Errorf("array at %#x: too large", e.Offset)
		}
		t.Count *= n
	}
	if len(counts) == 0 {
		t.Count = 0
	}
	rd.add(e, t)
	return nil
}
