package symtypes

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// The versions of printk's declarations, as 2.6 and 3.x kernels have them.
const (
	printkPlain = 0xea147363 // int printk ( const char * , ... )
	printkFmt   = 0xdd132261 // … __attribute__ ( ( format ( printf , 1 , 2 ) ) )
)

func TestCRC(t *testing.T) {
	const plain = "int printk ( const char * , ... )"
	tests := []struct {
		name, text string
		want       uint32
		holes      []string
	}{
		{"plain", "printk " + plain, printkPlain, nil},
		{"attribute", "printk " + plain + " __attribute__ ( ( format ( printf , 1 , 2 ) ) ) \n", printkFmt, nil},
		{"extern is not hashed", "printk extern " + plain, printkPlain, nil},
		{"override", "override printk " + plain, printkPlain, nil},
		{"override extern", "override printk extern " + plain, printkPlain, nil},
		{"spaces and line ends", "\r\nprintk\t int  printk ( const\tchar * , ... ) \r\n\r\n", printkPlain, nil},
		{"section", "/* kernel/printk.o */\nprintk " + plain + "\n", printkPlain, nil},
		{"hole", "printk s#lost printk ( const char * , ... )", 0, []string{"s#lost"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse(NewPool(), "printk.symtypes", tt.text)
			if err != nil {
				t.Fatal(err)
			}
			id, _ := c.Pool.ID("printk")
			h := NewHasher(c.Pool)
			got, ok := h.CRC(c.NewScope(), id)
			var holes []string
			for _, hole := range h.Holes {
				holes = append(holes, c.Pool.Name(hole))
			}
			if diff := cmp.Diff(tt.holes, holes); diff != "" || ok != (tt.holes == nil) {
				t.Errorf("ok %v, holes -want +got:\n%s", ok, diff)
			}
			if ok && got != tt.want {
				t.Errorf("%08x, want %08x", got, tt.want)
			}
		})
	}
}

// TestText is the rules of expanding: in depth, once, the export itself too.
func TestText(t *testing.T) {
	const text = `t#u32 typedef unsigned int u32
s#a struct a { s#b * b ; t#u32 n ; s#c * c ; }
s#b struct b { s#a * back ; t#u32 m ; E#LAST last ; e#e e ; }
s#c struct c { UNKNOWN }
e#e enum e { FIRST , E#LAST , }
E#LAST 1
u#'core::a b' union core::a b { int x ; }
f s#a f ( s#a , u#'core::a b' , u#'core::a b' )
`
	const want = "struct a { struct b { struct a * back ; typedef unsigned int u32 m ; 1 last ; enum e { FIRST , LAST , } e ; } * b ; " +
		"u32 n ; struct c { UNKNOWN } * c ; } f ( struct a , union core::a b { int x ; } , union core::a b ) "
	c, err := Parse(NewPool(), "x", text)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := c.Pool.ID("f")
	got := NewHasher(c.Pool).Text(c.NewScope(), id)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestLastSeen is what a section of a consolidated file has without saying so.
func TestLastSeen(t *testing.T) {
	const text = `/* a.o */
s#d struct d { int one ; }
fa s#d fa ( void )

/* b.o */
s##d
fb s#d fb ( void )

/* c.o */
fc s#d fc ( void )

/* d.o */
s#d struct d { int two ; }
fd s#d fd ( void )

/* e.o */
fe s#d fe ( void )
`
	want := map[string]string{
		"fa": "struct d { int one ; } fa ( void ) ", "fb": "struct d { UNKNOWN } fb ( void ) ", "fc": "struct d { int one ; } fc ( void ) ",
		"fd": "struct d { int two ; } fd ( void ) ", "fe": "struct d { int two ; } fe ( void ) ",
	}
	c, err := Parse(NewPool(), "", text)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	s, h := c.NewScope(), NewHasher(c.Pool)
	for _, id := range c.Exports() {
		s.Enter(c.FilesOf(id)[0])
		got[c.Pool.Name(id)] = h.Text(s, id)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestSyntaxErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no record", "s#a struct a { }\ns#b\n", `line 2: "s#b": a name without a record`},
		{"only extern", "a extern\n", `line 1: "a extern": a name without a record`},
		{"section in a split file", "a int a\n/* b.o */\n", "line 2: a section in a file of one object"},
		{"bad heading", "/* a.o */\n/* b.o\n", `line 2: "/* b.o": not a section's heading`},
		{"text behind a declaration", "/* a.o */\ns##a struct\n", `line 2: "s#a struct": text behind a declared type`},
		{"binary", "\x7fELF x\x00y\n", `line 1: "\x7fELF x\x00y": not a record`},
		{"zero byte", "a int \x00\n", "line 1: not a text"},
		{"symvers", "0x12345678\ta\tvmlinux\n", `line 1: "0x12345678 a vmlinux": not a record`},
		{"long line", "a " + strings.Repeat("x", MaxLine), "line 1: longer than 1048576 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(NewPool(), "x", tt.text)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestWalker(t *testing.T) {
	c, err := Parse(NewPool(), "x", "s#a struct a { s#b * b ; s#c * c ; }\ns#b struct b { s#d d ; }\ns#c struct c { int c ; }\ns#d struct d { s#c c ; }\nf s#a f ( void )\n")
	if err != nil {
		t.Fatal(err)
	}
	id := func(name string) ID { n, _ := c.Pool.ID(name); return n }
	w := NewWalker(c.Pool)
	w.Reach(c.NewScope(), id("f"))
	if diff := cmp.Diff([]ID{id("f"), id("s#a"), id("s#c")}, w.Path(id("s#c"))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if w.Depth(id("s#d")) != 3 || !w.Reached(id("s#d")) {
		t.Errorf("s#d: depth %d", w.Depth(id("s#d")))
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte("/* a.o */\nf int f ( void )\n"))
	z.Close()
	var xzPacked, zstdPacked bytes.Buffer
	x, err := xz.WriterConfig{CheckSum: xz.CRC32}.NewWriter(&xzPacked)
	if err != nil {
		t.Fatal(err)
	}
	x.Write([]byte("/* a.o */\nf int f ( void )\n"))
	x.Close()
	y, err := zstd.NewWriter(&zstdPacked)
	if err != nil {
		t.Fatal(err)
	}
	y.Write([]byte("/* a.o */\nf int f ( void )\n"))
	y.Close()
	files := map[string]string{
		"types.gz": packed.String(), "types.xz": xzPacked.String(), "types.zst": zstdPacked.String(), "cut.gz": packed.String()[:20], "symvers": "0x12345678\tf\tvmlinux\tEXPORT_SYMBOL\n",
		"tree/b/x.symtypes": "f int f ( void )\n", "tree/x.symtypes": "g int g ( void )\n", "tree/x.o": "", "empty/x.o": "",
		"mixed/a.symtypes": "f int f ( void )\n", "mixed/b.symtypes": "/* c.o */\ng int g ( void )\n", "export": "f int f ( void )\n",
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		path string
		want []string // the files
		err  string
		is   bool
	}{
		{"types.gz", []string{"a.o"}, "", true},
		{"types.xz", []string{"a.o"}, "", true},
		{"types.zst", []string{"a.o"}, "", true},
		{"cut.gz", nil, "DIR/cut.gz: gzip: unexpected EOF", true},
		{"tree", []string{"b/x.symtypes", "x.symtypes"}, "", false},
		{"empty", nil, "DIR/empty: no .symtypes files below it", false},
		{"mixed", nil, "DIR/mixed/b.symtypes: is consolidated, and not the only file", false},
		{"absent", nil, "DIR/absent: no such file or directory", false},
		{"symvers", nil, `DIR/symvers: line 1: "0x12345678 f vmlinux EXPORT_SYMBOL": not a record`, false},
		{"export", []string{"export"}, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			path := filepath.Join(dir, tt.path)
			if is, _ := Sniff(path); is != tt.is {
				t.Errorf("taken for symtypes: %v", is)
			}
			c, err := Open(NewPool(), path)
			if err != nil || tt.err != "" {
				if err == nil || strings.ReplaceAll(err.Error(), dir, "DIR") != tt.err {
					t.Errorf("%v, want %s", err, tt.err)
				}
				return
			}
			var got []string
			for _, f := range c.Files {
				got = append(got, f.Path)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.symtypes", "testdata/debian-47/*/*.symtypes"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text[:min(len(text), 4<<10)]))
		}
	}
	f.Add("/* a */\ns##a\nu#'x y' union x y { s#a a ; }\nf extern u#'x y' f ( s#a , s#hole )\n/* b */\noverride g s#a")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(NewPool(), "x", text)
		if err != nil {
			return
		}
		h, s, w := NewHasher(c.Pool), c.NewScope(), NewWalker(c.Pool)
		for _, id := range c.Exports() {
			files := c.FilesOf(id)
			if len(files) == 0 {
				t.Fatalf("%s: in no file", c.Pool.Name(id))
			}
			s.Enter(files[0])
			first, _ := h.CRC(s, id)
			if again, _ := h.CRC(s, id); again != first {
				t.Fatalf("%s: %08x, then %08x", c.Pool.Name(id), first, again)
			}
			if text := h.Text(s, id); crc32.ChecksumIEEE([]byte(text)) != first {
				t.Fatalf("%s: %08x, which is not that of %q", c.Pool.Name(id), first, text)
			}
			for _, id := range w.Reach(s, id) {
				if r := s.Record(id); r != None {
					c.Pool.Plain(r)
				}
				w.Path(id)
			}
		}
	})
}

// TestBounds is text that no kernel has: it is refused before it costs much.
func TestBounds(t *testing.T) {
	var names strings.Builder
	for i := range maxNames + 10 {
		fmt.Fprintf(&names, "s##a%d\n", i)
	}
	var exports strings.Builder
	for i := range maxExports + 10 {
		fmt.Fprintf(&exports, "a%d int\n", i)
	}
	var mentions strings.Builder
	for i := range maxRefs/1000 + 2 {
		fmt.Fprintf(&mentions, "a%d %s\n", i, strings.Repeat("s#a ", 1000+i))
	}
	var records, long strings.Builder
	for i := range maxRecords + 10 {
		if i%1000 == 0 {
			fmt.Fprintf(&records, "/* %d */\n", i)
		}
		fmt.Fprintf(&records, "s#a x%d\n", i)
	}
	for range maxNameBytes/1000 + 10 {
		fmt.Fprintf(&long, "s##%d%s\n", long.Len(), strings.Repeat("x", 1000))
	}
	tests := []struct{ name, text, want string }{
		{"size", strings.Repeat("\n", MaxSize+1), "longer than 16777216 bytes"},
		{"sections", strings.Repeat("/* a */\n", MaxFiles+1), "line 131073: more than 131072 sections"},
		{"names", "/* a */\n" + names.String(), "line 100003: more names or records than of any kernel"},
		{"exports", exports.String(), "line 40002: more names or records than of any kernel"},
		{"mentions", mentions.String(), "line 762: more names or records than of any kernel"},
		{"records", records.String(), "line 150153: more names or records than of any kernel"},
		{"records of a file", strings.Repeat("a x\na y\n", maxNames/2+10), "line 100002: more names or records than of any kernel"},
		{"long names", "/* a */\n" + long.String(), "line 4160: more names or records than of any kernel"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse(NewPool(), "x", tt.text); err == nil || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}
