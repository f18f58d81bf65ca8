package genksyms

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"modkeep/internal/cputime"
)

// FuzzParse reads any bytes, in every dialect and with a reference of any
// bytes: nothing panics, and what is written as types is read as reference.
func FuzzParse(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add([]byte(strings.ReplaceAll(v.Input, "@EXPORT@", "EXPORT_SYMBOL")), []byte("s#s struct s { int a ; } \nf int f ( int ) \n"), uint8(6))
	}
	for seed := range uint64(40) {
		f.Add([]byte(generated(seed)), []byte("override T#x \n"), uint8(seed))
	}
	f.Fuzz(func(t *testing.T, text, reference []byte, n uint8) {
		d := dialects[int(n)%len(dialects)]
		opt := Options{Dialect: d, Warnings: true, Defs: true, Dump: true, Preserve: n > 127, Messages: &bytes.Buffer{}}
		unit, err := Parse(bytes.NewReader(text), opt)
		if err != nil {
			t.Skip(err)
		}
		var types bytes.Buffer
		if err := unit.WriteTypes(&types); err != nil {
			t.Fatal(err)
		}
		opt.Reference = bytes.NewReader(reference)
		if _, err := Parse(bytes.NewReader(text), opt); err != nil {
			t.Skip(err)
		}
	})
}

// TestHostile gives texts that are made to take long or much.
func TestHostile(t *testing.T) {
	d, _, _ := DialectOf("6.1")
	const size = 4 << 20
	var chain strings.Builder
	for i := range 30000 {
		chain.WriteString("struct s" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + " { int a; };\n")
	}
	tests := map[string]string{
		"open brackets":     strings.Repeat("(", size),
		"open structs":      strings.Repeat("struct{", size/7),
		"pointers":          "int " + strings.Repeat("*", size),
		"quotes":            strings.Repeat(`"\`, size/2),
		"escaped quotes":    strings.Repeat(`\"`, size/2),
		"open characters":   strings.Repeat("'\\\n", size/3),
		"one token":         strings.Repeat("a", size),
		"one string":        `"` + strings.Repeat("a", size),
		"one line":          "# 1 \"" + strings.Repeat("a", size),
		"markers":           strings.Repeat("# 1 \"a\"\n", size/8),
		"no semicolon":      strings.Repeat("int ", size/4),
		"parameters":        "int f(" + strings.Repeat("int a[3],", size/9) + ");",
		"nested parameters": strings.Repeat("int f(", size/6),
		"typeof":            strings.Repeat("typeof(", size/7),
		"attributes":        strings.Repeat("__attribute__((x)) ", size/19),
		"enum":              "enum{" + strings.Repeat("a=b,", size/4),
		"NUL":               strings.Repeat("\x00", size),
		"exports":           chain.String() + "int f(struct sa *);" + strings.Repeat("EXPORT_SYMBOL(f);", size/17),
		"long chain":        longChain(40000),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			clock := cputime.Start()
			if _, err := Parse(strings.NewReader(text), Options{Dialect: d}); err != nil {
				t.Log(err)
			}
			cputime.Hold(t, clock.Took(), time.Second)
		})
	}
}

// longChain is many types, each within the next, all exported.
func longChain(n int) string {
	var b strings.Builder
	b.WriteString("typedef int x0;\n")
	name := func(i int) string { return "x" + strings.Repeat("y", i%3) + string(rune('a'+i%26)) + itoa(i) }
	last := "x0"
	for i := range n {
		b.WriteString("typedef " + last + " " + name(i) + ";\nextern " + name(i) + " v" + itoa(i) + ";\nEXPORT_SYMBOL(v" + itoa(i) + ");\n")
		last = name(i)
	}
	return b.String()
}

func itoa(i int) string {
	if i < 10 {
		return string(rune('0' + i))
	}
	return itoa(i/10) + string(rune('0'+i%10))
}
