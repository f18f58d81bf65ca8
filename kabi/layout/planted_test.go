package layout

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/oracle"
)

// tool runs a tool in a directory.
func tool(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(oracle.Tool(t, name), args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// built compiles a header and what uses it, the one below include/ as a
// kernel's are, and returns the object file.
func built(t *testing.T, header, source string, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"include/linux/h.h": header, "include/asm-generic/int-ll64.h": basic, "m.c": "#include <linux/h.h>\n" + source} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	args := append([]string{"-g", "-O2", "-c", "-I", "include", "-include", "include/asm-generic/int-ll64.h", "-o", "m.o", "m.c"}, flags...)
	tool(t, dir, "gcc", args...)
	return filepath.Join(dir, "m.o")
}

const basic = `typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long long u64;
`

func openDWARF(t *testing.T, path string) *DWARF {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, err := ReadDWARF(f)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// openKernelBTF makes BTF of an object file as a kernel's build does.
func openKernelBTF(t *testing.T, object string) *BTF {
	t.Helper()
	tool(t, filepath.Dir(object), "pahole", "--btf_encode_detached=m.btf", "--btf_gen_floats", object)
	data, err := os.ReadFile(filepath.Join(filepath.Dir(object), "m.btf"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := OpenBTF(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// planted are changes of a header that genksyms does not see: it is told
// another story with __GENKSYMS__, or only knows the struct by a forward
// declaration. NEW is defined in the kernel's build. Each uses struct s, or what
// is named.
var planted = []struct {
	name, header string
	use          string // of the module; "int f(struct s *p) { return p->b; }" where empty
	want         string // "TYPE: MEMBER change", of the first difference; empty for none
}{
	{"member in front of others", `struct s { int a;
#if defined(NEW) && !defined(__GENKSYMS__)
	u64 more;
#endif
	int b; };`, "", "struct s: size"},
	{"reserved field replaced", "struct s { int b;\n#if defined(NEW) && !defined(__GENKSYMS__)\n	void *priv;\n#else\n	u64 kabi_reserved1;\n#endif\n};", "", "struct s: kabi_reserved1 reserved"},
	{"reserved field in a union with a new one", "struct s { int b;\n#ifdef NEW\n	union { struct { u32 x, y; }; u64 __reserved1; };\n#else\n	u64 __reserved1;\n#endif\n};", "", "struct s: x reserved"},
	{"what an inline function reads grows", "struct in { int x;\n#ifdef NEW\n	int y;\n#endif\n}; struct s { struct in *i; int b; }; static inline int s_x(struct s *p) { return p->i[1].x + p->b; }", "int f(struct s *p) { return s_x(p); }", "struct in: size"},
	{"enumerators renumbered", "enum e { A,\n#ifdef NEW\n	NEW_ONE,\n#endif\n	B }; struct s { enum e e; int b; };", "", "enum e: B renumbered"},
	{"enumerators of an enum without a name", "enum { A,\n#ifdef NEW\n	NEW_ONE,\n#endif\n	B }; struct s { int b; };", "int f(struct s *p) { return p->b == B; }", "enum {...}: B renumbered"},
	{"bit-field moves", "struct s { u32 a : 3;\n#ifdef NEW\n	u32 n : 1;\n#endif\n	u32 b : 4, c : 1; };", "", "struct s: b moved"},
	{"bit-field wider", "struct s {\n#ifdef NEW\n	u32 b : 6;\n#else\n	u32 b : 4;\n#endif\n};", "", "struct s: b moved"},
	{"array longer", "#ifdef NEW\n#define N 8\n#else\n#define N 4\n#endif\nstruct s { int b; char name[N]; };", "", "struct s: size"},
	{"array longer in the tail's padding", "#ifdef NEW\n#define N 8\n#else\n#define N 5\n#endif\nstruct s { u64 b; char name[N]; };", "", "struct s: name retyped"},
	{"union grows", "union u { u32 x;\n#ifdef NEW\n	u64 y;\n#endif\n}; struct s { union u u; int b; };", "", "struct s: size"},
	{"alignment", "struct s { int a;\n#ifdef NEW\n	int b __attribute__((aligned(16)));\n#else\n	int b;\n#endif\n};", "", "struct s: size"},
	{"packed", "struct s { char a; int b; }\n#ifdef NEW\n__attribute__((packed))\n#endif\n;", "", "struct s: size"},
	{"pointer becomes the struct", "struct in { int *p; }; struct s { int b;\n#ifdef NEW\n	struct in i;\n#else\n	struct in *i;\n#endif\n};", "", "struct s: i retyped"},
	{"anonymous struct two levels down", "struct s { int a; struct { union { struct { int c;\n#ifdef NEW\n	int n;\n#endif\n	int b; }; u64 whole[4]; }; }; };", "", "struct s: b moved"},
	{"members exchanged", "struct s {\n#ifdef NEW\n	int a, b;\n#else\n	int b, a;\n#endif\n};", "", "struct s: "},
	{"member gone", "struct s { int b;\n#ifndef NEW\n	int *gone;\n#else\n	u64 other;\n#endif\n};", "", "struct s: gone removed"},
	{"operations inserted", "struct ops { int (*open)(void);\n#ifdef NEW\n	int (*more)(void);\n#endif\n	int (*close)(void); }; struct s { const struct ops *ops; int b; };", "static int f(void) { return 0; } const struct ops mine = { f, f };", "struct ops: size"},
	{"operation with another parameter", "struct ops { int (*open)(int\n#ifdef NEW\n	, int\n#endif\n	); }; struct s { const struct ops *ops; int b; };", "", "struct ops: open retyped"},
	{"typedef of a struct without a name", "typedef struct { int x;\n#ifdef NEW\n	int y;\n#endif\n} t; struct s { int b; t *p; };", "", "t: size"},
	{"type of a member narrower", "struct s {\n#ifdef NEW\n	u16 b;\n#else\n	u32 b;\n#endif\n	u32 c; };", "", "struct s: b retyped"},

	{"nothing", "struct s { int a, b; };", "", ""},
	{"a member in a hole", "struct s { int b;\n#ifdef NEW\n	int hole;\n#endif\n	u64 c; };", "", ""},
	{"a value appended", "enum e { A, B,\n#ifdef NEW\n	C\n#endif\n}; struct s { enum e e; int b; };", "", ""},
	{"another name", "struct s { int b;\n#ifdef NEW\n	int new_name;\n#else\n	int old_name;\n#endif\n};", "", ""},
	{"a definition where a declaration was", "struct in;\n#ifdef NEW\nstruct in { int x; };\n#endif\nstruct s { struct in *i; int b; };", "", ""},
	{"an anonymous struct around the same", "struct s {\n#ifdef NEW\n	struct { int a, b; };\n#else\n	int a, b;\n#endif\n};", "", ""},
	{"a dimension more of as many", "struct s {\n#ifdef NEW\n	int a[2][3];\n#else\n	int a[6];\n#endif\n	int b; };", "", ""},
	{"the module's own struct of a kernel's name", "struct s { int b; };\n#ifdef NEW\nstruct own { int x; };\n#endif", "struct own { u64 y, z; }; int f(struct s *p, struct own *o) { return p->b + o->y; }", ""},
	{"an enum that is only declared", "enum e;\n#ifdef NEW\nenum e { A };\n#endif\nstruct s { int b; enum e *e; };", "", ""},
}

const ofKernel = "struct s *kernel_has; struct s kernel_s;"

func TestOraclePlanted(t *testing.T) {
	for _, flag := range []string{"-gdwarf-5", "-gdwarf-4", "-gdwarf-3"} {
		for _, test := range planted {
			t.Run(flag[1:]+"/"+test.name, func(t *testing.T) {
				use := test.use
				if use == "" {
					use = "int f(struct s *p) { return p->b; }"
				}
				d := openDWARF(t, built(t, test.header, use, flag))
				inKernel := ofKernel
				if strings.Contains(test.header, "struct own") {
					inKernel += "\n#ifdef NEW\nstruct own kernel_own;\n#endif\n"
				}
				if strings.Contains(test.header, "struct ops") {
					inKernel += "struct ops kernel_ops;"
				}
				if strings.HasPrefix(test.header, "enum {") {
					inKernel += "int kernel_f(int x) { return x == B; }"
				}
				b := openKernelBTF(t, built(t, test.header, inKernel, "-DNEW"))
				compareFound(t, Check(ViewOfDWARF(d), b, d.Pointer), test.want)
				if same := Check(ViewOfDWARF(d), openKernelBTF(t, built(t, test.header, inKernel)), d.Pointer); len(same) > 0 {
					t.Errorf("found with the same header: %v", same)
				}
			})
		}
	}
}

func compareFound(t *testing.T, found []Finding, want string) {
	t.Helper()
	var got []string
	for _, f := range found {
		d := f.Differences[0]
		got = append(got, f.Type+": "+strings.TrimSpace(d.Member+" "+string(d.Change)))
	}
	for _, g := range got {
		if want != "" && strings.HasPrefix(g, want) {
			return
		}
	}
	if want != "" || len(got) > 0 {
		t.Errorf("found %q, want %q", got, want)
	}
}
