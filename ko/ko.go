// Package ko reads kernel module files of every kernel generation and
// architecture: plain, .gz, .xz and .zst; what they need (imports and their
// CRCs), what they give (exports and theirs) and what they say of themselves.
package ko

import (
	"modkeep/ko/elf"
	"modkeep/ko/modinfo"
	"modkeep/symvers"
)

// Compression is how a module file is packed.
type Compression string

// The compressions that kmod and the kernel know.
const (
	None Compression = ""
	Gzip Compression = "gzip"
	XZ   Compression = "xz"
	Zstd Compression = "zstd"
)

// File is an opened module: ELF header and section headers were read, all
// else is read when asked for.
type File struct {
	*elf.File          // the ELF part of the decompressed image, up to its end
	Path        string // as given to Open
	Compression Compression
	Info        modinfo.Info // nil where the file has no .modinfo
}

// Version is one entry of __versions or of the extended version sections: the
// CRC the module was built with for a symbol it imports.
type Version struct {
	Symbol string
	CRC    uint64 // compared whole with the kernel's 32-bit CRC: bits above 32 never match
}

// Export is a symbol that the module gives to others.
type Export struct {
	Symbol    string
	CRC       symvers.CRC
	HasCRC    bool
	Type      symvers.Type
	Namespace string
}
