package depmod

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"modkeep/internal/kerneltest/oracle"
)

// cacheRoot is the root of unpacked Debian kernels for amd64.
func cacheRoot(t testing.TB) string {
	t.Helper()
	cache := oracle.CacheDir()
	root, err := filepath.Abs(filepath.Join(cache, "root/amd64"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(root); err != nil {
		oracle.Missing(t, "no cache of kernels")
	}
	return root
}

func mkdir(t testing.TB, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, file string, data []byte) {
	t.Helper()
	mkdir(t, filepath.Dir(file))
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// elfModule makes the least that depmod reads of a module: an x86-64
// relocatable file with a symbol table, its strings and __versions.
type elfModule struct {
	exports  []string // as absolute __crc_ symbols, or in __ksymtab_strings
	needs    []string
	versions []string
	noCRC    bool
}

func (m *elfModule) bytes() []byte {
	strs := []byte{0}
	symtab := make([]byte, 24)
	symbol := func(name string, section uint16) {
		s := make([]byte, 24)
		binary.LittleEndian.PutUint32(s, uint32(len(strs)))
		s[4] = 1 << 4 // STB_GLOBAL
		binary.LittleEndian.PutUint16(s[6:], section)
		strs = append(append(strs, name...), 0)
		symtab = append(symtab, s...)
	}
	var ksymtab []byte
	for _, name := range m.exports {
		if m.noCRC {
			ksymtab = append(append(ksymtab, name...), 0)
		} else {
			symbol("__crc_"+name, 0xfff1)
		}
	}
	for _, name := range m.needs {
		symbol(name, 0)
	}
	versions := make([]byte, 64*len(m.versions))
	for i, name := range m.versions {
		copy(versions[i*64+8:], name)
	}
	names := []string{".symtab", ".strtab", ".shstrtab"}
	parts := [][]byte{symtab, strs, nil}
	if ksymtab != nil {
		names, parts = append(names, "__ksymtab_strings"), append(parts, ksymtab)
	}
	if m.versions != nil {
		names, parts = append(names, "__versions"), append(parts, versions)
	}
	return assemble(names, parts)
}

// assemble writes an ELF file of the sections; the third is .shstrtab and is
// filled here.
func assemble(names []string, parts [][]byte) []byte {
	shstr := []byte{0}
	at := make([]int, len(names))
	for i, n := range names {
		at[i] = len(shstr)
		shstr = append(append(shstr, n...), 0)
	}
	parts[2] = shstr
	var body bytes.Buffer
	headers := make([]byte, 64)
	for i, p := range parts {
		h := make([]byte, 64)
		kind := uint32(1)
		switch i {
		case 0:
			kind = 2
			binary.LittleEndian.PutUint32(h[40:], 2) // link to .strtab
			binary.LittleEndian.PutUint64(h[56:], 24)
		case 1, 2:
			kind = 3
		}
		binary.LittleEndian.PutUint32(h, uint32(at[i]))
		binary.LittleEndian.PutUint32(h[4:], kind)
		binary.LittleEndian.PutUint64(h[24:], uint64(64+body.Len()))
		binary.LittleEndian.PutUint64(h[32:], uint64(len(p)))
		headers = append(headers, h...)
		body.Write(p)
	}
	head := make([]byte, 64)
	copy(head, "\x7fELF\x02\x01\x01")
	binary.LittleEndian.PutUint16(head[16:], 1)
	binary.LittleEndian.PutUint16(head[18:], 62)
	binary.LittleEndian.PutUint64(head[40:], uint64(64+body.Len()))
	binary.LittleEndian.PutUint16(head[52:], 64)
	binary.LittleEndian.PutUint16(head[58:], 64)
	binary.LittleEndian.PutUint16(head[60:], uint16(len(headers)/64))
	binary.LittleEndian.PutUint16(head[62:], 3)
	return append(append(head, body.Bytes()...), headers...)
}
