package modsig

import (
	"crypto"
	_ "crypto/sha1" // the digests that kernels take
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
)

// Message is a PKCS#7 SignedData message (RFC 2315, RFC 5652) as far as the
// kernel reads it (crypto/asymmetric_keys/pkcs7.asn1, 6.12).
type Message struct {
	Signers      []Signer
	Certificates []*x509.Certificate // those it carries; sign-file puts none

	dataType asn1.ObjectIdentifier
	attached bool // carries content of its own
}

// Signer is one SignerInfo of a message: a signature and who made it.
type Signer struct {
	// The signer's certificate is named by issuer and serial number or, with
	// sign-file -k, by its subject key identifier alone.
	Issuer     pkix.Name
	Serial     *big.Int // nil where KeyID is set
	KeyID      []byte
	Digest     string // sha256, …; an OID where it is not known
	Algorithm  string // rsa, ecdsa; an OID where it is not known
	Attributes bool   // has signed attributes, which the kernel refuses for modules
	Value      []byte // the signature itself

	rawIssuer []byte
	hash      crypto.Hash // 0 where not known
}

// digestOf is a digest that the kernel knows by OID.
type digestOf struct {
	oid  asn1.ObjectIdentifier
	name string
	hash crypto.Hash
}

var digests = []digestOf{
	{asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}, "sha1", crypto.SHA1},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, "sha256", crypto.SHA256},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}, "sha384", crypto.SHA384},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}, "sha512", crypto.SHA512},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 4}, "sha224", crypto.SHA224},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 8}, "sha3-256", crypto.SHA3_256},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 9}, "sha3-384", crypto.SHA3_384},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 10}, "sha3-512", crypto.SHA3_512},
}

// The signature algorithms that the kernel knows by OID.
var algorithms = map[string]string{
	"1.2.840.113549.1.1.1":    "rsa",
	"1.2.840.10045.4.1":       "ecdsa", // with SHA-1
	"1.2.840.10045.4.3.1":     "ecdsa", // with SHA-224
	"1.2.840.10045.4.3.2":     "ecdsa",
	"1.2.840.10045.4.3.3":     "ecdsa",
	"1.2.840.10045.4.3.4":     "ecdsa",
	"2.16.840.1.101.3.4.3.10": "ecdsa", // with SHA3-256
	"2.16.840.1.101.3.4.3.11": "ecdsa",
	"2.16.840.1.101.3.4.3.12": "ecdsa",
}

var (
	oidData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
)

// A message may carry no more than this. sign-file makes one signer and no
// certificate; each one costs the reader an RSA operation or a parse.
const (
	maxSigners      = 16
	maxCertificates = 32
)

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,optional,tag:0"`
}

type signedData struct {
	Version     int
	Digests     asn1.RawValue
	Content     contentInfo
	Certs       asn1.RawValue   `asn1:"optional,tag:0"`
	CRLs        asn1.RawValue   `asn1:"optional,tag:1"`
	SignerInfos []asn1.RawValue `asn1:"set"`
}

type signerInfo struct {
	Version    int
	ID         asn1.RawValue // issuerAndSerialNumber or [0] subjectKeyIdentifier
	Digest     pkix.AlgorithmIdentifier
	Attributes asn1.RawValue `asn1:"optional,tag:0"`
	Algorithm  pkix.AlgorithmIdentifier
	Value      []byte
	Unsigned   asn1.RawValue `asn1:"optional,tag:1"`
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

func malformed(what string) error {
	return fmt.Errorf("PKCS#7: %s: %w", what, ErrBadMessage)
}

// ParseMessage reads a PKCS#7 message in DER. Bytes behind it are ignored, as
// the kernel ignores them. The error wraps ErrBadMessage, or ErrInvalid for a
// well-formed message of another kind; unknown algorithms are no error here.
func ParseMessage(der []byte) (*Message, error) {
	var outer contentInfo
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		return nil, malformed("content info")
	}
	if !outer.Type.Equal(oidSignedData) {
		return nil, fmt.Errorf("PKCS#7: content type %v is not signed data: %w", outer.Type, ErrInvalid)
	}
	var sd signedData
	if _, err := asn1.Unmarshal(outer.Content.Bytes, &sd); err != nil {
		return nil, malformed("signed data")
	}
	if sd.Version != 1 && sd.Version != 3 {
		return nil, fmt.Errorf("PKCS#7: signed data of version %d: %w", sd.Version, ErrInvalid)
	}
	m := &Message{dataType: sd.Content.Type, attached: len(sd.Content.Content.FullBytes) > 0}
	if len(sd.Certs.Bytes) > 0 {
		certs, err := x509.ParseCertificates(sd.Certs.Bytes)
		if err != nil {
			return nil, malformed("certificates")
		}
		if len(certs) > maxCertificates {
			return nil, malformed(fmt.Sprintf("%d certificates", len(certs)))
		}
		m.Certificates = certs
	}
	if n := len(sd.SignerInfos); n == 0 || n > maxSigners {
		return nil, malformed(fmt.Sprintf("%d signers", n))
	}
	for i, raw := range sd.SignerInfos {
		s, err := parseSigner(raw.FullBytes, sd.Version)
		if err != nil {
			return nil, fmt.Errorf("signer %d: %w", i, err)
		}
		m.Signers = append(m.Signers, s)
	}
	return m, nil
}

// parseSigner reads one SignerInfo of signed data of a version.
func parseSigner(der []byte, version int) (Signer, error) {
	var si signerInfo
	if _, err := asn1.Unmarshal(der, &si); err != nil {
		return Signer{}, malformed("signer info")
	}
	if si.Version != version {
		return Signer{}, malformed(fmt.Sprintf("signer info of version %d in signed data of version %d", si.Version, version))
	}
	s := Signer{Digest: si.Digest.Algorithm.String(), Algorithm: si.Algorithm.Algorithm.String(),
		Attributes: len(si.Attributes.FullBytes) > 0, Value: si.Value}
	for _, d := range digests {
		if d.oid.Equal(si.Digest.Algorithm) {
			s.Digest, s.hash = d.name, d.hash
			break
		}
	}
	if name, ok := algorithms[s.Algorithm]; ok {
		s.Algorithm = name
	}
	if version == 3 {
		if si.ID.Class != asn1.ClassContextSpecific || si.ID.Tag != 0 {
			return Signer{}, malformed("no subject key identifier")
		}
		s.KeyID = si.ID.Bytes
		return s, nil
	}
	var id issuerAndSerial
	if _, err := asn1.Unmarshal(si.ID.FullBytes, &id); err != nil {
		return Signer{}, malformed("issuer and serial number")
	}
	s.rawIssuer, s.Serial = id.Issuer.FullBytes, id.Serial
	var name pkix.RDNSequence
	if _, err := asn1.Unmarshal(s.rawIssuer, &name); err != nil {
		return Signer{}, malformed("issuer")
	}
	s.Issuer.FillFromRDNSequence(&name)
	return s, nil
}
