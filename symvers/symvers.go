// Package symvers reads, writes and compares Module.symvers, the table of a
// kernel's exports that scripts/mod/modpost.c writes.
//
// An export is a row of that table: a symbol, its CRC, the module that gives
// it, the macro it was exported with, and its namespace. A CRC is the 32-bit
// number of modversions that genksyms(8) computes over the symbol's type.
package symvers

import "fmt"

// CRC is the modversions number of an export. Zero stands in tables of
// kernels that were built without CONFIG_MODVERSIONS.
type CRC uint32

// String returns the CRC as Module.symvers writes it: 0x%08x.
func (c CRC) String() string { return fmt.Sprintf("0x%08x", uint32(c)) }

// Type is the macro that made an export, spelled as in Module.symvers.
type Type string

// The types that kernels have written, 2.6.18 to today. An empty Type is a
// row of a three-column table (2.6.17 and older).
const (
	Plain     Type = "EXPORT_SYMBOL"
	GPL       Type = "EXPORT_SYMBOL_GPL"
	GPLFuture Type = "EXPORT_SYMBOL_GPL_FUTURE"
	Unused    Type = "EXPORT_UNUSED_SYMBOL"
	UnusedGPL Type = "EXPORT_UNUSED_SYMBOL_GPL"
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
