package kmp

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Tags that are written but not read (rpm 4.18, lib/rpmtag.h).
const (
	tagI18NTable        = 100
	tagOS               = 1021
	tagFileRdevs        = 1033
	tagFileTimes        = 1034
	tagFileDigests      = 1035
	tagFileUsers        = 1039
	tagFileGroups       = 1040
	tagFileVerify       = 1045
	tagFileDevices      = 1095
	tagFileInodes       = 1096
	tagFileLangs        = 1097
	tagPayloadPacker    = 1125
	tagPayloadLevel     = 1126
	tagFileDigestAlgo   = 5011
	tagEncoding         = 5062
	tagPayloadDigestAlt = 5097

	tagImmutable = 63 // the region of the header that is signed
	tagSigRegion = 62 // the one of the header with signatures

	sigDSA    = 267 // signature of the header: DSA, EdDSA
	sigRSA    = 268
	sigSHA1   = 269
	sigSHA256 = 273
	sigMD5    = 1004
)

// Types of values in a header.
const (
	typeInt16     = 3
	typeInt32     = 4
	typeString    = 6
	typeBinary    = 7
	typeStrings   = 8
	typeLocalized = 9
)

// headerWriter gathers the tags of a header.
type headerWriter map[int]written

type written struct {
	kind, count int
	data        []byte
}

func (h headerWriter) text(tag int, text string) {
	h[tag] = written{typeString, 1, append([]byte(text), 0)}
}

// texts sets a list, and nothing where it is empty.
func (h headerWriter) texts(tag int, list []string) {
	if len(list) > 0 {
		h[tag] = written{typeStrings, len(list), []byte(strings.Join(list, "\x00") + "\x00")}
	}
}

func (h headerWriter) localized(tag int, text string) {
	h[tag] = written{typeLocalized, 1, append([]byte(text), 0)}
}

func (h headerWriter) binary(tag int, data []byte) { h[tag] = written{typeBinary, len(data), data} }

func (h headerWriter) int32s(tag int, list ...uint32) {
	if len(list) > 0 {
		data, _ := binary.Append(nil, binary.BigEndian, list)
		h[tag] = written{typeInt32, len(list), data}
	}
}

func (h headerWriter) int16s(tag int, list []uint16) {
	if len(list) > 0 {
		data, _ := binary.Append(nil, binary.BigEndian, list)
		h[tag] = written{typeInt16, len(list), data}
	}
}

// bytes returns the header as one region: the index with the region's own entry
// first, and behind the store the trailer that entry leads to.
func (h headerWriter) bytes(region int) []byte {
	var index, store []byte
	tags := slices.Sorted(func(yield func(int) bool) {
		for tag := range h {
			if !yield(tag) {
				return
			}
		}
	})
	add := func(to []byte, tag, kind, offset, count int) []byte {
		for _, n := range []int{tag, kind, offset, count} {
			to = binary.BigEndian.AppendUint32(to, uint32(int32(n)))
		}
		return to
	}
	for _, tag := range tags {
		v := h[tag]
		if width := map[int]int{typeInt16: 2, typeInt32: 4}[v.kind]; width > 0 {
			store = append(store, make([]byte, -len(store)&(width-1))...)
		}
		index = add(index, tag, v.kind, len(store), v.count)
		store = append(store, v.data...)
	}
	n := len(h) + 1
	out := []byte{0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0}
	out = binary.BigEndian.AppendUint32(out, uint32(n))
	out = binary.BigEndian.AppendUint32(out, uint32(len(store)+16))
	out = add(out, region, typeBinary, len(store), 16)
	out = append(append(out, index...), store...)
	return add(out, region, typeBinary, -16*n, 16)
}

func writeRPM(w io.Writer, p *Package, contents []Content, o WriteOptions) error {
	if err := checkRPM(p); err != nil {
		return err
	}
	if o.Date.Unix() < 0 || o.Date.Unix() > math.MaxUint32 {
		return fmt.Errorf("date %s: an .rpm has none such", o.Date)
	}
	packer, err := compressorOf(o.Compression)
	if err != nil {
		return err
	}
	var payload bytes.Buffer
	plain := sha256.New()
	size := int64(0)
	err = packer.compressed(&payload, func(w io.Writer) error {
		size, err = writePayload(io.MultiWriter(w, plain), contents, uint32(o.Date.Unix()))
		return err
	})
	if err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	h := headerWriter{}
	h.describe(p, o)
	h.files(contents, uint32(o.Date.Unix()))
	h.payload(packer, payload.Bytes(), plain.Sum(nil))
	h.scripts(p.Scripts)
	if err := h.dependencies(p, packer, len(contents) > 0); err != nil {
		return err
	}
	main := h.bytes(tagImmutable)
	signatures, err := signed(main, payload.Bytes(), size, o.Sign)
	if err != nil {
		return err
	}
	for _, part := range [][]byte{lead(p), signatures, make([]byte, -len(signatures)&7), main, payload.Bytes()} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// lead makes the first 96 bytes, which tell file(1) what it is; rpm itself looks
// at the magic only.
func lead(p *Package) []byte {
	b := make([]byte, leadSize)
	copy(b, []byte{0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 0, 0, 1})
	copy(b[10:75], p.Name+"-"+p.Version+"-"+p.Release)
	b[77], b[79] = 1, 5 // Linux; signatures in a header
	return b
}

// checkRPM says what rpm would not take.
func checkRPM(p *Package) error {
	err := cmp.Or(named("name", p.Name, "._+-"), named("version", p.Version, "._+~^"), named("release", p.Release, "._+~^"), named("architecture", p.Arch, "_"),
		oneLine("summary", p.Summary), oneLine("license", p.License), oneLine("vendor", p.Vendor), oneLine("URL", p.URL), oneLine("packager", p.Packager))
	if _, epochErr := strconv.ParseUint(cmp.Or(p.Epoch, "0"), 10, 31); epochErr != nil {
		err = cmp.Or(err, fmt.Errorf("epoch %.20q is no number", p.Epoch))
	}
	if strings.Contains(p.Description, "\x00") {
		err = cmp.Or(err, errors.New("description: has a NUL"))
	}
	for _, s := range p.Scripts {
		if !slices.ContainsFunc(rpmScripts, func(r rpmScript) bool { return r.name == s.Name && r.phase != 0 }) || !strings.HasPrefix(s.Interpreter, "/") {
			err = cmp.Or(err, fmt.Errorf("scriptlet %.20q of %.40q is not one that is written", s.Name, s.Interpreter))
		}
	}
	return err
}

// describe sets what the package says of itself.
func (h headerWriter) describe(p *Package, o WriteOptions) {
	h.texts(tagI18NTable, []string{"C"})
	for tag, text := range map[int]string{tagName: p.Name, tagVersion: p.Version, tagRelease: p.Release, tagArch: p.Arch, tagOS: "linux",
		tagFormat: "cpio", tagEncoding: "utf-8", tagLicense: cmp.Or(p.License, "unknown"), tagBuildHost: cmp.Or(p.BuildHost, "localhost"),
		tagVendor: p.Vendor, tagPackager: p.Packager, tagURL: p.URL,
		// Without it rpm takes the package for one of sources.
		tagSourceRPM: cmp.Or(p.SourceName, p.Name+"-"+p.Version+"-"+p.Release+".src.rpm")} {
		if text != "" {
			h.text(tag, text)
		}
	}
	h.localized(tagSummary, cmp.Or(p.Summary, p.Name))
	h.localized(tagDescription, cmp.Or(p.Description, p.Summary, p.Name))
	h.localized(tagGroup, cmp.Or(p.Group, "System/Kernel"))
	h.int32s(tagBuildTime, uint32(o.Date.Unix()))
	if epoch, err := strconv.ParseUint(p.Epoch, 10, 31); err == nil {
		h.int32s(tagEpoch, uint32(epoch))
	}
	var times []uint32
	var names, texts []string
	for _, c := range p.Changes {
		times, names, texts = append(times, uint32(c.Time.Unix())), append(names, c.Name), append(texts, c.Text)
	}
	h.int32s(tagChangeTime, times...)
	h.texts(tagChangeName, names)
	h.texts(tagChangeText, texts)
}

// files sets the list of files, sorted by path as contents are.
func (h headerWriter) files(contents []Content, date uint32) {
	n := len(contents)
	var dirs, bases, digests, links []string
	var modes []uint16
	sizes, inodes, flags, index := make([]uint32, n), make([]uint32, n), make([]uint32, n), make([]uint32, n)
	places := map[string]int{}
	total := uint32(0)
	for i, c := range contents {
		dir, base := path.Split(c.Path)
		if _, ok := places[dir]; !ok {
			places[dir] = len(dirs)
			dirs = append(dirs, dir)
		}
		bases, links, index[i] = append(bases, base), append(links, c.Target), uint32(places[dir])
		digests, modes = append(digests, c.digest()), append(modes, uint16(unixBits(c.Mode)))
		sizes[i], inodes[i], flags[i] = uint32(max(len(c.Data), len(c.Target))), uint32(i+1), c.flags()
		total += sizes[i]
	}
	h.int32s(tagSize, total)
	if n == 0 {
		return
	}
	h.texts(tagDirNames, dirs)
	h.texts(tagBaseNames, bases)
	h.int32s(tagDirIndexes, index...)
	h.texts(tagFileDigests, digests)
	h.int32s(tagFileDigestAlgo, digestSHA256)
	h.texts(tagFileLinks, links)
	h.int16s(tagFileModes, modes)
	h.int32s(tagFileSizes, sizes...)
	h.int32s(tagFileInodes, inodes...)
	h.int32s(tagFileFlags, flags...)
	// The same for all of them.
	h.int32s(tagFileTimes, slices.Repeat([]uint32{date}, n)...)
	h.int16s(tagFileRdevs, make([]uint16, n))
	h.int32s(tagFileDevices, slices.Repeat([]uint32{1}, n)...)
	h.int32s(tagFileVerify, slices.Repeat([]uint32{math.MaxUint32}, n)...)
	h.texts(tagFileUsers, slices.Repeat([]string{"root"}, n))
	h.texts(tagFileGroups, slices.Repeat([]string{"root"}, n))
	h.texts(tagFileLangs, make([]string, n))
}

// digest is the SHA-256 of a regular file, empty for others.
func (c *Content) digest() string {
	if !c.Mode.IsRegular() {
		return ""
	}
	sum := sha256.Sum256(c.Data)
	return hex.EncodeToString(sum[:])
}

// flags are rpm's flags of a file.
func (c *Content) flags() uint32 {
	flags := uint32(0)
	if c.Config {
		flags |= fileConfig | fileNoReplace
	}
	if c.Ghost {
		flags |= fileGhost
	}
	return flags
}

// payload sets how the archive is packed, and its digests packed and plain.
func (h headerWriter) payload(packer compressor, packed, plain []byte) {
	if packer.suffix != "" {
		h.text(tagPayloadPacker, packer.name)
		h.text(tagPayloadLevel, packer.level)
	}
	sum := sha256.Sum256(packed)
	h.texts(tagDigest, []string{hex.EncodeToString(sum[:])})
	h.texts(tagPayloadDigestAlt, []string{hex.EncodeToString(plain)})
	h.int32s(tagDigestAlgo, digestSHA256)
}

func (h headerWriter) scripts(scripts []Script) {
	for _, s := range scripts {
		for _, r := range rpmScripts {
			if r.name == s.Name {
				h.text(r.script, strings.TrimRight(s.Text, "\n")) // as rpmbuild does
				h.text(r.prog, s.Interpreter)
			}
		}
	}
}

// need is a dependency with rpm's flags.
type need struct {
	Dependency
	flags uint32
}

// Bits of a dependency's flags that are written (rpmds.h RPMSENSE_*).
const (
	senseScripts     = 1<<10 | 1<<12 // SCRIPT_POST, SCRIPT_POSTUN: as Requires(post,postun)
	senseInterpreter = 1 << 8
	senseRPMLib      = 1 << 24
)

func (h headerWriter) dependencies(p *Package, packer compressor, files bool) error {
	all := implied(p, packer, files)
	for _, d := range p.Depends {
		flags := uint32(0)
		for i, c := range "<>=" {
			if strings.ContainsRune(d.Op, c) {
				flags |= []uint32{senseLess, senseGreater, senseEqual}[i]
			}
		}
		if d.Pre {
			flags |= senseScripts
		}
		if senseText(uint64(flags)) != d.Op || (d.Op == "") != (d.Version == "") || !rpmName(d.Name) {
			return fmt.Errorf("dependency %.60q %.4q %.40q: not one of rpm's", d.Name, d.Op, d.Version)
		}
		if err := oneLine("dependency", d.Name+d.Version); err != nil {
			return err
		}
		all = append(all, need{d, flags})
	}
	slices.SortFunc(all, func(a, b need) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version), cmp.Compare(a.flags, b.flags))
	})
	all = slices.CompactFunc(all, func(a, b need) bool {
		return a.Relation == b.Relation && a.Name == b.Name && a.Version == b.Version && a.flags == b.flags
	})
	for _, r := range rpmRelations {
		var names, versions []string
		var flags []uint32
		for _, n := range all {
			if n.Relation == r.relation {
				names, versions, flags = append(names, n.Name), append(versions, n.Version), append(flags, n.flags)
			}
		}
		h.texts(r.name, names)
		h.texts(r.version, versions)
		h.int32s(r.flags, flags...)
	}
	return nil
}

// rpmName says whether a dependency's name is one: of a package or a capability,
// or a whole expression in parentheses.
func rpmName(name string) bool {
	return name != "" && (name[0] == '(' || !strings.ContainsAny(name, " \t<>=|"))
}

// isas are what rpm calls the architectures in NAME(ISA) (its isa macros).
var isas = map[string]string{"x86_64": "x86-64", "i686": "x86-32", "aarch64": "aarch-64", "ppc64le": "ppc-64", "ppc64": "ppc-64",
	"s390x": "s390-64", "riscv64": "riscv-64", "loongarch64": "loongarch-64", "armv7hl": "armv7hl-32"}

// implied returns the dependencies that every package has, and those that say
// what the rpm that installs it must know.
func implied(p *Package, packer compressor, files bool) []need {
	provide := func(name string) need {
		return need{Dependency{Relation: Provides, Name: name, Op: "=", Version: p.EVR()}, senseEqual}
	}
	list := []need{provide(p.Name)}
	if isa := isas[p.Arch]; isa != "" {
		list = append(list, provide(p.Name+"("+isa+")"))
	}
	feature := func(wanted bool, name, since string) {
		if wanted {
			list = append(list, need{Dependency{Relation: Requires, Name: "rpmlib(" + name + ")", Op: "<=", Version: since}, senseRPMLib | senseLess | senseEqual})
		}
	}
	versions := p.Version + p.Release
	rich := false
	for _, d := range p.Depends {
		versions += d.Version
		rich = rich || strings.HasPrefix(d.Name, "(")
	}
	feature(files, "CompressedFileNames", "3.0.4-1")
	feature(files, "FileDigests", "4.6.0-1")
	feature(true, "PayloadFilesHavePrefix", "4.0-1")
	feature(packer.name == "zstd", "PayloadIsZstd", "5.4.18-1")
	feature(packer.name == "xz", "PayloadIsXz", "5.2-1")
	feature(rich, "RichDependencies", "4.12.0-1")
	feature(strings.Contains(versions, "~"), "TildeInVersions", "4.10.0-1")
	feature(strings.Contains(versions, "^"), "CaretInVersions", "4.15.0-1")
	for _, s := range p.Scripts {
		for _, r := range rpmScripts {
			if r.name == s.Name {
				list = append(list, need{Dependency{Relation: Requires, Name: s.Interpreter}, senseInterpreter | r.phase})
			}
		}
	}
	return list
}

// writePayload writes the archive in cpio's new ASCII format and returns its
// size in bytes. Names begin with a dot, as rpm has them.
func writePayload(w io.Writer, contents []Content, date uint32) (int64, error) {
	size := int64(0)
	write := func(b []byte) error {
		n, err := w.Write(b)
		size += int64(n)
		return err
	}
	entry := func(name string, inode, mode, links, date uint32, data []byte) error {
		head := "070701"
		for _, n := range []uint32{inode, mode, 0, 0, links, date, uint32(len(data)), 0, 0, 0, 0, uint32(len(name) + 1), 0} {
			head += fmt.Sprintf("%08x", n)
		}
		head += name + "\x00"
		head += strings.Repeat("\x00", -len(head)&3)
		return cmp.Or(write([]byte(head)), write(data), write(make([]byte, -len(data)&3)))
	}
	for i, c := range contents {
		if c.Ghost {
			continue
		}
		data := c.Data
		if c.Target != "" {
			data = []byte(c.Target)
		}
		links := uint32(1)
		if c.Mode.IsDir() {
			links = 2
		}
		if err := entry("."+c.Path, uint32(i+1), unixBits(c.Mode), links, date, data); err != nil {
			return 0, err
		}
	}
	err := entry("TRAILER!!!", 0, 0, 1, 0, nil)
	return size, err
}

// signed makes the header with digests and the signature.
func signed(main, payload []byte, plain int64, sign func([]byte) ([]byte, error)) ([]byte, error) {
	h := headerWriter{}
	both := md5.New() // with the payload: what rpm before 4.14 holds the whole against
	both.Write(main)
	both.Write(payload)
	h.binary(sigMD5, both.Sum(nil))
	one, two := sha1.Sum(main), sha256.Sum256(main)
	h.text(sigSHA1, hex.EncodeToString(one[:]))
	h.text(sigSHA256, hex.EncodeToString(two[:]))
	h.int32s(sigSize, uint32(len(main)+len(payload)))
	h.int32s(sigPayloadSize, uint32(plain))
	if sign != nil {
		signature, err := sign(main)
		if err != nil {
			return nil, fmt.Errorf("sign the header: %w", err)
		}
		tag, err := signatureTag(signature)
		if err != nil {
			return nil, err
		}
		h.binary(tag, signature)
	}
	return h.bytes(tagSigRegion), nil
}

// signatureTag returns the tag for an OpenPGP signature packet: rpm has one for
// RSA and one for the rest.
func signatureTag(packet []byte) (int, error) {
	if len(packet) < 8 || packet[0]&0x80 == 0 {
		return 0, errors.New("sign the header: no OpenPGP signature")
	}
	body := packet[2:] // behind tag and a length of one byte
	switch {
	case packet[0]&0x40 == 0 && packet[0]&3 == 1, packet[0]&0x40 != 0 && packet[1] >= 192 && packet[1] < 224:
		body = packet[3:]
	case packet[0]&0x40 == 0 && packet[0]&3 != 0, packet[0]&0x40 != 0 && packet[1] >= 224:
		return 0, errors.New("sign the header: signature packet of more than 8383 bytes")
	}
	if body[0] != 4 {
		return 0, fmt.Errorf("sign the header: version %d of OpenPGP signatures, and rpm reads 4", body[0])
	}
	switch body[2] { // RFC 4880, 9.1; 22 is EdDSA's in RFC 9580
	case 1, 2, 3:
		return sigRSA, nil
	case 17, 22:
		return sigDSA, nil
	}
	return 0, fmt.Errorf("sign the header: algorithm %d of OpenPGP: rpm 4.18 reads signatures of RSA, DSA and EdDSA keys (Ed25519)", body[2])
}
