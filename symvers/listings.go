package symvers

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Errors of the listings' readers that callers ask about.
var (
	// ErrHidden: every address in a kallsyms listing is zero. The kernel hides
	// them from readers without CAP_SYSLOG, or from all, by the sysctl
	// kernel.kptr_restrict.
	ErrHidden = errors.New("addresses are hidden (all zero): read it as root with kernel.kptr_restrict=0 or 1")
	// ErrNoExports: a listing has no sign of an export, for instance a
	// System.map that is a stub, or a kernel without CONFIG_KALLSYMS_ALL.
	ErrNoExports = errors.New("lists no exports (no __ksymtab_ and no __crc_ symbols)")
)

// ParseKallsyms reads the exports from /proc/kallsyms or from a System.map:
// lines "address type symbol", modules' with "[module]" behind.
//
//   - An export is a symbol X for which __ksymtab_X or __crc_X is listed.
//   - Its CRC is the value of __crc_X where that is absolute (kernels to 5.18;
//     not powerpc and s390 from 4.10 on, whose __crc_X are addresses).
//     Exports whose CRC the listing does not tell have HasCRC false.
//   - Its type follows from the table that the address of __ksymtab_X lies in,
//     by __start___ksymtab_gpl and the like; where those are not listed, as
//     for modules, Type is "". Namespaces are not told.
//   - Module is "vmlinux" or the name in brackets, without a path.
//
// Errors: ErrHidden, ErrNoExports, *SyntaxError, or one of r.
func ParseKallsyms(r io.Reader) (*Table, error) {
	text, err := readText(r)
	if err != nil {
		return nil, err
	}
	return parseKallsyms(text)
}

// kallsyms gathers what the lines say.
type kallsyms struct {
	exports []Export
	at      []uint64 // address of the __ksymtab_ entry of the export of the same index, 0 unknown
	seen    map[string]int
	bounds  map[string]uint64 // __start___ksymtab and the like
	nonzero bool
}

func parseKallsyms(text string) (*Table, error) {
	k := &kallsyms{seen: map[string]int{}, bounds: map[string]uint64{}}
	for number := 1; text != ""; number++ {
		line, rest, ok := nextLine(text)
		if !ok {
			return nil, &SyntaxError{number, msgLongLine}
		}
		text = rest
		if msg := k.line(line); msg != "" {
			return nil, &SyntaxError{number, msg}
		}
		if len(k.exports) > MaxRows {
			return nil, &SyntaxError{number, fmt.Sprintf("more than %d exports", MaxRows)}
		}
	}
	if len(k.exports) == 0 {
		return nil, ErrNoExports
	}
	if !k.nonzero {
		return nil, ErrHidden
	}
	k.types()
	return New(k.exports), nil
}

// line takes one line in; what it returns is wrong with it, if not "".
func (k *kallsyms) line(line string) string {
	address, rest := cutSpace(line)
	if address == "" || !isHex(address) {
		if strings.TrimLeft(line, " \t") != line || line == "" {
			return "" // nm prints no address of an undefined symbol
		}
		return fmt.Sprintf("%.60q does not begin with an address", line)
	}
	letter, rest := cutSpace(rest)
	symbol, rest := cutSpace(rest)
	if len(letter) != 1 || symbol == "" {
		return fmt.Sprintf("%.60q is not of the form: address, type letter, symbol", line)
	}
	value, err := strconv.ParseUint(address, 16, 64)
	if err != nil {
		return fmt.Sprintf("address %.40q: more than 64 bits", address)
	}
	k.nonzero = k.nonzero || value != 0
	if !strings.HasPrefix(symbol, "__") {
		return ""
	}
	module := Vmlinux
	if name, _ := cutSpace(rest); len(name) > 2 && name[0] == '[' && name[len(name)-1] == ']' {
		module = name[1 : len(name)-1]
	}
	if module == Vmlinux && (strings.HasPrefix(symbol, "__start___ksymtab") || strings.HasPrefix(symbol, "__stop___ksymtab")) {
		k.bounds[symbol] = value
		return ""
	}
	if name, ok := strings.CutPrefix(symbol, "__ksymtab_"); ok {
		k.ksymtab(name, module, value)
	} else if name, ok := strings.CutPrefix(symbol, "__crc_"); ok {
		k.crc(name, module, letter, value)
	}
	return ""
}

// entry returns the export of that name and module, a new one if need be.
func (k *kallsyms) entry(name, module string) int {
	key := module + "\x00" + name
	i, ok := k.seen[key]
	if !ok {
		i = len(k.exports)
		k.seen[key] = i
		k.exports = append(k.exports, Export{Symbol: name, Module: module})
		k.at = append(k.at, 0)
	}
	return i
}

func (k *kallsyms) ksymtab(name, module string, value uint64) {
	if name == "" || name == "strings" || name == "gpl" && module == Vmlinux {
		return // names of sections, which some listings have as symbols
	}
	k.at[k.entry(name, module)] = value
}

func (k *kallsyms) crc(name, module, letter string, value uint64) {
	if name == "" || letter == "w" || letter == "v" || letter == "U" {
		return
	}
	e := &k.exports[k.entry(name, module)]
	// Any other letter: the CRC lies in .rodata at this address.
	if (letter == "A" || letter == "a") && value <= 0xffffffff {
		e.CRC, e.HasCRC = CRC(value), true
	}
}

// types sets each export's type by the table its entry lies in.
func (k *kallsyms) types() {
	tables := []struct {
		suffix string
		typ    Type
	}{{"", Plain}, {"_gpl", GPL}, {"_gpl_future", GPLFuture}, {"_unused", Unused}, {"_unused_gpl", UnusedGPL}}
	for _, t := range tables {
		start, ok := k.bounds["__start___ksymtab"+t.suffix]
		stop, ok2 := k.bounds["__stop___ksymtab"+t.suffix]
		if !ok || !ok2 {
			continue
		}
		for i, at := range k.at {
			if at != 0 && start <= at && at < stop && k.exports[i].Module == Vmlinux {
				k.exports[i].Type = t.typ
			}
		}
	}
}

// cutSpace cuts the first word off a line.
func cutSpace(s string) (word, rest string) {
	i := 0
	for i < len(s) && s[i] != ' ' && s[i] != '\t' {
		i++
	}
	word = s[:i]
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	return word, s[i:]
}

// ParseKsyms reads /proc/ksyms of a 2.x kernel, or what ksyms(8) prints of it:
// lines "address symbol", a module's with "[module]" behind. Symbols are
// versioned names (see SplitVersioned), without version where the kernel was
// built without CONFIG_MODVERSIONS or the symbol exported by
// EXPORT_SYMBOL_NOVERS. A name that begins with GPLONLY_ was exported by
// EXPORT_SYMBOL_GPL (2.4.10 and later). The kernel's own marks,
// Using_Versions and __insmod_…, are no exports.
func ParseKsyms(r io.Reader) (*Table, error) {
	text, err := readText(r)
	if err != nil {
		return nil, err
	}
	return parseKsyms(text)
}

func parseKsyms(text string) (*Table, error) {
	var exports []Export
	prefix := ""
	for number := 1; text != ""; number++ {
		line, rest, ok := nextLine(text)
		if !ok {
			return nil, &SyntaxError{number, msgLongLine}
		}
		text = rest
		address, rest := cutSpace(line)
		if line == "" || address == "Address" {
			continue
		}
		symbol, module := cutSpace(rest)
		if !isHex(address) || len(address) > 16 || symbol == "" {
			return nil, &SyntaxError{number, fmt.Sprintf("%.60q is not of the form: address, symbol", line)}
		}
		if symbol == "Using_Versions" || strings.HasPrefix(symbol, "__insmod_") {
			continue
		}
		if len(exports) == MaxRows {
			return nil, &SyntaxError{number, fmt.Sprintf("more than %d exports", MaxRows)}
		}
		e, p := ksym(symbol, strings.Trim(module, "[]() \t"))
		exports = append(exports, e)
		if prefix == "" {
			prefix = p
		}
	}
	t := New(exports)
	t.InNames, t.Prefix = true, prefix
	return t, nil
}

// ksym makes the export of a line of /proc/ksyms, and its version's prefix.
func ksym(symbol, module string) (Export, string) {
	e := Export{Symbol: symbol, Module: module, Type: Plain}
	if module == "" {
		e.Module = Vmlinux
	}
	if name, ok := strings.CutPrefix(e.Symbol, "GPLONLY_"); ok && name != "" {
		e.Symbol, e.Type = name, GPL
	}
	name, prefix, crc, ok := SplitVersioned(e.Symbol)
	if ok {
		e.Symbol, e.CRC, e.HasCRC = name, crc, true
	}
	return e, prefix
}

// SplitVersioned takes a versioned name of the 2.0 to 2.4 kernels apart:
// symbol, "_R", the prefix that genksyms -p was given ("" or "smp_", with
// "2gig_" and the like on kernels for much memory), and the CRC in eight
// digits: printk_Rsmp_1b7d4074 is printk, smp_, 0x1b7d4074. ok is false where
// the name has no version.
func SplitVersioned(name string) (symbol, prefix string, crc CRC, ok bool) {
	i := strings.LastIndex(name, "_R")
	if i <= 0 {
		return name, "", 0, false
	}
	prefix, crc, ok = splitVersion(name[i+2:])
	if !ok {
		return name, "", 0, false
	}
	return name[:i], prefix, crc, true
}

// splitVersion takes "smp_1b7d4074" apart.
func splitVersion(version string) (prefix string, crc CRC, ok bool) {
	n := len(version) - 8
	if n < 0 || n > 24 || !isHex(version[n:]) || strings.ToLower(version[n:]) != version[n:] {
		return "", 0, false
	}
	prefix = version[:n]
	if prefix != "" && !strings.HasSuffix(prefix, "_") && !strings.HasSuffix(prefix, "gig") {
		return "", 0, false
	}
	v, err := strconv.ParseUint(version[n:], 16, 32)
	return prefix, CRC(v), err == nil
}

// ParseVer reads .ver files of 2.x kernel builds, several behind one another
// if need be: lines "#define __ver_printk smp_1b7d4074". Other lines do not
// count, among them "#define printk _set_ver(printk)". Module and Type of the
// exports are "": the files do not tell.
func ParseVer(r io.Reader) (*Table, error) {
	text, err := readText(r)
	if err != nil {
		return nil, err
	}
	return parseVer(text)
}

func parseVer(text string) (*Table, error) {
	v := &verFiles{}
	if err := v.parse(text); err != nil {
		return nil, err
	}
	if len(v.exports) == 0 {
		return nil, errors.New("no #define __ver_… lines")
	}
	return v.table(), nil
}

type verFiles struct {
	exports  []Export
	includes []string
	prefix   string
}

func (v *verFiles) table() *Table {
	t := New(v.exports)
	t.InNames, t.Prefix = true, v.prefix
	return t
}

func (v *verFiles) parse(text string) error {
	for number := 1; text != ""; number++ {
		line, rest, ok := nextLine(text)
		if !ok {
			return &SyntaxError{number, msgLongLine}
		}
		text = rest
		words := strings.Fields(line)
		if len(words) >= 2 && words[0] == "#include" && strings.HasSuffix(words[1], ".ver>") {
			v.includes = append(v.includes, strings.Trim(words[1], "<>"))
		}
		if len(words) < 2 || words[0] != "#define" {
			continue
		}
		symbol, ok := strings.CutPrefix(words[1], "__ver_")
		if !ok || symbol == "" {
			continue
		}
		if len(words) < 3 {
			return &SyntaxError{number, fmt.Sprintf("%.60q has no version", line)}
		}
		prefix, crc, ok := splitVersion(words[2])
		if !ok {
			return &SyntaxError{number, fmt.Sprintf("%.60q is not a version of eight digits, with or without a prefix", words[2])}
		}
		if len(v.exports) == MaxRows {
			return &SyntaxError{number, fmt.Sprintf("more than %d exports", MaxRows)}
		}
		v.exports = append(v.exports, Export{Symbol: symbol, CRC: crc, HasCRC: true})
		if v.prefix == "" {
			v.prefix = prefix
		}
	}
	return nil
}

// ReadModversions reads linux/modversions.h of a 2.x kernel and the .ver files
// it includes. include is the kernel's include directory.
func ReadModversions(include fs.FS) (*Table, error) {
	v := &verFiles{}
	if err := v.file(include, "linux/modversions.h"); err != nil {
		return nil, err
	}
	names := v.includes
	size := 0
	for _, name := range names {
		name = path.Clean(name)
		info, err := fs.Stat(include, name)
		if err != nil {
			return nil, err
		}
		if size += int(min(info.Size(), MaxSize+1)); size > MaxSize {
			return nil, fmt.Errorf("the .ver files: %w", errTooLong)
		}
		if err := v.file(include, name); err != nil {
			return nil, err
		}
	}
	return v.table(), nil
}

func (v *verFiles) file(include fs.FS, name string) error {
	f, err := include.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a regular file", name)
	}
	text, err := readText(f)
	if err == nil {
		err = v.parse(text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
