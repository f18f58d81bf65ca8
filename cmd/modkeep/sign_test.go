package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/ko"
	"modkeep/ko/modsig"
)

// realModule puts a module that is not signed into a folder of the test's.
func realModule(t *testing.T, name string) string {
	t.Helper()
	plain, err := plainModule("../../ko/modsig/testdata/debian-libcrc32c.ko")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, plain, 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

func bytesOf(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// signsWith is the beginning of a command line that signs with a key.
func (k siteKey) signsWith(args ...string) []string {
	return append([]string{"sign", "--key", k.keyFile, "--cert", k.certFile}, args...)
}

// TestOracleSignCommand signs a module with the command and with sign-file: the
// same file, and for a packed one the same file inside.
func TestOracleSignCommand(t *testing.T) {
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	programs, err := filepath.Glob(cache.Join("root/amd64/usr/lib/linux-kbuild-*/scripts/sign-file"))
	if err != nil || len(programs) == 0 {
		oracle.Missing(t, "no linux-kbuild in the cache has sign-file")
	}
	key := newSiteKey(t, "site key")
	want := realModule(t, "m.ko")
	stripped := realModule(t, "m.ko")
	if out, err := exec.Command(oracle.Tool(t, "strip"), "-D", "--strip-debug", stripped).CombinedOutput(); err != nil {
		t.Fatalf("strip: %v\n%s", err, out)
	}
	for _, path := range []string{want, stripped} {
		if out, err := exec.Command(programs[0], "sha256", key.keyFile, key.certFile, path).CombinedOutput(); err != nil {
			t.Fatalf("sign-file: %v\n%s", err, out)
		}
	}
	for _, tt := range []struct {
		name string
		args []string
		like string
		out  string
	}{
		{"plain", nil, want, "m.ko"},
		{"digest named", []string{"--hash", "sha256"}, want, "m.ko"},
		{"stripped", []string{"--strip"}, stripped, "m.ko"},
		{"gz", []string{"--compress", "gz"}, want, "m.ko.gz"},
		{"xz", []string{"--compress", "xz"}, want, "m.ko.xz"},
		{"zst", []string{"--compress", "zst", "--strip"}, stripped, "m.ko.zst"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := realModule(t, "m.ko")
			out, errOut, status := modkeepRun(append(key.signsWith(file), tt.args...)...)
			if status != statusYes {
				t.Fatalf("status %d\n%s%s", status, out, errOut)
			}
			if got := names(t, filepath.Dir(file)); !slices.Equal(got, []string{tt.out}) {
				t.Fatalf("left %q, want %q", got, tt.out)
			}
			file = filepath.Join(filepath.Dir(file), tt.out)
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("mode %v, want 0640", info.Mode())
			}
			packed := bytesOf(t, file)
			im, err := ko.NewImage(file, bytes.NewReader(packed), int64(len(packed)))
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, im.Size)
			if _, err := im.ReadAt(got, 0); err != nil || !bytes.Equal(got, bytesOf(t, tt.like)) {
				t.Errorf("not the bytes that sign-file makes: %v", err)
			}
		})
	}
}

// TestSignOutput writes to another file, which is packed as its name says.
func TestSignOutput(t *testing.T) {
	key := newSiteKey(t, "site key")
	packed := realModule(t, "m.ko")
	if _, errOut, status := modkeepRun(key.signsWith("--compress", "xz", packed)...); status != statusYes {
		t.Fatal(errOut)
	}
	packed += ".xz"
	for name, want := range map[string]ko.Compression{"out.ko": ko.None, "out.ko.zst": ko.Zstd, "out.ko.gz": ko.Gzip, "out": ko.XZ} {
		out := filepath.Join(t.TempDir(), name)
		if _, errOut, status := modkeepRun(key.signsWith("--output", out, packed)...); status != statusYes {
			t.Fatal(errOut)
		}
		if got := ko.CompressionOf(bytesOf(t, out)[:6]); got != want {
			t.Errorf("%s is packed as %q, want %q", name, got, want)
		}
		if text, _, status := modkeepRun("verify-signature", "--keyring", key.certFile, out); status != statusYes {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// names lists a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// TestSignStates goes through what can be in a file's place.
func TestSignStates(t *testing.T) {
	key, other := newSiteKey(t, "site key"), newSiteKey(t, "another key")
	file := realModule(t, "m.ko")
	step := func(name, want, complaint string, status int, args ...string) {
		t.Helper()
		before := bytesOf(t, file)
		out, errOut, got := modkeepRun(args...)
		if got != status || out != strings.ReplaceAll(want, "FILE", file) || !strings.Contains(errOut, complaint) {
			t.Fatalf("%s: status %d, stdout %q, stderr %q; want %d, %q, %q", name, got, out, errOut, status, want, complaint)
		}
		if changed := !bytes.Equal(before, bytesOf(t, file)); changed != (strings.Contains(want, "FILE: signed")) {
			t.Errorf("%s: file changed: %v", name, changed)
		}
	}
	step("dry run", "FILE: would be signed by \"site key\" (sha256)\n", "", statusYes, key.signsWith("--dry-run", file)...)
	step("first", "FILE: signed by \"site key\" (sha256)\n", "", statusYes, key.signsWith(file)...)
	step("again", "FILE: is signed by \"site key\" (sha256) already\n", "", statusYes, key.signsWith(file)...)
	step("another digest", "FILE: signed by \"site key\" (sha512), in place of \"site key\"\n", "", statusYes, key.signsWith("--hash", "sha512", file)...)
	step("by key id", "FILE: signed by \"site key\" (sha256), in place of \"site key\"\n", "", statusYes, key.signsWith("--key-id", file)...)
	step("by key id again", "FILE: is signed by \"site key\" (sha256) already\n", "", statusYes, key.signsWith("--key-id", file)...)
	step("by key id verified", "FILE: trusted: signed by \"key "+hex.EncodeToString(key.cert.SubjectKeyId)+"\" (sha256), whose key is on --keyring ("+key.certFile+")\n", "", statusYes, "verify-signature", "--keyring", key.certFile, file)
	step("by serial number", "FILE: signed by \"site key\" (sha512), in place of \"key "+hex.EncodeToString(key.cert.SubjectKeyId)+"\"\n", "", statusYes, key.signsWith("--hash", "sha512", file)...)
	step("another key", "", `is signed by "site key"`, statusUnknown, other.signsWith(file)...)
	step("another key, replaced", "FILE: signed by \"another key\" (sha256), in place of \"site key\"\n", "", statusYes, other.signsWith("--replace", file)...)
	step("verified", "FILE: trusted: signed by \"another key\" (sha256), whose key is on --keyring ("+other.certFile+")\n", "", statusYes, "verify-signature", "--keyring", other.certFile, file)
	step("not verified", "FILE: untrusted: signer \"another key\", serial "+other.cert.SerialNumber.Text(16)+": no key for the signature\n", "", statusNo, "verify-signature", "--keyring", key.certFile, file)
}

// TestSignKeepsTheOthers signs a folder in which one file cannot be signed:
// nothing is changed.
func TestSignKeepsTheOthers(t *testing.T) {
	key := newSiteKey(t, "site key")
	good := realModule(t, "a.ko")
	dir := filepath.Dir(good)
	if err := os.WriteFile(filepath.Join(dir, "z.ko"), bytesOf(t, good)[:3000], 0o644); err != nil {
		t.Fatal(err)
	}
	before, err := made.Dump(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{dir}, {"--compress", "xz", dir}, {"-o", filepath.Join(dir, "out"), dir}, {good, filepath.Join(dir, "none.ko")}} {
		out, errOut, status := modkeepRun(key.signsWith(args...)...)
		after, err := made.Dump(dir)
		if err != nil {
			t.Fatal(err)
		}
		if status != statusUnknown || before != after {
			t.Errorf("%q: status %d\n%s%s\n%s", args, status, out, errOut, gocmp.Diff(before, after))
		}
	}
}

// TestSignHostileKeys gives files in the place of keys and certificates.
func TestSignHostileKeys(t *testing.T) {
	key := newSiteKey(t, "site key")
	other := newSiteKey(t, "another key")
	file := realModule(t, "m.ko")
	before := bytesOf(t, file)
	dir := t.TempDir()
	put := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := bytesOf(t, key.keyFile)
	tests := []struct{ name, key, cert, want string }{
		{"no key", filepath.Join(dir, "none"), key.certFile, "no such file"},
		{"a folder", dir, key.certFile, "is a directory"},
		{"empty", put("empty", nil), key.certFile, "not a private key in PEM"},
		{"cut", put("cut", text[:len(text)/2]), key.certFile, "no whole private key in it"},
		{"huge", put("huge", make([]byte, modsig.MaxKeyFile+10)), key.certFile, "key file of "},
		{"a certificate for a key", key.certFile, key.certFile, "no whole private key in it"},
		{"a key for a certificate", key.keyFile, key.keyFile, "no certificate in it"},
		{"another key's certificate", key.keyFile, other.certFile, "it is of another key (another key)"},
		{"certificate cut", key.keyFile, put("cert", bytesOf(t, key.certFile)[:400]), "no certificate in it"},
		{"no certificate named", key.keyFile, "", "no certificate in it"},
	}
	for _, tt := range tests {
		_, errOut, status := modkeepRun("sign", "--key", tt.key, "--cert", tt.cert, file)
		if status != statusUnknown || !strings.Contains(errOut, tt.want) {
			t.Errorf("%s: status %d, %q; want %q", tt.name, status, errOut, tt.want)
		}
	}
	if !bytes.Equal(before, bytesOf(t, file)) || len(names(t, filepath.Dir(file))) != 1 {
		t.Error("the module was touched")
	}
}

// TestSignHostileModules gives files in the place of modules.
func TestSignHostileModules(t *testing.T) {
	key := newSiteKey(t, "site key")
	dir, complaints := hostileFiles(t)
	complaints["huge.ko"] = "does not lie inside the file"
	complaints["loop.ko"] = "too many links"
	complaints["dir.ko"] = "no module file below it"
	for name, want := range complaints {
		file := filepath.Join(dir, name)
		_, errOut, status := modkeepRun(key.signsWith(file)...)
		if status != statusUnknown || !strings.Contains(errOut, want) || strings.Count(errOut, file) != 1 || strings.Contains(errOut, "open ") {
			t.Errorf("%s: status %d, %q; want %q", name, status, errOut, want)
		}
		if name == "fifo.ko" || name == "none.ko" {
			_, errOut, status := modkeepRun("verify-signature", "--keyring", key.certFile, file)
			if !strings.HasPrefix(errOut, "modkeep: cannot read "+file+": ") || !strings.HasSuffix(errOut, want+"\n") || status != statusUnknown {
				t.Errorf("%s: verify-signature: status %d, %q; want %q", name, status, errOut, want)
			}
		}
		if got, want := len(names(t, dir)), len(complaints)-1; got != want { // one of them does not exist
			t.Fatalf("%s: %d files in the folder, want %d", name, got, want)
		}
	}
}

// TestOracleSignHelper has programs sign that keep to the protocol, and that do not.
func TestOracleSignHelper(t *testing.T) {
	openssl := oracle.Tool(t, "openssl")
	key, other := newSiteKey(t, "site key"), newSiteKey(t, "another key")
	want := realModule(t, "m.ko")
	if _, errOut, status := modkeepRun(key.signsWith(want)...); status != statusYes {
		t.Fatal(errOut)
	}
	sign := `test "$1 $3 $4" = "sign rsa-pkcs1v15 sha256" || exit 3
		exec ` + openssl + ` pkeyutl -sign -pkeyopt digest:$4 -inkey "$2"`
	tests := []struct{ name, script, key, want string }{
		{"signs", sign, key.keyFile, ""},
		{"signs with another key", sign, other.keyFile, "no signature of the certificate's key"},
		{"fails", "echo the token is gone >&2; exit 1", "k", "exit status 1: the token is gone"},
		{"says nothing", "exit 0", "k", "wrote no signature"},
		{"signs rubbish", "echo rubbish", "k", "no signature of the certificate's key"},
		{"never stops writing", "while :; do echo rubbish; done | head -c 1000000", "k", "wrote more than 65536 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			helper := filepath.Join(t.TempDir(), "helper")
			if err := os.WriteFile(helper, []byte("#!/bin/sh\n"+tt.script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			file := realModule(t, "m.ko")
			before := bytesOf(t, file)
			_, errOut, status := modkeepRun("sign", "--helper", helper, "--key", tt.key, "--cert", key.certFile, file)
			if tt.want == "" {
				if status != statusYes || !bytes.Equal(bytesOf(t, file), bytesOf(t, want)) {
					t.Errorf("status %d, not the file that the key itself makes: %s", status, errOut)
				}
				return
			}
			if status != statusUnknown || !strings.Contains(errOut, tt.want) || !bytes.Equal(bytesOf(t, file), before) {
				t.Errorf("status %d, %q; want %q and the file as it was", status, errOut, tt.want)
			}
		})
	}
}

// TestOracleSignPKCS11 signs with keys in SoftHSM by the helper of doc/format.
func TestOracleSignPKCS11(t *testing.T) {
	util, openssl := oracle.Tool(t, "softhsm2-util"), oracle.Tool(t, "openssl")
	oracle.Tool(t, "pkcs11-tool")
	if out, err := exec.Command(oracle.Tool(t, "shellcheck"), "../../doc/format/pkcs11-sign-helper").CombinedOutput(); err != nil {
		t.Errorf("shellcheck: %v\n%s", err, out)
	}
	const library = "/usr/lib/softhsm/libsofthsm2.so"
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"conf": "directories.tokendir = " + dir + "\nobjectstore.backend = file\n", "pin": "5678\n"} {
		if err := os.WriteFile(path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SOFTHSM2_CONF", path("conf"))
	t.Setenv("PKCS11_MODULE", library)
	t.Setenv("PKCS11_PIN_FILE", path("pin"))
	t.Setenv("PKCS11_TOKEN", "site")
	call := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
	}
	call(util, "--init-token", "--free", "--label", "site", "--so-pin", "1234", "--pin", "5678")
	for _, tt := range []struct{ name, id, algorithm string }{{"RSA", "01", "rsa:3072"}, {"ECDSA", "02", "ec"}} {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"req", "-new", "-x509", "-nodes", "-subj", "/CN=key in a token", "-newkey", tt.algorithm, "-keyout", path("key"), "-out", path("cert")}
			if tt.algorithm == "ec" {
				args = append(args, "-pkeyopt", "ec_paramgen_curve:P-384")
			}
			call(openssl, args...)
			call(util, "--import", path("key"), "--token", "site", "--label", tt.name, "--id", tt.id, "--pin", "5678")
			file := realModule(t, "m.ko")
			out, errOut, status := modkeepRun("sign", "--helper", "../../doc/format/pkcs11-sign-helper", "--key", tt.id, "--cert", path("cert"), "--hash", "sha384", file)
			if status != statusYes {
				t.Fatalf("status %d\n%s%s", status, out, errOut)
			}
			if out, errOut, status := modkeepRun("verify-signature", "--keyring", path("cert"), file); status != statusYes {
				t.Errorf("verify-signature: status %d\n%s%s", status, out, errOut)
			}
			if tt.name == "RSA" { // the token signs as the key itself does
				same := realModule(t, "m.ko")
				if _, errOut, status := modkeepRun("sign", "--key", path("key"), "--cert", path("cert"), "--hash", "sha384", same); status != statusYes || !bytes.Equal(bytesOf(t, same), bytesOf(t, file)) {
					t.Errorf("status %d, not the bytes that the key makes: %s", status, errOut)
				}
			}
		})
	}
}

// writeVariable puts an EFI variable below a root, as sysfs shows it.
func writeVariable(t *testing.T, root string, v kerneltest.EFIVariable) {
	t.Helper()
	guid := v.GUID.String()
	path := filepath.Join(root, "sys/firmware/efi/efivars", v.Name+"-"+guid)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append([]byte{byte(v.Attributes), 0, 0, 0}, v.Value...), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestOracleVerifySignature asks of a real kernel's image which keys it trusts,
// with what firmwares say of others.
func TestOracleVerifySignature(t *testing.T) {
	k := cloudKernel(t)
	ownKey, other := newSiteKey(t, "site key"), newSiteKey(t, "another key")
	root := rootOf(t, k)
	own := ownModule(t, k, "dummy")
	file := realModule(t, "m.ko")
	if _, errOut, status := modkeepRun(ownKey.signsWith(file)...); status != statusYes {
		t.Fatal(errOut)
	}
	mok := kerneltest.MokListRT
	both := func(v ...kerneltest.EFIVariable) []kerneltest.EFIVariable { return append(v, secureBoot()...) }
	tests := []struct {
		name      string
		firmware  []kerneltest.EFIVariable // nil: sysfs is not there
		file      string
		state     string
		ring      string
		status    int
		withTrust int // of sign --kernel
	}{
		{"kernel's own", nil, own, "trusted", ".builtin_trusted_keys", 0, 0},
		{"firmware not known", nil, file, "unknown", "", 2, 0},
		{"in db", []kerneltest.EFIVariable{kerneltest.DB(other.cert, ownKey.cert)}, file, "trusted", ".platform", 0, 0},
		{"not in db", []kerneltest.EFIVariable{kerneltest.DB(other.cert)}, file, "untrusted", "", 1, 1},
		{"owner's, secure boot", both(mok(ownKey.cert)), file, "trusted", ".machine", 0, 0},
		{"owner's, no secure boot", []kerneltest.EFIVariable{mok(ownKey.cert)}, file, "untrusted", ".platform", 1, 1},
		{"db to be ignored", []kerneltest.EFIVariable{kerneltest.DB(ownKey.cert), {Name: "MokIgnoreDB", GUID: kerneltest.GUIDShim, Value: []byte{1}}}, file, "untrusted", ".platform", 1, 1},
		{"db damaged", []kerneltest.EFIVariable{{Name: "db", GUID: kerneltest.GUIDSecurity, Value: kerneltest.SignatureLists(ownKey.cert)[:500]}}, file, "unknown", "", 2, 0},
	}
	// There is no SHA-3 in pkcs7_parser.c of 6.1.
	out, _, status := modkeepRun(ownKey.signsWith("--root", root, "--kernel", k.Release, "--dry-run", "--replace", "--hash", "sha3-256", file)...)
	if want := "kernel " + k.Release + " cannot check the signature: this kernel does not know sha3-256\n"; status != statusNo || !strings.Contains(out, want) {
		t.Errorf("status %d, %q; want 1, %q", status, out, want)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.RemoveAll(filepath.Join(root, "sys")); err != nil {
				t.Fatal(err)
			}
			for _, v := range tt.firmware {
				writeVariable(t, root, v)
			}
			out, errOut, status := modkeepRun("verify-signature", "--json", "--root", root, "--kernel", k.Release, tt.file)
			var report verifyReport
			if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Files) != 1 {
				t.Fatalf("%v\n%s%s", err, out, errOut)
			}
			f, ring := report.Files[0], ""
			if len(f.Keys) > 0 {
				ring = f.Keys[0].Keyring
			}
			if f.State != tt.state || ring != tt.ring || status != tt.status {
				t.Errorf("%s on %q, status %d; want %s on %q, %d\n%s", f.State, ring, status, tt.state, tt.ring, tt.status, out)
			}
			if tt.file == file {
				out, errOut, status := modkeepRun(ownKey.signsWith("--root", root, "--kernel", k.Release, "--dry-run", file)...)
				if status != tt.withTrust || strings.Contains(out, "cannot check") {
					t.Errorf("sign --kernel: status %d, want %d\n%s%s", status, tt.withTrust, out, errOut)
				}
			}
		})
	}
}

// cloudKernel is the cache's newest cloud kernel of 6.1.
func cloudKernel(t *testing.T) kerneltest.Kernel {
	t.Helper()
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	kernels, err := cache.Kernels()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range slices.Backward(kernels) {
		if _, err := os.Stat(k.Symvers()); err == nil && k.Arch == "amd64" && k.Flavour == "cloud" && k.Series == "6.1" {
			return k
		}
	}
	oracle.Missing(t, "no cloud kernel of 6.1 in the cache")
	return kerneltest.Kernel{}
}

// TestSignKeepsAttributes signs a file with an owner and attributes of its own.
func TestSignKeepsAttributes(t *testing.T) {
	key := newSiteKey(t, "site key")
	file := realModule(t, "m.ko")
	if err := unix.Setxattr(file, "user.origin", []byte("vendor"), 0); err != nil {
		t.Skipf("SKIPPED: the file system has no attributes: %v", err)
	}
	owner := 0
	if os.Geteuid() == 0 { // who else may not give files away
		owner = 12345
		if err := os.Chown(file, owner, owner+1); err != nil {
			t.Fatal(err)
		}
		if err := unix.Setxattr(file, "security.ima", []byte("a digest of the old bytes"), 0); err != nil {
			t.Logf("security.ima: %v", err)
		}
	}
	if _, errOut, status := modkeepRun(key.signsWith(file)...); status != statusYes {
		t.Fatal(errOut)
	}
	buf := make([]byte, 100)
	if n, err := unix.Getxattr(file, "user.origin", buf); err != nil || string(buf[:n]) != "vendor" {
		t.Errorf("user.origin is %q, %v", buf[:max(n, 0)], err)
	}
	if n, err := unix.Getxattr(file, "security.ima", buf); err == nil {
		t.Errorf("security.ima is %q: it was of other bytes", buf[:n])
	}
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil || owner != 0 && (int(st.Uid) != owner || int(st.Gid) != owner+1) {
		t.Errorf("owner %d:%d, %v", st.Uid, st.Gid, err)
	}
}

// TestReplaceFile replaces a file behind a link, and where it must not.
func TestReplaceFile(t *testing.T) {
	key := newSiteKey(t, "site key")
	file := realModule(t, "m.ko")
	link := filepath.Join(t.TempDir(), "m.ko")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if _, errOut, status := modkeepRun(key.signsWith(link)...); status != statusYes {
		t.Fatal(errOut)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link became %v", info.Mode())
	}
	if out, _, status := modkeepRun("verify-signature", "--keyring", key.certFile, file); status != statusYes {
		t.Errorf("the file behind the link is not signed: %s", out)
	}
	dir := filepath.Dir(file)
	if err := os.WriteFile(file+".xz", []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, errOut, status := modkeepRun(key.signsWith("--compress", "xz", file)...)
	if status != statusUnknown || !strings.Contains(errOut, "m.ko.xz is there already") || string(bytesOf(t, file+".xz")) != "x" {
		t.Errorf("status %d, %q: a file was overwritten", status, errOut)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"m.ko", "m.ko.xz"}) {
		t.Errorf("left %q", got)
	}
}

// TestOracleInstallUnderSecureBoot installs a module on a machine that the
// firmware started securely: not unless it is signed by the machine's owner.
func TestOracleInstallUnderSecureBoot(t *testing.T) {
	k, owner := cloudKernel(t), newSiteKey(t, "machine owner")
	root := rootOf(t, k)
	for _, v := range append(secureBoot(), kerneltest.MokListRT(owner.cert)) {
		writeVariable(t, root, v)
	}
	file := filepath.Join(t.TempDir(), "vpoll.ko")
	if err := os.WriteFile(file, bytesOf(t, thirdParty(t, k, "vpoll")), 0o644); err != nil {
		t.Fatal(err)
	}
	install := []string{"install", "--dry-run", "--root", root, "--kernel", k.Release, file}
	out, errOut, status := modkeepRun(install...)
	if want := "Loading of unsigned module is rejected"; status == statusYes || !strings.Contains(out+errOut, want) {
		t.Errorf("not signed: status %d, want it refused, %q\n%s%s", status, want, out, errOut)
	}
	if _, errOut, status := modkeepRun(owner.signsWith(file)...); status != statusYes {
		t.Fatal(errOut)
	}
	if out, errOut, status := modkeepRun(install...); status != statusYes {
		t.Errorf("signed by the owner: status %d\n%s%s", status, out, errOut)
	}
}
