package kernel

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/oracle"
	"modkeep/symvers"
)

const krel = "6.1.0-56-amd64"

// cacheRoots are the roots of unpacked Debian kernels, by architecture.
func cacheRoots(t testing.TB) map[string]string {
	t.Helper()
	cache := oracle.CacheDir()
	dirs, err := filepath.Glob(filepath.Join(cache, "root/*"))
	if err != nil {
		t.Fatal(err)
	}
	roots := map[string]string{}
	for _, dir := range dirs {
		abs, err := filepath.Abs(dir)
		if err != nil {
			t.Fatal(err)
		}
		roots[filepath.Base(dir)] = abs
	}
	if len(roots) == 0 {
		oracle.Missing(t, "no cache of kernels")
	}
	return roots
}

func write(t testing.TB, root, name, text string) {
	t.Helper()
	file := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t testing.TB, root, name, target string) {
	t.Helper()
	file := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, file); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, root string) *Kernel {
	t.Helper()
	k, err := Open(root, krel, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// builder makes a module file for x86-64 with what this package reads of one:
// .modinfo, struct module, and exports with relative references and CRCs. The
// __crc_ symbols are there for depmod.
type builder struct {
	info    []string
	size    int // of struct module
	exports map[string]symvers.CRC
}

func inTree(exports map[string]symvers.CRC) string {
	b := builder{info: []string{"intree=Y", "vermagic=" + krel + " SMP mod_unload modversions "}, size: 896, exports: exports}
	return b.file()
}

func outOfTree(exports map[string]symvers.CRC) string {
	b := builder{info: []string{"vermagic=" + krel + " SMP mod_unload modversions "}, size: 896, exports: exports}
	return b.file()
}

type section struct {
	name  string
	kind  uint32
	flags uint64
	link  uint32
	info  uint32
	ent   uint64
	data  []byte
}

// The places of the sections in the file.
const (
	textAt = 1 + iota
	stringsAt
	ksymtabAt
	relaAt
	kcrctabAt
	infoAt
	thisAt
	symtabAt
	strtabAt
	shstrtabAt
)

func (b *builder) file() string {
	le := binary.LittleEndian
	var names, ksymtab, rela, kcrctab []byte
	symtab := append(make([]byte, 24), symbol(0, 3, textAt, 0)...)
	symtab = append(symtab, symbol(0, 3, stringsAt, 0)...)
	strs := []byte{0}
	names = append(names, 0) // the empty namespace
	for name, crc := range b.exports {
		at := len(ksymtab)
		ksymtab = append(ksymtab, make([]byte, 12)...)
		for i, to := range []struct{ symbol, addend int }{{1, at}, {2, len(names)}, {2, 0}} {
			r := le.AppendUint64(nil, uint64(at+4*i))
			r = le.AppendUint64(r, uint64(to.symbol)<<32|2) // R_X86_64_PC32
			rela = append(rela, le.AppendUint64(r, uint64(to.addend))...)
		}
		names = append(append(names, name...), 0)
		kcrctab = le.AppendUint32(kcrctab, uint32(crc))
		symtab = append(symtab, symbol(len(strs), 0x10, 0xfff1, uint64(crc))...)
		strs = append(append(strs, "__crc_"+name...), 0)
	}
	info := []byte(strings.Join(append(b.info, ""), "\x00"))
	sections := []section{{}, {".text", 1, 6, 0, 0, 0, make([]byte, 4096)}, {"__ksymtab_strings", 1, 2, 0, 0, 0, names},
		{"__ksymtab", 1, 2, 0, 0, 0, ksymtab}, {".rela__ksymtab", 4, 0, symtabAt, ksymtabAt, 24, rela}, {"__kcrctab", 1, 2, 0, 0, 0, kcrctab},
		{".modinfo", 1, 2, 0, 0, 0, info}, {".gnu.linkonce.this_module", 1, 3, 0, 0, 0, make([]byte, b.size)},
		{".symtab", 2, 0, strtabAt, 3, 24, symtab}, {".strtab", 3, 0, 0, 0, 0, strs}, {".shstrtab", 3, 0, 0, 0, 0, nil}}
	return assemble(sections)
}

func symbol(name int, info byte, section uint16, value uint64) []byte {
	s := binary.LittleEndian.AppendUint32(nil, uint32(name))
	s = append(s, info, 0)
	s = binary.LittleEndian.AppendUint16(s, section)
	return append(binary.LittleEndian.AppendUint64(s, value), make([]byte, 8)...)
}

// assemble writes a relocatable x86-64 ELF file; the last section takes the
// sections' names.
func assemble(sections []section) string {
	le := binary.LittleEndian
	at := make([]uint32, len(sections))
	last := len(sections) - 1
	for i := range sections {
		at[i] = uint32(len(sections[last].data))
		sections[last].data = append(append(sections[last].data, sections[i].name...), 0)
	}
	var body, headers bytes.Buffer
	for i, s := range sections {
		h := make([]byte, 64)
		le.PutUint32(h, at[i])
		le.PutUint32(h[4:], s.kind)
		le.PutUint64(h[8:], s.flags)
		le.PutUint64(h[24:], uint64(64+body.Len()))
		le.PutUint64(h[32:], uint64(len(s.data)))
		le.PutUint32(h[40:], s.link)
		le.PutUint32(h[44:], s.info)
		le.PutUint64(h[56:], s.ent)
		headers.Write(h)
		body.Write(s.data)
		body.Write(make([]byte, (8-body.Len()%8)%8))
	}
	head := make([]byte, 64)
	copy(head, "\x7fELF\x02\x01\x01")
	le.PutUint16(head[16:], 1)
	le.PutUint16(head[18:], 62)
	le.PutUint64(head[40:], uint64(64+body.Len()))
	le.PutUint16(head[52:], 64)
	le.PutUint16(head[58:], 64)
	le.PutUint16(head[60:], uint16(len(sections)))
	le.PutUint16(head[62:], uint16(last))
	return string(head) + body.String() + headers.String()
}
