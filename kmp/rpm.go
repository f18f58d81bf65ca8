package kmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
)

// An .rpm is a lead, a header with signatures, a header with everything else,
// and a compressed cpio archive (rpm's docs/manual/format.md, version 4 of the
// format).
const (
	leadSize       = 96
	maxTags        = 1 << 16
	maxHeaderStore = 32 << 20
	maxCount       = 1 << 20 // values of one tag: a kernel provides some 60,000 symbols
	maxDepends     = 500_000
	maxScripts     = 1000
)

// Tags of the main header (rpm 4.18, lib/rpmtag.h).
const (
	tagName        = 1000
	tagVersion     = 1001
	tagRelease     = 1002
	tagEpoch       = 1003
	tagSummary     = 1004
	tagDescription = 1005
	tagBuildTime   = 1006
	tagBuildHost   = 1007
	tagSize        = 1009
	tagVendor      = 1011
	tagLicense     = 1014
	tagPackager    = 1015
	tagGroup       = 1016
	tagURL         = 1020
	tagArch        = 1022
	tagOldFiles    = 1027
	tagFileSizes   = 1028
	tagFileModes   = 1030
	tagFileLinks   = 1036
	tagFileFlags   = 1037
	tagSourceRPM   = 1044
	tagChangeTime  = 1080
	tagChangeName  = 1081
	tagChangeText  = 1082
	tagDirIndexes  = 1116
	tagBaseNames   = 1117
	tagDirNames    = 1118
	tagFormat      = 1124
	tagTriggerName = 1066
	tagLongSizes   = 5008
	tagLongSize    = 5009
	tagDigest      = 5092
	tagDigestAlgo  = 5093
)

// digestSHA256 is SHA-256 among the numbers of hashes (RFC 4880, 9.4).
const digestSHA256 = 8

// Tags of the header with signatures that say how long the archive is, and the
// header and the packed archive together.
const (
	sigSize            = 1000
	sigLongSize        = 270
	sigPayloadSize     = 1007
	sigLongPayloadSize = 271
)

var rpmRelations = []struct {
	name, flags, version int
	relation             Relation
}{
	{1049, 1048, 1050, Requires},
	{1047, 1112, 1113, Provides},
	{1054, 1053, 1055, Conflicts},
	{1090, 1114, 1115, Obsoletes},
	{5046, 5048, 5047, Recommends},
	{5049, 5051, 5050, Suggests},
	{5052, 5054, 5053, Supplements},
	{5055, 5057, 5056, Enhances},
}

// rpmScript is a kind of scriptlet: the tags of its text and interpreter, and
// what a dependency on the interpreter is flagged with (rpmds.h RPMSENSE_*).
type rpmScript struct {
	name         string
	script, prog int
	phase        uint32
}

var rpmScripts = []rpmScript{
	{"pretrans", 1151, 1153, 1 << 7},
	{"pre", 1023, 1085, 1 << 9},
	{"post", 1024, 1086, 1 << 10},
	{"preun", 1025, 1087, 1 << 11},
	{"postun", 1026, 1088, 1 << 12},
	{"posttrans", 1152, 1154, 1 << 5},
	{"preuntrans", 5104, 5106, 0},
	{"postuntrans", 5105, 5107, 0},
	{"verify", 1079, 1091, 0},
}

// rpmTriggers: the scripts, and for each condition its name and which script
// it belongs to.
var rpmTriggers = []struct {
	kind                       string
	scripts, progs             int
	names, flags, versions, ix int
}{
	{"trigger", 1065, 1092, tagTriggerName, 1068, 1067, 1069},
	{"filetrigger", 5066, 5067, 5069, 5072, 5071, 5070},
	{"transfiletrigger", 5076, 5077, 5079, 5082, 5081, 5080},
}

func readRPM(c *collector, r *io.SectionReader) error {
	at := int64(leadSize)
	signatures, size, err := readHeader(r, at)
	if err != nil {
		return fmt.Errorf("signature header: %w", err)
	}
	c.pkg.Payload = signatures.number(sigPayloadSize) + signatures.number(sigLongPayloadSize)
	at += size + -size&7
	h, size, err := readHeader(r, at)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if err := c.rpmHeader(h); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	c.pkg.HeaderStart, c.pkg.HeaderEnd = at, at+size
	c.pkg.HeaderDigest = signatures.text(sigSHA256)
	if says := signatures.number(sigSize) + signatures.number(sigLongSize); says > r.Size()-at {
		return fmt.Errorf("header and payload: %d of %d bytes: %w", r.Size()-at, says, io.ErrUnexpectedEOF)
	}
	if c.headerOnly {
		return nil
	}
	if format := h.text(tagFormat); format != "" && format != "cpio" {
		return fmt.Errorf("payload: format %.20q is not supported", format)
	}
	stream, closeStream, err := unpack(c, io.NewSectionReader(r, at+size, r.Size()-at-size))
	if err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	defer closeStream()
	if err := c.readPayload(stream); err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	return nil
}

// header is the index and the store of an rpm header.
type header struct {
	entries map[int]entry
	store   string
}

type entry struct{ kind, offset, count uint32 }

// readHeader reads the header at an offset and returns its size in bytes.
func readHeader(r *io.SectionReader, at int64) (*header, int64, error) {
	var intro [16]byte
	if _, err := r.ReadAt(intro[:], at); err != nil {
		return nil, 0, noEOF(err)
	}
	if !bytes.HasPrefix(intro[:], []byte{0x8e, 0xad, 0xe8, 1}) {
		return nil, 0, fmt.Errorf("offset %#x: no header magic", at)
	}
	tags, store := binary.BigEndian.Uint32(intro[8:]), binary.BigEndian.Uint32(intro[12:])
	size := 16 + 16*int64(tags) + int64(store)
	if tags > maxTags || store > maxHeaderStore || size > r.Size()-at {
		return nil, 0, fmt.Errorf("offset %#x: %d tags and %d bytes, in a file of %d", at, tags, store, r.Size())
	}
	index := make([]byte, 16*tags)
	if _, err := r.ReadAt(index, at+16); err != nil {
		return nil, 0, noEOF(err)
	}
	text := make([]byte, store)
	if _, err := r.ReadAt(text, at+size-int64(store)); err != nil {
		return nil, 0, noEOF(err)
	}
	h := &header{entries: make(map[int]entry, tags), store: string(text)}
	for i := range tags {
		e := index[16*i:]
		h.entries[int(binary.BigEndian.Uint32(e))] = entry{
			binary.BigEndian.Uint32(e[4:]), binary.BigEndian.Uint32(e[8:]), binary.BigEndian.Uint32(e[12:])}
	}
	return h, size, nil
}

// texts returns the strings of a tag, nil where it is absent or damaged.
func (h *header) texts(tag int) []string {
	e, ok := h.entries[tag]
	if !ok || int64(e.offset) > int64(len(h.store)) || e.kind != 6 && e.kind != 8 && e.kind != 9 || e.count > maxCount {
		return nil
	}
	rest := h.store[e.offset:]
	n := e.count
	if e.kind == 6 {
		n = 1
	}
	var out []string
	for range n {
		text, after, ok := strings.Cut(rest, "\x00")
		if !ok {
			return nil
		}
		out = append(out, text)
		rest = after
	}
	return out
}

// text returns the first string of a tag, empty where there is none.
func (h *header) text(tag int) string {
	if t := h.texts(tag); len(t) > 0 {
		return t[0]
	}
	return ""
}

// numbers returns the integers of a tag, nil where it is absent or damaged.
func (h *header) numbers(tag int) []uint64 {
	e, ok := h.entries[tag]
	width := map[uint32]int{3: 2, 4: 4, 5: 8}[e.kind]
	if !ok || width == 0 || e.count > maxCount || int64(e.offset)+int64(e.count)*int64(width) > int64(len(h.store)) {
		return nil
	}
	out := make([]uint64, e.count)
	for i := range out {
		at := int(e.offset) + i*width
		for _, b := range []byte(h.store[at : at+width]) {
			out[i] = out[i]<<8 | uint64(b)
		}
	}
	return out
}

// number returns the first integer of a tag, 0 where there is none or it is
// too large.
func (h *header) number(tag int) int64 {
	if n := h.numbers(tag); len(n) > 0 && n[0] < 1<<62 {
		return int64(n[0])
	}
	return 0
}

// maxChanges bounds the log of changes that is kept.
const maxChanges = 10_000

func (h *header) changes() []Change {
	times, names, texts := h.numbers(tagChangeTime), h.texts(tagChangeName), h.texts(tagChangeText)
	var list []Change
	for i := range min(len(times), len(names), len(texts), maxChanges) {
		list = append(list, Change{time.Unix(int64(times[i]), 0).UTC(), names[i], texts[i]})
	}
	return list
}

func (c *collector) rpmHeader(h *header) error {
	p := c.pkg
	p.Name, p.Version, p.Release, p.Arch = h.text(tagName), h.text(tagVersion), h.text(tagRelease), h.text(tagArch)
	p.Summary, p.Vendor, p.License = h.text(tagSummary), h.text(tagVendor), h.text(tagLicense)
	p.Description, p.URL, p.Group, p.Packager = h.text(tagDescription), h.text(tagURL), h.text(tagGroup), h.text(tagPackager)
	p.SourceName, p.BuildHost = h.text(tagSourceRPM), h.text(tagBuildHost)
	p.BuildTime = time.Unix(h.number(tagBuildTime), 0).UTC()
	p.Installed = h.number(tagLongSize) + h.number(tagSize)
	p.Changes = h.changes()
	if h.number(tagDigestAlgo) == digestSHA256 {
		p.PayloadDigest = h.text(tagDigest)
	}
	if p.Name == "" || p.Version == "" {
		return errors.New("no name or no version")
	}
	if epoch := h.numbers(tagEpoch); len(epoch) > 0 {
		p.Epoch = fmt.Sprint(epoch[0])
	}
	// A binary package names the source package that it was made from.
	p.Source = h.text(tagSourceRPM) == ""
	if p.Source {
		p.Arch = "src"
	}
	for _, r := range rpmRelations {
		p.Depends = append(p.Depends, h.dependencies(r.relation, r.name, r.flags, r.version)...)
		if len(p.Depends) > maxDepends {
			return fmt.Errorf("more than %d dependencies", maxDepends)
		}
	}
	if err := c.rpmScriptlets(h); err != nil {
		return err
	}
	return c.rpmFiles(h)
}

// Bits of a dependency's flags (rpmds.h RPMSENSE_*).
const (
	senseLess    = 2
	senseGreater = 4
	senseEqual   = 8
	sensePre     = 1<<6 | 1<<9 | 1<<10 // PREREQ, SCRIPT_PRE, SCRIPT_POST
)

func (h *header) dependencies(relation Relation, name, flags, version int) []Dependency {
	names, f, versions := h.texts(name), h.numbers(flags), h.texts(version)
	var deps []Dependency
	for i, n := range names {
		d := Dependency{Relation: relation, Name: n}
		if i < len(f) && i < len(versions) {
			if op := senseText(f[i]); op != "" {
				d.Op, d.Version = op, versions[i]
			}
			d.Pre = relation == Requires && f[i]&sensePre != 0
		}
		deps = append(deps, d)
	}
	return deps
}

func senseText(flags uint64) string {
	op := ""
	if flags&senseLess != 0 {
		op += "<"
	}
	if flags&senseGreater != 0 {
		op += ">"
	}
	if flags&senseEqual != 0 {
		op += "="
	}
	return op
}

func (c *collector) rpmScriptlets(h *header) error {
	for _, s := range rpmScripts {
		prog := strings.Join(h.texts(s.prog), " ")
		if _, ok := h.entries[s.script]; !ok && prog == "" {
			continue
		}
		if err := c.script(s.name, prog, h.text(s.script)); err != nil {
			return err
		}
	}
	for _, t := range rpmTriggers {
		err := c.rpmTriggers(t.kind, h.texts(t.scripts), h.texts(t.progs), h.numbers(t.ix),
			h.dependencies("", t.names, t.flags, t.versions), h.numbers(t.flags))
		if err != nil {
			return err
		}
	}
	return nil
}

// rpmTriggers takes triggers of one kind: index gives, for each condition,
// the script that it belongs to.
func (c *collector) rpmTriggers(kind string, scripts, progs []string, index []uint64, conditions []Dependency, flags []uint64) error {
	first := len(c.pkg.Scripts)
	for i, text := range scripts {
		prog := ""
		if i < len(progs) {
			prog = progs[i]
		}
		if err := c.script(kind, prog, text); err != nil {
			return err
		}
	}
	for j, owner := range index {
		if owner >= uint64(len(c.pkg.Scripts)-first) || j >= len(conditions) {
			continue
		}
		s := &c.pkg.Scripts[first+int(owner)]
		s.Conditions = append(s.Conditions, conditions[j].String())
		if j < len(flags) {
			s.Name = kind + triggerSuffix(flags[j])
		}
	}
	return nil
}

// triggerSuffix says when a trigger runs (rpmds.h RPMSENSE_TRIGGER*).
func triggerSuffix(flags uint64) string {
	switch {
	case flags&(1<<25) != 0:
		return "prein"
	case flags&(1<<16) != 0:
		return "in"
	case flags&(1<<17) != 0:
		return "un"
	case flags&(1<<18) != 0:
		return "postun"
	}
	return ""
}

// Bits of a file's flags (rpmfiles.h RPMFILE_*).
const (
	fileConfig    = 1 << 0
	fileNoReplace = 1 << 4
	fileGhost     = 1 << 6
)

// fileNames returns the names of the files: by directories and base names, or in
// packages before rpm 4.0 whole.
func (h *header) fileNames() ([]string, error) {
	dirs, bases, index := h.texts(tagDirNames), h.texts(tagBaseNames), h.numbers(tagDirIndexes)
	if len(bases) == 0 {
		return h.texts(tagOldFiles), nil
	}
	if len(index) != len(bases) {
		return nil, fmt.Errorf("%d names of files and %d of their directories", len(bases), len(index))
	}
	names := make([]string, 0, min(len(bases), maxFiles))
	for i, base := range bases {
		if index[i] >= uint64(len(dirs)) {
			return nil, fmt.Errorf("%.60q: directory %d of %d", base, index[i], len(dirs))
		}
		if len(names) == maxFiles {
			return nil, fmt.Errorf("more than %d files", maxFiles)
		}
		dir := dirs[index[i]]
		if len(dir)+len(base) > maxName {
			return nil, fmt.Errorf("%.60q: name is too long", base)
		}
		names = append(names, dir+base)
	}
	return names, nil
}

// rpmFiles reads the list of files.
func (c *collector) rpmFiles(h *header) error {
	names, err := h.fileNames()
	if err != nil {
		return err
	}
	modes, links, flags := h.numbers(tagFileModes), h.texts(tagFileLinks), h.numbers(tagFileFlags)
	sizes := h.numbers(tagLongSizes)
	if sizes == nil {
		sizes = h.numbers(tagFileSizes)
	}
	for i, name := range names {
		f := File{}
		if f.Path, err = cleanName(name); err != nil {
			return err
		}
		if i < len(sizes) {
			f.Size = int64(min(sizes[i], 1<<62))
		}
		if i < len(modes) {
			f.Mode = unixMode(uint32(modes[i]))
		}
		if i < len(links) {
			f.Target = links[i]
		}
		if i < len(flags) {
			f.Config, f.Ghost = flags[i]&fileConfig != 0, flags[i]&fileGhost != 0
		}
		if f.Target != "" {
			c.link(f.Path, f.Target)
		}
		if err := c.file(f); err != nil {
			return err
		}
	}
	return nil
}

// readPayload reads the cpio archive: new ASCII format (cpio(5)), or rpm's own
// for files of 4 GiB and more, whose entries give only a place in the list of
// files.
func (c *collector) readPayload(r io.Reader) error {
	if c.pkg.Source {
		return nil
	}
	linked := map[uint64][]string{} // names of a file of several names, until its content comes
	for n := 0; ; n++ {
		e, err := readCPIO(r, c.pkg.Files)
		if err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
		if e.name == "TRAILER!!!" {
			return nil
		}
		if n > maxFiles {
			return fmt.Errorf("more than %d entries", maxFiles)
		}
		name, err := cleanName(e.name)
		if err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
		body := &io.LimitedReader{R: r, N: e.size}
		if e.mode&0o170000 == 0o100000 {
			err = c.payloadFile(name, e, body, linked)
		}
		if err == nil {
			_, err = io.Copy(io.Discard, body)
		}
		if err == nil && body.N > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err == nil {
			err = skip(r, -e.size&3)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path.Base(name), err)
		}
	}
}

func (c *collector) payloadFile(name string, e cpioEntry, body io.Reader, linked map[uint64][]string) error {
	if e.links > 1 && e.size == 0 {
		if len(linked) < maxFiles && c.wants(name) {
			linked[e.inode] = append(linked[e.inode], name)
		}
		return nil
	}
	before := len(c.pkg.Modules)
	if err := c.regular(name, body, e.size); err != nil {
		return err
	}
	if e.links > 1 && len(c.pkg.Modules) > before {
		for _, other := range linked[e.inode] {
			if err := c.again(before, other); err != nil {
				return err
			}
		}
		delete(linked, e.inode)
	}
	return nil
}

type cpioEntry struct {
	name               string
	inode, mode, links uint64
	size               int64
}

func readCPIO(r io.Reader, files []File) (cpioEntry, error) {
	var h [110]byte
	if _, err := io.ReadFull(r, h[:6]); err != nil {
		return cpioEntry{}, noEOF(err)
	}
	switch string(h[:6]) {
	case "07070X":
		return readStripped(r, files)
	case "070701", "070702":
	default:
		return cpioEntry{}, fmt.Errorf("no cpio magic: %q", h[:6])
	}
	if _, err := io.ReadFull(r, h[6:]); err != nil {
		return cpioEntry{}, noEOF(err)
	}
	var f [13]uint64
	for i := range f {
		var err error
		if f[i], err = hexField(h[6+8*i : 14+8*i]); err != nil {
			return cpioEntry{}, err
		}
	}
	e := cpioEntry{inode: f[0] | f[7]<<32, mode: f[1], links: f[4], size: int64(f[6])}
	length := int64(f[11])
	if length < 1 || length > maxName {
		return cpioEntry{}, fmt.Errorf("name of %d bytes", length)
	}
	name := make([]byte, length+(-(110+length)&3))
	if _, err := io.ReadFull(r, name); err != nil {
		return cpioEntry{}, noEOF(err)
	}
	text, _, _ := bytes.Cut(name[:length], []byte{0})
	e.name = string(text)
	return e, nil
}

// readStripped reads rpm's entry for large files: eight digits, and two bytes
// to fill four.
func readStripped(r io.Reader, files []File) (cpioEntry, error) {
	var h [10]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return cpioEntry{}, noEOF(err)
	}
	i, err := hexField(h[:8])
	if err != nil {
		return cpioEntry{}, err
	}
	if i >= uint64(len(files)) {
		return cpioEntry{}, fmt.Errorf("file %d of %d", i, len(files))
	}
	f := files[i]
	e := cpioEntry{name: f.Path, inode: i, links: 1, size: f.Size}
	switch {
	case f.Mode.IsRegular():
		e.mode = 0o100000
	case f.Target != "":
		e.size = int64(len(f.Target))
	default:
		e.size = 0
	}
	return e, nil
}

func hexField(b []byte) (uint64, error) {
	var n uint64
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, fmt.Errorf("%.8q is no hexadecimal number", b)
		}
		n = n<<4 | uint64(c)
	}
	return n, nil
}

func skip(r io.Reader, n int64) error {
	_, err := io.CopyN(io.Discard, r, n)
	return noEOF(err)
}
