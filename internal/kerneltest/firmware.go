package kerneltest

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unicode/utf16"
)

// Firmware is an EFI firmware for a virtual machine (OVMF), with variables.
// Without one, a machine starts its kernel directly.
type Firmware struct {
	Code      string // the program, a flash image
	Vars      string // the empty store of variables that goes with it
	Variables []EFIVariable

	secure bool // Code wants a processor with system management mode
}

// EFIVariable is one variable of the firmware.
type EFIVariable struct {
	Name       string
	GUID       GUID
	Attributes uint32 // as SetVariable takes them: AttrStored and others
	Value      []byte
}

// GUID is a GUID as EFI stores it: its first three numbers little endian.
type GUID [16]byte

// Vendors and kinds of signatures (UEFI 2.10, 32.4; shim's lib/guid.c).
var (
	GUIDGlobal   = GUID{0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c}
	GUIDSecurity = GUID{0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f} // of db and dbx
	GUIDShim     = GUID{0x50, 0xab, 0x5d, 0x60, 0x46, 0xe0, 0x00, 0x43, 0xab, 0xb6, 0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23} // of MokListRT
	guidSHA256   = GUID{0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28}
	guidCertX509 = GUID{0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72}
)

// Attributes of variables.
const (
	AttrStored        = 0x07 // non-volatile, for boot services and at run time
	AttrAuthenticated = 0x20 // changed with a signature and a time only, as db is
)

// FindFirmware finds Debian's OVMF without secure boot (package ovmf): it reads
// db, and shows it to kernels, but asks nothing of their images. The error is
// about a machine that has none.
func FindFirmware() (*Firmware, error) {
	return findOVMF("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd")
}

// FindSecureFirmware finds Debian's OVMF with secure boot, turned on: owner is
// the platform's key. QEMU's own way to hand a kernel over goes on where the
// firmware refuses its image, so that Debian's key need not be in db.
func FindSecureFirmware(owner *x509.Certificate) (*Firmware, error) {
	f, err := findOVMF("OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.fd")
	if err != nil {
		return nil, err
	}
	f.secure = true
	return f.With(EFIVariable{"PK", GUIDGlobal, AttrStored | AttrAuthenticated, SignatureLists(owner)}), nil
}

// MokListRT is the variable in which the boot loader shim tells a kernel the
// machine owner's keys.
func MokListRT(certs ...*x509.Certificate) EFIVariable {
	return EFIVariable{"MokListRT", GUIDShim, AttrStored, SignatureLists(certs...)}
}

func findOVMF(code, vars string) (*Firmware, error) {
	const dir = "/usr/share/OVMF"
	f := &Firmware{Code: filepath.Join(dir, code), Vars: filepath.Join(dir, vars)}
	for _, path := range []string{f.Code, f.Vars} {
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// With returns the firmware with one more variable.
func (f Firmware) With(v EFIVariable) *Firmware {
	f.Variables = append(f.Variables[:len(f.Variables):len(f.Variables)], v)
	return &f
}

// DB is the variable of the certificates that a machine trusts.
func DB(certs ...*x509.Certificate) EFIVariable {
	return EFIVariable{"db", GUIDSecurity, AttrStored | AttrAuthenticated, SignatureLists(certs...)}
}

// SignatureLists returns the value of a variable that holds certificates: an
// EFI_SIGNATURE_LIST for each (UEFI 2.10, 32.4.1).
func SignatureLists(certs ...*x509.Certificate) []byte {
	var b []byte
	for _, c := range certs {
		entry := len(GUIDShim) + len(c.Raw)
		b = append(b, guidCertX509[:]...)
		b = binary.LittleEndian.AppendUint32(b, uint32(28+entry))
		b = binary.LittleEndian.AppendUint32(b, 0) // no header
		b = binary.LittleEndian.AppendUint32(b, uint32(entry))
		b = append(b, GUIDShim[:]...) // who put it there: anyone
		b = append(b, c.Raw...)
	}
	return b
}

// DBX is the variable of what a machine refuses: here files, by their SHA-256.
func DBX(files ...[32]byte) EFIVariable {
	b := append([]byte{}, guidSHA256[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(28+48*len(files)))
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, 48)
	for _, sum := range files {
		b = append(append(b, GUIDShim[:]...), sum[:]...)
	}
	return EFIVariable{"dbx", GUIDSecurity, AttrStored | AttrAuthenticated, b}
}

// guidVariableStore says that the store's variables have room for what
// authenticates them: gEfiAuthenticatedVariableGuid, edk2's
// MdeModulePkg/Include/Guid/VariableFormat.h.
var guidVariableStore = GUID{0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43, 0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92}

// store returns the flash image of Vars with the variables in it.
func (f *Firmware) store() ([]byte, error) {
	b, err := os.ReadFile(f.Vars)
	if err != nil {
		return nil, err
	}
	// The volume's header has its own length at 0x30; then comes the store: GUID,
	// size, two bytes of state, six reserved.
	if len(b) < 0x64 || string(b[0x28:0x2c]) != "_FVH" {
		return nil, errors.New(f.Vars + ": no firmware volume")
	}
	at := int(binary.LittleEndian.Uint16(b[0x30:]))
	if at+28 > len(b) || GUID(b[at:at+16]) != guidVariableStore {
		return nil, errors.New(f.Vars + ": no store of authenticated variables")
	}
	end := at + int(binary.LittleEndian.Uint32(b[at+16:]))
	at += 28
	if end > len(b) || at > end || b[at] != 0xff {
		return nil, errors.New(f.Vars + ": the store is not empty")
	}
	for _, v := range f.Variables {
		record := v.record()
		if at+len(record) > end {
			return nil, fmt.Errorf("%s: no room for %s", f.Vars, v.Name)
		}
		at = (at + copy(b[at:], record) + 3) &^ 3
	}
	return b, nil
}

// record is a variable as the store has it: AUTHENTICATED_VARIABLE_HEADER, name
// in UTF-16 with its NUL, value.
func (v EFIVariable) record() []byte {
	name := append(utf16.Encode([]rune(v.Name)), 0)
	var b bytes.Buffer
	for _, field := range []any{
		uint16(0x55aa), uint8(0x3f), uint8(0), v.Attributes, // 0x3f: added, not deleted
		uint64(0), [16]byte{}, uint32(0), // count, time and key of its last change
		uint32(2 * len(name)), uint32(len(v.Value)), v.GUID, name, v.Value,
	} {
		binary.Write(&b, binary.LittleEndian, field) // a Buffer takes all
	}
	return b.Bytes()
}

// arguments returns the emulator's arguments for the firmware, whose variables
// are written into dir.
func (f *Firmware) arguments(dir string) ([]string, error) {
	store, err := f.store()
	if err != nil {
		return nil, err
	}
	vars := filepath.Join(dir, "efi-variables")
	if err := os.WriteFile(vars, store, 0o600); err != nil {
		return nil, err
	}
	machine := []string{"-machine", "q35"}
	if f.secure {
		machine = []string{"-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"}
	}
	return append(machine,
		"-drive", "if=pflash,format=raw,unit=0,readonly=on,file="+f.Code,
		"-drive", "if=pflash,format=raw,unit=1,file="+vars), nil
}

// String is the usual form: "d719b2cb-3d3a-4596-a3bc-dad00e67656f".
func (g GUID) String() string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(g[:]), binary.LittleEndian.Uint16(g[4:]), binary.LittleEndian.Uint16(g[6:]), g[8:10], g[10:])
}
