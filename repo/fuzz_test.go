package repo

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"modkeep/kmp"
)

func FuzzParseManifest(f *testing.F) {
	m := Manifest{Schema: 1, Repository: "site", Snapshot: 3, Date: date,
		Packages: []Package{{File: "pool/a-1-1.noarch.rpm", Format: kmp.RPM, Name: "a", Version: "1", Release: "1", Arch: "noarch", SHA256: sumBytes(nil)}},
		Kernels: []Kernel{{Release: "5.14", Arch: "x86_64", Ready: true,
			Modules: []Module{{Name: "a", Decision: Linked, Package: "pool/a-1-1.noarch.rpm", Path: "/lib/modules/5.14/a.ko"}, {Name: "b", Decision: Blocked}}}}}
	data, err := m.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"schema":1,"repository":"x","snapshot":1,"packages":[{"file":"pool/../../etc/x.rpm"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseManifest(data)
		if (m == nil) == (err == nil) {
			t.Fatalf("%v, %v", m, err)
		}
		if err != nil {
			return
		}
		for _, p := range m.Packages {
			if filepath.Dir(p.File) != poolName || !filepath.IsLocal(p.File) {
				t.Fatalf("file %q", p.File)
			}
		}
		again, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseManifest(again); err != nil {
			t.Fatalf("not read again: %v", err)
		}
	})
}

// FuzzScanStore gives a store any records, whose checksums are made good.
func FuzzScanStore(f *testing.F) {
	s, err := newStore(filepath.Join(f.TempDir(), "cache"))
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range []*entry{{Package: Package{File: "pool/a.rpm", Format: kmp.RPM, Name: "a", Size: 7}, mtime: 5}, {Package: Package{File: "pool/b.deb"}}} {
		if err := s.put(e, texts{"<package/>", "", "", "Package: b\n"}); err != nil {
			f.Fatal(err)
		}
	}
	data, err := os.ReadFile(s.f.Name())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[len(storeMagic):])
	f.Fuzz(func(t *testing.T, records []byte) {
		data := append([]byte(storeMagic), records...)
		if len(records) > 8 {
			binary.LittleEndian.PutUint32(data[len(storeMagic)+4:], crc32.Checksum(records[8:min(len(records), 8+int(binary.LittleEndian.Uint32(records)))], castagnoli))
		}
		at := int64(len(storeMagic))
		(&store{}).scan(bytes.NewReader(data), int64(len(data)), func(e *entry) {
			if e.at != at || e.size < 8 || e.at+e.size > int64(len(data)) {
				t.Fatalf("record of %d bytes at %d, not %d, of %d", e.size, e.at, at, len(data))
			}
			at += e.size
			for i, n := range e.lens {
				if n < 0 || int64(n) > e.size-8 {
					t.Fatalf("text %d has %d bytes", i, n)
				}
			}
		})
	})
}

func FuzzReleaseFiles(f *testing.F) {
	f.Add([]byte("Origin: x\nSHA256:\n " + sumBytes(nil) + "                0 main/binary-all/Packages\n"))
	f.Add([]byte("SHA256:\n " + sumBytes(nil) + " 1 ../../../etc/passwd\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		files, err := releaseFiles(text)
		for _, file := range files {
			if err != nil || !filepath.IsLocal(file.name) || len(file.digest) != 64 {
				t.Fatalf("%+v, %v", file, err)
			}
		}
	})
}

func FuzzUnpackIndex(f *testing.F) {
	for _, how := range []Compression{Gzip, Zstd} {
		dir := f.TempDir()
		r, err := indexes[0].pack(dir, nil, how)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(readText(f, filepath.Join(dir, r.name))))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if text, err := unpackIndex(data); err == nil && len(text) > maxIndex {
			t.Fatal(len(text))
		}
	})
}

// FuzzXML wants of any text that it comes out as well-formed XML.
func FuzzXML(f *testing.F) {
	f.Add("a <b> & \"c\" \x00\x01 \xff\xfe é \ufffe\r\n\t")
	f.Fuzz(func(t *testing.T, text string) {
		var x xmlText
		x.raw(`<a b="`).attr(text).raw(`">`).text(text).raw("</a>")
		wellFormedXML(t, x.take())
	})
}

// FuzzAdd gives a package of any bytes.
func FuzzAdd(f *testing.F) {
	for _, m := range []made{{format: kmp.RPM, name: "a", version: "1", files: []string{"/lib/modules/1/a.ko"}}, {format: kmp.Deb, name: "ab", version: "1", files: []string{"/lib/modules/1/a.ko"}}} {
		f.Add([]byte(readText(f, m.write(f, f.TempDir()))))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "x.rpm")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		var copied bytes.Buffer
		e, parts, err := readEntry(path, &copied)
		if (e == nil) == (err == nil) {
			t.Fatalf("%v, %v", e, err)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(copied.Bytes(), data) {
			t.Error("the copy differs")
		}
		if err := e.Package.check(); err != nil {
			t.Errorf("no manifest could list it: %v", err)
		}
		for _, part := range parts[:stanzaText] {
			if part != "" {
				wellFormedXML(t, `<a xmlns:rpm="x">`+part+"</a>")
			}
		}
		if _, err := json.Marshal(e.Package); err != nil {
			t.Error(err)
		}
	})
}
