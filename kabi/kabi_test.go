package kabi

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
	"modkeep/symtypes"
	"modkeep/symvers"
)

func table(t *testing.T, path string) *symvers.Table {
	t.Helper()
	table, err := symvers.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func types(t *testing.T, pool *symtypes.Pool, path string) *symtypes.Corpus {
	t.Helper()
	c, err := symtypes.Open(pool, path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fixture returns the exports of Debian's 6.1.0-47 and -56 that package
// symtypes keeps.
func fixture(t *testing.T) (old, new Side) {
	pool := symtypes.NewPool()
	at := "../symtypes/testdata/debian-"
	return Side{Table: table(t, at+"47.symvers"), Types: types(t, pool, at+"47")}, Side{Table: table(t, at+"56.symvers"), Types: types(t, pool, at+"56")}
}

// counts are a report's numbers.
type counts struct{ Removed, Added, Changed, Retyped, Renamespaced, Moved int }

func countsOf(r *Report) counts {
	return counts{len(r.Removed), len(r.Added), len(r.Changed), len(r.Retyped), len(r.Renamespaced), len(r.Moved)}
}

func TestCompareFixture(t *testing.T) {
	old, new := fixture(t)
	r := Compare(old, new, Options{})
	want := []Cause{
		{Type: "struct seq_buf", Symbols: 11, Sole: 1, Proved: 11, Gain: 11, Path: []string{"seq_buf_printf", "struct seq_buf"},
			Judgement: "members removed: what follows moved unless a hole is left",
			Diff:      " struct seq_buf {\n \t…\n \tsize_t size;\n \tsize_t len;\n-\tloff_t readpos;\n }\n"},
		{Type: "struct unicode_map", Symbols: 9, Sole: 9, Proved: 9, Gain: 9, Path: []string{"utf8_casefold", "struct unicode_map"},
			Judgement: "members added at the end: what was there stays where it was, the size may grow",
			Diff:      " struct unicode_map {\n \t…\n \tconst struct utf8data *ntab[UTF8_NMAX];\n \tconst struct utf8data_table *tables;\n+\tstruct callback_head rcu;\n }\n"},
		{Type: "ring_buffer_read_start", Own: true, Symbols: 1, Sole: 1, Proved: 1, Gain: 1, Path: []string{"ring_buffer_read_start"},
			Judgement: "the export's own declaration changed",
			Diff:      "-void ring_buffer_read_start(struct ring_buffer_iter *)\n+struct ring_buffer_iter *ring_buffer_read_start(struct trace_buffer *, int, gfp_t)\n"},
		{Type: "struct usb_dynids", Symbols: 1, Sole: 1, Proved: 1, Gain: 1, Path: []string{"usb_show_dynids", "struct usb_dynids"},
			Judgement: "members removed: what follows moved unless a hole is left",
			Diff:      " struct usb_dynids {\n-\tspinlock_t lock;\n \tstruct list_head list;\n }\n"},
		{Type: "struct trace_seq", Symbols: 10, Proved: 10, Path: []string{"trace_seq_bitmask", "struct trace_seq"},
			Judgement: "members added in between: what follows moved unless they fill a hole",
			Diff:      " struct trace_seq {\n \tchar buffer[((1UL) << 12)];\n \tstruct seq_buf seq;\n+\tsize_t readpos;\n \tint full;\n }\n"},
	}
	got := slices.Clone(r.Causes)
	for i := range got {
		got[i].id = 0
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Cause{})); diff != "" {
		t.Errorf("causes -want +got:\n%s", diff)
	}
	if r.Proved != len(r.Changed) || r.Explained != len(r.Changed) || len(r.Changed) != 22 {
		t.Errorf("%d changed, %d explained, %d proved", len(r.Changed), r.Explained, r.Proved)
	}
	if n := len(r.Cover()); n != 4 {
		t.Errorf("cover of %d", n)
	}
}

// TestTypesAlone compares without tables: the CRCs are computed.
func TestTypesAlone(t *testing.T) {
	old, new := fixture(t)
	with := Compare(old, new, Options{})
	without := Compare(Side{Types: old.Types}, Side{Types: new.Types}, Options{})
	if diff := cmp.Diff(with.Breaking(), without.Breaking()); diff != "" {
		t.Errorf("-with a table +without:\n%s", diff)
	}
}

// TestUnproved is what types that are not of the table's build cannot prove.
func TestUnproved(t *testing.T) {
	old, new := fixture(t)
	rows := slices.Clone(old.Table.Exports)
	for i := range rows {
		rows[i].CRC ^= 1
	}
	old.Table = symvers.New(rows)
	r := Compare(old, new, Options{})
	for i := range r.Changed {
		c := &r.Changed[i]
		if c.Proved || !strings.Contains(c.Unproved, "of another build") && c.Unproved != "its types are equal on both sides" {
			t.Errorf("%s: proved %v, %q", c.Symbol(), c.Proved, c.Unproved)
		}
	}
	if r.Proved != 0 || len(r.Changed) != len(rows)-len(r.Removed) {
		t.Errorf("%d of %d proved", r.Proved, len(r.Changed))
	}
}

// TestForward is a type that is only declared on one side, with what its
// definition brings in.
func TestForward(t *testing.T) {
	pool := symtypes.NewPool()
	parse := func(text string) *symtypes.Corpus {
		c, err := symtypes.Parse(pool, "x.symtypes", text)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	old := parse("s#a struct a { UNKNOWN }\nf int f ( s#a * )\n")
	new := parse("s#b struct b { s#c c ; }\ns#c struct c { int c ; }\ns#a struct a { s#b b ; }\nf extern int f ( s#a * )\n")
	r := Compare(Side{Types: old}, Side{Types: new}, Options{})
	if len(r.Changed) != 1 || !r.Changed[0].Proved || len(r.Causes) != 1 || r.Causes[0].Type != "struct a" {
		t.Fatalf("%+v", r)
	}
	if want := "only a forward declaration became a definition: no layout changed"; r.Causes[0].Judgement != want {
		t.Errorf("%s", r.Causes[0].Judgement)
	}
}

func TestJudgements(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"appended enumerator", "e#a enum a { A , B = 2 , }", "e#a enum a { A , B = 2 , C , }", "enumerators added at the end: the others keep their values"},
		{"inserted enumerator", "e#a enum a { A , B , }", "e#a enum a { A , C , B , }", "enumerators renumbered from B on"},
		{"renamed enumerator", "e#a enum a { A , B , }", "e#a enum a { A , C , }", "only names of enumerators changed: the values are the same"},
		{"renamed member", "e#a struct a { int x ; void ( * f ) ( int ) ; }", "e#a struct a { int y ; void ( * g ) ( int ) ; }", "only names of members changed: the layout is the same"},
		{"another type", "s#a struct a { int x ; }", "s#a struct a { long x ; }", "members of another type or width"},
		{"bit-field", "s#a struct a { int x : 20 ; }", "s#a struct a { int x : 22 ; }", "members of another type or width"},
		{"typedef", "t#a typedef int a", "t#a typedef long a", "typedef of another type"},
		{"undefined", "s#a struct a { int x ; }", "s#a struct a { UNKNOWN }", "the definition became a forward declaration: no layout changed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pool := symtypes.NewPool()
			var sides []Side
			for _, text := range []string{tt.old, tt.new} {
				name, rest, _ := strings.Cut(text, " ")
				if strings.HasPrefix(rest, "struct") {
					name = "s#a"
				}
				c, err := symtypes.Parse(pool, "x", name+" "+rest+"\nf int f ( "+name+" )\n")
				if err != nil {
					t.Fatal(err)
				}
				sides = append(sides, Side{Types: c})
			}
			r := Compare(sides[0], sides[1], Options{})
			if len(r.Causes) != 1 || r.Causes[0].Judgement != tt.want {
				t.Errorf("%+v, want %s", r.Causes, tt.want)
			}
		})
	}
}

func TestOracleLists(t *testing.T) {
	tests := []struct {
		name, old, new string
		want           counts // but moved ones: the lists are of kernels far apart
		of             int
	}{
		{"openEuler 24.03 to SP1", "openeuler/2024-10-31_f97a0db5a_Module", "openeuler/2024-12-20_6a010761c_Module", counts{Changed: 990}, 1723},
		{"openEuler 22.03", "openeuler/2023-06-13_b67b69caf_Module", "openeuler/2023-12-13_4bc0ca8bb_Module", counts{Added: 7}, 3162},
		{"OpenELA 8 to 9", "openela-main/2024-01-25_b43a38fe6_SOURCES_Module", "openela-main/2024-01-25_46247f3e1_SOURCES_Module", counts{Removed: 513, Added: 271, Changed: 144}, 796},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			old := table(t, oracle.Data(t, "kabi/"+tt.old+".kabi_x86_64.gz"))
			r := Compare(Side{Table: old}, Side{Table: table(t, oracle.Data(t, "kabi/"+tt.new+".kabi_x86_64.gz"))}, Options{})
			got := countsOf(r)
			t.Logf("%+v of %d", got, old.Len())
			got.Moved, got.Retyped, got.Renamespaced = 0, 0, 0
			if diff := cmp.Diff(tt.want, got); diff != "" || old.Len() != tt.of {
				t.Errorf("of %d, -want +got:\n%s", old.Len(), diff)
			}
		})
	}
}

// TestOracleDebian compares two kernels of Debian with all there is of them, and
// proves the causes again, by nothing of what Compare did but their names: the
// old side's files are written anew with the named types' records of the new
// side, and hashed.
func TestOracleDebian(t *testing.T) {
	pool := symtypes.NewPool()
	side := func(krel string) Side {
		return Side{Table: table(t, oracle.Data(t, "symvers/debian/"+krel+".symvers.gz")), Types: types(t, pool, oracle.Data(t, "symtypes/debian/"+krel+".consolidated.symtypes.gz"))}
	}
	old, new := side("6.1.0-47-amd64"), side("6.1.0-56-amd64")
	r := Compare(old, new, Options{})
	if diff := cmp.Diff(counts{Removed: 19, Added: 84, Changed: 18254}, countsOf(r)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// The 11 are exports of mm/slab.c and mm/nommu.c in the types, which these
	// kernels do not have.
	if r.Explained != 5283 || r.Proved != r.Explained-11 {
		t.Errorf("%d explained, %d proved", r.Explained, r.Proved)
	}
	if top := r.Causes[0]; top.Type != "struct mm_struct" || top.Gain != 5212 {
		t.Errorf("first cause: %s, %d", top.Type, top.Gain)
	}
	step := 1
	if testing.Short() {
		step = 50
	}
	again, n := 0, 0
	for i := 0; i < len(r.Changed); i += step {
		if !r.Changed[i].Proved {
			continue
		}
		n++
		if crc := rewritten(t, r, &r.Changed[i], old.Types, new.Types); crc != r.Changed[i].New.CRC {
			t.Errorf("%s: %v, published %v", r.Changed[i].Symbol(), crc, r.Changed[i].New.CRC)
		} else {
			again++
		}
	}
	t.Logf("%d of %d proved again", again, n)
}

// rewritten is the CRC of the old side's records of a changed export's file with
// those of its causes from the new side, and new records for what the old export
// does not reach.
func rewritten(t *testing.T, r *Report, c *Change, old, new *symtypes.Corpus) symvers.CRC {
	t.Helper()
	pool := old.Pool
	id, _ := pool.ID(c.Symbol())
	a, b := old.NewScope(), new.NewScope()
	a.Enter(old.FilesOf(id)[0])
	b.Enter(new.FilesOf(id)[0])
	before, after := symtypes.NewWalker(pool), symtypes.NewWalker(pool)
	before.Reach(a, id)
	causes := make(map[string]bool)
	for _, n := range c.Causes {
		causes[r.Causes[n].Type] = true
	}
	var text strings.Builder
	for _, id := range after.Reach(b, id) {
		rec := b.Record(id)
		if before.Reached(id) && !causes[pool.Title(id)] {
			rec = a.Record(id)
		}
		text.WriteString(pool.Name(id) + " " + pool.Text(rec) + "\n")
	}
	mixed, err := symtypes.Parse(symtypes.NewPool(), "x", text.String())
	if err != nil {
		t.Fatal(err)
	}
	id, _ = mixed.Pool.ID(c.Symbol())
	crc, _ := symtypes.NewHasher(mixed.Pool).CRC(mixed.NewScope(), id)
	return symvers.CRC(crc)
}

// TestOracleReachability: of SUSE's kernels of 2012-09 and 2012-11 what the
// tables say changed is just what the types explain.
func TestOracleReachability(t *testing.T) {
	pool := symtypes.NewPool()
	side := func(at string) Side {
		return Side{Table: table(t, oracle.Data(t, "symvers/suse/"+at+"_x86_64_symvers-default.gz")), Types: types(t, pool, oracle.Data(t, "symtypes/suse/"+at+"_x86_64_symtypes-default.gz"))}
	}
	r := Compare(side("2012-09-21_c6703fc97"), side("2012-11-01_4f6ab0a86"), Options{})
	if len(r.Changed) != 76 || r.Proved != 76 {
		t.Errorf("%d changed, %d proved", len(r.Changed), r.Proved)
	}
	if n := len(r.Causes); n != 4 {
		t.Errorf("%d causes", n)
	}
}

// FuzzCompare: whatever the texts, an export whose expansions differ is changed,
// with causes, and these prove it; one whose expansions are equal is not.
func FuzzCompare(f *testing.F) {
	f.Add("s#a struct a { s#b * b ; }\ns#b struct b { int x ; }\nf int f ( s#a )", "s#a struct a { s#c * b ; }\ns#c struct c { s#a x ; }\nf int f ( s#a )")
	f.Add("/* a */\ns##a\nf extern s#a f\n/* b */\ns#a struct a { }\ng s#a g", "/* b */\ns#a struct a { t#u u ; }\nt#u typedef int u\nf s#a f\n/* c */\ng s#a g s#hole")
	f.Fuzz(func(t *testing.T, a, b string) {
		pool := symtypes.NewPool()
		old, err := symtypes.Parse(pool, "x", a)
		if err != nil {
			return
		}
		new, err := symtypes.Parse(pool, "x", b)
		if err != nil {
			return
		}
		r := Compare(Side{Types: old}, Side{Types: new}, Options{})
		changed := make(map[string]bool)
		for i := range r.Changed {
			c := &r.Changed[i]
			changed[c.Symbol()] = true
			if !c.Proved || len(c.Causes) == 0 {
				t.Errorf("%s: %d causes, unproved: %s", c.Symbol(), len(c.Causes), c.Unproved)
			}
		}
		h, s, n := symtypes.NewHasher(pool), old.NewScope(), new.NewScope()
		for _, id := range old.Exports() {
			if len(new.FilesOf(id)) == 0 {
				continue
			}
			s.Enter(old.FilesOf(id)[0])
			n.Enter(new.FilesOf(id)[0])
			_, oldWhole := h.CRC(s, id)
			_, newWhole := h.CRC(n, id)
			if oldWhole && newWhole && changed[pool.Name(id)] != (h.Text(s, id) != h.Text(n, id)) {
				t.Errorf("%s: changed %v", pool.Name(id), changed[pool.Name(id)])
			}
		}
		r.Without(Side{Types: old}, Side{Types: new})
	})
}
