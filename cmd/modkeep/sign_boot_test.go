package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/ko"
)

// siteKey is a key made for a test, with its files.
type siteKey struct {
	keyFile, certFile string
	cert              *x509.Certificate
}

func newSiteKey(t *testing.T, name string) siteKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return writeSiteKey(t, name, key)
}

// newECKey is newSiteKey for an elliptic curve.
func newECKey(t *testing.T, name string) siteKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return writeSiteKey(t, name, key)
}

func writeSiteKey(t *testing.T, name string, key crypto.Signer) siteKey {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		SubjectKeyId: []byte(name), AuthorityKeyId: []byte(name), KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(err)
	cert, err := x509.ParseCertificate(der)
	must(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	dir := t.TempDir()
	k := siteKey{filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem"), cert}
	must(os.WriteFile(k.keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	must(os.WriteFile(k.certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return k
}

// modkeepRun runs a command line and returns what it printed and its status.
func modkeepRun(args ...string) (out, errOut string, status int) {
	var o, e bytes.Buffer
	status = run(context.Background(), append([]string{"modkeep"}, args...), nil, &o, &e)
	return o.String(), e.String(), status
}

// signCase is a module as it is given to a kernel that enforces signatures.
type signCase struct {
	name  string
	file  string   // the module; "" is the kernel's dummy.ko
	errno string   // the kernel's answer
	key   *siteKey // nil: not signed
	args  []string // of modkeep sign
	edit  func([]byte)
	flags int    // finit_module's
	dep   string // a module of the kernel's own that is loaded before
}

// TestOracleSignedLoads signs a module with modkeep sign and a key made for the
// test, and gives it to real kernels that enforce signatures, in a machine
// whose firmware trusts the key (its certificate is in db). Each answer has to
// be that of modkeep check with --keyring.
func TestOracleSignedLoads(t *testing.T) {
	oracle.Tool(t, kerneltest.Emulator("amd64"))
	firmware, err := kerneltest.FindFirmware()
	if err != nil {
		oracle.Missing(t, "OVMF of the package ovmf: %v", err)
	}
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	kernels, err := cache.Kernels()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, k := range slices.Backward(kernels) {
		if k.Arch != "amd64" || k.Flavour != "cloud" || seen[k.Series] || (k.Series != "6.1" && k.Series != "6.12" && os.Getenv("MODKEEP_FULL") != "1") {
			continue
		}
		seen[k.Series] = true
		t.Run(k.Release, func(t *testing.T) { testSignedLoads(t, k, firmware) })
	}
}

func testSignedLoads(t *testing.T, k kerneltest.Kernel, firmware *kerneltest.Firmware) {
	trusted, other, curve := newSiteKey(t, "site key"), newSiteKey(t, "another key"), newECKey(t, "curve key")
	cases := []signCase{
		{name: "signed", key: &trusted},
		{name: "named by key id", key: &trusted, args: []string{"--key-id"}},
		{name: "sha512", key: &trusted, args: []string{"--hash", "sha512"}, dep: "sha512_generic"},
		{name: "one bit of the code changed", errno: "EKEYREJECTED", key: &trusted, edit: func(b []byte) { b[0x41] ^= 1 }},
		{name: "one bit of the signature changed", errno: "EKEYREJECTED", key: &trusted, edit: func(b []byte) { b[len(b)-60] ^= 1 }},
		{name: "another key", errno: "EKEYREJECTED", key: &other},
		{name: "another key, changed", errno: "EKEYREJECTED", key: &other, edit: func(b []byte) { b[0x41] ^= 1 }},
		{name: "not signed", errno: "EKEYREJECTED"},
		{name: "ECDSA", key: &curve},
	}
	if config, err := os.ReadFile(k.Config()); err != nil || !bytes.Contains(config, []byte("CONFIG_CRYPTO_ECDSA=y")) {
		cases[len(cases)-1].errno = "EKEYREJECTED"
	}
	if k.Series == "6.1" { // for which the cache has modules of third parties
		cases = append(cases, signCase{name: "stripped", file: thirdParty(t, k, "acpi_call"), key: &trusted, args: []string{"--strip"}})
	} else { // 6.1 leaves unpacking to kmod
		cases = append(cases, signCase{name: "packed by xz, unpacked by the kernel", key: &trusted, args: []string{"--compress", "xz"}, flags: 4})
	}
	revokedErrno := "EKEYREJECTED"
	if strings.HasPrefix(k.Series, "7.") { // Debian has taken its patch out
		revokedErrno = ""
	}
	cases = append(cases, signCase{name: revokedCase, key: &trusted, args: []string{"--key-id", "--hash", "sha512"}, dep: "sha512_generic", errno: revokedErrno})
	var plan kerneltest.Plan
	var files []string
	for _, c := range cases {
		file := c.make(t, k)
		files = append(files, file)
		a := kerneltest.Attempt{ID: c.name, Module: file, Flags: c.flags, Cmdline: enforceCmdline}
		if dep := ownModule(t, k, c.dep); dep != "" {
			a.Deps = []string{dep}
		}
		plan.Attempts = append(plan.Attempts, a)
	}
	revoked := sha256.Sum256(bytesOf(t, files[len(files)-1]))
	machine := k.Machine()
	machine.Firmware = firmware.With(kerneltest.DB(trusted.cert, curve.cert)).With(kerneltest.DBX(revoked))
	root := rootOf(t, k)
	for _, v := range machine.Firmware.Variables {
		writeVariable(t, root, v)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	results, err := kerneltest.Boot(ctx, machine, plan)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want := answerOf(results[i])
			loaded := filepath.Join(t.TempDir(), "loaded")
			if err := os.WriteFile(loaded, []byte(c.dep+"\n"), 0o666); err != nil {
				t.Fatal(err)
			}
			args := []string{"--cmdline", enforceCmdline, "--loaded", loaded}
			predictions := map[string]loadAnswer{"EFI variables": predicted(t, root, k, files[i], args...)}
			if c.name != revokedCase { // which no keyring tells
				predictions["--keyring"] = predicted(t, k.Root, k, files[i], append(args, "--keyring", trusted.certFile, "--keyring", curve.certFile)...)
			}
			for how, got := range predictions {
				if diff := gocmp.Diff(want, got); diff != "" {
					t.Errorf("by %s (-kernel +modkeep check)\n%s", how, diff)
				}
			}
			if c.errno != want.Errno {
				t.Errorf("kernel answers %q, want %q", want.Errno, c.errno)
			}
		})
	}
}

// revokedCase is the module whose digest is in dbx.
const revokedCase = "revoked in dbx"

const enforceCmdline = "module.sig_enforce=1"

// make signs a copy of a module.
func (c signCase) make(t *testing.T, k kerneltest.Kernel) string {
	t.Helper()
	from := c.file
	if from == "" {
		from = ownModule(t, k, "dummy")
	}
	plain, err := plainModule(from)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), ko.NameFromPath(from)+".ko")
	if err := os.WriteFile(file, plain, 0o644); err != nil {
		t.Fatal(err)
	}
	if c.key != nil {
		args := append([]string{"sign", "--json", "--key", c.key.keyFile, "--cert", c.key.certFile}, c.args...)
		out, errOut, status := modkeepRun(append(args, file)...)
		var report signReport
		if err := json.Unmarshal([]byte(out), &report); err != nil || status != statusYes || len(report.Files) != 1 {
			t.Fatalf("modkeep sign: status %d, %v\n%s%s", status, err, out, errOut)
		}
		file = report.Files[0].Output
	}
	if c.edit != nil {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c.edit(b)
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

// rootOf makes a root with the kernel, for files to be put beside it.
func rootOf(t *testing.T, k kerneltest.Kernel) string {
	t.Helper()
	root := t.TempDir()
	if err := made.Real(root, k.Root, k.Release); err != nil {
		t.Fatal(err)
	}
	for to, from := range map[string]string{"boot/vmlinuz-": k.Image(), "boot/config-": k.Config()} {
		if _, err := os.Stat(filepath.Join(root, to+k.Release)); err == nil {
			continue
		}
		if err := made.Take(root, to+k.Release, from); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// thirdParty is a module with debugging information that was built for the
// kernel.
func thirdParty(t *testing.T, k kerneltest.Kernel, name string) string {
	t.Helper()
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	files, err := cache.ThirdParty(k.Release)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(files, func(path string) bool { return ko.NameFromPath(path) == name })
	if i < 0 {
		oracle.Missing(t, "no %s for %s in the cache", name, k.Release)
	}
	return files[i]
}

// ownModule is the file of a module of the kernel's own, "" where it is built in.
func ownModule(t *testing.T, k kerneltest.Kernel, name string) string {
	t.Helper()
	files, err := kerneltest.ModuleFiles(filepath.Join(k.Modules(), "kernel"))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(files, func(path string) bool { return ko.NameFromPath(path) == name })
	if i < 0 {
		return ""
	}
	return files[i]
}

// loadAnswer is what a kernel answers, or is said to answer.
type loadAnswer struct {
	Errno string
	Log   []string
}

func answerOf(r kerneltest.Result) loadAnswer {
	a := loadAnswer{Errno: r.Errno}
	for _, l := range r.LoaderLog() {
		a.Log = append(a.Log, l.Text)
	}
	return a
}

// predicted is what modkeep check says of a module on a kernel that enforces
// signatures.
func predicted(t *testing.T, root string, k kerneltest.Kernel, file string, args ...string) loadAnswer {
	t.Helper()
	args = append([]string{"check", "--json", "--root", root, "--kernel", k.Release, "--strict-unknown"}, args...)
	out, errOut, _ := modkeepRun(append(args, file)...)
	var report struct {
		Verdicts []struct {
			Errno   string
			Log     []string
			Unknown []string
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Verdicts) != 1 {
		t.Fatalf("modkeep check: %v\n%s%s", err, out, errOut)
	}
	v := report.Verdicts[0]
	if len(v.Unknown) > 0 {
		t.Errorf("unknown: %q", v.Unknown)
	}
	return loadAnswer{v.Errno, append([]string(nil), v.Log...)}
}

// TestOracleSecureBoot starts a kernel under secure boot, with the machine
// owner's key in MokListRT: what it answers is what modkeep check says of a
// root whose sysfs shows the same variables.
func TestOracleSecureBoot(t *testing.T) {
	oracle.Tool(t, kerneltest.Emulator("amd64"))
	owner, machineOwner, other := newSiteKey(t, "platform key"), newSiteKey(t, "machine owner"), newSiteKey(t, "another key")
	firmware, err := kerneltest.FindSecureFirmware(owner.cert)
	if err != nil {
		oracle.Missing(t, "OVMF of the package ovmf: %v", err)
	}
	k := cloudKernel(t)
	root := rootOf(t, k)
	mok := kerneltest.MokListRT(machineOwner.cert)
	for _, v := range append(secureBoot(), mok) {
		writeVariable(t, root, v)
	}
	var plan kerneltest.Plan
	cases := []signCase{
		{name: "machine owner's key", key: &machineOwner},
		{name: "not signed", errno: "EKEYREJECTED"},
		{name: "another key", key: &other, errno: "EKEYREJECTED"},
		{name: "machine owner's key, one bit changed", key: &machineOwner, edit: func(b []byte) { b[0x41] ^= 1 }, errno: "EKEYREJECTED"},
	}
	for _, c := range cases {
		plan.Attempts = append(plan.Attempts, kerneltest.Attempt{ID: c.name, Module: c.make(t, k)})
	}
	machine := k.Machine()
	machine.Firmware = firmware.With(mok)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	results, err := kerneltest.Boot(ctx, machine, plan)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want := answerOf(results[i])
			got := predicted(t, root, k, plan.Attempts[i].Module, "--cmdline", "")
			if diff := gocmp.Diff(want, got); diff != "" || want.Errno != c.errno {
				t.Errorf("kernel answers %q, want %q (-kernel +modkeep check)\n%s", want.Errno, c.errno, diff)
			}
		})
	}
}

// secureBoot are the variables by which firmware says that secure boot is on.
func secureBoot() []kerneltest.EFIVariable {
	return []kerneltest.EFIVariable{{Name: "SecureBoot", GUID: kerneltest.GUIDGlobal, Attributes: 6, Value: []byte{1}}, {Name: "SetupMode", GUID: kerneltest.GUIDGlobal, Attributes: 6, Value: []byte{0}}}
}
