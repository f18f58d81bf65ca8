// Package symvers reads, writes and compares Module.symvers, the table of a
// kernel's exports that scripts/mod/modpost.c writes, and makes the same table
// from the other texts that list exports: /proc/kallsyms and System.map,
// /proc/ksyms of 2.x kernels, and the .ver files of 2.4 builds.
//
// An export is a row of that table: a symbol, its CRC, the module that gives
// it, the macro it was exported with, and its namespace. A CRC is the 32-bit
// number of modversions that genksyms(8) computes over the symbol's type.
//
// The table has had these forms, columns parted by tabs (modpost.c, write_dump):
//
//	crc symbol                          symset files of kernel packages
//	crc symbol module                   up to 2.6.17
//	crc symbol module type              2.6.18 to 5.3
//	crc symbol namespace module type    5.4 and 5.5
//	crc symbol module type namespace    5.6 and later; tab kept where the namespace is empty
package symvers

import (
	"fmt"
	"hash/maphash"
)

// CRC is the modversions number of an export. Zero stands in tables of
// kernels that were built without CONFIG_MODVERSIONS.
type CRC uint32

// String returns the CRC as Module.symvers writes it: 0x%08x.
func (c CRC) String() string { return fmt.Sprintf("0x%08x", uint32(c)) }

// Type is the macro that made an export, spelled as in Module.symvers.
type Type string

// The types that kernels have written, 2.6.18 to today. An empty Type is a
// row of a three-column table (2.6.17 and older), or of a listing that does
// not tell.
const (
	Plain     Type = "EXPORT_SYMBOL"
	GPL       Type = "EXPORT_SYMBOL_GPL"
	GPLFuture Type = "EXPORT_SYMBOL_GPL_FUTURE"
	Unused    Type = "EXPORT_UNUSED_SYMBOL"
	UnusedGPL Type = "EXPORT_UNUSED_SYMBOL_GPL"
	Unknown   Type = "(unknown)" // modpost 2.6.18 to 5.19 could not tell the section
)

// GPLOnly reports whether only modules with a GPL-compatible licence may use
// the export.
func (t Type) GPLOnly() bool { return t == GPL || t == UnusedGPL }

// Vmlinux is what the module column holds for an export of the kernel image.
const Vmlinux = "vmlinux"

// Export is one row of Module.symvers.
type Export struct {
	Symbol    string
	CRC       CRC
	HasCRC    bool   // false where the exporter has no CRC table at all
	Module    string // "vmlinux", or the module's path without .ko as the table has it
	Type      Type
	Namespace string
}

// Layout is the form of a table: how many columns, and in which order.
type Layout uint8

// The layouts, oldest last; see the package comment. The zero Layout is the
// one that kernels write today.
const (
	Columns5   Layout = iota // crc symbol module type namespace
	Columns5NS               // crc symbol namespace module type
	Columns4                 // crc symbol module type
	Columns3                 // crc symbol module
	Columns2                 // crc symbol
)

// Table is a table of exports. It is not changed after it was made, so any
// number of goroutines may ask it.
type Table struct {
	Exports    []Export // in the file's order, the first of each symbol
	Duplicates []Export // further rows of symbols that Exports has already, in the file's order
	Layout     Layout   // of the text it was read from; what Write writes
	InNames    bool     // versions stand in the names, as in listings of 2.x kernels: printk_Rsmp_1b7d4074
	Prefix     string   // of these, "smp_" here; else empty

	index index
}

// New returns the table of the given exports. The slice belongs to the table
// from then on: rows whose symbol came before are moved to Duplicates.
func New(exports []Export) *Table {
	t := &Table{Exports: exports}
	t.build()
	return t
}

// Len returns the number of different symbols.
func (t *Table) Len() int { return len(t.Exports) }

// Lookup returns the export of a symbol.
func (t *Table) Lookup(symbol string) (Export, bool) {
	if i := t.Index(symbol); i >= 0 {
		return t.Exports[i], true
	}
	return Export{}, false
}

// Index returns where in Exports the symbol stands, -1 where it does not.
func (t *Table) Index(symbol string) int {
	if t.index.slots == nil {
		for i := range t.Exports { // a Table that New did not make
			if t.Exports[i].Symbol == symbol {
				return i
			}
		}
		return -1
	}
	slot := t.index.find(t.Exports, symbol, hash(symbol))
	return int(uint32(t.index.slots[slot])) - 1
}

// HasCRCs reports whether any export has a CRC, that is, whether the kernel
// was built with CONFIG_MODVERSIONS.
func (t *Table) HasCRCs() bool {
	for i := range t.Exports {
		if t.Exports[i].HasCRC {
			return true
		}
	}
	return false
}

// build makes the index and moves duplicates out of Exports.
func (t *Table) build() {
	t.index = newIndex(len(t.Exports))
	kept := 0
	for i := range t.Exports {
		h := hash(t.Exports[i].Symbol)
		slot := t.index.find(t.Exports, t.Exports[i].Symbol, h)
		if t.index.slots[slot] != 0 {
			t.Duplicates = append(t.Duplicates, t.Exports[i])
			continue
		}
		if kept != i {
			t.Exports[kept] = t.Exports[i]
		}
		kept++
		t.index.slots[slot] = uint64(h)<<32 | uint64(kept)
	}
	t.Exports = t.Exports[:kept]
}

// index is an open-addressing hash table over Exports. A Go map of the same
// content takes three times as long to fill, and filling it is most of what
// reading a table costs. A slot holds the hash's 32 bits and, below them, the
// position in Exports plus one; 0 is free.
type index struct {
	slots []uint64
	mask  uint32
}

// seed differs in each process, so that no file can be made whose symbols
// collide.
var seed = maphash.MakeSeed()

func hash(s string) uint32 { return uint32(maphash.String(seed, s)) }

func newIndex(n int) index {
	size := 8
	for size < 2*n {
		size *= 2
	}
	return index{slots: make([]uint64, size), mask: uint32(size - 1)}
}

// find returns the symbol's slot, or the free slot where it belongs.
func (x *index) find(exports []Export, symbol string, h uint32) uint32 {
	for slot := h & x.mask; ; slot = (slot + 1) & x.mask {
		v := x.slots[slot]
		if v == 0 || uint32(v>>32) == h && exports[uint32(v)-1].Symbol == symbol {
			return slot
		}
	}
}
