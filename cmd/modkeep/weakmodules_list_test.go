package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
)

func TestReadListed(t *testing.T) {
	tests := []struct {
		name, in string
		want     []string
		err      string
	}{
		{"nothing", "", nil, ""},
		{"lines", "/a.ko\nb.ko\n", []string{"/a.ko", "b.ko"}, ""},
		{"no newline at the end", "/a.ko\nb.ko", []string{"/a.ko", "b.ko"}, ""},
		{"blank lines", "\n\n/a.ko\n \t\n\r\nb.ko\n\n", []string{"/a.ko", "b.ko"}, ""},
		{"carriage returns", "/a.ko\r\nb.ko\r", []string{"/a.ko", "b.ko"}, ""},
		{"blanks in a path", "/a b/ c.ko \n", []string{"/a b/ c.ko "}, ""},
		{"NUL", "/a.ko\x00b.ko\x00\x00\n", []string{"/a.ko", "b.ko"}, ""},
		{"no UTF-8", "/\xff\xfe.ko\n", []string{"/\xff\xfe.ko"}, ""},
		{"glob", "/lib/modules/*/extra/[a].ko\n", []string{"/lib/modules/*/extra/[a].ko"}, ""},
		{"longest", strings.Repeat("x", 4096) + "\n", []string{strings.Repeat("x", 4096)}, ""},
		{"too long", "a\n" + strings.Repeat("x", 4097) + "\n", nil, "line 2 is longer than a path can be"},
		{"far too long", strings.Repeat("x", 1<<20), nil, "a line is longer than a path can be"},
		{"too many", strings.Repeat("a\n", 1<<20+1), nil, "more than 1048576 paths"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := readListed(strings.NewReader(test.in))
			if err != nil || test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Fatalf("error %v, want %q", err, test.err)
				}
				return
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestListPlace(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "real"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", filepath.Join(dir, "alias")); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, root, dir, path string
		want                  string
		ok                    bool
	}{
		{"absolute", "/", "/tmp", "/lib/modules/K/extra/a.ko", "/lib/modules/K/extra/a.ko", true},
		{"merged", "/", "/tmp", "/usr/lib/modules/K/extra/a.ko", "/lib/modules/K/extra/a.ko", true},
		{"relative", "/", "/lib/modules/K", "extra/a.ko", "/lib/modules/K/extra/a.ko", true},
		{"relative with dots", "/", "/usr/lib/modules/K/kernel", "./../extra//a.ko", "/lib/modules/K/extra/a.ko", true},
		{"elsewhere", "/", "/tmp", "/opt/a.ko", "/opt/a.ko", true},
		{"root", dir + "/real", "/tmp", dir + "/real/lib/modules/K/extra/a.ko", "/lib/modules/K/extra/a.ko", true},
		{"root with a slash behind", dir + "/real/", "/tmp", dir + "/real/usr/lib/modules/K/a.ko", "/lib/modules/K/a.ko", true},
		{"relative root", "real", dir, "real/lib/modules/K/extra/a.ko", "/lib/modules/K/extra/a.ko", true},
		{"root by a link", dir + "/alias", "/tmp", dir + "/real/lib/modules/K/extra/a.ko", "/lib/modules/K/extra/a.ko", true},
		{"root by that link", dir + "/alias", "/tmp", dir + "/alias/lib/modules/K/extra/a.ko", "/lib/modules/K/extra/a.ko", true},
		{"inside already", dir + "/real", "/tmp", "/usr/lib/modules/K/extra/a.ko", "/lib/modules/K/extra/a.ko", true},
		{"outside", dir + "/real", "/tmp", "/opt/a.ko", "/opt/a.ko", false},
		{"a name that begins alike", dir + "/real", "/tmp", dir + "/really/a.ko", dir + "/really/a.ko", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := newListPlace(test.root, test.dir).inside(test.path)
			if got != test.want || ok != test.ok {
				t.Errorf("%q, %t; want %q, %t", got, ok, test.want, test.ok)
			}
		})
	}
}

// FuzzReadListed makes sure that no list crashes and no path is made up.
func FuzzReadListed(f *testing.F) {
	f.Add("/lib/modules/K/extra/a.ko\r\n\n../x y\x00")
	f.Fuzz(func(t *testing.T, in string) {
		paths, err := readListed(strings.NewReader(in))
		if err != nil {
			return
		}
		place := newListPlace("/r", "/d")
		for _, path := range paths {
			if path == "" || !strings.Contains(in, path) {
				t.Errorf("path %q is not in the list", path)
			}
			if inside, _ := place.inside(path); !filepath.IsAbs(inside) {
				t.Errorf("%q became %q", path, inside)
			}
		}
	})
}

var getoptLines = []struct {
	name string
	args []string
	want string // as getopt(1) prints it
	err  string
}{
	{"nothing", nil, " --", ""},
	{"options", []string{"--verbose", "--add-modules", "--dry-run"}, " --verbose --add-modules --dry-run --", ""},
	{"value", []string{"--basedir", "/x", "--add-kernel", "5.14"}, " --basedir '/x' --add-kernel -- '5.14'", ""},
	{"value attached", []string{"--basedir=/x=y"}, " --basedir '/x=y' --", ""},
	{"value empty", []string{"--basedir="}, " --basedir '' --", ""},
	{"value looks like an option", []string{"--basedir", "--verbose"}, " --basedir '--verbose' --", ""},
	{"options after operands", []string{"5.14", "--add-kernel", "--verbose"}, " --add-kernel --verbose -- '5.14'", ""},
	{"end of options", []string{"--add-kernel", "--", "--verbose"}, " --add-kernel -- '--verbose'", ""},
	{"abbreviated", []string{"--verb", "--add-k", "--no", "--base=/x"}, " --verbose --add-kernel --no-initramfs --basedir '/x' --", ""},
	{"short", []string{"-h"}, " -h --", ""},
	{"short twice", []string{"-hh"}, " -h -h --", ""},
	{"dash", []string{"-"}, " -- '-'", ""},
	{"empty operand", []string{"--add-kernel", ""}, " --add-kernel -- ''", ""},
	{"unknown", []string{"--verbose", "--weak"}, "", "unrecognized option '--weak'"},
	{"unknown with a value", []string{"--weak=1"}, "", "unrecognized option '--weak=1'"},
	{"unknown short", []string{"-hx"}, "", "invalid option -- 'x'"},
	{"unknown behind operands", []string{"5.14", "-v"}, "", "invalid option -- 'v'"},
	{"ambiguous", []string{"--add"}, "", "option '--add' is ambiguous; possibilities: '--add-modules' '--add-kernel'"},
	{"no value wanted", []string{"--verb=1"}, "", "option '--verbose' doesn't allow an argument"},
	{"value missing", []string{"--add-modules", "--dracut"}, "", "option '--dracut' requires an argument"},
}

// getoptLine is what getopt(1) prints for a parsed command line.
func getoptLine(options []givenOption, operands []string, long []longOption) string {
	var b strings.Builder
	for _, o := range options {
		dashes := "-"
		value := ""
		for _, l := range long {
			if l.name == o.name {
				dashes = "--"
				if l.value {
					value = " '" + o.value + "'"
				}
			}
		}
		b.WriteString(" " + dashes + o.name + value)
	}
	b.WriteString(" --")
	for _, o := range operands {
		b.WriteString(" '" + o + "'")
	}
	return b.String()
}

func TestGetopt(t *testing.T) {
	for _, test := range getoptLines {
		t.Run(test.name, func(t *testing.T) {
			options, operands, err := getopt(test.args, "h", weakModulesOptions, false)
			if err != nil || test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Fatalf("error %v, want %q", err, test.err)
				}
				return
			}
			if got := getoptLine(options, operands, weakModulesOptions); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
	_, operands, _ := getopt([]string{"--verbose", "5.14", "--add-kernel"}, "h", weakModulesOptions, true)
	if diff := cmp.Diff([]string{"5.14", "--add-kernel"}, operands); diff != "" {
		t.Errorf("POSIXLY_CORRECT (-want +got):\n%s", diff)
	}
}

// TestOracleGetopt holds the table against the program.
func TestOracleGetopt(t *testing.T) {
	program := oracle.Tool(t, "getopt")
	var names []string
	for _, o := range weakModulesOptions {
		name := o.name
		if o.value {
			name += ":"
		}
		names = append(names, name)
	}
	for _, test := range getoptLines {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command(program, append([]string{"-o", "h", "--long", strings.Join(names, ","), "--"}, test.args...)...)
			cmd.Args[0] = "getopt" // which its errors begin with
			cmd.Env = []string{"LC_ALL=C"}
			var errOut strings.Builder
			cmd.Stderr = &errOut
			out, err := cmd.Output()
			if test.err != "" {
				if want := "getopt: " + test.err + "\n"; errOut.String() != want {
					t.Errorf("getopt says %q, the table %q", errOut.String(), want)
				}
				return
			}
			if got := strings.TrimSuffix(string(out), "\n"); got != test.want || err != nil {
				t.Errorf("getopt prints %q (%v), the table has %q", got, err, test.want)
			}
		})
	}
}
