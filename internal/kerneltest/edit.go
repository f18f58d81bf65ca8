package kerneltest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// errNotApplicable says that a mutant cannot be made from a given module,
// because it lacks what is to be changed.
var errNotApplicable = errors.New("module lacks what the mutant changes")

// Numbers of the ELF format, for 64-bit files: offsets in the file header, in
// a section header and in a symbol (System V ABI, elf.h).
const (
	ehdrSize, shdrSize, symSize, relaSize = 64, 64, 24, 24

	offType, offMachine, offShoff, offShentsize, offShnum, offShstrndx = 16, 18, 40, 58, 60, 62

	offShName, offShType, offShFlags, offShOffset, offShSize, offShLink, offShInfo = 0, 4, 8, 24, 32, 40, 44

	shtProgbits, shtSymtab, shtRela, shtNobits = 1, 2, 4, 8
	shfWrite, shfAlloc, shfExec                = 1, 2, 4

	shnUndef, shnCommon    = 0, 0xfff2
	stbGlobal, stbWeak     = 1, 2
	machineX86, machineA64 = 62, 183
)

var le = binary.LittleEndian

// image is a module file being edited: 64-bit, little-endian.
type image struct {
	b        []byte
	shoff    int
	sections []section
}

// section is one section header; at is where it lies in the file.
type section struct {
	at         int
	name       string
	kind       uint32
	flags      uint64
	off, size  int
	link, info int
}

// readImage reads the headers of a copy of a module, without its signature.
func readImage(module []byte) (*image, error) {
	b := slices.Clone(withoutSignature(module))
	if len(b) < ehdrSize || string(b[:6]) != "\x7fELF\x02\x01" {
		return nil, fmt.Errorf("not a 64-bit little-endian ELF file: %w", errNotApplicable)
	}
	m := &image{b: b, shoff: int(le.Uint64(b[offShoff:]))}
	n, names := int(le.Uint16(b[offShnum:])), int(le.Uint16(b[offShstrndx:]))
	if m.shoff < 0 || m.shoff+n*shdrSize > len(b) || names >= n {
		return nil, errors.New("section headers out of bounds")
	}
	for i := range n {
		h := b[m.shoff+i*shdrSize:]
		m.sections = append(m.sections, section{at: m.shoff + i*shdrSize,
			kind: le.Uint32(h[offShType:]), flags: le.Uint64(h[offShFlags:]),
			off: int(le.Uint64(h[offShOffset:])), size: int(le.Uint64(h[offShSize:])),
			link: int(le.Uint32(h[offShLink:])), info: int(le.Uint32(h[offShInfo:]))})
	}
	for i := range m.sections {
		s := &m.sections[i]
		if s.kind != shtNobits && (s.off < 0 || s.size < 0 || s.off+s.size > len(b)) {
			return nil, fmt.Errorf("section %d out of bounds", i)
		}
		s.name = cString(b[m.sections[names].off:], int(le.Uint32(b[s.at+offShName:])))
	}
	return m, nil
}

func cString(b []byte, at int) string {
	if at > len(b) {
		return ""
	}
	text, _, _ := bytes.Cut(b[at:], []byte{0})
	return string(text)
}

// section finds the first section of a name.
func (m *image) section(name string) (*section, error) {
	for i := range m.sections {
		if m.sections[i].name == name {
			return &m.sections[i], nil
		}
	}
	return nil, fmt.Errorf("section %s: %w", name, errNotApplicable)
}

// content is a section's part of the file.
func (m *image) content(s *section) []byte { return m.b[s.off : s.off+s.size] }

// setContent replaces a section's content. What has grown goes to the end of
// the file; nothing else moves.
func (m *image) setContent(s *section, content []byte) {
	if len(content) > s.size {
		for len(m.b)%64 != 0 {
			m.b = append(m.b, 0)
		}
		s.off = len(m.b)
		m.b = append(m.b, content...)
		m.put64(s.at+offShOffset, uint64(s.off))
	} else {
		clear(m.content(s))
		copy(m.b[s.off:], content)
	}
	s.size = len(content)
	m.put64(s.at+offShSize, uint64(s.size))
}

func (m *image) put16(at int, v uint16) { le.PutUint16(m.b[at:], v) }
func (m *image) put32(at int, v uint32) { le.PutUint32(m.b[at:], v) }
func (m *image) put64(at int, v uint64) { le.PutUint64(m.b[at:], v) }

// rename gives a section the name of another part of the name table: its own
// name without the first letter.
func (m *image) rename(s *section) {
	m.put32(s.at+offShName, le.Uint32(m.b[s.at+offShName:])+1)
}

// modinfo edits the strings of .modinfo; edit gets each "key=value" and
// returns what stands in its place, nothing to remove it.
func (m *image) modinfo(edit func(entry string) []string) error {
	s, err := m.section(".modinfo")
	if err != nil {
		return err
	}
	var out []byte
	changed := false
	for entry := range bytes.SplitSeq(m.content(s), []byte{0}) {
		if len(entry) == 0 {
			continue
		}
		with := edit(string(entry))
		changed = changed || len(with) != 1 || with[0] != string(entry)
		for _, e := range with {
			out = append(append(out, e...), 0)
		}
	}
	if !changed {
		return fmt.Errorf("section .modinfo: %w", errNotApplicable)
	}
	m.setContent(s, out)
	return nil
}

// modinfoValue is the first value of a key.
func (m *image) modinfoValue(key string) (string, bool) {
	s, err := m.section(".modinfo")
	if err != nil {
		return "", false
	}
	for entry := range bytes.SplitSeq(m.content(s), []byte{0}) {
		if value, ok := strings.CutPrefix(string(entry), key+"="); ok {
			return value, true
		}
	}
	return "", false
}

// symbol is one entry of the symbol table; at is where it lies in the file.
type symbol struct {
	at      int
	name    string
	binding byte
	shndx   uint16
}

// symbols reads the symbol table.
func (m *image) symbols() (table, strings *section, list []symbol, err error) {
	for i := range m.sections {
		if m.sections[i].kind == shtSymtab {
			table = &m.sections[i]
		}
	}
	if table == nil || table.link >= len(m.sections) {
		return nil, nil, nil, fmt.Errorf("symbol table: %w", errNotApplicable)
	}
	strings = &m.sections[table.link]
	for at := table.off; at+symSize <= table.off+table.size; at += symSize {
		list = append(list, symbol{at: at, name: cString(m.content(strings), int(le.Uint32(m.b[at:]))),
			binding: m.b[at+4] >> 4, shndx: le.Uint16(m.b[at+6:])})
	}
	return table, strings, list, nil
}

// undefined lists the symbols the module wants from elsewhere, in the order of
// the table, which is the order in which the kernel resolves them.
func (m *image) undefined() ([]symbol, error) {
	_, _, list, err := m.symbols()
	list = slices.DeleteFunc(list, func(s symbol) bool { return s.shndx != shnUndef || s.name == "" })
	return list, err
}

// addName puts a name at the end of the string table and returns its offset.
func (m *image) addName(table *section, name string) uint32 {
	at := uint32(table.size)
	m.setContent(table, append(slices.Clone(m.content(table)), name+"\x00"...))
	return at
}

// addSymbol puts a symbol of no type at the end of the symbol table.
func (m *image) addSymbol(name string, binding byte, shndx uint16, value, size uint64) error {
	table, names, _, err := m.symbols()
	if err != nil {
		return err
	}
	entry := make([]byte, symSize)
	le.PutUint32(entry, m.addName(names, name))
	entry[4] = binding << 4
	le.PutUint16(entry[6:], shndx)
	le.PutUint64(entry[8:], value)
	le.PutUint64(entry[16:], size)
	m.setContent(table, append(slices.Clone(m.content(table)), entry...))
	return nil
}

// renameSymbol gives an existing symbol another name.
func (m *image) renameSymbol(s symbol, name string) error {
	_, names, _, err := m.symbols()
	if err != nil {
		return err
	}
	m.put32(s.at, m.addName(names, name))
	return nil
}

// version is one entry of __versions: an 8-byte CRC and a name of 56 bytes
// (struct modversion_info on 64-bit kernels).
type version struct {
	at   int // in the file
	name string
}

const versionSize = 64

// versions lists the entries of __versions.
func (m *image) versions() (*section, []version, error) {
	s, err := m.section("__versions")
	if err != nil {
		return nil, nil, err
	}
	var list []version
	for at := s.off; at+versionSize <= s.off+s.size; at += versionSize {
		list = append(list, version{at: at, name: cString(m.b[at+8:at+versionSize], 0)})
	}
	return s, list, nil
}

// imported finds the CRC entry of the n-th undefined symbol that has one;
// negative n count from the end.
func (m *image) imported(n int) (version, symbol, error) {
	_, versions, err := m.versions()
	if err != nil {
		return version{}, symbol{}, err
	}
	undefined, err := m.undefined()
	if err != nil {
		return version{}, symbol{}, err
	}
	type pair struct {
		v version
		s symbol
	}
	var found []pair
	for _, s := range undefined {
		i := slices.IndexFunc(versions, func(v version) bool { return v.name == s.name })
		if i >= 0 {
			found = append(found, pair{versions[i], s})
		}
	}
	if n < 0 {
		n += len(found)
	}
	if n < 0 || n >= len(found) {
		return version{}, symbol{}, fmt.Errorf("section __versions: too few imports: %w", errNotApplicable)
	}
	return found[n].v, found[n].s, nil
}

// signatureMark ends a signed module (include/linux/module_signature.h).
const signatureMark = "~Module signature appended~\n"

// signature finds the appended signature: where the blob starts and where the
// 12 bytes that describe it do.
func signature(module []byte) (blob, info int, ok bool) {
	info = len(module) - len(signatureMark) - 12
	if info < 0 || !bytes.HasSuffix(module, []byte(signatureMark)) {
		return 0, 0, false
	}
	blob = info - int(binary.BigEndian.Uint32(module[info+8:]))
	return blob, info, blob >= 0
}

func withoutSignature(module []byte) []byte {
	if blob, _, ok := signature(module); ok {
		return module[:blob]
	}
	return module
}

// appendSignature puts a blob and its description behind a module.
func appendSignature(module, blob []byte, algo, idType byte, length uint32) []byte {
	out := append(slices.Clone(module), blob...)
	out = append(out, algo, 0, idType, 0, 0, 0, 0, 0)
	out = binary.BigEndian.AppendUint32(out, length)
	return append(out, signatureMark...)
}
