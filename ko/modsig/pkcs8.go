package modsig

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// An encrypted PKCS#8 key (RFC 5958) in the form that openssl has made since
// 1.1: PBES2 with PBKDF2 and AES in CBC mode (RFC 8018).
type (
	encryptedKey struct {
		Scheme pkix.AlgorithmIdentifier
		Data   []byte
	}
	pbes2Params struct {
		KDF    pkix.AlgorithmIdentifier
		Cipher pkix.AlgorithmIdentifier
	}
	pbkdf2Params struct {
		Salt       []byte
		Iterations int
		Length     int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

// maxIterations bounds the time that a key file can take: ten times the
// 600,000 that are advised for SHA-256, about two seconds.
const maxIterations = 6_000_000

// prfs are PBKDF2's hashes by the object identifier of their HMAC; "" where
// the file names none (RFC 8018, A.2).
var prfs = map[string]func() hash.Hash{
	"":                    sha1.New,
	"1.2.840.113549.2.7":  sha1.New,
	"1.2.840.113549.2.8":  sha256.New224,
	"1.2.840.113549.2.9":  sha256.New,
	"1.2.840.113549.2.10": sha512.New384,
	"1.2.840.113549.2.11": sha512.New,
}

// aesSizes are the key sizes of AES-CBC by object identifier.
var aesSizes = map[string]int{
	"2.16.840.1.101.3.4.1.2":  16,
	"2.16.840.1.101.3.4.1.22": 24,
	"2.16.840.1.101.3.4.1.42": 32,
}

// decryptPKCS8 returns the PKCS#8 key in an encrypted one.
func decryptPKCS8(der, passphrase []byte) ([]byte, error) {
	var outer encryptedKey
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		return nil, fmt.Errorf("PKCS#8: %w", err)
	}
	if id := outer.Scheme.Algorithm.String(); id != "1.2.840.113549.1.5.13" {
		return nil, fmt.Errorf("encrypted by scheme %s, not PBES2; 'openssl pkcs8 -topk8 -v2 aes-256-cbc' makes PBES2 of it", id)
	}
	var scheme pbes2Params
	if _, err := asn1.Unmarshal(outer.Scheme.Parameters.FullBytes, &scheme); err != nil {
		return nil, fmt.Errorf("PBES2: %w", err)
	}
	size := aesSizes[scheme.Cipher.Algorithm.String()]
	if size == 0 {
		return nil, fmt.Errorf("encrypted with cipher %s, not AES-CBC", scheme.Cipher.Algorithm)
	}
	var iv []byte
	if _, err := asn1.Unmarshal(scheme.Cipher.Parameters.FullBytes, &iv); err != nil || len(iv) != aes.BlockSize {
		return nil, errors.New("PBES2: AES-CBC without an initialisation vector")
	}
	if len(passphrase) == 0 {
		return nil, fmt.Errorf("%w and there is no passphrase", ErrPassphrase)
	}
	key, err := deriveKey(scheme.KDF, passphrase, size)
	if err != nil {
		return nil, err
	}
	return decryptCBC(key, iv, outer.Data)
}

// deriveKey makes a key of a passphrase by PBKDF2.
func deriveKey(kdf pkix.AlgorithmIdentifier, passphrase []byte, size int) ([]byte, error) {
	if id := kdf.Algorithm.String(); id != "1.2.840.113549.1.5.12" {
		return nil, fmt.Errorf("key made of the passphrase by %s, not PBKDF2", id)
	}
	var p pbkdf2Params
	if _, err := asn1.Unmarshal(kdf.Parameters.FullBytes, &p); err != nil {
		return nil, fmt.Errorf("PBKDF2: %w", err)
	}
	prf := prfs[p.PRF.Algorithm.String()]
	switch {
	case prf == nil:
		return nil, fmt.Errorf("PBKDF2: function %s is not known", p.PRF.Algorithm)
	case p.Iterations < 1 || p.Iterations > maxIterations:
		return nil, fmt.Errorf("PBKDF2: %d iterations", p.Iterations)
	case p.Length != 0 && p.Length != size:
		return nil, fmt.Errorf("PBKDF2: key of %d bytes for a cipher of %d", p.Length, size)
	}
	return pbkdf2.Key(prf, string(passphrase), p.Salt, p.Iterations, size)
}

// decryptCBC decrypts and takes the padding off (RFC 5652, 6.3).
func decryptCBC(key, iv, data []byte) ([]byte, error) {
	if len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("PBES2: %d bytes are not whole blocks", len(data))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	n := int(plain[len(plain)-1])
	if n < 1 || n > aes.BlockSize {
		return nil, fmt.Errorf("%w and the passphrase is not its", ErrPassphrase)
	}
	for _, b := range plain[len(plain)-n:] {
		if int(b) != n {
			return nil, fmt.Errorf("%w and the passphrase is not its", ErrPassphrase)
		}
	}
	return plain[:len(plain)-n], nil
}
