package symvers

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const kallsymsText = `0000000000000000 A fixed_percpu_data
ffffffff81000000 T _text
ffffffff8104a1b0 T printk
ffffffff82400000 R __start___ksymtab
ffffffff82400000 r __ksymtab_printk
ffffffff8240000c r __ksymtab_no_crc
ffffffff82400018 R __start___ksymtab_gpl
ffffffff82400018 R __stop___ksymtab
ffffffff82400018 r __ksymtab_gpl_thing
ffffffff82400024 R __stop___ksymtab_gpl
0000000092997ed8 A __crc_printk
00000000001b7d40 A __crc_gpl_thing
                 w __crc_nothing
ffffffffc0a01000 t helper	[nfs]
ffffffffc0a02000 r __ksymtab_nfs_do	[nfs]
000000001b7d4074 a __crc_nfs_do	[nfs]
`

func TestParseKallsyms(t *testing.T) {
	table, err := ParseKallsyms(strings.NewReader(kallsymsText))
	if err != nil {
		t.Fatal(err)
	}
	want := []Export{
		{"printk", 0x92997ed8, true, "vmlinux", Plain, ""},
		{"no_crc", 0, false, "vmlinux", Plain, ""},
		{"gpl_thing", 0x001b7d40, true, "vmlinux", GPL, ""},
		{"nfs_do", 0x1b7d4074, true, "nfs", "", ""},
	}
	if d := cmp.Diff(want, table.Exports); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestKallsymsOtherForms(t *testing.T) {
	tests := []struct {
		name, in string
		want     []Export
		err      error
	}{
		{"hidden", "0000000000000000 T _text\n0000000000000000 r __ksymtab_printk\n0000000000000000 A __crc_printk\n", nil, ErrHidden},
		{"Debian's System.map", "ffffffffffffffff B The real System.map is in the linux-image-<version>-dbg package\n", nil, ErrNoExports},
		{"nothing", "", nil, ErrNoExports},
		{"powerpc 5.10: CRC elsewhere", "c000000001102300 r __crc_printk\nc000000001102304 r __ksymtab_printk\n",
			[]Export{{"printk", 0, false, "vmlinux", "", ""}}, nil},
		{"32 bits, CRCs only", "c0100000 T _stext\r\n1b7d4074 A __crc_printk\r\n",
			[]Export{{"printk", 0x1b7d4074, true, "vmlinux", "", ""}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table, err := ParseKallsyms(strings.NewReader(tt.in))
			if !errors.Is(err, tt.err) {
				t.Fatalf("got error %v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			if d := cmp.Diff(tt.want, table.Exports); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	_, err := ParseKallsyms(strings.NewReader("ffffffff81000000 T _text\nffffffff81000000 text\n"))
	if want := `line 2: "ffffffff81000000 text" is not of the form: address, type letter, symbol`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

const ksymsText = `Address   Symbol                            Defined by
c8842000  __insmod_ne_O/lib/modules/2.4.20/kernel/drivers/net/ne.o_M3DF8CB86_V132116  [ne]
c8843060 ei_open_Rf7df8ca6	[8390]
c8843130 GPLONLY_ei_close_Rsmp_00a1b2c3	[8390]
c011b8b0 printk_Rsmp_1b7d4074
c011b9b0 nover
c011c000 Using_Versions
c0120000 big_R2gig_0123abcd
c0120004 not_Read12345678
`

func TestParseKsyms(t *testing.T) {
	table, err := ParseKsyms(strings.NewReader(ksymsText))
	if err != nil {
		t.Fatal(err)
	}
	want := []Export{
		{"ei_open", 0xf7df8ca6, true, "8390", Plain, ""},
		{"ei_close", 0x00a1b2c3, true, "8390", GPL, ""},
		{"printk", 0x1b7d4074, true, "vmlinux", Plain, ""},
		{"nover", 0, false, "vmlinux", Plain, ""},
		{"big", 0x0123abcd, true, "vmlinux", Plain, ""},
		{"not_Read12345678", 0, false, "vmlinux", Plain, ""},
	}
	if d := cmp.Diff(want, table.Exports); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if table.Prefix != "smp_" {
		t.Errorf("prefix %q, want smp_", table.Prefix)
	}
	_, err = ParseKsyms(strings.NewReader("c011b8b0 a\nhello world\n"))
	if want := `line 2: "hello world" is not of the form: address, symbol`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestSplitVersioned(t *testing.T) {
	tests := []struct {
		in, symbol, prefix string
		crc                CRC
		ok                 bool
	}{
		{"printk_R1b7d4074", "printk", "", 0x1b7d4074, true},
		{"printk_Rsmp_1b7d4074", "printk", "smp_", 0x1b7d4074, true},
		{"a_Rb_R00000001", "a_Rb", "", 1, true},
		{"x_Rsmp_4gig_1b7d4074", "x", "smp_4gig_", 0x1b7d4074, true},
		{"printk", "printk", "", 0, false},
		{"_R1b7d4074", "_R1b7d4074", "", 0, false},
		{"a_R1B7D4074", "a_R1B7D4074", "", 0, false},
		{"a_R1b7d407", "a_R1b7d407", "", 0, false},
	}
	for _, tt := range tests {
		symbol, prefix, crc, ok := SplitVersioned(tt.in)
		if symbol != tt.symbol || prefix != tt.prefix || crc != tt.crc || ok != tt.ok {
			t.Errorf("SplitVersioned(%q) = %q, %q, %s, %v", tt.in, symbol, prefix, crc, ok)
		}
	}
}

const verText = "#define __ver_printk\tsmp_1b7d4074\n#define printk\t_set_ver(printk)\n#define __ver_panic smp_00000001\n"

func TestParseVer(t *testing.T) {
	table, err := ParseVer(strings.NewReader(verText))
	if err != nil {
		t.Fatal(err)
	}
	want := []Export{{Symbol: "printk", CRC: 0x1b7d4074, HasCRC: true}, {Symbol: "panic", CRC: 1, HasCRC: true}}
	if d := cmp.Diff(want, table.Exports); d != "" || table.Prefix != "smp_" {
		t.Errorf("prefix %q, exports (-want +got):\n%s", table.Prefix, d)
	}
	_, err = ParseVer(strings.NewReader("\n#define __ver_printk soon\n"))
	if want := `line 2: "soon" is not a version of eight digits, with or without a prefix`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestReadModversions(t *testing.T) {
	include := fstest.MapFS{
		"linux/modversions.h":     {Data: []byte("#ifndef _LINUX_MODVERSIONS_H\n#define _LINUX_MODVERSIONS_H\n#include <linux/modsetver.h>\n#include <linux/modules/ksyms.ver>\n#include <linux/modules/8390.ver>\n#endif\n")},
		"linux/modules/ksyms.ver": {Data: []byte(verText)},
		"linux/modules/8390.ver":  {Data: []byte("#define __ver_ei_open\tsmp_f7df8ca6\n")},
	}
	table, err := ReadModversions(include)
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := table.Lookup("ei_open"); !ok || e.CRC != 0xf7df8ca6 || table.Len() != 3 {
		t.Errorf("ei_open is %v of %d exports", e, table.Len())
	}
	include["linux/modversions.h"].Data = []byte("#include <../../etc/x.ver>\n")
	if _, err := ReadModversions(include); err == nil {
		t.Error("a path out of the directory: no error")
	}
}

// TestOpenTellsTheForm holds that Open reads each listing as what it is.
func TestOpenTellsTheForm(t *testing.T) {
	texts := map[string]string{
		"kallsyms": kallsymsText, "ksyms": ksymsText, "ksyms without heading": strings.SplitAfterN(ksymsText, "\n", 5)[4],
		"ver": verText, "symvers": "0x1b7d4074\tprintk\tvmlinux\n",
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
			table, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := table.Lookup("printk"); !ok || !e.HasCRC {
				t.Errorf("printk is %+v, %v", e, ok)
			}
		})
	}
}

func FuzzKsyms(f *testing.F) {
	f.Add([]byte(kallsymsText))
	f.Add([]byte(ksymsText))
	f.Add([]byte(verText))
	f.Add([]byte("c0120000 GPLONLY_\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func(string) (*Table, error){parseKallsyms, parseKsyms, parseVer, parseAny} {
			table, err := parse(string(b))
			if err != nil {
				continue
			}
			var out bytes.Buffer
			if err := table.Write(&out); err != nil {
				t.Fatal(err)
			}
			for i, e := range table.Exports {
				if e.Symbol == "" || table.Index(e.Symbol) != i {
					t.Fatalf("export %d: %+v", i, e)
				}
			}
		}
	})
}
