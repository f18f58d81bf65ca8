package modsig

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// MaxKeyFile is the most bytes of a key or certificate file that are looked at.
// A bundle of all of Mozilla's certificates has 220 KB.
const MaxKeyFile = 4 << 20

// ErrPassphrase is wrapped by the error for an encrypted key without a
// passphrase, or with a wrong one.
var ErrPassphrase = errors.New("the key is encrypted")

// ParseKey reads a private key in PEM: PKCS#8, also encrypted, PKCS#1 (RSA) or
// SEC 1 (EC). The passphrase is without effect on a key that is not encrypted.
// Other blocks, as the certificate in the signing_key.pem of a kernel build,
// are passed over.
func ParseKey(text, passphrase []byte) (crypto.Signer, error) {
	if len(text) > MaxKeyFile {
		return nil, fmt.Errorf("key file of %d bytes", len(text))
	}
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		key, err := parseKeyBlock(block, passphrase)
		if key == nil && err == nil {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", block.Type, err)
		}
		return signerOf(key)
	}
	if bytes.Contains(text, []byte("-----BEGIN")) {
		return nil, errors.New("no whole private key in it")
	}
	return nil, errors.New("not a private key in PEM")
}

// parseKeyBlock reads the key in a block, nil where the block is none.
func parseKeyBlock(block *pem.Block, passphrase []byte) (any, error) {
	if block.Headers["DEK-Info"] != "" {
		return nil, errors.New("encrypted in OpenSSL's old form, which does not protect it; 'openssl pkcs8 -topk8' makes the new form of it")
	}
	switch block.Type {
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		der, err := decryptPKCS8(block.Bytes, passphrase)
		if err != nil {
			return nil, err
		}
		key, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			// One wrong passphrase in 256 leaves something like padding.
			return nil, fmt.Errorf("%w and what the passphrase makes of it is no key: %w", ErrPassphrase, err)
		}
		return key, nil
	}
	return nil, nil
}

// signerOf returns a key as a signer if modules can be signed with it.
func signerOf(key any) (crypto.Signer, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return key, nil
	case *ecdsa.PrivateKey:
		return key, nil
	}
	return nil, fmt.Errorf("private key of type %T: %w", key, ErrUnsupported)
}

// ParseCertificates reads X.509 certificates: DER, one behind the other, or
// PEM, whose other blocks are passed over.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) {
	if len(data) > MaxKeyFile {
		return nil, fmt.Errorf("certificates of %d bytes", len(data))
	}
	if !bytes.Contains(data, []byte("-----BEGIN")) {
		if len(data) == 0 {
			return nil, errors.New("empty")
		}
		return x509.ParseCertificates(data)
	}
	var certs []*x509.Certificate
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, errors.New("no certificate in it")
	}
	return certs, nil
}
