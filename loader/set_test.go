package loader_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/loader"
	"modkeep/symvers"
)

// outcomes says for each verdict of a set whether the module loads, or why not:
// "name: loads", "name: ENOENT provider /s/a.ko".
func outcomes(vs []*loader.Verdict) []string {
	var out []string
	for _, v := range vs {
		line := v.Name + ": loads"
		if !v.Loads {
			line = v.Name + ": " + v.Errno
			for _, f := range v.Findings {
				line = strings.TrimSpace(line + " " + string(f.Kind) + " " + f.Provider)
			}
		}
		out = append(out, line)
	}
	return out
}

func readAll(dir string, ms ...made) []*loader.Module {
	var out []*loader.Module
	for _, m := range ms {
		out = append(out, m.read(dir))
	}
	return out
}

// broken makes a module's own version of module_layout wrong.
func broken(m made) made {
	m.crcs["module_layout"] = 1
	return m
}

func TestSets(t *testing.T) {
	provider := func(name string, symbols ...string) made { return simple(name, symbols) }
	consumer := func(name string, symbols ...string) made { return simple(name, nil, symbols...) }
	older := provider("a", "x") // exports another version of x
	older.exports[0].crc = 9
	closed := provider("a", "x")
	closed.info = []string{"license=Proprietary", "intree=Y", "retpoline=Y"}
	tests := []struct {
		name string
		set  []made
		want []string
	}{
		{"provider first", []made{provider("a", "x"), consumer("b", "x")}, []string{"a: loads", "b: loads"}},
		{"consumer first", []made{consumer("b", "x"), provider("a", "x")}, []string{"b: loads", "a: loads"}},
		{"provider is refused", []made{consumer("b", "x"), broken(provider("a", "x"))},
			[]string{"b: ENOENT provider /s/a.ko", "a: ENOEXEC layout vmlinux"}},
		{"weak import of a refused provider", []made{consumer("b", "?x"), broken(provider("a", "x"))}, []string{"b: loads", "a: ENOEXEC layout vmlinux"}},
		{"provider of another version", []made{consumer("b", "x"), older}, []string{"b: EINVAL crc /s/a.ko", "a: loads"}},
		{"nobody provides", []made{consumer("b", "x"), provider("a", "y")}, []string{"b: ENOENT missing", "a: loads"}},
		{"chain of three", []made{consumer("c", "y"), simple("b", []string{"y"}, "x"), provider("a", "x")},
			[]string{"c: loads", "b: loads", "a: loads"}},
		{"chain of three, the first refused", []made{consumer("c", "y"), simple("b", []string{"y"}, "x"), broken(provider("a", "x"))},
			[]string{"c: ENOENT provider /s/b.ko", "b: ENOENT provider /s/a.ko", "a: ENOEXEC layout vmlinux"}},
		{"greatest subset", []made{broken(provider("a", "x")), consumer("b", "x"), provider("c", "y"), consumer("d", "y"), consumer("e", "x", "y")},
			[]string{"a: ENOEXEC layout vmlinux", "b: ENOENT provider /s/a.ko", "c: loads", "d: loads", "e: ENOENT provider /s/a.ko"}},
		{"cycle", []made{simple("a", []string{"x"}, "y"), simple("b", []string{"y"}, "x")},
			[]string{"a: ENOENT provider /s/b.ko", "b: ENOENT cycle /s/a.ko"}},
		{"needs itself", []made{simple("a", []string{"x"}, "x")}, []string{"a: ENOENT missing"}},
		{"duplicate exports", []made{provider("a", "x"), provider("b", "x")}, []string{"a: loads", "b: ENOEXEC duplicate a"}},
		{"duplicate of a refused one", []made{broken(provider("a", "x")), provider("b", "x"), consumer("c", "x")},
			[]string{"a: ENOEXEC layout vmlinux", "b: loads", "c: loads"}},
		{"alternatives of one name", []made{provider("a", "x"), provider("a", "x"), consumer("b", "x")}, []string{"a: loads", "a: loads", "b: loads"}},
		{"alternatives, one refused", []made{broken(provider("a", "x")), provider("a", "x"), consumer("b", "x")},
			[]string{"a: ENOEXEC layout vmlinux", "a: loads", "b: loads"}},
		{"duplicate of the kernel's", []made{provider("a", "in_kernel")}, []string{"a: ENOEXEC duplicate kernel"}},
		{"kernel wins over the set", []made{consumer("b", "in_kernel")}, []string{"b: loads"}},
		{"proprietary provider", []made{closed, consumer("b", "x")}, []string{"a: loads", "b: loads"}},
		{"28 GPL-only used, then proprietary", []made{closed, consumer("b", "in_kernel_gpl", "x")}, []string{"a: loads", "b: ENOENT gpl /s/a.ko"}},
		{"29 proprietary used, then GPL-only", []made{closed, consumer("b", "x", "in_kernel_gpl")}, []string{"a: loads", "b: ENOENT gpl"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := madeKernel("in_kernel", "in_kernel_gpl GPL")
			if diff := cmp.Diff(tt.want, outcomes(target.Check(readAll("/s", tt.set...)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestInherit looks at what the kernel says of a module that uses a
// proprietary one, in both orders.
func TestInherit(t *testing.T) {
	closed := simple("a", []string{"x"})
	closed.info = []string{"license=Proprietary", "intree=Y", "retpoline=Y"}
	const from = "from proprietary module a"
	tests := []struct {
		name    string
		imports []string
		want    answer
	}{
		{"28 GPL-only first", []string{"g", "x"}, answer{errno: "ENOENT", kinds: "gpl", taints: "E", basis: loader.Run,
			log: "b: module using GPL-only symbols uses symbols x " + from + ".\nb: Unknown symbol x (err -2)\n"}},
		{"29 proprietary first", []string{"x", "g"}, answer{errno: "ENOENT", kinds: "gpl", taints: "E P", basis: loader.Run,
			log: "b: module uses symbols x " + from + ", inheriting taint.\nb: Unknown symbol g (err -2)\n"}},
		{"proprietary alone", []string{"x"}, answer{taints: "E P", basis: loader.Run,
			log: "b: module uses symbols x " + from + ", inheriting taint.\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			vs := madeKernel("g GPL").Check(readAll("/s", closed, simple("b", nil, tt.imports...)))
			got := vs[1]
			tt.want.warnings = len(got.Warnings) // depends= is not of interest here
			tt.want.compare(t, got)
		})
	}
}

// listed makes a kernel of which only a table is known: symbol and owner.
func listed(rows ...string) *loader.Target {
	t := madeKernel()
	t.TableOnly = true
	others := t.Exports.(memory).others
	for _, row := range rows {
		symbol, owner, _ := strings.Cut(row, " ")
		e := export(symbol)
		e.Module = "kernel/" + owner
		others[symbol] = loader.Provider{Export: e, Owner: owner}
	}
	return t
}

// TestTable is a kernel known by Module.symvers alone, with and without
// --replace.
func TestTable(t *testing.T) {
	older := simple("a", []string{"x"})
	older.exports[0].crc = 9
	moved := simple("a", []string{"other"}) // no longer exports x
	tests := []struct {
		name    string
		set     []made
		replace bool
		want    []string
	}{
		{"listed", []made{simple("b", nil, "x")}, false, []string{"b: loads"}},
		{"not listed", []made{simple("b", nil, "y")}, false, []string{"b: ENOENT missing"}},
		{"not listed, given", []made{simple("b", nil, "y"), simple("c", []string{"y"})}, false, []string{"b: loads", "c: loads"}},
		{"given under the listed name is no duplicate", []made{simple("a", []string{"x"})}, false, []string{"a: loads"}},
		{"given under the listed name, replacing", []made{simple("a", []string{"x"})}, true, []string{"a: loads"}},
		{"the table's version wins", []made{older, simple("b", nil, "x")}, false, []string{"a: loads", "b: loads"}},
		{"the given version wins", []made{older, simple("b", nil, "x")}, true, []string{"a: loads", "b: EINVAL crc /s/a.ko"}},
		{"the table lists what the given one lacks", []made{moved, simple("b", nil, "x")}, false, []string{"a: loads", "b: loads"}},
		{"the given one lacks it, replacing", []made{moved, simple("b", nil, "x")}, true, []string{"a: loads", "b: ENOENT missing /s/a.ko"}},
		{"listed provider is given and refused", []made{broken(simple("a", []string{"x"})), simple("b", nil, "x")}, false,
			[]string{"a: ENOEXEC layout vmlinux", "b: loads"}},
		{"listed provider is given and refused, replacing", []made{broken(simple("a", []string{"x"})), simple("b", nil, "x")}, true,
			[]string{"a: ENOEXEC layout vmlinux", "b: ENOENT provider /s/a.ko"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := listed("x a")
			target.Replace = tt.replace
			if diff := cmp.Diff(tt.want, outcomes(target.Check(readAll("/s", tt.set...)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestOutside judges modules whose providers are installed but not given: the
// kernel's own are taken to load, others are judged in their turn.
func TestOutside(t *testing.T) {
	dir := t.TempDir()
	installed := func(m made) string {
		path := filepath.Join(dir, m.name+".ko")
		if err := os.WriteFile(path, m.bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, bad := installed(simple("good", []string{"fine"})), installed(broken(simple("bad", []string{"poor"})))
	far := installed(simple("far", []string{"relayed"}, "poor"))
	junk := filepath.Join(dir, "junk.ko")
	if err := os.Symlink("nowhere", junk); err != nil {
		t.Fatal(err)
	}
	others := map[string]loader.Provider{
		"fine":    {Owner: "good", File: good},
		"poor":    {Owner: "bad", File: bad},
		"relayed": {Owner: "far", File: far},
		"own":     {Owner: "own", File: bad, Own: true},
		"lost":    {Owner: "lost", Missing: "lost comes from the kernel's module lost, whose file is not installed"},
		"unread":  {Owner: "junk", File: junk},
	}
	for symbol, p := range others {
		p.Export = export(symbol)
		p.Module = "kernel/" + p.Owner
		others[symbol] = p
	}
	tests := []struct{ symbol, want string }{
		{"fine", "m: loads"},
		{"own", "m: loads"},
		{"poor", "m: ENOENT provider " + bad},
		{"relayed", "m: ENOENT provider " + far},
		{"lost", "m: ENOENT provider kernel/lost"},
		{"unread", "m: ENOENT provider " + junk},
	}
	for _, tt := range tests {
		t.Run(tt.symbol, func(t *testing.T) {
			target := madeKernel()
			target.Exports = memory{image: target.Exports.(memory).image, others: others}
			got := outcomes(target.Check(readAll("/s", simple("m", nil, tt.symbol))))
			if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFinding looks at all fields of one finding, and at what modprobe says of
// a module whose provider it cannot load.
func TestFinding(t *testing.T) {
	m := simple("b", nil, "x")
	m.crcs["x"] = 0xabc
	target := madeKernel("x")
	v := target.Check(readAll("/s", m))[0]
	want := []loader.Finding{{Kind: loader.KindCRC, Symbol: "x", Want: "0x00000abc", Found: symvers.CRC(crcOf("x")).String(), Provider: "vmlinux",
		Text: "built for another version of x"}}
	if diff := cmp.Diff(want, v.Findings); diff != "" {
		t.Error(diff)
	}
	if v.Next != "rebuild it for "+madeRelease {
		t.Errorf("next %q", v.Next)
	}

	vs := madeKernel().Check(readAll("/s", simple("b", nil, "x"), broken(simple("a", []string{"x"}))))
	if want := "modprobe: ERROR: could not insert 'b': Exec format error"; vs[0].Modprobe != want {
		t.Errorf("modprobe %q, want %q", vs[0].Modprobe, want)
	}
	if want := "insmod: ERROR: could not insert module /s/b.ko: Unknown symbol in module"; vs[0].Insmod != want {
		t.Errorf("insmod %q, want %q", vs[0].Insmod, want)
	}
}

// TestUnknownFacts judges on a kernel of which nothing is known but exports:
// loads stands, and what was not known is named.
func TestUnknownFacts(t *testing.T) {
	target := &loader.Target{Profile: loader.Profile{Version: loader.Version{6, 12, 0}, Distro: "debian", Arch: loader.Arches[0], Versions: loader.Yes},
		Exports: memory{image: imageOf()}, TableOnly: true}
	m := simple("m", nil)
	m.crcs = nil
	v := target.Check(readAll("/s", m))[0]
	want := []string{"whether signatures are enforced", "size of struct module", "CRC of module_layout", "vermagic"}
	if diff := cmp.Diff(want, v.Unknown); diff != "" || !v.Loads {
		t.Errorf("loads=%v (-want +got):\n%s", v.Loads, diff)
	}
	target = madeKernel()
	target.Force = loader.Unknown
	v = target.Check(readAll("/s", m))[0]
	if diff := cmp.Diff([]string{"CONFIG_MODULE_FORCE_LOAD"}, v.Unknown); diff != "" || !v.Loads {
		t.Errorf("loads=%v (-want +got):\n%s", v.Loads, diff)
	}
}
