package image

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"testing"
	"time"

	"modkeep/ko/ksymtab"
	"modkeep/symvers"
)

// recipe says how a kernel for a test is made.
type recipe struct {
	order    binary.ByteOrder
	is64     bool
	form     ksymtab.Form
	base     uint64 // address of its memory
	crcs     string // "", "u32", "ulong", "relative"
	flags    bool   // one table with __kflagstab
	machine  uint16
	padCerts int // alignment of the list's sizes
	certs    [][]byte
}

var (
	prel3   = ksymtab.Form{Width: 4, Fields: 3, Relative: true}
	prel2   = ksymtab.Form{Width: 4, Fields: 2, Relative: true}
	abs64x3 = ksymtab.Form{Width: 8, Fields: 3}
	abs64x2 = ksymtab.Form{Width: 8, Fields: 2}
	abs32x3 = ksymtab.Form{Width: 4, Fields: 3}
	abs32x2 = ksymtab.Form{Width: 4, Fields: 2}
	le, be  = binary.ByteOrder(binary.LittleEndian), binary.ByteOrder(binary.BigEndian)
)

const (
	madeBanner   = "6.1.0-7-made (maker@example.org) #1 SMP Made 6.1.7-1 (2026-01-02)"
	madeVersion  = "Linux version 6.1.0-7-made (maker@example.org) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld 2.40) #1 SMP Made 6.1.7-1 (2026-01-02)"
	madeVermagic = "6.1.0-7-made SMP preempt mod_unload modversions "
)

// made is a kernel's memory, and what lies where in it.
type made struct {
	recipe
	mem      []byte
	sections [][3]any // name, offset, size
	exports  []symvers.Export
}

func (m *made) section(name string, align int, data []byte) int {
	for len(m.mem)%align != 0 {
		m.mem = append(m.mem, 0)
	}
	off := len(m.mem)
	m.mem = append(m.mem, data...)
	m.sections = append(m.sections, [3]any{name, off, len(data)})
	return off
}

func (m *made) word(v uint64, width int) []byte {
	b := make([]byte, width)
	if width == 8 {
		m.order.PutUint64(b, v)
	} else {
		m.order.PutUint32(b, uint32(v))
	}
	return b
}

// build makes a kernel with 60 exports of each type.
func (r recipe) build() *made {
	m := &made{recipe: r}
	const n = 60
	for i := range 2 * n {
		e := symvers.Export{Symbol: fmt.Sprintf("sym_%c%02d", 'a'+byte(i%2), i/2), Module: symvers.Vmlinux, Type: symvers.Plain}
		if i >= n || r.flags && i%3 == 0 {
			e.Type = symvers.GPL
		}
		if r.crcs != "" {
			e.CRC, e.HasCRC = symvers.CRC(0x9e3779b9*uint32(i+1)), true
		}
		if i%7 == 0 && r.form.Fields == 3 {
			e.Namespace = "module:kvm,kvm-amd"
		}
		m.exports = append(m.exports, e)
	}
	sortTable(m.exports[:n])
	sortTable(m.exports[n:])
	if r.flags {
		sortTable(m.exports)
	}
	m.rodata()
	m.tables(n)
	m.initData()
	return m
}

func sortTable(e []symvers.Export) {
	for i := range e {
		for j := i; j > 0 && e[j].Symbol < e[j-1].Symbol; j-- {
			e[j], e[j-1] = e[j-1], e[j]
		}
	}
}

func (m *made) rodata() {
	text := "Linux version %s\x00Linux version 6.1.0-7-made (maker@example.org) # SMP\x00" + madeVersion + "\n\x00"
	text += "6.1.0-7-made (maker@example.org)\x00" + madeVermagic + "\x00IKCFG_ST\x1f\x8bconfigIKCFG_ED"
	b := make([]byte, 4096)
	copy(b[100:], text)
	for i, e := range m.exports { // where relative CRCs point
		copy(b[2048+4*i:], m.word(uint64(e.CRC), 4))
	}
	m.section(".rodata", 4096, b)
}

// tables appends the export tables as RO_DATA orders them; n is the length of
// the first.
func (m *made) tables(n int) {
	names := map[string]int{}
	strs := []byte{}
	for i := len(m.exports) - 1; i >= 0; i-- {
		for _, s := range []string{m.exports[i].Symbol, m.exports[i].Namespace} {
			if _, ok := names[s]; !ok {
				names[s] = len(strs)
				strs = append(append(strs, s...), 0)
			}
		}
	}
	groups := [][]symvers.Export{m.exports[:n], m.exports[n:]}
	if m.flags {
		groups = [][]symvers.Export{m.exports}
	}
	at, all := (len(m.mem)+7)/8*8, len(m.exports)
	strings := at + all*m.form.Size()
	if m.crcs != "" {
		strings += all * len(m.crc(0, 0))
	}
	if m.flags {
		strings += all
	}
	for i, g := range groups {
		var b []byte
		for _, e := range g {
			for f, target := range []int{16, strings + names[e.Symbol], strings + names[e.Namespace]}[:m.form.Fields] {
				_ = f
				v := m.base + uint64(target)
				if m.form.Relative {
					v = uint64(target - at - len(b))
				}
				b = append(b, m.word(v, m.form.Width)...)
			}
		}
		m.section([]string{"__ksymtab", "__ksymtab_gpl"}[i], 1, append(make([]byte, at-len(m.mem)), b...)[at-len(m.mem):])
		at += len(b)
	}
	k := 0
	for i, g := range groups {
		var b []byte
		for range g {
			b = append(b, m.crc(k, len(m.mem)+len(b))...)
			k++
		}
		if m.crcs != "" {
			m.section([]string{"__kcrctab", "__kcrctab_gpl"}[i], 1, b)
		}
	}
	if m.flags {
		var b []byte
		for _, e := range m.exports {
			b = append(b, map[symvers.Type]byte{symvers.GPL: 1}[e.Type])
		}
		m.section("__kflagstab", 1, b)
	}
	m.section("__ksymtab_strings", 1, strs)
}

// crc returns entry i of the CRC tables, which lies at offset at.
func (m *made) crc(i, at int) []byte {
	switch {
	case m.crcs == "relative":
		return m.word(uint64(2048+4*i-at), 4)
	case m.crcs == "ulong" && m.is64:
		return m.word(uint64(m.exports[i].CRC), 8)
	}
	return m.word(uint64(m.exports[i].CRC), 4)
}

// initData appends a list of certificates and, before it, one that is not the
// list.
func (m *made) initData() {
	if m.certs == nil {
		return
	}
	const size = 8192
	b := make([]byte, 0, size)
	b = append(append(b, m.certs[0]...), make([]byte, 512)...)
	begin := len(b)
	for _, c := range m.certs {
		b = append(b, c...)
	}
	sizes := []int{len(b) - begin, len(m.certs[0])}
	for _, v := range sizes {
		for len(b)%m.padCerts != 0 {
			b = append(b, 0)
		}
		b = append(b, m.word(uint64(v), map[bool]int{true: 8, false: 4}[m.is64])...)
	}
	m.section(".init.data", 4096, b)
}

// elf wraps the memory in an ELF file.
func (m *made) elf() []byte {
	const at = 4096
	names := []byte{0}
	type header struct{ name, off, size, typ, flags int }
	headers := []header{{}}
	for _, s := range m.sections {
		headers = append(headers, header{len(names), s[1].(int), s[2].(int), 1, 2})
		names = append(append(names, s[0].(string)...), 0)
	}
	headers = append(headers, header{len(names), len(m.mem), 0, 3, 0})
	names = append(names, ".shstrtab\x00"...)
	headers[len(headers)-1].size = len(names)
	file := append(make([]byte, at), m.mem...)
	file = append(file, names...)
	for len(file)%8 != 0 {
		file = append(file, 0)
	}
	shoff := len(file)
	word := map[bool]int{true: 8, false: 4}[m.is64]
	for i, h := range headers {
		addr := m.base + uint64(h.off)
		if h.flags == 0 {
			addr = 0
		}
		off := at + h.off
		if i == 0 {
			off = 0
		}
		file = append(append(file, m.word(uint64(h.name), 4)...), m.word(uint64(h.typ), 4)...)
		for _, v := range []uint64{uint64(h.flags), addr, uint64(off), uint64(h.size)} {
			file = append(file, m.word(v, word)...)
		}
		file = append(file, make([]byte, 8)...)
		file = append(append(file, m.word(1, word)...), m.word(0, word)...)
	}
	m.elfHeader(file, shoff, len(headers))
	return file
}

func (m *made) elfHeader(file []byte, shoff, n int) {
	o := m.order
	copy(file, "\x7fELF\x01\x01\x01")
	if o == be {
		file[5] = 2
	}
	o.PutUint16(file[16:], 2)
	o.PutUint16(file[18:], m.machine)
	o.PutUint32(file[20:], 1)
	tail, ent := file[36:], 40
	if m.is64 {
		file[4] = 2
		o.PutUint64(file[40:], uint64(shoff))
		tail, ent = file[48:], 64
	} else {
		o.PutUint32(file[32:], uint32(shoff))
	}
	o.PutUint16(tail[10:], uint16(ent))
	o.PutUint16(tail[12:], uint16(n))
	o.PutUint16(tail[14:], uint16(n-1))
}

// bzImage wraps a payload as arch/x86/boot does; the size that the build
// appends stands behind the packed bytes.
func bzImage(payload []byte, size int) []byte {
	payload = binary.LittleEndian.AppendUint32(bytes.Clone(payload), uint32(size))
	file := make([]byte, 5*512+300)
	copy(file[0x202:], "HdrS")
	file[0x1f1] = 4
	binary.LittleEndian.PutUint16(file[0x206:], 0x20f)
	binary.LittleEndian.PutUint16(file[0x20e:], 0x300)
	copy(file[0x500:], madeBanner)
	binary.LittleEndian.PutUint32(file[0x248:], 300)
	binary.LittleEndian.PutUint32(file[0x24c:], uint32(len(payload)))
	return append(append(file, payload...), "signature and other things"...)
}

func zboot(payload []byte) []byte {
	file := make([]byte, 512)
	copy(file, "MZ\x00\x00zimg")
	binary.LittleEndian.PutUint32(file[8:], 512)
	binary.LittleEndian.PutUint32(file[12:], uint32(len(payload)))
	return append(append(file, payload...), 0, 0, 0, 0)
}

// certificate makes a self-signed certificate with an RSA-sized DER: the list
// has two bytes of length.
func certificate(t testing.TB, name string) []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
		CRLDistributionPoints: []string{"http://example.org/" + string(bytes.Repeat([]byte{'x'}, 120))},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func packWith(t testing.TB, w io.WriteCloser, out *bytes.Buffer, in []byte) []byte {
	if _, err := w.Write(in); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
