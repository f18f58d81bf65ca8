package kmp

import (
	"archive/tar"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"modkeep/internal/cputime"
	"modkeep/internal/kerneltest/oracle"
)

const moduleDirectory = "/lib/modules/" + oldKernel + "/extra/urma/"

// checkContents is what both test packages must hold.
func checkContents(t *testing.T, p *Package) {
	t.Helper()
	type short struct{ Path, KRel, Release, Err string }
	var modules []short
	for _, m := range p.Modules {
		s := short{m.Path, m.KRel, m.Release, ""}
		if m.Err != nil {
			s.Err = "err"
		} else if !bytes.Equal(m.Data, ubcore) {
			t.Errorf("%s: content differs", m.Path)
		}
		modules = append(modules, s)
	}
	want := []short{
		{moduleDirectory + "broken.ko", oldKernel, "", "err"},
		{moduleDirectory + "twin.ko", oldKernel, oldKernel, ""},
		{moduleDirectory + "ubcore.ko", oldKernel, oldKernel, ""},
	}
	if diff := cmp.Diff(want, modules); diff != "" {
		t.Error("modules:", diff)
	}
	if diff := cmp.Diff([]string{oldKernel}, p.Kernels()); diff != "" {
		t.Error("kernels:", diff)
	}
	var extras []string
	for _, e := range p.Extras {
		extras = append(extras, fmt.Sprintf("%s %s %q %s", e.Role, e.Path, clip(string(e.Data)), e.Target))
	}
	wantExtras := []string{
		"depmod /etc/depmod.d/ubcore.conf \"override ubcore * extra/urma\\n\" ",
		"modprobe /etc/modprobe.d/ubcore.conf \"options ubcore debug=1\\n\" ",
		"modules-load /etc/modules-load.d/ubcore.conf \"ubcore\\n\" ",
		"link " + moduleDirectory + "alias.ko \"\" ubcore.ko",
		"systemd /usr/lib/systemd/system/uboib-module.service \"[Unit]\\nDescription=uboib\\n\" ",
		fmt.Sprintf("symvers /usr/src/ubcore/Module.symvers %q ", symvers),
	}
	if diff := cmp.Diff(wantExtras, extras); diff != "" {
		t.Error("extras:", diff)
	}
}

var update = flag.Bool("update", false, "build testdata anew")

// TestFixtures reads the two small packages of testdata, which need no tool.
func TestFixtures(t *testing.T) {
	for name, build := range map[string]func(testing.TB, string) string{"urma.rpm": buildRPM, "urma.deb": buildDeb} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name)
			if *update {
				data, err := os.ReadFile(build(t, map[string]string{"urma.rpm": "w9.gzdio", "urma.deb": "xz"}[name]))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			p, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			checkContents(t, p)
			if p.Scripts == nil || p.Depends == nil || p.EVR() == "" {
				t.Errorf("got %+v", p)
			}
		})
	}
}

// TestOracleRPM holds what is read of a package against what rpm says of it,
// for each compression.
func TestOracleRPM(t *testing.T) {
	for _, method := range []string{"w9.gzdio", "w6.xzdio", "w19.zstdio", "w9.bzdio", "w6.lzdio", "w.ufdio"} {
		t.Run(method, func(t *testing.T) {
			path := buildRPM(t, method)
			p, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			checkContents(t, p)
			query := func(format string) string { return run(t, "rpm", "-qp", "--queryformat", format, path) }
			if got, want := strings.Join([]string{p.Name, p.Epoch, p.Version, p.Release, p.Arch, p.License, p.Vendor}, "|"),
				query("%{NAME}|%{EPOCH}|%{VERSION}|%{RELEASE}|%{ARCH}|%{LICENSE}|%{VENDOR}"); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			for _, r := range rpmRelations {
				tag := map[Relation]string{Requires: "REQUIRE", Provides: "PROVIDE", Conflicts: "CONFLICT", Obsoletes: "OBSOLETE",
					Recommends: "RECOMMEND", Suggests: "SUGGEST", Supplements: "SUPPLEMENT", Enhances: "ENHANCE"}[r.relation]
				want := strings.Split(strings.TrimSuffix(query("[%{"+tag+"NEVRS}\n]"), "\n"), "\n")
				var got []string
				for _, d := range p.Depends {
					if d.Relation == r.relation {
						got = append(got, d.String())
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: %s", r.relation, diff)
				}
			}
			var files []string
			for _, f := range p.Files {
				files = append(files, f.Path)
			}
			if diff := cmp.Diff(strings.Fields(run(t, "rpm", "-qpl", path)), files); diff != "" {
				t.Error("files:", diff)
			}
			if want := strings.Fields(query("[%{FILESIZES} %{FILEMODES:octal} %{FILELINKTOS}|]")); len(want) == 0 {
				t.Error("rpm says nothing of the files")
			}
			checkScripts(t, path, p)
		})
	}
}

func checkScripts(t *testing.T, path string, p *Package) {
	t.Helper()
	type short struct{ Name, Interpreter, Conditions, Calls, Macros string }
	var got []short
	said := run(t, "rpm", "-qp", "--scripts", "--triggers", "--filetriggers", path)
	for _, s := range p.Scripts {
		var macros []string
		for _, m := range s.Macros {
			macros = append(macros, fmt.Sprintf("%d %s %v", m.Line, m.Name, m.Job))
		}
		got = append(got, short{s.Name, s.Interpreter, strings.Join(s.Conditions, ", "), strings.Join(s.Calls, " "), strings.Join(macros, ", ")})
		if !strings.Contains(said, strings.TrimSpace(s.Text)) {
			t.Errorf("%s: rpm does not show %q", s.Name, s.Text)
		}
	}
	want := []short{
		{"pretrans", "<lua>", "", "", ""},
		{"pre", "/bin/sh", "", "", ""},
		{"post", "/bin/sh", "", "depmod weak-modules", "2 %kernel_module_post_macro true, 6 %{unknown_kernel_release} false"},
		{"preun", "/bin/sh", "", "", ""},
		{"postun", "/bin/sh", "", "weak-modules", ""},
		{"posttrans", "/bin/sh", "", "dracut", ""},
		{"triggerin", "/bin/sh", "kernel, kernel-core >= 4.19", "dkms", ""},
		{"triggerpostun", "/bin/sh", "kernel < 4", "", ""},
		{"filetriggerin", "/bin/sh", "/lib/modules", "depmod", ""},
		{"transfiletriggerin", "<lua>", "/etc/depmod.d, /usr/lib/modules", "", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("scripts:", diff)
	}
}

// TestOracleDeb holds what is read of a package against what dpkg-deb says of
// it.
func TestOracleDeb(t *testing.T) {
	for _, method := range []string{"gzip", "xz", "zstd", "none"} {
		t.Run(method, func(t *testing.T) {
			path := buildDeb(t, method)
			p, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			checkContents(t, p)
			if got, want := p.Name+"\t"+p.EVR()+"\t"+p.Arch, run(t, "dpkg-deb", "-W", "--showformat", "${Package}\t${Version}\t${Architecture}", path); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			checkDebFiles(t, path, p)
			var deps []string
			for _, d := range p.Depends {
				deps = append(deps, string(d.Relation)+" "+d.String())
			}
			want := []string{"requires dpkg >= 1.17", "requires kmod", "requires linux-image-6.1 (= 6.1.192-2) | linux-image-cloud",
				"requires libc6 >> 2.30", "provides urma = 1.3", "conflicts old-urma << 1.0", "obsoletes old-urma << 1.0"}
			if diff := cmp.Diff(want, deps); diff != "" {
				t.Error("dependencies:", diff)
			}
			dir := t.TempDir()
			run(t, "dpkg-deb", "-e", path, dir)
			var calls []string
			for _, s := range p.Scripts {
				calls = append(calls, s.Name+": "+strings.Join(s.Calls, " "))
				text, err := os.ReadFile(filepath.Join(dir, s.Name))
				if err != nil || string(text) != s.Text || s.Interpreter != "/bin/sh" {
					t.Errorf("%s: %v, got %q by %q", s.Name, err, s.Text, s.Interpreter)
				}
			}
			if diff := cmp.Diff([]string{"postinst: depmod update-initramfs", "prerm: modprobe"}, calls); diff != "" {
				t.Error("scripts:", diff)
			}
			if diff := cmp.Diff([]string{"interest-noawait /lib/modules"}, p.Triggers); diff != "" {
				t.Error("triggers:", diff)
			}
		})
	}
}

// checkDebFiles compares the list of files with that of dpkg-deb -c.
func checkDebFiles(t *testing.T, path string, p *Package) {
	t.Helper()
	var want, got []string
	for _, line := range strings.Split(strings.TrimSpace(run(t, "dpkg-deb", "-c", path)), "\n") {
		f := strings.Fields(line)
		name := strings.TrimSuffix(strings.TrimPrefix(f[5], "."), "/")
		if name != "" {
			want = append(want, name)
		}
	}
	for _, f := range p.Files {
		got = append(got, f.Path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("files:", diff)
	}
}

// TestOracleKernelDeb reads the package of a whole kernel, as the archive has
// it.
func TestOracleKernelDeb(t *testing.T) {
	debs := oracle.Cached(t, "deb/linux-image-*cloud*_amd64.deb")
	path := debs[0]
	oracle.Tool(t, "dpkg-deb")
	modules := 0
	begin := time.Now()
	p, err := OpenEach(path, func(m *Module) error {
		modules++
		if m.Err != nil || m.Release != m.KRel {
			t.Errorf("%s: built for %q, in the directory of %q, %v", m.Path, m.Release, m.KRel, m.Err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d modules in %v", filepath.Base(path), modules, time.Since(begin))
	want := strings.Count(run(t, "dpkg-deb", "-c", path), ".ko")
	if modules != want || modules == 0 || len(p.Kernels()) != 1 {
		t.Errorf("%d modules for %q, dpkg-deb lists %d", modules, p.Kernels(), want)
	}
	checkDebFiles(t, path, p)
}

func TestMacros(t *testing.T) {
	tests := []struct{ interpreter, line, macro string }{
		{"/bin/sh", "%suse_version", "%suse_version"},
		{"/bin/sh", "  %{?kmod_post}", "%{?kmod_post}"},
		{"/bin/sh", "%if 0%{?rhel}", "%if"},
		{"/bin/sh", "depmod %kernel_version", "%kernel_version"},
		{"/bin/sh", "cp x %_libdir/y", "%_libdir"},
		{"/bin/sh", "cp x %{_libdir}/y", "%{_libdir}"},
		{"/bin/sh", `printf '%s %d\n' a 1`, ""},
		{"/bin/sh", "date +%Y%m%d", ""},
		{"/bin/sh", "x=${y%.ko}", ""},
		{"/bin/sh", "x=${y%%.*}", ""},
		{"/bin/sh", "kill %1", ""},
		{"/bin/sh", "rpm -q --qf '%{version}' kernel", ""},
		{"/bin/sh", "# %suse_version", ""},
		{"/usr/bin/perl", "%hash = ();", ""},
		{"<lua>", `s = s:gsub("%name", "")`, ""},
		{"<lua>", "x = '%{foo}'", "%{foo}"},
	}
	for _, tt := range tests {
		s := newScript("post", tt.interpreter, tt.line+"\n")
		got := ""
		if len(s.Macros) > 0 {
			got = s.Macros[0].Name
		}
		if got != tt.macro {
			t.Errorf("%s %q: got %q, want %q", tt.interpreter, tt.line, got, tt.macro)
		}
	}
}

// ar makes a .deb of members.
func ar(members ...any) []byte {
	var b bytes.Buffer
	b.WriteString(arMagic)
	for i := 0; i < len(members); i += 2 {
		data := members[i+1].([]byte)
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", members[i], 0, 0, 0, "100644", len(data))
		b.Write(data)
		if len(data)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

func tarOf(headers ...*tar.Header) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		body := h.PAXRecords["body"]
		h.PAXRecords = nil
		if h.Size == 0 {
			h.Size = int64(len(body))
		}
		w.WriteHeader(h)
		io.WriteString(w, body)
	}
	w.Flush()
	return b.Bytes()
}

func text(name, body string) *tar.Header {
	return &tar.Header{Name: name, Mode: 0o644, Typeflag: tar.TypeReg, PAXRecords: map[string]string{"body": body}}
}

func debOf(data ...any) []byte {
	members := []any{"debian-binary", []byte("2.0\n"), "control.tar", tarOf(text("./control", control))}
	return ar(append(members, data...)...)
}

// bomb is a tar file of one module of zeros, n bytes long, compressed.
func bomb(t testing.TB, method, name string, n int64) []byte {
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch method {
	case "gz":
		w, err = gzip.NewWriterLevel(&b, 1)
	case "zst":
		w, err = zstd.NewWriter(&b)
	case "xz":
		w, err = xz.NewWriter(&b)
	}
	if err != nil {
		t.Fatal(err)
	}
	tw := tar.NewWriter(w)
	tw.WriteHeader(&tar.Header{Name: name, Size: n, Mode: 0o644, Typeflag: tar.TypeReg})
	io.CopyN(tw, zeros{}, n)
	tw.Close()
	w.Close()
	return b.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func rpmOf(parts ...[]byte) []byte {
	lead := make([]byte, leadSize)
	copy(lead, "\xed\xab\xee\xdb\x03\x00")
	return append(lead, bytes.Join(parts, nil)...)
}

func rpmHeaderOf(tags, store uint32, index []byte, data string) []byte {
	b := []byte{0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0, byte(tags >> 24), byte(tags >> 16), byte(tags >> 8), byte(tags),
		byte(store >> 24), byte(store >> 16), byte(store >> 8), byte(store)}
	return append(append(b, index...), data...)
}

// rpmTexts is a header of one string a tag.
func rpmTexts(tags map[uint32]string) []byte {
	var index []byte
	data := ""
	for tag, s := range tags {
		for _, v := range []uint32{tag, 6, uint32(len(data)), 1} {
			index = append(index, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
		}
		data += s + "\x00"
	}
	return rpmHeaderOf(uint32(len(tags)), uint32(len(data)), index, data)
}

func cpioOf(name string, size int64, body string) []byte {
	s := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		1, 0o100644, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name)+1, 0, name)
	for len(s)%4 != 0 {
		s += "\x00"
	}
	return []byte(s + body)
}

// TestHostile bounds time and memory of what is made to hurt, and wants an
// error for each.
func TestHostile(t *testing.T) {
	named := rpmTexts(map[uint32]string{tagName: "x", tagVersion: "1", tagSourceRPM: "x.src.rpm"})
	none := rpmHeaderOf(0, 0, nil, "")
	big := "./lib/modules/k/x.ko"
	tests := []struct {
		name, want string
		data       []byte
	}{
		{"empty", "neither", nil},
		{"text", "neither", []byte("hello, world")},
		{"deb: nothing in it", "missing", []byte(arMagic)},
		{"deb: size too large", "9999999999 bytes, and", []byte(arMagic + fmt.Sprintf("%-16s%-12d%-6d%-6d%-8s%-10s`\n", "debian-binary", 0, 0, 0, "100644", "9999999999"))},
		{"deb: size negative", "size", []byte(arMagic + fmt.Sprintf("%-16s%-12d%-6d%-6d%-8s%-10s`\n", "debian-binary", 0, 0, 0, "100644", "-5"))},
		{"deb: data first", "before", ar("debian-binary", []byte("2.0\n"), "data.tar", tarOf())},
		{"deb: traversal", "leads out of the root", debOf("data.tar", tarOf(text("./lib/../../etc/passwd", "x")))},
		{"deb: tar of 2^62 bytes", "", debOf("data.tar", tarOf(&tar.Header{Name: big, Size: 1 << 62, Typeflag: tar.TypeReg, Format: tar.FormatGNU}))},
		{"deb: gz bomb", "unpacks to too much", debOf("data.tar.gz", bomb(t, "gz", big, 64<<20))},
		{"deb: zst bomb", "unpacks to too much", debOf("data.tar.zst", bomb(t, "zst", big, 256<<20))},
		{"deb: zst bomb of no interest", "unpacks to too much", debOf("data.tar.zst", bomb(t, "zst", "./usr/share/x", 256<<20))},
		{"deb: xz bomb", "unpacks to too much", debOf("data.tar.xz", bomb(t, "xz", big, 64<<20))},
		{"deb: xz dictionary", "dictionary of 4294967295 bytes", debOf("data.tar.xz", hugeDictionary(t))},
		{"deb: bad gzip", "", debOf("data.tar.gz", []byte("\x1f\x8b\x08nonsense that is long enough"))},
		{"rpm: lead only", "signature header", rpmOf()},
		{"rpm: no magic", "no header magic", rpmOf(make([]byte, 64))},
		{"rpm: absurd sizes", "4294967295 tags", rpmOf(rpmHeaderOf(1<<32-1, 1<<32-1, nil, ""))},
		{"rpm: no name", "no name", rpmOf(none, none, []byte("x"))},
		{"rpm: traversal", "leads out of the root", rpmOf(none, named, cpioOf("./../../etc/passwd", 0, ""))},
		{"rpm: entry longer than the file", "unexpected EOF", rpmOf(none, named, cpioOf("./lib/modules/k/x.ko", 1<<31, "abc"))},
		{"rpm: long name", "name of", rpmOf(none, named, slices.Replace(cpioOf("./x", 0, ""), 6+8*11, 6+8*12, []byte("fffffff0")...))},
		{"rpm: delta", "not supported", rpmOf(none, rpmTexts(map[uint32]string{tagName: "x", tagVersion: "1", tagSourceRPM: "s", tagFormat: "drpm"}), []byte("x"))},
		{"rpm: truncated payload", "EOF", rpmOf(none, named, cpioOf("./a", 0, ""))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			clock := cputime.Start()
			_, err := Read("hostile", bytes.NewReader(tt.data), int64(len(tt.data)), nil)
			took := clock.Took()
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if used := after.HeapSys - min(before.HeapSys, after.HeapSys); used > 150<<20 {
				t.Errorf("took %d bytes", used)
			}
			cputime.Hold(t, took, time.Second)
			t.Logf("%v, %d bytes allocated: %v", took, after.TotalAlloc-before.TotalAlloc, err)
		})
	}
}

// hugeDictionary is an .xz file whose block asks for 4 GiB.
func hugeDictionary(t testing.TB) []byte {
	var b bytes.Buffer
	w, err := xz.WriterConfig{DictCap: 1 << 20}.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(tarOf())
	w.Close()
	data := b.Bytes()
	size := (int(data[12]) + 1) * 4
	block := data[12 : 12+size]
	i := bytes.Index(block, []byte{0x21, 1})
	block[i+2] = 40
	sum := crcOf(block[:size-4])
	copy(block[size-4:], sum)
	return data
}
