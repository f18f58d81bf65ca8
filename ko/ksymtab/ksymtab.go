// Package ksymtab decodes a kernel's export tables once they lie at their
// link-time addresses, as they do in vmlinux: __ksymtab, __ksymtab_gpl and
// their like, with the CRC tables __kcrctab beside them. (In a module the
// entries are still holes for relocations to fill; package ko reads those.)
//
// A table is an array of struct kernel_symbol: the value of the symbol, its
// name, and since 5.4 its namespace. Each of them is a field, and the fields
// of one table have one form: pointers as wide as the class, or 32-bit
// differences from the field's own address ("PREL32", include/linux/export.h
// with CONFIG_HAVE_ARCH_PREL32_RELOCATIONS, since 4.19).
//
//	2.6.0 - 5.3            pointers    value name             16 or 8 bytes
//	4.19  - 5.3  PREL32    differences value name             8 bytes
//	5.4 and later          pointers    value name namespace   24 or 12 bytes
//	5.4 and later PREL32   differences value name namespace   12 bytes
package ksymtab

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxName is the longest symbol or namespace name that is believed, in bytes.
// The kernel's KSYM_NAME_LEN is 512 (6.1 and later; 128 before).
const MaxName = 1024

// Table is one of the export tables a kernel may have.
type Table struct {
	Symbols string // section of the entries: __ksymtab_gpl
	CRCs    string // section of the CRCs: __kcrctab_gpl
	Macro   string // the macro that fills it, as Module.symvers spells it
}

// Tables lists the export tables in the order in which a kernel searches them
// (2.6.18 to 5.11 had all five; the first two alone remain; from 7.x on the
// first alone, with __kflagstab beside it).
var Tables = []Table{
	{"__ksymtab", "__kcrctab", "EXPORT_SYMBOL"},
	{"__ksymtab_gpl", "__kcrctab_gpl", "EXPORT_SYMBOL_GPL"},
	{"__ksymtab_gpl_future", "__kcrctab_gpl_future", "EXPORT_SYMBOL_GPL_FUTURE"},
	{"__ksymtab_unused", "__kcrctab_unused", "EXPORT_UNUSED_SYMBOL"},
	{"__ksymtab_unused_gpl", "__kcrctab_unused_gpl", "EXPORT_UNUSED_SYMBOL_GPL"},
}

// Flags is the section of 7.x kernels that holds one byte for each entry of
// __ksymtab; FlagGPLOnly is set in it for EXPORT_SYMBOL_GPL.
const (
	Flags       = "__kflagstab"
	FlagGPLOnly = 1
)

// Form is how the entries of one table are written.
type Form struct {
	Width    int  // bytes of a field: 4 or 8
	Fields   int  // 2: value, name; 3: value, name, namespace
	Relative bool // fields are signed differences from their own address
}

// Size returns the bytes of one entry.
func (f Form) Size() int { return f.Width * f.Fields }

// Forms returns the forms that kernels of a class have used, newest first.
func Forms(is64 bool) []Form {
	word := 4
	if is64 {
		word = 8
	}
	return []Form{{4, 3, true}, {4, 2, true}, {word, 3, false}, {word, 2, false}}
}

// Entry is one struct kernel_symbol: three link-time addresses.
type Entry struct {
	Value     uint64
	Name      uint64
	Namespace uint64 // 0 where the form has none or the pointer is null
}

// ErrSize is returned for a table that is not a whole number of entries.
var ErrSize = errors.New("size is not a multiple of the entry's")

// Decode reads a table that begins at address addr. The addresses of 32-bit
// kernels stay within 32 bits.
func Decode(data []byte, addr uint64, order binary.ByteOrder, is64 bool, form Form) ([]Entry, error) {
	size := form.Size()
	if size == 0 || len(data)%size != 0 {
		return nil, fmt.Errorf("%d bytes, entry of %d: %w", len(data), size, ErrSize)
	}
	field := func(off int) uint64 {
		var v uint64
		if form.Width == 8 {
			v = order.Uint64(data[off:])
		} else {
			v = uint64(order.Uint32(data[off:]))
		}
		if form.Relative {
			v = addr + uint64(off) + uint64(int64(int32(v)))
		}
		if !is64 {
			v &= 1<<32 - 1
		}
		return v
	}
	entries := make([]Entry, len(data)/size)
	for i := range entries {
		off := i * size
		entries[i].Value, entries[i].Name = field(off), field(off+form.Width)
		ns := off + 2*form.Width
		if form.Fields == 3 && !(form.Relative && order.Uint32(data[ns:]) == 0) {
			entries[i].Namespace = field(ns)
		}
	}
	return entries, nil
}

// Symbol is an entry with its strings read.
type Symbol struct {
	Name      string
	Namespace string
	Value     uint64
}

// Strings turns entries into symbols. str returns the NUL-terminated string at
// an address, false where none can be there. The error names the first entry
// whose name or namespace cannot be read or cannot be one.
func Strings(entries []Entry, str func(addr uint64) (string, bool)) ([]Symbol, error) {
	syms := make([]Symbol, len(entries))
	for i, e := range entries {
		name, ok := str(e.Name)
		if !ok || !plausible(name) {
			return nil, fmt.Errorf("entry %d: no name at %#x", i, e.Name)
		}
		syms[i] = Symbol{Name: name, Value: e.Value}
		if e.Namespace == 0 {
			continue
		}
		if syms[i].Namespace, ok = str(e.Namespace); !ok || !printable(syms[i].Namespace) {
			return nil, fmt.Errorf("entry %d (%s): no namespace at %#x", i, name, e.Namespace)
		}
	}
	return syms, nil
}

// ErrForm is returned by Read for a table that fits none of the forms.
var ErrForm = errors.New("table is of no known form")

// Read finds out the form of a table by trying each and returns the symbols.
// Only the right form gives a name for every entry.
func Read(data []byte, addr uint64, order binary.ByteOrder, is64 bool, str func(addr uint64) (string, bool)) ([]Symbol, Form, error) {
	for _, form := range Forms(is64) {
		entries, err := Decode(data, addr, order, is64, form)
		if err != nil {
			continue
		}
		if syms, err := Strings(entries, str); err == nil {
			return syms, form, nil
		}
	}
	return nil, Form{}, ErrForm
}

// CRCs reads the CRC table of n exports that begins at address addr: words of
// the class (to 4.9, and where n entries of 8 bytes fill it), else 32 bits.
// With relative set (CONFIG_MODULE_REL_CRCS, powerpc and s390 4.10 to 5.18) an
// entry is the difference from its own address to where the CRC lies, and read
// returns the 32 bits at an address; read may be nil otherwise.
func CRCs(data []byte, n int, addr uint64, order binary.ByteOrder, relative bool, read func(addr uint64) (uint32, bool)) ([]uint32, error) {
	if n == 0 && len(data) == 0 {
		return nil, nil
	}
	if n <= 0 || (len(data) != 4*n && len(data) != 8*n) {
		return nil, fmt.Errorf("%d bytes for %d exports: %w", len(data), n, ErrSize)
	}
	width := len(data) / n
	crcs := make([]uint32, n)
	for i := range crcs {
		b := data[i*width:]
		if width == 8 {
			crcs[i] = uint32(order.Uint64(b))
			continue
		}
		crcs[i] = order.Uint32(b)
		if !relative {
			continue
		}
		at := addr + uint64(i*width) + uint64(int64(int32(crcs[i])))
		crc, ok := read(at)
		if !ok {
			return nil, fmt.Errorf("entry %d: no CRC at %#x", i, at)
		}
		crcs[i] = crc
	}
	return crcs, nil
}

// plausible reports whether a string can be the name of a symbol.
func plausible(s string) bool {
	return s != "" && printable(s)
}

func printable(s string) bool {
	if len(s) > MaxName {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
