package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/pflag"

	"modkeep/ko/modsig"
)

// keyFlags name what is signed with.
type keyFlags struct {
	key        string // a file, or what the helper knows the key by
	cert       string
	passphrase string // a file
	helper     string // a program that has the key
}

func (f *keyFlags) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.key, "key", "", "sign with the private key in `FILE` (PEM), or with the one that the helper calls so")
	flags.StringVar(&f.cert, "cert", "", "the key's certificate is in `FILE` (PEM or DER; default: the key's file)")
	flags.StringVar(&f.passphrase, "passphrase-file", "", "the first line of `FILE` opens an encrypted key")
	flags.StringVar(&f.helper, "helper", "", "let `PROGRAM` sign, which has the key (PKCS#11, a remote service): see doc/format/sign-helper.md")
}

// open reads key and certificate. No key is ever made or changed.
func (f *keyFlags) open(ctx context.Context) (modsig.Key, error) {
	if f.helper != "" {
		return f.openHelper(ctx)
	}
	text, err := readKeyFile(f.key)
	if err != nil {
		return modsig.Key{}, fmt.Errorf("cannot read the key: %s: %w", f.key, err)
	}
	pass, err := f.readPassphrase()
	if err != nil {
		return modsig.Key{}, fmt.Errorf("cannot read the passphrase: %s: %w", f.passphrase, err)
	}
	signer, err := modsig.ParseKey(text, pass)
	if err != nil {
		err = fmt.Errorf("cannot read the key: %s: %w", f.key, err)
		if errors.Is(err, modsig.ErrPassphrase) {
			err = withHint(err, "give the passphrase with --passphrase-file FILE")
		}
		return modsig.Key{}, err
	}
	path := f.cert
	if path == "" {
		path = f.key
	}
	cert, err := certificateOf(path, signer.Public())
	return modsig.Key{Signer: signer, Certificate: cert}, err
}

// certificateOf returns the certificate of a public key among those in a file.
func certificateOf(path string, public crypto.PublicKey) (*x509.Certificate, error) {
	certs, err := readCertificates(path)
	if err != nil {
		return nil, withHint(fmt.Errorf("cannot read the certificate: %s: %w", path, err), "name the key's certificate with --cert FILE")
	}
	for _, c := range certs {
		if key, ok := public.(interface{ Equal(crypto.PublicKey) bool }); ok && key.Equal(c.PublicKey) {
			return c, nil
		}
	}
	return nil, fmt.Errorf("cannot use the certificate: %s: it is of another key (%s)", path, certs[0].Subject.CommonName)
}

func (f *keyFlags) readPassphrase() ([]byte, error) {
	if f.passphrase == "" {
		return nil, nil
	}
	data, err := readKeyFile(f.passphrase)
	line, _, _ := bytes.Cut(data, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), err
}

// readKeyFile reads a small file of keys, certificates or the like. A pipe is
// taken too, as a shell's <(…) makes it.
func readKeyFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err == nil {
		defer file.Close()
		var data []byte
		if data, err = io.ReadAll(io.LimitReader(file, modsig.MaxKeyFile+1)); err == nil {
			return data, nil
		}
	}
	if cause := errors.Unwrap(err); cause != nil {
		err = cause // the path is named by the caller
	}
	return nil, err
}

// helperKey is a key that another program has: a crypto.Signer over the
// protocol of doc/format/sign-helper.md.
type helperKey struct {
	ctx     context.Context
	program string
	name    string // what the program knows the key by
	public  crypto.PublicKey
}

// openHelper takes the first certificate of the file for that of the helper's
// key; what the helper signs is checked with it.
func (f *keyFlags) openHelper(ctx context.Context) (modsig.Key, error) {
	certs, err := readCertificates(f.cert)
	if err != nil {
		return modsig.Key{}, fmt.Errorf("cannot read the certificate: %s: %w", f.cert, err)
	}
	program, err := exec.LookPath(f.helper)
	if err != nil {
		return modsig.Key{}, fmt.Errorf("cannot use the helper: %w", err)
	}
	return modsig.Key{Signer: &helperKey{ctx, program, f.key, certs[0].PublicKey}, Certificate: certs[0]}, nil
}

// Public implements crypto.Signer.
func (k *helperKey) Public() crypto.PublicKey { return k.public }

// maxHelperOutput bounds what is read of a helper: no signature is longer.
const maxHelperOutput = 64 << 10

// Sign implements crypto.Signer: it runs the helper once.
func (k *helperKey) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	scheme := "rsa-pkcs1v15"
	if _, ok := k.public.(*ecdsa.PublicKey); ok {
		scheme = "ecdsa"
	}
	hash := strings.ReplaceAll(strings.ToLower(opts.HashFunc().String()), "sha-", "sha")
	cmd := exec.CommandContext(k.ctx, k.program, "sign", k.name, scheme, hash)
	cmd.Stdin = bytes.NewReader(digest)
	out, said := limitedBuffer{room: maxHelperOutput}, limitedBuffer{room: maxHelperOutput}
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	switch {
	case err != nil:
		return nil, fmt.Errorf("helper %s: %w%s", k.program, err, saidBy(string(said.kept)))
	case out.over:
		return nil, fmt.Errorf("helper %s: wrote more than %d bytes", k.program, maxHelperOutput)
	case len(out.kept) == 0:
		return nil, fmt.Errorf("helper %s: wrote no signature%s", k.program, saidBy(string(said.kept)))
	}
	return out.kept, nil
}

// limitedBuffer keeps the first bytes that are written to it.
type limitedBuffer struct {
	kept []byte
	room int
	over bool // there were more
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	n := min(len(p), b.room-len(b.kept))
	b.kept = append(b.kept, p[:n]...)
	b.over = b.over || n < len(p)
	return len(p), nil
}

// saidBy returns what a program said in one line, to be put behind an error.
func saidBy(text string) string {
	const most = 300
	words := strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	if len(words) > most {
		words = "…" + words[len(words)-most:]
	}
	if words == "" {
		return ""
	}
	return ": " + words
}
