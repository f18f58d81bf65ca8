// Package modsig reads and checks the signature appended to a module: the
// signature, a 12-byte struct module_signature and the marker
// "~Module signature appended~\n" (include/linux/module_signature.h, 6.12).
//
// Since 4.3 the signature is a detached PKCS#7 message without certificates
// and without signed attributes, over all bytes before it. From 3.7 to 4.2 it
// was the signer's name, a key id and an RSA number (id_type 1).
//
// The errors are those of the kernel: ErrBadMessage EBADMSG, ErrInvalid
// EINVAL, ErrUnsupported ENOPKG, ErrNoKey ENOKEY, ErrRejected EKEYREJECTED.
package modsig

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Marker is what a signed module ends with.
const Marker = "~Module signature appended~\n"

// trailerSize is sizeof(struct module_signature).
const trailerSize = 12

// The id types of struct module_signature.
const (
	IDPGP   = 0
	IDX509  = 1 // 3.7 to 4.2
	IDPKCS7 = 2 // 4.3 and later
)

// What a check ends in; each stands for one errno of the kernel.
var (
	ErrBadMessage  = errors.New("malformed signature")                            // EBADMSG
	ErrInvalid     = errors.New("signature message of another kind")              // EINVAL
	ErrUnsupported = errors.New("signature uses unsupported cryptography")        // ENOPKG
	ErrNoKey       = errors.New("no key for the signature")                       // ENOKEY
	ErrRejected    = errors.New("signature does not match the module or the key") // EKEYREJECTED
)

// Trailer is struct module_signature with its place in the file.
type Trailer struct {
	Algo, Hash, IDType  uint8
	SignerLen, KeyIDLen uint8
	Pad                 [3]uint8
	SigLen              uint32 // bytes of the signature proper

	// Before is the number of bytes before the trailer: module, signature and,
	// in the form of 3.7, signer's name and key id. Marker and trailer follow.
	Before int64
}

// Find reads the trailer of a module of size bytes. It is nil where the file
// does not end in the marker. The error wraps ErrBadMessage where the marker
// stands there but nothing fits before it, or is one of r.
func Find(r io.ReaderAt, size int64) (*Trailer, error) {
	if size <= int64(len(Marker)) { // the kernel wants more than the marker
		return nil, nil
	}
	var buf [trailerSize + len(Marker)]byte
	b := buf[max(0, int64(len(buf))-size):]
	if n, err := r.ReadAt(b, size-int64(len(b))); n < len(b) {
		return nil, fmt.Errorf("read signature trailer: %w", err)
	}
	if string(buf[trailerSize:]) != Marker {
		return nil, nil
	}
	// The kernel wants at least one byte before the trailer (mod_check_sig).
	before := size - int64(len(buf))
	if before <= 0 {
		return nil, fmt.Errorf("signature trailer: file of %d bytes: %w", size, ErrBadMessage)
	}
	t := &Trailer{
		Algo: buf[0], Hash: buf[1], IDType: buf[2], SignerLen: buf[3], KeyIDLen: buf[4],
		Pad: [3]uint8(buf[5:8]), SigLen: binary.BigEndian.Uint32(buf[8:]), Before: before,
	}
	return t, nil
}

// Check applies the kernel's rules for the trailer (mod_check_sig, 6.12) in
// their order: the signature fits, its type is PKCS#7, all other fields are
// zero. The error wraps ErrBadMessage or ErrUnsupported.
func (t *Trailer) Check() error {
	if int64(t.SigLen) >= t.Before {
		return fmt.Errorf("signature trailer: %d bytes of signature in %d: %w", t.SigLen, t.Before, ErrBadMessage)
	}
	if t.IDType != IDPKCS7 {
		return fmt.Errorf("signature trailer: id type %d is not PKCS#7: %w", t.IDType, ErrUnsupported)
	}
	if t.Algo != 0 || t.Hash != 0 || t.SignerLen != 0 || t.KeyIDLen != 0 || t.Pad != [3]uint8{} {
		return fmt.Errorf("signature trailer: non-zero parameters: %w", ErrBadMessage)
	}
	return nil
}

// Total returns the bytes from the start of the signature to the marker's end.
func (t *Trailer) Total() int64 {
	return int64(t.SignerLen) + int64(t.KeyIDLen) + int64(t.SigLen) + trailerSize + int64(len(Marker))
}

// ModuleSize returns the number of bytes that are signed: the module without
// its signature. It is negative where the lengths do not fit the file.
func (t *Trailer) ModuleSize() int64 {
	return t.Before - int64(t.SigLen) - int64(t.KeyIDLen) - int64(t.SignerLen)
}

// maxSignature bounds the bytes of a signature that are read. Those of
// sign-file are below 1 KiB with RSA and below 10 KiB with ML-DSA.
const maxSignature = 1 << 20

// read returns signer's name, key id and signature, joined.
func (t *Trailer) read(r io.ReaderAt) ([]byte, error) {
	start := t.ModuleSize()
	n := t.Before - start
	if start < 0 || n > maxSignature {
		return nil, fmt.Errorf("signature of %d bytes in %d: %w", n, t.Before, ErrBadMessage)
	}
	b := make([]byte, n)
	if got, err := r.ReadAt(b, start); got < len(b) {
		return nil, fmt.Errorf("read signature: %w", err)
	}
	return b, nil
}
