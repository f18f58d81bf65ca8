package kerneltest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Mutant is one way to change a module, or the way it is loaded, so that a
// rule of the kernel's loader decides.
type Mutant struct {
	// Name is unique, Rule the group of mutants that provoke one rule.
	Name, Rule string
	// Apply returns a changed copy of a module; the same bytes for the same
	// bytes. It fails if the module lacks what is to be changed. Unless the
	// mutant is about signatures the copy has none: a signature over other
	// bytes would be the only thing the kernel looks at.
	Apply func(module []byte) ([]byte, error)
	// Vary changes the attempt that loads the mutant; nil for none.
	Vary func(a *Attempt)
	// Signed asks for a module with a signature that the kernel trusts.
	Signed bool
	// WithOriginal has the unchanged module loaded before the mutant.
	WithOriginal bool
	// Arch and From bound where the mutant is of use: Debian's architecture,
	// and the lowest kernel series. On others the rule does not exist, or the
	// change would corrupt the kernel's memory instead of being refused.
	Arch, From string
}

// Mutants lists all mutants in a fixed order.
func Mutants() []Mutant {
	return slices.Concat(versionMutants, vermagicMutants, layoutMutants, modinfoMutants,
		symbolMutants, elfMutants, relocationMutants, signatureMutants, compressionMutants, loadMutants)
}

// edited makes an Apply from a function that edits the image in place.
func edited(edit func(m *image) error) func([]byte) ([]byte, error) {
	return func(module []byte) ([]byte, error) {
		m, err := readImage(module)
		if err != nil {
			return nil, err
		}
		if err := edit(m); err != nil {
			return nil, err
		}
		return m.b, nil
	}
}

// same is the Apply of variations that change only how a module is loaded.
func same(module []byte) ([]byte, error) { return slices.Clone(module), nil }

// unknownSymbol is a name that no kernel exports.
const unknownSymbol = "modkeep_no_such_symbol"

var versionMutants = []Mutant{
	{Name: "crc-first", Rule: "crc", Apply: edited(func(m *image) error { return m.spoilCRC(0, 0) })},
	{Name: "crc-second", Rule: "crc", Apply: edited(func(m *image) error { return m.spoilCRC(1, 0) })},
	{Name: "crc-last", Rule: "crc", Apply: edited(func(m *image) error { return m.spoilCRC(-1, 3) })},
	{Name: "crc-two", Rule: "crc", Apply: edited(func(m *image) error {
		if err := m.spoilCRC(0, 1); err != nil {
			return err
		}
		if _, first, err := m.imported(0); err != nil {
			return err
		} else if _, last, err := m.imported(-1); err != nil || first.at == last.at {
			return fmt.Errorf("one import only: %w", errNotApplicable)
		}
		return m.spoilCRC(-1, 1)
	})},
	// The CRC's field is an unsigned long and compared whole.
	{Name: "crc-high-half", Rule: "crc", Apply: edited(func(m *image) error { return m.spoilCRC(0, 5) })},
	{Name: "crc-module-layout", Rule: "module_layout", Apply: edited(func(m *image) error {
		v, err := m.version("module_layout")
		if err != nil {
			return err
		}
		m.b[v.at] ^= 1
		return nil
	})},
	{Name: "crc-module-layout-and-other", Rule: "module_layout", Apply: edited(func(m *image) error {
		v, err := m.version("module_layout")
		if err != nil {
			return err
		}
		m.b[v.at+2] ^= 0x80
		return m.spoilCRC(0, 0)
	})},
	{Name: "version-missing", Rule: "version-missing", Apply: edited(func(m *image) error {
		v, _, err := m.imported(0)
		if err != nil {
			return err
		}
		return m.dropVersion(v)
	})},
	{Name: "version-missing-last", Rule: "version-missing", Apply: edited(func(m *image) error {
		v, _, err := m.imported(-1)
		if err != nil {
			return err
		}
		return m.dropVersion(v)
	})},
	{Name: "version-missing-module-layout", Rule: "version-missing-layout", Apply: edited(func(m *image) error {
		v, err := m.version("module_layout")
		if err != nil {
			return err
		}
		return m.dropVersion(v)
	})},
	{Name: "versions-renamed", Rule: "no-versions", Apply: edited(func(m *image) error {
		s, err := m.section("__versions")
		if err == nil {
			m.rename(s)
		}
		return err
	})},
	{Name: "versions-not-alloc", Rule: "no-versions", Apply: edited(func(m *image) error {
		s, err := m.section("__versions")
		if err == nil {
			m.put64(s.at+offShFlags, s.flags&^shfAlloc)
		}
		return err
	})},
	{Name: "versions-renamed-release-differs", Rule: "no-versions", Apply: edited(func(m *image) error {
		s, err := m.section("__versions")
		if err != nil {
			return err
		}
		m.rename(s)
		return m.vermagic(func(v string) string { return "9" + v })
	})},
}

// spoilCRC changes one byte of the CRC of the n-th import.
func (m *image) spoilCRC(n, byteOf int) error {
	v, _, err := m.imported(n)
	if err != nil {
		return err
	}
	m.b[v.at+byteOf] ^= 0x11
	return nil
}

// version finds the entry of __versions of a name.
func (m *image) version(name string) (version, error) {
	_, list, err := m.versions()
	if err != nil {
		return version{}, err
	}
	for _, v := range list {
		if v.name == name {
			return v, nil
		}
	}
	return version{}, fmt.Errorf("section __versions: %s: %w", name, errNotApplicable)
}

// dropVersion removes an entry of __versions.
func (m *image) dropVersion(v version) error {
	s, _, err := m.versions()
	if err != nil {
		return err
	}
	at := v.at - s.off
	m.setContent(s, slices.Delete(slices.Clone(m.content(s)), at, at+versionSize))
	return nil
}

// vermagic edits the version magic.
func (m *image) vermagic(edit func(value string) string) error {
	return m.modinfo(func(entry string) []string {
		if value, ok := strings.CutPrefix(entry, "vermagic="); ok {
			return []string{"vermagic=" + edit(value)}
		}
		return []string{entry}
	})
}

// vermagicMutant removes or replaces a part of the version magic.
func vermagicMutant(name, rule, old, with string) Mutant {
	return Mutant{Name: name, Rule: rule, Apply: edited(func(m *image) error {
		return m.vermagic(func(v string) string { return strings.Replace(v, old, with, 1) })
	})}
}

var vermagicMutants = []Mutant{
	vermagicMutant("vermagic-no-preempt", "vermagic", "preempt ", ""),
	vermagicMutant("vermagic-other-preempt", "vermagic", "preempt ", "preempt_rt "),
	vermagicMutant("vermagic-no-smp", "vermagic", "SMP ", ""),
	vermagicMutant("vermagic-no-unload", "vermagic", "mod_unload ", ""),
	vermagicMutant("vermagic-no-modversions", "vermagic", "modversions ", ""),
	{Name: "vermagic-no-last-blank", Rule: "vermagic", Apply: edited(func(m *image) error {
		return m.vermagic(func(v string) string { return strings.TrimSuffix(v, " ") })
	})},
	{Name: "vermagic-word-added", Rule: "vermagic", Apply: edited(func(m *image) error {
		return m.vermagic(func(v string) string { return v + "extra " })
	})},
	{Name: "vermagic-release", Rule: "vermagic-release", Apply: edited(func(m *image) error {
		return m.vermagic(func(v string) string { return "9" + v })
	})},
	{Name: "vermagic-release-suffix", Rule: "vermagic-release", Apply: edited(func(m *image) error {
		return m.vermagic(func(v string) string { return strings.Replace(v, " ", "-vendor ", 1) })
	})},
	{Name: "vermagic-removed", Rule: "vermagic-missing", Apply: edited(func(m *image) error { return m.dropInfo("vermagic") })},
}

// dropInfo removes all entries of a key from .modinfo.
func (m *image) dropInfo(key string) error {
	return m.modinfo(func(entry string) []string {
		if strings.HasPrefix(entry, key+"=") {
			return nil
		}
		return []string{entry}
	})
}

// setInfo replaces the value of a key, or adds one in front.
func (m *image) setInfo(key, value string) error {
	_, there := m.modinfoValue(key)
	return m.modinfo(func(entry string) []string {
		if strings.HasPrefix(entry, key+"=") {
			return []string{key + "=" + value}
		}
		if !there {
			there = true
			return []string{key + "=" + value, entry}
		}
		return []string{entry}
	})
}

const thisModule = ".gnu.linkonce.this_module"

// layoutMutant edits the section of struct module.
func layoutMutant(name, from string, edit func(m *image, s *section)) Mutant {
	return Mutant{Name: name, Rule: "this-module", From: from, Apply: edited(func(m *image) error {
		s, err := m.section(thisModule)
		if err == nil {
			edit(m, s)
		}
		return err
	})}
}

var layoutMutants = []Mutant{
	layoutMutant("this-module-larger", "", func(m *image, s *section) {
		m.setContent(s, append(slices.Clone(m.content(s)), make([]byte, 64)...))
	}),
	// Before 6.4 the kernel would use memory behind the section.
	layoutMutant("this-module-smaller", "6.4", func(m *image, s *section) {
		m.put64(s.at+offShSize, uint64(s.size-64))
	}),
	layoutMutant("this-module-missing", "", func(m *image, s *section) { m.rename(s) }),
	layoutMutant("this-module-nobits", "6.4", func(m *image, s *section) { m.put32(s.at+offShType, shtNobits) }),
	layoutMutant("this-module-not-alloc", "6.4", func(m *image, s *section) { m.put64(s.at+offShFlags, s.flags&^shfAlloc) }),
	{Name: "this-module-twice", Rule: "this-module", From: "6.4", Apply: edited(func(m *image) error { return m.alias(thisModule) })},
	{Name: "modinfo-twice", Rule: "this-module", From: "6.4", Apply: edited(func(m *image) error { return m.alias(".modinfo") })},
}

// alias gives the section .comment, which no kernel looks at, another's name.
func (m *image) alias(name string) error {
	s, err := m.section(name)
	if err != nil {
		return err
	}
	comment, err := m.section(".comment")
	if err != nil {
		return err
	}
	m.put32(comment.at+offShName, le.Uint32(m.b[s.at+offShName:]))
	return nil
}

// infoMutant sets a key of .modinfo.
func infoMutant(name, rule, key, value string) Mutant {
	return Mutant{Name: name, Rule: rule, Apply: edited(func(m *image) error { return m.setInfo(key, value) })}
}

// dropMutant removes a key of .modinfo.
func dropMutant(name, rule, key string) Mutant {
	return Mutant{Name: name, Rule: rule, Apply: edited(func(m *image) error { return m.dropInfo(key) })}
}

var modinfoMutants = []Mutant{
	dropMutant("license-removed", "license", "license"),
	infoMutant("license-proprietary", "license", "license", "Proprietary"),
	infoMutant("license-bsd", "license", "license", "BSD"),
	infoMutant("license-gpl-v3", "license", "license", "GPL v3"),
	infoMutant("license-dual", "license", "license", "Dual MIT/GPL"),
	dropMutant("import-ns-removed", "namespace", "import_ns"),
	infoMutant("import-ns-other", "namespace", "import_ns", "MODKEEP_NO_SUCH"),
	dropMutant("intree-removed", "taint-oot", "intree"),
	dropMutant("retpoline-removed", "retpoline", "retpoline"),
	infoMutant("livepatch", "livepatch", "livepatch", "Y"),
	infoMutant("staging", "staging", "staging", "Y"),
	infoMutant("test", "test", "test", "Y"),
	{Name: "name-changed", Rule: "name", Apply: edited(func(m *image) error { return m.rechristen() })},
	dropMutant("name-removed", "name", "name"),
	dropMutant("depends-removed", "name", "depends"),
	{Name: "duplicate-export", Rule: "duplicate", WithOriginal: true, Apply: edited(func(m *image) error {
		if !m.exports() {
			return fmt.Errorf("no exports: %w", errNotApplicable)
		}
		return m.rechristen()
	})},
}

// exports reports whether the module exports anything.
func (m *image) exports() bool {
	for _, s := range m.sections {
		if s.kind == shtProgbits && s.size > 0 && (s.name == "__ksymtab" || s.name == "__ksymtab_gpl") {
			return true
		}
	}
	return false
}

// rechristen changes the last letter of the module's name, in .modinfo and in
// struct module, where it follows the state and a list's two pointers.
func (m *image) rechristen() error {
	name, ok := m.modinfoValue("name")
	if !ok || name == "" {
		return fmt.Errorf("modinfo name: %w", errNotApplicable)
	}
	s, err := m.section(thisModule)
	if err != nil {
		return err
	}
	const offName = 24
	if s.size < offName+56 || cString(m.content(s)[offName:], 0) != name {
		return fmt.Errorf("struct module: no name %s at %d: %w", name, offName, errNotApplicable)
	}
	letter := byte('q')
	if name[len(name)-1] == letter {
		letter = 'z'
	}
	other := name[:len(name)-1] + string(letter)
	copy(m.content(s)[offName:], other)
	return m.setInfo("name", other)
}

var symbolMutants = []Mutant{
	{Name: "unknown-symbol", Rule: "unknown-symbol", Apply: edited(func(m *image) error { return m.renameUndefined(0) })},
	{Name: "unknown-symbol-last", Rule: "unknown-symbol", Apply: edited(func(m *image) error { return m.renameUndefined(-1) })},
	{Name: "unknown-symbols", Rule: "unknown-symbol", Apply: edited(func(m *image) error {
		if err := m.addSymbol(unknownSymbol+"_1", stbGlobal, shnUndef, 0, 0); err != nil {
			return err
		}
		return m.addSymbol(unknownSymbol+"_2", stbGlobal, shnUndef, 0, 0)
	})},
	{Name: "unknown-weak", Rule: "weak", Apply: edited(func(m *image) error {
		return m.addSymbol(unknownSymbol, stbWeak, shnUndef, 0, 0)
	})},
	{Name: "weak-bad-crc", Rule: "weak", Apply: edited(func(m *image) error {
		_, s, err := m.imported(0)
		if err != nil {
			return err
		}
		m.b[s.at+4] = stbWeak<<4 | m.b[s.at+4]&15
		return m.spoilCRC(0, 0)
	})},
	{Name: "bad-crc-then-unknown", Rule: "order", Apply: edited(func(m *image) error {
		if err := m.spoilCRC(0, 0); err != nil {
			return err
		}
		return m.addSymbol(unknownSymbol, stbGlobal, shnUndef, 0, 0)
	})},
	{Name: "unknown-then-bad-crc", Rule: "order", Apply: edited(func(m *image) error {
		if err := m.spoilCRC(-1, 0); err != nil {
			return err
		}
		return m.renameUndefined(0)
	})},
	{Name: "common-symbol", Rule: "common", Apply: edited(func(m *image) error {
		return m.addSymbol("modkeep_common", stbGlobal, shnCommon, 8, 8)
	})},
	{Name: "symbol-section-index", Rule: "symbol-index", Apply: edited(func(m *image) error {
		return m.addSymbol("modkeep_lost", stbGlobal, 0xfe00, 0, 0)
	})},
	{Name: "stripped", Rule: "stripped", Apply: edited(func(m *image) error {
		table, _, _, err := m.symbols()
		if err == nil {
			m.put32(table.at+offShType, shtProgbits)
		}
		return err
	})},
	// Older kernels read past the string table.
	{Name: "symbol-name-bounds", Rule: "strtab", From: "6.13", Apply: edited(func(m *image) error {
		_, names, list, err := m.symbols()
		if err == nil {
			m.put32(list[len(list)-1].at, uint32(names.size)+1)
		}
		return err
	})},
	{Name: "strtab-unterminated", Rule: "strtab", From: "6.13", Apply: edited(func(m *image) error {
		_, names, _, err := m.symbols()
		if err == nil {
			m.b[names.off+names.size-1] = 'x'
		}
		return err
	})},
	{Name: "strtab-first", Rule: "strtab", From: "6.13", Apply: edited(func(m *image) error {
		_, names, _, err := m.symbols()
		if err == nil {
			m.b[names.off] = 'x'
		}
		return err
	})},
}

// renameUndefined makes the n-th undefined symbol, from the end if negative,
// one that no kernel has.
func (m *image) renameUndefined(n int) error {
	list, err := m.undefined()
	if err != nil {
		return err
	}
	if n < 0 {
		n += len(list)
	}
	if n < 0 || n >= len(list) {
		return fmt.Errorf("undefined symbols: %w", errNotApplicable)
	}
	return m.renameSymbol(list[n], unknownSymbol)
}

// elfMutant changes a field of the file; edit may return a shorter file.
func elfMutant(name string, edit func(m *image) []byte) Mutant {
	return Mutant{Name: name, Rule: "elf", Apply: func(module []byte) ([]byte, error) {
		m, err := readImage(module)
		if err != nil {
			return nil, err
		}
		return edit(m), nil
	}}
}

// field is an elfMutant that sets a 16-bit field of the file header.
func field(name string, at int, value uint16) Mutant {
	return elfMutant(name, func(m *image) []byte { m.put16(at, value); return m.b })
}

// sectionMutant is an elfMutant that changes the header of .text, or of
// another allocated section where there is none.
func sectionMutant(name string, edit func(m *image, s *section)) Mutant {
	return Mutant{Name: name, Rule: "elf", Apply: edited(func(m *image) error {
		for i := range m.sections {
			s := &m.sections[i]
			if s.kind == shtProgbits && s.flags&shfAlloc != 0 && s.flags&shfWrite == 0 && s.size > 0 {
				edit(m, s)
				return nil
			}
		}
		return fmt.Errorf("allocated section: %w", errNotApplicable)
	})}
}

var elfMutants = []Mutant{
	elfMutant("truncated", func(m *image) []byte { return m.b[:len(m.b)*2/3] }),
	elfMutant("truncated-at-headers", func(m *image) []byte { return m.b[:m.shoff+shdrSize/2] }),
	elfMutant("63-bytes", func(m *image) []byte { return m.b[:63] }),
	elfMutant("header-only", func(m *image) []byte { return m.b[:ehdrSize] }),
	elfMutant("four-bytes", func(m *image) []byte { return m.b[:4] }),
	elfMutant("empty", func(m *image) []byte { return []byte{} }),
	elfMutant("magic", func(m *image) []byte { m.b[0] = 'M'; return m.b }),
	field("type-executable", offType, 2),
	elfMutant("machine", func(m *image) []byte {
		other := uint16(machineA64)
		if le.Uint16(m.b[offMachine:]) == other {
			other = machineX86
		}
		m.put16(offMachine, other)
		return m.b
	}),
	field("shentsize", offShentsize, shdrSize-8),
	elfMutant("shoff", func(m *image) []byte { m.put64(offShoff, uint64(len(m.b)+1)); return m.b }),
	field("shstrndx-zero", offShstrndx, 0),
	field("shstrndx-range", offShstrndx, 0xf000),
	elfMutant("section-zero", func(m *image) []byte { m.put32(m.shoff+offShType, shtProgbits); return m.b }),
	sectionMutant("section-offset", func(m *image, s *section) { m.put64(s.at+offShOffset, uint64(len(m.b))) }),
	sectionMutant("section-size", func(m *image, s *section) { m.put64(s.at+offShSize, 1<<63) }),
	sectionMutant("section-name", func(m *image, s *section) { m.put32(s.at+offShName, 1<<30) }),
	sectionMutant("write-and-execute", func(m *image, s *section) {
		m.put64(s.at+offShFlags, s.flags|shfWrite|shfExec)
	}),
	{Name: "shstrtab-unterminated", Rule: "elf", Apply: edited(func(m *image) error {
		s := m.sections[le.Uint16(m.b[offShstrndx:])]
		m.b[s.off+s.size-1] = 'x'
		return nil
	})},
	{Name: "shstrtab-empty", Rule: "elf", Apply: edited(func(m *image) error {
		s := m.sections[le.Uint16(m.b[offShstrndx:])]
		m.put64(s.at+offShSize, 0)
		return nil
	})},
	{Name: "symtab-link", Rule: "elf", Apply: edited(func(m *image) error {
		table, _, _, err := m.symbols()
		if err == nil {
			m.put32(table.at+offShLink, uint32(len(m.sections)+5))
		}
		return err
	})},
}

var relocationMutants = []Mutant{
	{Name: "relocation-type", Rule: "relocation", Apply: edited(func(m *image) error {
		at, _, err := m.relocation()
		if err == nil {
			m.put32(at+8, 250) // unknown to x86 and arm64 alike
		}
		return err
	})},
	// arm64 overwrites what is there.
	{Name: "relocation-target", Rule: "relocation", Arch: "amd64", Apply: edited(func(m *image) error {
		_, target, err := m.relocation()
		if err == nil {
			m.b[target] ^= 0x5a
		}
		return err
	})},
}

// relocation finds the first relocation of an allocated code section: where
// its entry lies in the file, and where what it changes does.
func (m *image) relocation() (entry, target int, err error) {
	for _, s := range m.sections {
		if s.kind != shtRela || s.size < relaSize || s.info >= len(m.sections) {
			continue
		}
		to := m.sections[s.info]
		at := int(le.Uint64(m.b[s.off:]))
		if to.flags&shfAlloc != 0 && to.flags&shfExec != 0 && to.kind == shtProgbits && at < to.size {
			return s.off, to.off + at, nil
		}
	}
	return 0, 0, fmt.Errorf("relocations: %w", errNotApplicable)
}

// signatureMutant appends a signature of garbage to the unsigned module.
func signatureMutant(name string, algo, idType byte, length uint32) Mutant {
	return Mutant{Name: name, Rule: "signature", Apply: func(module []byte) ([]byte, error) {
		blob := bytes.Repeat([]byte("modkeep?"), 32)
		if length == 0 {
			length = uint32(len(blob))
		}
		return appendSignature(withoutSignature(module), blob, algo, idType, length), nil
	}}
}

// signedMutant changes a signed module; edit gets the module, where its
// signature starts, and where the description of that does.
func signedMutant(name string, edit func(module []byte, blob, info int) []byte) Mutant {
	return Mutant{Name: name, Rule: "signed", Signed: true, Apply: func(module []byte) ([]byte, error) {
		blob, info, ok := signature(module)
		if !ok {
			return nil, fmt.Errorf("signature: %w", errNotApplicable)
		}
		return edit(slices.Clone(module), blob, info), nil
	}}
}

var signatureMutants = []Mutant{
	signatureMutant("signature-garbage", 0, 2, 0),
	signatureMutant("signature-too-long", 0, 2, 1<<30),
	signatureMutant("signature-id-type", 0, 1, 0),
	signatureMutant("signature-algo", 1, 2, 0),
	signedMutant("signed-body-flipped", func(b []byte, blob, _ int) []byte { b[blob/2] ^= 1; return b }),
	signedMutant("signed-signature-flipped", func(b []byte, _, info int) []byte { b[info-5] ^= 1; return b }),
	signedMutant("signed-stripped", func(b []byte, blob, _ int) []byte { return b[:blob] }),
	signedMutant("signed-marker-cut", func(b []byte, _, _ int) []byte { return b[:len(b)-1] }),
}

// compressionMutant compresses the module; with asks the kernel to decompress.
func compressionMutant(name string, with bool, pack func([]byte) ([]byte, error)) Mutant {
	m := Mutant{Name: name, Rule: "compression", Apply: pack}
	if with {
		m.Name, m.Rule = m.Name+"-flag", "decompression"
		m.Vary = func(a *Attempt) { a.Flags = 4 }
	}
	return m
}

var compressionMutants = []Mutant{
	compressionMutant("gz", false, packGzip),
	compressionMutant("xz", false, packXZ(xz.CRC32)),
	compressionMutant("zst", false, packZstd),
	compressionMutant("gz", true, packGzip),
	compressionMutant("xz", true, packXZ(xz.CRC32)),
	compressionMutant("xz-crc64", true, packXZ(xz.CRC64)),
	compressionMutant("zst", true, packZstd),
	compressionMutant("xz-truncated", true, func(module []byte) ([]byte, error) {
		packed, err := packXZ(xz.CRC32)(module)
		return packed[:len(packed)*3/4], err
	}),
	compressionMutant("plain", true, same),
}

func packGzip(module []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(module); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

func packXZ(check byte) func(module []byte) ([]byte, error) {
	return func(module []byte) ([]byte, error) {
		var out bytes.Buffer
		w, err := xz.WriterConfig{CheckSum: check, DictCap: 1 << 20}.NewWriter(&out)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(module); err != nil {
			return nil, err
		}
		err = w.Close()
		return out.Bytes(), err
	}
}

func packZstd(module []byte) ([]byte, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer w.Close()
	return w.EncodeAll(module, nil), nil
}

// loadMutant leaves the module as it is and changes how it is loaded.
func loadMutant(name, rule string, vary func(a *Attempt)) Mutant {
	return Mutant{Name: name, Rule: rule, Apply: same, Vary: vary}
}

// unsignedLoad is a loadMutant of a module without signature.
func unsignedLoad(name, rule string, vary func(a *Attempt)) Mutant {
	return Mutant{Name: name, Rule: rule, Vary: vary, Apply: func(module []byte) ([]byte, error) {
		return slices.Clone(withoutSignature(module)), nil
	}}
}

// signedLoad is a loadMutant of a signed module.
func signedLoad(name, rule string, vary func(a *Attempt)) Mutant {
	return Mutant{Name: name, Rule: rule, Vary: vary, Signed: true, Apply: same}
}

// enforce has the kernel refuse what is not signed by a key it knows.
const enforce = "module.sig_enforce=1"

var loadMutants = []Mutant{
	loadMutant("flag-ignore-modversions", "flags", func(a *Attempt) { a.Flags = 1 }),
	loadMutant("flag-ignore-vermagic", "flags", func(a *Attempt) { a.Flags = 2 }),
	loadMutant("flag-ignore-both", "flags", func(a *Attempt) { a.Flags = 3 }),
	loadMutant("flag-unknown", "flags", func(a *Attempt) { a.Flags = 8 }),
	loadMutant("init-module", "syscall", func(a *Attempt) { a.Init = true }),
	{Name: "init-module-short", Rule: "syscall", Vary: func(a *Attempt) { a.Init = true },
		Apply: func(module []byte) ([]byte, error) { return slices.Clone(module[:min(len(module), 40)]), nil }},
	loadMutant("parameter-unknown", "parameter", func(a *Attempt) { a.Params = "modkeep_no_such=1" }),
	{Name: "loaded-before", Rule: "exists", Apply: same, WithOriginal: true},
	unsignedLoad("enforce-unsigned", "sig-enforce", func(a *Attempt) { a.Cmdline = enforce }),
	signedLoad("enforce-signed", "sig-enforce", func(a *Attempt) { a.Cmdline = enforce }),
	signedLoad("enforce-signed-ignore-vermagic", "sig-enforce", func(a *Attempt) { a.Cmdline, a.Flags = enforce, 2 }),
	{Name: "enforce-magic", Rule: "sig-enforce", Vary: func(a *Attempt) { a.Cmdline = enforce },
		Apply: edited(func(m *image) error { m.b[0] = 'M'; return nil })},
	{Name: "enforce-id-type", Rule: "sig-enforce", Vary: func(a *Attempt) { a.Cmdline = enforce },
		Apply: signatureMutant("", 0, 1, 0).Apply},
	unsignedLoad("lockdown-unsigned", "lockdown", func(a *Attempt) { a.Cmdline = "lockdown=integrity" }),
	signedLoad("lockdown-signed", "lockdown", func(a *Attempt) { a.Cmdline = "lockdown=integrity" }),
	loadMutant("nomodule", "disabled", func(a *Attempt) { a.Cmdline = "nomodule" }),
	loadMutant("blacklisted", "blacklist", func(a *Attempt) {
		a.Cmdline = "module_blacklist=modkeep_other," + moduleName(a.Module)
	}),
}
