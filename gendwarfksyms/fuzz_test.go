package gendwarfksyms

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modkeep/internal/cputime"
)

// FuzzReadObject reads any bytes as object file: nothing panics, and what is
// not whole is an error.
func FuzzReadObject(f *testing.F) {
	paths, _ := filepath.Glob("testdata/*.s")
	for _, path := range paths {
		object := filepath.Join(f.TempDir(), "object.o")
		if exec.Command("as", path, "-o", object).Run() != nil {
			continue
		}
		data, err := os.ReadFile(object)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, true)
		f.Add(data, false)
	}
	for _, o := range hostile() {
		if data := o.bytes(); len(data) < 1<<16 {
			f.Add(data, true)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, stable bool) {
		read(data, stable, 1<<12)
	})
}

// exportsOfFuzz are symbols that the files have.
const exportsOfFuzz = "a\nv_rec\nv_uses\nparameters\ntree\nPAIR\nnode\nf_uses\nreturns\nextern_f\nv_void\n"

// read reads an object file for all symbols that tests use,
// with so many visits of DIEs at most.
func read(data []byte, stable bool, visits int) error {
	v, err := New(strings.NewReader(exportsOfFuzz), Options{Stable: stable})
	if err != nil {
		return err
	}
	v.maxVisits = visits
	err = v.ReadObject("object", bytes.NewReader(data), int64(len(data)), io.Discard)
	v.Exports()
	return err
}

// made is an object file for x86-64 with sections and nothing else.
type made struct {
	info, abbrev []byte
}

// bytes returns the file.
func (m made) bytes() []byte {
	names := "\x00.debug_info\x00.debug_abbrev\x00.shstrtab\x00"
	var b bytes.Buffer
	b.Write(make([]byte, 64))
	var headers []elf.Section64
	add := func(name string, data []byte) {
		at := strings.Index(names, "\x00"+name+"\x00") + 1
		headers = append(headers, elf.Section64{Name: uint32(at), Type: uint32(elf.SHT_PROGBITS), Off: uint64(b.Len()), Size: uint64(len(data))})
		b.Write(data)
	}
	headers = append(headers, elf.Section64{})
	add(".debug_info", m.info)
	add(".debug_abbrev", m.abbrev)
	add(".shstrtab", []byte(names))
	headers[3].Type = uint32(elf.SHT_STRTAB)
	shoff := b.Len()
	binary.Write(&b, binary.LittleEndian, headers)
	out := b.Bytes()
	var head bytes.Buffer
	binary.Write(&head, binary.LittleEndian, elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', 2, 1, 1}, Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_X86_64),
		Version: 1, Shoff: uint64(shoff), Ehsize: 64, Shentsize: 64, Shnum: uint16(len(headers)), Shstrndx: 3,
	})
	copy(out, head.Bytes())
	return out
}

// unit5 is a unit of DWARF 5 with these entries.
func unit5(entries []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(entries)+8))
	b = append(b, 5, 0, 1, 8, 0, 0, 0, 0)
	return append(b, entries...)
}

// The abbreviations of made files: 1 a unit, 2 a variable a, 3 a pointer, 4 a
// function type, 5 a parameter, 6 a namespace, 7 a structure with a name, each
// type a reference of four bytes.
var madeAbbrevs = []byte{
	1, 0x11, 1, 0, 0,
	2, tagVariable, 0, 0x03, formString, 0x49, formRef4, 0, 0,
	3, tagPointer, 0, 0x49, formRef4, 0, 0,
	4, tagSubroutine, 1, 0x49, formRef4, 0, 0,
	5, tagFormalParameter, 0, 0x49, formRef4, 0, 0,
	6, tagNamespace, 1, 0x03, formString, 0, 0,
	7, tagStructure, 1, 0x03, formString, 0, 0,
	8, tagMember, 0, 0x49, formRef4, 0, 0,
	0,
}

const firstEntry = 12 // offset of the unit's DIE in it

func ref(at int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(at)) }

// hostile are files that are made to take long or much.
func hostile() map[string]made {
	list := map[string]made{}
	variable := func(to int) []byte { return append([]byte{1, 2, 'a', 0}, ref(to)...) }
	first := firstEntry + len(variable(0))
	list["pointer to itself"] = made{unit5(append(variable(first), append([]byte{3}, ref(first)...)...)), madeAbbrevs}

	chain := variable(first)
	for i := range 1 << 20 {
		chain = append(append(chain, 3), ref(first+5*(i+1))...)
	}
	list["long chain"] = made{unit5(append(chain, 3, 0xff, 0xff, 0xff, 0xff, 0)), madeAbbrevs}

	// Function types that have the next one as parameter twice, and return it.
	doubling := variable(first)
	const size = 5 + 5 + 5 + 1
	for i := range 64 {
		next := ref(first + size*(i+1))
		doubling = append(append(doubling, 4), next...)
		doubling = append(append(append(append(doubling, 5), next...), 5), next...)
		doubling = append(doubling, 0)
	}
	list["doubling"] = made{unit5(append(doubling, 3, 0xff, 0xff, 0xff, 0xff, 0)), madeAbbrevs}

	scopes := []byte{1}
	for range 1 << 15 {
		scopes = append(scopes, 6, 'n', 0)
	}
	list["scopes"] = made{unit5(append(scopes, 2, 'a', 0, 0xff, 0xff, 0xff, 0xff)), madeAbbrevs}

	inner := variable(first)
	for i := range 1 << 12 {
		inner = append(append(inner, 7, 'n', 0, 8), ref(first+8*min(i+1, 1<<12-1))...)
	}
	list["structures in structures"] = made{unit5(inner), madeAbbrevs}
	// Variables with as many attributes as an abbreviation may have, and more.
	for name, n := range map[string]int{"many attributes": maxAttrs, "too many attributes": 1 << 20} {
		kind := []byte{2, tagVariable, 0}
		for range n - 1 {
			kind = append(kind, 0x01, formFlagPresent)
		}
		kind = append(kind, 0x01, formData1, 0, 0, 0)
		variables := append([]byte{1}, bytes.Repeat([]byte{2, 0}, 1<<19)...)
		list[name] = made{unit5(append(variables, 0)), append(bytes.Clone(madeAbbrevs[:5]), kind...)}
	}
	list["no end"] = made{unit5([]byte{1, 2, 'a'}), madeAbbrevs}
	list["no abbreviation"] = made{unit5([]byte{1, 99}), madeAbbrevs}
	list["units"] = made{bytes.Repeat(unit5([]byte{1, 0}), 1<<16), madeAbbrevs}
	list["empty"] = made{nil, nil}
	return list
}

// TestHostile reads files that are made to take long or much: they end.
func TestHostile(t *testing.T) {
	fine := map[string]bool{"units": true, "structures in structures": true, "many attributes": true}
	for name, o := range hostile() {
		for _, stable := range []bool{false, true} {
			clock := cputime.Start()
			err := read(o.bytes(), stable, maxVisits)
			took := clock.Took()
			cputime.Hold(t, took, time.Second)
			if t.Logf("%s, stable %v: %v %v", name, stable, err, took); (err == nil) != fine[name] {
				t.Errorf("%s, stable %v: error %v", name, stable, err)
			}
		}
	}
}

// TestDamaged changes bytes of real files, and cuts them.
func TestDamaged(t *testing.T) {
	data, err := os.ReadFile(assembled(t, "testdata/rust-4.s"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(data); i += 37 {
		broken := bytes.Clone(data)
		broken[i] ^= 0xff
		read(broken, true, maxVisits)
		read(data[:i], true, maxVisits)
	}
}
