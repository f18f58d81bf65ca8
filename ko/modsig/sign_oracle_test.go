package modsig_test

import (
	"bytes"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/ko/modsig"
)

// signFiles returns the kernels' own programs: those of the cache's
// linux-kbuild packages, by the packages' names.
func signFiles(t *testing.T) map[string]string {
	t.Helper()
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, pattern := range []string{"root/amd64/usr/lib/linux-kbuild-*/scripts/sign-file", "genksyms/kbuild/usr/lib/linux-kbuild-*/scripts/sign-file"} {
		paths, err := filepath.Glob(cache.Join(filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			found[filepath.Base(filepath.Dir(filepath.Dir(path)))] = path
		}
	}
	if len(found) == 0 {
		oracle.Missing(t, "no linux-kbuild in the cache has sign-file")
	}
	return found
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// keyPair has openssl make a key and its certificate, and returns the paths of
// both and what this package reads them as.
func keyPair(t *testing.T, args ...string) (keyFile, certFile string, key modsig.Key) {
	t.Helper()
	dir := t.TempDir()
	keyFile, certFile = filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem")
	command(t, oracle.Tool(t, "openssl"), append([]string{"req", "-new", "-x509", "-nodes", "-days", "3650", "-subj", "/O=Test/CN=Module ümlaut key",
		"-keyout", keyFile, "-out", certFile}, args...)...)
	return keyFile, certFile, readPair(t, keyFile, certFile)
}

func readPair(t *testing.T, keyFile, certFile string) modsig.Key {
	t.Helper()
	signer, err := modsig.ParseKey(read(t, keyFile), nil)
	if err != nil {
		t.Fatal(err)
	}
	certs, err := modsig.ParseCertificates(read(t, certFile))
	if err != nil {
		t.Fatal(err)
	}
	return modsig.Key{Signer: signer, Certificate: certs[0]}
}

// TestOracleSignFile signs with each kernel's sign-file and with Sign: the same
// bytes for RSA keys, with every digest and both ways to name the certificate.
func TestOracleSignFile(t *testing.T) {
	programs := signFiles(t)
	module := filepath.Join(t.TempDir(), "m.ko")
	if err := os.WriteFile(module, bytes.Repeat([]byte("what stands for a module\n"), 5000), 0o666); err != nil {
		t.Fatal(err)
	}
	body := read(t, module)
	for _, bits := range []string{"2048", "3072", "4096"} {
		keyFile, certFile, key := keyPair(t, "-newkey", "rsa:"+bits)
		for _, hash := range modsig.Hashes() {
			if bits != "2048" && hash != "sha256" && hash != "sha512" {
				continue
			}
			for _, keyID := range []bool{false, true} {
				got, err := modsig.Sign(bytes.NewReader(body), int64(len(body)), key, modsig.SignOptions{Hash: hash, KeyID: keyID})
				if err != nil {
					t.Fatalf("rsa:%s %s: %v", bits, hash, err)
				}
				for name, program := range programs {
					args := []string{hash, keyFile, certFile, module, module + ".signed"}
					if keyID {
						args = append([]string{"-k"}, args...)
					}
					command(t, program, args...)
					if want := read(t, module+".signed"); !bytes.Equal(want, append(bytes.Clone(body), got...)) {
						t.Errorf("rsa:%s %s, key id %v: not what sign-file of %s makes", bits, hash, keyID, name)
					}
				}
			}
		}
	}
}

// TestOracleSignECDSA holds signatures of EC keys, which sign-file makes anew
// each time, against it in all but the number itself, and has openssl verify
// them. The same module has the same signature each time.
func TestOracleSignECDSA(t *testing.T) {
	programs, openssl := signFiles(t), oracle.Tool(t, "openssl")
	module := filepath.Join(t.TempDir(), "m.ko")
	body := bytes.Repeat([]byte("what stands for a module\n"), 500)
	if err := os.WriteFile(module, body, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, curve := range []string{"P-256", "P-384", "P-521"} {
		keyFile, certFile, key := keyPair(t, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:"+curve)
		for _, hash := range []string{"sha1", "sha256", "sha384", "sha512"} {
			got, err := modsig.Sign(bytes.NewReader(body), int64(len(body)), key, modsig.SignOptions{Hash: hash})
			if err != nil {
				t.Fatal(err)
			}
			again, err := modsig.Sign(bytes.NewReader(body), int64(len(body)), key, modsig.SignOptions{Hash: hash})
			if err != nil || !bytes.Equal(got, again) {
				t.Errorf("%s %s: two signatures of one module differ", curve, hash)
			}
			blob := got[:len(got)-12-len(modsig.Marker)]
			verifyCMS(t, openssl, certFile, module, blob)
			for name, program := range programs {
				command(t, program, hash, keyFile, certFile, module, module+".signed")
				want := read(t, module+".signed")[len(body):]
				if a, b := withoutValue(t, openssl, want), withoutValue(t, openssl, got); a != b {
					t.Errorf("%s %s: structure differs from that of sign-file of %s:\n%s\n%s", curve, hash, name, a, b)
				}
			}
		}
	}
}

// verifyCMS has openssl verify a detached message.
func verifyCMS(t *testing.T, openssl, certFile, module string, blob []byte) {
	t.Helper()
	path := module + ".p7s"
	if err := os.WriteFile(path, blob, 0o666); err != nil {
		t.Fatal(err)
	}
	command(t, openssl, "cms", "-verify", "-binary", "-inform", "DER", "-in", path, "-content", module,
		"-certfile", certFile, "-nointern", "-CAfile", certFile, "-purpose", "any", "-out", os.DevNull)
}

// withoutValue returns what openssl reads in an appended signature, without
// offsets, lengths and the signature's own number.
func withoutValue(t *testing.T, openssl string, appended []byte) string {
	t.Helper()
	cmd := exec.Command(openssl, "asn1parse", "-inform", "DER")
	cmd.Stdin = bytes.NewReader(appended[:len(appended)-12-len(modsig.Marker)])
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	for _, line := range lines[:len(lines)-1] {
		_, rest, _ := bytes.Cut(line, []byte(":"))
		depth, _, _ := bytes.Cut(rest, []byte(" "))
		_, what, _ := bytes.Cut(rest, []byte(": "))
		text = append(append(append(append(text, depth...), ' '), what...), '\n')
	}
	return string(text)
}

// TestOracleKeyForms reads the forms in which openssl writes one key.
func TestOracleKeyForms(t *testing.T) {
	openssl := oracle.Tool(t, "openssl")
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	rsaFile, certFile, want := keyPair(t, "-newkey", "rsa:2048")
	ecFile, _, wantEC := keyPair(t, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384")
	command(t, openssl, "rsa", "-traditional", "-in", rsaFile, "-out", path("pkcs1"))
	command(t, openssl, "ec", "-in", ecFile, "-out", path("sec1"))
	command(t, openssl, "ecparam", "-name", "secp384r1", "-out", path("params"))
	for _, cipher := range []string{"aes-128-cbc", "aes-192-cbc", "aes-256-cbc"} {
		command(t, openssl, "pkcs8", "-topk8", "-v2", cipher, "-passout", "pass:open sesame", "-in", rsaFile, "-out", path(cipher))
	}
	command(t, openssl, "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512", "-iter", "20000", "-passout", "pass:open sesame", "-in", ecFile, "-out", path("sha512"))
	command(t, openssl, "pkcs8", "-topk8", "-v2", "des3", "-passout", "pass:open sesame", "-in", rsaFile, "-out", path("des3"))
	command(t, openssl, "pkcs8", "-topk8", "-scrypt", "-passout", "pass:open sesame", "-in", rsaFile, "-out", path("scrypt"))
	command(t, openssl, "rsa", "-traditional", "-aes128", "-passout", "pass:open sesame", "-in", rsaFile, "-out", path("old"))
	build := append(read(t, certFile), read(t, rsaFile)...) // as certs/signing_key.pem
	tests := []struct {
		name, passphrase string
		text             []byte
		want             modsig.Key // no key: an error
		wrong            string
	}{
		{"PKCS#8", "", read(t, rsaFile), want, ""},
		{"PKCS#8, EC", "", read(t, ecFile), wantEC, ""},
		{"PKCS#1", "", read(t, path("pkcs1")), want, ""},
		{"SEC 1", "", read(t, path("sec1")), wantEC, ""},
		{"SEC 1 behind parameters", "", append(read(t, path("params")), read(t, path("sec1"))...), wantEC, ""},
		{"behind its certificate", "", build, want, ""},
		{"passphrase not needed", "x", read(t, rsaFile), want, ""},
		{"AES-128", "open sesame", read(t, path("aes-128-cbc")), want, ""},
		{"AES-192", "open sesame", read(t, path("aes-192-cbc")), want, ""},
		{"AES-256", "open sesame", read(t, path("aes-256-cbc")), want, ""},
		{"HMAC-SHA-512", "open sesame", read(t, path("sha512")), wantEC, ""},
		{"no passphrase", "", read(t, path("aes-256-cbc")), modsig.Key{}, "the key is encrypted and there is no passphrase"},
		{"wrong passphrase", "open sesam", read(t, path("aes-256-cbc")), modsig.Key{}, "the key is encrypted and "},
		{"triple DES", "open sesame", read(t, path("des3")), modsig.Key{}, "not AES-CBC"},
		{"scrypt", "open sesame", read(t, path("scrypt")), modsig.Key{}, "not PBKDF2"},
		{"old encryption", "open sesame", read(t, path("old")), modsig.Key{}, "OpenSSL's old form"},
		{"certificate alone", "", read(t, certFile), modsig.Key{}, "no whole private key"},
		{"cut", "", read(t, rsaFile)[:900], modsig.Key{}, "no whole private key"},
		{"empty", "", nil, modsig.Key{}, "not a private key"},
		{"damaged", "", damaged(read(t, rsaFile)), modsig.Key{}, "PRIVATE KEY: "},
		{"too long", "", make([]byte, modsig.MaxKeyFile+1), modsig.Key{}, "key file of 4194305 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, err := modsig.ParseKey(tt.text, []byte(tt.passphrase))
			if tt.wrong != "" {
				if err == nil || !bytes.Contains([]byte(err.Error()), []byte(tt.wrong)) {
					t.Errorf("got %v, want it to say %q", err, tt.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := modsig.Sign(bytes.NewReader([]byte("x")), 1, modsig.Key{Signer: key, Certificate: tt.want.Certificate}, modsig.SignOptions{}); err != nil {
				t.Errorf("not the key of the certificate: %v", err)
			}
		})
	}
}

// damaged changes one byte of the DER inside a PEM block.
func damaged(text []byte) []byte {
	block, _ := pem.Decode(text)
	block.Bytes[5] ^= 0x40
	return pem.EncodeToMemory(block)
}
