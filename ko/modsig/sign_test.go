package modsig

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"
)

// certify makes a certificate of a key by the key itself.
func certify(t testing.TB, name string, key crypto.Signer, keyID []byte) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0), SubjectKeyId: keyID}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func newECDSA(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// liar is a signer that speaks for one key and signs with another, as a
// program that was given the name of the wrong one.
type liar struct {
	crypto.Signer
	other crypto.Signer
}

func (l liar) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return l.other.Sign(r, digest, opts)
}

// failing is a signer that cannot sign.
type failing struct{ crypto.Signer }

func (failing) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("token not present")
}

func TestSignRefuses(t *testing.T) {
	ours, other := newECDSA(t), newECDSA(t)
	cert := certify(t, "ours", ours, nil)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		key  Key
		opts SignOptions
		want string
	}{
		{"another key's certificate", Key{other, cert}, SignOptions{}, `the key is not that of the certificate "ours"`},
		{"no such digest", Key{ours, cert}, SignOptions{Hash: "md5"}, `digest "md5" is none of [sha1 `},
		{"no key id", Key{ours, cert}, SignOptions{KeyID: true}, `certificate "ours" has no subject key identifier`},
		{"Ed25519", Key{ed, certify(t, "ed", ed, nil)}, SignOptions{}, "key is Ed25519: "},
		{"signer lies", Key{liar{ours, other}, cert}, SignOptions{}, "what the signer made is no signature of the certificate's key: "},
		{"signer fails", Key{failing{ours}, cert}, SignOptions{}, "sign: token not present"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Sign(strings.NewReader("module"), 6, tt.key, tt.opts)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s…", err, tt.want)
			}
		})
	}
}

// TestSignVerify reads back what Sign made of a module, and of one that was
// changed afterwards.
func TestSignVerify(t *testing.T) {
	key := newECDSA(t)
	cert := certify(t, "ours", key, []byte("key identifier"))
	for _, hash := range Hashes() {
		for _, keyID := range []bool{false, true} {
			appended, err := Sign(strings.NewReader("module"), 6, Key{key, cert}, SignOptions{hash, keyID})
			if err != nil {
				t.Fatalf("%s: %v", hash, err)
			}
			file := append([]byte("module"), appended...)
			if err := Verify(bytes.NewReader(file), find(t, file), []*x509.Certificate{cert}); err != nil {
				t.Errorf("%s: %v", hash, err)
			}
			file[3] ^= 1
			if err := Verify(bytes.NewReader(file), find(t, file), []*x509.Certificate{cert}); !errors.Is(err, ErrRejected) {
				t.Errorf("%s, one bit changed: %v, want ErrRejected", hash, err)
			}
		}
	}
}

func TestParseCertificates(t *testing.T) {
	rsa, ec := fixture(t, "rsa.der"), fixture(t, "ec.der")
	text := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	tests := []struct {
		name string
		data []byte
		want int // certificates; 0: an error
	}{
		{"DER", rsa, 1},
		{"DER, two", join(rsa, ec), 2},
		{"PEM", text("CERTIFICATE", rsa), 1},
		{"PEM, among others", join([]byte("subject=x\n"), text("EC PARAMETERS", []byte{6, 0}), text("CERTIFICATE", ec), text("CERTIFICATE", rsa)), 2},
		{"PEM without one", text("PUBLIC KEY", rsa), 0},
		{"PEM, damaged inside", text("CERTIFICATE", rsa[:len(rsa)-1]), 0},
		{"PEM, cut", text("CERTIFICATE", rsa)[:300], 0},
		{"DER, cut", rsa[:100], 0},
		{"empty", nil, 0},
		{"huge", make([]byte, MaxKeyFile+1), 0},
	}
	for _, tt := range tests {
		certs, err := ParseCertificates(tt.data)
		if len(certs) != tt.want || (err == nil) != (tt.want > 0) {
			t.Errorf("%s: %d certificates, %v; want %d", tt.name, len(certs), err, tt.want)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	key, err := x509.MarshalPKCS8PrivateKey(newECDSA(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("PRIVATE KEY"), key)
	for _, name := range []string{"pbes2.der", "rsa.der"} {
		f.Add([]byte("ENCRYPTED PRIVATE KEY"), fixture(f, name))
	}
	f.Fuzz(func(t *testing.T, kind, der []byte) {
		text := pem.EncodeToMemory(&pem.Block{Type: string(kind), Bytes: der})
		if key, err := ParseKey(text, []byte("pass")); (key == nil) == (err == nil) {
			t.Errorf("key %v, error %v", key, err)
		}
		ParseKey(der, nil)
		if certs, err := ParseCertificates(text); (len(certs) == 0) == (err == nil) {
			t.Errorf("%d certificates, error %v", len(certs), err)
		}
	})
}
