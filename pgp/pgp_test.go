package pgp

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modkeep/internal/kerneltest/oracle"
)

// date is when the tests sign: after the keys of testdata were made.
var date = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readKey(t testing.TB, name string) *Key {
	t.Helper()
	k, err := ReadKey(readFile(t, name), []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var keyFiles = []string{"rsa.asc", "ed25519.asc", "subkey.asc", "locked.asc"}

// TestSameBytes: nothing in a signature is random.
func TestSameBytes(t *testing.T) {
	for _, name := range keyFiles {
		k := readKey(t, name)
		var made [2][]byte
		for i := range made {
			sig, err := k.SignArmored(strings.NewReader("text\n"), date)
			if err != nil {
				t.Fatal(err)
			}
			clear, err := k.SignClear([]byte("text\n"), date)
			if err != nil {
				t.Fatal(err)
			}
			made[i] = append(sig, clear...)
		}
		if !bytes.Equal(made[0], made[1]) {
			t.Errorf("%s: two signatures differ", name)
		}
	}
}

func TestVerify(t *testing.T) {
	k := readKey(t, "rsa.asc")
	public, err := k.Public()
	if err != nil {
		t.Fatal(err)
	}
	ring, err := ReadRing(public)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ReadRing(readFile(t, "ed25519.asc"))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := k.Sign(strings.NewReader("text"), date)
	if err != nil {
		t.Fatal(err)
	}
	if by, err := ring.Verify(strings.NewReader("text"), sig, date); err != nil || by != k.Fingerprint() {
		t.Errorf("%q, %v", by, err)
	}
	if _, err := ring.Verify(strings.NewReader("test"), sig, date); err == nil || errors.Is(err, ErrUnknownKey) {
		t.Errorf("another text: %v", err)
	}
	if _, err := other.Verify(strings.NewReader("text"), sig, date); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("another key: %v", err)
	}
	clear, err := k.SignClear([]byte("a\n- b\n"), date)
	if err != nil {
		t.Fatal(err)
	}
	if plain, by, err := ring.VerifyClear(clear, date); err != nil || by != k.Fingerprint() || string(plain) != "a\n- b\n" {
		t.Errorf("%q, %q, %v", plain, by, err)
	}
	for name, text := range map[string][]byte{
		"changed": bytes.Replace(clear, []byte("\na\n"), []byte("\nc\n"), 1),
		"before":  append([]byte("unsigned\n"), clear...),
		"behind":  append(bytes.Clone(clear), "unsigned\n"...),
		"none":    []byte("a\n"),
	} {
		if _, _, err := ring.VerifyClear(text, date); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestReadKeyErrors(t *testing.T) {
	rsa := readFile(t, "rsa.asc")
	public, err := readKey(t, "rsa.asc").Public()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		data       []byte
		passphrase string
	}{
		{"empty", "no OpenPGP key", nil, ""},
		{"text", "no OpenPGP key", []byte("hello"), ""},
		{"cut", "no OpenPGP key", rsa[:len(rsa)/2], ""},
		{"public", "a public key only", public, ""},
		{"too long", "is the most", make([]byte, MaxKeys+1), ""},
		{"no passphrase", "wrong passphrase or none", readFile(t, "locked.asc"), ""},
		{"wrong passphrase", "wrong passphrase or none", readFile(t, "locked.asc"), "guess"},
	} {
		if _, err := ReadKey(c.data, []byte(c.passphrase)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	k := readKey(t, "rsa.asc")
	if _, err := k.SignClear([]byte("a\nb \n"), date); err == nil || err.Error() != "line 2 ends with a blank" {
		t.Errorf("blank: %v", err)
	}
	if _, err := k.SignArmored(strings.NewReader(""), time.Unix(1e9, 0)); err == nil || !strings.Contains(err.Error(), "cannot sign at 2001-09-09") {
		t.Errorf("before the key was made: %v", err)
	}
}

// TestOracleGPG has gpg check what each kind of key made.
func TestOracleGPG(t *testing.T) {
	program := oracle.Tool(t, "gpg")
	home := t.TempDir()
	if err := os.Chmod(home, 0o700); err != nil {
		t.Fatal(err)
	}
	gpg := func(args ...string) string {
		cmd := exec.Command(program, append([]string{"--homedir", home, "--batch", "--no-autostart", "--status-fd", "1"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("gpg %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	write := func(name string, data []byte) string {
		path := filepath.Join(home, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := write("text", []byte("one\ntwo\n- three\n"))
	for _, name := range keyFiles {
		k := readKey(t, name)
		public, err := k.Public()
		if err != nil {
			t.Fatal(err)
		}
		gpg("--import", write("key.asc", public))
		armored, err := k.SignArmored(strings.NewReader("one\ntwo\n- three\n"), date)
		if err != nil {
			t.Fatal(err)
		}
		binary, err := k.Sign(strings.NewReader("one\ntwo\n- three\n"), date)
		if err != nil {
			t.Fatal(err)
		}
		clear, err := k.SignClear([]byte("one\ntwo\n- three\n"), date)
		if err != nil {
			t.Fatal(err)
		}
		for form, out := range map[string]string{
			"armored": gpg("--verify", write("sig.asc", armored), text),
			"binary":  gpg("--verify", write("sig", binary), text),
			"clear":   gpg("--verify", write("clear", clear)),
		} {
			if !strings.Contains(out, "VALIDSIG") || !strings.Contains(out, " 2026-01-02 ") || !strings.Contains(out, k.Fingerprint()) {
				t.Errorf("%s, %s: gpg says\n%s", name, form, out)
			}
		}
	}
}

func FuzzReadKey(f *testing.F) {
	for _, name := range keyFiles {
		f.Add(readFile(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := ReadKey(data, []byte("secret"))
		if (k == nil) == (err == nil) {
			t.Fatalf("%v, %v", k, err)
		}
		ring, err := ReadRing(data)
		if (ring == nil) == (err == nil) {
			t.Fatalf("%v, %v", ring, err)
		}
	})
}

func FuzzVerify(f *testing.F) {
	key := readFile(f, "ed25519.asc")
	ring, err := ReadRing(key)
	if err != nil {
		f.Fatal(err)
	}
	k := readKey(f, "ed25519.asc")
	sig, _ := k.SignArmored(strings.NewReader("text"), date)
	clear, _ := k.SignClear([]byte("text"), date)
	f.Add(sig)
	f.Add(clear)
	f.Fuzz(func(t *testing.T, data []byte) {
		ring.Verify(strings.NewReader("another"), data, date)
		if plain, by, err := ring.VerifyClear(data, date); err == nil && by != k.Fingerprint() {
			t.Fatalf("%q by %q", plain, by)
		}
	})
}
