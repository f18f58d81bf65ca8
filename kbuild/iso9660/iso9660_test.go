package iso9660

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/oracle"
)

// tree is what images of the tests hold.
var tree = map[string]string{
	"README.txt":                       "read me\n",
	"src/driver-1.0.tgz":               strings.Repeat("x", 5000),
	"src/A Long Name.With.Dots":        "",
	"d/" + strings.Repeat("n", 200):    "long",
	"1/2/3/4/5/6/7/8/9/10/deep":        "deep",
	"bin/install":                      "#!/bin/sh\n",
	"many/" + strings.Repeat("a", 100): "",
}

func layTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range tree {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := fs.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		if err := os.WriteFile(filepath.Join(dir, "many", fmt.Sprintf("%03d-%s", i, strings.Repeat("b", 80))), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../src/driver-1.0.tgz", filepath.Join(dir, "d", "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/abs/./"+strings.Repeat("l", 240)+"/x", filepath.Join(dir, "d", "longlink")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// listing is a line for each file: path, mode, content or target.
func listing(t *testing.T, image []byte) []string {
	t.Helper()
	var list []string
	err := Read(bytes.NewReader(image), int64(len(image)), func(f File, content io.Reader) error {
		text := f.Target
		if content != nil {
			b, err := io.ReadAll(content)
			if err != nil {
				return err
			}
			text = string(b)
		}
		if !f.Mode.IsDir() {
			list = append(list, fmt.Sprintf("%s %v %q", f.Path, f.Mode, text))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// TestOracleImage: what genisoimage packs comes out.
func TestOracleImage(t *testing.T) {
	tool := oracle.Tool(t, "genisoimage")
	dir := layTree(t)
	var want []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, mode := "", info.Mode().Perm()
		if info.Mode()&fs.ModeSymlink != 0 {
			text, err = os.Readlink(name)
			mode = fs.ModeSymlink | 0o777
		} else {
			var b []byte
			b, err = os.ReadFile(name)
			text = string(b)
		}
		want = append(want, fmt.Sprintf("%s %v %q", strings.TrimPrefix(name, dir), mode, text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	for _, tt := range []struct {
		name string
		args []string
		want func(line string) bool
	}{
		{"rock ridge", []string{"-R"}, func(string) bool { return true }},
		{"rock ridge and joliet", []string{"-R", "-J", "-joliet-long"}, func(string) bool { return true }},
		{"joliet", []string{"-J", "-joliet-long", "-D"}, func(line string) bool {
			return !strings.Contains(line, "/d/") && !strings.Contains(line, "/many/") && !strings.Contains(line, "install")
		}},
		{"plain", []string{"-D", "-l"}, func(line string) bool { return strings.Contains(line, "/1/2/") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "x.iso")
			if out, err := exec.Command(tool, append(tt.args, "-quiet", "-o", file, dir)...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			image, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := listing(t, image)
			n := 0
			for _, line := range want {
				if !tt.want(line) {
					continue
				}
				if n++; !slices.ContainsFunc(got, func(g string) bool {
					return modeless(g) == modeless(line) && (tt.name != "rock ridge" || sameExec(g, line))
				}) {
					t.Errorf("no %.200s\nin %.3000s", line, strings.Join(got, "\n"))
				}
			}
			if n == 0 || strings.HasPrefix(tt.name, "rock") && len(got) != len(want) {
				t.Errorf("%d files of %d", len(got), len(want))
			}
		})
	}
}

// modeless leaves out the mode, of which genisoimage -R keeps only who may run a
// file.
func modeless(line string) string {
	f := strings.SplitN(line, " -r", 2)
	if len(f) == 2 {
		_, rest, _ := strings.Cut(f[1], " ")
		return f[0] + " " + rest
	}
	return line
}

func sameExec(a, b string) bool { return strings.Contains(a, "x ") == strings.Contains(b, "x ") }

// TestDamaged: errors, no panic, no endless work.
func TestDamaged(t *testing.T) {
	ok := smallImage()
	for _, tt := range []struct {
		name   string
		change func(b []byte)
		want   string
	}{
		{"whole", func([]byte) {}, ""},
		{"no magic", func(b []byte) { b[16*sector+1] = 'X' }, "no primary volume descriptor"},
		{"root elsewhere", func(b []byte) { binary.LittleEndian.PutUint32(b[16*sector+156+2:], 1<<30) }, "damaged directory record"},
		{"great directory", func(b []byte) { binary.LittleEndian.PutUint32(b[16*sector+156+10:], 1<<31) }, "directory of 2147483648 bytes"},
		{"file that is not there", func(b []byte) { binary.LittleEndian.PutUint32(b[18*sector+68+2:], 1<<20) }, "unexpected EOF"},
		{"directory in itself", func(b []byte) { b[18*sector+68+25] = 2; binary.LittleEndian.PutUint32(b[18*sector+68+2:], 18) }, "a directory that holds itself"},
		{"short record", func(b []byte) { b[18*sector+68] = 5 }, "damaged directory record"},
		{"name with a slash", func(b []byte) { b[18*sector+68+33] = '/' }, "name"},
	} {
		b := bytes.Clone(ok)
		tt.change(b)
		err := Read(bytes.NewReader(b), int64(len(b)), func(File, io.Reader) error { return nil })
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// smallImage is a plain image with one file, A.
func smallImage() []byte {
	b := make([]byte, 20*sector)
	rec := func(at int, extent, size uint32, flags byte, name string) {
		n := 33 + len(name)
		n += n & 1
		b[at] = byte(n)
		binary.LittleEndian.PutUint32(b[at+2:], extent)
		binary.LittleEndian.PutUint32(b[at+10:], size)
		b[at+25], b[at+32] = flags, byte(len(name))
		copy(b[at+33:], name)
	}
	b[16*sector] = 1
	copy(b[16*sector+1:], "CD001")
	rec(16*sector+156, 18, sector, 2, "\x00")
	b[17*sector] = 255
	copy(b[17*sector+1:], "CD001")
	rec(18*sector, 18, sector, 2, "\x00")
	rec(18*sector+34, 18, sector, 2, "\x01")
	rec(18*sector+68, 19, 5, 0, "A;1")
	copy(b[19*sector:], "hello")
	return b
}

func FuzzRead(f *testing.F) {
	f.Add(smallImage()[16*sector:])
	f.Fuzz(func(t *testing.T, data []byte) {
		b := append(make([]byte, 16*sector), data...)
		files := 0
		Read(bytes.NewReader(b), int64(len(b)), func(f File, content io.Reader) error {
			if files++; files > 2000 {
				return io.EOF
			}
			if !strings.HasPrefix(f.Path, "/") || strings.Contains(f.Path, "..") && filepath.Clean(f.Path) != f.Path {
				t.Fatalf("path %q", f.Path)
			}
			if content != nil {
				_, err := io.Copy(io.Discard, content)
				return err
			}
			return nil
		})
	})
}
