package kabi

import (
	"hash/crc32"
	"strings"
	"testing"

	"modkeep/kabi/layout"
	"modkeep/symtypes"
	"modkeep/symvers"
)

// threeFiles see one type of four, all of them, and two.
const threeFiles = `sights 6.99
t s#a
t s#b s#c
t u#d
f x/one 0
e one_open one_close
f x/two 1+1
e two
v two s#a two
f y/three 2
e three_close one_open
`

// TestSights reads what files see.
func TestSights(t *testing.T) {
	s, err := parseSights(threeFiles)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"one_open": "x/one: s#a", "two": "x/two: s#a s#b s#c u#d", "three_close": "y/three: s#a s#b s#c"}
	for export, line := range want {
		f := s.at(s.file(export))
		got := f.path + ":"
		for _, name := range []string{"s#a", "s#b", "s#c", "u#d"} {
			if f.sees(s.groups[name]) {
				got += " " + name
			}
		}
		if got != line {
			t.Errorf("%s: %s, want %s", export, got, line)
		}
	}
	if s.common.sees(2) || !s.common.sees(1) || s.variables["two"] != "s#a two" || s.kernel != "6.99" {
		t.Errorf("most see %b, two is %q", s.common.groups, s.variables["two"])
	}
	for export, want := range map[string]string{"one_write": "x/one", "three_c": "y/three", "twofold": "", "four": "", "__one_read": ""} {
		if got := s.at(s.file(export)).path; got != want {
			t.Errorf("%s is of %q, want %q", export, got, want)
		}
	}
}

// TestSightsErrors names the line.
func TestSightsErrors(t *testing.T) {
	tests := []struct{ name, text, err string }{
		{"empty", "", "no files"},
		{"other text", "f x 0\n", `line 1: "f" is not expected here`},
		{"group behind files", "sights 1\nf x\nt s#a\n", `line 3: "t" is not expected here`},
		{"export of no file", "sights 1\ne a\n", `line 2: "e" is not expected here`},
		{"no such group", "sights 1\nt s#a\nf x 1\n", `line 3: no group is at "1" behind group 0`},
		{"no such run", "sights 1\nt s#a\nf x 0+1\n", `line 3: no group is at "0+1" behind group 0`},
		{"no number", "sights 1\nt s#a\nf x -1\n", `line 3: no group is at "-1" behind group 0`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parseSights(tt.text); err == nil || err.Error() != tt.err {
				t.Errorf("%v, want %s", err, tt.err)
			}
		})
	}
}

func FuzzSights(f *testing.F) {
	f.Add(threeFiles)
	f.Add("sights 1\nt s#a\nf x 0+16777215\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSights(text)
		if err != nil {
			return
		}
		for _, export := range s.exports {
			if f := s.file(export); f == commonFile || f >= len(s.files) {
				t.Errorf("%s is of file %d", export, f)
			}
		}
	})
}

// TestShippedSights holds what is shipped against what the kernel's C says.
func TestShippedSights(t *testing.T) {
	s := shippedSights()
	sees := func(export, name string) bool {
		group, ok := s.groups[name]
		return ok && s.at(s.file(export)).sees(group)
	}
	// fs/read_write.c includes linux/fs.h, of 6.12; lib/list_sort.c no more than
	// linux/list.h and what compiling takes.
	if !sees("kernel_read", "s#file") || !sees("kernel_read", "s#inode") || sees("list_sort", "s#inode") || !sees("list_sort", "s#list_head") {
		t.Error("another kernel's")
	}
	if !strings.HasPrefix(s.kernel, "6.12.") || len(s.files) < 1000 || s.variables["init_task"] != "s#task_struct init_task" {
		t.Errorf("%s, %d files, init_task is %q", s.kernel, len(s.files), s.variables["init_task"])
	}
}

// boxesOf is a side that exports f and g, both of struct box *, with a struct lid
// and a struct base that a box points to. The file sees no base.
func boxesOf(lid, base string, lidMembers, baseMembers []layout.Member) Side {
	types := listed{
		{},
		{Kind: layout.Int, Name: "int", Size: 4, Signed: true},
		{Kind: layout.Int, Name: "long unsigned int", Size: 8},
		{Kind: layout.Pointer, Elem: 6},
		{Kind: layout.Pointer, Elem: 7},
		{Kind: layout.Pointer, Elem: 8},
		{Kind: layout.Struct, Name: "box", Size: 16, Members: []layout.Member{memberAt("l", 4, 0), memberAt("b", 5, 8)}},
		{Kind: layout.Struct, Name: "lid", Size: 16, Members: lidMembers},
		{Kind: layout.Struct, Name: "base", Size: 16, Members: baseMembers},
		{Kind: layout.Proto, Params: []layout.Param{{Name: "b", Type: 3}}, Elem: 1},
		{Kind: layout.Func, Name: "f", Elem: 9},
		{Kind: layout.Func, Name: "get", Elem: 9},
	}
	var rows []symvers.Export
	for _, symbol := range []string{"f", "get"} {
		text := "int " + symbol + " ( struct box { struct lid { " + lid + "} * l ; struct base { " + base + "} * b ; } * ) "
		rows = append(rows, symvers.Export{Symbol: symbol, CRC: symvers.CRC(crc32.ChecksumIEEE([]byte(text))), HasCRC: true, Module: symvers.Vmlinux})
	}
	return Side{Table: symvers.New(rows), Layouts: &Layouts{Types: types, Pointer: 8}}
}

// TestCorrect takes away what a file cannot see, by how much its exports grew.
func TestCorrect(t *testing.T) {
	a, z, other := memberAt("a", 1, 0), memberAt("z", 2, 8), memberAt("another", 2, 8)
	s, err := parseSights("sights 6.99\nt s#box\nt s#lid\nt s#base\nf x 0+2\ne f get\n")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name             string
		oldBase, newBase string
		causes           string
	}{
		{"unseen", "UNKNOWN ", "UNKNOWN ", "s#lid"},
		{"seen", "int a ; ", "int a ; unsigned long another ; ", "s#lid s#base"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			old := boxesOf("int a ; ", tt.oldBase, []layout.Member{a}, []layout.Member{a})
			new := boxesOf("int a ; unsigned long z ; ", tt.newBase, []layout.Member{a, z}, []layout.Member{a, other})
			r := &Report{}
			r.done.allow(old, new)
			for _, c := range symvers.Compare(old.Table, new.Table).Changed {
				r.sort(c)
			}
			r.byLayouts(&old, &new)
			old.sightings = newSightings(s, old.Types)
			var got []string
			for _, f := range r.find(old, new) {
				var names []string
				for _, c := range f.causes {
					names = append(names, old.Types.Pool.Name(c.id))
				}
				got = append(got, strings.Join(names, " "))
			}
			if len(got) != 2 || got[0] != tt.causes || got[1] != tt.causes {
				t.Errorf("causes %q, want %s of both", got, tt.causes)
			}
		})
	}
}

// TestOtherFile finds causes of exports of files that the sights do not have:
// they see the types of their own declarations at least.
func TestOtherFile(t *testing.T) {
	a, z := memberAt("a", integer, 0), memberAt("z", ulong, 8)
	s, err := parseSights("sights 6.99\nt s#box\nf x\ne x_one\nf y\ne y_one\nf z 0\ne z_one\n")
	if err != nil {
		t.Fatal(err)
	}
	old, new := kernelOf(1, boxOf(4, a)), kernelOf(2, boxOf(16, a, z))
	r := &Report{}
	r.done.allow(old, new)
	for _, c := range symvers.Compare(old.Table, new.Table).Changed {
		r.sort(c)
	}
	for _, guided := range []bool{false, true} {
		old, new := old, new
		if guided { // by types that do not have the export
			b := symtypes.NewBuilder(symtypes.NewPool())
			b.Begin("another")
			b.Add("v", "s#box v")
			old.Types = b.Corpus()
		}
		r.byLayouts(&old, &new)
		old.sightings = newSightings(s, old.Types)
		found := r.find(old, new)
		if len(found) != 1 || len(found[0].causes) != 1 || old.Types.Pool.Name(found[0].causes[0].id) != "s#box" {
			t.Errorf("guided %v: %+v", guided, found)
		}
	}
}

// TestView makes complete what complete types are made of.
func TestView(t *testing.T) {
	pool := symtypes.NewPool()
	b := symtypes.NewBuilder(pool)
	b.Begin("all")
	for name, record := range map[string]string{
		"s#outer": "struct outer { s#part p ; t#other o ; s#far * f ; int ( * call ) ( s#arg ) ; }",
		"s#part":  "struct part { int a ; }", "t#other": "typedef s#under other", "s#under": "struct under { int b ; }",
		"s#far": "struct far { int c ; }", "s#arg": "struct arg { int d ; }", "s#alone": "struct alone { int e ; }",
	} {
		b.Add(name, record)
	}
	s, err := parseSights("sights 6.99\nt s#outer\nt s#alone\nf x 0\ne f\n")
	if err != nil {
		t.Fatal(err)
	}
	n := newSightings(s, b.Corpus())
	far, _ := pool.ID("s#far")
	part, _ := pool.ID("s#part")
	seen := func() string {
		v := n.newView()
		v.enter(0, false)
		var list []string
		for _, name := range []string{"s#outer", "s#part", "s#under", "s#far", "s#arg", "s#alone"} {
			if id, _ := pool.ID(name); !v.hidden(id) {
				list = append(list, name)
			}
		}
		return strings.Join(list, " ")
	}
	if got, want := seen(), "s#outer s#part s#under"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	n.shown[0], n.hidden[0] = []symtypes.ID{far}, []symtypes.ID{part}
	if got, want := seen(), "s#outer s#under s#far"; got != want {
		t.Errorf("corrected: %s, want %s", got, want)
	}
}
