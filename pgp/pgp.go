// Package pgp makes and checks OpenPGP signatures (RFC 4880, version 4 keys), as
// rpm, dnf and apt want them of packages and of the metadata of repositories.
//
// A signature is made for a time that the caller gives and, with RSA and EdDSA
// keys, nothing in it is random: the same data, key and time give the same
// bytes. Keys are only read, never made.
//
// Terms:
//
//   - fingerprint: the SHA-1 of the primary public key, 40 digits in upper case,
//     as gpg prints it.
//   - ring: public keys that are trusted.
//   - armor: the text form, between BEGIN and END lines.
package pgp

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// MaxKeys bounds a file of keys, in bytes.
const MaxKeys = 4 << 20

// Errors that callers ask about.
var (
	ErrPassphrase = errors.New("the secret key is encrypted: wrong passphrase or none")
	ErrUnknownKey = errors.New("signed by a key that is not among the trusted ones")
)

// Key is a secret key that signs.
type Key struct {
	entity *openpgp.Entity
}

// ReadKey reads the one secret key of data, armored or not, as gpg
// --export-secret-keys writes it. passphrase is needed where it is encrypted.
func ReadKey(data, passphrase []byte) (*Key, error) {
	list, err := readKeys(data)
	if err != nil {
		return nil, err
	}
	if len(list) != 1 {
		return nil, fmt.Errorf("%d keys, and one is wanted to sign with", len(list))
	}
	e := list[0]
	if e.PrivateKey == nil {
		return nil, errors.New("a public key only, and a secret one is wanted to sign with")
	}
	if locked(e) {
		if len(passphrase) == 0 || e.DecryptPrivateKeys(passphrase) != nil {
			return nil, ErrPassphrase
		}
	}
	return &Key{e}, nil
}

// locked says whether a secret part of a key has to be decrypted. A primary key
// that was left out (gpg's offline keys) does not count.
func locked(e *openpgp.Entity) bool {
	if e.PrivateKey.Encrypted {
		return true
	}
	for _, sub := range e.Subkeys {
		if sub.PrivateKey != nil && sub.PrivateKey.Encrypted {
			return true
		}
	}
	return false
}

// readKeys reads keys, armored or not.
func readKeys(data []byte) (openpgp.EntityList, error) {
	if len(data) > MaxKeys {
		return nil, fmt.Errorf("keys of %d bytes, and %d is the most", len(data), MaxKeys)
	}
	read := openpgp.ReadKeyRing
	if bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("-----BEGIN")) {
		read = openpgp.ReadArmoredKeyRing
	}
	list, err := guarded(func() (openpgp.EntityList, error) { return read(bytes.NewReader(data)) })
	if err != nil {
		return nil, fmt.Errorf("no OpenPGP key: %w", err)
	}
	if len(list) == 0 {
		return nil, errors.New("no OpenPGP key in it")
	}
	return list, nil
}

// guarded turns a panic of the parser on foreign bytes into an error.
func guarded[T any](f func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged OpenPGP data: %v", p)
		}
	}()
	return f()
}

// Fingerprint is that of the primary key.
func (k *Key) Fingerprint() string { return fingerprint(k.entity) }

func fingerprint(e *openpgp.Entity) string {
	return fmt.Sprintf("%X", e.PrimaryKey.Fingerprint)
}

// Public returns the public key, armored.
func (k *Key) Public() ([]byte, error) {
	var out bytes.Buffer
	if err := k.entity.Serialize(&out); err != nil {
		return nil, fmt.Errorf("write the public key: %w", err)
	}
	return armored(openpgp.PublicKeyType, out.Bytes())
}

// config is how a signature is made: SHA-256, nothing random, and no subpacket
// marked as one that older readers (yum 3, rpm 4.11) must understand.
func config(date time.Time) *packet.Config {
	random := false
	return &packet.Config{
		DefaultHash:                           crypto.SHA256,
		Time:                                  func() time.Time { return date },
		NonDeterministicSignaturesViaNotation: &random,
		InsecureGenerateNonCriticalSignatureCreationTime: true,
	}
}

// Usable says why the key may not sign at a time; nil where it may. What signs
// asks it too.
func (k *Key) Usable(date time.Time) error {
	if _, ok := k.entity.SigningKey(date); !ok {
		return fmt.Errorf("key %s cannot sign at %s: made later, expired, revoked, or not meant for it",
			k.Fingerprint(), date.UTC().Format(time.RFC3339))
	}
	return nil
}

// Sign returns a detached signature of data, not armored, as rpm keeps it in a
// package.
func (k *Key) Sign(data io.Reader, date time.Time) ([]byte, error) {
	return k.detached(data, date, openpgp.DetachSign)
}

// SignArmored returns a detached signature of data, armored, as of repomd.xml in
// repomd.xml.asc.
func (k *Key) SignArmored(data io.Reader, date time.Time) ([]byte, error) {
	sig, err := k.Sign(data, date)
	if err != nil {
		return nil, err
	}
	return armored(openpgp.SignatureType, sig)
}

func (k *Key) detached(data io.Reader, date time.Time, sign func(io.Writer, *openpgp.Entity, io.Reader, *packet.Config) error) ([]byte, error) {
	if err := k.Usable(date); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := sign(&out, k.entity, data, config(date)); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return out.Bytes(), nil
}

// SignClear returns text with its signature in one readable text, as apt's
// InRelease is (RFC 4880, 7). Blanks at the end of a line are an error: the
// signature would not cover them.
func (k *Key) SignClear(text []byte, date time.Time) ([]byte, error) {
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for i, line := range lines {
		if strings.TrimRight(line, " \t\r") != line {
			return nil, fmt.Errorf("line %d ends with a blank", i+1)
		}
	}
	// The newline before the signature is not part of what is signed.
	sig, err := k.detached(strings.NewReader(strings.Join(lines, "\n")), date, openpgp.DetachSignText)
	if err != nil {
		return nil, err
	}
	parsed, err := packet.Read(bytes.NewReader(sig))
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	made, ok := parsed.(*packet.Signature)
	if !ok {
		return nil, fmt.Errorf("sign: made %T", parsed)
	}
	var out bytes.Buffer
	out.WriteString("-----BEGIN PGP SIGNED MESSAGE-----\nHash: " + strings.ReplaceAll(made.Hash.String(), "-", "") + "\n\n")
	for _, line := range lines {
		if strings.HasPrefix(line, "-") {
			line = "- " + line
		}
		out.WriteString(line + "\n")
	}
	armored, err := armored(openpgp.SignatureType, sig)
	return append(out.Bytes(), armored...), err
}

// armored returns data in text form, with the checksum without which gpg 2.2
// does not find the end of data that needs no padding.
func armored(kind string, data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := armor.EncodeWithChecksumOption(&out, kind, nil, true)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("write armor: %w", err)
	}
	return append(bytes.TrimRight(out.Bytes(), "\n"), '\n'), nil
}

// Ring holds public keys.
type Ring struct {
	keys openpgp.EntityList
}

// ReadRing reads public keys, armored or not. Secret keys are taken for their
// public part.
func ReadRing(data []byte) (*Ring, error) {
	list, err := readKeys(data)
	if err != nil {
		return nil, err
	}
	return &Ring{list}, nil
}

// Fingerprints are those of the ring's keys, in its order.
func (r *Ring) Fingerprints() []string {
	var list []string
	for _, e := range r.keys {
		list = append(list, fingerprint(e))
	}
	return list
}

// Verify checks a detached signature of data, armored or not, at a time, and
// returns the fingerprint of the key that made it.
func (r *Ring) Verify(data io.Reader, signature []byte, date time.Time) (string, error) {
	check := openpgp.CheckDetachedSignature
	if bytes.HasPrefix(signature, []byte("-----BEGIN")) {
		check = openpgp.CheckArmoredDetachedSignature
	}
	signer, err := guarded(func() (*openpgp.Entity, error) {
		return check(r.keys, data, bytes.NewReader(signature), config(date))
	})
	return verified(signer, err)
}

// VerifyClear checks a text that SignClear made and returns what was signed,
// with a newline at its end.
func (r *Ring) VerifyClear(text []byte, date time.Time) (plain []byte, signer string, err error) {
	block, rest := clearsign.Decode(text)
	if block == nil {
		return nil, "", errors.New("no signed text")
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, "", errors.New("text behind the signature")
	}
	if !bytes.HasPrefix(text, []byte("-----BEGIN PGP SIGNED MESSAGE-----")) {
		return nil, "", errors.New("text before the signed part")
	}
	e, err := guarded(func() (*openpgp.Entity, error) { return block.VerifySignature(r.keys, config(date)) })
	signer, err = verified(e, err)
	return append(bytes.TrimSuffix(block.Plaintext, []byte("\n")), '\n'), signer, err
}

func verified(signer *openpgp.Entity, err error) (string, error) {
	switch {
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return "", ErrUnknownKey
	case err != nil:
		return "", fmt.Errorf("bad signature: %w", err)
	}
	return fingerprint(signer), nil
}
