package symvers

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

func TestParse(t *testing.T) {
	current := []Export{
		{"printk", 0x92997ed8, true, "vmlinux", Plain, ""},
		{"nvme_x", 0x0000001f, true, "drivers/nvme/nvme-core", GPL, "NVME"},
	}
	nover := []Export{{Symbol: "f", Module: "vmlinux", Type: Plain}}
	tests := []struct {
		name   string
		in     string
		want   []Export
		layout Layout
	}{
		{"five columns", "0x92997ed8\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n0x0000001f\tnvme_x\tdrivers/nvme/nvme-core\tEXPORT_SYMBOL_GPL\tNVME\n", current, Columns5},
		{"no newline at the end", "0x92997ed8\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n0x0000001f\tnvme_x\tdrivers/nvme/nvme-core\tEXPORT_SYMBOL_GPL\tNVME", current, Columns5},
		{"crlf and empty lines", "0x92997ed8\tprintk\tvmlinux\tEXPORT_SYMBOL\t\r\n\r\n0x1f\tnvme_x\tdrivers/nvme/nvme-core\tEXPORT_SYMBOL_GPL\tNVME\r\n\n", current, Columns5},
		{"5.4: namespace third", "0x92997ed8\tprintk\t\tvmlinux\tEXPORT_SYMBOL\n0x0000001f\tnvme_x\tNVME\tdrivers/nvme/nvme-core\tEXPORT_SYMBOL_GPL\n", current, Columns5NS},
		{"four columns, types of old kernels", "0x00000001\ta\tvmlinux\t(unknown)\n0x00000002\tb\tnet/b\tEXPORT_UNUSED_SYMBOL_GPL\n",
			[]Export{{"a", 1, true, "vmlinux", Unknown, ""}, {"b", 2, true, "net/b", UnusedGPL, ""}}, Columns4},
		{"three columns", "0x00000001\ta\tvmlinux\n", []Export{{"a", 1, true, "vmlinux", "", ""}}, Columns3},
		{"two columns", "0x00000001\ta\n", []Export{{"a", 1, true, "", "", ""}}, Columns2},
		{"one column too many, empty", "0x00000001\ta\tvmlinux\t\n", []Export{{"a", 1, true, "vmlinux", "", ""}}, Columns4},
		{"no modversions", "0x00000000\tf\tvmlinux\tEXPORT_SYMBOL\t\n", nover, Columns5},
		{"crc zero beside others", "0x00000000\ta\tm\n0x00000001\tb\tm\n", []Export{{"a", 0, true, "m", "", ""}, {"b", 1, true, "m", "", ""}}, Columns3},
		{"empty file", "", []Export{}, Columns5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseBytes([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got.Exports); d != "" {
				t.Errorf("exports (-want +got):\n%s", d)
			}
			if got.Layout != tt.layout {
				t.Errorf("layout %d, want %d", got.Layout, tt.layout)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	good := "0x00000001\ta\tvmlinux\tEXPORT_SYMBOL\t\n"
	tests := []struct{ name, in, want string }{
		{"html", "\n\n<!DOCTYPE html>\n", `line 3: one column, want a CRC, a tab and a symbol: "<!DOCTYPE html>"`},
		{"crc", good + "1234567g\tb\tm\tEXPORT_SYMBOL\t\n", `line 2: column 1: "1234567g" is not a CRC of 32 bits`},
		{"crc of 64 bits", "0xffffffff81000000\tb\tm\n", `line 1: column 1: "0xffffffff81000000" is not a CRC of 32 bits`},
		{"negative crc", "-1\tb\tm\n", `line 1: column 1: "-1" is not a CRC of 32 bits`},
		{"no symbol", "0x1\t\tm\n", `line 1: column 2: no symbol`},
		{"type", "0x1\tb\tm\tFOO\n", `line 1: column 4: "FOO" is not an export type`},
		{"type nowhere", "0x1\tb\tm\tFOO\tBAR\n", `line 1: neither column 4, "FOO", nor column 5, "BAR", is an export type`},
		{"two orders", good + "0x1\tb\tNS\tm\tEXPORT_SYMBOL\n", `line 2: column 4: "m" is not an export type`},
		{"six columns", "0x1\tb\tm\tEXPORT_SYMBOL\t\t\n", `line 1: more than 5 columns`},
		{"carriage return", "0x1\tb\r\tm\r\n", `line 1: carriage return inside the line`},
		{"long line", "0x1\t" + strings.Repeat("a", MaxLine), `line 1: longer than 65536 bytes`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(strings.NewReader(tt.in))
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestDuplicates(t *testing.T) {
	table, err := ParseBytes([]byte("0x1\ta\tm1\n0x2\tb\tm1\n0x3\ta\tm2\n0x4\tc\tm2\n"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]Export{{"a", 3, true, "m2", "", ""}}, table.Duplicates); d != "" {
		t.Errorf("duplicates (-want +got):\n%s", d)
	}
	for symbol, crc := range map[string]CRC{"a": 1, "b": 2, "c": 4} {
		if e, ok := table.Lookup(symbol); !ok || e.CRC != crc {
			t.Errorf("Lookup(%s) = %v, %v, want CRC %s", symbol, e, ok, crc)
		}
	}
	if e, ok := table.Lookup("d"); ok {
		t.Errorf("Lookup(d) = %v", e)
	}
}

func TestLiteralTable(t *testing.T) {
	table := &Table{Exports: []Export{{Symbol: "a"}}}
	if _, ok := table.Lookup("a"); !ok {
		t.Error("Lookup(a) finds nothing")
	}
	if _, ok := (&Table{}).Lookup("a"); ok {
		t.Error("an empty table has a")
	}
}

func TestCompare(t *testing.T) {
	a := New([]Export{
		{"same", 1, true, "vmlinux", GPL, ""}, {"gone", 1, true, "vmlinux", GPL, ""},
		{"crc", 1, true, "vmlinux", GPL, ""}, {"ns", 1, true, "vmlinux", GPL, ""},
		{"a", 1, true, "vmlinux", GPL, ""}, {"nocrc", 1, true, "vmlinux", GPL, ""},
	})
	b := New([]Export{
		{"same", 1, true, "vmlinux", GPL, ""}, {"new", 1, true, "vmlinux", GPL, ""},
		{"crc", 2, true, "vmlinux", GPL, ""}, {"ns", 1, true, "vmlinux", GPL, "N"},
		{"a", 1, true, "m", Plain, ""}, {"nocrc", 0, false, "vmlinux", GPL, ""},
	})
	d := Compare(a, b)
	want := &Difference{
		Added:   []Export{{"new", 1, true, "vmlinux", GPL, ""}},
		Removed: []Export{{"gone", 1, true, "vmlinux", GPL, ""}},
		Changed: []Change{
			{Export{"a", 1, true, "vmlinux", GPL, ""}, Export{"a", 1, true, "m", Plain, ""}},
			{Export{"crc", 1, true, "vmlinux", GPL, ""}, Export{"crc", 2, true, "vmlinux", GPL, ""}},
			{Export{"ns", 1, true, "vmlinux", GPL, ""}, Export{"ns", 1, true, "vmlinux", GPL, "N"}},
		},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !Compare(a, a).Empty() {
		t.Error("a differs from itself")
	}
}

func TestOpen(t *testing.T) {
	text := "0x92997ed8\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n"
	pack := func(w func(io.Writer) io.WriteCloser) string {
		var b bytes.Buffer
		c := w(&b)
		c.Write([]byte(text))
		c.Close()
		return b.String()
	}
	files := map[string]string{
		"plain": text,
		"gzip":  pack(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }),
		"zstd":  pack(func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z }),
		"xz":    pack(func(w io.Writer) io.WriteCloser { z, _ := xz.NewWriter(w); return z }),
	}
	dir := t.TempDir()
	for name, content := range files {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
				t.Fatal(err)
			}
			table, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := table.Lookup("printk"); !ok || e.CRC != 0x92997ed8 {
				t.Errorf("Lookup(printk) = %v, %v", e, ok)
			}
			cut := path + ".cut"
			if err := os.WriteFile(cut, []byte(content[:len(content)-9]), 0o666); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(cut); err == nil || !strings.HasPrefix(err.Error(), cut+": ") {
				t.Errorf("cut short: %v", err)
			}
		})
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
}

// TestPackedBombs holds that small files which unpack to much, or say they
// need much memory, end in an error.
func TestPackedBombs(t *testing.T) {
	zeros := func(w io.WriteCloser) {
		buf := make([]byte, 1<<20)
		for range 80 {
			w.Write(buf)
		}
		w.Close()
	}
	var gz, zs bytes.Buffer
	zeros(gzip.NewWriter(&gz))
	z, _ := zstd.NewWriter(&zs)
	zeros(z)
	huge := "\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x28\x00\x00\x00\x00\x00\x00\x00"
	for name, content := range map[string]string{"gzip": gz.String(), "zstd": zs.String(), "xz dictionary of 4 GiB": huge} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bomb")
			if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path)
			if err == nil {
				t.Fatal("no error")
			}
			t.Log(err)
		})
	}
}

// tables returns the published tables of real kernels beside the repository.
// Nothing fetches them: where they are not, what the small tables of this
// file's other tests show must do.
func tables(t testing.TB) []string {
	names, _ := filepath.Glob("../../shared/data/symvers/*/*.gz")
	if len(names) == 0 {
		t.Skip("SKIPPED: no shared/data/symvers beside the repository")
	}
	return names
}

func ungzip(t testing.TB, path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestRealTables reads every published table, counts its lines in another way,
// looks up every symbol, and writes it back byte for byte.
func TestRealTables(t *testing.T) {
	read := 0
	for _, name := range tables(t) {
		text := ungzip(t, name)
		if strings.Contains(name, "severities") || bytes.Contains(text, []byte("<!DOCTYPE html>")) {
			if _, err := ParseBytes(text); err == nil {
				t.Errorf("%s: read, but it is no table", name)
			}
			continue
		}
		table, err := Open(name)
		if err != nil {
			t.Error(err)
			continue
		}
		read++
		lines := 0
		for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); lines++ {
			f := strings.Split(s.Text(), "\t")
			if e, ok := table.Lookup(f[1]); !ok || e.CRC.String() != f[0] || e.Module != f[2] {
				t.Fatalf("%s: %q is %+v", name, s.Text(), e)
			}
		}
		if got := len(table.Exports) + len(table.Duplicates); got != lines {
			t.Errorf("%s: %d exports, %d lines", name, got, lines)
		}
		var out bytes.Buffer
		if err := table.Write(&out); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), text) {
			t.Errorf("%s: written back, it differs", name)
		}
	}
	t.Logf("%d tables read", read)
	if read < 100 {
		t.Errorf("only %d tables read", read)
	}
}

// largest returns the text of Debian's 6.1 table, 24,683 rows, or of one made
// like it where that is absent.
func largest(t testing.TB) []byte {
	name := "../../shared/data/symvers/debian/6.1.0-56-amd64.symvers.gz"
	if _, err := os.Stat(name); err == nil {
		return ungzip(t, name)
	}
	exports := make([]Export, 24683)
	for i := range exports {
		exports[i] = Export{"symbol_of_some_length_" + CRC(i*2654435761).String(), CRC(i + 1), true, "drivers/some/module", GPL, ""}
	}
	var b bytes.Buffer
	New(exports).Write(&b)
	return b.Bytes()
}

func BenchmarkParse(b *testing.B) {
	text := largest(b)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseBytes(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "Module.symvers")
	if err := os.WriteFile(path, largest(b), 0o666); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Open(path); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	table, err := ParseBytes(largest(b))
	if err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		if _, ok := table.Lookup(table.Exports[i].Symbol); !ok {
			b.Fatal("not found")
		}
		if i++; i == len(table.Exports) {
			i = 0
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("0x92997ed8\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n0x1\ta\tb\tEXPORT_SYMBOL_GPL\tNS\r\n"))
	f.Add([]byte("0x1\ta\tNS\tm\tEXPORT_SYMBOL\n"))
	f.Add([]byte("0x1\ta\tm\t(unknown)\n0x1\ta\tm\tEXPORT_SYMBOL\n\n"))
	f.Add([]byte("0x1\ta\tm\n"))
	f.Add([]byte("0x1\ta"))
	f.Add([]byte("0\t\r\r"))
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := ParseBytes(b)
		if err != nil {
			return
		}
		for i, e := range table.Exports {
			if table.Index(e.Symbol) != i {
				t.Fatalf("Index(%q) = %d, want %d", e.Symbol, table.Index(e.Symbol), i)
			}
		}
		for _, e := range table.Exports {
			if e.Type == "" && table.Layout <= Columns5NS {
				return // rows of three and of five columns mixed: no layout holds both
			}
		}
		var out bytes.Buffer
		if err := table.Write(&out); err != nil {
			t.Fatal(err)
		}
		again, err := ParseBytes(out.Bytes())
		if err != nil {
			t.Fatalf("written back, it is not read: %v\n%q", err, out.Bytes())
		}
		if len(again.Exports) != len(table.Exports) {
			t.Fatalf("%d exports, written back %d", len(table.Exports), len(again.Exports))
		}
	})
}
