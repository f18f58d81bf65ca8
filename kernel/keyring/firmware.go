package keyring

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Firmware is what a machine's EFI firmware, and the boot loader shim with it,
// tell a kernel of keys. The zero value is a firmware of which nothing is known.
type Firmware struct {
	// Known is set if the variables could be looked at, also where the machine
	// has no EFI and thus none.
	Known      bool
	SecureBoot Tristate // on: verified, and not in setup mode
	IgnoreDB   bool     // MokIgnoreDB: db is not to be trusted
	TrustOwner bool     // MokListTrustedRT: MOK are for the kernel's own use

	DB, MOK        []*x509.Certificate
	Revoked        []*x509.Certificate // in dbx and MokListXRT
	RevokedDigests [][32]byte          // SHA-256 of revoked certificates' TBSCertificate
	RevokedFiles   [][32]byte          // SHA-256 of revoked files

	Problems []string // variables that could not be read
}

// The vendors' GUIDs in the names of the variables, and the folders of sysfs
// (Documentation/filesystems/efivarfs.rst, Documentation/ABI/testing/sysfs-firmware-efi-vars).
const (
	efiDir     = "sys/firmware/efi"
	varsDir    = efiDir + "/efivars"
	mokDir     = efiDir + "/mok-variables" // shim's, without the four bytes of attributes
	globalGUID = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
	imageGUID  = "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
	shimGUID   = "605dab50-e046-4300-abb6-3dd810dd8b23"
)

// ReadFirmware reads the variables that sysfs shows below a root.
func ReadFirmware(root fs.FS) Firmware {
	fw := Firmware{SecureBoot: Unknown}
	if _, err := fs.Stat(root, varsDir); err != nil {
		// A sysfs that shows another firmware (acpi, devicetree) and no EFI is a
		// machine without it; an empty folder is what containers see.
		others, err := fs.ReadDir(root, "sys/firmware")
		if _, efi := fs.Stat(root, efiDir); err == nil && len(others) > 0 && errors.Is(efi, fs.ErrNotExist) {
			fw.Known, fw.SecureBoot = true, No
		}
		return fw
	}
	fw.Known = true
	r := &variableReader{root: root, fw: &fw}
	fw.SecureBoot = r.secureBoot()
	_, fw.IgnoreDB = r.value("MokIgnoreDB", shimGUID)
	_, fw.TrustOwner = r.mok("MokListTrustedRT")
	if data, ok := r.value("db", imageGUID); ok {
		fw.DB = r.certificates("db", data)
	}
	if data, ok := r.mok("MokListRT"); ok {
		fw.MOK = r.certificates("MokListRT", data)
	}
	if data, ok := r.value("dbx", imageGUID); ok {
		r.revocations("dbx", data)
	}
	// Kernels since 5.17 look at the owner's under secure boot only.
	if data, ok := r.value("MokListXRT", shimGUID); ok && fw.SecureBoot == Yes {
		r.revocations("MokListXRT", data)
	}
	return fw
}

// variableReader reads variables and notes what it cannot read.
type variableReader struct {
	root fs.FS
	fw   *Firmware
}

func (r *variableReader) problem(name string, err error) {
	r.fw.Problems = append(r.fw.Problems, fmt.Sprintf("EFI variable %s: %v", name, err))
}

// maxVariable bounds what is read of a variable. Firmware gives one 64 KiB at
// most; shim's own table, which has no such limit, some hundred.
const maxVariable = 4 << 20

// read reads one file below the root, false where it is not there.
func (r *variableReader) read(path, name string) ([]byte, bool) {
	f, err := r.root.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false
	}
	var data []byte
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(f, maxVariable+1))
		f.Close()
	}
	if err == nil && len(data) > maxVariable {
		err = fmt.Errorf("more than %d bytes", maxVariable)
	}
	if err != nil {
		r.problem(name, err)
		return nil, false
	}
	return data, true
}

// value returns the value of a variable: what is behind the four bytes of
// attributes.
func (r *variableReader) value(name, guid string) ([]byte, bool) {
	data, ok := r.read(varsDir+"/"+name+"-"+guid, name)
	if !ok {
		return nil, false
	}
	if len(data) < 4 {
		r.problem(name, fmt.Errorf("%d bytes, which are no attributes", len(data)))
		return nil, false
	}
	return data[4:], true
}

// mok returns a variable of shim's, from its table where there is one, as the
// kernel does.
func (r *variableReader) mok(name string) ([]byte, bool) {
	if data, ok := r.read(mokDir+"/"+name, name); ok {
		return data, true
	}
	return r.value(name, shimGUID)
}

// secureBoot follows efi_get_secureboot_mode (include/linux/efi.h, 6.1).
func (r *variableReader) secureBoot() Tristate {
	on, ok := r.value("SecureBoot", globalGUID)
	if !ok || len(on) == 0 {
		return No
	}
	setup, ok := r.value("SetupMode", globalGUID)
	if on[0] == 1 && ok && len(setup) > 0 && setup[0] == 0 {
		return Yes
	}
	return No
}

// certificates returns those in a signature list. One that crypto/x509 cannot
// read is left out, and noted.
func (r *variableReader) certificates(name string, data []byte) []*x509.Certificate {
	var certs []*x509.Certificate
	err := eachSignature(data, func(kind guid, value []byte) {
		if kind != guidX509 {
			return
		}
		cert, err := x509.ParseCertificate(value)
		if err != nil {
			r.problem(name, err)
			return
		}
		certs = append(certs, cert)
	})
	if err != nil {
		r.problem(name, err)
	}
	return certs
}

// revocations adds what a signature list revokes.
func (r *variableReader) revocations(name string, data []byte) {
	err := eachSignature(data, func(kind guid, value []byte) {
		switch kind {
		case guidX509:
			if cert, err := x509.ParseCertificate(value); err == nil {
				r.fw.Revoked = append(r.fw.Revoked, cert)
			}
		case guidX509SHA256:
			if len(value) >= 32 { // the time of the revocation is behind it
				r.fw.RevokedDigests = append(r.fw.RevokedDigests, [32]byte(value))
			}
		case guidSHA256:
			if len(value) == 32 {
				r.fw.RevokedFiles = append(r.fw.RevokedFiles, [32]byte(value))
			}
		}
	})
	if err != nil {
		r.problem(name, err)
	}
}

// guid is a GUID as EFI stores it.
type guid [16]byte

// The kinds of signatures that matter here (include/linux/efi.h, 6.1):
// EFI_CERT_X509_GUID, EFI_CERT_X509_SHA256_GUID and EFI_CERT_SHA256_GUID.
var (
	guidX509       = guid{0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72}
	guidX509SHA256 = guid{0x92, 0xa4, 0xd2, 0x3b, 0xc0, 0x96, 0x79, 0x40, 0xb4, 0x20, 0xfc, 0xf9, 0x8e, 0xf1, 0x03, 0xed}
	guidSHA256     = guid{0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28}
)

// eachSignature goes through a list of EFI_SIGNATURE_LIST (UEFI 2.10, 32.4.1)
// as the kernel does (efi_parser.c, 6.1): what stood before a damaged list
// counts. A list is a kind, three sizes, a header, and entries of one size,
// each an owner's GUID and a value.
func eachSignature(data []byte, visit func(kind guid, value []byte)) error {
	const head, owner = 28, 16
	for at := 0; at < len(data); {
		b := data[at:]
		if len(b) < head {
			return fmt.Errorf("signature list at %#x: %d bytes left", at, len(b))
		}
		kind := guid(b)
		size := uint64(binary.LittleEndian.Uint32(b[16:]))
		header := uint64(binary.LittleEndian.Uint32(b[20:]))
		entry := uint64(binary.LittleEndian.Uint32(b[24:]))
		if size > uint64(len(b)) || size < head+header || entry < owner {
			return fmt.Errorf("signature list at %#x: sizes %d, %d, %d of %d", at, size, header, entry, len(b))
		}
		entries := b[head+header : size]
		if uint64(len(entries)) < entry || uint64(len(entries))%entry != 0 {
			return fmt.Errorf("signature list at %#x: %d bytes are not entries of %d", at, len(entries), entry)
		}
		for ; len(entries) > 0; entries = entries[entry:] {
			visit(kind, bytes.Clone(entries[owner:entry]))
		}
		at += int(size)
	}
	return nil
}
