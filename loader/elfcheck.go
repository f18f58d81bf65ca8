package loader

import (
	"strconv"

	"modkeep/ko/elf"
)

// shfALLOC etc. are read often enough here to be worth a short name.
const shfWX = elf.SHF_WRITE | elf.SHF_EXECINSTR

// noName is what the kernel prints for a module whose name it has not found.
const noName = "(missing .modinfo section or name field)"

// checkELF is elf_validity_check and setup_load_info (6.1), or
// elf_validity_cache_copy (6.4 and later). bodyLen is the file without the
// part of the signature that the signature step has taken off.
func (l *load) checkELF() string {
	if l.ask(ruleELFMessages) == "silent" {
		return l.checkOldELF()
	}
	if errno := l.checkHeader(); errno != "" {
		return errno
	}
	order := []func() string{l.checkNameTable, l.checkSectionZero, l.checkSections, l.checkModinfoUnique, l.checkStripped, l.checkThisModule, l.checkStrings}
	if l.ask(ruleELFOrder) == "split" {
		order = []func() string{l.checkSectionZero, l.checkSections, l.checkNameTable, l.checkSectionNames,
			l.checkModinfoUnique, l.checkThisModule, l.checkStripped, l.checkStrtab, l.checkExtVersions, l.checkStrings}
	}
	for _, step := range order {
		if errno := step(); errno != "" {
			return errno
		}
	}
	return ""
}

// elfRefused notes a line of the ELF checks; all of them are ENOEXEC.
func (l *load) elfRefused(format string, args ...any) string {
	text := l.logf(format, args...)
	l.found(Finding{Kind: KindELF, Text: text})
	return "ENOEXEC"
}

func (l *load) checkHeader() string {
	h, arch := &l.m.header, &l.arch
	size := int64(52)
	if arch.Is64 {
		size = 64
	}
	if l.bodyLen < size && l.target.InitModule {
		l.found(Finding{Kind: KindELF, Text: "the file is shorter than an ELF header"})
		return "ENOEXEC"
	}
	if l.bodyLen < size {
		return l.elfRefused("Invalid ELF header len %d", l.bodyLen)
	}
	if l.m.headerErr != nil {
		return l.elfRefused("Invalid ELF header magic: != \x7fELF")
	}
	etype, machine := l.nativeTypeMachine()
	if etype != elf.ET_REL {
		return l.elfRefused("Invalid ELF header type: %d != %d", etype, elf.ET_REL)
	}
	if machine != arch.Machine && !(arch.Machine == machine386 && machine == 6) {
		return l.elfRefused("Invalid architecture in ELF header: %d", machine)
	}
	if int64(h.Shentsize) != h.SectionHeaderSize() || h.Is64 != arch.Is64 {
		return l.elfRefused("Invalid ELF section header size")
	}
	if h.Shoff >= uint64(l.bodyLen) || uint64(h.Shnum)*uint64(h.Shentsize) > uint64(l.bodyLen)-h.Shoff {
		return l.elfRefused("Invalid ELF section header overflow")
	}
	return ""
}

// nativeTypeMachine reads e_type and e_machine as the kernel does, in its own
// byte order, whatever the file says of itself.
func (l *load) nativeTypeMachine() (uint16, uint16) {
	t, m := l.m.header.Type, l.m.header.Machine
	if l.m.header.Order.String() == "BigEndian" != l.arch.BigEndian {
		t, m = t<<8|t>>8, m<<8|m>>8
	}
	return t, m
}

// checkNameTable checks e_shstrndx and the section it names.
func (l *load) checkNameTable() string {
	h := &l.m.header
	if h.Shstrndx == 0 || h.Shstrndx >= h.Shnum {
		return l.elfRefused("Invalid ELF section name index: %d || e_shstrndx (%d) >= e_shnum (%d)", h.Shstrndx, h.Shstrndx, h.Shnum)
	}
	s := &l.m.sections[h.Shstrndx]
	if l.ask(ruleStringTypes) == "checked" && s.Type != elf.SHT_STRTAB {
		return l.elfRefused("Invalid ELF section name table type: %d", s.Type)
	}
	if l.ask(ruleELFOrder) == "classic" && !l.inside(s) {
		return l.elfRefused("Invalid ELF section hdr(type %d)", s.Type)
	}
	if s.Size == 0 {
		return l.elfRefused("empty section name table")
	}
	if !l.m.tables.namesTerminated {
		return l.elfRefused("ELF Spec violation: section name table isn't null terminated")
	}
	return ""
}

func (l *load) checkSectionZero() string {
	if len(l.m.sections) == 0 {
		l.basis = Unchecked // the kernel reads a header that e_shnum does not count
		return ""           // and e_shstrndx, which none can satisfy, is looked at next
	}
	if s := &l.m.sections[0]; s.Type != elf.SHT_NULL || s.Size != 0 || s.Addr != 0 {
		return l.elfRefused("ELF Spec violation: section 0 type(%d)!=SH_NULL or non-zero len or addr", int32(s.Type))
	}
	return ""
}

func (l *load) checkSections() string {
	split := l.ask(ruleELFOrder) == "split"
	for i := 1; i < len(l.m.sections); i++ {
		s := &l.m.sections[i]
		if s.Type == elf.SHT_NULL || s.Type == elf.SHT_NOBITS {
			continue
		}
		if !split && s.Type == elf.SHT_SYMTAB && (s.Link == 0 || s.Link >= uint32(l.m.header.Shnum)) {
			return l.elfRefused("Invalid ELF sh_link!=SHN_UNDEF(%d) or (sh_link(%d) >= hdr->e_shnum(%d)", s.Link, s.Link, l.m.header.Shnum)
		}
		if !l.inside(s) {
			return l.elfRefused("Invalid ELF section in module (section %d type %d)", i, s.Type)
		}
		if l.ask(ruleThisModule) == "only" {
			l.lookForName(i) // the name is compared before its place is looked at
		}
		if !split && s.Flags&elf.SHF_ALLOC != 0 && uint64(s.NameOff) >= l.namesSize() {
			return l.elfRefused("Invalid ELF section name in module (section %d type %d)", i, s.Type)
		}
	}
	return ""
}

// checkSectionNames is the second half of elf_validity_cache_secstrings: since
// then every section's name is checked, not only those that are allocated.
func (l *load) checkSectionNames() string {
	for i := range l.m.sections {
		s := &l.m.sections[i]
		if s.Type != elf.SHT_NULL && uint64(s.NameOff) >= l.namesSize() {
			return l.elfRefused("Invalid ELF section name in module (section %d type %d)", i, s.Type)
		}
	}
	return ""
}

// lookForName notes that the kernel compares the name of a section which lies
// behind the end of the file.
func (l *load) lookForName(i int) {
	s, names := &l.m.sections[i], int(l.m.header.Shstrndx)
	if names >= len(l.m.sections) { // before 5.10 nothing checks it
		l.mayCrash("it reads the header of section %d, of the sections' names, which is not there", names)
		return
	}
	if at := l.m.sections[names].Offset + uint64(s.NameOff); at >= uint64(l.bodyLen) {
		l.mayCrash("it reads the name of section %d behind the end of the file", i)
	}
}

// lookForAny is find_any_sec, which find_module_sections looks for split BTF
// with: it compares the names of sections that are not allocated too, and no
// check before 6.12.117 has looked at theirs.
func (l *load) lookForAny() string {
	v := l.target.Version
	if l.ask(ruleELFOrder) == "split" || v.Less(Version{5, 11, 0}) || l.target.configIs("DEBUG_INFO_BTF_MODULES", "n") {
		return ""
	}
	for i := 1; i < len(l.m.sections); i++ {
		l.lookForName(i)
	}
	return ""
}

func (l *load) namesSize() uint64 { return l.m.sections[l.m.header.Shstrndx].Size }

// inside is validate_section_offset.
func (l *load) inside(s *elf.Section) bool {
	end := s.Offset + s.Size
	return end >= s.Offset && end <= uint64(l.bodyLen)
}

// named counts the sections of a name, allocated or not, and returns the last.
// find_any_unique_sec looks at all of them, elf_validity_cache_copy before it
// only at those that have a content.
func (l *load) named(name string) (n int, last *elf.Section) {
	classic := l.ask(ruleELFOrder) == "classic"
	for i := 1; i < len(l.m.sections); i++ {
		s := &l.m.sections[i]
		if s.Name != name || classic && (s.Type == elf.SHT_NULL || s.Type == elf.SHT_NOBITS) {
			continue
		}
		n, last = n+1, s
	}
	return n, last
}

func (l *load) checkModinfoUnique() string {
	if l.ask(ruleThisModule) == "present" {
		return ""
	}
	if n, _ := l.named(".modinfo"); n > 1 {
		l.name = ""
		return l.elfRefused("Only one .modinfo section must exist.")
	}
	return ""
}

func (l *load) checkStripped() string {
	n := 0
	for i := range l.m.sections {
		if l.m.sections[i].Type == elf.SHT_SYMTAB {
			n++
		}
	}
	if n == 0 || n > 1 && l.ask(ruleThisModule) != "present" {
		return l.elfRefused("%s: module has no symbols (stripped?)", l.earlyName())
	}
	return ""
}

// checkThisModule holds the section that carries struct module against the
// kernel's own: since 6.4 there must be one, allocated, of exactly its size.
func (l *load) checkThisModule() string {
	const section = ".gnu.linkonce.this_module"
	rule := l.ask(ruleThisModule)
	if rule == "present" {
		if l.m.allocated(section) == nil {
			return l.elfRefused("%s: No module found in object", l.earlyName())
		}
		l.warnSize(l.m.allocated(section).Size)
		return ""
	}
	n, s := l.named(section)
	switch {
	case n != 1 && rule == "only":
		return l.elfRefused("module %s: Only one .gnu.linkonce.this_module section must exist.", l.earlyName())
	case n != 1:
		return l.elfRefused("module %s: Exactly one .gnu.linkonce.this_module section must exist.", l.earlyName())
	case s.Type == elf.SHT_NOBITS:
		return l.elfRefused("module %s: .gnu.linkonce.this_module section must have a size set", l.earlyName())
	case s.Flags&elf.SHF_ALLOC == 0:
		return l.elfRefused("module %s: .gnu.linkonce.this_module must occupy memory during process execution", l.earlyName())
	case l.target.StructSize == 0:
		l.unknown("size of struct module")
	case s.Size != l.target.StructSize:
		l.logf("module %s: .gnu.linkonce.this_module section size must match the kernel's built struct module size at run time", l.earlyName())
		l.foundSize(s.Size)
		return "ENOEXEC"
	}
	return ""
}

// warnSize says what a kernel before 6.4 does not look at.
func (l *load) warnSize(size uint64) {
	if l.target.StructSize != 0 && size != l.target.StructSize {
		l.warn("struct module has %d bytes in the module, %d in the kernel, which does not check it", size, l.target.StructSize)
	}
}

func (l *load) checkStrtab() string {
	for i := range l.m.sections {
		s := &l.m.sections[i]
		if s.Type != elf.SHT_SYMTAB {
			continue
		}
		if s.Link == 0 || s.Link >= uint32(len(l.m.sections)) {
			return l.elfRefused("Invalid ELF sh_link!=SHN_UNDEF(%d) or (sh_link(%d) >= hdr->e_shnum(%d)", s.Link, s.Link, l.m.header.Shnum)
		}
		if t := l.m.sections[s.Link].Type; t != elf.SHT_STRTAB && l.ask(ruleStringTypes) == "checked" {
			return l.elfRefused("Invalid ELF symbol string table type: %d", t)
		}
	}
	return ""
}

func (l *load) checkExtVersions() string {
	if l.m.extCRCs == l.m.extNames || l.ask(ruleExtVersions) != "used" {
		return ""
	}
	return l.elfRefused("extended version crc+name presence does not match")
}

func (l *load) checkStrings() string {
	if l.ask(ruleELFStrtab) != "checked" {
		if t := &l.m.tables; t.symbolNameOut && t.lastName >= uint64(l.bodyLen) {
			l.mayCrash("it reads the name of a symbol behind the end of the file")
		}
		return ""
	}
	switch t := &l.m.tables; {
	case !t.stringsLead && !t.stringsTerminate && l.strtabSize() == 0:
		return l.elfRefused("empty symbol string table")
	case !t.stringsLead:
		return l.elfRefused("symbol string table missing leading NUL")
	case !t.stringsTerminate:
		return l.elfRefused("symbol string table isn't NUL terminated")
	case t.symbolNameOut:
		return l.elfRefused("symbol name out of bounds in string table")
	}
	return ""
}

func (l *load) strtabSize() uint64 {
	for i := range l.m.sections {
		if s := &l.m.sections[i]; s.Type == elf.SHT_SYMTAB && int(s.Link) < len(l.m.sections) {
			return l.m.sections[s.Link].Size
		}
	}
	return 0
}

// checkOldELF is elf_header_check and what stood in its place before 5.10: the
// same refusals, without a line in the log.
func (l *load) checkOldELF() string {
	quiet := len(l.v.Log)
	errno := firstErrno(l.checkHeader, l.checkTruncated)
	if errno != "" && !l.truncated {
		l.v.Log = l.v.Log[:quiet]
	}
	if errno != "" {
		return errno
	}
	if l.m.parseErr != nil || len(l.m.sections) == 0 {
		l.found(Finding{Kind: KindELF, Text: "the file's tables cannot be read"})
		l.mayCrash("it takes the file's damaged tables as they are")
		return "ENOEXEC"
	}
	for i := 1; i < len(l.m.sections); i++ {
		if l.m.sections[i].Flags&elf.SHF_ALLOC != 0 {
			l.lookForName(i) // find_sec; nothing checks a name before 5.10
		}
	}
	return firstErrno(l.checkStripped, l.checkThisModule, l.checkStrings)
}

func (l *load) checkTruncated() string {
	for i := 1; i < len(l.m.sections); i++ {
		if s := &l.m.sections[i]; s.Type != elf.SHT_NOBITS && uint64(l.bodyLen) < s.Offset+s.Size {
			l.truncated = true
			return l.elfRefused("Module len %d truncated", l.bodyLen)
		}
	}
	return ""
}

func firstErrno(steps ...func() string) string {
	for _, s := range steps {
		if errno := s(); errno != "" {
			return errno
		}
	}
	return ""
}

// earlyName is the name as the ELF checks print it.
func (l *load) earlyName() string {
	if name, ok := l.m.Info.Get("name"); ok {
		return name
	}
	return noName
}

// foundSize notes that struct module has another size than the kernel's.
func (l *load) foundSize(size uint64) {
	l.found(Finding{Kind: KindSize, Want: sizeText(size), Found: sizeText(l.target.StructSize),
		Text: "struct module has " + sizeText(size) + " bytes in the module, " + sizeText(l.target.StructSize) + " in the kernel"})
}

func sizeText(n uint64) string { return strconv.FormatUint(n, 10) }
