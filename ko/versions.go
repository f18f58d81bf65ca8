package ko

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"modkeep/ko/elf"
)

// Version is one entry of __versions or of the extended version sections: the
// CRC the module was built with for a symbol it imports.
type Version struct {
	Symbol string
	CRC    uint64 // compared whole with the kernel's 32-bit CRC: bits above 32 never match
}

const (
	versions  = "__versions"
	extCRCs   = "__version_ext_crcs"
	extNames  = "__version_ext_names"
	entrySize = 64 // of struct modversion_info, both classes

	// maxVersions bounds each of the sections. i915 has 74 KB of __versions.
	maxVersions = 4 << 20
)

// versionData reads one of the version sections.
func (f *File) versionData(s *elf.Section) ([]byte, error) {
	if s.Size > maxVersions && s.Type != elf.SHT_NOBITS {
		return nil, &elf.FormatError{Section: s.Name, Offset: -1, Msg: fmt.Sprintf("%d bytes are more than the %d that are read", s.Size, maxVersions)}
	}
	return f.Data(s)
}

// HasVersions reports whether the module has __versions as the kernel finds
// it: a section without SHF_ALLOC (modprobe --force clears the flag) is not
// there.
func (f *File) HasVersions() bool { return f.AllocSection(versions) != nil }

// Versions returns the entries of __versions in order, none where HasVersions
// is false. For a module of 2.4 or older it returns the versions that stand in
// the names of its undefined symbols.
//
// The entries before the first damaged one are returned with the error: a
// *elf.FormatError for a section that is not a whole number of entries (the
// kernel drops the rest) or a name without NUL.
func (f *File) Versions() ([]Version, error) {
	if f.Legacy() {
		return f.legacyVersions()
	}
	s := f.AllocSection(versions)
	if s == nil {
		return nil, nil
	}
	data, err := f.versionData(s)
	if err != nil {
		return nil, err
	}
	vs, err := f.decodeVersions(data)
	if rest := len(data) % entrySize; err == nil && rest != 0 {
		err = &elf.FormatError{Section: versions, Offset: int64(len(data) - rest), Msg: fmt.Sprintf("%d bytes are not a multiple of %d", len(data), entrySize)}
	}
	return vs, err
}

// decodeVersions reads whole entries up to the first whose name has no NUL.
// All names share one string.
func (f *File) decodeVersions(data []byte) ([]Version, error) {
	crcSize := 4
	if f.Is64 {
		crcSize = 8
	}
	total, n := 0, len(data)/entrySize
	var err error
	for i := range n {
		length := bytes.IndexByte(data[i*entrySize+crcSize:(i+1)*entrySize], 0)
		if length < 0 {
			n, err = i, &elf.FormatError{Section: versions, Offset: int64(i * entrySize), Msg: "name not terminated"}
			break
		}
		total += length
	}
	vs := make([]Version, n)
	var names strings.Builder
	names.Grow(total)
	for i := range vs {
		e := data[i*entrySize : (i+1)*entrySize]
		if f.Is64 {
			vs[i].CRC = f.Order.Uint64(e)
		} else {
			vs[i].CRC = uint64(f.Order.Uint32(e))
		}
		name := e[crcSize : crcSize+bytes.IndexByte(e[crcSize:], 0)]
		start := names.Len()
		names.Write(name)
		vs[i].Symbol = names.String()[start:]
	}
	return vs, err
}

// The refusals of the extended version sections, worded as the kernel words
// them (elf_validity_cache_index_versions, 6.14).
var (
	ErrExtPresence = errors.New("extended version crc+name presence does not match")
	ErrExtNames    = errors.New("more extended version crcs than names")
)

// HasExtVersions reports which of the extended version sections (6.14 and
// later) the kernel finds; it takes both or none.
func (f *File) HasExtVersions() (crcs, names bool) {
	return f.AllocSection(extCRCs) != nil, f.AllocSection(extNames) != nil
}

// ExtVersions returns the versions of __version_ext_crcs and
// __version_ext_names in order, none where neither is there. The error is
// ErrExtPresence where one is missing, ErrExtNames where there are fewer names
// than CRCs.
func (f *File) ExtVersions() ([]Version, error) {
	crcSection, nameSection := f.AllocSection(extCRCs), f.AllocSection(extNames)
	if (crcSection == nil) != (nameSection == nil) {
		missing := extCRCs
		if nameSection == nil {
			missing = extNames
		}
		return nil, fmt.Errorf("section %s is missing: %w", missing, ErrExtPresence)
	}
	if crcSection == nil {
		return nil, nil
	}
	crcs, err := f.versionData(crcSection)
	if err != nil {
		return nil, err
	}
	nameData, err := f.versionData(nameSection)
	if err != nil {
		return nil, err
	}
	names := string(nameData)
	vs := make([]Version, 0, min(len(crcs)/4, len(names)))
	for ; len(crcs) >= 4; crcs = crcs[4:] {
		if names == "" {
			return nil, ErrExtNames
		}
		name, rest, _ := strings.Cut(names, "\x00")
		names = rest
		if len(name) > elf.MaxName {
			return nil, &elf.FormatError{Section: extNames, Offset: -1, Msg: fmt.Sprintf("entry %d: name longer than %d bytes", len(vs), elf.MaxName)}
		}
		vs = append(vs, Version{Symbol: name, CRC: uint64(f.Order.Uint32(crcs))})
	}
	return vs, nil
}
