package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tinyModule is a relocatable ELF file that has .modinfo and nothing else.
func tinyModule(modinfo ...string) []byte {
	names := "\x00.modinfo\x00.shstrtab\x00"
	info := strings.Join(modinfo, "\x00") + "\x00"
	at := uint64(64 + len(info) + len(names))
	var b bytes.Buffer
	put := func(v ...any) {
		for _, x := range v {
			binary.Write(&b, binary.LittleEndian, x)
		}
	}
	b.WriteString("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	put(uint16(1), uint16(62), uint32(1), uint64(0), uint64(0), at, uint32(0), uint16(64), uint16(0), uint16(0), uint16(64), uint16(3), uint16(2))
	b.WriteString(info + names)
	section := func(name, kind uint32, flags, offset, size uint64) {
		put(name, kind, flags, uint64(0), offset, size, uint32(0), uint32(0), uint64(1), uint64(0))
	}
	section(0, 0, 0, 0, 0)
	section(1, 1, 2, 64, uint64(len(info)))
	section(10, 3, 0, uint64(64+len(info)), uint64(len(names)))
	return b.Bytes()
}

func diagnose(t *testing.T, root, log string) *diagnoseReport {
	t.Helper()
	var out, errOut bytes.Buffer
	status := run(context.Background(), []string{"modkeep", "diagnose", "--json", "--root", root}, strings.NewReader(log), &out, &errOut)
	if status != statusNo {
		t.Fatalf("status %d, want %d: %s", status, statusNo, errOut.String())
	}
	var r diagnoseReport
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// TestDiagnoseTiesToDisk finds the files of a root for the modules of a log.
func TestDiagnoseTiesToDisk(t *testing.T) {
	root := t.TempDir()
	files := map[string][]byte{
		"lib/modules/6.1.0-2-test/kernel/drivers/xen/xen-evtchn.ko": tinyModule("intree=Y", "vermagic=6.1.0-2-test SMP mod_unload "),
		"lib/modules/6.1.0-2-test/extra/vend.ko":                    tinyModule("license=GPL", "version=3.1", "vermagic=6.1.0-1-test SMP mod_unload "),
		"lib/modules/6.1.0-1-test/extra/elsewhere.ko":               tinyModule("license=GPL"),
	}
	for name, data := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	log := `[    0.000000] Linux version 6.1.0-2-test (x@y) (gcc) #1 SMP
[    2.000000] vend: version magic '6.1.0-1-test SMP mod_unload ' should be '6.1.0-2-test SMP mod_unload '
modprobe: FATAL: Module elsewhere not found in directory /lib/modules/6.1.0-2-test
[    9.000000] kernel BUG at drivers/xen/evtchn.c:264!
[    9.000001] CPU: 1 PID: 7 Comm: x Not tainted 6.1.0-2-test #1
[    9.000002] RIP: 0010:evtchn_bind_to_user+0xb8/0xc0 [xen_evtchn]
`
	got := diagnose(t, root, log)
	tests := []struct{ module, kind, origin, file, note, next string }{
		{"vend", "vermagic", "third-party", "/lib/modules/6.1.0-2-test/extra/vend.ko", "built for 6.1.0-1-test, version 3.1", "rebuild vend for 6.1.0-2-test"},
		{"elsewhere", "not-installed", "unknown", "", "no file for 6.1.0-2-test; exists as 6.1.0-1-test/extra/elsewhere.ko", "link it: "},
		{"xen_evtchn", "BUG", "in-tree", "/lib/modules/6.1.0-2-test/kernel/drivers/xen/xen-evtchn.ko", "", "update the kernel, or the module xen_evtchn alone"},
	}
	if len(got.Findings) != len(tests) {
		t.Fatalf("%d findings, want %d", len(got.Findings), len(tests))
	}
	for i, tt := range tests {
		f := got.Findings[i]
		if f.Module != tt.module || f.Kind != tt.kind || f.Origin != tt.origin || f.File != tt.file || f.FileNote != tt.note || !strings.HasPrefix(f.Next, tt.next) {
			t.Errorf("finding %d: got %q %q %q %q %q %q, want %q", i, f.Module, f.Kind, f.Origin, f.File, f.FileNote, f.Next, tt)
		}
	}
}
