package modsig

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Signature is what a signature says of itself, in the words of modinfo(8):
// sig_id, signer, sig_key, sig_hashalgo, signature.
type Signature struct {
	ID     string // "PKCS#7", "X509" or "PGP"
	Signer string // common name of the certificate's issuer
	Key    []byte // serial number, key id or subject key identifier, most significant byte first
	Hash   string
	Value  []byte

	Algorithm string // rsa or ecdsa, an OID where it is not known
}

var idNames = map[uint8]string{IDPGP: "PGP", IDX509: "X509", IDPKCS7: "PKCS#7"}

// hashes are the values of Trailer.Hash in the form of 3.7 (enum hash_algo,
// include/uapi/linux/hash_info.h).
var hashes = map[uint8]struct {
	name string
	hash crypto.Hash
}{
	0: {"md4", 0}, 1: {"md5", 0}, 2: {"sha1", crypto.SHA1}, 3: {"rmd160", 0}, 4: {"sha256", crypto.SHA256},
	5: {"sha384", crypto.SHA384}, 6: {"sha512", crypto.SHA512}, 7: {"sha224", crypto.SHA224},
}

// Read reads the signature. Of a message with several signers it tells the
// first. The error wraps ErrBadMessage or ErrInvalid, or is one of r.
func (t *Trailer) Read(r io.ReaderAt) (Signature, error) {
	blob, err := t.read(r)
	if err != nil {
		return Signature{}, err
	}
	sig := Signature{ID: idNames[t.IDType], Hash: hashes[t.Hash].name, Algorithm: "rsa"}
	signer, key := int(t.SignerLen), int(t.SignerLen)+int(t.KeyIDLen)
	sig.Signer, sig.Key, sig.Value = string(blob[:signer]), blob[signer:key], blob[key:]
	if t.IDType != IDPKCS7 {
		return sig, nil
	}
	m, err := ParseMessage(sig.Value)
	if err != nil {
		return Signature{}, err
	}
	s := m.Signers[0]
	sig.Signer, sig.Key, sig.Hash, sig.Value = s.Issuer.CommonName, s.KeyID, s.Digest, s.Value
	sig.Algorithm = s.Algorithm
	if s.Serial != nil {
		sig.Key = s.Serial.Bytes()
	}
	return sig, nil
}

// Verify checks the signature of the module in r as the kernel does with keys
// on its keyring (mod_verify_sig, verify_pkcs7_signature; 6.12), in its order:
// trailer, message, digest, certificates in the message, key, signature. Keys'
// own dates and usages do not count. It returns nil or an error that wraps one
// of ErrBadMessage, ErrInvalid, ErrUnsupported, ErrNoKey, ErrRejected, or one
// of r. Signatures in the form of 3.7 are checked by the rules of 3.7.
func Verify(r io.ReaderAt, t *Trailer, keys []*x509.Certificate) error {
	if t.IDType == IDX509 {
		return verifyX509(r, t, keys)
	}
	if err := t.Check(); err != nil {
		return err
	}
	blob, err := t.read(r)
	if err != nil {
		return err
	}
	m, err := ParseMessage(blob)
	if err != nil {
		return err
	}
	return m.verify(io.NewSectionReader(r, 0, t.ModuleSize()), keys)
}

// verify follows pkcs7_verify and pkcs7_validate_trust.
func (m *Message) verify(module *io.SectionReader, keys []*x509.Certificate) error {
	for _, s := range m.Signers {
		if s.hash == 0 || s.Algorithm != "rsa" && s.Algorithm != "ecdsa" {
			return fmt.Errorf("PKCS#7: digest %s with %s: %w", s.Digest, s.Algorithm, ErrUnsupported)
		}
	}
	switch {
	case m.attached:
		return malformed("content is not detached")
	case !m.dataType.Equal(oidData):
		return fmt.Errorf("PKCS#7: content is not plain data: %w", ErrRejected)
	case m.Signers[0].Attributes:
		return fmt.Errorf("PKCS#7: has signed attributes: %w", ErrRejected)
	}
	sums := make(map[crypto.Hash][]byte)
	for _, s := range m.Signers {
		if sums[s.hash] == nil {
			sum, err := digest(s.hash, module)
			if err != nil {
				return err
			}
			sums[s.hash] = sum
		}
		if cert := s.find(m.Certificates); cert != nil {
			if err := checkSignature(cert, s.hash, sums[s.hash], s.Value); err != nil {
				return err
			}
		}
	}
	result := fmt.Errorf("%s: %w", m.Signers[0].who(), ErrNoKey)
	for _, s := range m.Signers {
		err := m.trust(s, sums[s.hash], keys)
		if err != nil && !errors.Is(err, ErrNoKey) {
			return err
		}
		if err == nil {
			result = nil
		}
	}
	return result
}

// trust looks for a key that vouches for one signer: the certificate of its
// own, or one that signed the certificate which the message carries for it.
func (m *Message) trust(s Signer, sum []byte, keys []*x509.Certificate) error {
	if key := s.find(keys); key != nil {
		return checkSignature(key, s.hash, sum, s.Value)
	}
	cert := s.find(m.Certificates)
	for depth := 0; cert != nil && depth <= len(m.Certificates); depth++ {
		if key := issuerOf(cert, keys); key != nil {
			if !signed(key, cert) {
				return fmt.Errorf("%s: certificate: %w", s.who(), ErrRejected)
			}
			return nil
		}
		next := issuerOf(cert, m.Certificates)
		if next == nil || !signed(next, cert) {
			break
		}
		cert = next
	}
	return fmt.Errorf("%s: %w", s.who(), ErrNoKey)
}

// issuerOf returns the certificate that signed another by its own account.
func issuerOf(cert *x509.Certificate, among []*x509.Certificate) *x509.Certificate {
	for _, c := range among {
		if !bytes.Equal(c.RawSubject, cert.RawIssuer) {
			continue
		}
		if len(cert.AuthorityKeyId) == 0 || bytes.Equal(cert.AuthorityKeyId, c.SubjectKeyId) {
			return c
		}
	}
	return nil
}

func signed(key, cert *x509.Certificate) bool {
	return !tooLarge(key) && key.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) == nil
}

// tooLarge reports whether a key is larger than any in use, so that a file
// cannot bring one that takes minutes.
func tooLarge(cert *x509.Certificate) bool {
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	return ok && key.N.BitLen() > 16384
}

// find returns the signer's certificate.
func (s *Signer) find(among []*x509.Certificate) *x509.Certificate {
	for _, c := range among {
		if s.Serial == nil {
			if len(s.KeyID) > 0 && bytes.Equal(s.KeyID, c.SubjectKeyId) {
				return c
			}
		} else if c.SerialNumber.Cmp(s.Serial) == 0 && bytes.Equal(c.RawIssuer, s.rawIssuer) {
			return c
		}
	}
	return nil
}

func (s *Signer) who() string {
	if s.Serial == nil {
		return fmt.Sprintf("signer with key id %x", s.KeyID)
	}
	return fmt.Sprintf("signer %q, serial %x", s.Issuer.CommonName, s.Serial)
}

// verifyX509 checks the form of 3.7 to 4.2 (kernel/module_signing.c, 3.10).
func verifyX509(r io.ReaderAt, t *Trailer, keys []*x509.Certificate) error {
	const algoRSA = 1
	blob, err := t.read(r)
	if err != nil {
		return err
	}
	hash := hashes[t.Hash].hash
	if t.Algo != algoRSA || hash == 0 {
		return fmt.Errorf("algorithm %d with digest %d: %w", t.Algo, t.Hash, ErrUnsupported)
	}
	keyID, value := blob[t.SignerLen:int(t.SignerLen)+int(t.KeyIDLen)], blob[int(t.SignerLen)+int(t.KeyIDLen):]
	if len(keyID) == 0 || len(value) < 2 || int(binary.BigEndian.Uint16(value)) != len(value)-2 {
		return fmt.Errorf("signature of 3.7's form: %w", ErrBadMessage)
	}
	signer := Signer{KeyID: keyID}
	key := signer.find(keys)
	if key == nil {
		return fmt.Errorf("signer %q, key id %x: %w", blob[:t.SignerLen], keyID, ErrNoKey)
	}
	sum, err := digest(hash, io.NewSectionReader(r, 0, t.ModuleSize()))
	if err != nil {
		return err
	}
	return checkSignature(key, hash, sum, value[2:])
}

func digest(hash crypto.Hash, module *io.SectionReader) ([]byte, error) {
	if _, err := module.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	h := hash.New()
	n, err := io.Copy(h, module)
	if err == nil && n != module.Size() {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("digest module: %w", err)
	}
	return h.Sum(nil), nil
}

// checkSignature checks one signature over a digest.
func checkSignature(cert *x509.Certificate, hash crypto.Hash, sum, value []byte) error {
	if tooLarge(cert) {
		return fmt.Errorf("key %q: %w", cert.Subject.CommonName, ErrUnsupported)
	}
	ok := false
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		ok = rsa.VerifyPKCS1v15(key, hash, sum, value) == nil
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(key, sum, value)
	default:
		return fmt.Errorf("key %q: %w", cert.Subject.CommonName, ErrUnsupported)
	}
	if !ok {
		return fmt.Errorf("key %q: %w", cert.Subject.CommonName, ErrRejected)
	}
	return nil
}
