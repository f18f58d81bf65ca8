package image

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sort"

	"modkeep/ko/elf"
)

// kernel is the kernel proper: an ELF file, or flat memory.
type kernel struct {
	elf      *elf.File
	sections []*elf.Section // that hold memory, by address

	flat []byte
}

func newELF(r io.ReaderAt, size int64) (*kernel, error) {
	f, err := elf.New(r, size)
	if err != nil {
		return nil, fmt.Errorf("vmlinux: %w", err)
	}
	k := &kernel{elf: f}
	for i := range f.Sections {
		s := &f.Sections[i]
		if s.Flags&elf.SHF_ALLOC != 0 && s.Type != elf.SHT_NOBITS && s.Addr != 0 {
			k.sections = append(k.sections, s)
		}
	}
	sort.SliceStable(k.sections, func(i, j int) bool { return k.sections[i].Addr < k.sections[j].Addr })
	return k, nil
}

// section returns the bytes of a section; none where there is no such section.
func (k *kernel) section(name string) ([]byte, error) {
	s := k.elf.Section(name)
	if s == nil {
		return nil, nil
	}
	return k.elf.Data(s)
}

// memoryReader is a reader of an ELF kernel's memory that keeps the sections it read.
type memoryReader struct {
	k    *kernel
	data map[*elf.Section][]byte
	text map[*elf.Section]string // of sections that strings were read from
	last *elf.Section
}

func (k *kernel) memory() *memoryReader {
	return &memoryReader{k: k, data: map[*elf.Section][]byte{}, text: map[*elf.Section]string{}}
}

// at returns the bytes from an address to the end of its section.
func (m *memoryReader) at(addr uint64) ([]byte, bool) {
	s := m.last
	if s == nil || addr < s.Addr || addr-s.Addr >= s.Size {
		i := sort.Search(len(m.k.sections), func(i int) bool { return m.k.sections[i].Addr > addr })
		if i == 0 {
			return nil, false
		}
		s = m.k.sections[i-1]
		if addr-s.Addr >= s.Size {
			return nil, false
		}
	}
	data, ok := m.data[s]
	if !ok {
		data, _ = m.k.elf.Data(s)
		m.data[s] = data
	}
	m.last = s
	if addr-s.Addr >= uint64(len(data)) {
		return nil, false
	}
	return data[addr-s.Addr:], true
}

// str returns the NUL-terminated string at an address. It is a piece of its
// section's, of which one copy is made.
func (m *memoryReader) str(addr uint64) (string, bool) {
	b, ok := m.at(addr)
	if !ok {
		return "", false
	}
	i := bytes.IndexByte(b[:min(len(b), maxString)], 0)
	if i < 0 {
		return "", false
	}
	text, ok := m.text[m.last]
	if !ok {
		text = string(m.data[m.last])
		m.text[m.last] = text
	}
	off := len(text) - len(b)
	return text[off : off+i], true
}

// word returns the 32 bits at an address.
func (m *memoryReader) word(addr uint64) (uint32, bool) {
	b, ok := m.at(addr)
	if !ok || len(b) < 4 {
		return 0, false
	}
	return m.k.elf.Order.Uint32(b), true
}

// maxString is the longest string that is believed to be one.
const maxString = 1024

// regions returns where something may be looked for: the sections of those
// names, where the kernel has sections.
func (k *kernel) regions(names ...string) ([][]byte, error) {
	if k.flat != nil {
		return [][]byte{k.flat}, nil
	}
	var regions [][]byte
	for _, name := range names {
		data, err := k.section(name)
		if err != nil {
			return nil, err
		}
		if len(data) > 0 {
			regions = append(regions, data)
		}
	}
	return regions, nil
}

// orders returns the byte orders that the kernel may have.
func (k *kernel) orders() []binary.ByteOrder {
	if k.elf != nil {
		return []binary.ByteOrder{k.elf.Order}
	}
	return []binary.ByteOrder{binary.LittleEndian, binary.BigEndian}
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}
