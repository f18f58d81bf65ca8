package modsig

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func certificate(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(fixture(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func find(t testing.TB, b []byte) *Trailer {
	t.Helper()
	tr, err := Find(bytes.NewReader(b), int64(len(b)))
	if err != nil || tr == nil {
		t.Fatalf("Find: %v, %v", tr, err)
	}
	return tr
}

func TestVerify(t *testing.T) {
	rsa, ec, debian := certificate(t, "rsa.der"), certificate(t, "ec.der"), certificate(t, "debian.der")
	all := []*x509.Certificate{debian, ec, rsa}
	flip := func(name string, fromEnd int) []byte {
		b := fixture(t, name)
		if fromEnd < 0 {
			b[0x20] ^= 1
		} else {
			b[len(b)-fromEnd] ^= 1
		}
		return b
	}
	const value = 12 + len(Marker) + 10 // inside the signature's number
	tests := []struct {
		name string
		file []byte
		keys []*x509.Certificate
		want error
	}{
		{"Debian's", fixture(t, "debian-libcrc32c.ko"), all, nil},
		{"Debian's, key not there", fixture(t, "debian-libcrc32c.ko"), all[1:], ErrNoKey},
		{"Debian's, body changed", flip("debian-libcrc32c.ko", -1), all, ErrRejected},
		{"Debian's, body changed, key not there", flip("debian-libcrc32c.ko", -1), nil, ErrNoKey},
		{"Debian's, signature changed", flip("debian-libcrc32c.ko", value), all, ErrRejected},
		{"sign-file sha512", fixture(t, "rsa-sha512.ko"), all, nil},
		{"sign-file sha512, body changed", flip("rsa-sha512.ko", -1), all, ErrRejected},
		{"sign-file -k", fixture(t, "rsa-keyid.ko"), all, nil},
		{"sign-file -k, key not there", fixture(t, "rsa-keyid.ko"), all[:2], ErrNoKey},
		{"ECDSA", fixture(t, "ecdsa-sha384.ko"), all, nil},
		{"ECDSA, body changed", flip("ecdsa-sha384.ko", -1), all, ErrRejected},
		{"signed attributes", fixture(t, "attributes.ko"), all, ErrRejected},
		{"MD5", fixture(t, "md5.ko"), all, ErrUnsupported},
		{"content attached", fixture(t, "attached.ko"), all, ErrBadMessage},
		{"carries its certificate", fixture(t, "chain.ko"), all, nil},
		{"carries its certificate, issuer not there", fixture(t, "chain.ko"), all[:2], ErrNoKey},
		{"carries its certificate, body changed, issuer not there", flip("chain.ko", -1), all[:2], ErrRejected},
		{"form of 3.7", fixture(t, "x509-3.7.ko"), all, nil},
		{"form of 3.7, key not there", fixture(t, "x509-3.7.ko"), all[:2], ErrNoKey},
		{"form of 3.7, body changed", flip("x509-3.7.ko", -1), all, ErrRejected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Verify(bytes.NewReader(tt.file), find(t, tt.file), tt.keys)
			if !errors.Is(err, tt.want) || (tt.want == nil) != (err == nil) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestTrailer(t *testing.T) {
	signed := fixture(t, "rsa-sha512.ko")
	edit := func(at int, v byte) []byte { // at counts from the start of the trailer
		b := bytes.Clone(signed)
		b[len(b)-len(Marker)-trailerSize+at] = v
		return b
	}
	tests := []struct {
		name string
		file []byte
		want error
	}{
		{"as signed", signed, nil},
		{"length too large", edit(8, 1), ErrBadMessage},
		{"id type", edit(2, 1), ErrUnsupported},
		{"algorithm set", edit(0, 1), ErrBadMessage},
		{"pad set", edit(7, 1), ErrBadMessage},
		{"length zero", edit(10, 0), nil},
	}
	for _, tt := range tests {
		if err := find(t, tt.file).Check(); !errors.Is(err, tt.want) || (tt.want == nil) != (err == nil) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	tr := find(t, signed)
	if got := signed[:tr.ModuleSize()]; !bytes.HasSuffix(got, []byte("line 39 of what stands for a module\n")) {
		t.Errorf("module ends in %q", got[len(got)-20:])
	}
	if tr.ModuleSize()+tr.Total() != int64(len(signed)) {
		t.Errorf("%d bytes of module and %d of signature in %d", tr.ModuleSize(), tr.Total(), len(signed))
	}
}

func TestFindShort(t *testing.T) {
	pad := func(n int) string { return strings.Repeat("x", n) + Marker }
	tests := []struct {
		name   string
		file   string
		signed bool
		want   error
	}{
		{"empty", "", false, nil},
		{"no marker", strings.Repeat("x", 100), false, nil},
		{"marker alone", Marker, false, nil},
		{"no room for the trailer", pad(5), false, ErrBadMessage},
		{"trailer alone", pad(12), false, ErrBadMessage},
		{"one byte of module", pad(13), true, nil},
	}
	for _, tt := range tests {
		tr, err := Find(strings.NewReader(tt.file), int64(len(tt.file)))
		if (tr != nil) != tt.signed || !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, %v", tt.name, tr, err)
		}
	}
}

// modinfo wants an ELF file: the signatures are put behind a real module. Of a
// signer named by key id alone (sign-file -k) kmod 30 prints nothing.
func TestOracleModinfo(t *testing.T) {
	modinfo := oracle.Tool(t, "modinfo")
	debian := fixture(t, "debian-libcrc32c.ko")
	module := debian[:find(t, debian).ModuleSize()]
	for _, name := range []string{"debian-libcrc32c.ko", "rsa-sha512.ko", "ecdsa-sha384.ko", "x509-3.7.ko"} {
		t.Run(name, func(t *testing.T) {
			b := fixture(t, name)
			b = append(bytes.Clone(module), b[find(t, b).ModuleSize():]...)
			path := filepath.Join(t.TempDir(), "m.ko")
			if err := os.WriteFile(path, b, 0o666); err != nil {
				t.Fatal(err)
			}
			sig, err := find(t, b).Read(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{"sig_id": sig.ID, "signer": sig.Signer, "sig_key": colons(sig.Key),
				"sig_hashalgo": sig.Hash, "signature": colons(sig.Value)}
			for key := range got {
				out, err := exec.Command(modinfo, "-F", key, path).Output()
				if err != nil {
					t.Fatal(err)
				}
				want := strings.Join(strings.Fields(string(out)), "")
				if d := cmp.Diff(want, strings.Join(strings.Fields(got[key]), "")); d != "" {
					t.Errorf("%s: (-modinfo +got)\n%s", key, d)
				}
			}
		})
	}
}

func colons(b []byte) string {
	var parts []string
	for _, c := range b {
		parts = append(parts, strings.ToUpper(hex.EncodeToString([]byte{c})))
	}
	return strings.Join(parts, ":")
}

func FuzzVerify(f *testing.F) {
	names, _ := filepath.Glob("testdata/*.ko")
	for _, name := range names {
		b := fixture(f, filepath.Base(name))
		tr := find(f, b)
		f.Add(b[tr.ModuleSize():tr.Before], tr.IDType, tr.SignerLen, tr.KeyIDLen)
	}
	keys := []*x509.Certificate{certificate(f, "rsa.der"), certificate(f, "ec.der"), certificate(f, "debian.der")}
	f.Fuzz(func(t *testing.T, blob []byte, idType, signer, keyID uint8) {
		var tail [12]byte
		tail[2], tail[3], tail[4] = idType, signer, keyID
		if idType == IDX509 {
			tail[0], tail[1] = 1, 4
		}
		binary.BigEndian.PutUint32(tail[8:], uint32(max(0, len(blob)-int(signer)-int(keyID))))
		b := append([]byte("module"), blob...)
		b = append(append(b, tail[:]...), Marker...)
		r := bytes.NewReader(b)
		tr, err := Find(r, int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		tr.Read(r)
		err = Verify(r, tr, keys)
		if err == nil {
			t.Fatal("a module of one word has a good signature")
		}
		for _, known := range []error{ErrBadMessage, ErrInvalid, ErrUnsupported, ErrNoKey, ErrRejected, io.EOF} {
			if errors.Is(err, known) {
				return
			}
		}
		t.Fatalf("error of no kind: %v", err)
	})
}
