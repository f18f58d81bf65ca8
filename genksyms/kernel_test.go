package genksyms

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
)

// TestOracleKernel reads real files of a kernel as the C programs do: exports,
// messages, types and expansions are equal byte for byte.
func TestOracleKernel(t *testing.T) {
	files := oracle.Preprocessed(t)
	for _, k := range tools(t) {
		t.Run(k.dialect.Kernel, func(t *testing.T) {
			t.Parallel()
			exports := 0
			for _, file := range files {
				exports += k.compareFile(t, file)
			}
			t.Logf("%d files, %d exports", len(files), exports)
		})
	}
}

// compareFile returns how many exports were compared.
func (k tool) compareFile(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte("__GENKSYMS_EXPORT_SYMBOL"), []byte(k.marker()))
	types := filepath.Join(t.TempDir(), "types")
	var out, messages bytes.Buffer
	cmd := exec.Command(k.path, "-w", "-D", "-T", types)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), &out, &messages
	if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("%s: %v", file, err)
	}
	written, err := os.ReadFile(types)
	if err != nil {
		t.Fatal(err)
	}
	want := outcome{out.String(), messages.String(), string(written), cmd.ProcessState.ExitCode() == 1}
	got, err := k.parse(request{text: string(text), dump: true})
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if want != got {
		t.Errorf("%s: differs from the program of %s in what it prints: %s", file, k.dialect.Kernel, part(want.diff(got)))
	}
	return strings.Count(want.exports, "\n")
}

// part is the beginning of a text too long for a message.
func part(s string) string {
	return s[:min(len(s), 2000)]
}

// TestExpand has the text and the types from the program of 6.1 (-D -T).
func TestExpand(t *testing.T) {
	d, _, err := DialectOf("6.1")
	if err != nil {
		t.Fatal(err)
	}
	text := `# 1 "t.c"
# 1 "h.h" 1
enum { N = 4, M };
typedef struct list { struct list *next; int n[M]; } list_t;
struct own;
int f(list_t *first, struct list *second, struct own *p);
# 3 "t.c" 2
__GENKSYMS_EXPORT_SYMBOL(f);
`
	unit, err := Parse(strings.NewReader(text), Options{Dialect: d})
	if err != nil {
		t.Fatal(err)
	}
	expansion, crc, ok := unit.Expand("f")
	want := "int f ( typedef struct list { struct list * next ; int n [ ( 4 ) + 1 ] ; } list_t * , struct list * , struct own { UNKNOWN } * ) "
	if diff := cmp.Diff(want, expansion); diff != "" || !ok {
		t.Errorf("expansion (-want +got):\n%s", diff)
	}
	if len(unit.Exports) != 1 || unit.Exports[0] != (Export{"f", crc}) {
		t.Errorf("exports %v, want f with 0x%08x", unit.Exports, crc)
	}
	var names []string
	for s := range unit.Types() {
		names = append(names, s.Kind.Prefix()+s.Name)
	}
	if diff := cmp.Diff([]string{"E#M", "s#list", "t#list_t", "s#own", "f"}, names); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	if s, ok := unit.Lookup(Struct, "list"); !ok || s.Kind != Struct || len(s.Definition) != 14 {
		t.Errorf("struct list: %v, %v", s, ok)
	}
}
