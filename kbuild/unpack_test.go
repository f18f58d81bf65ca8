package kbuild

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// tarOf makes a .tgz of headers and texts.
func tarOf(t testing.TB, entries ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range entries {
		text := h.PAXRecords["TEST.text"]
		h.PAXRecords = nil
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		h.Size = int64(len(text))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func file(name, text string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeReg, PAXRecords: map[string]string{"TEST.text": text}}
}

func link(name, target string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target}
}

// TestUnpackedHostile: nothing is written outside, and nothing is left.
func TestUnpackedHostile(t *testing.T) {
	for _, tt := range []struct {
		name    string
		archive []byte
		want    string
	}{
		{"name that leads out", tarOf(t, file("../evil", "x")), "leads out of the root"},
		{"name that leads out later", tarOf(t, file("a/../../evil", "x")), "leads out of the root"},
		{"link to an absolute path", tarOf(t, link("a", "/etc")), `a link to the absolute path "/etc"`},
		{"link that leads out", tarOf(t, link("d/a", "../../etc")), `a link to "../../etc", out of the archive`},
		{"link that leads out through another", tarOf(t, file("x/y/f", ""), link("x/y/top", "../.."), link("out", "x/y/top/../etc")), "link out: "},
		{"link in a directory that is one", tarOf(t, file("x/y/f", ""), link("x/y/top", "../.."), link("x/y/top/out", "../../etc")), "link out: "},
		{"file through a link", tarOf(t, link("a", "."), file("a/b", "x"), link("b", "c")), "exists"},
		{"the same file twice", tarOf(t, file("a", "x"), file("a", "y")), "exists"},
		{"device", tarOf(t, tar.Header{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}), "devices and sockets are not unpacked"},
		{"hard link out", tarOf(t, tar.Header{Name: "a", Typeflag: tar.TypeLink, Linkname: "../../etc/passwd"}), "leads out of the root"},
		{"absolute hard link", tarOf(t, tar.Header{Name: "a", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}), "is absolute"},
		{"truncated", tarOf(t, file("a", strings.Repeat("x", 9000)))[:60], "unexpected EOF"},
		{"no archive", []byte("nothing"), "invalid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cache := t.TempDir()
			name := filepath.Join(t.TempDir(), "x.tgz")
			if err := os.WriteFile(name, tt.archive, 0o644); err != nil {
				t.Fatal(err)
			}
			dir, err := Unpacked(cache, name)
			if tt.name == "no archive" {
				if err == nil {
					t.Fatalf("unpacked to %s", dir)
				}
			} else if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("%s, %v; want %s", dir, err, tt.want)
			} else if strings.Count(err.Error(), name) != 1 {
				t.Errorf("%v: the archive is not named once", err)
			}
			if left, _ := os.ReadDir(filepath.Join(cache, "unpacked")); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
			if _, err := os.Stat(filepath.Join(cache, "evil")); err == nil {
				t.Error("a file outside was written")
			}
		})
	}
}

func TestUnpacked(t *testing.T) {
	cache := t.TempDir()
	name := filepath.Join(t.TempDir(), "x.tgz")
	entries := []tar.Header{file("d/run.sh", "#!/bin/sh\n"), link("d/l", "run.sh"), {Name: "d/h", Typeflag: tar.TypeLink, Linkname: "d/run.sh"}}
	entries[0].Mode = 0o4755
	if err := os.WriteFile(name, tarOf(t, entries...), 0o644); err != nil {
		t.Fatal(err)
	}
	dir, err := Unpacked(cache, name)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"run.sh", "l", "h"} {
		info, err := os.Stat(filepath.Join(dir, "d", f))
		if err != nil || info.Mode().Perm() != 0o755 || info.Mode()&os.ModeSetuid != 0 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
	if again, err := Unpacked(cache, name); again != dir || err != nil {
		t.Errorf("again: %s, %v", again, err)
	}
}

// TestNotArchives: what is called like an archive and is none.
func TestNotArchives(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo.tgz")
	if err := syscall.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	lay(t, dir, map[string]string{"src/x.c": "", "drv-1.0.tar.gz.asc": "signature", "drv-1.0.tar.gz.sha256": "sum"})
	for name, want := range map[string]string{"fifo.tgz": "not a regular file", "drv-1.0.tar.gz.asc": "not a package, a tar file or an image", "none.iso": "no such file"} {
		if _, err := Unpacked(t.TempDir(), filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	lay(t, dir, map[string]string{"drv-1.0/Kbuild": "obj-m := drv.o\n"})
	sources, _, err := Unpacker{Cache: t.TempDir(), Temp: t.TempDir()}.OpenSources(t.Context(), dir)
	if err != nil || len(sources) != 1 {
		t.Errorf("beside a signature: %v, %v", sources, err)
	}
}

// TestOpenSources: what a directory or a package holds.
func TestOpenSources(t *testing.T) {
	dkms := "PACKAGE_NAME=one\nPACKAGE_VERSION=1.0\nBUILD_DEPENDS[0]=two\nDEST_MODULE_LOCATION[0]=/extra\n"
	packed := tarOf(t, file("two-2.0/Kbuild", "obj-m := two.o\n"), file("two-2.0/two.c", ""))
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  []string
		err   string
	}{
		{"dkms.conf", map[string]string{"dkms.conf": dkms}, []string{"one-1.0 two"}, ""},
		{"several", map[string]string{"a/dkms.conf": dkms, "drv-3.1/Makefile": "all:\n\nobj-m += drv.o\n", "doc/x": "", "two.tgz": string(packed)}, []string{"drv-3.1", "one-1.0 two", "two-2.0"}, ""},
		{"version in the name of the directory", map[string]string{"one-2.5/dkms.conf": strings.Replace(dkms, "1.0", `"#MODULE_VERSION#"`, 1)}, []string{"one-2.5 two"}, ""},
		{"no version", map[string]string{"one/dkms.conf": strings.Replace(dkms, "1.0", `"#MODULE_VERSION#"`, 1)}, nil, `"one-#MODULE_VERSION#" is not a name that make can use`},
		{"name for a shell", map[string]string{"dkms.conf": strings.Replace(dkms, "=one", "='a;b'", 1)}, nil, `"a;b-1.0" is not a name that make can use`},
		{"further down", map[string]string{"SOURCES/x/src/Kbuild": "obj-$(CONFIG_X) += x.o"}, []string{"src"}, ""},
		{"the same twice", map[string]string{"a/dkms.conf": dkms, "b/dkms.conf": dkms}, []string{"one-1.0 two"}, ""},
		{"nothing", map[string]string{"Makefile": "all:\n\techo obj-m\n"}, nil, "neither a dkms.conf nor a Kbuild file"},
		{"hostile", map[string]string{"a/dkms.conf": "PACKAGE_NAME=$(id)\n"}, nil, "command substitution $(id) is not run"},
		{"no regular file", map[string]string{"dkms.conf": "-> /dev/zero"}, nil, "not a regular file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			lay(t, dir, tt.files)
			sources, notes, err := Unpacker{Cache: t.TempDir(), Temp: t.TempDir()}.OpenSources(t.Context(), dir)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("%v, %v; want %s", sources, err, tt.err)
				}
				return
			}
			var got []string
			for _, s := range sources {
				got = append(got, strings.TrimSpace(s.String()+" "+strings.Join(s.Needs, " ")))
			}
			if slices.Sort(got); !slices.Equal(got, tt.want) || err != nil {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
			if (tt.name == "the same twice") != (len(notes) == 1) {
				t.Errorf("notes %q", notes)
			}
		})
	}
}

// TestFindNeeds: what a source exports, and what it only has macros for.
func TestFindNeeds(t *testing.T) {
	var sources []*Source
	for name, files := range map[string]map[string]string{
		"big-1":  {"big.c": "int big(void) { return 0; }\nEXPORT_SYMBOL_GPL(big);\n", "compat.h": "#define EXPORT_SYMBOL(x)\n# define BOTH(y) \\\n\tEXPORT_SYMBOL(y); \\\n\tEXPORT_SYMBOL_GPL(y)\n"},
		"user-1": {"user.c": "int f(int y) { return big(); }\n"},
		"none-1": {"none.c": "int f(int x, int y) { return x + y; }\n"},
	} {
		dir := filepath.Join(t.TempDir(), name)
		files["Kbuild"] = "obj-m := x.o\n"
		lay(t, dir, files)
		sources = append(sources, open(t, dir))
	}
	lines, err := FindNeeds(sources)
	if err != nil || !slices.Equal(lines, []string{"user uses what big exports (big)"}) {
		t.Errorf("%q, %v", lines, err)
	}
}

func TestObjectSource(t *testing.T) {
	for _, tt := range []struct {
		name        string
		files       map[string]string
		kbuild, err string
	}{
		{"evt", map[string]string{"evtchn.c": "", "evtchn.h": ""}, "obj-m := evt.o\nevt-objs := evtchn.o\nccflags-y := -I$(src)\n", ""},
		{"evtchn", map[string]string{"evtchn.c": ""}, "obj-m := evtchn.o\n", ""},
		{"evtchn", map[string]string{"evtchn.c": "", "x.c": "", "y.S": ""}, "obj-m := evtchn.o\nevtchn-objs := evtchn-main.o x.o y.o\nccflags-y := -I$(src)\n", ""},
		{"evtchn", map[string]string{"evtchn.h": ""}, "", "no C file"},
		{"../x", map[string]string{"x.c": ""}, "", "is no name of a module"},
		{"x", map[string]string{"a $(id).c": ""}, "", "not a file name that make can use"},
	} {
		dir := t.TempDir()
		lay(t, dir, tt.files)
		var from []string
		for name := range tt.files {
			from = append(from, filepath.Join(dir, name))
		}
		slices.Sort(from)
		s, err := ObjectSource(t.TempDir(), tt.name, from, t.TempDir(), nil)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(s.Dir, "Kbuild"))
		if string(text) != tt.kbuild || err != nil || s.Name != tt.name || s.DestDir != "updates" {
			t.Errorf("%s: %q, %v; want %q", s, text, err, tt.kbuild)
		}
	}
}

func FuzzUnpacked(f *testing.F) {
	f.Add(tarOf(f, file("a/b", "x"), link("c", "a"), file("c/d", "y")))
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(t.TempDir(), "x.tar")
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
		cache := t.TempDir()
		if _, err := Unpacked(cache, name); err != nil {
			if left, _ := os.ReadDir(filepath.Join(cache, "unpacked")); len(left) > 0 {
				t.Fatalf("%v is left", left)
			}
		}
	})
}
