package modsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
)

// Key is what modules are signed with.
type Key struct {
	// Signer holds the private key, or speaks for it. It is given digests to
	// sign, with the digest's crypto.Hash as options and no source of
	// randomness: crypto/rsa needs none, crypto/ecdsa then makes the same
	// signature each time (RFC 6979).
	Signer crypto.Signer
	// Certificate is that of the key. The signature names it; it is not part of
	// the signature.
	Certificate *x509.Certificate
}

// SignOptions are the options of sign-file.
type SignOptions struct {
	Hash  string // sha256, …: one of Hashes; "" is sha256
	KeyID bool   // name the certificate by its subject key identifier (sign-file -k), not by issuer and serial number
}

// Hashes returns the digests that a module can be signed over, by the names
// that sign-file and CONFIG_MODULE_SIG_HASH have for them, weakest first.
func Hashes() []string {
	var names []string
	for _, d := range digests {
		names = append(names, d.name)
	}
	return names
}

// AlgorithmOf returns what signatures of a certificate's key are made with, in
// the word that Signature.Algorithm has for it: rsa or ecdsa, "" for another.
func AlgorithmOf(cert *x509.Certificate) string {
	switch cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return "rsa"
	case *ecdsa.PublicKey:
		return "ecdsa"
	}
	return ""
}

// ecdsaOIDs are the object identifiers of ECDSA with each digest (RFC 5758,
// NIST's CSOR).
var ecdsaOIDs = map[string]asn1.ObjectIdentifier{
	"sha1":     {1, 2, 840, 10045, 4, 1},
	"sha224":   {1, 2, 840, 10045, 4, 3, 1},
	"sha256":   {1, 2, 840, 10045, 4, 3, 2},
	"sha384":   {1, 2, 840, 10045, 4, 3, 3},
	"sha512":   {1, 2, 840, 10045, 4, 3, 4},
	"sha3-256": {2, 16, 840, 1, 101, 3, 4, 3, 10},
	"sha3-384": {2, 16, 840, 1, 101, 3, 4, 3, 11},
	"sha3-512": {2, 16, 840, 1, 101, 3, 4, 3, 12},
}

var oidRSA = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}

// Sign signs the size bytes of a module in r, which must not be signed yet. It
// returns what is to be put behind them: message, trailer and marker, byte for
// byte what scripts/sign-file (6.1 to 7.3, with OpenSSL's CMS) puts there. The
// signature is checked with the certificate before it is returned, so that a
// signer that speaks for another key cannot go unnoticed.
func Sign(r io.ReaderAt, size int64, key Key, opts SignOptions) ([]byte, error) {
	s, err := newSigning(key, opts)
	if err != nil {
		return nil, err
	}
	sum, err := digest(s.hash, io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, err
	}
	value, err := key.Signer.Sign(nil, sum, s.hash)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if err := checkSignature(key.Certificate, s.hash, sum, value); err != nil {
		return nil, fmt.Errorf("what the signer made is no signature of the certificate's key: %w", err)
	}
	blob, err := s.message(value)
	if err != nil {
		return nil, err
	}
	length := uint32(len(blob))
	blob = append(blob, 0, 0, IDPKCS7, 0, 0, 0, 0, 0)
	blob = binary.BigEndian.AppendUint32(blob, length)
	return append(blob, Marker...), nil
}

// signing is what a signature will say of itself.
type signing struct {
	hash      crypto.Hash
	digest    asn1.ObjectIdentifier
	algorithm pkix.AlgorithmIdentifier
	cert      *x509.Certificate
	keyID     bool
}

// newSigning checks that key, certificate and options go together.
func newSigning(key Key, opts SignOptions) (*signing, error) {
	if opts.Hash == "" {
		opts.Hash = "sha256"
	}
	i := slices.IndexFunc(digests, func(d digestOf) bool { return d.name == opts.Hash })
	if i < 0 {
		return nil, fmt.Errorf("digest %q is none of %v", opts.Hash, Hashes())
	}
	s := &signing{hash: digests[i].hash, digest: digests[i].oid, cert: key.Certificate, keyID: opts.KeyID}
	if public, ok := key.Signer.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(key.Certificate.PublicKey) {
		return nil, fmt.Errorf("the key is not that of the certificate %q", key.Certificate.Subject.CommonName)
	}
	if s.keyID && len(key.Certificate.SubjectKeyId) == 0 {
		return nil, fmt.Errorf("certificate %q has no subject key identifier", key.Certificate.Subject.CommonName)
	}
	switch key.Certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		s.algorithm = pkix.AlgorithmIdentifier{Algorithm: oidRSA, Parameters: asn1.NullRawValue}
	case *ecdsa.PublicKey:
		s.algorithm = pkix.AlgorithmIdentifier{Algorithm: ecdsaOIDs[opts.Hash]}
	default:
		return nil, fmt.Errorf("key is %v: %w", key.Certificate.PublicKeyAlgorithm, ErrUnsupported)
	}
	return s, nil
}

// The parts of the message as they are written: RFC 5652 without certificates,
// attributes or content.
type (
	outMessage struct {
		Type    asn1.ObjectIdentifier
		Content outSignedData `asn1:"explicit,tag:0"`
	}
	outSignedData struct {
		Version int
		Digests []pkix.AlgorithmIdentifier `asn1:"set"`
		Content struct{ Type asn1.ObjectIdentifier }
		Signers []outSigner `asn1:"set"`
	}
	outSigner struct {
		Version   int
		ID        asn1.RawValue
		Digest    pkix.AlgorithmIdentifier
		Algorithm pkix.AlgorithmIdentifier
		Value     []byte
	}
	outIssuer struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
)

// message returns the PKCS#7 message around a signature.
func (s *signing) message(value []byte) ([]byte, error) {
	version, id, err := s.id()
	if err != nil {
		return nil, fmt.Errorf("PKCS#7: signer: %w", err)
	}
	digest := pkix.AlgorithmIdentifier{Algorithm: s.digest}
	m := outMessage{Type: oidSignedData, Content: outSignedData{Version: version,
		Digests: []pkix.AlgorithmIdentifier{digest},
		Signers: []outSigner{{version, asn1.RawValue{FullBytes: id}, digest, s.algorithm, value}}}}
	m.Content.Content.Type = oidData
	blob, err := asn1.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("PKCS#7: %w", err)
	}
	if len(blob) > maxSignature {
		return nil, errors.New("PKCS#7: message too large")
	}
	return blob, nil
}

// id returns what names the signer, in DER, and the version that goes with it.
func (s *signing) id() (version int, der []byte, err error) {
	if s.keyID {
		der, err = asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Bytes: s.cert.SubjectKeyId})
		return 3, der, err
	}
	der, err = asn1.Marshal(outIssuer{asn1.RawValue{FullBytes: s.cert.RawIssuer}, s.cert.SerialNumber})
	return 1, der, err
}
