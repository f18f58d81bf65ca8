package loader_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"modkeep/loader"
)

// signer is a key with its certificate.
type signer struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

// newSigner makes a key and a certificate of its own.
func newSigner(t testing.TB, name string, serial int64) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0), SubjectKeyId: []byte(name)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key, cert}
}

// Object identifiers of CMS (RFC 5652, 5754, 5758).
var (
	oidData        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidSHA256      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidECDSASHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
)

// sign appends a signature as scripts/sign-file does: CMS without attributes,
// without certificates, the signer named by issuer and serial number.
func (s signer) sign(t testing.TB, module []byte) []byte {
	t.Helper()
	sum := sha256.Sum256(module)
	value, err := s.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	type identifier struct{ Algorithm asn1.ObjectIdentifier }
	type issuerAndSerial struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	type signerInfo struct {
		Version   int
		ID        issuerAndSerial
		Digest    identifier
		Algorithm identifier
		Value     []byte
	}
	type content struct{ Type asn1.ObjectIdentifier }
	type signedData struct {
		Version int
		Digests []identifier `asn1:"set"`
		Content content
		Signers []signerInfo `asn1:"set"`
	}
	type message struct {
		Type    asn1.ObjectIdentifier
		Content signedData `asn1:"explicit,tag:0"`
	}
	blob, err := asn1.Marshal(message{oidSignedData, signedData{1, []identifier{{oidSHA256}}, content{oidData}, []signerInfo{{1,
		issuerAndSerial{asn1.RawValue{FullBytes: s.cert.RawIssuer}, s.cert.SerialNumber}, identifier{oidSHA256}, identifier{oidECDSASHA256}, value}}}})
	if err != nil {
		t.Fatal(err)
	}
	out := append(slices.Clone(module), blob...)
	out = append(out, 0, 0, 2, 0, 0, 0, 0, 0)
	out = binary.BigEndian.AppendUint32(out, uint32(len(blob)))
	return append(out, "~Module signature appended~\n"...)
}

// keyring is a kernel's keyring of just these signers' certificates.
func keyring(signers ...signer) func() ([]*x509.Certificate, bool) {
	return sync.OnceValues(func() ([]*x509.Certificate, bool) {
		var keys []*x509.Certificate
		for _, s := range signers {
			keys = append(keys, s.cert)
		}
		return keys, true
	})
}

// The cases of signed modules; the numbers are those of TestAcceptance.
func TestSignatures(t *testing.T) {
	ours, other, namesake := newSigner(t, "ours", 1), newSigner(t, "other", 2), newSigner(t, "ours", 1)
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte {
			if at < 0 {
				at += len(b)
			}
			b[at] ^= 1
			return b
		}
	}
	const trailer = 12 + 28
	rejected := func(what string) answer {
		return early("EKEYREJECTED", "signature", "Loading of "+what+" is rejected\n")
	}
	tests := []struct {
		name string
		edit func([]byte) []byte
		vary func(*loader.Target)
		want answer
	}{
		{"67 signed", nil, nil, answer{taints: "O"}},
		{"67 signed, enforced", nil, enforced, answer{taints: "O"}},
		{"67 signed, lockdown", nil, func(t *loader.Target) { t.Lockdown = "integrity" }, answer{taints: "O"}},
		{"66 body changed", flip(0x40), nil, early("EKEYREJECTED", "signature", "")},
		{"66 body changed, enforced", flip(0x40), enforced, early("EKEYREJECTED", "signature", "")},
		{"66 signature changed", flip(-trailer - 1), nil, early("EKEYREJECTED", "signature", "")},
		{"wrong key", nil, func(t *loader.Target) { t.Keys = keyring(other) }, loads},
		{"wrong key, enforced", nil, func(t *loader.Target) { t.Keys = keyring(other); enforced(t) }, rejected("module with unavailable key")},
		{"another key of the name", nil, func(t *loader.Target) { t.Keys = keyring(namesake) }, early("EKEYREJECTED", "signature", "")},
		{"two keys", nil, func(t *loader.Target) { t.Keys = keyring(other, ours) }, answer{taints: "O"}},
		{"no keys, enforced", nil, func(t *loader.Target) { t.Keys = keyring(); enforced(t) }, rejected("module with unavailable key")},
		{"marker cut", func(b []byte) []byte { return b[:len(b)-1] }, enforced, rejected("unsigned module")},
		{"53 flag 1", nil, func(t *loader.Target) { t.Flags = 1 }, answer{taints: "F O E", warnings: 1, log: forced}},
		{"53 flag 2", nil, func(t *loader.Target) { t.Flags = 2 },
			answer{taints: "F O E", warnings: 1, log: "good: bad vermagic: kernel tainted.\n" + lockdep}},
		{"68 flag 2, enforced", nil, func(t *loader.Target) { t.Flags = 2; enforced(t) }, rejected("unsigned module")},
		{"signatures not built in", flip(0x40), func(t *loader.Target) { t.Config = configured(map[string]string{"LIVEPATCH": "y"}) }, answer{taints: "O"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := ours.sign(t, fixture(t, "6.1", "good"))
			if tt.edit != nil {
				b = tt.edit(b)
			}
			target := debian61()
			target.Keys = keyring(ours)
			if tt.vary != nil {
				tt.vary(target)
			}
			tt.want.basis = loader.Run
			tt.want.compare(t, target.CheckLoaded(onDisk(t, "good", b), nil))
		})
	}
}

// TestUnknownKeyring judges a signed module on a kernel whose keys nobody
// knows: whether they vouch for it is said to be unknown.
func TestUnknownKeyring(t *testing.T) {
	b := newSigner(t, "ours", 1).sign(t, fixture(t, "6.1", "good"))
	v := debian61().Check([]*loader.Module{onDisk(t, "good", b)})[0]
	answer{taints: "O", basis: loader.Run}.compare(t, v)
	if want := []string{"whether the kernel trusts the module's signature"}; !slices.Equal(v.Unknown, want) {
		t.Errorf("unknown %q, want %q", v.Unknown, want)
	}
}

// TestShippedModule takes the signature of a kernel's own file to be good where
// the caller says that it found it there, on the kernel it was built for only.
func TestShippedModule(t *testing.T) {
	target := debian73()
	target.Enforce = loader.Yes
	m := onDisk(t, "crc-itu-t", fixture(t, "7.3", "crc-itu-t"))
	m.AsShipped = true
	answer{basis: loader.Run}.compare(t, target.Check([]*loader.Module{m})[0])

	target.Release, target.Vermagic = "7.3.5", "7.3.5 SMP preempt mod_unload "
	target.Keys = keyring(newSigner(t, "other", 2))
	early("EKEYREJECTED", "signature", "Loading of module with unavailable key is rejected\n").withBasis(loader.Run).
		compare(t, target.Check([]*loader.Module{m})[0])
}

func (want answer) withBasis(b loader.Basis) answer {
	want.basis = b
	return want
}

// TestSignatureCrypto has kernels without what a signature takes, and firmware
// that revokes. What the kernels answer was seen on Debian's 6.1.192 and 7.3.4,
// started by EFI (TestOracleSignedLoads of the command).
func TestSignatureCrypto(t *testing.T) {
	ours, other := newSigner(t, "ours", 1), newSigner(t, "other", 2)
	file := ours.sign(t, fixture(t, "6.1", "good")) // by ECDSA, over SHA-256
	sum := sha256.Sum256(file)
	with := func(vary func(*loader.Target), options ...string) func() *loader.Target {
		return func() *loader.Target {
			target := debian61()
			target.Config = configured(debianConfig(append(options, "CRYPTO")...))
			target.Keys = keyring(ours)
			vary(target)
			return target
		}
	}
	same := func(*loader.Target) {}
	withKey := func(s signer) func(*loader.Target) {
		return func(t *loader.Target) { t.Keys = keyring(s) }
	}
	revoked := func(t *loader.Target) { t.RevokedFiles = [][32]byte{{1}, sum} }
	blacklisted := fmt.Sprintf("Module hash %x is blacklisted\n", sum)
	tests := []struct {
		name    string
		target  func() *loader.Target
		want    answer
		unknown bool
	}{
		{"all there", with(same, "CRYPTO_SHA256", "CRYPTO_ECDSA"), answer{taints: "O"}, false},
		{"no ECDSA", with(same, "CRYPTO_SHA256"), early("EKEYREJECTED", "signature", ""), false},
		{"no ECDSA, key not there", with(withKey(other), "CRYPTO_SHA256"), loads, false},
		{"no digest", with(same, "CRYPTO_ECDSA"), loads, false},
		{"no digest, enforced", with(enforced, "CRYPTO_ECDSA"), early("EKEYREJECTED", "signature", "Loading of module with unsupported crypto is rejected\n"), false},
		{"ECDSA before it was known", with(func(t *loader.Target) { t.Version = loader.Version{5, 10, 0} }, "CRYPTO_SHA256", "CRYPTO_ECDSA"), loads, false},
		{"revoked by dbx", with(revoked, "CRYPTO_SHA256", "CRYPTO_ECDSA"), early("EKEYREJECTED", "signature", blacklisted), false},
		{"revoked by dbx, mainline", with(func(t *loader.Target) { revoked(t); t.Distro = "" }, "CRYPTO_SHA256", "CRYPTO_ECDSA"), answer{taints: "O"}, false},
		{"key may be trusted", with(func(t *loader.Target) {
			t.Keys, t.Doubtful = keyring(other), func() []*x509.Certificate { return []*x509.Certificate{ours.cert} }
		}, "CRYPTO_SHA256", "CRYPTO_ECDSA"), answer{taints: "O"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := tt.target()
			v := target.CheckLoaded(onDisk(t, "good", file), nil)
			tt.want.basis = v.Basis // of which TestSignatures has its own cases
			tt.want.compare(t, v)
			if unknown := len(v.Unknown) > 0; unknown != tt.unknown {
				t.Errorf("unknown %q, want some: %v", v.Unknown, tt.unknown)
			}
		})
	}
}

// TestChecks asks which signatures a kernel can check.
func TestChecks(t *testing.T) {
	target := debian61()
	options := map[string]string{"CRYPTO": "y", "CRYPTO_SHA256": "y", "CRYPTO_SHA512": "m", "CRYPTO_SHA1": "n"}
	target.Config = configured(options)
	tests := []struct {
		digest, algorithm string
		want              loader.Tristate
	}{
		{"sha256", "rsa", loader.Yes},
		{"sha224", "rsa", loader.Yes},
		{"sha1", "rsa", loader.No},
		{"sha512", "rsa", loader.Unknown},
		{"sha3-256", "rsa", loader.No},
		{"sha256", "ecdsa", loader.No},
	}
	for _, tt := range tests {
		got, why := target.Checks(tt.digest, tt.algorithm)
		if got != tt.want || (why == "") != (got == loader.Yes) {
			t.Errorf("%s with %s: %v (%s), want %v", tt.digest, tt.algorithm, got, why, tt.want)
		}
	}
	target.Loaded = []string{"sha512_generic"}
	if got, _ := target.Checks("sha512", "rsa"); got != loader.Yes {
		t.Errorf("sha512 with its module: %v", got)
	}
}
