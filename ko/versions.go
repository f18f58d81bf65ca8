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
	data, err := f.versionEntries()
	if data == nil {
		return nil, err
	}
	return f.decodeVersions(data), err
}

// EachVersion calls yield for each entry that Versions would return. The name
// is the reader's memory, valid until Close.
func (f *File) EachVersion(yield func(name []byte, crc uint64)) error {
	if f.Legacy() {
		vs, err := f.legacyVersions()
		for i := range vs {
			yield([]byte(vs[i].Symbol), vs[i].CRC)
		}
		return err
	}
	data, err := f.versionEntries()
	for ; len(data) > 0; data = data[entrySize:] {
		yield(f.versionEntry(data))
	}
	return err
}

// versionEntries returns the whole entries of __versions up to the first whose
// name has no NUL, nil where there is no such section, and what is wrong with
// the rest.
func (f *File) versionEntries() ([]byte, error) {
	s := f.AllocSection(versions)
	if s == nil {
		return nil, nil
	}
	data, err := f.versionData(s)
	if data == nil || err != nil {
		return nil, err
	}
	return f.wholeEntries(data)
}

func (f *File) wholeEntries(data []byte) ([]byte, error) {
	var err error
	whole := len(data) - len(data)%entrySize
	if whole < len(data) {
		err = &elf.FormatError{Section: versions, Offset: int64(whole), Msg: fmt.Sprintf("%d bytes are not a multiple of %d", len(data), entrySize)}
	}
	data = data[:whole]
	for i := 0; i < whole; i += entrySize {
		if bytes.IndexByte(data[i+f.crcSize():i+entrySize], 0) < 0 {
			return data[:i], &elf.FormatError{Section: versions, Offset: int64(i), Msg: "name not terminated"}
		}
	}
	return data, err
}

// crcSize is the size of the unsigned long that an entry begins with.
func (f *File) crcSize() int {
	if f.Is64 {
		return 8
	}
	return 4
}

// versionEntry decodes the entry that data begins with.
func (f *File) versionEntry(data []byte) (name []byte, crc uint64) {
	if f.Is64 {
		name, crc = data[8:entrySize], f.Order.Uint64(data)
	} else {
		name, crc = data[4:entrySize], uint64(f.Order.Uint32(data))
	}
	return name[:bytes.IndexByte(name, 0)], crc
}

// decodeVersions decodes whole entries.
func (f *File) decodeVersions(data []byte) []Version {
	vs := make([]Version, len(data)/entrySize)
	var names strings.Builder
	names.Grow(len(vs) * 24) // the mean length of a name is 18
	for i := range vs {
		name, crc := f.versionEntry(data[i*entrySize:])
		start := names.Len()
		names.Write(name)
		vs[i] = Version{CRC: crc, Symbol: names.String()[start:]}
	}
	return vs
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
