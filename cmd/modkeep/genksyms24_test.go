package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/oracle"
)

// The example of Linux Device Drivers, 2nd edition, chapter 11: one module
// exports a function, the other calls it. modsetver.h has what that of the
// kernel does.
var lddFiles = map[string]string{
	"linux/modsetver.h": `#define _ver_name(x) __ver_ ## x
#define _ver_join(x, v) x ## _R ## v
#define _ver_paste(x, v) _ver_join(x, v)
#define _set_ver(x) _ver_paste(x, _ver_name(x))
`,
	"export.c": `#ifdef __GENKSYMS__
#define EXPORT_SYMBOL(x) EXPORT_SYMBOL(x)
#else
#include "modversions.h"
#define EXPORT_SYMBOL(x)
#endif
int export_function(int a, int b) { return a + b; }
EXPORT_SYMBOL(export_function);
`,
	"ksyms.c": `extern __attribute__((regparm(0))) int printk(const char * fmt, ...) __attribute__ ((format (printf, 1, 2)));
extern int request_module(const char * name);
EXPORT_SYMBOL(printk);
EXPORT_SYMBOL(request_module);
`,
	"import.c": `#include "modversions.h"
static const char a[] __attribute__((section(".modinfo"), used)) = "kernel_version=2.4.20";
static const char b[] __attribute__((section(".modinfo"), used)) = "using_checksums=1";
extern int printk(const char *, ...);
extern int request_module(const char *);
extern int export_function(int, int);
int init_module(void) { request_module("export"); printk("2+2 = %i", export_function(2, 2)); return 0; }
void cleanup_module(void) {}
`,
}

// TestOracleLDD makes .ver files for SMP and UP, compiles both modules with
// them, looks at the names in the objects and has them checked.
func TestOracleLDD(t *testing.T) {
	if err := exec.Command("gcc", "-m32", "-E", "-", "-o", os.DevNull).Run(); err != nil {
		oracle.Missing(t, "gcc -m32: %v", err)
	}
	for _, tt := range []struct{ name, prefix string }{{"SMP", "smp_"}, {"UP", ""}} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			object := compileLDD(t, dir, tt.prefix)
			want := "export_function_R" + tt.prefix + "888cb211 printk_R" + tt.prefix + "1b7d4074 request_module_R" + tt.prefix + "27e4dc04"
			out, err := exec.Command("nm", "-u", object).Output()
			if got := strings.Join(strings.Fields(strings.ReplaceAll(string(out), " U ", "")), " "); err != nil || got != want {
				t.Errorf("import.o needs %s, want %s (%v)", got, want, err)
			}
			out, err = exec.Command("nm", "--defined-only", filepath.Join(dir, "export.o")).Output()
			if err != nil || !strings.Contains(string(out), " T export_function_R"+tt.prefix+"888cb211\n") {
				t.Errorf("export.o has %s (%v)", out, err)
			}
			other := map[string]string{"": "smp_", "smp_": ""}[tt.prefix]
			checkLDD(t, object, tt.prefix, "888cb211", statusYes, "loads")
			checkLDD(t, object, tt.prefix, "888cb212", statusNo, "unresolved symbol export_function_R"+tt.prefix+"888cb211")
			checkLDD(t, object, other, "888cb211", statusNo, "unresolved symbol printk_R"+tt.prefix+"1b7d4074")
			checkLDD(t, object, "", "", statusYes, "the module uses symbol versions: true, the kernel does: false")
		})
	}
}

// compileLDD returns the consumer's object.
func compileLDD(t *testing.T, dir, prefix string) string {
	t.Helper()
	for name, text := range lddFiles {
		writeLDD(t, filepath.Join(dir, name), text)
	}
	modversions := []string{"genksyms", "--modversions"}
	for _, name := range []string{"export", "ksyms"} {
		c, err := exec.Command("gcc", "-E", "-D__GENKSYMS__", filepath.Join(dir, name+".c")).Output()
		if err != nil {
			t.Fatal(err)
		}
		args := []string{"genksyms", "-k", "2.4.0"}
		if prefix != "" {
			args = append(args, "-p", prefix)
		}
		ver := filepath.Join(dir, "linux/modules", name+".ver")
		writeLDD(t, ver, runLDD(t, string(c), args...))
		modversions = append(modversions, ver)
	}
	writeLDD(t, filepath.Join(dir, "modversions.h"), runLDD(t, "", modversions...))
	for _, name := range []string{"export", "import"} {
		cmd := exec.Command("gcc", "-m32", "-ffreestanding", "-fno-pic", "-O2", "-I"+dir, "-c", filepath.Join(dir, name+".c"), "-o", filepath.Join(dir, name+".o"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return filepath.Join(dir, "import.o")
}

func writeLDD(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func runLDD(t *testing.T, in string, args ...string) string {
	t.Helper()
	var out, errOut strings.Builder
	if status := run(context.Background(), args, strings.NewReader(in), &out, &errOut); status != statusYes {
		t.Fatalf("%v: status %d: %s", args, status, errOut.String())
	}
	return out.String()
}

// checkLDD judges the object for a kernel whose /proc/ksyms has versions with a
// prefix, that of the function given; without one it uses no versions.
func checkLDD(t *testing.T, object, prefix, crc string, status int, says string) {
	t.Helper()
	var ksyms strings.Builder
	for _, e := range [][2]string{{"printk", "1b7d4074"}, {"request_module", "27e4dc04"}, {"export_function", crc}} {
		name := e[0]
		if crc != "" {
			name += "_R" + prefix + e[1]
		}
		ksyms.WriteString("c011b8b0 " + name + "\n")
	}
	table := filepath.Join(t.TempDir(), "linux-headers-2.4.20", "ksyms")
	writeLDD(t, table, ksyms.String())
	var out, errOut strings.Builder
	got := run(context.Background(), []string{"modkeep", "check", "--symvers", table, object}, strings.NewReader(""), &out, &errOut)
	if got != status || !strings.Contains(out.String(), says) {
		t.Errorf("kernel with %q and %q: status %d, want %d and %q; says\n%s%s", prefix, crc, got, status, says, out.String(), errOut.String())
	}
}
