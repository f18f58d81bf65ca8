package klog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"modkeep/internal/cputime"
)

func read(t *testing.T, text string) (attempts []*Attempt, reports []*Report) {
	t.Helper()
	for e, err := range Events(strings.NewReader(text)) {
		switch {
		case err != nil:
			t.Fatal(err)
		case e.Attempt != nil:
			attempts = append(attempts, e.Attempt)
		default:
			reports = append(reports, e.Report)
		}
	}
	return attempts, reports
}

func file(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSentences has every sentence of the loader, in the spelling of each
// generation that has one of its own.
func TestSentences(t *testing.T) {
	missingName := "(missing .modinfo section or name field)"
	tests := []struct {
		text string
		want LoadError
	}{
		{"good: disagrees about version of symbol module_layout", LoadError{Module: "good", Kind: Layout, Symbol: "module_layout", Errno: "ENOEXEC"}},
		{"3c59x: disagrees about version of symbol struct_module", LoadError{Module: "3c59x", Kind: Layout, Symbol: "struct_module", Errno: "ENOEXEC"}},
		{"good: disagrees about version of symbol _printk", LoadError{Module: "good", Kind: CRC, Symbol: "_printk"}},
		{"good: no symbol version for module_layout", LoadError{Module: "good", Kind: NoVersion, Symbol: "module_layout", Errno: "ENOEXEC"}},
		{"good: no symbol version for _printk", LoadError{Module: "good", Kind: NoVersion, Symbol: "_printk", Note: true}},
		{`old: no version for "printk" found: kernel tainted.`, LoadError{Module: "old", Kind: NoVersion, Symbol: "printk", Note: true}},
		{"good: version magic '6.1.0 SMP mod_unload ' should be '6.1.0 SMP preempt mod_unload '", LoadError{Module: "good", Kind: Vermagic, Errno: "ENOEXEC", Found: "6.1.0 SMP mod_unload ", Want: "6.1.0 SMP preempt mod_unload "}},
		{"good: no version magic, tainting kernel.", LoadError{Module: "good", Kind: Taint, Note: true}},
		{"good: Unknown symbol foo_bar (err -2)", LoadError{Module: "good", Kind: Missing, Symbol: "foo_bar", Errno: "ENOENT"}},
		{"good: Unknown symbol foo_bar (err 0)", LoadError{Module: "good", Kind: Missing, Symbol: "foo_bar", Errno: "ENOENT"}},
		{"good: Unknown symbol foo_bar", LoadError{Module: "good", Kind: Missing, Symbol: "foo_bar", Errno: "ENOENT"}},
		{"good: Unknown symbol foo_bar (err -22)", LoadError{Module: "good", Kind: Missing, Symbol: "foo_bar", Errno: "EINVAL"}},
		{"good: Unknown symbol foo_bar (err -16)", LoadError{Module: "good", Kind: Missing, Symbol: "foo_bar", Errno: "EBUSY"}},
		{"user: module uses symbol (kernsem_ns) from namespace KERNSEM, but does not import it.", LoadError{Module: "user", Kind: Namespace, Symbol: "kernsem_ns", Namespace: "KERNSEM"}},
		{"user: module tries to import module namespace: module:foo", LoadError{Module: "user", Kind: Namespace, Namespace: "module:foo", Errno: "EPERM"}},
		{"user: module using GPL-only symbols uses symbols frob from proprietary module exp.", LoadError{Module: "user", Kind: GPL, Symbol: "frob", Owner: "exp"}},
		{"user: module using GPL-only symbols uses symbols from proprietary module exp.", LoadError{Module: "user", Kind: GPL, Owner: "exp"}},
		{"user: module uses symbols frob from proprietary module exp, inheriting taint.", LoadError{Module: "user", Kind: Taint, Symbol: "frob", Owner: "exp", Note: true}},
		{"failing symbol_get of non-GPLONLY symbol frob.", LoadError{Kind: GPL, Symbol: "frob", Errno: "ENOENT"}},
		{"user: gave up waiting for init of module exp.", LoadError{Module: "user", Kind: Busy, Owner: "exp", Errno: "EBUSY"}},
		{"good: please compile with -fno-common", LoadError{Module: "good", Kind: ELF, Errno: "ENOEXEC"}},
		{"exp2: exports duplicate symbol kernsem_shared (owned by exp)", LoadError{Module: "exp2", Kind: Duplicate, Symbol: "kernsem_shared", Owner: "exp", Errno: "ENOEXEC"}},
		{"exp2: exports duplicate symbol printk (owned by kernel)", LoadError{Module: "exp2", Kind: Duplicate, Symbol: "printk", Owner: "kernel", Errno: "ENOEXEC"}},
		{"extended version crc+name presence does not match", LoadError{Kind: ELF, Errno: "ENOEXEC"}},
		{"more extended version crcs than names", LoadError{Kind: ELF, Errno: "ENOEXEC"}},
		{"Module len 8192 truncated", LoadError{Kind: ELF, Errno: "ENOEXEC", Found: "8192"}},
		{"Invalid ELF header len 4", LoadError{Kind: ELF, Errno: "ENOEXEC", Found: "ELF header len 4"}},
		{"Invalid ELF header magic: != \u007fELF", LoadError{Kind: ELF, Errno: "ENOEXEC", Found: "ELF header magic: != ELF"}},
		{"Invalid ELF header type: 2 != 1", LoadError{Kind: ELF, Errno: "ENOEXEC", Found: "ELF header type: 2 != 1"}},
		{"Invalid architecture in ELF header: 183", LoadError{Kind: ELF, Errno: "ENOEXEC", Found: "architecture in ELF header: 183"}},
		{"Invalid module architecture in ELF header: 21", LoadError{Kind: ELF, Errno: "ENOEXEC", Found: "module architecture in ELF header: 21"}},
		{"Invalid ELF section header overflow", LoadError{Kind: ELF, Errno: "ENOEXEC", Found: "ELF section header overflow"}},
		{"Invalid ELF section name index: 0 || e_shstrndx (0) >= e_shnum (40) ", LoadError{Kind: ELF, Errno: "ENOEXEC", Found: "ELF section name index: 0 || e_shstrndx (0) >= e_shnum (40)"}},
		{"ELF Spec violation: section 0 type(1)!=SH_NULL or non-zero len or addr", LoadError{Kind: ELF, Errno: "ENOEXEC", Found: "section 0 type(1)!=SH_NULL or non-zero len or addr"}},
		{"empty section name table", LoadError{Kind: ELF, Errno: "ENOEXEC"}},
		{"empty symbol string table", LoadError{Kind: ELF, Errno: "ENOEXEC"}},
		{"symbol string table isn't NUL terminated", LoadError{Kind: ELF, Errno: "ENOEXEC"}},
		{"symbol name out of bounds in string table", LoadError{Kind: ELF, Errno: "ENOEXEC"}},
		{"Only one .modinfo section must exist.", LoadError{Kind: ELF, Errno: "ENOEXEC"}},
		{"module good: Exactly one .gnu.linkonce.this_module section must exist.", LoadError{Module: "good", Kind: ELF, Errno: "ENOEXEC"}},
		{"module " + missingName + ": Exactly one .gnu.linkonce.this_module section must exist.", LoadError{Kind: ELF, Errno: "ENOEXEC"}},
		{"module good: .gnu.linkonce.this_module section must have a size set", LoadError{Module: "good", Kind: ELF, Errno: "ENOEXEC"}},
		{"module good: .gnu.linkonce.this_module section size must match the kernel's built struct module size at run time", LoadError{Module: "good", Kind: Size, Errno: "ENOEXEC"}},
		{"good: No module found in object", LoadError{Module: "good", Kind: ELF, Errno: "ENOEXEC"}},
		{"No module found in object", LoadError{Kind: ELF, Errno: "ENOEXEC"}},
		{missingName + ": module has no symbols (stripped?)", LoadError{Kind: ELF, Errno: "ENOEXEC"}},
		{"good: Symbol foo has an invalid section index 99 (max 40)", LoadError{Module: "good", Kind: ELF, Symbol: "foo", Errno: "ENOEXEC"}},
		{"good: section .init.text (index 6) has invalid WRITE|EXEC flags", LoadError{Module: "good", Kind: ELF, Symbol: ".init.text", Errno: "ENOEXEC"}},
		{"Loading of unsigned module is rejected", LoadError{Kind: Signature, Errno: "EKEYREJECTED", Found: "Loading of unsigned module"}},
		{"good: Loading of module with unavailable key is rejected", LoadError{Module: "good", Kind: Signature, Errno: "EKEYREJECTED", Found: "Loading of module with unavailable key"}},
		{"Lockdown: init: unsigned module loading is restricted; see man kernel_lockdown.7", LoadError{Kind: Signature, Errno: "EPERM", Found: "unsigned module loading is restricted"}},
		{"Lockdown: modprobe: Loading of unsigned modules is restricted; see https://wiki.debian.org/SecureBoot", LoadError{Kind: Signature, Errno: "EPERM", Found: "Loading of unsigned modules is restricted"}},
		{"module: PKCS#7 signature info has unexpected non-zero params", LoadError{Kind: Signature, Errno: "EBADMSG"}},
		{"module: not signed with expected PKCS#7 message", LoadError{Kind: Signature, Note: true}},
		{"Module hash 0a0b0c is blacklisted", LoadError{Kind: Signature, Errno: "EKEYREJECTED", Found: "0a0b0c"}},
		{"good: module verification failed: signature and/or required key missing - tainting kernel", LoadError{Module: "good", Kind: Signature, Note: true}},
		{"Module good is blacklisted", LoadError{Module: "good", Kind: Blacklist, Errno: "EPERM"}},
		{"lp: module is marked as livepatch module, but livepatch support is disabled", LoadError{Module: "lp", Kind: Livepatch, Errno: "ENOEXEC"}},
		{"x86/modules: Invalid relocation target, existing value is nonzero for type 1, loc 00000000c0ffee00, val ffffffffc0a0b0c0", LoadError{Kind: Relocation, Errno: "ENOEXEC"}},
		{"x86/modules: Skipping invalid relocation target, existing value is nonzero for type 1, loc 00000000c0ffee00, val ffffffffc0a0b0c0", LoadError{Kind: Relocation, Errno: "ENOEXEC"}},
		{"module: good: Unknown rela relocation: 99", LoadError{Module: "good", Kind: Relocation, Errno: "ENOEXEC", Found: "99"}},
		{"overflow in relocation type 10 val ffff8800", LoadError{Kind: Relocation, Errno: "ENOEXEC"}},
		{"`good' likely not compiled with -mcmodel=kernel", LoadError{Module: "good", Kind: Relocation, Errno: "ENOEXEC"}},
		{"module good: REL relocation unsupported", LoadError{Module: "good", Kind: Relocation, Errno: "ENOEXEC"}},
		{"good: Could not allocate 65536 bytes percpu data", LoadError{Module: "good", Kind: Memory, Errno: "ENOMEM"}},
		{"not an xz compressed module", LoadError{Kind: Compression, Errno: "EINVAL", Found: "xz"}},
		{"not a zstd compressed module", LoadError{Kind: Compression, Errno: "EINVAL", Found: "zstd"}},
		{"decompression failed with status -22", LoadError{Kind: Compression, Errno: "EINVAL", Found: "-22"}},
		{"failed to validate module [virtio_net] BTF: -22", LoadError{Module: "virtio_net", Kind: BTF, Errno: "EINVAL"}},
		{"good: unknown parameter 'nosuch' ignored", LoadError{Module: "good", Kind: Parameter, Symbol: "nosuch", Note: true}},
		{"good: Unknown parameter `nosuch'", LoadError{Module: "good", Kind: Parameter, Symbol: "nosuch", Errno: "ENOENT"}},
		{"good: 'abc' invalid for parameter 'debug'", LoadError{Module: "good", Kind: Parameter, Symbol: "debug", Found: "abc", Errno: "EINVAL"}},
		{"good: `abc' invalid for parameter `debug'", LoadError{Module: "good", Kind: Parameter, Symbol: "debug", Found: "abc", Errno: "EINVAL"}},
		{"good: module_layout: kernel tainted.", LoadError{Module: "good", Kind: Taint, Found: "module_layout", Note: true}},
		{"good: bad vermagic: kernel tainted.", LoadError{Module: "good", Kind: Taint, Found: "bad vermagic", Note: true}},
		{"good: no versions for exported symbols: kernel tainted.", LoadError{Module: "good", Kind: Taint, Found: "no versions for exported symbols", Note: true}},
		{"good: loading out-of-tree module taints kernel.", LoadError{Module: "good", Kind: Taint, Note: true}},
		{"good: module license 'Proprietary' taints kernel.", LoadError{Module: "good", Kind: Taint, Found: "Proprietary", Note: true}},
		{"good: module license taints kernel.", LoadError{Module: "good", Kind: Taint, Note: true}},
		{"good: loading module not compiled with retpoline compiler.", LoadError{Module: "good", Kind: Taint, Note: true}},
		{"good: module is from the staging directory, the quality is unknown, you have been warned.", LoadError{Module: "good", Kind: Taint, Note: true}},
		{"lp: tainting kernel with TAINT_LIVEPATCH", LoadError{Module: "lp", Kind: Taint, Note: true}},
	}
	used := map[int]bool{}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			e, ok := matchLoadError(Line{Text: clean([]byte(tt.text))})
			if !ok {
				t.Fatal("not known")
			}
			for i := range loaderSentences {
				if loaderSentences[i].re.MatchString(trimmed(clean([]byte(tt.text)))) {
					used[i] = true
				}
			}
			if diff := cmp.Diff(tt.want, e, cmpopts.IgnoreFields(LoadError{}, "Lines")); diff != "" {
				t.Error(diff)
			}
		})
	}
	untested := 0
	for i, s := range loaderSentences {
		if !used[i] {
			untested++
			t.Logf("no test: %s", s.re)
		}
	}
	if untested > 8 { // sentences of single distributions or architectures
		t.Errorf("%d sentences have no test", untested)
	}
}

func TestUserLines(t *testing.T) {
	tests := []struct {
		line string
		want UserLine
	}{
		{"insmod: ERROR: could not insert module ./foo.ko: Invalid module format", UserLine{Program: "insmod", Module: "foo", File: "./foo.ko", Message: "Invalid module format", Errno: "ENOEXEC"}},
		{"modprobe: ERROR: could not insert 'foo': Exec format error", UserLine{Program: "modprobe", Module: "foo", Message: "Exec format error", Errno: "ENOEXEC"}},
		{"modprobe: ERROR: could not insert 'foo': Unknown symbol in module, or unknown parameter (see dmesg)", UserLine{Program: "modprobe", Module: "foo", Message: "Unknown symbol in module, or unknown parameter (see dmesg)", Errno: "ENOENT"}},
		{"modprobe: ERROR: could not insert 'foo': Key was rejected by service", UserLine{Program: "modprobe", Module: "foo", Message: "Key was rejected by service", Errno: "EKEYREJECTED"}},
		{"modprobe: FATAL: Module foo not found in directory /lib/modules/6.1.0-56-amd64", UserLine{Program: "modprobe", Module: "foo", Kernel: "6.1.0-56-amd64", Errno: "ENOENT"}},
		{"FATAL: Module foo not found.", UserLine{Module: "foo", Errno: "ENOENT"}},
		{"insmod: error inserting './hello.ko': -1 Invalid module format", UserLine{Program: "insmod", Module: "hello", File: "./hello.ko", Message: "Invalid module format", Errno: "ENOEXEC"}},
		{"FATAL: Error inserting 3c59x (/lib/modules/2.6.23.9/kernel/drivers/net/3c59x.ko): Invalid module format", UserLine{Module: "3c59x", File: "/lib/modules/2.6.23.9/kernel/drivers/net/3c59x.ko", Message: "Invalid module format", Errno: "ENOEXEC"}},
		{"insmod: can't insert 'foo.ko': invalid module format", UserLine{Program: "insmod", Module: "foo", File: "foo.ko", Message: "invalid module format", Errno: "ENOEXEC"}},
		{"modprobe: can't load module foo (kernel/foo.ko): unknown symbol in module, or unknown parameter", UserLine{Program: "modprobe", Module: "foo", File: "kernel/foo.ko", Message: "unknown symbol in module, or unknown parameter", Errno: "ENOENT"}},
		{"Jan  2 03:04:05 h systemd-modules-load[123]: Failed to insert module 'foo': Exec format error", UserLine{Program: "systemd-modules-load", Module: "foo", Message: "Exec format error", Errno: "ENOEXEC"}},
		{"Jan  2 03:04:05 h systemd-modules-load[123]: Failed to insert 'foo': Required key not available", UserLine{Program: "systemd-modules-load", Module: "foo", Message: "Required key not available", Errno: "ENOKEY"}},
		{"2026-01-02T03:04:05+0100 h systemd-modules-load[123]: Failed to find module 'foo'", UserLine{Program: "systemd-modules-load", Module: "foo", Errno: "ENOENT"}},
		{"/lib/modules/2.4.20/misc/foo.o: unresolved symbol printk_R1b7d4074", UserLine{Module: "foo", File: "/lib/modules/2.4.20/misc/foo.o", Errno: "ENOENT"}},
		{"foo.o: kernel-module version mismatch", UserLine{Module: "foo", File: "foo.o"}},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			u, ok := matchUserLine(parseLine(tt.line))
			if !ok {
				t.Fatal("not known")
			}
			if diff := cmp.Diff(tt.want, u, cmpopts.IgnoreFields(UserLine{}, "Line", "Kind")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLineForms(t *testing.T) {
	tests := []struct{ name, line, time, source, text string }{
		{"dmesg", "[   12.345678] foo: bar", "12.345678", "", "foo: bar"},
		{"dmesg caller", "[   12.345678][  T123] foo: bar", "12.345678", "", "foo: bar"},
		{"dmesg -r", "<4>[   12.345678] foo: bar", "12.345678", "", "foo: bar"},
		{"dmesg -x", "kern  :warn  : [   12.345678] foo: bar", "12.345678", "", "foo: bar"},
		{"dmesg -T", "[Fri Dec 23 00:51:38 2016] foo: bar", "Fri Dec 23 00:51:38 2016", "", "foo: bar"},
		{"dmesg iso", "2016-12-23T00:51:38,123456+01:00 foo: bar", "2016-12-23T00:51:38,123456+01:00", "", "foo: bar"},
		{"raw", "foo: bar", "", "", "foo: bar"},
		{"raw with level", "<4>foo: bar", "", "", "foo: bar"},
		{"syslog", "Dec 23 00:51:38 w-xen09 kernel: foo: bar", "Dec 23 00:51:38", "kernel", "foo: bar"},
		{"syslog with time", "Dec  3 00:51:38 w-xen09 kernel: [ 1234.123456] foo: bar", "Dec  3 00:51:38", "kernel", "foo: bar"},
		{"syslog, other", "Dec 23 00:51:38 w-xen09 sshd[12]: foo: bar", "Dec 23 00:51:38", "sshd", "foo: bar"},
		{"short-iso", "2016-12-23T00:51:38+0100 host kernel: foo: bar", "2016-12-23T00:51:38+0100", "kernel", "foo: bar"},
		{"short-precise", "Dec 23 00:51:38.123456 host kernel: foo: bar", "Dec 23 00:51:38.123456", "kernel", "foo: bar"},
		{"short-full", "Fri 2016-12-23 00:51:38 CET host kernel: foo: bar", "Fri 2016-12-23 00:51:38 CET", "kernel", "foo: bar"},
		{"short-monotonic", "[   12.345678] host kernel: foo: bar", "12.345678", "kernel", "foo: bar"},
		{"tag only", "kernel: foo: bar", "", "kernel", "foo: bar"},
		{"kmsg", "4,1234,12345678,-;foo: bar", "12.345678", "kernel", "foo: bar"},
		{"kmsg caller", "4,1234,345678,-,caller=T1;foo: bar", "0.345678", "kernel", "foo: bar"},
		{"console rest", "host login: [   12.345678] foo: bar", "12.345678", "", "foo: bar"},
		{"colour and line end", "\x1b[1;31m[   12.345678]\x1b[0m foo: \x00bar\r\r\n", "12.345678", "", "foo: bar"},
		{"worker in parentheses", "Dec 23 00:51:38 h (udev-worker)[77]: foo", "Dec 23 00:51:38", "udev-worker", "foo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := parseLine(clean([]byte(tt.line)))
			want := Line{Time: tt.time, Source: tt.source, Text: tt.text}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Line{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAttempts groups what two loads that mix have printed, and a second try.
func TestAttempts(t *testing.T) {
	log := `[    0.000000] Linux version 6.1.0-56-amd64 (x@y) (gcc) #1 SMP
[    5.000001] aaa: disagrees about version of symbol one
[    5.000002] bbb: Unknown symbol other (err -2)
[    5.000003] aaa: Unknown symbol one (err -22)
[    5.000004] aaa: Unknown symbol two (err -2)
[    5.000005] systemd-modules-load[100]: Failed to insert module 'aaa': No such file or directory
[    6.000000] usb 1-1: new high-speed USB device
[    9.000001] aaa: disagrees about version of symbol one
[    9.000002] aaa: Unknown symbol one (err -22)
[    9.000003] ccc: loading out-of-tree module taints kernel.
[    9.000004] Loading of unsigned module is rejected
modprobe: ERROR: could not insert 'd-d': Key was rejected by service
`
	got, _ := read(t, log)
	type short struct {
		Module, Errno, Kernel string
		Line, Reasons, User   int
		Refused               bool
	}
	var have []short
	for _, a := range got {
		have = append(have, short{a.Module, a.Errno, a.Kernel, a.Line, len(a.Errors), len(a.User), a.Refused()})
	}
	const k = "6.1.0-56-amd64"
	want := []short{
		{"aaa", "ENOENT", k, 2, 2, 1, true},
		{"bbb", "ENOENT", k, 3, 1, 0, true},
		{"aaa", "EINVAL", k, 8, 1, 0, true},
		{"ccc", "", k, 10, 1, 0, false},
		{"d_d", "EKEYREJECTED", k, 11, 1, 1, true},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	if n := len(got[0].Errors[0].Lines); n != 2 {
		t.Errorf("the CRC's reason has %d lines, want 2", n)
	}
}

func TestHelloLayout(t *testing.T) {
	got, _ := read(t, file(t, "hello-layout.log"))
	if len(got) != 1 {
		t.Fatalf("%d attempts, want 1", len(got))
	}
	a := got[0]
	if a.Module != "hello" || a.Errno != "ENOEXEC" || a.File != "./hello.ko" || a.Kinds()[0] != Layout || len(a.User) != 1 {
		t.Errorf("got %+v", a)
	}
}

func TestRPMInstall(t *testing.T) {
	got, _ := read(t, file(t, "rpm-install.log"))
	if len(got) != 4 {
		t.Fatalf("%d findings, want 4", len(got))
	}
	if k := got[0].Errors[0].Kind; k != Scriptlet {
		t.Errorf("first is %s, want %s", k, Scriptlet)
	}
	e := got[3].Errors[0]
	if e.Kind != Unlinked || e.Module != "uboib" || len(e.Symbols) != 16 || e.Found != "4.19.90-2012.5.0.0054.oe1.x86_64" || got[3].Kernel != "4.19.90-2109.1.0.0108.oe1.x86_64" {
		t.Errorf("got %+v", e)
	}
}

func TestReadError(t *testing.T) {
	bad := errors.New("disk on fire")
	r := io.MultiReader(strings.NewReader("foo: Unknown symbol bar (err -2)\n"), iotest.ErrReader(bad))
	var events, errs int
	for e, err := range Events(r) {
		if err != nil {
			errs++
			if !errors.Is(err, bad) {
				t.Errorf("error %v", err)
			}
		} else if e.Attempt != nil {
			events++
		}
	}
	if events != 1 || errs != 1 {
		t.Errorf("%d events, %d errors, want one of each", events, errs)
	}
}

// hostileReader gives n bytes of one sort without holding them.
type hostileReader struct {
	line func(i int) string
	n, i int
	rest string
}

func (h *hostileReader) Read(p []byte) (int, error) {
	for h.rest == "" {
		if h.n <= 0 {
			return 0, io.EOF
		}
		h.rest = h.line(h.i)
		h.i++
	}
	n := copy(p, h.rest)
	h.rest = h.rest[n:]
	h.n -= n
	return n, nil
}

// TestHostile bounds the time that input made to hurt takes.
func TestHostile(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	words := strings.Repeat("aa bb(OE) ", 1600)
	tests := []struct {
		name string
		line func(i int) string
	}{
		{"no line end", func(int) string { return long }},
		{"modules linked", func(i int) string {
			if i == 0 {
				return "kernel BUG at a.c:1!\n"
			}
			return "Modules linked in: " + strings.ReplaceAll(words, "aa", fmt.Sprint("m", i)) + "\n"
		}},
		{"attempts", func(i int) string { return fmt.Sprintf("m%d: Unknown symbol s (err -2)\n", i) }},
		{"symbols", func(i int) string { return fmt.Sprintf("m: Unknown symbol s%d (err -2)\n", i) }},
		{"frames", func(i int) string {
			if i%100 == 0 {
				return "BUG: unable to handle page fault\nCall Trace:\n"
			}
			return " [<ffffffff81000000>] f+0x1/0x2 [m]\n"
		}},
		{"escapes", func(int) string { return "\x1b[" + long + "\n" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			const size = 4 << 20
			clock := cputime.Start()
			for _, err := range Events(&hostileReader{line: tt.line, n: size}) {
				if err != nil {
					t.Fatal(err)
				}
			}
			took := clock.Took()
			cputime.Hold(t, took, time.Second)
			t.Log(took)
		})
	}
}

func FuzzEvents(f *testing.F) {
	for _, name := range []string{"xen-evtchn.log", "hello-layout.log", "rpm-install.log", "generations.txt"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Count(text, "\n") + 1
		for e, err := range Events(strings.NewReader(text)) {
			if err != nil {
				t.Fatal(err)
			}
			if (e.Attempt == nil) == (e.Report == nil) {
				t.Fatal("an event must be one thing")
			}
			if a := e.Attempt; a != nil && (a.Line < 1 || a.Line > lines) {
				t.Fatalf("line %d of %d", a.Line, lines)
			}
			if r := e.Report; r != nil {
				if r.Line < 1 || r.Last < r.Line || r.Last > lines || r.Title == "" {
					t.Fatalf("report of lines %d to %d of %d, title %q", r.Line, r.Last, lines, r.Title)
				}
				r.Taint.Spelled()
			}
		}
	})
}
